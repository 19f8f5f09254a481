//! Related rows in the answers of reads: what belongs where, what may be asked of them, who may see them, and how many statements it takes.

use std::sync::OnceLock;

use rusqlite::Connection;
use serde_json::{Value as Json, json};

use crate::client::Answer;
use crate::gateway::{Gateway, Setup};
use crate::logs::statements_of;
use crate::sales::with;
use crate::shop::READER;

pub(crate) const CLERK: &str = "key-of-clerks";

fn shared() -> &'static Gateway {
    static SHARED: OnceLock<Gateway> = OnceLock::new();
    SHARED.get_or_init(|| {
        let setup = Setup::new(include_str!("related.toml"));
        let database = Connection::open(setup.path("related.sqlite")).unwrap();
        database.execute_batch(include_str!("related.sql")).unwrap();
        setup.start()
    })
}

#[track_caller]
pub(crate) fn ask(key: &str, path: &str, parameters: &[(&str, &str)]) -> Answer {
    let request = crate::client::get(&format!("/api/v2/shop/_table/{path}")).key(key);
    shared().send(with(request, parameters))
}

/// The rows of an answer.
#[track_caller]
pub(crate) fn rows(path: &str, parameters: &[(&str, &str)]) -> Json {
    let answer = ask(READER, path, parameters);
    assert_eq!(answer.status, 200, "{path} {parameters:?}: {}", answer.body);
    answer.json()["resource"].take()
}

#[test]
fn a_row_that_is_referred_to_is_an_object_or_null() {
    let related = ("related", "customers_by_customer_id");
    assert_eq!(
        rows("orders", &[related, ("ids", "1,5"), ("fields", "id")]),
        json!([{ "id": 1, "customers_by_customer_id": { "id": 1, "name": "Ada", "referred_by": null } },
               { "id": 5, "customers_by_customer_id": null }])
    );
}

#[test]
fn rows_that_refer_are_a_list_and_a_single_one_is_an_object() {
    let fields = [("fields", "name"), ("orders_by_customer_id.fields", "id"), ("order", "id")];
    let many = rows("customers", &[&fields[..], &[("related", "orders_by_customer_id")]].concat());
    assert_eq!(
        many,
        json!([{ "name": "Ada", "orders_by_customer_id": [{ "id": 1 }, { "id": 2 }] },
               { "name": "Bob", "orders_by_customer_id": [{ "id": 3 }] },
               { "name": "Cy", "orders_by_customer_id": [{ "id": 4 }] },
               { "name": "Dee", "orders_by_customer_id": [] }])
    );
    let one =
        rows("customers", &[("fields", "id"), ("filter", "id < 3"), ("related", "profiles_by_customer_id")]);
    assert_eq!(
        one,
        json!([{ "id": 1, "profiles_by_customer_id": [] },
               { "id": 2, "profiles_by_customer_id": { "customer_id": 2, "bio": "builds" } }])
    );
}

#[test]
fn rows_behind_a_third_table_come_once_each() {
    let found = rows(
        "orders",
        &[("fields", "id"), ("related", "products_by_order_items"), ("filter", "id <= 2 or id = 4")],
    );
    assert_eq!(
        found,
        json!([{ "id": 1, "products_by_order_items": [{ "id": 1, "name": "pen" }, { "id": 3, "name": "pad" }] },
               { "id": 2, "products_by_order_items": [{ "id": 2, "name": "ink" }] },
               { "id": 4, "products_by_order_items": [] }])
    );
}

#[test]
fn a_table_that_refers_to_itself_leads_both_ways() {
    let names = "customers_by_referred_by,customers_by_referred_by_parent";
    let found = ask(
        READER,
        "customers/2",
        &[("related", names), ("fields", "id"), ("customers_by_referred_by_parent.fields", "name")],
    );
    found.is_ok(r#"{"id":2,"customers_by_referred_by":[],"customers_by_referred_by_parent":{"name":"Ada"}}"#);
}

#[test]
fn keys_of_several_columns_and_texts_lead_to_their_rows() {
    let notes = rows(
        "order_items",
        &[
            ("related", "notes_by_order_id_line"),
            ("notes_by_order_id_line.fields", "text"),
            ("fields", "line"),
            ("filter", "order_id = 1"),
        ],
    );
    assert_eq!(
        notes,
        json!([{ "line": 1, "notes_by_order_id_line": [] },
               { "line": 2, "notes_by_order_id_line": [{ "text": "gift" }, { "text": "wrap" }] },
               { "line": 3, "notes_by_order_id_line": [] }])
    );
    let tags = rows("tagged", &[("related", "tags_by_code"), ("fields", "id"), ("limit", "5")]);
    let codes: Vec<&Json> = tags.as_array().unwrap().iter().map(|row| &row["tags_by_code"]["code"]).collect();
    assert_eq!(codes, [&json!("a,b"), &json!("it's"), &json!(""), &json!("0"), &Json::Null]);
}

#[test]
fn order_filter_and_limit_count_for_each_row() {
    let check = |options: &[(&str, &str)], expected: Json| {
        let fixed = [
            ("fields", "id"),
            ("filter", "id < 3"),
            ("related", "orders_by_customer_id"),
            ("orders_by_customer_id.fields", "id"),
        ];
        let found = rows("customers", &[&fixed, options].concat());
        let ids = |row: &Json| {
            row["orders_by_customer_id"].as_array().unwrap().iter().map(|order| order["id"].clone()).collect()
        };
        let ids: Vec<Vec<Json>> = found.as_array().unwrap().iter().map(ids).collect();
        assert_eq!(json!(ids), expected, "{options:?}");
    };
    check(&[("orders_by_customer_id.order", "id desc")], json!([[2, 1], [3]]));
    check(
        &[("orders_by_customer_id_order", "id desc"), ("orders_by_customer_id_limit", "1")],
        json!([[2], [3]]),
    );
    check(&[("orders_by_customer_id.filter", "status = paid")], json!([[2], [3]]));
    check(&[("orders_by_customer_id.filter", "status = :s"), ("params[:s]", "new")], json!([[1], []]));
}

#[test]
fn names_go_on_with_relationships_of_the_related_table() {
    let found = ask(
        READER,
        "customers/1",
        &[
            ("fields", "id"),
            (
                "related",
                "orders_by_customer_id.products_by_order_items,orders_by_customer_id.customers_by_customer_id",
            ),
            ("orders_by_customer_id.fields", "total"),
            ("orders_by_customer_id.products_by_order_items.fields", "name"),
            ("orders_by_customer_id.products_by_order_items.limit", "1"),
            ("orders_by_customer_id_customers_by_customer_id_fields", "name"),
        ],
    );
    found.is_ok(
        r#"{"id":1,"orders_by_customer_id":[{"total":10,"products_by_order_items":[{"name":"pen"}],"customers_by_customer_id":{"name":"Ada"}},{"total":25.5,"products_by_order_items":[{"name":"ink"}],"customers_by_customer_id":{"name":"Ada"}}]}"#,
    );
}

#[test]
fn what_is_left_out_of_related_rows_is_told() {
    let related = ("related", "letters_by_customer_id");
    let answer =
        ask(READER, "customers", &[related, ("fields", "id"), ("letters_by_customer_id.fields", "id")])
            .json();
    let counts: Vec<usize> = answer["resource"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["letters_by_customer_id"].as_array().unwrap().len())
        .collect();
    assert_eq!(counts, [5, 2, 0, 0], "the service's maximum counts for each row");
    assert_eq!(answer["meta"]["related_truncated"], json!(["letters_by_customer_id"]));
    let whole = ask(READER, "customers", &[related, ("filter", "id = 2")]).json();
    assert_eq!(whole["meta"], Json::Null, "{whole}");
}

#[test]
fn a_level_takes_one_statement_whatever_the_number_of_rows() {
    let check = |related: &str, statements: usize| {
        let request =
            crate::client::get("/api/v2/shop/_table/customers").key(READER).with("related", related);
        let (logged, answer) = statements_of(shared(), request);
        assert_eq!((answer.status, logged.len()), (200, statements), "{related}: {logged:?}");
    };
    check("", 1);
    check("orders_by_customer_id", 2);
    check("orders_by_customer_id,profiles_by_customer_id", 3);
    check("orders_by_customer_id.order_items_by_order_id", 3);
    check("orders_by_customer_id.products_by_order_items", 4);
}

#[test]
fn all_relationships_are_those_whose_rows_the_caller_may_read() {
    let members = |key: &str| {
        let row = ask(key, "customers/1", &[("related", "*"), ("fields", "id")]).json();
        let mut names: Vec<String> = row.as_object().unwrap().keys().cloned().collect();
        names.sort_unstable();
        names
    };
    assert_eq!(
        members(READER),
        [
            "customers_by_referred_by",
            "customers_by_referred_by_parent",
            "id",
            "letters_by_customer_id",
            "orders_by_customer_id",
            "profiles_by_customer_id"
        ]
    );
    assert_eq!(
        members(CLERK),
        ["customers_by_referred_by", "customers_by_referred_by_parent", "id", "orders_by_customer_id"]
    );
}

#[test]
fn row_rules_hold_for_related_rows() {
    let answer = ask(
        CLERK,
        "customers",
        &[
            ("related", "orders_by_customer_id"),
            ("fields", "id"),
            ("orders_by_customer_id.fields", "id,status"),
        ],
    );
    answer.is_ok(
        r#"{"resource":[{"id":1,"orders_by_customer_id":[{"id":2,"status":"paid"}]},{"id":2,"orders_by_customer_id":[{"id":3,"status":"paid"}]},{"id":3,"orders_by_customer_id":[]},{"id":4,"orders_by_customer_id":[]}]}"#,
    );
    let wider = ask(
        CLERK,
        "customers/1",
        &[
            ("related", "orders_by_customer_id"),
            ("orders_by_customer_id.filter", "status = new or id > 0"),
            ("fields", "id"),
            ("orders_by_customer_id.fields", "id"),
        ],
    );
    wider.is_ok(r#"{"id":1,"orders_by_customer_id":[{"id":2}]}"#);
}

#[test]
fn who_may_not_read_a_table_gets_none_of_its_rows_by_a_relationship() {
    let direct = ask(CLERK, "profiles", &[]);
    assert_eq!(direct.status, 401, "{}", direct.body);
    for (path, related) in [
        ("customers", "profiles_by_customer_id"),
        ("orders", "order_items_by_order_id"),
        // The table between the two is not granted.
        ("orders", "products_by_order_items"),
    ] {
        let answer = ask(CLERK, path, &[("related", related)]);
        assert_eq!((answer.status, &answer.body), (direct.status, &direct.body), "{related}");
    }
}

#[test]
fn related_rows_come_in_every_form() {
    let parameters = [
        ("related", "customers_by_customer_id"),
        ("ids", "1"),
        ("fields", "id"),
        ("customers_by_customer_id.fields", "name"),
    ];
    let check = |accept: &str, expected: &str| {
        let answer = ask(READER, "orders", &[&parameters[..], &[("accept", accept)]].concat());
        assert!(answer.status == 200 && answer.body.contains(expected), "{accept}: {}", answer.body);
    };
    check("application/x-ndjson", "{\"id\":1,\"customers_by_customer_id\":{\"name\":\"Ada\"}}\n");
    check("application/xml", "<name>Ada</name>");
    check("text/csv", "\"{\"\"name\"\":\"\"Ada\"\"}\"");
}

#[test]
fn what_can_not_be_is_refused_and_names_of_nothing_mean_nothing() {
    let check = |parameters: &[(&str, &str)], status: u16, message: &str| {
        let answer = ask(READER, "orders", parameters);
        assert_eq!(
            (answer.status, answer.body.contains(message)),
            (status, true),
            "{parameters:?}: {}",
            answer.body
        );
    };
    let customers = ("related", "customers_by_customer_id");
    check(
        &[("related", "nothing,customers_by_nothing"), ("ids", "5"), ("fields", "id")],
        200,
        r#"[{"id":5}]"#,
    );
    check(&[customers, ("customers_by_customer_id.fields", "nope")], 400, "Invalid field requested: nope");
    check(&[customers, ("customers_by_customer_id.filter", "nope = 1")], 400, "nope");
    check(&[customers, ("customers_by_customer_id.filter", "((name = x")], 400, "filter");
    check(&[customers, ("customers_by_customer_id.offset", "1")], 400, "'offset' can't be asked");
    check(&[customers, ("customers_by_customer_id.fields", "COUNT(*)")], 400, "aggregates can't be asked");
    check(
        &[customers, ("customers_by_customer_id.group", "name")],
        400,
        "'group' can't be asked of related rows",
    );
    let all = ["", "customers_by_customer_id.", "customers_by_customer_id.orders_by_customer_id."];
    let all = all.map(|name| (format!("{name}related"), "*"));
    let all: Vec<(&str, &str)> = all.iter().map(|(name, star)| (name.as_str(), *star)).collect();
    check(&[&all[..], &[("limit", "1")]].concat(), 200, "orders_by_customer_id");
    check(&[customers, ("group", "status"), ("fields", "status")], 400, "can't be combined with 'group'");
    let deep = ["orders_by_customer_id.customers_by_customer_id"; 4].join(".");
    check(&[("related", &format!("customers_by_customer_id.{deep}"))], 400, "5 levels deep at most");
}
