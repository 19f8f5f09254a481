//! The pages of a read, one request after the other: where each begins, what it asks for, how much was read in vain.

use std::collections::BTreeSet;

use connector_api::author::{Error, Path, Result};
use connector_common::evaluate::Condition;
use serde::{Deserialize, Serialize};

use super::within;
use crate::client::{Body, Deadline, Page};
use crate::connector::Store;
use crate::error::invalid;
use crate::schema::Layout;
use crate::translate::{Access, KeyCondition, Placeholders, Test, projection};
use crate::types::Item;

/// The most items of one page.
const LARGEST_PAGE: u64 = 1000;
/// The fewest items of a page of which the store leaves some out: it counts items before it tests them.
const SMALLEST_FILTERED_PAGE: u64 = 100;

/// How a read goes about it.
pub(super) struct Plan<'s> {
    pub(super) store: &'s Store,
    pub(super) layout: &'s Layout,
    pub(super) access: Access<'s>,
    /// What the store tests.
    pub(super) test: Test,
    /// The filter, where the store's test may let others through.
    pub(super) rest: Option<Condition<'s>>,
    /// Attributes that are wanted whole; `None`: all.
    pub(super) columns: Option<BTreeSet<&'s str>>,
    pub(super) select: Vec<Path>,
    pub(super) deadline: Deadline,
}

impl Plan<'_> {
    /// One request, but for where it begins. One that counts asks for no attributes.
    fn body(&self, key: Option<&KeyCondition>, is_counted: bool) -> Body {
        let mut placeholders = Placeholders::default();
        let index = self.access.index;
        let mut body = Body {
            table_name: self.layout.table.clone(),
            index_name: index.map(|index| index.name.clone()),
            key_condition_expression: key.map(|key| placeholders.expression(&key.test())),
            filter_expression: Some(placeholders.expression(&self.test)).filter(|text| !text.is_empty()),
            scan_index_forward: key.map(|_| !self.access.is_backwards),
            // Global indexes have no consistent reads.
            consistent_read: Some(self.store.consistent_reads && !index.is_some_and(|index| index.is_global)),
            ..Body::default()
        };
        if let Some(columns) = self.columns.as_ref().filter(|_| !is_counted) {
            let mut with_columns = Placeholders::clone(&placeholders);
            body.projection_expression = projection(columns, &self.select, &mut with_columns);
            if body.projection_expression.is_some() {
                placeholders = with_columns;
            }
        }
        placeholders.fill(&mut body);
        body
    }

    /// What is asked of the store, with placeholders and without values.
    pub(super) fn statement(&self, is_sorted_here: bool) -> String {
        let keys = self.access.keys.as_deref();
        let body = self.body(keys.and_then(<[_]>::first), false);
        let mut text = format!("{} {}", operation(keys.is_some()), body.table_name);
        let index = body.index_name.map(|name| format!(" index {name}"));
        let queries =
            keys.map(|keys| keys.len()).filter(|count| *count != 1).map(|count| format!(" ({count} keys)"));
        let key = body.key_condition_expression.map(|key| format!(" key {key}"));
        let filter = body.filter_expression.map(|filter| format!(" filter {filter}"));
        let names = body.expression_attribute_names.iter().map(|(sign, name)| format!("{sign} = {name}"));
        let names = names.collect::<Vec<_>>().join(", ");
        let names = Some(format!(" with {names}")).filter(|_| !body.expression_attribute_names.is_empty());
        let here = match (self.rest.is_some(), is_sorted_here) {
            (false, false) => "",
            (true, false) => "; filtered here",
            (false, true) => "; sorted here",
            (true, true) => "; filtered and sorted here",
        };
        [index, queries, key, filter, names].into_iter().flatten().for_each(|part| text.push_str(&part));
        text + here
    }
}

fn operation(is_query: bool) -> &'static str {
    if is_query { "Query" } else { "Scan" }
}

/// Where a page begins: in which of several queries, behind which key.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Position {
    #[serde(default)]
    query: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<Item>,
}

impl Position {
    /// The position in a token.
    ///
    /// # Errors
    /// A text that is none.
    pub(super) fn read(token: &str) -> Result<Self> {
        serde_json::from_str(token).map_err(|_| {
            invalid("the page token can't be read; begin again with the first page")
                .with_reason("invalid_token")
        })
    }

    /// The position as a token.
    ///
    /// # Errors
    /// *Internal*, if it can't be written.
    pub(super) fn token(&self) -> Result<String> {
        serde_json::to_string(self)
            .map_err(|error| Error::internal("a page token can't be written").with_detail(error))
    }
}

/// The pages of a read.
pub(super) struct Pages<'p> {
    plan: &'p Plan<'p>,
    /// Of the next page; `None`: there is none.
    next: Option<Position>,
    /// The query of the page that came last.
    query: usize,
    read: u64,
    /// Of those read, the items that were not sent, when it was last asked.
    discarded: u64,
}

impl<'p> Pages<'p> {
    pub(super) fn new(plan: &'p Plan<'p>, start: Position) -> Self {
        let mut pages = Self { plan, next: None, query: 0, read: 0, discarded: 0 };
        // A test that never holds needs no look at the store.
        if plan.test != Test::Nothing {
            pages.next = pages.existing(start);
        }
        pages
    }

    pub(super) fn plan(&self) -> &'p Plan<'p> {
        self.plan
    }

    /// The next page, of which so many items are wanted; `None` behind the last one. A page may be empty.
    ///
    /// # Errors
    /// What the store says.
    pub(super) async fn next(&mut self, wanted: u64) -> Result<Option<Vec<Item>>> {
        Ok(self.page(wanted, None).await?.map(|page| page.items))
    }

    /// The number of items of the next page.
    ///
    /// # Errors
    /// As [`Pages::next`].
    pub(super) async fn next_count(&mut self) -> Result<Option<u64>> {
        Ok(self.page(u64::MAX, Some("COUNT")).await?.map(|page| page.count))
    }

    /// Whether the page that came last was the last one.
    pub(super) fn is_over(&self) -> bool {
        self.next.is_none()
    }

    /// Where the next page begins.
    pub(super) fn position(&self) -> Option<&Position> {
        self.next.as_ref()
    }

    /// Where a page would begin behind this item of the page that came last.
    pub(super) fn behind(&self, item: &Item) -> Position {
        let mut key = self.plan.layout.key_of(item);
        for column in self.plan.access.index.iter().flat_map(|index| index.keys.columns()) {
            key.extend(item.get(&column.name).map(|value| (column.name.clone(), value.clone())));
        }
        Position { query: self.query, key: Some(key) }
    }

    /// Refuses to go on when too many items were read that are not `sent`.
    ///
    /// # Errors
    /// *Limit exceeded*, with the bound.
    pub(super) fn check_bound(&mut self, sent: u64) -> Result<()> {
        self.discarded = self.read.saturating_sub(sent);
        within(self.discarded, self.plan.store.scan_limit)
    }

    /// The most items that the next page may have. One more than the bound tells that there are more.
    fn room(&self) -> u64 {
        self.plan.store.scan_limit.saturating_sub(self.discarded).saturating_add(1)
    }

    async fn page(&mut self, wanted: u64, select: Option<&'static str>) -> Result<Option<Page>> {
        let Some(position) = self.next.take() else { return Ok(None) };
        let plan = self.plan;
        let key = plan.access.keys.as_ref().and_then(|keys| keys.get(position.query));
        let mut body = plan.body(key, select.is_some());
        let is_tested = plan.test != Test::All || plan.rest.is_some();
        let smallest = if is_tested { SMALLEST_FILTERED_PAGE } else { 1 };
        body.limit = Some(wanted.clamp(smallest, LARGEST_PAGE).min(self.room()));
        body.exclusive_start_key = position.key;
        if select.is_some() {
            body.select = select;
            body.limit = Some(self.room());
        }
        let page: Page = plan.store.client.read(operation(key.is_some()), &body, plan.deadline).await?;
        self.read += page.scanned_count;
        self.query = position.query;
        self.next = match &page.last_evaluated_key {
            Some(key) => Some(Position { query: position.query, key: Some(key.clone()) }),
            None => self.existing(Position { query: position.query + 1, key: None }),
        };
        Ok(Some(page))
    }

    /// The position, if there is such a query. A Scan is one alone.
    fn existing(&self, position: Position) -> Option<Position> {
        let queries = self.plan.access.keys.as_ref().map_or(1, Vec::len);
        (position.query < queries).then_some(position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_comes_back_out_of_its_token() {
        let key: Item = serde_json::from_str(r#"{"id":{"N":"1"},"b":{"B":"AA=="}}"#).unwrap();
        for position in [Position::default(), Position { query: 3, key: Some(key) }] {
            assert_eq!(Position::read(&position.token().unwrap()), Ok(position));
        }
        for wrong in ["", "5", r#"{"query":-1}"#, r#"{"key":{"id":1}}"#, r#"{"filter":"x"}"#] {
            assert_eq!(
                Position::read(wrong).unwrap_err().reason.as_deref(),
                Some("invalid_token"),
                "{wrong}"
            );
        }
    }
}
