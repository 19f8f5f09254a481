//! The contract, delegated: statements are made in `sql-common`, run in `client`.

use std::sync::Arc;

use connector_api::Result;
use connector_api::author::{
    Capabilities, Connector, Count, Descriptor, Open, Query, Request, RowSink, ServiceType, Table, TableName,
    TableRef,
};

use crate::client::{Client, Session};
use crate::config::Config;
use crate::schema;

/// One SQLite file.
pub(crate) struct Sqlite {
    client: Client,
}

/// Half of what SQLite takes in one statement, because lists are filled up to the next power of two.
const MAX_PARAMETERS: u32 = 16_383;
/// Filters nested deeper would come near the depth of expressions at which SQLite stops.
const MAX_FILTER_DEPTH: u32 = 64;

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
        max_parameters: Some(MAX_PARAMETERS),
        max_filter_depth: Some(MAX_FILTER_DEPTH),
        ..Capabilities::default()
    }
}

impl Connector for Sqlite {
    type Config = Config;

    fn describe() -> Descriptor {
        let service_type = ServiceType::new("sqlite", "SQLite")
            .description("Tables and views of one SQLite database file.")
            .capabilities(capabilities());
        Descriptor::new("sqlite", env!("CARGO_PKG_VERSION"), vec![service_type])
    }

    async fn open(open: Open<Config>) -> Result<Self> {
        open.config.validate()?;
        Ok(Self { client: Client::start(open.config)? })
    }

    async fn ping(&self) -> Result<()> {
        self.client.run(|session| session.ping()).await
    }

    async fn list_tables(&self) -> Result<Vec<TableName>> {
        self.client.run(|session| schema::list_tables(session)).await
    }

    async fn describe_tables(&self, tables: &[TableRef]) -> Result<Vec<Table>> {
        let tables: Arc<[TableRef]> = tables.into();
        self.client.run(move |session| schema::describe_tables(session, &tables)).await
    }

    async fn query(&self, request: Request<Query>, out: &mut RowSink) -> Result<()> {
        self.client.run_with_sink(out, move |session: &mut Session, out| session.query(&request, out)).await
    }

    async fn count(&self, request: Request<Count>, out: &mut RowSink) -> Result<()> {
        self.client.run_with_sink(out, move |session: &mut Session, out| session.count(&request, out)).await
    }
}

#[cfg(test)]
mod tests;
