//! Where the suites find what was built: connector libraries and the gateway's program.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

static BUILT: Mutex<Option<HashMap<String, PathBuf>>> = Mutex::new(None);

/// The library of the connector with this folder name under `connectors/`.
///
/// With `TABLEGATE_TEST_PLUGINS`, as `make test` sets it, the file must stand there or in `plugins/`. Without, it is built, by itself as
/// always, and once in a process.
///
/// # Errors
/// What is missing, or what the compiler says.
pub fn library(connector: &str) -> Result<PathBuf, String> {
    let file = format!("libconnector_{}.so", connector.replace('-', "_"));
    if let Some(folder) = std::env::var_os("TABLEGATE_TEST_PLUGINS") {
        let places = [PathBuf::from(folder), clone_folder().join("plugins")];
        let found = places.iter().map(|folder| folder.join(&file)).find(|path| path.is_file());
        return found.ok_or_else(|| format!("{file} is not built: run `make plugins plugin-chaos`"));
    }
    built_once(&file, &["-p".as_ref(), format!("connector-{connector}").as_ref()])
}

/// The gateway's program.
///
/// With `TABLEGATE_TEST_PLUGINS` it must have been built in the profile of the tests, as `make test` does it. Without, it is built now,
/// once in a process.
///
/// # Errors
/// What is missing, or what the compiler says.
pub fn gateway() -> Result<PathBuf, String> {
    const FILE: &str = "tablegate";
    if std::env::var_os("TABLEGATE_TEST_PLUGINS").is_none() {
        return built_once(FILE, &["-p".as_ref(), FILE.as_ref()]);
    }
    let suite = std::env::current_exe().map_err(|error| format!("the program of this suite: {error}"))?;
    let beside = suite.ancestors().nth(2).map(|profile| profile.join(FILE));
    let found = beside.filter(|path| path.is_file());
    found.ok_or_else(|| format!("{FILE} is not built: run `cargo build -p {FILE}`"))
}

fn built_once(file: &str, arguments: &[&OsStr]) -> Result<PathBuf, String> {
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let built = built.get_or_insert_default();
    if let Some(path) = built.get(file) {
        return Ok(path.clone());
    }
    let path = build(&clone_folder(), arguments, file)?;
    built.insert(file.to_owned(), path.clone());
    Ok(path)
}

/// Chooses in a copy of the chaos library what goes wrong while it is loaded (`-`: nothing), and the two digits of its service types.
///
/// # Errors
/// When these are not the bytes of that library.
pub fn set_knobs(library: &mut [u8], fault: char, digits: &str) -> Result<(), String> {
    let marker = b"tablegate.chaos:";
    let places: Vec<usize> = library
        .windows(marker.len())
        .enumerate()
        .filter(|(_, found)| found == marker)
        .map(|(at, _)| at + marker.len())
        .collect();
    let chosen = format!("{fault}{digits}");
    let [place] = places.as_slice() else { return Err("not the one marker of the knobs".to_owned()) };
    let knobs = library.get_mut(*place..place + chosen.len()).ok_or("the knobs are cut off")?;
    knobs.copy_from_slice(chosen.as_bytes());
    Ok(())
}

/// Builds in a folder with cargo, in the profile of the tests, and gives the path of the library or program with this file name.
///
/// # Errors
/// What the compiler says.
pub fn build(folder: &Path, arguments: &[&OsStr], file: &str) -> Result<PathBuf, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(folder).args(["build", "--message-format=json-render-diagnostics"]).args(arguments);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let output = command.stderr(Stdio::piped()).output().map_err(|error| format!("cargo: {error}"))?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let artifacts = String::from_utf8_lossy(&output.stdout);
    let mut files = artifacts
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .flat_map(|message| {
            message.get("filenames").and_then(serde_json::Value::as_array).cloned().unwrap_or_default()
        })
        .filter_map(|path| path.as_str().map(PathBuf::from));
    files
        .find(|path| path.file_name().is_some_and(|name| name == file))
        .ok_or_else(|| format!("cargo built no {file}"))
}

/// The folder of the clone.
#[must_use]
pub fn clone_folder() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}
