//! Removed rows, named by key or by filter.

use std::sync::Arc;

use connector_api::ErrorKind;
use connector_api::model::{CompareOp, Delete, Filter, OnError, Selector, Value};

use super::ask::{compare, equals, is_null, text};
use super::change::{self, End, by_id, done, ends, failed, failing, missing, paths};
use super::peer::{Peer, check_error};
use super::read::{all, expected};
use super::stock::{COLUMNS, NONE, Stock, before, int, row};
use super::tables::BOOK;
use super::{Case, Outcome, same};

pub(super) fn cases() -> Vec<Case> {
    let (key, filter) = (&["query", "delete_by_key"], &["query", "delete_where", "filter_compare"]);
    let single = [
        Case::new("delete::a_key_removes_its_row_only", key, by_key),
        Case::new("delete::a_missing_row_is_not_found", key, missing_row),
        Case::new("delete::rows_may_be_named_by_several_columns", key, several_columns),
        Case::new(
            "delete::a_row_that_others_refer_to_stays",
            &["query", "delete_by_key", "store.foreign_keys"],
            referred_to,
        ),
        Case::new(
            "delete::removed_rows_come_back_as_they_were",
            &["query", "delete_by_key", "returning"],
            come_back,
        ),
        Case::new("delete::a_filter_removes_all_rows_that_match", filter, matching),
        Case::new("delete::a_filter_that_matches_nothing_is_no_failure", filter, none_matches),
        Case::new("delete::without_a_condition_all_rows_go", &["query", "delete_where"], every_row),
        Case::new(
            "delete::all_rows_that_a_filter_removed_come_back",
            &["query", "delete_where", "filter_compare", "returning"],
            all_back,
        ),
        Case::new("delete::an_unknown_table_is_not_found", &["query", "delete_where"], unknown_table),
        Case::new(
            "delete::unknown_columns_are_not_found",
            &["query", "delete_where", "filter_null", "store.declared_columns"],
            unknown_column,
        ),
    ];
    let needs: [&[&str]; 3] = [
        key,
        &["query", "delete_by_key", "on_error_continue"],
        &["query", "delete_by_key", "on_error_atomic"],
    ];
    single.into_iter().chain(failing("delete", needs, one_fails)).collect()
}

/// The rows before, without these.
fn without(ids: &[i64]) -> Vec<Vec<Value>> {
    before().into_iter().filter(|row| ids.iter().all(|id| row.first() != Some(&int(*id)))).collect()
}

async fn by_key(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let answer = stock.done(&stock.delete(), &[[int(3)], [int(1)]], &[]).await?;
    answer.check_touched(2)?;
    stock.holds(&without(&[1, 3])).await
}

async fn missing_row(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    for key in [int(99), Value::Null] {
        stock.check(&stock.delete(), (&[[key]], &[]), &[missing()]).await?;
    }
    stock.is_untouched().await?;
    stock.check(&stock.delete(), (&[[int(1)], [int(1)]], &[]), &[End::Done, missing()]).await?;
    stock.holds(&without(&[1])).await
}

async fn several_columns(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let rows = Selector::Keys { columns: paths(&["name", "id"]), guard: None };
    let shape = Delete { rows, ..stock.delete() };
    stock.done(&shape, &[[text("bolt"), int(2)]], &[]).await?;
    stock.check(&shape, (&[[text("anchor"), int(3)]], &[]), &[missing()]).await?;
    stock.holds(&without(&[2])).await
}

/// The table is read by others, so it stays as it is.
async fn referred_to(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let shape = change::delete(peer.name(BOOK), by_id());
    let end = failed(ErrorKind::Conflict, "foreign_key_violation");
    stock.check(&shape, (&[[int(1)]], &[]), &[end]).await?;
    let columns = &["id", "author", "pages"];
    same("rows of the table", &all(&peer, BOOK, columns).await?, &expected(&peer, BOOK)?)
}

async fn come_back(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let shape = Delete { returning: paths(COLUMNS), ..stock.delete() };
    let answer = stock.done(&shape, &[[int(4)], [int(1)]], &[]).await?;
    same("rows that come back", &answer.rows, &vec![row(4, "drum", 7, "sold"), row(1, "anchor", 3, "old")])
}

async fn matching(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let shape = stock.delete_where(compare("qty", CompareOp::Ne));
    let answer = stock.done(&shape, NONE, &[int(10)]).await?;
    answer.check_touched(2)?;
    // Of a null nobody knows whether it is different.
    stock.holds(&without(&[1, 4])).await
}

async fn none_matches(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let answer = stock.done(&stock.delete_where(equals("qty", 0)), NONE, &[int(99)]).await?;
    answer.check_touched(0)?;
    stock.done(&stock.delete_where(Filter::Always(false)), NONE, &[]).await?;
    stock.is_untouched().await
}

async fn every_row(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let answer = stock.done(&stock.delete_where(Filter::Always(true)), NONE, &[]).await?;
    answer.check_touched(4)?;
    stock.holds(&vec![]).await
}

async fn all_back(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let shape = Delete { returning: paths(&["name"]), ..stock.delete_where(equals("state", 0)) };
    let mut rows = stock.done(&shape, NONE, &[text("old")]).await?.rows;
    rows.sort_by_key(|row| format!("{row:?}"));
    same("rows that come back", &rows, &["anchor", "bolt", "cable"].map(|name| vec![text(name)]).into())?;
    stock.holds(&without(&[1, 2, 3])).await
}

async fn unknown_table(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let shape = Delete { from: peer.name("no_such_table"), ..stock.delete_where(Filter::Always(true)) };
    check_error("a table", stock.write(&shape, NONE, &[]).await, ErrorKind::NotFound).map(drop)
}

async fn unknown_column(peer: Arc<Peer>) -> Outcome {
    let stock = Stock::new(&peer)?;
    let answer = stock.write(&stock.delete_where(is_null("no_such_column")), NONE, &[]).await;
    check_error("a column", answer, ErrorKind::NotFound)?;
    stock.is_untouched().await
}

async fn one_fails(peer: Arc<Peer>, on_error: OnError) -> Outcome {
    let stock = Stock::new(&peer)?;
    let ends = ends(on_error, missing());
    let shape = Delete { on_error, ..stock.delete() };
    stock.check(&shape, (&[[int(1)], [int(99)], [int(3)]], &[]), &ends).await?;
    stock.holds(&without(&done([1, 99, 3], &ends))).await
}
