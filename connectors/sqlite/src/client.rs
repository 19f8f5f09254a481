//! The connections of one service, on dedicated threads: some that read, one that writes, and those that a transaction holds.
//!
//! All writes and all transactions that may write share one thread, so they queue in the order they came instead of finding the file
//! locked. Readers go on meanwhile, on threads of their own.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use connector_api::author::RowSink;
use connector_api::{Error, ErrorKind, Result};
use connector_common::threads::{Held, Hold, Settings, Threads};

use crate::config::Config;
use crate::connection::{Database, Purpose, open};

/// How long a ping waits for a thread: less than the gateway waits for a ping.
const PING_WAIT: Duration = Duration::from_secs(1);

/// The connections of one service.
pub(crate) struct Client {
    readers: Threads<Database>,
    /// `None`: the service only reads.
    writer: Option<Threads<Database>>,
    /// For transactions that only read: their threads start with the first of them.
    snapshots: Mutex<Option<Arc<Threads<Database>>>>,
    transactions: Transactions,
    config: Arc<Config>,
}

impl Client {
    /// Starts the threads; the file is opened with the first use of each.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] when the system gives no threads.
    pub(crate) fn start(config: Config) -> Result<Self> {
        let config = Arc::new(config);
        let writer = if config.read_only { None } else { Some(threads(&config, Purpose::Writing, 1)?) };
        Ok(Self {
            readers: threads(&config, Purpose::Reading, config.threads)?,
            writer,
            snapshots: Mutex::default(),
            transactions: Transactions::default(),
            config,
        })
    }

    /// Asks whether the file is there. Who asks that waits for no thread that is long in coming.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] when all threads are in use; why the file can't be read.
    pub(crate) async fn ping(&self) -> Result<()> {
        self.readers.run_begun_within(PING_WAIT, |database| database.ping()).await
    }

    /// Runs a job that reads, outside any transaction.
    ///
    /// # Errors
    /// What opening or the job answers.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Database) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.readers.run(job).await
    }

    /// Runs a job that reads into the sink, in this transaction if there is one. The sink goes to the thread and comes
    /// back, also when the job fails.
    ///
    /// # Errors
    /// As [`Client::run`]; [`ErrorKind::Cancelled`] when the transaction is over.
    pub(crate) async fn read(
        &self,
        session: Option<u64>,
        out: &mut RowSink,
        job: impl FnOnce(&mut Database, &mut RowSink) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        let mut sink = out.take();
        let job = move |database: &mut Database| {
            let result = job(database, &mut sink);
            // A broken connection has to reach the pool as an error; the rows so far are of no use then.
            match result {
                Err(error) if error.kind == ErrorKind::Unavailable => Err(error),
                result => Ok((sink, result)),
            }
        };
        let (sink, result) = match session {
            Some(number) => self.transactions.get(number)?.run(job).await?,
            None => self.readers.run(job).await?,
        };
        *out = sink;
        result
    }

    /// Runs a job that writes, in this transaction if there is one.
    ///
    /// # Errors
    /// As [`Client::read`]; [`ErrorKind::PermissionDenied`] when the service only reads.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        session: Option<u64>,
        job: impl FnOnce(&mut Database) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        if let Some(number) = session {
            return self.transactions.get(number)?.run(job).await;
        }
        let read_only = || {
            Error::new(
                ErrorKind::PermissionDenied,
                "the service only reads: its configuration says 'read_only'",
            )
            .with_reason("read_only")
            .with_sqlstate("25006")
        };
        self.writer.as_ref().ok_or_else(read_only)?.run(job).await
    }

    /// Begins a transaction; gives its number.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] when too many wait for one.
    pub(crate) async fn begin(&self, read_only: bool) -> Result<u64> {
        let hold = Hold {
            idle: self.config.session_timeout.0,
            life: self.config.session_lifetime.0,
            goes_on: Database::is_in_transaction,
            // If that fails, the connection is closed with its thread at the latest, which undoes the work too.
            end: |database| drop(database.rollback()),
        };
        let held = match &self.writer {
            Some(writer) if !read_only => writer.hold(hold, |database| database.begin(false)).await?,
            _ => self.snapshots()?.hold(hold, |database| database.begin(true)).await?,
        };
        Ok(self.transactions.add(held))
    }

    /// Ends this transaction with this job.
    ///
    /// # Errors
    /// What the job answers; [`ErrorKind::Cancelled`] when the transaction is over.
    pub(crate) async fn end(&self, session: Option<u64>, job: fn(&mut Database) -> Result<()>) -> Result<()> {
        let number = session.ok_or_else(|| Error::internal("the call names no session"))?;
        self.transactions.take(number)?.run(job).await
    }

    fn snapshots(&self) -> Result<Arc<Threads<Database>>> {
        let mut snapshots = lock(&self.snapshots);
        if let Some(threads) = &*snapshots {
            return Ok(Arc::clone(threads));
        }
        let started = Arc::new(threads(&self.config, Purpose::Reading, self.config.threads)?);
        Ok(Arc::clone(snapshots.insert(started)))
    }
}

fn threads(config: &Arc<Config>, purpose: Purpose, count: usize) -> Result<Threads<Database>> {
    let settings = Settings {
        name: if purpose == Purpose::Writing { "sqlite-writer" } else { "sqlite" }.to_owned(),
        threads: count,
        queue: config.queue,
        wait: config.busy_timeout.0,
    };
    let config = Arc::clone(config);
    Threads::start(&settings, move |cancelled| open(&config, purpose, cancelled))
}

/// Transactions by their number. Bounded by the threads they hold.
#[derive(Default)]
struct Transactions {
    held: Mutex<HashMap<u64, Arc<Held<Database>>>>,
    last: AtomicU64,
}

impl Transactions {
    fn add(&self, held: Held<Database>) -> u64 {
        let number = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let mut all = lock(&self.held);
        all.retain(|_, held| !held.is_over());
        all.insert(number, Arc::new(held));
        number
    }

    fn get(&self, number: u64) -> Result<Arc<Held<Database>>> {
        lock(&self.held).get(&number).cloned().ok_or_else(over)
    }

    fn take(&self, number: u64) -> Result<Arc<Held<Database>>> {
        lock(&self.held).remove(&number).ok_or_else(over)
    }
}

fn over() -> Error {
    Error::new(ErrorKind::Cancelled, "the transaction is over: it was ended, idle or open for too long")
        .with_reason("session_lost")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
