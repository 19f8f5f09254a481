//! The contract, delegated: statements are made in `sql-common`, run in `connection` and `write`.

use std::sync::Arc;

use connector_api::Result;
use connector_api::author::{
    Begin, Capabilities, ChangeSchema, Connector, Context, Count, Delete, Descriptor, Insert, Open, Query,
    Request, RowSink, ServiceType, Summary, Table, TableName, TableRef, Update, Upsert,
};
use connector_sql_common::capabilities;

use crate::client::Client;
use crate::config::Config;
use crate::connection::Database;
use crate::progress::send;
use crate::schema;

/// One SQLite file.
pub(crate) struct Sqlite {
    client: Client,
    is_read_only: bool,
}

/// Half of what SQLite takes in one statement, because lists are filled up to the next power of two.
const MAX_PARAMETERS: u32 = 16_383;
/// Filters nested deeper would come near the depth of expressions at which SQLite stops.
const MAX_FILTER_DEPTH: u32 = 64;

/// What a service can do that only reads.
fn reading() -> Capabilities {
    capabilities::reading(MAX_PARAMETERS, MAX_FILTER_DEPTH)
}

fn capabilities() -> Capabilities {
    Capabilities { schema_changes: true, ..capabilities::writing(MAX_PARAMETERS, MAX_FILTER_DEPTH) }
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
        Ok(Self { is_read_only: open.config.read_only, client: Client::start(open.config)? })
    }

    fn capabilities(&self, declared: &Capabilities) -> Capabilities {
        if self.is_read_only { declared.narrowed_by(&reading()) } else { declared.clone() }
    }

    async fn ping(&self) -> Result<()> {
        self.client.ping().await
    }

    async fn list_tables(&self) -> Result<Vec<TableName>> {
        self.client.run(|database| schema::list_tables(database)).await
    }

    async fn describe_tables(&self, tables: &[TableRef]) -> Result<Vec<Table>> {
        let tables: Arc<[TableRef]> = tables.into();
        self.client.run(move |database| schema::describe_tables(database, &tables)).await
    }

    async fn query(&self, request: Request<Query>, out: &mut RowSink) -> Result<()> {
        self.client
            .read(request.context().session, out, move |database, out| database.query(&request, out))
            .await
    }

    async fn count(&self, request: Request<Count>, out: &mut RowSink) -> Result<()> {
        self.client
            .read(request.context().session, out, move |database, out| database.count(&request, out))
            .await
    }

    async fn insert(&self, request: Request<Insert>, out: &mut RowSink) -> Result<()> {
        let written =
            self.client.write(request.context().session, move |database| database.insert(&request)).await?;
        send(written, out).await
    }

    async fn update(&self, request: Request<Update>, out: &mut RowSink) -> Result<()> {
        let written =
            self.client.write(request.context().session, move |database| database.update(&request)).await?;
        send(written, out).await
    }

    async fn upsert(&self, request: Request<Upsert>, out: &mut RowSink) -> Result<()> {
        let written =
            self.client.write(request.context().session, move |database| database.upsert(&request)).await?;
        send(written, out).await
    }

    async fn delete(&self, request: Request<Delete>, out: &mut RowSink) -> Result<()> {
        let written =
            self.client.write(request.context().session, move |database| database.delete(&request)).await?;
        send(written, out).await
    }

    async fn change_schema(&self, request: Request<ChangeSchema>, out: &mut RowSink) -> Result<()> {
        let session = request.context().session;
        self.client.write(session, move |database| database.change_schema(&request)).await?.send(out);
        Ok(())
    }

    async fn begin(&self, request: Request<Begin>) -> Result<u64> {
        self.client.begin(request.read_only).await
    }

    async fn commit(&self, context: Context) -> Result<Summary> {
        self.client.end(context.session, Database::commit).await.map(|()| Summary::default())
    }

    async fn rollback(&self, context: Context) -> Result<Summary> {
        self.client.end(context.session, Database::rollback).await.map(|()| Summary::default())
    }
}

#[cfg(test)]
mod tests;
