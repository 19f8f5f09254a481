//! `tablegate doctor`: what it looks at, and what it says to do.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};

use serde_json::Value;

use crate::gateway::Setup;
use crate::postgres_tls::certificates;

/// Nothing is wrong with it.
const RIGHT: &str = r#"
[[services]]
name = "shop"
type = "sqlite"
[services.config]
database = "shop.sqlite"

[[roles]]
name = "reader"
access = [{ service = "shop", component = "*", verbs = ["GET"] }]

[[apps]]
name = "app"
role = "reader"
api_key = "${file:app.key}"
"#;

fn setup(config: &str) -> Setup {
    let setup = Setup::new(config);
    setup.write("app.key", "0123456789abcdef0123456789abcdef");
    mode(&setup, "app.key", 0o600);
    let database = rusqlite::Connection::open(setup.path("shop.sqlite")).unwrap();
    database
        .execute_batch("CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (id INTEGER PRIMARY KEY)")
        .unwrap();
    setup
}

fn mode(setup: &Setup, file: &str, mode: u32) {
    std::fs::set_permissions(setup.path(file), std::fs::Permissions::from_mode(mode)).unwrap();
}

/// The exit code, and every finding.
fn findings(mut command: Command) -> (Option<i32>, Vec<Value>) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let report: Value = serde_json::from_slice(&stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&stderr)));
    (status.code(), report["findings"].as_array().unwrap().clone())
}

/// Of this setup doctor finds this, and exits with 1 if it is a problem.
#[track_caller]
fn check(command: Command, level: &str, area: &str, what: &str, remedy: &str) {
    let (code, findings) = findings(command);
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    let found = findings
        .iter()
        .find(|finding| text(finding, "area") == area && text(finding, "what").contains(what))
        .unwrap_or_else(|| panic!("no {area} with {what} in {findings:#?}"));
    assert_eq!(text(found, "level"), level, "{found}");
    assert!(text(found, "remedy").contains(remedy), "{found}");
    if level == "problem" {
        assert_eq!(code, Some(1));
    }
}

fn doctor(setup: &Setup) -> Command {
    setup.command(&["doctor", "--json"])
}

#[test]
fn nothing_is_wrong_with_an_installation_that_is_right() {
    let setup = setup(RIGHT);
    let (code, findings) = findings(doctor(&setup));
    assert!(findings.iter().all(|finding| finding["level"] == "ok"), "{findings:#?}");
    assert_eq!(code, Some(0));
    check(doctor(&setup), "ok", "service", "'shop' answers: 2 table(s)", "");
    check(doctor(&setup), "ok", "plugins", "offers sqlite, runs inside the gateway", "");
    check(doctor(&setup), "ok", "access", "from the environment", "");
}

#[test]
fn people_read_lines_with_a_remedy_below() {
    let setup = setup(RIGHT);
    std::fs::remove_file(setup.path("shop.sqlite")).unwrap();
    let Output { status, stdout, .. } = setup.run(&["doctor"]);
    let text = String::from_utf8(stdout).unwrap();
    assert_eq!(status.code(), Some(1));
    let mut lines = text.lines().skip_while(|line| !line.starts_with("problem"));
    assert!(
        lines.next().unwrap().starts_with("problem  service        service 'shop' does not answer: "),
        "{text}"
    );
    assert!(lines.next().unwrap().trim_start().starts_with("-> correct [services.config]"), "{text}");
    assert!(text.ends_with("\n1 problem(s), 0 warning(s)\n"), "{text}");
}

#[test]
fn mistakes_in_the_configuration_are_problems() {
    let setup = setup("[server]\nlisen = \"x\"\n");
    check(
        doctor(&setup),
        "problem",
        "configuration",
        "gateway.toml:2: unknown key `lisen`",
        "did you mean `listen`?",
    );
}

#[test]
fn what_others_may_read_or_change_is_told() {
    let setup = setup(RIGHT);
    mode(&setup, "app.key", 0o644);
    check(
        doctor(&setup),
        "warning",
        "permissions",
        "app.key is a secret, and everybody may read it",
        "chmod o-r app.key",
    );
    mode(&setup, "app.key", 0o602);
    check(doctor(&setup), "problem", "permissions", "anybody may change app.key", "chmod o-w app.key");
    setup.write("gateway.toml", &RIGHT.replace("${file:app.key}", "0123456789abcdef0123456789abcdef"));
    mode(&setup, "gateway.toml", 0o644);
    check(
        doctor(&setup),
        "warning",
        "permissions",
        "gateway.toml has secrets in it",
        "chmod o-r gateway.toml",
    );
}

#[test]
fn a_private_key_that_others_may_read_is_told() {
    let setup =
        setup(&RIGHT.replace("type = \"sqlite\"\n", "type = \"sqlite\"\ndescription = \"server.key\"\n"));
    setup.write("server.key", "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\n");
    mode(&setup, "server.key", 0o644);
    check(doctor(&setup), "warning", "permissions", "server.key is a private key", "chmod o-r server.key");
}

#[test]
fn a_refused_library_is_a_problem() {
    let setup = setup(RIGHT);
    setup.write("plugins/libother.so", "no library");
    check(doctor(&setup), "problem", "plugins", "libother.so: it is not a shared library", "remove it");
    mode(&setup, "plugins", 0o777);
    check(doctor(&setup), "problem", "plugins", "anybody may write to the folder", "chmod o-w");
}

#[test]
fn a_library_with_a_process_of_its_own_is_told() {
    let setup = setup(&format!("{RIGHT}\n[plugins.connectors.sqlite]\nisolation = \"process\"\n"));
    check(doctor(&setup), "ok", "plugins", "offers sqlite, runs in a process of its own", "");
}

#[test]
fn a_state_folder_that_is_a_file_is_a_problem() {
    let setup = setup(RIGHT);
    setup.write("data", "");
    check(doctor(&setup), "problem", "state folder", "data is no folder", "state.directory");
}

#[test]
fn an_address_that_somebody_else_has_is_a_problem_and_a_gateway_there_is_not() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    std::thread::spawn(move || taken.incoming().for_each(drop));
    let busy = setup(RIGHT).variable("TABLEGATE_SERVER__LISTEN", &address);
    let own = format!("process {}", std::process::id());
    check(doctor(&busy), "problem", "address", &format!("{address} is taken by "), "server.listen");
    check(doctor(&busy), "problem", "address", &own, "stop that program");

    let gateway = setup(RIGHT).start();
    let mut beside = doctor(&gateway.setup);
    beside.env("TABLEGATE_SERVER__LISTEN", gateway.address.to_string());
    check(beside, "ok", "address", "a gateway answers on", "");
}

#[test]
fn a_gateway_that_speaks_tls_is_known_also_where_it_wants_certificates_of_clients() {
    for more in ["", "client_ca = \"ca.crt\"\n"] {
        let pair = "certificate = \"server.crt\"\nkey = \"server.key\"\n";
        let setup = setup(&format!("{RIGHT}\n[server.tls]\n{pair}{more}"));
        certificates(&setup.path(""));
        let gateway = setup.start();
        let mut beside = doctor(&gateway.setup);
        beside.env("TABLEGATE_SERVER__LISTEN", gateway.address.to_string());
        let (code, findings) = findings(beside);
        let found = findings.iter().find(|finding| finding["area"] == "address").unwrap();
        assert!(found["what"].as_str().unwrap().starts_with("a gateway answers on "), "{found}");
        assert!(findings.iter().all(|finding| finding["level"] == "ok"), "{findings:#?}");
        assert_eq!(code, Some(0));
    }
}

#[test]
fn too_few_open_files_are_a_problem() {
    let setup = setup(RIGHT);
    let whole = doctor(&setup);
    let mut limited = Command::new("sh");
    limited.args(["-c", r#"ulimit -n 90; exec "$0" "$@""#]).arg(whole.get_program()).args(whole.get_args());
    limited.current_dir(setup.path("")).env_clear();
    limited.envs(whole.get_envs().filter_map(|(name, value)| Some((name, value?))));
    check(limited, "problem", "limits", "open files: 90", "LimitNOFILE");
}

#[test]
fn easy_keys_wide_grants_and_services_out_of_reach_are_warned_of() {
    let config = RIGHT.replace("${file:app.key}", "short").replace("service = \"shop\"", "service = \"*\"");
    check(
        doctor(&setup(&config)),
        "warning",
        "access",
        "the API key of app 'app' has 5 characters",
        "openssl rand",
    );
    check(
        doctor(&setup(&config)),
        "warning",
        "access",
        "role 'reader' has a grant for every service",
        "name the services",
    );
    let config = RIGHT
        .replace("role = \"reader\"", "role = \"none\"")
        .replace("[[apps]]", "[[roles]]\nname = \"none\"\n[[apps]]");
    check(
        doctor(&setup(&config)),
        "warning",
        "access",
        "nobody but the administrator may use service 'shop'",
        "is_active = false",
    );
    check(doctor(&setup(&config)), "warning", "access", "role 'none' grants nothing", "[[roles.access]]");
    check(
        doctor(&setup(RIGHT).without_admin()),
        "warning",
        "access",
        "no administrator is configured",
        "TABLEGATE_ADMIN_EMAIL",
    );
}
