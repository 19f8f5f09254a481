//! What became of each change of a call, and what a failure means that comes from the rows of a table.

use connector_api::author::RowSink;
use connector_api::model::{Change, Outcome, OutcomeStatus};
use connector_api::{Error, ErrorKind};

use super::{Refused, Step};

/// The answer to a call: the changes that are not done, and the first statement, where it is wanted.
#[derive(Debug, Default)]
pub struct Changed {
    /// What became of the changes that are not done; empty: all are.
    pub outcomes: Vec<Outcome>,
    /// The first statement.
    pub statement: Option<String>,
}

impl Changed {
    /// Hands the answer to the gateway.
    pub fn send(self, out: &mut RowSink) {
        out.summary().statement = self.statement;
        self.outcomes.into_iter().for_each(|outcome| out.outcome(outcome));
    }
}

/// How far a call has come.
#[derive(Debug)]
pub struct Ends<'c> {
    changes: &'c [Change],
    steps: &'c [Step],
    /// By position. A change without a statement is as it shall be from the beginning.
    ends: Vec<OutcomeStatus>,
    /// Steps that are still to be run, by position.
    left: Vec<usize>,
}

impl<'c> Ends<'c> {
    /// Nothing was run yet.
    #[must_use]
    pub fn new(changes: &'c [Change], steps: &'c [Step]) -> Self {
        let (mut ends, mut left) = (vec![OutcomeStatus::Ok; changes.len()], vec![0; changes.len()]);
        for change in steps.iter().flat_map(changes_of) {
            if let Some((end, left)) = ends.get_mut(change).zip(left.get_mut(change)) {
                *end = OutcomeStatus::NotRun;
                *left += 1;
            }
        }
        Self { changes, steps, ends, left }
    }

    /// A step has been run.
    pub fn done(&mut self, step: &Step) {
        for change in changes_of(step) {
            if let Some((end, left)) = self.ends.get_mut(change).zip(self.left.get_mut(change)) {
                *left = left.saturating_sub(1);
                if *left == 0 {
                    *end = OutcomeStatus::Ok;
                }
            }
        }
    }

    /// A step has failed, and those behind it are not run. `is_undone`: those before it leave nothing either.
    #[must_use]
    pub fn failed(mut self, step: &Step, error: Error, is_undone: bool) -> Vec<Outcome> {
        let is_run = |place: usize| self.steps.iter().flat_map(changes_of).any(|change| change == place);
        for (place, end) in self.ends.iter_mut().enumerate() {
            if *end == OutcomeStatus::Ok && is_undone && is_run(place) {
                *end = OutcomeStatus::RolledBack;
            }
        }
        let error = match self.changes.get(step.change) {
            Some(change) => contradicted(error, change),
            None => error,
        };
        let is_unknown = error.kind == ErrorKind::UnknownOutcome;
        let own = if is_unknown { OutcomeStatus::Unknown } else { OutcomeStatus::Failed };
        outcomes(&self.ends, step.change, own, error)
    }
}

/// The changes that a step does, or parts of them.
fn changes_of(step: &Step) -> impl Iterator<Item = usize> {
    std::iter::once(step.change).chain(step.with)
}

impl Refused {
    /// The answer to a call of so many changes, of which none was run.
    #[must_use]
    pub fn answer(self, changes: usize) -> Changed {
        let ends = vec![OutcomeStatus::NotRun; changes];
        let outcomes = outcomes(&ends, self.change, OutcomeStatus::Failed, self.error);
        Changed { outcomes, statement: None }
    }
}

/// Those of the changes that are not done.
fn outcomes(ends: &[OutcomeStatus], failed: usize, own: OutcomeStatus, error: Error) -> Vec<Outcome> {
    let mut error = Some(error);
    let mut all = Vec::new();
    for (index, (place, end)) in (0..).zip(ends.iter().enumerate()) {
        if place == failed {
            all.push(Outcome { index, count: 1, status: own, error: error.take() });
        } else if *end != OutcomeStatus::Ok {
            all.push(Outcome { index, count: 1, status: *end, error: None });
        }
    }
    all
}

/// What an error of the data means while a table that has rows is changed: nothing is wrong with the request, but the rows do not fit.
fn contradicted(error: Error, change: &Change) -> Error {
    const OF_DATA: [&str; 5] =
        ["not_null_violation", "too_long", "out_of_range", "datatype_mismatch", "data_exception"];
    // What is wrong with a new table or column is its default, but for nulls.
    let of_rows = match change {
        Change::CreateTable(_) => &[],
        Change::AddColumn { .. } => OF_DATA.get(..1).unwrap_or_default(),
        _ => &OF_DATA[..],
    };
    let is_of_data = error.reason.as_deref().is_some_and(|reason| of_rows.contains(&reason));
    if error.kind != ErrorKind::InvalidRequest || !is_of_data {
        return error;
    }
    let message = format!("rows of the table do not fit: {}", error.message);
    Error { kind: ErrorKind::Conflict, message, ..error }
}

#[cfg(test)]
mod tests {
    use connector_api::model::{Column, Table, TableRef};

    use super::*;
    use OutcomeStatus::{Failed, NotRun, Ok, RolledBack};

    fn steps(changes: &[usize]) -> Vec<Step> {
        let statement = || crate::Statement::new(String::new(), Vec::new());
        changes.iter().map(|change| Step { change: *change, with: None, statement: statement() }).collect()
    }

    fn check(run: &[usize], failed: usize, is_undone: bool, expected: [OutcomeStatus; 4]) {
        // The first change has two steps, the second none.
        let steps = steps(&[0, 2, 3, 0]);
        let changes = vec![Change::DropTable(TableRef::new("t")); 4];
        let mut ends = Ends::new(&changes, &steps);
        run.iter().for_each(|step| ends.done(&steps[*step]));
        let mut found = [Ok; 4];
        for outcome in ends.failed(&steps[failed], Error::new(ErrorKind::Conflict, "x"), is_undone) {
            found[usize::try_from(outcome.index).unwrap()] = outcome.status;
            assert_eq!(outcome.error.is_some(), outcome.status == Failed);
        }
        assert_eq!(found, expected);
    }

    #[test]
    fn what_was_done_is_told_from_what_was_not() {
        check(&[0, 1], 2, false, [NotRun, Ok, Ok, Failed]);
        check(&[0, 1, 2], 3, false, [Failed, Ok, Ok, Ok]);
        check(&[0, 1, 2], 3, true, [Failed, Ok, RolledBack, RolledBack]);
        check(&[], 0, true, [Failed, Ok, NotRun, NotRun]);
    }

    #[test]
    fn rows_that_do_not_fit_are_a_conflict() {
        let error = |reason: &str| Error::new(ErrorKind::InvalidRequest, "x").with_reason(reason);
        let (table, column) = (TableRef::new("t"), Column::default());
        let alter = Change::AlterColumn { table: table.clone(), column: column.clone() };
        let add = Change::AddColumn { table, column };
        let create = Change::CreateTable(Table::default());
        for (reason, change, kind) in [
            ("not_null_violation", &alter, ErrorKind::Conflict),
            ("not_null_violation", &add, ErrorKind::Conflict),
            ("datatype_mismatch", &alter, ErrorKind::Conflict),
            ("datatype_mismatch", &add, ErrorKind::InvalidRequest),
            ("datatype_mismatch", &create, ErrorKind::InvalidRequest),
            ("unknown_type", &alter, ErrorKind::InvalidRequest),
        ] {
            assert_eq!(contradicted(error(reason), change).kind, kind, "{reason}");
        }
    }
}
