//! Conditions on related rows (`orders_by_customer_id.total > 5`): a row is taken if one of its related rows is. Which tables conditions reach
//! is found out by whoever may look at the catalogue and at what the caller may read; here they become parts of the plan, each with the
//! row rules of the table into which it looks.

use std::collections::HashMap;
use std::sync::Arc;

use connector_api::model::{Filter, Path, TableRef};

use super::columns::Columns;
use super::read::{Scope, all_of};
use super::values::Values;
use super::{Error, RowRules, rules};
use crate::request::filter::Node;
use crate::schema::known::Known;
use crate::schema::relationships::Relationship;

/// What conditions may look into beside the table itself.
#[derive(Debug, Clone, Default)]
pub struct Reach<'a> {
    /// The relationships of each table from which conditions go on.
    pub relationships: HashMap<TableRef, Vec<Relationship>>,
    /// The tables behind them and between, and the rules for the rows that the caller may read there.
    pub tables: HashMap<TableRef, (Arc<Known>, Option<RowRules<'a>>)>,
}

impl<'a> Reach<'a> {
    fn of(&self, table: &TableRef) -> &[Relationship] {
        self.relationships.get(table).map_or(&[], Vec::as_slice)
    }

    /// The scope of a table that conditions reach.
    fn scope<'s>(&'s self, table: &TableRef, from: &Scope<'s>) -> Result<Scope<'s>, Error> {
        let (known, rules) = self
            .tables
            .get(table)
            .ok_or_else(|| Error::invalid("filter", format!("the table '{table}' can't be looked into")))?;
        let (views, aliases) = (known.views(), known.aliases());
        Ok(Scope { table: known, views, aliases, rules: *rules, rules_of_new_rows: None, ..*from })
    }
}

/// The names in a filter that are no columns of the table, but may begin with a relationship.
#[must_use]
pub fn beyond<'n>(filter: &'n Node, table: &Known) -> Vec<&'n str> {
    let columns = Columns::new(table);
    let names = filter.fields().into_iter().map(|field| field.name.as_str());
    names.filter(|name| name.contains('.') && columns.resolve(name).is_none()).collect()
}

/// The relationship with which a condition begins, unless it is one on the table's own columns.
pub(super) fn relationship_of<'s>(name: &str, scope: &Scope<'s>) -> Option<&'s Relationship> {
    let known = scope.reach?.of(&scope.table.table);
    let is_own = Columns::new(scope.table).resolve(name).is_some();
    if is_own { None } else { Relationship::leading(known, name) }
}

/// That a row has related rows for which `condition`, planned in their scope, holds.
///
/// # Errors
/// Those of the condition; row rules that do not fit.
pub(super) fn exists(
    relationship: &Relationship,
    scope: &Scope<'_>,
    values: &mut Values,
    condition: impl FnOnce(&Scope<'_>, &mut Values) -> Result<Filter, Error>,
) -> Result<Filter, Error> {
    let reach =
        scope.reach.ok_or_else(|| Error::invalid("filter", "related rows can't be asked for here"))?;
    let inner = reach.scope(&relationship.target, scope)?;
    let rules_of_target = rules::plan(inner.rules, &inner, values)?;
    let condition = condition(&inner, values)?;
    let filter = inner.own(all_of([rules_of_target, Some(condition)]), values);
    let Some(junction) = &relationship.junction else {
        return Ok(related(
            (&relationship.columns, &relationship.target_columns),
            &relationship.target,
            filter,
        ));
    };
    let far = related((&junction.target_columns, &relationship.target_columns), &relationship.target, filter);
    let between = reach.scope(&junction.table, scope)?;
    let rules = rules::plan(between.rules, &between, values)?;
    let filter = all_of([between.own(rules, values), Some(far)]);
    Ok(related((&relationship.columns, &junction.columns), &junction.table, filter))
}

fn related((mine, others): (&[String], &[String]), table: &TableRef, filter: Option<Filter>) -> Filter {
    Filter::RelatedExists {
        table: table.clone(),
        on: mine.iter().map(Path::column).zip(others.iter().map(Path::column)).collect(),
        filter: Box::new(filter.unwrap_or(Filter::Always(true))),
    }
}
