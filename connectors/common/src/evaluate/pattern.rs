//! Searching texts. The case of ASCII letters does not matter, as in the `like` of embedded SQL databases, unless the store minds it.
//!
//! Time is bounded by the product of both lengths, whatever the pattern: only the last `%` is ever tried again.

use std::iter::Peekable;
use std::str::Chars;

/// `%` any run, `_` any one character, nothing else is special.
pub(super) fn is_like(text: &str, pattern: &str, case: Case) -> bool {
    let (mut text, mut pattern) = (text.chars(), pattern.chars().peekable());
    // Behind the last `%`: the pattern, and the text from which it is tried next.
    let mut retry: Option<(Peekable<Chars<'_>>, Chars<'_>)> = None;
    loop {
        if pattern.next_if_eq(&'%').is_some() {
            if pattern.peek().is_none() {
                return true;
            }
            retry = Some((pattern.clone(), text.clone()));
            continue;
        }
        let is_match = match (text.next(), pattern.next()) {
            (None, None) => return true,
            // The text is used up: a later start has even less of it.
            (None, Some(_)) => return false,
            (Some(character), Some(wanted)) => {
                let is_same =
                    character == wanted || (case == Case::Ignored && character.eq_ignore_ascii_case(&wanted));
                wanted == '_' || is_same
            }
            (Some(_), None) => false,
        };
        if is_match {
            continue;
        }
        let Some((behind, start)) = &mut retry else { return false };
        if start.next().is_none() {
            return false;
        }
        (pattern, text) = (behind.clone(), start.clone());
    }
}

pub(super) fn contains(text: &str, part: &str, case: Case) -> bool {
    part.is_empty() || text.as_bytes().windows(part.len()).any(|window| case.is_same(window, part))
}

pub(super) fn starts_with(text: &str, part: &str, case: Case) -> bool {
    text.as_bytes().get(..part.len()).is_some_and(|start| case.is_same(start, part))
}

pub(super) fn ends_with(text: &str, part: &str, case: Case) -> bool {
    let Some(start) = text.len().checked_sub(part.len()) else { return false };
    text.as_bytes().get(start..).is_some_and(|end| case.is_same(end, part))
}

/// Whether the case of ASCII letters matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    Ignored,
    Minded,
}

impl Case {
    fn is_same(self, bytes: &[u8], part: &str) -> bool {
        match self {
            Self::Ignored => bytes.eq_ignore_ascii_case(part.as_bytes()),
            Self::Minded => bytes == part.as_bytes(),
        }
    }
}
