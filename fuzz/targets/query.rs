//! Query strings: written out and read again they are the same, an option means in a body what it means there, and errors name a parameter
//! and a place in it.

#![no_main]

use std::fmt::Debug;

use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value as Json};
use tablegate::fuzzing::query_pairs;
use tablegate::request::{Error, ListRead, Parameters, TableRead, TableWrite};

fuzz_target!(|text: &str| {
    let Some(pairs) = query_pairs(text) else { return };
    let again = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
    assert_eq!(query_pairs(&again).as_ref(), Some(&pairs), "{text:?} is written as {again:?}");
    check(&pairs, |parameters| TableRead::parse(parameters));
    check(&pairs, |parameters| TableWrite::parse(parameters));
    check(&pairs, |parameters| ListRead::parse(parameters));
});

fn check<T: PartialEq + Debug>(
    pairs: &[(String, String)],
    parse: impl Fn(Parameters<'_>) -> Result<T, Error>,
) {
    let in_query = parse(Parameters { query: pairs, ..Parameters::default() });
    if let Err(error) = &in_query {
        points_into(pairs, error);
    }
    // Parameters of filters are written in another way in a body, and its records mean something of their own.
    if pairs.iter().any(|(name, _)| name.starts_with("params") || name == "resource") {
        return;
    }
    let body: Map<String, Json> =
        pairs.iter().map(|(name, value)| (name.clone(), Json::String(value.clone()))).collect();
    assert_eq!(
        parse(Parameters { body: Some(&body), ..Parameters::default() }),
        in_query,
        "in a body: {pairs:?}"
    );
}

fn points_into(pairs: &[(String, String)], error: &Error) {
    assert!(!error.message.is_empty());
    let Some(position) = error.position else { return };
    let is_there = pairs.iter().any(|(_, text)| text.is_char_boundary(position));
    assert!(is_there, "{error:?} points into no value of {pairs:?}");
}
