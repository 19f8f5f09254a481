//! What the connector declares, and the calls of the contract handed to the rooms that do them.

use connector_api::author::{
    Begin, Capabilities, Connector, Context, Count, Delete, Descriptor, Insert, Open, Path, Query, Request,
    Result, RowSink, ServiceType, Summary, Table, TableName, TableRef, Update, Upsert,
};

use crate::client::{Scan, Store};
use crate::columns::Columns;
use crate::condition::paths_of;
use crate::config::Config;
use crate::error;
use crate::session::{Work, commit, roll_back};
use crate::write::{Named, Target, Written};
use crate::{read, statement, write};

/// One service: a database.
pub(crate) struct Mongodb {
    store: Store,
}

impl Connector for Mongodb {
    type Config = Config;

    fn describe() -> Descriptor {
        let service_type = ServiceType::new("mongodb", "MongoDB")
            .description("Collections of MongoDB and of servers that speak its protocol")
            .capabilities(capabilities());
        Descriptor::new("mongodb", env!("CARGO_PKG_VERSION"), vec![service_type])
    }

    async fn open(open: Open<Config>) -> Result<Self> {
        Ok(Self { store: Store::open(open.config).await? })
    }

    /// A server that is no member of a replica set has no transactions, and nothing that needs one.
    fn capabilities(&self, declared: &Capabilities) -> Capabilities {
        if self.store.has_transactions { declared.clone() } else { alone() }
    }

    async fn ping(&self) -> Result<()> {
        self.store.ping().await
    }

    async fn list_tables(&self) -> Result<Vec<TableName>> {
        self.store.list().await
    }

    async fn describe_tables(&self, tables: &[TableRef]) -> Result<Vec<Table>> {
        let layouts = self.store.describe(tables).await?;
        Ok(layouts.iter().map(|layout| layout.description.clone()).collect())
    }

    async fn query(&self, request: Request<Query>, out: &mut RowSink) -> Result<()> {
        let layout = self.store.layout(&request.from, &read::named(&request)).await?;
        let mut work = self.store.work(request.context()).await?;
        let mut scan = Scan::new(&self.store, &mut work, request.context());
        let ended = read::query(&mut scan, &layout, &request, out).await;
        out.summary().statement = scan.statement.take();
        work.keep();
        ended
    }

    async fn count(&self, request: Request<Count>, out: &mut RowSink) -> Result<()> {
        let mut paths = Vec::new();
        request.filter.iter().for_each(|filter| paths_of(filter, &mut |path| paths.push(path)));
        let layout = self.store.layout(&request.from, &paths).await?;
        let mut work = self.store.work(request.context()).await?;
        let mut scan = Scan::new(&self.store, &mut work, request.context());
        let ended = read::count(&mut scan, &layout, &request).await;
        out.summary().statement = scan.statement.take();
        work.keep();
        out.summary().count = Some(ended?);
        Ok(())
    }

    async fn insert(&self, request: Request<Insert>, out: &mut RowSink) -> Result<()> {
        let (target, mut work) = self.target(&request.into, &*request, request.context()).await?;
        if request.context().wants_statement {
            out.summary().statement = Some(statement::of_insert(&request));
        }
        let ended = write::insert(&target, &mut work, &request).await;
        finish(work, ended, (&request.returning, request.others), out).await
    }

    async fn update(&self, request: Request<Update>, out: &mut RowSink) -> Result<()> {
        let (target, mut work) = self.target(&request.table, &*request, request.context()).await?;
        if request.context().wants_statement {
            out.summary().statement = statement::of_update(&request, &target.layout).ok();
        }
        let ended = write::update(&target, &mut work, &request).await;
        finish(work, ended, (&request.returning, request.others), out).await
    }

    async fn upsert(&self, request: Request<Upsert>, out: &mut RowSink) -> Result<()> {
        let (target, mut work) = self.target(&request.into, &*request, request.context()).await?;
        if request.context().wants_statement {
            out.summary().statement = Some(statement::of_upsert(&request));
        }
        let ended = write::upsert(&target, &mut work, &request).await;
        finish(work, ended, (&request.returning, request.others), out).await
    }

    async fn delete(&self, request: Request<Delete>, out: &mut RowSink) -> Result<()> {
        let (target, mut work) = self.target(&request.from, &*request, request.context()).await?;
        if request.context().wants_statement {
            out.summary().statement = statement::of_delete(&request, &target.layout).ok();
        }
        let ended = write::delete(&target, &mut work, &request).await;
        finish(work, ended, (&request.returning, request.others), out).await
    }

    async fn begin(&self, request: Request<Begin>) -> Result<u64> {
        let mut work = self.store.work(&Context::default()).await?;
        work.begin().await?;
        drop(request);
        self.store.sessions.begin(work.into_own().ok_or_else(error::session_lost)?)
    }

    async fn commit(&self, context: Context) -> Result<Summary> {
        let mut session = self.store.sessions.end(context.session)?.ok_or_else(error::session_lost)?;
        commit(&mut session).await.map(|()| Summary::default())
    }

    async fn rollback(&self, context: Context) -> Result<Summary> {
        // Of one that is lost nothing is left to undo.
        if let Some(mut session) = self.store.sessions.end(context.session)? {
            roll_back(&mut session).await;
        }
        Ok(Summary::default())
    }
}

impl Mongodb {
    async fn target<'a>(
        &'a self,
        table: &'a TableRef,
        shape: &impl Named,
        context: &Context,
    ) -> Result<(Target<'a>, Work)> {
        let layout = self.store.layout(table, &shape.names()).await?;
        let work = self.store.work(context).await?;
        Ok((Target { store: &self.store, table, layout }, work))
    }
}

/// Gives the transaction back, then answers.
async fn finish(
    work: Work,
    ended: Result<Written>,
    (returning, others): (&[Path], bool),
    out: &mut RowSink,
) -> Result<()> {
    work.keep();
    let Written { affected, outcomes, rows } = ended?;
    out.summary().affected = Some(affected);
    outcomes.into_iter().for_each(|outcome| out.outcome(outcome));
    if returning.is_empty() {
        return Ok(());
    }
    let mut columns = Columns::of(returning, others);
    columns.announce(out);
    for row in &rows {
        columns.send(row, out)?;
        out.end_row().await?;
    }
    Ok(())
}

/// Everything but filters on related rows, routines and schema changes.
fn capabilities() -> Capabilities {
    Capabilities {
        update_where: true,
        delete_where: true,
        write_expressions: true,
        row_rules: true,
        on_error_atomic: true,
        transactions: true,
        ..alone()
    }
}

/// What needs no transaction.
fn alone() -> Capabilities {
    Capabilities {
        query: true,
        count: true,
        order: true,
        order_nulls: true,
        offset: true,
        filter_compare: true,
        filter_in: true,
        filter_between: true,
        filter_null: true,
        filter_like: true,
        filter_ilike: true,
        filter_text: true,
        filter_or: true,
        filter_not: true,
        filter_expressions: true,
        filter_paths: true,
        open_columns: true,
        distinct: true,
        aggregates: true,
        insert: true,
        update_by_key: true,
        upsert: true,
        delete_by_key: true,
        returning: true,
        on_error_continue: true,
        // The server takes documents of at most 100 levels, and a level of a filter becomes two of them.
        max_filter_depth: Some(40),
        ..Capabilities::default()
    }
}

#[cfg(test)]
mod tests;
