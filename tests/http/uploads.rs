//! Records that are sent in every form: what they become, how mistakes are named, and that a long run of them is not held in memory.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Instant;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::client::{Answer, LIMIT, Request, request};
use crate::gateway::{Gateway, eventually};
use crate::stock::{self, SERVICES, Stock, UNTOUCHED, WRITER};
use crate::streaming::{LARGE_BODY, memory_kib, stays_small};

const NDJSON: &str = "application/x-ndjson";

fn sent(stock: &Stock, service: &str, verb: &str, content_type: &str, body: &str) -> Answer {
    stock::shared().send(sending(stock, service, verb, content_type).bytes(body))
}

fn sending(stock: &Stock, service: &str, verb: &str, content_type: &str) -> Request {
    request(verb, &stock.path(service, "")).key(WRITER).header("Content-Type", content_type)
}

#[test]
fn records_of_every_form_are_created() {
    let check = |content_type: &str, body: &str| {
        let stock = Stock::new();
        for service in SERVICES {
            let answer = sent(&stock, service, "POST", content_type, body);
            assert!(
                answer.body.starts_with(r#"{"resource":[{"id":4},{"id":5}]"#),
                "{content_type}: {}",
                answer.body
            );
            assert_eq!(
                stock.rows(service),
                format!("{UNTOUCHED}|4 d e old 4 7|5 f new - 8"),
                "{content_type}"
            );
        }
    };
    check("text/csv", "\u{feff}name,state,qty,owner\r\n\"d e\",old,4,7\r\n\r\nf,new,,8\r\n");
    check(
        NDJSON,
        "{\"name\":\"d e\",\"state\":\"old\",\"qty\":4,\"owner\":7}\n\n{\"name\":\"f\",\"owner\":8}",
    );
    check(
        "application/xml",
        "<all><resource><name>d e</name><state>old</state><qty>4</qty><owner>7</owner></resource>\
         <resource><name>f</name><owner>8</owner></resource></all>",
    );
}

#[test]
fn records_of_a_stream_change_rows() {
    let stock = Stock::new();
    for service in SERVICES {
        assert_eq!(sent(&stock, service, "PATCH", "text/csv", "id,qty\n1,10\n3,30\n").status, 200);
        assert_eq!(stock.rows(service), "1 a new 10 7|2 b new 2 7|3 c old 30 8");
    }
}

#[test]
fn a_record_that_cant_be_read_is_named_with_its_line() {
    let check = |content_type: &str, body: &str, message: &str| {
        let stock = Stock::new();
        for service in SERVICES {
            let answer = sent(&stock, service, "POST", content_type, body);
            assert_eq!(
                (answer.status, answer.body.contains(message)),
                (400, true),
                "{message}: {}",
                answer.body
            );
        }
    };
    check(
        "text/csv",
        "name,qty\nd,1\ne\n",
        "Line 3 of the body: it has fewer cells than the 2 of the header.",
    );
    check("text/csv", "name,name\nd,1\n", "Line 1 of the body: the header names 'name' twice.");
    check(NDJSON, "{\"name\":\"d\"}\n{\"name\":\n", "Invalid or malformed JSON at line 2, column 8.");
}

#[test]
fn with_continue_a_line_that_cant_be_read_is_a_record_that_failed() {
    let check = |content_type: &str, body: &str, message: &str| {
        let stock = Stock::new();
        for service in SERVICES {
            let path = stock.path(service, "?continue=true");
            let request = request("POST", &path).key(WRITER).header("Content-Type", content_type);
            let answer = stock::shared().send(request.bytes(body)).json();
            let context = &answer["error"]["context"];
            assert_eq!(context["error"], serde_json::json!([1]), "{service} {content_type}: {answer}");
            assert_eq!(context["resource"][0]["id"], 4, "{service} {content_type}");
            assert_eq!(context["resource"][1]["message"], message, "{service} {content_type}");
            assert_eq!(context["resource"][2]["id"], 5, "{service} {content_type}");
            assert_eq!(stock.rows(service), format!("{UNTOUCHED}|4 d new 1 -|5 f new 3 -"), "{content_type}");
        }
    };
    let ragged = "Line 3 of the body: it has fewer cells than the 2 of the header.";
    check("text/csv", "name,qty\nd,1\ne\nf,3\n", ragged);
    let body = "{\"name\":\"d\",\"qty\":1}\n{\"name\":\n{\"name\":\"f\",\"qty\":3}\n";
    check(NDJSON, body, "Invalid or malformed JSON at line 2, column 8.");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn all_members_of_a_compressed_body_are_read_and_nothing_may_stand_behind_them() {
    let (stock, refused) = (Stock::new(), Stock::new());
    let members = [gzip(b"{\"name\":\"d\"}\n{\"name\":\"e\"}\n"), gzip(b"{\"name\":\"f\"}\n")].concat();
    let send = |stock: &Stock, service, body: Vec<u8>| {
        let request = sending(stock, service, "POST", NDJSON).header("Content-Encoding", "gzip");
        stock::shared().send(request.bytes(body))
    };
    for service in SERVICES {
        let whole = send(&stock, service, members.clone());
        whole.is_ok(r#"{"resource":[{"id":4},{"id":5},{"id":6}]}"#);
        let more = [members.as_slice(), b"garbage behind"].concat();
        let answer = send(&refused, service, more);
        let message = "The body of the request could not be read.";
        assert!(answer.status == 400 && answer.body.contains(message), "{service}: {}", answer.body);
    }
}

/// So many records of four kilobytes each.
fn records(count: usize, head: &str, record: impl Fn(usize, &str) -> String) -> Vec<u8> {
    let text = "x".repeat(4000);
    let mut body = String::from(head);
    for number in 0..count {
        body.push_str(&record(number, &text));
    }
    body.into_bytes()
}

fn ndjson(number: usize, text: &str) -> String {
    format!("{{\"name\":\"n{number}\",\"state\":\"{text}\"}}\n")
}

fn csv(number: usize, text: &str) -> String {
    format!("n{number},{text}\n")
}

#[test]
fn a_long_run_of_records_does_not_pass_through_memory() {
    const RECORDS: usize = 50_000;
    let gateway = stock::setup("[server]\nmax_body_size = \"64KiB\"").start();
    let at_rest = memory_kib(&gateway, "VmRSS");
    let check = |form: &str, request: Request, stock: &Stock, records: usize| {
        let answer = gateway.send(request);
        assert_eq!(answer.status, 200, "{}", answer.body);
        let counted = request_count(stock).send(gateway.address);
        counted.is_ok(&(records + 3).to_string());
        stays_small(&gateway, at_rest, &format!("{records} records of {form} in"));
    };
    for (form, body) in
        [(NDJSON, records(RECORDS, "", ndjson)), ("text/csv", records(RECORDS, "name,state\n", csv))]
    {
        assert!(body.len() > LARGE_BODY, "{form}");
        let stock = Stock::new();
        check(form, sending(&stock, "shop", "POST", form).bytes(body), &stock, RECORDS);
    }
    let body = gzip(&records(RECORDS / 2, "", ndjson));
    let stock = Stock::new();
    let request = sending(&stock, "shop", "POST", NDJSON).header("Content-Encoding", "gzip");
    check("compressed NDJSON", request.bytes(body), &stock, RECORDS / 2);
}

fn request_count(stock: &Stock) -> Request {
    request("GET", &stock.path("shop", "?count_only=true")).key(WRITER)
}

#[test]
fn a_stream_has_a_limit_of_its_own() {
    let gateway = stock::setup("[server]\nmax_stream_size = \"1KiB\"\nmax_body_size = \"100B\"").start();
    let stock = Stock::new();
    let send = |body: String| gateway.send(sending(&stock, "shop", "POST", "text/csv").bytes(body));
    let lines = |count: usize| (0..count).map(|n| format!("name{n:06}\n")).collect::<String>();
    assert_eq!(send(format!("name\n{}", lines(90))).status, 200);
    let long = send(format!("name\n{}\n", "x".repeat(200)));
    let message = "Line 2 of the body: the record is larger than the 100 bytes that this server accepts.";
    assert!(long.body.contains(message), "{}", long.body);
    let much = send(format!("name\n{}", lines(100)));
    assert!(
        much.body.contains("The body is larger than the 1024 bytes that this server accepts."),
        "{}",
        much.body
    );
}

/// Sends records one by one until the answer is there, and gives it.
pub(crate) fn sent_without_end(gateway: &Gateway, path: &str) -> String {
    let mut stream = TcpStream::connect(gateway.address).unwrap();
    let mut reader = stream.try_clone().unwrap();
    let answer = std::thread::spawn(move || {
        let (mut answer, mut piece) = (String::new(), [0; 4096]);
        while !answer.contains("status_code") {
            match reader.read(&mut piece) {
                Ok(0) | Err(_) => break,
                Ok(size) => answer.push_str(&String::from_utf8_lossy(&piece[..size])),
            }
        }
        answer
    });
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nX-DreamFactory-API-Key: {WRITER}\r\nContent-Type: {NDJSON}\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let record = format!("{{\"note\":\"{}\"}}\n", "x".repeat(1000));
    let chunk = format!("{:x}\r\n{record}\r\n", record.len());
    let began = Instant::now();
    // Once it has answered, it may take no more.
    while !answer.is_finished() && stream.write_all(chunk.as_bytes()).is_ok() {
        assert!(began.elapsed() < LIMIT, "an upload without end goes on");
    }
    answer.join().unwrap()
}

#[test]
fn an_upload_that_brings_too_little_is_ended() {
    let gateway = stock::setup("[server]\nrequest_timeout = \"1s\"").start();
    let mut stream = TcpStream::connect(gateway.address).unwrap();
    let path = Stock::new().path("shop", "");
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nX-DreamFactory-API-Key: {WRITER}\r\nContent-Type: {NDJSON}\r\nContent-Length: 1000000\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.set_nonblocking(true).unwrap();
    let (mut answer, mut piece) = (String::new(), [0; 4096]);
    eventually("the gateway answers before all has come", || {
        // Once it has answered, it may take no more.
        let _ = stream.write(b" ");
        let size = stream.read(&mut piece).unwrap_or(0);
        answer.push_str(&String::from_utf8_lossy(&piece[..size]));
        answer.contains("status_code")
    });
    assert!(answer.starts_with("HTTP/1.1 504 "), "{answer}");
}

#[test]
fn an_upload_without_end_holds_the_writer_no_longer_than_a_transaction_may_live() {
    let service = "[[services]]\nname = \"brief\"\ntype = \"sqlite\"\n\
                   config = { database = \"brief.sqlite\", busy_timeout = \"1m\", session_lifetime = \"200ms\" }\n";
    let setup = stock::setup(service);
    let database = rusqlite::Connection::open(setup.path("brief.sqlite")).unwrap();
    database.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, note TEXT)").unwrap();
    let gateway = setup.start();
    let path = "/api/v2/brief/_table/t";
    let answer = sent_without_end(&gateway, &format!("{path}?rollback=true"));
    assert!(answer.contains("the session is over"), "{answer}");
    gateway.send(request("GET", &format!("{path}?count_only=true")).key(WRITER)).is_ok("0");
    let one = request("POST", path).key(WRITER).body(r#"[{"note":"a"}]"#);
    gateway.send(one).is_ok(r#"{"resource":[{"id":1}]}"#);
}
