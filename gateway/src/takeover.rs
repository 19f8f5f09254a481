//! One process takes the place of another: the socket that listens goes from the old one to the new one, so that no connection is lost, those
//! that wait to be accepted included. What each of them does then is for `app` to say. Knows no HTTP.

use std::ffi::OsString;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::TcpListener;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use tokio::io::{AsyncReadExt as _, Interest};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::{sleep, timeout};

/// The option of `serve` with which a process takes the place of another.
pub const OPTION: &str = "--take-over";

/// The socket at which a gateway is asked for the one that listens, inside the folder for its state.
const NAME: &str = "takeover.sock";
/// The longest that the gateway that runs may take to answer.
const LIMIT: Duration = Duration::from_secs(30);
/// The longest that a process which asked may take until it serves.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long to wait after the system refused a connection.
const PAUSE: Duration = Duration::from_secs(1);
/// Comes with the socket.
const HERE: u8 = b'h';
/// What the new process says when it serves.
const SERVES: u8 = b's';
/// What it says when it ends because it was told to, or because another one serves.
const ENDS: u8 = b'e';

/// What a running gateway offers to the next one.
#[derive(Debug)]
pub struct Offer(UnixListener);

/// The process that serves now. As long as this lives, it knows that the old one is still there.
#[derive(Debug)]
pub struct Successor {
    stream: UnixStream,
    /// Its number.
    pub pid: Option<i32>,
}

/// The process that served until now, or still does.
#[derive(Debug)]
pub struct Predecessor(UnixStream);

impl Offer {
    /// Opens the place to ask, instead of that of a gateway that was there before.
    ///
    /// # Errors
    /// The system's, for example when the folder can't be written.
    pub fn open(state: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(state)?;
        let (path, new) = (state.join(NAME), state.join(format!("{NAME}.new")));
        match std::fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&new)?;
        std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o600))?;
        std::fs::rename(&new, &path)?;
        Ok(Self(listener))
    }

    /// Waits until another process has the socket and says that it serves. One that asks and then ends changes nothing.
    pub async fn taken(&self, socket: BorrowedFd<'_>) -> Successor {
        loop {
            let stream = match self.0.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "nobody can ask for the socket");
                    sleep(PAUSE).await;
                    continue;
                }
            };
            match handed(stream, socket).await {
                Ok(successor) => return successor,
                Err(error) => {
                    tracing::warn!(%error, "a process that asked for the socket does not serve, so this one goes on");
                }
            }
        }
    }
}

async fn handed(mut stream: UnixStream, socket: BorrowedFd<'_>) -> io::Result<Successor> {
    check_owner(&stream)?;
    stream.async_io(Interest::WRITABLE, || send(&stream, socket)).await?;
    // Others wait meanwhile, so one that hangs is not waited for.
    if timeout(PATIENCE, stream.read_u8()).await?? != SERVES {
        return Err(io::Error::other("it says what nobody understands"));
    }
    let pid = stream.peer_cred()?.pid();
    Ok(Successor { stream, pid })
}

/// Asks the gateway that runs for its socket. `None`: none runs.
///
/// # Errors
/// It does not give it, or belongs to somebody else.
pub async fn ask(state: &Path) -> io::Result<Option<(TcpListener, Predecessor)>> {
    let stream = match UnixStream::connect(state.join(NAME)).await {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        stream => stream?,
    };
    check_owner(&stream)?;
    match timeout(LIMIT, stream.async_io(Interest::READABLE, || receive(&stream))).await? {
        // It ends.
        Err(error)
            if matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) =>
        {
            Ok(None)
        }
        socket => Ok(Some((socket?.into(), Predecessor(stream)))),
    }
}

impl Successor {
    /// Waits for its end, or for the word that it ends as it should. `true`: it is gone without that, so nobody serves.
    pub async fn is_lost(&mut self) -> bool {
        self.stream.read_u8().await.is_err()
    }
}

impl Predecessor {
    /// Tells it that this process serves: it accepts no more connections.
    ///
    /// # Errors
    /// It is gone.
    pub async fn relieve(&self) -> io::Result<()> {
        self.0.async_io(Interest::WRITABLE, || self.0.try_write(&[SERVES])).await.map(drop)
    }

    /// Tells it that this process ends as it should, so that it does not serve again.
    pub fn take_leave(&self) {
        // Fails when it has ended, and then it need not know.
        let _ = self.0.try_write(&[ENDS]);
    }

    /// Waits until it has finished what it was doing.
    pub async fn ended(&self) {
        // It says nothing more: this is over when the other end is closed.
        let _ = self.0.async_io(Interest::READABLE, || self.0.try_read(&mut [0])).await;
    }
}

/// A gateway of another user is none to take over, and none to give to.
fn check_owner(stream: &UnixStream) -> io::Result<()> {
    let (peer, own) = (stream.peer_cred()?.uid(), rustix::process::geteuid().as_raw());
    if peer == own {
        return Ok(());
    }
    let what =
        format!("the other process belongs to user {peer}, this one to user {own}; run it as the same user");
    Err(io::Error::new(io::ErrorKind::PermissionDenied, what))
}

fn send(stream: &UnixStream, socket: BorrowedFd<'_>) -> io::Result<()> {
    let sockets = [socket];
    let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut room);
    // There is room for one.
    control.push(SendAncillaryMessage::ScmRights(&sockets));
    sendmsg(stream, &[IoSlice::new(&[HERE])], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}

fn receive(stream: &UnixStream) -> io::Result<OwnedFd> {
    let mut byte = [0];
    let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut room);
    recvmsg(stream, &mut [IoSliceMut::new(&mut byte)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let mut sockets = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(sockets) => Some(sockets),
        _ => None,
    });
    let socket = sockets.next().and_then(|mut sockets| sockets.next());
    socket.ok_or_else(|| {
        io::Error::new(io::ErrorKind::UnexpectedEof, "the gateway that runs ends and gives no socket")
    })
}

/// How this process was started, to start it once more. The file of the program may be another one by then.
#[derive(Debug)]
pub struct Program {
    name: OsString,
    arguments: Vec<OsString>,
}

impl Program {
    /// The program that runs, told to take over.
    #[must_use]
    pub fn of_this_process() -> Self {
        let mut arguments = std::env::args_os();
        let name = arguments.next().unwrap_or_default();
        let mut arguments: Vec<OsString> = arguments.collect();
        if !arguments.iter().any(|argument| argument == OPTION) {
            arguments.push(OPTION.into());
        }
        Self { name, arguments }
    }

    /// Starts it, and logs when it ends before it serves.
    pub fn start(&self) {
        let child = Command::new(&self.name).args(&self.arguments).stdin(Stdio::null()).spawn();
        let mut child = match child {
            Ok(child) => child,
            Err(error) => {
                tracing::error!(%error, "no process to take over can be started, so this one goes on");
                return;
            }
        };
        tracing::info!(pid = child.id(), "a process was started that takes over");
        // Not a task: a runtime that ends would wait for it.
        std::thread::spawn(move || match child.wait() {
            Ok(status) if status.success() => {}
            Ok(status) => {
                tracing::error!(%status, "the process that was to take over has ended, so this one goes on")
            }
            Err(error) => {
                tracing::error!(%error, "nobody knows what became of the process that was to take over")
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;

    use super::*;

    fn listener() -> TcpListener {
        TcpListener::bind("127.0.0.1:0").unwrap()
    }

    #[tokio::test]
    async fn the_socket_itself_is_handed_over() {
        let state = tempfile::tempdir().unwrap();
        let (offer, listening) = (Offer::open(state.path()).unwrap(), listener());
        let successor = async {
            let (socket, predecessor) = ask(state.path()).await.unwrap().unwrap();
            predecessor.relieve().await.unwrap();
            (socket, predecessor)
        };
        let (taken, (socket, predecessor)) = tokio::join!(offer.taken(listening.as_fd()), successor);
        assert_eq!(taken.pid, Some(i32::try_from(std::process::id()).unwrap()));
        assert_eq!(socket.local_addr().unwrap(), listening.local_addr().unwrap());
        drop(taken);
        predecessor.ended().await;
    }

    #[tokio::test]
    async fn who_asks_and_ends_changes_nothing() {
        let state = tempfile::tempdir().unwrap();
        let (offer, listening) = (Offer::open(state.path()).unwrap(), listener());
        let asking = async {
            drop(ask(state.path()).await.unwrap());
            ask(state.path()).await.unwrap().unwrap().1.relieve().await.unwrap();
        };
        tokio::join!(offer.taken(listening.as_fd()), asking);
    }

    #[tokio::test]
    async fn where_no_gateway_runs_nothing_is_taken() {
        let state = tempfile::tempdir().unwrap();
        assert!(ask(state.path()).await.unwrap().is_none());
        drop(Offer::open(state.path()).unwrap());
        assert!(ask(state.path()).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn only_its_user_may_ask() {
        let state = tempfile::tempdir().unwrap();
        let _offer = Offer::open(state.path()).unwrap();
        let mode = std::fs::metadata(state.path().join(NAME)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
