//! What writes have to know of a table: how its columns convert what is stored in them, its key, and whether it has words of its own
//! on conflicts. Kept until the schema of the file changes.

use std::collections::HashMap;
use std::sync::Arc;

use connector_api::author::{Path, TableRef};
use connector_api::{Error, ErrorKind, Result};
use serde::Deserialize;

use crate::connection::Database;
use crate::schema::{TABLE_RULES, WRITTEN_COLUMNS};
use crate::types::Conversion;

#[derive(Deserialize)]
struct ColumnRow {
    name: String,
    declared: Option<String>,
    /// Place in the primary key, from 1; 0: not in it.
    key: u32,
    /// 0: ordinary, 1: hidden column of a virtual table, 2 and 3: generated.
    hidden: u32,
    strict: u8,
    is_view: u8,
    has_rowid: u8,
}

#[derive(Deserialize)]
struct RulesRow {
    on_conflict: u8,
    triggers: u8,
}

/// A table, for writing.
#[derive(Debug)]
pub(crate) struct TableInfo {
    columns: HashMap<String, ColumnInfo>,
    /// Columns that can be written, in the table's order.
    pub(crate) writable: Vec<String>,
    /// The primary key, in its order.
    pub(crate) key: Vec<String>,
    /// Columns that name one row, whatever else becomes of it. `None`: rows have no names, as those of views.
    pub(crate) row_names: Option<Arc<[String]>>,
    /// The table says what happens on a conflict.
    pub(crate) has_conflict_rules: bool,
    /// Writing a row may run further statements.
    pub(crate) has_triggers: bool,
}

/// A column, for writing.
#[derive(Debug, Clone)]
pub(crate) struct ColumnInfo {
    pub(crate) name: String,
    /// What SQLite makes of values that are stored.
    pub(crate) affinity: Affinity,
    /// What becomes of stored values that are read.
    pub(crate) conversion: Conversion,
}

/// What a column makes of values, after <https://www.sqlite.org/datatype3.html#determination_of_column_affinity>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Affinity {
    /// Nothing.
    None,
    /// Numbers become texts.
    Text,
    /// Texts that read as numbers become numbers, and integers floats.
    Real,
    /// Texts that read as numbers become numbers, and floats without fraction integers.
    Numeric,
}

impl Affinity {
    fn of(declared: &str, is_strict: bool) -> Self {
        let declared = declared.to_ascii_uppercase();
        let has = |part: &str| declared.contains(part);
        if has("INT") {
            Self::Numeric
        } else if has("CHAR") || has("CLOB") || has("TEXT") {
            Self::Text
        } else if declared.is_empty() || has("BLOB") || (is_strict && declared == "ANY") {
            Self::None
        } else if has("REAL") || has("FLOA") || has("DOUB") {
            Self::Real
        } else {
            Self::Numeric
        }
    }
}

impl TableInfo {
    /// Reads it from the catalogue.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such table; of the catalogue queries.
    pub(crate) fn read(database: &Database, table: &TableRef) -> Result<Self> {
        let rows: Vec<ColumnRow> = if table.namespace.is_empty() {
            database.objects(WRITTEN_COLUMNS, &table.name)?
        } else {
            Vec::new()
        };
        let rules: Vec<RulesRow> = database.objects(TABLE_RULES, &table.name)?;
        if rows.is_empty() {
            return Err(Error::new(ErrorKind::NotFound, "the table does not exist")
                .with_reason("table_not_found")
                .with_sqlstate("42P01"));
        }
        let mut key: Vec<_> =
            rows.iter().filter(|row| row.key > 0).map(|row| (row.key, row.name.clone())).collect();
        key.sort_unstable();
        let key: Vec<_> = key.into_iter().map(|(_, name)| name).collect();
        Ok(Self {
            row_names: row_names(&rows, &key),
            writable: rows.iter().filter(|row| row.hidden == 0).map(|row| row.name.clone()).collect(),
            key,
            columns: rows.into_iter().map(|row| (row.name.clone(), row.into())).collect(),
            has_conflict_rules: rules.iter().any(|rules| rules.on_conflict != 0),
            has_triggers: rules.iter().any(|rules| rules.triggers != 0),
        })
    }

    /// A column by its exact name.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when the table has none; [`ErrorKind::Unsupported`] for a path into a document.
    pub(crate) fn column(&self, path: &Path) -> Result<&ColumnInfo> {
        let name = path.as_column().ok_or_else(|| Error::unsupported("a column inside a document"))?;
        self.columns.get(name).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "a column does not exist")
                .with_reason("column_not_found")
                .with_sqlstate("42703")
        })
    }
}

/// The key of a table without numbers of rows; otherwise this number, under a name that no column has taken. A key of such a table may
/// hold nulls, which name nothing. <https://www.sqlite.org/lang_createtable.html#rowid>
fn row_names(columns: &[ColumnRow], key: &[String]) -> Option<Arc<[String]>> {
    let table = columns.first().filter(|column| column.is_view == 0)?;
    if table.has_rowid == 0 {
        return Some(key.into());
    }
    let is_free = |name: &&str| columns.iter().all(|column| !column.name.eq_ignore_ascii_case(name));
    ["rowid", "oid", "_rowid_"].into_iter().find(is_free).map(|name| [name.to_owned()].into())
}

impl From<ColumnRow> for ColumnInfo {
    fn from(row: ColumnRow) -> Self {
        let declared = row.declared.as_deref().unwrap_or_default();
        Self {
            affinity: Affinity::of(declared, row.strict != 0),
            conversion: Conversion::of(Some(declared)),
            name: row.name,
        }
    }
}

/// Most tables whose columns a connection keeps. Full, it is emptied.
const CACHED_TABLES: usize = 256;

/// Tables by name, as of one version of the schema.
#[derive(Debug, Default)]
pub(crate) struct TableCache {
    version: i64,
    tables: HashMap<TableRef, Arc<TableInfo>>,
}

impl TableCache {
    /// Forgets what was read from another version of the schema; tells whether it was another one.
    pub(crate) fn forget_unless(&mut self, version: i64) -> bool {
        let is_other = self.version != version;
        if is_other {
            self.version = version;
            self.tables.clear();
        }
        is_other
    }

    pub(crate) fn get(&self, table: &TableRef) -> Option<Arc<TableInfo>> {
        self.tables.get(table).cloned()
    }

    pub(crate) fn keep(&mut self, table: &TableRef, found: &Arc<TableInfo>) {
        if self.tables.len() >= CACHED_TABLES {
            self.tables.clear();
        }
        self.tables.insert(table.clone(), Arc::clone(found));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn affinities_are_read_off_declared_types_as_sqlite_does() {
        for (declared, expected) in [
            ("", Affinity::None),
            ("INTEGER", Affinity::Numeric),
            ("CHARINT", Affinity::Numeric),
            ("varchar(40)", Affinity::Text),
            ("DECIMAL_TEXT", Affinity::Text),
            ("blob", Affinity::None),
            ("double precision", Affinity::Real),
            ("FLOATING POINT", Affinity::Numeric),
            ("decimal(10,2)", Affinity::Numeric),
            ("STRING", Affinity::Numeric),
            ("any", Affinity::Numeric),
        ] {
            assert_eq!(Affinity::of(declared, false), expected, "{declared}");
        }
        assert_eq!(Affinity::of("ANY", true), Affinity::None);
    }
}
