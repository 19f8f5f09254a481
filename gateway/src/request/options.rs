//! What a read asks for, typed: rows of a table, or lists of tables and other resources. Parameters that are not named
//! here are ignored.

use super::filter::{self, Node};
use super::order;
use super::parameters::{Given, Parameters};
use super::{Error, Fields, Id, OrderItem, Related, id};

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
    /// Rows by identifier; `None` if absent, empty if the list was empty.
    pub ids: Option<Vec<Id>>,
    /// Columns that identify a row instead of the primary key; empty if absent.
    pub id_field: Vec<String>,
    /// Types of those columns, for stores without a schema; empty if absent.
    pub id_type: Vec<String>,
    /// Relationships to embed.
    pub related: Related,
    /// Columns to group by, raw text.
    pub group: Option<String>,
    /// Condition on groups, raw text.
    pub having: Option<String>,
    /// No row twice.
    pub distinct: bool,
    /// How `meta.count` is found, raw text.
    pub count: Option<String>,
    /// Kind of paging, raw text.
    pub page: Option<String>,
    /// Where a page begins, as an earlier answer gave it.
    pub cursor: Option<String>,
    /// The answer is the number of rows alone.
    pub count_only: bool,
    /// `meta.count` is wanted.
    pub include_count: bool,
    /// `meta.schema` is wanted.
    pub include_schema: bool,
    /// Identifiers only, as a plain list.
    pub as_list: bool,
    /// Go on after an id that is missing (`continue`).
    pub is_continued: bool,
    /// Cached data must not be used.
    pub refresh: bool,
}

impl TableRead {
    /// Reads all options.
    ///
    /// # Errors
    /// A filter, order, offset, id list or `params` that can't be read, or a body member of the wrong JSON type.
    pub fn parse(parameters: Parameters<'_>) -> Result<Self, Error> {
        let text = |name| Ok::<_, Error>(parameters.text(&[name])?.map(std::borrow::Cow::into_owned));
        Ok(Self {
            fields: Fields::from_list(parameters.list(&["fields", "select"])?),
            filter: read_filter(parameters)?,
            order: read_order(parameters)?,
            limit: parameters.text(&["limit", "top"])?.map(|text| integer(&text)),
            offset: read_offset(parameters)?,
            ids: id::ids(parameters)?,
            id_field: parameters.list(&["id_field"])?.unwrap_or_default(),
            id_type: parameters.list(&["id_type"])?.unwrap_or_default(),
            related: Related::from_list(parameters.list(&["related"])?),
            group: parameters.text(&["group", "group_by"])?.map(std::borrow::Cow::into_owned),
            having: text("having")?,
            distinct: parameters.flag("distinct"),
            count: text("count")?,
            page: text("page")?,
            cursor: text("cursor")?,
            count_only: parameters.flag("count_only"),
            include_count: parameters.flag("include_count"),
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
    /// A body member of the wrong JSON type.
    pub fn parse(parameters: Parameters<'_>) -> Result<Self, Error> {
        let schema = parameters.text(&["schema"])?.filter(|schema| !schema.is_empty());
        Ok(Self {
            fields: Fields::from_list(parameters.list(&["fields", "select"])?),
            ids: parameters.list(&["ids"])?,
            as_list: parameters.flag("as_list"),
            as_access_list: parameters.flag("as_access_list"),
            include_access: parameters.flag("include_access"),
            schema: schema.map(std::borrow::Cow::into_owned),
            refresh: parameters.flag("refresh"),
        })
    }
}

/// The names of the filter, the main one first.
pub(super) const FILTER: [&str; 2] = ["filter", "where"];

pub(super) fn read_filter(parameters: Parameters<'_>) -> Result<Option<Node>, Error> {
    let text = match parameters.find(&FILTER) {
        None => return Ok(None),
        Some(Given::Query(text)) => text,
        Some(Given::Body(value)) => {
            value.as_str().ok_or_else(|| Error::new("filter", "'filter' must be a text"))?
        }
    };
    filter::parse(text, &*parameters.params()?)
}

fn read_order(parameters: Parameters<'_>) -> Result<Vec<OrderItem>, Error> {
    let text = parameters.text(&["order", "sort", "order_by"])?;
    text.map_or_else(|| Ok(Vec::new()), |text| order::parse(&text))
}

/// A text that is no number counts as 0; only a negative number is refused.
fn read_offset(parameters: Parameters<'_>) -> Result<u64, Error> {
    let Some(text) = parameters.text(&["offset", "skip"])? else { return Ok(0) };
    u64::try_from(integer(&text))
        .map_err(|_| Error::new("offset", "'offset' must be 0 or a positive number of rows"))
}

/// The number that a text begins with, 0 if it begins with none; past the 64-bit range the nearest end of it.
pub(super) fn integer(text: &str) -> i64 {
    let text = text.trim_ascii_start();
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let length = digits.find(|character: char| !character.is_ascii_digit()).unwrap_or(digits.len());
    let digits = digits.get(..length).unwrap_or_default();
    if digits.is_empty() {
        return 0;
    }
    let value = digits.parse::<i64>().unwrap_or(i64::MAX);
    if is_negative { -value } else { value }
}

#[cfg(test)]
#[path = "options_tests.rs"]
mod tests;
