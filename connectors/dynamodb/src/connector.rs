//! What the connector declares, and the calls of the contract handed to the rooms that do them.

use std::sync::Arc;
use std::time::Duration;

use connector_api::author::{
    Capabilities, Connector, Count, Delete, Descriptor, Error, ErrorKind, Insert, Open, Query, Request,
    Result, RowSink, ServiceType, Table, TableKind, TableName, TableRef, Update, Upsert,
};
use futures_util::{StreamExt as _, TryStreamExt as _};
use serde_json::json;

use crate::client::{Client, Deadline, Tables};
use crate::config::Config;
use crate::schema::{Catalogue, Layout};
use crate::write::MAX_ITEMS;
use crate::{read, write};

/// How long the store may take to say what there is.
const CATALOGUE_TIME: Duration = Duration::from_secs(60);
/// Tables that are described at the same time.
const DESCRIBED_AT_ONCE: usize = 8;

/// One service: the tables of one account in one region.
pub(crate) struct DynamoDb {
    store: Store,
}

/// The store, as all rooms see it.
pub(crate) struct Store {
    pub(crate) client: Client,
    pub(crate) scan_limit: u64,
    pub(crate) consistent_reads: bool,
    /// What each write sets to a value of its own.
    pub(crate) version_attribute: Option<String>,
    catalogue: Catalogue,
}

impl Store {
    /// Keys and indexes of a table.
    ///
    /// # Errors
    /// *Not found* when there is no such table.
    pub(crate) async fn layout(&self, table: &TableRef, deadline: Deadline) -> Result<Arc<Layout>> {
        self.catalogue.layout(&self.client, table, deadline).await
    }

    /// Forgets what is known of the table after an error that a table made anew may be the reason of.
    ///
    /// # Errors
    /// That one.
    pub(crate) fn noticed<T>(&self, table: &TableRef, result: Result<T>) -> Result<T> {
        result.inspect_err(|error| {
            if matches!(error.kind, ErrorKind::NotFound | ErrorKind::InvalidRequest) {
                self.catalogue.forget(table);
            }
        })
    }
}

impl Connector for DynamoDb {
    type Config = Config;

    fn describe() -> Descriptor {
        let service_type = ServiceType::new("aws_dynamodb", "AWS DynamoDB")
            .description("Tables of Amazon DynamoDB in one region")
            .capabilities(capabilities());
        Descriptor::new("dynamodb", env!("CARGO_PKG_VERSION"), vec![service_type])
    }

    async fn open(open: Open<Config>) -> Result<Self> {
        open.config.validate()?;
        let store = Store {
            client: Client::new(&open.config)?,
            scan_limit: open.config.scan_limit,
            consistent_reads: open.config.consistent_reads,
            catalogue: Catalogue::new(open.config.sample, open.config.version_attribute.clone()),
            version_attribute: open.config.version_attribute,
        };
        Ok(Self { store })
    }

    async fn ping(&self) -> Result<()> {
        self.tables(Some(1), None).await.map(drop)
    }

    async fn list_tables(&self) -> Result<Vec<TableName>> {
        let (mut names, mut start) = (Vec::new(), None);
        loop {
            let page = self.tables(None, start).await?;
            names.extend(page.table_names);
            start = page.last_evaluated_table_name;
            if start.is_none() {
                break;
            }
        }
        let name = |name: String| TableName { table: TableRef::new(name), kind: TableKind::Table };
        Ok(names.into_iter().map(name).collect())
    }

    async fn describe_tables(&self, tables: &[TableRef]) -> Result<Vec<Table>> {
        let deadline = Deadline::after(CATALOGUE_TIME);
        let store = &self.store;
        let described = tables.iter().map(|table| store.catalogue.describe(&store.client, table, deadline));
        let described = described.collect::<Vec<_>>();
        let found = futures_util::stream::iter(described).buffered(DESCRIBED_AT_ONCE);
        found.try_filter_map(|table| std::future::ready(Ok(table))).try_collect().await
    }

    async fn query(&self, request: Request<Query>, out: &mut RowSink) -> Result<()> {
        read::query(&self.store, &request, out).await
    }

    async fn count(&self, request: Request<Count>, out: &mut RowSink) -> Result<()> {
        read::count(&self.store, &request, out).await
    }

    async fn insert(&self, request: Request<Insert>, out: &mut RowSink) -> Result<()> {
        write::insert(&self.store, &request, out).await
    }

    async fn update(&self, request: Request<Update>, out: &mut RowSink) -> Result<()> {
        write::update(&self.store, &request, out).await
    }

    async fn upsert(&self, request: Request<Upsert>, out: &mut RowSink) -> Result<()> {
        write::upsert(&self.store, &request, out).await
    }

    async fn delete(&self, request: Request<Delete>, out: &mut RowSink) -> Result<()> {
        write::delete(&self.store, &request, out).await
    }
}

impl DynamoDb {
    async fn tables(&self, limit: Option<u32>, start: Option<String>) -> Result<Tables> {
        let mut body = serde_json::Map::new();
        body.extend(limit.map(|limit| ("Limit".to_owned(), json!(limit))));
        body.extend(start.map(|start| ("ExclusiveStartTableName".to_owned(), json!(start))));
        self.store.client.read("ListTables", &body, Deadline::after(CATALOGUE_TIME)).await.map_err(
            |error: Error| {
                // There is no table in the question that could be missing.
                if error.kind == ErrorKind::NotFound {
                    Error { kind: ErrorKind::Unavailable, ..error }
                } else {
                    error
                }
            },
        )
    }
}

/// No offset: the store can only pass over rows by reading them. No sessions: the store's transactions are one step each.
fn capabilities() -> Capabilities {
    Capabilities {
        query: true,
        count: true,
        order: true,
        order_nulls: true,
        page_token: true,
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
        max_records: Some(MAX_ITEMS),
        ..Capabilities::default()
    }
}

#[cfg(test)]
mod tests;
