//! Keys against repetition (`Idempotency-Key`): what became of keyed requests, so that one that is sent again is not done again.
//!
//! Bounded in entries, bytes and time. Lives as long as the process: a reload keeps it, a restart forgets it. Knows requests only as
//! digests, and nothing of how they are done; time is an argument.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use bytes::Bytes;
use ring::digest::{Context, SHA256};

use crate::error::ApiError;

/// For how long a request is remembered.
const LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// The most requests that are remembered; the oldest that are over are forgotten for new ones.
const MAX_ENTRIES: usize = 10_000;
/// The most bytes of all answers that are kept; the same.
const MAX_BYTES: usize = 64 * 1024 * 1024;
/// Of a longer answer only that there was one.
const MAX_ANSWER: usize = 4 * 1024 * 1024;
/// The most characters of a key.
const MAX_KEY: usize = 255;

/// What stands for texts: nobody can tell them from it, and no two have the same.
pub type Digest = [u8; 32];

/// The digest of the parts. Each enters with its length, so that moving bytes between parts changes it.
pub fn digest<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Digest {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&part.len().to_le_bytes());
        context.update(part);
    }
    let mut digest = Digest::default();
    for (to, from) in digest.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    digest
}

/// A key as the caller chose it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(Box<str>);

impl Key {
    /// Reads a key.
    ///
    /// # Errors
    /// No character, too many, or others than visible ASCII.
    pub fn parse(text: &str) -> Result<Self, ApiError> {
        let is_usable =
            (1..=MAX_KEY).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_usable { Ok(Self(text.into())) } else { Err(ApiError::malformed_key(MAX_KEY)) }
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// An answer that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its status.
    pub status: StatusCode,
    /// JSON.
    pub body: Bytes,
}

/// How a request ended.
pub type End = Result<Kept, ApiError>;

/// What is known of a request that begins.
#[derive(Debug)]
pub enum Begun {
    /// Nothing: it is to be done, and its end told to this.
    New(Turn),
    /// It was done; this was its answer.
    Done(End),
}

/// All keyed requests of the process.
#[derive(Debug, Default)]
pub struct Requests(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    entries: HashMap<Digest, Entry>,
    /// By number, so by age.
    order: BTreeMap<u64, Digest>,
    last: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    began: Instant,
    fingerprint: Digest,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Running,
    /// Boxed, since most of the time is spent here and an error is large.
    Done(Box<End>),
    /// Done; the answer was too large.
    Unkept,
    /// Nobody knows whether it was done.
    InDoubt,
}

impl Stage {
    /// What it adds to the bytes that are kept.
    fn bytes(&self) -> usize {
        match self {
            Self::Done(end) => match end.as_ref() {
                Ok(kept) => kept.body.len(),
                Err(error) => error.object(true).to_string().len(),
            },
            _ => 0,
        }
    }
}

impl Requests {
    /// Begins a request. `name` is the digest of who asks what with which key, `fingerprint` that of the whole request.
    ///
    /// # Errors
    /// The key was used with another request, its request runs or came to an unknown end, or its answer is not kept; too many run.
    pub fn begin(
        self: &Arc<Self>,
        name: Digest,
        fingerprint: Digest,
        now: Instant,
    ) -> Result<Begun, ApiError> {
        let mut state = self.lock();
        state.forget_old(now);
        if let Some(entry) = state.entries.get(&name) {
            return entry.again(&fingerprint).map(Begun::Done);
        }
        while state.entries.len() >= MAX_ENTRIES {
            if !state.forget_oldest() {
                return Err(ApiError::too_many_keys());
            }
        }
        state.last += 1;
        let number = state.last;
        state.order.insert(number, name);
        state.entries.insert(name, Entry { number, began: now, fingerprint, stage: Stage::Running });
        Ok(Begun::New(Turn { requests: Arc::clone(self), name, is_over: false }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// What a request with this key hears that comes after the first.
    fn again(&self, fingerprint: &Digest) -> Result<End, ApiError> {
        if self.fingerprint != *fingerprint {
            return Err(ApiError::key_reused());
        }
        match &self.stage {
            Stage::Running => Err(ApiError::key_in_use()),
            Stage::Done(end) => Ok(end.as_ref().clone()),
            Stage::Unkept => Err(ApiError::key_without_answer()),
            Stage::InDoubt => Err(ApiError::key_in_doubt()),
        }
    }
}

impl State {
    /// Sets what became of a request that runs. `None`: nothing, it may be tried again.
    fn end(&mut self, name: &Digest, stage: Option<Stage>) {
        let Some(stage) = stage else { return self.remove(name) };
        let Some(entry) = self.entries.get_mut(name) else { return };
        self.bytes += stage.bytes();
        entry.stage = stage;
        while self.bytes > MAX_BYTES && self.forget_oldest() {}
    }

    fn forget_old(&mut self, now: Instant) {
        while let Some(name) = self.oldest()
            && self.entries.get(&name).is_some_and(|entry| now.duration_since(entry.began) >= LIFE)
        {
            self.remove(&name);
        }
    }

    /// `false`: all of them run.
    fn forget_oldest(&mut self) -> bool {
        let oldest = self.oldest();
        oldest.iter().for_each(|name| self.remove(name));
        oldest.is_some()
    }

    /// The oldest that does not run.
    fn oldest(&self) -> Option<Digest> {
        let is_over = |name: &&Digest| {
            self.entries.get(*name).is_some_and(|entry| !matches!(entry.stage, Stage::Running))
        };
        self.order.values().find(is_over).copied()
    }

    fn remove(&mut self, name: &Digest) {
        if let Some(entry) = self.entries.remove(name) {
            self.order.remove(&entry.number);
            self.bytes = self.bytes.saturating_sub(entry.stage.bytes());
        }
    }
}

/// The right to do a request. Dropped without its end, nobody knows what became of it.
#[derive(Debug)]
pub struct Turn {
    requests: Arc<Requests>,
    name: Digest,
    is_over: bool,
}

impl Turn {
    /// The request is over.
    pub fn end(mut self, end: &End) {
        self.is_over = true;
        self.requests.lock().end(&self.name, stage(end));
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if !self.is_over {
            self.requests.lock().end(&self.name, Some(Stage::InDoubt));
        }
    }
}

/// A success and a refusal that would come again are answers. What failed for the moment, and did nothing, may be tried again.
fn stage(end: &End) -> Option<Stage> {
    match end {
        Err(error) if error.is_in_doubt() => return Some(Stage::InDoubt),
        Err(error) if !error.is_lasting() => return None,
        _ => {}
    }
    let done = Stage::Done(Box::new(end.clone()));
    Some(if done.bytes() > MAX_ANSWER { Stage::Unkept } else { done })
}

#[cfg(test)]
#[path = "idempotency_tests.rs"]
mod tests;
