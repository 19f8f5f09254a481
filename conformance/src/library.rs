//! One library file, loaded as the gateway loads it. What is wrong with it is said to its author, who has a folder of source and no
//! plugin folder.

use std::path::Path;
use std::sync::Arc;

use connector_api::model::ServiceType;
use tablegate::connectors::inspect::inspect;
use tablegate::connectors::registry::Connector;
use tablegate::connectors::{Reason, Registry};
use tablegate::settings::Plugins;
use tablegate::telemetry;

/// Loads a library. `workers` are the threads that will call it.
///
/// # Errors
/// Why it is refused, and what to do.
pub fn load(library: &Path, workers: usize) -> Result<Arc<Connector>, String> {
    let said = |what: &dyn std::fmt::Display| format!("{}: {what}", library.display());
    let file = library.file_name().filter(|_| library.is_file()).ok_or_else(|| said(&missing(library)))?;
    // Needed while the library is loaded, not longer: it stays in memory until the process ends.
    let folder = tempfile::tempdir().map_err(|error| format!("no plugin folder: {error}"))?;
    let copy = folder.path().join(file);
    std::fs::copy(library, &copy).map_err(|error| said(&refused(&Reason::Unreadable(error.to_string()))))?;
    inspect(&copy, None).map_err(|reason| said(&refused(&reason)))?;
    if file.as_encoded_bytes().starts_with(b".") || copy.extension().is_none_or(|end| end != "so") {
        return Err(said(
            &"the gateway loads files whose name ends in `.so` and begins with no dot; rename it",
        ));
    }
    let plugins = Plugins { directories: vec![folder.path().to_path_buf()], ..Plugins::default() };
    let registry = Registry::load(&plugins, workers, telemetry::max_level());
    match (registry.connectors(), registry.refusals()) {
        ([connector], _) => Ok(Arc::clone(connector)),
        (_, [refusal, ..]) => Err(said(&refused(&refusal.reason))),
        _ => Err(said(&"the gateway does not see it in a plugin folder; try another name")),
    }
}

fn missing(library: &Path) -> &'static str {
    if library.is_dir() {
        return "it is a folder; name the library file in it, as target/release/libNAME.so";
    }
    "there is no such file; `cargo build --release` makes the library as target/release/libNAME.so"
}

fn refused(reason: &Reason) -> String {
    let remedy = match reason {
        Reason::Unreadable(_) => "let this account read it",
        Reason::NotALibrary | Reason::NotAFile => {
            "name the `.so` that cargo builds with `crate-type = [\"cdylib\"]`, as target/release/libNAME.so"
        }
        Reason::OtherRevision { .. } => {
            "replace its folder `connector-api` by the one that `tablegate connector new` of this gateway writes, and build it again"
        }
        Reason::CantBeOpened(_) => "run this again with `--log debug` for the loader's own words",
        Reason::TooSlow(_) => "do what takes time in `open`, not while the library is loaded or described",
        Reason::InitializeFailed | Reason::DescribeFailed(_) | Reason::DescriptionMalformed(_) => {
            "see what `describe` gives; `--log debug` shows what the library logs"
        }
        other => other.remedy(),
    };
    format!("{reason}; {remedy}")
}

/// The service type with this name; without a name the only one that there is.
///
/// # Errors
/// What the library offers instead.
pub fn service_type<'c>(connector: &'c Connector, wanted: &str) -> Result<&'c ServiceType, String> {
    let offered = &connector.descriptor().service_types;
    let names: Vec<&str> = offered.iter().map(|service_type| service_type.name.as_str()).collect();
    let names = names.join(", ");
    match offered.as_slice() {
        [only] if wanted.is_empty() => Ok(only),
        several if wanted.is_empty() => Err(format!(
            "the library offers {} service types; say in [store] of the `--config` file which is judged, `service_type = \"…\"`: {names}",
            several.len()
        )),
        _ => connector.service_type(wanted).ok_or_else(|| {
            format!("the library offers {names}, not '{wanted}'; change `service_type` in [store]")
        }),
    }
}
