//! Functions of fields: what the store computes where a field is read, compared or written. Their texts are read by the grammar of requests
//! and never passed on; what they mean is not known here.

use serde::{Deserialize, Serialize};

/// A function of a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DbFunction {
    /// Where it stands for the field.
    #[serde(rename = "use")]
    pub uses: Vec<Use>,
    /// The expression.
    pub function: String,
}

/// The words of all uses.
pub const USES: &str = "SELECT, FILTER, INSERT and UPDATE";

/// Where a function stands for its field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Use {
    /// In what is read.
    Select,
    /// In conditions and orders.
    Filter,
    /// In the place of the value of a new row.
    Insert,
    /// In the place of the value of a row that changes.
    Update,
}

impl Use {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Select => "SELECT",
            Self::Filter => "FILTER",
            Self::Insert => "INSERT",
            Self::Update => "UPDATE",
        }
    }

    /// The use with this word, in any case.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        let all = [Self::Select, Self::Filter, Self::Insert, Self::Update];
        all.into_iter().find(|known| known.word().eq_ignore_ascii_case(word.trim()))
    }
}
