//! Records that share a call. Columns that a record does not give are absent in it; records with other expressions need a call of their own.

use std::collections::BTreeSet;
use std::sync::Arc;

use connector_api::model::batch::CellWriter as _;
use connector_api::model::{
    Assignment, Capabilities, Delete, Existing, Filter, Insert, Path, Selector, Update, UpdateMode, Upsert,
};

use super::record::{Form, Planned};
use super::{Kind, Selection, Write, rules};
use crate::plan::capability::{check_filter, check_parameters};
use crate::plan::filter::Planner;
use crate::plan::values::Values;
use crate::plan::{Aliases, Error, Scope, read};

/// About how many bytes of records one call carries, so that a write of any length needs bounded memory.
const CALL_BYTES: usize = 256 * 1024;

/// The shape of a write.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// New rows.
    Insert(Insert),
    /// Changed rows.
    Update(Update),
    /// Changed or new rows.
    Upsert(Upsert),
    /// Removed rows.
    Delete(Delete),
}

impl Change {
    /// The names of the columns that it gives back.
    fn returned(&self) -> Arc<[String]> {
        let returning = match self {
            Self::Insert(insert) => &insert.returning,
            Self::Update(update) => &update.returning,
            Self::Upsert(upsert) => &upsert.returning,
            Self::Delete(delete) => &delete.returning,
        };
        returning.iter().map(|path| path.segments().join(".")).collect()
    }

    /// The same as the store understands it.
    fn own(self, aliases: &Aliases, values: &mut Values) -> Self {
        let filter =
            |filter: Option<Filter>, values: &mut Values| filter.map(|filter| aliases.filter(filter, values));
        match self {
            Self::Insert(insert) => Self::Insert(Insert {
                columns: aliases.paths(insert.columns),
                compute: aliases.assignments(insert.compute),
                check: filter(insert.check, values),
                returning: aliases.paths(insert.returning),
                ..insert
            }),
            Self::Update(update) => Self::Update(Update {
                rows: aliases.rows(update.rows, values),
                set: aliases.paths(update.set),
                compute: aliases.assignments(update.compute),
                check: filter(update.check, values),
                returning: aliases.paths(update.returning),
                ..update
            }),
            Self::Upsert(upsert) => Self::Upsert(Upsert {
                columns: aliases.paths(upsert.columns),
                key: aliases.paths(upsert.key),
                guard: filter(upsert.guard, values),
                check: filter(upsert.check, values),
                returning: aliases.paths(upsert.returning),
                ..upsert
            }),
            Self::Delete(delete) => Self::Delete(Delete {
                rows: aliases.rows(delete.rows, values),
                returning: aliases.paths(delete.returning),
                ..delete
            }),
        }
    }
}

/// A call to send as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The shape.
    pub change: Change,
    /// Its parameters.
    pub params: Vec<connector_api::model::Value>,
    /// The records' cells, one record after the other.
    pub cells: Vec<u8>,
    /// How many records.
    pub records: u32,
    /// The names under which rows are given back where the store calls columns otherwise, and what they are called.
    pub naming: Option<(Arc<[String]>, Arc<Aliases>)>,
}

/// Records that wait for their call. What they have in common is kept from call to call, so that calls of one write have as few shapes as
/// possible.
#[derive(Debug, Default)]
pub struct Gathered {
    /// Places of the columns that the records may have, ascending.
    columns: Vec<usize>,
    form: Form,
    cells: Vec<u8>,
    records: u32,
}

impl Gathered {
    /// None waits yet; those to come have columns at these places and this form.
    pub(super) fn of(columns: BTreeSet<usize>, form: Form) -> Self {
        Self { columns: columns.into_iter().collect(), form, ..Self::default() }
    }

    /// None waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// Whether a record can share the call of those that wait.
    #[must_use]
    pub fn takes(&self, record: &Planned) -> bool {
        let is_known = |place: &usize| self.columns.binary_search(place).is_ok();
        self.is_empty() || (self.form == record.form && record.cells.iter().all(|(place, _)| is_known(place)))
    }

    /// Adds a record that it takes.
    pub fn add(&mut self, record: Planned) {
        if self.is_empty() {
            self.begin(&record);
        }
        record.key.iter().for_each(|value| self.cells.value(value));
        let mut cells = record.cells.into_iter().peekable();
        for place in &self.columns {
            match cells.next_if(|(given, _)| given == place) {
                Some((_, value)) => self.cells.value(&value),
                None => self.cells.absent(),
            }
        }
        self.records += 1;
    }

    fn begin(&mut self, first: &Planned) {
        if self.form != first.form {
            self.form = first.form.clone();
            self.columns.clear();
        }
        self.columns.extend(first.cells.iter().map(|(place, _)| *place));
        self.columns.sort_unstable();
        self.columns.dedup();
    }

    /// Whether another record would be too much for one call.
    #[must_use]
    pub fn is_full(&self, write: &Write, can: &Capabilities) -> bool {
        let bound = write.rule_params + self.form.params.len();
        let width = (write.key.len() + self.columns.len()).max(1);
        let by_parameters = can.max_parameters.map(|limit| to_usize(limit).saturating_sub(bound) / width);
        let by_records = can.max_records.map(to_usize);
        // With several rows for a key nobody could tell whose they are.
        let by_key = (write.is_by_key() && !write.is_key_unique).then_some(1);
        let most = [by_parameters, by_records, by_key].into_iter().flatten().min().unwrap_or(usize::MAX);
        self.cells.len() >= CALL_BYTES || to_usize(self.records) >= most
    }

    /// The call of the records that wait; none waits after it.
    ///
    /// # Errors
    /// More values than the service takes in one call.
    pub fn call(&mut self, write: &Write, scope: &Scope<'_>) -> Result<Call, Error> {
        let (cells, records) = (std::mem::take(&mut self.cells), std::mem::take(&mut self.records));
        let mut values = Values::default();
        self.form.params.iter().for_each(|value| {
            values.push(value.clone());
        });
        let change = write.change(self, &mut values, scope)?;
        let naming = scope.aliases.map(|aliases| (change.returned(), Arc::clone(aliases)));
        let change = match scope.aliases {
            None => change,
            Some(aliases) => change.own(aliases, &mut values),
        };
        let width = if write.is_by_key() { write.key.len() } else { 0 } + self.columns.len();
        check_parameters(values.bound_count() + width * to_usize(records), scope.capabilities)?;
        Ok(Call { change, params: values.into_vec(), cells, records, naming })
    }
}

impl Write {
    fn change(&self, of: &Gathered, values: &mut Values, scope: &Scope<'_>) -> Result<Change, Error> {
        let table = scope.table.table.clone();
        let column = |place: &usize| self.column(*place, scope).map(|column| Path::column(&column.name));
        let (mode, existing) = self.modes();
        let columns: Vec<Path> = of.columns.iter().filter_map(column).collect();
        let key: Vec<Path> = self.key.iter().map(Path::column).collect();
        let returning = self.returning(&columns, scope);
        let compute = of.form.compute.clone();
        let rule = rules::plan(scope.rules, scope, values)?;
        let expected =
            self.expected(columns.iter().chain(compute.iter().map(|it| &it.column)), values, scope);
        if let Some(expected) = &expected {
            check_filter(expected, scope.capabilities)?;
        }
        let guard = read::all_of([rule.clone(), expected]);
        let (on_error, need) = (self.on_error, Vec::new());
        let others = self.gives_others(scope);
        Ok(match self.kind_with(&compute) {
            Kind::Insert => Change::Insert(Insert {
                into: table,
                columns,
                compute,
                on_error,
                check: read::all_of([rule, rules::plan(scope.rules_of_new_rows, scope, values)?]),
                returning,
                others,
                need,
            }),
            Kind::Update => Change::Update(Update {
                table,
                rows: self.rows(key, guard, values, scope)?,
                set: columns,
                compute,
                mode,
                check: rule,
                on_error,
                returning,
                others,
                need,
            }),
            Kind::Upsert => Change::Upsert(Upsert {
                into: table,
                columns: key.iter().cloned().chain(columns).collect(),
                key,
                existing,
                guard,
                check: read::all_of([rule, rules::plan(scope.rules_of_new_rows, scope, values)?]),
                on_error,
                returning,
                others,
                need,
            }),
            Kind::Delete => Change::Delete(Delete {
                from: table,
                rows: self.rows(key, guard, values, scope)?,
                on_error,
                returning,
                others,
                need,
            }),
        })
    }

    /// What becomes of the columns of a row that are not given.
    fn modes(&self) -> (UpdateMode, Existing) {
        match self.replaces {
            true => (UpdateMode::Replace, Existing::Replace),
            false => (UpdateMode::Merge, Existing::Merge),
        }
    }

    /// An upsert has no computed columns: they need the row.
    fn kind_with(&self, compute: &[Assignment]) -> Kind {
        if self.kind == Kind::Upsert && !compute.is_empty() { Kind::Update } else { self.kind }
    }

    fn rows(
        &self,
        columns: Vec<Path>,
        rule: Option<Filter>,
        values: &mut Values,
        scope: &Scope<'_>,
    ) -> Result<Selector, Error> {
        let wanted = match &self.selection {
            Selection::Keys | Selection::Seen(_) | Selection::Missing => {
                return Ok(Selector::Keys { columns, guard: rule });
            }
            Selection::Some(node) => {
                let wanted = Planner::new(scope, values).plan(node)?;
                check_filter(&wanted, scope.capabilities)?;
                return Ok(Selector::Keys { columns, guard: read::all_of([rule, Some(wanted)]) });
            }
            Selection::Matching(node) => Some(Planner::new(scope, values).plan(node)?),
            Selection::All => None,
        };
        let filter = read::all_of([rule, wanted]).unwrap_or(Filter::Always(true));
        check_filter(&filter, scope.capabilities)?;
        Ok(Selector::Where(filter))
    }
}

/// A `usize` has at least 32 bits wherever the gateway runs.
fn to_usize(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
