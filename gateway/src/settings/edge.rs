//! What browsers and TLS clients are told, as settings: certificates, and which pages of other origins may call. Reads and opens nothing.

use std::{fmt, path::PathBuf, str::FromStr};

use axum::http::HeaderName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::quantity::{HEADER_FORMAT, ORIGIN_FORMAT, Timeout};
use crate::roles::Verb;

/// TLS on the address of the server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate and those that lead to its authority, in this order, as PEM.
    pub certificate: PathBuf,
    /// Its private key as PEM: PKCS#8, SEC1 or PKCS#1, not encrypted.
    pub key: PathBuf,
    /// Authorities as PEM: only clients with a certificate of theirs are let in. `None`: clients need none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_ca: Option<PathBuf>,
    /// How long browsers remember that this host speaks TLS only (`Strict-Transport-Security`); `None`: they are not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hsts_max_age: Option<Timeout>,
}

/// Which pages may call a part of the API from a browser.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cors {
    /// The addresses that it is about: `*` all, `api/v2/shop/*` a part. Of several entries the longest that fits decides.
    #[serde(default = "everywhere")]
    pub path: String,
    /// Where the pages come from.
    #[schemars(length(min = 1))]
    pub origins: Vec<PageOrigin>,
    /// The methods that they may use besides GET, HEAD and POST, which browsers always allow. Without it, each.
    #[serde(default = "all_methods")]
    pub methods: Vec<Verb>,
    /// The headers that they may send, `*` for any. Without it, any.
    #[serde(default = "any_header")]
    pub headers: Vec<HeaderChoice>,
    /// The headers of answers that they may read, besides those that browsers always show. Without it, those that the gateway sends, such
    /// as `ETag` and `X-Total-Count`.
    #[serde(default = "own_headers")]
    pub exposed_headers: Vec<HeaderChoice>,
    /// Whether browsers may send cookies, client certificates and passwords of their own accord. Keys and tokens in headers need it not.
    #[serde(default)]
    pub credentials: bool,
    /// How long browsers remember the answer to a preflight.
    #[serde(default = "an_hour")]
    pub max_age: Timeout,
}

fn everywhere() -> String {
    EVERY.to_owned()
}

fn all_methods() -> Vec<Verb> {
    vec![Verb::Get, Verb::Post, Verb::Put, Verb::Patch, Verb::Delete]
}

fn any_header() -> Vec<HeaderChoice> {
    vec![HeaderChoice(EVERY.to_owned())]
}

/// What answers may have beyond the headers that browsers show anyway.
const OWN_HEADERS: [&str; 7] = [
    "Content-Disposition",
    "ETag",
    "Idempotency-Replayed",
    "Retry-After",
    "Server-Timing",
    "X-Request-Id",
    "X-Total-Count",
];

fn own_headers() -> Vec<HeaderChoice> {
    OWN_HEADERS.map(|name| HeaderChoice(name.to_owned())).to_vec()
}

const fn an_hour() -> Timeout {
    Timeout::from_secs(3600)
}

/// Everything, where names stand otherwise.
pub(crate) const EVERY: &str = "*";

/// The name of a header, or `*` for each.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(with = "String", extend("format" = HEADER_FORMAT))]
pub struct HeaderChoice(String);

impl HeaderChoice {
    /// Whether the text can be one.
    pub(crate) fn is(text: &str) -> bool {
        HeaderName::from_bytes(text.as_bytes()).is_ok()
    }

    /// Its name; `None`: each is meant.
    #[must_use]
    pub fn name(&self) -> Option<HeaderName> {
        HeaderName::from_bytes(self.0.as_bytes()).ok().filter(|_| self.0 != EVERY)
    }
}

/// Where pages come from: one origin, all below a domain, or any.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("format" = ORIGIN_FORMAT))]
pub enum PageOrigin {
    /// Every page of the world.
    Any,
    /// This one: scheme, host, and port where it is not the scheme's own.
    Exact(String),
    /// Every host below a domain: what stands before its name and what from its dot on.
    Below(String, String),
}

impl PageOrigin {
    /// Whether a page with this `Origin` is meant.
    #[must_use]
    pub fn holds(&self, origin: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(exact) => exact == origin,
            Self::Below(scheme, domain) => {
                let host = origin.strip_prefix(scheme).and_then(|rest| rest.strip_suffix(domain.as_str()));
                host.is_some_and(is_host)
            }
        }
    }
}

fn is_host(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    text.split('.').all(is_label)
}

/// A host or an IPv6 address in brackets, and perhaps a port.
fn is_authority(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let address = host.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let is_address = address.is_some_and(|text| text.parse::<std::net::Ipv6Addr>().is_ok());
    (is_address || is_host(host)) && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

impl FromStr for PageOrigin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const WANTED: &str = "must be an origin as browsers send it, for example \"https://app.example.com\", \
                              \"https://*.example.com\" or \"*\"; without a path and without a slash at the end";
        if text == EVERY {
            return Ok(Self::Any);
        }
        // Browsers send it in lower case.
        let text = text.to_lowercase();
        let (scheme, authority) = text.split_once("://").ok_or(WANTED)?;
        let is_scheme = !scheme.is_empty()
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        match authority.strip_prefix("*.") {
            Some(domain) if is_scheme && is_authority(domain) && !domain.starts_with('[') => {
                Ok(Self::Below(format!("{scheme}://"), format!(".{domain}")))
            }
            None if is_scheme && is_authority(authority) => Ok(Self::Exact(text)),
            _ => Err(WANTED.to_owned()),
        }
    }
}

impl fmt::Display for PageOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str(EVERY),
            Self::Exact(origin) => f.write_str(origin),
            Self::Below(scheme, domain) => write!(f, "{scheme}*{domain}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_what_browsers_send() {
        for (text, shown) in [
            ("*", "*"),
            ("https://App.example.com", "https://app.example.com"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://[::1]:3000", "http://[::1]:3000"),
            ("https://*.example.com:8443", "https://*.example.com:8443"),
            ("capacitor://localhost", "capacitor://localhost"),
        ] {
            assert_eq!(text.parse::<PageOrigin>().unwrap().to_string(), shown);
        }
        for text in [
            "",
            "null",
            "app.example.com",
            "https://",
            "https://app.example.com/",
            "https://app.example.com/path",
            "https://a.*.com",
            "https://*",
            "https://*example.com",
            "https://*.[::1]",
            "https://user@example.com",
            "https://example.com:http",
            "://x",
        ] {
            assert!(text.parse::<PageOrigin>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_origin_holds_itself_or_all_below_its_domain() {
        let check = |rule: &str, origin: &str, holds: bool| {
            assert_eq!(rule.parse::<PageOrigin>().unwrap().holds(origin), holds, "{rule} {origin}");
        };
        check("*", "https://anywhere.example", true);
        check("https://a.example", "https://a.example", true);
        check("https://a.example", "http://a.example", false);
        check("https://a.example", "https://a.example:8443", false);
        check("https://a.example", "https://a.example.evil.test", false);
        check("https://*.a.example", "https://x.a.example", true);
        check("https://*.a.example", "https://y.x.a.example", true);
        check("https://*.a.example", "https://a.example", false);
        check("https://*.a.example", "https://.a.example", false);
        check("https://*.a.example", "https://xa.example", false);
        check("https://*.a.example", "https://evil.test/.a.example", false);
        check("https://*.a.example", "https://evil.test:1.a.example", false);
        check("https://*.a.example", "https://x.a.example:8443", false);
        check("https://*.a.example:8443", "https://x.a.example:8443", true);
        check("https://*.a.example", "http://x.a.example", false);
        check("https://*.a.example", "null", false);
    }
}
