//! Query string and body as one source of options: the query string wins, a name goes before its aliases.

use std::borrow::Cow;

use serde_json::{Map, Value as Json};

use super::Error;
use super::bounds::{Bounds, at_most};
use super::filter::Params;

/// The options of one request: query pairs in their order, percent-decoded, and the body's top-level members.
#[derive(Debug, Clone, Copy, Default)]
pub struct Parameters<'a> {
    /// `(name, value)`; of several with one name the last counts.
    pub query: &'a [(String, String)],
    /// The body, if it is a JSON object.
    pub body: Option<&'a Map<String, Json>>,
    /// How much they may ask.
    pub bounds: Bounds,
}

/// One option as it was given.
#[derive(Debug, Clone, Copy)]
pub(super) enum Given<'a> {
    Query(&'a str),
    Body(&'a Json),
}

impl<'a> Parameters<'a> {
    /// The first of `names` that the query string has, else the first that the body has. A JSON null is as good as absent.
    pub(super) fn find(&self, names: &[&str]) -> Option<Given<'a>> {
        let in_query = names.iter().find_map(|name| {
            self.query.iter().rev().find(|(known, _)| known == name).map(|(_, value)| Given::Query(value))
        });
        in_query.or_else(|| {
            let body = self.body?;
            let found = names.iter().find_map(|name| body.get(*name).filter(|value| !value.is_null()));
            found.map(Given::Body)
        })
    }

    /// True as [`is_true`] has it; everything else and nothing is false.
    pub(super) fn flag(&self, name: &str) -> bool {
        match self.find(&[name]) {
            None => false,
            Some(Given::Query(text)) => is_true(text),
            Some(Given::Body(Json::Bool(value))) => *value,
            Some(Given::Body(Json::Number(number))) => number.as_i64() == Some(1),
            Some(Given::Body(Json::String(text))) => is_true(text),
            Some(Given::Body(_)) => false,
        }
    }

    /// A text; numbers and booleans of a body as they are written, a JSON array as its items with commas between.
    ///
    /// # Errors
    /// A JSON object, or an array that holds more than plain values.
    pub(super) fn text(&self, names: &[&'static str]) -> Result<Option<Cow<'a, str>>, Error> {
        let Some(given) = self.find(names) else { return Ok(None) };
        let refused = || names.first().map_or_else(|| not_text(""), |name| not_text(name));
        match given {
            Given::Query(text) => Ok(Some(Cow::Borrowed(text))),
            Given::Body(Json::Array(items)) => {
                let items: Option<Vec<Cow<'_, str>>> = items.iter().map(scalar).collect();
                Ok(Some(Cow::Owned(items.ok_or_else(refused)?.join(","))))
            }
            Given::Body(value) => scalar(value).map(Some).ok_or_else(refused),
        }
    }

    /// A list of names: comma separated, or a JSON array of texts, whose items are not cut at commas. `None` if absent.
    ///
    /// # Errors
    /// A JSON object, or an array that holds more than plain values; more items than `most`.
    pub(super) fn list(&self, names: &[&'static str], most: usize) -> Result<Option<Vec<String>>, Error> {
        let name = names.first().copied().unwrap_or_default();
        let items = if let Some(Given::Body(Json::Array(items))) = self.find(names) {
            let items = items.iter().map(|item| scalar(item).map(Cow::into_owned));
            Some(items.collect::<Option<Vec<_>>>().ok_or_else(|| not_text(name))?)
        } else {
            self.text(names)?.map(|text| split(&text))
        };
        items.map(|items| at_most(items, most, name)).transpose()
    }

    /// Replacements for `:name`: the body's `params` object, overridden by `params[:name]=value` of the query string; an array is written
    /// there as `params[:name][]=a&params[:name][]=b`.
    ///
    /// # Errors
    /// A `params` member of the body that is no object. An empty array passes: some languages write empty objects so.
    pub(super) fn params(&self) -> Result<Cow<'a, Params>, Error> {
        static NONE: std::sync::LazyLock<Params> = std::sync::LazyLock::new(Params::new);
        let given = match self.body.and_then(|body| body.get("params")) {
            None | Some(Json::Null) => &*NONE,
            Some(Json::Object(params)) => params,
            Some(Json::Array(items)) if items.is_empty() => &*NONE,
            Some(_) => {
                return Err(Error::new(
                    "params",
                    "'params' must be an object such as {\":name\": \"value\"}",
                ));
            }
        };
        let mut params = Cow::Borrowed(given);
        let mut arrays: Params = Params::new();
        for (name, value) in self.query {
            let Some(key) = name.strip_prefix("params[") else { continue };
            let array_key = key.strip_suffix("][]");
            let Some(key) = array_key.or_else(|| key.strip_suffix(']')) else { continue };
            let key = format!(":{}", key.strip_prefix(':').unwrap_or(key));
            if array_key.is_none() {
                params.to_mut().insert(key, Json::String(value.clone()));
            } else if let Json::Array(items) = arrays.entry(key).or_insert_with(|| Json::Array(Vec::new())) {
                items.push(Json::String(value.clone()));
            }
        }
        if !arrays.is_empty() {
            params.to_mut().append(&mut arrays);
        }
        Ok(params)
    }
}

fn not_text(name: &'static str) -> Error {
    Error::new(name, format!("'{name}' must be a text or a list of texts"))
}

/// Cuts a list at its commas, without blanks around items and without empty items.
pub(super) fn split(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
}

/// Whether a text stands for true: `true`, `1`, `yes`, `on`, `y`, `t` in any case.
#[must_use]
pub fn is_true(text: &str) -> bool {
    ["true", "1", "yes", "on", "y", "t"].iter().any(|word| text.trim().eq_ignore_ascii_case(word))
}

fn scalar(value: &Json) -> Option<Cow<'_, str>> {
    match value {
        Json::String(text) => Some(Cow::Borrowed(text)),
        Json::Number(number) => Some(Cow::Owned(number.to_string())),
        Json::Bool(value) => Some(Cow::Borrowed(if *value { "true" } else { "false" })),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}
