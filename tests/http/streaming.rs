//! Answers larger than memory should be: streamed, ended with their client, and no burden on others.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use crate::client::{Download, request};
use crate::gateway::{Gateway, Setup, eventually};
use crate::shop::{self, READER, reading};

/// Bytes of the text in each row of the long tables.
const TEXT: usize = 1000;
/// Rows of the table `huge`, of 200 MB in every form.
const HUGE: usize = 200_000;
/// Rows of the table `large`.
const LARGE: usize = 20_000;

/// What may not fit into memory: 200 MB.
pub(crate) const LARGE_BODY: usize = 200_000_000;

/// How much more than at rest the gateway may hold while it sends `huge`.
pub(crate) const ALLOWED_KIB: u64 = 64 * 1024;

/// The bytes of `large`: each row has a text; numbers, names and commas stand around it.
pub(crate) const LARGE_SIZE: usize =
    r#"{"resource":[]}"#.len() + LARGE * (TEXT + r#"{"n":10000,"text":""},"#.len()) - 1;

/// A folder with the service `big`, whose one thread reads views that are much longer than their file.
pub(crate) fn setup(more: &str) -> Setup {
    let service = r#"
[[services]]
name = "big"
type = "sqlite"

[services.config]
database = "big.sqlite"
threads = 1
max_records = 1000000000
"#;
    let setup = shop::setup(&format!("{service}\n{more}"));
    let database = rusqlite::Connection::open(setup.path("big.sqlite")).unwrap();
    for (name, rows) in [("large", LARGE), ("huge", HUGE), ("endless", 1_000_000_000)] {
        let view = format!(
            "CREATE VIEW {name} AS
             WITH RECURSIVE numbered (n) AS (SELECT 10000 UNION ALL SELECT n + 1 FROM numbered LIMIT {rows})
             SELECT n, printf('%.{TEXT}c', 'x') AS text FROM numbered"
        );
        database.execute_batch(&view).unwrap();
    }
    setup
}

fn started() -> Gateway {
    let gateway = setup("").start();
    gateway.send(reading("big/_table/endless?limit=1&fields=n")).is_ok(r#"{"resource":[{"n":10000}]}"#);
    gateway
}

/// A figure of the process's memory in KiB, as the system keeps it.
pub(crate) fn memory_kib(gateway: &Gateway, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", gateway.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().unwrap()
}

/// The memory of the process has not grown by more than allowed since it was at rest. Tells how far it grew.
#[track_caller]
pub(crate) fn stays_small(gateway: &Gateway, at_rest: u64, what: &str) {
    let grown = memory_kib(gateway, "VmHWM").saturating_sub(at_rest);
    // Past the harness, which keeps what a passing test prints.
    let _ = writeln!(std::io::stdout(), "{what}: at most {grown} KiB above {at_rest} KiB at rest");
    assert!(grown < ALLOWED_KIB, "{what}: {grown} KiB above {at_rest} KiB at rest");
}

/// Reads to the end: bytes, and the last piece of them.
fn drain(mut download: Download) -> (usize, Vec<u8>) {
    let (mut size, mut last) = (0, Vec::new());
    while let Some(piece) = download.piece() {
        size += piece.len();
        last = piece.to_vec();
    }
    (size, last)
}

#[test]
fn a_long_answer_does_not_pass_through_memory() {
    let gateway = started();
    let at_rest = memory_kib(&gateway, "VmRSS");
    for (accept, end) in [
        ("application/json", "]}"),
        ("application/x-ndjson", "\"}\n"),
        ("text/csv", "x\n"),
        ("application/xml", "</dfapi>"),
    ] {
        let (size, last) = drain(reading("big/_table/huge").header("Accept", accept).open(gateway.address));
        assert!(size > LARGE_BODY, "{accept}: {size}");
        assert!(last.ends_with(end.as_bytes()), "{accept}");
        stays_small(&gateway, at_rest, &format!("{size} bytes of {accept} out"));
    }
}

#[test]
fn a_streamed_answer_is_whole() {
    let gateway = started();
    let mut download = reading("big/_table/large").open(gateway.address);
    assert_eq!(download.headers.get("content-length"), None, "its length is not known at its beginning");
    let mut body = Vec::new();
    while let Some(piece) = download.piece() {
        body.extend_from_slice(&piece);
    }
    assert_eq!(body.len(), LARGE_SIZE);
    let answer: Json = serde_json::from_slice(&body).unwrap();
    let rows = answer["resource"].as_array().unwrap();
    assert_eq!(rows.len(), LARGE);
    for (n, row) in (10_000..).zip(rows) {
        assert_eq!(row["n"], n);
        assert_eq!(row["text"].as_str().unwrap().len(), TEXT);
    }
}

#[test]
fn a_client_that_goes_away_ends_its_query() {
    let gateway = started();
    for _ in 0..3 {
        let mut download = reading("big/_table/endless").open(gateway.address);
        assert!(download.piece().is_some());
        drop(download);
        // The service has one thread; it has to be free again.
        gateway.send(reading("big/_table/large?limit=1&fields=n")).is_ok(r#"{"resource":[{"n":10000}]}"#);
    }
}

#[test]
fn a_count_whose_client_goes_away_is_ended() {
    let gateway = started();
    let count = request("GET", "/api/v2/big/_table/endless?count_only=true").key(READER);
    drop(count.send_only(gateway.address));
    gateway.send(reading("big/_table/large?limit=1&fields=n")).is_ok(r#"{"resource":[{"n":10000}]}"#);
}

#[test]
fn a_client_that_takes_too_little_is_ended() {
    let gateway = setup("[server]\nrequest_timeout = \"1s\"").start();
    let endless = request("GET", "/api/v2/big/_table/endless").key(READER);
    let mut slow = endless.send_only(gateway.address);
    let mut byte = [0];
    slow.read_exact(&mut byte).unwrap();
    // Of what is on its way already there is always one byte more.
    eventually("the only thread of the service is free again", || {
        _ = slow.read(&mut byte);
        gateway.send(reading("big/_table/large?limit=1&fields=n")).status == 200
    });
}

/// Four times as fast as it has to be, for three times as long as nothing may move.
#[test]
fn a_client_that_takes_just_enough_is_not_ended() {
    const EACH: usize = 64 * 1024;
    let gateway = setup("[server]\nrequest_timeout = \"4s\"").start();
    let mut slow = request("GET", "/api/v2/big/_table/endless").key(READER).send_only(gateway.address);
    let (began, mut piece) = (Instant::now(), vec![0; EACH]);
    for second in 0..13 {
        eventually("its time has come", || began.elapsed() >= Duration::from_secs(second));
        slow.read_exact(&mut piece).unwrap();
    }
}

#[test]
fn a_slow_reader_holds_up_nobody_else() {
    let gateway = setup("[server]\nrequest_timeout = \"10m\"").start();
    gateway.send(reading("shop/_table/orders?count_only=1")).is_ok("5");
    let at_rest = memory_kib(&gateway, "VmHWM");
    let mut waiting: Vec<Download> =
        (0..4).map(|_| reading("shop/_table/numbers").open(gateway.address)).collect();
    let mut endless = reading("big/_table/endless").open(gateway.address);
    assert!(endless.piece().is_some());
    for _ in 0..25 {
        gateway.send(reading("shop/_table/orders?count_only=1")).is_ok("5");
        gateway.send(reading("mem/_table/people?count_only=1")).is_ok("7");
    }
    // Nothing is read ahead without bound for a reader that waits.
    let now = memory_kib(&gateway, "VmRSS");
    assert!(now < at_rest + ALLOWED_KIB, "{at_rest} KiB at rest, then {now} KiB");
    assert!(endless.piece().is_some() && waiting.iter_mut().all(|download| download.piece().is_some()));
}
