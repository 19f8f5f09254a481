//! Whether the stores of services are there. Reads no row.

use std::time::{Duration, Instant};

use connector_api::Error;
use futures_util::future::join_all;

use super::Finding;
use super::scrub::Scrubber;
use crate::connectors::Registry;
use crate::extras::{self, Extras};
use crate::plan;
use crate::schema::declared;
use crate::schema::names::public_name;
use crate::services::{Options, Service};
use crate::settings::{self, Settings};

const AREA: &str = "service";
/// The longest that a store may take to be opened, to answer, and to list its tables: each of the last two.
const LIMIT: Duration = Duration::from_secs(10);
/// The longest that opening may take beside that.
const OPEN_LIMIT: Duration = Duration::from_secs(15);

/// A store that answered.
#[derive(Debug, Clone, Copy)]
pub struct Visit {
    /// How many tables and views it has.
    pub tables: usize,
    /// How long it took from the start, connecting included.
    pub time: Duration,
}

/// Opens a service, asks its store whether it is there, and holds what is declared of its tables against them.
///
/// # Errors
/// Why it can't be used, in words for the operator: the driver's own are among them.
pub async fn visit(service: &Service, registry: &Registry) -> Result<Visit, String> {
    let (name, began) = (service.name(), Instant::now());
    let tables = async {
        service.ping(registry, "test", LIMIT).await?;
        service.list_tables(registry, "test", LIMIT).await
    };
    let tables = tables.await.map_err(|error| explained(name, &error))?;
    let time = began.elapsed();
    service.close().await;
    let names: Vec<String> = tables.iter().map(|table| public_name(&table.table)).collect();
    if let Some(unknown) = declared::unknown(&service.settings().config.keys, &names) {
        return Err(format!(
            "service '{name}' has no table or view '{unknown}', for which `keys` declares columns"
        ));
    }
    if let Some((table, alias)) = service.extras().alias_among(&names) {
        return Err(format!("service '{name}': '{alias}', the alias of table '{table}', is another table"));
    }
    Ok(Visit { tables: names.len(), time })
}

fn explained(name: &str, error: &Error) -> String {
    let detail = error.detail.as_deref().map(|detail| format!(" ({detail})")).unwrap_or_default();
    format!("service '{name}' does not answer: {}{detail}", error.message)
}

/// All active services, at the same time.
pub(super) async fn findings(settings: &Settings, registry: &Registry) -> Vec<Finding> {
    let extras = extras::Store::new(&settings.state.directory, plan::check_functions);
    // One whose connector is missing is told with the configuration.
    let services = settings
        .services
        .iter()
        .filter(|service| service.is_active && registry.connector(&service.service_type).is_some());
    let visits = services.map(|service| {
        let extras = extras.load(&service.name).unwrap_or_else(|_| extras.held(&service.name));
        finding(service, settings, registry, extras)
    });
    join_all(visits).await
}

async fn finding(
    service: &settings::Service,
    settings: &Settings,
    registry: &Registry,
    extras: std::sync::Arc<Extras>,
) -> Finding {
    let options = Options::of(settings, service);
    let connected = Service::new(0, service.clone(), options, extras);
    let visited = tokio::time::timeout(OPEN_LIMIT + LIMIT + LIMIT, visit(&connected, registry)).await;
    let visited =
        visited.unwrap_or_else(|_| Err(format!("service '{}' can't be opened in time", service.name)));
    match visited {
        Ok(Visit { tables, time }) => {
            let milliseconds = time.as_secs_f64() * 1000.0;
            Finding::ok(
                AREA,
                format!("'{}' answers: {tables} table(s) in {milliseconds:.1} ms", service.name),
            )
        }
        // A driver may repeat what it was given.
        Err(why) => Finding::problem(
            AREA,
            Scrubber::default().text(&why),
            "correct [services.config], or see whether its store runs and lets this machine in",
        ),
    }
}
