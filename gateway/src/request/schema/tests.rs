//! Tests of wishes: bodies, properties, and what is said of those that can't be read.

use connector_api::model::{ColumnType, DefaultValue};
use serde_json::json;

use super::*;
use crate::extras::{DbFunction, Use};

fn parsed(field: Json) -> FieldWish {
    FieldWish::parse("t", None, field).unwrap()
}

#[track_caller]
fn refused(field: Json, expected: &str) {
    assert_eq!(FieldWish::parse("t", None, field).unwrap_err().message, expected);
}

#[test]
fn tables_are_wrapped_a_bare_list_or_one_alone() {
    let check = |body: Json, expected: &[&str]| {
        let tables = tables(Some(body.clone())).unwrap();
        let names: Vec<String> = tables.into_iter().map(|table| table.unwrap().name).collect();
        assert_eq!(names, expected, "{body}");
    };
    check(json!({ "resource": [{ "name": "a" }, { "Name": "b" }] }), &["a", "b"]);
    check(json!({ "resource": { "name": "a" } }), &["a"]);
    check(json!([{ "name": "a" }]), &["a"]);
    check(json!({ "name": "a", "field": [] }), &["a"]);
}

#[test]
fn a_body_without_tables_or_names_is_refused() {
    for body in [None, Some(Json::Null), Some(json!({})), Some(json!([])), Some(json!({ "resource": [] }))] {
        let error = tables(body.clone()).unwrap_err();
        assert_eq!(error.message, "No data in schema create request.", "{body:?}");
    }
    for body in [json!([{ "label": "x" }]), json!([{ "name": " " }]), json!([{ "name": null }])] {
        let error = tables(Some(body.clone())).unwrap().remove(0).unwrap_err();
        assert_eq!(error.message, "Table schema received does not have a valid name.", "{body}");
    }
}

#[test]
fn an_error_of_one_table_is_its_own() {
    let tables = tables(Some(json!([{ "name": "a", "lable": "x" }, { "name": "b" }, 5]))).unwrap();
    let errors: Vec<Option<String>> =
        tables.into_iter().map(|table| table.err().map(|error| error.message)).collect();
    let expected =
        [Some("Table 'a': 'lable' is not known."), None, Some("Table '': it must be a JSON object.")];
    assert_eq!(errors, expected.map(|text| text.map(str::to_owned)));
}

#[test]
fn the_path_names_what_the_body_may_repeat() {
    assert_eq!(table("T", Some(json!({ "name": "t" }))).unwrap().name, "T");
    assert_eq!(field("t", "F", Some(json!({ "type": "text" }))).unwrap().name, "F");
    let error = table("t", Some(json!({ "name": "u" }))).unwrap_err();
    assert_eq!(error.message, "Table 't': 'name' is 'u' in the body; tables can't be renamed.");
    let error = field("t", "f", Some(json!({ "name": "g" }))).unwrap_err();
    assert_eq!(error.message, "Table 't', field 'f': 'name' is 'g' in the body; fields can't be renamed.");
    let error = table("t", Some(json!([{ "name": "t" }, { "name": "t" }]))).unwrap_err();
    assert_eq!(error.message, "The path names one; the body must hold no more.");
}

#[test]
fn every_simple_type_has_its_values_whatever_its_case() {
    let of = |word: &str| parsed(json!({ "name": "f", "type": word })).data_type.simple.unwrap();
    assert_eq!((of("PK").data_type, of("pk").special), (ColumnType::Integer, Special::Id));
    assert_eq!((of("bigid").data_type, of("bigid").special), (ColumnType::BigInt, Special::Id));
    assert_eq!((of("fk").data_type, of("reference").special), (ColumnType::Integer, Special::Reference));
    assert_eq!((of("timestamp_on_create").special, of("user_id").special), (Special::Stamped, Special::Kept));
    assert_eq!(of("DateTime").data_type, ColumnType::DateTime);
    assert_eq!(of("money").digits(), Some((19, 4)));
}

#[test]
fn a_type_with_blanks_or_sizes_is_the_databases_own() {
    let native = |field: Json| parsed(field).data_type.native;
    assert_eq!(
        native(json!({ "name": "f", "type": "double precision" })).as_deref(),
        Some("double precision")
    );
    assert_eq!(native(json!({ "name": "f", "type": "varchar(40)" })).as_deref(), Some("varchar(40)"));
    assert_eq!(native(json!({ "name": "f", "type": "string", "db_type": "text" })).as_deref(), Some("text"));
    assert_eq!(native(json!({ "name": "f", "type": "string", "db_type": "" })), None);
}

#[test]
fn properties_are_read_whatever_their_case_and_their_form() {
    let texts = parsed(json!({
        "NAME": "f", "Type": "string", "LENGTH": "40", "Allow_Null": "false", "is_unique": 1, "picklist": "a, b",
        "Ref_On_Delete": "set_null", "validation": [], "default": { "expression": { "value": "now()" } },
    }));
    assert_eq!(texts.data_type.length, Some(Some(40)));
    assert_eq!((texts.allow_null, texts.is_unique), (Some(false), Some(true)));
    assert_eq!(texts.extras.picklist, Some(Some(vec!["a".to_owned(), "b".to_owned()])));
    assert_eq!(texts.extras.validation, Some(None));
    assert_eq!(texts.reference.on_delete, Some(Some("SET NULL".to_owned())));
    assert_eq!(texts.default, Some(Some(DefaultValue::Expression("now()".to_owned()))));
}

#[test]
fn null_is_told_from_nothing() {
    let null = parsed(json!({ "name": "f", "default": null, "length": null, "label": null }));
    assert_eq!(
        (null.default, null.data_type.length, null.extras.label),
        (Some(None), Some(None), Some(None))
    );
    let unsaid = parsed(json!({ "name": "f" }));
    assert_eq!((unsaid.default, unsaid.data_type.length, unsaid.extras.label), (None, None, None));
}

#[test]
fn what_cant_be_meant_is_refused_with_table_field_and_property() {
    refused(json!({ "type": "text" }), "Table 't': a field has no 'name'.");
    refused(
        json!({ "name": "f", "sql": "int); drop table x--" }),
        "Table 't', field 'f': 'sql' is not taken; say 'type', or the database's own type as 'db_type', and the other properties.",
    );
    refused(
        json!({ "name": "f", "type": "strnig" }),
        "Table 't', field 'f': the 'type' 'strnig' is not known; give a simple type such as 'string', or the database's own as 'db_type'.",
    );
    refused(
        json!({ "name": "f", "type": "ref_cursor" }),
        "Table 't', field 'f': the 'type' 'ref_cursor' is for routines only; give a simple type such as 'string', or the database's own as 'db_type'.",
    );
    refused(
        json!({ "name": "f", "length": "long" }),
        "Table 't', field 'f': 'length' must be a whole number in its range.",
    );
    refused(
        json!({ "name": "f", "length": -1 }),
        "Table 't', field 'f': 'length' must be a whole number in its range.",
    );
    refused(
        json!({ "name": "f", "allow_null": "x", "type": 5 }),
        "Table 't', field 'f': 'type' must be a text.",
    );
    refused(
        json!({ "name": "f", "allow_null": 2 }),
        "Table 't', field 'f': 'allow_null' must be true or false.",
    );
    refused(json!({ "name": "f", "lenght": 4 }), "Table 't', field 'f': 'lenght' is not known.");
    refused(
        json!({ "name": "f", "ref_on_delete": "EXPLODE" }),
        "Table 't', field 'f': 'ref_on_delete' must be one of CASCADE, SET NULL, SET DEFAULT, RESTRICT, NO ACTION.",
    );
    let twice = json!([{ "name": "t", "field": [{ "name": "a" }, { "name": "a" }, { "name": "A" }] }]);
    let error = tables(Some(twice)).unwrap().remove(0).unwrap_err();
    assert_eq!(error.message, "Table 't': the field 'a' is given twice.");
}

#[test]
fn unknown_properties_that_say_nothing_pass() {
    parsed(json!({ "name": "f", "ref_service": null, "is_virtual_foreign_key": false, "db_function": [] }));
}

#[test]
fn virtual_fields_are_told_from_columns() {
    let function = |function: &str| json!([{ "use": ["SELECT"], "function": function }]);
    for (field, is_virtual) in [
        (
            json!({ "name": "f", "type": "virtual", "db_function": { "type": "string", "function": "1" } }),
            true,
        ),
        (json!({ "name": "f", "type": "string", "is_virtual": true }), true),
        (json!({ "name": "f", "type": "string", "db_function": function("1") }), false),
        (json!({ "name": "f", "type": "string", "db_function": null }), false),
    ] {
        assert_eq!(parsed(field.clone()).is_virtual, is_virtual, "{field}");
    }
}

#[test]
fn functions_have_uses_and_a_text() {
    let read = |function: Json| parsed(json!({ "name": "f", "type": "string", "db_function": function }));
    let of = |uses: &[Use]| DbFunction { uses: uses.to_vec(), function: "lower({value})".to_owned() };
    let listed = read(
        json!([{ "use": ["insert", "UPDATE"], "function": "lower({value})", "function_type": "database" }]),
    );
    assert_eq!(listed.extras.db_function, Some(Some(vec![of(&[Use::Insert, Use::Update])])));
    let alone = read(json!({ "use": "FILTER", "function": "lower({value})" }));
    assert_eq!(alone.extras.db_function, Some(Some(vec![of(&[Use::Filter])])));
    assert_eq!(read(json!([])).extras.db_function, Some(None));
    for wrong in [
        json!([{ "function": "1" }]),
        json!([{ "use": ["DELETE"], "function": "1" }]),
        json!([{ "use": ["SELECT"] }]),
    ] {
        let field = json!({ "name": "f", "db_function": wrong });
        let error = FieldWish::parse("t", None, field.clone()).unwrap_err();
        assert!(error.message.contains("some of SELECT, FILTER, INSERT and UPDATE"), "{field}: {error}");
    }
}

#[test]
fn a_virtual_field_of_old_reads_as_one_of_today() {
    let old = json!({ "name": "f", "type": "virtual", "db_function": { "type": "integer", "function": "a + 1", "aggregate": true } });
    let field = parsed(old);
    assert_eq!(field.data_type.simple.unwrap().word, "integer");
    let function = DbFunction { uses: vec![Use::Select], function: "a + 1".to_owned() };
    assert_eq!((field.extras.db_function, field.is_aggregate), (Some(Some(vec![function])), true));
}

#[test]
fn names_of_what_goes_are_texts_or_objects() {
    let check = |body: Option<Json>, expected: &[&str]| assert_eq!(names(body).unwrap(), expected);
    check(Some(json!({ "resource": [{ "name": "a" }, "b"] })), &["a", "b"]);
    check(Some(json!(["a"])), &["a"]);
    check(None, &[]);
    assert!(names(Some(json!([5]))).is_err());
}

#[test]
fn a_request_names_a_limited_number_of_tables_and_fields() {
    let table = |fields: usize| {
        let field = |number: usize| json!({ "name": format!("f{number}"), "type": "id" });
        json!({ "name": "t", "field": (0..fields).map(field).collect::<Vec<_>>() })
    };
    assert_eq!(tables(Some(json!([table(600), table(400)]))).unwrap().len(), 2);
    let refused = |body: Json| tables(Some(body)).unwrap_err().message;
    assert_eq!(
        refused(json!([table(600), table(401)])),
        "The request names 1001 fields and constraints, at most are 1000; send several requests."
    );
    assert_eq!(
        refused(json!(vec![table(1); 101])),
        "The request names 101 tables, at most are 100; send several requests."
    );
    assert!(fields("t", Some(json!(vec![json!({ "name": "f" }); 1001]))).is_err());
}
