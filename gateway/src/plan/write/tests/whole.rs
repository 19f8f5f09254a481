//! All records in one call or none, where there are no transactions.

use connector_api::model::{OnError, Value};
use serde_json::{Value as Json, json};

use super::{Bench, Call, Change, Kind, Selection, TableWrite, cells, members, refused, text};
use crate::plan::{Error, Whole};

fn bench() -> Bench {
    let mut bench = Bench::new();
    (bench.can.transactions, bench.can.on_error_atomic, bench.can.max_records) = (false, true, Some(3));
    bench
}

fn call(bench: &Bench, kind: Kind, records: &[Json], max_bytes: usize) -> Result<Call, Error> {
    let options = TableWrite { is_rolled_back: true, ..TableWrite::default() };
    let mut write = bench.write(kind, Selection::Keys, &options)?;
    assert!(write.is_one_call());
    let mut whole = Whole::default();
    bench.with(|scope| {
        for (index, record) in records.iter().enumerate() {
            whole.add(write.record(members(record), None, index, scope)?, &write, max_bytes, scope)?;
        }
        whole.into_gathered().call(&write, scope)
    })
}

#[track_caller]
fn refusal(kind: Kind, records: &[Json], max_bytes: usize, bound: &str) {
    let expected = format!(
        "'rollback' takes {bound} on this service, because it undoes one call and no more; send less at a time, or leave 'rollback' out"
    );
    assert_eq!(refused(call(&bench(), kind, records, max_bytes)), expected);
}

#[test]
fn a_call_has_the_columns_of_all_its_records() {
    let records = [json!({"name": "a"}), json!({"name": "b", "qty": 2}), json!({"big": 3, "name": "c"})];
    let call = call(&bench(), Kind::Insert, &records, 1000).unwrap();
    let Change::Insert(insert) = &call.change else { panic!("{:?}", call.change) };
    assert_eq!((insert.on_error, call.records), (OnError::Atomic, 3));
    let none = Value::Absent;
    let expected = [
        [text("a"), none.clone(), none.clone()],
        [text("b"), Value::I64(2), none.clone()],
        [text("c"), none, Value::I64(3)],
    ];
    assert_eq!(cells(&call), expected.concat());
}

#[test]
fn what_does_not_fit_one_call_is_refused_with_the_bound() {
    let records: Vec<Json> = (0..4).map(|id| json!({"id": id, "qty": 1})).collect();
    assert_eq!(call(&bench(), Kind::Update, &records[..3], 1000).unwrap().records, 3);
    refusal(Kind::Update, &records, 1000, "at most 3 records");
    refusal(Kind::Update, &records, 30, "records of at most 30 bytes together");
    let computed = |by: u8| json!({"id": by, "qty": {"expression": format!("qty + {by}")}});
    let other = [computed(1), computed(2)];
    refusal(Kind::Update, &other, 1000, "records with the same expressions only");
}

#[test]
fn a_service_with_transactions_needs_no_single_call() {
    let mut bench = bench();
    bench.can.transactions = true;
    let options = TableWrite { is_rolled_back: true, ..TableWrite::default() };
    assert!(!bench.write(Kind::Insert, Selection::Keys, &options).unwrap().is_one_call());
}
