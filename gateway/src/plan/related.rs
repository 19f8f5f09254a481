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

/// The most kinds that one key is looked for in.
const MAX_READINGS: usize = 16;

/// A key of another table, or of another service, as the values of these columns. Where a column may hold values of any kind, a number
/// is also a text of its digits and the other way round: then there are several readings. None: no row has it, for a part of it is null
/// or nothing that such a column holds.
#[must_use]
pub fn fitting_keys(columns: &[String], parts: &[Json], scope: &Scope<'_>) -> Vec<Vec<Value>> {
    let mut keys = vec![Vec::new()];
    for (column, part) in columns.iter().zip(parts) {
        let mut values = key::fitting_values(column, part, Columns::new(scope.table));
        if keys.len() * values.len() > MAX_READINGS {
            values.truncate(1);
        }
        let longer = |key: &Vec<Value>| {
            values
                .iter()
                .map(|value| [key.as_slice(), std::slice::from_ref(value)].concat())
                .collect::<Vec<_>>()
        };
        keys = keys.iter().flat_map(longer).collect();
    }
    keys
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
