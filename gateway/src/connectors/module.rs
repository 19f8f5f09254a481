//! A loaded library, wherever it runs: inside the gateway, or in a process of its own ([`isolated`](super::isolated)).

use std::fmt;

use connector_api::abi::{self, Call, CallParts};
use connector_api::model::Operation;
use tokio::runtime::Handle;

use super::isolated::Apart;
use super::service::SessionId;

/// A loaded library.
#[derive(Clone)]
pub(super) enum Module {
    /// In this process.
    Inside(abi::Module),
    /// In a process of its own.
    Apart(Apart),
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Inside(_) => "Inside",
            Self::Apart(_) => "Apart",
        })
    }
}

impl Module {
    /// Opens a service. A process that is not looked after yet is so from now on, on this runtime.
    pub(super) fn open(&self, request: &[u8], runtime: &Handle) -> Call {
        match self {
            Self::Inside(module) => module.open(request),
            Self::Apart(apart) => apart.open(request, runtime),
        }
    }

    /// Starts an operation.
    pub(super) fn call(
        &self,
        service: u64,
        operation: Operation,
        parts: &CallParts<'_>,
        session: Option<SessionId>,
    ) -> Call {
        match self {
            Self::Inside(module) => module.call(service, operation.number(), parts),
            Self::Apart(apart) => apart.call(service, operation, parts, session),
        }
    }

    /// Ends a service.
    pub(super) fn close(&self, service: u64) {
        match self {
            Self::Inside(module) => module.close(service),
            Self::Apart(apart) => apart.close(service),
        }
    }

    /// Tells of a changed log level.
    pub(super) fn set_log_level(&self, level: u32) {
        match self {
            Self::Inside(module) => module.set_log_level(level),
            Self::Apart(apart) => apart.set_log_level(level),
        }
    }

    /// In which process it runs, counted from those that were lost: what a transaction of an earlier one was is gone.
    pub(super) fn process(&self) -> u64 {
        match self {
            Self::Inside(_) => 0,
            Self::Apart(apart) => apart.lost(),
        }
    }

    /// Whether its process is there.
    pub(super) fn is_there(&self) -> bool {
        match self {
            Self::Inside(_) => true,
            Self::Apart(apart) => apart.is_there(),
        }
    }

    /// Gives up a library that does not answer, and waits until it runs in another process. One inside the gateway stays what it is.
    pub(super) async fn give_up(&self) {
        match self {
            Self::Inside(_) => std::future::pending().await,
            Self::Apart(apart) => apart.replace().await,
        }
    }
}
