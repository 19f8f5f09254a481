//! Requests that make no sense and files that can't be used, in tables: request, status, text. Only what no other file of the suite asks:
//! mistakes of readers are in `read`, `filter` and `discovery`, forms of bodies in `formats` and `uploads`, the error object in `errors`.

use std::os::unix::fs::FileExt;
use std::sync::OnceLock;

use rusqlite::Connection;

use crate::client::{Answer, Request, request};
use crate::errors::is_safe;
use crate::gateway::{Gateway, Setup};
use crate::shop::NO_RECORDS;
use crate::stock::{self, SERVICES, Stock, WRITER};

/// A request (verb and address below the service, or below a service that it names itself), its body; status and text of the answer.
type Row = (&'static str, &'static str, u16, &'static str);

/// The rows that everybody tries to change.
const STOCK: &str = r#"{"resource":[{"id":1,"qty":1},{"id":2,"qty":2},{"id":3,"qty":3}]}"#;
const LINES: &str = r#"{"resource":[{"order_id":1,"line":1,"qty":1},{"order_id":1,"line":2,"qty":2},{"order_id":1,"line":3,"qty":3}]}"#;

const UNKNOWN_SERVICE: &str = "Could not find a service for nowhere";
const UNKNOWN_TABLE: &str = "Table &quot;nowhere&quot; does not exist in the database.";
const DEACTIVATED: &str = "Service closed is deactivated.";

/// Tables that nothing here may change.
fn gateway() -> &'static Gateway {
    static GATEWAY: OnceLock<Gateway> = OnceLock::new();
    GATEWAY.get_or_init(|| {
        let closed = "[[services]]\nname = \"closed\"\ntype = \"memory\"\nis_active = false\n";
        stock::setup(&format!("{closed}[server]\nmax_body_size = \"4KiB\"\n")).start()
    })
}

fn asked(path: &str, service: &str, body: &str) -> Request {
    let (verb, path) = path.split_once(' ').unwrap();
    let path = if path.starts_with('_') { format!("{service}/{path}") } else { path.to_owned() };
    let request = request(verb, &format!("/api/v2/{path}")).key(WRITER);
    if body.is_empty() { request } else { request.body(body) }
}

/// What a caller is told: of a list the message of the first record that failed.
fn told(answer: &Answer) -> String {
    let error = &answer.json()["error"];
    let first = error["context"]["error"][0].as_u64().and_then(|place| usize::try_from(place).ok());
    let error = first.map_or(error, |place| &error["context"]["resource"][place]);
    error["message"].as_str().unwrap_or_default().to_owned()
}

/// Every service refuses each of the requests so, and no row is another one afterwards.
#[track_caller]
fn check_all(rows: &[Row]) {
    let wrong = SERVICES.iter().flat_map(|service| {
        rows.iter().filter_map(move |(path, body, status, message)| {
            let answer = gateway().send(asked(path, service, body));
            let is_right = (answer.status, told(&answer).as_str()) == (*status, *message);
            (!is_right).then(|| format!("{service} {path} {body}: {} {}", answer.status, answer.body))
        })
    });
    let wrong: Vec<_> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for service in SERVICES {
        let rows = |path: &str| gateway().send(asked(path, service, ""));
        rows("GET _table/stock0?fields=id,qty").is_ok(STOCK);
        rows("GET _table/lines").is_ok(LINES);
    }
}

#[test]
fn what_is_not_there_can_not_be_written() {
    check_all(&[
        ("POST nowhere/_table/t", "{}", 404, UNKNOWN_SERVICE),
        ("PATCH nowhere/_table/t", "{}", 404, UNKNOWN_SERVICE),
        ("PUT nowhere/_table/t/1", "{}", 404, UNKNOWN_SERVICE),
        ("DELETE nowhere/_table/t?force=1", "", 404, UNKNOWN_SERVICE),
        ("POST nowhere/_batch", "{}", 404, UNKNOWN_SERVICE),
        ("POST _table/nowhere", r#"[{"a":1}]"#, 404, UNKNOWN_TABLE),
        ("PATCH _table/nowhere/1", r#"{"a":1}"#, 404, UNKNOWN_TABLE),
        ("PUT _table/nowhere?filter=a%3D1", r#"[{"a":1}]"#, 404, UNKNOWN_TABLE),
        ("DELETE _table/nowhere?force=1", "", 404, UNKNOWN_TABLE),
        ("POST _table/stock0?fields=id,nope", r#"[{"name":"d"}]"#, 400, "Invalid field requested: nope"),
        (
            "PATCH _table/stock0?filter=nope%3D1",
            r#"[{"qty":1}]"#,
            400,
            "Invalid or unparsable field in filter request: 'nope'",
        ),
        ("PATCH _table/stock0?filter=qty~1", r#"[{"qty":1}]"#, 400, "Invalid or unparsable filter request."),
        ("DELETE _table/stock0?filter=qty+resembles+1", "", 400, "Invalid or unparsable filter request."),
        (
            "PATCH _table/stock0?id_field=nope&ids=1",
            r#"[{"qty":1}]"#,
            500,
            "Identifying field(s) could not be determined.",
        ),
    ]);
}

#[test]
fn a_closed_service_is_closed_to_every_verb() {
    check_all(&[
        ("GET closed/_table/t/1", "", 403, DEACTIVATED),
        ("POST closed/_table/t", "[{}]", 403, DEACTIVATED),
        ("PUT closed/_table/t/1", "{}", 403, DEACTIVATED),
        ("PATCH closed/_table/t?filter=a%3D1", "[{}]", 403, DEACTIVATED),
        ("DELETE closed/_table/t?force=1", "", 403, DEACTIVATED),
        ("POST closed/_batch", r#"{"operations":[]}"#, 403, DEACTIVATED),
        ("GET closed/_schema/t", "", 403, DEACTIVATED),
    ]);
}

#[test]
fn a_key_of_two_columns_needs_two_values() {
    const NO_TUPLE: &str = "'ids' must hold values, tuples such as [1,2] or objects by column name";
    const ARITY: &str = "an identifier needs 2 value(s), for order_id, line; write a composite one as (a,b)";
    check_all(&[
        ("PATCH _table/lines/1", r#"{"qty":1}"#, 400, ARITY),
        ("PUT _table/lines/(1,2,3)", r#"{"qty":1}"#, 400, ARITY),
        ("DELETE _table/lines/1,2", "", 400, ARITY),
        ("DELETE _table/lines?ids=1,2", "", 400, ARITY),
        ("PATCH _table/lines", r#"{"ids":[[1],[1,1]],"resource":[{"qty":7}]}"#, 400, ARITY),
        ("PATCH _table/lines", r#"{"ids":[[]],"resource":[{"qty":7}]}"#, 400, NO_TUPLE),
        ("PATCH _table/lines", r#"{"ids":[{"line":1}],"resource":[{"qty":7}]}"#, 400, ARITY),
        ("PUT _table/lines/9", r#"{"qty":1}"#, 400, ARITY),
    ]);
}

#[test]
fn a_body_that_cant_be_read_writes_nothing_and_is_named_by_its_place() {
    check_all(&[
        (
            "POST _table/stock0",
            "[{\"name\":\"d\"},\n{\"name\":}]",
            400,
            "Invalid or malformed JSON at line 2, column 9.",
        ),
        ("PATCH _table/stock0/1", "{\"qty\":01}", 400, "Invalid or malformed JSON at line 1, column 9."),
        ("POST _batch", "{\"operations\":[\n", 400, "Invalid or malformed JSON at line 2, column 0."),
        (
            "POST _table/stock0",
            "[{\"name\":\"\\ud800\"}]",
            400,
            "Invalid or malformed JSON at line 1, column 17.",
        ),
        ("POST _table/stock0", "[{\"name\":NaN}]", 400, "Invalid or malformed JSON at line 1, column 10."),
        ("POST _table/stock0", "5", 400, NO_RECORDS),
    ]);
}

#[test]
fn records_of_other_forms_that_cant_be_read_are_named_by_their_line() {
    let check = |content_type: &str, body: &str, (status, message): (u16, &str)| {
        for service in SERVICES {
            // Records before the one that can't be read stay.
            let path = format!("/api/v2/{service}/_table/stock1");
            let sent = request("POST", &path).key(WRITER).header("Content-Type", content_type).bytes(body);
            let answer = gateway().send(sent);
            assert!(answer.status == status && answer.body.contains(message), "{body}: {}", answer.body);
        }
    };
    check("text/csv", "name\n\"d\n", (400, "Line 2 of the body"));
    check("text/csv", "name\nd,e\n", (400, "Line 2 of the body"));
    check(
        "application/xml",
        "<all>\n<resource>\n<name>d</nme></resource></all>",
        (400, "Line 3 of the body"),
    );
    check(
        "application/xml",
        "<all><resource><name>&nope;</name></resource></all>",
        (400, "Line 1 of the body"),
    );
    check("application/x-ndjson", "{\"name\":\"d\"}\n\n{\"name\":\"e\"", (400, "line 3"));
}

#[test]
fn a_body_over_the_limit_writes_nothing() {
    let stock = Stock::named("stock0");
    for service in SERVICES {
        let record = format!(r#"[{{"name":"{}"}}]"#, "x".repeat(4096));
        let message = "The body is larger than the 4096 bytes that this server accepts.";
        for verb in ["POST", "PUT", "PATCH", "DELETE"] {
            let sent = request(verb, &stock.path(service, "")).key(WRITER).body(&record);
            gateway().send(sent).is_error(413, message);
        }
    }
}

#[test]
fn a_page_that_makes_no_sense_is_none_or_refused() {
    const OFFSET: &str = "'offset' must be 0 or a positive number of rows";
    let all = 3;
    // What is no number of rows asks for as many as the service gives; an offset of less than nothing is a mistake.
    for (limit, offset, found) in [
        ("-1", "", Ok(all)),
        ("NaN", "", Ok(all)),
        ("1e400", "", Ok(all)),
        ("0x10", "", Ok(all)),
        ("-99999999999999999999", "", Ok(all)),
        ("99999999999999999999999999999999999999", "", Ok(all)),
        ("1.9", "", Ok(1)),
        ("", "99999999999999999999", Ok(0)),
        ("", "NaN", Ok(all)),
        ("", "text", Ok(all)),
        ("", "-1", Err(OFFSET)),
        ("", "-99999999999999999999", Err(OFFSET)),
    ] {
        for service in SERVICES {
            let page =
                [("limit", limit), ("offset", offset)].into_iter().filter(|(_, value)| !value.is_empty());
            let path = format!("/api/v2/{service}/_table/stock0?fields=id");
            let get =
                page.fold(request("GET", &path).key(WRITER), |get, (name, value)| get.with(name, value));
            let answer = gateway().send(get);
            let asked = format!("limit '{limit}', offset '{offset}': {}", answer.body);
            match found {
                Ok(rows) => {
                    assert_eq!(answer.json()["resource"].as_array().map(Vec::len), Some(rows), "{asked}")
                }
                Err(message) => {
                    assert_eq!(
                        (answer.status, &answer.json()["error"]["message"]),
                        (400, &message.into()),
                        "{asked}"
                    );
                }
            }
        }
    }
}

/// Services on files that are as their names say.
const FILES: [&str; 8] = ["missing", "folder", "text", "damaged", "readonly", "reading", "locked", "full"];

/// A folder with all of the files.
fn files() -> Setup {
    let services = FILES.map(|name| {
        let reads = if name == "reading" { "read_only = true" } else { "" };
        format!(
            "[[services]]\nname = \"{name}\"\ntype = \"sqlite\"\n[services.config]\ndatabase = \"{name}.sqlite\"\n\
             busy_timeout = \"100ms\"\n{reads}\n"
        )
    });
    let access = "[[roles]]\nname = \"all\"\n[[roles.access]]\nservice = \"*\"\ncomponent = \"*\"\nverbs = [\"GET\", \"POST\"]\n\
                  [[apps]]\nname = \"all\"\nrole = \"all\"\n";
    let setup = Setup::new(&format!("{}{access}api_key = \"{WRITER}\"\n", services.concat()));
    for name in FILES.into_iter().filter(|name| !["missing", "folder", "text"].contains(name)) {
        let database = Connection::open(setup.path(&format!("{name}.sqlite"))).unwrap();
        database.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, note TEXT)").unwrap();
        // The numbers of rows are used up, which SQLite answers as it answers a full disk.
        let last = if name == "full" { i64::MAX } else { 1 };
        database.execute("INSERT INTO t VALUES (?, 'a')", [last]).unwrap();
    }
    std::fs::create_dir(setup.path("folder.sqlite")).unwrap();
    setup.write("text.sqlite", &"no database, but long enough for the header of one ".repeat(20));
    let overwrite = |name: &str, bytes: &[u8], at: u64| {
        let file = std::fs::OpenOptions::new().write(true).open(setup.path(name)).unwrap();
        file.write_all_at(bytes, at).unwrap();
    };
    overwrite("damaged.sqlite", &[0x5a; 8192], 4096);
    // Of a version that may be read only: https://www.sqlite.org/fileformat2.html#file_format_version_numbers
    overwrite("readonly.sqlite", &[3], 18);
    setup
}

#[test]
fn a_file_that_cant_be_used_is_told_by_status_and_text() {
    let gateway = files().start();
    let lock = Connection::open(gateway.setup.path("locked.sqlite")).unwrap();
    lock.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let locked = "the database is locked by another connection";
    let missing = "the database file does not exist";
    let folder = "the database path is a directory; expected a file";
    for (request, status, told) in [
        ("GET missing", 503, Some(missing)),
        ("POST missing", 503, Some(missing)),
        ("GET folder", 503, Some(folder)),
        ("POST folder", 503, Some(folder)),
        ("GET text", 503, Some("the file is not a database")),
        ("POST text", 503, Some("the file is not a database")),
        ("GET damaged", 503, Some("the database file is damaged")),
        ("POST damaged", 503, Some("the database file is damaged")),
        ("GET readonly", 200, None),
        ("POST readonly", 403, Some("the database can only be read")),
        ("GET reading", 200, None),
        ("POST reading", 501, Some("creating records is not supported by this service")),
        ("GET locked", 503, Some(locked)),
        ("POST locked", 503, Some(locked)),
        ("POST full", 507, Some("the disk or the database is full")),
        ("GET full", 200, None),
    ] {
        let (verb, service) = request.split_once(' ').unwrap();
        let body = if verb == "POST" { r#"[{"note":"b"}]"# } else { "" };
        let answer = gateway.send(asked(&format!("{verb} {service}/_table/t"), service, body));
        match told {
            Some(message) => is_safe(&gateway, &answer, status, message),
            None => assert_eq!(answer.status, status, "{request}: {}", answer.body),
        }
    }
    lock.execute_batch("COMMIT").unwrap();
    for request in ["POST locked/_table/t", "GET locked/_table/t"] {
        let body = if request.starts_with("POST") { r#"[{"note":"b"}]"# } else { "" };
        assert_eq!(gateway.send(asked(request, "", body)).status, 200, "the lock is gone");
    }
}
