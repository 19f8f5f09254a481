//! The server's types and the neutral ones. How values are read is in `read`, how they are written in `write`.
//!
//! A type that has no neutral one is read as the text that the server itself makes of it, and written from a text.

mod label;
mod read;
mod write;

use connector_api::author::{Beyond, Column, ColumnType};
use connector_sql_common::sort::Sort;

pub(crate) use label::check_computed;
pub(crate) use read::{Fields, Reader, integer, write_row};
pub(crate) use write::{parameter, stored};

/// The number of the character set of bytes.
const BINARY: u16 = 63;

/// What is known of a column's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// `tinyint(1)`, which may hold other numbers than 0 and 1 all the same.
    Boolean,
    /// `bit(1)`
    Flag,
    /// Whole numbers, years.
    Integer,
    /// Several bits, as a number.
    Bits,
    /// `decimal`
    Decimal,
    /// `float`
    Float,
    /// `double`
    Double,
    /// Texts, and what else the server shows as text.
    Text,
    /// `enum` and `set`: texts from a list, which the server takes for numbers where they look like some.
    Label,
    /// `binary`, `varbinary`, `blob`
    Bytes,
    /// `date`
    Date,
    /// `time`
    Time,
    /// `datetime`
    DateTime,
    /// `timestamp`
    Timestamp,
    /// MariaDB's `uuid`
    Uuid,
    /// MySQL's `json`, and a text of MariaDB that is checked to be JSON.
    Json,
    /// Points, lines and areas, as well-known text.
    Geometry,
}

impl Class {
    fn of(name: &str, words: &str) -> Self {
        match name {
            "tinyint" if words.starts_with("tinyint(1)") => Self::Boolean,
            "bit" if words == "bit(1)" => Self::Flag,
            "bit" => Self::Bits,
            "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "year" => Self::Integer,
            "decimal" => Self::Decimal,
            "float" => Self::Float,
            "double" => Self::Double,
            "date" => Self::Date,
            "time" => Self::Time,
            "datetime" => Self::DateTime,
            "timestamp" => Self::Timestamp,
            "uuid" => Self::Uuid,
            "json" => Self::Json,
            "enum" | "set" => Self::Label,
            "geometry" | "point" | "linestring" | "polygon" | "multipoint" | "multilinestring"
            | "multipolygon" | "geometrycollection" | "geomcollection" => Self::Geometry,
            _ if name.ends_with("blob") || name.ends_with("binary") || name == "vector" => Self::Bytes,
            _ => Self::Text,
        }
    }

    /// Of a column of a result that no description is known for, by what the server says of it. Whatever has no neutral type comes as its
    /// text, and JSON does where the server has no type for it.
    pub(crate) fn of_column(column: &mysql_async::Column) -> Self {
        use mysql_async::consts::ColumnType as Sent;
        match column.column_type() {
            Sent::MYSQL_TYPE_TINY if column.column_length() == 1 => Self::Boolean,
            Sent::MYSQL_TYPE_BIT if column.column_length() == 1 => Self::Flag,
            Sent::MYSQL_TYPE_BIT => Self::Bits,
            Sent::MYSQL_TYPE_TINY
            | Sent::MYSQL_TYPE_SHORT
            | Sent::MYSQL_TYPE_INT24
            | Sent::MYSQL_TYPE_LONG
            | Sent::MYSQL_TYPE_LONGLONG
            | Sent::MYSQL_TYPE_YEAR => Self::Integer,
            Sent::MYSQL_TYPE_DECIMAL | Sent::MYSQL_TYPE_NEWDECIMAL => Self::Decimal,
            Sent::MYSQL_TYPE_FLOAT => Self::Float,
            Sent::MYSQL_TYPE_DOUBLE => Self::Double,
            Sent::MYSQL_TYPE_DATE | Sent::MYSQL_TYPE_NEWDATE => Self::Date,
            Sent::MYSQL_TYPE_TIME | Sent::MYSQL_TYPE_TIME2 => Self::Time,
            Sent::MYSQL_TYPE_DATETIME | Sent::MYSQL_TYPE_DATETIME2 => Self::DateTime,
            Sent::MYSQL_TYPE_TIMESTAMP | Sent::MYSQL_TYPE_TIMESTAMP2 => Self::Timestamp,
            Sent::MYSQL_TYPE_JSON => Self::Json,
            _ if column.character_set() == BINARY => Self::Bytes,
            _ => Self::Text,
        }
    }

    /// What a column of this class is worth in expressions.
    pub(crate) fn sort(self) -> Sort {
        match self {
            Self::Boolean | Self::Flag => Sort::Boolean,
            Self::Integer | Self::Bits => Sort::Integer,
            Self::Decimal => Sort::Numeric,
            Self::Float => Sort::Real,
            Self::Double => Sort::Double,
            Self::Text | Self::Label => Sort::Text,
            Self::Bytes => Sort::Bytes,
            Self::Date => Sort::Date,
            Self::Time => Sort::Time,
            Self::DateTime => Sort::Timestamp,
            Self::Timestamp => Sort::Instant,
            Self::Uuid => Sort::Uuid,
            Self::Json => Sort::Document,
            Self::Geometry => Sort::Native,
        }
    }
}

/// What the catalogue says of a column's type.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Declared<'a> {
    /// Name of the type.
    pub(crate) name: &'a str,
    /// The server's own words for the type as it is declared.
    pub(crate) words: &'a str,
    /// Characters or bytes.
    pub(crate) length: Option<u64>,
    /// Digits or bits.
    pub(crate) precision: Option<u64>,
    /// Digits behind the point.
    pub(crate) scale: Option<u64>,
}

/// The neutral description of a column.
pub(crate) fn column(name: &str, declared: Declared<'_>) -> (Column, Class) {
    let words = declared.words.to_ascii_lowercase();
    let class = Class::of(&declared.name.to_ascii_lowercase(), &words);
    let data_type = data_type(class, &declared.name.to_ascii_lowercase(), &words);
    let mut column = Column { native_type: declared.words.to_owned(), ..Column::new(name, data_type) };
    match data_type {
        ColumnType::String | ColumnType::Binary => column.length = declared.length,
        ColumnType::Decimal => {
            column.precision = declared.precision.and_then(|digits| u32::try_from(digits).ok());
            column.scale = declared.scale.and_then(|digits| i32::try_from(digits).ok());
        }
        _ => {}
    }
    column.beyond = beyond(class);
    if class == Class::Label {
        column.allowed_values = labels(declared.words);
    }
    (column, class)
}

/// Makes a described column one of JSON.
pub(crate) fn make_json(column: &mut Column) {
    column.data_type = ColumnType::Json;
    "json".clone_into(&mut column.native_type);
}

fn data_type(class: Class, name: &str, words: &str) -> ColumnType {
    match class {
        Class::Boolean | Class::Flag => ColumnType::Boolean,
        Class::Bits => ColumnType::BigInt,
        // Unsigned ones go beyond 32 bits with a sign.
        Class::Integer if name == "bigint" || name == "int" && words.contains("unsigned") => {
            ColumnType::BigInt
        }
        Class::Integer => ColumnType::Integer,
        Class::Decimal => ColumnType::Decimal,
        Class::Float => ColumnType::Float,
        Class::Double => ColumnType::Double,
        Class::Text if matches!(name, "text" | "mediumtext" | "longtext" | "tinytext") => ColumnType::Text,
        Class::Geometry => ColumnType::Text,
        Class::Text | Class::Label => ColumnType::String,
        Class::Bytes => ColumnType::Binary,
        Class::Date => ColumnType::Date,
        Class::Time => ColumnType::Time,
        Class::DateTime => ColumnType::DateTime,
        Class::Timestamp => ColumnType::Timestamp,
        Class::Uuid => ColumnType::Uuid,
        Class::Json => ColumnType::Json,
    }
}

/// What stands in columns of this class beside the neutral type's values.
/// <https://mariadb.com/docs/server/reference/data-types/date-and-time-data-types/time>
fn beyond(class: Class) -> Vec<Beyond> {
    match class {
        Class::Date | Class::DateTime | Class::Timestamp => vec![Beyond::ZeroDays],
        Class::Time => vec![Beyond::LongTimes],
        _ => Vec::new(),
    }
}

/// The labels of `enum('a','b''c')`.
fn labels(words: &str) -> Vec<String> {
    let list = words.split_once('(').and_then(|(_, list)| list.strip_suffix(')')).unwrap_or_default();
    let mut labels = Vec::new();
    let mut label = String::new();
    let mut is_inside = false;
    let mut characters = list.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\'' if is_inside && characters.peek() == Some(&'\'') => {
                characters.next();
                label.push('\'');
            }
            '\'' if is_inside => {
                is_inside = false;
                labels.push(std::mem::take(&mut label));
            }
            '\'' => is_inside = true,
            other if is_inside => label.push(other),
            _ => {}
        }
    }
    labels
}

/// The text of a literal between single quotes, if that is all there is.
pub(crate) fn quoted(text: &str) -> Option<String> {
    let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
    let unquoted = inner.replace("''", "");
    (!unquoted.contains('\'')).then(|| inner.replace("''", "'"))
}

/// What the catalogue means with words of its own in which a backslash escapes, whatever the modes: two of them are one.
pub(crate) fn unescaped(words: &str) -> String {
    let mut meant = String::with_capacity(words.len());
    let mut characters = words.chars();
    while let Some(character) = characters.next() {
        let escaped = if character == '\\' { characters.next() } else { None };
        meant.push(match escaped {
            Some('n') => '\n',
            Some('r') => '\r',
            Some('0') => '\0',
            Some(other) => other,
            None => character,
        });
    }
    meant
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_of_the_catalogue_are_undone() {
        for (words, meant) in [
            (r"'C:\\dir'", r"'C:\dir'"),
            (r"'new\nline'", "'new\nline'"),
            (r"'a\\nb\r\0'", "'a\\nb\r\0'"),
            ("'it''s'", "'it''s'"),
            ("plain", "plain"),
        ] {
            assert_eq!(unescaped(words), meant);
        }
    }

    fn described(words: &str) -> Column {
        let name = words.split(['(', ' ']).next().unwrap();
        column("c", Declared { name, words, length: Some(40), precision: Some(10), scale: Some(2) }).0
    }

    #[test]
    fn types_of_the_catalogue_become_neutral_ones() {
        use ColumnType::*;
        for (words, expected) in [
            ("tinyint(1)", Boolean),
            ("tinyint(4)", Integer),
            ("bit(1)", Boolean),
            ("bit(8)", BigInt),
            ("int(11)", Integer),
            ("int(10) unsigned", BigInt),
            ("mediumint unsigned", Integer),
            ("bigint(20)", BigInt),
            ("year(4)", Integer),
            ("decimal(10,2)", Decimal),
            ("float", Float),
            ("double", Double),
            ("char(3)", String),
            ("varchar(40)", String),
            ("enum('a')", String),
            ("set('a')", String),
            ("inet6", String),
            ("longtext", Text),
            ("varbinary(16)", Binary),
            ("mediumblob", Binary),
            ("date", Date),
            ("time(6)", Time),
            ("datetime(6)", DateTime),
            ("timestamp", Timestamp),
            ("uuid", Uuid),
            ("json", Json),
            ("point", Text),
        ] {
            assert_eq!(described(words).data_type, expected, "{words}");
        }
    }

    #[test]
    fn sizes_are_kept_where_they_bound_values() {
        let sizes = |words| {
            let column = described(words);
            (column.length, column.precision, column.scale)
        };
        assert_eq!(sizes("varchar(40)"), (Some(40), None, None));
        assert_eq!(sizes("decimal(10,2)"), (None, Some(10), Some(2)));
        assert_eq!(sizes("int(11)"), (None, None, None));
    }

    #[test]
    fn labels_are_read_with_their_quotes_and_commas() {
        assert_eq!(labels("enum('a','b''c,d','')"), ["a", "b'c,d", ""]);
        assert_eq!(described("set('x','y')").allowed_values, ["x", "y"]);
    }
}
