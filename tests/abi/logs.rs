//! Log events of a connector reach the gateway's subscriber, at the level that is wanted at that time.

use std::fmt::Debug;
use std::sync::Mutex;

use tablegate::connectors::Registry;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Metadata, Subscriber, span};

use crate::fixture::{Folder, LONG, WORKERS, eventually, open, read, run};

static EVENTS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Keeps what comes from connectors, one text for each event.
struct Collector;

impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "connector"
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = Text(event.metadata().level().to_string());
        event.record(&mut text);
        EVENTS.lock().unwrap().push(text.0);
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0 += &format!(" {}={value:?}", field.name());
    }
}

/// What this library has logged since the last look.
fn take(file: &str) -> Vec<String> {
    let mut events = EVENTS.lock().unwrap();
    let (taken, left) = events.drain(..).partition(|event| event.contains(file));
    *events = left;
    taken
}

#[test]
fn a_changed_level_reaches_the_connector() {
    tracing::subscriber::set_global_default(Collector).unwrap();
    let folder = Folder::new();
    folder.add_chaos("20");
    let registry = Registry::load(&folder.plugins(), WORKERS, LevelFilter::OFF);
    run(async {
        let service = open(&registry, "20").await;
        assert_eq!(read(&service, "log", LONG).await, Ok(3));
        assert_eq!(take("libchaos_20.so"), [""; 0]);
        for (level, expected) in [(LevelFilter::WARN, 2), (LevelFilter::TRACE, 5), (LevelFilter::ERROR, 1)] {
            registry.set_log_level(level);
            let mut seen = Vec::new();
            // The change takes effect on a thread of its own.
            for _ in 0..1000 {
                assert_eq!(read(&service, "log", LONG).await, Ok(3));
                seen = take("libchaos_20.so");
                seen.retain(|event| event.contains("chaos event"));
                if seen.len() == expected {
                    break;
                }
            }
            assert_eq!(seen.len(), expected, "{level}: {seen:?}");
            let first = "ERROR message=chaos event connector=\"libchaos_20.so\" source=\"connector_chaos::connector\" \
                         fields=\"{\\\"number\\\":1}\"";
            assert_eq!(seen[0], first);
        }
        // A panic of the connector is an event too.
        assert!(read(&service, "panic", LONG).await.is_err());
        eventually("the panic is logged", || {
            take("libchaos_20.so").iter().any(|e| e.contains("query, as asked"))
        })
        .await;
    });
}
