//! Rows: a collection by filter, rows by identifier, a single row, a count.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use connector_api::Error;
use connector_api::model::Table;
use connector_api::model::batch::Cell;
use serde_json::Value as Json;

use super::page::{self, Meta};
use super::{Job, Owner, by_ids, component, version};
use crate::connectors::{Columns, RowStream};
use crate::error::ApiError;
use crate::pipeline::Answer;
use crate::plan::{self, RowRules, Scope};
use crate::request::{Id, TableRead};
use crate::response::{Document, Layout, RowEncoder, RowFormat};
use crate::roles::{Caller, Verb};

/// A table of the request with all that planning needs.
pub(super) struct Target<'a> {
    pub(super) owner: Owner,
    pub(super) table: Arc<Table>,
    layout: &'a Layout,
    caller: &'a Caller,
    rules: Option<RowRules<'a>>,
    rules_of_new_rows: Option<RowRules<'a>>,
}

impl<'a> Target<'a> {
    /// The table with this name, under the row rules that the caller's role has for this verb.
    pub(super) async fn find(job: Job<'a>, name: &str, verb: Verb) -> Result<Self, ApiError> {
        let owner = job.owner().await?;
        let table = owner.table(name).await?;
        let rules = rules(job, name, verb);
        Ok(Self { owner, table, layout: job.layout, caller: job.caller, rules, rules_of_new_rows: None })
    }

    /// Adds the rules for rows that this write creates although its verb changes rows.
    pub(super) fn creating_too(mut self, job: Job<'a>, name: &str) -> Self {
        self.rules_of_new_rows = rules(job, name, Verb::Post);
        self
    }

    /// Plans with the scope of this table.
    pub(super) fn plan<T>(
        &self,
        plan: impl FnOnce(&Scope<'_>) -> Result<T, plan::Error>,
    ) -> Result<T, ApiError> {
        let lookup = |name: &str| self.caller.lookup(name).map(Cow::into_owned);
        let scope = Scope {
            table: &self.table,
            capabilities: self.owner.connection.capabilities(),
            rules: self.rules,
            rules_of_new_rows: self.rules_of_new_rows,
            lookup: &lookup,
            max_records: self.owner.service.max_records(),
        };
        Ok(plan(&scope)?)
    }

    /// Starts a planned read.
    pub(super) async fn start(&self, read: &plan::Read) -> Result<RowStream, ApiError> {
        let stream = self
            .owner
            .connection
            .query(&read.query, &read.params.iter().collect(), self.owner.call_context())
            .await;
        stream.map_err(|error| self.owner.failed(error))
    }

    /// Counts all rows that match, whatever the page.
    async fn count(&self, read: &TableRead) -> Result<u64, ApiError> {
        let (shape, params) = self.plan(|scope| plan::count(read, scope))?;
        self.owner.count(&shape, &params).await
    }
}

/// The row rules of the caller's role for a verb on this table.
fn rules<'a>(job: Job<'a>, table: &str, verb: Verb) -> Option<RowRules<'a>> {
    let component = component(&["_table".to_owned(), table.to_owned()]);
    let caller = job.caller;
    let role = caller.role.as_ref().filter(|_| !caller.is_admin)?;
    let (filters, op) = role.row_filters(job.service.name(), &component, verb, caller.requestor)?;
    Some(RowRules { filters, op })
}

/// Where the request says so, what is known of the tables is read again.
fn refresh(job: Job<'_>, read: &TableRead) {
    if read.refresh {
        job.service.catalogue().forget();
    }
}

/// `GET _table/{table}`.
pub(super) async fn collection(job: Job<'_>, table: &str, mut read: TableRead) -> Result<Answer, ApiError> {
    refresh(job, &read);
    let target = Target::find(job, table, Verb::Get).await?;
    if read.count_only && read.ids.is_none() {
        return Ok(Answer::json(target.count(&read).await?.to_string()));
    }
    let mut format = RowFormat::Objects;
    if read.as_list {
        format = RowFormat::Identifiers;
        read.fields = crate::request::Fields::Identifiers;
    }
    let schema = if read.include_schema {
        Some(super::schema::description(job, &target.owner, &target.table).await?)
    } else {
        None
    };
    match read.ids.take() {
        Some(ids) => by_ids::read(&target, &ids, &read, format, schema).await,
        None => by_filter(&target, &read, format, schema).await,
    }
}

async fn by_filter(
    target: &Target<'_>,
    read: &TableRead,
    format: RowFormat,
    schema: Option<Json>,
) -> Result<Answer, ApiError> {
    let page = target.plan(|scope| plan::page(read, scope))?;
    let count = if read.include_count { Some(target.count(read).await?) } else { None };
    let meta = Meta { count, schema, limit: page.limit, offset: page.offset, is_capped: page.is_capped };
    let document = Document::new(&page.read.shown, format, target.layout.clone());
    page::answer(target, &page.read, document, meta, read).await
}

/// `GET _table/{table}/{id}`: the row itself, without a wrapper.
pub(super) async fn single(job: Job<'_>, table: &str, id: &Id, read: TableRead) -> Result<Answer, ApiError> {
    refresh(job, &read);
    let target = Target::find(job, table, Verb::Get).await?;
    let plan = target.plan(|scope| plan::single(id, &read, scope))?;
    let found = version::read(&target, plan).await?.ok_or_else(|| ApiError::unknown_record(name_of(id)))?;
    version::check(job.conditions, found.version.as_ref())?;
    Ok(found.into_answer())
}

/// The JSON of the first row of a read.
pub(super) async fn first_row(
    target: &Target<'_>,
    plan: &plan::Read,
    format: RowFormat,
) -> Result<Option<Vec<u8>>, ApiError> {
    let mut found = None;
    let mut encoder = RowEncoder::new(&plan.shown, format);
    for_each_row(target, plan, |columns, row| {
        if found.is_none() {
            let mut json = Vec::with_capacity(256);
            encoder.columns(&columns.names)?;
            encoder.write(&mut json, row)?;
            found = Some(json);
        }
        Ok(())
    })
    .await?;
    Ok(found)
}

/// Reads to the end, handing over each row with its columns.
pub(super) async fn for_each_row(
    target: &Target<'_>,
    plan: &plan::Read,
    mut each: impl FnMut(&Columns, &[Cell<'_>]) -> Result<(), Error>,
) -> Result<(), ApiError> {
    let began = Instant::now();
    let mut stream = target.start(plan).await?;
    let mut rows = 0;
    while let Some(batch) = stream.next().await {
        let read = batch.and_then(|batch| {
            rows += batch.row_count();
            let mut row = Vec::new();
            for mut section in batch.sections() {
                while section.read_row(&mut row)? {
                    each(section.columns(), &row)?;
                }
            }
            Ok(())
        });
        read.map_err(|error| target.owner.failed(error))?;
    }
    let statement = stream.summary().and_then(|summary| summary.statement.as_deref());
    target.owner.log_statement(statement, began, rows);
    Ok(())
}

/// An identifier as the caller wrote it.
pub(super) fn name_of(id: &Id) -> String {
    match id {
        Id::Value(Json::String(text)) => text.clone(),
        Id::Value(value) => value.to_string(),
        Id::Tuple(parts) => format!(
            "({})",
            parts
                .iter()
                .map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned))
                .collect::<Vec<_>>()
                .join(",")
        ),
        Id::Named(members) => Json::Object(members.clone()).to_string(),
    }
}
