//! Guards on a row as it was read: every cell that a connector gives can be the value that a guard compares with, and it finds its row again.
//! So a write on the condition that nothing has changed needs no transaction of several calls.

use std::sync::Arc;

use connector_api::model::{ColumnType, CompareOp, Selector, Update, Value};

use super::ask::compare;
use super::change::{self, Answer, End, Shape, missing, paths};
use super::peer::{CALL_TIME, Peer, context, full};
use super::quirks::normal;
use super::stock::int;
use super::tables::WRITTEN;
use super::types;
use super::{Case, Outcome, same};

/// Behind the ids of other cases.
const FIRST: i64 = 20_000;
/// Each case has so many ids of its own.
const IDS: i64 = 10;

pub(super) fn cases() -> Vec<Case> {
    let columns = (0_i64..).zip(types::columns());
    let cases = columns.map(|(number, (name, data_type, values))| {
        let needs = &["query", "insert", "update_by_key", "row_rules", "filter_compare"];
        let run = move |peer| unchanged(peer, (name, data_type), values.to_vec(), FIRST + number * IDS);
        Case::new(format!("seen::a_guard_finds_{name}_as_it_was_read"), needs, run).of_type(data_type)
    });
    cases.collect()
}

/// Each row is found with the cell that it has, and neither with that of another row nor once it is changed.
async fn unchanged(
    peer: Arc<Peer>,
    (name, data_type): (&'static str, ColumnType),
    values: Vec<Value>,
    first: i64,
) -> Outcome {
    let mut seen = Vec::new();
    for (id, value) in (first..).zip(values) {
        let insert = change::insert(peer.name(WRITTEN), &["id", name]);
        let answer = send(&peer, &insert, &[int(id), value], &[]).await?;
        // What a store does not keep is told by the cases of what is written.
        if answer.ends == [End::Done] {
            seen.push((id, cell(&peer, name, id).await?));
        }
    }
    let form = |cell: &Value| normal(&types::form(data_type, cell));
    for (place, (id, cell)) in seen.iter().enumerate() {
        let others = seen.iter().skip(place + 1).map(|(_, other)| other);
        for other in others.filter(|other| form(other) != form(cell)) {
            guarded(&peer, (name, *id), other, missing()).await?;
        }
        if peer.quirks.is_number_alone(data_type, cell) {
            guarded(&peer, (name, *id), cell, missing()).await?;
            continue;
        }
        guarded(&peer, (name, *id), cell, End::Done).await?;
        guarded(&peer, (name, *id), cell, missing()).await?;
    }
    Ok(())
}

/// The cell as the connector gives it, not in the form in which the suite compares documents.
async fn cell(peer: &Peer, name: &str, id: i64) -> Result<Value, String> {
    let ask = peer.ask(WRITTEN, &["id", name]).filter(compare("id", CompareOp::Eq), &[int(id)]);
    let mut answer = peer.start(&ask).await.map_err(|error| full(&error))?;
    let mut found = None;
    while let Some(batch) = answer.next().await {
        let batch = batch.map_err(|error| full(&error))?;
        let mut row = Vec::new();
        for mut section in batch.sections() {
            let place = section.columns().names.iter().position(|column| column == name).unwrap_or_default();
            while section.read_row(&mut row).map_err(|error| full(&error.into()))? {
                let cell = row.get(place).map(|cell| cell.to_value()).transpose();
                found = cell.map_err(|error| full(&error.into()))?;
            }
        }
    }
    found.ok_or_else(|| format!("the row {id} is not there"))
}

/// Makes the cell null, if the row still has this one.
async fn guarded(peer: &Peer, (name, id): (&str, i64), cell: &Value, end: End) -> Outcome {
    let guard = Some(compare(name, CompareOp::Eq));
    let rows = Selector::Keys { columns: paths(&["id"]), guard };
    let shape: Update = change::update(peer.name(WRITTEN), rows, &[name]);
    let answer = send(peer, &shape, &[int(id), Value::Null], std::slice::from_ref(cell)).await?;
    same(format_args!("row {id}, guarded with {cell:?}"), &answer.ends, &vec![end])
}

async fn send(peer: &Peer, shape: &impl Shape, record: &[Value], params: &[Value]) -> Result<Answer, String> {
    let answer = change::send(&peer.service, shape, (&[record], params), context(CALL_TIME)).await;
    answer.map_err(|error| full(&error))
}
