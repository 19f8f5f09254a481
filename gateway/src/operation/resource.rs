//! From the path inside a service to an operation.

use std::borrow::Borrow;

use connector_api::model::RoutineKind;
use serde_json::Value as Json;

use super::{SchemaOrder, SchemaTarget, WriteOrder};
use crate::error::ApiError;
use crate::hooks::HookRequest;
use crate::request::{
    Bounds, Id, ListRead, Parameters, RoutineCall, SchemaWrite, TableRead, TableWrite, path_id, schema,
};
use crate::roles::{Verb, called};

/// What shall be done, with its options.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation {
    /// The resources of a service.
    Root(ListRead),
    /// Names of tables, for their rows.
    ListTables(ListRead),
    /// Names of tables, for their descriptions.
    ListSchema(ListRead),
    /// A table's description.
    DescribeTable {
        /// The table's public name.
        table: String,
        /// Options.
        list: ListRead,
    },
    /// The columns of a table, or one of them.
    DescribeFields {
        /// The table's public name.
        table: String,
        /// The column's name.
        field: Option<String>,
        /// Options.
        list: ListRead,
    },
    /// The relationships of a table, or one of them.
    DescribeRelated {
        /// The table's public name.
        table: String,
        /// The relationship's name.
        relationship: Option<String>,
        /// Options.
        list: ListRead,
    },
    /// Rows of a table, by filter or by identifier.
    ReadTable {
        /// The table's public name.
        table: String,
        /// Options.
        read: Box<TableRead>,
    },
    /// One row.
    ReadRecord {
        /// The table's public name.
        table: String,
        /// Which.
        id: Id,
        /// Options.
        read: Box<TableRead>,
    },
    /// Rows to create, change or remove.
    Write(Box<WriteOrder>),
    /// Tables or fields to create, change or drop.
    ChangeSchema(Box<SchemaOrder>),
    /// Names of procedures or of functions.
    ListRoutines {
        /// Which of both.
        kind: RoutineKind,
        /// Options.
        list: ListRead,
    },
    /// A procedure or function to be called, or described.
    Call(Box<CallOrder>),
    /// Operations that are done together.
    Batch,
}

/// A call as path and parameters have it.
#[derive(Debug, Clone, PartialEq)]
pub struct CallOrder {
    /// GET or POST.
    pub verb: Verb,
    /// Procedure or function.
    pub kind: RoutineKind,
    /// The routine's public name.
    pub name: String,
    /// What is given, and how the answer is wanted.
    pub call: RoutineCall,
}

/// Whether this is where batches are sent.
pub(crate) fn is_batch(resource: &[String]) -> bool {
    matches!(resource, [only] if only == "_batch")
}

impl Operation {
    /// Reads path and parameters.
    ///
    /// # Errors
    /// A resource or verb that does not exist, and parameters that can't be read.
    pub fn parse(what: &HookRequest, bounds: Bounds) -> Result<Self, ApiError> {
        if is_batch(&what.resource) {
            return if what.verb == Verb::Post {
                Ok(Self::Batch)
            } else {
                Err(ApiError::batch_by_other_verb())
            };
        }
        let resource: Vec<&str> = what.resource.iter().map(String::as_str).collect();
        if let Some((kind, segments)) = routine(&resource) {
            return Self::parse_routine(what, bounds, (kind, segments));
        }
        if what.verb != Verb::Get {
            return Self::parse_write(what, bounds, &resource);
        }
        let parameters = parameters(what, bounds)?;
        let list = || ListRead::parse(parameters);
        let read = || TableRead::parse(parameters).map(Box::new);
        let owned = |name: &str| name.to_owned();
        Ok(match *resource.as_slice() {
            [] => Self::Root(list()?),
            ["_table"] => Self::ListTables(list()?),
            ["_table", table] => Self::ReadTable { table: owned(table), read: read()? },
            ["_table", table, id] => Self::ReadRecord { table: owned(table), id: path_id(id), read: read()? },
            ["_schema"] => Self::ListSchema(list()?),
            ["_schema", table] => Self::DescribeTable { table: owned(table), list: list()? },
            ["_schema", table, "_field"] => {
                Self::DescribeFields { table: owned(table), field: None, list: list()? }
            }
            ["_schema", table, "_related"] => {
                Self::DescribeRelated { table: owned(table), relationship: None, list: list()? }
            }
            ["_schema", table, "_related", name] => {
                Self::DescribeRelated { table: owned(table), relationship: Some(owned(name)), list: list()? }
            }
            ["_schema", table, "_field", field] | ["_schema", table, field] => {
                Self::DescribeFields { table: owned(table), field: Some(owned(field)), list: list()? }
            }
            _ => return Err(unknown(&resource, &what.service)),
        })
    }

    /// What stands between parentheses may have slashes in it, so it may be several segments.
    fn parse_routine(
        what: &HookRequest,
        bounds: Bounds,
        (kind, segments): (RoutineKind, &[&str]),
    ) -> Result<Self, ApiError> {
        let verb = what.verb;
        let [first, ..] = segments else {
            let resource = what.resource.join("/");
            return match verb {
                Verb::Get => {
                    Ok(Self::ListRoutines { kind, list: ListRead::parse(parameters(what, bounds)?)? })
                }
                _ => Err(ApiError::unsupported_verb(verb.word(), resource)),
            };
        };
        let whole = segments.join("/");
        let (name, arguments) = called(&whole);
        if segments.len() > 1 && arguments.is_none() {
            return Err(unknown(&what.resource, &what.service));
        }
        if !matches!(verb, Verb::Get | Verb::Post) {
            return Err(ApiError::unsupported_verb(verb.word(), first));
        }
        let call = RoutineCall::parse(parameters(what, bounds)?, arguments)?;
        Ok(Self::Call(Box::new(CallOrder { verb, kind, name, call })))
    }

    fn parse_write(what: &HookRequest, bounds: Bounds, resource: &[&str]) -> Result<Self, ApiError> {
        if let Some(target) = SchemaTarget::of(resource) {
            let body =
                what.body.as_ref().filter(|body| schema::has_wrapper(body) || what.verb == Verb::Delete);
            let parameters = Parameters { query: &what.query, body: body.and_then(Json::as_object), bounds };
            let options = SchemaWrite::parse(parameters)?;
            return Ok(Self::ChangeSchema(Box::new(SchemaOrder { verb: what.verb, target, options })));
        }
        let (table, id, body) = match *resource {
            ["_table", table] => (table, None, what.body.as_ref().and_then(Json::as_object)),
            // The body of a single row is its record: a field may be named like an option.
            ["_table", table, id] => (table, Some(path_id(id)), None),
            _ => return Err(unsupported(what.verb, resource, &what.service)),
        };
        let options = TableWrite::parse(Parameters { query: &what.query, body, bounds })?;
        let order = WriteOrder { verb: what.verb, table: table.to_owned(), id, options };
        Ok(Self::Write(Box::new(order.check()?)))
    }

    /// What must be granted besides the verb of the request: whoever asks for missing rows to be created has to be allowed to create some.
    #[must_use]
    pub fn further_verb(&self) -> Option<Verb> {
        match self {
            Self::Write(order) if order.options.is_upsert => Some(Verb::Post),
            _ => None,
        }
    }
}

/// Procedures or functions, and the segments of the path behind.
fn routine<'r, 's>(resource: &'r [&'s str]) -> Option<(RoutineKind, &'r [&'s str])> {
    match resource {
        ["_proc", segments @ ..] => Some((RoutineKind::Procedure, segments)),
        ["_func", segments @ ..] => Some((RoutineKind::Function, segments)),
        _ => None,
    }
}

fn parameters(what: &HookRequest, bounds: Bounds) -> Result<Parameters<'_>, ApiError> {
    let body = match &what.body {
        None => None,
        Some(body) => Some(body.as_object().ok_or_else(ApiError::unexpected_body)?),
    };
    Ok(Parameters { query: &what.query, body, bounds })
}

/// Where a verb makes no sense it is refused as such; where it is not built, as not supported.
fn unsupported(verb: Verb, resource: &[&str], service: &str) -> ApiError {
    match *resource {
        [] => ApiError::unsupported_verb(verb.word(), service),
        ["_table"] => ApiError::unsupported_verb(verb.word(), "_table"),
        _ => unknown(resource, service),
    }
}

fn unknown(resource: &[impl Borrow<str>], service: &str) -> ApiError {
    ApiError::unknown_resource(resource.join("/"), service)
}
