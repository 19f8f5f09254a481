//! The records of a write as the driver sends them.

use connector_api::Result;
use connector_api::author;
use mysql_async::Value;

use crate::table::ColumnInfo;
use crate::types::stored;

/// Records of equal width.
pub(super) struct Records {
    /// `None`: absent.
    cells: Vec<Option<Value>>,
    width: usize,
    count: usize,
}

impl Records {
    /// The records of a request, for these columns. A change by filter has one at least, though it may be empty.
    ///
    /// # Errors
    /// When a value is none that a column can hold.
    pub(super) fn read(records: &author::Records, columns: &[&ColumnInfo]) -> Result<Self> {
        let mut read = Self { cells: Vec::new(), width: columns.len(), count: 0 };
        records.for_each(columns.len(), |_, cells| {
            read.count += 1;
            cells.iter().zip(columns).try_for_each(|(cell, column)| {
                let is_absent = matches!(cell, author::Cell::Absent);
                read.cells.push(if is_absent { None } else { Some(stored(cell, column)?) });
                Ok(())
            })
        })?;
        Ok(read)
    }

    /// How many.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// For each cell of a record, whether it is absent.
    pub(super) fn absent(&self, index: usize) -> impl Iterator<Item = bool> + '_ {
        let cells = self.cells.iter().skip(index * self.width).take(self.width);
        cells.map(Option::is_none)
    }

    /// A cell of a record; `None` when it is absent.
    pub(super) fn cell(&self, index: usize, cell: usize) -> Option<&Value> {
        self.cells.get(index * self.width + cell).filter(|_| cell < self.width)?.as_ref()
    }
}
