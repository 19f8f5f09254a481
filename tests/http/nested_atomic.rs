//! Related records and what holds together: all of a record or nothing, transactions around it, bounds, rights and row rules of the related
//! tables, versions, and how many statements it takes.

use serde_json::{Value as Json, json};

use crate::client::request;
use crate::logs::statements_of;
use crate::nested_shop::{CLERK, Shop, WRITER, cases};

/// A customer with an order that does well and a letter that does not.
fn broken(name: &str) -> Json {
    json!({ "name": name, "orders_by_customer_id": [{ "total": 1 }], "letters_by_customer_id": [{ "text": null }] })
}

fn fine(name: &str) -> Json {
    json!({ "name": name, "orders_by_customer_id": [{ "total": 1 }] })
}

#[track_caller]
fn names(shop: &Shop) -> Vec<String> {
    let rows = shop.rows("customers", "id");
    rows.as_array().unwrap().iter().map(|row| row[1].as_str().unwrap().to_owned()).collect()
}

fn a_record_that_fails_leaves_nothing_and_those_before_it_stay(shop: &Shop) {
    let check = |query: &str, records: Json, failed: &[usize], left: &[&str]| {
        let answer = shop.send(WRITER, "POST", &format!("customers{query}"), &json!({ "resource": records }));
        assert_eq!(answer.status, 400, "{}", answer.body);
        assert_eq!(answer.json()["error"]["context"]["error"], json!(failed), "{}", answer.body);
        let names = names(shop);
        assert_eq!(names.iter().skip(2).collect::<Vec<_>>(), left, "{query}");
        assert_eq!(
            shop.rows("orders", "id").as_array().unwrap().len(),
            4 + left.iter().filter(|name| name.len() > 1).count()
        );
    };
    check("?rollback=true", json!([{ "name": "a" }, fine("bb"), broken("c")]), &[2], &[]);
    check("", json!([fine("bb"), broken("c"), fine("dd")]), &[1], &["bb"]);
    check("?continue=true", json!([{ "name": "e" }, broken("f"), fine("gg")]), &[1], &["bb", "e", "gg"]);
}

fn a_failure_names_the_relationship_and_keeps_its_own_status_where_the_record_is_not_to_blame(shop: &Shop) {
    let message = "Failed to update many to one assignment.\nField 'text' can not be NULL.";
    let letters = json!({ "letters_by_customer_id": [{ "text": null }] });
    shop.refused("PATCH", "customers/1", &letters, (400, message));
    let unique = json!({ "customers_by_code": { "name": "x", "code": "a" } });
    let answer = shop.send(WRITER, "POST", "visits", &json!({ "resource": [unique] }));
    let error = answer.json()["error"].take();
    assert_eq!(error["status_code"], 400, "{error}");
    assert_eq!(error["context"]["error_details"][0]["kind"], "unique_violation", "{error}");
    let entry = error["context"]["resource"][0]["message"].as_str().unwrap().to_owned();
    assert!(entry.starts_with("Failed to update belongs-to assignment.\n"), "{entry}");
    let answer = shop.send(CLERK, "PATCH", "customers/1", &letters);
    assert_eq!(answer.status, 401, "{}", answer.body);
    let two = "Failed to update belongs-to assignment.\nFailed to update many to one assignment.\nField 'text' can not be NULL.";
    let nested =
        json!({ "customers_by_customer_id": { "id": 1, "letters_by_customer_id": [{ "text": null }] } });
    shop.refused("PATCH", "orders/1", &nested, (400, two));
}

fn a_batch_of_operations_holds_related_records_too(shop: &Shop) {
    let send = |operations: Json| {
        let batch = request("POST", "/api/v2/shop/_batch").key(WRITER);
        shop.0.send(batch.body(json!({ "operations": operations })))
    };
    let one = json!({ "method": "POST", "path": "_table/customers", "body": { "resource": [fine("Eve")] } });
    let other = json!({ "method": "PATCH", "path": "_table/customers/1", "body": broken("no") });
    assert_eq!(send(json!([one, other])).status, 400);
    assert_eq!(names(shop), ["Ada", "Bob"]);
    assert_eq!(send(json!([one])).status, 200);
    // What was undone may have used up numbers.
    let orders = shop.rows("orders", "id").as_array().unwrap().len();
    assert_eq!((names(shop), orders), (vec!["Ada".to_owned(), "Bob".to_owned(), "Eve".to_owned()], 5));
}

fn a_version_guards_the_record_and_all_that_is_nested(shop: &Shop) {
    let send = |version: &str, body: Json| {
        let patch =
            request("PATCH", "/api/v2/shop/_table/customers/1").key(WRITER).header("If-Match", version);
        shop.0.send(patch.body(body))
    };
    assert_eq!(send("\"old\"", fine("Eve")).status, 412);
    let version = shop
        .0
        .send(crate::client::get("/api/v2/shop/_table/customers/1").key(WRITER))
        .header("etag")
        .to_owned();
    assert_eq!(send(&version, broken("Eve")).status, 400);
    assert_eq!(
        (names(shop), shop.rows("orders", "id").as_array().unwrap().len()),
        (vec!["Ada".to_owned(), "Bob".to_owned()], 4)
    );
    assert_eq!(send(&version, fine("Eve")).status, 200);
    assert_eq!(send(&version, fine("Fay")).status, 412);
    assert_eq!((names(shop)[0].as_str(), shop.rows("orders", "id").as_array().unwrap().len()), ("Eve", 5));
}

fn what_the_caller_can_not_see_is_as_if_it_were_not_there(shop: &Shop) {
    let before = (shop.rows("customers", "id"), shop.rows("orders", "id"), shop.rows("order_tags", "code"));
    let check = |path: &str, body: Json, message: &str| {
        let answer = shop.send(CLERK, "PATCH", path, &body);
        assert_eq!(
            (answer.status, &answer.json()["error"]["message"]),
            (400, &json!(message)),
            "{path} {body}"
        );
    };
    for child in [json!({ "id": 2 }), json!({ "id": 2, "total": 5 }), json!({ "id": 2, "customer_id": null })]
    {
        check(
            "customers/1",
            json!({ "orders_by_customer_id": [child] }),
            "Failed to update many to one assignment.\nRecord with identifier '2' not found.",
        );
    }
    // An order that is not there is told in the same words.
    check(
        "customers/1",
        json!({ "orders_by_customer_id": [{ "id": 99 }] }),
        "Failed to update many to one assignment.\nRecord with identifier '99' not found.",
    );
    // A customer who is hidden is nobody to refer to.
    let hidden = shop.send(CLERK, "PATCH", "orders/4", &json!({ "customers_by_customer_id": { "id": 2 } }));
    assert_eq!(hidden.status, 400, "{}", hidden.body);
    // No row may be brought out of sight.
    let paid = shop.send(
        CLERK,
        "PATCH",
        "customers/1",
        &json!({ "orders_by_customer_id": [{ "id": 1, "status": "paid" }] }),
    );
    assert_eq!(paid.status, 403, "{}", paid.body);
    // The table between needs rights of its own.
    let linked = shop.send(CLERK, "PATCH", "orders/1", &json!({ "tags_by_order_tags": [{ "code": "new" }] }));
    assert_eq!(linked.status, 401, "{}", linked.body);
    assert_eq!(
        (shop.rows("customers", "id"), shop.rows("orders", "id"), shop.rows("order_tags", "code")),
        before
    );
    let own = shop.send(
        CLERK,
        "PATCH",
        "customers/1",
        &json!({ "orders_by_customer_id": [{ "id": 4, "total": 41 }, {}] }),
    );
    assert_eq!(own.status, 200, "{}", own.body);
    assert_eq!(shop.rows("orders", "id")[3], json!([4, 1, "open", 41]));
}

fn related_records_are_bounded_in_number_and_depth(shop: &Shop) {
    let many: Vec<Json> = (0..1001).map(|number| json!({ "total": number })).collect();
    let message = "A record can bring 1000 related records at most, those of all levels together.";
    let why = format!("Failed to update many to one assignment.\n{message}");
    shop.refused("PATCH", "customers/1", &json!({ "orders_by_customer_id": many }), (400, &why));
    let deep = (0..6)
        .fold(json!({ "name": "x" }), |inner, _| json!({ "name": "x", "customers_by_referred_by": [inner] }));
    let answer = shop.send(WRITER, "POST", "customers", &json!({ "resource": [deep] }));
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains("Related records go 5 levels deep at most."), "{}", answer.body);
    assert_eq!((names(shop).len(), shop.rows("orders", "id").as_array().unwrap().len()), (2, 4));
    shop.ok("POST", "customers", &json!({ "resource": [deep["customers_by_referred_by"][0]] }));
    assert_eq!(names(shop).len(), 8);
}

fn children_of_a_kind_share_a_statement_and_a_plain_record_takes_one(shop: &Shop) {
    let check = |body: Json, most: usize| {
        let patch = request("PATCH", "/api/v2/shop/_table/customers/1").key(WRITER).body(&body);
        let (statements, answer) = statements_of(&shop.0, patch);
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(statements.len() <= most, "{}: {statements:?}", statements.len());
    };
    check(json!({ "name": "x" }), 1);
    let new: Vec<Json> = (0..40).map(|number| json!({ "total": number })).collect();
    check(json!({ "orders_by_customer_id": new }), 2);
    let known: Vec<Json> = (5..45).map(|id| json!({ "id": id, "total": 1 })).collect();
    check(json!({ "orders_by_customer_id": known }), 3);
    assert_eq!(shop.rows("orders", "id").as_array().unwrap().len(), 44);
}

fn written_rows_are_read_again_with_their_related_rows(shop: &Shop) {
    let order = json!({ "id": 1, "customer_id": 1, "status": "open", "total": 11 });
    let body = json!({ "orders_by_customer_id": [{ "id": 1, "total": 11 }] });
    let options = "related=orders_by_customer_id&orders_by_customer_id.filter=total%3C20";
    let expected = json!({ "id": 1, "orders_by_customer_id": [order] });
    assert_eq!(shop.ok("PATCH", &format!("customers/1?{options}"), &body), expected);
    let listed = json!({ "resource": [{ "id": 1, "name": "A" }] });
    for more in ["", "&rollback=true", "&continue=true"] {
        let list = shop.ok("PATCH", &format!("customers?{options}{more}"), &listed);
        assert_eq!(list, json!({ "resource": [expected] }), "{more}");
    }
    let by_filter = shop.ok("PATCH", &format!("customers?{options}&filter=id%3D1&fields=name"), &listed);
    assert_eq!(by_filter, json!({ "resource": [{ "name": "A", "orders_by_customer_id": [order] }] }));
    let limited = shop.ok("PATCH", &format!("customers?{options}&filter=id%3D1&limit=1"), &listed);
    assert_eq!(limited, json!({ "resource": [expected] }));
    // What may not be read refuses the write, and a removal leaves nothing to read.
    let refused =
        shop.send(CLERK, "PATCH", "customers/1?related=letters_by_customer_id", &json!({ "name": "B" }));
    assert_eq!((refused.status, names(shop)[0].as_str()), (401, "A"));
    assert_eq!(shop.send(WRITER, "DELETE", "orders/4?related=*", &Json::Null).status, 501);
    assert_eq!(shop.rows("orders", "id").as_array().unwrap().len(), 4);
}

cases! {
    a_record_that_fails_leaves_nothing_and_those_before_it_stay,
    a_failure_names_the_relationship_and_keeps_its_own_status_where_the_record_is_not_to_blame,
    a_batch_of_operations_holds_related_records_too,
    a_version_guards_the_record_and_all_that_is_nested,
    what_the_caller_can_not_see_is_as_if_it_were_not_there,
    related_records_are_bounded_in_number_and_depth,
    children_of_a_kind_share_a_statement_and_a_plain_record_takes_one,
    written_rows_are_read_again_with_their_related_rows,
}
