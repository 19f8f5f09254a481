//! A TOML file that is not part of the gateway's own configuration and holds what a service is configured with: mistakes in it are told
//! with file and line, as those in the gateway's files are.

use serde_json::{Map, Value};

use super::{
    LoadOptions, Problem, Problems, Resolution, layers, origin::Places, schema::Schema, secret::Resolver,
    service::with_common_keys,
};

/// The keys of the file, each with its place. The default is no file: nothing has a place.
#[derive(Clone, Debug, Default)]
pub struct Source {
    places: Places,
}

impl Source {
    /// The keys of this text. One that is no TOML has none.
    #[must_use]
    pub fn new(file: &str, text: &str) -> Self {
        Self { places: layers::places(file, text) }
    }

    /// A mistake in the key or table with this JSON pointer.
    #[must_use]
    pub fn problem(&self, pointer: &str, message: impl Into<String>) -> Problem {
        self.places.problem(pointer, message)
    }

    /// Replaces the secret references below the key, with the environment of the process.
    ///
    /// # Errors
    /// Each reference that can't be resolved.
    pub fn resolve_references(&self, pointer: &str, value: &mut Value) -> Result<(), Problems> {
        let environment = LoadOptions::from_process(None).environment;
        let (resolver, mut problems) = (Resolver::new(&environment), Vec::new());
        let mut resolution = Resolution {
            resolver: &resolver,
            places: &self.places,
            problems: &mut problems,
            secrets: Vec::new(),
        };
        resolution.replace(value, pointer);
        if problems.is_empty() { Ok(()) } else { Err(Problems::sorted(problems)) }
    }

    /// Everything in the table `config` at this pointer that does not fit the connector's schema, as
    /// [`super::check_service_config`] has it.
    #[must_use]
    pub fn check_config(
        &self,
        pointer: &str,
        config: &Map<String, Value>,
        connector_schema: &Value,
    ) -> Vec<Problem> {
        let schema = with_common_keys(connector_schema);
        let faults = Schema::new(&schema).check(&Value::Object(config.clone()), pointer);
        faults
            .into_iter()
            .map(|fault| self.problem(&fault.pointer, fault.message).remedy(fault.remedy))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_fault_has_the_line_of_its_key_or_of_the_table_around_it() {
        let source = Source::new("a.toml", "[config]\nname = 1\n\nport = \"hunter2\"\n");
        let config = json!({"name": 1, "port": "hunter2", "given": true});
        let schema = json!({
            "type": "object",
            "properties": {"port": {"type": "integer"}, "host": {"type": "string"}, "given": {"type": "boolean"}},
            "required": ["host"],
            "additionalProperties": false,
        });
        let problems = source.check_config("/config", config.as_object().unwrap(), &schema);
        let told = Problems::sorted(problems).to_string();
        for part in
            ["a.toml:1: missing required key `host`", "a.toml:2: unknown key `name`", "a.toml:4: `port`"]
        {
            assert!(told.contains(part), "{told}");
        }
        assert!(!told.contains("hunter2"), "{told}");
        assert_eq!(Source::default().problem("/config", "no").to_string(), "no");
    }
}
