//! Batches and what happens around them: hooks, clients that go away, time that runs out.

use std::sync::{Arc, Mutex};

use serde_json::{Value as Json, json};
use tablegate::hooks::{HookAnswer, HookFuture, HookRequest, Hooks};

use crate::client::{Answer, Request, get, request};
use crate::gateway::eventually;
use crate::in_process::InProcess;
use crate::stock::{SERVICES, WRITER, setup};

type Before = fn(&str, &mut HookRequest) -> Option<HookAnswer>;

/// Notes each event, and may change requests or hold one for ever.
#[derive(Default)]
struct Watch {
    seen: Mutex<Vec<String>>,
    before: Option<Before>,
    /// An event whose hook never ends.
    holds: Option<&'static str>,
}

impl Hooks for Watch {
    fn listens(&self, _: &str) -> bool {
        true
    }

    fn before<'a>(
        &'a self,
        event: &'a str,
        request: &'a mut HookRequest,
    ) -> HookFuture<'a, Option<HookAnswer>> {
        self.seen.lock().unwrap().push(event.to_owned());
        if self.holds.is_some_and(|held| event.ends_with(held)) {
            return Box::pin(std::future::pending());
        }
        let answer = self.before.and_then(|before| before(event, request));
        Box::pin(std::future::ready(Ok(answer)))
    }

    fn after<'a>(&'a self, event: &'a str, _: &'a HookRequest, _: &'a mut HookAnswer) -> HookFuture<'a, ()> {
        self.seen.lock().unwrap().push(event.to_owned());
        Box::pin(std::future::ready(Ok(())))
    }
}

struct Watched {
    watch: Arc<Watch>,
    gateway: InProcess,
}

impl Watched {
    fn start(watch: Watch, config: &str) -> Self {
        let watch = Arc::new(watch);
        let hooks: Arc<dyn Hooks> = Arc::clone(&watch) as Arc<dyn Hooks>;
        Self { watch, gateway: InProcess::start(setup(config), hooks) }
    }

    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut *self.watch.seen.lock().unwrap())
    }

    fn send(&self, request: Request) -> Answer {
        request.key(WRITER).send(self.gateway.address)
    }

    /// How many rows the first table has; three in the beginning.
    fn rows(&self, service: &str) -> Json {
        let path = format!("/api/v2/{service}/_table/stock0");
        self.send(get(&path).with("count_only", true)).json()
    }
}

/// Creates a row in the first table, then reads one of the second.
fn batch(service: &str) -> Request {
    let operations = json!([
        { "method": "POST", "path": "_table/stock0", "body": { "resource": [{ "name": "d" }] } },
        { "method": "GET", "path": "_table/stock1/1", "query": { "fields": "id" } },
    ]);
    request("POST", &format!("/api/v2/{service}/_batch")).body(json!({ "operations": operations }))
}

#[test]
fn hooks_see_the_batch_and_each_of_its_operations() {
    let watched = Watched::start(Watch::default(), "");
    for service in SERVICES {
        assert_eq!(watched.send(batch(service)).status, 200, "{service}");
        let of = |names: [&str; 2], end: &str| names.map(|name| format!("{service}.{name}.{end}"));
        let whole = ["_batch.post", "_batch.post"];
        let first = ["_table.{table_name}.post", "_table.stock0.post"];
        let second = ["_table.{table_name}.{id}.get", "_table.stock1.{id}.get"];
        let expected = [
            of(whole, "pre_process"),
            of(first, "pre_process"),
            of(first, "post_process"),
            of(second, "pre_process"),
            of(second, "post_process"),
            of(whole, "post_process"),
        ];
        assert_eq!(watched.seen(), expected.concat(), "{service}");
    }
}

/// What a hook does to the second operation undoes the first.
#[track_caller]
fn is_undone(before: Before, status: u16, message: &str) {
    let watched = Watched::start(Watch { before: Some(before), ..Watch::default() }, "");
    for service in SERVICES {
        let error = &watched.send(batch(service)).json()["error"];
        let context = &error["context"];
        assert_eq!((&error["code"], &context["error"]), (&json!(1000), &json!([1])), "{service}: {error}");
        let own = &context["resource"][1];
        assert_eq!((&own["status_code"], &own["message"]), (&json!(status), &json!(message)), "{service}");
        assert_eq!(watched.rows(service), json!(3), "{service}");
    }
}

#[test]
fn a_hook_can_refuse_an_operation_and_so_the_batch() {
    let refuse: Before = |event, _| {
        let body = r#"{"queued":false}"#.into();
        event.ends_with("stock1.{id}.get.pre_process").then_some(HookAnswer { status: 409, body })
    };
    is_undone(refuse, 409, "A hook has refused it with status 409.");
}

#[test]
fn a_hook_can_not_take_an_operation_out_of_its_transaction() {
    let other_service: Before = |event, request| {
        if event.ends_with("stock1.{id}.get.pre_process") {
            request.service = "mem-upsert".to_owned();
        }
        None
    };
    is_undone(
        other_service,
        501,
        "An operation of a batch on another service is not supported by this service.",
    );
    let nested: Before = |event, request| {
        if event.ends_with("stock1.{id}.get.pre_process") {
            request.verb = tablegate::roles::Verb::Post;
            request.resource = vec!["_batch".to_owned()];
        }
        None
    };
    is_undone(nested, 501, "A batch inside a batch is not supported by this service.");
}

#[test]
fn a_rollback_that_a_hook_asks_for_is_that_of_the_batch() {
    let roll_back: Before = |event, request| {
        if event.ends_with("stock0.post.pre_process") {
            request.query.push(("rollback".to_owned(), "true".to_owned()));
        }
        None
    };
    let watched = Watched::start(Watch { before: Some(roll_back), ..Watch::default() }, "");
    for service in SERVICES {
        assert_eq!(watched.send(batch(service)).status, 200, "{service}");
        assert_eq!(watched.rows(service), json!(4), "{service}");
    }
}

#[test]
fn a_batch_whose_client_goes_away_is_undone() {
    let held = Watch { holds: Some("stock1.{id}.get.pre_process"), ..Watch::default() };
    let watched = Watched::start(held, "");
    for service in SERVICES {
        let connection = batch(service).key(WRITER).send_only(watched.gateway.address);
        let is_held = || watched.seen().iter().any(|event| event.ends_with("stock1.{id}.get.pre_process"));
        eventually("the second operation begins", is_held);
        assert_eq!(watched.rows(service), json!(3), "{service}: nobody else sees what is not committed");
        drop(connection);
        // Another write waits until the transaction is over.
        let path = format!("/api/v2/{service}/_table/stock0/1");
        watched.send(request("PATCH", &path).body(json!({ "qty": 9 }))).is_ok(r#"{"id":1}"#);
        assert_eq!(watched.rows(service), json!(3), "{service}");
    }
}

#[test]
fn the_time_of_a_request_is_that_of_the_whole_batch() {
    let held = Watch { holds: Some("stock1.{id}.get.pre_process"), ..Watch::default() };
    let watched = Watched::start(held, "[server]\nrequest_timeout = \"1s\"");
    for service in SERVICES {
        let message = "The request took longer than this server allows.";
        watched.send(batch(service)).is_error(504, message);
        let path = format!("/api/v2/{service}/_table/stock0/1");
        eventually("the transaction is over", || {
            watched.send(request("PATCH", &path).body(json!({ "qty": 9 }))).status == 200
        });
        assert_eq!(watched.rows(service), json!(3), "{service}");
    }
}
