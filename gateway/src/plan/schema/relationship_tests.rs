//! Tests of wished relationships: what is kept of them, and what is refused.

use std::sync::Arc;

use connector_api::model::{Column, ColumnType, TableRef};
use serde_json::{Value as Json, json};

use super::*;
use crate::request::schema::{self as wishes};
use crate::schema::relationships::References;

fn table(name: &str, columns: &[&str]) -> Table {
    Table {
        table: TableRef::new(name),
        columns: columns.iter().map(|name| Column::new(*name, ColumnType::Integer)).collect(),
        primary_key: vec!["id".to_owned()],
        ..Table::default()
    }
}

fn orders() -> Table {
    let customer = ForeignKey {
        name: "orders_customer".to_owned(),
        columns: vec!["customer_id".to_owned()],
        references: TableRef::new("customers"),
        on_delete: Some("CASCADE".to_owned()),
        ..ForeignKey::default()
    };
    Table { foreign_keys: vec![customer], ..table("orders", &["id", "customer_id", "region"]) }
}

/// The relationships of a table beside `customers` and `regions`, with a virtual one from `orders` to the latter.
fn all_of(name: &str) -> Vec<Relationship> {
    let tables = [orders(), table("customers", &["id"]), table("regions", &["id", "code"])].map(Arc::new);
    let extras = json!({ "orders": { "relationships": { "regions_by_region": {
        "alias": "region_row",
        "virtual": { "type": "belongs_to", "field": ["region"], "ref_table": "regions", "ref_field": ["code"] }
    } } } });
    let references = References::new(&tables, Arc::new(serde_json::from_value(extras).unwrap()));
    references.of(&TableRef::new(name))
}

/// What a wish for a relationship of `orders` leaves in the extras under its name.
fn kept(wish: Json, before: Json) -> Result<(String, Json), String> {
    let all = all_of("orders");
    let wish = &wishes::relationships("orders", Some(wish)).map_err(|error| error.message)?[0];
    let planned = || {
        let one = KeptRelationship::of("orders", wish, &all)?;
        let name = one.name("orders", &all)?;
        check_names(&orders(), &[(name.clone(), one.clone())], &all)?;
        Ok((name, one))
    };
    let (name, one) = planned().map_err(|error: Error| error.to_string())?;
    let mut extras = serde_json::from_value(before).unwrap();
    one.merge(&name, &mut extras);
    Ok((name, serde_json::to_value(extras).unwrap()))
}

#[track_caller]
fn check(wish: Json, before: Json, expected: (&str, Json)) {
    assert_eq!(kept(wish, before), Ok((expected.0.to_owned(), expected.1)));
}

#[track_caller]
fn refuse(wish: Json, expected: &str) {
    assert_eq!(kept(wish, json!({})), Err(expected.to_owned()));
}

#[test]
fn what_is_said_of_a_relationship_is_kept_under_its_name() {
    let name = "customers_by_customer_id";
    check(
        json!({ "name": "Customers_by_customer_id", "alias": "customer", "always_fetch": true }),
        json!({ "label": "Buyer" }),
        (name, json!({ "alias": "customer", "label": "Buyer", "always_fetch": true })),
    );
    check(
        json!({ "name": name, "alias": null, "label": "", "flatten": false }),
        json!({ "alias": "x", "label": "y", "flatten": true }),
        (name, json!({})),
    );
    check(
        json!({ "name": "new_by_id", "type": "has_many", "field": "id", "label": "New" }),
        json!({}),
        ("new_by_id", json!({ "label": "New" })),
    );
}

#[test]
fn a_description_that_comes_back_changes_nothing() {
    for known in all_of("orders").iter().chain(&all_of("customers")) {
        let described = crate::schema::describe::relationship_object(known);
        let wish = wishes::relationships("t", Some(described)).unwrap().remove(0);
        let all = [known.clone()];
        let one = KeptRelationship::of("t", &wish, &all).unwrap();
        let mut extras = known.extras.clone();
        one.merge(&one.name("t", &all).unwrap(), &mut extras);
        assert_eq!(extras, known.extras);
    }
}

#[test]
fn a_virtual_relationship_is_made_of_what_is_said_and_of_what_it_was() {
    let made =
        json!({ "type": "has_many", "field": ["id"], "ref_table": "notes", "ref_field": ["order_id"] });
    check(
        json!({ "type": "has_many", "is_virtual": true, "field": "id", "ref_table": "notes", "ref_field": "order_id" }),
        json!({}),
        ("notes_by_order_id", json!({ "virtual": made })),
    );
    let changed =
        json!({ "type": "belongs_to", "field": ["region"], "ref_table": "regions", "ref_field": ["id"] });
    check(
        json!({ "name": "regions_by_region", "ref_field": "id" }),
        json!({ "alias": "region_row" }),
        ("regions_by_region", json!({ "alias": "region_row", "virtual": changed })),
    );
}

#[test]
fn what_does_not_fit_is_told() {
    let one = |members: Json| {
        let mut wish = json!({ "type": "belongs_to", "is_virtual": true, "field": "region", "ref_table": "areas", "ref_field": "code" });
        wish.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        wish
    };
    let of = |name: &str, what: &str| format!("Table 'orders', relationship '{name}': {what}");
    refuse(
        json!({ "label": "x" }),
        &of("", "it needs the 'name' of one that is there, or \"is_virtual\": true."),
    );
    refuse(
        one(json!({ "type": null })),
        &of("", "Invalid schema detected - invalid or missing type element."),
    );
    refuse(one(json!({ "ref_table": null })), &of("", "a virtual relationship needs 'ref_table'."));
    refuse(
        one(json!({ "ref_on_delete": "CASCADE" })),
        &of("", "a virtual relationship has no rules for updates and removals."),
    );
    refuse(
        one(json!({ "ref_field": "a,b" })),
        &of("", "'field' has 1 field and 'ref_field' has 2 fields, but each pairs with one of the other."),
    );
    refuse(
        one(json!({ "name": "x" })),
        &of(
            "areas_by_region",
            "this is its name by what it is made of, not 'x'; leave out 'name', and delete the old one if it shall be replaced.",
        ),
    );
    let taken = "a foreign key gives a relationship with this name already.";
    let customer = json!({ "field": "customer_id", "ref_table": "customers", "ref_field": "id" });
    refuse(one(customer), &of("customers_by_customer_id", taken));
    refuse(
        json!({ "name": "customers_by_customer_id", "ref_field": "region" }),
        &of("customers_by_customer_id", "changing what a foreign key gives is not supported by this service"),
    );
    refuse(
        json!({ "name": "regions_by_region", "is_virtual": false }),
        &of("regions_by_region", "it is virtual, which can't be changed; delete it."),
    );
    for (alias, what) in [
        ("region", "the alias 'region' is the name of a field."),
        ("Region_Row", "another relationship of the table is named 'Region_Row'."),
        ("regions_by_region", "another relationship of the table is named 'regions_by_region'."),
        ("a,b", "the alias 'a,b' must be made of letters, digits, '_' and '-'."),
    ] {
        refuse(
            json!({ "name": "customers_by_customer_id", "alias": alias }),
            &of("customers_by_customer_id", what),
        );
    }
}

#[test]
fn the_table_that_refers_has_the_foreign_key() {
    let found = |table: &Table| {
        let name = public_name(&table.table);
        let all = all_of(&name);
        let key = foreign_key_of(table, all.iter().find(|known| !known.is_virtual).unwrap());
        key.map(|key| key.name.clone()).map_err(|error| error.to_string())
    };
    assert_eq!(found(&orders()), Ok("orders_customer".to_owned()));
    let message = "Table 'customers', relationship 'orders_by_customer_id': a foreign key of 'orders' gives it, so delete it there: the 'belongs_to' of 'orders'.";
    assert_eq!(found(&table("customers", &["id"])), Err(message.to_owned()));
}
