//! The parts of a request before anything is decided: verb, address, parameters, body.

use std::collections::HashMap;

use axum::body::Body;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderMap, Method, request::Parts};
use serde_json::Value as Json;

use super::address::Address;
use super::body::{self, Announced, Limits, Payload};
use super::progress::Progress;
use crate::error::ApiError;
use crate::idempotency::Key;
use crate::pipeline::RecordStream;
use crate::request::body::unwrapped;
use crate::request::media::BodyMedia;
use crate::request::{Conditions, verb};
use crate::roles::Verb;

/// The field of a form that says which verb is meant.
const FORM_VERB: &str = "_method";

/// A request without its body, decoded.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) verb: Verb,
    method: Method,
    pub(super) address: Address,
    /// Decoded, in their order.
    pub(super) query: Vec<(String, String)>,
    headers: HeaderMap,
}

impl Head {
    /// Takes the head of a request apart.
    pub(super) fn read(parts: Parts) -> Result<Self, ApiError> {
        let address = Address::parse(parts.uri.path())?.ok_or_else(ApiError::unknown_path)?;
        let query = query_pairs(parts.uri.query().unwrap_or_default())?;
        let (method, headers) = (parts.method, parts.headers);
        let verb = meant(&method, &headers, |name| parameter(&query, name))?;
        Ok(Self { verb, method, address, query, headers })
    }

    /// Takes the verb out of a form's field `_method`, which is as good as one of the query string.
    fn read_form(&mut self, form: &mut Json) -> Result<(), ApiError> {
        let field = form.as_object_mut().and_then(|fields| fields.remove(FORM_VERB));
        let field = field.as_ref().and_then(Json::as_str);
        let given = |name: &str| parameter(&self.query, name).or(field.filter(|_| name == FORM_VERB));
        self.verb = meant(&self.method, &self.headers, given)?;
        Ok(())
    }

    /// A header's text; one that is not text counts as absent.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// All values of a header whose values are a list, as one.
    pub(super) fn all(&self, name: &str) -> String {
        let values = self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
        values.collect::<Vec<_>>().join(",")
    }

    /// A header that must not be overlooked: its values as one list, `None` only when it is not there.
    ///
    /// # Errors
    /// What is no text.
    fn strict(&self, name: &str) -> Result<Option<String>, ApiError> {
        let values = self.headers.get_all(name).iter().map(|value| value.to_str());
        let values = values.collect::<Result<Vec<_>, _>>().map_err(|_| ApiError::malformed_header(name))?;
        Ok((!values.is_empty()).then(|| values.join(",")))
    }

    /// On which version of its row the request counts.
    ///
    /// # Errors
    /// Headers that can't be read.
    pub(super) fn conditions(&self) -> Result<Conditions, ApiError> {
        let (own, other) = (self.strict("If-Match")?, self.strict("If-None-Match")?);
        Ok(Conditions::parse(own.as_deref(), other.as_deref())?)
    }

    /// The caller's name for the request. Reading twice does no harm, so reads have none.
    ///
    /// # Errors
    /// What can't be one.
    pub(super) fn key(&self) -> Result<Option<Key>, ApiError> {
        let text = if self.verb == Verb::Get { None } else { self.strict("Idempotency-Key")? };
        text.as_deref().map(Key::parse).transpose()
    }

    /// The last parameter of this name.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        parameter(&self.query, name)
    }

    /// Whether the body of a write is the record itself, in which a column may be named like the wrapper.
    fn is_about_one_row(&self) -> bool {
        let is_row = matches!(self.address.resource.as_slice(), [first, _, _] if first == "_table");
        is_row && self.verb != Verb::Get
    }

    /// Whether many records may come in a body: those of a write into a table.
    fn takes_records(&self) -> bool {
        let is_table = matches!(self.address.resource.as_slice(), [first, _] if first == "_table");
        is_table && matches!(self.verb, Verb::Post | Verb::Put | Verb::Patch)
    }
}

/// A request as it came, decoded.
pub(super) struct Input {
    pub(super) head: Head,
    /// `None`: no body, an empty one, or records that are read one by one.
    pub(super) body: Option<Json>,
    /// The values of the body or of the records are texts, of whatever type they are meant.
    pub(super) are_texts: bool,
}

impl Input {
    /// Reads the body, or gives its records to be read one by one. `wrapper` is the member under which records stand.
    pub(super) async fn read(
        head: Head,
        body: Body,
        limits: Limits,
        progress: Progress,
        wrapper: &str,
    ) -> Result<(Self, Option<RecordStream>), ApiError> {
        let announced = Announced {
            content_type: head.header(CONTENT_TYPE.as_str()),
            encoding: head.header(CONTENT_ENCODING.as_str()),
            takes_records: head.takes_records(),
        };
        let mut payload = body::read(body, announced, limits, progress).await?;
        let mut head = head;
        if let Payload::Document(BodyMedia::Form, form) = &mut payload {
            head.read_form(form)?;
        }
        let (media, body, records) = match payload {
            Payload::None => return Ok((Self { head, body: None, are_texts: false }, None)),
            Payload::Document(media, record) if head.is_about_one_row() => (media, Some(record), None),
            Payload::Document(media, document) => (media, Some(unwrapped(document, wrapper)), None),
            Payload::Records(media, records) => (media, None, Some(records)),
        };
        Ok((Self { head, body, are_texts: media.is_of_texts() }, records))
    }

    /// A text member of the body.
    pub(super) fn body_text(&self, name: &str) -> Option<&str> {
        self.body.as_ref()?.as_object()?.get(name)?.as_str()
    }
}

/// The verb that a request means.
fn meant<'a>(
    method: &'a Method,
    headers: &'a HeaderMap,
    parameter: impl Fn(&str) -> Option<&'a str>,
) -> Result<Verb, ApiError> {
    let word = verb::effective(method.as_str(), |name| header(headers, name), parameter);
    Verb::from_method(&word).ok_or_else(|| ApiError::unknown_method(&word))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn parameter<'a>(query: &'a [(String, String)], name: &str) -> Option<&'a str> {
    query.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// Pairs of a query string. A list may be written as `ids[]=1&ids[]=2` or `ids[0]=1&ids[1]=2`, which is `ids=1,2`. Bytes that are not UTF-8 are refused: replaced by a placeholder, a filter would silently mean something else.
pub(crate) fn query_pairs(query: &str) -> Result<Vec<(String, String)>, ApiError> {
    percent_encoding::percent_decode_str(query)
        .decode_utf8()
        .map_err(|_| ApiError::malformed_address("query string"))?;
    let mut pairs: Vec<(String, String)> = Vec::new();
    // The items of each list so far stand here.
    let mut lists: HashMap<String, usize> = HashMap::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()).into_owned() {
        let Some(list) = listed(&name) else {
            pairs.push((name, value));
            continue;
        };
        match lists.get(list).and_then(|place| pairs.get_mut(*place)) {
            Some((_, items)) => {
                items.push(',');
                items.push_str(&value);
            }
            None => {
                lists.insert(list.to_owned(), pairs.len());
                pairs.push((list.to_owned(), value));
            }
        }
    }
    Ok(pairs)
}

/// The parameter of which `ids[]` or `ids[0]` names an item. Brackets with words in them, as in `params[:a]`, mean something else.
fn listed(name: &str) -> Option<&str> {
    let (list, index) = name.strip_suffix(']')?.split_once('[')?;
    let is_index = !list.is_empty() && index.bytes().all(|byte| byte.is_ascii_digit());
    is_index.then_some(list).filter(|list| *list != "params")
}
