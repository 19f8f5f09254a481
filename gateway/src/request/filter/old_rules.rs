//! The compatibility law: a filter that gave an answer under the old rules keeps its meaning. The old rules, in short:
//! conditions are cut at `) AND (` and its like, the first operator by kind cuts field from value, one pair of quotes around
//! the value goes. They are written down here as the reference.

use proptest::prelude::*;

use super::*;

const FIELDS: [&str; 3] = ["a", "b", "order date"];

/// `(field, operator, value)` of one condition; `None` where the old rules had no answer, or one that was mended on purpose.
fn old_condition(text: &str) -> Option<(String, String, String)> {
    const SIGNS: [(&str, &str); 9] = [
        (">=", ">="),
        ("<=", "<="),
        ("!=", "!="),
        ("=", "="),
        ("<>", "!="),
        (">", ">"),
        ("<", "<"),
        (" gte ", ">="),
        (" like ", "like"),
    ];
    let (at, sign, operator) = SIGNS.iter().find_map(|(sign, op)| Some((text.find(sign)?, sign, op)))?;
    let field = text.get(..at)?.trim();
    let value = text.get(at + sign.len()..)?.trim();
    FIELDS.contains(&field).then(|| (field.to_owned(), (*operator).to_owned(), old_value(value).to_owned()))
}

/// Without its quotes, if it is the same text with one pair of quotes around.
fn old_value(value: &str) -> &str {
    for quote in ['\'', '"'] {
        let inner = value.trim_matches(quote);
        if value.len() == inner.len() + 2 && value.starts_with(quote) && value.ends_with(quote) {
            return inner;
        }
    }
    value
}

fn conditions(node: &Node, found: &mut Vec<(String, String, String)>) {
    match node {
        Node::And(nodes) | Node::Or(nodes) => nodes.iter().for_each(|node| conditions(node, found)),
        Node::Compare { field, op, value: Value::Literal(literal) } => {
            found.push((field.name.clone(), op.to_string(), literal.text.clone()));
        }
        Node::Text { field, pattern: Value::Literal(literal), .. } => {
            found.push((field.name.clone(), "like".to_owned(), literal.text.clone()));
        }
        other => panic!("{other}"),
    }
}

/// Values that were text under the old rules and still must be.
fn value() -> impl Strategy<Value = String> {
    let pieces = [
        "Smith",
        "and",
        "Sons",
        "or",
        "a",
        "b",
        "5",
        "-1",
        "1e3",
        "%",
        ",",
        "'",
        "O'Brien",
        "\"",
        "(x)",
        "it's",
        "not",
        "is",
        "null",
        "{user.id}",
        ":p",
        "like",
        "in",
        "a@b.c",
        "xor",
        "&&",
        "é",
        "between",
        "=",
        "<",
        ">=",
        "<>",
        "!=",
        "gte",
        "eq",
        "||",
    ];
    let pieces = prop::collection::vec((prop::sample::select(pieces.to_vec()), any::<bool>()), 1..6);
    let texts = pieces.prop_map(|pieces| {
        pieces.iter().fold(String::new(), |text, (piece, blank)| text + piece + if *blank { " " } else { "" })
    });
    (texts, 0..4).prop_map(|(text, quotes)| match quotes {
        0 => format!("'{}'", text.trim()),
        1 => format!("\"{}\"", text.trim()),
        _ => text.trim().to_owned(),
    })
}

/// What is mended on purpose: doubled quotes, a quote that a later condition may close (quotes hide `) AND (`), calculations,
/// and comparisons without parentheses around them.
fn is_mended(value: &str) -> bool {
    let calculation = value.starts_with('(') && value.ends_with(')');
    let logical = ["and", "or", "&&", "||"].iter().filter_map(|word| value.find(word)).min();
    let rest = logical.and_then(|at| value.get(at..)).unwrap_or_default();
    let comparison =
        ["like", "in", "is", "between", "=", "<", ">", "gte", "eq"].iter().any(|word| rest.contains(word));
    let unclosed = ['\'', '"']
        .iter()
        .any(|quote| value.starts_with(*quote) && !(value.len() > 1 && value.ends_with(*quote)));
    unclosed || value.contains("''") || value.contains("\"\"") || calculation || comparison
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, max_global_rejects: 50_000, ..ProptestConfig::default() })]

    #[test]
    fn what_had_an_answer_keeps_its_meaning(
        parts in prop::collection::vec(
            (
                prop::sample::select(FIELDS.to_vec()),
                prop::sample::select(vec!["=", " = ", "!=", " <> ", " > ", " <= ", " gte ", " like "]),
                value(),
            ),
            1..4,
        ),
        word in prop::sample::select(vec![" AND ", "AND", " or ", " && "]),
        alone in any::<bool>(),
    ) {
        prop_assume!(!parts.iter().any(|(.., value)| is_mended(value)));
        let texts: Vec<String> = parts.iter().map(|(field, sign, value)| format!("{field}{sign}{value}")).collect();
        let Some(expected) = texts.iter().map(|text| old_condition(text)).collect::<Option<Vec<_>>>() else {
            return Ok(());
        };
        let text = match texts.as_slice() {
            [text] if alone => text.clone(),
            texts => format!("({})", texts.join(&format!("){word}("))),
        };
        let node = match parse(&text, &Params::new()) {
            Ok(Some(node)) => node,
            other => return Err(TestCaseError::fail(format!("{text}: {other:?}"))),
        };
        let mut found = Vec::new();
        conditions(&node, &mut found);
        prop_assert_eq!(found, expected, "{}", text);
    }
}
