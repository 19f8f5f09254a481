//! The `mongodb` connector: collections of MongoDB and of servers that speak its wire protocol.
//!
//! * `config`: what `[services.config]` may hold;
//! * `connector`: what this connector declares, and the calls of the contract;
//! * `client`, `session`: the only rooms that run the driver: the connection, and transactions on it;
//! * `schema`: what validators, indexes and samples say of a collection;
//! * `translate`: filters, orders and groups in the server's language;
//! * `condition`: a filter, of which the server tests what it can and the evaluator the rest;
//! * `columns`: documents to rows;
//! * `read`, `write`: what a request means for a collection;
//! * `statement`: what the statement log shows of a call;
//! * `types`: BSON to cells and values, values to BSON;
//! * `error`: what can go wrong, in the contract's kinds.

mod client;
mod columns;
mod condition;
mod config;
mod connector;
mod error;
mod read;
mod schema;
mod session;
mod statement;
mod translate;
mod types;
mod write;

connector_api::export_connector!(connector::Mongodb);
