//! Answers of connectors: a message of any bytes is understood or refused, what is made of it is no larger than it is, and the rows that are
//! understood become JSON that can be read.

#![no_main]

use std::sync::Arc;

use connector_api::model::batch::Cell;
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use tablegate::connectors::rows::Bounds;
use tablegate::connectors::{Batch, Section};
use tablegate::fuzzing::batches;
use tablegate::plan::ShownColumn;
use tablegate::response::{RowEncoder, RowFormat};

const BOUNDS: Bounds = Bounds { rows: 1000, outcomes: 100 };

fuzz_target!(|data: &[u8]| {
    // The same message twice: columns that were announced stay.
    for messages in [vec![data.to_vec()], vec![data.to_vec(), data.to_vec()]] {
        let Ok(batches) = batches(messages, BOUNDS) else { return };
        let rows: u64 = batches.iter().map(Batch::row_count).sum();
        assert!(rows <= BOUNDS.rows, "{rows} rows");
        batches.iter().flat_map(Batch::sections).for_each(check);
    }
});

/// Reads all rows, as far as they are well-formed.
fn check(mut section: Section<'_>) {
    let names = &section.columns().names;
    let shown = Arc::new(names.iter().map(|name| ShownColumn::from(name.as_str())).collect());
    let mut encoders = [RowFormat::Objects, RowFormat::Identifiers].map(|form| RowEncoder::new(&shown, form));
    encoders.iter_mut().for_each(|encoder| encoder.columns(names).expect("all of them are shown"));
    let mut row = Vec::new();
    while let Ok(true) = section.read_row(&mut row) {
        assert_eq!(row.len(), names.len());
        row.iter().for_each(owned);
        if !row.is_empty() {
            encoders.iter().for_each(|encoder| written(encoder, &row));
        }
    }
}

/// A value of one's own is made of the cell, or it is refused.
fn owned(cell: &Cell<'_>) {
    if let Ok(value) = cell.to_value() {
        drop(value);
    }
}

fn written(encoder: &RowEncoder, row: &[Cell<'_>]) {
    let mut out = Vec::new();
    if encoder.write_alone(&mut out, row).is_ok() {
        let text = String::from_utf8_lossy(&out);
        assert!(serde_json::from_slice::<IgnoredAny>(&out).is_ok(), "not JSON: {text}");
    }
}
