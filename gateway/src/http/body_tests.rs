//! Bodies in every form, whole and in pieces, within limits and beyond.

use futures_util::StreamExt;
use futures_util::stream;

use super::*;

const LIMITS: Limits = Limits { document: 100, stream: Some(1000) };

fn body(pieces: &[&[u8]]) -> Body {
    let pieces: Vec<Result<Bytes, std::io::Error>> =
        pieces.iter().map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    Body::from_stream(stream::iter(pieces))
}

fn table(content_type: Option<&str>) -> Announced<'_> {
    Announced { content_type, encoding: None, takes_records: true }
}

fn single(content_type: Option<&str>) -> Announced<'_> {
    Announced { takes_records: false, ..table(content_type) }
}

/// The document, or the records as a list, or the error's message; nothing for no body.
async fn outcome(announced: Announced<'_>, pieces: &[&[u8]]) -> String {
    match read(body(pieces), announced, LIMITS, Progress::new()).await {
        Ok(Payload::None) => String::new(),
        Ok(Payload::Document(_, document)) => document.to_string(),
        Ok(Payload::Records(_, mut records)) => {
            let mut list = Vec::new();
            while let Some(record) = records.next().await {
                list.push(
                    record.map_or_else(|error| error.message, |record| Json::Object(record).to_string()),
                );
            }
            list.join(" ")
        }
        Err(error) => error.message,
    }
}

#[tokio::test]
async fn a_body_is_read_as_its_type_says_or_as_it_looks() {
    let check = async |content_type: Option<&str>, body: &str, expected: &str| {
        assert_eq!(
            outcome(single(content_type), &[body.as_bytes()]).await,
            expected,
            "{content_type:?} {body}"
        );
    };
    check(Some("application/json"), r#"{"a":1}"#, r#"{"a":1}"#).await;
    check(Some("text/csv"), "a\n1", r#"{"resource":[{"a":"1"}]}"#).await;
    check(Some("application/xml"), "<r><a>1</a></r>", r#"{"a":"1"}"#).await;
    check(Some("application/x-www-form-urlencoded"), "a=1", r#"{"a":"1"}"#).await;
    check(Some("application/x-www-form-urlencoded"), r#" {"a":1}"#, r#"{"a":1}"#).await;
    check(None, " \n[1]", "[1]").await;
    check(None, "\u{feff}{\"a\":1}", r#"{"a":1}"#).await;
    check(None, "<r><a>1</a></r>", r#"{"a":"1"}"#).await;
    check(Some(""), "a\n1", r#"{"resource":[{"a":"1"}]}"#).await;
    check(Some("text/html"), "", "").await;
    check(Some("application/json"), "id=1", "Invalid or malformed JSON at line 1, column 1.").await;
    let refused = outcome(single(Some("text/html")), &[b"x"]).await;
    assert!(refused.contains("application/json, ") && refused.contains("text/csv"), "{refused}");
}

#[tokio::test]
async fn records_into_a_table_come_one_by_one() {
    let check = async |content_type: Option<&str>, pieces: &[&[u8]], expected: &str| {
        assert_eq!(outcome(table(content_type), pieces).await, expected);
    };
    let records = r#"{"a":"1"} {"a":"2"}"#;
    check(Some("text/csv"), &[b"\xef", b"\xbb\xbf", b"a\r", b"\n1\n", b"", b"2"], records).await;
    check(None, &[b"\n", b"a\n1\n2"], records).await;
    check(Some("application/x-ndjson"), &[b"{\"a\":", b"\"1\"}\n{\"a\":\"2\"}"], records).await;
    check(Some("application/json"), &[b"[{\"a\":\"1\"}", b"]"], r#"[{"a":"1"}]"#).await;
    let wrong: &[&[u8]] = &[b"{\"a\":1}\n", b"x\n{}"];
    let named = r#"{"a":1} Invalid or malformed JSON at line 2, column 1. {}"#;
    check(Some("application/jsonl"), wrong, named).await;
    let ended = "Line 1 of the body: the header names 'a' twice.";
    check(Some("text/csv"), &[b"a,a\n1,2\n3,4\n"], ended).await;
}

#[tokio::test]
async fn each_limit_has_its_own_refusal() {
    let line = format!("{{\"a\":\"{}\"}}\n", "x".repeat(80));
    let long = line.repeat(12);
    let pieces: Vec<&[u8]> = long.as_bytes().chunks(50).collect();
    let document = outcome(single(Some("application/x-ndjson")), &pieces).await;
    assert_eq!(document, "The body is larger than the 100 bytes that this server accepts.");
    let stream = outcome(table(Some("application/x-ndjson")), &pieces).await;
    assert!(stream.ends_with("The body is larger than the 1000 bytes that this server accepts."), "{stream}");
    assert_eq!(stream.matches("{\"a\"").count(), 11);
    let record = outcome(table(Some("text/csv")), &[b"a\n", "x".repeat(101).as_bytes()]).await;
    assert_eq!(
        record,
        "Line 2 of the body: the record is larger than the 100 bytes that this server accepts."
    );
    let blank = outcome(table(None), &[b" ".repeat(60).as_slice(), b" ".repeat(60).as_slice()]).await;
    assert_eq!(blank, document);
}

#[tokio::test]
async fn only_gzip_is_undone() {
    let announced = Announced { encoding: Some("br"), ..single(Some("application/json")) };
    let message = outcome(announced, &[b"{}"]).await;
    assert_eq!(message, "The body's encoding 'br' is not read; send it as it is or with 'gzip'.");
    let identity = Announced { encoding: Some("Identity"), ..single(Some("application/json")) };
    assert_eq!(outcome(identity, &[b"{}"]).await, "{}");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error() {
    let pieces = [Ok(Bytes::from("a\n1\n2")), Err(std::io::Error::other("reset"))];
    let body = Body::from_stream(stream::iter(pieces));
    let Ok(Payload::Records(_, mut records)) =
        read(body, table(Some("text/csv")), LIMITS, Progress::new()).await
    else {
        panic!("no records");
    };
    assert_eq!(records.next().await.unwrap().unwrap()["a"], "1");
    assert_eq!(records.next().await.unwrap(), Err(ApiError::broken_body()));
    assert!(records.next().await.is_none());
}
