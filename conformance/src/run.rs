//! Runs cases on a peer, one after the other, each as a task of its own: a case that panics or hangs is one failure. The suite itself has
//! nothing that panics, which the lints hold; what it uses might.

use std::sync::Arc;
use std::time::Duration;

use super::peer::Peer;
use super::report::{End, Report};
use super::sent::Last;
use super::{Applies, Case, Outcome};

/// A case may take so long.
const CASE_TIME: Duration = Duration::from_secs(600);

/// Runs those of the cases that concern the service and whose name contains `filter`. Each end is
/// told as soon as it is known.
pub async fn run(
    peer: Arc<Peer>,
    cases: Vec<Case>,
    filter: &str,
    mut told: impl FnMut(&Case, &End),
) -> Report {
    let mut report = Report::default();
    for case in asked(&peer, cases, filter) {
        let is_refusal = matches!(case.applies, Applies::Undeclared(_));
        let known = peer.quirks.deviation(&case.name);
        let end = match (finished(Arc::clone(&peer), &case).await, known) {
            (Ok(()), None) if is_refusal => End::Refused,
            (Ok(()), None) => End::Passed,
            (Err(_), Some(why)) => End::Deviates(why),
            (Ok(()), Some(why)) => End::Failed(format!("passes, but quirks.toml says that it can't: {why}")),
            (Err(what), None) => End::Failed(what),
        };
        told(&case, &end);
        report.count(&end);
    }
    report
}

/// Those of the cases that concern the service and whose name contains `filter`.
#[must_use]
pub fn asked(peer: &Peer, cases: Vec<Case>, filter: &str) -> Vec<Case> {
    cases.into_iter().filter(|case| case.name.contains(filter) && peer.is_asked(case)).collect()
}

async fn finished(peer: Arc<Peer>, case: &Case) -> Outcome {
    let last = Last::default();
    let outcome = ended(last.of((case.run)(peer))).await;
    outcome.map_err(|what| match last.get() {
        Some(request) => format!("{what}\n    last request: {request}"),
        None => what,
    })
}

async fn ended(case: impl Future<Output = Outcome> + Send + 'static) -> Outcome {
    let task = tokio::spawn(case);
    let abort = task.abort_handle();
    match tokio::time::timeout(CASE_TIME, task).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => Err(format!("the case did not end well: {error}")),
        Err(_) => {
            abort.abort();
            Err(format!("the case did not end within {} seconds", CASE_TIME.as_secs()))
        }
    }
}

/// Deviations that name no case: a case was renamed, or the quirk is over.
#[must_use]
pub fn unknown_deviations(peer: &Peer, cases: &[Case]) -> Vec<String> {
    let is_unknown = |name: &&str| !cases.iter().any(|case| case.name == *name);
    peer.quirks.deviations().filter(is_unknown).map(str::to_owned).collect()
}
