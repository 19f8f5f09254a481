//! What a snapshot knows of its services and connectors at the moment in which it is asked.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::TypedMetric;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::MOST_SERIES;
use crate::connectors::{Connector, Load};
use crate::services::Service;
use crate::snapshot::Snapshot;

/// Services and connectors as they are now.
#[derive(Debug)]
pub(super) struct State {
    services: Vec<Arc<Service>>,
    connectors: Vec<Arc<Connector>>,
    refused: usize,
}

impl State {
    pub(super) fn of(snapshot: &Snapshot) -> Self {
        let services = snapshot.sorted_services().into_iter().filter(|service| service.is_active());
        Self {
            services: services.take(MOST_SERIES).cloned().collect(),
            connectors: snapshot.registry.connectors().to_vec(),
            refused: snapshot.registry.refusals().len(),
        }
    }

    fn services(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let mut of_all = |name: &str, help: &str, value: fn(&Service) -> u64| {
            let values = self.services.iter();
            family(
                encoder,
                (name, help),
                values.map(|service| (of(service), ConstGauge::new(value(service)))),
            )
        };
        of_all("service_up", "1: connected, and its connector responds.", |service| {
            let opened = service.opened();
            opened.is_some_and(|open| !open.is_down() && open.connector().is_responding()).into()
        })?;
        of_all("pool_size", "The most calls of a service that run at once.", |service| {
            load(service, |load| count(load.most))
        })?;
        of_all("pool_running", "Calls of a service that run.", |service| {
            load(service, |load| count(load.running))
        })?;
        of_all("pool_waiting", "Calls that wait for their turn.", |service| {
            load(service, |load| load.waiting)
        })
    }

    fn totals(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let mut of_all = |name: &str, help: &str, value: fn(&Service) -> u64| {
            let values = self.services.iter();
            family(
                encoder,
                (name, help),
                values.map(|service| (of(service), ConstCounter::new(value(service)))),
            )
        };
        of_all("pool_refused", "Calls for which no turn came in time.", |service| {
            load(service, |load| load.refused)
        })?;
        of_all("service_opened", "Connections of a service that were opened.", |service| {
            service.openings().done()
        })?;
        of_all("service_open_failures", "Attempts to open a connection that failed.", |service| {
            service.openings().failed()
        })
    }

    fn connectors(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let values = self.connectors.iter().map(|connector| {
            let descriptor = connector.descriptor();
            let labels = [("connector", descriptor.name.clone()), ("version", descriptor.version.clone())];
            (labels, ConstGauge::new(u64::from(connector.is_responding())))
        });
        family(encoder, ("connector_up", "1: loaded, and it responds."), values)?;
        let lost = self.connectors.iter().map(|connector| {
            (
                [("connector", connector.descriptor().name.clone())],
                ConstCounter::new(connector.lost_processes()),
            )
        });
        let help = "Processes that a connector had for itself and that have ended.";
        family(encoder, ("connector_processes_lost", help), lost)?;
        let refused = ConstGauge::new(count(self.refused));
        let help = "Libraries of the plugin folders that were not loaded.";
        refused.encode(encoder.encode_descriptor("connectors_refused", help, None, refused.metric_type())?)
    }
}

impl Collector for State {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        self.services(&mut encoder)?;
        self.totals(&mut encoder)?;
        self.connectors(&mut encoder)
    }
}

fn of(service: &Service) -> [(&'static str, Arc<str>); 1] {
    [("service", Arc::clone(service.label()))]
}

fn load(service: &Service, number: fn(Load) -> u64) -> u64 {
    service.opened().map_or(0, |connection| number(connection.load()))
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn family<L: EncodeLabelSet, M: EncodeMetric + TypedMetric>(
    encoder: &mut DescriptorEncoder<'_>,
    (name, help): (&str, &str),
    values: impl Iterator<Item = (L, M)>,
) -> fmt::Result {
    let mut encoder = encoder.encode_descriptor(name, help, None, M::TYPE)?;
    for (labels, value) in values {
        value.encode(encoder.encode_family(&labels)?)?;
    }
    Ok(())
}
