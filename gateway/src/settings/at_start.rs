//! What a process takes from its configuration when it starts and never again: a reload can only say that it changed.

use std::net::SocketAddr;
use std::num::NonZeroUsize;

use super::{LogFormat, Plugins, Settings, State, Timeout, Traces};

/// The settings that a running process keeps.
#[derive(Clone, Debug)]
pub struct AtStart {
    listen: SocketAddr,
    workers: Option<NonZeroUsize>,
    shutdown_timeout: Timeout,
    max_connections: NonZeroUsize,
    plugins: Plugins,
    format: LogFormat,
    traces: Traces,
    state: State,
}

impl AtStart {
    /// Those of the settings with which the process starts.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let Settings { server, plugins, logging, traces, state, .. } = settings;
        Self {
            listen: server.listen,
            workers: server.workers,
            shutdown_timeout: server.shutdown_timeout,
            max_connections: server.max_connections,
            plugins: plugins.clone(),
            format: logging.format,
            traces: traces.clone(),
            state: state.clone(),
        }
    }

    /// The keys that say something else now, and so need a restart.
    #[must_use]
    pub fn changed(&self, settings: &Settings) -> Vec<&'static str> {
        self.compared(&Self::of(settings)).filter_map(|(key, is_changed)| is_changed.then_some(key)).collect()
    }

    /// Every key that a process keeps, and whether it is another one in `new`.
    pub(crate) fn compared(&self, new: &Self) -> impl Iterator<Item = (&'static str, bool)> + use<> {
        let old = self;
        [
            ("server.listen", old.listen != new.listen),
            ("server.workers", old.workers != new.workers),
            ("server.shutdown_timeout", old.shutdown_timeout != new.shutdown_timeout),
            ("server.max_connections", old.max_connections != new.max_connections),
            ("plugins.directories", old.plugins.directories != new.plugins.directories),
            ("plugins.allow_sha256", old.plugins.allow_sha256 != new.plugins.allow_sha256),
            ("plugins.load_timeout", old.plugins.load_timeout != new.plugins.load_timeout),
            ("plugins.worker_threads", old.plugins.worker_threads != new.plugins.worker_threads),
            ("plugins.connectors", old.plugins.connectors != new.plugins.connectors),
            ("logging.format", old.format != new.format),
            ("traces.endpoint", old.traces.endpoint != new.traces.endpoint),
            ("traces.ratio", old.traces != new.traces),
            ("state.directory", old.state.directory != new.state.directory),
        ]
        .into_iter()
    }
}
