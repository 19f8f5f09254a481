//! A write record by record: planned one by one, sent in calls of many, each with an end of its own.

use std::borrow::Cow;

use connector_api::Error;
use connector_api::model::Begin;

use super::either;
use super::input::{Input, Item};
use super::nested;
use super::no_records;
use super::outcome::{ends, failure, is_a_records, is_missing_row, is_worth_a_line};
use super::relations::Relations;
use super::send::{Sent, Shown, send};
use super::tally::{Bound, Tally};
use crate::error::ApiError;
use crate::operation::Owner;
use crate::operation::records::{Target, name_of};
use crate::operation::session::Session;
use crate::plan::{Gathered, Kind, Nested, Planned, Selection, Whole, Write};
use crate::request::{Id, Record, TableWrite};

/// A write that runs.
pub(super) struct Batch<'a, 'j> {
    target: Cow<'a, Target<'j>>,
    options: &'a TableWrite,
    kind: Kind,
    /// A filter says which rows are meant.
    is_by_filter: bool,
    write: Write,
    gathered: Gathered,
    /// All records, where they go in one call or not at all.
    whole: Whole,
    /// The records that are gathered.
    waiting: Vec<Waiting>,
    relations: Relations,
    session: Option<Session>,
    tally: Tally,
    /// A call failed as a whole: nothing more is sent.
    is_broken: bool,
}

/// A record that waits for its call.
struct Waiting {
    index: usize,
    /// Its row's identifier as the caller wrote it; `None` for a new row.
    name: Option<String>,
}

impl<'a, 'j> Batch<'a, 'j> {
    /// # Errors
    /// What the service can't do, before anything is written.
    pub(super) fn new(
        target: &'a Target<'j>,
        (kind, selection): (Kind, Selection),
        options: &'a TableWrite,
    ) -> Result<Self, ApiError> {
        let is_by_filter = matches!(selection, Selection::Some(_));
        let write = target.plan(|scope| Write::new(kind, selection, options, scope))?;
        Ok(Self {
            target: Cow::Borrowed(target),
            options,
            kind,
            is_by_filter,
            write,
            gathered: Gathered::default(),
            whole: Whole::default(),
            waiting: Vec::new(),
            relations: Relations::default(),
            session: None,
            tally: Tally::new(Bound { entries: usize::MAX, bytes: target.max_held }),
            is_broken: false,
        })
    }

    /// Writes all records. Of a stream only as many are remembered as an answer may have, of a list as many as fit into memory.
    ///
    /// # Errors
    /// No record at all; a failure that is not a record's own, before anything was written.
    pub(super) async fn run(mut self, mut input: Input, is_streamed: bool) -> Result<Tally, ApiError> {
        if is_streamed {
            self.tally = Tally::new(Bound { entries: kept(&self.target), bytes: self.target.max_held });
        }
        let mut index = 0;
        while let Some(item) = input.next().await {
            self.take(index, item).await?;
            index += 1;
            if self.is_stopped() {
                break;
            }
        }
        if index == 0 {
            return Err(no_records(self.target.layout));
        }
        if !self.is_stopped() {
            self.flush().await?;
        }
        self.read_again().await?;
        self.end().await
    }

    /// Lists the rows as they are read again, where that is wanted and they stay.
    async fn read_again(&mut self) -> Result<(), ApiError> {
        let Some(reread) = &self.target.reread else { return Ok(()) };
        let calls = self.session.as_ref().map_or(&self.target.owner, Session::owner);
        if self.tally.has_failed() && calls.session.is_some() {
            return Ok(());
        }
        let again = reread.rows(&self.target, calls, self.tally.rows()).await?;
        self.tally.read_again(again);
        Ok(())
    }

    fn is_stopped(&self) -> bool {
        self.is_broken || (self.tally.has_failed() && !self.options.is_continued)
    }

    async fn take(&mut self, index: usize, item: Result<Item<'_>, ApiError>) -> Result<(), ApiError> {
        let planned = match item {
            Ok(item) => match self.related(&item).await {
                // Boxed, because every write would carry the room for it.
                Ok(Some(related)) => return Box::pin(self.take_related(index, item.id, related)).await,
                Ok(None) => match self.either(&item)? {
                    Some(id) => return Box::pin(self.take_either(index, item, id)).await,
                    None => self.planned(index, item).await,
                },
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        };
        match planned {
            Ok((planned, name)) => self.gather(planned, Waiting { index, name }).await,
            Err(error) => {
                // Those before it come first: one of them may be the first that fails.
                // Where all go together, those before this one stay unwritten as well.
                if !self.options.is_continued && !self.write.is_one_call() {
                    self.flush().await?;
                }
                if !self.is_stopped() {
                    self.tally.failed(index, error);
                }
                Ok(())
            }
        }
    }

    /// The identifier of a record that changes a row or creates it and has to know which.
    fn either(&self, item: &Item<'_>) -> Result<Option<Id>, ApiError> {
        let is_open = self.target.plan(|scope| Ok(self.write.is_undecided(&item.record, scope)))?;
        let id = || item.id.clone().or_else(|| self.write.id_in(&item.record));
        Ok(if is_open && !self.write.is_one_call() { id() } else { None })
    }

    /// Writes such a record: by itself, after those before it.
    async fn take_either(&mut self, index: usize, item: Item<'_>, id: Id) -> Result<(), ApiError> {
        self.flush().await?;
        if self.is_stopped() {
            return Ok(());
        }
        self.begin().await?;
        let calls = self.session.as_ref().map_or(&self.target.owner, Session::owner);
        let (write, planned) =
            match either::plan((&self.target, calls), self.options, (index, &item, &id)).await {
                Ok(planned) => planned,
                Err(error) if self.is_answer(&error) => return Err(error),
                Err(error) => {
                    self.tally.failed(index, error);
                    return Ok(());
                }
            };
        let usual = std::mem::replace(&mut self.write, write);
        self.gathered = Gathered::default();
        self.gathered.add(planned);
        self.waiting.push(Waiting { index, name: Some(name_of(&id)) });
        let sent = self.flush().await;
        (self.write, self.gathered) = (usual, Gathered::default());
        sent
    }

    async fn planned(&mut self, index: usize, item: Item<'_>) -> Result<(Planned, Option<String>), ApiError> {
        let known = self.write.unknown_names();
        let mut planned = self.plan(index, &item);
        let is_strange = planned.is_err() || self.write.unknown_names() > known;
        if is_strange && self.is_renewed().await? {
            planned = self.plan(index, &item);
        }
        let planned = planned?;
        let id = item.id.or_else(|| self.write.id_in(&item.record));
        let name = id.map(|id| name_of(&id));
        Ok((planned, name))
    }

    /// The record without its related records, and these, where it has some.
    async fn related(&mut self, item: &Item<'_>) -> Result<Option<(Record, Vec<Nested>)>, ApiError> {
        if self.kind == Kind::Delete {
            return Ok(None);
        }
        let related = self.relations.of(&self.target, &item.record).await?;
        match &related {
            Some((_, nested)) if self.is_by_filter => Err(ApiError::nested_by_filter(
                nested.first().map_or("", |nested| nested.relationship.public_name()),
            )),
            Some(_) if self.write.is_one_call() => Err(ApiError::nested_in_one_call()),
            _ => Ok(related),
        }
    }

    /// Writes a record that has related records: by itself, after those before it.
    async fn take_related(
        &mut self,
        index: usize,
        id: Option<Id>,
        (record, nested): (Record, Vec<Nested>),
    ) -> Result<(), ApiError> {
        self.flush().await?;
        if self.is_stopped() {
            return Ok(());
        }
        if self.target.to_mut().renew_for(&record).await? {
            self.write = self.target.plan(|scope| self.write.again(self.options, scope))?;
        }
        self.begin().await?;
        let calls = self.session.as_ref().map_or(&self.target.owner, Session::owner);
        let (target, options) = (&*self.target, self.options);
        let kind = self.kind_of(&record, id.as_ref(), calls).await?;
        let write = target.plan(|scope| Write::new(kind, Selection::Keys, options, scope))?;
        let order = nested::Order { target, calls, kind, options, write, index, id, record, nested };
        let is_apart = order.calls.session.is_none() && target.job.within.is_none();
        let done = if is_apart { nested::run_apart(order).await } else { nested::run(order).await };
        match done {
            Ok(row) => self.tally.wrote(index, 1, std::iter::once(row)),
            Err(error) if self.is_answer(&error) => return Err(error),
            Err(error) => self.tally.failed(index, error),
        }
        Ok(())
    }

    /// What a record with related records does to its row. One that is created, and has to know it, stays what it is and is refused: it would
    /// need the rights of other verbs.
    async fn kind_of(&self, record: &Record, id: Option<&Id>, calls: &Owner) -> Result<Kind, ApiError> {
        let is_open = self.target.plan(|scope| Ok(self.write.is_undecided(record, scope)))?;
        let named = if is_open { id.cloned().or_else(|| self.write.id_in(record)) } else { None };
        let Some(id) = named else { return Ok(self.kind) };
        let kind = either::kind_of((&self.target, calls), self.options, &id).await?;
        Ok(if kind == Kind::Update { kind } else { self.kind })
    }

    /// Whether an error that nothing was written before is the answer to the whole request.
    fn is_answer(&self, error: &ApiError) -> bool {
        self.tally.is_untouched() && !self.options.is_continued && error.is_of_request()
    }

    /// Begins the transaction of all records, where they have one.
    async fn begin(&mut self) -> Result<(), ApiError> {
        if self.options.is_rolled_back && !self.write.is_one_call() && self.session.is_none() {
            self.session = Some(Session::begin(&self.target.owner, &Begin::default()).await?);
        }
        Ok(())
    }

    fn plan(&mut self, index: usize, item: &Item<'_>) -> Result<Planned, ApiError> {
        let write = &mut self.write;
        self.target.plan(|scope| write.record(&item.record, item.id.as_ref(), index, scope))
    }

    /// After a record that does not fit the table: whether the table is another one by now, which the records from here on are for.
    async fn is_renewed(&mut self) -> Result<bool, ApiError> {
        if self.write.is_one_call() {
            return Ok(false);
        }
        let Some(table) = self.target.owner.changed(&self.target.table).await? else { return Ok(false) };
        self.flush().await?;
        self.target.to_mut().table = table;
        self.write = self.target.plan(|scope| self.write.again(self.options, scope))?;
        Ok(true)
    }

    async fn gather(&mut self, planned: Planned, waiting: Waiting) -> Result<(), ApiError> {
        if self.write.is_one_call() {
            let (whole, write, target) = (&mut self.whole, &self.write, &*self.target);
            target.plan(|scope| whole.add(planned, write, target.max_held, scope))?;
            self.waiting.push(waiting);
            return Ok(());
        }
        if !self.gathered.takes(&planned) {
            self.flush().await?;
            if self.is_stopped() {
                return Ok(());
            }
        }
        self.gathered.add(planned);
        self.waiting.push(waiting);
        if self.gathered.is_full(&self.write, self.target.owner.connection.capabilities()) {
            self.flush().await?;
        }
        Ok(())
    }

    /// Sends what is gathered.
    async fn flush(&mut self) -> Result<(), ApiError> {
        if self.write.is_one_call() {
            self.gathered = std::mem::take(&mut self.whole).into_gathered();
        }
        if self.gathered.is_empty() {
            return Ok(());
        }
        let waiting = std::mem::take(&mut self.waiting);
        let (gathered, write) = (&mut self.gathered, &self.write);
        let call = match self.target.plan(|scope| gathered.call(write, scope)) {
            Ok(call) => call,
            Err(error) => return self.broken(&waiting, error),
        };
        self.begin().await?;
        let owner = &self.target.owner;
        let kept = waiting.len().max(kept(&self.target));
        let (columns, numbers) = (self.write.shown(), self.target.layout.numbers());
        let others = self.write.shows_others();
        let shown = Shown { columns, others, as_list: self.options.as_list, numbers, kept };
        match send(self.session.as_ref().map_or(owner, Session::owner), &call, &shown).await {
            Ok(sent) => self.sent(&waiting, sent),
            Err(error) if waiting.len() == 1 && is_a_records(&error) => {
                owner.note(&error);
                waiting.iter().for_each(|record| self.tally.failed(record.index, record.failed(&error)));
                Ok(())
            }
            Err(error) => self.broken(&waiting, owner.failed(error)),
        }
    }

    /// A call that failed as a whole. Before anything was written its error is the answer.
    fn broken(&mut self, waiting: &[Waiting], error: ApiError) -> Result<(), ApiError> {
        if self.tally.is_untouched() {
            return Err(error);
        }
        self.is_broken = true;
        if let Some(first) = waiting.first() {
            self.tally.failed(first.index, error);
        }
        Ok(())
    }

    /// Gives each record its end: those without an outcome did well and own the next row.
    fn sent(&mut self, waiting: &[Waiting], sent: Sent) -> Result<(), ApiError> {
        let errors: Vec<Error> = sent.outcomes.iter().filter_map(failure).collect();
        // One line in the log for each call, not for each record.
        if let Some(error) = errors.iter().find(|error| is_worth_a_line(error)) {
            self.target.owner.note(error);
        }
        let is_alone = waiting.len() == 1;
        let mut rows = sent.rows.into_iter();
        for (record, end) in waiting.iter().zip(ends(&sent.outcomes, waiting.len())) {
            match end {
                Some(outcome) => {
                    let error = failure(outcome).map(|error| record.failed(&error));
                    error.into_iter().for_each(|error| self.tally.failed(record.index, error));
                }
                // A key that is not unique stands alone in its call and brings any number of rows.
                None if is_alone && sent.touched > 0 => {
                    self.tally.wrote(record.index, sent.touched, rows.by_ref());
                }
                None => {
                    let row = rows.next().ok_or_else(|| self.mismatch())?;
                    self.tally.wrote(record.index, 1, std::iter::once(row));
                }
            }
        }
        if rows.next().is_some() { Err(self.mismatch()) } else { Ok(()) }
    }

    fn mismatch(&self) -> ApiError {
        self.target.owner.failed(Error::internal("the connector gave back other rows than it says it wrote"))
    }

    async fn end(mut self) -> Result<Tally, ApiError> {
        match self.session.take() {
            Some(session) if self.tally.has_failed() => session.rollback().await,
            Some(session) => session.commit().await?,
            None => {}
        }
        Ok(self.tally)
    }
}

impl Waiting {
    /// The error of this record. A row that is missing, or that the row rules hide, is not found.
    fn failed(&self, error: &Error) -> ApiError {
        match &self.name {
            Some(name) if is_missing_row(error) => ApiError::unknown_record(name),
            _ => ApiError::from_connector(error),
        }
    }
}

/// The most rows of an answer.
pub(super) fn kept(target: &Target<'_>) -> usize {
    usize::try_from(target.owner.service.max_records()).unwrap_or(usize::MAX)
}
