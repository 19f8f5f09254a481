//! Related records inside a record: taken out of it, and sorted by what each wants. Whether a row exists is nothing that is known here.

mod child;
#[cfg(test)]
mod tests;

use connector_api::model::Table;
use serde_json::Value as Json;

pub use child::{Child, Rows, Wish, check_marker, takes_away};

use super::columns::{Columns, is_same_name};
use super::{Error, key};
use crate::request::Record;
use crate::schema::relationships::{Relationship, RelationshipKind};

/// What a record gives for one relationship.
#[derive(Debug, Clone, PartialEq)]
pub struct Nested {
    /// Which.
    pub relationship: Relationship,
    /// As it stands in the record.
    pub value: Json,
}

/// What is given for a relationship.
#[derive(Debug, Clone, PartialEq)]
pub enum Given {
    /// These rows.
    Rows(Vec<Record>),
    /// No row shall belong to it any more.
    Cleared,
}

/// Whether some member has the form of related records and is no column.
#[must_use]
pub fn may_be_nested(record: &Record, table: &Table) -> bool {
    record.iter().any(|(name, value)| has_form(value) && Columns::new(table).find(name).is_none())
}

fn has_form(value: &Json) -> bool {
    matches!(value, Json::Null | Json::Array(_) | Json::Object(_))
}

/// Whether some member would be related records if a relationship had its name, rightly or wrongly formed.
#[must_use]
pub fn may_name_related(record: &Record, table: &Table) -> bool {
    record.iter().any(|(name, value)| is_candidate(name, value, table))
}

/// It is no column. Of an open table every text and number may be one, and a blank text has always meant nothing.
fn is_candidate(name: &str, value: &Json, table: &Table) -> bool {
    let is_blank = value.as_str().is_some_and(|text| text.trim().is_empty());
    let is_meant = has_form(value) || !(table.is_open || is_blank);
    is_meant && Columns::new(table).find(name).is_none()
}

/// A record without its related records, and these. A column goes before a relationship of its name.
///
/// # Errors
/// A relationship that is given more than once.
pub fn split(
    record: Record,
    table: &Table,
    relationships: &[Relationship],
) -> Result<(Record, Vec<Nested>), Error> {
    let mut own = Record::with_capacity(record.len());
    let mut nested: Vec<Nested> = Vec::new();
    for (name, value) in record {
        let is_meant = |known: &&Relationship| is_same_name(known.public_name(), &name);
        let meant = relationships.iter().find(is_meant).filter(|_| is_candidate(&name, &value, table));
        let Some(relationship) = meant else {
            own.insert(name, value);
            continue;
        };
        if nested.iter().any(|other| other.relationship.name == relationship.name) {
            return Err(Error::record(format!(
                "Field '{}' is given more than once.",
                relationship.public_name()
            )));
        }
        nested.push(Nested { relationship: relationship.clone(), value });
    }
    Ok((own, nested))
}

impl Nested {
    /// The records that it holds. Null means no record; of a `has_one` nothing at all means that there shall be none.
    ///
    /// # Errors
    /// Anything else than an object, or a list of them where there may be several.
    pub fn given(&self) -> Result<Given, Error> {
        let kind = self.relationship.kind;
        let is_list = matches!(kind, RelationshipKind::HasMany | RelationshipKind::ManyMany);
        let rows = match &self.value {
            Json::Null => Vec::new(),
            Json::Object(record) if record.is_empty() && !is_list => Vec::new(),
            Json::Object(record) => vec![record.clone()],
            Json::Array(items) => items
                .iter()
                .map(|item| item.as_object().cloned())
                .collect::<Option<_>>()
                .ok_or_else(|| self.wrong())?,
            _ => return Err(self.wrong()),
        };
        if !is_list && rows.len() > 1 {
            return Err(self.wrong());
        }
        let is_cleared = rows.is_empty() && kind == RelationshipKind::HasOne;
        Ok(if is_cleared { Given::Cleared } else { Given::Rows(rows) })
    }

    /// Says what is expected.
    fn wrong(&self) -> Error {
        let name = self.relationship.public_name();
        Error::record(match self.relationship.kind {
            RelationshipKind::BelongsTo | RelationshipKind::HasOne => {
                format!("'{name}' is one related record, so it must be a JSON object.")
            }
            RelationshipKind::HasMany | RelationshipKind::ManyMany => {
                format!("'{name}' is a list of related records, so it must be a JSON array of objects.")
            }
        })
    }
}

/// Takes the member for a column out of a record.
fn taken(record: &mut Record, column: &str) -> Option<Json> {
    let name = record.keys().find(|name| *name == column);
    let name = name.or_else(|| record.keys().find(|name| is_same_name(name, column)))?.clone();
    record.shift_remove(&name)
}

/// Whether a record has a member for a column.
#[must_use]
pub fn has(record: &Record, column: &str) -> bool {
    key::member(record, column).is_some()
}
