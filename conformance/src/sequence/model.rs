//! What a table holds and how each write on it ends, by the contract and without a store.

use std::collections::BTreeMap;

use connector_api::model::{Affected, Existing, OnError, UpdateMode, Value};

use super::super::change::{End, against_the_rules, exists, missing, null_refused};
use super::super::peer::Rows;
use super::super::stock::int;
use super::step::{Action, COLUMNS, Record, Rule, Write};

type Row = Vec<Value>;

/// The places of columns in a row.
const NAME: usize = 1;
const QUANTITY: usize = 2;
const STATE: usize = 3;
const CODE: usize = 4;

/// A table.
#[derive(Debug, Clone)]
pub(super) struct Model {
    rows: BTreeMap<i64, Row>,
    /// What `state` gets when nothing is given.
    default_state: Value,
    /// No two rows have one code.
    has_unique_keys: bool,
    /// Every column but the key takes a null.
    takes_nulls: bool,
    /// What stands in a column that was never given: null, or nothing where rows are documents.
    unset: Value,
}

/// How a write ends.
#[derive(Debug)]
pub(super) struct Expected {
    /// For each record one of these; a record that breaks several rules may name any of them.
    pub(super) ends: Vec<Vec<End>>,
    /// The whole write fails like this; only writes by filter do.
    pub(super) failure: Vec<End>,
    /// Rows that come back.
    pub(super) rows: Rows,
    pub(super) affected: Affected,
    /// So many rows are seen to be changed: whether a null in place of nothing is a change is the store's to say.
    pub(super) changed_at_least: u64,
}

impl Expected {
    /// Whether anything of it fails.
    pub(super) fn has_failed(&self) -> bool {
        !self.failure.is_empty() || self.ends.iter().any(|ends| *ends != [End::Done])
    }
}

/// A record that is done.
struct Done {
    row: Row,
    is_matched: bool,
    is_changed: bool,
    /// Its cells are others.
    is_seen: bool,
}

impl Model {
    /// An empty table.
    pub(super) fn new(default_state: Value, has_unique_keys: bool, takes_nulls: bool) -> Self {
        Self { rows: BTreeMap::new(), default_state, has_unique_keys, takes_nulls, unset: Value::Null }
    }

    /// The same where rows are documents.
    pub(super) fn of_documents(self) -> Self {
        let default_state =
            if self.default_state == Value::Null { Value::Absent } else { self.default_state };
        Self { unset: Value::Absent, default_state, ..self }
    }

    /// All rows by their key.
    pub(super) fn rows(&self) -> Rows {
        self.rows.values().map(shown).collect()
    }

    /// Does a write.
    pub(super) fn write(&mut self, write: &Write) -> Expected {
        match write.action {
            Action::UpdateWhere(rule) => self.update_where(write, rule),
            Action::DeleteWhere(rule) => {
                let gone = self.matching(rule);
                gone.keys().for_each(|id| drop(self.rows.remove(id)));
                let count = gone.len();
                by_filter(write, gone.values().map(shown).collect(), (count, count, count))
            }
            _ => self.by_record(write),
        }
    }

    fn by_record(&mut self, write: &Write) -> Expected {
        let before = self.rows.clone();
        let (mut ends, mut done) = (Vec::new(), Vec::new());
        for record in &write.records {
            let ended = self.record(write, record);
            let has_failed = ended.is_err();
            ends.push(ended.map_or_else(
                |broken| broken,
                |one| {
                    done.push(one);
                    vec![End::Done]
                },
            ));
            if has_failed && write.on_error != OnError::Continue {
                break;
            }
        }
        let has_failed = ends.iter().any(|end| *end != [End::Done]);
        if has_failed && write.on_error == OnError::Atomic {
            self.rows = before;
            done.clear();
            ends.iter_mut().filter(|end| **end == [End::Done]).for_each(|end| *end = vec![End::RolledBack]);
        }
        ends.resize(write.records.len(), vec![End::NotRun]);
        let matched = done.iter().filter(|one| one.is_matched).count();
        let changed = done.iter().filter(|one| one.is_changed).count();
        let seen = done.iter().filter(|one| one.is_seen).count();
        let rows = done.iter().map(|one| shown(&one.row)).collect();
        Expected { ends, rows, ..by_filter(write, vec![], (matched, changed, seen)) }
    }

    /// Does one record, or says which rules it breaks.
    fn record(&mut self, write: &Write, record: &Record) -> Result<Done, Vec<End>> {
        let old = self.rows.get(&record.id).cloned();
        let is_hidden = old.as_ref().is_some_and(|old| write.guard.is_some_and(|guard| !holds(guard, old)));
        let needs_row = matches!(write.action, Action::Update(_) | Action::Delete);
        if needs_row && (old.is_none() || is_hidden) {
            return Err(vec![missing()]);
        }
        if write.action == Action::Delete {
            let row = self.rows.remove(&record.id).unwrap_or_default();
            return Ok(Done { row, is_matched: true, is_changed: true, is_seen: true });
        }
        let is_merged =
            matches!(write.action, Action::Update(UpdateMode::Merge) | Action::Upsert(Existing::Merge));
        let row = self.filled(old.as_ref().filter(|_| is_merged), record, &write.columns);
        let mut broken = self.broken(&row, write.check);
        match write.action {
            Action::Insert if old.is_some() => broken.push(exists()),
            Action::Upsert(_) if is_hidden => broken.push(against_the_rules("guard_failed")),
            _ => {}
        }
        if !broken.is_empty() {
            return Err(broken);
        }
        let is_changed = old.as_ref() != Some(&row);
        let is_seen = old.as_ref().map(shown) != Some(shown(&row));
        self.rows.insert(record.id, row.clone());
        Ok(Done { row, is_matched: old.is_some(), is_changed, is_seen })
    }

    fn update_where(&mut self, write: &Write, rule: Rule) -> Expected {
        let matching = self.matching(rule);
        let Some(record) = write.records.first() else { return by_filter(write, vec![], (0, 0, 0)) };
        let mut becoming = self.clone();
        for (id, old) in &matching {
            let row = self.filled(Some(old), record, &write.columns);
            becoming.rows.insert(*id, row);
        }
        let rows: Rows = matching.keys().filter_map(|id| becoming.rows.get(id)).cloned().collect();
        let failure: Vec<End> = rows.iter().flat_map(|row| becoming.broken(row, write.check)).collect();
        if !failure.is_empty() {
            return Expected { failure, ..by_filter(write, vec![], (0, 0, 0)) };
        }
        let changed = rows.iter().zip(matching.values()).filter(|(new, old)| new != old).count();
        let seen = rows.iter().zip(matching.values()).filter(|(new, old)| shown(new) != shown(old)).count();
        *self = becoming;
        let matched = rows.len();
        by_filter(write, rows.iter().map(shown).collect(), (matched, changed, seen))
    }

    fn matching(&self, rule: Rule) -> BTreeMap<i64, Row> {
        let matching = self.rows.iter().filter(|(_, row)| holds(rule, row));
        matching.map(|(id, row)| (*id, row.clone())).collect()
    }

    /// The row that was there, or a new one, with the cells of a record.
    fn filled(&self, old: Option<&Row>, record: &Record, columns: &[&str]) -> Row {
        let unset = || self.unset.clone();
        let new = || vec![int(record.id), unset(), unset(), self.default_state.clone(), unset()];
        let mut row = old.cloned().unwrap_or_else(new);
        for (column, cell) in columns.iter().zip(&record.cells) {
            let place = COLUMNS.iter().position(|name| name == column);
            if let Some(place) = place.and_then(|place| row.get_mut(place))
                && *cell != Value::Absent
            {
                place.clone_from(cell);
            }
        }
        row
    }

    /// The rules of the table, and the caller's, that a row breaks beside all others.
    fn broken(&self, row: &Row, check: Option<Rule>) -> Vec<End> {
        let mut broken = Vec::new();
        if !self.takes_nulls && row.get(NAME).is_some_and(is_null) {
            broken.push(null_refused());
        }
        let is_taken = |other: &Row| {
            other.first() != row.first()
                && other.get(CODE) == row.get(CODE)
                && !row.get(CODE).is_some_and(is_null)
        };
        if self.has_unique_keys && self.rows.values().any(is_taken) {
            broken.push(exists());
        }
        if check.is_some_and(|check| !holds(check, row)) {
            broken.push(against_the_rules("check_failed"));
        }
        broken
    }
}

/// A write by filter has no failing records. Its numbers: found, changed, seen to be changed.
fn by_filter(write: &Write, rows: Rows, (matched, changed, seen): (usize, usize, usize)) -> Expected {
    let ends = vec![vec![End::Done]; write.records.len()];
    let changed_at_least = u64::try_from(seen).unwrap_or(u64::MAX);
    Expected { ends, failure: vec![], rows, affected: affected(matched, changed), changed_at_least }
}

/// A row as it is read.
fn shown(row: &Row) -> Row {
    row.iter().map(|cell| if is_null(cell) { Value::Null } else { cell.clone() }).collect()
}

fn is_null(cell: &Value) -> bool {
    matches!(cell, Value::Null | Value::Absent)
}

fn affected(matched: usize, changed: usize) -> Affected {
    Affected { matched: u64::try_from(matched).ok(), changed: u64::try_from(changed).ok() }
}

/// Whether a condition is true; unknown is not.
fn holds(rule: Rule, row: &Row) -> bool {
    match rule {
        Rule::Always => true,
        Rule::State(state) => row.get(STATE) == Some(&Value::Text(state.to_owned())),
        Rule::QuantityBelow(bound) => matches!(row.get(QUANTITY), Some(Value::I64(found)) if *found < bound),
    }
}
