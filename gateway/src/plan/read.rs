//! Plans of reads: a page of rows, rows by identifier, one row, a count.

use connector_api::model::{
    Capabilities, CompareOp, Count, Direction, Expr, Filter, Nulls, Order, Path, Query, Table, Value,
};
use serde_json::Value as Json;

use super::capability::{check_filter, check_order, check_parameters, require};
use super::columns::Columns;
use super::filter::Planner;
use super::literal::Place;
use super::values::Values;
use super::{Error, RowRules, rules};
use crate::request::{self, Fields, Id, TableRead};

/// What a plan is made against.
pub struct Scope<'a> {
    /// The table.
    pub table: &'a Table,
    /// What the service can do.
    pub capabilities: &'a Capabilities,
    /// Row rules of the caller's role.
    pub rules: Option<RowRules<'a>>,
    /// Further row rules for rows that are created where they might as well be changed.
    pub rules_of_new_rows: Option<RowRules<'a>>,
    /// Values of lookups such as `user.id`.
    pub lookup: &'a dyn Fn(&str) -> Option<String>,
    /// The most rows an answer may have, at least 1.
    pub max_records: u64,
}

/// A query to send, and which of its columns the answer shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// The shape.
    pub query: Query,
    /// Its parameters.
    pub params: Vec<Value>,
    /// Columns of the answer in their order; the query may select more.
    pub shown: Vec<String>,
    /// Columns that identify a row; empty when the table has none.
    pub key: Vec<String>,
}

/// A page of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The query. Where the limit is the service's own (`is_capped`) it asks for one row more than `limit`, to see whether there is one.
    pub read: Read,
    /// The most rows to show.
    pub limit: u64,
    /// Rows skipped.
    pub offset: u64,
    /// The caller gave no usable limit, so the service's maximum counts.
    pub is_capped: bool,
}

/// Rows by identifier.
#[derive(Debug, Clone, PartialEq)]
pub struct ById {
    /// The key values asked for, in the request's order, duplicates included.
    pub keys: Vec<Vec<Value>>,
    /// One query for all of them, each row once, in any order. `None` where one row a key can't be told apart this way: a key that is
    /// not unique, or a store that has neither `in` nor `or`. Then each is asked for by [`single`].
    pub all: Option<Read>,
}

/// Plans a page of rows by filter.
///
/// # Errors
/// Unknown names, values that do not fit, features the service lacks.
pub fn page(request: &TableRead, scope: &Scope<'_>) -> Result<Page, Error> {
    refuse_unbuilt(request)?;
    let columns = Columns::new(scope.table);
    let key = key_columns(&request.id_field, scope)?;
    let shown = shown(&request.fields, columns, &key)?;
    let mut values = Values::default();
    let filter = combined(request, scope, &mut values)?;
    // What the request calls identifying need not be unique; the primary key is.
    let unique = Some(&scope.table.primary_key).filter(|primary| !primary.is_empty()).unwrap_or(&key);
    let order = order(request, columns, unique, scope.capabilities)?;
    require(request.offset == 0 || scope.capabilities.offset, "offset")?;
    let limit = request
        .limit
        .and_then(|limit| u64::try_from(limit).ok())
        .filter(|limit| (1..=scope.max_records).contains(limit));
    let is_capped = limit.is_none();
    let limit = limit.unwrap_or(scope.max_records);
    let asked = if is_capped { limit.saturating_add(1) } else { limit };
    let limit_param = values.push(row_count(asked));
    let offset_param = (request.offset > 0).then(|| values.push(row_count(request.offset)));
    let select = shown.iter().map(Path::column).collect();
    let query = Query {
        filter,
        order,
        offset: offset_param,
        ..Query::new(scope.table.table.clone(), select, limit_param)
    };
    let read = finish(query, values, shown, key, scope)?;
    Ok(Page { read, limit, offset: request.offset, is_capped })
}

/// Plans the count of all rows that match, whatever the page.
///
/// # Errors
/// As [`page`].
pub fn count(request: &TableRead, scope: &Scope<'_>) -> Result<(Count, Vec<Value>), Error> {
    refuse_unbuilt(request)?;
    require(scope.capabilities.count, "a count")?;
    let mut values = Values::default();
    let filter = combined(request, scope, &mut values)?;
    check_parameters(values.bound_count(), scope.capabilities)?;
    let count =
        Count { from: scope.table.table.clone(), filter, need: Vec::new(), hints: serde_json::Map::new() };
    Ok((count, values.into_vec()))
}

/// Plans the one row with this identifier.
///
/// # Errors
/// As [`page`]; an identifier with the wrong number of parts.
pub fn single(id: &Id, request: &TableRead, scope: &Scope<'_>) -> Result<Read, Error> {
    refuse_unbuilt(request)?;
    let key = identifying(request, scope)?;
    let values = key_values(id, &key, Columns::new(scope.table))?;
    by_key(&[values], key, request, scope)
}

/// Plans rows by identifier. `offset`, `order` and `filter` of the request do not count here.
///
/// # Errors
/// As [`single`]; more identifiers than an answer may have rows.
pub fn by_ids(ids: &[Id], request: &TableRead, scope: &Scope<'_>) -> Result<ById, Error> {
    refuse_unbuilt(request)?;
    let key = identifying(request, scope)?;
    if u64::try_from(ids.len()).map_or(true, |count| count > scope.max_records) {
        let message = format!("at most {} identifiers can be asked for at once", scope.max_records);
        return Err(Error::invalid("ids", message));
    }
    let columns = Columns::new(scope.table);
    let keys = ids.iter().map(|id| key_values(id, &key, columns)).collect::<Result<Vec<_>, _>>()?;
    let can_ask_for_all =
        if key.len() == 1 { scope.capabilities.filter_in } else { scope.capabilities.filter_or };
    if keys.len() < 2 || !can_ask_for_all || !is_unique(&key, scope.table) {
        return Ok(ById { keys, all: None });
    }
    let all = by_key(&keys, key, request, scope)?;
    Ok(ById { keys, all: Some(all) })
}

/// Reads the rows with these keys; the key columns are selected besides those shown.
fn by_key(
    keys: &[Vec<Value>],
    key: Vec<String>,
    request: &TableRead,
    scope: &Scope<'_>,
) -> Result<Read, Error> {
    let shown = shown(&request.fields, Columns::new(scope.table), &key)?;
    let mut values = Values::default();
    let wanted = key_filter(&key, keys, &mut values);
    let rules = rules::plan(scope.rules, scope, &mut values)?;
    let limit = values.push(row_count(u64::try_from(keys.len()).unwrap_or(u64::MAX)));
    let hidden = key.iter().filter(|name| !shown.contains(name));
    let select = shown.iter().chain(hidden).map(Path::column).collect();
    let query = Query {
        filter: all_of([Some(wanted), rules]),
        ..Query::new(scope.table.table.clone(), select, limit)
    };
    finish(query, values, shown, key, scope)
}

/// The columns that identify a row of this request.
fn identifying(request: &TableRead, scope: &Scope<'_>) -> Result<Vec<String>, Error> {
    let key = key_columns(&request.id_field, scope)?;
    if key.is_empty() { Err(Error::NoIdentifier) } else { Ok(key) }
}

/// Whether no two rows have the same values in these columns.
#[must_use]
pub fn is_unique(key: &[String], table: &Table) -> bool {
    let is_same = |other: &[String]| other.len() == key.len() && key.iter().all(|name| other.contains(name));
    is_same(&table.primary_key) || table.unique_keys.iter().any(|unique| is_same(&unique.columns))
}

fn finish(
    query: Query,
    values: Values,
    shown: Vec<String>,
    key: Vec<String>,
    scope: &Scope<'_>,
) -> Result<Read, Error> {
    require(scope.capabilities.query, "reading rows")?;
    if let Some(filter) = &query.filter {
        check_filter(filter, scope.capabilities)?;
    }
    check_order(&query.order, scope.capabilities)?;
    check_parameters(values.bound_count(), scope.capabilities)?;
    Ok(Read { query, params: values.into_vec(), shown, key })
}

/// What the request may ask one day and no room answers yet is refused, not ignored.
fn refuse_unbuilt(request: &TableRead) -> Result<(), Error> {
    let unbuilt = [
        (request.related != request::Related::None, "related"),
        (request.group.is_some(), "group"),
        (request.having.is_some(), "having"),
        (request.distinct, "distinct"),
        (request.page.is_some() || request.cursor.is_some(), "a cursor"),
        (request.count.is_some(), "count"),
    ];
    unbuilt.into_iter().try_for_each(|(is_asked, feature)| require(!is_asked, feature))
}

/// The client's filter and the row rules.
fn combined(request: &TableRead, scope: &Scope<'_>, values: &mut Values) -> Result<Option<Filter>, Error> {
    let client = request.filter.as_ref().map(|node| Planner::new(scope, values).plan(node)).transpose()?;
    let rules = rules::plan(scope.rules, scope, values)?;
    let filter = all_of([client, rules]);
    if let Some(filter) = &filter {
        check_filter(filter, scope.capabilities)?;
    }
    Ok(filter)
}

pub(super) fn all_of(parts: [Option<Filter>; 2]) -> Option<Filter> {
    match parts {
        [Some(first), Some(second)] => Some(Filter::And(vec![first, second])),
        [first, second] => first.or(second),
    }
}

/// `id_field`, where a name that is no column is dropped, else the primary key.
pub(super) fn key_columns(id_field: &[String], scope: &Scope<'_>) -> Result<Vec<String>, Error> {
    if id_field.is_empty() {
        return Ok(scope.table.primary_key.clone());
    }
    let columns = Columns::new(scope.table);
    let found: Vec<String> =
        id_field.iter().filter_map(|name| columns.find(name)).map(|column| column.name.clone()).collect();
    if found.is_empty() { Err(Error::NoIdentifier) } else { Ok(found) }
}

pub(super) fn shown(fields: &Fields, columns: Columns<'_>, key: &[String]) -> Result<Vec<String>, Error> {
    let all = || columns.all().iter().map(|column| column.name.clone()).collect();
    match fields {
        Fields::Absent | Fields::All => Ok(all()),
        Fields::Identifiers if key.is_empty() => Ok(all()),
        Fields::Identifiers => Ok(key.to_vec()),
        Fields::Named(names) => {
            let mut shown: Vec<String> = Vec::with_capacity(names.len());
            for name in names {
                let column = columns
                    .find(name)
                    .ok_or_else(|| Error::invalid("fields", format!("Invalid field requested: {name}")))?;
                if !shown.contains(&column.name) {
                    shown.push(column.name.clone());
                }
            }
            Ok(shown)
        }
    }
}

/// The request's order, then the key as a tie-breaker, so that pages neither overlap nor leave gaps. The tie-breaker runs the way of the
/// last item: an index can serve both then.
fn order(
    request: &TableRead,
    columns: Columns<'_>,
    key: &[String],
    can: &Capabilities,
) -> Result<Vec<Order>, Error> {
    let mut order = Vec::with_capacity(request.order.len() + key.len());
    for item in &request.order {
        let resolved = columns.resolve(&item.field).ok_or_else(|| {
            Error::invalid("order", format!("Invalid field '{}' in order by clause.", item.field))
                .at(item.position)
        })?;
        let direction = match item.direction {
            request::Direction::Ascending => Direction::Asc,
            request::Direction::Descending => Direction::Desc,
        };
        let nulls = item.nulls.map(|nulls| match nulls {
            request::Nulls::First => Nulls::First,
            request::Nulls::Last => Nulls::Last,
        });
        order.push(Order { by: resolved.path, direction, nulls });
    }
    if can.order {
        let direction = order.last().map_or(Direction::Asc, |last: &Order| last.direction);
        for name in key {
            let by = Path::column(name);
            if !order.iter().any(|item| item.by == by) {
                order.push(Order { by, direction, nulls: None });
            }
        }
    }
    Ok(order)
}

/// The values of one identifier, in key order, typed by their columns.
pub(super) fn key_values(id: &Id, key: &[String], columns: Columns<'_>) -> Result<Vec<Value>, Error> {
    let parts: Vec<Json> = match id {
        Id::Named(members) => key
            .iter()
            .map(|name| member(members, name).cloned())
            .collect::<Option<_>>()
            .ok_or_else(|| missing_part(key))?,
        Id::Value(value) if key.len() == 1 => vec![value.clone()],
        other => other.parts().ok_or_else(|| missing_part(key))?,
    };
    if parts.len() != key.len() {
        return Err(missing_part(key));
    }
    key.iter().zip(&parts).map(|(name, part)| key_value(name, part, columns)).collect()
}

pub(super) fn key_value(name: &str, part: &Json, columns: Columns<'_>) -> Result<Value, Error> {
    let data_type = columns.find(name).map(|column| column.data_type).unwrap_or_default();
    let place = Place { field: name, data_type, parameter: "ids" };
    match part {
        // Text from a URL: for a column of open type it may be a number.
        Json::String(text) => place.text(text, false),
        other => place.json(other),
    }
}

pub(super) fn member<'a>(members: &'a serde_json::Map<String, Json>, name: &str) -> Option<&'a Json> {
    members.get(name).or_else(|| {
        members.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    })
}

fn missing_part(key: &[String]) -> Error {
    Error::invalid(
        "ids",
        format!(
            "an identifier needs {} value(s), for {}; write a composite one as (a,b)",
            key.len(),
            key.join(", ")
        ),
    )
}

/// One column: a list. Several: each key spelled out.
fn key_filter(key: &[String], keys: &[Vec<Value>], values: &mut Values) -> Filter {
    if let ([name], [_, _, ..]) = (key, keys) {
        let items = keys.iter().filter_map(|one| one.first()).cloned().collect();
        return Filter::In { expr: Expr::Column(Path::column(name)), list: values.push(Value::List(items)) };
    }
    let mut members: Vec<Filter> = keys.iter().map(|one| equal_key(key, one, values)).collect();
    match members.len() {
        0 => Filter::Always(false),
        1 => members.remove(0),
        _ => Filter::Or(members),
    }
}

fn equal_key(key: &[String], one: &[Value], values: &mut Values) -> Filter {
    let mut members: Vec<Filter> = key
        .iter()
        .zip(one)
        .map(|(name, value)| Filter::Compare {
            op: CompareOp::Eq,
            left: Expr::Column(Path::column(name)),
            right: Expr::Param(values.push(value.clone())),
        })
        .collect();
    if members.len() == 1 { members.remove(0) } else { Filter::And(members) }
}

/// Rows beyond the signed range can't exist; more than that means as many as there are.
fn row_count(rows: u64) -> Value {
    Value::I64(i64::try_from(rows).unwrap_or(i64::MAX))
}
