//! From rows to bytes: one pass from row batch to JSON, NDJSON, CSV or XML, streamed. Knows neither the caller nor the table's rules: what
//! arrives here was permitted by the plan. No value tree is built on the way of rows; what operations answer beside rows is JSON, and
//! [`convert`] turns it into the other forms.

mod cast;
mod cell;
mod convert;
mod csv;
mod document;
mod layout;
mod rows;
mod xml;

pub use cast::cast;
pub use cell::write_cell;
pub use convert::convert;
pub use document::Document;
pub use layout::Layout;
pub use rows::{RowEncoder, RowFormat, append_list, append_member};
