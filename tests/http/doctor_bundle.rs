//! The support bundle of `tablegate doctor`: what is in it, and that no secret is.

use std::collections::BTreeSet;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::gateway::Setup;

/// Secrets are planted where `@number@` stands.
const CONFIG: &str = r#"
[server]
cursor_key = "${env:CURSOR_KEY}"

[metrics]
token = "@02@-of-metrics-that-is-long-enough"

[traces]
endpoint = "http://collector:@03@@127.0.0.1:4318"

[[services]]
name = "good"
type = "sqlite"
label = "ask @04@"
description = "the old key was @05@"
[services.config]
database = "good.sqlite"
max_records = 77

[[services]]
name = "away"
type = "sqlite"
[services.config]
database = "missing/any://user:@06@@host/db?password=@07@"

[[services]]
name = "rows"
type = "memory"
[services.config.tables."@08@"]
columns = [{ name = "id", type = "integer" }, { name = "@09@", type = "string" }]
primary_key = ["id"]
rows = [{ id = 1, "@09@" = "@10@" }]

[[services]]
name = "server"
type = "pgsql"
[services.config]
host = "any://user:@11@@host/db"
database = "db"
username = "@12@"
password = "@13@&<'word"
sslkey = "server.key"
statements = ["SET role TO '@14@'"]
[services.config.options]
search_path = "@15@"
"@16@" = "on"

[[services]]
name = "documents"
type = "mongodb"
[services.config]
connection_string = "mongodb://user:@17@%2F@host/db"
headers = { Authorization = "Bearer @18@" }

[[services]]
name = "cloud"
type = "aws_dynamodb"
[services.config]
key = "AKIA@19@"
secret = "${env:CLOUD_SECRET}"
session_token = "before ${file:session.txt} behind"

[[roles]]
name = "reader"
description = "for @22@"
[[roles.access]]
service = "good"
component = "_table/@23@"
verbs = ["GET"]
filters = [{ name = "owner", operator = "=", value = "@24@" }]

[[apps]]
name = "one"
role = "reader"
api_key = "@25@"

[[apps]]
name = "two"
role = "reader"
api_key = "${file:two.key}"

[[apps]]
name = "three"
role = "reader"
api_key = "${env:THREE_KEY}"
"#;

/// Beside the configuration.
const FILES: [(&str, &str); 5] = [
    ("server.key", "-----BEGIN PRIVATE KEY-----\n@26@0123456789\n-----END PRIVATE KEY-----\n"),
    ("session.txt", "@21@"),
    ("two.key", "@27@"),
    ("data/extras/good.toml", "[tables.t]\nlabel = \"@28@\"\n"),
    ("data/extras/rows.toml", "[tables.t]\nlabel = @29@\n"),
];

const VARIABLES: [(&str, &str); 4] = [
    ("CURSOR_KEY", "@01@-and-some-more-of-the-same-thing"),
    ("CLOUD_SECRET", "@20@"),
    ("THREE_KEY", "@30@"),
    ("PGPASSWORD", "@31@"),
];

/// Lines of a log with secrets that the configuration does not know.
const LOG: &str = "\
WARN a: connecting to any://user:@33@@host:1/db failed
WARN a: host=h user=u password=@34@ port=1
INFO a: Authorization: Bearer @35@
INFO a: x-dreamfactory-api-key: @36@
INFO a: GET /api/v2/db/_table/t?filter=name%3D@37@&session_token=@38@ 200
INFO a: {\"level\":\"info\",\"api_key\":\"@39@\"}
INFO a: cookie: a=b; session=@40@
INFO a: eyJ@41@.@42@.@43@
ERROR a: login of 'x' failed: the password is @44@
ERROR a: ran tool --password @45@ --verbose
ERROR a: -----BEGIN RSA PRIVATE KEY-----
@46@
-----END RSA PRIVATE KEY-----
";

/// How many are planted.
const PLANTED: usize = 46;

fn secret(number: &str) -> String {
    format!("pLum{number}Quill")
}

/// The text with its secrets, whose numbers are added to `planted`.
fn plant(text: &str, planted: &mut BTreeSet<String>) -> String {
    let mut text = text.to_owned();
    for number in (1..=PLANTED).map(|number| format!("{number:02}")) {
        let place = format!("@{number}@");
        if text.contains(&place) {
            text = text.replace(&place, &secret(&number));
            planted.insert(number);
        }
    }
    text
}

/// Known secrets in a log, in other forms than they are written in the configuration.
fn encoded_lines() -> String {
    let word = format!("{}&<'word", secret("13"));
    let percent: String = form_urlencoded::byte_serialize(word.as_bytes()).collect();
    let html = word.replace('&', "&amp;").replace('<', "&lt;").replace('\'', "&#39;");
    let lines = [
        word.clone(),
        percent,
        html,
        STANDARD.encode(&word),
        STANDARD.encode(format!("u:{word}")),
        URL_SAFE_NO_PAD.encode(format!("user:{word}:x")),
    ];
    lines.map(|line| format!("INFO a: seen {line} there\n")).concat()
}

fn setup() -> Setup {
    let mut planted = BTreeSet::new();
    let mut setup = Setup::new(&plant(CONFIG, &mut planted)).without_admin();
    for (name, value) in VARIABLES {
        setup = setup.variable(name, &plant(value, &mut planted));
    }
    let password = plant("@32@", &mut planted);
    setup = setup
        .variable("TABLEGATE_ADMIN_EMAIL", "a@example.com")
        .variable("TABLEGATE_ADMIN_PASSWORD", &password);
    for (file, text) in FILES {
        setup.write(file, &plant(text, &mut planted));
    }
    let log = plant(LOG, &mut planted);
    setup.write("gateway.log", &format!("{log}{}INFO a: an ordinary line\n", encoded_lines()));
    assert_eq!(planted.len(), PLANTED, "{planted:?}");
    let database = rusqlite::Connection::open(setup.path("good.sqlite")).unwrap();
    database.execute_batch("CREATE TABLE secret_name (id INTEGER PRIMARY KEY)").unwrap();
    setup
}

/// Every form in which a secret could be told, and its middle, which must not be left over either.
fn forms(number: &str) -> Vec<String> {
    let secret = secret(number);
    let mut forms = vec![secret.clone(), format!("um{number}Qu")];
    for before in ["", "x", "xy"] {
        let encoded = STANDARD.encode(format!("{before}{secret}"));
        forms.push(encoded[4..12].to_owned());
    }
    forms.push(secret.bytes().map(|byte| format!("{byte:02x}")).collect());
    forms.push(secret.bytes().map(|byte| format!("%{byte:02X}")).collect());
    forms
}

fn check_hides(text: &str) {
    for number in (1..=PLANTED).map(|number| format!("{number:02}")) {
        for form in forms(&number) {
            let line = text.lines().find(|line| line.contains(&form));
            assert!(line.is_none(), "secret {number} as {form}: {}", line.unwrap_or_default());
        }
    }
}

fn unpacked(setup: &Setup, file: &str) -> String {
    let packed = std::fs::File::open(setup.path(file)).unwrap();
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn no_planted_secret_is_in_the_bundle_or_on_the_screen() {
    let setup = setup();
    let printed = setup.run(&["doctor", "--bundle", "bundle.tar.gz", "--log", "gateway.log"]);
    let screen = String::from_utf8(printed.stdout).unwrap() + &String::from_utf8(printed.stderr).unwrap();
    assert!(screen.contains("wrote bundle.tar.gz"), "{screen}");
    let bundle = unpacked(&setup, "bundle.tar.gz");
    check_hides(&bundle);
    check_hides(&screen);
    for left in [
        "tablegate 0.",
        "\"max_records\": 77",
        "\"sha256\": \"",
        "'good' answers: 1 table(s)",
        "service 'away' does not answer",
        "${env:CURSOR_KEY}",
        "\"open_files\"",
        "INFO a: an ordinary line",
        "no connector offers the type `pgsql`",
    ] {
        assert!(bundle.contains(left), "{left} is not in:\n{bundle}");
    }
    assert!(!bundle.contains("secret_name"), "names of tables are nobody's business");
}

#[test]
fn a_bundle_is_for_its_owner_and_replaces_nothing() {
    let setup = Setup::new("");
    setup.run(&["doctor", "--bundle", "bundle.tar.gz"]);
    let mode = std::fs::metadata(setup.path("bundle.tar.gz")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let before = unpacked(&setup, "bundle.tar.gz");
    let again = setup.run(&["doctor", "--bundle", "bundle.tar.gz"]);
    assert_eq!(again.status.code(), Some(1));
    let errors = String::from_utf8(again.stderr).unwrap();
    assert!(errors.contains("name a file that does not exist yet"), "{errors}");
    assert_eq!(unpacked(&setup, "bundle.tar.gz"), before);
}
