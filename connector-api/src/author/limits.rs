//! Holds a service to the limits that it declares, so that a connector need not look: what is beyond them never reaches it.

use super::Request;
use super::request::Shape;
use crate::model::{Capabilities, Error, ErrorKind, Filter, Result, Value};

/// # Errors
/// [`ErrorKind::LimitExceeded`] when the request has more parameters, more records or a deeper filter than is declared.
pub(super) fn check<S: Shape>(request: &Request<S>, declared: &Capabilities) -> Result<()> {
    at_most("values in one request", declared.max_parameters, || count(request.params()))?;
    at_most("records in one request", declared.max_records, || request.records().len())?;
    at_most("levels of a filter", declared.max_filter_depth, || {
        request.filters().into_iter().flatten().map(depth).max().unwrap_or(0)
    })
}

fn at_most(what: &str, limit: Option<u32>, found: impl FnOnce() -> u32) -> Result<()> {
    match limit {
        Some(limit) if found() > limit => {
            Err(Error::new(ErrorKind::LimitExceeded, format!("too many {what}: at most {limit} are allowed")))
        }
        _ => Ok(()),
    }
}

/// Items of lists are counted one by one.
fn count(values: &[Value]) -> u32 {
    let count = |value: &Value| if let Value::List(items) = value { items.len() } else { 1 };
    u32::try_from(values.iter().map(count).sum::<usize>()).unwrap_or(u32::MAX)
}

/// A leaf has depth 1.
fn depth(filter: &Filter) -> u32 {
    let below = match filter {
        Filter::And(parts) | Filter::Or(parts) => parts.iter().map(depth).max().unwrap_or(0),
        Filter::Not(part) => depth(part),
        Filter::RelatedExists { filter, .. } => depth(filter),
        _ => 0,
    };
    below + 1
}
