//! Properties over random texts and trees: nothing panics, and what is printed is read back the same.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::positions::{holds_open_quote, without_positions};
use super::*;

fn field() -> impl Strategy<Value = Field> {
    let names = prop_oneof![
        "[a-z][a-z0-9_]{0,8}",
        "[a-z]{1,4}\\.[a-z]{1,4}",
        prop::sample::select(vec![
            "not",
            "and",
            "in",
            "first name",
            "a = b",
            "it's",
            "say \"x\"",
            "(x)",
            "größe",
            ":p",
            "a,b"
        ])
        .prop_map(str::to_owned),
        "[ -~]{1,8}",
    ];
    names.prop_map(|name| Field { name, position: 0 })
}

fn text() -> impl Strategy<Value = String> {
    let nasty = [
        "'",
        "''",
        "\"",
        ") AND (",
        " and a = 1",
        "%_",
        ", ",
        "O'Brien",
        "null",
        "",
        " ",
        "é",
        ":p",
        "{user.id}",
    ];
    prop_oneof![
        "[ -~]{0,12}",
        "[^\u{0}]{0,6}",
        prop::collection::vec(prop::sample::select(nasty.to_vec()), 0..5).prop_map(|pieces| pieces.concat()),
    ]
}

fn quoted() -> impl Strategy<Value = Literal> {
    text().prop_map(|text| Literal { text, quoted: true, position: 0 })
}

/// Texts as a caller may leave them without quotes after any operator.
fn bare() -> impl Strategy<Value = Literal> {
    let pieces = [
        "Smith",
        "and",
        "Sons",
        "5",
        "-1",
        "1e3",
        "{user.id}",
        "O'Brien",
        "(x)",
        "a@b.c",
        "or",
        "=",
        "like",
        "100%",
    ];
    let texts = prop::collection::vec(prop::sample::select(pieces.to_vec()), 1..5)
        .prop_map(|pieces| pieces.join(" "));
    texts.prop_filter_map("read as something else", |text| {
        let node = parse(&format!("f = {text}"), &Params::new()).ok()??;
        match node {
            Node::Compare { value: Value::Literal(literal), .. }
                if literal.text == text && !literal.quoted && !text.starts_with('=') =>
            {
                Some(Literal { position: 0, ..literal })
            }
            _ => None,
        }
    })
}

fn expression() -> impl Strategy<Value = Expression> {
    let leaf = prop_oneof![
        field().prop_map(Expression::Column),
        "[0-9]{1,5}(\\.[0-9]{1,3})?(e-?[0-9])?".prop_map(|text| Expression::Number(Literal {
            text,
            quoted: false,
            position: 0
        })),
        quoted().prop_map(Expression::Text),
        any::<bool>().prop_map(Expression::Boolean),
    ];
    let ops = [ArithmeticOp::Add, ArithmeticOp::Subtract, ArithmeticOp::Multiply, ArithmeticOp::Divide];
    leaf.prop_recursive(3, 12, 3, move |inner| {
        prop_oneof![
            inner.clone().prop_map(|operand| Expression::Negate(Box::new(operand))),
            (prop::sample::select(ops.to_vec()), inner.clone(), inner.clone()).prop_map(
                |(op, left, right)| {
                    Expression::Arithmetic { op, left: Box::new(left), right: Box::new(right) }
                }
            ),
            (prop::sample::select(Function::TABLE.to_vec()), prop::collection::vec(inner, 2)).prop_map(
                |((function, _, least, _), mut arguments)| {
                    arguments.truncate(least);
                    Expression::Call { function, arguments }
                }
            ),
        ]
    })
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => quoted().prop_map(Value::Literal),
        2 => bare().prop_map(Value::Literal),
        1 => expression().prop_map(Value::Expression),
        1 => Just(Value::Parameter(Parameter { name: ":p".to_owned(), value: 5.into(), position: 0 })),
    ]
}

/// A value whose text does not hold the word AND outside quotes.
fn low() -> impl Strategy<Value = Value> {
    value().prop_filter(
        "holds AND",
        |value| !matches!(value, Value::Literal(literal) if !literal.quoted && literal.text.contains("and")),
    )
}

fn leaf() -> impl Strategy<Value = Node> {
    use CompareOp::{Eq, Ge, Gt, Le, Lt, Ne};
    let ops = vec![Eq, Ne, Lt, Le, Gt, Ge];
    let kinds =
        vec![TextKind::Like, TextKind::ILike, TextKind::Contains, TextKind::StartsWith, TextKind::EndsWith];
    prop_oneof![
        (field(), prop::sample::select(ops), value()).prop_map(|(field, op, value)| Node::Compare {
            field,
            op,
            value
        }),
        (field(), any::<bool>(), prop::collection::vec(value(), 1..4))
            .prop_map(|(field, negated, values)| Node::In { field, negated, values }),
        (field(), any::<bool>(), low(), value()).prop_map(|(field, negated, low, high)| Node::Between {
            field,
            negated,
            low,
            high
        }),
        (field(), prop::sample::select(kinds), any::<bool>(), value())
            .prop_map(|(field, kind, negated, pattern)| Node::Text { field, kind, negated, pattern }),
        (field(), any::<bool>()).prop_map(|(field, negated)| Node::Null { field, negated }),
    ]
}

fn tree() -> impl Strategy<Value = Node> {
    leaf().prop_recursive(5, 24, 4, |inner| {
        let members = prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            members.clone().prop_map(Node::And),
            members.clone().prop_map(Node::Or),
            members.prop_map(Node::Xor),
            inner.prop_map(|member| Node::Not(Box::new(member))),
        ]
    })
}

fn params() -> Params {
    Params::from_iter([(":p".to_owned(), 5.into())])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn printed_tree_parses_to_itself(tree in tree()) {
        let text = tree.to_string();
        let found = parse(&text, &params());
        let mut found = match found {
            Ok(Some(found)) => found,
            other => return Err(TestCaseError::fail(format!("{text}: {other:?}"))),
        };
        without_positions(&mut found);
        prop_assert_eq!(found, tree, "{}", text);
    }

    #[test]
    fn arbitrary_text_never_panics_and_what_parses_is_stable(text in "\\PC{0,60}") {
        check_stable(&text)?;
    }

    #[test]
    fn grammar_tokens_never_panic_and_what_parses_is_stable(
        text in token_text()
    ) {
        check_stable(&text)?;
    }
}

fn token_text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..40).prop_map(|pieces| pieces.concat())
}

/// The property above says something only if many of its texts parse, to all kinds of trees.
#[test]
fn grammar_tokens_reach_every_kind_of_node() {
    let mut runner = TestRunner::deterministic();
    let mut printed = String::new();
    let mut parsed = 0;
    for _ in 0..5_000 {
        let text = token_text().new_tree(&mut runner).unwrap().current();
        if let Ok(Some(tree)) = parse(&text, &params()) {
            parsed += 1;
            printed.push_str(&format!("{tree:?}"));
        }
    }
    assert!(parsed > 500, "{parsed} texts parse");
    for kind in
        ["And", "Or", "Xor", "Not", "Compare", "In {", "Between", "Text {", "Null", "Parameter", "Expression"]
    {
        assert!(printed.contains(kind), "{kind}");
    }
}

const PIECES: [&str; 51] = [
    "(",
    ")",
    "(",
    ")",
    "'",
    "\"",
    "''",
    ",",
    " ",
    " ",
    " ",
    " ",
    "=",
    "<",
    ">",
    "!=",
    "&&",
    "||",
    " and ",
    " OR ",
    " nor ",
    " xor ",
    "not ",
    " in ",
    " in (",
    " like ",
    " ilike ",
    " contains ",
    " starts with ",
    " ends with ",
    " is null",
    " is not null",
    " between ",
    " eq ",
    " lte ",
    "a",
    "b",
    "field",
    "5",
    "-",
    "+",
    "*",
    "now()",
    "(5 + a)",
    "a = ",
    "a <= 'x'",
    ":p",
    "{user.id}",
    "é",
    ";",
    "%",
];

/// A text that parses, but for open quotes, prints to a text that parses to the same tree.
fn check_stable(text: &str) -> Result<(), TestCaseError> {
    let Ok(Some(mut tree)) = parse(text, &params()) else { return Ok(()) };
    if holds_open_quote(&tree) {
        return Ok(());
    }
    let printed = tree.to_string();
    let found = parse(&printed, &params());
    let Ok(Some(mut again)) = found else {
        return Err(TestCaseError::fail(format!("{text} printed as {printed}: {found:?}")));
    };
    without_positions(&mut tree);
    without_positions(&mut again);
    prop_assert_eq!(again, tree, "{} printed as {}", text, printed);
    Ok(())
}
