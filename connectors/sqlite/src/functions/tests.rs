//! The functions, called through SQL.

use super::*;

fn evaluate(sql: &str) -> Result<Value> {
    let connection = Connection::open_in_memory()?;
    install(&connection)?;
    connection.query_row(sql, [], |row| row.get(0))
}

#[test]
fn rounding_takes_halves_away_from_zero_by_exact_digits() {
    for (sql, expected) in [
        ("SELECT tablegate_round(2.5)", Value::Real(3.0)),
        ("SELECT tablegate_round(-2.5)", Value::Real(-3.0)),
        ("SELECT tablegate_round(0.49999999999999994)", Value::Real(0.0)),
        ("SELECT tablegate_round(2.675, 2)", Value::Real(2.67)),
        ("SELECT tablegate_round(0.125, 2)", Value::Real(0.13)),
        ("SELECT tablegate_round(-0.125, 2)", Value::Real(-0.13)),
        ("SELECT tablegate_round(0.375, 2)", Value::Real(0.38)),
        ("SELECT tablegate_round(1.5, 2000)", Value::Real(1.5)),
        ("SELECT tablegate_round(1250.0, -2)", Value::Real(1300.0)),
        ("SELECT tablegate_round(1250, -2)", Value::Integer(1300)),
        ("SELECT tablegate_round(-1250, -2)", Value::Integer(-1300)),
        ("SELECT tablegate_round(5, -40)", Value::Integer(0)),
        ("SELECT tablegate_round(7, 2)", Value::Integer(7)),
        ("SELECT tablegate_round('7')", Value::Null),
        ("SELECT tablegate_round(7, NULL)", Value::Null),
    ] {
        assert_eq!(evaluate(sql).unwrap(), expected, "{sql}");
    }
}

#[test]
fn arithmetic_is_exact_null_or_an_error() {
    for (sql, expected) in [
        ("SELECT tablegate_div(-7, 2)", Some(Value::Integer(-3))),
        ("SELECT tablegate_div(7, 2.0)", Some(Value::Real(3.5))),
        ("SELECT tablegate_div(7, 0)", Some(Value::Null)),
        ("SELECT tablegate_div('x', 0)", Some(Value::Null)),
        ("SELECT tablegate_div(-9223372036854775808, -1)", None),
        ("SELECT tablegate_add(9223372036854775807, 1)", None),
        ("SELECT tablegate_mul(1e308, 10)", None),
        ("SELECT tablegate_sub(1, '1')", Some(Value::Null)),
        ("SELECT tablegate_sub(NULL, 1)", Some(Value::Null)),
        ("SELECT tablegate_abs(-9223372036854775808)", None),
        ("SELECT tablegate_abs(-1.5)", Some(Value::Real(1.5))),
        ("SELECT tablegate_abs('-1')", Some(Value::Null)),
    ] {
        assert_eq!(evaluate(sql).ok(), expected, "{sql}");
    }
}

#[test]
fn texts_are_whole_even_with_nul_inside() {
    for (sql, expected) in [
        ("SELECT tablegate_length('日本' || char(0) || 'x')", Value::Integer(4)),
        ("SELECT tablegate_lower('ÀB')", Value::Text("Àb".into())),
        ("SELECT tablegate_trim(char(9) || ' a ')", Value::Text("\t a".into())),
        ("SELECT tablegate_length(12)", Value::Null),
        ("SELECT tablegate_text(-12)", Value::Text("-12".into())),
        ("SELECT tablegate_text(0.1 + 0.2)", Value::Text("0.30000000000000004".into())),
        ("SELECT tablegate_text(10.0)", Value::Text("10".into())),
        ("SELECT tablegate_text(x'31')", Value::Null),
        ("SELECT tablegate_contains('abc', '')", Value::Integer(1)),
        ("SELECT tablegate_ends_with('c', 'bc')", Value::Integer(0)),
        ("SELECT tablegate_contains(100, '1')", Value::Integer(0)),
        ("SELECT tablegate_contains(NULL, '1')", Value::Null),
        ("SELECT tablegate_coalesce(NULL, x'00', 1)", Value::Blob(vec![0])),
        ("SELECT tablegate_coalesce(NULL)", Value::Null),
    ] {
        assert_eq!(evaluate(sql).unwrap(), expected, "{sql}");
    }
}

#[test]
fn the_schema_of_a_file_can_not_call_them() {
    let connection = Connection::open_in_memory().unwrap();
    install(&connection).unwrap();
    connection.execute_batch("CREATE VIEW v AS SELECT tablegate_abs(-1)").unwrap();
    assert!(connection.query_row("SELECT * FROM v", [], |row| row.get::<_, i64>(0)).is_err());
}

#[test]
fn sums_take_numbers_only_are_exact_in_decimals_and_never_wrap() {
    let all = |function: &str, values: &str| {
        evaluate(&format!("SELECT {function}(column1) FROM (VALUES {values})"))
    };
    for (values, sum, mean) in [
        ("(1), (2), (NULL)", Some(Value::Integer(3)), Some(Value::Real(1.5))),
        ("(0.1), (0.2)", Some(Value::Real(0.3)), Some(Value::Real(0.15))),
        ("(1), (0.25), ('7'), (x'37')", Some(Value::Real(1.25)), Some(Value::Real(0.625))),
        ("(NULL), ('x')", Some(Value::Null), Some(Value::Null)),
        (
            "(9007199254740993), (0.0)",
            Some(Value::Real(9_007_199_254_740_992.0)),
            Some(Value::Real(4_503_599_627_370_496.0)),
        ),
        ("(1e100), (1.0), (-1e100)", Some(Value::Real(1.0)), Some(Value::Real(1.0 / 3.0))),
        ("(1e-9), (1e-9)", Some(Value::Real(2e-9)), Some(Value::Real(1e-9))),
        ("(9223372036854775807), (1)", None, Some(Value::Real(4_611_686_018_427_387_904.0))),
        (
            "(9223372036854775807), (1), (-1)",
            Some(Value::Integer(i64::MAX)),
            Some(Value::Real(3_074_457_345_618_258_602.0)),
        ),
        ("(1e308), (1e308)", None, None),
    ] {
        assert_eq!(all("tablegate_sum", values).ok(), sum, "{values}");
        assert_eq!(all("tablegate_avg", values).ok(), mean, "{values}");
    }
    assert_eq!(
        evaluate("SELECT tablegate_sum(DISTINCT column1) FROM (VALUES (2), (2), (3))").ok(),
        Some(Value::Integer(5))
    );
    assert_eq!(evaluate("SELECT tablegate_sum(1) WHERE 0").ok(), Some(Value::Null));
}
