//! Arguments of a routine as they stand in a path: written out and read again they are the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value as Json;
use tablegate::request::{Given, GivenValue, Parameters, RoutineCall};

fuzz_target!(|text: &str| {
    let Some(values) = listed(text) else { return };
    let written: Vec<String> = values.iter().map(written).collect();
    let written = written.join(" , ");
    assert_eq!(listed(&written), Some(values), "{text:?} is written as {written:?}");
});

/// `None`: they are refused, or there are none.
fn listed(arguments: &str) -> Option<Vec<GivenValue>> {
    let call = RoutineCall::parse(Parameters::default(), Some(arguments)).ok()?;
    if let Given::Listed(values) = call.given { Some(values) } else { None }
}

fn written(given: &GivenValue) -> String {
    match &given.value {
        Json::String(text) if !given.is_text => format!("'{}'", text.replace('\'', "''")),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}
