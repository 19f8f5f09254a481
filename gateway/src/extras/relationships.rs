//! What is kept of relationships beside the database.

use serde::{Deserialize, Serialize};

/// The extras of a relationship: what is `None` is as the gateway makes it from the database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RelationshipExtras {
    /// Its name in requests and rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// Its title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its rows are embedded without being asked for.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub always_fetch: bool,
    /// The fields of its row, where there can be one only, stand among those of the row itself.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub flatten: bool,
    /// They do so by their own names, not as `{relationship}_{field}`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub flatten_drop_prefix: bool,
}
