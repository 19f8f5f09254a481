//! Where a store differs from what the suite expects, each with a link to the store's manual. A connector is never bent to a store that
//! is used for tests only, and a difference without a manual is a defect.

use connector_api::model::{ColumnType, Instant, TimeOfDay, Timestamp, Value, uuid_text};
use serde::Deserialize;

use super::tables::plain;
use crate::reference::Reference;

/// The names of all types of the contract.
pub const TYPES: [&str; 18] = [
    "boolean",
    "integer",
    "big_int",
    "float",
    "double",
    "decimal",
    "string",
    "text",
    "binary",
    "date",
    "time",
    "date_time",
    "timestamp",
    "uuid",
    "json",
    "array",
    "object",
    "other",
];

/// A type by its name in the contract. An unknown name is refused, though the contract itself reads it as `other`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct TypeName(pub ColumnType);

impl TryFrom<String> for TypeName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        match serde_json::from_value(name.as_str().into()) {
            Ok(data_type) if data_type != ColumnType::Other || name == "other" => Ok(Self(data_type)),
            _ => Err(format!("'{name}' is not a type of the contract, which are {}", TYPES.join(", "))),
        }
    }
}

/// The file `quirks.toml` of a fixture.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quirks {
    /// Where the contract leaves the choice to the store.
    choice: Vec<Choice>,
    /// Types that the store describes or gives as another one.
    r#type: Vec<TypeQuirk>,
    /// Cases that this store is known to fail. A case that passes although it stands here fails the run.
    deviation: Vec<Deviation>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Choice {
    name: ChoiceName,
    manual: String,
}

/// The choices that a store may have made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChoiceName {
    /// `like` and the plain text searches mind the case of letters.
    LikeMindsCase,
    /// True and false are the numbers 1 and 0.
    BooleansAreNumbers,
    /// Letters beyond ASCII are folded as well where case is ignored.
    FoldsUnicode,
    /// Nulls stand behind all values in an ascending order, and before them in a descending one.
    NullsAreHighest,
    /// Numbers have one type for all: what is whole is read as an integer, whatever it was written as.
    NumbersHaveOneType,
    /// A write of all records or none may name each row once.
    AtomicWritesNameRowsOnce,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct TypeQuirk {
    name: TypeName,
    /// The type in the catalogue, where it is another one.
    described_as: Option<TypeName>,
    /// The type of the cells, where it is another one.
    read_as: Option<TypeName>,
    /// So many digits of a second are kept, where that is fewer than nine. What has more can't be written.
    second_digits: Option<u32>,
    /// Names of members can't hold U+0000. What has one can't be written; the fixture stores null in its place.
    #[serde(default)]
    names_without_nul: bool,
    /// Texts can't hold U+0000, those inside documents and their names neither. What has one can't be written; the fixture stores null in
    /// its place.
    #[serde(default)]
    texts_without_nul: bool,
    /// JSON that is a number alone is kept as that number, which equals no document.
    #[serde(default)]
    numbers_alone_are_numbers: bool,
    manual: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Deviation {
    case: String,
    because: String,
    manual: String,
}

impl Quirks {
    /// Whether each entry names the manual it follows from.
    ///
    /// # Errors
    /// The first that does not.
    pub fn check(&self) -> Result<(), String> {
        self.unproven().map_or(Ok(()), |(_, message)| Err(message))
    }

    /// The first entry that does not name the manual it follows from: where it stands, as a JSON pointer, and what is wrong.
    #[must_use]
    pub fn unproven(&self) -> Option<(String, String)> {
        fn placed<'q>(list: &str, manuals: impl Iterator<Item = &'q String>) -> Vec<(String, &'q String)> {
            manuals.enumerate().map(|(at, manual)| (format!("/{list}/{at}/manual"), manual)).collect()
        }
        let entries = [
            placed("choice", self.choice.iter().map(|choice| &choice.manual)),
            placed("type", self.r#type.iter().map(|quirk| &quirk.manual)),
            placed("deviation", self.deviation.iter().map(|deviation| &deviation.manual)),
        ];
        let unproven = |(pointer, manual): (String, &String)| {
            let message = format!("expected a link to the store's manual, `https://…`, found '{manual}'");
            (!manual.starts_with("https://")).then_some((pointer, message))
        };
        entries.into_iter().flatten().find_map(unproven)
    }

    /// Whether the store has made this choice.
    #[must_use]
    pub fn has(&self, name: ChoiceName) -> bool {
        self.choice.iter().any(|choice| choice.name == name)
    }

    /// The reference evaluator with the store's choices.
    #[must_use]
    pub fn reference(&self) -> Reference {
        Reference {
            like_minds_case: self.has(ChoiceName::LikeMindsCase),
            booleans_are_numbers: self.has(ChoiceName::BooleansAreNumbers),
            bug: None,
        }
    }

    /// Why this case is known to fail.
    #[must_use]
    pub fn deviation(&self, case: &str) -> Option<String> {
        let known = self.deviation.iter().find(|deviation| deviation.case == case)?;
        Some(format!("{} ({})", known.because, known.manual))
    }

    /// The names of all cases that are known to fail.
    pub fn deviations(&self) -> impl Iterator<Item = &str> {
        self.deviation.iter().map(|deviation| deviation.case.as_str())
    }

    /// The type that the catalogue shows for a column of this type.
    #[must_use]
    pub fn described(&self, data_type: ColumnType) -> ColumnType {
        self.of_type(data_type).and_then(|quirk| quirk.described_as).map_or(data_type, |name| name.0)
    }

    /// What is read where this was written into a column of this type, in its [`normal`] form.
    ///
    /// # Errors
    /// When the file names a type that such a value can't be read as.
    pub fn read(&self, data_type: ColumnType, value: &Value) -> Result<Value, String> {
        let value = self.cut(data_type, value);
        match self.of_type(data_type).and_then(|quirk| quirk.read_as) {
            Some(TypeName(read_as)) => converted(&value, read_as).map(|value| normal(&value)),
            None => Ok(self.held(&normal(&value))),
        }
    }

    /// The value as the store holds it, whatever the type of its column.
    #[must_use]
    pub fn held(&self, value: &Value) -> Value {
        if self.has(ChoiceName::NumbersHaveOneType) { one_type(value) } else { value.clone() }
    }

    /// Whether the store can keep all of this value in a column of this type. What it can't keep it refuses to write.
    ///
    /// # Errors
    /// As [`Quirks::read`].
    pub fn keeps(&self, data_type: ColumnType, value: &Value) -> Result<bool, String> {
        Ok(match (normal(value), self.read(data_type, value)?) {
            (Value::Decimal(digits), Value::F64(read)) => read.to_string() == digits,
            _ => self.cut(data_type, value) == *value,
        })
    }

    /// The value as far as the store keeps it: seconds with its digits, null for a document that it can't hold at all.
    #[must_use]
    pub fn cut(&self, data_type: ColumnType, value: &Value) -> Value {
        let quirk = self.of_type(data_type);
        let is_lost = quirk.is_some_and(|quirk| {
            quirk.names_without_nul && names_nul(value) || quirk.texts_without_nul && has_nul(value)
        });
        if is_lost {
            return Value::Null;
        }
        let digits = quirk.and_then(|quirk| quirk.second_digits).unwrap_or(9);
        let step = 10_u32.pow(9_u32.saturating_sub(digits));
        let cut = |at: &Timestamp| Timestamp { nanos: at.nanos - at.nanos % step, ..*at };
        match value {
            Value::Time(nanos) => Value::Time(nanos - nanos % i64::from(step)),
            Value::Timestamp(at) => Value::Timestamp(cut(at)),
            Value::Instant(instant) => Value::Instant(Instant { at: cut(&instant.at), ..*instant }),
            other => other.clone(),
        }
    }

    /// Whether this cell of a column of this type is read as a document and kept as a number.
    #[must_use]
    pub fn is_number_alone(&self, data_type: ColumnType, cell: &Value) -> bool {
        let is_number = |json: &String| serde_json::from_str::<serde_json::Number>(json).is_ok();
        let is_kept = self.of_type(data_type).is_some_and(|quirk| quirk.numbers_alone_are_numbers);
        is_kept && matches!(cell, Value::Json(json) if is_number(json))
    }

    fn of_type(&self, data_type: ColumnType) -> Option<&TypeQuirk> {
        self.r#type.iter().find(|quirk| quirk.name.0 == data_type)
    }
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::Text(text) => text.contains('\0'),
        Value::Json(json) => json.contains("\\u0000"),
        Value::Object(members) => names_nul(value) || members.iter().any(|(_, member)| has_nul(member)),
        Value::List(items) => items.iter().any(has_nul),
        _ => false,
    }
}

fn names_nul(value: &Value) -> bool {
    match value {
        Value::Object(members) => {
            members.iter().any(|(name, member)| name.contains('\0') || names_nul(member))
        }
        Value::List(items) => items.iter().any(names_nul),
        _ => false,
    }
}

/// A number as an integer if it is whole, else as a decimal.
fn one_type(value: &Value) -> Value {
    let digits = match value {
        Value::F32(number) => number.to_string(),
        Value::F64(number) => number.to_string(),
        Value::Decimal(digits) => digits.clone(),
        Value::Json(text) => return Value::Json(one_type_inside(text)),
        other => return other.clone(),
    };
    digits.parse().map_or(Value::Decimal(digits), Value::I64)
}

/// The numbers of a document without zeros behind their fractions. What is no JSON stays as it is.
fn one_type_inside(text: &str) -> String {
    fn number(json: &mut serde_json::Value) {
        use serde_json::Value as Json;
        match json {
            Json::Array(items) => items.iter_mut().for_each(number),
            Json::Object(members) => members.values_mut().for_each(number),
            Json::Number(digits) => {
                if let Value::Decimal(kept) = normal(&Value::Decimal(digits.to_string())) {
                    *json = serde_json::from_str(&kept).unwrap_or(Json::Null);
                }
            }
            Json::Null | Json::Bool(_) | Json::String(_) => {}
        }
    }
    serde_json::from_str(text).map_or_else(
        |_| text.to_owned(),
        |mut json| {
            number(&mut json);
            json.to_string()
        },
    )
}

fn converted(value: &Value, to: ColumnType) -> Result<Value, String> {
    Ok(match (value, to) {
        (Value::Null | Value::Absent, _) => Value::Null,
        (Value::F32(v), ColumnType::Double) => Value::F64(f64::from(*v)),
        (Value::Decimal(v), ColumnType::Double) => {
            Value::F64(v.parse().map_err(|_| format!("{v} as a double"))?)
        }
        (Value::Bool(v), ColumnType::Integer) => Value::I64(i64::from(*v)),
        (Value::Decimal(v), ColumnType::Text) => Value::Text(v.clone()),
        (Value::Date(v), ColumnType::Text) => Value::Text(v.to_string()),
        (Value::Time(v), ColumnType::Text) => Value::Text(TimeOfDay(*v).to_string()),
        (Value::Timestamp(v), ColumnType::Text) => Value::Text(v.to_string()),
        (Value::Instant(v), ColumnType::Text) => Value::Text(v.at.to_string()),
        (Value::Uuid(v), ColumnType::Text) => Value::Text(uuid_text(v)),
        _ => return Err(format!("quirks.toml: the suite can't read {value:?} as {to:?}")),
    })
}

/// A value in the form in which two that mean the same are equal: a decimal without zeros at its end, an instant without its offset,
/// a document as JSON with its members by name.
#[must_use]
pub fn normal(value: &Value) -> Value {
    match value {
        Value::Absent => Value::Null,
        Value::Decimal(v) if v.contains('.') && !v.contains(['e', 'E']) => {
            Value::Decimal(v.trim_end_matches('0').trim_end_matches('.').to_owned())
        }
        Value::Instant(v) => Value::Instant(Instant { offset: None, ..*v }),
        Value::Json(_) | Value::List(_) | Value::Object(_) => {
            let mut json = plain(value);
            json.sort_all_objects();
            Value::Json(json.to_string())
        }
        other => other.clone(),
    }
}
