//! A thread held by one caller: it takes that caller's jobs and no others until the caller lets go, stays silent for too long, its time is
//! over, or the state is lost. For transactions, whose statements belong to one connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use connector_api::{Error, ErrorKind, Result};
use tokio::sync::Mutex;

use super::{Job, Pending, Shared, Threads, Worker, closed, guarded};

/// How long a thread is held, and what happens then.
#[derive(Debug)]
pub struct Hold<S> {
    /// The longest silence between two jobs.
    pub idle: Duration,
    /// The longest time in all, however busy the caller. No job begins after it; the one that runs is not cut, its caller bounds it.
    pub life: Duration,
    /// Asked after each job: whether there is still something to hold the thread for.
    pub goes_on: fn(&S) -> bool,
    /// Run on the thread when it is let go, unless its state is lost.
    pub end: fn(&mut S),
}

/// A held thread. Dropping it lets the thread go, after the job that runs.
pub struct Held<S: 'static> {
    /// Only one of them has a caller: what waits beside it was given up, and is passed over.
    jobs: Sender<Job<S>>,
    /// Locked while a caller waits for its job.
    caller: Mutex<()>,
    is_over: Arc<AtomicBool>,
}

impl<S: 'static> Threads<S> {
    /// Holds the next free thread and runs the first job on it. If that fails, or the future is dropped, the thread is let go. A held
    /// thread counts as busy: others queue behind it.
    ///
    /// # Errors
    /// As [`Threads::run`].
    pub async fn hold(
        &self,
        hold: Hold<S>,
        first: impl FnOnce(&mut S) -> Result<()> + Send + 'static,
    ) -> Result<Held<S>> {
        let place = self.place(self.wait).await?;
        let (call, answer) = Pending::new();
        let (jobs, waiting) = channel();
        let held = Held { jobs, caller: Mutex::new(()), is_over: Arc::default() };
        let is_over = Arc::clone(&held.is_over);
        self.push(Box::new(move |worker, shared| {
            match worker.perform(shared, answer, first) {
                Some(true) => worker.serve(shared, &waiting, &hold),
                // What it began nobody will end.
                Some(false) => worker.let_go(&hold),
                None => {}
            }
            is_over.store(true, Ordering::Release);
            drop(place);
        }));
        call.result_begun_within(self.wait).await.unwrap_or_else(|| Err(closed())).map(|()| held)
    }
}

impl<S: 'static> Held<S> {
    /// Whether the thread was let go.
    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    /// Runs a job on the held thread. Dropping the future cancels the job and leaves the thread held; the next job waits until the
    /// driver has stopped.
    ///
    /// # Errors
    /// What the job answers; [`ErrorKind::Cancelled`] when the thread was let go meanwhile; [`ErrorKind::Busy`] while another caller
    /// waits for its job.
    pub async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut S) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let _caller = self.caller.try_lock().map_err(|_| session_busy())?;
        let (call, answer) = Pending::new();
        let job: Job<S> = Box::new(move |worker, shared| {
            worker.perform(shared, answer, job);
        });
        self.jobs.send(job).map_err(|_| let_go())?;
        call.result().await.unwrap_or_else(|| Err(let_go()))
    }
}

fn session_busy() -> Error {
    Error::new(ErrorKind::Busy, "another call of the same session is running; send one at a time")
        .with_reason("session_busy")
}

fn let_go() -> Error {
    Error::new(ErrorKind::Cancelled, "the session is over: it was ended, idle or open for too long")
        .with_reason("session_lost")
}

impl<S> Worker<S> {
    fn serve(&mut self, shared: &Shared<S>, jobs: &Receiver<Job<S>>, hold: &Hold<S>) {
        let begun = Instant::now();
        while self.owned.as_ref().is_some_and(|owned| (hold.goes_on)(&owned.state)) {
            let left = hold.life.saturating_sub(begun.elapsed());
            let job = jobs.recv_timeout(hold.idle.min(left));
            // What comes at the last moment comes too late: it must not find a thread that is about to be let go.
            match job {
                Ok(job) if begun.elapsed() < hold.life => job(self, shared),
                _ => break,
            }
        }
        self.let_go(hold);
    }

    /// Ends what the thread was held for.
    fn let_go(&mut self, hold: &Hold<S>) {
        // The last job may have been cancelled; the end must not be.
        self.cancelled.set(false);
        let Some(owned) = &mut self.owned else { return };
        let ended = guarded(|| {
            (hold.end)(&mut owned.state);
            Ok(())
        });
        if ended.is_err() {
            self.forget();
        }
    }
}
