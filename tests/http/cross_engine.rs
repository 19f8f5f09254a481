//! The same requests to every store that has the types of the tables below: the answers are the same, or the difference stands in
//! `cross_engine.toml` with its reason. What stands there and is none fails, too.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use conformance::prepare::Prepared;
use conformance::tables::Stored;
use connector_api::model::{Column, ColumnType, Date, Key, Timestamp, Value};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use tests::fixture::Fixture;
use tests::libraries::clone_folder;

use crate::client::request;
use crate::cross_requests::{Asked, requests};
use crate::gateway::{Gateway, Setup};
use crate::shop::{EVERYTHING, READER};

const PEOPLE: &str = include_str!("people.json");
/// The store whose answers the others are held to.
const MODEL: &str = "sqlite";

/// What may differ.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Differences {
    difference: Vec<Difference>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    /// Fixtures, in any version.
    engines: BTreeSet<String>,
    /// Titles of requests.
    requests: BTreeSet<String>,
    reason: String,
}

/// One version of a store with the tables.
struct Engine {
    /// The fixture's name.
    name: String,
    /// The name of the service on it.
    service: String,
    service_type: String,
    store: Prepared,
}

#[test]
fn every_engine_gives_the_same_answers_but_where_a_reason_is_told() {
    let engines = engines();
    assert!(engines.iter().any(|engine| engine.name == MODEL) && engines.len() > 2, "too few engines");
    let gateway = gateway(&engines);
    let asked = requests();
    assert!(asked.len() > 300, "{} requests", asked.len());
    let answers: Vec<Vec<(u16, Json)>> = engines
        .iter()
        .map(|engine| asked.iter().map(|asked| answer(&gateway, engine, asked)).collect())
        .collect();
    let model = engines.iter().zip(&answers).find(|(engine, _)| engine.name == MODEL).unwrap().1;
    let mut found: BTreeMap<(String, String), String> = BTreeMap::new();
    for (engine, answers) in engines.iter().zip(&answers) {
        for ((asked, answer), expected) in asked.iter().zip(answers).zip(model) {
            if answer != expected {
                let told = format!("{}: {answer:?}\n  {MODEL}: {expected:?}", engine.service);
                found.insert((engine.name.clone(), asked.title()), told);
            }
        }
    }
    judge(found);
}

fn judge(mut found: BTreeMap<(String, String), String>) {
    let told: Differences = toml::from_str(include_str!("cross_engine.toml")).unwrap();
    let mut stale = Vec::new();
    for difference in &told.difference {
        assert!(difference.reason.len() > 20, "a difference without a reason");
        for engine in &difference.engines {
            for title in &difference.requests {
                if found.remove(&(engine.clone(), title.clone())).is_none() {
                    stale.push(format!("{engine}: {title}"));
                }
            }
        }
    }
    let unexplained: Vec<String> =
        found.into_iter().map(|((_, title), told)| format!("{title}\n  {told}")).collect();
    assert!(
        unexplained.is_empty(),
        "{} differences without a reason:\n{}",
        unexplained.len(),
        unexplained.join("\n")
    );
    assert!(stale.is_empty(), "no difference any more:\n{}", stale.join("\n"));
}

/// Every version of every fixture whose store has all the types.
fn engines() -> Vec<Engine> {
    let tables = [people(), parts()];
    let types: BTreeSet<String> = tables
        .iter()
        .flat_map(|table| &table.table.columns)
        .map(|column| format!("{:?}", column.data_type))
        .collect();
    let has_all = |fixture: &Fixture| {
        let known: BTreeSet<String> =
            fixture.facts.types.iter().map(|name| format!("{:?}", name.0)).collect();
        types.is_subset(&known)
    };
    let fixtures = Fixture::discover(&clone_folder().join("tests/fixtures")).unwrap();
    let wanted = fixtures.into_iter().filter(has_all);
    let start = |fixture: Fixture| {
        let tables = &tables;
        fixture.versions.clone().into_iter().map(move |version| {
            let name: String = version.chars().filter(char::is_ascii_alphanumeric).collect();
            Engine {
                service: format!("{}{name}", fixture.name),
                name: fixture.name.clone(),
                service_type: fixture.facts.service_type.clone(),
                store: fixture.start(&version, tables).unwrap(),
            }
        })
    };
    wanted.flat_map(start).collect()
}

fn gateway(engines: &[Engine]) -> Gateway {
    let service = |Engine { service, service_type, name, store }: &Engine| {
        let service_type = if service_type.is_empty() { name } else { service_type };
        json!({ "name": service, "type": service_type, "config": store.config })
    };
    let services: Vec<Json> = engines.iter().map(service).collect();
    let services = toml::to_string(&json!({ "services": services })).unwrap();
    let config = format!("{EVERYTHING}\n{services}");
    let others: BTreeSet<&str> = engines.iter().map(|engine| engine.name.as_str()).collect();
    let plain = others.into_iter().filter(|name| !["sqlite", "memory"].contains(name));
    plain.fold(Setup::new(&config), |setup, name| setup.connector(name)).start()
}

/// The answer, numbers as numbers: how many zeros a decimal ends with is the store's own matter.
fn answer(gateway: &Gateway, engine: &Engine, asked: &Asked) -> (u16, Json) {
    let target = format!("/api/v2/{}/_table/{}", engine.service, asked.path);
    let sent = request(asked.verb, &target).key(READER);
    let sent = asked.query.iter().fold(sent, |sent, (name, value)| sent.with(name, value));
    let sent = if asked.body.is_null() { sent } else { sent.body(asked.body.to_string()) };
    let answer = gateway.send(sent);
    (answer.status, plain(serde_json::from_str(&answer.body).unwrap_or_else(|_| Json::from(answer.body))))
}

fn plain(value: Json) -> Json {
    match value {
        Json::Array(items) => items.into_iter().map(plain).collect(),
        Json::Object(members) => Json::Object(
            members.into_iter().map(|(name, member)| (name, plain(member))).collect::<Map<_, _>>(),
        ),
        Json::Number(number) => {
            let digits = number.to_string();
            let is_fraction = digits.contains('.') && !digits.contains(['e', 'E']);
            Json::from(if is_fraction { digits.trim_end_matches('0').trim_end_matches('.') } else { &digits })
        }
        other => other,
    }
}

/// The people of the other tests.
fn people() -> Stored {
    let given: Json = serde_json::from_str(PEOPLE).unwrap();
    let columns: Vec<Column> = given["columns"].as_array().unwrap().iter().map(column).collect();
    let row = |row: &Json| columns.iter().map(|column| value(&row[&column.name], column.data_type)).collect();
    let rows = given["rows"].as_array().unwrap().iter().map(row).collect();
    Stored::new("people", columns, rows)
}

fn column(given: &Json) -> Column {
    let data_type = match given["type"].as_str().unwrap() {
        "bigint" => ColumnType::BigInt,
        "datetime" => ColumnType::DateTime,
        word => serde_json::from_value(word.into()).unwrap(),
    };
    let plain = Column::new(given["name"].as_str().unwrap(), data_type);
    let is_nullable = plain.name != "id" && given["nullable"] != json!(false);
    match plain.data_type {
        ColumnType::Decimal => Column { precision: Some(12), scale: Some(2), is_nullable, ..plain },
        ColumnType::String => Column { length: Some(60), is_nullable, ..plain },
        _ => Column { is_nullable, ..plain },
    }
}

fn value(given: &Json, data_type: ColumnType) -> Value {
    match (given, data_type) {
        (Json::Null, _) => Value::Null,
        (Json::Bool(value), _) => Value::Bool(*value),
        (Json::Number(number), ColumnType::Decimal) => Value::Decimal(number.to_string()),
        (Json::Number(number), ColumnType::Double) => Value::F64(number.as_f64().unwrap()),
        (Json::Number(number), _) => Value::I64(number.as_i64().unwrap()),
        (Json::String(text), ColumnType::Date) => Value::Date(Date::parse(text).unwrap()),
        (Json::String(text), ColumnType::DateTime) => Value::Timestamp(Timestamp::parse(text).unwrap()),
        (Json::String(text), ColumnType::Binary) => Value::Bytes(STANDARD.decode(text).unwrap()),
        (Json::String(text), _) => Value::Text(text.clone()),
        (other, _) => panic!("no table has {other}"),
    }
}

/// A table to write into, with a unique key beside the primary one.
fn parts() -> Stored {
    let required = |name: &str, data_type| Column { is_nullable: false, ..Column::new(name, data_type) };
    let columns = vec![
        required("id", ColumnType::Integer),
        Column { length: Some(20), ..required("code", ColumnType::String) },
        Column::new("size", ColumnType::Integer),
        Column { precision: Some(12), scale: Some(2), ..Column::new("price", ColumnType::Decimal) },
    ];
    let row = |id: i64| vec![Value::I64(id), Value::Text(format!("p{id}")), Value::I64(id * 10), Value::Null];
    let mut stored = Stored::new("parts", columns, (1..=3).map(row).collect());
    stored.table.unique_keys = vec![Key { name: "parts_code".to_owned(), columns: vec!["code".to_owned()] }];
    stored
}
