//! Keys of rows as bytes that can be compared: those of cells that came, and those of values that were asked for.

use connector_api::Error;
use connector_api::model::Value;
use connector_api::model::batch::{Cell, CellWriter, RowsFrame};
use serde_json::Value as Json;

use crate::request::media::Numbers;
use crate::response::write_cell;

/// The key that these cells make.
pub(super) fn key_of_cells<'a>(cells: impl Iterator<Item = Cell<'a>>) -> Result<Vec<u8>, Error> {
    let mut key = Vec::new();
    for cell in cells {
        match cell {
            // The same number, however many zeros a column keeps behind its point.
            Cell::Decimal(digits) if digits.contains('.') && !digits.contains(['e', 'E']) => {
                key.extend_from_slice(digits.trim_end_matches('0').trim_end_matches('.').as_bytes());
            }
            // A whole number in a column of another kind is the same one.
            cell @ (Cell::F32(_) | Cell::F64(_)) => {
                write_cell(&mut key, cell, Numbers::Number)?;
                key.truncate(key.strip_suffix(b".0").map_or(key.len(), <[u8]>::len));
            }
            cell => write_cell(&mut key, cell, Numbers::Number)?,
        }
        key.push(b',');
    }
    Ok(key)
}

/// The same for values that were asked for, by way of the cells they would be.
pub(super) fn key_of_values(values: &[Value]) -> Result<Vec<u8>, Error> {
    let mut cells = Vec::new();
    values.iter().for_each(|value| cells.value(value));
    let mut row = RowsFrame::of_cells(u32::try_from(values.len()).unwrap_or(u32::MAX), &cells);
    let cells = values.iter().map(|_| row.next_cell()).collect::<Result<Vec<_>, _>>()?;
    key_of_cells(cells.into_iter())
}

/// A cell as the JSON that an answer would show.
pub(super) fn json_of_cell(cell: Cell<'_>) -> Result<Json, Error> {
    let mut json = Vec::new();
    write_cell(&mut json, cell, Numbers::Number)?;
    serde_json::from_slice(&json).map_err(|_| Error::internal("a cell can't be read as JSON"))
}

/// The same for a value.
pub(super) fn json_of_value(value: &Value) -> Result<Json, Error> {
    let mut cells = Vec::new();
    cells.value(value);
    json_of_cell(RowsFrame::of_cells(1, &cells).next_cell()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_key_in_columns_of_all_kinds() {
        let key = |value: Value| String::from_utf8(key_of_values(&[value]).unwrap()).unwrap();
        for value in [Value::I64(5), Value::F64(5.0), Value::F32(5.0), Value::Decimal("5.00".to_owned())] {
            assert_eq!(key(value), "5,");
        }
        for value in [Value::F64(5.5), Value::Decimal("5.50".to_owned())] {
            assert_eq!(key(value), "5.5,");
        }
        assert_eq!(key(Value::Text("5".to_owned())), "\"5\",");
    }
}
