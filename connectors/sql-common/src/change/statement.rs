//! The statements of changes. What is written here was judged before.

use connector_api::model::{Column, DefaultValue, ForeignKey, Key, Table, TableRef};
use connector_api::{Error, ErrorKind, Result};

use super::{Changes, Comments, Indexes, Numbering, Parts, default, native};
use crate::{SqlWriter, Statement};

/// What references may do, in the words of the standard.
const ACTIONS: [&str; 5] = ["NO ACTION", "RESTRICT", "CASCADE", "SET NULL", "SET DEFAULT"];

/// A statement about a table: the words before its name, its name, and what `write` writes.
pub(super) fn about(
    dialect: &dyn Changes,
    words: &'static str,
    table: &TableRef,
    write: impl FnOnce(&mut SqlWriter<'_>) -> Result<()>,
) -> Result<Statement> {
    let mut to = SqlWriter::new(dialect);
    to.keyword(words);
    to.table(&dialect.placed(table))?;
    write(&mut to)?;
    Ok(to.finish())
}

/// The words before a change of a table that is there.
pub(super) const ALTER: &str = "ALTER TABLE ";

/// A new table with all that stands within it: `indexes` and `references` are those of its keys that do.
pub(super) fn create_table(
    dialect: &dyn Changes,
    table: &Table,
    uniques: &[&Key],
    indexes: &[&Key],
    references: &[&ForeignKey],
) -> Result<Statement> {
    about(dialect, "CREATE TABLE ", &table.table, |to| {
        to.keyword(" (");
        let mut has_key = false;
        for (at, column) in table.columns.iter().enumerate() {
            to.keyword(if at > 0 { ", " } else { "" });
            has_key |= define(dialect, to, table, column)?;
        }
        if !table.primary_key.is_empty() && !has_key {
            to.keyword(", PRIMARY KEY ");
            list(to, &table.primary_key)?;
        }
        for key in uniques {
            to.keyword(", ");
            unique(to, key)?;
        }
        for key in references {
            to.keyword(", ");
            reference(dialect, to, key)?;
        }
        for key in indexes {
            to.keyword(", INDEX ");
            to.ident(&key.name)?;
            to.keyword(" ");
            list(to, &key.columns)?;
        }
        to.keyword(")");
        comment(dialect, to, table.comment.as_deref())
    })
}

/// Writes a column as it shall be; tells whether that says which column the primary key is.
pub(super) fn define(
    dialect: &dyn Changes,
    to: &mut SqlWriter<'_>,
    table: &Table,
    column: &Column,
) -> Result<bool> {
    to.ident(&column.name)?;
    let native = native::of(dialect, column)?;
    if native != Parts::default() {
        to.keyword(" ");
        native::write(dialect, to, &native)?;
    }
    let numbering = column.is_auto_increment.then(|| dialect.numbering(table, column)).transpose()?;
    if let Some(Numbering::Key(words)) = numbering {
        to.keyword(words);
        return Ok(true);
    }
    if let Some(Numbering::Words(words)) = numbering {
        to.keyword(words);
    }
    let is_key = table.primary_key.contains(&column.name);
    to.keyword(match column.is_nullable {
        true if is_key => "",
        true => dialect.nullable(),
        false => " NOT NULL",
    });
    if let Some(value) = &column.default {
        to.keyword(" DEFAULT ");
        default::write(dialect, to, column, value)?;
    }
    comment(dialect, to, column.comment.as_deref())?;
    Ok(false)
}

/// Writes a column that is there already as a whole.
pub(super) fn redefine(dialect: &dyn Changes, table: &Table, column: &Column) -> Result<Statement> {
    about(dialect, ALTER, &table.table, |to| {
        to.keyword(" MODIFY COLUMN ");
        define(dialect, to, table, column)?;
        dialect.kept(to, &table.table, column)
    })
}

fn comment(dialect: &dyn Changes, to: &mut SqlWriter<'_>, text: Option<&str>) -> Result<()> {
    match text {
        Some(text) if dialect.comments() == Comments::Words => {
            to.keyword(" COMMENT ");
            to.text(text)
        }
        _ => Ok(()),
    }
}

/// Statements for the comments of a new table.
pub(super) fn comments(dialect: &dyn Changes, table: &Table) -> Result<Vec<Statement>> {
    if dialect.comments() != Comments::Statements {
        return Ok(Vec::new());
    }
    let own = table.comment.iter().map(|text| comment_on(dialect, &table.table, None, text));
    let columns = table.columns.iter().filter_map(|column| Some((column, column.comment.as_ref()?)));
    own.chain(columns.map(|(column, text)| comment_on(dialect, &table.table, Some(&column.name), text)))
        .collect()
}

/// A statement for the comment of a table or a column.
pub(super) fn comment_on(
    dialect: &dyn Changes,
    table: &TableRef,
    column: Option<&str>,
    text: &str,
) -> Result<Statement> {
    let words = if column.is_some() { "COMMENT ON COLUMN " } else { "COMMENT ON TABLE " };
    about(dialect, words, table, |to| {
        if let Some(column) = column {
            to.keyword(".");
            to.ident(column)?;
        }
        to.keyword(" IS ");
        to.text(text)
    })
}

/// Writes a unique key. Without a name the database makes one.
pub(super) fn unique(to: &mut SqlWriter<'_>, key: &Key) -> Result<()> {
    if !key.name.is_empty() {
        to.keyword("CONSTRAINT ");
        to.ident(&key.name)?;
        to.keyword(" ");
    }
    to.keyword("UNIQUE ");
    list(to, &key.columns)
}

/// Writes a reference with its name.
pub(super) fn reference(dialect: &dyn Changes, to: &mut SqlWriter<'_>, key: &ForeignKey) -> Result<()> {
    to.keyword("CONSTRAINT ");
    to.ident(&key.name)?;
    to.keyword(" FOREIGN KEY ");
    list(to, &key.columns)?;
    target(dialect, to, key)
}

/// Writes what a reference refers to.
pub(super) fn target(dialect: &dyn Changes, to: &mut SqlWriter<'_>, key: &ForeignKey) -> Result<()> {
    to.keyword(" REFERENCES ");
    to.table(&dialect.placed(&key.references))?;
    to.keyword(" ");
    list(to, &key.referenced_columns)?;
    for (words, action) in [(" ON UPDATE ", &key.on_update), (" ON DELETE ", &key.on_delete)] {
        if let Some(action) = action {
            to.keyword(words);
            to.keyword(known_action(action)?);
        }
    }
    Ok(())
}

/// An action in the words of the standard.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] for another one.
pub(super) fn known_action(action: &str) -> Result<&'static str> {
    ACTIONS.into_iter().find(|known| known.eq_ignore_ascii_case(action)).ok_or_else(|| {
        let shown: String = action.chars().filter(|character| !character.is_control()).take(40).collect();
        let expected = ACTIONS.join(", ");
        Error::new(
            ErrorKind::InvalidRequest,
            format!("'{shown}' is no action of a reference; expected one of {expected}"),
        )
    })
}

/// An index, unique or not.
pub(super) fn create_index(
    dialect: &dyn Changes,
    table: &TableRef,
    key: &Key,
    is_unique: bool,
) -> Result<Statement> {
    let mut to = SqlWriter::new(dialect);
    to.keyword(if is_unique { "CREATE UNIQUE INDEX " } else { "CREATE INDEX " });
    to.ident(&key.name)?;
    to.keyword(" ON ");
    to.table(&dialect.placed(table))?;
    to.keyword(" ");
    list(&mut to, &key.columns)?;
    Ok(to.finish())
}

/// An index that goes.
pub(super) fn drop_index(dialect: &dyn Changes, table: &TableRef, name: &str) -> Result<Statement> {
    let mut to = SqlWriter::new(dialect);
    to.keyword("DROP INDEX ");
    let place = dialect.placed(table);
    if dialect.indexes() == Indexes::OfTable {
        to.ident(name)?;
        to.keyword(" ON ");
        to.table(&place)?;
    } else {
        to.table(&TableRef { name: name.to_owned(), ..place })?;
    }
    Ok(to.finish())
}

/// Part of a column's definition that becomes another one.
pub(super) enum Altered<'c> {
    Type(&'c Column, &'c Parts),
    Default(&'c Column, &'c DefaultValue),
    NoDefault,
    Nullable(bool),
}

/// Writes one part.
pub(super) fn alter_column(
    dialect: &dyn Changes,
    to: &mut SqlWriter<'_>,
    (table, name): (&TableRef, &str),
    altered: &Altered<'_>,
) -> Result<()> {
    to.keyword(" ALTER COLUMN ");
    to.ident(name)?;
    match altered {
        Altered::Type(column, native) => {
            to.keyword(" TYPE ");
            native::write(dialect, to, native)?;
            dialect.kept(to, table, column)?;
        }
        Altered::Default(column, value) => {
            to.keyword(" SET DEFAULT ");
            default::write(dialect, to, column, value)?;
        }
        Altered::NoDefault => to.keyword(" DROP DEFAULT"),
        Altered::Nullable(true) => to.keyword(" DROP NOT NULL"),
        Altered::Nullable(false) => to.keyword(" SET NOT NULL"),
    }
    Ok(())
}

fn list(to: &mut SqlWriter<'_>, names: &[String]) -> Result<()> {
    to.keyword("(");
    for (at, name) in names.iter().enumerate() {
        to.keyword(if at > 0 { ", " } else { "" });
        to.ident(name)?;
    }
    to.keyword(")");
    Ok(())
}
