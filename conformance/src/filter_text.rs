//! Searches in texts. The numbers are ids of the table `item`.

use std::sync::Arc;

use connector_api::model::{ColumnType, TextOp, Value};

use super::ask::{search, text};
use super::filter::others;
use super::peer::Peer;
use super::quirks::ChoiceName;
use super::tables::{ITEM, TYPED};
use super::types::values_of;
use super::{Case, Outcome};

/// Rows of `item` whose note is known.
const NOTED: [i64; 8] = [1, 2, 3, 4, 6, 7, 9, 10];

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("filter::like_has_two_wildcards_and_no_escape", &["query", "filter_like"], like),
        Case::new("filter::like_minds_case_as_the_store_does", &["query", "filter_like"], like_case),
        Case::new("filter::ilike_does_not_mind_the_case_of_letters", &["query", "filter_ilike"], ilike),
        Case::new("filter::plain_text_searches_know_no_wildcard", &["query", "filter_text"], plain_text),
        Case::new(
            "filter::plain_text_searches_mind_case_as_like_does",
            &["query", "filter_text"],
            plain_case,
        ),
        Case::new("filter::a_text_with_u_0000_is_found_by_its_parts", &["query", "filter_text"], nul)
            .of_type(ColumnType::Text),
        Case::new("filter::a_search_for_null_is_unknown", &["query", "filter_text"], null),
        Case::new("filter::a_search_in_what_is_no_text_is_false", &["query", "filter_text"], no_text),
    ]
}

async fn check(peer: &Peer, op: TextOp, pattern: &str, expected: &[i64]) -> Outcome {
    let opposite = others(&NOTED, expected);
    peer.check_filter(ITEM, &search("note", op), &[text(pattern)], (expected, &opposite)).await
}

async fn like(peer: Arc<Peer>) -> Outcome {
    for (pattern, expected) in [
        ("100%", &[3][..]),
        ("100", &[]),
        ("", &[4]),
        ("%", &NOTED),
        ("%padded%", &[10]),
        ("____", &[3, 7]),
        ("__ _", &[7]),
        ("%\\%", &[6]),
        ("back\\slash", &[6]),
        ("back_slash", &[6]),
    ] {
        check(&peer, TextOp::Like, pattern, expected).await?;
    }
    Ok(())
}

/// What is found where only the first row has these letters in this case.
fn folded(peer: &Peer) -> &'static [i64] {
    if peer.quirks.has(ChoiceName::LikeMindsCase) { &[1] } else { &[1, 2] }
}

async fn like_case(peer: Arc<Peer>) -> Outcome {
    check(&peer, TextOp::Like, "Hello%", folded(&peer)).await
}

async fn ilike(peer: Arc<Peer>) -> Outcome {
    for (pattern, expected) in
        [("HELLO%", &[1, 2][..]), ("hello_world", &[1, 2]), ("%OFF", &[]), ("%\\S%", &[6])]
    {
        check(&peer, TextOp::Ilike, pattern, expected).await?;
    }
    Ok(())
}

async fn plain_text(peer: Arc<Peer>) -> Outcome {
    use TextOp::{Contains, EndsWith, StartsWith};
    for (op, pattern, expected) in [
        (Contains, "%", &[3][..]),
        (Contains, "_", &[1]),
        (Contains, "\\", &[6]),
        (Contains, "😀", &[7]),
        (Contains, "\u{1}", &[9]),
        (Contains, "", &NOTED),
        (StartsWith, "  p", &[10]),
        (StartsWith, "100%", &[3]),
        (StartsWith, "日", &[7]),
        (StartsWith, "_", &[]),
        (EndsWith, "padded ", &[10]),
        (EndsWith, "%", &[3]),
        (EndsWith, "\\slash", &[6]),
        (EndsWith, "100", &[]),
    ] {
        check(&peer, op, pattern, expected).await?;
    }
    Ok(())
}

async fn plain_case(peer: Arc<Peer>) -> Outcome {
    use TextOp::{Contains, EndsWith, StartsWith};
    for (op, pattern) in [(Contains, "ello"), (StartsWith, "Hell"), (EndsWith, "World")] {
        let expected = if pattern == "ello" { &[1, 2] } else { folded(&peer) };
        check(&peer, op, pattern, expected).await?;
    }
    Ok(())
}

/// A store whose texts can't hold it finds nothing, and says so without an error.
async fn nul(peer: Arc<Peer>) -> Outcome {
    let texts = values_of(ColumnType::Text).map(|value| peer.quirks.cut(ColumnType::Text, &value));
    let known = |holds: &dyn Fn(&str) -> bool| -> Vec<i64> {
        let is_meant = |value: &Value| matches!(value, Value::Text(text) if holds(text));
        (1..).zip(&texts).filter(|(_, value)| is_meant(value)).map(|(id, _)| id).collect()
    };
    type Holds = fn(&str) -> bool;
    let searches: [(TextOp, &str, Holds); 3] = [
        (TextOp::Contains, "\0", |text| text.contains('\0')),
        (TextOp::StartsWith, "a\0", |text| text.starts_with("a\0")),
        (TextOp::EndsWith, "\0b", |text| text.ends_with("\0b")),
    ];
    for (op, part, holds) in searches {
        let ids = known(&holds);
        let opposite = others(&known(&|_| true), &ids);
        peer.check_filter(TYPED, &search("text", op), &[text(part)], (&ids, &opposite)).await?;
    }
    Ok(())
}

async fn null(peer: Arc<Peer>) -> Outcome {
    for op in [TextOp::Contains, TextOp::StartsWith, TextOp::EndsWith] {
        peer.check_filter(ITEM, &search("note", op), &[Value::Null], (&[], &[])).await?;
    }
    Ok(())
}

async fn no_text(peer: Arc<Peer>) -> Outcome {
    for op in [TextOp::Contains, TextOp::StartsWith, TextOp::EndsWith] {
        let known = [1, 2, 4, 5, 6, 7, 9, 10];
        peer.check_filter(ITEM, &search("size", op), &[text("")], (&[], &known)).await?;
    }
    Ok(())
}
