//! What a call of a connector tells those who watch: how long it was waited for, what came, and that it is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use connector_api::model::{Operation, Summary};

use crate::events;
use crate::trail::{Call, Trail};

/// The times of one call. Dropped, the call is over.
#[derive(Debug)]
pub(super) struct Timing {
    began: Instant,
    /// Since when the connector is waited for.
    waits_since: Option<Instant>,
    waited: Duration,
    /// Where the call is kept, if it is.
    kept: Option<(Arc<Trail>, Call)>,
}

impl Timing {
    /// Begins; `None`: nobody wants to know.
    pub(super) fn of(trail: Option<&Arc<Trail>>, service: &str, operation: Operation) -> Option<Self> {
        let trail = trail.filter(|trail| trail.is_watched());
        if trail.is_none() && !events::wants_statements() {
            return None;
        }
        let kept = trail.map(|trail| {
            let call = Call { service: service.into(), operation, rows: 0, statement: None, is_broken: true };
            (Arc::clone(trail), call)
        });
        let began = Instant::now();
        Some(Self { began, waits_since: Some(began), waited: Duration::ZERO, kept })
    }

    /// The connector is waited for from now on, or since earlier.
    pub(super) fn waits(&mut self) {
        self.waits_since.get_or_insert_with(Instant::now);
    }

    /// It has answered.
    pub(super) fn waits_no_more(&mut self) {
        let Some(since) = self.waits_since.take() else { return };
        let time = since.elapsed();
        self.waited = self.waited.saturating_add(time);
        if let Some((trail, _)) = &self.kept {
            trail.waited(time);
        }
    }

    /// For how long it was waited for.
    pub(super) fn waited(&self) -> Duration {
        self.waited
    }

    /// Rows came, and with the summary the end.
    pub(super) fn came(&mut self, rows: u64, summary: Option<&Summary>) {
        let Some((_, call)) = &mut self.kept else { return };
        call.rows = call.rows.saturating_add(rows);
        if let Some(summary) = summary {
            call.statement = summary.statement.as_deref().map(Into::into);
            call.is_broken = false;
            self.end();
        }
    }

    fn end(&mut self) {
        if let Some((trail, call)) = self.kept.take() {
            trail.called(self.began, call);
        }
    }
}

impl Drop for Timing {
    fn drop(&mut self) {
        self.end();
    }
}

/// One of those who wait. Dropped, it waits no more.
pub(super) struct Waiting<'a>(&'a AtomicU64);

impl<'a> Waiting<'a> {
    pub(super) fn among(count: &'a AtomicU64) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
