//! What a request brings to prove who calls: where it may stand, and which place wins. Nothing is checked here.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::roles::Verb;

/// Finds a text by name in one part of a request.
pub type Lookup<'l, 'a> = &'l dyn Fn(&str) -> Option<&'a str>;

/// The parts of a request in which credentials may stand.
#[derive(Clone, Copy)]
pub struct Sources<'l, 'a> {
    /// What the request does, after any override.
    pub verb: Verb,
    /// Service name and the path inside the service.
    pub target: (&'a str, &'a str),
    /// Finds a header; names are asked for in any case and must be compared without it.
    pub header: Lookup<'l, 'a>,
    /// Finds a decoded query parameter.
    pub query: Lookup<'l, 'a>,
    /// Finds a text field of the body, when the body is read already.
    pub body: Option<Lookup<'l, 'a>>,
}

/// The credentials of one request. `Debug` shows which there are, never their text.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials<'a> {
    pub(super) api_key: Option<&'a str>,
    pub(super) proof: Proof<'a>,
}

/// How a request says who its user is.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Proof<'a> {
    /// Not at all.
    None,
    /// By a session token.
    Token(&'a str),
    /// A token to be exchanged: the refresh itself judges it.
    TokenToRefresh(&'a str),
    /// By e-mail and password.
    Basic { email: String, password: String },
    /// A basic login that can't be read.
    MalformedBasic,
}

const SESSION_PATHS: [(&str, &str); 2] = [("system", "admin/session"), ("user", "session")];

impl<'a> Credentials<'a> {
    /// Collects the credentials of a request. An empty text counts as absent.
    pub fn extract(sources: &Sources<'_, 'a>) -> Self {
        Self { api_key: sources.api_key(), proof: sources.proof() }
    }

    /// The session token, `None` when there is none and on a login, where a token is ignored.
    pub fn token(&self) -> Option<&'a str> {
        match self.proof {
            Proof::Token(token) | Proof::TokenToRefresh(token) => Some(token),
            Proof::None | Proof::Basic { .. } | Proof::MalformedBasic => None,
        }
    }
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let proof = match self.proof {
            Proof::None => "none",
            Proof::Token(_) => "token",
            Proof::TokenToRefresh(_) => "token to refresh",
            Proof::Basic { .. } => "basic login",
            Proof::MalformedBasic => "malformed basic login",
        };
        f.debug_struct("Credentials")
            .field("api_key", &self.api_key.is_some())
            .field("proof", &proof)
            .finish()
    }
}

impl<'a> Sources<'_, 'a> {
    fn api_key(&self) -> Option<&'a str> {
        present((self.query)("api_key"))
            .or_else(|| present((self.header)("X-DreamFactory-API-Key")))
            // A body sent to `system/app` describes applications: its `api_key` is data.
            .or_else(|| if self.is_app_path() { None } else { self.body_field("api_key") })
    }

    fn proof(&self) -> Proof<'a> {
        let authorization = (self.header)("Authorization").and_then(|value| value.trim().split_once(' '));
        let token = authorization
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer"))
            .and_then(|(_, token)| present(Some(token.trim())))
            .or_else(|| present((self.header)("X-DreamFactory-Session-Token")))
            .or_else(|| present((self.query)("session_token")))
            .or_else(|| self.body_field("session_token"));
        match token {
            Some(_) if self.is_session_path() && self.verb == Verb::Post => Proof::None,
            Some(token) if self.is_session_path() && self.verb == Verb::Put => Proof::TokenToRefresh(token),
            Some(token) => Proof::Token(token),
            None => authorization
                .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Basic"))
                .map_or(Proof::None, |(_, encoded)| basic(encoded.trim())),
        }
    }

    fn body_field(&self, name: &str) -> Option<&'a str> {
        present(self.body.and_then(|body| body(name)))
    }

    fn is_session_path(&self) -> bool {
        let (service, component) = self.target;
        let component = component.trim_matches('/');
        SESSION_PATHS
            .iter()
            .any(|(s, c)| s.eq_ignore_ascii_case(service) && c.eq_ignore_ascii_case(component))
    }

    fn is_app_path(&self) -> bool {
        let (service, component) = self.target;
        let first = component.trim_matches('/').split('/').next().unwrap_or_default();
        service.eq_ignore_ascii_case("system") && first.eq_ignore_ascii_case("app")
    }
}

fn present(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

fn basic(encoded: &str) -> Proof<'static> {
    let decoded = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    match decoded.as_deref().and_then(|text| text.split_once(':')) {
        Some((email, password)) => Proof::Basic { email: email.to_owned(), password: password.to_owned() },
        None => Proof::MalformedBasic,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Pairs = &'static [(&'static str, &'static str)];

    fn extract(
        verb: Verb,
        target: (&'static str, &'static str),
        [headers, query, body]: [Pairs; 3],
    ) -> Credentials<'static> {
        let find =
            |pairs: Pairs, name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
        let header = |name: &str| {
            headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
        };
        Credentials::extract(&Sources {
            verb,
            target,
            header: &header,
            query: &|name| find(query, name),
            body: Some(&|name| find(body, name)),
        })
    }

    #[test]
    fn api_key_comes_from_query_then_header_then_body() {
        fn check(places: [Pairs; 3], expected: Option<&str>) {
            assert_eq!(extract(Verb::Get, ("shop", "_table/x"), places).api_key, expected);
        }
        const HEADER: Pairs = &[("x-dreamfactory-api-key", "h")];
        check([HEADER, &[("api_key", "q")], &[("api_key", "b")]], Some("q"));
        check([HEADER, &[("api_key", "")], &[("api_key", "b")]], Some("h"));
        check([&[], &[], &[("api_key", "b")]], Some("b"));
        check([&[], &[("API_KEY", "q")], &[]], None);
    }

    #[test]
    fn api_key_in_the_body_of_system_app_is_data() {
        for (service, component, expected) in [
            ("system", "app", None),
            ("System", "App/5", None),
            ("system", "apps", Some("b")),
            ("x", "app", Some("b")),
        ] {
            let found = extract(Verb::Post, (service, component), [&[], &[], &[("api_key", "b")]]);
            assert_eq!(found.api_key, expected, "{service}/{component}");
        }
    }

    #[test]
    fn token_comes_from_bearer_then_header_then_query_then_body() {
        fn check(places: [Pairs; 3], expected: Option<&str>) {
            assert_eq!(extract(Verb::Get, ("shop", "_table/x"), places).token(), expected);
        }
        const BODY: Pairs = &[("session_token", "b")];
        const QUERY: Pairs = &[("session_token", "q")];
        check(
            [&[("authorization", "bearer  t"), ("X-DREAMFACTORY-SESSION-TOKEN", "h")], QUERY, BODY],
            Some("t"),
        );
        check(
            [&[("Authorization", "Basic YTpi"), ("X-DreamFactory-Session-Token", "h")], QUERY, BODY],
            Some("h"),
        );
        check([&[("Authorization", "Bearer ")], QUERY, BODY], Some("q"));
        check([&[], &[], BODY], Some("b"));
        check([&[], &[], &[]], None);
    }

    #[test]
    fn session_paths_ignore_a_token_on_post_and_only_carry_it_on_put() {
        const TOKEN: [Pairs; 3] = [&[("X-DreamFactory-Session-Token", "t")], &[], &[]];
        fn check(verb: Verb, target: (&'static str, &'static str), expected: Proof<'static>) {
            assert!(extract(verb, target, TOKEN).proof == expected, "{verb} {target:?}");
        }
        for target in [("user", "session"), ("system", "admin/session"), ("System", "/admin/Session/")] {
            check(Verb::Post, target, Proof::None);
            check(Verb::Put, target, Proof::TokenToRefresh("t"));
            check(Verb::Get, target, Proof::Token("t"));
            check(Verb::Delete, target, Proof::Token("t"));
        }
        check(Verb::Post, ("shop", "session"), Proof::Token("t"));
        check(Verb::Put, ("system", "admin"), Proof::Token("t"));
    }

    #[test]
    fn basic_login_is_read_up_to_the_first_colon() {
        fn check(header: &'static str, expected: Proof<'static>) {
            let header: Pairs = vec![("Authorization", header)].leak();
            assert!(extract(Verb::Get, ("shop", ""), [header, &[], &[]]).proof == expected, "{header:?}");
        }
        let login =
            |password: &str| Proof::Basic { email: "a@x.io".to_owned(), password: password.to_owned() };
        check("Basic YUB4LmlvOnA6dw==", login("p:w"));
        check("basic YUB4LmlvOg==", login(""));
        check("Basic YUB4Lmlv", Proof::MalformedBasic);
        check("Basic !!", Proof::MalformedBasic);
        check("Basic /w==", Proof::MalformedBasic);
        check("Digest x", Proof::None);
        check("Basic", Proof::None);
    }

    #[test]
    fn nothing_secret_is_shown() {
        let token = extract(
            Verb::Get,
            ("s", ""),
            [&[("Authorization", "Bearer hidden")], &[("api_key", "hidden")], &[]],
        );
        let basic =
            extract(Verb::Get, ("s", ""), [&[("Authorization", "Basic aGlkZGVuOmhpZGRlbg==")], &[], &[]]);
        for credentials in [token, basic] {
            let shown = format!("{credentials:?}");
            assert!(!shown.contains("hidden"), "{shown}");
        }
    }
}
