//! The statements of a write, run for record after record.

use std::ops::Range;
use std::pin::pin;
use std::sync::Arc;

use connector_api::author::{Delete, Insert, Path, Query, TableRef, Update, Upsert, Value};
use connector_api::{Error, Result};
use connector_common::write::{
    Failure, Write, ambiguous_key, attempts, check_failed, has_key, missing_row, no_attempt_left, not_created,
};
use connector_common::written::Returned;
use connector_sql_common::build::{self, TableColumns};
use connector_sql_common::{Bound, Form, Statement, StatementKey};
use futures_util::StreamExt as _;
use tokio_postgres::{Column, Row};

use super::record::Records;
use super::written::{Written, keep};
use crate::client::{Params, Parsed, Work};
use crate::error::from_driver;
use crate::read::{bind, push_param};
use crate::store::{Store, placed};
use crate::table::TableInfo;
use crate::translate::{PostgresDialect, VALUES};
use crate::types::{Class, Reader, integer, text};

/// The two statements of an upsert; other writes have the first one only.
const EXISTING: u8 = 0;
const MISSING: u8 = 1;
/// Behind them: whether the check holds for a row that triggers may have changed.
const RECHECK: u8 = 2;
/// Before them: no row of the columns on whose types the conditions rely.
const WATCH: u8 = 3;

type Ended<T> = std::result::Result<T, Failure>;

/// What the rows of a statement say of the check.
#[derive(Default)]
struct Checks {
    is_broken: bool,
    /// Rows that are asked about later, by what names them.
    later: Vec<Vec<String>>,
}

/// A write with what its statements are made from.
pub(super) struct Run<'r> {
    store: &'r Store,
    pub(super) write: Write<'r>,
    table: &'r TableInfo,
    /// The table where it is.
    place: TableRef,
    form: Form,
}

impl<'r> Run<'r> {
    /// # Errors
    /// [`connector_api::ErrorKind::NotFound`] when the table lacks one of the columns.
    pub(super) fn new(store: &'r Store, write: Write<'r>, table: &'r TableInfo) -> Result<Self> {
        write.returning().iter().try_for_each(|path| table.column(path).map(drop))?;
        let form = Form::of(&VALUES, write.params());
        Ok(Self { store, write, table, place: placed(write.table(), table), form })
    }

    /// The records as the server reads them.
    ///
    /// # Errors
    /// [`connector_api::ErrorKind::NotFound`] when the table lacks one of their columns; values that none can hold.
    pub(super) fn records(&self) -> Result<Records> {
        let columns = self.write.columns();
        let classes: Vec<Class> =
            columns.into_iter().map(|path| Ok(self.table.column(path)?.class)).collect::<Result<_>>()?;
        Records::read(self.write.records(), &classes)
    }

    /// Makes sure that the columns on whose types the conditions rely are what they are known to be: a value of another type would mean other
    /// rows.
    ///
    /// # Errors
    /// That the table has changed.
    pub(super) async fn agree(&self, work: &mut Work) -> Result<()> {
        let watched = build::watched(&PostgresDialect::of(self.table), self.write.conditions());
        if watched.is_empty() {
            return Ok(());
        }
        let watched: Vec<_> = watched.into_iter().map(|watched| watched.column.clone()).collect();
        let class = |path: &Path| Ok(Reader::of_class(self.table.column(path)?.class));
        let expected = watched.iter().map(class).collect::<Result<Vec<_>>>()?;
        let is_expected = |columns: &[Column]| Reader::agree(&expected, columns);
        let none = [Value::I64(0)];
        let form = Form::of(&VALUES, &none);
        let key = StatementKey { shape: Arc::clone(self.write.shape()), nth: WATCH, form };
        let statement =
            self.store.statement(key, (self.table, || self.write.conditions()), |dialect, form| {
                build::query(dialect, &Query::new(self.place.clone(), watched, 0), form)
            })?;
        let params = bind(&statement, &none)?;
        let mut rows = pin!(work.run(statement.sql(), &params, Parsed::Once(&is_expected)).await?);
        while let Some(row) = rows.next().await {
            row.map_err(|error| work.failed(&error))?;
        }
        work.finished();
        Ok(())
    }

    pub(super) fn nothing(&self) -> Written {
        let column = |path: &Path| (path.as_column().unwrap_or_default().to_owned(), ());
        let columns = self.write.returning().iter().map(column).collect();
        Written::nothing(Returned::new(columns), self.write.counted())
    }

    /// Changes all rows that match; tells how many.
    pub(super) async fn matching(
        &self,
        records: &Records,
        written: &mut Written,
        work: &mut Work,
    ) -> Ended<u64> {
        self.run(EXISTING, (records, 0), written, work).await
    }

    /// Writes one record.
    pub(super) async fn record(
        &self,
        records: &Records,
        index: usize,
        written: &mut Written,
        work: &mut Work,
    ) -> Ended<()> {
        let at = (records, index);
        match self.write {
            Write::Upsert(request) => self.upsert(request, at, written, work).await,
            _ => {
                let touched = self.run(EXISTING, at, written, work).await?;
                self.judge(touched, written)
            }
        }
    }

    /// Whether a record is more than one statement, so that none can be sent before the last one's answer.
    pub(super) fn is_one_by_one(&self) -> bool {
        matches!(self.write, Write::Upsert(_)) || self.is_checked_later()
    }

    /// A statement that shows the types of its columns is refused when they are others.
    fn parsed(&self, statement: &Statement) -> Parsed<'static> {
        if self.table.is_given_back && !statement.hides_types() { Parsed::ONCE } else { Parsed::Anew }
    }

    fn is_checked_later(&self) -> bool {
        self.write.has_check() && self.table.checked_by.is_some()
    }

    /// Writes several records at once; tells of the first that fails.
    pub(super) async fn several(
        &self,
        records: &Records,
        range: Range<usize>,
        written: &mut Written,
        work: &mut Work,
    ) -> Ended<()> {
        let mut batch = Vec::with_capacity(range.len());
        let mut parsed = Parsed::Anew;
        for index in range {
            let statement = self.statement(EXISTING, (records, index)).map_err(Failure::Call)?;
            parsed = self.parsed(&statement);
            self.tell(&statement, written);
            let params = self.bind(&statement, (records, index)).map_err(Failure::Call)?;
            batch.push((statement.shared_sql(), params));
        }
        for answer in work.run_all(&batch, parsed).await? {
            let (rows, touched) = answer.map_err(|error| from_driver(&error))?;
            let mut checks = Checks::default();
            for row in rows {
                self.keep(row, written, &mut checks).map_err(Failure::Call)?;
            }
            self.check(checks, work).await?;
            self.judge(touched, written)?;
        }
        Ok(())
    }

    /// What became of a record whose one statement touched so many rows.
    fn judge(&self, touched: u64, written: &mut Written) -> Ended<()> {
        match (self.write, touched) {
            (Write::Insert(_), 0) => Err(Failure::Record(not_created())),
            (Write::Insert(_), _) | (_, 1) => {
                written.count(touched);
                Ok(())
            }
            (_, 0) => Err(Failure::Record(missing_row())),
            _ => Err(Failure::Record(ambiguous_key())),
        }
    }

    /// Changes the row, or creates it. What others do between the two statements is seen with the next attempt.
    async fn upsert(
        &self,
        request: &Upsert,
        (records, index): (&Records, usize),
        written: &mut Written,
        work: &mut Work,
    ) -> Ended<()> {
        let has_key = has_key(request, records.absent(index));
        for _ in 0..attempts(request) {
            let found = if has_key { self.run_one((records, index), written, work).await? } else { 0 };
            written.count(found);
            if found > 0 || self.run(MISSING, (records, index), written, work).await? > 0 {
                return Ok(());
            }
            if !has_key {
                return Err(Failure::Record(not_created()));
            }
        }
        Err(no_attempt_left(request))
    }

    async fn run_one(&self, at: (&Records, usize), written: &mut Written, work: &mut Work) -> Ended<u64> {
        let touched = self.run(EXISTING, at, written, work).await?;
        if touched > 1 {
            return Err(Failure::Record(ambiguous_key()));
        }
        Ok(touched)
    }

    /// Runs a statement for a record; tells how many rows it touched.
    async fn run(
        &self,
        nth: u8,
        (records, index): (&Records, usize),
        written: &mut Written,
        work: &mut Work,
    ) -> Ended<u64> {
        let statement = self.statement(nth, (records, index)).map_err(Failure::Call)?;
        self.tell(&statement, written);
        let params = self.bind(&statement, (records, index)).map_err(Failure::Call)?;
        let mut rows = pin!(work.run(statement.sql(), &params, self.parsed(&statement)).await?);
        let mut checks = Checks::default();
        while let Some(row) = rows.next().await {
            let row = row.map_err(|error| work.failed(&error))?;
            self.keep(row, written, &mut checks).map_err(Failure::Call)?;
        }
        work.finished();
        self.check(checks, work).await?;
        Ok(rows.rows_affected().unwrap_or(0))
    }

    /// Keeps a row that goes back, and what it says of the check. The row is written already: it can't fail alone.
    fn keep(&self, row: Row, written: &mut Written, checks: &mut Checks) -> Result<()> {
        let width = written.returned.width();
        match &self.table.checked_by {
            _ if !self.write.has_check() => {}
            None => checks.is_broken |= integer(&row, width)? != 1,
            Some(names) => {
                let places = width..width + names.len();
                let names: Result<_> = places.map(|place| text(&row, place).map(str::to_owned)).collect();
                checks.later.push(names?);
            }
        }
        keep(written, row)
    }

    async fn check(&self, checks: Checks, work: &mut Work) -> Ended<()> {
        let mut is_broken = checks.is_broken;
        for names in checks.later {
            is_broken |= !self.holds(&names, work).await?;
        }
        if is_broken { Err(Failure::Record(check_failed())) } else { Ok(()) }
    }

    /// Whether the check holds for the row of this name, now that the triggers have run. A row that is gone, or has another name, may not
    /// be written.
    async fn holds(&self, names: &[String], work: &mut Work) -> Ended<bool> {
        let statement = self.rechecking().map_err(Failure::Call)?;
        let name = |cell, params: &mut Params| match names.get::<usize>(cell) {
            Some(name) => params.text(name),
            None => params.null(),
        };
        let params = self.bound(&statement, name).map_err(Failure::Call)?;
        let mut rows = pin!(work.run(statement.sql(), &params, Parsed::Anew).await?);
        let mut holds = false;
        while let Some(row) = rows.next().await {
            let row = row.map_err(|error| work.failed(&error))?;
            holds = integer(&row, 0).map_err(Failure::Call)? == 1;
        }
        work.finished();
        Ok(holds)
    }

    fn rechecking(&self) -> Result<Arc<Statement>> {
        let key =
            StatementKey { shape: Arc::clone(self.write.shape()), nth: RECHECK, form: self.form.clone() };
        let names = self.table.checked_by.as_deref().unwrap_or_default();
        let check = self.write.check().ok_or_else(|| Error::internal("nothing is checked"))?;
        self.store.statement(key, (self.table, || self.write.conditions()), |dialect, form| {
            build::recheck(dialect, &self.place, names, check, form)
        })
    }

    fn tell(&self, statement: &Statement, written: &mut Written) {
        if self.write.context().wants_statement && written.statement.is_none() {
            written.statement = Some(statement.sql().to_owned());
        }
    }

    fn statement(&self, nth: u8, (records, index): (&Records, usize)) -> Result<Arc<Statement>> {
        let absent: Vec<_> = records.absent(index).collect();
        let key =
            StatementKey { shape: Arc::clone(self.write.shape()), nth, form: self.form.with_absent(&absent) };
        self.store.statement(key, (self.table, || self.write.conditions()), |dialect, form| {
            self.build(nth, dialect, form)
        })
    }

    fn build(&self, nth: u8, dialect: &PostgresDialect<'_>, form: &Form) -> Result<Statement> {
        let columns = TableColumns { all: &self.table.writable, key: &self.table.key };
        let table = self.place.clone();
        match self.write {
            Write::Insert(request) => {
                build::insert(dialect, &Insert { into: table, ..Insert::clone(request) }, form)
            }
            Write::Update(request) => {
                build::update(dialect, &Update { table, ..Update::clone(request) }, form, columns)
            }
            Write::Delete(request) => {
                build::delete(dialect, &Delete { from: table, ..Delete::clone(request) }, form)
            }
            Write::Upsert(request) => {
                let shape = Upsert { into: table, ..Upsert::clone(request) };
                match nth {
                    EXISTING => build::upsert_existing(dialect, &shape, form, columns),
                    _ => build::upsert_missing(dialect, &shape, form),
                }
            }
        }
    }

    fn bind(&self, statement: &Statement, (records, index): (&Records, usize)) -> Result<Params> {
        self.bound(statement, |cell, params| records.bind(index, cell, params))
    }

    /// What is sent with a statement; `cell` adds what stands at the place of a record's cell.
    fn bound(&self, statement: &Statement, cell: impl Fn(usize, &mut Params)) -> Result<Params> {
        let mut params = Params::default();
        statement.bind(&VALUES, self.write.params(), |bound| {
            match bound {
                Bound::Value(value) => push_param(&mut params, &value)?,
                Bound::Cell(place) => cell(place, &mut params),
            }
            Ok(())
        })?;
        Ok(params)
    }
}
