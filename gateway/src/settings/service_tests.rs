//! Tests of a service's config against schemas as schemars writes them.

use schemars::JsonSchema;
use serde_json::{Value, json};

use super::*;

#[derive(JsonSchema)]
#[allow(dead_code, reason = "only the schema is used")]
struct Config {
    host: String,
    port: Option<u16>,
    tls: Option<Tls>,
    login: Login,
    mode: Mode,
    #[serde(default)]
    options: std::collections::BTreeMap<String, i64>,
    #[serde(flatten)]
    pool: Pool,
}

#[derive(JsonSchema)]
#[allow(dead_code, reason = "only the schema is used")]
struct Tls {
    verify: bool,
}

#[derive(JsonSchema)]
#[allow(dead_code, reason = "only the schema is used")]
struct Pool {
    max_connections: u32,
}

#[derive(JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[allow(dead_code, reason = "only the schema is used")]
enum Login {
    Password { user: String, password: String },
    Token { token: String },
}

#[derive(JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(dead_code, reason = "only the schema is used")]
enum Mode {
    /// Documented words become `oneOf` with `const`.
    ReadOnly,
    /// Another.
    ReadWrite,
}

fn service(config: Value) -> Service {
    let connector = config.as_object().unwrap().clone();
    Service {
        name: "shop".into(),
        config: ServiceConfig { connector, ..Default::default() },
        ..Default::default()
    }
}

#[track_caller]
fn check(change: impl FnOnce(&mut Value), expected: &[&str]) {
    let mut config = json!({
        "host": "h", "port": 5432, "tls": { "verify": true }, "login": { "kind": "token", "token": "s3cret" },
        "mode": "read-only", "options": { "a": 1 }, "max_connections": 3,
    });
    change(&mut config);
    let schema = schemars::schema_for!(Config).to_value();
    let problems = check_service_config(&service(config), &schema);
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let expected: Vec<String> = expected.iter().map(|problem| format!("service `shop`: {problem}")).collect();
    assert_eq!(problems, expected);
}

#[test]
fn a_fitting_config_has_no_problem() {
    check(|_| {}, &[]);
}

#[test]
fn an_unknown_key_is_offered_the_nearest_also_of_the_common_ones() {
    check(|config| config["hots"] = json!("h"), &["unknown key `hots` in [config]; did you mean `host`?"]);
    check(
        |config| config["max_recrods"] = json!(1),
        &["unknown key `max_recrods` in [config]; did you mean `max_records`?"],
    );
    check(
        |config| config["tls"]["verifi"] = json!(true),
        &["unknown key `verifi` in [config.tls]; did you mean `verify`?"],
    );
    check(
        |config| config["max_connection"] = json!(1),
        &["unknown key `max_connection` in [config]; did you mean `max_connections`?"],
    );
}

#[test]
fn a_missing_key_and_wrong_types_are_reported_together() {
    check(
        |config| {
            config.as_object_mut().unwrap().remove("host");
            config["port"] = json!("5432");
            config["tls"] = json!(true);
            config["options"]["a"] = json!("x");
        },
        &[
            "`port` in [config] must be a whole number, not a text",
            "`tls` in [config] must be a table, not true or false",
            "`a` in [config.options] must be a whole number, not a text",
            "missing required key `host` in [config]",
        ],
    );
}

#[test]
fn ranges_hold() {
    check(|config| config["port"] = json!(70000), &["`port` in [config] must be at most 65535"]);
    check(|config| config["port"] = json!(-1), &["`port` in [config] must be at least 0"]);
}

#[test]
fn a_wrong_word_is_not_shown_for_it_may_be_a_secret() {
    check(
        |config| config["mode"] = json!("read_only"),
        &["`mode` in [config] must be one of `read-only` and `read-write`; did you mean `read-only`?"],
    );
    check(
        |config| config["mode"] = json!("hunter2"),
        &["`mode` in [config] must be one of `read-only` and `read-write`"],
    );
}

#[test]
fn the_alternative_that_was_meant_is_explained() {
    check(
        |config| config["login"] = json!({ "kind": "password", "user": "u" }),
        &["missing required key `password` in [config.login]"],
    );
    check(
        |config| config["login"] = json!({ "kind": "token", "token": 1 }),
        &["`token` in [config.login] must be a text in quotes, not a number"],
    );
}

#[test]
fn a_schema_that_allows_other_keys_accepts_them() {
    let schema = json!({ "type": "object", "properties": { "a": {} }, "additionalProperties": true });
    assert_eq!(check_service_config(&service(json!({ "b": 1 })), &schema), []);
}

#[test]
fn a_schema_that_refers_to_itself_ends() {
    let schema = json!({ "$ref": "#", "properties": { "a": { "type": "string" } } });
    assert_eq!(check_service_config(&service(json!({ "a": "x" })), &schema), []);
}

#[test]
fn an_unknown_type_is_offered_the_nearest() {
    let service = Service { service_type: "sqlit".into(), ..service(json!({})) };
    let problem = unknown_service_type(&service, &["memory", "sqlite"]).to_string();
    assert_eq!(problem, "service `shop`: no connector offers the type `sqlit`; did you mean `sqlite`?");
    let problem = unknown_service_type(&service, &[]).to_string();
    assert!(
        problem.ends_with("the types offered are none; put the connector's library into a plugin folder"),
        "{problem}"
    );
}
