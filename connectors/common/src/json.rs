//! Values as JSON text, for columns of JSON.

use connector_api::author::{TimeOfDay, Value, uuid_text};

/// Writes a value as JSON. What JSON has no form for becomes a string: bytes as hexadecimal digits.
pub fn push_json(to: &mut Vec<u8>, value: &Value) {
    let plain = |to: &mut Vec<u8>, text: &str| to.extend_from_slice(text.as_bytes());
    match value {
        Value::Bool(flag) => plain(to, if *flag { "true" } else { "false" }),
        Value::I64(number) => plain(to, &number.to_string()),
        Value::U64(number) => plain(to, &number.to_string()),
        Value::F32(number) if number.is_finite() => plain(to, &number.to_string()),
        Value::F64(number) if number.is_finite() => plain(to, &number.to_string()),
        Value::F32(number) => push_string(to, &number.to_string()),
        Value::F64(number) => push_string(to, &number.to_string()),
        Value::Decimal(digits) => plain(to, digits),
        Value::Json(json) => plain(to, json),
        Value::Text(text) => push_string(to, text),
        Value::Bytes(bytes) => push_string(to, &hexadecimal(bytes)),
        Value::Date(day) => push_string(to, &day.to_string()),
        Value::Time(nanos) => push_string(to, &TimeOfDay(*nanos).to_string()),
        Value::Timestamp(at) => push_string(to, &at.to_string()),
        Value::Instant(at) => push_string(to, &at.to_string()),
        Value::Uuid(bytes) => push_string(to, &uuid_text(bytes)),
        Value::List(items) => {
            to.push(b'[');
            separated(to, items, push_json);
            to.push(b']');
        }
        Value::Object(members) => {
            to.push(b'{');
            separated(to, members, |to, (name, member)| {
                push_string(to, name);
                to.push(b':');
                push_json(to, member);
            });
            to.push(b'}');
        }
        Value::Extension(_, inner) => push_json(to, inner),
        _ => plain(to, "null"),
    }
}

/// Writes a JSON string.
pub fn push_string(to: &mut Vec<u8>, text: &str) {
    // Writing a string into memory can't fail.
    let _ = serde_json::to_writer(to, text);
}

/// Whether a text is a list or a document in JSON. Any other text in a column of JSON would read as a number, a truth value or nothing.
#[must_use]
pub fn is_document(text: &str) -> bool {
    text.trim_start().starts_with(['[', '{']) && is_json(text)
}

/// Whether a text is JSON.
#[must_use]
pub fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(half.into(), 16);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).flatten().collect()
}

fn separated<T>(to: &mut Vec<u8>, items: &[T], write: impl Fn(&mut Vec<u8>, &T)) {
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            to.push(b',');
        }
        write(to, item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_json_and_what_json_lacks_is_a_string() {
        let text = |text: &str| Value::Text(text.to_owned());
        let object = Value::Object(vec![
            ("a\"".to_owned(), Value::List(vec![Value::I64(1), Value::Null, Value::Bool(true)])),
            ("b".to_owned(), text("\u{1}")),
        ]);
        for (value, expected) in [
            (object, r#"{"a\"":[1,null,true],"b":"\u0001"}"#),
            (Value::U64(u64::MAX), "18446744073709551615"),
            (Value::Decimal("1.50".to_owned()), "1.50"),
            (Value::F64(0.1), "0.1"),
            (Value::F64(f64::INFINITY), r#""inf""#),
            (Value::Bytes(vec![0, 0xff]), r#""00ff""#),
            (Value::Uuid([0xab; 16]), r#""abababab-abab-abab-abab-abababababab""#),
        ] {
            let mut json = Vec::new();
            push_json(&mut json, &value);
            assert_eq!(String::from_utf8(json).unwrap(), expected);
        }
    }

    #[test]
    fn only_lists_and_documents_in_json_are_documents() {
        for (text, expected) in
            [("[1]", true), (" {}", true), ("{", false), ("5", false), ("null", false), ("", false)]
        {
            assert_eq!(is_document(text), expected, "{text}");
        }
    }
}
