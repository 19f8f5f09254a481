//! What a schema can't say: names, references between items, API keys, row filters. The rules look at the merged
//! document rather than at typed settings, so that one wrong type does not hide every other mistake.

use std::collections::HashMap;

use serde_json::Value;

use crate::cursor::MIN_KEY_BYTES;

use super::{
    CURSOR_KEY, METRICS_TOKEN,
    edge::EVERY,
    model::EVERY_SERVICE,
    nearest::{did_you_mean, listed},
    origin::Places,
    problem::Problem,
};

/// Names that the gateway serves itself.
const RESERVED: [&str; 3] = ["system", "user", "api_docs"];
/// What a service of a database has, as paths begin with it.
const RESOURCES: [&str; 5] = ["_table", "_schema", "_proc", "_func", "_batch"];

/// A token that is shorter is too easily guessed.
const MIN_TOKEN_BYTES: usize = 16;

/// Every broken rule. `is_complete` is false when a file could not be read: then a name that seems unknown is not
/// reported, for it may stand in that file.
pub(crate) fn check(document: &Value, places: &Places, is_complete: bool) -> Vec<Problem> {
    let mut rules = Rules { document, places, problems: Vec::new() };
    rules.names_are_unique("services", "service");
    rules.names_are_unique("roles", "role");
    rules.names_are_unique("apps", "app");
    rules.service_names_fit_a_url();
    rules.api_keys_are_usable();
    rules.cursor_key_is_long();
    rules.settings_of_processes_have_one();
    rules.credentials_need_known_names();
    rules.metrics_token_is_usable();
    rules.row_filters_have_values();
    rules.grants_for_every_service_grant_something();
    rules.grants_name_resources();
    if is_complete {
        rules.references_are_known();
    }
    rules.problems
}

struct Rules<'a> {
    document: &'a Value,
    places: &'a Places,
    problems: Vec<Problem>,
}

/// The items of the list at `key` of `parent`, with their pointers.
fn items<'a>(parent: &'a Value, pointer: &str, key: &str) -> Vec<(String, &'a Value)> {
    let list = parent.get(key).and_then(Value::as_array).into_iter().flatten();
    list.enumerate().map(|(index, item)| (format!("{pointer}/{key}/{index}"), item)).collect()
}

/// The text at `key` of an item, with its pointer.
fn text<'a>(pointer: &str, item: &'a Value, key: &str) -> Option<(String, &'a str)> {
    Some((format!("{pointer}/{key}"), item.get(key)?.as_str()?))
}

impl<'a> Rules<'a> {
    fn texts(&self, list: &str, key: &str) -> Vec<(String, &'a str)> {
        items(self.document, "", list).iter().filter_map(|(pointer, item)| text(pointer, item, key)).collect()
    }

    fn grants(&self) -> Vec<(String, &'a Value)> {
        let roles = items(self.document, "", "roles");
        roles.iter().flat_map(|(pointer, role)| items(role, pointer, "access")).collect()
    }

    fn report(&mut self, pointer: &str, message: String, remedy: Option<String>) {
        self.problems.push(self.places.problem(pointer, message).remedy(remedy));
    }

    fn names_are_unique(&mut self, list: &str, what: &str) {
        let mut first_uses: HashMap<String, String> = HashMap::new();
        for (pointer, name) in self.texts(list, "name") {
            if name.trim().is_empty() {
                self.report(&pointer, format!("the name of this {what} is empty"), None);
                continue;
            }
            match first_uses.get(&name.to_lowercase()) {
                Some(first) => {
                    let message =
                        format!("{what} `{name}` is already defined at {}", self.places.describe(first));
                    let remedy = "rename one of them, or remove it (letter case makes no difference)";
                    self.report(&pointer, message, Some(remedy.to_owned()));
                }
                None => drop(first_uses.insert(name.to_lowercase(), pointer)),
            }
        }
    }

    fn service_names_fit_a_url(&mut self) {
        for (pointer, name) in self.texts("services", "name") {
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            if !name.chars().all(fits) {
                let remedy = "use letters, digits, `_` and `-` only; the name is part of every URL";
                self.report(&pointer, format!("`{name}` can't be a service name"), Some(remedy.to_owned()));
            }
            if RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name)) {
                let remedy =
                    format!("{} are served by the gateway itself; choose another name", listed(RESERVED));
                self.report(&pointer, format!("the service name `{name}` is reserved"), Some(remedy));
            }
        }
    }

    fn api_keys_are_usable(&mut self) {
        let mut first_uses: HashMap<&str, String> = HashMap::new();
        for (pointer, key) in self.texts("apps", "api_key") {
            if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
                let message =
                    "`api_key` in [[apps]] is empty or holds characters that an HTTP header can't carry";
                let remedy = "use visible ASCII characters without spaces";
                self.report(&pointer, message.to_owned(), Some(remedy.to_owned()));
                continue;
            }
            match first_uses.get(key) {
                Some(first) => {
                    let message =
                        format!("this API key is the same as the one at {}", self.places.describe(first));
                    let remedy = "give each app a key of its own";
                    self.report(&pointer, message, Some(remedy.to_owned()));
                }
                None => drop(first_uses.insert(key, pointer)),
            }
        }
    }

    /// Browsers refuse `*` beside credentials, and an answer that names each origin instead would give every page of the world what the user
    /// may see.
    fn credentials_need_known_names(&mut self) {
        for (pointer, entry) in items(self.document, "", "cors") {
            let is_open = |key: &str| {
                let names = entry.get(key).and_then(Value::as_array);
                names.is_some_and(|names| names.iter().any(|name| name == EVERY))
            };
            let open = ["origins", "exposed_headers"].into_iter().find(|key| is_open(key));
            if let Some(key) = open.filter(|_| entry.get("credentials") == Some(&Value::Bool(true))) {
                let message = format!("`credentials` in [[cors]] can't be true where `{key}` has \"*\"");
                let remedy =
                    "list them by name; API keys and session tokens in headers work without `credentials`";
                self.report(&format!("{pointer}/credentials"), message, Some(remedy.to_owned()));
            }
        }
    }

    fn metrics_token_is_usable(&mut self) {
        let token = self.document.pointer(METRICS_TOKEN).and_then(Value::as_str);
        let fits =
            |token: &str| token.len() >= MIN_TOKEN_BYTES && token.bytes().all(|byte| byte.is_ascii_graphic());
        if token.is_some_and(|token| !fits(token)) {
            let message = format!(
                "`token` in [metrics] has fewer than {MIN_TOKEN_BYTES} characters, or some that an HTTP header can't carry"
            );
            let remedy = "make one with `openssl rand -hex 24` and keep it in a file or a variable";
            self.report(METRICS_TOKEN, message, Some(remedy.to_owned()));
        }
    }

    fn cursor_key_is_long(&mut self) {
        let key = self.document.pointer(CURSOR_KEY).and_then(Value::as_str);
        if key.is_some_and(|key| key.len() < MIN_KEY_BYTES) {
            let message = format!("`cursor_key` in [server] has fewer than {MIN_KEY_BYTES} characters");
            let remedy = "make one with `openssl rand -base64 32` and keep it outside of this file, as \"${env:NAME}\"";
            self.report(CURSOR_KEY, message, Some(remedy.to_owned()));
        }
    }

    fn settings_of_processes_have_one(&mut self) {
        let libraries = self.document.pointer("/plugins/connectors").and_then(Value::as_object);
        for (name, settings) in libraries.into_iter().flatten() {
            let is_apart = settings.get("isolation").and_then(Value::as_str) == Some("process");
            let meaningless = ["memory_limit", "environment"].into_iter();
            for key in meaningless.filter(|key| settings.get(key).is_some() && !is_apart) {
                let message =
                    format!("`{key}` of [plugins.connectors.{name}] means nothing inside the gateway");
                let remedy = "add `isolation = \"process\"`, or take it away";
                self.report(&format!("/plugins/connectors/{name}/{key}"), message, Some(remedy.to_owned()));
            }
        }
    }

    fn references_are_known(&mut self) {
        let names = |list| self.texts(list, "name").into_iter().map(|(_, name)| name).collect::<Vec<&str>>();
        let (roles, mut services) = (names("roles"), names("services"));
        services.extend(RESERVED);
        for (pointer, role) in self.texts("apps", "role") {
            self.reference_is_known(&pointer, "role", role, &roles);
        }
        for (pointer, grant) in self.grants() {
            let Some((pointer, service)) = text(&pointer, grant, "service") else { continue };
            if service != EVERY_SERVICE {
                self.reference_is_known(&pointer, "service", service, &services);
            }
        }
    }

    fn reference_is_known(&mut self, pointer: &str, what: &str, name: &str, known: &[&str]) {
        if known.iter().any(|known| known.to_lowercase() == name.to_lowercase()) {
            return;
        }
        let remedy = did_you_mean(name, known.iter().copied())
            .unwrap_or_else(|| format!("the known {what}s are {}", listed(known.iter().copied())));
        self.report(pointer, format!("unknown {what} `{name}`"), Some(remedy));
    }

    /// What clients of old know: such a grant is one for whole services, or for their roots.
    fn grants_for_every_service_grant_something(&mut self) {
        for (pointer, grant) in self.grants() {
            let is_for_all = text(&pointer, grant, "service").is_some_and(|(_, name)| name == EVERY_SERVICE);
            let Some((pointer, component)) = text(&pointer, grant, "component").filter(|_| is_for_all) else {
                continue;
            };
            if !matches!(component, "" | "*") {
                let message = format!(
                    "a grant for every service has the component \"*\" or \"\", so `{component}` grants nothing"
                );
                let remedy = "write a grant for each service, or the component \"*\"";
                self.report(&pointer, message, Some(remedy.to_owned()));
            }
        }
    }

    fn grants_name_resources(&mut self) {
        for (pointer, grant) in self.grants() {
            if !text(&pointer, grant, "service").is_some_and(|(_, name)| is_of_a_database(name)) {
                continue;
            }
            let Some((pointer, component)) = text(&pointer, grant, "component") else { continue };
            if let Some((message, remedy)) = component_fault(component) {
                self.report(&pointer, message, Some(remedy));
            }
        }
    }

    fn row_filters_have_values(&mut self) {
        for (pointer, grant) in self.grants() {
            for (pointer, filter) in items(grant, &pointer, "filters") {
                if let Some((pointer, operator)) = text(&pointer, filter, "operator") {
                    let value = filter.get("value");
                    let message = filter_value_fault(operator, value);
                    message.into_iter().for_each(|message| self.report(&pointer, message, None));
                }
            }
        }
    }
}

/// Of grants for every service another rule knows.
fn is_of_a_database(service: &str) -> bool {
    service != EVERY_SERVICE && !RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(service))
}

/// Why the component of a grant does not grant what it seems to, and what to write.
fn component_fault(component: &str) -> Option<(String, String)> {
    let trimmed = component.trim_matches('/');
    let (start, behind) = trimmed.split_once('*').unwrap_or((trimmed, ""));
    let name = start.split('/').next().unwrap_or_default();
    // `_table*` and `_t*` are beginnings of a name, in `_table/*` the name is whole.
    let is_whole = start.contains('/') || start == trimmed;
    let fits = |known: &str| match known.get(..name.len()) {
        Some(begin) => begin.eq_ignore_ascii_case(name) && (!is_whole || known.len() == name.len()),
        None => false,
    };
    if !name.is_empty() && !RESOURCES.into_iter().any(fits) {
        let how = if is_whole { "is called" } else { "begins with" };
        let message = format!("no resource of a service {how} `{name}`, so `{component}` grants nothing");
        let remedy =
            did_you_mean(name, RESOURCES).unwrap_or_else(|| format!("resources are {}", listed(RESOURCES)));
        return Some((message, remedy));
    }
    if behind.is_empty() {
        return None;
    }
    let message = format!("what stands behind `*` does not count: `{component}` grants all of `{start}*`");
    Some((message, format!("write `{start}*` if that is meant, else a grant for each name")))
}

/// What is wrong with the value of a row filter. An unknown operator is the schema's business.
fn filter_value_fault(operator: &str, value: Option<&Value>) -> Option<String> {
    let is_list = value.is_some_and(Value::is_array);
    match (operator, value) {
        ("is null" | "is not null", Some(_)) => Some(format!("the operator `{operator}` takes no `value`")),
        ("is null" | "is not null", None) => None,
        (_, None) => Some(format!("the operator `{operator}` needs a `value`")),
        (_, Some(Value::Object(_))) => Some("the `value` of a row filter can't be a table".to_owned()),
        ("in" | "not in", _) => None,
        _ if is_list => Some(format!("the operator `{operator}` takes one `value`, not a list")),
        _ => None,
    }
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
