//! Which members are related records, and what each of these wants.

use connector_api::model::{Column, ColumnType, DefaultValue, Table, TableRef};
use serde_json::json;

use super::*;
use crate::extras::RelationshipExtras;
use crate::schema::relationships::Junction;

/// Orders with a number, lines with a key of two columns, tags with a text as key.
fn table(name: &str) -> Table {
    let column = |name: &str| Column::new(name, ColumnType::Integer);
    let fixed = |name: &str| Column { is_nullable: false, ..column(name) };
    let numbered = Column { is_auto_increment: true, ..fixed("id") };
    let (columns, key) = match name {
        "orders" => (vec![numbered, column("customer_id"), column("total")], vec!["id"]),
        "letters" => (vec![numbered, fixed("customer_id"), column("text")], vec!["id"]),
        "lines" => (vec![fixed("order_id"), fixed("line"), column("qty")], vec!["order_id", "line"]),
        "profiles" => (vec![fixed("customer_id"), column("bio")], vec!["customer_id"]),
        "events" => {
            let made = Column { default: Some(DefaultValue::Expression("uuid()".to_owned())), ..fixed("id") };
            (vec![made, column("customer_id")], vec!["id"])
        }
        _ => (vec![fixed("code"), column("label")], vec!["code"]),
    };
    let primary_key = key.into_iter().map(str::to_owned).collect();
    Table { table: TableRef::new(name), columns, primary_key, ..Table::default() }
}

fn relationship(name: &str, kind: RelationshipKind) -> Relationship {
    Relationship {
        name: name.to_owned(),
        kind,
        description: None,
        extras: RelationshipExtras::default(),
        is_virtual: false,
        service: None,
        columns: vec!["id".to_owned()],
        target: TableRef::new("orders"),
        target_columns: vec!["customer_id".to_owned()],
        junction: None::<Junction>,
        on_update: None,
        on_delete: None,
    }
}

fn record(json: Json) -> Record {
    json.as_object().cloned().unwrap()
}

#[track_caller]
fn child(name: &str, owner: &[&str], removes: bool, given: Json) -> Result<Child, Error> {
    let owned_by: Vec<String> = owner.iter().map(|name| (*name).to_owned()).collect();
    let table = table(name);
    Rows { table: &table, owned_by: &owned_by, removes }.child(record(given))
}

#[track_caller]
fn wants(name: &str, owner: &str, given: Json, wish: Wish, rest: Json) -> Child {
    let child = child(name, &[owner], true, given.clone()).unwrap();
    assert_eq!((child.wish, &child.rest), (wish, &record(rest)), "{given}");
    child
}

#[test]
fn members_named_like_relationships_are_taken_out_unless_they_are_columns_or_values() {
    let known = [
        relationship("orders_by_customer_id", RelationshipKind::HasMany),
        relationship("total", RelationshipKind::HasMany),
    ];
    let given = json!({ "id": 1, "Orders_By_customer_ID": [{}], "total": [], "other": {} });
    assert!(may_be_nested(&record(given.clone()), &table("orders")));
    let (own, nested) = split(record(given), &table("orders"), &known).unwrap();
    assert_eq!(own, record(json!({ "id": 1, "total": [], "other": {} })));
    let names: Vec<&str> = nested.iter().map(|nested| nested.relationship.name.as_str()).collect();
    assert_eq!((names, &nested[0].value), (vec!["orders_by_customer_id"], &json!([{}])));
    assert!(!may_be_nested(&record(json!({ "ID": null, "name": "x", "total": {} })), &table("orders")));
    let open = Table { is_open: true, ..table("orders") };
    for (value, is_meant, is_meant_in_open) in [
        (json!(7), true, false),
        (json!("x"), true, false),
        (json!(" "), false, false),
        (json!([7]), true, true),
        (Json::Null, true, true),
    ] {
        let given = record(json!({ "orders_by_customer_id": value }));
        let found = |table: &Table| split(given.clone(), table, &known).unwrap().1.len() == 1;
        assert_eq!((found(&table("orders")), found(&open)), (is_meant, is_meant_in_open), "{value}");
        assert_eq!(may_name_related(&given, &table("orders")), is_meant, "{value}");
    }
    let twice = record(json!({ "orders_by_customer_id": [], "ORDERS_by_customer_id": [] }));
    assert!(split(twice, &table("orders"), &known).is_err());
}

#[test]
fn one_record_is_an_object_and_several_are_a_list() {
    use RelationshipKind::{BelongsTo, HasMany, HasOne, ManyMany};
    let given = |kind, value: Json| Nested { relationship: relationship("r", kind), value }.given();
    let rows = |records: &[Json]| Ok(Given::Rows(records.iter().cloned().map(record).collect()));
    for kind in [HasMany, ManyMany] {
        assert_eq!(given(kind, json!([{ "a": 1 }, {}])), rows(&[json!({ "a": 1 }), json!({})]));
        assert_eq!(given(kind, Json::Null), rows(&[]));
    }
    for kind in [BelongsTo, HasOne] {
        assert_eq!(given(kind, json!({ "a": 1 })), rows(&[json!({ "a": 1 })]));
        assert!(given(kind, json!([{}, {}])).is_err());
    }
    for nothing in [json!(null), json!([]), json!({})] {
        assert_eq!(given(HasOne, nothing.clone()), Ok(Given::Cleared));
        assert_eq!(given(BelongsTo, nothing), rows(&[]));
    }
    assert!(given(HasMany, json!([1])).is_err() && given(HasOne, json!("x")).is_err());
}

#[test]
fn a_numbered_key_tells_a_new_row_from_one_that_is_there() {
    let check = |given: Json, wish, rest: Json| wants("orders", "customer_id", given, wish, rest);
    check(json!({ "total": 1, "customer_id": 7 }), Wish::Create, json!({ "total": 1 }));
    check(json!({ "ID": null, "total": 1 }), Wish::Create, json!({ "total": 1 }));
    check(json!({ "Id": 5, "Customer_Id": 7 }), Wish::Adopt, json!({}));
    check(json!({ "id": 5, "total": 1 }), Wish::Change, json!({ "total": 1 }));
    let let_go =
        check(json!({ "id": 5, "total": 1, "customer_id": null }), Wish::Disown, json!({ "total": 1 }));
    assert_eq!((let_go.freed.clone(), let_go.key_of(&[])), (vec!["customer_id".to_owned()], vec![json!(5)]));
    wants("events", "customer_id", json!({}), Wish::Create, json!({}));
    wants("events", "customer_id", json!({ "id": "x", "note": 1 }), Wish::Put, json!({ "note": 1 }));
}

#[test]
fn a_key_with_the_owner_in_it_is_known_before_the_row_is() {
    let line = wants("lines", "order_id", json!({ "line": 2, "qty": 1 }), Wish::Put, json!({ "qty": 1 }));
    assert_eq!(line.key_of(&[json!(9)]), [json!(9), json!(2)]);
    wants("lines", "order_id", json!({ "order_id": 4, "line": 2 }), Wish::Put, json!({}));
    wants("lines", "order_id", json!({ "order_id": null, "line": 2 }), Wish::Remove, json!({}));
    wants("profiles", "customer_id", json!({ "bio": 1 }), Wish::Put, json!({ "bio": 1 }));
    let message = child("lines", &["order_id"], false, json!({ "qty": 1 })).unwrap_err().to_string();
    assert_eq!(message, "Related record has no primary key value for 'line'.");
}

#[test]
fn a_row_that_can_not_be_without_its_owner_is_only_removed_if_that_is_allowed() {
    let given = json!({ "id": 1, "customer_id": null });
    wants("letters", "customer_id", given.clone(), Wish::Remove, json!({}));
    let message = child("letters", &["customer_id"], false, given).unwrap_err().to_string();
    assert!(message.starts_with("Field 'customer_id' can not be NULL"), "{message}");
}

#[test]
fn what_belongs_to_nobody_is_linked_or_written_by_its_key() {
    let check = |name: &str, given: Json, wish| {
        assert_eq!(child(name, &[], false, given.clone()).map(|child| child.wish), Ok(wish), "{given}");
    };
    check("tags", json!({ "code": "a" }), Wish::Adopt);
    check("tags", json!({ "code": "a", "label": "x" }), Wish::Put);
    check("orders", json!({ "total": 1 }), Wish::Create);
    assert!(child("tags", &[], false, json!({ "label": "x" })).is_err());
}

#[test]
fn a_null_under_another_table_is_refused() {
    let check = |given: Json| check_marker(&record(given), ("orders", &["id".to_owned()]), &table("tags"));
    let error = check(json!({ "code": "a", "customers.id": null })).unwrap_err().to_string();
    assert!(error.contains("'customers.id' takes no link away; that is 'orders.id': null."), "{error}");
    assert!(check(json!({ "code": null, "label": "a.b" })).is_ok());
}

#[test]
fn a_null_under_table_and_column_takes_a_link_away() {
    let check = |given: Json, expected: bool, rest: Json| {
        let mut given = record(given);
        assert_eq!(
            takes_away(&mut given, &["sales".to_owned(), "orders".to_owned()], &["id".to_owned()]),
            expected
        );
        assert_eq!(given, record(rest));
    };
    check(json!({ "code": 1, "Orders.ID": null }), true, json!({ "code": 1 }));
    check(json!({ "code": 1, "orders.id": 5 }), false, json!({ "code": 1, "orders.id": 5 }));
    check(json!({ "orders.code": null, "id": null }), false, json!({ "orders.code": null, "id": null }));
}
