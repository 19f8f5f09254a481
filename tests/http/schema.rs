//! Descriptions of tables, fields and relationships: every member, in order, byte for byte.

use serde_json::{Value as Json, json};

use crate::client::get;
use crate::shop::{admin_token, read, shared};

/// The description of the table `orders` as a reader gets it.
const ORDERS: &str = include_str!("orders.json");

/// A field object, from what differs from the most plain column.
fn field(name: &str, changes: &Json) -> Json {
    let mut field = json!({
        "alias": null, "name": name, "label": null, "description": null, "native": [],
        "type": null, "db_type": null, "length": null, "precision": null, "scale": null,
        "default": null, "required": false, "allow_null": true,
        "fixed_length": false, "supports_multibyte": false, "auto_increment": false,
        "is_primary_key": false, "is_unique": false, "is_index": false, "is_foreign_key": false,
        "ref_table": null, "ref_field": null, "ref_on_update": null, "ref_on_delete": null,
        "picklist": null, "validation": null, "db_function": null, "is_virtual": false, "is_aggregate": false,
    });
    for (member, value) in changes.as_object().unwrap() {
        field[member] = value.clone();
    }
    field
}

#[test]
fn a_table_is_described_in_full() {
    let orders: Json = serde_json::from_str(ORDERS).unwrap();
    read("shop/_schema/orders").is_ok(&orders.to_string());
    read("shop/_schema/ORDERS").is_ok(&orders.to_string());
}

#[test]
fn an_administrator_has_the_whole_access_mask() {
    let mut orders: Json = serde_json::from_str(ORDERS).unwrap();
    orders["access"] = 31.into();
    get("/api/v2/shop/_schema/orders").token(admin_token()).send(shared().address).is_ok(&orders.to_string());
}

#[test]
fn several_tables_are_described_at_once() {
    let (orders, people) = (read("shop/_schema/orders").body, read("shop/_schema/people").body);
    read("shop/_schema?ids=people,ORDERS").is_ok(&format!(r#"{{"resource":[{orders},{people}]}}"#));
    read("shop/_schema?ids=nothing").is_ok(r#"{"resource":[]}"#);
}

#[test]
fn fields_are_the_same_in_the_table_in_the_list_and_alone() {
    let orders = read("shop/_schema/orders").json();
    let fields = orders["field"].as_array().unwrap();
    read("shop/_schema/orders/_field").is_ok(&json!({ "resource": fields }).to_string());
    for (name, field) in ["ID", "customer_id", "Status", "total"].into_iter().zip(fields) {
        read(&format!("shop/_schema/orders/_field/{name}")).is_ok(&field.to_string());
        read(&format!("shop/_schema/orders/{name}")).is_ok(&field.to_string());
    }
}

#[test]
fn a_field_says_what_its_column_is() {
    let check = |path: &str, changes: Json| {
        let name = path.rsplit('/').next().unwrap();
        read(&format!("shop/_schema/{path}")).is_ok(&field(name, &changes).to_string());
    };
    check(
        "customers/country",
        json!({
            "label": "Country", "type": "string", "db_type": "CHAR(2)", "length": 2, "default": "GB",
            "allow_null": false, "fixed_length": true,
        }),
    );
    check(
        "customers/name",
        json!({
            "label": "Name", "type": "string", "db_type": "VARCHAR(40)", "length": 40, "required": true, "allow_null": false,
        }),
    );
    check(
        "products/sku",
        json!({
            "label": "Sku", "type": "string", "db_type": "CHAR(8)", "length": 8, "required": true, "allow_null": false,
            "fixed_length": true, "is_unique": true,
        }),
    );
    check(
        "order_items/order_id",
        json!({
            "label": "Order Id", "type": "reference", "db_type": "INTEGER", "required": true, "allow_null": false,
            "is_primary_key": true, "is_foreign_key": true, "ref_table": "orders", "ref_field": "id",
            "ref_on_update": "NO ACTION", "ref_on_delete": "CASCADE",
        }),
    );
    check("stored/anything", json!({ "label": "Anything", "type": "string", "db_type": "" }));
}

#[test]
fn each_declared_type_has_its_word() {
    let fields = read("shop/_schema/stored/_field").json();
    let words: Vec<(&str, &str)> = fields["resource"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| (field["name"].as_str().unwrap(), field["type"].as_str().unwrap()))
        .collect();
    assert_eq!(
        words,
        [
            ("id", "id"),
            ("big", "bigint"),
            ("exact", "decimal"),
            ("price", "money"),
            ("ratio", "double"),
            ("flag", "boolean"),
            ("text", "text"),
            ("data", "json"),
            ("bytes", "binary"),
            ("day", "date"),
            ("hour", "time"),
            ("moment", "datetime"),
            ("stamp", "timestamp"),
            ("anything", "string"),
        ]
    );
}

/// Names and kinds of a table's relationships.
#[track_caller]
fn check_related(table: &str, expected: &[(&str, &str)]) {
    let list = read(&format!("shop/_schema/{table}/_related"));
    let related = list.json();
    let related = related["resource"].as_array().unwrap();
    let found: Vec<(&str, &str)> =
        related.iter().map(|one| (one["name"].as_str().unwrap(), one["type"].as_str().unwrap())).collect();
    assert_eq!(found, expected, "{table}");
    assert_eq!(
        &read(&format!("shop/_schema/{table}")).json()["related"],
        &list.json()["resource"],
        "{table}"
    );
    for (name, one) in expected.iter().map(|(name, _)| name).zip(related) {
        let path = format!("shop/_schema/{table}/_related/{}", name.to_uppercase());
        read(&path).is_ok(&one.to_string());
    }
}

#[test]
fn relationships_are_named_after_tables_and_columns() {
    check_related(
        "customers",
        &[
            ("customers_by_referred_by_parent", "belongs_to"),
            ("customers_by_referred_by", "has_many"),
            ("orders_by_customer_id", "has_many"),
            ("profiles_by_customer_id", "has_one"),
        ],
    );
    check_related(
        "orders",
        &[
            ("customers_by_customer_id", "belongs_to"),
            ("order_items_by_order_id", "has_many"),
            ("products_by_order_items", "many_many"),
        ],
    );
    check_related(
        "order_items",
        &[("orders_by_order_id", "belongs_to"), ("products_by_product_id", "belongs_to")],
    );
    check_related(
        "products",
        &[("order_items_by_product_id", "has_many"), ("orders_by_order_items", "many_many")],
    );
    check_related("profiles", &[("customers_by_customer_id", "belongs_to")]);
    check_related("logs", &[]);
}

#[test]
fn a_relationship_says_where_it_leads() {
    read("shop/_schema/products/_related/orders_by_order_items").is_ok(
        r#"{"alias":null,"name":"orders_by_order_items","label":"Orders By Order Items","description":null,"native":[],"type":"many_many","field":"id","is_virtual":false,"ref_service_id":null,"ref_table":"orders","ref_field":"id","ref_on_update":null,"ref_on_delete":null,"junction_service_id":null,"junction_table":"order_items","junction_field":"product_id","junction_ref_field":"order_id","always_fetch":false,"flatten":false,"flatten_drop_prefix":false}"#,
    );
}

#[test]
fn a_table_of_any_kind_says_its_key_and_whether_it_is_a_view() {
    let check = |path: &str, expected: Json| {
        let table = read(path).json();
        let members = ["name", "label", "plural", "is_view", "primary_key", "constraints"];
        let found: Json =
            members.iter().map(|member| ((*member).to_owned(), table[*member].clone())).collect();
        assert_eq!(found, expected, "{path}");
    };
    check(
        "shop/_schema/paid_orders",
        json!({
            "name": "paid_orders", "label": "Paid Orders", "plural": "Paid Orders", "is_view": true,
            "primary_key": [], "constraints": {},
        }),
    );
    let key = json!({
        "constraint_schema": null, "constraint_name": "people_pkey", "constraint_type": "PRIMARY KEY",
        "table_schema": null, "table_name": "people", "column_name": ["id"],
    });
    for service in ["shop", "mem"] {
        check(
            &format!("{service}/_schema/people"),
            json!({
                "name": "people", "label": "People", "plural": "People", "is_view": false,
                "primary_key": ["id"], "constraints": { "people_pkey": key },
            }),
        );
    }
    let odd = r#"odd "name" (1)/50%; DROP TABLE orders --"#;
    let described =
        read("shop/_schema/odd%20%22name%22%20(1)%2F50%25%3B%20DROP%20TABLE%20orders%20--").json();
    assert_eq!(described["name"], odd);
    let names: Vec<&Json> =
        described["field"].as_array().unwrap().iter().map(|field| &field["name"]).collect();
    assert_eq!(names, ["select", "order date, 'utc'", "naïve.größe", "a\"b] `c`"]);
}

#[test]
fn what_a_table_does_not_have_is_not_found() {
    read("shop/_schema/orders/_field/nope").is_error(404, "Field 'nope' does not exist in table 'orders'.");
    read("shop/_schema/orders/nope").is_error(404, "Field 'nope' does not exist in table 'orders'.");
    read("shop/_schema/orders/_related/nope")
        .is_error(404, "Relationship 'nope' does not exist in table 'orders'.");
    read("shop/_schema/nope/_field").is_error(404, "Table &quot;nope&quot; does not exist in the database.");
}
