//! Who may do what: credentials and their failures in order, roles and which of their entries decides, the default of none.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::client::{Answer, Request, get, request};
use crate::gateway::{ADMIN, Gateway};
use crate::shop::{NO_RECORDS, NOBODY, READER, admin_token, log_in, setup, shared};

const ORDERS: &str = "/api/v2/shop/_table/orders?count_only=1";

const NO_CREDENTIALS: &str = "No session token (JWT) or API Key detected in request. Please send in X-DreamFactory-Session-Token and/or X-DreamFactory-API-Key request header. You can also use URL query parameters session_token and/or api_key.";
const UNKNOWN_KEY: &str = "Unknown API Key. Please provide a valid API Key using X-DreamFactory-API-Key request header or 'api_key' url query parameter.";
const INVALID_TOKEN: &str = "Invalid token: It belongs to no session of this server. Please re-login.";
const BLACKLISTED: &str = "The token has been blacklisted: Session terminated. Please re-login.";
const WRONG_LOGIN: &str = "Unauthorized. User credentials did not match.";
const NOT_AUTHENTICATED: &str = "Unauthorized. User is not authenticated.";
const ROLE_INACTIVE: &str = "Access Forbidden. The role assigned to you or your application or the default role of your application is not active.";
const APP_INACTIVE: &str = "App is not active.";

/// A gateway with many roles.
fn roles() -> &'static Gateway {
    static ROLES: OnceLock<Gateway> = OnceLock::new();
    ROLES.get_or_init(|| setup(include_str!("access.toml")).start())
}

fn basic(email: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{email}:{password}")))
}

#[test]
fn each_failure_has_its_text_and_the_first_one_counts() {
    let ended = log_in(roles());
    roles()
        .send(request("DELETE", "/api/v2/system/admin/session").token(&ended))
        .is_ok(r#"{"success":true}"#);
    let wrong = basic(ADMIN.0, "wrong");
    let check =
        |request: Request, status: u16, message: &str| roles().send(request).is_error(status, message);
    // The token comes before the login, both before the key, the app before its role.
    check(get(ORDERS).key("inactive").token(&ended), 403, BLACKLISTED);
    check(get(ORDERS).key("inactive").token("garbage"), 401, INVALID_TOKEN);
    check(get(ORDERS).header("Authorization", &wrong).token("garbage"), 401, INVALID_TOKEN);
    check(get(ORDERS).key("inactive").header("Authorization", &wrong), 401, WRONG_LOGIN);
    check(get(ORDERS).header("Authorization", "Basic !"), 401, WRONG_LOGIN);
    check(get(ORDERS).key("inactive"), 403, APP_INACTIVE);
    check(get(ORDERS), 400, NO_CREDENTIALS);
    check(get(ORDERS).key("unknown"), 401, UNKNOWN_KEY);
    check(get(ORDERS).key("off"), 403, ROLE_INACTIVE);
    check(get(ORDERS).key(NOBODY), 401, NOT_AUTHENTICATED);
    roles().send(get(ORDERS).key(READER)).is_ok("5");
}

#[test]
fn permission_comes_before_everything_else() {
    for path in [
        "shop",
        "shop/_table/nope",
        "nowhere",
        "nowhere/_table/x",
        "closed",
        "shop/_proc/x",
        "system/role",
        "shop/_table/orders?filter=(",
    ] {
        for verb in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let target = format!("/api/v2/{path}");
            roles().send(request(verb, &target)).is_error(400, NO_CREDENTIALS);
            roles().send(request(verb, &target).key(NOBODY)).is_error(401, NOT_AUTHENTICATED);
        }
    }
}

#[test]
fn the_key_comes_from_the_query_string_then_the_header_then_the_body() {
    let tunnelled = |key: &str| {
        let body = json!({ "api_key": key });
        request("POST", ORDERS).header("X-HTTP-Method", "GET").body(body)
    };
    roles().send(get(ORDERS).with("api_key", READER)).is_ok("5");
    roles().send(get(ORDERS).header("x-dreamfactory-api-key", READER)).is_ok("5");
    roles().send(tunnelled(READER)).is_ok("5");
    roles().send(tunnelled("unknown").key("unknown").with("api_key", READER)).is_ok("5");
    roles().send(tunnelled("unknown").key(READER)).is_ok("5");
    roles().send(tunnelled("unknown").key(READER).with("api_key", "")).is_ok("5");
    roles().send(tunnelled(READER).key("unknown")).is_error(401, UNKNOWN_KEY);
    roles().send(get(ORDERS).key(READER).with("api_key", "unknown")).is_error(401, UNKNOWN_KEY);
}

#[test]
fn the_token_comes_from_bearer_then_the_header_then_the_query_string_then_the_body() {
    let token = &log_in(roles());
    let tunnelled = |token: &str| {
        let body = json!({ "session_token": token });
        request("POST", ORDERS).header("X-HTTP-Method", "GET").body(body)
    };
    roles()
        .send(
            tunnelled("x")
                .with("session_token", "x")
                .token("x")
                .header("Authorization", format!("Bearer {token}")),
        )
        .is_ok("5");
    roles().send(tunnelled("x").with("session_token", "x").token(token)).is_ok("5");
    roles().send(tunnelled("x").with("session_token", token)).is_ok("5");
    roles().send(tunnelled(token)).is_ok("5");
    roles().send(tunnelled(token).with("session_token", "x")).is_error(401, INVALID_TOKEN);
}

#[test]
fn an_administrator_needs_no_key_and_may_log_in_with_each_request() {
    let (email, password) = ADMIN;
    roles().send(get(ORDERS).token(&log_in(roles()))).is_ok("5");
    roles().send(get(ORDERS).header("Authorization", basic(email, password))).is_ok("5");
    roles().send(get(ORDERS).header("Authorization", basic(&email.to_uppercase(), password))).is_ok("5");
    // A key beside the token takes nothing away, unless its app is switched off.
    roles().send(get(ORDERS).header("Authorization", basic(email, password)).key(NOBODY)).is_ok("5");
    roles()
        .send(get(ORDERS).header("Authorization", basic(email, password)).key("inactive"))
        .is_error(403, APP_INACTIVE);
}

/// What the key may read below `/api/v2`, and what not.
fn check(key: &str, allowed: &[&str], denied: &[&str]) {
    for path in allowed {
        let answer = roles().send(get(&format!("/api/v2/{path}")).key(key));
        assert_eq!(answer.status, 200, "{key} {path}: {}", answer.body);
    }
    for path in denied {
        roles().send(get(&format!("/api/v2/{path}")).key(key)).is_error(401, NOT_AUTHENTICATED);
    }
}

#[test]
fn an_entry_reaches_what_its_component_says() {
    check("roots", &["shop", "mem"], &["shop/_table", "mem/_schema", "shop/_table/orders"]);
    check("shop-root", &["shop", "Shop"], &["mem", "shop/_table"]);
    check(
        "one-table",
        &["shop/_table", "shop/_table/orders", "shop/_table/ORDERS"],
        &["shop", "shop/_table/orders/1", "shop/_table/people"],
    );
    check(
        "below-table",
        &["shop/_table/orders", "shop/_table/orders/1"],
        &["shop", "shop/_table", "shop/_schema/orders"],
    );
    check("all-tables", &["shop/_table", "shop/_table/people/1"], &["shop", "shop/_schema", "mem/_table"]);
    check(
        "prefix",
        &["shop/_table/orders", "shop/_table/order_items"],
        &["shop/_table/people", "shop/_table"],
    );
    check(READER, &["shop", "mem", "shop/_table/orders/1", "mem/_schema/people"], &[]);
}

#[test]
fn a_slash_inside_a_name_does_not_reach_further() {
    // The table whose name begins with `orders/` is not a row of `orders`.
    check("below-table", &[], &["shop/_table/orders%2F1", "shop/_table%2Forders", "shop%2F_table%2Forders"]);
}

#[test]
fn the_best_class_of_entries_decides_alone() {
    check("exact-over-component", &["shop/_table/people", "shop/_table/orders/1"], &["shop/_table/orders"]);
    check(
        "component-over-service",
        &["shop", "shop/_schema", "shop/_schema/orders"],
        &["shop/_table", "shop/_table/orders"],
    );
    check("service-over-all", &["mem", "mem/_table/people"], &["shop", "shop/_table/orders"]);
    check("same-class", &["shop/_table/orders"], &[]);
    check("scripts", &[], &["shop", "shop/_table/orders"]);
}

#[test]
fn each_verb_is_asked_for_by_itself() {
    let refused = |key: &str, verb: &str, status: u16, message: &str| {
        roles().send(request(verb, "/api/v2/shop/_table/orders").key(key)).is_error(status, message);
    };
    refused("same-class", "POST", 400, NO_RECORDS);
    refused("same-class", "PUT", 401, NOT_AUTHENTICATED);
    refused("same-class", "DELETE", 401, NOT_AUTHENTICATED);
    refused("exact-over-component", "POST", 400, NO_RECORDS);
    refused(READER, "PATCH", 401, NOT_AUTHENTICATED);
}

#[test]
fn lists_show_what_the_caller_may_touch() {
    let list = |key: &str, path: &str| roles().send(get(&format!("/api/v2/{path}")).key(key));
    list("one-table", "shop/_table?fields=name,access")
        .is_ok(r#"{"resource":[{"name":"orders","access":["GET","POST"]}]}"#);
    list("exact-over-component", "shop/_table?fields=name,access&ids=orders,people")
        .is_ok(r#"{"resource":[{"name":"orders","access":["POST"]},{"name":"people","access":["GET"]}]}"#);
    let services = |key: &str| {
        let answer = list(key, "?fields=name").json();
        answer["services"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(services("shop-root"), ["Shop"]);
    assert_eq!(services("roots"), ["Shop", "mem"]);
    assert_eq!(services("scripts"), Vec::<String>::new());
    assert_eq!(services("off"), Vec::<String>::new());
    list("inactive", "").is_error(403, APP_INACTIVE);
    let answer = list("roots", "shop?include_access=1&fields=name,access");
    answer.is_ok(r#"{"resource":[{"name":"_schema","access":[]},{"name":"_table","access":[]}]}"#);
    let mut schema = shared().send(get("/api/v2/shop/_schema/orders").token(admin_token())).json();
    schema["access"] = 1.into();
    list(READER, "shop/_schema/orders").is_ok(&schema.to_string());
}

#[test]
fn the_access_list_shows_what_the_caller_may_touch() {
    let list = |key: &str| roles().send(get("/api/v2/shop?as_access_list=true").key(key));
    list("shop-root").is_ok(r#"{"resource":["","*"]}"#);
    list("root-and-orders").is_ok(r#"{"resource":["","*","_table/orders/","_table/orders/*"]}"#);
}

#[test]
fn the_password_for_one_run_is_printed_once_and_never_logged() {
    let gateway = setup("").without_admin().start();
    let line = gateway.output.find("administrator for this run: admin@localhost, password ").unwrap();
    let password = line.rsplit(' ').next().unwrap();
    assert!(password.len() >= 16, "{line}");
    let login = json!({ "email": "admin@localhost", "password": password });
    let session = gateway.send(request("POST", "/api/v2/system/admin/session").body(login));
    assert_eq!(session.status, 200, "{}", session.body);
    gateway.log.find("answered").unwrap();
    assert!(!gateway.log.text().contains(password));
    assert_eq!(gateway.output.text().matches(password).count(), 1);
    assert!(!shared().output.text().contains("password"), "{}", shared().output.text());
}

#[test]
fn logins_that_fail_too_often_are_slowed_down() {
    let login = || {
        let login = json!({ "email": "guess@example.com", "password": "guess" });
        roles().send(request("POST", "/api/v2/system/admin/session").body(login))
    };
    for _ in 0..10 {
        login().is_error(401, "Invalid credentials supplied.");
    }
    let slowed: Answer = login();
    assert_eq!(slowed.status, 429, "{}", slowed.body);
    let seconds: u32 = slowed.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    roles().send(get(ORDERS).token(&log_in(roles()))).is_ok("5");
}
