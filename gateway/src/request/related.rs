//! What a request says of related rows: which relationships are embedded, and what is asked of the rows of each. Names are taken apart by
//! whoever knows the tables, because names of tables may hold dots as well.

use serde_json::{Map, Value as Json};

use super::{Bounds, Error, Parameters, TableRead};

/// What may be asked of the rows of a relationship: `{relationship}.fields` and so on.
const OPTIONS: [&str; 7] = ["fields", "limit", "order", "filter", "related", "group", "offset"];

/// The `related` of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Related {
    /// Nothing, so what is embedded is for the tables to say.
    Unsaid(RelatedOptions),
    /// `*`: every relationship.
    All(RelatedOptions),
    /// Names in the order of the request. A name goes on behind a dot with a relationship of the related table.
    Named(Vec<String>, RelatedOptions),
}

impl Default for Related {
    fn default() -> Self {
        Self::Unsaid(RelatedOptions::default())
    }
}

impl Related {
    /// Whether it asks for relationships.
    #[must_use]
    pub fn is_said(&self) -> bool {
        !matches!(self, Self::Unsaid(_))
    }

    /// What is asked of the rows of each.
    #[must_use]
    pub fn options(&self) -> &RelatedOptions {
        match self {
            Self::Unsaid(options) | Self::All(options) | Self::Named(_, options) => options,
        }
    }

    /// From the list of a `related` parameter.
    pub(super) fn parse(list: Option<Vec<String>>, parameters: Parameters<'_>) -> Self {
        match list {
            Some(names) if names.iter().any(|name| name == "*") => Self::All(RelatedOptions::of(parameters)),
            Some(names) if !names.is_empty() => Self::Named(names, RelatedOptions::of(parameters)),
            _ => Self::Unsaid(RelatedOptions::of(parameters)),
        }
    }
}

/// The options of all relationships of a request, as they were written.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RelatedOptions {
    /// Names with their values; the last value of a name holds.
    given: Map<String, Json>,
    /// What `:name` in filters stands for.
    params: Vec<(String, String)>,
    body_params: Option<Json>,
    bounds: Bounds,
}

impl RelatedOptions {
    fn of(parameters: Parameters<'_>) -> Self {
        let is_option = |name: &str| OPTIONS.iter().any(|option| before(name, option).is_some());
        let in_body = parameters.body.into_iter().flatten();
        let in_body = in_body.map(|(name, value)| (name.clone(), value.clone()));
        let in_query =
            parameters.query.iter().map(|(name, value)| (name.clone(), Json::from(value.as_str())));
        let params = parameters.query.iter().filter(|(name, _)| name.starts_with("params["));
        Self {
            given: in_body.chain(in_query).filter(|(name, _)| is_option(name)).collect(),
            params: params.cloned().collect(),
            body_params: parameters.body.and_then(|body| body.get("params")).cloned(),
            bounds: parameters.bounds,
        }
    }

    /// What is asked of the rows of one relationship, and of those related to them: everything below `name`, whose dots may be written as
    /// underscores. `nested` are the names that went on behind it.
    ///
    /// # Errors
    /// As [`TableRead::parse`].
    pub fn read_of(&self, name: &str, nested: Vec<String>) -> Result<TableRead, Error> {
        let mut body: Map<String, Json> =
            self.body_params.iter().map(|params| ("params".to_owned(), params.clone())).collect();
        for (given, value) in &self.given {
            if let Some(rest) = behind(given, name) {
                body.insert(rest.to_owned(), value.clone());
            }
        }
        if !nested.is_empty() {
            body.insert("related".to_owned(), nested.into());
        }
        TableRead::parse(Parameters { query: &self.params, body: Some(&body), bounds: self.bounds })
    }
}

/// The name in front of an option.
fn before<'a>(name: &'a str, option: &str) -> Option<&'a str> {
    let rest = name.strip_suffix(option)?;
    rest.strip_suffix(['.', '_']).filter(|rest| !rest.is_empty())
}

/// What stands behind a relationship's name and a dot or an underscore.
fn behind<'a>(given: &'a str, name: &str) -> Option<&'a str> {
    let is_same = |(a, b): (u8, u8)| {
        let joint = |byte: u8| if byte == b'.' { b'_' } else { byte.to_ascii_lowercase() };
        joint(a) == joint(b)
    };
    let is_prefix = given.len() > name.len() && given.bytes().zip(name.bytes()).all(is_same);
    let rest = is_prefix.then(|| given.get(name.len()..)).flatten()?;
    rest.strip_prefix(['.', '_'])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::request::Fields;

    fn named(query: &[(&str, &str)], body: &Json) -> (Vec<String>, RelatedOptions) {
        let query: Vec<(String, String)> =
            query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let read =
            TableRead::parse(Parameters { query: &query, body: body.as_object(), ..Parameters::default() })
                .unwrap();
        match read.related {
            Related::Named(names, options) => (names, options),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_option_belongs_to_its_relationship_by_dot_or_underscore() {
        for limit in ["a.b_by_c.limit", "a.b_by_c_limit", "a_b_by_c_limit", "A.b_By_c.limit"] {
            let (_, options) = named(&[("related", "a.b_by_c"), (limit, "3"), ("limit", "9")], &json!({}));
            assert_eq!(options.read_of("a.b_by_c", vec![]).unwrap().limit, Some(3), "{limit}");
            assert_eq!(options.read_of("b_by_c", vec![]).unwrap().limit, None, "{limit}");
        }
    }

    #[test]
    fn the_query_string_goes_before_the_body() {
        let body = json!({ "related": ["x"], "x.limit": 5, "x.fields": ["a", "b"] });
        let (names, options) = named(&[("x.limit", "3")], &body);
        let read = options.read_of("x", vec![]).unwrap();
        assert_eq!((names, read.limit), (vec!["x".to_owned()], Some(3)));
        assert!(matches!(read.fields, Fields::Named(fields) if fields.len() == 2));
    }

    #[test]
    fn the_last_of_equal_options_holds() {
        let twice = [("related", "x"), ("x.limit", "3"), ("x.limit", "4")];
        let (_, options) = named(&twice, &json!({}));
        assert_eq!(options.read_of("x", vec![]).unwrap().limit, Some(4));
        assert_eq!(options, named(&[("related", "x")], &json!({ "x.limit": "4" })).1);
    }

    #[test]
    fn names_behind_a_relationship_are_those_of_its_table() {
        let (_, options) = named(&[("related", "x.y"), ("x.y.limit", "3"), ("x_y_order", "a")], &json!({}));
        let Related::Named(names, nested) = options.read_of("x", vec!["y".to_owned()]).unwrap().related
        else {
            panic!("no names")
        };
        let read = nested.read_of("y", vec![]).unwrap();
        assert_eq!((names, read.limit, read.order.len()), (vec!["y".to_owned()], Some(3), 1));
    }

    #[test]
    fn parameters_of_filters_reach_related_filters() {
        let query = [("related", "x"), ("x.filter", "a = :v"), ("params[:v]", "7")];
        let (_, options) = named(&query, &json!({}));
        assert!(options.read_of("x", vec![]).unwrap().filter.is_some());
    }
}
