//! Reading frames. Whatever bytes arrive are understood or refused; nothing panics.

use std::fmt;

use super::super::{Error, Outcome, Summary};
use super::{Cell, MAX_COLUMNS, SetRole, VERSION};

/// The bytes break the rules of the format; says which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "malformed row batch: {}", self.0)
    }
}

impl std::error::Error for Malformed {}

impl From<Malformed> for Error {
    fn from(malformed: Malformed) -> Self {
        Self::internal("malformed row batch").with_reason("protocol_error").with_detail(malformed)
    }
}

/// Takes bytes off the front of a slice.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    pub(super) fn rest(self) -> &'a [u8] {
        self.bytes
    }

    fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    #[inline]
    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (front, rest) = self.bytes.split_at_checked(count).ok_or(Malformed("cut off"))?;
        self.bytes = rest;
        Ok(front)
    }

    #[inline]
    pub(super) fn array_ref<const N: usize>(&mut self) -> Result<&'a [u8; N], Malformed> {
        let (front, rest) = self.bytes.split_first_chunk::<N>().ok_or(Malformed("cut off"))?;
        self.bytes = rest;
        Ok(front)
    }

    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.array_ref().copied()
    }

    #[inline]
    pub(super) fn u8(&mut self) -> Result<u8, Malformed> {
        let (first, rest) = self.bytes.split_first().ok_or(Malformed("cut off"))?;
        self.bytes = rest;
        Ok(*first)
    }

    #[inline]
    fn u16(&mut self) -> Result<u16, Malformed> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    #[inline]
    pub(super) fn u32(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    #[inline]
    pub(super) fn sized(&mut self) -> Result<&'a [u8], Malformed> {
        let length = self.u32()?;
        self.take(usize::try_from(length).map_err(|_| Malformed("too long"))?)
    }

    #[inline]
    pub(super) fn text(&mut self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.sized()?).map_err(|_| Malformed("text is not UTF-8"))
    }
}

/// A frame of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Frame<'a> {
    /// Columns of a set.
    Set(SetFrame<'a>),
    /// Rows of a set.
    Rows(RowsFrame<'a>),
    /// The row of parameters, as many cells as the row says.
    Parameters(RowsFrame<'a>),
    /// Outcomes of records.
    Outcomes(Vec<Outcome>),
    /// The end.
    Done(Summary),
}

/// Columns of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetFrame<'a> {
    /// Number of the set.
    pub set: u16,
    /// What its rows are.
    pub role: SetRole,
    /// The columns' names.
    pub columns: ColumnNames<'a>,
}

/// The names of a set's columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnNames<'a> {
    bytes: &'a [u8],
    count: u32,
}

impl<'a> ColumnNames<'a> {
    /// How many.
    pub fn len(&self) -> u32 {
        self.count
    }

    /// None at all.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Each name in order.
    pub fn iter(self) -> impl Iterator<Item = &'a str> {
        let mut reader = Reader::new(self.bytes);
        // Every name was read once when the frame was opened, so none is lost here.
        (0..self.count).map_while(move |_| reader.text().ok())
    }
}

/// Rows of a set: `count` times as many cells as the set has columns.
#[derive(Debug, Clone, Copy)]
pub struct RowsFrame<'a> {
    /// Number of the set.
    pub set: u16,
    /// How many rows.
    pub count: u32,
    cells: Reader<'a>,
}

impl PartialEq for RowsFrame<'_> {
    fn eq(&self, other: &Self) -> bool {
        (self.set, self.count, self.cells.bytes) == (other.set, other.count, other.cells.bytes)
    }
}

impl<'a> RowsFrame<'a> {
    /// So many cells, as a writer of cells wrote them, without a frame around them.
    pub fn of_cells(count: u32, cells: &'a [u8]) -> Self {
        Self { set: 0, count, cells: Reader::new(cells) }
    }

    /// The next cell; call it as often as rows times columns, then [`RowsFrame::finish`].
    ///
    /// # Errors
    /// When the bytes break the rules.
    #[inline]
    pub fn next_cell(&mut self) -> Result<Cell<'a>, Malformed> {
        Cell::read(&mut self.cells)
    }

    /// Checks that no bytes are left.
    ///
    /// # Errors
    /// When there are.
    pub fn finish(self) -> Result<(), Malformed> {
        if self.cells.is_empty() { Ok(()) } else { Err(Malformed("bytes behind the last cell")) }
    }
}

/// Walks the frames of a message.
#[derive(Debug, Clone)]
pub struct FrameReader<'a> {
    reader: Reader<'a>,
}

impl<'a> FrameReader<'a> {
    /// Starts at the first frame.
    pub fn new(message: &'a [u8]) -> Self {
        Self { reader: Reader::new(message) }
    }

    /// The bytes that are still to be read.
    pub fn rest(&self) -> &'a [u8] {
        self.reader.rest()
    }

    /// The next frame that this build knows; `None` at the end.
    ///
    /// # Errors
    /// When the bytes break the rules, or a critical frame is not known.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'a>>, Malformed> {
        while !self.reader.is_empty() {
            let [magic, version, kind, flags] = self.reader.array()?;
            if magic != b'T' {
                return Err(Malformed("not a frame"));
            }
            if version != VERSION {
                return Err(Malformed("frame of another format version"));
            }
            let payload = Reader::new(self.reader.sized()?);
            if let Some(frame) = frame(kind, payload)? {
                return Ok(Some(frame));
            }
            if flags & 1 == 1 {
                return Err(Malformed("unknown critical frame"));
            }
        }
        Ok(None)
    }
}

fn frame(kind: u8, mut payload: Reader<'_>) -> Result<Option<Frame<'_>>, Malformed> {
    Ok(Some(match kind {
        b'S' => Frame::Set(set_frame(payload)?),
        b'R' => {
            let set = payload.u16()?;
            payload.u16()?;
            let count = payload.u32()?;
            Frame::Rows(RowsFrame { set, count, cells: payload })
        }
        b'P' => {
            let count = payload.u32()?;
            Frame::Parameters(RowsFrame { set: 0, count, cells: payload })
        }
        b'O' => Frame::Outcomes(json(payload)?),
        b'D' if payload.is_empty() => Frame::Done(Summary::default()),
        b'D' => Frame::Done(json(payload)?),
        _ => return Ok(None),
    }))
}

fn json<T: serde::de::DeserializeOwned>(payload: Reader<'_>) -> Result<T, Malformed> {
    serde_json::from_slice(payload.bytes).map_err(|_| Malformed("payload is not the JSON it should be"))
}

fn set_frame(mut payload: Reader<'_>) -> Result<SetFrame<'_>, Malformed> {
    let set = payload.u16()?;
    let role = match payload.u8()? {
        0 => SetRole::Rows,
        1 => SetRole::Out,
        2 => SetRole::Return,
        _ => return Err(Malformed("unknown role of a set")),
    };
    payload.u8()?;
    let count = payload.u32()?;
    if count > MAX_COLUMNS {
        return Err(Malformed("too many columns"));
    }
    let columns = ColumnNames { bytes: payload.rest(), count };
    for _ in 0..count {
        payload.text()?;
    }
    if !payload.is_empty() {
        return Err(Malformed("bytes behind the last column"));
    }
    Ok(SetFrame { set, role, columns })
}
