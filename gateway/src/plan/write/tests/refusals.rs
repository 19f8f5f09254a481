//! What is refused before anything is written.

use connector_api::model::Capabilities;

use super::{Bench, Kind, Selection, TableWrite, able, refused, rule};
use crate::request::filter;
use crate::request::{Direction, Fields, OrderItem, Related, RelatedOptions, Term};

fn five() -> Box<filter::Node> {
    Box::new(filter::parse("qty = 5", &filter::Params::new()).unwrap().unwrap())
}

fn order_by(name: &str) -> OrderItem {
    OrderItem { term: Term::name(name), direction: Direction::Ascending, nulls: None, position: 0 }
}

fn some_rows() -> Selection {
    Selection::Matching(five())
}

#[test]
fn each_capability_that_is_missing_is_named() {
    let check = |lack: fn(&mut Capabilities), kind, selection: Selection, options: TableWrite, what: &str| {
        let mut bench = Bench::new();
        assert!(bench.write(kind, selection.clone(), &options).is_ok(), "{what}");
        lack(&mut bench.can);
        let expected = format!("{what} is not supported by this service");
        assert_eq!(refused(bench.write(kind, selection, &options)), expected);
    };
    let none = TableWrite::default;
    let keys = || Selection::Keys;
    check(|can| can.insert = false, Kind::Insert, keys(), none(), "creating records");
    check(|can| can.update_by_key = false, Kind::Update, keys(), none(), "changing records by identifier");
    check(|can| can.update_where = false, Kind::Update, some_rows(), none(), "changing records by filter");
    check(|can| can.upsert = false, Kind::Upsert, keys(), none(), "upsert");
    check(|can| can.delete_by_key = false, Kind::Delete, keys(), none(), "deleting records by identifier");
    check(|can| can.delete_where = false, Kind::Delete, some_rows(), none(), "deleting records by filter");
    check(|can| can.delete_where = false, Kind::Delete, Selection::All, none(), "deleting records by filter");
    let returning = "reading the rows that a write touched";
    check(|can| can.returning = false, Kind::Insert, keys(), none(), returning);
    let limited = || Selection::Some(five());
    let what = "limit of a write by filter";
    check(|can| can.transactions = false, Kind::Delete, limited(), none(), what);
    check(|can| can.row_rules = false, Kind::Update, limited(), none(), what);
    let condition = "a condition on a row";
    check(|can| can.row_rules = false, Kind::Update, Selection::Seen(Vec::new()), none(), condition);
    check(|can| can.row_rules = false, Kind::Upsert, Selection::Missing, none(), condition);
    let rollback = TableWrite { is_rolled_back: true, ..none() };
    check(|can| can.transactions = false, Kind::Insert, keys(), rollback, "rollback");
    let go_on = TableWrite { is_continued: true, ..none() };
    check(|can| can.on_error_continue = false, Kind::Delete, keys(), go_on, "continue");
}

#[test]
fn row_rules_need_a_store_that_holds_them() {
    let mut bench = Bench::new();
    bench.rules = vec![rule("owner", "1")];
    bench.can.row_rules = false;
    let expected = "a write under row rules is not supported by this service";
    for kind in [Kind::Insert, Kind::Update, Kind::Upsert, Kind::Delete] {
        assert_eq!(refused(bench.write(kind, Selection::Keys, &TableWrite::default())), expected);
    }
    assert_eq!(refused(bench.write(Kind::Update, some_rows(), &TableWrite::default())), expected);
    // There the rules are a part of the filter.
    assert!(bench.write(Kind::Delete, some_rows(), &TableWrite::default()).is_ok());
    bench.can = Capabilities { filter_compare: false, ..able() };
    let message = refused(bench.write(Kind::Insert, Selection::Keys, &TableWrite::default()));
    assert_eq!(message, "= in a filter is not supported by this service");
}

#[test]
fn what_would_be_ignored_is_refused() {
    let check = |selection: Selection, options: TableWrite, what: &str| {
        let message = refused(Bench::new().write(Kind::Update, selection, &options));
        assert_eq!(message, format!("{what} is not supported by this service"));
    };
    let none = TableWrite::default;
    check(
        Selection::Keys,
        TableWrite { related: Related::All(RelatedOptions::default()), ..none() },
        "related",
    );
    check(some_rows(), TableWrite { is_upsert: true, ..none() }, "upsert by filter");
    let refusal = |selection, options| refused(Bench::new().write(Kind::Update, selection, &options));
    let skipping = TableWrite { offset: 1, ..none() };
    assert_eq!(refusal(some_rows(), skipping), "'offset' of a write needs 'limit'");
    let ordered = TableWrite { order: vec![order_by("qty")], ..none() };
    assert_eq!(refusal(some_rows(), ordered), "'order' of a write needs 'limit'");
    let limited = TableWrite { limit: Some(1), ..none() };
    assert_eq!(refusal(Selection::All, limited), "'limit' of a write needs a filter");
    let unlimited = TableWrite { limit: Some(0), ..none() };
    assert!(Bench::new().write(Kind::Update, some_rows(), &unlimited).is_ok());
}

#[test]
fn a_table_whose_columns_are_guessed_is_not_written() {
    let mut bench = Bench::new();
    bench.table.is_inferred = true;
    let message = refused(bench.write(Kind::Insert, Selection::Keys, &TableWrite::default()));
    assert_eq!(message, "a write into a table whose columns are guessed is not supported by this service");
}

#[test]
fn an_open_table_is_written_though_its_columns_are_guessed() {
    let mut bench = Bench::new();
    (bench.table.is_inferred, bench.table.is_open) = (true, true);
    assert!(bench.write(Kind::Insert, Selection::Keys, &TableWrite::default()).is_err());
    bench.can.open_columns = true;
    assert!(bench.write(Kind::Insert, Selection::Keys, &TableWrite::default()).is_ok());
}

#[test]
fn nothing_that_identifies_a_row_is_an_error_unless_other_columns_are_asked_for() {
    let mut bench = Bench::new();
    bench.table.primary_key.clear();
    let all = TableWrite { fields: Fields::All, ..TableWrite::default() };
    let expected = "Identifying field(s) could not be determined.";
    assert_eq!(refused(bench.write(Kind::Insert, Selection::Keys, &TableWrite::default())), expected);
    assert_eq!(refused(bench.write(Kind::Delete, some_rows(), &TableWrite::default())), expected);
    assert_eq!(refused(bench.write(Kind::Update, Selection::Keys, &all)), expected);
    assert!(bench.write(Kind::Insert, Selection::Keys, &all).is_ok());
    assert!(bench.write(Kind::Update, some_rows(), &all).is_ok());
    assert!(bench.write(Kind::Delete, Selection::All, &TableWrite::default()).is_ok());
}

#[test]
fn a_limited_write_needs_a_key_that_is_unique() {
    let by = |field: &str| TableWrite { id_field: vec![field.to_owned()], ..TableWrite::default() };
    let bench = Bench::new();
    assert!(bench.write(Kind::Delete, Selection::Some(five()), &by("name")).is_ok());
    let message = refused(bench.write(Kind::Delete, Selection::Some(five()), &by("owner")));
    let expected = "'limit' of a write by filter needs the primary key or a unique key as identifying fields";
    assert_eq!(message, expected);
}

#[test]
fn an_upsert_needs_a_key_that_is_unique() {
    let by = |field: &str| TableWrite { id_field: vec![field.to_owned()], ..TableWrite::default() };
    let bench = Bench::new();
    assert!(bench.write(Kind::Upsert, Selection::Keys, &by("name")).is_ok());
    let message = refused(bench.write(Kind::Upsert, Selection::Keys, &by("owner")));
    assert_eq!(message, "'upsert' needs the primary key or a unique key as identifying fields");
}

#[test]
fn a_record_with_more_values_than_a_call_may_have_is_refused() {
    let mut bench = Bench::new();
    bench.can.max_parameters = Some(1);
    let message = refused(bench.call(Kind::Update, &serde_json::json!({ "id": 1, "qty": 2 }), None));
    assert_eq!(message, "the number of values in a request is limited to 1 by this service");
}
