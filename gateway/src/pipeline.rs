//! The way of one request, in one direction, no step skipped. Steps have their rooms; only their order stands here.
//!
//! ```text
//! http       bytes → method, path, parameters, body, credentials
//! auth       credentials → caller
//! permit     caller + service + component + verb → allowed, or a denial
//! limits     no limit per caller exists; its place is behind permit, before anything costs
//! request    text → typed operation
//! once       a keyed request that was done already is answered as it was then
//! before     hooks on {event}.pre_process; permit and request again if a hook changed something
//! operation  catalogue → plan → connector → response (relations will be planned as operations of their own)
//! after      hooks on {event}.post_process; they see JSON, whatever form the caller wants
//! ```
//!
//! Whoever calls from inside (a hook's script, a relation, a batch) enters at [`run`], so at permit: never below the plan.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use axum::http::StatusCode;
use bytes::{Bytes, BytesMut};
use futures_core::Stream;

use crate::error::{self, ApiError};
use crate::hooks::{HookAnswer, HookRequest, Hooks, event_names};
use crate::idempotency::{Begun, Digest, Kept, Key, digest};
use crate::operation::{self, Operation, Transaction, Within};
pub use crate::request::Record;
use crate::request::media::Media;
use crate::request::{Bounds, Conditions, Version};
use crate::response::Layout;
use crate::roles::{self, Caller, Denial, Verb};
use crate::snapshot::Snapshot;
use crate::trail::Trail;

/// A permitted-or-not request with everything that deciding and doing need.
pub struct Request {
    /// What shall be done, in the form that hooks may change.
    pub what: HookRequest,
    /// The records of a write, where they come as a stream; the body of `what` is `None` then, so no hook sees them.
    pub records: Option<RecordStream>,
    /// The values of the records are texts, of whatever type they are meant: they came as CSV, XML or a form.
    pub are_texts: bool,
    /// Who asks.
    pub caller: Caller,
    /// For logs, and for connectors to log with.
    pub id: Arc<Trail>,
    /// How the answer shall look.
    pub layout: Layout,
    /// On which version of its row it shall be done.
    pub conditions: Conditions,
    /// The caller's name for it, under which it is done once.
    pub key: Option<Key>,
    /// What it is done together with; `None`: it stands alone, as everything from outside does.
    pub transaction: Option<Transaction>,
    /// Which record it writes related records of; `None`: of none, as everything from outside does.
    pub within: Option<Within>,
}

/// Records of a write, in order, each read from the socket when it is asked for.
pub type RecordStream = Pin<Box<dyn Stream<Item = Result<Record, ApiError>> + Send>>;

/// Bytes of an answer, in order.
pub type ChunkStream = Pin<Box<dyn Stream<Item = Result<Bytes, ApiError>> + Send>>;

/// An answer that went well.
pub struct Answer {
    /// HTTP status.
    pub status: StatusCode,
    /// How many rows match in all, where the request asked for it.
    pub total: Option<u64>,
    /// The version of the one row that it is about.
    pub version: Option<Version>,
    /// It was the answer of an earlier request with the same key.
    pub is_replayed: bool,
    /// Its content.
    pub body: AnswerBody,
}

/// The content of an answer.
pub enum AnswerBody {
    /// JSON, whatever layout is wanted: whoever sends it converts it.
    Json(Bytes),
    /// In the layout of the request already.
    Ready(Bytes),
    /// The same, more than one batch of rows: as it comes.
    Streamed(ChunkStream),
}

impl AnswerBody {
    /// All of it; `None`: it has more bytes than this.
    ///
    /// # Errors
    /// What comes up while it is made.
    pub(crate) async fn collected(self, limit: usize) -> Result<Option<Bytes>, ApiError> {
        let mut chunks = match self {
            Self::Json(body) | Self::Ready(body) => return Ok((body.len() <= limit).then_some(body)),
            Self::Streamed(chunks) => chunks,
        };
        let mut body = BytesMut::new();
        while let Some(chunk) = std::future::poll_fn(|context| chunks.as_mut().poll_next(context)).await {
            body.extend_from_slice(&chunk?);
            if body.len() > limit {
                return Ok(None);
            }
        }
        Ok(Some(body.freeze()))
    }
}

impl Answer {
    /// An answer that went well.
    #[must_use]
    pub fn new(body: AnswerBody) -> Self {
        Self { status: error::OK, total: None, version: None, is_replayed: false, body }
    }

    /// All of it, in JSON.
    pub fn json(body: impl Into<Bytes>) -> Self {
        Self::new(AnswerBody::Json(body.into()))
    }
}

/// Runs a request.
///
/// # Errors
/// Whatever refuses it on the way.
pub async fn run(snapshot: &Arc<Snapshot>, mut request: Request) -> Result<Answer, ApiError> {
    request.id.planning();
    let operation = permitted(&request.caller, &request.what, snapshot.bounds)?;
    match request.key.take() {
        Some(key) => once(snapshot, &key, request, operation).await,
        None => perform(snapshot, request, operation).await,
    }
}

/// Does a keyed request, unless it was done already. It is done to its end even when the caller goes away: whoever asks again wants to
/// know what became of it.
async fn once(
    snapshot: &Arc<Snapshot>,
    key: &Key,
    mut request: Request,
    operation: Operation,
) -> Result<Answer, ApiError> {
    let (name, fingerprint) = identity(key, &request)?;
    let turn = match snapshot.idempotency.begin(name, fingerprint, Instant::now())? {
        Begun::Done(Ok(kept)) => return Ok(Answer { is_replayed: true, ..of_kept(kept) }),
        Begun::Done(Err(error)) => return Err(error.replayed()),
        Begun::New(turn) => turn,
    };
    // What is kept is JSON; everything else of the layout is told by the request itself.
    request.layout.media = Media::Json;
    let snapshot = Arc::clone(snapshot);
    let work = tokio::spawn(async move {
        let end = match perform(&snapshot, request, operation).await {
            Ok(answer) => keep(answer).await,
            Err(error) => Err(error),
        };
        turn.end(&end);
        end
    });
    work.await.map_err(|_| ApiError::internal())?.map(of_kept)
}

/// The digests by which a keyed request is known: who asks what with which key, and the whole of it.
fn identity(key: &Key, request: &Request) -> Result<(Digest, Digest), ApiError> {
    let Request { what, caller, .. } = request;
    if what.verb != Verb::Post {
        return Err(ApiError::key_elsewhere(what.verb));
    }
    if request.records.is_some() {
        return Err(ApiError::key_of_stream());
    }
    let app = caller.app.as_ref().map_or("", |app| &app.name);
    let user = caller.user.as_ref().map_or("", |user| &user.email);
    let path = operation::component(&what.resource);
    let service = what.service.as_str();
    let name = [app, user, service, path.as_str(), key.text()].map(str::as_bytes);
    let body = what.body.as_ref().map(ToString::to_string).unwrap_or_default();
    // A caller who logged in again in between is still the same.
    let query = what.query.iter().filter(|(name, _)| !matches!(name.as_str(), "api_key" | "session_token"));
    let query = query.flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]);
    let whole = [what.verb.word().as_bytes(), path.as_bytes(), body.as_bytes()].into_iter().chain(query);
    Ok((digest(name), digest(whole)))
}

async fn keep(answer: Answer) -> Result<Kept, ApiError> {
    let status = answer.status;
    Ok(Kept { status, body: hold(answer, u64::MAX).await?.body })
}

fn of_kept(kept: Kept) -> Answer {
    Answer { status: kept.status, ..Answer::json(kept.body) }
}

/// Does a permitted request.
async fn perform(
    snapshot: &Arc<Snapshot>,
    mut request: Request,
    mut operation: Operation,
) -> Result<Answer, ApiError> {
    let Some(hooks) = snapshot.hooks.clone() else {
        return operation::run(snapshot, &mut request, operation).await;
    };
    let given = before((hooks.as_ref(), snapshot.bounds), &mut request, &mut operation).await?;
    let listened = listened_to(hooks.as_ref(), &request.what);
    if !listened.is_empty() {
        request.layout.is_held = true;
    }
    let answer = match given {
        Some(answer) => whole(answer)?,
        None => operation::run(snapshot, &mut request, operation).await?,
    };
    after(hooks.as_ref(), &listened, &request.what, answer, snapshot.max_body_size).await
}

/// What the request asks, when its caller may ask it. A verb that is not granted is denied before anything is read of the request.
///
/// # Errors
/// A denial; a request that makes no sense.
pub(crate) fn permitted(caller: &Caller, what: &HookRequest, bounds: Bounds) -> Result<Operation, ApiError> {
    permit(caller, &what.service, &what.resource, what.verb)?;
    let operation = Operation::parse(what, bounds)?;
    if let Some(verb) = operation.further_verb() {
        permit(caller, &what.service, &what.resource, verb)?;
    }
    Ok(operation)
}

/// Whether the caller may do this with a resource. Of a batch each operation is decided when it enters here itself.
///
/// # Errors
/// Why not.
pub(crate) fn permit(caller: &Caller, service: &str, resource: &[String], verb: Verb) -> Result<(), Denial> {
    let component = operation::component(resource);
    if operation::is_batch(resource) {
        return roles::decide_by_parts(caller, service, &component, verb);
    }
    roles::decide(caller, service, &component, verb).map(drop)
}

/// The events before the operation. A hook's answer stands for the operation's, but later hooks still see the request.
async fn before(
    (hooks, bounds): (&dyn Hooks, Bounds),
    request: &mut Request,
    operation: &mut Operation,
) -> Result<Option<HookAnswer>, ApiError> {
    let mut given = None;
    for event in event_names(&request.what).map(|name| format!("{name}.pre_process")) {
        if !hooks.listens(&event) {
            continue;
        }
        let as_it_was = request.what.clone();
        given = hooks.before(&event, &mut request.what).await?.or(given);
        if request.what != as_it_was {
            *operation = permitted(&request.caller, &request.what, bounds)?;
        }
    }
    Ok(given)
}

/// The events after the operation that somebody wants.
fn listened_to(hooks: &dyn Hooks, request: &HookRequest) -> Vec<String> {
    let events = event_names(request).map(|name| format!("{name}.post_process"));
    events.into_iter().filter(|event| hooks.listens(event)).collect()
}

async fn after(
    hooks: &dyn Hooks,
    events: &[String],
    request: &HookRequest,
    answer: Answer,
    limit: u64,
) -> Result<Answer, ApiError> {
    if events.is_empty() {
        return Ok(answer);
    }
    let (total, version) = (answer.total, answer.version.clone());
    let mut held = hold(answer, limit).await?;
    let as_it_was = held.clone();
    for event in events {
        hooks.after(event, request, &mut held).await?;
    }
    // What a hook made of a row is no longer what its version names.
    let version = version.filter(|_| held == as_it_was);
    Ok(Answer { total, version, ..whole(held)? })
}

/// Holds an answer back, a streamed one up to so many bytes.
async fn hold(answer: Answer, limit: u64) -> Result<HookAnswer, ApiError> {
    let body = match answer.body {
        AnswerBody::Json(body) | AnswerBody::Ready(body) => body,
        streamed @ AnswerBody::Streamed(_) => {
            let held = streamed.collected(usize::try_from(limit).unwrap_or(usize::MAX)).await?;
            held.ok_or_else(|| ApiError::held_too_large(limit))?
        }
    };
    Ok(HookAnswer { status: answer.status.as_u16(), body })
}

fn whole(answer: HookAnswer) -> Result<Answer, ApiError> {
    Ok(Answer { status: error::status(answer.status)?, ..Answer::json(answer.body) })
}
