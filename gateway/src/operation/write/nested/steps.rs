//! The steps of a record with related records: each names its service and goes through the pipeline as a request of its own, a list of rows
//! at a time. Rows are looked up the way related rows of answers are read. Here it is decided whether a step belongs to the transaction of
//! the record or is written down to be undone.

use std::sync::{Arc, LazyLock};

use connector_api::model::TableRef;
use serde_json::{Value as Json, json};

use super::stored::Cells;
use super::undo::{self, Done, Undo};
use super::values_of;
use super::within::Within;
use crate::error::ApiError;
use crate::hooks::HookRequest;
use crate::operation::inner::enter_apart;
use crate::operation::records::Target;
use crate::operation::related::{LookUp, Row, naming, rows_of_keys, settle};
use crate::operation::schema::references;
use crate::operation::{Job, Owner, Transaction};
use crate::pipeline::Request;
use crate::plan;
use crate::request::media::Numbers;
use crate::request::{Conditions, Id, Record};
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

    /// The transaction in which a step on this service is done: that of the record, or the one above it, to which a record comes back by way
    /// of another service; a transaction of its own would wait for that one. Without one the step is written down, and undone if the record
    /// fails.
    fn transaction(&self, service: &str) -> Option<Transaction> {
        let own = self.owner.transaction().filter(|_| service == self.home());
        own.or_else(|| self.within.transaction(service))
    }

    /// What the requests of a step have in common with the record.
    fn below(&self, place: &Place) -> Result<Within, ApiError> {
        let open = self.owner.transaction().map(|own| (self.home(), own));
        self.within.below(self.is_logged(place), open)
    }

    /// Whether what is done there is undone by no transaction.
    pub(super) fn is_logged(&self, place: &Place) -> bool {
        self.transaction(&place.service).is_none()
    }

    /// Refuses a table where no transaction will undo what is done in it, if something greater may undo the record later.
    ///
    /// # Errors
    /// It is such a table.
    pub(super) fn check_undoable(&self, place: &Place) -> Result<(), ApiError> {
        let is_undone = self.transaction(&place.service).is_some()
            || (place.service == self.home()
                && !self.within.is_logged
                && self.owner.connection.capabilities().transactions);
        match is_undone || !self.within.is_bound {
            true => Ok(()),
            false => Err(ApiError::nested_elsewhere(&place.service)),
        }
    }

    /// Refuses to delete rows of a table if that changes or deletes rows of others, which no transaction brings back.
    ///
    /// # Errors
    /// It is such a table.
    async fn check_deletable(&self, place: &Place) -> Result<(), ApiError> {
        if !self.is_logged(place) || place.table.is_document {
            return Ok(());
        }
        let job = self.job.of_service(Some(&place.service))?;
        let references = references(&job.owner(false).await?).await?;
        match references.changed_by_deletion(&place.table.table) {
            None => Ok(()),
            Some((other, rule)) => Err(ApiError::nested_takes_others(&place.name, job.name_of(other), rule)),
        }
    }

    /// Names the service in what failed there, if it is another one.
    fn naming<'p>(&self, place: &'p Place) -> impl Fn(ApiError) -> ApiError + use<'p> {
        naming((place.service != self.home()).then_some(place.service.as_str()))
    }

    pub(super) fn count(&self, rows: usize) -> Result<(), ApiError> {
        self.within.count(rows)
    }

    /// Writes down what a step does with the rows that have these keys, unless a transaction undoes it.
    fn note(&self, place: &Place, (names, keys): (&[String], Vec<Vec<Json>>), done: Done) {
        if self.is_logged(place) && !keys.is_empty() {
            let (service, table, names) = (place.service.clone(), place.name.clone(), names.to_vec());
            self.within.note(Undo { service, table, names, keys, done });
        }
    }

    /// How rows are stored that a step is about to change, where no transaction brings them back.
    async fn before(
        &self,
        place: &Place,
        names: &[String],
        keys: &[Vec<Json>],
    ) -> Result<Vec<Cells>, ApiError> {
        if keys.is_empty() || !self.is_logged(place) {
            return Ok(Vec::new());
        }
        let job = self.job.of_service(Some(&place.service))?;
        undo::rows_before(job, &place.name, (names, keys)).await.map_err(self.naming(place))
    }

    /// Writes down how the row of the record is, which is about to be changed; whether there is one.
    pub(super) async fn changes(
        &self,
        target: &Target<'_>,
        id: Option<&Id>,
        names: &[String],
    ) -> Result<bool, ApiError> {
        let Some(id) = id else { return Ok(false) };
        let place = self.own(target);
        let keys = vec![target.plan(|_| plan::parts_of(id, names))?];
        let before = self.before(&place, names, &keys).await?;
        let is_there = !before.is_empty();
        if is_there {
            self.note(&place, (names, keys), Done::Changed(before));
        }
        Ok(is_there)
    }

    /// Writes down that the row of the record was created.
    pub(super) fn created(&self, target: &Target<'_>, row: &Record) {
        let place = self.own(target);
        let key = values_of(row, place.key());
        self.note(&place, (place.key(), key.into_iter().collect()), Done::Created);
    }

    pub(super) fn own(&self, target: &Target<'_>) -> Place {
        let (table, name) = (Arc::clone(&target.table), self.job.name_of(&target.table.table));
        Place { service: self.home(), name, table }
    }

    /// For each key the rows that have it, as far as the caller may see them.
    pub(super) async fn find(&self, place: &Place, wanted: Wanted<'_>) -> Result<Vec<Vec<Record>>, ApiError> {
        if wanted.keys.is_empty() {
            return Ok(Vec::new());
        }
        let transaction = self.transaction(&place.service);
        let job = Job { transaction: transaction.as_ref(), ..self.job.of_service(Some(&place.service))? };
        let Wanted { columns, keys, needed } = wanted;
        let look_up = LookUp { table: &place.table.table, columns, lead: needed };
        let found = rows_of_keys(job, look_up, keys).await.map_err(self.naming(place))?;
        let record = |row: Row| needed.iter().cloned().zip(row.lead).collect();
        Ok(found.into_iter().map(|rows| rows.into_iter().map(record).collect()).collect())
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
        let keys = rows.iter().filter_map(|row| values_of(row.as_object()?, place.key())).collect();
        self.note(place, (place.key(), keys), Done::Created);
        records_of(sent?)
    }

    /// Changes rows, named by their keys; gives the same as [`Steps::create`].
    pub(super) async fn change(
        &self,
        place: &Place,
        records: Vec<Record>,
        needed: &[String],
    ) -> Result<Vec<Record>, ApiError> {
        let keys = keys_of(&records, place.key());
        let before = self.before(place, place.key(), &keys).await?;
        self.note(place, (place.key(), keys), Done::Changed(before));
        records_of(self.send(Verb::Patch, place, &records, ("fields", place.fields(needed))).await?)
    }

    /// Deletes the rows with these values in the columns.
    pub(super) async fn remove(
        &self,
        place: &Place,
        columns: &[String],
        records: Vec<Record>,
    ) -> Result<(), ApiError> {
        if records.is_empty() {
            return Ok(());
        }
        self.check_deletable(place).await.map_err(self.naming(place))?;
        let keys = keys_of(&records, columns);
        let before = self.before(place, columns, &keys).await?;
        self.note(place, (columns, keys), Done::Deleted(before));
        self.send(Verb::Delete, place, &records, ("id_field", json!(columns))).await.map(drop)
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
            within: Some(self.below(place)?),
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

/// The values of records in these columns.
fn keys_of(records: &[Record], columns: &[String]) -> Vec<Vec<Json>> {
    records.iter().filter_map(|record| values_of(record, columns)).collect()
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
}
