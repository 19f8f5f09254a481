//! Changed rows, named by key or by filter.

use std::sync::Arc;

use connector_api::ErrorKind;
use connector_api::model::{
    ArithmeticOp, Assignment, CompareOp, Expr, Filter, OnError, Path, Selector, Update, UpdateMode, Value,
};
use tokio::task::JoinSet;

use super::ask::{arithmetic, column, compare, is_null, text};
use super::change::{End, done, ends, exists, failing, missing, null_refused, paths};
use super::peer::{Peer, check_error};
use super::stock::{COLUMNS, NONE, Stock, int, row, with};
use super::{Case, Outcome, same};

/// Writers that count up one number at once.
const CROWD: i64 = 50;

pub(super) fn cases() -> Vec<Case> {
    let needs: [&[&str]; 3] = [
        &["query", "update_by_key"],
        &["query", "update_by_key", "on_error_continue"],
        &["query", "update_by_key", "on_error_atomic"],
    ];
    by_key().into_iter().chain(by_filter()).chain(failing("update", needs, one_fails)).collect()
}

fn by_key() -> Vec<Case> {
    let plain = &["query", "update_by_key"];
    let computing = &["query", "update_by_key", "write_expressions"];
    vec![
        Case::new("update::a_key_changes_its_row_and_no_other_column", plain, one_column),
        Case::new("update::an_absent_cell_leaves_its_column_alone", plain, absent),
        Case::new("update::a_missing_row_is_not_found", plain, missing_row),
        Case::new("update::rows_may_be_named_by_several_columns", plain, several_columns),
        Case::new(
            "update::a_null_where_none_may_stand_is_refused",
            &["query", "update_by_key", "store.declared_columns"],
            null,
        ),
        Case::new(
            "update::a_unique_key_of_another_row_is_a_conflict",
            &["query", "update_by_key", "store.unique_keys"],
            other_key,
        ),
        Case::new("update::a_replaced_row_keeps_its_key_and_nothing_else", plain, replaced),
        Case::new(
            "update::changed_rows_come_back_in_the_order_of_the_records",
            &["query", "update_by_key", "returning"],
            in_order,
        ),
        Case::new("update::columns_are_computed_from_the_row_as_it_was", computing, computed),
        Case::new("update::no_increment_of_many_writers_is_lost", computing, crowd),
    ]
}

fn by_filter() -> Vec<Case> {
    let plain = &["query", "update_where", "filter_compare"];
    let computing = &["query", "update_where", "filter_compare", "write_expressions"];
    vec![
        Case::new("update::a_filter_changes_all_rows_that_match", plain, matching),
        Case::new("update::a_filter_that_matches_nothing_is_no_failure", plain, none_matches),
        Case::new("update::an_unknown_condition_changes_nothing", plain, unknown_condition),
        Case::new(
            "update::by_filter_is_all_or_nothing_where_that_is_asked_for",
            &["query", "update_where", "filter_compare", "on_error_atomic"],
            atomic,
        ),
        Case::new("update::without_a_condition_all_rows_change", &["query", "update_where"], every_row),
        Case::new(
            "update::all_rows_that_a_filter_changed_come_back",
            &["query", "update_where", "filter_compare", "returning"],
            all_back,
        ),
        Case::new(
            "update::by_filter_is_one_step",
            &["query", "update_where", "filter_compare", "store.unique_keys"],
            one_step,
        ),
        Case::new("update::a_filter_and_expressions_share_parameters", computing, computed_where),
        Case::new(
            "update::a_number_out_of_range_changes_nothing",
            &["query", "update_where", "filter_compare", "write_expressions", "store.declared_columns"],
            out_of_range,
        ),
        Case::new("update::an_unknown_table_is_not_found", &["query", "update_where"], unknown_table),
        Case::new(
            "update::unknown_columns_are_not_found",
            &["query", "update_where", "filter_compare", "filter_null", "store.declared_columns"],
            unknown,
        ),
    ]
}

async fn one_column(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let records = [[int(2), int(11)], [int(1), Value::Null], [int(3), int(0)]];
    let answer = stock.done(&stock.update(&["qty"]), &records, &[]).await?;
    answer.check_touched(3)?;
    let changed = [row(1, "anchor", None, "old"), row(2, "bolt", 11, "old"), row(3, "cable", 0, "old")];
    stock.holds(&with(&changed)).await
}

async fn absent(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let records = [
        [int(1), Value::Absent, text("gone")],
        [int(2), int(0), Value::Absent],
        [int(3), Value::Absent, Value::Absent],
    ];
    stock.done(&stock.update(&["qty", "state"]), &records, &[]).await?;
    stock.holds(&with(&[row(1, "anchor", 3, "gone"), row(2, "bolt", 0, "old")])).await
}

async fn missing_row(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    for key in [int(99), int(-1), Value::Null] {
        stock.check(&stock.update(&["qty"]), (&[[key, int(0)]], &[]), &[missing()]).await?;
    }
    stock.is_untouched().await
}

async fn several_columns(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let rows = Selector::Keys { columns: paths(&["name", "id"]), guard: None };
    let shape = Update { rows, ..stock.update(&["qty"]) };
    stock.done(&shape, &[[text("bolt"), int(2), int(0)]], &[]).await?;
    stock.check(&shape, (&[[text("bolt"), int(1), int(0)]], &[]), &[missing()]).await?;
    stock.holds(&with(&[row(2, "bolt", 0, "old")])).await
}

async fn null(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let records = [[int(1), Value::Null]];
    stock.check(&stock.update(&["name"]), (&records, &[]), &[null_refused()]).await?;
    stock.is_untouched().await
}

async fn other_key(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let shape = stock.update(&["code", "qty"]);
    stock.check(&shape, (&[[int(1), text("b"), int(0)]], &[]), &[exists()]).await?;
    stock.is_untouched().await?;
    // Its own key is no obstacle.
    stock.done(&shape, &[[int(1), text("a"), int(0)]], &[]).await?;
    stock.holds(&with(&[row(1, "anchor", 0, "old")])).await
}

async fn replaced(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let shape = Update { mode: UpdateMode::Replace, ..stock.update(&["name", "state"]) };
    let records = [[int(1), text("other"), Value::Absent], [int(2), text("bolt"), text("kept")]];
    stock.done(&shape, &records, &[]).await?;
    let changed = [row(1, "other", None, stock.default_state()), row(2, "bolt", None, "kept")];
    stock.holds(&with(&changed)).await
}

async fn in_order(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let shape = Update { returning: paths(COLUMNS), ..stock.update(&["qty"]) };
    let records = [[int(3), int(30)], [int(1), int(10)], [int(2), int(20)], [int(1), int(11)]];
    let answer = stock.done(&shape, &records, &[]).await?;
    let expected = vec![
        row(3, "cable", 30, "old"),
        row(1, "anchor", 10, "old"),
        row(2, "bolt", 20, "old"),
        row(1, "anchor", 11, "old"),
    ];
    same("rows that come back", &answer.rows, &expected)
}

fn plus(name: &str, param: usize) -> Expr {
    arithmetic(column(name), ArithmeticOp::Add, Expr::Param(param))
}

fn assign(name: &str, value: Expr) -> Assignment {
    Assignment { column: Path::column(name), value }
}

async fn computed(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let compute =
        vec![assign("qty", plus("qty", 0)), assign("name", column("state")), assign("state", column("name"))];
    let shape = Update { compute, ..stock.update(&[]) };
    stock.done(&shape, &[[int(1)], [int(3)]], &[int(5)]).await?;
    stock.holds(&with(&[row(1, "old", 8, "anchor"), row(3, "old", None, "cable")])).await
}

async fn crowd(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let mut writers = JoinSet::new();
    for _ in 0..CROWD {
        let stock = stock.clone();
        writers.spawn(async move {
            let shape = Update { compute: vec![assign("qty", plus("qty", 0))], ..stock.update(&[]) };
            let answer = stock.insist(&shape, &[[int(1)]], &[int(1)]).await?;
            same("ends", &answer.ends, &vec![End::Done])
        });
    }
    for ended in writers.join_all().await {
        ended?;
    }
    stock.holds(&with(&[row(1, "anchor", 3 + CROWD, "old")])).await
}

async fn matching(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let shape = stock.update_where(compare("qty", CompareOp::Gt), &["state", "qty"]);
    let answer = stock.done(&shape, &[[text("many"), Value::Absent]], &[int(3)]).await?;
    answer.check_touched(2)?;
    stock.holds(&with(&[row(2, "bolt", 10, "many"), row(4, "drum", 7, "many")])).await
}

async fn none_matches(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let shape = stock.update_where(compare("qty", CompareOp::Gt), &["state"]);
    let answer = stock.done(&shape, &[[text("many")]], &[int(99)]).await?;
    answer.check_touched(0)?;
    let never = stock.update_where(Filter::Always(false), &["state"]);
    stock.done(&never, &[[text("x")]], &[]).await?;
    stock.is_untouched().await
}

/// The quantity of one row is null.
async fn unknown_condition(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let shape = stock.update_where(compare("qty", CompareOp::Ne), &["state"]);
    let answer = stock.done(&shape, &[[text("other")]], &[int(3)]).await?;
    answer.check_touched(2)?;
    let never = stock.update_where(compare("qty", CompareOp::Ne), &["state"]);
    let answer = stock.done(&never, &[[text("never")]], &[Value::Null]).await?;
    answer.check_touched(0)?;
    stock.holds(&with(&[row(2, "bolt", 10, "other"), row(4, "drum", 7, "other")])).await
}

async fn atomic(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let plain = stock.update_where(compare("qty", CompareOp::Gt), &["state"]);
    let shape = Update { on_error: OnError::Atomic, ..plain };
    let answer = stock.done(&shape, &[[text("many")]], &[int(3)]).await?;
    same("rows found", &answer.affected.matched, &Some(2))?;
    stock.holds(&with(&[row(2, "bolt", 10, "many"), row(4, "drum", 7, "many")])).await?;
    let answer = stock.done(&shape, &[[text("none")]], &[int(99)]).await?;
    same("rows found", &answer.affected.matched, &Some(0))
}

async fn every_row(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let always = stock.update_where(Filter::Always(true), &["state"]);
    let answer = stock.done(&always, &[[text("x")]], &[]).await?;
    answer.check_touched(4)?;
    let expected = [("anchor", Some(3)), ("bolt", Some(10)), ("cable", None), ("drum", Some(7))];
    stock.holds(&(1..).zip(expected).map(|(id, (name, qty))| row(id, name, qty, "x")).collect()).await
}

async fn all_back(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let plain = stock.update_where(compare("state", CompareOp::Eq), &["qty"]);
    let shape = Update { returning: paths(COLUMNS), ..plain };
    let mut rows = stock.done(&shape, &[[int(0)]], &[text("old")]).await?.rows;
    rows.sort_by_key(|row| row.first().map(|id| format!("{id:?}")));
    let expected = vec![row(1, "anchor", 0, "old"), row(2, "bolt", 0, "old"), row(3, "cable", 0, "old")];
    same("rows that come back", &rows, &expected)?;
    stock.holds(&with(&expected)).await
}

/// The first row could have the key, all of them can't.
async fn one_step(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let shape = stock.update_where(compare("state", CompareOp::Eq), &["code", "qty"]);
    let answer = stock.write(&shape, &[[text("z"), int(0)]], &[text("old")]).await;
    let error = check_error("a key for several rows", answer, ErrorKind::Conflict)?;
    same("reason", &error.reason.as_deref(), &Some("unique_violation"))?;
    stock.is_untouched().await
}

async fn computed_where(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let plain = stock.update_where(compare("qty", CompareOp::Ge), &["state"]);
    let shape = Update { compute: vec![assign("qty", plus("qty", 1))], ..plain };
    stock.done(&shape, &[[text("up")]], &[int(7), int(100)]).await?;
    stock.holds(&with(&[row(2, "bolt", 110, "up"), row(4, "drum", 107, "up")])).await?;
    // No record at all: everything is computed.
    let plain = stock.update_where(compare("qty", CompareOp::Ge), &[]);
    let shape = Update { compute: vec![assign("qty", plus("qty", 1))], ..plain };
    stock.done(&shape, NONE, &[int(108), int(1)]).await?;
    stock.holds(&with(&[row(2, "bolt", 111, "up"), row(4, "drum", 107, "up")])).await
}

async fn out_of_range(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let sum = vec![assign("qty", plus("qty", 1))];
    let by_filter = stock.update_where(compare("qty", CompareOp::Ge), &[]);
    let answer = stock.write(&Update { compute: sum, ..by_filter }, NONE, &[int(0), int(i64::MAX)]).await;
    let error = check_error("a sum", answer, ErrorKind::InvalidRequest)?;
    same("reason", &error.reason.as_deref(), &Some("out_of_range"))?;
    stock.is_untouched().await
}

async fn unknown_table(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let plain = stock.update_where(Filter::Always(true), &["state"]);
    let shape = Update { table: peer.name("no_such_table"), ..plain };
    check_error("a table", stock.write(&shape, &[[text("x")]], &[]).await, ErrorKind::NotFound).map(drop)
}

async fn unknown(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let shapes = [
        stock.update_where(compare("qty", CompareOp::Ge), &["no_such_column"]),
        stock.update_where(is_null("no_such_column"), &["state"]),
    ];
    for shape in shapes {
        let answer = stock.write(&shape, &[[text("x")]], &[int(0)]).await;
        check_error(format_args!("{shape:?}"), answer, ErrorKind::NotFound)?;
    }
    stock.is_untouched().await
}

async fn one_fails(peer: Arc<Peer>, on_error: OnError) -> Outcome {
    let mut failing = vec![([int(99), text("x")], missing())];
    if peer.offers("store.declared_columns") {
        failing.push(([int(2), Value::Null], null_refused()));
    }
    for (bad, end) in failing {
        let stock = Stock::new(&peer)?;
        let records = [[int(1), text("one")], bad, [int(3), text("three")]];
        let ends = ends(on_error, end);
        let shape = Update { on_error, ..stock.update(&["name"]) };
        stock.check(&shape, (&records, &[]), &ends).await?;
        let changed = [row(1, "one", 3, "old"), row(2, "never", None, None), row(3, "three", None, "old")];
        stock.holds(&with(&done(changed, &ends))).await?;
    }
    Ok(())
}
