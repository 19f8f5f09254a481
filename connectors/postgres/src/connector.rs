//! The contract, delegated: statements are made in `sql-common`, run in `read`, `write` and `call`.

use connector_api::Result;
use connector_api::author::{
    Begin, Call, Capabilities, ChangeSchema, Connector, Context, Count, Delete, Descriptor, Insert, Open,
    Query, Request, Routine, RowSink, ServiceType, Summary, Table, TableName, TableRef, Update, Upsert,
};
use connector_common::write::Write;
use connector_sql_common::capabilities::writing;

use crate::call::Calling;
use crate::config::Config;
use crate::read::{Counting, Reading};
use crate::store::Store;
use crate::write::{Writing, send};

/// One database.
pub(crate) struct Postgres {
    store: Store,
}

/// A list is one parameter for the server, which takes 65,535; this bounds its memory.
const MAX_PARAMETERS: u32 = 32_767;
/// Filters nested deeper would come near the depth at which the server stops.
const MAX_FILTER_DEPTH: u32 = 64;

fn capabilities() -> Capabilities {
    Capabilities { routines: true, schema_changes: true, ..writing(MAX_PARAMETERS, MAX_FILTER_DEPTH) }
}

impl Connector for Postgres {
    type Config = Config;

    fn describe() -> Descriptor {
        let service_type = |name, label, what: &str| {
            ServiceType::new(name, label)
                .description(format!("Tables and views of {what}."))
                .capabilities(capabilities())
        };
        Descriptor::new(
            "postgres",
            env!("CARGO_PKG_VERSION"),
            vec![
                service_type("pgsql", "PostgreSQL", "a PostgreSQL database"),
                service_type("alloydb", "AlloyDB", "a database of Google's AlloyDB, which speaks PostgreSQL"),
            ],
        )
    }

    async fn open(open: Open<Config>) -> Result<Self> {
        Ok(Self { store: Store::open(&open.config)? })
    }

    async fn ping(&self) -> Result<()> {
        self.store.ping().await
    }

    async fn list_tables(&self) -> Result<Vec<TableName>> {
        self.store.list().await
    }

    async fn describe_tables(&self, tables: &[TableRef]) -> Result<Vec<Table>> {
        self.store.describe(tables).await
    }

    async fn query(&self, request: Request<Query>, out: &mut RowSink) -> Result<()> {
        self.store.run(&mut Reading::new(&request, out), request.context().session).await
    }

    async fn count(&self, request: Request<Count>, out: &mut RowSink) -> Result<()> {
        self.store.run(&mut Counting { request: &request, out }, request.context().session).await
    }

    async fn insert(&self, request: Request<Insert>, out: &mut RowSink) -> Result<()> {
        self.write(Write::Insert(&request), out).await
    }

    async fn update(&self, request: Request<Update>, out: &mut RowSink) -> Result<()> {
        self.write(Write::Update(&request), out).await
    }

    async fn upsert(&self, request: Request<Upsert>, out: &mut RowSink) -> Result<()> {
        self.write(Write::Upsert(&request), out).await
    }

    async fn delete(&self, request: Request<Delete>, out: &mut RowSink) -> Result<()> {
        self.write(Write::Delete(&request), out).await
    }

    async fn change_schema(&self, request: Request<ChangeSchema>, out: &mut RowSink) -> Result<()> {
        self.store.change_schema(&request).await?.send(out);
        Ok(())
    }

    async fn list_routines(&self) -> Result<Vec<Routine>> {
        self.store.list_routines().await
    }

    async fn call(&self, request: Request<Call>, out: &mut RowSink) -> Result<()> {
        Calling::run(&self.store, &request, out).await
    }

    async fn begin(&self, request: Request<Begin>) -> Result<u64> {
        self.store.client.begin(request.read_only).await
    }

    async fn commit(&self, context: Context) -> Result<Summary> {
        self.store.client.commit(&context).await.map(|()| Summary::default())
    }

    async fn rollback(&self, context: Context) -> Result<Summary> {
        self.store.client.rollback(&context).await.map(|()| Summary::default())
    }
}

impl Postgres {
    async fn write(&self, write: Write<'_>, out: &mut RowSink) -> Result<()> {
        let written = self.store.run(&mut Writing(write), write.context().session).await?;
        send(written, out).await
    }
}

#[cfg(test)]
mod tests;
