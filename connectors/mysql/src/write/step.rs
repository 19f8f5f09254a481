//! The statements of a write, run for record after record.

use std::sync::Arc;

use connector_api::author::{Delete, Insert, Path, Update, Upsert};
use connector_api::{Error, ErrorKind, Result};
use connector_common::write::{
    Failure, Write, ambiguous_key, attempts, has_key, missing_row, no_attempt_left, not_created,
};
use connector_common::written::Returned;
use connector_sql_common::build::{self, TableColumns};
use connector_sql_common::{Bound, Form, Statement, StatementKey};
use mysql_async::Value;

use super::Written;
use super::back::Back;
use super::record::Records;
use crate::client::Work;
use crate::error::duplicate_key;
use crate::store::Store;
use crate::table::TableInfo;
use crate::translate::{MySqlDialect, VALUES};
use crate::types::{Class, Reader, check_computed, parameter};

/// The two statements of an upsert; other writes have the first one only.
const EXISTING: u8 = 0;
const MISSING: u8 = 1;
/// Added to one that gives back the row which it creates.
const GIVING: u8 = 128;

pub(super) type Ended<T> = std::result::Result<T, Failure>;
/// A record and its place.
pub(super) type At<'a> = (&'a Records, usize);

/// What a statement touched.
pub(super) struct Touched {
    rows: u64,
    /// The key that the server made.
    new_key: Option<u64>,
}

/// A write with what its statements are made from.
pub(super) struct Run<'r> {
    pub(super) store: &'r Store,
    pub(super) write: Write<'r>,
    pub(super) table: &'r TableInfo,
    pub(super) form: Form,
    back: Back,
}

impl<'r> Run<'r> {
    /// # Errors
    /// [`ErrorKind::NotFound`] when the table lacks one of the columns; [`ErrorKind::Unsupported`] for rows that can't be read back;
    /// [`ErrorKind::InvalidRequest`] for a key that names no single row, and for what is computed and may be no label.
    pub(super) fn new(store: &'r Store, write: Write<'r>, table: &'r TableInfo) -> Result<Self> {
        write.returning().iter().try_for_each(|path| table.class(path).map(drop))?;
        if let Write::Upsert(request) = write
            && !table.is_named_by(&request.key)
        {
            return Err(no_key());
        }
        if let Write::Update(request) = write
            && !table.is_mariadb
        {
            super::back::in_order(request)?;
        }
        check_computed(write.compute(), write.params(), table)?;
        let back = Back::of(write, table)?;
        Ok(Self { store, write, table, form: Form::of(&VALUES, write.params()), back })
    }

    /// Whether a record that fails may have written something all the same: because it is checked or read when it is written, or because
    /// its key turns out to name several rows.
    pub(super) fn may_leave(&self) -> bool {
        let is_doubtful = !self.write.key().is_empty() && !self.table.is_named_by(self.write.key());
        is_doubtful || self.back.is_read()
    }

    /// The records as the driver sends them.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when the table lacks one of their columns; values that none can hold.
    pub(super) fn records(&self) -> Result<Records> {
        let columns = self.write.columns().into_iter().map(|path| self.table.column(path));
        Records::read(self.write.records(), &columns.collect::<Result<Vec<_>>>()?)
    }

    pub(super) fn nothing(&self) -> Written {
        let column = |path: &Path| {
            let class = self.table.class(path).unwrap_or(Class::Text);
            (path.as_column().unwrap_or_default().to_owned(), Reader::Column(class))
        };
        let columns = self.write.returning().iter().map(column).collect();
        Written::nothing(Returned::new(columns), self.write.counted())
    }

    /// Changes or removes all rows that match; tells how many.
    pub(super) async fn matching(
        &self,
        records: &Records,
        written: &mut Written,
        work: &mut Work,
    ) -> Ended<u64> {
        let before = self.back.before(self, (records, 0), written, work).await?;
        let touched = self.run(EXISTING, (records, 0), written, work).await?;
        self.back.behind_all(self, before, written, work).await?;
        Ok(touched.rows)
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
            Write::Insert(_) => self.create(EXISTING, at, written, work).await,
            Write::Upsert(request) => self.upsert(request, at, written, work).await,
            Write::Update(_) | Write::Delete(_) => {
                self.back.before(self, at, written, work).await?;
                if self.change(at, written, work).await? {
                    Ok(())
                } else {
                    Err(Failure::Record(missing_row()))
                }
            }
        }
    }

    /// Creates the row.
    async fn create(&self, nth: u8, at: At<'_>, written: &mut Written, work: &mut Work) -> Ended<()> {
        self.has_number(at)?;
        if self.back.comes_with_the_row(self, at) {
            self.create_giving(nth, at, written, work).await?;
        } else {
            let touched = self.run(nth, at, written, work).await?;
            if touched.rows == 0 {
                return Err(Failure::Record(not_created()));
            }
            self.back.behind_new(self, (at, touched.new_key), written, work).await?;
        }
        if let Write::Insert(_) = self.write {
            written.count(1);
        }
        Ok(())
    }

    /// Creates the row by a statement that gives it back.
    async fn create_giving(&self, nth: u8, at: At<'_>, written: &mut Written, work: &mut Work) -> Ended<()> {
        let (statement, values) = self.prepared(nth + GIVING, at, written)?;
        let rows = work.run(statement.sql(), values).await?.all().await?;
        let row = rows.into_iter().next().ok_or_else(|| Failure::Record(not_created()))?;
        super::back::keep(self.write, row, written)
    }

    /// Changes or removes the row with the record's key; tells whether there is one.
    async fn change(&self, at: At<'_>, written: &mut Written, work: &mut Work) -> Ended<bool> {
        let touched = self.run(EXISTING, at, written, work).await?;
        match touched.rows {
            0 => return Ok(false),
            1 => {}
            _ => return Err(Failure::Record(ambiguous_key())),
        }
        self.back.behind_one(self, at, written, work).await?;
        written.count(1);
        Ok(true)
    }

    /// Changes the row, or creates it. What others do between the two statements is seen with the next attempt.
    async fn upsert(
        &self,
        request: &Upsert,
        at: At<'_>,
        written: &mut Written,
        work: &mut Work,
    ) -> Ended<()> {
        if !has_key(request, at.0.absent(at.1)) {
            return self.create(MISSING, at, written, work).await;
        }
        for _ in 0..attempts(request) {
            if self.change(at, written, work).await? {
                return Ok(());
            }
            match self.create(MISSING, at, written, work).await {
                Err(Failure::Record(error)) if self.is_this_key(request, &error) => {}
                ended => return ended,
            }
        }
        Err(no_attempt_left(request))
    }

    /// Whether a new row was refused because of the key that the request names.
    fn is_this_key(&self, request: &Upsert, error: &Error) -> bool {
        let name = duplicate_key(error);
        self.table.keys.iter().any(|key| Some(key.name.as_str()) == name && key.is_within(&request.key))
    }

    /// The server makes a key for a null, which in any other column would be refused.
    fn has_number(&self, (records, index): At<'_>) -> Ended<()> {
        let Some(numbered) = &self.table.numbered else { return Ok(()) };
        let columns = self.write.columns();
        let place = columns.iter().position(|path| path.as_column() == Some(numbered));
        match place.and_then(|place| records.cell(index, place)) {
            Some(Value::NULL) => Err(Failure::Record(
                Error::new(
                    ErrorKind::InvalidRequest,
                    format!("a column that must have a value has none ({numbered})"),
                )
                .with_reason("not_null_violation")
                .with_sqlstate("23502")
                .with_columns(vec![numbered.clone()]),
            )),
            _ => Ok(()),
        }
    }

    /// Runs a statement for a record.
    async fn run(&self, nth: u8, at: At<'_>, written: &mut Written, work: &mut Work) -> Ended<Touched> {
        let (statement, values) = self.prepared(nth, at, written)?;
        let mut rows = work.run(statement.sql(), values).await?;
        rows.next().await?;
        Ok(Touched { rows: rows.touched(), new_key: rows.new_key() })
    }

    /// A statement and what is sent with it.
    fn prepared(&self, nth: u8, at: At<'_>, written: &mut Written) -> Ended<(Arc<Statement>, Vec<Value>)> {
        let statement = self.statement(nth, at).map_err(Failure::Call)?;
        if self.write.context().wants_statement && written.statement.is_none() {
            written.statement = Some(statement.sql().to_owned());
        }
        let values = self.bind(&statement, |cell| at.0.cell(at.1, cell).cloned())?;
        Ok((statement, values))
    }

    fn statement(&self, nth: u8, (records, index): At<'_>) -> Result<Arc<Statement>> {
        let absent: Vec<_> = records.absent(index).collect();
        let form = self.form.with_absent(&absent);
        self.kept(nth, form, |dialect, form| self.build(nth, dialect, form))
    }

    /// One of the statements that the request becomes.
    pub(super) fn kept(
        &self,
        nth: u8,
        form: Form,
        build: impl FnOnce(&MySqlDialect<'_>, &Form) -> Result<Statement>,
    ) -> Result<Arc<Statement>> {
        let key = StatementKey { shape: Arc::clone(self.write.shape()), nth, form };
        self.store.statement(key, (self.table, || self.write.conditions()), build)
    }

    fn build(&self, nth: u8, dialect: &MySqlDialect<'_>, form: &Form) -> Result<Statement> {
        let columns = TableColumns { all: &self.table.writable, key: self.table.primary_key() };
        let giving = MySqlDialect { gives_back: true, ..*dialect };
        // What goes back is read by other statements, but for those that give.
        match self.write {
            Write::Insert(request) if nth >= GIVING => build::insert(&giving, request, form),
            Write::Upsert(request) if nth >= GIVING => build::upsert_missing(&giving, request, form),
            Write::Insert(request) => {
                let shape = Insert { returning: vec![], check: None, ..Insert::clone(request) };
                build::insert(dialect, &shape, form)
            }
            Write::Update(request) => {
                let shape = Update { returning: vec![], check: None, ..Update::clone(request) };
                build::update(dialect, &shape, form, columns)
            }
            Write::Delete(request) => {
                let shape = Delete { returning: vec![], ..Delete::clone(request) };
                build::delete(dialect, &shape, form)
            }
            Write::Upsert(request) => {
                let shape = Upsert { returning: vec![], check: None, ..Upsert::clone(request) };
                match nth {
                    EXISTING => build::upsert_existing(dialect, &shape, form, columns),
                    _ => build::upsert_missing(dialect, &shape, form),
                }
            }
        }
    }

    /// What is sent with a statement.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`] for values that the server has no form for.
    pub(super) fn bind(
        &self,
        statement: &Statement,
        cell: impl Fn(usize) -> Option<Value>,
    ) -> Result<Vec<Value>> {
        let mut values = Vec::new();
        statement.bind(&VALUES, self.write.params(), |bound| {
            values.push(match bound {
                Bound::Value(value) => parameter(&value)?,
                Bound::Cell(place) => cell(place).unwrap_or(Value::NULL),
            });
            Ok(())
        })?;
        Ok(values)
    }
}

fn no_key() -> Error {
    Error::new(
        ErrorKind::InvalidRequest,
        "the columns named as the key are no primary or unique key of the table",
    )
    .with_reason("key_required")
    .with_sqlstate("42P10")
}
