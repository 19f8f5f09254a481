//! References to the answers of earlier operations: how they are written, where they stand, what is put in their place.
//!
//! `{"$ref":"ID#/json/pointer"}` stands for a value of the answer of the operation ID. `{"$literal":value}` stands for the value as it is,
//! whatever it looks like. An object with further members is neither.

use std::collections::HashMap;

use serde_json::{Map, Value as Json};

use crate::request::Error;

/// The answers that later operations refer to, by the id of their operation.
pub type Results = HashMap<String, Json>;

const REFERENCE: &str = "$ref";
const LITERAL: &str = "$literal";

/// A place in the answer of an earlier operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    /// The operation.
    pub(super) id: String,
    /// A JSON pointer (RFC 6901); empty for the whole answer.
    pointer: String,
}

impl Reference {
    /// Reads `ID#/json/pointer`; `None` where it is no such text.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (id, pointer) = text.split_once('#')?;
        let is_whole = !id.is_empty() && (pointer.is_empty() || pointer.starts_with('/'));
        is_whole.then(|| Self { id: id.to_owned(), pointer: pointer.to_owned() })
    }
}

/// What a JSON value stands for.
enum Meaning<'a> {
    /// Itself, and so what is in it.
    Itself,
    /// What stands in it, untouched.
    Literal(&'a Json),
    Reference(Reference),
}

fn meaning(value: &Json) -> Result<Meaning<'_>, Error> {
    let Some((name, inner)) = value.as_object().and_then(only_member) else { return Ok(Meaning::Itself) };
    match name {
        LITERAL => Ok(Meaning::Literal(inner)),
        REFERENCE => {
            let reference = inner.as_str().and_then(Reference::parse);
            reference.map(Meaning::Reference).ok_or_else(|| {
                Error::whole(
                    "'$ref' must be a text such as \"order#/resource/0/id\"; a value that only looks like a \
                     reference is written {\"$literal\": value}",
                )
            })
        }
        _ => Ok(Meaning::Itself),
    }
}

fn only_member(members: &Map<String, Json>) -> Option<(&str, &Json)> {
    let (name, value) = members.iter().next().filter(|_| members.len() == 1)?;
    Some((name, value))
}

/// All references in a value.
///
/// # Errors
/// A reference that can't be read.
pub(super) fn collect(value: &Json, found: &mut Vec<Reference>) -> Result<(), Error> {
    match (meaning(value)?, value) {
        (Meaning::Reference(reference), _) => found.push(reference),
        (Meaning::Itself, Json::Array(items)) => {
            return items.iter().try_for_each(|item| collect(item, found));
        }
        (Meaning::Itself, Json::Object(members)) => {
            return members.values().try_for_each(|member| collect(member, found));
        }
        _ => {}
    }
    Ok(())
}

/// Puts values in the place of references.
pub(super) struct Filling<'a> {
    pub(super) results: &'a Results,
    /// How many bytes of JSON references may still bring: a large value may be referred to many times.
    pub(super) left: usize,
}

impl Filling<'_> {
    /// The value with all its references replaced.
    ///
    /// # Errors
    /// A target that does not exist, is too large, or would not be taken for plain data.
    pub(super) fn value(&mut self, value: Json) -> Result<Json, Error> {
        match meaning(&value)? {
            Meaning::Literal(inner) => return Ok(inner.clone()),
            Meaning::Reference(reference) => return self.target(&reference).cloned(),
            Meaning::Itself => {}
        }
        match value {
            Json::Array(items) => items.into_iter().map(|item| self.value(item)).collect(),
            Json::Object(members) => {
                let filled =
                    members.into_iter().map(|(name, member)| self.value(member).map(|value| (name, value)));
                filled.collect::<Result<Map<_, _>, _>>().map(Json::Object)
            }
            plain => Ok(plain),
        }
    }

    /// The value as a text, for a path or a query.
    ///
    /// # Errors
    /// As [`Filling::value`]; a value that is no text, number or boolean.
    pub(super) fn text(&mut self, value: Json, place: &str) -> Result<String, Error> {
        match self.value(value)? {
            Json::String(text) => Ok(text),
            Json::Number(number) => Ok(number.to_string()),
            Json::Bool(value) => Ok(value.to_string()),
            _ => Err(Error::whole(format!("{place} must be a text, a number or a boolean"))),
        }
    }

    /// The text that a reference in a path stands for.
    ///
    /// # Errors
    /// As [`Filling::text`]; an empty text, which would name nothing.
    pub(super) fn segment(&mut self, reference: &Reference) -> Result<String, Error> {
        let place = format!("the target of '{{{}#{}}}' in the path", reference.id, reference.pointer);
        let target = self.target(reference)?.clone();
        match self.text(Json::Object(Map::from_iter([(LITERAL.to_owned(), target)])), &place)? {
            text if text.is_empty() => Err(Error::whole(format!("{place} is empty"))),
            text => Ok(text),
        }
    }

    fn target(&mut self, reference: &Reference) -> Result<&Json, Error> {
        let Reference { id, pointer } = reference;
        let target = self.results.get(id).and_then(|result| result.pointer(pointer)).ok_or_else(|| {
            Error::whole(format!("the answer of operation '{id}' has nothing at '{pointer}'"))
        })?;
        if is_computed(target) {
            return Err(Error::whole(format!(
                "what the answer of operation '{id}' has at '{pointer}' would be computed as an expression"
            )));
        }
        self.left = self.left.checked_sub(size(target)).ok_or_else(|| {
            Error::whole(format!("the references bring too much; '{id}#{pointer}' is where it ends"))
        })?;
        Ok(target)
    }
}

/// Bytes of its JSON.
fn size(value: &Json) -> usize {
    value.to_string().len()
}

/// Stored data must not become a part of a request's meaning: `{"expression":…}` is computed by the store.
fn is_computed(value: &Json) -> bool {
    match value {
        Json::Array(items) => items.iter().any(is_computed),
        Json::Object(members) => members.contains_key("expression") || members.values().any(is_computed),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn results() -> Results {
        let order = json!({ "resource": [{ "id": 9_007_199_254_740_993_u64, "a/b": null, "note": "x", "is": true }] });
        Results::from([
            ("order".to_owned(), order),
            ("sly".to_owned(), json!({ "data": { "expression": "1" } })),
        ])
    }

    fn filled(value: Json) -> Result<Json, String> {
        let results = results();
        Filling { results: &results, left: 1000 }.value(value).map_err(|error| error.message)
    }

    #[test]
    fn a_reference_keeps_the_type_of_its_target() {
        let check = |value: Json, expected: Json| assert_eq!(filled(value.clone()), Ok(expected), "{value}");
        check(json!({ "$ref": "order#/resource/0/id" }), json!(9_007_199_254_740_993_u64));
        check(json!([{ "a": { "$ref": "order#/resource/0/note" } }]), json!([{ "a": "x" }]));
        check(json!({ "$ref": "order#/resource/0/a~1b" }), json!(null));
        check(json!({ "$ref": "order#" }), results().remove("order").unwrap());
        let exact: Json = serde_json::from_str("123456789012345678901234567890.10").unwrap();
        let results = Results::from([("d".to_owned(), json!([exact]))]);
        let value = Filling { results: &results, left: 1000 }.value(json!({ "$ref": "d#/0" })).unwrap();
        assert_eq!(value.to_string(), "123456789012345678901234567890.10");
    }

    #[test]
    fn what_only_looks_like_a_reference_is_left_alone() {
        let check = |value: Json, expected: Json| assert_eq!(filled(value.clone()), Ok(expected), "{value}");
        let schema = json!({ "$ref": "#/definitions/a", "title": "more than one member" });
        check(schema.clone(), schema);
        check(json!({ "$literal": { "$ref": "order#" } }), json!({ "$ref": "order#" }));
        check(json!({ "$literal": { "$literal": 1 } }), json!({ "$literal": 1 }));
        check(json!("order#/resource"), json!("order#/resource"));
    }

    #[test]
    fn a_reference_that_leads_nowhere_is_refused() {
        let check = |text: &str, expected: &str| {
            let message = filled(json!({ "$ref": text })).unwrap_err();
            assert!(message.starts_with(expected), "{text}: {message}");
        };
        check("order#/resource/1/id", "the answer of operation 'order' has nothing at '/resource/1/id'");
        check("order#/resource/00", "the answer of operation 'order' has nothing at '/resource/00'");
        check("sly#/data", "what the answer of operation 'sly' has at '/data' would be computed");
        for text in ["#/definitions/a", "order", "order#resource"] {
            check(text, "'$ref' must be a text such as");
        }
        assert!(filled(json!({ "$ref": 5 })).is_err());
    }

    #[test]
    fn what_references_bring_is_bounded() {
        let results = Results::from([("a".to_owned(), json!("x".repeat(100)))]);
        let many: Json = (0..10).map(|_| json!({ "$ref": "a#" })).collect();
        let fill = |left| Filling { results: &results, left }.value(many.clone());
        assert!(fill(1020).is_ok());
        assert!(fill(1019).unwrap_err().message.starts_with("the references bring too much"));
    }

    #[test]
    fn only_plain_values_become_text() {
        let results = results();
        let segment = |pointer: &str| {
            let reference = Reference::parse(pointer).unwrap();
            Filling { results: &results, left: 1000 }.segment(&reference).map_err(|error| error.message)
        };
        assert_eq!(segment("order#/resource/0/id").as_deref(), Ok("9007199254740993"));
        assert_eq!(segment("order#/resource/0/is").as_deref(), Ok("true"));
        let refused =
            "the target of '{order#/resource/0/a~1b}' in the path must be a text, a number or a boolean";
        assert_eq!(segment("order#/resource/0/a~1b").unwrap_err(), refused);
    }
}
