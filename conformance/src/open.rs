//! Open tables: columns that no description names are read, asked for and written like any other.

use std::collections::BTreeSet;
use std::sync::Arc;

use connector_api::model::{CompareOp, Insert, Table, Update, Value};

use super::ask::{compare, text};
use super::change::{self, End, by_id, paths};
use super::peer::{CALL_TIME, Members, Peer, context, full, read_members};
use super::quirks::normal;
use super::stock::int;
use super::tables::{EXTRA, OPEN};
use super::{Case, Outcome, holds, same};

pub(super) fn cases() -> Vec<Case> {
    const OPENED: &[&str] = &["query", "filter_compare", "open_columns", "store.open_tables"];
    vec![
        Case::new("open::an_open_table_is_described_as_one", OPENED, described),
        Case::new("open::a_column_that_no_description_names_is_read_by_name", OPENED, by_name),
        Case::new("open::a_column_that_no_row_has_is_absent", OPENED, nowhere),
        Case::new("open::others_are_all_columns_of_each_row", OPENED, others),
        Case::new(
            "open::a_column_that_no_description_names_is_written",
            &["query", "filter_compare", "insert", "update_by_key", "open_columns", "store.open_tables"],
            written,
        ),
        Case::new(
            "open::a_write_gives_back_all_columns_of_its_rows",
            &["insert", "update_by_key", "returning", "open_columns", "store.open_tables"],
            given_back,
        ),
    ]
}

async fn described(peer: Arc<Peer>) -> Outcome {
    let tables = vec![peer.name(OPEN)];
    let tables =
        peer.service.describe_tables(tables, context(CALL_TIME)).await.map_err(|error| full(&error))?;
    // A guess may know what no declaration names.
    let is_guessed = peer.offers("store.guessed_columns");
    let names_it = |table: &Table| !is_guessed && table.columns.iter().any(|column| column.name == EXTRA);
    let found: Vec<_> = tables.iter().map(|table| (table.is_open, names_it(table))).collect();
    same("open, and names the column", &found, &vec![(true, false)])
}

async fn by_name(peer: Arc<Peer>) -> Outcome {
    peer.check_filter(OPEN, &compare(EXTRA, CompareOp::Gt), &[int(7)], (&[4], &[2])).await?;
    let ask = peer.ask(OPEN, &["id", EXTRA]).filter(compare("id", CompareOp::Le), &[int(2)]);
    let mut rows = peer.rows(&ask).await.map_err(|error| full(&error))?;
    rows.sort_by_key(|row| format!("{:?}", row.first()));
    same("rows", &rows, &vec![vec![int(1), Value::Null], vec![int(2), int(7)]])
}

async fn nowhere(peer: Arc<Peer>) -> Outcome {
    peer.check_filter(OPEN, &compare("nowhere", CompareOp::Eq), &[int(7)], (&[], &[])).await
}

/// All columns of the rows that a filter on `id` selects, by their names; those that a row lacks are left out.
async fn whole(peer: &Peer, op: CompareOp, id: i64) -> Result<Vec<Members>, String> {
    let ask = peer.ask(OPEN, &["id"]).filter(compare("id", op), &[int(id)]).others();
    let mut rows = peer.members(&ask).await.map_err(|error| full(&error))?;
    rows.sort_by_key(|row| row.get("id").map(|id| format!("{id:?}")));
    Ok(rows)
}

async fn others(peer: Arc<Peer>) -> Outcome {
    let rows = whole(&peer, CompareOp::Le, 4).await?;
    let names: BTreeSet<&str> = rows.iter().flat_map(|row| row.keys().map(String::as_str)).collect();
    holds(names.is_superset(&BTreeSet::from(["id", "name", EXTRA])), || format!("columns: {names:?}"))?;
    let cells = |name: &str| rows.iter().map(|row| row.get(name).map(normal)).collect::<Vec<_>>();
    let names = ["anchor", "bolt", "cable", "drum"].map(|name| Some(text(name)));
    same("a described column", &cells("name"), &names.to_vec())?;
    same("another column", &cells(EXTRA), &vec![None, Some(int(7)), None, Some(int(8))])
}

async fn written(peer: Arc<Peer>) -> Outcome {
    let insert = change::insert(peer.name(OPEN), &["id", "fresh"]);
    send(&peer, &insert, [int(50), text("new")]).await?;
    let update = change::update(peer.name(OPEN), by_id(), &["fresher"]);
    send(&peer, &update, [int(50), int(1)]).await?;
    let rows = whole(&peer, CompareOp::Ge, 50).await?;
    let cells = |name: &str| rows.iter().map(|row| row.get(name).map(normal)).collect::<Vec<_>>();
    same("a column of a new row", &cells("fresh"), &vec![Some(text("new"))])?;
    same("a column of a changed row", &cells("fresher"), &vec![Some(int(1))])
}

async fn send(peer: &Peer, shape: &impl change::Shape, record: [Value; 2]) -> Outcome {
    let answer = change::send(&peer.service, shape, (&[record], &[]), context(CALL_TIME)).await;
    same("ends", &answer.map_err(|error| full(&error))?.ends, &vec![End::Done])
}

/// A write that gives back what a row has tells of all of it, whatever was written.
async fn given_back(peer: Arc<Peer>) -> Outcome {
    let extra = |row: &Members| (row.get("fresh").map(normal), row.get("fresher").map(normal));
    let insert = Insert {
        others: true,
        returning: paths(&["id"]),
        ..change::insert(peer.name(OPEN), &["id", "fresh"])
    };
    let rows = returned(&peer, &insert, [int(60), text("new")]).await?;
    same("a new row", &rows.iter().map(extra).collect(), &vec![(Some(text("new")), None)])?;
    let update = change::update(peer.name(OPEN), by_id(), &["fresher"]);
    let update = Update { others: true, returning: paths(&["id"]), ..update };
    let rows = returned(&peer, &update, [int(60), int(1)]).await?;
    same("a changed row", &rows.iter().map(extra).collect(), &vec![(Some(text("new")), Some(int(1)))])
}

async fn returned(
    peer: &Peer,
    shape: &impl change::Shape,
    record: [Value; 2],
) -> Result<Vec<Members>, String> {
    let started = change::start(&peer.service, shape, (&[record], &[]), context(CALL_TIME)).await;
    read_members(&mut started.map_err(|error| full(&error))?).await.map_err(|error| full(&error))
}
