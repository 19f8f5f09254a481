//! One service: its connections, the statements and tables that it knows, and how a call is run and repeated.

use std::sync::Arc;

use connector_api::author::{self, Filter, Request, Routine, Table, TableName, TableRef};
use connector_api::{Error, Result};
use connector_common::failure::{asked_briefly, is_worth_another_try, up_to_twice};
use connector_common::routine::routine_not_found;
use connector_sql_common::build::{self, Watched};
use connector_sql_common::{Form, Known, Statement, StatementKey};
use futures_util::TryStreamExt as _;

use crate::client::{Client, Params, Parsed, Work};
use crate::config::Config;
use crate::error::{from_driver, is_outdated, table_not_found};
use crate::schema::{self, DESCRIPTIONS, NameRow, ROUTINES, RoutineInfo, RoutineRow, TABLES, TableRow};
use crate::table::TableInfo;
use crate::translate::{PostgresDialect, VALUES};
use crate::types::{Class, text};

/// One service.
pub(crate) struct Store {
    pub(crate) client: Client,
    /// The schema whose tables have no prefix; `None`: the connection's default.
    home: Option<String>,
    /// Tables of other schemas are served too.
    pub(crate) is_all: bool,
    pub(crate) known: Known<TableInfo>,
}

/// Something that is asked of the database. It may be begun anew when what was known of the table is out of date.
pub(crate) trait Call: Send {
    /// What comes of it.
    type Answer: Send;

    /// Runs it.
    fn once(&mut self, store: &Store, work: &mut Work) -> impl Future<Output = Result<Self::Answer>> + Send;

    /// Whether it may be begun anew after this failure, on another connection or in what is left of the caller's transaction.
    fn is_repeatable(&self, error: &Error) -> bool;

    /// The table that it is about.
    fn table(&self) -> &TableRef;

    /// What it asks of rows.
    fn conditions(&self) -> Vec<&Filter> {
        Vec::new()
    }
}

impl Store {
    /// Opens the service; the server may be down.
    ///
    /// # Errors
    /// A configuration that makes no sense.
    pub(crate) fn open(config: &Config) -> Result<Self> {
        config.validate()?;
        let is_all = matches!(config.schema.as_str(), "" | "all");
        let is_named = !is_all && config.schema != "default";
        Ok(Self {
            client: Client::open(config)?,
            home: is_named.then(|| config.schema.clone()),
            is_all,
            known: Known::default(),
        })
    }

    /// Asks the server whether it is there and takes the account.
    ///
    /// # Errors
    /// Why not.
    pub(crate) async fn ping(&self) -> Result<()> {
        asked_briefly(|| async {
            if self.client.answers_beside().await? {
                return Ok(());
            }
            let mut work = self.client.work(None).await?;
            work.ping().await?;
            work.close().await
        })
        .await
    }

    /// Names and kinds of all tables.
    ///
    /// # Errors
    /// The server's.
    pub(crate) async fn list(&self) -> Result<Vec<TableName>> {
        let rows: Vec<NameRow> = up_to_twice(|| self.catalogue_alone(TABLES, &[])).await?;
        Ok(rows.into_iter().map(TableName::from).collect())
    }

    /// Descriptions of those of these tables that exist. What is known of them is replaced.
    ///
    /// # Errors
    /// The server's.
    pub(crate) async fn describe(&self, tables: &[TableRef]) -> Result<Vec<Table>> {
        let wanted = schema::wanted(tables);
        let wanted = [Some(wanted.as_str())];
        let rows = up_to_twice(|| self.catalogue_alone(DESCRIPTIONS, &wanted)).await?;
        Ok(rows.into_iter().map(|row| self.keep(row)).collect())
    }

    /// All procedures and functions.
    ///
    /// # Errors
    /// The server's.
    pub(crate) async fn list_routines(&self) -> Result<Vec<Routine>> {
        let rows: Vec<RoutineRow> = up_to_twice(|| self.catalogue_alone(ROUTINES, &[None])).await?;
        let there = rows.into_iter().filter(|row| row.id().is_some());
        Ok(there.map(RoutineRow::described).collect())
    }

    /// What a call has to know of a routine, as it is now: what a call does is not known, so one that failed because the routine has
    /// changed can't be told from one that failed inside of it, and none is ever repeated.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such routine; the server's.
    pub(crate) async fn routine(&self, call: &author::Call, work: &mut Work) -> Result<RoutineInfo> {
        let wanted = Some(call.routine.name.as_str()).filter(|name| !name.contains('\0'));
        let rows: Vec<RoutineRow> = match wanted {
            Some(name) => self.catalogue(work, ROUTINES, &[Some(name)]).await?,
            None => Vec::new(),
        };
        let is_it = |row: &&RoutineRow| {
            let is_wanted = |id: &str| call.id.as_deref().is_none_or(|wanted| wanted == id);
            row.name() == call.routine && row.id().is_some_and(is_wanted)
        };
        rows.iter().find(is_it).map(RoutineRow::info).ok_or_else(routine_not_found)
    }

    /// What is known of a table; read when nothing is.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such table; the server's.
    pub(crate) async fn table(&self, table: &TableRef, work: &mut Work) -> Result<Arc<TableInfo>> {
        if let Some(known) = self.known.table(table) {
            return Ok(known);
        }
        let wanted = schema::wanted(std::slice::from_ref(table));
        for row in self.catalogue(work, DESCRIPTIONS, &[Some(&wanted)]).await? {
            self.keep(row);
        }
        self.known.table(table).ok_or_else(table_not_found)
    }

    /// A statement, built when it is not known yet, with what its conditions are then.
    ///
    /// # Errors
    /// What `build` answers.
    pub(crate) fn statement<'f>(
        &self,
        key: StatementKey,
        (table, conditions): (&TableInfo, impl FnOnce() -> Vec<&'f Filter>),
        build: impl FnOnce(&PostgresDialect<'_>, &Form) -> Result<Statement>,
    ) -> Result<Arc<Statement>> {
        self.known.statement(key, |form| {
            let beside = self.known.beside(conditions());
            let beside = PostgresDialect::of_each(&beside);
            build(&PostgresDialect { beside: &beside, ..PostgresDialect::of(table) }, form)
        })
    }

    /// Runs a call. What fails because the table has changed, or because a connection turned out to be dead, is begun anew once.
    ///
    /// # Errors
    /// The call's.
    pub(crate) async fn run<C: Call>(&self, call: &mut C, session: Option<u64>) -> Result<C::Answer> {
        let error = match self.once(call, session).await {
            Err(error) => error,
            answer => return answer,
        };
        let is_lost = session.is_none() && is_worth_another_try(&error);
        if is_outdated(&error) {
            let relied_on = self.relied_on(call);
            self.known.forget(call.table());
            build::tables_beside(call.conditions()).into_iter().for_each(|table| self.known.forget(table));
            self.client.changed();
            if call.is_repeatable(&error) && !self.has_other_values(call, &relied_on, session).await? {
                return self.once(call, session).await;
            }
        } else if is_lost && call.is_repeatable(&error) {
            return self.once(call, session).await;
        }
        Err(error)
    }

    /// Whether the values of a call are those of columns as they were: then who made it has to look at the tables and make it anew.
    async fn has_other_values<C: Call>(
        &self,
        call: &C,
        relied_on: &[(Watched<'_>, Class)],
        session: Option<u64>,
    ) -> Result<bool> {
        if relied_on.is_empty() {
            return Ok(false);
        }
        let mut work = self.client.work(session).await?;
        work.open().await?;
        let learnt = match self.table(call.table(), &mut work).await {
            Ok(_) => self.learn_beside(call, &mut work).await,
            Err(error) => Err(error),
        };
        match &learnt {
            Ok(()) => work.close().await?,
            Err(_) => work.recover().await,
        }
        learnt?;
        let is_as_before = |dialect: &PostgresDialect<'_>| {
            relied_on.iter().all(|(watched, class)| dialect.class_of(watched).is_ok_and(|now| now == *class))
        };
        Ok(!self.as_known(call, is_as_before).unwrap_or_default())
    }

    /// The columns on whose types the conditions of a call rely, as far as they are known.
    fn relied_on<'c, C: Call>(&self, call: &'c C) -> Vec<(Watched<'c>, Class)> {
        let classes = |dialect: &PostgresDialect<'_>| {
            let watched = build::watched(dialect, call.conditions()).into_iter();
            watched.filter_map(|watched| Some((watched, dialect.class_of(&watched).ok()?))).collect()
        };
        self.as_known(call, classes).unwrap_or_default()
    }

    /// Looks at what is known of a call's tables; `None` when its own is not.
    fn as_known<C: Call, R>(&self, call: &C, look: impl FnOnce(&PostgresDialect<'_>) -> R) -> Option<R> {
        let table = self.known.table(call.table())?;
        let beside = self.known.beside(call.conditions());
        let beside = PostgresDialect::of_each(&beside);
        Some(look(&PostgresDialect { beside: &beside, ..PostgresDialect::of(&table) }))
    }

    /// Reads what is not known of the tables into which a call's conditions look.
    async fn learn_beside<C: Call>(&self, call: &C, work: &mut Work) -> Result<()> {
        for table in build::tables_beside(call.conditions()) {
            self.table(table, work).await?;
        }
        Ok(())
    }

    /// Runs a call once, whatever comes of it.
    ///
    /// # Errors
    /// The call's.
    pub(crate) async fn once<C: Call>(&self, call: &mut C, session: Option<u64>) -> Result<C::Answer> {
        let mut work = self.client.work(session).await?;
        work.open().await?;
        match self.within(call, &mut work).await {
            Ok(answer) => {
                work.close().await?;
                Ok(answer)
            }
            Err(error) => {
                work.recover().await;
                Err(error)
            }
        }
    }

    /// Runs a call when everything is known that its statements need.
    async fn within<C: Call>(&self, call: &mut C, work: &mut Work) -> Result<C::Answer> {
        self.learn_beside(call, work).await?;
        call.once(self, work).await
    }

    /// Rows of a query of the catalogue; `further` are its parameters behind those that all have.
    async fn catalogue_alone<T: serde::de::DeserializeOwned>(
        &self,
        sql: &str,
        further: &[Option<&str>],
    ) -> Result<Vec<T>> {
        let mut work = self.client.work(None).await?;
        let rows = self.catalogue(&mut work, sql, further).await?;
        work.close().await?;
        Ok(rows)
    }

    /// The rows of a catalogue query about the tables that the service shows, in JSON.
    ///
    /// # Errors
    /// The server's.
    pub(crate) async fn catalogue<T: serde::de::DeserializeOwned>(
        &self,
        work: &mut Work,
        sql: &str,
        further: &[Option<&str>],
    ) -> Result<Vec<T>> {
        let mut params = Params::default();
        let common = [self.home.as_deref(), Some(if self.is_all { "true" } else { "false" })];
        for param in common.iter().chain(further) {
            match param {
                Some(text) => params.text(text),
                None => params.null(),
            }
        }
        self.rows(work, sql, &params).await
    }

    /// The rows of a catalogue query, in JSON.
    ///
    /// # Errors
    /// The server's.
    pub(crate) async fn rows<T: serde::de::DeserializeOwned>(
        &self,
        work: &mut Work,
        sql: &str,
        params: &Params,
    ) -> Result<Vec<T>> {
        let rows = work.run(sql, params, Parsed::ONCE).await?;
        let rows: Vec<_> = rows.try_collect().await.map_err(|error| from_driver(&error))?;
        work.finished();
        rows.iter().map(|row| schema::parsed(text(row, 0)?)).collect()
    }

    /// Keeps what statements need of a table.
    fn keep(&self, row: TableRow) -> Table {
        let info = row.info();
        let table = row.table();
        if self.known.keep(&table.table, info) {
            self.client.changed();
        }
        table
    }
}

/// The key of a statement that a request becomes.
pub(crate) fn key<S>(request: &Request<S>) -> StatementKey {
    StatementKey { shape: Arc::clone(request.key()), nth: 0, form: Form::of(&VALUES, request.params()) }
}

/// The table where it is: no setting of a connection then changes which one is meant.
pub(crate) fn placed(table: &TableRef, info: &TableInfo) -> TableRef {
    TableRef { namespace: vec![info.schema.clone()], name: table.name.clone() }
}
