//! The verb that the caller means: a POST may stand for another verb, for clients and proxies that can't send it.

use std::borrow::Cow;

/// Headers that override the verb of a POST, strongest first. The query fields `_method` and `method` come after the first
/// and the last of them.
const HEADERS: [&str; 3] = ["x-http-method-override", "x-http-method", "x-method-override"];

/// The verb to act on, in upper case. `MERGE` is `PATCH`. Whether the verb exists is for the router to say.
///
/// `header` looks a header up by its lower-case name, `query` a field of the query string (or of a form body). An
/// override counts only on POST and only if it is not blank.
pub fn effective<'a>(
    method: &'a str,
    header: impl Fn(&str) -> Option<&'a str>,
    query: impl Fn(&str) -> Option<&'a str>,
) -> Cow<'a, str> {
    let given = |value: Option<&'a str>| value.map(str::trim).filter(|value| !value.is_empty());
    let [first, second, third] = HEADERS;
    let meant = if method.eq_ignore_ascii_case("POST") {
        given(header(first))
            .or_else(|| given(query("_method")))
            .or_else(|| given(header(second)))
            .or_else(|| given(header(third)))
            .or_else(|| given(query("method")))
            .unwrap_or(method)
    } else {
        method
    };
    if meant.eq_ignore_ascii_case("MERGE") {
        return Cow::Borrowed("PATCH");
    }
    if meant.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return Cow::Owned(meant.to_ascii_uppercase());
    }
    Cow::Borrowed(meant)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &str, headers: &[(&str, &str)], query: &[(&str, &str)], expected: &str) {
        fn find<'a>(pairs: &[(&str, &'a str)], name: &str) -> Option<&'a str> {
            pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
        }
        let verb = effective(method, |name| find(headers, name), |name| find(query, name));
        assert_eq!(verb, expected, "{method} {headers:?} {query:?}");
    }

    #[test]
    fn post_is_overridden_by_the_first_match() {
        check("POST", &[], &[], "POST");
        check("POST", &[("x-http-method", "get")], &[], "GET");
        check("POST", &[("x-method-override", "Delete")], &[("method", "GET")], "DELETE");
        check("POST", &[("x-http-method", "PUT"), ("x-method-override", "GET")], &[("method", "GET")], "PUT");
        check("POST", &[("x-http-method", "PUT")], &[("_method", "PATCH")], "PATCH");
        check(
            "POST",
            &[("x-http-method-override", "GET"), ("x-http-method", "PUT")],
            &[("_method", "PATCH")],
            "GET",
        );
        check("POST", &[], &[("method", "delete")], "DELETE");
    }

    #[test]
    fn other_verbs_are_not_overridden() {
        check("GET", &[("x-http-method", "DELETE")], &[("method", "DELETE"), ("_method", "DELETE")], "GET");
        check("PUT", &[("x-http-method-override", "DELETE")], &[], "PUT");
    }

    #[test]
    fn blank_override_is_ignored() {
        check("POST", &[("x-http-method", " ")], &[("method", "")], "POST");
    }

    #[test]
    fn merge_is_patch() {
        check("MERGE", &[], &[], "PATCH");
        check("POST", &[("x-http-method", "merge")], &[], "PATCH");
    }
}
