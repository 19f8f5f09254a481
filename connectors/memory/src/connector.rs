//! What the connector declares, and the calls of the contract handed to the store.

use connector_api::author::CellWriter as _;
use connector_api::author::{
    Begin, Capabilities, Connector, Context, Count, Delete, Descriptor, Insert, Open, Path, Query, Request,
    Result, RowSink, ServiceType, Summary, Table as Description, TableKind, TableName, TableRef, Update,
    Upsert,
};
use connector_common::evaluate::Condition;

use crate::client::{Draft, Store};
use crate::config::Config;
use crate::write::Written;
use crate::{read, write};

/// One service: its tables.
pub(crate) struct Memory {
    store: Store,
}

impl Connector for Memory {
    type Config = Config;

    fn describe() -> Descriptor {
        let service_type = ServiceType::new("memory", "Memory")
            .description("Tables written in the configuration or in a JSON file, held in memory")
            .capabilities(capabilities());
        Descriptor::new("memory", env!("CARGO_PKG_VERSION"), vec![service_type])
    }

    async fn open(open: Open<Config>) -> Result<Self> {
        Ok(Self { store: Store::load(open.config).await? })
    }

    fn capabilities(&self, declared: &Capabilities) -> Capabilities {
        if self.store.is_read_only() { reads() } else { declared.clone() }
    }

    async fn list_tables(&self) -> Result<Vec<TableName>> {
        let name = |name| TableName { table: TableRef::new(name), kind: TableKind::Table };
        Ok(self.store.view(None)?.names().map(name).collect())
    }

    async fn describe_tables(&self, tables: &[TableRef]) -> Result<Vec<Description>> {
        let view = self.store.view(None)?;
        let found = tables.iter().filter_map(|table| view.table(table).ok());
        Ok(found.map(|table| table.layout().description.clone()).collect())
    }

    async fn query(&self, request: Request<Query>, out: &mut RowSink) -> Result<()> {
        let view = self.store.view(request.context().session)?;
        read::query(view.table(&request.from)?, &request, out).await
    }

    async fn count(&self, request: Request<Count>, out: &mut RowSink) -> Result<()> {
        let view = self.store.view(request.context().session)?;
        let condition = Condition::new(request.filter.as_ref(), request.params())?;
        out.summary().count = Some(read::count(view.table(&request.from)?, &condition).await?);
        Ok(())
    }

    async fn insert(&self, request: Request<Insert>, out: &mut RowSink) -> Result<()> {
        let draft = self.draft(request.context(), &request.into, &request.returning).await?;
        let written = write::insert(draft.table(), &request).await?;
        finish(draft, written, &request.returning, out).await
    }

    async fn update(&self, request: Request<Update>, out: &mut RowSink) -> Result<()> {
        let draft = self.draft(request.context(), &request.table, &request.returning).await?;
        let written = write::update(draft.table(), &request).await?;
        finish(draft, written, &request.returning, out).await
    }

    async fn upsert(&self, request: Request<Upsert>, out: &mut RowSink) -> Result<()> {
        let draft = self.draft(request.context(), &request.into, &request.returning).await?;
        let written = write::upsert(draft.table(), &request).await?;
        finish(draft, written, &request.returning, out).await
    }

    async fn delete(&self, request: Request<Delete>, out: &mut RowSink) -> Result<()> {
        let draft = self.draft(request.context(), &request.from, &request.returning).await?;
        let written = write::delete(draft.table(), &request).await?;
        finish(draft, written, &request.returning, out).await
    }

    async fn begin(&self, request: Request<Begin>) -> Result<u64> {
        self.store.begin(request.read_only).await
    }

    async fn commit(&self, context: Context) -> Result<Summary> {
        self.store.commit(context.session).map(|()| Summary::default())
    }

    async fn rollback(&self, context: Context) -> Result<Summary> {
        self.store.rollback(context.session).map(|()| Summary::default())
    }
}

impl Memory {
    async fn draft(&self, context: &Context, table: &TableRef, returning: &[Path]) -> Result<Draft<'_>> {
        let draft = self.store.draft(context.session, table).await?;
        write::check_returning(draft.table(), returning)?;
        Ok(draft)
    }
}

/// Saves what was written, then answers: from there on a caller that goes away changes nothing.
async fn finish(draft: Draft<'_>, written: Written, returning: &[Path], out: &mut RowSink) -> Result<()> {
    let Written { table, affected, outcomes, rows } = written;
    draft.save(table.clone())?;
    out.summary().affected = Some(affected);
    outcomes.into_iter().for_each(|outcome| out.outcome(outcome));
    if returning.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = returning.iter().map(|path| path.segments().join(".")).collect();
    out.columns(names.iter().map(String::as_str));
    for row in &rows {
        for path in returning {
            out.value(table.cell(row, path)?);
        }
        out.end_row().await?;
    }
    Ok(())
}

/// Everything but filters on related rows, routines and schema changes.
fn capabilities() -> Capabilities {
    Capabilities {
        insert: true,
        update_by_key: true,
        update_where: true,
        upsert: true,
        delete_by_key: true,
        delete_where: true,
        returning: true,
        write_expressions: true,
        row_rules: true,
        on_error_continue: true,
        on_error_atomic: true,
        transactions: true,
        savepoints: true,
        ..reads()
    }
}

fn reads() -> Capabilities {
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
        distinct: true,
        aggregates: true,
        ..Capabilities::default()
    }
}

#[cfg(test)]
mod tests;
