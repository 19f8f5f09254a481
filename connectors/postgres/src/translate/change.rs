//! Where PostgreSQL's changes of tables differ from the standard. <https://www.postgresql.org/docs/current/sql-altertable.html>

use connector_api::author::{Column, ColumnType, Table, TableRef};
use connector_api::{Error, ErrorKind, Result};
use connector_sql_common::SqlWriter;
use connector_sql_common::change::{
    Altering, Changes, Comments, Expression, Numbering, Parts, Sizes, TypeRule, Types,
};
use connector_sql_common::dialect::{Backslash, Dialect};

/// What has to be known of the database before its tables can change.
#[derive(Debug, Default)]
pub(crate) struct Changing {
    /// The schema whose tables have no prefix.
    pub(crate) home: String,
    /// Tables of other schemas are served too.
    pub(crate) is_all: bool,
    /// Types by the names that requests give them: schema, if any, and name; then where each is.
    pub(crate) types: Vec<NamedType>,
    /// Unique keys that are indexes without a constraint, by their tables.
    pub(crate) bare: Vec<(TableRef, String)>,
    /// Collations of columns that are not those of their types, by table and column: schema and name.
    pub(crate) collations: Vec<(TableRef, String, [String; 2])>,
}

/// A type that exists.
#[derive(Debug)]
pub(crate) struct NamedType {
    /// As it is asked for.
    pub(crate) asked: (Option<String>, String),
    /// Its schema and its name.
    pub(crate) full: [String; 2],
}

const ZONES: &[&str] = &["with time zone", "without time zone"];

/// Types that are several words, or whose name is no name to the server's parser. All others are found in its catalogue.
const TYPES: &[TypeRule] = &[
    TypeRule::plain("boolean"),
    TypeRule::plain("bool").same_as("boolean"),
    TypeRule::plain("smallint"),
    TypeRule::plain("int2").same_as("smallint"),
    TypeRule::plain("integer"),
    TypeRule::plain("int").same_as("integer"),
    TypeRule::plain("int4").same_as("integer"),
    TypeRule::plain("bigint"),
    TypeRule::plain("int8").same_as("bigint"),
    TypeRule::plain("smallserial").same_as("smallint"),
    TypeRule::plain("serial").same_as("integer"),
    TypeRule::plain("serial4").same_as("integer"),
    TypeRule::plain("bigserial").same_as("bigint"),
    TypeRule::plain("serial8").same_as("bigint"),
    TypeRule::plain("real"),
    TypeRule::plain("float4").same_as("real"),
    TypeRule::plain("double precision"),
    TypeRule::plain("float8").same_as("double precision"),
    TypeRule { sizes: Sizes::Width(1), ..TypeRule::plain("float").same_as("double precision") },
    TypeRule::sized("numeric", 2),
    TypeRule::sized("decimal", 2).same_as("numeric"),
    TypeRule::sized("dec", 2).same_as("numeric"),
    TypeRule::plain("money"),
    TypeRule::plain("text"),
    TypeRule::sized("character varying", 1),
    TypeRule::sized("varchar", 1).same_as("character varying"),
    TypeRule::sized("char varying", 1).same_as("character varying"),
    TypeRule::sized("character", 1),
    TypeRule::sized("char", 1).same_as("character"),
    TypeRule::plain("bpchar"),
    TypeRule::sized("bit varying", 1),
    TypeRule::sized("varbit", 1).same_as("bit varying"),
    TypeRule::sized("bit", 1),
    TypeRule::plain("bytea"),
    TypeRule::plain("date"),
    TypeRule::sized("time", 1).with(ZONES),
    TypeRule::sized("timetz", 1).same_as("time with time zone"),
    TypeRule::sized("timestamp", 1).with(ZONES),
    TypeRule::sized("timestamptz", 1).same_as("timestamp with time zone"),
    TypeRule::sized("interval", 1),
    TypeRule::plain("interval year"),
    TypeRule::plain("interval month"),
    TypeRule::plain("interval day"),
    TypeRule::plain("interval hour"),
    TypeRule::plain("interval minute"),
    TypeRule::sized("interval second", 1),
    TypeRule::plain("interval year to month"),
    TypeRule::plain("interval day to hour"),
    TypeRule::plain("interval day to minute"),
    TypeRule::sized("interval day to second", 1),
    TypeRule::plain("interval hour to minute"),
    TypeRule::sized("interval hour to second", 1),
    TypeRule::sized("interval minute to second", 1),
    TypeRule::plain("uuid"),
    TypeRule::plain("json"),
    TypeRule::plain("jsonb"),
    TypeRule::plain("xml"),
    TypeRule::plain("inet"),
    TypeRule::plain("cidr"),
];

const EXPRESSIONS: &[Expression] = &[
    ("current_timestamp", "CURRENT_TIMESTAMP"),
    ("current_timestamp(#)", "CURRENT_TIMESTAMP(#)"),
    ("now()", "now()"),
    ("transaction_timestamp()", "transaction_timestamp()"),
    ("statement_timestamp()", "statement_timestamp()"),
    ("clock_timestamp()", "clock_timestamp()"),
    ("localtimestamp", "LOCALTIMESTAMP"),
    ("localtimestamp(#)", "LOCALTIMESTAMP(#)"),
    ("timezone('utc'::text,now())", "timezone('utc'::text, now())"),
    ("now()at time zone 'utc'", "timezone('utc'::text, now())"),
    ("current_date", "CURRENT_DATE"),
    ("current_time", "CURRENT_TIME"),
    ("current_time(#)", "CURRENT_TIME(#)"),
    ("localtime", "LOCALTIME"),
    ("localtime(#)", "LOCALTIME(#)"),
    ("current_user", "CURRENT_USER"),
    ("session_user", "SESSION_USER"),
    ("gen_random_uuid()", "gen_random_uuid()"),
    ("uuidv4()", "uuidv4()"),
    ("uuidv7()", "uuidv7()"),
    ("uuid_generate_v1()", "uuid_generate_v1()"),
    ("uuid_generate_v4()", "uuid_generate_v4()"),
    ("random()", "random()"),
];

/// Characters of a text without a bound of its own.
const LENGTH: u64 = 255;
const LONGEST_NAME: usize = 63;

impl Dialect for Changing {
    /// `standard_conforming_strings` may be off.
    fn backslash(&self) -> Backslash {
        Backslash::Escaped
    }
}

impl Changes for Changing {
    fn types(&self) -> Types {
        Types::Rules(TYPES)
    }

    fn has_lists(&self) -> bool {
        true
    }

    fn named_type(&self, schema: Option<&str>, name: &str) -> Option<[String; 2]> {
        let is_asked = |found: &&NamedType| found.asked.0.as_deref() == schema && found.asked.1 == name;
        self.types.iter().find(is_asked).map(|found| found.full.clone())
    }

    fn native(&self, column: &Column) -> Result<Parts> {
        let words = match column.data_type {
            ColumnType::Boolean => "boolean",
            ColumnType::Integer => "integer",
            ColumnType::BigInt => "bigint",
            ColumnType::Float => "real",
            ColumnType::Double => "double precision",
            ColumnType::Decimal => return decimal(column),
            ColumnType::String => {
                return Ok(Parts::sized("character varying", &[column.length.unwrap_or(LENGTH)]));
            }
            ColumnType::Text => "text",
            ColumnType::Binary => "bytea",
            ColumnType::Date => "date",
            ColumnType::Time => "time",
            ColumnType::DateTime => "timestamp",
            ColumnType::Timestamp => "timestamptz",
            ColumnType::Uuid => "uuid",
            ColumnType::Json => "jsonb",
            ColumnType::Array => {
                return Err(no_type(column, "name the type of its items, as in 'integer[]'"));
            }
            ColumnType::Object => return Err(no_type(column, "use one for JSON")),
            ColumnType::Other => return Err(no_type(column, "name one")),
        };
        Ok(Parts::sized(words, &[]))
    }

    fn expressions(&self) -> &'static [Expression] {
        EXPRESSIONS
    }

    fn altering(&self) -> Altering {
        Altering::Parts
    }

    fn is_constraint(&self, table: &TableRef, key: &str) -> bool {
        !self.bare.iter().any(|(of, name)| of == table && name == key)
    }

    fn comments(&self) -> Comments {
        Comments::Statements
    }

    fn numbering(&self, _: &Table, column: &Column) -> Result<Numbering> {
        if column.native_type.to_ascii_lowercase().contains("serial") {
            return Ok(Numbering::Type);
        }
        Ok(Numbering::Words(match column.is_generated {
            true => " GENERATED ALWAYS AS IDENTITY",
            false => " GENERATED BY DEFAULT AS IDENTITY",
        }))
    }

    /// Another type would bring its own collation.
    fn kept(&self, to: &mut SqlWriter<'_>, table: &TableRef, column: &Column) -> Result<()> {
        let is_it = |(of, name, _): &&(TableRef, String, _)| of == table && *name == column.name;
        let Some((_, _, [schema, name])) = self.collations.iter().find(is_it) else { return Ok(()) };
        if is_of_texts(column) {
            to.keyword(" COLLATE ");
            to.table(&TableRef { namespace: vec![schema.clone()], name: name.clone() })?;
        }
        Ok(())
    }

    fn longest_name(&self) -> Option<usize> {
        Some(LONGEST_NAME)
    }

    /// The server cuts longer names without a word.
    fn refuses_name(&self, _: &str, name: &str) -> Option<&'static str> {
        (name.len() > LONGEST_NAME).then_some("it is longer than 63 bytes")
    }

    /// No setting of a connection then changes which table is meant.
    fn placed(&self, table: &TableRef) -> TableRef {
        if table.namespace.is_empty() {
            TableRef { namespace: vec![self.home.clone()], name: table.name.clone() }
        } else {
            table.clone()
        }
    }

    fn may_place(&self, table: &TableRef) -> bool {
        match table.namespace.as_slice() {
            [] => true,
            [schema] => {
                self.is_all
                    && *schema != self.home
                    && !schema.starts_with("pg_")
                    && schema != "information_schema"
            }
            _ => false,
        }
    }
}

/// Whether its values, or the items of its lists, are texts.
fn is_of_texts(column: &Column) -> bool {
    let words = column.native_type.to_ascii_lowercase();
    match words.split(['(', ' ', '[']).next().unwrap_or_default() {
        "" => matches!(column.data_type, ColumnType::String | ColumnType::Text),
        word => matches!(word, "text" | "varchar" | "char" | "character" | "bpchar" | "citext"),
    }
}

fn decimal(column: &Column) -> Result<Parts> {
    let precision = column.precision.map(u64::from);
    match (precision, column.scale.map(u64::try_from)) {
        (None, _) => Ok(Parts::sized("numeric", &[])),
        (Some(digits), None) => Ok(Parts::sized("numeric", &[digits])),
        (Some(digits), Some(Ok(scale))) => Ok(Parts::sized("numeric", &[digits, scale])),
        (Some(_), Some(Err(_))) => Err(no_type(column, "a scale below zero needs the type by its own name")),
    }
}

fn no_type(column: &Column, what: &str) -> Error {
    let message = format!("the database has no type for '{}': {what}", column.name);
    Error::new(ErrorKind::Unsupported, message).with_reason("unsupported_type")
}

#[cfg(test)]
mod tests;
