//! Failures that every server of a database may cause, in one wording for all connectors: it is gone, it is slow, a transaction is over.
//! What a server's own numbers of errors mean is its connector's matter.

use std::time::Duration;

use connector_api::author::{Error, ErrorKind, Result};

/// So long a server may take to say that it is there.
const PING_TIME: Duration = Duration::from_secs(3);

const NO_ANSWER: &str = "connect_timeout";

/// The connection broke, or there was none.
#[must_use]
pub fn connection_lost() -> Error {
    Error::new(ErrorKind::Unavailable, "the connection to the database server failed")
        .with_reason("connection_lost")
        .with_sqlstate("08006")
}

/// Nothing came of a connection in the time for it.
#[must_use]
pub fn no_answer() -> Error {
    Error::new(ErrorKind::Unavailable, "the database server did not answer in time")
        .with_reason(NO_ANSWER)
        .with_sqlstate("08001")
}

/// No encrypted connection could be made, or not with the right server.
#[must_use]
pub fn tls_failed() -> Error {
    Error::new(ErrorKind::Unavailable, "no encrypted connection to the database server could be made")
        .with_reason("tls_failed")
        .with_sqlstate("08001")
        .temporary(false)
}

/// The server asks for a login that the connector does not know.
#[must_use]
pub fn unknown_login() -> Error {
    Error::new(ErrorKind::AuthFailed, "the database server asks for another kind of login")
        .with_reason("auth_failed")
        .with_sqlstate("28000")
}

/// The server does not take what the configuration asks for on each connection, so there is none. No caller can mend that.
#[must_use]
pub fn configuration_refused(error: Error, what: &str) -> Error {
    if is_lost(&error) {
        return error;
    }
    let message = format!("the database server refuses {what} of the configuration");
    Error { kind: ErrorKind::Unavailable, message, ..error }
        .with_reason("configuration_refused")
        .temporary(false)
}

/// No answer came to a write that stands alone, or to a commit.
#[must_use]
pub fn unknown_outcome(error: &Error) -> Error {
    Error::new(
        ErrorKind::UnknownOutcome,
        "the connection broke before the database answered; the write may have happened or not",
    )
    .with_reason("unknown_outcome")
    .with_sqlstate("08007")
    .with_detail(error.detail.as_deref().unwrap_or_default())
}

/// What an error of a write that stands alone means: when no answer came, nobody knows.
#[must_use]
pub fn doubtful(error: Error) -> Error {
    if error.kind == ErrorKind::Unavailable { unknown_outcome(&error) } else { error }
}

/// The configuration's own limit for statements.
#[must_use]
pub fn too_slow() -> Error {
    Error::new(ErrorKind::Timeout, "the database did not answer within 'statement_timeout'")
        .with_reason("statement_timeout")
        .with_sqlstate("57014")
}

/// A transaction that is not there any more.
#[must_use]
pub fn session_lost() -> Error {
    Error::new(
        ErrorKind::Cancelled,
        "the transaction is over: it was ended, idle for too long, failed, or a call in it was given up",
    )
    .with_reason("session_lost")
    .with_sqlstate("25P01")
}

/// Whether the connection is of no more use: the server has ended it, or nobody knows what runs on it.
#[must_use]
pub fn is_lost(error: &Error) -> bool {
    matches!(error.kind, ErrorKind::Unavailable | ErrorKind::UnknownOutcome)
}

/// Whether what left nothing behind may be done again on another connection. Who has waited long already does not wait as long again.
#[must_use]
pub fn is_worth_another_try(error: &Error) -> bool {
    let is_brief = error.reason.as_deref() != Some(NO_ANSWER);
    error.kind == ErrorKind::Unavailable && error.is_temporary && is_brief
}

/// Does what leaves nothing behind, and once more when its connection turned out to be dead.
///
/// # Errors
/// That of the last attempt.
pub async fn up_to_twice<T, F>(attempt: impl Fn() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    match attempt().await {
        Err(error) if is_worth_another_try(&error) => attempt().await,
        ended => ended,
    }
}

/// Asks whether a server is there. One that does not say so soon is not; that is an answer, too, and it must come before the gateway gives
/// the connector itself up.
///
/// # Errors
/// That of the last attempt; [`no_answer`].
pub async fn asked_briefly<F>(ask: impl Fn() -> F) -> Result<()>
where
    F: Future<Output = Result<()>>,
{
    tokio::time::timeout(PING_TIME, up_to_twice(ask)).await.map_err(|_| no_answer())?
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    async fn check(error: Error, attempts: u32) {
        let made = Cell::new(0);
        let ended = up_to_twice(|| {
            made.set(made.get() + 1);
            std::future::ready(Err::<(), Error>(error.clone()))
        });
        assert_eq!(ended.await.unwrap_err().reason, error.reason);
        assert_eq!(made.get(), attempts, "{:?}", error.reason);
    }

    #[tokio::test]
    async fn only_a_dead_connection_is_worth_another_try() {
        check(connection_lost(), 2).await;
        check(no_answer(), 1).await;
        check(tls_failed(), 1).await;
        check(too_slow(), 1).await;
        check(unknown_outcome(&connection_lost()), 1).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_hangs_is_not_there() {
        let asked = asked_briefly(std::future::pending).await;
        assert_eq!(asked.unwrap_err().reason.as_deref(), Some(NO_ANSWER));
    }

    #[test]
    fn a_configuration_that_the_server_refuses_is_not_the_callers_fault() {
        let refusal = Error::new(ErrorKind::InvalidRequest, "no such zone").with_reason("datatype_mismatch");
        let error = configuration_refused(refusal, "'timezone'");
        assert_eq!((error.kind, error.is_temporary), (ErrorKind::Unavailable, false));
        assert_eq!(error.message, "the database server refuses 'timezone' of the configuration");
        let lost = configuration_refused(connection_lost(), "'timezone'");
        assert_eq!(lost.reason.as_deref(), Some("connection_lost"));
    }

    #[test]
    fn a_write_without_an_answer_is_doubtful_and_one_that_was_refused_is_not() {
        assert_eq!(doubtful(connection_lost()).kind, ErrorKind::UnknownOutcome);
        assert_eq!(doubtful(too_slow()).kind, ErrorKind::Timeout);
    }
}
