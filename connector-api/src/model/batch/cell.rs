//! Cells, borrowed from the bytes of a message.

use super::super::{Date, Instant, Timestamp, Value};
use super::read::{Malformed, Reader};
use super::{MAX_DEPTH, tag};

/// A value as it stands in a batch.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Cell<'a> {
    /// SQL's null.
    Null,
    /// Not there at all.
    Absent,
    /// True or false.
    Bool(bool),
    /// A signed whole number.
    I64(i64),
    /// A whole number.
    U64(u64),
    /// A 32-bit floating point number.
    F32(f32),
    /// A 64-bit floating point number.
    F64(f64),
    /// An exact decimal, its text checked.
    Decimal(&'a str),
    /// A text.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
    /// JSON text.
    Json(&'a str),
    /// A day.
    Date(Date),
    /// Nanoseconds since midnight.
    Time(i64),
    /// A day and time without zone.
    Timestamp(Timestamp),
    /// A point in time.
    Instant(Instant),
    /// 128 bits.
    Uuid(&'a [u8; 16]),
    /// A list.
    List(Items<'a>),
    /// A document.
    Object(Entries<'a>),
    /// A named extension type and the bytes of its inner cell: read it with its method `cell`.
    Extension(&'a str, Inner<'a>),
    /// A tag of a later contract; only its length is known.
    Unknown(u8),
}

/// The cell inside an extension.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Inner<'a> {
    bytes: &'a [u8],
    depth: usize,
}

impl<'a> Inner<'a> {
    /// The inner cell.
    ///
    /// # Errors
    /// When its bytes are malformed.
    pub fn cell(self) -> Result<Cell<'a>, Malformed> {
        Cell::read_at(&mut Reader::new(self.bytes), self.depth)
    }
}

/// The cells of a list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Items<'a> {
    bytes: &'a [u8],
    count: u32,
    depth: usize,
}

/// The members of a document.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entries<'a> {
    bytes: &'a [u8],
    count: u32,
    depth: usize,
}

impl<'a> Items<'a> {
    /// How many.
    pub fn len(&self) -> u32 {
        self.count
    }

    /// None at all.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Each cell in order; the first malformed one ends it.
    pub fn iter(self) -> impl Iterator<Item = Result<Cell<'a>, Malformed>> {
        let mut reader = Reader::new(self.bytes);
        (0..self.count).map(move |_| Cell::read_at(&mut reader, self.depth))
    }
}

impl<'a> Entries<'a> {
    /// How many.
    pub fn len(&self) -> u32 {
        self.count
    }

    /// None at all.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Each name and cell in order; the first malformed one ends it.
    pub fn iter(self) -> impl Iterator<Item = Result<(&'a str, Cell<'a>), Malformed>> {
        let mut reader = Reader::new(self.bytes);
        (0..self.count).map(move |_| Ok((reader.text()?, Cell::read_at(&mut reader, self.depth)?)))
    }
}

impl<'a> Cell<'a> {
    /// Reads one cell off the front. Lists and documents are passed over by their length; their content is checked when walked.
    #[inline]
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        Self::read_at(reader, 0)
    }

    #[inline]
    fn read_at(reader: &mut Reader<'a>, depth: usize) -> Result<Self, Malformed> {
        // The kinds that nearly all cells have; short, to be part of the loop over the cells of a row.
        Ok(match reader.u8()? {
            tag::NULL => Cell::Null,
            tag::FALSE => Cell::Bool(false),
            tag::TRUE => Cell::Bool(true),
            tag::I64 => Cell::I64(i64::from_le_bytes(reader.array()?)),
            tag::F64 => Cell::F64(f64::from_le_bytes(reader.array()?)),
            tag::TEXT => Cell::Text(reader.text()?),
            other => return Self::read_other(other, reader, depth),
        })
    }

    #[inline(never)]
    fn read_other(tag: u8, reader: &mut Reader<'a>, depth: usize) -> Result<Self, Malformed> {
        Ok(match tag {
            tag::ABSENT => Cell::Absent,
            tag::U64 => Cell::U64(u64::from_le_bytes(reader.array()?)),
            tag::F32 => Cell::F32(f32::from_le_bytes(reader.array()?)),
            tag::DECIMAL => Cell::Decimal(decimal(reader.text()?)?),
            tag::BYTES => Cell::Bytes(reader.sized()?),
            tag::JSON => Cell::Json(reader.text()?),
            tag::DATE => Cell::Date(Date(i32::from_le_bytes(reader.array()?))),
            tag::TIME => Cell::Time(i64::from_le_bytes(reader.array()?)),
            tag::TIMESTAMP => Cell::Timestamp(timestamp(reader)?),
            tag::INSTANT => Cell::Instant(instant(reader)?),
            tag::UUID => Cell::Uuid(reader.array_ref()?),
            tag::LIST => {
                let (bytes, count, depth) = nested(reader, depth)?;
                Cell::List(Items { bytes, count, depth })
            }
            tag::OBJECT => {
                let (bytes, count, depth) = nested(reader, depth)?;
                Cell::Object(Entries { bytes, count, depth })
            }
            tag::EXTENSION => extension(reader, depth)?,
            other if other > tag::EXTENSION => {
                reader.sized()?;
                Cell::Unknown(other)
            }
            _ => return Err(Malformed("unknown cell tag")),
        })
    }

    /// An owned copy.
    ///
    /// # Errors
    /// When nested content is malformed, or the cell is of a later contract.
    pub fn to_value(self) -> Result<Value, Malformed> {
        Ok(match self {
            Cell::Null => Value::Null,
            Cell::Absent => Value::Absent,
            Cell::Bool(v) => Value::Bool(v),
            Cell::I64(v) => Value::I64(v),
            Cell::U64(v) => Value::U64(v),
            Cell::F32(v) => Value::F32(v),
            Cell::F64(v) => Value::F64(v),
            Cell::Decimal(v) => Value::Decimal(v.to_owned()),
            Cell::Text(v) => Value::Text(v.to_owned()),
            Cell::Bytes(v) => Value::Bytes(v.to_vec()),
            Cell::Json(v) => Value::Json(v.to_owned()),
            Cell::Date(v) => Value::Date(v),
            Cell::Time(v) => Value::Time(v),
            Cell::Timestamp(v) => Value::Timestamp(v),
            Cell::Instant(v) => Value::Instant(v),
            Cell::Uuid(v) => Value::Uuid(*v),
            Cell::List(items) => {
                Value::List(items.iter().map(|item| item?.to_value()).collect::<Result<_, _>>()?)
            }
            Cell::Object(entries) => Value::Object(
                entries
                    .iter()
                    .map(|entry| entry.and_then(|(name, cell)| Ok((name.to_owned(), cell.to_value()?))))
                    .collect::<Result<_, _>>()?,
            ),
            Cell::Extension(name, inner) => {
                Value::Extension(name.to_owned(), Box::new(inner.cell()?.to_value()?))
            }
            Cell::Unknown(_) => return Err(Malformed("cell of a later contract")),
        })
    }
}

fn timestamp(reader: &mut Reader<'_>) -> Result<Timestamp, Malformed> {
    let seconds = i64::from_le_bytes(reader.array()?);
    let nanos = reader.u32()?;
    if nanos > 999_999_999 {
        return Err(Malformed("more than a second of nanoseconds"));
    }
    Ok(Timestamp { seconds, nanos })
}

fn instant(reader: &mut Reader<'_>) -> Result<Instant, Malformed> {
    let at = timestamp(reader)?;
    let offset = i32::from_le_bytes(reader.array()?);
    Ok(Instant { at, offset: (offset != i32::MIN).then_some(offset) })
}

fn nested<'a>(reader: &mut Reader<'a>, depth: usize) -> Result<(&'a [u8], u32, usize), Malformed> {
    if depth >= MAX_DEPTH {
        return Err(Malformed("nested too deeply"));
    }
    let mut inner = Reader::new(reader.sized()?);
    let count = inner.u32()?;
    Ok((inner.rest(), count, depth + 1))
}

fn extension<'a>(reader: &mut Reader<'a>, depth: usize) -> Result<Cell<'a>, Malformed> {
    if depth >= MAX_DEPTH {
        return Err(Malformed("nested too deeply"));
    }
    let mut inner = Reader::new(reader.sized()?);
    let name = inner.text()?;
    Ok(Cell::Extension(name, Inner { bytes: inner.rest(), depth: depth + 1 }))
}

/// The text is written into JSON as it stands, so its form is checked here: `-?digits(.digits)?(E[+-]?digits)?`.
fn decimal(text: &str) -> Result<&str, Malformed> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) =
        unsigned.split_once(['E', 'e']).map_or((unsigned, None), |(m, e)| (m, Some(e)));
    let (whole, fraction) = mantissa.split_once('.').map_or((mantissa, None), |(w, f)| (w, Some(f)));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_exponent = |part: &str| is_digits(part.strip_prefix(['+', '-']).unwrap_or(part));
    let has_leading_zero = whole.len() > 1 && whole.starts_with('0');
    if is_digits(whole)
        && !has_leading_zero
        && fraction.is_none_or(is_digits)
        && exponent.is_none_or(is_exponent)
    {
        return Ok(text);
    }
    Err(Malformed("not a decimal number"))
}
