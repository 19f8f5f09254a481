//! Writes the folder of a new connector: manifest, a working example, and the contract's source beside it, all from this binary.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};
use toml_edit::{DocumentMut, InlineTable, Item, TableLike, Value};

static CONTRACT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../connector-api");
const CONTRACT_FOLDER: &str = "connector-api";
const MANIFEST: &str = include_str!("../../template/manifest.toml");
const SOURCE: &str = include_str!("../../template/lib.rs");
const README: &str = include_str!("../../template/README.md");
/// What the new connector is judged by.
const JUDGE: &str = include_str!("../../template/judge.toml");

/// What an author needs beside the contract's source, in its folder: it fits this contract, and a copy of the source has to have its licences.
const BESIDE_CONTRACT: [(&str, &str); 3] = [
    ("docs/write-a-connector.md", include_str!("../../../docs/guides/write-a-connector.md")),
    ("LICENSE-APACHE", include_str!("../../../LICENSE-APACHE")),
    ("LICENSE-MIT", include_str!("../../../LICENSE-MIT")),
];

/// The gateway's workspace: what `workspace = true` stands for in a manifest, and the versions it was tested with.
const WORKSPACE: &str = include_str!("../../../Cargo.toml");
const LOCK: &str = include_str!("../../../Cargo.lock");

/// The name that stands in the template's files, also as service type.
const PLACEHOLDER: &str = "hello";

/// The longest name of a connector.
const MAX_NAME: usize = 64;

/// Names that cargo refuses or that would hide a crate which the connector uses.
const RESERVED: [&str; 52] = [
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "unsafe",
    "use",
    "where",
    "while",
];

/// Crates that the template's manifest names.
const USED: [&str; 5] = ["connector-api", "connector_api", "schemars", "serde", "tablegate-connector-api"];

/// Why no folder was written.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// Not a name for a crate, or one that is taken.
    #[error("'{name}' can't be the name of a connector: {why}")]
    Name {
        /// The name asked for.
        name: String,
        /// What is expected.
        why: &'static str,
    },
    /// Something stands there already.
    #[error("{} exists and is not an empty folder; choose another name", .0.display())]
    Exists(PathBuf),
    /// The system refuses it.
    #[error("{} can't be written: {source}", path.display())]
    Write {
        /// The folder or file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// A defect of this build.
    #[error("this build of the gateway carries a template that can't be read: {0}")]
    Defect(String),
}

/// Writes the folder `name` into `parent` and gives its path: a connector that builds and answers, with the contract beside it.
///
/// # Errors
/// When the name is no crate name, the folder is in use, or it can't be written.
pub fn create(name: &str, parent: &Path) -> Result<PathBuf, TemplateError> {
    check_name(name)?;
    let folder = parent.join(name);
    claim(&folder)?;
    let manifest = standalone(MANIFEST)?.replace(&quoted(PLACEHOLDER), &quoted(name));
    // Service types and library files have no hyphen.
    let type_name = name.replace('-', "_");
    let source = SOURCE.replace(&quoted(PLACEHOLDER), &quoted(&type_name));
    let readme = README
        .replace(&format!("# {PLACEHOLDER}"), &format!("# {name}"))
        .replace(&format!("lib{PLACEHOLDER}.so"), &format!("lib{type_name}.so"))
        .replace(&quoted(PLACEHOLDER), &quoted(&type_name));
    write(&folder.join("Cargo.toml"), &manifest)?;
    write(&folder.join("Cargo.lock"), LOCK)?;
    write(&folder.join("README.md"), &readme)?;
    write(&folder.join("judge.toml"), JUDGE)?;
    write(&folder.join(".gitignore"), "/target\n")?;
    write(&folder.join("rustfmt.toml"), "use_small_heuristics = \"Max\"\n")?;
    write(&folder.join("src/lib.rs"), &source)?;
    write_contract(&folder.join(CONTRACT_FOLDER))?;
    Ok(folder)
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

fn check_name(name: &str) -> Result<(), TemplateError> {
    let refused = |why| Err(TemplateError::Name { name: name.to_owned(), why });
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(is_allowed) {
        return refused("expected a lower case letter, then lower case letters, digits, - and _");
    }
    if name.len() > MAX_NAME {
        return refused("expected at most 64 characters");
    }
    if RESERVED.contains(&name) {
        return refused("the word is reserved");
    }
    if USED.contains(&name) {
        return refused("a crate that every connector uses has this name");
    }
    Ok(())
}

/// Makes the folder, unless something is in it.
fn claim(folder: &Path) -> Result<(), TemplateError> {
    let unwritable = |source| TemplateError::Write { path: folder.to_path_buf(), source };
    if folder.symlink_metadata().is_ok() {
        let is_empty = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
        return if is_empty { Ok(()) } else { Err(TemplateError::Exists(folder.to_path_buf())) };
    }
    fs::create_dir_all(folder).map_err(unwritable)
}

fn write(path: &Path, content: impl AsRef<[u8]>) -> Result<(), TemplateError> {
    let unwritable = |source| TemplateError::Write { path: path.to_path_buf(), source };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(unwritable)?;
    }
    fs::write(path, content).map_err(unwritable)
}

fn write_contract(folder: &Path) -> Result<(), TemplateError> {
    let mut folders = vec![&CONTRACT];
    while let Some(from) = folders.pop() {
        folders.extend(from.dirs());
        for file in from.files() {
            write(&folder.join(file.path()), file.contents())?;
        }
    }
    for (path, text) in BESIDE_CONTRACT {
        write(&folder.join(path), text)?;
    }
    let manifest = CONTRACT.get_file("Cargo.toml").and_then(|file| file.contents_utf8());
    let manifest =
        manifest.ok_or_else(|| TemplateError::Defect("the contract has no manifest".to_owned()))?;
    write(&folder.join("Cargo.toml"), standalone(manifest)?)
}

/// A manifest that stands alone: what it inherits from the workspace is written out. Lints and what only its own tests need are left out.
fn standalone(manifest: &str) -> Result<String, TemplateError> {
    let parse = |text: &str| {
        text.parse::<DocumentMut>().map_err(|error| TemplateError::Defect(error.message().to_owned()))
    };
    let (mut manifest, root) = (parse(manifest)?, parse(WORKSPACE)?);
    manifest.remove("lints");
    manifest.remove("dev-dependencies");
    for (table, inherited) in [("package", "package"), ("dependencies", "dependencies")] {
        let source = root.get("workspace").and_then(|workspace| workspace.get(inherited));
        let source = source.and_then(Item::as_table_like);
        let (Some(table), Some(source)) = (manifest.get_mut(table).and_then(Item::as_table_like_mut), source)
        else {
            return Err(TemplateError::Defect(format!("a manifest has no {table}")));
        };
        for (key, item) in table.iter_mut() {
            inherit(key.get(), item, source)?;
        }
    }
    Ok(manifest.to_string())
}

/// Replaces `{ workspace = true, … }` by what the workspace says, with the other members added.
fn inherit(key: &str, item: &mut Item, source: &dyn TableLike) -> Result<(), TemplateError> {
    let Some(own) = item.as_table_like().filter(|own| own.contains_key("workspace")) else { return Ok(()) };
    let found = source.get(key).and_then(Item::as_value).cloned();
    let found = found.ok_or_else(|| TemplateError::Defect(format!("the workspace does not know {key}")))?;
    let others: Vec<(String, Value)> = own
        .iter()
        .filter(|(member, _)| *member != "workspace")
        .filter_map(|(member, value)| Some((member.to_owned(), value.as_value()?.clone())))
        .collect();
    if others.is_empty() {
        *item = Item::Value(found.decorated(" ", ""));
        return Ok(());
    }
    let mut merged = match found {
        Value::InlineTable(table) => table,
        version => InlineTable::from_iter([("version", version)]),
    };
    for (member, value) in others {
        match (merged.get_mut(&member).and_then(Value::as_array_mut), value.as_array()) {
            (Some(list), Some(more)) => list.extend(more.iter().cloned()),
            _ => drop(merged.insert(&member, value)),
        }
    }
    *item = Item::Value(Value::InlineTable(merged).decorated(" ", ""));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_crate_name_that_is_free() {
        for good in ["hello", "my-store", "store_2", "a"] {
            assert!(check_name(good).is_ok(), "{good}");
        }
        let long = "x".repeat(65);
        for bad in [
            "",
            "Hello",
            "2go",
            "-a",
            "../a",
            "a/b",
            "a b",
            "a\"b",
            "sélect",
            "test",
            "fn",
            "serde",
            "connector-api",
            &long,
        ] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_folder_in_use_is_left_alone() {
        let parent = tempfile::tempdir().unwrap();
        fs::create_dir(parent.path().join("empty")).unwrap();
        assert!(create("empty", parent.path()).is_ok());
        assert!(matches!(create("empty", parent.path()), Err(TemplateError::Exists(_))));
        fs::write(parent.path().join("file"), "mine").unwrap();
        assert!(matches!(create("file", parent.path()), Err(TemplateError::Exists(_))));
        std::os::unix::fs::symlink("/nowhere", parent.path().join("link")).unwrap();
        assert!(matches!(create("link", parent.path()), Err(TemplateError::Exists(_))));
    }

    #[test]
    fn the_contract_comes_with_its_guide_and_its_licences() {
        let parent = tempfile::tempdir().unwrap();
        let folder = create("store", parent.path()).unwrap().join(CONTRACT_FOLDER);
        let first = |path: &str| {
            fs::read_to_string(folder.join(path)).unwrap().trim_start().lines().next().map(str::to_owned)
        };
        for (path, line) in [
            ("docs/write-a-connector.md", "# Write a connector"),
            ("docs/contract.md", "# The contract in prose"),
            ("LICENSE-APACHE", "Apache License"),
            ("LICENSE-MIT", "MIT License"),
        ] {
            assert_eq!(first(path).as_deref(), Some(line), "{path}");
        }
    }

    #[test]
    fn nothing_is_inherited_from_a_workspace_that_is_not_there() {
        let parent = tempfile::tempdir().unwrap();
        let folder = create("my-store", parent.path()).unwrap();
        for path in ["Cargo.toml", "connector-api/Cargo.toml"] {
            let text = fs::read_to_string(folder.join(path)).unwrap();
            assert!(!text.contains("workspace = true"), "{text}");
        }
        let contract: DocumentMut =
            fs::read_to_string(folder.join("connector-api/Cargo.toml")).unwrap().parse().unwrap();
        assert_eq!(contract["package"]["name"].as_str(), Some("tablegate-connector-api"));
        assert_eq!(contract["dependencies"]["tokio"]["optional"].as_bool(), Some(true));
        let source = fs::read_to_string(folder.join("src/lib.rs")).unwrap();
        assert!(source.contains("ServiceType::new(\"my_store\"") && source.lines().count() <= 40);
        let readme = fs::read_to_string(folder.join("README.md")).unwrap();
        assert!(readme.starts_with("# my-store\n") && !readme.contains("hello"), "{readme}");
    }
}
