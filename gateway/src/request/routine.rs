//! A call of a procedure or function: what is given for its parameters, in any of the forms in which it may be given, and how the
//! answer is wanted. Which parameters there are, and of what types, is not known here.

use serde_json::{Map, Value as Json};

use super::{Error, Parameters};

/// Parameters of the query string that say something to the gateway: no routine gets them. In a body every name may be given.
const OPTIONS: [&str; 15] = [
    "_",
    "_method",
    "accept",
    "api_key",
    "describe",
    "file",
    "method",
    "numbers",
    "refresh",
    "returns",
    "rollback",
    "schema",
    "session_token",
    "wrap",
    "wrapper",
];

/// Members beside the value of a parameter in its long form. The catalogue knows better.
const MEMBERS: [&str; 8] = ["name", "value", "param_type", "type", "length", "precision", "scale", "default"];

/// A call.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RoutineCall {
    /// What is given for the parameters.
    pub given: Given,
    /// The name under which rows stand; `None`: they stand alone.
    pub wrapper: Option<String>,
    /// The type of the one value that is the answer; `None`: the answer is what the routine gives.
    pub returns: Option<Cast>,
    /// The answer is rows, even where it is one value in one row.
    pub is_table: bool,
    /// What columns of rows, and OUT values, are converted to.
    pub casts: Vec<(String, Cast)>,
    /// The routine is described and not called.
    pub is_described: bool,
    /// What is known of the routines is too old for the request.
    pub refresh: bool,
    /// What the routine does shall be undone together with something else.
    pub is_rolled_back: bool,
}

/// What is given for the parameters of a routine.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Given {
    /// Nothing.
    #[default]
    Nothing,
    /// By name.
    Named {
        /// Names, in any case, with their values.
        values: Vec<(String, GivenValue)>,
        /// Names that no parameter has are a mistake; otherwise they mean something else.
        is_strict: bool,
    },
    /// In the order of the parameters.
    Listed(Vec<GivenValue>),
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub struct GivenValue {
    /// As it was given.
    pub value: Json,
    /// It is a text that may be meant as any type.
    pub is_text: bool,
}

/// What a value of the answer is converted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant's name says what it is")]
pub enum Cast {
    Integer,
    Decimal,
    Double,
    Boolean,
    String,
    Time,
    Date,
    DateTime,
    Json,
}

impl Cast {
    fn named(word: &str) -> Option<Self> {
        Some(match word.trim().to_lowercase().as_str() {
            "int" | "integer" => Self::Integer,
            "decimal" => Self::Decimal,
            "double" | "float" => Self::Double,
            "bool" | "boolean" => Self::Boolean,
            "string" => Self::String,
            "time" => Self::Time,
            "date" => Self::Date,
            "datetime" | "timestamp" => Self::DateTime,
            "json" => Self::Json,
            _ => return None,
        })
    }

    fn parse(parameter: &'static str, word: &str) -> Result<Self, Error> {
        Self::named(word).ok_or_else(|| {
            let known = "int, integer, decimal, double, float, boolean, bool, string, time, date, datetime, timestamp, json";
            Error::new(parameter, format!("'{word}' in '{parameter}' is none of the types {known}"))
        })
    }
}

impl RoutineCall {
    /// Reads the options. `arguments` is what stands between parentheses in the path; the body's `params` go before it, and it goes before
    /// the query string.
    ///
    /// # Errors
    /// Options and arguments that can't be read.
    pub fn parse(parameters: Parameters<'_>, arguments: Option<&str>) -> Result<Self, Error> {
        let returns = parameters.text(&["returns"])?.filter(|word| !word.is_empty());
        let is_table = returns.as_ref().is_some_and(|word| word.trim().eq_ignore_ascii_case("table"));
        let returns = returns.filter(|_| !is_table).map(|word| Cast::parse("returns", &word)).transpose()?;
        Ok(Self {
            given: given(parameters, arguments)?,
            wrapper: parameters.text(&["wrapper"])?.filter(|name| !name.is_empty()).map(Into::into),
            returns,
            is_table,
            casts: casts(parameters.body)?,
            is_described: parameters.flag("describe"),
            refresh: parameters.flag("refresh"),
            is_rolled_back: parameters.flag("rollback"),
        })
    }

    /// The body was of texts: what it gives may be meant as any type.
    pub fn take_texts(&mut self) {
        match &mut self.given {
            Given::Nothing => {}
            Given::Named { values, .. } => values.iter_mut().for_each(|(_, value)| value.is_text = true),
            Given::Listed(values) => values.iter_mut().for_each(|value| value.is_text = true),
        }
    }
}

/// Without `params` in a body or arguments in the path the query string is offered, of which each routine takes what it knows.
fn given(parameters: Parameters<'_>, arguments: Option<&str>) -> Result<Given, Error> {
    match parameters.body.and_then(|body| body.get("params")) {
        Some(Json::Object(members)) if !members.is_empty() => {
            let values = members.iter().map(|(name, value)| (name.clone(), GivenValue::of(value)));
            return Ok(Given::Named { values: values.collect(), is_strict: true });
        }
        Some(Json::Array(items)) if !items.is_empty() => return Ok(listed(items)),
        None | Some(Json::Null | Json::Object(_) | Json::Array(_)) => {}
        Some(_) => {
            let message = "'params' must be an object of names and values, or a list of values";
            return Err(Error::new("params", message));
        }
    }
    if let Some(arguments) = arguments.filter(|arguments| !arguments.trim().is_empty()) {
        return inline(arguments).map(Given::Listed);
    }
    let offered = parameters.query.iter().filter(|(name, _)| !OPTIONS.contains(&name.as_str()));
    let text = |text: &String| GivenValue { value: Json::String(text.clone()), is_text: true };
    let values: Vec<_> = offered.map(|(name, value)| (name.clone(), text(value))).collect();
    if values.is_empty() {
        return Ok(Given::Nothing);
    }
    Ok(Given::Named { values, is_strict: false })
}

/// Values by name where every item says one, else values in order.
fn listed(items: &[Json]) -> Given {
    let name = |item: &Json| item.get("name").and_then(Json::as_str).map(str::to_owned);
    let named: Option<Vec<_>> = items.iter().map(|item| Some((name(item)?, item))).collect();
    let Some(named) = named else { return Given::Listed(items.iter().map(GivenValue::of).collect()) };
    // One without a value is there for its type only.
    let values = named.into_iter().filter(|(_, item)| item.get("value").is_some());
    Given::Named {
        values: values.map(|(name, item)| (name, GivenValue::of(item))).collect(),
        is_strict: true,
    }
}

impl GivenValue {
    /// A value, or one in its long form `{"value": …}`.
    fn of(json: &Json) -> Self {
        let is_long = |members: &Map<String, Json>| {
            members.contains_key("value") && members.keys().all(|name| MEMBERS.contains(&name.as_str()))
        };
        let inner =
            json.as_object().filter(|members| is_long(members)).and_then(|members| members.get("value"));
        Self { value: inner.unwrap_or(json).clone(), is_text: false }
    }
}

fn casts(body: Option<&Map<String, Json>>) -> Result<Vec<(String, Cast)>, Error> {
    match body.and_then(|body| body.get("schema")) {
        None | Some(Json::Null) => Ok(Vec::new()),
        Some(Json::Object(members)) => members
            .iter()
            .map(|(name, word)| Ok((name.clone(), Cast::parse("schema", word.as_str().unwrap_or_default())?)))
            .collect(),
        Some(_) => Err(Error::new("schema", "'schema' must be an object of columns and types")),
    }
}

/// Arguments as they stand in a path: `1,'it''s',null`. Texts with commas, quotes or parentheses stand between single quotes.
fn inline(arguments: &str) -> Result<Vec<GivenValue>, Error> {
    let mut items = Vec::new();
    let mut rest = arguments;
    loop {
        let (item, behind) = item(rest, items.len() + 1)?;
        items.push(item);
        match behind {
            Some(behind) => rest = behind,
            None => return Ok(items),
        }
    }
}

/// The first item, and what stands behind the comma that follows it.
fn item(text: &str, number: usize) -> Result<(GivenValue, Option<&str>), Error> {
    let refused = |what: &str| Err(Error::new("params", format!("argument {number} in the path {what}")));
    let text = text.trim_start();
    let Some(quoted) = text.strip_prefix('\'') else {
        let (item, behind) = text.split_once(',').map_or((text, None), |(item, behind)| (item, Some(behind)));
        let item = item.trim();
        if item.is_empty() {
            return refused("is empty; write null or ''");
        }
        if item.contains(['\'', '(', ')']) {
            return refused("has to stand between single quotes");
        }
        let value = if item.eq_ignore_ascii_case("null") { Json::Null } else { Json::from(item) };
        return Ok((GivenValue { value, is_text: true }, behind));
    };
    let Some((value, behind)) = unquoted(quoted) else { return refused("lacks its closing quote") };
    let behind = behind.trim_start();
    let value = GivenValue { value: Json::String(value), is_text: false };
    match behind.strip_prefix(',') {
        Some(behind) => Ok((value, Some(behind))),
        None if behind.is_empty() => Ok((value, None)),
        None => refused("goes on behind its closing quote"),
    }
}

/// A text up to its closing quote, and what stands behind that. Two quotes are one that belongs to the text.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let (mut value, mut rest) = (String::new(), text);
    loop {
        let (part, behind) = rest.split_once('\'')?;
        value.push_str(part);
        match behind.strip_prefix('\'') {
            Some(behind) => {
                value.push('\'');
                rest = behind;
            }
            None => return Some((value, behind)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(query: &[(&str, &str)], body: &Json, arguments: Option<&str>) -> Result<RoutineCall, Error> {
        let query: Vec<_> =
            query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        RoutineCall::parse(
            Parameters { query: &query, body: body.as_object(), ..Parameters::default() },
            arguments,
        )
    }

    fn value(value: Json, is_text: bool) -> GivenValue {
        GivenValue { value, is_text }
    }

    fn named(values: &[(&str, Json)], is_text: bool) -> Given {
        let values = values.iter().map(|(name, json)| ((*name).to_owned(), value(json.clone(), is_text)));
        Given::Named { values: values.collect(), is_strict: !is_text }
    }

    #[test]
    fn values_are_given_in_each_form() {
        let listed =
            |items: &[Json]| Given::Listed(items.iter().map(|item| value(item.clone(), false)).collect());
        for (params, expected) in [
            (json!({"a": 1}), named(&[("a", json!(1))], false)),
            (json!({"a": {"value": 1, "type": "integer"}}), named(&[("a", json!(1))], false)),
            (json!({"a": {"value": 1, "b": 2}}), named(&[("a", json!({"value": 1, "b": 2}))], false)),
            (json!([1, "x", {"value": null}]), listed(&[json!(1), json!("x"), Json::Null])),
            (
                json!([{"name": "a", "value": 1}, {"name": "t", "param_type": "OUT", "type": "decimal"}]),
                named(&[("a", json!(1))], false),
            ),
            (json!([{"name": "a", "value": 1}, 5]), listed(&[json!(1), json!(5)])),
            (json!({}), Given::Nothing),
            (json!([]), Given::Nothing),
            (Json::Null, Given::Nothing),
        ] {
            assert_eq!(parse(&[], &json!({ "params": params }), None).unwrap().given, expected, "{params}");
        }
        assert!(parse(&[], &json!({"params": 5}), None).is_err());
    }

    #[test]
    fn the_body_goes_before_the_path_and_that_before_the_query_string() {
        let (query, body) = ([("a", "3"), ("wrapper", "w"), ("api_key", "k")], json!({"params": {"a": 1}}));
        let check = |body: &Json, arguments, expected: &Given| {
            assert_eq!(parse(&query, body, arguments).unwrap().given, *expected);
        };
        check(&body, Some("2"), &named(&[("a", json!(1))], false));
        check(&Json::Null, Some("2"), &Given::Listed(vec![value(json!("2"), true)]));
        check(&Json::Null, Some(" "), &named(&[("a", json!("3"))], true));
        check(&Json::Null, None, &named(&[("a", json!("3"))], true));
    }

    #[test]
    fn arguments_in_the_path_are_cut_at_commas_outside_of_quotes() {
        let check = |text: &str, expected: &[(Json, bool)]| {
            let expected: Vec<_> =
                expected.iter().map(|(json, is_text)| value(json.clone(), *is_text)).collect();
            assert_eq!(inline(text).unwrap(), expected, "{text}");
        };
        check("1,'x',2", &[(json!("1"), true), (json!("x"), false), (json!("2"), true)]);
        check(" 'a,(b)' , NULL ", &[(json!("a,(b)"), false), (Json::Null, true)]);
        check("'it''s',''", &[(json!("it's"), false), (json!(""), false)]);
        check("2024-01-01, plain text", &[(json!("2024-01-01"), true), (json!("plain text"), true)]);
        for (text, message) in [
            ("1,,2", "argument 2 in the path is empty; write null or ''"),
            ("1,", "argument 2 in the path is empty; write null or ''"),
            ("'a", "argument 1 in the path lacks its closing quote"),
            ("'a'b", "argument 1 in the path goes on behind its closing quote"),
            ("1)(2", "argument 1 in the path has to stand between single quotes"),
            ("it's", "argument 1 in the path has to stand between single quotes"),
        ] {
            assert_eq!(inline(text).unwrap_err().message, message, "{text}");
        }
    }

    #[test]
    fn options_are_read_from_the_query_string_and_the_body() {
        let call = parse(
            &[("describe", "true"), ("returns", "Table")],
            &json!({"wrapper": "rows", "schema": {"id": "int", "at": "timestamp"}, "rollback": true}),
            None,
        );
        let expected = RoutineCall {
            wrapper: Some("rows".to_owned()),
            is_table: true,
            casts: vec![("id".to_owned(), Cast::Integer), ("at".to_owned(), Cast::DateTime)],
            is_described: true,
            is_rolled_back: true,
            ..RoutineCall::default()
        };
        assert_eq!(call.unwrap(), expected);
        assert_eq!(parse(&[("returns", "bool")], &Json::Null, None).unwrap().returns, Some(Cast::Boolean));
        for body in [json!({"returns": "thing"}), json!({"schema": {"a": "thing"}}), json!({"schema": []})] {
            assert!(parse(&[], &body, None).is_err(), "{body}");
        }
    }
}
