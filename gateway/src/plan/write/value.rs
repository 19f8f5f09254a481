//! One value of a record, typed by its column.

use std::borrow::Cow;

use connector_api::model::batch::MAX_DEPTH;
use connector_api::model::{Column, ColumnType, Expr, Value};
use serde_json::{Map, Value as Json};

use crate::plan::capability::check_computed;
use crate::plan::filter::Planner;
use crate::plan::literal::{Place, number, scalar};
use crate::plan::values::Values;
use crate::plan::{Error, Lookup, Scope};
use crate::request::filter::parse_expression;
use crate::request::lookup;

const NESTED: &str = "document of at most 64 levels";

/// Reads a value; `is_text`: it may be meant as any type, as what stands in a cell of CSV. Lookups such as `{user.id}` in a text are replaced; what comes out is bound, never part of a statement.
///
/// # Errors
/// A value that is none of the column's type, null where none may stand.
pub(in crate::plan) fn value(
    column: &Column,
    json: &Json,
    is_text: bool,
    lookup: Lookup<'_>,
) -> Result<Value, Error> {
    let read = match json {
        Json::Array(items) if items.is_empty() && !takes_lists(column) => Value::Null,
        Json::String(text) => {
            let text = substituted(text, lookup)?;
            let meant = if is_text { meant(column, &text) } else { None };
            typed(column, &meant.unwrap_or_else(|| Json::String(text.into_owned())))?
        }
        other => typed(column, other)?,
    };
    if read == Value::Null && !column.is_nullable {
        return Err(Error::record(format!("Field '{}' can not be NULL.", column.name)));
    }
    Ok(read)
}

/// The text of `{"expression":"qty + 1"}` or `{"expression":{"value":"qty + 1"}}`. `None`: the value stands for itself, as every value of
/// a column of documents does. Where nobody declared what a column holds, documents may stand in it too: there only the long form counts,
/// and only alone, whatever was seen in the column.
pub(super) fn expression_text<'j>(column: &Column, json: &'j Json) -> Option<&'j str> {
    let members = json.as_object().filter(|_| column.is_guessed || !takes_documents(column.data_type))?;
    match members.get("expression")? {
        Json::Object(inner) if !column.is_guessed || is_expression_alone(members, inner) => {
            inner.get("value")?.as_str()
        }
        text if !column.is_guessed => text.as_str(),
        _ => None,
    }
}

fn is_expression_alone(outer: &Map<String, Json>, inner: &Map<String, Json>) -> bool {
    outer.len() == 1 && inner.keys().all(|name| name == "type" || name == "value")
}

/// Reads an expression by the grammar of filters.
///
/// # Errors
/// Whatever that grammar does not allow, unknown columns, columns where the row does not exist yet; a service that computes nothing.
pub(super) fn expression(
    text: &str,
    has_row: bool,
    scope: &Scope<'_>,
    values: &mut Values,
) -> Result<Expr, Error> {
    let refused = || Error::record(format!("SQL expression '{text}' is not permitted."));
    let parsed = parse_expression(text).map_err(|_| refused())?;
    let expr = Planner::new(scope, values).expression(&parsed).map_err(|_| refused())?;
    if !has_row && names_column(&expr, &|_| true) {
        return Err(refused());
    }
    // What is stored would be told by where it is copied to.
    let is_seen_otherwise = |name: &str| scope.aliases.is_some_and(|aliases| aliases.is_seen_otherwise(name));
    if names_column(&expr, &is_seen_otherwise) {
        return Err(Error::record(format!(
            "SQL expression '{text}' is not permitted: it names a computed field."
        )));
    }
    check_computed(&expr, scope.capabilities)?;
    Ok(expr)
}

/// Whether an expression names a column that is meant.
pub(in crate::plan) fn names_column(expr: &Expr, is_meant: &dyn Fn(&str) -> bool) -> bool {
    match expr {
        Expr::Column(path) => path.segments().first().is_some_and(|name| is_meant(name)),
        Expr::Param(_) => false,
        Expr::Arithmetic { left, right, .. } => names_column(left, is_meant) || names_column(right, is_meant),
        Expr::Call { args, .. } => args.iter().any(|arg| names_column(arg, is_meant)),
    }
}

fn substituted<'t>(text: &'t str, lookup: Lookup<'_>) -> Result<Cow<'t, str>, Error> {
    lookup::substitute(text, lookup).map_err(|error| Error::record(error.to_string()))
}

/// What a text that may be any type is meant as by its column, where that is no text: nothing stands for null, and documents are JSON.
pub(super) fn meant(column: &Column, text: &str) -> Option<Json> {
    match column.data_type {
        ColumnType::String | ColumnType::Text => None,
        _ if text.is_empty() && column.is_nullable => Some(Json::Null),
        data_type if takes_documents(data_type) => serde_json::from_str(text).ok(),
        data_type if column.is_guessed && is_blank_as_null(data_type) => scalar(text),
        _ => None,
    }
}

fn takes_documents(data_type: ColumnType) -> bool {
    matches!(data_type, ColumnType::Json | ColumnType::Array | ColumnType::Object)
}

/// Where an empty list is one; elsewhere it has always meant null.
fn takes_lists(column: &Column) -> bool {
    column.is_guessed || takes_documents(column.data_type) || column.data_type == ColumnType::Other
}

fn typed(column: &Column, json: &Json) -> Result<Value, Error> {
    let place = Place {
        field: &column.name,
        data_type: column.data_type,
        beyond: &column.beyond,
        keeps_text: column.keeps_text,
        is_guessed: column.is_guessed,
        parameter: "",
    };
    match (column.data_type, json) {
        (_, Json::Null) => Ok(Value::Null),
        (_, Json::Array(_) | Json::Object(_)) if column.is_guessed => {
            document(json, 1).ok_or_else(|| place.must_be(NESTED))
        }
        _ if column.is_guessed => place.json(json),
        (ColumnType::Json, json) => Ok(Value::Json(json_text(json))),
        (ColumnType::Array | ColumnType::Object | ColumnType::Other, Json::Array(_) | Json::Object(_)) => {
            document(json, 1).ok_or_else(|| place.must_be(NESTED))
        }
        (data_type, Json::String(text)) if is_blank_as_null(data_type) && text.trim().is_empty() => {
            if column.is_nullable { Ok(Value::Null) } else { place.json(json) }
        }
        (ColumnType::Integer | ColumnType::BigInt, json) => match place.json(json)? {
            Value::Decimal(_) => Err(place.must_be("integer")),
            value => Ok(value),
        },
        (_, Json::String(text)) if !column.keeps_text => place.kept(text),
        (_, json) => place.json(json),
    }
}

/// Types of which a blank text is no value.
fn is_blank_as_null(data_type: ColumnType) -> bool {
    use ColumnType::{BigInt, Boolean, Decimal, Double, Float, Integer};
    matches!(data_type, Boolean | Integer | BigInt | Decimal | Float | Double)
}

/// JSON for a column of JSON. Clients of old send documents as text, so a text that holds one is taken for it.
fn json_text(json: &Json) -> String {
    if let Json::String(text) = json
        && text.trim_start().starts_with(['{', '['])
        && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
    {
        return text.clone();
    }
    json.to_string()
}

/// `None`: nested too deeply to be sent.
fn document(json: &Json, depth: usize) -> Option<Value> {
    if depth > MAX_DEPTH {
        return None;
    }
    Some(match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(digits) => number(&digits.to_string())?,
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(items) => {
            Value::List(items.iter().map(|item| document(item, depth + 1)).collect::<Option<_>>()?)
        }
        Json::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, member)| Some((name.clone(), document(member, depth + 1)?)))
                .collect::<Option<_>>()?,
        ),
    })
}
