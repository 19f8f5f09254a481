//! Addresses to handlers. Everything under `/api` goes one way: input, caller, pipeline, answer.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use axum::body::Body;
use axum::http::header::{HeaderName, ORIGIN, STRICT_TRANSPORT_SECURITY};
use axum::http::{HeaderValue, Method, Request as HttpRequest, Response};
use serde_json::{Value as Json, json};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_http::compression::predicate::SizeAbove;
use tower_http::compression::{CompressionBody, CompressionLayer};
use tower_http::cors::CorsLayer;

use super::answer::{self, Failing};
use super::body::Limits;
use super::client::Misdirected;
use super::cors;
use super::delivery::Delivery;
use super::health::{Readiness, health, ready};
use super::input::{Head, Input};
use super::progress::{Lifetime, Progress};
use super::refusal::check_head;
use super::scrape;
use super::seen::{Seen, Watched, Watchers, watched};
use super::{request_id, session};
use crate::auth::{Credentials, Sources, authenticate};
use crate::error::ApiError;
use crate::hooks::HookRequest;
use crate::pipeline::{self, Answer, RecordStream, Request};
use crate::request::{Conditions, is_true};
use crate::response::Layout;
use crate::roles::{self, Caller, Denial, Verb};
use crate::settings::Errors;
use crate::snapshot::Snapshot;
use crate::trail::{Kind, Trail};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What the handlers share. The snapshot is swapped as a whole on reload.
#[derive(Clone)]
struct Shared {
    snapshot: Arc<ArcSwap<Snapshot>>,
    readiness: Arc<Readiness>,
    watchers: Watchers,
}

/// Bytes from which on an answer is worth compressing.
const WORTH_COMPRESSING: u64 = 1024;

/// What answers requests from outside.
pub trait Answering:
    Service<
        HttpRequest<Body>,
        Response = Response<Watched<CompressionBody<Body>>>,
        Error = Infallible,
        Future: Send + 'static,
    > + Clone
    + Send
    + 'static
{
}

impl<S> Answering for S where
    S: Service<
            HttpRequest<Body>,
            Response = Response<Watched<CompressionBody<Body>>>,
            Error = Infallible,
            Future: Send + 'static,
        > + Clone
        + Send
        + 'static
{
}

/// All addresses of the server. Answers are compressed with gzip where the other side can read it.
pub fn router(snapshot: Arc<ArcSwap<Snapshot>>, watchers: Watchers) -> impl Answering {
    let shared = Shared { snapshot, readiness: Arc::default(), watchers };
    let all = service_fn(move |request| {
        let shared = shared.clone();
        async move {
            let snapshot = shared.snapshot.load_full();
            let head = checked(&request, &snapshot);
            let is_preflight = head.is_ok() && cors::is_preflight(&request);
            match snapshot.cors.of(&request, is_preflight) {
                None => Ok(any(&shared, &snapshot, request, &head).await),
                // Boxed, so that requests without a layer do not carry its room.
                Some(layer) if is_preflight => Box::pin(preflight(&shared, &snapshot, request, layer)).await,
                Some(layer) => {
                    let inner = service_fn(|request| async {
                        Ok::<_, Infallible>(any(&shared, &snapshot, request, &head).await)
                    });
                    Box::pin(layer.layer(inner).oneshot(request)).await
                }
            }
        }
    });
    let compression = CompressionLayer::new().compress_when(SizeAbove::new(WORTH_COMPRESSING));
    compression.layer(all).map_response(|response| watched(answer::mark_compressed(response)))
}

/// What may be looked at: heads that came by TLS where there is TLS, and are no larger than the settings allow.
fn checked(request: &HttpRequest<Body>, snapshot: &Snapshot) -> Result<(), ApiError> {
    if snapshot.tls.is_some() && request.extensions().get::<Misdirected>().is_some() {
        return Err(ApiError::not_encrypted());
    }
    check_head(request, &snapshot.server)
}

/// Probes come every few seconds and are seen by nobody.
fn seen(request: &HttpRequest<Body>, id: &Arc<Trail>, watchers: &Watchers) -> Option<Arc<Seen>> {
    probe(request.uri().path()).is_none().then(|| Seen::of(request, id, watchers))
}

/// Tells a browser what a page of another origin may send.
async fn preflight(
    shared: &Shared,
    snapshot: &Snapshot,
    request: HttpRequest<Body>,
    layer: CorsLayer,
) -> Result<Response<Body>, Infallible> {
    let id = request_id::of(request.headers());
    let seen = seen(&request, &id, &shared.watchers);
    let (origin, path) = (request.headers().get(ORIGIN).cloned(), request.uri().path().to_owned());
    // The layer asks nobody.
    let nobody = service_fn(|_| async { Ok::<_, Infallible>(Response::new(Body::empty())) });
    let response = layer.layer(nobody).oneshot(request).await?;
    Ok(sent(cors::preflighted(response, origin.as_ref(), &path), &id, snapshot, seen))
}

/// Answers a request whose head was checked.
async fn any(
    shared: &Shared,
    snapshot: &Arc<Snapshot>,
    request: HttpRequest<Body>,
    head: &Result<(), ApiError>,
) -> Response<Body> {
    let id = request_id::of(request.headers());
    let method = request.method().clone();
    let lifetime = snapshot.server.max_request_time.map(Lifetime::new);
    let seen = seen(&request, &id, &shared.watchers);
    let mut delivery = Delivery::default();
    let answered = match (head, probe(request.uri().path())) {
        (Err(error), _) => Err(error.clone()),
        (Ok(()), Some(_)) if !matches!(method, Method::GET | Method::HEAD) => {
            Err(ApiError::read_only(&method))
        }
        (Ok(()), Some(Probe::Health)) => Ok(health()),
        (Ok(()), Some(Probe::Ready)) => ready(&shared.readiness, snapshot).await,
        (Ok(()), Some(Probe::Metrics)) => {
            let metrics = &shared.watchers.metrics;
            let text = scrape::metrics(metrics, &shared.snapshot, request.headers()).await;
            text.inspect(|_| delivery.offer = &scrape::TEXT)
        }
        (Ok(()), None) => api(snapshot, (request, lifetime), (&id, seen.as_deref()), &mut delivery).await,
    };
    let Errors { plain, strict } = snapshot.errors;
    let failing = Failing { plain, id: Arc::clone(&id), lifetime };
    let mut response = answered
        .map_err(|error| if strict { error } else { error.relaxed() })
        .and_then(|answer| answer::ok(answer, &delivery, failing))
        .unwrap_or_else(|error| answer::failed(&error, &delivery, plain));
    if method == Method::HEAD {
        response = answer::without_body(response);
    }
    sent(response, &id, snapshot, seen)
}

/// An answer on its way, with what each has: the id of its request, and that the next one comes by TLS.
fn sent(
    mut response: Response<Body>,
    id: &str,
    snapshot: &Snapshot,
    seen: Option<Arc<Seen>>,
) -> Response<Body> {
    if let Ok(value) = HeaderValue::from_str(id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    if let Some(hsts) = snapshot.tls.as_ref().and_then(|tls| tls.hsts.clone()) {
        response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, hsts);
    }
    if let Some(seen) = seen {
        seen.answered(&mut response);
    }
    response
}

/// What is asked by those who watch the process.
#[derive(Clone, Copy)]
enum Probe {
    Health,
    Ready,
    Metrics,
}

fn probe(path: &str) -> Option<Probe> {
    match path {
        "/health" => Some(Probe::Health),
        "/ready" => Some(Probe::Ready),
        "/metrics" => Some(Probe::Metrics),
        _ => None,
    }
}

/// `delivery` is set as soon as it is known, so that errors are sent as they are wanted, too.
async fn api(
    snapshot: &Arc<Snapshot>,
    (request, lifetime): (HttpRequest<Body>, Option<Lifetime>),
    (id, seen): (&Arc<Trail>, Option<&Seen>),
    delivery: &mut Delivery,
) -> Result<Answer, ApiError> {
    let (parts, body) = request.into_parts();
    let head = Head::read(parts)?;
    if let Some(seen) = seen {
        seen.is_about(&head, snapshot);
    }
    let wants_times = head.parameter("timing").is_some_and(is_true);
    if wants_times {
        id.watch();
    }
    let negotiated = Delivery::of(&head, &snapshot.answers);
    if let Ok(wanted) = &negotiated {
        delivery.clone_from(wanted);
    }
    let mut conditions = head.conditions()?;
    if head.verb == Verb::Get {
        delivery.held = conditions.if_none_match.take();
    }
    let progress = Progress::new();
    // Passed on by reference: a future that is an argument takes its room twice, and all of it is moved with the request.
    let answer = pin!(async {
        let began = id.begin();
        let by_head = ByHead::of(snapshot, &head).await;
        id.end(Kind::Auth, began);
        if let Some(seen) = seen.filter(|_| wants_times && by_head.denial.is_none()) {
            seen.show_times();
        }
        let document = by_head.max_document(snapshot.max_body_size);
        let limits = Limits { document, stream: snapshot.max_stream_size };
        let wrapper = &snapshot.answers.wrapper;
        let read = Input::read(head, body, limits, progress.clone(), wrapper).await;
        let (input, records) = read.map_err(|error| by_head.refusal(error))?;
        let layout = negotiated.map(|delivery| delivery.layout);
        handle(snapshot, input, Wanted { records, conditions, layout, by_head }, id).await
    });
    progress.within(snapshot.request_timeout, lifetime, answer).await
}

/// The largest body, in bytes, that is read of a caller who is not known by the head of the request: credentials may stand in it.
const UNPROVEN_BODY: u64 = 64 * 1024;

/// Who calls, as far as the head of a request tells it, before anything is spent on the body.
struct ByHead {
    verb: Verb,
    caller: Result<Caller, Denial>,
    /// Why this caller may not do it.
    denial: Option<Denial>,
}

impl ByHead {
    async fn of(snapshot: &Snapshot, head: &Head) -> Self {
        let Head { verb, address, .. } = head;
        let service = address.service.as_deref().unwrap_or_default();
        let credentials = credentials(head, None, (service, &address.component));
        let caller = authenticate(&credentials, &snapshot.auth, SystemTime::now()).await;
        let denial = match &caller {
            Ok(caller) => pipeline::permit(caller, service, &address.resource, *verb).err(),
            Err(denial) => Some(denial.clone()),
        };
        Self { verb: *verb, caller, denial }
    }

    fn max_document(&self, most: u64) -> u64 {
        // A login is open to all.
        let is_known = self.caller.as_ref().is_ok_and(|caller| caller.app.is_some() || caller.user.is_some());
        if is_known && self.denial.is_none() { most } else { most.min(UNPROVEN_BODY) }
    }

    /// Who may not ask hears that, whatever is wrong with the body.
    fn refusal(&self, error: ApiError) -> ApiError {
        self.denial.clone().map_or(error, ApiError::from)
    }
}

/// What a request says besides its target and its document.
struct Wanted {
    records: Option<RecordStream>,
    conditions: Conditions,
    /// An error: nothing that can be sent is accepted.
    layout: Result<Layout, ApiError>,
    by_head: ByHead,
}

/// A write whose answer the caller accepts in no form is not even begun. A read is: its errors are told in JSON, whatever is accepted.
async fn handle(
    snapshot: &Arc<Snapshot>,
    input: Input,
    wanted: Wanted,
    id: &Arc<Trail>,
) -> Result<Answer, ApiError> {
    let Wanted { records, conditions, layout, by_head } = wanted;
    let Head { verb, address, .. } = &input.head;
    let (verb, service) = (*verb, address.service.clone().unwrap_or_default());
    let caller = caller(snapshot, &input, by_head).await?;
    let unacceptable = match layout {
        Ok(layout) => {
            return answer(snapshot, input, (caller, id), Form { records, conditions, layout }).await;
        }
        Err(unacceptable) => unacceptable,
    };
    if verb == Verb::Get {
        let form = Form { records, conditions, layout: Layout::default() };
        answer(snapshot, input, (caller, id), form).await?;
    } else if !service.is_empty() {
        pipeline::permit(&caller, &service, &address.resource, verb)?;
    }
    Err(unacceptable)
}

/// Who calls, by the whole request.
async fn caller(snapshot: &Snapshot, input: &Input, by_head: ByHead) -> Result<Caller, Denial> {
    let Head { verb, address, .. } = &input.head;
    // Without a body the head says it all.
    if input.body.is_none() && by_head.verb == *verb {
        return by_head.caller;
    }
    let target = (address.service.as_deref().unwrap_or_default(), address.component.as_str());
    let all = credentials(&input.head, Some(input), target);
    if by_head.verb == *verb && all == credentials(&input.head, None, target) {
        return by_head.caller;
    }
    authenticate(&all, &snapshot.auth, SystemTime::now()).await
}

/// A request besides its target and its document, whose answer has a form.
struct Form {
    records: Option<RecordStream>,
    conditions: Conditions,
    layout: Layout,
}

async fn answer(
    snapshot: &Arc<Snapshot>,
    input: Input,
    (caller, id): (Caller, &Arc<Trail>),
    form: Form,
) -> Result<Answer, ApiError> {
    let Form { records, conditions, layout } = form;
    let Head { verb, address, .. } = &input.head;
    let (verb, service) = (*verb, address.service.clone().unwrap_or_default());
    match (service.as_str(), address.component.as_str()) {
        ("", _) if verb != Verb::Get => Err(ApiError::read_only(verb)),
        ("", _) => Ok(Answer::json(discovery(snapshot, &caller, &input.head).to_string())),
        ("system", session::COMPONENT) => {
            let path = address.component.as_str();
            roles::decide(&caller, &service, path, verb)?;
            let credentials = credentials(&input.head, Some(&input), (&service, path));
            session::handle(&input, snapshot.auth.accounts(), &credentials, caller.role.as_deref()).await
        }
        _ => {
            let key = input.head.key()?;
            let Input { head: Head { address, query, .. }, body, are_texts } = input;
            let what = HookRequest { verb, service, resource: address.resource, query, body };
            let id = Arc::clone(id);
            let (transaction, within) = (None, None);
            let request = Request {
                what,
                records,
                are_texts,
                caller,
                id,
                layout,
                conditions,
                key,
                transaction,
                within,
            };
            pipeline::run(snapshot, request).await
        }
    }
}

/// The credentials in the head of a request, and in its body where that is given, too.
fn credentials<'a>(head: &'a Head, body: Option<&'a Input>, target: (&'a str, &'a str)) -> Credentials<'a> {
    Credentials::extract(&Sources {
        verb: head.verb,
        target,
        header: &|name| head.header(name),
        query: &|name| head.parameter(name),
        body: Some(&|name| body?.body_text(name)),
    })
}

/// `GET /api/v2`: services that the caller may touch, and all service types.
fn discovery(snapshot: &Snapshot, caller: &Caller, head: &Head) -> Json {
    let of = |name: &str| head.parameter(name).filter(|text| !text.is_empty());
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
