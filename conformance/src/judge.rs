//! Judges a library file: puts together what the other rooms do, for whoever has nothing but the file and a running store.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use connector_api::ErrorKind;
use connector_api::model::Capabilities;

use super::config::Config;
use super::facts::Facts;
use super::peer::{Peer, full};
use super::prepare::Prepared;
use super::quirks::Quirks;
use super::report::{ByCapability, End, Report};
use super::run::{CASE_TIME, asked, run, unknown_deviations};
use super::tables::{ITEM, Stored, tables};
use super::{Case, cases, existing, fill, library, random};

/// What is wanted beside the configuration.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Tables to read instead of those of the suite.
    pub tables: Vec<String>,
    /// Only cases whose name contains this.
    pub only: String,
    /// A case may take so long.
    pub case_time: Duration,
    /// Worker threads.
    pub workers: usize,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { tables: Vec::new(), only: String::new(), case_time: CASE_TIME, workers: 2 }
    }
}

/// What came of it.
#[derive(Debug)]
pub struct Judgement {
    /// What the service declares.
    pub declared: Capabilities,
    /// All cases together.
    pub report: Report,
    /// The cases by capability.
    pub by_capability: ByCapability,
    /// The name of each case that failed, and why.
    pub failures: Vec<(String, String)>,
    /// Whether the tables of the suite were there: without them no write is judged.
    pub is_prepared: bool,
    /// Tables that were not read, each with the reason.
    pub left_out: Vec<String>,
}

/// Every table that the suite needs in a store.
#[must_use]
pub fn needed(facts: &Facts, quirks: &Quirks) -> Vec<Stored> {
    [tables(facts), random::stored(facts, quirks)].concat()
}

/// Runs the suite on the tables that were prepared for it, or random requests on tables that are there already. `told` gets each case as
/// it begins, without an end, and as it ends, with its number and the number of cases.
///
/// # Errors
/// Why there is no judgement, and what to do: a mistake in the configuration, a library that is refused, a store that is not there.
pub async fn judge(
    library: &Path,
    config: &Config,
    wanted: &Wanted,
    mut told: impl FnMut(&Case, Option<&End>, (usize, usize)),
) -> Result<Judgement, String> {
    let is_prepared = config.prepare.is_some() && wanted.tables.is_empty();
    // The store is held until the end.
    let (peer, _store) = opened(library, config, is_prepared, wanted.workers.max(2)).await?;
    let (cases, left_out) = chosen(&peer, is_prepared, &wanted.tables).await?;
    let cases = asked(&peer, cases, &wanted.only);
    if cases.is_empty() {
        return Err(nothing_to_run(&wanted.only, &left_out));
    }
    let (declared, count) = (peer.service.capabilities().clone(), cases.len());
    let (mut by_capability, mut failures, mut number) = (ByCapability::default(), Vec::new(), 0);
    let report = run(Arc::new(peer), cases, ("", wanted.case_time), |case, end| {
        number += usize::from(end.is_none());
        if let Some(end) = end {
            by_capability.count(case, end);
        }
        if let Some(End::Failed(what)) = end {
            failures.push((case.name.clone(), what.clone()));
        }
        told(case, end, (number, count));
    });
    let report = report.await;
    Ok(Judgement { declared, report, by_capability, failures, is_prepared, left_out })
}

fn nothing_to_run(only: &str, left_out: &[String]) -> String {
    let why = if left_out.is_empty() { String::new() } else { format!(": {}", left_out.join("; ")) };
    match only {
        "" => format!("there is no case to run{why}"),
        only => format!("there is no case to run whose name contains '{only}'{why}"),
    }
}

/// A service of the library, on tables that were made for the suite if there shall be such.
async fn opened(
    library: &Path,
    config: &Config,
    is_prepared: bool,
    workers: usize,
) -> Result<(Peer, Option<Prepared>), String> {
    let Config { store: facts, quirks, prepare, .. } = config;
    let connector = library::load(library, workers)?;
    let service_type = library::service_type(&connector, &facts.service_type)?;
    let needed = if is_prepared { needed(facts, quirks) } else { Vec::new() };
    let version = prepare.as_ref().and_then(|prepare| prepare.version.as_deref());
    let program = config.program().filter(|_| is_prepared);
    let store = program.map(|program| program.start(version, &needed, facts)).transpose()?;
    let service = config.service(store.as_ref().map(|store| &store.config), &service_type.config_schema)?;
    let known = (facts.clone(), quirks.clone(), tables(facts));
    let peer = Peer::of(&connector, service, known, workers).await?;
    match (is_prepared, &store) {
        (false, _) => {}
        (true, None) => fill::fill(&peer, &needed).await?,
        (true, Some(_)) => made(&peer).await?,
    }
    Ok((peer, store))
}

/// Whether the program has made the tables where the connector looks for them: without them each case would fail for the same reason.
async fn made(peer: &Peer) -> Result<(), String> {
    match peer.rows(&peer.ask(ITEM, &["id"]).limit(1)).await {
        Err(error) if error.kind == ErrorKind::NotFound => Err(format!(
            "the program of [prepare] has answered, but the connector does not find the table '{}': {}; \
             it has to make the tables of FOLDER/tables.json, and `namespace` in [store] says where they are",
            peer.name(ITEM).name,
            full(&error)
        )),
        _ => Ok(()),
    }
}

/// The cases, and the tables that were left out.
async fn chosen(
    peer: &Peer,
    is_prepared: bool,
    names: &[String],
) -> Result<(Vec<Case>, Vec<String>), String> {
    if !is_prepared {
        let scan = existing::scan(peer, names).await?;
        return Ok((existing::cases(peer, &scan), scan.left_out));
    }
    let cases = cases();
    let unknown = unknown_deviations(peer, &cases);
    if unknown.is_empty() {
        Ok((cases, Vec::new()))
    } else {
        Err(format!("[[quirks.deviation]] names no case: {}", unknown.join(", ")))
    }
}
