//! Answers of every kind in every form, and that what is written can be read back.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::request::body::document;
use crate::request::media::BodyMedia;

fn check(media: Media, json: &str, expected: &str) {
    let layout = Layout { media, ..Layout::default() };
    let converted = convert(json.as_bytes(), &layout).unwrap();
    assert_eq!(String::from_utf8(converted).unwrap(), expected, "{json}");
}

#[test]
fn a_list_in_json_stands_under_its_name_or_is_bare() {
    let check = |json: &str, is_wrapped: bool, expected: &str| {
        let layout = Layout { wrapper: "items".into(), is_wrapped, ..Layout::default() };
        let converted = convert(json.as_bytes(), &layout).unwrap();
        assert_eq!(String::from_utf8(converted).unwrap(), expected);
    };
    check(r#"{"resource":[1,{"a":2.50}]}"#, true, r#"{"items":[1,{"a":2.50}]}"#);
    check(r#"{"resource":[1,2]}"#, false, "[1,2]");
    check(r#"{"resource":[1],"meta":{"count":1}}"#, false, r#"{"items":[1],"meta":{"count":1}}"#);
    check(r#"{"id":1}"#, false, r#"{"id":1}"#);
    check(r#"{"resource":{"id":1}}"#, false, r#"{"resource":{"id":1}}"#);
    check(r#"{"resource":[],"id":1}"#, false, r#"{"resource":[],"id":1}"#);
    check("13", false, "13");
}

#[test]
fn each_item_is_a_line_of_ndjson() {
    let check = |json, expected| check(Media::Ndjson, json, expected);
    check("{\"resource\":[{\"a\":\n1.50},2],\"meta\":{\"count\":9}}", "{\"a\":1.50}\n2\n");
    check(r#"{"error":{"code":404}}"#, "{\"error\":{\"code\":404}}\n");
    check(r#"{"resource":[]}"#, "");
    check("13", "13\n");
}

#[test]
fn items_are_lines_of_csv() {
    let check = |json, expected| check(Media::Csv, json, expected);
    check(
        r#"{"resource":[{"a":1,"b":null},{"a":"x y","c":[1,2],"b":true}],"meta":{"count":9}}"#,
        "a,b,c\n1,,\n\"x y\",true,\"[1,2]\"\n",
    );
    check(r#"{"resource":["a","b c"]}"#, "resource\na\n\"b c\"\n");
    check(r#"{"resource":[]}"#, "");
    check(r#"{"id":1,"name":"Ada"}"#, "id,name\n1,Ada\n");
    check("13", "13\n");
}

#[test]
fn values_are_elements_of_xml() {
    let check = |json: &str, expected: &str| {
        check(Media::Xml, json, &format!("<?xml version=\"1.0\" ?><dfapi>{expected}</dfapi>"));
    };
    check(
        r#"{"resource":[{"id":1,"1st name":"<Ada>"},{"id":null,"tags":[1,[2,3]],"a":{},"b":[]}],"meta":{"count":9}}"#,
        "\n\t<resource>\n\t\t<id>1</id>\n\t\t<_st_name>&lt;Ada&gt;</_st_name>\n\t</resource>\n\t<resource>\n\t\t<id></id>\
         \n\t\t<tags>1</tags>\n\t\t<tags>\n\t\t\t<item>2</item>\n\t\t\t<item>3</item>\n\t\t</tags>\n\t\t<a></a>\n\t\t<b></b>\
         \n\t</resource>\n\t<meta>\n\t\t<count>9</count>\n\t</meta>\n",
    );
    check(r#"{"resource":[]}"#, "\n");
    check(r#"{"resource":["a"]}"#, "\n\t<resource>a</resource>\n");
    check(r#"{"success":true}"#, "\n\t<success>true</success>\n");
    check("13", "13");
}

/// Texts with all that has a meaning in some form, and records of them.
fn records() -> impl Strategy<Value = Json> {
    let text = "[a =+\\-@,;:\"'\\\\<>&\\[\\]\t\r\n\u{85}\u{2028}é🐘]{0,8}";
    let record = prop::collection::vec(text, 2).prop_map(|texts| json!({ "a": texts[0], "b": texts[1] }));
    prop::collection::vec(record, 0..6).prop_map(Json::Array)
}

proptest! {
    #[test]
    fn what_is_written_can_be_read_back(records in records()) {
        let answer = json!({ "resource": records }).to_string();
        let again = |media, body_media| {
            let layout = Layout { media, ..Layout::default() };
            let written = convert(answer.as_bytes(), &layout).unwrap();
            document(body_media, &written).unwrap()
        };
        let expected = json!({ "resource": records });
        prop_assert_eq!(again(Media::Ndjson, BodyMedia::Ndjson), expected.clone());
        prop_assert_eq!(again(Media::Csv, BodyMedia::Csv), expected.clone());
        let read = again(Media::Xml, BodyMedia::Xml);
        let items = records.as_array().unwrap();
        match items.as_slice() {
            // Without a tag there is no member, and a tag alone is no list.
            [] => prop_assert_eq!(read, json!("\n")),
            [single] => prop_assert_eq!(read, json!({ "resource": single })),
            _ => prop_assert_eq!(read, expected),
        }
    }

    #[test]
    fn any_names_and_texts_are_well_formed_xml(name in any::<String>(), text in any::<String>()) {
        let layout = Layout { media: Media::Xml, ..Layout::default() };
        let written = convert(json!({ name: text }).to_string().as_bytes(), &layout).unwrap();
        prop_assert!(document(BodyMedia::Xml, &written).is_ok());
        prop_assert!(!written.iter().any(|byte| *byte < b' ' && !b"\t\n".contains(byte)));
    }
}
