//! Aliases of tables and fields: what may be one, and which table of a service has which.

use std::collections::HashMap;

use super::{TableExtras, Tables};

/// The most characters of an alias.
const LONGEST: usize = 128;

/// The tables of one service that have an alias.
#[derive(Debug, Default)]
pub(super) struct TableAliases {
    /// Names of tables by their aliases in lower case.
    tables: HashMap<String, String>,
}

impl TableAliases {
    pub(super) fn of(tables: &Tables) -> Self {
        let with_alias = tables.iter().filter_map(|(name, table)| Some((table.alias.as_ref()?, name)));
        Self { tables: with_alias.map(|(alias, name)| (alias.to_lowercase(), name.clone())).collect() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// The table that has this alias, in any case.
    pub(super) fn table(&self, alias: &str) -> Option<&str> {
        if self.is_empty() {
            return None;
        }
        self.tables.get(&alias.to_lowercase()).map(String::as_str)
    }
}

/// Why a text can't be an alias; `None`: it can. It stands in paths, lists and conditions.
#[must_use]
pub fn alias_problem(alias: &str) -> Option<&'static str> {
    let is_plain = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-');
    if alias.is_empty() || alias.chars().count() > LONGEST {
        return Some("must have 1 to 128 characters");
    }
    (!alias.chars().all(is_plain)).then_some("must be made of letters, digits, '_' and '-'")
}

/// What is wrong with the aliases of a service, as far as its extras alone show it.
///
/// # Errors
/// What it is.
pub(super) fn check(tables: &Tables) -> Result<(), String> {
    let with_alias = tables.iter().filter_map(|(name, table)| Some((name, table.alias.as_deref()?)));
    let mut taken: HashMap<String, &str> =
        tables.keys().map(|name| (name.to_lowercase(), name.as_str())).collect();
    for (name, alias) in with_alias {
        check_one(&mut taken, name, alias).map_err(|what| format!("table '{name}': {what}"))?;
    }
    tables.iter().try_for_each(|(name, table)| check_fields(name, table))
}

fn check_fields(name: &str, table: &TableExtras) -> Result<(), String> {
    let mut taken: HashMap<String, &str> =
        table.fields.keys().map(|field| (field.to_lowercase(), field.as_str())).collect();
    for (field, alias) in table.aliases() {
        check_one(&mut taken, field, alias)
            .map_err(|what| format!("table '{name}', field '{field}': {what}"))?;
    }
    Ok(())
}

fn check_one<'n>(taken: &mut HashMap<String, &'n str>, name: &'n str, alias: &str) -> Result<(), String> {
    if let Some(what) = alias_problem(alias) {
        return Err(format!("the alias '{alias}' {what}"));
    }
    match taken.insert(alias.to_lowercase(), name) {
        Some(other) if other != name => Err(format!("the alias '{alias}' is a name of '{other}', too")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extras::FieldExtras;

    fn tables(aliases: &[(&str, Option<&str>)]) -> Tables {
        let table =
            |alias: Option<&str>| TableExtras { alias: alias.map(str::to_owned), ..TableExtras::default() };
        aliases.iter().map(|(name, alias)| ((*name).to_owned(), table(*alias))).collect()
    }

    #[test]
    fn a_table_is_found_by_its_alias_in_any_case() {
        let known = TableAliases::of(&tables(&[("sales.t_ord", Some("Orders")), ("b", None)]));
        let found = |alias: &str| known.table(alias).map(str::to_owned);
        assert_eq!(found("oRDERS").as_deref(), Some("sales.t_ord"));
        assert_eq!((found("b"), found("sales.t_ord")), (None, None));
    }

    #[test]
    fn two_names_of_tables_are_never_the_same() {
        let refused = |aliases: &[(&str, Option<&str>)], expected: &str| {
            assert_eq!(check(&tables(aliases)).unwrap_err(), expected);
        };
        refused(
            &[("a", Some("Things")), ("b", Some("things"))],
            "table 'b': the alias 'things' is a name of 'a', too",
        );
        refused(&[("a", Some("B")), ("b", None)], "table 'a': the alias 'B' is a name of 'b', too");
        refused(
            &[("a", Some("x/y"))],
            "table 'a': the alias 'x/y' must be made of letters, digits, '_' and '-'",
        );
        assert_eq!(check(&tables(&[("A", Some("a")), ("b", Some("größe-2"))])), Ok(()));
    }

    #[test]
    fn two_names_of_fields_are_never_the_same() {
        let field = |alias: &str| FieldExtras { alias: Some(alias.to_owned()), ..FieldExtras::default() };
        let with = |fields: &[(&str, &str)]| {
            let fields = fields.iter().map(|(name, alias)| ((*name).to_owned(), field(alias))).collect();
            let table = TableExtras { fields, ..TableExtras::default() };
            check(&Tables::from([("t".to_owned(), table)]))
        };
        let taken = "table 't', field 'b': the alias 'X' is a name of 'a', too";
        assert_eq!(with(&[("a", "x"), ("b", "X")]), Err(taken.to_owned()));
        assert!(with(&[("a", "b"), ("b", "a")]).is_err());
        assert!(with(&[("a", "")]).is_err());
        assert_eq!(with(&[("a", "x"), ("b", "y")]), Ok(()));
    }
}
