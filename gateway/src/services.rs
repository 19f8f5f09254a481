//! A configured service: its settings, its catalogue and its connection, which is opened by the first request that needs it and again
//! after a failure. Knows no database; whether somebody may use it is decided before.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use connector_api::model::{OpenRequest, Table, TableName};
use connector_api::{Error, ErrorKind};
use tokio::sync::OnceCell;

use crate::connectors::{self, CallContext, Limits, Registry};
use crate::extras::Extras;
use crate::schema::catalogue::Catalogue;
use crate::schema::known::{Known, Seen, Tables};
use crate::schema::routines::Routines;
use crate::settings;

/// A service of the configuration.
#[derive(Debug)]
pub struct Service {
    id: i64,
    label: Arc<str>,
    settings: settings::Service,
    options: Options,
    connection: Arc<OnceCell<Arc<connectors::Service>>>,
    openings: Arc<Openings>,
    catalogue: Arc<Catalogue>,
    routines: Arc<Routines>,
    known: Tables,
    extras: Arc<Extras>,
}

/// What the configuration says for all services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The connector may run on the gateway's own workers.
    pub allow_inline: bool,
    /// Threads of a connector's runtime.
    pub worker_threads: usize,
}

/// How often a connection was opened, and how often that failed, since the process began.
#[derive(Debug, Default)]
pub struct Openings {
    done: AtomicU64,
    failed: AtomicU64,
}

impl Openings {
    /// How often it went well.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// How often it failed.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.failed.load(Ordering::Relaxed)
    }

    fn counted<T>(&self, opened: Result<T, Error>) -> Result<T, Error> {
        let count = if opened.is_ok() { &self.done } else { &self.failed };
        count.fetch_add(1, Ordering::Relaxed);
        opened
    }
}

impl Service {
    /// A service that is not connected yet. `id` is its number on the wire.
    #[must_use]
    pub fn new(id: i64, settings: settings::Service, options: Options, extras: Arc<Extras>) -> Self {
        Self {
            id,
            label: settings.name.as_str().into(),
            settings,
            options,
            connection: Arc::default(),
            openings: Arc::default(),
            catalogue: Arc::default(),
            routines: Arc::default(),
            known: Tables::default(),
            extras,
        }
    }

    /// Its number on the wire.
    #[must_use]
    pub fn id(&self) -> i64 {
        self.id
    }

    /// Its name as it is configured.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// The same, to be kept by others.
    #[must_use]
    pub fn label(&self) -> &Arc<str> {
        &self.label
    }

    /// Its connection, if it is open.
    #[must_use]
    pub fn opened(&self) -> Option<&Arc<connectors::Service>> {
        self.connection.get()
    }

    /// How often its connection was opened.
    #[must_use]
    pub fn openings(&self) -> &Openings {
        &self.openings
    }

    /// Whether it is switched on.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.settings.is_active
    }

    /// Its settings.
    #[must_use]
    pub fn settings(&self) -> &settings::Service {
        &self.settings
    }

    /// The most rows of one answer.
    #[must_use]
    pub fn max_records(&self) -> u64 {
        self.settings.config.max_records
    }

    /// What it knows of its tables.
    #[must_use]
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    /// What is kept of its tables beside the database.
    #[must_use]
    pub fn extras(&self) -> &Arc<Extras> {
        &self.extras
    }

    /// What it knows of its procedures and functions.
    #[must_use]
    pub fn routines(&self) -> &Arc<Routines> {
        &self.routines
    }

    /// Whether its type has procedures and functions. Known without a connection.
    #[must_use]
    pub fn has_routines(&self, registry: &Registry) -> bool {
        let name = &self.settings.service_type;
        let declared = registry.connector(name).and_then(|connector| connector.service_type(name));
        declared.is_some_and(|declared| declared.capabilities.routines)
    }

    /// What is known of a table that is described so; `make` gives the table as requests see it, the first time.
    #[must_use]
    pub fn known(&self, described: Arc<Table>, make: impl FnOnce(Arc<Table>) -> Seen) -> Arc<Known> {
        self.known.of(described, make)
    }

    /// Whether a service with these settings would connect in the same way, so that this one's connection can go on.
    #[must_use]
    pub fn connects_like(&self, settings: &settings::Service, options: Options) -> bool {
        self.settings.service_type == settings.service_type
            && self.settings.config.connector == settings.config.connector
            && self.settings.config.max_in_flight == settings.config.max_in_flight
            && self.settings.config.max_wait == settings.config.max_wait
            && self.options == options
    }

    /// A service with other settings that goes on with this one's connection and catalogue.
    #[must_use]
    pub fn with_settings(&self, id: i64, settings: settings::Service) -> Self {
        Self {
            id,
            label: settings.name.as_str().into(),
            settings,
            options: self.options,
            connection: Arc::clone(&self.connection),
            openings: Arc::clone(&self.openings),
            catalogue: Arc::clone(&self.catalogue),
            routines: Arc::clone(&self.routines),
            known: Tables::default(),
            extras: Arc::clone(&self.extras),
        }
    }

    /// The connection, opened now if it is not open.
    ///
    /// # Errors
    /// When no loaded connector offers the type, or opening fails.
    pub async fn connection(&self, registry: &Registry) -> Result<&Arc<connectors::Service>, Error> {
        self.connection.get_or_try_init(|| async { self.openings.counted(self.open(registry).await) }).await
    }

    async fn open(&self, registry: &Registry) -> Result<Arc<connectors::Service>, Error> {
        let service_type = &self.settings.service_type;
        let connector = registry.connector(service_type).ok_or_else(|| {
            Error::new(ErrorKind::Unavailable, "the connector of this service is not loaded")
                .with_reason("no_connector")
                .with_detail(service_type)
        })?;
        let request = OpenRequest {
            service_type: service_type.clone(),
            service: self.settings.name.clone(),
            config: serde_json::Value::Object(self.settings.config.connector.clone()),
            allow_inline: self.options.allow_inline,
            worker_threads: self.options.worker_threads,
        };
        let config = &self.settings.config;
        let (calls, wait) = (config.max_in_flight.get(), config.max_wait.get());
        let limits = Limits { calls, wait, ..Limits::default() };
        connectors::Service::open(Arc::clone(connector), request, limits).await
    }

    /// Asks the store whether it is there.
    ///
    /// # Errors
    /// Why it is not.
    pub async fn ping(&self, registry: &Registry, request_id: &str, time: Duration) -> Result<(), Error> {
        self.connection(registry).await?.ping(CallContext::new(request_id, time)).await
    }

    /// Names of its tables, from the store itself.
    ///
    /// # Errors
    /// The store's.
    pub async fn list_tables(
        &self,
        registry: &Registry,
        request_id: &str,
        time: Duration,
    ) -> Result<Vec<TableName>, Error> {
        self.connection(registry).await?.list_tables(CallContext::new(request_id, time)).await
    }

    /// Closes the connection, when there is one.
    pub async fn close(&self) {
        if let Some(connection) = self.connection.get() {
            connection.close().await;
        }
    }
}
