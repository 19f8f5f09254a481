//! Runs a store against the reference evaluator on random cases, and counts what was tried.

use std::collections::BTreeMap;

use connector_api::model::{Expr, Filter, Value};

use crate::generate::{Case, Profile, Random, RandomTable, case};
use crate::reference::{Reference, Truth, Undefined};

/// What a run shall do.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Decides every table and filter.
    pub seed: u64,
    /// Filters to try.
    pub cases: u64,
    /// What is generated.
    pub profile: Profile,
    /// What is right.
    pub reference: Reference,
}

/// A case on which store and reference disagree.
#[derive(Debug, Clone)]
pub struct Difference {
    /// The case, made as small as the difference allows.
    pub case: Case,
    /// Ids of the rows that match by the contract.
    pub expected: Vec<i64>,
    /// Ids that the store gave, or its error.
    pub found: Result<Vec<i64>, String>,
}

/// Runs a plan on one table until the first difference. `store` gives the ids of matching rows, in any order; it holds the rows of
/// `table`. Counts what was tried into `statistics`.
///
/// # Errors
/// The first difference, with the smallest filter that still shows it.
pub fn run(
    plan: &Plan,
    table: &RandomTable,
    statistics: &mut Statistics,
    mut store: impl FnMut(&Filter, &[Value]) -> Result<Vec<i64>, String>,
) -> Result<(), Box<Difference>> {
    let mut random = Random::new(plan.seed);
    for _ in 0..plan.cases {
        let case = case(&mut random, table, plan.profile);
        let Ok(truths) = truths(&plan.reference, &case.filter, &case.params, table) else {
            statistics.undefined += 1;
            continue;
        };
        statistics.record(&case, &truths);
        check(&plan.reference, (case, matching(&truths)), table, &mut store)?;
    }
    Ok(())
}

/// Runs one case, of which the matching rows are known.
///
/// # Errors
/// As [`run`].
pub fn check(
    reference: &Reference,
    (case, expected): (Case, Vec<i64>),
    table: &RandomTable,
    store: &mut impl FnMut(&Filter, &[Value]) -> Result<Vec<i64>, String>,
) -> Result<(), Box<Difference>> {
    match differs(case, expected, store) {
        Some(difference) => Err(Box::new(shrunk(reference, difference, table, store))),
        None => Ok(()),
    }
}

/// Ids of the rows that match by the reference: their places, from 1.
///
/// # Errors
/// What is undefined.
pub fn ids(
    reference: &Reference,
    filter: &Filter,
    params: &[Value],
    table: &RandomTable,
) -> Result<Vec<i64>, Undefined> {
    Ok(matching(&truths(reference, filter, params, table)?))
}

fn truths(
    reference: &Reference,
    filter: &Filter,
    params: &[Value],
    table: &RandomTable,
) -> Result<Vec<Truth>, Undefined> {
    table.rows().map(|row| reference.test(filter, params, row)).collect()
}

/// In ascending order, as the rows are.
fn matching(truths: &[Truth]) -> Vec<i64> {
    let matching = truths.iter().zip(1..).filter(|(truth, _)| **truth == Some(true));
    matching.map(|(_, id)| id).collect()
}

fn differs(
    case: Case,
    expected: Vec<i64>,
    store: &mut impl FnMut(&Filter, &[Value]) -> Result<Vec<i64>, String>,
) -> Option<Difference> {
    let mut found = store(&case.filter, &case.params);
    if let Ok(found) = &mut found {
        found.sort_unstable();
    }
    (found.as_ref() != Ok(&expected)).then_some(Difference { case, expected, found })
}

/// Goes down to a part of the filter as long as one still differs.
fn shrunk(
    reference: &Reference,
    mut smallest: Difference,
    table: &RandomTable,
    store: &mut impl FnMut(&Filter, &[Value]) -> Result<Vec<i64>, String>,
) -> Difference {
    loop {
        let smaller = smaller(&smallest.case.filter).into_iter().find_map(|filter| {
            let params = smallest.case.params.clone();
            let expected = ids(reference, &filter, &params, table).ok()?;
            differs(Case { filter, params }, expected, store)
        });
        match smaller {
            Some(smaller) => smallest = smaller,
            None => return smallest,
        }
    }
}

fn smaller(filter: &Filter) -> Vec<Filter> {
    match filter {
        Filter::Not(part) => {
            let below = smaller(part).into_iter().map(|part| Filter::Not(Box::new(part)));
            std::iter::once((**part).clone()).chain(below).collect()
        }
        Filter::And(parts) => smaller_parts(parts, Filter::And),
        Filter::Or(parts) => smaller_parts(parts, Filter::Or),
        _ => Vec::new(),
    }
}

/// Each part alone, then all parts but one, then one part made smaller.
fn smaller_parts(parts: &[Filter], join: impl Fn(Vec<Filter>) -> Filter) -> Vec<Filter> {
    let mut all = parts.to_vec();
    let with = |place: usize, replacement: Option<Filter>| {
        let kept = parts.iter().enumerate().filter(move |(at, _)| *at != place).map(|(_, part)| part.clone());
        join(kept.chain(replacement).collect())
    };
    for (place, part) in parts.iter().enumerate() {
        if parts.len() > 1 {
            all.push(with(place, None));
        }
        all.extend(smaller(part).into_iter().map(|part| with(place, Some(part))));
    }
    all
}

/// What a run has tried.
#[derive(Debug, Default)]
pub struct Statistics {
    /// Cases compared.
    pub cases: u64,
    /// Cases left out, because the contract does not say what comes out.
    pub undefined: u64,
    /// Cases with at least one matching row.
    pub non_empty: u64,
    /// Cases that match every row.
    pub full: u64,
    /// Cases that are unknown for at least one row.
    pub with_unknown: u64,
    /// Cases with a null among their literals.
    pub with_null_literal: u64,
    /// Cases by depth of the tree; a leaf has depth 1.
    pub depths: BTreeMap<usize, u64>,
    /// Nodes by name, for example `compare.eq`, `text.like`, `call.round`.
    pub nodes: BTreeMap<String, u64>,
}

/// Every node that a generator has to make, related rows apart.
pub const NODES: [&str; 34] = [
    "always",
    "and",
    "or",
    "not",
    "in",
    "between",
    "is_null",
    "column",
    "param",
    "compare.eq",
    "compare.ne",
    "compare.lt",
    "compare.le",
    "compare.gt",
    "compare.ge",
    "text.like",
    "text.ilike",
    "text.contains",
    "text.startswith",
    "text.endswith",
    "arithmetic.add",
    "arithmetic.sub",
    "arithmetic.mul",
    "arithmetic.div",
    "call.now",
    "call.currentdate",
    "call.lower",
    "call.upper",
    "call.trim",
    "call.length",
    "call.abs",
    "call.round",
    "call.coalesce",
    "call.text",
];

impl Statistics {
    /// Complaints about a run that was not worth much, empty for a good one: each node at least `least` times, three results in ten
    /// not empty, few of them full, trees of depth 4 and more, nulls met, hardly a case undefined.
    pub fn complaints(&self, least: u64) -> Vec<String> {
        let mut complaints: Vec<String> = NODES
            .iter()
            .map(|name| (name, self.nodes.get(*name).copied().unwrap_or(0)))
            .filter(|(_, count)| *count < least)
            .map(|(name, count)| format!("{name} was tried {count} times, expected {least}"))
            .collect();
        let deep: u64 = self.depths.range(4..).map(|(_, count)| count).sum();
        for (what, count, least_percent) in [
            ("results that are not empty", self.non_empty, 30),
            ("results without some row", self.cases - self.full.min(self.cases), 60),
            ("trees of depth 4 and more", deep, 30),
            ("cases unknown for some row", self.with_unknown, 30),
            ("cases with a null literal", self.with_null_literal, 10),
            ("defined cases", self.cases - self.undefined.min(self.cases), 99),
        ] {
            if count * 100 < self.cases * least_percent || self.cases == 0 {
                complaints
                    .push(format!("{what}: {count} of {}, expected {least_percent} percent", self.cases));
            }
        }
        complaints
    }

    /// Adds what another run has tried.
    pub fn add(&mut self, other: &Self) {
        self.cases += other.cases;
        self.undefined += other.undefined;
        self.non_empty += other.non_empty;
        self.full += other.full;
        self.with_unknown += other.with_unknown;
        self.with_null_literal += other.with_null_literal;
        for (depth, count) in &other.depths {
            *self.depths.entry(*depth).or_default() += count;
        }
        for (node, count) in &other.nodes {
            *self.nodes.entry(node.clone()).or_default() += count;
        }
    }

    fn record(&mut self, case: &Case, truths: &[Truth]) {
        self.cases += 1;
        self.non_empty += u64::from(truths.contains(&Some(true)));
        self.full += u64::from(truths.iter().all(|truth| *truth == Some(true)));
        self.with_unknown += u64::from(truths.contains(&None));
        self.with_null_literal += u64::from(case.params.iter().any(has_null));
        let depth = self.visit(&case.filter);
        *self.depths.entry(depth).or_default() += 1;
    }

    /// Counts the nodes below and gives the depth.
    fn visit(&mut self, filter: &Filter) -> usize {
        match filter {
            Filter::Always(_) => self.leaf("always", &[]),
            Filter::And(parts) => self.branch("and", parts),
            Filter::Or(parts) => self.branch("or", parts),
            Filter::Not(part) => self.branch("not", std::slice::from_ref(&**part)),
            Filter::Compare { op, left, right } => self.leaf(&format!("compare.{op:?}"), &[left, right]),
            Filter::In { expr, .. } => self.leaf("in", &[expr]),
            Filter::Between { expr, low, high } => self.leaf("between", &[expr, low, high]),
            Filter::Text { op, expr, .. } => self.leaf(&format!("text.{op:?}"), &[expr]),
            Filter::IsNull(expr) => self.leaf("is_null", &[expr]),
            Filter::RelatedExists { .. } => self.leaf("related_exists", &[]),
        }
    }

    fn branch(&mut self, name: &str, parts: &[Filter]) -> usize {
        self.count(name);
        1 + parts.iter().map(|part| self.visit(part)).max().unwrap_or(0)
    }

    fn leaf(&mut self, name: &str, exprs: &[&Expr]) -> usize {
        self.count(name);
        exprs.iter().for_each(|expr| self.visit_expr(expr));
        1
    }

    fn visit_expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Column(_) => self.count("column"),
            Expr::Param(_) => self.count("param"),
            Expr::Arithmetic { op, left, right } => {
                self.count(&format!("arithmetic.{op:?}"));
                self.visit_expr(left);
                self.visit_expr(right);
            }
            Expr::Call { function, args } => {
                self.count(&format!("call.{function:?}"));
                args.iter().for_each(|arg| self.visit_expr(arg));
            }
        }
    }

    fn count(&mut self, name: &str) {
        *self.nodes.entry(name.to_ascii_lowercase()).or_default() += 1;
    }
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::List(items) => items.iter().any(has_null),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
