//! Keeps a connector that hangs from hanging the gateway.
//!
//! Where foreign code runs, and what holds it:
//!
//! * *Loading, initialising, describing, opening, closing, level changes*: on a thread of their own with a time limit. A thread that
//!   does not come back is left behind.
//! * *Calls* (`GuardedCall`): their entry and their polls run on the gateway's workers. With the author's kit these only look into
//!   a channel, because the connector's own code runs on the connector's own threads; a hop to another thread at each poll would
//!   cost several microseconds to guard against nothing. A connector that declares itself inline, or one
//!   that is not made with the kit, may still block there. Two things hold that: one worker always stays outside of connectors
//!   (`Watch::enter`), and the [`Watchdog`], a thread of its own, sees an entry that lasts longer than a tick and marks the library
//!   stuck: from then on nothing enters it and its calls are answered at once. When the entry returns after all, the mark is taken away.
//!   The price of that is four atomic operations a poll.
//! * *A connector's own thread that is stuck* does not concern the gateway's threads; its calls run into their deadline, after which
//!   the service is probed and, if even that gets no answer, marked down ([`service`](super::service)).

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use connector_api::abi::{Buffer, Call, Step};
use connector_api::{Error, ErrorKind, Result};
use tokio::time::{Instant, Sleep, sleep_until};

use super::places::Places;

/// How often the watchdog looks. An entry is stuck after one to two ticks.
const TICK: Duration = Duration::from_millis(500);

/// Entries are counted by the tick they began in; so many ticks are told apart.
const SLOTS: usize = 4;

/// The longest text taken over from a connector's error.
const MAX_ERROR_TEXT: usize = 4 * 1024;

/// What all libraries share: the tick and how many workers are inside connectors.
#[derive(Debug)]
struct Shared {
    tick: AtomicUsize,
    inside: Places,
    workers: usize,
}

/// Looks after the entries of one library.
#[derive(Debug)]
pub struct Watch {
    file: String,
    shared: Arc<Shared>,
    slots: [AtomicUsize; SLOTS],
    is_stuck: AtomicBool,
}

/// Why an entry may not begin.
enum Kept {
    /// All workers but one are inside connectors.
    Crowded,
    /// An earlier entry into this library has not returned.
    Stuck,
}

/// An entry that lasts until this is dropped.
struct Inside<'a> {
    watch: &'a Watch,
    slot: &'a AtomicUsize,
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.slot.fetch_sub(1, Ordering::Release);
        self.watch.shared.inside.give_back();
    }
}

impl Watch {
    /// Whether an entry of the library has not returned for longer than a tick.
    #[must_use]
    pub fn is_stuck(&self) -> bool {
        self.is_stuck.load(Ordering::Relaxed)
    }

    fn enter(&self) -> std::result::Result<Inside<'_>, Kept> {
        if self.is_stuck() {
            return Err(Kept::Stuck);
        }
        if self.shared.inside.take() { Ok(self.begin()) } else { Err(Kept::Crowded) }
    }

    /// Where it is crowded, the task is woken for another try.
    fn enter_or_wait(&self, context: &Context<'_>) -> std::result::Result<Inside<'_>, Kept> {
        if self.is_stuck() {
            return Err(Kept::Stuck);
        }
        let has_place = self.shared.inside.take_or_wait(context.waker());
        if has_place { Ok(self.begin()) } else { Err(Kept::Crowded) }
    }

    fn begin(&self) -> Inside<'_> {
        let [first, ..] = &self.slots;
        let slot = self.slots.get(self.shared.tick.load(Ordering::Relaxed) % SLOTS).unwrap_or(first);
        slot.fetch_add(1, Ordering::Acquire);
        Inside { watch: self, slot }
    }

    /// Runs an entry.
    ///
    /// # Errors
    /// When the library is stuck.
    pub(super) async fn run<T>(&self, entry: impl FnOnce() -> T) -> Result<T> {
        let inside = std::future::poll_fn(|context| match self.enter_or_wait(context) {
            Ok(inside) => Poll::Ready(Ok(inside)),
            Err(Kept::Stuck) => Poll::Ready(Err(stuck())),
            Err(Kept::Crowded) => Poll::Pending,
        });
        let _inside = inside.await?;
        Ok(entry())
    }

    /// How many entries are stuck; changes and logs the mark.
    fn look(&self, tick: usize) -> usize {
        let counts = self.slots.each_ref().map(|slot| slot.load(Ordering::Acquire));
        let was_stuck = self.is_stuck();
        let is_recent = |slot: usize| slot == tick % SLOTS || slot == tick.wrapping_sub(1) % SLOTS;
        // Nothing enters a stuck library, so whatever is inside then is old.
        let old = counts.iter().enumerate().filter(|(slot, _)| was_stuck || !is_recent(*slot));
        let old: usize = old.map(|(_, count)| *count).sum();
        if was_stuck != (old > 0) {
            self.is_stuck.store(old > 0, Ordering::Relaxed);
            if old > 0 {
                tracing::error!(connector = %self.file, workers = old, "a connector blocks the gateway's workers and is marked down");
            } else {
                tracing::warn!(connector = %self.file, "the connector has returned and is in use again");
            }
        }
        old
    }
}

/// The thread that looks for entries that do not return. Ends with its value.
#[derive(Debug)]
pub struct Watchdog {
    shared: Arc<Shared>,
    watches: mpsc::Sender<Arc<Watch>>,
}

impl Watchdog {
    /// Starts the thread, for a gateway with so many worker threads (at least 2, so that one can stay outside of connectors).
    #[must_use]
    pub fn start(workers: usize) -> Self {
        let inside = Places::new(allowed(workers, 0));
        let shared = Arc::new(Shared { tick: AtomicUsize::new(0), inside, workers });
        let (watches, arriving) = mpsc::channel();
        let watched = Arc::clone(&shared);
        let started = std::thread::Builder::new()
            .name("connector-watch".into())
            .spawn(move || watch(&watched, &arriving));
        if let Err(error) = started {
            tracing::error!(%error, "connectors are not watched: the thread can't be started");
        }
        Self { shared, watches }
    }

    /// The watch of one more library.
    #[must_use]
    pub fn watch(&self, file: String) -> Arc<Watch> {
        let slots = Default::default();
        let watch = Arc::new(Watch {
            file,
            shared: Arc::clone(&self.shared),
            slots,
            is_stuck: AtomicBool::new(false),
        });
        // Fails only when the thread could not be started, which was logged.
        let _ = self.watches.send(Arc::clone(&watch));
        watch
    }
}

/// How many entries may run at once when so many are stuck for good.
fn allowed(workers: usize, stuck: usize) -> usize {
    stuck + workers.saturating_sub(stuck + 1).max(1)
}

fn watch(shared: &Shared, arriving: &mpsc::Receiver<Arc<Watch>>) {
    let mut watches: Vec<Arc<Watch>> = Vec::new();
    let mut next = std::time::Instant::now() + TICK;
    loop {
        match arriving.recv_timeout(next.saturating_duration_since(std::time::Instant::now())) {
            Ok(watch) => watches.push(watch),
            Err(mpsc::RecvTimeoutError::Disconnected) => return,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                next = std::time::Instant::now() + TICK;
                let tick = shared.tick.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
                let stuck = watches.iter().map(|watch| watch.look(tick)).sum();
                shared.inside.set_limit(allowed(shared.workers, stuck));
            }
        }
    }
}

/// Runs `work` on a thread of its own.
///
/// # Errors
/// When it takes longer than `limit`; the thread is then left behind.
pub(super) async fn on_own_thread<T: Send + 'static>(
    what: &'static str,
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    let (send, receive) = tokio::sync::oneshot::channel();
    spawn(what, move || drop(send.send(work())))?;
    match tokio::time::timeout(limit, receive).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(_)) => Err(Error::internal("the connector panicked").with_reason("panic")),
        Err(_) => {
            tracing::error!(what, "a connector does not return; its thread is left behind");
            Err(too_late(limit))
        }
    }
}

/// Starts a thread for foreign code.
pub(super) fn spawn(what: &'static str, work: impl FnOnce() + Send + 'static) -> Result<()> {
    let started = std::thread::Builder::new().name(format!("connector-{what}")).spawn(work);
    started.map(drop).map_err(|error| {
        Error::new(ErrorKind::Busy, "the gateway can't start another thread").with_detail(error)
    })
}

/// A running call with a budget of time: the sum of all waiting for the connector since it last got on. Waiting for the client does not
/// count.
#[derive(Debug)]
pub(super) struct GuardedCall {
    call: Option<Running>,
    watch: Arc<Watch>,
    limit: Duration,
    left: Duration,
    timer: Option<Timer>,
}

struct Running(Call);

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Running")
    }
}

#[derive(Debug)]
struct Timer {
    sleep: Pin<Box<Sleep>>,
    waiting_since: Option<Instant>,
}

impl GuardedCall {
    pub(super) fn new(call: Call, watch: Arc<Watch>, limit: Duration) -> Self {
        Self { call: Some(Running(call)), watch, limit, left: limit, timer: None }
    }

    /// The next message; `None` at the end. After an error or the end the call is released.
    pub(super) async fn next(&mut self) -> Result<Option<Buffer>> {
        let result = std::future::poll_fn(|context| self.poll_next(context)).await;
        if !matches!(result, Ok(Some(_))) {
            self.release();
        }
        result
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Buffer>>> {
        let Some(Running(call)) = &mut self.call else { return Poll::Ready(Ok(None)) };
        let step = match self.watch.enter_or_wait(context) {
            Ok(_inside) => Pin::new(call).poll_step(context),
            Err(Kept::Stuck) => return Poll::Ready(Err(stuck())),
            Err(Kept::Crowded) => Poll::Pending,
        };
        let Poll::Ready(step) = step else {
            ready!(self.poll_timer(context));
            return Poll::Ready(Err(too_late(self.limit)));
        };
        self.stop_timer();
        Poll::Ready(match step {
            Step::Item(message) => Ok(Some(message)),
            Step::End => Ok(None),
            Step::Failed(error) => Err(read_error(error.as_ref())),
        })
    }

    fn poll_timer(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let left = self.left;
        let timer = self.timer.get_or_insert_with(|| {
            let now = Instant::now();
            Timer { sleep: Box::pin(sleep_until(now + left)), waiting_since: Some(now) }
        });
        if timer.waiting_since.is_none() {
            let now = Instant::now();
            timer.waiting_since = Some(now);
            timer.sleep.as_mut().reset(now + left);
        }
        timer.sleep.as_mut().poll(context)
    }

    fn stop_timer(&mut self) {
        if let Some(since) = self.timer.as_mut().and_then(|timer| timer.waiting_since.take()) {
            self.left = self.left.saturating_sub(since.elapsed());
        }
    }

    /// The call has got on: its time begins anew.
    pub(super) fn renew(&mut self) {
        self.left = self.limit;
    }

    /// Cancels what is left of the call. A drop inside the library may block too, so it counts as an entry, and where none may begin
    /// it happens on a thread of its own.
    pub(super) fn release(&mut self) {
        let Some(call) = self.call.take() else { return };
        match self.watch.enter() {
            Ok(_inside) => drop(call),
            Err(_) => {
                if let Err(error) = spawn("drop", move || drop(call)) {
                    tracing::error!(%error, "a call of a stuck connector can't be dropped");
                }
            }
        }
    }
}

impl Drop for GuardedCall {
    fn drop(&mut self) {
        self.release();
    }
}

/// The connector's own error, with its texts kept to a sane length and one line: a caller and the log will see them.
fn read_error(bytes: &[u8]) -> Error {
    let Ok(mut error) = serde_json::from_slice::<Error>(bytes) else {
        return Error::internal("the connector failed without a readable error")
            .with_reason("protocol_error");
    };
    error.message = tame(&error.message);
    for text in [&mut error.reason, &mut error.native_code, &mut error.sqlstate, &mut error.detail] {
        *text = text.take().map(|text| tame(&text).into());
    }
    error
}

/// A foreign text without control characters and of bounded length.
pub(super) fn tame(text: &str) -> String {
    let mut tame = String::with_capacity(text.len().min(MAX_ERROR_TEXT));
    for character in text.chars() {
        if tame.len() >= MAX_ERROR_TEXT {
            tame.push('…');
            break;
        }
        if character.is_control() {
            tame.extend(character.escape_default());
        } else {
            tame.push(character);
        }
    }
    tame
}

fn stuck() -> Error {
    Error::new(ErrorKind::Unavailable, "the connector of this service does not respond").with_reason("stuck")
}

fn too_late(limit: Duration) -> Error {
    let message = format!("the service did not answer within {} ms", limit.as_millis());
    Error::new(ErrorKind::Timeout, message).with_reason("deadline")
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
