//! One open service on a store that holds the tables of the suite, and what a case does with it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use connector_api::model::batch::Cell;
use connector_api::model::{Filter, OpenRequest, Operation, TableRef, Value};
use connector_api::{Error, ErrorKind, Result};
use serde_json::Value as Json;
use tablegate::connectors::registry::Connector;
use tablegate::connectors::{CallContext, Limits, RowStream, Service};

use super::ask::{Ask, not};
use super::facts::Facts;
use super::library;
use super::quirks::{Quirks, normal};
use super::random::MANY_FILTERS;
use super::tables::Stored;
use super::words::words;
use super::{Applies, Case, Outcome, same, sent};

/// The name of the service, as it stands in messages.
const SERVICE: &str = "judged";

/// A call may take so long.
pub const CALL_TIME: Duration = Duration::from_secs(60);

/// Rows of cells.
pub type Rows = Vec<Vec<Value>>;

/// A row by the names of its columns.
pub type Members = BTreeMap<String, Value>;

/// An open service, and what is known of its store.
#[derive(Debug)]
pub struct Peer {
    /// The service, opened as the gateway opens it.
    pub service: Arc<Service>,
    /// What the fixture says.
    pub facts: Facts,
    /// Where the store differs.
    pub quirks: Quirks,
    /// What the store holds.
    pub tables: Vec<Stored>,
    /// So many tables for writing are taken.
    pub(super) stocks: AtomicUsize,
    request: OpenRequest,
}

impl Peer {
    /// Loads a library as the gateway does and opens a service of it.
    ///
    /// # Errors
    /// Why the library is refused, or the service can't be opened.
    pub async fn open(
        library: &Path,
        config: Json,
        known: (Facts, Quirks, Vec<Stored>),
        workers: usize,
    ) -> std::result::Result<Self, String> {
        Self::of(&library::load(library, workers)?, config, known, workers).await
    }

    /// Opens a service of a connector that is loaded.
    ///
    /// # Errors
    /// Why it can't be opened.
    pub async fn of(
        connector: &Arc<Connector>,
        config: Json,
        (mut facts, quirks, tables): (Facts, Quirks, Vec<Stored>),
        workers: usize,
    ) -> std::result::Result<Self, String> {
        facts.service_type = library::service_type(connector, &facts.service_type)?.name.clone();
        let request = OpenRequest {
            service_type: facts.service_type.clone(),
            service: SERVICE.to_owned(),
            config,
            allow_inline: false,
            worker_threads: workers,
        };
        let service = opened(connector, &request).await?;
        Ok(Self { service, facts, quirks, tables, stocks: AtomicUsize::new(0), request })
    }

    /// Opens one more service with the same configuration.
    ///
    /// # Errors
    /// Why it can't be opened.
    pub async fn another(&self) -> std::result::Result<Arc<Service>, String> {
        opened(self.service.connector(), &self.request).await
    }

    /// Whether a case concerns this service.
    #[must_use]
    pub fn is_asked(&self, case: &Case) -> bool {
        if case.data_type.is_some_and(|data_type| !self.facts.has(data_type)) {
            return false;
        }
        match case.applies {
            Applies::Declared(needs) => needs.iter().all(|need| self.offers(need)),
            Applies::Undeclared(flag) => !self.offers(flag),
        }
    }

    /// Whether the service declares this capability or limit, or the store has this feature.
    #[must_use]
    pub fn offers(&self, need: &str) -> bool {
        let capabilities = self.service.capabilities();
        match need.split_once('.') {
            Some(("store", "many_random_filters")) => self.facts.random_filters >= MANY_FILTERS,
            Some(("store", _)) => self.facts.features.iter().any(|feature| feature.need() == need),
            Some((_, limit)) => capabilities.declared_limits().contains(&limit),
            None => capabilities.declared().contains(&need),
        }
    }

    /// A table as this store names it.
    #[must_use]
    pub fn name(&self, table: &str) -> TableRef {
        TableRef { namespace: self.facts.namespace.clone(), name: self.facts.name(table).to_owned() }
    }

    /// What a table of the suite holds. A view holds what its table holds.
    ///
    /// # Errors
    /// When the store has no such table.
    pub fn stored(&self, table: &str) -> std::result::Result<&Stored, String> {
        let found = self.tables.iter().find(|stored| stored.name() == table);
        found.ok_or_else(|| format!("the store has no table '{table}'"))
    }

    /// A request for all rows.
    #[must_use]
    pub fn ask(&self, table: &str, columns: &[&str]) -> Ask {
        Ask::new(self.name(table), columns)
    }

    /// Starts a query.
    ///
    /// # Errors
    /// The connector's.
    pub async fn start(&self, ask: &Ask) -> Result<RowStream> {
        let (shape, params) = ask.query();
        sent::note(Operation::Query, &shape);
        self.service.query(&shape, &params, context(CALL_TIME)).await
    }

    /// The rows of a query, the wanted columns in the order in which they were asked for, cells in their [`normal`] form.
    ///
    /// # Errors
    /// The connector's, or a column that is missing.
    pub async fn rows(&self, ask: &Ask) -> Result<Rows> {
        read(self.start(ask).await?, &ask.wanted()).await
    }

    /// The rows of a query with all columns that the answer has, by name and as they come; those that a row lacks are left out.
    ///
    /// # Errors
    /// The connector's.
    pub async fn members(&self, ask: &Ask) -> Result<Vec<Members>> {
        read_members(&mut self.start(ask).await?).await
    }

    /// The integers that a query of one column gives, in the order in which they come.
    ///
    /// # Errors
    /// What went wrong.
    pub async fn integers(&self, ask: &Ask) -> std::result::Result<Vec<i64>, String> {
        let rows = self.rows(ask).await.map_err(|error| full(&error))?;
        let integer = |row: Vec<Value>| match row.as_slice() {
            [Value::I64(integer)] => Ok(*integer),
            other => Err(format!("expected an integer, found {other:?}")),
        };
        rows.into_iter().map(integer).collect()
    }

    /// The ids of a table for which a filter holds, ascending.
    ///
    /// # Errors
    /// What went wrong.
    pub async fn matching(
        &self,
        table: &str,
        filter: Filter,
        values: &[Value],
    ) -> std::result::Result<Vec<i64>, String> {
        let mut ids = self.integers(&self.ask(table, &["id"]).filter(filter, values)).await?;
        ids.sort_unstable();
        Ok(ids)
    }

    /// Checks for which ids a filter holds and for which its opposite does, if the service can say `not`; of the others it is unknown.
    ///
    /// # Errors
    /// What differs.
    pub async fn check_filter(
        &self,
        table: &str,
        filter: &Filter,
        values: &[Value],
        (holds, opposite): (&[i64], &[i64]),
    ) -> Outcome {
        let found = self.matching(table, filter.clone(), values).await?;
        let said = words(filter, values);
        same(&said, &found, &holds.to_vec())?;
        if !self.offers("filter_not") {
            return Ok(());
        }
        let found = self.matching(table, not(filter.clone()), values).await?;
        same(format_args!("not ({said})"), &found, &opposite.to_vec())
    }

    /// Counts rows.
    ///
    /// # Errors
    /// The connector's.
    pub async fn count(&self, ask: &Ask) -> Result<u64> {
        let (shape, params) = ask.count();
        sent::note(Operation::Count, &shape);
        self.service.count(&shape, &params, context(CALL_TIME)).await.map(|(count, _)| count)
    }

    /// Checks that the service is as usable as before.
    ///
    /// # Errors
    /// What differs.
    pub async fn check_usable(&self) -> Outcome {
        let ask = self.ask(super::tables::ITEM, &["id"]);
        let mut ids = self.integers(&ask).await?;
        ids.sort_unstable();
        same("ids of a small table", &ids, &(1..=10).collect())
    }
}

async fn opened(
    connector: &Arc<Connector>,
    request: &OpenRequest,
) -> std::result::Result<Arc<Service>, String> {
    Service::open(Arc::clone(connector), request.clone(), Limits::default())
        .await
        .map_err(|error| format!("the service can't be opened: {}", full(&error)))
}

/// The context of a call that may take so long.
#[must_use]
pub fn context(time: Duration) -> CallContext<'static> {
    CallContext::new(SERVICE, time)
}

/// Reads an answer to its end.
///
/// # Errors
/// The connector's, or a column that is missing.
pub async fn read(mut answer: RowStream, wanted: &[String]) -> Result<Rows> {
    read_rows(&mut answer, wanted).await
}

/// The cells of all rows of an answer by their columns; those that a row lacks are left out.
///
/// # Errors
/// What went wrong.
pub async fn read_members(answer: &mut RowStream) -> Result<Vec<Members>> {
    let mut rows = Vec::new();
    while let Some(batch) = answer.next().await {
        let batch = batch?;
        let mut row = Vec::new();
        for mut section in batch.sections() {
            let names = section.columns().names.clone();
            while section.read_row(&mut row)? {
                let cells =
                    row.iter().map(|cell| cell.to_value()).collect::<std::result::Result<Vec<_>, _>>()?;
                let members = names.iter().cloned().zip(cells);
                rows.push(members.filter(|(_, cell)| *cell != Value::Absent).collect());
            }
        }
    }
    Ok(rows)
}

/// As [`read`], and leaves what else the answer says.
///
/// # Errors
/// As [`read`].
pub async fn read_rows(answer: &mut RowStream, wanted: &[String]) -> Result<Rows> {
    let mut rows = Rows::new();
    while let Some(batch) = answer.next().await {
        let batch = batch?;
        let mut row = Vec::new();
        for mut section in batch.sections() {
            let places = places(&section.columns().names, wanted)?;
            while section.read_row(&mut row)? {
                rows.push(places.iter().map(|place| value(&row, *place)).collect::<Result<_>>()?);
            }
        }
    }
    match answer.summary() {
        Some(_) => Ok(rows),
        None => Err(Error::internal("the answer ended without a summary")),
    }
}

fn places(names: &[String], wanted: &[String]) -> Result<Vec<usize>> {
    let place = |name: &String| {
        names
            .iter()
            .position(|found| found == name)
            .ok_or_else(|| Error::internal(format!("the answer has no column '{name}'")))
    };
    wanted.iter().map(place).collect()
}

fn value(row: &[Cell<'_>], place: usize) -> Result<Value> {
    let cell = row.get(place).ok_or_else(|| Error::internal("a row is too short"))?;
    Ok(normal(&cell.to_value()?))
}

/// An error with all that it carries, for the person who reads the run: its message, its kind and finer words, the driver's own text.
#[must_use]
pub fn full(error: &Error) -> String {
    let Error { kind, message, reason, native_code, sqlstate, detail, .. } = error;
    let finer = [("reason", reason), ("code", native_code), ("SQLSTATE", sqlstate)];
    let finer: String = finer
        .iter()
        .filter_map(|(name, word)| word.as_ref().map(|word| format!(", {name} {word}")))
        .collect();
    let detail = detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default();
    format!("{message} ({kind:?}{finer}){detail}")
}

/// Checks that a call failed with this kind of error.
///
/// # Errors
/// When it did not, or with another one.
pub fn check_error<T: std::fmt::Debug>(
    what: impl std::fmt::Display,
    result: Result<T>,
    expected: ErrorKind,
) -> std::result::Result<Error, String> {
    match result {
        Err(error) if error.kind == expected => Ok(error),
        Err(error) => Err(format!("{what}: expected {expected:?}, found {}", full(&error))),
        Ok(answer) => Err(format!("{what}: expected {expected:?}, found the answer {answer:?}")),
    }
}
