//! Which columns and relationships an answer shall hold.

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
    /// Names and aggregates (`COUNT(*)`) in the order and spelling of the request, duplicates included.
    Named(Vec<String>),
}

impl Fields {
    /// From the list of a `fields` parameter, `None` if it was absent.
    pub(super) fn from_list(list: Option<Vec<String>>) -> Self {
        match list {
            None => Self::Absent,
            Some(names) if names.iter().any(|name| name == "*") => Self::All,
            Some(names) if names.is_empty() => Self::Identifiers,
            Some(names) => Self::Named(names),
        }
    }
}

/// The `related` of a request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Related {
    /// No relationship.
    #[default]
    None,
    /// `*`: every relationship.
    All,
    /// Relationship names in the order of the request.
    Named(Vec<String>),
}

impl Related {
    pub(super) fn from_list(list: Option<Vec<String>>) -> Self {
        match list {
            Some(names) if names.iter().any(|name| name == "*") => Self::All,
            Some(names) if !names.is_empty() => Self::Named(names),
            _ => Self::None,
        }
    }
}
