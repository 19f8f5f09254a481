//! Groups, aggregates, distinct rows and counts, the same over both services.

use serde_json::{Value as Json, json};

use crate::sales::{SERVICES, ask, shared};

/// Rows of `sales` for these parameters; numbers are compared by their value, because a store may sum decimals as floats.
#[track_caller]
fn check(parameters: &[(&str, &str)], expected: &Json) {
    for service in SERVICES {
        let answer = ask(shared(), &format!("{service}/_table/sales"), parameters);
        assert_eq!(answer.status, 200, "{service} {parameters:?}: {}", answer.body);
        assert_eq!(by_value(&answer.json()["resource"]), by_value(expected), "{service} {parameters:?}");
    }
}

#[track_caller]
fn refused(parameters: &[(&str, &str)], message: &str) {
    for service in SERVICES {
        let answer = ask(shared(), &format!("{service}/_table/sales"), parameters);
        let error = &answer.json()["error"];
        assert_eq!(
            (answer.status, error["message"].as_str()),
            (400, Some(message)),
            "{service} {parameters:?}"
        );
    }
}

fn by_value(json: &Json) -> Json {
    match json {
        Json::Number(number) => json!(number.as_f64()),
        Json::Array(items) => items.iter().map(by_value).collect(),
        Json::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), by_value(value))).collect()
        }
        other => other.clone(),
    }
}

#[test]
fn aggregates_of_groups_have_the_names_of_the_reference() {
    let expected = json!([
        { "country": null, "COUNT_ALL": 1, "SUM_amount": 7.25 },
        { "country": "FR", "COUNT_ALL": 1, "SUM_amount": null },
        { "country": "GB", "COUNT_ALL": 3, "SUM_amount": 26.0 },
        { "country": "US", "COUNT_ALL": 3, "SUM_amount": 22.25 },
    ]);
    check(&[("fields", "country,COUNT(*),SUM(amount)"), ("group", "country")], &expected);
    check(&[("fields", "COUNTRY, count( * ), Sum( AMOUNT )"), ("group_by", "Country")], &expected);
    // Without a group the plain fields are grouped by.
    check(&[("fields", "country,COUNT(*),SUM(amount)")], &expected);
}

#[test]
fn every_function_leaves_nulls_out() {
    let fields = "COUNT(*),COUNT(amount),COUNT(DISTINCT amount),COUNT(DISTINCT country),SUM(qty),AVG(qty),MIN(at),MAX(amount)";
    let expected = json!([{
        "COUNT_ALL": 8, "COUNT_amount": 6, "COUNT_DISTINCT_amount": 5, "COUNT_DISTINCT_country": 3, "SUM_qty": 20,
        "AVG_qty": 2.5, "MIN_at": "2024-01-01 00:00:00", "MAX_amount": 20.75,
    }]);
    check(&[("fields", fields)], &expected);
    // Of no rows there is one group that holds nothing, unless rows are told apart.
    let none = [("fields", "COUNT(*),SUM(qty)"), ("filter", "id > 99")];
    check(&none, &json!([{ "COUNT_ALL": 0, "SUM_qty": null }]));
    check(&[&none[..], &[("group", "country")]].concat(), &json!([]));
}

#[test]
fn a_filter_holds_before_rows_are_grouped_and_having_after() {
    check(
        &[
            ("fields", "country,COUNT(*)"),
            ("group", "country"),
            ("filter", "qty >= 2"),
            ("having", "COUNT(*) > 1 and country is not null"),
        ],
        &json!([{ "country": "GB", "COUNT_ALL": 2 }, { "country": "US", "COUNT_ALL": 2 }]),
    );
    let by_country = |having: &str, expected: &Json| {
        check(&[("fields", "country"), ("group", "country"), ("having", having)], expected);
    };
    let both = json!([{ "country": "GB" }, { "country": "US" }]);
    by_country("COUNT(*) > 2", &both);
    by_country("(count(*) >= 2) AND (SUM(amount) < 1000)", &both);
    by_country("SUM(amount) = 22.25", &json!([{ "country": "US" }]));
    by_country("sum(amount) is null", &json!([{ "country": "FR" }]));
    by_country("COUNT(DISTINCT amount) = 2 and not (country = GB)", &json!([{ "country": "US" }]));
    check(
        &[
            ("fields", "SUM(qty) AS pieces,country"),
            ("group", "country"),
            ("having", "pieces between 4 and 5"),
        ],
        &json!([{ "pieces": 4, "country": "FR" }, { "pieces": 5, "country": "GB" }]),
    );
}

#[test]
fn having_takes_parameters() {
    let parameters = [
        ("fields", "country"),
        ("group", "country"),
        ("having", "COUNT(*) in (:counts)"),
        ("params[:counts]", "3"),
        ("order", "country desc"),
    ];
    check(&parameters, &json!([{ "country": "US" }, { "country": "GB" }]));
}

#[test]
fn groups_are_ordered_by_aggregate_by_its_name_or_by_column() {
    let expected = json!([
        { "country": "US", "SUM_qty": 9 }, { "country": "GB", "SUM_qty": 5 },
        { "country": "FR", "SUM_qty": 4 }, { "country": null, "SUM_qty": 2 },
    ]);
    for order in ["SUM(qty) desc", "SUM_qty desc", "sum_QTY desc"] {
        check(&[("fields", "country,SUM(qty)"), ("group", "country"), ("order", order)], &expected);
    }
    let by_alias = [("fields", "country,SUM(qty) AS pieces"), ("order", "pieces desc"), ("limit", "1")];
    check(&by_alias, &json!([{ "country": "US", "pieces": 9 }]));
    let page = [
        ("fields", "country"),
        ("group", "country"),
        ("order", "MIN(at) desc"),
        ("limit", "2"),
        ("offset", "1"),
    ];
    check(&page, &json!([{ "country": "FR" }, { "country": "US" }]));
    // A sum of nothing is null, and nulls are below all values.
    let nulls = [("fields", "country"), ("group", "country"), ("order", "SUM(amount)"), ("limit", "1")];
    check(&nulls, &json!([{ "country": "FR" }]));
}

#[test]
fn a_column_called_like_an_aggregate_does_not_collide_with_it() {
    check(
        &[("fields", "SUM(amount),COUNT(*)"), ("group", "SUM_amount"), ("order", "SUM_amount desc")],
        &json!([{ "SUM_amount": 19.0, "COUNT_ALL": 4 }, { "SUM_amount": 36.5, "COUNT_ALL": 4 }]),
    );
    check(
        &[("fields", "SUM_amount, SUM(amount) AS total"), ("group", "SUM_amount")],
        &json!([{ "SUM_amount": 1, "total": 36.5 }, { "SUM_amount": 2, "total": 19.0 }]),
    );
    refused(
        &[("fields", "SUM_amount, SUM(amount)"), ("group", "SUM_amount")],
        "two fields are called 'SUM_amount'; give one an alias with AS",
    );
}

#[test]
fn distinct_rows_are_shown_once() {
    let distinct = |fields: &str, more: &[(&str, &str)], expected: &Json| {
        check(&[&[("distinct", "true"), ("fields", fields)], more].concat(), expected);
    };
    distinct(
        "country",
        &[],
        &json!([{ "country": null }, { "country": "FR" }, { "country": "GB" }, { "country": "US" }]),
    );
    distinct("country", &[("order", "country desc"), ("limit", "1")], &json!([{ "country": "US" }]));
    distinct(
        "qty,country",
        &[("filter", "qty = 2"), ("order", "country")],
        &json!([{ "qty": 2, "country": null }, { "qty": 2, "country": "GB" }]),
    );
    refused(
        &[("distinct", "true"), ("fields", "country"), ("order", "qty")],
        "with 'distinct' the order may name shown fields only; add 'qty' to 'fields'",
    );
}

#[test]
fn what_is_wrong_is_named() {
    refused(&[("fields", "country,nope"), ("group", "country")], "Invalid field requested: nope");
    refused(&[("fields", "SUM(nope)")], "Invalid field requested: SUM(nope)");
    refused(&[("fields", "SUM(at)")], "'SUM(at)' needs a field of numbers");
    refused(&[("fields", "country, avg(at) AS a")], "'avg(at)' needs a field of numbers");
    refused(
        &[("having", "SUM(at) > 1"), ("group", "country")],
        "Invalid or unparsable field in filter request: 'SUM(at)'",
    );
    refused(&[("group", "nope")], "Invalid or unknown field 'nope' in group by clause.");
    refused(&[("order", "SUM(amount)")], "Invalid field 'SUM(amount)' in order by clause.");
    refused(&[("group", "country"), ("order", "id")], "Invalid field 'id' in order by clause.");
    refused(&[("fields", "id"), ("group", "country")], "field 'id' must stand in 'group' or in an aggregate");
    refused(&[("having", "COUNT(*)"), ("group", "country")], "Invalid or unparsable filter request.");
    refused(
        &[("having", "id = 1"), ("group", "country")],
        "Invalid or unparsable field in filter request: 'id'",
    );
    refused(&[("having", "COUNT(*) > 1")], "'having' needs 'group' or an aggregate in 'fields'");
    for name in ["group", "having", "distinct"] {
        let value = if name == "having" { "COUNT(*) = 1" } else { "true" };
        refused(&[("ids", "1"), (name, value)], &format!("'{name}' can't be combined with identifiers"));
    }
}

#[test]
fn the_count_of_groups_is_that_of_the_rows_before_and_next_is_that_of_the_groups() {
    for service in SERVICES {
        let meta = |parameters: &[(&str, &str)]| {
            let parameters = [&[("fields", "country"), ("group", "country")], parameters].concat();
            ask(shared(), &format!("{service}/_table/sales"), &parameters).json()["meta"].clone()
        };
        assert_eq!(meta(&[("include_count", "true")]), json!({ "count": 8 }));
        assert_eq!(meta(&[("include_count", "true"), ("limit", "3")]), json!({ "count": 8, "next": 3 }));
        assert_eq!(meta(&[("count", "exact"), ("limit", "3"), ("offset", "3")]), json!({ "count": 8 }));
        assert_eq!(meta(&[("limit", "3")]), Json::Null);
        let count_only = [("count_only", "true"), ("group", "country"), ("fields", "country")];
        ask(shared(), &format!("{service}/_table/sales"), &count_only).is_ok("8");
    }
}

#[test]
fn a_count_comes_when_it_is_asked_for() {
    for service in SERVICES {
        let meta = |parameters: &[(&str, &str)]| {
            let parameters = [&[("fields", "id")], parameters].concat();
            ask(shared(), &format!("{service}/_table/sales"), &parameters).json()["meta"].clone()
        };
        for count in ["exact", "estimated"] {
            assert_eq!(meta(&[("count", count)]), json!({ "count": 8 }));
            assert_eq!(meta(&[("count", count), ("limit", "5")]), json!({ "count": 8, "next": 5 }));
        }
        assert_eq!(meta(&[("count", "none"), ("include_count", "true"), ("limit", "5")]), Json::Null);
        assert_eq!(meta(&[]), Json::Null);
    }
    let message = "'count' must be 'exact', 'estimated' or 'none'";
    let context = json!({ "parameter": "count", "position": null, "expected": null });
    ask(shared(), "shop/_table/sales", &[("count", "yes")]).is_error_with(400, message, &context);
}
