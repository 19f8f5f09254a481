//! A transaction around a write. Unless it was ended it is rolled back when it is dropped: so the work of a caller who went away, or of a
//! request that ran out of time, is undone.

use connector_api::model::Begin;

use crate::connectors::CallContext;
use crate::error::ApiError;
use crate::operation::Owner;

/// A transaction that runs.
pub(super) struct Session {
    owner: Owner,
    number: u64,
    is_over: bool,
}

impl Session {
    pub(super) async fn begin(owner: &Owner) -> Result<Self, ApiError> {
        let begun = owner.connection.begin(&Begin::default(), owner.call_context()).await;
        let number = begun.map_err(|error| owner.failed(error))?;
        Ok(Self { owner: owner.clone(), number, is_over: false })
    }

    /// The number that the calls in it carry.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Makes the work permanent.
    pub(super) async fn commit(mut self) -> Result<(), ApiError> {
        let ended = self.owner.connection.commit(context(&self.owner, self.number)).await;
        self.is_over = true;
        ended.map_err(|error| self.owner.failed(error))
    }

    /// Undoes the work. A failure is only logged: a connector keeps nothing of a transaction that it lost.
    pub(super) async fn rollback(mut self) {
        roll_back(&self.owner, self.number).await;
        self.is_over = true;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let (owner, number) = (self.owner.clone(), self.number);
        tokio::spawn(async move { roll_back(&owner, number).await });
    }
}

fn context(owner: &Owner, number: u64) -> CallContext<'_> {
    CallContext { session: Some(number), ..owner.call_context() }
}

async fn roll_back(owner: &Owner, number: u64) {
    if let Err(error) = owner.connection.rollback(context(owner, number)).await {
        owner.note(&error);
    }
}
