//! The four writes as one: what is the same of them, whatever they do.

use std::sync::Arc;

use connector_api::author::{
    Affected, Assignment, Context, Delete, Error, ErrorKind, Filter, Insert, OnError, Path, Records, Request,
    Selector, TableRef, Update, Upsert, Value,
};

/// A write.
#[derive(Clone, Copy)]
pub enum Write<'r> {
    /// New rows.
    Insert(&'r Request<Insert>),
    /// Other values in rows that are there.
    Update(&'r Request<Update>),
    /// Rows that are there or not.
    Upsert(&'r Request<Upsert>),
    /// Rows away.
    Delete(&'r Request<Delete>),
}

macro_rules! each {
    ($write:expr, $request:ident => $value:expr) => {
        match $write {
            Self::Insert($request) => $value,
            Self::Update($request) => $value,
            Self::Upsert($request) => $value,
            Self::Delete($request) => $value,
        }
    };
}

impl<'r> Write<'r> {
    /// Which table it writes into.
    #[must_use]
    pub fn table(self) -> &'r TableRef {
        match self {
            Self::Insert(request) => &request.into,
            Self::Update(request) => &request.table,
            Self::Upsert(request) => &request.into,
            Self::Delete(request) => &request.from,
        }
    }

    /// The columns of each record, in the order of its cells.
    #[must_use]
    pub fn columns(self) -> Vec<&'r Path> {
        match self {
            Self::Insert(request) => request.columns.iter().collect(),
            Self::Update(request) => key_columns(&request.rows).iter().chain(&request.set).collect(),
            Self::Upsert(request) => request.columns.iter().collect(),
            Self::Delete(request) => key_columns(&request.rows).iter().collect(),
        }
    }

    /// The columns that name a row; empty where a filter does, or where it is new.
    #[must_use]
    pub fn key(self) -> &'r [Path] {
        match self {
            Self::Insert(_) => &[],
            Self::Update(request) => key_columns(&request.rows),
            Self::Upsert(request) => &request.key,
            Self::Delete(request) => key_columns(&request.rows),
        }
    }

    /// The columns that go back.
    #[must_use]
    pub fn returning(self) -> &'r [Path] {
        each!(self, request => &request.returning)
    }

    /// The columns that are computed.
    #[must_use]
    pub fn compute(self) -> &'r [Assignment] {
        match self {
            Self::Insert(request) => &request.compute,
            Self::Update(request) => &request.compute,
            Self::Upsert(_) | Self::Delete(_) => &[],
        }
    }

    /// What becomes of the records behind one that fails.
    #[must_use]
    pub fn on_error(self) -> OnError {
        each!(self, request => request.on_error)
    }

    /// What has to hold of rows as they become.
    #[must_use]
    pub fn check(self) -> Option<&'r Filter> {
        match self {
            Self::Insert(request) => request.check.as_ref(),
            Self::Update(request) => request.check.as_ref(),
            Self::Upsert(request) => request.check.as_ref(),
            Self::Delete(_) => None,
        }
    }

    /// All that is asked of rows: which ones are meant, which may be touched, what has to hold of them.
    #[must_use]
    pub fn conditions(self) -> Vec<&'r Filter> {
        let of_rows = match self {
            Self::Insert(_) => None,
            Self::Update(request) => condition(&request.rows),
            Self::Upsert(request) => request.guard.as_ref(),
            Self::Delete(request) => condition(&request.rows),
        };
        of_rows.into_iter().chain(self.check()).collect()
    }

    /// Whether rows are checked as they become.
    #[must_use]
    pub fn has_check(self) -> bool {
        self.check().is_some()
    }

    /// Whether one statement changes all rows that match.
    #[must_use]
    pub fn is_by_filter(self) -> bool {
        match self {
            Self::Update(request) => matches!(request.rows, Selector::Where(_)),
            Self::Delete(request) => matches!(request.rows, Selector::Where(_)),
            Self::Insert(_) | Self::Upsert(_) => false,
        }
    }

    /// Zero for what is counted.
    #[must_use]
    pub fn counted(self) -> Affected {
        match self {
            Self::Insert(_) => Affected { changed: Some(0), matched: None },
            Self::Update(_) | Self::Upsert(_) => Affected { matched: Some(0), changed: None },
            Self::Delete(_) => Affected { matched: Some(0), changed: Some(0) },
        }
    }

    /// What belongs to the call.
    #[must_use]
    pub fn context(self) -> &'r Context {
        each!(self, request => request.context())
    }

    /// The values of the request.
    #[must_use]
    pub fn params(self) -> &'r [Value] {
        each!(self, request => request.params())
    }

    /// Equal for requests of the same form.
    #[must_use]
    pub fn shape(self) -> &'r Arc<[u8]> {
        each!(self, request => request.key())
    }

    /// The records.
    #[must_use]
    pub fn records(self) -> &'r Records {
        each!(self, request => request.records())
    }
}

/// The columns that name a row; empty where a filter does.
#[must_use]
pub fn key_columns(rows: &Selector) -> &[Path] {
    match rows {
        Selector::Where(_) => &[],
        Selector::Keys { columns, .. } => columns,
    }
}

fn condition(rows: &Selector) -> Option<&Filter> {
    match rows {
        Selector::Where(filter) => Some(filter),
        Selector::Keys { guard, .. } => guard.as_ref(),
    }
}

/// Whether a record of an upsert says which row it is. `absent` tells of each of its cells whether there is none.
pub fn has_key(request: &Upsert, absent: impl Iterator<Item = bool>) -> bool {
    let mut key = request.columns.iter().zip(absent).filter(|(path, _)| request.key.contains(path));
    key.all(|(_, is_absent)| !is_absent)
}

/// How often an upsert looks again for a row that others create or remove meanwhile.
#[must_use]
pub fn attempts(request: &Upsert) -> usize {
    if request.guard.is_some() { 2 } else { 5 }
}

/// No attempt of an upsert found the row, and none could create it.
#[must_use]
pub fn no_attempt_left(request: &Upsert) -> Failure {
    if request.guard.is_some() {
        return Failure::Record(guard_failed());
    }
    Failure::Call(
        Error::new(ErrorKind::Contention, "the record is created and removed by others all the time")
            .with_reason("upsert_contention")
            .with_sqlstate("40001"),
    )
}

/// How a record or a call fails.
#[derive(Debug)]
pub enum Failure {
    /// This record alone.
    Record(Error),
    /// The whole call.
    Call(Error),
}

impl From<Error> for Failure {
    /// What a record is to blame for fails the record.
    fn from(error: Error) -> Self {
        use ErrorKind::{Conflict, InvalidRequest, LimitExceeded, RuleViolated};
        match error.kind {
            InvalidRequest | Conflict | LimitExceeded | RuleViolated => Self::Record(error),
            _ => Self::Call(error),
        }
    }
}

impl Failure {
    /// Whatever failed.
    #[must_use]
    pub fn into_error(self) -> Error {
        match self {
            Self::Record(error) | Self::Call(error) => error,
        }
    }
}

/// The table did not take a new row, and no error says why.
#[must_use]
pub fn not_created() -> Error {
    Error::new(ErrorKind::Conflict, "the record was not created: the table refuses it")
        .with_reason("integrity_violation")
        .with_sqlstate("23000")
}

/// No row has the key. Also what a row is that the guard hides: a row rule must not tell that it exists.
#[must_use]
pub fn missing_row() -> Error {
    Error::new(ErrorKind::NotFound, "no record has this key")
        .with_reason("row_not_found")
        .with_sqlstate("02000")
}

/// More than one row has the key.
#[must_use]
pub fn ambiguous_key() -> Error {
    Error::new(ErrorKind::Conflict, "several records have this key; name records by a primary or unique key")
        .with_reason("ambiguous_key")
        .with_sqlstate("21000")
}

/// The row that an upsert would create exists, and its guard does not hold.
#[must_use]
pub fn guard_failed() -> Error {
    rule_violated("guard_failed", "a record with this key exists and may not be changed")
}

/// The check of a row that was written does not hold.
#[must_use]
pub fn check_failed() -> Error {
    rule_violated("check_failed", "a row rule does not allow the record as it would become")
}

fn rule_violated(reason: &str, message: &str) -> Error {
    Error::new(ErrorKind::RuleViolated, message).with_reason(reason).with_sqlstate("44000")
}
