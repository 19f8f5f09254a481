//! The place of nulls, the same for every store, and what breaks ties.

use connector_api::model::Capabilities;
use serde_json::{Value as Json, json};

use super::{able, orders, planned, request};
use crate::plan::page;

fn order(query: &[(&str, &str)], capabilities: &Capabilities) -> Json {
    let page = planned(&orders(), capabilities, |scope| page(&request(query), scope)).unwrap();
    serde_json::to_value(page.read.query.order).unwrap()
}

#[test]
fn nulls_are_below_all_values_unless_the_request_says_otherwise() {
    for (text, nulls) in [
        ("amount", "first"),
        ("amount desc", "last"),
        ("amount asc nulls last", "last"),
        ("amount desc nulls first", "first"),
    ] {
        let found = order(&[("order", text)], &able());
        assert_eq!(found[0]["nulls"], nulls, "{text}");
    }
    assert_eq!(order(&[("order", "country")], &able())[0].get("nulls"), None);
}

#[test]
fn a_store_that_cannot_place_nulls_keeps_its_own_place() {
    let can = Capabilities { order_nulls: false, ..able() };
    assert_eq!(order(&[("order", "amount")], &can)[0].get("nulls"), None);
}

#[test]
fn the_key_breaks_ties_the_way_of_the_last_item() {
    let id = |direction: &str| json!({ "by": ["id"], "direction": direction });
    assert_eq!(order(&[], &able()), json!([id("asc")]));
    assert_eq!(order(&[("order", "country, code desc")], &able())[2], id("desc"));
    assert_eq!(order(&[("order", "id desc")], &able()), json!([id("desc")]));
    assert_eq!(order(&[], &Capabilities { order: false, ..able() }), json!([]));
}
