//! Identifiers: the `ids` of a request and the last segment of `/{table}/{id}`.

use serde_json::{Map, Value as Json};

use super::Error;
use super::bounds::MAX_IDS;
use super::parameters::{Given, Parameters};

/// One identifier. Which columns it names, and of what type, is for the plan to say.
#[derive(Debug, Clone, PartialEq)]
pub enum Id {
    /// A text that says nothing of its kind, from the URL or a list in one text: `88` may be a number or a text. One such as `(1,2)`
    /// may also be meant as a tuple, see [`Id::parts`].
    Written(String),
    /// One value of a body: a text, number or boolean. A text may be meant as a tuple as well.
    Value(Json),
    /// One value per key column, in key order, from a JSON array.
    Tuple(Vec<Json>),
    /// Values by column name, from a JSON object. It may hold more than the key.
    Named(Map<String, Json>),
}

impl Id {
    /// The values of a composite key in key order: a tuple as it is, or the items of a text in parentheses. Blanks around an
    /// item and one pair of single quotes are removed; inside quotes `''` is one quote and a comma is text. `None` for anything
    /// else, which then can't identify a row by more than one column.
    #[must_use]
    pub fn parts(&self) -> Option<Vec<Json>> {
        match self {
            Self::Tuple(values) => Some(values.clone()),
            Self::Written(text) | Self::Value(Json::String(text)) => {
                let inner = text.trim().strip_prefix('(')?;
                let end = tuple_end(inner)?;
                let items = inner.get(..end)?;
                (inner.len() == end + 1).then(|| tuple_items(items).into_iter().map(Json::String).collect())
            }
            Self::Value(_) | Self::Named(_) => None,
        }
    }
}

/// The identifier in a path segment (percent-decoded): the whole segment is one value.
#[must_use]
pub fn path_id(segment: &str) -> Id {
    Id::Written(segment.to_owned())
}

/// The `ids` of a request, else the records of a body's `resource`. `None` if neither is there.
///
/// # Errors
/// A body whose `ids` hold nulls or anything nested deeper than a tuple; more identifiers than [`MAX_IDS`].
pub(super) fn ids(parameters: Parameters<'_>) -> Result<Option<Vec<Id>>, Error> {
    match ids_only(parameters)? {
        Some(ids) => Ok(Some(ids)),
        None => records(parameters),
    }
}

/// The `ids` of a request; `None` if it has none.
///
/// # Errors
/// As [`ids`].
pub(super) fn ids_only(parameters: Parameters<'_>) -> Result<Option<Vec<Id>>, Error> {
    match parameters.find(&["ids"]) {
        Some(Given::Query(text)) => from_text(text).map(Some),
        Some(Given::Body(Json::String(text))) => from_text(text).map(Some),
        Some(Given::Body(Json::Array(items))) => {
            check_count(items.len())?;
            items.iter().map(from_json).collect::<Result<_, _>>().map(Some)
        }
        Some(Given::Body(value)) => Ok(Some(vec![from_json(value)?])),
        None => Ok(None),
    }
}

/// The records that a body lists; their identifying fields stand for `ids`.
fn records(parameters: Parameters<'_>) -> Result<Option<Vec<Id>>, Error> {
    let resource = parameters.body.and_then(|body| body.get("resource"));
    let Some(resource) = resource else { return Ok(None) };
    let records = match resource {
        Json::Array(records) => records.as_slice(),
        record => std::slice::from_ref(record),
    };
    check_count(records.len())?;
    let ids: Vec<Id> =
        records.iter().filter_map(|record| record.as_object().cloned().map(Id::Named)).collect();
    Ok((!ids.is_empty()).then_some(ids))
}

fn check_count(count: usize) -> Result<(), Error> {
    if count <= MAX_IDS {
        return Ok(());
    }
    Err(Error::new("ids", format!("at most {MAX_IDS} identifiers can be given at once")))
}

fn from_json(value: &Json) -> Result<Id, Error> {
    let is_scalar = |value: &Json| matches!(value, Json::String(_) | Json::Number(_) | Json::Bool(_));
    match value {
        Json::Array(values) if !values.is_empty() && values.iter().all(is_scalar) => {
            Ok(Id::Tuple(values.clone()))
        }
        Json::Object(values) if !values.is_empty() => Ok(Id::Named(values.clone())),
        value if is_scalar(value) => Ok(Id::Value(value.clone())),
        _ => Err(Error::new("ids", "'ids' must hold values, tuples such as [1,2] or objects by column name")),
    }
}

/// Cuts `1,2` and `(1,2),(3,4)` at the commas outside tuples. An opening parenthesis that nothing closes is plain text.
fn from_text(text: &str) -> Result<Vec<Id>, Error> {
    let mut ids = Vec::new();
    let mut rest = text.trim_start();
    // Once no parenthesis closes, none further on does: the search is not repeated.
    let mut has_tuples = true;
    while !rest.is_empty() && ids.len() <= MAX_IDS {
        let tuple = rest.strip_prefix('(').filter(|_| has_tuples).map(tuple_end);
        has_tuples &= tuple != Some(None);
        let from = tuple.flatten().map_or(0, |end| end + 2);
        let length =
            rest.get(from..).and_then(|after| after.find(',')).map_or(rest.len(), |comma| from + comma);
        let item = rest.get(..length).unwrap_or_default().trim();
        if !item.is_empty() {
            ids.push(path_id(item));
        }
        rest = rest.get(length + 1..).unwrap_or_default().trim_start();
    }
    check_count(ids.len())?;
    Ok(ids)
}

/// Where the tuple ends whose opening parenthesis stands before `text`: the offset of its `)`.
fn tuple_end(text: &str) -> Option<usize> {
    let mut quotes = Quotes::default();
    text.char_indices()
        .find(|(_, character)| !quotes.covers(*character) && *character == ')')
        .map(|(end, _)| end)
}

fn tuple_items(text: &str) -> Vec<String> {
    let mut quotes = Quotes::default();
    let items = text.split(|character| !quotes.covers(character) && character == ',');
    items.map(|item| unquoted(item.trim())).collect()
}

fn unquoted(item: &str) -> String {
    match item.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        Some(inner) => inner.replace("''", "'"),
        None => item.to_owned(),
    }
}

/// Follows a tuple's text character by character; a quote opens only at the beginning of an item.
#[derive(Default)]
struct Quotes {
    is_inside: bool,
    is_item_started: bool,
}

impl Quotes {
    fn covers(&mut self, character: char) -> bool {
        match character {
            '\'' if self.is_inside => self.is_inside = false,
            // A second quote right after a closing one is a doubled quote: the text goes on.
            '\'' if !self.is_item_started => self.is_inside = true,
            ',' if !self.is_inside => self.is_item_started = false,
            _ => self.is_item_started |= !character.is_whitespace() && !self.is_inside,
        }
        self.is_inside
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(query: &str, expected: &[&str]) {
        let pairs = [("ids".to_owned(), query.to_owned())];
        let found = ids(Parameters { query: &pairs, body: None, ..Parameters::default() }).unwrap().unwrap();
        let expected: Vec<Id> = expected.iter().map(|text| path_id(text)).collect();
        assert_eq!(found, expected, "{query}");
    }

    fn check_body(body: &Json, expected: Option<Vec<Id>>) {
        let found = ids(Parameters { query: &[], body: body.as_object(), ..Parameters::default() }).unwrap();
        assert_eq!(found, expected, "{body}");
    }

    fn check_parts(text: &str, expected: Option<&[&str]>) {
        let found = path_id(text).parts();
        let expected = expected.map(|parts| parts.iter().map(|part| json!(part)).collect::<Vec<_>>());
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn url_lists_are_cut_at_commas_outside_tuples() {
        check("1,2,3", &["1", "2", "3"]);
        check(" 1 , ,2,", &["1", "2"]);
        check("(1,2),(3,4)", &["(1,2)", "(3,4)"]);
        check("(1,'a,b)'), 5", &["(1,'a,b)')", "5"]);
        check("O'Brien,x", &["O'Brien", "x"]);
        check("(a,b", &["(a", "b"]);
        check("(a,(b,c", &["(a", "(b", "c"]);
        check("f(1),2", &["f(1)", "2"]);
        check("", &[]);
    }

    #[test]
    fn body_ids_keep_their_types() {
        check_body(
            &json!({"ids": [1, "b", true]}),
            Some(vec![Id::Value(json!(1)), Id::Value(json!("b")), Id::Value(json!(true))]),
        );
        check_body(&json!({"ids": [[1, "x"]]}), Some(vec![Id::Tuple(vec![json!(1), json!("x")])]));
        let named = json!({"order_id": 1, "line": 2});
        let expected = Some(vec![Id::Named(named.as_object().unwrap().clone())]);
        check_body(&json!({"ids": [named]}), expected.clone());
        check_body(&json!({"ids": named}), expected.clone());
        check_body(&json!({"resource": [named]}), expected);
        check_body(&json!({"ids": 5}), Some(vec![Id::Value(json!(5))]));
        check_body(&json!({"ids": "1,2"}), Some(vec![path_id("1"), path_id("2")]));
        check_body(&json!({"ids": []}), Some(Vec::new()));
        check_body(&json!({"resource": []}), None);
        check_body(&json!({}), None);
    }

    #[test]
    fn unusable_body_ids_are_refused() {
        for body in
            [json!({"ids": [null]}), json!({"ids": [[[1]]]}), json!({"ids": [[]]}), json!({"ids": [{}]})]
        {
            let error =
                ids(Parameters { query: &[], body: body.as_object(), ..Parameters::default() }).unwrap_err();
            assert_eq!(error.parameter, "ids", "{body}");
        }
    }

    #[test]
    fn text_in_parentheses_is_a_tuple() {
        check_parts("(1,2)", Some(&["1", "2"]));
        check_parts("( a , 'b, c' )", Some(&["a", "b, c"]));
        check_parts("('O''Brien','x)')", Some(&["O'Brien", "x)"]));
        check_parts("(O'Brien,x)", Some(&["O'Brien", "x"]));
        check_parts("(1)", Some(&["1"]));
        check_parts("1,2", None);
        check_parts("(1,2", None);
        check_parts("(1,2)x", None);
    }

    #[test]
    fn path_segment_is_one_value() {
        assert_eq!(path_id("1,2"), Id::Written("1,2".to_owned()));
    }

    #[test]
    fn hostile_lists_take_linear_time() {
        check(&"(".repeat(60_000), &["(".repeat(60_000).as_str()]);
        let text = "(',".repeat(20_000);
        let pairs = [("ids".to_owned(), text)];
        assert!(ids(Parameters { query: &pairs, body: None, ..Parameters::default() }).unwrap().is_some());
    }
}
