//! What an operator sees of a running gateway: the metrics, who may read them, the times of a request, the log of slow statements and of
//! requests.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use serde_json::{Value as Json, json};

use crate::client::{Answer, get, request};
use crate::gateway::{ADMIN, Gateway, Setup, eventually};
use crate::logs::lines;
use crate::shop::{NOBODY, READER, log_in, reading, setup};
use crate::streaming;

const TOKEN: &str = "token-of-prometheus-4711";
/// What stands in requests and must stand nowhere else.
const NEEDLE: &str = "needle-9c2e";

fn metered(more: &str) -> Setup {
    setup(&format!("[metrics]\ntoken = \"${{env:METRICS_TOKEN}}\"\n{more}")).variable("METRICS_TOKEN", TOKEN)
}

fn metrics(gateway: &Gateway) -> Answer {
    gateway.send(get("/metrics").header("Authorization", format!("Bearer {TOKEN}")))
}

/// A small number as samples have it.
fn float(number: usize) -> f64 {
    u32::try_from(number).unwrap().into()
}

/// The samples of the metrics, by name and labels.
fn samples(gateway: &Gateway) -> BTreeMap<String, f64> {
    let answer = metrics(gateway);
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, "text/plain; version=0.0.4; charset=utf-8")
    );
    let lines = answer.body.lines().filter(|line| !line.starts_with('#'));
    let samples = lines.map(|line| line.rsplit_once(' ').unwrap());
    samples.map(|(name, value)| (name.to_owned(), value.parse().unwrap())).collect()
}

/// Those whose name begins so.
fn family(gateway: &Gateway, name: &str) -> BTreeMap<String, f64> {
    samples(gateway).into_iter().filter(|(known, _)| known.starts_with(name)).collect()
}

#[track_caller]
fn is(gateway: &Gateway, name: &str, expected: f64) {
    let samples = samples(gateway);
    assert_eq!(samples.get(name), Some(&expected), "{name} in {samples:#?}");
}

#[test]
fn requests_are_counted_by_service_table_verb_and_status() {
    let gateway = metered("").start();
    for path in
        ["shop/_table/orders", "SHOP/_table/Orders?limit=1", "shop/_table/orders/1", "mem/_table/people"]
    {
        assert_eq!(gateway.send(reading(path)).status, 200, "{path}");
    }
    let denied = |verb: &str, path: &str| gateway.send(request(verb, path).key(NOBODY)).status;
    assert_eq!(gateway.send(reading("shop/_schema/orders")).status, 200);
    assert_eq!(gateway.send(reading("shop/_table/nowhere")).status, 404);
    assert_eq!(gateway.send(reading("nowhere/_table/orders")).status, 404);
    assert_eq!(denied("DELETE", "/api/v2/shop/_table/orders"), 401);
    assert_eq!(denied("OPTIONS", "/api/v2/shop/_table/orders"), 405);
    assert_eq!(gateway.send(get("/elsewhere")).status, 404);
    log_in(&gateway);
    let counted = |(service, table, verb, status): (&str, &str, &str, u16), count: f64| {
        let labels = format!("service=\"{service}\",table=\"{table}\",verb=\"{verb}\",status=\"{status}\"");
        (format!("tablegate_requests_total{{{labels}}}"), count)
    };
    let expected = [
        counted(("Shop", "orders", "GET", 200), 4.0),
        counted(("mem", "people", "GET", 200), 1.0),
        counted(("Shop", "", "GET", 404), 1.0),
        counted(("", "", "GET", 404), 1.0),
        counted(("Shop", "", "DELETE", 401), 1.0),
        counted(("", "", "", 405), 1.0),
        counted(("", "", "", 404), 1.0),
        counted(("system", "", "POST", 200), 1.0),
    ];
    assert_eq!(family(&gateway, "tablegate_requests_total"), BTreeMap::from(expected));
    is(&gateway, "tablegate_request_duration_seconds_count{service=\"Shop\",verb=\"GET\"}", 5.0);
    is(&gateway, "tablegate_request_duration_seconds_bucket{service=\"Shop\",verb=\"GET\",le=\"+Inf\"}", 5.0);
    // Scrapes and probes are not requests.
    gateway.send(get("/health"));
    is(&gateway, "tablegate_requests_running", 0.0);
}

#[test]
fn sent_bytes_are_those_of_the_answers() {
    let gateway = metered("").start();
    let one = gateway.send(reading("shop/_table/orders"));
    let many = gateway.send(reading("shop/_table/customers"));
    let bytes = float(one.body.len() + many.body.len());
    eventually("all bytes are counted", || {
        samples(&gateway).get("tablegate_sent_bytes_total{service=\"Shop\"}") == Some(&bytes)
    });
}

#[test]
fn names_that_nothing_has_make_no_series() {
    const NAMES: usize = 10_000;
    let gateway = metered("").start();
    gateway.send(reading("shop/_table/orders"));
    let mut stream = TcpStream::connect(gateway.address).unwrap();
    let answers = BufReader::new(stream.try_clone().unwrap());
    let asking = std::thread::spawn(move || {
        for number in 0..NAMES {
            let (service, end) = (["shop", "nowhere"][number % 2], number + 1 == NAMES);
            let end = if end { "Connection: close\r\n" } else { "" };
            let head = format!("X-DreamFactory-API-Key: {READER}\r\nHost: gateway\r\n{end}");
            write!(stream, "GET /api/v2/{service}/_table/{NEEDLE}{number} HTTP/1.1\r\n{head}\r\n").unwrap();
        }
    });
    // A head begins where the body before it ends, which has no line break.
    let lines = answers.split(b'\n').map(|line| String::from_utf8(line.unwrap()).unwrap());
    let heads = lines.filter(|line| line.contains("HTTP/1.1 404"));
    assert_eq!(heads.count(), NAMES);
    asking.join().unwrap();
    let half = float(NAMES / 2);
    is(&gateway, "tablegate_requests_total{service=\"Shop\",table=\"\",verb=\"GET\",status=\"404\"}", half);
    is(&gateway, "tablegate_requests_total{service=\"\",table=\"\",verb=\"GET\",status=\"404\"}", half);
    assert_eq!(family(&gateway, "tablegate_requests_total").len(), 3);
    assert!(!metrics(&gateway).body.contains(NEEDLE));
}

#[test]
fn only_the_token_and_the_administrator_read_the_metrics() {
    let gateway = metered("").start();
    let session = log_in(&gateway);
    let basic = |(email, password): (&str, &str)| {
        use base64::Engine as _;
        let login = base64::engine::general_purpose::STANDARD.encode(format!("{email}:{password}"));
        get("/metrics").header("Authorization", format!("Basic {login}"))
    };
    let bearer = |token: &str| get("/metrics").header("Authorization", format!("Bearer {token}"));
    for let_in in [bearer(TOKEN), get("/metrics").token(TOKEN), get("/metrics").token(&session), basic(ADMIN)]
    {
        assert_eq!(gateway.send(let_in).status, 200);
    }
    let refused = [
        get("/metrics"),
        get("/metrics").key(READER),
        get(&format!("/metrics?session_token={TOKEN}")),
        bearer(""),
        bearer(&TOKEN[1..]),
        bearer(&format!("{TOKEN}x")),
        bearer(&TOKEN.to_uppercase()),
        basic((ADMIN.0, TOKEN)),
    ];
    for request in refused {
        let answer = gateway.send(request);
        assert_eq!(answer.status, 401, "{answer:?}");
        assert!(!answer.body.contains("tablegate_"), "{answer:?}");
    }
    assert_eq!(gateway.send(request("POST", "/metrics").token(&session)).status, 405);
    // What opens the metrics opens nothing else.
    let elsewhere = get("/api/v2/shop/_table/orders").header("Authorization", format!("Bearer {TOKEN}"));
    assert_eq!(gateway.send(elsewhere).status, 401);
}

#[test]
fn without_a_token_only_the_administrator_reads_the_metrics() {
    let gateway = setup("").start();
    assert_eq!(metrics(&gateway).status, 401);
    assert_eq!(gateway.send(get("/metrics").token(&log_in(&gateway))).status, 200);
}

#[test]
fn metrics_hold_no_values_and_no_secrets() {
    let gateway = metered("").start();
    gateway.send(reading(&format!("shop/_table/customers?filter=name={NEEDLE}")));
    gateway.send(reading(&format!("shop/_table/customers/{NEEDLE}")));
    gateway.send(reading(&format!("{NEEDLE}/_table/customers")));
    gateway.send(get(&format!("/{NEEDLE}")).header("User-Agent", NEEDLE).header("X-Request-Id", NEEDLE));
    gateway.send(request(NEEDLE, "/api/v2/shop"));
    let text = metrics(&gateway).body;
    for hidden in [NEEDLE, READER, TOKEN, ADMIN.0, ADMIN.1, "shop.sqlite"] {
        assert!(!text.contains(hidden), "{hidden} in {text}");
    }
}

#[test]
fn series_survive_a_reload_and_the_token_follows_it() {
    let gateway = metered("").start();
    let counted = "tablegate_requests_total{service=\"Shop\",table=\"orders\",verb=\"GET\",status=\"200\"}";
    gateway.send(reading("shop/_table/orders"));
    is(&gateway, counted, 1.0);
    let config = std::fs::read_to_string(gateway.setup.path("gateway.toml")).unwrap();
    gateway
        .setup
        .write("gateway.toml", &config.replace("${env:METRICS_TOKEN}", "another-token-of-prometheus"));
    gateway.signal("HUP");
    eventually("the old token is refused", || metrics(&gateway).status == 401);
    gateway.setup.write("gateway.toml", &config);
    gateway.signal("HUP");
    eventually("the first token is back", || metrics(&gateway).status == 200);
    gateway.send(reading("shop/_table/orders"));
    is(&gateway, counted, 2.0);
    is(&gateway, "tablegate_service_opened_total{service=\"Shop\"}", 1.0);
}

#[test]
fn services_and_connectors_tell_their_state() {
    let broken = "[[services]]\nname = \"gone\"\ntype = \"of_no_connector\"\n";
    let gateway = metered(broken).start();
    gateway.send(reading("shop/_table/orders"));
    assert_ne!(gateway.send(reading("gone/_table/orders")).status, 200);
    is(&gateway, "tablegate_service_up{service=\"Shop\"}", 1.0);
    is(&gateway, "tablegate_service_up{service=\"gone\"}", 0.0);
    is(&gateway, "tablegate_pool_running{service=\"Shop\"}", 0.0);
    is(&gateway, "tablegate_pool_refused_total{service=\"Shop\"}", 0.0);
    is(&gateway, "tablegate_connectors_refused", 0.0);
    let samples = samples(&gateway);
    assert!(samples["tablegate_service_open_failures_total{service=\"gone\"}"] >= 1.0, "{samples:#?}");
    // What is switched off is not there.
    assert!(!samples.contains_key("tablegate_service_up{service=\"closed\"}"), "{samples:#?}");
    let up: Vec<_> = samples.iter().filter(|(name, _)| name.starts_with("tablegate_connector_up")).collect();
    assert!(up.len() == 2 && up.iter().all(|(_, value)| **value == 1.0), "{up:?}");
    let build = samples.keys().find(|name| name.starts_with("tablegate_build_info{version=")).unwrap();
    let contract = build.split("contract=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let listed = String::from_utf8(gateway.setup.run(&["connectors"]).stdout).unwrap();
    assert!(listed.contains(&format!("  contract      connector-api {contract}, ")), "{contract}: {listed}");
    assert!(samples["process_resident_memory_bytes"] > 1e6 && samples["process_open_fds"] > 5.0);
    assert!(samples["process_threads"] > 2.0 && samples["process_start_time_seconds"] > 1.7e9);
}

#[test]
fn a_stream_is_counted_while_it_runs() {
    let gateway = streaming::setup(&format!("[metrics]\ntoken = {TOKEN:?}")).start();
    let mut download = reading("big/_table/endless").open(gateway.address);
    let sent = "tablegate_sent_bytes_total{service=\"big\"}";
    let mut read = 0;
    while read < 1_000_000 {
        read += download.piece().unwrap().len();
    }
    let samples = samples(&gateway);
    assert!(samples[sent] >= float(read), "{samples:#?}");
    assert_eq!(samples["tablegate_pool_running{service=\"big\"}"], 1.0);
    assert_eq!(samples["tablegate_requests_running"], 1.0);
    drop(download);
    eventually("the stream is over", || {
        let samples = self::samples(&gateway);
        samples["tablegate_requests_running"] == 0.0
            && samples["tablegate_pool_running{service=\"big\"}"] == 0.0
    });
}

/// The names in a header `Server-Timing`, of which each has its milliseconds.
fn times(answer: &Answer) -> Vec<&str> {
    let header = answer.headers.get("server-timing").map(|value| value.to_str().unwrap());
    let times = header.into_iter().flat_map(|header| header.split(", "));
    let time = |time: &str| {
        time.split_once(";dur=").is_some_and(|(_, dur)| dur.parse::<f64>().is_ok_and(|dur| dur >= 0.0))
    };
    times.inspect(|part| assert!(time(part), "{part}")).map(|part| part.split(';').next().unwrap()).collect()
}

#[test]
fn times_are_told_to_who_asks_and_is_let_in() {
    let gateway = metered("").start();
    let check = |request: crate::client::Request, status: u16, expected: &[&str]| {
        let answer = gateway.send(request);
        assert_eq!((answer.status, times(&answer).as_slice()), (status, expected), "{answer:?}");
    };
    let all = ["auth", "plan", "wait", "db", "encode", "total"];
    check(reading("shop/_table/orders?timing=true"), 200, &all);
    check(reading("mem/_table/people?timing=true"), 200, &all);
    check(reading("shop/_table/nowhere?timing=true"), 404, &all);
    check(reading("shop/_table/orders"), 200, &[]);
    check(reading("shop/_table/orders?timing=false"), 200, &[]);
    check(get("/api/v2/shop/_table/orders?timing=true"), 400, &[]);
    check(get("/api/v2/shop/_table/orders?timing=true").key(NOBODY), 401, &[]);
    check(get("/health?timing=true"), 200, &[]);
}

#[test]
fn a_slow_statement_is_logged_with_placeholders() {
    let gateway =
        streaming::setup("[logging]\nslow_statement = \"1ms\"\nlevel = \"error\"\nformat = \"json\"").start();
    gateway.send(reading(&format!("big/_table/large?limit=20000&filter=text!={NEEDLE}")));
    gateway.log.find("slow statement").unwrap();
    let logged = lines(&gateway, "slow statement");
    let [line] = logged.as_slice() else { panic!("{logged:?}") };
    assert_eq!((&line["level"], &line["target"]), (&json!("WARN"), &json!("tablegate::slow")));
    assert_eq!((&line["service"], &line["rows"]), (&json!("big"), &json!(20_000)));
    assert!(line["milliseconds"].as_f64().unwrap() >= 1.0);
    let statement = line["statement"].as_str().unwrap();
    assert!(statement.starts_with("SELECT") && statement.contains('?'), "{statement}");
    assert!(!gateway.log.text().contains(NEEDLE), "{}", gateway.log.text());
}

#[test]
fn a_quick_statement_is_not_logged_as_slow() {
    let gateway = setup("[logging]\nslow_statement = \"1h\"").start();
    gateway.send(reading("shop/_table/orders"));
    gateway.log.find("answered").unwrap();
    assert!(!gateway.log.text().contains("SELECT"), "{}", gateway.log.text());
}

#[test]
fn each_request_is_in_the_access_log_once_it_is_over() {
    let gateway = setup("[logging]\naccess = true\nformat = \"json\"\nlevel = \"error\"").start();
    let asked =
        reading(&format!("shop/_table/customers/2?fields=id&filter={NEEDLE}")).header("X-Request-Id", "mine");
    let answer = gateway.send(asked.header("User-Agent", "robot\t/1 \u{1f916}"));
    gateway.log.find("\"access\"").unwrap();
    let logged = lines(&gateway, "access");
    let [line] = logged.as_slice() else { panic!("{logged:?}") };
    let expected = [
        ("request_id", json!("mine")),
        ("client", json!("127.0.0.1")),
        ("method", json!("GET")),
        ("path", json!("/api/v2/shop/_table/customers/{id}")),
        ("status", json!(answer.status)),
        ("bytes", json!(answer.body.len())),
        ("is_whole", json!(true)),
        ("user_agent", json!("robot/1 \u{1f916}")),
        ("target", json!("tablegate::access")),
    ];
    for (name, value) in expected {
        assert_eq!(line[name], value, "{name} in {line}");
    }
    assert!(line["milliseconds"].as_f64().unwrap() >= 0.0);
    assert!(!gateway.log.text().contains(NEEDLE), "{}", gateway.log.text());
    gateway.send(get("/health"));
    gateway.send(get("/metrics"));
    gateway.send(request("HEAD", "/api/v2/shop/_table/customers").key(READER));
    eventually("the last request is logged", || lines(&gateway, "access").len() == 2);
    let head: &Json = &lines(&gateway, "access")[1];
    assert_eq!((&head["method"], &head["bytes"]), (&json!("HEAD"), &json!(0)));
}

#[test]
fn what_a_request_makes_up_is_not_logged() {
    let gateway = setup("[logging]\naccess = true\nformat = \"json\"").start();
    let asked = [
        (NEEDLE.to_owned(), "/api/v2/shop".to_owned()),
        ("GET".to_owned(), format!("/{NEEDLE}")),
        ("GET".to_owned(), format!("/api/v2/shop/_TABLE/orders/{NEEDLE}")),
        ("GET".to_owned(), format!("/api/v2/shop/table/orders/{NEEDLE}")),
    ];
    for (method, path) in &asked {
        gateway.send(request(method, path).key(READER));
    }
    eventually("all are logged", || lines(&gateway, "access").len() == asked.len());
    let logged = lines(&gateway, "access");
    let logged: Vec<_> = logged.iter().map(|line| (&line["method"], &line["path"])).collect();
    let expected = [
        ("_OTHER", "/api/v2/shop"),
        ("GET", "/{unknown}"),
        ("GET", "/api/v2/shop/_TABLE/orders/{id}"),
        ("GET", "/api/v2/shop/{unknown}/{unknown}/{unknown}"),
    ];
    let expected = expected.map(|(method, path)| (json!(method), json!(path)));
    assert_eq!(logged, expected.iter().map(|(method, path)| (method, path)).collect::<Vec<_>>());
    assert!(!gateway.log.text().contains(NEEDLE), "{}", gateway.log.text());
}

#[test]
fn the_access_log_has_a_text_form_and_is_off_by_default() {
    let gateway = setup("[logging]\naccess = true").start();
    gateway.send(reading("shop/_table/orders").header("User-Agent", "robot"));
    let line = gateway.log.find("tablegate::access").unwrap();
    assert!(line.contains("client=\"127.0.0.1\"") && line.contains("user_agent=\"robot\""), "{line}");
    let silent = setup("[logging]\nlevel = \"trace\"").start();
    silent.send(reading("shop/_table/orders"));
    silent.send(get("/api/v2"));
    silent.log.find("answered").unwrap();
    assert!(!silent.log.text().contains("tablegate::access"), "{}", silent.log.text());
}

#[test]
fn a_client_that_goes_away_is_logged_and_counted() {
    let more = format!("[metrics]\ntoken = {TOKEN:?}\n[logging]\naccess = true\nformat = \"json\"");
    let gateway = streaming::setup(&more).start();
    let mut download = reading("big/_table/endless").open(gateway.address);
    download.piece().unwrap();
    drop(download);
    gateway.log.find("\"access\"").unwrap();
    let logged = &lines(&gateway, "access")[0];
    assert_eq!((&logged["status"], &logged["is_whole"]), (&json!(200), &json!(false)), "{logged}");
    // The connection is one of those that nobody reads any more as soon as the gateway sees its end.
    let waiting = reading("big/_table/endless?count_only=true").send_only(gateway.address);
    eventually("the request runs", || samples(&gateway)["tablegate_requests_running"] == 1.0);
    drop(waiting);
    eventually("it is logged", || lines(&gateway, "access").len() == 2);
    assert_eq!(lines(&gateway, "access")[1]["status"], json!(499));
    let counted = family(&gateway, "tablegate_requests_total");
    assert!(counted.keys().any(|name| name.contains("status=\"499\"")), "{counted:?}");
}
