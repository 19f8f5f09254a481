//! Row rules and tables without access, against the plainest way to say the same: what a role sees of a database equals what an administrator
//! sees of a copy from which every row is deleted that the rules hide. Roles, rules and requests are random, from seeds that a failure names.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use conformance::generate::Random;
use rusqlite::Connection;
use serde_json::{Value as Json, json};

use crate::client::get;
use crate::engine::{Engine, Kind, MARIADB, POSTGRES};
use crate::gateway::{Gateway, Setup};
use crate::sales::with;
use crate::shop::{EVERYTHING, READER};

/// Roles, each with a copy of its own.
const ROLES: usize = 8;
/// Requests of each role.
const REQUESTS: usize = 150;
/// Tables with their columns: numbers, then words.
const TABLES: [(&str, &[&str], &[&str]); 4] = [
    ("parents", &["id", "ranking", "boss_id"], &["kind"]),
    ("children", &["id", "parent_id", "amount"], &["word"]),
    ("tags", &["id"], &["word"]),
    ("links", &["parent_id", "tag_id"], &[]),
];
const SCHEMA: &str = "
    CREATE TABLE parents (id INTEGER PRIMARY KEY, kind VARCHAR(9), ranking INTEGER, boss_id INTEGER,
        CONSTRAINT parents_boss FOREIGN KEY (boss_id) REFERENCES parents (id));
    CREATE TABLE children (id INTEGER PRIMARY KEY, parent_id INTEGER, word VARCHAR(9), amount INTEGER,
        CONSTRAINT children_parent FOREIGN KEY (parent_id) REFERENCES parents (id));
    CREATE TABLE tags (id INTEGER PRIMARY KEY, word VARCHAR(9));
    CREATE TABLE links (parent_id INTEGER NOT NULL, tag_id INTEGER NOT NULL, PRIMARY KEY (parent_id, tag_id),
        CONSTRAINT links_parent FOREIGN KEY (parent_id) REFERENCES parents (id), CONSTRAINT links_tag FOREIGN KEY (tag_id) REFERENCES tags (id));
";

#[test]
fn a_role_sees_what_is_left_without_hidden_rows_in_a_file() {
    let file = |name: &str| format!("{name}.sqlite");
    let roles = roles(1);
    let services = names().map(|name| json!({ "name": name, "type": "sqlite", "config": { "database": file(&name), "max_records": 50 } }));
    let setup = Setup::new(&config(&roles, services.collect()));
    for (name, hides) in names().zip(statements(&roles)) {
        let database = Connection::open(setup.path(&file(&name))).unwrap();
        database.execute_batch(&format!("{SCHEMA}{}PRAGMA foreign_keys = 0;{hides}", rows())).unwrap();
    }
    compare(&setup.start(), &roles);
}

#[test]
fn a_role_sees_what_is_left_without_hidden_rows_on_postgres() {
    on_server(&POSTGRES, 2, "schema", |name, sql| {
        format!(
            "CREATE SCHEMA {name}; SET search_path = {name}; {SCHEMA}{}SET session_replication_role = replica; {sql}",
            rows()
        )
    });
}

#[test]
fn a_role_sees_what_is_left_without_hidden_rows_on_mariadb() {
    on_server(&MARIADB, 3, "database", |name, sql| {
        format!(
            "CREATE DATABASE {name}; GRANT ALL ON {name}.* TO gateway@'%'; USE {name}; {SCHEMA}SET foreign_key_checks = 0; {}{sql}",
            rows()
        )
    });
}

/// The same on a server, where `key` of the configuration says which copy is meant.
fn on_server(kind: &'static Kind, seed: u64, key: &str, fill: impl Fn(&str, &str) -> String) {
    let engine: Engine = kind.start();
    let roles = roles(seed);
    for (name, hides) in names().zip(statements(&roles)) {
        engine.sql(&fill(&name, &hides));
    }
    let service = |name: String| {
        let more = json!({ key: name, "pool_size": 2, "max_records": 50 });
        let service: toml::Table = toml::from_str(&engine.service(&name, &more)).unwrap();
        serde_json::to_value(&service["services"][0]).unwrap()
    };
    let config = config(&roles, names().map(service).collect());
    let password = engine.store.config["password"].as_str().unwrap();
    let setup = Setup::new(&config).connector(kind.connector()).variable("STORE_PASSWORD", password);
    compare(&setup.start(), &roles);
}

/// The whole database, then the copy of each role.
fn names() -> impl Iterator<Item = String> {
    std::iter::once("whole".to_owned()).chain((0..ROLES).map(|role| format!("copy{role}")))
}

/// A condition in a field, as a rule of a role, as a filter and as SQL.
#[derive(Clone, Debug)]
struct Condition {
    field: String,
    operator: &'static str,
    value: Json,
}

impl Condition {
    fn random(random: &mut Random, table: &str) -> Self {
        let (_, numbers, words) = TABLES.into_iter().find(|(name, ..)| *name == table).unwrap();
        let place = random.below(numbers.len() + 2 * words.len());
        let pick = |random: &mut Random, operators: &[&'static str]| operators[random.below(operators.len())];
        let (field, operator, value) = match numbers.get(place) {
            Some(field) => (
                *field,
                pick(random, &["=", "!=", "<", "<=", ">", ">=", "in", "is null", "is not null"]),
                json!(random.between(1, 12)),
            ),
            None => (
                words[random.below(words.len())],
                pick(random, &["=", "!=", "in", "starts with", "contains", "is null", "is not null"]),
                json!(["a", "b", "ab", "ba"][random.below(4)]),
            ),
        };
        let value = match operator {
            "in" => {
                json!([value, if value.is_number() { json!(random.between(1, 12)) } else { json!("bb") }])
            }
            "is null" | "is not null" => Json::Null,
            _ => value,
        };
        Self { field: field.to_owned(), operator, value }
    }

    fn rule(&self) -> Json {
        let rule = json!({ "name": self.field, "operator": self.operator });
        let mut rule = rule.as_object().unwrap().clone();
        if !self.value.is_null() {
            rule.insert("value".to_owned(), self.value.clone());
        }
        rule.into()
    }

    /// As a filter that names the field behind this path, or as SQL, which differ in the search of texts only.
    fn text(&self, path: &str, is_sql: bool) -> String {
        let Self { field, operator, value } = self;
        let literal = |value: &Json| value.to_string().replace('"', "'");
        match (*operator, value) {
            ("starts with", Json::String(text)) if is_sql => format!("{path}{field} LIKE '{text}%'"),
            ("contains", Json::String(text)) if is_sql => format!("{path}{field} LIKE '%{text}%'"),
            (operator, Json::Array(items)) => {
                format!(
                    "{path}{field} {operator} ({})",
                    items.iter().map(literal).collect::<Vec<_>>().join(", ")
                )
            }
            (operator, Json::Null) => format!("{path}{field} {operator}"),
            (operator, value) => format!("{path}{field} {operator} {}", literal(value)),
        }
    }
}

/// What a role may read of a table: nothing, or what fits these rules, all or one of them.
#[derive(Clone, Debug)]
enum Sight {
    Nothing,
    Rows(Vec<Condition>, &'static str),
}

type Role = BTreeMap<&'static str, Sight>;

fn roles(seed: u64) -> Vec<Role> {
    let mut random = Random::new(seed);
    let sight = |random: &mut Random, table| match random.below(10) {
        0 => Sight::Nothing,
        1 | 2 => Sight::Rows(Vec::new(), "AND"),
        _ => {
            let rules = (0..=random.below(2)).map(|_| Condition::random(random, table)).collect();
            Sight::Rows(rules, if random.percent(50) { "AND" } else { "OR" })
        }
    };
    (0..ROLES).map(|_| TABLES.map(|(table, ..)| (table, sight(&mut random, table))).into()).collect()
}

/// The same rows for every database, some without what they could refer to.
fn rows() -> String {
    let mut random = Random::new(7);
    let mut sql = String::new();
    let maybe = |random: &mut Random, end: i32| {
        if random.percent(20) { "NULL".to_owned() } else { random.between(1, end).to_string() }
    };
    let word = |random: &mut Random| ["NULL", "'a'", "'b'", "'ab'", "'ba'", "'bb'"][random.below(6)];
    for id in 1..=25 {
        let (kind, ranking) = (word(&mut random), maybe(&mut random, 12));
        // Those before it are there already.
        let boss = if id == 1 { "NULL".to_owned() } else { maybe(&mut random, id - 1) };
        writeln!(sql, "INSERT INTO parents VALUES ({id}, {kind}, {ranking}, {boss});").unwrap();
    }
    for id in 1..=60 {
        let (parent, word, amount) = (maybe(&mut random, 25), word(&mut random), maybe(&mut random, 12));
        writeln!(sql, "INSERT INTO children VALUES ({id}, {parent}, {word}, {amount});").unwrap();
    }
    for id in 1..=12 {
        writeln!(sql, "INSERT INTO tags VALUES ({id}, {});", word(&mut random)).unwrap();
    }
    let links: BTreeSet<(i32, i32)> =
        (0..60).map(|_| (random.between(1, 25), random.between(1, 12))).collect();
    for (parent, tag) in links {
        writeln!(sql, "INSERT INTO links VALUES ({parent}, {tag});").unwrap();
    }
    sql
}

/// What deletes hidden rows: nothing for the whole database, then for each role.
fn statements(roles: &[Role]) -> impl Iterator<Item = String> {
    let hides = |role: &Role| {
        let statement = |(table, sight): (&&str, &Sight)| match sight {
            Sight::Rows(rules, word) if !rules.is_empty() => {
                let rules: Vec<String> =
                    rules.iter().map(|rule| format!("({})", rule.text("", true))).collect();
                format!("DELETE FROM {table} WHERE ({}) IS NOT TRUE;\n", rules.join(&format!(" {word} ")))
            }
            _ => String::new(),
        };
        role.iter().map(statement).collect()
    };
    std::iter::once(String::new()).chain(roles.iter().map(hides))
}

fn config(roles: &[Role], services: Vec<Json>) -> String {
    let mut given = Vec::new();
    for (number, role) in roles.iter().enumerate() {
        let grants = role.iter().filter_map(|(table, sight)| match sight {
            Sight::Nothing => None,
            Sight::Rows(rules, word) => {
                let rules: Vec<Json> = rules.iter().map(Condition::rule).collect();
                Some(json!({ "service": "whole", "component": format!("_table/{table}/*"), "verbs": ["GET"], "filters": rules, "filter_op": word }))
            }
        });
        given.push(json!({ "name": format!("role{number}"), "access": grants.collect::<Vec<_>>() }));
    }
    let apps: Vec<Json> =
        (0..ROLES).map(|role| json!({ "name": format!("app{role}"), "role": format!("role{role}"), "api_key": format!("key-{role}") })).collect();
    format!(
        "{}\n{EVERYTHING}",
        toml::to_string(&json!({ "services": services, "roles": given, "apps": apps })).unwrap()
    )
}

/// A relationship: its name, the table at its other end and the one between.
#[derive(Clone, Debug)]
struct Relationship {
    name: String,
    to: &'static str,
    between: Option<&'static str>,
}

fn relationships(gateway: &Gateway) -> BTreeMap<&'static str, Vec<Relationship>> {
    let table = |name: &Json| TABLES.into_iter().map(|(table, ..)| table).find(|table| *name == json!(table));
    let of = |from: &'static str| {
        let answer =
            gateway.send(get(&format!("/api/v2/whole/_schema/{from}/_related?fields=*")).key(READER)).json();
        let found = answer["resource"].as_array().unwrap().iter().map(|given| Relationship {
            name: given["name"].as_str().unwrap().to_owned(),
            to: table(&given["ref_table"]).unwrap(),
            between: table(&given["junction_table"]),
        });
        (from, found.collect())
    };
    TABLES.map(|(from, ..)| of(from)).into()
}

/// A request, and the tables that it looks at.
struct Asked {
    table: &'static str,
    query: Vec<(String, String)>,
    touched: BTreeSet<&'static str>,
}

struct Generator<'g> {
    random: Random,
    relationships: &'g BTreeMap<&'static str, Vec<Relationship>>,
    touched: BTreeSet<&'static str>,
}

impl Generator<'_> {
    fn request(mut self) -> Asked {
        let table = TABLES[self.random.below(TABLES.len())].0;
        self.touched.insert(table);
        let mut query = Vec::new();
        let mut add = |name: &str, value: String| query.push((name.to_owned(), value));
        if self.random.percent(70) {
            add("filter", self.filter(table, 2));
        }
        match self.random.below(4) {
            0 => add("count_only", "true".to_owned()),
            kind => {
                add("include_count", (kind == 1).to_string());
                add("limit", self.random.between(1, 40).to_string());
                add("offset", self.random.between(0, 3).to_string());
                for (name, value) in self.related(table) {
                    add(&name, value);
                }
            }
        }
        Asked { table, query, touched: self.touched }
    }

    fn filter(&mut self, table: &'static str, depth: usize) -> String {
        match self.random.below(if depth == 0 { 2 } else { 6 }) {
            2 | 3 => format!("({}) AND ({})", self.filter(table, depth - 1), self.filter(table, depth - 1)),
            4 => format!("({}) OR ({})", self.filter(table, depth - 1), self.filter(table, depth - 1)),
            5 => format!("NOT ({})", self.filter(table, depth - 1)),
            _ => self.condition(table),
        }
    }

    /// In a field of the table, or of one that is up to two relationships away.
    fn condition(&mut self, table: &'static str) -> String {
        let (mut path, mut at) = (String::new(), table);
        for chance in [50, 30] {
            if !self.random.percent(chance) {
                break;
            }
            let relationship = self.step(at);
            let _ = write!(path, "{}.", relationship.name);
            at = relationship.to;
        }
        Condition::random(&mut self.random, at).text(&path, false)
    }

    fn step(&mut self, table: &str) -> Relationship {
        let known = &self.relationships[table];
        let relationship = known[self.random.below(known.len())].clone();
        self.touched.insert(relationship.to);
        self.touched.extend(relationship.between);
        relationship
    }

    fn related(&mut self, table: &'static str) -> Vec<(String, String)> {
        let (mut names, mut options) = (BTreeSet::new(), Vec::new());
        for _ in 0..self.random.below(3) {
            let first = self.step(table);
            let (mut name, mut at) = (first.name, first.to);
            if self.random.percent(35) {
                let second = self.step(at);
                name = format!("{name}.{}", second.name);
                at = second.to;
            }
            if names.insert(name.clone()) && self.random.percent(50) {
                options.push((
                    format!("{name}.filter"),
                    Condition::random(&mut self.random, at).text("", false),
                ));
                options.push((format!("{name}.limit"), self.random.between(1, 4).to_string()));
            }
        }
        if !names.is_empty() {
            options.push(("related".to_owned(), names.into_iter().collect::<Vec<_>>().join(",")));
        }
        options
    }
}

/// How often answers were compared.
#[derive(Debug, Default)]
struct Tally {
    equal: usize,
    /// Of these, where the rules made a difference.
    hidden: usize,
    denied: usize,
}

/// Each role asks for something of the whole database, and the administrator for the same of the copy.
fn compare(gateway: &Gateway, roles: &[Role]) {
    let relationships = relationships(gateway);
    let mut tally = Tally::default();
    for (number, role) in roles.iter().enumerate() {
        for nth in 0..REQUESTS {
            let seed = u64::try_from(number * REQUESTS + nth).unwrap();
            let random = Random::new(seed);
            let generator = Generator { random, relationships: &relationships, touched: BTreeSet::new() };
            compare_one(gateway, (number, role), (seed, &generator.request()), &mut tally);
        }
    }
    assert!(tally.equal > 500 && tally.hidden > 200 && tally.denied > 50, "{tally:?}");
}

fn compare_one(
    gateway: &Gateway,
    (number, role): (usize, &Role),
    (seed, asked): (u64, &Asked),
    tally: &mut Tally,
) {
    let query: Vec<(&str, &str)> =
        asked.query.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let send = |service: &str, key: &str| {
        gateway.send(with(get(&format!("/api/v2/{service}/_table/{}", asked.table)).key(key), &query))
    };
    let seen = send("whole", &format!("key-{number}"));
    let told = || format!("seed {seed}, {} {query:?} as {role:?}", asked.table);
    if asked.touched.iter().any(|table| matches!(role[table], Sight::Nothing)) {
        // So it is for callers without a user.
        assert_eq!(seen.status, 401, "{}\n{}", told(), seen.body);
        tally.denied += 1;
        return;
    }
    let expected = send(&format!("copy{number}"), READER);
    assert_eq!((seen.status, seen.body.as_str()), (200, expected.body.as_str()), "{}", told());
    tally.equal += 1;
    tally.hidden += usize::from(send("whole", READER).body != seen.body);
}
