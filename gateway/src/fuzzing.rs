//! What the targets in `fuzz/` call of the inside of rooms. Compiled for them only: `cargo fuzz` sets `cfg(fuzzing)`.

use connector_api::Result;
use connector_api::model::Value;

use crate::connectors::Batch;
use crate::connectors::rows::{self, Bounds};
use crate::{http, operation};

/// The decoded pairs of a query string; `None`: it is refused.
#[must_use]
pub fn query_pairs(query: &str) -> Option<Vec<(String, String)>> {
    http::query_pairs(query).ok()
}

/// The position in the bytes that a cursor seals; `None`: they are no position of so many columns.
#[must_use]
pub fn position(message: &[u8], columns: usize) -> Option<Vec<Value>> {
    operation::position(message, columns)
}

/// The bytes that a cursor seals for a position.
#[must_use]
pub fn position_bytes(values: &[Value]) -> Vec<u8> {
    operation::position_bytes(values)
}

/// The batches of a connector's answer that came in these messages.
///
/// # Errors
/// A broken rule of the contract.
pub fn batches(messages: Vec<Vec<u8>>, bounds: Bounds) -> Result<Vec<Batch>> {
    rows::batches(messages, bounds)
}
