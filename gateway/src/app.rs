//! Puts the rooms together: settings become a snapshot, a snapshot is served, a signal makes another one. The only file that may use
//! every room.

mod process;
mod reign;

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tracing::level_filters::LevelFilter;

use crate::auth::{self, Accounts, AppDefinition, OneTimePassword};
use crate::connectors::Registry;
use crate::cursor;
use crate::extras;
use crate::hooks::Hooks;
use crate::http::{Answering, Cors, Tls, Watchers, router};
use crate::idempotency;
use crate::metrics::Metrics;
use crate::plan;
use crate::roles::{self, RequestorMask, VerbMask};
use crate::services::{Options, Service};
use crate::settings::{self, LoadOptions, Problem, Problems, Settings};
use crate::snapshot::{Answers, Snapshot};
use crate::telemetry::{self, Telemetry};
use crate::traces::{self, Traces};

pub use process::{Signals, Socket};

/// The administrator's address where the environment names none.
const FIRST_ADMIN: &str = "admin@localhost";

/// Why the gateway can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is wrong.
    #[error("{0}")]
    Settings(#[from] Problems),
    /// Administrator, roles or keys can't be set up.
    #[error("the administrator, roles and keys can't be set up: {0}")]
    Auth(#[from] auth::SetupError),
    /// Extras of tables can't be read.
    #[error("the extras of tables can't be read: {0}")]
    Extras(#[from] extras::Problem),
    /// No key for the token of metrics.
    #[error("the token of the metrics can't be kept: {0}")]
    Random(#[from] auth::RandomUnavailable),
    /// No key for cursors.
    #[error("no key for the cursors of pages can be made: {0}")]
    Cursors(#[from] cursor::RandomUnavailable),
    /// Nobody can be sent traces.
    #[error("traces can't be sent: {0}")]
    Traces(#[from] traces::Problem),
    /// The log can't be set up.
    #[error("the log can't be set up: {0}")]
    Telemetry(#[from] telemetry::Error),
    /// The runtime or the socket.
    #[error("can't listen on {address}: {error}")]
    Listen {
        /// The configured address.
        address: std::net::SocketAddr,
        /// The system's words.
        error: std::io::Error,
    },
    /// A gateway runs and keeps its socket.
    #[error("the gateway that runs can't be taken over, and goes on: {0}")]
    TakeOver(std::io::Error),
    /// A gateway runs with another address.
    #[error(
        "the gateway that runs listens on {runs}, and the configuration says {configured}. One that takes over keeps the address: put \
             it back, or stop the other one and start this one without --take-over"
    )]
    OtherAddress {
        /// Where the one that runs listens.
        runs: std::net::SocketAddr,
        /// What the configuration says.
        configured: std::net::SocketAddr,
    },
    /// Threads or signals.
    #[error("the system refused what the server needs: {0}")]
    System(#[from] std::io::Error),
}

/// What lives as long as the process.
pub struct App {
    options: LoadOptions,
    registry: Arc<Registry>,
    lasting: Lasting,
    snapshot: Arc<ArcSwap<Snapshot>>,
}

/// What every snapshot gets from the process, whatever the configuration says.
struct Lasting {
    accounts: Arc<Accounts>,
    hooks: Option<Arc<dyn Hooks>>,
    /// Seals cursors where no key is configured.
    cursors: Arc<cursor::Key>,
    idempotency: Arc<idempotency::Requests>,
    extras: extras::Store,
    watchers: Watchers,
}

/// A gateway that is set up, and what is to be told once.
pub struct Started {
    /// The gateway.
    pub app: App,
    /// The settings it began with.
    pub settings: Settings,
    /// The administrator's address.
    pub admin_email: String,
    /// The administrator's password, when it was made up for this run.
    pub one_time_password: Option<OneTimePassword>,
}

impl App {
    /// Sets the gateway up from loaded settings: connectors, accounts, first snapshot. Opens no socket.
    ///
    /// # Errors
    /// Settings that contradict the loaded connectors, or no randomness.
    pub fn start(
        options: LoadOptions,
        settings: Settings,
        hooks: Option<Arc<dyn Hooks>>,
    ) -> Result<Started, StartError> {
        let admin_email = settings.admin.as_ref().map_or(FIRST_ADMIN, |admin| &admin.email).to_owned();
        let password = settings.admin.as_ref().map(|admin| admin.password.expose());
        // Hashing the password takes about as long as loading the libraries, so both are done at once.
        let (registry, accounts) = std::thread::scope(|scope| {
            let accounts = scope.spawn(|| Accounts::new(&admin_email, password, host_name()));
            let registry = Registry::load(&settings.plugins, workers(&settings), telemetry::max_level());
            (Arc::new(registry), accounts.join())
        });
        refuse_problems(&settings, &registry)?;
        let accounts = accounts.map_err(|_| std::io::Error::other("a thread panicked"))?;
        let (accounts, one_time_password) = accounts?;
        let lasting = Lasting {
            accounts: Arc::new(accounts),
            hooks,
            cursors: Arc::new(cursor::Key::random()?),
            idempotency: Arc::default(),
            extras: extras::Store::new(&settings.state.directory, plan::check_functions),
            watchers: Watchers {
                metrics: Arc::new(Metrics::new()),
                traces: Traces::start(&settings.traces)?,
            },
        };
        let snapshot = snapshot(&settings, &registry, &lasting, None)?;
        let snapshot = Arc::new(ArcSwap::from_pointee(snapshot));
        let app = Self { options, registry, lasting, snapshot };
        Ok(Started { app, settings, admin_email, one_time_password })
    }

    /// The snapshot in force.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    /// The loaded connectors.
    #[must_use]
    pub fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// The addresses of the server.
    pub fn router(&self) -> impl Answering + use<> {
        router(Arc::clone(&self.snapshot), self.lasting.watchers.clone())
    }

    /// Reads the configuration again, swaps the snapshot and gives the settings now in force. Services whose connection is described as
    /// before keep it. What [`crate::settings::AtStart`] holds stays as it was.
    ///
    /// # Errors
    /// What is wrong with the new configuration; the old one stays in force.
    pub fn reload(&self, telemetry: Option<&Telemetry>) -> Result<Settings, StartError> {
        let settings = settings::load(&self.options)?;
        let old = self.snapshot();
        refuse_problems(&settings, &self.registry)?;
        refuse_losses(&settings, &self.registry, &old)?;
        let new = snapshot(&settings, &self.registry, &self.lasting, Some(&old))?;
        if let Some(telemetry) = telemetry {
            telemetry.apply(&settings.logging)?;
            self.registry.set_log_level(telemetry::max_level());
        }
        self.snapshot.store(Arc::new(new));
        Ok(settings)
    }
}

/// Worker threads: one more than there are cores unless configured, and at least two. One always stays outside of connectors; with the one
/// more, every core can be inside.
#[must_use]
pub fn workers(settings: &Settings) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    settings.server.workers.map_or(cores + 1, usize::from).max(2)
}

/// What could be read of a configuration, the connectors with it, and everything that is wrong.
pub struct Read {
    /// `None`: nothing of it can be used, and there is a problem.
    pub settings: Option<Settings>,
    /// The libraries of its plugin folders.
    pub registry: Option<Registry>,
    /// All mistakes. Refused libraries are not among them.
    pub problems: Vec<Problem>,
}

/// Reads a configuration for a command that serves nothing.
#[must_use]
pub fn read(options: &LoadOptions, level: LevelFilter) -> Read {
    let (settings, mut problems) = settings::read(options);
    let registry = settings.as_ref().map(|settings| {
        let registry = Registry::load(&settings.plugins, workers(settings), level);
        let (missing, wrong) = self::problems(settings, &registry);
        problems.extend(missing.into_iter().chain(wrong));
        registry
    });
    Read { settings, registry, problems }
}

/// Every problem that shows only beside the loaded connectors and the files of extras: first those with which the gateway starts.
#[must_use]
pub fn problems(settings: &Settings, registry: &Registry) -> (Vec<Problem>, Vec<Problem>) {
    let known = known_types(registry);
    let extras = extras::Store::new(&settings.state.directory, plan::check_functions);
    let (mut missing, mut wrong) = Tls::problems(settings);
    missing.extend(unknown_libraries(settings, registry));
    for service in &settings.services {
        match extras.load(&service.name) {
            Err(problem) => missing.push(settings::unread_extras(service, &problem)),
            Ok(extras) => missing.extend(unknown_in_extras(settings, service, &extras)),
        }
        match registry
            .connector(&service.service_type)
            .and_then(|connector| connector.service_type(&service.service_type))
        {
            None => missing.push(settings::unknown_service_type(service, &known)),
            Some(known) => wrong.extend(settings::check_service_config(service, &known.config_schema)),
        }
    }
    (missing, wrong)
}

/// Libraries of which the configuration speaks and that are not there.
fn unknown_libraries(settings: &Settings, registry: &Registry) -> Vec<Problem> {
    let known: Vec<&str> = registry.files().filter_map(settings::Plugins::library_name).collect();
    let names = settings.plugins.connectors.keys();
    let unknown = names.filter(|name| !known.contains(&name.as_str()));
    unknown.map(|name| settings::unknown_library(settings, name, &known)).collect()
}

/// A relationship to a service that is not configured.
fn unknown_in_extras(
    settings: &Settings,
    service: &settings::Service,
    extras: &extras::Extras,
) -> Option<Problem> {
    let is_known = |name: &str| settings.services.iter().any(|known| known.name.eq_ignore_ascii_case(name));
    let (place, unknown) = extras::unknown_service(&extras.tables(), is_known)?;
    Some(settings::unknown_related_service(service, &place, &unknown))
}

/// A wrong configuration is refused. A connector that is not there only disables its services, and extras that can't be read the changes of
/// theirs: the others go on.
fn refuse_problems(settings: &Settings, registry: &Registry) -> Result<(), Problems> {
    let (missing, wrong) = problems(settings, registry);
    for problem in missing {
        tracing::error!("{problem}");
    }
    if wrong.is_empty() { Ok(()) } else { Err(Problems(wrong)) }
}

/// A service that is served and would be of a type that nobody offers is a mistake in the new configuration.
fn refuse_losses(settings: &Settings, registry: &Registry, old: &Snapshot) -> Result<(), Problems> {
    let is_served = |name: &str| {
        let service = old.services.get(&name.to_lowercase());
        service.is_some_and(|service| registry.connector(&service.settings().service_type).is_some())
    };
    let known = known_types(registry);
    let lost = settings.services.iter().filter(|service| {
        service.is_active && registry.connector(&service.service_type).is_none() && is_served(&service.name)
    });
    let lost: Vec<_> = lost.map(|service| settings::unknown_service_type(service, &known)).collect();
    if lost.is_empty() { Ok(()) } else { Err(Problems(lost)) }
}

fn known_types(registry: &Registry) -> Vec<&str> {
    let connectors = registry.connectors().iter();
    connectors
        .flat_map(|connector| connector.descriptor().service_types.iter().map(|known| known.name.as_str()))
        .collect()
}

fn snapshot(
    settings: &Settings,
    registry: &Arc<Registry>,
    lasting: &Lasting,
    old: Option<&Snapshot>,
) -> Result<Snapshot, StartError> {
    let roles = numbered(&settings.roles).map(|(id, role)| role_of(id, role)).collect();
    let apps = numbered(&settings.apps).map(|(id, app)| AppDefinition {
        id,
        name: app.name.clone(),
        is_active: app.is_active,
        role: Some(app.role.clone()),
        api_key: app.api_key.expose().to_owned(),
    });
    let auth = auth::State::new(roles, apps.collect(), Arc::clone(&lasting.accounts))?;
    let services = numbered(&settings.services).map(|(id, service)| {
        let extras = match lasting.extras.load(&service.name) {
            // It has been told. The other services can be served all the same, and this one can be read.
            Err(_) if old.is_none() => lasting.extras.held(&service.name),
            loaded => loaded?,
        };
        Ok((service.name.to_lowercase(), service_of((id, extras), service, settings, old)))
    });
    Ok(Snapshot {
        services: services.collect::<Result<HashMap<_, _>, StartError>>()?,
        registry: Arc::clone(registry),
        auth,
        metrics_token: metrics_token(settings)?,
        idempotency: Arc::clone(&lasting.idempotency),
        cursors: cursor_key(settings, lasting),
        hooks: lasting.hooks.clone(),
        errors: settings.errors,
        answers: Answers {
            wrapper: settings.answers.resources_wrapper.as_str().into(),
            always_wrap: settings.answers.always_wrap_resources,
        },
        max_body_size: settings.server.max_body_size.bytes(),
        max_stream_size: settings.server.max_stream_size.map(|size| size.bytes()),
        bounds: settings.server.bounds(),
        request_timeout: settings.server.request_timeout.get(),
        server: Arc::new(settings.server.clone()),
        tls: Tls::load(settings).map_err(Problems)?,
        cors: Cors::new(&settings.cors),
    })
}

fn metrics_token(settings: &Settings) -> Result<Option<auth::SharedSecret>, auth::RandomUnavailable> {
    settings.metrics.token.as_ref().map(|token| auth::SharedSecret::new(token.expose())).transpose()
}

/// The configured key, so that several gateways read each other's cursors, else the one of this process.
fn cursor_key(settings: &Settings, lasting: &Lasting) -> Arc<cursor::Key> {
    match &settings.server.cursor_key {
        Some(secret) => Arc::new(cursor::Key::from_secret(secret.expose())),
        None => Arc::clone(&lasting.cursors),
    }
}

/// What TOML defines has no number of its own: its place in the file, from 1.
fn numbered<T>(items: &[T]) -> impl Iterator<Item = (i64, &T)> {
    (1..).zip(items)
}

/// A service like one of the old snapshot goes on with its connection and its catalogue.
fn service_of(
    (id, extras): (i64, Arc<extras::Extras>),
    service: &settings::Service,
    settings: &Settings,
    old: Option<&Snapshot>,
) -> Arc<Service> {
    let options = Options::of(settings, service);
    let same = old
        .and_then(|old| old.services.get(&service.name.to_lowercase()))
        .filter(|known| known.connects_like(service, options));
    Arc::new(match same {
        Some(known) => known.with_settings(id, service.clone()),
        None => Service::new(id, service.clone(), options, extras),
    })
}

fn role_of(id: i64, role: &settings::Role) -> roles::Role {
    let access = role.access.iter().map(|access| roles::Access {
        service: access.service_name().map(str::to_owned),
        component: access.component.clone(),
        verbs: access.verbs.iter().fold(VerbMask::NONE, |mask, verb| mask | (*verb).into()),
        requestors: access
            .requestors
            .iter()
            .fold(RequestorMask::default(), |mask, requestor| mask | (*requestor).into()),
        filters: access.filters.clone(),
        filter_op: access.filter_op,
    });
    roles::Role::new(id, role.name.as_str(), role.is_active, access.collect())
}

fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| "localhost".to_owned(), |name| name.trim().to_owned())
}
