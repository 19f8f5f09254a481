//! SQLite files as services: the connector `sqlite`.
//!
//! * `config`: the keys of a service. `connector`: the contract, delegated; no SQL.
//! * `client`: connections on dedicated threads. `connection`: one of them, opened and asked. `write`: rows created, changed and removed;
//!   `change`: tables; `transaction` keeps or undoes them, `progress` counts them.
//! * `translate`: where SQLite's SQL differs from the standard. `functions`: what SQLite lacks, as functions of ours.
//! * `schema`: tables and columns found. `table`: what writes have to know of them.
//! * `types`: values as they are read and compared. `store`: values as they are stored. `error`: result codes.
//!
//! The driver is not used in `config`, `connector`, `client`, `schema`, `table` and `translate`.

mod change;
mod client;
mod config;
mod connection;
mod connector;
mod error;
mod functions;
mod progress;
mod schema;
mod store;
mod table;
mod transaction;
mod translate;
mod types;
mod write;

connector_api::export_connector!(connector::Sqlite, inline);
