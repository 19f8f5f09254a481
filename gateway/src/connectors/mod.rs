//! Connectors: how a library file becomes a running service, and how it is called. Knows no database by name.
//!
//! * [`inspect`]: checks a file without running any of it.
//! * [`loader`]: opens it, the one file of the gateway with `unsafe`.
//! * [`isolated`]: the same in a process of its own; `module`: a loaded library, wherever it runs.
//! * [`registry`]: what was loaded and what was refused.
//! * [`service`]: an open service and its calls, [`writes`] those that write, `changes` those that change tables; [`params`] and [`rows`]: what goes in and what comes out.
//! * [`guard`]: keeps a connector that hangs from hanging the gateway; `places`: how many workers may be inside connectors.
//! * `watched`: what a call tells those who watch.
//! * [`template`]: writes the folder of a new connector.
//!
//! A connector runs inside the gateway's process, unless the configuration gives it one of its own. What is contained: panics, calls that
//! never end, malformed, endless and oversized answers. What is not: crashes in C code, stack overflow, `abort`, `exit`, memory without
//! end. Those end the process: the gateway's, or the connector's own.

mod changes;
pub mod guard;
pub mod inspect;
pub mod isolated;
pub mod loader;
mod module;
pub mod params;
mod places;
pub mod refusal;
pub mod registry;
pub mod rows;
pub mod service;
pub mod template;
mod watched;
pub mod writes;

pub use params::Params;
pub use refusal::{Reason, Refusal};
pub use registry::{Connector, Registry};
pub use rows::{Batch, Columns, Renames, RowStream, Section};
pub use service::{CallContext, Limits, Load, Service, SessionId};
pub use writes::Records;
