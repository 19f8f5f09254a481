//! Texts of known attacks in every place where a request may have a name or a value, on each SQL database with a running gateway before it.
//!
//! What may not happen is judged by what the database itself was asked: see `oracle`. A run takes each text to some of the places; how many,
//! [`attack::EVERY`] says. `make test-injection` is the whole run, `make test` a small part of it.

#[cfg(test)]
mod attack;
#[cfg(test)]
#[allow(dead_code, reason = "shared with tests/http, which needs more of it")]
#[path = "../http/client.rs"]
mod client;
#[cfg(test)]
mod connection;
#[cfg(test)]
#[allow(dead_code, reason = "shared with tests/http, which needs more of it")]
#[path = "../http/engine.rs"]
mod engine;
#[cfg(test)]
#[allow(dead_code, reason = "shared with tests/http, which needs more of it")]
#[path = "../http/gateway.rs"]
mod gateway;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod places;
#[cfg(test)]
mod shape;
#[cfg(test)]
mod statements;
#[cfg(test)]
mod texts;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod world;
