//! Empty.
pub mod auth;
pub mod roles;
