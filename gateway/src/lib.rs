//! The gateway, as a library: its rooms, so that tests and the binary can use them.

pub mod request;
