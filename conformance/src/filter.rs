//! Filters, one rule each: for which rows one holds, for which its opposite does. The numbers are ids of the table `item`.

use std::sync::Arc;

use connector_api::model::{ArithmeticOp, ColumnType, CompareOp, Expr, Filter, Function, Path, Value};

use super::ask::{
    arithmetic, between, call, column, compare, compare_exprs, equals, in_list, is_null, member, not, text,
};
use super::peer::Peer;
use super::tables::{AUTHOR, BOOK, DOCUMENT, ITEM, fraction};
use super::{Case, Outcome, same};

/// Rows of `item` whose size is known.
const SIZED: [i64; 8] = [1, 2, 4, 5, 6, 7, 9, 10];
/// All rows of `item`.
const EVERY: [i64; 10] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("filter::a_comparison_with_a_number_holds_by_value", &["query", "filter_compare"], numbers),
        Case::new("filter::a_comparison_with_a_text_holds_by_value", &["query", "filter_compare"], texts),
        Case::new("filter::a_comparison_with_null_is_unknown", &["query", "filter_compare"], null),
        Case::new("filter::values_of_different_kinds_never_compare", &["query", "filter_compare"], kinds),
        Case::new(
            "filter::a_value_on_the_left_compares_the_other_way_round",
            &["query", "filter_compare"],
            mirrored,
        ),
        Case::new(
            "filter::in_holds_for_equal_items_and_a_null_item_makes_no_match_unknown",
            &["query", "filter_in"],
            lists,
        ),
        Case::new(
            "filter::between_includes_both_bounds_and_a_null_bound_is_unknown",
            &["query", "filter_between"],
            bounds,
        ),
        Case::new("filter::is_null_holds_for_null_and_not_for_empty_texts", &["query", "filter_null"], nulls),
        Case::new("filter::and_is_false_before_it_is_unknown", &["query", "filter_compare"], and),
        Case::new("filter::or_is_true_before_it_is_unknown", &["query", "filter_compare", "filter_or"], or),
        Case::new("filter::not_of_unknown_is_unknown", &["query", "filter_compare", "filter_not"], negation),
        Case::new("filter::always_holds_for_every_row_or_for_none", &["query", "filter_compare"], always),
        Case::new("filter::two_columns_compare", &["query", "filter_compare", "filter_expressions"], columns),
        Case::new(
            "filter::arithmetic_keeps_to_its_words",
            &["query", "filter_compare", "filter_expressions"],
            calculations,
        ),
        Case::new(
            "filter::a_quotient_by_zero_is_null",
            &["query", "filter_null", "filter_expressions"],
            by_zero,
        ),
        Case::new(
            "filter::functions_keep_to_their_words",
            &["query", "filter_compare", "filter_expressions"],
            functions,
        ),
        Case::new("filter::the_time_is_not_null", &["query", "filter_null", "filter_expressions"], time),
        Case::new(
            "filter::a_path_leads_into_a_document",
            &["query", "filter_compare", "filter_null", "filter_paths"],
            paths,
        )
        .of_type(ColumnType::Object),
        Case::new("filter::a_related_row_exists", &["query", "filter_compare", "filter_related"], related),
    ]
}

/// Those of `among` that are not in `ids`.
pub(super) fn others(among: &[i64], ids: &[i64]) -> Vec<i64> {
    among.iter().copied().filter(|id| !ids.contains(id)).collect()
}

/// A filter on sizes: holds for `ids`, not for the other known sizes, is unknown for the rest.
async fn sized(peer: &Peer, filter: &Filter, values: &[Value], ids: &[i64]) -> Outcome {
    peer.check_filter(ITEM, filter, values, (ids, &others(&SIZED, ids))).await
}

async fn numbers(peer: Arc<Peer>) -> Outcome {
    use CompareOp::{Eq, Ge, Gt, Le, Lt, Ne};
    for (op, expected) in [
        (Eq, &[1, 4, 10][..]),
        (Ne, &[2, 5, 6, 7, 9]),
        (Lt, &[2, 5, 7]),
        (Le, &[1, 2, 4, 5, 7, 10]),
        (Gt, &[6, 9]),
        (Ge, &[1, 4, 6, 9, 10]),
    ] {
        for three in [Value::I64(3), Value::F64(3.0), Value::Decimal("3.00".to_owned())] {
            sized(&peer, &compare("size", op), &[three], expected).await?;
        }
    }
    for (op, value, holds, opposite) in [
        (Gt, Value::I64(2), &[7, 9][..], &[1, 2, 3, 5, 6, 10][..]),
        (Eq, Value::F64(1.5), &[1, 6, 10], &[2, 3, 5, 7, 9]),
        (Lt, Value::Decimal("0.5".to_owned()), &[2, 5], &[1, 3, 6, 7, 9, 10]),
    ] {
        peer.check_filter(ITEM, &compare("weight", op), &[value], (holds, opposite)).await?;
    }
    Ok(())
}

async fn texts(peer: Arc<Peer>) -> Outcome {
    use CompareOp::{Eq, Ge, Gt, Le, Lt, Ne};
    for (op, value, expected) in [
        (Eq, "bolt", &[2][..]),
        (Ne, "bolt", &[1, 3, 4, 5, 6, 7, 8, 9, 10]),
        (Lt, "cable", &[1, 2]),
        (Le, "cable", &[1, 2, 3]),
        (Gt, "hinge", &[9, 10]),
        (Ge, "hinge", &[8, 9, 10]),
        (Eq, "", &[]),
    ] {
        let filter = compare("name", op);
        peer.check_filter(ITEM, &filter, &[text(value)], (expected, &others(&EVERY, expected))).await?;
    }
    let empty = compare("note", Eq);
    peer.check_filter(ITEM, &empty, &[text("")], (&[4], &[1, 2, 3, 6, 7, 9, 10])).await
}

async fn null(peer: Arc<Peer>) -> Outcome {
    use CompareOp::{Eq, Ge, Gt, Le, Lt, Ne};
    for op in [Eq, Ne, Lt, Le, Gt, Ge] {
        for name in ["size", "name"] {
            peer.check_filter(ITEM, &compare(name, op), &[Value::Null], (&[], &[])).await?;
        }
    }
    Ok(())
}

async fn kinds(peer: Arc<Peer>) -> Outcome {
    use CompareOp::{Eq, Ge, Gt, Le, Lt, Ne};
    for op in [Eq, Lt, Le, Gt, Ge] {
        sized(&peer, &compare("size", op), &[text("3")], &[]).await?;
        peer.check_filter(ITEM, &compare("name", op), &[Value::I64(3)], (&[], &EVERY)).await?;
    }
    sized(&peer, &compare("size", Ne), &[text("3")], &SIZED).await
}

async fn mirrored(peer: Arc<Peer>) -> Outcome {
    let filter = compare_exprs(Expr::Param(0), CompareOp::Lt, column("size"));
    sized(&peer, &filter, &[Value::I64(3)], &[6, 9]).await
}

async fn lists(peer: Arc<Peer>) -> Outcome {
    let (three, seven) = (Value::I64(3), Value::I64(7));
    for (items, expected) in [
        (vec![three.clone(), seven.clone()], &[1, 4, 9, 10][..]),
        (vec![Value::I64(20)], &[6]),
        (vec![three.clone(), three.clone(), Value::F64(7.0)], &[1, 4, 9, 10]),
        (vec![three.clone(), text("bolt")], &[1, 4, 10]),
        (vec![Value::I64(99)], &[]),
    ] {
        sized(&peer, &in_list("size"), &[Value::List(items)], expected).await?;
    }
    for (items, holds) in [(vec![three, Value::Null], &[1, 4, 10][..]), (vec![Value::Null], &[])] {
        peer.check_filter(ITEM, &in_list("size"), &[Value::List(items)], (holds, &[])).await?;
    }
    let names = Value::List(vec![text("joist"), text("bolt"), text("nothing")]);
    peer.check_filter(ITEM, &in_list("name"), &[names], (&[2, 10], &others(&EVERY, &[2, 10]))).await
}

async fn bounds(peer: Arc<Peer>) -> Outcome {
    let int = Value::I64;
    for (low, high, holds, opposite) in [
        (int(1), int(7), &[1, 2, 4, 7, 9, 10][..], &[5, 6][..]),
        (int(3), int(3), &[1, 4, 10], &[2, 5, 6, 7, 9]),
        (int(7), int(1), &[], &SIZED),
        (Value::Null, int(3), &[], &[6, 9]),
        (int(3), Value::Null, &[], &[2, 5, 7]),
    ] {
        peer.check_filter(ITEM, &between("size"), &[low, high], (holds, opposite)).await?;
    }
    let names = [text("bolt"), text("drum")];
    peer.check_filter(ITEM, &between("name"), &names, (&[2, 3, 4], &others(&EVERY, &[2, 3, 4]))).await
}

async fn nulls(peer: Arc<Peer>) -> Outcome {
    for (name, expected) in [("size", &[3, 8][..]), ("note", &[5, 8]), ("name", &[])] {
        peer.check_filter(ITEM, &is_null(name), &[], (expected, &others(&EVERY, expected))).await?;
    }
    Ok(())
}

/// Two comparisons that take all three truths, in both orders.
fn pairs() -> ([Vec<Filter>; 2], [Value; 2]) {
    let (size, weight) = (equals("size", 0), equals("weight", 1));
    ([vec![size.clone(), weight.clone()], vec![weight, size]], [Value::I64(3), Value::F64(1.5)])
}

async fn and(peer: Arc<Peer>) -> Outcome {
    let (pairs, values) = pairs();
    for pair in pairs {
        peer.check_filter(ITEM, &Filter::And(pair), &values, (&[1, 10], &[2, 3, 5, 6, 7, 9])).await?;
    }
    let one = Filter::And(vec![equals("size", 0)]);
    sized(&peer, &one, &values, &[1, 4, 10]).await
}

async fn or(peer: Arc<Peer>) -> Outcome {
    let (pairs, values) = pairs();
    for pair in pairs {
        peer.check_filter(ITEM, &Filter::Or(pair), &values, (&[1, 4, 6, 10], &[2, 5, 7, 9])).await?;
    }
    let nested = Filter::Or(vec![Filter::And(vec![equals("size", 0), equals("weight", 1)]), equals("id", 2)]);
    let [size, weight] = values;
    let values = [size, weight, Value::I64(5)];
    peer.check_filter(ITEM, &nested, &values, (&[1, 5, 10], &[2, 3, 6, 7, 9])).await
}

async fn negation(peer: Arc<Peer>) -> Outcome {
    let three = [Value::I64(3)];
    let once = not(equals("size", 0));
    peer.check_filter(ITEM, &once, &three, (&[2, 5, 6, 7, 9], &[1, 4, 10])).await?;
    peer.check_filter(ITEM, &not(once), &three, (&[1, 4, 10], &[2, 5, 6, 7, 9])).await
}

async fn always(peer: Arc<Peer>) -> Outcome {
    peer.check_filter(ITEM, &Filter::Always(true), &[], (&EVERY, &[])).await?;
    peer.check_filter(ITEM, &Filter::Always(false), &[], (&[], &EVERY)).await?;
    let both = Filter::And(vec![Filter::Always(true), Filter::Always(false)]);
    peer.check_filter(ITEM, &both, &[], (&[], &EVERY)).await
}

async fn columns(peer: Arc<Peer>) -> Outcome {
    for (op, holds, opposite) in [
        (CompareOp::Gt, &[1, 2, 6, 9, 10][..], &[5, 7][..]),
        (CompareOp::Lt, &[5, 7], &[1, 2, 6, 9, 10]),
        (CompareOp::Ne, &[1, 2, 5, 6, 7, 9, 10], &[]),
    ] {
        let filter = compare_exprs(column("size"), op, column("weight"));
        peer.check_filter(ITEM, &filter, &[], (holds, opposite)).await?;
    }
    Ok(())
}

async fn calculations(peer: Arc<Peer>) -> Outcome {
    use ArithmeticOp::{Add, Div, Mul, Sub};
    let int = Value::I64;
    for (op, operand, result, expected) in [
        (Add, int(1), int(4), &[1, 4, 10][..]),
        (Sub, int(8), int(-1), &[9]),
        (Mul, int(2), int(40), &[6]),
        (Mul, Value::F64(0.5), Value::F64(1.5), &[1, 4, 10]),
        (Div, int(2), int(-3), &[5]),
        (Div, int(2), int(3), &[9]),
        (Div, Value::F64(2.0), Value::F64(1.5), &[1, 4, 10]),
    ] {
        let filter =
            compare_exprs(arithmetic(column("size"), op, Expr::Param(0)), CompareOp::Eq, Expr::Param(1));
        sized(&peer, &filter, &[operand, result], expected).await?;
    }
    Ok(())
}

async fn by_zero(peer: Arc<Peer>) -> Outcome {
    for zero in [Value::I64(0), Value::F64(0.0), Value::Null] {
        let filter = Filter::IsNull(arithmetic(column("size"), ArithmeticOp::Div, Expr::Param(0)));
        peer.check_filter(ITEM, &filter, &[zero], (&EVERY, &[])).await?;
    }
    Ok(())
}

async fn functions(peer: Arc<Peer>) -> Outcome {
    use Function::{Abs, Coalesce, Length, Lower, Round, Text, Trim, Upper};
    let noted = [1, 2, 3, 4, 6, 7, 9, 10];
    let weighed = [1, 2, 3, 5, 6, 7, 9, 10];
    for (function, name, second, result, expected, known) in [
        (Lower, "note", None, text("hello_world"), &[1][..], &noted[..]),
        (Upper, "name", None, text("BOLT"), &[2], &EVERY),
        (Trim, "note", None, text("padded"), &[10], &noted),
        (Length, "note", None, Value::I64(4), &[3, 7], &noted),
        (Length, "note", None, Value::I64(0), &[4], &noted),
        (Abs, "size", None, Value::I64(7), &[5, 9], &SIZED),
        (Round, "weight", None, Value::F64(2.0), &[1, 3, 6, 10], &weighed),
        (Round, "weight", None, Value::F64(-2.0), &[5], &weighed),
        (Round, "weight", Some(Value::I64(1)), fraction(0.3, &peer.facts), &[2], &weighed),
        (Coalesce, "size", Some(Value::I64(0)), Value::I64(0), &[3, 8], &EVERY),
        (Text, "size", None, text("-7"), &[5], &SIZED),
        (Text, "note", None, text("100%"), &[3], &noted),
    ] {
        let mut args = vec![column(name)];
        args.extend(second.is_some().then_some(Expr::Param(1)));
        let filter = compare_exprs(call(function, &args), CompareOp::Eq, Expr::Param(0));
        let values: Vec<Value> = std::iter::once(result).chain(second).collect();
        peer.check_filter(ITEM, &filter, &values, (expected, &others(known, expected))).await?;
    }
    Ok(())
}

async fn time(peer: Arc<Peer>) -> Outcome {
    for function in [Function::Now, Function::CurrentDate] {
        peer.check_filter(ITEM, &Filter::IsNull(call(function, &[])), &[], (&[], &EVERY)).await?;
    }
    Ok(())
}

async fn paths(peer: Arc<Peer>) -> Outcome {
    let city = compare_exprs(member(&["place", "city"]), CompareOp::Eq, Expr::Param(0));
    peer.check_filter(DOCUMENT, &city, &[text("Oslo")], (&[1], &[2])).await?;
    let height = compare_exprs(member(&["place", "at", "height"]), CompareOp::Gt, Expr::Param(0));
    peer.check_filter(DOCUMENT, &height, &[Value::I64(100)], (&[2], &[1])).await?;
    let missing = Filter::IsNull(member(&["place", "city"]));
    peer.check_filter(DOCUMENT, &missing, &[], (&[3, 4, 5], &[1, 2])).await?;
    let ask = peer.ask(DOCUMENT, &[]).path(&["place", "city"]).filter(equals("id", 0), &[Value::I64(2)]);
    let rows = peer.rows(&ask).await.map_err(|error| error.to_string())?;
    same("a column inside a document", &rows, &vec![vec![text("Quito")]])
}

async fn related(peer: Arc<Peer>) -> Outcome {
    let long = Filter::RelatedExists {
        table: peer.name(BOOK),
        on: vec![(Path::column("code"), Path::column("author"))],
        filter: Box::new(compare("pages", CompareOp::Gt)),
    };
    for (filter, expected) in [(long.clone(), vec!["le"]), (not(long), vec!["bo", "no"])] {
        let ask = peer.ask(AUTHOR, &["code"]).filter(filter, &[Value::I64(200)]);
        let mut rows = peer.rows(&ask).await.map_err(|error| error.to_string())?;
        rows.sort_by_key(|row| format!("{row:?}"));
        let expected: Vec<_> = expected.into_iter().map(|code| vec![text(code)]).collect();
        same("authors of a long book", &rows, &expected)?;
    }
    Ok(())
}
