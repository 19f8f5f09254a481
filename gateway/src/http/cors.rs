//! Which pages of other origins may call: the configured entries, and what browsers are told by them. It decides what a page may read, never
//! what a caller may do.

use axum::body::Body;
use axum::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_METHOD, HeaderName, ORIGIN};
use axum::http::{HeaderValue, Method, Request, Response};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer, ExposeHeaders};

use super::address::{Address, logged};
use super::seen::harmless;
use crate::error::NO_CONTENT;
use crate::events;
use crate::settings::{self, HeaderChoice, PageOrigin};

/// The entries, those of the longest addresses first.
#[derive(Debug, Default)]
pub struct Cors(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    part: Part,
    layer: CorsLayer,
}

impl Cors {
    /// From what the configuration says.
    #[must_use]
    pub fn new(entries: &[settings::Cors]) -> Self {
        let entry = |entry: &settings::Cors| Entry { part: Part::parse(&entry.path), layer: layer(entry) };
        let mut entries: Vec<Entry> = entries.iter().map(entry).collect();
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.part.length()));
        Self(entries)
    }

    /// What holds for a request; `None`: browsers are told nothing. An `OPTIONS` that asks for no permission, or is refused already, is a
    /// request like others.
    pub(super) fn of(&self, request: &Request<Body>, is_preflight: bool) -> Option<CorsLayer> {
        if !is_preflight && (self.0.is_empty() || request.method() == Method::OPTIONS) {
            return None;
        }
        let path = canonical(request.uri().path());
        let found = self.0.iter().find(|entry| entry.part.holds(&path));
        if found.is_none() && is_preflight {
            refused(request.headers().get(ORIGIN), request.uri().path());
        }
        found.map(|entry| entry.layer.clone())
    }
}

/// Whether a browser asks what a page may send.
pub(super) fn is_preflight<B>(request: &Request<B>) -> bool {
    let has = |name: HeaderName| request.headers().contains_key(name);
    request.method() == Method::OPTIONS && has(ORIGIN) && has(ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to a preflight has no body. One that says no is told to the log, for browsers tell pages nothing.
pub(super) fn preflighted(
    mut response: Response<Body>,
    origin: Option<&HeaderValue>,
    path: &str,
) -> Response<Body> {
    if !response.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
        refused(origin, path);
    }
    *response.status_mut() = NO_CONTENT;
    response
}

/// A page may not call, and whoever looks after it wonders why.
fn refused(origin: Option<&HeaderValue>, path: &str) {
    events::page_refused(|| origin.map(harmless).unwrap_or_default(), || logged(path));
}

fn layer(entry: &settings::Cors) -> CorsLayer {
    // A list in which one means each has no names.
    let names = |choices: &[HeaderChoice]| choices.iter().map(HeaderChoice::name).collect::<Option<Vec<_>>>();
    let headers = names(&entry.headers).map_or_else(AllowHeaders::mirror_request, AllowHeaders::list);
    let exposed = names(&entry.exposed_headers).map_or_else(ExposeHeaders::any, ExposeHeaders::list);
    let origins = entry.origins.clone();
    let origin = if origins.contains(&PageOrigin::Any) {
        AllowOrigin::any()
    } else {
        AllowOrigin::predicate(move |origin, _| {
            origin.to_str().is_ok_and(|origin| origins.iter().any(|known| known.holds(origin)))
        })
    };
    let methods: Vec<Method> =
        entry.methods.iter().filter_map(|verb| Method::from_bytes(verb.word().as_bytes()).ok()).collect();
    CorsLayer::new()
        .allow_origin(origin)
        .allow_methods(methods)
        .allow_headers(headers)
        .expose_headers(exposed)
        .allow_credentials(entry.credentials)
        .max_age(entry.max_age.get())
        .vary([ORIGIN])
}

/// The addresses that an entry is about.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// This one.
    One(String),
    /// It and all below it.
    Below(String),
}

impl Part {
    fn parse(path: &str) -> Self {
        match path.strip_suffix('*') {
            Some(start) => Self::Below(canonical(start)),
            None => Self::One(canonical(path)),
        }
    }

    fn length(&self) -> usize {
        match self {
            Self::One(path) => path.len().saturating_add(1),
            Self::Below(path) => path.len(),
        }
    }

    fn holds(&self, path: &str) -> bool {
        match self {
            Self::One(own) => own == path,
            Self::Below(own) => path
                .strip_prefix(own.as_str())
                .is_some_and(|rest| own.is_empty() || rest.is_empty() || rest.starts_with('/')),
        }
    }
}

/// An address as it is understood, so that no other way to write it leads to another entry.
fn canonical(path: &str) -> String {
    match Address::parse(path) {
        Ok(Some(Address { service, component, .. })) => {
            let parts = ["api/v2"].into_iter().chain(service.as_deref());
            let parts: Vec<&str> =
                parts.chain((!component.is_empty()).then_some(component.as_str())).collect();
            parts.join("/").trim_end_matches('/').to_owned()
        }
        _ => path.trim_matches('/').to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_about_an_address_however_it_is_written() {
        let check = |part: &str, path: &str, holds: bool| {
            assert_eq!(Part::parse(part).holds(&canonical(path)), holds, "{part} {path}");
        };
        for path in ["/api/v2/shop/_table/orders", "/health", "/"] {
            check("*", path, true);
        }
        for path in ["/api/v2/shop", "/api/v2/Shop/", "/api/shop/_table/orders", "//api/v2//sh%6fp/_schema"] {
            check("api/v2/shop/*", path, true);
            check("/api/v2/shop/*", path, true);
        }
        for path in ["/api/v2/shopping", "/api/v2", "/health"] {
            check("api/v2/shop/*", path, false);
        }
        check("api/v2/shop/_table/orders", "/api/v2/shop/_table/orders", true);
        check("api/v2/shop/_table/orders", "/api/v2/shop/_table/orders/5", false);
        check("api/v2/shop/_table/orders/*", "/api/v2/shop/_table/orders/5", true);
        check("api/*", "/api/v2/shop", true);
    }

    #[test]
    fn the_longest_address_comes_first() {
        let entry = |path: &str| {
            serde_json::from_value(serde_json::json!({ "path": path, "origins": ["*"] })).unwrap()
        };
        let cors =
            Cors::new(&["*", "api/v2/shop/_table/*", "api/v2/shop/*", "api/v2/shop/_table"].map(entry));
        let lengths: Vec<usize> = cors.0.iter().map(|entry| entry.part.length()).collect();
        assert_eq!(lengths, [19, 18, 11, 0]);
    }
}
