//! What of a document is sent: the columns that were asked for, and where that was asked for, all others.

use std::collections::HashSet;

use connector_api::author::CellWriter as _;
use connector_api::author::{Path, Query, Result, RowSink};
use mongodb::bson::raw::{RawBsonRef, RawDocument};
use mongodb::bson::{Document, doc};

use crate::condition::{Selection, member};
use crate::schema::ID;
use crate::translate::is_nameable;
use crate::types::{malformed, write_cell};

/// Where documents have ever other names, so many are announced before those of earlier documents are forgotten.
const MAX_OTHERS: usize = 256;

/// The columns of an answer.
pub(crate) struct Columns<'a> {
    paths: &'a [Path],
    /// The plain ones among them, by place.
    plain: Vec<Option<&'a str>>,
    /// Names of further columns, in the order in which they are announced; `None`: they were not asked for.
    others: Option<Vec<String>>,
}

impl<'a> Columns<'a> {
    pub(crate) fn new(request: &'a Query) -> Self {
        Self::of(&request.select, request.others)
    }

    /// These columns, and perhaps all others.
    pub(crate) fn of(paths: &'a [Path], with_others: bool) -> Self {
        let plain = paths.iter().map(Path::as_column).collect();
        Self { paths, plain, others: with_others.then(Vec::new) }
    }

    /// The stage after which a document has just what is needed; none where that is all of it.
    pub(crate) fn projection(&self, selection: &Selection<'_>) -> Option<Document> {
        if self.others.is_some() || !selection.rest.is_empty() {
            return None;
        }
        let mut kept = Document::new();
        for name in self.paths.iter().filter_map(|path| path.segments().first()) {
            // What the server can't name is found in the whole document.
            if !is_nameable(name) {
                return None;
            }
            kept.insert(name, 1);
        }
        if !kept.contains_key(ID) {
            kept.insert(ID, 0);
        }
        Some(doc! {"$project": kept})
    }

    /// Announces the columns as far as they are known.
    pub(crate) fn announce(&self, out: &mut RowSink) {
        let names: Vec<String> = self.paths.iter().map(|path| path.segments().join(".")).collect();
        let others = self.others.iter().flatten().map(String::as_str);
        let all: Vec<&str> = names.iter().map(String::as_str).chain(others).collect();
        out.columns(all);
    }

    /// Writes the cells of a document.
    ///
    /// # Errors
    /// What can't be sent.
    pub(crate) fn send(&mut self, document: &RawDocument, out: &mut RowSink) -> Result<()> {
        let others = match &self.others {
            Some(known) => self.further(document, known)?,
            None => None,
        };
        if let Some(others) = others {
            self.others = Some(others);
            self.announce(out);
        }
        let further = self.others.iter().flatten().map(String::as_str);
        let names: Vec<Option<&str>> = self.plain.iter().copied().chain(further.map(Some)).collect();
        let mut found: Vec<Option<RawBsonRef<'_>>> = vec![None; names.len()];
        for element in document {
            let (name, value) = element.map_err(malformed)?;
            // Nearly always members come in the order of the columns, and rows have few of them.
            let place = names.iter().position(|wanted| *wanted == Some(name.as_str()));
            if let Some(cell) = place.and_then(|place| found.get_mut(place)) {
                *cell = Some(value);
            }
        }
        for (place, cell) in found.into_iter().enumerate() {
            let nested = self.paths.get(place).filter(|path| path.as_column().is_none());
            let cell = nested.map_or(Ok(cell), |path| member(document, path))?;
            match cell {
                Some(value) => write_cell(out.cell(), value)?,
                None => out.absent(),
            }
        }
        Ok(())
    }

    /// The further columns when a document has new ones; `None`: it has none.
    fn further(&self, document: &RawDocument, known: &[String]) -> Result<Option<Vec<String>>> {
        let selected: HashSet<&str> = self.plain.iter().flatten().copied().collect();
        let mut own = Vec::new();
        for element in document {
            let (name, _) = element.map_err(malformed)?;
            if !selected.contains(name.as_str()) {
                own.push(name.as_str().to_owned());
            }
        }
        let announced: HashSet<&str> = known.iter().map(String::as_str).collect();
        let fresh: Vec<String> =
            own.iter().filter(|name| !announced.contains(name.as_str())).cloned().collect();
        let is_too_wide = known.len() + fresh.len() > MAX_OTHERS;
        Ok((!fresh.is_empty()).then(|| if is_too_wide { own } else { [known, &fresh].concat() }))
    }
}
