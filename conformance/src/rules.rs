//! Row rules: `guard` on a row as it is, `check` on a row as it becomes. What they refuse leaves nothing behind.

use std::sync::Arc;

use connector_api::ErrorKind;
use connector_api::model::{
    ArithmeticOp, Assignment, CompareOp, Delete, Expr, Filter, Insert, OnError, Path, Selector, Update,
    Upsert, Value,
};
use tokio::task::JoinSet;

use super::ask::{arithmetic, column, compare, compare_exprs, equals, text};
use super::change::{End, against_the_rules, done, ends, failing, missing, paths};
use super::peer::{Peer, check_error, full};
use super::stock::{COLUMNS, NONE, Stock, before, int, row, with};
use super::tables::{ITEM, ITEM_VIEW};
use super::{Case, Outcome, same};

/// Writers that take one piece each.
const CROWD: usize = 40;
/// The pieces that there are.
const PIECES: usize = 10;

pub(super) fn cases() -> Vec<Case> {
    let needs: [&[&str]; 3] = [
        &["query", "insert", "row_rules", "filter_compare"],
        &["query", "insert", "row_rules", "filter_compare", "on_error_continue"],
        &["query", "insert", "row_rules", "filter_compare", "on_error_atomic"],
    ];
    guards()
        .into_iter()
        .chain(checks())
        .chain(failing_parts())
        .chain(failing("rules", needs, one_fails))
        .collect()
}

fn guards() -> Vec<Case> {
    let update = &["query", "update_by_key", "row_rules", "filter_compare"];
    vec![
        Case::new("rules::a_guard_hides_rows_from_updates", update, hidden_from_update),
        Case::new("rules::a_guard_that_is_unknown_hides_the_row", update, unknown_guard),
        Case::new("rules::a_guard_sees_what_an_earlier_record_wrote", update, guard_after_record),
        Case::new(
            "rules::a_guard_hides_rows_from_deletes",
            &["query", "delete_by_key", "row_rules", "filter_compare"],
            hidden_from_delete,
        ),
        Case::new(
            "rules::a_guard_keeps_upserts_from_rows_that_exist",
            &["query", "upsert", "row_rules", "filter_compare"],
            guarded_upsert,
        ),
        Case::new(
            "rules::a_guard_holds_while_many_write",
            &["query", "update_by_key", "row_rules", "filter_compare", "write_expressions"],
            crowd,
        ),
    ]
}

fn checks() -> Vec<Case> {
    let insert = &["query", "insert", "row_rules", "filter_compare"];
    vec![
        Case::new("rules::a_new_row_that_the_check_refuses_is_not_there", insert, checked_insert),
        Case::new("rules::a_check_that_is_unknown_refuses", insert, unknown_check),
        Case::new(
            "rules::a_check_sees_defaults",
            &["query", "insert", "row_rules", "filter_compare", "store.defaults"],
            check_sees_defaults,
        ),
        Case::new(
            "rules::a_change_that_the_check_refuses_is_undone",
            &["query", "update_by_key", "row_rules", "filter_compare"],
            checked_update,
        ),
        Case::new(
            "rules::a_check_sees_columns_that_were_not_written",
            &["query", "update_by_key", "row_rules", "filter_compare"],
            check_sees_all,
        ),
        Case::new(
            "rules::a_check_sees_computed_columns",
            &["query", "update_by_key", "row_rules", "filter_compare", "write_expressions"],
            check_sees_computed,
        ),
        Case::new(
            "rules::a_check_of_one_row_refuses_a_change_by_filter",
            &["query", "update_where", "row_rules", "filter_compare"],
            checked_where,
        ),
        Case::new(
            "rules::an_upsert_that_the_check_refuses_is_undone",
            &["query", "upsert", "row_rules", "filter_compare"],
            checked_upsert,
        ),
    ]
}

/// What a caller asks for must not fail for a row that the rules hide: the error would tell what stands in it.
fn failing_parts() -> Vec<Case> {
    vec![
        Case::new(
            "rules::a_part_that_fails_is_not_told_for_rows_that_another_excludes",
            &["query", "row_rules", "filter_compare", "filter_expressions"],
            failing_query,
        ),
        Case::new(
            "rules::a_part_that_fails_does_not_fail_a_count_of_other_rows",
            &["count", "row_rules", "filter_compare", "filter_expressions"],
            failing_count,
        ),
        Case::new(
            "rules::a_part_that_fails_does_not_fail_a_change_of_other_rows",
            &["query", "update_where", "row_rules", "filter_compare", "filter_expressions"],
            failing_change,
        ),
        Case::new(
            "rules::a_guard_that_fails_is_not_told_for_rows_that_it_excludes",
            &["query", "update_by_key", "row_rules", "filter_compare", "filter_expressions"],
            failing_guard,
        ),
        Case::new(
            "rules::a_part_that_fails_does_not_fail_a_delete_of_other_rows",
            &["query", "delete_where", "row_rules", "filter_compare", "filter_expressions"],
            failing_delete,
        ),
    ]
}

/// The row whose `id` is 1, in each order of its parts. The part that calculates fails for every other row; the other one is false for
/// some and unknown for the third.
fn first_row(column_of_three: &str) -> Vec<Filter> {
    let beyond = |left| arithmetic(left, ArithmeticOp::Mul, Expr::Param(2));
    let less = arithmetic(column("id"), ArithmeticOp::Sub, Expr::Param(1));
    let fails = compare_exprs(beyond(beyond(less)), CompareOp::Lt, Expr::Param(1));
    let near = compare_exprs(column("id"), CompareOp::Le, Expr::Param(0));
    let rule = equals(column_of_three, 0);
    vec![
        Filter::And(vec![rule.clone(), near.clone(), fails.clone()]),
        Filter::And(vec![fails.clone(), Filter::And(vec![near.clone(), rule.clone()])]),
        Filter::And(vec![Filter::And(vec![fails, near]), rule]),
    ]
}

/// Three, one, and what nothing can be multiplied with twice.
fn of_first_row() -> [Value; 3] {
    [int(3), int(1), int(i64::MAX)]
}

async fn failing_query(peer: Arc<Peer>) -> Outcome {
    let view = peer.offers("store.views").then_some(ITEM_VIEW);
    for table in [ITEM].into_iter().chain(view) {
        for filter in first_row("size") {
            let ask = peer.ask(table, &["id"]).filter(filter, &of_first_row());
            let rows = peer.rows(&ask).await.map_err(|error| full(&error))?;
            same("rows", &rows, &vec![vec![int(1)]])?;
        }
    }
    Ok(())
}

async fn failing_count(peer: Arc<Peer>) -> Outcome {
    for filter in first_row("size") {
        let ask = peer.ask(ITEM, &["id"]).filter(filter, &of_first_row());
        same("count", &peer.count(&ask).await.map_err(|error| full(&error))?, &1)?;
    }
    Ok(())
}

async fn failing_change(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    for filter in first_row("qty") {
        stock.done(&stock.update_where(filter, &["name"]), &[[text("x")]], &of_first_row()).await?;
        stock.holds(&with(&[row(1, "x", 3, "old")])).await?;
    }
    Ok(())
}

async fn failing_guard(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    for filter in first_row("qty") {
        let rows = Selector::Keys { columns: paths(&["id"]), guard: Some(filter) };
        let shape = Update { rows, ..stock.update(&["name"]) };
        for hidden in [2, 3, 4] {
            stock.check(&shape, (&[[int(hidden), text("x")]], &of_first_row()), &[missing()]).await?;
        }
        stock.is_untouched().await?;
    }
    Ok(())
}

async fn failing_delete(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    for filter in first_row("qty") {
        let answer = stock.write(&stock.delete_where(filter), NONE, &of_first_row()).await;
        answer.map_err(|error| full(&error))?;
        stock.holds(&before().into_iter().skip(1).collect()).await?;
    }
    Ok(())
}

/// Rows by their id, if the state is the first parameter.
fn in_state() -> Selector {
    Selector::Keys { columns: paths(&["id"]), guard: Some(equals("state", 0)) }
}

fn refused() -> End {
    against_the_rules("check_failed")
}

async fn hidden_from_update(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let shape = Update { rows: in_state(), ..stock.update(&["qty"]) };
    stock.check(&shape, (&[[int(4), int(0)]], &[text("old")]), &[missing()]).await?;
    stock.check(&shape, (&[[int(99), int(0)]], &[text("old")]), &[missing()]).await?;
    stock.is_untouched().await?;
    stock.done(&shape, &[[int(4), int(0)]], &[text("sold")]).await?;
    stock.holds(&with(&[row(4, "drum", 0, "sold")])).await
}

async fn unknown_guard(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let guard = Some(compare("qty", CompareOp::Ne));
    let rows = Selector::Keys { columns: paths(&["id"]), guard };
    let shape = Update { rows, ..stock.update(&["name"]) };
    stock.check(&shape, (&[[int(3), text("x")]], &[int(0)]), &[missing()]).await?;
    stock.check(&shape, (&[[int(1), text("x")]], &[Value::Null]), &[missing()]).await?;
    stock.is_untouched().await
}

async fn guard_after_record(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let shape = Update { rows: in_state(), ..stock.update(&["state"]) };
    let records = [[int(1), text("first")], [int(1), text("second")]];
    stock.check(&shape, (&records, &[text("old")]), &[End::Done, missing()]).await?;
    stock.holds(&with(&[row(1, "anchor", 3, "first")])).await
}

async fn hidden_from_delete(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let shape = Delete { rows: in_state(), ..stock.delete() };
    stock.check(&shape, (&[[int(4)]], &[text("old")]), &[missing()]).await?;
    stock.is_untouched().await?;
    stock.done(&shape, &[[int(4)]], &[text("sold")]).await?;
    stock.holds(&before().into_iter().take(3).collect()).await
}

/// Who may create rows has to be told that a key is taken.
async fn guarded_upsert(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let shape = Upsert { guard: Some(equals("state", 0)), ..stock.upsert(COLUMNS) };
    let hidden = [row(4, "other", 0, "old")];
    stock.check(&shape, (&hidden, &[text("old")]), &[against_the_rules("guard_failed")]).await?;
    stock.is_untouched().await?;
    // The guard is about rows that exist.
    let records = [row(1, "other", 0, "sold"), row(5, "eyelet", 0, "sold")];
    stock.done(&shape, &records, &[text("old")]).await?;
    let [first, fifth] = records;
    stock.holds(&[with(&[first]), vec![fifth]].concat()).await
}

/// Each takes one piece as long as there is one.
async fn crowd(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let mut writers = JoinSet::new();
    for _ in 0..CROWD {
        let stock = stock.clone();
        writers.spawn(async move {
            let guard = Some(compare("qty", CompareOp::Gt));
            let rows = Selector::Keys { columns: paths(&["id"]), guard };
            let value = arithmetic(column("qty"), ArithmeticOp::Sub, Expr::Param(1));
            let compute = vec![Assignment { column: Path::column("qty"), value }];
            let shape = Update { rows, compute, ..stock.update(&[]) };
            stock.insist(&shape, &[[int(2)]], &[int(0), int(1)]).await.map(|answer| answer.ends)
        });
    }
    let mut taken = 0;
    for ended in writers.join_all().await {
        let ends = ended?;
        if ends == [End::Done] {
            taken += 1;
        } else {
            same("ends of those who came too late", &ends, &vec![missing()])?;
        }
    }
    same("pieces taken", &taken, &PIECES)?;
    stock.holds(&with(&[row(2, "bolt", 0, "old")])).await
}

async fn checked_insert(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let shape = Insert { check: Some(equals("state", 0)), ..stock.insert(COLUMNS) };
    let records = [row(5, "eyelet", 1, "new"), row(6, "flange", 1, "old")];
    stock.check(&shape, (&records, &[text("new")]), &[End::Done, refused()]).await?;
    stock.holds(&[before(), vec![row(5, "eyelet", 1, "new")]].concat()).await
}

async fn unknown_check(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let shape = Insert { check: Some(compare("qty", CompareOp::Ne)), ..stock.insert(COLUMNS) };
    stock.check(&shape, (&[row(5, "eyelet", None, "new")], &[int(0)]), &[refused()]).await?;
    stock.is_untouched().await
}

async fn check_sees_defaults(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let shape = Insert { check: Some(equals("state", 0)), ..stock.insert(&["id", "name"]) };
    let records = [[int(5), text("eyelet")]];
    stock.check(&shape, (&records, &[text("old")]), &[refused()]).await?;
    stock.is_untouched().await?;
    stock.done(&shape, &records, &[text("new")]).await?;
    stock.holds(&[before(), vec![row(5, "eyelet", None, "new")]].concat()).await
}

async fn checked_update(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let shape = Update { check: Some(compare("qty", CompareOp::Lt)), ..stock.update(&["qty"]) };
    let records = [[int(1), int(99)], [int(2), int(100)], [int(4), int(1)]];
    stock.check(&shape, (&records, &[int(100)]), &[End::Done, refused(), End::NotRun]).await?;
    stock.holds(&with(&[row(1, "anchor", 99, "old")])).await
}

async fn check_sees_all(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let shape = Update { check: Some(equals("state", 0)), ..stock.update(&["qty"]) };
    stock.check(&shape, (&[[int(4), int(0)]], &[text("old")]), &[refused()]).await?;
    stock.is_untouched().await
}

async fn check_sees_computed(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let value = arithmetic(column("qty"), ArithmeticOp::Mul, Expr::Param(1));
    let compute = vec![Assignment { column: Path::column("qty"), value }];
    let shape = Update { check: Some(compare("qty", CompareOp::Lt)), compute, ..stock.update(&[]) };
    let ends = [End::Done, refused()];
    stock.check(&shape, (&[[int(1)], [int(2)]], &[int(20), int(2)]), &ends).await?;
    stock.holds(&with(&[row(1, "anchor", 6, "old")])).await
}

async fn checked_where(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let plain = stock.update_where(Filter::Always(true), &["name"]);
    let shape = Update { check: Some(equals("state", 0)), ..plain };
    let answer = stock.write(&shape, &[[text("x")]], &[text("old")]).await;
    let error = check_error("a change of four rows", answer, ErrorKind::RuleViolated)?;
    same("reason", &error.reason.as_deref(), &Some("check_failed"))?;
    stock.is_untouched().await?;
    let never = Update { rows: Selector::Where(Filter::Always(false)), ..shape };
    stock.done(&never, &[[text("x")]], &[text("old")]).await?;
    stock.is_untouched().await
}

async fn checked_upsert(peer: Arc<Peer>) -> Outcome {
    for id in [1, 5] {
        let stock = Stock::new(&peer)?;
        let shape = Upsert { check: Some(compare("qty", CompareOp::Lt)), ..stock.upsert(COLUMNS) };
        stock.check(&shape, (&[row(id, "x", 100, "x")], &[int(100)]), &[refused()]).await?;
        stock.is_untouched().await?;
    }
    Ok(())
}

async fn one_fails(peer: Arc<Peer>, on_error: OnError) -> Outcome {
    let stock = Stock::new(&peer)?;
    let check = Some(equals("state", 0));
    let shape = Insert { on_error, check, ..stock.insert(COLUMNS) };
    let records = [row(5, "eyelet", 1, "new"), row(6, "other", 1, "old"), row(7, "flange", 1, "new")];
    let ends = ends(on_error, refused());
    stock.check(&shape, (&records, &[text("new")]), &ends).await?;
    stock.holds(&[before(), done(records, &ends)].concat()).await
}
