//! Rows that belong to rows of another table: those whose columns have one of many keys.

use std::sync::Arc;

use connector_api::model::{Query, Value};
use serde_json::Value as Json;

use super::columns::Columns;
use super::read::{Read, Scope, all_of, combined, finish, row_count};
use super::values::Values;
use super::{Error, key, selection};
use crate::request::TableRead;

/// The most keys of several columns in one query: each is a condition of its own.
const MAX_TUPLES: usize = 500;

/// Which rows are meant.
pub struct RelatedRows<'a> {
    /// The columns that have the keys.
    pub columns: &'a [String],
    /// The keys, each with a value for every column.
    pub keys: &'a [Vec<Value>],
    /// Columns that are read beside those that are shown.
    pub lead: &'a [String],
}

/// A key as the values of these columns; `None`: no row has it, for a part of it is null.
///
/// # Errors
/// A value that can't be asked for: that no row is found for it would be wrong.
pub fn typed_key(columns: &[String], parts: &[Json], scope: &Scope<'_>) -> Result<Option<Vec<Value>>, Error> {
    if parts.iter().any(Json::is_null) {
        return Ok(None);
    }
    let typed = columns.iter().zip(parts).map(|(column, part)| {
        let value = key::value_of(column, part, Columns::new(scope.table));
        value.map_err(|_| {
            let message = format!(
                "rows related by '{column}' can't be looked up: a key has a value that can't be compared"
            );
            Error::invalid("related", message)
        })
    });
    typed.collect::<Result<_, _>>().map(Some)
}

/// A key of another table, or of another service, as the values of these columns: a number for a text of digits and the other way round,
/// where the column takes it. `None`: no row has it, for a part of it is null or nothing that such a column holds.
#[must_use]
pub fn fitting_key(columns: &[String], parts: &[Json], scope: &Scope<'_>) -> Option<Vec<Value>> {
    let typed = columns.iter().zip(parts).map(|(column, part)| {
        let fitting = !part.is_null();
        fitting.then(|| key::fitting_value(column, part, Columns::new(scope.table))).flatten()
    });
    typed.collect()
}

/// Plans rows with these keys, in the order of the request: one query, unless the store takes no more values in one. `limit` counts for
/// each key, so it is for whoever reads the rows.
///
/// # Errors
/// Unknown names, features that the service lacks, options that related rows don't have.
pub fn related(wanted: &RelatedRows<'_>, request: &TableRead, scope: &Scope<'_>) -> Result<Vec<Read>, Error> {
    let refused = [
        (!request.group.is_empty(), "group"),
        (request.having.is_some(), "having"),
        (request.distinct, "distinct"),
        (request.offset > 0, "offset"),
    ];
    if let Some((_, name)) = refused.into_iter().find(|(is_given, _)| *is_given) {
        return Err(Error::invalid(name, format!("'{name}' can't be asked of related rows")));
    }
    let pieces = wanted.keys.chunks(piece_size(wanted.columns.len(), request, scope)?);
    pieces.map(|keys| piece(&RelatedRows { keys, ..*wanted }, request, scope)).collect()
}

/// The most rows of one key.
#[must_use]
pub fn rows_of_key(request: &TableRead, scope: &Scope<'_>) -> usize {
    let limit = request.limit.and_then(|limit| u64::try_from(limit).ok());
    let limit = limit.filter(|limit| (1..=scope.max_records).contains(limit)).unwrap_or(scope.max_records);
    usize::try_from(limit).unwrap_or(usize::MAX)
}

fn piece(wanted: &RelatedRows<'_>, request: &TableRead, scope: &Scope<'_>) -> Result<Read, Error> {
    let mut values = Values::default();
    let mine = key::filter_by(wanted.columns, wanted.keys, &mut values);
    let others = combined(request, scope, &mut values)?;
    let key = key::columns_of(&[], scope)?;
    let selection = selection::plan(request, &key, scope, &mut values)?;
    if selection.group.is_some() {
        return Err(Error::invalid("fields", "aggregates can't be asked of related rows"));
    }
    let limit = values.push(row_count(u64::MAX));
    let query = Query {
        filter: all_of([Some(mine), others]),
        others: selection::shows_others(&request.fields, scope),
        order: selection.order,
        ..Query::new(scope.table.table.clone(), Arc::clone(&selection.view.wanted.paths), limit)
    };
    Ok(finish(query, values, selection.view, key, scope)?.leading(wanted.columns).leading(wanted.lead))
}

fn piece_size(columns: usize, request: &TableRead, scope: &Scope<'_>) -> Result<usize, Error> {
    let mut values = Values::default();
    combined(request, scope, &mut values)?;
    let most = if columns == 1 { usize::MAX } else { MAX_TUPLES };
    let limit = scope.capabilities.max_parameters.and_then(|limit| usize::try_from(limit).ok());
    // The limit of the query is a value, too.
    let room = limit.unwrap_or(usize::MAX).saturating_sub(values.bound_count() + 1);
    Ok((room / columns.max(1)).clamp(1, most))
}
