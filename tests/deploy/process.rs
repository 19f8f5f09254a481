//! A gateway from an unpacked folder: started with nothing of this machine in its environment, asked, stopped by its number.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Where a bare machine has its programs. Nothing of Rust is there.
pub(crate) const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";
/// The key of every test.
pub(crate) const KEY: &str = "key-of-the-dashboard";
/// Longer than any answer takes, on a busy machine either.
const LIMIT: Duration = Duration::from_secs(120);
/// The same with TLS and without.
const LISTENS: [&str; 2] = ["tablegate listens on http://", "tablegate listens on https://"];

/// A running gateway.
pub(crate) struct Gateway {
    process: Child,
    pub(crate) address: SocketAddr,
}

/// The variables of a gateway that listens on a free port.
pub(crate) const ENVIRONMENT: [(&str, &str); 3] =
    [("PATH", PATH), ("TABLEGATE_SERVER__LISTEN", "127.0.0.1:0"), ("DASHBOARD_KEY", KEY)];

impl Gateway {
    /// Starts this command with [`ENVIRONMENT`] and nothing else, and waits until it says where it listens.
    pub(crate) fn start(command: &mut Command) -> Self {
        for folder in PATH.split(':') {
            assert!(!Path::new(folder).join("cargo").exists(), "{folder} has cargo");
        }
        command
            .env_clear()
            .envs(ENVIRONMENT)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut process = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut printed = BufReader::new(process.stdout.take().unwrap());
        let mut log = process.stderr.take().unwrap();
        let mut line = String::new();
        printed.read_line(&mut line).unwrap();
        let Some(address) = LISTENS.iter().find_map(|words| line.trim().strip_prefix(words)) else {
            let mut text = String::new();
            log.read_to_string(&mut text).unwrap();
            panic!("{command:?} printed {line:?} and logged:\n{text}");
        };
        // Both are read to their ends, or the gateway would wait for somebody who does.
        std::thread::spawn(move || std::io::copy(&mut printed, &mut std::io::sink()));
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Self { address: address.parse().unwrap(), process }
    }

    /// Sends a GET with the key, and gives status and body.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\nX-DreamFactory-API-Key: {KEY}\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// Is up, and grants nothing.
    pub(crate) fn is_up_and_denies(&self) {
        assert_eq!(self.get("/health"), (200, r#"{"status":"up"}"#.to_owned()));
        assert_eq!(self.get("/ready").0, 200);
        assert_eq!(self.get("/api/v2/shop/_table/orders").0, 401);
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may be behind `sudo`, which hands on this signal.
        let _ = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status();
        let _ = self.process.wait();
    }
}
