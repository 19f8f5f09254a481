//! Where each key of the merged configuration was written. Keys are named by JSON pointers (`/services/0/config/host`).
//! Nothing here judges a value.

use std::{collections::BTreeMap, fmt, path::Path, sync::Arc};

use super::{
    model::Settings,
    problem::{Place, Problem},
};

/// What last set a key.
#[derive(Clone, Debug)]
pub(crate) enum Spot {
    File(Place),
    /// The name of an environment variable.
    Variable(String),
}

/// The spot of every key that some layer above the defaults set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places(BTreeMap<String, Spot>);

impl Places {
    pub(crate) fn set(&mut self, pointer: String, spot: Spot) {
        self.0.insert(pointer, spot);
    }

    /// The spot of a key, or else of the nearest table around it.
    fn spot(&self, pointer: &str) -> Option<&Spot> {
        let mut pointer = pointer;
        loop {
            if let Some(spot) = self.0.get(pointer) {
                return Some(spot);
            }
            pointer = pointer.rsplit_once('/')?.0;
        }
    }

    /// The file in which a key stands.
    pub(crate) fn file(&self, pointer: &str) -> Option<&str> {
        match self.spot(pointer)? {
            Spot::File(place) => Some(&place.file),
            Spot::Variable(_) => None,
        }
    }

    /// Where a key stands, in words for a message.
    pub(crate) fn describe(&self, pointer: &str) -> String {
        match self.spot(pointer) {
            Some(Spot::File(place)) => place.to_string(),
            Some(Spot::Variable(name)) => format!("environment variable {name}"),
            None => "no file".to_owned(),
        }
    }

    /// A problem with the key at `pointer`.
    pub(crate) fn problem(&self, pointer: &str, message: impl Into<String>) -> Problem {
        match self.spot(pointer) {
            Some(Spot::File(place)) => Problem::new(Some(place.clone()), message),
            Some(Spot::Variable(name)) => {
                Problem::new(None, format!("environment variable {name}: {}", message.into()))
            }
            None => Problem::new(None, message),
        }
    }
}

/// Where a service was written; the default is nowhere (a service made at run time).
#[derive(Clone, Default)]
pub struct Origin {
    pub(crate) pointer: String,
    pub(crate) places: Arc<Places>,
}

impl Origin {
    /// The place of the service's first line; `None` for one made at run time.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        match self.places.spot(&self.pointer) {
            Some(Spot::File(place)) => Some(place.clone()),
            _ => None,
        }
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.places.describe(&self.pointer))
    }
}

impl Settings {
    /// A problem with the key at `pointer`, with the place where it was written.
    pub(crate) fn problem(&self, pointer: &str, message: impl Into<String>) -> Problem {
        self.places.problem(pointer, message)
    }

    /// Where a plugin folder is named, as lines about it begin: `gateway.toml:3: `. Empty where no file names it.
    #[must_use]
    pub fn origin_of_folder(&self, folder: &Path) -> String {
        let index = self.plugins.directories.iter().position(|known| known == folder);
        let spot = index.and_then(|index| self.places.spot(&format!("/plugins/directories/{index}")));
        match spot {
            Some(Spot::File(place)) => format!("{place}: "),
            _ => String::new(),
        }
    }
}

/// `pointer` one step deeper, escaped as RFC 6901 asks.
pub(crate) fn child(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// The table that holds the key at `pointer`, as its header is written: `[server]`, `[[roles.access]]`.
pub(crate) fn table_label(pointer: &str) -> String {
    let steps: Vec<&str> = pointer.split('/').skip(1).collect();
    let is_index = |step: &&str| step.bytes().all(|byte| byte.is_ascii_digit());
    let names: Vec<String> = steps.iter().filter(|step| !is_index(step)).map(|step| unescape(step)).collect();
    let name = names.join(".");
    if steps.last().is_some_and(is_index) { format!("[[{name}]]") } else { format!("[{name}]") }
}

/// Where the keys of the table at `pointer` stand: "in [server]", "at the top level".
pub(crate) fn in_table(pointer: &str) -> String {
    if pointer.is_empty() { "at the top level".to_owned() } else { format!("in {}", table_label(pointer)) }
}

/// The key at `pointer` in words: "`listen` in [server]", "item 2 of `verbs` in [[roles.access]]".
pub(crate) fn key_label(pointer: &str) -> String {
    let Some((parent, key)) = pointer.rsplit_once('/') else {
        return "the file".to_owned();
    };
    match key.parse::<usize>() {
        Ok(index) => format!("item {} of {}", index.saturating_add(1), key_label(parent)),
        Err(_) => format!("`{}` {}", unescape(key), in_table(parent)),
    }
}

/// The key that a step of a pointer names.
pub(crate) fn unescape(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}
