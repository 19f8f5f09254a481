//! A connector that lies, for the tests of the behaviour suite: it hands each call to an honest library, and what it changes on the way is
//! the lie. Honest with an empty list of lies.
//!
//! A service of the type `chaos_NN_liar` has in its configuration `library`, the path of the honest one; `type`, a service type of that;
//! `lies`, a list of [`Lie`]; and what the honest service is configured with.

use std::collections::HashMap;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};

use connector_api::abi::{Buffer, Call, CallParts, HostApi, Module, PollStep, Slice, Step};
use connector_api::author::Error;
use connector_api::model::{OpenRequest, Opened, Operation};
use serde::Deserialize;
use serde_json::{Value as Json, json};

/// The end of the name of its service type.
pub(crate) const SUFFIX: &str = "_liar";

/// Set in the numbers of its services, which those of the kit never reach.
const MINE: u64 = 1 << 62;

/// The most bytes of parameters and records that [`Lie::Parameters`] can take.
const FEW_BYTES: usize = 4_096;

/// What it says and does not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Lie {
    /// Declares `order` and does not sort.
    Order,
    /// Declares `filter_not` and takes unknown for false.
    Not,
    /// Declares `transactions` and commits each write at once.
    Transactions,
    /// Says that one row more was touched.
    Affected,
    /// Declares `on_error_atomic` and leaves what stood before the failed record.
    Atomic,
    /// Declares 1,000 parameters and can't take them.
    Parameters,
    /// Does not read members that it does not know.
    Unknown,
    /// Declares `row_rules` and ignores them.
    Rules,
    /// Does not declare `count` and counts.
    Count,
    /// Declares `offset` and ignores it.
    Offset,
    /// Declares `distinct` and gives rows twice.
    Distinct,
    /// Declares `order_nulls` and puts nulls where it likes.
    Nulls,
    /// Never answers a query that has an order.
    Hang,
    /// As that, and answers nothing else from then on.
    Die,
}

static HOST: OnceLock<(HostApi, u32)> = OnceLock::new();
static HONEST: OnceLock<Module> = OnceLock::new();
static LIES: Mutex<Option<HashMap<u64, Vec<Lie>>>> = Mutex::new(None);

/// Keeps what the honest library will be given.
pub(crate) fn initialize(host: HostApi, level: u32) {
    // Called once; a second host would be the same.
    let _ = HOST.set((host, level));
}

/// Opens a service of the honest library; `None`: not a service of this type.
pub(crate) fn open(request: &[u8]) -> Option<Call> {
    let request: OpenRequest = serde_json::from_slice(request).ok()?;
    request.service_type.ends_with(SUFFIX).then(|| match honest(request) {
        Ok((call, lies)) => Call::new(Forwarded { call: Box::pin(call), change: Change::Opened(lies) }),
        Err(what) => Call::new(Refused(what)),
    })
}

fn honest(mut request: OpenRequest) -> Result<(Call, Vec<Lie>), String> {
    let mut taken = |name: &str| {
        request
            .config
            .as_object_mut()
            .and_then(|config| config.remove(name))
            .ok_or(format!("{name} is missing"))
    };
    let (library, service_type, lies) = (taken("library")?, taken("type")?, taken("lies")?);
    let lies: Vec<Lie> = serde_json::from_value(lies).map_err(|error| error.to_string())?;
    request.service_type = service_type.as_str().unwrap_or_default().to_owned();
    let module = match HONEST.get() {
        Some(module) => *module,
        None => {
            let module = Module::load(Path::new(library.as_str().unwrap_or_default()));
            let module = module.map_err(|error| error.message)?;
            let (host, level) = HOST.get().copied().ok_or("there is no host")?;
            module.initialize(host, level).then_some(()).ok_or("it is not ready")?;
            *HONEST.get_or_init(|| module)
        }
    };
    let request = serde_json::to_vec(&request).map_err(|error| error.to_string())?;
    Ok((module.open(&request), lies))
}

/// Closes a service; false: not one of this type.
pub(crate) fn close(service: u64) -> bool {
    if service & MINE == 0 {
        return false;
    }
    if let Some(module) = HONEST.get() {
        module.close(service & !MINE);
    }
    true
}

/// Hands a call on, changed as the lies of the service say; `None`: not a service of this type.
pub(crate) fn call(service: u64, operation: u32, parts: [Slice<'_>; 3]) -> Option<Call> {
    let module = HONEST.get().filter(|_| service & MINE != 0)?;
    let lies = LIES.lock().unwrap_or_else(PoisonError::into_inner);
    let lies = lies.as_ref().and_then(|lies| lies.get(&service)).cloned().unwrap_or_default();
    let [head, context, body] = parts.map(|part| part.as_bytes().to_vec());
    if lies.contains(&Lie::Parameters) && body.len() > FEW_BYTES {
        return Some(Call::new(Refused("too many parameters for me".to_owned())));
    }
    let (mut head, mut context) = (parsed(&head), parsed(&context));
    if is_unanswered(&lies, &head) {
        return Some(Call::new(Unanswered));
    }
    for lie in &lies {
        change(*lie, operation, &mut head, &mut context);
    }
    let (head, context) = (written(&head), written(&context));
    let parts = CallParts { head: &head, context: &context, body: &body };
    let call = module.call(service & !MINE, operation, &parts);
    let change = if lies.contains(&Lie::Affected) { Change::Affected } else { Change::Nothing };
    Some(Call::new(Forwarded { call: Box::pin(call), change }))
}

/// Whether nobody answers, now or any more.
fn is_unanswered(lies: &[Lie], head: &Json) -> bool {
    static IS_DEAD: AtomicBool = AtomicBool::new(false);
    let is_ordered = head.get("order").is_some();
    if is_ordered && lies.contains(&Lie::Die) {
        IS_DEAD.store(true, Ordering::Relaxed);
    }
    is_ordered && lies.contains(&Lie::Hang) || IS_DEAD.load(Ordering::Relaxed)
}

/// An answer that does not come.
struct Unanswered;

impl PollStep for Unanswered {
    fn poll_step(&mut self, _: &mut Context<'_>) -> Poll<Step> {
        Poll::Pending
    }

    fn panicked() -> Buffer {
        Buffer::default()
    }
}

/// Calls without a head have no bytes there.
fn parsed(bytes: &[u8]) -> Json {
    serde_json::from_slice(bytes).unwrap_or_default()
}

fn written(json: &Json) -> Vec<u8> {
    if json.is_null() { Vec::new() } else { json.to_string().into_bytes() }
}

fn change(lie: Lie, operation: u32, head: &mut Json, context: &mut Json) {
    let is = |asked: Operation| operation == asked.number();
    let without = |json: &mut Json, name: &str| json.as_object_mut().and_then(|members| members.remove(name));
    match lie {
        Lie::Order => drop(without(head, "order")),
        Lie::Offset => drop(without(head, "offset")),
        Lie::Distinct => drop(without(head, "distinct")),
        Lie::Nulls => {
            let order = head.get_mut("order").and_then(Json::as_array_mut);
            order.into_iter().flatten().for_each(|column| drop(without(column, "nulls")));
        }
        Lie::Not => untrue_is_false(head),
        Lie::Transactions if is(Operation::Begin) => *head = json!({"read_only": true}),
        Lie::Transactions if is(Operation::Commit) || is(Operation::Rollback) => {}
        Lie::Transactions => drop(without(context, "session")),
        Lie::Atomic if head.get("on_error").is_some_and(|word| word == "atomic") => {
            drop(without(head, "on_error"))
        }
        Lie::Unknown if is(Operation::Query) => *head = known_only(head),
        Lie::Rules => {
            let guards = ["/rows/keys", ""]
                .map(|place| head.pointer_mut(place).and_then(|json| without(json, "guard")));
            drop((guards, without(head, "check")));
        }
        _ => {}
    }
}

/// A query without `need` and without members that a query does not have.
fn known_only(head: &Json) -> Json {
    const KNOWN: [&str; 9] =
        ["from", "select", "distinct", "group", "filter", "order", "limit", "offset", "hints"];
    let members = head.as_object().into_iter().flatten().filter(|(name, _)| KNOWN.contains(&name.as_str()));
    members.map(|(name, value)| (name.clone(), value.clone())).collect::<serde_json::Map<_, _>>().into()
}

/// `not X` becomes `not X or one of the columns in X is null`.
fn untrue_is_false(json: &mut Json) {
    match json {
        Json::Object(members) => {
            members.values_mut().for_each(untrue_is_false);
            if let Some(inner) = members.get("not").cloned() {
                let mut parts = vec![json!({"not": inner})];
                columns(&inner, &mut parts);
                *json = json!({"or": parts});
            }
        }
        Json::Array(items) => items.iter_mut().for_each(untrue_is_false),
        _ => {}
    }
}

fn columns(json: &Json, found: &mut Vec<Json>) {
    match json {
        Json::Object(members) => {
            found.extend(members.get("column").map(|path| json!({"is_null": {"column": path}})));
            members.values().for_each(|member| columns(member, found));
        }
        Json::Array(items) => items.iter().for_each(|item| columns(item, found)),
        _ => {}
    }
}

/// A call of the honest library.
struct Forwarded {
    call: Pin<Box<Call>>,
    change: Change,
}

/// What becomes of its answer.
enum Change {
    Nothing,
    /// The number of the service is marked, its lies are kept.
    Opened(Vec<Lie>),
    Affected,
}

impl PollStep for Forwarded {
    fn poll_step(&mut self, context: &mut Context<'_>) -> Poll<Step> {
        self.call.as_mut().poll_step(context).map(|step| match (step, &self.change) {
            (Step::Item(item), Change::Opened(lies)) => Step::Item(opened(item.as_ref(), lies).into()),
            (Step::Item(item), Change::Affected) => Step::Item(one_more(item.as_ref()).into()),
            (step, _) => step,
        })
    }

    fn panicked() -> Buffer {
        Buffer::default()
    }
}

fn opened(answer: &[u8], lies: &[Lie]) -> Vec<u8> {
    let Ok(mut opened) = serde_json::from_slice::<Opened>(answer) else { return answer.to_vec() };
    opened.service |= MINE;
    if lies.contains(&Lie::Parameters) {
        opened.capabilities.max_parameters = Some(1_000);
    }
    opened.capabilities.count &= !lies.contains(&Lie::Count);
    let mut all = LIES.lock().unwrap_or_else(PoisonError::into_inner);
    all.get_or_insert_default().insert(opened.service, lies.to_vec());
    serde_json::to_vec(&opened).unwrap_or_default()
}

/// Counts more changed rows than there are. The number keeps its digits, so that the message keeps its length.
fn one_more(message: &[u8]) -> Vec<u8> {
    const BEFORE: &[u8] = b"\"changed\":";
    let mut message = message.to_vec();
    let place = message.windows(BEFORE.len()).position(|window| window == BEFORE).map(|at| at + BEFORE.len());
    if let Some(digit @ b'0'..=b'8') = place.and_then(|place| message.get_mut(place)) {
        *digit += 1;
    }
    message
}

/// An answer that is an error.
struct Refused(String);

impl PollStep for Refused {
    fn poll_step(&mut self, _: &mut Context<'_>) -> Poll<Step> {
        let error = Error::internal(std::mem::take(&mut self.0));
        Poll::Ready(Step::Failed(serde_json::to_vec(&error).unwrap_or_default().into()))
    }

    fn panicked() -> Buffer {
        Buffer::default()
    }
}
