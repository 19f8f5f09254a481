//! Where credentials come from, in which order, and how often; with a small server in the place of those that lend them.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};

use super::*;

/// Answers each request with the next line of its script: status and body. Remembers what was asked.
struct Server {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn new(script: &[(u16, &str)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let script: Vec<_> = script.iter().map(|(status, body)| (*status, (*body).to_owned())).collect();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let log = Arc::clone(&asked);
        std::thread::spawn(move || {
            for (status, body) in script {
                let (mut stream, _) = listener.accept().unwrap();
                log.lock().unwrap().push(asked_on(&stream));
                let length = body.len();
                let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\nconnection: close");
                stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).unwrap();
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// The first line of the request, and behind it the headers that matter.
fn asked_on(stream: &TcpStream) -> String {
    let lines = BufReader::new(stream).lines().map(std::io::Result::unwrap);
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let is_of_interest = |line: &&String| {
        let line = line.to_ascii_lowercase();
        line.starts_with("authorization") || line.starts_with("x-aws-ec2-metadata-token")
    };
    let headers = head.iter().filter(is_of_interest).cloned().collect::<Vec<_>>();
    [&[head[0].trim_end_matches(" HTTP/1.1").to_owned()][..], &headers].concat().join(" | ")
}

/// What a place answers: credentials that run out so many seconds from now.
fn credentials(key: &str, seconds: i64) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let until = connector_api::author::Timestamp { seconds: i64::try_from(now).unwrap() + seconds, nanos: 0 };
    let until = until.to_string().replace(' ', "T");
    format!(
        r#"{{"Code":"Success","AccessKeyId":"{key}","SecretAccessKey":"hunter2","Token":"t","Expiration":"{until}Z"}}"#
    )
}

fn found(config: &str, environment: &[(&str, &str)]) -> Result<Provider> {
    let config: Config = serde_json::from_str(config).unwrap();
    let variable = |name: &str| {
        environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    };
    Provider::find(&config, &variable)
}

fn lent(environment: &[(&str, &str)]) -> Provider {
    found(r#"{"region": "r"}"#, environment).unwrap()
}

async fn key(provider: &Provider) -> String {
    provider.get().await.unwrap().key.clone()
}

async fn refusal(provider: &Provider) -> Error {
    provider.get().await.err().unwrap()
}

const CONTAINER: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const METADATA: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";

#[tokio::test]
async fn the_configuration_goes_before_the_environment() {
    let environment =
        [("AWS_ACCESS_KEY_ID", "e"), ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_SESSION_TOKEN", "t")];
    let given = |provider: Result<Provider>| async move {
        let credentials = provider.unwrap().get().await.unwrap();
        (credentials.key.clone(), credentials.token.clone())
    };
    let configured = r#"{"region": "r", "key": "c", "secret": "s"}"#;
    assert_eq!(given(found(configured, &environment)).await, ("c".to_owned(), None));
    let only_region = r#"{"region": "r"}"#;
    assert_eq!(given(found(only_region, &environment)).await, ("e".to_owned(), Some("t".to_owned())));
}

#[test]
fn a_container_goes_before_its_machine_and_a_machine_may_be_switched_off() {
    let origin = |environment: &[(&str, &str)]| {
        let variable = |name: &str| {
            environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        Origin::find(&variable).map(|origin| match origin {
            Some(Origin::Container { address, .. }) => format!("container {address}"),
            Some(Origin::Machine { address }) => format!("machine {address}"),
            None => "none".to_owned(),
        })
    };
    let relative = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x");
    let complete = (CONTAINER, "http://127.0.0.1/y");
    let off = ("AWS_EC2_METADATA_DISABLED", "TRUE");
    assert_eq!(origin(&[complete, relative, off]).unwrap(), "container http://169.254.170.2/v2/x");
    assert_eq!(origin(&[complete]).unwrap(), "container http://127.0.0.1/y");
    assert_eq!(origin(&[]).unwrap(), "machine http://169.254.169.254/");
    assert_eq!(origin(&[off]).unwrap(), "none");
    for near in ["https://example.org/x", "http://[::1]:1/", "http://localhost/", "http://169.254.170.23/v1"]
    {
        assert!(origin(&[(CONTAINER, near)]).is_ok(), "{near}");
    }
    for far in ["http://example.org/x", "http://169.254.169.254/", "ftp://127.0.0.1/", "x"] {
        assert!(origin(&[(CONTAINER, far)]).unwrap_err().message.contains(CONTAINER), "{far}");
    }
}

#[tokio::test]
async fn a_container_is_asked_with_what_it_wants_to_see() {
    let body = credentials("c", 3600);
    let server = Server::new(&[(200, &body), (200, &body), (200, &body)]);
    let address = format!("{}/v2", server.address);
    let text = ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "from the text");
    let path = std::env::temp_dir().join(format!("tablegate-token-{}", std::process::id()));
    std::fs::write(&path, "from the file\n").unwrap();
    let file = ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path.to_str().unwrap());
    for environment in
        [&[(CONTAINER, &*address)][..], &[(CONTAINER, &address), text], &[(CONTAINER, &address), text, file]]
    {
        assert_eq!(key(&lent(environment)).await, "c");
    }
    std::fs::remove_file(&path).unwrap();
    let expected =
        ["GET /v2", "GET /v2 | authorization: from the text", "GET /v2 | authorization: from the file"];
    assert_eq!(server.asked(), expected);
    let error = refusal(&lent(&[(CONTAINER, &address), file])).await;
    assert!(error.message.contains("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"), "{}", error.message);
}

#[tokio::test]
async fn a_machine_is_asked_in_a_session_for_its_role() {
    let server = Server::new(&[(200, "s1"), (200, "worker\n"), (200, &credentials("m", 3600))]);
    let provider = lent(&[(METADATA, &server.address)]);
    assert_eq!(key(&provider).await, "m");
    let roles = "GET /latest/meta-data/iam/security-credentials/";
    let expected = [
        "PUT /latest/api/token | x-aws-ec2-metadata-token-ttl-seconds: 60".to_owned(),
        format!("{roles} | x-aws-ec2-metadata-token: s1"),
        format!("{roles}worker | x-aws-ec2-metadata-token: s1"),
    ];
    assert_eq!(server.asked(), expected);
}

#[tokio::test]
async fn many_calls_share_one_fetch_and_what_came_of_it() {
    let server = Server::new(&[(200, &credentials("c", 3600))]);
    let provider = lent(&[(CONTAINER, &server.address)]);
    let keys = futures_util::future::join_all((0..50).map(|_| key(&provider))).await;
    assert!(keys.iter().all(|key| key == "c"), "{keys:?}");
    assert_eq!((key(&provider).await.as_str(), server.asked().len()), ("c", 1));
}

#[tokio::test]
async fn credentials_are_fetched_anew_shortly_before_they_run_out() {
    let (first, second) = (credentials("first", 60), credentials("second", 3600));
    let server = Server::new(&[(200, &first), (500, ""), (200, &second)]);
    let provider = lent(&[(CONTAINER, &server.address)]);
    assert_eq!(key(&provider).await, "first");
    assert_eq!(key(&provider).await, "first", "they are good while no others come");
    assert_eq!(key(&provider).await, "second");
    assert_eq!(key(&provider).await, "second");
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn a_place_without_credentials_is_told_and_asked_again() {
    let good = credentials("c", 3600);
    let server = Server::new(&[(404, "x"), (200, r#"{"Code":"hunter2"}"#), (200, &good)]);
    let provider = lent(&[(CONTAINER, &server.address)]);
    for expected in ["the container's agent answers with status 404", "not as expected"] {
        let error = refusal(&provider).await;
        assert_eq!((error.kind, error.reason.as_deref()), (ErrorKind::AuthFailed, Some("no_credentials")));
        assert!(error.message.contains(expected) && !format!("{error:?}").contains("hunter"), "{error:?}");
    }
    assert_eq!(key(&provider).await, "c");
    let machine = Server::new(&[(200, "s"), (200, "\n")]);
    let error = refusal(&lent(&[(METADATA, &machine.address)])).await;
    assert!(error.message.contains("the machine has no role"), "{}", error.message);
}

#[tokio::test]
async fn a_place_that_is_not_there_is_told() {
    // A port that nobody listens on: it was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("http://127.0.0.1:{port}");
    let error = refusal(&lent(&[(METADATA, &address)])).await;
    assert!(error.message.contains("the machine's metadata service does not answer"), "{}", error.message);
    assert!(error.detail.is_some());
}
