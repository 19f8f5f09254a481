//! The gateway's side: a loaded connector as safe functions.

use std::path::Path;

use abi_stable::library::{LibraryError, lib_header_from_path};

use super::{Buffer, Call, CallParts, ConnectorModuleRef, HostApi, Slice};

/// A connector library that has passed version and layout check. Never unloaded, so copies are free.
#[derive(Clone, Copy)]
pub struct Module(ConnectorModuleRef);

/// Why a library could not become a [`Module`].
#[derive(Debug)]
pub struct LoadError {
    /// One line.
    pub message: String,
    /// The whole report of the layout check, for the debug log.
    pub report: String,
}

impl Module {
    /// Loads the library at this path and checks that it was built for this contract. Runs code of the library.
    ///
    /// # Errors
    /// When it can't be opened, has no entry, or was built for another contract.
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        // Not `load_from_file`: that keeps one library per process and hands it out for every path.
        lib_header_from_path(path)
            .and_then(|header| header.init_root_module::<ConnectorModuleRef>())
            .map(Self)
            .map_err(|error| load_error(&error))
    }

    /// The contract revision.
    pub fn revision(self) -> u32 {
        self.0.revision()
    }

    /// Hands over the log and the level; `false`: the connector is not ready.
    pub fn initialize(self, host: HostApi, log_level: u32) -> bool {
        self.0.initialize()(host, log_level) == 0
    }

    /// JSON of a `Result<Descriptor, Error>`.
    pub fn describe(self) -> Buffer {
        self.0.describe()()
    }

    /// Opens a service: JSON of an `OpenRequest` in, one item with JSON of an `Opened` out.
    pub fn open(self, request: &[u8]) -> Call {
        self.0.open()(Slice::new(request))
    }

    /// Starts an operation.
    pub fn call(self, service: u64, operation: u32, parts: &CallParts<'_>) -> Call {
        self.0.call()(
            service,
            operation,
            Slice::new(parts.head),
            Slice::new(parts.context),
            Slice::new(parts.body),
        )
    }

    /// Ends a service.
    pub fn close(self, service: u64) {
        self.0.close()(service);
    }

    /// Tells of a changed log level.
    pub fn set_log_level(self, level: u32) {
        self.0.set_log_level()(level);
    }
}

fn load_error(error: &LibraryError) -> LoadError {
    let report = error.to_string();
    let message = match error {
        LibraryError::OpenError { .. } => "the system can't open it".to_owned(),
        LibraryError::GetSymbolError { .. } => "it has no connector entry point".to_owned(),
        LibraryError::IncompatibleVersionNumber { expected_version, actual_version, .. } => {
            format!("it was built with connector-api {actual_version}, this gateway has {expected_version}")
        }
        LibraryError::AbiInstability(_) => "it was built for another layout of the contract".to_owned(),
        _ => "its entry point failed".to_owned(),
    };
    LoadError { message, report }
}
