//! What a table's extras say of the values of its fields: rules, held against what a record gives, and what the gateway fills in by itself.

use std::collections::HashMap;
use std::time::SystemTime;

use connector_api::model::{Column, ColumnType, Instant, Table, Timestamp, Value};
use serde_json::Value as Json;

use super::Kind;
use crate::extras::{FieldExtras, Given, Rules, TableExtras, Verdict};
use crate::plan::{Columns, Error, Scope};

/// What is said of the values of one table as it is described now.
#[derive(Debug, Default)]
pub struct Checks(HashMap<usize, Check>);

#[derive(Debug)]
struct Check {
    rules: Rules,
    picklist: Vec<String>,
    filled: Option<Filled>,
}

/// What the gateway fills in, whatever a record gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filled {
    /// The moment of each write.
    Moment,
    /// The number of the user who creates the row.
    Creator,
    /// The number of the user who writes it.
    Writer,
}

impl Filled {
    fn of(type_word: &str) -> Option<Self> {
        match type_word {
            "timestamp_on_update" => Some(Self::Moment),
            "user_id_on_create" => Some(Self::Creator),
            "user_id_on_update" => Some(Self::Writer),
            _ => None,
        }
    }

    /// The value; `None`: there is none to fill in, and the field is left alone.
    fn value(self, data_type: ColumnType, kind: Kind, scope: &Scope<'_>) -> Option<Value> {
        match self {
            Self::Moment => Some(moment(scope.now, data_type)),
            Self::Creator if kind != Kind::Insert => None,
            Self::Creator | Self::Writer => (scope.lookup)("user.id")?.parse().ok().map(Value::I64),
        }
    }
}

/// The whole second, which every store keeps.
fn moment(now: SystemTime, data_type: ColumnType) -> Value {
    let seconds = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let at = Timestamp { seconds: i64::try_from(seconds).unwrap_or(i64::MAX), nanos: 0 };
    if data_type == ColumnType::Timestamp {
        Value::Instant(Instant { at, offset: Some(0) })
    } else {
        Value::Timestamp(at)
    }
}

impl Checks {
    /// Those of these extras. Rules that can't be read are none: extras are refused because of them before they come here.
    #[must_use]
    pub fn new(table: &Table, extras: &TableExtras) -> Self {
        let check = |(name, field): (&String, &FieldExtras)| {
            let place = Columns::new(table).position(name)?;
            let rules =
                field.validation.as_ref().and_then(|rules| Rules::parse(rules).ok()).unwrap_or_default();
            let own = || table.columns.get(place).map(|column| column.allowed_values.clone());
            let picklist = field.picklist.clone().or_else(own).unwrap_or_default();
            let filled = field.type_word.as_deref().and_then(Filled::of);
            Some((place, Check { rules, picklist, filled }))
        };
        Self(extras.fields.iter().filter_map(check).collect())
    }

    /// Whether a value is written; a field whose value is not is left alone.
    ///
    /// # Errors
    /// A value that refuses its record.
    pub(super) fn keeps(
        &self,
        place: usize,
        column: &Column,
        value: &Json,
        is_new: bool,
    ) -> Result<bool, Error> {
        let Some(Check { rules, picklist, filled }) = self.0.get(&place) else { return Ok(true) };
        if filled.is_some() {
            return Ok(false);
        }
        match rules.judge(Given { field: &column.name, value, picklist, is_new }) {
            Verdict::Keep => Ok(true),
            Verdict::Drop => Ok(false),
            Verdict::Refuse(message) => Err(Error::record(message)),
        }
    }

    /// Whether nothing is said of any value.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the gateway fills a field of a new row.
    pub(super) fn fills(&self, place: usize) -> bool {
        self.0.get(&place).is_some_and(|check| check.filled.is_some())
    }

    /// Fills in what the gateway does.
    pub(super) fn fill(&self, cells: &mut Vec<(usize, Value)>, kind: Kind, scope: &Scope<'_>) {
        let filled = self.0.iter().filter_map(|(place, check)| {
            let data_type = scope.table.columns.get(*place)?.data_type;
            Some((*place, check.filled?.value(data_type, kind, scope)?))
        });
        let before = cells.len();
        cells.extend(filled);
        if cells.len() > before {
            cells.sort_by_key(|(place, _)| *place);
        }
    }
}
