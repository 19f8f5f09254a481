//! Reads: rows as the driver reads them into the answer, and their number.

use connector_api::author::{AggregateFunction, Count, Filter, Query, Request, RowSink, TableRef};
use connector_api::{Error, Result};
use connector_sql_common::{Bound, Statement, build};

use crate::client::Work;
use crate::store::{Call, Store, key};
use crate::table::TableInfo;
use crate::translate::VALUES;
use crate::types::{Class, Reader, integer, parameter, write_row};

/// A query on its way.
pub(crate) struct Reading<'r> {
    request: &'r Request<Query>,
    out: &'r mut RowSink,
    /// Rows have been handed over: it can't begin anew.
    has_rows: bool,
}

impl<'r> Reading<'r> {
    pub(crate) fn new(request: &'r Request<Query>, out: &'r mut RowSink) -> Self {
        Self { request, out, has_rows: false }
    }

    fn announce(&mut self) {
        let aggregates = self.request.group.as_ref().map_or(&[][..], |group| &group.aggregates);
        let selected = self.request.select.iter().map(|path| path.as_column().unwrap_or_default());
        let aggregates = aggregates.iter().map(|aggregate| aggregate.name.as_str());
        let computed = self.request.compute.iter().map(|computed| computed.name.as_str());
        let names: Vec<_> = selected.chain(aggregates).chain(computed).collect();
        self.out.columns(names);
    }
}

/// How the columns of the answer are read; of what is computed the server says it.
fn readers(request: &Query, table: &TableInfo) -> Result<Vec<Reader>> {
    let selected = request.select.iter().map(|path| table.class(path).map(Reader::Column));
    let aggregates = request.group.as_ref().map_or(&[][..], |group| &group.aggregates);
    let aggregates = aggregates.iter().map(|aggregate| {
        let Some(column) = &aggregate.of else { return Ok(Reader::Number) };
        let class = table.class(column)?;
        Ok(match aggregate.function {
            AggregateFunction::Count => Reader::Number,
            AggregateFunction::Min | AggregateFunction::Max => Reader::Column(class),
            AggregateFunction::Sum | AggregateFunction::Avg => Reader::of_sum(aggregate.function, class),
        })
    });
    selected.chain(aggregates).collect()
}

impl Call for Reading<'_> {
    type Answer = ();

    async fn once(&mut self, store: &Store, work: &mut Work) -> Result<()> {
        let request = self.request;
        let table = store.table(&request.from, work).await?;
        let statement = store.statement(key(request), (&table, || self.conditions()), |dialect, form| {
            build::query(dialect, request, form)
        })?;
        if request.context().wants_statement {
            self.out.summary().statement = Some(statement.sql().to_owned());
        }
        let mut readers = readers(request, &table)?;
        let values = bind(&statement, request.params())?;
        self.announce();
        let mut rows = work.run(statement.sql(), values).await?;
        let described = readers.len();
        while let Some(row) = rows.next().await? {
            if readers.len() == described {
                let computed = row.columns_ref().iter().skip(described).take(request.compute.len());
                readers.extend(computed.map(|column| Reader::Column(Class::of_column(column))));
            }
            write_row(self.out, |place| row.as_ref(place), &readers)?;
            self.has_rows = true;
            if let Err(end) = self.out.end_row().await {
                // The statement has the same limit: nothing more comes.
                rows.next().await?;
                return Err(end);
            }
        }
        Ok(())
    }

    fn is_repeatable(&self, _: &Error) -> bool {
        !self.has_rows
    }

    fn table(&self) -> &TableRef {
        &self.request.from
    }

    fn conditions(&self) -> Vec<&Filter> {
        self.request.filter.iter().collect()
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
            build::count(dialect, request, form)
        })?;
        if request.context().wants_statement {
            self.out.summary().statement = Some(statement.sql().to_owned());
        }
        let rows = work.run(statement.sql(), bind(&statement, request.params())?).await?.all().await?;
        self.out.summary().count = rows.first().and_then(|row| u64::try_from(integer(row, 0)?).ok());
        Ok(())
    }

    fn is_repeatable(&self, _: &Error) -> bool {
        true
    }

    fn table(&self) -> &TableRef {
        &self.request.from
    }

    fn conditions(&self) -> Vec<&Filter> {
        self.request.filter.iter().collect()
    }
}

fn bind(statement: &Statement, params: &[connector_api::author::Value]) -> Result<Vec<mysql_async::Value>> {
    let mut values = Vec::new();
    statement.bind(&VALUES, params, |bound| match bound {
        Bound::Value(value) => {
            values.push(parameter(&value)?);
            Ok(())
        }
        Bound::Cell(_) => Err(Error::internal("a read has no record")),
    })?;
    Ok(values)
}
