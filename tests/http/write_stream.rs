//! Records that come as a stream, in a gateway inside this process: what is remembered of them, and what stays when they stop coming.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::{Stream, StreamExt, stream};
use serde_json::{Value as Json, json};
use tablegate::app::App;
use tablegate::error::ApiError;
use tablegate::hooks::HookRequest;
use tablegate::pipeline::{self, Answer, AnswerBody, Record, RecordStream, Request};
use tablegate::request::Conditions;
use tablegate::response::Layout;
use tablegate::roles::{Caller, Verb};
use tablegate::settings::{self, LoadOptions};
use tablegate::trail::Trail;

use crate::client::RUNTIME;
use crate::gateway::{Setup, eventually};
use crate::stock::{SERVICES, setup};

/// A gateway in this process, with the tables of the writing tests.
struct Inside {
    app: Arc<App>,
    _setup: Setup,
}

impl Inside {
    fn start() -> Self {
        let setup = setup("");
        let folder = setup.path("").display().to_string();
        let mut config = std::fs::read_to_string(setup.path("gateway.toml")).unwrap();
        // The folder of the process is not that of the gateway here.
        for file in ["stock.sqlite", "upsert.sqlite", "stock.json"] {
            config = config.replace(file, &format!("{folder}{file}"));
        }
        setup.write("gateway.toml", &format!("{config}\n[plugins]\ndirectories = [\"{folder}plugins\"]\n"));
        let options = LoadOptions { config: Some(setup.path("gateway.toml")), environment: Vec::new() };
        let settings = settings::load(&options).unwrap();
        let app = RUNTIME.block_on(async { App::start(options, settings, None).unwrap().app });
        Self { app: Arc::new(app), _setup: setup }
    }

    async fn run(&self, what: HookRequest, records: Option<RecordStream>) -> Result<Answer, ApiError> {
        let caller = Caller { is_admin: true, ..Caller::default() };
        let (layout, conditions) = (Layout::default(), Conditions::default());
        let (id, key, transaction, within) = (Arc::new(Trail::from("test")), None, None, None);
        let request = Request {
            what,
            records,
            are_texts: false,
            caller,
            id,
            layout,
            conditions,
            key,
            transaction,
            within,
        };
        pipeline::run(&self.app.snapshot(), request).await
    }

    async fn stream(
        &self,
        (service, table): (&str, &str),
        (verb, query): (Verb, &[(&str, &str)]),
        records: impl Stream<Item = Result<Record, ApiError>> + Send + 'static,
    ) -> Json {
        let answer = self.run(what(service, table, verb, query), Some(Box::pin(records))).await;
        match answer {
            Ok(answer) => body(answer),
            Err(error) => error.object(true),
        }
    }

    fn rows(&self, service: &str, table: &str) -> Json {
        let what = what(service, table, Verb::Get, &[("count_only", "true")]);
        body(RUNTIME.block_on(self.run(what, None)).unwrap())
    }
}

fn what(service: &str, table: &str, verb: Verb, query: &[(&str, &str)]) -> HookRequest {
    let owned = |text: &str| text.to_owned();
    HookRequest {
        verb,
        service: owned(service),
        resource: vec![owned("_table"), owned(table)],
        query: query.iter().map(|(name, value)| (owned(name), owned(value))).collect(),
        body: None,
    }
}

fn body(answer: Answer) -> Json {
    match answer.body {
        AnswerBody::Json(body) | AnswerBody::Ready(body) => serde_json::from_slice(&body).unwrap(),
        AnswerBody::Streamed(_) => panic!("the answer is not whole"),
    }
}

fn record(record: Json) -> Result<Record, ApiError> {
    Ok(serde_json::from_value(record).unwrap())
}

/// New records with numbers in their names; the `bad` one has none.
fn numbered(count: usize, bad: Option<usize>) -> impl Stream<Item = Result<Record, ApiError>> + Send {
    stream::iter((0..count).map(move |number| {
        let name = if Some(number) == bad { Json::Null } else { json!(format!("n{number}")) };
        record(json!({ "name": name }))
    }))
}

fn ids(range: std::ops::Range<u64>) -> Vec<Json> {
    range.map(|id| json!({ "id": id })).collect()
}

#[test]
fn of_a_stream_as_many_rows_are_listed_as_an_answer_may_have_and_more_are_counted() {
    let gateway = Inside::start();
    for service in SERVICES {
        let send = |table, count| {
            RUNTIME.block_on(gateway.stream((service, table), (Verb::Post, &[]), numbered(count, None)))
        };
        let few = json!({ "resource": ids(4..6) });
        assert_eq!(send("stock0", 2), few, "{service}");
        let many = json!({ "resource": ids(4..14), "meta": { "count": 2500 } });
        assert_eq!(send("stock1", 2500), many, "{service}");
        assert_eq!(gateway.rows(service, "stock1"), 2503, "{service}");
    }
}

#[test]
fn records_that_fill_a_call_each_are_counted_one_by_one() {
    let gateway = Inside::start();
    for service in SERVICES {
        let name = |number: usize| format!("{number} ").repeat(150 * 1024);
        let records = stream::iter((0..12).map(move |number| record(json!({ "name": name(number) }))));
        let answer = RUNTIME.block_on(gateway.stream((service, "stock0"), (Verb::Post, &[]), records));
        assert_eq!(answer, json!({ "resource": ids(4..14), "meta": { "count": 12 } }), "{service}");
    }
}

#[test]
fn a_record_that_fails_beyond_what_is_listed_is_listed_all_the_same() {
    let gateway = Inside::start();
    let check = |table: &str, option: &[(&str, &str)], after: Vec<Json>, count: u64, left: u64| {
        for service in SERVICES {
            let records = numbered(20, Some(12));
            let order = (Verb::Post, option);
            let error = RUNTIME.block_on(gateway.stream((service, table), order, records));
            let context = &error["context"];
            let mut entries = ids(4..14);
            entries.extend(after.clone());
            assert_eq!(context["error"], json!([12]), "{service} {option:?}");
            assert_eq!(context["resource"], Json::from(entries), "{service} {option:?}");
            assert_eq!(context["count"], count, "{service} {option:?}");
            assert_eq!(gateway.rows(service, table), left, "{service} {option:?}");
        }
    };
    let message = "Field 'name' can not be NULL.";
    let null = json!({ "code": 400, "context": null, "message": message, "status_code": 400 });
    check("stock0", &[], vec![null.clone()], 12, 15);
    check("stock1", &[("continue", "true")], vec![null.clone()], 19, 22);
    check("stock2", &[("rollback", "true")], vec![null], 12, 3);
}

#[test]
fn a_stream_changes_and_deletes_rows_too() {
    let gateway = Inside::start();
    for service in SERVICES {
        let both =
            || stream::iter([record(json!({ "id": 3, "qty": 1 })), record(json!({ "id": 1, "qty": 1 }))]);
        let expected = json!({ "resource": [{ "id": 3 }, { "id": 1 }] });
        for verb in [Verb::Patch, Verb::Delete] {
            let answer = RUNTIME.block_on(gateway.stream((service, "stock0"), (verb, &[]), both()));
            assert_eq!(answer, expected, "{service} {verb:?}");
        }
        // For a filter the first record counts.
        let order = (Verb::Patch, &[("filter", "qty > 0")][..]);
        let answer = RUNTIME.block_on(gateway.stream((service, "stock0"), order, both()));
        assert_eq!(answer, json!({ "resource": [{ "id": 2 }] }), "{service}");
    }
}

#[test]
fn a_stream_without_a_record_and_one_that_breaks_are_told_apart() {
    let gateway = Inside::start();
    for service in SERVICES {
        let send = |records| {
            RUNTIME.block_on(gateway.stream((service, "stock0"), (Verb::Post, &[]), stream::iter(records)))
        };
        let message = send(Vec::new())["message"].clone();
        assert!(message.as_str().unwrap().starts_with("No record(s) detected in request."), "{service}");
        let broken = send(vec![record(json!({ "name": "d" })), Err(ApiError::broken_body())]);
        let context = &broken["context"];
        assert_eq!(context["error"], json!([1]), "{service}");
        assert_eq!(context["resource"][0], json!({ "id": 4 }), "{service}");
        assert_eq!(
            context["resource"][1]["message"], "The body of the request could not be read.",
            "{service}"
        );
        assert_eq!(gateway.rows(service, "stock0"), 4, "{service}");
    }
}

/// Records of 100 KiB, three of which fill a call; after the fifth nothing comes any more, and `is_waiting` is set.
fn stuck(is_waiting: &Arc<AtomicBool>) -> impl Stream<Item = Result<Record, ApiError>> + Send + 'static {
    let is_waiting = Arc::clone(is_waiting);
    let five =
        stream::iter((0..5).map(|number| record(json!({ "name": number.to_string().repeat(100 * 1024) }))));
    five.chain(stream::poll_fn(move |_| {
        is_waiting.store(true, Ordering::Relaxed);
        std::task::Poll::Pending
    }))
}

#[test]
fn a_caller_who_goes_away_leaves_what_was_written_or_nothing_with_rollback() {
    let gateway = Inside::start();
    for service in SERVICES {
        for (table, options, left) in [("stock0", &[][..], 6), ("stock1", &[("rollback", "true")], 3)] {
            let is_waiting = Arc::<AtomicBool>::default();
            let (gateway, seen) = (&gateway, Arc::clone(&is_waiting));
            RUNTIME.block_on(async {
                let write = gateway.stream((service, table), (Verb::Post, options), stuck(&is_waiting));
                tokio::select! {
                    answer = write => panic!("{service}: the write ended with {answer}"),
                    () = async { while !seen.load(Ordering::Relaxed) { tokio::task::yield_now().await; } } => {}
                }
            });
            eventually("only what was committed is left, and others can write", || {
                let one = stream::iter([record(json!({ "id": 1, "qty": 5 }))]);
                let order = (Verb::Patch, &[][..]);
                let answer = RUNTIME.block_on(gateway.stream((service, table), order, one));
                answer == json!({ "resource": [{ "id": 1 }] }) && gateway.rows(service, table) == left
            });
        }
    }
}
