//! Set-up of tracing: where log lines go, their form, and a level that can be changed while the process runs.
//! What is logged is decided where it happens; nothing here knows an event, except that some have a target of their own.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    Registry, filter::Targets, fmt::MakeWriter, layer::SubscriberExt, registry::LookupSpan, reload,
};

use crate::settings::{LogFormat, Logging};

/// The target of statement log events, at level INFO; they are on only by `query_log`, whatever the level.
pub const QUERY_TARGET: &str = "tablegate::query";

/// The target of statements that took long, at level WARN; they are on only by `slow_statement`.
pub const SLOW_TARGET: &str = "tablegate::slow";
/// The target of the access log, at level INFO; it is on only by `access`.
pub const ACCESS_TARGET: &str = "tablegate::access";

/// From how many nanoseconds on a statement is slow; the largest number: none is. One for the process, as the log is.
static SLOW: AtomicU64 = AtomicU64::new(u64::MAX);

/// From when on a statement is slow; `None`: nobody wants to know.
#[must_use]
pub fn slow_statement() -> Option<Duration> {
    let limit = SLOW.load(Ordering::Relaxed);
    (limit != u64::MAX).then(|| Duration::from_nanos(limit))
}

/// Why telemetry could not be set up or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another part of the process has already installed a subscriber.
    #[error("logging is already set up in this process")]
    AlreadyInstalled,
    /// The subscriber is gone, or a thread panicked while it changed the level.
    #[error("the log level can't be changed: {0}")]
    Reload(#[from] reload::Error),
}

/// The running telemetry; cloning gives another handle on the same.
#[derive(Clone, Debug)]
pub struct Telemetry {
    filter: reload::Handle<Targets, Registry>,
}

impl Telemetry {
    /// Takes over everything but `format`, which stays as it was installed.
    ///
    /// # Errors
    /// When the subscriber is gone.
    pub fn apply(&self, logging: &Logging) -> Result<(), Error> {
        take_limit(logging);
        Ok(self.filter.reload(targets(logging))?)
    }
}

/// Sends the events of the whole process to the standard error stream.
///
/// # Errors
/// When a subscriber is already installed.
pub fn install(logging: &Logging) -> Result<Telemetry, Error> {
    let is_terminal = io::stderr().is_terminal();
    take_limit(logging);
    let (subscriber, telemetry) = subscriber(logging, io::stderr, is_terminal);
    tracing::subscriber::set_global_default(subscriber).map_err(|_| Error::AlreadyInstalled)?;
    Ok(telemetry)
}

/// The most verbose level that any target of the running subscriber has; connectors are told of it.
#[must_use]
pub fn max_level() -> LevelFilter {
    LevelFilter::current()
}

fn take_limit(logging: &Logging) {
    let nanoseconds = |limit: Duration| u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
    let limit = logging.slow_statement.map_or(u64::MAX, |limit| nanoseconds(limit.get()));
    SLOW.store(limit, Ordering::Relaxed);
}

fn targets(logging: &Logging) -> Targets {
    let on = |is_on: bool, level: LevelFilter| if is_on { level } else { LevelFilter::OFF };
    Targets::new()
        .with_default(logging.level.general)
        .with_targets(logging.level.targets.iter().cloned())
        .with_target(QUERY_TARGET, on(logging.query_log, LevelFilter::INFO))
        .with_target(SLOW_TARGET, on(logging.slow_statement.is_some(), LevelFilter::WARN))
        .with_target(ACCESS_TARGET, on(logging.access, LevelFilter::INFO))
}

fn subscriber<W>(
    logging: &Logging,
    writer: W,
    has_colour: bool,
) -> (Box<dyn Subscriber + Send + Sync>, Telemetry)
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let (filter, handle) = reload::Layer::new(targets(logging));
    let filtered = Registry::default().with(filter);
    let telemetry = Telemetry { filter: handle };
    (formatted(filtered, logging.format, writer, has_colour), telemetry)
}

fn formatted<S, W>(
    filtered: S,
    format: LogFormat,
    writer: W,
    has_colour: bool,
) -> Box<dyn Subscriber + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync + 'static,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(writer).with_ansi(has_colour);
    match format {
        LogFormat::Text => Box::new(filtered.with(layer)),
        LogFormat::Json => Box::new(filtered.with(layer.json().flatten_event(true).with_ansi(false))),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::{debug, info, subscriber::with_default, trace};

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Sink {
        /// What was written since the last call.
        fn take(&self) -> String {
            String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
        }
    }

    fn logging(level: &str, format: LogFormat, query_log: bool) -> Logging {
        Logging { level: level.parse().unwrap(), format, query_log, ..Logging::default() }
    }

    fn running(logging: &Logging) -> (Box<dyn Subscriber + Send + Sync>, Telemetry, Sink) {
        let sink = Sink::default();
        let writer = sink.clone();
        let (subscriber, telemetry) = subscriber(logging, move || writer.clone(), false);
        (subscriber, telemetry, sink)
    }

    #[test]
    fn json_is_one_object_a_line() {
        let (subscriber, _telemetry, sink) = running(&logging("info", LogFormat::Json, false));
        with_default(subscriber, || {
            info!(rows = 3, "first\nline");
            info!("second");
        });
        let text = sink.take();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!((&lines[0]["rows"], &lines[0]["message"]), (&3.into(), &"first\nline".into()));
        assert_eq!(lines[1]["level"], "INFO");
    }

    // One test for everything that changes the level: the cache of call sites belongs to the whole process.
    #[test]
    fn the_level_changes_at_run_time_and_statements_follow_query_log_alone() {
        let (subscriber, telemetry, sink) = running(&logging("info", LogFormat::Text, false));
        with_default(subscriber, || {
            let emit = || {
                info!("plain");
                debug!("detail");
                debug!(target: "room", "of one room");
                info!(target: QUERY_TARGET, "select");
                trace!("noise");
                let text = sink.take();
                ["plain", "detail", "of one room", "select", "noise"].map(|word| text.contains(word))
            };
            assert_eq!(emit(), [true, false, false, false, false]);
            telemetry.apply(&logging("debug", LogFormat::Text, false)).unwrap();
            assert_eq!(emit(), [true, true, true, false, false]);
            assert!(max_level() >= LevelFilter::DEBUG);
            telemetry.apply(&logging("error", LogFormat::Text, true)).unwrap();
            assert_eq!(emit(), [false, false, false, true, false]);
            telemetry
                .apply(&logging("warn,room=debug,tablegate::query=trace", LogFormat::Text, false))
                .unwrap();
            assert_eq!(emit(), [false, false, true, false, false]);
        });
    }
}
