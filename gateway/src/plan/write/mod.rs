//! Plans of writes: what a whole write has in common ([`Write`]), its records one by one ([`Planned`]), and the records that share a call
//! ([`Gathered`], [`Call`]). Capabilities are asked before the first record; a record that does not fit is an error of its own.

mod call;
mod checks;
mod record;
mod seen;
#[cfg(test)]
mod tests;
pub(super) mod value;
mod whole;

use std::collections::HashMap;
use std::sync::Arc;

use connector_api::model::{Capabilities, Column, OnError, Path, Value};

pub use call::{Call, Change, Gathered};
pub use checks::Checks;
pub use record::Planned;
pub use whole::Whole;

use super::capability::{check_filter, check_paths, require};
use super::columns::Columns;
use super::filter::Planner;
use super::values::Values;
use super::{Error, Scope, ShownColumn, ShownColumns, key, rules, selection as fields};
use crate::request::filter::Node;
use crate::request::{Fields, TableWrite};

/// What a write does to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Creates it.
    Insert,
    /// Changes it.
    Update,
    /// Changes it, or creates it if it is missing.
    Upsert,
    /// Removes it.
    Delete,
}

/// Which rows a change or removal touches.
#[derive(Debug, Clone, PartialEq)]
pub enum Selection {
    /// One for each record, by its identifying fields. New rows belong here too.
    Keys,
    /// All that match.
    Matching(Box<Node>),
    /// Some that match, each by its key. That they still match is for the store to say when it writes them.
    Some(Box<Node>),
    /// As `Keys`, if the row is there and still has these cells, by column. To a filter null and nothing are the same.
    Seen(Vec<(String, Value)>),
    /// As `Keys`, if there is no such row.
    Missing,
    /// All that the row rules permit.
    All,
}

impl Selection {
    fn is_by_key(&self) -> bool {
        self.is_of_records() || matches!(self, Self::Some(_))
    }

    /// The request itself names the rows.
    fn is_of_records(&self) -> bool {
        matches!(self, Self::Keys | Self::Seen(_) | Self::Missing)
    }
}

/// What all records of a write have in common.
#[derive(Debug)]
pub struct Write {
    kind: Kind,
    selection: Selection,
    /// Columns that identify a row.
    key: Vec<String>,
    /// The same as places in the table.
    key_places: Vec<usize>,
    /// A key names at most one row.
    is_key_unique: bool,
    /// Columns of the answer.
    shown: Arc<ShownColumns>,
    /// The same as the store is asked for them.
    shown_paths: Vec<Path>,
    /// And all others of its rows.
    shows_others: bool,
    on_error: OnError,
    /// Values that row rules and condition bind in each call.
    rule_params: usize,
    /// What is not given goes away.
    replaces: bool,
    /// Values are texts, of whatever type they are meant.
    are_texts: bool,
    /// Names of the caller that were looked up already.
    names: HashMap<String, Option<usize>>,
    unknown_names: usize,
    /// Columns of an open table that no description names. Their places follow those of the table.
    others: Vec<Column>,
    returns_rows: bool,
}

impl Write {
    /// Plans what does not depend on a record.
    ///
    /// # Errors
    /// Unknown names, nothing that identifies a row, features that the service lacks.
    pub fn new(
        kind: Kind,
        selection: Selection,
        request: &TableWrite,
        scope: &Scope<'_>,
    ) -> Result<Self, Error> {
        check_kind(kind, &selection, scope)?;
        check_options(&selection, request, scope.capabilities)?;
        let columns = Columns::new(scope.table);
        let key = key::columns_of(&request.id_field, scope)?;
        let is_key_unique = key::is_unique(&key, scope.table);
        let needs_key = kind != Kind::Insert && selection.is_by_key();
        let shown = Arc::<ShownColumns>::new(shown((kind, &selection), request, &key, scope)?.into());
        let shown_paths = fields::paths(&request.fields, &shown, columns);
        check_paths(shown_paths.iter(), scope.capabilities)?;
        if needs_key && key.is_empty() {
            return Err(Error::NoIdentifier);
        }
        require(shown.is_empty() || scope.capabilities.returning, "reading the rows that a write touched")?;
        if kind == Kind::Upsert && !is_key_unique {
            let message = "'upsert' needs the primary key or a unique key as identifying fields";
            return Err(Error::invalid("id_field", message));
        }
        if matches!(selection, Selection::Some(_)) && !is_key_unique {
            let message =
                "'limit' of a write by filter needs the primary key or a unique key as identifying fields";
            return Err(Error::invalid("id_field", message));
        }
        let on_error = on_error(&selection, request, scope.capabilities);
        let rule_params = check_rules(kind, &selection, scope)?;
        let key_places = key.iter().filter_map(|name| columns.position(name)).collect();
        let replaces = request.is_replacement && scope.table.is_document;
        Ok(Self {
            kind,
            selection,
            key,
            key_places,
            is_key_unique,
            shown,
            shown_paths,
            shows_others: request.fields == Fields::All
                && scope.is_readable
                && !request.as_list
                && fields::shows_others(&request.fields, scope),
            on_error,
            rule_params,
            replaces,
            are_texts: request.are_texts,
            names: HashMap::new(),
            unknown_names: 0,
            others: Vec::new(),
            returns_rows: false,
        })
    }

    /// The same write, of the table in this scope.
    ///
    /// # Errors
    /// As [`Write::new`].
    pub fn again(&self, request: &TableWrite, scope: &Scope<'_>) -> Result<Self, Error> {
        Self::new(self.kind, self.selection.clone(), request, scope)
    }

    /// How many names were met that the table does not have.
    #[must_use]
    pub fn unknown_names(&self) -> usize {
        self.unknown_names
    }

    /// Columns that identify a row.
    #[must_use]
    pub fn key(&self) -> &[String] {
        &self.key
    }

    /// Asks for all that is known of the rows beside what is shown of them.
    #[must_use]
    pub fn returning_rows(self) -> Self {
        Self { returns_rows: true, ..self }
    }

    /// Whether [`Write::returning_rows`] was asked and the write leaves rows.
    #[must_use]
    pub fn returns_rows(&self) -> bool {
        self.returns_rows && self.kind != Kind::Delete
    }

    /// All records are written by one call, or none is: there is no transaction that could hold several calls.
    #[must_use]
    pub fn is_one_call(&self) -> bool {
        self.selection.is_of_records() && self.on_error == OnError::Atomic
    }

    /// Columns of the answer, in their order; none: nothing is answered.
    #[must_use]
    pub fn shown(&self) -> &Arc<ShownColumns> {
        &self.shown
    }

    /// Members of documents that are shown beside the columns of a row.
    #[must_use]
    pub fn inside(&self) -> Vec<Path> {
        self.shown_paths.iter().filter(|path| path.as_column().is_none()).cloned().collect()
    }

    /// Whether the answer has columns that no description names as well.
    #[must_use]
    pub fn shows_others(&self) -> bool {
        self.shows_others && !self.shown.is_empty()
    }

    /// Whether the store is to give back more of a row than the columns that it is asked for.
    fn gives_others(&self, scope: &Scope<'_>) -> bool {
        let is_open = scope.table.is_open && scope.capabilities.open_columns;
        self.shows_others() || (self.returns_rows() && is_open)
    }

    /// The column at a place: of the table, else one that no description names.
    fn column<'c>(&'c self, place: usize, scope: &Scope<'c>) -> Option<&'c Column> {
        let columns = &scope.table.columns;
        columns.get(place).or_else(|| self.others.get(place.checked_sub(columns.len())?))
    }

    /// Each record names its row by its key.
    fn is_by_key(&self) -> bool {
        self.kind != Kind::Insert && self.selection.is_by_key()
    }
}

fn on_error(selection: &Selection, request: &TableWrite, can: &Capabilities) -> OnError {
    let is_of_records = selection.is_of_records();
    match selection {
        Selection::Keys if request.is_continued => OnError::Continue,
        _ if is_of_records && request.is_rolled_back && !can.transactions => OnError::Atomic,
        Selection::Matching(_) | Selection::All if can.on_error_atomic => OnError::Atomic,
        _ => OnError::Stop,
    }
}

fn check_kind(kind: Kind, selection: &Selection, scope: &Scope<'_>) -> Result<(), Error> {
    let can = scope.capabilities;
    let takes_any = scope.table.is_open && can.open_columns;
    require(takes_any || !scope.table.is_inferred, "a write into a table whose columns are guessed")?;
    match (kind, selection) {
        (Kind::Insert, _) => require(can.insert, "creating records"),
        (Kind::Upsert, _) => require(can.upsert, "upsert"),
        (Kind::Update, selection) if selection.is_by_key() => {
            require(can.update_by_key, "changing records by identifier")
        }
        (Kind::Update, _) => require(can.update_where, "changing records by filter"),
        (Kind::Delete, selection) if selection.is_by_key() => {
            require(can.delete_by_key, "deleting records by identifier")
        }
        (Kind::Delete, _) => require(can.delete_where, "deleting records by filter"),
    }
}

fn check_options(selection: &Selection, request: &TableWrite, can: &Capabilities) -> Result<(), Error> {
    require(!request.related.is_said(), "related")?;
    require(!request.is_rolled_back || can.transactions || can.on_error_atomic, "rollback")?;
    let is_of_records = selection.is_of_records();
    require(!is_of_records || !request.is_continued || can.on_error_continue, "continue")?;
    require(is_of_records || !request.is_upsert, "upsert by filter")?;
    match selection {
        Selection::Some(_) => {
            require(can.transactions && can.query && can.row_rules, "limit of a write by filter")
        }
        Selection::Matching(_) | Selection::All => refuse_ignored(selection, request),
        Selection::Seen(_) | Selection::Missing => require(can.row_rules, "a condition on a row"),
        Selection::Keys => Ok(()),
    }
}

/// Refuses what would change more rows than was asked for if it were ignored.
fn refuse_ignored(selection: &Selection, request: &TableWrite) -> Result<(), Error> {
    let given = [
        ("limit", request.limit.is_some_and(|limit| limit > 0)),
        ("offset", request.offset > 0),
        ("order", !request.order.is_empty()),
    ];
    let Some((name, _)) = given.iter().find(|(_, is_given)| *is_given) else { return Ok(()) };
    let missing = if *selection == Selection::All { "a filter" } else { "'limit'" };
    Err(Error::invalid(name, format!("'{name}' of a write needs {missing}")))
}

/// Checks the row rules before anything is written; gives the number of values that they bind.
fn check_rules(kind: Kind, selection: &Selection, scope: &Scope<'_>) -> Result<usize, Error> {
    let mut values = Values::default();
    if let Selection::Some(node) = selection {
        Planner::new(scope, &mut values).plan(node)?;
    }
    let is_new = matches!(kind, Kind::Insert | Kind::Upsert);
    let new_rows = if is_new { scope.rules_of_new_rows } else { None };
    let planned = [scope.rules, new_rows].map(|of| rules::plan(of, scope, &mut values));
    for rule in planned {
        let Some(rule) = rule? else { continue };
        check_filter(&rule, scope.capabilities)?;
        let is_in_filter = kind == Kind::Delete && !selection.is_by_key();
        require(is_in_filter || scope.capabilities.row_rules, "a write under row rules")?;
    }
    Ok(values.bound_count())
}

/// Without fields that are computed when they are read: a write gives back what is stored.
fn as_stored(
    mut shown: Vec<ShownColumn>,
    are_all: bool,
    scope: &Scope<'_>,
) -> Result<Vec<ShownColumn>, Error> {
    let Some(aliases) = scope.aliases else { return Ok(shown) };
    let is_computed = |shown: &ShownColumn| aliases.is_computed(&Path::column(&*shown.column));
    if are_all {
        shown.retain(|column| !is_computed(column));
    }
    match shown.iter().find(|column| is_computed(column)) {
        Some(column) => {
            let name = &column.name;
            Err(Error::unsupported(format!("the computed field '{name}' in the answer of a write")))
        }
        None => Ok(shown),
    }
}

/// The identifying fields, unless the request names others. A removal of all rows shows none. Who may not read the rows learns which ones
/// they were by nothing but the fields that the request itself named them by, or the primary key.
fn shown(
    (kind, selection): (Kind, &Selection),
    request: &TableWrite,
    key: &[String],
    scope: &Scope<'_>,
) -> Result<Vec<ShownColumn>, Error> {
    if *selection == Selection::All {
        return Ok(Vec::new());
    }
    let are_fields_asked = matches!(request.fields, Fields::All | Fields::Named(_)) && !request.as_list;
    if are_fields_asked && scope.is_readable {
        let shown = fields::shown(&request.fields, Columns::new(scope.table), key)?;
        return as_stored(shown, request.fields == Fields::All, scope);
    }
    let are_rows_named = kind != Kind::Insert && selection.is_of_records();
    let key = if scope.is_readable || are_rows_named { key } else { &scope.table.primary_key };
    if key.is_empty() {
        Err(Error::NoIdentifier)
    } else {
        Ok(key.iter().map(|name| ShownColumn::from(name.as_str())).collect())
    }
}
