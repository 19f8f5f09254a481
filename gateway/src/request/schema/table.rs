//! One wished table.

use std::collections::HashSet;

use serde_json::Value as Json;

use super::constraint::{Constraint, constraints};
use super::field::FieldWish;
use super::members::{Members, Place};
use super::relationship::RelationshipWish;
use super::{Said, no_name};
use crate::request::Error;

/// What a request says of a table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TableWish {
    /// Its public name.
    pub name: String,
    /// Its fields; `None`: nothing is said of them.
    pub fields: Option<Vec<FieldWish>>,
    /// What is kept beside the database.
    pub extras: TableExtrasWish,
    /// The order of the primary key's columns.
    pub primary_key: Said<Vec<String>>,
    /// Keys and references.
    pub constraints: Option<Vec<Constraint>>,
    /// Whether it is a view.
    pub is_view: Option<bool>,
    /// Its relationships; `None`: nothing is said of them.
    pub related: Option<Vec<RelationshipWish>>,
}

/// What a request says of the extras of a table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableExtrasWish {
    /// Its title.
    pub label: Said<String>,
    /// Its title for many rows.
    pub plural: Said<String>,
    /// What it is for.
    pub description: Said<String>,
    /// Its other name.
    pub alias: Said<String>,
    /// The field whose values name rows to people.
    pub name_field: Said<String>,
}

impl TableWish {
    /// Reads a table object; `name` is that of the path.
    pub(super) fn parse(name: Option<&str>, json: Json) -> Result<Self, Error> {
        let mut members = Members::of(Place::table(name.unwrap_or_default()), json)?;
        let given = members.text("name")?.flatten().filter(|name| !name.trim().is_empty());
        let name = match (name, given) {
            (Some(name), Some(given)) if !name.eq_ignore_ascii_case(&given) => {
                return Err(members
                    .place
                    .error(format!("'name' is '{given}' in the body; tables can't be renamed")));
            }
            (Some(name), _) => name.to_owned(),
            (None, Some(given)) => given,
            (None, None) => return Err(no_name()),
        };
        members.place = Place::table(&name);
        let wish = Self {
            fields: fields(&name, &mut members)?,
            extras: TableExtrasWish {
                label: members.text("label")?,
                plural: members.text("plural")?,
                description: members.text("description")?,
                alias: members.text("alias")?,
                name_field: members.text("name_field")?,
            },
            primary_key: members.list("primary_key")?,
            constraints: match members.take("constraints") {
                Some(json) => Some(constraints(&members.place, json)?),
                None => None,
            },
            is_view: members.flag("is_view")?,
            related: related(&name, &mut members)?,
            name,
        };
        // What the store and the caller's role say of it.
        for name in ["native", "access"] {
            members.take(name);
        }
        members.end()?;
        Ok(wish)
    }

    /// A wish for some fields of a table, which says nothing else.
    #[must_use]
    pub fn of_fields(name: &str, fields: Vec<FieldWish>) -> Self {
        Self { name: name.to_owned(), fields: Some(fields), ..Self::default() }
    }

    /// A wish for some relationships of a table, which says nothing else.
    #[must_use]
    pub fn of_relationships(name: &str, related: Vec<RelationshipWish>) -> Self {
        Self { name: name.to_owned(), related: Some(related), ..Self::default() }
    }

    /// How many fields and constraints it has.
    #[must_use]
    pub fn size(&self) -> usize {
        self.fields.as_ref().map_or(0, Vec::len) + self.constraints.as_ref().map_or(0, Vec::len)
    }

    /// The public names of the tables that it refers to.
    pub fn targets(&self) -> impl Iterator<Item = &str> {
        let of_fields = self.fields.iter().flatten().filter_map(|field| field.reference.target());
        let of_constraints = self.constraints.iter().flatten().filter_map(Constraint::target);
        of_fields.chain(of_constraints)
    }
}

fn related(table: &str, members: &mut Members) -> Result<Option<Vec<RelationshipWish>>, Error> {
    let items = match members.take("related") {
        None | Some(Json::Null) => return Ok(None),
        Some(Json::Array(items)) => items,
        Some(one) => vec![one],
    };
    items
        .into_iter()
        .map(|item| RelationshipWish::parse(table, None, item))
        .collect::<Result<_, _>>()
        .map(Some)
}

fn fields(table: &str, members: &mut Members) -> Result<Option<Vec<FieldWish>>, Error> {
    let items = match members.take("field") {
        None | Some(Json::Null) => return Ok(None),
        Some(Json::Array(items)) => items,
        Some(one) => vec![one],
    };
    let fields: Vec<FieldWish> =
        items.into_iter().map(|item| FieldWish::parse(table, None, item)).collect::<Result<_, _>>()?;
    let mut names = HashSet::with_capacity(fields.len());
    match fields.iter().find(|field| !names.insert(&field.name)) {
        Some(field) => Err(members.place.error(format!("the field '{}' is given twice", field.name))),
        None => Ok(Some(fields)),
    }
}
