//! Filters. The server knows two truths where the contract has three: a condition that is not met for a missing value is taken for false,
//! and its opposite holds. So nothing here is negated by the server: each part is written once for the rows for which it is true, and
//! once for those for which it is false; the others are in neither.
//!
//! A condition on a list holds for the server when it holds for one item, and a path goes through lists. In the contract a list is a
//! value of its own, so lists are always looked at apart.

use connector_api::author::{CompareOp, Expr, Filter, Param, Path, Result, TextOp, Value};
use connector_common::evaluate::Condition;
use mongodb::bson::{Bson, Document, doc};

use super::dotted;
use super::pattern::regex;
use super::value::meanings;
use crate::schema::Layout;
use crate::types::Kind;

/// Filters of one request.
pub(crate) struct Filters<'a> {
    pub(crate) layout: &'a Layout,
    pub(crate) params: &'a [Value],
}

/// The condition that no row meets.
pub(crate) fn matches_nothing() -> Document {
    doc! {"_id": {"$in": []}}
}

/// A column in the server's words.
struct Field {
    name: String,
    /// What holds the column, where it is inside a document.
    outer: Vec<String>,
    kind: Option<Kind>,
}

impl Filters<'_> {
    /// The rows for which the filter is true (or false). `None`: the server can't say it.
    ///
    /// # Errors
    /// A parameter that was not sent.
    pub(crate) fn rows(&self, filter: &Filter, truth: bool) -> Result<Option<Document>> {
        match filter {
            Filter::Always(always) => Ok(Some(if *always == truth {
                doc! {}
            } else {
                matches_nothing()
            })),
            Filter::Not(part) => self.rows(part, !truth),
            Filter::And(parts) => self.join(parts, truth, truth),
            Filter::Or(parts) => self.join(parts, truth, !truth),
            Filter::Compare { op, left, right } => self.compare(*op, (left, right), truth),
            Filter::Between { expr, low, high } => {
                let part = |op, right: &Expr| self.compare(op, (expr, right), truth);
                let parts = [part(CompareOp::Ge, low)?, part(CompareOp::Le, high)?];
                let [Some(low), Some(high)] = parts else { return Ok(None) };
                Ok(Some(if truth { all(vec![low, high]) } else { any(vec![low, high]) }))
            }
            Filter::In { expr, list } => self.one_of(expr, *list, truth),
            Filter::Text { op, expr, pattern } => self.text(*op, expr, *pattern, truth),
            Filter::IsNull(expr) => Ok(self.field(expr).map(|field| field.null(truth))),
            Filter::RelatedExists { .. } => Ok(None),
        }
    }

    /// The rows in which this column equals the value at this position.
    ///
    /// # Errors
    /// As [`Filters::rows`].
    pub(crate) fn equal(&self, path: &Path, value: Param) -> Result<Option<Document>> {
        self.compare(CompareOp::Eq, (&Expr::Column(path.clone()), &Expr::Param(value)), true)
    }

    /// All parts (or one of them) have this truth.
    fn join(&self, parts: &[Filter], truth: bool, of_all: bool) -> Result<Option<Document>> {
        let parts: Option<Vec<Document>> =
            parts.iter().map(|part| self.rows(part, truth)).collect::<Result<_>>()?;
        Ok(parts.map(if of_all { all } else { any }))
    }

    fn compare(&self, op: CompareOp, sides: (&Expr, &Expr), truth: bool) -> Result<Option<Document>> {
        let (field, op, value) = match sides {
            (column @ Expr::Column(_), Expr::Param(param)) => (self.field(column), op, self.param(*param)?),
            (Expr::Param(param), column @ Expr::Column(_)) => {
                (self.field(column), mirrored(op), self.param(*param)?)
            }
            (Expr::Param(_), Expr::Param(_)) => return self.constant(op, sides, truth),
            _ => return Ok(None),
        };
        let Some(field) = field else { return Ok(None) };
        if is_null(value) {
            return Ok(Some(matches_nothing()));
        }
        let Some(values) = meanings(value, field.kind) else { return Ok(None) };
        Ok(Some(match op {
            CompareOp::Eq => field.holds(&doc! {"$in": values}, truth),
            CompareOp::Ne => field.holds(&doc! {"$in": values}, !truth),
            CompareOp::Lt => field.ordered("$lt", values, truth),
            CompareOp::Le => field.ordered("$lte", values, truth),
            CompareOp::Gt => field.ordered("$gt", values, truth),
            CompareOp::Ge => field.ordered("$gte", values, truth),
        }))
    }

    /// Two values compared: no row is needed.
    fn constant(
        &self,
        op: CompareOp,
        (left, right): (&Expr, &Expr),
        truth: bool,
    ) -> Result<Option<Document>> {
        let filter = Filter::Compare { op, left: left.clone(), right: right.clone() };
        let no_row = |_: &Path| Err(connector_api::Error::internal("a value has no columns"));
        let holds = Condition::new(Some(&filter), self.params)?.test(&no_row)?;
        Ok(Some(if holds == Some(truth) {
            doc! {}
        } else {
            matches_nothing()
        }))
    }

    fn one_of(&self, expr: &Expr, list: Param, truth: bool) -> Result<Option<Document>> {
        let (Some(field), Value::List(items)) = (self.field(expr), self.param(list)?) else {
            return Ok(None);
        };
        let known: Vec<&Value> = items.iter().filter(|item| !is_null(item)).collect();
        // With a null in the list nobody knows of any other value whether it is none of them.
        if !truth && known.len() < items.len() {
            return Ok(Some(matches_nothing()));
        }
        let values: Option<Vec<Vec<Bson>>> =
            known.into_iter().map(|item| meanings(item, field.kind)).collect();
        Ok(values.map(|values| field.holds(&doc! {"$in": values.concat()}, truth)))
    }

    fn text(&self, op: TextOp, expr: &Expr, pattern: Param, truth: bool) -> Result<Option<Document>> {
        let Some(field) = self.field(expr) else { return Ok(None) };
        Ok(match self.param(pattern)? {
            Value::Text(pattern) => Some(field.holds(&regex(op, pattern), truth)),
            value if is_null(value) => Some(matches_nothing()),
            _ => None,
        })
    }

    fn field(&self, expr: &Expr) -> Option<Field> {
        let Expr::Column(path) = expr else { return None };
        let name = dotted(path)?;
        let segments = path.segments();
        let outer =
            (1..segments.len()).filter_map(|length| segments.get(..length)).map(|part| part.join("."));
        Some(Field { name, outer: outer.collect(), kind: self.layout.declared_kind(path) })
    }

    fn param(&self, param: Param) -> Result<&Value> {
        let value = self.params.get(param);
        value.ok_or_else(|| connector_api::Error::internal("the request names a parameter that was not sent"))
    }
}

impl Field {
    /// A condition on a value that is no list and not null.
    fn holds(&self, condition: &Document, truth: bool) -> Document {
        if truth {
            let mut condition = condition.clone();
            condition.insert("$not", is_list());
            return self.reached(doc! {&self.name: condition});
        }
        let other = doc! {&self.name: {"$not": condition.clone(), "$ne": Bson::Null}};
        self.reached(any(vec![other, self.a_list()]))
    }

    fn ordered(&self, word: &str, values: Vec<Bson>, truth: bool) -> Document {
        let parts = values.into_iter().map(|value| self.holds(&doc! {word: value}, truth)).collect();
        if truth { any(parts) } else { all(parts) }
    }

    /// Null and missing are one for the server as well; a list with a null in it is neither.
    fn null(&self, truth: bool) -> Document {
        if truth {
            let here = doc! {&self.name: {"$eq": Bson::Null, "$not": is_list()}};
            let unreached = self.outer.iter().map(|outer| doc! {outer: {"$type": "array"}});
            return any(std::iter::once(here).chain(unreached).collect());
        }
        self.reached(any(vec![doc! {&self.name: {"$ne": Bson::Null}}, self.a_list()]))
    }

    /// With the condition that no list is on the way.
    fn reached(&self, condition: Document) -> Document {
        if self.outer.is_empty() {
            return condition;
        }
        let outer = self.outer.iter().map(|outer| doc! {outer: {"$not": is_list()}});
        all(outer.chain([condition]).collect())
    }

    fn a_list(&self) -> Document {
        doc! {&self.name: {"$type": "array"}}
    }
}

fn is_list() -> Document {
    doc! {"$type": "array"}
}

fn is_null(value: &Value) -> bool {
    matches!(value, Value::Null | Value::Absent)
}

fn mirrored(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Eq => CompareOp::Eq,
        CompareOp::Ne => CompareOp::Ne,
        CompareOp::Lt => CompareOp::Gt,
        CompareOp::Le => CompareOp::Ge,
        CompareOp::Gt => CompareOp::Lt,
        CompareOp::Ge => CompareOp::Le,
    }
}

/// All of these conditions.
pub(crate) fn all(parts: Vec<Document>) -> Document {
    joined("$and", parts)
}

fn any(parts: Vec<Document>) -> Document {
    one_list(&parts).unwrap_or_else(|| joined("$or", parts))
}

/// Many times "equal to one of these" of one column are one time, which the server finds faster.
fn one_list(parts: &[Document]) -> Option<Document> {
    let only = |part: &Document| match part.iter().next() {
        Some((name, Bson::Document(condition))) if part.len() == 1 => Some((name.clone(), condition.clone())),
        _ => None,
    };
    let mut values = Vec::new();
    let (name, mut first) = parts.first().and_then(only)?;
    for part in parts {
        let (other, mut condition) = only(part)?;
        let Some(Bson::Array(items)) = condition.remove("$in") else { return None };
        if other != name || condition != doc! {"$not": is_list()} {
            return None;
        }
        values.extend(items);
    }
    first.insert("$in", values);
    Some(doc! {name: first})
}

fn joined(word: &str, mut parts: Vec<Document>) -> Document {
    match parts.len() {
        1 => parts.remove(0),
        _ => doc! {word: parts},
    }
}
