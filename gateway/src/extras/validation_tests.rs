//! Tests of the rules for values.

use serde_json::json;

use super::*;

fn judge(validation: Json, value: &Json, is_new: bool) -> Verdict {
    let rules = Rules::parse(validation.as_object().unwrap()).unwrap();
    let picklist = ["a".to_owned(), "b".to_owned(), "3".to_owned()];
    rules.judge(Given { field: "f", value, picklist: &picklist, is_new })
}

/// Values that keep a rule, and values of which it says this.
#[track_caller]
fn check(validation: Json, kept: &[Json], message: &str, broken: &[Json]) {
    for value in kept {
        assert_eq!(judge(validation.clone(), value, true), Verdict::Keep, "{validation} {value}");
    }
    for value in broken {
        let expected = Verdict::Refuse(format!("Field 'f' {message}."));
        assert_eq!(judge(validation.clone(), value, true), expected, "{validation} {value}");
    }
}

#[test]
fn rules_that_ask_for_something_refuse_nothing() {
    check(json!({ "not_null": null }), &[json!(""), json!(0)], "value can not be null", &[json!(null)]);
    let empty = [json!(null), json!(""), json!(" "), json!([])];
    check(
        json!({ "not_empty": {} }),
        &[json!(0), json!("0"), json!(false)],
        "value can not be empty",
        &empty,
    );
    check(
        json!({ "not_zero": true }),
        &[json!(1), json!("x")],
        "value can not be empty",
        &[json!(0), json!("0.0"), json!(null)],
    );
}

#[test]
fn addresses_have_their_form() {
    let broken = ["a", "a@b", "a@b..c", "a b@c.de", ".a@c.de", "@c.de", "a@-c.de"].map(Json::from);
    check(
        json!({ "email": {} }),
        &["a@b.de", "", "a.b+c@d-e.co.uk"].map(Json::from),
        "value must be a valid email address",
        &broken,
    );
    let broken = ["a.de", "http://", "http:/a", "x y://a", "//a.de"].map(Json::from);
    check(
        json!({ "url": {} }),
        &["http://a.de", "ftp://a.de:21/x?y"].map(Json::from),
        "value must be a valid URL",
        &broken,
    );
    check(
        json!({ "url": { "sections": ["path"] } }),
        &[json!("http://a.de/")],
        "value must be a valid URL",
        &[json!("http://a.de")],
    );
    check(
        json!({ "url": { "sections": "query" } }),
        &[json!("http://a.de/?q")],
        "value must be a valid URL",
        &[json!("http://a.de/")],
    );
}

#[test]
fn numbers_have_their_range_and_form() {
    let range = json!({ "int": { "range": { "min": 1, "max": "10" } } });
    let broken = [
        json!(0),
        json!(11),
        json!(1.5),
        json!("x"),
        json!("0x2"),
        json!(true),
        json!({ "expression": "1" }),
    ];
    check(
        range,
        &[json!(1), json!("10"), json!(null), json!("")],
        "value is not in the valid range",
        &broken,
    );
    let formats = json!({ "int": { "formats": ["hex", "octal"], "range": { "max": 16 } } });
    check(
        formats,
        &[json!("0x10"), json!("017"), json!("-5")],
        "value is not in the valid range",
        &[json!("0x11"), json!("09")],
    );
    check(
        json!({ "int": {} }),
        &[json!(18_446_744_073_709_551_615_u64)],
        "value is not in the valid range",
        &[json!("--1"), json!("+-1")],
    );
    let float = json!({ "float": { "decimal": "," } });
    check(
        float,
        &[json!("1,5"), json!(1.5)],
        "value is not an acceptable float value",
        &[json!("1.5"), json!("NaN"), json!("x")],
    );
}

#[test]
fn truth_values_are_words_numbers_and_false_itself() {
    let kept = [json!(true), json!(false), json!(0), json!("Yes")];
    check(
        json!({ "boolean": {} }),
        &kept,
        "value is not an acceptable boolean value",
        &[json!(2), json!("maybe")],
    );
}

#[test]
fn patterns_stand_between_delimiters_in_base64() {
    let with = |pattern: &str| json!({ "match": { "regexp": STANDARD.encode(pattern) } });
    check(with("/^[a-c]+$/i"), &[json!("ABC"), json!("")], "value is invalid", &[json!("d"), json!([1])]);
    check(with("{^1+$}"), &[json!(11)], "value is invalid", &[json!(12)]);
    let refused = |pattern: Json, part: &str| {
        let error = Rules::parse(json!({ "match": { "regexp": pattern } }).as_object().unwrap()).unwrap_err();
        assert!(error.contains(part), "{error}");
    };
    refused(json!("?"), "Base64");
    refused(json!(STANDARD.encode("abc")), "Base64");
    refused(json!(STANDARD.encode("/a/e")), "the flag 'e'");
    refused(json!(STANDARD.encode("/(?=a)/")), "can't be read");
    refused(json!(STANDARD.encode("/(a{1000}){1000}/")), "can't be read");
}

#[test]
fn choices_are_among_those_to_choose_from() {
    check(
        json!({ "picklist": {} }),
        &[json!("a"), json!(3), json!(null)],
        "value is invalid",
        &[json!("c"), json!("a,b")],
    );
    let several = || json!({ "multi_picklist": { "delimiter": ";", "min": 1, "max": 2 } });
    check(several(), &[json!("a; b"), json!(["a"]), json!(null)], "value is invalid", &[json!("a;c")]);
    check(several(), &[], "value does not contain enough selections", &[json!("")]);
    check(several(), &[], "value contains too many selections", &[json!("a;b;3")]);
}

#[test]
fn what_happens_on_a_failure_can_be_said() {
    let say = json!({ "not_null": { "on_fail": "Give a name." } });
    assert_eq!(judge(say, &json!(null), true), Verdict::Refuse("Give a name.".to_owned()));
    let ignore = json!({ "int": { "on_fail": "ignore_field" } });
    assert_eq!(judge(ignore, &json!("x"), true), Verdict::Drop);
    assert_eq!(judge(json!({ "api_read_only": null }), &json!(1), true), Verdict::Drop);
}

#[test]
fn some_fields_are_set_by_creation_alone() {
    let verdict = |is_new| judge(json!({ "create_only": null }), &json!(1), is_new);
    assert_eq!(verdict(true), Verdict::Keep);
    assert_eq!(
        verdict(false),
        Verdict::Refuse("Field 'f' can only be set during record creation.".to_owned())
    );
}

#[test]
fn rules_that_do_not_exist_are_refused() {
    let parse = |validation: Json| Rules::parse(validation.as_object().unwrap()).map(drop);
    assert_eq!(
        parse(json!({ "emial": {} })),
        Err("the rule 'emial' of 'validation': there is no such rule".to_owned())
    );
    let range = json!({ "int": { "range": { "min": "x" } } });
    assert_eq!(
        parse(range),
        Err("the rule 'int' of 'validation': 'range.min' must be a whole number".to_owned())
    );
}
