//! Which columns an answer shall hold.

use super::FieldItem;

/// The `fields` of a request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Fields {
    /// The parameter was not given: on a read every column, on a write the identifying ones.
    #[default]
    Absent,
    /// `*`, alone or among names.
    All,
    /// Given but empty: the identifying columns.
    Identifiers,
    /// Names and aggregates (`COUNT(*)`) in the order of the request, duplicates included.
    Named(Vec<FieldItem>),
}

impl Fields {
    /// From the list of a `fields` parameter, `None` if it was absent.
    pub(super) fn from_list(list: Option<Vec<FieldItem>>) -> Self {
        let is_all = |item: &FieldItem| item.term.name == "*" && !item.term.is_quoted;
        match list {
            None => Self::Absent,
            Some(items) if items.iter().any(is_all) => Self::All,
            Some(items) if items.is_empty() => Self::Identifiers,
            Some(items) => Self::Named(items),
        }
    }
}
