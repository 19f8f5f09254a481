//! One version of a table: its rows and its keys. A copy costs nothing and shares what is not changed, so a version that is being
//! read is never written: writers change a copy and keep it or drop it.

use std::sync::Arc;

use connector_api::author::{Path, Result, Value};
use connector_common::evaluate::Condition;
use rpds::RedBlackTreeMapSync;

use crate::config::TableConfig;
use crate::error;
use crate::schema::{Layout, Row, key_of};

/// After so many rows a long call lets others go on.
const ROWS_BETWEEN_YIELDS: usize = 1024;

/// Called with each row of a long call, counted from 0, so that others go on meanwhile.
pub(crate) async fn take_turns(rows: usize) {
    if rows % ROWS_BETWEEN_YIELDS == ROWS_BETWEEN_YIELDS - 1 {
        tokio::task::yield_now().await;
    }
}

/// A table at one time.
#[derive(Clone)]
pub(crate) struct Table {
    layout: Arc<Layout>,
    /// By a number of our own that only grows, so in the order in which they were created.
    rows: RedBlackTreeMapSync<u64, Row>,
    /// For each key of the layout, the rows' numbers.
    keys: Vec<RedBlackTreeMapSync<Vec<u8>, u64>>,
    next_row: u64,
    next_value: i64,
}

impl Table {
    /// # Errors
    /// What is wrong with the table or a row, which is named by its number, counted from 1.
    pub(crate) fn load(name: &str, config: &TableConfig) -> Result<Self> {
        let layout = Layout::new(name, config)?;
        let mut table = Self {
            keys: layout.keys.iter().map(|_| RedBlackTreeMapSync::new_sync()).collect(),
            layout: Arc::new(layout),
            rows: RedBlackTreeMapSync::new_sync(),
            next_row: 0,
            next_value: 1,
        };
        for (number, row) in (1_u64..).zip(&config.rows) {
            let inserted = table.layout.read(row).and_then(|row| table.insert(row));
            inserted.map_err(|error| error::invalid(format!("table '{name}', row {number}: {error}")))?;
        }
        Ok(table)
    }

    pub(crate) fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// The row's cell; see [`Layout::cell`].
    ///
    /// # Errors
    /// *Not found* when the table has no such column.
    pub(crate) fn cell<'r>(&self, row: &'r [Value], path: &Path) -> Result<&'r Value> {
        self.layout.cell(row, path)
    }

    /// Reads the matching rows, with their numbers, in stored order.
    pub(crate) fn scan<'t>(
        &'t self,
        condition: &'t Condition<'t>,
    ) -> Scan<'t, impl Iterator<Item = (&'t u64, &'t Row)> + Send> {
        Scan { table: self, condition, rows: self.rows.iter(), tested: 0 }
    }

    /// The row with these values in these columns.
    ///
    /// # Errors
    /// When the columns are no key and several rows have the values.
    pub(crate) fn find(&self, columns: &[usize], values: &[Value]) -> Result<Option<(u64, Row)>> {
        // What a column does not take, no row has.
        let Some(values) = self.layout.as_stored(columns, values) else { return Ok(None) };
        let value = |column: &usize| {
            columns.iter().position(|named| named == column).and_then(|place| values.get(place))
        };
        let is_named =
            |key: &[usize]| key.len() == columns.len() && key.iter().all(|column| columns.contains(column));
        for (key, index) in self.layout.keys.iter().zip(&self.keys) {
            if is_named(&key.columns) {
                let number = key_of(key.columns.iter().filter_map(value)).and_then(|key| index.get(&key));
                return Ok(number.and_then(|number| Some((*number, self.rows.get(number)?.clone()))));
            }
        }
        self.search(columns, &values)
    }

    /// Without a key all rows have to be looked at.
    fn search(&self, columns: &[usize], values: &[Value]) -> Result<Option<(u64, Row)>> {
        let Some(wanted) = key_of(values.iter()) else { return Ok(None) };
        let has_it = |(_, row): &(&u64, &Row)| {
            key_of(columns.iter().filter_map(|column| row.get(*column))).is_some_and(|key| key == wanted)
        };
        let mut found = self.rows.iter().filter(has_it);
        match (found.next(), found.next()) {
            (Some(_), Some(_)) => Err(error::ambiguous_key()),
            (first, _) => Ok(first.map(|(number, row)| (*number, row.clone()))),
        }
    }

    /// Adds a row and gives it as it is stored.
    ///
    /// # Errors
    /// As [`Layout::fit`], and a key that another row has. The table is then of no more use.
    pub(crate) fn insert(&mut self, mut row: Vec<Value>) -> Result<Row> {
        let numbered = self.layout.auto_increment.and_then(|column| row.get_mut(column));
        if let Some(value @ Value::Absent) = numbered {
            *value = Value::I64(self.next_value);
        }
        let row = self.layout.fit(row)?;
        self.put(self.next_row, &row)?;
        self.next_row += 1;
        Ok(row)
    }

    /// Takes a row out; nothing happens when it is not there.
    pub(crate) fn remove(&mut self, number: u64) {
        let Some(row) = self.rows.get(&number).cloned() else { return };
        for (key, index) in self.layout.keys.iter().zip(&mut self.keys) {
            if let Some(key) = key.of(&row) {
                index.remove_mut(&key);
            }
        }
        self.rows.remove_mut(&number);
    }

    /// Puts a row, as [`Layout::fit`] gave it, where none is. To change rows, remove all of them first: then keys may move from one
    /// to another.
    ///
    /// # Errors
    /// A key that another row has. The table is then of no more use.
    pub(crate) fn put(&mut self, number: u64, row: &Row) -> Result<()> {
        for (key, index) in self.layout.keys.iter().zip(&mut self.keys) {
            let Some(bytes) = key.of(row) else { continue };
            if index.contains_key(&bytes) {
                return Err(key.violated());
            }
            index.insert_mut(bytes, number);
        }
        if let Some(Value::I64(value)) = self.layout.auto_increment.and_then(|column| row.get(column)) {
            self.next_value = self.next_value.max(value.saturating_add(1));
        }
        self.rows.insert_mut(number, Arc::clone(row));
        Ok(())
    }
}

/// A pass over a table.
pub(crate) struct Scan<'t, R> {
    table: &'t Table,
    condition: &'t Condition<'t>,
    rows: R,
    tested: usize,
}

impl<'t, R: Iterator<Item = (&'t u64, &'t Row)>> Scan<'t, R> {
    /// The next matching row and its number.
    ///
    /// # Errors
    /// As [`Condition::matches`].
    pub(crate) async fn next(&mut self) -> Result<Option<(u64, &'t Row)>> {
        while let Some((number, row)) = self.rows.next() {
            take_turns(self.tested).await;
            self.tested += 1;
            if self.condition.matches(&|path: &Path| self.table.cell(row, path))? {
                return Ok(Some((*number, row)));
            }
        }
        Ok(None)
    }
}
