//! `tablegate connector test`, run as the author of a connector would: a library file, a configuration, a store. That it notices what is
//! wrong is shown with a connector that lies (`connectors/chaos`).

use std::path::Path;
use std::process::{Output, Stdio};

use conformance::config::Config;
use conformance::judge::needed;
use conformance::prepare::Prepared;
use conformance::tables::Stored;
use connector_api::model::{Column, ColumnType, Value};
use serde_json::{Value as Json, json};
use tests::fixture::Fixture;
use tests::libraries::{clone_folder, library};

use crate::gateway::{Setup, eventually};

/// What the command has printed, and its exit code.
#[derive(Debug)]
struct Judged {
    code: Option<i32>,
    output: String,
    errors: String,
}

impl Judged {
    /// The cells of a capability in the table at the end, without blanks.
    #[track_caller]
    fn capability(&self, name: &str) -> Vec<&str> {
        let rows = self.output.lines().map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
        let mut found = rows.filter(|cells| cells.first() == Some(&name));
        found.next().unwrap_or_else(|| panic!("no line of {name} in {self:?}"))
    }
}

/// Runs the command with this configuration.
fn judge(setup: &Setup, connector: &str, arguments: &[&str]) -> Judged {
    let library = library(connector).unwrap();
    judge_file(setup, &library, arguments)
}

fn judge_file(setup: &Setup, library: &Path, arguments: &[&str]) -> Judged {
    let words = [&["connector", "test", library.to_str().unwrap()], arguments].concat();
    let Output { status, stdout, stderr } = setup.run(&words);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Judged { code: status.code(), output: text(stdout), errors: text(stderr) }
}

/// A folder with this configuration. The programs that make tables are found as the tests find them.
fn folder(config: &str) -> Setup {
    Setup::new(config).variable("PATH", &std::env::var("PATH").unwrap())
}

/// What is known of a store, taken from its fixture.
fn store(fixture: &str, service_type: &str) -> String {
    let path = clone_folder().join("tests/fixtures").join(fixture);
    let facts = std::fs::read_to_string(path.join("fixture.toml")).unwrap();
    let mut facts: toml::Table = facts.parse().unwrap();
    facts.retain(|name, _| ["types", "features"].contains(&name));
    facts.insert("service_type".to_owned(), service_type.into());
    let quirks = std::fs::read_to_string(path.join("quirks.toml")).unwrap();
    let quirks: toml::Table = quirks.parse().unwrap();
    let members = [("store".to_owned(), facts.into()), ("quirks".to_owned(), quirks.into())];
    members.into_iter().collect::<toml::Table>().to_string()
}

/// The configuration of a store in memory that a program fills.
fn prepared(service_type: &str) -> String {
    let script = clone_folder().join("tests/fixtures/memory/fixture.py");
    let command = json!(["python3", script]);
    format!("{}\n[prepare]\ncommand = {command}\n", store("memory", service_type))
}

/// The same store behind the connector that lies.
fn lying(lies: &[&str]) -> String {
    let honest = library("memory").unwrap();
    format!(
        "{}\n[config]\nlibrary = {:?}\ntype = \"memory\"\nlies = {}\n",
        prepared("chaos_00_liar"),
        honest.to_str().unwrap(),
        json!(lies)
    )
}

/// Tables that an author has anyway.
const PEOPLE: &str = r#"
[config.tables.people]
columns = [
    { name = "id", type = "integer" },
    { name = "name", type = "text" },
    { name = "age", type = "integer" },
    { name = "height", type = "double" },
]
primary_key = ["id"]
rows = [
    { id = 1, name = "Ada", age = 36, height = 1.5 },
    { id = 2, name = "Grace", age = 85, height = 1.625 },
    { id = 3, name = "", age = -1 },
    { id = 4, name = "alan", age = 41, height = 1.75 },
    { id = 5, age = 36, height = 0.3 },
]
"#;

#[test]
fn an_honest_connector_passes_on_tables_that_a_program_makes() {
    let judged = judge(&folder(&prepared("memory")), "memory", &[]);
    assert_eq!(judged.code, Some(0), "{judged:?}");
    assert!(judged.output.ends_with("0 failed: the connector does what it declares\n"), "{judged:?}");
    let [name, declared, run, passed, .., verdict] = judged.capability("order")[..] else {
        panic!("{judged:?}")
    };
    assert_eq!((name, declared, run, verdict), ("order", "yes", passed, "ok"));
    let not_declared = ["routines", "no", "2", "0", "2", "0", "0", "ok"];
    assert_eq!(judged.capability("routines"), not_declared);
    assert!(judged.errors.lines().any(|line| line.contains(" filter ")), "{}", judged.errors);
}

/// The tables are there without rows, but for those that the connector can't insert.
#[test]
fn an_honest_connector_passes_on_tables_that_were_made_by_hand() {
    let by_hand = "\n[prepare]\nby_hand = true\n[config]\ndatabase = \"suite.sqlite\"\n";
    let setup = folder(&(store("sqlite", "sqlite") + by_hand));
    let listed = judge(&setup, "sqlite", &["--print-tables"]);
    assert_eq!(listed.code, Some(0), "{listed:?}");
    make_tables(&setup, &listed.output, "typed");
    let judged = judge(&setup, "sqlite", &[]);
    assert_eq!(judged.code, Some(0), "{judged:?}");
    assert!(judged.output.ends_with("0 failed: the connector does what it declares\n"), "{judged:?}");
    let again = judge(&setup, "sqlite", &[]);
    assert_eq!((again.code, again.output.as_str()), (Some(2), ""));
    assert!(again.errors.contains("make the tables anew, as `--print-tables` lists them"), "{again:?}");
}

/// Makes a database of the tables in a list, without rows but for one of them.
fn make_tables(setup: &Setup, list: &str, filled: &str) {
    let lines: Vec<Json> = list.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let rows: Vec<Json> = lines
        .iter()
        .filter(|line| line["into"] == filled)
        .map(|line| line["row"].as_object().unwrap().values().cloned().collect())
        .collect();
    let tables: Vec<Json> = lines
        .iter()
        .filter(|line| line.get("table").is_some())
        .map(|line| {
            let rows = if line["table"]["ref"]["name"] == filled { rows.clone() } else { Vec::new() };
            json!({"table": line["table"], "view_of": line["view_of"], "rows": rows})
        })
        .collect();
    setup.write("tables.json", &json!({"tables": tables}).to_string());
    let script = clone_folder().join("tests/fixtures/sqlite/fixture.py");
    let folder = setup.path("tables.json");
    let mut python = std::process::Command::new("python3");
    let made = python.arg(script).arg("start").arg(folder.parent().unwrap()).output().unwrap();
    assert!(made.status.success(), "{made:?}");
}

#[test]
fn a_lie_is_reported_by_the_capability_and_the_case() {
    let check = |lie: &str, capability: &str, case: &str| {
        let group = case.split_once("::").unwrap().0;
        let judged = judge(&folder(&lying(&[lie])), "chaos", &["--only", &format!("{group}::")]);
        assert_eq!(judged.code, Some(1), "{lie}: {judged:?}");
        assert_eq!(judged.capability(capability).last(), Some(&"FAILED"), "{lie}: {judged:?}");
        assert!(judged.output.contains(&format!("FAILED {case}\n")), "{lie}: {judged:?}");
        assert!(judged.output.ends_with("the connector does NOT do what it declares\n"), "{lie}: {judged:?}");
    };
    check("order", "order", "order::one_column_goes_up_or_down");
    check("not", "filter_not", "filter::not_of_unknown_is_unknown");
    check("transactions", "transactions", "transaction::a_rollback_undoes_all_of_its_calls");
    check("affected", "update_by_key", "update::a_key_changes_its_row_and_no_other_column");
    check("affected", "delete_where", "delete::without_a_condition_all_rows_go");
    check("atomic", "on_error_atomic", "insert::a_failed_record_undoes_all");
    check("parameters", "max_parameters", "limits::as_many_parameters_as_declared_work");
    check("unknown", "query", "errors::an_unknown_part_of_a_query_is_refused");
    check("rules", "row_rules", "rules::a_guard_hides_rows_from_updates");
    check("count", "count", "refused::count");
}

#[test]
fn without_lies_the_connector_that_can_lie_passes() {
    let judged = judge(&folder(&lying(&[])), "chaos", &[]);
    assert_eq!(judged.code, Some(0), "{judged:?}");
}

#[test]
fn a_failure_says_what_was_sent_what_came_and_what_was_expected() {
    let judged = judge(&folder(&lying(&["order"])), "chaos", &["--only", "order::one_column"]);
    let lines: Vec<&str> = judged.output.lines().take(4).collect();
    let [name, rule, difference, request] = lines[..] else { panic!("{judged:?}") };
    assert_eq!(name, "FAILED order::one_column_goes_up_or_down");
    assert_eq!(rule, "    the contract: one column goes up or down");
    assert!(difference.contains("expected [10, 9,") && difference.contains("found [1, 2,"), "{difference}");
    assert!(request.contains(r#"last request: Query {"from":{"name":"item"}"#), "{request}");
}

#[test]
fn tables_that_are_there_are_compared_with_the_reference() {
    let judged = judge(&folder(PEOPLE), "memory", &[]);
    assert_eq!(judged.code, Some(0), "{judged:?}");
    assert!(judged.output.ends_with("nothing wrong was found in what was tried\n"), "{judged:?}");
    for judged_capability in [
        "filter_not",
        "filter_like",
        "filter_expressions",
        "count",
        "order",
        "order_nulls",
        "offset",
        "distinct",
        "aggregates",
    ] {
        assert_eq!(
            judged.capability(judged_capability).last(),
            Some(&"ok"),
            "{judged_capability}: {judged:?}"
        );
    }
    assert_eq!(judged.capability("insert"), ["insert", "yes", "0", "0", "0", "0", "0", "not judged"]);
}

/// A store of documents with these tables, for as long as it is held, and the configuration of a service on it.
fn documents(tables: &[Stored]) -> (Prepared, String) {
    let fixtures = Fixture::discover(&clone_folder().join("tests/fixtures")).unwrap();
    let fixture = fixtures.into_iter().find(|fixture| fixture.name == "mongodb").unwrap();
    let store = fixture.start(fixture.versions.first().unwrap(), tables).unwrap();
    let config = json!({"config": store.config});
    let config: toml::Table = serde_json::from_value(config).unwrap();
    (store, config.to_string())
}

/// Its choice about letters.
const FOLDS: &str =
    "\n[[quirks.choice]]\nname = \"folds_unicode\"\nmanual = \"https://www.mongodb.com/docs/manual/\"\n";

#[test]
fn columns_that_only_documents_have_are_compared_with_the_reference() {
    let columns = vec![Column::new("id", ColumnType::Integer), Column::new("place", ColumnType::Object)];
    let text = |text: String| Value::Text(text);
    let row = |id: i64| {
        let city = if id % 3 == 0 { Value::Null } else { text(format!("city {}", id % 4)) };
        let place = Value::Object(vec![("city".to_owned(), city), ("height".to_owned(), Value::I64(id % 5))]);
        let extra = if id % 2 == 0 { Value::I64(id % 6) } else { Value::Null };
        vec![Value::I64(id), place, extra]
    };
    let mut things = Stored::new("things", columns, (1..=30).map(row).collect());
    things.table.is_open = true;
    things.undescribed = vec!["extra".to_owned()];
    let (_store, config) = documents(&[things]);
    let judged = judge(&folder(&(config + FOLDS)), "mongodb", &[]);
    assert_eq!(judged.code, Some(0), "{judged:?}");
    for (capability, cases) in [("open_columns", "2"), ("filter_paths", "2")] {
        let cells = judged.capability(capability);
        assert_eq!((cells[1], cells[2], cells.last()), ("yes", cases, Some(&"ok")), "{judged:?}");
    }
}

#[test]
fn open_tables_are_filled_with_the_columns_that_no_description_names() {
    let facts = "[store]\nown_key = \"_id\"\nrandom_filters = 100\n";
    let known = store("mongodb", "mongodb").replace("[store]\n", facts);
    let Config { store: facts, quirks, .. } = toml::from_str(&known).unwrap();
    let mut tables = needed(&facts, &quirks);
    // Some values of `typed` can't be written by the connector.
    tables.iter_mut().filter(|table| table.name() != "typed").for_each(|table| table.rows.clear());
    let (_store, config) = documents(&tables);
    let config = format!("{known}\n{config}\n[prepare]\nby_hand = true\n");
    let judged = judge(&folder(&config), "mongodb", &["--only", "open::"]);
    assert_eq!(judged.code, Some(0), "{judged:?}");
    assert_eq!(judged.capability("open_columns").last(), Some(&"ok"), "{judged:?}");
}

#[test]
fn a_database_that_is_there_is_not_written() {
    let setup = folder("[config]\ndatabase = \"people.sqlite\"\n");
    let path = setup.path("people.sqlite");
    let people = "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL, age INTEGER);
        INSERT INTO people VALUES (1, 'Ada', 36), (2, 'Grace', NULL), (3, '', -1);
        CREATE TABLE log (line TEXT);
        INSERT INTO log VALUES ('twice'), ('twice'), (NULL);
        CREATE TABLE empty (id INTEGER)";
    rusqlite::Connection::open(&path).unwrap().execute_batch(people).unwrap();
    let before = std::fs::read(&path).unwrap();
    let judged = judge(&setup, "sqlite", &[]);
    assert_eq!(judged.code, Some(0), "{judged:?}");
    assert!(judged.output.contains("left out: empty: has no rows"), "{judged:?}");
    assert_eq!(judged.capability("filter_expressions").last(), Some(&"ok"), "{judged:?}");
    assert_eq!(judged.capability("delete_where").last(), Some(&"not judged"), "{judged:?}");
    assert!(std::fs::read(&path).unwrap() == before, "the database was written");
}

#[test]
fn lies_are_found_on_tables_that_are_there() {
    let honest = library("memory").unwrap();
    let config = format!(
        "[store]\nservice_type = \"chaos_00_liar\"\n[config]\nlibrary = {:?}\ntype = \"memory\"\nlies = {}\n{PEOPLE}",
        honest.to_str().unwrap(),
        json!(["order", "not", "offset", "distinct"])
    );
    let judged = judge(&folder(&config), "chaos", &["--table", "people"]);
    assert_eq!(judged.code, Some(1), "{judged:?}");
    for case in ["existing::order", "existing::filter_not", "existing::offset", "existing::distinct"] {
        assert!(judged.output.contains(&format!("FAILED {case}\n")), "{case}: {judged:?}");
    }
    assert_eq!(judged.capability("filter_null").last(), Some(&"ok"), "{judged:?}");
    let nulls = config.replace("\"order\",\"not\",\"offset\",\"distinct\"", "\"nulls\"");
    let judged = judge(&folder(&nulls), "chaos", &[]);
    assert!(judged.output.contains("FAILED existing::order_nulls\n"), "{judged:?}");
    assert_eq!(judged.capability("order_nulls").last(), Some(&"FAILED"), "{judged:?}");
}

#[test]
fn a_failure_says_which_words_of_the_configuration_may_say_it() {
    let people = PEOPLE.replace("[config.", "[store]\nservice_type = \"memory\"\n[config.");
    let choice = "[[quirks.choice]]\nname = \"like_minds_case\"\nmanual = \"https://example.com\"\n";
    let judged = judge(&folder(&format!("{people}{choice}")), "memory", &["--only", "existing::filter_like"]);
    assert_eq!(judged.code, Some(1), "{judged:?}");
    let hint = "if the store is like that, say so: [[quirks.choice]] `like_minds_case`";
    assert!(judged.output.contains(hint), "{judged:?}");
}

/// The command ends with the code for no judgement and names this on the error stream.
#[track_caller]
fn check_unjudged(judged: &Judged, part: &str) {
    assert_eq!((judged.code, judged.output.as_str()), (Some(2), ""), "{judged:?}");
    assert!(judged.errors.contains(part), "{judged:?}");
}

#[test]
fn what_can_not_be_judged_says_why_and_what_to_do() {
    let check = |config: &str, arguments: &[&str], part: &str| {
        check_unjudged(&judge(&folder(config), "memory", arguments), part);
    };
    check(PEOPLE, &["--table", "cats"], "no table 'cats'");
    check(PEOPLE, &["--only", "cats"], "no case to run whose name contains 'cats'");
    check(
        "[prepare]\ncommand = [\"./nobody\"]\n[store]\ntypes = [\"integer\"]",
        &[],
        "can't be run: `./nobody` in the folder",
    );
    let answering = |answer: &str| {
        let command = json!(["sh", "-c", format!("echo '{answer}'")]);
        format!("[prepare]\ncommand = {command}\n[store]\ntypes = [\"integer\"]")
    };
    check(&answering("1"), &[], "has to answer `start` with one line of JSON");
    check(&answering(r#"{"config": {}}"#), &[], "does not find the table 'item'");
    check("[store]\nservice_type = \"greeter\"", &[], "offers memory, not 'greeter'; change `service_type`");
    check(PEOPLE, &["--case-time", "0"], "invalid value '0'");
    check(PEOPLE, &["--log", "loud"], "must be one of `off`, `error`");
}

#[test]
fn a_mistake_in_the_configuration_is_told_with_file_line_and_remedy() {
    let check = |config: &str, part: &str| {
        let judged = judge(&folder(config), "memory", &[]);
        check_unjudged(&judged, part);
        assert!(!judged.errors.contains("hunter2"), "{judged:?}");
    };
    check("\nconfigs = 1", "gateway.toml:2: unknown field `configs`");
    check("[prepare]", "gateway.toml:1: [prepare] has either");
    check("[prepare]\nby_hand = true", "`types`");
    check(
        "[prepare]\nby_hand = true\n[store]\ntypes = [\"text\"]",
        "gateway.toml:4: `types` in [store] has to have `integer`",
    );
    check(
        "[config]\n\npassword = \"${env:NO_SUCH_PASSWORD}\"",
        "gateway.toml:3: `password` in [config] needs the environment",
    );
    check(
        "[config]\ntabels = \"hunter2\"",
        "gateway.toml:2: unknown key `tabels` in [config]; did you mean `tables`?",
    );
    check(
        "[config]\n\ntables = \"hunter2\"",
        "gateway.toml:3: `tables` in [config] must be a table, not a text",
    );
    let quirk = "[[quirks.choice]]\nname = \"like_minds_case\"\nmanual = \"a book\"";
    check(quirk, "gateway.toml:3: expected a link to the store's manual");
    check(
        "[store]\n\ntypes = [\"bigint\"]",
        "gateway.toml:3: 'bigint' is not a type of the contract, which are boolean,",
    );
}

#[test]
fn keys_that_the_gateway_takes_for_itself_do_not_reach_the_connector() {
    let judged =
        judge(&folder(&format!("[config]\nmax_records = 7\n{PEOPLE}")), "memory", &["--only", "order"]);
    assert_eq!(judged.code, Some(0), "{judged:?}");
}

#[test]
fn a_library_that_can_not_be_used_says_why_and_what_to_do() {
    let setup = folder("");
    let check = |name: &str, part: &str| check_unjudged(&judge_file(&setup, &setup.path(name), &[]), part);
    setup.write("libgreeter.so", "no library");
    check("libgreeter.so", "libgreeter.so: it is not a shared library; name the `.so` that cargo builds");
    check("no_such_library.so", "no_such_library.so: there is no such file; `cargo build --release`");
    check("", "it is a folder; name the library file in it");
    let honest = std::fs::read(library("memory").unwrap()).unwrap();
    for name in ["greeter", ".libgreeter.so"] {
        std::fs::write(setup.path(name), &honest).unwrap();
        check(name, "ends in `.so` and begins with no dot; rename it");
    }
    std::fs::write(setup.path("cut.so"), &honest[..honest.len() / 2]).unwrap();
    check("cut.so", "it is truncated");
    std::fs::write(setup.path("old.so"), patched(&honest, b"tablegate.stamp\0", 16, 7)).unwrap();
    check("old.so", "replace its folder `connector-api`");
}

/// The same library with another byte, so far behind the start of this text.
fn patched(library: &[u8], text: &[u8], offset: usize, byte: u8) -> Vec<u8> {
    let place = library.windows(text.len()).position(|window| window == text).unwrap();
    let mut other = library.to_vec();
    other[place + offset] = byte;
    other
}

#[test]
fn a_case_that_is_not_answered_ends_and_the_others_run() {
    let judged = judge(&folder(&lying(&["hang"])), "chaos", &["--only", "order::o", "--case-time", "5"]);
    assert_eq!(judged.code, Some(1), "{judged:?}");
    assert!(judged.output.contains("no end within 5 s"), "{judged:?}");
}

#[test]
fn a_service_that_answers_nothing_any_more_ends_the_run() {
    let judged = judge(&folder(&lying(&["die"])), "chaos", &["--only", "order::", "--case-time", "5"]);
    assert_eq!(judged.code, Some(1), "{judged:?}");
    assert!(
        judged.output.contains("The run has ended early: then the service did not even answer ping"),
        "{judged:?}"
    );
    assert!(judged.output.contains("1 case(s), 1 failed"), "{judged:?}");
}

/// The program of a [prepare] that leaves a mark as long as its tables are there.
const MARKING: &str = r#"if [ "$2" = start ]; then touch mark; else rm mark; fi; exec python3 "$@""#;

#[test]
fn a_run_that_is_interrupted_takes_its_tables_away() {
    let script = clone_folder().join("tests/fixtures/memory/fixture.py");
    let (plain, marking) = (json!(["python3", script]), json!(["sh", "-c", MARKING, "sh", script]));
    let setup = folder(&lying(&["hang"]).replace(&plain.to_string(), &marking.to_string()));
    let library = library("chaos").unwrap();
    let mut command = setup.command(&["connector", "test", library.to_str().unwrap(), "--only", "order::"]);
    let mut running = command.stderr(Stdio::null()).spawn().unwrap();
    eventually("the tables are there", || setup.path("mark").exists());
    // Whether the first case is waiting already does not matter.
    let interrupt = format!("kill -s INT {}", running.id());
    eventually("it ends", || {
        assert!(std::process::Command::new("sh").args(["-c", &interrupt]).status().is_ok());
        running.try_wait().unwrap().is_some()
    });
    assert_eq!(running.wait().unwrap().code(), Some(2));
    assert!(!setup.path("mark").exists());
}

#[test]
fn the_loader_is_told_in_its_own_words() {
    let setup = folder("");
    let honest = std::fs::read(library("memory").unwrap()).unwrap();
    std::fs::write(setup.path("strange.so"), patched(&honest, b"libc.so.6", 3, b'z')).unwrap();
    let judged = judge_file(&setup, &setup.path("strange.so"), &[]);
    check_unjudged(&judged, "the system can't open it: libz.so.6: cannot open shared object file");
}
