//! What is kept of relationships beside the database: what is said of those that its foreign keys give, and virtual ones, which are kept
//! here and nowhere else.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Tables, alias_problem};
use crate::schema::names::lookup_key;
use crate::schema::relationships::RelationshipKind;

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
    /// What a virtual relationship is made of; `None`: a foreign key gives it.
    #[serde(rename = "virtual", skip_serializing_if = "Option::is_none")]
    pub made: Option<VirtualRelationship>,
}

/// What a virtual relationship is made of, in the words of the schema endpoints. Tables go by their public names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VirtualRelationship {
    /// How rows relate.
    #[serde(rename = "type")]
    pub kind: RelationshipKind,
    /// The fields of its own table.
    pub field: Vec<String>,
    /// The service of the other table; `None`: its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ref_service: Option<String>,
    /// The other table.
    pub ref_table: String,
    /// The fields of the other table.
    pub ref_field: Vec<String>,
    /// The service of the table between, as `ref_service`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub junction_service: Option<String>,
    /// The table between the two of a `many_many`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub junction_table: Option<String>,
    /// Its fields that pair with `field`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub junction_field: Vec<String>,
    /// Its fields that pair with `ref_field`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub junction_ref_field: Vec<String>,
}

impl VirtualRelationship {
    /// Its name, which follows from what it is made of. Tables of another service have that before their names.
    #[must_use]
    pub fn name(&self) -> String {
        let of = |service: &Option<String>, table: &str| match service {
            Some(service) => format!("{service}.{table}"),
            None => table.to_owned(),
        };
        let way = match (self.kind, &self.junction_table) {
            (RelationshipKind::ManyMany, Some(table)) => of(&self.junction_service, table),
            (RelationshipKind::BelongsTo, _) => self.field.join("_"),
            _ => self.ref_field.join("_"),
        };
        format!("{}_by_{way}", of(&self.ref_service, &self.ref_table))
    }

    /// The services that it names beside its own.
    pub fn services(&self) -> impl Iterator<Item = &str> {
        [&self.ref_service, &self.junction_service].into_iter().flatten().map(String::as_str)
    }

    /// Whether its parts fit each other.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), String> {
        if self.ref_table.is_empty() || self.field.is_empty() {
            return Err("'field', 'ref_table' and 'ref_field' can't be empty".to_owned());
        }
        if self.kind != RelationshipKind::ManyMany {
            let has_junction = self.junction_table.is_some()
                || self.junction_service.is_some()
                || !(self.junction_field.is_empty() && self.junction_ref_field.is_empty());
            if has_junction {
                return Err(
                    "only a 'many_many' has a table between, so leave out the 'junction_…'".to_owned()
                );
            }
            return same_number(("field", &self.field), ("ref_field", &self.ref_field));
        }
        if self.junction_table.as_ref().is_none_or(String::is_empty) {
            return Err(
                "a 'many_many' needs 'junction_table', 'junction_field' and 'junction_ref_field'".to_owned()
            );
        }
        same_number(("field", &self.field), ("junction_field", &self.junction_field))?;
        same_number(("ref_field", &self.ref_field), ("junction_ref_field", &self.junction_ref_field))
    }
}

fn same_number(left: (&str, &[String]), right: (&str, &[String])) -> Result<(), String> {
    let count = |fields: &[String]| {
        if fields.len() == 1 { "1 field".to_owned() } else { format!("{} fields", fields.len()) }
    };
    if left.1.len() == right.1.len() {
        return Ok(());
    }
    Err(format!(
        "'{}' has {} and '{}' has {}, but each pairs with one of the other",
        left.0,
        count(left.1),
        right.0,
        count(right.1)
    ))
}

/// As much of a wrong alias is shown.
const LONGEST_SHOWN: usize = 64;

/// Whether a text can be an alias: one that can be written into a list of names.
///
/// # Errors
/// Why not.
pub fn check_alias(alias: &str) -> Result<(), String> {
    match alias_problem(alias) {
        None => Ok(()),
        Some(what) => {
            Err(format!("the alias '{}' {what}", alias.chars().take(LONGEST_SHOWN).collect::<String>()))
        }
    }
}

/// Whether the relationships that are kept of one table fit each other.
///
/// # Errors
/// The name of the first that does not, and why.
pub(super) fn check_of_table(kept: &BTreeMap<String, RelationshipExtras>) -> Result<(), (String, String)> {
    let mut names: Vec<String> = Vec::with_capacity(kept.len());
    for (name, extras) in kept {
        let fail = |what: String| Err((name.clone(), what));
        if let Some(made) = &extras.made {
            made.check().or_else(fail)?;
            if lookup_key(&made.name()) != lookup_key(name) {
                return fail(format!("by what it is made of its name is '{}'", made.name()));
            }
        }
        if let Some(Err(what)) = extras.alias.as_deref().map(check_alias) {
            return fail(what);
        }
        let shown = lookup_key(extras.alias.as_ref().unwrap_or(name));
        let is_other = |other: &&String| lookup_key(other) == shown && *other != name;
        if names.contains(&shown) || (extras.alias.is_some() && kept.keys().any(|other| is_other(&other))) {
            return fail(format!("another relationship is named '{shown}'"));
        }
        names.push(shown);
    }
    Ok(())
}

/// The first virtual relationship that leads to a service which is none of these, and how it calls that.
#[must_use]
pub fn unknown_service(tables: &Tables, known: impl Fn(&str) -> bool) -> Option<(String, String)> {
    let kept =
        tables.iter().flat_map(|(table, extras)| extras.relationships.iter().map(move |kept| (table, kept)));
    let mut services = kept.filter_map(|(table, (name, extras))| Some((table, name, extras.made.as_ref()?)));
    services.find_map(|(table, name, made)| {
        let service = made.services().find(|service| !known(service))?;
        Some((format!("table '{table}', relationship '{name}'"), service.to_owned()))
    })
}

#[cfg(test)]
#[path = "relationships_tests.rs"]
mod tests;
