//! A finished statement, what its markers stand for, and the cache of statements.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use connector_api::model::{Param, TextOp, Value};
use connector_api::{Error, Result};

use crate::Dialect;
use crate::dialect::{ESCAPE, InList};

/// What a marker or a run of markers stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bind {
    /// A parameter as it is.
    Param(Param),
    /// A parameter that counts rows: always bound as a signed integer.
    Rows(Param),
    /// A cell of the record that is written, by its place in the record.
    Cell(usize),
    /// A parameter's text as a `LIKE` pattern for [`ESCAPE`], its wildcards taken literally.
    Pattern(Param, TextOp),
    /// The items of one kind of a list, as a list.
    Array {
        /// The list.
        list: Param,
        /// Items of other kinds are left out.
        kind: Kind,
    },
    /// The items of one kind of a list, in order, the last one repeated until `count` are bound.
    Items {
        /// The list.
        list: Param,
        /// Items of other kinds are left out.
        kind: Kind,
        /// Number of markers; at least as many as there are items.
        count: usize,
    },
}

/// What is bound at a marker.
#[derive(Debug, Clone, PartialEq)]
pub enum Bound<'v> {
    /// This value.
    Value(Cow<'v, Value>),
    /// The cell at this place of the record: how a cell is stored is the connector's matter, since it depends on the column.
    Cell(usize),
}

impl Bind {
    pub(crate) fn markers(&self) -> usize {
        match self {
            Self::Items { count, .. } => *count,
            _ => 1,
        }
    }
}

/// What kind of value a parameter is, as far as the text of a statement depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// The dialect does not ask, or the value is not known before the statement runs.
    Any,
    /// Null or absent.
    Null,
    /// A number, or one of no finer kind.
    Number,
    /// A whole number of 64 bits.
    Integer,
    /// A number with all its decimal digits.
    Decimal,
    /// A binary floating point number.
    Float,
    /// True or false.
    Boolean,
    /// Any text.
    Text,
    /// Bytes.
    Bytes,
    /// A day.
    Date,
    /// A time of day.
    Time,
    /// A day and time without zone.
    Timestamp,
    /// A point in time.
    Instant,
    /// 128 bits.
    Uuid,
    /// JSON, a list or a document.
    Document,
}

/// SQL text with the meaning of its markers, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    sql: Arc<str>,
    binds: Vec<Bind>,
    /// Its conditions look into other tables, whose types it does not show.
    hides_types: bool,
}

impl Statement {
    pub(crate) fn new(sql: String, binds: Vec<Bind>) -> Self {
        Self { sql: sql.into(), binds, hides_types: false }
    }

    pub(crate) fn hiding_types(self, hides_types: bool) -> Self {
        Self { hides_types, ..self }
    }

    /// Whether its conditions look into other tables than its own, and nothing that it gives back is of the types that they rely on there.
    pub fn hides_types(&self) -> bool {
        self.hides_types
    }

    /// The text, with markers and without values.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// The text, to be kept elsewhere.
    pub fn shared_sql(&self) -> Arc<str> {
        Arc::clone(&self.sql)
    }

    /// What the markers stand for, in order.
    #[cfg(feature = "samples")]
    pub(crate) fn binds(&self) -> &[Bind] {
        &self.binds
    }

    /// Hands what is bound at each marker to `each`, in order.
    ///
    /// # Errors
    /// When the request lacks a parameter, or `each` fails.
    pub fn bind<'v>(
        &self,
        dialect: &dyn Dialect,
        params: &'v [Value],
        mut each: impl FnMut(Bound<'v>) -> Result<()>,
    ) -> Result<()> {
        for bind in &self.binds {
            match *bind {
                Bind::Param(param) => each(Bound::Value(Cow::Borrowed(value(params, param)?)))?,
                Bind::Rows(param) => each(Bound::Value(rows(value(params, param)?)?))?,
                Bind::Pattern(param, op) => each(Bound::Value(pattern(value(params, param)?, op)))?,
                Bind::Cell(cell) => each(Bound::Cell(cell))?,
                Bind::Array { list, kind } => {
                    each(Bound::Value(array(dialect, value(params, list)?, kind)))?;
                }
                Bind::Items { list, kind, count } => {
                    let items = items(value(params, list)?).iter();
                    let items = items.filter(|item| dialect.kind(item) == kind);
                    padded(items, count).try_for_each(|item| each(Bound::Value(Cow::Borrowed(item))))?;
                }
            }
        }
        Ok(())
    }
}

fn value(params: &[Value], param: Param) -> Result<&Value> {
    params.get(param).ok_or_else(|| Error::internal("the request names a parameter that was not sent"))
}

/// More rows than the signed range holds are as good as all.
fn rows(value: &Value) -> Result<Cow<'_, Value>> {
    match value {
        Value::I64(0..) => Ok(Cow::Borrowed(value)),
        Value::U64(count) => Ok(Cow::Owned(Value::I64(i64::try_from(*count).unwrap_or(i64::MAX)))),
        _ => Err(Error::internal("a row count is not a whole number of at least 0")),
    }
}

/// A list's items; a value that is no list is its own only item.
fn items(value: &Value) -> &[Value] {
    match value {
        Value::List(items) => items,
        single => std::slice::from_ref(single),
    }
}

/// The whole list where all of it is of this kind.
fn array<'v>(dialect: &dyn Dialect, list: &'v Value, kind: Kind) -> Cow<'v, Value> {
    let is_of_kind = |item: &&Value| dialect.kind(item) == kind;
    let items = items(list);
    if matches!(list, Value::List(_)) && items.iter().all(|item| is_of_kind(&item)) {
        return Cow::Borrowed(list);
    }
    Cow::Owned(Value::List(items.iter().filter(is_of_kind).cloned().collect()))
}

fn padded<'v>(items: impl Iterator<Item = &'v Value>, count: usize) -> impl Iterator<Item = &'v Value> {
    let mut last = &Value::Null;
    let mut items = items;
    (0..count).map(move |_| {
        last = items.next().unwrap_or(last);
        last
    })
}

fn pattern(value: &Value, op: TextOp) -> Cow<'_, Value> {
    let Value::Text(text) = value else { return Cow::Borrowed(value) };
    let mut pattern = String::with_capacity(text.len() + 2);
    if matches!(op, TextOp::Contains | TextOp::EndsWith) {
        pattern.push('%');
    }
    for character in text.chars() {
        if matches!(character, '%' | '_' | ESCAPE) {
            pattern.push(ESCAPE);
        }
        pattern.push(character);
    }
    if matches!(op, TextOp::Contains | TextOp::StartsWith) {
        pattern.push('%');
    }
    Cow::Owned(Value::Text(pattern))
}

/// What the text of a statement depends on beside the shape: kinds of parameters, lengths of lists, and which cells of the record
/// are there. Lengths are rounded up to a power of two, so that few texts serve lists of all lengths.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Form {
    params: Vec<ParamForm>,
    /// By place in the record; what is behind the end is there.
    absent: Vec<bool>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum ParamForm {
    One(Kind),
    List(Vec<Group>),
}

/// Items of one kind in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Group {
    /// Their kind.
    pub kind: Kind,
    /// How many markers they get; 1 for nulls, which need none, and for an array.
    pub count: usize,
}

impl Form {
    /// The form of these parameters.
    pub fn of(dialect: &dyn Dialect, params: &[Value]) -> Self {
        let form = |value: &Value| match value {
            Value::List(items) => ParamForm::List(groups(dialect, items)),
            single => ParamForm::One(dialect.kind(single)),
        };
        Self { params: params.iter().map(form).collect(), absent: Vec::new() }
    }

    /// The same for a record of which these cells are absent.
    #[must_use]
    pub fn with_absent(&self, absent: &[bool]) -> Self {
        Self { params: self.params.clone(), absent: absent.to_vec() }
    }

    /// Whether the record has a value (null counts) in this cell.
    pub fn is_present(&self, cell: usize) -> bool {
        !self.absent.get(cell).copied().unwrap_or(false)
    }

    /// The kind of a parameter, a list taken as one value.
    pub fn kind(&self, param: Param) -> Kind {
        match self.params.get(param) {
            Some(ParamForm::One(kind)) => *kind,
            Some(ParamForm::List(_)) => Kind::Document,
            None => Kind::Any,
        }
    }

    /// The groups of a list, in the order of [`Kind`].
    pub fn groups(&self, list: Param) -> Vec<Group> {
        match self.params.get(list) {
            Some(ParamForm::List(groups)) => groups.clone(),
            Some(ParamForm::One(kind)) => vec![Group { kind: *kind, count: 1 }],
            None => Vec::new(),
        }
    }
}

fn groups(dialect: &dyn Dialect, items: &[Value]) -> Vec<Group> {
    let mut counts = BTreeMap::new();
    for item in items {
        *counts.entry(dialect.kind(item)).or_insert(0_usize) += 1;
    }
    // How long an array is makes no difference to the text.
    let is_counted = |kind| kind != Kind::Null && dialect.in_list() == InList::Items;
    let count = |kind, count: usize| if is_counted(kind) { count.next_power_of_two() } else { 1 };
    counts.into_iter().map(|(kind, found)| Group { kind, count: count(kind, found) }).collect()
}

/// Statements by what their text depends on. Full, it is emptied: simple, and what is in use is back at once.
#[derive(Debug)]
pub struct StatementCache {
    statements: HashMap<StatementKey, Arc<Statement>>,
    capacity: usize,
}

/// What the text of a statement depends on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StatementKey {
    /// The shape: [`Request::key`](connector_api::author::Request::key).
    pub shape: Arc<[u8]>,
    /// Which of the statements that this shape becomes; 0 where it is one.
    pub nth: u8,
    /// The form of its parameters and of its record.
    pub form: Form,
}

impl StatementCache {
    /// A cache of at most so many statements.
    pub fn new(capacity: usize) -> Self {
        Self { statements: HashMap::new(), capacity }
    }

    /// The statement with this key; built by `build` when it is not known yet.
    ///
    /// # Errors
    /// What `build` answers; then nothing is kept.
    pub fn get(
        &mut self,
        key: StatementKey,
        build: impl FnOnce(&Form) -> Result<Statement>,
    ) -> Result<Arc<Statement>> {
        if let Some(statement) = self.statements.get(&key) {
            return Ok(Arc::clone(statement));
        }
        let statement = Arc::new(build(&key.form)?);
        if self.statements.len() >= self.capacity {
            self.statements.clear();
        }
        self.statements.insert(key, Arc::clone(&statement));
        Ok(statement)
    }

    /// Forgets all statements, because tables changed whose columns stand in them.
    pub fn clear(&mut self) {
        self.statements.clear();
    }
}

#[cfg(test)]
mod tests;
