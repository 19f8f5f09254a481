//! Changes of tables to statements. All changes are judged first, against the tables as they are and as earlier changes make them; then there
//! is a list of [`Step`]s, or an error and not a single statement.
//!
//! * [`Changes`]: what differs from database to database.
//! * `plan`: changes to steps. `world`: the tables as they become. `together`: changes that have to be one statement. `difference`: what of a
//!   column is to become another one. `refusal`: in which words a change is refused.
//! * `statement`: the statements. `native`: types. `default`: defaults. `parts`: their texts, taken apart. `names`: names and their bounds.
//! * `ends`: what became of each change.

mod default;
mod difference;
mod ends;
mod names;
mod native;
mod parts;
mod plan;
mod refusal;
mod statement;
mod together;
mod world;

use connector_api::model::{Change, Column, Table, TableRef};
use connector_api::{Error, Result};

pub use default::Expression;
pub use ends::{Changed, Ends};
pub use native::{Sizes, TypeRule, Types, named_types};
pub use parts::{Part, Parts};
pub use plan::plan;

use crate::dialect::Dialect;
use crate::{SqlWriter, Statement};

/// A statement, and the change to which it belongs, by its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Which change.
    pub change: usize,
    /// An earlier change that the statement does too.
    pub with: Option<usize>,
    /// What is to be run. It has no markers.
    pub statement: Statement,
}

/// A change that can't be done, by its position, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Which change.
    pub change: usize,
    /// Why not.
    pub error: Error,
}

/// How a column becomes another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Altering {
    /// Not at all.
    Never,
    /// Type, default and nullability by words of their own.
    Parts,
    /// Defaults by words of their own; for the rest the column is written whole.
    Whole,
}

/// To what an index belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Indexes {
    /// To a schema, in which its name stands once. It is made by a statement of its own.
    OfSchema,
    /// To its table. It is made with the table.
    OfTable,
}

/// How comments are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comments {
    /// Not at all.
    Never,
    /// By a statement of their own.
    Statements,
    /// By words behind what they are about.
    Words,
}

/// How a column comes to number new rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Numbering {
    /// By words behind its type.
    Words(&'static str),
    /// By being the primary key, which these words say behind its type.
    Key(&'static str),
    /// Its type says it already.
    Type,
}

/// The differences of one database where tables change. Methods that write get the [`SqlWriter`], so they too can write only fixed words,
/// names, and what passes its other doors.
pub trait Changes: Dialect {
    /// The types that columns may have.
    fn types(&self) -> Types;

    /// Whether a type with `[]` behind it is a list.
    fn has_lists(&self) -> bool {
        false
    }

    /// A type of the database's own by its name: its schema and its name, if it exists.
    fn named_type(&self, _schema: Option<&str>, _name: &str) -> Option<[String; 2]> {
        None
    }

    /// The type for a column of which only the neutral type is known.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](connector_api::ErrorKind::Unsupported) when there is none.
    fn native(&self, column: &Column) -> Result<Parts>;

    /// The expressions that may be defaults.
    fn expressions(&self) -> &'static [Expression];

    /// Whether a constant default of this column is an expression to the database.
    fn is_default_in_brackets(&self, _column: &Column) -> bool {
        false
    }

    /// Columns that become others.
    fn altering(&self) -> Altering;

    /// Whether unique keys and references can be added to a table and taken from it. Else unique keys are indexes, and references come with
    /// their table or their column.
    fn has_constraints(&self) -> bool {
        true
    }

    /// Whether this unique key is a constraint, or an index without one.
    fn is_constraint(&self, _table: &TableRef, _key: &str) -> bool {
        true
    }

    /// Indexes.
    fn indexes(&self) -> Indexes {
        Indexes::OfSchema
    }

    /// The words before the name of a reference that goes.
    fn drop_reference(&self) -> &'static str {
        " DROP CONSTRAINT "
    }

    /// Whether a reference that takes the place of another has to come by the statement with which that one goes: nothing brings it back when
    /// a statement of its own fails. The new one then has another name.
    fn replaces_references(&self) -> bool {
        false
    }

    /// Whether columns that are referred to have to be a primary or unique key. Else the database is asked.
    fn refers_to_keys(&self) -> bool {
        true
    }

    /// Comments.
    fn comments(&self) -> Comments {
        Comments::Never
    }

    /// Columns that number new rows.
    ///
    /// # Errors
    /// When this one can't.
    fn numbering(&self, table: &Table, column: &Column) -> Result<Numbering>;

    /// What is said of a column that takes nulls.
    fn nullable(&self) -> &'static str {
        ""
    }

    /// Writes what a column keeps that is written whole, or gets another type, and of which no description speaks.
    ///
    /// # Errors
    /// When a name can't be written.
    fn kept(&self, _to: &mut SqlWriter<'_>, _table: &TableRef, _column: &Column) -> Result<()> {
        Ok(())
    }

    /// The most bytes of a name that is made for a key; `None`: no bound that matters.
    fn longest_name(&self) -> Option<usize> {
        None
    }

    /// Why there can't be a table, column or key (`what`) of this name.
    fn refuses_name(&self, _what: &str, _name: &str) -> Option<&'static str> {
        None
    }

    /// Whether this column can be added to a table that has rows, perhaps.
    ///
    /// # Errors
    /// Why not, and what to do.
    fn may_add(&self, _column: &Column) -> Result<()> {
        Ok(())
    }

    /// Whether this column can go.
    ///
    /// # Errors
    /// Why not, and what to do.
    fn may_drop(&self, _table: &Table, _column: &str) -> Result<()> {
        Ok(())
    }

    /// Whether a table can be made in its place.
    fn may_place(&self, table: &TableRef) -> bool {
        table.namespace.is_empty()
    }

    /// The table where it is.
    fn placed(&self, table: &TableRef) -> TableRef {
        table.clone()
    }
}

/// The tables of which these changes speak, each once: those that have to be described before.
#[must_use]
pub fn tables_of(changes: &[Change]) -> Vec<TableRef> {
    let mut tables: Vec<TableRef> = Vec::new();
    for table in changes.iter().flat_map(named_by) {
        if !tables.contains(table) {
            tables.push(table.clone());
        }
    }
    tables
}

/// The table of a change, and those to which it refers.
fn named_by(change: &Change) -> Vec<&TableRef> {
    match change {
        Change::CreateTable(table) => {
            let referred = table.foreign_keys.iter().map(|key| &key.references);
            std::iter::once(&table.table).chain(referred).collect()
        }
        Change::AddForeignKey { table, foreign_key } => vec![table, &foreign_key.references],
        change => vec![table_of(change)],
    }
}

fn table_of(change: &Change) -> &TableRef {
    match change {
        Change::CreateTable(table) => &table.table,
        Change::DropTable(table)
        | Change::AddColumn { table, .. }
        | Change::AlterColumn { table, .. }
        | Change::DropColumn { table, .. }
        | Change::AddKey { table, .. }
        | Change::DropKey { table, .. }
        | Change::AddForeignKey { table, .. }
        | Change::DropForeignKey { table, .. } => table,
    }
}
