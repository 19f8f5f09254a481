//! The files with extras: read as a whole, replaced as a whole, so that nobody ever sees half of one.

use std::collections::HashMap;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;

use super::{TableExtras, Tables, document};

/// The folder of the files inside the one for the gateway's state.
const FOLDER: &str = "extras";

/// Why extras can't be had or kept.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {what}")]
pub struct Problem {
    path: String,
    what: String,
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
    held: ArcSwap<Tables>,
    /// Who writes, or reads what others may have written.
    turn: Mutex<()>,
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
        let name = service.to_lowercase();
        let mut services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        let extras = services.entry(name).or_insert_with_key(|name| {
            Arc::new(Extras {
                path: self.folder.join(format!("{name}.toml")),
                held: ArcSwap::default(),
                turn: Mutex::default(),
            })
        });
        extras.load()?;
        Ok(Arc::clone(extras))
    }
}

impl Extras {
    /// All extras.
    #[must_use]
    pub fn tables(&self) -> Arc<Tables> {
        self.held.load_full()
    }

    /// Those of a table; `None`: it has none.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<TableExtras> {
        let held = self.held.load();
        if held.is_empty() { None } else { held.get(name).cloned() }
    }

    /// Changes the extras of a table, in the file first. Waits for the disk, so it is for a thread that may.
    ///
    /// # Errors
    /// A file that can't be written; nothing has changed then.
    pub fn change(
        &self,
        table: &str,
        change: impl FnOnce(TableExtras) -> TableExtras,
    ) -> Result<(), Problem> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tables = Tables::clone(&self.held.load());
        let changed = change(tables.remove(table).unwrap_or_default()).tidied();
        if changed != TableExtras::default() {
            tables.insert(table.to_owned(), changed);
        }
        if tables != **self.held.load() {
            self.write(&tables)?;
            self.held.store(Arc::new(tables));
        }
        Ok(())
    }

    fn load(&self) -> Result<(), Problem> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let tables = match std::fs::read_to_string(&self.path) {
            Ok(text) => document::read(&text).map_err(|what| self.problem(what))?,
            Err(error) if error.kind() == ErrorKind::NotFound => Tables::new(),
            Err(error) => return Err(self.problem(error)),
        };
        self.held.store(Arc::new(tables));
        Ok(())
    }

    fn write(&self, tables: &Tables) -> Result<(), Problem> {
        let text = document::written(tables).map_err(|what| self.problem(what))?;
        self.replace(&text).map_err(|error| self.problem(error))
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
        Problem { path: self.path.display().to_string(), what: what.to_string() }
    }
}
