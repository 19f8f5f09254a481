//! Descriptions of tables, their fields and relationships.

use std::sync::Arc;

use connector_api::model::{Column, Table};
use serde_json::{Value as Json, json};

use super::{Job, Owner, component};
use crate::error::ApiError;
use crate::extras::TableExtras;
use crate::pipeline::Answer;
use crate::request::ListRead;
use crate::schema::describe::{field_object, relationship_object, table_object};
use crate::schema::extras::{show_field, show_table, virtual_fields};
use crate::schema::names::{lookup_key, public_name};
use crate::schema::relationships::{References, Relationship};

/// `GET _schema/{table}`.
pub(super) async fn table(job: Job<'_>, name: &str, list: &ListRead) -> Result<Answer, ApiError> {
    let (owner, table) = find(job, name, list).await?;
    Ok(Answer::json(description(job, &owner, &table).await?.to_string()))
}

/// `GET _schema?ids=a,b`: whole descriptions of those.
pub(super) async fn several(job: Job<'_>, owner: &Owner, names: &[String]) -> Result<Answer, ApiError> {
    let mut objects = Vec::with_capacity(names.len());
    for name in names {
        let table = owner.table(name).await?;
        objects.push(description(job, owner, table.own()).await?);
    }
    Ok(Answer::json(json!({ "resource": objects }).to_string()))
}

/// `GET _schema/{table}/_field` and `…/{field}`.
pub(super) async fn fields(
    job: Job<'_>,
    name: &str,
    field: Option<&str>,
    list: &ListRead,
) -> Result<Answer, ApiError> {
    let (owner, table) = find(job, name, list).await?;
    let relationships = relationships(&owner, &table).await?;
    let extras = job.extras(&table);
    let object = |column: &Column| {
        let mut object = field_object(&table, column, &relationships);
        if let Some(extras) = extras.as_ref().and_then(|extras| extras.fields.get(&column.name)) {
            show_field(&mut object, extras);
        }
        object
    };
    match field {
        None => {
            let others = extras.iter().flat_map(virtual_fields);
            Ok(wrapped(table.columns.iter().map(object).chain(others)))
        }
        Some(field) => {
            let is_this = |object: &Json| object["name"].as_str().is_some_and(|name| is_same(name, field));
            if let Some(object) = extras.iter().flat_map(virtual_fields).find(is_this) {
                return Ok(Answer::json(object.to_string()));
            }
            let column = crate::plan::Columns::new(&table)
                .find(field)
                .ok_or_else(|| ApiError::unknown_field(field, name))?;
            Ok(Answer::json(object(column).to_string()))
        }
    }
}

/// `GET _schema/{table}/_related` and `…/{relationship}`.
pub(super) async fn related(
    job: Job<'_>,
    name: &str,
    relationship: Option<&str>,
    list: &ListRead,
) -> Result<Answer, ApiError> {
    let (owner, table) = find(job, name, list).await?;
    let relationships = relationships(&owner, &table).await?;
    match relationship {
        None => Ok(wrapped(relationships.iter().map(relationship_object))),
        Some(wanted) => {
            let found = relationships.iter().find(|known| known.name.eq_ignore_ascii_case(wanted));
            let found = found.ok_or_else(|| ApiError::unknown_relationship(wanted, name))?;
            Ok(Answer::json(relationship_object(found).to_string()))
        }
    }
}

/// A table in full.
pub(super) async fn description(job: Job<'_>, owner: &Owner, table: &Table) -> Result<Json, ApiError> {
    let mut object = bare(job, owner, table).await?;
    if let Some(extras) = job.extras(table) {
        show_table(&mut object, &extras);
    }
    Ok(object)
}

/// A table as it is described without its extras.
pub(super) async fn bare(job: Job<'_>, owner: &Owner, table: &Table) -> Result<Json, ApiError> {
    let relationships = relationships(owner, table).await?;
    let access = job.access(&component(&["_schema".to_owned(), public_name(&table.table)]));
    Ok(table_object(table, &relationships, u8::try_from(access.bits() & 31).unwrap_or_default()))
}

/// The table with the names that the database has.
async fn find(job: Job<'_>, name: &str, list: &ListRead) -> Result<(Owner, Arc<Table>), ApiError> {
    let owner = job.owner(list.refresh).await?;
    let table = Arc::clone(owner.table(name).await?.own());
    Ok((owner, table))
}

impl Job<'_> {
    /// What is kept of a table beside the database.
    pub(super) fn extras(self, table: &Table) -> Option<TableExtras> {
        self.service.extras().table(&public_name(&table.table))
    }
}

/// The relationships of a table.
pub(super) async fn relationships(owner: &Owner, table: &Table) -> Result<Vec<Relationship>, ApiError> {
    Ok(references(owner).await?.of(&table.table))
}

/// Relationships come from both ends of foreign keys, so all tables are looked at.
pub(super) async fn references(owner: &Owner) -> Result<Arc<References>, ApiError> {
    owner.service.catalogue().references(&owner.source()).await.map_err(|error| owner.failed(error))
}

fn is_same(left: &str, right: &str) -> bool {
    lookup_key(left) == lookup_key(right)
}

fn wrapped(objects: impl Iterator<Item = Json>) -> Answer {
    Answer::json(json!({ "resource": objects.collect::<Vec<_>>() }).to_string())
}
