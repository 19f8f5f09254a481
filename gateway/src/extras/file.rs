//! The files with extras: read as a whole, replaced as a whole, so that nobody ever sees half of one.

use std::collections::HashMap;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;
use connector_api::model::TableRef;

use super::{TableExtras, Tables, document, relationships};
use crate::schema::names::public_name;

/// The folder of the files inside the one for the gateway's state.
const FOLDER: &str = "extras";

/// Why extras can't be had or kept.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {what}")]
pub struct Problem {
    path: String,
    what: String,
    is_unread: bool,
}

impl Problem {
    /// The file is another one than was read, so nothing may be written over it.
    #[must_use]
    pub fn is_unread(&self) -> bool {
        self.is_unread
    }
}

/// The extras of all services, as long as the process lives.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    services: Mutex<HashMap<String, Arc<Extras>>>,
}

/// The extras of one service.
#[derive(Debug)]
pub struct Extras {
    path: PathBuf,
    /// `None`: the file could never be read.
    held: ArcSwapOption<Tables>,
    /// Who writes, or reads what others may have written; the text of the file as it was then, if there was one.
    turn: Mutex<Option<String>>,
}

impl Store {
    /// A store in the folder for the gateway's state.
    #[must_use]
    pub fn new(state: &Path) -> Self {
        Self { folder: state.join(FOLDER), services: Mutex::default() }
    }

    /// The extras of a service as its file has them now.
    ///
    /// # Errors
    /// A file that can't be read; what was known before stays.
    pub fn load(&self, service: &str) -> Result<Arc<Extras>, Problem> {
        let extras = self.held(service);
        extras.load()?;
        Ok(extras)
    }

    /// The extras of a service as they were read last.
    #[must_use]
    pub fn held(&self, service: &str) -> Arc<Extras> {
        let mut services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        let extras = services.entry(service.to_lowercase()).or_insert_with_key(|name| {
            Arc::new(Extras {
                path: self.folder.join(format!("{name}.toml")),
                held: ArcSwapOption::default(),
                turn: Mutex::default(),
            })
        });
        Arc::clone(extras)
    }
}

impl Extras {
    /// All extras.
    #[must_use]
    pub fn tables(&self) -> Arc<Tables> {
        self.held.load_full().unwrap_or_default()
    }

    /// Whether they could ever be read. If not, nobody knows which rules hold.
    #[must_use]
    pub fn are_known(&self) -> bool {
        self.held.load().is_some()
    }

    /// Those of a table; `None`: it has none.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<TableExtras> {
        self.held.load().as_ref()?.get(name).cloned()
    }

    /// Whether relationships of this table are followed without being asked for.
    #[must_use]
    pub fn always_fetches(&self, table: &TableRef) -> bool {
        let held = self.held.load();
        let Some(tables) = held.as_ref().filter(|tables| !tables.is_empty()) else { return false };
        let kept = tables.get(&public_name(table)).map(|extras| &extras.relationships);
        kept.is_some_and(|kept| kept.values().any(|relationship| relationship.always_fetch))
    }

    /// Whether the file is as it was read. Waits for the disk.
    ///
    /// # Errors
    /// It is not.
    pub fn check(&self) -> Result<(), Problem> {
        self.check_against(&self.turn.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the extras of a table, in the file first. Waits for the disk, so it is for a thread that may.
    ///
    /// # Errors
    /// Relationships that don't fit each other; a file that can't be written, or that was edited and not loaded again; nothing has changed then.
    pub fn change(
        &self,
        table: &str,
        change: impl FnOnce(TableExtras) -> TableExtras,
    ) -> Result<(), Problem> {
        let mut seen = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.tables();
        let mut tables = Tables::clone(&before);
        let changed = change(tables.remove(table).unwrap_or_default()).tidied();
        relationships::check_of_table(&changed.relationships)
            .map_err(|(name, what)| self.problem(format!("relationship '{name}': {what}")))?;
        if changed != TableExtras::default() {
            tables.insert(table.to_owned(), changed);
        }
        if tables != *before {
            self.check_against(&seen)?;
            *seen = Some(self.write(&tables)?);
            self.held.store(Some(Arc::new(tables)));
        }
        Ok(())
    }

    fn check_against(&self, seen: &Option<String>) -> Result<(), Problem> {
        if self.are_known() && self.read()? == *seen {
            return Ok(());
        }
        Err(Problem {
            is_unread: true,
            ..self.problem("it is another one than was read; mend it and reload")
        })
    }

    /// The text of the file, if there is one.
    fn read(&self) -> Result<Option<String>, Problem> {
        match std::fs::read_to_string(&self.path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.problem(error)),
        }
    }

    fn load(&self) -> Result<(), Problem> {
        let mut seen = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let text = self.read()?;
        let tables = match &text {
            Some(text) => document::read(text).map_err(|what| self.problem(what))?,
            None => Tables::new(),
        };
        *seen = text;
        self.held.store(Some(Arc::new(tables)));
        Ok(())
    }

    /// Writes the file; gives its text.
    fn write(&self, tables: &Tables) -> Result<String, Problem> {
        let text = document::written(tables).map_err(|what| self.problem(what))?;
        self.replace(&text).map_err(|error| self.problem(error))?;
        Ok(text)
    }

    /// A new file takes the place of the old one when all of it is on the disk.
    fn replace(&self, text: &str) -> std::io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let new = self.path.with_extension("toml.new");
        let mut file = std::fs::File::create(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&new, &self.path)?;
        std::fs::File::open(folder)?.sync_all()
    }

    fn problem(&self, what: impl std::fmt::Display) -> Problem {
        Problem { path: self.path.display().to_string(), what: what.to_string(), is_unread: false }
    }
}
