//! Three databases, a library in a process of its own, and a gateway before them. What is away is known here.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use crate::client::{Request, request};
use crate::engine::{Engine, MARIADB, POSTGRES};
use crate::gateway::{Gateway, Setup, eventually};

/// The services that are asked, with the same tables, but for the last one.
pub(crate) const SERVICES: [&str; 4] = ["file", "pg", "maria", "apart"];

const KEY: &str = "key-of-the-soak";

const CONFIG: &str = r#"
[[services]]
name = "file"
type = "sqlite"
[services.config]
database = "file.sqlite"

[[services]]
name = "apart"
type = "memory"
[services.config.tables.many]
columns = [{ name = "id", type = "integer" }, { name = "word", type = "string" }]
primary_key = ["id"]
rows = [{ id = 1, word = "one" }, { id = 7, word = "seven" }]

[plugins.connectors.memory]
isolation = "process"

[[roles]]
name = "everything"
[[roles.access]]
service = "*"
component = "*"
verbs = ["GET", "POST", "PATCH"]

[[apps]]
name = "soak"
role = "everything"
api_key = "key-of-the-soak"
"#;

/// A service that is there after every second reload.
const NOW_AND_THEN: &str = r#"
[[services]]
name = "sometimes"
type = "sqlite"
[services.config]
database = "file.sqlite"
"#;

/// A request of who may do everything.
pub(crate) fn asks(verb: &str, path: &str) -> Request {
    request(verb, &format!("/api/v2/{path}")).key(KEY)
}

/// A server that is restarted now and then.
struct Server {
    engine: Engine,
    /// Odd while it is away.
    changes: AtomicUsize,
}

/// All of it, until it is dropped.
pub(crate) struct World {
    pub(crate) gateway: Gateway,
    config: String,
    servers: [Server; 2],
    reloads: AtomicUsize,
}

impl World {
    pub(crate) fn start() -> Self {
        let (pg, maria) = (POSTGRES.start(), MARIADB.start());
        let service = |engine: &Engine, name: &str, more: &str| {
            engine.service(name, &json!({"pool_size": 4, "password": more}))
        };
        let config = format!(
            "{}{}{CONFIG}",
            service(&pg, "pg", "${env:PG_PASSWORD}"),
            service(&maria, "maria", "${env:MARIA_PASSWORD}")
        );
        let password = |engine: &Engine| engine.store.config["password"].as_str().unwrap().to_owned();
        let setup = Setup::new(&config).connector("postgres").connector("mysql");
        let setup =
            setup.variable("PG_PASSWORD", &password(&pg)).variable("MARIA_PASSWORD", &password(&maria));
        let database = rusqlite::Connection::open(setup.path("file.sqlite")).unwrap();
        let tables = "PRAGMA journal_mode = WAL;
            CREATE TABLE marks (id INTEGER PRIMARY KEY, mark TEXT, note TEXT);
            CREATE TABLE many (id INTEGER PRIMARY KEY, word TEXT);
            WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers LIMIT 1000)
            INSERT INTO many SELECT n, printf('row-%d-%.290c', n, 'x') FROM numbers";
        database.execute_batch(tables).unwrap();
        let servers = [pg, maria].map(|engine| Server { engine, changes: AtomicUsize::new(0) });
        let world = Self { gateway: setup.start(), config, servers, reloads: AtomicUsize::new(0) };
        SERVICES.iter().for_each(|service| world.is_there(service));
        world
    }

    #[track_caller]
    fn is_there(&self, service: &str) {
        let read = asks("GET", &format!("{service}/_table/many/7?fields=id"));
        eventually("the service answers", || self.gateway.send(read.clone()).status == 200);
    }

    fn server(&self, service: &str) -> Option<&Server> {
        let place = SERVICES[1..3].iter().position(|name| *name == service)?;
        self.servers.get(place)
    }

    /// How often the server behind a service went and came; odd while it is away.
    pub(crate) fn changes(&self, service: &str) -> usize {
        self.server(service).map_or(0, |server| server.changes.load(Ordering::SeqCst))
    }

    /// Restarts the server behind a service, and returns when the service answers again.
    pub(crate) fn restart(&self, service: &str) {
        let server = self.server(service).unwrap();
        server.changes.fetch_add(1, Ordering::SeqCst);
        server.engine.tell("end");
        server.engine.start_again();
        self.is_there(service);
        server.changes.fetch_add(1, Ordering::SeqCst);
    }

    /// Changes the configuration and has it loaded, and returns when it is.
    pub(crate) fn reload(&self) {
        let more =
            if self.reloads.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) { NOW_AND_THEN } else { "" };
        self.gateway.setup.write("gateway.toml", &format!("{}{more}", self.config));
        let before = self.gateway.log.count();
        self.gateway.signal("HUP");
        self.gateway.log.find_after(before, "the configuration was loaded again").unwrap();
    }

    /// How often it was loaded.
    pub(crate) fn reloads(&self) -> usize {
        self.reloads.load(Ordering::SeqCst)
    }

    /// How often a server was restarted.
    pub(crate) fn restarts(&self) -> usize {
        self.servers.iter().map(|server| server.changes.load(Ordering::SeqCst) / 2).sum()
    }
}
