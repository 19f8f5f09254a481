//! A library in a child: what a loaded library can do, by way of frames. When the child ends, the calls that it ran have failed. Services stay
//! open: the next child opens them when they are used.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use connector_api::abi::{Call, CallParts};
use connector_api::model::Operation;
use connector_api::{Error, ErrorKind};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

use super::call::{Answer, Calling, WINDOW, lost};
use super::frame::{Frame, Kind, Parts, malformed, push_counted};
use super::keep::{Served, look_after};
use super::process::{Conditions, Running};
use crate::connectors::loader;
use crate::connectors::service::SessionId;
use crate::settings::Sha256Digest;

/// A library that runs in a process of its own.
#[derive(Debug, Clone)]
pub(in crate::connectors) struct Apart(Arc<Shared>);

/// What calls and the task that looks after the child have in common.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) conditions: Conditions,
    /// The digest of the library that was inspected: no other one is started again.
    pub(super) digest: Sha256Digest,
    state: Mutex<State>,
    /// Marked as changed when another child is there.
    renewed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct State {
    child: At,
    /// How many children were lost. A transaction belongs to one.
    lost: u64,
    /// Numbers of calls and services that were given.
    given: u64,
    calls: HashMap<u64, mpsc::Sender<Answer>>,
    /// The requests that opened the services that are open.
    services: HashMap<u64, Vec<u8>>,
    level: u32,
}

/// Where the child is.
#[derive(Debug, Default)]
enum At {
    /// Loaded; nobody looks after it yet.
    Ready(Running),
    /// Served; this is where frames for it go, and how it is told to end.
    Served(mpsc::UnboundedSender<Frame>, Arc<tokio::sync::Notify>),
    /// Gone; another one will be started.
    #[default]
    Gone,
}

impl Apart {
    /// The library of this child.
    pub(in crate::connectors) fn new(running: Running, conditions: Conditions, digest: Sha256Digest) -> Self {
        let level = conditions.level;
        let state = State { child: At::Ready(running), level, ..State::default() };
        let renewed = watch::Sender::default();
        Self(Arc::new(Shared { conditions, digest, state: Mutex::new(state), renewed }))
    }

    /// Opens a service. From the first one on the child is looked after, on this runtime.
    pub(in crate::connectors) fn open(&self, request: &[u8], runtime: &Handle) -> Call {
        self.0.look_after(runtime);
        let mut state = self.0.state();
        let service = state.number();
        let bytes = [&service.to_le_bytes(), request].concat();
        let mut calling = self.0.begin(&mut state, Kind::Open, bytes, false);
        if calling.is_begun() {
            state.services.insert(service, request.to_vec());
            calling.opens = Some(service);
        }
        Call::new(calling)
    }

    /// Starts an operation.
    pub(in crate::connectors) fn call(
        &self,
        service: u64,
        operation: Operation,
        parts: &CallParts<'_>,
        session: Option<SessionId>,
    ) -> Call {
        let mut bytes = Vec::with_capacity(24 + parts.head.len() + parts.context.len() + parts.body.len());
        bytes.extend_from_slice(&service.to_le_bytes());
        bytes.extend_from_slice(&operation.number().to_le_bytes());
        push_counted(&mut bytes, parts.head);
        push_counted(&mut bytes, parts.context);
        bytes.extend_from_slice(parts.body);
        let mut state = self.0.state();
        if session.is_some_and(|session| session.process != state.lost) {
            return Call::new(Calling::failed(transaction_lost()));
        }
        let changes = may_have_changed(operation, session.is_some());
        Call::new(self.0.begin(&mut state, Kind::Call, bytes, changes))
    }

    /// Closes a service.
    pub(in crate::connectors) fn close(&self, service: u64) {
        self.0.close(service);
    }

    /// Tells of a changed log level.
    pub(in crate::connectors) fn set_log_level(&self, level: u32) {
        self.0.state().level = level;
        self.0.send(Frame::bare(Kind::Level, level.into()));
    }

    /// How many children were lost.
    pub(in crate::connectors) fn lost(&self) -> u64 {
        self.0.state().lost
    }

    /// Whether a child is there.
    pub(in crate::connectors) fn is_there(&self) -> bool {
        !matches!(self.0.state().child, At::Gone)
    }

    /// Ends the child, and waits until another one is there.
    pub(in crate::connectors) async fn replace(&self) {
        let mut renewed = self.0.renewed.subscribe();
        if let At::Served(_, end) = &self.0.state().child {
            end.notify_one();
        }
        // Its other half is in `self`.
        let _ = renewed.changed().await;
    }
}

impl Shared {
    /// Nothing awaits, and nothing foreign runs, while it is held.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a frame to the child, if there is one.
    pub(super) fn send(&self, frame: Frame) {
        if let At::Served(line, _) = &self.state().child {
            // Fails only when the child has just been lost.
            let _ = line.send(frame);
        }
    }

    /// No answer to this call is waited for any more.
    pub(super) fn forget(&self, call: u64) {
        self.state().calls.remove(&call);
    }

    pub(super) fn close(&self, service: u64) {
        self.state().services.remove(&service);
        self.send(Frame::bare(Kind::Close, service));
    }

    fn begin(self: &Arc<Self>, state: &mut State, kind: Kind, bytes: Vec<u8>, changes: bool) -> Calling {
        let frame = Frame::new(kind, state.number(), bytes);
        let number = frame.number;
        if !frame.fits() {
            let error =
                Error::new(ErrorKind::LimitExceeded, "the request is too large for the connector's process");
            return Calling::failed(error);
        }
        let At::Served(line, _) = &state.child else { return Calling::failed(lost(false)) };
        if line.send(frame).is_err() {
            return Calling::failed(lost(false));
        }
        // An end comes behind the items.
        let (send, answers) = mpsc::channel(WINDOW + 1);
        state.calls.insert(number, send);
        let shared = Arc::downgrade(self);
        Calling { shared, number, answers, lost: lost(changes), opens: None, is_over: false }
    }

    /// Has the child that was loaded looked after, unless it is already.
    fn look_after(self: &Arc<Self>, runtime: &Handle) {
        let mut state = self.state();
        match std::mem::take(&mut state.child) {
            At::Ready(running) => {
                let served = state.serve();
                drop(state);
                runtime.spawn(look_after(Arc::downgrade(self), running, served));
            }
            other => state.child = other,
        }
    }

    /// Hands over what the child has sent.
    ///
    /// # Errors
    /// It is nothing that it may send.
    pub(super) fn take(&self, frame: Frame) -> std::io::Result<()> {
        let answer = match frame.kind {
            Kind::Item => Answer::Item(frame.bytes),
            Kind::End => Answer::End,
            Kind::Failed => Answer::Failed(frame.bytes),
            Kind::Log => {
                log(&self.conditions.library, &frame);
                return Ok(());
            }
            _ => return Err(malformed()),
        };
        let state = self.state();
        // A call that nobody waits for was cancelled, which the child may not know yet.
        let Some(call) = state.calls.get(&frame.number) else { return Ok(()) };
        match call.try_send(answer) {
            Err(mpsc::error::TrySendError::Full(_)) => Err(malformed()),
            _ => Ok(()),
        }
    }

    /// The child is gone, and with it all that it ran.
    pub(super) fn lose(&self) {
        let mut state = self.state();
        state.child = At::Gone;
        state.lost += 1;
        let calls = std::mem::take(&mut state.calls);
        drop(state);
        drop(calls);
    }

    /// A new child is there: it gets the services.
    pub(super) fn renew(&self) -> Served {
        let mut state = self.state();
        let served = state.serve();
        if let At::Served(line, _) = &state.child {
            let level = Frame::bare(Kind::Level, state.level.into());
            let services = state.services.iter();
            let services =
                services.map(|(number, request)| Frame::new(Kind::Renew, *number, request.as_slice()));
            std::iter::once(level).chain(services).for_each(|frame| drop(line.send(frame)));
        }
        drop(state);
        self.renewed.send_replace(());
        served
    }
}

impl State {
    fn number(&mut self) -> u64 {
        self.given += 1;
        self.given
    }

    fn serve(&mut self) -> Served {
        let (line, frames) = mpsc::unbounded_channel();
        let end = Arc::new(tokio::sync::Notify::new());
        self.child = At::Served(line, Arc::clone(&end));
        Served { frames, end }
    }
}

/// Takes a line of a child's log.
pub(super) fn log(library: &Path, frame: &Frame) {
    let file = library.file_name().unwrap_or(library.as_os_str()).to_string_lossy();
    let mut parts = Parts(&frame.bytes);
    if let (Ok(level), Ok(target)) = (u32::try_from(frame.number), parts.counted()) {
        loader::emit(&file, level, target, parts.0);
    }
}

/// Whether a call whose child is gone may have changed something. What is not committed was undone.
fn may_have_changed(operation: Operation, is_in_transaction: bool) -> bool {
    match operation {
        Operation::Commit => true,
        Operation::Insert | Operation::Update | Operation::Upsert | Operation::Delete => !is_in_transaction,
        Operation::ChangeSchema | Operation::Call => true,
        Operation::Ping
        | Operation::Query
        | Operation::Count
        | Operation::ListTables
        | Operation::DescribeTables
        | Operation::ListRoutines
        | Operation::Begin
        | Operation::Rollback => false,
    }
}

fn transaction_lost() -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "the process of this service's connector has ended, and the transaction with it",
    )
    .with_reason("process_ended")
}
