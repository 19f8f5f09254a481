//! How long one request may last in all, and how many a service does at once.

use std::io::Read as _;

use crate::client::request;
use crate::gateway::{Gateway, eventually};
use crate::shop::{READER, reading};
use crate::stock;
use crate::streaming::setup;
use crate::uploads::sent_without_end;

const MESSAGE: &str = "The request lasted longer than the 1s that this server allows for all of it.";

/// A gateway on which nothing stands still for too long, and everything may last one second.
fn started() -> Gateway {
    setup("[server]\nrequest_timeout = \"10m\"\nmax_request_time = \"1s\"").start()
}

/// The service has one thread; it has to be free again.
fn frees_its_service(gateway: &Gateway) {
    eventually("the only thread of the service is free again", || {
        gateway.send(reading("big/_table/large?limit=1&fields=n")).status == 200
    });
}

#[test]
fn an_answer_that_lasts_too_long_is_cut_off_and_told_in_the_log() {
    let gateway = started();
    let (_, is_cut) = reading("big/_table/endless").open(gateway.address).bytes();
    assert!(is_cut);
    let line = gateway.log.find("an answer was cut off").unwrap();
    assert!(line.contains(MESSAGE), "{line}");
    let lines = reading("big/_table/endless").header("Accept", "application/x-ndjson").open(gateway.address);
    let (lines, is_cut) = lines.bytes();
    let lines = String::from_utf8(lines).unwrap();
    assert!(is_cut && lines.lines().last().unwrap().contains(MESSAGE));
    frees_its_service(&gateway);
}

#[test]
fn a_reader_that_stops_is_given_up_when_its_request_has_lasted_too_long() {
    let gateway = started();
    let mut stopped = request("GET", "/api/v2/big/_table/endless").key(READER).send_only(gateway.address);
    stopped.read_exact(&mut [0]).unwrap();
    gateway.log.find("server.max_request_time").unwrap();
    frees_its_service(&gateway);
}

#[test]
fn an_upload_that_lasts_too_long_is_ended() {
    let notes = "[[services]]\nname = \"notes\"\ntype = \"sqlite\"\nconfig = { database = \"notes.sqlite\" }\n\
                 [server]\nrequest_timeout = \"10m\"\nmax_request_time = \"1s\"\n";
    let setup = stock::setup(notes);
    let database = rusqlite::Connection::open(setup.path("notes.sqlite")).unwrap();
    database.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, note TEXT)").unwrap();
    let answer = sent_without_end(&setup.start(), "/api/v2/notes/_table/t");
    assert!(answer.contains(MESSAGE), "{answer}");
}

#[test]
fn a_query_that_lasts_too_long_is_ended() {
    let gateway = started();
    gateway.send(reading("big/_table/endless?count_only=true")).is_error(504, MESSAGE);
    frees_its_service(&gateway);
}

#[test]
fn a_service_that_does_as_much_as_it_may_says_so() {
    let narrow = "[[services]]\nname = \"narrow\"\ntype = \"sqlite\"\n[services.config]\ndatabase = \"big.sqlite\"\n\
                  threads = 4\nmax_in_flight = 1\nmax_wait = \"10ms\"\n";
    let gateway = setup(&format!("{narrow}[server]\nrequest_timeout = \"10m\"")).start();
    let one = || reading("narrow/_table/large?limit=1&fields=n");
    gateway.send(one()).is_ok(r#"{"resource":[{"n":10000}]}"#);
    let mut running = reading("narrow/_table/endless").open(gateway.address);
    assert!(running.piece().is_some());
    let refused = gateway.send(one());
    assert_eq!((refused.status, refused.header("retry-after")), (503, "1"), "{}", refused.body);
    assert_eq!(refused.json()["error"]["message"], "Service 'narrow': 1 calls are running already");
    gateway.send(reading("big/_table/large?limit=1&fields=n")).is_ok(r#"{"resource":[{"n":10000}]}"#);
    drop(running);
    eventually("its turn is over", || gateway.send(one()).status == 200);
}
