//! Takes secrets out of texts: those that are known, in every form in which they may stand there, and what looks like one. Knows nothing of
//! where a text comes from.

mod bare;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::Range;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use regex::Regex;

use self::bare::Bare;
use crate::settings::MASK;

/// A shorter text is part of too many others: it is not looked for.
const SHORTEST: usize = 4;
/// Lines of a secret with several lines that are looked for by themselves.
const SHORTEST_LINE: usize = 16;
/// A word of letters and digits that is longer is no word.
const OPAQUE: usize = 20;
/// What JavaScript's `encodeURIComponent` leaves as it is.
const URI_COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// Knows some secrets.
#[derive(Default)]
pub(super) struct Scrubber {
    /// The longest first, so that none is found in the middle of another.
    forms: Vec<String>,
    /// The same as [`Bare`] has them.
    bare_forms: BTreeSet<String>,
}

impl Scrubber {
    pub(super) fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut forms = BTreeSet::new();
        for secret in secrets {
            for part in parts(secret) {
                forms.extend(all_forms(&part));
            }
        }
        forms.retain(|form| form.len() >= SHORTEST);
        let bare_forms = forms.iter().map(|form| Bare::of(form).into_text());
        let bare_forms = bare_forms.filter(|form| form.len() >= SHORTEST).collect();
        let mut forms: Vec<String> = forms.into_iter().collect();
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        Self { forms, bare_forms }
    }

    /// The text without the known secrets.
    pub(super) fn known(&self, text: &str) -> String {
        let text = self.forms.iter().fold(text.to_owned(), |text, form| {
            if text.contains(form.as_str()) { text.replace(form.as_str(), MASK) } else { text }
        });
        text.split_inclusive('\n').map(|line| self.escaped(line)).collect()
    }

    /// A line without the known secrets, whichever of their characters are escaped as in JSON.
    fn escaped(&self, line: &str) -> String {
        if !line.contains('\\') {
            return line.to_owned();
        }
        let bare = Bare::of(line);
        let mut ranges: Vec<Range<usize>> = self.bare_forms.iter().flat_map(|form| bare.find(form)).collect();
        ranges.sort_by_key(|range| (range.start, std::cmp::Reverse(range.end)));
        let (mut shown, mut end) = (String::with_capacity(line.len()), 0);
        for range in ranges {
            if range.start >= end {
                shown.push_str(line.get(end..range.start).unwrap_or_default());
                shown.push_str(MASK);
            }
            end = end.max(range.end);
        }
        shown.push_str(line.get(end..).unwrap_or_default());
        shown
    }

    /// The text without the known secrets and without whatever looks like one. Takes away more than needed rather than less.
    pub(super) fn text(&self, text: &str) -> String {
        let text = self.known(text);
        let text =
            RULES.iter().fold(text, |text, (rule, left)| rule.replace_all(&text, left.as_str()).into_owned());
        without_opaque(&text)
    }
}

/// The text without its long words of letters and digits: keys, digests, numbers of requests.
fn without_opaque(text: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '=' | '-');
    let words = text.split_inclusive(|c| !is_word(c)).map(|piece| {
        let word = piece.trim_end_matches(|c| !is_word(c));
        let has = |wanted: fn(&char) -> bool| word.chars().any(|c| wanted(&c));
        let is_opaque = word.len() >= OPAQUE && has(char::is_ascii_digit) && has(char::is_ascii_alphabetic);
        if is_opaque { piece.replace(word, MASK) } else { piece.to_owned() }
    });
    words.collect()
}

/// A secret, and what inside of it is one by itself: the password of a connection string, the lines of a key.
fn parts(secret: &str) -> Vec<String> {
    let mut parts = vec![secret.to_owned(), secret.trim().to_owned()];
    parts.extend(secret.lines().map(str::trim).filter(|line| line.len() >= SHORTEST_LINE).map(str::to_owned));
    for found in INSIDE.iter().flat_map(|rule| rule.captures_iter(secret)) {
        let inside = found.get(1).map(|found| found.as_str()).unwrap_or_default();
        parts.push(inside.to_owned());
        parts.extend(percent_encoding::percent_decode_str(inside).decode_utf8().ok().map(Into::into));
    }
    parts.retain(|part| part.len() >= SHORTEST);
    parts
}

fn all_forms(secret: &str) -> Vec<String> {
    let percent = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
    let component = utf8_percent_encode(secret, URI_COMPONENT).to_string();
    let form: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let json = serde_json::Value::from(secret).to_string();
    let json = json.trim_start_matches('"').strip_suffix('"').unwrap_or_default().to_owned();
    let html = secret.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    let hex = hex(secret);
    let mut forms = vec![secret.to_owned(), json, html.clone(), hex.to_ascii_uppercase(), hex];
    forms.extend(["&#39;", "&#039;", "&#x27;", "&apos;"].map(|quote| html.replace('\'', quote)));
    for encoded in [percent, component, form] {
        forms.extend([in_lower_case(&encoded), encoded.replace('%', "%25"), encoded]);
    }
    forms.extend(in_base64(secret));
    forms
}

fn hex(secret: &str) -> String {
    secret.bytes().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// `%2F` as `%2f`.
fn in_lower_case(encoded: &str) -> String {
    let mut inside = 0_u8;
    let lower = |c: char| {
        let is_digit = inside > 0;
        inside = if c == '%' { 2 } else { inside.saturating_sub(1) };
        if is_digit { c.to_ascii_lowercase() } else { c }
    };
    encoded.chars().map(lower).collect()
}

/// The characters that base64 has for these bytes, whatever stands before and behind them.
fn in_base64(secret: &str) -> Vec<String> {
    let mut forms = Vec::new();
    for before in 0..3_usize {
        let bytes = [vec![0; before], secret.as_bytes().to_vec()].concat();
        // Of the first and the last character some bits belong to the neighbours.
        let (first, end) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
        for encoded in [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
            forms.extend(encoded.get(first..end).map(str::to_owned));
        }
    }
    forms
}

fn rule(pattern: &str) -> Option<Regex> {
    let rule = Regex::new(pattern);
    debug_assert!(rule.is_ok(), "{pattern}");
    rule.ok()
}

/// Secrets inside of connection strings.
static INSIDE: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let patterns = [
        r"://[^\s/:@]*:([^\s]+)@",
        r"(?i)(?:pass|pwd|secret|token|key)[\w.-]*\s*[=:]\s*([^\s;,&]+)",
        r"^[^\s:/@]+:([^\s@]+)@",
    ];
    patterns.into_iter().filter_map(rule).collect()
});

/// What looks like a secret, and what is left of it.
static RULES: LazyLock<Vec<(Regex, String)>> = LazyLock::new(|| {
    let name = r"[\w.-]*(?:pass|pwd|secret|token|api_?-?key|key|credential|authorization|cookie|session|signature|dsn)[\w.-]*";
    let rules = [
        (r"(?s)-----BEGIN [A-Z0-9 ]+-----.*?(?:-----END [A-Z0-9 ]+-----|\z)".to_owned(), MASK.to_owned()),
        // Accounts and passwords of addresses, also of encoded ones and of those without a scheme.
        (r#"://[^\s"'<>]*@"#.to_owned(), format!("://{MASK}@")),
        (r#"(?i)%3A%2F%2F[^\s"'<>]*%40"#.to_owned(), format!("://{MASK}@")),
        (r#"[^\s"'<>=:/]+:[^\s"'<>@]+@"#.to_owned(), format!("{MASK}@")),
        // What stands behind these are names of tables and values of keys.
        (r#"(/_(?:table|schema|proc|func)/)[^\s"'?]+"#.to_owned(), format!("$1{MASK}")),
        // Queries have the values of filters.
        (r#"(/[^\s"'?]*)\?[^\s"'<>]+"#.to_owned(), format!("$1?{MASK}")),
        (r#"(?i)\b((?:proxy-)?authorization|(?:set-)?cookie|x-[\w-]*(?:key|token|password|secret)[\w-]*)(\\?["']?\s*[:=]\s*)[^\r\n]+"#.to_owned(), format!("$1$2{MASK}")),
        (r"(?i)\b(bearer|basic|digest|negotiate)\s+[\w.~+/=-]+".to_owned(), format!("$1 {MASK}")),
        (format!(r#"(?i)({name}\\?["']?\s*(?:=>|[:=])\s*)(\\?"(?:[^"\\]|\\[^"])*\\?"|'[^']*'|[^\s,;&"'}}\]]+)"#), format!("${{1}}{MASK}")),
        (r#"(?i)(--[\w-]*(?:pass|secret|token|key)[\w-]*)[ =]\S+"#.to_owned(), format!("$1 {MASK}")),
        (r#"(?i)\b(pass(?:word|wd|phrase)?|identified by)\s+(?:is\s+)?(?:'[^']*'|"[^"]*"|is\s+\S+)"#.to_owned(), format!("$1 {MASK}")),
        (r"\beyJ[\w-]{5,}(?:\.[\w-]+){0,2}".to_owned(), MASK.to_owned()),
        (r"\b(?:sk|pk|rk|ghp|gho|ghs|glpat|npm|shpat|xox[a-z])[-_][\w-]{6,}".to_owned(), MASK.to_owned()),
    ];
    rules.into_iter().filter_map(|(pattern, left)| Some((rule(&pattern)?, left))).collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "p@ss/w<ord>&'\"1\\";

    #[test]
    fn a_known_secret_is_found_in_every_form() {
        let scrubber = Scrubber::new([SECRET]);
        let encoded = utf8_percent_encode(SECRET, NON_ALPHANUMERIC).to_string();
        let forms = [
            SECRET.to_owned(),
            serde_json::json!({ "x": SECRET }).to_string(),
            in_lower_case(&encoded),
            encoded.clone(),
            encoded.replace('%', "%25"),
            form_urlencoded::byte_serialize(SECRET.as_bytes()).collect(),
            "p@ss/w&lt;ord&gt;&amp;&#39;&quot;1\\".to_owned(),
            hex(SECRET),
            hex(SECRET).to_ascii_uppercase(),
        ];
        for form in forms {
            let shown = scrubber.known(&format!("before {form} behind"));
            assert!(
                shown.contains(MASK) && shown.starts_with("before ") && shown.ends_with(" behind"),
                "{form}: {shown}"
            );
        }
    }

    #[test]
    fn a_known_secret_is_found_however_json_spells_it() {
        let hidden = |secret: &str, spelled: &str| {
            let text = format!("{{\"a\":\"before {spelled} behind\"}}");
            let shown = Scrubber::new([secret]).known(&text);
            assert!(shown.starts_with("{\"a\":\"before **********"), "{spelled}: {shown}");
            assert!(shown.ends_with(" behind\"}") && !shown.contains("ord"), "{spelled}: {shown}");
        };
        for spelled in [
            r#"p@ss/w\u003cord\u003e\u0026'\"1\\"#,
            r#"p@ss\/w\u003Cord\u003E\u0026\u0027\u00221\\"#,
            r"\u0070@ss\u002fw\u003Cord\u003e\u0026\u0027\u00221\u005C",
            r#"p@ss/w\\u003cord\\u003e\\u0026'\\\"1\\\\"#,
        ] {
            hidden(SECRET, spelled);
        }
        hidden("pä😀word", r"p\u00e4\ud83d\ude00word");
        hidden("pä😀word", r"p\u00E4\uD83D\uDE00word");
        hidden("first\nword", r"first\u000aword");
    }

    #[test]
    fn escapes_that_spell_no_secret_stay() {
        let text = r#"{"a":"\u003cb\u003e \ud83d \" \u00"}"#;
        assert_eq!(Scrubber::new([SECRET]).known(text), text);
    }

    #[test]
    fn a_known_secret_is_found_in_the_middle_of_base64() {
        let scrubber = Scrubber::new(["correct horse"]);
        for before in ["", "a", "ab", "abc"] {
            let encoded = STANDARD_NO_PAD.encode(format!("{before}correct horse:more"));
            assert!(scrubber.known(&encoded).contains(MASK), "{before}");
        }
    }

    #[test]
    fn parts_of_a_connection_string_are_secrets_too() {
        let scrubber = Scrubber::new(["any://user:hun%2Fter2@host/db", "host=a password=hunter3 user=b"]);
        for part in ["hun%2Fter2", "hun/ter2", "hunter3"] {
            assert_eq!(scrubber.known(&format!("x {part} y")), format!("x {MASK} y"));
        }
        assert_eq!(scrubber.known("host user"), "host user");
    }

    #[test]
    fn what_looks_like_a_secret_is_taken_out() {
        for text in [
            "open any://user:hunter2@host/db failed",
            "url=any%3A%2F%2Fuser%3Ahunter2%40host",
            "root:hunter2@tcp(host)/db",
            "host=a user=b password=hunter2 port=1",
            "Password='hunter2';",
            r#"{"password":"hunter2"}"#,
            r#"{"line":"{\"api_key\":\"hunter2\"}"}"#,
            "Authorization: Bearer hunter2",
            "authorization: hunter2 and more",
            "with bearer hunter2",
            "Basic hunter2==",
            "X-DreamFactory-API-Key: hunter2",
            "Cookie: a=hunter2; b=hunter2",
            "GET /api/v2/db/_table/t?filter=name%3Dhunter2 200",
            "session_token=hunter2&x=1",
            "path=\"/api/v2/db/_table/hunter2/7\" status=200",
            "tool --password hunter2 --verbose",
            "the password is hunter2",
            "ALTER USER a IDENTIFIED BY 'hunter2'",
            "eyJhunter2.hunter2.hunter2",
            "ghp_hunter2hunter2",
            "id hunter2hunter2hunter2hunter2 done",
            "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----",
            "-----BEGIN RSA PRIVATE KEY-----\nhunter2",
        ] {
            let shown = Scrubber::default().text(text);
            assert!(!shown.contains("hunter2"), "{text}: {shown}");
        }
    }

    #[test]
    fn an_ordinary_line_stays_as_it_is() {
        for text in [
            "2026-01-02T03:04:05.678901Z  WARN tablegate::connectors: not loaded: plugins/libother.so: it is truncated: 1 of 2 bytes",
            "service 'shop' answers: 5 table(s) in 1.5 ms",
            "gateway.toml:12: unknown role `reder`; did you mean `reader`?",
            "can't listen on 127.0.0.1:8080: Address already in use",
        ] {
            assert_eq!(Scrubber::default().text(text), text);
        }
    }
}
