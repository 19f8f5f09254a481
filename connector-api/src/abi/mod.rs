//! The frozen binary interface: a handful of `repr(C)` types through which bytes cross. What the bytes mean is [`model`](crate::model)'s.
//!
//! The only room that names `abi_stable`, which contributes the root module's header and the layout check at load. Nothing here
//! may grow: abilities are added as operation numbers, members of JSON and extensions by id. Once [`REVISION`] is 1, a
//! changed field in this room breaks every connector ever built.
//!
//! Rules of the boundary:
//! * No panic crosses it: the side that owns a function catches its own panics.
//! * Memory is released by the side that made it ([`Buffer`] carries its own release function).
//! * Borrowed bytes ([`Slice`]) may be read until the function that got them returns, no longer.
#![allow(
    unsafe_code,
    reason = "raw pointers are what a binary interface is made of; each use says why it is sound"
)]

mod bytes;
mod call;
#[cfg(feature = "host")]
mod host;
mod module;
mod stamp;
mod waker;

pub use bytes::{Buffer, Slice};
pub use call::{Call, CallParts, PollStep, Step};
#[cfg(feature = "host")]
pub use host::{LoadError, Module};
pub use module::{ConnectorModule, ConnectorModuleRef, HostApi, LogFunction};
#[cfg(feature = "author")]
pub use module::{LIBRARY_HEADER_SYMBOL, LibraryHeader, RootModuleResult, library_header};
pub use stamp::{STAMP_SECTION, Stamp};
pub use waker::ForeignWaker;

/// Gateway and connector must have equal revisions while it is 0: the contract is not frozen yet. From 1 on it counts additions.
pub const REVISION: u32 = 0;

/// The symbol that every connector library exports.
pub const ENTRY_SYMBOL: &str = abi_stable::library::ROOT_MODULE_LOADER_NAME;
