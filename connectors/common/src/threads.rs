//! Dedicated threads for drivers that block: each thread owns its state (a connection, say) and takes jobs from one bounded queue.
//!
//! A job whose caller is gone is not started; one that runs is cancelled through the driver. A caller that needs the same state for
//! several jobs (a transaction, say) holds a thread: see [`Threads::hold`]. May not know what a job does.

mod held;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use connector_api::{Error, ErrorKind, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

pub use held::{Held, Hold};

/// How many threads, and how much may wait for them.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Name of the threads, as the operating system shows it; at most 15 bytes are seen on Linux.
    pub name: String,
    /// Number of threads, at least 1.
    pub threads: usize,
    /// Jobs that may wait beside those that run.
    pub queue: usize,
    /// How long a caller waits for a place in a full queue, and a job in the queue for its thread, before it gets [`ErrorKind::Busy`].
    pub wait: Duration,
}

/// Whether the caller of the job that runs on this thread is gone. For drivers that ask while they work.
#[derive(Debug, Clone, Default)]
pub struct Cancelled(Arc<AtomicBool>);

impl Cancelled {
    /// Nobody waits for the job that runs any more.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn set(&self, is_set: bool) {
        self.0.store(is_set, Ordering::Relaxed);
    }
}

/// Stops what a thread's state is doing, from another thread. Called only while a job of that state runs.
pub type Cancel = Arc<dyn Fn() + Send + Sync>;

/// What a thread owns: made on the thread and never moved off it, so `S` need not be `Send`.
pub struct Owned<S> {
    /// The state each job gets.
    pub state: S,
    /// Stops the driver; does nothing where [`Cancelled`] is enough.
    pub cancel: Cancel,
}

/// A pool of threads. Dropping it ends each thread after its job; jobs still waiting are not run.
pub struct Threads<S: 'static> {
    shared: Arc<Shared<S>>,
    jobs: mpsc::Sender<Job<S>>,
    places: Arc<Semaphore>,
    wait: Duration,
}

impl<S: 'static> Threads<S> {
    /// Starts the threads. `open` makes a thread's state with its first job, and again after a panic or after an error of kind
    /// [`ErrorKind::Unavailable`], which says that the state is of no more use.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] when the system gives no more threads.
    pub fn start(
        settings: &Settings,
        open: impl Fn(&Cancelled) -> Result<Owned<S>> + Send + Sync + 'static,
    ) -> Result<Self> {
        let (jobs, queue) = mpsc::channel();
        let shared = Arc::new(Shared {
            queue: Mutex::new(queue),
            is_closed: AtomicBool::new(false),
            open: Box::new(open),
        });
        let threads = settings.threads.max(1);
        // Made first, so that threads which did start end with it when a later one does not.
        let pool = Self {
            shared,
            jobs,
            places: Arc::new(Semaphore::new(threads.saturating_add(settings.queue))),
            wait: settings.wait,
        };
        for _ in 0..threads {
            let shared = Arc::clone(&pool.shared);
            std::thread::Builder::new().name(settings.name.clone()).spawn(move || work(&shared)).map_err(
                |error| {
                    Error::new(ErrorKind::Busy, "the connector can't start its threads").with_detail(error)
                },
            )?;
        }
        Ok(pool)
    }

    /// Runs a job on the next free thread. Dropping the future cancels the job.
    ///
    /// # Errors
    /// What the job or the making of the state answers; [`ErrorKind::Busy`] when no place or no thread came free in time, and then the
    /// job is never run;
    /// [`ErrorKind::Internal`] when the job panicked.
    pub async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut S) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run_begun_within(self.wait, job).await
    }

    /// The same for who waits only so long for a place, and then for a thread.
    ///
    /// # Errors
    /// As [`Threads::run`].
    pub async fn run_begun_within<T: Send + 'static>(
        &self,
        wait: Duration,
        job: impl FnOnce(&mut S) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let place = self.place(wait).await?;
        let (call, answer) = Pending::new();
        self.push(Box::new(move |worker, shared| {
            worker.perform(shared, answer, job);
            drop(place);
        }));
        call.result_begun_within(wait).await.unwrap_or_else(|| Err(closed()))
    }

    fn push(&self, job: Job<S>) {
        // Fails only without threads; then the job is dropped, and with it the sender of its answer.
        let _ = self.jobs.send(job);
    }

    async fn place(&self, wait: Duration) -> Result<OwnedSemaphorePermit> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(place);
        }
        match tokio::time::timeout(wait, Arc::clone(&self.places).acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            _ => Err(Error::new(ErrorKind::Busy, "all connections are in use and the queue is full")
                .with_reason("queue_full")),
        }
    }
}

impl<S> Drop for Threads<S> {
    fn drop(&mut self) {
        // With this value goes the only sender, which ends the threads that wait.
        self.shared.is_closed.store(true, Ordering::Release);
    }
}

type Job<S> = Box<dyn FnOnce(&mut Worker<S>, &Shared<S>) + Send>;

type OpenState<S> = dyn Fn(&Cancelled) -> Result<Owned<S>> + Send + Sync;

struct Shared<S> {
    /// One thread at a time waits for the next job, for a moment awake and then asleep; the others wait for their turn to do so.
    queue: Mutex<mpsc::Receiver<Job<S>>>,
    is_closed: AtomicBool,
    open: Box<OpenState<S>>,
}

impl<S> Shared<S> {
    /// The next job; waits for one. `None`: the pool is gone.
    fn next(&self) -> Option<Job<S>> {
        // A std mutex: nothing awaits while it is held, and no code of a job runs under it.
        let job = self.queue.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()?;
        (!self.is_closed.load(Ordering::Acquire)).then_some(job)
    }
}

fn work<S>(shared: &Shared<S>) {
    let mut worker = Worker { owned: None, cancelled: Cancelled::default() };
    while let Some(job) = shared.next() {
        job(&mut worker, shared);
    }
    worker.forget();
}

/// What caller and thread agree on about one job.
#[derive(Default)]
struct Turn {
    /// The thread has begun, or the caller has given up waiting for that: whoever comes first decides.
    is_settled: AtomicBool,
    /// How to stop the job while it runs; nothing before and after.
    running: Mutex<Option<(Cancelled, Cancel)>>,
}

impl Turn {
    /// Whether this side came first.
    fn settle(&self) -> bool {
        !self.is_settled.swap(true, Ordering::AcqRel)
    }

    fn running(&self) -> MutexGuard<'_, Option<(Cancelled, Cancel)>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread's side of a call: where the answer goes, and how the caller stops the job.
struct Answer<T> {
    sender: oneshot::Sender<Result<T>>,
    turn: Arc<Turn>,
}

/// A thread's side of the jobs.
struct Worker<S> {
    owned: Option<Owned<S>>,
    cancelled: Cancelled,
}

impl<S> Worker<S> {
    /// Runs a job and hands over its answer; if it went well, tells whether the caller was still there.
    fn perform<T>(
        &mut self,
        shared: &Shared<S>,
        answer: Answer<T>,
        job: impl FnOnce(&mut S) -> Result<T>,
    ) -> Option<bool> {
        let Answer { sender, turn } = answer;
        if sender.is_closed() || !turn.settle() {
            return None;
        }
        let result = guarded(|| self.run(shared, &turn, || sender.is_closed(), job));
        *turn.running() = None;
        if result.as_ref().is_err_and(ends_state) {
            self.forget();
        }
        let went_well = result.is_ok();
        let is_heard = sender.send(result).is_ok();
        went_well.then_some(is_heard)
    }

    fn run<T>(
        &mut self,
        shared: &Shared<S>,
        turn: &Turn,
        is_gone: impl Fn() -> bool,
        job: impl FnOnce(&mut S) -> Result<T>,
    ) -> Result<T> {
        self.cancelled.set(false);
        let owned = match &mut self.owned {
            Some(owned) => owned,
            none => none.insert((shared.open)(&self.cancelled)?),
        };
        *turn.running() = Some((self.cancelled.clone(), Arc::clone(&owned.cancel)));
        // A caller that went before the line above could not cancel; one that goes after it does.
        if is_gone() {
            return Err(Error::new(ErrorKind::Cancelled, "nobody waits for the answer any more"));
        }
        job(&mut owned.state)
    }

    /// Drops the state; the next job makes another one.
    fn forget(&mut self) {
        let owned = self.owned.take();
        let _ = guarded(|| {
            drop(owned);
            Ok(())
        });
    }
}

/// After these a connection can't be trusted any more.
fn ends_state(error: &Error) -> bool {
    error.kind == ErrorKind::Unavailable || error.reason.as_deref() == Some(PANIC)
}

const PANIC: &str = "panic";

/// Turns a panic into an error; its payload, whose drop may panic again, is forgotten.
fn guarded<T>(job: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(job)).unwrap_or_else(|payload| {
        std::mem::forget(payload);
        Err(Error::internal("the connector panicked").with_reason(PANIC))
    })
}

/// The caller's side of a job. Its drop cancels what runs; once the job is over, nothing is there to cancel.
struct Pending<T> {
    receiver: oneshot::Receiver<Result<T>>,
    turn: Arc<Turn>,
}

impl<T> Pending<T> {
    fn new() -> (Self, Answer<T>) {
        let (sender, receiver) = oneshot::channel();
        let turn = Arc::<Turn>::default();
        (Self { receiver, turn: Arc::clone(&turn) }, Answer { sender, turn })
    }

    /// What the job answers, or [`ErrorKind::Busy`] if it has not begun within `wait`; it never will then. `None` when it was dropped
    /// without being run.
    async fn result_begun_within(mut self, wait: Duration) -> Option<Result<T>> {
        match tokio::time::timeout(wait, &mut self.receiver).await {
            Ok(answer) => answer.ok(),
            Err(_) if self.turn.settle() => Some(Err(Error::new(
                ErrorKind::Busy,
                "all connections are in use, and none came free in time",
            )
            .with_reason("no_connection"))),
            Err(_) => self.result().await,
        }
    }

    /// What the job answers; `None` when it was dropped without being run.
    async fn result(mut self) -> Option<Result<T>> {
        (&mut self.receiver).await.ok()
    }
}

fn closed() -> Error {
    Error::new(ErrorKind::Cancelled, "the service was closed")
}

impl<T> Drop for Pending<T> {
    fn drop(&mut self) {
        // In this order: the thread first says that it runs, then looks whether somebody listens.
        self.receiver.close();
        if let Some((cancelled, cancel)) = self.turn.running().as_ref() {
            cancelled.set(true);
            cancel();
        }
    }
}

#[cfg(test)]
mod tests;
