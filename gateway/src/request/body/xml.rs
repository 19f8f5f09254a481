//! An XML document as JSON: tags are members, repeated tags lists, all values texts. Nothing outside of the document is ever read:
//! a document type, and with it every entity of its own, is refused.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use serde_json::{Map, Value as Json};

use super::{BOM, Error, MAX_DEPTH, WRAPPER};

/// The members of the root; a root that is itself the wrapper stays a member.
pub(super) fn document(body: &[u8]) -> Result<Json, Error> {
    let body = body.strip_prefix(BOM).unwrap_or(body);
    let text = std::str::from_utf8(body)
        .map_err(|error| Error::line(line_at(body, error.valid_up_to()), "it is not UTF-8"))?;
    let mut reader = Reader::from_str(text);
    let mut tree = Tree::default();
    loop {
        let event = reader.read_event();
        let is_over = matches!(event, Ok(Event::Eof));
        let taken = match event {
            Ok(event) => tree.take(event),
            Err(error) => Err(format!("it is not well-formed XML: {error}")),
        };
        let place = || usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        taken.map_err(|problem| Error::line(line_at(body, place()), problem))?;
        if is_over {
            return Ok(tree.root.unwrap_or_default());
        }
    }
}

/// The line of a byte, from 1.
fn line_at(body: &[u8], place: usize) -> u64 {
    let before = body.get(..place).unwrap_or(body);
    let line_ends = before.iter().filter(|byte| **byte == b'\n').count();
    u64::try_from(line_ends).unwrap_or(u64::MAX).saturating_add(1)
}

/// The tags that are open, and the root once it is closed.
#[derive(Default)]
struct Tree {
    open: Vec<Tag>,
    root: Option<Json>,
}

#[derive(Default)]
struct Tag {
    name: String,
    is_null: bool,
    text: String,
    members: Map<String, Json>,
}

/// What is wrong, without its place.
type Problem = String;

impl Tree {
    fn take(&mut self, event: Event<'_>) -> Result<(), Problem> {
        match event {
            Event::Start(start) => self.open(&start),
            Event::Empty(start) => self.open(&start).and_then(|()| self.close()),
            Event::End(_) => self.close(),
            Event::Text(text) => self.text(&text.xml10_content()),
            Event::CData(text) => self.text(&text.xml10_content()),
            Event::GeneralRef(reference) => self.text(&resolved(&reference)?),
            Event::DocType(_) => Err("a document type is not read".to_owned()),
            Event::Decl(declaration) => match declaration.encoding() {
                Some(Ok(encoding)) if !encoding.eq_ignore_ascii_case("utf-8") => {
                    Err("the encoding must be UTF-8".to_owned())
                }
                _ => Ok(()),
            },
            Event::Comment(_) | Event::PI(_) => Ok(()),
            Event::Eof => match (self.open.last(), &self.root) {
                (Some(tag), _) => Err(format!("the tag <{}> is not closed", tag.name)),
                (None, None) => Err("a tag was expected".to_owned()),
                (None, Some(_)) => Ok(()),
            },
        }
    }

    fn open(&mut self, start: &BytesStart<'_>) -> Result<(), Problem> {
        if self.root.is_some() {
            return Err("there is more than one root tag".to_owned());
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(format!("tags are nested deeper than {MAX_DEPTH}"));
        }
        let name = start.local_name().into_inner().to_owned();
        self.open.push(Tag { is_null: is_null(start)?, name, ..Tag::default() });
        Ok(())
    }

    fn close(&mut self) -> Result<(), Problem> {
        let Some(tag) = self.open.pop() else { return Ok(()) };
        let name = tag.name.clone();
        let value = tag.value()?;
        match self.open.last_mut() {
            Some(parent) => add(&mut parent.members, name, value),
            None if name == WRAPPER => self.root = Some(Json::Object(Map::from_iter([(name, value)]))),
            None => self.root = Some(value),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Problem> {
        match self.open.last_mut() {
            Some(tag) => tag.text.push_str(text),
            None if text.trim_ascii().is_empty() => {}
            None => return Err("text stands outside of the root tag".to_owned()),
        }
        Ok(())
    }
}

impl Tag {
    fn value(self) -> Result<Json, Problem> {
        if self.members.is_empty() {
            return Ok(if self.is_null { Json::Null } else { Json::String(self.text) });
        }
        if !self.text.trim_ascii().is_empty() {
            return Err(format!("the tag <{}> holds both text and tags", self.name));
        }
        Ok(Json::Object(self.members))
    }
}

/// Repeated tags become a list. No tag is a list by itself, so a list that is there was made here.
fn add(members: &mut Map<String, Json>, name: String, value: Json) {
    match members.get_mut(&name) {
        None => drop(members.insert(name, value)),
        Some(Json::Array(items)) => items.push(value),
        Some(single) => *single = Json::Array(vec![single.take(), value]),
    }
}

/// `xsi:nil="true"` is null. Attributes of schemas and namespaces say nothing about the data, every other one would be lost.
fn is_null(start: &BytesStart<'_>) -> Result<bool, Problem> {
    let mut is_null = false;
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| format!("it is not well-formed XML: {error}"))?;
        let name = attribute.key.into_inner();
        match name.split_once(':').unwrap_or((name, "")) {
            ("xmlns" | "xml", _) => {}
            ("xsi", local) => is_null |= local == "nil" && matches!(&*attribute.value, "true" | "1"),
            _ => return Err(format!("the attribute '{name}' is not read; write a tag instead")),
        }
    }
    Ok(is_null)
}

fn resolved(reference: &BytesRef<'_>) -> Result<String, Problem> {
    match reference.resolve_char_ref() {
        Ok(Some(character)) => Ok(character.to_string()),
        Ok(None) => resolve_predefined_entity(reference)
            .map(str::to_owned)
            .ok_or_else(|| format!("the entity '&{};' is not known", &**reference)),
        Err(_) => Err("a character reference names no character".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_become_members() {
        let check = |body: &str, expected: &str| {
            assert_eq!(document(body.as_bytes()).unwrap().to_string(), expected, "{body}");
        };
        let record = "<resource><id>1</id><name>Ada</name></resource>";
        check(&format!("<dfapi>{record}</dfapi>"), r#"{"resource":{"id":"1","name":"Ada"}}"#);
        check(record, r#"{"resource":{"id":"1","name":"Ada"}}"#);
        check(
            "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<any>\n\t<resource><id>1</id></resource>\n\t<resource><id>2</id></resource></any>\n<!-- end -->",
            r#"{"resource":[{"id":"1"},{"id":"2"}]}"#,
        );
        check("<r><a>x</a><b/><a>y</a><a>z</a></r>", r#"{"a":["x","y","z"],"b":""}"#);
        check("<r><a><b><c> d </c></b></a></r>", r#"{"a":{"b":{"c":" d "}}}"#);
        check("<r><a>1 &lt; 2 &amp;&#33; <![CDATA[<b>&amp;]]></a></r>", r#"{"a":"1 < 2 &! <b>&amp;"}"#);
        check(
            r#"<r xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns="x"><a xsi:nil="true"/></r>"#,
            r#"{"a":null}"#,
        );
        check("<ns:r><ns:a>1</ns:a></ns:r>", r#"{"a":"1"}"#);
        check("<r>\r\n<a>x\r\ny</a></r>", r#"{"a":"x\ny"}"#);
        check("<r/>", r#""""#);
    }

    #[test]
    fn what_is_no_document_of_tags_is_refused_with_its_line() {
        let check = |body: &[u8], expected: &str| {
            let error = document(body).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        };
        check(b"", "Line 1 of the body: a tag was expected.");
        check(b"text", "Line 1 of the body: text stands outside of the root tag.");
        check(b"<r>\n<a></r>", "Line 2 of the body: it is not well-formed XML: ");
        check(b"<r>\n<a>", "Line 2 of the body: the tag <a> is not closed.");
        check(b"<r></r>\n<r></r>", "Line 2 of the body: there is more than one root tag.");
        check(b"<r>\n\nx<a/></r>", "Line 3 of the body: the tag <r> holds both text and tags.");
        check(b"<r a='1'/>", "Line 1 of the body: the attribute 'a' is not read; write a tag instead.");
        check(b"<r>&x;</r>", "Line 1 of the body: the entity '&x;' is not known.");
        check(b"<r>&#xD800;</r>", "Line 1 of the body: a character reference names no character.");
        check(b"<r>\n\xff</r>", "Line 2 of the body: it is not UTF-8.");
        check(
            b"<?xml version='1.0' encoding='iso-8859-1'?><r/>",
            "Line 1 of the body: the encoding must be UTF-8.",
        );
        check(
            b"<!DOCTYPE r [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>\n<r>&x;</r>",
            "Line 1 of the body: a document type is not read.",
        );
        let deep = "<a>".repeat(MAX_DEPTH + 1);
        check(deep.as_bytes(), "Line 1 of the body: tags are nested deeper than 128.");
    }
}
