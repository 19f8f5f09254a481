//! What may look at a request before its operation and at the answer after it. Event scripts will be the first to implement it.
//!
//! Events are named `{service}[.{resource}].{verb}.pre_process` and `.post_process`; each comes twice, first generic
//! (`shop._table.{table_name}.{id}.get`), then specific (`shop._table.orders.{id}.get`). A hook sees requests that are permitted;
//! when it changes one, permission is asked again. Operations of a batch have their events like any request, between those of the batch;
//! what it did before a failure is undone afterwards.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use serde_json::Value as Json;

use crate::error::ApiError;
use crate::roles::{Verb, called};

/// A boxed future, since hooks are chosen at run time.
pub type HookFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, ApiError>> + Send + 'a>>;

/// The part of a request that a hook may read and change.
#[derive(Debug, Clone, PartialEq)]
pub struct HookRequest {
    /// What shall be done.
    pub verb: Verb,
    /// The service's name.
    pub service: String,
    /// The path inside the service, decoded.
    pub resource: Vec<String>,
    /// Parameters of the query string, decoded.
    pub query: Vec<(String, String)>,
    /// The body, if there is one.
    pub body: Option<Json>,
}

/// An answer as a hook gives or changes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookAnswer {
    /// HTTP status.
    pub status: u16,
    /// JSON text.
    pub body: Bytes,
}

/// Listens to events.
pub trait Hooks: Send + Sync {
    /// Whether this event is wanted at all. Only then is an answer held back to be looked at; others are streamed past.
    fn listens(&self, event: &str) -> bool;

    /// Before the operation: may change the request, or answer in its place. The events after it are sent all the same.
    fn before<'a>(
        &'a self,
        event: &'a str,
        request: &'a mut HookRequest,
    ) -> HookFuture<'a, Option<HookAnswer>>;

    /// After the operation: may change the answer.
    fn after<'a>(
        &'a self,
        event: &'a str,
        request: &'a HookRequest,
        answer: &'a mut HookAnswer,
    ) -> HookFuture<'a, ()>;
}

/// Names of the generic and the specific event of a request, without their last part.
pub(crate) fn event_names(request: &HookRequest) -> [String; 2] {
    let verb = request.verb.word().to_ascii_lowercase();
    let mut generic = vec![request.service.clone()];
    let mut specific = generic.clone();
    for (index, segment) in request.resource.iter().enumerate() {
        let placeholder = placeholder(&request.resource, index);
        generic.push(placeholder.unwrap_or(segment).to_owned());
        // Identifiers and arguments have no event of their own; names of tables and routines do.
        specific.push(match placeholder {
            Some("{id}") => "{id}".to_owned(),
            Some("{procedure_name}" | "{function_name}") => called(segment).0,
            _ => segment.clone(),
        });
    }
    [generic, specific].map(|mut parts| {
        parts.push(verb.clone());
        parts.join(".")
    })
}

/// What stands for a segment in the generic name; `None`: the segment itself.
fn placeholder(resource: &[String], index: usize) -> Option<&'static str> {
    match (resource.first().map(String::as_str)?, index) {
        ("_table" | "_schema", 1) => Some("{table_name}"),
        ("_table", 2) => Some("{id}"),
        ("_schema", 2) => Some("{field_name}"),
        ("_proc", 1) => Some("{procedure_name}"),
        ("_func", 1) => Some("{function_name}"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_named_generic_and_specific() {
        let check = |resource: &[&str], generic: &str, specific: &str| {
            let resource = resource.iter().map(|part| (*part).to_owned()).collect();
            let request = HookRequest {
                verb: Verb::Get,
                service: "shop".to_owned(),
                resource,
                query: Vec::new(),
                body: None,
            };
            assert_eq!(event_names(&request), [generic, specific]);
        };
        check(&[], "shop.get", "shop.get");
        check(&["_table"], "shop._table.get", "shop._table.get");
        check(&["_table", "orders"], "shop._table.{table_name}.get", "shop._table.orders.get");
        check(&["_table", "orders", "5"], "shop._table.{table_name}.{id}.get", "shop._table.orders.{id}.get");
        check(&["_proc", "pay(1,'x')"], "shop._proc.{procedure_name}.get", "shop._proc.pay.get");
        check(&["_schema", "orders"], "shop._schema.{table_name}.get", "shop._schema.orders.get");
    }
}
