//! Bodies of requests, whatever form they are in, as JSON: whole documents here, records one by one through [`Records`].
//! Pure: bytes are handed in as they come.

mod csv;
mod error;
mod form;
mod ndjson;
mod records;
mod xml;

use serde_json::{Map, Value as Json};

pub use error::Error;
pub use records::{Record, Records};

use super::media::BodyMedia;

/// The member that holds the records of a document.
pub const WRAPPER: &str = "resource";

/// How deep tags may be nested; JSON has the same limit.
const MAX_DEPTH: usize = 128;

const BOM: &[u8] = b"\xef\xbb\xbf";

/// A whole body as JSON. Records come as a list under [`WRAPPER`].
///
/// # Errors
/// A body that is not what it is said to be.
pub fn document(media: BodyMedia, body: &[u8]) -> Result<Json, Error> {
    match media {
        BodyMedia::Json => json(body.strip_prefix(BOM).unwrap_or(body)),
        BodyMedia::Xml => xml::document(body),
        BodyMedia::Form => form::fields(body),
        BodyMedia::Ndjson | BodyMedia::Csv => {
            let mut records = Records::new(media, body.len());
            let (mut rest, mut list) = (body, Vec::new());
            while let Some(record) = records.next(&mut rest)? {
                list.push(Json::Object(record));
            }
            list.extend(records.end()?.map(Json::Object));
            Ok(Json::Object(Map::from_iter([(WRAPPER.to_owned(), Json::Array(list))])))
        }
    }
}

/// A document whose records stand under the name that operations know, not under the one of the configuration.
#[must_use]
pub fn unwrapped(mut document: Json, wrapper: &str) -> Json {
    if let Json::Object(members) = &mut document
        && wrapper != WRAPPER
        && let Some(records) = members.remove(wrapper)
    {
        members.insert(WRAPPER.to_owned(), records);
    }
    document
}

fn json(body: &[u8]) -> Result<Json, Error> {
    serde_json::from_slice(body).map_err(|error| Error::json(&error, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_becomes_json() {
        let check = |media, body: &str, expected: &str| {
            assert_eq!(document(media, body.as_bytes()).unwrap().to_string(), expected, "{body}");
        };
        check(BodyMedia::Json, "\u{feff}{\"a\":1,\"b\":2,\"a\":1.500}", r#"{"a":1.500,"b":2}"#);
        check(BodyMedia::Ndjson, "{\"a\":1}\n{\"a\":2}", r#"{"resource":[{"a":1},{"a":2}]}"#);
        check(BodyMedia::Csv, "a,b\n1,\n", r#"{"resource":[{"a":"1","b":""}]}"#);
        check(BodyMedia::Csv, "", r#"{"resource":[]}"#);
        check(BodyMedia::Xml, "<x><a>1</a></x>", r#"{"a":"1"}"#);
        check(BodyMedia::Form, "a=1&b=%C3%BC+x&a=2", r#"{"a":"2","b":"ü x"}"#);
    }

    #[test]
    fn what_is_no_json_is_refused_with_its_place() {
        let check = |body: &[u8], expected: &str| {
            assert_eq!(document(BodyMedia::Json, body).unwrap_err().to_string(), expected);
        };
        check(b"{\"a\":\n  x}", "Invalid or malformed JSON at line 2, column 3.");
        check(b"{\"a\":\"\xff\"}", "Invalid or malformed JSON at line 1, column 7.");
        let deep = "[".repeat(MAX_DEPTH) + &"]".repeat(MAX_DEPTH);
        check(
            deep.as_bytes(),
            "The JSON is nested too deeply at line 1, column 128: at most 127 levels are read.",
        );
        let allowed = "[".repeat(MAX_DEPTH - 1) + &"]".repeat(MAX_DEPTH - 1);
        assert!(document(BodyMedia::Json, allowed.as_bytes()).is_ok());
    }
}
