//! Where a text goes: the requests of `places.toml`, filled with it.

use serde::Deserialize;
use serde_json::Value as Json;

/// A kind of requests with a place for a text.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Place {
    pub(crate) name: String,
    /// One after the other for each text.
    steps: Vec<Step>,
    /// Harmless texts, beside those of the file, whose statements show which shapes there are.
    #[serde(default)]
    pub(crate) clean: Vec<String>,
    /// The text says conditions or calculations itself, so their order and number are its own.
    #[serde(default)]
    pub(crate) is_grammar: bool,
    /// The text becomes the name or the default of something new.
    #[serde(default)]
    pub(crate) is_given: bool,
    /// How many requests are on their way at the same time.
    #[serde(default = "eight")]
    pub(crate) lanes: usize,
    /// Of so many texts one comes here.
    #[serde(default = "one")]
    pub(crate) every: usize,
    /// Connectors; none: all.
    #[serde(default)]
    only: Vec<String>,
}

fn eight() -> usize {
    8
}

fn one() -> usize {
    1
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    #[serde(default = "get")]
    method: String,
    path: String,
    #[serde(default)]
    query: Vec<(String, String)>,
    #[serde(default)]
    headers: Vec<(String, String)>,
    /// A document as text; its texts and the names of its members are filled.
    json: Option<String>,
    /// A body of another kind, with its media type.
    text: Option<(String, String)>,
}

fn get() -> String {
    "GET".to_owned()
}

/// A request with the text in it.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    clean: Vec<String>,
    place: Vec<Place>,
}

/// The places that this connector has.
pub(crate) fn places(connector: &str) -> Vec<Place> {
    let file: File = toml::from_str(include_str!("places.toml")).unwrap();
    let has = |place: &Place| place.only.is_empty() || place.only.iter().any(|name| name == connector);
    let with_clean = |place: Place| Place { clean: [&place.clean[..], &file.clean].concat(), ..place };
    file.place.into_iter().filter(has).map(with_clean).collect()
}

impl Place {
    /// The requests for a text; those that HTTP has no way to send are left out.
    pub(crate) fn fill(&self, text: &str) -> Vec<Asked> {
        self.steps.iter().filter_map(|step| step.fill(text)).collect()
    }
}

impl Step {
    fn fill(&self, text: &str) -> Option<Asked> {
        let mut target = format!("/api/v2/store/{}", filled(&self.path, text));
        if !self.query.is_empty() {
            let mut pairs = form_urlencoded::Serializer::new(String::new());
            pairs.extend_pairs(
                self.query.iter().map(|(name, value)| (filled(name, text), filled(value, text))),
            );
            target = format!("{target}?{}", pairs.finish());
        }
        let mut headers: Vec<(String, String)> =
            self.headers.iter().map(|(name, value)| (name.clone(), filled(value, text))).collect();
        if headers.iter().any(|(_, value)| hyper::header::HeaderValue::from_str(value).is_err()) {
            return None;
        }
        let body = match (&self.json, &self.text) {
            (Some(json), _) => {
                headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
                filled_json(&serde_json::from_str(json).unwrap(), text).to_string()
            }
            (None, Some((media, body))) => {
                headers.push(("Content-Type".to_owned(), media.clone()));
                filled(body, text)
            }
            (None, None) => String::new(),
        };
        Some(Asked { method: self.method.clone(), target, headers, body: body.into_bytes() })
    }
}

/// Puts the text in place of `{p}`; in `{q}` and `{d}` it has each single or double quote twice, in `{s}` it is a segment of a path, in `{x}` a
/// text of XML. What it holds is not filled again.
fn filled(template: &str, text: &str) -> String {
    let mut done = String::new();
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        done.push_str(&rest[..at]);
        let value = match rest.get(at..at + 3) {
            Some("{p}") => text.to_owned(),
            Some("{q}") => text.replace('\'', "''"),
            Some("{d}") => text.replace('"', "\"\""),
            Some("{s}") => segment(text),
            Some("{x}") => text.replace('&', "&amp;").replace('<', "&lt;"),
            _ => {
                done.push('{');
                rest = &rest[at + 1..];
                continue;
            }
        };
        done.push_str(&value);
        rest = &rest[at + 3..];
    }
    done.push_str(rest);
    done
}

fn segment(text: &str) -> String {
    let encoded: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    encoded.replace('+', "%20").replace('.', "%2E")
}

fn filled_json(template: &Json, text: &str) -> Json {
    match template {
        Json::String(template) => filled(template, text).into(),
        Json::Array(items) => items.iter().map(|item| filled_json(item, text)).collect(),
        Json::Object(members) => {
            let members = members.iter().map(|(name, value)| (filled(name, text), filled_json(value, text)));
            Json::Object(members.collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_filled_in_once_and_in_the_form_of_its_place() {
        assert_eq!(filled("{a} {p}{q} '{d}' {s}", r#"{p}'""#), r#"{a} {p}'"{p}''" '{p}'""' %7Bp%7D%27%22"#);
        assert_eq!(filled("<a>{x}</a>", "<&"), "<a>&lt;&amp;</a>");
        let json = serde_json::json!({ "{p}": [1, "{p}"] });
        assert_eq!(filled_json(&json, "\"").to_string(), r#"{"\"":[1,"\""]}"#);
    }

    #[test]
    fn each_database_has_places() {
        for connector in ["sqlite", "postgres", "mysql"] {
            assert!(places(connector).len() >= 60, "{connector}: {}", places(connector).len());
        }
    }
}
