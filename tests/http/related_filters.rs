//! Filters that look into related tables: which rows are taken, what conditions that stand side by side mean, who may look where.

use rusqlite::Connection;
use serde_json::{Value as Json, json};

use crate::client::{get, request};
use crate::gateway::Setup;
use crate::related::{CLERK, ask, rows};
use crate::shop::{EVERYTHING, READER};

/// The identifiers of the rows that a filter takes.
#[track_caller]
fn taken(key: &str, table: &str, filter: &str) -> Json {
    let answer = ask(key, table, &[("filter", filter), ("fields", "id")]);
    assert_eq!(answer.status, 200, "{filter}: {}", answer.body);
    let rows = answer.json().pointer("/resource").and_then(Json::as_array).cloned().unwrap_or_default();
    rows.iter().map(|row| row.get("id").cloned().unwrap_or_default()).collect()
}

#[test]
fn a_row_is_taken_if_one_of_its_related_rows_is() {
    for (table, filter, expected) in [
        ("customers", "orders_by_customer_id.status = paid", json!([1, 2])),
        ("customers", "orders_by_customer_id.status != paid", json!([1, 3])),
        ("customers", "orders_by_customer_id.total between 20 and 30", json!([1])),
        ("customers", "orders_by_customer_id.status in (paid, lost)", json!([1, 2])),
        ("customers", "ORDERS_BY_customer_id.Status contains ai", json!([1, 2])),
        ("customers", "orders_by_customer_id.total is null", json!([])),
        ("customers", "profiles_by_customer_id.bio like b%", json!([2])),
        ("orders", "customers_by_customer_id.name = Ada", json!([1, 2])),
        ("orders", "products_by_order_items.name = ink", json!([2, 3])),
        ("order_items", "notes_by_order_id_line.text = gift", json!([])),
        ("notes", "order_items_by_order_id_line.product_id = 1", json!([1, 2])),
        ("tagged", "tags_by_code.code = 'a,b'", json!([1])),
    ] {
        let field = if table == "order_items" { "order_id" } else { "id" };
        let found = rows(table, &[("filter", filter), ("fields", field)]);
        let ids: Json = found.as_array().unwrap().iter().map(|row| row[field].clone()).collect();
        let expected = if table == "order_items" { json!([1]) } else { expected };
        assert_eq!(ids, expected, "{filter}");
    }
}

#[test]
fn a_negation_means_that_there_is_no_such_row() {
    for (table, filter, expected) in [
        ("customers", "not (orders_by_customer_id.status = paid)", json!([3, 4])),
        ("customers", "not (orders_by_customer_id.id > 0)", json!([4])),
        ("orders", "not (customers_by_customer_id.name = Ada)", json!([3, 4, 5])),
        ("orders", "not (products_by_order_items.name = ink) and id < 5", json!([1, 4])),
    ] {
        assert_eq!(taken(READER, table, filter), expected, "{filter}");
    }
}

#[test]
fn conditions_side_by_side_are_about_the_same_related_row() {
    let (new, large) = ("orders_by_customer_id.status = new", "orders_by_customer_id.total > 20");
    for (filter, expected) in [
        (format!("({new}) and ({large})"), json!([])),
        (format!("({new}) and id > 1 and (orders_by_customer_id.total < 20)"), json!([3])),
        (format!("({new}) or ({large})"), json!([1, 2, 3])),
        (format!("({new}) and not ({large})"), json!([3])),
        // Of other tables each has its own.
        (format!("({large}) and (profiles_by_customer_id.bio = builds)"), json!([2])),
    ] {
        assert_eq!(taken(READER, "customers", &filter), expected, "{filter}");
    }
}

#[test]
fn names_go_on_behind_dots_and_back() {
    for (filter, expected) in [
        ("orders_by_customer_id.products_by_order_items.name = ink", json!([1, 2])),
        ("orders_by_customer_id.order_items_by_order_id.notes_by_order_id_line.text = gift", json!([1])),
        ("customers_by_referred_by.name = Cy", json!([1])),
        ("customers_by_referred_by_parent.name = Ada", json!([2, 3])),
        ("customers_by_referred_by.customers_by_referred_by_parent.name = Ada", json!([1])),
        ("orders_by_customer_id.total > (orders_by_customer_id.id * 10)", json!([1, 2])),
    ] {
        assert_eq!(taken(READER, "customers", filter), expected, "{filter}");
    }
    let deep = format!("{}name = Ada", "customers_by_referred_by.".repeat(6));
    ask(READER, "customers", &[("filter", &deep)]).is_error(400, "Related rows go 5 levels deep at most.");
}

#[test]
fn counts_and_related_rows_take_them_too() {
    let filter = ("filter", "orders_by_customer_id.status = paid");
    assert_eq!(ask(READER, "customers", &[filter, ("count_only", "true")]).body, "2");
    let related = [
        ("ids", "1"),
        ("fields", "id"),
        ("related", "orders_by_customer_id"),
        ("orders_by_customer_id.fields", "id"),
        ("orders_by_customer_id.filter", "products_by_order_items.name = ink"),
    ];
    assert_eq!(rows("customers", &related), json!([{ "id": 1, "orders_by_customer_id": [{ "id": 2 }] }]));
}

#[test]
fn row_rules_of_related_tables_hold() {
    for (filter, expected) in [
        ("orders_by_customer_id.status = new", json!([])),
        ("orders_by_customer_id.id > 0", json!([1, 2])),
        ("not (orders_by_customer_id.id > 0)", json!([3, 4])),
        ("orders_by_customer_id.customers_by_customer_id.id > 0", json!([1, 2])),
    ] {
        assert_eq!(taken(CLERK, "customers", filter), expected, "{filter}");
    }
}

#[test]
fn a_table_that_may_not_be_read_is_not_looked_into() {
    for (table, filter) in [
        ("customers", "profiles_by_customer_id.bio = builds"),
        // Nor one between.
        ("orders", "products_by_order_items.name = ink"),
        ("customers", "orders_by_customer_id.order_items_by_order_id.line = 1"),
    ] {
        assert_eq!(ask(CLERK, table, &[("filter", filter)]).status, 401, "{filter}");
    }
}

#[test]
fn what_is_no_relationship_or_column_is_told_with_its_place() {
    for name in ["order_by_customer_id.total", "orders_by_customer_id.totals", "orders_by_customer_id.x.y"] {
        let answer = ask(READER, "customers", &[("filter", &format!("id = 1 and {name} > 5"))]);
        let context = json!({ "parameter": "filter", "position": 11 });
        let message = format!("Invalid or unparsable field in filter request: '{name}'");
        answer.is_error_with(400, &message, &context);
    }
}

#[test]
fn rows_are_changed_and_removed_by_what_they_are_related_to() {
    let setup = Setup::new(&format!(
        "[[services]]\nname = \"shop\"\ntype = \"sqlite\"\nconfig = {{ database = \"related.sqlite\" }}\n{EVERYTHING}"
    ));
    let database = Connection::open(setup.path("related.sqlite")).unwrap();
    database.execute_batch(include_str!("related.sql")).unwrap();
    let gateway = setup.start();
    let path = "/api/v2/shop/_table/orders";
    let paid = gateway.send(
        request("PATCH", path)
            .key(READER)
            .with("filter", "customers_by_customer_id.name = Ada")
            .body(json!({"resource": [{"status": "sent"}]})),
    );
    paid.is_ok(r#"{"resource":[{"id":1},{"id":2}]}"#);
    let removed = request("DELETE", path)
        .key(READER)
        .with("filter", "not (order_items_by_order_id.line > 0)")
        .with("limit", "1");
    gateway.send(removed).is_ok(r#"{"resource":[{"id":4}]}"#);
    gateway
        .send(get(path).key(READER).with("fields", "id,status"))
        .is_ok(r#"{"resource":[{"id":1,"status":"sent"},{"id":2,"status":"sent"},{"id":3,"status":"paid"},{"id":5,"status":"new"}]}"#);
}
