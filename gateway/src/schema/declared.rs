//! Keys that the configuration declares for views and tables of which the store knows none. Pure.

use std::collections::BTreeMap;

use connector_api::model::Table;

use super::names::{lookup_key, public_name};
use crate::extras::TableExtras;
use crate::plan::Columns;

/// Columns by the public name of their view or table.
pub type Keys = BTreeMap<String, Vec<String>>;

/// The key that is declared for a table, by the store's names; `None`: there is none.
///
/// # Errors
/// What is wrong with it: the table has a key of its own, or lacks a column.
pub fn key_of(table: &Table, keys: &Keys) -> Result<Option<Vec<String>>, String> {
    if keys.is_empty() {
        return Ok(None);
    }
    let name = public_name(&table.table);
    let Some(declared) = find(keys, &name) else { return Ok(None) };
    if !table.primary_key.is_empty() {
        return Err(format!("`keys` declares a key for '{name}', which has a primary key of its own"));
    }
    let columns = Columns::new(table);
    let column = |wanted: &String| {
        let found = columns.find(wanted).map(|column| column.name.clone());
        found.ok_or_else(|| format!("`keys` names the column '{wanted}', which '{name}' does not have"))
    };
    declared.iter().map(column).collect::<Result<_, _>>().map(Some)
}

/// The key that the extras of a view declare for it, in the order of its columns; `None`: there is none.
#[must_use]
pub fn key_by_extras(table: &Table, extras: &TableExtras) -> Option<Vec<String>> {
    let declared = extras.key();
    let is_declared = |name: &String| declared.iter().any(|known| lookup_key(known) == lookup_key(name));
    let key: Vec<String> =
        table.columns.iter().map(|column| &column.name).filter(|name| is_declared(name)).cloned().collect();
    (!key.is_empty() && key.len() == declared.len()).then_some(key)
}

/// The first declared name that none of these tables has.
#[must_use]
pub fn unknown<'k>(keys: &'k Keys, tables: &[String]) -> Option<&'k str> {
    let is_known = |name: &str| tables.iter().any(|table| lookup_key(table) == lookup_key(name));
    keys.keys().map(String::as_str).find(|name| !is_known(name))
}

fn find<'k>(keys: &'k Keys, table: &str) -> Option<&'k Vec<String>> {
    keys.iter().find(|(name, _)| lookup_key(name) == lookup_key(table)).map(|(_, columns)| columns)
}

#[cfg(test)]
mod tests {
    use connector_api::model::{Column, ColumnType, TableRef};

    use super::*;

    fn view(primary_key: &[&str]) -> Table {
        Table {
            table: TableRef::new("Paid"),
            columns: vec![Column::new("Id", ColumnType::BigInt), Column::new("line", ColumnType::Integer)],
            primary_key: primary_key.iter().map(|name| (*name).to_owned()).collect(),
            ..Table::default()
        }
    }

    fn keys(table: &str, columns: &[&str]) -> Keys {
        Keys::from([(table.to_owned(), columns.iter().map(|name| (*name).to_owned()).collect())])
    }

    #[test]
    fn names_are_found_in_any_case_and_become_the_stores() {
        let key = vec!["Id".to_owned(), "line".to_owned()];
        assert_eq!(key_of(&view(&[]), &keys("paid", &["id", "LINE"])), Ok(Some(key)));
        assert_eq!(key_of(&view(&[]), &keys("other", &["id"])), Ok(None));
        assert_eq!(key_of(&view(&["Id"]), &Keys::new()), Ok(None));
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let check = |table: Table, columns: &[&str], expected: &str| {
            assert_eq!(key_of(&table, &keys("Paid", columns)), Err(expected.to_owned()));
        };
        check(view(&[]), &["id", "x"], "`keys` names the column 'x', which 'Paid' does not have");
        check(
            view(&["Id"]),
            &["line"],
            "`keys` declares a key for 'Paid', which has a primary key of its own",
        );
        let tables = ["PAID".to_owned()];
        assert_eq!(unknown(&keys("paid", &["id"]), &tables), None);
        assert_eq!(unknown(&keys("pade", &["id"]), &tables), Some("pade"));
    }
}
