//! What can be said about a service only with its connector at hand: whether its type exists, and whether its
//! config fits the schema that the connector describes.

use serde_json::{Map, Value};

use super::{
    model::{Service, ServiceConfig, Settings},
    nearest::{did_you_mean, listed},
    origin::child,
    problem::Problem,
    schema::{Fault, Schema},
};

/// A connector's config schema with the keys that the gateway takes out for itself (`max_records`, …) added; a key
/// that the connector describes too keeps the connector's description. Other schemas than objects come back as they are.
#[must_use]
pub fn with_common_keys(connector_schema: &Value) -> Value {
    let mut merged = connector_schema.clone();
    let common = schemars::schema_for!(ServiceConfig).to_value();
    let common = common.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    if let Some(schema) = merged.as_object_mut() {
        let properties = schema.entry("properties").or_insert_with(|| Value::Object(Map::new()));
        for (key, description) in common {
            properties.as_object_mut().map(|properties| properties.entry(key).or_insert(description));
        }
    }
    merged
}

/// Everything in the connector's keys of `[services.config]` that does not fit the connector's JSON Schema: unknown
/// keys, missing ones, wrong types, words and ranges. Values are never shown.
#[must_use]
pub fn check_service_config(service: &Service, connector_schema: &Value) -> Vec<Problem> {
    let schema = with_common_keys(connector_schema);
    let config = Value::Object(service.config.connector.clone());
    let pointer = child(&service.origin.pointer, "config");
    let faults = Schema::new(&schema).check(&config, &pointer);
    faults.into_iter().map(|fault| problem(service, fault)).collect()
}

fn problem(service: &Service, fault: Fault) -> Problem {
    let message = format!("service `{}`: {}", service.name, fault.message);
    service.origin.places.problem(&fault.pointer, message).remedy(fault.remedy)
}

/// The problem of a service whose type no installed connector offers; `known` are the types that are offered.
#[must_use]
pub fn unknown_service_type(service: &Service, known: &[&str]) -> Problem {
    let pointer = child(&service.origin.pointer, "type");
    let message =
        format!("service `{}`: no connector offers the type `{}`", service.name, service.service_type);
    let remedy = did_you_mean(&service.service_type, known.iter().copied()).unwrap_or_else(|| {
        let offered = listed(known.iter().copied());
        format!("the types offered are {offered}; put the connector's library into a plugin folder")
    });
    service.origin.places.problem(&pointer, message).remedy(remedy)
}

/// The problem of a library that is spoken of and not there.
#[must_use]
pub fn unknown_library(settings: &Settings, name: &str, known: &[&str]) -> Problem {
    let message = format!("[plugins.connectors.{name}]: no library of this name is in the plugin folders");
    let remedy = did_you_mean(name, known.iter().copied())
        .unwrap_or_else(|| format!("the libraries are {}", listed(known.iter().copied())));
    settings.problem(&child("/plugins/connectors", name), message).remedy(remedy)
}

/// The problem of a service whose extras can't be read.
#[must_use]
pub fn unread_extras(service: &Service, problem: &impl std::fmt::Display) -> Problem {
    let message = format!("service `{}`: its extras can't be read: {problem}", service.name);
    Problem::new(None, message)
        .remedy("nothing in the service can be changed until the file is mended and loaded".to_owned())
}

/// The problem of a service whose extras name another one that is not configured. `place` says where.
#[must_use]
pub fn unknown_related_service(service: &Service, place: &str, unknown: &str) -> Problem {
    let message = format!("service `{}`: its extras, {place}: there is no service `{unknown}`", service.name);
    Problem::new(None, message)
        .remedy("the relationship can't be followed until the service is configured".to_owned())
}

#[cfg(test)]
#[path = "service_tests.rs"]
mod tests;
