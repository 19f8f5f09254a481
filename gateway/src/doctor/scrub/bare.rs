//! Texts without the escapes of JSON, for secrets to be found in. Knows no secret.

use std::ops::Range;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// A text with `\u003c` read as the character that it stands for and without every other backslash, and where in the text each of its bytes
/// comes from. Whatever a program escapes when it writes JSON, also inside of another string of JSON, the bare text is the same.
#[derive(Default)]
pub(super) struct Bare {
    text: String,
    origins: Vec<Range<usize>>,
}

impl Bare {
    pub(super) fn of(text: &str) -> Self {
        let mut bare = Self::default();
        let mut end = 0;
        for found in ESCAPES.iter().flat_map(|rule| rule.captures_iter(text)) {
            let Some(whole) = found.get(0) else { continue };
            bare.push_as_it_is(text, end..whole.start());
            bare.push(&escaped_character(&found), whole.range());
            end = whole.end();
        }
        bare.push_as_it_is(text, end..text.len());
        bare
    }

    fn push_as_it_is(&mut self, text: &str, range: Range<usize>) {
        let piece = text.get(range.clone()).unwrap_or_default();
        for (at, c) in piece.char_indices() {
            let start = range.start + at;
            self.push(c.encode_utf8(&mut [0; 4]), start..start + c.len_utf8());
        }
    }

    fn push(&mut self, piece: &str, origin: Range<usize>) {
        self.text.push_str(piece);
        self.origins.extend(std::iter::repeat_n(origin, piece.len()));
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// Where in the text a bare one is spelled.
    pub(super) fn find<'a>(&'a self, bare: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
        self.text.match_indices(bare).filter_map(|(at, found)| self.range(at, found.len()))
    }

    /// Where in the text so many bytes of the bare one come from.
    fn range(&self, at: usize, length: usize) -> Option<Range<usize>> {
        let origins = self.origins.get(at..at + length)?;
        Some(origins.first()?.start..origins.last()?.end)
    }
}

/// What an escape stands for; nothing where that is a backslash, which no bare text has, or half a character.
fn escaped_character(found: &Captures<'_>) -> String {
    let units =
        found.iter().skip(1).flatten().filter_map(|digits| u16::from_str_radix(digits.as_str(), 16).ok());
    char::decode_utf16(units).filter_map(Result::ok).filter(|c| *c != '\\').collect()
}

/// A character beyond the first 65,536, which has two escapes; any other; backslashes before a character that stands for itself. Strings
/// inside of strings have several backslashes.
static ESCAPES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    super::rule(
        r"\\+u([dD][89abAB][[:xdigit:]]{2})\\+u([dD][c-fC-F][[:xdigit:]]{2})|\\+u([[:xdigit:]]{4})|\\+",
    )
});
