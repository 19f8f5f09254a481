//! Judges a library file: puts together what the other rooms do, for whoever has nothing but the file and a running store.

use std::path::Path;
use std::sync::Arc;

use connector_api::model::Capabilities;
use serde_json::Value as Json;

use super::config::Config;
use super::facts::Facts;
use super::peer::Peer;
use super::quirks::Quirks;
use super::report::{ByCapability, End, Report};
use super::run::{asked, run, unknown_deviations};
use super::tables::{Stored, tables};
use super::{Case, cases, existing, fill, random};

/// What is wanted beside the configuration.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Tables to read instead of those of the suite.
    pub tables: Vec<String>,
    /// Only cases whose name contains this.
    pub only: String,
    /// Worker threads.
    pub workers: usize,
}

/// Why a library was not judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unjudged {
    /// What was asked for can't be done: a mistake in the configuration, tables that are missing.
    Asked(String),
    /// The library is refused, or does not open a service.
    Library(String),
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
/// it ends, with its number and the number of cases.
///
/// # Errors
/// Why there is no judgement.
pub async fn judge(
    library: &Path,
    config: &Config,
    wanted: &Wanted,
    mut told: impl FnMut(&Case, &End, (usize, usize)),
) -> Result<Judgement, Unjudged> {
    if !library.is_file() {
        return Err(Unjudged::Asked(format!("there is no file {}", library.display())));
    }
    let Config { store: facts, quirks, prepare, .. } = config;
    let is_prepared = prepare.is_some() && wanted.tables.is_empty();
    let needed = if is_prepared { needed(facts, quirks) } else { Vec::new() };
    let version = prepare.as_ref().and_then(|prepare| prepare.version.as_deref());
    let program = config.program().filter(|_| is_prepared);
    // Holds the store until the end.
    let store =
        program.map(|program| program.start(version, &needed, facts)).transpose().map_err(Unjudged::Asked)?;
    let mut service = config.config.clone();
    if let Some(Json::Object(members)) = store.as_ref().map(|store| store.config.clone()) {
        service.extend(members);
    }
    let known = (facts.clone(), quirks.clone(), tables(facts));
    let peer = Peer::open(library, Json::Object(service), known, wanted.workers.max(2)).await;
    let peer = peer.map_err(Unjudged::Library)?;
    if is_prepared && store.is_none() {
        fill::fill(&peer, &needed).await.map_err(Unjudged::Asked)?;
    }
    let (cases, left_out) = chosen(&peer, is_prepared, &wanted.tables).await.map_err(Unjudged::Asked)?;
    let cases = asked(&peer, cases, &wanted.only);
    if cases.is_empty() {
        let why = if left_out.is_empty() { String::new() } else { format!(": {}", left_out.join("; ")) };
        return Err(Unjudged::Asked(format!("there is no case to run{why}")));
    }
    let (declared, count) = (peer.service.capabilities().clone(), cases.len());
    let (mut by_capability, mut failures, mut number) = (ByCapability::default(), Vec::new(), 0);
    let report = run(Arc::new(peer), cases, "", |case, end| {
        number += 1;
        by_capability.count(case, end);
        if let End::Failed(what) = end {
            failures.push((case.name.clone(), what.clone()));
        }
        told(case, end, (number, count));
    });
    let report = report.await;
    Ok(Judgement { declared, report, by_capability, failures, is_prepared, left_out })
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
