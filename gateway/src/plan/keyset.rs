//! Pages by cursor: a page begins behind the last row of the page before, whatever its number, so all pages cost the same.
//!
//! "Behind the row (x, y) in the order a, b" is `a > x or (a = x and b > y)`. Written as one condition, no index finds the place: it
//! would pass over all rows with `a = x`, and over all nulls. So the rows behind are asked for as *runs* that follow each other, the
//! longest common part first: `a = x and b > y`, then `a > x`, then the nulls where they stand last. Each is some equalities and one
//! range, which every store can look up; most pages need the first only.

use connector_api::model::{
    Column, ColumnType, CompareOp, Direction, Expr, Filter, Nulls, Order, Path, Query, Table, Value,
};

use super::capability::{check_filter, check_parameters, require};
use super::columns::Columns;
use super::read::{Page, Read};
use super::selection::Selected;
use super::values::Values;
use super::{Error, Scope};

const PARAMETER: &str = "cursor";

/// What makes a read one that a cursor can go through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyset {
    /// The columns whose values in its last row are a page's end, in the order's sequence.
    pub columns: Vec<String>,
    /// Their types.
    pub types: Vec<ColumnType>,
    /// Which of them may hold values of other kinds than their types, for those were guessed.
    pub guessed: Vec<bool>,
    /// Which of them may be null.
    nullable: Vec<bool>,
}

/// Completes a selection so that its order tells any two rows apart and its rows bring what a position is made of.
pub(super) fn plan(
    selection: &mut Selected,
    filter: Option<&Filter>,
    scope: &Scope<'_>,
) -> Result<Keyset, Error> {
    if selection.group.is_some() || selection.distinct {
        let message = "a cursor can't go through groups, aggregates or 'distinct'; page by 'offset'";
        return Err(Error::invalid(PARAMETER, message));
    }
    require(scope.capabilities.order, "a cursor")?;
    let columns = Columns::new(scope.table);
    refuse_replaced(&selection.order, scope)?;
    let ordered = selection.order.iter().map(|item| of_order(item, columns));
    let ordered = ordered.collect::<Result<Vec<_>, _>>()?;
    let keyset = Keyset {
        columns: ordered.iter().map(|column| column.name.clone()).collect(),
        types: ordered.iter().map(|column| column.data_type).collect(),
        guessed: ordered.iter().map(|column| column.is_guessed).collect(),
        nullable: ordered.iter().map(|column| column.is_nullable).collect(),
    };
    refuse_ambiguous(&keyset, scope.table)?;
    check(&keyset, &selection.order, filter, scope)?;
    selection.view.wanted.add(keyset.columns.iter().map(Path::column));
    Ok(keyset)
}

/// A column of the order. Values of one column must be comparable with each other.
fn of_order<'a>(item: &Order, columns: Columns<'a>) -> Result<&'a Column, Error> {
    let column = item.by.as_column().and_then(|name| columns.find(name));
    let is_open = |data_type| {
        matches!(data_type, ColumnType::Other | ColumnType::Json | ColumnType::Array | ColumnType::Object)
    };
    match column.filter(|column| !is_open(column.data_type)) {
        Some(column) => Ok(column),
        None => {
            let name = item.by.segments().join(".");
            let message = format!(
                "a cursor can't go by '{name}': its values may be of several kinds; order by another field or page by 'offset'"
            );
            Err(Error::invalid(PARAMETER, message))
        }
    }
}

/// A position is made of what is read, so rows must be ordered by just that.
fn refuse_replaced(order: &[Order], scope: &Scope<'_>) -> Result<(), Error> {
    let is_replaced =
        |item: &&Order| scope.aliases.is_some_and(|aliases| aliases.is_ordered_otherwise(&item.by));
    let Some(item) = order.iter().find(is_replaced) else { return Ok(()) };
    let name = item.by.segments().join(".");
    let message =
        format!("a cursor can't go by '{name}', which is read by another function than it is ordered by");
    Err(Error::invalid(PARAMETER, message))
}

/// A primary key in the order, or a unique one without nulls, makes each row's place its own.
fn refuse_ambiguous(keyset: &Keyset, table: &Table) -> Result<(), Error> {
    let place = |name: &String| keyset.columns.iter().position(|known| known == name);
    let holds = |key: &[String]| !key.is_empty() && key.iter().all(|name| place(name).is_some());
    let has_nulls =
        |key: &[String]| key.iter().filter_map(place).any(|at| keyset.nullable.get(at) == Some(&true));
    let is_unique = holds(&table.primary_key)
        || table.unique_keys.iter().any(|key| holds(&key.columns) && !has_nulls(&key.columns));
    if is_unique {
        return Ok(());
    }
    let message = "a cursor needs rows that can be told apart, and this table has no primary key: give 'id_field', or an \
                   'order', with all columns of a unique key that has no nulls";
    Err(Error::invalid(PARAMETER, message))
}

/// Refuses on the first page what a later one would need and the store can't do.
fn check(keyset: &Keyset, order: &[Order], filter: Option<&Filter>, scope: &Scope<'_>) -> Result<(), Error> {
    let can = scope.capabilities;
    let is_placed = |(item, is_nullable): (&Order, &bool)| !is_nullable || item.nulls.is_some();
    require(order.iter().zip(&keyset.nullable).all(is_placed), "a cursor by a field that may be null")?;
    let filled: Vec<Value> = order.iter().map(|_| Value::I64(0)).collect();
    let empty =
        keyset.nullable.iter().map(|is_nullable| if *is_nullable { Value::Null } else { Value::I64(0) });
    for last in [filled, empty.collect()] {
        for run in runs(order, keyset, &last) {
            let run = run.filter(order, &last, &mut Values::default());
            check_filter(&narrowed_by(run, filter.cloned()), can)?;
        }
    }
    Ok(())
}

impl Read {
    /// One row, if there is one, whose value in a column can't be compared with this one: to a page by cursor it stands nowhere.
    #[must_use]
    pub fn incomparable(&self, column: &str, value: &Value) -> Self {
        let mut values = Values::from(self.params.clone());
        let value = values.push(value.clone());
        let limit = values.push(Value::I64(1));
        let column = Expr::Column(Path::column(column));
        let compared = |op| Filter::Compare { op, left: column.clone(), right: Expr::Param(value) };
        let is_comparable = Filter::Or(vec![compared(CompareOp::Le), compared(CompareOp::Gt)]);
        let is_there = Filter::Not(Box::new(Filter::IsNull(column.clone())));
        let mut parts = vec![is_there, Filter::Not(Box::new(is_comparable))];
        parts.splice(0..0, self.query.filter.clone());
        let (filter, offset, after) = (Some(Filter::And(parts)), None, None);
        let query = Query { filter, limit, offset, after, order: Vec::new(), ..self.query.clone() };
        Self { query, params: values.into_vec(), ..self.clone() }
    }
}

impl Page {
    /// The rows behind `last`, the values of [`Keyset::columns`] in the last row of the page before. The reads follow each other: each
    /// goes on where the one before had no more rows.
    ///
    /// # Errors
    /// More values or a deeper filter than the store takes; a position of another order.
    pub fn after(&self, last: &[Value], scope: &Scope<'_>) -> Result<Vec<Read>, Error> {
        let order = &self.read.query.order;
        let Some(keyset) = self.keyset.as_ref().filter(|keyset| keyset.columns.len() == last.len()) else {
            return Err(Error::invalid(PARAMETER, "the cursor is one of another request"));
        };
        runs(order, keyset, last).iter().map(|run| self.narrowed(run, last, scope)).collect()
    }

    fn narrowed(&self, run: &Run, last: &[Value], scope: &Scope<'_>) -> Result<Read, Error> {
        let Read { query, params, .. } = &self.read;
        let mut values = Values::from(params.clone());
        let run = run.filter(&query.order, last, &mut values);
        let filter = narrowed_by(run, query.filter.clone());
        check_filter(&filter, scope.capabilities)?;
        check_parameters(values.bound_count(), scope.capabilities)?;
        let query = Query { filter: Some(filter), ..query.clone() };
        Ok(Read { query, params: values.into_vec(), ..self.read.clone() })
    }
}

/// The rows of a run, of those that are asked for.
fn narrowed_by(run: Filter, filter: Option<Filter>) -> Filter {
    match filter {
        Some(filter) => Filter::And(vec![filter, run]),
        None => run,
    }
}

/// Rows that agree with the last one in so many columns and lie behind it in the next.
#[derive(Debug, Clone, Copy)]
struct Run {
    equal: usize,
    beyond: Beyond,
}

/// How they lie behind it.
#[derive(Debug, Clone, Copy)]
enum Beyond {
    /// By their value.
    Value,
    /// They are null, and nulls stand last.
    Null,
    /// They are not null, and nulls stand first.
    NotNull,
}

/// The runs behind a row, in the order's sequence.
fn runs(order: &[Order], keyset: &Keyset, last: &[Value]) -> Vec<Run> {
    let mut runs = Vec::new();
    let columns = order.iter().zip(&keyset.nullable).zip(last);
    for (equal, ((item, is_nullable), value)) in columns.enumerate().rev() {
        let mut add = |beyond| runs.push(Run { equal, beyond });
        match (is_null(value), item.nulls) {
            (false, nulls) => {
                add(Beyond::Value);
                if *is_nullable && nulls == Some(Nulls::Last) {
                    add(Beyond::Null);
                }
            }
            (true, Some(Nulls::First)) => add(Beyond::NotNull),
            (true, _) => {}
        }
    }
    runs
}

impl Run {
    fn filter(&self, order: &[Order], last: &[Value], values: &mut Values) -> Filter {
        let mut columns = order.iter().zip(last);
        let equal = columns.by_ref().take(self.equal);
        let mut members: Vec<Filter> = equal.map(|(item, value)| equal_to(item, value, values)).collect();
        members.extend(columns.next().map(|(item, value)| self.beyond.filter(item, value, values)));
        if members.len() == 1 { members.remove(0) } else { Filter::And(members) }
    }
}

impl Beyond {
    fn filter(self, item: &Order, value: &Value, values: &mut Values) -> Filter {
        let is_null = Filter::IsNull(Expr::Column(item.by.clone()));
        match self {
            Self::Null => is_null,
            Self::NotNull => Filter::Not(Box::new(is_null)),
            Self::Value => {
                let op = if item.direction == Direction::Asc { CompareOp::Gt } else { CompareOp::Lt };
                compared(op, item, value, values)
            }
        }
    }
}

fn equal_to(item: &Order, value: &Value, values: &mut Values) -> Filter {
    if is_null(value) {
        return Filter::IsNull(Expr::Column(item.by.clone()));
    }
    compared(CompareOp::Eq, item, value, values)
}

fn compared(op: CompareOp, item: &Order, value: &Value, values: &mut Values) -> Filter {
    let right = Expr::Param(values.push(value.clone()));
    Filter::Compare { op, left: Expr::Column(item.by.clone()), right }
}

fn is_null(value: &Value) -> bool {
    matches!(value, Value::Null | Value::Absent)
}
