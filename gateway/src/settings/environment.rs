//! The environment layer: `TABLEGATE_SECTION__KEY`, and the first administrator. The environment is a value given by
//! the caller; nothing here reads the process.

use serde_json::{Map, Value};

use super::{
    model::Admin,
    nearest::{did_you_mean, nearest},
    origin::child,
    problem::Problem,
    schema::Schema,
    secret::{Resolver, Secret},
};

const PREFIX: &str = "TABLEGATE_";
const ADMIN_EMAIL: &str = "TABLEGATE_ADMIN_EMAIL";
const ADMIN_PASSWORD: &str = "TABLEGATE_ADMIN_PASSWORD";

/// A setting given by a variable.
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) pointer: String,
    /// The setting as a document that holds nothing else.
    pub(crate) value: Value,
}

/// A key that the environment may set.
struct Known<'a> {
    variable: String,
    section: &'a str,
    key: &'a str,
    kind: Option<&'a str>,
}

/// The settings among the variables. A variable with `__` must be a known key; one without is somebody else's (a
/// secret that a file refers to, or Kubernetes'), unless it is nearly the name of a key.
pub(crate) fn read(
    environment: &[(String, String)],
    schema: &Value,
    problems: &mut Vec<Problem>,
) -> Vec<Variable> {
    let known = known_keys(schema);
    let mut variables = Vec::new();
    for (name, text) in environment.iter().filter(|(name, _)| name.starts_with(PREFIX)) {
        if name == ADMIN_EMAIL || name == ADMIN_PASSWORD {
            continue;
        }
        match known.iter().find(|known| known.variable == *name) {
            Some(key) => variables.push(key.set(text)),
            None => problems.extend(unknown(name, &known)),
        }
    }
    variables
}

fn unknown(name: &str, known: &[Known<'_>]) -> Option<Problem> {
    let names = || known.iter().map(|key| key.variable.as_str()).chain([ADMIN_EMAIL, ADMIN_PASSWORD]);
    let remedy = if name.contains("__") {
        did_you_mean(name, names())
            .or_else(|| Some("unset it, or use a key of the configuration file".to_owned()))
    } else {
        // Every name shares the prefix, so nearness is judged without it.
        let bare = |name: &str| name.trim_start_matches(PREFIX).replace("__", "_");
        let bare_names: Vec<String> = names().map(bare).collect();
        let near = nearest(&bare(name), bare_names.iter().map(String::as_str))?;
        names().find(|name| bare(name) == near).map(|name| format!("did you mean `{name}`?"))
    };
    Some(Problem::new(None, format!("unknown environment variable `{name}`")).remedy(remedy))
}

fn known_keys(schema: &Value) -> Vec<Known<'_>> {
    let schema = Schema::new(schema);
    let sections = schema.properties(schema.root);
    let keys = sections.iter().flat_map(|(section, section_schema)| {
        schema.properties(section_schema).into_iter().map(|(key, key_schema)| Known {
            variable: format!("{PREFIX}{}__{}", section.to_uppercase(), key.to_uppercase()),
            section,
            key,
            kind: schema.kinds(key_schema).into_iter().find(|kind| *kind != "null"),
        })
    });
    keys.collect()
}

impl Known<'_> {
    /// Reads the text as the key's type; a text that is not of that type stays a text and is refused with all others.
    fn set(&self, text: &str) -> Variable {
        let as_text = || Value::String(text.to_owned());
        let value = match self.kind {
            Some("integer") => {
                text.trim().parse().map_or_else(|_| as_text(), |number: i64| Value::from(number))
            }
            Some("number") => {
                text.trim().parse().map_or_else(|_| as_text(), |number: f64| Value::from(number))
            }
            Some("boolean") => text.trim().parse().map_or_else(|_| as_text(), Value::Bool),
            Some("array") => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                Value::Array(items.map(Value::from).collect())
            }
            _ => as_text(),
        };
        let key = Value::Object(Map::from_iter([(self.key.to_owned(), value)]));
        Variable {
            name: self.variable.clone(),
            pointer: child(&child("", self.section), self.key),
            value: Value::Object(Map::from_iter([(self.section.to_owned(), key)])),
        }
    }
}

/// The first administrator, when both variables are set.
pub(crate) fn admin(
    environment: &[(String, String)],
    resolver: &Resolver<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Admin> {
    let value =
        |wanted: &str| environment.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let (email, password) = match (value(ADMIN_EMAIL), value(ADMIN_PASSWORD)) {
        (None, None) => return None,
        (Some(email), Some(password)) => (email.trim(), password),
        (email, _) => {
            let (set, missing) =
                if email.is_some() { (ADMIN_EMAIL, ADMIN_PASSWORD) } else { (ADMIN_PASSWORD, ADMIN_EMAIL) };
            let message = format!("environment variable {set} is set and {missing} is not");
            problems.push(Problem::new(None, message).remedy("set both, or neither".to_owned()));
            return None;
        }
    };
    if !email.contains('@') {
        problems.push(Problem::new(
            None,
            format!("environment variable {ADMIN_EMAIL} must be an e-mail address"),
        ));
    }
    match resolver.resolve(password) {
        Ok(resolved) if resolved.text.is_empty() => {
            problems.push(Problem::new(None, format!("environment variable {ADMIN_PASSWORD} is empty")));
            None
        }
        Ok(resolved) => Some(Admin { email: email.to_owned(), password: Secret::from(resolved.text) }),
        Err(message) => {
            problems.push(Problem::new(None, format!("environment variable {ADMIN_PASSWORD} {message}")));
            None
        }
    }
}
