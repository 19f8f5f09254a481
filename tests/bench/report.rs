//! Medians and spreads, and the lines that people read.

use std::fmt;
use std::io::Write;

use serde::Serialize;

use crate::{Failure, inserts, measure, memory, start, watched};

/// Several runs of the same thing.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) lowest: f64,
    pub(crate) highest: f64,
}

impl Spread {
    pub(crate) fn of(values: Vec<f64>) -> Self {
        let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Self { median: median(values), lowest, highest }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} ({:.2} to {:.2})", self.median, self.lowest, self.highest)
    }
}

/// The value in the middle; of an even number the upper one.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Writes a line for the person who waits.
pub(crate) fn say(line: impl fmt::Display) -> Result<(), Failure> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}

/// A row of the table of requests, behind its heading where it is the first.
pub(crate) fn request_line(row: &measure::Row, is_first: bool) -> String {
    let measure::Row { store, title, body_bytes, .. } = row;
    let heading = if is_first {
        format!(
            "\n{store}: {title}, {body_bytes} bytes (requests per second; in brackets lowest and highest of the runs)\n\
             | connections | gateway | hand-written | ratio | CPU us gateway | CPU us hand-written | CPU ratio | fixed answer |\n\
             |---|---|---|---|---|---|---|---|\n"
        )
    } else {
        String::new()
    };
    format!(
        "{heading}| {} | {} | {} | {} | {:.0} | {:.0} | {} | {} |",
        row.connections,
        rate(row.gateway_per_second),
        rate(row.hand_written_per_second),
        row.ratio,
        row.gateway_cpu_us,
        row.hand_written_cpu_us,
        row.cpu_ratio,
        rate(row.fixed_per_second),
    )
}

fn rate(per_second: f64) -> String {
    if per_second < 100.0 { format!("{per_second:.2}") } else { format!("{per_second:.0}") }
}

/// A row of the table of new rows.
pub(crate) fn insert_line(row: &inserts::Row, is_first: bool) -> String {
    let heading = if is_first {
        "\nnew rows (rows per second and processor time per row; in brackets lowest and highest of the runs)\n\
         | rows in a request | bytes | gateway | hand-written | ratio | CPU us gateway | CPU us hand-written | CPU ratio |\n\
         |---|---|---|---|---|---|---|---|\n"
    } else {
        ""
    };
    format!(
        "{heading}| {} | {} | {} | {} | {} | {:.2} | {:.2} | {} |",
        row.rows_per_request,
        row.body_bytes,
        rate(row.gateway_per_second),
        rate(row.hand_written_per_second),
        row.ratio,
        row.gateway_cpu_us,
        row.hand_written_cpu_us,
        row.cpu_ratio,
    )
}

/// A row of the table of memory.
pub(crate) fn memory_line(row: &memory::Row, is_first: bool) -> String {
    let heading = if is_first {
        "\nexports at the same time, memory\n\
         | store | server | connections | idle MiB | added MiB | first bytes ms |\n|---|---|---|---|---|---|\n"
    } else {
        ""
    };
    let mib = |kib: u64| format!("{}.{}", kib / 1024, kib % 1024 * 10 / 1024);
    let memory::Row { store, server, connections, first_bytes_ms, .. } = row;
    format!(
        "{heading}| {store} | {server} | {connections} | {} | {} | {first_bytes_ms:.1} |",
        mib(row.idle_kib),
        mib(row.added_kib)
    )
}

/// A row of the table of ways to be watched.
pub(crate) fn watched_line(row: &watched::Row, is_first: bool) -> String {
    let heading = if is_first {
        "\nwatched (processor time of one row by key at 16 connections, beside a gateway that nobody watches)\n\
         | how | CPU us | not watched | ratio |\n|---|---|---|---|\n"
    } else {
        ""
    };
    let watched::Row { way, cpu_us, plain_cpu_us, cpu_ratio } = row;
    format!("{heading}| {way} | {cpu_us:.1} | {plain_cpu_us:.1} | {cpu_ratio} |")
}

/// A row of the table of starts.
pub(crate) fn start_line(row: &start::Row, is_first: bool) -> String {
    let heading = if is_first {
        "\nfrom start to the first answer\n| libraries | milliseconds |\n|---|---|\n"
    } else {
        ""
    };
    format!("{heading}| {} | {} |", row.libraries, row.milliseconds)
}
