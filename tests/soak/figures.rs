//! What the system knows of the gateway's processes, second by second, and how far it may grow.

use std::fmt::Write as _;
use std::fs;
use std::io;

/// What is measured, and by how much it may be more at the end than at the beginning. Bounds are for the whole run, so that a longer one
/// finds a smaller leak.
/// That of memory leaves room for what the allocator keeps in pieces: uploads that break off cost some KiB of it each time, although nothing of
/// them is left (as valgrind says).
pub(crate) const FIGURES: [(&str, f64); 5] = [
    ("memory (KiB)", 32.0 * 1024.0),
    ("memory of connectors' processes (KiB)", 8.0 * 1024.0),
    ("open files", 24.0),
    ("threads", 8.0),
    ("processes", 0.0),
];

/// One measurement of all figures, in their order.
pub(crate) type Sample = [f64; 5];

/// Measures the gateway and its child processes now.
pub(crate) fn sample(gateway: u32) -> io::Result<Sample> {
    let children = children(gateway)?;
    let [memory, threads, files] = process(gateway)?;
    let mut sample = [memory, 0.0, files, threads, 1.0];
    for child in children {
        // It may have ended since.
        let Ok([memory, threads, files]) = process(child) else { continue };
        let [_, apart, all_files, all_threads, count] = &mut sample;
        *apart += memory;
        *all_files += files;
        *all_threads += threads;
        *count += 1.0;
    }
    Ok(sample)
}

fn children(parent: u32) -> io::Result<Vec<u32>> {
    let mut found = Vec::new();
    for task in fs::read_dir(format!("/proc/{parent}/task"))? {
        let children = fs::read_to_string(task?.path().join("children")).unwrap_or_default();
        found.extend(children.split_whitespace().filter_map(|id| id.parse::<u32>().ok()));
    }
    Ok(found)
}

fn process(id: u32) -> io::Result<[f64; 3]> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let figure = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
    };
    let files = u32::try_from(fs::read_dir(format!("/proc/{id}/fd"))?.count()).map_err(io::Error::other)?;
    Ok([figure("VmRSS:"), figure("Threads:"), f64::from(files)])
}

/// How a figure went.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Course {
    start: f64,
    end: f64,
    /// By the minute.
    slope: f64,
}

impl Course {
    /// Of measurements a second apart. The first quarter is left out: pools fill and memory is fetched then.
    pub(crate) fn of(values: &[f64]) -> Self {
        let settled = &values[values.len() / 4..];
        let part = (settled.len() / 5).max(1);
        Self {
            start: median(&settled[..part]),
            end: median(&settled[settled.len() - part..]),
            slope: slope(settled) * 60.0,
        }
    }

    fn is_within(self, bound: f64) -> bool {
        self.end - self.start <= bound
    }
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Of the line that is nearest to all of them.
fn slope(values: &[f64]) -> f64 {
    let count = f64::from(u32::try_from(values.len()).unwrap());
    let (middle, mean) = ((count - 1.0) / 2.0, values.iter().sum::<f64>() / count);
    let places = (0..).map(f64::from);
    let (along, square) = values.iter().zip(places).fold((0.0, 0.0), |(along, square), (value, place)| {
        let from_middle: f64 = place - middle;
        (along + from_middle * (value - mean), square + from_middle * from_middle)
    });
    if square > 0.0 { along / square } else { 0.0 }
}

/// A table of all figures, and the names of those that grew too far.
pub(crate) fn table(samples: &[Sample]) -> (String, Vec<&'static str>) {
    let (mut table, mut grown) = (String::new(), Vec::new());
    let _ =
        writeln!(table, "{:<40}{:>10}{:>10}{:>14}{:>14}", "", "start", "end", "slope/minute", "may grow by");
    for (place, (name, bound)) in FIGURES.into_iter().enumerate() {
        let values: Vec<f64> = samples.iter().map(|sample| sample[place]).collect();
        let course = Course::of(&values);
        let Course { start, end, slope } = course;
        let _ = writeln!(table, "{name:<40}{start:>10.0}{end:>10.0}{slope:>14.2}{bound:>14.0}");
        if !course.is_within(bound) {
            grown.push(name);
        }
    }
    (table, grown)
}

#[test]
fn a_figure_that_grows_too_far_is_named() {
    let rising = |by: f64| -> Vec<Sample> {
        (0..180).map(|second| [1000.0, 0.0, 20.0 + by * f64::from(second) / 60.0, 9.0, 2.0]).collect()
    };
    assert_eq!(table(&rising(0.0)).1, [""; 0]);
    assert_eq!(table(&rising(60.0)).1, ["open files"]);
    let values: Vec<f64> = rising(60.0).iter().map(|sample| sample[2]).collect();
    let course = Course::of(&values);
    assert!((course.slope - 60.0).abs() < 0.001, "{course:?}");
}

#[test]
fn a_moment_of_more_is_no_growth() {
    let mut values = vec![10.0; 100];
    values[90] = 10_000.0;
    assert!(Course::of(&values).is_within(0.0));
}
