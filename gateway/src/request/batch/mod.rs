//! The document of a batch → its operations: what each asks, where it refers to earlier ones, what it may not say. What becomes of
//! the references is known only while the batch runs.

mod path;
mod reference;

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

use self::path::{Segment, segments};
use self::reference::{Filling, Reference, collect};
use super::Error;
pub use reference::Results;

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// Parameters that say something about the whole request, so never about a part of it.
const OF_THE_WHOLE: [&str; 11] = [
    "continue",
    "rollback",
    "file",
    "accept",
    "wrap",
    "csv_safe",
    "numbers",
    "method",
    "_method",
    "api_key",
    "session_token",
];

/// Those of them that may also stand in a body.
const IN_A_BODY: [&str; 2] = ["continue", "rollback"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    operations: Vec<Json>,
}

/// An operation as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: Option<String>,
    method: String,
    path: String,
    #[serde(default)]
    query: Map<String, Json>,
    body: Option<Json>,
}

/// An operation of a batch, its references still open.
#[derive(Debug)]
pub struct Step {
    /// Its name in references and in the answer.
    pub id: String,
    /// Its verb, in upper case.
    pub method: String,
    path: Vec<Segment>,
    query: Map<String, Json>,
    body: Option<Json>,
    references: Vec<Reference>,
}

/// An operation with all its values.
#[derive(Debug, PartialEq)]
pub struct Filled {
    /// The path inside the service, decoded.
    pub resource: Vec<String>,
    /// Parameters, decoded.
    pub query: Vec<(String, String)>,
    /// The body, if there is one.
    pub body: Option<Json>,
    /// Its members are options and records. The body of a write of one row is its record: a column may be named like an option.
    pub has_options: bool,
}

/// Reads a batch of at most so many operations.
///
/// # Errors
/// Anything that is not known or allowed in a batch, names given twice, references to operations that do not come before.
pub fn read(body: Option<Json>, most: usize) -> Result<Vec<Step>, Error> {
    let document = Document::deserialize(body.unwrap_or_default());
    let Document { operations } = document.map_err(|error| {
        Error::whole(format!("The body of a batch is {{\"operations\": [...]}}; this one is not: {error}."))
    })?;
    if operations.is_empty() || operations.len() > most {
        return Err(Error::whole(format!("A batch has between 1 and {most} operations.")));
    }
    let mut known = HashSet::new();
    let steps = operations.into_iter().enumerate().map(|(index, operation)| {
        let step = Step::read(index, operation).map_err(|error| named(&index.to_string(), &error))?;
        step.check(&known).map_err(|error| named(&step.id, &error))?;
        known.insert(step.id.clone());
        Ok(step)
    });
    steps.collect()
}

/// The error of an operation.
fn named(id: &str, error: &Error) -> Error {
    Error::whole(format!("Operation '{id}': {}.", error.message))
}

impl Step {
    fn read(index: usize, operation: Json) -> Result<Self, Error> {
        let written = Written::deserialize(operation).map_err(|error| Error::whole(error.to_string()))?;
        let mut step = Self {
            id: written.id.unwrap_or_else(|| index.to_string()),
            method: written.method.to_ascii_uppercase(),
            path: segments(&written.path)?,
            query: written.query,
            body: written.body,
            references: Vec::new(),
        };
        let of_path = step.path.iter().filter_map(|segment| match segment {
            Segment::Reference(reference) => Some(reference.clone()),
            Segment::Text(_) => None,
        });
        step.references = of_path.collect();
        step.query.values().chain(&step.body).try_for_each(|value| collect(value, &mut step.references))?;
        Ok(step)
    }

    fn check(&self, known: &HashSet<String>) -> Result<(), Error> {
        let refused = |message: String| Err(Error::whole(message));
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        if self.id.is_empty() || !self.id.chars().all(is_name) {
            return refused("its id may hold letters, digits, '_', '-' and '.' only".to_owned());
        }
        if known.contains(&self.id) {
            return refused("another operation has this id already".to_owned());
        }
        if !METHODS.contains(&self.method.as_str()) {
            return refused(format!("its method must be one of {}", METHODS.join(", ")));
        }
        match self.path.as_slice() {
            [Segment::Text(first), _, ..] if first == "_table" => {}
            [Segment::Text(first), ..] if first == "_batch" => {
                return refused("a batch inside a batch is not supported".to_owned());
            }
            _ => return refused("its path must begin with '_table/' and a table".to_owned()),
        }
        if let Some(name) = OF_THE_WHOLE.iter().find(|name| self.query.contains_key(**name)) {
            return Err(unsupported(name));
        }
        match self.references.iter().find(|reference| !known.contains(&reference.id)) {
            Some(Reference { id, .. }) => {
                refused(format!("it refers to '{id}', and no operation before it has this id"))
            }
            None => Ok(()),
        }
    }

    /// The operations that it refers to.
    pub fn references(&self) -> impl Iterator<Item = &str> {
        self.references.iter().map(|reference| reference.id.as_str())
    }

    /// Puts values in the place of all references. Together they may have so many bytes of JSON.
    ///
    /// # Errors
    /// References that lead nowhere or to something that does not fit, options in the body that a batch does not have.
    pub fn filled(self, results: &Results, limit: usize) -> Result<Filled, Error> {
        let id = self.id.clone();
        let mut filling = Filling { results, left: limit };
        let filled = self.fill(&mut filling).and_then(Filled::check);
        filled.map_err(|error| named(&id, &error))
    }

    fn fill(self, filling: &mut Filling<'_>) -> Result<Filled, Error> {
        let resource = self.path.into_iter().map(|segment| match segment {
            Segment::Text(text) => Ok(text),
            Segment::Reference(reference) => filling.segment(&reference),
        });
        let resource = resource.collect::<Result<Vec<_>, _>>()?;
        let query = self.query.into_iter().map(|(name, value)| {
            let text = filling.text(value, &format!("'{name}' in its query"))?;
            Ok((name, text))
        });
        let query = query.collect::<Result<_, Error>>()?;
        let body = self.body.map(|body| filling.value(body)).transpose()?;
        let has_options = self.method == "GET" || resource.len() == 2;
        Ok(Filled { resource, query, body, has_options })
    }
}

impl Filled {
    fn check(self) -> Result<Self, Error> {
        let options = self.body.as_ref().and_then(Json::as_object).filter(|_| self.has_options);
        match IN_A_BODY.iter().find(|name| options.is_some_and(|options| options.contains_key(**name))) {
            Some(name) => Err(unsupported(name)),
            None => Ok(self),
        }
    }
}

fn unsupported(name: &str) -> Error {
    Error::whole(format!("'{name}' is not supported inside a batch"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(operations: &Json) -> String {
        read(Some(json!({ "operations": operations })), 1000).unwrap_err().message
    }

    #[test]
    fn an_operation_is_read_with_its_defaults() {
        let operations = json!([
            { "method": "get", "path": "_table/a/5", "query": { "fields": "*", "limit": 5, "as_list": true } },
            { "id": "b", "method": "POST", "path": "_table/b", "body": { "resource": [{ "n": { "$ref": "0#/id" } }] } },
        ]);
        let mut steps = read(Some(json!({ "operations": operations })), 1000).unwrap();
        let second = steps.pop().unwrap();
        assert_eq!((second.id.as_str(), second.references().collect::<Vec<_>>()), ("b", vec!["0"]));
        let results = Results::from([("0".to_owned(), json!({ "id": 7 }))]);
        let body = second.filled(&results, 100).unwrap().body;
        assert_eq!(body, Some(json!({ "resource": [{ "n": 7 }] })));
        let first = steps.pop().unwrap();
        assert_eq!((first.id.as_str(), first.method.as_str()), ("0", "GET"));
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let expected = Filled {
            resource: ["_table", "a", "5"].map(str::to_owned).to_vec(),
            query: vec![pair("fields", "*"), pair("limit", "5"), pair("as_list", "true")],
            body: None,
            has_options: true,
        };
        assert_eq!(first.filled(&Results::new(), 100), Ok(expected));
    }

    #[test]
    fn what_a_batch_does_not_know_is_refused_by_name() {
        let check = |operation: Json, expected: &str| {
            let operations = json!([{ "id": "a", "method": "GET", "path": "_table/a" }, operation]);
            let message = refusal(&operations);
            assert!(message.starts_with(expected), "{operation}: {message}");
        };
        let with = |name: &str, value: Json| {
            let mut operation = json!({ "id": "b", "method": "GET", "path": "_table/b" });
            operation[name] = value;
            operation
        };
        check(json!(5), "Operation '1': invalid type: ");
        check(json!({ "path": "_table/b" }), "Operation '1': missing field `method`.");
        check(with("headers", json!({})), "Operation '1': unknown field `headers`, expected one of ");
        check(with("if_match", json!("x")), "Operation '1': unknown field `if_match`");
        check(with("id", json!("a")), "Operation 'a': another operation has this id already.");
        check(with("id", json!("a#b")), "Operation 'a#b': its id may hold letters");
        check(with("id", json!("")), "Operation '': its id may hold letters");
        check(with("method", json!("MERGE")), "Operation 'b': its method must be one of GET, POST");
        check(with("path", json!("_batch")), "Operation 'b': a batch inside a batch is not supported.");
        for path in ["", "_table", "_schema/a", "system/admin", "{a#/x}/b", "../shop/_table/b"] {
            check(
                with("path", json!(path)),
                "Operation 'b': its path must begin with '_table/' and a table.",
            );
        }
        for name in OF_THE_WHOLE {
            let expected = format!("Operation 'b': '{name}' is not supported inside a batch.");
            check(with("query", json!({ name: "x" })), &expected);
        }
        let reference = with("body", json!({ "filter": { "$ref": "b#" } }));
        check(reference, "Operation 'b': it refers to 'b', and no operation before it has this id.");
        check(with("path", json!("_table/b/{c#/id}")), "Operation 'b': it refers to 'c'");
    }

    #[test]
    fn the_number_of_operations_has_bounds() {
        let many = |count: usize| json!(vec![json!({ "method": "GET", "path": "_table/a" }); count]);
        assert_eq!(refusal(&many(0)), "A batch has between 1 and 1000 operations.");
        assert_eq!(refusal(&many(1001)), "A batch has between 1 and 1000 operations.");
        assert_eq!(read(Some(json!({ "operations": many(1000) })), 1000).unwrap().len(), 1000);
        for body in [None, Some(json!([])), Some(json!({ "operations": many(1), "rollback": true }))] {
            assert!(read(body, 1000).unwrap_err().message.starts_with("The body of a batch is"));
        }
    }

    #[test]
    fn options_of_the_whole_are_refused_in_bodies_too_but_columns_are_not() {
        let fill = |method: &str, path: &str| {
            let body = json!({ "continue": true });
            let operation = json!({ "method": method, "path": path, "body": body });
            let mut steps = read(Some(json!({ "operations": [operation] })), 1000).unwrap();
            steps.pop().unwrap().filled(&Results::new(), 100).map(|filled| filled.body)
        };
        let refused = Err(Error::whole("Operation '0': 'continue' is not supported inside a batch."));
        assert_eq!(fill("POST", "_table/a"), refused);
        assert_eq!(fill("GET", "_table/a/1"), refused);
        assert_eq!(fill("PATCH", "_table/a/1"), Ok(Some(json!({ "continue": true }))));
    }
}
