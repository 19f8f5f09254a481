//! What several connectors share and no database owns.
//!
//! * [`evaluate`]: the filter evaluator and the row order, for stores that can't filter or sort themselves.
//!
//! No SQL, no driver, no name of a database.

pub mod evaluate;
