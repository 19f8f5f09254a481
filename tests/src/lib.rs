//! What suites share: where built libraries and programs are found.

pub mod libraries;
