//! Tests of the whole room: files and an environment in, settings or problems out.

use crate::roles::{FilterOp, Requestor, RowFilter, RowOperator, Verb};
use std::{fs, path::PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{layers::DEFAULT_FILE, *};

mod edge;

/// A folder with a main file and others beside it.
pub(super) struct Files {
    folder: TempDir,
    environment: Vec<(String, String)>,
}

impl Files {
    pub(super) fn new(main: &str) -> Self {
        let files = Self { folder: TempDir::new().unwrap(), environment: Vec::new() };
        files.write("gateway.toml", main)
    }

    fn write(self, name: &str, text: &str) -> Self {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn load(&self) -> Result<Settings, Problems> {
        let config = Some(self.folder.path().join("gateway.toml"));
        load(&LoadOptions { config, environment: self.environment.clone() })
    }

    /// The problems as lines, without the folder's own path.
    fn problems(&self) -> Vec<String> {
        let problems = self.load().expect_err("the configuration must be refused");
        let folder = format!("{}/", self.folder.path().display());
        problems.0.iter().map(|problem| problem.to_string().replace(&folder, "")).collect()
    }

    #[track_caller]
    fn refused_with(&self, expected: &[&str]) {
        assert_eq!(self.problems(), expected);
    }
}

#[track_caller]
pub(super) fn check(main: &str, expected: &[&str]) {
    Files::new(main).refused_with(expected);
}

/// Long enough to seal cursors.
const LONG_KEY: &str = "0123456789abcdef0123456789abcdef";
const SERVICE: &str = "[[services]]\nname = \"shop\"\ntype = \"sqlite\"\n";
pub(super) const ROLE: &str = "[[roles]]\nname = \"reader\"\n";

fn repository_file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../config").join(name)
}

/// The file with every commented setting switched on: those lines have no space after the `#`.
fn uncommented(text: &str) -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(setting) if !setting.starts_with(' ') => setting.to_owned(),
        _ => line.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_missing_default_file_means_the_defaults() {
    assert!(!PathBuf::from(DEFAULT_FILE).exists(), "this test runs in a folder without configuration");
    let settings = load(&LoadOptions::default()).unwrap();
    assert_eq!(settings.server, Server::default());
    assert_eq!(settings.plugins.directories, [PathBuf::from("plugins")]);
    assert!(settings.services.is_empty() && settings.admin.is_none());
}

#[test]
fn a_missing_named_file_is_refused() {
    let options = LoadOptions { config: Some("no/such.toml".into()), environment: vec![] };
    let text = load(&options).unwrap_err().to_string();
    let expected = "1 problem in the configuration\ncan't read the configuration file `no/such.toml`: no such file; \
                    check the path and its permissions";
    assert_eq!(text, expected);
}

#[test]
fn later_layers_win_and_lists_add_up() {
    let files = Files::new(&format!("[server]\nworkers = 2\nrequest_timeout = \"1s\"\n{SERVICE}"))
        .write(
            "services.d/b.toml",
            "[server]\nrequest_timeout = \"3s\"\n[[services]]\nname = \"c\"\ntype = \"t\"\n",
        )
        .write(
            "services.d/a.toml",
            "services = [{ name = \"b\", type = \"t\" }]\n[server]\nrequest_timeout = \"2s\"",
        )
        .write("services.d/.hidden.toml", "nonsense")
        .write("services.d/notes.txt", "nonsense")
        .variable("TABLEGATE_SERVER__WORKERS", "7")
        .variable("TABLEGATE_SERVER__LISTEN", "0.0.0.0:1")
        .variable("TABLEGATE_LOGGING__QUERY_LOG", "true")
        .variable("TABLEGATE_PLUGINS__DIRECTORIES", "here, there")
        .variable("TABLEGATE_DEMO_KEY", "not a setting")
        .variable("TABLEGATE_SERVICE_HOST", "10.0.0.1")
        .variable("TABLEGATE_PORT_8080_TCP_ADDR", "10.0.0.1");
    let settings = files.load().unwrap();
    let names: Vec<&str> = settings.services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["shop", "b", "c"]);
    assert_eq!(settings.server.request_timeout, Timeout::from_secs(3));
    assert_eq!(settings.server.workers.map(std::num::NonZeroUsize::get), Some(7));
    assert_eq!(settings.server.listen.to_string(), "0.0.0.0:1");
    assert_eq!(settings.server.shutdown_timeout, Server::default().shutdown_timeout);
    assert!(settings.logging.query_log);
    assert_eq!(settings.plugins.directories, [PathBuf::from("here"), PathBuf::from("there")]);
    assert_eq!(settings.services[2].origin.place().map(|place| place.line), Some(3));
}

#[test]
fn a_list_of_another_key_is_replaced_not_added() {
    let files = Files::new("[plugins]\ndirectories = [\"a\"]")
        .write("services.d/x.toml", "plugins.directories = [\"b\"]");
    assert_eq!(files.load().unwrap().plugins.directories, [PathBuf::from("b")]);
}

#[test]
fn every_problem_is_reported_at_once_in_the_order_of_lines() {
    Files::new(
        "[server]\nlistne = \"127.0.0.1:1\"\nrequest_timeout = 30\nworkers = \"two\"\n[loging]\nlevel = \"info\"\n\
         [[services]]\nname = \"a\"\n[services.config]\npassword = \"${env:NOPE}\"\nmax_records = 0\n\
         [[apps]]\nname = \"x\"\nrole = \"raeder\"\napi_key = \"k\"\n[[roles]]\nname = \"reader\"\n",
    )
    .variable("TABLEGATE_LOGGING__QUERY_LOG", "maybe")
    .variable("TABLEGATE_SERVER__LISTNE", "x")
    .variable("TABLEGATE_SERVER_LISTEN", "x")
    .refused_with(&[
        "unknown environment variable `TABLEGATE_SERVER__LISTNE`; did you mean `TABLEGATE_SERVER__LISTEN`?",
        "unknown environment variable `TABLEGATE_SERVER_LISTEN`; did you mean `TABLEGATE_SERVER__LISTEN`?",
        "environment variable TABLEGATE_LOGGING__QUERY_LOG: `query_log` in [logging] must be true or false, not a text",
        "gateway.toml:2: unknown key `listne` in [server]; did you mean `listen`?",
        "gateway.toml:3: `request_timeout` in [server] has no unit; write a time with a unit, for example \"30s\", \
         \"500ms\" or \"5m\"",
        "gateway.toml:4: `workers` in [server] must be a whole number, not a text",
        "gateway.toml:5: unknown key `loging` at the top level; did you mean `logging`?",
        "gateway.toml:7: missing required key `type` in [[services]]",
        "gateway.toml:10: `password` in [services.config] needs the environment variable `NOPE`, which is not set",
        "gateway.toml:11: `max_records` in [services.config] must be at least 1",
        "gateway.toml:14: unknown role `raeder`; did you mean `reader`?",
    ]);
}

#[test]
fn a_syntax_error_has_its_line_and_hides_no_other_file() {
    let files = Files::new("[server]\nlisten = \n").write(
        "services.d/a.toml",
        "[[services]]\nname = \"a b\"\ntype = \"t\"\n[[apps]]\nname = \"x\"\nrole = \"perhaps-in-the-broken-file\"\napi_key = \"k\"",
    );
    let problems = files.problems();
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems[0].starts_with("gateway.toml:2: not valid TOML: "), "{problems:?}");
    assert!(problems[1].starts_with("services.d/a.toml:2: `a b` can't be a service name"), "{problems:?}");
}

#[test]
fn more_threads_than_sense_are_refused() {
    check("server.workers = 5000", &["gateway.toml:1: `workers` in [server] must be at most 1024"]);
    check(
        "plugins.worker_threads = 0",
        &["gateway.toml:1: `worker_threads` in [plugins] must be at least 1"],
    );
}

#[test]
fn only_a_list_keeps_service_types_from_running_inline() {
    let check = |main: &str, expected: [bool; 2]| {
        let plugins = Files::new(main).load().unwrap().plugins;
        assert_eq!(["a", "b"].map(|service_type| plugins.allows_inline(service_type)), expected, "{main}");
    };
    check("", [true, true]);
    check("plugins.inline = [\"a\"]", [true, false]);
    check("plugins.inline = []", [false, false]);
}

#[test]
fn a_single_bracket_for_a_list_says_how_to_write_it() {
    check(
        "[services]\nname = \"a\"",
        &[
            "gateway.toml:1: `services` at the top level must be a list, not a table; write `[[services]]` for each item",
        ],
    );
}

#[test]
fn names_used_twice_give_both_places() {
    let files = Files::new(&format!("{SERVICE}{ROLE}{ROLE}"))
        .write("services.d/a.toml", "\n[[services]]\nname = \"SHOP\"\ntype = \"x\"\n");
    let main = files.folder.path().join("gateway.toml").display().to_string();
    let problems: Vec<String> =
        files.problems().iter().map(|problem| problem.replace(&main, "gateway.toml")).collect();
    let remedy = "rename one of them, or remove it (letter case makes no difference)";
    assert_eq!(
        problems,
        [
            format!("gateway.toml:7: role `reader` is already defined at gateway.toml:5; {remedy}"),
            format!("services.d/a.toml:3: service `SHOP` is already defined at gateway.toml:2; {remedy}"),
        ]
    );
}

#[test]
fn reserved_and_impossible_service_names_are_refused() {
    check(
        "[[services]]\nname = \"System\"\ntype = \"t\"\n[[services]]\nname = \"a/b\"\ntype = \"t\"\n[[services]]\nname = \"\"\ntype = \"t\"",
        &[
            "gateway.toml:2: the service name `System` is reserved; `system`, `user` and `api_docs` are served by the \
             gateway itself; choose another name",
            "gateway.toml:5: `a/b` can't be a service name; use letters, digits, `_` and `-` only; the name is part of \
             every URL",
            "gateway.toml:8: the name of this service is empty",
        ],
    );
}

#[test]
fn an_api_key_used_twice_is_not_printed() {
    let app =
        |name: &str| format!("[[apps]]\nname = \"{name}\"\nrole = \"reader\"\napi_key = \"${{env:KEY}}\"\n");
    let files = Files::new(&format!("{ROLE}{}{}", app("a"), app("b"))).variable("KEY", "topsecret");
    let problems = files.load().unwrap_err();
    assert_eq!(problems.0.len(), 1);
    assert!(problems.to_string().contains("this API key is the same as the one at"), "{problems}");
    assert!(!format!("{problems} {problems:?}").contains("topsecret"));
}

#[test]
fn an_unusable_api_key_is_refused() {
    check(
        &format!("{ROLE}[[apps]]\nname = \"a\"\nrole = \"READER\"\napi_key = \"\""),
        &[
            "gateway.toml:6: `api_key` in [[apps]] is empty or holds characters that an HTTP header can't carry; use \
           visible ASCII characters without spaces",
        ],
    );
}

#[test]
fn the_key_of_cursors_is_a_secret_of_some_length() {
    let config = "[server]\ncursor_key = \"${env:KEY}\"\n";
    let settings = Files::new(config).variable("KEY", LONG_KEY).load().unwrap();
    assert_eq!(settings.server.cursor_key.as_ref().map(Secret::expose), Some(LONG_KEY));
    assert!(!format!("{settings:?}").contains(LONG_KEY));
    Files::new(config).variable("KEY", "short").refused_with(&[
        "gateway.toml:2: `cursor_key` in [server] has fewer than 32 characters; make one with `openssl rand -base64 32` and \
         keep it outside of this file, as \"${env:NAME}\"",
    ]);
    assert_eq!(Files::new("").load().unwrap().server.cursor_key, None);
}

#[test]
fn the_token_of_metrics_is_a_secret_of_a_length() {
    let config = "[metrics]\ntoken = \"${env:KEY}\"\n";
    let settings = Files::new(config).variable("KEY", LONG_KEY).load().unwrap();
    assert_eq!(settings.metrics.token.as_ref().map(Secret::expose), Some(LONG_KEY));
    assert!(!format!("{settings:?}").contains(LONG_KEY));
    for unfit in ["fifteen-letters", "sixteen letters!"] {
        let told = Files::new(config).variable("KEY", unfit).load().unwrap_err().to_string();
        assert!(told.contains("`token` in [metrics] has fewer than 16 characters"), "{unfit:?}: {told}");
    }
}

#[test]
fn words_of_a_grant_are_checked() {
    check(
        "[[roles]]\nname = \"r\"\n[[roles.access]]\nservice = \"shpo\"\ncomponent = \"*\"\nverbs = [\"GTE\", \"get\"]\n\
         requestors = []\nfilters = [{ name = \"a\", operator = \"like\", value = 1 },\n { name = \"a\", operator = \"=\" },\n\
         { name = \"a\", operator = \"is null\", value = 1 }]\nfilter_op = \"XOR\"\n\
         [[roles.access]]\nservice = \"system\"\ncomponent = \"*\"\nverbs = [\"GET\"]\n[[services]]\nname = \"shop\"\ntype = \"t\"\n",
        &[
            "gateway.toml:4: unknown service `shpo`; did you mean `shop`?",
            "gateway.toml:6: item 1 of `verbs` in [[roles.access]] must be one of `GET`, `POST`, `PUT`, `PATCH` and \
             `DELETE`, not `GTE`; did you mean `GET`?",
            "gateway.toml:6: item 2 of `verbs` in [[roles.access]] must be one of `GET`, `POST`, `PUT`, `PATCH` and \
             `DELETE`, not `get`; did you mean `GET`?",
            "gateway.toml:7: `requestors` in [[roles.access]] must have at least 1 in its list",
            "gateway.toml:8: `operator` in [[roles.access.filters]] must be one of `=`, `!=`, `>`, `>=`, `<`, `<=`, `in`, \
             `not in`, `starts with`, `ends with`, `contains`, `is null` and `is not null`, not `like`",
            "gateway.toml:9: the operator `=` needs a `value`",
            "gateway.toml:10: the operator `is null` takes no `value`",
            "gateway.toml:11: `filter_op` in [[roles.access]] must be one of `AND` and `OR`, not `XOR`; did you mean `OR`?",
        ],
    );
}

#[test]
fn a_grant_keeps_its_types_and_defaults() {
    let files = Files::new(
        "[[roles]]\nname = \"r\"\naccess = [{ service = \"*\", component = \"\", verbs = [\"GET\", \"DELETE\"],\n\
         filters = [{ name = \"a\", operator = \"not in\", value = [1, 2] }] }]",
    );
    let role = files.load().unwrap().roles.remove(0);
    let grant = &role.access[0];
    assert!(role.is_active && grant.service_name().is_none());
    assert_eq!(grant.verbs, [Verb::Get, Verb::Delete]);
    assert_eq!(grant.requestors, [Requestor::Api]);
    assert_eq!(grant.filter_op, FilterOp::And);
    let filter = RowFilter { name: "a".into(), operator: RowOperator::NotIn, value: Some(json!([1, 2])) };
    assert_eq!(grant.filters, [filter]);
}

#[test]
fn secrets_are_resolved_remembered_and_masked() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("password");
    fs::write(&file, "from-file\n").unwrap();
    let config = format!(
        "{SERVICE}[services.config]\nmax_records = 5\npassword = \"${{file:{}}}\"\nurl = \"pg://u:${{env:PW}}@h/${{x}}\"\n\
         nested = {{ list = [\"${{env:PW}}\"] }}\nliteral = \"in-the-open\"\n",
        file.display()
    );
    let settings = Files::new(&config).variable("PW", "from-env").load().unwrap();
    let service = &settings.services[0];
    let expected = json!({
        "password": "from-file", "url": "pg://u:from-env@h/${x}", "nested": { "list": ["from-env"] }, "literal": "in-the-open",
    });
    assert_eq!(Value::Object(service.config.connector.clone()), expected);
    assert_eq!((service.config.max_records, service.config.allow_upsert), (5, false));
    let mut remembered: Vec<&str> = service.secrets.iter().map(Secret::expose).collect();
    remembered.sort_unstable();
    assert_eq!(remembered, ["from-env", "from-env", "from-file"]);
    let shown = format!("{settings:?}");
    assert!(shown.contains(MASK) && !shown.contains("from-") && !shown.contains("in-the-open"), "{shown}");
}

#[test]
fn a_missing_empty_or_unclosed_secret_is_named() {
    let files = Files::new(&format!(
        "{SERVICE}[services.config]\na = \"${{env:EMPTY}}\"\nb = \"${{file:no/such}}\"\nc = \"${{env:OPEN\"\nd = \"${{env:}}\"\n"
    ));
    files.variable("EMPTY", "").refused_with(&[
        "gateway.toml:5: `a` in [services.config] needs the environment variable `EMPTY`, which is empty",
        "gateway.toml:6: `b` in [services.config] needs the file `no/such`, which can't be read: no such file",
        "gateway.toml:7: `c` in [services.config] has a secret reference without its closing `}`",
        "gateway.toml:8: `d` in [services.config] has the secret reference `${env:}` without a name",
    ]);
}

#[test]
fn the_administrator_comes_from_both_variables() {
    let email = ("TABLEGATE_ADMIN_EMAIL", "ada@example.com");
    let files = Files::new("").variable(email.0, email.1);
    files.refused_with(&[
        "environment variable TABLEGATE_ADMIN_EMAIL is set and TABLEGATE_ADMIN_PASSWORD is not; set \
                          both, or neither",
    ]);
    let admin = files.variable("TABLEGATE_ADMIN_PASSWORD", "hidden").load().unwrap().admin.unwrap();
    assert_eq!((admin.email.as_str(), admin.password.expose()), (email.1, "hidden"));
    assert!(!format!("{admin:?}").contains("hidden"));
}

/// Every key of the gateway's own sections in the file must equal the built-in default, and every default must be there.
#[test]
fn the_documented_defaults_are_the_built_in_ones() {
    let text = fs::read_to_string(repository_file("gateway.toml")).unwrap();
    assert!(Files::new(&text).load().is_ok_and(|settings| settings.server == Server::default()));
    let all = Files::new(&uncommented(&text))
        .variable("DASHBOARD_KEY", "k")
        .variable("CURSOR_KEY", LONG_KEY)
        .variable("METRICS_TOKEN", LONG_KEY)
        .load()
        .unwrap();
    let mut documented = serde_json::to_value(&all).unwrap();
    let defaults = serde_json::to_value(Settings::default()).unwrap();
    // These have no default: leaving them out means something that no value says.
    assert!(documented["server"].as_object_mut().unwrap().remove("workers").is_some());
    for key in ["max_stream_size", "max_request_time"] {
        assert!(documented["server"].as_object_mut().unwrap().remove(key).is_some());
    }
    let tls = documented["server"].as_object_mut().unwrap().remove("tls").unwrap();
    assert_eq!(
        tls,
        json!({ "certificate": "certificate.pem", "key": "key.pem", "client_ca": "clients.pem", "hsts_max_age": "8760h" })
    );
    assert!(documented["plugins"].as_object_mut().unwrap().remove("allow_sha256").is_some());
    assert!(documented["plugins"].as_object_mut().unwrap().remove("inline").is_some());
    let libraries = documented["plugins"].as_object_mut().unwrap().remove("connectors").unwrap();
    assert_eq!(
        libraries,
        serde_json::json!({"other": {"isolation": "process", "memory_limit": "1GiB", "environment": ["TNS_ADMIN"]}})
    );
    assert!(documented["logging"].as_object_mut().unwrap().remove("slow_statement").is_some());
    assert!(documented["traces"].as_object_mut().unwrap().remove("endpoint").is_some());
    assert_eq!(documented, defaults);

    let service = &all.services[0];
    let without_own_keys = ServiceConfig { connector: serde_json::Map::new(), ..service.config.clone() };
    assert_eq!(without_own_keys, ServiceConfig::default());
    assert!(service.is_active && service.label.is_empty() && service.description.is_empty());
    let least: Cors = serde_json::from_value(json!({ "origins": ["https://app.example.com"] })).unwrap();
    assert_eq!(all.cors, [least]);
    let grant = &all.roles[0].access[0];
    assert!(grant.filters.is_empty() && grant.filter_op == FilterOp::default());
    assert_eq!(grant.requestors, [Requestor::Api]);
}

/// The keys that the schema derives from the types: each must be in the documented file.
#[test]
fn every_key_is_documented() {
    let text = fs::read_to_string(repository_file("gateway.toml")).unwrap();
    let document: toml_edit::DocumentMut = uncommented(&text).parse().unwrap();
    let root = schemars::schema_for!(Settings).to_value();
    let schema = Schema::new(&root);
    let mut missing = Vec::new();
    for (section, section_schema) in schema.properties(&root) {
        let item = &document[section];
        let table =
            item.as_array_of_tables().map_or_else(|| item.as_table(), |tables| tables.get(0)).unwrap();
        let described = section_schema.get("items").unwrap_or(section_schema);
        let keys = schema.properties(described).into_keys();
        missing.extend(keys.filter(|key| !table.contains_key(key)).map(|key| format!("{section}.{key}")));
    }
    assert!(missing.is_empty(), "{missing:?}");
}

/// serde must refuse nothing that the schema names, and fill in nothing that the schema does not.
#[test]
fn the_schema_knows_the_keys_that_serde_writes() {
    let root = schemars::schema_for!(Settings).to_value();
    let schema = Schema::new(&root);
    let written = serde_json::to_value(Settings::default()).unwrap();
    assert_eq!(schema.check(&written, ""), []);
    for (section, keys) in written.as_object().unwrap() {
        let described = schema.properties(schema.properties(&root)[section.as_str()]);
        let optional = [
            "workers",
            "allow_sha256",
            "inline",
            "connectors",
            "cursor_key",
            "max_stream_size",
            "max_request_time",
            "tls",
            "slow_statement",
            "token",
            "endpoint",
        ];
        let described: Vec<&str> = described.into_keys().filter(|key| !optional.contains(key)).collect();
        let mut keys: Vec<&str> = keys.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        assert_eq!(keys, described, "{section}");
    }
    let back: Settings = serde_json::from_value(written.clone()).unwrap();
    assert_eq!(serde_json::to_value(back).unwrap(), written);
}

#[test]
fn every_file_of_the_config_folder_loads() {
    let folder = repository_file("");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap().chain(fs::read_dir(repository_file("services.d")).unwrap()) {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml" || extension == "example") {
            let text = uncommented(&fs::read_to_string(&path).unwrap());
            let files = Files::new(&text)
                .variable("DASHBOARD_KEY", "k")
                .variable("CURSOR_KEY", LONG_KEY)
                .variable("METRICS_TOKEN", LONG_KEY)
                .variable("TABLEGATE_DEMO_KEY", "d");
            files.load().unwrap_or_else(|problems| panic!("{}: {problems}", path.display()));
            count += 1;
        }
    }
    assert!(count >= 2);
}

#[test]
fn the_demo_reads_flights_and_nothing_else() {
    let text = fs::read_to_string(repository_file("flights.toml")).unwrap();
    let settings = Files::new(&text).variable("TABLEGATE_DEMO_KEY", "d").load().unwrap();
    assert_eq!(settings.services[0].config.connector["database"], "data/flights.sqlite");
    assert_eq!(settings.apps[0].api_key.expose(), "d");
    let grants = settings.roles[0].access.iter();
    assert!(grants.clone().all(|grant| grant.verbs == [Verb::Get] && grant.service == "flights"));
    let components: Vec<&str> = grants.map(|grant| grant.component.as_str()).collect();
    assert_eq!(components, ["_table/*", "_schema/*"]);
}

/// The keys of a table and of all tables below it, as paths.
fn paths(item: &toml_edit::Item) -> Vec<Vec<String>> {
    let table = item.as_table().or_else(|| item.as_array_of_tables().and_then(|tables| tables.get(0)));
    let below = |(key, item): (&str, &toml_edit::Item)| {
        let below = paths(item).into_iter().map(|path| [vec![key.to_owned()], path].concat());
        below.chain([vec![key.to_owned()]]).collect::<Vec<_>>()
    };
    table.into_iter().flat_map(|table| table.iter().flat_map(below)).collect()
}

/// Each documented key takes each of a few odd values in turn: the mistake is found with its line, or the value is
/// right; it is never left for serde to stumble over.
#[test]
fn no_wrong_value_slips_past_the_schema() {
    let text = uncommented(&fs::read_to_string(repository_file("gateway.toml")).unwrap());
    let document: toml_edit::DocumentMut = text.parse().unwrap();
    let odd = [
        "-1",
        "0",
        "9223372036854775807",
        "1.5",
        "nan",
        "true",
        "''",
        "'x'",
        "'1s'",
        "[]",
        "[1]",
        "['x']",
        "{}",
        "{ x = 1 }",
        "[{}]",
        "1979-05-27",
    ];
    let (mut accepted, mut refused) = (0, 0);
    for path in paths(document.as_item()) {
        for value in odd {
            let mut changed = document.clone();
            let target =
                path.iter().fold(changed.as_item_mut(), |item, key| match item.is_array_of_tables() {
                    true => &mut item[0][key.as_str()],
                    false => &mut item[key.as_str()],
                });
            *target = toml_edit::Item::Value(value.parse().unwrap());
            match Files::new(&changed.to_string())
                .variable("DASHBOARD_KEY", "k")
                .variable("CURSOR_KEY", LONG_KEY)
                .variable("METRICS_TOKEN", LONG_KEY)
                .load()
            {
                Ok(_) => accepted += 1,
                Err(problems) => {
                    refused += 1;
                    assert!(
                        problems.0.iter().all(|problem| problem.place.is_some()),
                        "{path:?} {value}: {problems}"
                    );
                }
            }
        }
    }
    assert!(accepted > 50 && refused > 300, "{accepted} accepted, {refused} refused");
}

#[test]
fn a_connector_s_problem_has_the_line_of_the_key() {
    let text = format!("{SERVICE}[services.config]\ndatabse = \"x\"\npool = {{\n size = \"2\" }}\n");
    let files = Files::new(&text);
    let settings = files.load().unwrap();
    let schema = json!({
        "type": "object", "required": ["database"],
        "properties": { "database": { "type": "string" }, "pool": { "$ref": "#/$defs/Pool" } },
        "$defs": { "Pool": { "type": "object", "properties": { "size": { "type": "integer" } } } },
    });
    let mut problems = check_service_config(&settings.services[0], &schema);
    problems.push(unknown_service_type(&settings.services[0], &["sqlite3"]));
    let lines: Vec<String> = Problems::sorted(problems)
        .0
        .iter()
        .map(|problem| problem.to_string().replace(&format!("{}/", files.folder.path().display()), ""))
        .collect();
    assert_eq!(
        lines,
        [
            "gateway.toml:3: service `shop`: no connector offers the type `sqlite`; did you mean `sqlite3`?",
            "gateway.toml:4: service `shop`: missing required key `database` in [services.config]",
            "gateway.toml:5: service `shop`: unknown key `databse` in [services.config]; did you mean `database`?",
            "gateway.toml:7: service `shop`: `size` in [services.config.pool] must be a whole number, not a text",
        ]
    );
}
