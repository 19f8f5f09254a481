//! Reads the right side of a comparison: quoted text, bare text, `:name`, a list, a calculation in parentheses.

use serde_json::Value as Json;

use super::ast::{Literal, Parameter, Value};
use super::expression;
use super::lexer::{Keyword, Kind};
use super::parser::{MAX_LIST_ITEMS, Parser};
use crate::request::Error;

/// Most quotes from the first undoubled one on that a quoted text may hold. It keeps the search for the closing quote
/// linear: no token is looked at from more openings than this.
const MAX_INNER_QUOTES: usize = 32;

/// Where a value ends, besides the end of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Before `)` or a logical word that another comparison follows.
    Comparison,
    /// Before `)` or a comma.
    List,
    /// Before `)` or the word AND.
    Low,
    /// Nowhere else: the text holds one value and nothing more.
    Text,
}

impl Parser<'_> {
    /// `(value, …)`, or a parameter that holds the list.
    pub(super) fn list(&mut self) -> Result<Vec<Value>, Error> {
        let first = self.next;
        if !self.take(Kind::Open) {
            self.next += 1;
            let found = self.parameter(self.slice(first, self.next), self.position_at(first));
            let Some(parameter) = found else { return Err(self.list_without_parentheses(first)) };
            self.check_list(list_length(&parameter), first)?;
            return Ok(vec![parameter]);
        }
        let values = self.items(End::List)?;
        if !self.take(Kind::Close) {
            return Err(self.unparsable("',' or ')'"));
        }
        Ok(values)
    }

    /// Values with commas between them.
    pub(super) fn items(&mut self, end: End) -> Result<Vec<Value>, Error> {
        let first = self.next;
        let mut values = Vec::new();
        let mut length = 0;
        loop {
            let value = self.value(end)?;
            length += list_length(&value);
            self.check_list(length, first)?;
            values.push(value);
            if !self.take(Kind::Comma) {
                return Ok(values);
            }
        }
    }

    fn check_list(&self, length: usize, first: usize) -> Result<(), Error> {
        if length <= MAX_LIST_ITEMS {
            return Ok(());
        }
        let message = format!("filter has a list of too many values; at most {MAX_LIST_ITEMS} are allowed");
        Err(Error::new("filter", message).at(self.position_at(first)))
    }

    pub(super) fn needed_value(&mut self, end: End) -> Result<Value, Error> {
        if self.ends_value(self.next, end) {
            return Err(self.unparsable("a value"));
        }
        self.value(end)
    }

    pub(super) fn value(&mut self, end: End) -> Result<Value, Error> {
        if let Some(Kind::Quote(quote)) = self.kind()
            && let Some(literal) = self.quoted(quote, end)
        {
            return Ok(Value::Literal(literal));
        }
        if self.kind() == Some(Kind::Open)
            && let Some(value) = self.expression(end)?
        {
            return Ok(value);
        }
        self.bare(end)
    }

    /// Whether a value may end before token `index`.
    fn ends_value(&self, index: usize, end: End) -> bool {
        match self.kind_at(index) {
            None => true,
            Some(_) if end == End::Text => false,
            Some(Kind::Close) => true,
            Some(Kind::Comma) => end == End::List,
            Some(Kind::Keyword(Keyword::And)) if end == End::Low => true,
            Some(_) => {
                end == End::Comparison && self.logical_at(index).is_some() && self.begins_operand(index + 1)
            }
        }
    }

    /// Whether two equal quote characters touch at token `index`.
    pub(super) fn is_doubled(&self, index: usize) -> bool {
        match (self.tokens.get(index), self.tokens.get(index + 1)) {
            (Some(one), Some(two)) => one.kind == two.kind && one.end == two.start,
            _ => false,
        }
    }

    /// The text from the quote at the next token to the first quote that a value can end with. `None` if no quote closes
    /// it: the quote is then part of a bare text (`'Ndrangheta`).
    ///
    /// A text that holds its own quote undoubled (`'O'Brien'`) does not reach past the parenthesis, list item or end of
    /// BETWEEN that it stands in; so a quote that somebody forgot to close does not swallow the conditions after it.
    fn quoted(&mut self, quote: u8, end: End) -> Option<Literal> {
        let opening = *self.tokens.get(self.next)?;
        let mut index = self.next + 1;
        let mut open = 0_usize;
        let mut is_doubled = false;
        let mut is_outside = false;
        let mut inner_quotes = 0;
        while let Some(token) = self.tokens.get(index) {
            match token.kind {
                Kind::Quote(found) if found == quote && self.is_doubled(index) => {
                    is_doubled = true;
                    inner_quotes += usize::from(inner_quotes > 0);
                    index += 1;
                }
                Kind::Quote(found) if found == quote && self.ends_value(index + 1, end) => {
                    let inner = self.text.get(opening.end..token.start)?;
                    let text = if is_doubled { undouble(inner, quote) } else { inner.to_owned() };
                    self.next = index + 1;
                    return Some(Literal { text, quoted: true, position: opening.start });
                }
                Kind::Quote(found) if found == quote => inner_quotes += 1,
                Kind::Open => open += 1,
                Kind::Close if open > 0 => open -= 1,
                Kind::Close => is_outside |= end != End::Text,
                Kind::Comma if open == 0 => is_outside |= end == End::List,
                Kind::Keyword(Keyword::And) if open == 0 => is_outside |= end == End::Low,
                _ => {}
            }
            if inner_quotes > 0 && (is_outside || inner_quotes > MAX_INNER_QUOTES) {
                return None;
            }
            index += 1;
        }
        None
    }

    /// The calculation at the next token, an opening parenthesis. `None` if the parentheses only begin a bare text, as in
    /// `(555) 123-4567`.
    fn expression(&mut self, end: End) -> Result<Option<Value>, Error> {
        let first = self.next;
        let refusal = match expression::in_parentheses(self.text, self.position_at(first)) {
            Ok((expression, stop)) => {
                let after = self.tokens.partition_point(|token| token.start < stop);
                if self.ends_value(after, end) {
                    self.next = after;
                    return Ok(Some(Value::Expression(expression)));
                }
                return Ok(None);
            }
            Err(refusal) => refusal,
        };
        let mut open = 0_usize;
        for (offset, token) in self.tokens.get(first..).unwrap_or_default().iter().enumerate() {
            match token.kind {
                Kind::Open => open += 1,
                Kind::Close if open > 1 => open -= 1,
                Kind::Close if self.ends_value(first + offset + 1, end) => return Err(refusal),
                Kind::Close => return Ok(None),
                _ => {}
            }
        }
        Err(refusal)
    }

    /// Text without quotes, or a parameter; may be empty.
    fn bare(&mut self, end: End) -> Result<Value, Error> {
        let first = self.next;
        let mut open = 0_usize;
        let mut opening = first;
        while let Some(kind) = self.kind() {
            match kind {
                Kind::Open => {
                    opening = if open == 0 { self.next } else { opening };
                    open += 1;
                }
                Kind::Close if open > 0 => open -= 1,
                _ if open == 0 && self.ends_value(self.next, end) => break,
                _ => {}
            }
            self.next += 1;
        }
        if open > 0 && end != End::Text {
            self.next = opening;
            return Err(self.unparsable("a ')' that closes this parenthesis, or quotes around the text"));
        }
        if first == self.next && self.logical_at(first).is_some() {
            return Err(self.unparsable("a value"));
        }
        let text = if first == self.next { "" } else { self.slice(first, self.next) };
        let position = self.position_at(first);
        let literal = || Value::Literal(Literal { text: text.to_owned(), quoted: false, position });
        Ok(self.parameter(text, position).unwrap_or_else(literal))
    }

    /// The replacement of `:name`, if `params` has it.
    fn parameter(&self, name: &str, position: usize) -> Option<Value> {
        let bare_name = name.strip_prefix(':')?;
        let value = self.params.get(name).or_else(|| self.params.get(bare_name))?.clone();
        Some(Value::Parameter(Parameter { name: name.to_owned(), value, position }))
    }
}

fn list_length(value: &Value) -> usize {
    match value {
        Value::Parameter(Parameter { value: Json::Array(items), .. }) => items.len(),
        _ => 1,
    }
}

fn undouble(text: &str, quote: u8) -> String {
    match quote {
        b'"' => text.replace("\"\"", "\""),
        _ => text.replace("''", "'"),
    }
}
