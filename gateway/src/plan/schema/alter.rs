//! Changes of tables that are there.

use connector_api::model::{Change, Column, ForeignKey, Key, Table, TableKind};

use super::reference::{self, Found};
use super::{Place, Targets, column, differing};
use crate::plan::Error;
use crate::plan::columns::{Columns, is_same_name};
use crate::request::schema::{FieldWish, ReferenceWish, Special, TableWish};

/// What becomes of columns that a wish does not list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// They stay.
    Stay,
    /// They go.
    Go,
    /// They would go, and nobody said that they may.
    Refused,
}

/// The changes of one table, in the order in which they can be done.
#[derive(Default)]
struct Changes {
    released: Vec<Change>,
    dropped: Vec<Change>,
    columns: Vec<Change>,
    bound: Vec<Change>,
}

/// The changes that make the table what is wished; `described` is how the table is shown now.
///
/// # Errors
/// What can't be changed, and columns that would go without a word.
pub fn altered(
    wish: &TableWish,
    (table, described): (&Table, &TableWish),
    removal: Removal,
    targets: &Targets,
) -> Result<Vec<Change>, Error> {
    refuse_unchangeable(wish, described)?;
    let mut changes = Changes::default();
    for field in wish.fields.iter().flatten() {
        let place = Place { table: &wish.name, field: &field.name };
        match Columns::new(table).find(&field.name) {
            Some(column) => {
                let as_it_is = described.fields.iter().flatten().find(|known| known.name == column.name);
                let unsaid = FieldWish::default();
                let field = (field, as_it_is.unwrap_or(&unsaid));
                changes.alter(place, (table, column), field, targets)?;
            }
            None => changes.add(place, table, field, targets)?,
        }
    }
    changes.drop_unlisted(wish, table, removal)?;
    let Changes { released, dropped, columns, bound } = changes;
    let all = [released, dropped, columns, bound].concat();
    if table.kind == TableKind::View && !all.is_empty() {
        return Err(Error::unsupported(format!("Table '{}': changing the fields of a view", wish.name)));
    }
    Ok(all)
}

/// What a description says beside its fields may come back as it was, no more.
fn refuse_unchangeable(wish: &TableWish, described: &TableWish) -> Result<(), Error> {
    let changed = [
        ("is_view", wish.is_view.is_some() && wish.is_view != described.is_view),
        ("primary_key", wish.primary_key.is_some() && wish.primary_key != described.primary_key),
        ("constraints", wish.constraints.is_some() && wish.constraints != described.constraints),
    ];
    if let Some((name, _)) = changed.iter().find(|(_, is_changed)| *is_changed) {
        return Err(Error::unsupported(format!("Table '{}': changing '{name}'", wish.name)));
    }
    Ok(())
}

impl Changes {
    /// A field that is not there yet.
    fn add(
        &mut self,
        place: Place<'_>,
        table: &Table,
        wish: &FieldWish,
        targets: &Targets,
    ) -> Result<(), Error> {
        if column::is_key(wish) {
            return Err(place.unsupported("a new primary key in a table that exists"));
        }
        let own = table.table.clone();
        let found = reference::found(place, (&wish.reference, wish.data_type.special()), table, targets)?;
        let referred = match &found {
            Some(Found::Column(_, column)) => Some(*column),
            _ => None,
        };
        let column = column::new(place, wish, referred)?;
        self.columns.push(Change::AddColumn { table: own.clone(), column });
        for (is_wished, is_unique) in [(wish.is_unique, true), (wish.is_index, false)] {
            if is_wished == Some(true) {
                self.bound.push(Change::AddKey { table: own.clone(), key: key_of(&wish.name), is_unique });
            }
        }
        let key = found.and_then(|found| reference::of_field(&wish.name, &found, &wish.reference));
        self.bound.extend(key.map(|foreign_key| Change::AddForeignKey { table: own, foreign_key }));
        Ok(())
    }

    /// A field that is there, and shown as `described`.
    fn alter(
        &mut self,
        place: Place<'_>,
        (table, column): (&Table, &Column),
        (wish, described): (&FieldWish, &FieldWish),
        targets: &Targets,
    ) -> Result<(), Error> {
        let new = differing(wish, described);
        column::refuse_computed(place, &new)?;
        refuse_key(place, table, &new)?;
        if let Some(column) = column::altered(place, column, (wish, &new))? {
            self.columns.push(Change::AlterColumn { table: table.table.clone(), column });
        }
        self.alter_keys(place, table, &column.name, &new)?;
        self.alter_reference(place, (table, column), (wish, &new), targets)
    }

    fn alter_keys(
        &mut self,
        place: Place<'_>,
        table: &Table,
        column: &str,
        new: &FieldWish,
    ) -> Result<(), Error> {
        let both = [(new.is_unique, true, &table.unique_keys), (new.is_index, false, &table.indexes)];
        for (wished, is_unique, keys) in both {
            match wished {
                Some(true) => {
                    self.bound.push(Change::AddKey {
                        table: table.table.clone(),
                        key: key_of(column),
                        is_unique,
                    });
                }
                Some(false) => self.drop_keys(place, table, (column, is_unique), keys)?,
                None => {}
            }
        }
        Ok(())
    }

    /// Those of the field alone; one over several fields is not this field's to take away.
    fn drop_keys(
        &mut self,
        place: Place<'_>,
        table: &Table,
        (column, is_unique): (&str, bool),
        keys: &[Key],
    ) -> Result<(), Error> {
        for key in keys.iter().filter(|key| key.columns.first().is_some_and(|first| first == column)) {
            if key.columns.len() > 1 {
                if is_unique {
                    continue;
                }
                return Err(place.unsupported("taking away an index over several fields"));
            }
            self.released.push(Change::DropKey {
                table: table.table.clone(),
                name: key.name.clone(),
                is_unique,
            });
        }
        Ok(())
    }

    fn alter_reference(
        &mut self,
        place: Place<'_>,
        (table, column): (&Table, &Column),
        (wish, new): (&FieldWish, &FieldWish),
        targets: &Targets,
    ) -> Result<(), Error> {
        let special = new.data_type.special();
        let is_said = new.reference != ReferenceWish::default();
        let present = present(place, table, column, is_said)?;
        let is_gone = new.reference.is_foreign_key == Some(false) || new.reference.table == Some(None);
        if is_gone {
            self.release(table, present);
            return Ok(());
        }
        if !is_said && (present.is_some() || special != Special::Reference) {
            return Ok(());
        }
        let merged = merged(&wish.reference, present);
        let found = reference::found(place, (&merged, special), table, targets)?;
        let Some(foreign_key) = found.and_then(|found| reference::of_field(&column.name, &found, &merged))
        else {
            return Ok(());
        };
        let is_same = present
            .is_some_and(|present| ForeignKey { name: String::new(), ..present.clone() } == foreign_key);
        if !is_same {
            self.release(table, present);
            self.bound.push(Change::AddForeignKey { table: table.table.clone(), foreign_key });
        }
        Ok(())
    }

    fn release(&mut self, table: &Table, present: Option<&ForeignKey>) {
        let change =
            present.map(|key| Change::DropForeignKey { table: table.table.clone(), name: key.name.clone() });
        self.released.extend(change);
    }

    fn drop_unlisted(&mut self, wish: &TableWish, table: &Table, removal: Removal) -> Result<(), Error> {
        let Some(fields) = wish.fields.as_ref().filter(|_| removal != Removal::Stay) else { return Ok(()) };
        let listed = fields.iter().filter_map(|field| Columns::new(table).find(&field.name));
        let listed: Vec<&str> = listed.map(|column| column.name.as_str()).collect();
        if listed.is_empty() {
            let message = "none of its fields is listed, so all would be dropped; drop the table instead";
            return Err(Error::record(format!("Table '{}': {message}.", wish.name)));
        }
        let columns = table.columns.iter().map(|column| column.name.as_str());
        let unlisted: Vec<&str> = columns.filter(|name| !listed.contains(name)).collect();
        if removal == Removal::Refused && !unlisted.is_empty() {
            return Err(Error::record(format!(
                "Table '{}': the fields {} are not listed and would be dropped with their values; list them, use PATCH, or add allow_delete=true.",
                wish.name,
                unlisted.join(", ")
            )));
        }
        let drop = |name: &&str| Change::DropColumn { table: table.table.clone(), name: (*name).to_owned() };
        self.dropped.extend(unlisted.iter().map(drop));
        Ok(())
    }
}

/// The key of a view is an extra.
fn refuse_key(place: Place<'_>, table: &Table, new: &FieldWish) -> Result<(), Error> {
    let is_new = new.is_primary_key.is_some() && table.kind != TableKind::View;
    let is_id = column::is_key(new) && new.is_primary_key.is_none();
    let is_key = table.primary_key.iter().any(|name| is_same_name(name, &new.name));
    if is_new || (is_id && !is_key) {
        return Err(place.unsupported("changing the primary key of a table that exists"));
    }
    Ok(())
}

fn key_of(column: &str) -> Key {
    Key { name: String::new(), columns: vec![column.to_owned()] }
}

/// The reference that the field has alone.
fn present<'t>(
    place: Place<'_>,
    table: &'t Table,
    column: &Column,
    is_changed: bool,
) -> Result<Option<&'t ForeignKey>, Error> {
    let of_column = || table.foreign_keys.iter().filter(|key| key.columns.contains(&column.name));
    let alone = of_column().find(|key| key.columns.len() == 1);
    if alone.is_none() && is_changed && of_column().next().is_some() {
        return Err(place.unsupported("changing a reference over several fields"));
    }
    Ok(alone)
}

/// What is wished of a reference, and of the rest what there is.
fn merged(wish: &ReferenceWish, present: Option<&ForeignKey>) -> ReferenceWish {
    let Some(present) = present else { return wish.clone() };
    ReferenceWish {
        is_foreign_key: Some(true),
        table: wish.table.clone().or_else(|| Some(Some(present.references.to_string()))),
        field: wish.field.clone().or_else(|| Some(present.referenced_columns.first().cloned())),
        on_update: wish.on_update.clone().or_else(|| Some(present.on_update.clone())),
        on_delete: wish.on_delete.clone().or_else(|| Some(present.on_delete.clone())),
    }
}
