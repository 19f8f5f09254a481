//! Who may read and change the files that the gateway is made of: configuration, secrets, keys, the folder of its state. Reads no secret.

use std::fs::{self, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access, statvfs};

use super::Finding;
use crate::settings::{PRIVATE_KEY, Settings, Written};

const AREA: &str = "permissions";
const STATE: &str = "state folder";
/// So much of a file is read to see whether it is a private key.
const KEY_HEAD: u64 = 16 * 1024;
const LEAST_SPACE: u64 = 100 * 1024 * 1024;

/// The files of the configuration, and those of secrets and keys that it names.
pub(super) fn of_configuration(written: &Written) -> Vec<Finding> {
    let mut findings = Vec::new();
    let with_secrets = written.files_with_secrets();
    for file in written.files() {
        let Ok(metadata) = fs::metadata(file) else { continue };
        findings.extend(written_by_others(file, &metadata));
        if with_secrets.contains(file.as_path()) {
            findings.extend(read_by_others(file, &metadata, "has secrets in it"));
        }
    }
    for file in written.secret_files() {
        let Ok(metadata) = fs::metadata(&file) else { continue };
        findings.extend(written_by_others(&file, &metadata));
        findings.extend(read_by_others(&file, &metadata, "is a secret"));
    }
    for file in written.paths() {
        let Ok(metadata) = fs::metadata(&file) else { continue };
        if metadata.is_file() && is_private_key(&file) {
            findings.extend(read_by_others(&file, &metadata, "is a private key"));
        }
    }
    if findings.is_empty() {
        findings
            .push(Finding::ok(AREA, "secrets are read, and the configuration is changed, by nobody else"));
    }
    findings
}

fn written_by_others(file: &Path, metadata: &Metadata) -> Option<Finding> {
    let is_open = metadata.permissions().mode() & 0o002 != 0;
    is_open.then(|| {
        let what = format!("anybody may change {}", file.display());
        Finding::problem(AREA, what, format!("run `chmod o-w {}`, and check what is in it", file.display()))
    })
}

fn read_by_others(file: &Path, metadata: &Metadata, because: &str) -> Option<Finding> {
    let is_open = metadata.permissions().mode() & 0o004 != 0;
    is_open.then(|| {
        let what = format!("{} {because}, and everybody may read it", file.display());
        Finding::warning(AREA, what, format!("run `chmod o-r {}`", file.display()))
    })
}

fn is_private_key(file: &Path) -> bool {
    let mut head = Vec::new();
    let read = fs::File::open(file).and_then(|file| file.take(KEY_HEAD).read_to_end(&mut head));
    read.is_ok() && String::from_utf8_lossy(&head).contains(PRIVATE_KEY)
}

/// The folder for what is made at run time.
pub(super) fn state(settings: &Settings) -> Vec<Finding> {
    let folder = &settings.state.directory;
    let metadata = match fs::metadata(folder) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return vec![not_made_yet(folder)],
        Err(error) => {
            let what = format!("{}: {error}", folder.display());
            return vec![Finding::problem(STATE, what, "let the gateway's account reach it")];
        }
    };
    let mut findings = Vec::new();
    if !metadata.is_dir() {
        let what = format!("{} is no folder", folder.display());
        findings.push(Finding::problem(STATE, what, "remove it, or change `state.directory`"));
    } else if access(folder, Access::WRITE_OK).is_err() {
        let what = format!("{} can't be written to", folder.display());
        findings.push(Finding::problem(STATE, what, "run `chown` on it for the gateway's account"));
    }
    let own = rustix::process::geteuid().as_raw();
    if metadata.uid() != own {
        let what =
            format!("{} belongs to user {}, doctor runs as user {own}", folder.display(), metadata.uid());
        findings.push(Finding::warning(
            STATE,
            what,
            "run gateway and doctor with the same account, which owns the folder",
        ));
    }
    findings.extend(written_by_others(folder, &metadata).map(|finding| Finding { area: STATE, ..finding }));
    findings.extend(space(folder));
    if findings.is_empty() {
        findings.push(Finding::ok(STATE, format!("{} can be written to", folder.display())));
    }
    findings
}

/// It is made when something is kept for the first time, if the folder above lets it.
fn not_made_yet(folder: &Path) -> Finding {
    let above = folder
        .ancestors()
        .skip(1)
        .map(|above| if above == Path::new("") { PathBuf::from(".") } else { above.to_path_buf() });
    let above = above.into_iter().find(|above| above.exists());
    match above {
        Some(above) if access(&above, Access::WRITE_OK).is_ok() => {
            Finding::ok(STATE, format!("{} is made when it is needed", folder.display()))
        }
        _ => Finding::problem(
            STATE,
            format!("{} does not exist and can't be made", folder.display()),
            "make it for the gateway's account, or change `state.directory`",
        ),
    }
}

fn space(folder: &Path) -> Option<Finding> {
    let file_system = statvfs(folder).ok()?;
    let free = file_system.f_bavail.saturating_mul(file_system.f_frsize);
    (free < LEAST_SPACE).then(|| {
        let what = format!("{} has {} MiB left", folder.display(), free / (1024 * 1024));
        Finding::warning(STATE, what, "free some space on its file system")
    })
}
