//! SQLite files as services: the connector `sqlite`.
//!
//! * `config`: the keys of a service. `connector`: the contract, delegated; no SQL.
//! * `client`: connections on dedicated threads, statements run, rows streamed.
//! * `translate`: where SQLite's SQL differs from the standard. `functions`: what SQLite lacks, as functions of ours.
//! * `schema`: tables and columns found. `types`: values both ways. `error`: result codes.
//!
//! The driver is used in `client`, `types`, `functions` and `error` only.

mod client;
mod config;
mod connector;
mod error;
mod functions;
mod schema;
mod translate;
mod types;

connector_api::export_connector!(connector::Sqlite, inline);
