//! New tables: their columns, keys and references as they are wished.

use connector_api::model::{ForeignKey, Key, Table, TableRef};

use super::reference::{self, Found};
use super::{Place, Target, Targets, column};
use crate::plan::Error;
use crate::plan::columns::{Columns, is_same_name};
use crate::request::schema::{Constraint, ConstraintKind, FieldWish, RelationshipWish, TableWish};
use crate::schema::relationships::RelationshipKind;

/// The table that is wished, with this name in the store. References to tables that come later are left out.
///
/// # Errors
/// What can't be made of the wish.
pub fn created(wish: &TableWish, name: TableRef, targets: &Targets) -> Result<Table, Error> {
    if wish.is_view == Some(true) {
        return Err(Error::unsupported(format!("Table '{}': creating a view", wish.name)));
    }
    refuse_relationships(wish)?;
    let fields = wish.fields.as_deref().unwrap_or_default();
    if fields.is_empty() {
        return Err(Error::record(format!("Table '{}': it needs at least one 'field'.", wish.name)));
    }
    // As references to the table itself see it: the fields of its key are known from the beginning.
    let key = fields.iter().filter(|field| column::is_key(field)).map(|field| field.name.clone());
    let mut table = Table { table: name, primary_key: key.collect(), ..Table::default() };
    for field in fields {
        // One that refers to its own table has the type of a field before it.
        let place = Place { table: &wish.name, field: &field.name };
        let special = field.data_type.special();
        let found = reference::found(place, (&field.reference, special), &table, targets);
        let referred = match &found {
            Ok(Some(Found::Column(_, column))) => Some((*column).clone()),
            _ => None,
        };
        table.columns.push(column::new(place, field, referred.as_ref())?);
    }
    table.primary_key = primary_key(wish, fields)?;
    add_constraints(&mut table, wish, targets)?;
    for field in fields {
        add_keys(&mut table, wish, field, targets)?;
    }
    Ok(table)
}

/// Relationships that are not virtual follow from references, of other tables as well, and can't be made without one. Those of a
/// description may come back.
fn refuse_relationships(wish: &TableWish) -> Result<(), Error> {
    let is_made = |related: &RelationshipWish| {
        let is_own = related.way.kind == Some(RelationshipKind::BelongsTo);
        let columns = related.way.field.clone().flatten().unwrap_or_default();
        related.is_virtual == Some(true) || !is_own || is_reference(wish, &columns.join(","))
    };
    if wish.related.iter().flatten().all(is_made) {
        return Ok(());
    }
    Err(Error::unsupported(format!("Table '{}': creating relationships without a reference", wish.name)))
}

/// Whether a field, or a constraint over these fields, refers to a table.
fn is_reference(wish: &TableWish, columns: &str) -> bool {
    let of_field =
        |field: &FieldWish| is_same_name(&field.name, columns) && field.reference.target().is_some();
    let of_constraint = |constraint: &Constraint| {
        let is_foreign = matches!(constraint.kind, ConstraintKind::Foreign { .. });
        is_foreign && is_same_name(&constraint.columns.join(","), columns)
    };
    wish.fields.iter().flatten().any(of_field) || wish.constraints.iter().flatten().any(of_constraint)
}

/// The fields that say so, in the order that the table says.
fn primary_key(wish: &TableWish, fields: &[FieldWish]) -> Result<Vec<String>, Error> {
    let of_fields: Vec<String> =
        fields.iter().filter(|field| column::is_key(field)).map(|field| field.name.clone()).collect();
    let Some(Some(ordered)) = &wish.primary_key else { return Ok(of_fields) };
    let spelled = ordered.iter().map(|name| {
        let found = fields.iter().find(|field| is_same_name(&field.name, name));
        found.map(|field| field.name.clone()).ok_or_else(|| {
            Error::record(format!(
                "Table '{}': 'primary_key' names '{name}', which is no field of it.",
                wish.name
            ))
        })
    });
    let spelled: Vec<String> = spelled.collect::<Result<_, _>>()?;
    if of_fields.iter().any(|name| !spelled.contains(name)) {
        let message = "'primary_key' and 'is_primary_key' of the fields say different things";
        return Err(Error::record(format!("Table '{}': {message}.", wish.name)));
    }
    Ok(spelled)
}

fn add_constraints(table: &mut Table, wish: &TableWish, targets: &Targets) -> Result<(), Error> {
    for constraint in wish.constraints.iter().flatten() {
        let columns = spelled(table, wish, &constraint.columns)?;
        match &constraint.kind {
            ConstraintKind::Primary => {}
            ConstraintKind::Unique => {
                table.unique_keys.push(Key { name: constraint.name.clone(), columns });
            }
            ConstraintKind::Foreign { .. } => {
                let key = foreign_key(table, wish, constraint, targets)?;
                table.foreign_keys.extend(key.map(|key| ForeignKey { columns, ..key }));
            }
        }
    }
    Ok(())
}

/// A reference over any number of columns; `None`: its table comes later.
fn foreign_key(
    table: &Table,
    wish: &TableWish,
    constraint: &Constraint,
    targets: &Targets,
) -> Result<Option<ForeignKey>, Error> {
    let ConstraintKind::Foreign { table: name, columns, on_update, on_delete } = &constraint.kind else {
        return Ok(None);
    };
    let references = match targets.get(name) {
        // A reference of one field is asked for again by the field.
        Some(Target::Later) if constraint.columns.len() == 1 => return Ok(None),
        Some(Target::Later) => {
            return Err(Error::unsupported(format!(
                "Table '{}': a reference over several fields to '{name}', which refers to this table itself,",
                wish.name
            )));
        }
        Some(Target::Known(target)) => target.table.clone(),
        None if is_same_name(name, &wish.name) => table.table.clone(),
        None => {
            return Err(Error::record(format!(
                "Table '{}': 'constraints' name the table '{name}', which does not exist.",
                wish.name
            )));
        }
    };
    Ok(Some(ForeignKey {
        name: constraint.name.clone(),
        columns: Vec::new(),
        references,
        referenced_columns: columns.clone(),
        on_update: on_update.clone(),
        on_delete: on_delete.clone(),
    }))
}

fn spelled(table: &Table, wish: &TableWish, names: &[String]) -> Result<Vec<String>, Error> {
    let spelled = names.iter().map(|name| {
        let found = Columns::new(table).find(name).map(|column| column.name.clone());
        found.ok_or_else(|| {
            Error::record(format!(
                "Table '{}': 'constraints' name '{name}', which is no field of it.",
                wish.name
            ))
        })
    });
    spelled.collect()
}

/// The keys and the reference of a field that no constraint says already.
fn add_keys(table: &mut Table, wish: &TableWish, field: &FieldWish, targets: &Targets) -> Result<(), Error> {
    let alone = || Key { name: String::new(), columns: vec![field.name.clone()] };
    let is_alone = |columns: &[String]| columns == [field.name.as_str()];
    if field.is_unique == Some(true) && !table.unique_keys.iter().any(|key| is_alone(&key.columns)) {
        table.unique_keys.push(alone());
    }
    if field.is_index == Some(true) {
        table.indexes.push(alone());
    }
    let is_referring = table.foreign_keys.iter().any(|key| key.columns.contains(&field.name));
    let is_later = wish.constraints.iter().flatten().any(|constraint| {
        matches!(constraint.kind, ConstraintKind::Foreign { .. })
            && constraint.columns.iter().any(|column| is_same_name(column, &field.name))
    });
    if is_referring || is_later {
        return Ok(());
    }
    let place = Place { table: &wish.name, field: &field.name };
    let key = {
        let found = reference::found(place, (&field.reference, field.data_type.special()), table, targets)?;
        found.and_then(|found| reference::of_field(&field.name, &found, &field.reference))
    };
    table.foreign_keys.extend(key);
    Ok(())
}
