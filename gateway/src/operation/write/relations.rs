//! Which members of a record are related records. The relationships of a table are looked up when the first record has a member that is no
//! column, so that other records cost nothing.

use crate::error::ApiError;
use crate::operation::records::Target;
use crate::operation::schema;
use crate::plan::{self, Nested};
use crate::request::Record;
use crate::schema::relationships::Relationship;

/// The relationships of the written table, once they were looked up.
#[derive(Debug, Default)]
pub(super) struct Relations {
    known: Option<Vec<Relationship>>,
}

impl Relations {
    /// The record without its related records, and these; `None`: it has none.
    ///
    /// # Errors
    /// A relationship that is given more than once.
    pub(super) async fn of(
        &mut self,
        target: &Target<'_>,
        record: &Record,
    ) -> Result<Option<(Record, Vec<Nested>)>, ApiError> {
        if !plan::may_name_related(record, &target.table) {
            return Ok(None);
        }
        let known = match self.known.take() {
            Some(known) => known,
            None => schema::relationships(&target.owner, &target.table).await?,
        };
        let known = self.known.insert(known);
        let (own, nested) = target.plan(|_| plan::split(record.clone(), &target.table, known))?;
        Ok((!nested.is_empty()).then_some((own, nested)))
    }

    /// Refuses related records, where `why` they can't be written tells their name.
    ///
    /// # Errors
    /// There are some.
    pub(super) async fn refuse(
        target: &Target<'_>,
        record: &Record,
        why: impl FnOnce(&str) -> ApiError,
    ) -> Result<(), ApiError> {
        let found = Self::default().of(target, record).await?;
        let first = found.as_ref().and_then(|(_, nested)| nested.first());
        first.map_or(Ok(()), |first| Err(why(first.relationship.public_name())))
    }
}
