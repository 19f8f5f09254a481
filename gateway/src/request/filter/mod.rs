//! The filter grammar: text → [`Node`], with byte positions. `docs/filter-grammar.md` is the grammar in EBNF.
//!
//! `lexer` cuts the text into tokens, `parser` builds the tree by recursive descent, with `operator` for the left and `value`
//! for the right side of a comparison, `expression` reads calculations in parentheses, `print` writes a tree as text.
//! Nothing here knows a column, a type or a database, and nothing is escaped or quoted for one.
//!
//! Two rules decide what bare text means. A bare text runs until a closing parenthesis, the end, or a logical word that is
//! followed by another comparison; so `name = Smith and Sons` is one comparison and `a = 1 and b = 2` are two. A quote
//! closes its text only where a value can end; so `'O'Brien'` and `'O''Brien'` are the same text.

mod ast;
mod expression;
mod lexer;
#[cfg(test)]
mod old_rules;
mod operator;
mod parser;
#[cfg(any(test, fuzzing))]
pub mod positions;
mod print;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
mod value;

pub use ast::{
    ArithmeticOp, CompareOp, Expression, Field, Function, Literal, Node, Parameter, TextKind, Value,
};
pub use expression::{MAX_OPERATIONS, VALUE, parse_expression, parse_function};
pub use parser::{MAX_COMPARISONS, MAX_DEPTH, MAX_LIST_ITEMS, Params, parse, parse_having};
