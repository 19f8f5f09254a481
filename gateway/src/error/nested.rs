//! Errors of records inside records and of other services: of several parts the first that failed is the cause, and the caller hears which relationship it was.

use connector_api::ErrorKind;
use serde_json::Value as Json;

use super::{ApiError, Context, Entry, shortened};

impl ApiError {
    /// The same as the failure of a record's related records: `what` says of which kind. The status stays where it is about who asks,
    /// about the server, or about others who write at the same time; otherwise the record is to blame.
    #[must_use]
    pub fn of_related(self, what: &str) -> Self {
        let cause = self.cause();
        let is_contention = cause.kind == Some(ErrorKind::Contention);
        let is_kept = cause.is_denial() || is_contention || cause.status.is_server_error();
        let mut error = if is_kept { cause } else { cause.of_record() };
        // A missing row or table of another one is no reason to look at this one again.
        error.kind = error.kind.filter(|kind| *kind != ErrorKind::NotFound);
        error.message = shortened(format!("{what}\n{}", error.message));
        error
    }

    /// The same with the name of the service, for who asked another one: whatever failed there, it says where.
    #[must_use]
    pub fn of_other_service(mut self, name: &str) -> Self {
        if self.status.is_server_error() && !self.message.contains(&format!("'{name}'")) {
            self.message = shortened(format!("Service '{name}': {}", self.message));
        }
        self
    }

    /// Whether it is about the whole request rather than about one record of it: who asks, or the server.
    #[must_use]
    pub fn is_of_request(&self) -> bool {
        (self.is_denial() && self.kind.is_none()) || self.status.is_server_error()
    }

    /// Of several parts the failure of the first that failed.
    fn cause(self) -> Self {
        let Some(Context::Parts(parts)) = self.context.as_deref() else { return self };
        let failed = parts.entries.iter().find_map(|entry| match entry {
            Entry::Record(error) | Entry::Operation(error) => Some(ApiError::clone(error)),
            Entry::Done(_) => None,
        });
        failed.map_or(self, |error| error.cause())
    }

    /// What the parts left that did well, of an error of parts.
    #[must_use]
    pub fn done_parts(&self) -> Vec<Json> {
        let Some(Context::Parts(parts)) = self.context.as_deref() else { return Vec::new() };
        let done = parts.entries.iter().map(|entry| match entry {
            Entry::Done(row) => row.clone(),
            Entry::Record(_) | Entry::Operation(_) => Json::Null,
        });
        done.collect()
    }

    /// The same with what was done and could not be undone: `left` names rows with their service and table.
    #[must_use]
    pub fn with_left(self, left: Vec<Json>) -> Self {
        let text = |entry: &Json, name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        let place = |it: &Json| format!("'{}' of the service '{}'", text(it, "table"), text(it, "service"));
        let mut places: Vec<String> = left.iter().map(place).collect();
        places.dedup();
        let mut error = Self::not_undone(&self.message, places.join(" and of "));
        error.message = shortened(error.message);
        error.context = self.context;
        error.of_kind(ErrorKind::UnknownOutcome).with_member("not_undone", left.into())
    }
}
