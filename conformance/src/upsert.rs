//! Rows created or changed by key, in one step each.

use std::sync::Arc;

use connector_api::model::{Existing, OnError, Upsert, Value};
use tokio::task::JoinSet;

use super::ask::text;
use super::change::{End, done, ends, exists, failing, null_refused, paths};
use super::peer::{Peer, full};
use super::stock::{COLUMNS, Stock, before, int, row};
use super::{Case, Outcome, holds, same};

/// Writers that want the same key at once.
const CROWD: usize = 30;

pub(super) fn cases() -> Vec<Case> {
    let plain = &["query", "upsert"];
    let single = [
        Case::new("upsert::a_row_is_created_or_changed", plain, created_or_changed),
        Case::new("upsert::what_is_not_given_stays_or_takes_the_default", plain, not_given),
        Case::new("upsert::a_replaced_row_keeps_its_key_and_nothing_else", plain, replaced),
        Case::new("upsert::a_record_changes_what_an_earlier_one_created", plain, twice),
        Case::new(
            "upsert::a_unique_key_of_another_row_is_a_conflict",
            &["query", "upsert", "store.unique_keys"],
            other_key,
        ),
        Case::new("upsert::of_many_writers_of_one_key_none_fails", plain, crowd),
        Case::new("upsert::each_record_has_its_row_in_order", &["query", "upsert", "returning"], in_order),
    ];
    let needs: [&[&str]; 3] =
        [plain, &["query", "upsert", "on_error_continue"], &["query", "upsert", "on_error_atomic"]];
    single.into_iter().chain(failing("upsert", needs, one_fails)).collect()
}

/// The rows before without the first, with these around them.
fn around(first: Vec<Value>, last: Vec<Value>) -> Vec<Vec<Value>> {
    std::iter::once(first).chain(before().into_iter().skip(1)).chain([last]).collect()
}

async fn created_or_changed(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let (first, last) = (row(1, "other", None, "sold"), row(5, "eyelet", 5, "new"));
    stock.done(&stock.upsert(COLUMNS), &[&last, &first], &[]).await?;
    stock.holds(&around(first, last)).await
}

async fn not_given(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let records = [1, 5].map(|id| [int(id), text("given"), int(0), Value::Absent]);
    stock.done(&stock.upsert(COLUMNS), &records, &[]).await?;
    let default = stock.default_state();
    stock.holds(&around(row(1, "given", 0, "old"), row(5, "given", 0, default))).await?;
    let records = [1, 5].map(|id| [int(id), text("again")]);
    stock.done(&stock.upsert(&["id", "name"]), &records, &[]).await?;
    stock.holds(&around(row(1, "again", 0, "old"), row(5, "again", 0, default))).await
}

async fn replaced(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let shape = Upsert { existing: Existing::Replace, ..stock.upsert(&["id", "name", "state"]) };
    let records = [1, 5].map(|id| [int(id), text("given"), Value::Absent]);
    stock.done(&shape, &records, &[]).await?;
    let default = stock.default_state();
    stock.holds(&around(row(1, "given", None, default), row(5, "given", None, default))).await
}

async fn twice(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let records = [[int(5), text("eyelet"), int(1)], [int(5), text("other"), Value::Absent]];
    stock.done(&stock.upsert(&["id", "name", "qty"]), &records, &[]).await?;
    let last = row(5, "other", 1, stock.default_state());
    stock.holds(&[before(), vec![last]].concat()).await
}

async fn other_key(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let shape = stock.upsert(&["id", "name", "code"]);
    for id in [1, 5] {
        stock.check(&shape, (&[[int(id), text("x"), text("b")]], &[]), &[exists()]).await?;
    }
    stock.is_untouched().await
}

async fn crowd(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let mut writers = JoinSet::new();
    for writer in 0..CROWD {
        let stock = stock.clone();
        writers.spawn(async move {
            let record = row(5, &format!("writer {writer}"), 0, "new");
            let shape = stock.upsert(COLUMNS);
            let answer = stock.insist(&shape, &[&record], &[]).await?;
            same("ends", &answer.ends, &vec![End::Done])?;
            Ok::<_, String>(record)
        });
    }
    let written = writers.join_all().await.into_iter().collect::<Result<Vec<_>, _>>()?;
    let rows = stock.rows().await.map_err(|error| full(&error))?;
    same("rows", &rows.len(), &5)?;
    holds(rows.last().is_some_and(|last| written.contains(last)), || {
        format!("nobody wrote {:?}", rows.last())
    })
}

async fn in_order(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let shape = Upsert { returning: paths(&["qty", "id"]), ..stock.upsert(&["id", "name"]) };
    let records = [6, 2, 5, 1].map(|id| [int(id), text("x")]);
    let answer = stock.done(&shape, &records, &[]).await?;
    let expected = [(Value::Null, 6), (int(10), 2), (Value::Null, 5), (int(3), 1)];
    same("rows that come back", &answer.rows, &expected.map(|(qty, id)| vec![qty, int(id)]).into())
}

async fn one_fails(peer: Arc<Peer>, on_error: OnError) -> Outcome {
    for bad in [5, 2] {
        let stock = Stock::new(&peer)?;
        let record = |id, name| vec![id, name, int(0), text("x")];
        // Where every column takes a null, the key does not.
        let is_declared = peer.offers("store.declared_columns");
        let bad = if is_declared { record(int(bad), Value::Null) } else { record(Value::Null, text("two")) };
        let records = [record(int(1), text("one")), bad, record(int(6), text("six"))];
        let ends = ends(on_error, null_refused());
        let shape = Upsert { on_error, ..stock.upsert(COLUMNS) };
        stock.check(&shape, (&records, &[]), &ends).await?;
        let done = done(records, &ends);
        let untouched = before().into_iter().filter(|old| done.iter().all(|row| row.first() != old.first()));
        let (first, last): (Vec<_>, Vec<_>) =
            done.iter().cloned().partition(|row| row.first() == Some(&int(1)));
        stock.holds(&first.into_iter().chain(untouched).chain(last).collect()).await?;
    }
    Ok(())
}
