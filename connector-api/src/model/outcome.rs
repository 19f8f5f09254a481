//! How a call ends.

use serde::{Deserialize, Serialize};

use super::Error;

/// The last frame of every answer that succeeded. An answer that ends without it was cut off. What is not known is `None`, never 0.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Summary {
    /// The answer of a count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Rows a write touched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affected: Option<Affected>,
    /// The session that `begin` started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<u64>,
    /// Where the next page starts, opaque; asked for by [`Query::after`](super::Query::after). Only a missing token means the end then: a page
    /// may be short, even empty. Who was not asked may give it where the limit ended the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The statement that was run, with placeholders and without values, for the statement log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<String>,
}

/// How many rows a write touched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Affected {
    /// Rows that the selector matched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matched: Option<u64>,
    /// Rows whose content differs afterwards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed: Option<u64>,
}

/// What became of one record, or of a run of records with the same end. Records without an outcome are `Ok`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Position of the first record in the body.
    pub index: u64,
    /// How many records.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub count: u64,
    /// Its end.
    pub status: OutcomeStatus,
    /// Why, when it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
}

/// How a record ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeStatus {
    /// Done.
    Ok,
    /// Refused.
    Failed,
    /// Not tried, because an earlier one failed.
    NotRun,
    /// Done and undone.
    RolledBack,
    /// Sent, and no answer came.
    #[serde(other)]
    Unknown,
}

fn one() -> u64 {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
fn is_one(count: &u64) -> bool {
    *count == 1
}
