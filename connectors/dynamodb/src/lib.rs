//! The `aws_dynamodb` connector: tables of Amazon DynamoDB over its JSON interface.
//!
//! * `config`: what `[services.config]` may hold;
//! * `connector`: what this connector declares, and the calls of the contract;
//! * `client`: signed requests, repeated when the store is busy; the only room that opens connections;
//! * `schema`: key schemas as the store has them, and columns guessed from a sample;
//! * `translate`: filters to expressions with placeholders, and whether a read is a Query or a Scan;
//! * `read`, `write`: what a request means for a table, page by page and record by record;
//! * `types`: attribute values to values of the contract and back;
//! * `error`: the store's exceptions as the contract's kinds.

mod client;
mod config;
mod connector;
mod error;
mod read;
mod schema;
mod translate;
mod types;
mod write;

connector_api::export_connector!(connector::DynamoDb);
