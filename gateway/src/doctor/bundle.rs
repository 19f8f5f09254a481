//! The support bundle: what doctor found, for somebody else to read. Has no row, no list of tables, nothing of the state folder and nothing
//! of the environment; every text goes through `Scrubber`.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use ring::digest;
use serde_json::{Value, json};
use tar::{Builder, Header};

use super::scrub::Scrubber;
use super::{Examination, libraries, system};
use crate::connectors::registry::Connector;
use crate::settings::Masked;

/// The folder inside the archive.
const FOLDER: &str = "tablegate-support";
/// So much of the end of a log is taken along.
const LOG_END: u64 = 256 * 1024;

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The archive.
    #[error("can't write {}: {error}; name a file that does not exist yet", .file.display())]
    Archive {
        /// Its file.
        file: PathBuf,
        /// The system's words.
        error: io::Error,
    },
    /// The log.
    #[error("can't read the log {}: {error}", .file.display())]
    Log {
        /// Its file.
        file: PathBuf,
        /// The system's words.
        error: io::Error,
    },
}

/// Writes the bundle into a new file that only this account can read.
///
/// # Errors
/// A file that exists, or can't be written or read.
pub fn write(examination: &Examination, file: &Path, log: Option<&Path>) -> Result<(), Error> {
    let entries = entries(examination, log)?;
    let archive = || {
        let created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
        let mut archive = Builder::new(GzEncoder::new(created, Compression::default()));
        for (name, text) in entries {
            append(&mut archive, name, text.as_bytes())?;
        }
        archive.into_inner()?.finish()?.sync_all()
    };
    archive().map_err(|error| Error::Archive { file: file.to_path_buf(), error })
}

fn append(archive: &mut Builder<impl Write>, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_size(u64::try_from(bytes.len()).map_err(io::Error::other)?);
    header.set_mode(0o600);
    archive.append_data(&mut header, format!("{FOLDER}/{name}"), bytes)
}

/// The files of the bundle.
fn entries(examination: &Examination, log: Option<&Path>) -> Result<Vec<(&'static str, String)>, Error> {
    let Masked { document, hidden } = examination.written.masked(|service_type| {
        let connector = examination.registry.as_ref()?.connector(service_type)?;
        Some(connector.service_type(service_type)?.config_schema.clone())
    });
    let secrets = examination.secrets.iter().chain(hidden.iter().filter(|text| is_worth_hiding(text)));
    let scrubber = Scrubber::new(secrets.map(String::as_str));
    let report: Vec<String> = examination
        .findings
        .iter()
        .map(|finding| finding.clone().cleaned(|text| scrubber.text(text)).to_string())
        .collect();
    let connectors = examination.registry.iter().flat_map(|registry| registry.connectors());
    let connectors: Vec<Value> = connectors.map(|connector| described(connector, examination)).collect();
    let mut entries = vec![
        ("version.txt", concat!("tablegate ", env!("CARGO_PKG_VERSION"), "\n").to_owned()),
        ("report.txt", format!("{}\n", report.join("\n"))),
        ("configuration.json", pretty(document, &scrubber)),
        ("connectors.json", pretty(Value::from(connectors), &scrubber)),
        ("system.json", pretty(system::facts(), &scrubber)),
    ];
    if let Some(log) = log {
        let text = end_of(log).map_err(|error| Error::Log { file: log.to_path_buf(), error })?;
        entries.push(("log.txt", scrubber.text(&text)));
    }
    Ok(entries)
}

/// Short texts and words of one kind of letters are part of too many others: hiding `shop` or `localhost` wherever it stands would leave
/// a report that nobody can read. A secret of a key that is called one is hidden whatever it is.
fn is_worth_hiding(text: &str) -> bool {
    text.len() >= 8 && !text.bytes().all(|byte| byte.is_ascii_lowercase())
}

fn described(connector: &Connector, examination: &Examination) -> Value {
    let (descriptor, stamp) = (connector.descriptor(), connector.stamp());
    let types: Vec<&str> = descriptor.service_types.iter().map(|known| known.name.as_str()).collect();
    let settings = examination.settings.as_ref();
    json!({
        "file": connector.file().file_name().map(|name| name.to_string_lossy()),
        "sha256": sha256(connector.file()),
        "name": descriptor.name,
        "version": descriptor.version,
        "contract": stamp.api_version(),
        "revision": stamp.revision(),
        "compiler": stamp.compiler(),
        "service_types": types,
        "apart": settings.is_some_and(|settings| libraries::is_apart(connector, settings)),
    })
}

fn sha256(file: &Path) -> Option<String> {
    let bytes = std::fs::read(file).ok()?;
    let digest = digest::digest(&digest::SHA256, &bytes);
    Some(digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// JSON for people; its texts without known secrets.
fn pretty(mut value: Value, scrubber: &Scrubber) -> String {
    clean(&mut value, scrubber);
    format!("{value:#}\n")
}

fn clean(value: &mut Value, scrubber: &Scrubber) {
    match value {
        Value::String(text) => *text = scrubber.known(text),
        Value::Array(items) => items.iter_mut().for_each(|item| clean(item, scrubber)),
        Value::Object(table) => table.values_mut().for_each(|value| clean(value, scrubber)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The last lines of a file, whole ones: half a line could be the half of a secret that nobody recognises.
fn end_of(file: &Path) -> io::Result<String> {
    let mut file = File::open(file)?;
    let length = file.metadata()?.len();
    let from = length.saturating_sub(LOG_END);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(LOG_END).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let text = if from > 0 { text.split_once('\n').map(|(_, rest)| rest).unwrap_or_default() } else { &text };
    Ok(text.to_owned())
}
