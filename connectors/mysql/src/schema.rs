//! Tables and columns as the catalogue has them: a query for any number of tables, for each kind of what belongs to them. Routines are in
//! `routines`.

mod routines;

use std::collections::HashMap;

use connector_api::Result;
use connector_api::author::{Column, DefaultValue, ForeignKey, Key, Table, TableKind, TableName, TableRef};

pub(crate) use self::routines::{
    FoundRoutine, PARAMETERS, PARAMETERS_NAMED, ROUTINES, ROUTINES_NAMED, routines,
};
use crate::table::{ColumnInfo, PRIMARY, TableInfo, UniqueKey};
use crate::translate::Kept;
use crate::types::{self, Class, Declared, Fields};

/// Whether a backslash in a text is itself, on this connection.
pub(crate) const BACKSLASH_IS_PLAIN: &str = "SELECT FIND_IN_SET('NO_BACKSLASH_ESCAPES', @@sql_mode) > 0";

/// A sequence is listed as a table.
pub(crate) const TABLES: &str = "
    SELECT table_name, table_type FROM information_schema.tables
    WHERE table_schema = DATABASE() AND table_type <> 'SEQUENCE' ORDER BY table_name";

const TABLES_OF: &str = "
    SELECT table_name, table_type, table_comment FROM information_schema.tables
    WHERE table_schema = DATABASE() AND table_type <> 'SEQUENCE' AND table_name ";

const COLUMNS_OF: &str = "
    SELECT table_name, column_name, data_type, column_type, is_nullable, column_default, extra,
        character_maximum_length, numeric_precision, numeric_scale, column_comment, collation_name
    FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name ";

/// Whole columns only: an index over the beginning of a text, or over an expression, is no key.
const KEYS_OF: &str = "
    SELECT table_name, index_name, non_unique, column_name, sub_part
    FROM information_schema.statistics
    WHERE table_schema = DATABASE() AND table_name ";

const REFERENCES_OF: &str = "
    SELECT table_name, constraint_name, column_name, referenced_table_name, referenced_column_name,
        referenced_table_schema = DATABASE()
    FROM information_schema.key_column_usage
    WHERE table_schema = DATABASE() AND referenced_table_name IS NOT NULL AND table_name ";

/// Not joined to the references: for a join MariaDB reads the catalogue of all tables.
const RULES_OF: &str = "
    SELECT table_name, constraint_name, update_rule, delete_rule FROM information_schema.referential_constraints
    WHERE constraint_schema = DATABASE() AND table_name ";

/// Checks that belong to columns, which lend them their names. MariaDB's JSON is a text with one:
/// <https://mariadb.com/docs/server/reference/data-types/string-data-types/json>.
const CHECKS_OF: &str = "
    SELECT table_name, constraint_name, check_clause = CONCAT('json_valid(`', constraint_name, '`)')
    FROM information_schema.check_constraints
    WHERE constraint_schema = DATABASE() AND level = 'Column' AND table_name ";

/// For `change`: tables that refer to others.
const REFERRERS_OF: &str = "
    SELECT DISTINCT table_name FROM information_schema.key_column_usage
    WHERE table_schema = DATABASE() AND referenced_table_schema = DATABASE() AND referenced_table_name ";

/// One of the queries about tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum About {
    Tables,
    Columns,
    Keys,
    References,
    Rules,
    /// Of MariaDB only.
    Checks,
    /// About tables that refer to those asked for; only where tables change.
    Referrers,
}

impl About {
    /// Those that a server answers.
    pub(crate) fn all(is_mariadb: bool) -> impl Iterator<Item = Self> {
        let common = [Self::Tables, Self::Columns, Self::Keys, Self::References, Self::Rules];
        common.into_iter().chain(is_mariadb.then_some(Self::Checks))
    }

    /// The query for so many tables. For one of them the server does not look at the others.
    pub(crate) fn sql(self, tables: usize) -> String {
        let (sql, order) = match self {
            Self::Tables => (TABLES_OF, ""),
            Self::Columns => (COLUMNS_OF, " ORDER BY table_name, ordinal_position"),
            Self::Keys => (KEYS_OF, " ORDER BY table_name, index_name, seq_in_index"),
            Self::References => (REFERENCES_OF, " ORDER BY table_name, constraint_name, ordinal_position"),
            Self::Rules => (RULES_OF, ""),
            Self::Checks => (CHECKS_OF, ""),
            Self::Referrers => (REFERRERS_OF, ""),
        };
        let names =
            if tables == 1 { "= ?".to_owned() } else { format!("IN ({})", vec!["?"; tables].join(", ")) };
        format!("{sql}{names}{order}")
    }
}

/// A table in a list.
pub(crate) fn table_name(row: &Fields) -> Option<TableName> {
    Some(TableName { table: TableRef::new(row.text(0)?), kind: table_kind(row.text(1)?) })
}

fn table_kind(words: &str) -> TableKind {
    if words.ends_with("VIEW") { TableKind::View } else { TableKind::Table }
}

/// A table, described and as statements have to know it.
pub(crate) struct Found {
    pub(crate) table: Table,
    pub(crate) info: TableInfo,
    pub(crate) kept: Vec<Kept>,
}

/// Tables that are put together from the rows of all queries.
pub(crate) struct Catalogue {
    found: HashMap<String, Found>,
    is_mariadb: bool,
}

impl Catalogue {
    pub(crate) fn new(is_mariadb: bool) -> Self {
        Self { found: HashMap::new(), is_mariadb }
    }

    /// Adds a row. Tables come first, then what belongs to them.
    pub(crate) fn add(&mut self, about: About, row: &Fields) {
        // What is not as the manual says is as good as not there.
        let _ = match about {
            About::Tables => self.add_table(row),
            About::Columns => self.add_column(row),
            About::Keys => self.add_key(row),
            About::References => self.add_reference(row),
            About::Rules => self.add_rules(row),
            About::Checks => self.add_check(row),
            About::Referrers => None,
        };
    }

    /// Those of these tables that exist.
    pub(crate) fn tables(mut self, wanted: &[TableRef]) -> Vec<Found> {
        let taken = wanted.iter().filter(|table| table.namespace.is_empty());
        taken.filter_map(|table| self.found.remove(&table.name)).map(Found::finished).collect()
    }

    fn of(&mut self, row: &Fields) -> Option<&mut Found> {
        self.found.get_mut(row.text(0)?)
    }

    fn add_table(&mut self, row: &Fields) -> Option<()> {
        let name = row.text(0)?;
        let kind = table_kind(row.text(1)?);
        // Of a view it says that it is one.
        let comment = row.text(2).filter(|words| !words.is_empty() && kind == TableKind::Table);
        let table = Table {
            table: TableRef::new(name),
            kind,
            comment: comment.map(str::to_owned),
            ..Table::default()
        };
        let info = TableInfo {
            columns: HashMap::new(),
            writable: Vec::new(),
            keys: Vec::new(),
            numbered: None,
            is_mariadb: self.is_mariadb,
        };
        self.found.insert(name.to_owned(), Found { table, info, kept: Vec::new() });
        Some(())
    }

    fn add_column(&mut self, row: &Fields) -> Option<()> {
        let is_mariadb = self.is_mariadb;
        let (name, extra) = (row.text(1)?, row.text(6)?.to_ascii_lowercase());
        let words = types::unescaped(row.text(3)?);
        let declared = Declared {
            name: row.text(2)?,
            words: &words,
            length: row.number(7),
            precision: row.number(8),
            scale: row.number(9),
        };
        let (described, class) = types::column(name, declared);
        let is_generated = extra.contains("generated") && !extra.contains("default_generated");
        let is_numbered = extra.contains("auto_increment");
        let comment = row.text(10).filter(|words| !words.is_empty()).map(str::to_owned);
        let is_expression = extra.contains("default_generated");
        let default = row.text(5).and_then(|text| default_value(text, is_mariadb, is_expression, class));
        let info = ColumnInfo { class, labels: described.allowed_values.clone() };
        let (collation, updated) = (row.text(11).map(str::to_owned), updated(&extra));
        let is_invisible = extra.contains("invisible");
        let found = self.of(row)?;
        let (table, column) = (found.table.table.clone(), name.to_owned());
        found.kept.push(Kept { table, column, collation, updated, is_invisible, is_checked: false });
        found.table.columns.push(Column {
            is_nullable: row.text(4)? == "YES",
            is_auto_increment: is_numbered,
            is_generated,
            default: default.filter(|_| !is_generated),
            comment,
            ..described
        });
        found.info.columns.insert(name.to_owned(), info);
        if !is_generated {
            found.info.writable.push(name.to_owned());
        }
        if is_numbered {
            found.info.numbered = Some(name.to_owned());
        }
        Some(())
    }

    fn add_key(&mut self, row: &Fields) -> Option<()> {
        let (name, is_unique) = (row.text(1)?.to_owned(), row.number(2)? == 0);
        let column = row.text(3).filter(|_| row.number(4).is_none()).unwrap_or_default().to_owned();
        let found = self.of(row)?;
        if is_unique {
            match found.info.keys.iter_mut().find(|key| key.name == name) {
                Some(key) => key.columns.push(column),
                None => found.info.keys.push(UniqueKey { name, columns: vec![column] }),
            }
            return Some(());
        }
        match found.table.indexes.iter_mut().find(|key| key.name == name) {
            Some(key) => key.columns.push(column),
            None => found.table.indexes.push(Key { name, columns: vec![column] }),
        }
        Some(())
    }

    fn add_reference(&mut self, row: &Fields) -> Option<()> {
        let name = row.text(1)?;
        // Into another database, which this service does not show.
        if row.number(5)? != 1 {
            return None;
        }
        let (column, referenced) = (row.text(2)?.to_owned(), row.text(4)?.to_owned());
        let found = self.of(row)?;
        if let Some(key) = found.table.foreign_keys.iter_mut().find(|key| key.name == name) {
            key.columns.push(column);
            key.referenced_columns.push(referenced);
            return Some(());
        }
        found.table.foreign_keys.push(ForeignKey {
            name: name.to_owned(),
            columns: vec![column],
            references: TableRef::new(row.text(3)?),
            referenced_columns: vec![referenced],
            ..ForeignKey::default()
        });
        Some(())
    }

    fn add_rules(&mut self, row: &Fields) -> Option<()> {
        let keys = &mut self.of(row)?.table.foreign_keys;
        let key = keys.iter_mut().find(|key| row.text(1) == Some(key.name.as_str()))?;
        key.on_update = row.text(2).map(str::to_owned);
        key.on_delete = row.text(3).map(str::to_owned);
        Some(())
    }

    fn add_check(&mut self, row: &Fields) -> Option<()> {
        let name = row.text(1)?;
        let found = self.of(row)?;
        if row.number(2)? != 1 {
            let kept = found.kept.iter_mut().find(|kept| kept.column == name)?;
            kept.is_checked = true;
            return Some(());
        }
        let column = found.table.columns.iter_mut().find(|column| column.name == name)?;
        types::make_json(column);
        found.info.columns.insert(name.to_owned(), Class::Json.into());
        Some(())
    }
}

impl Found {
    /// Keys in their places; those that are not of whole columns are none.
    fn finished(mut self) -> Self {
        let is_whole = |columns: &[String]| columns.iter().all(|column| !column.is_empty());
        self.info.keys.retain(|key| is_whole(&key.columns));
        self.info.keys.sort_by_key(|key| key.name != PRIMARY);
        self.table.indexes.retain(|key| is_whole(&key.columns));
        self.table.primary_key = self.info.primary_key().to_vec();
        let others = self.info.keys.iter().filter(|key| key.name != PRIMARY);
        self.table.unique_keys =
            others.map(|key| Key { name: key.name.clone(), columns: key.columns.clone() }).collect();
        self
    }
}

/// The digits of a second with which a column takes the moment of each change: of `on update current_timestamp(3)`.
fn updated(extra: &str) -> Option<u64> {
    let (_, behind) = extra.split_once("on update current_timestamp")?;
    let digits = behind.strip_prefix('(').and_then(|digits| digits.split(')').next());
    Some(digits.and_then(|digits| digits.parse().ok()).unwrap_or(0))
}

/// MariaDB writes a default as SQL; MySQL as its bare value, and says elsewhere that it is an expression.
fn default_value(text: &str, is_mariadb: bool, is_expression: bool, class: Class) -> Option<DefaultValue> {
    if is_mariadb && text == "NULL" {
        return None;
    }
    let expression = || DefaultValue::Expression(text.to_owned());
    let quoted = || types::quoted(text).map(|value| DefaultValue::Value(types::unescaped(&value).into()));
    let number = || text.parse().ok().map(serde_json::Value::Number).map(DefaultValue::Value);
    Some(match (is_mariadb, is_expression) {
        (true, _) => quoted().or_else(number).unwrap_or_else(expression),
        (false, true) => expression(),
        (false, false) if class.sort().is_number() => number().unwrap_or_else(expression),
        (false, false) => DefaultValue::Value(text.into()),
    })
}

/// The rows of a catalogue query.
///
/// # Errors
/// When a row is none.
pub(crate) fn fields(rows: Vec<mysql_async::Row>) -> Result<Vec<Fields>> {
    rows.into_iter().map(Fields::of).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn literal_defaults_are_values_and_others_expressions() {
        let value = |json: serde_json::Value| Some(DefaultValue::Value(json));
        let expression = |text: &str| Some(DefaultValue::Expression(text.to_owned()));
        for (text, is_mariadb, is_expression, class, expected) in [
            ("NULL", true, false, Class::Text, None),
            ("'it''s'", true, false, Class::Text, value(json!("it's"))),
            (r"'C:\\dir'", true, false, Class::Text, value(json!(r"C:\dir"))),
            (r"'new\nline'", true, false, Class::Text, value(json!("new\nline"))),
            ("5", true, false, Class::Integer, value(json!(5))),
            ("current_timestamp()", true, false, Class::DateTime, expression("current_timestamp()")),
            ("NULL", false, false, Class::Text, value(json!("NULL"))),
            ("5", false, false, Class::Text, value(json!("5"))),
            ("5", false, false, Class::Integer, value(json!(5))),
            ("uuid()", false, true, Class::Text, expression("uuid()")),
        ] {
            assert_eq!(default_value(text, is_mariadb, is_expression, class), expected, "{text}");
        }
    }

    #[test]
    fn one_table_is_asked_for_by_its_name() {
        assert!(About::Tables.sql(1).ends_with("table_name = ?"));
        assert!(About::Columns.sql(2).ends_with("IN (?, ?) ORDER BY table_name, ordinal_position"));
    }
}
