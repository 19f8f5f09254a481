//! Clients that mean harm before they have sent a request: heads without end, connections without number. Others are served meanwhile.
//! Readers that read too little are in `streaming`, uploads that bring too little in `uploads`, requests that ask for too much in `bounds`.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value as Json;

use crate::client::{LIMIT, RUNTIME, get, request};
use crate::gateway::{Gateway, eventually};
use crate::shop::{READER, reading, setup, shared};
use crate::streaming::{memory_kib, stays_small};

/// Bytes of a head that nobody should hold.
const FLOOD: usize = 64 * 1024 * 1024;

fn connected(gateway: &Gateway) -> TcpStream {
    let stream = TcpStream::connect(gateway.address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream
}

/// The same from another address of this machine.
fn connected_from(address: [u8; 4], gateway: &Gateway) -> TcpStream {
    RUNTIME.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from((Ipv4Addr::from(address), 0))).unwrap();
        let stream = socket.connect(gateway.address).await.unwrap().into_std().unwrap();
        stream.set_nonblocking(false).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream
    })
}

/// All that comes until the connection ends, in whichever way.
fn last_words(stream: &mut TcpStream) -> String {
    let (mut words, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut piece) {
            Ok(size) if size > 0 => words.extend_from_slice(&piece[..size]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("the connection does not end"),
            _ => return String::from_utf8(words).unwrap(),
        }
    }
}

/// Whether what is asked on this connection is answered.
fn is_served(mut stream: TcpStream) -> bool {
    // Whoever is turned away may be so before this is sent.
    let _ = stream.write(b"GET /health HTTP/1.1\r\nConnection: close\r\nHost: x\r\n\r\n");
    last_words(&mut stream).starts_with("HTTP/1.1 200 ")
}

/// The answer is this error of the interface, and says that it is the last.
#[track_caller]
fn check(words: &str, status: u16, message: &str) {
    let (head, body) = words.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {words:?}"));
    assert!(head.starts_with(&format!("HTTP/1.1 {status} ")) && head.contains("connection: close"), "{head}");
    assert!(head.contains(&format!("content-length: {}", body.len())), "{words}");
    let answer: Json = serde_json::from_str(body).unwrap();
    let expected =
        serde_json::json!({ "code": status, "context": null, "message": message, "status_code": status });
    assert_eq!(answer["error"], expected);
}

#[track_caller]
fn is_well(gateway: &Gateway) {
    gateway.send(reading("shop/_table/orders?count_only=1")).is_ok("5");
}

/// Sends the beginning and then this again and again, until the gateway takes no more.
fn floods(gateway: &Gateway, beginning: &str, piece: &str) -> String {
    let mut stream = connected(gateway);
    let many = piece.repeat(64 * 1024 / piece.len());
    let mut sent = stream.write(beginning.as_bytes()).unwrap();
    while let Ok(size) = stream.write(many.as_bytes()) {
        sent += size;
        assert!(sent < FLOOD, "a head without end is read");
    }
    last_words(&mut stream)
}

const LONG_ADDRESS: &str = "The address of the request is longer than the 32768 bytes that this server accepts. Send a read as POST \
                            with the header X-HTTP-Method: GET and its parameters in the body.";
const LARGE_HEAD: &str = "The head of the request is larger than the 65536 bytes that this server accepts, or has more than 100 headers.";
const NO_REQUEST: &str = "This is no request of HTTP/1.1. Spaces, quotes, angle brackets and the like must be percent-encoded in an \
                          address.";

#[test]
fn a_head_without_end_is_refused_with_its_limit() {
    let gateway = setup("").start();
    is_well(&gateway);
    let at_rest = memory_kib(&gateway, "VmRSS");
    let lines = "a: b\r\n";
    for (beginning, piece, status, message) in [
        ("GET /", "x", 414, LONG_ADDRESS),
        ("GET / HTTP/1.1\r\nX-Long: ", "x", 431, LARGE_HEAD),
        ("GET / HTTP/1.1\r\n", lines, 431, LARGE_HEAD),
        ("", "x", 414, LONG_ADDRESS),
    ] {
        check(&floods(&gateway, beginning, piece), status, message);
        is_well(&gateway);
    }
    stays_small(&gateway, at_rest, "heads without end");
}

#[test]
fn what_is_no_request_is_told_so() {
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(65_535));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(101));
    for (bytes, status, message) in [
        ("GET /api/v2/shop?filter=a<b HTTP/1.1\r\n\r\n", 400, NO_REQUEST),
        ("\x16\x03\x01 this is TLS", 400, NO_REQUEST),
        ("GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400, NO_REQUEST),
        ("GET / HTTP/3.0\r\n\r\n", 400, NO_REQUEST),
        (long.as_str(), 414, LONG_ADDRESS),
        (many.as_str(), 431, LARGE_HEAD),
    ] {
        let mut stream = connected(shared());
        stream.write_all(bytes.as_bytes()).unwrap();
        check(&last_words(&mut stream), status, message);
    }
}

#[test]
fn after_a_request_what_is_none_is_told_so_too() {
    let mut stream = connected(shared());
    let mut piece = [0; 4096];
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut answer = String::new();
    while !answer.ends_with("}") {
        let size = stream.read(&mut piece).unwrap();
        answer.push_str(std::str::from_utf8(&piece[..size]).unwrap());
    }
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    stream.write_all(b"GET /<> HTTP/1.1\r\n\r\n").unwrap();
    check(&last_words(&mut stream), 400, NO_REQUEST);
}

#[test]
fn a_head_that_is_too_large_is_told_what_is_large_and_the_connection_goes_on() {
    let gateway = setup("[server]\nmax_uri_size = \"1KiB\"\nmax_header_size = \"2KiB\"").start();
    let padded = |size: usize| reading("shop/_table/orders?count_only=1").with("pad", "x".repeat(size));
    gateway.send(padded(900)).is_ok("5");
    let message = LONG_ADDRESS.replace("32768", "1024");
    gateway.send(padded(1000)).is_error(414, &message);
    let headed = |size: usize| reading("shop/_table/orders?count_only=1").header("X-Pad", "x".repeat(size));
    gateway.send(headed(1500)).is_ok("5");
    let message = "The head of the request is larger than the 2048 bytes that this server accepts; its largest header is x-pad.";
    gateway.send(headed(2048)).is_error(431, message);
    gateway.send(get("/health").header("X-Pad", "x".repeat(2048))).is_error(431, message);
    let mut stream = connected(&gateway);
    let ask = |pad: usize| format!("GET /api/v2 HTTP/1.1\r\nX-Pad: {}\r\n\r\n", "x".repeat(pad));
    let both = ask(2048) + &ask(0).replace("X-Pad: ", "Connection: close");
    stream.write_all(both.as_bytes()).unwrap();
    let words = last_words(&mut stream);
    assert!(words.starts_with("HTTP/1.1 431 ") && words.contains("HTTP/1.1 200 "), "{words}");
}

#[test]
fn a_head_that_does_not_arrive_is_not_waited_for() {
    let gateway = setup("[server]\nheader_timeout = \"1s\"\nrequest_timeout = \"10m\"").start();
    let [mut silent, mut halfway, mut idle] = [(); 3].map(|()| connected(&gateway));
    halfway.write_all(b"GET / HT").unwrap();
    idle.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert!(last_words(&mut idle).starts_with("HTTP/1.1 200 "));
    assert_eq!((last_words(&mut silent).as_str(), last_words(&mut halfway).as_str()), ("", ""));
    let mut slow = connected(&gateway);
    slow.write_all(b"GET / HTTP/1.1\r\nX-Slow: ").unwrap();
    eventually("a head that comes byte by byte is given up", || slow.write(b"x").is_err());
}

#[test]
fn a_connection_that_is_half_closed_is_closed() {
    for beginning in [
        "",
        "GET / HTTP/1.1\r\nHost",
        "POST /api/v2/shop/_table/orders HTTP/1.1\r\nContent-Length: 100\r\n\r\n{",
    ] {
        let mut stream = connected(shared());
        stream.write_all(beginning.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let words = last_words(&mut stream);
        assert!(words.is_empty() || words.starts_with("HTTP/1.1 400 "), "{words}");
    }
}

#[test]
fn one_address_has_so_many_connections_and_others_are_served() {
    let limits = "[server]\nheader_timeout = \"10m\"\nmax_connections_per_address = 3";
    let gateway = setup(limits).start();
    let mut held: Vec<_> = (0..3).map(|_| connected_from([127, 0, 0, 2], &gateway)).collect();
    let message = "There are 3 connections from this address, and this server accepts no more; close some, or send several requests \
                   over one.";
    for _ in 0..100 {
        let words = last_words(&mut connected_from([127, 0, 0, 2], &gateway));
        check(&words, 429, message);
        assert!(words.contains("retry-after: 1\r\n"), "{words}");
    }
    for _ in 0..20 {
        let mut late = connected_from([127, 0, 0, 2], &gateway);
        // It is turned away before it has sent anything.
        late.peek(&mut [0]).unwrap();
        late.write_all(b"POST /api/v2/shop/_table/orders HTTP/1.1\r\nContent-Length: 2\r\n\r\n").unwrap();
        late.write_all(b"{}").unwrap();
        check(&last_words(&mut late), 429, message);
    }
    is_well(&gateway);
    held.clear();
    eventually("there is a place again", || is_served(connected_from([127, 0, 0, 2], &gateway)));
}

#[test]
fn limits_of_a_reload_count_for_the_next_connection() {
    let limit = |most: u32| format!("max_connections_per_address = {most}\n");
    let gateway = setup(&format!("[server]\n{}", limit(1))).start();
    let served = || is_served(connected_from([127, 0, 0, 2], &gateway));
    let _held = connected_from([127, 0, 0, 2], &gateway);
    assert!(!served());
    let config = std::fs::read_to_string(gateway.setup.path("gateway.toml")).unwrap();
    gateway.setup.write("gateway.toml", &config.replace(&limit(1), &limit(2)));
    gateway.signal("HUP");
    gateway.log.find("the configuration was loaded again").unwrap();
    assert!(served());
}

#[test]
fn trusted_proxies_have_any_number_of_connections() {
    let limits = "[server]\nheader_timeout = \"10m\"\nmax_connections_per_address = 3\ntrusted_proxies = [\"127.0.0.2/31\"]";
    let gateway = setup(limits).start();
    let held: Vec<_> = (0..50).map(|_| connected_from([127, 0, 0, 2], &gateway)).collect();
    assert!(held.into_iter().all(is_served));
}

#[test]
fn while_all_connections_are_in_use_clients_wait() {
    let limits = "[server]\nheader_timeout = \"10m\"\nmax_connections = 3";
    let gateway = setup(limits).start();
    let mut held: Vec<_> = (0..3).map(|_| connected(&gateway)).collect();
    gateway.log.find("server.max_connections").unwrap();
    let waiting = connected(&gateway);
    held.pop();
    assert!(is_served(waiting));
}

#[test]
fn idle_connections_keep_nobody_out_for_long() {
    let gateway = setup("[server]\nheader_timeout = \"1s\"\nmax_connections = 20").start();
    let _held: Vec<_> = (0..100).map(|_| connected(&gateway)).collect();
    is_well(&gateway);
}

#[test]
fn requests_without_a_reader_are_not_answered_without_bound() {
    let gateway = setup("[server]\nrequest_timeout = \"10m\"").start();
    is_well(&gateway);
    let at_rest = memory_kib(&gateway, "VmRSS");
    let ask = format!(
        "GET /api/v2/shop/_table/numbers HTTP/1.1\r\nHost: x\r\nX-DreamFactory-API-Key: {READER}\r\n\r\n"
    );
    let many = ask.repeat(100);
    let held: Vec<TcpStream> = (0..8)
        .map(|_| {
            let mut stream = connected(&gateway);
            stream.set_nonblocking(true).unwrap();
            let mut sent = 0;
            while let Ok(size) = stream.write(many.as_bytes()) {
                sent += size;
                assert!(sent < FLOOD, "requests are taken without end");
            }
            stream
        })
        .collect();
    for _ in 0..20 {
        is_well(&gateway);
    }
    drop(held);
    stays_small(&gateway, at_rest, "requests without a reader");
}

#[test]
fn bodies_that_grow_are_held_to_their_limit() {
    let gateway = setup("[server]\nmax_body_size = \"1MiB\"").start();
    is_well(&gateway);
    let at_rest = memory_kib(&gateway, "VmRSS");
    let mut bomb = GzEncoder::new(Vec::new(), Compression::fast());
    for _ in 0..200 {
        bomb.write_all(&vec![b' '; 1_000_000]).unwrap();
    }
    let read = || request("POST", "/api/v2/shop/_table/orders").header("X-HTTP-Method", "GET").key(READER);
    let message = "The body is larger than the 1048576 bytes that this server accepts.";
    let bomb = bomb.finish().unwrap();
    gateway.send(read().header("Content-Encoding", "gzip").bytes(bomb)).is_error(413, message);
    let head = format!(
        "POST /api/v2/shop/_table/orders HTTP/1.1\r\nX-HTTP-Method: GET\r\nX-DreamFactory-API-Key: {READER}\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    // Chunks of one byte, a size that no number holds, an extension and trailers without end.
    for (beginning, piece) in
        [("", "1\r\n \r\n"), ("fffffffffffffffff\r\n", " "), ("1;", "x"), ("0\r\n", "a: b\r\n")]
    {
        let words = floods(&gateway, &format!("{head}{beginning}"), piece);
        assert!(words.is_empty() || words.starts_with("HTTP/1.1 4"), "{words}");
        is_well(&gateway);
    }
    stays_small(&gateway, at_rest, "bodies that grow");
}
