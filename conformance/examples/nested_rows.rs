//! What nested values cost on their way through the row batch: 10,000 rows with twelve numbers and texts as plain columns, and the same
//! twelve inside one document. Prints bytes and processor time for each row, of writing the cells and of making JSON from them.
//!
//! `cargo run --release -p tablegate-conformance --example nested_rows`

use std::io::Write as _;
use std::sync::Arc;

use connector_api::Result;
use connector_api::model::batch::{CellWriter as _, Frame, FrameReader, FrameWriter, key};
use tablegate::plan::ShownColumn;
use tablegate::response::{RowEncoder, RowFormat};

const ROWS: u32 = 10_000;
const ROUNDS: u32 = 20;
const NAMES: [&str; 12] = [
    "number", "name", "price", "stock", "colour", "width", "height", "depth", "weight", "maker", "city",
    "country",
];

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::stdout();
    writeln!(out, "{:<30} {:>10} {:>12} {:>12}", "12 values as", "bytes/row", "write ns/row", "JSON ns/row")?;
    for (title, columns, write) in [
        ("columns", &NAMES[..], flat as fn(&mut Vec<u8>, u32)),
        ("one document", &["document"][..], one_document),
        ("three documents in a list", &["documents"][..], three_documents),
    ] {
        let (bytes, writing, json) = measure(columns, write)?;
        writeln!(out, "{title:<30} {bytes:>10} {writing:>12} {json:>12}")?;
    }
    Ok(())
}

/// Bytes for each row, nanoseconds of writing and of making JSON.
fn measure(columns: &[&str], write: fn(&mut Vec<u8>, u32)) -> Result<(u64, u64, u64)> {
    let began = processor_nanos();
    let mut batch = Vec::new();
    for _ in 0..ROUNDS {
        let mut frames = FrameWriter::default();
        let open = frames.begin_rows(0);
        (0..ROWS).for_each(|row| write(frames.buffer(), row));
        frames.end_rows(open, ROWS);
        batch = frames.into_bytes();
    }
    let written = processor_nanos();
    for _ in 0..ROUNDS {
        to_json(columns, &batch)?;
    }
    let read = processor_nanos();
    let each = |nanos: u64| nanos / u64::from(ROWS * ROUNDS);
    let bytes = u64::try_from(batch.len()).unwrap_or(u64::MAX) / u64::from(ROWS);
    Ok((bytes, each(written.saturating_sub(began)), each(read.saturating_sub(written))))
}

fn to_json(columns: &[&str], batch: &[u8]) -> Result<usize> {
    let shown = Arc::new(columns.iter().map(|name| ShownColumn::from(*name)).collect());
    let names: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
    let mut encoder = RowEncoder::new(&shown, RowFormat::Objects);
    encoder.columns(&names)?;
    let mut out = Vec::new();
    let mut frames = FrameReader::new(batch);
    while let Some(frame) = frames.next_frame()? {
        let Frame::Rows(mut rows) = frame else { continue };
        let mut row = Vec::with_capacity(names.len());
        for _ in 0..rows.count {
            row.clear();
            for _ in 0..names.len() {
                row.push(rows.next_cell()?);
            }
            encoder.write(&mut out, &row)?;
        }
    }
    Ok(out.len())
}

/// Every third value is a text.
fn value(out: &mut Vec<u8>, place: usize, row: u32) {
    match place % 3 {
        0 => out.i64(i64::from(row)),
        1 => out.text("a text of some length"),
        _ => out.f64(f64::from(row) * 0.5),
    }
}

fn flat(out: &mut Vec<u8>, row: u32) {
    (0..NAMES.len()).for_each(|place| value(out, place, row));
}

fn document(out: &mut Vec<u8>, members: std::ops::Range<usize>, row: u32) {
    let count = u32::try_from(members.len()).unwrap_or(u32::MAX);
    out.object(|out| {
        for (place, name) in NAMES.iter().enumerate().skip(members.start).take(members.len()) {
            key(out, name);
            value(out, place, row);
        }
        count
    });
}

fn one_document(out: &mut Vec<u8>, row: u32) {
    document(out, 0..NAMES.len(), row);
}

fn three_documents(out: &mut Vec<u8>, row: u32) {
    out.list(|out| {
        [0..4, 4..8, 8..12].into_iter().for_each(|members| document(out, members, row));
        3
    });
}

/// Processor time of this thread, so that other programs do not count.
fn processor_nanos() -> u64 {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    schedstat.split(' ').next().and_then(|nanos| nanos.parse().ok()).unwrap_or(0)
}
