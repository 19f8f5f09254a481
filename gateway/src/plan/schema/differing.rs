//! What of a wish for a field is not so already.

use crate::request::schema::{FieldExtrasWish, FieldWish, ReferenceWish, TypeWish};

/// The wish without what the description says, too.
#[must_use]
pub fn differing(wish: &FieldWish, described: &FieldWish) -> FieldWish {
    FieldWish {
        name: described.name.clone(),
        data_type: data_type(&wish.data_type, &described.data_type),
        default: other(&wish.default, &described.default),
        allow_null: other(&wish.allow_null, &described.allow_null),
        required: other(&wish.required, &described.required),
        auto_increment: other(&wish.auto_increment, &described.auto_increment),
        is_primary_key: other(&wish.is_primary_key, &described.is_primary_key),
        is_unique: other(&wish.is_unique, &described.is_unique),
        is_index: other(&wish.is_index, &described.is_index),
        reference: reference(&wish.reference, &described.reference),
        extras: FieldExtrasWish::default(),
        is_generated: false,
        is_virtual: wish.is_virtual,
        is_aggregate: wish.is_aggregate,
    }
}

fn data_type(wish: &TypeWish, described: &TypeWish) -> TypeWish {
    TypeWish {
        simple: other(&wish.simple, &described.simple),
        native: other(&wish.native, &described.native),
        length: other(&wish.length, &described.length),
        precision: other(&wish.precision, &described.precision),
        scale: other(&wish.scale, &described.scale),
        fixed_length: other(&wish.fixed_length, &described.fixed_length),
        supports_multibyte: other(&wish.supports_multibyte, &described.supports_multibyte),
    }
}

fn reference(wish: &ReferenceWish, described: &ReferenceWish) -> ReferenceWish {
    ReferenceWish {
        is_foreign_key: other(&wish.is_foreign_key, &described.is_foreign_key),
        table: other(&wish.table, &described.table),
        field: other(&wish.field, &described.field),
        on_update: other(&wish.on_update, &described.on_update),
        on_delete: other(&wish.on_delete, &described.on_delete),
    }
}

fn other<T: Clone + PartialEq>(wish: &Option<T>, described: &Option<T>) -> Option<T> {
    if wish == described { None } else { wish.clone() }
}
