//! The gateway as a process: a folder with configuration, plugins and databases; start, signals, what it printed, end.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tests::libraries;

use crate::client::{LIMIT, RUNTIME, Request};

/// The connectors that every folder of the suite has.
const CONNECTORS: [&str; 2] = ["sqlite", "memory"];
/// How a line of the standard output begins that tells the address.
const LISTENS: &str = "tablegate listens on ";

/// The administrator of the suite, where the environment names one.
pub(crate) const ADMIN: (&str, &str) = ("root@example.com", "correct horse battery");

/// What a gateway is started with: a folder of its own, which is its working directory, and its environment.
pub(crate) struct Setup {
    folder: tempfile::TempDir,
    environment: Vec<(String, String)>,
    /// `None`: the one that was built.
    program: Option<PathBuf>,
}

impl Setup {
    /// A folder with this configuration; it listens on a free port and loads the connectors of the suite.
    pub(crate) fn new(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let plugins = folder.path().join("plugins");
        std::fs::create_dir(&plugins).unwrap();
        let setup = Self { folder, environment: Vec::new(), program: None };
        let setup = CONNECTORS.iter().fold(setup, |setup, connector| setup.connector(connector));
        setup.write("gateway.toml", config);
        let (email, password) = ADMIN;
        setup
            .variable("TABLEGATE_SERVER__LISTEN", "127.0.0.1:0")
            .variable("TABLEGATE_ADMIN_EMAIL", email)
            .variable("TABLEGATE_ADMIN_PASSWORD", password)
    }

    /// Adds the library of one more connector.
    pub(crate) fn connector(self, name: &str) -> Self {
        let library = libraries::library(name).unwrap();
        symlink(&library, self.path("plugins").join(library.file_name().unwrap())).unwrap();
        self
    }

    /// Adds a variable to the environment.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Has a copy of the program in the folder, which a test may replace.
    pub(crate) fn own_program(mut self) -> Self {
        self.program = Some(self.path("tablegate"));
        self.replace_program();
        self
    }

    /// Puts another file in the place of that copy.
    pub(crate) fn replace_program(&self) {
        let new = self.path("tablegate.new");
        std::fs::copy(libraries::gateway().unwrap(), &new).unwrap();
        std::fs::rename(new, self.path("tablegate")).unwrap();
    }

    /// Takes the administrator out of the environment.
    pub(crate) fn without_admin(mut self) -> Self {
        self.environment.retain(|(name, _)| !name.starts_with("TABLEGATE_ADMIN"));
        self
    }

    /// A path inside the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file into the folder.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Starts to serve, and returns when it listens.
    pub(crate) fn start(self) -> Gateway {
        let Running { child, guard, output, log, address } = self.serves(&["serve"]);
        Gateway { setup: self, child: Mutex::new(child), guard, output, log, address }
    }

    fn serves(&self, arguments: &[&str]) -> Running {
        let child = self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = child.unwrap();
        let (output, log) =
            (Lines::of(child.stdout.take().unwrap()), Lines::of(child.stderr.take().unwrap()));
        let guard = guard(&child, self.folder.path());
        let Some(line) = output.find(LISTENS) else {
            panic!("the gateway did not start:\n{}", log.text());
        };
        let (_scheme, address) = line.split_once("://").unwrap();
        let address = address.parse().unwrap();
        Running { child, guard, output, log, address }
    }

    /// The program with these arguments, to be run in the folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let program = self.program.clone().unwrap_or_else(|| libraries::gateway().unwrap());
        let mut command = Command::new(program);
        command.args(["--config", "gateway.toml"]).args(arguments).current_dir(self.folder.path());
        command.env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null());
        command
    }
}

/// A gateway that several tests share is never dropped: when the suite ends, the pipe closes, and the shell that waits for it ends the
/// gateway and removes its folder.
fn guard(child: &Child, folder: &Path) -> Child {
    const WAIT: &str = r#"read -r _; kill "$1"; rm -r "$2""#;
    let mut shell = Command::new("sh");
    shell.args(["-c", WAIT, "sh", &child.id().to_string()]).arg(folder).stdin(Stdio::piped());
    shell.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// A process that listens.
struct Running {
    child: Child,
    guard: Child,
    output: Lines,
    log: Lines,
    address: SocketAddr,
}

/// A process that served before. Dropped, it is stopped.
pub(crate) struct Former {
    child: Child,
    guard: Child,
    pub(crate) log: Lines,
}

impl Former {
    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        ended(|| self.child.try_wait().unwrap())
    }
}

impl Drop for Former {
    fn drop(&mut self) {
        end([&mut self.guard, &mut self.child]);
    }
}

fn ended(mut end: impl FnMut() -> Option<ExitStatus>) -> ExitStatus {
    let mut status = None;
    eventually("the gateway ends", || {
        status = end();
        status.is_some()
    });
    status.unwrap()
}

fn end(processes: [&mut Child; 2]) {
    for process in processes {
        // It may have ended already.
        let _ = process.kill();
        let _ = process.wait();
    }
}

/// A running gateway. Dropped, it is stopped.
pub(crate) struct Gateway {
    pub(crate) setup: Setup,
    child: Mutex<Child>,
    guard: Child,
    pub(crate) output: Lines,
    pub(crate) log: Lines,
    pub(crate) address: SocketAddr,
}

impl Gateway {
    /// Sends a request and reads the whole answer.
    #[track_caller]
    pub(crate) fn send(&self, request: Request) -> crate::client::Answer {
        request.send(self.address)
    }

    /// Process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child().id()
    }

    /// Sends a signal such as `HUP`.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("sh")
            .args(["-c", r#"kill -s "$1" "$2""#, "sh", name, &self.pid().to_string()])
            .status();
        assert!(status.unwrap().success());
    }

    /// Waits for its end.
    pub(crate) fn wait(&self) -> ExitStatus {
        ended(|| self.child().try_wait().unwrap())
    }

    /// Starts the program once more in the same folder, with these arguments; what ran until now is given back.
    pub(crate) fn again(&mut self, arguments: &[&str]) -> Former {
        let new = self.setup.serves(arguments);
        (self.output, self.address) = (new.output, new.address);
        let child = std::mem::replace(&mut *self.child(), new.child);
        let guard = std::mem::replace(&mut self.guard, new.guard);
        Former { child, guard, log: std::mem::replace(&mut self.log, new.log) }
    }

    fn child(&self) -> std::sync::MutexGuard<'_, Child> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        end([&mut self.guard, child]);
    }
}

/// Waits until something holds.
#[track_caller]
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let began = std::time::Instant::now();
    while !holds() {
        assert!(began.elapsed() < LIMIT, "it never held: {what}");
        RUNTIME.block_on(async { tokio::time::sleep(Duration::from_millis(5)).await });
    }
}

/// Lines of a stream, collected as they come.
pub(crate) struct Lines(Arc<(Mutex<Collected>, Condvar)>);

#[derive(Default)]
struct Collected {
    lines: Vec<String>,
    is_over: bool,
}

impl Lines {
    fn of(stream: impl Read + Send + 'static) -> Self {
        let shared = Arc::<(Mutex<Collected>, Condvar)>::default();
        let writer = Arc::clone(&shared);
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                writer.0.lock().unwrap().lines.push(line);
                writer.1.notify_all();
            }
            writer.0.lock().unwrap().is_over = true;
            writer.1.notify_all();
        });
        Self(shared)
    }

    /// All lines until now.
    pub(crate) fn text(&self) -> String {
        self.after(0).join("\n")
    }

    /// Waits for a line that holds this text; `None`: the stream ended without.
    pub(crate) fn find(&self, text: &str) -> Option<String> {
        self.find_after(0, text)
    }

    /// The same, past so many lines.
    pub(crate) fn find_after(&self, skipped: usize, text: &str) -> Option<String> {
        let found = |collected: &Collected| {
            collected.lines.iter().skip(skipped).find(|line| line.contains(text)).cloned()
        };
        let waits = |collected: &mut Collected| found(collected).is_none() && !collected.is_over;
        let lines = self.0.0.lock().unwrap();
        let (lines, outcome) = self.0.1.wait_timeout_while(lines, LIMIT, waits).unwrap();
        assert!(!outcome.timed_out(), "no line with {text:?} came in:\n{}", lines.lines.join("\n"));
        found(&lines)
    }

    /// All lines, when the stream has ended.
    pub(crate) fn whole(&self) -> String {
        let waits = |collected: &mut Collected| !collected.is_over;
        let lines = self.0.0.lock().unwrap();
        let (lines, outcome) = self.0.1.wait_timeout_while(lines, LIMIT, waits).unwrap();
        assert!(!outcome.timed_out(), "the stream does not end");
        lines.lines.join("\n")
    }

    /// The lines past so many, until now.
    pub(crate) fn after(&self, skipped: usize) -> Vec<String> {
        self.0.0.lock().unwrap().lines.get(skipped..).unwrap_or_default().to_vec()
    }

    /// How many lines there are until now.
    pub(crate) fn count(&self) -> usize {
        self.0.0.lock().unwrap().lines.len()
    }
}
