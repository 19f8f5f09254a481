//! The properties of a table, field or relationship in a body, taken out one by one; what is left over is refused. No property is known here.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::Said;
use crate::request::Error;
use crate::request::parameters::{is_true, split};

/// Where a property stands, for errors.
#[derive(Debug, Clone)]
pub(super) struct Place {
    table: String,
    /// A part of it, and what that is.
    part: Option<(&'static str, String)>,
}

impl Place {
    pub(super) fn table(name: &str) -> Self {
        Self { table: name.to_owned(), part: None }
    }

    pub(super) fn field(table: &str, name: &str) -> Self {
        Self { table: table.to_owned(), part: Some(("field", name.to_owned())) }
    }

    pub(super) fn relationship(table: &str, name: &str) -> Self {
        Self { table: table.to_owned(), part: Some(("relationship", name.to_owned())) }
    }

    /// What is wrong here.
    pub(super) fn error(&self, what: impl std::fmt::Display) -> Error {
        match &self.part {
            Some((part, name)) => Error::whole(format!("Table '{}', {part} '{name}': {what}.", self.table)),
            None => Error::whole(format!("Table '{}': {what}.", self.table)),
        }
    }
}

/// Properties by their lower-case names.
#[derive(Debug)]
pub(super) struct Members {
    pub(super) place: Place,
    members: BTreeMap<String, Json>,
}

impl Members {
    /// Of the object in a body; `place` is known before its name is.
    ///
    /// # Errors
    /// What is no object.
    pub(super) fn of(place: Place, json: Json) -> Result<Self, Error> {
        let Json::Object(members) = json else { return Err(place.error("it must be a JSON object")) };
        let members = members.into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect();
        Ok(Self { place, members })
    }

    /// A property; `None`: nothing is said of it.
    pub(super) fn take(&mut self, name: &str) -> Option<Json> {
        self.members.remove(name)
    }

    /// Puts one back that was looked at only.
    pub(super) fn put(&mut self, name: &str, json: Json) {
        self.members.insert(name.to_owned(), json);
    }

    /// A text; an empty one is none.
    pub(super) fn text(&mut self, name: &str) -> Result<Said<String>, Error> {
        match self.take(name) {
            None => Ok(None),
            Some(Json::Null) => Ok(Some(None)),
            Some(Json::String(text)) => Ok(Some(Some(text).filter(|text| !text.is_empty()))),
            Some(_) => Err(self.place.error(format!("'{name}' must be a text"))),
        }
    }

    /// True or false; bodies that are not JSON have words for it. Null is as good as unsaid.
    pub(super) fn flag(&mut self, name: &str) -> Result<Option<bool>, Error> {
        match self.take(name) {
            None | Some(Json::Null) => Ok(None),
            Some(Json::Bool(value)) => Ok(Some(value)),
            Some(Json::Number(number)) if matches!(number.as_i64(), Some(0 | 1)) => {
                Ok(Some(number.as_i64() == Some(1)))
            }
            Some(Json::String(text)) => Ok(Some(is_true(&text))),
            Some(_) => Err(self.place.error(format!("'{name}' must be true or false"))),
        }
    }

    /// A whole number.
    pub(super) fn number<T: TryFrom<i64>>(&mut self, name: &str) -> Result<Said<T>, Error> {
        let number = match self.take(name) {
            None => return Ok(None),
            Some(Json::Null) => return Ok(Some(None)),
            Some(Json::String(text)) if text.is_empty() => return Ok(Some(None)),
            Some(Json::Number(number)) => number.as_i64(),
            Some(Json::String(text)) => text.trim().parse().ok(),
            Some(_) => None,
        };
        let number = number.and_then(|number| T::try_from(number).ok());
        number
            .map(|number| Some(Some(number)))
            .ok_or_else(|| self.place.error(format!("'{name}' must be a whole number in its range")))
    }

    /// Texts, as a list or with commas between.
    pub(super) fn list(&mut self, name: &str) -> Result<Said<Vec<String>>, Error> {
        let items = match self.take(name) {
            None => return Ok(None),
            Some(Json::Null) => return Ok(Some(None)),
            Some(Json::String(text)) => Some(split(&text)),
            Some(Json::Array(items)) => items.into_iter().map(text_of).collect(),
            Some(_) => None,
        };
        let items = items.ok_or_else(|| {
            self.place.error(format!("'{name}' must be a list of texts, or one text with commas"))
        })?;
        Ok(Some(Some(items).filter(|items| !items.is_empty())))
    }

    /// Refuses what nobody took, unless it says nothing.
    pub(super) fn end(self) -> Result<(), Error> {
        let says = |value: &Json| match value {
            Json::Null | Json::Bool(false) => false,
            Json::Array(items) => !items.is_empty(),
            Json::Object(members) => !members.is_empty(),
            _ => true,
        };
        match self.members.iter().find(|(_, value)| says(value)) {
            Some((name, _)) => Err(self.place.error(format!("'{name}' is not known"))),
            None => Ok(()),
        }
    }
}

fn text_of(json: Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(value) => Some(value.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}
