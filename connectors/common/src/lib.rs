//! What several connectors share and no connector-specific driver needs to know: threads for drivers that block, and filtering and
//! sorting for stores that can't. No driver, no SQL.

pub mod evaluate;
pub mod threads;
