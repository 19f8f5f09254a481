//! How much a request may ask: names, terms, identifiers, operations. Without bounds a few hundred kilobytes of them would keep a thread,
//! and then the store, busy for long.

use super::Error;

/// The bounds that the configuration sets. All others are far beyond what clients need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The longest text of one filter, in bytes.
    pub filter: usize,
    /// The most operations of a batch.
    pub operations: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { filter: 64 * 1024, operations: 1000 }
    }
}

/// Fields of an answer: as many as the widest tables have columns.
pub(super) const MAX_FIELDS: usize = 2_000;
/// Names of any other list: sort keys, columns to group by, identifying columns, relationships.
pub(super) const MAX_NAMES: usize = 100;
/// Identifiers of rows.
pub(super) const MAX_IDS: usize = 100_000;

/// Refuses a list that is too long. Whoever cuts a text may stop at one item more than may be there.
pub(super) fn at_most<T>(items: Vec<T>, most: usize, parameter: &'static str) -> Result<Vec<T>, Error> {
    if items.len() <= most {
        return Ok(items);
    }
    Err(Error::new(parameter, format!("'{parameter}' may have at most {most} items")))
}
