//! Reads as text.

use connector_api::ErrorKind;
use connector_api::model::{AggregateFunction, CompareOp, Expr, Path};

use super::*;
use crate::dialect::tests::{Ansi, Backticks};

fn shape() -> Query {
    Query::new(TableRef::new("t"), vec![Path::column("a"), Path::column("b")], 0)
}

fn check(shape: &Query, ansi: &str, other: &str) {
    let form = Form::default();
    assert_eq!(query(&Ansi, shape, &form).unwrap().sql(), ansi);
    assert_eq!(query(&Backticks, shape, &form).unwrap().sql(), other);
}

#[test]
fn columns_are_read_in_the_order_of_the_shape() {
    check(
        &shape(),
        r#"SELECT "a", "b" FROM "t" FETCH NEXT ? ROWS ONLY"#,
        "SELECT `a`, `b` FROM `t` LIMIT $1",
    );
}

#[test]
fn filter_order_and_page_follow_in_sql_s_order() {
    let mut shape = shape();
    shape.from.namespace = vec!["s".to_owned()];
    shape.filter = Some(Filter::Compare {
        op: CompareOp::Gt,
        left: Expr::Column(Path::column("a")),
        right: Expr::Param(2),
    });
    let by = |name: &str, direction, nulls| Order { by: Path::column(name), direction, nulls };
    shape.order = vec![
        by("a", Direction::Desc, Some(Nulls::Last)),
        by("b", Direction::Asc, Some(Nulls::First)),
        by("c", Direction::Desc, None),
    ];
    shape.offset = Some(1);
    check(
        &shape,
        r#"SELECT "a", "b" FROM "s"."t" WHERE "a" > ? ORDER BY "a" DESC NULLS LAST, "b" NULLS FIRST, "c" DESC OFFSET ? ROWS FETCH NEXT ? ROWS ONLY"#,
        "SELECT `a`, `b` FROM `s`.`t` WHERE `a` > $1 ORDER BY CASE WHEN `a` IS NULL THEN 1 ELSE 0 END, `a` DESC, CASE WHEN `b` IS NULL THEN 0 ELSE 1 END, `b`, `c` DESC LIMIT $2 OFFSET $3",
    );
}

#[test]
fn a_count_is_one_number() {
    let shape = Count {
        from: TableRef::new("t"),
        filter: Some(Filter::IsNull(Expr::Column(Path::column("a")))),
        need: Vec::new(),
        hints: serde_json::Map::default(),
    };
    let statement = count(&Ansi, &shape, &Form::default()).unwrap();
    assert_eq!(statement.sql(), r#"SELECT COUNT(*) FROM "t" WHERE "a" IS NULL"#);
}

#[test]
fn a_column_inside_a_document_is_unsupported() {
    let mut shape = shape();
    shape.select = [Path::nested(vec!["a".to_owned(), "b".to_owned()]).unwrap()].into();
    assert_eq!(query(&Ansi, &shape, &Form::default()).unwrap_err().kind, ErrorKind::Unsupported);
}

#[test]
fn hostile_names_stay_names_wherever_they_stand() {
    let hostile = r#"x" UNION SELECT "secret"#;
    let mut shape = shape();
    shape.from = TableRef { namespace: vec![hostile.to_owned()], name: hostile.to_owned() };
    shape.select = [Path::column(hostile)].into();
    shape.order = vec![Order { by: Path::column(hostile), direction: Direction::Asc, nulls: None }];
    let quoted = r#""x"" UNION SELECT ""secret""#;
    let expected = format!("SELECT {quoted} FROM {quoted}.{quoted} ORDER BY {quoted} FETCH NEXT ? ROWS ONLY");
    assert_eq!(query(&Ansi, &shape, &Form::default()).unwrap().sql(), expected);
}

fn aggregate(function: AggregateFunction, of: Option<&str>, distinct: bool, name: &str) -> Aggregate {
    Aggregate { function, of: of.map(Path::column), distinct, name: name.to_owned() }
}

#[test]
fn distinct_rows_are_asked_for_by_their_word_or_as_groups() {
    let shape = Query { distinct: true, ..shape() };
    check(
        &shape,
        r#"SELECT DISTINCT "a", "b" FROM "t" FETCH NEXT ? ROWS ONLY"#,
        "SELECT `a`, `b` FROM `t` GROUP BY `a`, `b` LIMIT $1",
    );
}

#[test]
fn a_watched_column_of_the_condition_is_there_as_a_null_unless_it_is_wanted() {
    let is = |name: &str| Filter::IsNull(Expr::Column(Path::column(name)));
    let of = |name: &str| Query { filter: Some(Filter::And(vec![is(name), is(name), is("a")])), ..shape() };
    let condition =
        |name: &str| format!("FROM `t` WHERE `{name}` IS NULL AND `{name}` IS NULL AND `a` IS NULL LIMIT $1");
    let written = |shape: &Query| query(&Backticks, shape, &Form::default()).unwrap().sql().to_owned();
    let watched = format!("SELECT `a`, `b`, CASE WHEN FALSE THEN `watched` END {}", condition("watched"));
    assert_eq!(written(&of("watched")), watched);
    assert_eq!(written(&of("other")), format!("SELECT `a`, `b` {}", condition("other")));
    let wanted = Query { select: [Path::column("watched")].into(), ..of("watched") };
    assert_eq!(written(&wanted), format!("SELECT `watched` {}", condition("watched")));
}

#[test]
fn the_type_of_a_watched_column_is_read_from_nowhere_where_rows_are_no_longer_themselves() {
    let filter = || Some(Filter::IsNull(Expr::Column(Path::column("watched"))));
    let nowhere = "(SELECT `watched` FROM `t` WHERE FALSE)";
    let distinct = Query { distinct: true, filter: filter(), ..shape() };
    assert_eq!(
        query(&Backticks, &distinct, &Form::default()).unwrap().sql(),
        format!("SELECT `a`, `b`, {nowhere} FROM `t` WHERE `watched` IS NULL GROUP BY `a`, `b` LIMIT $1")
    );
    let counted = Count { from: shape().from, filter: filter(), need: vec![], hints: serde_json::Map::new() };
    assert_eq!(
        count(&Backticks, &counted, &Form::default()).unwrap().sql(),
        format!("SELECT COUNT(*), {nowhere} FROM `t` WHERE `watched` IS NULL")
    );
}

#[test]
fn a_watched_column_of_another_table_is_one_of_that_table_also_where_its_name_is_wanted() {
    let inner = Box::new(Filter::IsNull(Expr::Column(Path::column("watched"))));
    let on = vec![(Path::column("id"), Path::column("t_id"))];
    let related = Filter::RelatedExists { table: TableRef::new("c"), on, filter: inner };
    let shape = Query { select: [Path::column("watched")].into(), filter: Some(related), ..shape() };
    assert_eq!(
        query(&Backticks, &shape, &Form::default()).unwrap().sql(),
        "SELECT `watched`, (SELECT `watched` FROM `there`.`c` WHERE FALSE) FROM `t` WHERE EXISTS (SELECT 1 FROM `there`.`c` AS `related_1` \
         WHERE `related_1`.`t_id` = `t`.`id` AND `related_1`.`watched` IS NULL) LIMIT $1"
    );
}

#[test]
fn an_aggregate_named_in_a_condition_or_an_order_is_written_out() {
    let more_than = |name: &str, param| Filter::Compare {
        op: CompareOp::Gt,
        left: Expr::Column(Path::column(name)),
        right: Expr::Param(param),
    };
    let shape = Query {
        select: [Path::column("a")].into(),
        filter: Some(more_than("n", 1)),
        group: Some(Group {
            by: vec![Path::column("a"), Path::column("b")],
            aggregates: vec![
                aggregate(AggregateFunction::Count, None, false, "#0"),
                aggregate(AggregateFunction::Sum, Some("n"), true, "#1"),
            ],
            having: Some(Filter::And(vec![more_than("#0", 2), more_than("b", 3)])),
        }),
        order: vec![
            Order { by: Path::column("#1"), direction: Direction::Desc, nulls: Some(Nulls::Last) },
            Order { by: Path::column("a"), direction: Direction::Asc, nulls: None },
        ],
        ..shape()
    };
    check(
        &shape,
        r#"SELECT "a", COUNT(*), SUM(DISTINCT "n") FROM "t" WHERE "n" > ? GROUP BY "a", "b" HAVING COUNT(*) > ? AND "b" > ? ORDER BY SUM(DISTINCT "n") DESC NULLS LAST, "a" FETCH NEXT ? ROWS ONLY"#,
        "SELECT `a`, COUNT(*), SUM(DISTINCT `n`) FROM `t` WHERE `n` > $1 GROUP BY `a`, `b` HAVING COUNT(*) > $2 AND `b` > $3 ORDER BY CASE WHEN SUM(DISTINCT `n`) IS NULL THEN 1 ELSE 0 END, SUM(DISTINCT `n`) DESC, `a` LIMIT $4",
    );
}

#[test]
fn all_rows_are_one_group_when_nothing_is_selected() {
    use AggregateFunction::{Avg, Max, Min};
    let aggregates = vec![
        aggregate(Min, Some("a"), false, "least"),
        aggregate(Max, Some("a"), false, "most"),
        aggregate(Avg, Some("a"), false, "mean"),
    ];
    let group = Some(Group { aggregates, ..Group::default() });
    check(
        &Query { select: [].into(), group, ..shape() },
        r#"SELECT MIN("a"), MAX("a"), AVG("a") FROM "t" FETCH NEXT ? ROWS ONLY"#,
        "SELECT MIN(`a`), MAX(`a`), AVG(`a`) FROM `t` LIMIT $1",
    );
    let nothing = Query { select: [].into(), ..shape() };
    assert_eq!(query(&Ansi, &nothing, &Form::default()).unwrap_err().kind, ErrorKind::Internal);
}
