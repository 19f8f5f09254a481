//! What identifies a row: the columns of the key, and identifiers as values and conditions on them.

use connector_api::model::{CompareOp, Expr, Filter, Path, Table, Value};
use serde_json::Value as Json;

use super::columns::Columns;
use super::literal;
use super::values::Values;
use super::{Error, Scope};
use crate::request::{Id, Record, TableRead};

/// `id_field`, where a name that is no column is dropped, else the primary key.
pub(super) fn columns_of(id_field: &[String], scope: &Scope<'_>) -> Result<Vec<String>, Error> {
    if id_field.is_empty() {
        return Ok(scope.table.primary_key.clone());
    }
    let columns = Columns::new(scope.table);
    let found: Vec<String> =
        id_field.iter().filter_map(|name| columns.find(name)).map(|column| column.name.clone()).collect();
    let computed =
        scope.aliases.and_then(|aliases| found.iter().find(|name| aliases.is_seen_otherwise(name)));
    match computed {
        Some(name) => {
            Err(Error::invalid("id_field", format!("the computed field '{name}' can't identify rows")))
        }
        None if found.is_empty() => Err(Error::NoIdentifier),
        None => Ok(found),
    }
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
    let parts = parts_of(id, key)?;
    key.iter().zip(&parts).map(|(name, part)| value_of(name, part, columns)).collect()
}

/// The parts of one identifier, in key order, as they are written.
///
/// # Errors
/// Another number of parts.
pub fn parts_of(id: &Id, key: &[String]) -> Result<Vec<Json>, Error> {
    let parts: Vec<Json> = match id {
        Id::Named(members) => key
            .iter()
            .map(|name| member(members, name).cloned())
            .collect::<Option<_>>()
            .ok_or_else(|| missing_part(key))?,
        Id::Value(value) if key.len() == 1 => vec![value.clone()],
        Id::Written(text) if key.len() == 1 => vec![Json::from(text.as_str())],
        other => other.parts().ok_or_else(|| missing_part(key))?,
    };
    if parts.len() == key.len() { Ok(parts) } else { Err(missing_part(key)) }
}

/// One part of an identifier, typed by its column.
pub(super) fn value_of(name: &str, part: &Json, columns: Columns<'_>) -> Result<Value, Error> {
    let resolved = columns.resolve_key(name);
    resolved.place(name, "ids").json(part)
}

/// A value of another table's key, typed by its column; where values of any kind may stand in it, in each kind that may be meant, its own
/// first. None: the column holds no such value.
pub(super) fn fitting_values(name: &str, part: &Json, columns: Columns<'_>) -> Vec<Value> {
    let resolved = columns.resolve_key(name);
    let place = resolved.place(name, "related");
    let other = match part {
        Json::String(text) => literal::scalar(text).filter(Json::is_number),
        Json::Number(number) => Some(Json::from(number.to_string())),
        _ => None,
    };
    let other = other.filter(|_| place.is_open());
    let readings = std::iter::once(part).chain(&other).filter(|part| !part.is_null());
    readings.filter_map(|part| place.json(part).ok()).collect()
}

/// The most kinds that one identifier is looked up in.
const MAX_READINGS: usize = 16;

/// Whether a column of the key may hold values of any kind, so that the text of a URL does not say which one is meant.
#[must_use]
pub fn is_open(id_field: &[String], scope: &Scope<'_>) -> bool {
    let key = if id_field.is_empty() { &scope.table.primary_key } else { id_field };
    let columns = Columns::new(scope.table);
    let mut found = key.iter().filter_map(|name| columns.find(name));
    found.any(|column| column.is_guessed || literal::is_open(column.data_type))
}

/// An identifier in each kind that it may be meant in, that of a text first: only one where its columns say the kind, or where it is no
/// text of a URL.
///
/// # Errors
/// A key that the request names and the table does not have; too many parts that may be of several kinds.
pub fn readings(id: &Id, id_field: &[String], scope: &Scope<'_>) -> Result<Vec<Id>, Error> {
    let Id::Written(text) = id else { return Ok(vec![id.clone()]) };
    let key = columns_of(id_field, scope)?;
    let columns = Columns::new(scope.table);
    if let [name] = key.as_slice() {
        return Ok(kinds_of(text, name, columns).into_iter().map(Id::Value).collect());
    }
    let Some(parts) = id.parts().filter(|parts| parts.len() == key.len()) else {
        return Ok(vec![id.clone()]);
    };
    let mut tuples = vec![Vec::new()];
    for (name, part) in key.iter().zip(&parts) {
        let kinds = kinds_of(part.as_str().unwrap_or_default(), name, columns);
        let longer = |tuple: &Vec<Json>| {
            kinds
                .iter()
                .map(|kind| [tuple.as_slice(), std::slice::from_ref(kind)].concat())
                .collect::<Vec<_>>()
        };
        tuples = tuples.iter().flat_map(longer).collect();
        if tuples.len() > MAX_READINGS {
            let message = "an identifier has too many parts that may be texts or numbers; give it in the 'ids' of a JSON body";
            return Err(Error::invalid("ids", message));
        }
    }
    Ok(tuples.into_iter().map(Id::Tuple).collect())
}

/// The identifier in a record; `None`: it lacks a part of it.
///
/// # Errors
/// A key that the request names and the table does not have.
pub fn id_in(record: &Record, id_field: &[String], scope: &Scope<'_>) -> Result<Option<Id>, Error> {
    let key = columns_of(id_field, scope)?;
    let parts: Option<Vec<Json>> = key.iter().map(|name| member(record, name).cloned()).collect();
    let single =
        |mut parts: Vec<Json>| if parts.len() == 1 { Id::Value(parts.remove(0)) } else { Id::Tuple(parts) };
    Ok(parts.map(single))
}

fn kinds_of(text: &str, name: &str, columns: Columns<'_>) -> Vec<Json> {
    let written = std::iter::once(Json::from(text));
    let is_open = columns.resolve_key(name).place(name, "").is_open();
    written.chain(literal::scalar(text).filter(|_| is_open)).collect()
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
