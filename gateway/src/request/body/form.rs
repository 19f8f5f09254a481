//! Fields of an HTML form as the members of an object.

use serde_json::{Map, Value as Json};

use super::Error;

/// Of several fields with one name the last counts, as in a query string. `ids[]=1&ids[]=2` and `ids[0]=1&ids[1]=2` make a list,
/// `params[:name]=x` an object.
pub(super) fn fields(body: &[u8]) -> Result<Json, Error> {
    // Bytes that are not UTF-8 are refused: replaced by a placeholder, a filter would silently mean something else.
    percent_encoding::percent_decode(body).decode_utf8().map_err(|_| Error::Form)?;
    let mut fields = Map::new();
    for (name, value) in form_urlencoded::parse(body) {
        if name.starts_with("resource[") {
            return Err(Error::Nested);
        }
        let value = Json::String(value.into_owned());
        match bracketed(&name) {
            Some((outer, inner)) if inner.bytes().all(|byte| byte.is_ascii_digit()) => {
                append(fields.entry(outer).or_insert_with(|| Json::Array(Vec::new())), value);
            }
            Some(("params", inner)) => {
                let params = fields.entry("params").or_insert_with(|| Json::Object(Map::new()));
                put(params, inner, value);
            }
            _ => {
                fields.insert(name.into_owned(), value);
            }
        }
    }
    Ok(Json::Object(fields))
}

/// `outer[inner]`
fn bracketed(name: &str) -> Option<(&str, &str)> {
    name.strip_suffix(']')?.split_once('[')
}

/// What is no list becomes one: the last form of a field counts.
fn append(list: &mut Json, item: Json) {
    match list {
        Json::Array(items) => items.push(item),
        other => *other = Json::Array(vec![item]),
    }
}

fn put(params: &mut Json, name: &str, value: Json) {
    match params {
        Json::Object(members) => drop(members.insert(name.to_owned(), value)),
        other => *other = Json::Object(Map::from_iter([(name.to_owned(), value)])),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bytes_that_are_not_utf_8_are_refused() {
        assert_eq!(fields(b"a=%ff"), Err(Error::Form));
        assert_eq!(fields(b"a=\xff"), Err(Error::Form));
    }

    #[test]
    fn brackets_make_lists_and_parameters() {
        let check = |body: &str, expected: Json| assert_eq!(fields(body.as_bytes()), Ok(expected), "{body}");
        check("ids[]=1&ids%5B%5D=2&a=x", json!({"ids": ["1", "2"], "a": "x"}));
        check("ids[0]=1&ids[1]=2", json!({"ids": ["1", "2"]}));
        check("ids=3&ids[]=1", json!({"ids": ["1"]}));
        check("ids[]=1&ids=3", json!({"ids": "3"}));
        check("params[:a]=1&params[b]=2", json!({"params": {":a": "1", "b": "2"}}));
        check("params=1&params[b]=2", json!({"params": {"b": "2"}}));
        check("a[b]=1&[]=2", json!({"a[b]": "1", "": ["2"]}));
    }

    #[test]
    fn a_list_of_records_is_refused() {
        assert_eq!(fields(b"resource[0][name]=x"), Err(Error::Nested));
        assert_eq!(fields(b"a=1&resource%5B%5D%5Bname%5D=x"), Err(Error::Nested));
    }
}
