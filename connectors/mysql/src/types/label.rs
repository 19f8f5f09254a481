//! What may be written into an `enum` or a `set`. The server takes a number, and a text that looks like one and is no label, for the place of
//! a label in the list: <https://mariadb.com/docs/server/reference/data-types/string-data-types/enum>. Nobody means that.

use connector_api::author::{Assignment, Expr, Value};
use connector_api::{Error, ErrorKind, Result};
use mysql_async::Value as Sent;

use super::write::parameter;
use crate::table::TableInfo;

/// What is sent, if it can't be taken for a number. Whether another text is a label is for the server to say, by the column's collation.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] for numbers that are no labels.
pub(super) fn checked(sent: Sent, labels: &[String]) -> Result<Sent> {
    let is_label = |text: &str| labels.iter().any(|label| label == text.trim_end());
    match sent {
        Sent::NULL => Ok(Sent::NULL),
        Sent::Int(number) if is_label(&number.to_string()) => Ok(Sent::from(number.to_string())),
        Sent::UInt(number) if is_label(&number.to_string()) => Ok(Sent::from(number.to_string())),
        Sent::Bytes(bytes) if str::from_utf8(&bytes).is_ok_and(|text| !is_number(text) || is_label(text)) => {
            Ok(Sent::Bytes(bytes))
        }
        _ => Err(no_label()),
    }
}

/// Whether columns of labels are set to nothing but labels and columns by these computations.
///
/// # Errors
/// As [`checked`]; for whatever else is computed, because nobody knows before what it is.
pub(crate) fn check_computed(compute: &[Assignment], params: &[Value], table: &TableInfo) -> Result<()> {
    for Assignment { column, value } in compute {
        let column = table.column(column)?;
        if column.labels.is_empty() {
            continue;
        }
        match value {
            Expr::Column(_) => {}
            Expr::Param(place) => {
                let value = params.get(*place).unwrap_or(&Value::Null);
                checked(parameter(value)?, &column.labels)?;
            }
            _ => return Err(no_label()),
        }
    }
    Ok(())
}

fn is_number(text: &str) -> bool {
    let text = text.trim();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())
}

fn no_label() -> Error {
    Error::new(ErrorKind::InvalidRequest, "a value is none of the labels of its column")
        .with_reason("datatype_mismatch")
        .with_sqlstate("22000")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_a_label_only_where_one_is_called_so() {
        let labels = ["10".to_owned(), "a".to_owned()];
        for (sent, is_taken) in [
            (Sent::NULL, true),
            (Sent::from("a"), true),
            (Sent::from("A"), true),
            (Sent::from("10"), true),
            (Sent::from("10 "), true),
            (Sent::Int(10), true),
            (Sent::from("1"), false),
            (Sent::from(" +1"), false),
            (Sent::from("0"), false),
            (Sent::Int(1), false),
            (Sent::Double(10.0), false),
        ] {
            assert_eq!(checked(sent.clone(), &labels).is_ok(), is_taken, "{sent:?}");
        }
        assert_eq!(checked(Sent::Int(10), &labels).unwrap(), Sent::from("10"));
    }
}
