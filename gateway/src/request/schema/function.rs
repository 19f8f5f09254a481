//! The functions of a wished field: what the store computes where it is read, compared or written.

use serde_json::Value as Json;

use super::Said;
use super::members::{Members, Place};
use crate::extras::{DbFunction, USES, Use};
use crate::request::Error;

/// What the form of old says: a field of type `virtual` with one function.
#[derive(Debug, Clone, Copy)]
pub(super) struct Legacy {
    pub(super) is_aggregate: bool,
}

/// Rewrites the form of old as the present one; `None`: it is none.
pub(super) fn legacy(members: &mut Members) -> Result<Option<Legacy>, Error> {
    match members.take("type") {
        Some(Json::String(word)) if word.eq_ignore_ascii_case("virtual") => {}
        Some(word) => {
            members.put("type", word);
            return Ok(None);
        }
        None => return Ok(None),
    }
    let Some(Json::Object(mut function)) = members.take("db_function") else {
        return Err(members
            .place
            .error("a field of type 'virtual' needs a 'db_function' with 'type' and 'function'"));
    };
    members.put("type", function.remove("type").unwrap_or_else(|| Json::from("string")));
    let is_aggregate = function.remove("aggregate").is_some_and(|flag| flag == Json::Bool(true));
    function.insert("use".to_owned(), Json::from(Use::Select.word()));
    members.put("db_function", Json::Array(vec![Json::Object(function)]));
    Ok(Some(Legacy { is_aggregate }))
}

/// The functions; none at all take those away that are kept.
pub(super) fn functions(members: &mut Members) -> Result<Said<Vec<DbFunction>>, Error> {
    let place = members.place.clone();
    let items = match members.take("db_function") {
        None => return Ok(None),
        Some(Json::Null) => return Ok(Some(None)),
        Some(Json::Array(items)) => items,
        Some(one) => vec![one],
    };
    let functions = items.into_iter().map(|item| function(&place, item)).collect::<Result<Vec<_>, _>>()?;
    Ok(Some(Some(functions).filter(|functions| !functions.is_empty())))
}

fn function(place: &Place, json: Json) -> Result<DbFunction, Error> {
    let refused = || {
        let form = format!("'use', some of {USES}, and 'function', a text");
        place.error(format!("'db_function' must be a list of objects with {form}"))
    };
    let mut members = Members::of(place.clone(), json)?;
    let function = members.text("function")?.flatten().ok_or_else(refused)?;
    let words = members.list("use")?.flatten().ok_or_else(refused)?;
    let uses = words.iter().map(|word| Use::of(word)).collect::<Option<Vec<_>>>().ok_or_else(refused)?;
    match members.text("function_type")?.flatten() {
        Some(other) if !other.eq_ignore_ascii_case("database") => {
            return Err(place.error(format!("'function_type' is '{other}'; only 'database' is known")));
        }
        _ => {}
    }
    members.end()?;
    Ok(DbFunction { uses, function })
}
