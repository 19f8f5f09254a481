//! The stores that flights are read from: the SQLite file itself, and the servers of fixtures with a copy of its tables.

use std::fmt::Write as _;
use std::path::PathBuf;

use conformance::prepare::Prepared;
use conformance::tables::Stored;
use connector_api::model::{Column, ColumnType, ForeignKey, Instant, TableRef, Value};
use rusqlite::types::ValueRef;
use serde_json::Value as Json;
use tests::fixture::Fixture;
use tests::libraries::clone_folder;

use crate::Failure;
use crate::process::database;
use crate::report::say;

/// Where the flights are.
#[derive(Debug, Clone)]
pub(crate) enum Address {
    /// In a SQLite file.
    File(PathBuf),
    /// In a server.
    Server {
        /// The fixture's name.
        store: String,
        /// The configuration of a service on it.
        config: Json,
    },
}

impl Address {
    /// As the words of a command line.
    pub(crate) fn words(&self) -> [String; 2] {
        match self {
            Self::File(database) => ["sqlite".to_owned(), database.to_string_lossy().into_owned()],
            Self::Server { store, config } => [store.clone(), config.to_string()],
        }
    }

    /// From the words of a command line.
    pub(crate) fn parse(store: Option<String>, place: Option<String>) -> Result<Self, Failure> {
        let (store, place) = store.zip(place).ok_or("a store and its place are needed")?;
        if store == "sqlite" {
            return Ok(Self::File(place.into()));
        }
        Ok(Self::Server { store, config: serde_json::from_str(&place)? })
    }
}

/// A store that is there until this is dropped.
pub(crate) struct Store {
    /// For people, with its version.
    pub(crate) title: String,
    pub(crate) address: Address,
    service_type: String,
    _running: Option<Prepared>,
}

impl Store {
    /// The file.
    pub(crate) fn file() -> Result<Self, Failure> {
        let address = Address::File(database()?);
        Ok(Self { title: "SQLite".to_owned(), address, service_type: "sqlite".to_owned(), _running: None })
    }

    /// The server of a fixture, in the first of its versions, with all flights.
    pub(crate) fn of_fixture(name: &str) -> Result<Self, Failure> {
        let fixture = fixtures()?.into_iter().find(|fixture| fixture.name == name);
        let fixture = fixture.ok_or_else(|| format!("there is no fixture '{name}'"))?;
        let version = fixture.versions.first().ok_or("a fixture without a version")?;
        say(format_args!("\n{name}: started, and filled with all flights"))?;
        let running = fixture.start(version, &tables()?)?;
        let title = format!("{name} {}", running.version.as_deref().unwrap_or(version));
        let address = Address::Server { store: name.to_owned(), config: running.config.clone() };
        Ok(Self { title, address, service_type: fixture.facts.service_type, _running: Some(running) })
    }

    /// Whether it is a server, not a file.
    pub(crate) fn is_server(&self) -> bool {
        matches!(self.address, Address::Server { .. })
    }

    /// The service `flights` on it, as a part of the gateway's settings.
    pub(crate) fn settings(&self) -> Result<String, Failure> {
        let mut config = match &self.address {
            Address::File(database) => {
                toml::Table::from_iter([("database".to_owned(), toml::Value::try_from(database)?)])
            }
            Address::Server { config, .. } => toml::Table::try_from(config)?,
        };
        config.insert("max_records".to_owned(), 400_000.into());
        if let Ok(more) = std::env::var("BENCH_SERVICE") {
            config.extend(serde_json::from_str::<toml::Table>(&more)?);
        }
        let mut text = String::new();
        writeln!(text, "[[services]]\nname = \"flights\"\ntype = {:?}", self.service_type)?;
        // In one line: a table inside it would begin a table of the settings.
        writeln!(text, "config = {}", toml::Value::Table(config))?;
        Ok(text)
    }
}

/// Every fixture that has a server.
fn fixtures() -> Result<Vec<Fixture>, Failure> {
    Ok(Fixture::discover(&clone_folder().join("tests/fixtures"))?)
}

/// The table that new rows go into, empty.
fn landings() -> Stored {
    let text = |name: &str| Column { length: Some(80), ..Column::new(name, ColumnType::String) };
    let solid = |column: Column| Column { is_nullable: false, ..column };
    let key = Column { is_auto_increment: true, ..Column::new("id", ColumnType::Integer) };
    let columns = vec![
        solid(key),
        solid(text("carrier")),
        solid(Column::new("flight", ColumnType::Integer)),
        solid(text("origin")),
        solid(text("dest")),
        Column::new("delay", ColumnType::Double),
        text("note"),
    ];
    Stored::new("landings", columns, Vec::new())
}

/// All tables that are asked for, those first to which others refer.
fn tables() -> Result<[Stored; 4], Failure> {
    let mut flights = copied("flights")?;
    let references = [("carrier", "airlines", "carrier"), ("origin", "airports", "faa")];
    flights.table.foreign_keys = references.map(|(column, table, key)| refers(column, table, key)).into();
    Ok([copied("airlines")?, copied("airports")?, flights, landings()])
}

fn refers(column: &str, table: &str, key: &str) -> ForeignKey {
    ForeignKey {
        name: format!("flights_{column}_fkey"),
        columns: vec![column.to_owned()],
        references: TableRef::new(table),
        referenced_columns: vec![key.to_owned()],
        ..ForeignKey::default()
    }
}

/// A table of the file as a fixture takes tables. Its first column is its key.
fn copied(table: &str) -> Result<Stored, Failure> {
    let connection = rusqlite::Connection::open(database()?)?;
    let mut statement = connection.prepare(&format!("SELECT * FROM {table} ORDER BY 1"))?;
    let columns: Vec<Column> = statement.columns().map(|column| described(&column)).collect();
    let mut found = statement.query([])?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let cells = (0..columns.len()).map(|place| Ok(value(row.get_ref(place)?)));
        rows.push(cells.collect::<Result<Vec<_>, rusqlite::Error>>()?);
    }
    Ok(Stored::new(table, columns, rows))
}

fn described(column: &rusqlite::Column<'_>) -> Column {
    let data_type = match column.decl_type() {
        Some("INTEGER") => ColumnType::Integer,
        Some("REAL") => ColumnType::Double,
        // In UTC, for stores that have no other years than those of 32-bit seconds.
        Some("TIMESTAMP") => ColumnType::DateTime,
        _ => ColumnType::String,
    };
    let length = (data_type == ColumnType::String).then_some(80);
    let is_nullable = matches!(
        column.name(),
        "dep_time" | "dep_delay" | "arr_time" | "arr_delay" | "tailnum" | "air_time" | "tzone"
    );
    Column { length, is_nullable, ..Column::new(column.name(), data_type) }
}

fn value(stored: ValueRef<'_>) -> Value {
    match stored {
        ValueRef::Integer(number) => Value::I64(number),
        ValueRef::Real(number) => Value::F64(number),
        ValueRef::Text(text) => {
            let text = String::from_utf8_lossy(text).into_owned();
            Instant::parse(&text).map_or(Value::Text(text), |moment| Value::Timestamp(moment.at))
        }
        _ => Value::Null,
    }
}
