//! Long random sequences of writes, the store against a model: the end of each record, what was touched, what comes back, and again and
//! again all rows. A sequence that differs is told as short as it gets, with its seed.
//!
//! `step` makes the steps, `model` says what becomes of each, `send` does it and compares.

mod model;
mod send;
mod step;

use std::collections::BTreeSet;
use std::sync::Arc;

use connector_api::model::{Begin, OnError, Value};

use self::model::Model;
use self::send::{compare, send};
use self::step::{COLUMNS, Repertoire, Step, Write};
use super::ask::text;
use super::peer::{CALL_TIME, Peer, context, full};
use super::quirks::ChoiceName;
use super::stock::Stock;
use super::transaction::within;
use super::{Case, Outcome, same};
use tablegate::connectors::SessionId;

use crate::generate::Random;

/// Decides every step. Another one is another sequence.
const SEED: u64 = 3;
/// Steps that write.
const WRITES: usize = 10_000;
/// All rows are compared after so many steps, and after each in a sequence that has been made short.
const LOOK: usize = 25;
/// To make a sequence shorter its last 1, 2, 4 steps are tried, and so on, so many times.
const TAILS: u32 = 9;
/// The most steps that are told.
const TOLD: usize = 60;

pub(super) fn cases() -> Vec<Case> {
    let needs = &["query", "insert", "filter_compare"];
    vec![Case::new("sequence::random_writes_end_as_the_model_says", needs, random)]
}

async fn random(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let mut steps = steps(&Repertoire::of(&peer));
    if peer.quirks.has(ChoiceName::AtomicWritesNameRowsOnce) {
        steps.iter_mut().for_each(named_once);
    }
    let Err((at, what)) = replay(&peer, &stock, &steps, LOOK).await else { return Ok(()) };
    let trace: Vec<Step> = steps.into_iter().take(at + 1).collect();
    let (steps, what) = shrunk(&peer, &stock, trace, what).await;
    let count = steps.len();
    let told = steps.iter().skip(count.saturating_sub(TOLD)).map(|step| format!("    {step:?}"));
    let told: Vec<String> = told.collect();
    Err(format!(
        "{what}\n  seed {SEED}, step {at}; it takes {count} steps on an empty table, the last:\n{}",
        told.join("\n")
    ))
}

/// Leaves of several records for one row in an all-or-nothing write only the first.
fn named_once(step: &mut Step) {
    if let Step::Write(write) = step
        && write.on_error == OnError::Atomic
    {
        let mut named = BTreeSet::new();
        write.records.retain(|record| named.insert(record.id));
    }
}

fn steps(repertoire: &Repertoire) -> Vec<Step> {
    let mut random = Random::new(SEED);
    let (mut steps, mut writes) = (Vec::new(), 0);
    while writes < WRITES {
        let step = repertoire.step(&mut random);
        writes += usize::from(matches!(step, Step::Write(_)));
        steps.push(step);
    }
    steps
}

/// The shortest sequence that was found to differ, and how it does: the last steps alone, then without each that is not needed.
async fn shrunk(peer: &Peer, stock: &Stock, trace: Vec<Step>, what: String) -> (Vec<Step>, String) {
    for length in (0..TAILS).map(|power| 1 << power).filter(|length| *length < trace.len()) {
        let tail = trace.get(trace.len() - length..).unwrap_or_default();
        if let Err((_, what)) = replay(peer, stock, tail, 1).await {
            return without_the_needless(peer, stock, tail.to_vec(), what).await;
        }
    }
    (trace, what)
}

async fn without_the_needless(
    peer: &Peer,
    stock: &Stock,
    mut steps: Vec<Step>,
    mut what: String,
) -> (Vec<Step>, String) {
    for at in (0..steps.len()).rev() {
        let mut fewer = steps.clone();
        fewer.remove(at);
        if let Err((_, found)) = replay(peer, stock, &fewer, 1).await {
            (steps, what) = (fewer, found);
        }
    }
    (steps, what)
}

/// A table and its model, perhaps within a transaction.
struct Run<'a> {
    peer: &'a Peer,
    stock: &'a Stock,
    model: Model,
    /// The open transaction, and the model without it.
    open: Option<(SessionId, Model)>,
}

/// Runs steps on the table, emptied first. The error says at which step what differed.
async fn replay(peer: &Peer, stock: &Stock, steps: &[Step], look: usize) -> Result<(), (usize, String)> {
    let default_state = stock.default_state().map_or(Value::Null, text);
    let takes_nulls = !peer.offers("store.declared_columns");
    let model = Model::new(default_state, peer.offers("store.unique_keys"), takes_nulls);
    let model = if peer.offers("open_columns") { model.of_documents() } else { model };
    let mut run = Run { peer, stock, model, open: None };
    emptied(stock).await.map_err(|what| (0, what))?;
    let mut ended = Ok(());
    for (at, step) in steps.iter().enumerate() {
        ended = run.step(step).await.map_err(|what| (at, what));
        if ended.is_ok() && (at + 1).is_multiple_of(look) {
            ended = run.look().await.map_err(|what| (at, what));
        }
        if ended.is_err() {
            break;
        }
    }
    // Whatever came out, the table must not stay locked.
    let undone = run.end(false).await.map_err(|what| (steps.len(), what));
    ended.and(undone)?;
    run.look().await.map_err(|what| (steps.len(), what))
}

async fn emptied(stock: &Stock) -> Outcome {
    let rows = stock.all(&["id"]).await.map_err(|error| full(&error))?;
    if rows.is_empty() {
        return Ok(());
    }
    stock.done(&stock.delete(), &rows, &[]).await.map(drop)
}

impl Run<'_> {
    async fn step(&mut self, step: &Step) -> Outcome {
        match step {
            Step::Begin if self.open.is_none() => {
                let begun = self.peer.service.begin(&Begin::default(), context(CALL_TIME)).await;
                self.open = Some((begun.map_err(|error| full(&error))?, self.model.clone()));
                Ok(())
            }
            Step::Begin => Ok(()),
            Step::Commit => self.end(true).await,
            Step::Rollback => self.end(false).await,
            Step::Write(write) => self.write(write).await,
        }
    }

    /// Ends the transaction, if one is open.
    async fn end(&mut self, is_kept: bool) -> Outcome {
        let Some((session, before)) = self.open.take() else { return Ok(()) };
        let service = &self.peer.service;
        let ended = if is_kept {
            service.commit(within(session)).await
        } else {
            self.model = before;
            service.rollback(within(session)).await
        };
        ended.map_err(|error| full(&error))
    }

    /// Compares all rows, seen from inside and from outside of the transaction.
    async fn look(&self) -> Outcome {
        let rows = self.inside().all(&COLUMNS).await.map_err(|error| full(&error))?;
        same("rows of the table", &rows, &self.model.rows())?;
        let Some((_, before)) = &self.open else { return Ok(()) };
        let rows = self.stock.all(&COLUMNS).await.map_err(|error| full(&error))?;
        same("rows that others see", &rows, &before.rows())
    }

    fn inside(&self) -> Stock {
        self.open.as_ref().map_or_else(|| self.stock.clone(), |(session, _)| self.stock.within(*session))
    }

    async fn write(&mut self, write: &Write) -> Outcome {
        let has_savepoints = self.peer.offers("savepoints");
        let mut write = write.clone();
        if self.open.is_some() && !has_savepoints && write.on_error == OnError::Continue {
            write.on_error = OnError::Stop;
        }
        let expected = self.model.write(&write);
        compare(send(&self.inside(), &write).await, &write, &expected)?;
        // What is not undone by the call itself may have broken the transaction: the store says that it can be rolled back, not more.
        if expected.has_failed() && (write.on_error == OnError::Stop || !has_savepoints) {
            return self.end(false).await;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// The sequence says something only if all that may happen to a record happens often, on a table that is not empty.
    #[test]
    fn the_sequence_meets_every_end() {
        let mut model = Model::new(text("new"), true, false);
        let (mut ends, mut rows) = (BTreeMap::<String, usize>::new(), 0);
        for step in steps(&Repertoire::offered(|_| true)) {
            let Step::Write(write) = step else { continue };
            let expected = model.write(&write);
            rows += model.rows().len();
            for end in expected.ends.iter().chain([&expected.failure]).flatten() {
                *ends.entry(format!("{end:?}")).or_default() += 1;
            }
        }
        assert!(rows / WRITES >= 4, "{} rows on average", rows / WRITES);
        for part in [
            "Done",
            "NotRun",
            "RolledBack",
            "unique",
            "not_found",
            "not_null",
            "guard_failed",
            "check_failed",
        ] {
            let met: usize = ends.iter().filter(|(end, _)| end.contains(part)).map(|(_, count)| count).sum();
            assert!(met >= WRITES / 100, "{part} was met {met} times");
        }
    }
}
