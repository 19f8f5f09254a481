//! The records that a write brings along: which bodies are accepted, and what is said of the others.

use serde_json::Value as Json;

use super::Error;
use super::body::{Record, WRAPPER};

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

/// What a body holds of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Records {
    /// There is no body, or it holds options only.
    Absent,
    /// There should be some and there are none: a record without wrapper, an empty list.
    Missing,
    /// At least one.
    Given(Vec<Record>),
}

/// The refusal of a body without records. `wrapper` is the member under which they should stand, unless lists are bare.
#[must_use]
pub fn no_records(wrapper: Option<&str>) -> Error {
    let how = wrapper.map(|wrapper| {
        format!(
            " Please make sure record(s) are wrapped in a '{wrapper}' tag. Example: \
             {{\"{wrapper}\":[{{\"record\":1}},{{\"record\":2}}]}}"
        )
    });
    Error::whole(format!("No record(s) detected in request.{}", how.unwrap_or_default()))
}

/// The records in the body of a collection: `{"resource":[…]}`, `{"resource":{…}}` or a bare array.
///
/// # Errors
/// Anything in a list that is no object.
pub fn records(body: Option<Json>) -> Result<Records, Error> {
    let given = match body {
        None | Some(Json::Null) => return Ok(Records::Absent),
        Some(Json::Object(mut members)) => match members.remove(WRAPPER) {
            Some(records) => records,
            None if members.keys().all(|name| OPTIONS.contains(&name.as_str())) => {
                return Ok(Records::Absent);
            }
            None => return Ok(Records::Missing),
        },
        Some(other) => other,
    };
    let records = match given {
        Json::Array(items) => items.into_iter().enumerate().map(item).collect::<Result<Vec<_>, _>>()?,
        Json::Object(record) if !record.is_empty() => vec![record],
        _ => Vec::new(),
    };
    Ok(if records.is_empty() { Records::Missing } else { Records::Given(records) })
}

/// The record in the body of a single row: the body itself, a member `resource` being a field like any other. `None`: there is no body.
///
/// # Errors
/// A body that is no object.
pub fn single_record(body: Option<Json>) -> Result<Option<Record>, Error> {
    match body {
        Some(Json::Object(record)) => Ok(Some(record)),
        None | Some(Json::Null) => Ok(None),
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

    fn check(body: Option<Json>, expected: &Records) {
        assert_eq!(records(body.clone()).as_ref(), Ok(expected), "{body:?}");
    }

    #[test]
    fn records_are_wrapped_or_a_bare_list() {
        let one = json!({ "name": "x" });
        let given = |records: &[&Json]| {
            Records::Given(records.iter().map(|record| record.as_object().unwrap().clone()).collect())
        };
        check(Some(json!({ "resource": [one, one] })), &given(&[&one, &one]));
        check(Some(json!({ "resource": one })), &given(&[&one]));
        check(Some(json!([one])), &given(&[&one]));
        check(Some(json!({ "resource": [{}] })), &given(&[&json!({})]));
        check(Some(json!({ "ids": [1], "resource": [one] })), &given(&[&one]));
    }

    #[test]
    fn without_a_body_or_with_options_only_records_are_absent() {
        for body in [Some(json!({ "ids": [1], "filter": "a=1" })), Some(json!({})), Some(Json::Null), None] {
            check(body, &Records::Absent);
        }
    }

    #[test]
    fn a_record_without_wrapper_and_an_empty_list_are_missing_records() {
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
            check(Some(body), &Records::Missing);
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
        assert_eq!(single_record(Some(body.clone())), Ok(body.as_object().cloned()));
        assert_eq!(single_record(None), Ok(None));
        assert!(single_record(Some(json!([1]))).is_err());
    }

    #[test]
    fn the_refusal_names_the_wrapper_where_there_is_one() {
        let check = |wrapper: Option<&str>, text: &str| assert_eq!(no_records(wrapper).message, text);
        check(None, "No record(s) detected in request.");
        check(
            Some("rows"),
            "No record(s) detected in request. Please make sure record(s) are wrapped in a 'rows' tag. \
             Example: {\"rows\":[{\"record\":1},{\"record\":2}]}",
        );
    }
}
