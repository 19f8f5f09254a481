//! What came of a run, and the table at its end.

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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    /// Rules that hold for what is declared.
    pub passed: usize,
    /// Refusals of what is not declared.
    pub refused: usize,
    /// Rules that this store can't keep, by its quirks.
    pub deviating: usize,
    /// Everything else.
    pub failed: usize,
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
    let numbers = |report: &Report| [report.run(), report.refused, report.deviating, report.failed];
    let line = |(peer, version, report): &(String, String, Report)| {
        let [run, refused, deviating, failed] = numbers(report).map(|number| number.to_string());
        [peer.clone(), version.clone(), run, refused, deviating, failed]
    };
    let lines: Vec<[String; 6]> =
        std::iter::once(head.map(str::to_owned)).chain(peers.iter().map(line)).collect();
    let mut widths = [0; 6];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = cell.len().max(*width);
        }
    }
    let padded = |line: &[String; 6]| {
        let cells = line.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join(" | ").trim_end().to_owned()
    };
    lines.iter().map(padded).collect::<Vec<_>>().join("\n")
}
