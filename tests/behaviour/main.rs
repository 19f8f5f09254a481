//! The behaviour suite as `cargo test` runs it: every fixture, or those named in `ONLY` (`ONLY=memory,other`), each version of each, or one
//! (`ONLY=other:18`); then a table. A peer that can't be started fails the run, and so does one that runs no case.
//!
//! `cargo test --test behaviour -- order::` runs the cases whose name contains `order::`.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use conformance::peer::Peer;
use conformance::report::{End, Report, table};
use conformance::run::{CASE_TIME, run, unknown_deviations};
use conformance::{Case, cases, random, tables};
use tests::fixture::Fixture;
use tests::libraries::{clone_folder, library};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // The words that only libtest knows are of no use here.
    let filter = arguments.iter().find(|argument| !argument.starts_with('-')).cloned().unwrap_or_default();
    match all(&filter) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(what) => {
            say(&format!("error: {what}"));
            ExitCode::FAILURE
        }
    }
}

fn say(line: &str) {
    // A closed output is no reason to stop: the exit code tells.
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Runs the suite on each peer and says whether all went well.
fn all(filter: &str) -> Result<bool, String> {
    let began = Instant::now();
    let fixtures = chosen(Fixture::discover(&clone_folder().join("tests/fixtures"))?)?;
    let mut peers = Vec::new();
    for fixture in &fixtures {
        for version in &fixture.versions {
            let (version, report) = one(fixture, version, filter);
            peers.push((fixture.name.clone(), version, report));
        }
    }
    say(&format!("\n{}\n", table(&peers)));
    let (passed, failed) = peers.iter().fold((0, 0), |(passed, failed), (_, _, report)| {
        (passed + report.run() - report.failed, failed + report.failed)
    });
    let word = if failed == 0 { "ok" } else { "FAILED" };
    say(&format!(
        "test result: {word}. {passed} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out; finished in {:.2}s\n",
        began.elapsed().as_secs_f64()
    ));
    Ok(failed == 0)
}

/// The fixtures that are asked for, with the versions that are.
fn chosen(fixtures: Vec<Fixture>) -> Result<Vec<Fixture>, String> {
    let Ok(only) = std::env::var("ONLY") else { return Ok(fixtures) };
    let wanted: Vec<&str> = only.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    if wanted.is_empty() {
        return Ok(fixtures);
    }
    let is_wanted = |name: &str, version: &str| wanted.iter().any(|word| matches(word, name, version));
    let known = |word: &&str| {
        fixtures
            .iter()
            .any(|fixture| fixture.versions.iter().any(|version| matches(word, &fixture.name, version)))
    };
    if let Some(unknown) = wanted.iter().find(|word| !known(word)) {
        let names: Vec<&str> = fixtures.iter().map(|fixture| fixture.name.as_str()).collect();
        return Err(format!("ONLY names '{unknown}', expected some of {}", names.join(",")));
    }
    let reduced = |mut fixture: Fixture| {
        fixture.versions.retain(|version| is_wanted(&fixture.name, version));
        (!fixture.versions.is_empty()).then_some(fixture)
    };
    Ok(fixtures.into_iter().filter_map(reduced).collect())
}

/// Whether a word of `ONLY` means this version: the name of the fixture, or name and version.
fn matches(word: &str, name: &str, version: &str) -> bool {
    word.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.strip_prefix(':') == Some(version))
}

/// The version that ran, and what came of it.
fn one(fixture: &Fixture, version: &str, filter: &str) -> (String, Report) {
    let mut report = Report::default();
    let mut version = version.to_owned();
    if let Err(what) = on_peer(fixture, &mut version, filter, &mut report) {
        let end = End::Failed(what);
        tell(&fixture.name, &version, "the peer can be tested", &end);
        report.count(&end);
    }
    (version, report)
}

fn on_peer(fixture: &Fixture, version: &mut String, filter: &str, report: &mut Report) -> Result<(), String> {
    let library = library(&fixture.connector)?;
    let tables = tables::tables(&fixture.facts);
    let filling = [tables.clone(), random::stored(&fixture.facts, &fixture.quirks)].concat();
    let store = fixture.start(version, &filling)?;
    if let Some(running) = &store.version {
        version.clone_from(running);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("no runtime: {error}"))?;
    let (facts, quirks) = (fixture.facts.clone(), fixture.quirks.clone());
    let workers = std::thread::available_parallelism().map_or(2, usize::from).max(2);
    runtime.block_on(async {
        let peer = Peer::open(&library, store.config.clone(), (facts, quirks, tables), workers).await?;
        let unknown = unknown_deviations(&peer, &cases());
        if !unknown.is_empty() {
            return Err(format!("quirks.toml names no case: {}", unknown.join(", ")));
        }
        let told = |case: &Case, end: Option<&End>| {
            if let Some(end) = end {
                tell(&fixture.name, version, &case.name, end);
            }
        };
        *report = run(Arc::new(peer), cases(), (filter, CASE_TIME), told).await;
        if report.passed == 0 && filter.is_empty() {
            return Err("no case was run, though it is a declared peer".to_owned());
        }
        Ok(())
    })
}

fn tell(peer: &str, version: &str, case: &str, end: &End) {
    let word = match end {
        End::Passed => "ok".to_owned(),
        End::Refused => "ok (refused as declared)".to_owned(),
        End::Deviates(why) => format!("ok (known deviation: {why})"),
        End::Failed(what) => format!("FAILED\n    {what}"),
    };
    say(&format!("test {peer} {version} {case} ... {word}"));
}
