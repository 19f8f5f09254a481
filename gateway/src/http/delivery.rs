//! How an answer is to be sent, from what the request says: form, wrapper, file.

use axum::http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::input::Head;
use crate::error::ApiError;
use crate::request::media::{Numbers, Offer};
use crate::request::{Tags, is_true};
use crate::response::Layout;
use crate::roles::Verb;
use crate::snapshot::Answers;

/// How to send an answer.
#[derive(Debug, Clone)]
pub(super) struct Delivery {
    pub(super) offer: &'static Offer,
    pub(super) layout: Layout,
    /// The value of `Content-Disposition`.
    pub(super) attachment: Option<HeaderValue>,
    /// Tags of answers that the caller has already: `If-None-Match` of a read.
    pub(super) held: Option<Tags>,
    /// The answer may have a session in it, so nobody is to keep it.
    pub(super) is_secret: bool,
}

impl Default for Delivery {
    fn default() -> Self {
        Self {
            offer: Offer::json(),
            layout: Layout::default(),
            attachment: None,
            held: None,
            is_secret: false,
        }
    }
}

impl Delivery {
    /// The extension of `file` decides the form, else the parameter `accept`, else the header.
    ///
    /// # Errors
    /// When nothing that is accepted can be sent, or a word is none.
    pub(super) fn of(head: &Head, answers: &Answers) -> Result<Self, ApiError> {
        let file = head.parameter("file").filter(|file| head.verb == Verb::Get && is_wanted(file));
        let by_file = file.and_then(Offer::of_file);
        let accepted = || match head.parameter("accept") {
            Some(accept) => Offer::negotiated(accept),
            None => Offer::negotiated(&head.all("accept")),
        };
        let offer = by_file.or_else(accepted).ok_or_else(|| ApiError::unacceptable(Offer::names()))?;
        let wrap = head.parameter("wrap").or_else(|| head.header("wrap"));
        let numbers = head.parameter("numbers").map(Numbers::parse).transpose()?;
        let layout = Layout {
            media: offer.media,
            wrapper: answers.wrapper.clone(),
            is_wrapped: wrap.map_or(answers.always_wrap, is_true),
            csv_safe: head.parameter("csv_safe").is_some_and(is_true),
            numbers,
            is_held: false,
        };
        let attachment = file.and_then(|file| {
            let name = if is_true(file) { own_name(head, offer) } else { file.to_owned() };
            HeaderValue::from_str(&content_disposition(&name)).ok()
        });
        let is_secret = head.address.service.as_deref() == Some("system");
        Ok(Self { offer, layout, attachment, held: None, is_secret })
    }
}

fn is_wanted(file: &str) -> bool {
    !["", "false", "0", "no", "off", "n", "f"].iter().any(|word| file.trim().eq_ignore_ascii_case(word))
}

/// The name of a file that the request does not name: its resource.
fn own_name(head: &Head, offer: &Offer) -> String {
    let Head { address, .. } = head;
    let resource = if address.resource.is_empty() {
        address.service.clone().unwrap_or_else(|| "services".to_owned())
    } else {
        address.resource.join("_")
    };
    format!("{resource}.{}", offer.extension)
}

/// What RFC 8187 lets stand as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// An attachment with this name by RFC 6266: plain for old clients, encoded where plain is not the name. A path before the name is
/// dropped, and what could end the header or the quotes is replaced.
fn content_disposition(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = name.chars().map(|c| if c.is_control() { '_' } else { c }).collect();
    let plain: String = name.chars().map(|c| if c.is_ascii() && c != '"' { c } else { '_' }).collect();
    if plain == name {
        return format!("attachment; filename=\"{plain}\"");
    }
    let encoded = utf8_percent_encode(&name, ENCODED);
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_name_stands_in_the_header_and_ends_nothing() {
        let check = |name: &str, expected: &str| {
            let header = content_disposition(name);
            assert_eq!(header, format!("attachment; {expected}"), "{name:?}");
            assert!(HeaderValue::from_str(&header).is_ok(), "{name:?}");
        };
        check("orders.csv", r#"filename="orders.csv""#);
        check("our orders; 50%.csv", r#"filename="our orders; 50%.csv""#);
        check("../../etc/passwd", r#"filename="passwd""#);
        check("c:\\x\\a.csv", r#"filename="a.csv""#);
        check("größe.csv", r#"filename="gr__e.csv"; filename*=UTF-8''gr%C3%B6%C3%9Fe.csv"#);
        check("a\".csv", r#"filename="a_.csv"; filename*=UTF-8''a%22.csv"#);
        check("a\r\nSet-Cookie: b=c.csv", r#"filename="a__Set-Cookie: b=c.csv""#);
        check("a\u{7f}\0.csv", r#"filename="a__.csv""#);
        check("日本.csv", r#"filename="__.csv"; filename*=UTF-8''%E6%97%A5%E6%9C%AC.csv"#);
    }
}
