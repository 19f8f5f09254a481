//! Defaults of columns: constants, and the few expressions that a dialect knows. Others are refused: they would be text of a caller in a
//! statement.

use connector_api::model::{Column, ColumnType, DefaultValue};
use connector_api::{Error, ErrorKind, Result};
use serde_json::Value as Json;

use super::Changes;
use super::parts::Parts;
use crate::SqlWriter;

/// An expression that may be a default: how callers and descriptions spell it, in small letters, without blanks where none is needed, with
/// `#` for a number; and how it is written.
pub type Expression = (&'static str, &'static str);

/// The expression as it is written, and its number.
fn known(dialect: &dyn Changes, text: &str) -> Option<(&'static str, Vec<u64>)> {
    let (pattern, numbers) = Parts::read(text).ok()?.pattern();
    let inner = pattern.strip_prefix('(').and_then(|inner| inner.strip_suffix(')'));
    let spelled = |wanted: &str| dialect.expressions().iter().find(|(spelled, _)| *spelled == wanted);
    let (_, written) = spelled(&pattern).or_else(|| spelled(inner?))?;
    Some((written, numbers))
}

/// Writes a default.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] for an expression that is not known, and for a list or document where none can stand.
pub(super) fn write(
    dialect: &dyn Changes,
    to: &mut SqlWriter<'_>,
    column: &Column,
    default: &DefaultValue,
) -> Result<()> {
    let [before, behind] = if dialect.is_default_in_brackets(column) { ["(", ")"] } else { ["", ""] };
    match default {
        DefaultValue::Expression(text) => expression(dialect, to, column, text),
        DefaultValue::Value(value) => {
            to.keyword(before);
            constant(to, column, value)?;
            to.keyword(behind);
            Ok(())
        }
    }
}

fn constant(to: &mut SqlWriter<'_>, column: &Column, value: &Json) -> Result<()> {
    match value {
        Json::Null => to.keyword("NULL"),
        Json::Bool(true) => to.keyword("TRUE"),
        Json::Bool(false) => to.keyword("FALSE"),
        Json::Number(number) => match flag(column, number) {
            Some(flag) => return constant(to, column, &Json::Bool(flag)),
            None => to.number(number),
        },
        Json::String(text) => to.text(text)?,
        document if column.data_type == ColumnType::Json => to.text(&document.to_string())?,
        _ => {
            let message =
                format!("the default of '{}' is a list or document; expected a single value", column.name);
            return Err(Error::new(ErrorKind::InvalidRequest, message));
        }
    }
    Ok(())
}

/// Some databases take no number for true or false.
fn flag(column: &Column, number: &serde_json::Number) -> Option<bool> {
    match number.as_u64() {
        Some(flag @ (0 | 1)) if column.data_type == ColumnType::Boolean => Some(flag == 1),
        _ => None,
    }
}

fn expression(dialect: &dyn Changes, to: &mut SqlWriter<'_>, column: &Column, text: &str) -> Result<()> {
    let Some((written, numbers)) = known(dialect, text) else {
        let allowed: Vec<_> = dialect.expressions().iter().map(|(spelled, _)| *spelled).collect();
        let message = format!(
            "the default of '{}' is an expression that is not known; expected a constant or one of {}",
            column.name,
            allowed.join("; ")
        );
        return Err(Error::new(ErrorKind::InvalidRequest, message).with_reason("unknown_default"));
    };
    let mut pieces = written.split('#');
    to.keyword(pieces.next().unwrap_or_default());
    for (number, piece) in numbers.into_iter().zip(pieces) {
        to.number(&number.into());
        to.keyword(piece);
    }
    Ok(())
}

/// Whether it is always the same value.
pub(super) fn is_constant(default: &DefaultValue) -> bool {
    matches!(default, DefaultValue::Value(_))
}

/// Whether it is a constant that is not null.
pub(super) fn is_value(default: Option<&DefaultValue>) -> bool {
    default.is_some_and(|default| is_constant(default) && *default != DefaultValue::Value(Json::Null))
}

/// Whether two defaults are the same one, however they are spelled.
pub(super) fn is_same(dialect: &dyn Changes, a: Option<&DefaultValue>, b: Option<&DefaultValue>) -> bool {
    match (a.filter(|a| !is_null(a)), b.filter(|b| !is_null(b))) {
        (None, None) => true,
        (Some(DefaultValue::Value(a)), Some(DefaultValue::Value(b))) => is_same_constant(a, b),
        (Some(DefaultValue::Expression(a)), Some(DefaultValue::Expression(b))) => {
            a == b || known(dialect, a).is_some_and(|known_a| Some(known_a) == known(dialect, b))
        }
        _ => false,
    }
}

fn is_null(default: &DefaultValue) -> bool {
    *default == DefaultValue::Value(Json::Null)
}

/// Databases give constants back as texts, and booleans as numbers.
fn is_same_constant(a: &Json, b: &Json) -> bool {
    let number = |flag: bool| if flag { "1" } else { "0" };
    let plain = |value: &Json| match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    match (a, b) {
        (Json::Bool(flag), other) | (other, Json::Bool(flag)) => {
            [flag.to_string(), number(*flag).to_owned()].contains(&plain(other))
        }
        (a, b) => plain(a) == plain(b),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn constants_are_the_same_however_the_database_gives_them_back() {
        for (a, b, expected) in [
            (json!(5), json!("5"), true),
            (json!(true), json!(1), true),
            (json!(false), json!("0"), true),
            (json!(true), json!("true"), true),
            (json!(true), json!(0), false),
            (json!("a"), json!("A"), false),
            (json!(1.5), json!("1.5"), true),
        ] {
            assert_eq!(is_same_constant(&a, &b), expected, "{a} {b}");
        }
    }
}
