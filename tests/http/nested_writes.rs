//! Related records inside the records of writes: what becomes of each, in every kind of relationship.

use serde_json::{Value as Json, json};

use crate::client::request;
use crate::nested_shop::{Shop, WRITER, cases};

fn a_row_that_is_referred_to_is_created_and_linked(shop: &Shop) {
    let body = json!({ "resource": [{ "total": 1, "Customers_By_Customer_Id": { "name": "Eve" } }] });
    assert_eq!(
        shop.ok("POST", "orders?fields=id,customer_id", &body),
        json!({ "resource": [{ "id": 5, "customer_id": 3 }] })
    );
    let by_code = json!({ "customers_by_code": { "name": "Fay", "code": "f" } });
    assert_eq!(
        shop.ok("POST", "visits?fields=code", &json!({ "resource": [by_code] }))["resource"],
        json!([{ "code": "f" }])
    );
    // One with a key that no row has is created, too.
    shop.ok("PATCH", "orders/1", &json!({ "customers_by_customer_id": { "id": 77, "name": "Gil" } }));
    assert_eq!(shop.rows("orders", "id")[0], json!([1, 77, "open", 10]));
}

fn a_row_that_is_referred_to_is_changed_and_the_reference_follows_it(shop: &Shop) {
    shop.ok("PATCH", "orders/4", &json!({ "customers_by_customer_id": { "id": 2, "name": "Bo" } }));
    // The client's own word counts.
    shop.ok(
        "PATCH",
        "orders/1",
        &json!({ "customer_id": 1, "customers_by_customer_id": { "id": 2, "code": "z" } }),
    );
    shop.ok("PATCH", "orders/2", &json!({ "customers_by_customer_id": { "id": 2 } }));
    shop.ok("PATCH", "orders/3", &json!({ "customers_by_customer_id": null }));
    assert_eq!(shop.rows("customers", "id")[1], json!([2, "Bo", "z", 1]));
    assert_eq!(
        shop.rows("orders", "id"),
        json!([[1, 1, "open", 10], [2, 2, "paid", 20], [3, 2, "open", 30], [4, 2, "open", 40]])
    );
}

fn what_refers_is_created_adopted_changed_and_disowned_in_one_request(shop: &Shop) {
    let orders = json!([
        { "total": 50 },
        { "id": 1, "customer_id": null },
        { "id": 2, "CUSTOMER_ID": null, "total": 21 },
        { "id": 3, "total": 31, "customer_id": 9 },
        { "id": 4 },
    ]);
    let answer = shop.ok("PATCH", "customers/1", &json!({ "name": "Ada", "orders_by_customer_id": orders }));
    assert_eq!(answer, json!({ "id": 1 }));
    assert_eq!(
        shop.rows("orders", "id"),
        json!([
            [1, null, "open", 10],
            [2, null, "paid", 21],
            [3, 1, "open", 31],
            [4, 1, "open", 40],
            [5, 1, "open", 50]
        ])
    );
}

fn a_new_row_brings_rows_of_several_levels(shop: &Shop) {
    let line = json!({ "line": 1, "qty": 2, "notes_by_order_id_line": [{ "text": "gift" }] });
    let order =
        json!({ "total": 5, "order_lines_by_order_id": [line], "tags_by_order_tags": [{ "code": "new" }] });
    let eve = json!({ "name": "Eve", "orders_by_customer_id": [order, { "total": 6 }] });
    let body = json!({ "resource": [{ "name": "Dee" }, eve] });
    let query = "customers?fields=name&related=orders_by_customer_id.order_lines_by_order_id.notes_by_order_id_line\
                 &orders_by_customer_id.fields=total&orders_by_customer_id.order=total";
    let note = json!({ "id": 1, "order_id": 5, "line": 1, "text": "gift" });
    let line = json!({ "order_id": 5, "line": 1, "qty": 2, "notes_by_order_id_line": [note] });
    let orders = json!([{ "total": 5, "order_lines_by_order_id": [line] }, { "total": 6, "order_lines_by_order_id": [] }]);
    assert_eq!(
        shop.ok("POST", query, &body),
        json!({ "resource": [
            { "name": "Dee", "orders_by_customer_id": [] }, { "name": "Eve", "orders_by_customer_id": orders }
        ] })
    );
    assert_eq!(shop.rows("order_tags", "order_id"), json!([[1, "a,b"], [5, "new"]]));
}

fn a_natural_key_changes_the_row_or_creates_it(shop: &Shop) {
    let lines = json!([{ "line": 2, "qty": 60 }, { "line": 3, "qty": 7 }, { "line": 4 }, { "line": 1 }]);
    shop.ok("PATCH", "orders/1", &json!({ "order_lines_by_order_id": lines }));
    assert_eq!(shop.rows("order_lines", "line"), json!([[1, 1, 5], [1, 2, 60], [1, 3, 7], [1, 4, null]]));
    shop.refused(
        "PATCH",
        "orders/1",
        &json!({ "order_lines_by_order_id": [{ "qty": 1 }] }),
        (
            400,
            "Failed to update many to one assignment.\nRelated record has no primary key value for 'line'.",
        ),
    );
}

fn a_row_that_can_not_be_without_its_owner_is_deleted_if_that_is_allowed(shop: &Shop) {
    let body = json!({ "letters_by_customer_id": [{ "id": 1, "customer_id": null }] });
    let why = "Failed to update many to one assignment.\nField 'customer_id' can not be NULL, so a row of 'letters' \
               can't be without the row that it belongs to; 'allow_related_delete=true' deletes it.";
    shop.refused("PATCH", "customers/1", &body, (400, why));
    assert_eq!(shop.rows("letters", "id"), json!([[1, 1, "hello"], [2, 2, "bye"]]));
    shop.ok("PATCH", "customers/1?allow_related_delete=true", &body);
    assert_eq!(shop.rows("letters", "id"), json!([[2, 2, "bye"]]));
    // A part of the key says whose it is.
    let lines = json!({ "order_lines_by_order_id": [{ "order_id": null, "line": 1 }] });
    shop.ok("PATCH", "orders/1?allow_related_delete=true", &lines);
    assert_eq!(shop.rows("order_lines", "line"), json!([[1, 2, 6]]));
}

fn what_belongs_to_another_row_is_neither_disowned_nor_deleted(shop: &Shop) {
    let missing = (400, "Failed to update many to one assignment.\nRecord with identifier '3' not found.");
    let order = json!({ "orders_by_customer_id": [{ "id": 3, "customer_id": null }] });
    shop.refused("PATCH", "customers/1", &order, missing);
    let letter = json!({ "letters_by_customer_id": [{ "id": 2, "customer_id": null }] });
    let missing = (400, "Failed to update many to one assignment.\nRecord with identifier '2' not found.");
    shop.refused("PATCH", "customers/1?allow_related_delete=true", &letter, missing);
    assert_eq!(shop.rows("letters", "id"), json!([[1, 1, "hello"], [2, 2, "bye"]]));
}

fn a_single_row_that_refers_is_an_object_and_nothing_takes_it_away(shop: &Shop) {
    shop.ok("PATCH", "customers/1", &json!({ "profiles_by_customer_id": { "bio": "counts" } }));
    shop.ok(
        "PATCH",
        "customers/2",
        &json!({ "profiles_by_customer_id": { "bio": "paints" }, "cards_by_customer_id": { "id": 2 } }),
    );
    assert_eq!(shop.rows("profiles", "customer_id"), json!([[1, "counts"], [2, "paints"]]));
    assert_eq!(shop.rows("cards", "id"), json!([[1, 1, "111"], [2, 2, "222"]]));
    shop.ok("PATCH", "customers/1", &json!({ "cards_by_customer_id": null }));
    shop.ok(
        "PATCH",
        "customers/2?allow_related_delete=true",
        &json!({ "profiles_by_customer_id": [], "cards_by_customer_id": {} }),
    );
    assert_eq!(shop.rows("cards", "id"), json!([[1, null, "111"], [2, null, "222"]]));
    assert_eq!(shop.rows("profiles", "customer_id"), json!([[1, "counts"]]));
    let why = "Failed to update many to one assignment.\nField 'customer_id' can not be NULL, so a row of 'profiles' \
               can't be without the row that it belongs to; 'allow_related_delete=true' deletes it.";
    shop.refused("PATCH", "customers/1", &json!({ "profiles_by_customer_id": null }), (400, why));
}

fn rows_behind_a_third_table_are_created_linked_changed_and_unlinked(shop: &Shop) {
    let tags =
        json!([{ "code": "red", "label": "Red" }, { "code": "it's" }, { "code": "a,b", "label": "kept" }]);
    shop.ok("PATCH", "orders/1", &json!({ "tags_by_order_tags": tags }));
    assert_eq!(shop.rows("order_tags", "code"), json!([[1, "a,b"], [1, "it's"], [1, "red"]]));
    let tags = json!([{ "code": "a,b", "Orders.ID": null }, { "code": "new", "orders.id": null }, { "code": "red" }]);
    shop.ok("PATCH", "orders/1", &json!({ "tags_by_order_tags": tags }));
    assert_eq!(shop.rows("order_tags", "code"), json!([[1, "it's"], [1, "red"]]));
    assert_eq!(
        shop.rows("tags", "code"),
        json!([["a,b", "kept"], ["it's", null], ["new", null], ["red", "Red"]])
    );
    shop.refused(
        "PATCH",
        "orders/1",
        &json!({ "tags_by_order_tags": [{ "code": "gone" }] }),
        (400, "Failed to update many to one map assignment.\nRecord with identifier 'gone' not found."),
    );
}

fn every_way_to_name_rows_takes_related_records_but_a_filter(shop: &Shop) {
    let order = json!({ "orders_by_customer_id": [{ "total": 7 }] });
    shop.ok("PATCH", "customers?ids=1,2", &json!({ "resource": [order] }));
    shop.ok(
        "PUT",
        "customers",
        &json!({ "resource": [{ "id": 2, "orders_by_customer_id": [{ "total": 8 }] }] }),
    );
    shop.ok(
        "PATCH",
        "customers?id_field=code",
        &json!({ "resource": [{ "code": "a", "orders_by_customer_id": [{ "total": 9 }] }] }),
    );
    shop.ok(
        "PATCH",
        "customers/9?upsert=true",
        &json!({ "name": "Eve", "orders_by_customer_id": [{ "total": 11 }] }),
    );
    let totals: Vec<Json> = shop
        .rows("orders", "id")
        .as_array()
        .unwrap()
        .iter()
        .skip(4)
        .map(|row| json!([row[1], row[3]]))
        .collect();
    assert_eq!(json!(totals), json!([[1, 7], [2, 7], [2, 8], [1, 9], [9, 11]]));
    let why = "Related records ('orders_by_customer_id') can't be written by a filter, which may mean several rows; \
               name the rows by 'ids' or in the records.";
    for path in ["customers?filter=id%3D1", "customers?filter=id%3D1&limit=1"] {
        shop.refused("PATCH", path, &json!({ "resource": [order] }), (400, why));
    }
    let lines = "{\"name\":\"N\",\"orders_by_customer_id\":[{\"total\":12}]}\n{\"name\":\"M\"}\n";
    let stream = request("POST", "/api/v2/shop/_table/customers?fields=name").key(WRITER).bytes(lines);
    let answer = shop.0.send(stream.header("Content-Type", "application/x-ndjson"));
    answer.is_ok(r#"{"resource":[{"name":"N"},{"name":"M"}]}"#);
    let of_stream = shop.ok("PATCH", "orders/10?related=customers_by_customer_id&fields=total", &json!({}));
    assert_eq!(
        (&of_stream["total"], &of_stream["customers_by_customer_id"]["name"]),
        (&json!(12), &json!("N"))
    );
}

fn an_identifier_of_several_rows_takes_no_related_records(shop: &Shop) {
    let body = json!({ "resource": [{ "status": "open", "order_lines_by_order_id": [{ "line": 9 }] }] });
    let answer = shop.send(WRITER, "PATCH", "orders?id_field=status", &body);
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert_eq!(shop.rows("order_lines", "line"), json!([[1, 1, 5], [1, 2, 6]]));
}

fn a_field_goes_before_a_relationship_of_its_name(shop: &Shop) {
    shop.ok("POST", "crates", &json!({ "resource": [{ "boxes_by_crate_id": null }] }));
    let answer = shop.send(WRITER, "POST", "crates", &json!({ "resource": [{ "boxes_by_crate_id": [{}] }] }));
    assert_eq!(shop.rows("boxes", "id"), json!([]), "{}", answer.body);
}

fn what_is_no_record_and_what_is_given_twice_is_refused(shop: &Shop) {
    let check = |members: Json, message: &str| shop.refused("PATCH", "customers/1", &members, (400, message));
    let many = "Failed to update many to one assignment.\n";
    let list = "is a list of related records, so it must be a JSON array of objects.";
    let one = "is one related record, so it must be a JSON object.";
    for wrong in [json!([1]), json!([{ "total": 1 }, "x"]), json!("7"), json!(7), json!(true)] {
        check(
            json!({ "name": "Eve", "orders_by_customer_id": wrong }),
            &format!("{many}'orders_by_customer_id' {list}"),
        );
        shop.refused(
            "PATCH",
            "customers?filter=id%3D1",
            &json!({ "resource": [{ "name": "Eve", "orders_by_customer_id": wrong }] }),
            (400, "Related records ('orders_by_customer_id') can't be written by a filter, which may mean several rows; name the rows by 'ids' or in the records."),
        );
    }
    for wrong in [json!([{}, {}]), json!(7), json!("x")] {
        check(json!({ "Cards_By_customer_id": wrong }), &format!("{many}'cards_by_customer_id' {one}"));
    }
    let ignored = json!({ "nobody_by_customer_id": 7, "orders_by_customer_id": null, "tags": "", "cards_by_customer_id": " " });
    shop.ok("PATCH", "customers/1", &ignored);
    assert_eq!(shop.rows("customers", "id")[0], json!([1, "Ada", "a", null]));
    check(
        json!({ "orders_by_customer_id": [], "Orders_by_customer_id": [] }),
        "Field 'orders_by_customer_id' is given more than once.",
    );
    check(
        json!({ "orders_by_customer_id": [{ "id": "x", "total": 1 }] }),
        &format!("{many}rows related by 'id' can't be looked up: a key has a value that can't be compared"),
    );
    let tag = json!({ "tags_by_order_tags": [{ "label": "x" }] });
    shop.refused("PATCH", "orders/1", &tag, (400, "Failed to update many to one map assignment.\nRelated record has no primary key value for 'code'."));
    let visit = json!({ "resource": [{ "total": 1, "order_lines_by_order_id": [{ "line": 1 }], "tags_by_order_tags": [{}] }] });
    assert_eq!(shop.send(WRITER, "POST", "orders", &visit).status, 400);
    assert_eq!(shop.rows("orders", "id").as_array().unwrap().len(), 4);
}

cases! {
    a_row_that_is_referred_to_is_created_and_linked,
    a_row_that_is_referred_to_is_changed_and_the_reference_follows_it,
    what_refers_is_created_adopted_changed_and_disowned_in_one_request,
    a_new_row_brings_rows_of_several_levels,
    a_natural_key_changes_the_row_or_creates_it,
    a_row_that_can_not_be_without_its_owner_is_deleted_if_that_is_allowed,
    what_belongs_to_another_row_is_neither_disowned_nor_deleted,
    a_single_row_that_refers_is_an_object_and_nothing_takes_it_away,
    rows_behind_a_third_table_are_created_linked_changed_and_unlinked,
    every_way_to_name_rows_takes_related_records_but_a_filter,
    an_identifier_of_several_rows_takes_no_related_records,
    a_field_goes_before_a_relationship_of_its_name,
    what_is_no_record_and_what_is_given_twice_is_refused,
}
