//! A histogram of durations without a lock: the library's own takes one for each value.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::{MetricType, TypedMetric};

/// Upper ends of the buckets in microseconds, and as Prometheus is told them. Behind the last one there is one without end.
const BOUNDS: [(u64, f64); 8] = [
    (1_000, 0.001),
    (5_000, 0.005),
    (20_000, 0.02),
    (100_000, 0.1),
    (500_000, 0.5),
    (2_000_000, 2.0),
    (10_000_000, 10.0),
    (60_000_000, 60.0),
];

/// How many durations fell into each bucket, and their sum.
#[derive(Debug, Default)]
pub(super) struct Durations {
    counts: [AtomicU64; BOUNDS.len()],
    longer: AtomicU64,
    microseconds: AtomicU64,
}

impl Durations {
    pub(super) fn observe(&self, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let buckets = BOUNDS.iter().zip(&self.counts);
        let bucket = buckets.into_iter().find(|((bound, _), _)| took <= *bound);
        bucket.map_or(&self.longer, |(_, count)| count).fetch_add(1, Ordering::Relaxed);
        self.microseconds.fetch_add(took, Ordering::Relaxed);
    }
}

impl TypedMetric for Durations {
    const TYPE: MetricType = MetricType::Histogram;
}

impl EncodeMetric for Durations {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), fmt::Error> {
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed));
        let buckets: Vec<(f64, u64)> = BOUNDS.iter().map(|(_, bound)| *bound).zip(counts).collect();
        let count = buckets.iter().map(|(_, count)| count).sum::<u64>() + self.longer.load(Ordering::Relaxed);
        let sum = Duration::from_micros(self.microseconds.load(Ordering::Relaxed)).as_secs_f64();
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::prometheus_text::encode;
    use prometheus_client::registry::Registry;

    use super::*;

    #[test]
    fn a_duration_is_counted_in_every_bucket_that_reaches_so_far() {
        let durations = Durations::default();
        for milliseconds in [1, 3, 70_000] {
            durations.observe(Duration::from_millis(milliseconds));
        }
        let mut registry = Registry::default();
        registry.register("d", "D", durations);
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        let counted = |line: &str| assert!(text.lines().any(|known| known == line), "{line}\n{text}");
        counted("d_bucket{le=\"0.001\"} 1");
        counted("d_bucket{le=\"0.005\"} 2");
        counted("d_bucket{le=\"60\"} 2");
        counted("d_bucket{le=\"+Inf\"} 3");
        counted("d_sum 70.004");
        counted("d_count 3");
    }
}
