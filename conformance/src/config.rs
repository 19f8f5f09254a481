//! The file that says how a library is judged: the configuration of a service on a running store, who made the tables of the suite in
//! that store, and where the store differs.

use std::path::{Path, PathBuf};

use connector_api::model::ColumnType;
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use tablegate::settings::{Problems, ServiceConfig, Source};

use super::facts::Facts;
use super::prepare::Program;
use super::quirks::Quirks;

/// Where the service's configuration stands in the file.
const CONFIG: &str = "/config";

/// The file. Not for printing: the service's configuration may hold secrets.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What `[services.config]` holds in the gateway, secret references included.
    pub config: Map<String, Json>,
    /// The service type, and what the tables of the suite can have in this store.
    pub store: Facts,
    /// Who makes the tables of the suite. `None`: nobody, and only tables that are there already are read.
    pub prepare: Option<Prepare>,
    /// Where the store differs.
    pub quirks: Quirks,
    #[serde(skip)]
    folder: PathBuf,
    #[serde(skip)]
    source: Source,
}

/// Who makes the tables of the suite. Either way it may write into them: into `written` and `stock_*` while it runs, and into those that
/// are empty at the start.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Prepare {
    /// A program, see [`super::prepare`]. Run in the folder of the file.
    command: Vec<String>,
    /// The version that the program is given.
    pub version: Option<String>,
    /// The author has made the tables, after the list that the suite prints.
    by_hand: bool,
}

impl Config {
    /// Reads the file and resolves its secret references.
    ///
    /// # Errors
    /// What is wrong, with the line where it is known. The text of the file is not quoted.
    pub fn read(path: &Path) -> Result<Self, String> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            format!("{file}: it can't be read: {error}; `--config` names the file to judge by")
        })?;
        let mut config: Self = toml::from_str(&text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            format!("{file}:{}: {}", before.matches('\n').count() + 1, error.message())
        })?;
        config.source = Source::new(&file, &text);
        config.folder = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .map_or_else(|| PathBuf::from("."), Path::to_path_buf);
        let mut service = Json::Object(std::mem::take(&mut config.config));
        config.source.resolve_references(CONFIG, &mut service).map_err(|problems| problems.to_string())?;
        if let Json::Object(members) = service {
            config.config = members;
        }
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        let wrong = |pointer: &str, message: String| Err(self.source.problem(pointer, message).to_string());
        if let Some((pointer, message)) = self.quirks.unproven() {
            return wrong(&format!("/quirks{pointer}"), message);
        }
        let Some(prepare) = &self.prepare else { return Ok(()) };
        if prepare.command.is_empty() != prepare.by_hand {
            let message = "[prepare] has either `command = [\"program\", …]` or `by_hand = true`";
            return wrong("/prepare", message.to_owned());
        }
        if self.store.types.is_empty() {
            let message = "[store] has to name the `types` that a column can have, or no table has columns";
            return wrong("/store", message.to_owned());
        }
        if !self.store.has(ColumnType::Integer) {
            let message = "`types` in [store] has to have `integer`, for the keys of the suite's tables; \
                           a store without whole numbers is judged by tables that are there, without a [prepare]";
            return wrong("/store/types", message.to_owned());
        }
        Ok(())
    }

    /// The configuration that a connector with this schema gets: `[config]`, with what the program that made the tables answered, without
    /// the keys that the gateway takes for itself.
    ///
    /// # Errors
    /// Everything that does not fit the schema, with file and line where they are known.
    pub fn service(&self, prepared: Option<&Json>, schema: &Json) -> Result<Json, String> {
        let mut config = self.config.clone();
        if let Some(Json::Object(members)) = prepared {
            config.extend(members.clone());
        }
        let problems = self.source.check_config(CONFIG, &config, schema);
        if !problems.is_empty() {
            let remedy = if self.has_file() {
                ""
            } else {
                "\ngive the service a configuration: `--config FILE` with a [config]"
            };
            return Err(format!("{}{remedy}", Problems::sorted(problems)));
        }
        let service: ServiceConfig =
            serde_json::from_value(Json::Object(config)).map_err(|error| format!("[config]: {error}"))?;
        Ok(Json::Object(service.connector))
    }

    fn has_file(&self) -> bool {
        !self.folder.as_os_str().is_empty()
    }

    /// The program that makes the tables, if it is one that does.
    #[must_use]
    pub fn program(&self) -> Option<Program> {
        let command = self.prepare.as_ref().map(|prepare| &prepare.command)?;
        let command: Vec<_> = command.iter().map(Into::into).collect();
        (!command.is_empty()).then(|| Program { command, folder: Some(self.folder.clone()) })
    }
}
