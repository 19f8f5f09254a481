//! One record: names resolved, values typed, what the store makes itself left out, what is missing refused.

use connector_api::model::{Assignment, Column, ColumnType, Path, Value};
use serde_json::Value as Json;

use super::value::{expression, expression_text, meant, value};
use super::{Kind, Write};
use crate::plan::capability::{check_computed, require};
use crate::plan::columns::Columns;
use crate::plan::formula::Formula;
use crate::plan::values::Values;
use crate::plan::{Error, Scope, key};
use crate::request::{Id, Record};

/// The most names of a caller that are remembered; a stream of records may have any number of them.
const REMEMBERED_NAMES: usize = 1024;

/// A record, ready to be sent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Planned {
    /// The values that identify its row.
    pub(super) key: Vec<Value>,
    /// Values by their column's place in the table, ascending.
    pub(super) cells: Vec<(usize, Value)>,
    /// What the store computes.
    pub(super) form: Form,
}

/// What records of one call share beside their columns: computed columns and the values of their expressions.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Form {
    pub(super) compute: Vec<Assignment>,
    pub(super) params: Vec<Value>,
}

impl Write {
    /// Plans a record. `id` names its row where the record does not; `index` is its place in the request.
    ///
    /// # Errors
    /// Values that do not fit, missing ones, a missing identifier.
    pub fn record(
        &mut self,
        record: &Record,
        id: Option<&Id>,
        index: usize,
        scope: &Scope<'_>,
    ) -> Result<Planned, Error> {
        let key = self.key_of(record, id, index, scope)?;
        self.check_key(record, id, scope)?;
        let mut planned = Planned { key, ..Planned::default() };
        let given = self.given(record, scope)?;
        if self.kind == Kind::Delete {
            return Ok(planned);
        }
        let missing = self.missing(&given, scope);
        let mut values = Values::default();
        for (place, json) in given {
            if missing.is_some_and(|missing| missing < place) {
                break;
            }
            let Some(column) = self.column(place, scope) else { continue };
            if self.is_left_out(place, column, json)
                || !scope.checks.keeps(place, column, json, self.kind == Kind::Insert)?
            {
                continue;
            }
            let function =
                scope.aliases.map(|aliases| aliases.written(&column.name, self.kind)).transpose()?;
            if let Some(function) = function.flatten() {
                let assignment = self.by_function(function, (column, json), scope, &mut values)?;
                planned.form.compute.push(assignment);
                continue;
            }
            match expression_text(column, json) {
                Some(text) => {
                    let assignment = self.computed(column, text, scope, &mut values)?;
                    planned.form.compute.push(assignment);
                }
                None => planned.cells.push((place, value(column, json, self.are_texts, scope.lookup)?)),
            }
        }
        if let Some(column) = missing.and_then(|place| scope.table.columns.get(place)) {
            return Err(Error::record(format!("Required field '{}' can not be NULL.", column.name)));
        }
        planned.form.params = values.into_vec();
        let is_empty = planned.cells.is_empty() && planned.form.compute.is_empty();
        // For a row that is named nothing to set is no mistake: it only has to be there.
        let is_named = self.is_by_key() && self.selection.is_of_records();
        if is_empty && !is_named {
            return Err(Error::record("No valid fields were found in record."));
        }
        if !is_empty || self.kind == Kind::Upsert {
            scope.checks.fill(&mut planned.cells, self.kind, scope);
        }
        Ok(planned)
    }

    /// Plans a row as it was stored: under the store's names, and nothing is checked, computed or filled in. What the store makes itself is
    /// left out.
    ///
    /// # Errors
    /// A row without a part of its key.
    pub fn stored(&mut self, row: &[(String, Value)], scope: &Scope<'_>) -> Result<Planned, Error> {
        let mut planned = Planned::default();
        for (name, value) in row {
            let Some(place) = self.place(name, scope)? else { continue };
            let is_made = self.column(place, scope).is_none_or(|column| column.is_generated);
            let is_key = self.kind != Kind::Insert && self.key_places.contains(&place);
            let is_written = self.kind != Kind::Delete && *value != Value::Absent;
            if is_written && !is_made && !is_key {
                planned.cells.push((place, value.clone()));
            }
        }
        planned.cells.sort_by_key(|(place, _)| *place);
        if self.is_by_key() {
            let part =
                |name: &String| row.iter().find(|(column, _)| column == name).map(|(_, value)| value.clone());
            planned.key = self.key.iter().map(part).collect::<Option<_>>().ok_or(Error::NoIdentifier)?;
        }
        Ok(planned)
    }

    fn key_of(
        &self,
        record: &Record,
        id: Option<&Id>,
        index: usize,
        scope: &Scope<'_>,
    ) -> Result<Vec<Value>, Error> {
        if !self.is_by_key() {
            return Ok(Vec::new());
        }
        let columns = Columns::new(scope.table);
        if let Some(id) = id {
            return key::values_of(id, &self.key, columns);
        }
        let part = |name: &String| self.member(record, name).filter(|part| !part.is_null());
        let missing: Vec<&str> =
            self.key.iter().filter(|name| part(name).is_none()).map(String::as_str).collect();
        if !missing.is_empty() {
            let missing = missing.join(", ");
            let message = format!("Required id field(s) not found in record {index}: {missing}");
            return Err(Error::record(message));
        }
        let parts = self.key.iter().filter_map(|name| part(name).map(|part| (name, part)));
        parts.map(|(name, part)| self.key_value(name, part, columns)).collect()
    }

    /// Where the row may be missing, its key is written like any other value, so the same rules hold for it.
    fn check_key(&self, record: &Record, id: Option<&Id>, scope: &Scope<'_>) -> Result<(), Error> {
        if self.kind != Kind::Upsert || scope.checks.is_empty() {
            return Ok(());
        }
        let parts = match id {
            Some(id) => key::parts_of(id, &self.key)?,
            None => self.key.iter().filter_map(|name| self.member(record, name).cloned()).collect(),
        };
        for (name, part) in self.key.iter().zip(&parts) {
            let Some(place) = Columns::new(scope.table).position(name) else { continue };
            let Some(column) = self.column(place, scope) else { continue };
            if !scope.checks.keeps(place, column, part, true)? {
                let message =
                    format!("Field '{name}' is not for callers to set, and it would name a new row.");
                return Err(Error::record(message));
            }
        }
        Ok(())
    }

    /// A part of a key in a record. Where all values are texts, what was seen in the column says what is meant.
    fn key_value(&self, name: &str, part: &Json, columns: Columns<'_>) -> Result<Value, Error> {
        let text = part.as_str().filter(|_| self.are_texts);
        let column = columns.find(name).filter(|column| column.is_guessed);
        let meant = text.and_then(|text| meant(column?, text));
        key::value_of(name, meant.as_ref().unwrap_or(part), columns)
    }

    /// Whether a function of some field has to know whether the record changes its row or creates it, which this write leaves open.
    #[must_use]
    pub fn is_undecided(&self, record: &Record, scope: &Scope<'_>) -> bool {
        let Some(aliases) = scope.aliases.filter(|_| self.kind == Kind::Upsert) else { return false };
        let columns = Columns::new(scope.table);
        let has_function =
            |column: &Column| matches!(aliases.written(&column.name, Kind::Upsert), Ok(Some(_)));
        record.keys().filter_map(|name| columns.find(name)).any(has_function)
    }

    /// The identifier of a record's row, as the caller wrote it; `None` for a new row.
    #[must_use]
    pub fn id_in(&self, record: &Record) -> Option<Id> {
        if !self.is_by_key() {
            return None;
        }
        let parts: Option<Vec<Json>> =
            self.key.iter().map(|name| self.member(record, name).cloned()).collect();
        let mut parts = parts?;
        Some(if parts.len() == 1 { Id::Value(parts.remove(0)) } else { Id::Tuple(parts) })
    }

    /// The member of a record for a column, named as [`Write::place`] finds it.
    fn member<'r>(&self, record: &'r Record, column: &str) -> Option<&'r Json> {
        let spaced = |name: &String| self.are_texts && name.trim().eq_ignore_ascii_case(column);
        let found = key::member(record, column);
        found.or_else(|| record.iter().find(|(name, _)| spaced(name)).map(|(_, json)| json))
    }

    /// The members that are columns, in the table's order.
    ///
    /// # Errors
    /// Several members that mean one column: none may be dropped silently.
    fn given<'r>(&mut self, record: &'r Record, scope: &Scope<'_>) -> Result<Vec<(usize, &'r Json)>, Error> {
        let mut given = Vec::with_capacity(record.len());
        for (name, json) in record {
            if let Some(place) = self.place(name, scope)? {
                given.push((place, json));
            }
        }
        given.sort_by_key(|(place, _)| *place);
        let twice = given.windows(2).find_map(|pair| match pair {
            [(first, _), (second, _)] if first == second => self.column(*first, scope),
            _ => None,
        });
        match twice {
            Some(column) => Err(Error::record(format!("Field '{}' is given more than once.", column.name))),
            None => Ok(given),
        }
    }

    /// The place of the column with this name; an open table has one for every name.
    fn place(&mut self, name: &str, scope: &Scope<'_>) -> Result<Option<usize>, Error> {
        if let Some(known) = self.names.get(name) {
            return Ok(*known);
        }
        let columns = Columns::new(scope.table);
        // Whoever writes CSV by hand puts blanks behind the commas.
        let bare = if self.are_texts { name.trim() } else { name };
        let mut place = columns.position(name).or_else(|| columns.position(bare));
        if place.is_none() && scope.table.is_open && scope.capabilities.open_columns {
            if self.others.len() >= REMEMBERED_NAMES {
                let message = format!("more than {REMEMBERED_NAMES} fields that no description names");
                return Err(Error::record(message));
            }
            place = Some(scope.table.columns.len() + self.others.len());
            self.others.push(Column { is_guessed: true, ..Column::new(bare, ColumnType::Other) });
        } else if self.names.len() >= REMEMBERED_NAMES {
            return Ok(place);
        }
        self.unknown_names += usize::from(place.is_none());
        self.names.insert(name.to_owned(), place);
        Ok(place)
    }

    /// The first column that a new row needs and does not get.
    fn missing(&self, given: &[(usize, &Json)], scope: &Scope<'_>) -> Option<usize> {
        if self.kind != Kind::Insert {
            return None;
        }
        let is_given = |place: usize| given.binary_search_by_key(&place, |(place, _)| *place).is_ok();
        let mut columns = scope.table.columns.iter().enumerate();
        let is_filled = |place: usize| is_given(place) || scope.checks.fills(place);
        columns.find(|(place, column)| is_required(column) && !is_filled(*place)).map(|(place, _)| place)
    }

    /// What the store makes itself, and what says which row it is.
    fn is_left_out(&self, place: usize, column: &Column, json: &Json) -> bool {
        let is_blank = match json {
            Json::Null => true,
            Json::String(text) => text.is_empty(),
            Json::Array(items) => items.is_empty(),
            _ => false,
        };
        let is_numbered = column.is_auto_increment && (is_blank || self.kind == Kind::Update);
        let is_key = self.kind != Kind::Insert && self.key_places.contains(&place);
        column.is_generated || is_numbered || is_key
    }

    /// What a function of the field makes of a value.
    fn by_function(
        &self,
        function: &Formula,
        (column, json): (&Column, &Json),
        scope: &Scope<'_>,
        values: &mut Values,
    ) -> Result<Assignment, Error> {
        if self.kind == Kind::Upsert {
            let name = &column.name;
            return Err(Error::unsupported(format!("an upsert of field '{name}' with a function")));
        }
        if expression_text(column, json).is_some() {
            let message = format!("Field '{}' has a function and takes no expression.", column.name);
            return Err(Error::record(message));
        }
        let given = value(column, json, self.are_texts, scope.lookup)?;
        let value = function.of_value(given, values);
        check_computed(&value, scope.capabilities)?;
        Ok(Assignment { column: Path::column(&column.name), value })
    }

    fn computed(
        &self,
        column: &Column,
        text: &str,
        scope: &Scope<'_>,
        values: &mut Values,
    ) -> Result<Assignment, Error> {
        // What is computed needs its row, so such a record only changes one.
        require(self.kind != Kind::Upsert || scope.capabilities.update_by_key, "an expression in an upsert")?;
        let value = expression(text, self.kind != Kind::Insert, scope, values)?;
        Ok(Assignment { column: Path::column(&column.name), value })
    }
}

fn is_required(column: &Column) -> bool {
    !column.is_nullable && column.default.is_none() && !column.is_auto_increment && !column.is_generated
}
