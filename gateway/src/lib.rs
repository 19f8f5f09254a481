//! The gateway as a library: every room of the server. The binary beside it only reads its arguments and starts one.
//!
//! The way of a request, and which room may use which, stand in `docs/architecture.md`.

pub mod auth;
pub mod connectors;
pub mod request;
pub mod roles;
pub mod settings;
pub mod telemetry;
