//! Where changes of tables differ from the standard. <https://dev.mysql.com/doc/refman/8.4/en/alter-table.html>
//! <https://mariadb.com/docs/server/reference/sql-statements/data-definition/alter/alter-table>

use connector_api::author::{Column, ColumnType, DefaultValue, Table, TableRef};
use connector_api::{Error, ErrorKind, Result};
use connector_sql_common::SqlWriter;
use connector_sql_common::change::{
    Altering, Changes, Comments, Expression, Indexes, Numbering, Parts, Sizes, TypeRule, Types,
};
use connector_sql_common::dialect::{Backslash, Dialect};

/// What has to be known of the database before its tables can change.
#[derive(Debug, Default)]
pub(crate) struct Changing {
    /// The server is MariaDB, else it is MySQL.
    pub(crate) is_mariadb: bool,
    /// The connection's modes say that a backslash escapes nothing: `NO_BACKSLASH_ESCAPES`.
    pub(crate) is_backslash_plain: bool,
    /// What columns have beyond their descriptions.
    pub(crate) kept: Vec<Kept>,
}

/// What a column has beyond its description, and would lose when it is written anew.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) table: TableRef,
    pub(crate) column: String,
    /// Of a column of texts.
    pub(crate) collation: Option<String>,
    /// It takes the moment of each change of its row, with so many digits of a second.
    pub(crate) updated: Option<u64>,
    /// Only those see it who name it.
    pub(crate) is_invisible: bool,
    /// It has a check of its own, which can't be written: it is an expression.
    pub(crate) is_checked: bool,
}

const SIGNS: &[&str] = &["unsigned", "unsigned zerofill", "zerofill", "signed"];

const fn whole(name: &'static str) -> TypeRule {
    TypeRule { sizes: Sizes::Width(1), ..TypeRule::plain(name).with(SIGNS) }
}

const fn labels(name: &'static str) -> TypeRule {
    TypeRule { sizes: Sizes::Labels, ..TypeRule::plain(name) }
}

const TYPES: &[TypeRule] = &[
    // What is one digit wide is true or false to this connector.
    TypeRule::sized("tinyint", 1).with(SIGNS),
    TypeRule::plain("bool"),
    TypeRule::plain("boolean"),
    whole("smallint"),
    whole("mediumint"),
    whole("int"),
    whole("integer").same_as("int"),
    whole("bigint"),
    TypeRule::sized("bit", 1),
    TypeRule { sizes: Sizes::Width(1), ..TypeRule::plain("year") },
    TypeRule::sized("decimal", 2).with(SIGNS),
    TypeRule::sized("dec", 2).with(SIGNS).same_as("decimal"),
    TypeRule::sized("numeric", 2).with(SIGNS).same_as("decimal"),
    TypeRule::sized("fixed", 2).with(SIGNS).same_as("decimal"),
    TypeRule::sized("float", 2).with(SIGNS),
    TypeRule::sized("double precision", 2).with(SIGNS).same_as("double"),
    TypeRule::sized("double", 2).with(SIGNS),
    TypeRule::sized("real", 2).with(SIGNS).same_as("double"),
    TypeRule::sized("char", 1),
    TypeRule::sized("character", 1).same_as("char"),
    TypeRule::sized("varchar", 1),
    TypeRule::sized("character varying", 1).same_as("varchar"),
    TypeRule::plain("tinytext"),
    TypeRule::sized("text", 1),
    TypeRule::plain("mediumtext"),
    TypeRule::plain("longtext"),
    TypeRule::sized("binary", 1),
    TypeRule::sized("varbinary", 1),
    TypeRule::plain("tinyblob"),
    TypeRule::sized("blob", 1),
    TypeRule::plain("mediumblob"),
    TypeRule::plain("longblob"),
    labels("enum"),
    labels("set"),
    TypeRule::plain("date"),
    TypeRule::sized("time", 1),
    TypeRule::sized("datetime", 1),
    TypeRule::sized("timestamp", 1),
    TypeRule::plain("json"),
    TypeRule::plain("uuid"),
    TypeRule::plain("inet4"),
    TypeRule::plain("inet6"),
    TypeRule::sized("vector", 1),
    TypeRule::plain("geometry"),
    TypeRule::plain("point"),
    TypeRule::plain("linestring"),
    TypeRule::plain("polygon"),
    TypeRule::plain("multipoint"),
    TypeRule::plain("multilinestring"),
    TypeRule::plain("multipolygon"),
    TypeRule::plain("geometrycollection"),
    TypeRule::plain("geomcollection").same_as("geometrycollection"),
];

/// What is no moment stands in brackets.
const EXPRESSIONS: &[Expression] = &[
    ("current_timestamp", "CURRENT_TIMESTAMP"),
    ("current_timestamp()", "CURRENT_TIMESTAMP"),
    ("current_timestamp(#)", "CURRENT_TIMESTAMP(#)"),
    ("now()", "CURRENT_TIMESTAMP"),
    ("now(#)", "CURRENT_TIMESTAMP(#)"),
    ("localtimestamp", "CURRENT_TIMESTAMP"),
    ("localtimestamp()", "CURRENT_TIMESTAMP"),
    ("current_timestamp on update current_timestamp", "CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP"),
    ("current_timestamp()on update current_timestamp()", "CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP"),
    (
        "current_timestamp(#)on update current_timestamp(#)",
        "CURRENT_TIMESTAMP(#) ON UPDATE CURRENT_TIMESTAMP(#)",
    ),
    ("current_date", "(CURRENT_DATE)"),
    ("current_date()", "(CURRENT_DATE)"),
    ("curdate()", "(CURRENT_DATE)"),
    ("current_time", "(CURRENT_TIME)"),
    ("current_time()", "(CURRENT_TIME)"),
    ("curtime()", "(CURRENT_TIME)"),
    ("uuid()", "(UUID())"),
    ("unix_timestamp()", "(UNIX_TIMESTAMP())"),
    ("rand()", "(RAND())"),
];

/// Characters of a text without a bound of its own.
const LENGTH: u64 = 255;
const LONGEST_NAME: usize = 64;
/// Precision and scale of decimals without them: the servers' own, 10 digits and none behind the point, would cut values without a word.
const WIDEST_DECIMAL: [u64; 2] = [38, 10];

impl Dialect for Changing {
    fn quote(&self) -> char {
        '`'
    }

    fn backslash(&self) -> Backslash {
        if self.is_backslash_plain { Backslash::Plain } else { Backslash::Doubled }
    }
}

impl Changes for Changing {
    fn types(&self) -> Types {
        Types::Rules(TYPES)
    }

    fn native(&self, column: &Column) -> Result<Parts> {
        let words = match column.data_type {
            ColumnType::Boolean => return Ok(Parts::sized("tinyint", &[1])),
            ColumnType::Integer => "int",
            ColumnType::BigInt => "bigint",
            ColumnType::Float => "float",
            ColumnType::Double => "double",
            ColumnType::Decimal => return Ok(decimal(column)),
            ColumnType::String => return Ok(Parts::sized("varchar", &[column.length.unwrap_or(LENGTH)])),
            ColumnType::Text => "text",
            ColumnType::Binary => match column.length {
                Some(length) => return Ok(Parts::sized("varbinary", &[length])),
                None => "blob",
            },
            ColumnType::Date => "date",
            ColumnType::Time => "time",
            ColumnType::DateTime => "datetime",
            ColumnType::Timestamp => "timestamp",
            ColumnType::Uuid if self.is_mariadb => "uuid",
            ColumnType::Uuid => return Ok(Parts::sized("char", &[36])),
            ColumnType::Json => "json",
            ColumnType::Array | ColumnType::Object => return Err(no_type(column, "use one for JSON")),
            ColumnType::Other => return Err(no_type(column, "name one")),
        };
        Ok(Parts::sized(words, &[]))
    }

    fn expressions(&self) -> &'static [Expression] {
        EXPRESSIONS
    }

    /// MySQL takes constants for these columns as expressions only.
    fn is_default_in_brackets(&self, column: &Column) -> bool {
        let is_long = matches!(column.data_type, ColumnType::Text | ColumnType::Binary | ColumnType::Json);
        is_long && !self.is_mariadb
    }

    fn altering(&self) -> Altering {
        Altering::Whole
    }

    fn indexes(&self) -> Indexes {
        Indexes::OfTable
    }

    fn drop_reference(&self) -> &'static str {
        " DROP FOREIGN KEY "
    }

    fn replaces_references(&self) -> bool {
        true
    }

    /// An index will do.
    fn refers_to_keys(&self) -> bool {
        false
    }

    fn comments(&self) -> Comments {
        Comments::Words
    }

    fn numbering(&self, _: &Table, _: &Column) -> Result<Numbering> {
        Ok(Numbering::Words(" AUTO_INCREMENT"))
    }

    /// Without it an old server makes the first moment of a table one that is never null.
    fn nullable(&self) -> &'static str {
        " NULL"
    }

    fn kept(&self, to: &mut SqlWriter<'_>, table: &TableRef, column: &Column) -> Result<()> {
        let is_it = |kept: &&Kept| kept.table == *table && kept.column == column.name;
        let Some(kept) = self.kept.iter().find(is_it) else { return Ok(()) };
        if kept.is_checked {
            return Err(has_check(column));
        }
        if let Some(collation) = kept.collation.as_ref().filter(|_| is_of_texts(column)) {
            to.keyword(" COLLATE ");
            to.ident(collation)?;
        }
        let says_so = matches!(&column.default, Some(DefaultValue::Expression(text)) if text.to_ascii_lowercase().contains("update"));
        match kept.updated.filter(|_| is_moment(column) && !says_so) {
            Some(0) => to.keyword(" ON UPDATE CURRENT_TIMESTAMP"),
            Some(digits) => {
                to.keyword(" ON UPDATE CURRENT_TIMESTAMP(");
                to.number(&digits.into());
                to.keyword(")");
            }
            None => {}
        }
        to.keyword(if kept.is_invisible { " INVISIBLE" } else { "" });
        Ok(())
    }

    fn longest_name(&self) -> Option<usize> {
        Some(LONGEST_NAME)
    }

    /// <https://dev.mysql.com/doc/refman/8.4/en/identifiers.html>
    fn refuses_name(&self, _: &str, name: &str) -> Option<&'static str> {
        if name.ends_with(' ') {
            return Some("it ends with a blank");
        }
        if name.chars().any(|character| character > '\u{ffff}') {
            return Some("it has a character beyond U+FFFF");
        }
        (name.chars().count() > LONGEST_NAME).then_some("it is longer than 64 characters")
    }
}

fn decimal(column: &Column) -> Parts {
    let scale = column.scale.and_then(|scale| u64::try_from(scale).ok());
    match column.precision.map(u64::from) {
        None => Parts::sized("decimal", &WIDEST_DECIMAL),
        Some(digits) => Parts::sized("decimal", &[&[digits][..], scale.as_slice()].concat()),
    }
}

/// The first word of the type, where the column has one of its own.
fn word(column: &Column) -> String {
    let words = column.native_type.split(['(', ' ']).next().unwrap_or_default();
    words.to_ascii_lowercase()
}

fn is_of_texts(column: &Column) -> bool {
    match word(column).as_str() {
        "" => matches!(column.data_type, ColumnType::String | ColumnType::Text),
        word => {
            word.ends_with("char") || word.ends_with("text") || matches!(word, "enum" | "set" | "character")
        }
    }
}

fn is_moment(column: &Column) -> bool {
    match word(column).as_str() {
        "" => matches!(column.data_type, ColumnType::DateTime | ColumnType::Timestamp),
        word => matches!(word, "datetime" | "timestamp"),
    }
}

fn has_check(column: &Column) -> Error {
    let message = format!(
        "the database does not support changing the column '{}': it has a check, which would be lost; drop the check first",
        column.name
    );
    Error::new(ErrorKind::Unsupported, message).with_reason("unsupported_change")
}

fn no_type(column: &Column, what: &str) -> Error {
    let message = format!("the database has no type for '{}': {what}", column.name);
    Error::new(ErrorKind::Unsupported, message).with_reason("unsupported_type")
}

#[cfg(test)]
mod tests;
