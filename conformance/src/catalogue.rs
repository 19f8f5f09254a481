//! Tables, columns and keys as the connector finds them.

use std::collections::BTreeSet;
use std::sync::Arc;

use connector_api::model::{Column, Table, TableKind, TableRef};

use super::peer::{CALL_TIME, Peer, context, full};
use super::tables::{AUTHOR, BOOK, EDITION, ITEM, ITEM_VIEW, Stored};
use super::{Case, Outcome, holds, same, stock};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("catalogue::every_table_is_listed_once", &["query"], listed),
        Case::new("catalogue::a_view_is_listed_as_one", &["query", "store.views"], view_listed),
        Case::new(
            "catalogue::columns_have_names_types_and_nullability",
            &["query", "store.declared_columns"],
            columns,
        ),
        Case::new("catalogue::guessed_columns_are_said_to_be", &["query", "store.guessed_columns"], guessed),
        Case::new("catalogue::a_view_has_the_columns_of_its_query", &["query", "store.views"], view_columns),
        Case::new("catalogue::a_primary_key_is_in_key_order", &["query"], primary_keys),
        Case::new("catalogue::unique_keys_are_found", &["query", "store.unique_keys"], unique_keys),
        Case::new(
            "catalogue::a_key_that_the_store_makes_is_described",
            &["query", "store.generated_keys"],
            generated_keys,
        ),
        Case::new("catalogue::columns_with_defaults_are_described", &["query", "store.defaults"], defaults),
        Case::new("catalogue::references_name_both_ends", &["query", "store.foreign_keys"], foreign_keys),
        Case::new("catalogue::a_table_that_does_not_exist_is_left_out", &["query"], missing),
        Case::new("catalogue::many_tables_are_described_in_one_call", &["query"], many),
    ]
}

async fn describe(peer: &Peer, tables: Vec<TableRef>) -> Result<Vec<Table>, String> {
    peer.service.describe_tables(tables, context(CALL_TIME)).await.map_err(|error| full(&error))
}

/// One table, as found and as stored.
async fn described<'p>(peer: &'p Peer, name: &str) -> Result<(Table, &'p Stored), String> {
    let found = describe(peer, vec![peer.name(name)]).await?;
    let stored = peer.stored(name)?;
    match <[Table; 1]>::try_from(found) {
        Ok([table]) => {
            same("name", &table.table, &peer.name(name))?;
            Ok((table, stored))
        }
        Err(found) => Err(format!("expected one description of {name}, found {}", found.len())),
    }
}

/// Other tables may stand beside those of the suite.
async fn listed(peer: Arc<Peer>) -> Outcome {
    let listed = peer.service.list_tables(context(CALL_TIME)).await.map_err(|error| full(&error))?;
    let names: BTreeSet<&TableRef> = listed.iter().map(|entry| &entry.table).collect();
    same("different tables", &names.len(), &listed.len())?;
    let missing: Vec<_> =
        peer.tables.iter().filter(|stored| !names.contains(&peer.name(stored.name()))).collect();
    holds(missing.is_empty(), || {
        format!("missing: {:?}", missing.iter().map(|stored| stored.name()).collect::<Vec<_>>())
    })
}

async fn view_listed(peer: Arc<Peer>) -> Outcome {
    let listed = peer.service.list_tables(context(CALL_TIME)).await.map_err(|error| full(&error))?;
    for (name, expected) in [(ITEM, TableKind::Table), (ITEM_VIEW, TableKind::View)] {
        let found = listed.iter().find(|entry| entry.table == peer.name(name)).map(|entry| entry.kind);
        same(name, &found, &Some(expected))?;
    }
    Ok(())
}

async fn columns(peer: Arc<Peer>) -> Outcome {
    for stored in peer.tables.iter().filter(|stored| stored.table.kind == TableKind::Table) {
        let (table, _) = described(&peer, stored.name()).await?;
        let found: Vec<_> = table
            .columns
            .iter()
            .map(|column| (column.name.as_str(), column.data_type, column.is_nullable))
            .collect();
        let expected: Vec<_> = stored
            .table
            .columns
            .iter()
            .map(|column| (column.name.as_str(), peer.quirks.described(column.data_type), column.is_nullable))
            .collect();
        let of_the_suite: Vec<_> = found.into_iter().filter(|(name, ..)| !is_own_key(&peer, name)).collect();
        same(stored.name(), &of_the_suite, &expected)?;
        same(stored.name(), &table.kind, &TableKind::Table)?;
    }
    Ok(())
}

fn is_own_key(peer: &Peer, name: &str) -> bool {
    peer.facts.own_key.as_deref() == Some(name)
}

/// The key comes first and takes no null; whatever else rows have is there with its type.
async fn guessed(peer: Arc<Peer>) -> Outcome {
    for name in [ITEM, EDITION] {
        let (table, stored) = described(&peer, name).await?;
        holds(table.is_inferred, || format!("{name} is not said to be guessed"))?;
        let key = &stored.table.primary_key;
        let first: Vec<_> = table.columns.iter().take(key.len()).map(|column| &column.name).collect();
        same("first columns", &first, &key.iter().collect())?;
        let indexed = stored.table.indexes.iter().flat_map(|index| &index.columns);
        let promised: BTreeSet<&String> = key.iter().chain(indexed).collect();
        let bound =
            table.columns.iter().find(|column| !column.is_guessed && !promised.contains(&column.name));
        holds(bound.is_none(), || format!("{name}: {bound:?} is not said to be guessed"))?;
        let seen = |column: &Column, data_type| {
            let is_nullable = !key.contains(&column.name);
            (column.name.clone(), format!("{data_type:?}"), is_nullable)
        };
        let found: BTreeSet<_> = table
            .columns
            .iter()
            .map(|column| (column.name.clone(), format!("{:?}", column.data_type), column.is_nullable))
            .collect();
        let columns = stored.table.columns.iter();
        let expected = columns.map(|column| seen(column, peer.quirks.described(column.data_type)));
        same(name, &found, &expected.collect())?;
    }
    Ok(())
}

async fn view_columns(peer: Arc<Peer>) -> Outcome {
    let (view, stored) = described(&peer, ITEM_VIEW).await?;
    same("kind", &view.kind, &TableKind::View)?;
    let names = view.columns.iter().map(|column| column.name.as_str());
    let names: Vec<_> = names.filter(|name| !is_own_key(&peer, name)).collect();
    same("columns", &names, &stored.columns())
}

async fn primary_keys(peer: Arc<Peer>) -> Outcome {
    for name in [ITEM, AUTHOR, EDITION] {
        let (table, stored) = described(&peer, name).await?;
        let key = &stored.table.primary_key;
        let Some(own) = &peer.facts.own_key else {
            same(name, &table.primary_key, key)?;
            continue;
        };
        same(name, &table.primary_key, &vec![own.clone()])?;
        holds(table.unique_keys.iter().any(|unique| unique.columns == *key), || {
            format!("{name}: no unique key {key:?} among {:?}", table.unique_keys)
        })?;
    }
    Ok(())
}

async fn unique_keys(peer: Arc<Peer>) -> Outcome {
    for name in [AUTHOR, BOOK] {
        let (table, stored) = described(&peer, name).await?;
        let columns =
            |table: &Table| table.unique_keys.iter().map(|key| key.columns.clone()).collect::<Vec<_>>();
        let primary = peer.facts.own_key.iter().map(|_| stored.table.primary_key.clone());
        let expected = primary.chain(columns(&stored.table)).collect();
        same(name, &columns(&table), &expected)?;
    }
    Ok(())
}

/// The names of the columns for which this holds, as found.
async fn columns_with(peer: &Peer, name: &str, holds: fn(&Column) -> bool) -> Result<Vec<String>, String> {
    let (table, _) = described(peer, name).await?;
    Ok(table.columns.into_iter().filter(holds).map(|column| column.name).collect())
}

async fn generated_keys(peer: Arc<Peer>) -> Outcome {
    let found = columns_with(&peer, &stock::name(0), |column| column.is_auto_increment).await?;
    same("columns that number new rows", &found, &vec!["id".to_owned()])
}

/// A store may show its defaults as expressions of its own.
async fn defaults(peer: Arc<Peer>) -> Outcome {
    let found = columns_with(&peer, &stock::name(0), |column| column.default.is_some()).await?;
    same("columns with a default", &found, &vec!["state".to_owned()])
}

async fn foreign_keys(peer: Arc<Peer>) -> Outcome {
    for name in [BOOK, EDITION, ITEM] {
        let (table, stored) = described(&peer, name).await?;
        let ends = |table: &Table, name_of: &dyn Fn(&TableRef) -> TableRef| {
            let end = |key: &connector_api::model::ForeignKey| {
                (key.columns.clone(), name_of(&key.references), key.referenced_columns.clone())
            };
            table.foreign_keys.iter().map(end).collect::<Vec<_>>()
        };
        let expected = ends(&stored.table, &|table| peer.name(&table.name));
        same(name, &ends(&table, &TableRef::clone), &expected)?;
    }
    Ok(())
}

async fn missing(peer: Arc<Peer>) -> Outcome {
    let wanted = vec![peer.name("no_such_table"), peer.name(ITEM), TableRef::new("no such table; --")];
    let found: Vec<_> = describe(&peer, wanted).await?.into_iter().map(|table| table.table).collect();
    same("tables described", &found, &vec![peer.name(ITEM)])?;
    same("tables described", &describe(&peer, vec![]).await?.len(), &0)
}

async fn many(peer: Arc<Peer>) -> Outcome {
    let wanted: Vec<_> = peer.tables.iter().map(|stored| peer.name(stored.name())).collect();
    let found: BTreeSet<_> =
        describe(&peer, wanted.clone()).await?.into_iter().map(|table| table.table).collect();
    same("tables described", &found, &wanted.into_iter().collect())
}
