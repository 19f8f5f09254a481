//! One service: its connections, the statements and tables that it knows, and how a call is run and repeated.

use std::sync::Arc;

use connector_api::author::{self, Filter, Request, Routine, Table, TableName, TableRef};
use connector_api::{Error, Result};
use connector_common::failure::{asked_briefly, is_worth_another_try, up_to_twice};
use connector_common::routine::routine_not_found;
use connector_sql_common::{Form, Known, Statement, StatementKey, build};
use mysql_async::Value;

use crate::client::{Client, Work};
use crate::config::Config;
use crate::error::{is_outdated, table_not_found};
use crate::schema::{
    About, Catalogue, Found, FoundRoutine, PARAMETERS, PARAMETERS_NAMED, ROUTINES, ROUTINES_NAMED, TABLES,
    fields, routines, table_name,
};
use crate::table::TableInfo;
use crate::translate::{MySqlDialect, VALUES};

/// Tables that one query asks for.
const TABLES_AT_ONCE: usize = 1_024;

/// One service.
pub(crate) struct Store {
    pub(crate) client: Client,
    known: Known<TableInfo>,
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
        Ok(Self { client: Client::open(config)?, known: Known::default() })
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
            work.give_back();
            Ok(())
        })
        .await
    }

    /// Names and kinds of all tables.
    ///
    /// # Errors
    /// The server's.
    pub(crate) async fn list(&self) -> Result<Vec<TableName>> {
        up_to_twice(|| async {
            let mut work = self.client.work(None).await?;
            let rows = fields(work.run(TABLES, Vec::new()).await?.all().await?)?;
            work.give_back();
            Ok(rows.iter().filter_map(table_name).collect())
        })
        .await
    }

    /// Descriptions of those of these tables that exist. What is known of them is replaced.
    ///
    /// # Errors
    /// The server's.
    pub(crate) async fn describe(&self, tables: &[TableRef]) -> Result<Vec<Table>> {
        up_to_twice(|| async {
            let mut work = self.client.work(None).await?;
            let mut described = Vec::with_capacity(tables.len());
            for some in tables.chunks(TABLES_AT_ONCE) {
                described.extend(find(&mut work, some).await?.into_iter().map(|found| self.keep(found)));
            }
            work.give_back();
            Ok(described)
        })
        .await
    }

    /// All procedures and functions.
    ///
    /// # Errors
    /// The server's.
    pub(crate) async fn list_routines(&self) -> Result<Vec<Routine>> {
        up_to_twice(|| async {
            let mut work = self.client.work(None).await?;
            let rows = fields(work.run(ROUTINES, Vec::new()).await?.all().await?)?;
            let parameters = fields(work.run(PARAMETERS, Vec::new()).await?.all().await?)?;
            work.give_back();
            Ok(routines(&rows, &parameters).into_iter().map(|found| found.routine).collect())
        })
        .await
    }

    /// What a call has to know of a routine, as it is now: what a call does is not known, so one that failed because the routine has
    /// changed can't be told from one that failed inside of it, and none is ever repeated.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such routine; the server's.
    pub(crate) async fn routine(&self, call: &author::Call, work: &mut Work) -> Result<FoundRoutine> {
        let name = || vec![Value::from(&call.routine.name)];
        let rows = fields(work.run(ROUTINES_NAMED, name()).await?.all().await?)?;
        let parameters = fields(work.run(PARAMETERS_NAMED, name()).await?.all().await?)?;
        let is_it = |FoundRoutine { routine, .. }: &FoundRoutine| {
            let is_same = call.id.is_none() || call.id == routine.id;
            routine.routine == call.routine && routine.kind == call.kind && is_same
        };
        routines(&rows, &parameters).into_iter().find(is_it).ok_or_else(routine_not_found)
    }

    /// What is known of a table; read when nothing is.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when there is no such table; the server's.
    pub(crate) async fn table(&self, table: &TableRef, work: &mut Work) -> Result<Arc<TableInfo>> {
        if let Some(known) = self.known.table(table) {
            return Ok(known);
        }
        for found in find(work, std::slice::from_ref(table)).await? {
            self.keep(found);
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
        build: impl FnOnce(&MySqlDialect<'_>, &Form) -> Result<Statement>,
    ) -> Result<Arc<Statement>> {
        self.known.statement(key, |form| {
            let beside = self.known.beside(conditions());
            let dialects = beside.iter().map(|(table, info)| (table.clone(), MySqlDialect::of(info)));
            let beside: Vec<_> = dialects.collect();
            build(&MySqlDialect { beside: &beside, ..MySqlDialect::of(table) }, form)
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
        let is_outdated = is_outdated(&error);
        if is_outdated {
            self.known.forget(call.table());
            build::tables_beside(call.conditions()).into_iter().for_each(|table| self.known.forget(table));
        }
        let is_lost = session.is_none() && is_worth_another_try(&error);
        if (is_outdated || is_lost) && call.is_repeatable(&error) {
            return self.once(call, session).await;
        }
        Err(error)
    }

    /// Runs a call once, whatever comes of it.
    ///
    /// # Errors
    /// The call's.
    pub(crate) async fn once<C: Call>(&self, call: &mut C, session: Option<u64>) -> Result<C::Answer> {
        let mut work = self.client.work(session).await?;
        match self.within(call, &mut work).await {
            Ok(answer) => {
                work.give_back();
                Ok(answer)
            }
            Err(error) => {
                work.recover(&error).await;
                Err(error)
            }
        }
    }

    /// Runs a call when everything is known that its statements need.
    async fn within<C: Call>(&self, call: &mut C, work: &mut Work) -> Result<C::Answer> {
        for table in build::tables_beside(call.conditions()) {
            self.table(table, work).await?;
        }
        call.once(self, work).await
    }

    /// These tables may have changed.
    pub(crate) fn forget(&self, tables: &[TableRef]) {
        tables.iter().for_each(|table| self.known.forget(table));
    }

    /// Keeps what statements need of a table.
    fn keep(&self, found: Found) -> Table {
        self.known.keep(&found.table.table, found.info);
        found.table
    }
}

/// Other tables that refer to these.
///
/// # Errors
/// The server's.
pub(crate) async fn referrers(work: &mut Work, tables: &[TableRef]) -> Result<Vec<TableRef>> {
    let names = || tables.iter().filter(|table| table.namespace.is_empty()).map(|table| &table.name);
    if names().next().is_none() {
        return Ok(Vec::new());
    }
    let sql = About::Referrers.sql(names().count());
    let rows = work.run(&sql, names().map(Value::from).collect()).await?.all().await?;
    Ok(fields(rows)?.iter().filter_map(|row| row.text(0)).map(TableRef::new).collect())
}

/// Those of these tables that exist. A table in a namespace does not.
///
/// # Errors
/// The server's.
pub(crate) async fn find(work: &mut Work, tables: &[TableRef]) -> Result<Vec<Found>> {
    let mut names: Vec<_> = tables.iter().filter(|table| table.namespace.is_empty()).collect();
    let Some(last) = names.last().copied() else { return Ok(Vec::new()) };
    // Few texts serve lists of all lengths.
    names.resize(names.len().next_power_of_two(), last);
    let is_mariadb = work.is_mariadb()?;
    let mut catalogue = Catalogue::new(is_mariadb);
    for about in About::all(is_mariadb) {
        let values = names.iter().map(|table| Value::from(&table.name)).collect();
        let rows = work.run(&about.sql(names.len()), values).await?.all().await?;
        fields(rows)?.iter().for_each(|row| catalogue.add(about, row));
    }
    Ok(catalogue.tables(tables))
}

/// The key of a statement that a request becomes.
pub(crate) fn key<S>(request: &Request<S>) -> StatementKey {
    StatementKey { shape: Arc::clone(request.key()), nth: 0, form: Form::of(&VALUES, request.params()) }
}
