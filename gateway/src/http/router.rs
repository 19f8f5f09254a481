//! Addresses to handlers. Everything under `/api` goes one way: input, caller, pipeline, answer.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request as HttpRequest, State};
use axum::http::{HeaderValue, Response, header::HeaderName};
use axum::routing::get;
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
use crate::roles::{self, Caller};
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
    let shared = Shared { snapshot, readiness: Arc::default() };
    Router::new()
        .route("/health", get(async || health()))
        .route(
            "/ready",
            get(async |State(shared): State<Shared>| {
                ready(&shared.readiness, &shared.snapshot.load_full()).await
            }),
        )
        .fallback(any)
        .with_state(shared)
}

/// Answers a request, with its id in a header and a line in the log.
async fn any(State(shared): State<Shared>, request: HttpRequest) -> Response<Body> {
    let began = Instant::now();
    let snapshot = shared.snapshot.load_full();
    let id = request_id::of(request.headers());
    let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
    let limited = tokio::time::timeout(snapshot.request_timeout, api(&snapshot, request, &id)).await;
    let mut response = match limited.unwrap_or_else(|_| Err(ApiError::timed_out())) {
        Ok((answer, is_head)) if is_head => answer::without_body(answer::ok(answer)),
        Ok((answer, _)) => answer::ok(answer),
        Err(error) => answer::failed(&error, snapshot.plain_errors),
    };
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    events::answered(&id, &method, &path, response.status().as_u16(), began.elapsed());
    response
}

/// The answer, and whether its body is to be left out.
async fn api(
    snapshot: &Arc<Snapshot>,
    request: HttpRequest,
    id: &Arc<str>,
) -> Result<(Answer, bool), ApiError> {
    let input = Input::read(request, snapshot.max_body_size).await?;
    let is_head = input.is_head;
    let service = input.address.service.clone().unwrap_or_default();
    let path = component(&input.address.resource);
    let credentials = credentials(&input, &service, &path);
    let caller = authenticate(&credentials, &snapshot.auth, SystemTime::now()).await?;
    let answer = match (service.as_str(), path.as_str()) {
        ("", _) => Answer::json(discovery(snapshot, &caller, &input).to_string()),
        ("system", session::COMPONENT) => {
            roles::decide(&caller, &service, &path, input.verb)?;
            session::handle(&input, snapshot.auth.accounts(), &credentials, caller.role.as_deref()).await?
        }
        _ => {
            let Input { verb, address, query, body, .. } = input;
            let what = HookRequest { verb, service, resource: address.resource, query, body };
            pipeline::run(snapshot, Request { what, records: None, caller, id: Arc::clone(id) }).await?
        }
    };
    Ok((answer, is_head))
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
