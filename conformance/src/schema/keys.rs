//! Unique keys, indexes and references: what they refuse, how they are named, what they hold back.

use std::sync::Arc;

use connector_api::ErrorKind;
use connector_api::model::{Change, Column, ColumnType, ForeignKey, Key, Table, Value};

use super::{
    Case, KEYS, NEEDS, Outcome, Peer, REFERENCES, bounded, case, change, changed, holds, insert, inserted,
    made, refused, rows, same, table, there,
};
use crate::ask::text;
use crate::change::{End, exists};
use crate::stock::int;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("a_unique_key_of_a_new_table_refuses_what_is_alike", KEYS, unique),
        case("a_unique_key_comes_and_goes", KEYS, unique_comes_and_goes),
        case("an_index_comes_and_goes", NEEDS, index),
        case("a_key_without_a_name_gets_one_of_table_and_columns", KEYS, named),
        case("a_reference_of_a_new_table_refuses_orphans", REFERENCES, reference),
        case("a_table_may_refer_to_itself_and_to_one_made_later", REFERENCES, forward),
        case("a_new_column_may_refer_to_another_table", REFERENCES, by_new_column),
        case("a_column_that_refers_goes_with_its_reference_or_is_refused", REFERENCES, referring_goes),
        case("what_others_refer_to_stays", REFERENCES, held_back),
        case("a_reference_without_a_key_behind_it_is_refused", REFERENCES, without_key),
        case("a_reference_goes_or_is_refused", REFERENCES, reference_goes),
    ]
}

fn code() -> Column {
    bounded("code", 8)
}

fn key(name: &str, columns: &[&str]) -> Key {
    Key { name: name.to_owned(), columns: columns.iter().map(|column| (*column).to_owned()).collect() }
}

fn refers(peer: &Peer, column: &str, to: &str) -> ForeignKey {
    ForeignKey {
        columns: vec![column.to_owned()],
        references: peer.name(to),
        referenced_columns: vec!["id".to_owned()],
        ..ForeignKey::default()
    }
}

fn child(peer: &Peer, name: &str, of: &str) -> Table {
    let mut child = table(peer, name, vec![Column::new("of", ColumnType::Integer)]);
    child.foreign_keys = vec![refers(peer, "of", of)];
    child
}

async fn takes_each_once(peer: &Peer, name: &str, first: i64) -> Outcome {
    inserted(peer, name, &["id", "code"], vec![int(first), text("a")]).await?;
    let end = insert(peer, name, &["id", "code"], vec![int(first + 1), text("a")]).await?;
    same("end of what is alike", &end, &exists())?;
    inserted(peer, name, &["id", "code"], vec![int(first + 1), text("b")]).await
}

async fn unique(peer: Arc<Peer>) -> Outcome {
    let mut keyed = table(&peer, "made_unique", vec![code()]);
    keyed.unique_keys = vec![key("made_unique_code", &["code"])];
    changed(&peer, vec![Change::CreateTable(keyed.clone())]).await?;
    same("unique keys", &there(&peer, "made_unique").await?.unique_keys, &keyed.unique_keys)?;
    takes_each_once(&peer, "made_unique", 1).await
}

async fn unique_comes_and_goes(peer: Arc<Peer>) -> Outcome {
    let name = "made_unique_later";
    made(&peer, name, vec![code()]).await?;
    let add = Change::AddKey { table: peer.name(name), key: key("later", &["code"]), is_unique: true };
    changed(&peer, vec![add]).await?;
    takes_each_once(&peer, name, 1).await?;
    let drop = Change::DropKey { table: peer.name(name), name: "later".to_owned(), is_unique: true };
    changed(&peer, vec![drop]).await?;
    same("unique keys", &there(&peer, name).await?.unique_keys, &vec![])?;
    inserted(&peer, name, &["id", "code"], vec![int(3), text("a")]).await
}

async fn index(peer: Arc<Peer>) -> Outcome {
    let name = "made_indexed";
    let mut indexed = table(&peer, name, vec![code()]);
    indexed.indexes = vec![key("made_indexed_code", &["code"])];
    changed(&peer, vec![Change::CreateTable(indexed.clone())]).await?;
    same("indexes", &there(&peer, name).await?.indexes, &indexed.indexes)?;
    let both = key("made_indexed_both", &["code", "id"]);
    changed(
        &peer,
        vec![
            Change::DropKey {
                table: peer.name(name),
                name: "made_indexed_code".to_owned(),
                is_unique: false,
            },
            Change::AddKey { table: peer.name(name), key: both.clone(), is_unique: false },
        ],
    )
    .await?;
    same("indexes", &there(&peer, name).await?.indexes, &vec![both])
}

async fn named(peer: Arc<Peer>) -> Outcome {
    let name = "made_unnamed";
    let mut keyed = table(&peer, name, vec![code()]);
    keyed.unique_keys = vec![key("", &["code"])];
    keyed.indexes = vec![key("", &["code", "id"])];
    changed(&peer, vec![Change::CreateTable(keyed)]).await?;
    let found = there(&peer, name).await?;
    let names = |keys: &[Key]| keys.iter().map(|key| key.name.clone()).collect::<Vec<_>>();
    let table = peer.name(name).to_string().replace('.', "_");
    same("unique keys", &names(&found.unique_keys), &vec![format!("undx_{table}_code")])?;
    same("indexes", &names(&found.indexes), &vec![format!("ndx_{table}_code_id")])
}

async fn refuses_orphans(peer: &Peer, name: &str, column: &str) -> Outcome {
    inserted(peer, name, &["id", column], vec![int(1), int(1)]).await?;
    inserted(peer, name, &["id", column], vec![int(2), Value::Null]).await?;
    let end = insert(peer, name, &["id", column], vec![int(3), int(7)]).await?;
    let is_refused = matches!(end, End::Failed(ErrorKind::Conflict, _));
    holds(is_refused, || format!("expected a conflict for an orphan, found {end:?}"))
}

async fn reference(peer: Arc<Peer>) -> Outcome {
    made(&peer, "made_parent", vec![]).await?;
    inserted(&peer, "made_parent", &["id"], vec![int(1)]).await?;
    let mut child = child(&peer, "made_child", "made_parent");
    child.foreign_keys.iter_mut().for_each(|key| key.on_delete = Some("CASCADE".to_owned()));
    changed(&peer, vec![Change::CreateTable(child)]).await?;
    refuses_orphans(&peer, "made_child", "of").await?;
    let found = there(&peer, "made_child").await?.foreign_keys;
    let ends = found.iter().map(|key| (key.columns.clone(), key.references.clone(), key.on_delete.clone()));
    let expected = vec![(vec!["of".to_owned()], peer.name("made_parent"), Some("CASCADE".to_owned()))];
    same("foreign keys", &ends.collect(), &expected)
}

async fn forward(peer: Arc<Peer>) -> Outcome {
    let mut own = child(&peer, "made_round", "made_round_later");
    own.columns.push(Column::new("own", ColumnType::Integer));
    own.foreign_keys.push(refers(&peer, "own", "made_round"));
    let later = child(&peer, "made_round_later", "made_round");
    changed(&peer, vec![Change::CreateTable(own), Change::CreateTable(later)]).await?;
    for (name, keys) in [("made_round", 2), ("made_round_later", 1)] {
        same(name, &there(&peer, name).await?.foreign_keys.len(), &keys)?;
    }
    inserted(&peer, "made_round", &["id"], vec![int(1)]).await?;
    refuses_orphans(&peer, "made_round_later", "of").await
}

async fn by_new_column(peer: Arc<Peer>) -> Outcome {
    made(&peer, "made_owner", vec![]).await?;
    inserted(&peer, "made_owner", &["id"], vec![int(1)]).await?;
    made(&peer, "made_owned", vec![]).await?;
    let owned = || peer.name("made_owned");
    changed(
        &peer,
        vec![
            Change::AddColumn { table: owned(), column: Column::new("owner", ColumnType::Integer) },
            Change::AddForeignKey { table: owned(), foreign_key: refers(&peer, "owner", "made_owner") },
        ],
    )
    .await?;
    same("foreign keys", &there(&peer, "made_owned").await?.foreign_keys.len(), &1)?;
    refuses_orphans(&peer, "made_owned", "owner").await
}

async fn referring_goes(peer: Arc<Peer>) -> Outcome {
    made(&peer, "made_referred", vec![]).await?;
    changed(&peer, vec![Change::CreateTable(child(&peer, "made_referring", "made_referred"))]).await?;
    let gone = Change::DropColumn { table: peer.name("made_referring"), name: "of".to_owned() };
    let ends = change(&peer, vec![gone]).await?;
    let left = there(&peer, "made_referring").await?;
    let expected = match ends.as_slice() {
        [End::Done] => (1, 0),
        [End::Failed(ErrorKind::Unsupported, _)] => (2, 1),
        other => return Err(format!("expected the change or Unsupported, found {other:?}")),
    };
    same("columns and foreign keys", &(left.columns.len(), left.foreign_keys.len()), &expected)
}

async fn held_back(peer: Arc<Peer>) -> Outcome {
    made(&peer, "made_held", vec![]).await?;
    changed(&peer, vec![Change::CreateTable(child(&peer, "made_holder", "made_held"))]).await?;
    let [held, holder] = ["made_held", "made_holder"].map(|name| Change::DropTable(peer.name(name)));
    refused(&peer, "a table that is referred to", held.clone(), ErrorKind::Conflict).await?;
    there(&peer, "made_held").await?;
    changed(&peer, vec![holder, held]).await
}

async fn without_key(peer: Arc<Peer>) -> Outcome {
    made(&peer, "made_keyless", vec![Column::new("value", ColumnType::Integer)]).await?;
    for columns in [vec!["value"], vec!["id", "value"], vec!["id", "id"]] {
        let mut child = child(&peer, "made_of_keyless", "made_keyless");
        child.foreign_keys.iter_mut().for_each(|key| {
            key.referenced_columns = columns.iter().map(|column| (*column).to_owned()).collect();
        });
        let what = format!("a reference to {columns:?}");
        refused(&peer, &what, Change::CreateTable(child), ErrorKind::InvalidRequest).await?;
    }
    let mut child = child(&peer, "made_of_keyless", "made_keyless");
    child.foreign_keys.iter_mut().for_each(|key| key.on_delete = Some("CASCADE; --".to_owned()));
    refused(&peer, "an unknown action", Change::CreateTable(child), ErrorKind::InvalidRequest).await
}

async fn reference_goes(peer: Arc<Peer>) -> Outcome {
    made(&peer, "made_free", vec![]).await?;
    changed(&peer, vec![Change::CreateTable(child(&peer, "made_freed", "made_free"))]).await?;
    let keys = there(&peer, "made_freed").await?.foreign_keys;
    let name = keys.into_iter().map(|key| key.name).next().unwrap_or_default();
    let gone = Change::DropForeignKey { table: peer.name("made_freed"), name };
    let ends = change(&peer, vec![gone]).await?;
    let left = there(&peer, "made_freed").await?.foreign_keys.len();
    match ends.as_slice() {
        [End::Done] => {
            same("foreign keys", &left, &0)?;
            inserted(&peer, "made_freed", &["id", "of"], vec![int(1), int(7)]).await?;
            same("rows", &rows(&peer, "made_freed", &["id"]).await?.len(), &1)
        }
        [End::Failed(ErrorKind::Unsupported, _)] => same("foreign keys", &left, &1),
        other => Err(format!("expected the change or Unsupported, found {other:?}")),
    }
}
