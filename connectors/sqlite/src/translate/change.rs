//! Where SQLite's changes of tables differ from the standard. <https://www.sqlite.org/lang_altertable.html>
//!
//! SQLite takes any words for a type and keeps them as they are. The words here are those that databases use for their types; keywords that
//! would end a type are none of them.

use connector_api::author::{Column, ColumnType, Key, Table};
use connector_api::{Error, ErrorKind, Result};
use connector_sql_common::change::{Altering, Changes, Expression, Numbering, Parts, Types};

use super::SqliteDialect;

/// Words of types.
const WORDS: &[&str] = &[
    "any",
    "array",
    "bigint",
    "bigserial",
    "binary",
    "bit",
    "blob",
    "bool",
    "boolean",
    "bytea",
    "char",
    "character",
    "cidr",
    "citext",
    "clob",
    "counter",
    "currency",
    "date",
    "datetime",
    "datetime2",
    "datetimeoffset",
    "dec",
    "decimal",
    "double",
    "enum",
    "fixed",
    "float",
    "float4",
    "float8",
    "geography",
    "geometry",
    "guid",
    "image",
    "inet",
    "int",
    "int2",
    "int4",
    "int8",
    "integer",
    "interval",
    "json",
    "jsonb",
    "list",
    "long",
    "longblob",
    "longtext",
    "lvarchar",
    "macaddr",
    "map",
    "mediumblob",
    "mediumint",
    "mediumtext",
    "memo",
    "money",
    "native",
    "nchar",
    "nclob",
    "ntext",
    "number",
    "numeric",
    "nvarchar",
    "nvarchar2",
    "object",
    "oid",
    "percent",
    "point",
    "precision",
    "raw",
    "real",
    "serial",
    "serial8",
    "signed",
    "single",
    "small",
    "smalldatetime",
    "smallint",
    "smallmoney",
    "smallserial",
    "string",
    "text",
    "time",
    "timestamp",
    "timestamptz",
    "timetz",
    "tiny",
    "tinyblob",
    "tinyint",
    "tinytext",
    "uint",
    "ulong",
    "uniqueidentifier",
    "unsigned",
    "url",
    "uuid",
    "varbinary",
    "varbit",
    "varchar",
    "varchar2",
    "varint",
    "varying",
    "big",
    "with",
    "without",
    "xml",
    "year",
    "zone",
    "local",
];

/// A default that is no literal stands in brackets, and is given back without them.
const EXPRESSIONS: &[Expression] = &[
    ("current_timestamp", "CURRENT_TIMESTAMP"),
    ("now()", "CURRENT_TIMESTAMP"),
    ("current_date", "CURRENT_DATE"),
    ("current_time", "CURRENT_TIME"),
    ("datetime()", "(datetime())"),
    ("datetime('now')", "(datetime('now'))"),
    ("datetime('now','localtime')", "(datetime('now','localtime'))"),
    ("datetime('now','utc')", "(datetime('now','utc'))"),
    ("date('now')", "(date('now'))"),
    ("time('now')", "(time('now'))"),
    ("unixepoch()", "(unixepoch())"),
    ("unixepoch('now')", "(unixepoch('now'))"),
    ("julianday('now')", "(julianday('now'))"),
    ("strftime('%s','now')", "(strftime('%s','now'))"),
    ("strftime('%Y-%m-%d %H:%M:%f','now')", "(strftime('%Y-%m-%d %H:%M:%f','now'))"),
    ("strftime('%Y-%m-%dT%H:%M:%fZ','now')", "(strftime('%Y-%m-%dT%H:%M:%fZ','now'))"),
    ("lower(hex(randomblob(#)))", "(lower(hex(randomblob(#))))"),
    ("hex(randomblob(#))", "(hex(randomblob(#)))"),
    ("random()", "(random())"),
];

/// How SQLite itself names the index of a unique key that was made with its table.
const OWN_INDEX: &str = "sqlite_autoindex_";

impl Changes for SqliteDialect {
    fn types(&self) -> Types {
        Types::Words(WORDS)
    }

    fn native(&self, column: &Column) -> Result<Parts> {
        let sizes: Vec<u64> = match column.data_type {
            ColumnType::String => column.length.into_iter().collect(),
            ColumnType::Decimal => {
                let scale = column.scale.and_then(|scale| u64::try_from(scale).ok());
                column.precision.map(u64::from).into_iter().chain(scale).collect()
            }
            ColumnType::Boolean => vec![1],
            _ => Vec::new(),
        };
        let words = match column.data_type {
            // Only a column that is declared just so numbers rows, and it holds 64 bits.
            _ if column.is_auto_increment => "integer",
            ColumnType::Boolean => "tinyint",
            ColumnType::Integer => "integer",
            ColumnType::BigInt => "bigint",
            ColumnType::Float => "float",
            ColumnType::Double => "double",
            ColumnType::Decimal => "decimal",
            ColumnType::String => "varchar",
            ColumnType::Text => "text",
            ColumnType::Binary => "blob",
            ColumnType::Date => "date",
            ColumnType::Time => "time",
            ColumnType::DateTime => "datetime",
            ColumnType::Timestamp => "timestamp",
            ColumnType::Uuid => "uuid",
            ColumnType::Json => "json",
            // A column without a type takes everything as it is.
            ColumnType::Other => return Ok(Parts::default()),
            ColumnType::Array | ColumnType::Object => {
                let message = format!("the database has no type for '{}'; use one for JSON", column.name);
                return Err(Error::new(ErrorKind::Unsupported, message).with_reason("unsupported_type"));
            }
        };
        Ok(Parts::sized(words, &sizes))
    }

    fn expressions(&self) -> &'static [Expression] {
        EXPRESSIONS
    }

    fn altering(&self) -> Altering {
        Altering::Never
    }

    fn has_constraints(&self) -> bool {
        false
    }

    fn is_constraint(&self, _: &connector_api::author::TableRef, key: &str) -> bool {
        key.starts_with(OWN_INDEX)
    }

    /// A row is numbered by a key of one column that is declared just `INTEGER`. <https://www.sqlite.org/autoinc.html>
    fn numbering(&self, table: &Table, column: &Column) -> Result<Numbering> {
        let is_key = table.primary_key == [column.name.as_str()];
        let is_integer = match column.native_type.as_str() {
            "" => matches!(column.data_type, ColumnType::Integer | ColumnType::BigInt),
            words => words.eq_ignore_ascii_case("integer"),
        };
        if is_key && is_integer {
            return Ok(Numbering::Key(" PRIMARY KEY AUTOINCREMENT NOT NULL"));
        }
        Err(unsupported(
            format!("numbering rows by the column '{}'", column.name),
            "it has to be an integer and the whole primary key of a new table",
        ))
    }

    fn refuses_name(&self, what: &str, name: &str) -> Option<&'static str> {
        let is_own =
            what != "column" && name.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("sqlite_"));
        is_own.then_some("names that begin with 'sqlite_' are the database's own")
    }

    fn may_add(&self, column: &Column) -> Result<()> {
        let name = &column.name;
        let what = || format!("adding the column '{name}' to a table that is there");
        let value = match &column.default {
            None => None,
            Some(connector_api::author::DefaultValue::Value(value)) => {
                Some(value).filter(|value| !value.is_null())
            }
            Some(_) => return Err(unsupported(what(), "its default has to be a constant")),
        };
        if !column.is_nullable && value.is_none() {
            return Err(unsupported(what(), "give it a default, or let it take nulls"));
        }
        Ok(())
    }

    fn may_drop(&self, table: &Table, column: &str) -> Result<()> {
        let is_over = |columns: &[String]| columns.iter().any(|name| name == column);
        let keys = table.unique_keys.iter().chain(&table.indexes);
        // An index over this column alone goes with it.
        let stays = |key: &&Key| key.columns.len() > 1 || key.name.starts_with(OWN_INDEX);
        let index =
            keys.filter(|key| is_over(&key.columns) && stays(key)).map(|key| key.name.as_str()).next();
        let what = || format!("dropping the column '{column}' of '{}'", table.table);
        match index {
            Some(name) if name.starts_with(OWN_INDEX) => {
                Err(unsupported(what(), "it is unique since its table was made"))
            }
            Some(name) => Err(unsupported(what(), &format!("drop the key '{name}' first"))),
            None if table.foreign_keys.iter().any(|key| is_over(&key.columns)) => {
                Err(unsupported(what(), "it refers to another table"))
            }
            None => Ok(()),
        }
    }
}

fn unsupported(what: String, why: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("the database does not support {what}: {why}"))
        .with_reason("unsupported_change")
}

#[cfg(test)]
mod tests;
