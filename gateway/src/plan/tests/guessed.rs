//! Columns whose type was guessed, and those that nobody described: what a request writes keeps its kind.

use connector_api::model::{Capabilities, Column, ColumnType, Instant, Table, Value};
use serde_json::{Value as Json, json};

use super::{able, orders, request};
use crate::plan::{Checks, Error, RowRules, Scope, Views, page, readings};
use crate::request::{Id, path_id};
use crate::roles::{FilterOp, RowFilter, RowOperator};

/// `id` guessed as a text, `n` as a whole number, `at` as points in time, `data` as bytes; `code` is declared as a text.
fn things() -> Table {
    let guessed = |name: &str, data_type| Column { is_guessed: true, ..Column::new(name, data_type) };
    let columns = vec![
        guessed("id", ColumnType::Text),
        guessed("n", ColumnType::Integer),
        guessed("at", ColumnType::Timestamp),
        guessed("data", ColumnType::Binary),
        Column::new("code", ColumnType::Text),
    ];
    Table {
        columns,
        is_inferred: true,
        is_open: true,
        ..Table { primary_key: vec!["id".to_owned()], ..orders() }
    }
}

fn with<T>(rules: &[RowFilter], plan: impl FnOnce(&Scope<'_>) -> Result<T, Error>) -> Result<T, Error> {
    let capabilities = Capabilities {
        open_columns: true,
        filter_text: true,
        filter_like: true,
        filter_expressions: true,
        ..able()
    };
    plan(&Scope {
        table: &things(),
        views: &Views::default(),
        checks: &Checks::default(),
        aliases: None,
        now: std::time::SystemTime::UNIX_EPOCH,
        capabilities: &capabilities,
        rules: (!rules.is_empty()).then_some(RowRules { filters: rules, op: FilterOp::And }),
        rules_of_new_rows: None,
        is_readable: true,
        lookup: &|name| (name == "user.id").then(|| "7".to_owned()),
        max_records: 100,
        reach: None,
    })
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

/// The values that a filter binds.
#[track_caller]
fn bound(filter: &str) -> Vec<Value> {
    let page = with(&[], |scope| page(&request(&[("filter", filter)]), scope));
    let mut params = page.unwrap_or_else(|error| panic!("{filter}: {error}")).read.params;
    params.pop();
    params
}

#[test]
fn a_filter_compares_by_the_kind_that_is_written() {
    let moment = Instant::parse("2024-05-01T00:00:00Z").unwrap();
    for (filter, expected) in [
        ("n = 7", Value::I64(7)),
        ("n = '7'", text("7")),
        ("n = x", text("x")),
        ("n = 'x'", text("x")),
        ("n = 18446744073709551615", Value::U64(u64::MAX)),
        ("n = 0.1", Value::Decimal("0.1".to_owned())),
        ("n = true", Value::Bool(true)),
        ("id = 7", Value::I64(7)),
        ("id = '007'", text("007")),
        ("nowhere = '7'", text("7")),
        ("code = 7", text("7")),
        ("at = 2024-05-01", Value::Instant(moment)),
        ("at = '2024-05-01'", Value::Instant(moment)),
        ("at = 'soon'", text("soon")),
        ("at = 5", Value::I64(5)),
        ("data = 'aGk='", Value::Bytes(b"hi".to_vec())),
        ("data = 'no bytes'", text("no bytes")),
        ("n like '7%'", text("7%")),
        ("data contains '7'", text("7")),
    ] {
        let expected = vec![expected];
        assert_eq!(bound(filter), expected, "{filter}");
    }
}

fn rule(name: &str, operator: RowOperator, value: Json) -> RowFilter {
    RowFilter { name: name.to_owned(), operator, value: Some(value) }
}

#[test]
fn the_text_of_a_row_rule_means_the_number_as_well() {
    use RowOperator::{Equal, In, Less, NotEqual};
    let both = || vec![text("7"), Value::I64(7)];
    for (rule, shape, expected) in [
        (rule("n", Equal, json!("{user.id}")), "or", both()),
        (rule("n", Equal, json!("007")), "compare", vec![text("007")]),
        (rule("n", Equal, json!(7)), "compare", vec![Value::I64(7)]),
        (rule("n", NotEqual, json!("7")), "and", both()),
        (rule("id", Less, json!("7")), "or", both()),
        (rule("nowhere", In, json!("7, x")), "in", vec![Value::List([both(), vec![text("x")]].concat())]),
        (rule("code", Equal, json!("7")), "compare", vec![text("7")]),
    ] {
        let page = with(std::slice::from_ref(&rule), |scope| page(&request(&[]), scope)).unwrap();
        let filter = serde_json::to_value(page.read.query.filter).unwrap();
        assert!(filter["and"][0].get(shape).is_some(), "{rule:?}: {filter}");
        assert_eq!(page.read.params.split_last().unwrap().1, expected, "{rule:?}");
    }
}

#[test]
fn an_identifier_of_a_url_has_each_kind_that_is_written_so() {
    let value = |json: Json| Id::Value(json);
    for (id, id_field, expected) in [
        (path_id("88"), "", vec![value(json!("88")), value(json!(88))]),
        (path_id("-0.5"), "", vec![value(json!("-0.5")), value(json!(-0.5))]),
        (path_id("true"), "", vec![value(json!("true")), value(json!(true))]),
        (path_id("007"), "", vec![value(json!("007"))]),
        (path_id(" 88"), "", vec![value(json!(" 88"))]),
        (path_id("null"), "", vec![value(json!("null"))]),
        (path_id("\"88\""), "", vec![value(json!("\"88\""))]),
        (path_id("88"), "code", vec![value(json!("88"))]),
        (value(json!("88")), "", vec![value(json!("88"))]),
        (
            path_id("(8,9)"),
            "n,code",
            vec![Id::Tuple(vec![json!("8"), json!("9")]), Id::Tuple(vec![json!(8), json!("9")])],
        ),
    ] {
        let id_field: Vec<String> =
            id_field.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let found = with(&[], |scope| readings(&id, &id_field, scope)).unwrap();
        assert_eq!(found, expected, "{id:?}");
    }
    let many = path_id("(1,1,1,1,1)");
    let refused = with(&[], |scope| readings(&many, &["n", "n", "n", "n", "id"].map(str::to_owned), scope));
    assert!(refused.unwrap_err().to_string().contains("JSON body"));
}
