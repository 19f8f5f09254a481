//! Tables that others change while the gateway runs: a request that names what is new is answered as if the gateway had known it.

use rusqlite::Connection;
use serde_json::json;

use crate::client::{LIMIT, Request, request};
use crate::gateway::Gateway;
use crate::sales::with;
use crate::stock::{self, Stock, WRITER};

/// A table that the gateway knows, and that has a column more since.
struct Changed {
    stock: Stock,
    gateway: &'static Gateway,
    database: Connection,
}

impl Changed {
    fn new() -> Self {
        let (stock, gateway) = (Stock::new(), stock::shared());
        let database = Connection::open(gateway.setup.path("stock.sqlite")).unwrap();
        database.busy_timeout(LIMIT).unwrap();
        let changed = Self { stock, gateway, database };
        changed.gateway.send(changed.ask("GET", "?fields=id&ids=1")).is_ok(r#"{"resource":[{"id":1}]}"#);
        changed.sql("ALTER TABLE ? ADD COLUMN colour TEXT");
        changed.sql("UPDATE ? SET colour = 'red' WHERE id = 2");
        changed
    }

    /// Executes a statement in which `?` stands for the table.
    fn sql(&self, statement: &str) {
        self.database.execute_batch(&statement.replace('?', self.stock.table())).unwrap();
    }

    fn ask(&self, verb: &str, behind: &str) -> Request {
        request(verb, &self.stock.path("shop", behind)).key(WRITER)
    }

    /// The colours of all rows, by id.
    fn colours(&self) -> Vec<Option<String>> {
        let sql = format!("SELECT colour FROM {} ORDER BY id", self.stock.table());
        let mut statement = self.database.prepare(&sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }
}

#[test]
fn a_read_that_names_a_new_column_is_answered() {
    let red = r#"{"resource":[{"id":2}]}"#;
    let check = |behind: &str, parameters: &[(&str, &str)], expected: &str| {
        let changed = Changed::new();
        changed.gateway.send(with(changed.ask("GET", behind), parameters)).is_ok(expected);
    };
    check("", &[("fields", "colour"), ("ids", "2")], r#"{"resource":[{"colour":"red"}]}"#);
    check("", &[("fields", "id"), ("filter", "colour = red")], red);
    check(
        "",
        &[("fields", "id"), ("order", "colour desc, id"), ("filter", "id < 3")],
        r#"{"resource":[{"id":2},{"id":1}]}"#,
    );
    check("", &[("count_only", "true"), ("filter", "colour = red")], "1");
    check("/2", &[("fields", "colour")], r#"{"colour":"red"}"#);
}

#[test]
fn a_read_does_not_fail_for_a_column_that_is_gone_and_that_it_did_not_name() {
    for behind in ["?limit=1&order=id", "/1", "?ids=1"] {
        let changed = Changed::new();
        let known = changed.gateway.send(changed.ask("GET", "?refresh=true&ids=1&fields=id,colour"));
        known.is_ok(r#"{"resource":[{"id":1,"colour":null}]}"#);
        changed.sql("ALTER TABLE ? DROP COLUMN colour");
        let answer = changed.gateway.send(changed.ask("GET", behind));
        assert!(answer.status == 200 && !answer.body.contains("colour"), "{behind}: {}", answer.body);
    }
}

#[test]
fn a_value_for_a_new_column_is_written() {
    let check = |verb: &str, behind: &str, body: &str, expected: &[Option<&str>]| {
        let changed = Changed::new();
        let answer = changed.gateway.send(changed.ask(verb, behind).body(body));
        assert_eq!(answer.status, 200, "{verb} {behind}: {}", answer.body);
        assert_eq!(
            changed.colours(),
            expected.iter().map(|text| text.map(str::to_owned)).collect::<Vec<_>>(),
            "{verb} {behind} {body}"
        );
    };
    let (red, blue) = (Some("red"), Some("blue"));
    let late = r#"{"resource":[{"id":1,"qty":5},{"id":3,"colour":"blue"}]}"#;
    check("PATCH", "", late, &[None, red, blue]);
    check("PATCH", "?rollback=true", late, &[None, red, blue]);
    check("PATCH", "?continue=true", late, &[None, red, blue]);
    check("PATCH", "/1", r#"{"colour":"blue"}"#, &[blue, red, None]);
    check("PATCH", "?ids=1,3", r#"{"resource":[{"colour":"blue"}]}"#, &[blue, red, blue]);
    check("PATCH", "?filter=id%3E1", r#"{"resource":[{"colour":"blue"}]}"#, &[None, blue, blue]);
    check(
        "PATCH",
        "?filter=id%3E1&limit=1&order=id",
        r#"{"resource":[{"colour":"blue"}]}"#,
        &[None, blue, None],
    );
    check(
        "POST",
        "",
        r#"{"resource":[{"name":"d","owner":7},{"name":"e","owner":7,"colour":"blue"}]}"#,
        &[None, red, None, None, blue],
    );
}

#[test]
fn a_streamed_record_may_have_a_new_column() {
    let changed = Changed::new();
    let lines = "{\"name\":\"d\",\"owner\":7}\n{\"name\":\"e\",\"owner\":7,\"colour\":\"blue\"}\n";
    let sent = changed.ask("POST", "").bytes(lines).header("Content-Type", "application/x-ndjson");
    assert_eq!(changed.gateway.send(sent).status, 200);
    assert_eq!(changed.colours().pop(), Some(Some("blue".to_owned())));
}

#[test]
fn a_version_without_a_new_column_is_not_that_of_the_row() {
    let changed = Changed::new();
    let change = || {
        let tag = changed.gateway.send(changed.ask("GET", "/3")).header("etag").to_owned();
        let request = changed.ask("PATCH", "/3").header("If-Match", tag).body(json!({ "colour": "blue" }));
        changed.gateway.send(request).status
    };
    assert_eq!(change(), 412, "what was read lacks a column");
    assert_eq!(change(), 200);
    assert_eq!(changed.colours(), [None, Some("red".to_owned()), Some("blue".to_owned())]);
}

#[test]
fn a_refresh_shows_the_table_as_it_is_now() {
    let changed = Changed::new();
    let row = changed.gateway.send(changed.ask("GET", "/2?refresh=true"));
    assert!(row.status == 200 && row.body.contains(r#""colour":"red""#), "{}", row.body);
    changed.sql("ALTER TABLE ? DROP COLUMN colour");
    let described = format!("/api/v2/shop/_schema/{}/_field?refresh=true", changed.stock.table());
    let answer = changed.gateway.send(request("GET", &described).key(WRITER));
    assert!(answer.status == 200 && !answer.body.contains("colour"), "{}", answer.body);
}

#[test]
fn what_is_still_unknown_is_refused() {
    let changed = Changed::new();
    for _ in 0..2 {
        let answer = changed.gateway.send(changed.ask("GET", "?fields=smell"));
        assert_eq!(
            (answer.status, answer.body.contains("Invalid field requested: smell")),
            (400, true),
            "{}",
            answer.body
        );
    }
}
