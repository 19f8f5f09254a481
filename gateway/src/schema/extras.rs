//! Extras in descriptions: they stand in the place of what the database says.

use serde_json::{Map, Value as Json, json};

use crate::extras::{FieldExtras, TableExtras};

/// A table object with its extras.
pub fn show_table(object: &mut Json, extras: &TableExtras) {
    let Some(members) = object.as_object_mut() else { return };
    show_row(members, extras);
    let fields = members.get_mut("field").and_then(Json::as_array_mut);
    for field in fields.into_iter().flatten() {
        let extras = field.get("name").and_then(Json::as_str).and_then(|name| extras.fields.get(name));
        if let Some(extras) = extras {
            show_field(field, extras);
        }
    }
}

/// A row of a list of tables with its extras.
pub fn show_row(row: &mut Map<String, Json>, extras: &TableExtras) {
    show(row, "alias", &extras.alias);
    show(row, "label", &extras.label);
    show(row, "plural", &extras.plural);
    show(row, "description", &extras.description);
    show(row, "name_field", &extras.name_field);
}

/// A field object with its extras.
pub fn show_field(object: &mut Json, extras: &FieldExtras) {
    let Some(members) = object.as_object_mut() else { return };
    show(members, "alias", &extras.alias);
    show(members, "label", &extras.label);
    show(members, "description", &extras.description);
    show(members, "type", &extras.type_word);
    if let Some(picklist) = &extras.picklist {
        members.insert("picklist".to_owned(), json!(picklist));
    }
    if let Some(validation) = &extras.validation {
        members.insert("validation".to_owned(), Json::Object(validation.clone()));
    }
}

/// Only what an object has anyway, so that its members and their order stay.
fn show(members: &mut Map<String, Json>, name: &str, extra: &Option<String>) {
    if let (Some(member), Some(extra)) = (members.get_mut(name), extra) {
        *member = Json::from(extra.as_str());
    }
}
