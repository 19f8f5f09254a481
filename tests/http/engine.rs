//! PostgreSQL and MariaDB as servers that bad things happen to: started, killed, paused, and asked directly, past the gateway. What the
//! gateway makes of it is judged elsewhere.

use conformance::prepare::Prepared;
use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, OptsBuilder, Row, Value};
use serde_json::{Value as Json, json};
use tests::fixture::Fixture;
use tests::libraries::clone_folder;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::client::RUNTIME;
use crate::gateway::eventually;

/// Rows of the table `many`.
pub(crate) const MANY: usize = 1000;

/// What differs between the servers.
pub(crate) struct Kind {
    connector: &'static str,
    version: &'static str,
    tables: &'static str,
    connections: &'static str,
    running: &'static str,
    waiting: &'static str,
}

pub(crate) const POSTGRES: Kind = Kind {
    connector: "postgres",
    version: "15",
    tables: include_str!("engine_postgres.sql"),
    connections: "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'tablegate'",
    running: "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() AND query LIKE '%TEXT%'",
    waiting: "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'",
};

pub(crate) const MARIADB: Kind = Kind {
    connector: "mysql",
    version: "10.11",
    tables: include_str!("engine_mysql.sql"),
    connections: "SELECT count(*) FROM information_schema.processlist WHERE user = 'gateway'",
    running: "SELECT count(*) FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND info LIKE '%TEXT%'",
    // Its table of transactions is a copy that does not change while it is asked for all the time.
    waiting: "SELECT variable_value FROM information_schema.global_status WHERE variable_name = 'INNODB_ROW_LOCK_CURRENT_WAITS'",
};

/// A running server with the tables `marks` (whose changes `deeds` counts, by mark), `many` and `slow`, whose rows never come.
pub(crate) struct Engine {
    pub(crate) kind: &'static Kind,
    pub(crate) store: Prepared,
    service_type: String,
    /// Where the administrator is let in; unused where that is the account of the gateway.
    socket: String,
}

impl Kind {
    pub(crate) fn start(&'static self) -> Engine {
        let fixtures = Fixture::discover(&clone_folder().join("tests/fixtures")).unwrap();
        let fixture = fixtures.into_iter().find(|fixture| fixture.connector == self.connector).unwrap();
        let store = fixture.start(self.version, &[]).unwrap();
        let mut engine =
            Engine { kind: self, store, service_type: fixture.facts.service_type, socket: String::new() };
        if self.is_mariadb() {
            engine.socket = engine.connect_mariadb(true).unwrap().sql("SELECT @@socket");
        }
        engine.sql(self.tables);
        engine
    }

    pub(crate) fn is_mariadb(&self) -> bool {
        self.connector == "mysql"
    }

    /// The folder of its connector.
    pub(crate) fn connector(&self) -> &'static str {
        self.connector
    }
}

impl Engine {
    pub(crate) fn port(&self) -> u16 {
        u16::try_from(self.store.config["port"].as_u64().unwrap()).unwrap()
    }

    /// The configuration of a service on it, with these keys beside or in place of its own.
    pub(crate) fn service(&self, name: &str, more: &Json) -> String {
        let mut config = self.store.config.clone();
        config["password"] = json!("${env:STORE_PASSWORD}");
        for (key, value) in more.as_object().unwrap() {
            config[key] = value.clone();
        }
        let service = json!({"services": [{"name": name, "type": self.service_type, "config": config}]});
        toml::to_string(&service).unwrap()
    }

    /// Something happens to it: `kill`, `pause`, `resume`, `end` or `again`.
    pub(crate) fn tell(&self, word: &str) {
        self.store.tell(word).unwrap();
    }

    /// Starts it again, and returns when it takes connections.
    pub(crate) fn start_again(&self) {
        self.tell("again");
        eventually("the server takes connections", || self.connect().is_some());
    }

    /// A connection of the administrator; `None`: it takes none.
    pub(crate) fn connect(&self) -> Option<Direct> {
        if self.kind.is_mariadb() { self.connect_mariadb(false) } else { self.connect_postgres() }
    }

    fn connect_postgres(&self) -> Option<Direct> {
        let text = |name: &str| self.store.config[name].as_str().unwrap();
        let mut config = tokio_postgres::Config::new();
        config.host(text("host")).port(self.port()).user(text("username")).password(text("password"));
        config.dbname(text("database")).application_name("administrator");
        RUNTIME.block_on(async {
            let (client, connection) = config.connect(NoTls).await.ok()?;
            tokio::spawn(connection);
            Some(Direct::Postgres(client))
        })
    }

    pub(crate) fn connect_mariadb(&self, is_gateway: bool) -> Option<Direct> {
        let text = |name: &str| self.store.config[name].as_str().map(str::to_owned);
        let opts = OptsBuilder::default().db_name(text("database")).prefer_socket(false);
        let opts = if is_gateway {
            let opts = opts.ip_or_hostname(text("host").unwrap()).tcp_port(self.port());
            opts.user(text("username")).pass(text("password"))
        } else {
            opts.socket(Some(&self.socket)).user(Some("root"))
        };
        RUNTIME.block_on(Conn::new(opts)).ok().map(Direct::MariaDb)
    }

    /// What statements answer that nobody else knows of.
    #[track_caller]
    pub(crate) fn sql(&self, sql: &str) -> String {
        self.connect().expect("the server takes a connection").sql(sql)
    }

    #[track_caller]
    fn number(&self, sql: &str) -> usize {
        self.sql(sql).parse().unwrap()
    }

    /// How often a write with this mark was done.
    #[track_caller]
    pub(crate) fn deeds(&self, mark: &str) -> usize {
        self.number(&format!("SELECT count(*) FROM deeds WHERE mark = '{mark}'"))
    }

    /// Connections of the gateway.
    pub(crate) fn connections(&self) -> usize {
        self.number(self.kind.connections)
    }

    /// Statements with this text that run.
    pub(crate) fn running(&self, text: &str) -> usize {
        self.number(&self.kind.running.replace("TEXT", text))
    }

    /// Statements that wait for a lock.
    pub(crate) fn waiting(&self) -> usize {
        self.number(self.kind.waiting)
    }
}

/// A connection past the gateway.
pub(crate) enum Direct {
    Postgres(Client),
    MariaDb(Conn),
}

impl Direct {
    /// The first column of what statements answer, a line for each row.
    #[track_caller]
    pub(crate) fn sql(&mut self, sql: &str) -> String {
        self.try_sql(sql).unwrap()
    }

    /// The same, or what the server says against it.
    pub(crate) fn try_sql(&mut self, sql: &str) -> Result<String, String> {
        let lines: Vec<String> = match self {
            Self::Postgres(client) => {
                let messages =
                    RUNTIME.block_on(client.simple_query(sql)).map_err(|error| format!("{error:?}"))?;
                let rows = messages.iter().filter_map(|message| match message {
                    SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                    _ => None,
                });
                rows.collect()
            }
            Self::MariaDb(conn) => {
                let rows: Vec<Row> = RUNTIME.block_on(conn.query(sql)).map_err(|error| error.to_string())?;
                rows.into_iter().filter_map(|row| text(row.as_ref(0)?)).collect()
            }
        };
        Ok(lines.join("\n"))
    }
}

/// The text protocol gives everything as bytes.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::Bytes(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    }
}
