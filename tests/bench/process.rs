//! The servers as processes: how each is started, what the system says about its time and memory, and that it ends with its value.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use tests::libraries::clone_folder;
use tokio::net::TcpListener;

use crate::Failure;
use crate::store::{Address, Store};

/// The key that the load generator sends to the gateway.
pub(crate) const API_KEY: &str = "the-key-of-the-benchmark";
/// What every server here prints in front of its address.
const LISTENS: &str = "listens on http://";
/// Linux counts the time of processes in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);

/// A running server. Killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    /// Kept open: a server may not live without its output.
    _output: BufReader<ChildStdout>,
}

/// The three that requests are sent to.
pub(crate) struct Servers {
    pub(crate) gateway: Server,
    pub(crate) hand_written: Server,
    pub(crate) fixed: Server,
}

impl Servers {
    /// Starts all three on a store; settings go into `folder`.
    pub(crate) fn start(store: &Store, folder: &Path) -> Result<Self, Failure> {
        Ok(Self {
            gateway: Server::gateway(store, folder)?,
            hand_written: Server::hand_written(&store.address)?,
            fixed: Server::start(this_program()?.arg("--serve-fixed"))?,
        })
    }
}

impl Server {
    /// The gateway with the built libraries, at its defaults but for what its settings say.
    pub(crate) fn gateway(store: &Store, folder: &Path) -> Result<Self, Failure> {
        let plugins = clone_folder().join("plugins");
        Self::start(&mut gateway_command(store, folder, &plugins)?)
    }

    /// The hand-written server on a store.
    pub(crate) fn hand_written(address: &Address) -> Result<Self, Failure> {
        Self::start(this_program()?.arg("--serve-hand-written").args(address.words()))
    }

    /// Starts a server and waits until it says where it listens.
    pub(crate) fn start(command: &mut Command) -> Result<Self, Failure> {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().ok_or("a server without output")?;
        let mut output = BufReader::new(output);
        match address(&mut output) {
            Ok(address) => Ok(Self { child, address, _output: output }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The processor time it has used.
    pub(crate) fn cpu(&self) -> Result<Duration, Failure> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // Behind the name, which may hold blanks, `utime` and `stime` are the 12th and 13th.
        let (_, fields) = stat.rsplit_once(')').ok_or("a process without a status")?;
        let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u32>);
        Ok(TICK * ticks.sum::<Result<u32, _>>()?)
    }

    /// The most memory it has had so far, in KiB.
    pub(crate) fn peak_memory(&self) -> Result<u64, Failure> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.and_then(|line| line.split_whitespace().next()).ok_or("no VmHWM")?;
        Ok(number.parse()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn address(output: &mut impl BufRead) -> Result<SocketAddr, Failure> {
    let mut line = String::new();
    while output.read_line(&mut line)? > 0 {
        if let Some((_, address)) = line.split_once(LISTENS) {
            return Ok(address.trim().parse()?);
        }
        line.clear();
    }
    Err("a server ended without having listened; its own words stand above".into())
}

/// This program, to be started as one of the servers.
pub(crate) fn this_program() -> Result<Command, Failure> {
    Ok(Command::new(std::env::current_exe()?))
}

/// The command that starts the gateway with the libraries of `plugins`; its settings are written into `folder`.
pub(crate) fn gateway_command(store: &Store, folder: &Path, plugins: &Path) -> Result<Command, Failure> {
    let config = folder.join("gateway.toml");
    std::fs::write(&config, settings(plugins, store)?)?;
    gateway_with(&config)
}

/// The command that starts the gateway with these settings.
pub(crate) fn gateway_with(config: &Path) -> Result<Command, Failure> {
    // Cargo puts this program into `release/deps` and the gateway into `release`.
    let here = std::env::current_exe()?;
    let binary = here.ancestors().nth(2).unwrap_or(Path::new("")).join("tablegate");
    if !binary.is_file() {
        return Err(format!("{} is missing: run `make bench`", binary.display()).into());
    }
    let mut command = Command::new(binary);
    command.arg("--config").arg(config).arg("serve");
    Ok(command)
}

/// The flights.
pub(crate) fn database() -> Result<PathBuf, Failure> {
    let path = clone_folder().join("data/flights.sqlite");
    if path.is_file() { Ok(path) } else { Err("data/flights.sqlite is missing: run `make database`".into()) }
}

/// The defaults, but: one service that may export the whole table, time enough to do it for 64 clients on a slow machine, and a log of
/// problems only. `TABLEGATE_SECTION__KEY` in the environment changes any of it.
fn settings(plugins: &Path, store: &Store) -> Result<String, Failure> {
    let mut text = String::from(
        "[server]\nlisten = \"127.0.0.1:0\"\nrequest_timeout = \"10m\"\n[logging]\nlevel = \"warn\"\n",
    );
    writeln!(text, "[plugins]\ndirectories = [{plugins:?}]")?;
    text.push_str(&store.settings()?);
    writeln!(text, "[[roles]]\nname = \"reader\"\n[[roles.access]]\nservice = \"flights\"")?;
    writeln!(text, "component = \"_table/*\"\nverbs = [\"GET\", \"POST\"]")?;
    writeln!(text, "[[apps]]\nname = \"bench\"\nrole = \"reader\"\napi_key = {API_KEY:?}")?;
    Ok(text)
}

/// Serves a router on a free port of the loopback, with a worker for each core, until the process is killed.
pub(crate) fn serve_router(router: impl Future<Output = Result<Router, Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        writeln!(std::io::stdout(), "{LISTENS}{}", listener.local_addr()?)?;
        let listener = listener.tap_io(|stream| {
            // Without it, answers only come later.
            let _ = stream.set_nodelay(true);
        });
        Ok(axum::serve(listener, router.await?).await?)
    })
}
