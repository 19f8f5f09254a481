//! What the behaviour suite can't say of PostgreSQL: the types that only it has, statements for each connection, what is cancelled on the
//! server, connections that are gone.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use conformance::prepare::Prepared;
use serde_json::{Value as Json, json};
use tests::fixture::Fixture;
use tests::libraries::clone_folder;

use crate::client::{Answer, Request, get, request};
use crate::gateway::{Gateway, Setup, eventually};
use crate::shop::{EVERYTHING, READER};
use crate::staying_up::asks;

/// A server without tables, and the gateway on it: `store` knows the schema `geo` by a statement, `plain` does not, `narrow` has one
/// connection and no queue.
struct World {
    gateway: Gateway,
    store: Prepared,
}

/// What starts the server.
pub(crate) fn fixture() -> Fixture {
    let fixtures = Fixture::discover(&clone_folder().join("tests/fixtures")).unwrap();
    fixtures.into_iter().find(|fixture| fixture.facts.service_type == "pgsql").unwrap()
}

/// Shared by the tests that run at the same time; the server ends with the last of them.
fn world() -> Arc<World> {
    static SHARED: Mutex<Weak<World>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(world) = shared.upgrade() {
        return world;
    }
    let fixture = fixture();
    let store = fixture.start("15", &[]).unwrap();
    sql(&store, include_str!("postgres.sql"));
    let config = include_str!("postgres.toml").replace("PORT", &store.config["port"].to_string());
    let setup = Setup::new(&config)
        .connector(&fixture.connector)
        .variable("STORE_PASSWORD", store.config["password"].as_str().unwrap());
    let world = Arc::new(World { gateway: setup.start(), store });
    *shared = Arc::downgrade(&world);
    world
}

/// What a script prints that the server's own client runs.
pub(crate) fn sql(store: &Prepared, script: &str) -> String {
    let text = |name: &str| {
        store.config[name].as_str().map_or_else(|| store.config[name].to_string(), str::to_owned)
    };
    let mut client = Command::new("psql");
    client.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]).env("PGPASSWORD", text("password"));
    client.args(["-h", &text("host"), "-p", &text("port"), "-U", &text("username"), "-d", &text("database")]);
    let client = client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut client = client.expect("psql is installed with the server");
    client.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let output = client.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

impl World {
    fn sql(&self, script: &str) -> String {
        sql(&self.store, script)
    }

    #[track_caller]
    fn read(&self, path: &str) -> Answer {
        self.gateway.send(get(&format!("/api/v2/{path}")).key(READER))
    }

    #[track_caller]
    fn write(&self, verb: &str, path: &str, body: &Json) -> Answer {
        self.gateway.send(request(verb, &format!("/api/v2/{path}")).key(READER).body(body))
    }

    /// Sends a request to `crowd` on each of its connections: the table is locked until all of them wait for it.
    fn send_on_each_connection(&self, table: &str, request: &Request) {
        // Two that do so would each hold some of the connections and wait for the others.
        static ALONE: Mutex<()> = Mutex::new(());
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let lock = format!(
            "SET statement_timeout = '30s'; BEGIN; LOCK TABLE {table};
            DO $$ BEGIN
                WHILE (SELECT count(*) FROM pg_stat_activity WHERE application_name = 'crowd' AND wait_event_type = 'Lock') < 4 LOOP
                    PERFORM pg_sleep(0.005), pg_stat_clear_snapshot();
                END LOOP;
            END $$;
            COMMIT"
        );
        let is_locked = format!(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = '{table}'::regclass AND mode = 'AccessExclusiveLock' AND granted)"
        );
        std::thread::scope(|scope| {
            scope.spawn(|| self.sql(&lock));
            eventually("the table is locked", || self.sql(&is_locked) == "t");
            for _ in 0..4 {
                scope.spawn(|| {
                    let answer = self.gateway.send(request.clone());
                    assert_eq!(answer.status, 200, "{}", answer.body);
                });
            }
        });
    }

    /// How many statements with this text run on the server, those of the asking client aside.
    fn running(&self, text: &str) -> usize {
        let count = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() AND query LIKE";
        self.sql(&format!("{count} '%{text}%'")).parse().unwrap()
    }
}

#[test]
fn a_value_of_each_type_is_read_as_it_was_written() {
    let row = json!({
        "id": 1, "i2": -32768, "i8": i64::MAX, "f": 0.1, "d": 1e300, "b": true, "t": "O'Brien \"日本\"", "v": "x", "bin": "AP+A",
        "day": "2024-02-29", "clock": "12:30:00.25", "zoned": "12:30:00+02", "ts": "2024-05-01 12:30:00.000001",
        "tz": "2024-05-01T10:30:00Z", "span": "1 year 2 mons 3 days 04:05:06", "u": "123e4567-e89b-12d3-a456-426614174000",
        "j": {"b": 1, "a": [1]}, "jb": {"a": [1], "b": 1}, "bits": "101", "vb": "1", "ip": "10.0.0.1", "net": "10.0.0.0/8",
        "mac": "08:00:2b:01:02:03", "r": "[1,5)", "mood": "ok", "moods": ["ok", "sad"], "pair": "(1,\"a b\")", "dom": 5,
        "ints": [1, null, 3], "grid": [[1, 2], [3, 4]], "texts": ["a,b", "NULL", null, "x\"y\\"], "ips": ["10.0.0.1"], "x": "<a/>",
        "p": "(1,2)",
    });
    let world = world();
    let body = json!({"resource": [row]});
    assert_eq!(world.write("POST", "store/_table/everything", &body).status, 200);
    let mut read = world.read("store/_table/everything/1").json();
    let members = read.as_object_mut().unwrap();
    let left: Vec<_> =
        ["c", "n", "m", "gen", "ident"].map(|name| members.remove(name)).into_iter().flatten().collect();
    assert_eq!(read, row);
    assert_eq!(left[3..], [json!(-65536), json!(1)]);
}

#[test]
fn digits_and_ends_of_ranges_are_kept() {
    let rows = r#"{"resource":[{"id":11,"n":123456789012345678901234567890.1234567890,"m":12.5},{"id":12,"n":1e-20,"m":-0.05}]}"#;
    let world = world();
    let written =
        world.gateway.send(request("POST", "/api/v2/store/_table/everything").key(READER).body(rows));
    assert_eq!(written.status, 200, "{}", written.body);
    world.sql("INSERT INTO everything (id, n, f, d, day, clock, ts, tz, r) VALUES
        (13, 'NaN', 'Infinity', '-Infinity', 'infinity', '24:00', '-infinity', '0044-03-15 12:00:00+00 BC', 'empty')");
    world.read("store/_table/everything?ids=11,12&fields=n,m").is_ok(
        r#"{"resource":[{"n":123456789012345678901234567890.1234567890,"m":12.50},{"n":0.00000000000000000001,"m":-0.05}]}"#,
    );
    world.read("store/_table/everything/13?fields=n,f,d,day,clock,ts,tz,r").is_ok(
        r#"{"n":"NaN","f":"Infinity","d":"-Infinity","day":"infinity","clock":"24:00:00","ts":"-infinity","tz":"-0043-03-15T12:00:00Z","r":"empty"}"#,
    );
}

#[test]
fn filters_find_values_of_the_server_s_own_types() {
    let world = world();
    world.sql(
        "INSERT INTO everything (id, ip, mood, moods, r, span, f, m) VALUES
        (21, '10.1.2.3', 'ok', '{sad}', '[1,5)', '1 day', 0.1, 7.25)",
    );
    for filter in [
        "ip = '10.1.2.3'",
        "ip like '10.1.%'",
        "mood = 'ok'",
        "mood in ('ok','no such label')",
        "r = '[1,4]'",
        "span = '24 hours'",
        "f = 0.1",
        "m = 7.25",
    ] {
        let request = get("/api/v2/store/_table/everything?fields=id").key(READER);
        let found = world.gateway.send(request.with("filter", format!("({filter}) and (id = 21)")));
        found.is_ok(r#"{"resource":[{"id":21}]}"#);
    }
}

#[test]
fn a_value_that_the_server_refuses_stands_in_no_answer_and_no_log() {
    let world = world();
    let body = json!({"resource": [{"id": 31, "r": "needle-5d1c"}]});
    let refused = world.write("POST", "store/_table/everything", &body);
    assert_eq!((refused.status, refused.body.contains("needle")), (400, false), "{}", refused.body);
    world.gateway.log.find("status=400").unwrap();
    assert!(!world.gateway.log.text().contains("needle"));
}

#[test]
fn a_function_of_another_schema_works_where_a_statement_names_it() {
    let place = |name: &str| json!({"resource": [{"name": name}]});
    let refused = world().write("POST", "plain/_table/places", &place("refused"));
    assert_eq!(refused.status, 501, "{}", refused.body);
    let written = world().write("POST", "store/_table/places?fields=stamp", &place("Oslo"));
    written.is_ok(r#"{"resource":[{"stamp":"stamped"}]}"#);
}

#[test]
fn a_statement_is_cancelled_on_the_server_when_its_client_goes() {
    let world = world();
    let asked = get("/api/v2/store/_table/sleepers").key(READER).send_only(world.gateway.address);
    eventually("the statement runs", || world.running("sleepers") == 1);
    drop(asked);
    eventually("the statement is cancelled", || world.running("sleepers") == 0);
    assert_eq!(world.read("store/_table/places?limit=1").status, 200);
}

#[test]
fn a_service_whose_connections_are_all_in_use_is_busy_and_others_are_not() {
    let world = world();
    let asked = get("/api/v2/narrow/_table/nappers").key(READER).send_only(world.gateway.address);
    eventually("the statement runs", || world.running("nappers") == 1);
    let busy = world.read("narrow/_table/places");
    assert_eq!(busy.status, 503, "{}", busy.body);
    assert!(!busy.header("retry-after").is_empty());
    assert_eq!(world.read("store/_table/places?limit=1").status, 200);
    drop(asked);
    eventually("its connection is free", || world.read("narrow/_table/places?limit=1").status == 200);
}

#[test]
fn a_read_does_not_notice_that_the_server_closed_the_connections() {
    let world = world();
    for _ in 0..5 {
        assert_eq!(world.read("cut/_table/places?limit=1").status, 200);
        world.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cut'");
    }
    assert_eq!(world.read("cut/_table/places?limit=1").status, 200);
}

#[test]
fn a_socket_does_instead_of_an_address() {
    let world = world();
    let config = json!({
        "unix_socket": world.sql("SHOW unix_socket_directories"), "port": world.store.config["port"], "database": "suite",
        "username": "gateway", "password": world.store.config["password"],
    });
    let service = json!({"services": [{"name": "near", "type": "pgsql", "config": config}]});
    let service = toml::to_string(&service).unwrap();
    let gateway = Setup::new(&format!("{service}{EVERYTHING}")).connector("postgres").start();
    let path = "near/_table/ways?fields=address";
    world.sql("CREATE VIEW ways AS SELECT COALESCE(inet_client_addr()::text, 'socket') AS address");
    gateway.send(asks("GET", path)).is_ok(r#"{"resource":[{"address":"socket"}]}"#);
}

#[test]
fn a_table_that_was_changed_by_others_is_read_anew() {
    let world = world();
    let request = || get("/api/v2/store/_table/moving?fields=id,a").key(READER).with("filter", "a = 7");
    world.gateway.send(request()).is_ok(r#"{"resource":[{"id":1,"a":7}]}"#);
    world.sql("ALTER TABLE moving ALTER a TYPE numeric(5,2)");
    world.gateway.send(request()).is_ok(r#"{"resource":[{"id":1,"a":7.00}]}"#);
}

#[test]
fn values_are_those_that_were_sent_after_columns_have_become_of_other_types() {
    let world = world();
    let at = |verb: &str, behind: &str| {
        request(verb, &format!("/api/v2/crowd/_table/shifting{behind}")).key(READER)
    };
    // Describing the table would wait for the lock.
    assert_eq!(world.gateway.send(at("GET", "/1")).status, 200);
    let row = json!({"f": 0.5, "day": "2024-05-01", "n": 1, "i": 1});
    for request in [
        at("GET", "?limit=1&order=id&fields=f,day,n,i"),
        at("GET", "?fields=id").with("filter", "f = 0.1"),
        at("POST", "").body(json!({"resource": [row]})),
        at("POST", "").body(json!({"resource": [row, row]})),
        at("PATCH", "/1").body(&row),
    ] {
        world.send_on_each_connection("shifting", &request);
    }
    world.sql("ALTER TABLE shifting ALTER f TYPE double precision, ALTER day TYPE timestamp, ALTER n TYPE text, ALTER i TYPE bigint");
    // Nobody has told the gateway.
    for _ in 0..8 {
        let row = json!({"f": 0.1, "day": "2024-05-01", "n": 1, "i": 1});
        for request in [
            at("POST", "").body(json!({"resource": [row]})),
            at("POST", "").body(json!({"resource": [row, row]})),
            at("PATCH", "/1").body(&row),
        ] {
            assert_eq!(world.gateway.send(request).status, 200);
        }
    }
    let written = "SELECT string_agg(DISTINCT f::text, ' ' ORDER BY f::text) FROM shifting";
    assert_eq!(world.sql(written), "0.1 0.5");
    // Now it is told.
    assert_eq!(world.gateway.send(at("GET", "?refresh=true&limit=1")).status, 200);
    let text = r#"{"f":0.1,"day":"2024-05-01 12:30:00","n":"seven","i":5000000000}"#;
    let row: Json = serde_json::from_str(text).unwrap();
    let (one, two) = (format!(r#"{{"resource":[{text}]}}"#), format!(r#"{{"resource":[{text},{text}]}}"#));
    for _ in 0..20 {
        let fields = "?fields=f,day,n,i";
        world.gateway.send(at("POST", fields).body(json!({"resource": [row]}))).is_ok(&one);
        world.gateway.send(at("POST", fields).body(json!({"resource": [row, row]}))).is_ok(&two);
        world.gateway.send(at("PATCH", &format!("/1{fields}")).body(&row)).is_ok(text);
        world.gateway.send(at("GET", "?limit=1&order=id&fields=f,day,n,i")).is_ok(&one);
        let found = world
            .gateway
            .send(at("GET", "?fields=id").with("filter", "f = 0.1").with("limit", 1).with("order", "id"));
        found.is_ok(r#"{"resource":[{"id":1}]}"#);
    }
}

#[test]
fn a_value_that_fits_by_now_is_not_refused_for_the_type_of_before() {
    let world = world();
    world.sql("CREATE TABLE widening (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, v int)");
    let write = |value: u64| {
        let rows = [json!([{"v": value}]), json!([{"v": value}, {"v": value}])];
        rows.map(|rows| {
            request("POST", "/api/v2/crowd/_table/widening").key(READER).body(json!({"resource": rows}))
        })
    };
    for request in write(1) {
        world.send_on_each_connection("widening", &request);
    }
    world.sql("ALTER TABLE widening ALTER v TYPE bigint");
    for request in (0..8).flat_map(|_| write(3_000_000_000)) {
        let written = world.gateway.send(request);
        assert_eq!(written.status, 200, "{}", written.body);
    }
}

#[test]
fn a_column_that_the_account_may_not_read_is_written() {
    let world = world();
    let path = "/api/v2/clerk/_table/diary/1";
    world.gateway.send(request("PATCH", path).key(READER).body(json!({"note": "new"}))).is_ok(r#"{"id":1}"#);
    assert_eq!(world.sql("SELECT note FROM diary"), "new");
    assert!(world.read("clerk/_table/diary/1").status >= 400);
}

#[test]
fn a_condition_means_the_type_that_its_column_has_now() {
    let world = world();
    world.sql(
        "CREATE TABLE turning (id int PRIMARY KEY, f real, at timestamp);
        INSERT INTO turning VALUES (1, 0.1, '2024-05-01 12:00'), (2, 0.5, NULL)",
    );
    let at = |verb: &str| request(verb, "/api/v2/crowd/_table/turning?fields=id").key(READER);
    let found = r#"{"resource":[{"id":1}]}"#;
    let read = |filter: &str| world.gateway.send(at("GET").with("filter", filter));
    // The gateway knows the table as it is, then nobody tells it that it is another one.
    let turn = |column: &str| {
        assert_eq!(world.gateway.send(at("GET").with("refresh", "true")).status, 200);
        world.sql(&format!("ALTER TABLE turning ALTER {column}"));
    };
    read("f = 0.1").is_ok(found);
    for filter in ["f = 0.1", "at = '2024-05-01 12:00'"] {
        world.send_on_each_connection("turning", &at("GET").with("filter", filter));
    }
    let count = at("GET").with("filter", "f = 0.1").with("count_only", "true");
    world.send_on_each_connection("turning", &count);
    turn("f TYPE double precision USING f::text::double precision");
    (0..8).for_each(|_| read("f = 0.1").is_ok(found));
    (0..8).for_each(|_| world.gateway.send(count.clone()).is_ok("1"));
    turn("at TYPE timestamptz USING at AT TIME ZONE 'UTC'");
    (0..8).for_each(|_| read("at = '2024-05-01T14:00:00+02:00'").is_ok(found));
    let change = |filter: &str| {
        let change = at("PATCH").with("filter", filter).body(json!({"resource": [{"f": 0.3}]}));
        world.gateway.send(change)
    };
    turn("f TYPE real");
    change("f = 0.1").is_ok(found);
    turn("f TYPE numeric USING f::text::numeric");
    change("f = 0.3").is_ok(found);
    turn("at TYPE timestamp USING at AT TIME ZONE 'UTC'");
    let removed = world.gateway.send(at("DELETE").with("filter", "at != '2024-05-01 12:00:00'"));
    removed.is_ok(r#"{"resource":[]}"#);
    assert_eq!(world.sql("SELECT count(*) FROM turning"), "2");
}

#[test]
fn a_condition_on_related_rows_means_the_types_that_their_columns_have_now() {
    let world = world();
    world.sql(
        "CREATE TABLE turned_parent (id int PRIMARY KEY);
        CREATE TABLE turned_child (id int PRIMARY KEY, parent int REFERENCES turned_parent, f real);
        INSERT INTO turned_parent VALUES (1), (2);
        INSERT INTO turned_child VALUES (1, 1, 0.1), (2, 2, 0.5)",
    );
    let at = |field: &str| {
        let path = format!("/api/v2/crowd/_table/turned_parent?{field}");
        request("GET", &path).key(READER).with("filter", "turned_child_by_parent.f = 0.1")
    };
    let asked = [
        ("fields=id", r#"{"resource":[{"id":1}]}"#),
        ("count_only=true", "1"),
        ("fields=id&distinct=true", r#"{"resource":[{"id":1}]}"#),
    ];
    world.gateway.send(at("fields=id&refresh=true")).is_ok(asked[0].1);
    for (field, _) in asked {
        world.send_on_each_connection("turned_child", &at(field));
    }
    world.sql("ALTER TABLE turned_child ALTER f TYPE double precision USING f::text::double precision");
    for (field, expected) in asked {
        (0..8).for_each(|_| world.gateway.send(at(field)).is_ok(expected));
    }
}

#[test]
fn a_row_rule_holds_behind_what_triggers_do_after_the_statement() {
    let world = world();
    let row = |id: u8, note: &str| json!({"id": id, "day": "2024-02-29", "owner": "ann", "note": note});
    let write = |verb: &str, rows: &[Json]| {
        let request = request(verb, "/api/v2/store/_table/owned?rollback=true").key("key-of-ann");
        world.gateway.send(request.body(json!({ "resource": rows })))
    };
    let written = write("POST", &[row(1, "mine"), row(2, "mine")]);
    assert_eq!(written.status, 200, "{}", written.body);
    for (verb, rows) in [
        ("POST", vec![row(3, "for bob")]),
        ("POST", vec![row(4, "mine"), row(5, "for bob")]),
        ("PATCH", vec![row(1, "mine too"), row(2, "for bob")]),
        ("PUT", vec![row(1, "for bob")]),
    ] {
        let refused = write(verb, &rows);
        assert!((400..500).contains(&refused.status), "{verb} {rows:?}: {}", refused.body);
        assert_eq!(
            world.sql("SELECT string_agg(concat_ws(' ', id, owner, note), ';' ORDER BY id) FROM owned"),
            "1 ann mine;2 ann mine"
        );
    }
    let changed = write("PATCH", &[row(1, "still mine")]);
    assert_eq!(changed.status, 200, "{}", changed.body);
}
