//! Hooks on events, in a gateway inside this process: what they see, change and answer, and that permission holds for it.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use serde_json::json;
use tablegate::error::ApiError;
use tablegate::hooks::{HookAnswer, HookFuture, HookRequest, Hooks};

use crate::client::{Answer, get, request};
use crate::gateway::Setup;
use crate::in_process::InProcess;
use crate::shop::{READER, setup};
use crate::streaming;

const ONE_TABLE: &str = "key-of-one-table";
/// An app that may read the table `orders` and nothing else, and one that may write customers.
const CONFIG: &str = r#"
[[roles]]
name = "customers"
access = [{ service = "shop", component = "_table/customers/*", verbs = ["GET", "POST"] }]

[[apps]]
name = "customers"
role = "customers"
api_key = "key-of-customers"

[[roles]]
name = "one-table"
access = [{ service = "shop", component = "_table/orders/*", verbs = ["GET"] }]

[[apps]]
name = "one-table"
role = "one-table"
api_key = "key-of-one-table"
"#;

type Before = fn(&str, &mut HookRequest) -> Result<Option<HookAnswer>, ApiError>;
type After = fn(&str, &mut HookAnswer) -> Result<(), ApiError>;

/// What a test's hook does before and after; each event that came is noted.
#[derive(Default)]
struct Script {
    seen: Mutex<Vec<String>>,
    is_deaf: bool,
    before: Option<Before>,
    after: Option<After>,
}

impl Hooks for Script {
    fn listens(&self, event: &str) -> bool {
        !self.is_deaf && (event.ends_with(".pre_process") || event.ends_with(".post_process"))
    }

    fn before<'a>(
        &'a self,
        event: &'a str,
        request: &'a mut HookRequest,
    ) -> HookFuture<'a, Option<HookAnswer>> {
        self.seen.lock().unwrap().push(event.to_owned());
        let outcome = self.before.map_or(Ok(None), |before| before(event, request));
        Box::pin(std::future::ready(outcome))
    }

    fn after<'a>(
        &'a self,
        event: &'a str,
        _: &'a HookRequest,
        answer: &'a mut HookAnswer,
    ) -> HookFuture<'a, ()> {
        self.seen.lock().unwrap().push(event.to_owned());
        let outcome = self.after.map_or(Ok(()), |after| after(event, answer));
        Box::pin(std::future::ready(outcome))
    }
}

/// A gateway with a script.
struct Hooked {
    gateway: InProcess,
    script: Arc<Script>,
}

impl Hooked {
    fn start(script: Script) -> Self {
        Self::start_on(setup(CONFIG), script)
    }

    fn start_on(setup: Setup, script: Script) -> Self {
        let script = Arc::new(script);
        let hooks: Arc<dyn Hooks> = Arc::clone(&script) as Arc<dyn Hooks>;
        Self { gateway: InProcess::start(setup, hooks), script }
    }

    fn read(&self, path: &str, key: &str) -> Answer {
        get(&format!("/api/v2/{path}")).key(key).send(self.gateway.address)
    }

    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut *self.script.seen.lock().unwrap())
    }
}

#[test]
fn each_request_has_a_generic_and_a_specific_event_before_and_after() {
    let gateway = Hooked::start(Script::default());
    let check = |path: &str, generic: &str, specific: &str| {
        gateway.read(path, READER);
        let expected = [
            format!("{generic}.pre_process"),
            format!("{specific}.pre_process"),
            format!("{generic}.post_process"),
            format!("{specific}.post_process"),
        ];
        assert_eq!(gateway.seen(), expected, "{path}");
    };
    check("Shop/_table/orders/5", "shop._table.{table_name}.{id}.get", "shop._table.orders.{id}.get");
    check("shop/_table/orders", "shop._table.{table_name}.get", "shop._table.orders.get");
    check("shop/_table", "shop._table.get", "shop._table.get");
    check("shop", "shop.get", "shop.get");
    check("shop/_schema/orders", "shop._schema.{table_name}.get", "shop._schema.orders.get");
    check(
        "shop/_schema/orders/total",
        "shop._schema.{table_name}.{field_name}.get",
        "shop._schema.orders.total.get",
    );
    check("mem/_table/people", "mem._table.{table_name}.get", "mem._table.people.get");
}

#[test]
fn no_event_comes_for_a_request_that_is_not_permitted_or_not_understood() {
    let gateway = Hooked::start(Script::default());
    assert_eq!(gateway.read("shop/_table/people", ONE_TABLE).status, 401);
    assert_eq!(gateway.read("shop/_table/orders", "unknown").status, 401);
    assert_eq!(gateway.read("shop/_table/orders?offset=-1", READER).status, 400);
    assert_eq!(gateway.read("shop/nothing", READER).status, 404);
    assert_eq!(gateway.seen(), Vec::<String>::new());
}

#[test]
fn a_hook_changes_the_request() {
    let gateway = Hooked::start(Script {
        before: Some(|event, request| {
            if event == "shop._table.orders.get.pre_process" {
                request.query.push(("filter".to_owned(), "id = 2".to_owned()));
                request.query.push(("fields".to_owned(), "id,status".to_owned()));
            }
            Ok(None)
        }),
        ..Script::default()
    });
    gateway
        .read("shop/_table/orders?fields=*", ONE_TABLE)
        .is_ok(r#"{"resource":[{"id":2,"status":"paid"}]}"#);
    gateway.read("shop/_table/orders/3?fields=id", ONE_TABLE).is_ok(r#"{"id":3}"#);
}

#[test]
fn permission_is_asked_again_for_a_changed_request() {
    let gateway = Hooked::start(Script {
        before: Some(|event, request| {
            if event == "shop._table.{table_name}.get.pre_process" {
                request.resource = vec!["_table".to_owned(), "customers".to_owned()];
                request.query = vec![("count_only".to_owned(), "true".to_owned())];
            }
            Ok(None)
        }),
        ..Script::default()
    });
    gateway.read("shop/_table/orders", READER).is_ok("4");
    assert_eq!(
        gateway.seen()[1..],
        [
            // The names of the events are those of the request that was asked, until the operation has begun.
            "shop._table.orders.get.pre_process".to_owned(),
            "shop._table.{table_name}.get.post_process".to_owned(),
            "shop._table.customers.get.post_process".to_owned(),
        ]
    );
    gateway.read("shop/_table/orders", ONE_TABLE).is_error(401, "Unauthorized. User is not authenticated.");
}

#[test]
fn a_changed_request_that_makes_no_sense_is_refused() {
    let gateway = Hooked::start(Script {
        before: Some(|_, request| {
            request.body = Some(json!(["no object"]));
            Ok(None)
        }),
        ..Script::default()
    });
    gateway.read("shop/_table/orders", READER).is_error(400, "The body must be a JSON object.");
}

#[test]
fn a_hook_answers_in_the_place_of_the_operation() {
    let gateway = Hooked::start(Script {
        before: Some(|event, _| {
            let is_generic = event == "shop._table.{table_name}.get.pre_process";
            Ok(is_generic.then(|| HookAnswer { status: 202, body: Bytes::from_static(b"{\"queued\":true}") }))
        }),
        ..Script::default()
    });
    let answer = gateway.read("shop/_table/does_not_exist", READER);
    answer.is(202, r#"{"queued":true}"#);
    let events: Vec<String> = gateway.seen();
    let ends: Vec<&str> = events.iter().map(|event| event.rsplit('.').next().unwrap()).collect();
    assert_eq!(
        ends,
        ["pre_process", "pre_process", "post_process", "post_process"],
        "the others are sent all the same"
    );
}

#[test]
fn a_hook_changes_the_answer() {
    let gateway = Hooked::start(Script {
        after: Some(|event, answer| {
            let text = String::from_utf8(answer.body.to_vec()).unwrap();
            if event == "shop._table.orders.get.post_process" {
                answer.body = text.replace("paid", "PAID").into();
            }
            if event == "shop._table.orders.{id}.get.post_process" {
                answer.status = 203;
            }
            Ok(())
        }),
        ..Script::default()
    });
    gateway
        .read("shop/_table/orders?ids=2,1&fields=status", READER)
        .is_ok(r#"{"resource":[{"status":"PAID"},{"status":"new"}]}"#);
    gateway.read("shop/_table/orders/2?fields=status", READER).is(203, r#"{"status":"paid"}"#);
}

#[test]
fn a_hook_sees_json_whatever_form_is_asked_for() {
    let gateway = Hooked::start(Script {
        after: Some(|_, answer| {
            let text = String::from_utf8(answer.body.to_vec()).unwrap();
            assert!(text.starts_with(r#"{"resource":[{"id":"#), "{text}");
            answer.body = text.replace("{\"id\":1},", "").into();
            Ok(())
        }),
        ..Script::default()
    });
    let read = |query: &str| gateway.read(&format!("shop/_table/orders?fields=id&limit=3&{query}"), READER);
    read("accept=text/csv").is_ok("id\n2\n3\n");
    read("accept=application/x-ndjson").is_ok("{\"id\":2}\n{\"id\":3}\n");
    read("wrap=false").is_ok(r#"[{"id":2},{"id":3}]"#);
}

#[test]
fn errors_keep_the_wrapper_although_a_hook_looks_at_the_answers() {
    let more = "[answers]\nresources_wrapper = \"rows\"";
    let gateway = Hooked::start_on(setup(&format!("{CONFIG}\n{more}")), Script::default());
    let answer = gateway.read("shop/_table/orders?fields=id&ids=1,99", READER).json();
    assert_eq!(answer["error"]["context"]["rows"][0], json!({ "id": 1 }));
    gateway.read("shop/_table/orders?fields=id&limit=1", READER).is_ok(r#"{"rows":[{"id":1}]}"#);
    let customers = request("POST", "/api/v2/shop/_table/customers").key("key-of-customers");
    let message = customers.body("[]").send(gateway.gateway.address).json()["error"]["message"].to_string();
    assert!(message.contains("wrapped in a 'rows' tag"), "{message}");
}

#[test]
fn a_hook_refuses() {
    let refuse: Before = |_, _| Err(ApiError::from_hook(418, "not \"today\""));
    let gateway = Hooked::start(Script { before: Some(refuse), ..Script::default() });
    gateway.read("shop/_table/orders", READER).is_error(418, "not &quot;today&quot;");
    assert_eq!(gateway.seen(), ["shop._table.{table_name}.get.pre_process"], "nothing comes behind it");

    let gateway = Hooked::start(Script {
        after: Some(|_, _| Err(ApiError::from_hook(403, "hidden"))),
        ..Script::default()
    });
    gateway.read("shop/_table/orders", READER).is_error(403, "hidden");
}

#[test]
fn a_hook_that_listens_to_nothing_is_not_called() {
    let gateway = Hooked::start(Script {
        is_deaf: true,
        before: Some(|_, _| Err(ApiError::from_hook(418, "called"))),
        after: Some(|_, _| Err(ApiError::from_hook(418, "called"))),
        ..Script::default()
    });
    gateway.read("shop/_table/orders?count_only=1", READER).is_ok("5");
    request("POST", "/api/v2/shop/_table/orders")
        .header("X-HTTP-Method", "GET")
        .with("count_only", 1)
        .key(READER)
        .send(gateway.gateway.address)
        .is_ok("5");
    assert_eq!(gateway.seen(), Vec::<String>::new());
}

#[test]
fn a_hook_may_change_the_records_of_a_write() {
    let before: Before = |event, request| {
        if event == "shop._table.customers.post.pre_process" {
            request.body = Some(json!({ "resource": [{ "name": "Flo", "country": "IT" }] }));
        }
        Ok(None)
    };
    let gateway = Hooked::start(Script { before: Some(before), ..Script::default() });
    let target = "/api/v2/shop/_table/customers?fields=*";
    // Not even its form was right before.
    let sent = request("POST", target).key("key-of-customers").body(json!({ "name": "Eve" }));
    sent.send(gateway.gateway.address)
        .is_ok(r#"{"resource":[{"id":5,"name":"Flo","country":"IT","referred_by":null}]}"#);
}

#[test]
fn an_answer_that_a_hook_wants_to_see_has_a_largest_size() {
    let gateway = Hooked::start_on(
        streaming::setup("[server]\nmax_body_size = \"64KiB\"\n"),
        Script { after: Some(|_, _| Ok(())), ..Script::default() },
    );
    assert_eq!(gateway.read("big/_table/endless?limit=20", READER).status, 200);
    gateway.read("big/_table/endless?limit=200", READER).is_error(
        400,
        "An event script wants to see this answer as a whole, and it is larger than the 65536 bytes that this server holds; ask for fewer rows \
         or fields.",
    );
}
