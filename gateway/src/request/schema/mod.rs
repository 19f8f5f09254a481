//! Wished tables and fields: what the bodies of schema changes say, typed. Names of properties count whatever their case. What can't be
//! meant is refused with table, field and property. What a table is like now is not known here.
//!
//! A description of a table reads as a wish, too: so what was read and is sent back can be told from what is new.

mod constraint;
mod field;
mod function;
mod members;
mod simple_type;
mod table;
#[cfg(test)]
mod tests;

use serde_json::Value as Json;

pub use constraint::{Constraint, ConstraintKind};
pub use field::{FieldExtrasWish, FieldWish, ReferenceWish, TypeWish};
pub use simple_type::{SimpleType, Special};
pub use table::{TableExtrasWish, TableWish};

use super::Error;
use super::body::WRAPPER;

/// The most tables of one request.
const MAX_TABLES: usize = 100;

/// The most fields of one request, with the constraints of its tables.
const MAX_FIELDS: usize = 1000;

/// Something that may be said: `None` if it is not, `Some(None)` if it shall not be there.
pub type Said<T> = Option<Option<T>>;

/// The tables in the body of a list; each that can't be read is an error of its own.
///
/// # Errors
/// A body without any, or with too many.
pub fn tables(body: Option<Json>) -> Result<Vec<Result<TableWish, Error>>, Error> {
    let items = items(body);
    if items.is_empty() {
        return Err(Error::whole("No data in schema create request."));
    }
    bound_tables(items.len())?;
    let wishes: Vec<_> = items.into_iter().map(|item| TableWish::parse(None, item)).collect();
    bound_fields(wishes.iter().flatten().map(TableWish::size).sum())?;
    Ok(wishes)
}

/// The table in the body of `_schema/{table}`.
///
/// # Errors
/// A body without one or with several, another name than that of the path, properties that can't be read.
pub fn table(name: &str, body: Option<Json>) -> Result<TableWish, Error> {
    TableWish::parse(Some(name), single(body)?)
}

/// The fields in the body of `_schema/{table}/_field`.
///
/// # Errors
/// A body without any or with too many, properties that can't be read.
pub fn fields(table: &str, body: Option<Json>) -> Result<Vec<FieldWish>, Error> {
    let items = items(body);
    bound_fields(items.len())?;
    if items.is_empty() {
        return Err(Error::whole("No data in schema create request."));
    }
    items.into_iter().map(|item| FieldWish::parse(table, None, item)).collect()
}

/// The field in the body of `_schema/{table}/_field/{field}`.
///
/// # Errors
/// A body without one or with several, another name than that of the path, properties that can't be read.
pub fn field(table: &str, name: &str, body: Option<Json>) -> Result<FieldWish, Error> {
    FieldWish::parse(table, Some(name), single(body)?)
}

/// Names in the body of a removal: texts, or objects with a `name`.
///
/// # Errors
/// Anything else.
pub fn names(body: Option<Json>) -> Result<Vec<String>, Error> {
    let name = |item: Json| match item {
        Json::String(name) => Ok(name),
        Json::Object(members) => {
            members.get("name").and_then(Json::as_str).map(str::to_owned).ok_or_else(no_name)
        }
        _ => Err(no_name()),
    };
    items(body).into_iter().map(name).collect()
}

/// So many tables in one request.
///
/// # Errors
/// Too many.
pub fn bound_tables(count: usize) -> Result<(), Error> {
    bound(count, MAX_TABLES, "tables")
}

/// So many fields and constraints in one request.
///
/// # Errors
/// Too many.
pub fn bound_fields(count: usize) -> Result<(), Error> {
    bound(count, MAX_FIELDS, "fields and constraints")
}

fn bound(count: usize, most: usize, what: &str) -> Result<(), Error> {
    if count <= most {
        return Ok(());
    }
    Err(Error::whole(format!("The request names {count} {what}, at most are {most}; send several requests.")))
}

/// Whether options may stand beside what a body is about.
#[must_use]
pub fn has_wrapper(body: &Json) -> bool {
    body.as_object().is_some_and(|members| members.contains_key(WRAPPER))
}

/// `{"resource":[…]}`, `{"resource":{…}}`, a bare list or a bare object.
fn items(body: Option<Json>) -> Vec<Json> {
    let given = match body {
        Some(Json::Object(mut members)) => match members.remove(WRAPPER) {
            Some(wrapped) => wrapped,
            None => Json::Object(members),
        },
        other => other.unwrap_or_default(),
    };
    match given {
        Json::Array(items) => items,
        Json::Object(members) if members.is_empty() => Vec::new(),
        Json::Null => Vec::new(),
        one => vec![one],
    }
}

fn single(body: Option<Json>) -> Result<Json, Error> {
    let mut items = items(body).into_iter();
    match (items.next(), items.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(Error::whole("No data in schema create request.")),
        (Some(_), Some(_)) => Err(Error::whole("The path names one; the body must hold no more.")),
    }
}

fn no_name() -> Error {
    Error::whole("Table schema received does not have a valid name.")
}
