//! Pages of other origins: what browsers are told before and after they send a request, and what they are not.

use serde_json::json;

use crate::client::{Answer, Request, get, request};
use crate::gateway::{Gateway, eventually};
use crate::logs::lines;
use crate::process::{RELOADED, reload};
use crate::shop::{READER, log_in, reading, setup, shared};

const APP: &str = "https://app.example.com";
const ORDERS: &str = "/api/v2/shop/_table/orders";

fn started(entries: &str) -> Gateway {
    setup(entries).start()
}

/// What a browser asks before a page may send this.
fn preflight(path: &str, origin: &str, method: &str) -> Request {
    request("OPTIONS", path).header("Origin", origin).header("Access-Control-Request-Method", method)
}

/// The answer's headers that browsers read, and `Vary`, in their order.
#[track_caller]
fn told(answer: &Answer, expected: &[(&str, &str)]) {
    let is_for_pages = |name: &str| name.starts_with("access-control-") || name == "vary";
    let headers = answer.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap()));
    let mut found: Vec<_> = headers.filter(|(name, _)| is_for_pages(name)).collect();
    found.sort_unstable();
    assert_eq!(found, expected, "{answer:?}");
}

const OWN_VARY: (&str, &str) = ("vary", "accept, accept-encoding");
const EXPOSED: (&str, &str) = (
    "access-control-expose-headers",
    "content-disposition,etag,idempotency-replayed,retry-after,server-timing,x-request-id,x-total-count",
);

#[test]
fn without_an_entry_browsers_are_told_nothing() {
    let gateway = shared();
    told(&gateway.send(reading("shop/_table/orders").header("Origin", APP)), &[OWN_VARY]);
    let refused = gateway.send(preflight(ORDERS, APP, "GET"));
    assert_eq!(refused.status, 405);
    gateway
        .log
        .find(&format!("no entry of [[cors]] has this origin for this path origin=\"{APP}\""))
        .unwrap();
    told(&refused, &[OWN_VARY]);
}

#[test]
fn a_preflight_is_answered_without_a_key() {
    let gateway = started(&format!("[[cors]]\norigins = [\"{APP}\"]\n"));
    let asked = preflight(ORDERS, APP, "DELETE")
        .header("Access-Control-Request-Headers", "x-dreamfactory-api-key,x-http-method");
    let answer = gateway.send(asked);
    answer.is(204, "");
    told(
        &answer,
        &[
            ("access-control-allow-headers", "x-dreamfactory-api-key,x-http-method"),
            ("access-control-allow-methods", "GET,POST,PUT,PATCH,DELETE"),
            ("access-control-allow-origin", APP),
            ("access-control-max-age", "3600"),
            ("vary", "origin"),
        ],
    );
}

#[test]
fn a_preflight_is_in_the_access_log_as_every_request() {
    let entry =
        format!("[logging]\naccess = true\nformat = \"json\"\n[[cors]]\npath = \"*\"\norigins = [\"{APP}\"]");
    let gateway = started(&entry);
    // Nobody sees who asks for these.
    for probe in ["/health", "/ready", "/metrics"] {
        assert_eq!(gateway.send(preflight(probe, APP, "GET")).status, 204, "{probe}");
    }
    let ids = [APP, "https://evil.example.com"].map(|origin| {
        let answer = gateway.send(preflight(ORDERS, origin, "GET"));
        answer.header("x-request-id").to_owned()
    });
    eventually("both are logged", || lines(&gateway, "access").len() == 2);
    for line in lines(&gateway, "access") {
        let seen = (&line["method"], &line["path"], &line["status"], &line["client"]);
        assert_eq!(seen, (&json!("OPTIONS"), &json!(ORDERS), &json!(204), &json!("127.0.0.1")));
        assert!(ids.iter().any(|id| line["request_id"] == id.as_str()), "{line} {ids:?}");
    }
}

#[test]
fn a_preflight_is_held_to_the_limits_of_heads_and_does_not_fill_the_log() {
    for entry in ["", "[[cors]]\npath = \"*\"\norigins = [\"https://app.example.com\"]\n"] {
        let gateway = started(entry);
        let of_origin = |size| gateway.send(preflight(ORDERS, &"x".repeat(size), "GET"));
        assert_eq!(of_origin(100_000).status, 431, "{entry}");
        let long = format!("/{}", "x".repeat(40_000));
        assert_eq!(gateway.send(preflight(&long, APP, "GET")).status, 414, "{entry}");
        // The next is not too large, and told to the log.
        of_origin(50_000);
        gateway.log.find("a page may not call").unwrap();
        let log = gateway.log.text();
        let told: Vec<_> = log.lines().filter(|line| line.contains("a page may not call")).collect();
        assert!(told.len() == 1 && told[0].len() < 1_000, "{entry}: {} lines", told.len());
    }
}

#[test]
fn what_an_entry_says_is_what_browsers_are_told() {
    let gateway = started(
        "[[cors]]\norigins = [\"https://*.example.com\"]\nmethods = [\"GET\", \"PATCH\"]\nheaders = [\"X-DreamFactory-API-Key\"]\n\
         exposed_headers = [\"ETag\"]\ncredentials = true\nmax_age = \"5m\"\n",
    );
    let credentials = ("access-control-allow-credentials", "true");
    let origin = ("access-control-allow-origin", APP);
    told(
        &gateway.send(preflight(ORDERS, APP, "PATCH").header("Access-Control-Request-Headers", "x-other")),
        &[
            credentials,
            ("access-control-allow-headers", "x-dreamfactory-api-key"),
            ("access-control-allow-methods", "GET,PATCH"),
            origin,
            ("access-control-max-age", "300"),
            ("vary", "origin"),
        ],
    );
    told(
        &gateway.send(reading("shop/_table/orders").header("Origin", APP)),
        &[credentials, origin, ("access-control-expose-headers", "etag"), OWN_VARY, ("vary", "origin")],
    );
}

#[test]
fn an_origin_that_is_not_listed_is_not_let_in_and_told_in_the_log() {
    let gateway = started(&format!("[[cors]]\norigins = [\"{APP}\"]\n"));
    for origin in ["https://evil.test", "http://app.example.com", "https://app.example.com.evil.test", "null"]
    {
        let answer = gateway.send(preflight(ORDERS, origin, "GET"));
        assert_eq!((answer.status, answer.header("access-control-allow-origin")), (204, ""), "{origin}");
        let line = format!(
            "a page may not call: no entry of [[cors]] has this origin for this path origin=\"{origin}\" path=\"{ORDERS}\""
        );
        gateway.log.find(&line).unwrap();
        // The request itself is answered as ever: it is the browser that keeps the page from reading it.
        let answer = gateway.send(reading("shop/_table/orders?count_only=1").header("Origin", origin));
        answer.is_ok("5");
        assert_eq!(answer.header("access-control-allow-origin"), "", "{origin}");
    }
    // So that a cache keeps nothing of it for others.
    told(&gateway.send(reading("shop/_table/orders")), &[EXPOSED, OWN_VARY, ("vary", "origin")]);
}

#[test]
fn every_page_may_call_where_every_origin_is_listed() {
    let gateway = started("[[cors]]\norigins = [\"*\"]\n");
    let any = ("access-control-allow-origin", "*");
    told(
        &gateway.send(reading("shop/_table/orders").header("Origin", APP)),
        &[any, EXPOSED, OWN_VARY, ("vary", "origin")],
    );
}

#[test]
fn errors_can_be_read_by_pages_too() {
    let setup = setup(&format!("[[cors]]\norigins = [\"{APP}\"]\n"));
    std::fs::remove_file(setup.path("shop.sqlite")).unwrap();
    let gateway = setup.start();
    let check = |asked: Request, status: u16| {
        let answer = gateway.send(asked.header("Origin", APP));
        assert_eq!(
            (answer.status, answer.header("access-control-allow-origin")),
            (status, APP),
            "{answer:?}"
        );
    };
    check(get(ORDERS), 400);
    check(request("DELETE", ORDERS).key(READER), 401);
    check(reading("mem/_table/nope"), 404);
    check(get("/nowhere"), 404);
    check(reading(&format!("shop/_table/orders?filter={}", "x".repeat(40_000))), 414);
    check(reading("shop/_table/orders"), 503);
    check(get("/ready"), 503);
}

#[test]
fn a_tunnelled_method_and_a_conditional_read_work_from_a_page() {
    let gateway = started(&format!("[[cors]]\norigins = [\"{APP}\"]\n"));
    let tunnelled = request("POST", ORDERS).key(READER).header("Origin", APP).header("X-HTTP-Method", "GET");
    let answer = gateway.send(tunnelled.body(r#"{"resource":[{"id":1}]}"#));
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, APP), "{answer:?}");
    let row = || reading("shop/_table/orders/1").header("Origin", APP);
    let tag = gateway.send(row()).header("etag").to_owned();
    let held = gateway.send(row().header("If-None-Match", &tag));
    assert_eq!(
        (held.status, held.header("etag"), held.header("access-control-allow-origin")),
        (304, tag.as_str(), APP)
    );
}

#[test]
fn the_longest_path_decides() {
    let gateway = started(
        "[[cors]]\norigins = [\"https://all.example\"]\n[[cors]]\npath = \"api/v2/shop/*\"\norigins = [\"https://shop.example\"]\n",
    );
    let check = |path: &str, origin: &str, is_let_in: bool| {
        let answer = gateway.send(preflight(path, origin, "GET"));
        assert_eq!(answer.header("access-control-allow-origin") == origin, is_let_in, "{path} {origin}");
    };
    for path in ["/api/v2/mem/_table/people", "/api/v2", "/health"] {
        check(path, "https://all.example", true);
        check(path, "https://shop.example", false);
    }
    for path in [ORDERS, "/api/v2/shop", "/api/SHOP/_table/orders", "/api/v2//sh%6fp/_schema"] {
        check(path, "https://all.example", false);
        check(path, "https://shop.example", true);
    }
}

#[test]
fn a_login_from_a_page_works() {
    let gateway = started(&format!("[[cors]]\npath = \"api/v2/system/*\"\norigins = [\"{APP}\"]\n"));
    let token = log_in(&gateway);
    let session = get("/api/v2/system/admin/session").token(&token).header("Origin", APP);
    let answer = gateway.send(session);
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, APP));
    assert_eq!(
        gateway
            .send(reading("shop/_table/orders").header("Origin", APP))
            .header("access-control-allow-origin"),
        ""
    );
}

#[test]
fn a_reload_changes_who_may_call() {
    let gateway = started("");
    let allowed = || {
        gateway.send(reading("shop").header("Origin", APP)).header("access-control-allow-origin").to_owned()
    };
    assert_eq!(allowed(), "");
    gateway.setup.write("services.d/pages.toml", &format!("[[cors]]\norigins = [\"{APP}\"]\n"));
    reload(&gateway, RELOADED);
    assert_eq!(allowed(), APP);
    std::fs::remove_file(gateway.setup.path("services.d/pages.toml")).unwrap();
    reload(&gateway, RELOADED);
    assert_eq!(allowed(), "");
}
