//! Runs cases on a peer, one after the other, each as a task of its own: a case that panics or hangs is one failure, and a service that
//! is gone ends the run. The suite itself has nothing that panics, which the lints hold; what it uses might.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::peer::{CALL_TIME, Peer, context, full};
use super::report::{End, Report};
use super::sent::Last;
use super::{Applies, Case, Outcome};

/// A case may take so long, where nobody says otherwise.
pub const CASE_TIME: Duration = Duration::from_secs(600);
/// The store may take so long to say that it is there, after something has failed.
pub(super) const PING_TIME: Duration = Duration::from_secs(10);
/// So many cases that run out of time one after the other end the run: each of the others would take as long.
const MOST_LATE: usize = 3;

/// Runs those of the cases that concern the service and whose name contains `filter`, each for at most `time`. Each case is told when it
/// begins, without an end, and when it ends.
pub async fn run(
    peer: Arc<Peer>,
    cases: Vec<Case>,
    (filter, time): (&str, Duration),
    mut told: impl FnMut(&Case, Option<&End>),
) -> Report {
    let (mut report, mut late) = (Report::default(), 0);
    let mut cases = asked(&peer, cases, filter).into_iter();
    while let Some(case) = cases.next() {
        told(&case, None);
        let began = Instant::now();
        let mut end = judged(&peer, &case, time).await;
        let is_late = began.elapsed() >= time.min(CALL_TIME);
        if let End::Failed(what) = &mut end {
            late = if is_late { late + 1 } else { 0 };
            if let Some(why) = over(&peer, late, cases.len()).await {
                report.over = Some(why.clone());
                *what = format!("{what}\n    {why}");
            }
        }
        told(&case, Some(&end));
        report.count(&end);
        if report.over.is_some() {
            break;
        }
    }
    report
}

/// Those of the cases that concern the service and whose name contains `filter`.
#[must_use]
pub fn asked(peer: &Peer, cases: Vec<Case>, filter: &str) -> Vec<Case> {
    cases.into_iter().filter(|case| case.name.contains(filter) && peer.is_asked(case)).collect()
}

async fn judged(peer: &Arc<Peer>, case: &Case, time: Duration) -> End {
    let is_refusal = matches!(case.applies, Applies::Undeclared(_));
    match (finished(Arc::clone(peer), case, time).await, peer.quirks.deviation(&case.name)) {
        (Ok(()), None) if is_refusal => End::Refused,
        (Ok(()), None) => End::Passed,
        (Err(_), Some(why)) => End::Deviates(why),
        (Ok(()), Some(why)) => {
            End::Failed(format!("passes, but a [[quirks.deviation]] says that it can't: {why}; take it out"))
        }
        (Err(what), None) => End::Failed(what),
    }
}

/// Why nothing more is asked after a case has failed, if so.
async fn over(peer: &Peer, late: usize, left: usize) -> Option<String> {
    if left == 0 {
        return None;
    }
    if late >= MOST_LATE {
        return Some(format!("{late} cases in a row ran out of time, so the other {left} were not run"));
    }
    let error = peer.service.ping(context(PING_TIME)).await.err()?;
    Some(format!(
        "then the service did not even answer ping, so the other {left} were not run: {}",
        full(&error)
    ))
}

async fn finished(peer: Arc<Peer>, case: &Case, time: Duration) -> Outcome {
    let last = Last::default();
    let outcome = ended(last.of((case.run)(peer)), time).await;
    outcome.map_err(|what| match last.get() {
        Some(request) => format!("{what}\n    last request: {request}"),
        None => what,
    })
}

async fn ended(case: impl Future<Output = Outcome> + Send + 'static, time: Duration) -> Outcome {
    let task = tokio::spawn(case);
    let abort = task.abort_handle();
    match tokio::time::timeout(time, task).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(error)) => Err(format!("the case did not end well: {error}")),
        Err(_) => {
            abort.abort();
            Err(format!(
                "no end within {} s: the last request was not answered, or its answer has no end",
                time.as_secs()
            ))
        }
    }
}

/// Deviations that name no case: a case was renamed, or the quirk is over.
#[must_use]
pub fn unknown_deviations(peer: &Peer, cases: &[Case]) -> Vec<String> {
    let is_unknown = |name: &&str| !cases.iter().any(|case| case.name == *name);
    peer.quirks.deviations().filter(is_unknown).map(str::to_owned).collect()
}
