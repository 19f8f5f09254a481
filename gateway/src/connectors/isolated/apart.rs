//! A library in a child: what a loaded library can do, by way of frames. When the child ends, the calls that it ran have failed, and another
//! one is started, each time after a longer pause if it does not live long. Services stay open: the next child opens them when they are used.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use connector_api::abi::{Call, CallParts};
use connector_api::model::Operation;
use connector_api::{Error, ErrorKind};
use tokio::io::{AsyncWriteExt as _, BufReader, BufWriter};
use tokio::net::UnixStream;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::call::{Answer, Calling, WINDOW, lost};
use super::frame::{Frame, Kind, Parts, malformed, push_counted};
use super::process::{Conditions, Running, start};
use crate::connectors::loader;
use crate::connectors::service::SessionId;

/// The pause before a child is started again, the first time; it doubles with each child that ends early.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A child that lived so long has not ended early.
const LONG_LIFE: Duration = Duration::from_secs(60);

/// A library that runs in a process of its own.
#[derive(Debug, Clone)]
pub(in crate::connectors) struct Apart(Arc<Shared>);

/// What calls and the task that looks after the child have in common.
#[derive(Debug)]
pub(super) struct Shared {
    conditions: Conditions,
    state: Mutex<State>,
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
    pub(in crate::connectors) fn new(running: Running, conditions: Conditions) -> Self {
        let level = conditions.level;
        let state = State { child: At::Ready(running), level, ..State::default() };
        Self(Arc::new(Shared { conditions, state: Mutex::new(state) }))
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

    /// Ends the child, so that another one is started.
    pub(in crate::connectors) fn end(&self) {
        if let At::Served(_, end) = &self.0.state().child {
            end.notify_one();
        }
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
    fn take(&self, frame: Frame) -> std::io::Result<()> {
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
    fn lose(&self) {
        let mut state = self.state();
        state.child = At::Gone;
        state.lost += 1;
        let calls = std::mem::take(&mut state.calls);
        drop(state);
        drop(calls);
    }

    /// A new child is there: it gets the services.
    fn renew(&self) -> Served {
        let mut state = self.state();
        let served = state.serve();
        if let At::Served(line, _) = &state.child {
            let level = Frame::bare(Kind::Level, state.level.into());
            let services = state.services.iter();
            let services =
                services.map(|(number, request)| Frame::new(Kind::Renew, *number, request.as_slice()));
            std::iter::once(level).chain(services).for_each(|frame| drop(line.send(frame)));
        }
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

/// The other ends of what [`At::Served`] holds.
struct Served {
    frames: mpsc::UnboundedReceiver<Frame>,
    end: Arc<tokio::sync::Notify>,
}

/// Serves a child until it ends, and then the next one, as long as the library is in use.
async fn look_after(shared: Weak<Shared>, mut running: Running, mut served: Served) {
    let mut pause = FIRST_PAUSE;
    loop {
        let began = Instant::now();
        let why = match serve(&shared, &running, served).await {
            Ok(()) => None,
            Err(error) => Some(error.to_string()),
        };
        // It waits for a process that was told to end, a moment.
        let ended = tokio::task::spawn_blocking(move || running.end()).await.unwrap_or_default();
        let Some(lost) = shared.upgrade() else { return };
        lost.lose();
        let library = lost.conditions.library.display();
        tracing::error!(connector = %library, ended, why, "the process of a connector has ended and is started again");
        drop(lost);
        if began.elapsed() >= LONG_LIFE {
            pause = FIRST_PAUSE;
        }
        let Some(next) = started(&shared, &mut pause).await else { return };
        running = next;
        let Some(shared) = shared.upgrade() else { return };
        served = shared.renew();
    }
}

/// Starts another child, as often as it takes; `None`: the library is no longer in use.
async fn started(shared: &Weak<Shared>, pause: &mut Duration) -> Option<Running> {
    loop {
        tokio::time::sleep(*pause).await;
        *pause = (*pause * 2).min(LONGEST_PAUSE);
        let conditions = shared.upgrade()?.conditions.clone();
        let library = conditions.library.clone();
        match tokio::task::spawn_blocking(move || start(&conditions)).await {
            Ok(Ok((running, _))) => return Some(running),
            Ok(Err(reason)) => {
                tracing::error!(connector = %library.display(), %reason, "the process of a connector can't be started again");
            }
            Err(error) => tracing::error!(%error, "the thread that starts a process panicked"),
        }
    }
}

/// Sends and takes frames until one side has gone, or the child is told to end.
async fn serve(shared: &Weak<Shared>, running: &Running, served: Served) -> std::io::Result<()> {
    let socket = running.socket.try_clone()?;
    socket.set_nonblocking(true)?;
    let (from, mut to) = UnixStream::from_std(socket)?.into_split();
    let Served { mut frames, end } = served;
    let writing = async {
        let mut to = BufWriter::new(&mut to);
        while let Some(frame) = frames.recv().await {
            frame.send(&mut to).await?;
            if frames.is_empty() {
                to.flush().await?;
            }
        }
        Ok(())
    };
    let reading = async {
        let mut from = BufReader::new(from);
        while let (Some(frame), Some(shared)) = (Frame::receive(&mut from).await?, shared.upgrade()) {
            shared.take(frame)?;
        }
        Ok(())
    };
    tokio::select! {
        done = writing => done,
        done = reading => done,
        () = end.notified() => Ok(()),
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
