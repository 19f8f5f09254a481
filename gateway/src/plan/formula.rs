//! What the store computes in the place of a field: the text of whoever runs the service, read by the grammar of expressions in filters, over
//! columns of the same table. Values in it are bound by each request that uses it, and so is the value that is written. What databases answer
//! differently, or take for another type than the field's, is refused.

use connector_api::model::{ArithmeticOp, ColumnType, Expr, Function, Path, Table, Value};

use super::Error;
use super::capability::check_levels;
use super::columns::Columns;
use super::filter::{Leaf, expression};
use super::literal::number;
use super::values::Values;
use super::write::value::names_column;
use crate::extras::{DbFunction, FieldExtras, Tables, Use};
use crate::request::filter::{VALUE, parse_function};
use crate::request::schema::SimpleType;

/// An expression whose parameters are its own.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Formula {
    expr: Expr,
    params: Vec<Value>,
    /// The parameter that stands for the value that is written.
    value: Option<usize>,
}

impl Formula {
    /// Reads it for a table whose columns have the store's names.
    pub(super) fn read(text: &str, table: &Table) -> Result<Self, Error> {
        let parsed = parse_function(text).map_err(|error| Error::record(error.message))?;
        let mut formula = Self { expr: Expr::Param(0), params: Vec::new(), value: None };
        formula.expr = expression(&parsed, &mut |leaf| formula.leaf(&leaf, Columns::new(table)))?;
        check_levels(&formula.expr)?;
        match divides(&formula.expr) {
            true => {
                Err(Error::record("databases divide in different ways, so '/' can't stand in a function"))
            }
            false => Ok(formula),
        }
    }

    fn leaf(&mut self, leaf: &Leaf<'_>, columns: Columns<'_>) -> Result<Expr, Error> {
        let value = match leaf {
            Leaf::Column(field) if field.name == VALUE => {
                let place = self.value.unwrap_or(self.params.len());
                if self.value.is_none() {
                    self.value = Some(place);
                    self.params.push(Value::Null);
                }
                return Ok(Expr::Param(place));
            }
            Leaf::Column(field) => {
                let found = columns.find(&field.name).map(|column| Expr::Column(Path::column(&column.name)));
                return found.ok_or_else(|| Error::record(format!("'{}' is no field", field.name)));
            }
            Leaf::Number(literal) => {
                number(&literal.text).ok_or_else(|| Error::record("a number can't be read"))?
            }
            Leaf::Text(literal) if literal.text.contains('\0') => {
                return Err(Error::record("a text in a function can't have the character U+0000"));
            }
            Leaf::Text(literal) => Value::Text(literal.text.clone()),
            Leaf::Boolean(value) => Value::Bool(*value),
            Leaf::Zero => Value::I64(0),
        };
        self.params.push(value);
        Ok(Expr::Param(self.params.len() - 1))
    }

    fn named(&self) -> Named {
        Named { value: self.value.is_some(), columns: names_column(&self.expr, &|_| true) }
    }

    /// Whether what it gives can stand in a field of this type.
    fn check_type(&self, field: ColumnType, table: &Table) -> Result<(), Error> {
        let given = self.kind(&self.expr, field, table);
        match (given, Kind::of(field)) {
            (Some(given), Some(wanted)) if given != wanted => Err(Error::record(format!(
                "it gives {}, where the field holds {}",
                given.words(),
                wanted.words()
            ))),
            _ => Ok(()),
        }
    }

    /// Of which kind a part of it is; `None`: nobody can say.
    fn kind(&self, expr: &Expr, field: ColumnType, table: &Table) -> Option<Kind> {
        use Function::{Abs, Coalesce, Concat, CurrentDate, Length, Lower, Now, Round, Text, Trim, Upper};
        match expr {
            Expr::Column(path) => Kind::of(Columns::new(table).find(path.as_column()?)?.data_type),
            Expr::Param(place) if self.value == Some(*place) => Kind::of(field),
            Expr::Param(place) => match self.params.get(*place)? {
                Value::Text(_) => Some(Kind::Text),
                Value::Bool(_) | Value::Null => None,
                _ => Some(Kind::Number),
            },
            Expr::Arithmetic { .. } => Some(Kind::Number),
            Expr::Call { function, args } => match function {
                Lower | Upper | Trim | Concat | Text => Some(Kind::Text),
                Length | Abs | Round => Some(Kind::Number),
                Now => Some(Kind::Moment),
                CurrentDate => Some(Kind::Day),
                Coalesce => args.iter().find_map(|arg| self.kind(arg, field, table)),
            },
        }
    }

    /// The expression in a plan with these values.
    pub(super) fn used(&self, values: &mut Values) -> Expr {
        self.with(None, values)
    }

    /// The same for this value that is written.
    pub(super) fn of_value(&self, value: Value, values: &mut Values) -> Expr {
        self.with(Some(value), values)
    }

    fn with(&self, written: Option<Value>, values: &mut Values) -> Expr {
        let own = self.params.iter().enumerate().map(|(place, value)| {
            let written = written.as_ref().filter(|_| self.value == Some(place));
            values.push(written.unwrap_or(value).clone())
        });
        let places: Vec<usize> = own.collect();
        placed(&self.expr, &places)
    }
}

/// What values are alike, whatever their exact type is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    Day,
    Moment,
}

impl Kind {
    fn of(data_type: ColumnType) -> Option<Self> {
        use ColumnType::{BigInt, Date, DateTime, Decimal, Double, Float, Integer, String, Text, Timestamp};
        Some(match data_type {
            String | Text => Self::Text,
            Integer | BigInt | Float | Double | Decimal => Self::Number,
            Date => Self::Day,
            DateTime | Timestamp => Self::Moment,
            _ => return None,
        })
    }

    fn words(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Number => "a number",
            Self::Day => "a day",
            Self::Moment => "a day and time",
        }
    }
}

fn divides(expr: &Expr) -> bool {
    match expr {
        Expr::Column(_) | Expr::Param(_) => false,
        Expr::Arithmetic { op, left, right } => *op == ArithmeticOp::Div || divides(left) || divides(right),
        Expr::Call { args, .. } => args.iter().any(divides),
    }
}

/// The same expression with its parameters at these places.
fn placed(expr: &Expr, places: &[usize]) -> Expr {
    match expr {
        Expr::Column(path) => Expr::Column(path.clone()),
        Expr::Param(param) => Expr::Param(places.get(*param).copied().unwrap_or(*param)),
        Expr::Arithmetic { op, left, right } => Expr::Arithmetic {
            op: *op,
            left: Box::new(placed(left, places)),
            right: Box::new(placed(right, places)),
        },
        Expr::Call { function, args } => {
            Expr::Call { function: *function, args: args.iter().map(|arg| placed(arg, places)).collect() }
        }
    }
}

/// What is wrong with the functions of a service, as far as its extras alone show it.
///
/// # Errors
/// What it is.
pub fn check_functions(tables: &Tables) -> Result<(), String> {
    for (name, table) in tables {
        for (field, extras) in &table.fields {
            check_field(extras).map_err(|what| format!("table '{name}', field '{field}': {what}"))?;
        }
    }
    Ok(())
}

fn check_field(field: &FieldExtras) -> Result<(), String> {
    for function in &field.db_function {
        let parsed = parse_function(&function.function).map_err(|error| error.message)?;
        let mut named = Named::default();
        expression(&parsed, &mut |leaf| Ok(named.leaf(&leaf))).map_err(|error| error.to_string())?;
        function.uses.iter().try_for_each(|of| check(named, *of)).map_err(|error| error.to_string())?;
    }
    let count = |of: &Use| field.db_function.iter().filter(|function| function.uses.contains(of)).count();
    if let Some(of) = [Use::Select, Use::Filter, Use::Insert, Use::Update].iter().find(|of| count(of) > 1) {
        return Err(format!("two functions are for {}", of.word()));
    }
    if !field.is_virtual {
        return Ok(());
    }
    let is_for = |wanted: Use| field.db_function.iter().any(|function| function.uses.contains(&wanted));
    if !is_for(Use::Select) || is_for(Use::Insert) || is_for(Use::Update) {
        let [select, insert, update] = [Use::Select, Use::Insert, Use::Update].map(Use::word);
        return Err(format!(
            "a virtual field needs a 'db_function' for {select}, and none for {insert} or {update}"
        ));
    }
    if field.alias.is_some() {
        return Err("a virtual field has no other name than its own".to_owned());
    }
    match field.type_word.as_deref().and_then(SimpleType::find) {
        Some(known) if known.is_of_values() => Ok(()),
        _ => {
            Err("a virtual field needs a 'type' such as 'string', 'integer', 'decimal' or 'datetime'"
                .to_owned())
        }
    }
}

/// Those of one field, by their use.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Formulas {
    pub(super) select: Option<Formula>,
    pub(super) filter: Option<Formula>,
    pub(super) insert: Option<Formula>,
    pub(super) update: Option<Formula>,
    /// They do not fit the table: nothing is shown of the field or asked of it, and nothing written to it.
    pub(super) are_unfit: bool,
}

impl Formulas {
    /// Those of a field whose own do not fit its table. What they were to hide stays hidden.
    pub(super) fn unfit() -> Self {
        let nothing = Formula { expr: Expr::Param(0), params: vec![Value::Null], value: None };
        Self { select: Some(nothing), are_unfit: true, ..Self::default() }
    }

    /// Whether another value than the stored one is seen of the field.
    pub(super) fn change_what_is_seen(&self) -> bool {
        self.select.is_some() || self.filter.is_some()
    }

    /// Reads those of a field of this type.
    pub(super) fn read(
        functions: &[DbFunction],
        (field, is_virtual): (ColumnType, bool),
        table: &Table,
    ) -> Result<Self, Error> {
        let mut formulas = Self::default();
        for DbFunction { uses, function } in functions {
            let formula = Formula::read(function, table)?;
            for of in uses {
                check(formula.named(), *of)?;
                if is_virtual || matches!(of, Use::Insert | Use::Update) {
                    formula.check_type(field, table)?;
                }
                let place = match of {
                    Use::Select => &mut formulas.select,
                    Use::Filter => &mut formulas.filter,
                    Use::Insert => &mut formulas.insert,
                    Use::Update => &mut formulas.update,
                };
                if place.replace(formula.clone()).is_some() {
                    return Err(Error::record(format!("two functions are for {}", of.word())));
                }
            }
        }
        Ok(formulas)
    }
}

/// What a function names.
#[derive(Clone, Copy, Default)]
struct Named {
    value: bool,
    columns: bool,
}

impl Named {
    fn leaf(&mut self, leaf: &Leaf<'_>) -> Expr {
        if let Leaf::Column(field) = leaf {
            let is_value = field.name == VALUE;
            self.value |= is_value;
            self.columns |= !is_value;
        }
        Expr::Param(0)
    }
}

fn check(named: Named, of: Use) -> Result<(), Error> {
    let is_write = matches!(of, Use::Insert | Use::Update);
    if !is_write && named.value {
        return Err(Error::record(format!("'{VALUE}' can't stand in a function for {}", of.word())));
    }
    if of == Use::Insert && named.columns {
        let insert = Use::Insert.word();
        return Err(Error::record(format!(
            "a new row has no fields yet that a function for {insert} could name"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use connector_api::model::{Column, ColumnType, Function};

    use super::*;

    fn table() -> Table {
        let columns = ["First", "last"].map(|name| Column::new(name, ColumnType::Text)).to_vec();
        Table { columns, ..Table::default() }
    }

    #[test]
    fn values_are_bound_behind_those_of_the_request() {
        let formula = Formula::read("concat(first, ' ', last)", &table()).unwrap();
        let mut values = Values::from(vec![Value::I64(7)]);
        let column = |name| Expr::Column(Path::column(name));
        let args = vec![column("First"), Expr::Param(1), column("last")];
        assert_eq!(formula.used(&mut values), Expr::Call { function: Function::Concat, args });
        assert_eq!(values.into_vec(), [Value::I64(7), Value::Text(" ".to_owned())]);
    }

    #[test]
    fn the_value_that_is_written_is_bound_once_wherever_it_stands() {
        let formula = Formula::read("{value} || lower({value})", &table()).unwrap();
        let mut values = Values::default();
        let written = formula.of_value(Value::Text("A".to_owned()), &mut values);
        let lower = Expr::Call { function: Function::Lower, args: vec![Expr::Param(0)] };
        assert_eq!(written, Expr::Call { function: Function::Concat, args: vec![Expr::Param(0), lower] });
        assert_eq!(values.into_vec(), [Value::Text("A".to_owned())]);
    }

    #[test]
    fn what_is_no_function_of_the_table_is_refused() {
        let check = |uses: &[Use], text: &str, expected: &str| {
            let function = DbFunction { uses: uses.to_vec(), function: text.to_owned() };
            let error =
                Formulas::read(&[function], (ColumnType::Text, true), &table()).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        };
        check(&[Use::Select], "concat(first, nick)", "'nick' is no field");
        check(&[Use::Select], "sleep(5)", "allowed are");
        check(&[Use::Select], "first; drop table t", "at character 6");
        check(&[Use::Select], "(select password from users)", "allowed are");
        check(&[Use::Filter], "lower({value})", "'{value}' can't stand in a function for FILTER");
        check(&[Use::Insert], "concat({value}, last)", "a new row has no fields yet");
        check(&[Use::Select, Use::Select], "first", "two functions are for SELECT");
        check(&[Use::Select], "first || 'a\0b'", "U+0000");
        check(&[Use::Select], "length(first) / 2", "databases divide in different ways");
        check(&[Use::Select], "length(first)", "it gives a number, where the field holds a text");
        check(&[Use::Update], "coalesce(now(), {value})", "it gives a day and time");
    }
}
