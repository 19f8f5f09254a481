//! The contract between the Tablegate gateway and its connectors.
//!
//! Three rooms:
//!
//! * [`model`]: what crosses in words, as plain types: operations, filters, the catalogue, values, errors. Serialised as JSON
//!   heads and as [row batches](model::batch). Names no ABI, no runtime, no database.
//! * [`abi`]: the frozen `repr(C)` types through which bytes cross. The only place that names `abi_stable`.
//! * [`author`] (feature `author`, on by default): the [`Connector`](author::Connector) trait, the
//!   [`RowSink`](author::RowSink) and [`export_connector!`]: all that the author of a connector meets.
//!
//! The crate reads no files, opens no sockets and depends on no other crate of the workspace, so that its source can be copied
//! out and built anywhere. Its package name and major version are part of the binary identity of every connector.
//!
//! The rules of the contract in prose: `docs/contract.md` beside this crate's manifest.

pub mod abi;
#[cfg(feature = "author")]
pub mod author;
pub mod model;

pub use model::{Error, ErrorKind, Result};
