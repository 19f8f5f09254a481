//! What several connectors share and no connector-specific driver needs to know: threads for drivers that block, filtering, grouping and
//! sorting for stores that can't, what became of records and of a write, transactions by their number, connections in bounded pools,
//! failures of servers, values as JSON, what routines raise, pieces of configurations. No driver, no SQL.

pub mod evaluate;
pub mod failure;
pub mod json;
pub mod outcome;
pub mod pool;
pub mod routine;
pub mod server;
pub mod sessions;
pub mod threads;
pub mod timeout;
pub mod write;
pub mod written;
