//! Rows to groups, with their aggregates and the condition on them.

use std::collections::HashMap;

use connector_api::author::{Aggregate, AggregateFunction, Error, Group, Path, Result, Value};

use super::Condition;
use super::aggregate::Accumulator;
use super::distinct::Budget;
use super::key::key;

/// The groups of a query while its rows come in. Kept in memory: what is known of each group, and the values of its distinct
/// aggregates; the bound is on both together.
#[derive(Debug)]
pub struct Groups<'a> {
    group: &'a Group,
    places: HashMap<Vec<u8>, usize>,
    open: Vec<OpenGroup>,
    budget: Budget,
}

#[derive(Debug)]
struct OpenGroup {
    by: Vec<Value>,
    aggregates: Vec<Accumulator>,
}

impl<'a> Groups<'a> {
    /// At most `bound` groups and distinct values.
    ///
    /// # Errors
    /// *Internal* for an aggregate without a column that is not a count.
    pub fn new(group: &'a Group, bound: usize) -> Result<Self> {
        let lacks_column =
            |aggregate: &Aggregate| aggregate.of.is_none() && aggregate.function != AggregateFunction::Count;
        if group.aggregates.iter().any(lacks_column) {
            return Err(Error::internal("an aggregate other than a count has no column"));
        }
        let mut groups = Self { group, places: HashMap::new(), open: Vec::new(), budget: Budget::new(bound) };
        if group.by.is_empty() {
            groups.place(&[])?;
        }
        Ok(groups)
    }

    /// Adds a row to its group.
    ///
    /// # Errors
    /// What `row` answers for a column; *limit exceeded* at the bound; `out_of_range` for a sum.
    pub fn add<'r>(&mut self, row: &impl Fn(&Path) -> Result<&'r Value>) -> Result<()> {
        let by = self.group.by.iter().map(row).collect::<Result<Vec<_>>>()?;
        let place = self.place(&by)?;
        let Some(open) = self.open.get_mut(place) else { return Err(Error::internal("a group is lost")) };
        for (aggregate, known) in self.group.aggregates.iter().zip(&mut open.aggregates) {
            match &aggregate.of {
                Some(column) => known.add(row(column)?, &mut self.budget)?,
                None => known.add_row(),
            }
        }
        Ok(())
    }

    fn place(&mut self, by: &[&Value]) -> Result<usize> {
        let key = key(by.iter().copied());
        if let Some(place) = self.places.get(&key) {
            return Ok(*place);
        }
        self.budget.take()?;
        let place = self.open.len();
        self.open.push(OpenGroup {
            by: by.iter().copied().cloned().collect(),
            aggregates: self.group.aggregates.iter().map(Accumulator::new).collect(),
        });
        self.places.insert(key, place);
        Ok(place)
    }

    /// The groups for which `having` is true, in the order in which they began. Read their cells with [`group_cell`].
    ///
    /// # Errors
    /// As [`Condition::new`] and [`Condition::matches`]; `out_of_range` for an aggregate.
    pub fn finish(self, params: &[Value]) -> Result<Vec<Vec<Value>>> {
        let having = Condition::new(self.group.having.as_ref(), params)?;
        let mut kept = Vec::with_capacity(self.open.len());
        for OpenGroup { by: mut row, aggregates } in self.open {
            for aggregate in aggregates {
                row.push(aggregate.into_value()?);
            }
            if having.matches(&|path: &Path| group_cell(self.group, &row, path))? {
                kept.push(row);
            }
        }
        Ok(kept)
    }
}

/// The cell of a finished group: of a column it was made by, or of an aggregate by name.
///
/// # Errors
/// *Internal* when the group has neither.
pub fn group_cell<'r>(group: &Group, row: &'r [Value], path: &Path) -> Result<&'r Value> {
    let named = || group.aggregates.iter().position(|aggregate| path.as_column() == Some(&aggregate.name));
    let place = group.by.iter().position(|by| by == path).or_else(|| Some(group.by.len() + named()?));
    place
        .and_then(|place| row.get(place))
        .ok_or_else(|| Error::internal("a grouped query names something that its groups do not have"))
}
