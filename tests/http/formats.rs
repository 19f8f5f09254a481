//! Forms of answers and bodies: which one is chosen, what it looks like, compression, files, and answers that are cut off.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value as Json, json};

use crate::client::{Answer, Request, request};
use crate::shop::{self, READER, read, reading, shared};
use crate::streaming;

const ORDERS: &str = "shop/_table/orders?fields=id,status,total&limit=2&offset=3";
const JSON: &str = r#"{"resource":[{"id":4,"status":"new","total":5},{"id":5,"status":"new","total":null}]}"#;
const NDJSON: &str =
    "{\"id\":4,\"status\":\"new\",\"total\":5}\n{\"id\":5,\"status\":\"new\",\"total\":null}\n";
const CSV: &str = "id,status,total\n4,new,5\n5,new,\n";
const XML: &str = "<?xml version=\"1.0\" ?><dfapi>\
    \n\t<resource>\n\t\t<id>4</id>\n\t\t<status>new</status>\n\t\t<total>5</total>\n\t</resource>\
    \n\t<resource>\n\t\t<id>5</id>\n\t\t<status>new</status>\n\t\t<total></total>\n\t</resource>\n</dfapi>";

fn xml(content: &str) -> String {
    format!("<?xml version=\"1.0\" ?><dfapi>{content}</dfapi>")
}

fn accepting(path: &str, accept: &str) -> Answer {
    shared().send(reading(path).header("Accept", accept))
}

/// A read that is sent as a POST, so that it may have a body.
fn tunnelled(path: &str) -> Request {
    request("POST", &format!("/api/v2/{path}")).header("X-HTTP-Method", "GET").key(READER)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn rows_come_in_the_form_that_is_accepted() {
    let check = |accept: &str, content_type: &str, body: &str| {
        let answer = accepting(ORDERS, accept);
        answer.is_ok(body);
        assert_eq!(answer.header("content-type"), content_type, "{accept}");
        assert_eq!(answer.header("vary"), "accept, accept-encoding");
        assert_eq!(answer.header("cache-control"), "no-cache, private");
    };
    check("application/json", "application/json", JSON);
    check("", "application/json", JSON);
    check("text/html, */*;q=0.8", "application/json", JSON);
    check("text/plain", "text/plain; charset=utf-8", JSON);
    check("application/x-ndjson", "application/x-ndjson", NDJSON);
    check("application/jsonl", "application/jsonl", NDJSON);
    check("text/csv", "text/csv; charset=utf-8", CSV);
    check("application/json;q=0.5, text/csv;q=0.6", "text/csv; charset=utf-8", CSV);
    check("application/xml", "application/xml", XML);
    check("text/xml", "text/xml; charset=utf-8", XML);
}

#[test]
fn a_files_extension_goes_over_the_parameter_and_that_over_the_header() {
    let check = |query: &str, body: &str| {
        accepting(&format!("{ORDERS}&{query}"), "application/xml").is_ok(body);
    };
    check("accept=text/csv", CSV);
    check("accept=", JSON);
    check("file=a.ndjson&accept=text/csv", NDJSON);
    check("file=true&accept=text/csv", CSV);
    check("file=a.pdf", XML);
    check("file=a.json", JSON);
}

#[test]
fn what_cant_be_sent_is_refused_with_what_can() {
    let answer = accepting(ORDERS, "text/html, image/*;q=0.5, application/json;q=0");
    assert_eq!((answer.status, answer.header("content-type")), (406, "application/json"));
    let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
    for name in ["application/json", "application/x-ndjson", "text/csv", "application/xml", "text/plain"] {
        assert!(message.contains(name), "{message}");
    }
    let unknown = request("GET", &format!("/api/v2/{ORDERS}")).header("Accept", "text/html");
    assert_eq!(shared().send(unknown).status, 400, "who may not ask hears that first");
}

#[test]
fn an_error_is_told_in_json_to_those_who_accept_something_else() {
    for (path, status) in [
        ("shop/_table/orders/9999", 404),
        ("shop/_table/nowhere", 404),
        ("nowhere/_table/orders", 404),
        ("shop/_table/orders?filter=nope%20%3D%201", 400),
        ("shop/_table/orders", 406),
        ("shop/_table/orders/1", 406),
    ] {
        let answer = accepting(path, "text/html");
        assert_eq!((answer.status, answer.header("content-type")), (status, "application/json"), "{path}");
        assert_eq!(answer.json()["error"]["status_code"], status, "{path}");
    }
}

#[test]
fn a_browser_is_answered_in_json() {
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let answer = accepting("shop/_table/orders?fields=id&limit=1", browser);
    answer.is_ok(r#"{"resource":[{"id":1}]}"#);
    assert_eq!(answer.header("content-type"), "application/json");
}

#[test]
fn errors_are_in_the_form_that_is_accepted_where_it_has_a_place_for_them() {
    let path = "shop/_table/a%22%3C";
    let json = r#"{"error":{"code":404,"context":null,"message":"Table &quot;a&quot;&lt;&quot; does not exist in the database.","status_code":404}}"#;
    let check = |accept: &str, content_type: &str, body: &str| {
        let answer = accepting(path, accept);
        answer.is(404, body);
        assert_eq!(answer.header("content-type"), content_type, "{accept}");
    };
    check("application/x-ndjson", "application/x-ndjson", &format!("{json}\n"));
    check("text/csv", "application/json", json);
    let message = "Table \"a\"&lt;\" does not exist in the database.";
    let error = "\n\t<error>\n\t\t<code>404</code>\n\t\t<context></context>\n\t\t<message>…</message>\n\t\t<status_code>404</status_code>\n\t</error>\n";
    check("application/xml", "application/xml", &xml(&error.replace('…', message)));
}

#[test]
fn answers_without_rows_are_converted() {
    let check = |path: &str, accept: &str, body: &str| accepting(path, accept).is_ok(body);
    check("shop/_table/orders/2?fields=id,status", "text/csv", "id,status\n2,paid\n");
    check("shop/_table/orders/2?fields=id", "application/xml", &xml("\n\t<id>2</id>\n"));
    check("shop/_table/orders?ids=2,1&fields=id", "text/csv", "id\n2\n1\n");
    check("shop/_table/orders?ids=2,1&fields=id", "application/x-ndjson", "{\"id\":2}\n{\"id\":1}\n");
    check("shop/_table/orders?count_only=true", "text/csv", "5\n");
    check("shop/_table/orders?count_only=true", "application/xml", &xml("5"));
    check("shop?as_list=true", "text/csv", "resource\n_schema\n_table\n");
    check(
        "shop",
        "application/xml",
        &xml(
            "\n\t<resource>\n\t\t<name>_schema</name>\n\t</resource>\n\t<resource>\n\t\t<name>_table</name>\n\t</resource>\n",
        ),
    );
    check("shop/_table/orders?filter=id=0", "text/csv", "");
    check("shop/_table/orders?filter=id=0", "application/x-ndjson", "");
    check("shop/_table/orders?filter=id=0", "application/xml", &xml("\n"));
    check("shop/_table/orders?as_list=true&limit=2", "text/csv", "resource\n1\n2\n");
    check("shop/_table/orders?as_list=true&limit=2", "application/x-ndjson", "1\n2\n");
    assert!(accepting("", "application/xml").body.contains("<name>mem</name>"));
    let schema = accepting("shop/_schema/orders", "text/csv").body;
    assert!(schema.lines().count() == 2 && schema.contains("orders"), "{schema}");
}

#[test]
fn every_value_keeps_its_digits_and_its_text_in_every_form() {
    let fields = "shop/_table/stored?fields=big,exact,flag,text,data,bytes,moment&ids=1";
    let csv = accepting(&fields.replace("&ids=1", "&filter=id=1"), "text/csv").body;
    let expected = "big,exact,flag,text,data,bytes,moment\n9223372036854775807,0.1,true,\
        \"\"\"quoted\"\" \\ / <b> & ünï \n\t\u{1}🐘\",\"{\"\"b\"\":[1,2.50],\"\"a\"\":null}\",AP8Q,\"2024-02-29 23:59:59\"\n";
    assert_eq!(csv, expected);
    assert_eq!(accepting(fields, "text/csv").body, expected, "converted from JSON");
    let xml = accepting(&fields.replace("&ids=1", "&filter=id=1"), "text/xml").body;
    let text = "<text>\"quoted\" \\ / &lt;b&gt; &amp; ünï \n\t\u{fffd}🐘</text>";
    assert!(xml.contains(text) && xml.contains("<big>9223372036854775807</big>"), "{xml}");
    assert_eq!(accepting(fields, "text/xml").body, xml, "converted from JSON");
}

#[test]
fn names_of_columns_are_made_tags() {
    let table = "shop/_table/odd%20%22name%22%20%281%29%2F50%25%3B%20DROP%20TABLE%20orders%20--";
    let xml = accepting(&format!("{table}?limit=1"), "application/xml").body;
    for element in
        ["<select>1</select>", "<order_date___utc_>2013-01-01<", "<naïve.größe>XL<", "<a_b___c_>x<"]
    {
        assert!(xml.contains(element), "{element}: {xml}");
    }
}

#[test]
fn what_is_known_before_the_rows_stands_in_the_head() {
    let total = |query: &str, accept: &str| {
        accepting(&format!("shop/_table/numbers?fields=n&{query}"), accept).header("x-total-count").to_owned()
    };
    for accept in ["application/json", "application/x-ndjson", "text/csv", "application/xml"] {
        assert_eq!(total("limit=2&include_count=true", accept), "25", "{accept}");
        assert_eq!(total("limit=2", accept), "", "{accept}");
    }
    accepting("shop/_table/numbers?fields=n&limit=1&include_count=true", "text/xml").is_ok(&xml(
        "\n\t<resource>\n\t\t<n>1</n>\n\t</resource>\n\t<meta>\n\t\t<count>25</count>\n\t\t<next>1</next>\n\t</meta>\n",
    ));
    assert!(accepting("shop/_table/numbers?fields=n", "text/xml").body.contains("<count>25</count>"));
    assert_eq!(accepting("shop/_table/numbers?fields=n", "text/csv").body.lines().count(), 11);
}

#[test]
fn a_file_is_an_attachment() {
    let check = |query: &str, expected: &str| {
        let answer = read(&format!("{ORDERS}&{query}"));
        assert_eq!((answer.status, answer.header("content-disposition")), (200, expected), "{query}");
    };
    check("file=true", r#"attachment; filename="_table_orders.json""#);
    check("file=1&accept=text/csv", r#"attachment; filename="_table_orders.csv""#);
    check("file=our%20orders.csv", r#"attachment; filename="our orders.csv""#);
    check(
        "file=gr%C3%B6%C3%9Fe.xml",
        r#"attachment; filename="gr__e.xml"; filename*=UTF-8''gr%C3%B6%C3%9Fe.xml"#,
    );
    check(
        "file=a%0D%0ASet-Cookie:%20b=c%22.csv",
        r#"attachment; filename="a__Set-Cookie: b=c_.csv"; filename*=UTF-8''a__Set-Cookie%3A%20b%3Dc%22.csv"#,
    );
    check("file=false", "");
    check("file=", "");
    let failed = read("shop/_table/nope?file=true");
    assert_eq!((failed.status, failed.header("content-disposition")), (404, ""));
}

#[test]
fn cells_that_look_like_formulas_are_made_harmless_when_asked() {
    let setup = shop::setup("");
    let database = rusqlite::Connection::open(setup.path("shop.sqlite")).unwrap();
    database
        .execute_batch(
            "CREATE TABLE notes (id INTEGER PRIMARY KEY, note TEXT); INSERT INTO notes VALUES (-1, '=1+1')",
        )
        .unwrap();
    let gateway = setup.start();
    let csv = |query: &str| {
        gateway.send(reading("shop/_table/notes").header("Accept", "text/csv").with("csv_safe", query))
    };
    csv("false").is_ok("id,note\n-1,=1+1\n");
    csv("true").is_ok("id,note\n-1,'=1+1\n");
}

#[test]
fn a_list_is_bare_when_asked_unless_something_stands_beside_it() {
    read("shop/_table/orders?fields=id&limit=2&wrap=false").is_ok(r#"[{"id":1},{"id":2}]"#);
    shared()
        .send(reading("shop/_table/orders?fields=id&limit=1").header("wrap", "false"))
        .is_ok(r#"[{"id":1}]"#);
    read("shop/_table/orders?fields=id&ids=1&wrap=false").is_ok(r#"[{"id":1}]"#);
    read("shop?as_list=true&wrap=false").is_ok(r#"["_schema","_table"]"#);
    read("shop/_table/orders/1?fields=id&wrap=false").is_ok(r#"{"id":1}"#);
    read("shop/_table/orders?fields=id&limit=1&include_count=true&wrap=false")
        .is_ok(r#"{"resource":[{"id":1}],"meta":{"count":5,"next":1}}"#);
    // The service's maximum cuts the first, not the second.
    assert!(
        read("shop/_table/numbers?fields=n&wrap=false").body.ends_with(r#","meta":{"count":25,"next":10}}"#)
    );
    read("shop/_table/numbers?fields=n&filter=n+gt+24&wrap=false").is_ok(r#"[{"n":25}]"#);
}

#[test]
fn the_wrapper_is_configured() {
    let gateway = shop::setup("[answers]\nresources_wrapper = \"items\"").start();
    let read = |path: &str| gateway.send(reading(path));
    read("shop?as_list=true").is_ok(r#"{"items":["_schema","_table"]}"#);
    read("shop/_table/orders?fields=id&limit=1").is_ok(r#"{"items":[{"id":1}]}"#);
    read("shop/_table/orders?fields=id&limit=1&accept=text/xml")
        .is_ok(&xml("\n\t<items>\n\t\t<id>1</id>\n\t</items>\n"));
    read("shop/_table/orders?as_list=true&limit=1&accept=text/csv").is_ok("items\n1\n");
    let gateway = shop::setup("[answers]\nalways_wrap_resources = false").start();
    gateway.send(reading("shop?as_list=true")).is_ok(r#"["_schema","_table"]"#);
    gateway.send(reading("shop?as_list=true&wrap=true")).is_ok(r#"{"resource":["_schema","_table"]}"#);
}

#[test]
fn bodies_are_read_in_every_form() {
    let check = |content_type: &str, body: &str| {
        let sent = tunnelled("shop/_table/orders").bytes(body);
        let sent = if content_type.is_empty() { sent } else { sent.header("Content-Type", content_type) };
        sent.send(shared().address).is_ok(r#"{"resource":[{"id":2}]}"#);
    };
    let json = r#"{"fields":"id","filter":"id = 2"}"#;
    check("application/json", json);
    check("application/vnd.x+json; charset=utf-8", json);
    check("", json);
    check("application/x-www-form-urlencoded", json);
    check("application/x-www-form-urlencoded", "fields=id&filter=id+%3D+2");
    check("application/x-www-form-urlencoded", "fields%5B%5D=id&ids[0]=2");
    check("application/x-www-form-urlencoded", "fields=id&filter=id+%3D+:id&params[:id]=2");
    check(
        "application/xml",
        "<request><fields>id</fields><filter>id &gt; 1</filter><limit>1</limit></request>",
    );
    check("", "<request><fields>id</fields><ids>2</ids></request>");
}

#[test]
fn a_body_that_cant_be_read_is_refused_by_name() {
    let check = |content_type: &str, body: &str, status: u16, message: &str| {
        let sent = tunnelled("shop/_table/orders").bytes(body).header("Content-Type", content_type);
        let answer = sent.send(shared().address);
        let told = answer.json()["error"]["message"].as_str().unwrap().to_owned();
        assert_eq!((answer.status, told.starts_with(message)), (status, true), "{content_type}: {told}");
    };
    check(
        "multipart/form-data; boundary=x",
        "x",
        415,
        "The body's type is not read; what is read, in UTF-8: application/json, ",
    );
    check("text/csv; charset=utf-16", "x", 415, "The body's type is not read");
    check("text/csv", "a,b\n1\n", 400, "Line 2 of the body: it has fewer cells than the 2 of the header.");
    check("application/xml", "<a>\n</b>", 400, "Line 2 of the body: it is not well-formed XML");
    check("application/xml", "<!DOCTYPE a><a/>", 400, "Line 1 of the body: a document type is not read.");
    check("application/x-ndjson", "{}\n[]", 400, "Line 2 of the body: a record must be a JSON object");
    check(
        "application/x-www-form-urlencoded",
        "a=%ff",
        400,
        "The form in the body is not percent-encoded UTF-8.",
    );
    // Nothing was sent, so nothing can be wrong with it.
    tunnelled("shop/_table/orders?count_only=1")
        .header("Content-Type", "text/html")
        .send(shared().address)
        .is_ok("5");
}

#[test]
fn a_body_may_be_compressed_and_its_limit_is_that_of_its_content() {
    let gateway = shop::setup("[server]\nmax_body_size = \"100KiB\"").start();
    let send = |body: &Json, encoding: &str| {
        let bytes = gzip(body.to_string().as_bytes());
        let sent = tunnelled("shop/_table/orders").header("Content-Type", "application/json");
        gateway.send(sent.header("Content-Encoding", encoding).bytes(bytes))
    };
    send(&json!({ "fields": "id", "ids": [2] }), "gzip").is_ok(r#"{"resource":[{"id":2}]}"#);
    let bomb = json!({ "x": "x".repeat(10_000_000) });
    send(&bomb, "gzip").is_error(413, "The body is larger than the 102400 bytes that this server accepts.");
    let message = "The body's encoding 'br' is not read; send it as it is or with 'gzip'.";
    send(&json!({}), "br").is_error(415, message);
    let broken = tunnelled("shop/_table/orders").header("Content-Encoding", "gzip").bytes("no gzip");
    gateway.send(broken).is_error(400, "The body of the request could not be read.");
}

#[test]
fn answers_are_compressed_where_that_is_accepted_and_worth_it() {
    let check = |path: &str, accept: &str, is_compressed: bool| {
        let plain = shared().send(reading(path)).body;
        let download = reading(path).header("Accept-Encoding", accept).open(shared().address);
        let encoding = download.headers.get("content-encoding").cloned();
        let (bytes, is_cut) = download.bytes();
        assert_eq!((encoding.is_some(), is_cut), (is_compressed, false), "{path} {accept}");
        let mut text = String::new();
        if is_compressed {
            assert!(bytes.len() < plain.len());
            MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
        } else {
            text = String::from_utf8(bytes).unwrap();
        }
        assert_eq!(text, plain);
    };
    check("shop/_schema/orders", "gzip", true);
    check("shop/_schema/orders", "br, gzip;q=0.5", true);
    check("shop/_schema/orders", "br", false);
    check("shop/_schema/orders", "gzip;q=0", false);
    check("shop/_table/orders?count_only=1", "gzip", false);
    let head = request("HEAD", "/api/v2/shop/_schema/orders").key(READER).header("Accept-Encoding", "gzip");
    let head = shared().send(head);
    assert_eq!((head.status, head.body.as_str()), (200, ""));
}

/// A gateway with a view that fails in its middle, after many batches of rows.
fn breaking() -> crate::gateway::Gateway {
    let setup = streaming::setup("");
    let database = rusqlite::Connection::open(setup.path("big.sqlite")).unwrap();
    let view = "CREATE VIEW breaking AS SELECT n, text, \
                CASE WHEN n = 15000 THEN abs(n - 15000 - 9223372036854775807 - 1) ELSE 0 END AS x FROM large";
    database.execute_batch(view).unwrap();
    setup.start()
}

#[test]
fn an_answer_that_fails_in_its_middle_is_cut_off() {
    let gateway = breaking();
    for accept in ["application/json", "text/csv", "application/xml", "application/x-ndjson"] {
        for encoding in ["identity", "gzip"] {
            let asked = reading("big/_table/breaking").header("Accept", accept);
            let before = gateway.log.count();
            let download = asked.header("Accept-Encoding", encoding).open(gateway.address);
            assert_eq!(download.status, 200);
            let (bytes, is_cut) = download.bytes();
            assert!(is_cut, "{accept} {encoding}: {} bytes", bytes.len());
            gateway.log.find_after(before, "an answer was cut off").unwrap();
        }
    }
    let asked = reading("big/_table/breaking").header("Accept", "application/x-ndjson");
    let (bytes, _) = asked.open(gateway.address).bytes();
    let text = String::from_utf8(bytes).unwrap();
    let last: Json = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert!(last["error"]["status_code"].as_u64().is_some(), "{last}");
    assert!(text.lines().count() > 4000, "{}", text.lines().count());
}

#[test]
fn an_answer_of_unknown_length_that_fails_is_reset_for_an_old_client() {
    let gateway = breaking();
    // Such a client takes the end of the connection for the end of the answer.
    let read = |table: &str| {
        let mut stream = TcpStream::connect(gateway.address).unwrap();
        let head = format!(
            "GET /api/v2/big/_table/{table} HTTP/1.0\r\nAccept: text/csv\r\nX-DreamFactory-API-Key: {READER}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = Vec::new();
        let end = stream.read_to_end(&mut answer).map_err(|error| error.kind());
        assert!(answer.starts_with(b"HTTP/1.0 200 OK"), "{table}");
        (end.map(|_| answer.ends_with(b"x\n")), table.to_owned())
    };
    assert_eq!(read("breaking"), (Err(ErrorKind::ConnectionReset), "breaking".to_owned()));
    assert_eq!(read("large"), (Ok(true), "large".to_owned()));
}

#[test]
fn a_compressed_answer_that_fails_still_says_why_in_ndjson() {
    let gateway = breaking();
    let asked = reading("big/_table/breaking").header("Accept", "application/x-ndjson");
    let (bytes, is_cut) = asked.header("Accept-Encoding", "gzip").open(gateway.address).bytes();
    let mut text = Vec::new();
    let end = MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut text);
    assert!(is_cut && end.is_err());
    let text = String::from_utf8(text).unwrap();
    assert!(text.lines().last().unwrap().starts_with(r#"{"error":{"code":"#), "{:?}", text.lines().last());
}
