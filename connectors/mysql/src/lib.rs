//! MySQL and MariaDB databases as services: the connector `mysql`.
//!
//! * `config`: the keys of a service. `connector`: the contract, delegated; no SQL.
//! * `client`: connections in a bounded pool, with TLS, ended on the server when nobody waits any more; what a call runs on.
//! * `read`, `write`, `change`, `call`: statements made and run for reads, for records, for tables and for routines.
//! * `translate`: where the SQL differs from the standard.
//! * `schema`: tables, columns and routines found. `table`: what statements have to know of them. `store`: both, kept.
//! * `types`: values as they are read and written. `error`: the server's numbers of errors.
//!
//! The driver is used in `client`, `types`, `error`, and for rows that are kept in `write`.

mod call;
mod change;
mod client;
mod config;
mod connector;
mod error;
mod read;
mod schema;
mod store;
mod table;
mod translate;
mod types;
mod write;

connector_api::export_connector!(connector::MySql);
