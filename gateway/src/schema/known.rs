//! What a service makes of the descriptions in its catalogue, once for each: the table as requests see it, and how it is shown.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, PoisonError, RwLock};

use connector_api::model::{Table, TableRef};

use super::names::public_name;
use crate::plan::{Aliases, Checks, Columns, Views};

/// How many tables are remembered. Full, all are dropped: simple, and those in use are back at once.
const KEPT: usize = 10_000;

/// A table as requests see it, which calls its columns as clients do. Dereferences to it.
#[derive(Debug)]
pub struct Known {
    described: Arc<Table>,
    seen: Seen,
    views: Views,
    name: Arc<str>,
}

/// What is made of a description.
#[derive(Debug)]
pub struct Seen {
    /// The table with the names of the store.
    pub own: Arc<Table>,
    /// The same with the names of clients.
    pub table: Arc<Table>,
    /// What is called otherwise by clients than by the store; `None`: nothing.
    pub aliases: Option<Arc<Aliases>>,
    /// What values have to keep.
    pub checks: Checks,
}

impl Known {
    /// What clients call it, with the case that the catalogue has.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// How it is shown.
    #[must_use]
    pub fn views(&self) -> &Views {
        &self.views
    }

    /// What values have to keep that are written into it.
    #[must_use]
    pub fn checks(&self) -> &Checks {
        &self.seen.checks
    }

    /// The table with the names of the store, as the schema is described.
    #[must_use]
    pub fn own(&self) -> &Arc<Table> {
        &self.seen.own
    }

    /// The store's names of fields that are called otherwise; `None`: there are none.
    #[must_use]
    pub fn aliases(&self) -> Option<&Arc<Aliases>> {
        self.seen.aliases.as_ref()
    }

    /// These columns of the store as clients call them.
    #[must_use]
    pub fn names(&self, columns: &[String]) -> Vec<String> {
        match &self.seen.aliases {
            None => columns.to_vec(),
            Some(aliases) => columns.iter().map(|column| aliases.name(column).to_owned()).collect(),
        }
    }

    /// The other way round: columns as clients call them under the names of the store.
    #[must_use]
    pub fn own_names(&self, names: &[String]) -> Vec<String> {
        let own = |name: &String| {
            let known = Columns::new(self).find(name)?;
            let place = self.columns.iter().position(|column| column.name == known.name)?;
            self.seen.own.columns.get(place).map(|column| column.name.clone())
        };
        names.iter().map(|name| own(name).unwrap_or_else(|| name.clone())).collect()
    }

    /// The same table with nothing beside what the store has: its names, no functions, no rules for values.
    #[must_use]
    pub fn as_stored(&self) -> Arc<Self> {
        let (own, table) = (Arc::clone(&self.seen.own), Arc::clone(&self.seen.own));
        let seen = Seen { own, table, aliases: None, checks: Checks::default() };
        let name = Arc::clone(&self.name);
        Arc::new(Self { described: Arc::clone(&self.described), seen, views: Views::default(), name })
    }
}

impl Deref for Known {
    type Target = Table;

    fn deref(&self) -> &Table {
        &self.seen.table
    }
}

/// The tables of one service with one configuration.
#[derive(Debug, Default)]
pub struct Tables(RwLock<HashMap<TableRef, Arc<Known>>>);

impl Tables {
    /// What is known of the table with this description. With another description than before, which a refresh brings, nothing is;
    /// then `make` gives the table as requests see it.
    pub fn of(&self, described: Arc<Table>, make: impl FnOnce(Arc<Table>) -> Seen) -> Arc<Known> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&described.table).cloned();
        if let Some(known) = known.filter(|known| Arc::ptr_eq(&known.described, &described)) {
            return known;
        }
        let seen = make(Arc::clone(&described));
        let name = public_name(&described.table).into();
        let known = Arc::new(Known { described, seen, views: Views::default(), name });
        let mut tables = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if tables.len() >= KEPT {
            tables.clear();
        }
        tables.insert(known.described.table.clone(), Arc::clone(&known));
        known
    }
}

#[cfg(test)]
mod tests {
    use connector_api::model::{Column, ColumnType};

    use super::*;

    fn described(column: &str) -> Arc<Table> {
        let columns = vec![Column::new(column, ColumnType::Integer)];
        Arc::new(Table { table: TableRef::new("t"), columns, ..Table::default() })
    }

    #[test]
    fn a_description_is_worked_out_once_and_a_new_one_again() {
        let tables = Tables::default();
        let made = std::cell::Cell::new(0);
        let of = |described: &Arc<Table>| {
            tables.of(Arc::clone(described), |table| {
                made.set(made.get() + 1);
                Seen { own: Arc::clone(&table), table, aliases: None, checks: Checks::default() }
            })
        };
        let (before, after) = (described("a"), described("b"));
        assert!(Arc::ptr_eq(&of(&before), &of(&before)));
        assert_eq!(of(&after).columns, after.columns);
        assert_eq!(made.get(), 2);
    }
}
