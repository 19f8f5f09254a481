//! One process takes the place of another on the same socket: nobody notices, whatever is under way, and one that can't serve changes
//! nothing.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::json;

use crate::client::{Download, LIMIT, RUNTIME, get};
use crate::gateway::{Former, Gateway, Setup, eventually};
use crate::kept::Kept;
use crate::shop::{EVERYTHING, reading};
use crate::staying_up::asks;
use crate::streaming;

const TAKE_OVER: [&str; 2] = ["serve", "--take-over"];
/// Clients of the load, of which every fourth opens a connection for each request.
const CLIENTS: usize = 8;
/// Answers that have to come between two changes of the process.
const BETWEEN: usize = 200;

/// Rows in a file, and rows of a library that runs in a process of its own. No connection is closed because the machine is slow.
const SERVICES: &str = r#"
[server]
header_timeout = "5m"
shutdown_timeout = "5m"

[[services]]
name = "file"
type = "sqlite"

[services.config]
database = "rows.sqlite"

[[services]]
name = "apart"
type = "memory"

[services.config.tables.t]
columns = [{ name = "id", type = "integer" }]
primary_key = ["id"]
rows = [{ id = 1 }]

[plugins.connectors.memory]
isolation = "process"
"#;

fn rows() -> Setup {
    let setup = Setup::new(&format!("{SERVICES}{EVERYTHING}"));
    let database = rusqlite::Connection::open(setup.path("rows.sqlite")).unwrap();
    let table = "PRAGMA journal_mode = WAL; CREATE TABLE marks (id INTEGER PRIMARY KEY, mark TEXT NOT NULL)";
    database.execute_batch(table).unwrap();
    setup
}

#[track_caller]
fn serves(gateway: &Gateway) {
    gateway.send(asks("GET", "apart/_table/t/1")).is_ok(r#"{"id":1}"#);
}

/// What clients do, and what comes of it.
#[derive(Default)]
struct Load {
    is_over: AtomicBool,
    answers: AtomicUsize,
}

impl Load {
    /// Asks until it is over: writes, reads of both services. Gives the marks of what was acknowledged.
    async fn client(&self, mut client: Kept, name: usize) -> Result<Vec<String>, String> {
        let mut done = Vec::new();
        for number in 0.. {
            if self.is_over.load(Ordering::Relaxed) {
                break;
            }
            let mark = format!("{name}-{number}");
            let record = json!({"resource": [{"mark": mark}]});
            let request = match number % 3 {
                0 => asks("POST", "file/_table/marks").body(record),
                1 => asks("GET", "file/_table/marks?limit=1"),
                _ => asks("GET", "apart/_table/t/1"),
            };
            match client.ask(&request).await? {
                (200, _) => {}
                (status, body) => return Err(format!("{status}: {}", String::from_utf8_lossy(&body))),
            }
            if number % 3 == 0 {
                done.push(mark);
            }
            self.answers.fetch_add(1, Ordering::Relaxed);
        }
        Ok(done)
    }
}

#[test]
fn under_load_three_processes_follow_each_other_and_no_request_fails() {
    let mut gateway = rows().own_program().start();
    serves(&gateway);
    let load = Arc::new(Load::default());
    let clients: Vec<_> = (0..CLIENTS)
        .map(|name| {
            let (load, client) = (Arc::clone(&load), Kept::new(gateway.address, name % 4 != 0));
            RUNTIME.spawn(async move { load.client(client, name).await })
        })
        .collect();
    let goes_on = || {
        let goal = load.answers.load(Ordering::Relaxed) + BETWEEN;
        let failed = || clients.iter().any(tokio::task::JoinHandle::is_finished);
        eventually("the load goes on", || load.answers.load(Ordering::Relaxed) >= goal || failed());
    };
    for _ in 0..3 {
        goes_on();
        gateway.setup.replace_program();
        let mut former = gateway.again(&TAKE_OVER);
        gateway.log.find("this process serves now").unwrap();
        goes_on();
        assert!(former.wait().success());
        assert!(!former.log.text().contains("were still running"), "{}", former.log.text());
        gateway.log.find("the gateway that served before has finished").unwrap();
    }
    goes_on();
    load.is_over.store(true, Ordering::Relaxed);
    let mut done: Vec<String> =
        clients.into_iter().flat_map(|client| RUNTIME.block_on(client).unwrap().unwrap()).collect();
    let database = rusqlite::Connection::open(gateway.setup.path("rows.sqlite")).unwrap();
    let mut statement = database.prepare("SELECT mark FROM marks").unwrap();
    let mut there: Vec<String> =
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    done.sort();
    there.sort();
    assert_eq!(there, done);
}

#[test]
fn what_is_under_way_is_finished_by_the_process_that_began_it() {
    let mut gateway = streaming::setup("").start();
    let mut download = reading("big/_table/large").open(gateway.address);
    let begun = download.piece().unwrap().len();
    let mut former = gateway.again(&TAKE_OVER);
    former.log.find("another process serves now").unwrap();
    gateway.send(get("/health")).is_ok(r#"{"status":"up"}"#);
    let (rest, is_cut_off) = download.bytes();
    assert!(!is_cut_off);
    assert_eq!(begun + rest.len(), streaming::LARGE_SIZE);
    assert!(former.wait().success());
}

/// A process took over while the other one finishes a download.
fn taken_over_meanwhile() -> (Gateway, Former, Download) {
    let mut gateway = streaming::setup("").start();
    let mut download = reading("big/_table/large").open(gateway.address);
    download.piece().unwrap();
    let former = gateway.again(&TAKE_OVER);
    former.log.find("another process serves now").unwrap();
    (gateway, former, download)
}

#[test]
fn where_the_new_process_is_lost_the_old_one_serves_again() {
    let (mut gateway, mut former, download) = taken_over_meanwhile();
    gateway.signal("KILL");
    gateway.wait();
    former.log.find("this one serves again").unwrap();
    gateway.send(get("/health")).is_ok(r#"{"status":"up"}"#);
    let lines = former.log.count();
    drop(gateway.again(&TAKE_OVER));
    former.log.find_after(lines, "another process serves now").unwrap();
    gateway.send(get("/health")).is_ok(r#"{"status":"up"}"#);
    assert!(!download.bytes().1);
    assert!(former.wait().success());
}

#[test]
fn where_the_new_process_is_stopped_the_old_one_ends_with_its_requests() {
    let (gateway, mut former, download) = taken_over_meanwhile();
    gateway.signal("TERM");
    assert!(gateway.wait().success());
    eventually("the address is free", || TcpStream::connect(gateway.address).is_err());
    assert!(!download.bytes().1);
    assert!(former.wait().success());
    assert!(!former.log.text().contains("serves again"), "{}", former.log.text());
}

#[test]
fn what_a_lost_process_has_changed_is_known_to_the_one_that_serves_again() {
    let mut gateway = rows().start();
    let mut kept = TcpStream::connect(gateway.address).unwrap();
    answered(&mut kept);
    let former = gateway.again(&TAKE_OVER);
    former.log.find("another process serves now").unwrap();
    let label = json!({"label": "Signs"});
    let changed = gateway.send(asks("PATCH", "file/_schema/marks").body(label));
    assert_eq!(changed.status, 200, "{}", changed.body);
    gateway.signal("KILL");
    gateway.wait();
    former.log.find("this one serves again").unwrap();
    assert_eq!(gateway.send(asks("GET", "file/_schema/marks")).json()["label"], "Signs");
}

/// A service that is never open.
const HANGING: &str =
    "\n[[services]]\nname = \"slow\"\ntype = \"chaos_00\"\n[services.config]\nopen_hangs = true\n";

#[test]
fn one_that_ends_before_it_serves_changes_nothing() {
    let mut gateway = rows().connector("chaos").start();
    let config = std::fs::read_to_string(gateway.setup.path("gateway.toml")).unwrap();
    gateway.setup.write("gateway.toml", &format!("{config}{HANGING}"));
    let mut first = gateway.again(&TAKE_OVER);
    gateway.signal("TERM");
    assert!(gateway.wait().success());
    gateway.log.find("the other process goes on").unwrap();
    serves(&gateway);
    drop(gateway.again(&TAKE_OVER));
    gateway.signal("KILL");
    gateway.wait();
    serves(&gateway);
    gateway.setup.write("gateway.toml", &config);
    drop(gateway.again(&TAKE_OVER));
    first.log.find("another process serves now").unwrap();
    assert!(first.wait().success());
    serves(&gateway);
}

#[test]
fn where_one_is_just_stopping_the_address_is_opened() {
    let mut gateway = streaming::setup("").start();
    let mut download = reading("big/_table/large").open(gateway.address);
    download.piece().unwrap();
    gateway.signal("TERM");
    gateway.log.find("stopping").unwrap();
    let mut former = gateway.again(&TAKE_OVER);
    gateway.log.find("there is no gateway to take over").unwrap();
    gateway.send(get("/health")).is_ok(r#"{"status":"up"}"#);
    assert!(!download.bytes().1);
    assert!(former.wait().success());
}

/// The answer to a request on this connection.
fn answered(stream: &mut TcpStream) -> String {
    const END: &str = r#"{"status":"up"}"#;
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let (mut words, mut piece) = (String::new(), [0; 1024]);
    while !words.ends_with(END) {
        let size = stream.read(&mut piece).unwrap();
        assert!(size > 0, "the connection ends after {words:?}");
        words.push_str(std::str::from_utf8(&piece[..size]).unwrap());
    }
    words
}

#[test]
fn a_kept_connection_is_told_which_answer_is_its_last() {
    let mut gateway = rows().start();
    let mut stream = TcpStream::connect(gateway.address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let says_last = |stream: &mut TcpStream| answered(stream).contains("connection: close");
    assert!(!says_last(&mut stream));
    let mut former = gateway.again(&TAKE_OVER);
    former.log.find("another process serves now").unwrap();
    eventually("an answer is the last one", || says_last(&mut stream));
    assert_eq!(stream.read(&mut [0; 16]).unwrap(), 0);
    assert!(former.wait().success());
}

/// A second process with this configuration ends with these words, and the first one goes on.
#[track_caller]
fn is_refused(gateway: &Gateway, config: &str, words: &str) {
    gateway.setup.write("gateway.toml", config);
    let output = gateway.setup.run(&TAKE_OVER);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains(words), "{said}");
    assert!(output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stdout));
    serves(gateway);
}

#[test]
fn a_process_that_can_not_serve_leaves_the_other_one_in_its_place() {
    let mut gateway = rows().start();
    let config = std::fs::read_to_string(gateway.setup.path("gateway.toml")).unwrap();
    let missing = config.replace("type = \"sqlite\"", "type = \"sqlight\"");
    for (changed, words) in [
        (config.replace("isolation", "isolatoin"), "isolatoin"),
        (missing, "sqlight"),
        (format!("{config}\n[state]\ndirectory = \"gateway.toml\"\n"), "can't be taken over"),
    ] {
        is_refused(&gateway, &changed, words);
    }
    gateway.setup.write("gateway.toml", &config);
    let elsewhere =
        gateway.setup.command(&TAKE_OVER).env("TABLEGATE_SERVER__LISTEN", "127.0.0.1:1").output().unwrap();
    let said = String::from_utf8(elsewhere.stderr).unwrap();
    assert!(said.contains(&format!("listens on {}", gateway.address)), "{said}");
    serves(&gateway);
    // None of them has changed what the next one finds.
    let mut former = gateway.again(&TAKE_OVER);
    assert!(former.wait().success());
    serves(&gateway);
}

#[test]
fn where_none_runs_the_address_is_opened() {
    let mut gateway = rows().start();
    gateway.signal("KILL");
    gateway.wait();
    drop(gateway.again(&TAKE_OVER));
    gateway.log.find("there is no gateway to take over").unwrap();
    serves(&gateway);
}

/// Ends a process that is no child of the test.
struct Stray(u32);

impl Drop for Stray {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = Command::new("sh").args(["-c", r#"kill -9 "$1""#, "sh", &self.0.to_string()]).status();
    }
}

#[test]
fn a_signal_starts_the_replaced_program_which_takes_over_and_the_service_manager_learns_it() {
    let setup = rows().own_program();
    let manager = UnixDatagram::bind(setup.path("notify")).unwrap();
    manager.set_read_timeout(Some(LIMIT)).unwrap();
    let told = || {
        let mut word = [0; 64];
        let size = manager.recv(&mut word).unwrap();
        String::from_utf8(word[..size].to_vec()).unwrap()
    };
    let gateway = setup.variable("NOTIFY_SOCKET", "notify").start();
    assert_eq!(told(), "READY=1");
    gateway.setup.replace_program();
    gateway.signal("USR2");
    let line = gateway.log.find("a process was started that takes over").unwrap();
    let pid: u32 = line.rsplit_once("pid=").unwrap().1.trim().parse().unwrap();
    let _stray = Stray(pid);
    gateway.log.find("this process serves now").unwrap();
    let words = [told(), told()];
    assert!(words.contains(&format!("MAINPID={pid}\nSTATUS=")), "{words:?}");
    assert!(gateway.wait().success());
    serves(&gateway);
}

#[test]
fn a_program_that_can_not_be_started_changes_nothing() {
    let gateway = rows().own_program().start();
    std::fs::remove_file(gateway.setup.path("tablegate")).unwrap();
    gateway.signal("USR2");
    gateway.log.find("no process to take over can be started").unwrap();
    std::fs::write(gateway.setup.path("tablegate"), "no program").unwrap();
    gateway.signal("USR2");
    serves(&gateway);
    gateway.setup.replace_program();
    gateway.setup.write("gateway.toml", "no = configuration");
    gateway.signal("USR2");
    gateway.log.find("the process that was to take over has ended").unwrap();
    serves(&gateway);
}
