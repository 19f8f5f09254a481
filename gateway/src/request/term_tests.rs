//! How names are cut out of a list, and what reads as an aggregate.

use super::*;

/// Items as `name`, `"name"`, `FUNC(DISTINCT? of)` and ` AS alias`.
fn shown(item: &FieldItem) -> String {
    let name = match (&item.term.aggregate, item.term.is_quoted) {
        (Some(aggregate), _) => {
            let distinct = if aggregate.is_distinct { "DISTINCT " } else { "" };
            let of = aggregate.of.as_deref().unwrap_or("*");
            format!("{}({distinct}{of})", aggregate.function.word())
        }
        (None, true) => format!("\"{}\"", item.term.name),
        (None, false) => item.term.name.clone(),
    };
    item.alias.as_ref().map_or(name.clone(), |alias| format!("{name} AS {alias}"))
}

fn check(text: &str, expected: &[&str]) {
    let found: Vec<String> = cut(text, 100).iter().map(shown).collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn a_list_is_cut_at_commas_and_blanks_around_names_go() {
    check("a, b c ,d", &["a", "b c", "d"]);
    check(",a,,b,", &["a", "b"]);
    check("", &[]);
    check(" , ", &[]);
    check("a(b,c)", &["a(b", "c)"]);
    check(":(,;-)", &[":(", ";-)"]);
}

#[test]
fn a_quoted_name_may_hold_anything() {
    check(r#""a,b",c"#, &[r#""a,b""#, "c"]);
    check(r#" "say ""hi""" , "x desc""#, &[r#""say "hi"""#, r#""x desc""#]);
    check(r#""""""#, &[r#"""""#]);
    check(r#""COUNT(*)""#, &[r#""COUNT(*)""#]);
    check(r#""*""#, &[r#""*""#]);
}

#[test]
fn quotes_that_close_nothing_are_part_of_the_name() {
    check(r#""a,b"#, &[r#""a"#, "b"]);
    check(r#"6" pipe,x"#, &[r#"6" pipe"#, "x"]);
    check(r#""a" b,c"#, &[r#""a" b"#, "c"]);
}

#[test]
fn aggregates_are_read_in_any_case_with_blanks_inside() {
    check("country,COUNT(*),sum( amount )", &["country", "COUNT(*)", "SUM(amount)"]);
    check("Count ( * )", &["COUNT(*)"]);
    check("COUNT(DISTINCT country)", &["COUNT(DISTINCT country)"]);
    check("count(distinct)", &["COUNT(distinct)"]);
    check(r#"MAX("a,b"),MIN(Price (USD))"#, &["MAX(a,b)", "MIN(Price (USD))"]);
}

#[test]
fn an_aggregate_may_have_an_alias() {
    check(
        "SUM(amount) AS total, avg(amount) as \"the mean\"",
        &["SUM(amount) AS total", "AVG(amount) AS the mean"],
    );
    check("SUM(amount) AS", &["SUM(amount) AS"]);
}

#[test]
fn what_is_no_aggregate_is_a_name() {
    for text in
        ["SUM(*)", "COUNT(DISTINCT *)", "COUNT()", "COUNT", "LEN(a)", "SUM(a", "SUM(a) b", "name AS other"]
    {
        check(text, &[text]);
    }
}

#[test]
fn a_whole_text_is_one_term() {
    assert_eq!(Term::read("COUNT(*)").aggregate.map(|found| found.function), Some(AggregateFunction::Count));
    assert_eq!(Term::read("first name"), Term::name("first name"));
    assert_eq!(Term::read("a,b"), Term::name("a,b"));
    assert_eq!(Term::read("\"a b\""), Term { is_quoted: true, ..Term::name("a b") });
}
