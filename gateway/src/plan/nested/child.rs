//! One related record: what is wanted of its row.

use connector_api::model::{Column, Table};
use serde_json::Value as Json;

use super::taken;
use crate::plan::Error;
use crate::plan::columns::{Columns, is_same_name};
use crate::request::Record;
use crate::schema::names::public_name;

/// The rows that a relationship leads to.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// Their table.
    pub table: &'a Table,
    /// Their columns that say whose they are; none where they belong to nobody.
    pub owned_by: &'a [String],
    /// A row that can't be without an owner is removed when it loses its own (`allow_related_delete`).
    pub removes: bool,
}

/// What is wanted of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// A new one.
    Create,
    /// It shall belong to the owner.
    Adopt,
    /// Likewise, with other values.
    Change,
    /// Likewise, and it is created if it is missing.
    Put,
    /// It shall belong to nobody.
    Disown,
    /// It shall go away.
    Remove,
}

/// A part of a key.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// The record says it.
    Given(Json),
    /// The value of the owner at this place among [`Rows::owned_by`].
    OfOwner(usize),
}

/// A related record.
#[derive(Debug, Clone, PartialEq)]
pub struct Child {
    /// What is wanted.
    pub wish: Wish,
    /// The key of its row, in the order of the primary key; empty for a new row.
    pub key: Vec<Part>,
    /// The members beside the key and the columns of the owner.
    pub rest: Record,
    /// The columns of the owner that become null.
    pub freed: Vec<String>,
}

impl Rows<'_> {
    /// What a record wants.
    ///
    /// # Errors
    /// A key that nobody gives; a row that can't be without an owner and may not be removed.
    pub fn child(&self, mut record: Record) -> Result<Child, Error> {
        let mut freed = Vec::new();
        for column in self.owned_by {
            if taken(&mut record, column).is_some_and(|given| given.is_null()) {
                freed.push(column.clone());
            }
        }
        let key = match self.key(&mut record)? {
            Some(key) if !key.is_empty() => key,
            _ => return Ok(Child { wish: Wish::Create, key: Vec::new(), rest: record, freed: Vec::new() }),
        };
        let wish = if freed.is_empty() { self.kept(&key, &record) } else { self.let_go(&freed)? };
        Ok(Child { wish, key, rest: record, freed })
    }

    /// What becomes of a row that has to lose its owner.
    ///
    /// # Errors
    /// It can't be without one and may not be removed.
    pub fn let_go(&self, freed: &[String]) -> Result<Wish, Error> {
        let Some(fixed) = freed.iter().find(|name| !self.is_free(name)) else { return Ok(Wish::Disown) };
        if self.removes {
            return Ok(Wish::Remove);
        }
        let table = public_name(&self.table.table);
        Err(Error::record(format!(
            "Field '{fixed}' can not be NULL, so a row of '{table}' can't be without the row that it belongs to; \
             'allow_related_delete=true' deletes it."
        )))
    }

    /// The columns of the owner that can be null.
    #[must_use]
    pub fn releasable(&self) -> Vec<String> {
        self.owned_by.iter().filter(|name| self.is_free(name)).cloned().collect()
    }

    fn is_free(&self, name: &str) -> bool {
        let is_key = self.table.primary_key.iter().any(|key| key == name);
        !is_key && Columns::new(self.table).find(name).is_none_or(|column| column.is_nullable)
    }

    /// What is wanted of a row that keeps or gets its owner.
    fn kept(&self, key: &[Part], rest: &Record) -> Wish {
        let is_owners = key.iter().any(|part| matches!(part, Part::OfOwner(_)));
        let columns = Columns::new(self.table);
        let is_numbered = |name: &String| columns.find(name).is_some_and(|column| column.is_auto_increment);
        match (rest.is_empty(), is_owners) {
            (_, true) => Wish::Put,
            (true, false) => Wish::Adopt,
            _ if self.table.primary_key.iter().any(is_numbered) => Wish::Change,
            _ => Wish::Put,
        }
    }

    /// Takes the key out of a record; `None`: the store makes it.
    fn key(&self, record: &mut Record) -> Result<Option<Vec<Part>>, Error> {
        let parts: Vec<(&String, Option<Part>)> =
            self.table.primary_key.iter().map(|name| (name, self.part(name, record))).collect();
        let is_whole = parts.iter().all(|(_, part)| part.is_some());
        if is_whole {
            return Ok(Some(parts.into_iter().filter_map(|(_, part)| part).collect()));
        }
        let columns = Columns::new(self.table);
        for (name, part) in parts {
            match part {
                Some(Part::Given(value)) => drop(record.insert(name.clone(), value)),
                None if !columns.find(name).is_some_and(is_made) => {
                    return Err(Error::record(format!(
                        "Related record has no primary key value for '{name}'."
                    )));
                }
                Some(Part::OfOwner(_)) | None => {}
            }
        }
        Ok(None)
    }

    fn part(&self, name: &String, record: &mut Record) -> Option<Part> {
        if let Some(place) = self.owned_by.iter().position(|own| own == name) {
            return Some(Part::OfOwner(place));
        }
        taken(record, name).filter(|value| !value.is_null()).map(Part::Given)
    }
}

/// Whether the store fills it in a new row.
fn is_made(column: &Column) -> bool {
    column.is_auto_increment || column.is_generated || column.default.is_some()
}

impl Child {
    /// The values of its key.
    #[must_use]
    pub fn key_of(&self, owner: &[Json]) -> Vec<Json> {
        let value = |part: &Part| match part {
            Part::Given(value) => value.clone(),
            Part::OfOwner(place) => owner.get(*place).cloned().unwrap_or_default(),
        };
        self.key.iter().map(value).collect()
    }
}

/// Refuses an element of a `many_many` that names a table in the way of [`takes_away`], but not the one that is written: it would be linked
/// instead.
///
/// # Errors
/// It has such a member, which is no field of its own table.
pub fn check_marker(record: &Record, (own, columns): (&str, &[String]), table: &Table) -> Result<(), Error> {
    let is_marker = |(name, value): &(&String, &Json)| {
        value.is_null() && name.contains('.') && Columns::new(table).find(name).is_none()
    };
    let Some((name, _)) = record.iter().find(is_marker).filter(|_| !table.is_open) else { return Ok(()) };
    let column = columns.first().map_or("", String::as_str);
    Err(Error::record(format!("'{name}' takes no link away; that is '{own}.{column}': null.")))
}

/// Whether an element of a `many_many` says that it is no longer linked: it has `"{table}.{column}": null`, which is taken out of it.
/// `tables` are the names of the table.
pub fn takes_away(record: &mut Record, tables: &[String], columns: &[String]) -> bool {
    let column_of = |name: &'_ str, table: &String| {
        let (head, rest) = name.split_at_checked(table.len())?;
        let column = rest.strip_prefix('.').filter(|_| is_same_name(head, table))?;
        Some(columns.iter().any(|known| is_same_name(known, column)))
    };
    let is_marker = |name: &str| tables.iter().any(|table| column_of(name, table) == Some(true));
    let before = record.len();
    record.retain(|name, value| !(value.is_null() && is_marker(name)));
    record.len() < before
}
