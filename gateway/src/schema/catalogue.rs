//! What is known of a service's tables: read when first asked for, kept, read again in the background when it is old and at once when a
//! name is not found in it. Readers never wait for a refresh of something that is known.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use connector_api::Error;
use connector_api::model::{Table, TableName, TableRef};

use super::names::{lookup_key, public_name};
use crate::connectors::{CallContext, Service};

/// How long an entry is fresh.
const FRESH: Duration = Duration::from_secs(60);
/// How soon after it was read the list may be read again because a name is not in it.
const MISS_PAUSE: Duration = Duration::from_secs(1);
/// Tables described by one call.
const DESCRIBED_AT_ONCE: usize = 500;

/// The tables of one service.
#[derive(Debug, Default)]
pub struct Catalogue {
    names: RwLock<Option<Arc<Names>>>,
    tables: RwLock<HashMap<TableRef, Arc<Entry>>>,
    /// One reader at a time goes to the store; the others wait for what it brings.
    reading: tokio::sync::Mutex<()>,
}

/// The names of all tables.
#[derive(Debug)]
struct Names {
    by_key: HashMap<String, Vec<TableName>>,
    all: Vec<TableName>,
    read_at: Instant,
    is_refreshing: AtomicBool,
}

#[derive(Debug)]
struct Entry {
    table: Arc<Table>,
    read_at: Instant,
    is_refreshing: AtomicBool,
}

/// How the catalogue reaches the store.
#[derive(Clone)]
pub struct Source {
    /// The connection.
    pub service: Arc<Service>,
    /// For logs.
    pub request_id: Arc<str>,
    /// How long a call may take.
    pub time: Duration,
}

impl Source {
    fn context(&self) -> CallContext<'_> {
        CallContext { request_id: &self.request_id, time: self.time, session: None }
    }
}

impl Catalogue {
    /// Forgets everything, so that the next question is answered by the store.
    pub fn forget(&self) {
        *self.names.write().unwrap_or_else(PoisonError::into_inner) = None;
        self.tables.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// All tables.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(self: &Arc<Self>, source: &Source) -> Result<Vec<TableName>, Error> {
        Ok(self.names(source).await?.all.clone())
    }

    /// The table with this public name, whatever its case where that is unambiguous. A name that is not known is looked for in the store once.
    ///
    /// # Errors
    /// The store's.
    pub async fn table(self: &Arc<Self>, name: &str, source: &Source) -> Result<Option<Arc<Table>>, Error> {
        let names = self.names(source).await?;
        let found = match names.find(name) {
            Some(table) => Some(table.clone()),
            None if names.read_at.elapsed() < MISS_PAUSE => None,
            None => self.read_names(source, Some(&names)).await?.find(name).cloned(),
        };
        match found {
            Some(table) => self.described(&table, source).await,
            None => Ok(None),
        }
    }

    /// Descriptions of all tables, read in as few calls as possible.
    ///
    /// # Errors
    /// The store's.
    pub async fn all(self: &Arc<Self>, source: &Source) -> Result<Vec<Arc<Table>>, Error> {
        let names = self.names(source).await?;
        let missing: Vec<TableRef> = {
            let known = self.tables.read().unwrap_or_else(PoisonError::into_inner);
            names
                .all
                .iter()
                .map(|name| &name.table)
                .filter(|table| !known.contains_key(table))
                .cloned()
                .collect()
        };
        for tables in missing.chunks(DESCRIBED_AT_ONCE) {
            self.read_tables(tables.to_vec(), source).await?;
        }
        let known = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        Ok(names
            .all
            .iter()
            .filter_map(|name| known.get(&name.table))
            .map(|entry| Arc::clone(&entry.table))
            .collect())
    }

    async fn names(self: &Arc<Self>, source: &Source) -> Result<Arc<Names>, Error> {
        let known = self.names.read().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(names) = known else { return self.read_names(source, None).await };
        if names.read_at.elapsed() > FRESH && !names.is_refreshing.swap(true, Ordering::Relaxed) {
            let (catalogue, source, old) = (Arc::clone(self), source.clone(), Arc::clone(&names));
            tokio::spawn(async move {
                if let Err(error) = catalogue.read_names(&source, Some(&old)).await {
                    tracing::warn!(service = source.service.name(), %error, "the list of tables can't be refreshed");
                    old.is_refreshing.store(false, Ordering::Relaxed);
                }
            });
        }
        Ok(names)
    }

    /// Reads the names, unless somebody else has done so since `seen`.
    async fn read_names(&self, source: &Source, seen: Option<&Arc<Names>>) -> Result<Arc<Names>, Error> {
        let _one_at_a_time = self.reading.lock().await;
        let known = self.names.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known.filter(|known| !seen.is_some_and(|seen| Arc::ptr_eq(seen, known))) {
            return Ok(known);
        }
        let names = Arc::new(Names::new(source.service.list_tables(source.context()).await?));
        *self.names.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&names));
        Ok(names)
    }

    async fn described(
        self: &Arc<Self>,
        table: &TableRef,
        source: &Source,
    ) -> Result<Option<Arc<Table>>, Error> {
        let known = self.tables.read().unwrap_or_else(PoisonError::into_inner).get(table).cloned();
        let Some(entry) = known else { return self.describe(table, source).await };
        if entry.read_at.elapsed() > FRESH && !entry.is_refreshing.swap(true, Ordering::Relaxed) {
            let (catalogue, source, old) = (Arc::clone(self), source.clone(), Arc::clone(&entry));
            tokio::spawn(async move {
                if let Err(error) = catalogue.read_tables(vec![old.table.table.clone()], &source).await {
                    tracing::warn!(service = source.service.name(), %error, "a table can't be described again");
                    old.is_refreshing.store(false, Ordering::Relaxed);
                }
            });
        }
        Ok(Some(Arc::clone(&entry.table)))
    }

    async fn describe(&self, table: &TableRef, source: &Source) -> Result<Option<Arc<Table>>, Error> {
        let _one_at_a_time = self.reading.lock().await;
        let find = || {
            self.tables
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .get(table)
                .map(|entry| Arc::clone(&entry.table))
        };
        if let Some(table) = find() {
            return Ok(Some(table));
        }
        self.read_tables(vec![table.clone()], source).await?;
        Ok(find())
    }

    /// Reads descriptions; what the store no longer has is forgotten.
    async fn read_tables(&self, tables: Vec<TableRef>, source: &Source) -> Result<(), Error> {
        let described = source.service.describe_tables(tables.clone(), source.context()).await?;
        let mut known = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        for table in &tables {
            known.remove(table);
        }
        for table in described {
            let entry = Entry {
                table: Arc::new(table),
                read_at: Instant::now(),
                is_refreshing: AtomicBool::new(false),
            };
            known.insert(entry.table.table.clone(), Arc::new(entry));
        }
        Ok(())
    }
}

impl Names {
    fn new(all: Vec<TableName>) -> Self {
        let mut by_key: HashMap<String, Vec<TableName>> = HashMap::with_capacity(all.len());
        for name in &all {
            by_key.entry(lookup_key(&public_name(&name.table))).or_default().push(name.clone());
        }
        Self { by_key, all, read_at: Instant::now(), is_refreshing: AtomicBool::new(false) }
    }

    /// The exact name first; else the only one that is equal without regard to case.
    fn find(&self, name: &str) -> Option<&TableRef> {
        let candidates = self.by_key.get(&lookup_key(name))?;
        let exact = candidates.iter().find(|candidate| public_name(&candidate.table) == name);
        let only = if let [only] = candidates.as_slice() { Some(only) } else { None };
        exact.or(only).map(|found| &found.table)
    }
}
