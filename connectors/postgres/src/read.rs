//! Reads: rows straight from the driver's buffer into the answer, and their number.

use std::borrow::Cow;
use std::pin::pin;

use connector_api::author::{Count, Filter, Path, Query, Request, RowSink, TableRef, Value};
use connector_api::{Error, Result};
use connector_sql_common::{Bound, Statement, build};
use futures_util::StreamExt as _;
use tokio_postgres::Column;

use crate::client::{Params, Parsed, Work};
use crate::store::{Call, Store, key, placed};
use crate::table::TableInfo;
use crate::translate::{PostgresDialect, VALUES};
use crate::types::{Reader, exact_digits, integer, push_value, write_row};

/// A query on its way.
pub(crate) struct Reading<'r> {
    pub(crate) request: &'r Request<Query>,
    pub(crate) out: &'r mut RowSink,
    /// Rows have been handed over: it can't begin anew.
    has_rows: bool,
}

impl<'r> Reading<'r> {
    pub(crate) fn new(request: &'r Request<Query>, out: &'r mut RowSink) -> Self {
        Self { request, out, has_rows: false }
    }
}

impl Call for Reading<'_> {
    type Answer = ();

    async fn once(&mut self, store: &Store, work: &mut Work) -> Result<()> {
        let request = self.request;
        let table = store.table(&request.from, work).await?;
        let statement = store.statement(key(request), (&table, || self.conditions()), |dialect, form| {
            let shape = Query { from: placed(&request.from, &table), ..Query::clone(request) };
            build::query(dialect, &shape, form)
        })?;
        if request.context().wants_statement {
            self.out.summary().statement = Some(statement.sql().to_owned());
        }
        let params = bind(&statement, request.params())?;
        let width = self.announce();
        let others = request.group.as_ref().map_or(0, |group| group.aggregates.len()) + request.compute.len();
        let is_expected = is_expected(store, &table, (&request.select, others), request.filter.as_ref());
        let mut rows = pin!(work.run(statement.sql(), &params, Parsed::Once(&is_expected)).await?);
        let mut readers = Vec::new();
        let mut scratch = String::new();
        while let Some(row) = rows.next().await {
            let row = row.map_err(|error| work.failed(&error))?;
            if readers.is_empty() {
                readers = Reader::of_columns(row.columns().get(..width).unwrap_or_default())?;
            }
            write_row(self.out, &row, &readers, &mut scratch)?;
            self.has_rows = true;
            if let Err(end) = self.out.end_row().await {
                // The statement has the same limit: nothing more comes.
                if end.reason.as_deref() == Some("limit_reached") && rows.next().await.is_none() {
                    work.finished();
                }
                return Err(end);
            }
        }
        work.finished();
        Ok(())
    }

    fn is_repeatable(&self, _: &Error) -> bool {
        !self.has_rows
    }

    fn conditions(&self) -> Vec<&Filter> {
        self.request.filter.iter().collect()
    }

    fn table(&self) -> &TableRef {
        &self.request.from
    }
}

impl Reading<'_> {
    /// Tells the names of the columns, and how many there are.
    fn announce(&mut self) -> usize {
        let aggregates = self.request.group.as_ref().map_or(&[][..], |group| &group.aggregates);
        let selected = self.request.select.iter().map(|path| path.as_column().unwrap_or_default());
        let aggregates = aggregates.iter().map(|aggregate| aggregate.name.as_str());
        let computed = self.request.compute.iter().map(|computed| computed.name.as_str());
        let names: Vec<_> = selected.chain(aggregates).chain(computed).collect();
        let width = names.len();
        self.out.columns(names);
        width
    }
}

/// A count on its way.
pub(crate) struct Counting<'r> {
    pub(crate) request: &'r Request<Count>,
    pub(crate) out: &'r mut RowSink,
}

impl Call for Counting<'_> {
    type Answer = ();

    async fn once(&mut self, store: &Store, work: &mut Work) -> Result<()> {
        let request = self.request;
        let table = store.table(&request.from, work).await?;
        let statement = store.statement(key(request), (&table, || self.conditions()), |dialect, form| {
            let shape = Count { from: placed(&request.from, &table), ..Count::clone(request) };
            build::count(dialect, &shape, form)
        })?;
        if request.context().wants_statement {
            self.out.summary().statement = Some(statement.sql().to_owned());
        }
        let params = bind(&statement, request.params())?;
        let is_expected = is_expected(store, &table, (&[], 1), request.filter.as_ref());
        let mut rows = pin!(work.run(statement.sql(), &params, Parsed::Once(&is_expected)).await?);
        let mut count = None;
        while let Some(row) = rows.next().await {
            let row = row.map_err(|error| work.failed(&error))?;
            count = u64::try_from(integer(&row, 0)?).ok();
        }
        work.finished();
        self.out.summary().count = count;
        Ok(())
    }

    fn is_repeatable(&self, _: &Error) -> bool {
        true
    }

    fn conditions(&self) -> Vec<&Filter> {
        self.request.filter.iter().collect()
    }

    fn table(&self) -> &TableRef {
        &self.request.from
    }
}

/// Whether the columns of a result are [what they have to be](expected).
fn is_expected<'r>(
    store: &'r Store,
    table: &'r TableInfo,
    wanted: (&'r [Path], usize),
    condition: Option<&'r Filter>,
) -> impl Fn(&[Column]) -> bool + Sync + 'r {
    move |columns| {
        let expected = expected(store, table, wanted, condition);
        expected.is_ok_and(|expected| Reader::agree(&expected, columns))
    }
}

/// What the columns of a result have to be, as the tables are known: those that are wanted, so many others, those that are watched.
fn expected(
    store: &Store,
    table: &TableInfo,
    (wanted, others): (&[Path], usize),
    condition: Option<&Filter>,
) -> Result<Vec<Option<Reader>>> {
    let beside = store.known.beside(condition.into_iter().collect());
    let beside = PostgresDialect::of_each(&beside);
    let dialect = PostgresDialect { beside: &beside, ..PostgresDialect::of(table) };
    let watched = build::watched_beside(&dialect, condition, wanted);
    let own = wanted.iter().map(|path| Ok(Reader::of_class(table.column(path)?.class)));
    let watched = watched.iter().map(|watched| Ok(Reader::of_class(dialect.class_of(watched)?)));
    own.chain((0..others).map(|_| Ok(None))).chain(watched).collect()
}

/// The values of a statement that has no record.
///
/// # Errors
/// As [`push_param`].
pub(crate) fn bind(statement: &Statement, values: &[Value]) -> Result<Params> {
    let mut params = Params::default();
    statement.bind(&VALUES, values, |bound| match bound {
        Bound::Value(value) => push_param(&mut params, &value),
        Bound::Cell(_) => Err(Error::internal("a read has no record")),
    })?;
    Ok(params)
}

/// Adds a value of the request. Where it meets digits, a binary fraction has to have all of its own.
///
/// # Errors
/// [`connector_api::ErrorKind::InvalidRequest`] for what no column can hold.
pub(crate) fn push_param(params: &mut Params, value: &Value) -> Result<()> {
    match exact(value).as_ref() {
        Value::Null | Value::Absent => params.null(),
        value => params.value(|bytes| push_value(bytes, value))?,
    }
    Ok(())
}

fn exact(value: &Value) -> Cow<'_, Value> {
    match value {
        Value::F64(number) => Cow::Owned(Value::Decimal(exact_digits(*number))),
        Value::F32(number) => Cow::Owned(Value::Decimal(exact_digits(f64::from(*number)))),
        Value::List(items) if items.iter().any(|item| matches!(item, Value::F32(_) | Value::F64(_))) => {
            Cow::Owned(Value::List(items.iter().map(|item| exact(item).into_owned()).collect()))
        }
        other => Cow::Borrowed(other),
    }
}
