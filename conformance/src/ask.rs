//! Short words for requests and filters. Values stand at the front of the parameters, so that a filter counts them from 0.

use connector_api::model::{
    ArithmeticOp, CompareOp, Computed, Count, Direction, Expr, Filter, Function, Group, Nulls, Order, Path,
    Query, TableRef, TextOp, Value,
};
use tablegate::connectors::Params;

/// So many rows are wanted where a case does not say; no table of the suite is longer.
pub const ALL: u64 = 10_000;

/// A request for rows under construction.
#[derive(Debug, Clone)]
pub struct Ask {
    shape: Query,
    values: Vec<Value>,
    limit: u64,
    offset: Option<u64>,
    after: Option<Value>,
}

impl Ask {
    /// All rows of a table, these columns.
    #[must_use]
    pub fn new(table: TableRef, columns: &[&str]) -> Self {
        let columns = columns.iter().map(|name| Path::column(*name));
        let shape = Query::new(table, columns.collect::<Vec<_>>(), 0);
        Self { shape, values: Vec::new(), limit: ALL, offset: None, after: None }
    }

    /// Only rows for which this holds.
    #[must_use]
    pub fn filter(mut self, filter: Filter, values: &[Value]) -> Self {
        self.shape.filter = Some(filter);
        self.values = values.to_vec();
        self
    }

    /// These values, for what has no filter.
    #[must_use]
    pub fn values(mut self, values: &[Value]) -> Self {
        self.values = values.to_vec();
        self
    }

    /// No row twice.
    #[must_use]
    pub fn distinct(mut self) -> Self {
        self.shape.distinct = true;
        self
    }

    /// And every other column.
    #[must_use]
    pub fn others(mut self) -> Self {
        self.shape.others = true;
        self
    }

    /// Groups instead of rows.
    #[must_use]
    pub fn group(mut self, group: Group) -> Self {
        self.shape.group = Some(group);
        self
    }

    /// One more column, computed by the store.
    #[must_use]
    pub fn compute(mut self, name: &str, value: Expr) -> Self {
        self.shape.compute.push(Computed { name: name.to_owned(), value });
        self
    }

    /// One more column of the order.
    #[must_use]
    pub fn order(mut self, by: &str, direction: Direction, nulls: Option<Nulls>) -> Self {
        self.shape.order.push(Order { by: Path::column(by), direction, nulls });
        self
    }

    /// At most so many rows.
    #[must_use]
    pub fn limit(mut self, limit: u64) -> Self {
        self.limit = limit;
        self
    }

    /// Without the first ones.
    #[must_use]
    pub fn offset(mut self, offset: u64) -> Self {
        self.offset = Some(offset);
        self
    }

    /// The page behind the one that gave this token; `None`: the first one of those that have tokens.
    #[must_use]
    pub fn after(mut self, token: Option<&str>) -> Self {
        self.after = Some(token.map_or(Value::Null, text));
        self
    }

    /// One more column, inside a document.
    #[must_use]
    pub fn path(mut self, segments: &[&str]) -> Self {
        let select = self.shape.select.iter().cloned();
        self.shape.select = select.chain(path(segments)).collect();
        self
    }

    /// The names of the columns that the answer has to have, in the order in which they were asked for; aggregates and what is computed last.
    #[must_use]
    pub fn wanted(&self) -> Vec<String> {
        let columns = self.shape.select.iter().map(|path| path.segments().join("."));
        let aggregates = self.shape.group.iter().flat_map(|group| &group.aggregates);
        let computed = self.shape.compute.iter().map(|computed| computed.name.clone());
        columns.chain(aggregates.map(|aggregate| aggregate.name.clone())).chain(computed).collect()
    }

    /// The request as it is sent.
    #[must_use]
    pub fn query(&self) -> (Query, Params) {
        let mut params: Params = self.values.iter().collect();
        let mut shape = self.shape.clone();
        shape.limit = params.push_row_count(self.limit);
        shape.offset = self.offset.map(|offset| params.push_row_count(offset));
        shape.after = self.after.as_ref().map(|after| params.push(after));
        (shape, params)
    }

    /// The same as a count: limit, offset, order and columns don't matter.
    #[must_use]
    pub fn count(&self) -> (Count, Params) {
        let Query { from, filter, need, hints, .. } = self.shape.clone();
        (Count { from, filter, need, hints }, self.values.iter().collect())
    }
}

/// A column.
#[must_use]
pub fn column(name: &str) -> Expr {
    Expr::Column(Path::column(name))
}

/// The way into a document; `None` for no segments.
#[must_use]
pub fn path(segments: &[&str]) -> Option<Path> {
    Path::nested(segments.iter().map(|segment| (*segment).to_owned()).collect())
}

/// A member inside a document.
#[must_use]
pub fn member(segments: &[&str]) -> Expr {
    path(segments).map_or_else(|| column(""), Expr::Column)
}

/// A column compared with the first value.
#[must_use]
pub fn compare(name: &str, op: CompareOp) -> Filter {
    compare_exprs(column(name), op, Expr::Param(0))
}

/// Two sides compared.
#[must_use]
pub fn compare_exprs(left: Expr, op: CompareOp, right: Expr) -> Filter {
    Filter::Compare { op, left, right }
}

/// A column equal to the value at this position.
#[must_use]
pub fn equals(name: &str, value: usize) -> Filter {
    compare_exprs(column(name), CompareOp::Eq, Expr::Param(value))
}

/// A column in the list that is the first value.
#[must_use]
pub fn in_list(name: &str) -> Filter {
    Filter::In { expr: column(name), list: 0 }
}

/// A column between the first two values.
#[must_use]
pub fn between(name: &str) -> Filter {
    Filter::Between { expr: column(name), low: Expr::Param(0), high: Expr::Param(1) }
}

/// A column searched for the first value.
#[must_use]
pub fn search(name: &str, op: TextOp) -> Filter {
    Filter::Text { op, expr: column(name), pattern: 0 }
}

/// A column that is null.
#[must_use]
pub fn is_null(name: &str) -> Filter {
    Filter::IsNull(column(name))
}

/// The opposite.
#[must_use]
pub fn not(filter: Filter) -> Filter {
    Filter::Not(Box::new(filter))
}

/// Two numbers combined.
#[must_use]
pub fn arithmetic(left: Expr, op: ArithmeticOp, right: Expr) -> Expr {
    Expr::Arithmetic { op, left: Box::new(left), right: Box::new(right) }
}

/// A function called.
#[must_use]
pub fn call(function: Function, args: &[Expr]) -> Expr {
    Expr::Call { function, args: args.to_vec() }
}

/// A text.
#[must_use]
pub fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}
