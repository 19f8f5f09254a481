//! The typed settings: what a configuration can say, with every default. The known keys, their types and their
//! words are derived from these structs (`JsonSchema`) and stand nowhere else. Nothing here reads or checks.

use crate::request::Bounds;
use crate::request::media::Numbers;
use crate::roles::{FilterOp, Requestor, RowFilter, Verb};
use std::{
    collections::BTreeMap,
    fmt,
    net::SocketAddr,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    sync::Arc,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    edge::{Cors, Tls},
    origin::{Origin, Places},
    quantity::{ADDRESS_FORMAT, ByteSize, COLLECTOR_FORMAT, LogLevel, Network, Sha256Digest, Timeout},
    secret::Secret,
};

/// Everything that the configuration says, after all layers are merged and secrets are resolved.
/// Relative paths are relative to the working directory of the process.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
pub struct Settings {
    /// The HTTP server.
    pub server: Server,
    /// Where connectors come from and how they run.
    pub plugins: Plugins,
    /// What is logged, and how.
    pub logging: Logging,
    /// How lists are answered.
    pub answers: Answers,
    /// How errors are answered.
    pub errors: Errors,
    /// Who may read the metrics.
    pub metrics: Metrics,
    /// Where traces go.
    pub traces: Traces,
    /// Where the gateway keeps what is made at run time.
    pub state: State,
    /// The services: configured connections, each the `{service}` of a URL.
    #[serde(default, skip_serializing)]
    pub services: Vec<Service>,
    /// The roles: what a caller may do.
    #[serde(default, skip_serializing)]
    pub roles: Vec<Role>,
    /// The applications: an API key with a role.
    #[serde(default, skip_serializing)]
    pub apps: Vec<App>,
    /// Which pages of other origins may call; none may without.
    #[serde(default, skip_serializing)]
    pub cors: Vec<Cors>,
    /// The first administrator, from `TABLEGATE_ADMIN_EMAIL` and `TABLEGATE_ADMIN_PASSWORD`; `None` without them.
    #[serde(skip)]
    pub admin: Option<Admin>,
    /// Where every key was written.
    #[serde(skip)]
    pub(crate) places: Arc<Places>,
}

/// The HTTP server.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Server {
    /// Address and port to listen on.
    #[schemars(extend("format" = ADDRESS_FORMAT))]
    pub listen: SocketAddr,
    /// Worker threads of the gateway, at most 1024; `None` means one more than there are processor cores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1024))]
    pub workers: Option<NonZeroUsize>,
    /// The longest that nothing may arrive, neither from the client nor from the database, before a request is ended.
    pub request_timeout: Timeout,
    /// The longest that one request may last in all, its upload and its answer included; `None`: as long as something moves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_request_time: Option<Timeout>,
    /// The longest that the head of a request may take to arrive, and that a connection may wait for the next one.
    pub header_timeout: Timeout,
    /// The longest that running requests may take to finish when the gateway stops.
    pub shutdown_timeout: Timeout,
    /// The largest request body that is read, and the largest record of a stream of records; also the most that the answers inside a batch
    /// may amount to.
    pub max_body_size: ByteSize,
    /// What seals the cursors of pages: at least 32 characters, the same on every node. `None` means a key made at start, which no other
    /// node and no later start knows.
    #[serde(default, skip_serializing)]
    pub cursor_key: Option<Secret>,
    /// The largest stream of records (NDJSON or CSV into a table) that is read; `None`: any size, for it is never held in memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_stream_size: Option<ByteSize>,
    /// The longest path and query string of a request. More than 65,534 bytes are never read.
    pub max_uri_size: ByteSize,
    /// The largest head of a request: address and headers together.
    pub max_header_size: ByteSize,
    /// The longest filter of a request, each of those on related rows for itself.
    pub max_filter_size: ByteSize,
    /// The most operations of one batch.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_batch_operations: NonZeroUsize,
    /// The most connections of clients at the same time; further ones wait until one ends.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_connections: NonZeroUsize,
    /// The most of them from one address, or for IPv6 from one network of 64 bits; trusted proxies may have any number.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_connections_per_address: NonZeroUsize,
    /// Whose `X-Forwarded-For` and `Forwarded` are believed.
    pub trusted_proxies: Vec<Network>,
    /// TLS: the files `certificate` and `key`, and where they are wanted `client_ca` and `hsts_max_age`, as the guide on security has them;
    /// `None`: HTTP in the clear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
}

/// A process may often have no more than 1024 files open, and databases need some of them.
const MAX_CONNECTIONS: NonZeroUsize = NonZeroUsize::new(800).unwrap();
const MAX_CONNECTIONS_PER_ADDRESS: NonZeroUsize = NonZeroUsize::new(200).unwrap();
const MAX_BATCH_OPERATIONS: NonZeroUsize = NonZeroUsize::new(1000).unwrap();
/// Calls of a service at the same time.
const MAX_IN_FLIGHT: NonZeroUsize = NonZeroUsize::new(256).unwrap();

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            workers: None,
            request_timeout: Timeout::from_secs(30),
            max_request_time: None,
            header_timeout: Timeout::from_secs(15),
            shutdown_timeout: Timeout::from_secs(30),
            max_body_size: ByteSize::from_mebibytes(16),
            cursor_key: None,
            max_stream_size: None,
            max_uri_size: ByteSize::from_kibibytes(32),
            max_header_size: ByteSize::from_kibibytes(64),
            max_filter_size: ByteSize::from_kibibytes(64),
            max_batch_operations: MAX_BATCH_OPERATIONS,
            max_connections: MAX_CONNECTIONS,
            max_connections_per_address: MAX_CONNECTIONS_PER_ADDRESS,
            trusted_proxies: Vec::new(),
            tls: None,
        }
    }
}

impl Server {
    /// How much a request may ask.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        let filter = usize::try_from(self.max_filter_size.bytes()).unwrap_or(usize::MAX);
        Bounds { filter, operations: self.max_batch_operations.get() }
    }
}

/// Where connectors come from and how they run.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Plugins {
    /// Folders with connector libraries, searched in this order.
    pub directories: Vec<PathBuf>,
    /// SHA-256 digests of the libraries that may be loaded; `None` means every library of the folders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_sha256: Option<Vec<Sha256Digest>>,
    /// The longest that a library may take to load and describe itself.
    pub load_timeout: Timeout,
    /// Service types whose calls are polled on the gateway's own workers, if their connector says that it never blocks there. Absent:
    /// all of those.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inline: Option<Vec<String>>,
    /// Worker threads of each connector's own runtime, at most 1024.
    #[schemars(range(min = 1, max = 1024))]
    pub worker_threads: NonZeroUsize,
    /// How single libraries run, by the names of their files without `libconnector_`, or else `lib`, and without `.so`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub connectors: BTreeMap<String, LibrarySettings>,
}

/// How a library runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LibrarySettings {
    /// Where it runs.
    pub isolation: Isolation,
    /// The most memory that its process may have; `None`: no limit but the system's. Only with a process of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_limit: Option<ByteSize>,
    /// Environment variables that its process gets beside the few that every program needs. Only with a process of its own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub environment: Vec<String>,
}

/// Where a library runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// Inside the gateway: fastest, and what crashes the library crashes the gateway.
    #[default]
    None,
    /// In a process of its own, which is started again when it ends.
    Process,
}

impl Plugins {
    /// The name under which [`Plugins::connectors`] speaks of the library with this file.
    #[must_use]
    pub fn library_name(file: &Path) -> Option<&str> {
        let stem = file.file_stem()?.to_str()?;
        stem.strip_prefix("libconnector_").or_else(|| stem.strip_prefix("lib")).or(Some(stem))
    }

    /// What is said of the library with this file.
    #[must_use]
    pub fn of_library(&self, file: &Path) -> Option<&LibrarySettings> {
        self.connectors.get(Self::library_name(file)?)
    }

    /// Whether services of this type may run inline, if their connector can.
    #[must_use]
    pub fn allows_inline(&self, service_type: &str) -> bool {
        self.inline.as_ref().is_none_or(|types| types.iter().any(|listed| listed == service_type))
    }
}

impl Default for Plugins {
    fn default() -> Self {
        Self {
            directories: vec![PathBuf::from("plugins")],
            allow_sha256: None,
            load_timeout: Timeout::from_secs(5),
            inline: None,
            worker_threads: NonZeroUsize::MIN,
            connectors: BTreeMap::new(),
        }
    }
}

/// What is logged, and how. Log lines go to the standard error stream.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Logging {
    /// `off`, `error`, `warn`, `info`, `debug` or `trace`, then optional `,target=level` items.
    pub level: LogLevel,
    /// The form of a log line.
    pub format: LogFormat,
    /// Whether each statement is logged: service, text with placeholders, milliseconds, rows; never values.
    pub query_log: bool,
    /// From which time on a statement is logged as a slow one, as far as the connector was waited for; `None`: none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_statement: Option<Timeout>,
    /// Whether each request is logged when it is over: who asked, what, and how much was sent.
    pub access: bool,
}

impl Default for Logging {
    fn default() -> Self {
        let level = LogLevel { general: tracing::level_filters::LevelFilter::INFO, targets: Vec::new() };
        Self { level, format: LogFormat::Text, query_log: false, slow_statement: None, access: false }
    }
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people; coloured when the stream is a terminal.
    Text,
    /// One JSON object a line, for collectors.
    Json,
}

/// Who may read the metrics, besides the administrator.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Metrics {
    /// Who sends this text, of at least 16 characters, as `Authorization: Bearer`, besides the administrator; `None`: nobody else.
    #[serde(default, skip_serializing)]
    pub token: Option<Secret>,
}

/// Where traces go.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Traces {
    /// The address of a collector that takes OTLP over HTTP, without a path; `None`: there are no traces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = COLLECTOR_FORMAT))]
    pub endpoint: Option<String>,
    /// The part of requests that is traced, of those whose caller traces nothing: 1 for all of them.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub ratio: f64,
}

impl Default for Traces {
    fn default() -> Self {
        Self { endpoint: None, ratio: 1.0 }
    }
}

/// How lists are answered.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
pub struct Answers {
    /// The name under which lists stand, in answers and in bodies.
    #[schemars(length(min = 1))]
    pub resources_wrapper: String,
    /// Whether lists stand under that name; `false`: they are bare, unless something stands beside them.
    pub always_wrap_resources: bool,
}

impl Default for Answers {
    fn default() -> Self {
        Self { resources_wrapper: "resource".to_owned(), always_wrap_resources: true }
    }
}

/// How errors are answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct Errors {
    /// Whether messages are plain text. Otherwise they are HTML-encoded, as the clients of old expect them.
    pub plain: bool,
    /// Whether a write of one row or by filter that contradicts stored rows, a duplicate key say, is answered 409. Otherwise, and for
    /// lists of records always, it is 400, as the clients of old expect it.
    pub strict: bool,
}

/// Where the gateway keeps what is made at run time.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
pub struct State {
    /// The folder, made when it is first needed. Inside it, `extras` has a file for each service with the extras of its tables.
    pub directory: PathBuf,
}

impl Default for State {
    fn default() -> Self {
        Self { directory: PathBuf::from("data") }
    }
}

/// A configured connection.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct Service {
    /// The name in the URL: letters, digits, `_` and `-`; unique without regard to case.
    pub name: String,
    /// A short title for people.
    #[serde(default)]
    pub label: String,
    /// What the service is for.
    #[serde(default)]
    pub description: String,
    /// The service type, one that an installed connector offers.
    #[serde(rename = "type")]
    pub service_type: String,
    /// Whether the service is served; `false` keeps its description and answers nothing.
    #[serde(default = "yes")]
    pub is_active: bool,
    /// The connection: keys common to every service, and the connector's own.
    #[serde(default)]
    pub config: ServiceConfig,
    /// Every secret that a reference in `config` stood for, to be kept out of logs and answers.
    #[serde(skip)]
    pub secrets: Vec<Secret>,
    /// Where the service was written; empty for one made at run time.
    #[serde(skip)]
    pub origin: Origin,
}

/// The connection of a service. `Debug` prints the names of the connector's keys only: a value may be a password.
#[derive(Clone, PartialEq, Deserialize, JsonSchema)]
pub struct ServiceConfig {
    /// The most rows that one answer holds; those that `ids` name are all there.
    #[serde(default = "default_max_records")]
    #[schemars(range(min = 1))]
    pub max_records: u64,
    /// Whether PUT and PATCH insert rows that are missing.
    #[serde(default)]
    pub allow_upsert: bool,
    /// Whether PUT, PATCH and DELETE of one row must name the version they are meant for (`If-Match`).
    #[serde(default)]
    pub require_if_match: bool,
    /// How JSON has integers beyond ±2^53 and decimals, unless the request says it: `number` or `string`.
    #[serde(default)]
    pub numbers: Numbers,
    /// Whether PUT on a table of `_schema` drops the fields that it does not list, as servers of old did. Otherwise it does so only with
    /// `allow_delete=true`.
    #[serde(default)]
    pub put_drops_fields: bool,
    /// Columns that identify the rows of views and of tables without a primary key, by their names. Nobody checks that no two rows have
    /// the same values in them.
    #[serde(default)]
    pub keys: BTreeMap<String, Vec<String>>,
    /// Procedures and functions that GET may call although the database does not declare them to change nothing, by their names.
    #[serde(default)]
    pub read_only_routines: Vec<String>,
    /// Whether GET calls every procedure and function that a role allows, as it did for the clients of old. What it calls may change data.
    #[serde(default)]
    pub allow_get_calls: bool,
    /// The most calls that its connector does at the same time, those inside of transactions not counted; further ones wait.
    #[serde(default = "default_max_in_flight")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub max_in_flight: NonZeroUsize,
    /// The longest that one waits before it is refused with 503.
    #[serde(default = "default_max_wait")]
    pub max_wait: Timeout,
    /// The connector's own keys, secrets resolved.
    #[serde(flatten)]
    pub connector: Map<String, Value>,
}

impl Default for ServiceConfig {
    fn default() -> Self {
        Self {
            max_records: default_max_records(),
            allow_upsert: false,
            require_if_match: false,
            numbers: Numbers::Number,
            put_drops_fields: false,
            keys: BTreeMap::new(),
            read_only_routines: Vec::new(),
            allow_get_calls: false,
            max_in_flight: default_max_in_flight(),
            max_wait: default_max_wait(),
            connector: Map::new(),
        }
    }
}

impl fmt::Debug for ServiceConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceConfig")
            .field("max_records", &self.max_records)
            .field("allow_upsert", &self.allow_upsert)
            .field("require_if_match", &self.require_if_match)
            .field("numbers", &self.numbers)
            .field("put_drops_fields", &self.put_drops_fields)
            .field("keys", &self.keys)
            .field("read_only_routines", &self.read_only_routines)
            .field("allow_get_calls", &self.allow_get_calls)
            .field("max_in_flight", &self.max_in_flight)
            .field("max_wait", &self.max_wait)
            .field("connector_keys", &self.connector.keys().collect::<Vec<_>>())
            .finish()
    }
}

/// What callers with this role may do; everything else is denied.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct Role {
    /// The name, unique without regard to case.
    pub name: String,
    /// What the role is for.
    #[serde(default)]
    pub description: String,
    /// Whether the role grants anything.
    #[serde(default = "yes")]
    pub is_active: bool,
    /// What it grants.
    #[serde(default)]
    pub access: Vec<Access>,
}

/// One grant of a role.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct Access {
    /// The service's name, or `*` for every service.
    pub service: String,
    /// The path inside the service: empty for its root, `*` for everything, `_table/orders/*` for a part. `*` stands for any text, at the
    /// end: `_table/pub_*` is every table whose name begins with `pub_`.
    pub component: String,
    /// The HTTP methods granted.
    #[schemars(length(min = 1))]
    pub verbs: Vec<Verb>,
    /// Who may use the grant.
    #[serde(default = "api_only")]
    #[schemars(length(min = 1))]
    pub requestors: Vec<Requestor>,
    /// Conditions on the rows that the grant reaches; none means every row.
    #[serde(default)]
    pub filters: Vec<RowFilter>,
    /// How the conditions combine.
    #[serde(default)]
    pub filter_op: FilterOp,
}

impl Access {
    /// The service's name; `None` means every service.
    #[must_use]
    pub fn service_name(&self) -> Option<&str> {
        (self.service != EVERY_SERVICE).then_some(self.service.as_str())
    }
}

/// The word for every service in a role's grant.
pub(crate) const EVERY_SERVICE: &str = "*";

/// An application: who holds its key acts with its role.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
pub struct App {
    /// The name, unique without regard to case.
    pub name: String,
    /// The role's name.
    pub role: String,
    /// The API key.
    pub api_key: Secret,
    /// Whether the key is accepted.
    #[serde(default = "yes")]
    pub is_active: bool,
}

/// The first administrator.
#[derive(Clone, Debug, PartialEq)]
pub struct Admin {
    /// The e-mail address, which is the login name.
    pub email: String,
    /// The password.
    pub password: Secret,
}

fn yes() -> bool {
    true
}

fn default_max_records() -> u64 {
    1000
}

fn default_max_in_flight() -> NonZeroUsize {
    MAX_IN_FLIGHT
}

fn default_max_wait() -> Timeout {
    Timeout::from_secs(5)
}

fn api_only() -> Vec<Requestor> {
    vec![Requestor::Api]
}
