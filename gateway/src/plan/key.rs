//! What identifies a row: the columns of the key, and identifiers as values and conditions on them.

use connector_api::model::{CompareOp, Expr, Filter, Path, Table, Value};
use serde_json::Value as Json;

use super::columns::Columns;
use super::literal::Place;
use super::values::Values;
use super::{Error, Scope};
use crate::request::{Id, TableRead};

/// `id_field`, where a name that is no column is dropped, else the primary key.
pub(super) fn columns_of(id_field: &[String], scope: &Scope<'_>) -> Result<Vec<String>, Error> {
    if id_field.is_empty() {
        return Ok(scope.table.primary_key.clone());
    }
    let columns = Columns::new(scope.table);
    let found: Vec<String> =
        id_field.iter().filter_map(|name| columns.find(name)).map(|column| column.name.clone()).collect();
    if found.is_empty() { Err(Error::NoIdentifier) } else { Ok(found) }
}

/// The columns that identify a row of this request.
pub(super) fn identifying(request: &TableRead, scope: &Scope<'_>) -> Result<Vec<String>, Error> {
    let key = columns_of(&request.id_field, scope)?;
    if key.is_empty() { Err(Error::NoIdentifier) } else { Ok(key) }
}

/// Whether a declared key is made of just these columns: no two rows have the same values in them.
#[must_use]
pub fn is_unique(key: &[String], table: &Table) -> bool {
    let is_same = |other: &[String]| other.len() == key.len() && key.iter().all(|name| other.contains(name));
    is_same(&table.primary_key) || table.unique_keys.iter().any(|unique| is_same(&unique.columns))
}

/// The values of one identifier, in key order, typed by their columns.
pub(super) fn values_of(id: &Id, key: &[String], columns: Columns<'_>) -> Result<Vec<Value>, Error> {
    let parts: Vec<Json> = match id {
        Id::Named(members) => key
            .iter()
            .map(|name| member(members, name).cloned())
            .collect::<Option<_>>()
            .ok_or_else(|| missing_part(key))?,
        Id::Value(value) if key.len() == 1 => vec![value.clone()],
        other => other.parts().ok_or_else(|| missing_part(key))?,
    };
    if parts.len() != key.len() {
        return Err(missing_part(key));
    }
    key.iter().zip(&parts).map(|(name, part)| value_of(name, part, columns)).collect()
}

/// One part of an identifier, typed by its column.
pub(super) fn value_of(name: &str, part: &Json, columns: Columns<'_>) -> Result<Value, Error> {
    let (data_type, keeps_text) =
        columns.find(name).map(|column| (column.data_type, column.keeps_text)).unwrap_or_default();
    let place = Place { field: name, data_type, keeps_text, parameter: "ids" };
    match part {
        // Text from a URL: for a column of open type it may be a number.
        Json::String(text) => place.text(text, false),
        other => place.json(other),
    }
}

/// The member of a record with this name, in any case.
pub(super) fn member<'a>(members: &'a serde_json::Map<String, Json>, name: &str) -> Option<&'a Json> {
    members.get(name).or_else(|| {
        members.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    })
}

fn missing_part(key: &[String]) -> Error {
    Error::invalid(
        "ids",
        format!(
            "an identifier needs {} value(s), for {}; write a composite one as (a,b)",
            key.len(),
            key.join(", ")
        ),
    )
}

/// One column: a list. Several: each key spelled out.
pub(super) fn filter_by(key: &[String], keys: &[Vec<Value>], values: &mut Values) -> Filter {
    if let ([name], [_, _, ..]) = (key, keys) {
        let items = keys.iter().filter_map(|one| one.first()).cloned().collect();
        return Filter::In { expr: Expr::Column(Path::column(name)), list: values.push(Value::List(items)) };
    }
    let mut members: Vec<Filter> = keys.iter().map(|one| equal_key(key, one, values)).collect();
    match members.len() {
        0 => Filter::Always(false),
        1 => members.remove(0),
        _ => Filter::Or(members),
    }
}

fn equal_key(key: &[String], one: &[Value], values: &mut Values) -> Filter {
    let mut members: Vec<Filter> = key
        .iter()
        .zip(one)
        .map(|(name, value)| Filter::Compare {
            op: CompareOp::Eq,
            left: Expr::Column(Path::column(name)),
            right: Expr::Param(values.push(value.clone())),
        })
        .collect();
    if members.len() == 1 { members.remove(0) } else { Filter::And(members) }
}
