//! Row rules, which arrive already cut into name, operator and value: no text is put together and parsed again.

use super::ast::{Field, Node};
use super::lexer::Kind;
use super::operator::Operator;
use super::parser::{Params, Parser};
use super::value::End;
use crate::request::Error;

/// Builds the condition of one row rule.
///
/// `operator` is any of the grammar's operators (`=`, `not in`, `is null` …), in any case. The value is one literal, quotes
/// around it removed; for `in` a list with commas, parentheses allowed; ignored by `is [not] null`. Lookups such as
/// `{user.id}` stay in the text. Positions count from the beginning of the value.
///
/// # Errors
/// An unknown operator, or a list or calculation in `value` that can't be read.
pub fn rule(field: &str, operator: &str, value: &str) -> Result<Node, Error> {
    let field = Field { name: field.to_owned(), position: 0 };
    let params = Params::new();
    // An operator may need its operand's parenthesis to be seen as one.
    let text = format!("{operator} (");
    let parser = Parser::new(&text, &params);
    let found = parser.operator_at(0).filter(|found| found.end + 1 == parser.tokens.len());
    let Some(found) = found.filter(|found| found.operator != Operator::Between) else {
        return Err(Error::new("filters", format!("operator '{operator}' is not supported in a row filter")));
    };
    if found.operator != Operator::In {
        return Parser::new(value, &params).operation(field, found, End::Text);
    }
    let trimmed = value.trim_ascii();
    let inner = trimmed.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(trimmed);
    let mut list = Parser::new(inner, &params);
    let values = list.items(End::List)?;
    match list.tokens.get(list.next).map(|token| token.kind) {
        None => Ok(Node::In { field, negated: found.negated, values }),
        Some(Kind::Close) => {
            Err(Error::new("filters", "row filter has a list with a ')' that closes nothing"))
        }
        Some(_) => Err(Error::new("filters", "row filter has a list that can't be read")),
    }
}
