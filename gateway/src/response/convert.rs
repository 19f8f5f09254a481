//! Whole answers that operations made as JSON, converted into the form that is wanted. Rows do not come this way: they are written
//! in their form at once.

use std::borrow::Cow;
use std::collections::HashSet;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use super::Layout;
use super::cell::string;
use super::csv::Line;
use super::xml::{self, scalar_text};
use crate::request::body::WRAPPER;
use crate::request::media::Media;

/// Converts.
///
/// # Errors
/// What is no JSON.
pub fn convert(json: &[u8], layout: &Layout) -> Result<Vec<u8>, serde_json::Error> {
    if layout.media == Media::Json {
        return Ok(wrapped(json, layout).unwrap_or_else(|| json.to_vec()));
    }
    let content = Content::of(serde_json::from_slice(json)?);
    let mut out = Vec::with_capacity(json.len());
    match layout.media {
        Media::Json | Media::Ndjson => content.values().iter().for_each(|value| line(&mut out, value)),
        Media::Csv => csv(&mut out, &content, layout),
        Media::Xml => xml(&mut out, &content, layout),
    }
    Ok(out)
}

/// A list as operations write it, its items unread.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List<'a> {
    #[serde(borrow)]
    resource: &'a RawValue,
    #[serde(borrow, default)]
    meta: Option<&'a RawValue>,
}

/// The list under another name or under none; `None` if it is no list.
fn wrapped(json: &[u8], layout: &Layout) -> Option<Vec<u8>> {
    let List { resource, meta } = serde_json::from_slice(json).ok()?;
    let is_list = resource.get().starts_with('[');
    if !is_list {
        return None;
    }
    if !layout.is_wrapped && meta.is_none() {
        return Some(resource.get().as_bytes().to_vec());
    }
    let mut out = b"{".to_vec();
    string(&mut out, &layout.wrapper);
    out.push(b':');
    out.extend_from_slice(resource.get().as_bytes());
    if let Some(meta) = meta {
        out.extend_from_slice(b",\"meta\":");
        out.extend_from_slice(meta.get().as_bytes());
    }
    out.push(b'}');
    Some(out)
}

/// What an answer consists of.
enum Content {
    List { items: Vec<Json>, meta: Option<Json> },
    Single(Json),
}

impl Content {
    fn of(value: Json) -> Self {
        let is_list = value.as_object().is_some_and(|members| {
            members.get(WRAPPER).is_some_and(Json::is_array)
                && members.keys().all(|name| name == WRAPPER || name == "meta")
        });
        match value {
            Json::Object(mut members) if is_list => match members.remove(WRAPPER) {
                Some(Json::Array(items)) => Self::List { items, meta: members.remove("meta") },
                _ => Self::Single(Json::Object(members)),
            },
            Json::Array(items) => Self::List { items, meta: None },
            value => Self::Single(value),
        }
    }

    fn values(&self) -> &[Json] {
        match self {
            Self::List { items, .. } => items,
            Self::Single(value) => std::slice::from_ref(value),
        }
    }
}

fn line(out: &mut Vec<u8>, value: &Json) {
    out.extend_from_slice(value.to_string().as_bytes());
    out.push(b'\n');
}

/// Objects have a column for each member that one of them has; other items of a list stand in one column under its name. A value
/// alone has no header.
fn csv(out: &mut Vec<u8>, content: &Content, layout: &Layout) {
    let values = content.values();
    let mut line = Line::new(layout.csv_safe);
    let objects: Option<Vec<&Map<String, Json>>> = values.iter().map(Json::as_object).collect();
    let Some(objects) = objects.filter(|objects| !objects.is_empty()) else {
        if !values.is_empty() && matches!(content, Content::List { .. }) {
            line.text(out, layout.wrapper.as_bytes());
            line.end(out);
        }
        for value in values {
            csv_cell(out, &mut line, Some(value));
            line.end(out);
        }
        return;
    };
    let mut seen = HashSet::new();
    let names = objects.iter().flat_map(|object| object.keys());
    let names: Vec<&String> = names.filter(|name| seen.insert(*name)).collect();
    names.iter().for_each(|name| line.text(out, name.as_bytes()));
    line.end(out);
    for object in objects {
        names.iter().for_each(|name| csv_cell(out, &mut line, object.get(*name)));
        line.end(out);
    }
}

fn csv_cell(out: &mut Vec<u8>, line: &mut Line, value: Option<&Json>) {
    let text: Cow<'_, str> = match value {
        None => Cow::Borrowed(""),
        Some(Json::String(text)) => Cow::Borrowed(text),
        Some(value) => Cow::Owned(scalar_text(value)),
    };
    if matches!(value, Some(Json::String(_) | Json::Array(_) | Json::Object(_))) {
        line.text(out, text.as_bytes());
    } else {
        line.value(out, text.as_bytes());
    }
}

fn xml(out: &mut Vec<u8>, content: &Content, layout: &Layout) {
    out.extend_from_slice(xml::HEAD);
    match content {
        Content::List { items, meta } => {
            if !items.is_empty() {
                // A list is written as its items.
                let items = Json::Array(items.clone());
                xml::value_element(out, 1, &xml::tag(&layout.wrapper), &items);
            }
            if let Some(meta) = meta {
                xml::value_element(out, 1, "meta", meta);
            }
            out.extend_from_slice(xml::FOOT);
        }
        Content::Single(Json::Object(members)) => {
            members.iter().for_each(|(name, value)| xml::value_element(out, 1, &xml::tag(name), value));
            out.extend_from_slice(xml::FOOT);
        }
        Content::Single(value) => {
            xml::text(out, &scalar_text(value));
            out.extend_from_slice(xml::TEXT_FOOT);
        }
    }
}

#[cfg(test)]
#[path = "convert_tests.rs"]
mod tests;
