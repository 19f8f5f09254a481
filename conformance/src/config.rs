//! The file that says how a library is judged: the configuration of a service on a running store, who made the tables of the suite in
//! that store, and where the store differs.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value as Json};
use tablegate::settings;

use super::facts::Facts;
use super::prepare::Program;
use super::quirks::Quirks;

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
        let wrong = |what: &dyn std::fmt::Display| format!("{}: {what}", path.display());
        let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
        let mut config: Self = toml::from_str(&text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            format!("{}:{}: {}", path.display(), before.matches('\n').count() + 1, error.message())
        })?;
        config.folder = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .map_or_else(|| PathBuf::from("."), Path::to_path_buf);
        let mut service = Json::Object(std::mem::take(&mut config.config));
        settings::resolve_references(&mut service).map_err(|problems| wrong(&problems))?;
        if let Json::Object(members) = service {
            config.config = members;
        }
        config.check().map_err(|what| wrong(&what))?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        self.quirks.check()?;
        let Some(prepare) = &self.prepare else { return Ok(()) };
        if prepare.command.is_empty() != prepare.by_hand {
            return Err("[prepare] has either `command = [\"program\", …]` or `by_hand = true`".to_owned());
        }
        if self.store.types.is_empty() {
            return Err(
                "[store] has to name the `types` that a column can have, or no table has columns".to_owned()
            );
        }
        Ok(())
    }

    /// The program that makes the tables, if it is one that does.
    #[must_use]
    pub fn program(&self) -> Option<Program> {
        let command = self.prepare.as_ref().map(|prepare| &prepare.command)?;
        let command: Vec<_> = command.iter().map(Into::into).collect();
        (!command.is_empty()).then(|| Program { command, folder: Some(self.folder.clone()) })
    }
}
