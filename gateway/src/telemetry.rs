//! Set-up of tracing: where log lines go, their form, and a level that can be changed while the process runs.
//! What is logged is decided where it happens; nothing here knows an event, except that statements have a target.

use std::io::{self, IsTerminal};

use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    Registry, filter::Targets, fmt::MakeWriter, layer::SubscriberExt, registry::LookupSpan, reload,
};

use crate::settings::{LogFormat, Logging};

/// The target of statement log events, at level INFO; they are on only by `query_log`, whatever the level.
pub const QUERY_TARGET: &str = "tablegate::query";

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
    /// Takes over `level` and `query_log`; `format` stays as it was installed.
    ///
    /// # Errors
    /// When the subscriber is gone.
    pub fn apply(&self, logging: &Logging) -> Result<(), Error> {
        Ok(self.filter.reload(targets(logging))?)
    }
}

/// Sends the events of the whole process to the standard error stream.
///
/// # Errors
/// When a subscriber is already installed.
pub fn install(logging: &Logging) -> Result<Telemetry, Error> {
    let is_terminal = io::stderr().is_terminal();
    let (subscriber, telemetry) = subscriber(logging, io::stderr, is_terminal);
    tracing::subscriber::set_global_default(subscriber).map_err(|_| Error::AlreadyInstalled)?;
    Ok(telemetry)
}

/// The most verbose level that any target of the running subscriber has; connectors are told of it.
#[must_use]
pub fn max_level() -> LevelFilter {
    LevelFilter::current()
}

fn targets(logging: &Logging) -> Targets {
    let queries = if logging.query_log { LevelFilter::INFO } else { LevelFilter::OFF };
    Targets::new()
        .with_default(logging.level.general)
        .with_targets(logging.level.targets.iter().cloned())
        .with_target(QUERY_TARGET, queries)
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
