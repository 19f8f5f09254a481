//! The connection: opened at the first need, the collections that it shows, and what a call runs on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use connector_api::author::{Context, Error, ErrorKind, Path, Result, TableKind, TableName, TableRef};
use futures_util::{StreamExt as _, TryStreamExt as _};
use mongodb::bson::raw::{RawDocument, RawDocumentBuf};
use mongodb::bson::{Document, doc};
use mongodb::results::{CollectionSpecification, CollectionType};
use mongodb::{Client, Collection, Database, SessionCursor};

use crate::condition::Selection;
use crate::config::Config;
use crate::error::{self, from_driver};
use crate::schema::{Found, ID, Layout};
use crate::session::{MAX_SESSIONS, Sessions, Work};
use crate::statement;

/// What was read of a collection counts for so long.
const KEPT: Duration = Duration::from_secs(30);
/// Documents that the server sends at once.
const BATCH: u32 = 1_000;
/// So many collections are looked at side by side.
const AT_ONCE: usize = 8;

/// One service: a database.
pub(crate) struct Store {
    client: Client,
    database: Database,
    pub(crate) sessions: Arc<Sessions>,
    layouts: Mutex<HashMap<String, (Instant, Arc<Layout>)>>,
    sample_size: u32,
    /// The most documents that one call may bring here to be tested or grouped.
    pub(crate) max_scanned: u64,
    /// Whether transactions work; `true` as long as the server was never reached.
    pub(crate) has_transactions: bool,
}

impl Store {
    /// Opens the service, though the server may be down.
    ///
    /// # Errors
    /// A configuration that makes no sense.
    pub(crate) async fn open(config: Config) -> Result<Self> {
        // Each library has its own choice, and asking twice changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let options = config.client_options().await?;
        let name = config.database(&options)?;
        let client = Client::with_options(options).map_err(|error| from_driver(&error))?;
        let database = client.database(&name);
        let has_transactions = has_transactions(&database).await;
        Ok(Self {
            sessions: Sessions::new(MAX_SESSIONS, config.session_timeout.0),
            layouts: Mutex::default(),
            sample_size: config.sample_size.max(1),
            max_scanned: config.max_scanned,
            client,
            database,
            has_transactions,
        })
    }

    /// Asks the server whether it is there and takes the account.
    ///
    /// # Errors
    /// Why not.
    pub(crate) async fn ping(&self) -> Result<()> {
        self.database.run_command(doc! {"ping": 1}).await.map(drop).map_err(|error| from_driver(&error))
    }

    /// A collection's documents as the bytes of the answer.
    pub(crate) fn collection(&self, table: &TableRef) -> Collection<RawDocumentBuf> {
        self.database.collection(&table.name)
    }

    /// What a call runs on: the transaction that its context names, or a session of its own.
    ///
    /// # Errors
    /// *Cancelled* for a transaction that has ended.
    pub(crate) async fn work(&self, context: &Context) -> Result<Work> {
        match context.session {
            Some(number) => self.sessions.join(number).map(Work::of),
            None => Work::alone(&self.client).await,
        }
    }

    /// Names and kinds of all collections and views; those of the server itself are left out.
    ///
    /// # Errors
    /// The server's.
    pub(crate) async fn list(&self) -> Result<Vec<TableName>> {
        let found = self.specifications(doc! {}).await?;
        let name = |found: CollectionSpecification| TableName {
            kind: if is_view(&found) { TableKind::View } else { TableKind::Table },
            table: TableRef::new(found.name),
        };
        Ok(found.into_iter().map(name).collect())
    }

    /// Those of these collections that exist, read anew.
    ///
    /// # Errors
    /// The server's.
    pub(crate) async fn describe(&self, tables: &[TableRef]) -> Result<Vec<Arc<Layout>>> {
        let names: Vec<&str> =
            tables.iter().filter(|table| is_here(table)).map(|table| table.name.as_str()).collect();
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let found = self.specifications(doc! {"name": {"$in": names}}).await?;
        let layouts = futures_util::stream::iter(found).map(|found| self.look_at(found));
        layouts.buffered(AT_ONCE).try_collect().await
    }

    /// What is known of a collection. What was read a while ago counts, unless a path does not fit it.
    ///
    /// # Errors
    /// *Not found* for the collection, or for a column of one that takes no others.
    pub(crate) async fn layout(&self, table: &TableRef, paths: &[&Path]) -> Result<Arc<Layout>> {
        let check =
            |layout: Arc<Layout>| paths.iter().try_for_each(|path| layout.check(path)).map(|()| layout);
        if let Some(Ok(layout)) = self.known(table).map(check) {
            return Ok(layout);
        }
        let layout = self.describe(std::slice::from_ref(table)).await?.pop();
        check(layout.ok_or_else(|| error::table_not_found(&table.name))?)
    }

    fn known(&self, table: &TableRef) -> Option<Arc<Layout>> {
        let layouts = self.layouts();
        let (read, layout) = layouts.get(&table.name).filter(|_| is_here(table))?;
        (read.elapsed() < KEPT).then(|| Arc::clone(layout))
    }

    // A std mutex: nothing awaits while it is held.
    fn layouts(&self) -> MutexGuard<'_, HashMap<String, (Instant, Arc<Layout>)>> {
        self.layouts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn specifications(&self, filter: Document) -> Result<Vec<CollectionSpecification>> {
        let cursor =
            self.database.list_collections().filter(filter).await.map_err(|error| from_driver(&error))?;
        let found: Vec<_> = cursor.try_collect().await.map_err(|error| from_driver(&error))?;
        Ok(found.into_iter().filter(|found| !found.name.starts_with("system.")).collect())
    }

    async fn look_at(&self, found: CollectionSpecification) -> Result<Arc<Layout>> {
        let collection: Collection<RawDocumentBuf> = self.database.collection(&found.name);
        let is_view = is_view(&found);
        let mut sample = collection.find(doc! {}).limit(i64::from(self.sample_size));
        if !is_view {
            // The newest ones, since the form of documents changes with time.
            sample = sample.sort(doc! {ID: -1});
        }
        let sample = async { sample.await?.try_collect().await };
        let indexes = async {
            if is_view { Ok(Vec::new()) } else { collection.list_indexes().await?.try_collect().await }
        };
        let (sample, indexes) = futures_util::try_join!(sample, indexes)
            .map_err(|error: mongodb::error::Error| from_driver(&error))?;
        let found = Found { name: found.name, is_view, validator: found.options.validator, indexes, sample };
        let layout = Arc::new(Layout::new(&found)?);
        self.layouts().insert(found.name, (Instant::now(), Arc::clone(&layout)));
        Ok(layout)
    }
}

/// Documents that a call reads one after the other.
pub(crate) struct Scan<'a> {
    store: &'a Store,
    work: &'a mut Work,
    deadline: Option<Duration>,
    cursor: Option<SessionCursor<RawDocumentBuf>>,
    /// Documents that came here only to be tested or grouped.
    scanned: u64,
    wants_statement: bool,
    /// What was sent, for the statement log, where that is wanted.
    pub(crate) statement: Option<String>,
}

impl<'a> Scan<'a> {
    pub(crate) fn new(store: &'a Store, work: &'a mut Work, context: &Context) -> Self {
        let deadline = context.deadline_ms.map(Duration::from_millis);
        let wants_statement = context.wants_statement;
        Self { store, work, deadline, cursor: None, scanned: 0, wants_statement, statement: None }
    }

    /// Starts to read.
    ///
    /// # Errors
    /// The server's.
    pub(crate) async fn open(&mut self, table: &TableRef, stages: Vec<Document>) -> Result<()> {
        self.statement = self.wants_statement.then(|| statement::of_read(&table.name, &stages));
        let collection = self.store.collection(table);
        let mut aggregate = collection.aggregate(stages).allow_disk_use(true).batch_size(BATCH);
        // A time of zero would be none at all.
        if let Some(time) = self.deadline.filter(|time| !time.is_zero()) {
            aggregate = aggregate.max_time(time);
        }
        let cursor = aggregate.session(self.work.session()?).with_type::<RawDocumentBuf>().await;
        self.cursor = Some(cursor.map_err(|error| self.work.failed(&error))?);
        Ok(())
    }

    /// The next document that is meant. Those that are tested here count.
    ///
    /// # Errors
    /// The server's; too many documents.
    pub(crate) async fn next(&mut self, selection: &Selection<'_>) -> Result<Option<&RawDocument>> {
        while self.advance(!selection.rest.is_empty()).await? {
            if selection.holds(self.current()?)? {
                return self.current().map(Some);
            }
        }
        Ok(None)
    }

    /// As [`Scan::next`], of documents that all count.
    ///
    /// # Errors
    /// As [`Scan::next`].
    pub(crate) async fn next_counted(&mut self, selection: &Selection<'_>) -> Result<Option<&RawDocument>> {
        while self.advance(true).await? {
            if selection.holds(self.current()?)? {
                return self.current().map(Some);
            }
        }
        Ok(None)
    }

    async fn advance(&mut self, counts: bool) -> Result<bool> {
        let Some(cursor) = &mut self.cursor else {
            return Err(Error::internal("nothing was opened to be read"));
        };
        let more = cursor.advance(self.work.session()?).await.map_err(|error| self.work.failed(&error))?;
        self.scanned += u64::from(more && counts);
        if self.scanned <= self.store.max_scanned {
            return Ok(more);
        }
        let message = format!(
            "the server can't test this filter or make these groups itself, and more than {} documents would have to \
             be read for it; narrow the filter or raise 'max_scanned'",
            self.store.max_scanned
        );
        Err(Error::new(ErrorKind::LimitExceeded, message).with_reason("too_many_scanned"))
    }

    fn current(&self) -> Result<&RawDocument> {
        let cursor = self.cursor.as_ref().ok_or_else(|| Error::internal("nothing was opened to be read"))?;
        Ok(cursor.current())
    }
}

/// Collections have no namespace: the service is a database.
fn is_here(table: &TableRef) -> bool {
    table.namespace.is_empty() && !table.name.is_empty()
}

fn is_view(found: &CollectionSpecification) -> bool {
    matches!(found.collection_type, CollectionType::View)
}

/// Members of replica sets and the routers of sharded clusters have transactions.
/// <https://www.mongodb.com/docs/manual/core/transactions/>
async fn has_transactions(database: &Database) -> bool {
    let Ok(hello) = database.run_command(doc! {"hello": 1}).await else { return true };
    hello.contains_key("setName") || hello.get_str("msg").is_ok_and(|kind| kind == "isdbgrid")
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::net::TcpListener;

    use connector_api::author::ErrorKind;
    use serde_json::json;

    use super::*;

    /// Why a server at this port can't be used.
    async fn refusal(port: u16, tls: bool) -> Error {
        let config =
            json!({"host": "127.0.0.1", "port": port, "database": "d", "tls": tls, "connect_timeout": "1s"});
        let store = Store::open(serde_json::from_value(config).unwrap()).await.unwrap();
        assert!(store.has_transactions, "nobody knows yet");
        store.ping().await.unwrap_err()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_server_that_is_not_there_is_told_from_one_that_does_not_speak_tls() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            // Each connection gets an answer that is no TLS.
            listener
                .incoming()
                .for_each(|stream| drop(stream.unwrap().write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")));
        });
        for (port, tls, reason) in
            [(port, true, "tls_failed"), (1, false, "unreachable"), (1, true, "unreachable")]
        {
            let error = refusal(port, tls).await;
            assert_eq!((error.kind, error.reason.as_deref()), (ErrorKind::Unavailable, Some(reason)));
            assert!(!error.message.contains("127.0.0.1"), "{}", error.message);
        }
    }
}
