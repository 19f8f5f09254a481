//! Columns that come, change and go, with what the rows of their table keep; defaults.

use std::sync::Arc;

use connector_api::ErrorKind;
use connector_api::model::{Change, Column, ColumnType, DefaultValue, Value};
use serde_json::{Value as Json, json};

use super::{
    Case, DEFAULTS, NEEDS, NUMBERED, Outcome, Peer, bounded, case, change, changed, column, holds, insert,
    inserted, made, refused, required, rows, same, there,
};
use crate::ask::text;
use crate::change::{End, null_refused};
use crate::stock::int;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("a_new_column_is_null_in_the_rows_that_are_there", NEEDS, added),
        case("a_new_column_with_a_default_has_it_in_all_rows", DEFAULTS, added_with_default),
        case("a_column_that_exists_is_not_added_again", NEEDS, added_twice),
        case("a_column_that_takes_no_null_refuses_it", NEEDS, no_null),
        case("a_column_that_goes_takes_nothing_with_it", NEEDS, dropped),
        case("a_column_of_the_primary_key_stays", NEEDS, key_stays),
        case("a_column_as_it_is_needs_no_change", DEFAULTS, as_it_is),
        case("a_longer_text_keeps_the_rows_or_is_refused", NEEDS, longer),
        case("another_default_holds_for_new_rows_or_is_refused", DEFAULTS, other_default),
        case("nulls_that_are_there_stand_against_their_end", NEEDS, nulls_stay),
        case("constants_are_defaults_of_new_rows", DEFAULTS, constants),
        case("the_moment_of_writing_is_a_default", DEFAULTS, moment),
        case("a_key_that_numbers_rows_does_so", NUMBERED, numbered),
    ]
}

/// A table with two rows.
async fn with_rows(peer: &Peer, name: &str, value: Column) -> Outcome {
    made(peer, name, vec![value]).await?;
    for id in [1, 2] {
        inserted(peer, name, &["id", "value"], vec![int(id), text("kept")]).await?;
    }
    Ok(())
}

fn value() -> Column {
    bounded("value", 20)
}

async fn added(peer: Arc<Peer>) -> Outcome {
    let name = "made_wider";
    with_rows(&peer, name, value()).await?;
    let column = Column::new("more", ColumnType::Integer);
    changed(&peer, vec![Change::AddColumn { table: peer.name(name), column }]).await?;
    inserted(&peer, name, &["id", "more"], vec![int(3), int(9)]).await?;
    let kept = |id| vec![int(id), text("kept"), Value::Null];
    let expected = vec![kept(1), kept(2), vec![int(3), Value::Null, int(9)]];
    same("rows", &rows(&peer, name, &["id", "value", "more"]).await?, &expected)
}

async fn added_with_default(peer: Arc<Peer>) -> Outcome {
    let name = "made_wider_by_default";
    with_rows(&peer, name, value()).await?;
    let default = Some(DefaultValue::Value(json!(5)));
    let column = Column { default, ..required("more", ColumnType::Integer) };
    changed(&peer, vec![Change::AddColumn { table: peer.name(name), column }]).await?;
    inserted(&peer, name, &["id"], vec![int(3)]).await?;
    let expected: Vec<_> = (1..=3).map(|id| vec![int(id), int(5)]).collect();
    same("rows", &rows(&peer, name, &["id", "more"]).await?, &expected)
}

async fn added_twice(peer: Arc<Peer>) -> Outcome {
    made(&peer, "made_twice_as_wide", vec![value()]).await?;
    let again = Change::AddColumn { table: peer.name("made_twice_as_wide"), column: value() };
    refused(&peer, "the same column again", again, ErrorKind::Conflict).await
}

async fn no_null(peer: Arc<Peer>) -> Outcome {
    made(&peer, "made_strict", vec![required("value", ColumnType::Integer)]).await?;
    let end = insert(&peer, "made_strict", &["id", "value"], vec![int(1), Value::Null]).await?;
    same("end of a record", &end, &null_refused())
}

async fn dropped(peer: Arc<Peer>) -> Outcome {
    let name = "made_narrower";
    made(&peer, name, vec![value(), Column::new("other", ColumnType::Integer)]).await?;
    inserted(&peer, name, &["id", "value", "other"], vec![int(1), text("kept"), int(4)]).await?;
    let gone = Change::DropColumn { table: peer.name(name), name: "value".to_owned() };
    changed(&peer, vec![gone]).await?;
    let names: Vec<_> = there(&peer, name).await?.columns.into_iter().map(|column| column.name).collect();
    same("columns", &names, &vec!["id".to_owned(), "other".to_owned()])?;
    inserted(&peer, name, &["id", "other"], vec![int(2), int(5)]).await?;
    let expected = vec![vec![int(1), int(4)], vec![int(2), int(5)]];
    same("rows", &rows(&peer, name, &["id", "other"]).await?, &expected)
}

async fn key_stays(peer: Arc<Peer>) -> Outcome {
    made(&peer, "made_with_key", vec![value()]).await?;
    let gone = Change::DropColumn { table: peer.name("made_with_key"), name: "id".to_owned() };
    refused(&peer, "the key", gone, ErrorKind::Conflict).await
}

/// Sent back as it was described, by its own words and by its neutral type.
async fn as_it_is(peer: Arc<Peer>) -> Outcome {
    let name = "made_to_stay";
    let default = Some(DefaultValue::Value(json!(5)));
    let counted = Column { default, ..required("qty", ColumnType::Integer) };
    let moment = Some(DefaultValue::Expression("CURRENT_TIMESTAMP".to_owned()));
    let written = Column { default: moment, ..Column::new("written", ColumnType::DateTime) };
    made(&peer, name, vec![value(), counted, written]).await?;
    let before = there(&peer, name).await?;
    let alter = |column| Change::AlterColumn { table: peer.name(name), column };
    let columns = before.columns.iter().cloned();
    let neutral = columns.clone().map(|column| Column { native_type: String::new(), ..column });
    changed(&peer, columns.chain(neutral).map(alter).collect()).await?;
    same("table", &there(&peer, name).await?, &before)
}

/// Whether a change of a column was done; where the store can't, everything is as before.
async fn altered(peer: &Peer, name: &str, column: Column) -> Result<bool, String> {
    let before = there(peer, name).await?;
    let ends = change(peer, vec![Change::AlterColumn { table: peer.name(name), column }]).await?;
    match ends.as_slice() {
        [End::Done] => Ok(true),
        [End::Failed(ErrorKind::Unsupported, _)] => {
            same("table", &there(peer, name).await?, &before)?;
            Ok(false)
        }
        other => Err(format!("expected the change or Unsupported, found {other:?}")),
    }
}

async fn longer(peer: Arc<Peer>) -> Outcome {
    let name = "made_longer";
    with_rows(&peer, name, value()).await?;
    if altered(&peer, name, bounded("value", 60)).await? {
        same("length", &column(&peer, name, "value").await?.length, &Some(60))?;
        let long = text(&"x".repeat(60));
        inserted(&peer, name, &["id", "value"], vec![int(3), long]).await?;
    }
    let kept = rows(&peer, name, &["id", "value"]).await?.into_iter().take(2).collect::<Vec<_>>();
    same("rows", &kept, &vec![vec![int(1), text("kept")], vec![int(2), text("kept")]])
}

async fn other_default(peer: Arc<Peer>) -> Outcome {
    let name = "made_by_default";
    let with = |default: Option<Json>| Column { default: default.map(DefaultValue::Value), ..value() };
    made(&peer, name, vec![with(Some(json!("old")))]).await?;
    let mut expected = vec![];
    for (id, default) in [(1, Some("new")), (2, None)] {
        let is_done = altered(&peer, name, with(default.map(Json::from))).await?;
        inserted(&peer, name, &["id"], vec![int(id)]).await?;
        let found = if is_done { default.map_or(Value::Null, text) } else { text("old") };
        expected.push(vec![int(id), found]);
    }
    same("rows", &rows(&peer, name, &["id", "value"]).await?, &expected)
}

async fn nulls_stay(peer: Arc<Peer>) -> Outcome {
    let name = "made_with_nulls";
    made(&peer, name, vec![value()]).await?;
    inserted(&peer, name, &["id"], vec![int(1)]).await?;
    let column = Column { is_nullable: false, ..value() };
    let ends = change(&peer, vec![Change::AlterColumn { table: peer.name(name), column }]).await?;
    let is_refused =
        matches!(ends.as_slice(), [End::Failed(ErrorKind::Conflict | ErrorKind::Unsupported, _)]);
    holds(is_refused, || format!("expected Conflict or Unsupported, found {ends:?}"))?;
    same("rows", &rows(&peer, name, &["id", "value"]).await?, &vec![vec![int(1), Value::Null]])
}

async fn constants(peer: Arc<Peer>) -> Outcome {
    let name = "made_of_constants";
    let texts = ["it's", "\"x\"; --", "back\\slash'", "", "日本", "NULL", "now()"];
    let with = |name: String, data_type, default: Json| Column {
        default: Some(DefaultValue::Value(default)),
        length: (data_type == ColumnType::String).then_some(40),
        ..Column::new(name, data_type)
    };
    let text_columns = texts.iter().zip(0..);
    let mut columns: Vec<_> =
        text_columns.map(|(text, at)| with(format!("text_{at}"), ColumnType::String, json!(text))).collect();
    columns.push(with("number".to_owned(), ColumnType::Integer, json!(-5)));
    columns.push(with("flag".to_owned(), ColumnType::Boolean, json!(true)));
    let names: Vec<_> = columns.iter().map(|column| column.name.clone()).collect();
    made(&peer, name, columns).await?;
    inserted(&peer, name, &["id"], vec![int(1)]).await?;
    let flag = peer.quirks.read(ColumnType::Boolean, &Value::Bool(true))?;
    let expected: Vec<_> = texts.iter().map(|value| text(value)).chain([int(-5), flag]).collect();
    let asked: Vec<_> = names.iter().map(String::as_str).collect();
    let found = peer.rows(&peer.ask(name, &asked)).await.map_err(|error| super::full(&error))?;
    same("rows", &found, &vec![expected])
}

async fn moment(peer: Arc<Peer>) -> Outcome {
    let name = "made_at_a_moment";
    let default = Some(DefaultValue::Expression("CURRENT_TIMESTAMP".to_owned()));
    made(&peer, name, vec![Column { default, ..required("written", ColumnType::DateTime) }]).await?;
    inserted(&peer, name, &["id"], vec![int(1)]).await?;
    let found = rows(&peer, name, &["id", "written"]).await?;
    let is_there = matches!(found.as_slice(), [row] if row.last().is_some_and(|cell| *cell != Value::Null));
    holds(is_there, || format!("expected a moment, found {found:?}"))
}

async fn numbered(peer: Arc<Peer>) -> Outcome {
    let name = "made_by_number";
    let mut table = super::table(&peer, name, vec![value()]);
    table.columns.iter_mut().take(1).for_each(|column| column.is_auto_increment = true);
    changed(&peer, vec![Change::CreateTable(table)]).await?;
    holds(column(&peer, name, "id").await?.is_auto_increment, || "the key numbers no rows".to_owned())?;
    for word in ["one", "two"] {
        inserted(&peer, name, &["value"], vec![text(word)]).await?;
    }
    let expected = vec![vec![int(1), text("one")], vec![int(2), text("two")]];
    same("rows", &rows(&peer, name, &["id", "value"]).await?, &expected)
}
