//! References that can't be added to a table that is there: they become part of the change that makes their table or their column, where
//! that is one of the same call.

use std::borrow::Cow;

use connector_api::model::{Change, ForeignKey, TableRef};

use super::Changes;

/// A change by its position, perhaps with what later ones add to it.
pub(super) struct Joined<'c> {
    pub(super) place: usize,
    pub(super) change: Cow<'c, Change>,
    /// Of the column that it adds.
    pub(super) reference: Option<&'c ForeignKey>,
}

/// The changes in their order. Those that became part of others are left out.
pub(super) fn joined<'c>(dialect: &dyn Changes, changes: &'c [Change]) -> Vec<Joined<'c>> {
    let mut all: Vec<Joined<'c>> = Vec::with_capacity(changes.len());
    for (place, change) in changes.iter().enumerate() {
        let is_part = match change {
            Change::AddForeignKey { table, foreign_key } if !dialect.has_constraints() => {
                all.iter_mut().rev().any(|earlier| earlier.take(table, foreign_key))
            }
            _ => false,
        };
        if !is_part {
            all.push(Joined { place, change: Cow::Borrowed(change), reference: None });
        }
    }
    all
}

impl<'c> Joined<'c> {
    /// Takes a reference, if this is the change that makes what it belongs to.
    fn take(&mut self, of: &TableRef, key: &'c ForeignKey) -> bool {
        match &*self.change {
            Change::CreateTable(made) if made.table == *of => {
                if let Change::CreateTable(made) = self.change.to_mut() {
                    made.foreign_keys.push(key.clone());
                }
                true
            }
            Change::AddColumn { table, column }
                if table == of && key.columns == [column.name.as_str()] && self.reference.is_none() =>
            {
                self.reference = Some(key);
                true
            }
            _ => false,
        }
    }
}
