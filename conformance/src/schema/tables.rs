//! Tables that are made and dropped, several changes of one call, and what is known of tables afterwards.

use std::sync::Arc;

use connector_api::ErrorKind;
use connector_api::model::{Change, Column, ColumnType, Date, Instant, Key, TableKind, Timestamp, Value};

use super::{
    Case, NEEDS, Outcome, Peer, bounded, case, change, changed, described, holds, inserted, made, refused,
    required, rows, same, table, there,
};
use crate::ask::text;
use crate::change::{End, failed};
use crate::peer::{CALL_TIME, context, full};
use crate::stock::int;
use crate::tables::{ITEM, ITEM_VIEW};
use crate::types::form;

/// A table that is made and dropped so often.
const FLEETING: &str = "made_for_a_moment";
const ROUNDS: usize = 20;

pub(super) fn cases() -> Vec<Case> {
    let types = sample_values().into_iter().map(|(name, data_type, value)| {
        let run = move |peer| one_type(peer, name, data_type, value.clone());
        case(&format!("a_new_table_takes_{name}"), NEEDS, run).of_type(data_type)
    });
    let others = vec![
        case("a_new_table_is_listed_described_and_empty", NEEDS, there_at_once),
        case("a_table_that_exists_is_not_made_again", NEEDS, made_twice),
        case("a_dropped_table_is_gone_at_once", NEEDS, dropped),
        case("a_table_that_does_not_exist_can_not_change", NEEDS, unknown),
        case("a_view_can_not_change", &["query", "insert", "schema_changes", "store.views"], of_view),
        case("what_can_not_be_done_is_refused_before_anything_changed", NEEDS, judged_first),
        case("a_failure_half_way_leaves_the_old_tables_or_tells_what_was_done", NEEDS, half_way),
        case("a_table_made_anew_is_known_as_it_is_now", NEEDS, anew),
        case("tables_are_described_while_others_come_and_go", NEEDS, come_and_go),
    ];
    types.chain(others).collect()
}

/// A value of each type that every store keeps as it is.
fn sample_values() -> Vec<(&'static str, ColumnType, Value)> {
    let at = Timestamp { seconds: 1_714_566_600, nanos: 0 };
    vec![
        ("boolean", ColumnType::Boolean, Value::Bool(true)),
        ("integer", ColumnType::Integer, int(-7)),
        ("bigint", ColumnType::BigInt, int(i64::MAX)),
        ("float", ColumnType::Float, Value::F32(-1.25)),
        ("double", ColumnType::Double, Value::F64(0.1)),
        ("decimal", ColumnType::Decimal, Value::Decimal("12.5".to_owned())),
        ("string", ColumnType::String, text("O'Brien \"x\"")),
        ("text", ColumnType::Text, text("日本")),
        ("binary", ColumnType::Binary, Value::Bytes(vec![0, 0xff, b'a'])),
        ("date", ColumnType::Date, Value::Date(Date(19_782))),
        ("time", ColumnType::Time, Value::Time(45_000_000_000_000)),
        ("datetime", ColumnType::DateTime, Value::Timestamp(at)),
        ("timestamp", ColumnType::Timestamp, Value::Instant(Instant { at, offset: Some(0) })),
        ("uuid", ColumnType::Uuid, Value::Uuid([0xab; 16])),
        ("json", ColumnType::Json, Value::Json("{\"a\":[1,null]}".to_owned())),
    ]
}

async fn one_type(peer: Arc<Peer>, name: &'static str, data_type: ColumnType, value: Value) -> Outcome {
    let made_name = format!("made_{name}");
    let (precision, scale) =
        if data_type == ColumnType::Decimal { (Some(10), Some(2)) } else { (None, None) };
    let typed = Column { precision, scale, ..Column::new("value", data_type) };
    made(&peer, &made_name, vec![typed]).await?;
    let found = super::column(&peer, &made_name, "value").await?;
    same("type", &found.data_type, &peer.quirks.described(data_type))?;
    holds(found.is_nullable, || "expected a column that takes nulls".to_owned())?;
    inserted(&peer, &made_name, &["id", "value"], vec![int(1), value.clone()]).await?;
    inserted(&peer, &made_name, &["id", "value"], vec![int(2), Value::Null]).await?;
    let read = peer.quirks.read(data_type, &value)?;
    let found: Vec<_> = rows(&peer, &made_name, &["id", "value"]).await?.into_iter().flatten().collect();
    let found: Vec<_> = found.iter().map(|cell| form(data_type, cell)).collect();
    let expected = [int(1), read, int(2), Value::Null].map(|cell| form(data_type, &cell));
    same("cells", &found, &expected.to_vec())
}

async fn there_at_once(peer: Arc<Peer>) -> Outcome {
    let name = "made_at_once";
    made(&peer, name, vec![bounded("name", 40), required("qty", ColumnType::Integer)]).await?;
    let listed = peer.service.list_tables(context(CALL_TIME)).await;
    let listed = listed.map_err(|error| full(&error))?;
    let kind = listed.iter().find(|entry| entry.table == peer.name(name)).map(|entry| entry.kind);
    same("kind in the list", &kind, &Some(TableKind::Table))?;
    let found = there(&peer, name).await?;
    let columns: Vec<_> = found
        .columns
        .iter()
        .map(|column| (column.name.as_str(), column.data_type, column.is_nullable))
        .collect();
    let described = |data_type| peer.quirks.described(data_type);
    let expected = vec![
        ("id", described(ColumnType::Integer), false),
        ("name", described(ColumnType::String), true),
        ("qty", described(ColumnType::Integer), false),
    ];
    same("columns", &columns, &expected)?;
    same("primary key", &found.primary_key, &vec!["id".to_owned()])?;
    same("rows", &rows(&peer, name, &["id"]).await?.len(), &0)
}

async fn made_twice(peer: Arc<Peer>) -> Outcome {
    made(&peer, "made_twice", vec![]).await?;
    inserted(&peer, "made_twice", &["id"], vec![int(1)]).await?;
    let again = Change::CreateTable(table(&peer, "made_twice", vec![]));
    refused(&peer, "the same table again", again, ErrorKind::Conflict).await?;
    same("rows", &rows(&peer, "made_twice", &["id"]).await?, &vec![vec![int(1)]])
}

async fn dropped(peer: Arc<Peer>) -> Outcome {
    made(&peer, "made_to_go", vec![]).await?;
    inserted(&peer, "made_to_go", &["id"], vec![int(1)]).await?;
    rows(&peer, "made_to_go", &["id"]).await?;
    let name = peer.name("made_to_go");
    changed(&peer, vec![Change::DropTable(name.clone())]).await?;
    same("description", &described(&peer, &name).await?, &None)?;
    let read = peer.rows(&peer.ask("made_to_go", &["id"])).await;
    crate::peer::check_error("a read of a table that is gone", read, ErrorKind::NotFound)?;
    refused(&peer, "the same table again", Change::DropTable(name), ErrorKind::NotFound).await
}

async fn unknown(peer: Arc<Peer>) -> Outcome {
    let (nobody, name) = (peer.name("nobody_made_it"), "made_for_unknown");
    made(&peer, name, vec![]).await?;
    let to = |name: &str| peer.name(name);
    let key = Key { name: String::new(), columns: vec!["nothing".to_owned()] };
    let column = || Column::new("value", ColumnType::Integer);
    for unknown in [
        Change::AddColumn { table: nobody.clone(), column: column() },
        Change::AlterColumn { table: nobody.clone(), column: column() },
        Change::DropColumn { table: nobody.clone(), name: "id".to_owned() },
        Change::DropTable(nobody),
        Change::AlterColumn { table: to(name), column: column() },
        Change::DropColumn { table: to(name), name: "value".to_owned() },
        Change::AddKey { table: to(name), key, is_unique: true },
        Change::DropKey { table: to(name), name: "nothing".to_owned(), is_unique: false },
        Change::DropForeignKey { table: to(name), name: "nothing".to_owned() },
    ] {
        let what = format!("{unknown:?}");
        refused(&peer, &what, unknown, ErrorKind::NotFound).await?;
    }
    Ok(())
}

async fn of_view(peer: Arc<Peer>) -> Outcome {
    let view = || peer.name(ITEM_VIEW);
    let column = Column::new("value", ColumnType::Integer);
    for change in [Change::DropTable(view()), Change::AddColumn { table: view(), column }] {
        refused(&peer, "a change of a view", change, ErrorKind::Unsupported).await?;
    }
    peer.check_usable().await
}

async fn judged_first(peer: Arc<Peer>) -> Outcome {
    let new = || Change::CreateTable(table(&peer, "made_before_a_refusal", vec![]));
    let unknown_type =
        Column { native_type: "no such type".to_owned(), ..Column::new("a", ColumnType::Other) };
    for (what, last) in [
        ("a table that is not there", Change::DropTable(peer.name("nobody_made_it"))),
        ("a table that is there", Change::CreateTable(table(&peer, ITEM, vec![]))),
        ("an unknown type", Change::AddColumn { table: peer.name(ITEM), column: unknown_type }),
    ] {
        let ends = change(&peer, vec![new(), last, new()]).await?;
        let is_right = matches!(ends.as_slice(), [End::NotRun, End::Failed(..), End::NotRun]);
        holds(is_right, || format!("{what}: expected NotRun, Failed, NotRun, found {ends:?}"))?;
        let left = described(&peer, &peer.name("made_before_a_refusal")).await?;
        same(what, &left, &None)?;
    }
    peer.check_usable().await
}

/// Rows that are alike can't get a unique key, which nobody knows before it is tried.
async fn half_way(peer: Arc<Peer>) -> Outcome {
    made(&peer, "made_alike", vec![Column::new("value", ColumnType::Integer)]).await?;
    for id in [1, 2] {
        inserted(&peer, "made_alike", &["id", "value"], vec![int(id), int(7)]).await?;
    }
    let key = Key { name: String::new(), columns: vec!["value".to_owned()] };
    let ends = change(
        &peer,
        vec![
            Change::CreateTable(table(&peer, "made_first", vec![])),
            Change::AddKey { table: peer.name("made_alike"), key, is_unique: true },
            Change::CreateTable(table(&peer, "made_last", vec![])),
        ],
    )
    .await?;
    let failed = failed(ErrorKind::Conflict, "unique_violation");
    let is_there = described(&peer, &peer.name("made_first")).await?.is_some();
    let first = if is_there { End::Done } else { End::RolledBack };
    same("ends of changes", &ends, &vec![first, failed, End::NotRun])?;
    same("last table", &described(&peer, &peer.name("made_last")).await?, &None)?;
    let found = there(&peer, "made_alike").await?;
    same("unique keys", &found.unique_keys, &vec![])?;
    same("rows", &rows(&peer, "made_alike", &["id"]).await?.len(), &2)
}

async fn anew(peer: Arc<Peer>) -> Outcome {
    let name = "made_anew";
    for (data_type, value) in
        [(ColumnType::Integer, int(5)), (ColumnType::String, text("five")), (ColumnType::Integer, int(6))]
    {
        made(&peer, name, vec![Column::new("value", data_type)]).await?;
        inserted(&peer, name, &["id", "value"], vec![int(1), value.clone()]).await?;
        same("rows", &rows(&peer, name, &["id", "value"]).await?, &vec![vec![int(1), value]])?;
        changed(&peer, vec![Change::DropTable(peer.name(name))]).await?;
    }
    Ok(())
}

/// Some stores ask for parts of a description one after the other: none may fail because the table is gone by then.
async fn come_and_go(peer: Arc<Peer>) -> Outcome {
    let asked = vec![peer.name(FLEETING), peer.name(ITEM)];
    let changing = tokio::spawn(make_and_drop(Arc::clone(&peer)));
    for _ in 0..ROUNDS * 2 {
        let found = peer.service.describe_tables(asked.clone(), context(CALL_TIME)).await;
        let found = found.map_err(|error| full(&error))?;
        let is_there = found.iter().any(|table| table.table == peer.name(ITEM));
        holds(is_there, || "the other table is not described".to_owned())?;
    }
    changing.await.map_err(|error| error.to_string())?
}

async fn make_and_drop(peer: Arc<Peer>) -> Outcome {
    for _ in 0..ROUNDS {
        made(&peer, FLEETING, vec![bounded("value", 20)]).await?;
        changed(&peer, vec![Change::DropTable(peer.name(FLEETING))]).await?;
    }
    Ok(())
}
