//! Values as the driver reads them, into the cells of an answer.

use connector_api::author::{AggregateFunction, CellWriter, Date, Instant, Timestamp, parse_uuid};
use connector_api::{Error, ErrorKind, Result};
use connector_common::json::is_json;
use mysql_async::{Row, Value};

use super::Class;

/// How the values of a result's column are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// As values of a column of this class.
    Column(Class),
    /// As a number of whatever type it comes.
    Number,
    /// The sum of whole numbers, which comes with any number of digits.
    WholeSum,
}

impl Reader {
    /// For the sum or the average of a column.
    pub(crate) fn of_sum(function: AggregateFunction, class: Class) -> Self {
        let is_whole = matches!(class, Class::Integer | Class::Bits);
        if is_whole && function == AggregateFunction::Sum {
            Self::WholeSum
        } else {
            Self::Column(Class::Decimal)
        }
    }

    fn class(self) -> Class {
        match self {
            Self::Column(class) => class,
            Self::Number | Self::WholeSum => Class::Decimal,
        }
    }
}

/// Writes a row as cells, `row` gives its values by their place. Columns behind those that have readers are left out.
///
/// # Errors
/// When a value is none of its column; [`ErrorKind::InvalidRequest`] when the sum of whole numbers is none of 64 bits.
pub(crate) fn write_row<'v>(
    out: &mut impl CellWriter,
    row: impl Fn(usize) -> Option<&'v Value>,
    readers: &[Reader],
) -> Result<()> {
    for (place, reader) in readers.iter().enumerate() {
        let value = row(place).ok_or_else(malformed)?;
        match (reader, value) {
            (Reader::WholeSum, Value::Bytes(digits)) => out.i64(whole(digits)?),
            _ => write_value(out, value, reader.class()).ok_or_else(malformed)?,
        }
    }
    Ok(())
}

fn malformed() -> Error {
    Error::internal("the database sent a value that the connector can't read")
}

fn whole(digits: &[u8]) -> Result<i64> {
    let number = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
    number.ok_or_else(|| {
        Error::new(ErrorKind::InvalidRequest, "a sum is out of range")
            .with_reason("out_of_range")
            .with_sqlstate("22003")
    })
}

fn write_value(out: &mut impl CellWriter, value: &Value, class: Class) -> Option<()> {
    match *value {
        Value::NULL => out.null(),
        Value::Int(number @ (0 | 1)) if class == Class::Boolean => out.bool(number == 1),
        Value::Int(number) => out.i64(number),
        Value::UInt(number) => write_unsigned(out, number),
        Value::Float(number) => out.f32(number),
        Value::Double(number) => out.f64(number),
        Value::Date(year, month, day, hour, minute, second, micros) => {
            write_moment(out, class, (year, month, day), (hour, minute, second, micros))?;
        }
        Value::Time(is_negative, days, hours, minutes, seconds, micros) => {
            write_time(out, is_negative, (days, hours, minutes, seconds, micros));
        }
        Value::Bytes(ref bytes) => write_bytes(out, bytes, class)?,
    }
    Some(())
}

fn write_unsigned(out: &mut impl CellWriter, number: u64) {
    match i64::try_from(number) {
        Ok(number) => out.i64(number),
        Err(_) => out.u64(number),
    }
}

fn write_bytes(out: &mut impl CellWriter, bytes: &[u8], class: Class) -> Option<()> {
    match class {
        Class::Bytes => out.bytes(bytes),
        Class::Flag => out.bool(bits(bytes) != 0),
        Class::Bits => write_unsigned(out, bits(bytes)),
        Class::Decimal => out.decimal(unpadded(std::str::from_utf8(bytes).ok()?)),
        Class::Uuid => out.uuid(&parse_uuid(std::str::from_utf8(bytes).ok()?)?),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) if class == Class::Json && is_json(text) => out.json(text),
            Ok(text) => out.text(text),
            Err(_) => out.bytes(bytes),
        },
    }
    Some(())
}

/// Bits as the server sends them: the highest byte first.
fn bits(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Digits without the zeros that `ZEROFILL` puts before them.
fn unpadded(digits: &str) -> &str {
    let is_padding =
        |rest: &str| rest.starts_with('0') && rest.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
    let mut rest = digits;
    while is_padding(rest) {
        rest = rest.get(1..).unwrap_or_default();
    }
    rest
}

type Day = (u16, u8, u8);
type Clock = (u8, u8, u8, u32);

/// Writes a day with or without a time. One that no calendar has, such as `0000-00-00`, is a text.
fn write_moment(out: &mut impl CellWriter, class: Class, day: Day, clock: Clock) -> Option<()> {
    let Some(date) = date(day) else {
        let shown = shown(class, day, clock);
        out.text(trimmed(&shown));
        return Some(());
    };
    let (hour, minute, second, micros) = clock;
    let seconds = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
    let at = Timestamp { seconds: i64::from(date.0) * 86_400 + seconds, nanos: micros.checked_mul(1_000)? };
    match class {
        Class::Date => out.date(date),
        // The session's time zone is UTC.
        Class::Timestamp => out.instant(Instant { at, offset: None }),
        _ => out.timestamp(at),
    }
    Some(())
}

fn date((year, month, day): Day) -> Option<Date> {
    Date::of(year.into(), month, day)
}

fn shown(class: Class, (year, month, day): Day, (hour, minute, second, micros): Clock) -> String {
    let day = format!("{year:04}-{month:02}-{day:02}");
    if class == Class::Date {
        return day;
    }
    format!("{day} {hour:02}:{minute:02}:{second:02}.{micros:06}")
}

/// Without the zeros at the end of a fraction, and without the point when nothing is left of it.
fn trimmed(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// Writes a time. One that no clock shows, negative or of more than a day, is a text.
fn write_time(
    out: &mut impl CellWriter,
    is_negative: bool,
    (days, hours, minutes, seconds, micros): (u32, u8, u8, u8, u32),
) {
    if !is_negative && days == 0 {
        let seconds = i64::from(hours) * 3600 + i64::from(minutes) * 60 + i64::from(seconds);
        out.time(seconds * 1_000_000_000 + i64::from(micros) * 1_000);
        return;
    }
    let sign = if is_negative { "-" } else { "" };
    let hours = u64::from(days) * 24 + u64::from(hours);
    out.text(trimmed(&format!("{sign}{hours:02}:{minutes:02}:{seconds:02}.{micros:06}")));
}

/// The whole number in a column of a row.
pub(crate) fn integer(row: &Row, place: usize) -> Option<i64> {
    match row.as_ref(place)? {
        Value::Int(number) => Some(*number),
        Value::UInt(number) => i64::try_from(*number).ok(),
        _ => None,
    }
}

/// A row of the catalogue: texts and numbers by their place.
pub(crate) struct Fields(Vec<Field>);

enum Field {
    Null,
    Number(u64),
    Text(String),
}

impl Fields {
    /// # Errors
    /// When a value is neither text nor number.
    pub(crate) fn of(row: Row) -> Result<Self> {
        let field = |value| match value {
            Value::NULL => Ok(Field::Null),
            Value::Int(number) => u64::try_from(number).map(Field::Number).map_err(|_| malformed()),
            Value::UInt(number) => Ok(Field::Number(number)),
            Value::Bytes(bytes) => String::from_utf8(bytes).map(Field::Text).map_err(|_| malformed()),
            _ => Err(malformed()),
        };
        row.unwrap().into_iter().map(field).collect::<Result<_>>().map(Self)
    }

    pub(crate) fn text(&self, place: usize) -> Option<&str> {
        match self.0.get(place)? {
            Field::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn number(&self, place: usize) -> Option<u64> {
        match self.0.get(place)? {
            Field::Number(number) => Some(*number),
            // Some servers give numbers of the catalogue as texts.
            Field::Text(text) => text.parse().ok(),
            Field::Null => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use connector_api::author::Value as Neutral;
    use connector_api::model::batch::{Frame, FrameReader, FrameWriter};

    use super::*;

    fn read(value: &Value, class: Class) -> Option<Neutral> {
        let mut frames = FrameWriter::default();
        let mut cells = Vec::new();
        write_value(&mut cells, value, class)?;
        frames.parameters(1, &cells);
        let bytes = frames.into_bytes();
        let Ok(Some(Frame::Parameters(mut row))) = FrameReader::new(&bytes).next_frame() else { return None };
        row.next_cell().ok()?.to_value().ok()
    }

    fn bytes(text: &str) -> Value {
        Value::Bytes(text.into())
    }

    #[test]
    fn values_are_read_as_their_columns_say() {
        let text = |text: &str| Neutral::Text(text.to_owned());
        let decimal = |digits: &str| Neutral::Decimal(digits.to_owned());
        for (value, class, expected) in [
            (Value::Int(1), Class::Boolean, Neutral::Bool(true)),
            (Value::Int(7), Class::Boolean, Neutral::I64(7)),
            (Value::UInt(u64::MAX), Class::Integer, Neutral::U64(u64::MAX)),
            (Value::UInt(5), Class::Integer, Neutral::I64(5)),
            (Value::Bytes(vec![1]), Class::Flag, Neutral::Bool(true)),
            (Value::Bytes(vec![1, 0]), Class::Bits, Neutral::I64(256)),
            (bytes("-12.50"), Class::Decimal, decimal("-12.50")),
            (bytes("00012.50"), Class::Decimal, decimal("12.50")),
            (bytes("000.50"), Class::Decimal, decimal("0.50")),
            (bytes("[1]"), Class::Json, Neutral::Json("[1]".to_owned())),
            (bytes("[1"), Class::Json, text("[1")),
            (bytes("a"), Class::Text, text("a")),
            (Value::Bytes(vec![0xff]), Class::Text, Neutral::Bytes(vec![0xff])),
        ] {
            assert_eq!(read(&value, class), Some(expected));
        }
    }

    #[test]
    fn what_no_calendar_and_no_clock_shows_is_a_text() {
        for (value, class, expected) in [
            (Value::Date(0, 0, 0, 0, 0, 0, 0), Class::Date, "0000-00-00"),
            (Value::Date(2024, 5, 0, 1, 2, 3, 0), Class::DateTime, "2024-05-00 01:02:03"),
            (Value::Date(2024, 5, 0, 1, 2, 3, 500_000), Class::DateTime, "2024-05-00 01:02:03.5"),
            (Value::Time(true, 0, 1, 0, 0, 0), Class::Time, "-01:00:00"),
            (Value::Time(false, 34, 22, 59, 59, 250_000), Class::Time, "838:59:59.25"),
        ] {
            assert_eq!(read(&value, class), Some(Neutral::Text(expected.to_owned())));
        }
    }

    #[test]
    fn moments_are_counted_from_1970() {
        let day = |value: &Value, class| match read(value, class) {
            Some(Neutral::Date(day)) => day.to_string(),
            Some(Neutral::Timestamp(at)) => at.to_string(),
            Some(Neutral::Instant(at)) => at.to_string(),
            other => format!("{other:?}"),
        };
        let value = Value::Date(2024, 2, 29, 12, 30, 0, 250_000);
        assert_eq!(day(&value, Class::Date), "2024-02-29");
        assert_eq!(day(&value, Class::DateTime), "2024-02-29 12:30:00.25");
        assert_eq!(day(&value, Class::Timestamp), "2024-02-29T12:30:00.25Z");
    }
}
