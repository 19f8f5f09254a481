//! Values as JSON text, for columns of JSON.

use connector_api::author::{TimeOfDay, Value, uuid_text};

use super::write::hexadecimal;

/// Writes a value as JSON. What JSON has no form for becomes a string.
pub(super) fn push_json(to: &mut Vec<u8>, value: &Value) {
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
pub(super) fn push_string(to: &mut Vec<u8>, text: &str) {
    // Writing a string into memory can't fail.
    let _ = serde_json::to_writer(to, text);
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
    fn numbers_keep_their_digits_and_texts_are_quoted() {
        let value = Value::Object(vec![
            ("a\"".to_owned(), Value::List(vec![Value::Decimal("12.50".to_owned()), Value::Null])),
            ("b".to_owned(), Value::Text("x\u{1}".to_owned())),
            ("c".to_owned(), Value::I64(i64::MIN)),
            ("d".to_owned(), Value::F64(f64::NAN)),
        ]);
        let mut json = Vec::new();
        push_json(&mut json, &value);
        assert_eq!(
            String::from_utf8(json).unwrap(),
            r#"{"a\"":[12.50,null],"b":"x\u0001","c":-9223372036854775808,"d":"NaN"}"#
        );
    }
}
