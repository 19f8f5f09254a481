//! Elements of XML 1.0: rows straight from their cells, other values from JSON. A list repeats the tag of its name.

use std::sync::Arc;

use connector_api::model::batch::{Cell, Malformed};
use serde_json::Value as Json;

use super::cell::write_text;
use super::rows::{RowFormat, Shown};
use crate::plan::ShownColumns;

/// What every document begins with, its root included.
pub(super) const HEAD: &[u8] = b"<?xml version=\"1.0\" ?><dfapi>";
/// What every document that holds tags ends with.
pub(super) const FOOT: &[u8] = b"\n</dfapi>";
/// The same for one that holds text.
pub(super) const TEXT_FOOT: &[u8] = b"</dfapi>";

/// The tag of an item in a list that has no name.
const ITEM: &str = "item";

/// Writes rows as elements below the root.
#[derive(Debug)]
pub(super) struct XmlEncoder {
    shown: Shown,
    tags: Vec<String>,
    format: RowFormat,
    list: String,
    text: Vec<u8>,
}

impl XmlEncoder {
    /// `list` is the name of each row.
    pub(super) fn new(shown: &Arc<ShownColumns>, format: RowFormat, list: &str) -> Self {
        Self {
            tags: shown.iter().map(|shown| tag(&shown.name)).collect(),
            shown: Shown::new(shown),
            format,
            list: tag(list),
            text: Vec::new(),
        }
    }

    pub(super) fn columns(&mut self, names: &[String]) -> Result<(), Malformed> {
        self.shown.columns(names)
    }

    pub(super) fn write(&mut self, out: &mut Vec<u8>, row: &[Cell<'_>]) -> Result<(), Malformed> {
        let Self { shown, tags, format, list, text } = self;
        if *format == RowFormat::Identifiers {
            return match shown.tuple(row)? {
                Some(tuple) => {
                    leaf(out, 1, list, &tuple);
                    Ok(())
                }
                None => shown.cells(row).try_for_each(|cell| write_element(out, text, (1, list), cell?)),
            };
        }
        open(out, 1, list);
        for (name, cell) in tags.iter().zip(shown.cells(row)) {
            write_element(out, text, (2, name), cell?)?;
        }
        close(out, 1, list);
        Ok(())
    }
}

/// A cell as an element, or as several if it is a list. `place` is its depth and tag, `text` a buffer to use.
fn write_element(
    out: &mut Vec<u8>,
    text: &mut Vec<u8>,
    (depth, name): (usize, &str),
    cell: Cell<'_>,
) -> Result<(), Malformed> {
    match cell {
        Cell::Absent => {}
        Cell::Extension(_, inner) => write_element(out, text, (depth, name), inner.cell()?)?,
        Cell::Json(json) => match serde_json::from_str(json) {
            Ok(value) => value_element(out, depth, name, &value),
            Err(_) => leaf(out, depth, name, json),
        },
        Cell::List(items) => {
            let mut is_empty = true;
            for item in items.iter() {
                is_empty = false;
                match item? {
                    Cell::List(inner) => {
                        open(out, depth, name);
                        write_element(out, text, (depth + 1, ITEM), Cell::List(inner))?;
                        close(out, depth, name);
                    }
                    item => write_element(out, text, (depth, name), item)?,
                }
            }
            if is_empty {
                leaf(out, depth, name, "");
            }
        }
        Cell::Object(entries) => {
            open(out, depth, name);
            for entry in entries.iter() {
                let (member, cell) = entry?;
                write_element(out, text, (depth + 1, &tag(member)), cell)?;
            }
            close(out, depth, name);
        }
        cell => {
            text.clear();
            write_text(text, cell)?;
            leaf(out, depth, name, &String::from_utf8_lossy(text));
        }
    }
    Ok(())
}

/// A JSON value as an element, or as several if it is a list.
pub(super) fn value_element(out: &mut Vec<u8>, depth: usize, name: &str, value: &Json) {
    match value {
        Json::Array(items) if items.is_empty() => leaf(out, depth, name, ""),
        Json::Array(items) => {
            for item in items {
                if item.is_array() {
                    open(out, depth, name);
                    value_element(out, depth + 1, ITEM, item);
                    close(out, depth, name);
                } else {
                    value_element(out, depth, name, item);
                }
            }
        }
        Json::Object(members) if members.is_empty() => leaf(out, depth, name, ""),
        Json::Object(members) => {
            open(out, depth, name);
            members.iter().for_each(|(member, value)| value_element(out, depth + 1, &tag(member), value));
            close(out, depth, name);
        }
        scalar => leaf(out, depth, name, &scalar_text(scalar)),
    }
}

/// The bare text of a value that is no list or object.
pub(super) fn scalar_text(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A name as a tag: what a tag may not hold becomes `_`. A colon would announce a namespace that nobody declares.
pub(super) fn tag(name: &str) -> String {
    let mut tag: String = name.chars().map(|c| if is_name_char(c) { c } else { '_' }).collect();
    let begins_well = tag.starts_with(|c: char| is_name_char(c) && !c.is_ascii_digit() && !is_inner(c));
    if !begins_well {
        let rest: String = tag.chars().skip(1).collect();
        tag = format!("_{rest}");
    }
    tag
}

/// The characters of a name in XML 1.0, fifth edition.
fn is_name_char(c: char) -> bool {
    matches!(c,
        'A'..='Z' | 'a'..='z' | '0'..='9' | '_' | '-' | '.' | '\u{b7}' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}'
        | '\u{f8}'..='\u{37d}' | '\u{37f}'..='\u{1fff}' | '\u{200c}'..='\u{200d}' | '\u{203f}'..='\u{2040}'
        | '\u{2070}'..='\u{218f}' | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}'
        | '\u{fdf0}'..='\u{fffd}' | '\u{10000}'..='\u{effff}')
}

/// What may stand in a name but not begin it; digits are looked at apart.
fn is_inner(c: char) -> bool {
    matches!(c, '-' | '.' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}')
}

fn open(out: &mut Vec<u8>, depth: usize, tag: &str) {
    new_line(out, depth);
    out.push(b'<');
    out.extend_from_slice(tag.as_bytes());
    out.push(b'>');
}

fn close(out: &mut Vec<u8>, depth: usize, tag: &str) {
    new_line(out, depth);
    end_tag(out, tag);
}

fn leaf(out: &mut Vec<u8>, depth: usize, tag: &str, content: &str) {
    open(out, depth, tag);
    text(out, content);
    end_tag(out, tag);
}

fn end_tag(out: &mut Vec<u8>, tag: &str) {
    out.extend_from_slice(b"</");
    out.extend_from_slice(tag.as_bytes());
    out.push(b'>');
}

fn new_line(out: &mut Vec<u8>, depth: usize) {
    out.push(b'\n');
    out.resize(out.len() + depth, b'\t');
}

/// Text between tags. A character that XML can't hold in any way becomes the replacement character; a carriage return would be
/// read as a line end if it were not written as a reference.
pub(super) fn text(out: &mut Vec<u8>, text: &str) {
    let mut from = 0;
    for (at, c) in text.char_indices() {
        let reference: &[u8] = match c {
            '&' => b"&amp;",
            '<' => b"&lt;",
            '>' => b"&gt;",
            '\r' => b"&#13;",
            '\t' | '\n' => continue,
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => "\u{fffd}".as_bytes(),
            _ => continue,
        };
        out.extend_from_slice(text.get(from..at).unwrap_or_default().as_bytes());
        out.extend_from_slice(reference);
        from = at + c.len_utf8();
    }
    out.extend_from_slice(text.get(from..).unwrap_or_default().as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_a_tag() {
        let check = |name: &str, expected: &str| assert_eq!(tag(name), expected, "{name}");
        check("id", "id");
        check("größe", "größe");
        check("1st name", "_st_name");
        check("a:b<c>", "a_b_c_");
        check("-x", "_x");
        check("\u{300}x", "_x");
        check("a-1.b", "a-1.b");
        check("", "_");
        check("名前", "名前");
        check("a\u{0}🐘", "a_🐘");
    }

    #[test]
    fn text_is_escaped_and_has_no_illegal_characters() {
        let check = |given: &str, expected: &str| {
            let mut out = Vec::new();
            text(&mut out, given);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        };
        check("a < b && \"c\" > 'd'", "a &lt; b &amp;&amp; \"c\" &gt; 'd'");
        check("\t\r\nü🐘", "\t&#13;\nü🐘");
        check("\u{0}\u{1b}\u{fffe}\u{ffff}\u{7f}", "\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{7f}");
    }
}
