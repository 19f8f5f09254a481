//! What the requests of one record with related records have in common, at all levels: how deep they are, how many rows they write, and
//! what has to be done to undo those that no transaction undoes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::undo::Undo;
use crate::error::ApiError;
use crate::operation::Transaction;

/// How deep records may stand in records.
const MAX_DEPTH: usize = 5;
/// How many related records one record may bring along, at all levels together.
const MAX_ROWS: usize = 1000;

/// What a request is part of that writes related records of another record.
#[derive(Debug, Clone, Default)]
pub struct Within {
    depth: usize,
    /// No transaction undoes what it does: it is written down.
    pub(super) is_logged: bool,
    /// Its transaction is that of something greater, which may undo it later.
    pub(super) is_bound: bool,
    /// The transaction that is open above, and its service. There is one at most: what is done in other services has none.
    open: Option<(String, Transaction)>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    rows: AtomicUsize,
    done: Mutex<Vec<Undo>>,
}

impl Within {
    /// For the outermost record.
    pub(super) fn outermost(is_bound: bool) -> Self {
        Self { is_bound, ..Self::default() }
    }

    /// For the requests for related records of this one; `open` is the transaction of this one, if it has one.
    ///
    /// # Errors
    /// More levels than are followed.
    pub(super) fn below(
        &self,
        is_logged: bool,
        open: Option<(String, Transaction)>,
    ) -> Result<Self, ApiError> {
        if self.depth >= MAX_DEPTH {
            return Err(ApiError::nested_too_deep(MAX_DEPTH));
        }
        Ok(Self {
            depth: self.depth + 1,
            is_logged,
            is_bound: self.is_bound,
            open: open.or_else(|| self.open.clone()),
            shared: Arc::clone(&self.shared),
        })
    }

    /// The transaction that is open above, if it is one of this service.
    pub(super) fn transaction(&self, service: &str) -> Option<Transaction> {
        self.open.as_ref().filter(|(own, _)| own == service).map(|(_, transaction)| transaction.clone())
    }

    /// Counts related records.
    ///
    /// # Errors
    /// More than one record may have.
    pub(super) fn count(&self, rows: usize) -> Result<(), ApiError> {
        let before = self.shared.rows.fetch_add(rows, Ordering::Relaxed);
        if before.saturating_add(rows) > MAX_ROWS { Err(ApiError::nested_too_many(MAX_ROWS)) } else { Ok(()) }
    }

    /// Writes down how something is undone.
    pub(super) fn note(&self, undo: Undo) {
        self.shared.done.lock().unwrap_or_else(PoisonError::into_inner).push(undo);
    }

    /// What has to be undone, the latest first; afterwards nothing has.
    pub(super) fn take(&self) -> Vec<Undo> {
        let mut done = std::mem::take(&mut *self.shared.done.lock().unwrap_or_else(PoisonError::into_inner));
        done.reverse();
        done
    }
}
