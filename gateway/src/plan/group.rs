//! Groups: columns to group by, aggregates, conditions on them, and what the answer calls them.
//!
//! In the query an aggregate has a name of its own that no column has; the answer shows it as `{FUNCTION}_{column}` or by its alias. In
//! `having` and `order` a name is first a grouped column, then a name of the answer, then an aggregate, which need not be shown.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use connector_api::model::{Aggregate, AggregateFunction, Column, ColumnType, Group, Path};

use super::capability::{check_filter, require};
use super::columns::{Columns, Resolved, is_same_name};
use super::filter::Planner;
use super::selection::{Selected, unknown_field};
use super::values::Values;
use super::view::{ShownColumn, View, Wanted};
use super::{Aliases, Error, Scope, order};
use crate::request::{self, FieldItem, Fields, TableRead, Term};

/// Whether the request is about groups: it says so, or shows an aggregate.
pub(super) fn is_asked(request: &TableRead, columns: Columns<'_>) -> bool {
    let shows_aggregate = match &request.fields {
        Fields::Named(items) => items.iter().any(|item| aggregate_of(&item.term, columns).is_some()),
        _ => false,
    };
    !request.group.is_empty() || shows_aggregate
}

/// Plans groups.
pub(super) fn plan(request: &TableRead, scope: &Scope<'_>, values: &mut Values) -> Result<Selected, Error> {
    let can = scope.capabilities;
    require(can.aggregates, "group or an aggregate")?;
    if request.distinct {
        return Err(Error::invalid("distinct", "'distinct' can't be combined with groups and aggregates"));
    }
    let columns = Columns::new(scope.table);
    let mut grouping = Grouping {
        columns,
        aliases: scope.aliases.map(|aliases| &**aliases),
        by: grouped_by(request, columns)?,
        aggregates: Aggregates::default(),
        shown: Shown::default(),
    };
    grouping.show(&request.fields)?;
    let mut order = order::written(&request.order, can, |term| grouping.resolve(term))?;
    let having = match &request.having {
        Some(node) => {
            let resolve = |name: &str| grouping.resolve(&Term::read(name));
            Some(Planner::of_groups(resolve, scope, values).plan(node)?)
        }
        None => None,
    };
    if let Some(having) = &having {
        check_filter(having, can)?;
    }
    let by: Vec<String> = grouping.by.iter().map(|column| column.name.clone()).collect();
    order::break_ties(&mut order, &by, columns, can);
    let shown: HashSet<&str> = grouping.shown.list.iter().map(|shown| &*shown.column).collect();
    let wanted = by.iter().filter(|name| shown.contains(name.as_str())).map(Path::column);
    let wanted: Wanted = wanted.collect();
    Ok(Selected {
        view: View { wanted, shown: Arc::new(grouping.shown.list.into()) },
        group: Some(Group {
            by: by.iter().map(Path::column).collect(),
            aggregates: grouping.aggregates.list,
            having,
        }),
        order,
        distinct: false,
    })
}

/// The columns of `group`; without it the plain columns that the answer shows beside its aggregates.
fn grouped_by<'a>(request: &TableRead, columns: Columns<'a>) -> Result<Vec<&'a Column>, Error> {
    let mut by: Vec<&Column> = Vec::new();
    let mut add = |column: &'a Column| {
        if !by.iter().any(|known| known.name == column.name) {
            by.push(column);
        }
    };
    for name in &request.group {
        add(columns.find(name).ok_or_else(|| {
            Error::invalid("group", format!("Invalid or unknown field '{name}' in group by clause."))
        })?);
    }
    if let (true, Fields::Named(items)) = (request.group.is_empty(), &request.fields) {
        items.iter().filter_map(|item| columns.find(&item.term.name)).for_each(add);
    }
    Ok(by)
}

/// What the term computes, unless a column has that very name.
fn aggregate_of<'t>(term: &'t Term, columns: Columns<'_>) -> Option<&'t request::Aggregate> {
    term.aggregate.as_ref().filter(|_| columns.find(&term.name).is_none())
}

/// Groups on the way to a plan.
struct Grouping<'a> {
    columns: Columns<'a>,
    aliases: Option<&'a Aliases>,
    by: Vec<&'a Column>,
    aggregates: Aggregates,
    shown: Shown,
}

/// Aggregates of the query, each once.
#[derive(Default)]
struct Aggregates {
    list: Vec<Aggregate>,
    /// Places by what is computed: the function, of what, whether of distinct values.
    by_meaning: HashMap<(AggregateFunction, Option<Path>, bool), usize>,
    by_name: HashMap<String, usize>,
}

impl Aggregates {
    fn add(&mut self, aggregate: Aggregate) {
        let place = self.list.len();
        let Aggregate { function, of, distinct, name } = aggregate.clone();
        self.by_meaning.insert((function, of, distinct), place);
        self.by_name.insert(name, place);
        self.list.push(aggregate);
    }

    fn named(&self, name: &str) -> Option<&Aggregate> {
        self.by_name.get(name).and_then(|place| self.list.get(*place))
    }
}

/// What the answer shows, each name once.
#[derive(Default)]
struct Shown {
    list: Vec<ShownColumn>,
    by_name: HashMap<Arc<str>, usize>,
    /// The first of those that differ in case only.
    by_folded: HashMap<String, usize>,
}

impl Shown {
    /// Adds a column; one that is there already is not shown twice.
    fn add(&mut self, shown: ShownColumn) -> Result<(), Error> {
        match self.exact(&shown.name) {
            Some(known) if *known == shown => return Ok(()),
            Some(_) => {
                let message = format!("two fields are called '{}'; give one an alias with AS", shown.name);
                return Err(Error::invalid("fields", message));
            }
            None => {}
        }
        let place = self.list.len();
        self.by_name.insert(Arc::clone(&shown.name), place);
        self.by_folded.entry(shown.name.to_lowercase()).or_insert(place);
        self.list.push(shown);
        Ok(())
    }

    fn exact(&self, name: &str) -> Option<&ShownColumn> {
        self.by_name.get(name).and_then(|place| self.list.get(*place))
    }

    /// The column with this name, else the one that differs in case only.
    fn find(&self, name: &str) -> Option<&ShownColumn> {
        let folded = || self.by_folded.get(&name.to_lowercase()).and_then(|place| self.list.get(*place));
        self.exact(name).or_else(folded)
    }
}

impl Grouping<'_> {
    /// Adds what the answer shows: by default the grouped columns.
    fn show(&mut self, fields: &Fields) -> Result<(), Error> {
        let Fields::Named(items) = fields else {
            let shown = &mut self.shown;
            return self.by.iter().try_for_each(|column| shown.add(ShownColumn::from(column.name.as_str())));
        };
        for item in items {
            let shown = self.item(item)?;
            self.shown.add(shown)?;
        }
        Ok(())
    }

    fn item(&mut self, item: &FieldItem) -> Result<ShownColumn, Error> {
        let term = &item.term;
        let Some(aggregate) = aggregate_of(term, self.columns) else {
            let column = self.columns.find(&term.name).ok_or_else(|| unknown_field(&term.name))?;
            if !self.by.iter().any(|grouped| grouped.name == column.name) {
                let message = format!("field '{}' must stand in 'group' or in an aggregate", term.name);
                return Err(Error::invalid("fields", message));
            }
            return Ok(ShownColumn::from(column.name.as_str()));
        };
        if self.means_nothing(aggregate) {
            let is_extreme = matches!(
                aggregate.function,
                request::AggregateFunction::Min | request::AggregateFunction::Max
            );
            let needed = if is_extreme { "values that have an order" } else { "numbers" };
            let message = format!("'{}' needs a field of {needed}", term.name);
            return Err(Error::invalid("fields", message));
        }
        let column = self.aggregate(aggregate).ok_or_else(|| unknown_field(&term.name))?;
        let name = item.alias.clone().unwrap_or_else(|| self.usual_name(aggregate));
        Ok(ShownColumn { column: column.into(), name: name.into() })
    }

    /// `SUM_amount`; everything but letters and digits becomes `_`.
    fn usual_name(&self, aggregate: &request::Aggregate) -> String {
        let of =
            aggregate.of.as_deref().map(|name| self.columns.find(name).map_or(name, |column| &column.name));
        let Some(of) = of else { return "COUNT_ALL".to_owned() };
        let distinct = if aggregate.is_distinct { "DISTINCT_" } else { "" };
        let of: String = of.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
        format!("{}_{distinct}{of}", aggregate.function.word())
    }

    /// Whether a sum or an average is wanted of what is never a number, or the least or greatest of documents, which have no order that all
    /// databases share. Columns called texts only because their declared type is unknown have no length and may hold numbers.
    fn means_nothing(&self, wanted: &request::Aggregate) -> bool {
        use ColumnType::{Array, Binary, Date, DateTime, Json, Object, String, Text, Time, Timestamp, Uuid};
        use request::AggregateFunction::{Avg, Count, Max, Min, Sum};
        let column = wanted.of.as_ref().and_then(|name| self.columns.find(name));
        column.filter(|column| !column.is_guessed).is_some_and(|column| {
            match (wanted.function, column.data_type) {
                (Sum | Avg, Text | Binary | Date | Time | DateTime | Timestamp | Uuid) => true,
                (Sum | Avg, String) => column.length.is_some(),
                (Min | Max, Json | Object | Array) => true,
                (Sum | Avg | Min | Max | Count, _) => false,
            }
        })
    }

    /// The aggregate's name in the query, under which it is added if it is new; `None` if its column does not exist or the
    /// aggregate means nothing.
    fn aggregate(&mut self, wanted: &request::Aggregate) -> Option<String> {
        if self.means_nothing(wanted) {
            return None;
        }
        let of = match &wanted.of {
            Some(name) => Some(Path::column(&self.columns.find(name)?.name)),
            None => None,
        };
        let (function, distinct) = (function(wanted.function), wanted.is_distinct);
        let meaning = (function, of, distinct);
        let known =
            self.aggregates.by_meaning.get(&meaning).and_then(|place| self.aggregates.list.get(*place));
        if let Some(known) = known {
            return Some(known.name.clone());
        }
        let name = self.free_name();
        let (function, of, distinct) = meaning;
        self.aggregates.add(Aggregate { function, of, distinct, name: name.clone() });
        Some(name)
    }

    /// A name that no column has, in any case, neither for clients nor for the store.
    fn free_name(&self) -> String {
        let mut name = format!("aggregate_{}", self.aggregates.list.len() + 1);
        let own = |name: &str| self.aliases.is_some_and(|aliases| aliases.name_of_rule(name).is_some());
        while own(&name) || self.columns.all().iter().any(|column| is_same_name(&column.name, &name)) {
            name.push('_');
        }
        name
    }

    /// What a name means in `having` and `order`.
    fn resolve(&mut self, term: &Term) -> Option<Resolved> {
        let column = self.columns.find(&term.name);
        if let Some(column) = column.filter(|column| self.by.iter().any(|by| by.name == column.name)) {
            return Some(Resolved::of(column));
        }
        let name = match self.shown.find(&term.name) {
            Some(shown) => shown.column.as_ref().to_owned(),
            None => self.aggregate(term.aggregate.as_ref()?)?,
        };
        self.aggregates.named(&name).map(|known| self.resolved(known))
    }

    fn resolved(&self, aggregate: &Aggregate) -> Resolved {
        let of = aggregate.of.as_ref().and_then(Path::as_column).and_then(|name| self.columns.find(name));
        let keeps_text = of.is_some_and(|column| column.keeps_text);
        let beyond = of.filter(|_| aggregate.function != AggregateFunction::Count);
        let beyond = beyond.map(|column| column.beyond.clone()).unwrap_or_default();
        let is_guessed = of.is_some_and(|column| column.is_guessed);
        let (data_type, is_guessed) = match aggregate.function {
            AggregateFunction::Count => (ColumnType::BigInt, false),
            AggregateFunction::Min | AggregateFunction::Max => {
                (of.map_or(ColumnType::Other, |column| column.data_type), is_guessed)
            }
            AggregateFunction::Sum | AggregateFunction::Avg => (ColumnType::Decimal, false),
        };
        let is_nullable = aggregate.function != AggregateFunction::Count;
        Resolved {
            path: Path::column(&aggregate.name),
            data_type,
            is_nullable,
            beyond,
            keeps_text,
            is_guessed,
        }
    }
}

fn function(wanted: request::AggregateFunction) -> AggregateFunction {
    match wanted {
        request::AggregateFunction::Count => AggregateFunction::Count,
        request::AggregateFunction::Sum => AggregateFunction::Sum,
        request::AggregateFunction::Avg => AggregateFunction::Avg,
        request::AggregateFunction::Min => AggregateFunction::Min,
        request::AggregateFunction::Max => AggregateFunction::Max,
    }
}
