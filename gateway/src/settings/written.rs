//! The configuration as it is written, references to secrets not resolved: where it stands, what else it names, and how it may be shown to
//! strangers. Nothing here judges it.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use super::{
    LoadOptions, MASK,
    layers::{self, Layers},
    model::Settings,
    origin::{Places, child},
    quantity::{
        ADDRESS_FORMAT, DIGEST_FORMAT, LOG_FORMAT, NETWORK_FORMAT, SIZE_FORMAT, TIME_FORMAT, check_format,
    },
    schema::Schema,
    secret::{PRIVATE_KEY, SECRET_FORMAT},
    service::with_common_keys,
};

/// Texts of the gateway's own keys that are names, folders and addresses; `*` is any item of a list.
const SHOWN: [&str; 10] = [
    "/answers/resources_wrapper",
    "/apps/*/name",
    "/apps/*/role",
    "/plugins/directories/*",
    "/plugins/inline/*",
    "/roles/*/access/*/service",
    "/roles/*/name",
    "/services/*/name",
    "/services/*/type",
    "/state/directory",
];
/// What texts of these can say is nothing to hide.
const FORMATS: [&str; 6] =
    [ADDRESS_FORMAT, DIGEST_FORMAT, LOG_FORMAT, NETWORK_FORMAT, SIZE_FORMAT, TIME_FORMAT];
/// Parts of the names of keys whose values are secrets, where nothing but the name tells it.
const SECRET_WORDS: [&str; 6] = ["pass", "pwd", "secret", "token", "key", "credential"];
/// What stands for the items of a table whose names are the operator's own.
const OTHERS: &str = "(names not shown)";

/// Files and variables, merged.
pub struct Written {
    document: Value,
    places: Places,
    schema: Value,
    files: Vec<PathBuf>,
}

/// The configuration without anything that could be a secret.
pub struct Masked {
    /// Words, numbers, times, names of services, roles and apps. Every other text is [`MASK`].
    pub document: Value,
    /// Each text that was left out.
    pub hidden: Vec<String>,
}

impl Written {
    /// Reads every layer. What can't be read is left out; [`super::read`] says why.
    #[must_use]
    pub fn read(options: &LoadOptions) -> Self {
        let schema = schemars::schema_for!(Settings).to_value();
        let Layers { document, places, files, .. } = layers::read(options, &schema);
        Self { document, places, schema, files }
    }

    /// The files that were read.
    #[must_use]
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// The files that `${file:PATH}` names.
    #[must_use]
    pub fn secret_files(&self) -> BTreeSet<PathBuf> {
        let mut files = BTreeSet::new();
        each_text(&self.document, "", &mut |_, text| {
            let references = text.split("${file:").skip(1);
            files.extend(references.filter_map(|rest| Some(PathBuf::from(rest.split_once('}')?.0))));
        });
        files
    }

    /// Every text that could be the path of a file.
    #[must_use]
    pub fn paths(&self) -> BTreeSet<PathBuf> {
        let mut paths = BTreeSet::new();
        each_text(&self.document, "", &mut |_, text| paths.extend([PathBuf::from(text)]));
        paths
    }

    /// The secrets that stand in the configuration themselves.
    #[must_use]
    pub fn plain_secrets(&self) -> Vec<String> {
        let mut secrets = Vec::new();
        each_text(&self.document, "", &mut |pointer, text| {
            secrets.extend(self.is_plain_secret(pointer, text).then(|| text.to_owned()));
        });
        secrets
    }

    /// Whether the text at a pointer is a secret itself. The gateway's own keys have a type that says so; of a connector's there is the name.
    fn is_plain_secret(&self, pointer: &str, text: &str) -> bool {
        let schema = Schema::new(&self.schema);
        let is_secret = match schema.at(pointer) {
            Some(known) => schema.formats(known).contains(&SECRET_FORMAT),
            None => speaks_of_a_secret(pointer),
        };
        // Who writes the key in place of its path has written a secret all the same.
        (is_secret || text.contains(PRIVATE_KEY)) && !is_reference(text)
    }

    /// The files in which such secrets stand.
    #[must_use]
    pub fn files_with_secrets(&self) -> BTreeSet<&Path> {
        let mut files = BTreeSet::new();
        each_text(&self.document, "", &mut |pointer, text| {
            if self.is_plain_secret(pointer, text) {
                files.extend(self.places.file(pointer).map(Path::new));
            }
        });
        files
    }

    /// The configuration for strangers. `config_schema` gives what the connector of a service type says of its keys.
    #[must_use]
    pub fn masked(&self, config_schema: impl Fn(&str) -> Option<Value>) -> Masked {
        let mut hidden = Vec::new();
        let mut masking = Masking { schema: Schema::new(&self.schema), hidden: &mut hidden };
        let mut document = masking.value(&self.schema, &self.document, "");
        let services = self.document.get("services").and_then(Value::as_array).into_iter().flatten();
        for (index, service) in services.enumerate() {
            let service_type = service.get("type").and_then(Value::as_str).unwrap_or_default();
            let own = config_schema(service_type).unwrap_or_else(|| Value::Object(Map::new()));
            let schema = with_common_keys(&own);
            let mut masking = Masking { schema: Schema::new(&schema), hidden: &mut hidden };
            let pointer = format!("/services/{index}/config");
            if let (Some(written), Some(shown)) = (service.get("config"), document.pointer_mut(&pointer)) {
                *shown = masking.value(&schema, written, &pointer);
            }
        }
        Masked { document, hidden }
    }
}

fn each_text<'a>(value: &'a Value, pointer: &str, found: &mut impl FnMut(&str, &'a str)) {
    match value {
        Value::String(text) => found(pointer, text),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                each_text(item, &child(pointer, &index.to_string()), found);
            }
        }
        Value::Object(table) => {
            table.iter().for_each(|(key, value)| each_text(value, &child(pointer, key), found));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether the key's name speaks of a secret. Primary keys of tables do not.
fn speaks_of_a_secret(pointer: &str) -> bool {
    let key = pointer.rsplit('/').next().unwrap_or_default().to_lowercase();
    let is_path = key.ends_with("file") || key.starts_with("ssl") || key.starts_with("tls");
    !is_path && key != "primary_key" && SECRET_WORDS.iter().any(|word| key.contains(word))
}

/// A text that is one reference and nothing else tells no secret.
fn is_reference(text: &str) -> bool {
    let inside = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'));
    inside.is_some_and(|inside| {
        !inside.contains(['$', '{', '}']) && (inside.starts_with("env:") || inside.starts_with("file:"))
    })
}

/// Whether a text is a number and a unit of time.
fn is_time(text: &str) -> bool {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    unit.len() < text.len() && ["", "ms", "s", "m", "h"].contains(&unit)
}

struct Masking<'a, 'b> {
    schema: Schema<'a>,
    hidden: &'b mut Vec<String>,
}

impl<'a> Masking<'a, '_> {
    fn value(&mut self, schema: &'a Value, value: &Value, pointer: &str) -> Value {
        match value {
            Value::Object(table) => self.table(schema, table, pointer),
            Value::Array(items) => {
                let item_schema = self.schema.parts(schema).into_iter().find_map(|part| part.get("items"));
                let items = items.iter().enumerate().map(|(index, item)| {
                    self.value(item_schema.unwrap_or(&Value::Null), item, &child(pointer, &index.to_string()))
                });
                Value::Array(items.collect())
            }
            Value::String(text) if self.may_show(schema, text, pointer) => value.clone(),
            Value::String(text) => {
                self.hidden.push(text.clone());
                Value::from(MASK)
            }
            Value::Number(_) | Value::Bool(_) if self.is_of_kind(schema, value) => value.clone(),
            Value::Number(_) | Value::Bool(_) => {
                self.hidden.push(value.to_string());
                Value::from(MASK)
            }
            Value::Null => Value::Null,
        }
    }

    fn table(&mut self, schema: &'a Value, table: &Map<String, Value>, pointer: &str) -> Value {
        let known = self.schema.properties(schema);
        let mut shown = Map::new();
        let mut others: u64 = 0;
        for (key, value) in table {
            let pointer = child(pointer, key);
            if let Some(schema) = known.get(key.as_str()) {
                shown.insert(key.clone(), self.value(schema, value, &pointer));
            } else {
                others += 1;
                self.hidden.push(key.clone());
                each_text(value, &pointer, &mut |_, text| self.hidden.push(text.to_owned()));
            }
        }
        if others > 0 {
            shown.insert(OTHERS.to_owned(), Value::from(others));
        }
        Value::Object(shown)
    }

    fn is_of_kind(&self, schema: &'a Value, value: &Value) -> bool {
        let kinds = self.schema.kinds(schema);
        kinds.iter().any(|kind| match *kind {
            "boolean" => value.is_boolean(),
            "integer" | "number" => value.is_number(),
            _ => false,
        })
    }

    fn may_show(&self, schema: &'a Value, text: &str, pointer: &str) -> bool {
        let words = self.schema.words(schema).unwrap_or_default();
        let formats = self.schema.formats(schema);
        is_reference(text)
            || words.iter().any(|word| word.as_str() == Some(text))
            || formats.iter().any(|format| FORMATS.contains(format) && check_format(format, text).is_ok())
            || (self.schema.kinds(schema).contains(&"integer") && is_time(text))
            || SHOWN.contains(&without_numbers(pointer).as_str())
    }
}

fn without_numbers(pointer: &str) -> String {
    let is_index = |step: &str| !step.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit());
    let steps: Vec<&str> = pointer.split('/').map(|step| if is_index(step) { "*" } else { step }).collect();
    steps.join("/")
}

#[cfg(test)]
#[path = "written_tests.rs"]
mod tests;
