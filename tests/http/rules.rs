//! Row rules of roles: what a rule leaves out is not there, for every way of asking.

use std::sync::OnceLock;

use serde_json::{Value as Json, json};

use crate::client::{Answer, get, request};
use crate::gateway::Gateway;
use crate::shop::{log_in, setup};

/// The filters of a role, how they combine, and the customers or people that they leave, by number.
struct Rules {
    key: &'static str,
    path: &'static str,
    filters: &'static str,
    op: &'static str,
    left: &'static [u8],
}

const fn rules(key: &'static str, path: &'static str, filters: &'static str, left: &'static [u8]) -> Rules {
    Rules { key, path, filters, op: "AND", left }
}

const CUSTOMERS: &str = "shop/_table/customers";
const PEOPLE: &str = "shop/_table/people";
const MEM: &str = "mem/_table/people";

const RULES: &[Rules] = &[
    rules("equal", CUSTOMERS, r#"{ name = "country", operator = "=", value = "GB" }"#, &[1]),
    rules("not-equal", CUSTOMERS, r#"{ name = "Country", operator = "!=", value = "US" }"#, &[1, 4]),
    rules("number", PEOPLE, r#"{ name = "age", operator = ">", value = 36 }"#, &[5, 7]),
    rules("at-least", PEOPLE, r#"{ name = "age", operator = ">=", value = "36" }"#, &[1, 5, 7]),
    rules("less", MEM, r#"{ name = "age", operator = "<", value = "18" }"#, &[3, 6]),
    rules("at-most", MEM, r#"{ name = "age", operator = "<=", value = 18 }"#, &[2, 3, 6]),
    rules("in-text", CUSTOMERS, r#"{ name = "country", operator = "in", value = "US, FR" }"#, &[2, 3, 4]),
    rules(
        "in-parens",
        CUSTOMERS,
        r#"{ name = "country", operator = "in", value = "('US','FR')" }"#,
        &[2, 3, 4],
    ),
    rules("in-list", CUSTOMERS, r#"{ name = "id", operator = "in", value = [1, "4"] }"#, &[1, 4]),
    rules("not-in", CUSTOMERS, r#"{ name = "country", operator = "not in", value = "US" }"#, &[1, 4]),
    rules("starts", MEM, r#"{ name = "name", operator = "starts with", value = "Smith" }"#, &[4, 6]),
    rules("ends", PEOPLE, r#"{ name = "name", operator = "ends with", value = "Smith" }"#, &[3]),
    rules("contains", MEM, r#"{ name = "note", operator = "contains", value = "%" }"#, &[1]),
    rules("null", CUSTOMERS, r#"{ name = "referred_by", operator = "is null" }"#, &[1, 4]),
    rules("not-null", CUSTOMERS, r#"{ name = "referred_by", operator = "is not null" }"#, &[2, 3]),
    rules("quote", PEOPLE, r#"{ name = "name", operator = "=", value = "Bob O'Brien" }"#, &[2]),
    rules("boolean", MEM, r#"{ name = "is_active", operator = "=", value = false }"#, &[2, 5]),
    rules(
        "and",
        CUSTOMERS,
        r#"{ name = "country", operator = "=", value = "US" }, { name = "name", operator = "!=", value = "Bob" }"#,
        &[3],
    ),
    Rules {
        op: "OR",
        ..rules(
            "or",
            CUSTOMERS,
            r#"{ name = "country", operator = "=", value = "FR" }, { name = "name", operator = "=", value = "Ada" }"#,
            &[1, 4],
        )
    },
];

/// A role and an app of this name for each of the rules, and those of the file.
fn gateway() -> &'static Gateway {
    static RULED: OnceLock<Gateway> = OnceLock::new();
    RULED.get_or_init(|| {
        let mut config = include_str!("rules.toml").to_owned();
        for Rules { key, path, filters, op, .. } in RULES {
            let service = path.split('/').next().unwrap();
            let access = format!(
                r#"{{ service = "{service}", component = "_table/*", verbs = ["GET"], filter_op = "{op}", filters = [{filters}] }}"#
            );
            config.push_str(&format!("\n[[roles]]\nname = \"{key}\"\naccess = [{access}]\n"));
            config.push_str(&format!("\n[[apps]]\nname = \"{key}\"\nrole = \"{key}\"\napi_key = \"{key}\"\n"));
        }
        setup(&config).start()
    })
}

fn read(key: &str, path: &str) -> Answer {
    gateway().send(get(&format!("/api/v2/{path}")).key(key))
}

fn listed(ids: &[u8]) -> String {
    let rows: Vec<Json> = ids.iter().map(|id| json!({ "id": id })).collect();
    format!(r#"{{"resource":{}}}"#, Json::from(rows))
}

#[test]
fn each_operator_of_a_rule_leaves_its_rows() {
    for Rules { key, path, left, .. } in RULES {
        read(key, &format!("{path}?fields=id&order=id")).is_ok(&listed(left));
    }
}

#[test]
fn a_count_counts_the_rows_that_are_left() {
    for Rules { key, path, left, .. } in RULES {
        read(key, &format!("{path}?count_only=true")).is_ok(&left.len().to_string());
        let answer = read(key, &format!("{path}?limit=1&include_count=true")).json();
        assert_eq!(answer["meta"]["count"], left.len(), "{key}");
    }
}

#[test]
fn a_single_row_that_is_left_out_is_not_found() {
    for Rules { key, path, left, .. } in RULES {
        for id in 1..=4 {
            let answer = read(key, &format!("{path}/{id}?fields=id"));
            if left.contains(&id) {
                answer.is_ok(&format!(r#"{{"id":{id}}}"#));
            } else {
                answer.is_error(404, &format!("Record with identifier '{id}' not found."));
            }
        }
    }
}

#[test]
fn identifiers_of_rows_that_are_left_out_are_missing() {
    for Rules { key, path, left, .. } in RULES {
        let ids: Vec<String> = left.iter().map(u8::to_string).collect();
        read(key, &format!("{path}?fields=id&ids={}", ids.join(","))).is_ok(&listed(left));
        let answer = read(key, &format!("{path}?fields=id&ids=1,2,3,4&continue=true"));
        assert_eq!(answer.status, 400, "{key}: {}", answer.body);
        let failed: Vec<u8> = (1..=4).filter(|id| !left.contains(id)).map(|id| id - 1).collect();
        assert_eq!(answer.json()["error"]["context"]["error"], json!(failed), "{key}");
    }
}

#[test]
fn no_filter_and_no_other_identifier_gets_around_a_rule() {
    let request =
        |filter: &str| get("/api/v2/shop/_table/customers?fields=id").with("filter", filter).key("equal");
    gateway().send(request("(id = 1) or (id = 2)")).is_ok(&listed(&[1]));
    gateway().send(request("id > 0 or id < 0")).is_ok(&listed(&[1]));
    gateway().send(request("country = US")).is_ok(&listed(&[]));
    gateway().send(request("not (country = GB)")).is_ok(&listed(&[]));
    read("equal", "shop/_table/customers/Bob?id_field=name")
        .is_error(404, "Record with identifier 'Bob' not found.");
    read("equal", "shop/_table/customers?as_list=true").is_ok(r#"{"resource":[1]}"#);
    read("equal", "shop/_table/customers?order=id%20desc&limit=1&fields=id").is_ok(&listed(&[1]));
    let body = json!({ "filter": "id < 9", "fields": "id" });
    let tunnelled = request_with_body("shop/_table/customers", &body);
    tunnelled.is_ok(&listed(&[1]));
}

#[test]
fn no_filter_that_fails_tells_of_a_row_that_is_left_out() {
    for Rules { key, path, left, .. } in RULES {
        for id in (1..=4).filter(|id| !left.contains(id)) {
            let filter = format!("id = {id} and id < (9223372036854775807 * (id + 8))");
            for (more, nothing) in [
                ("fields=id", listed(&[])),
                ("count_only=true", "0".to_owned()),
                ("fields=id,COUNT(*)&group=id", listed(&[])),
            ] {
                let request = get(&format!("/api/v2/{path}?{more}")).with("filter", &filter).key(key);
                gateway().send(request).is_ok(&nothing);
            }
        }
    }
}

fn request_with_body(path: &str, body: &Json) -> Answer {
    let request = request("POST", &format!("/api/v2/{path}")).header("X-HTTP-Method", "GET").key("equal");
    gateway().send(request.body(body))
}

#[test]
fn a_lookup_in_a_rule_is_the_callers_own_value() {
    read("bob", "shop/_table/customers?fields=id").is_ok(&listed(&[2]));
    read("bob", "shop/_table/customers/1").is_error(404, "Record with identifier '1' not found.");
    // Whatever the value looks like.
    read("quotes", "shop/_table/customers").is_ok(&listed(&[]));
    read("quotes", "mem/_table/people?count_only=1").is_ok("0");
}

#[test]
fn a_rule_whose_lookup_the_caller_lacks_matches_nothing() {
    for key in ["own-number", "not-own-number"] {
        read(key, "shop/_table/customers").is_ok(&listed(&[]));
        read(key, "shop/_table/customers?count_only=1").is_ok("0");
        read(key, "mem/_table/people/1").is_error(404, "Record with identifier '1' not found.");
    }
}

#[test]
fn an_administrator_is_not_ruled() {
    let token = log_in(gateway());
    let request = get("/api/v2/shop/_table/customers?count_only=1").token(&token);
    gateway().send(request.clone()).is_ok("4");
    gateway().send(request.key("equal")).is_ok("4");
}

#[test]
fn the_rules_are_those_of_the_best_entry() {
    read("entries", "shop/_table/customers?fields=id").is_ok(&listed(&[4]));
    // That entry does not reach rows by identifier, yet its rules are those of the table.
    read("entries", "shop/_table/customers/1").is_error(404, "Record with identifier '1' not found.");
    read("entries", "shop/_table/customers/4?fields=id").is_ok(r#"{"id":4}"#);
    read("entries", "shop/_table/people?count_only=1").is_ok("7");
}

#[test]
fn a_rule_that_fits_no_field_shows_nothing() {
    let message = "Denied access to some of the requested fields.";
    for path in [
        "shop/_table/orders",
        "shop/_table/orders/1",
        "shop/_table/orders?ids=1",
        "shop/_table/orders?count_only=1",
    ] {
        read("entries", path).is_error(403, message);
    }
    let log = gateway().log.find("a row rule does not fit its table").unwrap();
    assert!(log.contains("the table has no such field"), "{log}");
}
