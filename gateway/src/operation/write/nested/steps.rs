//! The steps of a record with related records: each names its service and goes through the pipeline as a request of its own, a list of rows
//! at a time. Rows are looked up the way related rows of answers are read. Here it is decided whether a step belongs to the transaction of
//! the record or is written down to be undone.

use std::sync::{Arc, LazyLock};

use connector_api::model::TableRef;
use serde_json::{Value as Json, json};

use super::undo::{self, Undo};
use super::within::Within;
use crate::error::ApiError;
use crate::hooks::HookRequest;
use crate::operation::inner::enter_apart;
use crate::operation::records::Target;
use crate::operation::related::{LookUp, Row, naming, rows_of_keys, settle};
use crate::operation::{Job, Owner, Transaction};
use crate::pipeline::Request;
use crate::plan::{Columns, has};
use crate::request::media::Numbers;
use crate::request::{Conditions, Fields, Id, Record};
use crate::response::Layout;
use crate::roles::Verb;
use crate::schema::known::Known;
use crate::schema::names::public_name;
use crate::schema::relationships::Relationship;

/// How rows are told inside: keys keep all their digits.
static INSIDE: LazyLock<Layout> =
    LazyLock::new(|| Layout { numbers: Some(Numbers::Number), ..Layout::default() });

/// A table that a step writes, in its service.
pub(super) struct Place {
    service: String,
    /// What clients call the table.
    name: String,
    pub(super) table: Arc<Known>,
}

/// What all steps of one record share.
pub(super) struct Steps<'a> {
    job: Job<'a>,
    /// Whose calls write the record: those of its transaction, if it has one.
    pub(super) owner: Owner,
    within: Within,
    /// Rows that can't be without the row that they belong to may be deleted.
    pub(super) removes: bool,
    /// Values are texts, of whatever type they are meant.
    pub(super) are_texts: bool,
}

/// Rows that are looked up.
pub(super) struct Wanted<'w> {
    pub(super) columns: &'w [String],
    /// Keys with a value for each column.
    pub(super) keys: Vec<Vec<Json>>,
    /// Columns of the rows that are needed.
    pub(super) needed: &'w [String],
}

impl<'a> Steps<'a> {
    /// The steps for a row of this job's service, with calls as `owner` makes them.
    pub(super) fn new(job: Job<'a>, owner: Owner, within: Within) -> Self {
        let job = Job { layout: &INSIDE, ..job };
        Self { job, owner, within, removes: false, are_texts: false }
    }

    /// Tables of other services get the names that these have for them.
    pub(super) async fn settle(&self, relationship: &mut Relationship) -> Result<(), ApiError> {
        let job = self.job.of_service(relationship.service.as_deref())?;
        let junction = relationship.junction.as_ref();
        let between = self.job.of_service(junction.and_then(|junction| junction.service.as_deref()))?;
        settle(relationship, job, between).await
    }

    /// The table of a relationship; `None`: in the service of the record.
    pub(super) async fn place(&self, service: Option<&str>, table: &TableRef) -> Result<Place, ApiError> {
        let job = self.job.of_service(service)?;
        let name = public_name(table);
        let table = match service {
            Some(_) => job.owner(false).await?.table(&name).await?,
            None => self.owner.table(&name).await?,
        };
        let name = job.name_of(&table.table);
        Ok(Place { service: job.service.name().to_lowercase(), name, table })
    }

    /// The names of a table that a record may have for it.
    pub(super) fn names_of(&self, table: &TableRef) -> [String; 2] {
        [self.job.name_of(table), public_name(table)]
    }

    /// The service of the record itself.
    fn home(&self) -> String {
        self.job.service.name().to_lowercase()
    }

    /// The transaction in which a step on this service is done. Without one the step is written down, and undone if the record fails.
    fn transaction(&self, service: &str) -> Option<Transaction> {
        self.owner.transaction().filter(|_| service == self.home())
    }

    /// Whether what is done there is undone by no transaction.
    pub(super) fn is_logged(&self, place: &Place) -> bool {
        self.transaction(&place.service).is_none()
    }

    /// Refuses, where no transaction will undo what is done in a table, one whose values are not written as they are read; and any table, if
    /// something greater may undo the record later.
    ///
    /// # Errors
    /// It is such a table.
    pub(super) fn check_undoable(&self, place: &Place) -> Result<(), ApiError> {
        let is_undone = self.transaction(&place.service).is_some()
            || (place.service == self.home()
                && !self.within.is_logged
                && self.owner.connection.capabilities().transactions);
        let has_functions = place.table.aliases().is_some_and(|aliases| aliases.has_functions());
        if !is_undone && self.within.is_bound {
            return Err(ApiError::nested_elsewhere(&place.service));
        }
        if is_undone || !has_functions {
            return Ok(());
        }
        let what = format!(
            "Writing related records of '{}', whose fields have functions, without a transaction,",
            place.name
        );
        Err(ApiError::unsupported(what))
    }

    /// Names the service in what failed there, if it is another one.
    fn naming<'p>(&self, place: &'p Place) -> impl Fn(ApiError) -> ApiError + use<'p> {
        naming((place.service != self.home()).then_some(place.service.as_str()))
    }

    pub(super) fn count(&self, rows: usize) -> Result<(), ApiError> {
        self.within.count(rows)
    }

    /// Writes down how a step is undone, unless a transaction does it.
    pub(super) fn note(&self, verb: Verb, place: &Place, records: Vec<Record>) {
        if self.is_logged(place) && !records.is_empty() {
            let (service, table) = (place.service.clone(), place.name.clone());
            self.within.note(Undo { verb, service, table, records });
        }
    }

    /// The row of the record as it is, where no transaction brings it back.
    pub(super) async fn before(
        &self,
        target: &Target<'_>,
        id: Option<&Id>,
        id_field: &[String],
    ) -> Result<Option<Record>, ApiError> {
        let place = self.own(target);
        match id.filter(|_| self.is_logged(&place)) {
            Some(id) => undo::row_before(self.job, &place.name, id, id_field).await,
            None => Ok(None),
        }
    }

    /// Writes down how the row of the record is undone: it was as it is given, or not there.
    pub(super) fn wrote(
        &self,
        target: &Target<'_>,
        (record, before): (&Record, Option<Record>),
        row: &Record,
    ) {
        let place = self.own(target);
        match before {
            Some(before) => self.note(place.rewrite(), &place, vec![place.restored(record, before)]),
            None => self.note(Verb::Delete, &place, vec![place.key_of(row)]),
        }
    }

    pub(super) fn own(&self, target: &Target<'_>) -> Place {
        let (table, name) = (Arc::clone(&target.table), self.job.name_of(&target.table.table));
        Place { service: self.home(), name, table }
    }

    /// For each key the rows that have it, as far as the caller may see them. Rows that may have to be written again come whole.
    pub(super) async fn find(&self, place: &Place, wanted: Wanted<'_>) -> Result<Vec<Vec<Record>>, ApiError> {
        if wanted.keys.is_empty() {
            return Ok(Vec::new());
        }
        let transaction = self.transaction(&place.service);
        let job = Job { transaction: transaction.as_ref(), ..self.job.of_service(Some(&place.service))? };
        let fields = if self.is_logged(place) { Fields::All } else { Fields::Identifiers };
        let Wanted { columns, keys, needed } = wanted;
        let look_up = LookUp { table: &place.table.table, columns, lead: needed, fields };
        let found = rows_of_keys(job, look_up, keys).await.map_err(self.naming(place))?;
        let record = |row: Row| {
            let whole: Json = serde_json::from_slice(&row.json).map_err(|_| ApiError::internal())?;
            let mut record = whole.as_object().cloned().unwrap_or_default();
            record.extend(needed.iter().cloned().zip(row.lead));
            Ok(record)
        };
        found.into_iter().map(|rows| rows.into_iter().map(record).collect()).collect()
    }

    /// Creates rows; gives of each its key and these columns, as far as the caller may see them.
    pub(super) async fn create(
        &self,
        place: &Place,
        records: Vec<Record>,
        needed: &[String],
    ) -> Result<Vec<Record>, ApiError> {
        let sent = self.send(Verb::Post, place, &records, ("fields", place.fields(needed))).await;
        let rows = match &sent {
            Ok(rows) => rows.clone(),
            Err(error) => error.done_parts(),
        };
        let keys = rows.iter().filter_map(Json::as_object).map(|row| place.key_of(row)).collect();
        self.note(Verb::Delete, place, keys);
        records_of(sent?)
    }

    /// Changes rows, each given with what it was before; gives the same as [`Steps::create`].
    pub(super) async fn change(
        &self,
        place: &Place,
        changes: Vec<(Record, Record)>,
        needed: &[String],
    ) -> Result<Vec<Record>, ApiError> {
        if self.is_logged(place) {
            let before = changes.iter().map(|(record, row)| place.restored(record, row.clone()));
            self.note(place.rewrite(), place, before.collect());
        }
        let records: Vec<Record> = changes.into_iter().map(|(record, _)| record).collect();
        records_of(self.send(Verb::Patch, place, &records, ("fields", place.fields(needed))).await?)
    }

    /// Deletes the rows with these values in the columns, of which `before` says how they were.
    pub(super) async fn remove(
        &self,
        place: &Place,
        columns: &[String],
        (records, before): (Vec<Record>, Vec<Record>),
    ) -> Result<(), ApiError> {
        let removed = self.send(Verb::Delete, place, &records, ("id_field", json!(columns))).await;
        let done = removed.as_ref().map_or_else(|error| error.done_parts().len(), |_| usize::MAX);
        let before = before.into_iter().take(done).map(|row| place.written(row)).collect();
        self.note(Verb::Post, place, before);
        removed.map(drop)
    }

    async fn send(
        &self,
        verb: Verb,
        place: &Place,
        records: &[Record],
        (option, value): (&str, Json),
    ) -> Result<Vec<Json>, ApiError> {
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let body = json!({ "resource": records, "allow_related_delete": self.removes, (option): value });
        let resource = vec!["_table".to_owned(), place.name.clone()];
        let what = HookRequest {
            verb,
            service: place.service.clone(),
            resource,
            query: Vec::new(),
            body: Some(body),
        };
        let request = Request {
            what,
            records: None,
            are_texts: self.are_texts,
            caller: self.job.caller.clone(),
            id: Arc::clone(self.job.request_id),
            layout: INSIDE.clone(),
            conditions: Conditions::default(),
            key: None,
            transaction: self.transaction(&place.service),
            within: Some(self.within.below(self.is_logged(place))?),
        };
        let answer = enter_apart(self.job.snapshot, request).await.map_err(self.naming(place))?;
        let most = self.job.max_held();
        let body = answer.body.collected(most).await?.ok_or_else(|| ApiError::rows_too_large(most))?;
        let mut body: Json = serde_json::from_slice(&body).map_err(|_| ApiError::internal())?;
        match body.get_mut("resource").map(Json::take) {
            Some(Json::Array(rows)) => Ok(rows),
            _ => Err(ApiError::internal()),
        }
    }
}

fn records_of(rows: Vec<Json>) -> Result<Vec<Record>, ApiError> {
    let record = |row| if let Json::Object(record) = row { Ok(record) } else { Err(ApiError::internal()) };
    rows.into_iter().map(record).collect()
}

impl Place {
    /// What clients call the table.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn key(&self) -> &[String] {
        &self.table.primary_key
    }

    /// The fields of an answer that has the key and these columns.
    fn fields(&self, needed: &[String]) -> Json {
        let key = self.key();
        if needed.iter().all(|name| key.contains(name)) {
            return Json::Array(Vec::new());
        }
        let others = needed.iter().filter(|name| !key.contains(name));
        json!(key.iter().chain(others).collect::<Vec<_>>())
    }

    fn key_of(&self, row: &Record) -> Record {
        let own = row.iter().filter(|(name, _)| self.key().contains(name));
        own.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// How a row is written as it was.
    fn rewrite(&self) -> Verb {
        if self.table.is_document { Verb::Put } else { Verb::Patch }
    }

    /// A row as a record that undoes a change: a document as a whole, else the columns that the change sets.
    fn restored(&self, change: &Record, mut row: Record) -> Record {
        if !self.table.is_document {
            row.retain(|name, _| has(change, name) || self.key().contains(name));
        }
        row
    }

    /// A row as a record that creates it again: without what the store makes itself.
    fn written(&self, mut row: Record) -> Record {
        let columns = Columns::new(&self.table);
        row.retain(|name, _| !columns.find(name).is_some_and(|column| column.is_generated));
        row
    }
}
