//! Tokens → tree, by recursive descent. Time is linear in the length of the text, depth is bounded.

use serde_json::Value as Json;

use super::ast::{Field, Node};

use super::lexer::{self, Keyword, Kind, Token};
use super::operator::{Found, Operator};
use super::value::End;
use crate::request::Error;

/// Deepest nesting of groups and negations. What JSON takes for them and for expressions together has a bound in the plan.
pub const MAX_DEPTH: usize = 50;
/// Most comparisons in one filter.
pub const MAX_COMPARISONS: usize = 1_000;
/// Most items of one value list, items of a parameter that is an array included.
pub const MAX_LIST_ITEMS: usize = 10_000;

/// Replacements for `:name`; keys with or without the colon.
pub type Params = serde_json::Map<String, Json>;

const UNPARSABLE: &str = "Invalid or unparsable filter request.";

/// Reads a filter. `None` for an empty or blank text: no filter.
///
/// # Errors
/// Text that the grammar does not cover, or past one of the bounds of this module; with a byte position.
pub fn parse(text: &str, params: &Params) -> Result<Option<Node>, Error> {
    read(text, params, false)
}

/// Reads a condition on groups: a filter in which a field may be an aggregate such as `COUNT(*)`, also behind a bare AND.
///
/// # Errors
/// As [`parse`].
pub fn parse_having(text: &str, params: &Params) -> Result<Option<Node>, Error> {
    read(text, params, true)
}

fn read(text: &str, params: &Params, knows_aggregates: bool) -> Result<Option<Node>, Error> {
    let mut parser = Parser { knows_aggregates, ..Parser::new(text, params) };
    if parser.tokens.is_empty() {
        return Ok(None);
    }
    let node = parser.any()?;
    match parser.kind() {
        None => Ok(Some(node)),
        Some(Kind::Close) => Err(parser.unparsable("the end of the filter: this ')' closes nothing")),
        Some(_) => Err(parser.unparsable("AND, OR, NOR, XOR or the end")),
    }
}

/// The state of one parse.
pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    pub(super) params: &'a Params,
    pub(super) tokens: Vec<Token>,
    /// Index of the next token.
    pub(super) next: usize,
    /// Open groups and negations.
    depth: usize,
    /// NOR operators so far; each may deepen the tree by one.
    nors: usize,
    comparisons: usize,
    /// A field may be an aggregate.
    pub(super) knows_aggregates: bool,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str, params: &'a Params) -> Self {
        let tokens = lexer::tokens(text);
        Self { text, params, tokens, next: 0, depth: 0, nors: 0, comparisons: 0, knows_aggregates: false }
    }

    // --- tokens

    pub(super) fn kind_at(&self, index: usize) -> Option<Kind> {
        self.tokens.get(index).map(|token| token.kind)
    }

    pub(super) fn kind(&self) -> Option<Kind> {
        self.kind_at(self.next)
    }

    pub(super) fn take(&mut self, wanted: Kind) -> bool {
        let found = self.kind() == Some(wanted);
        self.next += usize::from(found);
        found
    }

    /// Byte offset of a token; the length of the text past the last one.
    pub(super) fn position_at(&self, index: usize) -> usize {
        self.tokens.get(index).map_or(self.text.len(), |token| token.start)
    }

    /// The text from token `first` to before token `end`, with the blanks between them.
    pub(super) fn slice(&self, first: usize, end: usize) -> &'a str {
        let stop = end.checked_sub(1).and_then(|last| self.tokens.get(last)).map_or(0, |token| token.end);
        self.text.get(self.position_at(first)..stop).unwrap_or_default()
    }

    pub(super) fn logical_at(&self, index: usize) -> Option<Keyword> {
        match self.kind_at(index) {
            Some(Kind::Keyword(keyword)) if keyword.is_logical() => Some(keyword),
            _ => None,
        }
    }

    pub(super) fn unparsable(&self, expected: &'static str) -> Error {
        Error::new("filter", UNPARSABLE).at(self.position_at(self.next)).expecting(expected)
    }

    // --- combinations, loosest first: OR and NOR, XOR, AND, NOT

    fn any(&mut self) -> Result<Node, Error> {
        let first = self.exclusive()?;
        if !matches!(self.logical_at(self.next), Some(Keyword::Or | Keyword::Nor)) {
            return Ok(first);
        }
        let mut members = vec![first];
        while let Some(keyword @ (Keyword::Or | Keyword::Nor)) = self.logical_at(self.next) {
            self.next += 1;
            members.push(self.exclusive()?);
            if keyword == Keyword::Nor {
                self.nors += 1;
                self.check_depth(self.nors)?;
                members = vec![Node::Not(Box::new(Node::Or(members)))];
            }
        }
        match members.len() {
            1 => Ok(members.remove(0)),
            _ => Ok(Node::Or(members)),
        }
    }

    fn exclusive(&mut self) -> Result<Node, Error> {
        let node = self.all()?;
        self.chain(Keyword::Xor, node, Self::all, Node::Xor)
    }

    fn all(&mut self) -> Result<Node, Error> {
        let node = self.operand()?;
        self.chain(Keyword::And, node, Self::operand, Node::And)
    }

    /// `first` and what follows it joined by `keyword`; `first` alone if nothing does.
    fn chain(
        &mut self,
        keyword: Keyword,
        first: Node,
        member: impl Fn(&mut Self) -> Result<Node, Error>,
        combine: impl Fn(Vec<Node>) -> Node,
    ) -> Result<Node, Error> {
        if self.kind() != Some(Kind::Keyword(keyword)) {
            return Ok(first);
        }
        let mut members = vec![first];
        while self.take(Kind::Keyword(keyword)) {
            members.push(member(self)?);
        }
        Ok(combine(members))
    }

    fn operand(&mut self) -> Result<Node, Error> {
        match self.kind() {
            Some(Kind::Open) => self.group(),
            // `not = 1` and `not in (1)` speak of a column called not.
            Some(Kind::Keyword(Keyword::Not))
                if self.operator_at(self.next).is_none() && self.operator_at(self.next + 1).is_none() =>
            {
                self.negation()
            }
            _ => self.comparison(),
        }
    }

    fn group(&mut self) -> Result<Node, Error> {
        self.enter()?;
        self.next += 1;
        let node = self.any()?;
        if !self.take(Kind::Close) {
            return Err(self.unparsable("AND, OR, NOR, XOR or ')'"));
        }
        self.depth -= 1;
        Ok(node)
    }

    fn negation(&mut self) -> Result<Node, Error> {
        self.enter()?;
        self.next += 1;
        let node = self.operand()?;
        self.depth -= 1;
        Ok(Node::Not(Box::new(node)))
    }

    fn enter(&mut self) -> Result<(), Error> {
        self.depth += 1;
        self.check_depth(self.depth)
    }

    fn check_depth(&self, depth: usize) -> Result<(), Error> {
        if depth <= MAX_DEPTH {
            return Ok(());
        }
        let message = format!("filter is nested too deeply; at most {MAX_DEPTH} levels are allowed");
        Err(Error::new("filter", message).at(self.position_at(self.next)))
    }

    // --- comparisons

    fn comparison(&mut self) -> Result<Node, Error> {
        self.comparisons += 1;
        if self.comparisons > MAX_COMPARISONS {
            let message = format!("filter has too many comparisons; at most {MAX_COMPARISONS} are allowed");
            return Err(Error::new("filter", message).at(self.position_at(self.next)));
        }
        let (field, found) = match self.quoted_field(self.next) {
            Some(named) => named,
            None => self.bare_field()?,
        };
        self.next = found.end;
        self.operation(field, found, End::Comparison)
    }

    /// The rest of a comparison, after its operator.
    pub(super) fn operation(&mut self, field: Field, found: Found, end: End) -> Result<Node, Error> {
        let negated = found.negated;
        Ok(match found.operator {
            Operator::Null => Node::Null { field, negated },
            Operator::Text(kind) => Node::Text { field, kind, negated, pattern: self.value(end)? },
            Operator::In => Node::In { field, negated, values: self.list()? },
            Operator::Between => self.between(field, negated)?,
            Operator::Compare(op) => {
                let node = Node::Compare { field, op, value: self.value(end)? };
                if negated { Node::Not(Box::new(node)) } else { node }
            }
        })
    }

    fn between(&mut self, field: Field, negated: bool) -> Result<Node, Error> {
        let low = self.needed_value(End::Low)?;
        if !self.take(Kind::Keyword(Keyword::And)) {
            return Err(self.unparsable("AND and the upper value"));
        }
        let high = self.needed_value(End::Comparison)?;
        Ok(Node::Between { field, negated, low, high })
    }
}
