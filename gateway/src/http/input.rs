//! The parts of a request before anything is decided: verb, address, parameters, body.

use axum::body::{Body, HttpBody, to_bytes};
use axum::http::{HeaderMap, Request};
use bytes::Bytes;
use serde_json::{Map, Value as Json};

use super::address::Address;
use crate::error::ApiError;
use crate::request::{is_true, verb};
use crate::roles::Verb;

/// A request as it came, decoded.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) verb: Verb,
    pub(super) address: Address,
    /// Decoded, in their order.
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
    /// `None`: no body, or an empty one.
    pub(super) body: Option<Json>,
}

impl Input {
    /// Reads the whole request, its body up to `max_body_size` bytes.
    pub(super) async fn read(request: Request<Body>, max_body_size: u64) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let address = Address::parse(parts.uri.path())?.ok_or_else(ApiError::unknown_path)?;
        let query = query_pairs(parts.uri.query().unwrap_or_default())?;
        let header = |name: &str| header(&parts.headers, name);
        let method =
            verb::effective(parts.method.as_str(), header, |name| parameter(&query, name)).into_owned();
        let verb = Verb::from_method(&method).ok_or_else(|| ApiError::unknown_method(&method))?;
        check_forms(header, |name| parameter(&query, name))?;
        let body = read_body(body, max_body_size).await?;
        let body = if body.is_empty() { None } else { Some(parse_json(&body)?) };
        Ok(Self { verb, address, query, headers: parts.headers, body })
    }

    /// A header's text; one that is not text counts as absent.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// The last parameter of this name.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        parameter(&self.query, name)
    }

    /// A text member of the body.
    pub(super) fn body_text(&self, name: &str) -> Option<&str> {
        self.body_object()?.get(name)?.as_str()
    }

    fn body_object(&self) -> Option<&Map<String, Json>> {
        self.body.as_ref()?.as_object()
    }
}

/// JSON goes in and out, lists in a wrapper. Who asks for another form is told so, instead of getting what they can't read.
fn check_forms<'a>(
    header: impl Fn(&str) -> Option<&'a str>,
    parameter: impl Fn(&str) -> Option<&'a str>,
) -> Result<(), ApiError> {
    let either = |name: &str| parameter(name).or_else(|| header(name)).map(str::trim);
    if either("accept").is_some_and(|accept| !accepts_json(accept)) {
        return Err(ApiError::unacceptable());
    }
    let sent = header("content-type").unwrap_or_default().to_ascii_lowercase();
    if sent.contains("csv") || sent.contains("xml") {
        return Err(ApiError::unsupported_body());
    }
    match either("wrap") {
        Some(wrap) if !is_true(wrap) => Err(ApiError::unsupported("an answer without its wrapper")),
        _ => Ok(()),
    }
}

fn accepts_json(accept: &str) -> bool {
    const TYPES: [&str; 5] = ["application/json", "*/*", "application/*", "text/json", "text/plain"];
    let names = accept.split(',').map(|range| range.split(';').next().unwrap_or_default().trim());
    accept.is_empty()
        || names.into_iter().any(|name| TYPES.iter().any(|known| known.eq_ignore_ascii_case(name)))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn parameter<'a>(query: &'a [(String, String)], name: &str) -> Option<&'a str> {
    query.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// Pairs of a query string. Bytes that are not UTF-8 are refused: replaced by a placeholder, a filter would silently mean something else.
fn query_pairs(query: &str) -> Result<Vec<(String, String)>, ApiError> {
    percent_encoding::percent_decode_str(query)
        .decode_utf8()
        .map_err(|_| ApiError::malformed_address("query string"))?;
    Ok(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
}

async fn read_body(body: Body, limit: u64) -> Result<Bytes, ApiError> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    if body.size_hint().lower() > limit {
        return Err(ApiError::body_too_large(limit));
    }
    to_bytes(body, usize::try_from(limit).unwrap_or(usize::MAX)).await.map_err(|error| {
        let is_too_large = std::error::Error::source(&error)
            .is_some_and(|source| source.is::<http_body_util::LengthLimitError>());
        if is_too_large { ApiError::body_too_large(limit) } else { ApiError::broken_body() }
    })
}

fn parse_json(body: &[u8]) -> Result<Json, ApiError> {
    serde_json::from_slice(body).map_err(|error| ApiError::malformed_json(error.line(), error.column()))
}
