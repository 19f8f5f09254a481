//! What is the same for all records of a call: the columns and where their cells stand, the row rules, what the store can test of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use connector_api::author::{
    Assignment, Delete, Error, Existing, Filter, Insert, OnError, Path, Request, Result, Selector, TableRef,
    Update, UpdateMode, Upsert, Value,
};
use connector_common::evaluate::{Computed, Condition, member};

use crate::client::Deadline;
use crate::connector::Store;
use crate::schema::Layout;
use crate::translate::{Test, computed_columns, filter_columns, push};
use crate::types::{Attribute, MAX_NAME};

/// What happens to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Insert,
    Update(UpdateMode),
    Upsert(UpdateMode),
    Delete,
}

/// A cell of a record, and its column.
pub(super) struct Cell<'r> {
    pub(super) place: usize,
    pub(super) column: &'r str,
}

/// A row rule on a row as it is.
pub(super) struct Guard<'r> {
    condition: Condition<'r>,
    /// The rule in the store's words; `None`: it has none for it.
    pub(super) test: Option<Test>,
}

/// One call that writes.
pub(super) struct Job<'r> {
    pub(super) store: &'r Store,
    pub(super) table: &'r TableRef,
    pub(super) layout: Arc<Layout>,
    pub(super) deadline: Deadline,
    pub(super) kind: Kind,
    /// Cells that name the row.
    pub(super) named_by: Vec<Cell<'r>>,
    /// Cells that are set.
    pub(super) set: Vec<Cell<'r>>,
    pub(super) computed: Vec<&'r str>,
    pub(super) compute: Computed<'r>,
    pub(super) guard: Guard<'r>,
    pub(super) check: Option<Condition<'r>>,
    /// Columns on which rules and computed columns depend.
    pub(super) watched: BTreeSet<&'r str>,
    pub(super) is_returning: bool,
    /// The row as it is has to be known before it is written, whatever the record.
    pub(super) needs_old: bool,
}

/// The parts of a request that decide about one row.
struct Parts<'r> {
    kind: Kind,
    named_by: &'r [Path],
    set: &'r [Path],
    compute: &'r [Assignment],
    guard: Option<&'r Filter>,
    check: Option<&'r Filter>,
    /// All records or none: of several that fail the first is told, so each is looked at before.
    is_atomic: bool,
    is_returning: bool,
}

impl<'r> Job<'r> {
    pub(super) async fn insert(store: &'r Store, request: &'r Request<Insert>) -> Result<Self> {
        let parts = Parts {
            kind: Kind::Insert,
            named_by: &[],
            set: &request.columns,
            compute: &request.compute,
            guard: None,
            check: request.check.as_ref(),
            is_atomic: request.on_error == OnError::Atomic,
            is_returning: !request.returning.is_empty(),
        };
        Self::new(store, request, &request.into, parts).await
    }

    pub(super) async fn update(store: &'r Store, request: &'r Request<Update>) -> Result<Self> {
        let (named_by, guard) = selected(&request.rows);
        let is_returning = !request.returning.is_empty();
        let parts = Parts {
            kind: Kind::Update(request.mode),
            named_by,
            set: &request.set,
            compute: &request.compute,
            guard,
            check: request.check.as_ref(),
            is_atomic: request.on_error == OnError::Atomic,
            is_returning,
        };
        Self::new(store, request, &request.table, parts).await
    }

    pub(super) async fn upsert(store: &'r Store, request: &'r Request<Upsert>) -> Result<Self> {
        let mode = match request.existing {
            Existing::Merge => UpdateMode::Merge,
            Existing::Replace => UpdateMode::Replace,
        };
        let is_returning = !request.returning.is_empty();
        let parts = Parts {
            kind: Kind::Upsert(mode),
            named_by: &[],
            set: &request.columns,
            compute: &[],
            guard: request.guard.as_ref(),
            check: request.check.as_ref(),
            is_atomic: request.on_error == OnError::Atomic,
            is_returning,
        };
        let job = Self::new(store, request, &request.into, parts).await?;
        let names: BTreeSet<&str> = request.key.iter().filter_map(Path::as_column).collect();
        if names != job.layout.keys.names().into_iter().collect() {
            return Err(key_required("an upsert by columns that are not the key of the table"));
        }
        Ok(job)
    }

    pub(super) async fn delete(store: &'r Store, request: &'r Request<Delete>) -> Result<Self> {
        let (named_by, guard) = selected(&request.rows);
        let is_returning = !request.returning.is_empty();
        let parts = Parts {
            kind: Kind::Delete,
            named_by,
            set: &[],
            compute: &[],
            guard,
            check: None,
            is_atomic: request.on_error == OnError::Atomic,
            is_returning,
        };
        Self::new(store, request, &request.from, parts).await
    }

    async fn new<S>(
        store: &'r Store,
        request: &'r Request<S>,
        table: &'r TableRef,
        parts: Parts<'r>,
    ) -> Result<Self> {
        let deadline = Deadline::of(request.context());
        let layout = store.layout(table, deadline).await?;
        let named_by = cells(parts.named_by, 0)?;
        if !named_by.is_empty()
            && !layout.keys.names().iter().all(|name| named_by.iter().any(|cell| cell.column == *name))
        {
            return Err(key_required("writing rows that are not named by the key of the table"));
        }
        let mut watched = BTreeSet::new();
        parts.guard.into_iter().chain(parts.check).for_each(|rule| filter_columns(rule, &mut watched));
        computed_columns(parts.compute, &mut watched);
        watched.extend(named_by.iter().map(|cell| cell.column));
        let guard = Guard::new(parts.guard, request.params())?;
        let looks_back = parts.check.is_some() || !parts.compute.is_empty() || guard.test.is_none();
        let needs_old = parts.is_atomic || (parts.kind != Kind::Insert && looks_back);
        let check = parts.check.map(|check| Condition::new(Some(check), request.params()));
        Ok(Self {
            store,
            table,
            layout,
            deadline,
            kind: parts.kind,
            set: cells(parts.set, parts.named_by.len())?,
            named_by,
            computed: parts
                .compute
                .iter()
                .map(|assignment| column(&assignment.column))
                .collect::<Result<_>>()?,
            compute: Computed::new(parts.compute, request.params())?,
            guard,
            check: check.transpose()?.map(Condition::minding_case),
            watched,
            is_returning: parts.is_returning,
            needs_old,
        })
    }
}

impl Job<'_> {
    /// Whether the row as it is has to be known before this record is written.
    pub(super) fn looks_back(&self, record: &[Value]) -> bool {
        let has_forms = |cell: &Cell<'_>| {
            let value = record.get(cell.place).and_then(|value| Attribute::from_value(value).ok());
            !self.layout.keys.has(cell.column) && value.is_some_and(|value| value.has_forms())
        };
        self.needs_old || (self.keeps_types() && self.set.iter().any(has_forms))
    }

    /// Rows that the caller names are rows that it has read: what comes back has the types of the store again. A write by filter sets one
    /// value for all rows.
    pub(super) fn keeps_types(&self) -> bool {
        match self.kind {
            Kind::Upsert(_) => true,
            Kind::Update(_) => !self.named_by.is_empty(),
            Kind::Insert | Kind::Delete => false,
        }
    }
}

impl<'r> Guard<'r> {
    fn new(filter: Option<&'r Filter>, params: &'r [Value]) -> Result<Self> {
        let pushed = push(filter, params, &|_| false);
        let is_said = pushed.is_exact && pushed.test.fits();
        Ok(Self {
            condition: Condition::new(filter, params)?.minding_case(),
            test: is_said.then_some(pushed.test),
        })
    }

    /// Whether it holds on a row.
    pub(super) fn holds(&self, row: &Value) -> Result<bool> {
        self.condition.matches(&|path: &Path| Ok(member(row, path.segments())))
    }
}

/// The columns that name a row, and the rule on it. The filter of a write by filter is such a rule: the row must still match.
fn selected(rows: &Selector) -> (&[Path], Option<&Filter>) {
    match rows {
        Selector::Where(filter) => (&[], Some(filter)),
        Selector::Keys { columns, guard } => (columns, guard.as_ref()),
    }
}

fn cells(columns: &[Path], first: usize) -> Result<Vec<Cell<'_>>> {
    let cell = |(place, path)| Ok(Cell { place, column: column(path)? });
    (first..).zip(columns).map(cell).collect()
}

fn column(path: &Path) -> Result<&str> {
    match path.as_column() {
        Some("") => Err(crate::error::invalid("a column has an empty name; expected at least one character")),
        Some(name) if name.len() > MAX_NAME => Err(crate::error::name_too_large()),
        Some(name) => Ok(name),
        None => Err(Error::unsupported("writing a member of a document")),
    }
}

fn key_required(feature: &str) -> Error {
    Error::unsupported(feature).with_reason("key_required")
}
