//! What is refused before it is a request: heads that are too large, bytes that are no HTTP, connections that are too many.

use axum::http::{HeaderName, HeaderValue, Request};
use serde_json::json;

use super::answer::FOR_BROWSERS;
use crate::error::ApiError;
use crate::settings::Server;

/// The most headers of a request. The HTTP library's own number, for which it has room without asking for memory.
const MAX_HEADERS: usize = 100;

/// The longest address that the HTTP library reads, in bytes.
const LONGEST_URI: u64 = 65_534;

/// Refuses heads that are larger than the settings allow, and names what is large.
///
/// # Errors
/// A long address, much in headers.
pub(super) fn check_head<B>(request: &Request<B>, server: &Server) -> Result<(), ApiError> {
    let uri = request.uri().path_and_query().map_or(0, |text| text.as_str().len());
    if bytes(uri) > server.max_uri_size.bytes() {
        return Err(ApiError::uri_too_long(server.max_uri_size.bytes()));
    }
    let headers: usize = request.headers().iter().map(size).sum();
    if bytes(uri.saturating_add(headers)) <= server.max_header_size.bytes() {
        return Ok(());
    }
    let largest = request.headers().iter().max_by_key(|header| size(*header));
    let name = largest.map_or("", |(name, _)| name.as_str());
    Err(ApiError::headers_too_large(server.max_header_size.bytes(), name))
}

fn bytes(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}

/// As a line, with what stands between and behind.
fn size((name, value): (&HeaderName, &HeaderValue)) -> usize {
    name.as_str().len().saturating_add(value.len()).saturating_add(4)
}

/// Answers to bytes that never become a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Refusals {
    max_uri_size: u64,
    max_header_size: u64,
}

impl Refusals {
    pub(super) fn new(server: &Server) -> Self {
        let max_uri_size = server.max_uri_size.bytes().min(LONGEST_URI);
        Self { max_uri_size, max_header_size: server.max_header_size.bytes() }
    }

    /// So many bytes of a head are read at most, for the HTTP library. Of one that is a little too large it is told what is large in it.
    pub(super) fn most_read(&self) -> usize {
        usize::try_from(self.max_header_size.saturating_mul(2)).unwrap_or(usize::MAX)
    }

    /// In place of the bare head with which the HTTP library refuses what it can't read, the same with a body. `has_line`: the first line
    /// came to its end.
    pub(super) fn instead_of(&self, bare: &[u8], has_line: bool) -> Vec<u8> {
        let limits = (self.max_uri_size, self.max_header_size, MAX_HEADERS);
        let status = bare.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
        let error = ApiError::unreadable(status, limits);
        // Nothing but an address is that long.
        let error =
            if has_line || !error.is_of_head() { error } else { ApiError::uri_too_long(self.max_uri_size) };
        last_words(&error)
    }
}

/// An error as all that is sent before the connection ends.
pub(super) fn last_words(error: &ApiError) -> Vec<u8> {
    let body = json!({ "error": error.object(false) }).to_string();
    let for_browsers: String =
        FOR_BROWSERS.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let retry = error.retry_after.map(|wait| format!("retry-after: {}\r\n", wait.as_secs().max(1)));
    format!(
        "HTTP/1.1 {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\ncache-control: no-cache, private\r\n\
         {for_browsers}{}connection: close\r\n\r\n{body}",
        error.status,
        body.len(),
        retry.unwrap_or_default(),
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::ByteSize;

    fn server() -> Server {
        let kibibyte = ByteSize::from_kibibytes(1);
        Server { max_uri_size: kibibyte, max_header_size: kibibyte, ..Server::default() }
    }

    #[test]
    fn a_head_may_have_as_many_bytes_as_the_settings_say() {
        let check = |path: usize, value: usize, expected: Result<(), ApiError>| {
            let request = Request::builder().uri(format!("/{}", "p".repeat(path - 1)));
            let request = request.header("a", "b").header("large", "v".repeat(value)).body(());
            assert_eq!(check_head(&request.unwrap(), &server()), expected, "{path} {value}");
        };
        // Both names, the other value and what stands between.
        let around = 1 + 1 + 4 + 5 + 4;
        check(24, 1000 - around, Ok(()));
        check(24, 1001 - around, Err(ApiError::headers_too_large(1024, "large")));
        check(1024, 1, Err(ApiError::headers_too_large(1024, "large")));
        check(1025, 1, Err(ApiError::uri_too_long(1024)));
    }

    #[test]
    fn a_limit_that_is_never_reached_is_not_named() {
        let generous = Server { max_uri_size: ByteSize::from_mebibytes(1), ..Server::default() };
        let answer = Refusals::new(&generous).instead_of(b"HTTP/1.1 414 URI Too Long\r\n\r\n", true);
        assert!(String::from_utf8(answer).unwrap().contains("65534"));
    }

    #[test]
    fn a_bare_refusal_gets_a_body_that_says_why() {
        let refusals = Refusals::new(&server());
        let check = |status: &str, has_line: bool, expected: &ApiError| {
            let answer = refusals.instead_of(format!("HTTP/1.1 {status}\r\n\r\n").as_bytes(), has_line);
            let answer = String::from_utf8(answer).unwrap();
            let body = json!({ "error": expected.object(true) }).to_string();
            assert!(answer.starts_with(&format!("HTTP/1.1 {}", expected.status)), "{answer}");
            assert!(answer.ends_with(&format!("connection: close\r\n\r\n{body}")), "{answer}");
            assert!(answer.contains(&format!("content-length: {}\r\n", body.len())), "{answer}");
        };
        check("400 Bad Request", true, &ApiError::malformed_request());
        check("400 Bad Request", false, &ApiError::malformed_request());
        check("414 URI Too Long", true, &ApiError::uri_too_long(1024));
        check("431 Request Header Fields Too Large", true, &ApiError::head_too_large(1024, 100));
        check("431 Request Header Fields Too Large", false, &ApiError::uri_too_long(1024));
    }
}
