//! A transaction around several calls. Unless it was ended it is rolled back when it is dropped: so the work of a caller who went away, or
//! of a request that ran out of time, is undone.

use connector_api::model::Begin;

use super::Owner;
use crate::error::ApiError;

/// A transaction that runs.
pub(super) struct Session {
    /// Its calls belong to the transaction.
    owner: Owner,
    is_over: bool,
}

impl Session {
    /// Begins. The owner must not belong to a transaction already.
    pub(super) async fn begin(owner: &Owner, begin: &Begin) -> Result<Self, ApiError> {
        let begun = owner.connection.begin(begin, owner.call_context()).await;
        let number = begun.map_err(|error| owner.failed(error))?;
        Ok(Self { owner: Owner { session: Some(number), ..owner.clone() }, is_over: false })
    }

    /// Whose calls belong to it.
    pub(super) fn owner(&self) -> &Owner {
        &self.owner
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
