//! Rows: a collection by filter, rows by identifier, a single row, a count.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use connector_api::model::Value;
use connector_api::model::batch::Cell;
use connector_api::{Error, ErrorKind};
use serde_json::Value as Json;

use super::cursor::Cursor;
use super::page::{self, Counting, Held, Meta};
use super::related::{self, Embedding, Member, Row};
use super::tables::Called;
use super::write::Reread;
use super::{Job, Owner, by_ids, identity, reach, version};
use crate::connectors::Columns;
use crate::error::ApiError;
use crate::events;
use crate::pipeline::Answer;
use crate::plan::{self, Reach, RowRules, Scope};
use crate::request::filter::Node;
use crate::request::{CountWish, Id, Paging, Record, TableRead};
use crate::response::{Document, Layout, RowEncoder, RowFormat};
use crate::roles::{Caller, Verb};
use crate::schema::known::Known;

/// A table of the request with all that planning needs.
#[derive(Clone)]
pub(super) struct Target<'a> {
    pub(super) job: Job<'a>,
    pub(super) owner: Owner,
    pub(super) table: Arc<Known>,
    pub(super) layout: &'a Layout,
    /// The most bytes of rows that are held at a time.
    pub(super) max_held: usize,
    caller: &'a Caller,
    /// The caller may see its rows as the verb reaches them.
    pub(super) is_readable: bool,
    pub(super) rules: Option<RowRules<'a>>,
    rules_of_new_rows: Option<RowRules<'a>>,
    /// The related tables that the filter looks into.
    reach: Option<Arc<Reach<'a>>>,
    /// How the rows of a write are read again for its answer.
    pub(super) reread: Option<Arc<Reread>>,
}

impl<'a> Target<'a> {
    /// The table that clients call so, under the row rules that the caller's role has for this verb.
    pub(super) async fn find(
        job: Job<'a>,
        name: &str,
        verb: Verb,
        is_refreshed: bool,
    ) -> Result<Self, ApiError> {
        // Nobody knows which names, functions and rules hold.
        if !job.service.extras().are_known() {
            return Err(ApiError::extras_unread(job.service.name()));
        }
        let owner = job.owner(is_refreshed).await?;
        let table = owner.called(name).await?;
        let called = job.called(name, &table.table);
        job.permit_own(&called, verb)?;
        let rules = job.rules_of_rows(&called, verb)?;
        let (layout, caller, max_held) = (job.layout, job.caller, job.max_held());
        let is_readable = verb == Verb::Get || is_readable(job, &called, rules);
        let (rules_of_new_rows, reach, reread) = (None, None, None);
        Ok(Self {
            job,
            owner,
            table,
            layout,
            max_held,
            caller,
            is_readable,
            rules,
            rules_of_new_rows,
            reach,
            reread,
        })
    }

    /// Finds the related tables that the request's filter looks into.
    pub(super) async fn reach(&mut self, job: Job<'a>, filter: Option<&Node>) -> Result<(), ApiError> {
        if let Some(filter) = filter {
            self.reach = reach::of(job, self, filter).await?.map(Arc::new);
        }
        Ok(())
    }

    /// Adds the rules for rows that this write creates although its verb changes rows.
    ///
    /// # Errors
    /// It may not create any.
    pub(super) fn creating_too(mut self, job: Job<'a>, name: &str, is_asked: bool) -> Result<Self, ApiError> {
        let called = job.called(name, &self.table.table);
        if is_asked {
            job.permit_own(&called, Verb::Post)?;
        }
        self.rules_of_new_rows = job.rules_of_rows(&called, Verb::Post)?;
        Ok(self)
    }

    /// Room for the rows of a read, which are held with the values of these columns.
    pub(super) fn held(&self, read: &plan::Read, format: RowFormat, lead: &[String]) -> Held {
        let encoder = RowEncoder::new(&read.shown, format)
            .with_numbers(self.layout.numbers())
            .with_others(read.query.others);
        Held::new(encoder, lead.to_vec(), self.max_held)
    }

    /// Plans with the scope of this table.
    pub(super) fn plan<T>(
        &self,
        plan: impl FnOnce(&Scope<'_>) -> Result<T, plan::Error>,
    ) -> Result<T, ApiError> {
        self.planned(plan).map_err(|error| self.refused(error))
    }

    /// Plans the beginning of a read. What does not fit the table as it is known may fit it as it is.
    pub(super) async fn plan_first<T>(
        &mut self,
        plan: impl Fn(&Scope<'_>) -> Result<T, plan::Error>,
    ) -> Result<T, ApiError> {
        match self.planned(&plan) {
            Err(error @ plan::Error::Invalid { .. }) => {
                if self.is_renewed().await? {
                    self.plan(plan)
                } else {
                    Err(self.refused(error))
                }
            }
            done => done.map_err(|error| self.refused(error)),
        }
    }

    /// Takes the tables of the request as the store has them now; whether one is another than before.
    pub(super) async fn is_renewed(&mut self) -> Result<bool, ApiError> {
        let changed = self.owner.changed(&self.table).await?;
        let mut is_changed = changed.is_some();
        self.table = changed.unwrap_or_else(|| Arc::clone(&self.table));
        let beside = self.reach.as_mut().map(|reach| Arc::make_mut(reach).tables.values_mut());
        for (table, _) in beside.into_iter().flatten() {
            if let Some(changed) = self.owner.changed(table).await? {
                *table = changed;
                is_changed = true;
            }
        }
        Ok(is_changed)
    }

    /// The same, if this record has a member that is no column as the table is known. Members that are none mean nothing, so without
    /// this the value for a new column would be lost.
    pub(super) async fn renew_for(&mut self, record: &Record) -> Result<bool, ApiError> {
        let columns = plan::Columns::new(&self.table);
        let is_known = self.table.is_open || record.keys().all(|name| columns.find(name).is_some());
        if is_known { Ok(false) } else { self.is_renewed().await }
    }

    fn planned<T>(&self, plan: impl FnOnce(&Scope<'_>) -> Result<T, plan::Error>) -> Result<T, plan::Error> {
        let lookup = |name: &str| self.caller.lookup(name).map(Cow::into_owned);
        let scope = Scope {
            table: &self.table,
            views: self.table.views(),
            checks: self.table.checks(),
            aliases: self.table.aliases(),
            capabilities: self.owner.connection.capabilities(),
            rules: self.rules,
            rules_of_new_rows: self.rules_of_new_rows,
            is_readable: self.is_readable,
            now: SystemTime::now(),
            lookup: &lookup,
            max_records: self.owner.service.max_records(),
            reach: self.reach.as_deref(),
        };
        plan(&scope)
    }

    fn refused(&self, error: plan::Error) -> ApiError {
        if let plan::Error::Rule(problem) = &error {
            events::rule_unfit(self.owner.service.name(), &self.owner.request_id, problem);
        }
        error.into()
    }

    /// Counts all rows that match, whatever the page.
    async fn count(&mut self, read: &TableRead) -> Result<u64, ApiError> {
        let (shape, params) = self.plan_first(|scope| plan::count(read, scope)).await?;
        self.owner.count(&shape, &params).await
    }

    /// How the answer comes to its `meta.count`. A page waits for a count that was asked for, and for none else but the one that an
    /// answer cut short by the service's maximum has always shown. No store estimates yet, so an estimate is a count.
    async fn counting(
        &mut self,
        page: &plan::Page,
        read: &TableRead,
        document: &Document,
    ) -> Result<Counting, ApiError> {
        match read.count {
            CountWish::Exact | CountWish::Estimated => return self.count(read).await.map(Counting::Asked),
            CountWish::Unsaid
                if page.is_capped && !read.is_by_cursor() && !page.is_by_token && document.has_meta() => {}
            CountWish::Unsaid | CountWish::None => return Ok(Counting::Off),
        }
        // A store that can't count has answered all the same.
        let Ok((shape, params)) = self.plan(|scope| plan::count(read, scope)) else {
            return Ok(Counting::Off);
        };
        // A bare list can't be begun before it is known that nothing will stand beside it.
        if document.is_bare() && self.owner.count(&shape, &params).await? <= page.limit {
            return Ok(Counting::Off);
        }
        let is_by_row = page.read.query.group.is_none() && !page.read.query.distinct;
        Ok(Counting::IfCut { shape: Box::new(shape), params, is_by_row })
    }
}

/// Whether the caller may read every row that these rules let a write reach.
fn is_readable(job: Job<'_>, table: &Called<'_>, reached: Option<RowRules<'_>>) -> bool {
    let is_granted = job.access_to_rows(table).contains(Verb::Get);
    let rules = job.rules_of_rows(table, Verb::Get);
    is_granted && rules.is_ok_and(|rules| rules.is_none_or(|rules| rules.follow_from(reached)))
}

/// `GET _table/{table}`.
pub(super) async fn collection(job: Job<'_>, table: &str, mut read: TableRead) -> Result<Answer, ApiError> {
    let mut target = Target::find(job, table, Verb::Get, read.refresh).await?;
    let ids = read.ids.take();
    target.reach(job, read.filter.as_ref().filter(|_| ids.is_none())).await?;
    if read.as_list {
        read.fields = crate::request::Fields::Identifiers;
    }
    match rows(job, &mut target, &read, ids.as_deref()).await {
        Err(error) if is_of_change(&error) && target.is_renewed().await? => {
            rows(job, &mut target, &read, ids.as_deref()).await
        }
        answer => answer,
    }
}

/// Whether a call may have failed because the table is another one by now: something of it is gone, or was changed meanwhile. Nothing came
/// of it, so it may begin again.
pub(super) fn is_of_change(error: &ApiError) -> bool {
    matches!(error.kind, Some(ErrorKind::NotFound | ErrorKind::Contention))
}

async fn rows(
    job: Job<'_>,
    target: &mut Target<'_>,
    read: &TableRead,
    ids: Option<&[Id]>,
) -> Result<Answer, ApiError> {
    if read.count_only && ids.is_none() {
        return Ok(Answer::json(target.count(read).await?.to_string()));
    }
    let format = if read.as_list { RowFormat::Identifiers } else { RowFormat::Objects };
    let schema = if read.include_schema {
        Some(super::schema::description(job, &target.owner, target.table.own()).await?)
    } else {
        None
    };
    match ids {
        Some(ids) => {
            let ids = identity::settled(target, ids, &read.id_field, None).await?;
            by_ids::read(job, target, &ids, read, (format, schema)).await
        }
        None => by_filter(job, target, read, format, schema).await,
    }
}

async fn by_filter(
    job: Job<'_>,
    target: &mut Target<'_>,
    read: &TableRead,
    format: RowFormat,
    schema: Option<Json>,
) -> Result<Answer, ApiError> {
    let page = target.plan_first(|scope| plan::page(read, scope)).await?;
    let is_list = format == RowFormat::Identifiers;
    let is_by_row = page.read.query.group.is_none() && !page.read.query.distinct;
    let document =
        Document::new(&page.read.shown, format, target.layout.of_rows()).with_others(page.read.query.others);
    let cursor = Cursor::of(&page, job.service.name(), job.caller, &job.snapshot.cursors)?;
    if read.is_by_cursor() && cursor.is_some() && !target.layout.has_meta() {
        return Err(ApiError::cursor_without_place());
    }
    // Who did not ask for a cursor gets a token where there is a place for it anyway.
    let cursor = cursor.filter(|_| read.is_by_cursor() || (target.layout.has_meta() && !document.is_bare()));
    let further = match (&read.paging, &cursor) {
        (Paging::After(token), Some(cursor)) => Some(match cursor.position(token)?.as_slice() {
            [Value::Text(token)] if page.token.is_some() => vec![target.plan(|_| page.behind(token))?],
            last => target.plan(|scope| page.after(last, scope))?,
        }),
        _ => None,
    };
    let counting = target.counting(&page, read, &document).await?;
    let is_expected = schema.is_some()
        || cursor.is_some()
        || !matches!(counting, Counting::Off)
        || (page.is_capped && read.count == CountWish::None);
    let can_skip = target.owner.connection.capabilities().offset;
    let base = cursor.as_ref().filter(|cursor| cursor.has_guesses()).map(|_| page.read.clone());
    let (limit, offset) = (page.limit, page.offset);
    let meta = Meta { counting, schema, cursor, is_expected, limit, offset, can_skip, base };
    let reads = further.unwrap_or_else(|| vec![page.read]);
    let members =
        if is_list || !is_by_row { Vec::new() } else { related::members(job, target, &read.related).await? };
    if members.is_empty() {
        return page::answer(&target.owner, reads, document, meta).await;
    }
    with_related(job, target, (reads, document, meta), &members).await
}

/// A page whose rows have related rows in them.
async fn with_related(
    job: Job<'_>,
    target: &Target<'_>,
    (reads, document, meta): (Vec<plan::Read>, Document, Meta),
    members: &[Member<'_>],
) -> Result<Answer, ApiError> {
    let lead = target.table.names(&related::lead(members));
    let held = reads
        .first()
        .map(|read| target.held(read, RowFormat::Objects, &lead))
        .ok_or_else(ApiError::internal)?;
    let reads = reads.into_iter().map(|read| read.leading(&lead)).collect();
    let total = meta.total();
    let (mut rows, mut meta) = page::held(&target.owner, reads, document, meta, held).await?;
    let mut embedding = Embedding::new(job);
    embedding.embed(members, &mut rows).await?;
    meta.extend(embedding.truncated());
    Ok(Answer { total, ..page::wrapped(rows.iter().map(|row| row.json.as_slice()), meta) })
}

/// `GET _table/{table}/{id}`: the row itself, without a wrapper.
pub(super) async fn single(job: Job<'_>, table: &str, id: &Id, read: TableRead) -> Result<Answer, ApiError> {
    let mut target = Target::find(job, table, Verb::Get, read.refresh).await?;
    match row(job, &mut target, id, &read).await {
        Err(error) if is_of_change(&error) && target.is_renewed().await? => {
            row(job, &mut target, id, &read).await
        }
        answer => answer,
    }
}

async fn row(job: Job<'_>, target: &mut Target<'_>, id: &Id, read: &TableRead) -> Result<Answer, ApiError> {
    let ids = identity::settled(target, std::slice::from_ref(id), &read.id_field, None).await?;
    let id = ids.first().unwrap_or(id);
    let plan = target.plan_first(|scope| plan::single(id, read, scope)).await?;
    let members = related::members(job, target, &read.related).await?;
    if !members.is_empty() {
        return single_with_related(job, target, (id, plan), &members).await;
    }
    let found = version::read(target, plan).await?.ok_or_else(|| ApiError::unknown_record(name_of(id)))?;
    version::check(job.conditions, found.version.as_ref())?;
    Ok(found.into_answer())
}

/// A row with related rows has no version: it would not tell what becomes of these.
async fn single_with_related(
    job: Job<'_>,
    target: &Target<'_>,
    (id, plan): (&Id, plan::Read),
    members: &[Member<'_>],
) -> Result<Answer, ApiError> {
    if job.conditions.if_match.is_some() {
        return Err(ApiError::condition_elsewhere("If-Match"));
    }
    let lead = target.table.names(&related::lead(members));
    let row = first_row(target, &plan, RowFormat::Objects, &lead).await?;
    let mut row = [row.ok_or_else(|| ApiError::unknown_record(name_of(id)))?];
    Embedding::new(job).embed(members, &mut row).await?;
    let [Row { json, .. }] = row;
    Ok(Answer::json(json))
}

/// The first row of a read, with the values of these columns.
pub(super) async fn first_row(
    target: &Target<'_>,
    plan: &plan::Read,
    format: RowFormat,
    lead: &[String],
) -> Result<Option<Row>, ApiError> {
    let mut held = target.held(plan, format, lead);
    let plan = plan.clone().leading(lead);
    let mut is_found = false;
    for_each_row(target, &plan, |columns, row| {
        if is_found {
            Ok(())
        } else {
            is_found = true;
            held.take(&columns.names, row)
        }
    })
    .await?;
    Ok(held.into_rows()?.pop())
}

/// Reads to the end, handing over each row with its columns.
pub(super) async fn for_each_row(
    target: &Target<'_>,
    plan: &plan::Read,
    mut each: impl FnMut(&Columns, &[Cell<'_>]) -> Result<(), Error>,
) -> Result<(), ApiError> {
    let began = Instant::now();
    let mut stream = target.owner.start(plan).await?;
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
    target.owner.log_statement(statement, began.elapsed(), rows);
    Ok(())
}

/// An identifier as the caller wrote it.
pub(super) fn name_of(id: &Id) -> String {
    match id {
        Id::Written(text) | Id::Value(Json::String(text)) => text.clone(),
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
