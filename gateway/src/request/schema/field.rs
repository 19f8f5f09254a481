//! One wished field.

use connector_api::model::DefaultValue;
use serde_json::{Map, Value as Json};

use super::Said;
use super::function;
use super::members::{Members, Place};
use super::simple_type::{SimpleType, Special};
use crate::extras::DbFunction;
use crate::request::Error;

/// Types that only routines have.
const OF_ROUTINES: [&str; 4] = ["column", "row", "table", "ref_cursor"];

/// What a request says of a field. What a description says beside it follows from these, or can't be changed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FieldWish {
    /// Its name.
    pub name: String,
    /// Its type.
    pub data_type: TypeWish,
    /// What new rows get when nothing is given.
    pub default: Said<DefaultValue>,
    /// Null may stand in it.
    pub allow_null: Option<bool>,
    /// It must be given, which follows from the others.
    pub required: Option<bool>,
    /// The store numbers new rows.
    pub auto_increment: Option<bool>,
    /// It is, or belongs to, the primary key.
    pub is_primary_key: Option<bool>,
    /// No two rows have the same value.
    pub is_unique: Option<bool>,
    /// It is indexed.
    pub is_index: Option<bool>,
    /// It refers to another table.
    pub reference: ReferenceWish,
    /// What is kept beside the database.
    pub extras: FieldExtrasWish,
    /// The store computes it.
    pub is_generated: bool,
    /// It is kept beside the database only.
    pub is_virtual: bool,
    /// It would be computed of many rows.
    pub is_aggregate: bool,
}

/// What a request says of a field's type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TypeWish {
    /// The word for it.
    pub simple: Option<SimpleType>,
    /// The store's own words.
    pub native: Option<String>,
    /// Most characters or bytes.
    pub length: Said<u64>,
    /// All digits.
    pub precision: Said<u32>,
    /// Digits behind the point.
    pub scale: Said<i32>,
    /// Values are filled up to the length.
    pub fixed_length: Option<bool>,
    /// A type of its own for texts beyond one byte a character.
    pub supports_multibyte: Option<bool>,
}

/// What a request says of a field's reference.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReferenceWish {
    /// Whether there is one.
    pub is_foreign_key: Option<bool>,
    /// The public name of the other table.
    pub table: Said<String>,
    /// Its column.
    pub field: Said<String>,
    /// What a change there does here.
    pub on_update: Said<String>,
    /// What a removal there does here.
    pub on_delete: Said<String>,
}

/// What a request says of the extras of a field.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FieldExtrasWish {
    /// Its title.
    pub label: Said<String>,
    /// What it is for.
    pub description: Said<String>,
    /// Its other name.
    pub alias: Said<String>,
    /// The values to choose from.
    pub picklist: Said<Vec<String>>,
    /// What values have to keep, rule by rule.
    pub validation: Said<Map<String, Json>>,
    /// What the store computes in its place.
    pub db_function: Said<Vec<DbFunction>>,
}

impl ReferenceWish {
    /// The public name of the table that is meant.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        self.table.as_ref()?.as_deref().filter(|_| self.is_foreign_key != Some(false))
    }
}

impl TypeWish {
    /// What the type's word says beyond its values.
    #[must_use]
    pub fn special(&self) -> Special {
        self.simple.map_or(Special::None, |simple| simple.special)
    }

    /// Whether it says which values there are.
    #[must_use]
    pub fn is_said(&self) -> bool {
        self.simple.is_some() || self.native.is_some()
    }

    fn parse(members: &mut Members) -> Result<Self, Error> {
        let word = members.text("type")?.flatten();
        let mut native = members.text("db_type")?.flatten();
        let mut simple = None;
        if let Some(word) = word.as_deref().map(str::trim) {
            simple = SimpleType::find(word);
            if simple.is_none() && word.contains([' ', '(']) {
                native = native.or_else(|| Some(word.to_owned()));
            } else if simple.is_none() {
                let of_routines = OF_ROUTINES.iter().any(|known| known.eq_ignore_ascii_case(word));
                let hint = if of_routines { "is for routines only" } else { "is not known" };
                return Err(members.place.error(format!(
                    "the 'type' '{word}' {hint}; give a simple type such as 'string', or the database's own as 'db_type'"
                )));
            }
        }
        Ok(Self {
            simple,
            native,
            length: size(members, &["length", "size"])?,
            precision: members.number("precision")?,
            scale: members.number("scale")?,
            fixed_length: members.flag("fixed_length")?,
            supports_multibyte: members.flag("supports_multibyte")?,
        })
    }
}

fn size(members: &mut Members, names: &[&str]) -> Result<Said<u64>, Error> {
    let mut said = None;
    for name in names {
        said = said.or(members.number(name)?);
    }
    Ok(said)
}

impl FieldWish {
    /// Reads a field object; `name` is that of the path.
    pub(super) fn parse(table: &str, name: Option<&str>, json: Json) -> Result<Self, Error> {
        let mut members = Members::of(Place::field(table, name.unwrap_or_default()), json)?;
        let name = named(table, name, &mut members)?;
        members.place = Place::field(table, &name);
        refuse_statements(&mut members)?;
        let legacy = function::legacy(&mut members)?;
        let is_aggregate =
            members.flag("is_aggregate")? == Some(true) || legacy.is_some_and(|it| it.is_aggregate);
        let is_virtual = members.flag("is_virtual")? == Some(true) || legacy.is_some();
        let is_generated = members.take("native").is_some_and(|native| native.get("is_generated").is_some());
        let wish = Self {
            name,
            data_type: TypeWish::parse(&mut members)?,
            default: default(&mut members)?,
            allow_null: members.flag("allow_null")?,
            required: members.flag("required")?,
            auto_increment: members.flag("auto_increment")?,
            is_primary_key: members.flag("is_primary_key")?,
            is_unique: members.flag("is_unique")?,
            is_index: members.flag("is_index")?,
            reference: reference(&mut members)?,
            extras: extras(&mut members)?,
            is_generated,
            is_virtual,
            is_aggregate,
        };
        members.end()?;
        Ok(wish)
    }
}

fn named(table: &str, path: Option<&str>, members: &mut Members) -> Result<String, Error> {
    let given = members.text("name")?.flatten();
    match (path, given) {
        (Some(path), Some(given)) if !path.eq_ignore_ascii_case(&given) => {
            Err(members.place.error(format!("'name' is '{given}' in the body; fields can't be renamed")))
        }
        (Some(path), _) => Ok(path.to_owned()),
        (None, Some(given)) => Ok(given),
        (None, None) => Err(Place::table(table).error("a field has no 'name'")),
    }
}

/// A whole definition as text would go past everything that is checked.
fn refuse_statements(members: &mut Members) -> Result<(), Error> {
    match members.take("sql") {
        None | Some(Json::Null) => Ok(()),
        Some(_) => Err(members.place.error(
            "'sql' is not taken; say 'type', or the database's own type as 'db_type', and the other properties",
        )),
    }
}

/// A constant, `{"expression":"…"}` or `{"expression":{"value":"…"}}`.
fn default(members: &mut Members) -> Result<Said<DefaultValue>, Error> {
    let json = match members.take("default") {
        None => return Ok(None),
        Some(Json::Null) => return Ok(Some(None)),
        Some(json) => json,
    };
    let Some(expression) = json.as_object().and_then(|outer| outer.get("expression")) else {
        return Ok(Some(Some(DefaultValue::Value(json))));
    };
    let text = expression.as_str().or_else(|| expression.get("value")?.as_str());
    let text = text.ok_or_else(|| members.place.error("the 'expression' of 'default' must be a text"))?;
    Ok(Some(Some(DefaultValue::Expression(text.to_owned()))))
}

fn reference(members: &mut Members) -> Result<ReferenceWish, Error> {
    Ok(ReferenceWish {
        is_foreign_key: members.flag("is_foreign_key")?,
        table: members.text("ref_table")?,
        field: members.text("ref_field")?,
        on_update: rule(members, "ref_on_update")?,
        on_delete: rule(members, "ref_on_delete")?,
    })
}

/// What happens to rows that refer to one that changes or goes.
fn rule(members: &mut Members, name: &str) -> Result<Said<String>, Error> {
    const RULES: [&str; 5] = ["CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT", "NO ACTION"];
    let Some(Some(given)) = members.text(name)? else { return Ok(None) };
    let words = given.replace('_', " ");
    let known = RULES.iter().find(|known| known.eq_ignore_ascii_case(words.trim()));
    let known =
        known.ok_or_else(|| members.place.error(format!("'{name}' must be one of {}", RULES.join(", "))))?;
    Ok(Some(Some((*known).to_owned())))
}

fn extras(members: &mut Members) -> Result<FieldExtrasWish, Error> {
    Ok(FieldExtrasWish {
        label: members.text("label")?,
        description: members.text("description")?,
        alias: members.text("alias")?,
        picklist: members.list("picklist")?,
        validation: validation(members)?,
        db_function: function::functions(members)?,
    })
}

fn validation(members: &mut Members) -> Result<Said<Map<String, Json>>, Error> {
    match members.take("validation") {
        None => Ok(None),
        Some(Json::Null) => Ok(Some(None)),
        Some(Json::Array(rules)) if rules.is_empty() => Ok(Some(None)),
        Some(Json::String(text)) if text.is_empty() => Ok(Some(None)),
        Some(Json::Object(rules)) if rules.is_empty() => Ok(Some(None)),
        // A rule without options has none, whether that is null, true or nothing.
        Some(Json::Object(rules)) => Ok(Some(Some(
            rules
                .into_iter()
                .map(|(name, options)| match options {
                    Json::Null | Json::Bool(true) => (name, Json::Object(Map::new())),
                    options => (name, options),
                })
                .collect(),
        ))),
        Some(_) => Err(members.place.error("'validation' must be an object of rules")),
    }
}
