//! Removed documents, named by key or by filter.

use connector_api::author::{Delete, Path, Request, Result, Selector, Value};
use mongodb::bson::{Bson, Document, doc};

use super::batch::{Failure, Task, each_record, in_transaction};
use super::change::matching;
use super::record::{id_of, key_filter};
use super::{Done, Step, Target, Written};
use crate::condition::Selection;
use crate::error;
use crate::schema::ID;
use crate::session::Work;
use crate::translate;

/// Ids that are named in one command.
const IDS_AT_ONCE: usize = 10_000;

/// Removes documents.
///
/// # Errors
/// What is wrong with the call.
pub(crate) async fn delete(
    target: &Target<'_>,
    work: &mut Work,
    request: &Request<Delete>,
) -> Result<Written> {
    let params = request.params();
    let gives_back = !request.returning.is_empty();
    match &request.rows {
        Selector::Where(filter) => {
            let selection = Selection::new(Some(filter), &target.layout, params)?;
            let task = Matching { target, selection, gives_back };
            in_transaction(&task, work).await.map_err(|failure| failure.error)
        }
        Selector::Keys { columns, guard } => {
            let records = request.records().values(columns.len())?;
            let guard = Selection::new(guard.as_ref(), &target.layout, params)?;
            each_record(&ByKey { target, columns, guard, gives_back }, work, &records, request.on_error).await
        }
    }
}

struct ByKey<'r> {
    target: &'r Target<'r>,
    columns: &'r [Path],
    guard: Selection<'r>,
    gives_back: bool,
}

impl Step for ByKey<'_> {
    fn looks_first(&self) -> bool {
        !self.guard.rest.is_empty() || !self.target.layout.is_unique(self.columns)
    }

    async fn run(&self, work: &mut Work, key: &[Value]) -> Result<Done> {
        let filter = key_filter(&self.target.layout, self.columns, key)?.ok_or_else(error::row_not_found)?;
        let filter = if self.looks_first() {
            let old = self.target.find_one(work, filter, &self.guard).await?;
            doc! {ID: id_of(&old)?}
        } else {
            translate::all(vec![filter, self.guard.native.clone()])
        };
        self.send(work, filter).await?.ok_or_else(error::row_not_found)
    }
}

impl ByKey<'_> {
    async fn send(&self, work: &mut Work, filter: Document) -> Result<Option<Done>> {
        let collection = self.target.collection();
        let done = |row| Done { row, is_matched: Some(true), is_changed: Some(true) };
        if self.gives_back {
            let delete = collection.find_one_and_delete(filter).session(work.session()?).await;
            let row = delete.map_err(|error| work.failed_write(&error))?;
            return Ok(row.map(|row| done(Some(row))));
        }
        let delete = collection.delete_one(filter).session(work.session()?).await;
        let result = delete.map_err(|error| work.failed_write(&error))?;
        Ok((result.deleted_count > 0).then(|| done(None)))
    }
}

/// All documents that match, in one transaction.
struct Matching<'r> {
    target: &'r Target<'r>,
    selection: Selection<'r>,
    gives_back: bool,
}

impl Task for Matching<'_> {
    async fn run(&self, work: &mut Work) -> std::result::Result<Written, Failure> {
        let mut written = Written::counting();
        if self.selection.rest.is_empty() && !self.gives_back {
            let deleted = self.remove(work, self.selection.native.clone()).await?;
            written.affected.matched = Some(deleted);
            written.affected.changed = Some(deleted);
            return Ok(written);
        }
        let found = matching(self.target, work, &self.selection).await?;
        let ids: Vec<Bson> = found.iter().map(|document| id_of(document)).collect::<Result<_>>()?;
        for part in ids.chunks(IDS_AT_ONCE) {
            self.remove(work, doc! {ID: {"$in": part.to_vec()}}).await?;
        }
        for row in found {
            written.add(Done {
                row: self.gives_back.then_some(row),
                is_matched: Some(true),
                is_changed: Some(true),
            });
        }
        Ok(written)
    }
}

impl Matching<'_> {
    async fn remove(&self, work: &mut Work, filter: Document) -> Result<u64> {
        let collection = self.target.collection();
        let delete = collection.delete_many(filter).session(work.session()?).await;
        let result = delete.map_err(|error| work.failed_write(&error))?;
        Ok(result.deleted_count)
    }
}
