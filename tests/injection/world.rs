//! A database with the tables of this suite, a gateway before it, and a log of what the database was asked.

use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;

use rusqlite::Connection;
use serde_json::json;

use crate::engine::{Direct, Engine, Kind, MARIADB, POSTGRES};
use crate::gateway::{Gateway, Setup, eventually};
use crate::oracle::SECRET;
use crate::statements::{APPLICATION, Log, PREFIX, Tail};
use crate::tokens::Quoting;

/// The key of the caller who may do everything but reach what is secret.
pub(crate) const KEY: &str = "key-of-attackers";

/// Where the tables are.
enum Store {
    File(PathBuf),
    Server(Box<Engine>),
}

/// All of it, until it is dropped.
pub(crate) struct World {
    pub(crate) connector: &'static str,
    pub(crate) quoting: Quoting,
    pub(crate) gateway: Gateway,
    pub(crate) log: Log,
    store: Store,
    /// Tables there were at the beginning.
    tables: BTreeSet<String>,
}

impl World {
    /// A file of SQLite, whose statements the gateway logs.
    pub(crate) fn of_file() -> Self {
        let config = "[[services]]\nname = \"store\"\ntype = \"sqlite\"\n[services.config]\ndatabase = \"store.sqlite\"\nmax_records = 20\n";
        let setup = Setup::new(&format!(
            "{}\n{config}\n[logging]\nlevel = \"warn,tablegate::connector=debug\"\nformat = \"json\"\nquery_log = true\n",
            include_str!("roles.toml")
        ));
        let path = setup.path("store.sqlite");
        let database = Connection::open(&path).unwrap();
        database.execute_batch(include_str!("sqlite.sql")).unwrap();
        Self::new(
            ("sqlite", Quoting::Doubled),
            setup.start(),
            (Log::Lines { read: 0, times: 0 }, Store::File(path)),
        )
    }

    /// PostgreSQL, which logs statements itself.
    pub(crate) fn of_postgres() -> Self {
        let engine = POSTGRES.start();
        engine.sql(include_str!("postgres.sql"));
        for setting in ["log_statement = 'all'", "log_parameter_max_length = 0"] {
            engine.sql(&format!("ALTER SYSTEM SET {setting}"));
        }
        engine.sql(&format!("ALTER SYSTEM SET log_line_prefix = '{PREFIX}'"));
        engine.sql("SELECT pg_reload_conf()::text");
        eventually("statements are logged", || engine.sql("SHOW log_line_prefix") == PREFIX);
        let data = PathBuf::from(engine.sql("SHOW data_directory"));
        let log = Log::Entries(Tail::new(data.with_file_name("server.log")));
        Self::of_server(&POSTGRES, engine, Quoting::Dollars, log)
    }

    /// MariaDB, whose general log has all statements but those that it can't read; those are in its log of errors.
    pub(crate) fn of_mariadb() -> Self {
        let engine = MARIADB.start();
        engine.sql(include_str!("mysql.sql"));
        engine.sql("INSTALL SONAME 'sql_errlog'");
        engine.sql("SET GLOBAL general_log_file = 'general.log'");
        engine.sql("SET GLOBAL log_output = 'FILE'");
        engine.sql("SET GLOBAL general_log = 1");
        let data = PathBuf::from(engine.sql("SELECT @@datadir"));
        let log = Log::General {
            queries: Tail::new(data.join("general.log")),
            threads: HashSet::new(),
            errors: Tail::new(data.join("sql_errors.log")),
        };
        Self::of_server(&MARIADB, engine, Quoting::Backslashes, log)
    }

    fn of_server(kind: &'static Kind, engine: Engine, quoting: Quoting, log: Log) -> Self {
        let mut more = json!({"max_records": 20, "statement_timeout": "60s", "read_only_routines": ["say"]});
        if kind.is_mariadb() {
            // Its log has the text of a statement when it is prepared; so each one is.
            more["statement_cache"] = json!(false);
        }
        let config = format!(
            "{}\n{}\n[logging]\nlevel = \"warn\"\n",
            include_str!("roles.toml"),
            engine.service("store", &more)
        );
        let setup = Setup::new(&config).connector(kind.connector());
        let password = engine.store.config["password"].as_str().unwrap().to_owned();
        let gateway = setup.variable("STORE_PASSWORD", &password).start();
        Self::new((kind.connector(), quoting), gateway, (log, Store::Server(Box::new(engine))))
    }

    fn new(
        (connector, quoting): (&'static str, Quoting),
        gateway: Gateway,
        (log, store): (Log, Store),
    ) -> Self {
        let mut world = Self { connector, quoting, gateway, log, store, tables: BTreeSet::new() };
        world.tables = world.tables_now();
        assert_eq!(world.canaries(), Vec::from([SECRET; 2]), "the canaries are there");
        world
    }

    /// The statements since the last time.
    pub(crate) fn statements(&mut self) -> Vec<String> {
        self.log.more(&self.gateway)
    }

    /// A statement reaches the database that is not the gateway's but looks as if it were, whether the database can do it or not; what its
    /// log says then. For the file, the log says that one did.
    pub(crate) fn intrude(&mut self, sql: &str) -> Vec<String> {
        let mut found = Vec::new();
        match &self.store {
            Store::File(_) => found.push(sql.to_owned()),
            Store::Server(engine) => {
                let _ = engine.connect_as_gateway(APPLICATION).try_sql(sql);
            }
        }
        found.extend(self.statements());
        found
    }

    /// What each table holds that nobody may reach.
    fn canaries(&self) -> Vec<String> {
        match &self.store {
            Store::File(path) => {
                rows(path, "SELECT secret FROM canary UNION ALL SELECT secret FROM canary_beside")
            }
            Store::Server(engine) => engine
                .sql("SELECT secret FROM canary UNION ALL SELECT secret FROM vault.canary")
                .lines()
                .map(str::to_owned)
                .collect(),
        }
    }

    fn tables_now(&self) -> BTreeSet<String> {
        let names = match &self.store {
            Store::File(path) => {
                rows(path, "SELECT type || ' ' || name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'")
            }
            Store::Server(engine) => {
                let lines = engine.sql(
                    "SELECT CONCAT(table_schema, '.', table_name) FROM information_schema.tables WHERE table_schema IN ('suite', 'public', 'vault') \
                     UNION ALL SELECT CONCAT(routine_schema, '.', routine_name) FROM information_schema.routines WHERE routine_schema IN ('suite', 'public', 'vault')",
                );
                lines.lines().map(str::to_owned).collect()
            }
        };
        names.into_iter().collect()
    }

    /// What is not as it was: canaries, tables, the gateway.
    pub(crate) fn damage(&self) -> Vec<String> {
        let mut found = Vec::new();
        let canaries = self.canaries();
        if canaries != [SECRET; 2] {
            found.push(format!("the canaries are {canaries:?}"));
        }
        let tables = self.tables_now();
        found.extend(self.tables.symmetric_difference(&tables).map(|name| format!("'{name}' came or went")));
        let health = self.gateway.send(crate::client::get("/health"));
        if health.status != 200 {
            found.push(format!("/health is {}", health.status));
        }
        if self.gateway.log.text().contains("panicked") {
            found.push("the gateway panicked".to_owned());
        }
        found
    }

    /// The most memory that the gateway has had, in MiB.
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.gateway.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1024
    }
}

fn rows(path: &PathBuf, sql: &str) -> Vec<String> {
    let database = Connection::open(path).unwrap();
    let mut statement = database.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

impl Engine {
    /// A connection that the server takes for one of the gateway.
    fn connect_as_gateway(&self, application: &str) -> Direct {
        let direct = if self.kind.is_mariadb() { self.connect_mariadb(true) } else { self.connect() };
        let mut direct = direct.expect("the server takes a connection");
        if !self.kind.is_mariadb() {
            direct.sql(&format!("SET application_name = '{application}'"));
        }
        direct
    }
}
