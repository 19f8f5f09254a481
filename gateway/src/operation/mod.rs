//! What a request asks to be done with a service, typed, and the doing: catalogue, plan, connector, response, in this order. No
//! permission is decided here but which of several things a list shows; no text is parsed.

mod batch;
mod by_ids;
mod change_schema;
mod cursor;
mod identity;
mod inner;
mod keys;
mod lists;
mod page;
mod reach;
mod records;
mod related;
mod resource;
mod routines;
mod schema;
mod session;
mod tables;
mod version;
mod write;

use std::sync::Arc;
use std::time::{Duration, Instant};

use connector_api::model::{Count, Table, Value};
use connector_api::{Error, ErrorKind};

pub use change_schema::{SchemaOrder, SchemaTarget};
#[cfg(fuzzing)]
pub(crate) use cursor::{message as position_bytes, values as position};
pub(crate) use resource::is_batch;
pub use resource::{CallOrder, Operation};
pub use session::Transaction;
pub use write::{Within, WriteOrder};

use crate::connectors::{self, CallContext, RowStream, SessionId};
use crate::error::ApiError;
use crate::events;
use crate::extras::TableExtras;
use crate::pipeline::{Answer, Request};
use crate::plan::{self, Aliases, Checks};
use crate::request::Conditions;
use crate::response::Layout;
use crate::roles::Caller;
use crate::schema::catalogue::Source;
use crate::schema::declared;
use crate::schema::known::{Known, Seen};
use crate::schema::names::public_name;
use crate::services::Service;
use crate::snapshot::Snapshot;
use crate::trail::Trail;

/// The path as roles see it. A `/` inside a segment stays encoded, so that a table named `a/b` is not taken for row `b` of table `a`.
pub(crate) fn component(resource: &[String]) -> String {
    let mut path = String::with_capacity(resource.iter().map(|segment| segment.len() + 1).sum());
    for (index, segment) in resource.iter().enumerate() {
        if index > 0 {
            path.push('/');
        }
        for (nth, part) in segment.split('/').enumerate() {
            path.push_str(if nth > 0 { "%2F" } else { "" });
            path.push_str(part);
        }
    }
    path
}

/// What an operation works with.
#[derive(Clone, Copy)]
struct Job<'a> {
    snapshot: &'a Arc<Snapshot>,
    service: &'a Arc<Service>,
    caller: &'a Caller,
    request_id: &'a Arc<Trail>,
    /// Rows that are streamed are written so; everything else is JSON and converted on its way out.
    layout: &'a Layout,
    conditions: &'a Conditions,
    transaction: Option<&'a Transaction>,
    within: Option<&'a Within>,
}

/// The part of a job that a streamed answer takes along.
#[derive(Clone)]
struct Owner {
    service: Arc<Service>,
    connection: Arc<connectors::Service>,
    request_id: Arc<Trail>,
    time: Duration,
    /// The transaction that its calls belong to.
    session: Option<SessionId>,
    /// Descriptions that were read before this are too old for the request.
    not_before: Option<Instant>,
}

impl Job<'_> {
    /// The most bytes of an answer that are held in memory: as many as a body may have.
    fn max_held(self) -> usize {
        usize::try_from(self.snapshot.max_body_size).unwrap_or(usize::MAX)
    }

    /// For a request that asks for it (`refresh`) the tables are as the store has them now.
    async fn owner(&self, is_refreshed: bool) -> Result<Owner, ApiError> {
        let connection = self.service.connection(&self.snapshot.registry).await;
        let connection = connection.map_err(|error| failed(self.service, self.request_id, &error))?;
        let session = self.transaction.and_then(|transaction| transaction.id(connection));
        Ok(Owner {
            service: Arc::clone(self.service),
            connection: Arc::clone(connection),
            request_id: Arc::clone(self.request_id),
            time: self.snapshot.request_timeout,
            session,
            not_before: is_refreshed.then(Instant::now),
        })
    }
}

impl Owner {
    /// The transaction that its calls belong to, for requests that shall belong to it as well.
    fn transaction(&self) -> Option<Transaction> {
        self.session.map(|id| Transaction::of(&self.connection, id))
    }

    fn call_context(&self) -> CallContext<'_> {
        let context = CallContext::new(&self.request_id, self.time);
        CallContext { session: self.session, trail: Some(&self.request_id), ..context }
    }

    fn source(&self) -> Source {
        Source {
            service: Arc::clone(&self.connection),
            request_id: Arc::clone(&self.request_id),
            time: self.time,
            not_before: self.not_before,
        }
    }

    /// Logs a connector's failure and gives the caller's part of it.
    fn failed(&self, error: impl Into<Error>) -> ApiError {
        failed(&self.service, &self.request_id, &error.into())
    }

    /// Logs a connector's failure.
    fn note(&self, error: &Error) {
        note(&self.service, &self.request_id, error);
    }

    /// The table that the database calls so.
    async fn table(&self, name: &str) -> Result<Arc<Known>, ApiError> {
        self.find(name).await?.ok_or_else(|| ApiError::unknown_table(name))
    }

    async fn find(&self, name: &str) -> Result<Option<Arc<Known>>, ApiError> {
        let table = self.service.catalogue().table(name, &self.source()).await;
        let known = table.map_err(|error| self.failed(error))?.map(|table| self.known(table));
        if let Some(known) = &known {
            self.request_id.found(known.name());
        }
        Ok(known)
    }

    /// The table as the store has it now, if that is not how it is known: for who misses something in it.
    async fn changed(&self, known: &Table) -> Result<Option<Arc<Known>>, ApiError> {
        let now = self.service.catalogue().newer(&known.table, &self.source()).await;
        let now = now.map_err(|error| self.failed(error))?.map(|table| self.known(table));
        Ok(now.filter(|now| ***now != *known))
    }

    /// A table that is described so, as requests see it.
    fn known(&self, described: Arc<Table>) -> Arc<Known> {
        self.service.known(described, |table| {
            let extras = self.service.extras().table(&public_name(&table.table)).unwrap_or_default();
            let own = self.keyed(table, &extras);
            let (aliases, problems) = Aliases::of(&own, &extras);
            for problem in problems {
                events::alias_unfit(self.service.name(), &self.request_id, &problem);
            }
            let shown = aliases.as_ref().map(|aliases| Arc::new(aliases.shown(&own)));
            let table = shown.unwrap_or_else(|| Arc::clone(&own));
            Seen { checks: Checks::new(&own, &extras), own, table, aliases }
        })
    }

    /// The table with the key that the configuration declares for it, else the one that its extras do.
    fn keyed(&self, table: Arc<Table>, extras: &TableExtras) -> Arc<Table> {
        match declared::key_of(&table, &self.service.settings().config.keys) {
            Ok(None) if table.primary_key.is_empty() => match declared::key_by_extras(&table, extras) {
                Some(primary_key) => Arc::new(Table { primary_key, ..Table::clone(&table) }),
                None => table,
            },
            Ok(None) => table,
            Ok(Some(primary_key)) => Arc::new(Table { primary_key, ..Table::clone(&table) }),
            Err(problem) => {
                events::key_unfit(self.service.name(), &self.request_id, &problem);
                table
            }
        }
    }

    /// Starts a planned read.
    async fn start(&self, read: &plan::Read) -> Result<RowStream, ApiError> {
        let (query, params) = read.sent()?;
        let stream = self.connection.query(&query, &params.iter().collect(), self.call_context()).await;
        let stream = stream.map_err(|error| self.failed(error))?.expecting(&read.names);
        Ok(match read.renames() {
            None => stream,
            Some(renames) => stream.renaming(renames),
        })
    }

    async fn count(&self, shape: &Count, params: &[Value]) -> Result<u64, ApiError> {
        let began = Instant::now();
        let counted = self.connection.count(shape, &params.iter().collect(), self.call_context()).await;
        let (count, summary) = counted.map_err(|error| self.failed(error))?;
        self.log_statement(summary.statement.as_deref(), began.elapsed(), 1);
        Ok(count)
    }

    fn log_statement(&self, statement: Option<&str>, took: Duration, rows: u64) {
        events::statement(self.service.name(), &self.request_id, statement, took, rows);
    }
}

fn failed(service: &Service, request_id: &str, error: &Error) -> ApiError {
    note(service, request_id, error);
    ApiError::from_connector(error).of_service(service.name())
}

/// A table, column or routine that is gone means that the catalogue is out of date.
fn note(service: &Service, request_id: &str, error: &Error) {
    events::connector_failed(service.name(), request_id, error);
    if error.kind == ErrorKind::NotFound {
        service.catalogue().outdate();
        service.routines().outdate();
    }
}

/// Does it. A write takes the records out of the request.
///
/// # Errors
/// An unknown or inactive service, and whatever the operation refuses.
pub async fn run(
    snapshot: &Arc<Snapshot>,
    request: &mut Request,
    operation: Operation,
) -> Result<Answer, ApiError> {
    let name = &request.what.service;
    let service = snapshot.services.get(name).ok_or_else(|| ApiError::unknown_service(name))?;
    if !service.is_active() {
        return Err(ApiError::inactive_service(service.name()));
    }
    request.layout.numbers.get_or_insert(service.settings().config.numbers);
    let Request { caller, id: request_id, layout, conditions, transaction, within, .. } = request;
    version::check_place(conditions, &operation)?;
    let (transaction, within) = (transaction.as_ref(), within.as_ref());
    let job = Job { snapshot, service, caller, request_id, layout, conditions, transaction, within };
    if transaction.is_some() && job.owner(false).await?.session.is_none() {
        // A hook took the request there.
        return Err(ApiError::unsupported("An operation of a batch on another service"));
    }
    match operation {
        Operation::Root(list) => lists::root(job, &list).await,
        Operation::ListTables(list) => lists::tables(job, "_table", &list).await,
        Operation::ListSchema(list) => lists::tables(job, "_schema", &list).await,
        Operation::DescribeTable { table, list } => schema::table(job, &table, &list).await,
        Operation::DescribeFields { table, field, list } => {
            schema::fields(job, &table, field.as_deref(), &list).await
        }
        Operation::DescribeRelated { table, relationship, list } => {
            schema::related(job, &table, relationship.as_deref(), &list).await
        }
        Operation::ReadTable { table, read } => records::collection(job, &table, *read).await,
        Operation::ReadRecord { table, id, read } => records::single(job, &table, &id, *read).await,
        Operation::ChangeSchema(order) => {
            Box::pin(change_schema::run(job, *order, request.what.body.take())).await
        }
        Operation::ListRoutines { kind, list } => routines::list(job, kind, &list).await,
        Operation::Call(mut order) => {
            if request.are_texts {
                order.call.take_texts();
            }
            Box::pin(routines::call(job, *order)).await
        }
        Operation::Batch => batch::run(job, request.what.body.take()).await,
        Operation::Write(mut order) => {
            order.options.are_texts = request.are_texts;
            let brought = match request.records.take() {
                Some(stream) => write::Brought::Stream(stream),
                None => write::Brought::Body(request.what.body.take()),
            };
            // Boxed, because a read would carry the room for it.
            Box::pin(write::run(job, *order, brought)).await
        }
    }
}
