//! From rows to bytes: one pass from row batch to JSON, streamed. Knows neither the caller nor the table's rules: what arrives here
//! was permitted by the plan. No value tree is built on the way of rows.

mod cell;
mod rows;

pub use cell::write_cell;
pub use rows::{RowEncoder, RowFormat};
