//! The functions behind the root module, for any connector. Every one catches its own panics.
#![allow(unsafe_code, reason = "the gateway's function pointers are called here")]

use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::mpsc;

use super::connector::{Connector, Open};
use super::run::{self, ended, guarded};
use super::service::Service;
use super::{log, run::WAITING_BATCHES};
use crate::abi::{Buffer, Call, CallParts, ConnectorModule, HostApi, REVISION, Slice};
use crate::model::{Descriptor, Error, ErrorKind, OpenRequest, Opened, Result, ServiceType};

/// All that a connector library keeps: one static, made by `export_connector!`.
pub struct Kit<C> {
    can_inline: bool,
    runtime: OnceLock<Runtime>,
    services: RwLock<Option<HashMap<u64, Arc<Service<C>>>>>,
    last_service: AtomicU64,
}

/// A connector with its kit. Implemented by `export_connector!`.
pub trait Exported: Connector {
    /// The library's kit.
    fn kit() -> &'static Kit<Self>;
}

/// The root module of a connector.
pub fn module<C: Exported>() -> ConnectorModule {
    ConnectorModule {
        revision: REVISION,
        initialize,
        describe: describe::<C>,
        open: open::<C>,
        call: call::<C>,
        close: close::<C>,
        set_log_level,
        get_extension,
    }
}

impl<C: Exported> Kit<C> {
    /// An empty kit.
    pub const fn new(can_inline: bool) -> Self {
        Self {
            can_inline,
            runtime: OnceLock::new(),
            services: RwLock::new(None),
            last_service: AtomicU64::new(0),
        }
    }

    /// The runtime, started with the first service.
    fn runtime(&self, worker_threads: usize) -> Result<&Handle> {
        if let Some(runtime) = self.runtime.get() {
            return Ok(runtime.handle());
        }
        let runtime = Builder::new_multi_thread()
            .worker_threads(worker_threads.max(1))
            .thread_name("connector")
            .enable_all()
            .build()
            .map_err(|error| {
                Error::new(ErrorKind::Busy, "the connector can't start its threads").with_detail(error)
            })?;
        // Two first services at once: the runtime that comes second is shut down without waiting.
        if let Err(surplus) = self.runtime.set(runtime) {
            surplus.shutdown_background();
        }
        self.runtime.get().map(Runtime::handle).ok_or_else(|| Error::internal("the connector has no runtime"))
    }

    fn service(&self, number: u64) -> Result<Arc<Service<C>>> {
        let services = self.services.read().unwrap_or_else(PoisonError::into_inner);
        services
            .as_ref()
            .and_then(|services| services.get(&number))
            .cloned()
            .ok_or_else(|| Error::internal("the service is not open"))
    }

    fn keep(&self, service: Service<C>) -> u64 {
        let number = self.last_service.fetch_add(1, Ordering::Relaxed) + 1;
        let mut services = self.services.write().unwrap_or_else(PoisonError::into_inner);
        services.get_or_insert_default().insert(number, Arc::new(service));
        number
    }

    fn remove(&self, number: u64) -> Option<Arc<Service<C>>> {
        self.services.write().unwrap_or_else(PoisonError::into_inner).as_mut()?.remove(&number)
    }
}

extern "C" fn initialize(host: HostApi, level: u32) -> u32 {
    let ready = guarded(|| {
        log::install(host, level);
        Ok(())
    });
    u32::from(ready.is_err())
}

extern "C" fn describe<C: Exported>() -> Buffer {
    let descriptor = guarded(|| Ok(descriptor::<C>()));
    serde_json::to_vec(&descriptor).unwrap_or_default().into()
}

/// The connector's own words, with the configuration's schema filled in.
fn descriptor<C: Connector>() -> Descriptor {
    let mut descriptor = C::describe();
    let schema = schemars::schema_for!(C::Config).to_value();
    for service_type in &mut descriptor.service_types {
        service_type.config_schema = schema.clone();
    }
    descriptor
}

extern "C" fn open<C: Exported>(request: Slice<'_>) -> Call {
    guarded(|| start_open::<C>(request.as_bytes())).unwrap_or_else(|error| ended(Err(error)))
}

fn start_open<C: Exported>(request: &[u8]) -> Result<Call> {
    let request: OpenRequest = serde_json::from_slice(request).map_err(|error| {
        Error::unsupported("a part of the request to open the service").with_detail(error)
    })?;
    let OpenRequest { service_type, service, config, allow_inline, worker_threads } = request;
    let config = serde_json::from_value(config).map_err(|error| {
        // The driver's text is ours here: it names keys and what was expected, and quotes no value but a wrong one.
        Error::new(
            ErrorKind::InvalidRequest,
            format!("the configuration of service '{service}' is not valid"),
        )
        .with_detail(error)
    })?;
    let kit = C::kit();
    let declared = declared::<C>(&service_type)?;
    let runtime = kit.runtime(worker_threads)?;
    let is_inline = kit.can_inline && allow_inline;
    let handle = runtime.clone();
    let work = Box::pin(async move {
        let connector = C::open(Open { service_type, service, config }).await?;
        let capabilities = declared.capabilities.narrowed_by(&connector.capabilities(&declared.capabilities));
        let service = kit.keep(Service::new(connector, capabilities.clone(), handle, is_inline));
        serde_json::to_vec(&Opened { service, capabilities })
            .map_err(|error| Error::internal("the answer to open can't be written").with_detail(error))
    });
    let (_, batches) = mpsc::channel(WAITING_BATCHES);
    Ok(run::spawned(runtime, work, batches))
}

fn declared<C: Connector>(service_type: &str) -> Result<ServiceType> {
    let known = C::describe().service_types;
    known
        .into_iter()
        .find(|known| known.name == service_type)
        .ok_or_else(|| Error::unsupported(format_args!("service type '{service_type}'")))
}

extern "C" fn call<C: Exported>(
    service: u64,
    operation: u32,
    head: Slice<'_>,
    context: Slice<'_>,
    body: Slice<'_>,
) -> Call {
    let parts = CallParts { head: head.as_bytes(), context: context.as_bytes(), body: body.as_bytes() };
    guarded(|| C::kit().service(service)?.start(operation, &parts)).unwrap_or_else(|error| ended(Err(error)))
}

extern "C" fn close<C: Exported>(service: u64) {
    // A connector's drop may use its runtime, and may panic.
    let _ = guarded(|| {
        let kit = C::kit();
        let _entered = kit.runtime.get().map(Runtime::enter);
        drop(kit.remove(service));
        Ok(())
    });
}

extern "C" fn set_log_level(level: u32) {
    let _ = guarded(|| {
        log::set_level(level);
        Ok(())
    });
}

/// No extension exists yet.
extern "C" fn get_extension(_: u64) -> *const c_void {
    std::ptr::null()
}
