//! Filter text → tokens with byte positions, in one pass and without context. What a run of tokens means (a name, a
//! bare text, an operator) is decided by the parser, which slices the text between token positions.

use super::ast::CompareOp;

/// What a token can be. Keywords and word operators may turn out to be part of a name or a bare text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    /// A word that begins with a colon.
    Parameter,
    Keyword(Keyword),
    /// `=`, `<>` …
    Compare(CompareOp),
    /// `EQ`, `NE` …
    CompareWord(CompareOp),
    Open,
    Close,
    Comma,
    /// One quote character, `'` or `"`.
    Quote(u8),
}

/// Words with a meaning in some place. `&&` and `||` are `And` and `Or`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyword {
    And,
    Or,
    Nor,
    Xor,
    Not,
    Like,
    ILike,
    Contains,
    Starts,
    Ends,
    With,
    In,
    Is,
    Null,
    Between,
}

impl Keyword {
    pub(super) fn is_logical(self) -> bool {
        matches!(self, Self::And | Self::Or | Self::Nor | Self::Xor)
    }
}

/// A piece of the text from `start` to `end` (bytes, end excluded).
#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Words in lower case; at most eight bytes each.
const WORDS: [(&str, Kind); 21] = [
    ("and", Kind::Keyword(Keyword::And)),
    ("or", Kind::Keyword(Keyword::Or)),
    ("nor", Kind::Keyword(Keyword::Nor)),
    ("xor", Kind::Keyword(Keyword::Xor)),
    ("not", Kind::Keyword(Keyword::Not)),
    ("like", Kind::Keyword(Keyword::Like)),
    ("ilike", Kind::Keyword(Keyword::ILike)),
    ("contains", Kind::Keyword(Keyword::Contains)),
    ("starts", Kind::Keyword(Keyword::Starts)),
    ("ends", Kind::Keyword(Keyword::Ends)),
    ("with", Kind::Keyword(Keyword::With)),
    ("in", Kind::Keyword(Keyword::In)),
    ("is", Kind::Keyword(Keyword::Is)),
    ("null", Kind::Keyword(Keyword::Null)),
    ("between", Kind::Keyword(Keyword::Between)),
    ("eq", Kind::CompareWord(CompareOp::Eq)),
    ("ne", Kind::CompareWord(CompareOp::Ne)),
    ("gt", Kind::CompareWord(CompareOp::Gt)),
    ("gte", Kind::CompareWord(CompareOp::Ge)),
    ("lt", Kind::CompareWord(CompareOp::Lt)),
    ("lte", Kind::CompareWord(CompareOp::Le)),
];

/// Splits the whole text. Never fails: every character but blanks belongs to a token.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let bytes = text.as_bytes();
    let mut tokens = Vec::with_capacity(bytes.len() / 4 + 4);
    let mut start = 0;
    while let Some(rest) = bytes.get(start..) {
        let Some(first) = rest.first() else { break };
        if is_blank(*first) {
            start += 1;
            continue;
        }
        let (kind, length) = sign(rest).unwrap_or_else(|| word(text, start));
        tokens.push(Token { kind, start, end: start + length });
        start += length;
    }
    tokens
}

/// Whether this text, standing alone, is read as one plain word.
pub(super) fn is_plain_word(text: &str) -> bool {
    matches!(tokens(text).as_slice(), [Token { kind: Kind::Word, start: 0, end }] if *end == text.len())
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// The sign at the beginning of `rest`, with its length in bytes.
fn sign(rest: &[u8]) -> Option<(Kind, usize)> {
    let found = match rest {
        [b'>', b'=', ..] => (Kind::Compare(CompareOp::Ge), 2),
        [b'<', b'=', ..] => (Kind::Compare(CompareOp::Le), 2),
        [b'!', b'=', ..] | [b'<', b'>', ..] => (Kind::Compare(CompareOp::Ne), 2),
        [b'=', ..] => (Kind::Compare(CompareOp::Eq), 1),
        [b'>', ..] => (Kind::Compare(CompareOp::Gt), 1),
        [b'<', ..] => (Kind::Compare(CompareOp::Lt), 1),
        [b'&', b'&', ..] => (Kind::Keyword(Keyword::And), 2),
        [b'|', b'|', ..] => (Kind::Keyword(Keyword::Or), 2),
        [b'(', ..] => (Kind::Open, 1),
        [b')', ..] => (Kind::Close, 1),
        [b',', ..] => (Kind::Comma, 1),
        [quote @ (b'\'' | b'"'), ..] => (Kind::Quote(*quote), 1),
        _ => return None,
    };
    Some(found)
}

/// The word that begins at `start`, with its length: everything up to a blank or a sign.
fn word(text: &str, start: usize) -> (Kind, usize) {
    let bytes = text.as_bytes();
    let mut end = start + 1;
    while let Some(rest) = bytes.get(end..) {
        match rest.first() {
            Some(byte) if !is_blank(*byte) && sign(rest).is_none() => end += 1,
            _ => break,
        }
    }
    let word = text.get(start..end).unwrap_or_default();
    let known = WORDS.iter().find(|(name, _)| word.eq_ignore_ascii_case(name));
    let kind = match known {
        Some((_, kind)) => *kind,
        None if word.starts_with(':') => Kind::Parameter,
        None => Kind::Word,
    };
    (kind, end - start)
}
