//! One call of a write: sent, its rows written as JSON, its outcomes collected.

use std::sync::Arc;
use std::time::Instant;

use connector_api::Error;
use connector_api::model::Outcome;
use connector_api::model::batch::Cell;

use super::outcome::failure;
use crate::connectors::{Batch, Params, Records, RowStream};
use crate::operation::Owner;
use crate::plan::{Call, Change, ShownColumns};
use crate::request::media::Numbers;
use crate::response::{RowEncoder, RowFormat};

/// What a call brought.
#[derive(Debug, Default)]
pub(super) struct Sent {
    /// The rows it gave back, as JSON; at most as many as were to be kept.
    pub(super) rows: Vec<Vec<u8>>,
    /// How many there were.
    pub(super) touched: u64,
    /// What became of records that did not do well.
    pub(super) outcomes: Vec<Outcome>,
}

/// How the rows of a write are shown.
pub(super) struct Shown<'a> {
    pub(super) columns: &'a Arc<ShownColumns>,
    /// All other columns of the rows as well.
    pub(super) others: bool,
    pub(super) as_list: bool,
    pub(super) numbers: Numbers,
    /// Rows beyond these are only counted.
    pub(super) kept: usize,
}

/// What is done with each row of an answer, beside showing it.
pub(super) type Note<'a> = &'a mut (dyn FnMut(&[String], &[Cell<'_>]) -> Result<(), Error> + Send);

/// Sends a call and reads its answer to the end.
pub(super) async fn send(owner: &Owner, call: &Call, shown: &Shown<'_>) -> Result<Sent, Error> {
    send_noting(owner, call, shown, &mut |_, _| Ok(())).await
}

/// The same, with a look at each row.
pub(super) async fn send_noting(
    owner: &Owner,
    call: &Call,
    shown: &Shown<'_>,
    note: Note<'_>,
) -> Result<Sent, Error> {
    let began = Instant::now();
    let mut stream = start(owner, call).await.map_err(|error| named(error, call))?;
    let format = if shown.as_list { RowFormat::Identifiers } else { RowFormat::Objects };
    let mut encoder =
        RowEncoder::new(shown.columns, format).with_numbers(shown.numbers).with_others(shown.others);
    let mut sent = Sent::default();
    while let Some(batch) = stream.next().await {
        sent.take(&batch.map_err(|error| named(error, call))?, &mut encoder, shown.kept, note)?;
    }
    sent.outcomes = stream.outcomes().to_vec();
    for error in sent.outcomes.iter_mut().filter_map(|outcome| outcome.error.as_mut()) {
        *error = named(error.clone(), call);
    }
    let statement = stream.summary().and_then(|summary| summary.statement.as_deref());
    owner.log_statement(statement, began.elapsed(), sent.touched);
    Ok(sent)
}

async fn start(owner: &Owner, call: &Call) -> Result<RowStream, Error> {
    let (service, params) = (&owner.connection, &call.params.iter().collect::<Params>());
    let records = Records { cells: &call.cells, count: call.records };
    let context = owner.call_context();
    let stream = match &call.change {
        Change::Insert(shape) => service.insert(shape, params, records, context).await,
        Change::Update(shape) => service.update(shape, params, records, context).await,
        Change::Upsert(shape) => service.upsert(shape, params, records, context).await,
        Change::Delete(shape) => service.delete(shape, params, records, context).await,
    }?;
    Ok(match &call.naming {
        None => stream,
        Some((names, aliases)) => stream.expecting(names).renaming(aliases.names()),
    })
}

/// An error whose columns are called as clients call them, in its message as well, which lists them in the same order.
fn named(mut error: Error, call: &Call) -> Error {
    if let (Some((_, aliases)), Some(violation)) = (&call.naming, &mut error.violation) {
        let own = std::mem::take(&mut violation.columns);
        violation.columns = own.iter().map(|column| aliases.name(column).to_owned()).collect();
        for (open, between, close) in [("(", ", ", ")"), ("'", "', '", "'")] {
            let list = |columns: &[String]| format!("{open}{}{close}", columns.join(between));
            error.message = error.message.replacen(&list(&own), &list(&violation.columns), 1);
        }
    }
    error
}

impl Sent {
    /// The same of a call for one record at most, whose failure is that of the call.
    pub(super) fn whole(self) -> Result<Self, Error> {
        match self.outcomes.iter().find_map(failure) {
            Some(error) => Err(error),
            None => Ok(self),
        }
    }

    fn take(
        &mut self,
        batch: &Batch,
        encoder: &mut RowEncoder,
        kept: usize,
        note: Note<'_>,
    ) -> Result<(), Error> {
        self.touched += batch.row_count();
        let mut row = Vec::new();
        for mut section in batch.sections() {
            encoder.columns(&section.columns().names)?;
            while section.read_row(&mut row)? {
                note(&section.columns().names, &row)?;
                if self.rows.len() < kept {
                    let mut json = Vec::new();
                    encoder.write_alone(&mut json, &row)?;
                    self.rows.push(json);
                }
            }
        }
        Ok(())
    }
}
