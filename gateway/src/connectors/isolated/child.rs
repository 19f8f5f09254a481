//! The child's side: loads one library and does what frames say. The standard input is the socket; when it ends, so does the process.

use std::collections::HashMap;
use std::future::poll_fn;
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream as Socket;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use connector_api::abi::{Call, CallParts, Module, Step};
use connector_api::model::{Descriptor, Opened};
use connector_api::{Error, ErrorKind};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, Signal, getpid, kill_process, setrlimit};
use tokio::io::{BufReader, BufWriter};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedWriteHalf;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{OnceCell, Semaphore, mpsc};
use tokio::task::AbortHandle;

use super::call::WINDOW;
use super::frame::{Frame, Kind, Parts, malformed, push_counted};
use super::process::Conditions;
use crate::connectors::loader::{self, Log};

/// Frames that wait to be written. A line of the log that finds no room is lost.
const WAITING: usize = 256;

/// Runs the child until the gateway has gone.
///
/// # Errors
/// The standard input is no socket of a gateway, or what came over it is nothing that may come.
pub fn run() -> io::Result<()> {
    let mut socket = Socket::from(io::stdin().as_fd().try_clone_to_owned()?);
    end_with(socket.try_clone()?)?;
    let load = Frame::read(&mut socket)?;
    let conditions: Conditions = match load.kind {
        Kind::Load => serde_json::from_slice(&load.bytes)?,
        _ => return Err(malformed()),
    };
    let (out, outgoing) = mpsc::channel(WAITING);
    let loaded = loaded(&conditions, &out);
    let answer = loaded.as_ref().map(|(_, descriptor)| descriptor).map_err(Clone::clone);
    Frame::new(Kind::Loaded, 0, serde_json::to_vec(&answer)?).write(&mut socket)?;
    let Ok((module, _)) = loaded else { return Ok(()) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let served = runtime.block_on(serve(module, socket, (out, outgoing)));
    // Threads of the library may run for ever.
    runtime.shutdown_background();
    served
}

/// Ends the process when the other side of the socket is gone, whatever the library does meanwhile.
fn end_with(socket: Socket) -> io::Result<()> {
    let watching = move || {
        let mut watched = [PollFd::new(&socket, PollFlags::RDHUP)];
        while poll(&mut watched, None) == Err(Errno::INTR) {}
        let _ = kill_process(getpid(), Signal::KILL);
    };
    std::thread::Builder::new().name("gateway-watch".to_owned()).spawn(watching).map(drop)
}

fn loaded(conditions: &Conditions, out: &mpsc::Sender<Frame>) -> Result<(Module, Descriptor), String> {
    if let Some(most) = conditions.memory {
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        setrlimit(Resource::Data, limit).map_err(|error| format!("its memory can't be limited: {error}"))?;
    }
    let lines = out.clone();
    let log: Log = Box::new(move |level, target, fields| {
        let mut bytes = Vec::with_capacity(4 + target.len() + fields.len());
        push_counted(&mut bytes, target);
        bytes.extend_from_slice(fields);
        let _ = lines.try_send(Frame::new(Kind::Log, level.into(), bytes));
    });
    loader::load(&conditions.library, conditions.level, log).map_err(|reason| reason.to_string())
}

/// A service that the gateway has open.
struct Slot {
    request: Vec<u8>,
    /// The library's number of it.
    opened: OnceCell<u64>,
}

/// A call that runs.
struct Going {
    more: Arc<Semaphore>,
    task: AbortHandle,
}

struct Child {
    module: Module,
    out: mpsc::Sender<Frame>,
    services: HashMap<u64, Arc<Slot>>,
    calls: Arc<Mutex<HashMap<u64, Going>>>,
}

async fn serve(
    module: Module,
    socket: Socket,
    (out, outgoing): (mpsc::Sender<Frame>, mpsc::Receiver<Frame>),
) -> io::Result<()> {
    // Whoever ends the gateway may signal all of its processes, while requests still run.
    let _ignored = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()].map(signal);
    socket.set_nonblocking(true)?;
    let (from, to) = UnixStream::from_std(socket)?.into_split();
    tokio::spawn(write(to, outgoing));
    let mut child = Child { module, out, services: HashMap::new(), calls: Arc::default() };
    let mut from = BufReader::new(from);
    while let Some(frame) = Frame::receive(&mut from).await? {
        child.take(frame)?;
    }
    Ok(())
}

async fn write(to: OwnedWriteHalf, mut outgoing: mpsc::Receiver<Frame>) -> io::Result<()> {
    let mut to = BufWriter::new(to);
    while let Some(frame) = outgoing.recv().await {
        frame.send(&mut to, outgoing.is_empty()).await?;
    }
    Ok(())
}

impl Child {
    fn take(&mut self, frame: Frame) -> io::Result<()> {
        let number = frame.number;
        match frame.kind {
            Kind::Open => {
                let mut parts = Parts(&frame.bytes);
                let service = parts.u64()?;
                let slot = self.keep(service, parts.0);
                let module = self.module;
                self.start(number, async move { open(module, service, &slot).await });
            }
            Kind::Renew => drop(self.keep(number, &frame.bytes)),
            Kind::Call => self.call(number, frame.bytes)?,
            Kind::More => {
                if let Some(going) = calls(&self.calls).get(&number) {
                    going.more.add_permits(1);
                }
            }
            Kind::Cancel => {
                if let Some(going) = calls(&self.calls).remove(&number) {
                    going.task.abort();
                }
            }
            Kind::Close => self.close(number),
            Kind::Level => self.module.set_log_level(u32::try_from(number).unwrap_or_default()),
            _ => return Err(malformed()),
        }
        Ok(())
    }

    fn keep(&mut self, service: u64, request: &[u8]) -> Arc<Slot> {
        let slot = Arc::new(Slot { request: request.to_vec(), opened: OnceCell::new() });
        self.services.insert(service, Arc::clone(&slot));
        slot
    }

    /// Starts an operation, once its service is open.
    fn call(&mut self, number: u64, bytes: Vec<u8>) -> io::Result<()> {
        let slot = self.services.get(&Parts(&bytes).u64()?).map(Arc::clone);
        let module = self.module;
        self.start(number, async move {
            let slot = slot.ok_or_else(|| failure(&closed()))?;
            let service = *slot.opened.get_or_try_init(|| opened(module, &slot)).await?;
            begun(module, service, &bytes).map_err(|error| failure(&Error::internal(error.to_string())))
        });
        Ok(())
    }

    /// Runs a call as a task; it may send [`WINDOW`] items, and one more for each that was taken.
    fn start(
        &mut self,
        number: u64,
        begin: impl Future<Output = Result<Answering, Vec<u8>>> + Send + 'static,
    ) {
        let more = Arc::new(Semaphore::new(WINDOW));
        let (going, out, permits) = (Arc::clone(&self.calls), self.out.clone(), Arc::clone(&more));
        // Held until the task is among the calls, so that it can't end before.
        let mut all = calls(&self.calls);
        let task = tokio::spawn(async move {
            let end = match begin.await {
                Ok(answering) => run_call(number, answering, (&out, &permits)).await,
                Err(error) => Frame::new(Kind::Failed, number, error),
            };
            calls(&going).remove(&number);
            let _ = out.send(end).await;
        });
        all.insert(number, Going { more, task: task.abort_handle() });
    }

    /// Closing may take as long as it likes.
    fn close(&mut self, service: u64) {
        let number = self.services.remove(&service).and_then(|slot| slot.opened.get().copied());
        if let Some(number) = number {
            let module = self.module;
            // Where there are no threads to be had, it stays open until the process ends.
            let _ = std::thread::Builder::new().name("close".to_owned()).spawn(move || module.close(number));
        }
    }
}

fn calls(calls: &Mutex<HashMap<u64, Going>>) -> MutexGuard<'_, HashMap<u64, Going>> {
    calls.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a call answers with.
enum Answering {
    /// All that there is.
    One(Vec<u8>),
    /// What comes of a call of the library.
    Call(Call),
}

/// Sends the items of a call; gives what ends it.
async fn run_call(
    number: u64,
    answering: Answering,
    (out, more): (&mpsc::Sender<Frame>, &Semaphore),
) -> Frame {
    let mut call = match answering {
        Answering::One(bytes) => {
            let _ = out.send(Frame::new(Kind::Item, number, bytes)).await;
            return Frame::bare(Kind::End, number);
        }
        Answering::Call(call) => call,
    };
    loop {
        if let Ok(permit) = more.acquire().await {
            permit.forget();
        }
        match poll_fn(|context| Pin::new(&mut call).poll_step(context)).await {
            Step::Item(item) => {
                let frame = Frame::new(Kind::Item, number, item.as_ref());
                if !frame.fits() {
                    return Frame::new(Kind::Failed, number, failure(&too_long()));
                }
                let _ = out.send(frame).await;
            }
            Step::End => return Frame::bare(Kind::End, number),
            Step::Failed(error) => return Frame::new(Kind::Failed, number, error.as_ref()),
        }
    }
}

/// Opens a service for the first time: the gateway gets what the library says of it, with the number that the gateway gave it.
async fn open(module: Module, service: u64, slot: &Slot) -> Result<Answering, Vec<u8>> {
    let opened = asked(module, slot).await?;
    // Nobody else knows of the service before it is answered.
    let _ = slot.opened.set(opened.service);
    let opened = Opened { service, ..opened };
    serde_json::to_vec(&opened)
        .map(Answering::One)
        .map_err(|error| failure(&Error::internal(error.to_string())))
}

async fn opened(module: Module, slot: &Slot) -> Result<u64, Vec<u8>> {
    asked(module, slot).await.map(|opened| opened.service)
}

async fn asked(module: Module, slot: &Slot) -> Result<Opened, Vec<u8>> {
    let mut call = module.open(&slot.request);
    match poll_fn(|context| Pin::new(&mut call).poll_step(context)).await {
        Step::Item(item) => serde_json::from_slice(item.as_ref()).map_err(|error| {
            failure(&Error::internal("the connector's answer can't be read").with_detail(error))
        }),
        Step::Failed(error) => Err(error.as_ref().to_vec()),
        Step::End => Err(failure(&Error::internal("the connector gave no answer to open"))),
    }
}

/// Has the library begin an operation; the bytes are those of the frame.
fn begun(module: Module, service: u64, bytes: &[u8]) -> io::Result<Answering> {
    let mut parts = Parts(bytes);
    let _ = parts.u64()?;
    let (operation, head, context) = (parts.u32()?, parts.counted()?, parts.counted()?);
    let parts = CallParts { head, context, body: parts.0 };
    Ok(Answering::Call(module.call(service, operation, &parts)))
}

fn too_long() -> Error {
    Error::internal("the connector broke the contract: a message is too long").with_reason("protocol_error")
}

fn closed() -> Error {
    Error::new(ErrorKind::Cancelled, "the service was closed").with_reason("closed")
}

fn failure(error: &Error) -> Vec<u8> {
    serde_json::to_vec(error).unwrap_or_default()
}
