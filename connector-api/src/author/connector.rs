//! The trait that a connector implements.

use std::future::Future;

use serde::de::DeserializeOwned;

use super::{Request, RowSink};
use crate::model::{
    Begin, Call, Capabilities, ChangeSchema, Context, Count, Delete, Descriptor, Error, Insert, Query,
    Result, Summary, Table, TableName, TableRef, Update, Upsert,
};

/// What a service is opened with.
#[derive(Debug)]
pub struct Open<C> {
    /// One of the connector's service types.
    pub service_type: String,
    /// The service's name, for logs.
    pub service: String,
    /// The configuration.
    pub config: C,
}

/// A connector; one value of it is one open service.
///
/// Only [`describe`](Connector::describe) and [`open`](Connector::open) are required. Everything else answers "not supported" until it is
/// written, and is asked for only when the capability for it is declared.
///
/// Every future is dropped when the caller is gone or its time is over: that is the cancellation. A driver call that a drop does not
/// stop (a blocking one, a query on the server) has to be stopped by the connector.
pub trait Connector: Sized + Send + Sync + 'static {
    /// The connector's part of `[services.config]`. Doc comments of its fields become the configuration reference.
    type Config: DeserializeOwned + schemars::JsonSchema + Send;

    /// Introduces the connector. Quick, without I/O. The configuration's schema is filled in by the kit.
    fn describe() -> Descriptor;

    /// Opens a service. It need not connect: a store that is down now may be up later; [`ping`](Connector::ping) tells.
    fn open(open: Open<Self::Config>) -> impl Future<Output = Result<Self>> + Send;

    /// What this service can do, given that its type can do `declared`: less, when the server's version or the configuration says so.
    fn capabilities(&self, declared: &Capabilities) -> Capabilities {
        declared.clone()
    }

    /// Asks the store whether it is there.
    fn ping(&self) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }

    /// Names of all tables and views, in any order.
    fn list_tables(&self) -> impl Future<Output = Result<Vec<TableName>>> + Send {
        unsupported("listing tables")
    }

    /// Whole descriptions of these tables; those that do not exist are left out.
    fn describe_tables(&self, tables: &[TableRef]) -> impl Future<Output = Result<Vec<Table>>> + Send {
        let _ = tables;
        unsupported("describing tables")
    }

    /// Reads rows. Sends at least the columns of `request.select`, in any order.
    fn query(&self, request: Request<Query>, out: &mut RowSink) -> impl Future<Output = Result<()>> + Send {
        let _ = (request, out);
        unsupported("query")
    }

    /// Counts rows, exactly; the number goes to `out.summary().count`.
    fn count(&self, request: Request<Count>, out: &mut RowSink) -> impl Future<Output = Result<()>> + Send {
        let _ = (request, out);
        unsupported("count")
    }

    /// Creates rows.
    fn insert(&self, request: Request<Insert>, out: &mut RowSink) -> impl Future<Output = Result<()>> + Send {
        let _ = (request, out);
        unsupported("insert")
    }

    /// Changes rows.
    fn update(&self, request: Request<Update>, out: &mut RowSink) -> impl Future<Output = Result<()>> + Send {
        let _ = (request, out);
        unsupported("update")
    }

    /// Creates rows or changes those that exist.
    fn upsert(&self, request: Request<Upsert>, out: &mut RowSink) -> impl Future<Output = Result<()>> + Send {
        let _ = (request, out);
        unsupported("upsert")
    }

    /// Removes rows.
    fn delete(&self, request: Request<Delete>, out: &mut RowSink) -> impl Future<Output = Result<()>> + Send {
        let _ = (request, out);
        unsupported("delete")
    }

    /// Procedures and functions, every overload.
    fn list_routines(&self) -> impl Future<Output = Result<Vec<crate::model::Routine>>> + Send {
        unsupported("listing routines")
    }

    /// Calls a routine.
    fn call(&self, request: Request<Call>, out: &mut RowSink) -> impl Future<Output = Result<()>> + Send {
        let _ = (request, out);
        unsupported("calling a routine")
    }

    /// Changes tables and columns.
    fn change_schema(
        &self,
        request: Request<ChangeSchema>,
        out: &mut RowSink,
    ) -> impl Future<Output = Result<()>> + Send {
        let _ = (request, out);
        unsupported("changing the schema")
    }

    /// Starts a transaction and gives its number; later calls carry it in their context. It ends with commit, rollback, the
    /// connector's own idle limit, or when the service is dropped; in the last two cases the work is undone.
    fn begin(&self, request: Request<Begin>) -> impl Future<Output = Result<u64>> + Send {
        let _ = request;
        unsupported("a transaction")
    }

    /// Makes the work of `context.session` permanent.
    fn commit(&self, context: Context) -> impl Future<Output = Result<Summary>> + Send {
        let _ = context;
        unsupported("a transaction")
    }

    /// Undoes the work of `context.session`.
    fn rollback(&self, context: Context) -> impl Future<Output = Result<Summary>> + Send {
        let _ = context;
        unsupported("a transaction")
    }
}

fn unsupported<T>(feature: &'static str) -> std::future::Ready<Result<T>> {
    std::future::ready(Err(Error::unsupported(feature)))
}
