//! What came of a write: how many rows were touched, which go back, which records failed. Kept until the write is permanent, so that no
//! slow reader holds up others.

use connector_api::author::{Affected, Error, ErrorKind, Outcome, Result, RowSink};

/// The most that the rows which go back may take in memory.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Rows that go back. A column has a name and whatever its values need to be read (`C`).
#[derive(Debug)]
pub struct Returned<C, R> {
    columns: Vec<(String, C)>,
    rows: Vec<R>,
    bytes: usize,
}

/// How many rows there were, and how large.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mark {
    rows: usize,
    bytes: usize,
}

impl<C, R> Default for Returned<C, R> {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl<C, R> Returned<C, R> {
    /// No rows yet. Without columns there never are any.
    #[must_use]
    pub fn new(columns: Vec<(String, C)>) -> Self {
        Self { columns, rows: Vec::new(), bytes: 0 }
    }

    /// Cells of a row.
    #[must_use]
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// Keeps a row that takes so many bytes, if rows go back.
    ///
    /// # Errors
    /// [`ErrorKind::LimitExceeded`] when all rows together are too large.
    pub fn push(&mut self, row: R, bytes: usize) -> Result<()> {
        if self.columns.is_empty() {
            return Ok(());
        }
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > MAX_BYTES {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                "the rows that the write gives back are larger than 64 MB; write fewer rows at once, or ask for fewer columns",
            )
            .with_reason("too_many_rows"));
        }
        self.rows.push(row);
        Ok(())
    }

    /// How far it has come, to go back there.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark { rows: self.rows.len(), bytes: self.bytes }
    }

    /// Forgets the rows that came after the mark.
    pub fn back_to(&mut self, mark: Mark) {
        self.rows.truncate(mark.rows);
        self.bytes = mark.bytes;
    }

    /// Forgets all rows.
    pub fn clear(&mut self) {
        self.back_to(Mark::default());
    }

    /// Tells the names of the columns; what is left is the rows, and what reads their cells.
    #[must_use]
    pub fn announce(self, out: &mut RowSink) -> (Vec<C>, Vec<R>) {
        let (names, readers): (Vec<_>, Vec<_>) = self.columns.into_iter().unzip();
        if !names.is_empty() {
            out.columns(names.iter().map(String::as_str));
        }
        (readers, self.rows)
    }
}

/// The answer of a write.
#[derive(Debug)]
pub struct Written<C, R> {
    /// The rows that go back.
    pub returned: Returned<C, R>,
    /// What became of the records that did not go well.
    pub outcomes: Vec<Outcome>,
    /// What is counted; the others are `None`.
    pub affected: Affected,
    /// The first statement, where it is wanted.
    pub statement: Option<String>,
    /// Nothing of it may stay.
    pub is_undone: bool,
}

impl<C, R> Default for Written<C, R> {
    fn default() -> Self {
        Self::nothing(Returned::default(), Affected::default())
    }
}

impl<C, R> Written<C, R> {
    /// Nothing so far. `counted` has a zero for what is to be counted.
    #[must_use]
    pub fn nothing(returned: Returned<C, R>, counted: Affected) -> Self {
        Self { returned, outcomes: Vec::new(), affected: counted, statement: None, is_undone: false }
    }

    /// Adds to what is counted.
    pub fn count(&mut self, touched: u64) {
        for count in [&mut self.affected.matched, &mut self.affected.changed].into_iter().flatten() {
            *count = count.saturating_add(touched);
        }
    }

    /// How far it has come, to go back there.
    #[must_use]
    pub fn mark(&self) -> (Mark, Affected) {
        (self.returned.mark(), self.affected)
    }

    /// Forgets what was touched after the mark.
    pub fn back_to(&mut self, (rows, affected): (Mark, Affected)) {
        self.returned.back_to(rows);
        self.affected = affected;
    }

    /// All of it is to be undone.
    pub fn undo(&mut self, counted: Affected) {
        self.is_undone = true;
        self.returned.clear();
        self.affected = counted;
    }

    /// Hands over all but the rows, which are left with what reads their cells.
    #[must_use]
    pub fn announce(self, out: &mut RowSink) -> (Vec<C>, Vec<R>) {
        let summary = out.summary();
        summary.statement = self.statement;
        summary.affected = Some(self.affected);
        self.outcomes.into_iter().for_each(|outcome| out.outcome(outcome));
        self.returned.announce(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn returned() -> Returned<(), u8> {
        Returned::new(vec![("a".to_owned(), ())])
    }

    #[test]
    fn rows_that_are_too_large_together_are_refused() {
        let mut returned = returned();
        returned.push(1, MAX_BYTES).unwrap();
        assert_eq!(returned.push(2, 1).unwrap_err().kind, ErrorKind::LimitExceeded);
    }

    #[test]
    fn what_is_forgotten_takes_no_room() {
        let mut returned = returned();
        let mark = returned.mark();
        returned.push(1, MAX_BYTES).unwrap();
        returned.back_to(mark);
        returned.push(2, MAX_BYTES).unwrap();
        assert_eq!(returned.rows, [2]);
        returned.clear();
        assert!(returned.rows.is_empty());
    }

    #[test]
    fn without_columns_no_row_is_kept() {
        let mut nothing: Returned<(), u8> = Returned::default();
        nothing.push(1, MAX_BYTES + 1).unwrap();
        assert!(nothing.rows.is_empty());
    }

    #[test]
    fn a_record_that_fails_leaves_no_count_and_no_row() {
        let counted = Affected { matched: Some(0), changed: None };
        let mut written = Written::nothing(returned(), counted);
        written.count(1);
        let mark = written.mark();
        written.returned.push(1, 1).unwrap();
        written.count(1);
        written.back_to(mark);
        assert_eq!((written.affected.matched, written.returned.rows.len()), (Some(1), 0));
        written.undo(counted);
        assert_eq!((written.affected.matched, written.affected.changed), (Some(0), None));
        assert!(written.is_undone);
    }
}
