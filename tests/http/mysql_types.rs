//! Each type of MariaDB, exact both ways: the rows of the table in the connector's README.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::client::get;
use crate::exact::{
    Kind, bytes, check, check_asked, check_found, check_refused, days, decimals, declared, documents,
    every_byte, gateway, hard_texts, instants, kind, number, random_uuids, settings_are_named, stamps, texts,
    times, turned_clocks, write,
};
use crate::gateway::Gateway;
use crate::mysql::fixture;
use crate::shop::READER;

fn numbers() -> Vec<Kind> {
    let nines = format!("{}.{}", "9".repeat(35), "9".repeat(30));
    vec![
        kind("flag", "tinyint(1)", json!([true, false])),
        kind("one", "bit(1)", json!([true, false])),
        kind("bits", "bit(64)", json!([0, u64::MAX])).and(any::<u64>().prop_map(|n| json!(n))),
        kind("tiny", "tinyint", json!([i8::MIN, i8::MAX])),
        kind("utiny", "tinyint unsigned", json!([0, u8::MAX])),
        kind("small", "smallint", json!([i16::MIN, i16::MAX])),
        kind("medium", "mediumint", json!([-8_388_608, 8_388_607])),
        kind("year_", "year", json!([1901, 2155])),
        kind("i", "int", json!([i32::MIN, i32::MAX])).and(any::<i32>().prop_map(|n| json!(n))),
        kind("whole", "int unsigned", json!([0, u32::MAX])).and(any::<u32>().prop_map(|n| json!(n))),
        kind("big", "bigint", json!([i64::MIN, i64::MAX, 9_007_199_254_740_993_i64]))
            .and(any::<i64>().prop_map(|n| json!(n))),
        kind("huge", "bigint unsigned", json!([0, u64::MAX])).and(any::<u64>().prop_map(|n| json!(n))),
        kind("price", "decimal(65, 30)", json!([number(&nines), number(&format!("-{nines}"))]))
            .and(decimals(35, 30)),
        kind("n2", "decimal(12, 2)", json!([number("-9999999999.99"), number("0.00")])).and(decimals(10, 2)),
        kind("ratio", "float", json!([0.1, -3.402_823e38, 1e-30]))
            .and(any::<i16>().prop_map(|n| json!(f64::from(n) / 8.0)))
            .fractions(),
        kind("number", "double", json!([0.1, f64::MAX, f64::MIN_POSITIVE]))
            .and(any::<f64>().prop_map(|n| json!(n)))
            .fractions(),
    ]
}

fn words() -> Vec<Kind> {
    vec![
        kind("fixed", "char(4)", json!(["abcd", "日本🦀é"])),
        kind("word", "varchar(40)", hard_texts()).and(texts(40)),
        kind("tiny_text", "tinytext", hard_texts()).and(texts(40)),
        kind("note", "longtext", json!(["a\u{0}b", "x".repeat(70_000)])).and(texts(300)),
        kind("mood", "enum('sad', 'so so', 'it''s')", json!(["sad", "so so", "it's"])),
        kind("level", "enum('10', '2', '1')", json!(["1", "2", "10"])),
        kind("days", "set('mo', 'tu', 'we')", json!(["", "mo", "mo,we", "mo,tu,we"])),
        kind("steps", "set('4', '2')", json!(["2", "4", "4,2", ""])),
        kind("doc", "json", documents()),
        kind("exact_bytes", "binary(4)", json!(["AAAAAA==", "/////w=="])),
        kind("raw", "varbinary(300)", json!(["", every_byte()])).and(bytes(300)),
        kind("file", "longblob", json!(["", every_byte()])).and(bytes(300)),
        kind("code", "uuid", json!(["00000000-0000-0000-0000-000000000000"])).and(random_uuids()),
        kind("place", "point", json!(["POINT(1 2)", "POINT(-1.5 0.25)"])),
        kind("address", "inet6", json!(["::1", "2001:db8::1"])),
    ]
}

fn moments() -> Vec<Kind> {
    vec![
        kind(
            "day",
            "date",
            json!(["0001-01-01", "9999-12-31", "1582-10-10", "2024-02-29", "0000-00-00", "2024-00-01"]),
        )
        .and(days()),
        kind(
            "clock",
            "time(6)",
            json!(["00:00:00", "23:59:59.999999", "-838:59:59", "838:59:59.5", "24:00:00"]),
        )
        .and(times()),
        kind(
            "moment",
            "datetime(6)",
            json!([
                "2024-03-31 02:30:00",
                "9999-12-31 23:59:59.999999",
                "0000-00-00 00:00:00",
                "2024-00-01 01:02:03.5"
            ]),
        )
        .and(stamps()),
        kind("turned", "timestamp(6)", turned_clocks()),
        kind(
            "stamp",
            "timestamp(6)",
            json!(["1970-01-01T00:00:01Z", "2038-01-19T03:14:07.999999Z", "0000-00-00 00:00:00"]),
        )
        .and(instants(1971..2038)),
    ]
}

const MADE: &str = "CREATE TABLE IF NOT EXISTS made (id int PRIMARY KEY, a int, twice int AS (a * 2) STORED, thrice int AS (a * 3) VIRTUAL)";

#[test]
fn every_type_is_exact_with_and_without_kept_statements() {
    let kinds: Vec<_> = [numbers(), words(), moments()].into_iter().flatten().collect();
    let fixture = fixture();
    let store = fixture.start(&fixture.versions[0], &[]).unwrap();
    let create = format!(
        "CREATE TABLE IF NOT EXISTS kinds (id int PRIMARY KEY{}, KEY (mood), KEY (level), KEY (days))",
        declared(&kinds)
    );
    let maker = json!({ "statements": [create, MADE] });
    let services = [
        ("store", maker),
        ("uncached", json!({ "statement_cache": false, "options": { "max_statement_time": 30.5 } })),
        ("odd", json!({ "attributes": { "no_such_variable": 1 } })),
        ("mode", json!({ "modes": ["NO_SUCH_MODE"] })),
    ];
    let gateway = gateway(&fixture, &store.config, &services);
    check(&gateway, "kinds", &["store", "uncached"], &kinds);
    check_found(&gateway, "store/_table/kinds", &kinds);
    check_asked(&gateway, "store/_table/kinds", &kinds);
    check_refused(
        &gateway,
        "store/_table/kinds",
        &[
            ("tiny", json!(128)),
            ("utiny", json!(-1)),
            ("i", json!(1.5)),
            ("huge", number("18446744073709551616")),
            ("price", number(&"9".repeat(36))),
            ("word", json!("x".repeat(41))),
            ("mood", json!("merry")),
            ("mood", json!("1")),
            ("mood", json!(1)),
            ("mood", json!("0")),
            ("mood", json!({ "expression": "1 + 1" })),
            ("mood", json!({ "expression": "'1'" })),
            ("level", json!("3")),
            ("days", json!("3")),
            ("moment", json!("2024-05-01T12:30:00Z")),
            ("moment", json!("2024-05-01 12:30:00+05")),
            ("days", json!("mo,su")),
            ("day", json!("2023-02-29")),
            ("stamp", json!("2038-01-19T03:14:08Z")),
            ("code", json!("123e4567")),
            ("address", json!("nonsense")),
            ("exact_bytes", json!("AAAAAAA=")),
        ],
    );
    made_columns(&gateway);
    numbers_are_no_labels(&gateway);
    settings_are_named(&gateway, [("odd", "'no_such_variable' in 'attributes'"), ("mode", "'modes'")]);
    let searched = get("/api/v2/store/_table/kinds?fields=id").key(READER);
    let searched = gateway.send(searched.with("filter", "place like 'POINT(1 %' and id = 0"));
    searched.is_ok(r#"{"resource":[{"id":0}]}"#);
}

/// The place of a label in its list finds and changes nothing, also by an index.
fn numbers_are_no_labels(gateway: &Gateway) {
    for filter in ["mood = 1", "mood = '1'", "mood in ('1', '2')", "days = '3'", "level = '3'"] {
        let found =
            gateway.send(get("/api/v2/store/_table/kinds?fields=id").key(READER).with("filter", filter));
        assert_eq!(found.body, r#"{"resource":[]}"#, "{filter}");
    }
    let computed =
        write(gateway, "PATCH", "store/_table/kinds/0", &json!({ "mood": { "expression": "'2'" } }));
    assert_eq!(computed.status, 400, "{}", computed.body);
    let named = write(
        gateway,
        "PATCH",
        "store/_table/kinds?filter=id%3D0",
        &json!({ "resource": [{ "level": "2" }] }),
    );
    assert_eq!(named.status, 200, "{}", named.body);
    let level = gateway.send(get("/api/v2/store/_table/kinds/0?fields=level").key(READER));
    level.is_ok(r#"{"level":"2"}"#);
}

/// What the server makes by itself is read, and is not written over.
fn made_columns(gateway: &Gateway) {
    let write =
        |row: Json| write(gateway, "POST", "store/_table/made?fields=*", &json!({ "resource": [row] }));
    write(json!({"id": 1, "a": 2})).is_ok(r#"{"resource":[{"id":1,"a":2,"twice":4,"thrice":6}]}"#);
    write(json!({"id": 2, "a": 3, "twice": 5, "thrice": 5}))
        .is_ok(r#"{"resource":[{"id":2,"a":3,"twice":6,"thrice":9}]}"#);
}
