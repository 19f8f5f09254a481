//! The files with extras: read as a whole, replaced as a whole, so that nobody ever sees half of one.

use std::collections::HashMap;
use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;
use connector_api::model::TableRef;

use super::aliases::{self, TableAliases};
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

/// What else has to hold of the extras of a service: whoever knows what they mean says what is wrong with them.
pub type Check = fn(&Tables) -> Result<(), String>;

/// The extras of all services, as long as the process lives.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    check: Check,
    services: Mutex<HashMap<String, Arc<Extras>>>,
}

/// The extras of one service.
#[derive(Debug)]
pub struct Extras {
    path: PathBuf,
    check: Check,
    /// `None`: the file could never be read.
    held: ArcSwapOption<Held>,
    /// Who writes, or reads what others may have written; the text of the file as it was then, if there was one.
    turn: Mutex<Option<String>>,
}

/// What is known.
#[derive(Debug, Default)]
struct Held {
    tables: Arc<Tables>,
    aliases: TableAliases,
}

impl Held {
    fn of(tables: Tables) -> Arc<Self> {
        Arc::new(Self { aliases: TableAliases::of(&tables), tables: Arc::new(tables) })
    }
}

impl Store {
    /// A store in the folder for the gateway's state.
    #[must_use]
    pub fn new(state: &Path, check: Check) -> Self {
        Self { folder: state.join(FOLDER), check, services: Mutex::default() }
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
                check: self.check,
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
        self.held.load().as_ref().map(|held| Arc::clone(&held.tables)).unwrap_or_default()
    }

    /// Whether they could ever be read. If not, nobody knows which rules hold.
    #[must_use]
    pub fn are_known(&self) -> bool {
        self.held.load().is_some()
    }

    /// Those of a table; `None`: it has none.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<TableExtras> {
        self.held.load().as_ref()?.tables.get(name).cloned()
    }

    /// Whether any table has an alias.
    #[must_use]
    pub fn have_table_aliases(&self) -> bool {
        self.held.load().as_ref().is_some_and(|held| !held.aliases.is_empty())
    }

    /// The table that has this alias, in any case.
    #[must_use]
    pub fn table_of_alias(&self, alias: &str) -> Option<String> {
        self.held.load().as_ref()?.aliases.table(alias).map(str::to_owned)
    }

    /// The first table whose alias is the name of another one of these, and its alias.
    #[must_use]
    pub fn alias_among(&self, names: &[String]) -> Option<(String, String)> {
        let is_other = |table: &str, alias: &str| {
            names.iter().any(|name| name != table && name.to_lowercase() == alias.to_lowercase())
        };
        let tables = self.tables();
        let mut aliases = tables.iter().filter_map(|(name, table)| Some((name, table.alias.as_ref()?)));
        let found = aliases.find(|(table, alias)| is_other(table, alias));
        found.map(|(table, alias)| (table.clone(), alias.clone()))
    }

    /// The alias of a table.
    #[must_use]
    pub fn alias_of_table(&self, name: &str) -> Option<String> {
        let held = self.held.load();
        let aliases = &held.as_ref()?.aliases;
        if aliases.is_empty() { None } else { held.as_ref()?.tables.get(name)?.alias.clone() }
    }

    /// Whether relationships of this table are followed without being asked for.
    #[must_use]
    pub fn always_fetches(&self, table: &TableRef) -> bool {
        let held = self.held.load();
        let Some(held) = held.as_ref().filter(|held| !held.tables.is_empty()) else { return false };
        let kept = held.tables.get(&public_name(table)).map(|extras| &extras.relationships);
        kept.is_some_and(|kept| kept.values().any(|relationship| relationship.always_fetch))
    }

    /// Whether the file is as it was read. Waits for the disk.
    ///
    /// # Errors
    /// It is not.
    pub fn check(&self) -> Result<(), Problem> {
        self.check_against(&self.turn.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether these may be the extras of a table beside those of the others.
    ///
    /// # Errors
    /// Why not.
    pub fn check_names(&self, table: &str, extras: TableExtras) -> Result<(), String> {
        let mut tables = Tables::clone(&self.tables());
        tables.insert(table.to_owned(), extras);
        self.hold(&tables)
    }

    /// Whether these may be the extras of all tables.
    fn hold(&self, tables: &Tables) -> Result<(), String> {
        aliases::check(tables)?;
        (self.check)(tables)
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
            let _alone = self.alone().map_err(|error| self.problem(error))?;
            self.check_against(&seen)?;
            self.hold(&tables).map_err(|what| self.problem(what))?;
            *seen = Some(self.write(&tables)?);
            self.held.store(Some(Held::of(tables)));
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
        self.hold(&tables).map_err(|what| self.problem(what))?;
        *seen = text;
        self.held.store(Some(Held::of(tables)));
        Ok(())
    }

    /// Writes the file; gives its text.
    fn write(&self, tables: &Tables) -> Result<String, Problem> {
        let text = document::written(tables).map_err(|what| self.problem(what))?;
        self.replace(&text).map_err(|error| self.problem(error))?;
        Ok(text)
    }

    /// Keeps other processes from writing until it is dropped: one that takes over and the one before may both do so.
    fn alone(&self) -> std::io::Result<File> {
        let folder = self.folder();
        std::fs::create_dir_all(folder)?;
        let folder = File::open(folder)?;
        folder.lock()?;
        Ok(folder)
    }

    fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    /// A new file takes the place of the old one when all of it is on the disk.
    fn replace(&self, text: &str) -> std::io::Result<()> {
        let new = self.path.with_extension("toml.new");
        let mut file = File::create(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&new, &self.path)?;
        File::open(self.folder())?.sync_all()
    }

    fn problem(&self, what: impl std::fmt::Display) -> Problem {
        Problem { path: self.path.display().to_string(), what: what.to_string(), is_unread: false }
    }
}
