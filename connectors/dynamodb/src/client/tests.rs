//! What is sent again when a connection breaks, with a small server in the place of the store.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value as Json, json};

use super::*;

/// Closes so many connections once it has read a request, and answers the next ones. Counts the requests.
fn store(breaks: usize) -> (Client, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let head: Vec<String> = (&mut reader)
                .lines()
                .map(std::io::Result::unwrap)
                .take_while(|line| !line.is_empty())
                .collect();
            let length = head.iter().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            reader.read_exact(&mut vec![0; length.parse().unwrap()]).unwrap();
            if count.fetch_add(1, Ordering::SeqCst) >= breaks {
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
                reader.get_mut().write_all(answer).unwrap();
            }
        }
    });
    let keys = json!({ "region": "r", "endpoint": endpoint, "key": "a", "secret": "s" });
    (Client::new(&serde_json::from_value(keys).unwrap()).unwrap(), asked)
}

fn deadline() -> Deadline {
    Deadline::after(LONGEST_CALL)
}

#[tokio::test]
async fn a_read_whose_connection_breaks_is_sent_again() {
    let (client, asked) = store(2);
    let answer: Json = client.read("Query", &json!({}), deadline()).await.unwrap();
    assert_eq!((answer, asked.load(Ordering::SeqCst)), (json!({}), 3));
}

#[tokio::test]
async fn a_store_that_breaks_every_connection_is_told() {
    let (client, asked) = store(usize::MAX);
    let error = client.read::<Json>("Query", &json!({}), deadline()).await.unwrap_err();
    assert_eq!((error.kind, asked.load(Ordering::SeqCst)), (ErrorKind::Unavailable, 3));
}

#[tokio::test]
async fn a_write_whose_connection_breaks_is_sent_once() {
    let (client, asked) = store(usize::MAX);
    let failure = client.write::<Json>("PutItem", &json!({}), deadline()).await.unwrap_err();
    assert_eq!((Error::from(failure).kind, asked.load(Ordering::SeqCst)), (ErrorKind::UnknownOutcome, 1));
}
