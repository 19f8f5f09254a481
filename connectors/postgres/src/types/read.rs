//! Values as the server sends them, in its binary form, straight into the cells of an answer.

use connector_api::author::{CellWriter, Date, Instant, Timestamp};
use connector_api::{Error, Result};
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};

use super::{Class, numeric};
use crate::error::from_driver;

/// Days and seconds between 1970-01-01 and 2000-01-01, from which the server counts.
const DAYS: i32 = 10_957;
const SECONDS: i64 = 946_684_800;
/// A whole day in microseconds: the time `24:00:00`, which no clock shows.
const MIDNIGHT: i64 = 86_400_000_000;

/// How the values of a result's column are read, decided once for all its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    Boolean,
    Int2,
    Int4,
    Int8,
    Oid,
    Float4,
    Float8,
    Numeric,
    Text,
    Bytes,
    Json,
    Jsonb,
    Date,
    Time,
    Timestamp,
    Instant,
    Uuid,
    Array,
}

/// The bytes of a value, whatever its type.
struct Raw<'a>(&'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(
        _: &Type,
        raw: &'a [u8],
    ) -> std::result::Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

impl Reader {
    /// For each column of a result.
    ///
    /// # Errors
    /// [`connector_api::ErrorKind::Internal`] for a type that a statement should have made a text of.
    pub(crate) fn of_columns(columns: &[tokio_postgres::Column]) -> Result<Vec<Self>> {
        columns.iter().map(|column| Self::of(column.type_().oid())).collect()
    }

    /// For a column of this class, as far as the type of what comes tells that the column is one.
    pub(crate) fn of_class(class: Class) -> Option<Self> {
        Some(match class {
            Class::Boolean => Self::Boolean,
            Class::Oid => Self::Oid,
            Class::Numeric | Class::Money => Self::Numeric,
            Class::Real => Self::Float4,
            Class::Double => Self::Float8,
            Class::Bytes => Self::Bytes,
            Class::Date => Self::Date,
            Class::Time => Self::Time,
            Class::Timestamp => Self::Timestamp,
            Class::Instant => Self::Instant,
            Class::Uuid => Self::Uuid,
            Class::Json => Self::Json,
            Class::Jsonb => Self::Jsonb,
            // Of these there are several types, or the server makes texts of them.
            _ => return None,
        })
    }

    /// Whether columns are what they should be; `None`: whatever.
    pub(crate) fn agree(expected: &[Option<Self>], columns: &[tokio_postgres::Column]) -> bool {
        let mut pairs = expected.iter().zip(columns);
        pairs.all(|(reader, column)| reader.is_none() || *reader == Self::simple(column.type_().oid()))
    }

    /// The same for values of these classes that no statement could convert. A label comes as its text.
    ///
    /// # Errors
    /// As [`Reader::of_columns`].
    pub(crate) fn of_values(columns: &[tokio_postgres::Column], classes: &[Class]) -> Result<Vec<Self>> {
        let of = |(column, class): (&tokio_postgres::Column, &Class)| match class {
            Class::Label => Ok(Self::Text),
            _ => Self::of(column.type_().oid()),
        };
        columns.iter().zip(classes).map(of).collect()
    }

    fn of(oid: u32) -> Result<Self> {
        let arrays = [
            Type::BOOL_ARRAY,
            Type::INT2_ARRAY,
            Type::INT4_ARRAY,
            Type::INT8_ARRAY,
            Type::OID_ARRAY,
            Type::FLOAT4_ARRAY,
            Type::FLOAT8_ARRAY,
            Type::NUMERIC_ARRAY,
            Type::TEXT_ARRAY,
            Type::VARCHAR_ARRAY,
            Type::BPCHAR_ARRAY,
            Type::NAME_ARRAY,
            Type::BYTEA_ARRAY,
            Type::JSON_ARRAY,
            Type::JSONB_ARRAY,
            Type::DATE_ARRAY,
            Type::TIME_ARRAY,
            Type::TIMESTAMP_ARRAY,
            Type::TIMESTAMPTZ_ARRAY,
            Type::UUID_ARRAY,
        ];
        match Self::simple(oid) {
            Some(reader) => Ok(reader),
            None if arrays.iter().any(|known| known.oid() == oid) => Ok(Self::Array),
            None => Err(Error::internal("a column has a type that the connector does not read")
                .with_detail(format_args!("type {oid}"))),
        }
    }

    fn simple(oid: u32) -> Option<Self> {
        Some(match Type::from_oid(oid)? {
            Type::BOOL => Self::Boolean,
            Type::INT2 => Self::Int2,
            Type::INT4 => Self::Int4,
            Type::INT8 => Self::Int8,
            Type::OID => Self::Oid,
            Type::FLOAT4 => Self::Float4,
            Type::FLOAT8 => Self::Float8,
            Type::NUMERIC => Self::Numeric,
            Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::UNKNOWN => Self::Text,
            Type::BYTEA => Self::Bytes,
            Type::JSON => Self::Json,
            Type::JSONB => Self::Jsonb,
            Type::DATE => Self::Date,
            Type::TIME => Self::Time,
            Type::TIMESTAMP => Self::Timestamp,
            Type::TIMESTAMPTZ => Self::Instant,
            Type::UUID => Self::Uuid,
            _ => return None,
        })
    }

    /// Writes one value as a cell. `scratch` is only for use within.
    ///
    /// # Errors
    /// When the bytes are none of this type.
    fn write(self, out: &mut impl CellWriter, raw: Option<&[u8]>, scratch: &mut String) -> Result<()> {
        let Some(raw) = raw else {
            out.null();
            return Ok(());
        };
        self.write_value(out, raw, scratch).ok_or_else(malformed)
    }

    fn write_value(self, out: &mut impl CellWriter, raw: &[u8], scratch: &mut String) -> Option<()> {
        match self {
            Self::Boolean => out.bool(*raw.first()? != 0),
            Self::Int2 => out.i64(i16::from_be_bytes(raw.try_into().ok()?).into()),
            Self::Int4 => out.i64(i32::from_be_bytes(raw.try_into().ok()?).into()),
            Self::Int8 => out.i64(i64::from_be_bytes(raw.try_into().ok()?)),
            Self::Oid => out.i64(u32::from_be_bytes(raw.try_into().ok()?).into()),
            Self::Float4 => out.f32(f32::from_be_bytes(raw.try_into().ok()?)),
            Self::Float8 => out.f64(f64::from_be_bytes(raw.try_into().ok()?)),
            Self::Numeric => write_numeric(out, raw, scratch),
            // A database without an encoding may hold anything.
            Self::Text => match std::str::from_utf8(raw) {
                Ok(text) => out.text(text),
                Err(_) => out.bytes(raw),
            },
            Self::Bytes => out.bytes(raw),
            Self::Json => out.json(std::str::from_utf8(raw).ok()?),
            // Behind a byte with the version of the form.
            Self::Jsonb => out.json(std::str::from_utf8(raw.get(1..)?).ok()?),
            Self::Date => write_date(out, i32::from_be_bytes(raw.try_into().ok()?))?,
            Self::Time => match i64::from_be_bytes(raw.try_into().ok()?) {
                MIDNIGHT => out.text("24:00:00"),
                micros => out.time(micros.checked_mul(1_000)?),
            },
            Self::Timestamp => match moment(i64::from_be_bytes(raw.try_into().ok()?))? {
                Ok(at) => out.timestamp(at),
                Err(infinity) => out.text(infinity),
            },
            Self::Instant => match moment(i64::from_be_bytes(raw.try_into().ok()?))? {
                Ok(at) => out.instant(Instant { at, offset: None }),
                Err(infinity) => out.text(infinity),
            },
            Self::Uuid => out.uuid(raw.try_into().ok()?),
            Self::Array => write_array(out, raw, scratch)?,
        }
        Some(())
    }
}

/// Writes a row as cells.
///
/// # Errors
/// When a value is none of its type.
pub(crate) fn write_row(
    out: &mut impl CellWriter,
    row: &Row,
    readers: &[Reader],
    scratch: &mut String,
) -> Result<()> {
    for (place, reader) in readers.iter().enumerate() {
        let raw: Option<Raw<'_>> = row.try_get(place).map_err(|error| from_driver(&error))?;
        reader.write(out, raw.map(|raw| raw.0), scratch)?;
    }
    Ok(())
}

/// The whole number in a column of a row.
///
/// # Errors
/// When it holds something else.
pub(crate) fn integer(row: &Row, place: usize) -> Result<i64> {
    let raw: Raw<'_> = row.try_get(place).map_err(|error| from_driver(&error))?;
    match raw.0 {
        [a, b, c, d] => Ok(i32::from_be_bytes([*a, *b, *c, *d]).into()),
        bytes => bytes.try_into().map(i64::from_be_bytes).map_err(|_| malformed()),
    }
}

/// The text in a column of a row.
///
/// # Errors
/// When it holds something else.
pub(crate) fn text(row: &Row, place: usize) -> Result<&str> {
    let raw: Raw<'_> = row.try_get(place).map_err(|error| from_driver(&error))?;
    std::str::from_utf8(raw.0).map_err(|_| malformed())
}

fn malformed() -> Error {
    Error::internal("the database sent a value that the connector can't read")
}

/// Digits; what is no number has the form of a float that is none.
fn write_numeric(out: &mut impl CellWriter, raw: &[u8], scratch: &mut String) {
    scratch.clear();
    match (numeric::write_digits(scratch, raw), raw.get(4..6)) {
        (Some(()), _) => out.decimal(scratch),
        (None, Some([0xd0, 0])) => out.f64(f64::INFINITY),
        (None, Some([0xf0, 0])) => out.f64(f64::NEG_INFINITY),
        (None, _) => out.f64(f64::NAN),
    }
}

fn write_date(out: &mut impl CellWriter, days: i32) -> Option<()> {
    match days {
        i32::MAX => out.text("infinity"),
        i32::MIN => out.text("-infinity"),
        days => out.date(Date(days.checked_add(DAYS)?)),
    }
    Some(())
}

/// Microseconds as a moment, or the word for what is before or behind all of them.
fn moment(micros: i64) -> Option<std::result::Result<Timestamp, &'static str>> {
    Some(match micros {
        i64::MAX => Err("infinity"),
        i64::MIN => Err("-infinity"),
        micros => Ok(Timestamp {
            seconds: micros.div_euclid(1_000_000) + SECONDS,
            nanos: u32::try_from(micros.rem_euclid(1_000_000)).ok()? * 1_000,
        }),
    })
}

/// Writes an array as a list, one of several dimensions as a list of lists.
/// <https://www.postgresql.org/docs/current/arrays.html>
fn write_array(out: &mut impl CellWriter, raw: &[u8], scratch: &mut String) -> Option<()> {
    let mut rest = raw;
    let dimensions = usize::try_from(number(&mut rest)?).ok()?;
    let _has_nulls = number(&mut rest)?;
    let reader = Reader::simple(number(&mut rest)?.cast_unsigned())?;
    let mut lengths = Vec::new();
    for _ in 0..dimensions {
        lengths.push(number(&mut rest)?);
        let _first_index = number(&mut rest)?;
    }
    let mut items = Items { rest, reader, scratch };
    let mut is_read = Some(());
    out.list(|list| match lengths.split_first() {
        Some((length, inner)) => {
            is_read = items.write(list, *length, inner);
            length.cast_unsigned()
        }
        None => 0,
    });
    is_read
}

fn number(from: &mut &[u8]) -> Option<i32> {
    let (word, rest) = from.split_first_chunk()?;
    *from = rest;
    Some(i32::from_be_bytes(*word))
}

/// The values of an array, one behind the other.
struct Items<'a> {
    rest: &'a [u8],
    reader: Reader,
    scratch: &'a mut String,
}

impl Items<'_> {
    fn write(&mut self, list: &mut Vec<u8>, length: i32, inner: &[i32]) -> Option<()> {
        let mut is_read = Some(());
        for _ in 0..length {
            match inner.split_first() {
                Some((length, inner)) => list.list(|list| {
                    is_read = is_read.and(self.write(list, *length, inner));
                    length.cast_unsigned()
                }),
                None => self.item(list)?,
            }
        }
        is_read
    }

    fn item(&mut self, list: &mut Vec<u8>) -> Option<()> {
        let Ok(length) = usize::try_from(number(&mut self.rest)?) else {
            list.null();
            return Some(());
        };
        let (raw, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        self.reader.write_value(list, raw, self.scratch)
    }
}

#[cfg(test)]
mod tests {
    use connector_api::author::{Cell, Value};
    use connector_api::model::batch::{Frame, FrameReader, FrameWriter};

    use super::*;

    /// What is read of these bytes.
    fn read(reader: Reader, raw: &[u8]) -> Option<Value> {
        let mut frames = FrameWriter::default();
        let mut cells = Vec::new();
        reader.write_value(&mut cells, raw, &mut String::new())?;
        frames.parameters(1, &cells);
        let bytes = frames.into_bytes();
        let Ok(Some(Frame::Parameters(mut row))) = FrameReader::new(&bytes).next_frame() else { return None };
        let cell: Cell<'_> = row.next_cell().ok()?;
        cell.to_value().ok()
    }

    fn words(words: &[i32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn days_and_times_are_counted_from_the_year_2000() {
        for (reader, raw, expected) in [
            (Reader::Date, 0_i32.to_be_bytes().to_vec(), "2000-01-01"),
            (Reader::Date, (-730_120_i32).to_be_bytes().to_vec(), "0000-12-31"),
            (Reader::Timestamp, (-1_i64).to_be_bytes().to_vec(), "1999-12-31 23:59:59.999999"),
        ] {
            let text = match read(reader, &raw) {
                Some(Value::Date(day)) => day.to_string(),
                Some(Value::Timestamp(at)) => at.to_string(),
                other => format!("{other:?}"),
            };
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn what_no_calendar_and_no_clock_shows_is_a_text() {
        let text = |text: &str| Some(Value::Text(text.to_owned()));
        assert_eq!(read(Reader::Date, &i32::MAX.to_be_bytes()), text("infinity"));
        assert_eq!(read(Reader::Instant, &i64::MIN.to_be_bytes()), text("-infinity"));
        assert_eq!(read(Reader::Time, &MIDNIGHT.to_be_bytes()), text("24:00:00"));
    }

    #[test]
    fn arrays_are_lists_of_lists() {
        let int4 = 23;
        let header = |dimensions: &[i32]| {
            let mut head = vec![i32::try_from(dimensions.len()).unwrap(), 0, int4];
            head.extend(dimensions.iter().flat_map(|length| [*length, 1]));
            head
        };
        let list = Value::List;
        for (raw, expected) in [
            (header(&[]), list(vec![])),
            ([header(&[2]), vec![4, 7, -1]].concat(), list(vec![Value::I64(7), Value::Null])),
            (
                [header(&[2, 1]), vec![4, 1, 4, 2]].concat(),
                list(vec![list(vec![Value::I64(1)]), list(vec![Value::I64(2)])]),
            ),
        ] {
            assert_eq!(read(Reader::Array, &words(&raw)), Some(expected));
        }
        assert_eq!(read(Reader::Array, &words(&[header(&[5]), vec![4, 1]].concat())), None);
    }

    #[test]
    fn bytes_of_another_length_are_refused() {
        for reader in [Reader::Int2, Reader::Int4, Reader::Int8, Reader::Float8, Reader::Date, Reader::Uuid] {
            assert_eq!(read(reader, &[1, 2, 3]), None);
        }
    }
}
