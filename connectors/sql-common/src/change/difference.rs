//! What of a column is to become another one.

use connector_api::Result;
use connector_api::model::{Column, DefaultValue, Table};

use super::refusal::{invalid, unsupported};
use super::statement::Altered;
use super::{Changes, Parts, default, native};

/// What of a column is to become another one.
pub(super) struct Difference {
    pub(super) native: Option<Parts>,
    default: bool,
    pub(super) nullable: bool,
    numbering: bool,
}

impl Difference {
    /// `None`: the column is as it shall be.
    pub(super) fn between(dialect: &dyn Changes, current: &Column, wanted: &Column) -> Result<Option<Self>> {
        let difference = Self {
            native: other_type(dialect, current, wanted)?,
            default: !default::is_same(dialect, current.default.as_ref(), wanted.default.as_ref()),
            nullable: current.is_nullable != wanted.is_nullable,
            numbering: current.is_auto_increment != wanted.is_auto_increment,
        };
        let Self { native, default, nullable, numbering } = &difference;
        Ok((native.is_some() || *default || *nullable || *numbering).then_some(difference))
    }

    pub(super) fn judge(&self, table: &Table, current: &Column, wanted: &Column) -> Result<()> {
        let name = &current.name;
        if self.numbering {
            return Err(unsupported(format!(
                "beginning or ending to number new rows by the column '{name}', which is there already"
            )));
        }
        if current.is_generated {
            return Err(unsupported(format!("changing the computed column '{name}'")));
        }
        if wanted.is_nullable && table.primary_key.contains(name) {
            return Err(invalid(format!("the column '{name}' is part of the primary key and takes no null")));
        }
        Ok(())
    }

    /// Whether words for a default alone do not say it.
    pub(super) fn is_whole(&self, wanted: &Column) -> bool {
        let is_expression = matches!(wanted.default, Some(DefaultValue::Expression(_)));
        self.native.is_some() || self.nullable || is_expression
    }

    /// A default goes before the type changes: it need not fit the new one.
    pub(super) fn parts<'c>(&'c self, current: &Column, wanted: &'c Column) -> Vec<Altered<'c>> {
        let new =
            wanted.default.as_ref().filter(|value| **value != DefaultValue::Value(serde_json::Value::Null));
        let goes = current.default.is_some() && (self.native.is_some() || new.is_none() && self.default);
        let comes = new.filter(|_| self.default || goes);
        [
            goes.then_some(Altered::NoDefault),
            self.native.as_ref().map(|native| Altered::Type(wanted, native)),
            comes.map(|value| Altered::Default(wanted, value)),
            self.nullable.then_some(Altered::Nullable(wanted.is_nullable)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// The type of a column, if it is to become another one.
fn other_type(dialect: &dyn Changes, current: &Column, wanted: &Column) -> Result<Option<Parts>> {
    if wanted.native_type == current.native_type && !wanted.native_type.is_empty() {
        return Ok(None);
    }
    let wanted = &native::sized(wanted)?;
    let agrees = |wanted: Option<u64>, current: Option<u64>| wanted.is_none() || wanted == current;
    let is_alike = wanted.native_type.is_empty()
        && wanted.data_type == current.data_type
        && agrees(wanted.length, current.length)
        && agrees(wanted.precision.map(u64::from), current.precision.map(u64::from))
        && (wanted.scale.is_none() || wanted.scale == current.scale);
    if is_alike {
        return Ok(None);
    }
    let native = native::of(dialect, wanted)?;
    // What a description says and no rule knows is another type than all others.
    let is_same =
        Parts::read(&current.native_type).is_ok_and(|current| native::is_same(dialect, &current, &native));
    Ok((!is_same).then_some(native))
}
