//! Records that are sent in every form: what they become, how mistakes are named, and that a long run of them is not held in memory.

use std::fmt::Write as _;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::client::{Answer, Request, request};
use crate::stock::{self, SERVICES, Stock, UNTOUCHED, WRITER};
use crate::streaming::{ALLOWED_KIB, memory_kib};

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

/// More bytes of records than the gateway may hold.
fn many() -> (usize, Vec<u8>) {
    const ROWS: usize = 24_000;
    let text = "x".repeat(4000);
    let mut body = String::new();
    for number in 0..ROWS {
        writeln!(body, r#"{{"name":"n{number}","state":"{text}"}}"#).unwrap();
    }
    (ROWS, body.into_bytes())
}

#[test]
fn a_long_run_of_records_does_not_pass_through_memory() {
    let gateway = stock::setup("[server]\nmax_body_size = \"64KiB\"").start();
    let (rows, body) = many();
    assert!(body.len() > 90_000_000);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&body).unwrap();
    let compressed = encoder.finish().unwrap();
    let at_rest = memory_kib(&gateway, "VmHWM");
    let check = |request: Request, stock: &Stock| {
        let answer = gateway.send(request);
        assert_eq!(answer.status, 200, "{}", answer.body);
        let counted = request_count(stock).send(gateway.address);
        counted.is_ok(&(rows + 3).to_string());
        let most = memory_kib(&gateway, "VmHWM");
        assert!(most < at_rest + ALLOWED_KIB, "{at_rest} KiB at rest, then up to {most} KiB");
    };
    let (plain, packed) = (Stock::new(), Stock::new());
    check(sending(&plain, "shop", "POST", NDJSON).bytes(body), &plain);
    let request = sending(&packed, "shop", "POST", NDJSON).header("Content-Encoding", "gzip");
    check(request.bytes(compressed), &packed);
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
