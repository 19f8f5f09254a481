//! Names of forms: which one an answer is wanted in, which one a body is said to be in. Pure; what the forms look like is for others.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Error;

/// The forms of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Media {
    /// One JSON document.
    #[default]
    Json,
    /// A JSON value on each line.
    Ndjson,
    /// A header and a line for each record.
    Csv,
    /// One XML document.
    Xml,
}

/// How JSON has numbers that not every reader can hold: integers beyond ±2^53, and decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Numbers {
    /// As numbers with all their digits.
    #[default]
    Number,
    /// As texts.
    String,
}

impl Numbers {
    /// The value of the parameter `numbers`.
    ///
    /// # Errors
    /// Any other word.
    pub fn parse(word: &str) -> Result<Self, Error> {
        match word.trim().to_ascii_lowercase().as_str() {
            "number" => Ok(Self::Number),
            "string" => Ok(Self::String),
            _ => Err(Error::new("numbers", "'numbers' must be 'number' or 'string'")),
        }
    }
}

/// A way to send an answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Offer {
    /// As clients name it.
    pub name: &'static str,
    /// The form.
    pub media: Media,
    /// The answer's `Content-Type`. JSON says UTF-8 by itself, plain text does not.
    pub content_type: &'static str,
    /// How files of this form are named at their end.
    pub extension: &'static str,
}

const fn offer(
    name: &'static str,
    media: Media,
    content_type: &'static str,
    extension: &'static str,
) -> Offer {
    Offer { name, media, content_type, extension }
}

/// What can be sent. Among equals the first goes before the others, so JSON answers `*/*`.
static OFFERS: [Offer; 8] = [
    offer("application/json", Media::Json, "application/json", "json"),
    offer("application/x-ndjson", Media::Ndjson, "application/x-ndjson", "ndjson"),
    offer("application/ndjson", Media::Ndjson, "application/ndjson", "ndjson"),
    offer("application/jsonl", Media::Ndjson, "application/jsonl", "jsonl"),
    offer("text/csv", Media::Csv, "text/csv; charset=utf-8", "csv"),
    offer("application/xml", Media::Xml, "application/xml", "xml"),
    offer("text/xml", Media::Xml, "text/xml; charset=utf-8", "xml"),
    offer("text/plain", Media::Json, "text/plain; charset=utf-8", "txt"),
];

impl Offer {
    /// JSON.
    #[must_use]
    pub fn json() -> &'static Self {
        let [json, ..] = &OFFERS;
        json
    }

    /// Names of all that can be sent, with commas between.
    #[must_use]
    pub fn names() -> String {
        OFFERS.each_ref().map(|offer| offer.name).join(", ")
    }

    /// The form of a file with this name; `None` when its extension says nothing.
    #[must_use]
    pub fn of_file(name: &str) -> Option<&'static Self> {
        let (_, extension) = name.rsplit_once('.')?;
        OFFERS.iter().find(|offer| offer.extension.eq_ignore_ascii_case(extension))
    }

    /// The best answer to an `Accept` header: the highest quality, then what the client named first, then the order of the offers.
    /// For each offer the most specific range decides. Parameters other than `q` are not looked at. `None`: nothing fits.
    #[must_use]
    pub fn negotiated(accept: &str) -> Option<&'static Self> {
        let ranges: Vec<Range<'_>> = accept.split(',').filter_map(Range::parse).collect();
        if ranges.is_empty() {
            return accept.trim().is_empty().then(Self::json);
        }
        let mut best: Option<(u16, usize, &'static Self)> = None;
        for offer in &OFFERS {
            let matching = ranges.iter().enumerate().filter(|(_, range)| range.specificity(offer.name) > 0);
            // Of equally specific ranges the first counts; `max_by_key` would take the last.
            let Some((place, range)) = matching.rev().max_by_key(|(_, range)| range.specificity(offer.name))
            else {
                continue;
            };
            let is_better = best.is_none_or(|(quality, at, _)| {
                range.quality > quality || (range.quality == quality && place < at)
            });
            if range.quality > 0 && is_better {
                best = Some((range.quality, place, offer));
            }
        }
        // A browser asks for a page, which nobody has, and takes whatever there is. XML is not what it is after.
        let takes = |kind, subtype| ranges.iter().any(|range| range.takes(kind, subtype));
        if takes("text", "html") && takes("*", "*") {
            return Some(Self::json());
        }
        best.map(|(.., offer)| offer)
    }
}

/// One item of an `Accept` header.
struct Range<'a> {
    kind: &'a str,
    subtype: &'a str,
    /// Thousandths.
    quality: u16,
}

impl<'a> Range<'a> {
    /// `None` when it is no media range.
    fn parse(item: &'a str) -> Option<Self> {
        let mut parts = item.split(';').map(str::trim);
        let (kind, subtype) = parts.next()?.split_once('/')?;
        let quality = parts.find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case("q").then(|| quality(value.trim()))
        });
        Some(Self { kind, subtype, quality: quality.unwrap_or(MOST) })
    }

    /// Whether it is just this one, and wanted.
    fn takes(&self, kind: &str, subtype: &str) -> bool {
        self.kind.eq_ignore_ascii_case(kind) && self.subtype.eq_ignore_ascii_case(subtype) && self.quality > 0
    }

    /// How exactly it names the offer; 0: not at all.
    fn specificity(&self, offer: &str) -> u8 {
        let Some((kind, subtype)) = offer.split_once('/') else { return 0 };
        match (self.kind, self.subtype) {
            ("*", "*") => 1,
            (own, "*") if own.eq_ignore_ascii_case(kind) => 2,
            (own, name) if own.eq_ignore_ascii_case(kind) && name.eq_ignore_ascii_case(subtype) => 3,
            _ => 0,
        }
    }
}

const MOST: u16 = 1000;

/// `0`, `0.5`, `1.000` as thousandths; what is no quality counts as the highest.
fn quality(text: &str) -> u16 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = fraction.bytes().all(|byte| byte.is_ascii_digit());
    match whole {
        "0" if is_number => format!("{fraction:0<3.3}").parse().unwrap_or(MOST),
        _ => MOST,
    }
}

/// The forms of a request's body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyMedia {
    /// One JSON document.
    Json,
    /// A JSON object on each line.
    Ndjson,
    /// A header and a line for each record.
    Csv,
    /// One XML document.
    Xml,
    /// The fields of an HTML form.
    Form,
}

/// What is read, as clients name it.
const READABLE: [(&str, BodyMedia); 10] = [
    ("application/json", BodyMedia::Json),
    ("text/json", BodyMedia::Json),
    ("application/x-ndjson", BodyMedia::Ndjson),
    ("application/ndjson", BodyMedia::Ndjson),
    ("application/jsonl", BodyMedia::Ndjson),
    ("text/csv", BodyMedia::Csv),
    ("application/csv", BodyMedia::Csv),
    ("application/xml", BodyMedia::Xml),
    ("text/xml", BodyMedia::Xml),
    ("application/x-www-form-urlencoded", BodyMedia::Form),
];

impl BodyMedia {
    /// What a `Content-Type` says; `None` when it is not read, or is in another charset than UTF-8.
    #[must_use]
    pub fn of(content_type: &str) -> Option<Self> {
        let mut parts = content_type.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let is_utf8 = parts.all(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or_default();
            let value = value.trim_matches('"');
            !name.eq_ignore_ascii_case("charset")
                || ["utf-8", "utf8", "us-ascii"].iter().any(|known| known.eq_ignore_ascii_case(value))
        });
        let known = READABLE.iter().find(|(known, _)| *known == name).map(|(_, media)| *media);
        let by_suffix = || match name.rsplit_once('+')?.1 {
            "json" => Some(Self::Json),
            "xml" => Some(Self::Xml),
            _ => None,
        };
        known.or_else(by_suffix).filter(|_| is_utf8)
    }

    /// What a body without a type is, by its first byte that is not blank.
    #[must_use]
    pub fn of_first_byte(byte: u8) -> Self {
        match byte {
            b'{' | b'[' => Self::Json,
            b'<' => Self::Xml,
            _ => Self::Csv,
        }
    }

    /// Names of all that is read, with commas between.
    #[must_use]
    pub fn names() -> String {
        READABLE.map(|(name, _)| name).join(", ")
    }

    /// Whether its values are texts, of whatever type they are meant: there is no null, no number and no list.
    #[must_use]
    pub fn is_of_texts(self) -> bool {
        matches!(self, Self::Csv | Self::Xml | Self::Form)
    }

    /// Whether a body is a run of records, to be read one by one.
    #[must_use]
    pub fn is_records(self) -> bool {
        matches!(self, Self::Ndjson | Self::Csv)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_offer_answers_an_accept_header() {
        let check = |accept: &str, expected: Option<&str>| {
            assert_eq!(Offer::negotiated(accept).map(|offer| offer.name), expected, "{accept}");
        };
        check("", Some("application/json"));
        check("*/*", Some("application/json"));
        check("application/*", Some("application/json"));
        check("text/*", Some("text/csv"));
        check("Text/CSV", Some("text/csv"));
        check("text/csv, application/xml", Some("text/csv"));
        check("application/xml, text/csv", Some("application/xml"));
        check("text/csv;q=0.4, application/xml;q=0.5", Some("application/xml"));
        check("text/csv;q=0.5, */*;q=0.1", Some("text/csv"));
        check("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Some("application/json"));
        check("text/html;q=0,application/xml;q=0.9,*/*;q=0.8", Some("application/xml"));
        check("text/html,*/*;q=0.8", Some("application/json"));
        check("application/json;q=0, */*", Some("application/x-ndjson"));
        check("*/*;q=0.1, application/*;q=0.5, application/json;q=0.2", Some("application/x-ndjson"));
        check("application/json; charset=utf-8", Some("application/json"));
        check("application/jsonl", Some("application/jsonl"));
        check("text/plain", Some("text/plain"));
        check("text/xml ; Q = 0.001", Some("text/xml"));
        check("text/csv;q=2, text/xml;q=0.99999", Some("text/csv"));
        check("text/html", None);
        check("image/*;q=0.8, text/html", None);
        check("*/*;q=0", None);
        check("text/csv;q=0.000", None);
        check("nonsense", None);
    }

    #[test]
    fn a_file_is_in_the_form_of_its_extension() {
        let check = |name: &str, expected: Option<Media>| {
            assert_eq!(Offer::of_file(name).map(|offer| offer.media), expected, "{name}");
        };
        check("orders.csv", Some(Media::Csv));
        check("a.b.XML", Some(Media::Xml));
        check("orders.jsonl", Some(Media::Ndjson));
        check("true", None);
        check("orders.pdf", None);
    }

    #[test]
    fn a_content_type_says_the_form_of_a_body() {
        let check = |content_type: &str, expected: Option<BodyMedia>| {
            assert_eq!(BodyMedia::of(content_type), expected, "{content_type}");
        };
        check("application/json", Some(BodyMedia::Json));
        check("Application/JSON; charset=\"UTF-8\"", Some(BodyMedia::Json));
        check("application/vnd.api+json", Some(BodyMedia::Json));
        check("application/soap+xml", Some(BodyMedia::Xml));
        check("text/csv; header=present", Some(BodyMedia::Csv));
        check("application/jsonl", Some(BodyMedia::Ndjson));
        check("application/x-www-form-urlencoded", Some(BodyMedia::Form));
        check("text/csv; charset=iso-8859-1", None);
        check("multipart/form-data; boundary=x", None);
        check("", None);
    }
}
