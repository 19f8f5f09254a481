//! The requests of `cross_engine`: every filter of the grammar's tests in several readings, then writes with their effects.

use serde_json::{Value as Json, json};

use crate::filter;

/// A request to any service.
pub(crate) struct Asked {
    pub(crate) verb: &'static str,
    /// Below `_table/`.
    pub(crate) path: &'static str,
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) body: Json,
    /// The title of the request whose effect is looked at.
    after: Option<String>,
}

impl Asked {
    /// What it is called in `cross_engine.toml`.
    pub(crate) fn title(&self) -> String {
        let query: Vec<String> = self.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let body = if self.body.is_null() { String::new() } else { format!(" {}", self.body) };
        let after = self.after.as_ref().map(|title| format!(" after {title}")).unwrap_or_default();
        format!("{} {}?{}{body}{after}", self.verb, self.path, query.join("&"))
    }
}

fn read(path: &'static str, query: &[(&'static str, &str)]) -> Asked {
    let query = query.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Asked { verb: "GET", path, query, body: Json::Null, after: None }
}

fn write(verb: &'static str, path: &'static str, query: &[(&'static str, &str)], body: Json) -> Asked {
    Asked { verb, body, ..read(path, query) }
}

/// All of them, in order: writes change what later requests find.
pub(crate) fn requests() -> Vec<Asked> {
    filters().chain(pages()).chain(groups()).chain(refused()).chain(zones()).chain(writes()).collect()
}

/// Each filter three times: which rows, what stands in them, how many.
fn filters() -> impl Iterator<Item = Asked> {
    filter::without_parameters().flat_map(|filter| {
        [
            read("people", &[("filter", filter), ("order", "id"), ("fields", "id")]),
            read("people", &[("filter", filter), ("order", "name desc"), ("limit", "3")]),
            read("people", &[("filter", filter), ("count_only", "true")]),
        ]
    })
}

const COLUMNS: [&str; 12] = [
    "id",
    "name",
    "email",
    "age",
    "balance",
    "score",
    "serial",
    "is_active",
    "born",
    "seen",
    "note",
    "photo",
];

/// Orders of every column both ways, pages, identifiers.
fn pages() -> impl Iterator<Item = Asked> {
    let orders = COLUMNS.into_iter().flat_map(|column| {
        ["asc", "desc"].map(|way| {
            let order = format!("{column} {way}, id");
            let fields = if column == "id" { "id".to_owned() } else { format!("id,{column}") };
            read("people", &[("order", &order), ("fields", &fields)])
        })
    });
    let pages = [
        read("people", &[("limit", "2"), ("offset", "3"), ("include_count", "true"), ("order", "id")]),
        read("people", &[("limit", "0"), ("order", "id")]),
        read("people", &[("offset", "100"), ("order", "id")]),
        read("people", &[("page", "cursor"), ("limit", "7"), ("order", "age desc"), ("fields", "id")]),
        read("people", &[("ids", "3,1,2,1")]),
        read("people", &[("ids", "3,99"), ("fields", "id")]),
        read("people", &[("ids", "3,99"), ("fields", "id"), ("continue", "true")]),
        read("people", &[("id_field", "name"), ("ids", "root"), ("fields", "id")]),
        read("people/5", &[]),
        read("people/5", &[("fields", "name,serial")]),
        read("people/99", &[]),
        read("people", &[("as_list", "true"), ("order", "id")]),
        read("people", &[("numbers", "string"), ("fields", "serial,balance"), ("order", "id")]),
        read("people", &[("include_schema", "false"), ("fields", "*"), ("order", "id")]),
    ];
    orders.chain(pages)
}

fn groups() -> impl Iterator<Item = Asked> {
    let aggregates = [
        "COUNT(*)",
        "COUNT(email)",
        "SUM(age)",
        "MIN(age)",
        "MAX(born)",
        "MIN(name)",
        "MIN(photo)",
        "MAX(photo)",
        "SUM(balance)",
        "MAX(serial)",
        "AVG(score)",
    ];
    let plain = aggregates.into_iter().map(|aggregate| read("people", &[("fields", aggregate)]));
    let grouped = aggregates.into_iter().map(|aggregate| {
        let fields = format!("is_active,{aggregate}");
        read("people", &[("fields", &fields), ("group", "is_active"), ("order", "is_active")])
    });
    let others = [
        read(
            "people",
            &[
                ("fields", "is_active,COUNT(*)"),
                ("group", "is_active"),
                ("having", "COUNT(*) > 1"),
                ("order", "is_active"),
            ],
        ),
        read("people", &[("fields", "is_active"), ("distinct", "true"), ("order", "is_active")]),
        read("people", &[("fields", "age,is_active"), ("distinct", "true"), ("order", "age, is_active")]),
        read(
            "people",
            &[("fields", "age,COUNT(*)"), ("group", "age"), ("order", "COUNT(*) desc, age"), ("limit", "3")],
        ),
    ];
    plain.chain(grouped).chain(others)
}

/// What is refused is refused in the same words.
fn refused() -> impl Iterator<Item = Asked> {
    [
        read("nobody", &[]),
        read("people", &[("filter", "nope = 1")]),
        read("people", &[("filter", "age = x")]),
        read("people", &[("filter", "born = yesterday")]),
        read("people", &[("fields", "nope")]),
        read("people", &[("order", "nope")]),
        read("people", &[("filter", "photo like 'a%'")]),
        read("people", &[("filter", "is_active contains 1")]),
        read("people", &[("filter", "age > (1 / 0)"), ("fields", "id")]),
        read("people", &[("filter", "serial > (serial + serial)"), ("fields", "id")]),
        read("people/x", &[]),
    ]
    .into_iter()
}

/// A day and time without a zone takes no zone, and what is written in another form is shown in the one form. Then the row is as it was.
fn zones() -> impl Iterator<Item = Asked> {
    let texts = [
        "2024-05-01T12:30:00Z",
        "2024-05-01T12:30:00+02:00",
        "2024-05-01 12:30:00+05",
        "2024-05-01 12:30",
        "2024-05-01 12:30:00.50",
        "2024-05-01 12:30:00",
    ];
    let seen = [("fields", "id,seen")];
    let written = texts.map(|text| write("PATCH", "people/3", &seen, json!({ "seen": text })));
    written.into_iter().chain([write("PATCH", "people/3", &seen, json!({ "seen": null }))])
}

fn record(id: i64, code: &str, size: Json, price: Json) -> Json {
    json!({"id": id, "code": code, "size": size, "price": price})
}

fn list(records: &[Json]) -> Json {
    json!({"resource": records})
}

const ALL: &[(&str, &str)] = &[("fields", "*")];

/// Each write, then the table as it is.
fn writes() -> impl Iterator<Item = Asked> {
    created().into_iter().chain(changed()).flat_map(|change| {
        let effect = Asked { after: Some(change.title()), ..read("parts", &[("order", "id")]) };
        [change, effect]
    })
}

fn created() -> Vec<Asked> {
    vec![
        write("POST", "parts", ALL, list(&[record(4, "p4", json!(40), json!(1.25))])),
        write(
            "POST",
            "parts",
            &[],
            list(&[
                record(5, "p5", json!(null), json!("12345678.75")),
                record(6, "p6", json!(0), json!(null)),
            ]),
        ),
        write("POST", "parts", &[], list(&[record(4, "again", json!(1), json!(null))])),
        write("POST", "parts", &[], list(&[record(7, "p4", json!(1), json!(null))])),
        write("POST", "parts", &[], list(&[json!({"id": 8, "size": 1})])),
        write("POST", "parts", &[], list(&[record(9, "p9", json!("nine"), json!(null))])),
        write(
            "POST",
            "parts",
            &[("continue", "true")],
            list(&[
                record(11, "p11", json!(1), json!(null)),
                record(4, "p12", json!(1), json!(null)),
                record(13, "p13", json!(1), json!(null)),
            ]),
        ),
        write(
            "POST",
            "parts",
            &[("rollback", "true")],
            list(&[record(14, "p14", json!(1), json!(null)), record(4, "p15", json!(1), json!(null))]),
        ),
        write(
            "POST",
            "parts",
            &[],
            list(&[
                record(16, "p16", json!(1), json!(null)),
                record(4, "p17", json!(1), json!(null)),
                record(18, "p18", json!(1), json!(null)),
            ]),
        ),
    ]
}

fn changed() -> Vec<Asked> {
    vec![
        write("PATCH", "parts/4", ALL, json!({"size": 41})),
        write("PATCH", "parts/99", ALL, json!({"size": 41})),
        // What names the row is no value for it.
        write("PATCH", "parts/4", ALL, json!({"id": 400, "size": 42})),
        write("PUT", "parts/4", ALL, json!({"id": 400, "size": 43})),
        write("PATCH", "parts", &[("ids", "4"), ("fields", "*")], list(&[json!({"id": 400, "size": 44})])),
        write(
            "PATCH",
            "parts",
            &[("filter", "id = 4"), ("fields", "*")],
            list(&[json!({"id": 400, "size": 41})]),
        ),
        write("PUT", "parts/5", ALL, json!({"code": "P5", "size": 5})),
        write("PATCH", "parts", ALL, list(&[json!({"id": 4, "price": "0.5"}), json!({"id": 6, "price": 2})])),
        write(
            "PATCH",
            "parts",
            &[("filter", "size > 20"), ("fields", "*")],
            json!({"resource": [{"price": 9.75}]}),
        ),
        write("PATCH", "parts", &[("ids", "4,99"), ("continue", "true")], json!({"resource": [{"size": 7}]})),
        write("PATCH", "parts/4", ALL, json!({"size": {"expression": "size + 1"}})),
        write("PATCH", "parts/4", ALL, json!({"code": "p1"})),
        write("PATCH", "parts/4", ALL, json!({"code": null})),
        write("PUT", "parts/20", &[("upsert", "true"), ("fields", "*")], json!({"code": "p20", "size": 1})),
        write("PUT", "parts/20", &[("upsert", "true"), ("fields", "*")], json!({"code": "p20", "size": 2})),
        write(
            "PATCH",
            "parts",
            &[("upsert", "true"), ("fields", "*")],
            list(&[record(21, "p21", json!(1), json!(null)), record(20, "p20b", json!(3), json!(null))]),
        ),
        write("DELETE", "parts/21", ALL, Json::Null),
        write("DELETE", "parts/21", ALL, Json::Null),
        write("DELETE", "parts", &[("filter", "size = 1"), ("fields", "id")], Json::Null),
        write("DELETE", "parts", &[("ids", "1,99"), ("rollback", "true")], Json::Null),
        write("DELETE", "parts", &[("force", "true")], Json::Null),
        write("POST", "parts", &[], list(&[record(10, &"x".repeat(30), json!(1), json!(null))])),
    ]
}
