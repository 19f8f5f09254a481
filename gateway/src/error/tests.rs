//! Tests of the error object and of what a connector's failure becomes.

use super::*;

#[test]
fn the_error_object_has_its_members_in_order_and_its_message_encoded() {
    let error = ApiError::unknown_table("foo");
    let expected = r#"{"code":404,"context":null,"message":"Table &quot;foo&quot; does not exist in the database.","status_code":404}"#;
    assert_eq!(error.object(false).to_string(), expected);
    assert_eq!(error.object(true)["message"], "Table \"foo\" does not exist in the database.");
}

#[test]
fn the_context_of_a_refusal_by_the_store_names_kind_constraint_and_columns() {
    let error = ConnectorError::new(ErrorKind::Conflict, "a row with this key exists");
    let check = |error: &ConnectorError, expected: Json| {
        assert_eq!(ApiError::from_connector(error).object(true)["context"], expected);
    };
    check(&error, Json::Null);
    let error = error.with_reason("unique_violation");
    check(&error, json!({ "kind": "unique_violation" }));
    let error = error.with_constraint("by_name").with_columns(["name"]);
    check(&error, json!({ "kind": "unique_violation", "constraint": "by_name", "columns": ["name"] }));
}

#[test]
fn what_may_be_tried_again_names_its_service() {
    for (kind, message) in [
        (ErrorKind::Busy, "Service 'shop': no"),
        (ErrorKind::Unavailable, "Service 'shop': no"),
        (ErrorKind::Timeout, "no"),
        (ErrorKind::Contention, "no"),
    ] {
        let error = ApiError::from_connector(&ConnectorError::new(kind, "no")).of_service("shop");
        assert_eq!(error.message, message, "{kind:?}");
    }
}

#[test]
fn which_row_rule_was_violated_stays_unsaid() {
    let error = ConnectorError::new(ErrorKind::RuleViolated, "owner must be 7").with_reason("check_failed");
    let expected = r#"{"code":403,"context":null,"message":"Denied access to some of the requested fields.","status_code":403}"#;
    assert_eq!(ApiError::from_connector(&error).object(true).to_string(), expected);
}

#[test]
fn a_drivers_text_never_reaches_the_caller() {
    let error = ConnectorError::new(ErrorKind::Conflict, "a row with this key exists")
        .with_detail("UNIQUE failed: secret")
        .with_sqlstate("23505");
    let object = ApiError::from_connector(&error).object(true);
    assert_eq!((object["code"].as_str(), object["status_code"].as_u64()), (Some("23505"), Some(409)));
    assert!(!object.to_string().contains("secret"));
}
