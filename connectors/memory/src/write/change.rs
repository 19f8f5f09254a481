//! What a write makes of one row: the cells it sets and computes, merged into the row as it was or into an empty one.

use std::sync::Arc;

use connector_api::author::{Assignment, Error, Filter, Path, Result, UpdateMode, Value};
use connector_common::evaluate::{Computed, Condition};

use super::batch::Done;
use crate::client::Table;
use crate::error;
use crate::schema::{Layout, Row};

/// A row rule, or the filter of a write.
pub(super) struct Rule<'r> {
    condition: Condition<'r>,
    layout: Arc<Layout>,
}

impl<'r> Rule<'r> {
    pub(super) fn new(table: &Table, filter: Option<&'r Filter>, params: &'r [Value]) -> Result<Self> {
        Ok(Self { condition: Condition::new(filter, params)?, layout: Arc::clone(table.layout()) })
    }

    pub(super) fn holds(&self, row: &[Value]) -> Result<bool> {
        self.condition.matches(&|path: &Path| self.layout.cell(row, path))
    }
}

/// The columns that a write sets: those of the record, then those that are computed.
pub(super) struct Setting<'r> {
    columns: Vec<usize>,
    computed: Computed<'r>,
}

impl<'r> Setting<'r> {
    pub(super) fn new(
        layout: &Layout,
        columns: &[Path],
        compute: &'r [Assignment],
        params: &'r [Value],
    ) -> Result<Self> {
        let computed = compute.iter().map(|assignment| &assignment.column);
        let columns =
            columns.iter().chain(computed).map(|path| layout.column(path)).collect::<Result<_>>()?;
        Ok(Self { columns, computed: Computed::new(compute, params)? })
    }

    /// Puts the cells, and what is computed from the row as it was, into `row`. An absent cell leaves its column alone.
    fn apply<'o>(
        &self,
        row: &mut [Value],
        cells: &[Value],
        old: &impl Fn(&Path) -> Result<&'o Value>,
    ) -> Result<()> {
        let computed = self.computed.values(old)?;
        for (column, value) in self.columns.iter().zip(cells.iter().cloned().chain(computed)) {
            if value != Value::Absent
                && let Some(cell) = row.get_mut(*column)
            {
                *cell = value;
            }
        }
        Ok(())
    }
}

/// How rows are created.
pub(super) struct Creation<'r> {
    pub(super) setting: Setting<'r>,
    pub(super) check: Rule<'r>,
}

impl Creation<'_> {
    /// Creates a row.
    ///
    /// # Errors
    /// What is wrong with the record; the table is then of no more use.
    pub(super) fn create(&self, table: &mut Table, cells: &[Value]) -> Result<Done> {
        let mut row = table.layout().blank();
        self.setting
            .apply(&mut row, cells, &|_: &Path| Err(Error::internal("a new row has no columns yet")))?;
        let row = table.insert(row)?;
        if !self.check.holds(&row)? {
            return Err(error::check_failed());
        }
        Ok(Done { row, is_matched: false, is_changed: true })
    }
}

/// How rows become others.
pub(super) struct Change<'r> {
    pub(super) setting: Setting<'r>,
    pub(super) mode: UpdateMode,
    /// The columns that name the row: they stay when it is replaced, as its primary key does.
    pub(super) named_by: Vec<usize>,
    pub(super) check: Rule<'r>,
}

impl Change<'_> {
    /// The row as it becomes.
    ///
    /// # Errors
    /// What is wrong with the record, or with the row that it makes.
    pub(super) fn row(&self, layout: &Layout, old: &[Value], cells: &[Value]) -> Result<Row> {
        let mut row = match self.mode {
            UpdateMode::Merge => old.to_vec(),
            UpdateMode::Replace => self.emptied(layout, old),
        };
        self.setting.apply(&mut row, cells, &|path: &Path| layout.cell(old, path))?;
        let row = layout.fit(row)?;
        if self.check.holds(&row)? { Ok(row) } else { Err(error::check_failed()) }
    }

    fn emptied(&self, layout: &Layout, old: &[Value]) -> Vec<Value> {
        let stays = |column: &usize| self.named_by.contains(column) || layout.primary_key().contains(column);
        let cells = old.iter().enumerate();
        cells.map(|(column, cell)| if stays(&column) { cell.clone() } else { Value::Absent }).collect()
    }

    /// Changes one row.
    ///
    /// # Errors
    /// As [`Change::row`], and a key that another row has; the table is then of no more use.
    pub(super) fn change(&self, table: &mut Table, number: u64, old: &Row, cells: &[Value]) -> Result<Done> {
        let row = self.row(table.layout(), old, cells)?;
        let is_changed = row != *old;
        table.remove(number);
        table.put(number, &row)?;
        Ok(Done { row, is_matched: true, is_changed })
    }
}
