//! Creating, changing and deleting records, one table of cases over both services: answers, and the rows that are left.

use serde_json::json;

use crate::client::request;
use crate::shop::NO_RECORDS;
use crate::stock::{self, SERVICES, Stock, UNTOUCHED, WRITER};

/// Verb and what stands behind the table's address; body; status and body of the answer; the rows that are left.
type Case = ((&'static str, &'static str), &'static str, (u16, &'static str), &'static str);

#[track_caller]
fn check_all(cases: &[Case]) {
    for (order, body, (status, answer), left) in cases {
        let stock = Stock::new();
        for service in SERVICES {
            let found = stock.send(WRITER, service, *order, body);
            let asked = format!("{service} {order:?} {body}");
            assert_eq!((found.status, found.body.as_str()), (*status, *answer), "{asked}");
            assert_eq!(stock.rows(service), *left, "{asked}");
        }
    }
}

/// A refusal with this message: nothing is written.
#[track_caller]
fn check_refused(order: (&str, &str), body: &str, status: u16, message: &str) {
    let stock = Stock::new();
    for service in SERVICES {
        stock.send(WRITER, service, order, body).is_error(status, message);
        assert_eq!(stock.rows(service), UNTOUCHED, "{service} {order:?} {body}");
    }
}

#[test]
fn records_are_created_and_answered_by_their_identifiers_in_order() {
    check_all(&[
        (
            ("POST", ""),
            r#"{"resource":[{"name":"d"},{"name":"e","qty":5,"state":"old"}]}"#,
            (200, r#"{"resource":[{"id":4},{"id":5}]}"#),
            "1 a new 1 7|2 b new 2 7|3 c old 3 8|4 d new - -|5 e old 5 -",
        ),
        (
            ("POST", ""),
            r#"[{"name":"d"}]"#,
            (200, r#"{"resource":[{"id":4}]}"#),
            "1 a new 1 7|2 b new 2 7|3 c old 3 8|4 d new - -",
        ),
        (
            ("POST", ""),
            r#"{"resource":{"name":"d"}}"#,
            (200, r#"{"resource":[{"id":4}]}"#),
            "1 a new 1 7|2 b new 2 7|3 c old 3 8|4 d new - -",
        ),
        // An identifier of one's own, names in any case, members that mean nothing.
        (
            ("POST", ""),
            r#"{"resource":[{"ID":9,"Name":"d","shoe":44,"QTY":"7"}]}"#,
            (200, r#"{"resource":[{"id":9}]}"#),
            "1 a new 1 7|2 b new 2 7|3 c old 3 8|9 d new 7 -",
        ),
    ]);
}

#[test]
fn fields_show_the_values_as_they_are_stored() {
    check_all(&[
        (
            ("POST", "?fields=name,id,state"),
            r#"{"resource":[{"name":"d"}]}"#,
            (200, r#"{"resource":[{"name":"d","id":4,"state":"new"}]}"#),
            "1 a new 1 7|2 b new 2 7|3 c old 3 8|4 d new - -",
        ),
        (
            ("POST", "?fields=*"),
            r#"{"resource":[{"name":"{app.name}","price":12.25,"is_sold":"yes","photo":"AP8Q","day":"2024-02-29","data":{"b":[1.5],"a":null}}]}"#,
            (
                200,
                concat!(
                    r#"{"resource":[{"id":4,"name":"writer","state":"new","qty":null,"owner":null,"price":12.25,"#,
                    r#""is_sold":true,"photo":"AP8Q","day":"2024-02-29","data":{"b":[1.5],"a":null}}]}"#
                ),
            ),
            "1 a new 1 7|2 b new 2 7|3 c old 3 8|4 writer new - -",
        ),
        (
            ("PATCH", "?ids=1,3&fields=qty"),
            r#"{"resource":[{"qty":9}]}"#,
            (200, r#"{"resource":[{"qty":9},{"qty":9}]}"#),
            "1 a new 9 7|2 b new 2 7|3 c old 9 8",
        ),
        (
            ("DELETE", "?ids=3&fields=name,qty"),
            "",
            (200, r#"{"resource":[{"name":"c","qty":3}]}"#),
            "1 a new 1 7|2 b new 2 7",
        ),
        (
            ("PATCH", "/2?fields=id,state,qty"),
            r#"{"qty":{"expression":"qty * 10 + 1"}}"#,
            (200, r#"{"id":2,"state":"new","qty":21}"#),
            "1 a new 1 7|2 b new 21 7|3 c old 3 8",
        ),
        (("DELETE", "?ids=3,1&as_list=true"), "", (200, r#"{"resource":[3,1]}"#), "2 b new 2 7"),
    ]);
}

#[test]
fn put_and_patch_change_what_is_given_and_nothing_else() {
    for verb in ["PUT", "PATCH"] {
        check_all(&[
            (
                (verb, ""),
                r#"{"resource":[{"id":3,"qty":30},{"id":1,"state":"old","owner":null}]}"#,
                (200, r#"{"resource":[{"id":3},{"id":1}]}"#),
                "1 a old 1 -|2 b new 2 7|3 c old 30 8",
            ),
            (
                (verb, "/2"),
                r#"{"qty":5,"id":99,"shoe":1}"#,
                (200, r#"{"id":2}"#),
                "1 a new 1 7|2 b new 5 7|3 c old 3 8",
            ),
            (
                (verb, "?ids=1,2"),
                r#"{"resource":[{"state":"old"},{"state":"ignored"}]}"#,
                (200, r#"{"resource":[{"id":1},{"id":2}]}"#),
                "1 a old 1 7|2 b old 2 7|3 c old 3 8",
            ),
            (
                (verb, ""),
                r#"{"ids":[3],"resource":[{"qty":"8"}]}"#,
                (200, r#"{"resource":[{"id":3}]}"#),
                "1 a new 1 7|2 b new 2 7|3 c old 8 8",
            ),
            (
                (verb, "?id_field=name"),
                r#"[{"name":"b","qty":8}]"#,
                (200, r#"{"resource":[{"name":"b"}]}"#),
                "1 a new 1 7|2 b new 8 7|3 c old 3 8",
            ),
            // Nothing changes, and the rows are there.
            (
                (verb, ""),
                r#"{"resource":[{"id":1,"qty":1},{"id":2},{"id":3,"shoe":1}]}"#,
                (200, r#"{"resource":[{"id":1},{"id":2},{"id":3}]}"#),
                UNTOUCHED,
            ),
        ]);
    }
}

#[test]
fn a_change_by_filter_names_the_rows_it_touched() {
    check_all(&[
        // The filtered column itself changes.
        (
            ("PATCH", "?filter=state%3Dnew"),
            r#"{"resource":[{"state":"sold"}]}"#,
            (200, r#"{"resource":[{"id":1},{"id":2}]}"#),
            "1 a sold 1 7|2 b sold 2 7|3 c old 3 8",
        ),
        (
            ("PUT", ""),
            r#"{"filter":"qty > :q","params":{":q":1},"resource":{"qty":{"expression":"qty + qty"}}}"#,
            (200, r#"{"resource":[{"id":2},{"id":3}]}"#),
            "1 a new 1 7|2 b new 4 7|3 c old 6 8",
        ),
        (("PATCH", "?filter=qty%3D99"), r#"[{"qty":1}]"#, (200, r#"{"resource":[]}"#), UNTOUCHED),
        // Identifiers go before the filter.
        (
            ("PATCH", "?filter=qty%3D2&ids=1"),
            r#"[{"qty":5}]"#,
            (200, r#"{"resource":[{"id":1}]}"#),
            "1 a new 5 7|2 b new 2 7|3 c old 3 8",
        ),
        (
            ("PATCH", "?filter=qty%3D2&rollback=true"),
            r#"[{"qty":5}]"#,
            (200, r#"{"resource":[{"id":2}]}"#),
            "1 a new 1 7|2 b new 5 7|3 c old 3 8",
        ),
    ]);
}

#[test]
fn records_are_deleted_by_identifiers_records_filter_or_force() {
    check_all(&[
        (("DELETE", "?ids=1,3"), "", (200, r#"{"resource":[{"id":1},{"id":3}]}"#), "2 b new 2 7"),
        (("DELETE", "/2"), "", (200, r#"{"id":2}"#), "1 a new 1 7|3 c old 3 8"),
        (("DELETE", "/2?as_list=true"), "", (200, r#"{"id":2}"#), "1 a new 1 7|3 c old 3 8"),
        (
            ("DELETE", ""),
            r#"{"resource":[{"id":3,"name":"ignored"},{"id":1}]}"#,
            (200, r#"{"resource":[{"id":3},{"id":1}]}"#),
            "2 b new 2 7",
        ),
        (("DELETE", ""), r#"{"ids":[2]}"#, (200, r#"{"resource":[{"id":2}]}"#), "1 a new 1 7|3 c old 3 8"),
        (("DELETE", "?filter=state%3Dnew"), "", (200, r#"{"resource":[{"id":1},{"id":2}]}"#), "3 c old 3 8"),
        (("DELETE", "?filter=qty%3D9"), "", (200, r#"{"resource":[]}"#), UNTOUCHED),
        (("DELETE", "?force=true"), "", (200, r#"{"success":true}"#), ""),
        // Whatever says which rows goes before force.
        (
            ("DELETE", "?force=true&filter=qty%3D1"),
            "",
            (200, r#"{"resource":[{"id":1}]}"#),
            "2 b new 2 7|3 c old 3 8",
        ),
        (
            ("DELETE", "?force=true&ids=2"),
            r#"{"resource":[{"id":1}]}"#,
            (200, r#"{"resource":[{"id":2}]}"#),
            "1 a new 1 7|3 c old 3 8",
        ),
    ]);
}

#[test]
fn a_removal_that_does_not_say_of_what_is_refused() {
    let nothing = "No filter or records given for delete request.";
    check_refused(("DELETE", ""), "", 400, nothing);
    check_refused(("DELETE", ""), "{}", 400, nothing);
    check_refused(("DELETE", "?ids="), "", 400, nothing);
    // A list of identifiers that came out empty is not everything.
    check_refused(("DELETE", "?ids=&force=true"), "", 400, nothing);
    check_refused(("DELETE", "?force=true"), r#"{"ids":[]}"#, 400, nothing);
    check_refused(("DELETE", "?force=true"), r#"{"resource":[]}"#, 400, NO_RECORDS);
    check_refused(("DELETE", "?force=true"), r#"{"id":1}"#, 400, NO_RECORDS);
    check_refused(("DELETE", "?filter="), "", 400, "Filter for delete request can not be empty.");
    check_refused(("DELETE", "?filter=&force=true"), "", 400, "Filter for delete request can not be empty.");
}

#[test]
fn a_body_without_records_is_refused() {
    for verb in ["POST", "PUT", "PATCH"] {
        for body in [r#"{"name":"d"}"#, r#"{"resource":[]}"#, r#"{"resource":{}}"#, "[]", "{}", ""] {
            check_refused((verb, ""), body, 400, NO_RECORDS);
        }
    }
    check_refused(("PATCH", "?ids=1"), "", 400, NO_RECORDS);
    check_refused(("PATCH", "?filter=qty%3D1"), r#"{"qty":5}"#, 400, NO_RECORDS);
    check_refused(("PATCH", "/1"), "", 400, NO_RECORDS);
    check_refused(("PATCH", "/1"), "[]", 400, "The body of a single record must be a JSON object.");
    check_refused(("POST", ""), r#"{"resource":[{"name":"d"},5]}"#, 400, "Record 1 must be a JSON object.");
    check_refused(
        ("PATCH", "?filter=qty%3D1"),
        r#"{"resource":[{"shoe":5}]}"#,
        400,
        "No valid fields were found in record.",
    );
}

#[test]
fn the_body_of_a_single_row_holds_no_options() {
    // Neither is the wrapper taken off nor `ids` read; both are members that mean nothing.
    check_all(&[(
        ("PATCH", "/1"),
        r#"{"qty":4,"ids":[2],"filter":"qty=3","resource":[{"qty":5}],"rollback":true,"continue":true}"#,
        (200, r#"{"id":1}"#),
        "1 a new 4 7|2 b new 2 7|3 c old 3 8",
    )]);
}

#[test]
fn a_column_may_be_named_like_the_configured_wrapper() {
    let gateway = stock::setup("[answers]\nresources_wrapper = \"state\"").start();
    for service in SERVICES {
        let send = |verb: &str, path: &str, body: &str| {
            let path = format!("/api/v2/{service}/_table/stock0{path}");
            gateway.send(request(verb, &path).key(WRITER).body(body))
        };
        send("PATCH", "/1", r#"{"state":"x"}"#).is_ok(r#"{"id":1}"#);
        send("PATCH", "?fields=id,state", r#"{"state":[{"id":1,"qty":5}]}"#)
            .is_ok(r#"{"state":[{"id":1,"state":"x"}]}"#);
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    check_refused(
        ("POST", "/9"),
        r#"{"name":"d"}"#,
        400,
        "Create record by identifier not currently supported.",
    );
    let both = "Rollback and continue operations can not be requested at the same time.";
    for verb in ["POST", "PUT", "PATCH", "DELETE"] {
        check_refused((verb, "?rollback=true&continue=true"), r#"[{"id":1,"name":"d"}]"#, 400, both);
    }
    check_refused(
        ("POST", "?upsert=true"),
        r#"[{"name":"d"}]"#,
        400,
        "'upsert' is an option of PUT and PATCH.",
    );
    check_refused(("DELETE", "?related=*&ids=1"), "", 501, "related is not supported by this service");
}

#[test]
fn a_limit_caps_a_write_by_filter_and_order_and_offset_say_which_rows() {
    check_all(&[
        (
            ("DELETE", "?filter=qty%3E0&limit=2"),
            "",
            (200, r#"{"resource":[{"id":1},{"id":2}]}"#),
            "3 c old 3 8",
        ),
        (
            ("PATCH", "?filter=qty%3E0&limit=1&order=qty+desc&offset=1&fields=id,state"),
            r#"[{"state":"x"}]"#,
            (200, r#"{"resource":[{"id":2,"state":"x"}]}"#),
            "1 a new 1 7|2 b x 2 7|3 c old 3 8",
        ),
        // What is set may be what the filter asks for.
        (
            ("PUT", "?filter=state%3Dnew&limit=5&as_list=true&rollback=true"),
            r#"[{"state":"sold"}]"#,
            (200, r#"{"resource":[1,2]}"#),
            "1 a sold 1 7|2 b sold 2 7|3 c old 3 8",
        ),
        (("PATCH", "?filter=qty%3E9&limit=5"), r#"[{"qty":1}]"#, (200, r#"{"resource":[]}"#), UNTOUCHED),
        // Below 1 there is none.
        (
            ("DELETE", "?filter=qty%3E1&limit=0"),
            "",
            (200, r#"{"resource":[{"id":2},{"id":3}]}"#),
            "1 a new 1 7",
        ),
    ]);
}

#[test]
fn a_limited_write_that_fails_changes_nothing() {
    let stock = Stock::new();
    for service in SERVICES {
        let answer = stock.send(WRITER, service, ("PATCH", "?filter=qty%3E0&limit=2"), r#"[{"name":"z"}]"#);
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (400, &json!("23505")), "{service}");
        let order = ("PATCH", "?filter=qty%3E0&limit=2");
        stock
            .send(WRITER, service, order, r#"[{"name":null}]"#)
            .is_error(400, "Field 'name' can not be NULL.");
        assert_eq!(stock.rows(service), UNTOUCHED, "{service}");
    }
}

#[test]
fn which_rows_a_write_touches_is_never_ignored() {
    let check = |behind: &str, body: &str, parameter: &str, message: &str| {
        let stock = Stock::new();
        for service in SERVICES {
            let verb = if body.is_empty() { "DELETE" } else { "PATCH" };
            let context = json!({ "parameter": parameter, "position": null });
            stock.send(WRITER, service, (verb, behind), body).is_error_with(400, message, &context);
            assert_eq!(stock.rows(service), UNTOUCHED, "{service} {behind}");
        }
    };
    check("?filter=qty%3D1&offset=1", "", "offset", "'offset' of a write needs 'limit'");
    check("?filter=qty%3D1&order=id", r#"[{"qty":1}]"#, "order", "'order' of a write needs 'limit'");
    check("?force=true&limit=1", "", "limit", "'limit' of a write needs a filter");
    let message = "'limit' of a write by filter needs the primary key or a unique key as identifying fields";
    let stock = Stock::new();
    for service in SERVICES {
        let answer = stock.send(WRITER, service, ("PATCH", "?filter=qty%3D1&limit=1"), r#"[{"nope":1}]"#);
        answer.is_error(400, "No valid fields were found in record.");
    }
    check("?filter=qty%3D1&limit=1&id_field=state", "", "id_field", message);
}

#[test]
fn a_field_that_is_given_twice_is_refused() {
    let check = |order, body| {
        let stock = Stock::new();
        for service in SERVICES {
            let answer = stock.send(WRITER, service, order, body);
            let message = answer.body.contains("Field 'name' is given more than once.");
            assert!(answer.status == 400 && message, "{service}: {}", answer.body);
            assert_eq!(stock.rows(service), UNTOUCHED, "{service}");
        }
    };
    check(("POST", ""), r#"[{"Name":"d","name":"e"}]"#);
    check(("PATCH", "/1"), r#"{"name":"d","NAME":"e"}"#);
    check(("DELETE", "?id_field=name"), r#"[{"name":"a","Name":"b"}]"#);
}

#[test]
fn whole_numbers_may_be_written_with_a_point_or_an_exponent() {
    let stock = Stock::new();
    for service in SERVICES {
        let body = r#"[{"name":1e5,"qty":1e3,"owner":7.0,"price":1e5},{"name":"e","qty":"2.50e1"}]"#;
        let answer = stock.send(WRITER, service, ("POST", "?fields=name,qty,owner,price"), body);
        let expected = r#"{"resource":[{"name":"1e5","qty":1000,"owner":7,"price":100000},{"name":"e","qty":25,"owner":null,"price":null}]}"#;
        answer.is_ok(expected);
        let answer = stock.send(WRITER, service, ("PATCH", "/1"), r#"{"qty":1.5}"#);
        answer.is_error(400, "Field 'qty' must be a valid integer.");
        stock.send(WRITER, service, ("PATCH", "/1e0?fields=id"), "{}").is_ok(r#"{"id":1}"#);
    }
}

#[test]
fn a_text_that_the_database_reads_as_json_and_is_none_is_the_callers_error() {
    let documents = Stock::named("documents");
    let send = |verb, behind, body| documents.send(WRITER, "shop", (verb, behind), body);
    send("POST", "?fields=kind", r#"[{"data":"{\"kind\":\"a\"}"}]"#).is_ok(r#"{"resource":[{"kind":"a"}]}"#);
    let answer = send("PATCH", "/1", r#"{"data":"no JSON"}"#);
    let error = &answer.json()["error"];
    assert_eq!((answer.status, &error["context"]), (400, &json!({ "kind": "malformed_json" })));
}

#[test]
fn a_single_row_answers_its_own_error() {
    check_refused(("PATCH", "/99"), r#"{"qty":1}"#, 404, "Record with identifier '99' not found.");
    check_refused(("PATCH", "/99"), "{}", 404, "Record with identifier '99' not found.");
    check_refused(("DELETE", "/99"), "", 404, "Record with identifier '99' not found.");
    check_refused(("PATCH", "/1"), r#"{"name":null}"#, 400, "Field 'name' can not be NULL.");
    check_refused(("PATCH", "/1"), r#"{"name":[]}"#, 400, "Field 'name' can not be NULL.");
    check_refused(("PATCH", "/1"), r#"{"qty":"x"}"#, 400, "Field 'qty' must be a valid integer.");
    check_refused(
        ("PATCH", "/1"),
        r#"{"qty":{"expression":"(SELECT 1)"}}"#,
        400,
        "SQL expression '(SELECT 1)' is not permitted.",
    );
}

#[test]
fn composite_keys_are_written_by_tuples_objects_and_records() {
    let lines = Stock::named("lines");
    for service in SERVICES {
        let send =
            |verb, behind, body, answer| lines.send(WRITER, service, (verb, behind), body).is_ok(answer);
        let two = r#"{"resource":[{"order_id":1,"line":1},{"order_id":1,"line":2}]}"#;
        send("PATCH", "?ids=(1,1),(1,2)", r#"[{"qty":8}]"#, two);
        send("PATCH", "", r#"{"ids":[[1,1],{"line":2,"order_id":1}],"resource":[{"qty":7}]}"#, two);
        send("PUT", "/(1,3)", r#"{"qty":9,"line":5}"#, r#"{"order_id":1,"line":3}"#);
        send("POST", "?fields=qty", r#"[{"order_id":2,"line":1,"qty":4}]"#, r#"{"resource":[{"qty":4}]}"#);
        send("DELETE", "", r#"[{"line":1,"order_id":2}]"#, r#"{"resource":[{"order_id":2,"line":1}]}"#);
        let left = r#"{"resource":[{"line":1,"qty":7},{"line":2,"qty":7},{"line":3,"qty":9}]}"#;
        send("GET", "?fields=line,qty&order=line", "", left);
    }
}

#[test]
fn a_table_without_a_key_is_written_where_the_answer_does_not_need_one() {
    let logs = Stock::named("logs");
    for service in SERVICES {
        let send = |verb, behind, body| logs.send(WRITER, service, (verb, behind), body);
        let message = "Identifying field(s) could not be determined.";
        send("POST", "", r#"[{"line":"x"}]"#).is_error(500, message);
        send("PATCH", "/1", r#"{"line":"x"}"#).is_error(500, message);
        send("POST", "?fields=line", r#"[{"line":"x","level":1},{"line":"y","level":1}]"#)
            .is_ok(r#"{"resource":[{"line":"x"},{"line":"y"}]}"#);
        send("PATCH", "?fields=*&filter=line%3Dx", r#"[{"level":5}]"#)
            .is_ok(r#"{"resource":[{"line":"x","level":5}]}"#);
        send("DELETE", "?force=1", "").is_ok(r#"{"success":true}"#);
        send("GET", "", "").is_ok(r#"{"resource":[]}"#);
    }
}

#[test]
fn a_member_of_a_document_is_shown_by_a_write_as_by_a_read_or_refused_before_it() {
    let create = |service: &str, stock: &Stock| {
        let body = r#"{"resource":[{"name":"d","owner":7,"data":{"a":{"b":5}}}]}"#;
        stock.send(WRITER, service, ("POST", "?fields=id,data.a.b"), body)
    };
    let stock = Stock::new();
    create("mem", &stock).is_ok(r#"{"resource":[{"id":4,"data.a.b":5}]}"#);
    let changed = stock.send(WRITER, "mem", ("PATCH", "/4?fields=data.a.b"), r#"{"data":{"a":{"b":6}}}"#);
    changed.is_ok(r#"{"data.a.b":6}"#);
    let message = "a path into a document is not supported by this service";
    create("shop", &stock).is_error(501, message);
    stock.send(WRITER, "shop", ("GET", "?fields=data.a.b"), "").is_error(501, message);
    assert_eq!(stock.rows("shop"), UNTOUCHED);
}
