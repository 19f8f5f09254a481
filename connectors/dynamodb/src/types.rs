//! Attribute values, as they travel, to values of the contract and back. Numbers are text all the way: none passes through a double.

mod number;
mod replace;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use connector_api::author::{ColumnType, TimeOfDay, Value};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

pub(crate) use number::is_storable;

use crate::error::Misfit;

/// The name of the extension type around the list of a set's members.
const SET: &str = "set";
/// The store's own bound on nesting.
const MAX_DEPTH: usize = 32;

/// The most bytes of an attribute's name.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>
pub(crate) const MAX_NAME: usize = 65_535;

/// Attributes by name.
pub(crate) type Item = BTreeMap<String, Attribute>;

/// One attribute value in the store's own form: an object with one member, whose name is the type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Attribute {
    #[serde(rename = "S")]
    Text(String),
    #[serde(rename = "N")]
    Number(String),
    #[serde(rename = "B")]
    Binary(Base64),
    #[serde(rename = "BOOL")]
    Bool(bool),
    #[serde(rename = "NULL")]
    Null(bool),
    #[serde(rename = "M")]
    Map(Item),
    #[serde(rename = "L")]
    List(Vec<Attribute>),
    #[serde(rename = "SS")]
    Texts(Vec<String>),
    #[serde(rename = "NS")]
    Numbers(Vec<String>),
    #[serde(rename = "BS")]
    Binaries(Vec<Base64>),
}

/// Bytes that travel as base64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Base64(pub(crate) Vec<u8>);

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(Self).map_err(D::Error::custom)
    }
}

impl Attribute {
    /// The type by the store's name for it, which is what `attribute_type` asks for.
    pub(crate) fn native_type(&self) -> &'static str {
        match self {
            Self::Text(_) => "S",
            Self::Number(_) => "N",
            Self::Binary(_) => "B",
            Self::Bool(_) => "BOOL",
            Self::Null(_) => "NULL",
            Self::Map(_) => "M",
            Self::List(_) => "L",
            Self::Texts(_) => "SS",
            Self::Numbers(_) => "NS",
            Self::Binaries(_) => "BS",
        }
    }

    /// As the contract has it.
    pub(crate) fn into_value(self) -> Value {
        let list = |items: Vec<Value>| Value::Extension(SET.to_owned(), Box::new(Value::List(items)));
        match self {
            Self::Text(text) => Value::Text(text),
            Self::Number(digits) => number::value(digits),
            Self::Binary(bytes) => Value::Bytes(bytes.0),
            Self::Bool(truth) => Value::Bool(truth),
            Self::Null(_) => Value::Null,
            Self::Map(members) => document(members),
            Self::List(items) => Value::List(items.into_iter().map(Self::into_value).collect()),
            Self::Texts(texts) => list(texts.into_iter().map(Value::Text).collect()),
            Self::Numbers(numbers) => list(numbers.into_iter().map(number::value).collect()),
            Self::Binaries(all) => list(all.into_iter().map(|bytes| Value::Bytes(bytes.0)).collect()),
        }
    }

    /// As the store has it.
    ///
    /// # Errors
    /// What the store can't hold.
    pub(crate) fn from_value(value: &Value) -> Result<Self, Misfit> {
        from_value(value, MAX_DEPTH)
    }

    /// A single value that filters compare with; `None` for documents, for what has no exact form here, and for kinds that only a text
    /// could stand for.
    pub(crate) fn from_scalar(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(_)
            | Value::I64(_)
            | Value::U64(_)
            | Value::Decimal(_)
            | Value::Text(_)
            | Value::Bytes(_) => Self::from_value(value).ok(),
            Value::F32(_) | Value::F64(_) => number::exact(value).map(Self::Number),
            _ => None,
        }
    }

    /// A value that filters test for equality: single ones and documents. `None`: it has no exact form here.
    pub(crate) fn from_exact(value: &Value) -> Option<Self> {
        match value {
            Value::List(_) | Value::Object(_) | Value::Extension(..) if is_exact(value) => {
                Self::from_value(value).ok()
            }
            value => Self::from_scalar(value),
        }
    }
}

/// Whether a document is stored just as it is: with no float that is rounded, and nothing that a text would stand for.
fn is_exact(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::List(items) => items.iter().all(is_exact),
        Value::Object(members) => members.iter().all(|(_, member)| is_exact(member)),
        Value::Extension(name, inner) => name == SET && matches!(**inner, Value::List(_)) && is_exact(inner),
        Value::F32(_) | Value::F64(_) => false,
        value => Attribute::from_scalar(value).is_some(),
    }
}

/// An item as a document of the contract.
pub(crate) fn document(item: Item) -> Value {
    Value::Object(item.into_iter().map(|(name, member)| (name, member.into_value())).collect())
}

/// About as many bytes as an item takes in memory.
pub(crate) fn size(item: &Item) -> usize {
    const EACH: usize = 64;
    fn of(attribute: &Attribute) -> usize {
        EACH + match attribute {
            Attribute::Text(text) | Attribute::Number(text) => text.len(),
            Attribute::Binary(bytes) => bytes.0.len(),
            Attribute::Bool(_) | Attribute::Null(_) => 0,
            Attribute::Map(members) => size(members),
            Attribute::List(items) => items.iter().map(of).sum(),
            Attribute::Texts(texts) | Attribute::Numbers(texts) => {
                texts.iter().map(|text| EACH + text.len()).sum()
            }
            Attribute::Binaries(all) => all.iter().map(|bytes| EACH + bytes.0.len()).sum(),
        }
    }
    item.iter().map(|(name, attribute)| name.len() + of(attribute)).sum()
}

/// How a column with attributes of this type is described.
pub(crate) fn column_type(native_type: &str) -> ColumnType {
    match native_type {
        "S" => ColumnType::Text,
        "N" => ColumnType::Decimal,
        "B" => ColumnType::Binary,
        "BOOL" => ColumnType::Boolean,
        "M" => ColumnType::Object,
        "L" | "SS" | "NS" | "BS" => ColumnType::Array,
        _ => ColumnType::Other,
    }
}

fn from_value(value: &Value, depth: usize) -> Result<Attribute, Misfit> {
    let inside = || depth.checked_sub(1).ok_or(Misfit::TooDeep);
    Ok(match value {
        Value::Null | Value::Absent => Attribute::Null(true),
        Value::Bool(truth) => Attribute::Bool(*truth),
        Value::I64(number) => Attribute::Number(number.to_string()),
        Value::U64(number) => Attribute::Number(number.to_string()),
        Value::F32(number) => stored(format!("{number:e}"))?,
        Value::F64(number) => stored(format!("{number:e}"))?,
        Value::Decimal(digits) => stored(digits.clone())?,
        Value::Text(text) => Attribute::Text(text.clone()),
        Value::Bytes(bytes) => Attribute::Binary(Base64(bytes.clone())),
        Value::Json(text) => json(text, depth)?,
        Value::Date(day) => Attribute::Text(day.to_string()),
        Value::Time(nanos) => Attribute::Text(TimeOfDay(*nanos).to_string()),
        Value::Timestamp(moment) => Attribute::Text(moment.to_string()),
        Value::Instant(instant) => Attribute::Text(instant.to_string()),
        Value::Uuid(bytes) => Attribute::Text(uuid(bytes)),
        Value::List(items) => {
            let depth = inside()?;
            Attribute::List(items.iter().map(|item| from_value(item, depth)).collect::<Result<_, _>>()?)
        }
        Value::Object(members) => {
            let depth = inside()?;
            let member = |(name, member): &(String, Value)| Ok((named(name)?, from_value(member, depth)?));
            let members = members.iter().filter(|(_, member)| *member != Value::Absent);
            Attribute::Map(members.map(member).collect::<Result<_, _>>()?)
        }
        Value::Extension(name, inner) if name == SET => set(inner)?,
        Value::Extension(_, inner) => from_value(inner, depth)?,
        _ => return Err(Misfit::Kind("a value that the store has a type for")),
    })
}

fn named(name: &str) -> Result<String, Misfit> {
    if name.is_empty() {
        return Err(Misfit::Kind("documents whose members all have a name"));
    }
    if name.len() > MAX_NAME {
        return Err(Misfit::Kind("documents whose members have names of at most 65535 bytes"));
    }
    Ok(name.to_owned())
}

/// As the store gives it back: without zeros behind the last digit of a fraction.
fn stored(digits: String) -> Result<Attribute, Misfit> {
    if !is_storable(&digits) {
        return Err(Misfit::Range);
    }
    let has_fraction = digits.contains('.') && !digits.contains(['e', 'E']);
    let kept = if has_fraction { digits.trim_end_matches('0').trim_end_matches('.') } else { &digits };
    Ok(Attribute::Number(if kept == "-0" { "0".to_owned() } else { kept.to_owned() }))
}

/// Members of one kind, at least one: the store has no empty sets.
fn set(members: &Value) -> Result<Attribute, Misfit> {
    const EXPECTED: Misfit = Misfit::Kind("a set of texts, of numbers or of bytes that is not empty");
    let Value::List(members) = members else { return Err(EXPECTED) };
    let members = members.iter().map(Attribute::from_value).collect::<Result<Vec<_>, _>>()?;
    let (mut texts, mut numbers, mut binaries) = (Vec::new(), Vec::new(), Vec::new());
    for member in members {
        match member {
            Attribute::Text(text) => texts.push(text),
            Attribute::Number(digits) => numbers.push(digits),
            Attribute::Binary(bytes) => binaries.push(bytes),
            _ => return Err(EXPECTED),
        }
    }
    match (texts.is_empty(), numbers.is_empty(), binaries.is_empty()) {
        (false, true, true) => Ok(Attribute::Texts(texts)),
        (true, false, true) => Ok(Attribute::Numbers(numbers)),
        (true, true, false) => Ok(Attribute::Binaries(binaries)),
        _ => Err(EXPECTED),
    }
}

/// JSON text, with the digits of its numbers as they stand there.
fn json(text: &str, depth: usize) -> Result<Attribute, Misfit> {
    const EXPECTED: Misfit = Misfit::Kind("valid JSON");
    let read = |_| EXPECTED;
    let depth_inside = || depth.checked_sub(1).ok_or(Misfit::TooDeep);
    let text = text.trim();
    Ok(match text.bytes().next() {
        Some(b'{') => {
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(text).map_err(read)?;
            let depth = depth_inside()?;
            let member =
                |(name, member): (String, &RawValue)| Ok((named(&name)?, json(member.get(), depth)?));
            Attribute::Map(members.into_iter().map(member).collect::<Result<_, _>>()?)
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(text).map_err(read)?;
            let depth = depth_inside()?;
            Attribute::List(items.into_iter().map(|item| json(item.get(), depth)).collect::<Result<_, _>>()?)
        }
        Some(b'"') => Attribute::Text(serde_json::from_str(text).map_err(read)?),
        Some(b't' | b'f') => Attribute::Bool(serde_json::from_str(text).map_err(read)?),
        Some(b'n') => Attribute::Null(true),
        _ => stored(text.to_owned())?,
    })
}

/// With hyphens, lower case.
fn uuid(bytes: &[u8; 16]) -> String {
    let mut text = format!("{:032x}", u128::from_be_bytes(*bytes));
    for place in [20, 16, 12, 8] {
        text.insert(place, '-');
    }
    text
}

#[cfg(test)]
mod tests;
