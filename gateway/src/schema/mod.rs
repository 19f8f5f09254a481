//! What the gateway knows and says of a service's tables and routines: how they are named, how they relate, and the objects that
//! describe them. Nothing here reads a database or a request, and nothing decides who may see what: access
//! comes in as a mask.

pub mod catalogue;
pub mod declared;
pub mod describe;
pub mod describe_routine;
pub mod extras;
mod kept_relationships;
pub mod known;
pub mod names;
pub mod relationships;
pub mod routines;
