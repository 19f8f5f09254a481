//! Values as the driver sends them.

use connector_api::author::{Cell, Date, Instant, TimeOfDay, Timestamp, Value, uuid_text};
use connector_api::{Error, ErrorKind, Result};
use connector_common::json::{is_document, push_json, push_string};
use mysql_async::Value as Sent;

use super::{Class, label};
use crate::table::ColumnInfo;

const DAY: i64 = 86_400;

/// What is sent for a cell that is stored in a column of this class, or looked for in it as a key.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] for what no column can hold.
pub(crate) fn stored(cell: &Cell<'_>, column: &ColumnInfo) -> Result<Sent> {
    match column.class {
        Class::Label => label::checked(of_class(cell, Class::Text)?, &column.labels),
        class => of_class(cell, class),
    }
}

fn of_class(cell: &Cell<'_>, class: Class) -> Result<Sent> {
    Ok(match *cell {
        Cell::Null | Cell::Absent => Sent::NULL,
        _ if class == Class::Json => document(cell)?,
        Cell::Text(text) if class == Class::Timestamp => instant(text)?,
        Cell::Text(text) => Sent::from(text),
        Cell::I64(number) => Sent::Int(number),
        Cell::Bool(flag) if class == Class::Text => Sent::from(if flag { "true" } else { "false" }),
        Cell::Decimal(digits) if is_whole(class) => whole(digits)?,
        Cell::F64(number) if is_whole(class) => whole(&number.to_string())?,
        Cell::F32(number) if is_whole(class) => whole(&number.to_string())?,
        Cell::Uuid(uuid) if class == Class::Bytes => Sent::Bytes(uuid.to_vec()),
        ref cell => sent(&owned(cell)?, class)?,
    })
}

/// The server knows no zones in texts. What is not in the form of an instant is for the server to read, in UTC.
fn instant(text: &str) -> Result<Sent> {
    Instant::parse(text).map_or_else(|| Ok(Sent::from(text)), |instant| moment(instant.at))
}

fn is_whole(class: Class) -> bool {
    matches!(class, Class::Boolean | Class::Flag | Class::Integer | Class::Bits)
}

/// The server would round a number with a fraction.
fn whole(digits: &str) -> Result<Sent> {
    let (number, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if fraction.bytes().any(|digit| digit != b'0') || digits.contains(['e', 'E']) {
        return Err(mismatch("a number with a fraction does not fit into a column of whole numbers"));
    }
    Ok(Sent::from(number))
}

/// A text that is a list or a document stays one; any other would read as a number, a truth value or nothing.
fn document(cell: &Cell<'_>) -> Result<Sent> {
    let mut json = Vec::new();
    match *cell {
        Cell::Json(text) => json.extend_from_slice(text.as_bytes()),
        Cell::Text(text) if is_document(text) => json.extend_from_slice(text.as_bytes()),
        Cell::Text(text) => push_string(&mut json, text),
        ref cell => push_json(&mut json, &owned(cell)?),
    }
    Ok(Sent::Bytes(json))
}

fn owned(cell: &Cell<'_>) -> Result<Value> {
    cell.to_value().map_err(|_| mismatch("a value is of a type that the database does not have"))
}

fn mismatch(message: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, message).with_reason("datatype_mismatch").with_sqlstate("22000")
}

fn out_of_range(message: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, message).with_reason("out_of_range").with_sqlstate("22003")
}

/// What is sent for a value of the request.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] for what the server has no form for.
pub(crate) fn parameter(value: &Value) -> Result<Sent> {
    sent(value, Class::Geometry)
}

fn sent(value: &Value, class: Class) -> Result<Sent> {
    Ok(match value {
        Value::Null | Value::Absent => Sent::NULL,
        Value::Bool(flag) => Sent::Int(i64::from(*flag)),
        Value::I64(number) => Sent::Int(*number),
        Value::U64(number) => Sent::UInt(*number),
        Value::F32(number) if number.is_finite() && class != Class::Text => Sent::Float(*number),
        Value::F64(number) if number.is_finite() && class != Class::Text => Sent::Double(*number),
        Value::F32(number) if number.is_finite() => Sent::from(number.to_string()),
        Value::F64(number) if number.is_finite() => Sent::from(number.to_string()),
        Value::F32(_) | Value::F64(_) => {
            return Err(out_of_range("expected a number; the database has no infinite ones"));
        }
        Value::Decimal(text) | Value::Text(text) | Value::Json(text) => Sent::from(text),
        Value::Bytes(bytes) => Sent::Bytes(bytes.clone()),
        Value::Uuid(bytes) => Sent::from(uuid_text(bytes)),
        Value::Date(day) if class == Class::Text => Sent::from(day.to_string()),
        Value::Time(nanos) if class == Class::Text => Sent::from(TimeOfDay(*nanos).to_string()),
        Value::Timestamp(at) if class == Class::Text => Sent::from(at.to_string()),
        Value::Instant(at) if class == Class::Text => Sent::from(at.to_string()),
        Value::Date(day) => moment(Timestamp { seconds: i64::from(day.0) * DAY, nanos: 0 })?,
        Value::Time(nanos) => time(*nanos)?,
        Value::Timestamp(at) => moment(*at)?,
        // The session's time zone is UTC.
        Value::Instant(instant) => moment(instant.at)?,
        Value::List(_) | Value::Object(_) => {
            let mut json = Vec::new();
            push_json(&mut json, value);
            Sent::Bytes(json)
        }
        Value::Extension(_, inner) => sent(inner, class)?,
        _ => return Err(mismatch("a value is of a type that the database does not have")),
    })
}

fn micros(nanos: u32) -> Result<u32> {
    if nanos.is_multiple_of(1_000) {
        Ok(nanos / 1_000)
    } else {
        Err(out_of_range("a time has more than six digits behind its seconds, which the database can't keep"))
    }
}

fn moment(at: Timestamp) -> Result<Sent> {
    let out = || out_of_range("a day is before the year 0 or behind the year 9999");
    let date = Date(i32::try_from(at.seconds.div_euclid(DAY)).map_err(|_| out())?).to_string();
    let mut parts = date.split('-');
    let mut part = || parts.next().and_then(|digits| digits.parse::<u16>().ok());
    let (Some(year @ 0..=9999), Some(month), Some(day)) = (part(), part(), part()) else { return Err(out()) };
    let [month, day] = [month, day].map(|number| u8::try_from(number).unwrap_or_default());
    let (hour, minute, second) = clock(at.seconds.rem_euclid(DAY));
    Ok(Sent::Date(year, month, day, hour, minute, second, micros(at.nanos)?))
}

fn time(nanos: i64) -> Result<Sent> {
    let (hour, minute, second) = clock(nanos.div_euclid(1_000_000_000));
    let rest = u32::try_from(nanos.rem_euclid(1_000_000_000)).unwrap_or_default();
    Ok(Sent::Time(false, 0, hour, minute, second, micros(rest)?))
}

/// Hours, minutes and seconds of so many seconds of a day.
fn clock(seconds: i64) -> (u8, u8, u8) {
    let small = |number: i64| u8::try_from(number).unwrap_or_default();
    (small(seconds / 3600), small(seconds / 60 % 60), small(seconds % 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_taken_apart() {
        let at = Timestamp { seconds: 1_714_566_600, nanos: 500_000 };
        for (value, expected) in [
            (Value::Date(Date(19_844)), Sent::Date(2024, 5, 1, 0, 0, 0, 0)),
            (Value::Date(Date(-719_162)), Sent::Date(1, 1, 1, 0, 0, 0, 0)),
            (Value::Timestamp(at), Sent::Date(2024, 5, 1, 12, 30, 0, 500)),
            (Value::Time(45_000_000_001_000), Sent::Time(false, 0, 12, 30, 0, 1)),
        ] {
            assert_eq!(parameter(&value).unwrap(), expected);
        }
    }

    #[test]
    fn what_the_server_would_bend_is_refused() {
        for (value, reason) in [
            (Value::Date(Date(2_932_897)), "out_of_range"),
            (Value::Date(Date(-719_529)), "out_of_range"),
            (Value::Time(1), "out_of_range"),
            (Value::F64(f64::NAN), "out_of_range"),
        ] {
            assert_eq!(parameter(&value).unwrap_err().reason.as_deref(), Some(reason), "{value:?}");
        }
        for (cell, class) in [(Cell::Decimal("5.5"), Class::Integer), (Cell::F64(0.5), Class::Boolean)] {
            let error = of_class(&cell, class).unwrap_err();
            assert_eq!(error.reason.as_deref(), Some("datatype_mismatch"));
        }
    }

    #[test]
    fn cells_are_sent_as_their_columns_hold_them() {
        for (cell, class, expected) in [
            (Cell::Decimal("5.00"), Class::Integer, Sent::from("5")),
            (Cell::Bool(true), Class::Text, Sent::from("true")),
            (Cell::Bool(true), Class::Boolean, Sent::Int(1)),
            (Cell::F64(0.1), Class::Text, Sent::from("0.1")),
            (Cell::Text("5"), Class::Json, Sent::from("\"5\"")),
            (Cell::Text("[5]"), Class::Json, Sent::from("[5]")),
            (Cell::Bool(true), Class::Json, Sent::from("true")),
            (Cell::Uuid(&[1; 16]), Class::Bytes, Sent::Bytes(vec![1; 16])),
            (Cell::U64(u64::MAX), Class::Integer, Sent::UInt(u64::MAX)),
            (Cell::Text("2024-05-01T14:30:00+02:00"), Class::Timestamp, Sent::Date(2024, 5, 1, 12, 30, 0, 0)),
            (Cell::Text("2024-05-01"), Class::Timestamp, Sent::from("2024-05-01")),
        ] {
            assert_eq!(of_class(&cell, class).unwrap(), expected, "{cell:?}");
        }
    }
}
