//! A table that is made from its description is described as before.

use std::sync::Arc;

use connector_api::model::{Change, Column, ColumnType, DefaultValue, ForeignKey, Key, Table, TableRef};
use serde_json::json;

use super::{
    Case, NEEDS, Outcome, Peer, REFERENCES, bounded, case, changed, column, made, required, same, table,
    there,
};
use crate::tables::TYPED;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("a_table_of_every_type_made_from_its_description_is_the_same", NEEDS, types),
        case("a_table_of_each_native_type_made_from_its_description_is_the_same", NEEDS, native),
        case("a_table_of_every_neutral_type_made_from_its_description_is_the_same", NEEDS, neutral),
        case(
            "a_table_with_keys_and_defaults_made_from_its_description_is_the_same",
            &[
                "query",
                "insert",
                "schema_changes",
                "store.foreign_keys",
                "store.unique_keys",
                "store.defaults",
            ],
            keyed,
        ),
        case("a_key_of_several_columns_keeps_its_order", REFERENCES, several),
    ]
}

/// The table as it is described, dropped, made from the description and described again.
async fn round(peer: &Peer, name: &str) -> Outcome {
    let before = there(peer, name).await?;
    changed(peer, vec![Change::DropTable(peer.name(name))]).await?;
    changed(peer, vec![Change::CreateTable(before.clone())]).await?;
    same(name, &there(peer, name).await?, &before)
}

/// The native types are those that the fixture has given to the table of the suite.
async fn types(peer: Arc<Peer>) -> Outcome {
    let typed = there(&peer, TYPED).await?;
    let copy = Table { table: peer.name("made_from_typed"), ..typed.clone() };
    changed(&peer, vec![Change::CreateTable(copy.clone())]).await?;
    same("a copy", &there(&peer, "made_from_typed").await?, &copy)?;
    round(&peer, "made_from_typed").await
}

/// Those that the fixture names.
async fn native(peer: Arc<Peer>) -> Outcome {
    for (at, native) in peer.facts.native_types.iter().enumerate() {
        let name = format!("made_of_native_{at}");
        let value = Column { native_type: native.clone(), ..Column::new("value", ColumnType::Other) };
        made(&peer, &name, vec![value]).await.map_err(|what| format!("{native}: {what}"))?;
        same("type", &column(&peer, &name, "value").await?.native_type, native)?;
        round(&peer, &name).await?;
    }
    Ok(())
}

async fn neutral(peer: Arc<Peer>) -> Outcome {
    let all = crate::types::columns();
    let columns = all.into_iter().filter(|(_, data_type, _)| {
        !matches!(data_type, ColumnType::Array | ColumnType::Object) && peer.facts.has(*data_type)
    });
    let columns = columns.map(|(name, data_type, _)| Column::new(name, data_type)).collect();
    made(&peer, "made_of_all", columns).await?;
    round(&peer, "made_of_all").await
}

fn key(name: &str, columns: &[&str]) -> Key {
    Key { name: name.to_owned(), columns: columns.iter().map(|column| (*column).to_owned()).collect() }
}

fn refers(columns: &[&str], references: TableRef, referenced: &[&str]) -> ForeignKey {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    ForeignKey {
        columns: owned(columns),
        references,
        referenced_columns: owned(referenced),
        on_delete: Some("CASCADE".to_owned()),
        ..ForeignKey::default()
    }
}

async fn keyed(peer: Arc<Peer>) -> Outcome {
    made(&peer, "made_target", vec![]).await?;
    let default = |value| Some(DefaultValue::Value(value));
    let moment = Some(DefaultValue::Expression("CURRENT_TIMESTAMP".to_owned()));
    let mut keyed = table(
        &peer,
        "made_keyed",
        vec![
            Column { default: default(json!("it's")), ..bounded("word", 20) },
            Column { default: default(json!(r"C:\dir")), ..bounded("folder", 20) },
            Column { default: default(json!("new\nline")), ..bounded("lines", 20) },
            Column { default: default(json!(-5)), ..required("number", ColumnType::Integer) },
            Column { default: default(json!(true)), ..Column::new("flag", ColumnType::Boolean) },
            Column { default: moment, ..Column::new("written", ColumnType::DateTime) },
            Column::new("target", ColumnType::Integer),
        ],
    );
    keyed.columns.iter_mut().take(1).for_each(|column| column.is_auto_increment = true);
    keyed.unique_keys = vec![key("made_keyed_word", &["word"])];
    keyed.indexes = vec![key("made_keyed_target", &["target"])];
    keyed.foreign_keys = vec![refers(&["target"], peer.name("made_target"), &["id"])];
    changed(&peer, vec![Change::CreateTable(keyed)]).await?;
    round(&peer, "made_keyed").await?;
    let folder = column(&peer, "made_keyed", "folder").await?.default;
    same("a default with a backslash", &folder, &default(json!(r"C:\dir")))
}

async fn several(peer: Arc<Peer>) -> Outcome {
    let mut target = table(&peer, "made_pairs", vec![required("b", ColumnType::Integer)]);
    target.primary_key = vec!["b".to_owned(), "id".to_owned()];
    let columns = vec![Column::new("x", ColumnType::Integer), Column::new("y", ColumnType::Integer)];
    let mut source = table(&peer, "made_of_pairs", columns);
    source.foreign_keys = vec![refers(&["y", "x"], peer.name("made_pairs"), &["b", "id"])];
    changed(&peer, vec![Change::CreateTable(target), Change::CreateTable(source)]).await?;
    let found = there(&peer, "made_pairs").await?;
    same("primary key", &found.primary_key, &vec!["b".to_owned(), "id".to_owned()])?;
    round(&peer, "made_of_pairs").await
}
