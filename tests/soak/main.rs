//! The gateway under steady load for minutes, while its configuration is loaded again, databases are restarted and clients go away: nothing
//! fails that should not, and memory, open files, threads and processes stay what they were.
//!
//! `make soak` is the long run, `make test` has a short one: see [`minutes`].

#[cfg(test)]
#[allow(dead_code, reason = "shared with tests/http, which needs more of it")]
#[path = "../http/client.rs"]
mod client;
#[cfg(test)]
#[allow(dead_code, reason = "shared with tests/http, which needs more of it")]
#[path = "../http/engine.rs"]
mod engine;
#[cfg(test)]
mod figures;
#[cfg(test)]
#[allow(dead_code, reason = "shared with tests/http, which needs more of it")]
#[path = "../http/gateway.rs"]
mod gateway;
#[cfg(test)]
#[path = "../http/kept.rs"]
mod kept;
#[cfg(test)]
mod load;
#[cfg(test)]
mod rude;
#[cfg(test)]
mod run;
#[cfg(test)]
mod world;
