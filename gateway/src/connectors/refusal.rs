//! Why a library was not loaded: one line each, with what to do about it. Words only, nothing is checked here.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::settings::Sha256Digest;

/// A library, or a whole folder, that was not loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The file or folder.
    pub file: PathBuf,
    /// Why, and what to do.
    pub reason: Reason,
}

/// Path, reason and remedy in one line.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.file.display(), self.reason, self.reason.remedy())
    }
}

/// Why a library was not loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// A configured folder does not exist.
    #[error("the plugin folder does not exist")]
    MissingFolder,
    /// The file or folder can't be read; the system's words.
    #[error("it can't be read: {0}")]
    Unreadable(String),
    /// A pipe, a device, a folder.
    #[error("it is not a regular file")]
    NotAFile,
    /// Anybody may write to the file.
    #[error("anybody may write to the file")]
    WorldWritableFile,
    /// Anybody may put a file into this folder, or replace it.
    #[error("anybody may write to the folder {}", .0.display())]
    WorldWritableFolder(PathBuf),
    /// Its digest is not in `plugins.allow_sha256`.
    #[error("its SHA-256 {0} is not in the allow-list")]
    NotAllowed(Sha256Digest),
    /// Not an ELF shared library.
    #[error("it is not a shared library")]
    NotALibrary,
    /// The file ends too early.
    #[error("it is truncated: {actual} of {expected} bytes")]
    Truncated {
        /// Bytes there are.
        actual: u64,
        /// Bytes its headers speak of.
        expected: u64,
    },
    /// Built for another machine.
    #[error("it was built for {found}, this gateway runs on {expected}")]
    OtherArchitecture {
        /// The library's.
        found: String,
        /// The gateway's.
        expected: String,
    },
    /// A library, but not a connector.
    #[error("it has no connector entry point")]
    NoEntryPoint,
    /// A connector whose contract differs.
    #[error("it was built for revision {found} of the contract, this gateway has revision {expected}")]
    OtherRevision {
        /// The library's.
        found: u32,
        /// The gateway's.
        expected: u32,
    },
    /// A panic in it would end the gateway.
    #[error("it was built with panic=abort")]
    PanicAborts,
    /// It was to run in a process of its own, and did not get there; the child's words.
    #[error("in a process of its own: {0}")]
    NotLoadedApart(String),
    /// Its process has ended, and the file is not what it was.
    #[error("its file was replaced while the gateway runs")]
    Replaced,
    /// No process can be started for it; the system's words.
    #[error("no process can be started for it: {0}")]
    NoProcess(String),
    /// The system's loader refuses it; the loader's words.
    #[error("the system can't open it: {0}")]
    NotOpened(String),
    /// The layout check refuses it.
    #[error("{0}")]
    CantBeOpened(String),
    /// Loading, initialising or describing took too long.
    #[error("it did not load and describe itself within {} ms", .0.as_millis())]
    TooSlow(Duration),
    /// It said that it is not ready.
    #[error("it failed to initialise")]
    InitializeFailed,
    /// It answered with an error instead of a description.
    #[error("it failed to describe itself: {0}")]
    DescribeFailed(String),
    /// Its description breaks the rules.
    #[error("its description is malformed: {0}")]
    DescriptionMalformed(String),
    /// Another connector offers the type already.
    #[error("it offers the service type '{service_type}', which {} offers already", .first.display())]
    DuplicateType {
        /// The type.
        service_type: String,
        /// The library that was first.
        first: PathBuf,
    },
    /// Not a system with ELF libraries.
    #[error("connectors can't be loaded on {}", std::env::consts::OS)]
    UnsupportedSystem,
}

impl Reason {
    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::MissingFolder => "create it, or change `plugins.directories`",
            Self::Unreadable(_) => "let the gateway's account read it",
            Self::NotAFile | Self::NotALibrary => "remove it from the plugin folder",
            Self::WorldWritableFile => "run `chmod o-w` on the file",
            Self::WorldWritableFolder(_) => "run `chmod o-w` on the folder, and check what is in it",
            Self::NotAllowed(_) => {
                "add the digest to `plugins.allow_sha256` if the file is what it should be"
            }
            Self::Truncated { .. } => "copy it again, under another name first, and rename it then",
            Self::OtherArchitecture { .. } => "use the library built for this machine",
            Self::NoEntryPoint => "a connector calls `export_connector!` and is built as a cdylib",
            Self::OtherRevision { .. } => {
                "use the connector of the gateway's release; one from elsewhere has to be built for this revision"
            }
            Self::PanicAborts => "build it with `panic = \"unwind\"`, the default",
            Self::NotLoadedApart(_) => "see the log; `plugins.connectors` has its settings",
            Self::Replaced => "restart the gateway to load another library",
            Self::NoProcess(_) => "raise the limit of processes, or take `isolation` away",
            Self::NotOpened(_) => "install what is missing, or use a build for a system as old as this one",
            Self::CantBeOpened(_) => {
                "build it anew with this gateway's contract; the debug log has all that the layout check says"
            }
            Self::TooSlow(_) => "ask its author, or raise `plugins.load_timeout`",
            Self::InitializeFailed | Self::DescribeFailed(_) | Self::DescriptionMalformed(_) => {
                "ask its author, or remove it from the plugin folder"
            }
            Self::DuplicateType { .. } => "remove one of the two",
            Self::UnsupportedSystem => "run the gateway on a system with ELF libraries, such as Linux",
        }
    }
}
