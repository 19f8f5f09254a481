//! What is known of a service's tables: read when first asked for, kept, read again in the background when it is old and at once when a
//! name is not found in it. Readers never wait for a refresh of something that is known, unless they ask for what is there now.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use connector_api::Error;
use connector_api::model::{Table, TableName, TableRef};

use super::names::{lookup_key, public_name};
use super::relationships::{Followed, References};
use crate::connectors::{CallContext, Service};
use crate::events;
use crate::extras::Tables;
use crate::trail::Trail;

/// How long an entry is fresh.
pub(super) const FRESH: Duration = Duration::from_secs(60);
/// How soon after it was read because a name was missing something may be read again because a name is missing.
const MISS_PAUSE: Duration = Duration::from_secs(1);
/// Tables described by one call.
const DESCRIBED_AT_ONCE: usize = 500;

/// The tables of one service.
#[derive(Debug, Default)]
pub struct Catalogue {
    names: RwLock<Option<Arc<Names>>>,
    tables: RwLock<HashMap<TableRef, Arc<Entry>>>,
    /// What was read before this is not as the store has it.
    outdated: RwLock<Option<Instant>>,
    /// One reader at a time goes to the store for the names; the others wait for what it brings.
    reading_names: tokio::sync::Mutex<()>,
    /// The same for a table.
    reading_table: tokio::sync::Mutex<()>,
    /// The same for all tables: who wants one does not wait for them.
    reading_all: tokio::sync::Mutex<()>,
    is_refreshing_all: AtomicBool,
    followed: Followed,
}

/// The names of all tables.
#[derive(Debug)]
struct Names {
    by_key: HashMap<String, Vec<TableName>>,
    all: Vec<TableName>,
    read: Reading,
    is_refreshing: AtomicBool,
}

#[derive(Debug)]
struct Entry {
    table: Arc<Table>,
    read: Reading,
    is_refreshing: AtomicBool,
}

/// When and why something was read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    /// When it began.
    pub(super) at: Instant,
    /// Something was missing in what was known before.
    is_for_missing: bool,
}

impl Reading {
    pub(super) fn now(is_for_missing: bool) -> Self {
        Self { at: Instant::now(), is_for_missing }
    }

    /// For whom something is missing in what this brought: from when on it may be there. `None`: it was looked for just now.
    pub(super) fn next(self) -> Option<Instant> {
        let is_paused = self.is_for_missing && self.at.elapsed() < MISS_PAUSE;
        (!is_paused).then_some(self.at + Duration::from_nanos(1))
    }
}

/// How the catalogue reaches the store.
#[derive(Clone)]
pub struct Source {
    /// The connection.
    pub service: Arc<Service>,
    /// For logs.
    pub request_id: Arc<Trail>,
    /// How long a call may take.
    pub time: Duration,
    /// What was read before this is too old for whoever asks.
    pub not_before: Option<Instant>,
}

impl Source {
    pub(super) fn context(&self) -> CallContext<'_> {
        CallContext { trail: Some(&self.request_id), ..CallContext::new(&self.request_id, self.time) }
    }
}

impl Catalogue {
    /// The store says that something of this is gone: nothing is believed that was read until now.
    pub fn outdate(&self) {
        *self.outdated.write().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// All tables.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(self: &Arc<Self>, source: &Source) -> Result<Vec<TableName>, Error> {
        Ok(self.names(source, self.needed(source)).await?.all.clone())
    }

    /// The table with this public name, whatever its case where that is unambiguous. A name that is not known is looked for in the store once.
    ///
    /// # Errors
    /// The store's.
    pub async fn table(self: &Arc<Self>, name: &str, source: &Source) -> Result<Option<Arc<Table>>, Error> {
        let names = self.names(source, None).await?;
        let found = match names.find(name) {
            Some(table) => Some(table.clone()),
            None => match self.another_look(&names, source) {
                None => None,
                needed => self.read_names(source, needed, true).await?.find(name).cloned(),
            },
        };
        match found {
            Some(table) => self.described(&table, source).await,
            None => Ok(None),
        }
    }

    /// The table, for whom something is missing in it as it is known. `None`: it is gone, or nothing newer is to be had.
    ///
    /// # Errors
    /// The store's.
    pub async fn newer(&self, table: &TableRef, source: &Source) -> Result<Option<Arc<Table>>, Error> {
        match self.entry(table, None).map(|entry| entry.read.next()) {
            Some(None) => Ok(None),
            needed => self.describe(table, source, needed.flatten(), true).await,
        }
    }

    /// Descriptions of all tables, read in as few calls as possible.
    ///
    /// # Errors
    /// The store's.
    async fn all(self: &Arc<Self>, source: &Source) -> Result<Vec<Arc<Table>>, Error> {
        let needed = self.needed(source);
        let names = self.names(source, needed).await?;
        if self.older(&names, needed).next().is_some() {
            let _one_at_a_time = self.reading_all.lock().await;
            self.read_older(&names, needed, source).await?;
        } else if self.older(&names, Instant::now().checked_sub(FRESH)).next().is_some() {
            self.refresh_all(&names, source);
        }
        let known = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        let known = names.all.iter().filter_map(|name| known.get(&name.table));
        Ok(known.map(|entry| Arc::clone(&entry.table)).collect())
    }

    /// The references between all tables, with the extras of the service.
    ///
    /// # Errors
    /// The store's.
    pub async fn references(
        self: &Arc<Self>,
        source: &Source,
        extras: Arc<Tables>,
    ) -> Result<Arc<References>, Error> {
        let tell = |new: &References| {
            for (table, name) in new.lost() {
                events::relationship_unfit(source.service.name(), table, name);
            }
        };
        Ok(self.followed.of(self.all(source).await?, extras, tell))
    }

    /// For whom a name is missing: from when on it may be there. What was looked for just now may have been made since, and who made it
    /// has said so.
    fn another_look(&self, names: &Names, source: &Source) -> Option<Instant> {
        let outdated = self.needed(source).filter(|needed| names.read.at < *needed);
        names.read.next().max(outdated)
    }

    /// What was read before this is not good enough.
    fn needed(&self, source: &Source) -> Option<Instant> {
        source.not_before.max(*self.outdated.read().unwrap_or_else(PoisonError::into_inner))
    }

    async fn names(self: &Arc<Self>, source: &Source, needed: Option<Instant>) -> Result<Arc<Names>, Error> {
        let known = self.names.read().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(names) = known.filter(|names| Some(names.read.at) >= needed) else {
            return self.read_names(source, needed, false).await;
        };
        let wanted = self.needed(source).max(Instant::now().checked_sub(FRESH));
        if Some(names.read.at) < wanted && !names.is_refreshing.swap(true, Ordering::Relaxed) {
            let (catalogue, source, old) = (Arc::clone(self), source.clone(), Arc::clone(&names));
            tokio::spawn(async move {
                if let Err(error) = catalogue.read_names(&source, wanted, false).await {
                    tracing::warn!(service = source.service.name(), %error, "the list of tables can't be refreshed");
                    old.is_refreshing.store(false, Ordering::Relaxed);
                }
            });
        }
        Ok(names)
    }

    /// Reads the names, unless somebody else has done so since.
    async fn read_names(
        &self,
        source: &Source,
        needed: Option<Instant>,
        is_for_missing: bool,
    ) -> Result<Arc<Names>, Error> {
        let _one_at_a_time = self.reading_names.lock().await;
        let known = self.names.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known.filter(|known| Some(known.read.at) >= needed) {
            return Ok(known);
        }
        let read = Reading::now(is_for_missing);
        let names = Arc::new(Names::new(source.service.list_tables(source.context()).await?, read));
        *self.names.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&names));
        let there: HashSet<&TableRef> = names.all.iter().map(|name| &name.table).collect();
        self.tables
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|table, entry| there.contains(table) || entry.read.at > read.at);
        Ok(names)
    }

    async fn described(
        self: &Arc<Self>,
        table: &TableRef,
        source: &Source,
    ) -> Result<Option<Arc<Table>>, Error> {
        let needed = self.needed(source);
        let Some(entry) = self.entry(table, needed) else {
            return self.describe(table, source, needed, false).await;
        };
        if entry.read.at.elapsed() > FRESH && !entry.is_refreshing.swap(true, Ordering::Relaxed) {
            let (catalogue, source, old) = (Arc::clone(self), source.clone(), Arc::clone(&entry));
            tokio::spawn(async move {
                if let Err(error) = catalogue.read_tables(vec![old.table.table.clone()], &source, false).await
                {
                    tracing::warn!(service = source.service.name(), %error, "a table can't be described again");
                    old.is_refreshing.store(false, Ordering::Relaxed);
                }
            });
        }
        Ok(Some(Arc::clone(&entry.table)))
    }

    async fn describe(
        &self,
        table: &TableRef,
        source: &Source,
        needed: Option<Instant>,
        is_for_missing: bool,
    ) -> Result<Option<Arc<Table>>, Error> {
        let _one_at_a_time = self.reading_table.lock().await;
        if self.entry(table, needed).is_none() {
            self.read_tables(vec![table.clone()], source, is_for_missing).await?;
        }
        Ok(self.entry(table, None).map(|entry| Arc::clone(&entry.table)))
    }

    /// What is known of a table, if it was not read before this.
    fn entry(&self, table: &TableRef, needed: Option<Instant>) -> Option<Arc<Entry>> {
        let known = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        known.get(table).filter(|entry| Some(entry.read.at) >= needed).cloned()
    }

    /// The tables of which nothing is known, or only what was read before this.
    fn older<'a>(&'a self, names: &'a Names, needed: Option<Instant>) -> impl Iterator<Item = &'a TableRef> {
        names.all.iter().map(|name| &name.table).filter(move |table| self.entry(table, needed).is_none())
    }

    async fn read_older(&self, names: &Names, needed: Option<Instant>, source: &Source) -> Result<(), Error> {
        let tables: Vec<TableRef> = self.older(names, needed).cloned().collect();
        for tables in tables.chunks(DESCRIBED_AT_ONCE) {
            self.read_tables(tables.to_vec(), source, false).await?;
        }
        Ok(())
    }

    /// Reads in the background what is old.
    fn refresh_all(self: &Arc<Self>, names: &Arc<Names>, source: &Source) {
        if self.is_refreshing_all.swap(true, Ordering::Relaxed) {
            return;
        }
        let (catalogue, source, names) = (Arc::clone(self), source.clone(), Arc::clone(names));
        tokio::spawn(async move {
            if let Err(error) = catalogue.read_older(&names, Instant::now().checked_sub(FRESH), &source).await
            {
                tracing::warn!(service = source.service.name(), %error, "the tables can't be described again");
            }
            catalogue.is_refreshing_all.store(false, Ordering::Relaxed);
        });
    }

    /// Reads descriptions; what the store no longer has is forgotten.
    async fn read_tables(
        &self,
        tables: Vec<TableRef>,
        source: &Source,
        is_for_missing: bool,
    ) -> Result<(), Error> {
        let read = Reading::now(is_for_missing);
        let described = source.service.describe_tables(tables.clone(), source.context()).await?;
        let mut known = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        for table in &tables {
            known.remove(table);
        }
        for table in described {
            let entry = Entry { table: Arc::new(table), read, is_refreshing: AtomicBool::new(false) };
            known.insert(entry.table.table.clone(), Arc::new(entry));
        }
        Ok(())
    }
}

impl Names {
    fn new(all: Vec<TableName>, read: Reading) -> Self {
        let mut by_key: HashMap<String, Vec<TableName>> = HashMap::with_capacity(all.len());
        for name in &all {
            by_key.entry(lookup_key(&public_name(&name.table))).or_default().push(name.clone());
        }
        Self { by_key, all, read, is_refreshing: AtomicBool::new(false) }
    }

    /// The exact name first; else the only one that is equal without regard to case.
    fn find(&self, name: &str) -> Option<&TableRef> {
        let candidates = self.by_key.get(&lookup_key(name))?;
        let exact = candidates.iter().find(|candidate| public_name(&candidate.table) == name);
        let only = if let [only] = candidates.as_slice() { Some(only) } else { None };
        exact.or(only).map(|found| &found.table)
    }
}
