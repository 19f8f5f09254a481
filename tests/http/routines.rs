//! Procedures and functions on PostgreSQL and MariaDB: the same calls give the same answers, or the difference stands here with its reason.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use serde_json::{Value as Json, json};

use crate::client::{Answer, Request, request};
use crate::engine::{Engine, Kind, MARIADB, POSTGRES};
use crate::gateway::{Gateway, eventually};
use crate::staying_up::{asks, gateway};

const CLERK: &str = "key-of-clerks";
/// The most rows of an answer.
const MAX_RECORDS: usize = 50;

/// A server with the routines, and a gateway on it: `store`, and `old`, which lets GET call everything.
struct World {
    engine: Engine,
    gateway: Gateway,
}

fn start(kind: &'static Kind, routines: &str) -> World {
    let engine = kind.start();
    engine.sql(routines);
    let more = json!({"max_records": MAX_RECORDS, "read_only_routines": ["GREET"]});
    let services = [engine.service("store", &more), engine.service("old", &json!({"allow_get_calls": true}))];
    let gateway = gateway(&engine, &services.join("\n"), include_str!("routines.toml"));
    World { engine, gateway }
}

/// Both, shared by the tests that run at the same time; the servers end with the last of them.
fn worlds() -> Arc<[World; 2]> {
    static SHARED: Mutex<Weak<[World; 2]>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(worlds) = shared.upgrade() {
        return worlds;
    }
    let worlds = Arc::new([
        start(&POSTGRES, include_str!("routines_postgres.sql")),
        start(&MARIADB, include_str!("routines_mysql.sql")),
    ]);
    *shared = Arc::downgrade(&worlds);
    worlds
}

impl World {
    fn send(&self, request: &Request) -> Answer {
        self.gateway.send(request.clone())
    }

    fn get(&self, path: &str) -> Answer {
        self.send(&asks("GET", &format!("store/{path}")))
    }

    fn post(&self, path: &str, body: &Json) -> Answer {
        self.send(&asks("POST", &format!("store/{path}")).body(body))
    }

    /// Where a routine that gives rows stands: only functions of PostgreSQL give some, and only procedures of MariaDB.
    fn rows(&self) -> &'static str {
        if self.engine.kind.is_mariadb() { "_proc" } else { "_func" }
    }
}

/// The answer of a POST is the same on both servers.
#[track_caller]
fn posted(path: &str, body: &Json, expected: &str) {
    for world in worlds().iter() {
        world.post(&path.replace("ROWS", world.rows()), body).is_ok(expected);
    }
}

/// The answer of a GET is.
#[track_caller]
fn got(path: &str, expected: &str) {
    for world in worlds().iter() {
        world.get(&path.replace("ROWS", world.rows())).is_ok(expected);
    }
}

/// The refusal of a POST is, up to its code and context, which are the store's own.
#[track_caller]
fn refused(path: &str, body: &Json, status: u16, message: &str) {
    for world in worlds().iter() {
        let answer = world.post(path, body);
        let found = answer.json()["error"]["message"].as_str().unwrap_or_default().to_owned();
        assert_eq!((answer.status, found.as_str()), (status, message), "{path} {body}");
    }
}

#[test]
fn parameters_are_given_in_each_form() {
    let expected = r#"{"p_total":20.50,"p_note":"for 2024-05-01"}"#;
    for params in [
        json!({"p_day": "2024-05-01", "p_amount": 10.25, "p_note": "for"}),
        json!({"P_DAY": {"value": "2024-05-01"}, "p_amount": {"value": "10.25", "type": "decimal"}, "p_note": "for"}),
        json!(["2024-05-01", 10.25, "for"]),
        json!(["2024-05-01", 10.25, null, "for"]),
        json!([
            {"name": "p_day", "value": "2024-05-01"}, {"name": "p_amount", "value": 10.25},
            {"name": "p_total", "param_type": "OUT", "type": "decimal"}, {"name": "p_note", "value": "for"},
        ]),
    ] {
        posted("_proc/pay", &json!({ "params": params }), expected);
    }
    posted("_proc/pay(2024-05-01,10.25,'for')", &json!({}), expected);
    posted("_proc/PAY?p_day=2024-05-01&p_amount=10.25&p_note=for&other=x", &json!({}), expected);
    let first = json!({"params": {"p_day": "2024-05-01", "p_amount": 10.25, "p_note": "for"}});
    posted("_proc/pay(2023-01-01,1,'x')?p_note=y", &first, expected);
    posted("_proc/pay", &json!({}), r#"{"p_total":null,"p_note":null}"#);
}

#[test]
fn the_value_of_a_function_stands_alone() {
    for (path, expected) in [
        ("_func/vat(200,19)", "38.00"),
        ("_func/vat?amount=9.99&rate=7", "0.70"),
        ("_func/double_it(4611686018427387903)", "9223372036854775806"),
        ("_func/double_it(4611686018427387903)?numbers=string", r#""9223372036854775806""#),
        ("_func/double_it(null)", "null"),
        ("_func/next_day('2024-02-28')", r#""2024-02-29""#),
        ("_func/later(2024-05-01 23:59:59.5)", r#""2024-05-02 00:00:00.5""#),
        ("_func/bytes_back('AP+A')", r#""AP+A""#),
        ("_func/greet('ada',yes)", r#""HELLO ADA""#),
        ("_func/greet('a,(b)''c',false)", r#""Hello a,(b)'c""#),
        ("_func/vat(200,19)?returns=integer", "38"),
        ("_func/vat(200,19)?returns=string", r#""38.00""#),
    ] {
        got(&path.replace(' ', "%20"), expected);
    }
    // Text that would be SQL, were it written into it.
    let name = "x'); DROP TABLE deeds; --\\";
    posted(
        "_func/greet",
        &json!({"params": {"who": name, "loud": false}}),
        &json!(format!("Hello {name}")).to_string(),
    );
}

#[test]
fn rows_stand_alone_or_under_the_name_that_is_asked_for() {
    let rows = r#"[{"id":1,"total":10.00,"word":"a"},{"id":4,"total":5.50,"word":"é"}]"#;
    let body = |more: Json| {
        let mut body = json!({"params": {"min_total": 5}});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    posted("ROWS/list_open", &body(json!({})), rows);
    posted("ROWS/list_open", &body(json!({"wrapper": "rows"})), &format!(r#"{{"rows":{rows}}}"#));
    posted("ROWS/list_open?wrapper=resource", &body(json!({})), &format!(r#"{{"resource":{rows}}}"#));
    let schema = json!({"schema": {"ID": "string", "total": "float"}});
    posted(
        "ROWS/list_open",
        &body(schema),
        r#"[{"id":"1","total":10.0,"word":"a"},{"id":"4","total":5.5,"word":"é"}]"#,
    );
    posted("ROWS/list_open", &body(json!({"returns": "integer"})), "1");
    posted("ROWS/list_open", &body(json!({"returns": "TABLE"})), rows);
    posted("ROWS/list_open", &json!({"params": [99]}), "[]");
    posted("ROWS/list_open?returns=string", &json!({"params": [99]}), "null");
    got("ROWS/list_open(5)", rows);
    got("ROWS/list_open(9)?accept=text/csv", "id,total,word\n1,10.00,a\n");
    got("ROWS/list_open(9)?accept=application/x-ndjson", "{\"id\":1,\"total\":10.00,\"word\":\"a\"}\n");
}

#[test]
fn what_gives_nothing_is_an_empty_list() {
    posted("_proc/log_it", &json!({"params": ["nothing"]}), "[]");
    posted("_proc/log_it", &json!({"params": ["nothing"], "wrapper": "w"}), r#"{"w":[]}"#);
}

#[test]
fn an_answer_of_too_many_rows_is_refused_and_not_cut() {
    let all = |count: usize| -> String {
        let rows: Vec<_> = (1..=count).map(|number| format!(r#"{{"number":{number}}}"#)).collect();
        format!("[{}]", rows.join(","))
    };
    got(&format!("ROWS/count_to({MAX_RECORDS})"), &all(MAX_RECORDS));
    for world in worlds().iter() {
        let message = "The routine was called, and its answer has more than the 50 rows that one answer of this service holds. Let it give fewer.";
        for behind in ["", "?wrapper=w"] {
            let path = format!("{}/count_to({}){behind}", world.rows(), MAX_RECORDS + 1);
            world.get(&path).is_error(400, message);
        }
        world.get(&format!("{}/count_to(1)", world.rows())).is_ok(r#"[{"number":1}]"#);
    }
}

#[test]
fn a_long_answer_is_whole() {
    // Longer than what is held before an answer begins; the default allows a thousand rows.
    for world in worlds().iter() {
        let answer = world.send(&asks("GET", &format!("old/{}/count_to(1000)", world.rows())));
        let rows = answer.json();
        assert_eq!(rows.as_array().map(Vec::len), Some(1000), "{}", answer.body);
        assert_eq!(rows[999], json!({"number": 1000}));
    }
}

#[test]
fn get_calls_only_what_changes_nothing() {
    for world in worlds().iter() {
        let told = "'log_it' may change data, so it is called with POST. For GET it has to be declared in the database as one that only reads, or listed under 'read_only_routines' of the service.";
        world.get("_proc/log_it('by-get')").is_error(405, told);
        assert_eq!(world.engine.deeds("by-get"), 0);
        world.get("_func/vat(200,19)").is_ok("38.00");
        world.get("_func/greet('x',no)").is_ok(r#""Hello x""#);
        world.send(&asks("GET", "old/_proc/log_it('by-old-get')")).is_ok("[]");
        assert_eq!(world.engine.deeds("by-old-get"), 1);
        world.post("_proc/log_it", &json!({"params": {"p_mark": "by-post"}})).is_ok("[]");
        assert_eq!(world.engine.deeds("by-post"), 1);
    }
}

#[test]
fn the_same_key_calls_once() {
    for world in worlds().iter() {
        let call = asks("POST", "store/_proc/log_it").body(json!({"params": ["keyed"]}));
        for _ in 0..2 {
            world.send(&call.clone().header("Idempotency-Key", "k-1")).is_ok("[]");
        }
        assert_eq!(world.engine.deeds("keyed"), 1);
    }
}

#[test]
fn only_what_a_role_grants_is_called_and_listed() {
    for world in worlds().iter() {
        let call = |verb: &str, path: &str| {
            let request = request(verb, &format!("/api/v2/store/{path}")).key(CLERK);
            world.gateway.send(if verb == "POST" { request.body("{}") } else { request }).status
        };
        for (verb, path, status) in [
            ("POST", "_proc/log_it", 200),
            ("POST", "_proc/LOG_IT('x')", 200),
            ("GET", "_proc/log_it('x')", 401),
            ("POST", "_proc/pay", 401),
            ("POST", "_proc/pay('2024-01-01',1,'_proc/log_it')", 401),
            ("GET", "_proc/refuse('x')", 401),
            ("POST", "_proc/log_it(1)x", 401),
            ("GET", "_func/vat(1,1)", 200),
            ("POST", "_func/vat(1,1)", 401),
            // A grant with conditions on rows reaches no routine.
            ("GET", "_func/greet('a',no)", 403),
            ("POST", "_func/greet('a',no)", 403),
        ] {
            assert_eq!(call(verb, path), status, "{verb} {path}");
        }
        let list =
            |path: &str| world.gateway.send(request("GET", &format!("/api/v2/store/{path}")).key(CLERK));
        assert_eq!(list("_proc").status, 401);
        let functions = list("_func?as_list=true").json();
        let names: Vec<&str> =
            functions["resource"].as_array().unwrap().iter().filter_map(Json::as_str).collect();
        assert!(names.contains(&"vat") && !names.contains(&"greet"), "{names:?}");
    }
}

#[test]
fn routines_are_listed_and_described() {
    for world in worlds().iter() {
        let names = |path: &str| -> Vec<String> {
            let list = world.get(path).json();
            let rows = list["resource"].as_array().unwrap().iter();
            rows.map(|row| row.as_str().or(row["name"].as_str()).unwrap().to_owned()).collect()
        };
        let procedures = names("_proc");
        assert!(
            ["log_it", "pay", "refuse"].iter().all(|name| procedures.contains(&(*name).to_owned())),
            "{procedures:?}"
        );
        assert!(!procedures.contains(&"greet".to_owned()), "{procedures:?}");
        assert_eq!(names("_proc?as_list=true"), procedures);
        assert_eq!(names("_proc?ids=PAY,log_it,missing"), ["log_it", "pay"]);
        let access = r#"["GET","POST","PUT","PATCH","DELETE"]"#;
        let row = format!(
            r#"{{"alias":null,"name":"pay","label":"Pay","description":"Pays twice","native":[],"access":{access}}}"#
        );
        let list = world.get("_proc?fields=*").body;
        assert!(list.contains(&row), "{list}");
        let pay = world.get("_proc/pay?describe=true").json();
        assert_eq!(world.get("_proc?ids=pay").json(), json!({"resource": [pay]}));
        assert_eq!((&pay["return_type"], &pay["access"]), (&Json::Null, &json!(31)));
        let params: Vec<_> = pay["params"].as_array().unwrap().iter().collect();
        let words =
            |name: &str| -> Vec<&str> { params.iter().map(|param| param[name].as_str().unwrap()).collect() };
        assert_eq!(words("name"), ["p_day", "p_amount", "p_total", "p_note"]);
        assert_eq!(words("param_type"), ["IN", "IN", "OUT", "INOUT"]);
        assert_eq!(words("type")[..3], ["date", "decimal", "decimal"]);
        let vat = world.get("_func/vat?describe=true").json();
        assert_eq!(
            (&vat["return_type"], &vat["native"]),
            (&json!("decimal"), &json!({"is_read_only": true}))
        );
    }
}

#[test]
fn the_resources_of_a_service_name_those_of_its_routines() {
    for world in worlds().iter() {
        world.get("?as_list=true").is_ok(r#"{"resource":["_schema","_table","_proc","_func"]}"#);
        let access = world.get("?as_access_list=true").json();
        let strings: Vec<&str> =
            access["resource"].as_array().unwrap().iter().filter_map(Json::as_str).collect();
        for expected in ["_proc/", "_proc/*", "_proc/pay", "_func/", "_func/*", "_func/vat"] {
            assert!(strings.contains(&expected), "{expected}: {strings:?}");
        }
        world.send(&asks("GET", "mem?as_list=true")).is_ok(r#"{"resource":["_schema","_table"]}"#);
        for path in ["mem/_proc", "mem/_func/x"] {
            let message = "The database has no stored procedures and functions: what stands under _proc and _func is not supported by this service.";
            world.send(&asks("GET", path)).is_error(501, message);
        }
    }
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_called() {
    let refused = |path: &str, body: Json, status, message: &str| refused(path, &body, status, message);
    refused("_proc/missing", json!({}), 404, "Procedure 'missing' does not exist in the database.");
    refused("_func/missing(1)", json!({}), 404, "Function 'missing' does not exist in the database.");
    refused("_func/log_it", json!({}), 404, "Function 'log_it' does not exist in the database.");
    refused(
        "_func/vat",
        json!({"params": {"amount": "x"}}),
        400,
        "Parameter 'amount' must be a valid number.",
    );
    refused(
        "_func/double_it",
        json!({"params": 5}),
        400,
        "'params' must be an object of names and values, or a list of values",
    );
    refused("_func/double_it('1", json!({}), 404, "Function 'double_it('1' does not exist in the database.");
    refused(
        "_proc/log_it",
        json!({"params": ["r"], "rollback": true}),
        501,
        "The rollback of what a procedure or function does is not supported by this service.",
    );
    for world in worlds().iter() {
        // Types are told in the server's own words.
        let bigint = if world.engine.kind.is_mariadb() { "bigint(20)" } else { "bigint" };
        let message = format!("There is no parameter 'm' in double_it(n {bigint}).");
        let context = json!({"parameter": "params", "position": null});
        world.post("_func/double_it", &json!({"params": {"m": 1}})).is_error_with(400, &message, &context);
        for verb in ["PUT", "PATCH", "DELETE"] {
            assert_eq!(world.send(&asks(verb, "store/_proc/pay")).status, 400, "{verb}");
            assert_eq!(world.send(&asks(verb, "store/_proc")).status, 400, "{verb}");
        }
        let operation = json!({"method": "POST", "path": "_proc/log_it", "body": {"params": ["in-batch"]}});
        let message = "Operation '0': its path must begin with '_table/' and a table.";
        world.post("_batch", &json!({"operations": [operation]})).is_error(400, message);
        assert_eq!(world.engine.deeds("in-batch") + world.engine.deeds("r"), 0);
    }
}

#[test]
fn what_a_routine_raises_is_told_in_its_authors_words_and_nothing_else_is() {
    for world in worlds().iter() {
        let answer = world.post("_proc/refuse", &json!({"params": ["the month is closed; it's late"]}));
        let error = &answer.json()["error"];
        assert_eq!((answer.status, &error["code"]), (400, &json!("45000")), "{}", answer.body);
        assert_eq!(error["message"], "the month is closed; it's late");
        assert_eq!(error["context"], json!({"kind": "raised"}));
        let answer = world.post("_proc/stumble", &json!({}));
        let error = &answer.json()["error"];
        assert_eq!((answer.status, &error["code"]), (400, &json!("23505")), "{}", answer.body);
        assert!(!answer.body.contains("secret") && !answer.body.contains("INSERT"), "{}", answer.body);
        let log = world.gateway.log.text();
        assert!(!log.contains("the month is closed") && !log.contains("'secret'"), "{log}");
    }
}

#[test]
fn a_routine_made_since_is_called_and_one_gone_is_not_found() {
    for world in worlds().iter() {
        world.get("_func/double_it(1)").is_ok("2");
        let made = if world.engine.kind.is_mariadb() {
            "CREATE FUNCTION fresh(n int) RETURNS int NO SQL RETURN n + 1"
        } else {
            "CREATE FUNCTION fresh(n integer) RETURNS integer IMMUTABLE LANGUAGE sql AS 'SELECT n + 1'"
        };
        // A name that is missing is looked for once a second.
        world.engine.sql(made);
        eventually("the new function is found", || world.get("_func/fresh(1)").status == 200);
        world.engine.sql("DROP FUNCTION fresh");
        // Under the same name with its parameters turned around: a value never goes to another parameter than the one it was given for.
        let turned = |first: &str, second: &str| {
            let types = if world.engine.kind.is_mariadb() {
                ["NO SQL RETURN", ""]
            } else {
                ["IMMUTABLE LANGUAGE sql AS 'SELECT", "'"]
            };
            format!(
                "CREATE FUNCTION fresh({first} int, {second} int) RETURNS int {} a - b{}",
                types[0], types[1]
            )
        };
        world.engine.sql(&turned("a", "b"));
        eventually("the new function is found", || world.get("_func/fresh?a=3&b=1").body == "2");
        world.engine.sql(&format!("DROP FUNCTION fresh; {}", turned("b", "a")));
        world.get("_func/fresh?a=3&b=1").is_ok("2");
        world.engine.sql("DROP FUNCTION fresh");
        world.get("_func/fresh(1,2)").is_error(404, "Function 'fresh' does not exist in the database.");
    }
}

#[test]
fn a_call_whose_connection_breaks_is_not_repeated() {
    for world in worlds().iter() {
        let mark = "broken";
        let (running, kill) = if world.engine.kind.is_mariadb() {
            (
                "SLEEP(601)",
                "SELECT CONCAT('KILL ', id) FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND info LIKE '%SLEEP(601)%'",
            )
        } else {
            (
                "slow_deed",
                "SELECT 'SELECT pg_terminate_backend(' || pid || ')' FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE '%slow_deed%' AND state = 'active'",
            )
        };
        std::thread::scope(|scope| {
            let call = scope.spawn(|| world.post("_proc/slow_deed", &json!({"params": [mark]})));
            eventually("it runs", || world.engine.running(running) > 0);
            world.engine.sql(&world.engine.sql(kill));
            let answer = call.join().unwrap();
            assert_eq!(answer.status, 504, "{}", answer.body);
            assert_eq!(answer.json()["error"]["context"]["kind"], "unknown_outcome", "{}", answer.body);
        });
        eventually("none runs any more", || world.engine.running(running) == 0);
        assert!(world.engine.deeds(mark) <= 1);
    }
}

#[test]
fn overloads_are_told_apart_by_the_names_of_their_parameters() {
    let worlds = worlds();
    let world = &worlds[0];
    world.get("_func/area?a=3&b=4").is_ok("12");
    world.get("_func/area(3,4)").is_ok("12");
    let both = "area(a integer), area(a integer, b integer), area(a numeric)";
    let message = |answer: &Answer| answer.json()["error"]["message"].as_str().unwrap().to_owned();
    let several = world.get("_func/area(3)");
    assert_eq!(
        (several.status, message(&several)),
        (
            400,
            format!(
                "Several routines with this name take these parameters; name all parameters of one of: {both}."
            )
        )
    );
    let none = world.post("_func/area", &json!({"params": {"x": 1}}));
    assert_eq!(
        (none.status, message(&none)),
        (
            400,
            format!(
                "None of the routines with this name takes these parameters; name all parameters of one of: {both}."
            )
        )
    );
    assert_eq!(world.get("_func/area?describe=true").json()["resource"].as_array().map(Vec::len), Some(3));
    world.get("_func/scaled(3)").is_ok("30");
    world.get("_func/scaled?a=3&plus=1").is_ok("31");
    world.post("_func/scaled", &json!({"params": {"a": 3, "BY": 2}})).is_ok("6");
}

#[test]
fn functions_of_each_kind_are_called() {
    let worlds = worlds();
    let world = &worlds[0];
    world.get("_proc/split(7)").is_ok(r#"{"half":3,"rest":1}"#);
    world.get("_func/numbers(3)").is_ok(r#"[{"numbers":1},{"numbers":2},{"numbers":3}]"#);
    // A row alone whose column has the function's name is its value.
    world.get("_func/numbers(1)").is_ok("1");
    world.get("_func/numbers(1)?returns=TABLE").is_ok(r#"[{"numbers":1}]"#);
    assert_eq!(world.get("_func/first_many").json()[0]["id"], 1);
    world.post("_proc/nothing", &json!({})).is_ok("[]");
    let other = r#"[{"y":"y","z":1.50}]"#;
    world.post("_func/cursors(2)", &json!({})).is_ok(&format!(r#"[[{{"x":1}},{{"x":2}}],{other}]"#));
    world.post("_func/cursors(0)?wrapper=w", &json!({})).is_ok(&format!(r#"{{"w":[[],{other}]}}"#));
    world.get("_func/total?items=[1,2,3]").is_ok("6");
    world.post("_func/total", &json!({"params": {"items": [1, 2, 3]}})).is_ok("6");
    world.get("_func/cheer('ok','10.0.0.1')").is_ok(r#"[{"mood":"ok","at":"10.0.0.1","spent":"01:00:00"}]"#);
    world
        .post("_func/document", &json!({"params": {"d": {"value": [1.5, "x"]}}}))
        .is_ok(r#"{"d": [1.5, "x"]}"#);
    world.post("_func/other.hidden", &json!({})).is_ok("7");
    world.post("_func/odd%20%22name%22;%20--", &json!({"params": {"p \"x\"": 5}})).is_ok("5");
    assert_eq!(world.post("_func/loose", &json!({})).status, 501);
    let raised = world.post("_func/plain_raise", &json!({}));
    assert_eq!(raised.json()["error"]["message"], "not on a Sunday", "{}", raised.body);
    assert_eq!(world.get("_func?schema=other&as_list=true").body, r#"{"resource":["other.hidden"]}"#);
}

#[test]
fn a_procedure_gives_all_its_result_sets() {
    let worlds = worlds();
    let world = &worlds[1];
    let sets = r#"[[{"a":1},{"a":2}],[{"b":"x","c":null,"d":1}]]"#;
    for _ in 0..3 {
        // Were a set left unread, the connection would be of no more use.
        world.post("_proc/two_sets", &json!({})).is_ok(&format!(r#"{{"resource":{sets},"total":2}}"#));
    }
    world.post("_proc/two_sets?wrapper=rows", &json!({})).is_ok(&format!(r#"{{"rows":{sets},"total":2}}"#));
    world.post("_proc/two_sets?wrapper=total", &json!({})).is_error_with(
        400,
        "A value that comes out is called 'total'; choose another name for the rows.",
        &json!({"parameter": "wrapper", "position": null}),
    );
    world.post("_proc/two_plain_sets", &json!({})).is_ok(r#"[[{"a":1}],[{"a":2,"a_2":3}]]"#);
    world
        .post("_proc/two_plain_sets", &json!({"wrapper": "w"}))
        .is_ok(r#"{"w":[[{"a":1}],[{"a":2,"a_2":3}]]}"#);
    let schema = json!({"id": "integer", "total": "float", "doc": "json", "cnt": "string"});
    let body = json!({"params": {"min_total": 5}, "schema": schema, "wrapper": "rows"});
    world
        .post("_proc/with_count", &body)
        .is_ok(r#"{"rows":[{"id":1,"total":10.5,"doc":{"a":1}}],"cnt":"2"}"#);
    world.post("_proc/with_count", &json!({"params": [99]})).is_ok(r#"{"cnt":2}"#);
    let moments =
        json!({"params": {"d": "2024-02-29", "t": "12:30:00.25", "m": "2024-05-01 12:30:00.000001"}});
    world.post("_proc/moments", &moments).is_ok(
        r#"{"d":"2024-02-29","t":"12:30:00.25","m":"2024-05-01 12:30:00.000001","big":18446744073709551615,"flag":true,"f":0.1}"#,
    );
    // A procedure and a function of one name are two.
    world.post("_proc/vat(5)", &json!({})).is_ok(r#"[{"amount":5.00}]"#);
    world.get("_func/vat(200,19)").is_ok("38.00");
    world.post("_proc/odd%20%60name%60;%20--", &json!({"params": {"p \"x\"": 5}})).is_ok(r#"[{"x":5}]"#);
}

#[test]
fn what_a_procedure_raises_behind_a_result_set_is_its_end_and_nobody_else_s() {
    let worlds = worlds();
    let world = &worlds[1];
    world.engine.sql(
        "CREATE PROCEDURE halfway() BEGIN SELECT 1 AS a; SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'too late'; END;",
    );
    for _ in 0..3 {
        let answer = world.post("_proc/halfway?refresh=true", &json!({}));
        assert_eq!(
            (answer.status, &answer.json()["error"]["message"]),
            (400, &json!("too late")),
            "{}",
            answer.body
        );
        assert_eq!(world.get("_table/many?limit=1").status, 200);
    }
    world.engine.sql("DROP PROCEDURE halfway;");
}

#[test]
fn what_a_routine_leaves_in_its_session_ends_with_the_call() {
    for world in worlds().iter() {
        let (path, made, gone) = if world.engine.kind.is_mariadb() {
            (
                "_proc/litter?refresh=true",
                "CREATE PROCEDURE litter() BEGIN CREATE TEMPORARY TABLE many (id int PRIMARY KEY, word varchar(20)); \
                 SET time_zone = '+09:00'; SET autocommit = 0; SELECT 1 AS a; END;",
                "DROP PROCEDURE litter;",
            )
        } else {
            (
                "_func/litter?refresh=true",
                "CREATE FUNCTION litter() RETURNS text LANGUAGE sql AS \
                 $$SELECT set_config('search_path', 'nowhere', false) || set_config('default_transaction_read_only', 'on', false)$$;",
                "DROP FUNCTION litter;",
            )
        };
        let before = world.get("_table/many?limit=3&order=id");
        assert_eq!(before.status, 200, "{}", before.body);
        world.engine.sql(made);
        // As many calls as there are connections, and more.
        for _ in 0..10 {
            let called = world.post(path, &json!({}));
            assert_eq!(called.status, 200, "{}", called.body);
        }
        for _ in 0..10 {
            let after = world.get("_table/many?limit=3&order=id&refresh=true");
            assert_eq!(after.body, before.body);
        }
        world.engine.sql(gone);
    }
}
