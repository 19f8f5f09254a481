//! The names that clients have for the fields of a table where these are not the store's. Requests are planned with the names of clients
//! only; what goes to the store gets the store's names at the very end, and what comes back is called by those of clients again. Inside of
//! a condition on related rows each table's own names count.

use std::collections::HashMap;
use std::sync::Arc;

use connector_api::model::{Assignment, Expr, Filter, Group, Order, Path, Query, Selector, Table};

use super::Columns;
use super::columns::is_same_name;
use crate::connectors::Renames;
use crate::extras::{TableExtras, alias_problem};

/// The names of one table's fields.
#[derive(Debug, Default, PartialEq)]
pub struct Aliases {
    /// The store's names by those of clients.
    own: HashMap<String, String>,
    /// Those of clients by the store's.
    names: Renames,
}

impl Aliases {
    /// Those of these extras, and what is wrong with some of them, which are left out.
    #[must_use]
    pub fn of(table: &Table, extras: &TableExtras) -> (Option<Arc<Self>>, Vec<String>) {
        let (mut own, mut names, mut problems) = (HashMap::new(), HashMap::new(), Vec::new());
        for (name, alias) in extras.aliases() {
            let Some(column) = Columns::new(table).find(name) else { continue };
            if *alias == column.name {
                continue;
            }
            match unfit(alias, &column.name, table, &own) {
                Some(what) => problems.push(format!("the alias '{alias}' of field '{name}' {what}")),
                None => {
                    own.insert(alias.to_owned(), column.name.clone());
                    names.insert(column.name.clone(), alias.to_owned());
                }
            }
        }
        let aliases = (!own.is_empty()).then(|| Arc::new(Self { own, names: Arc::new(names) }));
        (aliases, problems)
    }

    /// The table as clients see it; its columns keep their places.
    #[must_use]
    pub fn shown(&self, table: &Table) -> Table {
        let mut shown = table.clone();
        let rename = |name: &mut String| {
            if let Some(alias) = self.names.get(name) {
                name.clone_from(alias);
            }
        };
        shown.columns.iter_mut().for_each(|column| rename(&mut column.name));
        shown.primary_key.iter_mut().for_each(rename);
        shown.unique_keys.iter_mut().flat_map(|key| &mut key.columns).for_each(rename);
        shown.indexes.iter_mut().flat_map(|index| &mut index.columns).for_each(rename);
        shown.foreign_keys.iter_mut().flat_map(|key| &mut key.columns).for_each(rename);
        shown
    }

    /// What clients call a column of the store.
    #[must_use]
    pub fn name<'n>(&'n self, column: &'n str) -> &'n str {
        self.names.get(column).map_or(column, String::as_str)
    }

    /// The same for what the author of a role calls it, in any case, and for members inside of it; `None`: it has no alias.
    pub(super) fn name_of_rule(&self, written: &str) -> Option<String> {
        if let Some(alias) = self.names.get(written) {
            return Some(alias.clone());
        }
        let found = self.names.iter().find(|(column, _)| is_same_name(column, written));
        if let Some((_, alias)) = found {
            return Some(alias.clone());
        }
        let (outer, inner) = written.split_once('.')?;
        Some(format!("{}.{inner}", self.name_of_rule(outer)?))
    }

    /// What answers call columns.
    #[must_use]
    pub fn names(&self) -> &Renames {
        &self.names
    }

    /// A query as the store understands it.
    #[must_use]
    pub fn query(&self, mut query: Query) -> Query {
        query.select = query.select.iter().map(|path| self.path(path.clone())).collect();
        query.filter = query.filter.map(|filter| self.filter(filter));
        query.group = query.group.map(|group| self.group(group));
        query.order = query.order.into_iter().map(|item| Order { by: self.path(item.by), ..item }).collect();
        query
    }

    fn group(&self, group: Group) -> Group {
        let Group { by, mut aggregates, having } = group;
        for aggregate in &mut aggregates {
            aggregate.of = aggregate.of.take().map(|path| self.path(path));
        }
        Group { by: self.paths(by), aggregates, having: having.map(|having| self.filter(having)) }
    }

    /// Columns as the store calls them.
    pub(super) fn paths(&self, paths: Vec<Path>) -> Vec<Path> {
        paths.into_iter().map(|path| self.path(path)).collect()
    }

    fn path(&self, path: Path) -> Path {
        let Some((first, inside)) = path.segments().split_first() else { return path };
        let Some(own) = self.own.get(first) else { return path };
        let segments = std::iter::once(own).chain(inside).cloned().collect();
        Path::nested(segments).unwrap_or(path)
    }

    /// A condition as the store understands it. Conditions on related rows are that already.
    pub(super) fn filter(&self, filter: Filter) -> Filter {
        let all = |parts: Vec<Filter>| parts.into_iter().map(|part| self.filter(part)).collect();
        match filter {
            Filter::And(parts) => Filter::And(all(parts)),
            Filter::Or(parts) => Filter::Or(all(parts)),
            Filter::Not(part) => Filter::Not(Box::new(self.filter(*part))),
            Filter::Compare { op, left, right } => {
                Filter::Compare { op, left: self.expr(left), right: self.expr(right) }
            }
            Filter::In { expr, list } => Filter::In { expr: self.expr(expr), list },
            Filter::Between { expr, low, high } => {
                Filter::Between { expr: self.expr(expr), low: self.expr(low), high: self.expr(high) }
            }
            Filter::Text { op, expr, pattern } => Filter::Text { op, expr: self.expr(expr), pattern },
            Filter::IsNull(expr) => Filter::IsNull(self.expr(expr)),
            other @ (Filter::Always(_) | Filter::RelatedExists { .. }) => other,
        }
    }

    fn expr(&self, expr: Expr) -> Expr {
        match expr {
            Expr::Column(path) => Expr::Column(self.path(path)),
            Expr::Param(param) => Expr::Param(param),
            Expr::Arithmetic { op, left, right } => {
                Expr::Arithmetic { op, left: Box::new(self.expr(*left)), right: Box::new(self.expr(*right)) }
            }
            Expr::Call { function, args } => {
                Expr::Call { function, args: args.into_iter().map(|arg| self.expr(arg)).collect() }
            }
        }
    }

    /// The rows of a write as the store understands them.
    pub(super) fn rows(&self, rows: Selector) -> Selector {
        match rows {
            Selector::Where(filter) => Selector::Where(self.filter(filter)),
            Selector::Keys { columns, guard } => Selector::Keys {
                columns: self.paths(columns),
                guard: guard.map(|guard| self.filter(guard)),
            },
        }
    }

    /// What the store computes in a write, as it understands it.
    pub(super) fn assignments(&self, compute: Vec<Assignment>) -> Vec<Assignment> {
        let assigned = |it: Assignment| Assignment { column: self.path(it.column), value: self.expr(it.value) };
        compute.into_iter().map(assigned).collect()
    }
}

/// Why a column can't have this alias.
fn unfit(alias: &str, column: &str, table: &Table, taken: &HashMap<String, String>) -> Option<String> {
    if table.is_open {
        return Some("can't be had: any name is a field of this table".to_owned());
    }
    if let Some(what) = alias_problem(alias) {
        return Some(what.to_owned());
    }
    let is_field = |name: &str| name != column && is_same_name(name, alias);
    if table.columns.iter().any(|known| is_field(&known.name)) {
        return Some("is the name of another field".to_owned());
    }
    let is_taken = taken.keys().any(|known| is_same_name(known, alias));
    is_taken.then(|| "is that of another field, too".to_owned())
}
