//! Small requests that would cost much: each has a bound, and the refusal names it without repeating what was sent.

use serde_json::json;

use crate::client::{Answer, get};
use crate::shop::{admin_token, shared};
use crate::stock::{SERVICES, Stock, UNTOUCHED, WRITER};

/// No refusal is longer.
const LONGEST: usize = 2_000;

#[track_caller]
fn check(answer: &Answer, status: u16, message: &str) {
    let text = answer.json()["error"]["message"].as_str().unwrap_or_default().to_owned();
    assert!(answer.body.len() < LONGEST, "{} bytes", answer.body.len());
    assert_eq!((answer.status, text.as_str()), (status, message));
}

/// `{base64_encode(base64_encode(…))}`.
fn nested(levels: usize, name: &str) -> String {
    format!("{{{}{name}{}}}", "base64_encode(".repeat(levels), ")".repeat(levels))
}

#[test]
fn lookups_have_bounds() {
    let message = "a lookup may have at most 8 functions around its name";
    let by_filter = |levels| {
        let filter = format!("note = '{}'", nested(levels, "user.email"));
        shared().send(get("/api/v2/shop/_table/people").with("filter", filter).token(admin_token()))
    };
    by_filter(8).is_ok(r#"{"resource":[]}"#);
    check(&by_filter(75), 400, message);
    let stock = Stock::new();
    for service in SERVICES {
        let record = |levels| json!({ "name": nested(levels, "app.name") }).to_string();
        check(&stock.send(WRITER, service, ("PATCH", "/1"), &record(75)), 400, message);
        assert_eq!(stock.rows(service), UNTOUCHED);
        assert_eq!(stock.send(WRITER, service, ("PATCH", "/1"), &record(3)).status, 200);
    }
}

