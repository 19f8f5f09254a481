//! What stands in documents and what crosses the boundary: kinds of columns, BSON to cells and values, values to BSON.

mod read;
mod replace;
mod write;

use connector_api::author::ColumnType;

pub(crate) use read::{kind_of, malformed, value_of, write_cell};
pub(crate) use replace::replacing;
pub(crate) use write::{decimal, instant, shortest_double, to_bson};

/// The name of the extension type around an object id.
pub(crate) const OBJECT_ID: &str = "bson.objectid";

/// What a column holds, by the aliases of <https://www.mongodb.com/docs/manual/reference/bson-types/>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Double,
    String,
    Object,
    Array,
    Binary,
    /// Binary of the subtype for uuids, which only a sample can tell.
    Uuid,
    ObjectId,
    Bool,
    Date,
    Int,
    Long,
    Decimal,
    /// A regular expression, a timestamp of the server, several of these kinds, or nobody knows.
    Any,
}

impl Kind {
    /// By the server's word for it.
    pub(crate) fn of_alias(alias: &str) -> Self {
        match alias {
            "double" => Self::Double,
            "string" => Self::String,
            "object" => Self::Object,
            "array" => Self::Array,
            "binData" => Self::Binary,
            "objectId" => Self::ObjectId,
            "bool" => Self::Bool,
            "date" => Self::Date,
            "int" => Self::Int,
            "long" => Self::Long,
            "decimal" => Self::Decimal,
            _ => Self::Any,
        }
    }

    /// The server's word for it.
    pub(crate) fn alias(self) -> &'static str {
        match self {
            Self::Double => "double",
            Self::String => "string",
            Self::Object => "object",
            Self::Array => "array",
            Self::Binary | Self::Uuid => "binData",
            Self::ObjectId => "objectId",
            Self::Bool => "bool",
            Self::Date => "date",
            Self::Int => "int",
            Self::Long => "long",
            Self::Decimal => "decimal",
            Self::Any => "",
        }
    }

    /// The neutral type. A text with a bound is described apart.
    pub(crate) fn described(self) -> ColumnType {
        match self {
            Self::Double => ColumnType::Double,
            Self::String => ColumnType::Text,
            Self::Object => ColumnType::Object,
            Self::Array => ColumnType::Array,
            Self::Binary => ColumnType::Binary,
            Self::Uuid => ColumnType::Uuid,
            Self::ObjectId => ColumnType::String,
            Self::Bool => ColumnType::Boolean,
            Self::Date => ColumnType::Timestamp,
            Self::Int => ColumnType::Integer,
            Self::Long => ColumnType::BigInt,
            Self::Decimal => ColumnType::Decimal,
            Self::Any => ColumnType::Other,
        }
    }

    /// The kind that holds what both hold. The narrower number fits into the wider one, uuids are bytes; everything else is open.
    pub(crate) fn joined(self, other: Self) -> Self {
        match (self, other) {
            (a, b) if a == b => a,
            (Self::Int, Self::Long) | (Self::Long, Self::Int) => Self::Long,
            (Self::Int, Self::Double) | (Self::Double, Self::Int) => Self::Double,
            (Self::Binary, Self::Uuid) | (Self::Uuid, Self::Binary) => Self::Binary,
            _ => Self::Any,
        }
    }
}

#[cfg(test)]
mod tests;
