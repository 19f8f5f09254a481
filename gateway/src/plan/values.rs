//! The parameters of a plan: every value a caller gave ends up here, and the shape only refers to its position.

use connector_api::model::{Param, Value};

/// Parameters in the order in which the shape refers to them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Values(Vec<Value>);

impl From<Vec<Value>> for Values {
    /// Goes on with the parameters of a plan.
    fn from(values: Vec<Value>) -> Self {
        Self(values)
    }
}

impl Values {
    /// Keeps a value; gives its position.
    pub(super) fn push(&mut self, value: Value) -> Param {
        self.0.push(value);
        self.0.len() - 1
    }

    /// How many a store would have to bind: items of lists one by one.
    pub(super) fn bound_count(&self) -> usize {
        self.0.iter().map(|value| if let Value::List(items) = value { items.len() } else { 1 }).sum()
    }

    pub(super) fn into_vec(self) -> Vec<Value> {
        self.0
    }
}
