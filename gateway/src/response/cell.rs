//! One cell as JSON, or as bare text.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use connector_api::model::batch::{Cell, Malformed};
use connector_api::model::{Characters, TimeOfDay};

use crate::request::media::Numbers;

/// The largest integer up to which a double has them all.
const LARGEST_EXACT: u64 = 1 << 53;

/// Appends the JSON of a cell. Numbers are written with all their digits; a decimal keeps its scale. What stands in a column of JSON is
/// written as it is.
///
/// # Errors
/// When nested content is malformed.
#[inline]
pub fn write_cell(out: &mut Vec<u8>, cell: Cell<'_>, numbers: Numbers) -> Result<(), Malformed> {
    // The kinds that nearly all cells have; short, to be part of the loop over the cells of a row.
    match cell {
        Cell::Null => out.extend_from_slice(b"null"),
        Cell::I64(value) if numbers == Numbers::Number => {
            out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
        }
        Cell::Text(text) => string(out, text),
        other => return write_other(out, other, numbers),
    }
    Ok(())
}

#[inline(never)]
fn write_other(out: &mut Vec<u8>, cell: Cell<'_>, numbers: Numbers) -> Result<(), Malformed> {
    let is_text = |size: u64| numbers == Numbers::String && size > LARGEST_EXACT;
    match cell {
        Cell::I64(value) if is_text(value.unsigned_abs()) => quoted(out, value),
        Cell::I64(value) => out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()),
        Cell::U64(value) if is_text(value) => quoted(out, value),
        Cell::Decimal(digits) if numbers == Numbers::String => quoted(out, digits),
        // An absent member has no key either; inside a list its place is kept.
        Cell::Absent | Cell::Unknown(_) => out.extend_from_slice(b"null"),
        Cell::Bool(value) => out.extend_from_slice(if value { b"true" } else { b"false" }),
        Cell::U64(value) => out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()),
        Cell::F32(value) => float(out, value, value.is_finite(), value.is_nan(), value > 0.0),
        Cell::F64(value) => float(out, value, value.is_finite(), value.is_nan(), value > 0.0),
        Cell::Decimal(digits) => out.extend_from_slice(digits.as_bytes()),
        Cell::Bytes(bytes) => base64(out, bytes),
        Cell::Json(json) => spliced(out, json),
        Cell::Date(date) => moment(out, date.characters()),
        Cell::Time(nanos) => moment(out, TimeOfDay(nanos).characters()),
        Cell::Timestamp(timestamp) => moment(out, timestamp.characters()),
        Cell::Instant(instant) => moment(out, instant.characters()),
        Cell::Uuid(bytes) => uuid(out, bytes),
        Cell::List(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                separate(out, index);
                write_cell(out, item?, numbers)?;
            }
            out.push(b']');
        }
        Cell::Object(entries) => {
            out.push(b'{');
            let mut written = 0;
            for entry in entries.iter() {
                let (name, member) = entry?;
                if member == Cell::Absent {
                    continue;
                }
                separate(out, written);
                written += 1;
                string(out, name);
                out.push(b':');
                write_cell(out, member, numbers)?;
            }
            out.push(b'}');
        }
        Cell::Extension(_, inner) => write_cell(out, inner.cell()?, numbers)?,
        // Nulls, and a kind of cell that the contract gains later.
        _ => out.extend_from_slice(b"null"),
    }
    Ok(())
}

/// Appends a cell as bare text: what its JSON has between the quotes, unescaped; nothing for null; lists and documents as JSON.
///
/// # Errors
/// When nested content is malformed.
pub(super) fn write_text(out: &mut Vec<u8>, cell: Cell<'_>) -> Result<(), Malformed> {
    match cell {
        Cell::Null | Cell::Absent | Cell::Unknown(_) => Ok(()),
        Cell::Text(text) | Cell::Json(text) => {
            out.extend_from_slice(text.as_bytes());
            Ok(())
        }
        Cell::Extension(_, inner) => write_text(out, inner.cell()?),
        _ => {
            let start = out.len();
            write_cell(out, cell, Numbers::Number)?;
            if out.get(start) == Some(&b'"') {
                // Digits, signs and base64: nothing between the quotes is escaped.
                out.remove(start);
                out.pop();
            }
            Ok(())
        }
    }
}

/// Appends a JSON string.
pub(super) fn string(out: &mut Vec<u8>, text: &str) {
    // Writing a `str` into memory can't fail.
    let _ = serde_json::to_writer(out, text);
}

fn separate(out: &mut Vec<u8>, index: usize) {
    if index > 0 {
        out.push(b',');
    }
}

/// The shortest text that reads back as the same number; JSON has no word for the three others, so they are strings.
fn float<F: zmij::Float>(out: &mut Vec<u8>, value: F, is_finite: bool, is_nan: bool, is_positive: bool) {
    if is_finite {
        out.extend_from_slice(zmij::Buffer::new().format_finite(value).as_bytes());
        return;
    }
    string(
        out,
        if is_nan {
            "NaN"
        } else if is_positive {
            "Infinity"
        } else {
            "-Infinity"
        },
    );
}

fn base64(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    let written = out.get_mut(start..).and_then(|room| STANDARD.encode_slice(bytes, room).ok()).unwrap_or(0);
    out.truncate(start + written);
    out.push(b'"');
}

/// JSON as it is, if it is JSON: a connector's mistake must not break the answer around it.
fn spliced(out: &mut Vec<u8>, json: &str) {
    if serde_json::from_str::<serde::de::IgnoredAny>(json).is_ok() {
        out.extend_from_slice(json.as_bytes());
    } else {
        string(out, json);
    }
}

/// Text of digits and signs, which needs no escaping.
fn quoted(out: &mut Vec<u8>, value: impl std::fmt::Display) {
    // Writing into memory can't fail.
    let _ = write!(out, "\"{value}\"");
}

fn moment(out: &mut Vec<u8>, characters: Characters) {
    out.push(b'"');
    out.extend_from_slice(characters.as_str().as_bytes());
    out.push(b'"');
}

fn uuid(out: &mut Vec<u8>, bytes: &[u8; 16]) {
    out.push(b'"');
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        let _ = write!(out, "{byte:02x}");
    }
    out.push(b'"');
}
