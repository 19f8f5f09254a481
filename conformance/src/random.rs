//! Random filters on random rows: the store against the reference evaluator. The tables are made from seeds, so that whoever fills the
//! store and whoever asks it make the same ones.

use std::sync::Arc;

use connector_api::model::{Column, ColumnType, Filter, Value};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::facts::Facts;
use super::peer::Peer;
use super::quirks::{ChoiceName, Quirks};
use super::tables::Stored;
use super::words::words;
use super::{Case, Outcome, holds};
use crate::generate::{Profile, Random, RandomTable};
use crate::property::{Difference, Plan, Statistics, run};
use crate::reference::{Bug, Reference};

/// Rows of each random table.
const ROWS: i64 = 20;
/// Filters on each random table.
const FILTERS: u64 = 400;
/// So many filters notice each planted bug. Fewer prove less of the suite, and as much of the connector.
pub(super) const MANY_FILTERS: u64 = 20_000;
/// Each node is tried at least once in so many filters.
const RAREST: u64 = 200;

pub(super) fn cases() -> Vec<Case> {
    const NEEDS: &[&str] = &[
        "query",
        "filter_compare",
        "filter_in",
        "filter_between",
        "filter_null",
        "filter_like",
        "filter_ilike",
        "filter_text",
        "filter_or",
        "filter_not",
        "filter_expressions",
    ];
    const NOTICING: &[&str] = &["store.many_random_filters", "filter_expressions"];
    vec![
        Case::new("random::filters_match_what_the_reference_says", NEEDS, matches_reference),
        Case::new("random::a_wrong_reference_is_noticed_for_each_operator", NOTICING, notices_bugs),
    ]
}

/// What is generated for a store.
fn profile(facts: &Facts, quirks: &Quirks) -> Profile {
    Profile {
        doubles: facts.has(ColumnType::Double),
        booleans: facts.has(ColumnType::Boolean),
        decimals: facts.has(ColumnType::Decimal),
        mixed: facts.has(ColumnType::Other),
        cross_kind: true,
        unicode_case: !quirks.has(ChoiceName::FoldsUnicode),
    }
}

/// Enough tables for the filters that the fixture wants, a few of which are undefined and don't count.
fn tables(facts: &Facts) -> u64 {
    (facts.random_filters + facts.random_filters / 50).div_ceil(FILTERS)
}

fn name(seed: u64) -> String {
    format!("random_{seed}")
}

fn table(seed: u64, profile: Profile) -> RandomTable {
    RandomTable::new(&mut Random::new(seed), profile, ROWS)
}

/// The random tables of a store.
#[must_use]
pub fn stored(facts: &Facts, quirks: &Quirks) -> Vec<Stored> {
    let stored = |seed| {
        let RandomTable { names, types, rows } = table(seed, profile(facts, quirks));
        let column = |(name, data_type): (String, ColumnType)| {
            let is_nullable = name != "id";
            Column { is_nullable, ..Column::new(name, data_type) }
        };
        Stored::new(&name(seed), names.into_iter().zip(types).map(column).collect(), rows)
    };
    (0..tables(facts)).map(stored).collect()
}

async fn matches_reference(peer: Arc<Peer>) -> Outcome {
    let mut runs = JoinSet::new();
    let handle = Handle::current();
    // As many at once as there are processors: the work is the reference's and the store's, not waiting.
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = u64::try_from(workers).unwrap_or(1);
    for worker in 0..workers {
        let (peer, handle) = (Arc::clone(&peer), handle.clone());
        runs.spawn_blocking(move || {
            let mut statistics = Statistics::default();
            for seed in (worker..tables(&peer.facts)).step_by(usize::try_from(workers).unwrap_or(1)) {
                on_one_table(&peer, &handle, (seed, None), &mut statistics)?;
            }
            Ok::<_, String>(statistics)
        });
    }
    let mut statistics = Statistics::default();
    while let Some(part) = runs.join_next().await {
        statistics.add(&part.map_err(|error| error.to_string())??);
    }
    judge(&statistics, peer.facts.random_filters)
}

/// A run that compared too little proves nothing.
fn judge(statistics: &Statistics, least: u64) -> Outcome {
    holds(statistics.cases >= least, || format!("{} filters compared, expected {least}", statistics.cases))?;
    let complaints = statistics.complaints(least / RAREST);
    holds(complaints.is_empty(), || complaints.join("; "))
}

/// The comparison is worth something only if it fails when one side is wrong. The store can't be made wrong, so the reference is.
async fn notices_bugs(peer: Arc<Peer>) -> Outcome {
    let handle = Handle::current();
    let work = move || {
        let is_noticed = |bug| {
            let mut statistics = Statistics::default();
            let mut seeds = 0..tables(&peer.facts);
            seeds.any(|seed| on_one_table(&peer, &handle, (seed, Some(bug)), &mut statistics).is_err())
        };
        Bug::ALL.iter().copied().filter(|bug| !is_noticed(*bug)).collect::<Vec<_>>()
    };
    let unnoticed = tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())?;
    holds(unnoticed.is_empty(), || format!("not noticed: {unnoticed:?}"))
}

fn on_one_table(
    peer: &Peer,
    handle: &Handle,
    (seed, bug): (u64, Option<Bug>),
    statistics: &mut Statistics,
) -> Outcome {
    let profile = profile(&peer.facts, &peer.quirks);
    let mut table = table(seed, profile);
    table.rows.iter_mut().flatten().for_each(|cell| *cell = peer.quirks.held(cell));
    let plan =
        Plan { seed, cases: FILTERS, profile, reference: Reference { bug, ..peer.quirks.reference() } };
    let name = name(seed);
    let ask =
        |filter: &Filter, values: &[Value]| handle.block_on(peer.matching(&name, filter.clone(), values));
    run(&plan, &table, statistics, ask).map_err(|difference| told(&difference, &name))
}

pub(super) fn told(difference: &Difference, table: &str) -> String {
    let Difference { case, expected, found } = difference;
    let found = match found {
        Ok(ids) => format!("{ids:?}"),
        Err(what) => what.clone(),
    };
    format!(
        "rows of {table} for which {}: expected {expected:?}, found {found}",
        words(&case.filter, &case.params)
    )
}
