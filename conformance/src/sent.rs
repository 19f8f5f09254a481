//! Remembers the head of the last request of a case, for the report of its failure. Heads name tables and columns; values stand apart
//! from them and are not kept.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use connector_api::model::Operation;
use serde::Serialize;

/// A longer head is cut.
const MAX_CHARS: usize = 2_000;

tokio::task_local! {
    static LAST: Arc<Mutex<Option<String>>>;
}

/// The last request of a case, to be read when the case is over.
#[derive(Debug, Clone, Default)]
pub(super) struct Last(Arc<Mutex<Option<String>>>);

impl Last {
    /// Runs a case whose requests are remembered here.
    pub(super) fn of<F: Future>(&self, case: F) -> impl Future<Output = F::Output> + use<F> {
        LAST.scope(Arc::clone(&self.0), case)
    }

    /// What was sent last.
    pub(super) fn get(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Remembers a request. Outside of a case, and in tasks that a case has started, nothing happens.
pub(super) fn note(operation: Operation, head: &impl Serialize) {
    let remember = |last: &Arc<Mutex<Option<String>>>| {
        let json = serde_json::to_string(head).unwrap_or_default();
        let head: String = json.chars().take(MAX_CHARS).collect();
        *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(format!("{operation:?} {head}"));
    };
    // The error says that there is no case.
    let _ = LAST.try_with(remember);
}
