//! What is counted while the gateway runs, and the text that tells it to Prometheus. The number of series is bounded whatever is asked:
//! names come from the configuration and the catalogue, never from a request, and past `MOST_SERIES` they are `other`.

mod durations;
mod process;
mod state;

use std::fmt;
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use prometheus_client::encoding::{EncodeLabelSet, prometheus_text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use self::durations::Durations;
use self::process::Process;
use self::state::State;
use crate::snapshot::Snapshot;

/// The most series of one family; what comes later is counted as [`OTHER`].
const MOST_SERIES: usize = 2000;

/// A label that is not there.
static NONE: LazyLock<Arc<str>> = LazyLock::new(|| Arc::from(""));
/// Stands for all names for which there is no room.
static OTHER: LazyLock<Arc<str>> = LazyLock::new(|| Arc::from("other"));

/// All that is counted by the process itself. What a snapshot knows is added when it is asked for.
#[derive(Debug, Default)]
pub struct Metrics {
    requests: Bounded<Asked, Counter>,
    durations: Bounded<ByVerb, Durations>,
    sent: Bounded<ByService, Counter>,
    running: Gauge,
}

/// What a request is counted by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Asked {
    /// The configured name; empty: none that is configured.
    service: Arc<str>,
    /// As the catalogue has it; empty: it is about no table, or about none that exists.
    table: Arc<str>,
    /// Empty: none that is known.
    verb: &'static str,
    status: u16,
}

impl Asked {
    /// A request that was answered with this status.
    pub fn new(
        service: Option<&Arc<str>>,
        table: Option<&Arc<str>>,
        verb: &'static str,
        status: u16,
    ) -> Self {
        let or_none = |name: Option<&Arc<str>>| Arc::clone(name.unwrap_or(&NONE));
        Self { service: or_none(service), table: or_none(table), verb, status }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByVerb {
    service: Arc<str>,
    verb: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByService {
    service: Arc<str>,
}

/// One of the requests that run. Dropped, it does so no more.
#[derive(Debug)]
pub struct Running(Gauge);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    /// Nothing was counted yet. To be made when the process begins, which is one of the things that are told.
    pub fn new() -> Self {
        process::began();
        Self::default()
    }

    /// A request begins.
    pub fn begins(&self) -> Running {
        self.running.inc();
        Running(self.running.clone())
    }

    /// A request was answered; gives where the bytes of its answer are counted.
    pub fn answered(&self, asked: &Asked, took: Duration) -> Counter {
        let (service, verb) = (Arc::clone(&asked.service), asked.verb);
        let others = || Asked { service: OTHER.clone(), table: OTHER.clone(), ..asked.clone() };
        self.requests.with(asked, others, |requests| requests.inc());
        let by_verb = ByVerb { service: Arc::clone(&service), verb };
        let others = || ByVerb { service: OTHER.clone(), verb };
        self.durations.with(&by_verb, others, |durations| durations.observe(took));
        let others = || ByService { service: OTHER.clone() };
        self.sent.with(&ByService { service }, others, Counter::clone)
    }

    /// All of it, and what the snapshot in force knows, in the text format of Prometheus.
    ///
    /// # Errors
    /// None that is known: text is written into memory.
    pub fn text(&self, snapshot: &Arc<ArcSwap<Snapshot>>) -> Result<String, fmt::Error> {
        let mut root = Registry::default();
        root.register_collector(Box::new(Process::now()));
        let registry = root.sub_registry_with_prefix("tablegate");
        let contract = connector_api::abi::Stamp::new(true).api_version().to_owned();
        let build = [("version", env!("CARGO_PKG_VERSION").to_owned()), ("contract", contract)];
        let build = prometheus_client::metrics::info::Info::new(build.to_vec());
        registry.register("build", "This gateway and the contract that it speaks", build);
        registry.register("requests", "Requests that were answered", self.requests.family.clone());
        let help = "From the head of a request to the begin of its answer";
        registry.register_with_unit("request_duration", help, Unit::Seconds, self.durations.family.clone());
        let help = "Bytes of bodies of answers, as they were sent";
        registry.register_with_unit("sent", help, Unit::Bytes, self.sent.family.clone());
        registry.register("requests_running", "Requests and streams that run", self.running.clone());
        registry.register_collector(Box::new(State::of(&snapshot.load())));
        let mut text = String::with_capacity(16 * 1024);
        prometheus_text::encode(&mut text, &root)?;
        Ok(text)
    }
}

/// A family with at most [`MOST_SERIES`] series, and a few for the others.
#[derive(Debug)]
struct Bounded<S, M> {
    family: Family<S, M>,
    made: AtomicUsize,
}

impl<S: Clone + Hash + Eq, M: Default> Default for Bounded<S, M> {
    fn default() -> Self {
        Self { family: Family::default(), made: AtomicUsize::new(0) }
    }
}

impl<S: Clone + Hash + Eq, M: Default> Bounded<S, M> {
    /// Uses the series with these labels, or that of the others where there is no room for a new one.
    fn with<R>(&self, labels: &S, others: impl FnOnce() -> S, count: impl FnOnce(&M) -> R) -> R {
        if let Some(known) = self.family.get(labels) {
            return count(&known);
        }
        // Of two at once that make the same one each takes room: then there is one less.
        let has_room = self.made.fetch_add(1, Ordering::Relaxed) < MOST_SERIES;
        if has_room {
            return count(&self.family.get_or_create(labels));
        }
        self.made.store(MOST_SERIES, Ordering::Relaxed);
        count(&self.family.get_or_create(&others()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_without_end_make_no_series_without_end() {
        let metrics = Metrics::default();
        for number in 0..3 * MOST_SERIES {
            let name = Arc::from(format!("t{number}"));
            let asked = Asked::new(Some(&name), Some(&name), "GET", 200);
            metrics.answered(&asked, Duration::from_millis(1)).inc_by(7);
        }
        let others = Asked { service: OTHER.clone(), table: OTHER.clone(), verb: "GET", status: 200 };
        assert_eq!(metrics.requests.family.get_or_create(&others).get(), 2 * MOST_SERIES as u64);
        let mut registry = Registry::default();
        registry.register("requests", "Requests", metrics.requests.family.clone());
        registry.register("sent", "Bytes", metrics.sent.family.clone());
        let mut text = String::new();
        prometheus_text::encode(&mut text, &registry).unwrap();
        let count = |family: &str| text.lines().filter(|line| line.starts_with(family)).count();
        assert_eq!((count("requests_total{"), count("sent_total{")), (MOST_SERIES + 1, MOST_SERIES + 1));
    }

    #[test]
    fn a_request_runs_until_it_is_dropped() {
        let metrics = Metrics::default();
        let (first, second) = (metrics.begins(), metrics.begins());
        assert_eq!(metrics.running.get(), 2);
        drop(first);
        assert_eq!(metrics.running.get(), 1);
        drop(second);
        assert_eq!(metrics.running.get(), 0);
    }
}
