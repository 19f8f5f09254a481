//! Opens a library and asks it to describe itself. The one file of the gateway with `unsafe`. Nothing is ever unloaded.
//!
//! All of it runs code of the library, so it belongs on a thread of its own with a time limit: see [`Registry::load`].
//!
//! [`Registry::load`]: super::registry::Registry::load
#![allow(unsafe_code, reason = "opening a library and taking its calls can't be done without")]

use std::collections::HashSet;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use connector_api::abi::{HostApi, Module, REVISION, Slice};
use connector_api::model::{Descriptor, Error};
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use serde_json::{Map, Value};
use tracing::level_filters::LevelFilter;

use super::guard::tame;
use super::refusal::Reason;

/// The longest description that is read.
const MAX_DESCRIPTION_BYTES: usize = 4 * 1024 * 1024;

/// The longest name of a connector or a service type.
const MAX_NAME: usize = 64;

/// Opens the library at this path, which was inspected, hands it the log and asks it to describe itself.
pub(super) fn load(path: &Path, level: u32, log: Log) -> Result<(Module, Descriptor), Reason> {
    open_now(path)?;
    let module = Module::load(path).map_err(|error| {
        tracing::debug!(file = %path.display(), report = error.report, "a library was refused");
        Reason::CantBeOpened(error.message)
    })?;
    if module.revision() != REVISION {
        return Err(Reason::OtherRevision { found: module.revision(), expected: REVISION });
    }
    if !module.initialize(host(log), level) {
        return Err(Reason::InitializeFailed);
    }
    let descriptor = describe(module)?;
    Ok((module, descriptor))
}

/// Opens it with all symbols bound at once: bound lazily, a missing one would end the process at its first use. The layout check
/// that follows gets the same object.
fn open_now(path: &Path) -> Result<(), Reason> {
    // SAFETY: this runs the library's initialisers. That is what loading a connector means; the folder and the file are under
    // the control of the gateway's owner, see `inspect`.
    let library = unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }.map_err(|error| {
        // What the system says stands behind the error.
        let said = std::error::Error::source(&error).unwrap_or(&error);
        Reason::NotOpened(tame(&said.to_string()))
    })?;
    std::mem::forget(library);
    Ok(())
}

fn describe(module: Module) -> Result<Descriptor, Reason> {
    let answer = module.describe();
    let malformed = |what: &str| Reason::DescriptionMalformed(what.to_owned());
    if answer.as_ref().len() > MAX_DESCRIPTION_BYTES {
        return Err(malformed("too long"));
    }
    let answer: Result<Descriptor, Error> =
        serde_json::from_slice(answer.as_ref()).map_err(|error| malformed(&tame(&error.to_string())))?;
    let mut descriptor = answer.map_err(|error| Reason::DescribeFailed(tame(&error.message)))?;
    check_descriptor(&mut descriptor).map_err(malformed)?;
    Ok(descriptor)
}

fn check_descriptor(descriptor: &mut Descriptor) -> Result<(), &'static str> {
    descriptor.version = tame(&descriptor.version);
    if !is_name(&descriptor.name, "-_") {
        return Err("the connector's name is not lower case letters, digits, - and _");
    }
    if descriptor.service_types.is_empty() {
        return Err("it offers no service type");
    }
    let mut names = HashSet::new();
    for service_type in &mut descriptor.service_types {
        if !is_name(&service_type.name, "_") {
            return Err("the name of a service type is not lower case letters, digits and _");
        }
        service_type.label = tame(&service_type.label);
        service_type.description = tame(&service_type.description);
        service_type.group = tame(&service_type.group);
        if !names.insert(service_type.name.clone()) {
            return Err("it offers a service type twice");
        }
    }
    Ok(())
}

fn is_name(name: &str, others: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || others.contains(c);
    !name.is_empty() && name.len() <= MAX_NAME && name.chars().all(is_allowed)
}

/// The level as it crosses the boundary: 0 none, 1 error … 5 trace.
pub(super) fn level_number(level: LevelFilter) -> u32 {
    match level.into_level() {
        None => 0,
        Some(tracing::Level::ERROR) => 1,
        Some(tracing::Level::WARN) => 2,
        Some(tracing::Level::INFO) => 3,
        Some(tracing::Level::DEBUG) => 4,
        Some(_) => 5,
    }
}

/// What takes the log events of a library: level, target and fields.
pub(super) type Log = Box<dyn Fn(u32, &[u8], &[u8]) + Send + Sync>;

/// Takes them into the gateway's own log, with the name of the file.
pub(super) fn own_log(path: &Path) -> Log {
    let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    Box::new(move |level, target, fields| emit(&file, level, target, fields))
}

/// What a library gets.
fn host(log_to: Log) -> HostApi {
    // The library keeps it until the process ends.
    let context: &'static Log = Box::leak(Box::new(log_to));
    HostApi { context: std::ptr::from_ref(context).cast(), log, get_extension }
}

/// Takes a log event of a connector. Nothing may unwind from here.
unsafe extern "C" fn log(context: *const c_void, level: u32, target: Slice<'_>, fields: Slice<'_>) {
    let event = || {
        // SAFETY: the contract has the connector hand back the context it got, the leaked box of `host`.
        let log_to = unsafe { &*context.cast::<Log>() };
        log_to(level, target.as_bytes(), fields.as_bytes());
    };
    // The payload of a panic is forgotten, because its drop may panic again.
    if let Err(payload) = catch_unwind(AssertUnwindSafe(event)) {
        std::mem::forget(payload);
    }
}

/// No extension exists yet.
unsafe extern "C" fn get_extension(_: *const c_void, _: u64) -> *const c_void {
    std::ptr::null()
}

/// Logs an event of a connector.
pub(super) fn emit(connector: &str, level: u32, source: &[u8], fields: &[u8]) {
    let source = tame(&String::from_utf8_lossy(source));
    let mut fields: Map<String, Value> = serde_json::from_slice(fields).unwrap_or_default();
    let message = match fields.remove("message") {
        Some(Value::String(text)) => tame(&text),
        Some(other) => tame(&other.to_string()),
        None => String::new(),
    };
    let fields = if fields.is_empty() { String::new() } else { tame(&Value::Object(fields).to_string()) };
    macro_rules! event {
        ($level:ident) => {
            tracing::event!(target: "connector", tracing::Level::$level, connector, source, fields, "{message}")
        };
    }
    match level {
        1 => event!(ERROR),
        2 => event!(WARN),
        3 => event!(INFO),
        4 => event!(DEBUG),
        _ => event!(TRACE),
    }
}
