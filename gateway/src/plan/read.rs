//! Plans of reads: a page of rows, rows by identifier, one row, a count.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use connector_api::model::{Capabilities, Count, Filter, Param, Path, Query, Table, Value};

use super::capability::{check_filter, check_order, check_parameters, check_paths, require};
use super::columns::Columns;
use super::filter::Planner;
use super::keyset::{self, Keyset};
use super::selection::{self, Selected};
use super::values::Values;
use super::view::{ShownColumns, View, Views, Wanted};
use super::write::Checks;
use super::{Aliases, Error, Reach, RowRules, key, rules};
use crate::request::{CountWish, Id, TableRead};

/// The most keys of one query: longer conditions cost stores more than another query does.
const MAX_PIECE: usize = 500;

/// Gives the value of a lookup such as `user.id`.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What a plan is made against.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// The table.
    pub table: &'a Table,
    /// What is known of how the table is shown.
    pub views: &'a Views,
    /// What values have to keep that are written.
    pub checks: &'a Checks,
    /// The store's names of fields that are called otherwise; `None`: there are none.
    pub aliases: Option<&'a Arc<Aliases>>,
    /// What the service can do.
    pub capabilities: &'a Capabilities,
    /// Row rules of the caller's role.
    pub rules: Option<RowRules<'a>>,
    /// Further row rules for rows that are created where they might as well be changed.
    pub rules_of_new_rows: Option<RowRules<'a>>,
    /// The caller may see the rows that a write touched, and not only which ones they are.
    pub is_readable: bool,
    /// The moment of the request.
    pub now: SystemTime,
    /// Values of lookups such as `user.id`.
    pub lookup: Lookup<'a>,
    /// The most rows an answer may have, at least 1.
    pub max_records: u64,
    /// The related tables that conditions name; `None`: they name none.
    pub reach: Option<&'a Reach<'a>>,
}

impl Scope<'_> {
    /// A condition on rows of the table as the store understands it.
    pub(super) fn own(&self, filter: Option<Filter>, values: &mut Values) -> Option<Filter> {
        match self.aliases {
            None => filter,
            Some(aliases) => filter.map(|filter| aliases.filter(filter, values)),
        }
    }
}

/// A query to send, and which of its columns the answer shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// The shape.
    pub query: Query,
    /// Its parameters.
    pub params: Vec<Value>,
    /// Columns of the answer in their order; the query may select more.
    pub shown: Arc<ShownColumns>,
    /// The names under which the store answers what the query selects.
    pub names: Arc<[String]>,
    /// Columns that identify a row; empty when the table has none.
    pub key: Vec<String>,
    /// The store's names of fields that are called otherwise. The shape has the names of clients.
    pub(super) aliases: Option<Arc<Aliases>>,
}

impl Read {
    /// The query as the store understands it, and its parameters.
    ///
    /// # Errors
    /// What can't be done with a field that is computed.
    pub fn sent(&self) -> Result<(Cow<'_, Query>, Cow<'_, [Value]>), Error> {
        let Some(aliases) = &self.aliases else {
            return Ok((Cow::Borrowed(&self.query), Cow::Borrowed(&self.params)));
        };
        let (query, params) = aliases.query(self.query.clone(), &self.params)?;
        Ok((Cow::Owned(query), Cow::Owned(params)))
    }

    /// What its answer calls the store's columns; `None`: as the store does.
    #[must_use]
    pub fn renames(&self) -> Option<&Arc<HashMap<String, String>>> {
        self.aliases.as_ref().map(|aliases| aliases.names())
    }

    /// Reads these columns beside those that are shown.
    #[must_use]
    pub fn leading(mut self, columns: &[String]) -> Self {
        let mut wanted = Wanted { paths: self.query.select, names: self.names };
        wanted.add(columns.iter().map(Path::column));
        (self.query.select, self.names) = (wanted.paths, wanted.names);
        self
    }
}

/// A page of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The query. Where the answer says whether there are more rows it asks for one more than `limit`.
    pub read: Read,
    /// The most rows to show.
    pub limit: u64,
    /// Rows skipped.
    pub offset: u64,
    /// The caller gave no usable limit, so the service's maximum counts.
    pub is_capped: bool,
    /// How a cursor goes on from it; `None` unless the request goes by cursor, or where the store has tokens for that.
    pub keyset: Option<Keyset>,
    /// The store's own token says what goes on from it.
    pub is_by_token: bool,
    /// The parameter for such a token; `None` unless the request goes by cursor.
    pub token: Option<Param>,
}

impl Page {
    /// The page that begins where the store's token says.
    ///
    /// # Errors
    /// A token where the store has none.
    pub fn behind(&self, token: &str) -> Result<Read, Error> {
        let mut read = self.read.clone();
        let place = self.token.and_then(|token| read.params.get_mut(token));
        let place = place.ok_or_else(|| Error::invalid("cursor", "the cursor is one of another request"))?;
        *place = Value::Text(token.to_owned());
        Ok(read)
    }
}

/// Rows by identifier that are asked for together.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
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
    let mut values = Values::default();
    let filter = combined(request, scope, &mut values)?;
    let key = key::columns_of(&request.id_field, scope)?;
    let mut selection = selection::plan(request, &key, scope, &mut values)?;
    let is_by_token = is_by_token(request, &selection, scope);
    let is_by_cursor = request.is_by_cursor() && !is_by_token;
    let keyset =
        if is_by_cursor { Some(keyset::plan(&mut selection, filter.as_ref(), scope)?) } else { None };
    refuse_offset(request, scope)?;
    let limit = request
        .limit
        .and_then(|limit| u64::try_from(limit).ok())
        .filter(|limit| (1..=scope.max_records).contains(limit));
    let is_capped = limit.is_none();
    let limit = limit.unwrap_or(scope.max_records);
    let says_more = !is_by_token
        && (is_capped || is_by_cursor || matches!(request.count, CountWish::Exact | CountWish::Estimated));
    let limit_param = values.push(row_count(limit.saturating_add(u64::from(says_more))));
    let offset_param = (request.offset > 0).then(|| values.push(row_count(request.offset)));
    let is_by_row = !selection.distinct && selection.group.is_none();
    if !is_by_row && request.related.is_said() {
        return Err(Error::invalid(
            "related",
            "related rows can't be combined with 'group', 'distinct' or aggregates",
        ));
    }
    let token = (is_by_token && request.is_by_cursor()).then(|| values.push(Value::Null));
    let query = Query {
        filter,
        others: is_by_row && !request.as_list && selection::shows_others(&request.fields, scope),
        distinct: selection.distinct,
        group: selection.group,
        order: selection.order,
        offset: offset_param,
        after: token,
        ..Query::new(scope.table.table.clone(), Arc::clone(&selection.view.wanted.paths), limit_param)
    };
    let read = finish(query, values, selection.view, key, scope)?;
    Ok(Page { read, limit, offset: request.offset, is_capped, keyset, is_by_token, token })
}

/// Whether the store's own token says where the next page begins: where the request goes by cursor, and where nothing else could go on.
fn is_by_token(request: &TableRead, selection: &Selected, scope: &Scope<'_>) -> bool {
    let can = scope.capabilities;
    let is_of_rows = selection.group.is_none() && !selection.distinct;
    can.page_token && is_of_rows && (request.is_by_cursor() || !can.offset)
}

fn refuse_offset(request: &TableRead, scope: &Scope<'_>) -> Result<(), Error> {
    let can = scope.capabilities;
    let is_given = request.offset > 0 || request.is_offset_unread;
    if is_given && !can.offset && can.page_token {
        let message = "this service can't skip a number of rows; give the 'next' of the previous answer's 'meta' as 'offset', or page \
                       by cursor";
        return Err(Error::invalid("offset", message));
    }
    require(request.offset == 0 || can.offset, "offset")
}

/// Plans the count of all rows that match, whatever the page; with groups, of the rows before they are grouped.
///
/// # Errors
/// As [`page`].
pub fn count(request: &TableRead, scope: &Scope<'_>) -> Result<(Count, Vec<Value>), Error> {
    require(scope.capabilities.count, "a count")?;
    let mut values = Values::default();
    let filter = combined(request, scope, &mut values)?;
    let filter = scope.own(filter, &mut values);
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
    refuse_groups(request)?;
    let key = key::identifying(request, scope)?;
    let values = key::values_of(id, &key, Columns::new(scope.table))?;
    by_key(&[values], key, request, scope)
}

/// Plans rows by identifier, in pieces that a store takes in one query. `offset`, `order` and `filter` of the request do not count here.
///
/// # Errors
/// As [`single`].
pub fn by_ids(ids: &[Id], request: &TableRead, scope: &Scope<'_>) -> Result<Vec<Piece>, Error> {
    refuse_groups(request)?;
    let key = key::identifying(request, scope)?;
    let columns = Columns::new(scope.table);
    let keys = ids.iter().map(|id| key::values_of(id, &key, columns)).collect::<Result<Vec<_>, _>>()?;
    let can_ask_for_all =
        if key.len() == 1 { scope.capabilities.filter_in } else { scope.capabilities.filter_or };
    let is_by_one = !can_ask_for_all || !key::is_unique(&key, scope.table);
    let pieces = keys.chunks(piece_size(key.len(), scope)?).map(|keys| {
        let is_single = is_by_one || keys.len() < 2;
        let all = if is_single { None } else { Some(by_key(keys, key.clone(), request, scope)?) };
        Ok(Piece { keys: keys.to_vec(), all })
    });
    pieces.collect()
}

/// How many keys one query asks for.
fn piece_size(key_columns: usize, scope: &Scope<'_>) -> Result<usize, Error> {
    let Some(limit) = scope.capabilities.max_parameters else { return Ok(MAX_PIECE) };
    let mut values = Values::default();
    rules::plan(scope.rules, scope, &mut values)?;
    // The limit of the query is a value, too.
    let room = usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(values.bound_count() + 1);
    Ok((room / key_columns.max(1)).clamp(1, MAX_PIECE))
}

/// Reads the rows with these keys; the key columns are selected besides those shown.
fn by_key(
    keys: &[Vec<Value>],
    key: Vec<String>,
    request: &TableRead,
    scope: &Scope<'_>,
) -> Result<Read, Error> {
    let mut view = scope.views.of(&request.fields, Columns::new(scope.table), &key)?;
    view.wanted.add(key.iter().map(Path::column));
    let mut values = Values::default();
    let wanted = key::filter_by(&key, keys, &mut values);
    let rules = rules::plan(scope.rules, scope, &mut values)?;
    let limit = values.push(row_count(u64::try_from(keys.len()).unwrap_or(u64::MAX)));
    let query = Query {
        filter: all_of([Some(wanted), rules]),
        others: selection::shows_others(&request.fields, scope),
        ..Query::new(scope.table.table.clone(), Arc::clone(&view.wanted.paths), limit)
    };
    finish(query, values, view, key, scope)
}

pub(super) fn finish(
    query: Query,
    values: Values,
    view: View,
    key: Vec<String>,
    scope: &Scope<'_>,
) -> Result<Read, Error> {
    require(scope.capabilities.query, "reading rows")?;
    if let Some(filter) = &query.filter {
        check_filter(filter, scope.capabilities)?;
    }
    check_order(&query.order, scope.capabilities)?;
    check_paths(query.select.iter(), scope.capabilities)?;
    check_parameters(values.bound_count(), scope.capabilities)?;
    let View { shown, wanted } = view;
    let aliases = scope.aliases.cloned();
    Ok(Read { query, params: values.into_vec(), shown, names: wanted.names, key, aliases })
}

/// Rows asked for by identifier are neither grouped nor paged.
fn refuse_groups(request: &TableRead) -> Result<(), Error> {
    let refused = [
        (!request.group.is_empty(), "group"),
        (request.having.is_some(), "having"),
        (request.distinct, "distinct"),
        (request.is_by_cursor(), "cursor"),
    ];
    match refused.into_iter().find(|(is_given, _)| *is_given) {
        Some((_, name)) => Err(Error::invalid(name, format!("'{name}' can't be combined with identifiers"))),
        None => Ok(()),
    }
}

/// The client's filter and the row rules.
pub(super) fn combined(
    request: &TableRead,
    scope: &Scope<'_>,
    values: &mut Values,
) -> Result<Option<Filter>, Error> {
    let client = request.filter.as_ref().map(|node| Planner::new(scope, values).plan(node)).transpose()?;
    let rules = rules::plan(scope.rules, scope, values)?;
    // First, for stores that stop at the first part that is false.
    let filter = all_of([rules, client]);
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

/// Rows beyond the signed range can't exist; more than that means as many as there are.
pub(super) fn row_count(rows: u64) -> Value {
    Value::I64(i64::try_from(rows).unwrap_or(i64::MAX))
}
