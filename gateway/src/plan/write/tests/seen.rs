//! Conditions on rows as they were read.

use connector_api::model::{CompareOp, Expr, Filter, Path, Selector, Value};
use serde_json::{Value as Json, json};

use super::{Bench, Call, Change, Gathered, Kind, Selection, TableWrite, members, refused, rule, text};
use crate::plan::Error;

fn bench() -> Bench {
    let mut bench = Bench::new();
    bench.can.filter_null = true;
    bench
}

fn call(bench: &Bench, kind: Kind, selection: Selection, record: &Json) -> Result<Call, Error> {
    let mut write = bench.write(kind, selection, &TableWrite::default())?.returning_rows();
    let mut gathered = Gathered::default();
    bench.with(|scope| {
        gathered.add(write.record(members(record), None, 0, scope)?);
        gathered.call(&write, scope)
    })
}

fn seen(cells: &[(&str, Value)]) -> Selection {
    Selection::Seen(cells.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
}

fn guard(call: &Call) -> Option<Filter> {
    match &call.change {
        Change::Update(update) => guard_of(&update.rows),
        Change::Delete(delete) => guard_of(&delete.rows),
        Change::Upsert(upsert) => upsert.guard.clone(),
        Change::Insert(_) => None,
    }
}

fn guard_of(rows: &Selector) -> Option<Filter> {
    if let Selector::Keys { guard, .. } = rows { guard.clone() } else { None }
}

fn column(name: &str) -> Expr {
    Expr::Column(Path::column(name))
}

fn equals(name: &str, param: usize) -> Filter {
    Filter::Compare { op: CompareOp::Eq, left: column(name), right: Expr::Param(param) }
}

fn returned(call: &Call) -> Vec<String> {
    let Change::Update(update) = &call.change else { return Vec::new() };
    update.returning.iter().map(|path| path.segments().join(".")).collect()
}

#[test]
fn a_row_must_have_each_cell_that_was_read_but_its_key() {
    let cells = [
        ("id", Value::I64(1)),
        ("name", text("a")),
        ("qty", Value::Null),
        ("data", Value::Absent),
        ("tags", Value::List(vec![Value::I64(1)])),
    ];
    for (kind, record) in [(Kind::Update, json!({"id": 1, "qty": 2})), (Kind::Delete, json!({"id": 1}))] {
        let call = call(&bench(), kind, seen(&cells), &record).unwrap();
        let is_null = |name: &str| Filter::IsNull(column(name));
        let expected = vec![equals("name", 0), is_null("qty"), is_null("data"), equals("tags", 1)];
        assert_eq!(guard(&call), Some(Filter::And(expected)), "{kind:?}");
        assert_eq!(call.params, [text("a"), Value::List(vec![Value::I64(1)])]);
    }
}

#[test]
fn row_rules_stand_beside_the_cells() {
    let mut bench = bench();
    bench.rules = vec![rule("owner", "7")];
    let call = call(&bench, Kind::Update, seen(&[("name", text("a"))]), &json!({"id": 1, "qty": 2})).unwrap();
    let rules = Filter::And(vec![equals("owner", 0)]);
    let expected = vec![rules, Filter::And(vec![equals("name", 1), Filter::IsNull(column("qty"))])];
    assert_eq!(guard(&call), Some(Filter::And(expected)));
}

#[test]
fn a_member_that_is_set_and_was_not_there_must_still_be_missing() {
    let mut bench = bench();
    (bench.table.is_open, bench.can.open_columns) = (true, true);
    let record = json!({"id": 1, "new": true, "known": 3});
    let call = call(&bench, Kind::Update, seen(&[("known", Value::I64(2)), ("more", text("x"))]), &record);
    let call = call.unwrap();
    let expected = vec![equals("known", 0), equals("more", 1), Filter::IsNull(column("new"))];
    assert_eq!(guard(&call), Some(Filter::And(expected)));
    let described = bench.table.columns.iter().map(|column| column.name.as_str());
    let expected: Vec<&str> = described.chain(["known", "more", "new"]).collect();
    assert_eq!(returned(&call), expected, "the others by their names");
}

#[test]
fn what_was_only_seen_in_other_rows_is_no_part_of_the_condition_unless_it_is_set() {
    let mut bench = bench();
    for column in &mut bench.table.columns {
        column.is_guessed = matches!(column.name.as_str(), "qty" | "big" | "price");
    }
    let absent = |name| (name, Value::Absent);
    let cells = [("id", Value::I64(1)), absent("qty"), absent("big"), ("price", Value::Null), absent("day")];
    let call = call(&bench, Kind::Update, seen(&cells), &json!({"id": 1, "big": 2})).unwrap();
    let expected = ["price", "day", "big"].map(|name| Filter::IsNull(column(name)));
    assert_eq!(guard(&call), Some(Filter::And(expected.into())));
}

#[test]
fn a_row_that_must_be_missing_is_created_and_never_changed() {
    let upsert = call(&bench(), Kind::Upsert, Selection::Missing, &json!({"id": 1, "name": "a"})).unwrap();
    let update = call(&bench(), Kind::Update, Selection::Missing, &json!({"id": 1, "name": "a"})).unwrap();
    for call in [upsert, update] {
        assert_eq!(guard(&call), Some(Filter::Always(false)));
    }
}

#[test]
fn what_the_store_can_not_compare_is_refused_by_name() {
    let mut bench = bench();
    bench.can.filter_null = false;
    let refusal = call(&bench, Kind::Update, seen(&[("qty", Value::Null)]), &json!({"id": 1, "name": "a"}));
    assert_eq!(refused(refusal), "IS NULL in a filter is not supported by this service");
}
