//! Writing cells and frames.

use serde::Serialize;

use super::super::{Date, Instant, Outcome, Summary, Timestamp, Value};
use super::{SetRole, VERSION, tag};

const CRITICAL: u8 = 1;

/// Appends cells to a buffer. Lists and documents are opened and closed; their lengths are filled in afterwards.
pub trait CellWriter {
    /// The buffer, about to get exactly one more cell.
    fn cell(&mut self) -> &mut Vec<u8>;

    /// SQL's null.
    fn null(&mut self) {
        self.cell().push(tag::NULL);
    }
    /// Not there at all.
    fn absent(&mut self) {
        self.cell().push(tag::ABSENT);
    }
    /// True or false.
    fn bool(&mut self, value: bool) {
        self.cell().push(if value { tag::TRUE } else { tag::FALSE });
    }
    /// A signed whole number.
    fn i64(&mut self, value: i64) {
        fixed(self.cell(), tag::I64, &value.to_le_bytes());
    }
    /// A whole number, for those above the signed range.
    fn u64(&mut self, value: u64) {
        fixed(self.cell(), tag::U64, &value.to_le_bytes());
    }
    /// A 32-bit floating point number.
    fn f32(&mut self, value: f32) {
        fixed(self.cell(), tag::F32, &value.to_le_bytes());
    }
    /// A 64-bit floating point number.
    fn f64(&mut self, value: f64) {
        fixed(self.cell(), tag::F64, &value.to_le_bytes());
    }
    /// An exact decimal in plain or exponent notation.
    fn decimal(&mut self, value: &str) {
        sized(self.cell(), tag::DECIMAL, value.as_bytes());
    }
    /// A text.
    fn text(&mut self, value: &str) {
        sized(self.cell(), tag::TEXT, value.as_bytes());
    }
    /// Bytes.
    fn bytes(&mut self, value: &[u8]) {
        sized(self.cell(), tag::BYTES, value);
    }
    /// JSON text; must be valid.
    fn json(&mut self, value: &str) {
        sized(self.cell(), tag::JSON, value.as_bytes());
    }
    /// A day.
    fn date(&mut self, value: Date) {
        fixed(self.cell(), tag::DATE, &value.0.to_le_bytes());
    }
    /// A time of day, in nanoseconds since midnight.
    fn time(&mut self, nanos: i64) {
        fixed(self.cell(), tag::TIME, &nanos.to_le_bytes());
    }
    /// A day and time without zone.
    fn timestamp(&mut self, value: Timestamp) {
        let buffer = self.cell();
        fixed(buffer, tag::TIMESTAMP, &value.seconds.to_le_bytes());
        buffer.extend_from_slice(&value.nanos.to_le_bytes());
    }
    /// A point in time.
    fn instant(&mut self, value: Instant) {
        let buffer = self.cell();
        fixed(buffer, tag::INSTANT, &value.at.seconds.to_le_bytes());
        buffer.extend_from_slice(&value.at.nanos.to_le_bytes());
        buffer.extend_from_slice(&value.offset.unwrap_or(i32::MIN).to_le_bytes());
    }
    /// 128 bits, network order.
    fn uuid(&mut self, value: &[u8; 16]) {
        fixed(self.cell(), tag::UUID, value);
    }
    /// A list; `items` writes its cells and says how many.
    fn list<F: FnOnce(&mut Vec<u8>) -> u32>(&mut self, items: F)
    where
        Self: Sized,
    {
        nested(self.cell(), tag::LIST, items);
    }
    /// A document; `members` writes [`key`] and cell of each and says how many.
    fn object<F: FnOnce(&mut Vec<u8>) -> u32>(&mut self, members: F)
    where
        Self: Sized,
    {
        nested(self.cell(), tag::OBJECT, members);
    }
    /// Any value.
    fn value(&mut self, value: &Value) {
        write_value(self.cell(), value);
    }
}

impl CellWriter for Vec<u8> {
    fn cell(&mut self) -> &mut Vec<u8> {
        self
    }
}

#[inline]
fn fixed<const N: usize>(buffer: &mut Vec<u8>, tag: u8, payload: &[u8; N]) {
    // Room for all of it is asked for once.
    buffer.reserve(1 + N);
    buffer.push(tag);
    buffer.extend_from_slice(payload);
}

fn sized(buffer: &mut Vec<u8>, tag: u8, payload: &[u8]) {
    buffer.reserve(5 + payload.len());
    buffer.push(tag);
    text_part(buffer, payload);
}

/// A length and the bytes. Anything of 4 GiB or more could never be sent: the message bound stops it long before.
fn text_part(buffer: &mut Vec<u8>, payload: &[u8]) {
    buffer.extend_from_slice(&length(payload.len()).to_le_bytes());
    buffer.extend_from_slice(payload);
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

fn nested(buffer: &mut Vec<u8>, tag: u8, content: impl FnOnce(&mut Vec<u8>) -> u32) {
    buffer.push(tag);
    let start = buffer.len();
    buffer.extend_from_slice(&[0; 8]);
    let count = content(buffer);
    patch(buffer, start + 4, count);
    patch_length(buffer, start);
}

/// Sets the length at `start` to the number of bytes behind it.
fn patch_length(buffer: &mut [u8], start: usize) {
    let bytes = length(buffer.len().saturating_sub(start + 4));
    patch(buffer, start, bytes);
}

fn patch(buffer: &mut [u8], at: usize, value: u32) {
    if let Some(place) = buffer.get_mut(at..at + 4) {
        place.copy_from_slice(&value.to_le_bytes());
    }
}

/// The key of a document's member; its cell follows.
pub fn key(buffer: &mut Vec<u8>, name: &str) {
    text_part(buffer, name.as_bytes());
}

fn write_value(buffer: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => buffer.null(),
        Value::Absent => buffer.absent(),
        Value::Bool(v) => buffer.bool(*v),
        Value::I64(v) => buffer.i64(*v),
        Value::U64(v) => buffer.u64(*v),
        Value::F32(v) => buffer.f32(*v),
        Value::F64(v) => buffer.f64(*v),
        Value::Decimal(v) => buffer.decimal(v),
        Value::Text(v) => buffer.text(v),
        Value::Bytes(v) => buffer.bytes(v),
        Value::Json(v) => buffer.json(v),
        Value::Date(v) => buffer.date(*v),
        Value::Time(v) => buffer.time(*v),
        Value::Timestamp(v) => buffer.timestamp(*v),
        Value::Instant(v) => buffer.instant(*v),
        Value::Uuid(v) => buffer.uuid(v),
        Value::List(items) => buffer.list(|buffer| {
            items.iter().for_each(|item| write_value(buffer, item));
            length(items.len())
        }),
        Value::Object(members) => buffer.object(|buffer| {
            for (name, member) in members {
                key(buffer, name);
                write_value(buffer, member);
            }
            length(members.len())
        }),
        Value::Extension(name, inner) => {
            buffer.push(tag::EXTENSION);
            let start = buffer.len();
            buffer.extend_from_slice(&[0; 4]);
            text_part(buffer, name.as_bytes());
            write_value(buffer, inner);
            patch_length(buffer, start);
        }
    }
}

/// A rows frame that is not closed yet.
#[derive(Debug)]
pub struct OpenRows(usize);

/// Builds a message of frames.
#[derive(Debug, Default)]
pub struct FrameWriter {
    bytes: Vec<u8>,
}

impl FrameWriter {
    /// An empty message with room for so many bytes.
    pub fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes) }
    }

    /// Bytes so far.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// No frame yet.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The message.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The columns of a set.
    pub fn set<'a>(&mut self, set: u16, role: SetRole, columns: impl ExactSizeIterator<Item = &'a str>) {
        let start = self.begin(b'S');
        self.bytes.extend_from_slice(&set.to_le_bytes());
        self.bytes.push(match role {
            SetRole::Rows => 0,
            SetRole::Out => 1,
            SetRole::Return => 2,
        });
        self.bytes.push(0);
        self.bytes.extend_from_slice(&length(columns.len()).to_le_bytes());
        for name in columns {
            text_part(&mut self.bytes, name.as_bytes());
        }
        self.end(start);
    }

    /// Opens a rows frame; cells go to [`FrameWriter::buffer`], then [`FrameWriter::end_rows`].
    pub fn begin_rows(&mut self, set: u16) -> OpenRows {
        let start = self.begin(b'R');
        self.bytes.extend_from_slice(&set.to_le_bytes());
        self.bytes.extend_from_slice(&[0; 6]);
        OpenRows(start)
    }

    /// Where the cells of an open rows frame go.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Closes a rows frame.
    pub fn end_rows(&mut self, open: OpenRows, count: u32) {
        // Behind the length: u16 set, u16 zero, then the count.
        patch(&mut self.bytes, open.0 + 8, count);
        self.end(open.0);
    }

    /// The row of parameters, whose cells were written elsewhere.
    pub fn parameters(&mut self, count: u32, cells: &[u8]) {
        let start = self.begin(b'P');
        self.bytes.extend_from_slice(&count.to_le_bytes());
        self.bytes.extend_from_slice(cells);
        self.end(start);
    }

    /// Outcomes of records.
    pub fn outcomes(&mut self, outcomes: &[Outcome]) {
        self.json_frame(b'O', outcomes);
    }

    /// The end.
    pub fn done(&mut self, summary: &Summary) {
        if *summary == Summary::default() {
            let start = self.begin(b'D');
            self.end(start);
        } else {
            self.json_frame(b'D', summary);
        }
    }

    fn json_frame<T: Serialize + ?Sized>(&mut self, kind: u8, content: &T) {
        let start = self.begin(kind);
        // Plain data with string keys: serialising it into memory can't fail; an empty payload would read as malformed.
        let _ = serde_json::to_writer(&mut self.bytes, content);
        self.end(start);
    }

    fn begin(&mut self, kind: u8) -> usize {
        self.bytes.extend_from_slice(&[b'T', VERSION, kind, CRITICAL]);
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        start
    }

    fn end(&mut self, start: usize) {
        patch_length(&mut self.bytes, start);
    }
}
