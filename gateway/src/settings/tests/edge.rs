//! What may be said of pages of other origins.

use super::{Files, check};

#[test]
fn credentials_need_known_names() {
    let check = |key: &str, name: &str, credentials: bool, is_right: bool| {
        let origins = if key == "origins" { "" } else { "origins = [\"https://a.example\"]\n" };
        let config = format!("[[cors]]\n{key} = [\"{name}\"]\n{origins}credentials = {credentials}\n");
        let told = Files::new(&config).load().map(drop).map_err(|problems| problems.to_string());
        let refused = format!(
            "`credentials` in [[cors]] can't be true where `{key}` has \"*\"; list them by name; API keys and session tokens in \
             headers work without `credentials`"
        );
        assert_eq!(told.is_ok(), is_right, "{told:?}");
        assert!(is_right || told.as_ref().is_err_and(|told| told.ends_with(&refused)), "{told:?}");
    };
    check("origins", "*", false, true);
    check("origins", "https://*.example.com", true, true);
    check("origins", "*", true, false);
    check("headers", "*", true, true);
    check("exposed_headers", "*", false, true);
    check("exposed_headers", "*", true, false);
}

#[test]
fn entries_for_pages_add_up_and_are_checked() {
    check(
        "[[cors]]\norigins = [\"https://a.example/\"]\nheaders = [\"a b\"]\n[[cors]]\nmethods = [\"TRACE\"]\n",
        &[
            "gateway.toml:2: item 1 of `origins` in [[cors]] must be an origin as browsers send it, for example \
             \"https://app.example.com\", \"https://*.example.com\" or \"*\"; without a path and without a slash at the end",
            "gateway.toml:3: item 1 of `headers` in [[cors]] must be the name of a header, or \"*\" for each",
            "gateway.toml:4: missing required key `origins` in [[cors]]",
            "gateway.toml:5: item 1 of `methods` in [[cors]] must be one of `GET`, `POST`, `PUT`, `PATCH` and `DELETE`, not `TRACE`",
        ],
    );
}

#[test]
fn browsers_may_be_told_to_forget() {
    let config = |tls: &str| format!("[server.tls]\ncertificate = \"a\"\nkey = \"b\"\n{tls}");
    assert!(Files::new(&config("hsts_max_age = \"0s\"\n")).load().is_ok());
    check(
        &config("hsts_max_age = 0\n[server]\nheader_timeout = \"0s\"\n"),
        &[
            "gateway.toml:4: `hsts_max_age` in [server.tls] has no unit; write a time with a unit, for example \"30s\", \"500ms\" \
             or \"5m\"",
            "gateway.toml:6: `header_timeout` in [server] must not be zero: a request that may wait for ever ties up the gateway",
        ],
    );
}
