//! What a service knows of its tables, and the statements that were made from it. Both are forgotten together when a table has changed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use connector_api::author::{Filter, Result, TableRef};

use crate::build::tables_beside;
use crate::statement::{Form, Statement, StatementCache, StatementKey};

/// Statements that a service keeps.
const STATEMENTS: usize = 2_048;
/// Tables whose columns a service keeps. Full, it is emptied.
const TABLES: usize = 10_000;

/// Tables and statements of a service; `T` is what a statement has to know of a table.
pub struct Known<T> {
    statements: Mutex<StatementCache>,
    tables: Mutex<HashMap<TableRef, Arc<T>>>,
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self { statements: Mutex::new(StatementCache::new(STATEMENTS)), tables: Mutex::default() }
    }
}

impl<T: PartialEq> Known<T> {
    /// What is known of a table.
    #[must_use]
    pub fn table(&self, table: &TableRef) -> Option<Arc<T>> {
        lock(&self.tables).get(table).cloned()
    }

    /// What is known of the tables into which these conditions look.
    #[must_use]
    pub fn beside(&self, conditions: Vec<&Filter>) -> Vec<(TableRef, Arc<T>)> {
        let tables = tables_beside(conditions).into_iter();
        tables.filter_map(|table| Some((table.clone(), self.table(table)?))).collect()
    }

    /// A statement, built when it is not known yet.
    ///
    /// # Errors
    /// What `build` answers.
    pub fn statement(
        &self,
        key: StatementKey,
        build: impl FnOnce(&Form) -> Result<Statement>,
    ) -> Result<Arc<Statement>> {
        lock(&self.statements).get(key, build)
    }

    /// Keeps what a table is like. Statements made for what it was before are forgotten; tells whether there may be any.
    pub fn keep(&self, table: &TableRef, info: T) -> bool {
        let info = Arc::new(info);
        let mut tables = lock(&self.tables);
        let is_full = tables.len() >= TABLES;
        if is_full {
            tables.clear();
        }
        let before = tables.insert(table.clone(), Arc::clone(&info));
        drop(tables);
        // What is thrown away can't be compared with what comes later.
        let is_outdated = is_full || before.is_some_and(|before| before != info);
        if is_outdated {
            lock(&self.statements).clear();
        }
        is_outdated
    }

    /// The table may have changed.
    pub fn forget(&self, table: &TableRef) {
        lock(&self.tables).remove(table);
        lock(&self.statements).clear();
    }
}

// A std mutex: nothing awaits while it is held.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_known_until_it_is_forgotten() {
        let (known, table) = (Known::default(), TableRef { namespace: vec![], name: "t".to_owned() });
        assert_eq!(known.table(&table), None);
        for (info, is_outdated) in [(1, false), (1, false), (2, true)] {
            assert_eq!(known.keep(&table, info), is_outdated);
            assert_eq!(known.table(&table).as_deref(), Some(&info));
        }
        known.forget(&table);
        assert_eq!(known.table(&table), None);
    }
}
