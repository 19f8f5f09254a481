//! What a request means in the store's language. Names and values never stand in an expression: each has a placeholder, so no name is a
//! reserved word, no dot a separator and no value an operator.

mod access;
mod columns;
mod filter;

use std::collections::BTreeMap;

use connector_api::author::Path;

pub(crate) use access::{Access, KeyCondition, Question};
pub(crate) use columns::{computed_columns, filter_columns, projection};
pub(crate) use filter::push;

use crate::client::Body;
use crate::types::Attribute;

/// The longest expression that the store takes, in bytes.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>
const MAX_EXPRESSION: usize = 4096;
/// The most operators and functions in one.
const MAX_OPERATORS: usize = 300;

/// A condition of the store's language, with names and values still apart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Test {
    /// Always holds.
    All,
    /// Never holds.
    Nothing,
    /// One comparison or function.
    Is(Vec<Piece>),
    And(Vec<Test>),
    Or(Vec<Test>),
    Not(Box<Test>),
}

/// A part of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Piece {
    Word(&'static str),
    Path(Path),
    Value(Attribute),
}

impl Piece {
    fn is_operator(&self) -> bool {
        matches!(self, Self::Word(word) if !matches!(*word, ", " | ")"))
    }
}

impl Test {
    /// `attribute_exists` or `attribute_not_exists`.
    pub(crate) fn exists(path: Path, exists: bool) -> Self {
        let word = if exists { "attribute_exists(" } else { "attribute_not_exists(" };
        Self::Is(vec![Piece::Word(word), Piece::Path(path), Piece::Word(")")])
    }

    /// A path compared with a value.
    pub(crate) fn compare(path: Path, operator: &'static str, value: Attribute) -> Self {
        Self::Is(vec![Piece::Path(path), Piece::Word(operator), Piece::Value(value)])
    }

    /// All of them.
    pub(crate) fn all(tests: impl IntoIterator<Item = Self>) -> Self {
        let mut kept: Vec<_> = tests.into_iter().filter(|test| *test != Self::All).collect();
        if kept.contains(&Self::Nothing) {
            return Self::Nothing;
        }
        match kept.len() {
            0 => Self::All,
            1 => kept.swap_remove(0),
            _ => Self::And(kept),
        }
    }

    /// Any of them.
    pub(crate) fn any(tests: impl IntoIterator<Item = Self>) -> Self {
        let mut kept: Vec<_> = tests.into_iter().filter(|test| *test != Self::Nothing).collect();
        if kept.contains(&Self::All) {
            return Self::All;
        }
        match kept.len() {
            0 => Self::Nothing,
            1 => kept.swap_remove(0),
            _ => Self::Or(kept),
        }
    }

    /// The opposite of a test that is never unknown.
    pub(crate) fn negated(self) -> Self {
        match self {
            Self::All => Self::Nothing,
            Self::Nothing => Self::All,
            test => Self::Not(Box::new(test)),
        }
    }

    /// Whether the store takes an expression so long.
    pub(crate) fn fits(&self) -> bool {
        let text = Placeholders::default().expression(self);
        text.len() <= MAX_EXPRESSION && self.operators() <= MAX_OPERATORS
    }

    fn operators(&self) -> usize {
        match self {
            Self::All | Self::Nothing => 0,
            Self::Is(pieces) => pieces.iter().filter(|piece| piece.is_operator()).count(),
            Self::And(tests) | Self::Or(tests) => tests.iter().map(|test| test.operators() + 1).sum(),
            Self::Not(test) => test.operators() + 1,
        }
    }
}

/// Names and values of one request, each under its placeholder.
#[derive(Debug, Default, Clone)]
pub(crate) struct Placeholders {
    names: Vec<String>,
    values: Vec<Attribute>,
}

impl Placeholders {
    /// The placeholders of a path, joined with dots.
    pub(crate) fn path(&mut self, path: &Path) -> String {
        let segments: Vec<_> = path.segments().iter().map(|segment| self.name(segment)).collect();
        segments.join(".")
    }

    /// The placeholder of a name.
    pub(crate) fn name(&mut self, name: &str) -> String {
        let place = self.names.iter().position(|known| known == name).unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        });
        format!("#n{place}")
    }

    /// The placeholder of a value.
    pub(crate) fn value(&mut self, value: Attribute) -> String {
        let place = self.values.iter().position(|known| *known == value).unwrap_or_else(|| {
            self.values.push(value);
            self.values.len() - 1
        });
        format!(":v{place}")
    }

    /// The text of a test. One that always holds has none, one that never does contradicts itself.
    pub(crate) fn expression(&mut self, test: &Test) -> String {
        match test {
            Test::All => String::new(),
            Test::Nothing => {
                let never = |exists| Test::exists(Path::column("never"), exists);
                self.expression(&Test::And(vec![never(true), never(false)]))
            }
            Test::Is(pieces) => pieces
                .iter()
                .map(|piece| match piece {
                    Piece::Word(word) => (*word).to_owned(),
                    Piece::Path(path) => self.path(path),
                    Piece::Value(value) => self.value(value.clone()),
                })
                .collect(),
            Test::And(tests) => self.joined(tests, " AND "),
            Test::Or(tests) => self.joined(tests, " OR "),
            Test::Not(test) => format!("NOT ({})", self.expression(test)),
        }
    }

    fn joined(&mut self, tests: &[Test], word: &str) -> String {
        let parts: Vec<_> = tests
            .iter()
            .map(|test| match test {
                Test::And(_) | Test::Or(_) => format!("({})", self.expression(test)),
                test => self.expression(test),
            })
            .collect();
        parts.join(word)
    }

    /// Puts names and values into the request.
    pub(crate) fn fill(self, body: &mut Body) {
        let numbered = |sign: &str, place: usize| format!("{sign}{place}");
        let names = self.names.into_iter().enumerate();
        body.expression_attribute_names = names.map(|(place, name)| (numbered("#n", place), name)).collect();
        let values = self.values.into_iter().enumerate();
        body.expression_attribute_values =
            values.map(|(place, value)| (numbered(":v", place), value)).collect::<BTreeMap<_, _>>();
    }
}
