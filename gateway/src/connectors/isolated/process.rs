//! Starts a child and ends it.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use connector_api::model::Descriptor;
use serde::{Deserialize, Serialize};

use super::COMMAND;
use super::frame::{Frame, Kind};
use crate::connectors::refusal::Reason;

/// The gateway's own program, also where its file was replaced meanwhile.
const PROGRAM: &str = "/proc/self/exe";
/// The variables that every program may need. Others may hold secrets, and a connector gets its configuration when a service is opened.
const VARIABLES: [&str; 12] = [
    "PATH",
    "HOME",
    "TMPDIR",
    "TZ",
    "TZDIR",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "LC_MESSAGES",
    "LD_LIBRARY_PATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// What a child is to load, and under which conditions.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::connectors) struct Conditions {
    /// The library, which was inspected.
    pub(in crate::connectors) library: PathBuf,
    /// The most verbose level of its log.
    pub(in crate::connectors) level: u32,
    /// The most bytes of memory that the child may write to.
    pub(in crate::connectors) memory: Option<u64>,
    /// Names of further variables of the environment that the child gets.
    pub(in crate::connectors) environment: Vec<String>,
    /// The longest that loading may take.
    pub(in crate::connectors) time: Duration,
}

/// A child that runs. It ends when this is dropped.
#[derive(Debug)]
pub(in crate::connectors) struct Running {
    child: Child,
    pub(super) socket: UnixStream,
}

/// Starts a child and has it load its library. Blocks.
///
/// # Errors
/// Why it did not.
pub(in crate::connectors) fn start(conditions: &Conditions) -> Result<(Running, Descriptor), Reason> {
    let failed = |error: io::Error| Reason::NoProcess(error.to_string());
    let mut running = spawn(conditions).map_err(failed)?;
    let answer = running.load(conditions);
    match answer {
        Ok(answer) => {
            let answer: Result<Descriptor, String> = serde_json::from_slice(&answer.bytes)
                .map_err(|_| Reason::DescriptionMalformed("it can't be read".to_owned()))?;
            Ok((running, answer.map_err(Reason::NotLoadedApart)?))
        }
        Err(error) if is_late(&error) => Err(Reason::TooSlow(conditions.time)),
        Err(_) => Err(Reason::NotLoadedApart(format!("its process ended: {}", running.end()))),
    }
}

fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

fn spawn(conditions: &Conditions) -> io::Result<Running> {
    let (socket, theirs) = UnixStream::pair()?;
    let mut command = Command::new(PROGRAM);
    // The name of the library is for those who list processes.
    command.arg(COMMAND).args(conditions.library.file_name());
    command.stdin(OwnedFd::from(theirs)).stdout(Stdio::null()).env_clear();
    let names = VARIABLES.into_iter().chain(conditions.environment.iter().map(String::as_str));
    command.envs(names.filter_map(|name| Some((name, std::env::var_os(name)?))));
    // What is typed at a terminal, to end the gateway, is not meant for it.
    command.process_group(0);
    Ok(Running { child: command.spawn()?, socket })
}

impl Running {
    fn load(&mut self, conditions: &Conditions) -> io::Result<Frame> {
        let words = serde_json::to_vec(conditions)?;
        let until = Instant::now() + conditions.time;
        Frame::new(Kind::Load, 0, words).write(&mut self.socket)?;
        loop {
            let left = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero());
            self.socket.set_read_timeout(Some(left.ok_or(io::ErrorKind::TimedOut)?))?;
            let frame = Frame::read(&mut self.socket)?;
            match frame.kind {
                Kind::Loaded => {
                    self.socket.set_read_timeout(None)?;
                    return Ok(frame);
                }
                Kind::Log => super::apart::log(&conditions.library, &frame),
                _ => return Err(super::frame::malformed()),
            }
        }
    }

    /// Ends it, unless it has ended, and tells how it did.
    pub(super) fn end(&mut self) -> String {
        let _ = self.child.kill();
        match self.child.wait() {
            Ok(status) => told(status),
            Err(error) => error.to_string(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

fn told(status: ExitStatus) -> String {
    status.signal().map_or_else(|| status.to_string(), |signal| format!("signal {signal}"))
}
