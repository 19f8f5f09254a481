//! What the behaviour suite can't say of MySQL and MariaDB: every type of the server as its README says, statements that run on each
//! connection, and that a statement for which nobody waits is ended on the server.

use conformance::prepare::Prepared;
use serde_json::{Value as Json, json};
use tests::fixture::Fixture;
use tests::libraries::clone_folder;

use crate::client::request;
use crate::gateway::{Gateway, Setup, eventually};
use crate::shop::{READER, reading};

/// Run on each connection, and no more than once with an effect. A view is slow, another one shows what runs.
const STATEMENTS: [&str; 5] = [
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
];

/// The columns of `kinds` with the type of the README's table that they have, the type that the gateway shows, and the value of row 1.
fn columns() -> Vec<(&'static str, &'static str, &'static str, Json)> {
    let price = "12345678901234567890123456789012345.123456789012345678901234567891";
    vec![
        ("flag", "tinyint(1)", "boolean", json!(true)),
        ("one", "bit(1)", "boolean", json!(true)),
        ("bits", "bit(n)", "bigint", json!(4095)),
        ("tiny", "tinyint", "integer", json!(-128)),
        ("small", "smallint", "integer", json!(-32_768)),
        ("medium", "mediumint", "integer", json!(16_777_215)),
        ("year_", "year", "integer", json!(2024)),
        ("whole", "int unsigned", "bigint", json!(4_294_967_295_u32)),
        ("big", "bigint", "bigint", json!(-4_611_686_018_427_387_904_i64)),
        ("huge", "bigint unsigned", "bigint", json!(u64::MAX)),
        ("price", "decimal", "decimal", serde_json::from_str(price).unwrap()),
        ("ratio", "float", "float", json!(0.1)),
        ("number", "double", "double", json!(0.1)),
        ("fixed", "char", "string", json!("abc")),
        ("word", "varchar", "string", json!("word")),
        ("note", "longtext", "text", json!("a note")),
        ("mood", "enum", "string", json!("so so")),
        ("days", "set", "string", json!("mo,tu")),
        ("doc", "json", "json", json!({"a": [1, null]})),
        ("raw", "varbinary", "binary", json!("cmF3")),
        ("file", "blob", "binary", json!("ZmlsZQ==")),
        ("day", "date", "date", json!("2024-02-29")),
        ("clock", "time", "time", json!("23:59:59.000001")),
        ("moment", "datetime", "datetime", json!("9999-12-31 23:59:59.999999")),
        ("stamp", "timestamp", "timestamp", json!("2024-03-31T01:30:00.5Z")),
        ("code", "uuid", "uuid", json!("123e4567-e89b-12d3-a456-426614174000")),
        ("place", "geometries", "text", json!("POINT(1 2)")),
        ("address", "inet6", "string", json!("::1")),
    ]
}

/// The gateway on a running server, which ends with it.
struct World {
    gateway: Gateway,
    _store: Prepared,
}

fn world() -> World {
    let fixtures = Fixture::discover(&clone_folder().join("tests/fixtures")).unwrap();
    let fixture = fixtures.into_iter().find(|fixture| fixture.connector == "mysql").unwrap();
    let store = fixture.start(&fixture.versions[0], &[]).unwrap();
    let statements = STATEMENTS.join("\", \"");
    let config = include_str!("mysql.toml")
        .replace("STORE_PORT", &store.config["port"].to_string())
        .replace("STORE_STATEMENTS", &statements);
    let setup = Setup::new(&config)
        .connector("mysql")
        .variable("STORE_PASSWORD", store.config["password"].as_str().unwrap());
    World { gateway: setup.start(), _store: store }
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
fn a_server_is_served_as_its_readme_says() {
    let world = world();
    every_type_is_described_and_read_as_the_readme_says(&world);
    what_is_read_is_written_and_read_back(&world);
    what_no_calendar_shows_is_a_text(&world);
    a_statement_without_a_listener_is_ended_on_the_server(&world);
    a_refused_login_is_told_without_the_password(&world);
}

fn every_type_is_described_and_read_as_the_readme_says(world: &World) {
    let readme = std::fs::read_to_string(clone_folder().join("connectors/mysql/README.md")).unwrap();
    let rows: Vec<Vec<&str>> = readme.lines().map(|line| line.split(" | ").collect()).collect();
    let row = world.read("store/_table/kinds/1");
    for (name, native, expected, value) in columns() {
        let described = world.read(&format!("store/_schema/kinds/_field/{name}"));
        assert_eq!(described["type"], expected, "{name}: {described}");
        assert_eq!(row[name].to_string(), value.to_string(), "{name}");
        let words = |cell: &str| {
            cell.contains(&format!("`{native}`")) || cell.contains(native) && !native.contains('(')
        };
        let is_told = rows.iter().any(|cells| matches!(cells.as_slice(), [natives, described, ..] if words(natives) && described.starts_with(expected)));
        assert!(is_told, "the README's table does not say that {native} is {expected}");
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
    eventually("it runs no more", || world.running() == 0);
}

fn a_refused_login_is_told_without_the_password(world: &World) {
    let answer = world.gateway.send(reading("wrong/_table/kinds"));
    assert!(answer.status >= 500 && !answer.body.contains("needle"), "{}: {}", answer.status, answer.body);
    let answer = world.gateway.send(reading("encrypted/_table/kinds"));
    assert!(answer.status >= 500 && answer.body.contains("encrypted"), "{}", answer.body);
    assert!(!world.gateway.log.text().contains("needle"));
}
