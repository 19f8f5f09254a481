//! Rust text as a flat list of tokens, so that rules see code and neither comments nor documentation.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A token with the line it stands on. Brackets are tokens too: a group is flattened into its parts.
#[derive(Debug, PartialEq)]
pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) line: usize,
    pub(crate) is_literal: bool,
}

/// The code of a file without comments, documentation and items under `#[cfg(test)]`.
pub(crate) fn code(path: &str, text: &str) -> Vec<Token> {
    let stream: TokenStream = text.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut tokens = Vec::new();
    flatten(stream, &mut tokens);
    tokens
}

fn flatten(stream: TokenStream, tokens: &mut Vec<Token>) {
    let mut trees = stream.into_iter().peekable();
    while let Some(tree) = trees.next() {
        if matches!(&tree, TokenTree::Punct(mark) if mark.as_char() == '#') {
            // `#[…]` or `#![…]`
            trees.next_if(|next| matches!(next, TokenTree::Punct(mark) if mark.as_char() == '!'));
            match trees.peek().map(attribute) {
                Some(Attribute::Documentation) => {
                    trees.next();
                }
                Some(Attribute::TestOnly) => skip_item(&mut trees),
                _ => {}
            }
            continue;
        }
        push(tree, tokens);
    }
}

enum Attribute {
    Documentation,
    TestOnly,
    Other,
}

fn attribute(tree: &TokenTree) -> Attribute {
    let TokenTree::Group(group) = tree else { return Attribute::Other };
    let text = group.stream().to_string().replace(' ', "");
    match text.as_str() {
        "cfg(test)" => Attribute::TestOnly,
        _ if text.starts_with("doc=") => Attribute::Documentation,
        _ => Attribute::Other,
    }
}

/// An item ends with its braces or with a semicolon.
fn skip_item(trees: &mut impl Iterator<Item = TokenTree>) {
    for tree in trees {
        match tree {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => return,
            TokenTree::Punct(mark) if mark.as_char() == ';' => return,
            _ => {}
        }
    }
}

fn push(tree: TokenTree, tokens: &mut Vec<Token>) {
    let line = tree.span().start().line;
    let mut add = |text: &str, is_literal| tokens.push(Token { text: text.to_owned(), line, is_literal });
    match tree {
        TokenTree::Ident(name) => add(&name.to_string(), false),
        TokenTree::Punct(mark) => add(&mark.as_char().to_string(), false),
        TokenTree::Literal(literal) => add(&literal.to_string(), true),
        TokenTree::Group(group) => {
            let (open, close) = match group.delimiter() {
                Delimiter::Parenthesis => ("(", ")"),
                Delimiter::Brace => ("{", "}"),
                Delimiter::Bracket => ("[", "]"),
                Delimiter::None => ("", ""),
            };
            add(open, false);
            flatten(group.stream(), tokens);
            let line = group.span_close().start().line;
            tokens.push(Token { text: close.to_owned(), line, is_literal: false });
        }
    }
}

/// Whether the tokens from `at` on read as `expected`.
pub(crate) fn reads(tokens: &[Token], at: usize, expected: &[&str]) -> bool {
    tokens
        .get(at..at + expected.len())
        .is_some_and(|found| found.iter().zip(expected).all(|(a, b)| a.text == *b))
}

#[test]
fn comments_documentation_and_tests_are_no_code() {
    let text = "//! a\n/// b\nfn c() { /* d */ e(\"f\"); }\n#[cfg(test)]\nmod g { fn h() {} }\n#[cfg(test)]\nmod i;\nstruct J;";
    let words: Vec<_> = code("x.rs", text).into_iter().map(|token| token.text).collect();
    assert_eq!(words.join(" "), "fn c ( ) { e ( \"f\" ) ; } struct J ;");
}

#[test]
fn tokens_know_their_line() {
    let tokens = code("x.rs", "fn a() {\n    b();\n}");
    assert_eq!(tokens.iter().find(|token| token.text == "b").map(|token| token.line), Some(2));
}
