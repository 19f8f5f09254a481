//! A folder under `tests/fixtures/` that says how a store is started and filled. A store is added with a folder, and with nothing else:
//!
//! * `fixture.toml`: [`Facts`];
//! * `quirks.toml`: where the store differs, see [`Quirks`];
//! * `fixture.py`: `start FOLDER VERSION` starts the store, if it has a process of its own, on a free port of the loopback interface, fills it
//!   with the tables of `FOLDER/tables.json` ([`tables`]) and prints one line of JSON, `{"config": the configuration of a
//!   service}`, with `"version"` if it knows better than `fixture.toml`. All that it writes goes into `FOLDER`. `stop FOLDER` ends the process
//!   by its number.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use connector_api::model::ColumnType;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::quirks::{Quirks, TypeName};
use super::tables::{self, Stored};

/// What a fixture says of its store.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// Folder of the connector under `connectors/`.
    pub connector: String,
    /// The service type to open.
    pub service_type: String,
    /// The versions to test, each in a run of its own. A store inside the connector has the version that the connector has.
    pub versions: Vec<String>,
    /// Catalogue and schema in which the store puts the tables, as the connector names them.
    #[serde(default)]
    pub namespace: Vec<String>,
    /// The types that a column can have in this store. Columns of other types are left out of the tables.
    pub types: Vec<TypeName>,
    /// Tables of the suite whose names this store can't have, with the names that they have instead.
    #[serde(default)]
    pub names: BTreeMap<String, String>,
    /// What the store has beyond tables.
    #[serde(default)]
    pub features: Vec<Feature>,
    /// How many random filters are compared with the reference evaluator, at least.
    pub random_filters: u64,
}

impl Facts {
    /// Whether a column can have this type.
    #[must_use]
    pub fn has(&self, data_type: ColumnType) -> bool {
        self.types.contains(&TypeName(data_type))
    }

    /// The name of a table of the suite in this store.
    #[must_use]
    pub fn name<'n>(&'n self, table: &'n str) -> &'n str {
        self.names.get(table).map_or(table, String::as_str)
    }

    /// The type of numbers with a fraction.
    #[must_use]
    pub fn fraction(&self) -> ColumnType {
        if self.has(ColumnType::Double) { ColumnType::Double } else { ColumnType::Decimal }
    }
}

/// What a store may have and no connector declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// Views.
    Views,
    /// Columns are declared: others are unknown, and some take no null.
    DeclaredColumns,
    /// Columns beside the key are guessed from what rows have.
    GuessedColumns,
    /// Unique keys beside the primary one.
    UniqueKeys,
    /// References between tables.
    ForeignKeys,
    /// Keys that the store makes for new rows.
    GeneratedKeys,
    /// Values for cells that a new row is not given.
    Defaults,
    /// Tables whose rows may have columns that no description names.
    OpenTables,
}

impl Feature {
    /// The name by which a case asks for it.
    #[must_use]
    pub fn need(self) -> &'static str {
        match self {
            Self::Views => "store.views",
            Self::DeclaredColumns => "store.declared_columns",
            Self::GuessedColumns => "store.guessed_columns",
            Self::UniqueKeys => "store.unique_keys",
            Self::ForeignKeys => "store.foreign_keys",
            Self::GeneratedKeys => "store.generated_keys",
            Self::Defaults => "store.defaults",
            Self::OpenTables => "store.open_tables",
        }
    }
}

/// A fixture folder.
#[derive(Debug, Clone)]
pub struct Fixture {
    /// Name of the folder.
    pub name: String,
    /// What it says.
    pub facts: Facts,
    /// Where the store differs.
    pub quirks: Quirks,
    folder: PathBuf,
}

impl Fixture {
    /// Every fixture of a store in this folder, by name. Folders without `fixture.toml` are none.
    ///
    /// # Errors
    /// What can't be read, by file.
    pub fn discover(fixtures: &Path) -> Result<Vec<Self>, String> {
        let unreadable = |error| format!("{}: {error}", fixtures.display());
        let mut found = Vec::new();
        for entry in std::fs::read_dir(fixtures).map_err(unreadable)? {
            let folder = entry.map_err(unreadable)?.path();
            if folder.join("fixture.toml").is_file() {
                found.push(Self::read(folder)?);
            }
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    fn read(folder: PathBuf) -> Result<Self, String> {
        let facts: Facts = read_toml(&folder.join("fixture.toml"))?;
        let quirks: Quirks = read_toml(&folder.join("quirks.toml"))?;
        quirks.check().map_err(|what| format!("{}/quirks.toml: {what}", folder.display()))?;
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, facts, quirks, folder })
    }

    /// Starts the store with these tables in it.
    ///
    /// # Errors
    /// What the script says.
    pub fn start(&self, version: &str, tables: &[Stored]) -> Result<Running, String> {
        let folder = tempfile::tempdir().map_err(|error| format!("no folder for the store: {error}"))?;
        let document = tables::to_json(tables, &self.facts).to_string();
        std::fs::write(folder.path().join("tables.json"), document)
            .map_err(|error| format!("the tables can't be written: {error}"))?;
        // Made first, so that whatever was started before a failure is stopped as well.
        let mut running = Running {
            script: self.folder.join("fixture.py"),
            folder,
            version: version.to_owned(),
            config: Json::Null,
        };
        let line = running.script(&["start", &running.folder.path().to_string_lossy(), version])?;
        let mut answer: Json = serde_json::from_str(&line)
            .map_err(|error| format!("{}: the answer of `start`: {error}", running.script.display()))?;
        running.config = answer.get_mut("config").map(Json::take).unwrap_or_default();
        if let Some(version) = answer.get("version").and_then(Json::as_str) {
            version.clone_into(&mut running.version);
        }
        Ok(running)
    }
}

/// A store that runs, until this is dropped.
#[derive(Debug)]
pub struct Running {
    script: PathBuf,
    folder: tempfile::TempDir,
    /// The version that runs.
    pub version: String,
    /// The configuration of a service on it.
    pub config: Json,
}

impl Running {
    /// Runs the script and gives what it prints.
    fn script(&self, arguments: &[&str]) -> Result<String, String> {
        let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
        let mut command = Command::new(python);
        command.arg(&self.script).args(arguments).stdin(Stdio::null()).stderr(Stdio::inherit());
        let output = command.output().map_err(|error| format!("python3: {error}"))?;
        if !output.status.success() {
            return Err(format!("{} {}: {}", self.script.display(), arguments.join(" "), output.status));
        }
        String::from_utf8(output.stdout).map_err(|error| format!("{}: {error}", self.script.display()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The script has said on the error stream what went wrong; nobody is left to hand it to.
        let _ = self.script(&["stop", &self.folder.path().to_string_lossy()]);
    }
}

fn read_toml<T: DeserializeOwned>(path: &Path) -> Result<T, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}
