//! Versions of rows as tags, and the conditions that name them: `If-Match` and `If-None-Match` (RFC 9110, section 13). Pure; which
//! row is meant, and what becomes of a condition that does not hold, is for others.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};

use super::Error;
use super::media::{Media, Numbers};

/// Bytes of a version; in a tag 22 characters stand for them.
const VERSION_BYTES: usize = 16;
/// What the tag of a compressed answer ends with.
const COMPRESSED: &str = "-gzip";
const IF_MATCH: &str = "If-Match";
const IF_NONE_MATCH: &str = "If-None-Match";

/// The version of a row: a digest of everything that is stored of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    digest: String,
    /// How the answer that shows it has large numbers.
    numbers: Numbers,
}

impl Version {
    /// The version of the row with this content.
    #[must_use]
    pub fn of(content: &[u8]) -> Self {
        let digest = digest(&SHA256, content);
        let digest = URL_SAFE_NO_PAD.encode(digest.as_ref().get(..VERSION_BYTES).unwrap_or_default());
        Self { digest, numbers: Numbers::Number }
    }

    /// The same, shown with large numbers in this form.
    #[must_use]
    pub fn shown_with(self, numbers: Numbers) -> Self {
        Self { numbers, ..self }
    }

    /// The tag of an answer in this form. A strong tag names the bytes of an answer, so each form has its own.
    #[must_use]
    pub fn tag(&self, media: Media) -> Tag {
        let form = match media {
            Media::Json => "",
            Media::Ndjson => "-ndjson",
            Media::Csv => "-csv",
            Media::Xml => "-xml",
        };
        let numbers = if self.numbers == Numbers::String { "-string" } else { "" };
        Tag { text: format!("{}{form}{numbers}", self.digest), is_weak: false }
    }
}

/// An entity tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// What stands between the quotes.
    text: String,
    is_weak: bool,
}

impl std::fmt::Display for Tag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\"{}\"", if self.is_weak { "W/" } else { "" }, self.text)
    }
}

impl Tag {
    /// The tag of the same answer when it is compressed: those are other bytes.
    #[must_use]
    pub fn compressed(tag: &str) -> Option<String> {
        tag.strip_suffix('"').map(|open| format!("{open}{COMPRESSED}\""))
    }

    /// Whether it names an answer of this version in whatever form. For writes the row counts, not the bytes that showed it.
    fn names(&self, version: &Version) -> bool {
        let rest = self.text.strip_prefix(&version.digest);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    }

    fn without_compression(&self) -> &str {
        self.text.strip_suffix(COMPRESSED).unwrap_or(&self.text)
    }
}

/// The tags of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tags {
    /// `*`: whatever there is.
    Any,
    /// One of these.
    Listed(Vec<Tag>),
}

impl Tags {
    /// Reads the value of a header.
    fn parse(header: &'static str, value: &str) -> Result<Self, Error> {
        if value.trim() == "*" {
            return Ok(Self::Any);
        }
        let mut tags = Vec::new();
        let mut rest = value;
        loop {
            rest = rest.trim_start_matches([' ', '\t', ',']);
            if rest.is_empty() {
                break;
            }
            let (tag, behind) = first_tag(rest).ok_or_else(|| malformed(header))?;
            tags.push(tag);
            rest = behind;
        }
        if tags.is_empty() { Err(malformed(header)) } else { Ok(Self::Listed(tags)) }
    }

    /// The tag of an answer that the caller has already: equal to the answer's, weak or not, compressed or not. It is given back as
    /// the caller has it, for that is the answer that stays good.
    #[must_use]
    pub fn held(&self, answer: &Tag) -> Option<Tag> {
        match self {
            Self::Any => Some(answer.clone()),
            Self::Listed(tags) => {
                let held = tags.iter().find(|tag| tag.without_compression() == answer.text)?;
                Some(Tag { text: held.text.clone(), is_weak: false })
            }
        }
    }

    /// Whether the row is one of these; `None`: there is no row. Compared strongly, a weak tag names nothing.
    fn name(&self, version: Option<&Version>, is_strong: bool) -> bool {
        let counts = |tag: &&Tag| !(is_strong && tag.is_weak);
        match (self, version) {
            (_, None) => false,
            (Self::Any, Some(_)) => true,
            (Self::Listed(tags), Some(version)) => tags.iter().filter(counts).any(|tag| tag.names(version)),
        }
    }
}

/// A tag at the beginning of a text, and what stands behind it: nothing, or a comma.
fn first_tag(text: &str) -> Option<(Tag, &str)> {
    let (is_weak, quoted) = text.strip_prefix("W/").map_or((false, text), |quoted| (true, quoted));
    let (tag, behind) = quoted.strip_prefix('"')?.split_once('"')?;
    let is_over = behind.trim_start().is_empty() || behind.trim_start().starts_with(',');
    let is_clean = tag.bytes().all(|byte| byte > b' ' && byte != 0x7f);
    (is_over && is_clean).then(|| (Tag { text: tag.to_owned(), is_weak }, behind))
}

fn malformed(header: &'static str) -> Error {
    let message =
        format!("{header} must be * or a list of tags as the header ETag gives them, in double quotes.");
    Error::new(header, message).expecting("a tag in double quotes")
}

/// The conditions of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    /// The row must be one of these.
    pub if_match: Option<Tags>,
    /// The row must be none of these.
    pub if_none_match: Option<Tags>,
}

impl Conditions {
    /// Reads the values of the headers; `None`: the header is not there.
    ///
    /// # Errors
    /// What is no list of tags.
    pub fn parse(if_match: Option<&str>, if_none_match: Option<&str>) -> Result<Self, Error> {
        let read = |header, value: Option<&str>| value.map(|value| Tags::parse(header, value)).transpose();
        Ok(Self { if_match: read(IF_MATCH, if_match)?, if_none_match: read(IF_NONE_MATCH, if_none_match)? })
    }

    /// There is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.if_match.is_none() && self.if_none_match.is_none()
    }

    /// Whether versions are named, and not only whether there is a row.
    #[must_use]
    pub fn name_versions(&self) -> bool {
        [&self.if_match, &self.if_none_match].into_iter().any(|tags| matches!(tags, Some(Tags::Listed(_))))
    }

    /// The header whose condition this row does not meet; `None` for the row: there is none.
    #[must_use]
    pub fn unmet(&self, version: Option<&Version>) -> Option<&'static str> {
        if self.if_match.as_ref().is_some_and(|tags| !tags.name(version, true)) {
            return Some(IF_MATCH);
        }
        self.if_none_match.as_ref().is_some_and(|tags| tags.name(version, false)).then_some(IF_NONE_MATCH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version() -> Version {
        Version::of(br#"{"id":1}"#)
    }

    fn tag(media: Media) -> String {
        version().tag(media).to_string()
    }

    fn if_match(value: &str) -> Result<Conditions, Error> {
        Conditions::parse(Some(value), None)
    }

    #[test]
    fn a_tag_has_128_bits_of_the_digest_and_the_form() {
        assert_eq!(tag(Media::Json), r#""A3ySFO73TMOIfzpPCFtOFw""#);
        assert_eq!(tag(Media::Csv), r#""A3ySFO73TMOIfzpPCFtOFw-csv""#);
        assert_eq!(Tag::compressed(&tag(Media::Json)).unwrap(), r#""A3ySFO73TMOIfzpPCFtOFw-gzip""#);
        assert_ne!(version(), Version::of(br#"{"id":2}"#));
    }

    #[test]
    fn if_match_is_met_by_the_row_in_whatever_form_but_not_by_a_weak_tag() {
        let check = |value: &str, is_met: bool| {
            let unmet = if_match(value).unwrap().unmet(Some(&version()));
            assert_eq!(unmet, (!is_met).then_some("If-Match"), "{value}");
        };
        let own = tag(Media::Json);
        check("*", true);
        check(&own, true);
        check(&tag(Media::Xml), true);
        check(&Tag::compressed(&tag(Media::Csv)).unwrap(), true);
        check(&format!(r#""x" ,, W/"y",{own}"#), true);
        check(&format!("W/{own}"), false);
        check(r#""""#, false);
        check(&own.replace('F', "G"), false);
        check(&own.replace("Fw\"", "Fwx\""), false);
    }

    #[test]
    fn conditions_on_a_row_that_is_not_there() {
        let own = tag(Media::Json);
        assert_eq!(if_match("*").unwrap().unmet(None), Some("If-Match"));
        assert_eq!(if_match(&own).unwrap().unmet(None), Some("If-Match"));
        for none in ["*", &own, &format!("W/{own}")] {
            let create = Conditions::parse(None, Some(none)).unwrap();
            assert_eq!((create.unmet(None), create.unmet(Some(&version()))), (None, Some("If-None-Match")));
        }
        assert_eq!(Conditions::default().unmet(None), None);
    }

    #[test]
    fn a_version_is_named_by_its_tag_and_not_by_any() {
        let own = tag(Media::Json);
        let check = |if_match: Option<&str>, if_none_match: Option<&str>, expected: bool| {
            let conditions = Conditions::parse(if_match, if_none_match).unwrap();
            assert_eq!(conditions.name_versions(), expected, "{conditions:?}");
        };
        check(None, None, false);
        check(Some("*"), Some("*"), false);
        check(Some(&own), None, true);
        check(Some("*"), Some(&own), true);
    }

    #[test]
    fn an_answer_is_held_when_its_own_form_is_named() {
        let check = |value: &str, held: Option<&str>| {
            let tags = Conditions::parse(None, Some(value)).unwrap().if_none_match.unwrap();
            let found = tags.held(&version().tag(Media::Json)).map(|tag| tag.to_string());
            assert_eq!(found.as_deref(), held, "{value}");
        };
        let own = tag(Media::Json);
        let compressed = Tag::compressed(&own).unwrap();
        check("*", Some(&own));
        check(&own, Some(&own));
        check(&format!(r#""x", W/{own}"#), Some(&own));
        check(&compressed, Some(&compressed));
        check(&tag(Media::Csv), None);
        check(r#""x""#, None);
    }

    #[test]
    fn what_is_no_list_of_tags_is_refused_with_the_headers_name() {
        for value in ["", " , ", "abc", "\"abc", "abc\"", r#""a" "b""#, r#"*,"a""#, r#"w/"a""#, r#""a b""#] {
            let error = if_match(value).unwrap_err();
            assert_eq!(error.parameter, "If-Match", "{value}");
        }
        assert_eq!(Conditions::parse(None, Some("x")).unwrap_err().parameter, "If-None-Match");
    }
}
