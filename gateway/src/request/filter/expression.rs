//! Calculations in parentheses: own columns, literals, `+ - * /` and a short list of functions. Everything else is
//! refused, so that no text of a caller can ever become part of a statement.

use super::ast::{ArithmeticOp, Expression, Field, Function, Literal};
use crate::request::Error;

/// Most operators, calls and parentheses of one expression; bounds the depth of the tree and of the recursion.
pub const MAX_OPERATIONS: usize = 50;

/// Reads a whole text as one expression.
///
/// # Errors
/// Anything that is not a column, a number, a quoted text, `+ - * /` or an allowed function.
pub fn parse_expression(text: &str) -> Result<Expression, Error> {
    let mut reader = Reader::new(text, 0);
    let expression = reader.sum()?;
    match reader.peek() {
        None => Ok(expression),
        Some(_) => Err(reader.refuse("an operator or the end of the expression")),
    }
}

/// What stands in a function of a field for the value that is written.
pub const VALUE: &str = "{value}";

/// Reads a function of a field: an expression that may have `{value}` in it.
///
/// # Errors
/// As [`parse_expression`]; the message says where.
pub fn parse_function(text: &str) -> Result<Expression, Error> {
    let mut reader = Reader { takes_value: true, ..Reader::new(text, 0) };
    let parsed = reader.sum().and_then(|expression| match reader.peek() {
        None => Ok(expression),
        Some(_) => Err(reader.refuse("an operator or the end of the expression")),
    });
    parsed.map_err(|error| {
        let at = error.position.and_then(|at| text.get(..at)).map(|before| before.chars().count() + 1);
        let at = at.map(|at| format!(" (at character {at})")).unwrap_or_default();
        Error { message: format!("{}{at}", error.message), ..error }
    })
}

/// Reads the expression whose opening parenthesis stands at byte `open`; also returns the byte after the closing one.
pub(super) fn in_parentheses(text: &str, open: usize) -> Result<(Expression, usize), Error> {
    let mut reader = Reader::new(text, open);
    reader.take('(');
    let expression = reader.sum()?;
    if !reader.take(')') {
        return Err(reader.refuse("an operator or ')'"));
    }
    Ok((expression, reader.at))
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    operations: usize,
    /// `{value}` may stand in it.
    takes_value: bool,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, at: usize) -> Self {
        Self { text, at, operations: 0, takes_value: false }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Skips blanks and looks at the next character.
    fn peek(&mut self) -> Option<char> {
        let rest = self.rest();
        let trimmed = rest.trim_ascii_start();
        self.at += rest.len() - trimmed.len();
        trimmed.chars().next()
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    /// The longest run of characters that `accept` takes, from here.
    fn run(&mut self, accept: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(|character| !accept(character)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    fn count(&mut self) -> Result<(), Error> {
        self.operations += 1;
        if self.operations <= MAX_OPERATIONS {
            return Ok(());
        }
        let message = format!("expression has more than {MAX_OPERATIONS} operators, calls and parentheses");
        Err(Error::new("filter", message).at(self.at))
    }

    /// Texts with `||` between them, which are joined by one call.
    fn sum(&mut self) -> Result<Expression, Error> {
        let first = self.plain_sum()?;
        let mut arguments = vec![first];
        while self.peek() == Some('|') {
            if !self.rest().starts_with("||") {
                return Err(self.refuse("an operator"));
            }
            self.count()?;
            self.at += 2;
            arguments.push(self.plain_sum()?);
        }
        match arguments.pop() {
            Some(only) if arguments.is_empty() => Ok(only),
            last => {
                arguments.extend(last);
                Ok(Expression::Call { function: Function::Concat, arguments })
            }
        }
    }

    fn plain_sum(&mut self) -> Result<Expression, Error> {
        let mut left = self.product()?;
        loop {
            let op = match self.peek() {
                Some('+') => ArithmeticOp::Add,
                Some('-') => ArithmeticOp::Subtract,
                _ => return Ok(left),
            };
            left = self.operation(op, left, Self::product)?;
        }
    }

    fn product(&mut self) -> Result<Expression, Error> {
        let mut left = self.operand()?;
        loop {
            let op = match self.peek() {
                Some('*') => ArithmeticOp::Multiply,
                Some('/') => ArithmeticOp::Divide,
                _ => return Ok(left),
            };
            left = self.operation(op, left, Self::operand)?;
        }
    }

    fn operation(
        &mut self,
        op: ArithmeticOp,
        left: Expression,
        right: impl Fn(&mut Self) -> Result<Expression, Error>,
    ) -> Result<Expression, Error> {
        self.count()?;
        self.at += 1;
        let right = Box::new(right(self)?);
        Ok(Expression::Arithmetic { op, left: Box::new(left), right })
    }

    fn operand(&mut self) -> Result<Expression, Error> {
        let next = self.peek();
        let position = self.at;
        match next {
            Some('-') => {
                self.count()?;
                self.at += 1;
                Ok(Expression::Negate(Box::new(self.operand()?)))
            }
            Some('(') => {
                self.count()?;
                let inner = {
                    self.at += 1;
                    self.sum()?
                };
                if self.take(')') { Ok(inner) } else { Err(self.refuse("an operator or ')'")) }
            }
            Some('\'') => {
                let text = self.quoted('\'')?;
                Ok(Expression::Text(Literal { text, quoted: true, position }))
            }
            Some('"') => {
                let name = self.quoted('"')?;
                Ok(Expression::Column(Field { name, position }))
            }
            Some('{') if self.takes_value && self.rest().starts_with(VALUE) => {
                self.at += VALUE.len();
                Ok(Expression::Column(Field { name: VALUE.to_owned(), position }))
            }
            Some(first) if first.is_ascii_digit() || first == '.' => self.number(position),
            Some(first) if first.is_alphabetic() || first == '_' => self.named(position),
            _ => Err(self.refuse("a column, a number, a quoted text or a function")),
        }
    }

    /// Text between two `quote`s, doubled ones made single.
    fn quoted(&mut self, quote: char) -> Result<String, Error> {
        let opening = self.at;
        self.at += quote.len_utf8();
        let mut text = String::new();
        loop {
            text.push_str(self.run(|character| character != quote));
            if self.rest().is_empty() {
                self.at = opening;
                return Err(self.refuse("a closing quote"));
            }
            self.at += quote.len_utf8();
            if !self.rest().starts_with(quote) {
                return Ok(text);
            }
            text.push(quote);
            self.at += quote.len_utf8();
        }
    }

    /// Digits, an optional fraction, an optional exponent.
    fn number(&mut self, position: usize) -> Result<Expression, Error> {
        let whole = self.run(|character| character.is_ascii_digit()).len();
        let mut fraction = 0;
        if self.rest().starts_with('.') {
            self.at += 1;
            fraction = self.run(|character| character.is_ascii_digit()).len();
        }
        let mut exponent = 1;
        if self.rest().starts_with(['e', 'E']) {
            self.at += 1;
            self.at += usize::from(self.rest().starts_with(['+', '-']));
            exponent = self.run(|character| character.is_ascii_digit()).len();
        }
        let ends =
            !self.rest().starts_with(|next: char| next.is_alphanumeric() || next == '_' || next == '.');
        if whole + fraction == 0 || exponent == 0 || !ends {
            self.at = position;
            return Err(self.refuse("a number"));
        }
        let text = self.text.get(position..self.at).unwrap_or_default().to_owned();
        Ok(Expression::Number(Literal { text, quoted: false, position }))
    }

    /// A word: function call, `current_date`, `current_timestamp`, `true`, `false` or column.
    fn named(&mut self, position: usize) -> Result<Expression, Error> {
        let name = self.run(|character| character.is_alphanumeric() || matches!(character, '_' | '$' | '.'));
        let is_moment = name.eq_ignore_ascii_case("current_timestamp");
        if self.peek() == Some('(') {
            return self.call(if is_moment { Function::Now.name() } else { name }, position);
        }
        if is_moment {
            return Ok(Expression::Call { function: Function::Now, arguments: Vec::new() });
        }
        if name.eq_ignore_ascii_case("current_date") {
            return Ok(Expression::Call { function: Function::CurrentDate, arguments: Vec::new() });
        }
        if name.eq_ignore_ascii_case("true") || name.eq_ignore_ascii_case("false") {
            return Ok(Expression::Boolean(name.eq_ignore_ascii_case("true")));
        }
        Ok(Expression::Column(Field { name: name.to_owned(), position }))
    }

    fn call(&mut self, name: &str, position: usize) -> Result<Expression, Error> {
        let known = Function::TABLE.iter().find(|(_, known, ..)| known.eq_ignore_ascii_case(name));
        let Some((function, _, least, most)) = known else {
            self.at = position;
            return Err(self.refuse("an allowed function"));
        };
        self.count()?;
        self.at += 1;
        let mut arguments = Vec::new();
        if self.peek() != Some(')') {
            arguments.push(self.sum()?);
            while self.take(',') {
                arguments.push(self.sum()?);
            }
        }
        if !self.take(')') {
            return Err(self.refuse("an operator, ',' or ')'"));
        }
        if arguments.len() < *least || arguments.len() > *most {
            let message = format!(
                "function '{}' takes {}, got {}",
                function.name(),
                arity(*least, *most),
                arguments.len()
            );
            return Err(Error::new("filter", message).at(position));
        }
        Ok(Expression::Call { function: *function, arguments })
    }

    fn refuse(&self, expected: &'static str) -> Error {
        let functions = Function::TABLE.map(|(_, name, ..)| name).join(", ");
        let message = format!(
            "expression in parentheses is not permitted: expected {expected}; allowed are own columns, numbers, \
             text in single quotes, + - * / ||, parentheses and the functions {functions}"
        );
        Error::new("filter", message).at(self.at).expecting(expected)
    }
}

fn arity(least: usize, most: usize) -> String {
    match (least, most) {
        (0, 0) => "no arguments".to_owned(),
        (1, 1) => "1 argument".to_owned(),
        _ => format!("{least} to {most} arguments"),
    }
}
