//! The grammar by example. `show` writes a tree in a form that hides nothing but positions.

use serde_json::{Value as Json, json};

use super::*;
use crate::request::Error;

/// One letter for what a value is: `q` quoted, `b` bare, `p` parameter, `e` expression.
fn value(value: &Value) -> String {
    match value {
        Value::Literal(literal) => format!("{}<{}>", if literal.quoted { 'q' } else { 'b' }, literal.text),
        Value::Parameter(parameter) => format!("p<{}>", parameter.value),
        Value::Expression(expression) => format!("e<{expression}>"),
    }
}

fn show(node: &Node) -> String {
    let members = |nodes: &[Node]| nodes.iter().map(show).collect::<Vec<_>>().join(" ");
    let not = |negated: &bool| if *negated { "not-" } else { "" };
    match node {
        Node::And(nodes) => format!("(and {})", members(nodes)),
        Node::Or(nodes) => format!("(or {})", members(nodes)),
        Node::Xor(nodes) => format!("(xor {})", members(nodes)),
        Node::Not(node) => format!("(not {})", show(node)),
        Node::Compare { field, op, value: right } => format!("[{}] {op} {}", field.name, value(right)),
        Node::In { field, negated, values } => {
            let values: Vec<String> = values.iter().map(value).collect();
            format!("[{}] {}in {}", field.name, not(negated), values.join(" "))
        }
        Node::Between { field, negated, low, high } => {
            format!("[{}] {}between {} {}", field.name, not(negated), value(low), value(high))
        }
        Node::Text { field, kind, negated, pattern } => {
            format!("[{}] {}{} {}", field.name, not(negated), kind.to_string().to_lowercase(), value(pattern))
        }
        Node::Null { field, negated } => format!("[{}] {}null", field.name, not(negated)),
    }
}

fn parsed(text: &str, params: &Json) -> Result<Option<Node>, Error> {
    parse(text, params.as_object().unwrap_or(&Params::new()))
}

fn check(cases: &[(&str, &str)]) {
    check_with(&json!({}), cases);
}

fn check_with(params: &Json, cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        match parsed(text, params) {
            Ok(Some(node)) => {
                assert_eq!(show(&node), *expected, "{text}");
                let again = parsed(&node.to_string(), params).unwrap().unwrap();
                assert_eq!(show(&again), *expected, "{text} printed as {node}");
            }
            other => panic!("{text}: {other:?}"),
        }
    }
}

fn check_refused(cases: &[(&str, &str, usize)]) {
    for (text, message, position) in cases {
        let error = parsed(text, &json!({})).expect_err(text);
        assert!(error.message.contains(message), "{text}: {error}");
        assert_eq!(error.position, Some(*position), "{text}");
        assert_eq!(error.parameter, "filter", "{text}");
    }
}

const UNPARSABLE: &str = "Invalid or unparsable filter request.";
const LIST: &str = "Filter value lists must be wrapped in parentheses.";

#[test]
fn blank_text_is_no_filter() {
    assert_eq!(parsed("", &json!({})), Ok(None));
    assert_eq!(parsed(" \t\n", &json!({})), Ok(None));
}

#[test]
fn documented_examples_keep_their_meaning() {
    check(&[
        ("status='active'", "[status] = q<active>"),
        ("(status='active') AND (age>=18)", "(and [status] = q<active> [age] >= b<18>)"),
        ("((a=1) OR (b=2)) AND (c IS NOT NULL)", "(and (or [a] = b<1> [b] = b<2>) [c] not-null)"),
        ("NOT (status IN ('x','y'))", "(not [status] in q<x> q<y>)"),
        ("NOT(status IN ('x'))", "(not [status] in q<x>)"),
        ("name like '%smith%'", "[name] like q<%smith%>"),
        ("name not like 'A%'", "[name] not-like q<A%>"),
        ("name contains smith", "[name] contains b<smith>"),
        ("price gte 10", "[price] >= b<10>"),
        ("id in (1,2,3)", "[id] in b<1> b<2> b<3>"),
        ("email is null", "[email] null"),
        ("created_by = {user.id}", "[created_by] = b<{user.id}>"),
        ("gender=M", "[gender] = b<M>"),
        ("last_name like G%", "[last_name] like b<G%>"),
    ]);
}

#[test]
fn every_operator_has_its_spellings() {
    check(&[
        ("a = 1", "[a] = b<1>"),
        ("a EQ 1", "[a] = b<1>"),
        ("a != 1", "[a] != b<1>"),
        ("a<>1", "[a] != b<1>"),
        ("a Ne 1", "[a] != b<1>"),
        ("a<1", "[a] < b<1>"),
        ("a lt 1", "[a] < b<1>"),
        ("a<=1", "[a] <= b<1>"),
        ("a LTE 1", "[a] <= b<1>"),
        ("a>1", "[a] > b<1>"),
        ("a GT 1", "[a] > b<1>"),
        ("a>=1", "[a] >= b<1>"),
        ("a GTE 1", "[a] >= b<1>"),
        ("a ilike 'x%'", "[a] ilike q<x%>"),
        ("a starts with 'x'", "[a] starts with q<x>"),
        ("a STARTS  WITH x", "[a] starts with b<x>"),
        ("a ends with 'x'", "[a] ends with q<x>"),
        ("a not contains x", "[a] not-contains b<x>"),
        ("a not starts with x", "[a] not-starts with b<x>"),
        ("a NOT = 1", "(not [a] = b<1>)"),
        ("a NOT IN(1,2)", "[a] not-in b<1> b<2>"),
        ("a IN(1,2)", "[a] in b<1> b<2>"),
        ("a between 1 and 5", "[a] between b<1> b<5>"),
        ("a not between 'x and y' and 'z'", "[a] not-between q<x and y> q<z>"),
        ("a IS NOT NULL", "[a] not-null"),
    ]);
}

#[test]
fn logical_operators_bind_as_in_sql() {
    check(&[
        ("a = 1 AND b = 2", "(and [a] = b<1> [b] = b<2>)"),
        ("a = 1 or b = 2 and c = 3", "(or [a] = b<1> (and [b] = b<2> [c] = b<3>))"),
        ("(a = 1) OR (b = 2) AND (c = 3)", "(or [a] = b<1> (and [b] = b<2> [c] = b<3>))"),
        ("(a=1)AND(b=2)", "(and [a] = b<1> [b] = b<2>)"),
        ("(a=1)&&(b=2)||(c=3)", "(or (and [a] = b<1> [b] = b<2>) [c] = b<3>)"),
        ("a=1&&b=2||c=3", "(or (and [a] = b<1> [b] = b<2>) [c] = b<3>)"),
        ("a = 1 xor b = 2 and c = 3", "(xor [a] = b<1> (and [b] = b<2> [c] = b<3>))"),
        ("a = 1 or b = 2 xor c = 3", "(or [a] = b<1> (xor [b] = b<2> [c] = b<3>))"),
        ("(a = 1) NOR (b = 2)", "(not (or [a] = b<1> [b] = b<2>))"),
        ("a = 1 or b = 2 nor c = 3 or d = 4", "(or (not (or [a] = b<1> [b] = b<2> [c] = b<3>)) [d] = b<4>)"),
        ("not a = 1 and b = 2", "(and (not [a] = b<1>) [b] = b<2>)"),
        ("not (a = 1 and b = 2)", "(not (and [a] = b<1> [b] = b<2>))"),
        ("NOT NOT a = 1", "(not (not [a] = b<1>))"),
        ("a = 1 and not b is null", "(and [a] = b<1> (not [b] null))"),
        ("(((a = 1)))", "[a] = b<1>"),
        ("((a = 1) AND (b = 2)) AND (c = 3)", "(and (and [a] = b<1> [b] = b<2>) [c] = b<3>)"),
        ("a is null and b in (1) or c like x", "(or (and [a] null [b] in b<1>) [c] like b<x>)"),
        ("a between 1 and 5 and b = 2", "(and [a] between b<1> b<5> [b] = b<2>)"),
    ]);
}

#[test]
fn bare_text_keeps_words_blanks_and_signs() {
    check(&[
        ("(name = Smith and Sons)", "[name] = b<Smith and Sons>"),
        ("name = Smith and (Sons)", "[name] = b<Smith and (Sons)>"),
        ("name = Smith and Sons and b = 2", "(and [name] = b<Smith and Sons> [b] = b<2>)"),
        ("name = this or that", "[name] = b<this or that>"),
        ("name = Sons in arms and B in London", "[name] = b<Sons in arms and B in London>"),
        ("name = O'Brien", "[name] = b<O'Brien>"),
        ("name = 'Ndrangheta", "[name] = b<'Ndrangheta>"),
        ("name = Smith (Senior)", "[name] = b<Smith (Senior)>"),
        ("(phone = (555) 123-4567) and (b = 2)", "(and [phone] = b<(555) 123-4567> [b] = b<2>)"),
        ("name = Smith, John", "[name] = b<Smith, John>"),
        ("t = 2013-01-01T05:00:00Z", "[t] = b<2013-01-01T05:00:00Z>"),
        ("n > -5", "[n] > b<-5>"),
        ("n > 1e3", "[n] > b<1e3>"),
        ("p = a/b", "[p] = b<a/b>"),
        ("mail = ada.l+x@example.co.uk", "[mail] = b<ada.l+x@example.co.uk>"),
        ("q = AT&T", "[q] = b<AT&T>"),
        ("state = OR and b in (OR, IN, AND)", "(and [state] = b<OR> [b] in b<OR> b<IN> b<AND>)"),
        ("(origin = JFK) and (dep_delay > 60)", "(and [origin] = b<JFK> [dep_delay] > b<60>)"),
        ("q = a||b", "[q] = b<a||b>"),
        ("a == 5", "[a] = b<= 5>"),
        ("a = null", "[a] = b<null>"),
        ("a = now()", "[a] = b<now()>"),
        ("a =", "[a] = b<>"),
        ("(a = ) and (b = '')", "(and [a] = b<> [b] = q<>)"),
        ("name = Zoë Ünal and größe > 5", "(and [name] = b<Zoë Ünal> [größe] > b<5>)"),
        ("a = 1 AND", "[a] = b<1 AND>"),
        ("a = {trim(user.name)} and b = 1", "(and [a] = b<{trim(user.name)}> [b] = b<1>)"),
    ]);
}

#[test]
fn quotes_hide_everything() {
    check(&[
        ("name = 'O''Brien'", "[name] = q<O'Brien>"),
        ("name = 'O'Brien'", "[name] = q<O'Brien>"),
        ("(name = 'O'Brien') and (b = 'x')", "(and [name] = q<O'Brien> [b] = q<x>)"),
        ("name = 'O'Brien' and b = 'x'", "(and [name] = q<O'Brien> [b] = q<x>)"),
        ("name = \"say \"\"hi\"\"\"", "[name] = q<say \"hi\">"),
        ("name = \"it's\"", "[name] = q<it's>"),
        ("note LIKE '%a=b%'", "[note] like q<%a=b%>"),
        ("(note = 'a) AND (b') AND (c = 1)", "(and [note] = q<a) AND (b> [c] = b<1>)"),
        ("note = 'x = 1 and y = 2' or z = 3", "(or [note] = q<x = 1 and y = 2> [z] = b<3>)"),
        ("note = 'Rock ' and roll'", "[note] = q<Rock ' and roll>"),
        ("(name = 'Ndrangheta) AND (b = 'x')", "(and [name] = b<'Ndrangheta> [b] = q<x>)"),
        ("(a = 'x' y) or (b = 'z')", "(or [a] = b<'x' y> [b] = q<z>)"),
        ("(a = 'O'Brien (Jr)') or (b = 'z')", "(or [a] = q<O'Brien (Jr)> [b] = q<z>)"),
        ("(note = 'O'Brien and x = y')", "[note] = q<O'Brien and x = y>"),
        ("a in ('x' y, 'z')", "[a] in b<'x' y> q<z>"),
        ("a in ('x, y', 'z', O'Neil, 'd'Arc')", "[a] in q<x, y> q<z> b<O'Neil> q<d'Arc>"),
        ("a = ''", "[a] = q<>"),
        ("a = ''''", "[a] = q<'>"),
        ("a = ' '", "[a] = q< >"),
        ("name contains '50%_'", "[name] contains q<50%_>"),
        ("a between 'x and y and 'z'", "[a] between b<'x> b<y and 'z'>"),
        ("a between 'x' and 'y'", "[a] between q<x> q<y>"),
    ]);
}

#[test]
fn lists_take_every_kind_of_value() {
    check(&[
        ("a in (1, two words, 'q')", "[a] in b<1> b<two words> q<q>"),
        ("a in (1,,2)", "[a] in b<1> b<> b<2>"),
        ("a in ()", "[a] in b<>"),
        ("a in (Smith (Sr, Jr), and)", "[a] in b<Smith (Sr, Jr)> b<and>"),
        ("a in ((1 + 2), 'b')", "[a] in e<1 + 2> q<b>"),
        ("a in ({user.id})", "[a] in b<{user.id}>"),
    ]);
}

#[test]
fn field_is_everything_before_the_operator() {
    check(&[
        ("order date = 5", "[order date] = b<5>"),
        ("(Price (USD) > 5)", "[Price (USD)] > b<5>"),
        ("customer.country = US", "[customer.country] = b<US>"),
        ("in stock = 1", "[in stock] = b<1>"),
        ("is in stock = 1", "[is in stock] = b<1>"),
        ("most like = 1", "[most like] = b<1>"),
        ("research and development = 1", "[research and development] = b<1>"),
        ("a = 1 and first name = x", "(and [a] = b<1> [first name] = b<x>)"),
        ("\"a = b\" = 1 and \"x\"\"y\" is null", "(and [a = b] = b<1> [x\"y] null)"),
        ("\"not\" = 1", "[not] = b<1>"),
        ("not = 1", "[not] = b<1>"),
        ("like like like", "[like] like b<like>"),
    ]);
}

#[test]
fn parameters_keep_their_json_type() {
    let params = json!({":st": "new", ":n": 20, "bare": true, ":list": [1, "b"], ":none": [], ":nil": null});
    check_with(
        &params,
        &[
            ("a = :st and b > :n", "(and [a] = p<\"new\"> [b] > p<20>)"),
            ("(a=:st)", "[a] = p<\"new\">"),
            ("a = :bare", "[a] = p<true>"),
            ("a = :unknown", "[a] = b<:unknown>"),
            ("a = ':st'", "[a] = q<:st>"),
            ("a = :st and more", "[a] = b<:st and more>"),
            ("a in (:st, 5, :n)", "[a] in p<\"new\"> b<5> p<20>"),
            ("a in (:list)", "[a] in p<[1,\"b\"]>"),
            ("a in :list and b = 1", "(and [a] in p<[1,\"b\"]> [b] = b<1>)"),
            ("a not in :none", "[a] not-in p<[]>"),
            ("a between :n and :nil", "[a] between p<20> p<null>"),
            ("a like :st", "[a] like p<\"new\">"),
        ],
    );
}

#[test]
fn expressions_are_parsed() {
    check(&[
        ("created > (NOW())", "[created] > e<now()>"),
        ("qty < (min_qty)", "[qty] < e<min_qty>"),
        ("a = ((1 + 2) * -b / 3.5e-2)", "[a] = e<(1 + 2) * -b / 3.5e-2>"),
        ("a = (1 - (2 - 3) - 4)", "[a] = e<1 - (2 - 3) - 4>"),
        (
            "(a = (coalesce(lower(\"my name\"), 'it''s', '(')))",
            "[a] = e<coalesce(lower(\"my name\"), 'it''s', '(')>",
        ),
        ("d = (current_date) and t = (true)", "(and [d] = e<current_date()> [t] = e<true>)"),
        ("t < (CURRENT_TIMESTAMP) and u > (current_timestamp())", "(and [t] < e<now()> [u] > e<now()>)"),
        ("a = (round(x.y, 2)) and b = 1", "(and [a] = e<round(x.y, 2)> [b] = b<1>)"),
        ("a like (upper(b))", "[a] like e<upper(b)>"),
        ("a between (1) and (b + 1)", "[a] between e<1> e<b + 1>"),
    ]);
}

#[test]
fn other_expressions_are_refused_with_what_is_allowed() {
    let allowed = "allowed are own columns, numbers, text in single quotes, + - * / ||, parentheses and the functions now, \
                   current_date, lower";
    check_refused(&[
        ("a = (SELECT 1)", allowed, 12),
        ("a = (sleep(5))", allowed, 5),
        ("a = (b; drop)", allowed, 6),
        ("a = (b = c)", allowed, 7),
        ("a = (b | c)", allowed, 7),
        ("a = (b || )", allowed, 10),
        ("a = ({value})", allowed, 5),
        ("a = (1 +)", allowed, 8),
        ("a = ('x)", allowed, 5),
        ("a = ()", allowed, 5),
        ("a = (1.2.3)", allowed, 5),
        ("a = (lower(a, b))", "function 'lower' takes 1 argument, got 2", 5),
        ("a = (round())", "function 'round' takes 1 to 2 arguments, got 0", 5),
        ("a = (now(1))", "function 'now' takes no arguments, got 1", 5),
    ]);
    assert!(parse_expression("qty + 1").is_ok());
    assert!(parse_expression("NOW()").is_ok());
    assert_eq!(parse_expression("qty + 1; x").unwrap_err().position, Some(7));
}

#[test]
fn texts_are_joined_by_one_call_whatever_stands_between_them() {
    let read = |text: &str| parse_function(text).unwrap();
    let joined = |text: &str| match read(text) {
        Expression::Call { function: Function::Concat, arguments } => arguments.len(),
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!((joined("a || ' ' || b + 1"), joined("concat(a, ' ', b)"), joined("a||(b||c)")), (3, 3, 2));
    let Expression::Column(value) = read(" {value} ") else { panic!("no column") };
    assert_eq!(value.name, VALUE);
    let refused = parse_function("löwer(a)").unwrap_err();
    assert!(refused.message.ends_with("(at character 1)"), "{refused}");
    assert!(parse_function("lower(a) b").unwrap_err().message.ends_with("(at character 10)"));
}

#[test]
fn errors_have_text_and_position() {
    check_refused(&[
        ("name", UNPARSABLE, 0),
        ("(a = 1) AND (b)", UNPARSABLE, 13),
        ("(a = 1) AND", UNPARSABLE, 11),
        ("(a = 1", UNPARSABLE, 6),
        ("(a = 1))", UNPARSABLE, 7),
        ("(a = 1) (b = 2)", UNPARSABLE, 8),
        ("(a = 'x') b = 'y'", UNPARSABLE, 10),
        ("()", UNPARSABLE, 1),
        ("= 5", UNPARSABLE, 0),
        ("NOT", UNPARSABLE, 3),
        ("a is 5", UNPARSABLE, 0),
        ("a regexp 'x'", UNPARSABLE, 0),
        ("a between 5", UNPARSABLE, 11),
        ("a between and 5", UNPARSABLE, 10),
        ("a = and b = 2", UNPARSABLE, 4),
        ("a = :(", UNPARSABLE, 5),
        ("a in (1, 2", UNPARSABLE, 10),
        ("a is null b", UNPARSABLE, 10),
        ("a in 1,2", LIST, 5),
        ("id in 1 and b = 2", LIST, 6),
        ("a in :unknown", LIST, 5),
        ("(a not in 'x')", LIST, 10),
        ("a DOES EXIST", "DOES [NOT] EXIST is not supported", 0),
        ("(b = 1) and (a does not exist)", "DOES [NOT] EXIST is not supported", 13),
    ]);
    assert_eq!(parsed("a between 5", &json!({})).unwrap_err().expected, Some("AND and the upper value"));
}

#[test]
fn positions_are_bytes_of_the_text() {
    let Some(Node::And(members)) = parsed("ä = 'x' and  b in (1, :n)", &json!({":n": 1})).unwrap() else {
        panic!("two members");
    };
    let Node::Compare { field, value, .. } = &members[0] else { panic!("comparison") };
    assert_eq!((field.position, value.position()), (0, Some(5)));
    let Node::In { field, values, .. } = &members[1] else { panic!("list") };
    assert_eq!(field.position, 14);
    assert_eq!(values.iter().map(Value::position).collect::<Vec<_>>(), [Some(20), Some(23)]);
}

#[test]
fn bounds_are_named_in_their_errors() {
    let refused = |text: String| parsed(&text, &json!({})).unwrap_err().message;
    assert!(refused(format!("{}a = 1{}", "(".repeat(51), ")".repeat(51))).contains("50 levels"));
    assert!(refused(format!("{}a = 1", "NOT ".repeat(51))).contains("50 levels"));
    assert!(refused(vec!["a = 1"; 52].join(" NOR ")).contains("50 levels"));
    assert!(refused(vec!["a=1"; 1_001].join(" or ")).contains("1000 are allowed"));
    assert!(refused(format!("a in ({})", vec!["1"; 10_001].join(","))).contains("10000 are allowed"));
    assert!(refused(format!("a = ({}1)", "-".repeat(51))).contains("more than 50 operators"));
    let params = json!({":list": vec![1; 10_001]});
    assert!(parsed("a in :list", &params).unwrap_err().message.contains("10000 are allowed"));
    assert!(parsed("a in (1, :list)", &params).unwrap_err().message.contains("10000 are allowed"));
}

#[test]
fn texts_at_the_bounds_pass() {
    let passes = |text: String| assert!(parsed(&text, &json!({})).is_ok(), "{}", text.len());
    passes(format!("{}a = 1{}", "(".repeat(50), ")".repeat(50)));
    passes(format!("{}a = 1", "NOT ".repeat(50)));
    passes(vec!["a=1"; 1_000].join(" or "));
    passes(format!("a in ({})", vec!["1"; 10_000].join(",")));
}

/// The length of a hostile text.
const LONG: usize = 64 * 1024;

/// Each of these would take minutes or the whole stack if the parser looked at a part of the text again and again.
#[test]
fn hostile_texts_end_at_once() {
    let pieces = [
        "(",
        ")",
        "NOT ",
        "'",
        "\"",
        " and x",
        "a = 'x and ",
        "' and \"",
        " and (",
        "a = (' ) z and ",
        "''' ",
        "in ",
        "\" and ",
        "a=1 and ",
        "x and y = 'q ",
        ",",
        "not (",
        "a=(",
        "((a=1) nor ",
        "{",
        " and \"x\"\" ",
        "is not ",
        "=",
        "between ",
    ];
    for head in ["", "a = ", "a = '", "a in (", "a between ", "(a = (", "\""] {
        for piece in pieces {
            let text = head.to_owned() + &piece.repeat((LONG - head.len()) / piece.len());
            if let Ok(Some(node)) = parsed(&text, &json!({})) {
                assert!(node.to_string().len() <= 4 * LONG, "{head}{piece}");
            }
        }
    }
}

/// Blocks of the grammar's document: each `example` line parses, each `error` line does not.
#[test]
fn examples_of_the_published_grammar_hold() {
    let text = include_str!("../../../../docs/filter-grammar.md");
    let params = json!({":status": "new", ":ids": [1, 2]});
    let mut seen = (0, 0);
    for line in text.lines() {
        if let Some(example) = line.strip_prefix("(* example: ").and_then(|rest| rest.strip_suffix(" *)")) {
            assert!(
                matches!(parsed(example, &params), Ok(Some(_))),
                "{example}: {:?}",
                parsed(example, &params)
            );
            seen.0 += 1;
        } else if let Some(example) =
            line.strip_prefix("(* error: ").and_then(|rest| rest.strip_suffix(" *)"))
        {
            assert!(parsed(example, &params).is_err(), "{example} must be refused");
            seen.1 += 1;
        }
    }
    assert!(seen.0 >= 25 && seen.1 >= 6, "{seen:?}");
}
