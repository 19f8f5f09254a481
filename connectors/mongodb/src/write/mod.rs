//! Writes. A write by keys takes record by record; where the row has to be looked at before it is written, a transaction holds both. A
//! write by filter is one transaction.

mod batch;
mod change;
mod delete;
mod insert;
mod record;
mod upsert;

use std::sync::Arc;

use connector_api::author::{
    Affected, Assignment, Delete, Error, Filter, Insert, Outcome, Path, Result, Selector, TableRef, Update,
    Upsert, Value,
};
use mongodb::Collection;
use mongodb::bson::raw::RawDocumentBuf;

use crate::client::Store;
use crate::condition::{paths_in, paths_of};
use crate::schema::Layout;
use crate::session::Work;

pub(crate) use change::update;
pub(crate) use delete::delete;
pub(crate) use insert::insert;
pub(crate) use upsert::upsert;

/// What a write needs beside its request.
pub(crate) struct Target<'a> {
    pub(crate) store: &'a Store,
    pub(crate) table: &'a TableRef,
    pub(crate) layout: Arc<Layout>,
}

impl Target<'_> {
    fn collection(&self) -> Collection<RawDocumentBuf> {
        self.store.collection(self.table)
    }

    /// What a failed write means, with the columns of the key that it hit.
    fn failed(&self, work: &mut Work, error: &mongodb::error::Error) -> Error {
        self.layout.with_columns(work.failed_write(error))
    }
}

/// What a write comes to.
#[derive(Default)]
pub(crate) struct Written {
    pub(crate) affected: Affected,
    /// Of the records that did not end well.
    pub(crate) outcomes: Vec<Outcome>,
    /// What is given back, where that was asked for.
    pub(crate) rows: Vec<RawDocumentBuf>,
}

/// A record that was written.
#[derive(Default)]
struct Done {
    /// The document to give back.
    row: Option<RawDocumentBuf>,
    /// It was there before; `None`: the server did not say.
    is_matched: Option<bool>,
    /// Its content differs now; `None`: the server did not say.
    is_changed: Option<bool>,
}

/// Something that is done for each record.
trait Step: Sync {
    /// Whether it looks at the document before it writes, so that both need one transaction.
    fn looks_first(&self) -> bool;

    /// Writes one record.
    ///
    /// # Errors
    /// What is wrong with the record, or with the call.
    fn run(&self, work: &mut Work, record: &[Value]) -> impl Future<Output = Result<Done>> + Send;
}

fn split(record: &[Value], key: usize) -> Result<(&[Value], &[Value])> {
    record.split_at_checked(key).ok_or_else(|| Error::internal("a record is shorter than its key"))
}

fn is_null(value: &Value) -> bool {
    matches!(value, Value::Null | Value::Absent)
}

/// Every column that a write names.
pub(crate) trait Named {
    /// Hands over each column.
    fn names(&self) -> Vec<&Path>;
}

fn of_filters<'f>(filters: impl IntoIterator<Item = &'f Filter>, paths: &mut Vec<&'f Path>) {
    filters.into_iter().for_each(|filter| paths_of(filter, &mut |path| paths.push(path)));
}

fn of_selector<'s>(rows: &'s Selector, paths: &mut Vec<&'s Path>) {
    match rows {
        Selector::Where(filter) => of_filters([filter], paths),
        Selector::Keys { columns, guard } => {
            paths.extend(columns);
            of_filters(guard, paths);
        }
    }
}

fn of_assignments<'c>(compute: &'c [Assignment], paths: &mut Vec<&'c Path>) {
    for assignment in compute {
        paths.push(&assignment.column);
        paths_in(&assignment.value, &mut |path| paths.push(path));
    }
}

impl Named for Insert {
    fn names(&self) -> Vec<&Path> {
        let mut paths: Vec<&Path> = self.columns.iter().chain(&self.returning).collect();
        of_assignments(&self.compute, &mut paths);
        of_filters(&self.check, &mut paths);
        paths
    }
}

impl Named for Update {
    fn names(&self) -> Vec<&Path> {
        let mut paths: Vec<&Path> = self.set.iter().chain(&self.returning).collect();
        of_selector(&self.rows, &mut paths);
        of_assignments(&self.compute, &mut paths);
        of_filters(&self.check, &mut paths);
        paths
    }
}

impl Named for Upsert {
    fn names(&self) -> Vec<&Path> {
        let mut paths: Vec<&Path> = self.columns.iter().chain(&self.key).chain(&self.returning).collect();
        of_filters(self.guard.iter().chain(&self.check), &mut paths);
        paths
    }
}

impl Named for Delete {
    fn names(&self) -> Vec<&Path> {
        let mut paths: Vec<&Path> = self.returning.iter().collect();
        of_selector(&self.rows, &mut paths);
        paths
    }
}
