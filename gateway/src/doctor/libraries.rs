//! The plugin folders and what was found in them.

use connector_api::abi::Stamp;

use super::Finding;
use crate::connectors::{Registry, registry::Connector};
use crate::settings::{Isolation, Settings};

const AREA: &str = "plugins";

pub(super) fn findings(settings: &Settings, registry: &Registry) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        registry.connectors().iter().map(|connector| loaded(connector, settings)).collect();
    findings.extend(registry.refusals().iter().map(|refusal| {
        let origin = settings.origin_of_folder(&refusal.file);
        let what = format!("{origin}{}: {}", refusal.file.display(), refusal.reason);
        Finding::problem(AREA, what, refusal.reason.remedy())
    }));
    if findings.is_empty() {
        let folders = settings.plugins.directories.iter().map(|folder| folder.display().to_string());
        let what = format!("no connector is in {}", folders.collect::<Vec<_>>().join(", "));
        findings.push(Finding::problem(
            AREA,
            what,
            "copy connector libraries into it, or change `plugins.directories`",
        ));
    }
    findings
}

/// Own connectors are released together with the gateway. A stranger's has a version of its own: what has to fit is the contract.
fn loaded(connector: &Connector, settings: &Settings) -> Finding {
    let (descriptor, stamp) = (connector.descriptor(), connector.stamp());
    let types: Vec<&str> = descriptor.service_types.iter().map(|known| known.name.as_str()).collect();
    let place = if is_apart(connector, settings) { "in a process of its own" } else { "inside the gateway" };
    let what = format!(
        "{}: {} {}, contract {} revision {}, offers {}, runs {place}",
        connector.file().display(),
        descriptor.name,
        descriptor.version,
        stamp.api_version(),
        stamp.revision(),
        types.join(", "),
    );
    let own = Stamp::new(true);
    if stamp.api_version() == own.api_version() {
        return Finding::ok(AREA, what);
    }
    let what = format!("{what}; the gateway was built with contract {}", own.api_version());
    Finding::warning(AREA, what, "use one that was built for this gateway's contract")
}

/// Whether the library runs in a process of its own.
pub(super) fn is_apart(connector: &Connector, settings: &Settings) -> bool {
    let library = settings.plugins.of_library(connector.file());
    library.is_some_and(|library| library.isolation == Isolation::Process)
}
