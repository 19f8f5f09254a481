//! What was packed: where it is, what is inside, and packing it again.

use std::path::{Path, PathBuf};
use std::process::Command;

use tests::libraries::clone_folder;

/// What stands in the names of files.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Name of the archive without its ending, and of the folder inside.
pub(crate) fn name() -> String {
    format!("tablegate-{VERSION}-linux-{}", std::env::consts::ARCH)
}

pub(crate) fn archive() -> PathBuf {
    packed(&format!("{}.tar.gz", name()))
}

pub(crate) fn package() -> PathBuf {
    packed(&format!(
        "tablegate_{VERSION}_{}.deb",
        output(Command::new("dpkg").arg("--print-architecture")).trim()
    ))
}

fn packed(file: &str) -> PathBuf {
    let folder = std::env::var_os("TABLEGATE_TEST_DIST").expect("nothing is packed: run `make test-deploy`");
    let path = Path::new(&folder).join(file);
    assert!(path.is_file(), "{} is not there: run `make test-deploy`", path.display());
    path
}

/// The archive in an empty folder.
pub(crate) struct Unpacked(tempfile::TempDir);

impl Unpacked {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        output(Command::new("tar").arg("-xzf").arg(archive()).arg("-C").arg(folder.path()));
        Self(folder)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join(name())
    }

    /// The connectors inside, by the names of their folders.
    pub(crate) fn connectors(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.path().join("plugins"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .map(|file| file["libconnector_".len()..].trim_end_matches(".so").replace('_', "-"))
            .collect();
        names.sort();
        names
    }
}

/// Packs this kind again, into this folder.
pub(crate) fn pack_again(kind: &str, folder: &Path) {
    let suite = std::env::current_exe().unwrap();
    let target = suite.ancestors().nth(3).unwrap();
    output(
        Command::new(std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into()))
            .arg(clone_folder().join("deploy/pack.py"))
            .arg(kind)
            .args(Unpacked::new().connectors())
            .env("CARGO_TARGET_DIR", target)
            .env("TABLEGATE_DIST", folder),
    );
}

/// Every file under a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// Runs a command that has to go well, and gives what it printed.
#[track_caller]
pub(crate) fn output(command: &mut Command) -> String {
    let done = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (printed, errors) = (text(done.stdout), text(done.stderr));
    assert!(done.status.success(), "{command:?}: {}\n{printed}{errors}", done.status);
    printed
}

/// A command that needs root, as the fixtures do it.
pub(crate) fn as_root(program: &str) -> Command {
    if output(Command::new("id").arg("-u")).trim() == "0" {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.args(["-n", program]);
    command
}
