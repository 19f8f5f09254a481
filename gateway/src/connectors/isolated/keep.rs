//! Looks after a child: serves it, and when it has ended starts another one, each time after a longer pause if it does not live long.

use std::io::{Error, Result};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use connector_api::model::Descriptor;
use tokio::io::{BufReader, BufWriter};
use tokio::net::UnixStream;
use tokio::sync::{Notify, mpsc};

use super::apart::Shared;
use super::frame::Frame;
use super::process::{Conditions, Running, start};
use crate::connectors::inspect::inspect;
use crate::connectors::refusal::Reason;
use crate::settings::Sha256Digest;

/// The pause before a child is started again, the first time; it doubles with each child that ends early.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A child that lived so long has not ended early.
const LONG_LIFE: Duration = Duration::from_secs(60);

/// Where the frames for a child come from, and the word that it is to end.
pub(super) struct Served {
    pub(super) frames: mpsc::UnboundedReceiver<Frame>,
    pub(super) end: Arc<Notify>,
}

/// Serves a child until it ends, and then the next one, as long as the library is in use.
pub(super) async fn look_after(shared: Weak<Shared>, mut running: Running, mut served: Served) {
    let mut pause = FIRST_PAUSE;
    loop {
        let began = Instant::now();
        let why = match serve(&shared, &running, served).await {
            Ok(()) => None,
            Err(error) => Some(error.to_string()),
        };
        // It waits for a process that was told to end, a moment.
        let ended = tokio::task::spawn_blocking(move || running.end()).await.unwrap_or_default();
        let Some(lost) = shared.upgrade() else { return };
        lost.lose();
        let library = lost.conditions.library.display();
        tracing::error!(connector = %library, ended, why, "the process of a connector has ended and is started again");
        drop(lost);
        if began.elapsed() >= LONG_LIFE {
            pause = FIRST_PAUSE;
        }
        let Some(next) = started(&shared, &mut pause).await else { return };
        running = next;
        let Some(shared) = shared.upgrade() else { return };
        served = shared.renew();
    }
}

/// Starts another child, as often as it takes; `None`: the library is no longer in use.
async fn started(shared: &Weak<Shared>, pause: &mut Duration) -> Option<Running> {
    loop {
        tokio::time::sleep(*pause).await;
        *pause = (*pause * 2).min(LONGEST_PAUSE);
        let (conditions, digest) =
            shared.upgrade().map(|shared| (shared.conditions.clone(), shared.digest))?;
        let library = conditions.library.clone();
        match tokio::task::spawn_blocking(move || start_again(&conditions, digest)).await {
            Ok(Ok((running, _))) => return Some(running),
            Ok(Err(reason)) => {
                tracing::error!(connector = %library.display(), %reason, "the process of a connector can't be started again");
            }
            Err(error) => tracing::error!(%error, "the thread that starts a process panicked"),
        }
    }
}

/// Sends and takes frames until one side has gone, or the child is told to end.
async fn serve(shared: &Weak<Shared>, running: &Running, served: Served) -> Result<()> {
    let socket = running.socket.try_clone()?;
    socket.set_nonblocking(true)?;
    let (from, mut to) = UnixStream::from_std(socket)?.into_split();
    let Served { mut frames, end } = served;
    let writing = async {
        let mut to = BufWriter::new(&mut to);
        while let Some(frame) = frames.recv().await {
            frame.send(&mut to, frames.is_empty()).await?;
        }
        Ok(())
    };
    let reading = async {
        let mut from = BufReader::new(from);
        while let (Some(frame), Some(shared)) = (Frame::receive(&mut from).await?, shared.upgrade()) {
            shared.take(frame)?;
        }
        Ok(())
    };
    tokio::select! {
        done = writing => done,
        done = reading => done,
        () = end.notified() => Err(Error::other("it did not answer, so it was ended")),
    }
}

/// Starts the library that was inspected before, and no other one.
fn start_again(
    conditions: &Conditions,
    digest: Sha256Digest,
) -> std::result::Result<(Running, Descriptor), Reason> {
    inspect(&conditions.library, Some(&[digest])).map_err(|reason| match reason {
        Reason::NotAllowed(_) => Reason::Replaced,
        reason => reason,
    })?;
    start(conditions)
}
