//! Every error of the gateway → status, code and message. The only file that knows status codes.

mod context;
mod nested;

use std::time::Duration;

use axum::http::StatusCode;
use connector_api::{Error as ConnectorError, ErrorKind};
use serde_json::{Value as Json, json};

pub use context::{Context, Entry, Parts};

use crate::auth::SessionError;
use crate::roles::Denial;
use crate::{cursor, plan, request};

/// Status of an answer that went well.
pub const OK: StatusCode = StatusCode::OK;
/// Status of an answer that the caller has already.
pub const NOT_MODIFIED: StatusCode = StatusCode::NOT_MODIFIED;
/// Status of an answer that says all in its head.
pub const NO_CONTENT: StatusCode = StatusCode::NO_CONTENT;

/// When to try again what only has to wait a moment.
const SOON: Duration = Duration::from_secs(1);

const RULE_VIOLATED: &str = "Denied access to some of the requested fields.";

/// The status that a hook chose for its answer.
///
/// # Errors
/// A number that is none.
pub fn status(number: u16) -> Result<StatusCode, ApiError> {
    StatusCode::from_u16(number).map_err(|_| ApiError::internal())
}

/// An error on its way to the caller: nothing in it is secret, bound or a driver's text.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiError {
    /// HTTP status.
    pub status: StatusCode,
    /// The `code` of the error object.
    pub code: Code,
    /// For people.
    pub message: String,
    /// For programs.
    pub context: Option<Box<Context>>,
    /// When to try again.
    pub retry_after: Option<Duration>,
    /// What a connector called it, where it comes from one.
    pub kind: Option<ErrorKind>,
    /// It was the answer of an earlier request with the same `Idempotency-Key`.
    pub is_replayed: bool,
}

/// The `code` of an error object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Code {
    /// The status, or a number that says more.
    Number(u16),
    /// The SQLSTATE of a store's refusal.
    SqlState(Box<str>),
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ApiError {}

macro_rules! errors {
    ($($(#[$doc:meta])* $name:ident($($argument:ident),*) = $status:ident, $text:literal;)*) => {
        impl ApiError {
            $($(#[$doc])* pub fn $name($($argument: impl std::fmt::Display),*) -> Self { Self::new(StatusCode::$status, format!($text)) })*
        }
    };
}

errors! {
    /// No such service, seen by an administrator.
    unknown_service(name) = NOT_FOUND, "Could not find a service for {name}";
    /// The service is switched off.
    inactive_service(name) = FORBIDDEN, "Service {name} is deactivated.";
    /// The service's type is offered by no loaded connector, or its configuration was refused.
    unusable_service(name) = SERVICE_UNAVAILABLE, "Service {name} can't be used at the moment; its administrator finds the reason in the log.";
    /// No such resource inside a service.
    unknown_resource(resource, service) = NOT_FOUND, "Resource '{resource}' not found for service '{service}'.";
    /// The resource exists, the verb on it does not.
    unsupported_verb(verb, resource) = BAD_REQUEST, "{verb} requests without a resource are not currently supported by the '{resource}' service.";
    /// No such table.
    unknown_table(table) = NOT_FOUND, "Table \"{table}\" does not exist in the database.";
    /// A table that has an alias, called otherwise.
    table_by_alias(table, alias) = NOT_FOUND, "Table \"{table}\" does not exist in the database. Its rows are found under its alias '{alias}'.";
    /// A table that shall be new and is there.
    table_exists(table) = CONFLICT, "A table with name '{table}' already exist in the database.";
    /// Extras that could not be written.
    extras_unwritable(table) = INTERNAL_SERVER_ERROR, "The extras of table '{table}' can't be stored; the log has the reason under the request id.";
    /// Extras that are not as they were read.
    extras_unread(service) = CONFLICT, "The file with the extras of service '{service}' was edited, or could not be read. Reload the gateway, whose log says what is wrong with the file if it is refused, and send the request again.";
    /// Rules for values that can't be read.
    wrong_validation(table, field, what) = BAD_REQUEST, "Table '{table}', field '{field}': {what}.";
    /// Names of tables or fields that can't be theirs.
    wrong_names(what) = BAD_REQUEST, "The extras can't be kept: {what}.";
    /// A removal of tables or fields that does not say which.
    nothing_to_drop() = BAD_REQUEST, "Say what is to be dropped: in the path, as 'ids', or by name in the body.";
    /// No such procedure.
    unknown_procedure(name) = NOT_FOUND, "Procedure '{name}' does not exist in the database.";
    /// No such function.
    unknown_function(name) = NOT_FOUND, "Function '{name}' does not exist in the database.";
    /// A routine that may change data, called by a verb that should not.
    call_by_get(name) = METHOD_NOT_ALLOWED, "'{name}' may change data, so it is called with POST. For GET it has to be declared in the database as one that only reads, or listed under 'read_only_routines' of the service.";
    /// An answer of a routine that is too long.
    call_of_many_rows(most) = BAD_REQUEST, "The routine was called, and its answer has more than the {most} rows that one answer of this service holds. Let it give fewer.";
    /// The same in bytes.
    call_too_large(most) = BAD_REQUEST, "The routine was called, and its answer is larger than the {most} bytes that this server holds. Let it give fewer rows or columns.";
    /// No such field in a table description.
    unknown_field(field, table) = NOT_FOUND, "Field '{field}' does not exist in table '{table}'.";
    /// More relationships than one request may read.
    related_too_many(most) = BAD_REQUEST, "One request reads the rows of {most} relationships at most, those of all levels together.";
    /// More levels of related rows than are followed.
    related_too_deep(levels) = BAD_REQUEST, "Related rows go {levels} levels deep at most.";
    /// More levels of records inside records than are followed.
    nested_too_deep(levels) = BAD_REQUEST, "Related records go {levels} levels deep at most.";
    /// More records inside a record than one may have.
    nested_too_many(most) = BAD_REQUEST, "A record can bring {most} related records at most, those of all levels together.";
    /// What failed, where something that was done before stays done: that is no more the fault of the request.
    not_undone(cause, places) = INTERNAL_SERVER_ERROR, "{cause}\nWhat was done before could not be undone: rows of {places} may stay changed; 'not_undone' names them.";
    /// Records inside a record that does not say whose they are.
    nested_by_filter(name) = BAD_REQUEST, "Related records ('{name}') can't be written by a filter, which may mean several rows; name the rows by 'ids' or in the records.";
    /// The same, where the identifier names several rows.
    nested_of_several(id) = BAD_REQUEST, "The identifier '{id}' names several rows, so related records can't be written with it; use the primary key or a unique key.";
    /// Records inside a record where the store has no transactions and everything goes in one call.
    nested_in_one_call() = NOT_IMPLEMENTED, "'rollback' of a list with related records is not supported by this service, which has no transactions; without it each record is done as a whole or undone.";
    /// Records inside a record that is written by a guarded call.
    nested_with_condition() = NOT_IMPLEMENTED, "If-Match and If-None-Match together with related records are not supported by this service, which has no transactions.";
    /// Records of another service inside a record whose transaction may be undone behind it.
    nested_elsewhere(service) = NOT_IMPLEMENTED, "Related records in service '{service}' can't be written with 'rollback', in a batch or with If-Match: no transaction would undo them if something fails later. Send the record alone.";
    /// A row that would be deleted with a record, and others with it, where no transaction brings these back.
    nested_takes_others(table, other, rule) = NOT_IMPLEMENTED, "Rows of '{table}' can't be deleted with a record here: if it fails no transaction would undo that, and rows of '{other}', which refers to them with ON DELETE {rule}, would not be as they were. Delete the rows of '{table}' in a request of their own.";
    /// A column that related records refer to has no value.
    nested_without_key(column) = BAD_REQUEST, "Field '{column}' is NULL, so no related record can refer to the row.";
    /// Records of a table whose rows nothing names.
    nested_without_primary_key(table) = BAD_REQUEST, "The table '{table}' has no primary key, so its rows can't be written as related records.";
    /// A row that was written and can't be read.
    nested_unseen(table) = FORBIDDEN, "The related row of '{table}' can't be referred to, since it can't be read.";
    /// No such relationship in a table description.
    unknown_relationship(name, table) = NOT_FOUND, "Relationship '{name}' does not exist in table '{table}'.";
    /// A relationship whose other side is not there any more.
    lost_relationship(name, what, service) = NOT_FOUND, "The relationship '{name}' leads to {what} in service '{service}', which can't be found there; change or delete the relationship.";
    /// A condition on rows of another service.
    filter_across_services(name, service, fields) = NOT_IMPLEMENTED, "A filter can't look through '{name}' into service '{service}'. Ask that service for the matching rows first, then filter by {fields} IN (...).";
    /// No row with this identifier.
    unknown_record(id) = NOT_FOUND, "Record with identifier '{id}' not found.";
    /// No such address.
    unknown_path() = NOT_FOUND, "There is nothing at this address; the API begins at /api/v2.";
    /// No such verb.
    unknown_method(method) = METHOD_NOT_ALLOWED, "The method {method} is not supported; use GET, POST, PUT, PATCH or DELETE.";
    /// The address can only be read.
    read_only(method) = METHOD_NOT_ALLOWED, "The method {method} is not supported at this address; use GET.";
    /// A path or query string that is not percent-encoded UTF-8.
    malformed_address(part) = BAD_REQUEST, "The {part} of the address is not percent-encoded UTF-8.";
    /// Only forms that are not sent are accepted.
    unacceptable(sent) = NOT_ACCEPTABLE, "None of the accepted types can be sent; what can be sent: {sent}.";
    /// A body in a form that is not read.
    unsupported_body(read) = UNSUPPORTED_MEDIA_TYPE, "The body's type is not read; what is read, in UTF-8: {read}.";
    /// A body that is compressed in a way that is not undone.
    unsupported_encoding(name) = UNSUPPORTED_MEDIA_TYPE, "The body's encoding '{name}' is not read; send it as it is or with 'gzip'.";
    /// A body that is JSON but of the wrong kind.
    unexpected_body() = BAD_REQUEST, "The body must be a JSON object.";
    /// The body could not be read to its end.
    broken_body() = BAD_REQUEST, "The body of the request could not be read.";
    /// The body is larger than the configuration allows.
    body_too_large(limit) = PAYLOAD_TOO_LARGE, "The body is larger than the {limit} bytes that this server accepts.";
    /// The address is longer than the configuration allows.
    uri_too_long(limit) = URI_TOO_LONG, "The address of the request is longer than the {limit} bytes that this server accepts. Send a read as POST with the header X-HTTP-Method: GET and its parameters in the body.";
    /// The headers are larger than the configuration allows.
    headers_too_large(limit, name) = REQUEST_HEADER_FIELDS_TOO_LARGE, "The head of the request is larger than the {limit} bytes that this server accepts; its largest header is {name}.";
    /// A head that was not even read to its end.
    head_too_large(limit, most) = REQUEST_HEADER_FIELDS_TOO_LARGE, "The head of the request is larger than the {limit} bytes that this server accepts, or has more than {most} headers.";
    /// Bytes that are no request.
    malformed_request() = BAD_REQUEST, "This is no request of HTTP/1.1. Spaces, quotes, angle brackets and the like must be percent-encoded in an address.";
    /// Plain HTTP where TLS is spoken.
    not_encrypted() = BAD_REQUEST, "This port speaks TLS only; use https://. Whatever was sent in this request was not encrypted.";
    /// A row can be created only where the store or the record says which one.
    no_create_by_id() = BAD_REQUEST, "Create record by identifier not currently supported.";
    /// A removal that does not say of what.
    nothing_to_delete() = BAD_REQUEST, "No filter or records given for delete request.";
    /// A removal by a filter that matches everything.
    empty_delete_filter() = BAD_REQUEST, "Filter for delete request can not be empty.";
    /// An option of another verb.
    upsert_by_other_verb() = BAD_REQUEST, "'upsert' is an option of PUT and PATCH.";
    /// A header that can't be read.
    malformed_header(header) = BAD_REQUEST, "The header {header} must be sent once, as plain text.";
    /// A condition on something that has no version.
    condition_elsewhere(header) = BAD_REQUEST, "{header} works on single rows only: on GET, PUT, PATCH and DELETE of _table/{{table}}/{{id}}.";
    /// A condition on a row that the identifying fields do not name alone.
    condition_on_several(header) = BAD_REQUEST, "{header} needs the primary key or a unique key as identifying fields.";
    /// The row is not the one that the caller means.
    condition_unmet(header) = PRECONDITION_FAILED, "The condition {header} does not hold: the row is another version, or it exists or is missing against expectation. Read it again and decide.";
    /// A service that wants every change to name the version it is made to.
    condition_required() = PRECONDITION_REQUIRED, "This service changes a row only with the header If-Match: send the ETag of the row as you read it, or If-None-Match: * to create it.";
    /// A key against repetition that can't be one.
    malformed_key(longest) = BAD_REQUEST, "Idempotency-Key must be 1 to {longest} visible ASCII characters, sent once.";
    /// A key against repetition on something else than a creation.
    key_elsewhere(verb) = BAD_REQUEST, "Idempotency-Key works on POST only, not on {verb}.";
    /// A key against repetition of a stream, which is never held and so can't be compared.
    key_of_stream() = BAD_REQUEST, "Idempotency-Key does not work with records that are streamed (NDJSON, CSV); send them as one JSON document.";
    /// The same key with another request.
    key_reused() = UNPROCESSABLE_ENTITY, "This Idempotency-Key was used with another request; use a new key for each request.";
    /// The first request with this key came to an unknown end.
    key_in_doubt() = CONFLICT, "The outcome of the request with this Idempotency-Key is unknown: it may have been done or not. Look before you send it again with a new key.";
    /// The first request with this key is done and nobody knows the answer any more.
    key_without_answer() = CONFLICT, "The request with this Idempotency-Key is done; its answer was too large to be kept.";
    /// A batch that is not sent as one.
    batch_by_other_verb() = BAD_REQUEST, "A batch is sent with POST.";
    /// An answer that somebody inside wants to see as a whole does not fit into memory.
    held_too_large(limit) = BAD_REQUEST, "An event script wants to see this answer as a whole, and it is larger than the {limit} bytes that this server holds; ask for fewer rows or fields.";
    /// The answers of a batch don't fit into memory.
    batch_too_large(limit) = BAD_REQUEST, "The answers of this batch are larger than the {limit} bytes that this server holds; ask for fewer rows or fields, or send several batches.";
    /// Rows that have to be there as a whole don't fit into memory.
    rows_too_large(limit) = BAD_REQUEST, "These rows are larger than the {limit} bytes that this server holds; ask for fewer rows or fields at once.";
    /// An identifier of a URL that names a row by its text and another by its number.
    several_kinds(id) = BAD_REQUEST, "The identifier '{id}' names more than one row, for a text and a number or truth value are written alike in a URL; say which one is meant by 'ids' in a JSON body, or by a filter.";
    /// An identifier of a URL that a new row would have.
    kind_of_new_row(id) = BAD_REQUEST, "The identifier '{id}' of a new row may be a text or a number or truth value; give it in the JSON record, too.";
    /// Something that a later version may do.
    unsupported(feature) = NOT_IMPLEMENTED, "{feature} is not supported by this service.";
    /// A page by cursor in a form of answer that has no place for the next cursor.
    cursor_without_place() = BAD_REQUEST, "A cursor needs a form of answer that has 'meta': JSON or XML.";
    /// The time ran out.
    timed_out() = GATEWAY_TIMEOUT, "The request took longer than this server allows.";
    /// The time for all of a request ran out, although something moved.
    lasted_too_long(limit) = GATEWAY_TIMEOUT, "The request lasted longer than the {limit} that this server allows for all of it.";
    /// The gateway itself is at fault.
    internal() = INTERNAL_SERVER_ERROR, "An internal error occurred; the log has it under the request id.";
    /// Not ready to serve.
    not_ready(services) = SERVICE_UNAVAILABLE, "Not ready: {services}.";
}

impl ApiError {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            code: Code::Number(status.as_u16()),
            message: shortened(message.into()),
            context: None,
            retry_after: None,
            kind: None,
            is_replayed: false,
        }
    }

    /// Parts of a request that did not all do well.
    #[must_use]
    pub fn batch(message: impl Into<String>, parts: Parts) -> Self {
        let mut error = Self::new(StatusCode::BAD_REQUEST, message);
        error.code = Code::Number(1000);
        error.context = Some(Box::new(Context::Parts(parts)));
        error
    }

    /// The first request with this key still runs.
    #[must_use]
    pub fn key_in_use() -> Self {
        let message = "The request with this Idempotency-Key is still running; try again in a moment.";
        Self::new(StatusCode::CONFLICT, message).retry_in(SOON)
    }

    /// As many keyed requests run as can be remembered.
    #[must_use]
    pub fn too_many_keys() -> Self {
        let message = "Too many requests with an Idempotency-Key are running; try again in a moment.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, message).retry_in(SOON)
    }

    /// An address has as many connections as it may have.
    #[must_use]
    pub fn too_many_connections(most: usize) -> Self {
        let message = format!(
            "There are {most} connections from this address, and this server accepts no more; close some, or send several requests over one."
        );
        Self::new(StatusCode::TOO_MANY_REQUESTS, message).retry_in(SOON)
    }

    /// What the HTTP library could not read as a request, by the status that it gives it. `limits` are those of the address and of the head
    /// in bytes, and of the number of headers.
    #[must_use]
    pub fn unreadable(status: &[u8], limits: (u64, u64, usize)) -> Self {
        let (uri, head, headers) = limits;
        match status {
            b"414" => Self::uri_too_long(uri),
            b"431" => Self::head_too_large(head, headers),
            _ => Self::malformed_request(),
        }
    }

    /// The same as an answer of an earlier request.
    #[must_use]
    pub fn replayed(mut self) -> Self {
        self.is_replayed = true;
        self
    }

    /// Whether something may have been done although it failed.
    #[must_use]
    pub fn is_in_doubt(&self) -> bool {
        let is_open = matches!(self.status, StatusCode::INTERNAL_SERVER_ERROR | StatusCode::GATEWAY_TIMEOUT);
        is_open || self.kind == Some(ErrorKind::UnknownOutcome)
    }

    /// Whether it contradicts what is there.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.status == StatusCode::CONFLICT
    }

    /// Whether the same request would fail again: what is for the caller to mend, and no matter of the moment.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        self.status.is_client_error() && self.retry_after.is_none()
    }

    /// What contradicts stored rows, with the status that the clients of old know: they never meet 409 there. Parts of a request, too.
    #[must_use]
    pub fn relaxed(mut self) -> Self {
        if self.kind == Some(ErrorKind::Conflict) && self.status == StatusCode::CONFLICT {
            self.status = StatusCode::BAD_REQUEST;
            if self.code == Code::Number(StatusCode::CONFLICT.as_u16()) {
                self.code = Code::Number(StatusCode::BAD_REQUEST.as_u16());
            }
        }
        self.context = self.context.map(|context| Box::new(context.relaxed()));
        self
    }

    /// The same for a change of the schema: what contradicts it is no row, so clients of old have no other status for it.
    #[must_use]
    pub fn of_schema(mut self) -> Self {
        self.kind = self.kind.filter(|kind| *kind != ErrorKind::Conflict);
        self
    }

    /// The same with what became of each change that belongs together.
    #[must_use]
    pub fn with_changes(mut self, message: &str, changes: Json) -> Self {
        self.message = shortened(format!("{}. {message}", self.message.trim_end_matches('.')));
        self.with_member("changes", changes)
    }

    /// The same as what a connector calls so.
    #[must_use]
    pub fn of_kind(mut self, kind: ErrorKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// The same with the name of the service, where it is the service that can't answer now and may later.
    #[must_use]
    pub fn of_service(mut self, name: &str) -> Self {
        if self.status == StatusCode::SERVICE_UNAVAILABLE && self.retry_after.is_some() {
            self.message = shortened(format!("Service '{name}': {}", self.message));
        }
        self
    }

    /// An answer that a hook gave in place of the operation.
    #[must_use]
    pub fn from_hook(status: u16, message: impl Into<String>) -> Self {
        Self::new(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), message)
    }

    /// Whether the head of the request is what is too large.
    #[must_use]
    pub fn is_of_head(&self) -> bool {
        self.status == StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
    }

    /// Whether the caller has to say who they are.
    #[must_use]
    pub fn asks_for_login(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED
    }

    /// Whether it is a store's refusal: neither one of the gateway's own, nor a row rule's, nor one of several parts.
    fn is_from_store(&self) -> bool {
        let is_of_parts = matches!(self.context.as_deref(), Some(Context::Parts(_)));
        !is_of_parts && self.kind.is_some_and(|kind| kind != ErrorKind::RuleViolated)
    }

    /// Whether the caller may not do it, or is not known.
    fn is_denial(&self) -> bool {
        matches!(self.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
    }

    /// The same as the fault of a record.
    fn of_record(mut self) -> Self {
        self.status = StatusCode::BAD_REQUEST;
        if self.code != Code::Number(1000) && matches!(self.code, Code::Number(_)) {
            self.code = Code::Number(StatusCode::BAD_REQUEST.as_u16());
        }
        self
    }

    fn with_context(mut self, context: Json) -> Self {
        self.context = Some(Box::new(Context::Json(context)));
        self
    }

    fn retry_in(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The members of the error object in their fixed order. `plain` leaves messages as they are; otherwise they are HTML-encoded, as the
    /// clients of old expect them.
    #[must_use]
    pub fn object(&self, plain: bool) -> Json {
        let message = if plain { self.message.clone() } else { html_encoded(&self.message) };
        let code = match &self.code {
            Code::Number(number) => Json::from(*number),
            Code::SqlState(text) => Json::from(text.as_ref()),
        };
        let context = self.context.as_ref().map(|context| context.json(plain));
        json!({ "code": code, "context": context, "message": message, "status_code": self.status.as_u16() })
    }
}

/// The most bytes of a message: it may repeat a name of the request, which may be as long as the request.
const MAX_MESSAGE: usize = 1_000;

fn shortened(mut message: String) -> String {
    if let Some((end, _)) = message.char_indices().find(|(at, _)| *at >= MAX_MESSAGE) {
        message.truncate(end);
        message.push('…');
    }
    message
}

/// `& " < >` as entities; single quotes stay.
fn html_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => encoded.push_str("&amp;"),
            '"' => encoded.push_str("&quot;"),
            '<' => encoded.push_str("&lt;"),
            '>' => encoded.push_str("&gt;"),
            other => encoded.push(other),
        }
    }
    encoded
}

impl From<Denial> for ApiError {
    fn from(denial: Denial) -> Self {
        let status = match &denial {
            Denial::TokenExpired | Denial::TokenInvalid { .. } | Denial::BasicMismatch => {
                StatusCode::UNAUTHORIZED
            }
            Denial::UnknownApiKey | Denial::NotAuthenticated => StatusCode::UNAUTHORIZED,
            Denial::TokenBlacklisted | Denial::AppInactive | Denial::RoleNotFound | Denial::RoleInactive => {
                StatusCode::FORBIDDEN
            }
            Denial::ComponentForbidden { .. } | Denial::ServiceForbidden { .. } => StatusCode::FORBIDDEN,
            Denial::NoCredentials | Denial::NoApiKey | Denial::NoSessionToken => StatusCode::BAD_REQUEST,
            Denial::LoginThrottled { .. } => StatusCode::TOO_MANY_REQUESTS,
            Denial::LoginUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        };
        let error = Self::new(status, denial.to_string());
        if let Denial::LoginThrottled { retry_after } = denial { error.retry_in(retry_after) } else { error }
    }
}

impl From<SessionError> for ApiError {
    fn from(session: SessionError) -> Self {
        let status = match &session {
            SessionError::MissingEmail | SessionError::MissingPassword => StatusCode::BAD_REQUEST,
            SessionError::InvalidCredentials
            | SessionError::NoSession
            | SessionError::RefreshFailed { .. } => StatusCode::UNAUTHORIZED,
            SessionError::Throttled { .. } => StatusCode::TOO_MANY_REQUESTS,
            SessionError::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        };
        let error = Self::new(status, session.to_string());
        if let SessionError::Throttled { retry_after } = session {
            error.retry_in(retry_after)
        } else {
            error
        }
    }
}

impl From<request::Error> for ApiError {
    fn from(error: request::Error) -> Self {
        let context =
            json!({ "parameter": error.parameter, "position": error.position, "expected": error.expected });
        let api = Self::new(StatusCode::BAD_REQUEST, error.message);
        if error.parameter.is_empty() { api } else { api.with_context(context) }
    }
}

impl From<request::body::Error> for ApiError {
    fn from(error: request::body::Error) -> Self {
        let status = match &error {
            request::body::Error::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            _ => StatusCode::BAD_REQUEST,
        };
        Self::new(status, error.to_string())
    }
}

impl From<cursor::Fault> for ApiError {
    fn from(fault: cursor::Fault) -> Self {
        Self::new(StatusCode::BAD_REQUEST, fault.to_string())
            .with_context(json!({ "parameter": "cursor", "position": null }))
    }
}

impl From<plan::Error> for ApiError {
    fn from(error: plan::Error) -> Self {
        let message = error.to_string();
        match error {
            plan::Error::Invalid { parameter: "", .. } => Self::new(StatusCode::BAD_REQUEST, message),
            plan::Error::Invalid { parameter, position, .. } => Self::new(StatusCode::BAD_REQUEST, message)
                .with_context(json!({ "parameter": parameter, "position": position })),
            // Which rule it was is nothing that the caller may know.
            plan::Error::Rule(_) => Self::new(StatusCode::FORBIDDEN, RULE_VIOLATED),
            plan::Error::NoIdentifier => Self::new(StatusCode::INTERNAL_SERVER_ERROR, message),
            plan::Error::Unsupported { .. } => Self::new(StatusCode::NOT_IMPLEMENTED, message),
            plan::Error::TooMuch { .. } => Self::new(StatusCode::BAD_REQUEST, message),
        }
    }
}

impl ApiError {
    /// The caller's part of a connector's failure: the kind decides the status; the driver's text stays in the log.
    #[must_use]
    pub fn from_connector(error: &ConnectorError) -> Self {
        let status = match error.kind {
            ErrorKind::InvalidRequest | ErrorKind::LimitExceeded => StatusCode::BAD_REQUEST,
            ErrorKind::Unsupported => StatusCode::NOT_IMPLEMENTED,
            ErrorKind::AuthFailed => StatusCode::BAD_GATEWAY,
            ErrorKind::PermissionDenied | ErrorKind::RuleViolated => StatusCode::FORBIDDEN,
            ErrorKind::NotFound => StatusCode::NOT_FOUND,
            ErrorKind::Conflict | ErrorKind::Contention => StatusCode::CONFLICT,
            ErrorKind::Busy | ErrorKind::Unavailable | ErrorKind::Cancelled => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            ErrorKind::QuotaExhausted => StatusCode::INSUFFICIENT_STORAGE,
            ErrorKind::Timeout | ErrorKind::UnknownOutcome => StatusCode::GATEWAY_TIMEOUT,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        // Which rule it was is nothing that the caller may know.
        let message = if error.kind == ErrorKind::RuleViolated { RULE_VIOLATED } else { &error.message };
        let mut api = Self::new(status, message).of_kind(error.kind);
        if error.kind == ErrorKind::RuleViolated {
            return api;
        }
        if let Some(sqlstate) = &error.sqlstate {
            api.code = Code::SqlState(sqlstate.clone());
        }
        if let Some(context) = connector_context(error) {
            api = api.with_context(context);
        }
        if error.is_temporary { api.retry_in(SOON) } else { api }
    }
}

/// What a connector says of a failure beside its message: `kind` always, constraint and columns where they are known.
fn connector_context(error: &ConnectorError) -> Option<Json> {
    let mut context = json!({ "kind": error.reason.as_ref()? });
    let violation = error.violation.as_deref().cloned().unwrap_or_default();
    let members = context.as_object_mut()?;
    if let Some(constraint) = violation.constraint {
        members.insert("constraint".to_owned(), Json::from(constraint));
    }
    if !violation.columns.is_empty() {
        members.insert("columns".to_owned(), Json::from(violation.columns));
    }
    Some(context)
}

#[cfg(test)]
mod tests;
