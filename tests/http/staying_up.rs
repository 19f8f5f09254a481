//! What a gateway makes of it when its database is full, locked, killed, paused or restarted: PostgreSQL and MariaDB alike.

use serde_json::{Value as Json, json};

use crate::client::{Answer, Request, get, request};
use crate::engine::{Engine, Kind, MARIADB, POSTGRES};
use crate::gateway::{Gateway, Setup, eventually};
use crate::shop::{EVERYTHING, READER};

/// A service beside the database.
const BESIDE: &str = r#"
[[services]]
name = "mem"
type = "memory"

[services.config.tables.t]
columns = [{ name = "id", type = "integer" }]
primary_key = ["id"]
rows = [{ id = 1 }]
"#;

/// A server and a gateway on it.
struct World {
    engine: Engine,
    gateway: Gateway,
    /// The same, and no request may take longer than three seconds.
    hasty: Gateway,
}

/// A gateway with these services and one beside them.
pub(crate) fn gateway(engine: &Engine, services: &str, more: &str) -> Gateway {
    let setup =
        Setup::new(&format!("{more}\n{services}\n{BESIDE}{EVERYTHING}")).connector(engine.kind.connector());
    setup.variable("STORE_PASSWORD", engine.store.config["password"].as_str().unwrap()).start()
}

fn world(kind: &'static Kind) -> World {
    let engine = kind.start();
    // Locks last as long as the test wants them to.
    let store = if kind.is_mariadb() {
        json!({"pool_size": 4, "lock_timeout": "5m"})
    } else {
        json!({"pool_size": 4})
    };
    let services: String = [
        ("store", store),
        ("fresh", json!({"pool_size": 2})),
        ("full", json!({"pool_size": 1, "queue": 0})),
        ("awaited", json!({"pool_size": 1, "acquire_timeout": "50ms"})),
        ("impatient", json!({"statement_timeout": "300ms"})),
    ]
    .iter()
    .map(|(name, more)| engine.service(name, more))
    .collect();
    let gateway_ = gateway(&engine, &services, "");
    let hasty = gateway(&engine, &engine.service("store", &json!({})), "[server]\nrequest_timeout = \"3s\"");
    World { engine, gateway: gateway_, hasty }
}

/// A request of who may do everything.
pub(crate) fn asks(verb: &str, path: &str) -> Request {
    request(verb, &format!("/api/v2/{path}")).key(READER)
}

fn reads(service: &str) -> Request {
    asks("GET", &format!("{service}/_table/many/7?fields=id"))
}

fn writes(mark: &str) -> Request {
    asks("POST", "store/_table/marks").body(json!({"resource": [{"mark": mark}]}))
}

impl World {
    #[track_caller]
    fn is_well(&self, service: &str) {
        self.gateway.send(reads(service)).is_ok(r#"{"id":7}"#);
    }

    /// So many rows of `marks` at once for others to lock, by their numbers.
    fn rows(&self, mark: &str, count: usize) -> Vec<i64> {
        let records: Vec<Json> = (0..count).map(|_| json!({"mark": mark})).collect();
        let made = self.gateway.send(asks("POST", "store/_table/marks").body(json!({"resource": records})));
        assert_eq!(made.status, 200, "{}", made.body);
        let made = made.json();
        made["resource"].as_array().unwrap().iter().map(|row| row["id"].as_i64().unwrap()).collect()
    }
}

#[track_caller]
pub(crate) fn is_done(answer: &Answer) {
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// It is refused for now, and says by which service and why.
#[track_caller]
fn is_refused_for_now(answer: &Answer, service: &str, kind: Option<&str>) {
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(!answer.header("retry-after").is_empty(), "{}", answer.body);
    let error = &answer.json()["error"];
    assert!(error["message"].as_str().unwrap().contains(&format!("'{service}'")), "{}", answer.body);
    if let Some(kind) = kind {
        assert_eq!(error["context"]["kind"], kind, "{}", answer.body);
    }
}

fn walk(kind: &'static Kind) {
    let world = world(kind);
    a_service_whose_connections_are_in_use_says_so(&world);
    transactions_that_need_descriptions_do_not_wait_for_each_other(&world);
    what_takes_too_long_is_ended_on_the_server(&world);
    of_two_that_wait_for_each_other_one_is_undone_as_a_whole(&world);
    what_others_changed_meanwhile_is_a_conflict(&world);
    a_restart_is_not_noticed_afterwards(&world);
    a_server_without_room_is_told_of(&world);
    a_killed_server_is_back_when_it_is(&world);
    a_paused_server_holds_up_nobody_else(&world);
}

/// Starting a server takes longer than all of the requests, so each engine has one.
#[test]
fn postgresql_is_outlived_whatever_befalls_it() {
    walk(&POSTGRES);
}

#[test]
fn mariadb_is_outlived_whatever_befalls_it() {
    walk(&MARIADB);
}

/// A name that is not known has a table described anew, beside the transaction.
fn transactions_that_need_descriptions_do_not_wait_for_each_other(world: &World) {
    let read = json!({"method": "GET", "path": "_table/many", "query": {"filter": "nothing = 1"}});
    let batch = || asks("POST", "fresh/_batch").body(json!({"operations": [read]}));
    std::thread::scope(|threads| {
        for _ in 0..8 {
            threads.spawn(|| {
                let answer = world.gateway.send(batch());
                assert_eq!(answer.status, 400, "{}", answer.body);
                assert!(answer.body.contains("nothing"), "{}", answer.body);
            });
        }
    });
}

fn a_service_whose_connections_are_in_use_says_so(world: &World) {
    for (service, kind) in [("full", "queue_full"), ("awaited", "pool_exhausted")] {
        world.is_well(service);
        let slow = asks("GET", &format!("{service}/_table/slow")).send_only(world.gateway.address);
        eventually("the slow statement runs", || world.engine.running("slow") == 1);
        is_refused_for_now(&world.gateway.send(reads(service)), service, Some(kind));
        world.is_well("store");
        world.gateway.send(get("/ready")).is_ok(r#"{"status":"ready"}"#);
        drop(slow);
        eventually("nobody waits, so it is ended", || world.engine.running("slow") == 0);
        eventually("the connection is free", || world.gateway.send(reads(service)).status == 200);
    }
}

fn what_takes_too_long_is_ended_on_the_server(world: &World) {
    let by_statement = world.gateway.send(asks("GET", "impatient/_table/slow"));
    assert_eq!(by_statement.status, 504, "{}", by_statement.body);
    let by_request = world.hasty.send(asks("GET", "store/_table/slow"));
    assert_eq!(by_request.status, 504, "{}", by_request.body);
    eventually("both are ended", || world.engine.running("slow") == 0);
    world.is_well("impatient");
}

/// Two requests lock a row each, wait for a row of others, and then want the row of each other.
fn of_two_that_wait_for_each_other_one_is_undone_as_a_whole(world: &World) {
    let rows = world.rows("deadlock", 4);
    let [a, b, c, d] = rows.as_slice() else { panic!("{rows:?}") };
    let mut others = world.engine.connect().unwrap();
    others.sql(&format!("BEGIN; SELECT id FROM marks WHERE id IN ({c}, {d}) FOR UPDATE"));
    let change = |ids: [&i64; 3], note: &str| {
        let records = ids.map(|id| json!({"id": id, "note": note}));
        asks("PATCH", "store/_table/marks?rollback=true").body(json!({"resource": records}))
    };
    let (first, second) = std::thread::scope(|threads| {
        let first = threads.spawn(|| world.gateway.send(change([a, c, b], "first")));
        let second = threads.spawn(|| world.gateway.send(change([b, d, a], "second")));
        eventually("both wait", || {
            world.engine.waiting() == 2 || first.is_finished() || second.is_finished()
        });
        others.sql("COMMIT");
        (first.join().unwrap(), second.join().unwrap())
    });
    let (done, undone) = if first.status == 200 { ("first", "second") } else { ("second", "first") };
    let (winner, loser) = if done == "first" { (&first, &second) } else { (&second, &first) };
    assert_eq!(winner.status, 200, "{} {}", first.body, second.body);
    assert_eq!(loser.status, 409, "{}", loser.body);
    assert_eq!(loser.json()["error"]["context"]["kind"], "deadlock", "{}", loser.body);
    assert!(!loser.header("retry-after").is_empty());
    assert_eq!((world.engine.deeds(done), world.engine.deeds(undone)), (3, 0));
}

/// A batch has read, somebody else changes the row, and then the batch wants to change it.
fn what_others_changed_meanwhile_is_a_conflict(world: &World) {
    let [row] = world.rows("serial", 1)[..] else { panic!("one row is made") };
    let mut others = world.engine.connect().unwrap();
    others.sql(&format!("BEGIN; UPDATE marks SET note = 'others' WHERE id = {row}"));
    let operations = json!([
        {"method": "POST", "path": "_table/marks", "body": {"resource": [{"mark": "half"}]}},
        {"method": "PATCH", "path": format!("_table/marks/{row}"), "body": {"note": "batch"}},
    ]);
    let batch = asks("POST", "store/_batch").body(json!({ "operations": operations }));
    let answer = std::thread::scope(|threads| {
        let answer = threads.spawn(|| world.gateway.send(batch));
        eventually("it waits", || world.engine.waiting() == 1 || answer.is_finished());
        others.sql("COMMIT");
        answer.join().unwrap()
    });
    if world.engine.kind.is_mariadb() {
        // What was only locked is changed behind the others.
        assert_eq!((answer.status, world.engine.deeds("half")), (200, 1), "{}", answer.body);
        return;
    }
    assert!(answer.body.contains("serialization_failure"), "{}", answer.body);
    assert!(!answer.header("retry-after").is_empty(), "{}", answer.body);
    assert_eq!((world.engine.deeds("half"), world.engine.deeds("batch")), (0, 0));
}

fn a_restart_is_not_noticed_afterwards(world: &World) {
    if !world.engine.kind.is_mariadb() {
        world.engine.sql("ALTER SYSTEM SET max_connections = 20");
    }
    many_connections(world);
    world.engine.tell("end");
    is_refused_for_now(&world.gateway.send(reads("store")), "store", None);
    world.engine.start_again();
    is_done(&world.gateway.send(writes("restarted")));
    many_connections(world);
}

/// As many connections as the pool has are in use at the same time, and all of them are alive.
fn many_connections(world: &World) {
    let mut others = world.engine.connect().unwrap();
    let [row] = world.rows("locked", 1)[..] else { panic!("one row is made") };
    others.sql(&format!("BEGIN; UPDATE marks SET note = 'others' WHERE id = {row}"));
    let change = || asks("PATCH", &format!("store/_table/marks/{row}")).body(json!({"note": "change"}));
    std::thread::scope(|threads| {
        let changes: Vec<_> = (0..4).map(|_| threads.spawn(|| world.gateway.send(change()))).collect();
        let has_ended = || changes.iter().any(|change| change.is_finished());
        eventually("all wait for the row", || world.engine.waiting() == 4 || has_ended());
        others.sql("COMMIT");
        for answer in changes {
            answer.join().unwrap().is_ok(&format!("{{\"id\":{row}}}"));
        }
    });
}

fn a_server_without_room_is_told_of(world: &World) {
    if world.engine.kind.is_mariadb() {
        world.engine.sql("SET GLOBAL max_connections = 20");
    }
    world.is_well("store");
    let mut room: Vec<_> = std::iter::from_fn(|| world.engine.connect()).take(40).collect();
    assert!(room.len() < 40, "the server takes any number");
    is_refused_for_now(&world.gateway.send(reads("fresh")), "fresh", Some("too_many_connections"));
    world.is_well("store");
    room.clear();
    eventually("there is room again", || world.gateway.send(reads("fresh")).status == 200);
}

fn a_killed_server_is_back_when_it_is(world: &World) {
    many_connections(world);
    is_done(&world.gateway.send(writes("before")));
    let [row] = world.rows("in flight", 1)[..] else { panic!("one row is made") };
    let mut others = world.engine.connect().unwrap();
    others.sql(&format!("BEGIN; SELECT id FROM marks WHERE id = {row} FOR UPDATE"));
    let change = asks("PATCH", &format!("store/_table/marks/{row}")).body(json!({"note": "cut off"}));
    let (read, written) = std::thread::scope(|threads| {
        let read = threads.spawn(|| world.gateway.send(asks("GET", "store/_table/slow")));
        let written = threads.spawn(|| world.gateway.send(change));
        eventually("both run", || world.engine.running("slow") == 1 && world.engine.waiting() == 1);
        world.engine.tell("kill");
        (read.join().unwrap(), written.join().unwrap())
    });
    is_refused_for_now(&read, "store", None);
    // Where it is one statement alone, nobody knows; where it is one of a transaction, it is undone.
    let is_known = world.engine.kind.is_mariadb();
    let (status, kind) = if is_known { (503, "connection_lost") } else { (504, "unknown_outcome") };
    assert!(written.status == status && written.body.contains(kind), "{}", written.body);
    is_refused_for_now(&world.gateway.send(reads("store")), "store", None);
    is_refused_for_now(&world.gateway.send(writes("meanwhile")), "store", None);
    world.engine.start_again();
    // Each of them meets connections that are dead.
    world.is_well("store");
    is_done(&world.gateway.send(writes("after")));
    let all = asks("POST", "store/_table/marks?rollback=true");
    is_done(&world.gateway.send(all.body(json!({"resource": [{"mark": "all"}, {"mark": "all"}]}))));
    many_connections(world);
    for (mark, deeds) in [("before", 1), ("cut off", 0), ("meanwhile", 0), ("after", 1), ("all", 2)] {
        assert_eq!(world.engine.deeds(mark), deeds, "{mark}");
    }
}

fn a_paused_server_holds_up_nobody_else(world: &World) {
    is_done(&world.hasty.send(reads("store")));
    world.engine.tell("pause");
    let hung: Vec<_> = (0..10).map(|_| reads("store").send_only(world.gateway.address)).collect();
    for gateway in [&world.gateway, &world.hasty] {
        gateway.send(asks("GET", "mem/_table/t/1")).is_ok(r#"{"id":1}"#);
    }
    let ready = world.gateway.send(get("/ready"));
    assert!(ready.status == 503 && ready.body.contains("store"), "{}: {}", ready.status, ready.body);
    std::thread::scope(|threads| {
        for number in 0..12 {
            threads.spawn(move || {
                let write = writes(&format!("paused {number}"));
                let answer = world.hasty.send(if number % 2 == 0 { reads("store") } else { write });
                assert!(matches!(answer.status, 503 | 504), "{}: {}", answer.status, answer.body);
            });
        }
    });
    drop(hung);
    world.engine.tell("resume");
    for gateway in [&world.gateway, &world.hasty] {
        eventually("it works again", || gateway.send(reads("store")).status == 200);
    }
    is_done(&world.gateway.send(writes("resumed")));
    assert_eq!(world.engine.deeds("resumed"), 1);
    for number in 0..12 {
        assert!(world.engine.deeds(&format!("paused {number}")) <= 1);
    }
}
