//! The records that a write brings along: which bodies are accepted, and what is said of the others.

use serde_json::{Map, Value as Json};

use super::Error;
use super::body::WRAPPER;

/// A record: values by the caller's names.
pub type Record = Map<String, Json>;

/// Members that a body may have beside its records, or without any. Another one means that somebody forgot the wrapper.
const OPTIONS: [&str; 27] = [
    "fields",
    "select",
    "ids",
    "id_field",
    "id_type",
    "filter",
    "where",
    "params",
    "limit",
    "top",
    "offset",
    "skip",
    "order",
    "sort",
    "order_by",
    "group",
    "group_by",
    "related",
    "continue",
    "rollback",
    "force",
    "upsert",
    "as_list",
    "count_only",
    "include_count",
    "include_schema",
    "allow_related_delete",
];

/// The refusal of a body without records.
#[must_use]
pub fn no_records() -> Error {
    Error::whole(
        "No record(s) detected in request. Please make sure record(s) are wrapped in a 'resource' tag. \
         Example: {\"resource\":[{\"record\":1},{\"record\":2}]}",
    )
}

/// The records in the body of a collection: `{"resource":[…]}`, `{"resource":{…}}` or a bare array. `None`: there is no body, or it holds
/// options only. A list that is given is never empty.
///
/// # Errors
/// A record without wrapper, an empty list, anything in a list that is no object.
pub fn records(body: Option<Json>) -> Result<Option<Vec<Record>>, Error> {
    let given = match body {
        None | Some(Json::Null) => return Ok(None),
        Some(Json::Object(mut members)) => match members.remove(WRAPPER) {
            Some(records) => records,
            None if members.keys().all(|name| OPTIONS.contains(&name.as_str())) => return Ok(None),
            None => return Err(no_records()),
        },
        Some(Json::Array(items)) => Json::Array(items),
        Some(_) => return Err(no_records()),
    };
    let records = match given {
        Json::Array(items) => items.into_iter().enumerate().map(item).collect::<Result<Vec<_>, _>>()?,
        Json::Object(record) if !record.is_empty() => vec![record],
        _ => Vec::new(),
    };
    if records.is_empty() { Err(no_records()) } else { Ok(Some(records)) }
}

/// The record in the body of a single row: the body itself, a member `resource` being a field like any other.
///
/// # Errors
/// No body, or one that is no object.
pub fn single_record(body: Option<Json>) -> Result<Record, Error> {
    match body {
        Some(Json::Object(record)) => Ok(record),
        None | Some(Json::Null) => Err(no_records()),
        Some(_) => Err(Error::whole("The body of a single record must be a JSON object.")),
    }
}

fn item((index, item): (usize, Json)) -> Result<Record, Error> {
    match item {
        Json::Object(record) => Ok(record),
        _ => Err(Error::whole(format!("Record {index} must be a JSON object."))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn records_are_wrapped_or_a_bare_list() {
        let one = json!({ "name": "x" });
        let check = |body: Option<Json>, expected: Option<&[&Json]>| {
            let found = records(body.clone()).unwrap();
            let expected = expected
                .map(|records| records.iter().map(|record| record.as_object().unwrap().clone()).collect());
            assert_eq!(found, expected, "{body:?}");
        };
        check(Some(json!({ "resource": [one, one] })), Some(&[&one, &one]));
        check(Some(json!({ "resource": one })), Some(&[&one]));
        check(Some(json!([one])), Some(&[&one]));
        check(Some(json!({ "resource": [{}] })), Some(&[&json!({})]));
        check(Some(json!({ "ids": [1], "resource": [one] })), Some(&[&one]));
        check(Some(json!({ "ids": [1], "filter": "a=1" })), None);
        check(Some(json!({})), None);
        check(Some(Json::Null), None);
        check(None, None);
    }

    #[test]
    fn a_record_without_wrapper_and_an_empty_list_are_no_records() {
        for body in [
            json!({ "name": "x" }),
            json!({ "ids": [1], "name": "x" }),
            json!([]),
            json!({ "resource": [] }),
            json!({ "resource": {} }),
            json!({ "resource": null }),
            json!({ "resource": "x" }),
            json!("x"),
            json!(5),
        ] {
            assert_eq!(records(Some(body.clone())), Err(no_records()), "{body}");
        }
    }

    #[test]
    fn what_is_no_object_is_named_by_its_place() {
        let error = records(Some(json!([{ "a": 1 }, 5]))).unwrap_err();
        assert_eq!(error.message, "Record 1 must be a JSON object.");
    }

    #[test]
    fn a_single_record_is_the_body_itself() {
        let body = json!({ "resource": [{ "a": 1 }] });
        assert_eq!(single_record(Some(body.clone())).unwrap(), *body.as_object().unwrap());
        assert_eq!(single_record(None), Err(no_records()));
        assert!(single_record(Some(json!([1]))).is_err());
    }
}
