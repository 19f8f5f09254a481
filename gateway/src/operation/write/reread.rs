//! Rows of a write that are read again because related rows shall be shown with them. What would refuse the reading refuses the write before
//! anything is written.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use crate::error::ApiError;
use crate::operation::records::Target;
use crate::operation::{Job, Owner, by_ids, related};
use crate::request::{Fields, Id, Record, TableRead, TableWrite, Term};
use crate::response::RowFormat;
use crate::roles::Verb;

/// How the rows are read again.
#[derive(Debug)]
pub(in crate::operation) struct Reread {
    read: TableRead,
}

/// Rows that were read again, in the order in which they were written; `None`: the caller does not see the row, or it is gone.
pub(super) struct Again {
    pub(super) rows: Vec<Option<Vec<u8>>>,
    /// What stands beside them.
    pub(super) meta: Map<String, Json>,
}

#[derive(Deserialize)]
struct Page {
    resource: Vec<Box<RawValue>>,
    #[serde(default)]
    meta: Map<String, Json>,
}

impl Reread {
    /// What a write's `related` asks for, which is taken out of its options; the write itself then shows keys.
    ///
    /// # Errors
    /// A table that the caller may not read; what is wrong with the options.
    pub(super) async fn of(
        job: Job<'_>,
        target: &Target<'_>,
        options: &mut TableWrite,
    ) -> Result<Option<Arc<Self>>, ApiError> {
        let related = std::mem::take(&mut options.related);
        if !related.is_said() || options.as_list {
            return Ok(None);
        }
        let name = job.name_of(&target.table.table);
        job.permit_rows(&job.called(&name, &target.table.table), Verb::Get)?;
        related::members(job, target, &related).await?;
        let named =
            |names: &[String]| Fields::Named(names.iter().map(|name| Term::name(name).into()).collect());
        let fields = match std::mem::take(&mut options.fields) {
            Fields::Absent | Fields::Identifiers if !options.id_field.is_empty() => named(&options.id_field),
            Fields::Absent => Fields::Identifiers,
            fields => fields,
        };
        if !target.table.primary_key.is_empty() {
            options.fields = named(&target.table.primary_key);
        }
        let read = TableRead { fields, related, is_continued: true, ..TableRead::default() };
        Ok(Some(Arc::new(Self { read })))
    }

    /// Reads the rows again, of which the write shows `keys`; in the transaction of `calls`, if there is one.
    ///
    /// # Errors
    /// Whatever refuses the reading.
    pub(super) async fn rows<'r>(
        &self,
        target: &Target<'_>,
        calls: &Owner,
        keys: impl Iterator<Item = &'r [u8]>,
    ) -> Result<Again, ApiError> {
        let keys: Result<Vec<Record>, _> = keys.map(serde_json::from_slice).collect();
        let keys = keys.map_err(|_| ApiError::internal())?;
        let Some(first) = keys.first() else { return Ok(Again { rows: Vec::new(), meta: Map::new() }) };
        let is_by_key = target.table.primary_key.iter().all(|name| first.contains_key(name));
        let id_field = if is_by_key { Vec::new() } else { first.keys().cloned().collect() };
        let read = TableRead { id_field, ..self.read.clone() };
        let ids: Vec<Id> = keys.into_iter().map(Id::Named).collect();
        let transaction = calls.transaction();
        let job = Job { transaction: transaction.as_ref(), ..target.job };
        let name = job.name_of(&target.table.table);
        let mut target = Target::find(job, &name, Verb::Get, false).await?;
        match by_ids::read(job, &mut target, &ids, &read, (RowFormat::Objects, None)).await {
            Ok(answer) => {
                let body = answer.body.collected(usize::MAX).await?.ok_or_else(ApiError::internal)?;
                let page: Page = serde_json::from_slice(&body).map_err(|_| ApiError::internal())?;
                let rows = page.resource.into_iter().map(|row| Some(row.get().as_bytes().to_vec())).collect();
                Ok(Again { rows, meta: page.meta })
            }
            Err(error) => {
                let found = error.done_parts();
                if found.is_empty() {
                    return Err(error);
                }
                let row = |row: Json| (!row.is_null()).then(|| row.to_string().into_bytes());
                Ok(Again { rows: found.into_iter().map(row).collect(), meta: Map::new() })
            }
        }
    }
}
