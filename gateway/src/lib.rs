//! The gateway as a library: every room of the server. The program in `cli/` only reads its arguments and starts one.
//!
//! The way of a request, and which room may use which, stand in `docs/architecture.md`.

pub mod app;
pub mod auth;
pub mod connectors;
pub mod cursor;
pub mod error;
mod events;
pub mod extras;
#[cfg(fuzzing)]
pub mod fuzzing;
pub mod hooks;
pub mod http;
pub mod idempotency;
pub mod metrics;
pub mod operation;
pub mod pipeline;
pub mod plan;
pub mod request;
pub mod response;
pub mod roles;
pub mod schema;
pub mod services;
pub mod settings;
pub mod snapshot;
pub mod telemetry;
pub mod traces;
pub mod trail;
