//! What suites share: the behaviour suite as a library, the reference evaluator and the generator of the filter property test, and
//! where built libraries are found.

pub mod behaviour;
pub mod generate;
pub mod libraries;
pub mod property;
pub mod reference;
