//! Each type of PostgreSQL, exact both ways: the rows of the table in the connector's README.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::exact::{
    Kind, bytes, check, check_asked, check_found, check_refused, days, decimals, declared, documents,
    every_byte, gateway, hard_texts, instants, kind, number, settings_are_named, stamps, texts, times,
    turned_clocks, uuids, write,
};
use crate::gateway::Gateway;
use crate::postgres::{fixture, sql};

fn numbers() -> Vec<Kind> {
    let long = format!("-{}.{}1", "123456789".repeat(14), "0".repeat(120));
    vec![
        kind("b", "boolean", json!([true, false])),
        kind("i2", "smallint", json!([i16::MIN, i16::MAX])).and(any::<i16>().prop_map(|n| json!(n))),
        kind("i4", "integer", json!([i32::MIN, i32::MAX])).and(any::<i32>().prop_map(|n| json!(n))),
        kind("i8", "bigint", json!([i64::MIN, i64::MAX, 9_007_199_254_740_993_i64]))
            .and(any::<i64>().prop_map(|n| json!(n))),
        kind("oids", "oid", json!([0, u32::MAX])).and(any::<u32>().prop_map(|n| json!(n))),
        kind(
            "n",
            "numeric",
            json!([
                number(&long),
                number("1.00"),
                number("0.00000000000000000001"),
                0,
                "NaN",
                "Infinity",
                "-Infinity"
            ]),
        )
        .and(decimals(100, 100)),
        kind("n2", "numeric(12, 2)", json!([number("-9999999999.99"), number("0.00"), "NaN"]))
            .and(decimals(10, 2)),
        kind(
            "m",
            "money",
            json!([number("-92233720368547758.08"), number("92233720368547758.07"), number("0.00")]),
        )
        .and(decimals(15, 2)),
        kind("f", "real", json!([0.1, -3.402_823_5e38, 1e-45, "NaN", "Infinity", "-Infinity"]))
            .and(any::<i16>().prop_map(|n| json!(f64::from(n) / 8.0)))
            .fractions(),
        kind("d", "double precision", json!([0.1, f64::MAX, 5e-324, "NaN", "Infinity", "-Infinity"]))
            .and(any::<f64>().prop_map(|n| json!(n)))
            .fractions(),
    ]
}

fn words() -> Vec<Kind> {
    vec![
        kind("t", "text", hard_texts()).and(texts(40)),
        kind("v", "varchar(40)", hard_texts()).and(texts(40)),
        kind("c", "char(4)", json!(["abcd", "日本🦀é"])),
        kind("nam", "name", json!(["", "a name"])),
        kind("x", "xml", json!(["<a/>", "<a b=\"1\">é</a>"])),
        kind("ts", "tsvector", json!(["'a' 'b':1"])),
        kind("bin", "bytea", json!(["", every_byte()])).and(bytes(300)),
        kind("u", "uuid", json!(["00000000-0000-0000-0000-000000000000"])).and(uuids()),
        kind("j", "json", documents()),
        kind("jb", "jsonb", documents()),
        kind("mood", "mood", json!(["sad", "so so", "it's"])),
        kind("dom", "positive", json!([1, i32::MAX])),
    ]
}

fn moments() -> Vec<Kind> {
    vec![
        kind(
            "day",
            "date",
            json!([
                "0001-01-01",
                "9999-12-31",
                "1582-10-10",
                "0000-02-29",
                "-0043-03-15",
                "+10000-01-01",
                "+5874897-12-31",
                "infinity",
                "-infinity"
            ]),
        )
        .and(days()),
        kind("clock", "time", json!(["00:00:00", "23:59:59.999999", "24:00:00"])).and(times()),
        kind(
            "stamp",
            "timestamp",
            json!([
                "2024-03-31 02:30:00",
                "0001-01-01 00:00:00",
                "-0043-03-15 12:00:00",
                "+294276-12-31 23:59:59.999999",
                "infinity",
                "-infinity"
            ]),
        )
        .and(stamps()),
        kind("turned", "timestamptz", turned_clocks()),
        kind(
            "moment",
            "timestamptz",
            json!([
                "0001-01-01T00:00:00Z",
                "-0043-03-15T12:00:00Z",
                "+294276-12-31T23:59:59.999999Z",
                "infinity",
                "-infinity"
            ]),
        )
        .and(instants(1000..9999)),
        kind("zoned", "timetz", json!(["12:30:00+02", "00:00:00.000001-11:30"])),
        kind(
            "span",
            "interval",
            json!(["00:00:00", "-1 years -2 mons +3 days -04:05:06.000007", "178000000 years"]),
        ),
    ]
}

fn own() -> Vec<Kind> {
    vec![
        kind("bits", "bit(8)", json!(["00000000", "11111111"])).and("[01]{8}".prop_map(|bits| json!(bits))),
        kind("vb", "varbit", json!(["", "1"])).and("[01]{0,70}".prop_map(|bits| json!(bits))),
        kind("ip", "inet", json!(["10.0.0.1", "10.0.0.1/8", "::1", "2001:db8::/32"])),
        kind("net", "cidr", json!(["10.0.0.0/8", "2001:db8::/32"])),
        kind("mac", "macaddr", json!(["08:00:2b:01:02:03"])),
        kind("r", "int4range", json!(["empty", "[1,5)", "(,5)", "[1,)", "(,)"])),
        kind("nr", "numrange", json!(["(1.50,2.5]", "empty"])),
        kind("dr", "daterange", json!(["[2024-02-29,2024-03-01)", "(,infinity)"])),
        kind("mr", "int4multirange", json!(["{}", "{[1,3),[5,7)}"])),
        kind("pair", "pair", json!(["(1,\"a b\")", "(,)", "(,\"\"\"\")"])),
        kind("p", "point", json!(["(1,-2.5)"])),
        kind("ints", "bigint[]", json!([[], [null], [i64::MIN, null, i64::MAX], [[1, 2], [3, 4]]]))
            .and(prop::collection::vec(any::<i64>(), 0..5).prop_map(|list| json!(list))),
        kind("ns", "numeric[]", json!([[number("0.10"), number("123456789012345678901234567890.5")]])),
        kind("strings", "text[]", json!([[], ["", "NULL", null, "a,b", "{\"x\\\"}", "日本"]])),
        kind("moods", "mood[]", json!([["sad", "so so", "it's"], []])),
        kind("days", "date[]", json!([["2024-02-29", null, "-0043-03-15", "infinity"]])),
        kind("clocks", "time[]", json!([["24:00:00", "12:30:00.5"]])),
        kind(
            "moments",
            "timestamptz[]",
            json!([["-0043-03-15T12:00:00Z", "+10000-01-01T00:00:00Z", "-infinity"]]),
        ),
        kind("bins", "bytea[]", json!([["AP+A", "", null], [["AA=="], ["/w=="]], []])),
        kind("flags", "boolean[]", json!([[true, false, null]])),
        kind("ds", "double precision[]", json!([[0.5, "NaN", "Infinity"]])),
        kind("uuids", "uuid[]", json!([["00000000-0000-0000-0000-000000000000"]])),
        kind("js", "json[]", json!([[{"a": [1, "x"]}, "x", 1.5, [1, "y"], true]])),
        kind("jbs", "jsonb[]", json!([["", {"a": {}}, 5, []]])),
        kind("ips", "inet[]", json!([["10.0.0.1", null, "::1"]])),
        kind("spans", "interval[]", json!([["1 day", "-04:05:06"]])),
        kind("rs", "int4range[]", json!([["[1,5)", "empty"]])),
        kind("pairs", "pair[]", json!([["(1,\"a b\")", "(,)"]])),
        kind("boxes", "box[]", json!([["(2,2),(1,1)", null, "(1,1),(0,0)"], []])),
        kind("points", "point[]", json!([["(1,-2.5)"]])),
        kind("ms", "money[]", json!([["$1.50", null]])),
        kind("doms", "positive[]", json!([["1", "2147483647"]])),
        kind("box", "box", json!(["(2,2),(1,1)", "(1,1),(0,0)"])),
        kind("way", "path", json!(["((0,0),(1,1))", "[(0,0),(2,2)]"])),
        kind("soft", "citext", json!(["Ada", "ada", ""])),
    ]
}

/// An account whose own settings change how the server writes and reads values.
const ACCOUNT: &str = "
ALTER ROLE CURRENT_USER SET DateStyle = 'German, DMY';
ALTER ROLE CURRENT_USER SET IntervalStyle = 'sql_standard';
ALTER ROLE CURRENT_USER SET extra_float_digits = -15;
ALTER ROLE CURRENT_USER SET bytea_output = 'escape';
ALTER ROLE CURRENT_USER SET array_nulls = off;
ALTER ROLE CURRENT_USER SET standard_conforming_strings = off;
ALTER ROLE CURRENT_USER SET xmloption = 'document';
";

const TYPES: &str = "
CREATE EXTENSION citext;
CREATE TYPE mood AS ENUM ('sad', 'so so', 'it''s');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE made (id int PRIMARY KEY, a int, twice int GENERATED ALWAYS AS (a * 2) STORED, always int GENERATED ALWAYS AS IDENTITY,
    unless int GENERATED BY DEFAULT AS IDENTITY);
";

#[test]
fn every_type_is_exact_in_whatever_zone() {
    let kinds: Vec<_> = [numbers(), words(), moments(), own()].into_iter().flatten().collect();
    let fixture = fixture();
    let store = fixture.start("15", &[]).unwrap();
    sql(&store, &format!("{TYPES} CREATE TABLE kinds (id int PRIMARY KEY{})", declared(&kinds)));
    sql(&store, ACCOUNT);
    let zones =
        [("store", "UTC"), ("berlin", "Europe/Berlin"), ("kolkata", "Asia/Kolkata"), ("mars", "Mars/X")];
    let zones = zones.map(|(name, zone)| (name, json!({ "timezone": zone })));
    let odd = [("odd", json!({ "options": { "no_such_setting": 0.5 } }))];
    let services: Vec<_> = zones.into_iter().chain(odd).collect();
    let gateway = gateway(&fixture, &store.config, &services);
    check(&gateway, "kinds", &["store", "berlin", "kolkata"], &kinds);
    check_found(&gateway, "berlin/_table/kinds", &kinds);
    check_asked(&gateway, "berlin/_table/kinds", &kinds);
    // What is written in a zone with turned clocks is the same in others.
    sql(&store, "TRUNCATE kinds");
    check(&gateway, "kinds", &["berlin", "store"], &kinds);
    check_refused(
        &gateway,
        "store/_table/kinds",
        &[
            ("i2", json!(32768)),
            ("oids", json!(-1)),
            ("bins", json!(["no base64"])),
            ("stamp", json!("2024-05-01T12:30:00Z")),
            ("stamp", json!("2024-05-01 12:30:00+05")),
            ("i8", json!(9_223_372_036_854_775_808_u64)),
            ("n2", number("10000000000.00")),
            ("v", json!("x".repeat(41))),
            ("day", json!("2023-02-29")),
            ("dom", json!(0)),
            ("mood", json!("merry")),
            ("bits", json!("101")),
            ("u", json!("123e4567")),
            ("r", json!("[5,1)")),
        ],
    );
    made_columns(&gateway);
    settings_are_named(&gateway, [("mars", "'timezone'"), ("odd", "'no_such_setting' in 'options'")]);
}

/// What the server makes by itself is read, and is not written over.
fn made_columns(gateway: &Gateway) {
    let path = "store/_table/made?fields=*";
    let write = |row: Json| write(gateway, "POST", path, &json!({ "resource": [row] }));
    write(json!({"id": 1, "a": 2})).is_ok(r#"{"resource":[{"id":1,"a":2,"twice":4,"always":1,"unless":1}]}"#);
    write(json!({"id": 2, "unless": 7}))
        .is_ok(r#"{"resource":[{"id":2,"a":null,"twice":null,"always":2,"unless":7}]}"#);
    write(json!({"id": 3, "a": 4, "twice": 5, "always": 5}))
        .is_ok(r#"{"resource":[{"id":3,"a":4,"twice":8,"always":3,"unless":2}]}"#);
}
