//! Rows as they are read: all of them, the wanted columns, nothing lost on the way.

use std::sync::Arc;

use connector_api::model::Value;

use super::peer::{Peer, Rows, full};
use super::tables::{EMPTY, HOSTILE, HOSTILE_COLUMN, ITEM, ITEM_VIEW, MANY, MANY_ROWS};
use super::{Case, Outcome, holds, same};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("read::every_row_comes_once_with_its_values", &["query"], whole_table),
        Case::new("read::only_the_wanted_columns_are_needed", &["query"], one_column),
        Case::new("read::a_table_without_rows_is_an_answer", &["query"], no_rows),
        Case::new("read::a_view_is_read_like_a_table", &["query", "store.views"], view),
        Case::new("read::a_long_table_comes_whole_and_in_several_batches", &["query"], many_rows),
        Case::new("read::hostile_names_are_names", &["query"], hostile_names),
        Case::new("read::an_answer_ends_with_a_summary_and_repeats", &["query"], twice),
    ]
}

/// The rows that the suite has stored, as this store gives them, by their first column.
pub(super) fn expected(peer: &Peer, table: &str) -> Result<Rows, String> {
    let stored = peer.stored(table)?;
    let columns = &stored.table.columns;
    let row = |row: &Vec<Value>| {
        row.iter().zip(columns).map(|(value, column)| peer.quirks.read(column.data_type, value)).collect()
    };
    stored.rows.iter().map(row).collect()
}

/// All rows of a table by their first column, an integer.
pub(super) async fn all(peer: &Peer, table: &str, columns: &[&str]) -> Result<Rows, String> {
    let mut rows = peer.rows(&peer.ask(table, columns)).await.map_err(|error| full(&error))?;
    rows.sort_by_key(|row| match row.first() {
        Some(Value::I64(id)) => *id,
        _ => i64::MAX,
    });
    Ok(rows)
}

async fn whole_table(peer: Arc<Peer>) -> Outcome {
    let columns = peer.stored(ITEM)?.columns();
    same("rows", &all(&peer, ITEM, &columns).await?, &expected(&peer, ITEM)?)
}

async fn one_column(peer: Arc<Peer>) -> Outcome {
    let rows = all(&peer, ITEM, &["id", "note"]).await?;
    let expected: Rows = expected(&peer, ITEM)?
        .into_iter()
        .map(|row| [row.first(), row.last()].into_iter().flatten().cloned().collect())
        .collect();
    same("two columns", &rows, &expected)
}

async fn no_rows(peer: Arc<Peer>) -> Outcome {
    same("rows", &all(&peer, EMPTY, &["id", "note"]).await?, &Rows::new())
}

async fn view(peer: Arc<Peer>) -> Outcome {
    let columns = peer.stored(ITEM_VIEW)?.columns();
    same("rows of a view", &all(&peer, ITEM_VIEW, &columns).await?, &expected(&peer, ITEM)?)
}

async fn many_rows(peer: Arc<Peer>) -> Outcome {
    let columns = peer.stored(MANY)?.columns();
    let mut answer = peer.start(&peer.ask(MANY, &columns)).await.map_err(|error| full(&error))?;
    let (mut batches, mut rows) = (0, 0);
    while let Some(batch) = answer.next().await {
        batches += 1;
        rows += batch.map_err(|error| full(&error))?.row_count();
    }
    same("rows", &i64::try_from(rows).unwrap_or(-1), &MANY_ROWS)?;
    holds(batches > 2, || format!("expected several batches, found {batches}"))?;
    same("rows", &all(&peer, MANY, &columns).await?, &expected(&peer, MANY)?)
}

async fn hostile_names(peer: Arc<Peer>) -> Outcome {
    same("rows", &all(&peer, HOSTILE, &["id", HOSTILE_COLUMN]).await?, &expected(&peer, HOSTILE)?)
}

/// Prepared statements and other memories give the same rows.
async fn twice(peer: Arc<Peer>) -> Outcome {
    let first = all(&peer, ITEM, &["id", "name"]).await?;
    for _ in 0..3 {
        same("rows of the same request", &all(&peer, ITEM, &["id", "name"]).await?, &first)?;
    }
    Ok(())
}
