//! The reference evaluator: the contract's words about filters as plain code, to judge connectors by.
//!
//! It shares no code with any connector and prefers being obvious to being fast. A [`Bug`] can be planted, to show that a suite
//! notices it. What the contract leaves to the store and the suites don't ask for is [`Undefined`].

mod numbers;

use std::cmp::Ordering;

use connector_api::model::{ArithmeticOp, CompareOp, Expr, Filter, Function, Path, TextOp, Value};

use self::numbers::{compare_numbers, float};

/// True, false or unknown (`None`).
pub type Truth = Option<bool>;

/// The contract does not say what comes out; no suite may ask for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Undefined(pub &'static str);

/// A row: column names and, in the same order, cells.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// The names.
    pub columns: &'a [String],
    /// The values.
    pub cells: &'a [Value],
}

macro_rules! bugs {
    ($($(#[$doc:meta])* $bug:ident,)*) => {
        /// A mistake that an evaluator could make.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Bug { $($(#[$doc])* $bug,)* }

        impl Bug {
            /// Every bug there is.
            pub const ALL: &'static [Bug] = &[$(Bug::$bug,)*];
        }
    };
}

bugs! {
    /// `always false` matches.
    AlwaysFalseMatches,
    /// Unknown counts as true in `and`.
    AndTakesUnknownForTrue,
    /// `and` looks at its first part only.
    AndStopsAtFirst,
    /// Unknown counts as false in `or`, which shows under a `not`.
    OrTakesUnknownForFalse,
    /// `or` looks at its first part only.
    OrStopsAtFirst,
    /// The opposite of unknown is true.
    NotOfUnknownIsTrue,
    /// Null equals null.
    EqMatchesNulls,
    /// Null differs from everything.
    NeMatchesNulls,
    /// `<` is `<=`.
    LtIncludesEqual,
    /// `<=` is `<`.
    LeExcludesEqual,
    /// `>` is `>=`.
    GtIncludesEqual,
    /// `>=` is `>`.
    GeExcludesEqual,
    /// Integers are compared as doubles.
    IntegersAsDoubles,
    /// The case of letters does not matter in `=`.
    TextEqualityIgnoresCase,
    /// A number and its text are equal.
    EqAcrossKinds,
    /// A text is above every number.
    OrderAcrossKinds,
    /// A null item is skipped.
    InIgnoresNullItem,
    /// Only the first item counts.
    InTakesFirstItem,
    /// The lower bound is out.
    BetweenExcludesLow,
    /// The upper bound is out.
    BetweenExcludesHigh,
    /// A null bound is no bound.
    BetweenNullIsOpen,
    /// `_` stands for itself.
    LikeUnderscoreIsPlain,
    /// `%` stands for at least one character.
    LikePercentIsNotEmpty,
    /// `\` takes the meaning of the next character away.
    LikeHasEscape,
    /// `ilike` minds case.
    IlikeMindsCase,
    /// `contains` knows wildcards.
    ContainsHasWildcards,
    /// `starts with` finds it anywhere.
    StartsWithAnywhere,
    /// `ends with` finds it anywhere.
    EndsWithAnywhere,
    /// `is null` of null is unknown.
    IsNullIsUnknown,
    /// A sum takes null for zero.
    AddTakesNullForZero,
    /// The sides are swapped.
    SubSwapped,
    /// A product is a sum.
    MulAdds,
    /// Integers divide to a fraction.
    DivKeepsFraction,
    /// Dividing by zero gives zero.
    DivByZeroIsZero,
    /// Integers divide to the next lower integer.
    DivCutsDown,
    /// Nothing happens.
    LowerDoesNothing,
    /// Nothing happens.
    UpperDoesNothing,
    /// Only at the start.
    TrimAtStartOnly,
    /// Bytes are counted.
    LengthInBytes,
    /// Nothing happens.
    AbsDoesNothing,
    /// Halves are cut off.
    RoundCuts,
    /// Halves go to the even digit.
    RoundHalfToEven,
    /// The last argument.
    CoalesceTakesLast,
    /// A number has no text.
    TextOfNumberIsNull,
    /// The time is null.
    NowIsNull,
    /// The date is null.
    CurrentDateIsNull,
}

/// The evaluator, with the choices that the contract leaves to a store.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reference {
    /// `like` and plain text search mind the case of ASCII letters.
    pub like_minds_case: bool,
    /// True and false are the numbers 1 and 0. A difference from the contract that a store without booleans can't help.
    pub booleans_are_numbers: bool,
    /// A planted bug.
    pub bug: Option<Bug>,
}

impl Reference {
    /// What the filter says of a row.
    ///
    /// # Errors
    /// [`Undefined`] when the contract does not say.
    pub fn test(&self, filter: &Filter, params: &[Value], row: Row<'_>) -> Result<Truth, Undefined> {
        match filter {
            Filter::Always(always) => Ok(Some(*always || self.has(Bug::AlwaysFalseMatches))),
            Filter::And(parts) => Ok(self.and(&self.test_all(parts, params, row)?)),
            Filter::Or(parts) => Ok(self.or(&self.test_all(parts, params, row)?)),
            Filter::Not(part) => Ok(match self.test(part, params, row)? {
                Some(truth) => Some(!truth),
                None => self.has(Bug::NotOfUnknownIsTrue).then_some(true),
            }),
            Filter::Compare { op, left, right } => {
                self.compare(*op, &self.value(left, params, row)?, &self.value(right, params, row)?)
            }
            Filter::In { expr, list } => {
                let Value::List(items) = self.stored(param(params, *list)?) else {
                    return Err(Undefined("a list that is none"));
                };
                self.in_list(&self.value(expr, params, row)?, &items)
            }
            Filter::Between { expr, low, high } => self.between(
                &self.value(expr, params, row)?,
                &self.value(low, params, row)?,
                &self.value(high, params, row)?,
            ),
            Filter::Text { op, expr, pattern } => {
                Ok(self.search(*op, &self.value(expr, params, row)?, &param(params, *pattern)?))
            }
            Filter::IsNull(expr) => {
                let is_null = is_null(&self.value(expr, params, row)?);
                Ok(if is_null && self.has(Bug::IsNullIsUnknown) { None } else { Some(is_null) })
            }
            Filter::RelatedExists { .. } => Err(Undefined("related rows")),
        }
    }

    /// What an expression is worth in a row.
    ///
    /// # Errors
    /// As [`Reference::test`].
    pub fn value(&self, expr: &Expr, params: &[Value], row: Row<'_>) -> Result<Value, Undefined> {
        match expr {
            Expr::Column(path) => column(path, row).map(|value| self.stored(value)),
            Expr::Param(position) => param(params, *position).map(|value| self.stored(value)),
            Expr::Arithmetic { op, left, right } => {
                self.calculate(*op, self.value(left, params, row)?, self.value(right, params, row)?)
            }
            Expr::Call { function, args } => {
                let args: Result<Vec<Value>, _> =
                    args.iter().map(|arg| self.value(arg, params, row)).collect();
                self.call(*function, &args?)
            }
        }
    }

    /// A value as the store has it.
    fn stored(&self, value: Value) -> Value {
        match value {
            Value::Bool(flag) if self.booleans_are_numbers => Value::I64(i64::from(flag)),
            Value::List(items) => Value::List(items.into_iter().map(|item| self.stored(item)).collect()),
            other => other,
        }
    }

    fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    fn test_all(&self, parts: &[Filter], params: &[Value], row: Row<'_>) -> Result<Vec<Truth>, Undefined> {
        parts.iter().map(|part| self.test(part, params, row)).collect()
    }

    fn and(&self, parts: &[Truth]) -> Truth {
        if self.has(Bug::AndStopsAtFirst) {
            return parts.first().copied().flatten();
        }
        if parts.contains(&Some(false)) {
            return Some(false);
        }
        let is_unknown = parts.contains(&None) && !self.has(Bug::AndTakesUnknownForTrue);
        if is_unknown { None } else { Some(true) }
    }

    fn or(&self, parts: &[Truth]) -> Truth {
        if self.has(Bug::OrStopsAtFirst) {
            return parts.first().copied().flatten();
        }
        if parts.contains(&Some(true)) {
            return Some(true);
        }
        let is_unknown = parts.contains(&None) && !self.has(Bug::OrTakesUnknownForFalse);
        if is_unknown { None } else { Some(false) }
    }

    fn compare(&self, op: CompareOp, left: &Value, right: &Value) -> Result<Truth, Undefined> {
        if is_null(left) || is_null(right) {
            let are_equal = is_null(left) && is_null(right);
            return Ok(match op {
                CompareOp::Eq if self.has(Bug::EqMatchesNulls) => Some(are_equal),
                CompareOp::Ne if self.has(Bug::NeMatchesNulls) => Some(!are_equal),
                _ => None,
            });
        }
        if kind(left)? != kind(right)? {
            return Ok(Some(self.compare_kinds(op, left, right)));
        }
        let order = self.order(left, right)?;
        Ok(Some(match op {
            CompareOp::Eq => order.is_eq(),
            CompareOp::Ne => order.is_ne(),
            CompareOp::Lt => order.is_lt() || order.is_eq() && self.has(Bug::LtIncludesEqual),
            CompareOp::Le => order.is_lt() || order.is_eq() && !self.has(Bug::LeExcludesEqual),
            CompareOp::Gt => order.is_gt() || order.is_eq() && self.has(Bug::GtIncludesEqual),
            CompareOp::Ge => order.is_gt() || order.is_eq() && !self.has(Bug::GeExcludesEqual),
        }))
    }

    /// Values of different kinds are not equal, and neither is before the other.
    fn compare_kinds(&self, op: CompareOp, left: &Value, right: &Value) -> bool {
        let (is_left_text, is_right_text) = (matches!(left, Value::Text(_)), matches!(right, Value::Text(_)));
        match op {
            CompareOp::Eq => self.has(Bug::EqAcrossKinds) && plain(left) == plain(right),
            CompareOp::Ne => true,
            CompareOp::Lt | CompareOp::Le => self.has(Bug::OrderAcrossKinds) && is_right_text,
            CompareOp::Gt | CompareOp::Ge => self.has(Bug::OrderAcrossKinds) && is_left_text,
        }
    }

    fn order(&self, left: &Value, right: &Value) -> Result<Ordering, Undefined> {
        match (left, right) {
            (Value::Text(a), Value::Text(b)) if self.has(Bug::TextEqualityIgnoresCase) => {
                Ok(a.to_ascii_lowercase().cmp(&b.to_ascii_lowercase()))
            }
            (Value::Text(a), Value::Text(b)) => Ok(a.as_bytes().cmp(b.as_bytes())),
            (Value::Bytes(a), Value::Bytes(b)) => Ok(a.cmp(b)),
            (Value::Bool(a), Value::Bool(b)) => Ok(a.cmp(b)),
            _ if self.has(Bug::IntegersAsDoubles) => {
                float(left)?.partial_cmp(&float(right)?).ok_or(Undefined("not a number"))
            }
            _ => compare_numbers(left, right),
        }
    }

    fn in_list(&self, value: &Value, items: &[Value]) -> Result<Truth, Undefined> {
        let count = if self.has(Bug::InTakesFirstItem) { 1 } else { items.len() };
        let equal: Result<Vec<Truth>, _> = items
            .iter()
            .take(count)
            .map(|item| Self { bug: None, ..*self }.compare(CompareOp::Eq, value, item))
            .collect();
        let mut equal = equal?;
        if self.has(Bug::InIgnoresNullItem) && !is_null(value) {
            equal.retain(Option::is_some);
        }
        Ok(Self { bug: None, ..*self }.or(&equal))
    }

    fn between(&self, value: &Value, low: &Value, high: &Value) -> Result<Truth, Undefined> {
        let plain = Self { bug: None, ..*self };
        let low_op = if self.has(Bug::BetweenExcludesLow) { CompareOp::Gt } else { CompareOp::Ge };
        let high_op = if self.has(Bug::BetweenExcludesHigh) { CompareOp::Lt } else { CompareOp::Le };
        let mut parts = [plain.compare(low_op, value, low)?, plain.compare(high_op, value, high)?];
        if self.has(Bug::BetweenNullIsOpen) && !is_null(value) {
            parts = parts.map(|part| part.or(Some(true)));
        }
        Ok(plain.and(&parts))
    }

    fn search(&self, op: TextOp, value: &Value, pattern: &Value) -> Truth {
        if is_null(value) || is_null(pattern) {
            return None;
        }
        let (Value::Text(text), Value::Text(pattern)) = (value, pattern) else { return Some(false) };
        let minds_case =
            if op == TextOp::Ilike { self.has(Bug::IlikeMindsCase) } else { self.like_minds_case };
        let fold = |text: &str| if minds_case { text.to_owned() } else { text.to_ascii_lowercase() };
        let (text, pattern) = (fold(text), fold(pattern));
        Some(match op {
            TextOp::Contains if self.has(Bug::ContainsHasWildcards) => {
                self.like(&text, &format!("%{pattern}%"))
            }
            TextOp::StartsWith if self.has(Bug::StartsWithAnywhere) => text.contains(&pattern),
            TextOp::EndsWith if self.has(Bug::EndsWithAnywhere) => text.contains(&pattern),
            TextOp::Like | TextOp::Ilike => self.like(&text, &pattern),
            TextOp::Contains => text.contains(&pattern),
            TextOp::StartsWith => text.starts_with(&pattern),
            TextOp::EndsWith => text.ends_with(&pattern),
        })
    }

    fn like(&self, text: &str, pattern: &str) -> bool {
        let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
        self.like_from(&text, &pattern)
    }

    fn like_from(&self, text: &[char], pattern: &[char]) -> bool {
        let Some((first, rest)) = pattern.split_first() else { return text.is_empty() };
        let from = usize::from(self.has(Bug::LikePercentIsNotEmpty));
        match (first, text.split_first(), rest) {
            ('\\', Some((character, text)), [escaped, rest @ ..]) if self.has(Bug::LikeHasEscape) => {
                character == escaped && self.like_from(text, rest)
            }
            ('%', _, _) => {
                (from..=text.len()).any(|at| text.get(at..).is_some_and(|text| self.like_from(text, rest)))
            }
            ('_', Some((_, text)), _) if !self.has(Bug::LikeUnderscoreIsPlain) => self.like_from(text, rest),
            (_, Some((character, text)), _) => character == first && self.like_from(text, rest),
            (_, None, _) => false,
        }
    }

    fn calculate(&self, op: ArithmeticOp, left: Value, right: Value) -> Result<Value, Undefined> {
        let (left, right) = match (left, right) {
            (left, right) if op == ArithmeticOp::Add && self.has(Bug::AddTakesNullForZero) => {
                (zero_for_null(left), zero_for_null(right))
            }
            (left, right) if op == ArithmeticOp::Sub && self.has(Bug::SubSwapped) => (right, left),
            sides => sides,
        };
        if is_null(&left) || is_null(&right) {
            return Ok(Value::Null);
        }
        if op == ArithmeticOp::Div && float(&right)? == 0.0 {
            return Ok(if self.has(Bug::DivByZeroIsZero) { Value::I64(0) } else { Value::Null });
        }
        let op = if op == ArithmeticOp::Mul && self.has(Bug::MulAdds) { ArithmeticOp::Add } else { op };
        match (&left, &right) {
            (Value::I64(a), Value::I64(b))
                if !(op == ArithmeticOp::Div && self.has(Bug::DivKeepsFraction)) =>
            {
                let result = match op {
                    ArithmeticOp::Add => a.checked_add(*b),
                    ArithmeticOp::Sub => a.checked_sub(*b),
                    ArithmeticOp::Mul => a.checked_mul(*b),
                    ArithmeticOp::Div if self.has(Bug::DivCutsDown) && (*a < 0) != (*b < 0) && a % b != 0 => {
                        Some(a / b - 1)
                    }
                    ArithmeticOp::Div => a.checked_div(*b),
                };
                result.map(Value::I64).ok_or(Undefined("an integer out of range"))
            }
            (Value::I64(_) | Value::F64(_), Value::I64(_) | Value::F64(_)) => {
                let (a, b) = (float(&left)?, float(&right)?);
                Ok(Value::F64(match op {
                    ArithmeticOp::Add => a + b,
                    ArithmeticOp::Sub => a - b,
                    ArithmeticOp::Mul => a * b,
                    ArithmeticOp::Div => a / b,
                }))
            }
            _ => Err(Undefined("arithmetic of other kinds than integers and doubles")),
        }
    }

    fn call(&self, function: Function, args: &[Value]) -> Result<Value, Undefined> {
        let first = args.first().cloned().unwrap_or(Value::Null);
        match function {
            // Only ever asked whether it is null: its kind is the store's own.
            Function::Now => {
                return Ok(if self.has(Bug::NowIsNull) { Value::Null } else { Value::Uuid([0; 16]) });
            }
            Function::CurrentDate => {
                return Ok(if self.has(Bug::CurrentDateIsNull) { Value::Null } else { Value::Uuid([0; 16]) });
            }
            Function::Coalesce => {
                let mut given = args.iter().filter(|arg| !is_null(arg));
                let value = if self.has(Bug::CoalesceTakesLast) { given.next_back() } else { given.next() };
                return Ok(value.cloned().unwrap_or(Value::Null));
            }
            _ if args.iter().any(is_null) => return Ok(Value::Null),
            _ => {}
        }
        match (function, first) {
            (Function::Lower, text) if self.has(Bug::LowerDoesNothing) => Ok(text),
            (Function::Upper, text) if self.has(Bug::UpperDoesNothing) => Ok(text),
            (Function::Abs, number) if self.has(Bug::AbsDoesNothing) => Ok(number),
            (Function::Lower, Value::Text(text)) => Ok(Value::Text(text.to_ascii_lowercase())),
            (Function::Upper, Value::Text(text)) => Ok(Value::Text(text.to_ascii_uppercase())),
            (Function::Trim, Value::Text(text)) => {
                let text = text.trim_start_matches(' ');
                let text = if self.has(Bug::TrimAtStartOnly) { text } else { text.trim_end_matches(' ') };
                Ok(Value::Text(text.to_owned()))
            }
            (Function::Length, Value::Text(text)) => {
                let length = if self.has(Bug::LengthInBytes) { text.len() } else { text.chars().count() };
                i64::try_from(length).map(Value::I64).map_err(|_| Undefined("a text too long"))
            }
            (Function::Abs, Value::I64(number)) => {
                number.checked_abs().map(Value::I64).ok_or(Undefined("an integer out of range"))
            }
            (Function::Abs, Value::F64(number)) => Ok(Value::F64(number.abs())),
            (Function::Text, Value::I64(_) | Value::Decimal(_)) if self.has(Bug::TextOfNumberIsNull) => {
                Ok(Value::Null)
            }
            (Function::Text, Value::I64(number)) => Ok(Value::Text(number.to_string())),
            (Function::Text, Value::F64(number)) => Ok(Value::Text(number.to_string())),
            (Function::Text, Value::Decimal(text) | Value::Text(text)) => Ok(Value::Text(text)),
            (Function::Round, number) => self.round(&number, args.get(1)),
            (Function::Concat, _) => {
                let texts = args.iter().map(|arg| self.call(Function::Text, std::slice::from_ref(arg)));
                let texts = texts.collect::<Result<Vec<_>, _>>()?;
                let text = texts.iter().map(|text| match text {
                    Value::Text(text) => Ok(text.as_str()),
                    _ => Err(Undefined("the text of another kind")),
                });
                text.collect::<Result<String, _>>().map(Value::Text)
            }
            _ => Err(Undefined("a function of another kind")),
        }
    }

    /// Rounds as one does on paper: the exact digits, cut behind the wanted place, one more when the next digit is 5 or above.
    fn round(&self, number: &Value, places: Option<&Value>) -> Result<Value, Undefined> {
        let places = match places {
            None => 0,
            Some(Value::I64(places)) => usize::try_from(*places).map_err(|_| Undefined("negative places"))?,
            Some(_) => return Err(Undefined("places that are no integer")),
        };
        let (text, is_negative) = match number {
            Value::I64(_) => return Ok(number.clone()),
            Value::F64(number) => (format!("{:.60}", number.abs()), number.is_sign_negative()),
            Value::Decimal(digits) if !digits.contains(['e', 'E']) => {
                let point = if digits.contains('.') { "" } else { "." };
                (format!("{}{point}{:060}", digits.trim_start_matches('-'), 0), digits.starts_with('-'))
            }
            _ => return Err(Undefined("rounding")),
        };
        let sign = if is_negative { "-" } else { "" };
        let (whole, fraction) = text.split_once('.').ok_or(Undefined("rounding"))?;
        let (kept, rest) = fraction.split_at_checked(places).ok_or(Undefined("too many places"))?;
        let digits: i128 =
            format!("{whole}{kept}").parse().map_err(|_| Undefined("rounding a large number"))?;
        let is_half = rest.trim_end_matches('0') == "5";
        let is_up = match rest.as_bytes().first() {
            _ if self.has(Bug::RoundCuts) => false,
            _ if is_half && self.has(Bug::RoundHalfToEven) => digits % 2 == 1,
            digit => digit >= Some(&b'5'),
        };
        let digits = digits + i128::from(is_up);
        let rounded = format!("{sign}{digits}e-{places}");
        if matches!(number, Value::Decimal(_)) {
            let padded = format!("{digits:0>width$}", width = places + 1);
            let (whole, fraction) = padded.split_at(padded.len() - places);
            let point = if places == 0 { "" } else { "." };
            return Ok(Value::Decimal(format!("{sign}{whole}{point}{fraction}")));
        }
        Ok(Value::F64(rounded.parse().map_err(|_| Undefined("rounding"))?))
    }
}

/// Kinds never compare with each other.
#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Number,
    Text,
    Bytes,
    Boolean,
}

fn kind(value: &Value) -> Result<Kind, Undefined> {
    match value {
        Value::I64(_) | Value::U64(_) | Value::F32(_) | Value::F64(_) | Value::Decimal(_) => Ok(Kind::Number),
        Value::Text(_) => Ok(Kind::Text),
        Value::Bytes(_) => Ok(Kind::Bytes),
        Value::Bool(_) => Ok(Kind::Boolean),
        _ => Err(Undefined("comparing kinds that the generator does not make")),
    }
}

fn is_null(value: &Value) -> bool {
    matches!(value, Value::Null | Value::Absent)
}

fn zero_for_null(value: Value) -> Value {
    if is_null(&value) { Value::I64(0) } else { value }
}

fn param(params: &[Value], position: usize) -> Result<Value, Undefined> {
    params.get(position).cloned().ok_or(Undefined("a parameter that was not sent"))
}

fn column(path: &Path, row: Row<'_>) -> Result<Value, Undefined> {
    let (name, inside) = path.segments().split_first().ok_or(Undefined("an empty path"))?;
    let cell = row.columns.iter().zip(row.cells).find(|(column, _)| *column == name);
    let mut value = cell.ok_or(Undefined("a column that does not exist"))?.1.clone();
    for segment in inside {
        value = match value {
            Value::Object(members) => members
                .into_iter()
                .find(|(name, _)| name == segment)
                .map_or(Value::Absent, |(_, member)| member),
            _ => Value::Absent,
        };
    }
    Ok(value)
}

/// As text, for the bug that mixes kinds.
fn plain(value: &Value) -> String {
    match value {
        Value::I64(v) => v.to_string(),
        Value::F64(v) => v.to_string(),
        Value::Decimal(v) | Value::Text(v) => v.clone(),
        Value::Bool(v) => i32::from(*v).to_string(),
        other => format!("{other:?}"),
    }
}

#[cfg(test)]
mod tests;
