//! Reads: pages of a Query or a Scan, of which the store tests what it can and this connector the rest, within a bound.

mod pages;

use std::collections::BTreeSet;

use connector_api::author::CellWriter as _;
use connector_api::author::{
    Count, Error, ErrorKind, Path, Query, Request, Result, RowSink, TableRef, Value,
};
use connector_common::evaluate::{Condition, first_in_order, member};

use crate::client::Deadline;
use crate::connector::Store;
use crate::error::scan_limit;
use crate::schema::Layout;
use crate::translate::{Access, Question, Test, filter_columns, push};
use crate::types::{Item, document, size};
use pages::{Pages, Plan, Position};

/// The most bytes of rows that are held at once, to sort or to change them.
const MAX_HELD_BYTES: usize = 64 * 1024 * 1024;

/// What is asked of a table.
struct Wish<'q> {
    question: Question<'q>,
    /// Columns and members of the answer; `None`: whole items.
    select: Option<&'q [Path]>,
    deadline: Deadline,
}

impl<'s> Plan<'s> {
    /// Decides how the items are found, and what of the filter the store tests.
    fn new(store: &'s Store, layout: &'s Layout, wish: &Wish<'s>) -> Result<Self> {
        let Wish { question, select, deadline } = *wish;
        let mut columns: BTreeSet<&'s str> = layout.keys.names().into_iter().collect();
        columns.extend(select.into_iter().flatten().filter_map(Path::as_column));
        columns.extend(question.order.iter().filter_map(|item| first_segment(&item.by)));
        if let Some(filter) = question.filter {
            filter_columns(filter, &mut columns);
        }
        let looked_at = select
            .map(|select| select.iter().filter_map(first_segment).chain(columns.iter().copied()).collect());
        let access = Access::choose(layout, question, looked_at.as_ref());
        let keys = access.index.map_or(&layout.keys, |index| &index.keys);
        columns.extend(keys.names());
        // A Query tests its keys by themselves and refuses them in the filter.
        let is_query = access.keys.is_some();
        let mut pushed = push(question.filter, question.params, &|name| is_query && keys.has(name));
        if !pushed.test.fits() {
            (pushed.test, pushed.is_exact) = (Test::All, false);
        }
        let condition = Condition::new(question.filter, question.params)?.minding_case();
        Ok(Self {
            store,
            layout,
            access,
            test: pushed.test,
            rest: (!pushed.is_exact).then_some(condition),
            columns: select.is_some().then_some(columns),
            select: select.unwrap_or_default().to_vec(),
            deadline,
        })
    }

    /// Whether an item that the store gave matches.
    fn matches(&self, row: &Value) -> Result<bool> {
        match &self.rest {
            Some(condition) => condition.matches(&|path: &Path| Ok(member(row, path.segments()))),
            None => Ok(true),
        }
    }
}

fn first_segment(path: &Path) -> Option<&str> {
    path.segments().first().map(String::as_str)
}

/// Sends what a query asks for.
///
/// # Errors
/// An order that no token can go through; a read beyond the bound; what the filter can't compute; what the store says.
pub(crate) async fn query(store: &Store, request: &Request<Query>, out: &mut RowSink) -> Result<()> {
    let deadline = Deadline::of(request.context());
    let layout = store.layout(&request.from, deadline).await?;
    let question =
        Question { filter: request.filter.as_ref(), order: &request.order, params: request.params() };
    let select = Some(&*request.select).filter(|_| !request.others);
    let plan = Plan::new(store, &layout, &Wish { question, select, deadline })?;
    let is_ordered = plan.access.is_ordered;
    let mut answer = Answer::new(request)?;
    answer.shown.announce(out);
    if request.context().wants_statement {
        out.summary().statement = Some(plan.statement(!is_ordered));
    }
    let start = match request.after.map(|after| request.param(after)).transpose()? {
        Some(_) if !is_ordered => return Err(unordered()),
        Some(Value::Text(token)) => Position::read(token)?,
        _ => Position::default(),
    };
    let pages = Pages::new(&plan, start);
    let sent =
        if is_ordered { answer.send(pages, out).await } else { answer.sort(pages, request, out).await };
    store.noticed(&request.from, sent)
}

/// The number of matching rows.
///
/// # Errors
/// As [`query`].
pub(crate) async fn count(store: &Store, request: &Request<Count>, out: &mut RowSink) -> Result<()> {
    let deadline = Deadline::of(request.context());
    let layout = store.layout(&request.from, deadline).await?;
    let question = Question { filter: request.filter.as_ref(), order: &[], params: request.params() };
    let plan = Plan::new(store, &layout, &Wish { question, select: Some(&[]), deadline })?;
    if request.context().wants_statement {
        out.summary().statement = Some(plan.statement(false));
    }
    let counted = counted(&plan).await;
    out.summary().count = Some(store.noticed(&request.from, counted)?);
    Ok(())
}

async fn counted(plan: &Plan<'_>) -> Result<u64> {
    let mut pages = Pages::new(plan, Position::default());
    let mut count = 0;
    if plan.rest.is_none() {
        while let Some(page) = pages.next_count().await? {
            count += page;
            pages.check_bound(0)?;
        }
        return Ok(count);
    }
    while let Some(items) = pages.next(u64::MAX).await? {
        for item in items {
            count += u64::from(plan.matches(&document(item))?);
        }
        pages.check_bound(0)?;
    }
    Ok(count)
}

/// All matching items, whole, for a write by filter.
///
/// # Errors
/// As [`query`].
pub(crate) async fn matching(
    store: &Store,
    (layout, table): (&Layout, &TableRef),
    question: Question<'_>,
    deadline: Deadline,
) -> Result<Vec<Item>> {
    let plan = Plan::new(store, layout, &Wish { question, select: None, deadline })?;
    let mut pages = Pages::new(&plan, Position::default());
    let (mut found, mut bytes) = (Vec::new(), 0);
    while let Some(items) = store.noticed(table, pages.next(u64::MAX).await)? {
        for item in items {
            if plan.matches(&document(item.clone()))? {
                bytes = held(bytes, &item)?;
                found.push(item);
            }
        }
        pages.check_bound(0)?;
    }
    Ok(found)
}

/// Which rows are sent.
struct Answer<'q> {
    shown: Shown<'q>,
    limit: u64,
    /// A short page with a token will do.
    is_paged: bool,
}

impl<'q> Answer<'q> {
    fn new(request: &'q Request<Query>) -> Result<Self> {
        Ok(Self {
            shown: Shown::new(&request.select, request.others),
            limit: request.row_count(request.limit)?,
            is_paged: request.after.is_some(),
        })
    }

    /// Sends rows as they are found; the sink ends it at the limit.
    async fn send(&mut self, mut pages: Pages<'_>, out: &mut RowSink) -> Result<()> {
        let mut sent = 0;
        while let Some(items) = pages.next(self.limit.saturating_sub(sent)).await? {
            let last = items.len().saturating_sub(1);
            for (place, item) in items.into_iter().enumerate() {
                let behind = (sent + 1 == self.limit).then(|| pages.behind(&item));
                let row = document(item);
                if !pages.plan().matches(&row)? {
                    continue;
                }
                sent += 1;
                if let Some(behind) = behind.filter(|_| place < last || !pages.is_over()) {
                    out.summary().next = Some(behind.token()?);
                }
                self.shown.row(&row, out).await?;
            }
            match pages.check_bound(sent) {
                // A page may be short: the next one goes on from here.
                Err(_) if self.is_paged => {
                    out.summary().next = pages.position().map(Position::token).transpose()?;
                    return Ok(());
                }
                checked => checked?,
            }
        }
        Ok(())
    }

    /// Reads all rows, puts them in order and sends the first ones.
    async fn sort(&mut self, mut pages: Pages<'_>, request: &Query, out: &mut RowSink) -> Result<()> {
        let (mut rows, mut bytes) = (Vec::new(), 0);
        while let Some(items) = pages.next(u64::MAX).await? {
            for item in items {
                let with_item = held(bytes, &item)?;
                let row = document(item);
                if pages.plan().matches(&row)? {
                    bytes = with_item;
                    rows.push(row);
                }
            }
            pages.check_bound(0)?;
        }
        let wanted = usize::try_from(self.limit).unwrap_or(usize::MAX);
        for row in first_in_order(rows.iter().collect(), &request.order, wanted, &cell)? {
            self.shown.row(row, out).await?;
        }
        Ok(())
    }
}

/// What of a row is sent.
pub(crate) struct Shown<'q> {
    select: &'q [Path],
    /// The names of the columns that are announced: those of `select`, then the others of the last row.
    names: Vec<String>,
    /// Every other attribute of a row is sent as well.
    has_others: bool,
}

impl<'q> Shown<'q> {
    pub(crate) fn new(select: &'q [Path], has_others: bool) -> Self {
        Self { select, names: select.iter().map(|path| path.segments().join(".")).collect(), has_others }
    }

    pub(crate) fn announce(&self, out: &mut RowSink) {
        out.columns(self.names.iter().map(String::as_str));
    }

    pub(crate) async fn row(&mut self, row: &Value, out: &mut RowSink) -> Result<()> {
        let others = if self.has_others { self.others(row) } else { Vec::new() };
        let announced = self.names.get(self.select.len()..).unwrap_or_default();
        if !announced.iter().eq(others.iter().map(|(name, _)| *name)) {
            self.names.truncate(self.select.len());
            self.names.extend(others.iter().map(|(name, _)| (*name).clone()));
            self.announce(out);
        }
        for path in self.select {
            out.value(member(row, path.segments()));
        }
        others.into_iter().for_each(|(_, value)| out.value(value));
        out.end_row().await
    }

    /// The attributes that are not selected.
    fn others<'r>(&self, row: &'r Value) -> Vec<(&'r String, &'r Value)> {
        let Value::Object(members) = row else { return Vec::new() };
        let is_selected = |name: &str| self.select.iter().any(|path| path.as_column() == Some(name));
        members.iter().map(|(name, value)| (name, value)).filter(|(name, _)| !is_selected(name)).collect()
    }
}

fn cell<'r>(row: &'r Value, path: &Path) -> Result<&'r Value> {
    Ok(member(row, path.segments()))
}

/// The bytes held with one more item.
fn held(bytes: usize, item: &Item) -> Result<usize> {
    let bytes = bytes.saturating_add(size(item));
    if bytes <= MAX_HELD_BYTES {
        return Ok(bytes);
    }
    let message = "the request needs more than 64 MiB of rows at once; name a key in the filter, or order by a sort key";
    Err(Error::new(ErrorKind::LimitExceeded, message).with_reason("memory_limit"))
}

fn unordered() -> Error {
    Error::unsupported("paging by token through an order that no sort key gives")
        .with_reason("order_without_key")
}

/// Refuses a read that has gone too far.
fn within(discarded: u64, limit: u64) -> Result<()> {
    if discarded > limit { Err(scan_limit(limit)) } else { Ok(()) }
}
