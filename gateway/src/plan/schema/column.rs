//! Columns as they are wished: new ones, and existing ones with something changed.

use connector_api::model::{Column, ColumnType, DefaultValue};

use super::Place;
use crate::plan::Error;
use crate::request::schema::{FieldWish, Special, TypeWish};

/// The text that every connector understands as the moment of writing.
const NOW: &str = "CURRENT_TIMESTAMP";

/// A new column; `referred` is the one that it refers to, whose type it gets if it is only called a reference.
pub(super) fn new(place: Place<'_>, wish: &FieldWish, referred: Option<&Column>) -> Result<Column, Error> {
    refuse_computed(place, wish)?;
    let said = &wish.data_type;
    if !said.is_said() {
        return Err(place.wrong("Invalid schema detected - no type definition; give 'type' or 'db_type'"));
    }
    let special = said.special();
    let is_key = is_key(wish);
    let mut column = Column {
        is_nullable: wish.allow_null.unwrap_or(!is_key && wish.required != Some(true)),
        is_auto_increment: wish.auto_increment.unwrap_or(special == Special::Id),
        default: default(wish),
        ..Column::new(&wish.name, said.simple.map_or(ColumnType::Other, |simple| simple.data_type))
    };
    if let Some(native) = &said.native {
        column.native_type.clone_from(native);
        return Ok(column);
    }
    refuse_forms(place, said)?;
    if let (Special::Reference, Some(referred)) = (special, referred) {
        let Column { data_type, native_type, length, precision, scale, .. } = referred.clone();
        return Ok(Column { data_type, native_type, length, precision, scale, ..column });
    }
    sizes(&mut column, said);
    Ok(column)
}

/// Whether a new column is, or belongs to, the primary key.
pub(super) fn is_key(wish: &FieldWish) -> bool {
    wish.is_primary_key.unwrap_or(wish.data_type.special() == Special::Id)
}

/// The column with what is `new` in the wish; `None`: nothing of the column itself is.
pub(super) fn altered(
    place: Place<'_>,
    column: &Column,
    (wish, new): (&FieldWish, &FieldWish),
) -> Result<Option<Column>, Error> {
    let mut altered = Column { is_nullable: nullable(place, column, new)?, ..column.clone() };
    if let Some(default) = &new.default {
        altered.default.clone_from(default);
    } else if new.data_type.special() == Special::Stamped {
        altered.default = default(wish);
    }
    if new.auto_increment.is_some_and(|wished| wished != column.is_auto_increment) {
        return Err(place.unsupported("turning 'auto_increment' on or off"));
    }
    retype(place, &mut altered, (&wish.data_type, &new.data_type))?;
    Ok((altered != *column).then_some(altered))
}

fn nullable(place: Place<'_>, column: &Column, new: &FieldWish) -> Result<bool, Error> {
    match (new.allow_null, new.required) {
        (Some(allow_null), _) => Ok(allow_null),
        (None, None) => Ok(column.is_nullable),
        (None, Some(true)) if new.default.is_none() && column.default.is_none() => Ok(false),
        (None, Some(_)) => {
            Err(place
                .wrong("'required' follows from 'allow_null', 'default' and 'auto_increment'; change those"))
        }
    }
}

/// Gives the column another type, if one is wished.
fn retype(place: Place<'_>, column: &mut Column, (wish, new): (&TypeWish, &TypeWish)) -> Result<(), Error> {
    if let Some(native) = &new.native {
        column.native_type.clone_from(native);
        column.data_type = new.simple.map_or(column.data_type, |simple| simple.data_type);
        return Ok(());
    }
    refuse_forms(place, new)?;
    let is_other = |wished: ColumnType| wished != column.data_type && new.special() != Special::Reference;
    if let Some(simple) = new.simple.filter(|simple| is_other(simple.data_type)) {
        column.data_type = simple.data_type;
        column.native_type = String::new();
        sizes(column, wish);
        return Ok(());
    }
    if new.length.is_some() || new.precision.is_some() || new.scale.is_some() {
        resize(column, new);
    }
    Ok(())
}

/// Another size of the same type, in the store's words where these have one, so that nothing else about the type is lost.
fn resize(column: &mut Column, new: &TypeWish) {
    let is_sized =
        [new.length.flatten().is_some(), new.precision.flatten().is_some(), new.scale.flatten().is_some()];
    column.length = new.length.unwrap_or(column.length);
    column.precision = new.precision.unwrap_or(column.precision);
    column.scale = new.scale.unwrap_or(column.scale);
    let size = match (column.length, column.precision, column.scale) {
        (Some(length), ..) => length.to_string(),
        (None, Some(precision), Some(scale)) => format!("{precision},{scale}"),
        (None, Some(precision), None) => precision.to_string(),
        (None, None, _) => String::new(),
    };
    let words = column.native_type.split_once('(').and_then(|(before, rest)| {
        let (_, after) = rest.split_once(')')?;
        Some(format!("{before}({size}){after}"))
    });
    let is_kept = is_sized.contains(&true) && !size.is_empty();
    column.native_type = words.filter(|_| is_kept).unwrap_or_default();
}

/// The sizes that a type has, as far as they are said.
fn sizes(column: &mut Column, said: &TypeWish) {
    (column.length, column.precision, column.scale) = (None, None, None);
    match column.data_type {
        ColumnType::String | ColumnType::Binary => column.length = said.length.flatten(),
        ColumnType::Decimal => {
            let digits = said.simple.and_then(|simple| simple.digits());
            column.precision = said.precision.flatten().or(digits.map(|(precision, _)| precision));
            column.scale = said.scale.flatten().or(digits.map(|(_, scale)| scale));
        }
        _ => {}
    }
}

fn default(wish: &FieldWish) -> Option<DefaultValue> {
    let said = wish.default.clone().flatten();
    let is_stamped = wish.data_type.special() == Special::Stamped;
    said.or_else(|| is_stamped.then(|| DefaultValue::Expression(NOW.to_owned())))
}

/// What the gateway or the store would compute.
pub(super) fn refuse_computed(place: Place<'_>, wish: &FieldWish) -> Result<(), Error> {
    if wish.is_virtual {
        return Err(place.wrong("a virtual field can't be called like a field of the database"));
    }
    if wish.is_generated {
        return Err(place.unsupported("creating a field that the database computes"));
    }
    Ok(())
}

/// What only the database's own words for a type can say.
fn refuse_forms(place: Place<'_>, said: &TypeWish) -> Result<(), Error> {
    let forms = [("fixed_length", said.fixed_length), ("supports_multibyte", said.supports_multibyte)];
    match forms.iter().find(|(_, said)| *said == Some(true)) {
        Some((name, _)) => Err(place.wrong(format!("'{name}' needs the database's own type as 'db_type'"))),
        None => Ok(()),
    }
}
