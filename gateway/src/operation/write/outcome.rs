//! What a connector says about single records of a call.

use connector_api::model::{Outcome, OutcomeStatus};
use connector_api::{Error, ErrorKind};

/// For each record its outcome; `None`: it did well.
pub(super) fn ends(outcomes: &[Outcome], records: usize) -> Vec<Option<&Outcome>> {
    let mut ends = vec![None; records];
    for outcome in outcomes.iter().filter(|outcome| outcome.status != OutcomeStatus::Ok) {
        let first = usize::try_from(outcome.index).unwrap_or(usize::MAX);
        let count = usize::try_from(outcome.count).unwrap_or(usize::MAX);
        ends.iter_mut().skip(first).take(count).for_each(|end| *end = Some(outcome));
    }
    ends
}

/// Why a record failed; `None`: it did not, it was only not run or undone.
pub(super) fn failure(outcome: &Outcome) -> Option<Error> {
    match outcome.status {
        OutcomeStatus::Ok | OutcomeStatus::NotRun | OutcomeStatus::RolledBack => None,
        OutcomeStatus::Failed => {
            Some(outcome.error.clone().unwrap_or_else(|| {
                Error::internal("the record was refused and the connector does not say why")
            }))
        }
        OutcomeStatus::Unknown => Some(outcome.error.clone().unwrap_or_else(|| {
            Error::new(ErrorKind::UnknownOutcome, "no answer came: the record may have been written or not")
        })),
    }
}

/// Whether the failure of a whole call can be the fault of its only record.
pub(super) fn is_a_records(error: &Error) -> bool {
    matches!(error.kind, ErrorKind::InvalidRequest | ErrorKind::Conflict | ErrorKind::RuleViolated)
}

/// Whether it is the row that is not there, and not its table or one of its columns.
pub(super) fn is_missing_row(error: &Error) -> bool {
    let is_structure = matches!(error.reason.as_deref(), Some("table_not_found" | "column_not_found"));
    error.kind == ErrorKind::NotFound && !is_structure
}

/// Whether the log should have it: that a row is missing or forbidden is no fault of the store.
pub(super) fn is_worth_a_line(error: &Error) -> bool {
    error.kind != ErrorKind::RuleViolated && !is_missing_row(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(index: u64, count: u64, status: OutcomeStatus) -> Outcome {
        Outcome { index, count, status, error: None }
    }

    #[test]
    fn each_record_of_a_run_has_its_outcome() {
        let outcomes = [outcome(1, 1, OutcomeStatus::Failed), outcome(2, 9, OutcomeStatus::NotRun)];
        let found: Vec<_> = ends(&outcomes, 4).into_iter().map(|end| end.map(|end| end.status)).collect();
        let expected =
            [None, Some(OutcomeStatus::Failed), Some(OutcomeStatus::NotRun), Some(OutcomeStatus::NotRun)];
        assert_eq!(found, expected);
    }

    #[test]
    fn outcomes_of_no_record_and_good_ones_change_nothing() {
        let outcomes = [outcome(7, u64::MAX, OutcomeStatus::Failed), outcome(0, 2, OutcomeStatus::Ok)];
        assert_eq!(ends(&outcomes, 2), [None, None]);
    }

    #[test]
    fn a_column_that_is_gone_is_no_missing_row() {
        let error = Error::new(ErrorKind::NotFound, "there is none");
        assert!(is_missing_row(&error) && !is_worth_a_line(&error));
        let error = error.with_reason("column_not_found");
        assert!(!is_missing_row(&error) && is_worth_a_line(&error));
    }

    #[test]
    fn a_record_without_answer_has_failed_with_an_unknown_outcome() {
        let kind = |status| failure(&outcome(0, 1, status)).map(|error| error.kind);
        assert_eq!(kind(OutcomeStatus::Unknown), Some(ErrorKind::UnknownOutcome));
        assert_eq!(kind(OutcomeStatus::Failed), Some(ErrorKind::Internal));
        assert_eq!(kind(OutcomeStatus::NotRun), None);
        assert_eq!(kind(OutcomeStatus::RolledBack), None);
    }
}
