//! Tree → text. The text of a tree that the parser built parses to the same tree again, positions aside, as long as the
//! bounds allow for the parentheses that are added and no bare text holds a quote where a quoted text may begin, first or in parentheses
//! that it begins with (a later quote may close it).

use std::fmt::{Display, Formatter, Result, Write};

use super::ast::{ArithmeticOp, CompareOp, Expression, Field, Node, TextKind, Value};
use super::lexer;

impl Display for Node {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        match self {
            Self::And(members) => joined(out, members, " AND "),
            Self::Or(members) => joined(out, members, " OR "),
            Self::Xor(members) => joined(out, members, " XOR "),
            Self::Not(member) => write!(out, "NOT ({member})"),
            Self::Compare { field, op, value } => write!(out, "{field} {op} {value}"),
            Self::In { field, negated, values } => list(out, field, *negated, values),
            Self::Between { field, negated, low, high } => {
                write!(out, "{field}{} BETWEEN {low} AND {high}", not(*negated))
            }
            Self::Text { field, kind, negated, pattern } => {
                write!(out, "{field}{} {kind} {pattern}", not(*negated))
            }
            Self::Null { field, negated } => write!(out, "{field} IS{} NULL", not(*negated)),
        }
    }
}

fn not(negated: bool) -> &'static str {
    if negated { " NOT" } else { "" }
}

fn joined(out: &mut Formatter<'_>, members: &[Node], word: &str) -> Result {
    for (index, member) in members.iter().enumerate() {
        let before = if index == 0 { "" } else { word };
        write!(out, "{before}({member})")?;
    }
    Ok(())
}

/// A list in parentheses; a parameter that holds the whole list stands alone there as well.
fn list(out: &mut Formatter<'_>, field: &Field, negated: bool, values: &[Value]) -> Result {
    write!(out, "{field}{} IN (", not(negated))?;
    for (index, value) in values.iter().enumerate() {
        let before = if index == 0 { "" } else { ", " };
        write!(out, "{before}{value}")?;
    }
    out.write_char(')')
}

impl Display for Field {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        if lexer::is_plain_word(&self.name) {
            out.write_str(&self.name)
        } else {
            quoted(out, &self.name, '"')
        }
    }
}

impl Display for CompareOp {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        out.write_str(match self {
            Self::Eq => "=",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
        })
    }
}

impl Display for TextKind {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        out.write_str(match self {
            Self::Like => "LIKE",
            Self::ILike => "ILIKE",
            Self::Contains => "CONTAINS",
            Self::StartsWith => "STARTS WITH",
            Self::EndsWith => "ENDS WITH",
        })
    }
}

impl Display for Value {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        match self {
            Self::Literal(literal) if literal.quoted => quoted(out, &literal.text, '\''),
            Self::Literal(literal) => out.write_str(&literal.text),
            Self::Parameter(parameter) => out.write_str(&parameter.name),
            Self::Expression(expression) => write!(out, "({expression})"),
        }
    }
}

impl Display for Expression {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        match self {
            Self::Column(field) if is_identifier(&field.name) => out.write_str(&field.name),
            Self::Column(field) => quoted(out, &field.name, '"'),
            Self::Number(literal) => out.write_str(&literal.text),
            Self::Text(literal) => quoted(out, &literal.text, '\''),
            Self::Boolean(value) => write!(out, "{value}"),
            Self::Negate(operand) => {
                out.write_char('-')?;
                operand.write(out, 3)
            }
            Self::Arithmetic { op, left, right } => {
                let (sign, strength) = op.sign();
                left.write(out, strength)?;
                write!(out, " {sign} ")?;
                right.write(out, strength + 1)
            }
            Self::Call { function, arguments } => {
                write!(out, "{}(", function.name())?;
                for (index, argument) in arguments.iter().enumerate() {
                    let before = if index == 0 { "" } else { ", " };
                    write!(out, "{before}{argument}")?;
                }
                out.write_char(')')
            }
        }
    }
}

impl Expression {
    /// Writes the expression, in parentheses if it binds less tightly than `strength`.
    fn write(&self, out: &mut Formatter<'_>, strength: u8) -> Result {
        match self {
            Self::Arithmetic { op, .. } if op.sign().1 < strength => write!(out, "({self})"),
            _ => write!(out, "{self}"),
        }
    }
}

impl ArithmeticOp {
    /// The sign and how tightly it binds.
    fn sign(self) -> (char, u8) {
        match self {
            Self::Add => ('+', 1),
            Self::Subtract => ('-', 1),
            Self::Multiply => ('*', 2),
            Self::Divide => ('/', 2),
        }
    }
}

fn is_identifier(name: &str) -> bool {
    let is_word = ["true", "false", "current_date", "current_timestamp"]
        .iter()
        .any(|word| name.eq_ignore_ascii_case(word));
    !is_word
        && name.starts_with(|first: char| first.is_alphabetic() || first == '_')
        && name.chars().all(|character| character.is_alphanumeric() || matches!(character, '_' | '$' | '.'))
}

fn quoted(out: &mut Formatter<'_>, text: &str, quote: char) -> Result {
    out.write_char(quote)?;
    for (index, piece) in text.split(quote).enumerate() {
        if index > 0 {
            write!(out, "{quote}{quote}")?;
        }
        out.write_str(piece)?;
    }
    out.write_char(quote)
}
