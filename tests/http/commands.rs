//! The commands that serve nothing: `check`, `connectors`, `test`.

use std::process::Output;

use tests::libraries;

use crate::gateway::Setup;
use crate::shop;

/// What a command has printed, and whether it went well.
#[derive(Debug)]
struct Printed {
    code: Option<i32>,
    output: String,
    errors: String,
}

fn run(setup: &Setup, arguments: &[&str]) -> Printed {
    let Output { status, stdout, stderr } = setup.run(arguments);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Printed { code: status.code(), output: text(stdout), errors: text(stderr) }
}

/// The command fails and prints exactly these lines of errors.
#[track_caller]
fn check_refused(setup: &Setup, arguments: &[&str], lines: &[&str]) {
    let printed = run(setup, arguments);
    assert_eq!(printed.errors.lines().collect::<Vec<_>>(), lines);
    assert_eq!((printed.code, printed.output.as_str()), (Some(1), ""));
}

const MISTAKES: &str = r#"[server]
lisen = "127.0.0.1:0"
request_timeout = "soon"
workers = 0

[[services]]
name = "a shop"
typ = "sqlite"

[[roles]]
name = "reader"
access = [{ service = "shp", component = "*", verbs = ["FETCH"] }]

[[roles]]
name = "Reader"

[[apps]]
name = "app"
role = "reder"
api_key = "${env:NO_SUCH_KEY}"
"#;

#[test]
fn check_says_every_mistake_with_its_place_and_what_to_do() {
    let setup = Setup::new(MISTAKES);
    setup
        .write("services.d/shop.toml", "[[services]]\nname = \"shop\"\ntype = \"sqlite\"\nis_activ = true\n");
    setup.write("services.d/torn.toml", "[[services]\n");
    let printed = run(&setup, &["check"]);
    assert_eq!((printed.code, printed.output.as_str()), (Some(1), ""));
    let expected = [
        ("gateway.toml:2", "lisen", "did you mean `listen`?"),
        ("gateway.toml:3", "request_timeout", ""),
        ("gateway.toml:4", "workers", ""),
        ("gateway.toml:7", "a shop", "use letters, digits"),
        ("gateway.toml:8", "typ", "did you mean `type`?"),
        ("gateway.toml:12", "FETCH", ""),
        ("gateway.toml:15", "Reader", "rename one of them"),
        ("gateway.toml:20", "NO_SUCH_KEY", ""),
        ("shop.toml:4", "is_activ", "did you mean `is_active`?"),
        ("torn.toml:1", "", ""),
    ];
    for (place, what, remedy) in expected {
        let found =
            printed.errors.lines().find(|line| line.contains(&format!("{place}:")) && line.contains(what));
        let line = found.unwrap_or_else(|| panic!("no line for {place} {what} in:\n{}", printed.errors));
        assert!(line.contains(remedy), "{line}");
    }
    assert_eq!(run(&setup, &["serve"]).errors, printed.errors, "to serve says the same");
}

#[test]
fn check_knows_the_names_that_others_refer_to() {
    let config = "[[services]]\nname = \"shop\"\ntype = \"sqlite\"\nconfig = { database = \"x\" }\n\n[[roles]]\nname = \"reader\"\naccess = [{ service = \"shp\", component = \"*\", verbs = [\"GET\"] }]\n\n[[apps]]\nname = \"app\"\nrole = \"reder\"\napi_key = \"k\"\n";
    check_refused(
        &Setup::new(config),
        &["check"],
        &[
            "2 problems in the configuration",
            "gateway.toml:8: unknown service `shp`; did you mean `shop`?",
            "gateway.toml:12: unknown role `reder`; did you mean `reader`?",
        ],
    );
}

#[test]
fn check_holds_services_against_their_connectors() {
    let config = "[[services]]\nname = \"a\"\ntype = \"sqlit\"\nlabl = \"x\"\n\n[[services]]\nname = \"b\"\ntype = \"sqlite\"\nconfig = { databse = \"x\" }\n\n[[services]]\nname = \"c\"\ntype = \"sqlite\"\nconfig = { database = \"x\", threads = \"many\" }\n";
    let setup = Setup::new(config);
    let printed = run(&setup, &["check"]);
    assert_eq!(printed.code, Some(1));
    for part in [
        "gateway.toml:4: unknown key `labl` in [[services]]; did you mean `label`?",
        "gateway.toml:3: service `a`: no connector offers the type `sqlit`; did you mean `sqlite`?",
        "gateway.toml:9: service `b`: unknown key `databse`",
        "did you mean `database`?",
        "gateway.toml:14: service `c`: ",
    ] {
        assert!(printed.errors.contains(part), "{part} is not in:\n{}", printed.errors);
    }
}

#[test]
fn check_reads_the_files_of_extras() {
    let setup =
        Setup::new("[[services]]\nname = \"shop\"\ntype = \"sqlite\"\n[services.config]\ndatabase = \"x\"\n");
    let check = |extras: &str, parts: &[&str]| {
        setup.write("data/extras/shop.toml", extras);
        let printed = run(&setup, &["check"]);
        assert_eq!(printed.code, Some(1));
        for part in parts {
            assert!(printed.errors.contains(part), "{part} is not in:\n{}", printed.errors);
        }
    };
    check("[tables", &["service `shop`: its extras can't be read: ", "shop.toml: "]);
    let kept = |name: &str, kind: &str, fields: &str, service: &str| {
        format!(
            "[tables.t.relationships.\"{name}\"]\nvirtual = {{ type = \"{kind}\", field = [{fields}], ref_service = \"{service}\", ref_table = \"u\", ref_field = [\"b\"] }}\n"
        )
    };
    check(&kept("crm.u_by_a", "has_few", "\"a\"", "crm"), &["shop.toml: ", "has_few", "belongs_to"]);
    let place = "table 't', relationship 'crm.u_by_a'";
    check(&kept("crm.u_by_a", "belongs_to", "", "crm"), &[place, "can't be empty"]);
    check(&kept("crm.u_by_a", "belongs_to", "\"a\", \"c\"", "crm"), &[place, "2 fields"]);
    check(&kept("crm.u_by_a", "belongs_to", "\"a\"", "crm"), &[place, "there is no service `crm`"]);
    check(&kept("u_by_a", "belongs_to", "\"a\"", "crm"), &["its name is 'crm.u_by_a'"]);
}

#[test]
fn a_configuration_without_mistakes_is_right() {
    let printed = run(&shop::setup(""), &["check"]);
    let right = "the configuration is right: 3 service(s), 2 role(s), 3 app(s)\n";
    assert_eq!((printed.code, printed.output.as_str(), printed.errors.as_str()), (Some(0), right, ""));
}

#[test]
fn a_missing_configuration_is_said_so() {
    let setup = Setup::new("");
    std::fs::remove_file(setup.path("gateway.toml")).unwrap();
    let printed = run(&setup, &["check"]);
    assert_eq!(printed.code, Some(1));
    assert!(printed.errors.contains("gateway.toml"), "{}", printed.errors);
}

#[test]
fn connectors_are_listed_with_what_they_can_do_and_why_others_were_refused() {
    let setup = Setup::new("");
    setup.write("plugins/libbroken.so", "no library");
    let printed = run(&setup, &["connectors"]);
    assert_eq!((printed.code, printed.errors.as_str()), (Some(0), ""));
    let library = libraries::library("sqlite").unwrap();
    let lines: Vec<&str> = printed.output.lines().collect();
    let at = lines
        .iter()
        .position(|line| line.ends_with("libconnector_sqlite.so"))
        .unwrap_or_else(|| panic!("{library:?} {lines:#?}"));
    for (line, part) in lines[at + 1..].iter().zip([
        "  connector     sqlite ",
        "  contract      connector-api ",
        "  compiler      ",
        "  service type  sqlite (SQLite)",
        "  capabilities  query count ",
    ]) {
        assert!(line.starts_with(part), "{lines:#?}");
    }
    assert!(lines.iter().any(|line| line.starts_with("  service type  memory")), "{lines:#?}");
    let refused = "plugins/libbroken.so: it is not a shared library; remove it from the plugin folder";
    assert!(lines.iter().any(|line| *line == format!("refused: {refused}")), "{lines:#?}");
}

#[test]
fn an_empty_plugin_folder_is_said_so() {
    let setup = Setup::new("[plugins]\ndirectories = [\"none\", \"absent\"]");
    std::fs::create_dir(setup.path("none")).unwrap();
    let printed = run(&setup, &["connectors"]);
    assert_eq!(printed.code, Some(0));
    let expected = "refused: absent: the plugin folder does not exist; create it, or change `plugins.directories`\nno connector was found in none, absent\n";
    assert_eq!(printed.output, expected);
}

#[test]
fn check_says_where_a_plugin_folder_is_named_that_is_not_there() {
    let setup = Setup::new("[plugins]\ndirectories = [\n\"plugins\",\n\"absent\",\n]\n");
    let printed = run(&setup, &["check"]);
    assert_eq!(printed.code, Some(1));
    let expected = "gateway.toml:4: absent: the plugin folder does not exist; create it, or change `plugins.directories`";
    assert!(printed.errors.contains(expected), "{}", printed.errors);
}

#[test]
fn what_a_file_that_is_no_toml_may_say_is_not_called_a_mistake() {
    let setup = Setup::new("[plugins]\ndirectories = [\"elsewhere\"]\n[[services]\n");
    std::fs::remove_dir_all(setup.path("plugins")).unwrap();
    setup.write("services.d/shop.toml", "[[services]]\nname = \"shop\"\ntype = \"sqlite\"\n");
    let printed = run(&setup, &["check"]);
    assert!(printed.errors.contains("gateway.toml:3: not valid TOML"), "{}", printed.errors);
    assert!(printed.errors.contains("1 problem in the configuration"), "{}", printed.errors);
    assert!(!printed.errors.contains("plugin folder"), "{}", printed.errors);
    let found = String::from_utf8(setup.run(&["doctor"]).stdout).unwrap();
    assert!(found.contains("not valid TOML") && !found.contains("plugin"), "{found}");
}

#[test]
fn a_service_can_be_tested() {
    let setup = shop::setup("");
    let printed = run(&setup, &["test", "SHOP"]);
    assert_eq!((printed.code, printed.errors.as_str()), (Some(0), ""));
    assert!(printed.output.starts_with("service 'SHOP' answers: 13 table(s) in "), "{}", printed.output);
    check_refused(
        &setup,
        &["test", "shp"],
        &["there is no service 'shp'; the configured ones are: Shop, closed, mem"],
    );
    let keyed = "[[services]]\nname = \"keyed\"\ntype = \"sqlite\"\n\
                 config = { database = \"shop.sqlite\", keys = { paid_orders = [\"id\"], pade = [\"id\"] } }";
    check_refused(
        &shop::setup(keyed),
        &["test", "keyed"],
        &["service 'keyed' has no table or view 'pade', for which `keys` declares columns"],
    );
    std::fs::remove_file(setup.path("shop.sqlite")).unwrap();
    let printed = run(&setup, &["test", "shop"]);
    assert_eq!((printed.code, printed.output.as_str()), (Some(1), ""));
    let begin = "service 'Shop' does not answer: the database file does not exist";
    assert!(printed.errors.starts_with(begin), "{}", printed.errors);
}
