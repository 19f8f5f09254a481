//! The `memory` connector: tables written in the configuration or in a JSON file, read-only, held in memory.
//!
//! The smallest complete connector, and the one to copy for a new one:
//!
//! * `config`: what `[services.config]` may hold;
//! * `connector`: what this connector declares, and the calls of the contract;
//! * `client`: the store itself. In other connectors the only room that uses the driver;
//! * `schema`: configuration to table descriptions;
//! * `types`: JSON values to values of the contract, by column type.

mod client;
mod config;
mod connector;
mod schema;
mod types;

connector_api::export_connector!(connector::Memory);
