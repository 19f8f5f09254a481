//! What the suites share.

pub mod libraries;
