//! Rules that the values of a field have to keep, read once and held against each value that is written. What is said of a value that keeps
//! none of them is the caller's to see: it names the field, never the value.
//!
//! Nothing (null, an empty text) keeps every rule but those that ask for something.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value as Json};

/// The largest program that a pattern may become, in bytes.
const MAX_PATTERN: usize = 1024 * 1024;

/// The rules of one field.
#[derive(Debug, Clone, Default)]
pub struct Rules(Vec<(Rule, OnFail)>);

/// What a value has to keep.
#[derive(Debug, Clone)]
enum Rule {
    ReadOnly,
    CreateOnly,
    NotNull,
    NotEmpty,
    NotZero,
    Email,
    Url { path: bool, query: bool },
    Int { min: Option<i128>, max: Option<i128>, hex: bool, octal: bool },
    Float { decimal: char },
    Boolean,
    Match(Regex),
    Picklist,
    MultiPicklist { delimiter: String, min: usize, max: Option<usize> },
}

/// What happens to a value that does not keep a rule.
#[derive(Debug, Clone)]
enum OnFail {
    Refuse,
    Ignore,
    Say(String),
}

/// What becomes of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is written.
    Keep,
    /// The field is left alone.
    Drop,
    /// The record is refused.
    Refuse(String),
}

/// A value and what is known of its place.
#[derive(Clone, Copy)]
pub struct Given<'a> {
    /// The field's name.
    pub field: &'a str,
    /// The value.
    pub value: &'a Json,
    /// The values to choose from.
    pub picklist: &'a [String],
    /// Its row is created.
    pub is_new: bool,
}

impl Rules {
    /// Reads the `validation` of a field.
    ///
    /// # Errors
    /// Rules that do not exist, and options that can't be read.
    pub fn parse(validation: &Map<String, Json>) -> Result<Self, String> {
        let rules = validation.iter().map(|(name, options)| {
            let unread = |what: String| format!("the rule '{name}' of 'validation': {what}");
            let options = Options(options);
            Ok((rule(name, &options).map_err(unread)?, options.on_fail()))
        });
        rules.collect::<Result<_, String>>().map(Self)
    }

    /// Holds a value against all rules.
    #[must_use]
    pub fn judge(&self, given: Given<'_>) -> Verdict {
        if self.0.iter().any(|(rule, _)| matches!(rule, Rule::ReadOnly)) {
            return Verdict::Drop;
        }
        for (rule, on_fail) in &self.0 {
            let Some(message) = rule.broken(given) else { continue };
            return match on_fail {
                OnFail::Ignore => Verdict::Drop,
                OnFail::Say(text) => Verdict::Refuse(text.clone()),
                OnFail::Refuse => Verdict::Refuse(format!("Field '{}' {message}.", given.field)),
            };
        }
        Verdict::Keep
    }
}

/// The options of a rule; a rule without any may stand with null or true.
struct Options<'a>(&'a Json);

impl Options<'_> {
    fn get(&self, path: &[&str]) -> Option<&Json> {
        path.iter().try_fold(self.0, |json, name| json.get(name)).filter(|json| !json.is_null())
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.get(&[name]).and_then(Json::as_str)
    }

    fn on_fail(&self) -> OnFail {
        match self.text("on_fail") {
            None | Some("") => OnFail::Refuse,
            Some("ignore_field") => OnFail::Ignore,
            Some(text) => OnFail::Say(text.to_owned()),
        }
    }

    fn number<T: std::str::FromStr>(&self, path: &[&str]) -> Result<Option<T>, String> {
        let text = match self.get(path) {
            None => return Ok(None),
            Some(Json::String(text)) => text.trim().to_owned(),
            Some(other) => other.to_string(),
        };
        text.parse().map(Some).map_err(|_| format!("'{}' must be a whole number", path.join(".")))
    }

    /// Whether a list, or a text with commas, has this word.
    fn lists(&self, name: &str, word: &str) -> bool {
        match self.get(&[name]) {
            Some(Json::Array(items)) => items.iter().any(|item| item.as_str() == Some(word)),
            Some(Json::String(text)) => text.split(',').any(|item| item.trim() == word),
            _ => false,
        }
    }
}

fn rule(name: &str, options: &Options<'_>) -> Result<Rule, String> {
    Ok(match name {
        "api_read_only" => Rule::ReadOnly,
        "create_only" => Rule::CreateOnly,
        "not_null" => Rule::NotNull,
        "not_empty" => Rule::NotEmpty,
        "not_zero" => Rule::NotZero,
        "email" => Rule::Email,
        "url" => {
            Rule::Url { path: options.lists("sections", "path"), query: options.lists("sections", "query") }
        }
        "int" => Rule::Int {
            min: options.number(&["range", "min"])?,
            max: options.number(&["range", "max"])?,
            hex: options.lists("formats", "hex"),
            octal: options.lists("formats", "octal"),
        },
        "float" => {
            let decimal = options.text("decimal").unwrap_or(".");
            let mut characters = decimal.chars();
            match (characters.next(), characters.next()) {
                (Some(decimal), None) => Rule::Float { decimal },
                _ => return Err("'decimal' must be one character".to_owned()),
            }
        }
        "boolean" => Rule::Boolean,
        "match" => Rule::Match(pattern(options)?),
        "picklist" => Rule::Picklist,
        "multi_picklist" => Rule::MultiPicklist {
            delimiter: options.text("delimiter").filter(|text| !text.is_empty()).unwrap_or(",").to_owned(),
            min: options.number(&["min"])?.unwrap_or(1),
            max: options.number(&["max"])?,
        },
        _ => return Err("there is no such rule".to_owned()),
    })
}

/// A pattern between delimiters with flags behind it, as `/^[a-z]+$/i`, in Base64.
fn pattern(options: &Options<'_>) -> Result<Regex, String> {
    let unread =
        || "'regexp' must be the Base64 of a pattern between delimiters, such as /^[a-z]+$/i".to_owned();
    let bytes = STANDARD.decode(options.text("regexp").ok_or_else(unread)?).map_err(|_| unread())?;
    let text = String::from_utf8(bytes).map_err(|_| unread())?;
    let mut characters = text.chars();
    let open =
        characters.next().filter(|open| !open.is_alphanumeric() && *open != '\\').ok_or_else(unread)?;
    let pairs = BTreeMap::from([('(', ')'), ('[', ']'), ('{', '}'), ('<', '>')]);
    let close = pairs.get(&open).copied().unwrap_or(open);
    let (inside, flags) = characters.as_str().rsplit_once(close).ok_or_else(unread)?;
    let mut builder = RegexBuilder::new(inside);
    builder.size_limit(MAX_PATTERN);
    for flag in flags.chars() {
        match flag {
            'i' => builder.case_insensitive(true),
            'm' => builder.multi_line(true),
            's' => builder.dot_matches_new_line(true),
            'x' => builder.ignore_whitespace(true),
            'u' => &mut builder,
            _ => {
                return Err(format!(
                    "the flag '{flag}' of 'regexp' is not known; there are i, m, s, u and x"
                ));
            }
        };
    }
    builder.build().map_err(|_| {
        "the pattern of 'regexp' can't be read; references to groups and looking around are not supported"
            .to_owned()
    })
}

impl Rule {
    /// What is said of a value that does not keep it.
    fn broken(&self, given: Given<'_>) -> Option<&'static str> {
        let Given { value, .. } = given;
        let is_nothing = is_empty(value);
        let (is_kept, message) = match self {
            Self::ReadOnly => (true, ""),
            Self::CreateOnly => (given.is_new, "can only be set during record creation"),
            Self::NotNull => (!value.is_null(), "value can not be null"),
            Self::NotEmpty => (!is_nothing, "value can not be empty"),
            Self::NotZero => (!is_nothing && !is_zero(value), "value can not be empty"),
            Self::Email => {
                (is_nothing || text(value).is_some_and(is_email), "value must be a valid email address")
            }
            Self::Url { path, query } => {
                let is_url = |text: &str| is_url(text, *path, *query);
                (is_nothing || text(value).is_some_and(is_url), "value must be a valid URL")
            }
            Self::Int { min, max, hex, octal } => {
                let is_inside =
                    |number: i128| min.is_none_or(|min| number >= min) && max.is_none_or(|max| number <= max);
                let number = integer(value, *hex, *octal);
                (is_nothing || number.is_some_and(is_inside), "value is not in the valid range")
            }
            Self::Float { decimal } => {
                (is_nothing || is_float(value, *decimal), "value is not an acceptable float value")
            }
            Self::Boolean => (is_nothing || is_boolean(value), "value is not an acceptable boolean value"),
            Self::Match(pattern) => {
                let matches = plain(value).is_some_and(|text| pattern.is_match(&text));
                (is_nothing || matches, "value is invalid")
            }
            Self::Picklist => {
                let is_listed = plain(value).is_some_and(|text| given.picklist.contains(&text));
                (is_nothing || is_listed, "value is invalid")
            }
            Self::MultiPicklist { .. } => return self.broken_choice(given),
        };
        (!is_kept).then_some(message)
    }

    fn broken_choice(&self, given: Given<'_>) -> Option<&'static str> {
        let Self::MultiPicklist { delimiter, min, max } = self else { return None };
        if given.value.is_null() {
            return None;
        }
        let chosen: Vec<String> = match given.value {
            Json::Array(items) => items.iter().filter_map(plain).collect(),
            other => {
                let text = plain(other).unwrap_or_default();
                let items = text.split(delimiter.as_str()).map(str::trim).filter(|item| !item.is_empty());
                items.map(str::to_owned).collect()
            }
        };
        if chosen.len() < *min {
            return Some("value does not contain enough selections");
        }
        if max.is_some_and(|max| chosen.len() > max) {
            return Some("value contains too many selections");
        }
        let is_listed = chosen.iter().all(|item| given.picklist.contains(item));
        (!is_listed).then_some("value is invalid")
    }
}

fn is_empty(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::String(text) => text.trim().is_empty(),
        Json::Array(items) => items.is_empty(),
        Json::Object(members) => members.is_empty(),
        Json::Bool(_) | Json::Number(_) => false,
    }
}

fn is_zero(value: &Json) -> bool {
    plain(value).and_then(|text| text.trim().parse::<f64>().ok()).is_some_and(|number| number == 0.0)
}

fn text(value: &Json) -> Option<&str> {
    value.as_str()
}

/// A plain value as it is written.
fn plain(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(value) => Some(value.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// Something before one `@`, and a name of a host behind it.
fn is_email(text: &str) -> bool {
    const MOST: usize = 254;
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let is_local =
        |character: char| character.is_alphanumeric() || ".!#$%&'*+/=?^_`{|}~-".contains(character);
    let has_dots_inside = !local.starts_with('.') && !local.ends_with('.') && !local.contains("..");
    let is_local = !local.is_empty() && local.len() <= 64 && local.chars().all(is_local) && has_dots_inside;
    text.len() <= MOST && is_local && domain.contains('.') && is_host(domain)
}

fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        let is_inside = label.chars().all(|character| character.is_alphanumeric() || character == '-');
        !label.is_empty()
            && label.len() <= 63
            && is_inside
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.split('.').all(is_label)
}

/// A scheme, a host, and the parts that are asked for.
fn is_url(text: &str, needs_path: bool, needs_query: bool) -> bool {
    let Ok(url) = text.parse::<axum::http::Uri>() else { return false };
    let (Some(_), Some(host)) = (url.scheme(), url.host()) else { return false };
    let is_address = host.starts_with('[') || is_host(host);
    let rest = text.split_once("://").map(|(_, rest)| rest).unwrap_or_default();
    let has_path = rest.split(['?', '#']).next().is_some_and(|place| place.contains('/'));
    is_address && (!needs_path || has_path) && (!needs_query || url.query().is_some())
}

fn integer(value: &Json, hex: bool, octal: bool) -> Option<i128> {
    let text = match value {
        Json::Number(number) => return number.to_string().parse().ok(),
        Json::String(text) => text.trim(),
        _ => return None,
    };
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let hexadecimal = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")).filter(|_| hex);
    let number = match (hexadecimal, digits.strip_prefix('0')) {
        (Some(digits), _) => i128::from_str_radix(digits, 16).ok(),
        (None, Some(rest)) if octal && !rest.is_empty() => i128::from_str_radix(rest, 8).ok(),
        _ if digits.starts_with(|first: char| first.is_ascii_digit()) => digits.parse().ok(),
        _ => None,
    };
    number.map(|number| sign * number)
}

fn is_float(value: &Json, decimal: char) -> bool {
    match value {
        Json::Number(_) => true,
        Json::String(text) => {
            let is_plain = |character: char| {
                character.is_ascii_digit() || "+-eE".contains(character) || character == decimal
            };
            let text = text.trim();
            text.chars().all(is_plain) && text.replace(decimal, ".").parse::<f64>().is_ok()
        }
        _ => false,
    }
}

fn is_boolean(value: &Json) -> bool {
    let words = ["true", "false", "1", "0", "yes", "no", "on", "off"];
    plain(value).is_some_and(|text| words.iter().any(|word| word.eq_ignore_ascii_case(text.trim())))
}

#[cfg(test)]
#[path = "validation_tests.rs"]
mod tests;
