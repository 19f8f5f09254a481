//! What several connectors share and no connector-specific driver needs to know: threads for drivers that block, filtering, grouping and
//! sorting for stores that can't, what became of records, transactions by their number, connections in bounded pools, failures of servers,
//! values as JSON, durations in configurations. No driver, no SQL.

pub mod evaluate;
pub mod failure;
pub mod json;
pub mod outcome;
pub mod pool;
pub mod sessions;
pub mod threads;
pub mod timeout;
pub mod write;
