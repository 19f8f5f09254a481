//! From the filter as it was written to the filter as the connector gets it: columns resolved, literals typed by column.

use std::borrow::Cow;

use connector_api::model::{ArithmeticOp, ColumnType, CompareOp, Expr, Filter, Function, TextOp, Value};
use serde_json::Value as Json;

use super::columns::{Columns, Resolved};
use super::literal::{Place, number};
use super::values::Values;
use super::{Error, Scope, reach};
use crate::request::filter as written;
use crate::request::lookup;
use crate::schema::relationships::Relationship;

/// What a name stands for; `None`: nothing.
type Resolve<'a> = Box<dyn FnMut(&str) -> Option<Resolved> + 'a>;

/// Plans one filter text's tree.
pub(super) struct Planner<'a> {
    /// The parameter that holds the filter.
    parameter: &'static str,
    resolve: Resolve<'a>,
    scope: &'a Scope<'a>,
    values: &'a mut Values,
    /// The relationships that lead to the table; each name begins with theirs.
    way: Vec<&'a Relationship>,
}

impl<'a> Planner<'a> {
    /// For a condition on rows of the table.
    pub(super) fn new(scope: &'a Scope<'a>, values: &'a mut Values) -> Self {
        let columns = Columns::new(scope.table);
        let resolve = Box::new(move |name: &str| columns.resolve(name));
        Self { parameter: "filter", resolve, scope, values, way: Vec::new() }
    }

    /// For a condition on groups, whose names `resolve` knows.
    pub(super) fn of_groups(
        resolve: impl FnMut(&str) -> Option<Resolved> + 'a,
        scope: &'a Scope<'a>,
        values: &'a mut Values,
    ) -> Self {
        Self { parameter: "having", resolve: Box::new(resolve), scope, values, way: Vec::new() }
    }

    pub(super) fn plan(&mut self, node: &written::Node) -> Result<Filter, Error> {
        if let Some(relationship) = self.relationship_of(node) {
            return self.related(relationship, &[node]);
        }
        Ok(match node {
            written::Node::And(members) => self.conjunction(members)?,
            written::Node::Or(members) => Filter::Or(self.all(members)?),
            written::Node::Xor(members) => self.xor(members)?,
            written::Node::Not(member) => negate(true, self.plan(member)?),
            written::Node::Compare { field, op, value } => {
                let resolved = self.field(field)?;
                let right = self.operand(&resolved, &field.name, value)?;
                Filter::Compare { op: compare_op(*op), left: Expr::Column(resolved.path), right }
            }
            written::Node::In { field, negated, values } => {
                let resolved = self.field(field)?;
                let items = self.list(&resolved, &field.name, values)?;
                let expr = Expr::Column(resolved.path);
                let member = if items.is_empty() {
                    Filter::Always(false)
                } else {
                    Filter::In { expr, list: self.values.push(Value::List(items)) }
                };
                negate(*negated, member)
            }
            written::Node::Between { field, negated, low, high } => {
                let resolved = self.field(field)?;
                let low = self.operand(&resolved, &field.name, low)?;
                let high = self.operand(&resolved, &field.name, high)?;
                negate(*negated, Filter::Between { expr: Expr::Column(resolved.path), low, high })
            }
            written::Node::Text { field, kind, negated, pattern } => {
                let resolved = self.field(field)?;
                let place = resolved.place(&field.name, self.parameter);
                let (place, searched) =
                    place.searched(self.scope.capabilities).map_err(|error| error.at(field.position))?;
                let pattern = self.pattern(place, pattern)?;
                let expr = searched.of(Expr::Column(resolved.path));
                negate(
                    *negated,
                    Filter::Text { op: text_op(*kind), expr, pattern: self.values.push(pattern) },
                )
            }
            written::Node::Null { field, negated } => {
                negate(*negated, Filter::IsNull(Expr::Column(self.field(field)?.path)))
            }
        })
    }

    /// The relationship with which a single condition begins.
    fn relationship_of(&self, node: &written::Node) -> Option<&'a Relationship> {
        reach::relationship_of(self.own(&node.field()?.name)?, self.scope)
    }

    /// What stands in a name behind the way to the table.
    fn own<'n>(&self, name: &'n str) -> Option<&'n str> {
        self.way.iter().try_fold(name, |rest, relationship| relationship.behind(rest))
    }

    /// Conditions on the same relationship that stand side by side are about the same related row.
    fn conjunction(&mut self, members: &[written::Node]) -> Result<Filter, Error> {
        let mut planned = Vec::with_capacity(members.len());
        let mut related: Vec<(&Relationship, Vec<&written::Node>)> = Vec::new();
        for member in members {
            let Some(relationship) = self.relationship_of(member) else {
                planned.push(self.plan(member)?);
                continue;
            };
            match related.iter_mut().find(|(known, _)| known.name == relationship.name) {
                Some((_, nodes)) => nodes.push(member),
                None => related.push((relationship, vec![member])),
            }
        }
        for (relationship, nodes) in related {
            planned.push(self.related(relationship, &nodes)?);
        }
        Ok(if planned.len() == 1 { planned.remove(0) } else { Filter::And(planned) })
    }

    fn related(&mut self, relationship: &'a Relationship, nodes: &[&written::Node]) -> Result<Filter, Error> {
        let way: Vec<_> = self.way.iter().copied().chain([relationship]).collect();
        let parameter = self.parameter;
        reach::exists(relationship, self.scope, self.values, |scope, values| {
            let columns = Columns::new(scope.table);
            let resolve = Box::new(move |name: &str| columns.resolve(name));
            let mut inner = Planner { parameter, resolve, scope, values, way };
            let mut conditions = nodes.iter().map(|node| inner.plan(node)).collect::<Result<Vec<_>, _>>()?;
            Ok(if conditions.len() == 1 { conditions.remove(0) } else { Filter::And(conditions) })
        })
    }

    fn all(&mut self, members: &[written::Node]) -> Result<Vec<Filter>, Error> {
        members.iter().map(|member| self.plan(member)).collect()
    }

    /// `a XOR b` is `(a OR b) AND NOT (a AND b)`: true, false and unknown as SQL has them.
    fn xor(&mut self, members: &[written::Node]) -> Result<Filter, Error> {
        let planned = self.all(members)?;
        let combined = planned.into_iter().reduce(|left, right| {
            let either = Filter::Or(vec![left.clone(), right.clone()]);
            let both = Filter::And(vec![left, right]);
            Filter::And(vec![either, Filter::Not(Box::new(both))])
        });
        Ok(combined.unwrap_or(Filter::Always(false)))
    }

    fn field(&mut self, field: &written::Field) -> Result<Resolved, Error> {
        let resolved = self.own(&field.name).and_then(|name| (self.resolve)(name)).ok_or_else(|| {
            Error::invalid(
                self.parameter,
                format!("Invalid or unparsable field in filter request: '{}'", field.name),
            )
            .at(field.position)
        })?;
        self.scope.aliases.map_or(Ok(()), |aliases| aliases.check_asked(&resolved.path))?;
        Ok(resolved)
    }

    fn operand(&mut self, resolved: &Resolved, field: &str, value: &written::Value) -> Result<Expr, Error> {
        let value = match value {
            // A value in parentheses is a value like others.
            written::Value::Expression(written::Expression::Text(literal)) => {
                self.literal(resolved, field, literal)?
            }
            written::Value::Expression(written::Expression::Number(literal))
                if resolved.data_type == ColumnType::Float =>
            {
                self.literal(resolved, field, literal)?
            }
            written::Value::Expression(computed) => return self.expression(computed),
            value => self.value(resolved, field, value)?,
        };
        Ok(Expr::Param(self.values.push(value)))
    }

    fn value(&self, resolved: &Resolved, field: &str, value: &written::Value) -> Result<Value, Error> {
        match value {
            written::Value::Literal(literal) => self.literal(resolved, field, literal),
            written::Value::Parameter(parameter) => {
                let place = resolved.place(field, self.parameter);
                self.json(place, &parameter.value).map_err(|error| error.at(parameter.position))
            }
            written::Value::Expression(_) => {
                Err(Error::invalid(self.parameter, "an expression can't stand in a list"))
            }
        }
    }

    fn literal(&self, resolved: &Resolved, field: &str, literal: &written::Literal) -> Result<Value, Error> {
        let place = resolved.place(field, self.parameter);
        let value = self.substituted(&literal.text).and_then(|text| place.text(&text, literal.quoted));
        value.map_err(|error| error.at(literal.position))
    }

    /// A JSON value, lookups in its text replaced.
    fn json(&self, place: Place<'_>, json: &Json) -> Result<Value, Error> {
        match json {
            Json::String(text) => place.text(&self.substituted(text)?, true),
            other => place.json(other),
        }
    }

    fn list(&self, resolved: &Resolved, field: &str, values: &[written::Value]) -> Result<Vec<Value>, Error> {
        let place = resolved.place(field, self.parameter);
        let mut items = Vec::with_capacity(values.len());
        for value in values {
            match value {
                written::Value::Parameter(written::Parameter {
                    value: Json::Array(array), position, ..
                }) => {
                    for item in array {
                        items.push(self.json(place, item).map_err(|error| error.at(*position))?);
                    }
                }
                single => items.push(self.value(resolved, field, single)?),
            }
        }
        Ok(items)
    }

    /// A pattern is text whatever the column's type is.
    fn pattern(&self, place: Place<'_>, pattern: &written::Value) -> Result<Value, Error> {
        match pattern {
            written::Value::Literal(literal) => {
                Ok(Value::Text(self.substituted(&literal.text)?.into_owned()))
            }
            written::Value::Parameter(parameter) => self.json(place, &parameter.value),
            written::Value::Expression(_) => Err(Error::invalid(
                self.parameter,
                format!("the pattern for field '{}' must be a text, not an expression", place.field),
            )),
        }
    }

    fn substituted<'t>(&self, text: &'t str) -> Result<Cow<'t, str>, Error> {
        lookup::substitute(text, self.scope.lookup)
            .map_err(|error| Error::invalid(self.parameter, error.to_string()))
    }

    pub(super) fn expression(&mut self, written: &written::Expression) -> Result<Expr, Error> {
        expression(written, &mut |leaf| self.leaf(&leaf))
    }

    fn leaf(&mut self, leaf: &Leaf<'_>) -> Result<Expr, Error> {
        let value = match leaf {
            Leaf::Column(field) => return Ok(Expr::Column(self.field(field)?.path)),
            Leaf::Number(literal) => number(&literal.text).ok_or_else(|| {
                Error::invalid(self.parameter, "a number can't be read").at(literal.position)
            })?,
            Leaf::Text(literal) => Value::Text(self.substituted(&literal.text)?.into_owned()),
            Leaf::Boolean(value) => Value::Bool(*value),
            Leaf::Zero => Value::I64(0),
        };
        Ok(Expr::Param(self.values.push(value)))
    }
}

/// What stands at the ends of an expression.
pub(super) enum Leaf<'e> {
    Column(&'e written::Field),
    Number(&'e written::Literal),
    Text(&'e written::Literal),
    Boolean(bool),
    /// From which something is taken away whose sign changes.
    Zero,
}

/// An expression as the connector gets it, `leaf` says how its ends are.
pub(super) fn expression(
    written: &written::Expression,
    leaf: &mut dyn FnMut(Leaf<'_>) -> Result<Expr, Error>,
) -> Result<Expr, Error> {
    Ok(match written {
        written::Expression::Column(field) => leaf(Leaf::Column(field))?,
        written::Expression::Number(literal) => leaf(Leaf::Number(literal))?,
        written::Expression::Text(literal) => leaf(Leaf::Text(literal))?,
        written::Expression::Boolean(value) => leaf(Leaf::Boolean(*value))?,
        written::Expression::Negate(operand) => Expr::Arithmetic {
            op: ArithmeticOp::Sub,
            left: Box::new(leaf(Leaf::Zero)?),
            right: Box::new(expression(operand, leaf)?),
        },
        written::Expression::Arithmetic { op, left, right } => Expr::Arithmetic {
            op: arithmetic_op(*op),
            left: Box::new(expression(left, leaf)?),
            right: Box::new(expression(right, leaf)?),
        },
        written::Expression::Call { function: called, arguments } => {
            let args = arguments.iter().map(|argument| expression(argument, leaf));
            Expr::Call { function: function(*called), args: args.collect::<Result<_, _>>()? }
        }
    })
}

/// Two negations are none, so that a store's depth is not spent on them.
fn negate(negated: bool, filter: Filter) -> Filter {
    match filter {
        Filter::Not(member) if negated => *member,
        filter if negated => Filter::Not(Box::new(filter)),
        filter => filter,
    }
}

fn compare_op(op: written::CompareOp) -> CompareOp {
    match op {
        written::CompareOp::Eq => CompareOp::Eq,
        written::CompareOp::Ne => CompareOp::Ne,
        written::CompareOp::Lt => CompareOp::Lt,
        written::CompareOp::Le => CompareOp::Le,
        written::CompareOp::Gt => CompareOp::Gt,
        written::CompareOp::Ge => CompareOp::Ge,
    }
}

fn text_op(kind: written::TextKind) -> TextOp {
    match kind {
        written::TextKind::Like => TextOp::Like,
        written::TextKind::ILike => TextOp::Ilike,
        written::TextKind::Contains => TextOp::Contains,
        written::TextKind::StartsWith => TextOp::StartsWith,
        written::TextKind::EndsWith => TextOp::EndsWith,
    }
}

fn arithmetic_op(op: written::ArithmeticOp) -> ArithmeticOp {
    match op {
        written::ArithmeticOp::Add => ArithmeticOp::Add,
        written::ArithmeticOp::Subtract => ArithmeticOp::Sub,
        written::ArithmeticOp::Multiply => ArithmeticOp::Mul,
        written::ArithmeticOp::Divide => ArithmeticOp::Div,
    }
}

fn function(called: written::Function) -> Function {
    match called {
        written::Function::Now => Function::Now,
        written::Function::CurrentDate => Function::CurrentDate,
        written::Function::Lower => Function::Lower,
        written::Function::Upper => Function::Upper,
        written::Function::Trim => Function::Trim,
        written::Function::Length => Function::Length,
        written::Function::Abs => Function::Abs,
        written::Function::Round => Function::Round,
        written::Function::Coalesce => Function::Coalesce,
        written::Function::Concat => Function::Concat,
    }
}
