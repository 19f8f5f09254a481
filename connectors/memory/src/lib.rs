//! The `memory` connector: tables written in the configuration or in a JSON file, held and changed in memory.
//!
//! The smallest complete connector, and the one to copy for a new one:
//!
//! * `config`: what `[services.config]` may hold;
//! * `connector`: what this connector declares, and the calls of the contract;
//! * `client`: the store itself, with its transactions. In other connectors the only room that uses the driver;
//! * `read`, `write`: what a request means for a table. In other connectors `translate`: what it means in the store's language;
//! * `schema`: configuration to tables, and what their rows have to keep to;
//! * `types`: JSON and other values to those that a column takes;
//! * `error`: what can go wrong, in the contract's kinds.

mod client;
mod config;
mod connector;
mod error;
mod read;
mod schema;
mod types;
mod write;

connector_api::export_connector!(connector::Memory);
