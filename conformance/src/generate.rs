//! Random tables and filters, from a seed: equal seeds give equal cases on every machine.
//!
//! Most literals come from the rows, so that many filters match something; nulls, hostile texts and integers that no double can
//! hold are frequent. What the contract leaves open is not generated: overflow, text functions on numbers, negative places.

use connector_api::model::{
    ArithmeticOp, ColumnType, CompareOp, Expr, Filter, Function, Path, TextOp, Value,
};

use crate::reference::{Reference, Row};

/// What a store can take. All false: integers, decimals, ASCII-cased texts, each cell of its column's type.
#[derive(Debug, Clone, Copy, Default)]
pub struct Profile {
    /// Numbers with a fraction are doubles, else decimals.
    pub doubles: bool,
    /// A boolean column.
    pub booleans: bool,
    /// A decimal column, exact on both sides.
    pub decimals: bool,
    /// A column `mixed` whose cells are integers, doubles and texts.
    pub mixed: bool,
    /// Literals of another kind than the column, texts that look like its numbers among them.
    pub cross_kind: bool,
    /// Letters beyond ASCII that have a case, for stores that fold ASCII only (or nothing).
    pub unicode_case: bool,
}

impl Profile {
    /// All of it.
    pub const ALL: Self = Self {
        doubles: true,
        booleans: true,
        decimals: true,
        mixed: true,
        cross_kind: true,
        unicode_case: true,
    };
}

/// A small generator of random numbers (SplitMix64).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Starts from a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to `end`, without it; 0 when `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next_u64() % end).unwrap_or(0)
    }

    /// From `low` to `high`, both included.
    pub fn between(&mut self, low: i32, high: i32) -> i32 {
        let span = u64::from(high.abs_diff(low)) + 1;
        low.saturating_add(i32::try_from(self.next_u64() % span).unwrap_or(0))
    }

    /// True in so many of a hundred times.
    pub fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of them. `items` is not empty; an empty one gives the default.
    pub fn pick<T: Clone + Default>(&mut self, items: &[T]) -> T {
        items.get(self.below(items.len())).cloned().unwrap_or_default()
    }

    fn pick_copy<T: Copy>(&mut self, first: T, others: &[T]) -> T {
        match self.below(others.len() + 1) {
            0 => first,
            place => others.get(place - 1).copied().unwrap_or(first),
        }
    }
}

/// A table with its rows. In a random one the first column `id` is the key, an integer from 1.
#[derive(Debug, Clone)]
pub struct RandomTable {
    /// Names of the columns.
    pub names: Vec<String>,
    /// Their types, in the same order; of `mixed`: [`ColumnType::Other`].
    pub types: Vec<ColumnType>,
    /// The rows.
    pub rows: Vec<Vec<Value>>,
}

impl RandomTable {
    /// A table with so many rows; three cells in ten are null.
    pub fn new(random: &mut Random, profile: Profile, rows: i64) -> Self {
        use ColumnType::{BigInt, Boolean, Decimal, Double, Integer, Other, Text};
        let fraction = if profile.doubles { Double } else { Decimal };
        let wanted = [
            ("id", Integer, true),
            ("small", Integer, true),
            ("other", Integer, true),
            ("big", BigInt, true),
            ("ratio", fraction, true),
            ("word", Text, true),
            ("note", Text, true),
            ("flag", Boolean, profile.booleans),
            ("price", Decimal, profile.decimals),
            ("mixed", Other, profile.mixed),
        ];
        let columns = wanted.into_iter().filter(|(.., is_wanted)| *is_wanted);
        let (names, types): (Vec<String>, Vec<ColumnType>) =
            columns.map(|(name, data_type, _)| (name.to_owned(), data_type)).unzip();
        let row = |id| {
            let mut cell = |data_type: &ColumnType| {
                if random.percent(30) { Value::Null } else { fresh(random, *data_type, profile) }
            };
            std::iter::once(Value::I64(id)).chain(types.iter().skip(1).map(&mut cell)).collect()
        };
        let rows = (1..=rows).map(row).collect();
        Self { names, types, rows }
    }

    /// Each row as the reference evaluator reads it.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|cells| Row { columns: &self.names, cells })
    }
}

/// A random value that is not null.
fn fresh(random: &mut Random, data_type: ColumnType, profile: Profile) -> Value {
    match data_type {
        ColumnType::Integer => Value::I64(i64::from(random.between(-12, 12))),
        ColumnType::BigInt => Value::I64(random.pick(&[
            i64::MAX,
            i64::MIN,
            9_007_199_254_740_991,
            9_007_199_254_740_992,
            9_007_199_254_740_993,
            -9_007_199_254_740_993,
            0,
            1,
        ])),
        // Eighths: exact in binary and in three decimal places.
        ColumnType::Double => Value::F64(f64::from(random.between(-80, 80)) / 8.0),
        ColumnType::Decimal => {
            let cents = random.between(-250, 250);
            let sign = if cents < 0 { "-" } else { "" };
            Value::Decimal(format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100))
        }
        ColumnType::Boolean => Value::Bool(random.percent(50)),
        ColumnType::Text => Value::Text(text(random, profile)),
        _ => {
            let data_type = random.pick(&[ColumnType::Integer, ColumnType::Double, ColumnType::Text]);
            fresh(random, data_type, profile)
        }
    }
}

/// Short, so that texts meet; with wildcards, quotes, blanks, comment signs and characters of one to four bytes.
fn text(random: &mut Random, profile: Profile) -> String {
    const PARTS: [&str; 22] = [
        "a", "b", "A", "B", "a", "b", "%", "_", "'", "\"", "\\", " ", " ", "日", "😀", "--", ";", "*", "?",
        "[", "1", "0",
    ];
    const CASED: [&str; 4] = ["é", "É", "ß", "Ж"];
    let length = random.below(5);
    (0..length)
        .map(|_| {
            if profile.unicode_case && random.percent(10) { random.pick(&CASED) } else { random.pick(&PARTS) }
        })
        .collect()
}

/// A filter with its parameters.
#[derive(Debug, Clone)]
pub struct Case {
    /// The tree.
    pub filter: Filter,
    /// The values it names.
    pub params: Vec<Value>,
}

/// A random filter over a table's columns.
pub fn case(random: &mut Random, table: &RandomTable, profile: Profile) -> Case {
    let depth = 1 + random.below(6);
    let mut builder = Builder { random, table, profile, params: Vec::new() };
    let filter = builder.tree(depth);
    Case { filter, params: builder.params }
}

struct Builder<'a> {
    random: &'a mut Random,
    table: &'a RandomTable,
    profile: Profile,
    params: Vec<Value>,
}

/// A value and the type that literals beside it should have.
type Typed = (Expr, ColumnType);

impl Builder<'_> {
    /// A tree of exactly this depth; a leaf has depth 1.
    fn tree(&mut self, depth: usize) -> Filter {
        if depth <= 1 {
            return self.leaf();
        }
        match self.random.below(10) {
            0..=3 => Filter::Or(self.parts(depth - 1)),
            4..=6 => Filter::And(self.parts(depth - 1)),
            _ => Filter::Not(Box::new(self.tree(depth - 1))),
        }
    }

    fn parts(&mut self, depth: usize) -> Vec<Filter> {
        let count = 1 + self.random.below(3);
        let deepest = self.random.below(count);
        (0..count)
            .map(|place| {
                let depth = if place == deepest { depth } else { 1 + self.random.below(depth.min(3)) };
                self.tree(depth)
            })
            .collect()
    }

    fn leaf(&mut self) -> Filter {
        match self.random.below(20) {
            0..=6 => self.compare(),
            7..=9 => self.in_list(),
            10..=12 => self.between(),
            13..=16 => self.search(),
            17 | 18 => self.is_null(),
            _ => Filter::Always(self.random.percent(50)),
        }
    }

    fn compare(&mut self) -> Filter {
        use CompareOp::{Eq, Ge, Gt, Le, Lt, Ne};
        let op = self.random.pick_copy(Eq, &[Ne, Lt, Le, Gt, Ge]);
        let (left, data_type) = self.expr();
        let right = if self.random.percent(15) {
            self.column_of(|other| is_near(data_type, other))
                .map_or_else(|| left.clone(), |(column, _)| column)
        } else {
            self.literal(&left, data_type)
        };
        if self.random.percent(10) {
            return Filter::Compare { op, left: right, right: left };
        }
        Filter::Compare { op, left, right }
    }

    fn in_list(&mut self) -> Filter {
        let (expr, data_type) = self.expr();
        let count = 1 + self.random.below(4);
        let items = (0..count).map(|_| self.literal_value(&expr, data_type)).collect();
        let list = self.param(Value::List(items));
        Filter::In { expr, list }
    }

    fn between(&mut self) -> Filter {
        let (expr, data_type) = self.expr();
        let (low, high) = (self.literal_value(&expr, data_type), self.literal_value(&expr, data_type));
        // Mostly the right way round, or hardly any row would match.
        let is_upside_down = Reference::default().test(
            &Filter::Compare { op: CompareOp::Gt, left: Expr::Param(0), right: Expr::Param(1) },
            &[low.clone(), high.clone()],
            Row { columns: &[], cells: &[] },
        ) == Ok(Some(true));
        let (low, high) = if is_upside_down && self.random.percent(85) { (high, low) } else { (low, high) };
        let (low, high) = (Expr::Param(self.param(low)), Expr::Param(self.param(high)));
        Filter::Between { expr, low, high }
    }

    fn search(&mut self) -> Filter {
        use TextOp::{Contains, EndsWith, Ilike, Like, StartsWith};
        let op = self.random.pick_copy(Like, &[Like, Ilike, Ilike, Contains, StartsWith, EndsWith]);
        let is_mixed_wanted = self.random.percent(10);
        let is_searchable =
            |data_type| data_type == if is_mixed_wanted { ColumnType::Other } else { ColumnType::Text };
        let found = self
            .column_of(is_searchable)
            .or_else(|| self.column_of(|data_type| data_type == ColumnType::Text));
        let Some((expr, _)) = found else { return Filter::Always(true) };
        let sample = match self.sample(&expr) {
            Value::Text(text) => text,
            _ => text(self.random, self.profile),
        };
        let pattern = self.pattern(op, &sample);
        let pattern = if self.random.percent(4) { Value::Null } else { Value::Text(pattern) };
        let pattern = self.param(pattern);
        Filter::Text { op, expr, pattern }
    }

    /// A part of the sample, with some characters replaced by wildcards and the case of some letters changed.
    fn pattern(&mut self, op: TextOp, sample: &str) -> String {
        let characters: Vec<char> = sample.chars().collect();
        let (start, end) = (self.random.below(characters.len() + 1), self.random.below(characters.len() + 1));
        let (start, end) = match op {
            TextOp::Contains => (start.min(end), start.max(end)),
            TextOp::StartsWith => (0, end),
            TextOp::EndsWith => (start, characters.len()),
            TextOp::Like | TextOp::Ilike => (0, characters.len()),
        };
        let mut pattern = String::new();
        for character in characters.get(start..end).unwrap_or_default() {
            match self.random.below(10) {
                0 if op == TextOp::Like || op == TextOp::Ilike => pattern.push('_'),
                1 if op == TextOp::Like || op == TextOp::Ilike => pattern.push('%'),
                2 => pattern.push_str(&format!("%{character}")),
                3 if character.is_ascii_lowercase() => pattern.push(character.to_ascii_uppercase()),
                3 => pattern.push(character.to_ascii_lowercase()),
                _ => pattern.push(*character),
            }
        }
        if self.random.percent(10) {
            pattern.push('%');
        }
        pattern
    }

    fn is_null(&mut self) -> Filter {
        match self.random.below(12) {
            0 => Filter::IsNull(Expr::Call { function: Function::Now, args: Vec::new() }),
            1 => Filter::IsNull(Expr::Call { function: Function::CurrentDate, args: Vec::new() }),
            _ => Filter::IsNull(self.expr().0),
        }
    }

    /// A column, or now and then something computed from columns.
    fn expr(&mut self) -> Typed {
        let computed = match self.random.below(10) {
            0 | 1 => self.arithmetic(2),
            2 => self.call(),
            _ => None,
        };
        computed
            .or_else(|| self.column_of(|_| true))
            .unwrap_or((Expr::Column(Path::column("id")), ColumnType::Integer))
    }

    fn arithmetic(&mut self, depth: usize) -> Option<Typed> {
        use ArithmeticOp::{Add, Div, Mul, Sub};
        let op = self.random.pick_copy(Add, &[Sub, Mul, Div]);
        let (left, left_type) = self.operand(depth)?;
        let (right, right_type) = self.operand(depth)?;
        let has_double = left_type == ColumnType::Double || right_type == ColumnType::Double;
        let data_type = if has_double { ColumnType::Double } else { ColumnType::Integer };
        Some((Expr::Arithmetic { op, left: Box::new(left), right: Box::new(right) }, data_type))
    }

    fn operand(&mut self, depth: usize) -> Option<Typed> {
        match self.random.below(10) {
            0 | 1 if depth > 1 => self.arithmetic(depth - 1),
            0..=3 => {
                let data_type =
                    self.random.pick_copy(ColumnType::Integer, &[ColumnType::Integer, ColumnType::Double]);
                let value = match self.random.below(8) {
                    0 => Value::Null,
                    1 => Value::I64(0),
                    _ => fresh(self.random, data_type, self.profile),
                };
                let data_type = if matches!(value, Value::F64(_)) { data_type } else { ColumnType::Integer };
                Some((Expr::Param(self.param(value)), data_type))
            }
            _ => self.column_of(|data_type| matches!(data_type, ColumnType::Integer | ColumnType::Double)),
        }
    }

    fn call(&mut self) -> Option<Typed> {
        use Function::{Abs, Coalesce, Length, Lower, Round, Text, Trim, Upper};
        let function =
            self.random.pick_copy(Lower, &[Upper, Trim, Length, Abs, Round, Round, Coalesce, Text]);
        let fraction = if self.profile.doubles { ColumnType::Double } else { ColumnType::Decimal };
        let is_argument = |data_type| match function {
            Lower | Upper | Trim | Length => data_type == ColumnType::Text,
            Abs => matches!(data_type, ColumnType::Integer | ColumnType::Double),
            Round => data_type == fraction,
            Text => matches!(data_type, ColumnType::Integer | ColumnType::BigInt),
            _ => data_type != ColumnType::Other,
        };
        let (first, data_type) = self.column_of(is_argument)?;
        let mut args = vec![first];
        if function == Round && self.random.percent(60) {
            let places = Value::I64(i64::from(self.random.between(0, 2)));
            args.push(Expr::Param(self.param(places)));
        }
        if function == Coalesce {
            let second = self.column_of(|other| other == data_type)?.0;
            let third = self.literal(&second, data_type);
            args.extend([second, third]);
        }
        let data_type = match function {
            Length => ColumnType::Integer,
            Text => ColumnType::Text,
            _ => data_type,
        };
        Some((Expr::Call { function, args }, data_type))
    }

    /// A random column of a type that fits.
    fn column_of(&mut self, fits: impl Fn(ColumnType) -> bool) -> Option<Typed> {
        let columns = self.table.names.iter().zip(&self.table.types);
        let fitting: Vec<_> = columns.filter(|(_, data_type)| fits(**data_type)).collect();
        let (name, data_type) = fitting.get(self.random.below(fitting.len()))?;
        Some((Expr::Column(Path::column(name.as_str())), **data_type))
    }

    fn literal(&mut self, beside: &Expr, data_type: ColumnType) -> Expr {
        let value = self.literal_value(beside, data_type);
        Expr::Param(self.param(value))
    }

    /// Mostly what the expression beside it is worth in some row.
    fn literal_value(&mut self, beside: &Expr, data_type: ColumnType) -> Value {
        match self.random.below(100) {
            0..=4 => Value::Null,
            5..=9 if self.profile.cross_kind => self.foreign(beside, data_type),
            5..=24 => self.neighbour(data_type),
            _ => self.sample(beside),
        }
    }

    /// A value of another kind.
    fn foreign(&mut self, beside: &Expr, data_type: ColumnType) -> Value {
        match self.sample(beside) {
            Value::I64(number) => Value::Text(number.to_string()),
            Value::F64(number) => Value::Text(number.to_string()),
            Value::Decimal(number) => Value::Text(number),
            Value::Bool(flag) => Value::I64(i64::from(flag)),
            Value::Text(text) => Value::I64(text.trim().parse().unwrap_or(1)),
            _ => fresh(
                self.random,
                if data_type == ColumnType::Text { ColumnType::Integer } else { ColumnType::Text },
                self.profile,
            ),
        }
    }

    /// A fresh value of the type, or for numbers of a near one.
    fn neighbour(&mut self, data_type: ColumnType) -> Value {
        let data_type = match data_type {
            ColumnType::Integer | ColumnType::BigInt | ColumnType::Double if self.random.percent(30) => {
                self.random.pick_copy(ColumnType::Integer, &[ColumnType::BigInt, ColumnType::Double])
            }
            other => other,
        };
        match fresh(self.random, data_type, self.profile) {
            // Beside integers that no double holds: the double next to them.
            Value::I64(9_007_199_254_740_993) if self.random.percent(50) => {
                Value::F64(9_007_199_254_740_992.0)
            }
            value => value,
        }
    }

    /// What the expression is worth in a random row; null when that is not defined.
    fn sample(&mut self, expr: &Expr) -> Value {
        let place = self.random.below(self.table.rows.len());
        let row = self.table.rows().nth(place);
        let value = row.and_then(|row| Reference::default().value(expr, &self.params, row).ok());
        value.unwrap_or(Value::Null)
    }

    fn param(&mut self, value: Value) -> usize {
        self.params.push(value);
        self.params.len() - 1
    }
}

/// Whether two columns are worth comparing.
fn is_near(a: ColumnType, b: ColumnType) -> bool {
    let is_number =
        |data_type| matches!(data_type, ColumnType::Integer | ColumnType::BigInt | ColumnType::Double);
    a == b || is_number(a) && is_number(b)
}
