//! Finds the operator of a comparison, and with it the end of the field's name. What looks like an operator may be a word
//! of a name or of a bare text; the rules for that are here and in `value`.

use super::ast::{CompareOp, Field, TextKind};
use super::lexer::{Keyword, Kind};
use super::parser::Parser;
use crate::request::{AggregateFunction, Error};

const LIST_WITHOUT_PARENTHESES: &str = "Filter value lists must be wrapped in parentheses.";

/// An operator between a field and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Compare(CompareOp),
    Text(TextKind),
    In,
    Between,
    Null,
}

/// An operator found in the tokens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) operator: Operator,
    pub(super) negated: bool,
    /// Index of the token after the operator.
    pub(super) end: usize,
    /// Whether prose can't look like this. `like` and `contains` are also plain words.
    certain: bool,
}

impl Parser<'_> {
    /// A name in double quotes at token `first`, if an operator follows it.
    pub(super) fn quoted_field(&self, first: usize) -> Option<(Field, Found)> {
        let quote = Kind::Quote(b'"');
        if self.kind_at(first) != Some(quote) {
            return None;
        }
        let mut close = first + 1;
        loop {
            match self.kind_at(close)? {
                kind if kind == quote && self.is_doubled(close) => close += 2,
                kind if kind == quote => break,
                _ => close += 1,
            }
        }
        let found = self.operator_at(close + 1)?;
        let name = self.text.get(self.tokens.get(first)?.end..self.position_at(close))?.replace("\"\"", "\"");
        Some((Field { name, position: self.position_at(first) }, found))
    }

    /// Everything up to the first operator outside parentheses: names may hold blanks, as in `order date` or `Price (USD)`.
    pub(super) fn bare_field(&self) -> Result<(Field, Found), Error> {
        let first = self.next;
        let mut open = 0_usize;
        let mut listless = None;
        let mut index = first;
        while let Some(kind) = self.kind_at(index) {
            match kind {
                Kind::Open => open += 1,
                Kind::Close if open == 0 => break,
                Kind::Close => open -= 1,
                Kind::Compare(_) if index == first => break,
                Kind::Keyword(Keyword::In)
                    if open == 0 && index > first && self.operator_at(index).is_none() =>
                {
                    listless = listless.or(Some(index + 1));
                }
                _ if listless.is_some() && self.logical_at(index).is_some() => break,
                _ if open == 0 && index > first => {
                    if let Some(found) = self.operator_at(index) {
                        let name = self.slice(first, index).to_owned();
                        return Ok((Field { name, position: self.position_at(first) }, found));
                    }
                }
                _ => {}
            }
            index += 1;
        }
        match listless {
            Some(list) => Err(self.list_without_parentheses(list)),
            None => Err(self.no_operator(index)),
        }
    }

    pub(super) fn list_without_parentheses(&self, index: usize) -> Error {
        Error::new("filter", LIST_WITHOUT_PARENTHESES).at(self.position_at(index)).expecting("'('")
    }

    /// The error of a comparison that ends at token `end` without an operator.
    fn no_operator(&self, end: usize) -> Error {
        if end == self.next {
            return self.unparsable("a field name, NOT or '('");
        }
        let words = self.slice(self.next, end).to_ascii_lowercase();
        if words.ends_with(" does exist") || words.ends_with(" does not exist") {
            let message = "operator DOES [NOT] EXIST is not supported in filters; use IS NOT NULL or IS NULL";
            return Error::new("filter", message).at(self.position_at(self.next));
        }
        self.unparsable("a comparison: field, operator, value")
    }

    /// The operator that begins at token `index`.
    pub(super) fn operator_at(&self, index: usize) -> Option<Found> {
        if self.kind_at(index) != Some(Kind::Keyword(Keyword::Not)) {
            return self.plain_operator_at(index);
        }
        let found = self.plain_operator_at(index + 1)?;
        (found.operator != Operator::Null).then_some(Found { negated: true, ..found })
    }

    fn plain_operator_at(&self, index: usize) -> Option<Found> {
        let found =
            |operator, length, certain| Found { operator, negated: false, end: index + length, certain };
        let keyword = match self.kind_at(index)? {
            Kind::Compare(op) => return Some(found(Operator::Compare(op), 1, true)),
            Kind::CompareWord(op) => return self.unless_name(found(Operator::Compare(op), 1, false)),
            Kind::Keyword(keyword) => keyword,
            _ => return None,
        };
        let second = self.kind_at(index + 1);
        let with = second == Some(Kind::Keyword(Keyword::With));
        let null = Some(Kind::Keyword(Keyword::Null));
        let found = match keyword {
            Keyword::Like => found(Operator::Text(TextKind::Like), 1, false),
            Keyword::ILike => found(Operator::Text(TextKind::ILike), 1, false),
            Keyword::Contains => found(Operator::Text(TextKind::Contains), 1, false),
            Keyword::Between => found(Operator::Between, 1, false),
            Keyword::Starts if with => found(Operator::Text(TextKind::StartsWith), 2, true),
            Keyword::Ends if with => found(Operator::Text(TextKind::EndsWith), 2, true),
            Keyword::In if matches!(second, Some(Kind::Open | Kind::Parameter)) => {
                found(Operator::In, 1, true)
            }
            Keyword::Is if second == null => found(Operator::Null, 2, true),
            Keyword::Is if second == Some(Kind::Keyword(Keyword::Not)) && self.kind_at(index + 2) == null => {
                Found { negated: true, ..found(Operator::Null, 3, true) }
            }
            _ => return None,
        };
        self.unless_name(found)
    }

    /// A word operator straight before `=` is the last word of a name.
    fn unless_name(&self, found: Found) -> Option<Found> {
        let before_sign = !found.certain && matches!(self.kind_at(found.end), Some(Kind::Compare(_)));
        (!before_sign).then_some(found)
    }

    /// Whether another comparison begins at token `index`: opening parentheses, NOTs, then words up to an operator.
    /// Looks no further than the next logical word, so that all calls together stay linear.
    pub(super) fn begins_operand(&self, mut index: usize) -> bool {
        while matches!(self.kind_at(index), Some(Kind::Open | Kind::Keyword(Keyword::Not))) {
            index += 1;
        }
        // A quote of a bare text may seem to open a name; its end then lies in another group.
        if let Some((field, _)) = self.quoted_field(index) {
            return !closes_more_than_it_opens(&field.name);
        }
        if let Some(end) = self.aggregate_end(index) {
            return self.operator_at(end).is_some();
        }
        let first = index;
        loop {
            if index > first
                && let Some(found) = self.operator_at(index)
            {
                return found.certain || index == first + 1;
            }
            match self.kind_at(index) {
                Some(Kind::Word | Kind::Parameter | Kind::CompareWord(_)) => index += 1,
                Some(Kind::Keyword(keyword)) if !keyword.is_logical() => index += 1,
                _ => return false,
            }
        }
    }
}

impl Parser<'_> {
    /// The token behind the aggregate that begins at token `index`, where a field may be one.
    fn aggregate_end(&self, index: usize) -> Option<usize> {
        let is_function =
            self.knows_aggregates && AggregateFunction::of(self.slice(index, index + 1)).is_some();
        if !is_function || self.kind_at(index + 1) != Some(Kind::Open) {
            return None;
        }
        let mut open = 0_usize;
        let mut end = index + 1;
        loop {
            match self.kind_at(end)? {
                Kind::Open => open += 1,
                Kind::Close if open == 1 => return Some(end + 1),
                Kind::Close => open -= 1,
                // Looking no further keeps all calls together linear.
                Kind::Keyword(keyword) if keyword.is_logical() => return None,
                _ => {}
            }
            end += 1;
        }
    }
}

fn closes_more_than_it_opens(text: &str) -> bool {
    let mut open = 0_usize;
    text.bytes().any(|byte| {
        let closes = byte == b')' && open == 0;
        open = match byte {
            b'(' => open + 1,
            b')' => open.saturating_sub(1),
            _ => open,
        };
        closes
    })
}
