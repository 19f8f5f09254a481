//! What became of the records of a write, and the answer made of it.

use connector_api::ErrorKind;
use serde_json::{Map, Value as Json};

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
    failed: Vec<usize>,
    written: u64,
    /// The most entries of either kind that are kept; the rest is only counted.
    kept: usize,
    are_failures_cut: bool,
}

#[derive(Debug)]
enum Entry {
    /// The row as JSON.
    Row(Vec<u8>),
    Failed(Box<ApiError>),
}

impl Tally {
    pub(super) fn new(kept: usize) -> Self {
        Self { entries: Vec::new(), failed: Vec::new(), written: 0, kept, are_failures_cut: false }
    }

    /// A record did well and touched so many rows, nearly always one. `rows`: those to show.
    pub(super) fn wrote(&mut self, index: usize, touched: u64, rows: impl Iterator<Item = Vec<u8>>) {
        self.written += touched;
        for row in rows {
            if self.entries.len() - self.failed.len() < self.kept {
                self.entries.push((index, Entry::Row(row)));
            }
        }
    }

    /// A record failed.
    pub(super) fn failed(&mut self, index: usize, error: ApiError) {
        if self.failed.len() < self.kept {
            self.failed.push(index);
            self.entries.push((index, Entry::Failed(Box::new(error))));
        } else {
            self.are_failures_cut = true;
        }
    }

    /// Whether something has become of a record that no entry tells.
    fn is_cut(&self) -> bool {
        let rows = self.entries.len() - self.failed.len();
        self.are_failures_cut || usize::try_from(self.written).map_or(true, |written| written > rows)
    }

    pub(super) fn has_failed(&self) -> bool {
        !self.failed.is_empty()
    }

    /// Nothing has become of any record yet.
    pub(super) fn is_untouched(&self) -> bool {
        self.written == 0 && self.failed.is_empty()
    }

    /// The answer for one row: the row or its own error, without a wrapper.
    pub(super) fn into_row(self) -> Result<Answer, ApiError> {
        match self.entries.into_iter().next() {
            Some((_, Entry::Row(row))) => Ok(Answer::json(row)),
            Some((_, Entry::Failed(error))) => Err(*error),
            None => Err(ApiError::internal()),
        }
    }

    /// The rows that were written, where nothing may have failed.
    pub(super) fn into_rows(self) -> Result<Vec<Vec<u8>>, ApiError> {
        let rows = self.entries.into_iter().map(|(_, entry)| match entry {
            Entry::Row(row) => Ok(row),
            Entry::Failed(error) => Err(*error),
        });
        rows.collect()
    }

    /// The answer for a list. How many did well is said where not all are listed.
    pub(super) fn into_list(
        mut self,
        kind: Kind,
        options: &TableWrite,
        wrapper: &str,
    ) -> Result<Answer, ApiError> {
        let count = self.is_cut().then_some(self.written);
        if self.failed.is_empty() {
            let rows = self.entries.iter().filter_map(|(_, entry)| entry.row());
            return Ok(wrapped(rows, meta(count)));
        }
        // A record that can't be planned has its end before those that wait for their call.
        self.entries.sort_by_key(|(index, _)| *index);
        self.failed.sort_unstable();
        // Whoever decides whether to try again has to know of the one record that may have been written.
        let is_in_doubt = self.entries.iter().any(|(_, entry)| entry.is_in_doubt());
        let message = message(kind, options.is_rolled_back);
        let entries = self.entries.into_iter().map(|(_, entry)| entry.into_part()).collect();
        let parts = Parts { wrapper: wrapper.to_owned(), failed: self.failed, entries, count };
        let error = ApiError::batch(message, parts);
        Err(if is_in_doubt { error.of_kind(ErrorKind::UnknownOutcome) } else { error })
    }
}

impl Entry {
    fn row(&self) -> Option<&[u8]> {
        if let Self::Row(row) = self { Some(row) } else { None }
    }

    fn is_in_doubt(&self) -> bool {
        matches!(self, Self::Failed(error) if error.is_in_doubt())
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
        let mut tally = Tally::new(10);
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
    fn what_is_not_kept_is_counted() {
        let mut tally = Tally::new(2);
        (0..5).for_each(|index| tally.wrote(index, 1, row("1")));
        let answer = tally.into_list(Kind::Insert, &TableWrite::default(), "rows");
        assert_eq!(body(answer), r#"{"resource":[1,1],"meta":{"count":5}}"#);
    }

    #[test]
    fn a_single_row_is_answered_without_wrapper_and_so_is_its_error() {
        let mut tally = Tally::new(1);
        tally.wrote(0, 1, row(r#"{"id":1}"#));
        assert_eq!(body(tally.into_row()), r#"{"id":1}"#);
        let mut tally = Tally::new(1);
        tally.failed(0, ApiError::unknown_record(1));
        assert!(body(tally.into_row()).starts_with(r#"{"code":404,"#));
    }
}
