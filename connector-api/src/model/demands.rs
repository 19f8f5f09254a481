//! What a shape demands of a service, in the words of its capabilities: known from the shape alone, before any store is asked.

use std::collections::BTreeSet;

use super::{
    Begin, Call, Capabilities, ChangeSchema, Count, Delete, DescribeTables, Error, ErrorKind, Expr, Filter,
    Function, Insert, OnError, Order, Path, Query, Result, Selector, TextOp, Update, Upsert,
};

/// What a shape demands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Demands {
    /// Names of capabilities, as in [`Capabilities::FLAGS`].
    pub capabilities: BTreeSet<&'static str>,
    /// Depth of its deepest filter; a leaf has depth 1, no filter has depth 0.
    pub filter_depth: u32,
}

/// A shape that knows what it demands.
pub trait Demanding {
    /// What it demands of the service.
    fn demands(&self) -> Demands;
}

impl Capabilities {
    /// Whether all of it is declared.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] with the name of a capability that is not, [`ErrorKind::LimitExceeded`] for a filter that is too deep.
    pub fn check(&self, demands: &Demands) -> Result<()> {
        let declared = self.declared();
        if let Some(missing) = demands.capabilities.iter().find(|name| !declared.contains(name)) {
            return Err(Error::unsupported(format_args!("'{missing}'")).with_reason("not_declared"));
        }
        at_most("levels of a filter", self.max_filter_depth, demands.filter_depth)
    }

    /// Whether a call in a transaction may demand this: without savepoints it can't go on after a record that failed.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] when it may not.
    pub fn check_in_transaction(&self, demands: &Demands) -> Result<()> {
        if self.savepoints || !demands.capabilities.contains("on_error_continue") {
            return Ok(());
        }
        Err(Error::unsupported("'savepoints', and so 'continue' in a transaction,")
            .with_reason("not_declared"))
    }

    /// Whether a request may hold so many parameters, list items counted one by one, and so many records.
    ///
    /// # Errors
    /// [`ErrorKind::LimitExceeded`] when it may not.
    pub fn check_size(&self, parameters: u32, records: u32) -> Result<()> {
        at_most("values in one request", self.max_parameters, parameters)?;
        at_most("records in one request", self.max_records, records)
    }
}

fn at_most(what: &str, limit: Option<u32>, found: u32) -> Result<()> {
    match limit {
        Some(limit) if found > limit => {
            Err(Error::new(ErrorKind::LimitExceeded, format!("too many {what}: at most {limit} are allowed")))
        }
        _ => Ok(()),
    }
}

impl Demands {
    fn of(capability: &'static str) -> Self {
        Self { capabilities: BTreeSet::from([capability]), filter_depth: 0 }
    }

    fn when(mut self, is_demanded: bool, capability: &'static str) -> Self {
        self.capabilities.extend(is_demanded.then_some(capability));
        self
    }

    fn filter(mut self, filter: Option<&Filter>) -> Self {
        if let Some(filter) = filter {
            self.filter_depth = self.filter_depth.max(self.node(filter));
        }
        self
    }

    /// A row rule of a write.
    fn rule(self, filter: Option<&Filter>) -> Self {
        self.when(filter.is_some(), "row_rules").filter(filter)
    }

    fn paths<'p>(self, paths: impl IntoIterator<Item = &'p Path>) -> Self {
        let has_nested = paths.into_iter().any(|path| path.as_column().is_none());
        self.when(has_nested, "filter_paths")
    }

    fn order(self, order: &[Order]) -> Self {
        self.when(!order.is_empty(), "order")
            .when(order.iter().any(|column| column.nulls.is_some()), "order_nulls")
            .paths(order.iter().map(|column| &column.by))
    }

    fn on_error(self, on_error: OnError) -> Self {
        self.when(on_error == OnError::Continue, "on_error_continue")
            .when(on_error == OnError::Atomic, "on_error_atomic")
    }

    fn rows(self, rows: &Selector, (by_key, filtered): (&'static str, &'static str)) -> Self {
        match rows {
            Selector::Where(filter) => self.when(true, filtered).filter(Some(filter)),
            Selector::Keys { guard, .. } => self.when(true, by_key).rule(guard.as_ref()),
        }
    }

    /// Adds what a node and those below demand; gives the depth.
    fn node(&mut self, filter: &Filter) -> u32 {
        let (capability, exprs): (_, Vec<&Expr>) = match filter {
            Filter::Always(holds) => {
                // Whoever looks at no filter would give all rows.
                self.capabilities.extend((!holds).then_some("filter_compare"));
                return 1;
            }
            Filter::And(parts) => return self.deepest(parts),
            Filter::Or(parts) => {
                self.capabilities.insert("filter_or");
                return self.deepest(parts);
            }
            Filter::Not(part) => {
                self.capabilities.insert("filter_not");
                return self.node(part) + 1;
            }
            Filter::RelatedExists { filter, .. } => {
                self.capabilities.insert("filter_related");
                return self.node(filter) + 1;
            }
            Filter::Compare { left, right, .. } => ("filter_compare", vec![left, right]),
            Filter::In { expr, .. } => ("filter_in", vec![expr]),
            Filter::Between { expr, low, high } => ("filter_between", vec![expr, low, high]),
            Filter::Text { op: TextOp::Like, expr, .. } => ("filter_like", vec![expr]),
            Filter::Text { op: TextOp::Ilike, expr, .. } => ("filter_ilike", vec![expr]),
            Filter::Text { expr, .. } => ("filter_text", vec![expr]),
            Filter::IsNull(expr) => ("filter_null", vec![expr]),
        };
        self.capabilities.insert(capability);
        self.exprs(&exprs);
        1
    }

    fn deepest(&mut self, parts: &[Filter]) -> u32 {
        parts.iter().map(|part| self.node(part)).max().unwrap_or(0) + 1
    }

    /// One column compared with values demands nothing more; columns on both sides, arithmetic and functions do.
    fn exprs(&mut self, exprs: &[&Expr]) {
        let columns = exprs.iter().filter(|expr| matches!(expr, Expr::Column(_))).count();
        let is_plain = exprs.iter().all(|expr| matches!(expr, Expr::Column(_) | Expr::Param(_)));
        self.capabilities.extend((!is_plain || columns > 1).then_some("filter_expressions"));
        self.capabilities.extend(exprs.iter().any(|expr| has_path(expr)).then_some("filter_paths"));
        self.capabilities.extend(exprs.iter().any(|expr| has_concat(expr)).then_some("computed_columns"));
    }

    /// What the store computes, in a read or a write.
    fn computed<'e>(mut self, exprs: impl Iterator<Item = &'e Expr>, capability: &'static str) -> Self {
        for expr in exprs {
            self.capabilities.insert(capability);
            self.capabilities.extend(has_path(expr).then_some("filter_paths"));
            self.capabilities.extend(has_concat(expr).then_some("computed_columns"));
        }
        self
    }
}

fn has_concat(expr: &Expr) -> bool {
    match expr {
        Expr::Column(_) | Expr::Param(_) => false,
        Expr::Arithmetic { left, right, .. } => has_concat(left) || has_concat(right),
        Expr::Call { function, args } => *function == Function::Concat || args.iter().any(has_concat),
    }
}

fn has_path(expr: &Expr) -> bool {
    match expr {
        Expr::Column(path) => path.as_column().is_none(),
        Expr::Param(_) => false,
        Expr::Arithmetic { left, right, .. } => has_path(left) || has_path(right),
        Expr::Call { args, .. } => args.iter().any(has_path),
    }
}

impl Demanding for Query {
    fn demands(&self) -> Demands {
        let having = self.group.as_ref().and_then(|group| group.having.as_ref());
        Demands::of("query")
            .when(self.others, "open_columns")
            .when(self.distinct, "distinct")
            .when(self.group.is_some(), "aggregates")
            .when(self.offset.is_some(), "offset")
            .when(self.after.is_some(), "page_token")
            .paths(self.select.iter())
            .computed(self.compute.iter().map(|computed| &computed.value), "computed_columns")
            .order(&self.order)
            .filter(self.filter.as_ref())
            .filter(having)
    }
}

impl Demanding for Count {
    fn demands(&self) -> Demands {
        Demands::of("count").filter(self.filter.as_ref())
    }
}

impl Demanding for Insert {
    fn demands(&self) -> Demands {
        Demands::of("insert")
            .computed(self.compute.iter().map(|assigned| &assigned.value), "write_expressions")
            .when(!self.returning.is_empty(), "returning")
            .paths(&self.returning)
            .when(self.others, "open_columns")
            .on_error(self.on_error)
            .rule(self.check.as_ref())
    }
}

impl Demanding for Update {
    fn demands(&self) -> Demands {
        Demands::default()
            .rows(&self.rows, ("update_by_key", "update_where"))
            .computed(self.compute.iter().map(|assigned| &assigned.value), "write_expressions")
            .when(!self.returning.is_empty(), "returning")
            .paths(&self.returning)
            .when(self.others, "open_columns")
            .on_error(self.on_error)
            .rule(self.check.as_ref())
    }
}

impl Demanding for Upsert {
    fn demands(&self) -> Demands {
        Demands::of("upsert")
            .when(!self.returning.is_empty(), "returning")
            .paths(&self.returning)
            .when(self.others, "open_columns")
            .on_error(self.on_error)
            .rule(self.guard.as_ref())
            .rule(self.check.as_ref())
    }
}

impl Demanding for Delete {
    fn demands(&self) -> Demands {
        Demands::default()
            .rows(&self.rows, ("delete_by_key", "delete_where"))
            .when(!self.returning.is_empty(), "returning")
            .paths(&self.returning)
            .when(self.others, "open_columns")
            .on_error(self.on_error)
    }
}

macro_rules! demand_one {
    ($($shape:ident: $capability:expr;)*) => {
        $(impl Demanding for $shape {
            fn demands(&self) -> Demands {
                Demands::of($capability)
            }
        })*
    };
}
demand_one! {
    Call: "routines";
    ChangeSchema: "schema_changes";
    Begin: "transactions";
}

/// Every connector has a catalogue.
impl Demanding for DescribeTables {
    fn demands(&self) -> Demands {
        Demands::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check<S: Demanding + serde::de::DeserializeOwned>(
        shape: &serde_json::Value,
        depth: u32,
        expected: &[&'static str],
    ) {
        let demands = serde_json::from_value::<S>(shape.clone()).unwrap().demands();
        assert_eq!(
            (&demands.capabilities, demands.filter_depth),
            (&expected.iter().copied().collect(), depth)
        );
        assert!(demands.capabilities.iter().all(|name| Capabilities::FLAGS.contains(name)), "{shape}");
    }

    fn query(more: serde_json::Value) -> serde_json::Value {
        let mut query = json!({"from": {"name": "t"}, "select": [["a"]], "limit": 0});
        query.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        query
    }

    #[test]
    fn each_member_of_a_query_demands_its_capability() {
        for (more, demanded) in [
            (json!({}), &[][..]),
            (json!({"others": true}), &["open_columns"]),
            (json!({"distinct": true}), &["distinct"]),
            (json!({"group": {"by": [["a"]]}}), &["aggregates"]),
            (json!({"offset": 0}), &["offset"]),
            (json!({"after": 0}), &["page_token"]),
            (json!({"order": [{"by": ["a"], "direction": "asc"}]}), &["order"]),
            (
                json!({"order": [{"by": ["a"], "direction": "asc", "nulls": "last"}]}),
                &["order", "order_nulls"],
            ),
            (json!({"order": [{"by": ["a", "b"], "direction": "asc"}]}), &["order", "filter_paths"]),
            (json!({"select": [["a", "b"]]}), &["filter_paths"]),
            (json!({"compute": [{"name": "x", "value": {"column": ["a"]}}]}), &["computed_columns"]),
            (
                json!({"compute": [{"name": "x", "value": {"column": ["a", "b"]}}]}),
                &["computed_columns", "filter_paths"],
            ),
        ] {
            check::<Query>(&query(more), 0, &[&["query"], demanded].concat());
        }
        check::<Count>(&json!({"from": {"name": "t"}}), 0, &["count"]);
    }

    #[test]
    fn each_node_of_a_filter_demands_its_capability_and_counts_its_depth() {
        let (a, b, one) = (json!({"column": ["a"]}), json!({"column": ["b"]}), json!({"param": 0}));
        let sum = json!({"arithmetic": {"op": "add", "left": {"column": ["a", "b"]}, "right": one}});
        let both = json!({"call": {"function": "concat", "args": [a, b]}});
        let compare = |left: &serde_json::Value, right: &serde_json::Value| json!({"compare": {"op": "eq", "left": left, "right": right}});
        let text = |op: &str| json!({"text": {"op": op, "expr": a, "pattern": 0}});
        let always = json!({"always": true});
        for (filter, depth, demanded) in [
            (always.clone(), 1, &[][..]),
            (json!({"and": [always, {"and": [always]}]}), 3, &[]),
            (json!({"and": [always, {"always": false}]}), 2, &["filter_compare"]),
            (json!({"or": [always]}), 2, &["filter_or"]),
            (json!({"not": {"not": always}}), 3, &["filter_not"]),
            (compare(&a, &one), 1, &["filter_compare"]),
            (compare(&a, &b), 1, &["filter_compare", "filter_expressions"]),
            (compare(&sum, &one), 1, &["filter_compare", "filter_expressions", "filter_paths"]),
            (json!({"in": {"expr": a, "list": 0}}), 1, &["filter_in"]),
            (json!({"between": {"expr": a, "low": one, "high": one}}), 1, &["filter_between"]),
            (compare(&both, &one), 1, &["filter_compare", "filter_expressions", "computed_columns"]),
            (
                json!({"between": {"expr": a, "low": b, "high": one}}),
                1,
                &["filter_between", "filter_expressions"],
            ),
            (text("like"), 1, &["filter_like"]),
            (text("ilike"), 1, &["filter_ilike"]),
            (text("ends_with"), 1, &["filter_text"]),
            (json!({"is_null": a}), 1, &["filter_null"]),
            (
                json!({"related_exists": {"table": {"name": "t"}, "on": [[["a"], ["b"]]], "filter": always}}),
                2,
                &["filter_related"],
            ),
        ] {
            check::<Query>(&query(json!({"filter": filter})), depth, &[&["query"], demanded].concat());
        }
    }

    #[test]
    fn each_member_of_a_write_demands_its_capability() {
        let always = json!({"always": true});
        let insert = json!({
            "into": {"name": "t"}, "columns": [["a"]], "on_error": "atomic", "check": always, "returning": [["a"]], "others": true,
            "compute": [{"column": ["b"], "value": {"param": 0}}],
        });
        let demanded =
            ["insert", "write_expressions", "on_error_atomic", "row_rules", "returning", "open_columns"];
        check::<Insert>(&insert, 1, &demanded);
        let mut update = json!({"table": {"name": "t"}, "rows": {"where": always}, "set": [], "mode": "merge", "on_error": "stop"});
        check::<Update>(&update, 1, &["update_where"]);
        update["rows"] = json!({"keys": {"columns": [["a"]], "guard": {"not": always}}});
        check::<Update>(&update, 2, &["update_by_key", "row_rules", "filter_not"]);
        let upsert = json!({
            "into": {"name": "t"}, "columns": [["a"]], "key": [["a"]], "existing": "merge", "on_error": "continue",
            "guard": always,
        });
        check::<Upsert>(&upsert, 1, &["upsert", "row_rules", "on_error_continue"]);
        let delete =
            json!({"from": {"name": "t"}, "rows": {"keys": {"columns": [["a"]]}}, "on_error": "stop"});
        check::<Delete>(&delete, 0, &["delete_by_key"]);
        check::<Call>(
            &json!({"routine": {"name": "r"}, "kind": "function", "arguments": []}),
            0,
            &["routines"],
        );
        check::<ChangeSchema>(&json!({"changes": []}), 0, &["schema_changes"]);
        check::<Begin>(&json!({}), 0, &["transactions"]);
        check::<DescribeTables>(&json!({"tables": []}), 0, &[]);
    }

    #[test]
    fn going_on_in_a_transaction_needs_savepoints() {
        let without = Capabilities { on_error_continue: true, transactions: true, ..Capabilities::default() };
        let with = Capabilities { savepoints: true, ..without.clone() };
        let goes_on = Demands::of("insert").on_error(OnError::Continue);
        let error = without.check_in_transaction(&goes_on).unwrap_err();
        assert_eq!((error.kind, error.reason.as_deref()), (ErrorKind::Unsupported, Some("not_declared")));
        assert_eq!(with.check_in_transaction(&goes_on), Ok(()));
        for other in [OnError::Stop, OnError::Atomic] {
            assert_eq!(without.check_in_transaction(&Demands::of("insert").on_error(other)), Ok(()));
        }
    }

    #[test]
    fn what_is_not_declared_or_beyond_a_limit_is_an_error() {
        let can = Capabilities {
            query: true,
            max_filter_depth: Some(2),
            max_parameters: Some(4),
            ..Capabilities::default()
        };
        let error = |capabilities: &[&'static str], filter_depth| {
            let demands = Demands { capabilities: capabilities.iter().copied().collect(), filter_depth };
            can.check(&demands).err().map(|error| (error.kind, error.message))
        };
        assert_eq!(error(&["query"], 2), None);
        let unsupported = "'offset' is not supported by this connector".to_owned();
        assert_eq!(error(&["query", "offset"], 2), Some((ErrorKind::Unsupported, unsupported)));
        let too_deep = "too many levels of a filter: at most 2 are allowed".to_owned();
        assert_eq!(error(&["query"], 3), Some((ErrorKind::LimitExceeded, too_deep)));
        assert_eq!(can.check_size(4, 1000), Ok(()));
        assert_eq!(can.check_size(5, 0).unwrap_err().kind, ErrorKind::LimitExceeded);
    }
}
