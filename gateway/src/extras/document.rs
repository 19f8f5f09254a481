//! Extras as TOML and back. Nothing is read or written here.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use toml_edit::{Array, DocumentMut, InlineTable, Item, Table, Value};

use super::{Rules, Tables, relationships};

const HEAD: &str = "# Extras of tables and fields, kept beside the database. The gateway reads this file at its start and when it is told to
# load its configuration again, and writes it when extras are changed; comments are lost then.

";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    tables: Tables,
}

/// The text of a file.
///
/// # Errors
/// Extras that are none, which no code makes.
pub(super) fn written(tables: &Tables) -> Result<String, String> {
    let json =
        serde_json::to_value(Document { tables: tables.clone() }).map_err(|error| error.to_string())?;
    let mut document = DocumentMut::new();
    if let Json::Object(members) = json {
        *document.as_table_mut() = table(members, 0);
    }
    Ok(format!("{HEAD}{document}"))
}

/// The extras in the text of a file.
///
/// # Errors
/// What is wrong with it.
pub(super) fn read(text: &str) -> Result<Tables, String> {
    let document: DocumentMut = text.parse().map_err(|error| no_toml(text, &error))?;
    let json = json_of_item(document.as_item());
    let document: Document = serde_json::from_value(json).map_err(|error| error.to_string())?;
    for (name, table) in &document.tables {
        relationships::check_of_table(&table.relationships).map_err(|(relationship, what)| {
            format!("table '{name}', relationship '{relationship}': {what}")
        })?;
        for (field, extras) in &table.fields {
            let validation = extras.validation.iter();
            validation
                .map(Rules::parse)
                .collect::<Result<Vec<_>, _>>()
                .map_err(|what| format!("table '{name}', field '{field}': {what}"))?;
        }
    }
    Ok(document.tables)
}

/// The line and the mistake. The error's own words would show what is written there.
fn no_toml(text: &str, error: &toml_edit::TomlError) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    format!("line {line}: not valid TOML: {}", error.message().trim().replace('\n', ", "))
}

/// Down to single fields tables have headings of their own; what is deeper stands in one line.
const HEADINGS: usize = 4;

fn table(members: Map<String, Json>, depth: usize) -> Table {
    let mut table = Table::new();
    let has_values = members.values().any(|value| !value.is_object());
    table.set_implicit(!has_values);
    for (name, json) in members {
        let item = match json {
            Json::Object(members) if depth < HEADINGS => Some(Item::Table(self::table(members, depth + 1))),
            other => value(other).map(Item::Value),
        };
        if let Some(item) = item {
            table.insert(&name, item);
        }
    }
    table
}

/// `None`: null, for which TOML has no word.
fn value(json: Json) -> Option<Value> {
    Some(match json {
        Json::Null => return None,
        Json::Bool(value) => value.into(),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole.into(),
            (None, Some(float)) => float.into(),
            (None, None) => number.to_string().into(),
        },
        Json::String(text) => text.into(),
        Json::Array(items) => items.into_iter().filter_map(value).collect::<Array>().into(),
        Json::Object(members) => {
            let members = members.into_iter().filter_map(|(name, json)| Some((name, value(json)?)));
            members.collect::<InlineTable>().into()
        }
    })
}

fn json_of_item(item: &Item) -> Json {
    match item {
        Item::None => Json::Null,
        Item::Value(value) => json_of(value),
        Item::Table(table) => {
            table.iter().map(|(name, item)| (name.to_owned(), json_of_item(item))).collect()
        }
        Item::ArrayOfTables(tables) => {
            tables.iter().map(|table| json_of_item(&Item::Table(table.clone()))).collect()
        }
    }
}

fn json_of(value: &Value) -> Json {
    match value {
        Value::String(text) => text.value().as_str().into(),
        Value::Integer(number) => (*number.value()).into(),
        Value::Float(number) => (*number.value()).into(),
        Value::Boolean(value) => (*value.value()).into(),
        Value::Datetime(moment) => moment.value().to_string().into(),
        Value::Array(items) => items.iter().map(json_of).collect(),
        Value::InlineTable(table) => {
            table.iter().map(|(name, value)| (name.to_owned(), json_of(value))).collect()
        }
    }
}
