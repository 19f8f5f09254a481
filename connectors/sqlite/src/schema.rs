//! Tables and columns as SQLite's catalogue has them: a few fixed queries for any number of tables, each row a JSON object.

use std::collections::HashMap;

use connector_api::Result;
use connector_api::author::{Column, DefaultValue, ForeignKey, Key, Table, TableKind, TableName, TableRef};
use serde::Deserialize;

use crate::connection::Database;
use crate::types;

/// Tables and views; neither SQLite's own nor the inner tables of virtual ones.
const TABLES: &str = "
    SELECT json_object('name', name, 'kind', type) FROM pragma_table_list
    WHERE schema = 'main' AND type IN ('table', 'view', 'virtual')
      AND name NOT LIKE 'sqlite!_%' ESCAPE '!' AND ?1 = ''
    ORDER BY name";

/// Takes the names as a JSON list, as the others below. Names are found whatever their case, so the exact one is asked for.
const COLUMNS: &str = "
    SELECT json_object('table', found.name, 'kind', found.type, 'is_without_rowid', found.wr <> 0, 'name', entry.name,
        'declared', entry.type, 'is_not_null', entry.\"notnull\" <> 0, 'default', entry.dflt_value, 'key', entry.pk,
        'hidden', entry.hidden)
    FROM json_each(?1) AS wanted
    JOIN pragma_table_list(wanted.value) AS found ON found.schema = 'main' AND found.name = wanted.value
    JOIN pragma_table_xinfo(found.name, 'main') AS entry
    ORDER BY wanted.key, entry.cid";

const INDEXES: &str = "
    SELECT json_object('table', wanted.value, 'name', entry.name, 'is_unique', entry.\"unique\" <> 0,
        'origin', entry.origin, 'is_partial', entry.partial <> 0, 'columns',
        json((SELECT json_group_array(part.name ORDER BY part.seqno)
              FROM pragma_index_info(entry.name, 'main') AS part)))
    FROM json_each(?1) AS wanted
    JOIN pragma_index_list(wanted.value, 'main') AS entry
    ORDER BY wanted.key, entry.seq DESC";

/// A reference without target columns means the primary key of its target. A target may be spelled in another case than it has.
const FOREIGN_KEYS: &str = "
    SELECT json_object('table', wanted.value, 'id', entry.id, 'column', entry.\"from\",
        'target', coalesce((SELECT name FROM pragma_table_list(entry.\"table\") WHERE schema = 'main'), entry.\"table\"),
        'target_column', coalesce(
            (SELECT name FROM pragma_table_xinfo(entry.\"table\", 'main')
             WHERE name = entry.\"to\" COLLATE NOCASE OR (entry.\"to\" IS NULL AND pk = entry.seq + 1)),
            entry.\"to\"),
        'on_update', entry.on_update, 'on_delete', entry.on_delete)
    FROM json_each(?1) AS wanted
    JOIN pragma_foreign_key_list(wanted.value, 'main') AS entry
    ORDER BY wanted.key, entry.id DESC, entry.seq";

/// For `change`: other tables that refer to these, each once.
pub(crate) const REFERRERS: &str = "
    SELECT json_quote(other.name) FROM pragma_table_list AS other
    WHERE other.schema = 'main' AND other.type = 'table' AND other.name NOT IN (SELECT value FROM json_each(?1))
      AND EXISTS (SELECT 1 FROM pragma_foreign_key_list(other.name, 'main') AS entry
                  JOIN json_each(?1) AS wanted ON wanted.value = entry.\"table\" COLLATE NOCASE)";

/// For `table`: the columns of a table that is written. Names are found whatever their case, so the exact one is asked for. SQLite's own tables are not for writing.
pub(crate) const WRITTEN_COLUMNS: &str = "
    SELECT json_object('name', entry.name, 'declared', entry.type, 'key', entry.pk, 'hidden', entry.hidden,
        'strict', found.strict, 'is_view', found.type = 'view', 'has_rowid', found.wr = 0)
    FROM pragma_table_list(?1) AS found
    JOIN pragma_table_xinfo(found.name, 'main') AS entry
    WHERE found.schema = 'main' AND found.name = ?1 AND found.name NOT LIKE 'sqlite!_%' ESCAPE '!'
    ORDER BY entry.cid";

/// For `table`: what a table has of rules and triggers. A comment that speaks of conflicts does no harm.
pub(crate) const TABLE_RULES: &str = "
    SELECT json_object(
        'on_conflict', EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1 AND sql LIKE '%conflict%'),
        'triggers', EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1 COLLATE NOCASE))";

#[derive(Deserialize)]
struct TableRow {
    name: String,
    kind: String,
}

#[derive(Deserialize)]
struct ColumnRow {
    table: String,
    kind: String,
    is_without_rowid: Flag,
    name: String,
    declared: Option<String>,
    is_not_null: Flag,
    default: Option<String>,
    /// Place in the primary key, from 1; 0: not in it.
    key: u32,
    /// 0: ordinary, 1: hidden column of a virtual table, 2 and 3: generated.
    hidden: u32,
}

#[derive(Deserialize)]
struct IndexRow {
    table: String,
    name: String,
    is_unique: Flag,
    /// `c`: an index of its own, `u`: a unique key of the table, `pk`: its primary key.
    origin: String,
    is_partial: Flag,
    /// Null for an expression.
    columns: Vec<Option<String>>,
}

#[derive(Deserialize)]
struct ForeignKeyRow {
    table: String,
    id: u32,
    column: String,
    target: String,
    target_column: Option<String>,
    on_update: String,
    on_delete: String,
}

/// SQLite's 0 and 1.
#[derive(Deserialize, Clone, Copy)]
#[serde(from = "u8")]
struct Flag(bool);

impl From<u8> for Flag {
    fn from(value: u8) -> Self {
        Self(value != 0)
    }
}

/// All tables and views.
///
/// # Errors
/// Of the catalogue query.
pub(crate) fn list_tables(database: &Database) -> Result<Vec<TableName>> {
    let rows: Vec<TableRow> = database.objects(TABLES, "")?;
    Ok(rows
        .into_iter()
        .map(|row| TableName { table: TableRef::new(row.name), kind: table_kind(&row.kind) })
        .collect())
}

fn table_kind(kind: &str) -> TableKind {
    if kind == "view" { TableKind::View } else { TableKind::Table }
}

/// Whole descriptions; tables that do not exist are left out.
///
/// # Errors
/// Of the catalogue queries.
pub(crate) fn describe_tables(database: &Database, tables: &[TableRef]) -> Result<Vec<Table>> {
    database.snapshot(|database| describe_all(database, tables))
}

/// The same within a transaction.
///
/// # Errors
/// Of the catalogue queries.
pub(crate) fn describe_all(database: &Database, tables: &[TableRef]) -> Result<Vec<Table>> {
    let names: Vec<_> =
        tables.iter().filter(|table| table.namespace.is_empty()).map(|table| &table.name).collect();
    let names = serde_json::Value::from_iter(names.into_iter().map(String::as_str)).to_string();
    let mut found = Found::new(database.objects(COLUMNS, &names)?);
    found.add_indexes(database.objects(INDEXES, &names)?);
    found.add_foreign_keys(database.objects(FOREIGN_KEYS, &names)?);
    Ok(found.finish())
}

/// Tables under construction, in the order they were asked for.
#[derive(Default)]
struct Found {
    tables: Vec<Described>,
    by_name: HashMap<String, usize>,
}

#[derive(Default)]
struct Described {
    table: Table,
    /// Place in the key and name.
    key: Vec<(u32, String)>,
    is_without_rowid: bool,
    has_key_index: bool,
    /// Number of the foreign key that is being read.
    last_reference: Option<u32>,
}

impl Found {
    fn new(rows: Vec<ColumnRow>) -> Self {
        let mut found = Self::default();
        for row in rows {
            found.add_column(row);
        }
        found
    }

    fn get(&mut self, name: &str) -> Option<&mut Described> {
        self.tables.get_mut(*self.by_name.get(name)?)
    }

    fn add_column(&mut self, row: ColumnRow) {
        if !self.by_name.contains_key(&row.table) {
            self.by_name.insert(row.table.clone(), self.tables.len());
            self.tables.push(Described {
                table: Table {
                    table: TableRef::new(row.table.clone()),
                    kind: table_kind(&row.kind),
                    ..Table::default()
                },
                is_without_rowid: row.is_without_rowid.0,
                ..Described::default()
            });
        }
        // Hidden columns of virtual tables are arguments, not data.
        if row.hidden == 1 {
            return;
        }
        let Some(described) = self.get(&row.table) else { return };
        if row.key > 0 {
            described.key.push((row.key, row.name.clone()));
        }
        described.table.columns.push(column(&row));
    }

    fn add_indexes(&mut self, rows: Vec<IndexRow>) {
        for row in rows {
            let Some(described) = self.get(&row.table) else { continue };
            if row.origin == "pk" {
                described.has_key_index = true;
                continue;
            }
            let Some(columns) = row.columns.into_iter().collect::<Option<Vec<_>>>() else { continue };
            let key = Key { name: row.name, columns };
            if row.is_unique.0 && !row.is_partial.0 {
                described.table.unique_keys.push(key);
            } else {
                described.table.indexes.push(key);
            }
        }
    }

    fn add_foreign_keys(&mut self, rows: Vec<ForeignKeyRow>) {
        for row in rows {
            let Some(described) = self.get(&row.table) else { continue };
            if described.last_reference.replace(row.id) != Some(row.id) {
                described.table.foreign_keys.push(ForeignKey {
                    references: TableRef::new(row.target),
                    on_update: Some(row.on_update),
                    on_delete: Some(row.on_delete),
                    ..ForeignKey::default()
                });
            }
            let Some(key) = described.table.foreign_keys.last_mut() else { continue };
            key.columns.push(row.column);
            key.referenced_columns.extend(row.target_column);
        }
    }

    fn finish(self) -> Vec<Table> {
        self.tables.into_iter().map(Described::finish).collect()
    }
}

impl Described {
    fn finish(mut self) -> Table {
        self.key.sort_unstable();
        self.number_new_rows();
        let name = &self.table.table.name;
        for key in &mut self.table.foreign_keys {
            // SQLite does not keep the names of its references.
            key.name = [name.as_str(), &key.columns.join("_"), "fkey"].join("_");
        }
        self.table.primary_key = self.key.into_iter().map(|(_, name)| name).collect();
        self.table
    }

    /// A key of one column declared just `INTEGER` is the row's own number: SQLite gives it to new rows, and it is never null. If the
    /// key has an index of its own, it is not (`INTEGER PRIMARY KEY DESC`).
    fn number_new_rows(&mut self) {
        let [(_, key)] = self.key.as_slice() else { return };
        if self.is_without_rowid || self.has_key_index {
            return;
        }
        let column = self.table.columns.iter_mut().find(|column| column.name == *key);
        if let Some(column) = column.filter(|column| column.native_type.eq_ignore_ascii_case("INTEGER")) {
            column.is_auto_increment = true;
            column.is_nullable = false;
        }
    }
}

fn column(row: &ColumnRow) -> Column {
    Column {
        is_nullable: !row.is_not_null.0,
        is_generated: row.hidden > 1,
        default: row.default.as_deref().and_then(default_value),
        ..types::column(&row.name, row.declared.as_deref().unwrap_or_default())
    }
}

/// A default is kept as the text of an expression. Plain literals are values; `NULL` is no default at all.
fn default_value(text: &str) -> Option<DefaultValue> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("null") {
        return None;
    }
    let value = quoted(text)
        .map(serde_json::Value::from)
        .or_else(|| serde_json::from_str::<serde_json::Number>(text).ok().map(serde_json::Value::from))
        .or_else(|| text.eq_ignore_ascii_case("true").then(|| true.into()))
        .or_else(|| text.eq_ignore_ascii_case("false").then(|| false.into()));
    Some(value.map_or_else(|| DefaultValue::Expression(text.to_owned()), DefaultValue::Value))
}

/// The text of a literal between single quotes, if that is all there is.
fn quoted(text: &str) -> Option<String> {
    let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
    let unquoted = inner.replace("''", "");
    (!unquoted.contains('\'')).then(|| inner.replace("''", "'"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn literal_defaults_are_values_and_others_expressions() {
        let value = |json: serde_json::Value| Some(DefaultValue::Value(json));
        let expression = |text: &str| Some(DefaultValue::Expression(text.to_owned()));
        for (text, expected) in [
            ("NULL", None),
            ("5", value(json!(5))),
            ("-1.5", value(json!(-1.5))),
            ("9223372036854775807", value(json!(i64::MAX))),
            ("'it''s'", value(json!("it's"))),
            ("''", value(json!(""))),
            ("TRUE", value(json!(true))),
            ("CURRENT_TIMESTAMP", expression("CURRENT_TIMESTAMP")),
            ("'a' || 'b'", expression("'a' || 'b'")),
            ("0x10", expression("0x10")),
            ("x'00'", expression("x'00'")),
        ] {
            assert_eq!(default_value(text), expected, "{text}");
        }
    }
}
