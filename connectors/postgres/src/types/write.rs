//! Values as the texts that the server's input functions read.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use connector_api::author::{Cell, Instant, TimeOfDay, Timestamp, Value, uuid_text};
use connector_api::{Error, ErrorKind, Result};
use connector_common::json::{is_document, push_json, push_string};

use super::{Class, Item};

/// Writes a cell that is stored in a column of this class. Null and absent are the caller's matter.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] for what no column can hold.
pub(crate) fn push_cell(to: &mut Vec<u8>, cell: &Cell<'_>, class: Class) -> Result<()> {
    match *cell {
        _ if matches!(class, Class::Json | Class::Jsonb) => {
            push_document(to, cell)?;
        }
        // What callers can't send as a moment comes as a text: days before year 1.
        Cell::Text(text) if matches!(class, Class::Date | Class::Timestamp | Class::Instant) => {
            push_moment(to, text);
        }
        Cell::Text(text) => to.extend_from_slice(text.as_bytes()),
        // The server would count from the other end.
        Cell::I64(..0) if class == Class::Oid => {
            return Err(Error::new(ErrorKind::InvalidRequest, "an oid is negative")
                .with_reason("out_of_range")
                .with_sqlstate("22003"));
        }
        Cell::I64(number) => display(to, number),
        Cell::Bool(flag) => to.extend_from_slice(if flag { b"true" } else { b"false" }),
        Cell::Decimal(digits) => to.extend_from_slice(digits.as_bytes()),
        _ => match (owned(cell)?, class) {
            (Value::List(items), Class::Array(item)) => push_list(to, &items, item)?,
            (value, _) => push_value(to, &value)?,
        },
    }
    Ok(())
}

/// A text that is a list or a document stays one; any other would read as a number, a truth value or nothing.
fn push_document(to: &mut Vec<u8>, cell: &Cell<'_>) -> Result<()> {
    match *cell {
        Cell::Json(json) => to.extend_from_slice(json.as_bytes()),
        Cell::Text(text) if is_document(text) => to.extend_from_slice(text.as_bytes()),
        Cell::Text(text) => push_string(to, text),
        _ => push_json(to, &owned(cell)?),
    }
    Ok(())
}

fn owned(cell: &Cell<'_>) -> Result<Value> {
    cell.to_value().map_err(|_| mismatch("a value is of a type that the database does not have"))
}

fn mismatch(message: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, message).with_reason("datatype_mismatch")
}

/// Writes a value. Null is the caller's matter.
///
/// # Errors
/// As [`push_cell`].
pub(crate) fn push_value(to: &mut Vec<u8>, value: &Value) -> Result<()> {
    match value {
        Value::Text(text) | Value::Json(text) | Value::Decimal(text) => to.extend_from_slice(text.as_bytes()),
        Value::Bool(flag) => to.extend_from_slice(if *flag { b"true" } else { b"false" }),
        Value::I64(number) => display(to, number),
        Value::U64(number) => display(to, number),
        Value::F32(number) => display(to, number),
        Value::F64(number) => display(to, number),
        Value::Bytes(bytes) => display(to, hexadecimal(bytes)),
        Value::Date(day) => push_moment(to, &day.to_string()),
        Value::Time(nanos) => display(to, TimeOfDay(*nanos)),
        Value::Timestamp(at) => push_moment(to, &at.to_string()),
        Value::Instant(Instant { at, .. }) => push_instant(to, *at),
        Value::Uuid(bytes) => display(to, uuid_text(bytes)),
        Value::List(items) => push_list(to, items, Item::Plain)?,
        Value::Object(_) => push_json(to, value),
        Value::Extension(_, inner) => push_value(to, inner)?,
        // Null, or what a later contract has.
        _ => {}
    }
    Ok(())
}

fn display(to: &mut Vec<u8>, value: impl std::fmt::Display) {
    // Writing into memory can't fail.
    let _ = write!(to, "{value}");
}

fn push_instant(to: &mut Vec<u8>, at: Timestamp) {
    push_moment(to, &Instant { at, offset: None }.to_string());
}

/// Writes a day, with a time behind it or not. The server has no year 0 and no signs: the year before 1 is `0001 … BC`.
/// <https://www.postgresql.org/docs/current/datatype-datetime.html>
fn push_moment(to: &mut Vec<u8>, text: &str) {
    let unsigned = text.trim_start_matches(['+', '-']);
    let year = unsigned.split_once('-').and_then(|(year, rest)| Some((year.parse::<i64>().ok()?, rest)));
    match year {
        Some((year, rest)) if text.starts_with('-') || year == 0 => {
            let _ = write!(to, "{:04}-{rest} BC", year + 1);
        }
        _ => to.extend_from_slice(text.trim_start_matches('+').as_bytes()),
    }
}

/// Writes an array: <https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO>. Each value is quoted, so that none is taken for
/// something else.
fn push_list(to: &mut Vec<u8>, items: &[Value], item: Item) -> Result<()> {
    to.push(b'{');
    for (place, value) in items.iter().enumerate() {
        if place > 0 {
            to.push(if item == Item::Box { b';' } else { b',' });
        }
        match value {
            Value::Null | Value::Absent => to.extend_from_slice(b"NULL"),
            Value::List(items) if item != Item::Document => push_list(to, items, item)?,
            value => {
                to.push(b'"');
                let start = to.len();
                push_item(to, value, item)?;
                escape_from(to, start);
                to.push(b'"');
            }
        }
    }
    to.push(b'}');
    Ok(())
}

/// Writes an item as the server reads it, also where a list has nothing but a text for it.
fn push_item(to: &mut Vec<u8>, value: &Value, item: Item) -> Result<()> {
    match (value, item) {
        (Value::Text(base64), Item::Bytes) => {
            let bytes = STANDARD.decode(base64);
            let bytes = bytes.map_err(|_| mismatch("an item of a list of bytes is no base64 text"))?;
            display(to, hexadecimal(&bytes));
        }
        (Value::Text(text), Item::Moment) => push_moment(to, text),
        (value, Item::Document) => push_json(to, value),
        (value, _) => push_value(to, value)?,
    }
    Ok(())
}

/// Puts a backslash before each quote and backslash behind `start`.
fn escape_from(to: &mut Vec<u8>, start: usize) {
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\');
    if !to.iter().skip(start).any(is_special) {
        return;
    }
    for byte in to.split_off(start) {
        if is_special(&byte) {
            to.push(b'\\');
        }
        to.push(byte);
    }
}

/// All digits of a binary number, as a decimal. Its shortest text is another number, where the server compares digits.
pub(crate) fn exact_digits(number: f64) -> String {
    // So short that the shortest text has all digits.
    let is_short = number.abs() < 65_536.0 && (number * 1024.0).fract() == 0.0;
    if is_short || !number.is_finite() {
        return number.to_string();
    }
    let all = format!("{number:.1074}");
    all.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Bytes in the form that the server reads.
fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 + bytes.len() * 2);
    text.push_str("\\x");
    bytes.iter().for_each(|byte| push_byte(&mut text, *byte));
    text
}

fn push_byte(text: &mut String, byte: u8) {
    let digits = [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16));
    text.extend(digits.into_iter().flatten());
}

#[cfg(test)]
mod tests {
    use connector_api::author::Date;

    use super::*;

    fn written(value: &Value) -> String {
        let mut bytes = Vec::new();
        push_value(&mut bytes, value).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn values_are_texts_that_the_server_reads() {
        let at = Timestamp { seconds: 1_714_566_600, nanos: 500_000 };
        for (value, expected) in [
            (Value::Bool(true), "true"),
            (Value::I64(i64::MIN), "-9223372036854775808"),
            (Value::F64(0.1), "0.1"),
            (Value::F32(0.1), "0.1"),
            (Value::F64(f64::INFINITY), "inf"),
            (Value::Bytes(vec![0, 0xff]), "\\x00ff"),
            (Value::Uuid([0xab; 16]), "abababab-abab-abab-abab-abababababab"),
            (Value::Date(Date(19_844)), "2024-05-01"),
            (Value::Date(Date(2_932_897)), "10000-01-01"),
            (Value::Date(Date(-719_528)), "0001-01-01 BC"),
            (Value::Date(Date(-719_529)), "0002-12-31 BC"),
            (Value::Timestamp(at), "2024-05-01 12:30:00.0005"),
            (Value::Instant(Instant { at, offset: Some(3600) }), "2024-05-01T12:30:00.0005Z"),
            (Value::Time(45_000_000_000_000), "12:30:00"),
        ] {
            assert_eq!(written(&value), expected);
        }
    }

    #[test]
    fn lists_are_arrays_whose_items_are_quoted() {
        let text = |text: &str| Value::Text(text.to_owned());
        let list = Value::List(vec![
            text("a\"b\\c"),
            Value::Null,
            text("NULL"),
            Value::List(vec![Value::I64(1), Value::Bytes(vec![1])]),
        ]);
        assert_eq!(written(&list), r#"{"a\"b\\c",NULL,"NULL",{"1","\\x01"}}"#);
    }

    #[test]
    fn items_are_what_the_lists_of_answers_show() {
        let text = |text: &str| Value::Text(text.to_owned());
        for (item, value, expected) in [
            (Item::Bytes, text("AP8="), r#"{"\\x00ff"}"#),
            (Item::Moment, text("-0043-03-15"), r#"{"0044-03-15 BC"}"#),
            (Item::Moment, text("infinity"), r#"{"infinity"}"#),
            (Item::Document, text("x"), r#"{"\"x\""}"#),
            (Item::Document, Value::List(vec![Value::I64(1), text("x")]), r#"{"[1,\"x\"]"}"#),
            (Item::Text, text("a b"), r#"{"a b"}"#),
        ] {
            let mut bytes = Vec::new();
            push_list(&mut bytes, &[value], item).unwrap();
            assert_eq!(String::from_utf8(bytes).unwrap(), expected, "{item:?}");
        }
        let boxes = [text("(1,1),(0,0)"), Value::Null];
        let mut bytes = Vec::new();
        push_list(&mut bytes, &boxes, Item::Box).unwrap();
        assert_eq!(bytes, br#"{"(1,1),(0,0)";NULL}"#);
        let refused = push_list(&mut Vec::new(), &[text("no base64")], Item::Bytes).unwrap_err();
        assert_eq!(refused.reason.as_deref(), Some("datatype_mismatch"));
    }

    #[test]
    fn exact_digits_are_those_of_the_binary_number() {
        for (number, expected) in [
            (0.5, "0.5"),
            (-80.125, "-80.125"),
            (0.1, "0.1000000000000000055511151231257827021181583404541015625"),
            (9_007_199_254_740_992.0, "9007199254740992"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(exact_digits(number), expected);
        }
    }

    #[test]
    fn texts_in_columns_of_moments_are_moments() {
        for (class, text, expected) in [
            (Class::Date, "2024-05-01", "2024-05-01"),
            (Class::Date, "+10000-01-01", "10000-01-01"),
            (Class::Date, "-infinity", "-infinity"),
            (Class::Date, "-0043-03-15", "0044-03-15 BC"),
            (Class::Timestamp, "-0043-03-15 12:00:00", "0044-03-15 12:00:00 BC"),
            (Class::Instant, "-0043-03-15T12:00:00Z", "0044-03-15T12:00:00Z BC"),
            (Class::Text, "-0043-03-15", "-0043-03-15"),
        ] {
            let mut bytes = Vec::new();
            push_cell(&mut bytes, &Cell::Text(text), class).unwrap();
            assert_eq!(String::from_utf8(bytes).unwrap(), expected);
        }
    }

    #[test]
    fn texts_in_columns_of_json_are_strings_unless_they_are_documents() {
        for (text, expected) in
            [("5", "\"5\""), ("abc", "\"abc\""), ("{\"a\":1}", "{\"a\":1}"), ("[1", "\"[1\"")]
        {
            let mut bytes = Vec::new();
            push_cell(&mut bytes, &Cell::Text(text), Class::Jsonb).unwrap();
            assert_eq!(String::from_utf8(bytes).unwrap(), expected);
        }
    }
}
