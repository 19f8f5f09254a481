//! Row batches: the one format in which rows, records and parameters cross the boundary, in both directions.
//!
//! Little endian throughout; every length is a `u32`. A *message* is a run of frames; a frame is
//!
//! ```text
//! b'T'  version = 1  kind: u8  flags: u8  length: u32  payload
//! ```
//!
//! A receiver skips a frame of unknown kind, unless flag bit 0 (*critical*) is set: then the message is refused.
//!
//! | kind | critical | payload |
//! |---|---|---|
//! | `S` set | yes | `u16` set · `u8` [role](SetRole) · `u8` 0 · `u32` columns · (length · UTF-8 name)*. The same set again: its columns change from here on |
//! | `R` rows | yes | `u16` set · `u16` 0 · `u32` rows · cells, row by row |
//! | `P` parameters | yes | `u32` count · cells |
//! | `O` outcomes | yes | JSON list of [`Outcome`](super::Outcome) |
//! | `D` done | yes | JSON [`Summary`](super::Summary), or nothing for an empty one. Exactly one, last: an answer without it was cut off |
//!
//! A cell is a tag and a payload ([`tag`]); tags from 0x80 on carry a length, so that an unknown one can be skipped.
//! Columns have no type here: each cell says what it is, since documents and some databases mix types in one column.
//!
//! Reading is safe code over borrowed bytes: whatever arrives is either understood or a [`Malformed`] error, never a panic.

mod cell;
mod read;
mod write;

pub use cell::{Cell, Entries, Items};
pub use read::{ColumnNames, Frame, FrameReader, Malformed, RowsFrame, SetFrame};
pub use write::{CellWriter, FrameWriter, OpenRows, key};

/// Version byte of every frame.
pub const VERSION: u8 = 1;

/// About how many bytes of cells an author's sink gathers before it hands a batch over.
pub const TARGET_BATCH_BYTES: usize = 32 * 1024;

/// The largest message a receiver accepts, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024 * 1024;

/// The most columns of a set.
pub const MAX_COLUMNS: u32 = 16_384;

/// The deepest nesting of lists and documents.
pub const MAX_DEPTH: usize = 64;

/// What the rows of a set are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SetRole {
    /// Rows of a query, of a routine's result set or of `returning`.
    #[default]
    Rows,
    /// One row: a routine's OUT values.
    Out,
    /// One row with one column: a routine's return value.
    Return,
}

/// First bytes of cells.
pub mod tag {
    /// No payload.
    pub const NULL: u8 = 0x00;
    /// No payload.
    pub const ABSENT: u8 = 0x01;
    /// No payload.
    pub const FALSE: u8 = 0x02;
    /// No payload.
    pub const TRUE: u8 = 0x03;
    /// 8 bytes, signed.
    pub const I64: u8 = 0x04;
    /// 8 bytes, unsigned.
    pub const U64: u8 = 0x05;
    /// 4 bytes, IEEE 754.
    pub const F32: u8 = 0x06;
    /// 8 bytes, IEEE 754.
    pub const F64: u8 = 0x07;
    /// Length · ASCII `-?digits(.digits)?(E[+-]?digits)?`.
    pub const DECIMAL: u8 = 0x08;
    /// Length · UTF-8.
    pub const TEXT: u8 = 0x09;
    /// Length · bytes.
    pub const BYTES: u8 = 0x0a;
    /// Length · UTF-8, valid JSON (the sender's duty; a receiver may check).
    pub const JSON: u8 = 0x0b;
    /// `i32` days since 1970-01-01.
    pub const DATE: u8 = 0x0c;
    /// `i64` nanoseconds since midnight.
    pub const TIME: u8 = 0x0d;
    /// `i64` seconds · `u32` nanoseconds.
    pub const TIMESTAMP: u8 = 0x0f;
    /// `i64` seconds UTC · `u32` nanoseconds · `i32` offset seconds, `i32::MIN`: none kept.
    pub const INSTANT: u8 = 0x10;
    /// 16 bytes, network order.
    pub const UUID: u8 = 0x14;
    /// Length of what follows · `u32` count · cells.
    pub const LIST: u8 = 0x16;
    /// Length of what follows · `u32` count · (length · UTF-8 key · cell)*.
    pub const OBJECT: u8 = 0x17;
    /// Length of what follows · length · UTF-8 name · cell.
    pub const EXTENSION: u8 = 0x80;
}

#[cfg(test)]
mod tests;
