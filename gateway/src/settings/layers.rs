//! The layers of the configuration: built-in defaults, the main file, `services.d`, the environment. They are merged
//! here (figment) into one document, with the place of every key. Nothing here knows what a key means.

use std::{
    io,
    path::{Path, PathBuf},
};

use figment::{Figment, Profile, providers::Serialized};
use serde_json::{Map, Value};
use toml_edit::{Document, Item, TableLike};

use super::{
    LoadOptions, environment,
    model::Settings,
    origin::{Places, Spot, child},
    problem::{Place, Problem},
};

/// The main file when none is named.
pub(crate) const DEFAULT_FILE: &str = "config/gateway.toml";
/// The folder beside the main file whose `*.toml` files are read after it, in the order of their names.
const FOLDER: &str = "services.d";
/// The lists whose items add up over all files; every other key is replaced by a later layer.
pub(crate) const LISTS: [&str; 4] = ["services", "roles", "apps", "cors"];

/// The merged configuration.
pub(crate) struct Layers {
    pub(crate) document: Value,
    pub(crate) places: Places,
    pub(crate) problems: Vec<Problem>,
    /// Whether every file could be read; when not, a name that seems unknown may stand in the missing one.
    pub(crate) is_complete: bool,
    /// Whether the main file could be read, or is rightly missing.
    pub(crate) has_main_file: bool,
    /// The files that were read.
    pub(crate) files: Vec<PathBuf>,
}

/// Reads and merges every layer; `schema` names the keys that the environment may set.
pub(crate) fn read(options: &LoadOptions, schema: &Value) -> Layers {
    let mut reader = Reader {
        figment: Figment::from(Serialized::defaults(Settings::default())),
        places: Places::default(),
        problems: Vec::new(),
        is_complete: true,
        has_main_file: true,
        counts: [0; LISTS.len()],
        files: Vec::new(),
    };
    let main = options.config.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_FILE));
    reader.read_file(&main, options.config.is_none());
    reader.has_main_file = reader.is_complete;
    reader.read_folder(&main.with_file_name(FOLDER));
    let variables = environment::read(&options.environment, schema, &mut reader.problems);
    for variable in variables {
        reader.places.set(variable.pointer, Spot::Variable(variable.name));
        reader.merge(variable.value);
    }
    reader.finish()
}

/// The cause of a file error, without the operating system's numbers.
pub(crate) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
        kind => kind.to_string(),
    }
}

struct Reader {
    figment: Figment,
    places: Places,
    problems: Vec<Problem>,
    is_complete: bool,
    has_main_file: bool,
    /// How many items of each of [`LISTS`] were read.
    counts: [usize; LISTS.len()],
    files: Vec<PathBuf>,
}

impl Reader {
    fn merge(&mut self, layer: Value) {
        let figment = std::mem::take(&mut self.figment);
        self.figment = figment.merge(Serialized::from(layer, Profile::Default));
    }

    fn read_file(&mut self, path: &Path, may_be_missing: bool) {
        match std::fs::read_to_string(path) {
            Ok(text) => {
                self.files.push(path.to_path_buf());
                self.read_text(&path.display().to_string(), &text);
            }
            Err(error) if may_be_missing && error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => self.unreadable(path, &error),
        }
    }

    fn unreadable(&mut self, path: &Path, error: &io::Error) {
        self.is_complete = false;
        let message = format!("can't read the configuration file `{}`: {}", path.display(), reason(error));
        self.problems
            .push(Problem::new(None, message).remedy("check the path and its permissions".to_owned()));
    }

    fn read_folder(&mut self, folder: &Path) {
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return self.unreadable(folder, &error),
        };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        // Names that begin with a dot belong to editors and to mounted Kubernetes volumes.
        let is_hidden =
            |path: &Path| path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        paths
            .retain(|path| path.extension().is_some_and(|extension| extension == "toml") && !is_hidden(path));
        paths.sort();
        for path in paths {
            self.read_file(&path, false);
        }
    }

    fn read_text(&mut self, file: &str, text: &str) {
        let lines = Lines::new(file, text);
        let document = match Document::parse(text) {
            Ok(document) => document,
            Err(error) => {
                self.is_complete = false;
                let place = error.span().map(|span| lines.place(span.start));
                let message = format!("not valid TOML: {}", error.message().trim().replace('\n', ", "));
                self.problems.push(Problem::new(place, message));
                return;
            }
        };
        let mut converter = Converter { lines, places: &mut self.places };
        let mut settings = converter.table(document.as_table(), "", self.counts);
        for (name, count) in LISTS.iter().zip(&mut self.counts) {
            let Some((name, list)) = settings.remove_entry(*name) else { continue };
            *count += list.as_array().map_or(0, Vec::len);
            let layer = Value::Object(Map::from_iter([(name, list)]));
            let figment = std::mem::take(&mut self.figment);
            self.figment = figment.admerge(Serialized::from(layer, Profile::Default));
        }
        self.merge(Value::Object(settings));
    }

    fn finish(mut self) -> Layers {
        let document = self.figment.extract().unwrap_or_else(|error| {
            self.problems.push(Problem::new(None, format!("the layers can't be merged: {error}")));
            Value::Null
        });
        let Self { places, problems, is_complete, has_main_file, files, .. } = self;
        Layers { document, places, problems, is_complete, has_main_file, files }
    }
}

/// The place of every key of one file; none when it is no TOML.
pub(crate) fn places(file: &str, text: &str) -> Places {
    let mut places = Places::default();
    if let Ok(document) = Document::parse(text) {
        let mut converter = Converter { lines: Lines::new(file, text), places: &mut places };
        converter.table(document.as_table(), "", [0; LISTS.len()]);
    }
    places
}

/// Where the lines of a file begin, in bytes.
struct Lines<'a> {
    file: &'a str,
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn new(file: &'a str, text: &'a str) -> Self {
        let after_breaks = text.match_indices('\n').map(|(at, _)| at + 1);
        Self { file, text, starts: std::iter::once(0).chain(after_breaks).collect() }
    }

    fn place(&self, offset: usize) -> Place {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let column = self.text.get(start..offset).map_or(0, |before| before.chars().count()) + 1;
        Place { file: self.file.to_owned(), line, column }
    }
}

/// Turns TOML into JSON and notes the place of every key on the way.
struct Converter<'a> {
    lines: Lines<'a>,
    places: &'a mut Places,
}

impl Converter<'_> {
    fn note(&mut self, pointer: &str, span: Option<std::ops::Range<usize>>) {
        if let Some(span) = span {
            self.places.set(pointer.to_owned(), Spot::File(self.lines.place(span.start)));
        }
    }

    /// `counts` says how many items earlier files gave each of [`LISTS`]; it is zero below the top level.
    fn table(
        &mut self,
        table: &dyn TableLike,
        pointer: &str,
        counts: [usize; LISTS.len()],
    ) -> Map<String, Value> {
        let mut map = Map::new();
        for (name, item) in table.iter() {
            let pointer = child(pointer, name);
            self.note(&pointer, table.key(name).and_then(toml_edit::Key::span));
            let count =
                LISTS.iter().zip(counts).find(|(list, _)| **list == name).map_or(0, |(_, count)| count);
            map.insert(name.to_owned(), self.item(item, &pointer, count));
        }
        map
    }

    /// `first` is the index of a list's first item.
    fn item(&mut self, item: &Item, pointer: &str, first: usize) -> Value {
        match item {
            Item::None => Value::Null,
            Item::Value(value) => self.value(value, pointer, first),
            Item::Table(table) => Value::Object(self.table(table, pointer, [0; LISTS.len()])),
            Item::ArrayOfTables(tables) => {
                let tables = tables.iter().enumerate().map(|(index, table)| {
                    let pointer = child(pointer, &(first + index).to_string());
                    self.note(&pointer, table.span());
                    Value::Object(self.table(table, &pointer, [0; LISTS.len()]))
                });
                Value::Array(tables.collect())
            }
        }
    }

    fn value(&mut self, value: &toml_edit::Value, pointer: &str, first: usize) -> Value {
        match value {
            toml_edit::Value::String(text) => Value::String(text.value().clone()),
            toml_edit::Value::Integer(number) => Value::from(*number.value()),
            toml_edit::Value::Float(number) => Value::from(*number.value()),
            toml_edit::Value::Boolean(truth) => Value::Bool(*truth.value()),
            toml_edit::Value::Datetime(time) => Value::String(time.value().to_string()),
            toml_edit::Value::InlineTable(table) => {
                Value::Object(self.table(table, pointer, [0; LISTS.len()]))
            }
            toml_edit::Value::Array(values) => {
                let values = values.iter().enumerate().map(|(index, value)| {
                    let pointer = child(pointer, &(first + index).to_string());
                    self.note(&pointer, value.span());
                    self.value(value, &pointer, 0)
                });
                Value::Array(values.collect())
            }
        }
    }
}
