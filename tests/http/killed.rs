//! A gateway that is killed at any moment, again and again, while it changes rows, tables and extras: no file is half-written, it starts
//! again, and what it acknowledged is there.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value as Json, json};

use crate::client::{RUNTIME, Request};
use crate::gateway::{Gateway, Setup, eventually};
use crate::kept::Kept;
use crate::shop::EVERYTHING;
use crate::staying_up::asks;

const ROUNDS: usize = 12;
/// The most acknowledged changes of a round.
const CHANGES: u64 = 60;
/// How often a description repeats its number: so much is not written at once.
const REPEATED: usize = 20_000;

const SERVICE: &str = r#"
[[services]]
name = "file"
type = "sqlite"

[services.config]
database = "rows.sqlite"
"#;

/// How far each kind of change has come: numbers from 1 are acknowledged up to this one; the next one may be there or not.
type Reached = [usize; 3];

/// A kind of change, by its number.
type Change = fn(usize) -> Request;

fn row(number: usize) -> Request {
    asks("POST", "file/_table/marks").body(json!({"resource": [{"mark": number}]}))
}

fn described(number: usize) -> Json {
    json!({"label": format!("Label {number}"), "description": format!("{number} ").repeat(REPEATED)})
}

fn extra(number: usize) -> Request {
    asks("PATCH", "file/_schema/marks").body(described(number))
}

fn column_name(number: usize) -> String {
    format!("c{number}")
}

/// A change of the database and of the extras.
fn column(number: usize) -> Request {
    let field = json!({"name": column_name(number), "type": "integer", "allow_null": true, "label": format!("C {number}")});
    asks("PATCH", "file/_schema/grown").body(json!({"field": [field]}))
}

fn random(below: u64) -> u64 {
    RandomState::new().build_hasher().finish() % below
}

/// Asks for one change after the other until the gateway is gone.
async fn goes_on(address: SocketAddr, change: Change, mut reached: usize, changes: &AtomicUsize) -> usize {
    let mut client = Kept::new(address, true);
    while let Ok((status, body)) = client.ask(&change(reached + 1)).await {
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
        reached += 1;
        changes.fetch_add(1, Ordering::Relaxed);
    }
    reached
}

/// Kills the gateway in the middle of its work.
fn killed(gateway: &Gateway, reached: Reached) -> Reached {
    let changes = AtomicUsize::new(0);
    let (many, longer) = (usize::try_from(random(CHANGES)).unwrap(), random(2_000_000));
    let kinds: [Change; 3] = [row, extra, column];
    std::thread::scope(|threads| {
        let mut kinds = kinds.into_iter().zip(reached);
        let clients = [(); 3].map(|()| {
            let (change, reached) = kinds.next().unwrap();
            let changes = &changes;
            let client = goes_on(gateway.address, change, reached, changes);
            threads.spawn(|| RUNTIME.block_on(client))
        });
        eventually("changes are acknowledged", || changes.load(Ordering::Relaxed) > many);
        for _ in 0..longer {
            std::hint::spin_loop();
        }
        gateway.signal("KILL");
        gateway.wait();
        clients.map(|client| client.join().unwrap())
    })
}

/// All that was acknowledged is there, and at most one more.
#[track_caller]
fn found(what: &str, there: usize, done: usize) -> usize {
    assert!(there == done || there == done + 1, "{what}: {there} of {done} acknowledged changes are there");
    there
}

/// The file of extras is whole, whichever it is.
#[track_caller]
fn extras_are_whole(gateway: &Gateway) {
    if let Ok(text) = std::fs::read_to_string(gateway.setup.path("data/extras/file.toml")) {
        toml::from_str::<toml::Table>(&text).unwrap();
    }
}

#[track_caller]
fn judged(gateway: &Gateway, [rows, extras, columns]: Reached) -> Reached {
    let database = rusqlite::Connection::open(gateway.setup.path("rows.sqlite")).unwrap();
    let number = |sql: &str| {
        let number = database.query_row(sql, [], |row| row.get::<_, u32>(0)).unwrap();
        usize::try_from(number).unwrap()
    };
    let check: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
    let rows = found("rows", number("SELECT count(*) FROM marks"), rows);
    assert_eq!(number("SELECT count(DISTINCT mark) FROM marks"), rows);
    assert_eq!(number("SELECT coalesce(max(mark), 0) FROM marks"), rows);

    let marks = gateway.send(asks("GET", "file/_schema/marks")).json();
    let label = marks["label"].as_str().unwrap().strip_prefix("Label ").map_or(0, |n| n.parse().unwrap());
    let extras = found("extras", label, extras);
    if label > 0 {
        assert_eq!(marks["description"], described(label)["description"]);
    }

    let grown = gateway.send(asks("GET", "file/_schema/grown")).json();
    let fields = grown["field"].as_array().unwrap();
    found("columns", fields.len() - 1, columns);
    for number in 1..=columns {
        let field = fields.iter().find(|field| field["name"] == column_name(number).as_str()).unwrap();
        assert_eq!(field["label"], format!("C {number}"));
    }
    // A column may be there without its title; it is asked for once more.
    [rows, extras, columns]
}

#[test]
fn killed_at_any_moment_it_leaves_nothing_half_written_and_starts_again() {
    let setup = Setup::new(&format!("{SERVICE}{EVERYTHING}"));
    let database = rusqlite::Connection::open(setup.path("rows.sqlite")).unwrap();
    let tables = "CREATE TABLE marks (id INTEGER PRIMARY KEY, mark INTEGER); CREATE TABLE grown (id INTEGER PRIMARY KEY)";
    database.execute_batch(tables).unwrap();
    let mut gateway = setup.start();
    let mut reached = [0; 3];
    for _ in 0..ROUNDS {
        let acknowledged = killed(&gateway, reached);
        extras_are_whole(&gateway);
        drop(gateway.again(&["serve"]));
        reached = judged(&gateway, acknowledged);
        assert!(!gateway.log.text().contains("ERROR"), "{}", gateway.log.text());
    }
    assert!(reached.iter().all(|reached| *reached > 0), "{reached:?}");
}
