//! The records of a write, one at a time, whatever they come from.

use std::borrow::Cow;

use crate::error::ApiError;
use crate::operation::identity::{self, Said};
use crate::operation::records::Target;
use crate::pipeline::RecordStream;
use crate::request::{Id, Record};

/// Where the records come from.
pub(super) enum Input {
    /// One record for rows named beside it.
    Ids(std::vec::IntoIter<Id>, Record),
    /// Records of a body.
    Records(std::vec::IntoIter<Record>),
    /// Records read as they are asked for.
    Stream(RecordStream),
}

/// One record.
pub(super) struct Item<'a> {
    /// Its row, where the record does not name it.
    pub(super) id: Option<Id>,
    pub(super) record: Cow<'a, Record>,
}

impl Input {
    pub(super) fn of_ids(ids: Vec<Id>, record: Record) -> Self {
        Self::Ids(ids.into_iter(), record)
    }

    pub(super) fn of_records(records: Vec<Record>) -> Self {
        Self::Records(records.into_iter())
    }

    /// Gives identifiers of URLs the kind of the rows that they name. `creates`: one that names no row makes one.
    ///
    /// # Errors
    /// An identifier whose kind nobody can say.
    pub(super) async fn settled(
        self,
        target: &Target<'_>,
        id_field: &[String],
        creates: bool,
    ) -> Result<Self, ApiError> {
        let Self::Ids(ids, record) = self else { return Ok(self) };
        let said = Some(Said { record: &record, creates });
        let ids = identity::settled(target, ids.as_slice(), id_field, said).await?.into_owned();
        Ok(Self::Ids(ids.into_iter(), record))
    }

    /// The row that is named beside the records, the first of them.
    pub(super) fn id(&self) -> Option<&Id> {
        if let Self::Ids(ids, _) = self { ids.as_slice().first() } else { None }
    }

    /// The next record; `None` after the last. A record that can't be read is an error of its own.
    pub(super) async fn next(&mut self) -> Option<Result<Item<'_>, ApiError>> {
        match self {
            Self::Ids(ids, record) => {
                ids.next().map(|id| Ok(Item { id: Some(id), record: Cow::Borrowed(record) }))
            }
            Self::Records(records) => records.next().map(|record| Ok(owned(record))),
            Self::Stream(stream) => next(stream).await.map(|record| record.map(owned)),
        }
    }
}

async fn next(stream: &mut RecordStream) -> Option<Result<Record, ApiError>> {
    std::future::poll_fn(|context| stream.as_mut().poll_next(context)).await
}

fn owned<'a>(record: Record) -> Item<'a> {
    Item { id: None, record: Cow::Owned(record) }
}
