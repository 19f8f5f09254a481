//! What differs from database to database, as questions with the answers of the SQL standard. A connector overrides what its
//! database does otherwise; nobody ever asks which database it is.

use connector_api::model::{
    Aggregate, AggregateFunction, ArithmeticOp, CompareOp, Expr, Function, Param, Path, TableRef, TextOp,
    Value,
};
use connector_api::{Error, Result};

use crate::build::Builder;
use crate::statement::{Group, Kind};

/// The escape character of the patterns that [`Bind::Pattern`](crate::Bind::Pattern) makes. Not a backslash: inside a literal that one
/// means itself in some databases and an escape in others.
pub const ESCAPE: char = '!';

/// How a value's place is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marker {
    /// `?`, in order.
    Question,
    /// This prefix and a number from 1 on, for example `$1`.
    Numbered(&'static str),
    /// The same, but a value that stands in the statement already keeps its number and is bound once. Not for databases that take the type
    /// of a value from the place of its marker.
    Shared(&'static str),
}

/// How a list is looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InList {
    /// `x IN (?, ?)`, one marker an item.
    Items,
    /// `x = ANY(?)`, one marker for all items of a kind, bound as an array.
    Array,
}

/// How rows are limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitStyle {
    /// `OFFSET ? ROWS FETCH NEXT ? ROWS ONLY`.
    OffsetFetch,
    /// `LIMIT ? OFFSET ?`.
    LimitOffset,
}

/// How nulls are put first or last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NullsOrder {
    /// `NULLS FIRST` and `NULLS LAST`.
    Words,
    /// By a sort key of its own before the column: `x IS NULL`, as 0 and 1.
    Rank,
    /// Nulls stand below all values; where they are wanted at the other end, by a sort key of its own.
    Lowest,
}

/// How a statement that writes gives back the rows it wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returning {
    /// Not at all: what a connector needs of them it reads by other statements.
    Nothing,
    /// `RETURNING …` at the end.
    Clause,
}

/// When the check of a row that was written is asked, in a database whose writes give back rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked<'d> {
    /// By the statement that writes: the last column that it gives back is 1 or 0.
    Within,
    /// Later, by [`recheck`](crate::build::recheck): the statement gives back, after its columns, these ones, which name the row. For rows
    /// that the database goes on to change behind the statement's back.
    Later(&'d [String]),
}

/// How rows are shown once that are the same in all columns wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distinct {
    /// `SELECT DISTINCT`.
    Words,
    /// `GROUP BY` these columns: so an order may go by a column of which another form is shown.
    Groups,
}

/// How a row that may exist is created or left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnConflict {
    /// The database has no words for it, or other ones.
    Unknown,
    /// `ON CONFLICT (key) DO …`, with the new row under the name `excluded`.
    Clause,
    /// There are no words that mean one key only: creating a row that exists fails, and the connector looks at the error. A row is replaced by
    /// an update that sets the columns which are not named to `DEFAULT`.
    Fails,
}

/// What a backslash is in a text between quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backslash {
    /// Itself.
    Plain,
    /// Itself or not, as a setting says; but in `E'…'` always what escapes the next character.
    Escaped,
    /// What escapes the next character.
    Doubled,
}

/// The differences of one database. Methods that write get the [`Builder`] and nothing else, so they too can write only fixed words,
/// names and markers.
pub trait Dialect: Send + Sync {
    /// Around names.
    fn quote(&self) -> char {
        '"'
    }

    /// In texts of definitions.
    fn backslash(&self) -> Backslash {
        Backslash::Plain
    }

    /// At the place of a value.
    fn marker(&self) -> Marker {
        Marker::Question
    }

    /// Words around a value of a condition that is written once more inside `CASE`, for a database that there puts the value into the place of
    /// the column that equals it, so that the condition would say nothing any more.
    fn veil(&self) -> Option<[&'static str; 2]> {
        None
    }

    /// Words around a condition that is written once more inside `CASE`, for a database that there puts the value into the place of a column
    /// that equals it, whatever stands around the value.
    fn screen(&self) -> [&'static str; 2] {
        ["", ""]
    }

    /// The kind of a parameter, where statements differ by it. A dialect whose columns have fixed types needs to know only nulls.
    fn kind(&self, value: &Value) -> Kind {
        match value {
            Value::Null | Value::Absent => Kind::Null,
            _ => Kind::Any,
        }
    }

    /// Lists.
    fn in_list(&self) -> InList {
        InList::Items
    }

    /// Page size and start.
    fn limit(&self) -> LimitStyle {
        LimitStyle::OffsetFetch
    }

    /// Nulls in an order.
    fn nulls(&self) -> NullsOrder {
        NullsOrder::Words
    }

    /// Rows shown once.
    fn distinct(&self) -> Distinct {
        Distinct::Words
    }

    /// Writes a column or an aggregate by which rows are ordered. A dialect whose database orders some types otherwise than it compares them,
    /// or not at all, writes another form of theirs or refuses them.
    ///
    /// # Errors
    /// When a name can't be written, there is no such column, or its values have no order.
    fn ordered(&self, to: &mut Builder<'_>, column: &Path) -> Result<()> {
        to.column(column)
    }

    /// Writes a column by which rows are grouped.
    ///
    /// # Errors
    /// As [`Dialect::ordered`].
    fn grouped(&self, to: &mut Builder<'_>, column: &Path) -> Result<()> {
        to.column(column)
    }

    /// Whether a condition on this column means something else when others make it one of another type, without an error that says so. Then a
    /// read that is kept prepared has a null of the column's type among what is wanted, by which the database notices.
    fn is_watched(&self, _column: &Path) -> bool {
        false
    }

    /// Rows given back by writes.
    fn returning(&self) -> Returning {
        Returning::Nothing
    }

    /// Checks of rows that were written.
    fn checked(&self) -> Checked<'_> {
        Checked::Within
    }

    /// Whether statements that write give back, as nulls behind all else, the types of the columns that they name. For a database that settles
    /// the types of a prepared statement's values when it prepares it, and later refuses the statement only when what it gives back has
    /// become of another type: else a value would be read as one of the type that its column had before.
    fn shows_types(&self) -> bool {
        false
    }

    /// Another table, whose rows a condition looks for: where it is, and the differences for statements about it.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](connector_api::ErrorKind::Unsupported) where conditions can't look into other tables.
    fn beside(&self, _table: &TableRef) -> Result<(TableRef, &dyn Dialect)> {
        Err(Error::unsupported("a filter on related rows"))
    }

    /// Writes a column whose values are wanted, in a read or behind a write. A dialect that has to convert what its driver can't read does it
    /// here.
    ///
    /// # Errors
    /// When a name can't be written, or there is no such column.
    fn wanted(&self, to: &mut Builder<'_>, column: &Path) -> Result<()> {
        to.column(column)
    }

    /// Writes a column that names a row whose check is asked later. A dialect that sends values as texts asks for a text here.
    ///
    /// # Errors
    /// When a name can't be written.
    fn naming(&self, to: &mut Builder<'_>, column: &Path) -> Result<()> {
        to.column(column)
    }

    /// Writes the marker of a value inside an expression. A dialect whose database has to be told the type does it here.
    ///
    /// # Errors
    /// When there can't be such a value.
    fn param(&self, to: &mut Builder<'_>, param: Param) -> Result<()> {
        to.param(param);
        Ok(())
    }

    /// Writes the marker of a record's cell that a column is set to.
    ///
    /// # Errors
    /// When there is no such column.
    fn stored(&self, to: &mut Builder<'_>, _column: &Path, cell: usize) -> Result<()> {
        to.cell(cell);
        Ok(())
    }

    /// Writes the marker of a record's cell that a key's column is compared with.
    ///
    /// # Errors
    /// When there is no such column.
    fn named(&self, to: &mut Builder<'_>, _column: &Path, cell: usize) -> Result<()> {
        to.cell(cell);
        Ok(())
    }

    /// Writes a call of a function.
    ///
    /// # Errors
    /// When a name can't be written.
    fn call(&self, to: &mut Builder<'_>, function: Function, args: &[Expr]) -> Result<()> {
        to.call(function, args)
    }

    /// Rows that may exist.
    fn on_conflict(&self) -> OnConflict {
        OnConflict::Unknown
    }

    /// The words before the table that gets new rows. They have to mean "fail if it exists", whatever the table itself prefers.
    fn insert_into(&self) -> &'static str {
        "INSERT INTO "
    }

    /// The words behind the table for a new row of which nothing is given.
    fn default_row(&self) -> &'static str {
        " DEFAULT VALUES"
    }

    /// The words before the table whose rows change.
    fn update(&self) -> &'static str {
        "UPDATE "
    }

    /// The name of a function; [`Function::Text`] is written by [`Dialect::text_of`].
    fn function(&self, function: Function) -> &'static str {
        match function {
            Function::Now => "CURRENT_TIMESTAMP",
            Function::CurrentDate => "CURRENT_DATE",
            Function::Lower => "LOWER",
            Function::Upper => "UPPER",
            Function::Trim => "TRIM",
            Function::Length => "CHAR_LENGTH",
            Function::Abs => "ABS",
            Function::Round => "ROUND",
            Function::Coalesce => "COALESCE",
            Function::Text => "CAST",
            Function::Concat => "CONCAT",
        }
    }

    /// Writes the text of a value, as [`Function::Text`] wants it. The standard leaves to the database how a cast writes what is no text.
    ///
    /// # Errors
    /// When a name can't be written.
    fn text_of(&self, to: &mut Builder<'_>, expr: &Expr) -> Result<()> {
        to.keyword("CAST(");
        to.expr(expr)?;
        to.keyword(" AS CHARACTER VARYING)");
        Ok(())
    }

    /// Writes the texts of values one behind the other. Null when one of them is, which the standard's operator says and its function does not.
    ///
    /// # Errors
    /// When a name can't be written.
    fn concat(&self, to: &mut Builder<'_>, args: &[Expr]) -> Result<()> {
        to.keyword("(");
        to.texts(args, " || ")?;
        to.keyword(")");
        Ok(())
    }

    /// Writes a comparison. A dialect that compares values of different kinds confines it to one kind here.
    ///
    /// # Errors
    /// When a name can't be written.
    fn compare(&self, to: &mut Builder<'_>, op: CompareOp, left: &Expr, right: &Expr) -> Result<()> {
        to.expr(left)?;
        to.keyword(compare_sign(op));
        to.expr(right)
    }

    /// Writes that `expr` equals one of the list's items of one kind.
    ///
    /// # Errors
    /// When a name can't be written.
    fn in_items(&self, to: &mut Builder<'_>, expr: &Expr, list: Param, group: Group) -> Result<()> {
        to.expr(expr)?;
        to.items(list, group);
        Ok(())
    }

    /// Writes a search in a text.
    ///
    /// # Errors
    /// When a name can't be written.
    fn text(&self, to: &mut Builder<'_>, op: TextOp, expr: &Expr, pattern: Param) -> Result<()> {
        to.like(op, expr, pattern)
    }

    /// Writes an aggregate. Nulls are left out by the standard; a dialect whose database takes texts for numbers in sums overrides it.
    ///
    /// # Errors
    /// When a name can't be written.
    fn aggregate(&self, to: &mut Builder<'_>, aggregate: &Aggregate) -> Result<()> {
        to.aggregate_call(aggregate_name(aggregate.function), aggregate)
    }

    /// Writes two numbers combined, between parentheses. The standard leaves to the database whether two integers divide to an integer
    /// and what an overflow is; a dialect whose database does not cut towards zero, or goes on with a float, overrides it.
    ///
    /// # Errors
    /// When a name can't be written.
    fn arithmetic(&self, to: &mut Builder<'_>, op: ArithmeticOp, left: &Expr, right: &Expr) -> Result<()> {
        to.keyword("(");
        to.expr(left)?;
        match op {
            ArithmeticOp::Add => to.keyword(" + "),
            ArithmeticOp::Sub => to.keyword(" - "),
            ArithmeticOp::Mul => to.keyword(" * "),
            ArithmeticOp::Div => {
                to.keyword(" / NULLIF(");
                to.expr(right)?;
                to.keyword(", 0))");
                return Ok(());
            }
        }
        to.expr(right)?;
        to.keyword(")");
        Ok(())
    }
}

/// The sign of a comparison, blanks included.
pub fn compare_sign(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Eq => " = ",
        CompareOp::Ne => " <> ",
        CompareOp::Lt => " < ",
        CompareOp::Le => " <= ",
        CompareOp::Gt => " > ",
        CompareOp::Ge => " >= ",
    }
}

/// The standard's name of an aggregate.
pub fn aggregate_name(function: AggregateFunction) -> &'static str {
    match function {
        AggregateFunction::Count => "COUNT",
        AggregateFunction::Sum => "SUM",
        AggregateFunction::Avg => "AVG",
        AggregateFunction::Min => "MIN",
        AggregateFunction::Max => "MAX",
    }
}

#[cfg(test)]
pub(crate) mod tests {
    //! Two dialects for the tests of this crate.

    use super::*;

    /// Only defaults.
    pub(crate) struct Ansi;

    impl Dialect for Ansi {}

    /// Everything otherwise.
    pub(crate) struct Backticks;

    impl Dialect for Backticks {
        fn quote(&self) -> char {
            '`'
        }
        fn marker(&self) -> Marker {
            Marker::Numbered("$")
        }
        fn in_list(&self) -> InList {
            InList::Array
        }
        fn limit(&self) -> LimitStyle {
            LimitStyle::LimitOffset
        }
        fn nulls(&self) -> NullsOrder {
            NullsOrder::Rank
        }
        fn distinct(&self) -> Distinct {
            Distinct::Groups
        }
        fn is_watched(&self, column: &Path) -> bool {
            column.as_column() == Some("watched")
        }
        fn returning(&self) -> Returning {
            Returning::Clause
        }
        fn beside(&self, table: &TableRef) -> Result<(TableRef, &dyn Dialect)> {
            Ok((TableRef { namespace: vec!["there".to_owned()], ..table.clone() }, self))
        }
        fn on_conflict(&self) -> OnConflict {
            OnConflict::Clause
        }
        fn insert_into(&self) -> &'static str {
            "INSERT OR ABORT INTO "
        }
        fn update(&self) -> &'static str {
            "UPDATE OR ABORT "
        }
    }
}
