//! How a gateway lives as a process: it comes by its socket, hears signals, gives way to another process, and finishes what it has begun.

use std::future::pending;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{App, StartError, problems};
use crate::http::{End, Listening, Succession, Terms, serve};
use crate::service_manager;
use crate::settings::{AtStart, Problems, Settings};
use crate::snapshot::Snapshot;
use crate::takeover::{self, Offer, Predecessor, Program, Successor};
use crate::telemetry::Telemetry;

/// The longest that a process which takes over waits for its services to be open. The other one serves until then.
const OPENING: Duration = Duration::from_secs(15);

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
        let (missing, _) = problems(settings, &self.registry);
        if socket.predecessor.is_none() || missing.is_empty() {
            Ok(())
        } else {
            Err(Problems(missing).into())
        }
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
        let state = settings.state.directory.clone();
        let mut reign = Reign {
            terminate,
            interrupt,
            offer: offer(&state),
            state,
            socket: Some(listening.handle()?),
            predecessor: None,
            successor: None,
        };
        match predecessor {
            Some(predecessor) => reign.predecessor = Some(app.relieve(predecessor, opened).await),
            None => tracing::info!(address = %listening.address(), "this process serves now"),
        }
        tokio::spawn(reloads(Arc::clone(&app), AtStart::of(settings), telemetry, hang_up));
        tokio::spawn(successors(hand_over));
        service_manager::ready();
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
        // A successor learns by this that nothing is done here any more.
        drop(reign);
        Ok(())
    }

    /// Tells the process that serves that this one does, as soon as it can.
    async fn relieve(
        self: &Arc<Self>,
        predecessor: Predecessor,
        opened: Vec<JoinHandle<()>>,
    ) -> Arc<Predecessor> {
        if timeout(OPENING, join_all(opened)).await.is_err() {
            tracing::warn!("taking over although not every service is open yet");
        }
        if let Err(error) = predecessor.relieve().await {
            tracing::warn!(%error, "the gateway that served is gone");
        }
        tracing::info!("took over: this process serves now");
        let (app, predecessor) = (Arc::clone(self), Arc::new(predecessor));
        let former = Arc::clone(&predecessor);
        tokio::spawn(async move {
            former.ended().await;
            // Its last requests may have changed them.
            for service in app.snapshot().sorted_services() {
                if let Err(problem) = app.lasting.extras.load(service.name()) {
                    tracing::error!("{problem}");
                }
            }
            tracing::info!("the gateway that served before has finished");
        });
        predecessor
    }
}

/// What the next process asks for the socket. Without it a gateway serves all the same.
fn offer(state: &Path) -> Option<Offer> {
    let offer = Offer::open(state);
    let folder = state.display();
    offer
        .inspect_err(|error| tracing::warn!(%error, "no other process can take over, for want of a socket in {folder}"))
        .ok()
}

/// The time in which this process is the one that accepts connections.
struct Reign {
    terminate: Signal,
    interrupt: Signal,
    /// What the next process asks; `None`: nobody can.
    offer: Option<Offer>,
    state: PathBuf,
    /// The one that listens; `None`: nobody gets it any more.
    socket: Option<OwnedFd>,
    /// Who served before, and may still finish its requests.
    predecessor: Option<Arc<Predecessor>>,
    /// Who serves now.
    successor: Option<Successor>,
}

impl Succession for &mut Reign {
    async fn end(&mut self) -> End {
        let successor = tokio::select! {
            _ = self.terminate.recv() => None,
            _ = self.interrupt.recv() => None,
            successor = given_way(self.offer.as_ref().zip(self.socket.as_ref())) => Some(successor),
        };
        if let Some(predecessor) = &self.predecessor {
            predecessor.take_leave();
        }
        let Some(successor) = successor else {
            self.socket = None;
            tracing::info!("stopping: running requests may end");
            return End::Stopped;
        };
        tracing::info!("another process serves now: running requests may end");
        if let Some(pid) = successor.pid {
            service_manager::main_process(pid);
        }
        self.successor = Some(successor);
        End::HandedOver
    }

    async fn fallen_back(&mut self) {
        let Some(successor) = &mut self.successor else { return pending().await };
        successor.lost().await;
        self.successor = None;
        self.offer = offer(&self.state);
        service_manager::main_process(std::process::id().cast_signed());
        tracing::error!("the process that took over has ended: this one serves again");
    }
}

/// Waits until another process has the socket and serves.
async fn given_way(what: Option<(&Offer, &OwnedFd)>) -> Successor {
    match what {
        Some((offer, socket)) => offer.taken(socket.as_fd()).await,
        None => pending().await,
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
