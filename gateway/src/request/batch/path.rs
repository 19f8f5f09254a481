//! Paths of a batch's operations: as in an address, with references as whole segments.

use percent_encoding::percent_decode_str;

use super::reference::Reference;
use crate::request::Error;

/// A part of a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Segment {
    /// Decoded.
    Text(String),
    /// `{ID#/json/pointer}`.
    Reference(Reference),
}

/// Takes a path apart. A segment in braces is a reference when it holds a `#`; braces that are text are written `%7B` and `%7D`.
///
/// # Errors
/// A query string, a reference that is not the whole segment, bad percent-encoding.
pub(super) fn segments(path: &str) -> Result<Vec<Segment>, Error> {
    if path.contains('?') {
        return Err(Error::whole("its path holds a '?'; parameters belong into 'query'"));
    }
    let mut segments = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        let (segment, behind) = match braced(rest) {
            Some((inner, behind)) => (Some(reference(inner)?), behind),
            None => {
                let (raw, behind) = rest.split_once('/').unwrap_or((rest, ""));
                (text(raw)?, behind)
            }
        };
        segments.extend(segment);
        rest = behind;
    }
    Ok(segments)
}

/// What stands in the braces of a reference, which may hold slashes, and the path behind them.
fn braced(path: &str) -> Option<(&str, &str)> {
    let (inner, behind) = path.strip_prefix('{')?.split_once('}')?;
    let behind = if behind.is_empty() { "" } else { behind.strip_prefix('/')? };
    inner.contains('#').then_some((inner, behind))
}

fn reference(inner: &str) -> Result<Segment, Error> {
    let reference = Reference::parse(&decoded(inner)?);
    reference.map(Segment::Reference).ok_or_else(|| not_a_reference(inner))
}

/// `None`: nothing, as in an address.
fn text(raw: &str) -> Result<Option<Segment>, Error> {
    if raw.contains('{') && raw.contains('#') {
        return Err(not_a_reference(raw));
    }
    let decoded = decoded(raw)?;
    let is_nothing = matches!(decoded.as_str(), "" | "." | "..");
    Ok((!is_nothing).then_some(Segment::Text(decoded)))
}

fn decoded(raw: &str) -> Result<String, Error> {
    let decoded = percent_decode_str(raw).decode_utf8();
    decoded.map(String::from).map_err(|_| Error::whole("its path is not percent-encoded UTF-8"))
}

fn not_a_reference(text: &str) -> Error {
    Error::whole(format!(
        "'{text}' in its path is no reference such as '{{order#/resource/0/id}}', which must be a whole segment; \
         braces that are text are written %7B and %7D"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: &[&str]) {
        let found: Vec<String> = segments(path)
            .unwrap()
            .into_iter()
            .map(|segment| match segment {
                Segment::Text(text) => text,
                Segment::Reference(reference) => format!("{reference:?}"),
            })
            .collect();
        assert_eq!(found, expected, "{path}");
    }

    #[test]
    fn a_path_is_taken_apart_as_in_an_address() {
        check("_table/orders", &["_table", "orders"]);
        check("/_table//a%2Fb/../%7Bx%23y%7D/", &["_table", "a/b", "{x#y}"]);
        check("_table/orders/{user.id}", &["_table", "orders", "{user.id}"]);
        let reference = r#"Reference { id: "o", pointer: "/resource/0/a}b" }"#;
        check("_table/orders/{o#/resource/0/a%7Db}", &["_table", "orders", reference]);
        check("_table/{o#/resource/0/a%7Db}/5", &["_table", reference, "5"]);
    }

    #[test]
    fn half_references_and_query_strings_are_refused() {
        for path in
            ["_table/a?fields=*", "_table/a/x{o#/id}", "_table/a/{o#/id}x", "_table/a/{o#id}", "_table/%ff"]
        {
            assert!(segments(path).is_err(), "{path}");
        }
    }
}
