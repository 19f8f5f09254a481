//! Extras of tables and fields: what is kept is what the database does not say by itself.

use std::sync::Arc;

use connector_api::model::{Table, TableKind};

use crate::error::ApiError;
use crate::events;
use crate::extras::{Extras, FieldExtras, Problem, Rules, TableExtras};
use crate::operation::Owner;
use crate::plan::Columns;
use crate::plan::schema::merge;
use crate::request::schema::{FieldWish, Said, Special, TableWish};
use crate::schema::names::public_name;

/// Refuses what could only be stored and would then do nothing.
pub(super) fn check(wish: &TableWish) -> Result<(), ApiError> {
    let is_said = |said: &Said<String>| matches!(said, Some(Some(_)));
    let of_fields = wish.fields.iter().flatten().find(|field| is_said(&field.extras.alias));
    if let Some(field) = of_fields {
        return Err(ApiError::unsupported(format!(
            "Table '{}', field '{}': an alias",
            wish.name, field.name
        )));
    }
    if is_said(&wish.extras.alias) {
        return Err(ApiError::unsupported(format!("Table '{}': an alias", wish.name)));
    }
    for field in wish.fields.iter().flatten() {
        let Some(Some(validation)) = &field.extras.validation else { continue };
        if let Err(what) = Rules::parse(validation) {
            return Err(ApiError::wrong_validation(&wish.name, &field.name, what));
        }
    }
    Ok(())
}

/// Keeps what the wish says of a table and the table's description without extras does not.
pub(super) async fn keep(
    owner: &Owner,
    (wish, bare): (&TableWish, &TableWish),
    table: &Table,
) -> Result<(), ApiError> {
    let name = public_name(&table.table);
    let before = owner.service.extras().table(&name).unwrap_or_default();
    if merged(before.clone(), (wish, bare), table) == before {
        return Ok(());
    }
    // Others may have changed them by the turn of this one.
    let (wish, bare, table) = (wish.clone(), bare.clone(), table.clone());
    store(owner, name, move |now| merged(now, (&wish, &bare), &table)).await
}

fn merged(mut extras: TableExtras, (wish, bare): (&TableWish, &TableWish), table: &Table) -> TableExtras {
    let is_view = table.kind == TableKind::View;
    extras.fields.retain(|name, _| Columns::new(table).find(name).is_some());
    merge_table(&mut extras, wish, bare);
    for field in wish.fields.iter().flatten() {
        let Some(column) = Columns::new(table).find(&field.name) else { continue };
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
    merge(&mut extras.name_field, &wish.name_field, &bare.name_field);
}

fn merge_field(extras: &mut FieldExtras, (field, bare): (&FieldWish, &FieldWish), is_view: bool) {
    let (wish, known) = (&field.extras, &bare.extras);
    merge(&mut extras.label, &wish.label, &known.label);
    merge(&mut extras.description, &wish.description, &known.description);
    merge(&mut extras.picklist, &wish.picklist, &known.picklist);
    merge(&mut extras.validation, &wish.validation, &known.validation);
    if let Some(simple) = field.data_type.simple {
        let is_kept = matches!(simple.special, Special::Stamped | Special::Kept);
        extras.type_word = is_kept.then(|| simple.word.to_owned());
    }
    if let (Some(is_key), true) = (field.is_primary_key, is_view) {
        extras.is_primary_key = is_key;
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
        extras.fields.retain(|name, _| !fields.contains(name));
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
