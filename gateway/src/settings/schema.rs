//! Checks a document against a JSON Schema as schemars writes them: the gateway's own, and a connector's for its
//! `[services.config]`. All faults at once, by JSON pointer; nothing here knows a file, and no value is shown unless
//! the caller allows it. Tables are closed: a key that no part of the schema names is a fault.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    nearest::{did_you_mean, listed},
    origin::{child, in_table, key_label, table_label, unescape},
    quantity::{check_format, unit_wanted},
};

/// References deeper than this are taken for a cycle and not followed.
const MAX_REFERENCES: usize = 32;

/// One thing that is wrong with a document.
#[derive(Debug, PartialEq)]
pub(crate) struct Fault {
    /// The key, or for a missing key its table.
    pub(crate) pointer: String,
    pub(crate) message: String,
    pub(crate) remedy: Option<String>,
    /// How far the document is from the schema; it tells which of several alternatives was meant.
    weight: usize,
}

impl Fault {
    fn new(pointer: &str, message: impl Into<String>, remedy: Option<String>) -> Self {
        Self { pointer: pointer.to_owned(), message: message.into(), remedy, weight: 1 }
    }
}

/// A schema with its definitions.
#[derive(Clone, Copy)]
pub(crate) struct Schema<'a> {
    pub(crate) root: &'a Value,
    /// Whether a message may show a refused value.
    shows_values: bool,
}

impl<'a> Schema<'a> {
    /// A schema whose documents may hold secrets.
    pub(crate) fn new(root: &'a Value) -> Self {
        Self { root, shows_values: false }
    }

    /// The same schema, for documents whose words may be shown.
    pub(crate) fn showing_values(self) -> Self {
        Self { shows_values: true, ..self }
    }

    /// Every fault of `document`; `pointer` is where it stands in the whole configuration.
    pub(crate) fn check(&self, document: &Value, pointer: &str) -> Vec<Fault> {
        let mut faults = Vec::new();
        self.check_closed(self.root, document, pointer, &mut faults);
        faults
    }

    /// The keys of the table that `schema` describes, those of all alternatives included.
    pub(crate) fn properties(&self, schema: &'a Value) -> BTreeMap<&'a str, &'a Value> {
        let mut properties = BTreeMap::new();
        for part in self.parts(schema) {
            let own = part.get("properties").and_then(Value::as_object).into_iter().flatten();
            properties.extend(own.map(|(key, schema)| (key.as_str(), schema)));
            for branch in alternatives(part) {
                properties.extend(self.properties(branch));
            }
        }
        properties
    }

    /// The JSON types that `schema` accepts, those of all alternatives included; none means any.
    pub(crate) fn kinds(&self, schema: &'a Value) -> Vec<&'a str> {
        let mut kinds = Vec::new();
        for part in self.parts(schema) {
            kinds.extend(own_kinds(part));
            for branch in alternatives(part) {
                kinds.extend(self.kinds(branch));
            }
        }
        kinds
    }

    /// The formats that `schema` has for texts, those of all alternatives included.
    pub(crate) fn formats(&self, schema: &'a Value) -> Vec<&'a str> {
        let mut formats = Vec::new();
        for part in self.parts(schema) {
            formats.extend(part.get("format").and_then(Value::as_str));
            for branch in alternatives(part) {
                formats.extend(self.formats(branch));
            }
        }
        formats
    }

    /// What describes the value at a pointer; `None` where the schema names no such key.
    pub(crate) fn at(&self, pointer: &str) -> Option<&'a Value> {
        pointer.split('/').skip(1).try_fold(self.root, |schema, step| {
            let named = self.properties(schema).remove(unescape(step).as_str());
            named.or_else(|| {
                let parts = self.parts(schema);
                let of_any =
                    |word| parts.iter().find_map(|part| part.get(word)).filter(|schema| schema.is_object());
                of_any("items").or_else(|| of_any("additionalProperties"))
            })
        })
    }

    /// The schema itself and all that hold together with it: the target of `$ref`, the items of `allOf`.
    pub(crate) fn parts(&self, schema: &'a Value) -> Vec<&'a Value> {
        let mut parts = vec![schema];
        let mut next = 0;
        while let Some(part) = parts.get(next).copied() {
            next += 1;
            let target = part.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix('#'));
            if parts.len() < MAX_REFERENCES {
                parts.extend(target.and_then(|path| self.root.pointer(path)));
                parts.extend(part.get("allOf").and_then(Value::as_array).into_iter().flatten());
            }
        }
        parts
    }

    fn check_closed(&self, schema: &'a Value, value: &Value, pointer: &str, faults: &mut Vec<Fault>) {
        self.check_open(schema, value, pointer, faults);
        let Value::Object(table) = value else { return };
        let known = self.properties(schema);
        if self.is_open(schema, known.is_empty()) {
            return;
        }
        for key in table.keys().filter(|key| !known.contains_key(key.as_str())) {
            let message = format!("unknown key `{key}` {}", in_table(pointer));
            let remedy = did_you_mean(key, known.keys().copied())
                .unwrap_or_else(|| format!("the known keys are {}", listed(known.keys().copied())));
            faults.push(Fault::new(&child(pointer, key), message, Some(remedy)));
        }
    }

    /// Whether a table may have keys that the schema does not name.
    fn is_open(&self, schema: &'a Value, names_no_key: bool) -> bool {
        let parts = self.parts(schema);
        let mut rules = parts.iter().filter_map(|part| part.get("additionalProperties"));
        if rules.any(|rule| *rule != Value::Bool(false)) {
            return true;
        }
        let is_closed = parts.iter().any(|part| part.get("additionalProperties").is_some());
        let branches = parts.iter().flat_map(|part| alternatives(part));
        let mut open_branches =
            branches.filter(|branch| branch.get("additionalProperties") == Some(&Value::Bool(true)));
        open_branches.next().is_some() || (names_no_key && !is_closed)
    }

    fn check_open(&self, schema: &'a Value, value: &Value, pointer: &str, faults: &mut Vec<Fault>) {
        if let Some(words) = self.words(schema) {
            faults.extend(self.check_word(&words, value, pointer));
            return;
        }
        for part in self.parts(schema) {
            self.check_part(part, value, pointer, faults);
        }
    }

    fn check_part(&self, part: &'a Value, value: &Value, pointer: &str, faults: &mut Vec<Fault>) {
        if let Some(fault) = check_kind(part, value, pointer) {
            faults.push(fault);
            return;
        }
        self.check_alternatives(part, value, pointer, faults);
        match value {
            Value::Object(table) => self.check_table(part, table, pointer, faults),
            Value::Array(items) => self.check_items(part, items, pointer, faults),
            Value::String(text) => faults.extend(check_text(part, text, pointer)),
            Value::Number(number) => faults.extend(check_range(part, number, pointer)),
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// One alternative must hold; if none does, the faults of the nearest are reported.
    fn check_alternatives(&self, part: &'a Value, value: &Value, pointer: &str, faults: &mut Vec<Fault>) {
        let mut nearest: Option<(usize, Vec<Fault>)> = None;
        for branch in alternatives(part).iter().filter(|branch| !own_kinds(branch).eq(["null"])) {
            let mut own = Vec::new();
            self.check_open(branch, value, pointer, &mut own);
            let weight = own.iter().map(|fault| fault.weight).sum();
            if nearest.as_ref().is_none_or(|(least, _)| weight < *least) {
                nearest = Some((weight, own));
            }
        }
        faults.extend(nearest.map(|(_, faults)| faults).unwrap_or_default());
    }

    fn check_table(
        &self,
        part: &'a Value,
        table: &Map<String, Value>,
        pointer: &str,
        faults: &mut Vec<Fault>,
    ) {
        let properties = part.get("properties");
        for (key, value) in table {
            let named = properties.and_then(|properties| properties.get(key));
            let other = || part.get("additionalProperties").filter(|schema| schema.is_object());
            if let Some(schema) = named.or_else(other) {
                self.check_closed(schema, value, &child(pointer, key), faults);
            }
        }
        let required = part.get("required").and_then(Value::as_array).into_iter().flatten();
        for key in required.filter_map(Value::as_str).filter(|key| !table.contains_key(*key)) {
            let message = format!("missing required key `{key}` {}", in_table(pointer));
            faults.push(Fault::new(pointer, message, None));
        }
    }

    fn check_items(&self, part: &'a Value, items: &[Value], pointer: &str, faults: &mut Vec<Fault>) {
        let least = part.get("minItems").and_then(Value::as_u64).unwrap_or(0);
        if u64::try_from(items.len()).is_ok_and(|count| count < least) {
            faults.push(Fault::new(
                pointer,
                format!("{} must have at least {least} in its list", key_label(pointer)),
                None,
            ));
        }
        let Some(schema) = part.get("items") else { return };
        for (index, item) in items.iter().enumerate() {
            self.check_closed(schema, item, &child(pointer, &index.to_string()), faults);
        }
    }

    /// The words of an enumeration; `None` when the schema is something else.
    pub(crate) fn words(&self, schema: &'a Value) -> Option<Vec<&'a Value>> {
        let mut words = Vec::new();
        for part in self.parts(schema) {
            words.extend(part.get("const"));
            words.extend(part.get("enum").and_then(Value::as_array).into_iter().flatten());
            let branches = alternatives(part).iter().filter(|branch| !own_kinds(branch).eq(["null"]));
            for branch in branches {
                words.extend(self.words(branch)?);
            }
        }
        words.retain(|word| !word.is_null());
        (!words.is_empty()).then_some(words)
    }

    fn check_word(&self, words: &[&Value], value: &Value, pointer: &str) -> Option<Fault> {
        if words.contains(&value) {
            return None;
        }
        let texts: Vec<String> =
            words.iter().map(|word| word.as_str().map_or_else(|| word.to_string(), str::to_owned)).collect();
        let texts = || texts.iter().map(String::as_str);
        let shown = value.as_str().filter(|_| self.shows_values).map(|word| format!(", not `{word}`"));
        let choice = if words.len() == 1 { "must be" } else { "must be one of" };
        let message =
            format!("{} {choice} {}{}", key_label(pointer), listed(texts()), shown.unwrap_or_default());
        let remedy = value.as_str().and_then(|word| did_you_mean(word, texts()));
        // A wrong word rules an alternative out more surely than any number of wrong keys.
        Some(Fault { weight: 100, ..Fault::new(pointer, message, remedy) })
    }
}

pub(crate) fn alternatives(part: &Value) -> &[Value] {
    let branches = ["anyOf", "oneOf"].iter().find_map(|word| part.get(word)?.as_array());
    branches.map_or(&[], Vec::as_slice)
}

fn own_kinds(part: &Value) -> impl Iterator<Item = &str> {
    let (one, several) = match part.get("type") {
        Some(Value::Array(kinds)) => (None, kinds.as_slice()),
        kind => (kind, [].as_slice()),
    };
    one.into_iter().chain(several).filter_map(Value::as_str)
}

fn check_kind(part: &Value, value: &Value, pointer: &str) -> Option<Fault> {
    let is = |kind: &str| match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        _ => true,
    };
    if own_kinds(part).next().is_none() || own_kinds(part).any(is) {
        return None;
    }
    let label = key_label(pointer);
    let format = part.get("format").and_then(Value::as_str).unwrap_or_default();
    let fault = match (value, unit_wanted(format)) {
        (Value::Number(_), Some(wanted)) => {
            Fault::new(pointer, format!("{label} has no unit"), Some(format!("write {wanted}")))
        }
        _ => {
            let wanted: Vec<&str> =
                own_kinds(part).filter(|kind| *kind != "null").map(kind_in_words).collect();
            let remedy = (value.is_object() && own_kinds(part).any(|kind| kind == "array"))
                .then(|| format!("write `[{}]` for each item", table_label(pointer)));
            let message = format!("{label} must be {}, not {}", wanted.join(" or "), value_in_words(value));
            Fault::new(pointer, message, remedy)
        }
    };
    Some(Fault { weight: 100, ..fault })
}

fn kind_in_words(kind: &str) -> &str {
    match kind {
        "object" => "a table",
        "array" => "a list",
        "string" => "a text in quotes",
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        other => other,
    }
}

fn value_in_words(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(number) if number.is_f64() => "a number with a fraction",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}

fn check_text(part: &Value, text: &str, pointer: &str) -> Option<Fault> {
    let least = part.get("minLength").and_then(Value::as_u64).unwrap_or(0);
    if u64::try_from(text.chars().count()).is_ok_and(|count| count < least) {
        return Some(Fault::new(pointer, format!("{} is too short", key_label(pointer)), None));
    }
    let format = part.get("format").and_then(Value::as_str)?;
    let wanted = check_format(format, text).err()?;
    Some(Fault::new(pointer, format!("{} {wanted}", key_label(pointer)), None))
}

fn check_range(part: &Value, number: &serde_json::Number, pointer: &str) -> Option<Fault> {
    let bound = |word: &str| part.get(word).and_then(Value::as_f64);
    let number = number.as_f64()?;
    let wanted = if bound("minimum").is_some_and(|least| number < least) {
        format!("at least {}", part.get("minimum")?)
    } else if bound("maximum").is_some_and(|most| number > most) {
        format!("at most {}", part.get("maximum")?)
    } else if bound("exclusiveMinimum").is_some_and(|limit| number <= limit) {
        format!("more than {}", part.get("exclusiveMinimum")?)
    } else if bound("exclusiveMaximum").is_some_and(|limit| number >= limit) {
        format!("less than {}", part.get("exclusiveMaximum")?)
    } else {
        return None;
    };
    Some(Fault::new(pointer, format!("{} must be {wanted}", key_label(pointer)), None))
}
