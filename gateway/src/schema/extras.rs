//! Extras in descriptions: they stand in the place of what the database says.

use connector_api::model::{Column, ColumnType, Table};
use serde_json::{Map, Value as Json, json};

use super::describe::field_object;
use crate::extras::{DbFunction, FieldExtras, TableExtras};

/// A table object with its extras.
pub fn show_table(object: &mut Json, extras: &TableExtras) {
    let Some(members) = object.as_object_mut() else { return };
    show_row(members, extras);
    let fields = members.get_mut("field").and_then(Json::as_array_mut);
    let Some(fields) = fields else { return };
    for field in fields.iter_mut() {
        let extras = field.get("name").and_then(Json::as_str).and_then(|name| extras.fields.get(name));
        if let Some(extras) = extras {
            show_field(field, extras);
        }
    }
    fields.extend(virtual_fields(extras));
}

/// The fields that are kept beside the database only.
pub fn virtual_fields(extras: &TableExtras) -> impl Iterator<Item = Json> {
    extras.fields.iter().filter(|(_, field)| field.is_virtual).map(|(name, field)| {
        let column = Column { is_nullable: true, ..Column::new(name, ColumnType::Other) };
        let mut object = field_object(&Table::default(), &column, &[]);
        show_field(&mut object, field);
        if let Some(members) = object.as_object_mut() {
            members.insert("is_virtual".to_owned(), Json::Bool(true));
            members.insert("db_type".to_owned(), Json::Null);
        }
        object
    })
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
    if !extras.db_function.is_empty() {
        let function = |it: &DbFunction| {
            let uses: Vec<&str> = it.uses.iter().map(|of| of.word()).collect();
            json!({ "use": uses, "function": it.function, "function_type": "database" })
        };
        members.insert("db_function".to_owned(), extras.db_function.iter().map(function).collect());
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
