//! Addresses to handlers. Everything under `/api` goes one way: input, caller, pipeline, answer.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request as HttpRequest, State};
use axum::http::{HeaderValue, Method, Response, header::HeaderName};
use serde_json::{Value as Json, json};

use super::health::{Readiness, health, ready};
use super::input::Input;
use super::{answer, request_id, session};
use crate::auth::{Credentials, Sources, authenticate};
use crate::error::ApiError;
use crate::events;
use crate::hooks::HookRequest;
use crate::operation::component;
use crate::pipeline::{self, Answer, Request};
use crate::roles::{self, Caller, Verb};
use crate::snapshot::Snapshot;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What the handlers share. The snapshot is swapped as a whole on reload.
#[derive(Clone)]
struct Shared {
    snapshot: Arc<ArcSwap<Snapshot>>,
    readiness: Arc<Readiness>,
}

/// All addresses of the server.
pub fn router(snapshot: Arc<ArcSwap<Snapshot>>) -> Router {
    Router::new().fallback(any).with_state(Shared { snapshot, readiness: Arc::default() })
}

/// Answers a request, with its id in a header and a line in the log. Probes come every few seconds and are not worth a line.
async fn any(State(shared): State<Shared>, request: HttpRequest) -> Response<Body> {
    let began = Instant::now();
    let snapshot = shared.snapshot.load_full();
    let id = request_id::of(request.headers());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let probe = probe(&path);
    let answered = match probe {
        Some(_) if !matches!(method, Method::GET | Method::HEAD) => Err(ApiError::read_only(&method)),
        Some(Probe::Health) => Ok(health()),
        Some(Probe::Ready) => ready(&shared.readiness, &snapshot).await,
        None => {
            let limited = tokio::time::timeout(snapshot.request_timeout, api(&snapshot, request, &id)).await;
            limited.unwrap_or_else(|_| Err(ApiError::timed_out()))
        }
    };
    let mut response = match answered {
        Ok(answer) => answer::ok(answer),
        Err(error) => answer::failed(&error, snapshot.plain_errors),
    };
    if method == Method::HEAD {
        response = answer::without_body(response);
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    if probe.is_none() {
        events::answered(&id, method.as_str(), &path, response.status().as_u16(), began.elapsed());
    }
    response
}

/// What is asked by those who watch the process.
#[derive(Clone, Copy)]
enum Probe {
    Health,
    Ready,
}

fn probe(path: &str) -> Option<Probe> {
    match path {
        "/health" => Some(Probe::Health),
        "/ready" => Some(Probe::Ready),
        _ => None,
    }
}

async fn api(snapshot: &Arc<Snapshot>, request: HttpRequest, id: &Arc<str>) -> Result<Answer, ApiError> {
    let input = Input::read(request, snapshot.max_body_size).await?;
    let service = input.address.service.clone().unwrap_or_default();
    let path = component(&input.address.resource);
    let credentials = credentials(&input, &service, &path);
    let caller = authenticate(&credentials, &snapshot.auth, SystemTime::now()).await?;
    match (service.as_str(), path.as_str()) {
        ("", _) if input.verb != Verb::Get => Err(ApiError::read_only(input.verb)),
        ("", _) => Ok(Answer::json(discovery(snapshot, &caller, &input).to_string())),
        ("system", session::COMPONENT) => {
            roles::decide(&caller, &service, &path, input.verb)?;
            session::handle(&input, snapshot.auth.accounts(), &credentials, caller.role.as_deref()).await
        }
        _ => {
            let Input { verb, address, query, body, .. } = input;
            let what = HookRequest { verb, service, resource: address.resource, query, body };
            pipeline::run(snapshot, Request { what, records: None, caller, id: Arc::clone(id) }).await
        }
    }
}

fn credentials<'a>(input: &'a Input, service: &'a str, path: &'a str) -> Credentials<'a> {
    Credentials::extract(&Sources {
        verb: input.verb,
        target: (service, path),
        header: &|name| input.header(name),
        query: &|name| input.parameter(name),
        body: Some(&|name| input.body_text(name)),
    })
}

/// `GET /api/v2`: services that the caller may touch, and all service types.
fn discovery(snapshot: &Snapshot, caller: &Caller, input: &Input) -> Json {
    let of = |name: &str| input.parameter(name).filter(|text| !text.is_empty());
    let (wanted_type, wanted_group) = (of("type"), of("group"));
    let types: Vec<_> = snapshot
        .registry
        .connectors()
        .iter()
        .flat_map(|connector| &connector.descriptor().service_types)
        .filter(|known| wanted_type.is_none_or(|wanted| known.name == wanted))
        .filter(|known| wanted_group.is_none_or(|wanted| known.group.eq_ignore_ascii_case(wanted)))
        .collect();
    let services = snapshot.sorted_services().into_iter().filter(|service| {
        let is_wanted = (wanted_type.is_none() && wanted_group.is_none())
            || types.iter().any(|known| known.name == service.settings().service_type);
        is_wanted && service.is_active() && roles::may_touch(caller, service.name())
    });
    let services: Vec<Json> = services.map(|service| service_row(service, of("fields"))).collect();
    let types: Vec<Json> = types
        .iter()
        .map(|known| json!({ "name": known.name, "label": known.label, "group": known.group, "description": known.description }))
        .collect();
    json!({ "services": services, "service_types": types })
}

fn service_row(service: &crate::services::Service, fields: Option<&str>) -> Json {
    let settings = service.settings();
    let mut row = json!({
        "id": service.id(),
        "name": settings.name,
        "label": settings.label,
        "description": settings.description,
        "type": settings.service_type,
    });
    if let (Some(fields), Json::Object(members)) = (fields.filter(|fields| *fields != "*"), &mut row) {
        let wanted: Vec<&str> = fields.split(',').map(str::trim).collect();
        members.retain(|name, _| wanted.contains(&name.as_str()));
    }
    row
}
