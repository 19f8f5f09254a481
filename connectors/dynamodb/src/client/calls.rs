//! Requests and answers of the store's interface, as far as this connector uses them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::types::{Attribute, Item};

/// Any request about one table; what is not set is not sent.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Operations.html>
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Body {
    pub(crate) table_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) index_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<Item>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) item: Option<Item>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key_condition_expression: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) filter_expression: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) projection_expression: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) condition_expression: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) update_expression: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) expression_attribute_names: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) expression_attribute_values: BTreeMap<String, Attribute>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) exclusive_start_key: Option<Item>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) scan_index_forward: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) consistent_read: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) select: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) return_values: Option<&'static str>,
}

/// One item of a transaction; the name of the variant is the operation's.
#[derive(Debug, Clone, Serialize)]
pub(crate) enum Write {
    Put(Body),
    Update(Body),
    Delete(Body),
}

impl Write {
    /// The operation that does it alone.
    pub(crate) fn operation(&self) -> &'static str {
        match self {
            Self::Put(_) => "PutItem",
            Self::Update(_) => "UpdateItem",
            Self::Delete(_) => "DeleteItem",
        }
    }

    pub(crate) fn body(&self) -> &Body {
        let (Self::Put(body) | Self::Update(body) | Self::Delete(body)) = self;
        body
    }

    pub(crate) fn body_mut(&mut self) -> &mut Body {
        let (Self::Put(body) | Self::Update(body) | Self::Delete(body)) = self;
        body
    }
}

/// A page of a Query or a Scan.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Page {
    #[serde(default)]
    pub(crate) items: Vec<Item>,
    /// Items that fit, which are all that a page without items tells.
    #[serde(default)]
    pub(crate) count: u64,
    /// Items that were read, whether they fit or not.
    #[serde(default)]
    pub(crate) scanned_count: u64,
    /// Where the next page begins; only its absence is the end.
    #[serde(default)]
    pub(crate) last_evaluated_key: Option<Item>,
}

/// The answer of a request about one item.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ItemAnswer {
    /// The item read.
    #[serde(default)]
    pub(crate) item: Option<Item>,
    /// The item written, as it was or as it became.
    #[serde(default)]
    pub(crate) attributes: Option<Item>,
}

/// A page of table names.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Tables {
    pub(crate) table_names: Vec<String>,
    #[serde(default)]
    pub(crate) last_evaluated_table_name: Option<String>,
}

/// The answer about a table.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct TableDescription {
    pub(crate) key_schema: Vec<KeyPart>,
    pub(crate) attribute_definitions: Vec<Definition>,
    #[serde(default)]
    pub(crate) global_secondary_indexes: Vec<Index>,
    #[serde(default)]
    pub(crate) local_secondary_indexes: Vec<Index>,
}

/// One attribute of a key.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct KeyPart {
    pub(crate) attribute_name: String,
    /// `HASH` or `RANGE`.
    pub(crate) key_type: String,
}

/// The type of an attribute that some key has.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Definition {
    pub(crate) attribute_name: String,
    /// `S`, `N` or `B`.
    pub(crate) attribute_type: String,
}

/// A secondary index.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Index {
    pub(crate) index_name: String,
    pub(crate) key_schema: Vec<KeyPart>,
    pub(crate) projection: Projection,
    /// Global indexes only; one that is being made can't be read.
    #[serde(default)]
    pub(crate) index_status: Option<String>,
}

/// Which attributes an index has beside the keys.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Projection {
    /// `ALL`, `KEYS_ONLY` or `INCLUDE`.
    pub(crate) projection_type: String,
    #[serde(default)]
    pub(crate) non_key_attributes: Vec<String>,
}
