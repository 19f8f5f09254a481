//! What suites share: where built libraries and programs are found, and how stores are started.

pub mod fixture;
pub mod libraries;
