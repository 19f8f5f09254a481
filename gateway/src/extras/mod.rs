//! What is said of tables and fields and kept beside the database: titles, aliases, functions, picklists, rules for values, keys of views. One file for each
//! service, in TOML, to be read and written by hand as well; no store knows of it. A later store of the gateway's own takes it over.

mod aliases;
mod document;
mod file;
mod functions;
#[cfg(test)]
mod tests;
mod validation;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

pub use aliases::alias_problem;
pub use file::{Check, Extras, Problem, Store};
pub use functions::{DbFunction, USES, Use};
pub use validation::{Given, Rules, Verdict};

/// The extras of all tables of a service, by their public names.
pub type Tables = BTreeMap<String, TableExtras>;

/// The extras of a table: what is `None` is as the database has it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TableExtras {
    /// Its title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Its title for many rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plural: Option<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it is called where its rows are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// The field whose values name rows to people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name_field: Option<String>,
    /// The extras of its fields, by their names.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, FieldExtras>,
}

/// The extras of a field: what is `None` is as the database has it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FieldExtras {
    /// Its title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it is called in rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// A type that says more than the store's.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_word: Option<String>,
    /// The values to choose from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picklist: Option<Vec<String>>,
    /// What values have to keep, rule by rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<Map<String, Json>>,
    /// It is no column: what is read of it is computed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_virtual: bool,
    /// What the store computes in its place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub db_function: Vec<DbFunction>,
    /// It identifies the rows of a view, alone or with others.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_primary_key: bool,
}

impl TableExtras {
    /// The fields that identify the rows of a view.
    #[must_use]
    pub fn key(&self) -> Vec<String> {
        let fields = self.fields.iter().filter(|(_, field)| field.is_primary_key);
        fields.map(|(name, _)| name.clone()).collect()
    }

    /// The fields that have an alias, and theirs.
    pub fn aliases(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().filter_map(|(name, field)| Some((name.as_str(), field.alias.as_deref()?)))
    }

    /// Without what says nothing.
    #[must_use]
    pub fn tidied(mut self) -> Self {
        self.fields.retain(|_, field| *field != FieldExtras::default());
        self
    }
}
