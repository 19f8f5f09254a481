//! Extras of tables and fields: what is kept is what the database does not say by itself.

use std::sync::Arc;

use connector_api::model::{Column, ColumnType, Table, TableKind};

use crate::error::ApiError;
use crate::events;
use crate::extras::{Extras, FieldExtras, Problem, Rules, TableExtras};
use crate::operation::Owner;
use crate::plan::schema::merge;
use crate::plan::{Aliases, Columns};
use crate::request::schema::{FieldExtrasWish, FieldWish, Said, Special, TableWish};
use crate::schema::names::{label, lookup_key, public_name};

/// Refuses rules for values that can't be read.
pub(super) fn check(wish: &TableWish) -> Result<(), ApiError> {
    for field in wish.fields.iter().flatten() {
        if field.is_aggregate {
            let what = format!(
                "Table '{}', field '{}': a field that is computed of many rows",
                wish.name, field.name
            );
            return Err(ApiError::unsupported(what));
        }
        let Some(Some(validation)) = &field.extras.validation else { continue };
        if let Err(what) = Rules::parse(validation) {
            return Err(ApiError::wrong_validation(&wish.name, &field.name, what));
        }
    }
    Ok(())
}

/// Refuses names that are those of others. `table`: as it is before the change; `others`: the names of the others.
pub(super) fn check_names(
    owner: &Owner,
    (wish, name): (&TableWish, &str),
    table: &Table,
    others: &[String],
) -> Result<(), ApiError> {
    let is_alias = |said: &Said<String>| matches!(said, Some(Some(_)));
    let of_field = wish.fields.iter().flatten().find(|field| is_alias(&field.extras.alias));
    if let (Some(field), true) = (of_field, table.is_open) {
        return Err(ApiError::unsupported(format!("Table '{name}', field '{}': an alias", field.name)));
    }
    let has_function = |field: &&FieldWish| matches!(field.extras.db_function, Some(Some(_)));
    let computed = wish.fields.iter().flatten().find(has_function);
    if let (Some(field), false) = (computed, owner.connection.capabilities().computed_columns) {
        return Err(ApiError::unsupported(format!("Table '{name}', field '{}': a function", field.name)));
    }
    let mut table = table.clone();
    for field in wish.fields.iter().flatten().filter(|field| !field.is_virtual) {
        if Columns::new(&table).find(&field.name).is_none() && !is_virtual(owner, name, &field.name) {
            table.columns.push(Column::new(&field.name, ColumnType::Other));
        }
    }
    let kept = owner.service.extras().table(name).unwrap_or_default();
    let merged = merged(kept, (wish, &TableWish::default()), (&table, false));
    let refused = |what: String| Err(ApiError::wrong_names(format!("table '{name}': {what}")));
    if let Some(problem) = Aliases::of(&table, &merged).1.pop() {
        return refused(problem);
    }
    let alias = merged.alias.as_ref();
    if let Some(other) = alias.and_then(|alias| others.iter().find(|other| is_same(other, alias))) {
        return refused(format!("the alias '{other}' is the name of another table"));
    }
    if let Some(other) = owner.service.extras().table_of_alias(name).filter(|other| !is_same(other, name)) {
        return refused(format!("its name is the alias of the table '{other}'"));
    }
    owner.service.extras().check_names(name, merged).map_err(ApiError::wrong_names)
}

/// Whether a wish gives a table or its fields other names or functions than they have.
pub(super) fn renames(owner: &Owner, (wish, name): (&TableWish, &str), table: &Table) -> bool {
    let kept = owner.service.extras().table(name).unwrap_or_default();
    let merged = merged(kept.clone(), (wish, &TableWish::default()), (table, false));
    let fields = |extras: &TableExtras| {
        let said =
            extras.fields.iter().filter(|(_, field)| field.alias.is_some() || !field.db_function.is_empty());
        said.map(|(name, field)| (name.clone(), field.alias.clone(), field.db_function.clone()))
            .collect::<Vec<_>>()
    };
    merged.alias != kept.alias || fields(&merged) != fields(&kept)
}

/// Whether the table has a virtual field of this name.
pub(super) fn is_virtual(owner: &Owner, table: &str, field: &str) -> bool {
    let extras = owner.service.extras().table(table).unwrap_or_default();
    extras.fields.iter().any(|(name, known)| known.is_virtual && is_same(name, field))
}

fn is_same(left: &str, right: &str) -> bool {
    lookup_key(left) == lookup_key(right)
}

/// Keeps what the wish says of a table and the table's description without extras does not. `drops`: virtual fields that it does not list go.
pub(super) async fn keep(
    owner: &Owner,
    (wish, bare): (&TableWish, &TableWish),
    (table, drops): (&Table, bool),
) -> Result<(), ApiError> {
    let name = public_name(&table.table);
    let before = owner.service.extras().table(&name).unwrap_or_default();
    if merged(before.clone(), (wish, bare), (table, drops)) == before {
        return Ok(());
    }
    // Others may have changed them by the turn of this one.
    let (wish, bare, table) = (wish.clone(), bare.clone(), table.clone());
    store(owner, name, move |now| merged(now, (&wish, &bare), (&table, drops))).await
}

fn merged(
    mut extras: TableExtras,
    (wish, bare): (&TableWish, &TableWish),
    (table, drops): (&Table, bool),
) -> TableExtras {
    let is_view = table.kind == TableKind::View;
    let is_listed = |name: &str| {
        let fields = wish.fields.as_ref().filter(|_| drops);
        fields.is_none_or(|fields| fields.iter().any(|field| is_same(&field.name, name)))
    };
    extras.fields.retain(|name, field| match field.is_virtual {
        true => is_listed(name),
        false => Columns::new(table).find(name).is_some(),
    });
    merge_table(&mut extras, wish, bare);
    for field in wish.fields.iter().flatten() {
        let Some(column) = Columns::new(table).find(&field.name) else {
            merge_virtual(&mut extras, field);
            continue;
        };
        let unsaid = FieldWish::default();
        let bare = bare.fields.iter().flatten().find(|known| known.name == column.name).unwrap_or(&unsaid);
        merge_field(extras.fields.entry(column.name.clone()).or_default(), (field, bare), is_view);
    }
    extras.tidied()
}

fn merge_table(extras: &mut TableExtras, wish: &TableWish, bare: &TableWish) {
    let (wish, bare) = (&wish.extras, &bare.extras);
    merge(&mut extras.label, &wish.label, &bare.label);
    merge(&mut extras.plural, &wish.plural, &bare.plural);
    merge(&mut extras.description, &wish.description, &bare.description);
    merge(&mut extras.alias, &wish.alias, &bare.alias);
    merge(&mut extras.name_field, &wish.name_field, &bare.name_field);
}

fn merge_field(extras: &mut FieldExtras, (field, bare): (&FieldWish, &FieldWish), is_view: bool) {
    let (wish, known) = (&field.extras, &bare.extras);
    merge(&mut extras.label, &wish.label, &known.label);
    merge(&mut extras.description, &wish.description, &known.description);
    merge(&mut extras.alias, &wish.alias, &known.alias);
    merge(&mut extras.picklist, &wish.picklist, &known.picklist);
    merge(&mut extras.validation, &wish.validation, &known.validation);
    merge_functions(extras, wish);
    if let Some(simple) = field.data_type.simple {
        let is_kept = matches!(simple.special, Special::Stamped | Special::Kept);
        extras.type_word = is_kept.then(|| simple.word.to_owned());
    }
    if let (Some(is_key), true) = (field.is_primary_key, is_view) {
        extras.is_primary_key = is_key;
    }
}

/// A field that is kept beside the database only, if it is one.
fn merge_virtual(extras: &mut TableExtras, field: &FieldWish) {
    let known = extras.fields.iter().find(|(name, known)| known.is_virtual && is_same(name, &field.name));
    let name = match known {
        Some((name, _)) => name.clone(),
        None if field.is_virtual => field.name.clone(),
        None => return,
    };
    let kept = extras.fields.entry(name).or_default();
    kept.is_virtual = true;
    let nothing = FieldExtrasWish::default();
    merge(&mut kept.label, &field.extras.label, &nothing.label);
    merge(&mut kept.description, &field.extras.description, &nothing.description);
    merge(&mut kept.alias, &field.extras.alias, &nothing.alias);
    merge_functions(kept, &field.extras);
    kept.type_word = field.data_type.simple.map(|simple| simple.word.to_owned()).or(kept.type_word.take());
    // What follows from its name is not kept.
    kept.label = kept.label.take().filter(|text| *text != label(&field.name));
}

fn merge_functions(extras: &mut FieldExtras, wish: &FieldExtrasWish) {
    if let Some(functions) = &wish.db_function {
        extras.db_function = functions.clone().unwrap_or_default();
    }
}

/// Forgets those of a table.
pub(super) async fn forget_table(owner: &Owner, table: &str) -> Result<(), ApiError> {
    match owner.service.extras().table(table) {
        None => Ok(()),
        Some(_) => store(owner, table.to_owned(), |_| TableExtras::default()).await,
    }
}

/// Forgets those of some fields.
pub(super) async fn forget_fields(owner: &Owner, table: &str, fields: Vec<String>) -> Result<(), ApiError> {
    if owner.service.extras().table(table).is_none() {
        return Ok(());
    }
    let forget = move |mut extras: TableExtras| {
        extras.fields.retain(|name, _| !fields.iter().any(|field| is_same(field, name)));
        extras
    };
    store(owner, table.to_owned(), forget).await
}

/// Whoever shows the table next sees it with what is kept now.
pub(super) async fn store(
    owner: &Owner,
    table: String,
    change: impl FnOnce(TableExtras) -> TableExtras + Send + 'static,
) -> Result<(), ApiError> {
    let name = table.clone();
    let written = on_disk(owner, table, move |extras| extras.change(&name, change)).await;
    owner.service.catalogue().outdate();
    written
}

/// Refuses all changes while the file is another one than was read: what a person wrote into it is not overwritten, and nothing is done
/// by halves.
pub(super) async fn check_file(owner: &Owner) -> Result<(), ApiError> {
    on_disk(owner, String::new(), Extras::check).await
}

/// Does on a thread of its own what waits for the disk.
async fn on_disk(
    owner: &Owner,
    table: String,
    work: impl FnOnce(&Extras) -> Result<(), Problem> + Send + 'static,
) -> Result<(), ApiError> {
    let extras = Arc::clone(owner.service.extras());
    let (problem, is_unread) = match tokio::task::spawn_blocking(move || work(&extras)).await {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(problem)) => (problem.to_string(), problem.is_unread()),
        Err(_) => ("a thread panicked".to_owned(), false),
    };
    events::extras_unwritten(owner.service.name(), &owner.request_id, &problem);
    if is_unread {
        return Err(ApiError::extras_unread(owner.service.name()));
    }
    Err(ApiError::extras_unwritable(table))
}
