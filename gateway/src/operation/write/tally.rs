//! What became of the records of a write, and the answer made of it.

use connector_api::ErrorKind;
use serde_json::{Map, Value as Json};

use super::reread::Again;
use crate::error::{self, ApiError, Parts};
use crate::operation::page::wrapped;
use crate::pipeline::Answer;
use crate::plan::Kind;
use crate::request::TableWrite;

/// The records so far.
#[derive(Debug)]
pub(super) struct Tally {
    /// Index and end of records.
    entries: Vec<(usize, Entry)>,
    /// Indices of the entries that failed.
    failed: Vec<usize>,
    /// How many did well and how many failed, listed or not.
    written: u64,
    failures: u64,
    bound: Bound,
    /// What the entries take, by [`Bound::bytes`].
    held: usize,
    is_in_doubt: bool,
    /// What stands beside the rows.
    meta: Map<String, Json>,
}

/// The most entries that are kept; what is beyond is only counted. The first failure is kept all the same, and so is the first entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound {
    /// Entries of either kind.
    pub(super) entries: usize,
    /// Bytes of all entries together.
    pub(super) bytes: usize,
}

/// What an entry takes beside its text, until it is part of the answer.
const ENTRY: usize = 1024;

#[derive(Debug)]
enum Entry {
    /// The row as JSON.
    Row(Vec<u8>),
    Failed(Box<ApiError>),
}

impl Tally {
    pub(super) fn new(bound: Bound) -> Self {
        let (entries, failed, meta) = (Vec::new(), Vec::new(), Map::new());
        Self { entries, failed, written: 0, failures: 0, bound, held: 0, is_in_doubt: false, meta }
    }

    /// The rows that are listed.
    pub(super) fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.entries.iter().filter_map(|(_, entry)| entry.row())
    }

    /// Lists the rows as they were read again.
    pub(super) fn read_again(&mut self, again: Again) {
        let rows = self.entries.iter_mut().filter_map(|(_, entry)| match entry {
            Entry::Row(row) => Some(row),
            Entry::Failed(_) => None,
        });
        rows.zip(again.rows).for_each(|(row, again)| *row = again.unwrap_or_else(|| std::mem::take(row)));
        self.meta = again.meta;
    }

    /// A record did well and touched so many rows, nearly always one. `rows`: those to show.
    pub(super) fn wrote(&mut self, index: usize, touched: u64, rows: impl Iterator<Item = Vec<u8>>) {
        self.written += touched;
        for row in rows {
            let rows = self.entries.len() - self.failed.len();
            if self.entries.is_empty() || self.has_room(rows, row.len()) {
                self.keep(index, Entry::Row(row));
            }
        }
    }

    /// A record failed.
    pub(super) fn failed(&mut self, index: usize, error: ApiError) {
        self.failures += 1;
        self.is_in_doubt |= error.is_in_doubt();
        if self.failed.is_empty() || self.has_room(self.failed.len(), error.message.len()) {
            self.failed.push(index);
            self.keep(index, Entry::Failed(Box::new(error)));
        }
    }

    /// Whether an entry with so many bytes of text may be kept beside so many of its kind.
    fn has_room(&self, of_kind: usize, text: usize) -> bool {
        of_kind < self.bound.entries && self.held + text + ENTRY <= self.bound.bytes
    }

    fn keep(&mut self, index: usize, entry: Entry) {
        self.held += entry.text_len() + ENTRY;
        self.entries.push((index, entry));
    }

    /// Whether something has become of a record that no entry tells.
    fn is_cut(&self) -> bool {
        let all = usize::try_from(self.written + self.failures);
        all.map_or(true, |all| all > self.entries.len())
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failures > 0
    }

    /// Nothing has become of any record yet.
    pub(super) fn is_untouched(&self) -> bool {
        self.written == 0 && self.failures == 0
    }

    /// The answer for one row: the row or its own error, without a wrapper.
    pub(super) fn into_row(self) -> Result<Answer, ApiError> {
        match self.entries.into_iter().next() {
            Some((_, Entry::Row(row))) => Ok(Answer::json(row)),
            Some((_, Entry::Failed(error))) => Err(*error),
            None => Err(ApiError::internal()),
        }
    }

    /// The answer for rows of which none may have failed.
    pub(super) fn into_rows(self) -> Result<Answer, ApiError> {
        let count = self.is_cut().then_some(self.written);
        let mut rows = Vec::with_capacity(self.entries.len());
        for (_, entry) in self.entries {
            match entry {
                Entry::Row(row) => rows.push(row),
                Entry::Failed(error) => return Err(*error),
            }
        }
        let meta = meta(count).into_iter().chain(self.meta).collect();
        Ok(wrapped(rows.iter().map(Vec::as_slice), meta))
    }

    /// The answer for a list. How many did well and how many failed is said where not all are listed.
    pub(super) fn into_list(
        mut self,
        kind: Kind,
        options: &TableWrite,
        wrapper: &str,
    ) -> Result<Answer, ApiError> {
        let count = self.is_cut().then_some(self.written);
        if self.failed.is_empty() {
            let meta = meta(count).into_iter().chain(std::mem::take(&mut self.meta)).collect();
            return Ok(wrapped(self.rows(), meta));
        }
        // A record that can't be planned has its end before those that wait for their call.
        self.entries.sort_by_key(|(index, _)| *index);
        self.failed.sort_unstable();
        // Whoever decides whether to try again has to know of the one record that may have been written.
        let is_in_doubt = self.is_in_doubt;
        let message = message(kind, options.is_rolled_back);
        let entries = placed(self.entries, count.is_none());
        let wrapper = wrapper.to_owned();
        let failures = count.map(|_| self.failures);
        let parts = Parts { wrapper, failed: self.failed, entries, count, failures };
        let error = ApiError::batch(message, parts);
        Err(if is_in_doubt { error.of_kind(ErrorKind::UnknownOutcome) } else { error })
    }
}

/// The entries at the places of their records. Those of which nothing is told, because all was to go together, have null before the one that
/// failed. Where not all are listed places say nothing.
fn placed(entries: Vec<(usize, Entry)>, is_complete: bool) -> Vec<error::Entry> {
    let mut parts = Vec::with_capacity(entries.len());
    for (index, entry) in entries {
        while is_complete && parts.len() < index {
            parts.push(error::Entry::Done(Json::Null));
        }
        parts.push(entry.into_part());
    }
    parts
}

impl Entry {
    fn row(&self) -> Option<&[u8]> {
        if let Self::Row(row) = self { Some(row) } else { None }
    }

    fn text_len(&self) -> usize {
        match self {
            Self::Row(row) => row.len(),
            Self::Failed(error) => error.message.len(),
        }
    }

    fn into_part(self) -> error::Entry {
        match self {
            Self::Row(row) => error::Entry::Done(serde_json::from_slice(&row).unwrap_or(Json::Null)),
            Self::Failed(error) => error::Entry::Record(error),
        }
    }
}

/// What stands beside the rows.
pub(super) fn meta(count: Option<u64>) -> Map<String, Json> {
    count.map(|count| ("count".to_owned(), Json::from(count))).into_iter().collect()
}

fn message(kind: Kind, is_rolled_back: bool) -> String {
    let done = match kind {
        Kind::Insert => "created",
        Kind::Update | Kind::Upsert => "updated",
        Kind::Delete => "deleted",
    };
    let undone = if is_rolled_back { " All changes rolled back." } else { "" };
    format!("Batch Error: Not all requested records could be {done}.{undone}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::AnswerBody;

    const WIDE: Bound = Bound { entries: 10, bytes: usize::MAX };

    fn row(text: &str) -> impl Iterator<Item = Vec<u8>> {
        std::iter::once(text.as_bytes().to_vec())
    }

    fn body(answer: Result<Answer, ApiError>) -> String {
        match answer {
            Ok(Answer { body: AnswerBody::Json(body), .. }) => String::from_utf8(body.to_vec()).unwrap(),
            Ok(_) => "no JSON".to_owned(),
            Err(error) => error.object(true).to_string(),
        }
    }

    #[test]
    fn entries_stand_in_the_order_of_the_records() {
        let mut tally = Tally::new(WIDE);
        tally.failed(1, ApiError::unknown_record(9));
        tally.wrote(0, 1, row(r#"{"id":1}"#));
        tally.wrote(2, 1, row(r#"{"id":3}"#));
        let options = TableWrite { is_rolled_back: true, ..TableWrite::default() };
        let expected = concat!(
            r#"{"code":1000,"context":{"error":[1],"rows":[{"id":1},"#,
            r#"{"code":404,"context":null,"message":"Record with identifier '9' not found.","status_code":404},"#,
            r#"{"id":3}]},"message":"Batch Error: Not all requested records could be deleted. "#,
            r#"All changes rolled back.","status_code":400}"#
        );
        assert_eq!(body(tally.into_list(Kind::Delete, &options, "rows")), expected);
    }

    #[test]
    fn a_failure_stands_at_the_place_of_its_record_although_nothing_became_of_those_before_it() {
        let mut tally = Tally::new(WIDE);
        tally.failed(2, ApiError::unknown_record(9));
        let error = tally.into_list(Kind::Delete, &TableWrite::default(), "rows").err().unwrap();
        let context = &error.object(true)["context"];
        assert_eq!(context["error"], serde_json::json!([2]));
        let rows = context["rows"].as_array().unwrap();
        assert_eq!(
            (&rows[0], &rows[1], &rows[2]["code"], rows.len()),
            (&Json::Null, &Json::Null, &Json::from(404), 3)
        );
    }

    #[test]
    fn what_is_not_kept_is_counted() {
        let mut tally = Tally::new(Bound { entries: 2, ..WIDE });
        (0..5).for_each(|index| tally.wrote(index, 1, row("1")));
        let answer = tally.into_list(Kind::Insert, &TableWrite::default(), "rows");
        assert_eq!(body(answer), r#"{"resource":[1,1],"meta":{"count":5}}"#);
    }

    #[test]
    fn what_has_no_room_is_counted_but_the_first_failure_is_listed() {
        let mut tally = Tally::new(Bound { entries: usize::MAX, bytes: 3 * ENTRY });
        (0..5).for_each(|index| tally.wrote(index, 1, row(r#"{"id":1}"#)));
        (5..9).for_each(|index| tally.failed(index, ApiError::internal()));
        assert!(tally.entries.len() == 3 && tally.held <= 4 * ENTRY, "{tally:?}");
        let error = tally.into_list(Kind::Insert, &TableWrite::default(), "rows").err().unwrap();
        assert_eq!(error.kind, Some(ErrorKind::UnknownOutcome));
        let context = &error.object(true)["context"];
        assert_eq!(context["error"], serde_json::json!([5]));
        assert_eq!(context["rows"].as_array().unwrap().len(), 3);
        assert_eq!((&context["count"], &context["error_count"]), (&Json::from(5), &Json::from(4)));
    }

    #[test]
    fn one_row_is_kept_whatever_its_size() {
        let mut tally = Tally::new(Bound { entries: 0, bytes: 0 });
        tally.wrote(0, 1, row(r#"{"id":1}"#));
        assert_eq!(body(tally.into_row()), r#"{"id":1}"#);
    }

    #[test]
    fn a_single_row_is_answered_without_wrapper_and_so_is_its_error() {
        let mut tally = Tally::new(WIDE);
        tally.wrote(0, 1, row(r#"{"id":1}"#));
        assert_eq!(body(tally.into_row()), r#"{"id":1}"#);
        let mut tally = Tally::new(WIDE);
        tally.failed(0, ApiError::unknown_record(1));
        assert!(body(tally.into_row()).starts_with(r#"{"code":404,"#));
    }
}
