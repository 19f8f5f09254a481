//! What the suites of this package share.
//!
//! * [`reference`]: the meaning of the filter tree, once more, slow and obvious, with bugs that can be planted;
//! * [`generate`]: random tables and filters;
//! * [`property`]: runs a store against the reference and keeps statistics of what was tried.

pub mod generate;
pub mod property;
pub mod reference;
