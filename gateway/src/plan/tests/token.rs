//! Pages of stores that have tokens of their own: what is asked for, and when.

use connector_api::model::{Capabilities, Value};

use super::{able, orders, planned, request};
use crate::plan::{Error, Page, page};

/// A store that can order and go on from its tokens, and can't skip rows.
fn with_tokens() -> Capabilities {
    Capabilities { page_token: true, offset: false, ..able() }
}

fn planned_page(can: &Capabilities, query: &[(&str, &str)]) -> Result<Page, Error> {
    planned(&orders(), can, |scope| page(&request(query), scope))
}

#[test]
fn a_page_has_no_order_and_no_row_that_nobody_asked_for() {
    for query in [&[("limit", "10")][..], &[("limit", "10"), ("count", "exact")]] {
        let page = planned_page(&with_tokens(), query).unwrap();
        assert_eq!((page.is_by_token, page.token, page.keyset.is_none()), (true, None, true), "{query:?}");
        assert_eq!((page.read.params, page.read.query.after), (vec![Value::I64(10)], None), "{query:?}");
        assert!(page.read.query.order.is_empty(), "an order of the key would have to read everything");
    }
    let ordered = planned_page(&with_tokens(), &[("limit", "10"), ("order", "amount")]).unwrap();
    assert_eq!(ordered.read.query.order.len(), 1, "the store's own order may be just this one");
}

#[test]
fn a_page_by_cursor_asks_for_a_token() {
    for query in [
        &[("limit", "10"), ("page", "cursor")][..],
        &[("limit", "10"), ("page", "cursor"), ("order", "amount")],
    ] {
        let page = planned_page(&with_tokens(), query).unwrap();
        assert_eq!((page.token, page.read.query.after), (Some(1), Some(1)), "{query:?}");
        assert_eq!(page.read.params, [Value::I64(10), Value::Null], "{query:?}");
    }
}

#[test]
fn the_next_page_is_the_same_read_with_the_token() {
    let query = [("filter", "country = GB"), ("limit", "10"), ("page", "cursor")];
    let page = planned_page(&with_tokens(), &query).unwrap();
    let next = page.behind("here").unwrap();
    assert_eq!(next.query, page.read.query);
    let expected = [Value::Text("GB".to_owned()), Value::I64(10), Value::Text("here".to_owned())];
    assert_eq!(next.params, expected);
}

#[test]
fn stores_that_can_skip_rows_are_asked_for_tokens_by_cursors_only() {
    let can = Capabilities { offset: true, ..with_tokens() };
    assert!(!planned_page(&can, &[("limit", "10")]).unwrap().is_by_token);
    assert!(planned_page(&can, &[("page", "cursor")]).unwrap().token.is_some());
    assert!(planned_page(&able(), &[("page", "cursor")]).unwrap().token.is_none());
}

#[test]
fn a_number_of_rows_to_skip_is_refused_with_what_to_do() {
    let error = planned_page(&with_tokens(), &[("offset", "10")]).unwrap_err().to_string();
    assert!(error.contains("can't skip") && error.contains("'next'"), "{error}");
    assert!(planned_page(&with_tokens(), &[("page", "cursor"), ("group", "country")]).is_err());
}
