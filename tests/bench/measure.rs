//! Requests per second and processor time per request of a scenario, gateway and hand-written server in turn.

use std::rc::Rc;
use std::time::Duration;

use serde::Serialize;

use crate::Failure;
use crate::load::{self, Request};
use crate::process::{Server, Servers};
use crate::report::{self, Spread, median, say};
use crate::scenario::{Scenario, Target};
use crate::store::Store;

/// Runs of each server; gateway and hand-written server take turns.
pub(crate) const RUNS: usize = 5;
pub(crate) const CONNECTIONS: [usize; 3] = [1, 16, 64];

/// One scenario at one number of connections. Rates and times are medians of the runs.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) store: String,
    pub(crate) scenario: &'static str,
    pub(crate) title: &'static str,
    pub(crate) connections: usize,
    pub(crate) body_bytes: usize,
    pub(crate) gateway_per_second: f64,
    pub(crate) hand_written_per_second: f64,
    /// A server that answers as many bytes from memory.
    pub(crate) fixed_per_second: f64,
    /// Gateway through hand-written, of runs that followed each other.
    pub(crate) ratio: Spread,
    pub(crate) gateway_cpu_us: f64,
    pub(crate) hand_written_cpu_us: f64,
    /// Hand-written through gateway, so that more is better here too.
    pub(crate) cpu_ratio: Spread,
}

/// One run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) per_second: f64,
    pub(crate) cpu_us: f64,
}

/// The same questions to each of the servers.
struct Questions {
    gateway: Rc<[Request]>,
    hand_written: Rc<[Request]>,
    fixed: Rc<[Request]>,
    body_bytes: usize,
}

/// Measures a scenario, after both servers have given the same bytes for each of its targets.
pub(crate) async fn scenario(
    scenario: &Scenario,
    store: &Store,
    servers: &Servers,
    time: Duration,
) -> Result<Vec<Row>, Failure> {
    let questions = questions(scenario, servers).await?;
    let mut rows = Vec::new();
    for connections in CONNECTIONS {
        let row = row(scenario, &questions, (store, servers), (connections, time)).await?;
        say(report::request_line(&row, rows.is_empty()))?;
        rows.push(row);
    }
    Ok(rows)
}

/// Asks both servers once for everything; the answers must be equal, byte for byte.
async fn questions(scenario: &Scenario, servers: &Servers) -> Result<Questions, Failure> {
    let (mut gateway, mut hand_written, mut fixed, mut total) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for target in &scenario.targets {
        let ours = answer(&servers.gateway, &target.gateway, target).await?;
        let theirs = answer(&servers.hand_written, &target.hand_written, target).await?;
        if ours != theirs {
            return Err(format!("{} and {} differ", target.gateway, target.hand_written).into());
        }
        gateway.push(request(&target.gateway, target, ours.len())?);
        hand_written.push(request(&target.hand_written, target, ours.len())?);
        fixed.push(Request::new(&format!("/{}", ours.len()), ours.len())?);
        total += ours.len();
    }
    let body_bytes = total / scenario.targets.len().max(1);
    Ok(Questions {
        gateway: gateway.into(),
        hand_written: hand_written.into(),
        fixed: fixed.into(),
        body_bytes,
    })
}

/// What a server answers for a target. The keys of new rows differ, so digits are left out there.
async fn answer(server: &Server, path: &str, target: &Target) -> Result<Vec<u8>, Failure> {
    let mut answer = load::answer(server.address(), &request(path, target, 0)?).await?;
    if target.body.is_some() {
        answer.retain(|byte| !byte.is_ascii_digit());
    }
    Ok(answer)
}

fn request(path: &str, target: &Target, length: usize) -> Result<Request, Failure> {
    match &target.body {
        Some(body) => Ok(Request::post(path, ("application/json", body), None)),
        None => Request::new(path, length),
    }
}

async fn row(
    scenario: &Scenario,
    questions: &Questions,
    (store, servers): (&Store, &Servers),
    (connections, time): (usize, Duration),
) -> Result<Row, Failure> {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        ours.push(run(&servers.gateway, &questions.gateway, connections, time).await?);
        theirs.push(run(&servers.hand_written, &questions.hand_written, connections, time).await?);
    }
    let fixed = run(&servers.fixed, &questions.fixed, connections, time).await?;
    let middle = |runs: &[Run], of: fn(&Run) -> f64| median(runs.iter().map(of).collect());
    let pairs = || ours.iter().zip(&theirs);
    Ok(Row {
        store: store.title.clone(),
        scenario: scenario.name,
        title: scenario.title,
        connections,
        body_bytes: questions.body_bytes,
        gateway_per_second: middle(&ours, |run| run.per_second),
        hand_written_per_second: middle(&theirs, |run| run.per_second),
        fixed_per_second: fixed.per_second,
        ratio: Spread::of(pairs().map(|(ours, theirs)| ours.per_second / theirs.per_second).collect()),
        gateway_cpu_us: middle(&ours, |run| run.cpu_us),
        hand_written_cpu_us: middle(&theirs, |run| run.cpu_us),
        cpu_ratio: Spread::of(pairs().map(|(ours, theirs)| theirs.cpu_us / ours.cpu_us).collect()),
    })
}

pub(crate) async fn run(
    server: &Server,
    requests: &Rc<[Request]>,
    connections: usize,
    time: Duration,
) -> Result<Run, Failure> {
    let times = [time / 4, time];
    let (load, [before, after]) =
        load::run(server.address(), (requests, connections), times, || server.cpu()).await?;
    if load.answers <= 0.0 {
        return Err("nothing was answered; is BENCH_SECONDS too short?".into());
    }
    Ok(Run {
        per_second: load.answers / load.time.as_secs_f64(),
        cpu_us: (after.saturating_sub(before)).as_secs_f64() * 1e6 / load.answers,
    })
}
