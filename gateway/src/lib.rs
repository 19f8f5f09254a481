//! Empty.
pub mod roles;
