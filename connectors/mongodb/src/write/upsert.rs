//! Documents created or changed by key, in one step each.

use connector_api::author::{Error, ErrorKind, Existing, Path, Request, Result, UpdateMode, Upsert, Value};
use mongodb::bson::raw::RawDocumentBuf;
use mongodb::bson::{Document, doc};
use mongodb::options::ReturnDocument;

use super::batch::each_record;
use super::change::Change;
use super::insert::Creation;
use super::record::{self, Member, Setting, key_filter};
use super::{Done, Step, Target, Written};
use crate::condition::Rule;
use crate::error;
use crate::session::Work;

/// Two that create the same document at once: one of them finds the other's at the next attempt.
const ATTEMPTS: u32 = 10;

/// Creates documents, or changes those that exist.
///
/// # Errors
/// A key that several documents may have; what is wrong with the call.
pub(crate) async fn upsert(
    target: &Target<'_>,
    work: &mut Work,
    request: &Request<Upsert>,
) -> Result<Written> {
    let params = request.params();
    if !target.layout.is_unique(&request.key) {
        return Err(Error::unsupported("an upsert by columns that are neither '_id' nor a unique key"));
    }
    let place = |path: &Path| {
        let place = request.columns.iter().position(|column| column == path);
        place.ok_or_else(|| Error::internal("a key column is not among the columns"))
    };
    let mode = match request.existing {
        Existing::Merge => UpdateMode::Merge,
        Existing::Replace => UpdateMode::Replace,
    };
    let gives_back = !request.returning.is_empty();
    let check = || Change::rule(request.check.as_ref(), params);
    let step = Upserting {
        setting: Setting::new(&target.layout, &request.columns, &[], params)?.keeping_types(),
        key: &request.key,
        places: request.key.iter().map(place).collect::<Result<_>>()?,
        creation: Creation { layout: &target.layout, check: check()? },
        guard: Change::rule(request.guard.as_ref(), params)?,
        change: Change { target, mode, named_by: &request.key, check: check()?, gives_back },
    };
    let records = request.records().values(request.columns.len())?;
    each_record(&step, work, &records, request.on_error).await
}

struct Upserting<'r> {
    setting: Setting<'r>,
    key: &'r [Path],
    /// Where the key stands in a record.
    places: Vec<usize>,
    creation: Creation<'r>,
    guard: Option<Rule<'r>>,
    change: Change<'r>,
}

impl Step for Upserting<'_> {
    fn looks_first(&self) -> bool {
        self.guard.is_some() || self.change.check.is_some()
    }

    async fn run(&self, work: &mut Work, record: &[Value]) -> Result<Done> {
        let key: Vec<Value> = self.places.iter().filter_map(|place| record.get(*place)).cloned().collect();
        // A value that can be no key is told before one that can't be looked up.
        let unasked = |error| self.setting.members(record, None).and(Err(error));
        let filter = key_filter(self.creation.layout, self.key, &key).or_else(unasked)?;
        let Some(filter) = filter else {
            return self.create(work, self.setting.members(record, None)?).await;
        };
        let is_needed = self.looks_first() || self.setting.asks_for_types(record);
        let old = if is_needed { self.change.target.find(work, filter.clone()).await? } else { None };
        let members = self.setting.members(record, old.as_deref())?;
        if !self.looks_first() {
            let filter = record::creating(filter, self.key, &key, &members);
            return self.in_one_step(work, filter, members).await;
        }
        let Some(old) = old else { return self.create(work, members).await };
        match &self.guard {
            Some(guard) if !guard.holds(&old)? => Err(error::guard_failed()),
            _ => self.change.found(work, &old, &self.without_key(&members)).await,
        }
    }
}

impl<'r> Upserting<'r> {
    fn without_key(&self, members: &[Member<'r>]) -> Vec<Member<'r>> {
        members.iter().filter(|(path, _)| !self.key.contains(path)).cloned().collect()
    }

    async fn create(&self, work: &mut Work, members: Vec<Member<'r>>) -> Result<Done> {
        let document = self.creation.document(members)?;
        let insert =
            self.change.target.collection().insert_one(&document).session(work.session()?).await.map(drop);
        match insert {
            Ok(()) => Ok(created(self.change.gives_back.then_some(document))),
            Err(error) => Err(self.lost_race(work, &error)),
        }
    }

    /// Somebody else created the document after it was looked for: that is to be done again, not to be refused.
    fn lost_race(&self, work: &mut Work, error: &mongodb::error::Error) -> Error {
        let failed = self.change.target.failed(work, error);
        if self.is_race(&failed) && self.looks_first() { error::contention() } else { failed }
    }

    /// The server looks and writes. A document that can't be created can still be changed.
    async fn in_one_step(&self, work: &mut Work, filter: Document, members: Vec<Member<'r>>) -> Result<Done> {
        let creation = self.creation.document(members.iter().cloned());
        if let Err(unmade) = creation {
            let rest = self.without_key(&members);
            let kept = record::whole_of(members.iter().filter(|(path, _)| self.key.contains(path)).cloned());
            let changed = self.change.send(work, filter, &rest, &kept).await?;
            return changed.ok_or(unmade);
        }
        let mut attempt = 0;
        loop {
            attempt += 1;
            match self.send(work, &filter, &members).await {
                Err(error) if attempt < ATTEMPTS && !work.is_in_transaction() && self.is_race(&error) => {}
                ended => return ended,
            }
        }
    }

    fn is_race(&self, error: &Error) -> bool {
        let columns =
            error.violation.as_ref().map(|violation| violation.columns.as_slice()).unwrap_or_default();
        let is_of_key = |column: &String| self.key.iter().any(|path| path.as_column() == Some(column));
        error.kind == ErrorKind::Conflict && !columns.is_empty() && columns.iter().all(is_of_key)
    }

    async fn send(&self, work: &mut Work, filter: &Document, members: &[Member<'r>]) -> Result<Done> {
        match self.change.mode {
            UpdateMode::Merge => {
                let (key, rest): (Vec<_>, Vec<_>) =
                    members.iter().cloned().partition(|(path, _)| self.key.contains(path));
                let mut change = doc! {"$setOnInsert": record::whole_of(key)};
                change.extend(record::change(&rest).into_iter().flatten());
                self.update(work, filter, change).await
            }
            UpdateMode::Replace => {
                let document = record::raw(&record::whole_of(members.iter().cloned()))?;
                self.replace(work, filter, &document).await
            }
        }
    }

    async fn update(&self, work: &mut Work, filter: &Document, change: Document) -> Result<Done> {
        let collection = self.change.target.collection();
        if self.change.gives_back {
            let update = collection.find_one_and_update(filter.clone(), change).upsert(true);
            let update = update.return_document(ReturnDocument::After).session(work.session()?).await;
            return given_back(update.map_err(|error| self.change.target.failed(work, &error))?);
        }
        let update =
            collection.update_one(filter.clone(), change).upsert(true).session(work.session()?).await;
        Ok(counted(&update.map_err(|error| self.change.target.failed(work, &error))?))
    }

    async fn replace(&self, work: &mut Work, filter: &Document, document: &RawDocumentBuf) -> Result<Done> {
        let collection = self.change.target.collection();
        if self.change.gives_back {
            let replace = collection.find_one_and_replace(filter.clone(), document).upsert(true);
            let replace = replace.return_document(ReturnDocument::After).session(work.session()?).await;
            return given_back(replace.map_err(|error| self.change.target.failed(work, &error))?);
        }
        let replace =
            collection.replace_one(filter.clone(), document).upsert(true).session(work.session()?).await;
        Ok(counted(&replace.map_err(|error| self.change.target.failed(work, &error))?))
    }
}

fn created(row: Option<RawDocumentBuf>) -> Done {
    Done { row, is_matched: Some(false), is_changed: Some(true) }
}

fn given_back(row: Option<RawDocumentBuf>) -> Result<Done> {
    let row = row.ok_or_else(|| Error::internal("the server did not give back what it wrote"))?;
    Ok(Done { row: Some(row), is_matched: None, is_changed: None })
}

fn counted(result: &mongodb::results::UpdateResult) -> Done {
    let is_created = result.upserted_id.is_some();
    Done {
        row: None,
        is_matched: Some(!is_created),
        is_changed: Some(is_created || result.modified_count > 0),
    }
}
