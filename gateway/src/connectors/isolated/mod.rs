//! Connectors in processes of their own: the same library, loaded by a child that talks to the gateway over a pair of sockets. What ends the
//! child, a crash in C code, `abort`, memory without end, ends the calls that it ran and nothing else; it is started again.
//!
//! * [`frame`]: what goes over the sockets.
//! * [`child`]: the child's side, the work of the hidden command [`COMMAND`].
//! * [`process`]: starts a child and ends it.
//! * [`apart`]: the gateway's side: what a loaded library can do, by way of the child.
//! * [`keep`]: looks after the child, and starts another one when it has ended.
//! * [`call`]: a call that runs in a child.
//!
//! Nothing here knows what a call says: shapes, contexts and rows pass as bytes.

mod apart;
mod call;
mod child;
mod frame;
mod keep;
mod process;

pub(super) use apart::Apart;
pub use child::run;
pub(super) use process::{Conditions, start};

/// The hidden command of the program that makes it a child.
pub const COMMAND: &str = "isolated-connector";
