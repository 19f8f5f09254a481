//! What the service manager of the system is told: systemd's protocol of notifications, which others speak too. Without one nothing happens.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Names its socket: a path, or behind an `@` a name that is none.
const VARIABLE: &str = "NOTIFY_SOCKET";

/// The number of the process that systemd itself has started.
const STARTED: &str = "SYSTEMD_EXEC_PID";

/// This process serves, in the place of no other or of one. Of a successor that another process has started systemd hears by that one.
pub fn ready(is_first: bool) {
    if is_first || is_for(std::env::var(STARTED).ok().as_deref(), std::process::id()) {
        tell("READY=1");
    }
}

fn is_for(started: Option<&str>, process: u32) -> bool {
    started.is_none_or(|started| started == process.to_string())
}

/// What a person is told who asks for the service's state; nothing: all is as it should be.
pub fn status(words: &str) {
    tell(&format!("STATUS={words}"));
}

/// From now on another process is the service.
pub fn main_process(pid: i32) {
    // What was wrong with the one before is over.
    tell(&format!("MAINPID={pid}\nSTATUS="));
}

fn tell(what: &str) {
    let Some(socket) = std::env::var_os(VARIABLE) else { return };
    if let Err(error) = send(&socket, what) {
        tracing::warn!(%error, "the service manager is not told: {what}");
    }
}

fn send(socket: &OsStr, what: &str) -> io::Result<()> {
    let address = match socket.as_bytes().split_first() {
        Some((b'@', name)) => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(socket)?,
    };
    UnixDatagram::unbound()?.send_to_addr(what.as_bytes(), &address)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &SocketAddr, name: &str) {
        let manager = UnixDatagram::bind_addr(address).unwrap();
        send(OsStr::new(name), "READY=1").unwrap();
        let mut heard = [0; 64];
        let size = manager.recv(&mut heard).unwrap();
        assert_eq!(&heard[..size], b"READY=1");
    }

    #[test]
    fn it_is_told_at_a_path_or_at_a_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        check(&SocketAddr::from_pathname(&path).unwrap(), path.to_str().unwrap());
        let name = format!("tablegate-test-{}", std::process::id());
        check(&SocketAddr::from_abstract_name(&name).unwrap(), &format!("@{name}"));
    }

    #[test]
    fn the_process_that_systemd_has_started_says_that_it_serves() {
        for (started, is_told) in [(None, true), (Some("7"), true), (Some("8"), false)] {
            assert_eq!(is_for(started, 7), is_told, "{started:?}");
        }
    }

    #[test]
    fn one_that_is_gone_is_an_error() {
        assert!(send(OsStr::new("/nowhere/notify"), "READY=1").is_err());
    }
}
