//! Changes of the schema: which tables, fields and relationships are meant, each table planned against what is there now, one call for each table, what
//! became of it, the answer. The catalogue believes nothing of before from then on.

mod extras;
mod outcome;
mod relationships;
mod tables;
mod work;

use serde_json::{Value as Json, json};

use super::Job;
use crate::error::ApiError;
use crate::pipeline::Answer;
use crate::plan::schema::Removal;
use crate::request::SchemaWrite;
use crate::request::schema::{self, TableWish};
use crate::roles::Verb;
use work::Work;

/// A change of the schema as path and parameters have it.
#[derive(Debug, Clone, PartialEq)]
pub struct SchemaOrder {
    /// POST, PUT, PATCH or DELETE.
    pub verb: Verb,
    /// What the path names.
    pub target: SchemaTarget,
    /// Options.
    pub options: SchemaWrite,
}

/// What is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemaTarget {
    /// Tables that the body names.
    Tables,
    /// This table.
    Table(String),
    /// Fields of this table that the body names.
    Fields(String),
    /// This field of this table.
    Field(String, String),
    /// Relationships of this table that the body names.
    Related(String),
    /// This relationship of this table.
    Relationship(String, String),
}

impl SchemaTarget {
    /// What a path inside a service names; `None`: nothing of a schema that can be changed.
    #[must_use]
    pub fn of(resource: &[&str]) -> Option<Self> {
        match *resource {
            ["_schema"] => Some(Self::Tables),
            ["_schema", table] => Some(Self::Table(table.to_owned())),
            ["_schema", table, "_related"] => Some(Self::Related(table.to_owned())),
            ["_schema", table, "_related", name] => {
                Some(Self::Relationship(table.to_owned(), name.to_owned()))
            }
            ["_schema", table, "_field"] => Some(Self::Fields(table.to_owned())),
            ["_schema", table, "_field", field] | ["_schema", table, field] => {
                Some(Self::Field(table.to_owned(), field.to_owned()))
            }
            _ => None,
        }
    }
}

/// Changes the schema.
///
/// # Errors
/// Whatever refuses the change, and the batch error when one of several tables failed.
pub(super) async fn run(job: Job<'_>, order: SchemaOrder, body: Option<Json>) -> Result<Answer, ApiError> {
    if job.transaction.is_some() {
        return Err(ApiError::unsupported("Changing the schema inside a batch"));
    }
    let SchemaOrder { verb, target, options } = order;
    let work = Work::new(job, verb, options).await?;
    match verb {
        Verb::Delete => dropped(&work, target, body).await,
        _ => changed(&work, target, body).await,
    }
}

async fn dropped(work: &Work<'_>, target: SchemaTarget, body: Option<Json>) -> Result<Answer, ApiError> {
    match target {
        SchemaTarget::Tables => return tables::drop(work, body).await,
        SchemaTarget::Fields(table) => {
            let fields = work.named(body)?;
            work.drop_fields(&table, &fields).await?;
            return Ok(names(&fields));
        }
        SchemaTarget::Related(table) => {
            let named = work.named(body)?;
            work.drop_relationships(&table, &named).await?;
            return Ok(names(&named));
        }
        SchemaTarget::Table(table) => {
            work.drop_table(&table).await?;
        }
        SchemaTarget::Field(table, field) => work.drop_fields(&table, &[field]).await?,
        SchemaTarget::Relationship(table, name) => work.drop_relationships(&table, &[name]).await?,
    }
    Ok(success())
}

async fn changed(work: &Work<'_>, target: SchemaTarget, body: Option<Json>) -> Result<Answer, ApiError> {
    match target {
        SchemaTarget::Related(table) => relationships::change_several(work, &table, body).await,
        SchemaTarget::Relationship(table, name) => relationships::change_one(work, &table, &name, body).await,
        SchemaTarget::Tables => tables::change(work, body).await,
        SchemaTarget::Table(table) => {
            let wish = schema::table(&table, body)?;
            schema::bound_fields(wish.size())?;
            let name = work.change(&wish, work.removal()).await?;
            let answer =
                if work.options.is_shown { work.shown(&name).await? } else { json!({ "name": name }) };
            Ok(Answer::json(answer.to_string()))
        }
        SchemaTarget::Fields(table) => {
            let fields = schema::fields(&table, body)?;
            let named: Vec<String> = fields.iter().map(|field| field.name.clone()).collect();
            let name = work.change(&TableWish::of_fields(&table, fields), Removal::Stay).await?;
            if !work.options.is_shown {
                return Ok(names(&named));
            }
            let shown = work.shown_fields(&name, &named).await?;
            Ok(Answer::json(json!({ "resource": shown }).to_string()))
        }
        SchemaTarget::Field(table, field) => {
            let wish = schema::field(&table, &field, body)?;
            let name = work.change(&TableWish::of_fields(&table, vec![wish]), Removal::Stay).await?;
            if !work.options.is_shown {
                return Ok(success());
            }
            let shown = work.shown_fields(&name, &[field]).await?.pop().unwrap_or_default();
            Ok(Answer::json(shown.to_string()))
        }
    }
}

fn success() -> Answer {
    Answer::json(r#"{"success":true}"#)
}

fn names(names: &[String]) -> Answer {
    let names: Vec<Json> = names.iter().map(|name| json!({ "name": name })).collect();
    Answer::json(json!({ "resource": names }).to_string())
}
