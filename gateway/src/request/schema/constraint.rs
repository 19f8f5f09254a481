//! Keys and references as the `constraints` of a description have them: those over several columns stand nowhere else.

use serde_json::Value as Json;

use super::members::{Members, Place};
use crate::request::Error;

/// A constraint of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Constraint {
    /// The store's name for it; empty: it shall make one.
    pub name: String,
    /// Its columns, in order.
    pub columns: Vec<String>,
    /// What it says of them.
    pub kind: ConstraintKind,
}

/// What a constraint says of its columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConstraintKind {
    /// They are the primary key.
    Primary,
    /// No two rows have the same.
    Unique,
    /// They refer to another table.
    Foreign {
        /// The public name of the other table.
        table: String,
        /// Its columns, in the same order; empty: its primary key.
        columns: Vec<String>,
        /// What a change there does here.
        on_update: Option<String>,
        /// What a removal there does here.
        on_delete: Option<String>,
    },
}

impl Constraint {
    /// The public name of the table that it refers to.
    pub(super) fn target(&self) -> Option<&str> {
        if let ConstraintKind::Foreign { table, .. } = &self.kind { Some(table) } else { None }
    }
}

/// All constraints of a table, by their names or as a list.
pub(super) fn constraints(place: &Place, json: Json) -> Result<Vec<Constraint>, Error> {
    let items = match json {
        Json::Null => Vec::new(),
        Json::Object(members) => members.into_iter().map(|(_, constraint)| constraint).collect(),
        Json::Array(items) => items,
        _ => return Err(place.error("'constraints' must be a JSON object")),
    };
    items.into_iter().map(|item| constraint(place, item)).collect()
}

fn constraint(place: &Place, json: Json) -> Result<Constraint, Error> {
    let mut members = Members::of(place.clone(), json)?;
    let missing = |name: &str| place.error(format!("'constraints' needs '{name}'"));
    let word = members.text("constraint_type")?.flatten().ok_or_else(|| missing("constraint_type"))?;
    let columns = members.list("column_name")?.flatten().ok_or_else(|| missing("column_name"))?;
    let kind = match word.to_ascii_uppercase().as_str() {
        "PRIMARY KEY" => ConstraintKind::Primary,
        "UNIQUE" => ConstraintKind::Unique,
        "FOREIGN KEY" => {
            let table = members.text("referenced_table_name")?.flatten();
            let table = table.ok_or_else(|| missing("referenced_table_name"))?;
            let schema = members.text("referenced_table_schema")?.flatten();
            ConstraintKind::Foreign {
                table: schema.map(|schema| format!("{schema}.{table}")).unwrap_or(table),
                columns: members.list("referenced_column_name")?.flatten().unwrap_or_default(),
                on_update: members.text("update_rule")?.flatten(),
                on_delete: members.text("delete_rule")?.flatten(),
            }
        }
        _ => return Err(place.error("'constraint_type' must be PRIMARY KEY, UNIQUE or FOREIGN KEY")),
    };
    Ok(Constraint { name: members.text("constraint_name")?.flatten().unwrap_or_default(), columns, kind })
}
