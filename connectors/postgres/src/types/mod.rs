//! PostgreSQL's types and the neutral ones. How values are read is in `read`, how they are written in `write`.
//!
//! A type that has no neutral one is read as the text that the server itself makes of it, and written from a text.

mod numeric;
mod read;
mod write;

use connector_api::author::{Column, ColumnType};
use connector_sql_common::sort::Sort;

pub(crate) use read::{Reader, integer, text, write_row};
pub(crate) use write::{exact_digits, push_cell, push_value};

/// What is known of a column's type, domains resolved to what they are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// `boolean`
    Boolean,
    /// `smallint`, `integer`, `bigint`, `oid`
    Integer,
    /// `numeric`
    Numeric,
    /// `real`
    Real,
    /// `double precision`
    Double,
    /// `money`
    Money,
    /// `text`, `varchar`, `name`
    Text,
    /// Of an extension or an enumeration: the values are texts for the driver only when the server makes texts of them.
    Label,
    /// `inet`
    Inet,
    /// `bytea`
    Bytes,
    /// `date`
    Date,
    /// `time` without zone
    Time,
    /// `timestamp` without zone
    Timestamp,
    /// `timestamptz`
    Instant,
    /// `uuid`
    Uuid,
    /// `json`
    Json,
    /// `jsonb`
    Jsonb,
    /// A list of values of one type, which the driver reads itself.
    Array,
    /// A list of values that are read as texts.
    TextArray,
    /// Anything else.
    Other,
}

/// The types whose values are read as they come. Of all others the server makes a text.
const SIMPLE: &[(&str, Class)] = &[
    ("bool", Class::Boolean),
    ("int2", Class::Integer),
    ("int4", Class::Integer),
    ("int8", Class::Integer),
    ("oid", Class::Integer),
    ("numeric", Class::Numeric),
    ("float4", Class::Real),
    ("float8", Class::Double),
    ("money", Class::Money),
    ("text", Class::Text),
    ("varchar", Class::Text),
    ("bpchar", Class::Text),
    ("name", Class::Text),
    ("bytea", Class::Bytes),
    ("date", Class::Date),
    ("time", Class::Time),
    ("timestamp", Class::Timestamp),
    ("timestamptz", Class::Instant),
    ("uuid", Class::Uuid),
    ("json", Class::Json),
    ("jsonb", Class::Jsonb),
];

impl Class {
    /// What values compare with.
    pub(crate) fn sort(self) -> Sort {
        match self {
            Self::Boolean => Sort::Boolean,
            Self::Integer => Sort::Integer,
            Self::Numeric | Self::Money => Sort::Numeric,
            Self::Real => Sort::Real,
            Self::Double => Sort::Double,
            Self::Text | Self::Label => Sort::Text,
            Self::Bytes => Sort::Bytes,
            Self::Date => Sort::Date,
            Self::Time => Sort::Time,
            Self::Timestamp => Sort::Timestamp,
            Self::Instant => Sort::Instant,
            Self::Uuid => Sort::Uuid,
            Self::Json | Self::Jsonb => Sort::Document,
            Self::Array | Self::TextArray => Sort::List,
            Self::Inet | Self::Other => Sort::Native,
        }
    }

    /// Of a type by its name in the catalogue; `kind` is its `typtype`, `is_system` whether it comes with the server.
    pub(crate) fn of(name: &str, kind: &str, is_system: bool) -> Self {
        let simple = |name: &str| SIMPLE.iter().find(|(known, _)| *known == name).map(|(_, class)| *class);
        if kind == "e" || (!is_system && name == "citext") {
            return Self::Label;
        }
        if !is_system {
            return if name.starts_with('_') { Self::TextArray } else { Self::Other };
        }
        match (simple(name), name.strip_prefix('_')) {
            (Some(class), _) => class,
            (None, Some(item)) => match simple(item) {
                Some(class) if class != Self::Money => Self::Array,
                _ => Self::TextArray,
            },
            (None, None) if name == "inet" => Self::Inet,
            (None, None) => Self::Other,
        }
    }
}

/// What the catalogue says of a column's type.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Declared<'a> {
    /// Name of the type, domains resolved.
    pub(crate) name: &'a str,
    /// Its `typtype`.
    pub(crate) kind: &'a str,
    /// It comes with the server.
    pub(crate) is_system: bool,
    /// Its modifier: length, precision and scale.
    pub(crate) modifier: i32,
    /// The server's own words for the type as it is declared.
    pub(crate) words: &'a str,
}

/// The neutral description of a column.
pub(crate) fn column(name: &str, declared: Declared<'_>) -> Column {
    let class = Class::of(declared.name, declared.kind, declared.is_system);
    let mut column = Column {
        native_type: declared.words.to_owned(),
        ..Column::new(name, data_type(class, declared.name))
    };
    // Behind a header of four bytes.
    let size = declared.modifier.checked_sub(4).and_then(|size| u32::try_from(size).ok());
    match declared.name {
        "varchar" | "bpchar" => match size {
            Some(size) => column.length = Some(u64::from(size)),
            None => column.data_type = ColumnType::Text,
        },
        "bit" | "varbit" => column.length = u64::try_from(declared.modifier).ok(),
        "numeric" => {
            column.precision = size.map(|size| size >> 16);
            // Eleven bits with a sign, since version 15.
            column.scale =
                size.and_then(|size| i32::try_from((size & 0x7ff) ^ 0x400).ok()).map(|scale| scale - 0x400);
        }
        _ => {}
    }
    column
}

fn data_type(class: Class, name: &str) -> ColumnType {
    match class {
        Class::Boolean => ColumnType::Boolean,
        Class::Integer if matches!(name, "int8" | "oid") => ColumnType::BigInt,
        Class::Integer => ColumnType::Integer,
        Class::Numeric | Class::Money => ColumnType::Decimal,
        Class::Real => ColumnType::Float,
        Class::Double => ColumnType::Double,
        Class::Text if name == "text" => ColumnType::Text,
        Class::Label if name == "citext" => ColumnType::Text,
        Class::Text | Class::Label => ColumnType::String,
        Class::Bytes => ColumnType::Binary,
        Class::Date => ColumnType::Date,
        Class::Time => ColumnType::Time,
        Class::Timestamp => ColumnType::DateTime,
        Class::Instant => ColumnType::Timestamp,
        Class::Uuid => ColumnType::Uuid,
        Class::Json | Class::Jsonb => ColumnType::Json,
        Class::Array | Class::TextArray => ColumnType::Array,
        Class::Other if matches!(name, "xml" | "tsvector" | "tsquery") => ColumnType::Text,
        Class::Inet | Class::Other => ColumnType::String,
    }
}

#[cfg(test)]
mod tests;
