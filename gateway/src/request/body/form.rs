//! Fields of an HTML form as the members of an object.

use serde_json::{Map, Value as Json};

use super::Error;

/// Of several fields with one name the last counts, as in a query string.
pub(super) fn fields(body: &[u8]) -> Result<Json, Error> {
    // Bytes that are not UTF-8 are refused: replaced by a placeholder, a filter would silently mean something else.
    percent_encoding::percent_decode(body).decode_utf8().map_err(|_| Error::Form)?;
    let mut fields = Map::new();
    for (name, value) in form_urlencoded::parse(body) {
        if name.starts_with("resource[") {
            return Err(Error::Nested);
        }
        fields.insert(name.into_owned(), Json::String(value.into_owned()));
    }
    Ok(Json::Object(fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_utf_8_are_refused() {
        assert_eq!(fields(b"a=%ff"), Err(Error::Form));
        assert_eq!(fields(b"a=\xff"), Err(Error::Form));
    }

    #[test]
    fn a_list_of_records_is_refused() {
        assert_eq!(fields(b"resource[0][name]=x"), Err(Error::Nested));
        assert_eq!(fields(b"a=1&resource%5B%5D%5Bname%5D=x"), Err(Error::Nested));
    }
}
