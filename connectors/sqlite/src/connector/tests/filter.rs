//! Filters on values of every kind, in columns of every affinity.

use super::*;

#[test]
fn a_number_matches_numbers_only_and_what_is_not_a_number_is_different() {
    use CompareOp::{Eq, Ge, Gt, Le, Lt, Ne};
    let all = |matching: &[i64]| {
        (matching.to_vec(), (2..=6).filter(|id| !matching.contains(id)).collect::<Vec<_>>())
    };
    // In a column of numbers the text '5' is stored as the number.
    for (declared, fives, twenties) in [
        ("", vec![2], vec![3]),
        ("INTEGER", vec![2, 4], vec![3]),
        ("NUMERIC", vec![2, 4], vec![3]),
        ("TEXT", vec![], vec![]),
    ] {
        let fixture = kinds(declared);
        let numbers = {
            let mut both = [fives.clone(), twenties.clone()].concat();
            both.sort_unstable();
            both
        };
        for param in [Value::I64(5), Value::F64(5.0), Value::Decimal("5.00".into())] {
            for (op, expected) in [(Eq, &fives), (Le, &fives), (Gt, &twenties), (Ge, &numbers), (Lt, &vec![])]
            {
                assert_eq!(
                    fixture.matches(&compare(op), std::slice::from_ref(&param)),
                    all(expected),
                    "{declared} {op:?} {param:?}"
                );
            }
            let (equal, different) = all(&fives);
            assert_eq!(fixture.matches(&compare(Ne), &[param]), (different, equal), "{declared}");
        }
    }
}

#[test]
fn a_text_matches_texts_only() {
    use CompareOp::{Eq, Ge, Gt, Le, Lt, Ne};
    let all = |matching: &[i64]| {
        (matching.to_vec(), (2..=6).filter(|id| !matching.contains(id)).collect::<Vec<_>>())
    };
    let none: &[i64] = &[];
    for (declared, op, param, expected) in [
        ("", Eq, "5", &[4][..]),
        ("", Lt, "abc", &[4]),
        ("", Le, "abc", &[4, 5]),
        ("", Gt, "5", &[5]),
        ("", Ge, "", &[4, 5]),
        ("INTEGER", Eq, "5", none),
        ("INTEGER", Eq, "abc", &[5]),
        ("INTEGER", Lt, "abd", &[5]),
        ("INTEGER", Ge, "5", &[5]),
        ("INTEGER", Gt, "abc", none),
        ("TEXT", Eq, "5", &[2, 4]),
        ("TEXT", Gt, "5", &[5]),
        ("TEXT", Lt, "5", &[3]),
    ] {
        let fixture = kinds(declared);
        assert_eq!(fixture.matches(&compare(op), &[text(param)]), all(expected), "{declared} {op:?} {param}");
    }
    let (different, equal) = kinds("INTEGER").matches(&compare(Ne), &[text("5")]);
    assert_eq!((different, equal), (vec![2, 3, 4, 5, 6], vec![]));
}

#[test]
fn bytes_match_bytes_only() {
    use CompareOp::{Eq, Ge, Gt, Le, Lt, Ne};
    let fixture = kinds("");
    let blob = Value::Bytes(b"abc".to_vec());
    for (op, expected) in
        [(Eq, vec![6]), (Le, vec![6]), (Ge, vec![6]), (Lt, vec![]), (Gt, vec![]), (Ne, vec![2, 3, 4, 5])]
    {
        let others = (2..=6).filter(|id| !expected.contains(id)).collect::<Vec<_>>();
        assert_eq!(fixture.matches(&compare(op), std::slice::from_ref(&blob)), (expected, others), "{op:?}");
    }
}

#[test]
fn a_null_parameter_makes_every_comparison_unknown() {
    let fixture = kinds("");
    for op in [CompareOp::Eq, CompareOp::Ne, CompareOp::Lt, CompareOp::Le, CompareOp::Gt, CompareOp::Ge] {
        assert_eq!(fixture.matches(&compare(op), &[Value::Null]), (vec![], vec![]), "{op:?}");
    }
}

#[test]
fn a_parameter_on_the_left_compares_the_other_way_round() {
    let filter = Filter::Compare { op: CompareOp::Lt, left: Expr::Param(1), right: column("c") };
    assert_eq!(kinds("").matches(&filter, &[Value::I64(5)]).0, [3]);
}

#[test]
fn two_columns_compare_within_one_kind_and_without_conversion() {
    let fixture = Fixture::new(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b TEXT);
         INSERT INTO t VALUES (1, 5, '5'), (2, 'x', 'x'), (3, 'a', 'b'), (4, 1, 'b'), (5, NULL, 'b'), (6, x'00', 'b');",
    );
    for (op, expected, others) in [
        (CompareOp::Eq, vec![2], vec![1, 3, 4, 6]),
        (CompareOp::Ne, vec![1, 3, 4, 6], vec![2]),
        (CompareOp::Lt, vec![3], vec![1, 2, 4, 6]),
        (CompareOp::Ge, vec![2], vec![1, 3, 4, 6]),
    ] {
        let filter = Filter::Compare { op, left: column("a"), right: column("b") };
        assert_eq!(fixture.matches(&filter, &[]), (expected, others), "{op:?}");
    }
}

#[test]
fn lists_match_item_by_item_within_a_kind_and_null_items_make_no_match_unknown() {
    let filter = Filter::In { expr: column("c"), list: 1 };
    let list = |items: &[Value]| Value::List(items.to_vec());
    for (declared, items, expected, others) in [
        ("", list(&[Value::I64(5), Value::I64(7), Value::I64(20)]), vec![2, 3], vec![4, 5, 6]),
        ("", list(&[text("5"), Value::I64(20)]), vec![3, 4], vec![2, 5, 6]),
        ("", list(&[Value::Bytes(b"abc".to_vec())]), vec![6], vec![2, 3, 4, 5]),
        ("", list(&[Value::Null, Value::I64(5)]), vec![2], vec![]),
        ("", list(&[Value::Null]), vec![], vec![]),
        ("INTEGER", list(&[text("5"), text("abc")]), vec![5], vec![2, 3, 4, 6]),
        ("TEXT", list(&[Value::I64(5)]), vec![], vec![2, 3, 4, 5, 6]),
    ] {
        assert_eq!(
            kinds(declared).matches(&filter, std::slice::from_ref(&items)),
            (expected, others),
            "{declared} {items:?}"
        );
    }
}

#[test]
fn between_includes_its_bounds_within_one_kind() {
    let filter = Filter::Between { expr: column("c"), low: Expr::Param(1), high: Expr::Param(2) };
    let fixture = kinds("");
    for (low, high, expected, others) in [
        (Value::I64(5), Value::I64(20), vec![2, 3], vec![4, 5, 6]),
        (text("5"), text("abc"), vec![4, 5], vec![2, 3, 6]),
        (Value::I64(5), text("abc"), vec![], vec![2, 3, 4, 5, 6]),
        (Value::Null, Value::I64(5), vec![], vec![3, 4, 5, 6]),
    ] {
        assert_eq!(fixture.matches(&filter, &[low.clone(), high]), (expected, others), "{low:?}");
    }
}

#[test]
fn searches_take_plain_text_literally_and_fold_ascii_letters() {
    let fixture = Fixture::new(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, c);
         INSERT INTO t VALUES (1, 'Hello_World'), (2, 'hello world'), (3, '100%'), (4, 100), (5, NULL),
             (6, 'a' || char(0) || 'b'), (7, 'ÄB'), (8, x'68656c6c6f'), (9, 'back\\slash');",
    );
    use TextOp::{Contains, EndsWith, Ilike, Like, StartsWith};
    for (op, pattern, expected) in [
        (Like, "hello_world", &[1_i64, 2][..]),
        (Ilike, "HELLO%", &[1, 2]),
        (Like, "%\\%", &[9]),
        (Like, "100", &[]),
        (Contains, "o_W", &[1]),
        (Contains, "%", &[3]),
        (Contains, "\0", &[6]),
        (Contains, "äb", &[]),
        (Contains, "Äb", &[7]),
        (StartsWith, "HELLO", &[1, 2]),
        (StartsWith, "a\0B", &[6]),
        (EndsWith, "WORLD", &[1, 2]),
        (EndsWith, "0%", &[3]),
    ] {
        let filter = Filter::Text { op, expr: column("c"), pattern: 1 };
        let others: Vec<i64> = (1..=9).filter(|id| *id != 5 && !expected.contains(id)).collect();
        assert_eq!(
            fixture.matches(&filter, &[text(pattern)]),
            (expected.to_vec(), others),
            "{op:?} {pattern}"
        );
        assert_eq!(fixture.matches(&filter, &[Value::Null]), (vec![], vec![]));
    }
}

#[test]
fn arithmetic_and_functions_keep_to_their_kinds() {
    let fixture = Fixture::new(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, n INTEGER, s TEXT);
         INSERT INTO t VALUES (1, 7, ' Ab '), (2, -7, 'x'), (3, 'abc', NULL), (4, NULL, '');",
    );
    let calculate = |op, param: usize| Expr::Arithmetic {
        op,
        left: Box::new(column("n")),
        right: Box::new(Expr::Param(param)),
    };
    let function = |function, name| Expr::Call { function, args: vec![column(name)] };
    for (left, params, expected) in [
        (calculate(ArithmeticOp::Div, 2), [Value::I64(3), Value::I64(2)], &[1_i64][..]),
        (calculate(ArithmeticOp::Div, 2), [Value::I64(-3), Value::I64(2)], &[2]),
        (calculate(ArithmeticOp::Div, 2), [Value::F64(3.5), Value::F64(2.0)], &[1]),
        (calculate(ArithmeticOp::Add, 2), [Value::I64(0), Value::I64(7)], &[2]),
        (calculate(ArithmeticOp::Mul, 2), [Value::I64(-14), Value::I64(2)], &[2]),
        (calculate(ArithmeticOp::Sub, 2), [Value::I64(6), Value::Decimal("1".into())], &[1]),
        (function(Function::Abs, "n"), [Value::I64(7), Value::Null], &[1, 2]),
        (function(Function::Length, "s"), [Value::I64(4), Value::Null], &[1]),
        (function(Function::Trim, "s"), [text("Ab"), Value::Null], &[1]),
        (function(Function::Upper, "s"), [text(" AB "), Value::Null], &[1]),
        (function(Function::Lower, "s"), [text("x"), Value::Null], &[2]),
        (function(Function::Lower, "n"), [text("abc"), Value::Null], &[3]),
        (function(Function::Coalesce, "s"), [text(""), Value::Null], &[4]),
    ] {
        let filter = Filter::Compare { op: CompareOp::Eq, left: left.clone(), right: Expr::Param(1) };
        assert_eq!(fixture.matches(&filter, &params).0, expected, "{left:?} {params:?}");
    }
    for zero in [Value::I64(0), Value::F64(0.0), text("7")] {
        let filter = Filter::IsNull(calculate(ArithmeticOp::Div, 1));
        assert_eq!(fixture.matches(&filter, &[zero]).0, [1, 2, 3, 4]);
    }
}

#[test]
fn an_integer_that_overflows_is_an_error_and_no_float() {
    let fixture = Fixture::new(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, n); INSERT INTO t VALUES (1, 9223372036854775807);",
    );
    let sum = Expr::Arithmetic {
        op: ArithmeticOp::Add,
        left: Box::new(column("n")),
        right: Box::new(Expr::Param(1)),
    };
    let filter = Filter::Compare { op: CompareOp::Gt, left: sum, right: Expr::Param(1) };
    let shape = Query { filter: Some(filter), ..shape("t", &["id"]) };
    let error = fixture.query(&shape, &[Value::I64(1), Value::I64(1)]).unwrap_err();
    assert_eq!((error.kind, error.reason.as_deref()), (ErrorKind::InvalidRequest, Some("out_of_range")));
}

#[test]
fn the_store_s_time_is_a_text_that_compares_with_stored_ones() {
    let fixture = Fixture::new(
        "CREATE TABLE t(id INTEGER PRIMARY KEY, c DATETIME); INSERT INTO t VALUES (1, '1999-01-01 00:00:00');",
    );
    for function in [Function::Now, Function::CurrentDate] {
        let now = Expr::Call { function, args: vec![] };
        let filter = Filter::Compare { op: CompareOp::Lt, left: column("c"), right: now };
        assert_eq!(fixture.matches(&filter, &[]).0, [1]);
    }
}

#[test]
fn a_long_list_is_one_statement() {
    let fixture =
        Fixture::new("CREATE TABLE t(id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1), (16382), (16383);");
    // The limit of the query is a parameter too.
    let list = Value::List((1..i64::from(MAX_PARAMETERS)).map(Value::I64).collect());
    assert_eq!(
        fixture.matches(&Filter::In { expr: column("id"), list: 1 }, &[list]),
        (vec![1, 16382], vec![16383])
    );
}

#[test]
fn the_deepest_filter_that_is_declared_runs() {
    let fixture = kinds("");
    let mut filter = compare(CompareOp::Eq);
    for _ in 1..MAX_FILTER_DEPTH / 2 {
        filter = Filter::Not(Box::new(Filter::And(vec![filter, Filter::Always(true)])));
    }
    // One level and an even number of turns more: the opposite.
    assert_eq!(fixture.matches(&filter, &[Value::I64(5)]).1, [2]);
    let wide = Filter::Or((0..5000).map(|_| compare(CompareOp::Eq)).collect());
    assert_eq!(fixture.matches(&wide, &[Value::I64(5)]).0, [2]);
}

#[test]
fn a_comparison_still_finds_its_index() {
    let fixture = kinds("");
    let file = Connection::open(fixture.folder.path().join("a.db")).unwrap();
    for op in [CompareOp::Eq, CompareOp::Gt, CompareOp::Le] {
        for param in [Value::I64(5), text("5")] {
            let shape = Query { filter: Some(compare(op)), ..shape("t", &["id"]) };
            let sql = fixture.query(&shape, &[Value::I64(1), param]).unwrap().summary.statement.unwrap();
            let plan: String =
                file.query_row(&["EXPLAIN QUERY PLAN ", &sql].concat(), [1, 1], |row| row.get(3)).unwrap();
            assert!(plan.starts_with("SEARCH t USING COVERING INDEX t_c (c"), "{sql}: {plan}");
        }
    }
}
