//! The time in which this process is the one that accepts connections: how it begins, by itself or in the place of another process, how it
//! ends, and how it comes back where the next one is lost.

use std::future::pending;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::signal::unix::Signal;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::App;
use crate::http::{End, Fate, Succession};
use crate::service_manager;
use crate::takeover::{self, Offer, Predecessor, Successor};

/// The longest that a process which takes over waits for its services to be open. The other one serves until then.
const OPENING: Duration = Duration::from_secs(15);
/// For so long, and so often, one is looked for that serves again because the one that was asked is gone.
const SEARCHES: u32 = 20;
const BETWEEN_SEARCHES: Duration = Duration::from_millis(50);

/// By which signals the process is asked to end.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) terminate: Signal,
    pub(super) interrupt: Signal,
}

impl Asked {
    async fn end(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// One of them, until it is dropped: a successor learns by that that nothing is done here any more.
pub(super) struct Reign {
    app: Arc<App>,
    asked: Asked,
    state: PathBuf,
    /// The one that listens; `None`: nobody gets it any more.
    socket: Option<OwnedFd>,
    /// What the next process asks; `None`: nobody can.
    offer: Option<Offer>,
    /// Who served before, and may still finish its requests.
    predecessor: Option<Arc<Predecessor>>,
    /// Who serves now.
    successor: Option<Successor>,
}

impl Reign {
    pub(super) fn new(app: Arc<App>, asked: Asked, state: &Path, socket: OwnedFd) -> Self {
        Self {
            app,
            asked,
            state: state.to_owned(),
            socket: Some(socket),
            offer: None,
            predecessor: None,
            successor: None,
        }
    }

    /// Begins: at once, or as soon as the services are open and the process that serves knows. Only then another one may ask. `false`: it
    /// was asked to end before, and that process goes on.
    pub(super) async fn begin(
        &mut self,
        predecessor: Option<Predecessor>,
        opened: Vec<JoinHandle<()>>,
    ) -> bool {
        if let Some(predecessor) = predecessor {
            tokio::select! {
                () = self.asked.end() => {
                    tracing::info!("asked to end before it took over: the other process goes on");
                    return false;
                }
                opened = timeout(OPENING, join_all(opened)) => if opened.is_err() {
                    tracing::warn!("taking over although not every service is open yet");
                }
            }
            self.predecessor = relieved(&self.state, predecessor).await.map(Arc::new);
            tracing::info!("took over: this process serves now");
        } else {
            tracing::info!("this process serves now");
        }
        self.offer = offer(&self.state);
        if let Some(former) = &self.predecessor {
            tokio::spawn(outlive(Arc::clone(&self.app), Arc::clone(former)));
        }
        true
    }
}

impl Succession for &mut Reign {
    async fn end(&mut self) -> End {
        let successor = tokio::select! {
            () = self.asked.end() => None,
            successor = given_way(self.offer.as_ref().zip(self.socket.as_ref())) => Some(successor),
        };
        self.offer = None;
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

    async fn fate(&mut self) -> Fate {
        let Some(successor) = &mut self.successor else { return pending().await };
        let is_lost = tokio::select! {
            is_lost = successor.is_lost() => is_lost,
            () = self.asked.end() => false,
        };
        if !is_lost {
            self.socket = None;
            return Fate::Sure;
        }
        self.successor = None;
        self.app.read_extras();
        self.offer = offer(&self.state);
        service_manager::main_process(std::process::id().cast_signed());
        tracing::error!("the process that took over has ended: this one serves again");
        Fate::Lost
    }
}

/// Waits until another process has the socket and serves.
async fn given_way(what: Option<(&Offer, &OwnedFd)>) -> Successor {
    match what {
        Some((offer, socket)) => offer.taken(socket.as_fd()).await,
        None => pending().await,
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

/// Tells the process that serves that this one does. Where it is gone, the one before it may serve again and is told instead; `None`: nobody
/// serves.
async fn relieved(state: &Path, mut predecessor: Predecessor) -> Option<Predecessor> {
    loop {
        match predecessor.relieve().await {
            Ok(()) => return Some(predecessor),
            Err(error) => tracing::warn!(%error, "the gateway that served is gone"),
        }
        predecessor = another(state).await?;
    }
}

async fn another(state: &Path) -> Option<Predecessor> {
    for _ in 0..SEARCHES {
        if let Ok(Some((_, predecessor))) = takeover::ask(state).await {
            return Some(predecessor);
        }
        sleep(BETWEEN_SEARCHES).await;
    }
    None
}

/// Waits for the end of the process that served before. Its last requests may have changed what is kept beside databases.
async fn outlive(app: Arc<App>, former: Arc<Predecessor>) {
    former.ended().await;
    app.read_extras();
    tracing::info!("the gateway that served before has finished");
}
