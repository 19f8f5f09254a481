//! A batch: operations over several tables of one service, in order, each through the whole pipeline, all in one transaction.
//!
//! Nothing is decided here for a single operation: it enters at [`pipeline::run`] like every request, and so at permit. What is known
//! before anything runs is refused before anything runs.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use connector_api::model::Begin;
use serde_json::{Value as Json, json};

use super::Job;
use super::inner::enter;
use super::session::{Session, Transaction};
use crate::error::{ApiError, Entry, Parts};
use crate::hooks::HookRequest;
use crate::pipeline::{self, Answer, AnswerBody, Request};
use crate::request::Conditions;
use crate::request::batch::{Filled, Results, Step, read};
use crate::request::body::unwrapped;
use crate::response::{Layout, convert};
use crate::roles::Verb;

const NOT_ALL: &str = "Batch Error: Not all requested operations could be done. All changes rolled back.";

/// Does all operations of a batch, or none.
pub(super) async fn run(job: Job<'_>, body: Option<Json>) -> Result<Answer, ApiError> {
    if job.transaction.is_some() {
        return Err(ApiError::unsupported("A batch inside a batch"));
    }
    let steps = read(body, job.snapshot.bounds.operations)?;
    let begin = Begin { read_only: steps.iter().all(|step| step.method == Verb::Get.word()) };
    let mut batch = Batch::new(job, &steps);
    let orders = batch.orders(steps)?;
    let owner = job.owner(false).await?;
    if !owner.connection.capabilities().transactions {
        return Err(ApiError::unsupported("A batch, which needs transactions,"));
    }
    let session = Session::begin(&owner, &begin).await?;
    for (index, order) in orders.into_iter().enumerate() {
        if let Err(error) = batch.take(order, session.transaction()).await {
            session.rollback().await;
            return Err(batch.failed(index, &error));
        }
    }
    session.commit().await?;
    Ok(batch.answer())
}

/// An operation that waits for its turn.
struct Order {
    id: String,
    task: Task,
}

enum Task {
    /// It was checked already.
    Known(HookRequest),
    /// It refers to others, so it is known when they are done.
    Open(Step),
}

/// An operation that is done.
struct Done {
    id: String,
    status: u16,
    /// JSON.
    body: Bytes,
}

/// A batch that runs.
struct Batch<'a> {
    job: Job<'a>,
    layout: Layout,
    /// Operations that others refer to.
    wanted: HashSet<String>,
    results: Results,
    done: Vec<Done>,
    /// How many bytes of answers may still be held.
    left: usize,
}

impl<'a> Batch<'a> {
    fn new(job: Job<'a>, steps: &[Step]) -> Self {
        let wrapper = Arc::clone(&job.snapshot.answers.wrapper);
        let wanted = steps.iter().flat_map(Step::references).map(str::to_owned).collect();
        let layout = Layout { wrapper, numbers: job.layout.numbers, ..Layout::default() };
        Self { job, layout, wanted, results: Results::new(), done: Vec::new(), left: job.max_held() }
    }

    /// Checks what needs no other operation: its permission, its parameters.
    fn orders(&self, steps: Vec<Step>) -> Result<Vec<Order>, ApiError> {
        let orders = steps.into_iter().enumerate().map(|(index, step)| {
            let id = step.id.clone();
            if step.references().next().is_some() {
                return Ok(Order { id, task: Task::Open(step) });
            }
            let checked = self.request(step).and_then(|what| {
                pipeline::permitted(self.job.caller, &what, self.job.snapshot.bounds)?;
                Ok(what)
            });
            let what = checked.map_err(|error| self.failed(index, &error))?;
            Ok(Order { id, task: Task::Known(what) })
        });
        orders.collect()
    }

    fn request(&self, step: Step) -> Result<HookRequest, ApiError> {
        let verb = Verb::from_method(&step.method).ok_or_else(|| ApiError::unknown_method(&step.method))?;
        let filled = step.filled(&self.results, self.job.max_held())?;
        let has_wrapper = filled.has_options;
        let Filled { resource, query, body, .. } = filled;
        let body = body.map(|body| if has_wrapper { unwrapped(body, &self.layout.wrapper) } else { body });
        let service = self.job.service.name().to_lowercase();
        Ok(HookRequest { verb, service, resource, query, body })
    }

    async fn take(&mut self, order: Order, transaction: Transaction) -> Result<(), ApiError> {
        let what = match order.task {
            Task::Known(what) => what,
            Task::Open(step) => self.request(step)?,
        };
        let request = Request {
            what,
            records: None,
            are_texts: false,
            caller: self.job.caller.clone(),
            id: Arc::clone(self.job.request_id),
            layout: self.layout.clone(),
            conditions: Conditions::default(),
            key: None,
            transaction: Some(transaction),
            within: None,
        };
        let answer = enter(self.job.snapshot, request).await?;
        self.keep(order.id, answer).await
    }

    /// Keeps an answer.
    async fn keep(&mut self, id: String, answer: Answer) -> Result<(), ApiError> {
        let status = answer.status.as_u16();
        let is_finished = matches!(answer.body, AnswerBody::Ready(_) | AnswerBody::Streamed(_));
        let too_large = || ApiError::batch_too_large(self.job.max_held());
        let mut body = answer.body.collected(self.left).await?.ok_or_else(too_large)?;
        if !is_finished && !self.layout.is_plain() {
            body = convert(&body, &self.layout).map_err(|_| ApiError::internal())?.into();
        }
        self.left = self.left.checked_sub(body.len()).ok_or_else(too_large)?;
        if self.wanted.contains(&id) {
            let result = serde_json::from_slice(&body).map_err(|_| ApiError::internal())?;
            self.results.insert(id.clone(), result);
        }
        self.done.push(Done { id, status, body });
        Ok(())
    }

    /// The batch error: those that were done, then the error.
    fn failed(&self, index: usize, error: &ApiError) -> ApiError {
        let done = self.done.iter().map(|done| {
            let body: Json = serde_json::from_slice(&done.body).unwrap_or_default();
            Entry::Done(json!({ "id": done.id, "status": done.status, "body": body }))
        });
        let entries = done.chain([Entry::Operation(Box::new(error.clone()))]).collect();
        let wrapper = self.layout.wrapper.to_string();
        let parts = Parts { wrapper, failed: vec![index], entries, ..Parts::default() };
        let mut batch = ApiError::batch(NOT_ALL, parts);
        batch.retry_after = error.retry_after;
        batch
    }

    fn answer(&self) -> Answer {
        let mut body = b"{\"resource\":[".to_vec();
        for (index, Done { id, status, body: own }) in self.done.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            // Ids hold nothing that would have to be escaped.
            body.extend_from_slice(format!(r#"{comma}{{"id":"{id}","status":{status},"body":"#).as_bytes());
            body.extend_from_slice(own);
            body.push(b'}');
        }
        body.extend_from_slice(b"]}");
        Answer::json(body)
    }
}
