//! A filter, of which the server tests what it can and the evaluator the rest, document by document.

use std::collections::HashMap;

use connector_api::author::{Error, Expr, Filter, Path, Result, Value};
use connector_common::evaluate::Condition;
use mongodb::bson::Document;
use mongodb::bson::raw::{RawBsonRef, RawDocument};

use crate::schema::Layout;
use crate::translate::{Filters, all};
use crate::types::{self, malformed};

/// A filter in two parts, both of which have to hold.
#[derive(Debug)]
pub(crate) struct Selection<'a> {
    /// The server's part.
    pub(crate) native: Document,
    /// What the server can't test as the contract has it.
    pub(crate) rest: Vec<Rule<'a>>,
}

impl<'a> Selection<'a> {
    /// # Errors
    /// A filter that makes no sense.
    pub(crate) fn new(filter: Option<&'a Filter>, layout: &Layout, params: &'a [Value]) -> Result<Self> {
        let filters = Filters { layout, params };
        let (mut native, mut rest, mut parts) = (Vec::new(), Vec::new(), Vec::from_iter(filter));
        while let Some(part) = parts.pop() {
            match (filters.rows(part, true)?, part) {
                (Some(condition), _) => native.push(condition),
                (None, Filter::And(inner)) => parts.extend(inner),
                (None, part) => rest.push(Rule::new(Some(part), params)?),
            }
        }
        native.retain(|condition| !condition.is_empty());
        let native = if native.is_empty() { Document::new() } else { all(native) };
        Ok(Self { native, rest })
    }

    /// Whether a document that the server chose is meant.
    ///
    /// # Errors
    /// What can't be computed.
    pub(crate) fn holds(&self, document: &RawDocument) -> Result<bool> {
        for rule in &self.rest {
            if !rule.holds(document)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// A condition that is tested here.
#[derive(Debug)]
pub(crate) struct Rule<'a> {
    condition: Condition<'a>,
    paths: Vec<Path>,
}

impl<'a> Rule<'a> {
    /// `None` holds for everything.
    ///
    /// # Errors
    /// A filter that makes no sense.
    pub(crate) fn new(filter: Option<&'a Filter>, params: &'a [Value]) -> Result<Self> {
        let mut paths = Vec::new();
        if let Some(filter) = filter {
            paths_of(filter, &mut |path| paths.push(path.clone()));
        }
        Ok(Self { condition: Condition::new(filter, params)?, paths })
    }

    /// Whether the document meets it.
    ///
    /// # Errors
    /// What can't be computed.
    pub(crate) fn holds(&self, document: &RawDocument) -> Result<bool> {
        let row = Row::new(document, &self.paths)?;
        self.condition.matches(&|path: &Path| row.cell(path))
    }
}

/// Some columns of a document, as values.
#[derive(Debug)]
pub(crate) struct Row<'p>(HashMap<&'p Path, Value>);

impl<'p> Row<'p> {
    /// # Errors
    /// Bytes that are no document.
    pub(crate) fn new(document: &RawDocument, paths: &'p [Path]) -> Result<Self> {
        let cell = |path: &'p Path| Ok((path, value_at(document, path)?));
        paths.iter().map(cell).collect::<Result<_>>().map(Self)
    }

    /// One of these columns.
    ///
    /// # Errors
    /// *Internal* for another one.
    pub(crate) fn cell(&self, path: &Path) -> Result<&Value> {
        self.0.get(path).ok_or_else(|| Error::internal("a condition names a column that was not looked up"))
    }
}

fn value_at(document: &RawDocument, path: &Path) -> Result<Value> {
    member(document, path)?.map_or(Ok(Value::Absent), types::value_of)
}

/// What a path leads to. A list on the way is the end of it.
///
/// # Errors
/// Bytes that are no document.
pub(crate) fn member<'d>(document: &'d RawDocument, path: &Path) -> Result<Option<RawBsonRef<'d>>> {
    let mut found = RawBsonRef::Document(document);
    for segment in path.segments() {
        let RawBsonRef::Document(document) = found else { return Ok(None) };
        match document.get(segment).map_err(malformed)? {
            Some(value) => found = value,
            None => return Ok(None),
        }
    }
    Ok(Some(found))
}

/// Hands over each column that a filter names.
pub(crate) fn paths_of<'f>(filter: &'f Filter, each: &mut impl FnMut(&'f Path)) {
    match filter {
        Filter::Always(_) | Filter::RelatedExists { .. } => {}
        Filter::And(parts) | Filter::Or(parts) => parts.iter().for_each(|part| paths_of(part, each)),
        Filter::Not(part) => paths_of(part, each),
        Filter::Compare { left, right, .. } => {
            [left, right].into_iter().for_each(|expr| paths_in(expr, each))
        }
        Filter::Between { expr, low, high } => {
            [expr, low, high].into_iter().for_each(|expr| paths_in(expr, each));
        }
        Filter::In { expr, .. } | Filter::Text { expr, .. } | Filter::IsNull(expr) => paths_in(expr, each),
    }
}

/// As [`paths_of`], of an expression.
pub(crate) fn paths_in<'f>(expr: &'f Expr, each: &mut impl FnMut(&'f Path)) {
    match expr {
        Expr::Column(path) => each(path),
        Expr::Param(_) => {}
        Expr::Arithmetic { left, right, .. } => {
            paths_in(left, each);
            paths_in(right, each);
        }
        Expr::Call { args, .. } => args.iter().for_each(|arg| paths_in(arg, each)),
    }
}
