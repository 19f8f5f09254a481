//! The configuration: files and environment in, typed [`Settings`] or every [`Problem`] out. This room is the only
//! reader of the environment and of configuration files, and keeps no state: a reload is [`load`] called again.
//! It knows no connector; what a connector wants of its service is checked against the schema that it describes.

mod at_start;
mod edge;
mod environment;
#[cfg(test)]
mod guide;
mod layers;
mod model;
mod nearest;
mod origin;
mod problem;
mod quantity;
mod rules;
mod schema;
mod secret;
mod service;
mod source;
#[cfg(test)]
mod tests;
mod written;

use std::{path::PathBuf, sync::Arc};

use serde_json::Value;

pub(crate) use self::layers::reason;
pub(crate) use self::secret::PRIVATE_KEY;
pub use self::{
    at_start::AtStart,
    edge::{Cors, HeaderChoice, PageOrigin, Tls},
    model::{
        Access, Admin, App, Errors, Isolation, LibrarySettings, LogFormat, Logging, Metrics, Plugins, Role,
        Server, Service, ServiceConfig, Settings, State, Traces,
    },
    origin::Origin,
    problem::{Place, Problem, Problems},
    quantity::{Age, ByteSize, LogLevel, Network, Sha256Digest, Timeout},
    secret::{MASK, Secret},
    service::{
        check_service_config, unknown_library, unknown_related_service, unknown_service_type, unread_extras,
        with_common_keys,
    },
    source::Source,
    written::{Masked, Written},
};
use self::{layers::Layers, origin::Places, schema::Schema, secret::Resolver};

/// Where the key of cursors stands in the document.
pub(crate) const CURSOR_KEY: &str = "/server/cursor_key";
/// Where the token stands that opens the metrics.
pub(crate) const METRICS_TOKEN: &str = "/metrics/token";

/// Where the configuration comes from.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// The main file; `None` means `config/gateway.toml`, which may be missing. `services.d` is looked for beside it.
    pub config: Option<PathBuf>,
    /// The environment, as names and values. It is a value so that nobody needs to change that of the process.
    pub environment: Vec<(String, String)>,
}

impl LoadOptions {
    /// Options with the environment of the process; variables that are not UTF-8 are left out.
    #[must_use]
    pub fn from_process(config: Option<PathBuf>) -> Self {
        let variables = std::env::vars_os();
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self { config, environment: variables.filter_map(text).collect() }
    }
}

/// Reads, merges and checks every layer of the configuration.
///
/// # Errors
/// Every problem at once, with file and line: files that can't be read, TOML syntax, unknown and missing keys, wrong
/// types and words, missing secrets, names that are used twice or not at all.
pub fn load(options: &LoadOptions) -> Result<Settings, Problems> {
    match read(options) {
        (Some(settings), problems) if problems.is_empty() => Ok(settings),
        (_, problems) => Err(Problems::sorted(problems)),
    }
}

/// As [`load`], with whatever can be read in spite of the problems, for those who look for more of them. `None`: there is always a problem.
#[must_use]
pub fn read(options: &LoadOptions) -> (Option<Settings>, Vec<Problem>) {
    let schema = schemars::schema_for!(Settings).to_value();
    let Layers { mut document, places, mut problems, is_complete, has_main_file, .. } =
        layers::read(options, &schema);
    let faults = Schema::new(&schema).showing_values().check(&document, "");
    problems.extend(
        faults.into_iter().map(|fault| places.problem(&fault.pointer, fault.message).remedy(fault.remedy)),
    );

    let resolver = Resolver::new(&options.environment);
    let secrets = resolve_secrets(&mut document, &resolver, &places, &mut problems);
    problems.extend(rules::check(&document, &places, is_complete));
    let admin = environment::admin(&options.environment, &resolver, &mut problems);
    if !has_main_file {
        // What is left are defaults: whatever these lack is no mistake of the person.
        return (None, problems);
    }
    let mut settings: Settings = match serde_json::from_value(document) {
        Ok(settings) => settings,
        Err(error) => {
            // The schema is derived from these very types, so this fails alone only where a type refuses more than its schema says.
            if problems.is_empty() {
                problems.push(Problem::new(None, format!("the configuration can't be used: {error}")));
            }
            return (None, problems);
        }
    };
    settings.admin = admin;
    let places = Arc::new(places);
    for (index, (service, secrets)) in settings.services.iter_mut().zip(secrets).enumerate() {
        service.secrets = secrets;
        service.origin = Origin { pointer: format!("/services/{index}"), places: Arc::clone(&places) };
    }
    settings.places = places;
    (Some(settings), problems)
}

/// Replaces the references in service configs, API keys, the key of cursors and the token of metrics; returns the secrets of each service.
fn resolve_secrets(
    document: &mut Value,
    resolver: &Resolver<'_>,
    places: &Places,
    problems: &mut Vec<Problem>,
) -> Vec<Vec<Secret>> {
    let mut resolution = Resolution { resolver, places, problems, secrets: Vec::new() };
    let mut secrets = Vec::new();
    for (index, service) in list_mut(document, "services").enumerate() {
        if let Some(config) = service.get_mut("config") {
            resolution.replace(config, &format!("/services/{index}/config"));
        }
        secrets.push(std::mem::take(&mut resolution.secrets));
    }
    for pointer in [CURSOR_KEY, METRICS_TOKEN] {
        if let Some(text) = document.pointer_mut(pointer) {
            resolution.replace(text, pointer);
        }
    }
    for (index, app) in list_mut(document, "apps").enumerate() {
        if let Some(key) = app.get_mut("api_key") {
            resolution.replace(key, &format!("/apps/{index}/api_key"));
        }
    }
    secrets
}

fn list_mut<'a>(document: &'a mut Value, list: &str) -> impl Iterator<Item = &'a mut Value> {
    document.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten()
}

struct Resolution<'a> {
    resolver: &'a Resolver<'a>,
    places: &'a Places,
    problems: &'a mut Vec<Problem>,
    secrets: Vec<Secret>,
}

impl Resolution<'_> {
    /// Replaces every reference below `value`; one that can't be resolved becomes null, so that no rule takes the
    /// reference itself for a value.
    fn replace(&mut self, value: &mut Value, pointer: &str) {
        match value {
            Value::String(text) => match self.resolver.resolve(text) {
                Ok(resolved) => {
                    *text = resolved.text;
                    self.secrets.extend(resolved.secrets);
                }
                Err(message) => {
                    let message = format!("{} {message}", origin::key_label(pointer));
                    self.problems.push(self.places.problem(pointer, message));
                    *value = Value::Null;
                }
            },
            Value::Array(items) => {
                items
                    .iter_mut()
                    .enumerate()
                    .for_each(|(index, item)| self.replace(item, &format!("{pointer}/{index}")));
            }
            Value::Object(table) => {
                table.iter_mut().for_each(|(key, value)| self.replace(value, &origin::child(pointer, key)));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}
