//! Values of a server's types, written and read back through HTTP: the ends of each type and what is known to be hard, beside others at
//! random, always the same ones. What a server calls its types stands in `postgres_types` and `mysql_types`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use connector_api::model::{Date, Instant, Timestamp, uuid_text};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value as Json, json};
use tests::fixture::Fixture;

use crate::client::{Answer, get, request};
use crate::gateway::{Gateway, Setup};
use crate::shop::READER;

/// Who may do everything.
const ACCESS: &str = r#"
[[roles]]
name = "everything"

[[roles.access]]
service = "*"
component = "*"
verbs = ["GET", "POST", "PUT", "PATCH", "DELETE"]

[[apps]]
name = "everything"
role = "everything"
api_key = "key-of-readers"
"#;

/// Rows with a value in each column.
const ROWS: usize = 60;

/// A column whose values come back as they were sent.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// Its type, as the server is told it.
    pub(crate) declared: &'static str,
    edges: Vec<Json>,
    others: BoxedStrategy<Json>,
    same: fn(&Json, &Json) -> bool,
}

/// A column with these values, a list, and no others.
pub(crate) fn kind(name: &'static str, declared: &'static str, edges: Json) -> Kind {
    let Json::Array(edges) = edges else { panic!("{name}: the values are a list") };
    let others = prop::sample::select(edges.clone()).boxed();
    Kind { name, declared, edges, others, same: |sent, read| sent == read }
}

impl Kind {
    /// And these at random.
    pub(crate) fn and(self, others: impl Strategy<Value = Json> + 'static) -> Self {
        Self { others: others.boxed(), ..self }
    }

    /// Binary fractions, of which one number has several texts.
    pub(crate) fn fractions(self) -> Self {
        Self { same: |sent, read| sent == read || sent.is_number() && sent.as_f64() == read.as_f64(), ..self }
    }
}

/// A gateway on one server, with services of this type that differ in what is said of each.
pub(crate) fn gateway(fixture: &Fixture, config: &Json, services: &[(&str, Json)]) -> Gateway {
    let service = |(name, changes): &(&str, Json)| {
        let mut config = config.clone();
        for (key, value) in changes.as_object().unwrap() {
            config[key] = value.clone();
        }
        json!({ "name": name, "type": fixture.facts.service_type, "config": config })
    };
    let services: Vec<_> = services.iter().map(service).collect();
    let services = toml::to_string(&json!({ "services": services })).unwrap();
    Setup::new(&format!("{services}{ACCESS}")).connector(&fixture.connector).start()
}

/// The columns behind a key `id`, as they are declared.
pub(crate) fn declared(kinds: &[Kind]) -> String {
    kinds.iter().map(|kind| format!(", {} {} NULL", kind.name, kind.declared)).collect()
}

/// Each row has the next of its edges in each column, and others when these are used up. The last row has nothing but nulls.
fn rows(kinds: &[Kind]) -> Vec<Json> {
    let mut runner = TestRunner::deterministic();
    let mut value = |kind: &Kind, nth: usize| {
        kind.edges.get(nth).cloned().unwrap_or_else(|| kind.others.new_tree(&mut runner).unwrap().current())
    };
    let mut rows: Vec<Json> = (0..ROWS)
        .map(|nth| {
            let cells = kinds.iter().map(|kind| (kind.name.to_owned(), value(kind, nth)));
            let id = [("id".to_owned(), json!(nth))];
            id.into_iter().chain(cells).collect()
        })
        .collect();
    let nulls = kinds.iter().map(|kind| (kind.name.to_owned(), Json::Null));
    rows.push([("id".to_owned(), json!(ROWS))].into_iter().chain(nulls).collect());
    rows
}

/// Writes rows into the table of a service and reads them back by each of the others, which see the same table.
#[track_caller]
pub(crate) fn check(gateway: &Gateway, table: &str, services: &[&str], kinds: &[Kind]) {
    assert!(kinds.iter().all(|kind| kind.edges.len() <= ROWS));
    let rows = rows(kinds);
    let path = format!("{}/_table/{table}", services[0]);
    let written = write(gateway, "POST", &path, &json!({ "resource": rows }));
    assert_eq!(written.status, 200, "{}\n{:#?}", written.body, refused(gateway, &path, &rows, kinds));
    for service in services {
        let read = get(&format!("/api/v2/{service}/_table/{table}")).key(READER).with("order", "id");
        let answer = gateway.send(read.with("limit", rows.len()));
        assert_eq!(answer.status, 200, "{}", answer.body);
        let read = answer.json();
        for (sent, read) in rows.iter().zip(read["resource"].as_array().unwrap()) {
            for kind in kinds {
                let (sent, read) = (&sent[kind.name], &read[kind.name]);
                let is_same = if sent.is_null() { read.is_null() } else { (kind.same)(sent, read) };
                assert!(is_same, "{service}, {} ({}): sent {sent}, read {read}", kind.name, kind.declared);
            }
        }
    }
}

/// Each edge that is a text or a number is found by what an answer shows of it, alone and in a list.
#[track_caller]
pub(crate) fn check_found(gateway: &Gateway, path: &str, kinds: &[Kind]) {
    for kind in kinds {
        let edges = kind.edges.iter().enumerate();
        let shown = edges.filter_map(|(id, edge)| Some((id, shown(edge)?)));
        for (id, text) in shown {
            for condition in ["= :value", "in (:value)"] {
                let filter = format!("{} {condition} and id = {id}", kind.name);
                let found = get(&format!("/api/v2/{path}?fields=id")).key(READER);
                let found = gateway.send(found.with("filter", &filter).with("params[:value]", &text));
                let expected = format!(r#"{{"resource":[{{"id":{id}}}]}}"#);
                assert_eq!(found.body, expected, "{filter} ({}), {text}", kind.declared);
            }
        }
    }
}

fn shown(edge: &Json) -> Option<String> {
    match edge {
        // Others do not fit into an address.
        Json::String(text) if text.len() < 2000 => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Whatever can be asked of a column is answered, or refused in words that name it.
#[track_caller]
pub(crate) fn check_asked(gateway: &Gateway, path: &str, kinds: &[Kind]) {
    let mut untold = Vec::new();
    for kind in kinds {
        for asked in asked(kind) {
            let request = get(&format!("/api/v2/{path}")).key(READER);
            let answer = gateway.send(asked.iter().fold(request, |sent, (key, value)| sent.with(key, value)));
            // A sum of the greatest numbers is none of them.
            let is_told = answer.body.contains(kind.name) || answer.body.contains("out_of_range");
            if answer.status != 200 && !(answer.status == 400 && is_told) {
                untold.push(format!("{}, {asked:?}: {}", kind.declared, answer.body));
            }
        }
    }
    assert!(untold.is_empty(), "{}", untold.join("\n"));
}

/// Requests with these parameters.
fn asked(Kind { name, edges, .. }: &Kind) -> [[(&'static str, String); 2]; 10] {
    let value = edges.first().and_then(shown).unwrap_or_else(|| "{}".to_owned());
    let name = (*name).to_owned();
    let filter =
        |condition: &str| [("filter", format!("{name} {condition}")), ("params[:value]", value.clone())];
    let fields = |fields: String| [("fields", fields), ("limit", "1".to_owned())];
    [
        [("order", name.clone()), ("fields", "id".to_owned())],
        [("distinct", "true".to_owned()), ("fields", name.clone())],
        [("group", name.clone()), ("fields", format!("{name},COUNT(*)"))],
        fields(format!("MIN({name}),MAX({name})")),
        fields(format!("SUM({name}),AVG({name})")),
        fields(format!("COUNT(DISTINCT {name})")),
        filter("in (:value)"),
        filter("> :value"),
        filter("!= :value"),
        filter("contains :value"),
    ]
}

/// The values that are to blame when rows are refused.
fn refused(gateway: &Gateway, path: &str, rows: &[Json], kinds: &[Kind]) -> Vec<String> {
    let cells = rows.iter().flat_map(|row| kinds.iter().map(move |kind| (kind, &row[kind.name])));
    let refusal = |(id, (kind, value)): (usize, (&Kind, &Json))| {
        let answer = write(gateway, "POST", path, &json!({ "resource": [{ "id": id, kind.name: value }] }));
        (answer.status != 200)
            .then(|| format!("{} ({}) = {value}: {}", kind.name, kind.declared, answer.body))
    };
    (10_000..).zip(cells).filter_map(refusal).take(5).collect()
}

/// What a column does not take is refused, and nothing is left of it.
#[track_caller]
pub(crate) fn check_refused(gateway: &Gateway, path: &str, values: &[(&str, Json)]) {
    let id = ROWS + 1;
    for (name, value) in values {
        let refused = write(gateway, "POST", path, &json!({ "resource": [{ "id": id, *name: value }] }));
        assert!((400..500).contains(&refused.status), "{name} = {value}: {}", refused.body);
        let left = gateway.send(get(&format!("/api/v2/{path}/{id}")).key(READER));
        assert_eq!(left.status, 404, "{name} = {value}: {}", left.body);
    }
}

/// A service whose settings the server refuses says which one it is.
#[track_caller]
pub(crate) fn settings_are_named(gateway: &Gateway, services: [(&str, &str); 2]) {
    for (service, setting) in services {
        let answer = gateway.send(get(&format!("/api/v2/{service}/_table/kinds")).key(READER));
        assert!(answer.status == 503 && answer.body.contains(setting), "{}: {}", answer.status, answer.body);
    }
}

pub(crate) fn write(gateway: &Gateway, verb: &str, path: &str, body: &Json) -> Answer {
    gateway.send(request(verb, &format!("/api/v2/{path}")).key(READER).body(body))
}

/// A number of which every digit counts.
pub(crate) fn number(digits: &str) -> Json {
    serde_json::from_str(digits).unwrap()
}

/// Numbers with so many digits before the point and behind it, at most, and no zero at the end.
pub(crate) fn decimals(whole: usize, fraction: usize) -> impl Strategy<Value = Json> {
    let digits = format!("-?[1-9][0-9]{{0,{}}}\\.[0-9]{{{}}}[1-9]", whole - 1, fraction - 1);
    prop::string::string_regex(&digits).unwrap().prop_map(|digits| number(&digits))
}

/// Days of the years 1 to 9999.
pub(crate) fn days() -> impl Strategy<Value = Json> {
    (-719_162..=2_932_896_i32).prop_map(|day| json!(Date(day).to_string()))
}

/// Times of a day, with six digits behind the second.
pub(crate) fn times() -> impl Strategy<Value = Json> {
    (0..24, 0..60, 0..60, 1..=9_u32).prop_map(|(hour, minute, second, last)| {
        json!(format!("{hour:02}:{minute:02}:{second:02}.00070{last}"))
    })
}

/// Days with times, without a zone.
pub(crate) fn stamps() -> impl Strategy<Value = Json> {
    (days(), times()).prop_map(|(day, time)| {
        let text = format!("{} {}", day.as_str().unwrap(), time.as_str().unwrap());
        json!(Timestamp::parse(&text).unwrap().to_string())
    })
}

/// Points in time between two years.
pub(crate) fn instants(years: std::ops::Range<i32>) -> impl Strategy<Value = Json> {
    (years, 1..=12, 1..=28, times()).prop_map(|(year, month, day, time)| {
        let text = format!("{year:04}-{month:02}-{day:02}T{}Z", time.as_str().unwrap());
        json!(Instant::parse(&text).unwrap().to_string())
    })
}

/// Where clocks in Berlin are turned: an hour that is left out, and one that is there twice.
pub(crate) fn turned_clocks() -> Json {
    json!([
        "2024-03-31T00:59:59Z",
        "2024-03-31T01:00:00Z",
        "2024-03-31T01:30:00.5Z",
        "2024-10-27T00:30:00Z",
        "2024-10-27T01:30:00Z",
        "2024-10-27T01:30:00.000001Z",
    ])
}

pub(crate) fn bytes(most: usize) -> impl Strategy<Value = Json> {
    prop::collection::vec(any::<u8>(), 0..most).prop_map(|bytes| json!(STANDARD.encode(bytes)))
}

pub(crate) fn every_byte() -> Json {
    json!(STANDARD.encode((0..=255).collect::<Vec<u8>>()))
}

pub(crate) fn uuids() -> impl Strategy<Value = Json> {
    any::<[u8; 16]>().prop_map(|bytes| json!(uuid_text(&bytes)))
}

/// Such as are made at random: of version 4.
pub(crate) fn random_uuids() -> impl Strategy<Value = Json> {
    any::<[u8; 16]>().prop_map(|mut bytes| {
        (bytes[6], bytes[8]) = (bytes[6] & 0x0f | 0x40, bytes[8] & 0x3f | 0x80);
        json!(uuid_text(&bytes))
    })
}

/// Texts without U+0000.
pub(crate) fn texts(most: usize) -> impl Strategy<Value = Json> {
    let character =
        any::<char>().prop_filter("no text of some servers has it", |character| *character != '\0');
    prop::collection::vec(character, 0..most).prop_map(|text| json!(text.into_iter().collect::<String>()))
}

pub(crate) fn hard_texts() -> Json {
    json!([
        "",
        " ",
        " x ",
        "\\",
        "'",
        "\"",
        "`",
        "%_!",
        "null",
        "a\tb\r\nc",
        "日本",
        "🦀",
        "e\u{301}",
        "\u{feff}",
        "\u{1}"
    ])
}

/// Lists and documents; digits and the order of members count.
pub(crate) fn documents() -> Json {
    let digits = r#"[{"n":123456789012345678901234567890.125},[],{},[null],{"a":{"b":[1,"x",true,null]}},{"":""},["\u0001🦀"]]"#;
    serde_json::from_str(digits).unwrap()
}
