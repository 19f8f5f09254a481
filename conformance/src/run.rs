//! Runs cases on a peer, one after the other, each as a task of its own: a case that panics or hangs is one failure.

use std::sync::Arc;
use std::time::Duration;

use super::peer::Peer;
use super::report::{End, Report};
use super::{Applies, Case, Outcome};

/// A case may take so long.
const CASE_TIME: Duration = Duration::from_secs(600);

/// Runs those of the cases that concern the service and whose name contains `filter`. Each end is told as soon as it is known, under the name of the case.
pub async fn run(
    peer: Arc<Peer>,
    cases: Vec<Case>,
    filter: &str,
    mut told: impl FnMut(&str, &End),
) -> Report {
    let mut report = Report::default();
    let asked = cases.into_iter().filter(|case| case.name.contains(filter) && peer.is_asked(case));
    for case in asked.collect::<Vec<_>>() {
        let is_refusal = matches!(case.applies, Applies::Undeclared(_));
        let known = peer.quirks.deviation(&case.name);
        let name = case.name.clone();
        let end = match (finished(Arc::clone(&peer), case).await, known) {
            (Ok(()), None) if is_refusal => End::Refused,
            (Ok(()), None) => End::Passed,
            (Err(_), Some(why)) => End::Deviates(why),
            (Ok(()), Some(why)) => End::Failed(format!("passes, but quirks.toml says that it can't: {why}")),
            (Err(what), None) => End::Failed(what),
        };
        told(&name, &end);
        report.count(&end);
    }
    report
}

async fn finished(peer: Arc<Peer>, case: Case) -> Outcome {
    let task = tokio::spawn(async move { (case.run)(peer).await });
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
