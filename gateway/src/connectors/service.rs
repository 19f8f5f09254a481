//! An open service and its calls: heads as JSON, parameters as frames, answers as rows. Which calls make sense is decided elsewhere.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use connector_api::abi::CallParts;
use connector_api::model::batch::Cell;
use connector_api::model::{
    Capabilities, Context, Count, DescribeTables, OpenRequest, Opened, Operation, Query, Routine, Summary,
    Table, TableName, TableRef,
};
use connector_api::{Error, ErrorKind, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::Params;
use super::guard::{self, GuardedCall};
use super::registry::Connector;
use super::rows::{Bounds, RowStream, protocol_error};
use super::watched::{Timing, Waiting};
use crate::events;
use crate::trail::{Kind, Trail};

/// The most bytes of descriptions that one catalogue call may answer with.
const MAX_CATALOGUE_BYTES: usize = 256 * 1024 * 1024;
/// Most heads are shorter.
const USUAL_HEAD_BYTES: usize = 1024;

/// How much a service may be asked to do at once.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Calls that run at the same time, those inside of transactions not counted.
    pub calls: usize,
    /// The longest that a call waits for its turn; then it is refused as [`ErrorKind::Busy`].
    pub wait: Duration,
    /// The longest that opening, or closing, may take.
    pub open: Duration,
    /// The longest that a probe may take before the service counts as down, and the time between two probes.
    pub probe: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            calls: 256,
            wait: Duration::from_secs(5),
            open: Duration::from_secs(30),
            probe: Duration::from_secs(5),
        }
    }
}

/// Who calls and how long it may take.
#[derive(Debug, Clone, Copy)]
pub struct CallContext<'a> {
    /// For logs. Printable ASCII, at most 64 characters.
    pub request_id: &'a str,
    /// The time this call may take, waiting for its turn included, waiting for the reader of the rows not. Rows begin it anew.
    pub time: Duration,
    /// The transaction it belongs to.
    pub session: Option<SessionId>,
    /// Where its steps are kept, if they are.
    pub trail: Option<&'a Arc<Trail>>,
}

impl<'a> CallContext<'a> {
    /// A call that stands alone and that nobody watches.
    #[must_use]
    pub fn new(request_id: &'a str, time: Duration) -> Self {
        Self { request_id, time, session: None, trail: None }
    }
}

/// What a service is busy with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// The most calls that run at the same time, those inside of transactions not counted.
    pub most: usize,
    /// Those that run.
    pub running: usize,
    /// Calls that wait for their turn.
    pub waiting: u64,
    /// Calls that were refused since the service was opened, because no turn came in time.
    pub refused: u64,
}

/// A transaction of a connection, as [`Service::begin`] gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionId {
    /// The connector's number of it.
    pub number: u64,
    /// The process in which it began: another one may give the number again, for something else.
    pub process: u64,
}

/// An open service. Closed when the last reference and the last of its calls are gone.
#[derive(Debug)]
pub struct Service {
    connector: Arc<Connector>,
    name: String,
    number: u64,
    capabilities: Capabilities,
    turns: Arc<Semaphore>,
    waiting: AtomicU64,
    refused: AtomicU64,
    limits: Limits,
    is_closed: AtomicBool,
    is_down: AtomicBool,
    is_probed: AtomicBool,
    this: Weak<Self>,
}

impl Service {
    /// Opens a service of this connector.
    ///
    /// # Errors
    /// The connector's, [`ErrorKind::Timeout`] past [`Limits::open`], [`ErrorKind::Internal`] when its answer can't be read.
    pub async fn open(connector: Arc<Connector>, request: OpenRequest, limits: Limits) -> Result<Arc<Self>> {
        let json = to_json(&request)?;
        let (module, watch) = (connector.module().clone(), Arc::clone(connector.watch()));
        if watch.is_stuck() {
            return Err(down());
        }
        let began = Instant::now();
        let runtime = Handle::current();
        let call = guard::on_own_thread("open", limits.open, move || module.open(&json, &runtime)).await?;
        let left = limits.open.saturating_sub(began.elapsed());
        let mut call = GuardedCall::new(call, watch, left);
        let answer = call.next().await?.ok_or_else(|| protocol_error("no answer to open"))?;
        let opened: Opened = serde_json::from_slice(answer.as_ref()).map_err(protocol_error)?;
        let capabilities = connector
            .service_type(&request.service_type)
            .map(|declared| declared.capabilities.narrowed_by(&opened.capabilities))
            .unwrap_or_default();
        Ok(Arc::new_cyclic(|this| Self {
            connector,
            name: request.service,
            number: opened.service,
            capabilities,
            turns: Arc::new(Semaphore::new(limits.calls)),
            waiting: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            limits,
            is_closed: AtomicBool::new(false),
            is_down: AtomicBool::new(false),
            is_probed: AtomicBool::new(false),
            this: this.clone(),
        }))
    }

    /// Its name in the URL.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it can do: never more than its type declares.
    #[must_use]
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// The connector it belongs to.
    #[must_use]
    pub fn connector(&self) -> &Arc<Connector> {
        &self.connector
    }

    /// Whether calls are refused because the connector does not respond.
    #[must_use]
    pub fn is_down(&self) -> bool {
        self.is_down.load(Ordering::Relaxed) || self.connector.watch().is_stuck()
    }

    /// How busy it is.
    #[must_use]
    pub fn load(&self) -> Load {
        let most = self.limits.calls;
        Load {
            most,
            running: most.saturating_sub(self.turns.available_permits()),
            waiting: self.waiting.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
        }
    }

    /// Asks the store whether it is there.
    ///
    /// # Errors
    /// The connector's.
    pub async fn ping(&self, context: CallContext<'_>) -> Result<()> {
        let none = Bounds { rows: 0, outcomes: 0 };
        self.call(Operation::Ping, (&[], &[]), context, none).await?.finish().await.map(drop)
    }

    /// Names of all tables.
    ///
    /// # Errors
    /// The connector's.
    pub async fn list_tables(&self, context: CallContext<'_>) -> Result<Vec<TableName>> {
        self.list(Operation::ListTables, &[], context).await
    }

    /// Descriptions of these tables; those that do not exist are left out.
    ///
    /// # Errors
    /// The connector's.
    pub async fn describe_tables(
        &self,
        tables: Vec<TableRef>,
        context: CallContext<'_>,
    ) -> Result<Vec<Table>> {
        let head = to_json(&DescribeTables { tables })?;
        self.list(Operation::DescribeTables, &head, context).await
    }

    /// Procedures and functions, every overload.
    ///
    /// # Errors
    /// The connector's.
    pub async fn list_routines(&self, context: CallContext<'_>) -> Result<Vec<Routine>> {
        self.list(Operation::ListRoutines, &[], context).await
    }

    /// Reads rows: at most as many as the parameter says that `shape.limit` names.
    ///
    /// # Errors
    /// The connector's; more come up while the rows are read.
    pub async fn query(&self, shape: &Query, params: &Params, context: CallContext<'_>) -> Result<RowStream> {
        let rows = params
            .row_count(shape.limit)
            .ok_or_else(|| Error::internal("the limit of a query is not among its parameters"))?;
        let (head, body) = (to_json(shape)?, params.frames().into_bytes());
        self.call(Operation::Query, (&head, &body), context, Bounds { rows, outcomes: 0 }).await
    }

    /// Counts rows; gives the summary, whose count is there.
    ///
    /// # Errors
    /// The connector's.
    pub async fn count(
        &self,
        shape: &Count,
        params: &Params,
        context: CallContext<'_>,
    ) -> Result<(u64, Summary)> {
        let (head, body) = (to_json(shape)?, params.frames().into_bytes());
        let none = Bounds { rows: 0, outcomes: 0 };
        let answer = self.call(Operation::Count, (&head, &body), context, none).await?;
        let (summary, _) = answer.finish().await?;
        let count = summary.count.ok_or_else(|| protocol_error("a count without a number"))?;
        Ok((count, summary))
    }

    /// Starts any operation: the JSON of its shape, the frames of its body.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] when no turn comes in time, [`ErrorKind::Unavailable`] when the connector does not respond. The connector's own
    /// errors come up while the answer is read.
    pub async fn call(
        &self,
        operation: Operation,
        (head, body): (&[u8], &[u8]),
        context: CallContext<'_>,
        bounds: Bounds,
    ) -> Result<RowStream> {
        if self.is_down() {
            return Err(down());
        }
        let service = self.this.upgrade().ok_or_else(|| Error::internal("the service is closed"))?;
        let began = Instant::now();
        if let Some(trail) = context.trail.filter(|_| !is_of_catalogue(operation)) {
            trail.planned();
        }
        // A transaction goes on without waiting: those who wait for its end, to begin their own, may hold all turns.
        let permit = match context.session {
            Some(_) => None,
            None => Some(self.turn(context).await?),
        };
        let left = context.time.saturating_sub(began.elapsed());
        let timing = Timing::of(context.trail, &self.name, operation);
        let call = self.start(operation, (head, body), CallContext { time: left, ..context }).await?;
        Ok(RowStream::new(call, service, bounds, permit).timed(timing))
    }

    async fn turn(&self, context: CallContext<'_>) -> Result<OwnedSemaphorePermit> {
        let began = context.trail.and_then(|trail| trail.begin());
        let turn = self.next_turn(context.time).await;
        if let Some(trail) = context.trail {
            trail.end(Kind::Wait, began);
        }
        turn
    }

    async fn next_turn(&self, time: Duration) -> Result<OwnedSemaphorePermit> {
        if let Ok(permit) = Arc::clone(&self.turns).try_acquire_owned() {
            return Ok(permit);
        }
        let _waiting = Waiting::among(&self.waiting);
        let turn = Arc::clone(&self.turns).acquire_owned();
        match tokio::time::timeout(self.limits.wait.min(time), turn).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                let message = format!("{} calls are running already", self.limits.calls);
                Err(Error::new(ErrorKind::Busy, message).with_reason("no_turn"))
            }
        }
    }

    async fn start(
        &self,
        operation: Operation,
        (head, body): (&[u8], &[u8]),
        context: CallContext<'_>,
    ) -> Result<GuardedCall> {
        let words = Context {
            request_id: context.request_id.to_owned(),
            deadline_ms: Some(u64::try_from(context.time.as_millis()).unwrap_or(u64::MAX)),
            session: context.session.map(|session| session.number),
            wants_statement: events::wants_statements()
                || context.trail.is_some_and(|trail| trail.is_watched()),
        };
        let words = to_json(&words)?;
        let parts = CallParts { head, context: &words, body };
        let module = self.connector.module();
        let watch = self.connector.watch();
        let call = watch.run(|| module.call(self.number, operation, &parts, context.session)).await?;
        Ok(GuardedCall::new(call, Arc::clone(watch), context.time))
    }

    /// The items of a catalogue call: rows with one JSON cell each.
    async fn list<T: DeserializeOwned>(
        &self,
        operation: Operation,
        head: &[u8],
        context: CallContext<'_>,
    ) -> Result<Vec<T>> {
        let bounds = Bounds { rows: u64::MAX, outcomes: 0 };
        let mut answer = self.call(operation, (head, &[]), context, bounds).await?;
        let (mut items, mut bytes) = (Vec::new(), 0);
        while let Some(batch) = answer.next().await {
            let batch = batch?;
            let mut row = Vec::new();
            for mut section in batch.sections() {
                while section.read_row(&mut row)? {
                    let [Cell::Json(json) | Cell::Text(json)] = row.as_slice() else {
                        return Err(protocol_error("an item of the catalogue is not one JSON cell"));
                    };
                    bytes += json.len();
                    items.push(serde_json::from_str(json).map_err(protocol_error)?);
                }
            }
            if bytes > MAX_CATALOGUE_BYTES {
                return Err(protocol_error("the catalogue is too large"));
            }
        }
        Ok(items)
    }

    /// A call has failed. When its time ran out, the service is probed: a connector whose threads are stuck answers nothing at all.
    pub(super) fn failed(&self, error: &Error) {
        let is_late = error.kind == ErrorKind::Timeout && error.reason.as_deref() == Some("deadline");
        if is_late && !self.is_probed.swap(true, Ordering::Relaxed) {
            tokio::spawn(probe(self.this.clone()));
        }
    }

    /// Whether the connector answers at all; that the store is away is an answer.
    async fn responds(&self) -> bool {
        let context = CallContext::new("probe", self.limits.probe);
        let Ok(mut call) = self.start(Operation::Ping, (&[], &[]), context).await else { return false };
        match call.next().await {
            Ok(_) => true,
            Err(error) => error.reason.as_deref() != Some("deadline"),
        }
    }

    fn mark(&self, is_down: bool) {
        if self.is_down.swap(is_down, Ordering::Relaxed) == is_down {
            return;
        }
        if is_down {
            tracing::error!(service = %self.name, "the connector does not respond, the service is marked down");
        } else {
            tracing::warn!(service = %self.name, "the connector responds again, the service is in use again");
        }
    }

    /// Closes the service; calls that run go on, new ones fail. Waits, but not for ever.
    pub async fn close(&self) {
        if !self.is_closed.swap(true, Ordering::Relaxed) {
            let (module, number) = (self.connector.module().clone(), self.number);
            // A late thread is left behind and was logged.
            let _ = guard::on_own_thread("close", self.limits.open, move || module.close(number)).await;
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if self.is_closed.load(Ordering::Relaxed) {
            return;
        }
        let (module, number) = (self.connector.module().clone(), self.number);
        if let Err(error) = guard::spawn("close", move || module.close(number)) {
            tracing::error!(service = %self.name, %error, "the service can't be closed");
        }
    }
}

/// Probes a service until it responds or is gone, at once where its connector has another process.
async fn probe(service: Weak<Service>) {
    loop {
        let Some(service) = service.upgrade() else { return };
        let responds = service.responds().await;
        service.mark(!responds);
        if responds {
            service.is_probed.store(false, Ordering::Relaxed);
            return;
        }
        let (module, pause) = (service.connector.module().clone(), service.limits.probe);
        drop(service);
        let _ = tokio::time::timeout(pause, module.give_up()).await;
    }
}

/// Whether a call is about what there is instead of what is in it.
fn is_of_catalogue(operation: Operation) -> bool {
    use Operation::{DescribeTables, ListRoutines, ListTables, Ping};
    matches!(operation, Ping | ListTables | DescribeTables | ListRoutines)
}

fn down() -> Error {
    Error::new(ErrorKind::Unavailable, "the connector of this service does not respond").with_reason("down")
}

pub(super) fn to_json(shape: &impl Serialize) -> Result<Vec<u8>> {
    let mut json = Vec::with_capacity(USUAL_HEAD_BYTES);
    serde_json::to_writer(&mut json, shape)
        .map_err(|error| Error::internal("a request can't be written as JSON").with_detail(error))?;
    Ok(json)
}
