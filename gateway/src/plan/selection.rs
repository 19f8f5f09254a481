//! What a read selects, and in which order: columns, columns without double rows, or groups.

use connector_api::model::{Group, Order, Path};

use super::capability::require;
use super::columns::Columns;
use super::values::Values;
use super::view::{ShownColumn, View};
use super::{Error, Scope, group, order};
use crate::request::{Fields, TableRead};

/// The part of a query that says what its rows are.
#[derive(Debug)]
pub(super) struct Selected {
    pub(super) view: View,
    pub(super) distinct: bool,
    pub(super) group: Option<Group>,
    pub(super) order: Vec<Order>,
}

/// Plans it for rows that `key` identifies.
pub(super) fn plan(
    request: &TableRead,
    key: &[String],
    scope: &Scope<'_>,
    values: &mut Values,
) -> Result<Selected, Error> {
    let columns = Columns::new(scope.table);
    if group::is_asked(request, columns) {
        return group::plan(request, scope, values);
    }
    if request.having.is_some() {
        return Err(Error::invalid("having", "'having' needs 'group' or an aggregate in 'fields'"));
    }
    let view = scope.views.of(&request.fields, columns, key)?;
    let can = scope.capabilities;
    let mut order = order::written(&request.order, can, |term| columns.resolve(&term.name))?;
    if request.distinct {
        require(can.distinct, "distinct")?;
        let names: Vec<String> = view.shown.iter().map(|shown| shown.column.as_ref().to_owned()).collect();
        refuse_hidden(&order, &names)?;
        order::break_ties(&mut order, &names, columns, can);
    } else {
        // What the request calls identifying need not be unique; the primary key is.
        let primary = &scope.table.primary_key;
        let unique = if primary.is_empty() { key } else { primary };
        order::break_ties(&mut order, unique, columns, can);
    }
    Ok(Selected { view, distinct: request.distinct, group: None, order })
}

/// The columns that are shown, as the store is asked for them. Only where the request names them a dot leads into a document: a column may
/// be called so as well.
pub(super) fn paths(fields: &Fields, shown: &[ShownColumn], columns: Columns<'_>) -> Vec<Path> {
    let named = |shown: &ShownColumn| match fields {
        Fields::Named(_) => columns.resolve(&shown.column).map(|resolved| resolved.path),
        Fields::Absent | Fields::All | Fields::Identifiers => None,
    };
    shown.iter().map(|shown| named(shown).unwrap_or_else(|| Path::column(&*shown.column))).collect()
}

/// Whether columns that no description names are shown as well: where nobody chose some.
pub(super) fn shows_others(fields: &Fields, scope: &Scope<'_>) -> bool {
    let is_open = scope.table.is_open && scope.capabilities.open_columns;
    is_open && matches!(fields, Fields::Absent | Fields::All)
}

/// Of rows that are shown once, only what is shown has an order.
fn refuse_hidden(order: &[Order], shown: &[String]) -> Result<(), Error> {
    let is_hidden = |item: &&Order| item.by.as_column().is_none_or(|name| !shown.iter().any(|s| s == name));
    let Some(hidden) = order.iter().find(is_hidden) else { return Ok(()) };
    let name = hidden.by.segments().join(".");
    let message = format!("with 'distinct' the order may name shown fields only; add '{name}' to 'fields'");
    Err(Error::invalid("order", message))
}

/// The columns of an answer, each once.
pub(super) fn shown(
    fields: &Fields,
    columns: Columns<'_>,
    key: &[String],
) -> Result<Vec<ShownColumn>, Error> {
    let all = || columns.all().iter().map(|column| ShownColumn::from(column.name.as_str())).collect();
    match fields {
        Fields::Absent | Fields::All => Ok(all()),
        Fields::Identifiers if key.is_empty() => Ok(all()),
        Fields::Identifiers => Ok(key.iter().map(|name| ShownColumn::from(name.as_str())).collect()),
        Fields::Named(items) => {
            let mut shown: Vec<ShownColumn> = Vec::with_capacity(items.len());
            for item in items {
                let resolved =
                    columns.resolve(&item.term.name).ok_or_else(|| unknown_field(&item.term.name))?;
                let column = ShownColumn::from(resolved.path.segments().join(".").as_str());
                if !shown.contains(&column) {
                    shown.push(column);
                }
            }
            Ok(shown)
        }
    }
}

pub(super) fn unknown_field(name: &str) -> Error {
    Error::invalid("fields", format!("Invalid field requested: {name}"))
}
