//! Steps of a random sequence, from a seed: what they are, and how often each comes. A step knows nothing of the rows that are there,
//! so any part of a sequence is a sequence too.

use connector_api::model::{CompareOp, Existing, Expr, Filter, OnError, UpdateMode, Value};

use super::super::ask::{column, compare_exprs, equals, text};
use super::super::peer::Peer;
use super::super::stock::int;
use crate::generate::Random;

/// The columns of a row, its key first.
pub(super) const COLUMNS: [&str; 5] = ["id", "name", "qty", "state", "code"];

/// So few rows there can be that a random key is mostly one that exists.
const KEYS: usize = 24;
/// Codes are unique, and there are fewer than rows.
const CODES: [&str; 9] = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
const STATES: [&str; 4] = ["new", "old", "sold", "lost"];
/// Quantities lie below it.
const QUANTITY: usize = 20;
/// The most records of a call.
const RECORDS: usize = 5;

/// One step.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// A call that writes.
    Write(Write),
    /// A transaction begins, if none is open.
    Begin,
    /// It ends, if one is open.
    Commit,
    /// It is undone, if one is open.
    Rollback,
}

/// A call that writes.
#[derive(Debug, Clone)]
pub(super) struct Write {
    pub(super) action: Action,
    /// The columns of the records behind the key; none for deletes.
    pub(super) columns: Vec<&'static str>,
    /// A key and cells each; one without a key for changes by filter, none for deletes by filter.
    pub(super) records: Vec<Record>,
    pub(super) on_error: OnError,
    pub(super) guard: Option<Rule>,
    pub(super) check: Option<Rule>,
    /// The rows are wanted back.
    pub(super) returning: bool,
}

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Insert,
    Update(UpdateMode),
    UpdateWhere(Rule),
    Upsert(Existing),
    Delete,
    DeleteWhere(Rule),
}

impl Action {
    /// Whether all of it succeeds or fails as one.
    pub(super) fn is_by_filter(self) -> bool {
        matches!(self, Self::UpdateWhere(_) | Self::DeleteWhere(_))
    }
}

/// A record.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) id: i64,
    pub(super) cells: Vec<Value>,
}

impl Record {
    /// A change by filter that sets nothing is no change, and a store may say so.
    fn set_something(&mut self) {
        let sets_nothing = self.cells.iter().all(|cell| *cell == Value::Absent);
        if let Some(first) = self.cells.first_mut().filter(|_| sets_nothing) {
            *first = Value::Null;
        }
    }
}

/// A condition on a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    State(&'static str),
    QuantityBelow(i64),
    /// Holds for each row.
    Always,
}

impl Rule {
    /// As a filter whose value is the parameter at this position, and that value.
    pub(super) fn filter(self, position: usize) -> (Filter, Value) {
        match self {
            Self::State(state) => (equals("state", position), text(state)),
            Self::QuantityBelow(bound) => {
                (compare_exprs(column("qty"), CompareOp::Lt, Expr::Param(position)), int(bound))
            }
            Self::Always => (Filter::Always(true), Value::Null),
        }
    }
}

type Make = fn(&mut Random) -> Action;

/// What a service is asked for.
#[derive(Debug, Clone)]
pub(super) struct Repertoire {
    actions: Vec<Make>,
    on_errors: Vec<OnError>,
    rules: bool,
    returning: bool,
    transactions: bool,
}

impl Repertoire {
    /// Everything that a service declares.
    pub(super) fn of(peer: &Peer) -> Self {
        Self::offered(|need| peer.offers(need))
    }

    /// Everything that is offered.
    pub(super) fn offered(offers: impl Fn(&str) -> bool) -> Self {
        let actions: [(&str, Make); 8] = [
            ("insert", |_| Action::Insert),
            ("insert", |_| Action::Insert),
            ("update_by_key", |_| Action::Update(UpdateMode::Merge)),
            ("update_by_key", |_| Action::Update(UpdateMode::Replace)),
            ("upsert", |random| {
                let is_merged = random.percent(70);
                Action::Upsert(if is_merged { Existing::Merge } else { Existing::Replace })
            }),
            ("delete_by_key", |_| Action::Delete),
            ("update_where", |random| Action::UpdateWhere(condition(random))),
            ("delete_where", |random| Action::DeleteWhere(condition(random))),
        ];
        let on_errors = [
            ("insert", OnError::Stop),
            ("on_error_continue", OnError::Continue),
            ("on_error_atomic", OnError::Atomic),
        ];
        Self {
            actions: only(&actions, &offers),
            on_errors: only(&on_errors, &offers),
            rules: offers("row_rules"),
            returning: offers("returning"),
            transactions: offers("transactions"),
        }
    }

    /// The next step.
    pub(super) fn step(&self, random: &mut Random) -> Step {
        if self.transactions && random.percent(10) {
            return match random.below(5) {
                0..=2 => Step::Begin,
                3 => Step::Commit,
                _ => Step::Rollback,
            };
        }
        Step::Write(self.write(random))
    }

    fn write(&self, random: &mut Random) -> Write {
        let action = self.actions.get(random.below(self.actions.len()));
        let action = action.map_or(Action::Insert, |make| make(random));
        let columns = columns(action, random);
        let count = match action {
            Action::DeleteWhere(_) => 0,
            Action::UpdateWhere(_) => 1,
            _ => random.below(RECORDS) + 1,
        };
        let mut records: Vec<Record> = (0..count).map(|_| record(&columns, random)).collect();
        if action.is_by_filter() {
            records.iter_mut().for_each(Record::set_something);
        }
        let on_error = self.on_errors.get(random.below(self.on_errors.len())).copied();
        let has_guard = self.rules && !action.is_by_filter() && action != Action::Insert;
        let has_check = self.rules && !matches!(action, Action::Delete | Action::DeleteWhere(_));
        Write {
            action,
            columns,
            records,
            on_error: on_error.filter(|_| !action.is_by_filter()).unwrap_or(OnError::Stop),
            guard: (has_guard && random.percent(30)).then(|| rule(random)),
            check: (has_check && random.percent(30)).then(|| rule(random)),
            returning: self.returning && random.percent(40),
        }
    }
}

fn only<T: Copy>(all: &[(&str, T)], offers: impl Fn(&str) -> bool) -> Vec<T> {
    all.iter().filter(|(need, _)| offers(need)).map(|(_, item)| *item).collect()
}

/// The columns that are given: all, or some. A row that may be new has a name, for whether a store looks for it first is its own affair.
fn columns(action: Action, random: &mut Random) -> Vec<&'static str> {
    let is_named = match action {
        Action::Delete | Action::DeleteWhere(_) => return vec![],
        Action::Insert | Action::Upsert(_) | Action::Update(UpdateMode::Replace) => true,
        Action::Update(UpdateMode::Merge) | Action::UpdateWhere(_) => random.percent(40),
    };
    let mut columns: Vec<&str> = if is_named { vec!["name"] } else { vec![] };
    columns.extend(["qty", "state", "code"].into_iter().filter(|_| random.percent(60)));
    if columns.is_empty() { vec!["qty"] } else { columns }
}

fn record(columns: &[&str], random: &mut Random) -> Record {
    let id = random.below(KEYS) + 1;
    let cells = columns.iter().map(|column| cell(column, random)).collect();
    Record { id: i64::try_from(id).unwrap_or(i64::MAX), cells }
}

fn cell(column: &str, random: &mut Random) -> Value {
    match (column, random.below(100)) {
        ("name", 0..=5) => Value::Null,
        ("name", other) => text(&format!("name {other}")),
        (_, 0..=9) => Value::Absent,
        ("qty", 10..=24) | ("state", 10..=14) | ("code", 10..=39) => Value::Null,
        ("qty", _) => int(i64::try_from(random.below(QUANTITY)).unwrap_or(0)),
        ("state", _) => text(random.pick(&STATES)),
        _ => text(random.pick(&CODES)),
    }
}

fn rule(random: &mut Random) -> Rule {
    match random.below(3) {
        0 => Rule::State(random.pick(&STATES)),
        _ => Rule::QuantityBelow(i64::try_from(random.below(QUANTITY)).unwrap_or(0)),
    }
}

/// Which rows a write by filter touches; rarely all.
fn condition(random: &mut Random) -> Rule {
    if random.percent(3) { Rule::Always } else { rule(random) }
}
