//! What a write computes for its columns.

use connector_api::author::{Assignment, Path, Result, Value};

use super::Condition;

/// Assignments with their parameters, ready to be computed on rows. All rows see the same `now`.
#[derive(Debug)]
pub struct Computed<'a> {
    assignments: &'a [Assignment],
    evaluator: Condition<'a>,
}

impl<'a> Computed<'a> {
    /// Checks the expressions before any row is touched.
    ///
    /// # Errors
    /// *Internal* for a parameter that was not sent or a function with the wrong number of arguments.
    pub fn new(assignments: &'a [Assignment], params: &'a [Value]) -> Result<Self> {
        let evaluator = Condition::new(None, params)?;
        evaluator.check_all(assignments.iter().map(|assignment| &assignment.value))?;
        Ok(Self { assignments, evaluator })
    }

    /// As [`Condition::in_milliseconds`].
    #[must_use]
    pub fn in_milliseconds(self) -> Self {
        Self { evaluator: self.evaluator.in_milliseconds(), ..self }
    }

    /// The values for the row as it was, in the order of the assignments.
    ///
    /// # Errors
    /// What `row` answers for a column, and `out_of_range` from arithmetic.
    pub fn values<'r>(&self, row: &impl Fn(&Path) -> Result<&'r Value>) -> Result<Vec<Value>> {
        let value = |assignment: &Assignment| Ok(self.evaluator.value(&assignment.value, row)?.into_owned());
        self.assignments.iter().map(value).collect()
    }
}
