//! The id under which a request stands in the log and which its answer carries.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::HeaderMap;

use crate::trail::Trail;

/// The longest id taken over from a caller.
const MAX_LENGTH: usize = 64;

/// Told apart from those of other nodes and of earlier runs by their first part.
static RUN: LazyLock<u32> = LazyLock::new(|| {
    let random: Result<ring::rand::Random<[u8; 4]>, _> =
        ring::rand::generate(&ring::rand::SystemRandom::new());
    random.map_or(0, |random| u32::from_le_bytes(random.expose()))
});
static COUNT: AtomicU64 = AtomicU64::new(0);

/// The caller's own `X-Request-Id`, when it is harmless to write into a log, else a new one.
pub(super) fn of(headers: &HeaderMap) -> Arc<Trail> {
    let given =
        headers.get("x-request-id").and_then(|value| value.to_str().ok()).filter(|id| is_harmless(id));
    Arc::new(given.map_or_else(new, Trail::from))
}

fn is_harmless(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= MAX_LENGTH
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':'))
}

fn new() -> Trail {
    let mut id = String::with_capacity(24);
    // Writing into memory can't fail.
    let _ = write!(id, "{:08x}-{:x}", *RUN, COUNT.fetch_add(1, Ordering::Relaxed));
    Trail::new(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_harmless_id_is_kept_and_another_replaced() {
        let check = |given: &str, is_kept: bool| {
            let mut headers = HeaderMap::new();
            headers.insert("x-request-id", given.parse().unwrap());
            assert_eq!(&**of(&headers) == given, is_kept, "{given}");
        };
        check("trace-1.2:3_4", true);
        check("a b", false);
        check(&"x".repeat(65), false);
        assert_ne!(&**of(&HeaderMap::new()), &**of(&HeaderMap::new()));
    }
}
