//! A folder under `tests/fixtures/` that says how a store is started and filled. A store is added with a folder, and with nothing else:
//!
//! * `fixture.toml`: `connector`, `versions` and [`Facts`];
//! * `quirks.toml`: where the store differs, see [`Quirks`];
//! * `fixture.py`: makes the tables of the suite, see [`conformance::prepare`].

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use conformance::facts::Facts;
use conformance::prepare::{Prepared, Program};
use conformance::quirks::Quirks;
use conformance::tables::Stored;
use serde::de::DeserializeOwned;
use toml::Table;

/// A fixture folder.
#[derive(Debug, Clone)]
pub struct Fixture {
    /// Name of the folder.
    pub name: String,
    /// Folder of the connector under `connectors/`.
    pub connector: String,
    /// The versions to test, each in a run of its own. A store inside the connector has the version that the connector has.
    pub versions: Vec<String>,
    /// What is known of the store.
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
        let path = folder.join("fixture.toml");
        let wrong = |error| format!("{}: {error}", path.display());
        let mut table: Table = read_toml(&path)?;
        let connector = taken(&mut table, "connector").map_err(wrong)?;
        let versions = taken(&mut table, "versions").map_err(wrong)?;
        let facts = table.try_into().map_err(|error| wrong(error.to_string()))?;
        let quirks: Quirks = read_toml(&folder.join("quirks.toml"))?;
        quirks.check().map_err(|what| format!("{}/quirks.toml: {what}", folder.display()))?;
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, connector, versions, facts, quirks, folder })
    }

    /// A file of the fixture.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Starts the store with these tables in it.
    ///
    /// # Errors
    /// What the script says.
    pub fn start(&self, version: &str, tables: &[Stored]) -> Result<Prepared, String> {
        self.start_with(&[], version, tables)
    }

    /// As [`Fixture::start`], with options that the script of this store knows.
    ///
    /// # Errors
    /// What the script says.
    pub fn start_with(&self, options: &[&str], version: &str, tables: &[Stored]) -> Result<Prepared, String> {
        let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
        let mut command = vec![python, self.folder.join("fixture.py").into()];
        command.extend(options.iter().map(OsString::from));
        Program { command, folder: None }.start(Some(version), tables, &self.facts)
    }
}

/// A member that is no fact of the store.
fn taken<T: DeserializeOwned>(table: &mut Table, name: &str) -> Result<T, String> {
    let value = table.remove(name).ok_or_else(|| format!("'{name}' is missing"))?;
    value.try_into().map_err(|error| format!("{name}: {error}"))
}

fn read_toml<T: DeserializeOwned>(path: &Path) -> Result<T, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::libraries::clone_folder;

    #[test]
    fn the_fixtures_are_those_of_the_connectors() {
        let fixtures = Fixture::discover(&clone_folder().join("tests/fixtures")).unwrap();
        let tested: BTreeSet<_> = fixtures.into_iter().map(|fixture| fixture.connector).collect();
        let connectors: BTreeSet<_> = std::fs::read_dir(clone_folder().join("connectors"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .filter(|name| !["common", "sql-common", "chaos"].contains(&name.as_str()))
            .collect();
        assert_eq!(tested, connectors);
    }
}
