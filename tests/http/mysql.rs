//! What the behaviour suite can't say of MySQL and MariaDB: every type of the server both ways, statements that run on each connection, and
//! that a statement for which nobody waits is ended on the server.

use conformance::prepare::Prepared;
use conformance::tables::Stored;
use connector_api::model::{Column, ColumnType, Value};
use serde_json::{Value as Json, json};
use tests::fixture::Fixture;
use tests::libraries::clone_folder;

use crate::client::request;
use crate::gateway::{Gateway, Setup, eventually};
use crate::shop::{READER, reading};
use crate::walk;

/// Run on each connection, and no more than once with an effect. A view is slow, another one shows what runs.
const STATEMENTS: [&str; 13] = [
    "CREATE TABLE IF NOT EXISTS kinds (id int PRIMARY KEY AUTO_INCREMENT, flag tinyint(1), one bit(1), bits bit(12), tiny tinyint, \
     small smallint, medium mediumint unsigned, year_ year, whole int unsigned, big bigint, huge bigint unsigned, price decimal(65, 30), \
     ratio float, number double, fixed char(3), word varchar(10), note longtext, mood enum('sad', 'so so'), days set('mo', 'tu'), \
     doc json, raw varbinary(10), file blob, day date, clock time(6), moment datetime(6), stamp timestamp(6) NULL, code uuid, \
     place point, address inet6, twice bigint AS (big * 2) STORED, state varchar(5) DEFAULT 'new')",
    "INSERT IGNORE INTO kinds (id, flag, one, bits, tiny, small, medium, year_, whole, big, huge, price, ratio, number, fixed, word, note, \
     mood, days, doc, raw, file, day, clock, moment, stamp, code, place, address) VALUES (1, 1, 1, 4095, -128, -32768, 16777215, 2024, \
     4294967295, -4611686018427387904, 18446744073709551615, 12345678901234567890123456789012345.123456789012345678901234567891, 0.1, \
     0.1e0, 'abc', 'word', 'a note', 'so so', 'mo,tu', JSON_OBJECT('a', JSON_ARRAY(1, NULL)), 'raw', 'file', '2024-02-29', '23:59:59.000001', \
     '9999-12-31 23:59:59.999999', '2024-03-31 01:30:00.5', '123e4567-e89b-12d3-a456-426614174000', POINT(1, 2), '::1')",
    "INSERT IGNORE INTO kinds (id, flag, day, clock, moment) VALUES (2, 7, '0000-00-00', '-838:59:59', '2024-00-01')",
    "CREATE OR REPLACE VIEW slow AS SELECT id, SLEEP(60) AS slept FROM kinds",
    "CREATE OR REPLACE VIEW running AS SELECT id, info FROM information_schema.processlist WHERE info LIKE '%slow%' AND info NOT LIKE '%running%'",
    "CREATE OR REPLACE VIEW place AS SELECT variable_value AS path FROM information_schema.global_variables WHERE variable_name = 'SOCKET'",
    "CREATE OR REPLACE VIEW prepared AS SELECT CAST(variable_value AS int) AS number FROM information_schema.global_status WHERE variable_name = 'PREPARED_STMT_COUNT'",
    "CREATE TABLE IF NOT EXISTS tokens (id uuid PRIMARY KEY DEFAULT uuid(), word varchar(10))",
    "CREATE TABLE IF NOT EXISTS places (code varchar(9) COLLATE utf8mb4_general_ci PRIMARY KEY)",
    "CREATE TABLE IF NOT EXISTS trips (id int PRIMARY KEY, code varchar(9) COLLATE utf8mb4_general_ci, FOREIGN KEY (code) REFERENCES places (code))",
    "INSERT IGNORE INTO places VALUES ('abc'), ('été'), ('none')",
    "CREATE TABLE IF NOT EXISTS employees (emp_no int PRIMARY KEY, birth_date date NOT NULL, first_name varchar(14) NOT NULL, \
     last_name varchar(16) NOT NULL, gender enum('M', 'F') NOT NULL, hire_date date NOT NULL)",
    "INSERT IGNORE INTO employees VALUES (10001, '1953-09-02', 'Georgi', 'Facello', 'M', '1986-06-26'), \
     (10002, '1964-06-02', 'Bezalel', 'Simmel', 'F', '1985-11-21'), (10003, '1959-12-03', 'Parto', 'Bamford', 'M', '1986-08-28'), \
     (10004, '1954-05-01', 'Chirstian', 'Koblick', 'M', '1986-12-01'), (10005, '1955-01-21', 'Kyoichi', 'Maliniak', 'M', '1989-09-12')",
];

/// The columns of `kinds` with the type that the gateway shows and the value of row 1.
fn columns() -> Vec<(&'static str, &'static str, Json)> {
    let price = "12345678901234567890123456789012345.123456789012345678901234567891";
    vec![
        ("flag", "boolean", json!(true)),
        ("one", "boolean", json!(true)),
        ("bits", "bigint", json!(4095)),
        ("tiny", "integer", json!(-128)),
        ("small", "integer", json!(-32_768)),
        ("medium", "integer", json!(16_777_215)),
        ("year_", "integer", json!(2024)),
        ("whole", "bigint", json!(4_294_967_295_u32)),
        ("big", "bigint", json!(-4_611_686_018_427_387_904_i64)),
        ("huge", "bigint", json!(u64::MAX)),
        ("price", "decimal", serde_json::from_str(price).unwrap()),
        ("ratio", "float", json!(0.1)),
        ("number", "double", json!(0.1)),
        ("fixed", "string", json!("abc")),
        ("word", "string", json!("word")),
        ("note", "text", json!("a note")),
        ("mood", "string", json!("so so")),
        ("days", "string", json!("mo,tu")),
        ("doc", "json", json!({"a": [1, null]})),
        ("raw", "binary", json!("cmF3")),
        ("file", "binary", json!("ZmlsZQ==")),
        ("day", "date", json!("2024-02-29")),
        ("clock", "time", json!("23:59:59.000001")),
        ("moment", "datetime", json!("9999-12-31 23:59:59.999999")),
        ("stamp", "timestamp", json!("2024-03-31T01:30:00.5Z")),
        ("code", "uuid", json!("123e4567-e89b-12d3-a456-426614174000")),
        ("place", "text", json!("POINT(1 2)")),
        ("address", "string", json!("::1")),
    ]
}

/// The gateway on a running server, which ends with it.
struct World {
    gateway: Gateway,
    store: Prepared,
}

/// What starts the server.
pub(crate) fn fixture() -> Fixture {
    let fixtures = Fixture::discover(&clone_folder().join("tests/fixtures")).unwrap();
    fixtures.into_iter().find(|fixture| fixture.connector == "mysql").unwrap()
}

fn world() -> World {
    let fixture = fixture();
    let store = fixture.start(&fixture.versions[0], &[]).unwrap();
    let statements = STATEMENTS.join("\", \"");
    let config = include_str!("mysql.toml")
        .replace("STORE_PORT", &store.config["port"].to_string())
        .replace("STORE_STATEMENTS", &statements);
    let setup = Setup::new(&config)
        .connector("mysql")
        .variable("STORE_PASSWORD", store.config["password"].as_str().unwrap());
    World { gateway: setup.start(), store }
}

impl World {
    #[track_caller]
    fn read(&self, path: &str) -> Json {
        let answer = self.gateway.send(reading(path));
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        answer.json()
    }

    /// What runs of the slow view.
    fn running(&self) -> usize {
        self.read("store/_table/running")["resource"].as_array().unwrap().len()
    }
}

/// One server for all of it: starting one takes longer than all of the requests.
#[test]
fn every_type_is_exact_and_what_nobody_waits_for_is_ended() {
    let world = world();
    every_type_is_described_and_read(&world);
    what_is_read_is_written_and_read_back(&world);
    what_no_calendar_shows_is_a_text(&world);
    a_statement_without_a_listener_is_ended_on_the_server(&world);
    a_refused_login_is_told_without_the_password(&world);
    a_read_outlives_its_connection(&world);
    a_socket_does_instead_of_an_address(&world);
    statements_that_are_not_kept_are_closed(&world);
    a_key_that_an_expression_makes_goes_back(&world);
    walk::through("connectors/mysql/README.md", &world.gateway, READER);
    texts_that_the_database_takes_for_equal_are_related(&world);
}

fn texts_that_the_database_takes_for_equal_are_related(world: &World) {
    let trips = json!({ "resource": [
        { "id": 1, "code": "abc" }, { "id": 2, "code": "ABC" }, { "id": 3, "code": "ete" }, { "id": 4, "code": null }
    ]});
    let made = world.gateway.send(request("POST", "/api/v2/store/_table/trips").key(READER).body(trips));
    assert_eq!(made.status, 200, "{}", made.body);
    let trips = world.read("store/_table/trips?related=places_by_code&fields=id&order=id");
    let codes: Vec<&Json> =
        trips["resource"].as_array().unwrap().iter().map(|trip| &trip["places_by_code"]["code"]).collect();
    assert_eq!(codes, [&json!("abc"), &json!("abc"), &json!("été"), &Json::Null]);
    let places = world.read("store/_table/places?related=trips_by_code&trips_by_code.fields=id&order=code");
    let ids = places["resource"].as_array().unwrap().iter().map(|place| place["trips_by_code"].clone());
    assert_eq!(ids.collect::<Vec<_>>(), [json!([{ "id": 1 }, { "id": 2 }]), json!([{ "id": 3 }]), json!([])]);
}

fn every_type_is_described_and_read(world: &World) {
    let row = world.read("store/_table/kinds/1");
    for (name, expected, value) in columns() {
        let described = world.read(&format!("store/_schema/kinds/_field/{name}"));
        assert_eq!(described["type"], expected, "{name}: {described}");
        assert_eq!(row[name].to_string(), value.to_string(), "{name}");
    }
    assert_eq!(row["twice"], json!(i64::MIN), "a generated column is read");
    assert_eq!(row["state"], json!("new"), "a default applies");
    let mood = world.read("store/_schema/kinds/_field/mood");
    assert_eq!(mood["picklist"], json!(["sad", "so so"]), "{mood}");
}

fn what_is_read_is_written_and_read_back(world: &World) {
    let mut row = serde_json::Map::new();
    row.extend(columns().into_iter().map(|(name, .., value)| (name.to_owned(), value)));
    let body = json!({ "resource": [row] }).to_string();
    let written =
        world.gateway.send(request("POST", "/api/v2/store/_table/kinds?fields=*").key(READER).body(body));
    assert_eq!(written.status, 200, "{}", written.body);
    let back = &written.json()["resource"][0];
    for (name, .., value) in columns() {
        assert_eq!(back[name].to_string(), value.to_string(), "{name}");
    }
}

fn what_no_calendar_shows_is_a_text(world: &World) {
    let row = world.read("store/_table/kinds/2?fields=flag,day,clock,moment");
    let expected =
        json!({"flag": 7, "day": "0000-00-00", "clock": "-838:59:59", "moment": "2024-00-01 00:00:00"});
    assert_eq!(row, expected);
}

fn a_statement_without_a_listener_is_ended_on_the_server(world: &World) {
    let answer = world.gateway.send(reading("store/_table/slow"));
    assert!(answer.status >= 500 && answer.body.contains("statement_timeout"), "{}", answer.body);
    eventually("it is ended", || world.running() == 0);
}

fn a_refused_login_is_told_without_the_password(world: &World) {
    let answer = world.gateway.send(reading("wrong/_table/kinds"));
    assert!(answer.status >= 500 && !answer.body.contains("needle"), "{}: {}", answer.status, answer.body);
    let answer = world.gateway.send(reading("encrypted/_table/kinds"));
    assert!(answer.status >= 500 && answer.body.contains("encrypted"), "{}", answer.body);
    assert!(!world.gateway.log.text().contains("needle"));
}

/// Each new connection of the service `killer` ends all others of the account.
fn a_read_outlives_its_connection(world: &World) {
    let before = world.read("store/_table/kinds/1?fields=word");
    world.read("killer/_table/kinds/1");
    assert_eq!(world.read("store/_table/kinds/1?fields=word"), before);
    let changed = world
        .gateway
        .send(request("PATCH", "/api/v2/store/_table/kinds/1").key(READER).body(json!({"word": "other"})));
    assert_eq!(changed.status, 200, "{}", changed.body);
}

fn a_socket_does_instead_of_an_address(world: &World) {
    let place = world.read("store/_table/place");
    let config = json!({
        "unix_socket": place["resource"][0]["path"],
        "database": "suite",
        "username": "gateway",
        "password": world.store.config["password"],
    });
    let service =
        toml::to_string(&json!({"services": [{"name": "near", "type": "mariadb", "config": config}]}));
    let gateway = Setup::new(&format!("{}{ACCESS}", service.unwrap())).connector("mysql").start();
    gateway.send(reading("near/_table/kinds/2?fields=flag")).is_ok(r#"{"flag":7}"#);
}

fn statements_that_are_not_kept_are_closed(world: &World) {
    let prepared = || world.read("store/_table/prepared")["resource"][0]["number"].as_i64().unwrap();
    let before = prepared();
    for _ in 0..50 {
        world.read("uncached/_table/kinds/1");
    }
    let more = prepared() - before;
    assert!(more < 25, "50 reads left {more} statements behind");
}

fn a_key_that_an_expression_makes_goes_back(world: &World) {
    let body = json!({"resource": [{"word": "first"}, {"word": "second"}]});
    let made = world.gateway.send(request("POST", "/api/v2/store/_table/tokens").key(READER).body(body));
    assert_eq!(made.status, 200, "{}", made.body);
    for (row, word) in made.json()["resource"].as_array().unwrap().iter().zip(["first", "second"]) {
        let id = row["id"].as_str().unwrap();
        assert_eq!(world.read(&format!("store/_table/tokens/{id}")), json!({"id": id, "word": word}));
    }
}

/// Who may read everything.
const ACCESS: &str = r#"
[[roles]]
name = "everything"

[[roles.access]]
service = "*"
component = "*"
verbs = ["GET"]

[[apps]]
name = "everything"
role = "everything"
api_key = "key-of-readers"
"#;

/// A service for each of these, on a server that wants TLS and the certificate of a client: which keys of the configuration are other ones
/// (null: not there), and why it is refused.
fn check_tls(version: &str, cases: &[(&str, Json, Option<&str>)]) {
    let table = Stored::new("one", vec![Column::new("id", ColumnType::Integer)], vec![vec![Value::I64(1)]]);
    let store = fixture().start(version, &[table]).unwrap();
    let service = |(name, changes, _): &(&str, Json, Option<&str>)| {
        let mut config = store.config.clone();
        for (key, value) in changes.as_object().unwrap() {
            // A file beside those of the fixture.
            let folder = store.config["sslrootcert"].as_str().unwrap().trim_end_matches("authority.pem");
            let value = value.as_str().map(|text| json!(text.replace("FOLDER/", folder)));
            config[key] = value.unwrap_or_default();
        }
        config.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        toml::to_string(&json!({"services": [{"name": name, "type": "mysql", "config": config}]})).unwrap()
    };
    let services: String = cases.iter().map(service).collect();
    let gateway = Setup::new(&format!("{services}{ACCESS}")).connector("mysql").start();
    for (name, _, refusal) in cases {
        let answer = gateway.send(reading(&format!("{name}/_table/one")));
        match refusal {
            None => answer.is_ok(r#"{"resource":[{"id":1}]}"#),
            Some(reason) => {
                assert!(answer.status >= 500 && answer.body.contains(reason), "{name}: {}", answer.body);
            }
        }
    }
}

#[test]
fn a_server_is_verified_as_far_as_the_configuration_says() {
    let no_certificate = json!({"sslcert": null, "sslkey": null});
    check_tls(
        "tls",
        &[
            ("full", json!({}), None),
            ("wrong-host", json!({"host": "127.0.0.1"}), Some("tls_failed")),
            ("authority-only", json!({"host": "127.0.0.1", "sslmode": "verify-ca"}), None),
            ("stranger", json!({"sslrootcert": "FOLDER/stranger.pem"}), Some("tls_failed")),
            ("public", json!({"sslrootcert": null}), Some("tls_failed")),
            (
                "stranger-only",
                json!({"sslrootcert": "FOLDER/stranger.pem", "sslmode": "verify-ca"}),
                Some("tls_failed"),
            ),
            ("unverified", json!({"host": "127.0.0.1", "sslmode": "require", "sslrootcert": null}), None),
            ("preferred", json!({"host": "127.0.0.1", "sslmode": "prefer", "sslrootcert": null}), None),
            ("no-certificate", no_certificate, Some("auth_failed")),
            (
                "plain",
                json!({"sslmode": "disable", "sslrootcert": null, "sslcert": null, "sslkey": null}),
                Some("auth_failed"),
            ),
        ],
    );
}

#[test]
fn an_expired_server_is_refused_by_those_who_verify() {
    check_tls(
        "expired",
        &[
            ("full", json!({}), Some("tls_failed")),
            ("authority-only", json!({"sslmode": "verify-ca"}), Some("tls_failed")),
            ("unverified", json!({"sslmode": "require", "sslrootcert": null}), None),
        ],
    );
}

/// A script plays the server, because MySQL 8 is not at hand: it takes the whole password once, encrypted with its key, and then digests.
#[test]
fn logins_of_mysql_8_are_made_without_tls_and_without_the_password_in_the_clear() {
    let store = fixture().start("sha2", &[]).unwrap();
    let service = |name: &str, password: &Json| {
        let config = json!({"host": "127.0.0.1", "port": store.config["port"], "database": "suite", "username": "gateway", "password": password, "pool_size": 1});
        toml::to_string(&json!({"services": [{"name": name, "type": "mysql", "config": config}]})).unwrap()
    };
    let right = &store.config["password"];
    let services =
        ["first", "second"].map(|name| service(name, right)).concat() + &service("wrong", &json!("needle"));
    let gateway = Setup::new(&format!("{services}{ACCESS}")).connector("mysql").start();
    for name in ["first", "second"] {
        let answer = gateway.send(reading(&format!("{name}/_table")));
        answer.is_ok(r#"{"resource":[{"name":"one"}]}"#);
    }
    let refused = gateway.send(reading("wrong/_table"));
    assert!(refused.body.contains("auth_failed"), "{}", refused.body);
}
