//! A related row whose fields stand among those of the row to which it belongs.

use serde_json::{Map, Value as Json};

use crate::error::ApiError;
use crate::response::append_member;
use crate::schema::relationships::Relationship;

/// Puts the fields of a related row into the row to which it belongs, as `{relationship}_{field}` unless their own names are wished. What
/// the row has already stays.
///
/// # Errors
/// Rows that are no JSON, which no encoder makes.
pub(super) fn put(json: &mut Vec<u8>, relationship: &Relationship, row: &[u8]) -> Result<(), ApiError> {
    let members = |bytes: &[u8]| serde_json::from_slice::<Map<String, Json>>(bytes);
    let read = members(json).and_then(|own| Ok((own, members(row)?)));
    let (own, fields) = read.map_err(|_| ApiError::internal())?;
    for (field, value) in fields {
        let name = match relationship.extras.flatten_drop_prefix {
            true => field,
            false => format!("{}_{field}", relationship.public_name()),
        };
        if !own.contains_key(&name) {
            append_member(json, &name, value.to_string().as_bytes());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use connector_api::model::TableRef;

    use super::*;
    use crate::extras::RelationshipExtras;
    use crate::schema::relationships::RelationshipKind;

    fn check(drop_prefix: bool, own: &str, row: &str, expected: &str) {
        let extras = RelationshipExtras {
            alias: Some("owner".to_owned()),
            flatten: true,
            flatten_drop_prefix: drop_prefix,
            ..RelationshipExtras::default()
        };
        let relationship = Relationship {
            name: "people_by_owner_id".to_owned(),
            kind: RelationshipKind::BelongsTo,
            description: None,
            extras,
            is_virtual: false,
            columns: Vec::new(),
            service: None,
            target: TableRef::new("people"),
            target_columns: Vec::new(),
            junction: None,
            on_update: None,
            on_delete: None,
        };
        let mut json = own.as_bytes().to_vec();
        put(&mut json, &relationship, row.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(json).unwrap(), expected);
    }

    #[test]
    fn fields_stand_in_the_row_and_what_it_has_stays() {
        let (own, row) = (r#"{"id":1}"#, r#"{"id":2,"rate":1.50,"tags":["a"]}"#);
        check(false, own, row, r#"{"id":1,"owner_id":2,"owner_rate":1.50,"owner_tags":["a"]}"#);
        check(true, own, row, r#"{"id":1,"rate":1.50,"tags":["a"]}"#);
        check(true, "{}", "{}", "{}");
    }
}
