//! What became of the changes of one call, told as it is: what was done, what failed, what was not run.

use connector_api::model::{Change, Outcome, OutcomeStatus};
use connector_api::{Error, ErrorKind};
use serde_json::{Value as Json, json};

use crate::error::ApiError;

/// A call of which not all was done.
pub(super) struct Failure {
    /// Why.
    pub(super) error: Error,
    /// How each change ended, in order.
    ends: Vec<(String, OutcomeStatus)>,
}

/// Why the changes were not all done; `None`: they were.
pub(super) fn failure(changes: &[Change], outcomes: &[Outcome]) -> Option<Failure> {
    let end = |place: usize| {
        let place = u64::try_from(place).unwrap_or(u64::MAX);
        let holds = |outcome: &&Outcome| outcome.index <= place && place - outcome.index < outcome.count;
        outcomes.iter().find(holds).map_or(OutcomeStatus::Ok, |outcome| outcome.status)
    };
    let ends: Vec<_> =
        changes.iter().enumerate().map(|(place, change)| (words(change), end(place))).collect();
    if ends.iter().all(|(_, status)| *status == OutcomeStatus::Ok) {
        return None;
    }
    let told = outcomes.iter().find_map(|outcome| outcome.error.clone());
    let unknown = outcomes.iter().any(|outcome| outcome.status == OutcomeStatus::Unknown);
    let error = told.unwrap_or_else(|| match unknown {
        true => Error::new(ErrorKind::UnknownOutcome, "no answer came: the change may have been made or not"),
        false => Error::internal("the change was refused and the connector does not say why"),
    });
    Some(Failure { error, ends })
}

impl Failure {
    /// The caller's part of it. One change alone has nothing to tell beyond its error.
    pub(super) fn into_error(self) -> ApiError {
        let error = ApiError::from_connector(&self.error).of_schema();
        if self.ends.len() == 1 {
            return error;
        }
        let count = |wanted| self.ends.iter().filter(|(_, status)| *status == wanted).count();
        let (all, unknown) = (self.ends.len(), count(OutcomeStatus::Unknown));
        let mut message = match count(OutcomeStatus::Ok) {
            0 if unknown > 0 => String::new(),
            0 => "Nothing was changed.".to_owned(),
            done => {
                format!(
                    "{done} of {all} changes were done before and stay, for the database can't undo them."
                )
            }
        };
        if unknown > 0 {
            let gap = if message.is_empty() { "" } else { " " };
            message += &format!(
                "{gap}Whether {unknown} of {all} changes were done is not known; read the description of the table."
            );
        }
        let changes: Vec<Json> = self
            .ends
            .iter()
            .map(|(change, status)| json!({ "change": change, "status": word(*status) }))
            .collect();
        error.with_changes(&message, changes.into())
    }
}

fn word(status: OutcomeStatus) -> &'static str {
    match status {
        OutcomeStatus::Ok => "done",
        OutcomeStatus::Failed => "failed",
        OutcomeStatus::NotRun => "not run",
        OutcomeStatus::RolledBack => "undone",
        OutcomeStatus::Unknown => "unknown",
    }
}

fn words(change: &Change) -> String {
    match change {
        Change::CreateTable(table) => format!("create the table '{}'", table.table),
        Change::DropTable(table) => format!("drop the table '{table}'"),
        Change::AddColumn { column, .. } => format!("add field '{}'", column.name),
        Change::AlterColumn { column, .. } => format!("alter field '{}'", column.name),
        Change::DropColumn { name, .. } => format!("drop field '{name}'"),
        Change::AddKey { key, .. } => format!("add key over {}", key.columns.join(", ")),
        Change::DropKey { name, .. } => format!("drop key '{name}'"),
        Change::AddForeignKey { foreign_key, .. } => {
            format!("add reference of {}", foreign_key.columns.join(", "))
        }
        Change::DropForeignKey { name, .. } => format!("drop reference '{name}'"),
    }
}

#[cfg(test)]
mod tests {
    use connector_api::model::TableRef;

    use super::*;

    fn check(outcomes: &[(u64, u64, OutcomeStatus)], expected: Option<(&str, &[&str])>) {
        let changes = ["a", "b", "c"]
            .map(|name| Change::DropColumn { table: TableRef::new("t"), name: name.to_owned() });
        let outcomes: Vec<Outcome> = outcomes
            .iter()
            .map(|(index, count, status)| Outcome {
                index: *index,
                count: *count,
                status: *status,
                error: (*status == OutcomeStatus::Failed).then(|| Error::new(ErrorKind::Conflict, "no")),
            })
            .collect();
        let error = failure(&changes, &outcomes).map(Failure::into_error);
        let found = error.map(|error| {
            let object = error.object(true);
            let changes = object["context"]["changes"].as_array().unwrap().clone();
            let ends: Vec<String> =
                changes.iter().map(|change| change["status"].as_str().unwrap().to_owned()).collect();
            (object["message"].as_str().unwrap().to_owned(), ends)
        });
        let expected = expected
            .map(|(message, ends)| (message.to_owned(), ends.iter().map(|end| (*end).to_owned()).collect()));
        assert_eq!(found, expected);
    }

    #[test]
    fn each_change_has_its_end_and_what_stays_is_said() {
        use OutcomeStatus::{Failed, NotRun, Ok as Done, RolledBack, Unknown};
        check(&[], None);
        check(
            &[(1, 1, Failed), (2, 1, NotRun)],
            Some((
                "no. 1 of 3 changes were done before and stay, for the database can't undo them.",
                &["done", "failed", "not run"],
            )),
        );
        check(
            &[(0, 1, RolledBack), (1, 1, Failed), (2, 1, NotRun)],
            Some(("no. Nothing was changed.", &["undone", "failed", "not run"])),
        );
        let lost = "no answer came: the change may have been made or not.";
        let look = "is not known; read the description of the table.";
        check(
            &[(0, 1, Unknown), (1, 2, NotRun)],
            Some((
                &format!("{lost} Whether 1 of 3 changes were done {look}"),
                &["unknown", "not run", "not run"],
            )),
        );
        check(
            &[(0, 1, Done), (1, 2, Unknown)],
            Some((
                &format!(
                    "{lost} 1 of 3 changes were done before and stay, for the database can't undo them. Whether 2 of 3 changes were done {look}"
                ),
                &["done", "unknown", "unknown"],
            )),
        );
    }

    #[test]
    fn a_contradiction_stays_409_whatever_is_configured() {
        let change = [Change::DropTable(TableRef::new("t"))];
        let error = Some(Error::new(ErrorKind::Conflict, "orders refers to it"));
        let outcome = Outcome { index: 0, count: 1, status: OutcomeStatus::Failed, error };
        let error = failure(&change, &[outcome]).unwrap().into_error();
        assert_eq!(error.clone().relaxed(), error);
    }
}
