//! A connector that misbehaves on purpose, for the tests. Never installed into a plugin folder.
//!
//! * `connector`: what a buggy author writes with the kit: panics, hangs, blocked threads.
//! * `raw`: what someone writes without the kit: answers that break the rules of the boundary.
//! * `knobs`: how a copy of the file is made to misbehave while it is loaded.
//!
//! * `liar`: what declares one thing and does another: a connector between the gateway and an honest one.
//!
//! The table asked for chooses the fault. The library offers the service types `chaos_NN`, `chaos_NN_b` and `chaos_NN_liar`.

mod connector;
mod export;
mod knobs;
mod liar;
mod raw;
