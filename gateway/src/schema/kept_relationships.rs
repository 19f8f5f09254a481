//! Relationships as the extras of their table have them: virtual ones made, others said more of. Pure.

use std::collections::BTreeMap;

use connector_api::model::{Table, TableRef};

use super::names::lookup_key;
use super::relationships::{Junction, Relationship, spelled};
use crate::extras::{RelationshipExtras, VirtualRelationship};

/// What is kept of the relationships of one table, by their names.
pub(super) type Kept = BTreeMap<String, RelationshipExtras>;

/// The tables of the service, by public name.
pub(super) type Find<'t> = &'t dyn Fn(&str) -> Option<&'t Table>;

/// Adds the virtual relationships of a table to those that foreign keys give, and to all of them what is said of them.
///
/// A virtual one gives way to another with its name, and an alias to a name or a field of the table: what was written when there was
/// room for it must not hide what the database got since.
pub(super) fn complete(all: &mut Vec<Relationship>, table: &Table, kept: &Kept, find: Find<'_>) {
    for relationship in &mut *all {
        let said = kept.iter().find(|(name, _)| lookup_key(name) == lookup_key(&relationship.name));
        if let Some((_, extras)) = said.filter(|(_, extras)| extras.made.is_none()) {
            relationship.extras = extras.clone();
        }
    }
    for (name, extras) in kept {
        let is_taken = all.iter().any(|known| lookup_key(&known.name) == lookup_key(name));
        let made = extras.made.as_ref().filter(|_| !is_taken);
        all.extend(made.and_then(|made| virtual_one((name, extras), made, table, find)));
    }
    drop_aliases(all, table);
}

/// Whether a virtual relationship leads somewhere.
pub(super) fn leads(made: &VirtualRelationship, table: &Table, find: Find<'_>) -> bool {
    virtual_one(("", &RelationshipExtras::default()), made, table, find).is_some()
}

/// `None`: it leads nowhere. Tables of other services are looked for when their rows are.
fn virtual_one(
    (name, extras): (&str, &RelationshipExtras),
    made: &VirtualRelationship,
    table: &Table,
    find: Find<'_>,
) -> Option<Relationship> {
    let (target, target_columns) = end(made.ref_service.as_ref(), &made.ref_table, &made.ref_field, find)?;
    let junction = match &made.junction_table {
        None => None,
        Some(between) => {
            let service = made.junction_service.as_ref();
            let (table, columns) = end(service, between, &made.junction_field, find)?;
            let (_, target_columns) = end(service, between, &made.junction_ref_field, find)?;
            Some(Junction { service: service.cloned(), table, columns, target_columns })
        }
    };
    Some(Relationship {
        name: name.to_owned(),
        kind: made.kind,
        description: None,
        extras: extras.clone(),
        is_virtual: true,
        columns: spelled(table, &made.field)?,
        service: made.ref_service.clone(),
        target,
        target_columns,
        junction,
        on_update: None,
        on_delete: None,
    })
}

fn end(
    service: Option<&String>,
    table: &str,
    columns: &[String],
    find: Find<'_>,
) -> Option<(TableRef, Vec<String>)> {
    if service.is_some() {
        return Some((TableRef::new(table), columns.to_vec()));
    }
    let table = find(table)?;
    Some((table.table.clone(), spelled(table, columns)?))
}

fn drop_aliases(all: &mut [Relationship], table: &Table) {
    let mut taken: Vec<String> = table.columns.iter().map(|column| lookup_key(&column.name)).collect();
    taken.extend(all.iter().map(|relationship| lookup_key(&relationship.name)));
    for relationship in all {
        let Some(alias) = relationship.extras.alias.as_deref().map(lookup_key) else { continue };
        if alias != lookup_key(&relationship.name) && taken.contains(&alias) {
            relationship.extras.alias = None;
        }
        taken.push(alias);
    }
}
