//! How a gateway lives as a process: it comes by its socket, hears signals, gives way to another process, and finishes what it has begun.

use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;

use super::reign::{Asked, Reign};
use super::{App, StartError, problems};
use crate::http::{Listening, Terms, serve};
use crate::service_manager;
use crate::settings::{AtStart, Problems, Settings};
use crate::snapshot::Snapshot;
use crate::takeover::{self, Predecessor, Program};
use crate::telemetry::Telemetry;

/// What the process is told by signals. Those that come before anybody waits for them are kept.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    hand_over: Signal,
}

impl Signals {
    /// Takes the signals over; until then they end the process.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn take() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            hand_over: signal(SignalKind::user_defined2())?,
        })
    }
}

/// The socket that a gateway serves, and who did so before.
#[derive(Debug)]
pub struct Socket {
    /// The socket.
    pub listening: Listening,
    predecessor: Option<Predecessor>,
}

impl Socket {
    /// Opens the configured address, or asks the gateway that runs for its socket; where none runs, it opens the address as well.
    ///
    /// # Errors
    /// The address is in use, or the gateway that runs listens on another one or does not hand its socket over.
    pub async fn new(settings: &Settings, takes_over: bool) -> Result<Self, StartError> {
        let address = settings.server.listen;
        if takes_over {
            let asked = takeover::ask(&settings.state.directory).await.map_err(StartError::TakeOver)?;
            if let Some((socket, predecessor)) = asked {
                let listening = Listening::taken(socket).map_err(StartError::TakeOver)?;
                let runs = listening.address();
                // Port 0 is any.
                if runs.ip() != address.ip() || (address.port() != 0 && runs.port() != address.port()) {
                    return Err(StartError::OtherAddress { runs, configured: address });
                }
                return Ok(Self { listening, predecessor: Some(predecessor) });
            }
            tracing::info!("there is no gateway to take over, so this one opens its address");
        }
        let listening = Listening::open(address).await;
        let listening = listening.map_err(|error| StartError::Listen { address, error })?;
        Ok(Self { listening, predecessor: None })
    }
}

impl App {
    /// Whether it can do what the gateway does whose place it takes: starting alone, a gateway does without a connector that is not there;
    /// one that takes over would take it away from clients.
    ///
    /// # Errors
    /// Everything that is missing.
    pub fn check_succession(&self, settings: &Settings, socket: &Socket) -> Result<(), StartError> {
        if socket.predecessor.is_none() {
            return Ok(());
        }
        let (missing, _) = problems(settings, &self.registry);
        if missing.is_empty() { Ok(()) } else { Err(Problems(missing).into()) }
    }

    /// Serves until the process is asked to stop or another one serves in its place. A hang-up signal reloads, the second signal for users
    /// starts the program once more, to take over.
    ///
    /// # Errors
    /// The system's.
    pub async fn serve(
        self,
        settings: &Settings,
        socket: Socket,
        telemetry: Telemetry,
        signals: Signals,
    ) -> Result<(), StartError> {
        let Signals { terminate, interrupt, hang_up, hand_over } = signals;
        let Socket { listening, predecessor } = socket;
        let app = Arc::new(self);
        let opened = open_services(&app.snapshot());
        let asked = Asked { terminate, interrupt };
        let mut reign = Reign::new(Arc::clone(&app), asked, &settings.state.directory, listening.handle()?);
        let is_first = predecessor.is_none();
        if !reign.begin(predecessor, opened).await {
            return Ok(());
        }
        tokio::spawn(reloads(Arc::clone(&app), AtStart::of(settings), telemetry, hang_up));
        tokio::spawn(successors(hand_over));
        service_manager::ready(is_first);
        let terms = || {
            let snapshot = app.snapshot();
            Terms { server: Arc::clone(&snapshot.server), tls: snapshot.tls.clone() }
        };
        serve(listening, app.router(), &mut reign, terms).await;
        for service in app.snapshot().sorted_services() {
            service.close().await;
        }
        if let Some(traces) = &app.lasting.watchers.traces {
            Arc::clone(traces).stop().await;
        }
        Ok(())
    }

    /// Reads again what is kept beside databases: another process may have changed it.
    pub(super) fn read_extras(&self) {
        for service in self.snapshot().sorted_services() {
            if let Err(problem) = self.lasting.extras.load(service.name()) {
                tracing::error!("{problem}");
            }
        }
    }
}

async fn successors(mut hand_over: Signal) {
    let program = Program::of_this_process();
    while hand_over.recv().await.is_some() {
        program.start();
    }
}

async fn reloads(app: Arc<App>, at_start: AtStart, telemetry: Telemetry, mut hang_up: Signal) {
    while hang_up.recv().await.is_some() {
        match app.reload(Some(&telemetry)) {
            Ok(new) => {
                tell_what_needs_a_restart(&at_start.changed(&new));
                tracing::info!("the configuration was loaded again");
                service_manager::status("");
                open_services(&app.snapshot());
            }
            Err(error) => {
                tracing::error!("the new configuration is not used, the old one stays in force:\n{error}");
                service_manager::status(
                    "the configuration has a mistake, so an older one is in force; the log says more",
                );
            }
        }
    }
}

fn tell_what_needs_a_restart(keys: &[&str]) {
    if !keys.is_empty() {
        tracing::warn!("only a restart puts these changed settings into force: {}", keys.join(", "));
    }
}

/// Opens all services in the background, so that the first request of each need not wait. One that can't be opened is tried again by the
/// first request that needs it.
fn open_services(snapshot: &Arc<Snapshot>) -> Vec<JoinHandle<()>> {
    let active = snapshot.sorted_services().into_iter().filter(|service| service.is_active());
    let opened = active.map(|service| {
        let (service, snapshot) = (Arc::clone(service), Arc::clone(snapshot));
        tokio::spawn(async move {
            if let Err(error) = service.connection(&snapshot.registry).await {
                let detail = error.detail.as_deref().unwrap_or_default();
                tracing::error!(service = service.name(), detail, "the service can't be opened: {error}");
            }
        })
    });
    opened.collect()
}
