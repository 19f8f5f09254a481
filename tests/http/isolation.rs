//! Connectors in processes of their own: what ends such a process ends the calls that it ran and nothing else, and otherwise nothing is
//! different.

use std::io::Write;
use std::net::TcpStream;
use std::process::Command;

use serde_json::json;

use crate::client::{Answer, get, request};
use crate::gateway::{Gateway, Setup, eventually};

/// Services of two libraries with processes of their own, and one of a library without.
const CONFIG: &str = r#"
[server]
request_timeout = "5s"

[plugins.connectors.sqlite]
isolation = "process"

[plugins.connectors.chaos]
isolation = "process"
memory_limit = "256MiB"
environment = ["WANTED"]

[[services]]
name = "apart"
type = "sqlite"
[services.config]
database = "apart.sqlite"
max_records = 10000

[[services]]
name = "inside"
type = "memory"

[[services]]
name = "bad"
type = "chaos_00"

[[roles]]
name = "all"
[[roles.access]]
service = "*"
component = "*"
verbs = ["GET", "POST", "PUT", "PATCH", "DELETE"]

[[apps]]
name = "all"
role = "all"
api_key = "the-key-of-everything"
"#;
const KEY: &str = "the-key-of-everything";

fn started() -> Gateway {
    setup().start()
}

fn setup() -> Setup {
    let setup = Setup::new(CONFIG).connector("chaos");
    let database = rusqlite::Connection::open(setup.path("apart.sqlite")).unwrap();
    database.execute_batch("CREATE TABLE notes (id INTEGER PRIMARY KEY, note TEXT NOT NULL)").unwrap();
    setup
}

/// The processes that a process has started, with the libraries that they have loaded.
fn children(parent: u32) -> Vec<(u32, String)> {
    let tasks = std::fs::read_dir(format!("/proc/{parent}/task")).unwrap();
    let lists = tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("children")));
    let numbers: Vec<u32> = lists
        .flat_map(|list| list.unwrap_or_default().split_whitespace().map(str::to_owned).collect::<Vec<_>>())
        .map(|number| number.parse().unwrap())
        .collect();
    numbers
        .into_iter()
        .filter_map(|number| Some((number, std::fs::read_to_string(format!("/proc/{number}/maps")).ok()?)))
        .collect()
}

/// The process of a library.
fn child(gateway: &Gateway, library: &str) -> Option<u32> {
    loaded_by(gateway.pid(), library)
}

fn loaded_by(parent: u32, library: &str) -> Option<u32> {
    let file = format!("libconnector_{library}.so");
    children(parent).into_iter().find(|(_, maps)| maps.contains(&file)).map(|(number, _)| number)
}

fn kill(process: u32) {
    let killed = Command::new("sh").args(["-c", r#"kill -s KILL "$1""#, "sh", &process.to_string()]).status();
    assert!(killed.unwrap().success());
}

fn read(gateway: &Gateway, path: &str) -> Answer {
    gateway.send(get(&format!("/api/v2/{path}")).key(KEY))
}

#[test]
fn what_ends_the_process_of_a_connector_ends_its_calls_and_it_is_started_again() {
    let gateway = started();
    let rows = r#"{"resource":[{"n":0},{"n":1},{"n":2}]}"#;
    read(&gateway, "bad/_table/good").is_ok(rows);
    for (table, how) in [("crash", "signal 11"), ("abort", "signal 6"), ("fill_memory", "signal 6")] {
        let lines = gateway.log.count();
        let answer = read(&gateway, &format!("bad/_table/{table}"));
        assert_eq!(answer.status, 503, "{table}: {}", answer.body);
        assert!(answer.body.contains("has ended and is started again"), "{table}: {}", answer.body);
        assert!(
            gateway.log.find_after(lines, "the process of a connector has ended").unwrap().contains(how),
            "{table}"
        );
        assert_eq!(read(&gateway, "inside/_table").status, 200, "{table}");
        assert_eq!(read(&gateway, "apart/_table/notes").status, 200, "{table}");
        eventually("it is there again", || read(&gateway, "bad/_table/good").status == 200);
        read(&gateway, "bad/_table/good").is_ok(rows);
    }
}

#[test]
fn a_library_that_blocks_its_process_is_given_another_one() {
    let gateway = started();
    read(&gateway, "bad/_table/good");
    let before = child(&gateway, "chaos").unwrap();
    let stop = Command::new("sh").args(["-c", r#"kill -s STOP "$1""#, "sh", &before.to_string()]).status();
    assert!(stop.unwrap().success());
    let answer = gateway.send(get("/api/v2/bad/_table/good").key(KEY));
    assert!(matches!(answer.status, 503 | 504), "{}", answer.body);
    eventually("another process answers", || read(&gateway, "bad/_table/good").status == 200);
    assert_ne!(child(&gateway, "chaos").unwrap(), before);
}

#[test]
fn requests_are_answered_as_by_a_library_inside() {
    let gateway = started();
    let rows: Vec<_> = (1..=5000).map(|id| json!({"id": id, "note": "n".repeat(100)})).collect();
    let path = "/api/v2/apart/_table/notes";
    let written = gateway.send(request("POST", path).key(KEY).body(json!({"resource": rows})));
    assert_eq!(written.status, 200, "{}", written.body);
    let all: serde_json::Value =
        serde_json::from_str(&read(&gateway, "apart/_table/notes?order=id").body).unwrap();
    assert_eq!(all["resource"], json!(rows));
    read(&gateway, "apart/_table/notes?count_only=true").is_ok("5000");
    let again = gateway.send(request("POST", path).key(KEY).body(json!({"resource": [rows[0]]})));
    assert_eq!(again.status, 400, "{}", again.body);
    let twice = json!({"resource": [{"id": 9001, "note": "x"}, {"id": 1, "note": "x"}]});
    let undone = gateway.send(request("POST", &format!("{path}?rollback=true")).key(KEY).body(&twice));
    assert_eq!(undone.status, 400, "{}", undone.body);
    assert_eq!(read(&gateway, "apart/_table/notes/9001").status, 404);
    assert_eq!(read(&gateway, "apart/_table/nothing").status, 404);
}

#[test]
fn a_transaction_whose_process_was_lost_writes_nothing_into_another_one() {
    let gateway = started();
    let mut upload = begun(&gateway);
    upload.write_all(&chunk("{\"id\":1,\"note\":\"before\"}\n")).unwrap();
    // Records are held until there are enough of them, or until the end; the table is locked from the first that is written.
    upload.write_all(&chunk(&records(10..5000))).unwrap();
    let database = rusqlite::Connection::open(gateway.setup.path("apart.sqlite")).unwrap();
    database.busy_timeout(std::time::Duration::ZERO).unwrap();
    eventually("the transaction writes", || database.execute_batch("BEGIN IMMEDIATE; ROLLBACK").is_err());
    kill(child(&gateway, "sqlite").unwrap());
    eventually("another process serves", || read(&gateway, "apart/_table/notes").status == 200);
    // The new process gives its first transaction the number that the lost one had.
    let mut other = begun(&gateway);
    other.write_all(&chunk(&records(6000..11_000))).unwrap();
    eventually("the other transaction writes", || {
        database.execute_batch("BEGIN IMMEDIATE; ROLLBACK").is_err()
    });
    // The lost one may have been answered already.
    let _ = upload.write_all(&[chunk("{\"id\":3,\"note\":\"late\"}\n"), END.to_vec()].concat());
    other.write_all(END).unwrap();
    let mut answers = [String::new(), String::new()];
    for (stream, answer) in [upload, other].iter_mut().zip(&mut answers) {
        let _ = std::io::Read::read_to_string(stream, answer);
    }
    assert!(!answers[0].starts_with("HTTP/1.1 200"), "{}", answers[0]);
    assert!(answers[1].starts_with("HTTP/1.1 200"), "{}", answers[1]);
    read(&gateway, "apart/_table/notes?count_only=true").is_ok("5000");
    read(&gateway, "apart/_table/notes?count_only=true&filter=id%3C6000").is_ok("0");
}

fn records(ids: std::ops::Range<u32>) -> String {
    ids.map(|id| format!("{{\"id\":{id},\"note\":\"{}\"}}\n", "n".repeat(100))).collect()
}

fn chunk(text: &str) -> Vec<u8> {
    format!("{:x}\r\n{text}\r\n", text.len()).into_bytes()
}

/// The last chunk.
const END: &[u8] = b"0\r\n\r\n";

/// An upload of records into one transaction, as far as its head.
fn begun(gateway: &Gateway) -> TcpStream {
    let mut stream = TcpStream::connect(gateway.address).unwrap();
    let head = format!(
        "POST /api/v2/apart/_table/notes?rollback=true HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/x-ndjson\r\n\
         X-DreamFactory-API-Key: {KEY}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

#[test]
fn a_process_gets_the_variables_that_are_named_and_ends_with_the_gateway() {
    let gateway = setup().variable("SHOP_PASSWORD", "secret").variable("WANTED", "1").start();
    read(&gateway, "bad/_table/good");
    let processes: Vec<u32> = children(gateway.pid()).into_iter().map(|(number, _)| number).collect();
    let process = child(&gateway, "chaos").unwrap();
    let environment = std::fs::read(format!("/proc/{process}/environ")).unwrap();
    let environment = String::from_utf8_lossy(&environment);
    assert!(environment.contains("WANTED=1"), "{environment}");
    assert!(!environment.contains("TABLEGATE") && !environment.contains("SHOP_PASSWORD"), "{environment}");
    kill(gateway.pid());
    eventually("all of them are gone", || {
        processes.iter().all(|number| !std::path::Path::new(&format!("/proc/{number}")).exists())
    });
}

#[test]
fn a_library_that_was_replaced_is_not_started() {
    let setup = setup();
    // A file of its own, instead of a link to the one of the suite.
    let library = setup.path("plugins/libconnector_chaos.so");
    let original = std::fs::read(&library).unwrap();
    std::fs::remove_file(&library).unwrap();
    std::fs::write(&library, &original).unwrap();
    let gateway = setup.start();
    read(&gateway, "bad/_table/good");
    let process = child(&gateway, "chaos").unwrap();
    let other = [original.as_slice(), b"another one"].concat();
    std::fs::remove_file(&library).unwrap();
    std::fs::write(&library, other).unwrap();
    let lines = gateway.log.count();
    kill(process);
    gateway.log.find_after(lines, "its file was replaced while the gateway runs").unwrap();
    assert_eq!(read(&gateway, "bad/_table/good").status, 503);
    // The one that was inspected may come back.
    std::fs::remove_file(&library).unwrap();
    std::fs::write(&library, original).unwrap();
    eventually("it is there again", || read(&gateway, "bad/_table/good").status == 200);
}

#[test]
fn a_message_that_is_too_long_ends_its_call_alone() {
    let gateway = started();
    read(&gateway, "bad/_table/good");
    let process = child(&gateway, "chaos").unwrap();
    let answer = read(&gateway, "bad/_table/raw_far_oversized");
    assert_eq!(answer.status, 500, "{}", answer.body);
    assert_eq!(child(&gateway, "chaos"), Some(process));
    read(&gateway, "bad/_table/good").is_ok(r#"{"resource":[{"n":0},{"n":1},{"n":2}]}"#);
}

#[test]
fn a_process_ends_with_the_gateway_while_its_library_does_not_come_back_from_loading() {
    let setup = setup();
    let library = setup.path("plugins/libconnector_chaos.so");
    let mut bytes = std::fs::read(&library).unwrap();
    let knob = b"tablegate.chaos:";
    let at = bytes.windows(knob.len()).position(|window| window == knob).unwrap();
    // `describe` does not return.
    bytes[at + knob.len()] = b'd';
    std::fs::remove_file(&library).unwrap();
    std::fs::write(&library, bytes).unwrap();
    let mut starting = setup.command(&["serve"]).stdout(std::process::Stdio::null()).spawn().unwrap();
    let mut hanging = None;
    eventually("its process hangs", || {
        hanging = loaded_by(starting.id(), "chaos");
        hanging.is_some()
    });
    starting.kill().unwrap();
    starting.wait().unwrap();
    let process = hanging.unwrap();
    eventually("it is gone", || !std::path::Path::new(&format!("/proc/{process}")).exists());
}

#[test]
fn metrics_tell_of_a_process_that_is_away() {
    let gateway =
        setup().variable("TABLEGATE_METRICS__TOKEN", "a-token-of-enough-characters-0123456789").start();
    read(&gateway, "bad/_table/good");
    let metrics = || {
        let asked = get("/metrics").header("Authorization", "Bearer a-token-of-enough-characters-0123456789");
        gateway.send(asked).body
    };
    let text = metrics();
    assert!(text.contains(r#"tablegate_connector_processes_lost_total{connector="chaos"} 0"#), "{text}");
    assert!(text.contains(r#"tablegate_service_up{service="bad"} 1"#), "{text}");
    // The pause before the next start grows, so it is seen to be away.
    eventually("it is told that it is away", || {
        child(&gateway, "chaos").into_iter().for_each(kill);
        metrics().contains(r#"tablegate_service_up{service="bad"} 0"#)
    });
    assert!(!metrics().contains(r#"tablegate_connector_processes_lost_total{connector="chaos"} 0"#));
}

#[test]
fn a_process_that_is_told_to_end_waits_for_the_gateway() {
    let gateway = started();
    read(&gateway, "bad/_table/good");
    let process = child(&gateway, "chaos").unwrap();
    for signal in ["TERM", "INT", "HUP"] {
        let script = r#"kill -s "$1" "$2""#;
        let told = Command::new("sh").args(["-c", script, "sh", signal, &process.to_string()]).status();
        assert!(told.unwrap().success());
    }
    read(&gateway, "bad/_table/good").is_ok(r#"{"resource":[{"n":0},{"n":1},{"n":2}]}"#);
    assert_eq!(child(&gateway, "chaos"), Some(process));
}

#[test]
fn a_service_that_a_reload_closes_leaves_the_others_of_its_library_alone() {
    let gateway = started();
    read(&gateway, "bad/_table/good");
    let process = child(&gateway, "sqlite").unwrap();
    let second =
        "\n[[services]]\nname = \"second\"\ntype = \"sqlite\"\nconfig = { database = \"apart.sqlite\" }\n";
    for config in [format!("{CONFIG}{second}"), CONFIG.to_owned(), format!("{CONFIG}{second}")] {
        let lines = gateway.log.count();
        gateway.setup.write("gateway.toml", &config);
        gateway.signal("HUP");
        gateway.log.find_after(lines, "the configuration was loaded again").unwrap();
        let expected = if config == CONFIG { 404 } else { 200 };
        assert_eq!(read(&gateway, "second/_table/notes").status, expected);
        assert_eq!(read(&gateway, "apart/_table/notes").status, 200);
    }
    assert_eq!(child(&gateway, "sqlite"), Some(process));
}

#[test]
fn a_library_that_is_not_there_is_named() {
    let setup = Setup::new("[plugins.connectors.sqlit]\nisolation = \"process\"\n");
    let output = setup.run(&["check"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("did you mean `sqlite`?"), "{said}");
    assert!(said.contains("gateway.toml:1: [plugins.connectors.sqlit]: no library"), "{said}");
}
