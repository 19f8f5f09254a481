//! What came of a run, and the tables at its end.

use std::collections::BTreeMap;

use connector_api::model::Capabilities;

use super::Case;

/// How a case ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The rule holds.
    Passed,
    /// What is not declared was refused.
    Refused,
    /// It fails, as the store's quirks say.
    Deviates(String),
    /// It fails.
    Failed(String),
}

/// Numbers of one peer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Rules that hold for what is declared.
    pub passed: usize,
    /// Refusals of what is not declared.
    pub refused: usize,
    /// Rules that this store can't keep, by its quirks.
    pub deviating: usize,
    /// Everything else.
    pub failed: usize,
    /// Why cases were left that were not run, if so.
    pub over: Option<String>,
}

impl Report {
    /// Counts one end.
    pub fn count(&mut self, end: &End) {
        match end {
            End::Passed => self.passed += 1,
            End::Refused => self.refused += 1,
            End::Deviates(_) => self.deviating += 1,
            End::Failed(_) => self.failed += 1,
        }
    }

    /// All cases that were run.
    #[must_use]
    pub fn run(&self) -> usize {
        self.passed + self.refused + self.deviating + self.failed
    }
}

/// The table at the end, a line for each peer: its name, its version and its numbers.
#[must_use]
pub fn table(peers: &[(String, String, Report)]) -> String {
    let head = ["peer", "version", "cases run", "refused as declared", "known deviations", "failed"];
    let line = |(peer, version, report): &(String, String, Report)| {
        let numbers = [report.run(), report.refused, report.deviating, report.failed];
        [peer.clone(), version.clone()].into_iter().chain(numbers.map(|number| number.to_string())).collect()
    };
    aligned(head.map(str::to_owned).to_vec(), peers.iter().map(line))
}

/// The numbers of each capability. A case counts for every capability that it needs; for `query` only if it needs nothing else.
#[derive(Debug, Clone, Default)]
pub struct ByCapability(BTreeMap<String, Report>);

impl ByCapability {
    /// Counts one end.
    pub fn count(&mut self, case: &Case, end: &End) {
        for name in case.capabilities() {
            self.0.entry(name.to_owned()).or_default().count(end);
        }
    }

    /// A line for each capability and limit, those that are declared first; `declared` says which these are.
    #[must_use]
    pub fn table(&self, declared: &Capabilities) -> String {
        let names = [declared.declared(), declared.declared_limits()].concat();
        let is_other = |name: &&&str| !names.contains(name);
        let others = Capabilities::FLAGS.iter().filter(is_other).filter(|name| self.0.contains_key(**name));
        let line = |name: &str, is_declared: bool| {
            let report = self.0.get(name).cloned().unwrap_or_default();
            let numbers = [report.run(), report.passed, report.refused, report.deviating, report.failed];
            let verdict = match (report.failed, report.run()) {
                (1.., _) => "FAILED",
                (0, 0) => "not judged",
                _ => "ok",
            };
            let words = [name, if is_declared { "yes" } else { "no" }].map(str::to_owned);
            let numbers = numbers.map(|number| number.to_string());
            words.into_iter().chain(numbers).chain([verdict.to_owned()]).collect()
        };
        let head =
            ["capability", "declared", "cases run", "passed", "refused", "known deviations", "failed", ""];
        let lines = names.iter().map(|name| line(name, true)).chain(others.map(|name| line(name, false)));
        aligned(head.map(str::to_owned).to_vec(), lines)
    }
}

/// Lines of cells, each column as wide as its widest cell.
fn aligned(head: Vec<String>, lines: impl Iterator<Item = Vec<String>>) -> String {
    let lines: Vec<Vec<String>> = std::iter::once(head).chain(lines).collect();
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |at: usize| lines.iter().filter_map(|line| line.get(at)).map(String::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let padded = |line: &Vec<String>| {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join(" | ").trim_end().to_owned()
    };
    lines.iter().map(padded).collect::<Vec<_>>().join("\n")
}
