//! How a connector introduces itself and how a service is opened.

use serde::{Deserialize, Serialize};

use super::Capabilities;

/// What a connector library says of itself before any service exists.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Descriptor {
    /// The connector's name, lower case.
    pub name: String,
    /// The connector's own version.
    pub version: String,
    /// What it offers. Never empty; type names are unique over all loaded connectors.
    pub service_types: Vec<ServiceType>,
}

impl Descriptor {
    /// A connector with this name and version, usually `env!("CARGO_PKG_NAME")` and `env!("CARGO_PKG_VERSION")`.
    pub fn new(name: impl Into<String>, version: impl Into<String>, service_types: Vec<ServiceType>) -> Self {
        Self { name: name.into(), version: version.into(), service_types }
    }
}

/// A kind of service that a configuration may name in `type`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServiceType {
    /// The name in `type`, lower case letters, digits and `_`.
    pub name: String,
    /// For people.
    pub label: String,
    /// One sentence.
    pub description: String,
    /// `Database`, `File` …
    pub group: String,
    /// The most this type can do; [`Opened::capabilities`] may be less.
    pub capabilities: Capabilities,
    /// JSON Schema of the configuration. Left empty by authors: the kit fills it from the config struct.
    pub config_schema: serde_json::Value,
}

impl ServiceType {
    /// A database type that can read rows and nothing else.
    pub fn new(name: impl Into<String>, label: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            label: label.into(),
            group: "Database".to_owned(),
            capabilities: Capabilities { query: true, ..Capabilities::default() },
            ..Self::default()
        }
    }

    /// Sets the sentence that describes it.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Sets what it can do.
    #[must_use]
    pub fn capabilities(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = capabilities;
        self
    }
}

/// What `open` gets. An unknown member is refused: it might restrict the service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenRequest {
    /// One of the connector's service types.
    pub service_type: String,
    /// The service's name in the URL, for logs.
    pub service: String,
    /// The connector's part of `[services.config]`, secrets resolved.
    pub config: serde_json::Value,
    /// The configuration allows this connector to run on the gateway's own workers.
    #[serde(default)]
    pub allow_inline: bool,
    /// Threads of the connector's runtime, where it is not running yet. At least 1.
    #[serde(default = "one_thread")]
    pub worker_threads: usize,
}

fn one_thread() -> usize {
    1
}

/// What `open` answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Opened {
    /// The number that later calls carry.
    pub service: u64,
    /// What this service can do, as the server's version and configuration allow.
    pub capabilities: Capabilities,
}
