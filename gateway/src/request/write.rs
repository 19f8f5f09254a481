//! What a write asks for, typed. The records it brings stand in `records`. Parameters that are not named here are ignored.

use super::bounds::{MAX_FIELDS, MAX_NAMES};
use super::filter::Node;
use super::options::{FILTER, integer, read_filter, read_offset, read_order};
use super::parameters::Parameters;
use super::{Error, Fields, Id, OrderItem, Related, id, term};

/// A POST, PUT, PATCH or DELETE on a table's rows, or on one row of it.
///
/// Every option may stand in the query string or, beside `resource`, in the body of a collection. The body of a single row is the record
/// itself and holds no option.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct TableWrite {
    /// Columns of the answer.
    pub fields: Fields,
    /// Which rows; `None` where none was given or [`TableWrite::has_empty_filter`] says so.
    pub filter: Option<Node>,
    /// A filter was given, and it is blank.
    pub has_empty_filter: bool,
    /// Rows by identifier; `None` if absent, empty if the list was empty.
    pub ids: Option<Vec<Id>>,
    /// Columns that identify a row instead of the primary key; empty if absent.
    pub id_field: Vec<String>,
    /// Types of those columns, for stores without a schema; empty if absent.
    pub id_type: Vec<String>,
    /// Relationships to embed.
    pub related: Related,
    /// Rows at most, for a write by filter; below 1 means all. `None` if absent.
    pub limit: Option<i64>,
    /// Rows to skip, for a write by filter with a limit.
    pub offset: u64,
    /// Which rows come first, for a write by filter with a limit; empty if absent.
    pub order: Vec<OrderItem>,
    /// Identifiers only, as a plain list.
    pub as_list: bool,
    /// Go on after a record that failed (`continue`).
    pub is_continued: bool,
    /// All records or none (`rollback`).
    pub is_rolled_back: bool,
    /// Every row may be removed (`force`).
    pub is_forced: bool,
    /// Rows that are missing are created (`upsert`).
    pub is_upsert: bool,
    /// Related rows that can't be without the row that they belong to are deleted when they lose it (`allow_related_delete`).
    pub removes_related: bool,
    /// The method puts records in the place of rows, where rows are documents.
    pub is_replacement: bool,
    /// The values of the records are texts, of whatever type they are meant. Said by the form of the body, not by an option.
    pub are_texts: bool,
}

impl TableWrite {
    /// Reads all options.
    ///
    /// # Errors
    /// A filter, order, offset, id list or `params` that can't be read, a body member of the wrong JSON type, `continue` and `rollback` together.
    pub fn parse(parameters: Parameters<'_>) -> Result<Self, Error> {
        let filter = read_filter(parameters)?;
        let (is_continued, is_rolled_back) = (parameters.flag("continue"), parameters.flag("rollback"));
        if is_continued && is_rolled_back {
            return Err(Error::whole(
                "Rollback and continue operations can not be requested at the same time.",
            ));
        }
        Ok(Self {
            fields: Fields::from_list(term::field_items(parameters, &["fields", "select"], MAX_FIELDS)?),
            has_empty_filter: filter.is_none() && parameters.find(&FILTER).is_some(),
            filter,
            ids: id::ids_only(parameters)?,
            id_field: term::names(parameters, &["id_field"])?,
            id_type: parameters.list(&["id_type"], MAX_NAMES)?.unwrap_or_default(),
            related: Related::parse(parameters.list(&["related"], MAX_NAMES)?, parameters),
            limit: parameters.text(&["limit", "top"])?.map(|text| integer(&text)),
            offset: read_offset(parameters)?,
            order: read_order(parameters)?,
            as_list: parameters.flag("as_list"),
            is_continued,
            is_rolled_back,
            is_forced: parameters.flag("force"),
            is_upsert: parameters.flag("upsert"),
            removes_related: parameters.flag("allow_related_delete"),
            is_replacement: false,
            are_texts: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::request::{Term, path_id};

    fn parse(query: &[(&str, &str)], body: &Json) -> Result<TableWrite, Error> {
        let query: Vec<_> =
            query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        TableWrite::parse(Parameters { query: &query, body: body.as_object(), ..Parameters::default() })
    }

    #[test]
    fn nothing_given_is_nothing_asked() {
        assert_eq!(parse(&[], &json!({})), Ok(TableWrite::default()));
    }

    #[test]
    fn options_stand_in_the_query_string_or_beside_the_records() {
        let expected = TableWrite {
            fields: Fields::Named(["id", "name"].map(|name| Term::name(name).into()).to_vec()),
            ids: Some(vec![path_id("1"), path_id("2")]),
            id_field: vec!["id".to_owned()],
            id_type: vec!["int".to_owned()],
            limit: Some(3),
            as_list: true,
            is_rolled_back: true,
            is_forced: true,
            is_upsert: true,
            is_replacement: false,
            ..TableWrite::default()
        };
        let pairs = [
            ("fields", "id,name"),
            ("ids", "1,2"),
            ("id_field", "id"),
            ("id_type", "int"),
            ("limit", "3"),
            ("as_list", "1"),
            ("rollback", "yes"),
            ("force", "true"),
            ("upsert", "on"),
        ];
        let body: Json = pairs.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        assert_eq!(parse(&pairs, &json!({})), Ok(expected.clone()));
        assert_eq!(parse(&[], &body), Ok(expected));
    }

    #[test]
    fn a_blank_filter_is_told_from_none() {
        let check = |query: &[(&str, &str)], is_empty: bool, has_filter: bool| {
            let write = parse(query, &json!({})).unwrap();
            assert_eq!((write.has_empty_filter, write.filter.is_some()), (is_empty, has_filter), "{query:?}");
        };
        check(&[], false, false);
        check(&[("filter", "")], true, false);
        check(&[("where", "  ")], true, false);
        check(&[("filter", "id=1")], false, true);
    }

    #[test]
    fn records_of_the_body_are_no_ids() {
        let write = parse(&[], &json!({ "resource": [{ "id": 1 }] })).unwrap();
        assert_eq!(write.ids, None);
        assert_eq!(parse(&[("ids", "")], &json!({})).unwrap().ids, Some(Vec::new()));
    }

    #[test]
    fn rollback_and_continue_exclude_each_other() {
        let error = parse(&[("rollback", "true")], &json!({ "continue": true })).unwrap_err();
        assert_eq!(error.message, "Rollback and continue operations can not be requested at the same time.");
        assert!(parse(&[("rollback", "true"), ("continue", "false")], &json!({})).is_ok());
    }
}
