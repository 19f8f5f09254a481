//! A program of whoever tests a store, which makes the tables of the suite in it: a script in any language.
//!
//! `PROGRAM… start FOLDER [VERSION]` starts the store, if it has a process of its own, makes the tables of `FOLDER/tables.json`
//! ([`tables`]) and prints one line of JSON, `{"config": the configuration of a service}`, with `"version"` if it knows
//! better. All that it writes goes into `FOLDER`. `PROGRAM… stop FOLDER` undoes it: it ends the process by its number, or drops the tables.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value as Json;

use super::facts::Facts;
use super::tables::{self, Stored};

/// The program, and where it is run.
#[derive(Debug, Clone)]
pub struct Program {
    /// Its name and its first arguments. Not empty.
    pub command: Vec<OsString>,
    /// The folder in which it is run; `None`: that of this process.
    pub folder: Option<PathBuf>,
}

impl Program {
    /// Makes these tables.
    ///
    /// # Errors
    /// What the program says.
    pub fn start(&self, version: Option<&str>, tables: &[Stored], facts: &Facts) -> Result<Prepared, String> {
        let folder = tempfile::tempdir().map_err(|error| format!("no folder for the store: {error}"))?;
        let document = tables::to_json(tables, facts).to_string();
        std::fs::write(folder.path().join("tables.json"), document)
            .map_err(|error| format!("the tables can't be written: {error}"))?;
        // Made first, so that whatever was started before a failure is stopped as well.
        let mut prepared = Prepared { program: self.clone(), folder, version: None, config: Json::Null };
        let line = self.run("start", prepared.folder.path(), version)?;
        let answer: Json =
            serde_json::from_str(&line).map_err(|error| self.misunderstood(&error.to_string()))?;
        let config = answer.get("config").filter(|config| config.is_object());
        prepared.config = config.cloned().ok_or_else(|| self.misunderstood("it has no `config`"))?;
        prepared.version = answer.get("version").and_then(Json::as_str).or(version).map(str::to_owned);
        Ok(prepared)
    }

    /// Runs it and gives what it prints.
    fn run(&self, word: &str, folder: &Path, version: Option<&str>) -> Result<String, String> {
        let (name, first) = self.command.split_first().ok_or("the program has no name")?;
        let mut command = Command::new(name);
        command.args(first).arg(word).arg(folder).args(version).stdin(Stdio::null()).stderr(Stdio::inherit());
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        let output = command.output().map_err(|error| self.unrunnable(&error))?;
        if !output.status.success() {
            return Err(format!("{} {word} {}: {}", self.name(), folder.display(), output.status));
        }
        String::from_utf8(output.stdout).map_err(|error| format!("{}: {error}", self.name()))
    }

    fn misunderstood(&self, why: &str) -> String {
        format!(
            "`{}` has to answer `start` with one line of JSON, `{{\"config\": {{…}}}}`: {why}",
            self.name()
        )
    }

    fn unrunnable(&self, error: &std::io::Error) -> String {
        let folder = self.folder.as_ref().map(|folder| format!(" in the folder {}", folder.display()));
        format!(
            "the program that makes the tables can't be run: `{}`{}: {error}",
            self.name(),
            folder.unwrap_or_default()
        )
    }

    fn name(&self) -> String {
        self.command.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
    }
}

/// A store with the tables, until this is dropped.
#[derive(Debug)]
pub struct Prepared {
    program: Program,
    folder: tempfile::TempDir,
    /// The version that runs, if anybody knows.
    pub version: Option<String>,
    /// The configuration of a service on it.
    pub config: Json,
}

impl Prepared {
    /// Runs the program with another word that it knows in place of `start`.
    ///
    /// # Errors
    /// What the program says.
    pub fn tell(&self, word: &str) -> Result<(), String> {
        self.program.run(word, self.folder.path(), None).map(drop)
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        // The program has said on the error stream what went wrong; nobody is left to hand it to.
        let _ = self.program.run("stop", self.folder.path(), None);
    }
}
