//! Values as a column stores them. SQLite converts what it is given to the liking of the column's declared type, and loses digits in
//! doing so; here a value is stored so that it reads back as it was, or refused.
//!
//! | cell | column of texts | of numbers | of floats | undeclared, blobs |
//! |---|---|---|---|---|
//! | bool | text 0, 1 | 0, 1 | 0.0, 1.0 | 0, 1 |
//! | whole number | its digits | integer; refused beyond 64 bits | float; refused where it has too many digits | as numbers |
//! | decimal | its digits | integer or float; refused where it has too many digits | the same | the same, but text where it has too many |
//! | float | shortest text | as it is | as it is | as it is |
//! | text | as it is | as it is; refused where it reads as a number | the same | as it is |
//! | bytes | blob | blob | blob | blob |
//! | dates, times, uuid | text, as [`types`](crate::types) says | the same | the same | the same |
//!
//! A column of JSON holds JSON texts, and numbers as numbers; a text that would be taken for another JSON value is stored as a JSON string.

use std::borrow::Cow;

use connector_api::author::{Cell, TimeOfDay, uuid_text};
use connector_api::{Error, ErrorKind, Result};
use rusqlite::types::{ToSqlOutput, Value as Stored, ValueRef};

use crate::table::{Affinity, ColumnInfo};
use crate::types::Conversion;

/// What is bound for a cell that is stored in this column, or looked for in it as a key.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] when the column can't hold the value as it is.
pub(crate) fn stored<'c>(cell: &Cell<'c>, column: &ColumnInfo) -> Result<ToSqlOutput<'c>> {
    let is_json = column.conversion == Conversion::Json;
    let text = |text: String| ToSqlOutput::Owned(Stored::Text(text));
    Ok(match *cell {
        Cell::Null | Cell::Absent => ToSqlOutput::Owned(Stored::Null),
        Cell::Bool(value) if is_json => text(value.to_string()),
        Cell::Bool(value) => ToSqlOutput::Owned(Stored::Integer(i64::from(value))),
        Cell::I64(value) => whole(value, column)?,
        Cell::U64(value) => i64::try_from(value).map_or_else(
            |_| {
                if column.affinity == Affinity::Text {
                    Ok(text(value.to_string()))
                } else {
                    Err(too_many_digits(column))
                }
            },
            |value| whole(value, column),
        )?,
        Cell::F32(value) => float(f64::from(value), column)?,
        Cell::F64(value) => float(value, column)?,
        Cell::Decimal(digits) => number(digits, column)?,
        Cell::Text(value) if is_json => match json_string(value) {
            Cow::Borrowed(plain) => borrowed(plain),
            Cow::Owned(quoted) => text(quoted),
        },
        Cell::Text(value) => {
            if matches!(column.affinity, Affinity::Numeric | Affinity::Real) && reads_as_number(value) {
                return Err(becomes_a_number(column));
            }
            borrowed(value)
        }
        Cell::Json(json) => match json.trim() {
            digits
                if matches!(column.affinity, Affinity::Numeric | Affinity::Real)
                    && reads_as_number(digits) =>
            {
                number(digits, column)?
            }
            _ => borrowed(json),
        },
        Cell::Bytes(value) => ToSqlOutput::Borrowed(ValueRef::Blob(value)),
        Cell::Date(value) => text(value.to_string()),
        Cell::Time(value) => text(TimeOfDay(value).to_string()),
        Cell::Timestamp(value) => text(value.to_string()),
        Cell::Instant(value) => text(value.at.to_string()),
        Cell::Uuid(value) => text(uuid_text(value)),
        _ => {
            return Err(refused(
                column,
                "expected a single value; the database has no lists and documents",
                "datatype_mismatch",
            ));
        }
    })
}

fn borrowed(text: &str) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes()))
}

fn whole(value: i64, column: &ColumnInfo) -> Result<ToSqlOutput<'static>> {
    if column.affinity == Affinity::Real {
        // The column makes a float of it, which has to be the same number.
        let float = exact_float(&value.to_string());
        return float.map(ToSqlOutput::Owned).ok_or_else(|| too_many_digits(column));
    }
    Ok(ToSqlOutput::Owned(Stored::Integer(value)))
}

/// SQLite stores no NaN: it makes a null of it.
fn float(value: f64, column: &ColumnInfo) -> Result<ToSqlOutput<'static>> {
    if value.is_nan() {
        return Err(refused(column, "expected a number; the database has no NaN", "out_of_range"));
    }
    Ok(ToSqlOutput::Owned(match column.affinity {
        // SQLite's own text has fewer digits.
        Affinity::Text => Stored::Text(format!("{value:?}")),
        _ => Stored::Real(value),
    }))
}

fn number<'c>(digits: &'c str, column: &ColumnInfo) -> Result<ToSqlOutput<'c>> {
    if column.affinity == Affinity::Text {
        return Ok(borrowed(digits));
    }
    match exact(digits) {
        Some(Stored::Integer(value)) => whole(value, column),
        Some(value) => Ok(ToSqlOutput::Owned(value)),
        None if column.affinity == Affinity::None => Ok(borrowed(digits)),
        None => Err(too_many_digits(column)),
    }
}

/// The number that SQLite can hold with all these digits, trailing zeros aside.
pub(crate) fn exact(digits: &str) -> Option<Stored> {
    let number = Digits::of(digits)?;
    number.integer().map(Stored::Integer).or_else(|| exact_float(digits))
}

/// A float is as good as the decimal when its shortest text has the same digits.
fn exact_float(digits: &str) -> Option<Stored> {
    let value: f64 = digits.parse().ok()?;
    let is_exact = value.is_finite() && Digits::of(&format!("{value:e}")) == Digits::of(digits);
    is_exact.then_some(Stored::Real(value))
}

/// A decimal number without needless zeros: digits, and how many zeros follow (or, negative, digits stand behind the point).
#[derive(Debug, PartialEq, Eq)]
struct Digits {
    is_negative: bool,
    digits: String,
    zeros: i64,
}

impl Digits {
    fn of(text: &str) -> Option<Self> {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = [whole, fraction].concat();
        let digits = all.trim_end_matches('0');
        let trimmed = i64::try_from(all.len() - digits.len()).ok()?;
        let zeros = exponent.parse::<i64>().ok()?.checked_sub(i64::try_from(fraction.len()).ok()?)?;
        let digits = digits.trim_start_matches('0').to_owned();
        let is_zero = digits.is_empty();
        Some(Self {
            is_negative: !is_zero && unsigned.len() < text.len(),
            zeros: if is_zero { 0 } else { zeros.checked_add(trimmed)? },
            digits,
        })
    }

    fn integer(&self) -> Option<i64> {
        let zeros = usize::try_from(self.zeros).ok().filter(|zeros| *zeros < 20)?;
        let sign = if self.is_negative { "-" } else { "" };
        format!("{sign}0{}{}", self.digits, "0".repeat(zeros)).parse().ok()
    }
}

/// Whether SQLite would take a text for a number: blanks around it, a sign, digits with a point anywhere, an exponent. It reads up to
/// U+0000.
fn reads_as_number(text: &str) -> bool {
    let text = text.split('\0').next().unwrap_or_default();
    let text = text.trim_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = unsigned
        .split_once(['e', 'E'])
        .map_or((unsigned, None), |(mantissa, exponent)| (mantissa, Some(exponent)));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let is_exponent = |part: &str| {
        let digits = part.strip_prefix(['+', '-']).unwrap_or(part);
        !digits.is_empty() && is_digits(digits)
    };
    is_digits(whole)
        && is_digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && exponent.is_none_or(is_exponent)
}

/// Lists, documents and what is not JSON stand as they are: texts of a column of JSON read as they do. Anything else would read as a
/// number, a truth value or a shorter text.
fn json_string(text: &str) -> Cow<'_, str> {
    let is_json = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    if !reads_as_number(text) && (!is_json || text.trim_start().starts_with(['[', '{'])) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(serde_json::Value::from(text).to_string())
}

fn refused(column: &ColumnInfo, expected: &str, reason: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, format!("column '{}': {expected}", column.name))
        .with_reason(reason)
        .with_sqlstate(if reason == "out_of_range" { "22003" } else { "22000" })
}

fn too_many_digits(column: &ColumnInfo) -> Error {
    refused(
        column,
        "the number has more digits than the column can hold; round it, or declare the column as text",
        "out_of_range",
    )
}

fn becomes_a_number(column: &ColumnInfo) -> Error {
    refused(
        column,
        "a text that reads as a number would be stored as one; send a number, or declare the column as text",
        "datatype_mismatch",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(affinity: Affinity) -> ColumnInfo {
        ColumnInfo { name: "c".to_owned(), affinity, conversion: Conversion::Plain }
    }

    fn integer(value: i64) -> Option<Stored> {
        Some(Stored::Integer(value))
    }

    #[test]
    fn a_number_is_exact_or_none() {
        for (digits, expected) in [
            ("5.00", integer(5)),
            ("-0.0", integer(0)),
            ("1E3", integer(1000)),
            ("9007199254740993.0", integer(9_007_199_254_740_993)),
            ("-9223372036854775808", integer(i64::MIN)),
            ("9223372036854775808", None),
            ("1E20", Some(Stored::Real(1e20))),
            ("0.1", Some(Stored::Real(0.1))),
            ("-12.50", Some(Stored::Real(-12.5))),
            ("1E-300", Some(Stored::Real(1e-300))),
            ("1E400", None),
            ("1E-400", None),
            ("0.1234567890123456789", None),
            ("12345678901234.5678", None),
            ("1E99999999999999999999", None),
        ] {
            assert_eq!(exact(digits), expected, "{digits}");
        }
    }

    #[test]
    fn texts_that_sqlite_takes_for_numbers_are_known() {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t(c NUMERIC)").unwrap();
        for text in [
            "5",
            " 5 ",
            "+5",
            "-5",
            "5.",
            ".5",
            "1e5",
            "1E+5",
            "007",
            "\t5\n",
            "1e400",
            "",
            ".",
            "-",
            "5e",
            "e5",
            "0x10",
            "1_000",
            "5 5",
            "NaN",
            "inf",
            "5\0",
            "5\0x",
            "5 \0x",
            "\0 5",
            "x\0 5",
            "2024-05-01",
            "12:30:00",
            "\u{a0}5",
            "--5",
            "1.2.3",
            "٣",
        ] {
            let insert = "INSERT INTO t VALUES (?) RETURNING typeof(c) <> 'text'";
            let is_number: bool = connection.query_row(insert, [text], |row| row.get(0)).unwrap();
            assert_eq!(reads_as_number(text), is_number, "{text:?}");
        }
    }

    #[test]
    fn what_a_column_can_not_hold_is_refused_by_name() {
        use Affinity::{None, Numeric, Real, Text};
        for (cell, affinity) in [
            (Cell::U64(u64::MAX), Numeric),
            (Cell::U64(u64::MAX), Real),
            (Cell::U64(u64::MAX), None),
            (Cell::I64(9_007_199_254_740_993), Real),
            (Cell::Decimal("0.1234567890123456789"), Numeric),
            (Cell::Text("007"), Numeric),
            (Cell::Text("5"), Real),
            (Cell::Json("12345678901234567890"), Numeric),
            (Cell::F64(f64::NAN), Numeric),
        ] {
            let error = stored(&cell, &column(affinity)).unwrap_err();
            assert_eq!(error.kind, ErrorKind::InvalidRequest, "{cell:?}");
            assert!(error.message.contains("'c'"));
        }
        for (cell, affinity, text) in [
            (Cell::U64(u64::MAX), Text, "18446744073709551615"),
            (Cell::Decimal("0.10"), Text, "0.10"),
            (Cell::Decimal("0.1234567890123456789"), None, "0.1234567890123456789"),
            (Cell::F64(0.1), Text, "0.1"),
            (Cell::Text("007"), None, "007"),
        ] {
            let bound = stored(&cell, &column(affinity)).unwrap();
            let ToSqlOutput::Owned(Stored::Text(bound)) = bound else {
                assert_eq!(bound, borrowed(text));
                continue;
            };
            assert_eq!(bound, text);
        }
    }

    #[test]
    fn texts_in_a_column_of_json_stay_texts() {
        for (text, expected) in [
            ("abc", "abc"),
            ("{\"a\":1}", "{\"a\":1}"),
            ("[1]", "[1]"),
            ("5", "\"5\""),
            (".5", "\".5\""),
            ("true", "\"true\""),
            ("null", "\"null\""),
            ("\"x\"", "\"\\\"x\\\"\""),
        ] {
            assert_eq!(json_string(text), expected);
        }
    }
}
