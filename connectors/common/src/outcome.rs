//! What a failed record means for the others of its call.

use connector_api::author::{Error, ErrorKind, OnError, Outcome, OutcomeStatus};

/// The outcomes to tell when the record at `index` of `total` has failed: its own, and of those that end with it. With `Continue` that is
/// no other.
pub fn after_failure(on_error: OnError, (index, total): (usize, usize), error: Error) -> Vec<Outcome> {
    let status = match error.kind {
        ErrorKind::UnknownOutcome => OutcomeStatus::Unknown,
        _ => OutcomeStatus::Failed,
    };
    let own = Outcome { index: number(index), count: 1, status, error: Some(error) };
    let before = (on_error == OnError::Atomic).then(|| run_of(OutcomeStatus::RolledBack, 0, index)).flatten();
    let behind =
        (on_error != OnError::Continue).then(|| run_of(OutcomeStatus::NotRun, index + 1, total)).flatten();
    before.into_iter().chain([own]).chain(behind).collect()
}

/// The records from `start` to before `end`, if there are any.
fn run_of(status: OutcomeStatus, start: usize, end: usize) -> Option<Outcome> {
    let count = number(end.saturating_sub(start));
    (count > 0).then(|| Outcome { index: number(start), count, status, error: None })
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use OutcomeStatus::{Failed, NotRun, RolledBack, Unknown};

    fn check(on_error: OnError, index: usize, kind: ErrorKind, expected: &[(u64, u64, OutcomeStatus)]) {
        let outcomes = after_failure(on_error, (index, 4), Error::new(kind, "x"));
        let found: Vec<_> =
            outcomes.iter().map(|outcome| (outcome.index, outcome.count, outcome.status)).collect();
        assert_eq!(found, expected, "{on_error:?} {index}");
        let with_error = outcomes.iter().filter(|outcome| outcome.error.is_some()).count();
        assert_eq!(with_error, 1);
    }

    #[test]
    fn a_failure_ends_as_much_as_the_request_says() {
        let conflict = ErrorKind::Conflict;
        check(OnError::Continue, 1, conflict, &[(1, 1, Failed)]);
        check(OnError::Stop, 1, conflict, &[(1, 1, Failed), (2, 2, NotRun)]);
        check(OnError::Stop, 3, conflict, &[(3, 1, Failed)]);
        check(OnError::Atomic, 1, conflict, &[(0, 1, RolledBack), (1, 1, Failed), (2, 2, NotRun)]);
        check(OnError::Atomic, 0, conflict, &[(0, 1, Failed), (1, 3, NotRun)]);
        check(OnError::Stop, 3, ErrorKind::UnknownOutcome, &[(3, 1, Unknown)]);
    }
}
