//! What several connectors share, whatever their database: [`threads`] for drivers that block.
//!
//! May not contain SQL, a driver or the name of a database.

pub mod threads;
