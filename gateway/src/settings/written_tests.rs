//! What is shown of a configuration, and what is not.

use serde_json::json;

use super::*;

const CONFIG: &str = r#"
[server]
request_timeout = "7s"
cursor_key = "a key that nobody may see, of 40 letters"

[[services]]
name = "shop"
type = "any"
label = "call hunter2"
[services.config]
max_records = 5
mode = "fast"
wait = "5s"
host = "db.example.com"
password = "hunter3"
username = "${env:NAME}"
port = 5432
number = 123456
[services.config.options]
hunter4 = "hunter5"

[[apps]]
name = "app"
role = "all"
api_key = "${file:keys/app}"
"#;

fn written(text: &str) -> Written {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.toml");
    std::fs::write(&file, text).unwrap();
    Written::read(&LoadOptions { config: Some(file), environment: Vec::new() })
}

fn schema(service_type: &str) -> Option<Value> {
    assert_eq!(service_type, "any");
    Some(json!({
        "type": "object",
        "properties": {
            "host": {"type": "string"},
            "password": {"type": "string"},
            "username": {"type": "string"},
            "port": {"type": "integer"},
            "mode": {"enum": ["fast", "slow"]},
            "wait": {"anyOf": [{"type": "integer"}, {"type": "string"}]},
            "options": {"type": "object", "additionalProperties": {"type": "string"}},
            "number": {"type": "string"},
        },
    }))
}

#[test]
fn words_numbers_times_and_references_are_shown_and_other_texts_are_not() {
    let Masked { document, hidden } = written(CONFIG).masked(schema);
    let service = document.pointer("/services/0").unwrap();
    assert_eq!(
        service,
        &json!({
            "name": "shop",
            "type": "any",
            "label": MASK,
            "config": {
                "max_records": 5,
                "mode": "fast",
                "wait": "5s",
                "host": MASK,
                "password": MASK,
                "username": "${env:NAME}",
                "port": 5432,
                "number": MASK,
                "options": {OTHERS: 1},
            },
        })
    );
    assert_eq!(document.pointer("/server/request_timeout"), Some(&json!("7s")));
    assert_eq!(document.pointer("/server/cursor_key"), Some(&json!(MASK)));
    assert_eq!(
        document.pointer("/apps/0"),
        Some(&json!({"name": "app", "role": "all", "api_key": "${file:keys/app}"}))
    );
    for text in ["call hunter2", "hunter3", "hunter4", "hunter5", "123456", "db.example.com"] {
        assert!(hidden.iter().any(|hidden| hidden == text), "{text}");
    }
}

#[test]
fn without_a_connector_nothing_of_its_keys_is_shown() {
    let masked = written(CONFIG).masked(|_| None);
    assert_eq!(masked.document.pointer("/services/0/config"), Some(&json!({"max_records": 5, OTHERS: 8})));
}

#[test]
fn files_and_plain_secrets_are_found() {
    let written = written(CONFIG);
    assert_eq!(written.secret_files().into_iter().collect::<Vec<_>>(), [PathBuf::from("keys/app")]);
    assert_eq!(written.plain_secrets(), ["a key that nobody may see, of 40 letters", "hunter3"]);
    assert_eq!(
        written.files().iter().map(PathBuf::as_path).collect::<Vec<_>>(),
        written.files_with_secrets().into_iter().collect::<Vec<_>>()
    );
}

#[test]
fn the_type_of_a_key_says_whether_it_is_a_secret_and_else_its_name() {
    let secrets = |text: &str| written(text).plain_secrets();
    let paths = "[server.tls]\ncertificate = \"server.crt\"\nkey = \"server.key\"\nclient_ca = \"ca.crt\"\n";
    assert_eq!(secrets(paths), Vec::<String>::new());
    assert_eq!(written(paths).files_with_secrets().len(), 0);
    let names = "[[services]]\nname = \"shop\"\n[services.config.keys]\npasswords = [\"id\"]\n";
    assert_eq!(secrets(names), Vec::<String>::new());
    assert_eq!(secrets("[metrics]\ntoken = \"0123456789abcdef\"\n"), ["0123456789abcdef"]);
    assert_eq!(secrets("[[apps]]\napi_key = \"0123456789abcdef\"\n"), ["0123456789abcdef"]);
    assert_eq!(secrets("[server.tls]\nkey_password = \"hunter2\"\n"), ["hunter2"]);
    let whole_key = "-----BEGIN PRIVATE KEY-----abc";
    assert_eq!(secrets(&format!("[server.tls]\nkey = \"{whole_key}\"\n")), [whole_key]);
}
