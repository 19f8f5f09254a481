//! The records of a write as the server reads them: all cells in one buffer.

use std::ops::Range;

use connector_api::Result;
use connector_api::author::{self, Cell};

use crate::client::Params;
use crate::types::{Class, push_cell};

/// Records of equal width.
pub(super) struct Records {
    bytes: Vec<u8>,
    cells: Vec<Place>,
    width: usize,
    count: usize,
}

/// Where a cell's text stands.
enum Place {
    Absent,
    Null,
    At(Range<usize>),
}

impl Records {
    /// The records of a request, for columns of these classes. A change by filter has one at least, though it may be empty.
    ///
    /// # Errors
    /// When a value is none that a column can hold.
    pub(super) fn read(records: &author::Records, classes: &[Class]) -> Result<Self> {
        let mut read = Self { bytes: Vec::new(), cells: Vec::new(), width: classes.len(), count: 0 };
        records.for_each(classes.len(), |_, cells| {
            read.count += 1;
            cells.iter().zip(classes).try_for_each(|(cell, class)| read.push(cell, *class))
        })?;
        Ok(read)
    }

    fn push(&mut self, cell: &Cell<'_>, class: Class) -> Result<()> {
        let start = self.bytes.len();
        let place = match cell {
            Cell::Absent => Place::Absent,
            Cell::Null => Place::Null,
            cell => {
                push_cell(&mut self.bytes, cell, class)?;
                Place::At(start..self.bytes.len())
            }
        };
        self.cells.push(place);
        Ok(())
    }

    /// How many.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// For each cell of a record, whether it is absent.
    pub(super) fn absent(&self, index: usize) -> impl Iterator<Item = bool> + '_ {
        let cells = self.cells.iter().skip(index * self.width).take(self.width);
        cells.map(|cell| matches!(cell, Place::Absent))
    }

    /// Binds a cell of a record.
    pub(super) fn bind(&self, index: usize, cell: usize, params: &mut Params) {
        let place = self.cells.get(index * self.width + cell).filter(|_| cell < self.width);
        match place {
            Some(Place::At(range)) => {
                params.bytes(self.bytes.get(range.clone()).unwrap_or_default());
            }
            _ => params.null(),
        }
    }
}
