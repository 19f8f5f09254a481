//! New rows: as they were given, once, with defaults and keys where nothing was given.

use std::collections::BTreeSet;
use std::sync::Arc;

use connector_api::ErrorKind;
use connector_api::model::{ArithmeticOp, Assignment, Expr, Function, Insert, OnError, Path, Value};
use tokio::task::JoinSet;

use super::ask::{arithmetic, call, text};
use super::change::{self, End, done, ends, exists, failed, failing, null_refused, paths};
use super::peer::{Peer, check_error};
use super::read::{all, expected};
use super::stock::{COLUMNS, NONE, Stock, before, int, row};
use super::tables::BOOK;
use super::{Case, Outcome, holds, same};

/// Writers that want the same key at once.
const CROWD: usize = 30;
/// Records of a large call.
const LARGE: i64 = 2_000;

pub(super) fn cases() -> Vec<Case> {
    let returned = &["query", "insert", "returning"];
    let single = [
        Case::new("insert::a_new_row_is_read_as_it_was_given", &["query", "insert"], as_given),
        Case::new("insert::a_row_that_exists_is_a_conflict_and_stays", &["query", "insert"], conflict),
        Case::new(
            "insert::a_unique_key_of_another_row_is_a_conflict",
            &["query", "insert", "store.unique_keys"],
            other_key,
        ),
        Case::new("insert::of_many_writers_of_one_key_one_wins", &["query", "insert"], crowd),
        Case::new(
            "insert::a_null_where_none_may_stand_is_refused",
            &["query", "insert", "store.declared_columns"],
            null,
        ),
        Case::new(
            "insert::a_reference_to_no_row_is_a_conflict",
            &["query", "insert", "store.foreign_keys"],
            no_such_author,
        ),
        Case::new(
            "insert::what_is_not_given_takes_the_default",
            &["query", "insert", "store.defaults"],
            defaults,
        ),
        Case::new(
            "insert::keys_are_made_and_come_back_in_order",
            &["query", "insert", "returning", "store.generated_keys"],
            generated,
        ),
        Case::new("insert::rows_come_back_in_the_order_of_the_records", returned, in_order),
        Case::new(
            "insert::only_created_rows_come_back",
            &["query", "insert", "returning", "on_error_continue"],
            created_only,
        ),
        Case::new("insert::the_store_computes_columns", &["query", "insert", "write_expressions"], computed),
        Case::new("insert::a_large_call_is_written_whole", &["query", "insert"], large),
        Case::new(
            "insert::a_key_without_a_value_is_refused",
            &["query", "insert", "store.guessed_columns"],
            no_key,
        ),
    ];
    let needs: [&[&str]; 3] = [
        &["query", "insert"],
        &["query", "insert", "on_error_continue"],
        &["query", "insert", "on_error_atomic"],
    ];
    single.into_iter().chain(unknown_names()).chain(failing("insert", needs, one_fails)).collect()
}

fn unknown_names() -> Vec<Case> {
    vec![
        Case::new("insert::an_unknown_table_is_not_found", &["query", "insert"], unknown_table),
        Case::new(
            "insert::unknown_columns_are_not_found",
            &["query", "insert", "store.declared_columns"],
            unknown_columns,
        ),
        Case::new(
            "insert::unknown_columns_wanted_back_write_nothing",
            &["query", "insert", "returning", "store.declared_columns"],
            unknown_returning,
        ),
    ]
}

async fn as_given(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let records = [row(6, "", -1, "  "), row(5, "O'Brien \"x\"", None, None)];
    let answer = stock.done(&stock.insert(COLUMNS), &records, &[]).await?;
    holds(matches!(answer.affected.changed, None | Some(2)), || format!("{:?}", answer.affected))?;
    same("rows that were not asked for", &answer.rows.len(), &0)?;
    let [sixth, fifth] = records;
    stock.holds(&[before(), vec![fifth, sixth]].concat()).await
}

async fn conflict(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let records = [row(2, "other", 1, "new")];
    stock.check(&stock.insert(COLUMNS), (&records, &[]), &[exists()]).await?;
    stock.is_untouched().await
}

async fn other_key(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let records = [[int(5), text("eyelet"), text("a")]];
    stock.check(&stock.insert(&["id", "name", "code"]), (&records, &[]), &[exists()]).await?;
    stock.is_untouched().await
}

async fn crowd(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let mut writers = JoinSet::new();
    for writer in 0..CROWD {
        let stock = stock.clone();
        writers.spawn(async move {
            let record = row(5, &format!("writer {writer}"), 0, "new");
            let shape = stock.insert(COLUMNS);
            let answer = stock.insist(&shape, &[&record], &[]).await?;
            Ok::<_, String>((answer.ends, record))
        });
    }
    let mut winners = Vec::new();
    for ended in writers.join_all().await {
        let (ends, record) = ended?;
        if ends == [End::Done] {
            winners.push(record);
        } else {
            same("ends of the others", &ends, &vec![exists()])?;
        }
    }
    same("winners", &winners.len(), &1)?;
    stock.holds(&[before(), winners].concat()).await
}

async fn null(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let nothing = [[int(5), Value::Null]];
    stock.check(&stock.insert(&["id", "name"]), (&nothing, &[]), &[null_refused()]).await?;
    let absent = [[int(5), Value::Absent]];
    stock.check(&stock.insert(&["id", "name"]), (&absent, &[]), &[null_refused()]).await?;
    stock.check(&stock.insert(&["id"]), (&[[int(5)]], &[]), &[null_refused()]).await?;
    stock.is_untouched().await
}

/// The table is read by others, so it stays as it is.
async fn no_such_author(peer: Arc<Peer>) -> Outcome {
    let (stock, columns) = (Stock::new(&peer)?, &["id", "author", "pages"]);
    let shape = change::insert(peer.name(BOOK), columns);
    let end = failed(ErrorKind::Conflict, "foreign_key_violation");
    stock.check(&shape, (&[[int(9), text("nobody"), int(1)]], &[]), &[end]).await?;
    same("rows of the table", &all(&peer, BOOK, columns).await?, &expected(&peer, BOOK)?)
}

async fn defaults(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let records = [
        [int(5), text("absent"), Value::Absent],
        [int(6), text("null"), Value::Null],
        [int(7), text("given"), text("old")],
    ];
    stock.done(&stock.insert(&["id", "name", "state"]), &records, &[]).await?;
    stock.done(&stock.insert(&["id", "name"]), &[[int(8), text("not named")]], &[]).await?;
    let added = vec![
        row(5, "absent", None, "new"),
        row(6, "null", None, None),
        row(7, "given", None, "old"),
        row(8, "not named", None, "new"),
    ];
    stock.holds(&[before(), added].concat()).await
}

async fn generated(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let names = ["eyelet", "flange", "gasket", "hinge"];
    let given = |columns: &[&str]| Insert { returning: paths(COLUMNS), ..stock.insert(columns) };
    let unnamed = names.map(|name| [text(name)]);
    let mut rows = stock.done(&given(&["name"]), &unnamed, &[]).await?.rows;
    let absent = names.map(|name| [Value::Absent, text(name)]);
    rows.extend(stock.done(&given(&["id", "name"]), &absent, &[]).await?.rows);
    let found: Vec<_> = rows.iter().map(|row| row.get(1).cloned()).collect();
    same(
        "names in order",
        &found,
        &[names, names].concat().into_iter().map(|name| Some(text(name))).collect(),
    )?;
    let ids: BTreeSet<i64> = rows.iter().filter_map(|row| integer(row)).filter(|id| *id > 4).collect();
    same("different new keys", &ids.len(), &rows.len())?;
    rows.sort_by_key(|row| integer(row));
    stock.holds(&[before(), rows].concat()).await
}

fn integer(row: &[Value]) -> Option<i64> {
    match row.first() {
        Some(Value::I64(id)) => Some(*id),
        _ => None,
    }
}

async fn in_order(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let shape = Insert { returning: paths(&["name", "id"]), ..stock.insert(&["id", "name"]) };
    let ids: Vec<i64> = (5..105).map(|id| (id * 37) % 100 + 5).collect();
    let records: Vec<_> = ids.iter().map(|id| [int(*id), text(&format!("row {id}"))]).collect();
    let answer = stock.done(&shape, &records, &[]).await?;
    let expected = ids.iter().map(|id| vec![text(&format!("row {id}")), int(*id)]).collect();
    same("rows that come back", &answer.rows, &expected)
}

async fn created_only(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let plain = stock.insert(&["id", "name"]);
    let shape = Insert { returning: paths(&["id"]), on_error: OnError::Continue, ..plain };
    let records = [4, 5, 5, 1, 6, 2].map(|id| [int(id), text("new")]);
    let (done, bad) = (End::Done, exists());
    let ends = [bad.clone(), done.clone(), bad.clone(), bad.clone(), done, bad];
    let answer = stock.check(&shape, (&records, &[]), &ends).await?;
    same("rows that come back", &answer.rows, &vec![vec![int(5)], vec![int(6)]])
}

async fn computed(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let compute = vec![
        Assignment {
            column: Path::column("qty"),
            value: arithmetic(Expr::Param(0), ArithmeticOp::Mul, Expr::Param(1)),
        },
        Assignment { column: Path::column("state"), value: call(Function::Upper, &[Expr::Param(2)]) },
    ];
    let shape = Insert { compute, ..stock.insert(&["id", "name"]) };
    let records = [[int(5), text("eyelet")], [int(6), text("flange")]];
    stock.done(&shape, &records, &[int(6), int(7), text("abc")]).await?;
    let added = vec![row(5, "eyelet", 42, "ABC"), row(6, "flange", 42, "ABC")];
    stock.holds(&[before(), added].concat()).await
}

async fn large(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let most = peer.service.capabilities().max_records.map_or(LARGE, i64::from).min(LARGE);
    let records: Vec<_> =
        (5..5 + most).map(|id| row(id, &format!("row {id} of a large call"), id % 7, "new")).collect();
    stock.done(&stock.insert(COLUMNS), &records, &[]).await?;
    stock.holds(&[before(), records].concat()).await
}

/// Whatever else is open: a row needs its key.
async fn no_key(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    for key in [Value::Null, Value::Absent] {
        let record = [[key, text("eyelet")]];
        stock.check(&stock.insert(&["id", "name"]), (&record, &[]), &[null_refused()]).await?;
    }
    stock.check(&stock.insert(&["name"]), (&[[text("eyelet")]], &[]), &[null_refused()]).await?;
    stock.is_untouched().await
}

async fn unknown_table(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let elsewhere = Insert { into: peer.name("no_such_table"), ..stock.insert(&["id", "name"]) };
    let answer = stock.write(&elsewhere, &[[int(5), text("eyelet")]], &[]).await;
    check_error("a table", answer, ErrorKind::NotFound).map(drop)
}

async fn unknown_columns(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let records = [[int(5), text("eyelet")]];
    for column in ["no_such_column", "name\" --", ""] {
        let answer = stock.write(&stock.insert(&["id", column]), &records, &[]).await;
        check_error(column, answer, ErrorKind::NotFound)?;
        let answer = stock.write(&stock.insert(&["id", column]), NONE, &[]).await;
        check_error(column, answer, ErrorKind::NotFound)?;
    }
    stock.is_untouched().await
}

async fn unknown_returning(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let shape = Insert { returning: paths(&["no_such_column"]), ..stock.insert(&["id", "name"]) };
    let answer = stock.write(&shape, &[[int(5), text("eyelet")]], &[]).await;
    check_error("a column wanted back", answer, ErrorKind::NotFound)?;
    stock.is_untouched().await
}

async fn one_fails(peer: Arc<Peer>, on_error: OnError) -> Outcome {
    let stock = Stock::new(&peer)?;
    let records = [row(5, "eyelet", 1, "new"), row(1, "other", 1, "new"), row(6, "flange", 1, "new")];
    let ends = ends(on_error, exists());
    stock.check(&Insert { on_error, ..stock.insert(COLUMNS) }, (&records, &[]), &ends).await?;
    stock.holds(&[before(), done(records, &ends)].concat()).await
}
