//! The values of a call, by position. What a position means is the shape's matter.

use connector_api::model::batch::{CellWriter, FrameWriter, RowsFrame};
use connector_api::model::{Param, Value};

/// The row of parameters of a call. A position is given out for each value, for the shape to name.
#[derive(Debug, Clone, Default)]
pub struct Params {
    cells: Vec<u8>,
    count: u32,
}

impl<'a> FromIterator<&'a Value> for Params {
    fn from_iter<I: IntoIterator<Item = &'a Value>>(values: I) -> Self {
        let mut params = Self::default();
        values.into_iter().for_each(|value| {
            params.push(value);
        });
        params
    }
}

impl Params {
    /// Adds a value; a list is one value.
    pub fn push(&mut self, value: &Value) -> Param {
        self.cells.value(value);
        self.count += 1;
        // A `usize` has at least 32 bits wherever the gateway runs.
        Param::try_from(self.count - 1).unwrap_or(Param::MAX)
    }

    /// Adds a number of rows: a limit or an offset.
    pub fn push_row_count(&mut self, rows: u64) -> Param {
        self.push(&i64::try_from(rows).map_or(Value::U64(rows), Value::I64))
    }

    /// How many values.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.count
    }

    /// No value yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The frame with the values, to which records may be added.
    #[must_use]
    pub fn frames(&self) -> FrameWriter {
        let mut frames = FrameWriter::with_capacity(self.cells.len() + 16);
        frames.parameters(self.count, &self.cells);
        frames
    }

    /// The number of rows at a position, if one stands there.
    pub(super) fn row_count(&self, param: Param) -> Option<u64> {
        let mut row = RowsFrame::of_cells(self.count, &self.cells);
        for _ in 0..param {
            row.next_cell().ok()?;
        }
        match row.next_cell().ok()?.to_value().ok()? {
            Value::I64(rows) => u64::try_from(rows).ok(),
            Value::U64(rows) => Some(rows),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_given_out_in_order_and_row_counts_are_found_again() {
        let mut params = Params::default();
        let list = params.push(&Value::List(vec![Value::Text("a".into()), Value::Null]));
        let limit = params.push_row_count(25);
        let huge = params.push_row_count(u64::MAX);
        assert_eq!((list, limit, huge, params.len()), (0, 1, 2, 3));
        assert_eq!(params.row_count(limit), Some(25));
        assert_eq!(params.row_count(huge), Some(u64::MAX));
        assert_eq!((params.row_count(list), params.row_count(3)), (None, None));
    }
}
