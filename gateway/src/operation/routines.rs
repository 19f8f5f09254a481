//! Procedures and functions: their lists and descriptions, and the calls. A call is sent once, whatever comes of it, because what it does
//! is not known here.

mod answer;
mod gathered;
mod rows;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use connector_api::Error;
use connector_api::model::{Routine, RoutineKind};
use serde_json::{Map, Value as Json, json};

use self::rows::Rows;
use super::lists::{Wanted, words};
use super::{CallOrder, Job, Owner, component, lists};
use crate::error::ApiError;
use crate::pipeline::Answer;
use crate::plan;
use crate::request::{ListRead, RoutineCall};
use crate::roles::{Denial, Verb, VerbMask};
use crate::schema::describe_routine::{routine_object, routine_row};
use crate::schema::names::{lookup_key, natural_order, public_name};

/// The verbs that call.
const CALLING: [Verb; 2] = [Verb::Get, Verb::Post];
/// Those that may stand in a list.
const VERBS: [Verb; 5] = [Verb::Get, Verb::Post, Verb::Put, Verb::Patch, Verb::Delete];

/// The resource under which routines of this kind stand.
fn resource(kind: RoutineKind) -> &'static str {
    match kind {
        RoutineKind::Procedure => "_proc",
        RoutineKind::Function => "_func",
    }
}

/// `GET {service}/_proc` and `GET {service}/_func`: what the caller may call. With `ids` whole descriptions, of each overload one.
pub(super) async fn list(job: Job<'_>, kind: RoutineKind, list: &ListRead) -> Result<Answer, ApiError> {
    let owner = owner(job, list.refresh).await?;
    let wanted = Wanted::of(list);
    let mut visible = visible(job, &owner, kind).await?;
    visible.retain(|(routine, _)| wanted.has(&public_name(&routine.routine)));
    if list.ids.is_some() {
        let objects = visible.iter().map(|(routine, access)| routine_object(routine, bits(*access)));
        return Ok(Answer::json(json!({ "resource": objects.collect::<Vec<_>>() }).to_string()));
    }
    visible.dedup_by(|next, kept| next.0.routine == kept.0.routine);
    let row = |(routine, access): &(Arc<Routine>, VerbMask)| match routine_row(routine, words(*access)) {
        Json::Object(row) => row,
        _ => Map::new(),
    };
    Ok(lists::answer(visible.iter().map(row).collect(), list))
}

/// The names of the routines that the caller may call, each once.
pub(super) async fn names(job: Job<'_>, owner: &Owner, wanted: &str) -> Result<Vec<String>, ApiError> {
    let kinds = [RoutineKind::Procedure, RoutineKind::Function];
    let Some(kind) = kinds.into_iter().find(|kind| resource(*kind) == wanted) else { return Ok(Vec::new()) };
    let visible = visible(job, owner, kind).await?;
    let mut names: Vec<_> = visible.iter().map(|(routine, _)| public_name(&routine.routine)).collect();
    names.dedup();
    Ok(names)
}

/// The overloads that the caller may call, in the natural order of their names.
async fn visible(
    job: Job<'_>,
    owner: &Owner,
    kind: RoutineKind,
) -> Result<Vec<(Arc<Routine>, VerbMask)>, ApiError> {
    let known = owner.service.routines().list(&owner.source()).await.map_err(|error| owner.failed(error))?;
    let access = |routine: &Arc<Routine>| {
        let path = [resource(kind).to_owned(), public_name(&routine.routine)];
        (Arc::clone(routine), callable(job, &component(&path)))
    };
    let may_call = |access: VerbMask| CALLING.into_iter().any(|verb| access.contains(verb));
    let mut visible: Vec<_> = known.of(kind).map(access).filter(|(_, access)| may_call(*access)).collect();
    visible.sort_by(|(left, _), (right, _)| {
        natural_order(&public_name(&left.routine), &public_name(&right.routine))
            .then_with(|| left.routine.cmp(&right.routine))
    });
    Ok(visible)
}

/// What the caller may do with a routine. A grant with conditions on rows does not reach it: which rows it touches is not known, so they
/// could not be held.
fn callable(job: Job<'_>, component: &str) -> VerbMask {
    let granted = job.access(component);
    let is_free = |verb: &Verb| granted.contains(*verb) && !job.has_row_rules(component, *verb);
    VERBS.into_iter().filter(is_free).fold(VerbMask::NONE, |mask, verb| mask | verb.into())
}

fn bits(access: VerbMask) -> u8 {
    u8::try_from(access.bits() & 31).unwrap_or_default()
}

/// Refuses what no routine of this service can serve.
async fn owner(job: Job<'_>, is_refreshed: bool) -> Result<Owner, ApiError> {
    if job.transaction.is_some() {
        return Err(ApiError::unsupported("A procedure or function in a batch"));
    }
    let owner = job.owner(is_refreshed).await?;
    if owner.connection.capabilities().routines {
        return Ok(owner);
    }
    Err(ApiError::unsupported(
        "The database has no stored procedures and functions: what stands under _proc and _func",
    ))
}

/// `GET` and `POST` `{service}/_proc/{name}` or `_func/{name}`.
pub(super) async fn call(job: Job<'_>, order: CallOrder) -> Result<Answer, ApiError> {
    let CallOrder { verb, kind, name, call } = order;
    let path = component(&[resource(kind).to_owned(), name.clone()]);
    if job.has_row_rules(&path, verb) {
        let service = job.service.name().to_owned();
        return Err(Denial::ComponentForbidden { verb, component: path, service }.into());
    }
    let mut owner = owner(job, call.refresh).await?;
    let wanted = (kind, name.as_str());
    if call.is_described {
        return Ok(described(&overloads(&owner, wanted).await?, callable(job, &path)));
    }
    if call.is_rolled_back {
        return Err(ApiError::unsupported("The rollback of what a procedure or function does"));
    }
    for _ in 0..2 {
        if let Some((routine, rows)) = begin(job, &owner, (verb, wanted), &call).await? {
            return answer::of(job, owner, &routine, call, rows).await;
        }
        // Nothing was called. The list may be older than the routine as it is now.
        owner.not_before = Some(Instant::now());
    }
    Err(unknown(wanted))
}

fn unknown((kind, name): (RoutineKind, &str)) -> ApiError {
    match kind {
        RoutineKind::Procedure => ApiError::unknown_procedure(name),
        RoutineKind::Function => ApiError::unknown_function(name),
    }
}

async fn overloads(owner: &Owner, wanted: (RoutineKind, &str)) -> Result<Vec<Arc<Routine>>, ApiError> {
    let found = owner.service.routines().find(wanted, &owner.source()).await;
    let found = found.map_err(|error| owner.failed(error))?;
    if found.is_empty() { Err(unknown(wanted)) } else { Ok(found) }
}

/// One overload is described by itself, several are a list.
fn described(overloads: &[Arc<Routine>], access: VerbMask) -> Answer {
    let objects: Vec<_> = overloads.iter().map(|routine| routine_object(routine, bits(access))).collect();
    let body = if let [only] = objects.as_slice() { only.clone() } else { json!({ "resource": objects }) };
    Answer::json(body.to_string())
}

/// Calls, and waits until the answer begins. `None`: nothing was called, for there is no such routine any more.
async fn begin(
    job: Job<'_>,
    owner: &Owner,
    (verb, wanted): (Verb, (RoutineKind, &str)),
    call: &RoutineCall,
) -> Result<Option<(Arc<Routine>, Rows)>, ApiError> {
    let overloads = overloads(owner, wanted).await?;
    let routine = plan::overload(&overloads, &call.given)?;
    if verb == Verb::Get && !is_for_get(job, routine) {
        return Err(ApiError::call_by_get(public_name(&routine.routine)));
    }
    plan::check_wrapper(routine, call.wrapper.as_deref())?;
    let (shape, params) = {
        let lookup = |name: &str| job.caller.lookup(name).map(Cow::into_owned);
        plan::call(routine, &call.given, &lookup)?
    };
    let started = owner.connection.call_routine(&shape, &params.iter().collect(), owner.call_context()).await;
    let begun = match started {
        Ok(stream) => Rows::begin(stream).await,
        Err(error) => Err(error),
    };
    match begun {
        Ok(rows) => Ok(Some((Arc::clone(routine), rows))),
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => Err(owner.failed(error)),
    }
}

/// A connector says so of the routine itself before it calls it, and of nothing that happens inside.
fn is_gone(error: &Error) -> bool {
    error.reason.as_deref() == Some("routine_not_found")
}

fn is_for_get(job: Job<'_>, routine: &Routine) -> bool {
    let config = &job.service.settings().config;
    let name = lookup_key(&public_name(&routine.routine));
    routine.is_read_only
        || config.allow_get_calls
        || config.read_only_routines.iter().any(|listed| lookup_key(listed) == name)
}
