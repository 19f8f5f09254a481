//! Wished relationships beside those that are there → what is kept of each beside the database. A foreign key's own say can't be changed
//! here; a virtual one is what the wish makes of it.

use connector_api::model::{ForeignKey, Table};

use super::merge;
use crate::extras::{RelationshipExtras, VirtualRelationship, check_alias};
use crate::plan::Error;
use crate::plan::columns::{Columns, is_same_name};
use crate::request::schema::{RelationshipExtrasWish, RelationshipWish, Said, WayWish};
use crate::schema::names::{label, public_name};
use crate::schema::relationships::{Relationship, RelationshipKind};

/// What is to be kept of a relationship.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRelationship {
    /// What a virtual one is made of, as far as it is written; `None`: it is not virtual.
    pub made: Option<VirtualRelationship>,
    /// As the wish has it.
    name: Option<String>,
    extras: RelationshipExtrasWish,
    description: Option<String>,
}

impl KeptRelationship {
    /// Reads a wish against the relationships that the table has.
    ///
    /// # Errors
    /// What can't be made of it.
    pub fn of(table: &str, wish: &RelationshipWish, all: &[Relationship]) -> Result<Self, Error> {
        let place = Place { table, name: wish.name.as_deref().unwrap_or_default() };
        let known =
            all.iter().find(|known| wish.name.as_ref().is_some_and(|name| is_same_name(&known.name, name)));
        let is_virtual = wish.is_virtual.unwrap_or(known.is_some_and(|known| known.is_virtual));
        let made = match (is_virtual, known) {
            (false, _) if wish.name.is_none() => {
                return Err(place.wrong("it needs the 'name' of one that is there, or \"is_virtual\": true"));
            }
            (false, Some(known)) if known.is_virtual => {
                return Err(place.wrong("it is virtual, which can't be changed; delete it"));
            }
            (true, Some(known)) if !known.is_virtual => return Err(place.taken()),
            (false, Some(known)) if wish.way.differs(&described(known)) => {
                return Err(place.fixed());
            }
            (false, _) => None,
            (true, known) => {
                let before = known.map(described).unwrap_or_default();
                Some(made(wish.way.clone().or(&before)).map_err(|what| place.wrong(what))?)
            }
        };
        let description = known.and_then(|known| known.description.clone());
        Ok(Self { made, name: wish.name.clone(), extras: wish.extras.clone(), description })
    }

    /// Its name, now that the tables and fields of a virtual one have been found.
    ///
    /// # Errors
    /// Another name than what it is made of gives; a name that a foreign key's has.
    pub fn name(&self, table: &str, all: &[Relationship]) -> Result<String, Error> {
        let given = self.name.clone().unwrap_or_default();
        let Some(made) = &self.made else {
            let known = all.iter().find(|known| is_same_name(&known.name, &given));
            return Ok(known.map_or(given, |known| known.name.clone()));
        };
        let name = made.name();
        let place = Place { table, name: &name };
        if !given.is_empty() && !is_same_name(&name, &given) {
            return Err(place.wrong(format!(
                "this is its name by what it is made of, not '{given}'; leave out 'name', and delete the old one if it shall be replaced"
            )));
        }
        match all.iter().find(|known| is_same_name(&known.name, &name)) {
            Some(known) if !known.is_virtual => Err(place.taken()),
            Some(known) => Ok(known.name.clone()),
            None => Ok(name),
        }
    }

    /// Writes it over what is kept under its name.
    pub fn merge(&self, name: &str, kept: &mut RelationshipExtras) {
        let wish = &self.extras;
        merge(&mut kept.alias, &wish.alias, &Some(None));
        merge(&mut kept.label, &wish.label, &Some(Some(label(name))));
        merge(&mut kept.description, &wish.description, &Some(self.description.clone()));
        for (kept, wish) in [
            (&mut kept.always_fetch, wish.always_fetch),
            (&mut kept.flatten, wish.flatten),
            (&mut kept.flatten_drop_prefix, wish.flatten_drop_prefix),
        ] {
            *kept = wish.unwrap_or(*kept);
        }
        if self.made.is_some() {
            kept.made.clone_from(&self.made);
        }
    }

    /// Its alias, if the wish gives it one.
    fn alias(&self) -> Option<&str> {
        self.extras.alias.as_ref()?.as_deref()
    }
}

/// Whether each of these, with its name, can be told from the others and from the fields of the table.
///
/// # Errors
/// The first that can't.
pub fn check_names(
    table: &Table,
    wished: &[(String, KeptRelationship)],
    all: &[Relationship],
) -> Result<(), Error> {
    let table_name = public_name(&table.table);
    for (name, kept) in wished {
        let place = Place { table: &table_name, name };
        let shown = kept.alias().unwrap_or(name);
        if let Some(alias) = kept.alias() {
            check_alias(alias).map_err(|what| place.wrong(what))?;
            if Columns::new(table).find(alias).is_some() {
                return Err(place.wrong(format!("the alias '{alias}' is the name of a field")));
            }
        }
        let is_wished = |other: &str| wished.iter().any(|(name, _)| is_same_name(name, other));
        let there = all.iter().flat_map(|known| {
            let alias = known.extras.alias.as_deref().filter(|_| !is_wished(&known.name));
            [Some(known.name.as_str()), alias]
                .into_iter()
                .flatten()
                .map(move |shown| (known.name.as_str(), shown))
        });
        let new = wished.iter().map(|(name, kept)| (name.as_str(), kept.alias().unwrap_or(name)));
        let is_other = |(other, other_shown): (&str, &str)| {
            !is_same_name(other, name) && is_same_name(other_shown, shown)
        };
        if there.chain(new).any(is_other) {
            return Err(place.wrong(format!("another relationship of the table is named '{shown}'")));
        }
    }
    Ok(())
}

/// The foreign key that gives a relationship.
///
/// # Errors
/// It is another table's.
pub fn foreign_key_of<'t>(table: &'t Table, relationship: &Relationship) -> Result<&'t ForeignKey, Error> {
    let own = public_name(&table.table);
    let place = Place { table: &own, name: &relationship.name };
    let is_same = |key: &&ForeignKey| {
        key.columns.len() == relationship.columns.len()
            && key.columns.iter().zip(&relationship.columns).all(|(key, own)| is_same_name(key, own))
            && is_same_name(&public_name(&key.references), &public_name(&relationship.target))
    };
    let found =
        table.foreign_keys.iter().filter(|_| relationship.kind == RelationshipKind::BelongsTo).find(is_same);
    let holder = relationship.junction.as_ref().map_or(&relationship.target, |junction| &junction.table);
    found.ok_or_else(|| {
        let holder = public_name(holder);
        place.wrong(format!(
            "a foreign key of '{holder}' gives it, so delete it there: the 'belongs_to' of '{holder}'"
        ))
    })
}

/// A relationship as a wish would have it.
fn described(known: &Relationship) -> WayWish {
    let junction = known.junction.as_ref();
    let list = |columns: &[String]| Some(Some(columns.to_vec()));
    WayWish {
        kind: Some(known.kind),
        field: list(&known.columns),
        ref_service: Some(known.service.clone()),
        ref_table: Some(Some(public_name(&known.target))),
        ref_field: list(&known.target_columns),
        on_update: Some(known.on_update.clone()),
        on_delete: Some(known.on_delete.clone()),
        junction_service: Some(junction.and_then(|junction| junction.service.clone())),
        junction_table: Some(junction.map(|junction| public_name(&junction.table))),
        junction_field: Some(junction.map(|junction| junction.columns.clone())),
        junction_ref_field: Some(junction.map(|junction| junction.target_columns.clone())),
    }
}

/// # Errors
/// What is missing or does not fit.
fn made(way: WayWish) -> Result<VirtualRelationship, String> {
    if way.on_update.flatten().is_some() || way.on_delete.flatten().is_some() {
        return Err("a virtual relationship has no rules for updates and removals".to_owned());
    }
    let kind = way.kind.ok_or("Invalid schema detected - invalid or missing type element")?;
    let needed = |name: &str| format!("a virtual relationship needs '{name}'");
    let fields = |said: Said<Vec<String>>, name: &str| said.flatten().ok_or_else(|| needed(name));
    let made = VirtualRelationship {
        kind,
        field: fields(way.field, "field")?,
        ref_service: way.ref_service.flatten(),
        ref_table: way.ref_table.flatten().ok_or_else(|| needed("ref_table"))?,
        ref_field: fields(way.ref_field, "ref_field")?,
        junction_service: way.junction_service.flatten(),
        junction_table: way.junction_table.flatten(),
        junction_field: way.junction_field.flatten().unwrap_or_default(),
        junction_ref_field: way.junction_ref_field.flatten().unwrap_or_default(),
    };
    made.check().map(|()| made)
}

/// A relationship, for errors.
struct Place<'a> {
    table: &'a str,
    name: &'a str,
}

impl Place<'_> {
    fn wrong(&self, what: impl std::fmt::Display) -> Error {
        Error::record(format!("Table '{}', relationship '{}': {what}.", self.table, self.name))
    }

    fn unsupported(&self, what: impl std::fmt::Display) -> Error {
        Error::unsupported(format!("Table '{}', relationship '{}': {what}", self.table, self.name))
    }

    fn taken(&self) -> Error {
        self.wrong("a foreign key gives a relationship with this name already")
    }

    fn fixed(&self) -> Error {
        self.unsupported("changing what a foreign key gives")
    }
}

#[cfg(test)]
#[path = "relationship_tests.rs"]
mod tests;
