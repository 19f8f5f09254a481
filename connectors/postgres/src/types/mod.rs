//! PostgreSQL's types and the neutral ones. How values are read is in `read`, how they are written in `write`.
//!
//! A type that has no neutral one is read as the text that the server itself makes of it, and written from a text.

mod numeric;
mod read;
mod write;

use connector_api::author::{Beyond, Column, ColumnType};
use connector_sql_common::sort::Sort;

pub(crate) use read::{Reader, integer, text, write_row};
pub(crate) use write::{exact_digits, push_cell, push_value};

/// What is known of a column's type, domains resolved to what they are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// `boolean`
    Boolean,
    /// `smallint`, `integer`, `bigint`
    Integer,
    /// `oid`
    Oid,
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
    /// An enumeration.
    Label,
    /// `citext`, of which the server makes texts for the driver, and which it compares as what it is.
    Folded,
    /// A type without an order of its own, such as `xml` and `point`, or a composite one: its values are what the server shows of them.
    Shown,
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
    /// A list of values of one type.
    Array(Item),
    /// Anything else.
    Other,
}

/// What the items of an array are, as far as they are read or written otherwise than they stand in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Item {
    /// The driver reads them, and the server reads what a list shows of them.
    Plain,
    /// Days and points in time.
    Moment,
    /// Bytes, which a list shows as base64.
    Bytes,
    /// JSON, of which lists are a part.
    Document,
    /// Of all others the server makes texts.
    Text,
    /// `box`, of which several stand between semicolons: <https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO>
    Box,
}

/// The types whose values are read as they come. Of all others the server makes a text.
const SIMPLE: &[(&str, Class)] = &[
    ("bool", Class::Boolean),
    ("int2", Class::Integer),
    ("int4", Class::Integer),
    ("int8", Class::Integer),
    ("oid", Class::Oid),
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
            Self::Integer | Self::Oid => Sort::Integer,
            Self::Numeric | Self::Money => Sort::Numeric,
            Self::Real => Sort::Real,
            Self::Double => Sort::Double,
            Self::Text | Self::Label | Self::Folded | Self::Shown => Sort::Text,
            Self::Bytes => Sort::Bytes,
            Self::Date => Sort::Date,
            Self::Time => Sort::Time,
            Self::Timestamp => Sort::Timestamp,
            Self::Instant => Sort::Instant,
            Self::Uuid => Sort::Uuid,
            Self::Json | Self::Jsonb => Sort::Document,
            Self::Array(_) => Sort::List,
            Self::Inet | Self::Other => Sort::Native,
        }
    }

    /// Of a type as the catalogue has it.
    pub(crate) fn of(declared: &Declared<'_>) -> Self {
        let Declared { name, kind, is_system, is_ordered, .. } = *declared;
        // A type of somebody's own may have the name of an array.
        let is_array = kind == "b" && name.starts_with('_');
        let simple = |name: &str| SIMPLE.iter().find(|(known, _)| *known == name).map(|(_, class)| *class);
        // A value alone is not read as a row, whatever stands beside it.
        let is_shown = kind == "c" || kind == "b" && !is_ordered;
        let other = if is_shown { Self::Shown } else { Self::Other };
        match (kind, name) {
            ("e", _) => return Self::Label,
            _ if is_system => {}
            (_, "citext") => return Self::Folded,
            _ if is_array => return Self::Array(Item::Text),
            _ => return other,
        }
        match (simple(name), name.strip_prefix('_').filter(|_| is_array)) {
            (Some(class), _) => class,
            (None, Some("box")) => Self::Array(Item::Box),
            (None, Some(item)) => Self::Array(simple(item).map_or(Item::Text, Item::of)),
            (None, None) if name == "inet" => Self::Inet,
            (None, None) => other,
        }
    }
}

impl Item {
    /// Of values of this class.
    fn of(class: Class) -> Self {
        match class {
            Class::Money => Self::Text,
            Class::Bytes => Self::Bytes,
            Class::Date | Class::Timestamp | Class::Instant => Self::Moment,
            Class::Json | Class::Jsonb => Self::Document,
            _ => Self::Plain,
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
    /// The server can order its values.
    pub(crate) is_ordered: bool,
    /// Its modifier: length, precision and scale.
    pub(crate) modifier: i32,
    /// The server's own words for the type as it is declared.
    pub(crate) words: &'a str,
}

/// The neutral description of a column.
pub(crate) fn column(name: &str, declared: Declared<'_>) -> Column {
    let class = Class::of(&declared);
    let mut column = Column {
        native_type: declared.words.to_owned(),
        ..Column::new(name, data_type(class, declared.name))
    };
    column.beyond = beyond(class);
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
        Class::Oid => ColumnType::BigInt,
        Class::Integer if name == "int8" => ColumnType::BigInt,
        Class::Integer => ColumnType::Integer,
        Class::Numeric | Class::Money => ColumnType::Decimal,
        Class::Real => ColumnType::Float,
        Class::Double => ColumnType::Double,
        Class::Text if name == "text" => ColumnType::Text,
        Class::Folded => ColumnType::Text,
        Class::Text | Class::Label => ColumnType::String,
        Class::Bytes => ColumnType::Binary,
        Class::Date => ColumnType::Date,
        Class::Time => ColumnType::Time,
        Class::Timestamp => ColumnType::DateTime,
        Class::Instant => ColumnType::Timestamp,
        Class::Uuid => ColumnType::Uuid,
        Class::Json | Class::Jsonb => ColumnType::Json,
        Class::Array(_) => ColumnType::Array,
        Class::Shown | Class::Other if matches!(name, "xml" | "tsvector" | "tsquery") => ColumnType::Text,
        Class::Inet | Class::Shown | Class::Other => ColumnType::String,
    }
}

/// What stands in columns of this class beside the neutral type's values.
fn beyond(class: Class) -> Vec<Beyond> {
    match class {
        Class::Numeric | Class::Real | Class::Double => vec![Beyond::Infinity, Beyond::NotANumber],
        Class::Date | Class::Timestamp | Class::Instant => vec![Beyond::Infinity],
        Class::Time => vec![Beyond::EndOfDay],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
