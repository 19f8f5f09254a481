//! Row rules where the store can do little.

use connector_api::model::Capabilities;
use serde_json::json;

use super::{able, orders, planned, request};
use crate::plan::{Error, RowRules, Scope, page};
use crate::roles::{FilterOp, RowFilter, RowOperator};

/// Reads rows whose `country` is that of the user, who has none: no row at all.
fn nobodys_rows(capabilities: &Capabilities) -> Result<(), Error> {
    let value = Some(json!("{user.country}"));
    let filters = [RowFilter { name: "country".to_owned(), operator: RowOperator::Equal, value }];
    let rules = Some(RowRules { filters: &filters, op: FilterOp::And });
    planned(&orders(), capabilities, |scope| page(&request(&[]), &Scope { rules, ..*scope })).map(drop)
}

#[test]
fn a_rule_that_nothing_fits_is_refused_where_the_service_looks_at_no_filter() {
    assert_eq!(nobodys_rows(&able()), Ok(()));
    let without = Capabilities { query: true, ..Capabilities::default() };
    assert_eq!(nobodys_rows(&without), Err(Error::unsupported("a filter that never holds")));
}
