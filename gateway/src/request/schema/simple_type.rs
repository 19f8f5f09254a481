//! The words for types that clients use, whatever the database calls them.

use connector_api::model::ColumnType;

/// What a type says beyond its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Special {
    /// Nothing.
    None,
    /// The numbered primary key.
    Id,
    /// A reference to another table.
    Reference,
    /// The moment in which its row was created, or changed last. The extras of its field keep which.
    Stamped,
    /// The store has no word for it: the extras of its field keep it.
    Kept,
}

/// A word for a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SimpleType {
    /// The word.
    pub word: &'static str,
    /// The values.
    pub data_type: ColumnType,
    /// What else it says.
    pub special: Special,
}

const fn plain(word: &'static str, data_type: ColumnType) -> SimpleType {
    SimpleType { word, data_type, special: Special::None }
}

const fn special(word: &'static str, data_type: ColumnType, special: Special) -> SimpleType {
    SimpleType { word, data_type, special }
}

const TYPES: &[SimpleType] = &[
    special("id", ColumnType::Integer, Special::Id),
    special("pk", ColumnType::Integer, Special::Id),
    special("smallid", ColumnType::Integer, Special::Id),
    special("mediumid", ColumnType::Integer, Special::Id),
    special("bigid", ColumnType::BigInt, Special::Id),
    special("reference", ColumnType::Integer, Special::Reference),
    special("fk", ColumnType::Integer, Special::Reference),
    special("timestamp_on_create", ColumnType::Timestamp, Special::Stamped),
    special("timestamp_on_update", ColumnType::Timestamp, Special::Stamped),
    special("user_id", ColumnType::Integer, Special::Kept),
    special("user_id_on_create", ColumnType::Integer, Special::Kept),
    special("user_id_on_update", ColumnType::Integer, Special::Kept),
    plain("array", ColumnType::Array),
    plain("bigint", ColumnType::BigInt),
    plain("binary", ColumnType::Binary),
    plain("boolean", ColumnType::Boolean),
    plain("bool", ColumnType::Boolean),
    plain("date", ColumnType::Date),
    plain("datetime", ColumnType::DateTime),
    plain("datetimetz", ColumnType::Timestamp),
    plain("decimal", ColumnType::Decimal),
    plain("double", ColumnType::Double),
    plain("float", ColumnType::Float),
    plain("int", ColumnType::Integer),
    plain("integer", ColumnType::Integer),
    plain("json", ColumnType::Json),
    plain("jsonb", ColumnType::Json),
    plain("longtext", ColumnType::Text),
    plain("mediumint", ColumnType::Integer),
    plain("mediumtext", ColumnType::Text),
    plain("money", ColumnType::Decimal),
    plain("object", ColumnType::Object),
    plain("smallint", ColumnType::Integer),
    plain("string", ColumnType::String),
    plain("text", ColumnType::Text),
    plain("time", ColumnType::Time),
    plain("timetz", ColumnType::Time),
    plain("timestamp", ColumnType::Timestamp),
    plain("timestamptz", ColumnType::Timestamp),
    plain("timeuuid", ColumnType::Uuid),
    plain("tinyint", ColumnType::Integer),
    plain("uuid", ColumnType::Uuid),
];

impl SimpleType {
    /// The type with this name.
    #[must_use]
    pub fn find(word: &str) -> Option<Self> {
        TYPES.iter().find(|known| known.word.eq_ignore_ascii_case(word)).copied()
    }

    /// Whether an expression may be of this type.
    #[must_use]
    pub fn is_of_values(self) -> bool {
        use ColumnType::{
            BigInt, Date, DateTime, Decimal, Double, Float, Integer, String, Text, Time, Timestamp,
        };
        self.special == Special::None
            && matches!(
                self.data_type,
                BigInt
                    | Date
                    | DateTime
                    | Decimal
                    | Double
                    | Float
                    | Integer
                    | String
                    | Text
                    | Time
                    | Timestamp
            )
    }

    /// Digits before and behind the point that the word itself says.
    #[must_use]
    pub fn digits(self) -> Option<(u32, i32)> {
        (self.word == "money").then_some((19, 4))
    }
}
