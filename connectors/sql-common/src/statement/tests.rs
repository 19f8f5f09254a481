//! Bindings, forms and the cache.

use connector_api::ErrorKind;

use super::*;
use crate::dialect::tests::Ansi;

fn bound(bind: Bind, params: &[Value]) -> Result<Vec<Value>> {
    let mut values = Vec::new();
    Statement::new(String::new(), vec![bind]).bind(&Ansi, params, |bound| {
        let Bound::Value(value) = bound else { panic!("{bound:?}") };
        values.push(value.into_owned());
        Ok(())
    })?;
    Ok(values)
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

#[test]
fn wildcards_of_plain_text_are_escaped() {
    for (op, plain, pattern) in [
        (TextOp::Contains, "50%", "%50!%%"),
        (TextOp::StartsWith, "a_b", "a!_b%"),
        (TextOp::EndsWith, "wow!", "%wow!!"),
        (TextOp::Contains, "", "%%"),
    ] {
        assert_eq!(bound(Bind::Pattern(0, op), &[text(plain)]).unwrap(), [text(pattern)]);
    }
}

#[test]
fn a_list_is_filled_up_with_its_last_item_and_nulls_are_left_out() {
    let list = Value::List(vec![Value::I64(1), Value::Null, Value::I64(2), Value::I64(3)]);
    let bind = Bind::Items { list: 0, kind: Kind::Any, count: 4 };
    let expected = [1, 2, 3, 3].map(Value::I64);
    assert_eq!(bound(bind, &[list]).unwrap(), expected);
}

#[test]
fn row_counts_are_signed_integers_or_refused() {
    assert_eq!(bound(Bind::Rows(0), &[Value::U64(u64::MAX)]).unwrap(), [Value::I64(i64::MAX)]);
    for wrong in [Value::I64(-1), text("5"), Value::Null] {
        assert_eq!(bound(Bind::Rows(0), &[wrong]).unwrap_err().kind, ErrorKind::Internal);
    }
}

#[test]
fn a_parameter_that_was_not_sent_is_an_error() {
    assert_eq!(bound(Bind::Param(1), &[Value::Null]).unwrap_err().kind, ErrorKind::Internal);
}

#[test]
fn lists_of_like_length_share_a_form_and_other_kinds_do_not() {
    let list = |count| Form::of(&Ansi, &[Value::List(vec![Value::I64(1); count])]);
    assert_eq!(list(5), list(8));
    assert_ne!(list(4), list(5));
    assert_eq!(Form::of(&Ansi, &[Value::I64(1)]), Form::of(&Ansi, &[text("x")]));
    assert_ne!(Form::of(&Ansi, &[Value::I64(1)]), Form::of(&Ansi, &[Value::Null]));
}

#[test]
fn a_cell_of_the_record_is_left_to_the_connector() {
    let mut seen = Vec::new();
    let statement = Statement::new(String::new(), vec![Bind::Cell(3)]);
    statement
        .bind(&Ansi, &[], |bound| {
            seen.push(bound);
            Ok(())
        })
        .unwrap();
    assert_eq!(seen, [Bound::Cell(3)]);
}

#[test]
fn a_form_knows_which_cells_are_there_and_what_is_not_said_is() {
    let form = Form::of(&Ansi, &[Value::I64(1)]);
    let other = form.with_absent(&[false, true]);
    assert_eq!([0, 1, 2].map(|cell| other.is_present(cell)), [true, false, true]);
    assert!(form.is_present(1));
    assert_ne!(form, other);
    assert_eq!(other.kind(0), Kind::Any);
}

fn key(number: u8, params: &[Value]) -> StatementKey {
    StatementKey { shape: vec![number].into(), nth: 0, form: Form::of(&Ansi, params) }
}

#[test]
fn the_cache_builds_once_per_shape_and_form_and_stays_bounded() {
    let mut cache = StatementCache::new(2);
    let mut built = 0;
    let mut get = |cache: &mut StatementCache, key: StatementKey| {
        cache
            .get(key, |_| {
                built += 1;
                Ok(Statement::new(String::new(), Vec::new()))
            })
            .unwrap();
        built
    };
    assert_eq!(get(&mut cache, key(1, &[Value::I64(1)])), 1);
    assert_eq!(get(&mut cache, key(1, &[Value::I64(2)])), 1);
    assert_eq!(get(&mut cache, key(1, &[Value::Null])), 2);
    assert_eq!(get(&mut cache, StatementKey { nth: 1, ..key(1, &[Value::Null]) }), 3);
    assert!(cache.statements.len() <= 2);
    assert_eq!(get(&mut cache, StatementKey { nth: 1, ..key(1, &[Value::Null]) }), 3);
    cache.clear();
    assert_eq!(get(&mut cache, key(1, &[Value::Null])), 4);
}

#[test]
fn a_statement_that_can_not_be_built_is_not_kept() {
    let mut cache = StatementCache::new(2);
    let error = cache.get(key(1, &[]), |_| Err(Error::unsupported("this"))).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsupported);
    assert!(cache.statements.is_empty());
}
