//! Random filters on tables that are there already: those that a service declares match what the reference says, the others are refused.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use connector_api::ErrorKind;
use connector_api::model::{Demanding as _, Demands, Filter, Value};
use tokio::runtime::Handle;
use tokio::sync::OnceCell;
use tokio::task::block_in_place;

use super::refusals::refusal;
use super::{Existing, places};
use crate::ask::Ask;
use crate::generate::{self, Profile, Random};
use crate::peer::{Peer, check_error};
use crate::property::{self, Difference};
use crate::random::told;
use crate::{Case, Outcome};

/// Filters that are made for a table, of which the fitting ones are kept.
const TRIES: usize = 4_000;
/// Filters of a table for each capability that is declared.
const FILTERS: usize = 60;
/// Filters of a table for each capability that is not.
const REFUSALS: usize = 5;

/// The capabilities that random filters demand, each as a case needs it.
const NEEDS: [(&str, &[&str]); 12] = [
    ("filter_compare", &["query", "filter_compare"]),
    ("filter_in", &["query", "filter_in"]),
    ("filter_between", &["query", "filter_between"]),
    ("filter_null", &["query", "filter_null"]),
    ("filter_like", &["query", "filter_like"]),
    ("filter_ilike", &["query", "filter_ilike"]),
    ("filter_text", &["query", "filter_text"]),
    ("filter_or", &["query", "filter_or"]),
    ("filter_not", &["query", "filter_not"]),
    ("filter_expressions", &["query", "filter_expressions"]),
    ("filter_paths", &["query", "filter_paths"]),
    ("open_columns", &["query", "open_columns"]),
];

/// A filter for a table, with the places of the rows that match.
struct Tried {
    on: Arc<Existing>,
    case: generate::Case,
    expected: Vec<i64>,
}

/// The capabilities that are to blame for a difference, and the first way in which it shows.
type Differences = BTreeMap<BTreeSet<&'static str>, String>;

/// What is asked.
#[derive(Default)]
struct Filters {
    /// Filters that demand what is declared.
    declared: Vec<Tried>,
    /// So many of them demand this.
    counts: BTreeMap<&'static str, usize>,
    /// By capability, filters that demand this and nothing else that is not declared.
    undeclared: BTreeMap<&'static str, Vec<Tried>>,
    /// What differs, found once for all cases.
    differences: OnceCell<Differences>,
}

/// A case for each capability for which a filter can be made.
pub(super) fn cases(peer: &Peer, tables: &[Arc<Existing>]) -> Vec<Case> {
    let mut filters = Filters::default();
    for (seed, table) in (0..).zip(tables) {
        filters.add(peer, table, seed);
    }
    let filters = Arc::new(filters);
    let case = |(flag, needs): (&'static str, &'static [&'static str])| {
        let (name, of_case) = (format!("existing::{flag}"), Arc::clone(&filters));
        if filters.counts.contains_key(flag) {
            return Some(Case::new(name, needs, move |peer| matching(peer, Arc::clone(&of_case), flag)));
        }
        let can_be_refused = filters.undeclared.contains_key(flag);
        can_be_refused.then(|| {
            Case::refusal(refusal(flag), flag, move |peer| refused(peer, Arc::clone(&of_case), flag))
        })
    };
    NEEDS.into_iter().filter_map(case).collect()
}

impl Filters {
    /// Makes filters for a table and keeps what each capability lacks.
    fn add(&mut self, peer: &Peer, on: &Arc<Existing>, seed: u64) {
        let profile = Profile { cross_kind: true, ..Profile::default() };
        let mut random = Random::new(seed);
        let mut of_table: HashMap<&'static str, usize> = HashMap::new();
        for _ in 0..TRIES {
            let case = generate::case(&mut random, &on.table, profile);
            let mut demands = demands(on, &case.filter);
            let (declared, missing): (Vec<_>, Vec<_>) =
                demands.capabilities.iter().copied().partition(|flag| peer.offers(flag));
            let (flags, most) = match missing.as_slice() {
                [] => (declared, FILTERS),
                [_] => (missing, REFUSALS),
                _ => continue,
            };
            demands.capabilities.clear();
            let is_enough = flags.iter().all(|flag| of_table.get(flag).is_some_and(|count| *count >= most));
            if is_enough || peer.service.capabilities().check(&demands).is_err() {
                continue;
            }
            let reference = peer.quirks.reference();
            let expected = property::ids(&reference, &case.filter, &case.params, &on.table);
            let Ok(expected) = expected else { continue };
            flags.iter().for_each(|flag| *of_table.entry(flag).or_default() += 1);
            self.keep(Tried { on: Arc::clone(on), case, expected }, &flags, most == FILTERS);
        }
    }

    fn keep(&mut self, tried: Tried, flags: &[&'static str], is_declared: bool) {
        if is_declared {
            flags.iter().for_each(|flag| *self.counts.entry(flag).or_default() += 1);
            self.declared.push(tried);
        } else if let [flag] = flags {
            self.undeclared.entry(flag).or_default().push(tried);
        }
    }

    /// Asks all filters.
    async fn compare(&self, peer: &Peer) -> Differences {
        let handle = Handle::current();
        let mut differences = Differences::new();
        for Tried { on, case, expected } in &self.declared {
            let mut store = |filter: &Filter, values: &[Value]| {
                block_in_place(|| handle.block_on(places(peer, on, on.sent(filter), values)))
            };
            let compared = (case.clone(), expected.clone());
            let checked = property::check(&peer.quirks.reference(), compared, &on.table, &mut store);
            if let Err(found) = checked {
                differences.entry(blamed(on, &found)).or_insert_with(|| told(&found, &on.name.name));
            }
        }
        differences
    }
}

/// What a filter demands, columns that no description names included.
fn demands(on: &Existing, filter: &Filter) -> Demands {
    let (shape, _) = Ask::new(on.name.clone(), &[]).filter(on.sent(filter), &[]).query();
    let mut demands = shape.demands();
    demands.capabilities.remove("query");
    demands.capabilities.extend(on.names_others(filter).then_some("open_columns"));
    demands
}

/// The capabilities of the outermost node of the smallest filter that differs: all below it is right.
fn blamed(on: &Existing, difference: &Difference) -> BTreeSet<&'static str> {
    match &difference.case.filter {
        Filter::Not(_) => BTreeSet::from(["filter_not"]),
        Filter::Or(_) => BTreeSet::from(["filter_or"]),
        filter => demands(on, filter).capabilities,
    }
}

async fn matching(peer: Arc<Peer>, filters: Arc<Filters>, flag: &'static str) -> Outcome {
    let differences = filters.differences.get_or_init(|| filters.compare(&peer)).await;
    let is_filter = |name: &&str| name.starts_with("filter_") || *name == "open_columns";
    // Where no filter is to blame, as for rows that come twice, each one would be wrong.
    let concerns = |blamed: &BTreeSet<&str>| blamed.contains(flag) || !blamed.iter().any(is_filter);
    match differences.iter().find(|(blamed, _)| concerns(blamed)) {
        Some((_, what)) => Err(what.clone()),
        None => Ok(()),
    }
}

async fn refused(peer: Arc<Peer>, filters: Arc<Filters>, flag: &'static str) -> Outcome {
    for Tried { on, case, .. } in filters.undeclared.get(flag).into_iter().flatten() {
        let ask = on.ask().filter(on.sent(&case.filter), &case.params);
        check_error(&on.name.name, peer.rows(&ask).await, ErrorKind::Unsupported)?;
    }
    Ok(())
}
