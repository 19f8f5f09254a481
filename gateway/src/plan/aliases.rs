//! The names that clients have for the fields of a table where these are not the store's, and the fields that the store computes. Requests
//! are planned with what clients see only; what goes to the store gets the store's names and expressions at the very end, and what comes
//! back is called by the names of clients again. Inside of a condition on related rows each table's own names count.

use std::collections::HashMap;
use std::sync::Arc;

use connector_api::model::{
    Assignment, Column, Computed, Expr, Filter, Group, Order, Path, Query, Selector, Table, Value,
};

use super::columns::is_same_name;
use super::formula::{Formula, Formulas};
use super::values::Values;
use super::{Columns, Error, Kind};
use crate::extras::{FieldExtras, TableExtras, Use, alias_problem};
use crate::request::schema::SimpleType;

/// The names of one table's fields.
#[derive(Debug, Default, PartialEq)]
pub struct Aliases {
    /// The store's names by those of clients.
    own: HashMap<String, String>,
    /// Those of clients by the store's.
    names: Arc<HashMap<String, String>>,
    /// Functions by the names that clients have for their fields.
    formulas: HashMap<String, Formulas>,
    /// The fields that the store does not have, behind those that it has.
    computed: Vec<Column>,
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
        let mut aliases = Self { own, names: Arc::new(names), ..Self::default() };
        for (name, field) in extras.fields.iter().filter(|(_, field)| !field.db_function.is_empty()) {
            if let Err(problem) = aliases.add(name, field, table) {
                problems.push(format!("the function of field '{name}': {problem}"));
                if !field.is_virtual {
                    aliases.hide(name, table);
                }
            }
        }
        let is_empty = aliases.own.is_empty() && aliases.formulas.is_empty();
        ((!is_empty).then(|| Arc::new(aliases)), problems)
    }

    /// Adds the functions of a field.
    fn add(&mut self, name: &str, field: &FieldExtras, table: &Table) -> Result<(), Error> {
        let column = Columns::new(table).find(name);
        if !field.is_virtual {
            let Some(column) = column else { return Ok(()) };
            let formulas = Formulas::read(&field.db_function, (column.data_type, false), table)?;
            check_column(column, &formulas, table)?;
            self.formulas.insert(self.name(&column.name).to_owned(), formulas);
            return Ok(());
        }
        if let Some(what) = alias_problem(name) {
            return Err(Error::record(format!("the name of a virtual field {what}")));
        }
        let is_taken = column.is_some() || self.own.keys().any(|alias| is_same_name(alias, name));
        if is_taken {
            return Err(Error::record("a virtual field can't be called like another field"));
        }
        let known = field.type_word.as_deref().and_then(SimpleType::find);
        let known = known.ok_or_else(|| Error::record("a virtual field needs a 'type' such as 'string'"))?;
        let mut formulas = Formulas::read(&field.db_function, (known.data_type, true), table)?;
        formulas.filter = formulas.filter.or_else(|| formulas.select.clone());
        self.computed.push(Column { is_generated: true, ..Column::new(name, known.data_type) });
        self.formulas.insert(name.to_owned(), formulas);
        Ok(())
    }

    /// A column whose functions do not fit is null: they may have been there to hide what is in it.
    fn hide(&mut self, name: &str, table: &Table) {
        if let Some(column) = Columns::new(table).find(name) {
            self.formulas.insert(self.name(&column.name).to_owned(), Formulas::unfit());
        }
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
        shown.columns.extend(self.computed.iter().cloned());
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
    pub fn names(&self) -> &Arc<HashMap<String, String>> {
        &self.names
    }

    /// A query as the store understands it, and its parameters.
    ///
    /// # Errors
    /// What can't be done with a field that is computed.
    pub fn query(&self, mut query: Query, params: &[Value]) -> Result<(Query, Vec<Value>), Error> {
        let mut values = Values::from(params.to_vec());
        let shown =
            query.select.iter().map(|path| (path, self.formula(path).and_then(|of| of.select.as_ref())));
        let (computed, columns): (Vec<_>, Vec<_>) = shown.partition(|(_, formula)| formula.is_some());
        if let (Some((path, _)), true) = (computed.first(), query.distinct) {
            return Err(unsupported(path, "in a list of distinct rows"));
        }
        for (path, formula) in computed {
            let (Some(name), Some(formula)) = (path.as_column(), formula) else { continue };
            let name = self.own.get(name).map_or(name, String::as_str).to_owned();
            query.compute.push(Computed { name, value: formula.used(&mut values) });
        }
        query.select = columns.into_iter().map(|(path, _)| self.path(path.clone())).collect();
        query.filter = query.filter.map(|filter| self.filter(filter, &mut values));
        query.group = query.group.map(|group| self.group(group, &mut values)).transpose()?;
        for item in std::mem::take(&mut query.order) {
            let by = self.order(&item.by, &mut query, &mut values)?;
            query.order.push(Order { by, ..item });
        }
        Ok((query, values.into_vec()))
    }

    /// What rows are ordered by. A function by which a field is compared is computed under a name of its own, unless it is shown anyway.
    fn order(&self, by: &Path, query: &mut Query, values: &mut Values) -> Result<Path, Error> {
        self.check_asked(by)?;
        let formulas = self.formula(by);
        let Some((formulas, formula)) = formulas.and_then(|of| Some((of, of.filter.as_ref()?))) else {
            return Ok(self.path(by.clone()));
        };
        if query.distinct || query.group.is_some() {
            return Err(unsupported(by, "in an order of groups or distinct rows"));
        }
        let name = by.as_column().unwrap_or_default();
        let is_shown = query.compute.iter().any(|computed| computed.name == name);
        if is_shown && formulas.select.as_ref() == Some(formula) {
            return Ok(by.clone());
        }
        let name = format!("order by {name}");
        query.compute.push(Computed { name: name.clone(), value: formula.used(values) });
        Ok(Path::column(name))
    }

    fn group(&self, group: Group, values: &mut Values) -> Result<Group, Error> {
        let Group { by, mut aggregates, having } = group;
        let mut used = by.iter().chain(aggregates.iter().filter_map(|aggregate| aggregate.of.as_ref()));
        if let Some(path) = used.find(|path| self.is_computed(path)) {
            return Err(unsupported(path, "in groups and aggregates"));
        }
        for aggregate in &mut aggregates {
            aggregate.of = aggregate.of.take().map(|path| self.path(path));
        }
        Ok(Group { by: self.paths(by), aggregates, having: having.map(|having| self.filter(having, values)) })
    }

    fn formula(&self, path: &Path) -> Option<&Formulas> {
        self.formulas.get(path.as_column()?)
    }

    /// That something may be asked of a field: not of one whose functions do not fit, for they may have been there to hide what is in it.
    ///
    /// # Errors
    /// It is such a field.
    pub(super) fn check_asked(&self, path: &Path) -> Result<(), Error> {
        match self.formula(path).is_some_and(|of| of.are_unfit) {
            true => Err(unfit_field(path)),
            false => Ok(()),
        }
    }

    /// Whether another value than the stored one is seen of a field.
    pub(super) fn is_seen_otherwise(&self, field: &str) -> bool {
        self.formulas.get(field).is_some_and(Formulas::change_what_is_seen)
    }

    /// Whether a field is kept beside the database only.
    pub(super) fn is_virtual(&self, field: &str) -> bool {
        self.computed.iter().any(|column| column.name == field)
    }

    /// Whether what is read of a field is computed.
    pub(super) fn is_computed(&self, path: &Path) -> bool {
        self.formula(path).is_some_and(|of| of.select.is_some())
    }

    /// Whether rows are ordered by something else than what is read of a field.
    pub(super) fn is_ordered_otherwise(&self, path: &Path) -> bool {
        self.formula(path).is_some_and(|of| of.select != of.filter)
    }

    /// What is written in the place of a value of a field.
    ///
    /// # Errors
    /// Nobody knows, for the functions of the field do not fit.
    pub(super) fn written(&self, field: &str, kind: Kind) -> Result<Option<&Formula>, Error> {
        let Some(formulas) = self.formulas.get(field) else { return Ok(None) };
        if formulas.are_unfit {
            return Err(unfit_field(&Path::column(field)));
        }
        Ok(match kind {
            Kind::Insert => formulas.insert.as_ref(),
            Kind::Update => formulas.update.as_ref(),
            Kind::Upsert => formulas.insert.as_ref().or(formulas.update.as_ref()),
            Kind::Delete => None,
        })
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
    pub(super) fn filter(&self, filter: Filter, values: &mut Values) -> Filter {
        let mut all = |parts: Vec<Filter>| parts.into_iter().map(|part| self.filter(part, values)).collect();
        match filter {
            Filter::And(parts) => Filter::And(all(parts)),
            Filter::Or(parts) => Filter::Or(all(parts)),
            Filter::Not(part) => Filter::Not(Box::new(self.filter(*part, values))),
            Filter::Compare { op, left, right } => {
                Filter::Compare { op, left: self.expr(left, values), right: self.expr(right, values) }
            }
            Filter::In { expr, list } => Filter::In { expr: self.expr(expr, values), list },
            Filter::Between { expr, low, high } => Filter::Between {
                expr: self.expr(expr, values),
                low: self.expr(low, values),
                high: self.expr(high, values),
            },
            Filter::Text { op, expr, pattern } => Filter::Text { op, expr: self.expr(expr, values), pattern },
            Filter::IsNull(expr) => Filter::IsNull(self.expr(expr, values)),
            other @ (Filter::Always(_) | Filter::RelatedExists { .. }) => other,
        }
    }

    fn expr(&self, expr: Expr, values: &mut Values) -> Expr {
        with_columns(expr, &mut |path| match self.formula(&path).and_then(|of| of.filter.as_ref()) {
            Some(formula) => formula.used(values),
            None => Expr::Column(self.path(path)),
        })
    }

    /// The rows of a write as the store understands them.
    pub(super) fn rows(&self, rows: Selector, values: &mut Values) -> Selector {
        match rows {
            Selector::Where(filter) => Selector::Where(self.filter(filter, values)),
            Selector::Keys { columns, guard } => Selector::Keys {
                columns: self.paths(columns),
                guard: guard.map(|guard| self.filter(guard, values)),
            },
        }
    }

    /// What the store computes in a write, as it understands it: from what is stored, whatever is seen of it.
    pub(super) fn assignments(&self, compute: Vec<Assignment>) -> Vec<Assignment> {
        let mut named = |path| Expr::Column(self.path(path));
        let assigned = |it: Assignment| Assignment {
            column: self.path(it.column),
            value: with_columns(it.value, &mut named),
        };
        compute.into_iter().map(assigned).collect()
    }
}

/// The same expression with other columns.
fn with_columns(expr: Expr, column: &mut impl FnMut(Path) -> Expr) -> Expr {
    match expr {
        Expr::Column(path) => column(path),
        Expr::Param(param) => Expr::Param(param),
        Expr::Arithmetic { op, left, right } => {
            let left = Box::new(with_columns(*left, column));
            Expr::Arithmetic { op, left, right: Box::new(with_columns(*right, column)) }
        }
        Expr::Call { function, args } => {
            Expr::Call { function, args: args.into_iter().map(|arg| with_columns(arg, column)).collect() }
        }
    }
}

fn unfit_field(path: &Path) -> Error {
    let field = path.segments().join(".");
    let message = format!(
        "Field '{field}' has a function that does not fit its table; the log of the gateway says why."
    );
    Error::record(message)
}

/// Keys have to come as they are: by them rows are found.
fn check_column(column: &Column, formulas: &Formulas, table: &Table) -> Result<(), Error> {
    let keys = table.unique_keys.iter().map(|key| &key.columns);
    let keys = keys.chain(table.foreign_keys.iter().map(|key| &key.columns)).chain([&table.primary_key]);
    let is_key = keys.flatten().any(|name| *name == column.name);
    if is_key && (formulas.select.is_some() || formulas.filter.is_some()) {
        let (select, filter) = (Use::Select.word(), Use::Filter.word());
        return Err(Error::record(format!("a field of a key can't have one for {select} or {filter}")));
    }
    Ok(())
}

fn unsupported(path: &Path, place: &str) -> Error {
    Error::unsupported(format!("the computed field '{}' {place}", path.segments().join(".")))
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
