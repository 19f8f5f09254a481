//! The path of a request, taken apart once: what routing, permission and operation see is the same list of segments.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::session;
use crate::error::ApiError;
use crate::operation::component;

/// A path below the API prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// Lower case; `None`: the address of the discovery.
    pub(super) service: Option<String>,
    /// Segments after the service, decoded. A `/` inside one came percent-encoded and separates nothing.
    pub(super) resource: Vec<String>,
    /// The same as roles see it.
    pub(super) component: String,
}

impl Address {
    /// Reads a raw path such as `/api/v2/shop/_table/orders`; `None` when it does not begin with `/api`.
    ///
    /// # Errors
    /// When a segment is not percent-encoded UTF-8.
    pub(super) fn parse(path: &str) -> Result<Option<Self>, ApiError> {
        let mut raw = path.split('/').filter(|segment| !segment.is_empty());
        if raw.next() != Some("api") {
            return Ok(None);
        }
        let mut segments = Vec::new();
        for segment in raw {
            // As the clients of old expect it, `..` is taken out and does not climb. Encoded, it is a name or an identifier.
            if segment == ".." || segment == "." {
                continue;
            }
            let decoded =
                percent_decode_str(segment).decode_utf8().map_err(|_| ApiError::malformed_address("path"))?;
            segments.push(decoded.into_owned());
        }
        if segments.first().is_some_and(|first| is_version(first)) {
            segments.remove(0);
        }
        let mut segments = segments.into_iter();
        let service = segments.next().map(|name| name.to_lowercase());
        let resource: Vec<String> = segments.collect();
        let component = component(&resource);
        Ok(Some(Self { service, resource, component }))
    }
}

/// The most parts of a path below a service that are logged: no address has more.
const MAX_LOGGED_PARTS: usize = 4;
/// The most characters of a path that are logged.
const MAX_LOGGED: usize = 500;

/// A path as it may stand in the log: an identifier is a value of a row, so its place stands for it, and so are arguments of a routine. Of
/// what is no address it is not known what it holds.
pub(super) fn logged(path: &str) -> Cow<'static, str> {
    match Address::parse(path) {
        Ok(None) => Cow::Borrowed("/{unknown}"),
        Err(_) => Cow::Borrowed("/api/{malformed}"),
        Ok(Some(Address { service, resource, component })) => {
            let is_session = service.as_deref() == Some("system") && component == session::COMPONENT;
            let room = resource.first().map(|room| room.to_ascii_lowercase()).unwrap_or_default();
            let parts = resource.iter().take(MAX_LOGGED_PARTS).enumerate();
            let parts = parts.map(|(index, part)| match (room.as_str(), index) {
                ("_table", 2..) => "{id}",
                ("_proc" | "_func", 1) => part.split('(').next().unwrap_or_default(),
                ("_proc" | "_func", 2..) => "{arguments}",
                ("_table" | "_schema" | "_proc" | "_func" | "_batch", _) => part,
                _ if is_session => part,
                _ => "{unknown}",
            });
            let parts: Vec<&str> = ["/api/v2"].into_iter().chain(service.as_deref()).chain(parts).collect();
            Cow::Owned(parts.join("/").chars().take(MAX_LOGGED).collect())
        }
    }
}

fn is_version(segment: &str) -> bool {
    segment.strip_prefix('v').is_some_and(|digits| {
        digits.starts_with(|c: char| c.is_ascii_digit())
            && digits.chars().all(|c| c.is_ascii_digit() || c == '.')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, service: Option<&str>, resource: &[&str]) {
        let address = Address::parse(path).unwrap().unwrap();
        assert_eq!(
            (address.service.as_deref(), address.resource.iter().map(String::as_str).collect::<Vec<_>>()),
            (service, resource.to_vec()),
            "{path}"
        );
    }

    #[test]
    fn a_path_is_taken_apart_once() {
        check("/api", None, &[]);
        check("/api/v2/", None, &[]);
        check("/api/v2/Shop/_table/orders/5/", Some("shop"), &["_table", "orders", "5"]);
        check("/api/shop/_table//orders", Some("shop"), &["_table", "orders"]);
        check("/api/v2.0/shop/../_schema", Some("shop"), &["_schema"]);
        check("/api/v2/shop/./_table/%C3%BCber%25", Some("shop"), &["_table", "über%"]);
        check("/api/v2/vx/_table", Some("vx"), &["_table"]);
    }

    #[test]
    fn a_slash_inside_a_segment_separates_nothing() {
        check("/api/v2/shop/_table/a%2Fb", Some("shop"), &["_table", "a/b"]);
        assert_eq!(component(&["_table".to_owned(), "a/b".to_owned()]), "_table/a%2Fb");
    }

    #[test]
    fn an_encoded_dot_is_an_identifier() {
        for (segment, id) in [("%2E", "."), ("%2e%2e", ".."), (".%2e", ".."), ("%2e%2e%2f", "../")] {
            check(&format!("/api/v2/shop/_table/tk/{segment}"), Some("shop"), &["_table", "tk", id]);
        }
    }

    #[test]
    fn identifiers_stay_out_of_the_log() {
        for (path, expected) in [
            ("/api/v2/shop/_table/people/ada@x.io", "/api/v2/shop/_table/people/{id}"),
            ("/api/shop/%5Ftable/people/(1,ada)/", "/api/v2/shop/_table/people/{id}"),
            ("/api/v2/shop/_table/people", "/api/v2/shop/_table/people"),
            ("/api/v2/shop/_schema/people/name", "/api/v2/shop/_schema/people/name"),
            ("/api/v2/shop/_proc/pay(1,'secret')", "/api/v2/shop/_proc/pay"),
            ("/api/v2/shop/_func/vat('a/secret')", "/api/v2/shop/_func/vat/{arguments}"),
            ("/api", "/api/v2"),
            ("/elsewhere", "/{unknown}"),
            ("/api/v2/shop/_table/people/%ff", "/api/{malformed}"),
            ("/api/v2/shop/_TABLE/people/ada", "/api/v2/shop/_TABLE/people/{id}"),
            ("/api/v2/shop/_Proc/pay(1)", "/api/v2/shop/_Proc/pay"),
            ("/api/v2/shop/table/people/ada", "/api/v2/shop/{unknown}/{unknown}/{unknown}"),
            ("/api/v2/shop/_table/people/1/2/3/4", "/api/v2/shop/_table/people/{id}/{id}"),
            ("/api/v2/shop/_schema/people/_field/name", "/api/v2/shop/_schema/people/_field/name"),
            ("/api/v2/shop/_batch", "/api/v2/shop/_batch"),
            ("/api/v2/system/admin/session", "/api/v2/system/admin/session"),
            ("/api/v2/system/user/ada@x.io", "/api/v2/system/{unknown}/{unknown}"),
        ] {
            assert_eq!(logged(path), expected);
        }
        let long = format!("/api/v2/shop/_table/{}", "ü".repeat(MAX_LOGGED));
        assert_eq!(logged(&long).chars().count(), MAX_LOGGED);
    }

    #[test]
    fn other_paths_are_none_and_bad_encoding_is_an_error() {
        assert_eq!(Address::parse("/apix/v2"), Ok(None));
        assert!(Address::parse("/api/v2/%ff").is_err());
    }
}
