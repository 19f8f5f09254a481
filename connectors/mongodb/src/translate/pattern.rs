//! Text searches as regular expressions: anchored, and every character of a value stands for itself.
//! <https://www.mongodb.com/docs/manual/reference/operator/query/regex/>

use std::fmt::Write as _;

use connector_api::author::TextOp;
use mongodb::bson::{Document, doc};

/// Case is ignored, and `.` is any character.
const OPTIONS: &str = "is";
/// The very end; `$` would hold before a line's end as well.
const END: &str = "(?![\\s\\S])";

/// The condition that a text matches.
pub(super) fn regex(op: TextOp, pattern: &str) -> Document {
    let text = match op {
        TextOp::Like | TextOp::Ilike => format!("^{}{END}", like(pattern)),
        TextOp::Contains => escaped(pattern),
        TextOp::StartsWith => format!("^{}", escaped(pattern)),
        TextOp::EndsWith => format!("{}{END}", escaped(pattern)),
    };
    doc! {"$regex": text, "$options": OPTIONS}
}

fn like(pattern: &str) -> String {
    let mut regex = String::with_capacity(pattern.len() * 2);
    for character in pattern.chars() {
        match character {
            '%' => regex.push_str(".*"),
            '_' => regex.push('.'),
            other => push(&mut regex, other),
        }
    }
    regex
}

fn escaped(text: &str) -> String {
    let mut regex = String::with_capacity(text.len() * 2);
    text.chars().for_each(|character| push(&mut regex, character));
    regex
}

/// By its number where it could be a word of the language; the text of a pattern can't hold U+0000 at all.
fn push(regex: &mut String, character: char) {
    if character.is_ascii() && !character.is_ascii_alphanumeric() {
        // Writing into a text can't fail.
        let _ = write!(regex, "\\x{:02x}", u32::from(character));
    } else {
        regex.push(character);
    }
}
