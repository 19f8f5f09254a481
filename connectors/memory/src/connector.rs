//! What the connector declares, and the calls of the contract handed to the store.

use connector_api::author::CellWriter as _;
use connector_api::author::{
    Capabilities, Connector, Count, Descriptor, Open, Query, Request, Result, RowSink, ServiceType,
    Table as Description, TableKind, TableName, TableRef,
};
use connector_common::evaluate::Condition;

use crate::client::{Row, Store, Table};
use crate::config::Config;

/// One service: its tables.
pub(crate) struct Memory {
    store: Store,
}

impl Connector for Memory {
    type Config = Config;

    fn describe() -> Descriptor {
        let service_type = ServiceType::new("memory", "Memory")
            .description("Tables written in the configuration or in a JSON file, read-only")
            .capabilities(capabilities());
        Descriptor::new("memory", env!("CARGO_PKG_VERSION"), vec![service_type])
    }

    async fn open(open: Open<Config>) -> Result<Self> {
        Ok(Self { store: Store::load(open.config).await? })
    }

    async fn list_tables(&self) -> Result<Vec<TableName>> {
        let name = |name| TableName { table: TableRef::new(name), kind: TableKind::Table };
        Ok(self.store.names().map(name).collect())
    }

    async fn describe_tables(&self, tables: &[TableRef]) -> Result<Vec<Description>> {
        let found = tables.iter().filter_map(|table| self.store.find(table));
        Ok(found.map(|table| table.description.clone()).collect())
    }

    async fn query(&self, request: Request<Query>, out: &mut RowSink) -> Result<()> {
        let table = self.store.table(&request.from)?;
        let condition = Condition::new(request.filter.as_ref(), request.params())?;
        let offset = request.offset.map_or(Ok(0), |offset| request.row_count(offset))?;
        let names: Vec<String> = request.select.iter().map(|path| path.segments().join(".")).collect();
        out.columns(names.iter().map(String::as_str));
        if !request.order.is_empty() {
            let wanted = offset.saturating_add(request.row_count(request.limit)?);
            let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
            let skipped = usize::try_from(offset).unwrap_or(usize::MAX);
            for row in table.sorted(&condition, &request.order, wanted).await?.into_iter().skip(skipped) {
                send(table, row, &request, out).await?;
            }
            return Ok(());
        }
        let mut scan = table.scan(&condition);
        let mut matched = 0;
        while let Some(row) = scan.next().await? {
            matched += 1;
            if matched > offset {
                send(table, row, &request, out).await?;
            }
        }
        Ok(())
    }

    async fn count(&self, request: Request<Count>, out: &mut RowSink) -> Result<()> {
        let table = self.store.table(&request.from)?;
        let condition = Condition::new(request.filter.as_ref(), request.params())?;
        let mut scan = table.scan(&condition);
        let mut count = 0;
        while scan.next().await?.is_some() {
            count += 1;
        }
        out.summary().count = Some(count);
        Ok(())
    }
}

/// Everything that reads, but for filters on related rows.
fn capabilities() -> Capabilities {
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
        ..Capabilities::default()
    }
}

async fn send(table: &Table, row: &Row, request: &Query, out: &mut RowSink) -> Result<()> {
    for path in &request.select {
        out.value(table.value(row, path)?);
    }
    out.end_row().await
}

#[cfg(test)]
mod tests;
