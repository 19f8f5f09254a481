//! All that the gateway says in its log about its own work: one function each, so that what may be logged is decided here. Never a
//! secret, never a bound value.

use std::borrow::Cow;
use std::time::Duration;

use connector_api::ErrorKind;

use crate::telemetry::{ACCESS_TARGET, QUERY_TARGET, SLOW_TARGET, slow_statement};

/// As they are logged: to the microsecond.
fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1_000_000.0).round() / 1000.0
}

/// Whether anybody listens to [`statement`].
pub(crate) fn logs_statements() -> bool {
    tracing::enabled!(target: QUERY_TARGET, tracing::Level::INFO)
}

/// Whether the text of a statement is needed at all.
pub(crate) fn wants_statements() -> bool {
    logs_statements() || slow_statement().is_some()
}

/// A statement was run. `statement` has placeholders; a connector that has no statements gives none.
pub(crate) fn statement(service: &str, request_id: &str, statement: Option<&str>, took: Duration, rows: u64) {
    let statement = statement.unwrap_or("(no text)");
    let milliseconds = milliseconds(took);
    tracing::info!(target: QUERY_TARGET, service, request_id, statement, milliseconds, rows, "statement");
    if slow_statement().is_some_and(|limit| took >= limit) {
        tracing::warn!(target: SLOW_TARGET, service, request_id, statement, milliseconds, rows, "slow statement");
    }
}

/// Whether anybody listens to [`visit`].
pub(crate) fn logs_access() -> bool {
    tracing::enabled!(target: ACCESS_TARGET, tracing::Level::INFO)
}

/// What the access log says of a request.
pub(crate) struct Visit<'a> {
    /// Where it came from, as far as that is known.
    pub(crate) client: &'a str,
    pub(crate) method: &'a str,
    /// Without the query, and without what stands for a row.
    pub(crate) path: &'a str,
    pub(crate) status: u16,
    /// Bytes of the answer's body that were sent.
    pub(crate) bytes: u64,
    /// The body was sent to its end.
    pub(crate) is_whole: bool,
    /// Until the last byte of the answer.
    pub(crate) took: Duration,
    pub(crate) user_agent: &'a str,
}

/// A request is over: its answer was sent, or its client is gone.
pub(crate) fn visit(request_id: &str, visit: &Visit<'_>) {
    let Visit { client, method, path, status, bytes, is_whole, took, user_agent } = visit;
    let milliseconds = milliseconds(*took);
    tracing::info!(
        target: ACCESS_TARGET,
        request_id,
        client,
        method,
        path,
        status,
        bytes,
        is_whole,
        milliseconds,
        user_agent,
        "access"
    );
}

/// Spans did not reach the collector, or do so again.
pub(crate) fn traces_sent(problem: Option<&str>) {
    match problem {
        Some(problem) => {
            tracing::warn!(target: "tablegate::traces", problem, "traces do not reach their collector")
        }
        None => tracing::info!(target: "tablegate::traces", "traces reach their collector again"),
    }
}

/// A request was answered. `path` is asked for only where somebody listens.
pub(crate) fn answered(
    request_id: &str,
    method: &str,
    path: impl FnOnce() -> Cow<'static, str>,
    status: u16,
    took: Duration,
) {
    tracing::info!(target: "tablegate::http", request_id, method, path = &*path(), status, milliseconds = milliseconds(took), "answered");
}

/// An answer was cut off after its beginning had been sent.
pub(crate) fn cut_off(request_id: &str, error: &crate::error::ApiError) {
    tracing::warn!(target: "tablegate::http", request_id, status = error.status.as_u16(), message = %error.message, "an answer was cut off");
}

/// There are as many connections as there may be, so others wait.
pub(crate) fn connections_full(most: usize) {
    tracing::warn!(target: "tablegate::http", most, "as many connections are open as server.max_connections allows; further clients wait");
}

/// An address has as many connections as it may have, so another one was refused.
pub(crate) fn connection_refused(address: std::net::IpAddr, most: usize) {
    tracing::debug!(target: "tablegate::http", %address, most, "an address has as many connections as server.max_connections_per_address allows");
}

/// A client and the gateway did not come to terms about TLS, or it went away.
pub(crate) fn handshake_failed(address: std::net::IpAddr, error: &std::io::Error) {
    tracing::debug!(target: "tablegate::http", %address, %error, "a TLS handshake failed");
}

/// The certificate ends soon.
pub(crate) fn certificate_ends(days: u64) {
    tracing::warn!(target: "tablegate::http", days, "the certificate of server.tls expires soon; put a new one there and reload with `kill -HUP`");
}

/// A browser asked whether a page may call, and it may not. Both are asked for only where somebody listens.
pub(crate) fn page_refused(origin: impl FnOnce() -> String, path: impl FnOnce() -> Cow<'static, str>) {
    tracing::info!(target: "tablegate::http", origin = ?origin(), path = &*path(), "a page may not call: no entry of [[cors]] has this origin for this path");
}

/// The gateway ends although something still runs.
pub(crate) fn drained_too_long() {
    tracing::warn!(target: "tablegate::http", "requests were still running at the end of the time to drain");
}

/// A client was given up that did not take its answer before the time for all of a request was over.
pub(crate) fn lasted_too_long() {
    tracing::warn!(target: "tablegate::http", "a client did not take its answer within server.max_request_time, so it was cut off");
}

/// A row rule of a role can't be held on a table, so nobody with that role reaches its rows. `problem` names fields, never values.
pub(crate) fn rule_unfit(service: &str, request_id: &str, problem: &str) {
    tracing::warn!(target: "tablegate::roles", service, request_id, problem, "a row rule does not fit its table");
}

/// A key that the configuration declares does not fit its table, which is served without it.
pub(crate) fn key_unfit(service: &str, request_id: &str, problem: &str) {
    tracing::warn!(target: "tablegate::services", service, request_id, problem, "a declared key does not fit its table");
}

/// An alias or a function of a field does not fit its table: it is left out, or the field hidden.
pub(crate) fn alias_unfit(service: &str, request_id: &str, problem: &str) {
    tracing::warn!(target: "tablegate::services", service, request_id, problem, "an alias or function does not fit its table");
}

/// A virtual relationship leads nowhere, so the table is served without it.
pub(crate) fn relationship_unfit(service: &str, table: &str, name: &str) {
    tracing::warn!(target: "tablegate::services", service, table, name, "a virtual relationship names a table or field that is not there");
}

/// Extras of a table could not be stored.
pub(crate) fn extras_unwritten(service: &str, request_id: &str, problem: &str) {
    tracing::error!(target: "tablegate::services", service, request_id, problem, "extras can't be stored");
}

/// A connector failed; its own text stands here and nowhere else. What the caller did wrong is no news to whoever runs the gateway.
pub(crate) fn connector_failed(service: &str, request_id: &str, error: &connector_api::Error) {
    // What the author of a routine tells the caller may be made of values.
    let is_raised = error.reason.as_deref() == Some("raised");
    let message = if is_raised { "the routine raised an error" } else { &error.message };
    macro_rules! log {
        ($level:ident) => {
            tracing::$level!(
                target: "tablegate::connector",
                service,
                request_id,
                kind = ?error.kind,
                message,
                reason = error.reason.as_deref(),
                native_code = error.native_code.as_deref(),
                sqlstate = error.sqlstate.as_deref(),
                detail = error.detail.as_deref(),
                "a connector failed"
            )
        };
    }
    if is_callers(error.kind) { log!(debug) } else { log!(warn) }
}

/// Whether failures of this kind come from what was asked.
fn is_callers(kind: ErrorKind) -> bool {
    use ErrorKind::{Conflict, InvalidRequest, LimitExceeded, NotFound, RuleViolated, Unsupported};
    matches!(kind, InvalidRequest | Unsupported | LimitExceeded | RuleViolated | NotFound | Conflict)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_logged_to_the_microsecond() {
        for (nanoseconds, logged) in [(502_889, 0.503), (1_277_000, 1.277), (400, 0.0)] {
            assert_eq!(milliseconds(Duration::from_nanos(nanoseconds)).to_string(), logged.to_string());
        }
    }
}
