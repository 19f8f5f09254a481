//! Writes `docs/guides/configure.md` from the types of the settings, and refuses one that says something else.
//! Built for tests only.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::{
    AtStart, ServiceConfig, Settings,
    layers::LISTS,
    quantity::{
        ADDRESS_FORMAT, COLLECTOR_FORMAT, DIGEST_FORMAT, LOG_FORMAT, NETWORK_FORMAT, SIZE_FORMAT, TIME_FORMAT,
    },
    schema::{Schema, alternatives},
};

/// Set to anything, it has the guide written instead of judged.
const WRITE: &str = "TABLEGATE_WRITE_DOCS";

const HEAD: &str = "\
# Configure

<!-- Made from the code by `TABLEGATE_WRITE_DOCS=1 cargo test -p tablegate-gateway --lib settings::guide`. Change the comments there. -->

Every key of the configuration. [`config/gateway.toml`](../../config/gateway.toml) has the same keys as a file to begin with.

The gateway reads, each over the one before: its defaults; `config/gateway.toml`, or the file that `--config` names; the `*.toml` files of
`services.d` beside it, in the order of their names; variables of the environment.
The lists `[[services]]`, `[[roles]]`, `[[apps]]` and `[[cors]]` of all files add up. Every other key is replaced by the later layer.

`tablegate check` says everything that is wrong, with file and line. `tablegate doctor` also looks at what the configuration needs: [when something is wrong](doctor.md).

* A time is a whole number with `ms`, `s`, `m` or `h`: `\"30s\"`. A size has `B`, `KB`, `MB`, `GB` (of 1000) or `KiB`, `MiB`, `GiB` (of 1024).
* Relative paths begin in the folder in which the gateway is started.
* `\"${env:NAME}\"` and `\"${file:PATH}\"` stand for secrets in `[services.config]`, `api_key`, `cursor_key` and the `token` of metrics.
* A list in a variable has commas: `TABLEGATE_PLUGINS__DIRECTORIES=plugins,more`. Those lists, TLS and `[plugins.connectors.NAME]` can't be set by variables.
* The first administrator comes from `TABLEGATE_ADMIN_EMAIL` and `TABLEGATE_ADMIN_PASSWORD`, both or neither.
* The hang-up signal has the configuration read again: `kill -HUP PID`. A key with *start* under *in force* counts from the next start on.
";

const CONNECTORS: &str = "\
## Keys of connectors

Beside the keys above, `[services.config]` has those of its connector:
";

/// One table of the guide.
struct Section<'a> {
    title: String,
    /// The section of the environment's variables, when they can set these keys.
    variables: Option<&'a str>,
    schema: &'a Value,
    /// The defaults, where they are not in the schema.
    defaults: Option<&'a Value>,
}

fn render() -> String {
    let root = schemars::schema_for!(Settings).to_value();
    let defaults = serde_json::to_value(Settings::default()).unwrap();
    let at_start = AtStart::of(&Settings::default());
    let kept: Vec<&str> = at_start.compared(&at_start).map(|(key, _)| key).collect();
    let schema = Schema::new(&root);
    let mut guide = HEAD.to_owned();
    for section in sections(schema, &defaults) {
        guide.push_str(&table(schema, &section, &kept));
    }
    guide.push('\n');
    guide.push_str(CONNECTORS);
    guide.push('\n');
    for name in connectors() {
        guide.push_str(&format!("* [{name}](../../connectors/{name}/README.md)\n"));
    }
    guide
}

/// The tables of the configuration in their order, those inside of others behind these.
fn sections<'a>(schema: Schema<'a>, defaults: &'a Value) -> Vec<Section<'a>> {
    let mut sections = Vec::new();
    for (name, property) in own_properties(schema, schema.root) {
        let is_list = LISTS.contains(&name);
        let title = if is_list { format!("[[{name}]]") } else { format!("[{name}]") };
        let described = if is_list { items(schema, property).unwrap() } else { property };
        let variables = (!is_list).then_some(name);
        sections.push(Section { title, variables, schema: described, defaults: defaults.get(name) });
        inner(schema, name, described, &mut sections);
    }
    sections
}

fn inner<'a>(schema: Schema<'a>, name: &str, outer: &'a Value, sections: &mut Vec<Section<'a>>) {
    for (key, property) in own_properties(schema, outer) {
        let (title, described) = match (items(schema, property), named(schema, property)) {
            (Some(item), _) => (format!("[[{name}.{key}]]"), item),
            (_, Some(item)) => (format!("[{name}.{key}.NAME]"), item),
            _ => (format!("[{name}.{key}]"), property),
        };
        if !own_properties(schema, described).is_empty() {
            sections.push(Section { title, variables: None, schema: described, defaults: None });
            inner(schema, &format!("{name}.{key}"), described, sections);
        }
    }
}

fn table(schema: Schema<'_>, section: &Section<'_>, kept: &[&str]) -> String {
    let Section { title, variables, schema: described, defaults } = section;
    let about = text_of(described, "description")
        .or_else(|| schema.parts(described).into_iter().find_map(|part| text_of(part, "description")));
    let name = title.trim_matches(['[', ']']);
    let mut text = format!("\n## `{title}`\n\n{}\n\n", about.unwrap_or_default());
    text.push_str("| key | takes | default | in force | what it is |\n|---|---|---|---|---|\n");
    for (key, property) in own_properties(schema, described) {
        let default = match (defaults, required(schema, described, key)) {
            (_, true) => "required".to_owned(),
            (Some(defaults), _) => shown(defaults.get(key)),
            (None, _) => shown(property.get("default").or_else(|| default_of(schema, described, key))),
        };
        let whole = format!("{name}.{key}");
        let is_kept = kept.iter().any(|kept| whole == *kept || whole.starts_with(&format!("{kept}.")));
        let force = if is_kept { "start" } else { "reload" };
        let variable = variables
            .filter(|_| !schema.kinds(property).contains(&"object"))
            .map(|section| format!("<br>`TABLEGATE_{}__{}`", section.to_uppercase(), key.to_uppercase()));
        let about = text_of(property, "description").unwrap_or_default();
        let takes = takes(schema, property);
        text.push_str(&format!(
            "| `{key}` | {takes} | {default} | {force} | {about}{} |\n",
            variable.unwrap_or_default()
        ));
    }
    text
}

/// The default of a key as the type of its table has it.
fn default_of<'a>(schema: Schema<'a>, described: &'a Value, key: &str) -> Option<&'a Value> {
    parts(schema, described).into_iter().find_map(|part| part.get("default")?.get(key))
}

fn shown(default: Option<&Value>) -> String {
    match default {
        None | Some(Value::Null) => "none".to_owned(),
        Some(Value::String(text)) if text.is_empty() => "`\"\"`".to_owned(),
        Some(value) => format!("`{value}`"),
    }
}

/// What describes a table, also one that may be left out.
fn parts<'a>(schema: Schema<'a>, described: &'a Value) -> Vec<&'a Value> {
    let own = schema.parts(described);
    let chosen = own.iter().copied().flat_map(alternatives).flat_map(|choice| schema.parts(choice));
    own.iter().copied().chain(chosen).collect()
}

/// The keys of a table in the order of their declaration.
fn own_properties<'a>(schema: Schema<'a>, described: &'a Value) -> Vec<(&'a str, &'a Value)> {
    let parts = parts(schema, described);
    let tables = parts.into_iter().filter_map(|part| part.get("properties")?.as_object());
    tables.flat_map(Map::iter).map(|(key, property)| (key.as_str(), property)).collect()
}

fn required(schema: Schema<'_>, described: &Value, key: &str) -> bool {
    // A section of which nothing has to be written has its defaults from the types.
    let parts = parts(schema, described);
    let has_default = own_properties(schema, described)
        .into_iter()
        .any(|(name, property)| name == key && property.get("default").is_some());
    let names = parts.iter().filter_map(|part| part.get("required")?.as_array()).flatten();
    !has_default && !is_section(schema, described) && names.into_iter().any(|name| name == key)
}

/// Whether the table is one of the top level, whose keys all have defaults.
fn is_section(schema: Schema<'_>, described: &Value) -> bool {
    own_properties(schema, schema.root)
        .into_iter()
        .any(|(name, property)| !LISTS.contains(&name) && std::ptr::eq(property, described))
}

fn items<'a>(schema: Schema<'a>, property: &'a Value) -> Option<&'a Value> {
    schema.parts(property).into_iter().find_map(|part| part.get("items"))
}

/// What the values of a table with names of the operator's own are.
fn named<'a>(schema: Schema<'a>, property: &'a Value) -> Option<&'a Value> {
    let rules = schema.parts(property).into_iter().find_map(|part| part.get("additionalProperties"));
    rules.filter(|rule| rule.is_object())
}

fn takes(schema: Schema<'_>, property: &Value) -> String {
    if let Some(words) = schema.words(property) {
        let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
        return words.join(", ");
    }
    let choices = schema.parts(property).into_iter().flat_map(alternatives);
    let choice = choices.into_iter().find(|choice| text_of(choice, "type").as_deref() != Some("null"));
    let property = choice.unwrap_or(property);
    let parts = schema.parts(property);
    let format = parts.iter().find_map(|part| text_of(part, "format")).unwrap_or_default();
    match format.as_str() {
        TIME_FORMAT => return "a time".to_owned(),
        SIZE_FORMAT => return "a size".to_owned(),
        NETWORK_FORMAT => return "a network".to_owned(),
        COLLECTOR_FORMAT => return "an address".to_owned(),
        ADDRESS_FORMAT => return "address and port".to_owned(),
        DIGEST_FORMAT => return "a SHA-256".to_owned(),
        LOG_FORMAT => return "a log level".to_owned(),
        _ => {}
    }
    let kinds = schema.kinds(property);
    match kinds.into_iter().find(|kind| *kind != "null") {
        Some("integer") => format!("whole number{}", range(&parts)),
        Some("number") => format!("number{}", range(&parts)),
        Some("boolean") => "`true`, `false`".to_owned(),
        Some("array") => {
            format!("list: {}", items(schema, property).map_or_else(String::new, |item| takes(schema, item)))
        }
        Some("object") => named(schema, property)
            .map_or_else(|| "table".to_owned(), |item| format!("table: {}", takes(schema, item))),
        Some("string") => "text".to_owned(),
        _ => "any value".to_owned(),
    }
}

fn range(parts: &[&Value]) -> String {
    let bound = |word: &str| parts.iter().find_map(|part| part.get(word)).map(Value::to_string);
    match (bound("minimum"), bound("maximum")) {
        (Some(least), Some(most)) => format!(", {least} to {most}"),
        (Some(least), None) => format!(", at least {least}"),
        _ => String::new(),
    }
}

/// A text of the schema in one line, as readers of a table want it.
fn text_of(part: &Value, word: &str) -> Option<String> {
    let text = part.get(word)?.as_str()?.replace('\n', " ").replace('|', "\\|");
    Some(
        text.replace("[`", "`")
            .replace("`]", "`")
            .replace(". `None` means ", ". Without it, ")
            .replace("`None` means ", "without it, ")
            .replace("`None`:", "without it:"),
    )
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The connectors with a page of their own.
fn connectors() -> Vec<String> {
    let folders = std::fs::read_dir(repository().join("connectors")).unwrap();
    let folders =
        folders.map(|entry| entry.unwrap()).filter(|entry| entry.path().join("README.md").is_file());
    let mut names: Vec<String> = folders.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn the_guide_has_every_key_as_the_code_has_it() {
    let (path, expected) = (repository().join("docs/guides/configure.md"), render());
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(
        written == expected,
        "docs/guides/configure.md is not what the code says: run {WRITE}=1 cargo test -p tablegate-gateway --lib settings::guide"
    );
}

#[test]
fn the_keys_of_every_service_are_those_that_connectors_get_beside_their_own() {
    let common = schemars::schema_for!(ServiceConfig).to_value();
    let guide = render();
    let section = guide.split("## `[services.config]`").nth(1).unwrap().split("\n## ").next().unwrap();
    for key in common.get("properties").and_then(Value::as_object).unwrap().keys() {
        assert!(section.contains(&format!("| `{key}` |")), "{key}");
    }
}
