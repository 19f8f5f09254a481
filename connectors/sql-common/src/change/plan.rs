//! Changes to steps, in their order, each judged against the tables as earlier ones leave them.

mod columns;
mod keys;
mod references;
mod tables;

use connector_api::Result;
use connector_api::model::{Change, ForeignKey, Table, TableRef};

use super::together::{Joined, joined};
use super::world::World;
use super::{Changes, Refused, Step};
use crate::Statement;

/// The steps of these changes. `tables` are those of which they speak ([`tables_of`](super::tables_of)), as far as they exist, and those
/// that refer to them.
///
/// # Errors
/// The first change that can't be done, and why. Then nothing is to be run.
pub fn plan(
    dialect: &dyn Changes,
    tables: Vec<Table>,
    changes: &[Change],
) -> std::result::Result<Vec<Step>, Refused> {
    let mut planner = Planner {
        dialect,
        world: World::new(tables),
        changes,
        at: 0,
        steps: Vec::new(),
        later: Vec::new(),
        released: Vec::new(),
    };
    for joined in joined(dialect, changes) {
        planner.at = joined.place;
        planner.change(&joined).map_err(|error| Refused { change: joined.place, error })?;
    }
    for (place, table, key) in std::mem::take(&mut planner.later) {
        planner.at = place;
        planner.reference_behind(&table, &key).map_err(|error| Refused { change: place, error })?;
    }
    Ok(planner.steps)
}

struct Planner<'p> {
    dialect: &'p dyn Changes,
    world: World,
    changes: &'p [Change],
    /// The change that is judged.
    at: usize,
    steps: Vec<Step>,
    /// References to tables that later changes make.
    later: Vec<(usize, TableRef, ForeignKey)>,
    /// References that go when others take their places.
    released: Vec<(usize, TableRef, ForeignKey)>,
}

impl Planner<'_> {
    fn push(&mut self, statement: Statement) {
        self.steps.push(Step { change: self.at, with: None, statement });
    }

    fn change(&mut self, joined: &Joined<'_>) -> Result<()> {
        match &*joined.change {
            Change::CreateTable(table) => self.create_table(table),
            Change::DropTable(table) => self.drop_table(table),
            Change::AddColumn { table, column } => self.add_column(table, column, joined.reference),
            Change::AlterColumn { table, column } => self.alter_column(table, column),
            Change::DropColumn { table, name } => self.drop_column(table, name),
            Change::AddKey { table, key, is_unique } => self.add_key(table, key, *is_unique),
            Change::DropKey { table, name, is_unique } => self.drop_key(table, name, *is_unique),
            Change::AddForeignKey { table, foreign_key } => self.add_reference(table, foreign_key),
            Change::DropForeignKey { table, name } => self.drop_reference(table, name),
        }
    }
}
