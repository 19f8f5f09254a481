//! Carries `tracing` events and panics of this library to the gateway's log.
#![allow(unsafe_code, reason = "the gateway's log function is called through its pointer")]

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Map, Value as Json};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber, span};

use crate::abi::{HostApi, Slice};

static HOST: OnceLock<HostApi> = OnceLock::new();
static LEVEL: AtomicU32 = AtomicU32::new(0);

/// Starts the bridge. A library has one gateway, so only the first call counts.
pub(super) fn install(host: HostApi, level: u32) {
    if HOST.set(host).is_ok() {
        // Fails only when the connector has set a subscriber of its own; then its events are its own matter.
        let _ = tracing::subscriber::set_global_default(Bridge);
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            let payload = panic.payload();
            let text = payload
                .downcast_ref::<&str>()
                .copied()
                .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
            send(
                Level::ERROR,
                "panic",
                &fields(&[
                    ("message", "the connector panicked"),
                    ("place", &place),
                    ("panic", text.unwrap_or("no message")),
                ]),
            );
        }));
    }
    set_level(level);
}

/// Changes the most verbose level: 0 none, 1 error … 5 trace. Without the rebuild, call sites that were once off would stay off.
pub(super) fn set_level(level: u32) {
    LEVEL.store(level, Ordering::Relaxed);
    tracing::callsite::rebuild_interest_cache();
}

fn fields(pairs: &[(&str, &str)]) -> Map<String, Json> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), Json::from(*value))).collect()
}

fn send(level: Level, target: &str, fields: &Map<String, Json>) {
    let Some(host) = HOST.get() else { return };
    let json = serde_json::to_vec(fields).unwrap_or_default();
    // SAFETY: the gateway keeps context and function valid for the life of the process; the slices live until the call returns.
    unsafe { (host.log)(host.context, number(level), Slice::new(target.as_bytes()), Slice::new(&json)) }
}

fn number(level: Level) -> u32 {
    match level {
        Level::ERROR => 1,
        Level::WARN => 2,
        Level::INFO => 3,
        Level::DEBUG => 4,
        Level::TRACE => 5,
    }
}

struct Bridge;

impl Subscriber for Bridge {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event() && number(*metadata.level()) <= LEVEL.load(Ordering::Relaxed)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(match LEVEL.load(Ordering::Relaxed) {
            0 => LevelFilter::OFF,
            1 => LevelFilter::ERROR,
            2 => LevelFilter::WARN,
            3 => LevelFilter::INFO,
            4 => LevelFilter::DEBUG,
            _ => LevelFilter::TRACE,
        })
    }

    fn event(&self, event: &Event<'_>) {
        let mut collected = Fields(Map::new());
        event.record(&mut collected);
        send(*event.metadata().level(), event.metadata().target(), &collected.0);
    }

    // Spans stay here: the gateway has its own span around each call.
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

struct Fields(Map<String, Json>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), Json::from(format!("{value:?}")));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), Json::from(value));
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), Json::from(value));
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), Json::from(value));
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), Json::from(value));
    }
}
