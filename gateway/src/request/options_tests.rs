//! What the options of a read mean, wherever they stand.

use serde_json::{Value as Json, json};

use super::*;
use crate::request::RelatedOptions;
use crate::request::filter::Value;
use crate::request::{Bounds, FieldItem, Term};

fn pairs(query: &[(&str, &str)]) -> Vec<(String, String)> {
    query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn read(query: &[(&str, &str)], body: &Json) -> Result<TableRead, Error> {
    TableRead::parse(Parameters { query: &pairs(query), body: body.as_object(), ..Parameters::default() })
}

fn check(query: &[(&str, &str)], body: &Json, expected: &TableRead) {
    assert_eq!(read(query, body).as_ref(), Ok(expected), "{query:?} {body}");
}

fn refused(query: &[(&str, &str)], body: &Json) -> Error {
    read(query, body).unwrap_err()
}

fn filter_text(read: &TableRead) -> String {
    read.filter.as_ref().map(ToString::to_string).unwrap_or_default()
}

fn named(names: &[&str]) -> Fields {
    Fields::Named(names.iter().map(|name| FieldItem::from(Term::read(name))).collect())
}

#[test]
fn a_filter_is_as_long_as_it_may_be() {
    let bounds = Bounds { filter: 7, ..Bounds::default() };
    let read = |query: &[(&str, &str)]| {
        let query = pairs(query);
        let read = TableRead::parse(Parameters { query: &query, body: None, bounds })?;
        read.related.options().read_of("orders", Vec::new())
    };
    for name in ["filter", "where", "having", "orders.filter"] {
        let group = ("group", "a");
        assert!(read(&[group, (name, "a = 123")]).is_ok(), "{name}");
        let error = read(&[group, (name, "a = 1234")]).unwrap_err();
        assert!(error.message.ends_with("is 8 bytes long; at most 7 bytes are allowed"), "{name}: {error:?}");
    }
}

#[test]
fn nothing_given_is_the_default() {
    check(&[], &json!(null), &TableRead::default());
    check(&[("_", "17"), ("unknown", "x")], &json!({"other": {}}), &TableRead::default());
}

#[test]
fn fields_have_four_states() {
    let fields = |text: &str| read(&[("fields", text)], &json!(null)).unwrap().fields;
    assert_eq!(fields("*"), Fields::All);
    assert_eq!(fields("id,*"), Fields::All);
    assert_eq!(fields(""), Fields::Identifiers);
    assert_eq!(fields(", "), Fields::Identifiers);
    assert_eq!(fields(",id, Name ,id,"), named(&["id", "Name", "id"]));
    assert_eq!(fields("country, COUNT( * )"), named(&["country", "COUNT( * )"]));
    assert_eq!(read(&[], &json!({"fields": ["a", "b,c"]})).unwrap().fields, named(&["a", "b,c"]));
    assert_eq!(read(&[], &json!({"fields": null})).unwrap().fields, Fields::Absent);
}

#[test]
fn query_wins_over_body_and_names_over_aliases() {
    let body = json!({"limit": 5, "filter": "a = 1", "order": "b"});
    let found = read(&[("top", "7"), ("where", "x = 2"), ("sort", "y desc")], &body).unwrap();
    assert_eq!((found.limit, filter_text(&found).as_str()), (Some(7), "x = 2"));
    assert_eq!(found.order.first().map(|item| item.term.name.as_str()), Some("y"));
    let found = read(&[("top", "7"), ("limit", "3"), ("skip", "4"), ("select", "z")], &json!(null)).unwrap();
    assert_eq!((found.limit, found.offset, found.fields), (Some(3), 4, named(&["z"])));
    let found =
        read(&[("order_by", "q"), ("group_by", "g"), ("limit", "1"), ("limit", "2")], &json!(null)).unwrap();
    assert_eq!((found.limit, found.group, found.order.len()), (Some(2), vec!["g".to_owned()], 1));
}

#[test]
fn every_option_may_stand_in_the_body() {
    let body = json!({
        "include_schema": "yes", "count_only": 1, "as_list": "T", "refresh": "on", "continue": "Y",
        "distinct": true, "related": ["orders", "city"], "id_field": "email", "id_type": ["string"], "limit": -1,
        "having": "x = 1", "page": "cursor", "cursor": "abc", "count": "none", "group": ["a", "b,c"]
    });
    let expected = TableRead {
        include_schema: true,
        count_only: true,
        as_list: true,
        refresh: true,
        is_continued: true,
        distinct: true,
        related: Related::Named(vec!["orders".to_owned(), "city".to_owned()], RelatedOptions::default()),
        id_field: vec!["email".to_owned()],
        id_type: vec!["string".to_owned()],
        limit: Some(-1),
        having: filter::parse("x = 1", &Params::new()).unwrap(),
        paging: Paging::After("abc".to_owned()),
        count: CountWish::None,
        group: vec!["a".to_owned(), "b,c".to_owned()],
        ..TableRead::default()
    };
    check(&[], &body, &expected);
}

#[test]
fn other_words_are_false() {
    for word in ["false", "0", "no", "", "2", "truee"] {
        check(&[("count_only", word)], &json!(null), &TableRead::default());
    }
    check(&[("count_only", "false")], &json!({"count_only": true}), &TableRead::default());
}

#[test]
fn limit_is_kept_as_given() {
    let cases = [("10", 10), ("0", 0), ("-3", -3), ("abc", 0), ("", 0), ("12x", 12), (" +4", 4)];
    let exponents = [
        ("1e1", 10),
        ("1.25e1", 12),
        ("25e-1", 2),
        ("1e", 1),
        ("-1E+2", -100),
        ("0e99", 0),
        ("1e999", i64::MAX),
    ];
    for (text, expected) in cases.into_iter().chain(exponents) {
        assert_eq!(read(&[("limit", text)], &json!(null)).unwrap().limit, Some(expected), "{text}");
    }
    assert_eq!(read(&[("limit", "99999999999999999999")], &json!(null)).unwrap().limit, Some(i64::MAX));
}

#[test]
fn only_a_negative_offset_is_refused() {
    for (text, expected) in [("", 0), ("x", 0), ("0", 0), ("-0", 0), ("15", 15)] {
        assert_eq!(read(&[("offset", text)], &json!(null)).unwrap().offset, expected, "{text}");
    }
    for (text, expected) in
        [("", false), ("x", true), ("1x", true), (" 15 ", false), ("1e1", false), ("5-_a", true)]
    {
        assert_eq!(read(&[("offset", text)], &json!(null)).unwrap().is_offset_unread, expected, "{text}");
    }
    assert_eq!(refused(&[("offset", "-1")], &json!(null)).parameter, "offset");
    assert_eq!(refused(&[], &json!({"offset": -5})).parameter, "offset");
}

#[test]
fn params_replace_names_and_the_query_wins() {
    let query = [("filter", "a = :s and b in (:t, :u)"), ("params[:s]", "new"), ("params[u]", "9")];
    let found = read(&query, &json!({"params": {":s": "old", ":t": 20}})).unwrap();
    let Some(Node::And(members)) = found.filter else { panic!("two comparisons") };
    let values: Vec<&Value> = members
        .iter()
        .flat_map(|member| match member {
            Node::Compare { value, .. } => vec![value],
            Node::In { values, .. } => values.iter().collect(),
            other => panic!("{other}"),
        })
        .collect();
    let values: Vec<Json> = values
        .into_iter()
        .map(|value| match value {
            Value::Parameter(parameter) => parameter.value.clone(),
            other => panic!("{other}"),
        })
        .collect();
    assert_eq!(values, [json!("new"), json!(20), json!("9")]);
}

#[test]
fn an_array_may_stand_in_the_query() {
    let query =
        [("filter", "a in :ids"), ("params[:ids][]", "1"), ("params[ids][]", "2,3"), ("params[x", "9")];
    let found = read(&query, &json!({"params": {":ids": 7}})).unwrap();
    let Some(Node::In { values, .. }) = found.filter else { panic!("a list") };
    let [Value::Parameter(parameter)] = values.as_slice() else { panic!("{values:?}") };
    assert_eq!(parameter.value, json!(["1", "2,3"]));
}

#[test]
fn wrong_json_types_are_refused_by_name() {
    let cases = [
        (json!({"filter": 5}), "filter"),
        (json!({"fields": {"a": 1}}), "fields"),
        (json!({"order": [["a"]]}), "order"),
        (json!({"limit": {}}), "limit"),
        (json!({"filter": "a = 1", "params": "x"}), "params"),
    ];
    for (body, parameter) in cases {
        assert_eq!(refused(&[], &body).parameter, parameter, "{body}");
    }
}

#[test]
fn blank_filter_is_no_filter() {
    check(&[("filter", "  ")], &json!(null), &TableRead::default());
}

#[test]
fn tunnelled_get_reads_its_body() {
    let body = json!({
        "filter": "(status = :s) AND (total > :t)", "params": {":s": "paid", ":t": 20},
        "order": "total desc", "fields": ["id", "total"]
    });
    let found = read(&[("related", "customers_by_customer_id")], &body).unwrap();
    assert_eq!(filter_text(&found), "(status = :s) AND (total > :t)");
    assert_eq!(found.fields, named(&["id", "total"]));
    let Related::Named(names, _) = found.related else { panic!("{:?}", found.related) };
    assert_eq!(names, ["customers_by_customer_id"]);
}

#[test]
fn lists_of_resources_have_their_own_options() {
    let query =
        pairs(&[("ids", "a, b"), ("as_access_list", "1"), ("include_access", "yes"), ("schema", "sales")]);
    let found = ListRead::parse(Parameters { query: &query, body: None, ..Parameters::default() }).unwrap();
    let expected = ListRead {
        ids: Some(vec!["a".to_owned(), "b".to_owned()]),
        as_access_list: true,
        include_access: true,
        schema: Some("sales".to_owned()),
        ..ListRead::default()
    };
    assert_eq!(found, expected);
    assert_eq!(ListRead::parse(Parameters::default()), Ok(ListRead::default()));
}

#[test]
fn a_count_is_wanted_by_count_else_by_include_count() {
    let count = |query: &[(&str, &str)]| read(query, &json!(null)).unwrap().count;
    assert_eq!(count(&[]), CountWish::Unsaid);
    assert_eq!(count(&[("include_count", "true")]), CountWish::Exact);
    assert_eq!(count(&[("include_count", "false")]), CountWish::Unsaid);
    assert_eq!(count(&[("count", "Exact")]), CountWish::Exact);
    assert_eq!(count(&[("count", "estimated")]), CountWish::Estimated);
    assert_eq!(count(&[("count", "none"), ("include_count", "true")]), CountWish::None);
    assert_eq!(refused(&[("count", "true")], &json!(null)).parameter, "count");
}

#[test]
fn a_page_is_by_offset_or_by_cursor_and_never_both() {
    let paging = |query: &[(&str, &str)]| read(query, &json!(null)).unwrap().paging;
    assert_eq!(paging(&[]), Paging::Offset);
    assert_eq!(paging(&[("page", "offset"), ("offset", "3")]), Paging::Offset);
    assert_eq!(paging(&[("page", "Cursor")]), Paging::FirstByCursor);
    assert_eq!(paging(&[("cursor", "")]), Paging::FirstByCursor);
    assert_eq!(paging(&[("cursor", "x"), ("offset", "0")]), Paging::After("x".to_owned()));
    // The token of a page may stand for an offset; it is longer than any number.
    let token = "5-_a".repeat(16);
    assert_eq!(paging(&[("offset", &token)]), Paging::After(token.clone()));
    assert_eq!(paging(&[("offset", token.trim_end_matches("_a"))]), Paging::Offset);
    assert_eq!(paging(&[("offset", &format!("{token}="))]), Paging::Offset);
    for (query, parameter) in [
        (&[("page", "2")][..], "page"),
        (&[("page", "offset"), ("cursor", "x")], "cursor"),
        (&[("page", "cursor"), ("offset", "1")], "offset"),
        (&[("cursor", "x"), ("skip", "1")], "offset"),
    ] {
        assert_eq!(refused(query, &json!(null)).parameter, parameter, "{query:?}");
    }
}

#[test]
fn having_is_a_filter_with_its_own_name_in_errors() {
    let having = |text: &str| read(&[("having", text), ("params[:n]", "3")], &json!(null));
    let found = having("COUNT(*) > :n and SUM(\"a,b\") < 5").unwrap().having;
    assert_eq!(
        found.map(|node| node.to_string()).as_deref(),
        Some(r#"("COUNT(*)" > :n) AND ("SUM(""a,b"")" < 5)"#)
    );
    let error = having("COUNT(*)").unwrap_err();
    assert_eq!((error.parameter, error.position), ("having", Some(0)));
}

#[test]
fn every_list_has_a_bound_which_its_refusal_names() {
    let list = |count: usize| vec!["a"; count];
    for (name, most) in [
        ("fields", 2_000),
        ("order", 100),
        ("group", 100),
        ("id_field", 100),
        ("id_type", 100),
        ("related", 100),
    ] {
        let expected = format!("'{name}' may have at most {most} items");
        for (count, is_refused) in [(most, false), (most + 1, true), (most * 100, true)] {
            let in_query = read(&[(name, &list(count).join(","))], &json!({}));
            let in_body = read(&[], &json!({ name: list(count) }));
            for read in [in_query, in_body] {
                let refusal = read.err().map(|error| (error.parameter, error.message));
                assert_eq!(refusal, is_refused.then(|| (name, expected.clone())), "{name} {count}");
            }
        }
    }
}

#[test]
fn identifiers_have_a_bound_wherever_they_stand() {
    let message = "at most 100000 identifiers can be given at once";
    for (count, is_refused) in [(100_000, false), (100_001, true)] {
        let records = json!({ "resource": vec![json!({ "id": 1 }); count] });
        for (query, body) in [
            (Some("1,".repeat(count)), json!({})),
            (None, json!({ "ids": "1,".repeat(count) })),
            (None, json!({ "ids": vec![1; count] })),
            (None, records),
        ] {
            let query: Vec<_> = query.as_deref().map(|ids| ("ids", ids)).into_iter().collect();
            let refusal = read(&query, &body).err().map(|error| error.message);
            assert_eq!(refusal.as_deref(), is_refused.then_some(message), "{count}");
        }
    }
}
