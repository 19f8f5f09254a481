//! What a caller may write: verbs granted, row rules before and after, `upsert`, services that can't.

use serde_json::{Value as Json, json};

use crate::client::{Answer, request};
use crate::stock::{BLIND, CHANGER, NARROW, OWNER, SERVICES, Stock, UNTOUCHED, UPSERTING, WRITER, shared};

const DENIED: &str = "Denied access to some of the requested fields.";
const UNAUTHORIZED: &str = "Unauthorized. User is not authenticated.";

/// The errors in a batch error's list, as status and message.
fn own_errors(answer: &Answer) -> Vec<(u64, String)> {
    let json = answer.json();
    let entries = json["error"]["context"]["resource"].as_array().unwrap();
    let error = |entry: &Json| Some((entry["status_code"].as_u64()?, entry["message"].as_str()?.to_owned()));
    entries.iter().filter_map(error).collect()
}

#[test]
fn each_verb_is_granted_by_itself() {
    let stock = Stock::new();
    for service in SERVICES {
        let send = |verb, behind, body| stock.send(CHANGER, service, (verb, behind), body);
        send("POST", "", r#"[{"name":"d"}]"#).is_error(401, UNAUTHORIZED);
        send("PUT", "/1", r#"{"qty":1}"#).is_error(401, UNAUTHORIZED);
        send("DELETE", "?force=true", "").is_error(401, UNAUTHORIZED);
        send("PATCH", "/1", r#"{"qty":5}"#).is_ok(r#"{"id":1}"#);
        assert_eq!(stock.rows(service), "1 a new 5 7|2 b new 2 7|3 c old 3 8");
    }
}

#[test]
fn whoever_asks_for_missing_rows_to_be_created_must_be_allowed_to_create() {
    let stock = Stock::new();
    for service in SERVICES {
        let upsert = ("PATCH", "?upsert=true");
        let body = r#"[{"id":8,"name":"h"},{"id":1,"qty":5}]"#;
        stock.send(CHANGER, service, upsert, body).is_error(401, UNAUTHORIZED);
        assert_eq!(stock.rows(service), UNTOUCHED);
        stock.send(WRITER, service, upsert, body).is_ok(r#"{"resource":[{"id":8},{"id":1}]}"#);
        assert_eq!(stock.rows(service), "1 a new 5 7|2 b new 2 7|3 c old 3 8|8 h new - -");
        let single = ("PUT", "/9?upsert=true&fields=id,state");
        stock.send(WRITER, service, single, r#"{"name":"i"}"#).is_ok(r#"{"id":9,"state":"new"}"#);
        let by_name = ("PUT", "?upsert=true&id_field=name&fields=id,qty");
        let body = r#"[{"name":"i","qty":4},{"name":"j","qty":6}]"#;
        stock
            .send(WRITER, service, by_name, body)
            .is_ok(r#"{"resource":[{"id":9,"qty":4},{"id":10,"qty":6}]}"#);
    }
}

#[test]
fn no_filter_that_fails_tells_of_a_row_that_is_left_out() {
    let stock = Stock::new();
    for service in SERVICES {
        // Row 3 is another owner's.
        let behind = "?filter=id%20%3D%203%20and%20id%20%3C%20(9223372036854775807%20*%20id)";
        for (verb, body) in [("PATCH", r#"[{"qty":5}]"#), ("DELETE", "")] {
            stock.send(OWNER, service, (verb, behind), body).is_ok(r#"{"resource":[]}"#);
            let limited = format!("{behind}&limit=1");
            stock.send(OWNER, service, (verb, &limited), body).is_ok(r#"{"resource":[]}"#);
        }
        assert_eq!(stock.rows(service), UNTOUCHED);
    }
}

#[test]
fn a_service_may_create_what_is_missing_with_every_put_and_patch() {
    let stock = Stock::new();
    for service in UPSERTING {
        let send = |verb, behind, body| stock.send(WRITER, service, (verb, behind), body);
        send("PUT", "/5", r#"{"name":"e"}"#).is_ok(r#"{"id":5}"#);
        send("PATCH", "", r#"[{"id":6,"name":"f"},{"id":1,"qty":9}]"#)
            .is_ok(r#"{"resource":[{"id":6},{"id":1}]}"#);
        send("PATCH", "?ids=2,3", r#"[{"state":"sold"}]"#).is_ok(r#"{"resource":[{"id":2},{"id":3}]}"#);
        // What is computed needs its row.
        send("PATCH", "/1", r#"{"qty":{"expression":"qty + 1"}}"#).is_ok(r#"{"id":1}"#);
        send("PATCH", "/77", r#"{"qty":{"expression":"qty + 1"}}"#)
            .is_error(404, "Record with identifier '77' not found.");
        // A filter finds what is there.
        send("PATCH", "?filter=id%3D50", r#"[{"qty":1}]"#).is_ok(r#"{"resource":[]}"#);
        let left = "1 a new 10 7|2 b sold 2 7|3 c sold 3 8|5 e new - -|6 f new - -";
        assert_eq!(stock.rows(service), left, "{service}");
        stock.send(CHANGER, service, ("PATCH", "/7"), r#"{"name":"g"}"#).is_ok(r#"{"id":7}"#);
    }
}

#[test]
fn a_new_row_has_to_keep_the_rules_of_its_verb() {
    let stock = Stock::new();
    for service in SERVICES {
        let send = |body| stock.send(OWNER, service, ("POST", "?continue=true"), body);
        send(r#"[{"name":"d","owner":7}]"#).is_ok(r#"{"resource":[{"id":4}]}"#);
        let bad = r#"[{"name":"e","owner":8},{"name":"f"},{"name":"g","owner":7,"state":"old"},{"name":"h","owner":"7"}]"#;
        let denied = vec![(403, DENIED.to_owned()); 3];
        assert_eq!(own_errors(&send(bad)), denied, "{service}");
        let left = "1 a new 1 7|2 b new 2 7|3 c old 3 8|4 d new - 7|5 h new - 7";
        assert_eq!(stock.rows(service), left, "{service}");
    }
}

#[test]
fn a_row_that_the_rules_hide_is_not_there() {
    let stock = Stock::new();
    for service in SERVICES {
        let send = |verb, behind, body| stock.send(OWNER, service, (verb, behind), body);
        send("PATCH", "/3", r#"{"qty":1}"#).is_error(404, "Record with identifier '3' not found.");
        send("DELETE", "/3", "").is_error(404, "Record with identifier '3' not found.");
        let missing = vec![(404, "Record with identifier '3' not found.".to_owned())];
        assert_eq!(own_errors(&send("PUT", "", r#"[{"id":3,"qty":1},{"id":1,"qty":9}]"#)), missing);
        assert_eq!(own_errors(&send("DELETE", "?ids=3,1&rollback=true", "")), missing);
        assert_eq!(stock.rows(service), UNTOUCHED, "{service}");
        send("PATCH", "?filter=qty%20%3E%200", r#"[{"state":"x"}]"#)
            .is_ok(r#"{"resource":[{"id":1},{"id":2}]}"#);
        send("PATCH", "?filter=qty%20%3E%200&limit=9&order=qty%20desc", r#"[{"qty":9}]"#)
            .is_ok(r#"{"resource":[{"id":2},{"id":1}]}"#);
        send("PATCH", "?filter=qty%20%3E%200&limit=1", r#"[{"owner":8}]"#).is_error(403, DENIED);
        send("PATCH", "/1", r#"{"qty":1}"#).is_ok(r#"{"id":1}"#);
        send("DELETE", "?filter=qty%20%3E%201", "").is_ok(r#"{"resource":[{"id":2}]}"#);
        assert_eq!(stock.rows(service), "1 a x 1 7|3 c old 3 8", "{service}");
        send("DELETE", "?force=true", "").is_ok(r#"{"success":true}"#);
        assert_eq!(stock.rows(service), "3 c old 3 8", "{service}");
    }
}

#[test]
fn a_row_must_not_become_one_that_the_rules_hide() {
    let stock = Stock::new();
    for service in SERVICES {
        let send = |verb, behind, body| stock.send(OWNER, service, (verb, behind), body);
        send("PATCH", "/1", r#"{"owner":8}"#).is_error(403, DENIED);
        send("PATCH", "/1", r#"{"owner":{"expression":"owner + 1"}}"#).is_error(403, DENIED);
        send("PATCH", "?filter=id%3D1", r#"[{"owner":null}]"#).is_error(403, DENIED);
        assert_eq!(own_errors(&send("PUT", "", r#"[{"id":2,"owner":6}]"#)), [(403, DENIED.to_owned())]);
        assert_eq!(stock.rows(service), UNTOUCHED, "{service}");
        send("PATCH", "/1", r#"{"owner":7,"qty":5}"#).is_ok(r#"{"id":1}"#);
    }
}

#[test]
fn an_upsert_keeps_the_rules_of_both_verbs() {
    let stock = Stock::new();
    for service in SERVICES {
        let send = |body| stock.send(OWNER, service, ("PATCH", "?upsert=true&continue=true"), body);
        send(r#"[{"id":1,"qty":5},{"id":8,"name":"h","owner":7}]"#)
            .is_ok(r#"{"resource":[{"id":1},{"id":8}]}"#);
        // Somebody else's row, a new row of somebody else, a state that only the rules for new rows forbid.
        let bad = r#"[{"id":3,"name":"c"},{"id":9,"name":"i","owner":8},{"id":9,"name":"i","owner":7,"state":"old"}]"#;
        assert_eq!(own_errors(&send(bad)), vec![(403, DENIED.to_owned()); 3], "{service}");
        assert_eq!(stock.rows(service), "1 a new 5 7|2 b new 2 7|3 c old 3 8|8 h new - 7", "{service}");
    }
}

#[test]
fn who_may_not_read_learns_only_which_rows_were_written() {
    let stock = Stock::new();
    for service in SERVICES {
        let send = |verb, behind, body| stock.send(BLIND, service, (verb, behind), body);
        send("POST", "?fields=*", r#"[{"name":"d"}]"#).is_ok(r#"{"resource":[{"id":4}]}"#);
        send("PUT", "/1?fields=*", r#"{"qty":5}"#).is_ok(r#"{"id":1}"#);
        send("PATCH", "/a?id_field=name&fields=qty,owner", r#"{"qty":6}"#).is_ok(r#"{"name":"a"}"#);
        // What the rows are named by would tell what stands in them.
        let rows = r#"{"resource":[{"id":1},{"id":2}]}"#;
        send("PATCH", "?filter=state%3Dnew%20AND%20id%3C4&id_field=owner", r#"[{"state":"x"}]"#).is_ok(rows);
        send("PATCH", "?filter=state%3Dx&limit=2&id_field=name", r#"[{"state":"y"}]"#).is_ok(rows);
        send("DELETE", "?filter=state%3Dy&fields=name", "").is_ok(rows);
        let answer = stock.send(BLIND, service, ("PATCH", "/3?rollback=true"), r#"{"qty":7}"#);
        assert_eq!((answer.body.as_str(), answer.header("etag")), (r#"{"id":3}"#, ""), "{service}");
    }
}

#[test]
fn rows_that_the_rules_of_get_may_hide_are_not_shown_by_a_write() {
    let stock = Stock::new();
    let send = |verb, behind, body| stock.send(NARROW, "shop", (verb, behind), body);
    send("PATCH", "/3?fields=*", r#"{"qty":5}"#).is_ok(r#"{"id":3}"#);
    // What the rules of the write let through keeps those of GET.
    send("PUT", "/1?fields=id,qty", r#"{"qty":5}"#).is_ok(r#"{"id":1,"qty":5}"#);
}

#[test]
fn a_service_that_can_only_be_read_refuses_each_write_by_name() {
    let stock = Stock::new();
    let check = |verb, behind, body, what: &str| {
        let message = format!("{what} is not supported by this service");
        stock.send(WRITER, "mem-locked", (verb, behind), body).is_error(501, &message);
    };
    check("POST", "", r#"[{"name":"d"}]"#, "creating records");
    check("PATCH", "/1", r#"{"qty":1}"#, "changing records by identifier");
    check("PATCH", "?filter=qty%3D1", r#"[{"qty":1}]"#, "changing records by filter");
    check("PUT", "?upsert=true", r#"[{"id":1}]"#, "upsert");
    check("DELETE", "?ids=1", "", "deleting records by identifier");
    check("DELETE", "?force=true", "", "deleting records by filter");
    assert_eq!(stock.rows("mem-locked"), UNTOUCHED);
}

#[test]
fn writes_of_a_resource_that_has_no_records_are_refused() {
    for service in SERVICES {
        let path = format!("/api/v2/{service}/_table");
        let send = |verb| request(verb, &path).key(WRITER).body(json!([{}])).send(shared().address);
        for verb in ["POST", "PUT", "PATCH", "DELETE"] {
            let message = format!(
                "{verb} requests without a resource are not currently supported by the '_table' service."
            );
            send(verb).is_error(400, &message);
        }
        let nowhere = format!("/api/v2/{service}/_table/nowhere");
        let answer = request("DELETE", &nowhere).with("ids", 1).key(WRITER).send(shared().address);
        answer.is_error(404, "Table &quot;nowhere&quot; does not exist in the database.");
    }
}
