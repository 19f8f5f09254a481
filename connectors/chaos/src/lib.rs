//! A connector that misbehaves on purpose, for the tests. Never installed into a plugin folder.
//!
//! * `connector`: what a buggy author writes with the kit: panics, hangs, blocked threads.
//! * `raw`: what someone writes without the kit: answers that break the rules of the boundary.
//! * `knobs`: how a copy of the file is made to misbehave while it is loaded.
//!
//! The table asked for chooses the fault. The library offers two service types, `chaos_NN` and `chaos_NN_b`.

mod connector;
mod export;
mod knobs;
mod raw;
