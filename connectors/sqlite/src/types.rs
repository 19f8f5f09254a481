//! SQLite's types and the neutral ones, both ways.
//!
//! | stored | declared | cell |
//! |---|---|---|
//! | integer | boolean type, 0 or 1 | bool |
//! | integer, real | `json` | json |
//! | integer | any other | i64 |
//! | real | any | f64 |
//! | text, a number | decimal type | decimal |
//! | text, valid JSON | `json` | json |
//! | text, valid UTF-8 | any other | text |
//! | text, not UTF-8 | any | bytes |
//! | blob | any | bytes |
//!
//! What is compared is bound as follows; `store` says what is stored.
//!
//! | parameter | bound as |
//! |---|---|
//! | bool | 0, 1 |
//! | whole number, decimal without fraction | integer; beyond 64 bits signed: real |
//! | float, other decimal | real: what a column of numbers stores of it |
//! | date, time, timestamp | text as SQLite's own functions write it: `2024-05-01 12:30:00` |
//! | instant | the same, in UTC |
//! | uuid | text with hyphens, lower case |
//! | text, JSON | text |
//! | bytes | blob |

use connector_api::author::{CellWriter, Column, ColumnType, RowSink, TimeOfDay, Value, uuid_text};
use connector_api::{Error, ErrorKind, Result};
use rusqlite::types::{ToSqlOutput, Value as Stored, ValueRef};

/// The neutral type of a declared one, with length, precision and scale.
pub(crate) fn column(name: &str, declared: &str) -> Column {
    let (words, sizes) = taken_apart(declared);
    let size = sizes.first().copied();
    let data_type = data_type(&words, size);
    let mut column = Column { native_type: declared.to_owned(), ..Column::new(name, data_type) };
    match data_type {
        ColumnType::Date
        | ColumnType::Time
        | ColumnType::DateTime
        | ColumnType::Timestamp
        | ColumnType::Uuid => column.keeps_text = true,
        ColumnType::Decimal => {
            column.precision = size.and_then(|size| u32::try_from(size).ok());
            column.scale = sizes.get(1).and_then(|scale| i32::try_from(*scale).ok());
        }
        ColumnType::String | ColumnType::Text | ColumnType::Binary => column.length = size,
        _ => {}
    }
    column
}

/// `VARCHAR ( 40 )` to `varchar` and 40.
fn taken_apart(declared: &str) -> (String, Vec<u64>) {
    let (words, sizes) = declared.split_once('(').unwrap_or((declared, ""));
    let sizes = sizes.split([',', ')']).map_while(|size| size.trim().parse().ok()).collect();
    (words.trim().to_ascii_lowercase(), sizes)
}

/// The first rule that fits. SQLite stores integers of 64 bits and floats of 64 bits whatever they are called.
fn data_type(words: &str, size: Option<u64>) -> ColumnType {
    let has = |part: &str| words.contains(part);
    match words {
        "" => ColumnType::Other,
        "bit" => ColumnType::Boolean,
        "tinyint" | "smallint" | "mediumint" | "int" | "integer" | "serial" => {
            if size == Some(1) {
                ColumnType::Boolean
            } else {
                ColumnType::Integer
            }
        }
        "decimal" | "numeric" | "percent" | "number" => ColumnType::Decimal,
        "json" | "jsonb" => ColumnType::Json,
        "date" => ColumnType::Date,
        "uuid" => ColumnType::Uuid,
        _ if has("bool") => ColumnType::Boolean,
        _ if has("double") || has("real") || has("float") => ColumnType::Double,
        _ if has("money") => ColumnType::Decimal,
        _ if has("timestamp") => ColumnType::Timestamp,
        _ if has("datetime") => ColumnType::DateTime,
        _ if has("time") => ColumnType::Time,
        _ if has("binary") || has("blob") => ColumnType::Binary,
        _ if has("clob") || has("text") => ColumnType::Text,
        // SQLite's own rule: a type with INT in its name holds integers.
        _ if has("int") || words == "serial8" || words == "bigserial" => ColumnType::BigInt,
        _ => ColumnType::String,
    }
}

/// What becomes of the values of a result column, decided once for all its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conversion {
    /// As stored.
    Plain,
    /// 0 and 1 are booleans.
    Boolean,
    /// Texts that are numbers are decimals.
    Decimal,
    /// Texts that are JSON are JSON.
    Json,
}

impl Conversion {
    /// For a column of this declared type; `None`: the result of an expression.
    pub(crate) fn of(declared: Option<&str>) -> Self {
        let Some(declared) = declared else { return Self::Plain };
        // Most columns are one of these, and this runs for each column of each statement.
        if ["INTEGER", "TEXT", "REAL", "BLOB", "INT"]
            .iter()
            .any(|common| declared.eq_ignore_ascii_case(common))
        {
            return Self::Plain;
        }
        let (words, sizes) = taken_apart(declared);
        match data_type(&words, sizes.first().copied()) {
            ColumnType::Boolean => Self::Boolean,
            ColumnType::Decimal => Self::Decimal,
            ColumnType::Json => Self::Json,
            _ => Self::Plain,
        }
    }
}

/// Writes a stored value as a cell.
pub(crate) fn write_cell(out: &mut RowSink, value: ValueRef<'_>, conversion: Conversion) {
    match value {
        ValueRef::Null => out.null(),
        ValueRef::Integer(v @ (0 | 1)) if conversion == Conversion::Boolean => out.bool(v == 1),
        ValueRef::Integer(v) if conversion == Conversion::Json => out.json(&v.to_string()),
        ValueRef::Real(v) if conversion == Conversion::Json && v.is_finite() => {
            out.json(&serde_json::Value::from(v).to_string());
        }
        ValueRef::Integer(v) => out.i64(v),
        ValueRef::Real(v) => out.f64(v),
        ValueRef::Blob(v) => out.bytes(v),
        ValueRef::Text(v) => match std::str::from_utf8(v) {
            Ok(text) => write_text(out, text, conversion),
            Err(_) => out.bytes(v),
        },
    }
}

fn write_text(out: &mut RowSink, text: &str, conversion: Conversion) {
    match conversion {
        Conversion::Decimal if is_decimal(text) => out.decimal(text),
        Conversion::Json if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() => out.json(text),
        _ => out.text(text),
    }
}

/// Whether a text may stand in a decimal cell: `-?digits(.digits)?(E[+-]?digits)?`, no leading zeros.
fn is_decimal(text: &str) -> bool {
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = unsigned.split_once(['E', 'e']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    is_digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && is_digits(fraction)
        && is_digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))
}

/// What is bound for a parameter.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] for lists, documents and types that SQLite does not have.
pub(crate) fn parameter(value: &Value) -> Result<ToSqlOutput<'_>> {
    let text = |text: String| ToSqlOutput::Owned(Stored::Text(text));
    Ok(match value {
        Value::Null | Value::Absent => ToSqlOutput::Owned(Stored::Null),
        Value::Bool(v) => ToSqlOutput::Owned(Stored::Integer(i64::from(*v))),
        Value::I64(v) => ToSqlOutput::Owned(Stored::Integer(*v)),
        Value::U64(v) => ToSqlOutput::Owned(unsigned(*v)),
        Value::F32(v) => ToSqlOutput::Owned(Stored::Real(f64::from(*v))),
        Value::F64(v) => ToSqlOutput::Owned(Stored::Real(*v)),
        Value::Decimal(v) => ToSqlOutput::Owned(decimal(v)?),
        Value::Text(v) | Value::Json(v) => ToSqlOutput::Borrowed(ValueRef::Text(v.as_bytes())),
        Value::Bytes(v) => ToSqlOutput::Borrowed(ValueRef::Blob(v)),
        Value::Date(v) => text(v.to_string()),
        Value::Time(v) => text(TimeOfDay(*v).to_string()),
        Value::Timestamp(v) => text(v.to_string()),
        Value::Instant(v) => text(v.at.to_string()),
        Value::Uuid(v) => text(uuid_text(v)),
        _ => {
            return Err(Error::new(
                ErrorKind::InvalidRequest,
                "the database has no lists and documents; expected a single value",
            ));
        }
    })
}

#[allow(clippy::cast_precision_loss, reason = "SQLite itself stores such a number as a real")]
fn unsigned(value: u64) -> Stored {
    i64::try_from(value).map_or(Stored::Real(value as f64), Stored::Integer)
}

/// SQLite stores a decimal as an integer when it is one, else as a real, and compares both exactly.
fn decimal(text: &str) -> Result<Stored> {
    let whole = match text.split_once('.') {
        Some((whole, zeros)) if zeros.bytes().all(|byte| byte == b'0') => whole,
        _ => text,
    };
    if let Ok(integer) = whole.parse() {
        return Ok(Stored::Integer(integer));
    }
    text.parse()
        .map(Stored::Real)
        .map_err(|_| Error::new(ErrorKind::InvalidRequest, "a decimal parameter is not a number"))
}

#[cfg(test)]
mod tests {
    use connector_api::author::{Date, Instant, Timestamp};

    use super::*;

    #[test]
    fn declared_types_become_neutral_ones() {
        use ColumnType::*;
        for (declared, expected) in [
            ("INTEGER", Integer),
            ("int", Integer),
            ("TINYINT(1)", Boolean),
            ("tinyint(4)", Integer),
            ("BOOLEAN", Boolean),
            ("bit", Boolean),
            ("BIGINT", BigInt),
            ("UNSIGNED BIG INT", BigInt),
            ("DECIMAL(10,2)", Decimal),
            ("numeric", Decimal),
            ("money", Decimal),
            ("REAL", Double),
            ("FLOAT", Double),
            ("double precision", Double),
            ("TEXT", Text),
            ("CLOB", Text),
            ("VARCHAR ( 40 )", String),
            ("nchar(5)", String),
            ("STRING", String),
            ("BLOB", Binary),
            ("varbinary(16)", Binary),
            ("date", Date),
            ("DATETIME", DateTime),
            ("timestamp", Timestamp),
            ("time", Time),
            ("uuid", Uuid),
            ("json", Json),
            ("", Other),
        ] {
            assert_eq!(column("c", declared).data_type, expected, "{declared}");
        }
    }

    #[test]
    fn sizes_are_read_off_the_declared_type() {
        let sizes = |declared| {
            let column = column("c", declared);
            (column.length, column.precision, column.scale)
        };
        assert_eq!(sizes("VARCHAR( 40 )"), (Some(40), None, None));
        assert_eq!(sizes("DECIMAL(10, 2)"), (None, Some(10), Some(2)));
        assert_eq!(sizes("VARCHAR(x)"), (None, None, None));
        assert_eq!(sizes("TEXT"), (None, None, None));
    }

    #[test]
    fn decimals_are_bound_so_that_they_compare_exactly() {
        for (text, stored) in [
            ("5", Stored::Integer(5)),
            ("5.00", Stored::Integer(5)),
            ("-0.5", Stored::Real(-0.5)),
            ("9007199254740993.0", Stored::Integer(9_007_199_254_740_993)),
            ("9223372036854775808", Stored::Real(9_223_372_036_854_775_808.0)),
            ("1E3", Stored::Real(1000.0)),
        ] {
            assert_eq!(decimal(text).unwrap(), stored, "{text}");
        }
    }

    #[test]
    fn times_and_uuids_are_texts_as_sqlite_writes_them() {
        let at = Timestamp { seconds: 1_714_566_600, nanos: 0 };
        for (value, expected) in [
            (Value::Date(Date(0)), "1970-01-01"),
            (Value::Time(45_000_000_000_000), "12:30:00"),
            (Value::Timestamp(Timestamp { nanos: 500_000_000, ..at }), "2024-05-01 12:30:00.5"),
            (Value::Instant(Instant { at, offset: Some(7200) }), "2024-05-01 12:30:00"),
            (Value::Uuid([0xab; 16]), "abababab-abab-abab-abab-abababababab"),
        ] {
            assert_eq!(parameter(&value).unwrap(), ToSqlOutput::Owned(Stored::Text(expected.to_owned())));
        }
    }

    #[test]
    fn only_numbers_in_the_batch_s_grammar_are_decimal_cells() {
        for (text, expected) in [
            ("0", true),
            ("-12.50", true),
            ("1E+30", true),
            ("007", false),
            ("1.", false),
            (".5", false),
            ("", false),
            ("1e", false),
            ("NaN", false),
        ] {
            assert_eq!(is_decimal(text), expected, "{text}");
        }
    }
}
