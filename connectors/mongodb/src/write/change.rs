//! Changed documents, named by key or by filter.

use connector_api::author::{Error, Filter, Path, Request, Result, Selector, Update, UpdateMode, Value};
use mongodb::bson::raw::{RawDocument, RawDocumentBuf};
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::ReturnDocument;

use super::batch::{Failure, Task, each_record, in_transaction};
use super::record::{self, Member, Setting, id_of, key_filter, put, raw};
use super::{Done, Step, Target, Written, split};
use crate::client::Scan;
use crate::condition::{Rule, Selection};
use crate::error;
use crate::schema::ID;
use crate::session::Work;
use crate::translate;

/// How documents become others.
pub(super) struct Change<'r> {
    pub(super) target: &'r Target<'r>,
    pub(super) mode: UpdateMode,
    /// The columns that name the document: they stay when it is replaced, as its id does.
    pub(super) named_by: &'r [Path],
    pub(super) check: Option<Rule<'r>>,
    pub(super) gives_back: bool,
}

impl<'r> Change<'r> {
    pub(super) fn rule(check: Option<&'r Filter>, params: &'r [Value]) -> Result<Option<Rule<'r>>> {
        check.map(|check| Rule::new(Some(check), params)).transpose()
    }

    /// Changes the one document that was found.
    ///
    /// # Errors
    /// A row rule that does not hold for the document as it becomes; the server's.
    pub(super) async fn found(
        &self,
        work: &mut Work,
        old: &RawDocument,
        members: &[Member<'_>],
    ) -> Result<Done> {
        if let Some(check) = &self.check
            && !check.holds(&raw(&self.becomes(old, members)?)?)?
        {
            return Err(error::check_failed());
        }
        let done = self.send(work, doc! {ID: id_of(old)?}, members, &self.kept(old)?).await?;
        done.ok_or_else(error::contention)
    }

    /// The document as it becomes.
    fn becomes(&self, old: &RawDocument, members: &[Member<'_>]) -> Result<Document> {
        let mut document = match self.mode {
            UpdateMode::Merge => Document::try_from(old).map_err(crate::types::malformed)?,
            UpdateMode::Replace => {
                let mut kept = self.kept(old)?;
                kept.insert(ID, id_of(old)?);
                kept
            }
        };
        members.iter().for_each(|(path, value)| put(&mut document, path.segments(), value.clone()));
        Ok(document)
    }

    /// What of a document stays when it is replaced, but for its id, which stays by itself.
    fn kept(&self, old: &RawDocument) -> Result<Document> {
        let mut kept = Document::new();
        for path in self.named_by {
            if let Some(value) = crate::condition::member(old, path)? {
                let value = Bson::try_from(value).map_err(crate::types::malformed)?;
                put(&mut kept, path.segments(), value);
            }
        }
        kept.remove(ID);
        Ok(kept)
    }

    /// Changes the document that matches; `None`: there is none. `kept` are the members that stay when it is replaced.
    pub(super) async fn send(
        &self,
        work: &mut Work,
        filter: Document,
        members: &[Member<'_>],
        kept: &Document,
    ) -> Result<Option<Done>> {
        match self.mode {
            UpdateMode::Merge => match record::change(members) {
                Some(change) => self.update(work, filter, change).await,
                None => self.look(work, filter).await,
            },
            UpdateMode::Replace => {
                let mut document = kept.clone();
                members.iter().for_each(|(path, value)| put(&mut document, path.segments(), value.clone()));
                let given = document.keys().map(String::as_str).collect::<Vec<_>>();
                if let Some(missing) = self.target.layout.required().find(|name| !given.contains(name)) {
                    return Err(error::not_null(missing));
                }
                self.replace(work, filter, &raw(&document)?).await
            }
        }
    }

    async fn update(&self, work: &mut Work, filter: Document, change: Document) -> Result<Option<Done>> {
        let collection = self.target.collection();
        if self.gives_back {
            let update =
                collection.find_one_and_update(filter, change).return_document(ReturnDocument::After);
            let row =
                update.session(work.session()?).await.map_err(|error| self.target.failed(work, &error))?;
            return Ok(given_back(row));
        }
        let update = collection.update_one(filter, change).session(work.session()?).await;
        let result = update.map_err(|error| self.target.failed(work, &error))?;
        Ok(counted(&result))
    }

    async fn replace(
        &self,
        work: &mut Work,
        filter: Document,
        document: &RawDocumentBuf,
    ) -> Result<Option<Done>> {
        let collection = self.target.collection();
        if self.gives_back {
            let replace =
                collection.find_one_and_replace(filter, document).return_document(ReturnDocument::After);
            let row =
                replace.session(work.session()?).await.map_err(|error| self.target.failed(work, &error))?;
            return Ok(given_back(row));
        }
        let replace = collection.replace_one(filter, document).session(work.session()?).await;
        let result = replace.map_err(|error| self.target.failed(work, &error))?;
        Ok(counted(&result))
    }

    /// Nothing is set: the document only has to be there.
    async fn look(&self, work: &mut Work, filter: Document) -> Result<Option<Done>> {
        let found = self.target.find(work, filter).await?;
        let done = |row| Done {
            row: self.gives_back.then_some(row),
            is_matched: Some(true),
            is_changed: Some(false),
        };
        Ok(found.map(done))
    }
}

fn given_back(row: Option<RawDocumentBuf>) -> Option<Done> {
    row.map(|row| Done { row: Some(row), is_matched: Some(true), is_changed: None })
}

fn counted(result: &mongodb::results::UpdateResult) -> Option<Done> {
    let is_changed = Some(result.modified_count > 0);
    (result.matched_count > 0).then_some(Done { row: None, is_matched: Some(true), is_changed })
}

impl Target<'_> {
    /// The document that matches.
    pub(super) async fn find(&self, work: &mut Work, filter: Document) -> Result<Option<RawDocumentBuf>> {
        let found = self.collection().find_one(filter).session(work.session()?).await;
        found.map_err(|error| work.failed(&error))
    }

    /// The one document that matches, and the guard holds for it.
    ///
    /// # Errors
    /// *Not found*; *ambiguous* where several match.
    pub(super) async fn find_one(
        &self,
        work: &mut Work,
        key: Document,
        guard: &Selection<'_>,
    ) -> Result<RawDocumentBuf> {
        let filter = translate::all(vec![key, guard.native.clone()]);
        let collection = self.collection();
        let found = collection.find(filter).limit(2).session(work.session()?).await;
        let mut cursor = found.map_err(|error| work.failed(&error))?;
        let mut one = None;
        while cursor.advance(work.session()?).await.map_err(|error| work.failed(&error))? {
            if one.replace(cursor.current().to_owned()).is_some() {
                return Err(error::ambiguous_key());
            }
        }
        let one = one.ok_or_else(error::row_not_found)?;
        if guard.holds(&one)? { Ok(one) } else { Err(error::row_not_found()) }
    }
}

/// Changes documents.
///
/// # Errors
/// What is wrong with the call; for a change by filter, also what is wrong with a document.
pub(crate) async fn update(
    target: &Target<'_>,
    work: &mut Work,
    request: &Request<Update>,
) -> Result<Written> {
    let params = request.params();
    let setting = Setting::new(&target.layout, &request.set, &request.compute, params)?;
    let check = Change::rule(request.check.as_ref(), params)?;
    let gives_back = !request.returning.is_empty();
    match &request.rows {
        Selector::Where(filter) => {
            let records = request.records().values(request.set.len())?;
            let cells = match records.as_slice() {
                [] if request.set.is_empty() => &[],
                [only] => only.as_slice(),
                _ => return Err(Error::internal("a write by filter needs one record")),
            };
            let selection = Selection::new(Some(filter), &target.layout, params)?;
            let change = Change { target, mode: request.mode, named_by: &[], check, gives_back };
            let task = Matching { change, setting, selection, cells };
            in_transaction(&task, work).await.map_err(|failure| failure.error)
        }
        Selector::Keys { columns, guard } => {
            let records = request.records().values(columns.len() + request.set.len())?;
            let guard = Selection::new(guard.as_ref(), &target.layout, params)?;
            let change = Change { target, mode: request.mode, named_by: columns, check, gives_back };
            let setting = setting.keeping_types();
            each_record(&ByKey { change, setting, guard }, work, &records, request.on_error).await
        }
    }
}

struct ByKey<'r> {
    change: Change<'r>,
    setting: Setting<'r>,
    guard: Selection<'r>,
}

impl Step for ByKey<'_> {
    fn looks_first(&self) -> bool {
        let Change { target, named_by, check, .. } = &self.change;
        let is_unique = target.layout.is_unique(named_by);
        check.is_some() || self.setting.computes() || !self.guard.rest.is_empty() || !is_unique
    }

    async fn run(&self, work: &mut Work, record: &[Value]) -> Result<Done> {
        let Change { target, named_by, mode, .. } = &self.change;
        let (key, cells) = split(record, named_by.len())?;
        let filter = key_filter(&target.layout, named_by, key)?.ok_or_else(error::row_not_found)?;
        if self.looks_first() {
            let old = target.find_one(work, filter, &self.guard).await?;
            return self.change.found(work, &old, &self.setting.members(cells, Some(&old))?).await;
        }
        let filter = translate::all(vec![filter, self.guard.native.clone()]);
        let (mut kept, mut old) = (Document::new(), None);
        if *mode == UpdateMode::Replace || self.setting.asks_for_types(cells) {
            let found = target.find(work, filter.clone()).await?.ok_or_else(error::row_not_found)?;
            kept = self.change.kept(&found)?;
            old = Some(found);
        }
        let members = match self.setting.members(cells, old.as_deref()) {
            Ok(members) => members,
            // A row that is not there is not found, whatever is wrong with the values.
            Err(unfit) if old.is_none() => {
                return Err(target.find(work, filter).await?.map_or_else(error::row_not_found, |_| unfit));
            }
            Err(unfit) => return Err(unfit),
        };
        self.change.send(work, filter, &members, &kept).await?.ok_or_else(error::row_not_found)
    }
}

/// All documents that match, in one transaction.
struct Matching<'r, 'c> {
    change: Change<'r>,
    setting: Setting<'r>,
    selection: Selection<'r>,
    cells: &'c [Value],
}

impl Task for Matching<'_, '_> {
    async fn run(&self, work: &mut Work) -> std::result::Result<Written, Failure> {
        let Change { mode, check, gives_back, .. } = &self.change;
        let is_plain =
            *mode == UpdateMode::Merge && check.is_none() && !gives_back && !self.setting.computes();
        if is_plain && self.selection.rest.is_empty() {
            // Values that do not fit are an error only if there is a document that would get them.
            let change = self.setting.members(self.cells, None).map(|members| record::change(&members));
            if let Ok(Some(change)) = change {
                return Ok(self.all_at_once(work, change).await?);
            }
        }
        Ok(self.one_by_one(work).await?)
    }
}

impl Matching<'_, '_> {
    async fn all_at_once(&self, work: &mut Work, change: Document) -> Result<Written> {
        let collection = self.change.target.collection();
        let update =
            collection.update_many(self.selection.native.clone(), change).session(work.session()?).await;
        let result = update.map_err(|error| self.change.target.failed(work, &error))?;
        let mut written = Written::counting();
        written.affected.matched = Some(result.matched_count);
        written.affected.changed = Some(result.modified_count);
        Ok(written)
    }

    /// The rules are tested for all documents before one is written, so that a refusal leaves the caller's transaction as it was.
    async fn one_by_one(&self, work: &mut Work) -> Result<Written> {
        let target = self.change.target;
        let found = matching(target, work, &self.selection).await?;
        let mut planned = Vec::with_capacity(found.len());
        for old in &found {
            let members = self.setting.members(self.cells, Some(old))?;
            if let Some(check) = &self.change.check
                && !check.holds(&raw(&self.change.becomes(old, &members)?)?)?
            {
                return Err(error::check_failed());
            }
            planned.push((old, members));
        }
        let mut written = Written::counting();
        for (old, members) in planned {
            written.add(self.change.found(work, old, &members).await?);
        }
        Ok(written)
    }
}

/// Every document that a filter selects.
pub(super) async fn matching(
    target: &Target<'_>,
    work: &mut Work,
    selection: &Selection<'_>,
) -> Result<Vec<RawDocumentBuf>> {
    let mut scan = Scan::new(target.store, work, &connector_api::author::Context::default());
    scan.open(target.table, vec![doc! {"$match": selection.native.clone()}]).await?;
    let mut found = Vec::new();
    while let Some(document) = scan.next_counted(selection).await? {
        found.push(document.to_owned());
    }
    Ok(found)
}
