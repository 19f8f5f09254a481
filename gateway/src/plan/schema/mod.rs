//! Wishes for tables and their present descriptions → the changes that lie between them. What is wished as it is already changes nothing,
//! so a description that was read may be sent back with one thing changed. Extras, which no store knows, are not planned here.

mod alter;
mod column;
mod create;
mod differing;
mod reference;
mod relationship;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use connector_api::model::{Table, TableName, TableRef};

pub use alter::{Removal, altered};
pub use create::created;
pub use differing::differing;
pub use relationship::{KeptRelationship, check_names, foreign_key_of};

use super::Error;
use crate::request::schema::Said;

/// The tables that a wish refers to, by the names that it has for them.
pub type Targets = HashMap<String, Target>;

/// A table that is referred to.
#[derive(Debug, Clone)]
pub enum Target {
    /// It is there.
    Known(Arc<Table>),
    /// The same request creates it later, and then asks for the reference again.
    Later,
}

/// A field, for errors.
#[derive(Clone, Copy)]
struct Place<'a> {
    table: &'a str,
    field: &'a str,
}

impl Place<'_> {
    fn wrong(self, what: impl std::fmt::Display) -> Error {
        Error::record(format!("Table '{}', field '{}': {what}.", self.table, self.field))
    }

    fn unsupported(self, what: impl std::fmt::Display) -> Error {
        Error::unsupported(format!("Table '{}', field '{}': {what}", self.table, self.field))
    }
}

/// What is said goes over what was kept; what is so without it is not kept.
pub fn merge<T: Clone + PartialEq>(kept: &mut Option<T>, wish: &Said<T>, bare: &Said<T>) {
    if wish.is_some() {
        *kept = if wish == bare { None } else { wish.clone().flatten() };
    }
}

/// The exact name of a new table. The store's own namespace is that of the plain name; another one is known by the tables in it. Where
/// there are namespaces, a name with a dot means one of them.
///
/// # Errors
/// It means one that is not known.
pub fn new_table_ref(name: &str, known: &[TableName]) -> Result<TableRef, Error> {
    let inside = |namespace: &Vec<String>| {
        let prefix = namespace.join(".");
        let rest = name.strip_prefix(&prefix)?.strip_prefix('.')?;
        (!namespace.is_empty() && !rest.is_empty())
            .then(|| TableRef { namespace: namespace.clone(), name: rest.to_owned() })
    };
    let found = known.iter().filter_map(|known| inside(&known.table.namespace));
    if let Some(found) = found.max_by_key(|found| found.namespace.len()) {
        return Ok(found);
    }
    if name.contains('.') && known.iter().any(|known| !known.table.namespace.is_empty()) {
        let what = "it begins with no namespace that has a table; make the first one in the database itself";
        return Err(Error::record(format!("Table '{name}': {what}, or use a name without a dot.")));
    }
    Ok(TableRef::new(name))
}
