//! New documents, many at once.

use connector_api::author::{Error, Filter, Insert, OnError, Request, Result, Value};
use mongodb::bson::oid::ObjectId;
use mongodb::bson::raw::RawDocumentBuf;
use mongodb::error::ErrorKind as DriverKind;

use super::batch::{Failure, Task, in_transaction};
use super::record::{Setting, raw, whole};
use super::{Target, Written};
use crate::condition::Rule;
use crate::error::{self, is_of_the_call};
use crate::schema::{ID, Layout};
use crate::session::Work;

/// How documents are made.
pub(super) struct Creation<'r> {
    pub(super) layout: &'r Layout,
    pub(super) check: Option<Rule<'r>>,
}

impl<'r> Creation<'r> {
    pub(super) fn new(layout: &'r Layout, check: Option<&'r Filter>, params: &'r [Value]) -> Result<Self> {
        Ok(Self { layout, check: check.map(|check| Rule::new(Some(check), params)).transpose()? })
    }

    /// A document of these members; one without an id gets one.
    ///
    /// # Errors
    /// A column that has to be given, a row rule that does not hold.
    pub(super) fn document<'m>(
        &self,
        members: impl IntoIterator<Item = super::record::Member<'m>>,
    ) -> Result<RawDocumentBuf> {
        let mut document = whole(self.layout, members)?;
        if document.get(ID).is_none_or(|id| *id == mongodb::bson::Bson::Null) {
            let rest = std::mem::take(&mut document);
            document.insert(ID, ObjectId::new());
            document.extend(rest.into_iter().filter(|(name, _)| name != ID));
        }
        let document = raw(&document)?;
        match &self.check {
            Some(check) if !check.holds(&document)? => Err(error::check_failed()),
            _ => Ok(document),
        }
    }
}

/// Creates documents.
///
/// # Errors
/// What is wrong with the call. What is wrong with a record is its outcome.
pub(crate) async fn insert(
    target: &Target<'_>,
    work: &mut Work,
    request: &Request<Insert>,
) -> Result<Written> {
    let params = request.params();
    let setting = Setting::new(&target.layout, &request.columns, &request.compute, params)?;
    let creation = Creation::new(&target.layout, request.check.as_ref(), params)?;
    let records = request.records().values(request.columns.len())?;
    let make =
        |cells: &Vec<Value>| setting.members(cells, None).and_then(|members| creation.document(members));
    let made: Vec<Result<RawDocumentBuf>> = records.iter().map(make).collect();
    let task =
        Inserts { target, made, on_error: request.on_error, gives_back: !request.returning.is_empty() };
    let ended = if request.on_error == OnError::Atomic {
        in_transaction(&task, work).await
    } else {
        task.run(work).await
    };
    let mut written = match ended {
        Ok(written) => written,
        Err(failure) if request.on_error == OnError::Atomic => {
            work.lose();
            task.undone(failure)?
        }
        Err(failure) => return Err(failure.error),
    };
    written.affected.matched = None;
    Ok(written)
}

/// The documents of a call, made as far as they can be.
struct Inserts<'a, 't> {
    target: &'a Target<'t>,
    made: Vec<Result<RawDocumentBuf>>,
    on_error: OnError,
    gives_back: bool,
}

impl Task for Inserts<'_, '_> {
    async fn run(&self, work: &mut Work) -> std::result::Result<Written, Failure> {
        // Behind the first that can't be made nothing is sent, unless the others go on.
        let goes_on = self.on_error == OnError::Continue;
        let is_sent = |place: &usize| goes_on || self.made.iter().take(*place).all(Result::is_ok);
        let sent: Vec<(usize, &RawDocumentBuf)> = self
            .made
            .iter()
            .enumerate()
            .filter(|(place, _)| is_sent(place))
            .filter_map(|(place, made)| Some((place, made.as_ref().ok()?)))
            .collect();
        let mut failures = self.send(work, &sent).await?;
        let first_unmade =
            || self.made.iter().enumerate().filter_map(|(at, made)| Some((at, made.as_ref().err()?.clone())));
        if goes_on {
            failures.extend(first_unmade());
            failures.sort_by_key(|(place, _)| *place);
        } else if failures.is_empty() {
            failures.extend(first_unmade().take(1));
        }
        self.ended(failures)
    }
}

type Failures = Vec<(usize, Error)>;

impl Inserts<'_, '_> {
    /// Sends documents and gives those that the server refused.
    async fn send(&self, work: &mut Work, sent: &[(usize, &RawDocumentBuf)]) -> Result<Failures> {
        if sent.is_empty() {
            return Ok(Vec::new());
        }
        let collection = self.target.collection();
        let documents = sent.iter().map(|(_, document)| *document);
        let insert = collection.insert_many(documents).ordered(self.on_error != OnError::Continue);
        let Err(error) = insert.session(work.session()?).await else { return Ok(Vec::new()) };
        let failed = self.target.failed(work, &error);
        let DriverKind::InsertMany(many) = &*error.kind else { return Err(failed) };
        let Some(errors) = many.write_errors.as_ref().filter(|errors| !errors.is_empty()) else {
            return Err(failed);
        };
        let place = |index: usize| sent.get(index).map(|(place, _)| *place);
        let of_record = |error: &mongodb::error::IndexedWriteError| {
            Some((place(error.index)?, self.target.layout.with_columns(error::from_indexed(error))))
        };
        Ok(errors.iter().filter_map(of_record).collect())
    }

    /// What the failures mean for the call.
    fn ended(&self, failures: Failures) -> std::result::Result<Written, Failure> {
        let mut written = Written::counting();
        let mut failures = failures.into_iter().peekable();
        for (place, made) in self.made.iter().enumerate() {
            match failures.next_if(|(failed, _)| *failed == place) {
                None => written.add(super::Done {
                    row: made.as_ref().ok().filter(|_| self.gives_back).cloned(),
                    is_matched: Some(false),
                    is_changed: Some(true),
                }),
                Some((_, error)) if is_of_the_call(&error) && place == 0 => return Err(error.into()),
                Some((_, error)) if self.on_error == OnError::Atomic => {
                    return Err(Failure { index: Some(place), error });
                }
                Some((_, error)) => {
                    written.fail(self.on_error, (place, self.made.len()), error);
                    if self.on_error == OnError::Stop {
                        break;
                    }
                }
            }
        }
        Ok(written)
    }

    /// The outcomes of a call of which nothing was kept.
    fn undone(&self, failure: Failure) -> Result<Written> {
        match failure.index {
            Some(index) if !is_of_the_call(&failure.error) => {
                let mut written = Written::counting();
                written.fail(OnError::Atomic, (index, self.made.len()), failure.error);
                Ok(written)
            }
            _ => Err(failure.error),
        }
    }
}
