//! The filter tree: types only. Names are as the caller wrote them, values are untyped text or JSON; whoever knows the
//! schema resolves and types them.

use serde_json::Value as Json;

/// One condition, or a combination of conditions.
///
/// The parser builds `And`, `Or` and `Xor` with at least two members, and never merges what the caller bracketed apart.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// All members hold.
    And(Vec<Node>),
    /// At least one member holds.
    Or(Vec<Node>),
    /// An odd number of members holds.
    Xor(Vec<Node>),
    /// The member does not hold. `a NOR b` arrives as `Not(Or([a, b]))`.
    Not(Box<Node>),
    /// `field op value`.
    Compare {
        /// Left side.
        field: Field,
        /// The relation asked for.
        op: CompareOp,
        /// Right side.
        value: Value,
    },
    /// `field [NOT] IN (…)`.
    In {
        /// Left side.
        field: Field,
        /// Written with `NOT`.
        negated: bool,
        /// The list. A [`Value::Parameter`] that holds a JSON array stands for all its items.
        values: Vec<Value>,
    },
    /// `field [NOT] BETWEEN low AND high`, both ends included.
    Between {
        /// Left side.
        field: Field,
        /// Written with `NOT`.
        negated: bool,
        /// Lower end.
        low: Value,
        /// Upper end.
        high: Value,
    },
    /// A search in text.
    Text {
        /// Left side.
        field: Field,
        /// How the pattern is read.
        kind: TextKind,
        /// Written with `NOT`.
        negated: bool,
        /// The text as the caller gave it, nothing escaped, no wildcard added.
        pattern: Value,
    },
    /// `field IS [NOT] NULL`.
    Null {
        /// Left side.
        field: Field,
        /// `IS NOT NULL`.
        negated: bool,
    },
}

impl Node {
    /// All names in it, those in calculations included.
    #[must_use]
    pub fn fields(&self) -> Vec<&Field> {
        let mut fields = Vec::new();
        self.add_fields(&mut fields);
        fields
    }

    /// The name on the left side; combinations have none.
    #[must_use]
    pub fn field(&self) -> Option<&Field> {
        match self {
            Self::And(_) | Self::Or(_) | Self::Xor(_) | Self::Not(_) => None,
            Self::Compare { field, .. }
            | Self::In { field, .. }
            | Self::Between { field, .. }
            | Self::Text { field, .. }
            | Self::Null { field, .. } => Some(field),
        }
    }

    fn add_fields<'a>(&'a self, fields: &mut Vec<&'a Field>) {
        fields.extend(self.field());
        match self {
            Self::And(members) | Self::Or(members) | Self::Xor(members) => {
                members.iter().for_each(|member| member.add_fields(fields));
            }
            Self::Not(member) => member.add_fields(fields),
            Self::Compare { value, .. } | Self::Text { pattern: value, .. } => value.add_fields(fields),
            Self::Between { low, high, .. } => [low, high].into_iter().for_each(|end| end.add_fields(fields)),
            Self::In { .. } | Self::Null { .. } => {}
        }
    }
}

/// A column name, alias or `relationship.field`, in the caller's spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Without quotes.
    pub name: String,
    /// Byte offset in the filter text.
    pub position: usize,
}

/// Relations between a column and one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompareOp {
    /// `=`, `EQ`
    Eq,
    /// `!=`, `<>`, `NE`
    Ne,
    /// `<`, `LT`
    Lt,
    /// `<=`, `LTE`
    Le,
    /// `>`, `GT`
    Gt,
    /// `>=`, `GTE`
    Ge,
}

/// Kinds of text search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextKind {
    /// The pattern's `%` and `_` are wildcards; upper and lower case as the database has it.
    Like,
    /// As `Like`, upper and lower case alike.
    ILike,
    /// The text stands somewhere in the column; `%` and `_` mean themselves.
    Contains,
    /// The column begins with the text; `%` and `_` mean themselves.
    StartsWith,
    /// The column ends with the text; `%` and `_` mean themselves.
    EndsWith,
}

/// The right side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Text from the filter.
    Literal(Literal),
    /// A `:name` that `params` defines.
    Parameter(Parameter),
    /// A calculation in parentheses.
    Expression(Expression),
}

impl Value {
    fn add_fields<'a>(&'a self, fields: &mut Vec<&'a Field>) {
        if let Self::Expression(expression) = self {
            expression.add_fields(fields);
        }
    }

    /// Byte offset in the filter text, `None` for an expression (its columns have their own).
    #[must_use]
    pub fn position(&self) -> Option<usize> {
        match self {
            Self::Literal(literal) => Some(literal.position),
            Self::Parameter(parameter) => Some(parameter.position),
            Self::Expression(_) => None,
        }
    }
}

/// Text that stands for itself. Lookups such as `{user.id}` are still in it, see [`lookup`](crate::request::lookup).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Literal {
    /// Without the surrounding quotes, doubled quotes made single.
    pub text: String,
    /// Whether quotes stood around it.
    pub quoted: bool,
    /// Byte offset in the filter text, of the quote if there is one.
    pub position: usize,
}

/// A replaced `:name`.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// As it stands in the filter, colon included.
    pub name: String,
    /// The value from `params` with its JSON type.
    pub value: Json,
    /// Byte offset in the filter text.
    pub position: usize,
}

/// A calculation on own columns and literals.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// A column of the same row.
    Column(Field),
    /// A number, its digits kept as text.
    Number(Literal),
    /// A quoted text.
    Text(Literal),
    /// `true` or `false`.
    Boolean(bool),
    /// `-operand`
    Negate(Box<Expression>),
    /// `left op right`
    Arithmetic {
        /// What is calculated.
        op: ArithmeticOp,
        /// Left operand.
        left: Box<Expression>,
        /// Right operand.
        right: Box<Expression>,
    },
    /// `function(arguments)`
    Call {
        /// One of the allowed functions.
        function: Function,
        /// As many as the function takes.
        arguments: Vec<Expression>,
    },
}

impl Expression {
    fn add_fields<'a>(&'a self, fields: &mut Vec<&'a Field>) {
        match self {
            Self::Column(field) => fields.push(field),
            Self::Number(_) | Self::Text(_) | Self::Boolean(_) => {}
            Self::Negate(operand) => operand.add_fields(fields),
            Self::Arithmetic { left, right, .. } => {
                [left, right].into_iter().for_each(|operand| operand.add_fields(fields));
            }
            Self::Call { arguments, .. } => {
                arguments.iter().for_each(|argument| argument.add_fields(fields));
            }
        }
    }
}

/// The four operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArithmeticOp {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
}

/// The functions that an expression may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// `now()`, also `current_timestamp` or `current_timestamp()`: date and time of the statement.
    Now,
    /// `current_date` or `current_date()`.
    CurrentDate,
    /// `lower(text)`
    Lower,
    /// `upper(text)`
    Upper,
    /// `trim(text)`: without blanks at both ends.
    Trim,
    /// `length(text)`: in characters.
    Length,
    /// `abs(number)`
    Abs,
    /// `round(number)` or `round(number, digits)`.
    Round,
    /// `coalesce(a, b, …)`: the first that is not null.
    Coalesce,
    /// `concat(a, b, …)`, also `a || b`: texts one behind the other, null if one is.
    Concat,
}

impl Function {
    /// Every function with its name, least and greatest number of arguments.
    pub const TABLE: [(Self, &'static str, usize, usize); 10] = [
        (Self::Now, "now", 0, 0),
        (Self::CurrentDate, "current_date", 0, 0),
        (Self::Lower, "lower", 1, 1),
        (Self::Upper, "upper", 1, 1),
        (Self::Trim, "trim", 1, 1),
        (Self::Length, "length", 1, 1),
        (Self::Abs, "abs", 1, 1),
        (Self::Round, "round", 1, 2),
        (Self::Coalesce, "coalesce", 2, 64),
        (Self::Concat, "concat", 2, 64),
    ];

    /// The name in lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::TABLE.iter().find(|(function, ..)| *function == self).map_or("", |(_, name, ..)| name)
    }
}
