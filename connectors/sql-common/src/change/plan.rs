//! Changes to steps, in their order, each judged against the tables as earlier ones leave them.

use connector_api::model::{Change, Column, DefaultValue, ForeignKey, Key, Table, TableKind, TableRef};
use connector_api::{Error, ErrorKind, Result};

use super::statement::{self, ALTER, Altered, about};
use super::together::{Joined, joined};
use super::world::{self, World};
use super::{Altering, Changes, Comments, Indexes, Parts, Refused, Step, default, names, native};
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
    let mut planner =
        Planner { dialect, world: World::new(tables), changes, at: 0, steps: Vec::new(), later: Vec::new() };
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
}

impl Planner<'_> {
    fn push(&mut self, statement: Statement) {
        self.steps.push(Step { change: self.at, statement });
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

    fn create_table(&mut self, wanted: &Table) -> Result<()> {
        if self.world.has(&wanted.table) {
            return Err(conflict(
                format!("the table '{}' exists already", wanted.table),
                "duplicate_table",
                "42P07",
            ));
        }
        let mut table = self.judged_table(wanted)?;
        let within = self.judged_references(&mut table)?;
        let (uniques, others): (Vec<_>, Vec<_>) =
            table.unique_keys.iter().partition(|key| self.dialect.is_constraint(&table.table, &key.name));
        let unnamed = |key: &&Key| match self.dialect.has_constraints() {
            true => Key::clone(key),
            false => Key { name: String::new(), columns: key.columns.clone() },
        };
        let uniques: Vec<Key> = uniques.iter().map(unnamed).collect();
        let is_within = self.dialect.indexes() == Indexes::OfTable;
        let inner: Vec<_> = table.indexes.iter().filter(|_| is_within).collect();
        let uniques: Vec<_> = uniques.iter().collect();
        let created = statement::create_table(
            self.dialect,
            &table,
            &uniques,
            &inner,
            &within.iter().collect::<Vec<_>>(),
        )?;
        let mut behind = vec![created];
        for key in others {
            behind.push(statement::create_index(self.dialect, &table.table, key, true)?);
        }
        for key in table.indexes.iter().filter(|_| !is_within) {
            behind.push(statement::create_index(self.dialect, &table.table, key, false)?);
        }
        behind.extend(statement::comments(self.dialect, &table)?);
        behind.into_iter().for_each(|statement| self.push(statement));
        self.world.add(table);
        Ok(())
    }

    /// The table as it shall be, but for its references: with names for its keys.
    fn judged_table(&self, wanted: &Table) -> Result<Table> {
        if wanted.kind != TableKind::Table {
            return Err(unsupported("making a view; make a table".to_owned()));
        }
        names::check(self.dialect, "table", &wanted.table.name)?;
        if !self.dialect.may_place(&wanted.table) {
            let message =
                format!("there can't be a table '{}': the service shows no such schema", wanted.table);
            return Err(Error::new(ErrorKind::NotFound, message).with_reason("schema_not_found"));
        }
        if wanted.columns.is_empty() {
            return Err(invalid(format!("the table '{}' has no column", wanted.table)));
        }
        for (at, column) in wanted.columns.iter().enumerate() {
            self.judge_column(column)?;
            if wanted.columns.iter().take(at).any(|before| before.name == column.name) {
                return Err(duplicate_column(&wanted.table, &column.name));
            }
        }
        let mut table = wanted.clone();
        if !table.primary_key.is_empty() {
            world::check_columns(&table, "primary key", &table.primary_key)?;
        }
        for is_unique in [true, false] {
            let keys = if is_unique { &wanted.unique_keys } else { &wanted.indexes };
            let named =
                keys.iter().map(|key| self.named_key(wanted, key, is_unique)).collect::<Result<_>>()?;
            *(if is_unique { &mut table.unique_keys } else { &mut table.indexes }) = named;
        }
        Ok(table)
    }

    fn judge_column(&self, column: &Column) -> Result<()> {
        names::check(self.dialect, "column", &column.name)?;
        if column.is_generated && !column.is_auto_increment {
            let what = format!("making the computed column '{}'; leave it out", column.name);
            return Err(unsupported(what));
        }
        Ok(())
    }

    /// A key with its name.
    fn named_key(&self, table: &Table, key: &Key, is_unique: bool) -> Result<Key> {
        world::check_columns(table, "key", &key.columns)?;
        let kind = if is_unique { "undx" } else { "ndx" };
        let mut key = key.clone();
        if key.name.is_empty() {
            key.name = names::of_key(self.dialect, kind, &table.table.to_string(), &key.columns);
        }
        // What belongs to the table has a name of the database's own.
        let is_own = !self.dialect.has_constraints() && self.dialect.is_constraint(&table.table, &key.name);
        if !is_own {
            names::check(self.dialect, "key", &key.name)?;
        }
        Ok(key)
    }

    /// Gives the references of a new table their names; those that stand within it.
    fn judged_references(&mut self, table: &mut Table) -> Result<Vec<ForeignKey>> {
        let wanted = std::mem::take(&mut table.foreign_keys);
        let mut within = Vec::new();
        for key in wanted {
            let is_later = key.references != table.table && !self.world.has(&key.references);
            if is_later && self.is_promised(&key.references) && self.dialect.has_constraints() {
                self.later.push((self.at, table.table.clone(), key));
                continue;
            }
            let key = self.judged_reference(table, &key)?;
            table.foreign_keys.push(key.clone());
            within.push(key);
        }
        Ok(within)
    }

    fn is_promised(&self, table: &TableRef) -> bool {
        let behind = self.changes.get(self.at + 1..).unwrap_or_default();
        behind.iter().any(|change| matches!(change, Change::CreateTable(made) if made.table == *table))
    }

    /// A table that a later change of the call makes, as it is asked for.
    fn promised(&self, table: &TableRef) -> Option<&Table> {
        self.changes.iter().find_map(|change| match change {
            Change::CreateTable(made) if made.table == *table => Some(made),
            _ => None,
        })
    }

    /// A reference with its name and the columns to which it refers.
    fn judged_reference(&self, table: &Table, key: &ForeignKey) -> Result<ForeignKey> {
        world::check_columns(table, "foreign key", &key.columns)?;
        let target = match &key.references {
            own if *own == table.table => table,
            other if !self.world.has(other) && !self.dialect.has_constraints() => {
                self.promised(other).ok_or_else(|| world::table_not_found(other))?
            }
            other => self.world.table(other)?,
        };
        let mut key = key.clone();
        if key.referenced_columns.is_empty() {
            key.referenced_columns.clone_from(&target.primary_key);
        }
        world::check_columns(target, "foreign key", &key.referenced_columns)?;
        if key.referenced_columns.len() != key.columns.len() {
            return Err(invalid(format!(
                "a foreign key of '{}' refers to more or fewer columns than it has",
                table.table
            )));
        }
        if self.dialect.refers_to_keys() && !world::is_key(target, &key.referenced_columns) {
            let columns = key.referenced_columns.join(", ");
            return Err(invalid(format!(
                "a foreign key of '{}' refers to columns that are no primary or unique key of '{}' ({columns})",
                table.table, target.table
            )));
        }
        for action in [&key.on_update, &key.on_delete].into_iter().flatten() {
            statement::known_action(action)?;
        }
        if key.name.is_empty() {
            key.name = names::of_key(self.dialect, "fk", &table.table.to_string(), &key.columns);
        }
        names::check(self.dialect, "key", &key.name)?;
        Ok(key)
    }

    fn drop_table(&mut self, table: &TableRef) -> Result<()> {
        self.world.table(table)?;
        if let Some(other) = self.world.referrer(table, &[]) {
            return Err(referred(format!("the table '{table}'"), other));
        }
        self.push(about(self.dialect, "DROP TABLE ", table, |_| Ok(()))?);
        self.world.remove(table);
        Ok(())
    }

    fn add_column(&mut self, of: &TableRef, column: &Column, reference: Option<&ForeignKey>) -> Result<()> {
        let table = self.world.table(of)?;
        self.judge_column(column)?;
        if table.columns.iter().any(|known| known.name == column.name) {
            return Err(duplicate_column(of, &column.name));
        }
        self.dialect.may_add(column)?;
        let mut table = table.clone();
        table.columns.push(column.clone());
        let reference = reference.map(|key| self.judged_reference(&table, key)).transpose()?;
        if reference.is_some() && default::is_value(column.default.as_ref()) {
            let what = format!(
                "adding the column '{}' with a reference and a default; leave the default out",
                column.name
            );
            return Err(unsupported(what));
        }
        let added = about(self.dialect, ALTER, of, |to| {
            to.keyword(" ADD COLUMN ");
            statement::define(self.dialect, to, &table, column)?;
            reference.iter().try_for_each(|key| statement::target(self.dialect, to, key))
        })?;
        self.push(added);
        if let (Comments::Statements, Some(text)) = (self.dialect.comments(), &column.comment) {
            self.push(statement::comment_on(self.dialect, of, Some(&column.name), text)?);
        }
        table.foreign_keys.extend(reference);
        self.world.add(table);
        Ok(())
    }

    fn alter_column(&mut self, of: &TableRef, wanted: &Column) -> Result<()> {
        let table = self.world.table(of)?;
        let current = world::column(table, &wanted.name)?;
        let Some(difference) = Difference::between(self.dialect, current, wanted)? else { return Ok(()) };
        difference.judge(table, current, wanted)?;
        let becomes = Column { comment: current.comment.clone(), ..wanted.clone() };
        let altered = match self.dialect.altering() {
            Altering::Never => {
                return Err(unsupported(format!(
                    "changing the column '{}' of '{of}'; add a new column, copy the values, and drop the old one",
                    wanted.name
                )));
            }
            Altering::Whole if difference.is_whole(wanted) => {
                statement::redefine(self.dialect, table, &becomes)?
            }
            Altering::Parts | Altering::Whole => {
                let parts = difference.parts(current, wanted);
                about(self.dialect, ALTER, of, |to| {
                    for (at, part) in parts.iter().enumerate() {
                        to.keyword(if at > 0 { "," } else { "" });
                        statement::alter_column(self.dialect, to, &wanted.name, part)?;
                    }
                    Ok(())
                })?
            }
        };
        self.push(altered);
        self.world.change(of, |table| {
            let column = table.columns.iter_mut().find(|column| column.name == becomes.name);
            column.into_iter().for_each(|column| *column = becomes.clone());
        });
        Ok(())
    }

    fn drop_column(&mut self, of: &TableRef, name: &str) -> Result<()> {
        let table = self.world.table(of)?;
        world::column(table, name)?;
        self.judge_drop(table, name)?;
        let is_over = |columns: &[String]| columns.iter().any(|column| column == name);
        let own: Vec<_> = table.foreign_keys.iter().filter(|key| is_over(&key.columns)).collect();
        let dropped = about(self.dialect, ALTER, of, |to| {
            for key in own {
                to.keyword(self.dialect.drop_reference());
                to.ident(&key.name)?;
                to.keyword(",");
            }
            to.keyword(" DROP COLUMN ");
            to.ident(name)
        })?;
        self.push(dropped);
        self.world.change(of, |table| {
            table.columns.retain(|column| column.name != name);
            table.foreign_keys.retain(|key| !is_over(&key.columns));
            table.unique_keys.retain(|key| !is_over(&key.columns));
            table.indexes.retain(|key| !is_over(&key.columns));
        });
        Ok(())
    }

    fn judge_drop(&self, table: &Table, name: &str) -> Result<()> {
        let of = &table.table;
        let refused = |why: String| {
            Err(conflict(format!("the column '{name}' of '{of}' can't go: {why}"), "in_use", "2BP01"))
        };
        if table.columns.len() == 1 {
            return refused("it is the only one; drop the table".to_owned());
        }
        if table.primary_key.iter().any(|column| column == name) {
            return refused("it is part of the primary key".to_owned());
        }
        let is_part = |key: &&Key| key.columns.len() > 1 && key.columns.iter().any(|column| column == name);
        if let Some(key) = table.unique_keys.iter().find(is_part) {
            return refused(format!("it is part of the key '{}'; drop that first", key.name));
        }
        if let Some(other) = self.world.referrer(of, &[name.to_owned()]) {
            return Err(referred(format!("the column '{name}' of '{of}'"), other));
        }
        self.dialect.may_drop(table, name)
    }

    fn add_key(&mut self, of: &TableRef, key: &Key, is_unique: bool) -> Result<()> {
        let table = self.world.table(of)?;
        let key = self.named_key(table, key, is_unique)?;
        if table.unique_keys.iter().chain(&table.indexes).any(|known| known.name == key.name) {
            return Err(conflict(
                format!("the table '{of}' has a key '{}' already", key.name),
                "duplicate_key",
                "42710",
            ));
        }
        let added = if is_unique && self.dialect.has_constraints() {
            about(self.dialect, ALTER, of, |to| {
                to.keyword(" ADD ");
                statement::unique(to, &key)
            })?
        } else {
            statement::create_index(self.dialect, of, &key, is_unique)?
        };
        self.push(added);
        self.world.change(of, |table| {
            let keys = if is_unique { &mut table.unique_keys } else { &mut table.indexes };
            keys.push(key);
        });
        Ok(())
    }

    fn drop_key(&mut self, of: &TableRef, name: &str, is_unique: bool) -> Result<()> {
        let table = self.world.table(of)?;
        let key = world::key(table, name, is_unique)?;
        let mut left = table.clone();
        left.unique_keys.retain(|key| key.name != name);
        left.indexes.retain(|key| key.name != name);
        if is_unique
            && !world::is_key(&left, &key.columns)
            && let Some(other) = self.world.referrer(of, &key.columns)
        {
            return Err(referred(format!("the key '{name}' of '{of}'"), other));
        }
        let is_constraint = is_unique && self.dialect.is_constraint(of, name);
        let dropped = match (is_constraint, self.dialect.has_constraints(), self.dialect.indexes()) {
            (true, false, _) => {
                return Err(unsupported(format!(
                    "dropping the key '{name}', which was made with its table '{of}'"
                )));
            }
            (true, true, Indexes::OfSchema) => about(self.dialect, ALTER, of, |to| {
                to.keyword(" DROP CONSTRAINT ");
                to.ident(name)
            })?,
            _ => statement::drop_index(self.dialect, of, name)?,
        };
        self.push(dropped);
        self.world.add(left);
        Ok(())
    }

    fn add_reference(&mut self, of: &TableRef, key: &ForeignKey) -> Result<()> {
        self.world.table(of)?;
        if !self.dialect.has_constraints() {
            return Err(unsupported(format!(
                "adding a foreign key to the table '{of}', which is there already; add it together with a new column"
            )));
        }
        if !self.world.has(&key.references) && self.is_promised(&key.references) {
            self.later.push((self.at, of.clone(), key.clone()));
            return Ok(());
        }
        self.reference_behind(of, key)
    }

    /// A reference of a table that is there.
    fn reference_behind(&mut self, of: &TableRef, key: &ForeignKey) -> Result<()> {
        let table = self.world.table(of)?;
        let key = self.judged_reference(table, key)?;
        if table.foreign_keys.iter().any(|known| known.name == key.name) {
            return Err(conflict(
                format!("the table '{of}' has a foreign key '{}' already", key.name),
                "duplicate_key",
                "42710",
            ));
        }
        let added = about(self.dialect, ALTER, of, |to| {
            to.keyword(" ADD ");
            statement::reference(self.dialect, to, &key)
        })?;
        self.push(added);
        self.world.change(of, |table| table.foreign_keys.push(key));
        Ok(())
    }

    fn drop_reference(&mut self, of: &TableRef, name: &str) -> Result<()> {
        world::reference(self.world.table(of)?, name)?;
        if !self.dialect.has_constraints() {
            return Err(unsupported(format!("dropping a foreign key of the table '{of}'")));
        }
        let dropped = about(self.dialect, ALTER, of, |to| {
            to.keyword(self.dialect.drop_reference());
            to.ident(name)
        })?;
        self.push(dropped);
        self.world.change(of, |table| table.foreign_keys.retain(|key| key.name != name));
        Ok(())
    }
}

/// What of a column is to become another one.
struct Difference {
    native: Option<Parts>,
    default: bool,
    nullable: bool,
    numbering: bool,
}

impl Difference {
    /// `None`: the column is as it shall be.
    fn between(dialect: &dyn Changes, current: &Column, wanted: &Column) -> Result<Option<Self>> {
        let difference = Self {
            native: other_type(dialect, current, wanted)?,
            default: !default::is_same(dialect, current.default.as_ref(), wanted.default.as_ref()),
            nullable: current.is_nullable != wanted.is_nullable,
            numbering: current.is_auto_increment != wanted.is_auto_increment,
        };
        let Self { native, default, nullable, numbering } = &difference;
        Ok((native.is_some() || *default || *nullable || *numbering).then_some(difference))
    }

    fn judge(&self, table: &Table, current: &Column, wanted: &Column) -> Result<()> {
        let name = &current.name;
        if self.numbering {
            return Err(unsupported(format!(
                "beginning or ending to number new rows by the column '{name}', which is there already"
            )));
        }
        if current.is_generated {
            return Err(unsupported(format!("changing the computed column '{name}'")));
        }
        if wanted.is_nullable && table.primary_key.contains(name) {
            return Err(invalid(format!("the column '{name}' is part of the primary key and takes no null")));
        }
        Ok(())
    }

    /// Whether words for a default alone do not say it.
    fn is_whole(&self, wanted: &Column) -> bool {
        let is_expression = matches!(wanted.default, Some(DefaultValue::Expression(_)));
        self.native.is_some() || self.nullable || is_expression
    }

    /// A default goes before the type changes: it need not fit the new one.
    fn parts<'c>(&'c self, current: &Column, wanted: &'c Column) -> Vec<Altered<'c>> {
        let new =
            wanted.default.as_ref().filter(|value| **value != DefaultValue::Value(serde_json::Value::Null));
        let goes = current.default.is_some() && (self.native.is_some() || new.is_none() && self.default);
        let comes = new.filter(|_| self.default || goes);
        [
            goes.then_some(Altered::NoDefault),
            self.native.as_ref().map(Altered::Type),
            comes.map(|value| Altered::Default(wanted, value)),
            self.nullable.then_some(Altered::Nullable(wanted.is_nullable)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// The type of a column, if it is to become another one.
fn other_type(dialect: &dyn Changes, current: &Column, wanted: &Column) -> Result<Option<Parts>> {
    if wanted.native_type == current.native_type && !wanted.native_type.is_empty() {
        return Ok(None);
    }
    let agrees = |wanted: Option<u64>, current: Option<u64>| wanted.is_none() || wanted == current;
    let is_alike = wanted.native_type.is_empty()
        && wanted.data_type == current.data_type
        && agrees(wanted.length, current.length)
        && agrees(wanted.precision.map(u64::from), current.precision.map(u64::from))
        && (wanted.scale.is_none() || wanted.scale == current.scale);
    if is_alike {
        return Ok(None);
    }
    let native = native::of(dialect, wanted)?;
    // What a description says and no rule knows is another type than all others.
    let is_same =
        Parts::read(&current.native_type).is_ok_and(|current| native::is_same(dialect, &current, &native));
    Ok((!is_same).then_some(native))
}

fn conflict(message: String, reason: &'static str, sqlstate: &'static str) -> Error {
    Error::new(ErrorKind::Conflict, message).with_reason(reason).with_sqlstate(sqlstate)
}

fn duplicate_column(table: &TableRef, name: &str) -> Error {
    conflict(format!("the table '{table}' has a column '{name}' already"), "duplicate_column", "42701")
}

/// A foreign key of another table is in the way.
fn referred(what: String, by: &TableRef) -> Error {
    conflict(format!("{what} can't go: the table '{by}' refers to it"), "in_use", "2BP01")
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidRequest, message)
}

fn unsupported(what: String) -> Error {
    Error::new(ErrorKind::Unsupported, format!("the database does not support {what}"))
        .with_reason("unsupported_change")
}
