//! Rows and values that shall come once, within a bound on what is remembered for them.

use std::collections::HashSet;

use connector_api::author::{Error, ErrorKind, Result, Value};

use super::key::key;

/// How many groups and distinct values one query may keep in memory. A connector names its bound in its README.
#[derive(Debug)]
pub(super) struct Budget {
    bound: usize,
    used: usize,
}

impl Budget {
    pub(super) fn new(bound: usize) -> Self {
        Self { bound, used: 0 }
    }

    /// One more.
    ///
    /// # Errors
    /// *Limit exceeded* beyond the bound, which the message names.
    pub(super) fn take(&mut self) -> Result<()> {
        if self.used >= self.bound {
            let bound = self.bound;
            let message = format!(
                "the query has more than {bound} groups and distinct values; filter more of them out"
            );
            return Err(Error::new(ErrorKind::LimitExceeded, message).with_reason("too_many_groups"));
        }
        self.used += 1;
        Ok(())
    }
}

/// The rows that have come.
#[derive(Debug)]
pub struct Distinct {
    seen: HashSet<Vec<u8>>,
    budget: Budget,
}

impl Distinct {
    /// Remembers at most so many rows.
    pub fn new(bound: usize) -> Self {
        Self { seen: HashSet::new(), budget: Budget::new(bound) }
    }

    /// Whether no row with these values came before. Nulls are equal.
    ///
    /// # Errors
    /// *Limit exceeded* when there are more different rows than the bound.
    pub fn is_new<'v>(&mut self, row: impl IntoIterator<Item = &'v Value>) -> Result<bool> {
        is_new(&mut self.seen, row, &mut self.budget)
    }
}

pub(super) fn is_new<'v>(
    seen: &mut HashSet<Vec<u8>>,
    values: impl IntoIterator<Item = &'v Value>,
    budget: &mut Budget,
) -> Result<bool> {
    let is_new = seen.insert(key(values));
    if is_new {
        budget.take()?;
    }
    Ok(is_new)
}
