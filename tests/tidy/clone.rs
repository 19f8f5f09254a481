//! Reads the clone: text files, manifests, the lock file. Judges nothing.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// What is not versioned, whatever its depth. `.git` is a file in a work tree that shares its repository.
const UNVERSIONED: [&str; 5] = [".git", "target", "data", "__pycache__", "artifacts"];

/// One text file of the clone.
pub(crate) struct TextFile {
    /// Path from the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl TextFile {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// Whether the whole file is test code: a suite, or the tests of a room in a file of their own.
    pub(crate) fn is_test_code(&self) -> bool {
        self.path.starts_with("tests/") || self.path.contains("/tests/") || self.path.ends_with("tests.rs")
    }
}

/// The manifest of one member.
pub(crate) struct Member {
    /// Folder from the root: `gateway`, `connectors/memory`.
    pub(crate) folder: String,
    pub(crate) manifest: Table,
}

/// One entry of a dependency table.
pub(crate) struct Dependency<'a> {
    /// As the member's sources name it, with `-`.
    pub(crate) name: &'a str,
    pub(crate) value: &'a Value,
    pub(crate) is_dev: bool,
}

impl Member {
    pub(crate) fn new(folder: &str, manifest: &str) -> Self {
        let manifest = manifest.parse().unwrap_or_else(|error| panic!("{folder}/Cargo.toml: {error}"));
        Self { folder: folder.to_owned(), manifest }
    }

    pub(crate) fn package(&self) -> &str {
        self.manifest
            .get("package")
            .and_then(|package| package.get("name"))
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// Every dependency: normal, dev and build, of every target.
    pub(crate) fn dependencies(&self) -> Vec<Dependency<'_>> {
        let targets = self.manifest.get("target").and_then(Value::as_table);
        let of_targets = targets.into_iter().flat_map(Table::values).filter_map(Value::as_table);
        std::iter::once(&self.manifest).chain(of_targets).flat_map(dependencies_of).collect()
    }

    /// The connector's name, if the member is a connector.
    pub(crate) fn connector(&self) -> Option<&str> {
        let is_library =
            |value: &Value| value.as_array().is_some_and(|types| types.contains(&"cdylib".into()));
        let crate_type = self.manifest.get("lib").and_then(|lib| lib.get("crate-type"));
        self.folder.strip_prefix("connectors/").filter(|_| crate_type.is_some_and(is_library))
    }
}

fn dependencies_of(table: &Table) -> Vec<Dependency<'_>> {
    let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
    let entries = kinds.iter().filter_map(|kind| Some((*kind, table.get(*kind)?.as_table()?)));
    entries
        .flat_map(|(kind, entries)| {
            entries.iter().map(move |(name, value)| Dependency {
                name,
                value,
                is_dev: kind == "dev-dependencies",
            })
        })
        .collect()
}

pub(crate) fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_owned()
}

/// The text of a file that has to be there.
pub(crate) fn read(path: &str) -> TextFile {
    let text = std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    TextFile::new(path, &text)
}

/// Every text file that is versioned or about to be.
pub(crate) fn text_files() -> Vec<TextFile> {
    let mut files = Vec::new();
    collect(&root(), "", &mut files);
    assert!(files.len() > 20, "the clone is not where it is looked for: {}", root().display());
    files
}

pub(crate) fn rust_files() -> Vec<TextFile> {
    text_files().into_iter().filter(|file| file.path.ends_with(".rs")).collect()
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<TextFile>) {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let entry = entry.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        if UNVERSIONED.contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            collect(&path, &format!("{prefix}{name}/"), files);
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            files.push(TextFile { path: format!("{prefix}{name}"), text });
        }
    }
}

pub(crate) fn members() -> Vec<Member> {
    let mut folders = ["cli", "conformance", "connector-api", "gateway", "tests"].map(str::to_owned).to_vec();
    let connectors =
        std::fs::read_dir(root().join("connectors")).unwrap_or_else(|error| panic!("connectors: {error}"));
    for entry in connectors.flatten().filter(|entry| entry.path().join("Cargo.toml").is_file()) {
        folders.push(format!("connectors/{}", entry.file_name().to_string_lossy()));
    }
    folders.sort();
    folders.iter().map(|folder| Member::new(folder, &read(&format!("{folder}/Cargo.toml")).text)).collect()
}

/// Fails with one line per finding.
pub(crate) fn assert_clean(findings: &[String]) {
    assert!(findings.is_empty(), "{} finding(s):\n{}", findings.len(), findings.join("\n"));
}

/// Fails unless there is exactly one finding and it names `part`.
pub(crate) fn assert_finds(findings: &[String], part: &str) {
    assert!(
        matches!(findings, [only] if only.contains(part)),
        "expected one finding with {part:?}, got {findings:?}"
    );
}
