//! A transaction around several calls. Unless it was ended it is rolled back when it is dropped: so the work of a caller who went away, or
//! of a request that ran out of time, is undone.

use std::sync::Arc;

use connector_api::model::Begin;

use super::Owner;
use crate::connectors::{self, SessionId};
use crate::error::ApiError;

/// What a request belongs to that is done together with others.
#[derive(Debug, Clone)]
pub struct Transaction {
    connection: Arc<connectors::Service>,
    id: SessionId,
}

impl Transaction {
    /// This one of a connection.
    pub(super) fn of(connection: &Arc<connectors::Service>, id: SessionId) -> Self {
        Self { connection: Arc::clone(connection), id }
    }

    /// What its calls carry on its own connection; `None`: another connection, which has no part in it.
    pub(super) fn id(&self, connection: &Arc<connectors::Service>) -> Option<SessionId> {
        Arc::ptr_eq(&self.connection, connection).then_some(self.id)
    }
}

/// A transaction that runs.
pub(super) struct Session {
    /// Its calls belong to the transaction.
    owner: Owner,
    transaction: Transaction,
    is_over: bool,
}

impl Session {
    /// Begins. The owner must not belong to a transaction already.
    pub(super) async fn begin(owner: &Owner, begin: &Begin) -> Result<Self, ApiError> {
        let begun = owner.connection.begin(begin, owner.call_context()).await;
        let id = begun.map_err(|error| owner.failed(error))?;
        let transaction = Transaction::of(&owner.connection, id);
        let owner = Owner { session: Some(id), ..owner.clone() };
        Ok(Self { owner, transaction, is_over: false })
    }

    /// For the requests that belong to it.
    pub(super) fn transaction(&self) -> Transaction {
        self.transaction.clone()
    }

    /// Whose calls belong to it.
    pub(super) fn owner(&self) -> &Owner {
        &self.owner
    }

    /// Makes the work permanent if it went well, else undoes it.
    pub(super) async fn end<T>(self, done: Result<T, ApiError>) -> Result<T, ApiError> {
        match done {
            Ok(done) => self.commit().await.map(|()| done),
            Err(error) => {
                self.rollback().await;
                Err(error)
            }
        }
    }

    /// Makes the work permanent.
    pub(super) async fn commit(mut self) -> Result<(), ApiError> {
        let ended = self.owner.connection.commit(self.owner.call_context()).await;
        self.is_over = true;
        ended.map_err(|error| self.owner.failed(error))
    }

    /// Undoes the work. A failure is only logged: a connector keeps nothing of a transaction that it lost.
    pub(super) async fn rollback(mut self) {
        roll_back(&self.owner).await;
        self.is_over = true;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if !self.is_over {
            let owner = self.owner.clone();
            tokio::spawn(async move { roll_back(&owner).await });
        }
    }
}

async fn roll_back(owner: &Owner) {
    if let Err(error) = owner.connection.rollback(owner.call_context()).await {
        owner.note(&error);
    }
}
