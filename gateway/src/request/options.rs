//! What a read asks for, typed: rows of a table, or lists of tables and other resources. Parameters that are not named
//! here are ignored.

use super::bounds::{MAX_FIELDS, MAX_NAMES};
use super::filter::{self, Node, Params};
use super::order;
use super::parameters::{Given, Parameters};
use super::{Error, Fields, Id, OrderItem, Related, id, term};

/// A GET on a table's rows, or on one row of it.
///
/// Every option may stand in the query string or be a member of the body.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TableRead {
    /// Columns of the answer.
    pub fields: Fields,
    /// Which rows; `None` for all.
    pub filter: Option<Node>,
    /// Sort keys, strongest first; empty for the database's own order.
    pub order: Vec<OrderItem>,
    /// Rows at most, as given: below 1 means the service's maximum. `None` if absent.
    pub limit: Option<i64>,
    /// Rows to skip.
    pub offset: u64,
    /// The offset is neither a number nor a token, and counts as 0 where rows are skipped by their number.
    pub is_offset_unread: bool,
    /// Rows by identifier; `None` if absent, empty if the list was empty.
    pub ids: Option<Vec<Id>>,
    /// Columns that identify a row instead of the primary key; empty if absent.
    pub id_field: Vec<String>,
    /// Types of those columns, for stores without a schema; empty if absent.
    pub id_type: Vec<String>,
    /// Relationships to embed.
    pub related: Related,
    /// Columns to group by; empty if absent.
    pub group: Vec<String>,
    /// Condition on groups; a field in it may be an aggregate.
    pub having: Option<Node>,
    /// No row twice.
    pub distinct: bool,
    /// Whether `meta.count` is wanted: `count`, else `include_count`.
    pub count: CountWish,
    /// How rows are paged.
    pub paging: Paging,
    /// The answer is the number of rows alone.
    pub count_only: bool,
    /// `meta.schema` is wanted.
    pub include_schema: bool,
    /// Identifiers only, as a plain list.
    pub as_list: bool,
    /// Go on after an id that is missing (`continue`).
    pub is_continued: bool,
    /// Cached data must not be used.
    pub refresh: bool,
}

/// Whether and how the matching rows are counted for `meta.count`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CountWish {
    /// Nothing was said: an answer that the service's maximum cuts short shows the count, others don't.
    #[default]
    Unsaid,
    /// Counted.
    Exact,
    /// A number that the store knows without counting will do.
    Estimated,
    /// Never.
    None,
}

/// How the rows of one answer are found among all that match.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Paging {
    /// By `offset`.
    #[default]
    Offset,
    /// The first page of those that a cursor goes through.
    FirstByCursor,
    /// What follows a page: its `next_cursor`.
    After(String),
}

impl TableRead {
    /// Whether the request goes through pages by cursor.
    #[must_use]
    pub fn is_by_cursor(&self) -> bool {
        self.paging != Paging::Offset
    }

    /// Reads all options.
    ///
    /// # Errors
    /// A filter, order, offset, id list, `count`, `page` or `params` that can't be read, a body member of the wrong JSON type, a list that is
    /// too long.
    pub fn parse(parameters: Parameters<'_>) -> Result<Self, Error> {
        let offset = read_offset(parameters)?;
        Ok(Self {
            fields: Fields::from_list(term::field_items(parameters, &["fields", "select"], MAX_FIELDS)?),
            filter: read_filter(parameters)?,
            order: read_order(parameters)?,
            limit: parameters.text(&["limit", "top"])?.map(|text| integer(&text)),
            offset,
            is_offset_unread: is_offset_unread(parameters)?,
            ids: id::ids(parameters)?,
            id_field: term::names(parameters, &["id_field"])?,
            id_type: parameters.list(&["id_type"], MAX_NAMES)?.unwrap_or_default(),
            related: Related::parse(parameters.list(&["related"], MAX_NAMES)?, parameters),
            group: term::names(parameters, &["group", "group_by"])?,
            having: read_condition(parameters, &["having"], filter::parse_having)?,
            distinct: parameters.flag("distinct"),
            count: read_count(parameters)?,
            paging: read_paging(parameters, offset)?,
            count_only: parameters.flag("count_only"),
            include_schema: parameters.flag("include_schema"),
            as_list: parameters.flag("as_list"),
            is_continued: parameters.flag("continue"),
            refresh: parameters.flag("refresh"),
        })
    }
}

/// A GET on a list of resources: a service's root, `_table`, `_schema` and their like.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListRead {
    /// Properties of each item.
    pub fields: Fields,
    /// Names to restrict the list to; `None` if absent.
    pub ids: Option<Vec<String>>,
    /// Names only, as a plain list.
    pub as_list: bool,
    /// The strings that the role editor uses, as a plain list.
    pub as_access_list: bool,
    /// Each item says which verbs the caller may use.
    pub include_access: bool,
    /// Only names of this database schema; `None` for all.
    pub schema: Option<String>,
    /// The catalogue must be read again.
    pub refresh: bool,
}

impl ListRead {
    /// Reads all options.
    ///
    /// # Errors
    /// A body member of the wrong JSON type, a list that is too long.
    pub fn parse(parameters: Parameters<'_>) -> Result<Self, Error> {
        let schema = parameters.text(&["schema"])?.filter(|schema| !schema.is_empty());
        Ok(Self {
            fields: Fields::from_list(term::field_items(parameters, &["fields", "select"], MAX_FIELDS)?),
            ids: parameters.list(&["ids"], MAX_FIELDS)?,
            as_list: parameters.flag("as_list"),
            as_access_list: parameters.flag("as_access_list"),
            include_access: parameters.flag("include_access"),
            schema: schema.map(std::borrow::Cow::into_owned),
            refresh: parameters.flag("refresh"),
        })
    }
}

/// What a change of the schema asks for beside what it brings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SchemaWrite {
    /// The answer has whole descriptions.
    pub is_shown: bool,
    /// A table that exists is an error (`check_exist`).
    pub is_new: bool,
    /// Fields that are not listed go (`allow_delete`).
    pub allow_delete: bool,
    /// Names of what goes; `None` if absent.
    pub ids: Option<Vec<String>>,
}

impl SchemaWrite {
    /// Reads all options.
    ///
    /// # Errors
    /// A body member of the wrong JSON type, a list that is too long.
    pub fn parse(parameters: Parameters<'_>) -> Result<Self, Error> {
        Ok(Self {
            is_shown: parameters.text(&["fields"])?.is_some_and(|fields| !fields.is_empty()),
            is_new: parameters.flag("check_exist"),
            allow_delete: parameters.flag("allow_delete"),
            ids: parameters.list(&["ids"], MAX_FIELDS)?,
        })
    }
}

/// The names of the filter, the main one first.
pub(super) const FILTER: [&str; 2] = ["filter", "where"];

/// The client's filter.
pub(super) fn read_filter(parameters: Parameters<'_>) -> Result<Option<Node>, Error> {
    read_condition(parameters, &FILTER, filter::parse)
}

/// The condition in the first of `names` that is given.
fn read_condition(
    parameters: Parameters<'_>,
    names: &[&'static str],
    parse: impl Fn(&str, &Params) -> Result<Option<Node>, Error>,
) -> Result<Option<Node>, Error> {
    let name = names.first().copied().unwrap_or_default();
    let text = match parameters.find(names) {
        None => return Ok(None),
        Some(Given::Query(text)) => text,
        Some(Given::Body(value)) => {
            value.as_str().ok_or_else(|| Error::new(name, format!("'{name}' must be a text")))?
        }
    };
    let most = parameters.bounds.filter;
    if text.len() > most {
        let message = format!("{name} is {} bytes long; at most {most} bytes are allowed", text.len());
        return Err(Error::new(name, message));
    }
    parse(text, &*parameters.params()?).map_err(|error| Error { parameter: name, ..error })
}

fn read_count(parameters: Parameters<'_>) -> Result<CountWish, Error> {
    let Some(text) = parameters.text(&["count"])? else {
        let is_wanted = parameters.flag("include_count");
        return Ok(if is_wanted { CountWish::Exact } else { CountWish::Unsaid });
    };
    let words = [("exact", CountWish::Exact), ("estimated", CountWish::Estimated), ("none", CountWish::None)];
    let found = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text.trim()));
    found
        .map(|(_, wish)| *wish)
        .ok_or_else(|| Error::new("count", "'count' must be 'exact', 'estimated' or 'none'"))
}

/// The names of the offset.
const OFFSET: [&str; 2] = ["offset", "skip"];

/// Whether this offset is the `next` of a page of a store that has tokens.
fn is_token(text: &str) -> bool {
    text.len() >= SHORTEST_TOKEN
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn is_offset_unread(parameters: Parameters<'_>) -> Result<bool, Error> {
    let text = parameters.text(&OFFSET)?;
    let text = text.as_deref().map(str::trim).filter(|text| !text.is_empty() && !is_token(text));
    let is_of_numbers = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E');
    Ok(text.is_some_and(|text| !text.bytes().all(is_of_numbers)))
}

fn read_paging(parameters: Parameters<'_>, offset: u64) -> Result<Paging, Error> {
    let cursor = match parameters.text(&["cursor"])? {
        None => parameters.text(&OFFSET)?.filter(|text| is_token(text)),
        cursor => cursor,
    };
    let page = parameters.text(&["page"])?;
    let is = |word: &str| page.as_deref().is_some_and(|page| page.trim().eq_ignore_ascii_case(word));
    let paging = match cursor {
        _ if page.is_some() && !is("cursor") && !is("offset") => {
            return Err(Error::new("page", "'page' must be 'cursor' or 'offset'"));
        }
        Some(_) if is("offset") => {
            return Err(Error::new("cursor", "'cursor' can't be combined with 'page=offset'"));
        }
        Some(token) if !token.is_empty() => Paging::After(token.into_owned()),
        Some(_) => Paging::FirstByCursor,
        None if is("cursor") => Paging::FirstByCursor,
        None => Paging::Offset,
    };
    if offset > 0 && paging != Paging::Offset {
        return Err(Error::new("offset", "'offset' can't be combined with a cursor; leave one of them out"));
    }
    Ok(paging)
}

pub(super) fn read_order(parameters: Parameters<'_>) -> Result<Vec<OrderItem>, Error> {
    let text = parameters.text(&["order", "sort", "order_by"])?;
    text.map_or_else(|| Ok(Vec::new()), |text| order::parse(&text))
}

/// The shortest token of a page: no number is so long.
const SHORTEST_TOKEN: usize = 64;

/// A text that is no number counts as 0; only a negative number is refused. One that may be the token of a page is no number.
pub(super) fn read_offset(parameters: Parameters<'_>) -> Result<u64, Error> {
    let text = parameters.text(&OFFSET)?.filter(|text| !is_token(text));
    let Some(text) = text else { return Ok(0) };
    u64::try_from(integer(&text))
        .map_err(|_| Error::new("offset", "'offset' must be 0 or a positive number of rows"))
}

/// A number with more digits is past 64 bits.
const MAX_DIGITS: usize = 20;

/// The whole part of the number that a text begins with, exponent included, 0 if it begins with none; past the 64-bit range the nearest
/// end of it.
pub(super) fn integer(text: &str) -> i64 {
    let text = text.trim_ascii_start();
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, rest) = split_digits(digits);
    let (fraction, rest) = rest.strip_prefix('.').map_or(("", rest), split_digits);
    let exponent = rest.strip_prefix(['e', 'E']).unwrap_or_default();
    let (is_small, exponent) =
        exponent.strip_prefix('-').map_or((false, exponent), |exponent| (true, exponent));
    let (exponent, _) = split_digits(exponent.strip_prefix('+').unwrap_or(exponent));
    let shift = if exponent.is_empty() { 0 } else { exponent.parse::<usize>().unwrap_or(usize::MAX) };
    let digits = if is_small {
        whole.get(..whole.len().saturating_sub(shift)).unwrap_or_default().to_owned()
    } else {
        let moved = fraction.get(..shift.min(fraction.len())).unwrap_or_default();
        let zeros = shift.saturating_sub(fraction.len()).min(MAX_DIGITS);
        format!("{whole}{moved}{}", "0".repeat(zeros))
    };
    let digits = digits.trim_start_matches('0');
    let value = if digits.is_empty() { 0 } else { digits.parse().unwrap_or(i64::MAX) };
    if is_negative { -value } else { value }
}

/// The digits that a text begins with, and the rest of it.
fn split_digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len()))
}

#[cfg(test)]
#[path = "options_tests.rs"]
mod tests;
