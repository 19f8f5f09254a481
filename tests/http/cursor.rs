//! Pages by cursor: every row once and in order, whatever the page size; tokens that are good for one request only; the same cost at
//! any depth.

use rusqlite::Connection;
use serde_json::{Value as Json, json};

use crate::client::Answer;
use crate::gateway::{Gateway, eventually};
use crate::logs::lines;
use crate::sales::{self, SERVICES, STEPS, ask, shared};
use crate::shop::{self, reading};

/// Everything that fits into an answer.
const ALL: &str = "1000";
const OTHER_REQUEST: &str = "The cursor is one of another request: service, table, order, filter and caller must be those of the page \
                             that it came with.";
const UNREADABLE: &str = "The cursor can't be read: it was changed on the way, or made before the gateway was started anew. Begin again \
                          with 'page=cursor'.";

/// The first page.
#[track_caller]
fn first(path: &str, parameters: &[(&str, &str)]) -> Answer {
    ask(shared(), path, &[&[("page", "cursor")], parameters].concat())
}

#[track_caller]
fn cursor_of(answer: &Answer) -> String {
    answer.json()["meta"]["next_cursor"].as_str().unwrap_or_else(|| panic!("{}", answer.body)).to_owned()
}

/// All rows by following cursors, in pages of `limit` rows.
#[track_caller]
fn walk(gateway: &Gateway, path: &str, parameters: &[(&str, &str)], limit: usize) -> Vec<Json> {
    let limit_text = limit.to_string();
    let mut rows = Vec::new();
    let mut cursor = String::new();
    loop {
        let paging = [("limit", limit_text.as_str()), ("cursor", cursor.as_str())];
        let answer = ask(gateway, path, &[parameters, &paging].concat());
        assert_eq!(answer.status, 200, "{}", answer.body);
        let mut page = answer.json();
        let Json::Array(more) = page["resource"].take() else { panic!("{}", answer.body) };
        let count = more.len();
        rows.extend(more);
        match page.get("meta") {
            Some(meta) => {
                assert_eq!(
                    (count, meta.as_object().unwrap().len()),
                    (limit, 1),
                    "a full page and no more: {meta}"
                );
                meta["next_cursor"].as_str().unwrap().clone_into(&mut cursor);
            }
            None => return rows,
        }
        assert!(rows.len() <= 1000, "the cursor goes round in circles");
    }
}

/// Pages of any size give the rows of one large answer.
#[track_caller]
fn check(path: &str, parameters: &[(&str, &str)]) -> Vec<Json> {
    let whole = ask(shared(), path, &[parameters, &[("limit", ALL)]].concat());
    let Json::Array(whole) = whole.json()["resource"].take() else { panic!("{}", whole.body) };
    for limit in [1, 7, whole.len().max(1), whole.len() + 1] {
        assert_eq!(walk(shared(), path, parameters, limit), whole, "{path} {parameters:?} by {limit}");
    }
    whole
}

#[test]
fn pages_in_any_order_hold_every_row_once() {
    for service in SERVICES {
        for order in [
            "",
            "id desc",
            "grade",
            "grade desc",
            "grade nulls last",
            "grade desc nulls first, name",
            "name desc, ratio, day",
            "ratio desc, grade nulls last, id desc",
            "serial desc",
            "day, id",
        ] {
            let rows = check(&format!("{service}/_table/steps"), &[("order", order)]);
            assert_eq!(i64::try_from(rows.len()), Ok(STEPS), "{service} {order}");
        }
    }
}

#[test]
fn nulls_stand_in_the_same_place_in_every_service() {
    for (order, first_grade) in [
        ("grade", Json::Null),
        ("grade desc", json!(6)),
        ("grade nulls last", json!(1)),
        ("grade desc nulls first", Json::Null),
    ] {
        let [shop, mem] = SERVICES.map(|service| {
            ask(shared(), &format!("{service}/_table/steps"), &[("order", order), ("limit", ALL)])
        });
        assert_eq!(shop.body, mem.body, "{order}");
        assert_eq!(shop.json()["resource"][0]["grade"], first_grade, "{order}");
    }
}

#[test]
fn a_filter_holds_on_every_page() {
    for service in SERVICES {
        let path = format!("{service}/_table/steps");
        let rows = check(&path, &[("filter", "grade > 2 or grade is null"), ("order", "name")]);
        assert_eq!(rows.len(), 40);
        assert_eq!(check(&path, &[("filter", "grade > 99")]), [] as [Json; 0]);
    }
}

#[test]
fn a_composite_key_and_a_unique_key_tell_rows_apart() {
    for service in SERVICES {
        let lines = format!("{service}/_table/lines");
        check(&lines, &[]);
        check(&lines, &[("order", "item, line desc")]);
        check(&lines, &[("order", "\"order\" desc"), ("fields", "item")]);
        let codes = format!("{service}/_table/codes");
        for unique in [("id_field", "code"), ("order", "code desc"), ("order", "grade, code")] {
            assert_eq!(check(&codes, &[unique]).len(), 57, "{service} {unique:?}");
        }
    }
}

#[test]
fn rows_that_nothing_tells_apart_have_no_cursor() {
    let message = "a cursor needs rows that can be told apart, and this table has no primary key: give 'id_field', or an 'order', with \
                   all columns of a unique key that has no nulls";
    let context = json!({ "parameter": "cursor", "position": null });
    for path in ["shop/_table/codes", "mem/_table/codes", "shop/_table/graded"] {
        first(path, &[]).is_error_with(400, message, &context);
        first(path, &[("order", "grade")]).is_error_with(400, message, &context);
    }
}

#[test]
fn rows_that_come_and_go_move_no_other_row() {
    let gateway = sales::setup("").start();
    let database = Connection::open(gateway.setup.path("shop.sqlite")).unwrap();
    let page = |cursor: &str| {
        ask(&gateway, "shop/_table/steps", &[("fields", "id"), ("limit", "2"), ("cursor", cursor)])
    };
    let cursor = cursor_of(&page(""));
    database.execute_batch("DELETE FROM steps WHERE id <= 2; UPDATE steps SET id = 0 WHERE id = 4").unwrap();
    assert_eq!(page(&cursor).json()["resource"], json!([{ "id": 3 }, { "id": 5 }]));
}

#[test]
fn what_may_change_from_page_to_page_is_the_size_and_the_fields() {
    for service in SERVICES {
        let path = format!("{service}/_table/steps");
        let cursor = cursor_of(&first(&path, &[("limit", "3"), ("order", "serial")]));
        let next = [("cursor", cursor.as_str()), ("order", "serial"), ("limit", "2"), ("fields", "id")];
        let again = ask(shared(), &path, &next);
        let whole = ask(shared(), &path, &[("order", "serial"), ("limit", "5"), ("fields", "id")]);
        assert_eq!(again.json()["resource"][0], whole.json()["resource"][3]);
        assert_eq!(again.json()["resource"].as_array().map(Vec::len), Some(2));
    }
}

#[test]
fn a_cursor_is_good_for_its_request_only() {
    let context = json!({ "parameter": "cursor", "position": null });
    let request = [("order", "name"), ("filter", "grade > 1"), ("limit", "3")];
    let cursor = cursor_of(&first("shop/_table/steps", &request));
    let next = ("cursor", cursor.as_str());
    assert_eq!(ask(shared(), "shop/_table/steps", &[&request[..], &[next]].concat()).status, 200);
    let filtered = |filter| [("order", "name"), ("filter", filter), next];
    for (path, parameters) in [
        ("shop/_table/steps", &[("filter", "grade > 1"), next][..]),
        ("shop/_table/steps", &[("order", "name desc"), ("filter", "grade > 1"), next]),
        ("shop/_table/steps", &[("order", "name"), next]),
        ("shop/_table/steps", &filtered("grade > 2")),
        ("shop/_table/steps", &filtered("grade >= 1")),
        ("shop/_table/sales", &[next]),
        ("mem/_table/steps", &filtered("grade > 1")),
    ] {
        ask(shared(), path, parameters).is_error_with(400, OTHER_REQUEST, &context);
    }
    for key in ["key-of-other-readers", "key-of-graders"] {
        let other = crate::client::get("/api/v2/shop/_table/steps").key(key);
        let other = sales::with(other, &[&request[..], &[next]].concat());
        shared().send(other).is_error_with(400, OTHER_REQUEST, &context);
    }
}

#[test]
fn a_cursor_that_was_changed_or_made_up_is_refused() {
    let context = json!({ "parameter": "cursor", "position": null });
    let cursor = cursor_of(&first("shop/_table/steps", &[("limit", "3")]));
    let (head, tail) = cursor.split_at(cursor.len() / 2);
    let changed = format!("{head}{}{}", if tail.starts_with('A') { 'B' } else { 'A' }, &tail[1..]);
    for token in
        [changed.as_str(), head, &format!("{cursor}AAAA"), "abc", "5", "' OR 1=1 --", &"A".repeat(30_000)]
    {
        ask(shared(), "shop/_table/steps", &[("cursor", token)]).is_error_with(400, UNREADABLE, &context);
    }
    assert!(!cursor.contains("grade"), "{cursor}");
}

#[test]
fn a_cursor_and_what_it_cannot_go_with_are_refused() {
    let check = |parameters: &[(&str, &str)], parameter: &str, message: &str| {
        for service in SERVICES {
            let error = first(&format!("{service}/_table/steps"), parameters).json()["error"].clone();
            assert_eq!(error["message"], message, "{parameters:?}");
            assert_eq!(error["context"]["parameter"], parameter, "{parameters:?}");
        }
    };
    check(&[("offset", "3")], "offset", "'offset' can't be combined with a cursor; leave one of them out");
    check(&[("page", "3")], "page", "'page' must be 'cursor' or 'offset'");
    let groups = "a cursor can't go through groups, aggregates or 'distinct'; page by 'offset'";
    check(&[("group", "grade")], "cursor", groups);
    check(&[("fields", "COUNT(*)")], "cursor", groups);
    check(&[("distinct", "true")], "cursor", groups);
    check(&[("ids", "1,2")], "cursor", "'cursor' can't be combined with identifiers");
}

#[test]
fn a_page_by_cursor_counts_only_when_asked() {
    for service in SERVICES {
        let path = format!("{service}/_table/steps");
        let answer = first(&path, &[("limit", "3"), ("include_count", "true")]);
        let meta = &answer.json()["meta"];
        assert_eq!((&meta["count"], meta.as_object().map(serde_json::Map::len)), (&json!(57), Some(2)));
        let list = first(&path, &[("limit", "2"), ("as_list", "true"), ("order", "serial")]);
        let rest = ask(
            shared(),
            &path,
            &[("cursor", &cursor_of(&list)), ("limit", "1"), ("as_list", "true"), ("order", "serial")],
        );
        let whole = ask(shared(), &path, &[("limit", "3"), ("as_list", "true"), ("order", "serial")]);
        assert_eq!(rest.json()["resource"][0], whole.json()["resource"][2]);
    }
}

#[test]
fn a_cursor_needs_a_form_that_has_a_place_for_the_next_one() {
    let message = "A cursor needs a form of answer that has 'meta': JSON or XML.";
    for form in ["text/csv", "application/x-ndjson"] {
        let answer = first("shop/_table/steps", &[("accept", form)]);
        assert_eq!((answer.status, answer.body.contains(message)), (400, true), "{form}: {}", answer.body);
    }
    let xml = first("shop/_table/steps", &[("accept", "application/xml"), ("limit", "1"), ("fields", "id")]);
    assert!(xml.body.contains("<next_cursor>"), "{}", xml.body);
    // A bare list has no place for it either, so the answer is not bare.
    let bare = first("shop/_table/steps", &[("wrap", "false"), ("limit", "1"), ("fields", "id")]);
    assert_eq!(bare.json()["resource"], json!([{ "id": 1 }]));
    cursor_of(&bare);
}

#[test]
fn gateways_with_one_key_read_each_others_cursors() {
    let gateway = |key: Option<&str>| {
        let setup = sales::setup("");
        match key {
            Some(key) => setup.variable("TABLEGATE_SERVER__CURSOR_KEY", key).start(),
            None => setup.start(),
        }
    };
    let key = "0123456789abcdef0123456789abcdef";
    let (one, two, other) = (gateway(Some(key)), gateway(Some(key)), gateway(None));
    let first = one.send(reading("shop/_table/steps?page=cursor&limit=1&fields=id"));
    let cursor = cursor_of(&first);
    let next = |gateway: &Gateway| {
        ask(gateway, "shop/_table/steps", &[("cursor", &cursor), ("limit", "1"), ("fields", "id")])
    };
    assert_eq!(next(&two).json()["resource"], json!([{ "id": 2 }]));
    next(&other).is_error_with(400, UNREADABLE, &json!({ "parameter": "cursor", "position": null }));
}

/// What the database does for the pages of an order, in its own words: one list for each statement.
fn query_plans(order: &str) -> Vec<Vec<String>> {
    let more = "[logging]\nquery_log = true\nformat = \"json\"\n";
    let gateway = sales::setup(more).start();
    let pages = walk(&gateway, "shop/_table/steps", &[("order", order)], 3).len().div_ceil(3);
    eventually("all answers are logged", || lines(&gateway, "answered").len() >= pages);
    let database = Connection::open(gateway.setup.path("shop.sqlite")).unwrap();
    let logged = lines(&gateway, "statement");
    let statements = logged.iter().filter_map(|line| line["statement"].as_str());
    let mut statements: Vec<String> =
        statements.filter(|sql| sql.contains("\"steps\"")).map(str::to_owned).collect();
    statements.sort_unstable();
    statements.dedup();
    let plan = |sql: &String| {
        let mut explain = database.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let mut rows = explain.raw_query();
        let mut steps = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            steps.push(row.get::<_, String>("detail").unwrap());
        }
        steps
    };
    statements.iter().map(plan).collect()
}

#[test]
fn every_page_is_found_by_an_index_and_nothing_is_sorted() {
    for order in ["", "id desc", "grade", "grade desc", "day", "day desc, id desc"] {
        let plans = query_plans(order);
        assert!(plans.len() > 1, "{order}: {plans:?}");
        for plan in &plans {
            let is_found = |step: &String| step.starts_with("SEARCH") || step.contains("USING INDEX");
            // The first page begins where the table or the index does.
            let is_start =
                plans.len() > 1 && plan == &["SCAN steps"] && (order.is_empty() || order == "id desc");
            assert!(is_start || plan.iter().all(is_found), "{order}: {plans:?}");
            assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{order}: {plans:?}");
        }
        let starts = plans.iter().filter(|plan| plan.iter().any(|step| step.starts_with("SCAN"))).count();
        assert!(starts <= 2, "only a first page and the step over nulls begin at an end: {order}: {plans:?}");
    }
}

#[test]
fn a_view_has_the_key_that_the_configuration_declares() {
    let keyed = r#"
[[services]]
name = "keyed"
type = "sqlite"

[services.config]
database = "shop.sqlite"

[services.config.keys]
PAID_orders = ["ID"]
logs = ["line", "nope"]
orders = ["status"]
"#;
    let gateway = shop::setup(keyed).start();
    let read = |path: &str| gateway.send(reading(&format!("keyed/_table/{path}")));
    let first = read("paid_orders?fields=total&page=cursor&limit=1");
    let cursor = cursor_of(&first);
    assert_eq!(first.json()["resource"], json!([{ "total": 25.5 }]));
    let second = read(&format!("paid_orders?fields=total&limit=1&cursor={cursor}"));
    second.is_ok(r#"{"resource":[{"total":99.99}]}"#);
    read("paid_orders?as_list=true").is_ok(r#"{"resource":[2,3]}"#);
    read("paid_orders?fields=&ids=3,2").is_ok(r#"{"resource":[{"id":3},{"id":2}]}"#);
    let row = read("paid_orders/2?fields=total");
    assert_eq!((row.body.as_str(), row.header("etag").is_empty()), (r#"{"total":25.5}"#, false));
    // What does not fit is left out, and the log says why.
    read("logs?ids=1").is_error(500, "Identifying field(s) could not be determined.");
    read("orders/2?fields=id").is_ok(r#"{"id":2}"#);
    let log = gateway.log.find("which 'logs' does not have").unwrap();
    assert!(log.contains("a declared key does not fit its table"), "{log}");
    gateway.log.find("which has a primary key of its own").unwrap();
    let undeclared = gateway.send(reading("shop/_table/paid_orders/2"));
    undeclared.is_error(500, "Identifying field(s) could not be determined.");
}

#[test]
fn rows_with_a_null_in_their_primary_key_are_not_left_out() {
    let setup = shop::setup("");
    let database = Connection::open(setup.path("shop.sqlite")).unwrap();
    let table = "CREATE TABLE one (code TEXT PRIMARY KEY, n INT); INSERT INTO one VALUES ('b', 1), (NULL, 2), ('a', 3);
                 CREATE TABLE two (code TEXT PRIMARY KEY, n INT);
                 INSERT INTO two VALUES (NULL, 1), ('b', 2), (NULL, 3), ('a', 4)";
    database.execute_batch(table).unwrap();
    drop(database);
    let gateway = setup.start();
    let read = |path: &str| gateway.send(reading(&format!("shop/_table/{path}")));
    let walk = |path: &str| {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = read(&format!("{path}&fields=n&cursor={cursor}")).json();
            found.extend(page["resource"].as_array().unwrap().iter().map(|row| row["n"].as_u64().unwrap()));
            match page["meta"]["next_cursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => return found,
            }
        }
    };
    for limit in 1..=3 {
        assert_eq!(walk(&format!("one?limit={limit}")), [2, 3, 1], "{limit}");
        assert_eq!(walk(&format!("one?order=code+desc&limit={limit}")), [1, 3, 2], "{limit}");
    }
    let mut all = walk("two?limit=3");
    all.sort_unstable();
    assert_eq!(all, [1, 2, 3, 4]);
    // Between the two nulls there is no place for a page to end.
    let message = "the page ends between rows that its order can't tell apart, since their keys are null or not unique: ask for more \
                   rows at once, or page by 'offset'";
    read("two?limit=1&page=cursor").is_error(400, message);
}

#[test]
fn a_cursor_does_not_go_on_from_a_value_of_another_kind_than_its_column() {
    let setup = shop::setup("");
    let database = Connection::open(setup.path("shop.sqlite")).unwrap();
    let table = "CREATE TABLE mixed (id INTEGER PRIMARY KEY, t TEXT NOT NULL, n INTEGER NOT NULL);
                 INSERT INTO mixed VALUES (1, 'a', 5), (2, CAST(x'ff41' AS TEXT), 'five'), (3, 'b', 6)";
    database.execute_batch(table).unwrap();
    drop(database);
    let gateway = setup.start();
    let read = |order: &str, limit: u8| {
        let path = format!("shop/_table/mixed?fields=id&page=cursor&order={order}&limit={limit}");
        gateway.send(reading(&path))
    };
    let message = "a row has a value in the order that the others can't be compared with; a cursor can't go past it, page by \
                   'offset'";
    for order in ["t+desc", "n+desc"] {
        read(order, 1).is_error(400, message);
        read(order, 3).is_ok(r#"{"resource":[{"id":2},{"id":3},{"id":1}]}"#);
    }
}
