//! The filter tree. Types only: text is parsed in the gateway, native queries are written in the connector.
//!
//! Meaning: SQL's three-valued logic. A comparison with null or with an absent member is unknown; `not` of unknown is unknown; a
//! row matches only when the whole tree is true. Values of different kinds (a text and a number) never compare: equality is
//! false, `ne` is true, an ordering is false. The kinds: number, text, bytes, boolean, date, time, naive timestamp, instant, uuid,
//! list or document. Documents are equal by content and never ordered. How two texts compare is the store's own matter.
//! One exception, because requests have no literals for them: a text beside a date, time, timestamp, instant or uuid stands for the
//! value that it spells, and one that spells none is different from all.
//!
//! Searching in something that is not a text is false (unknown for null); `Function::Text` makes a text of it. Arithmetic or a function on a value of the wrong kind is null; a
//! result that does not fit is an error of kind `InvalidRequest` with the reason `out_of_range`.

use std::fmt;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Param, TableRef};

/// The way to a column: one segment for a plain column, more for a member inside a document. A dot inside a segment is part of
/// the name, not a separator.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Path(Way);

/// Most paths are plain columns, and a request has many: one allocation each.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Way {
    Column(String),
    /// Two segments or more.
    Inside(Vec<String>),
}

impl Path {
    /// A plain column.
    pub fn column(name: impl Into<String>) -> Self {
        Self(Way::Column(name.into()))
    }

    /// A member inside a document column; `None` for no segments at all.
    pub fn nested(mut segments: Vec<String>) -> Option<Self> {
        if segments.len() > 1 {
            return Some(Self(Way::Inside(segments)));
        }
        segments.pop().map(Self::column)
    }

    /// The name, when this is a plain column.
    pub fn as_column(&self) -> Option<&str> {
        match &self.0 {
            Way::Column(name) => Some(name),
            Way::Inside(_) => None,
        }
    }

    /// All segments, outermost first.
    pub fn segments(&self) -> &[String] {
        match &self.0 {
            Way::Column(name) => std::slice::from_ref(name),
            Way::Inside(segments) => segments,
        }
    }
}

/// A list of segments, never empty.
impl Serialize for Path {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.segments().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Path {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Segments)
    }
}

struct Segments;

impl<'de> Visitor<'de> for Segments {
    type Value = Path;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the segments of a path")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Path, A::Error> {
        let first: String = list.next_element()?.ok_or_else(|| A::Error::invalid_length(0, &self))?;
        let Some(second) = list.next_element()? else { return Ok(Path::column(first)) };
        let mut segments = vec![first, second];
        while let Some(segment) = list.next_element()? {
            segments.push(segment);
        }
        Ok(Path(Way::Inside(segments)))
    }
}

/// A condition on a row.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Filter {
    /// True for every row, or for none.
    Always(bool),
    /// All of them. Never empty.
    And(Vec<Filter>),
    /// At least one of them. Never empty.
    Or(Vec<Filter>),
    /// The opposite; unknown stays unknown.
    Not(Box<Filter>),
    /// Two values compared.
    Compare {
        /// How.
        op: CompareOp,
        /// Left side.
        left: Expr,
        /// Right side.
        right: Expr,
    },
    /// Equal to one item of a list. SQL's rule for null items: no match becomes unknown.
    In {
        /// What is looked for.
        expr: Expr,
        /// The parameter that holds the list: one list value, not empty.
        list: Param,
    },
    /// From `low` to `high`, both included.
    Between {
        /// What is compared.
        expr: Expr,
        /// Lower bound.
        low: Expr,
        /// Upper bound.
        high: Expr,
    },
    /// A text compared with a pattern or with plain text.
    Text {
        /// How.
        op: TextOp,
        /// What is searched.
        expr: Expr,
        /// The parameter that holds the pattern or the plain text.
        pattern: Param,
    },
    /// Null or absent.
    IsNull(Expr),
    /// At least one row of another table matches.
    RelatedExists {
        /// The other table.
        table: TableRef,
        /// Pairs of equal columns: of this table, of the other one. Never empty.
        on: Vec<(Path, Path)>,
        /// Condition on the other table's row, its row rules included.
        filter: Box<Filter>,
    },
}

/// How two values compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CompareOp {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
    /// Less than.
    Lt,
    /// Less than or equal.
    Le,
    /// Greater than.
    Gt,
    /// Greater than or equal.
    Ge,
}

/// How a text is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextOp {
    /// `%` any run, `_` any one character, no escape character; case as the store does.
    Like,
    /// As `Like`, without regard to case (at least of ASCII letters).
    Ilike,
    /// Plain text anywhere; case as the store's `Like` does.
    Contains,
    /// Plain text at the start.
    StartsWith,
    /// Plain text at the end.
    EndsWith,
}

/// A value to compare.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Expr {
    /// A column of the row.
    Column(Path),
    /// A parameter.
    Param(Param),
    /// Two numbers combined. Null when one side is null or the divisor is zero.
    Arithmetic {
        /// How.
        op: ArithmeticOp,
        /// Left side.
        left: Box<Expr>,
        /// Right side.
        right: Box<Expr>,
    },
    /// A function of the closed list.
    Call {
        /// Which.
        function: Function,
        /// Its arguments.
        args: Vec<Expr>,
    },
}

/// The four operations. Two integers divide to an integer, cut towards zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArithmeticOp {
    /// Sum.
    Add,
    /// Difference.
    Sub,
    /// Product.
    Mul,
    /// Quotient.
    Div,
}

/// Functions a filter may use. Null arguments give null, but for `Coalesce`.
///
/// `Text` writes numbers with all their digits (a decimal as the store keeps it, a float with the fewest digits that read back as the same
/// number and none behind the point where it is whole; beyond fifteen places on either side of the point the store's own way); days, times, points in time and
/// uuids as [`Value`](super::Value)'s parts write themselves; a text is itself. Booleans, bytes and documents give null.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Function {
    /// The store's time, no arguments: a naive timestamp or an instant as the store has it.
    Now,
    /// The store's date, no arguments.
    CurrentDate,
    /// Lower case of a text (at least of its ASCII letters).
    Lower,
    /// Upper case of a text (at least of its ASCII letters).
    Upper,
    /// A text without blanks at both ends.
    Trim,
    /// Number of characters of a text.
    Length,
    /// Absolute number.
    Abs,
    /// Nearest integer, or with a second argument that many decimal places; halves away from zero.
    Round,
    /// The first argument that is not null.
    Coalesce,
    /// A number, day, time, point in time or uuid as a text.
    Text,
    /// The texts of two or more values, as `Text` makes them, one behind the other.
    Concat,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_list_of_segments_that_is_not_empty() {
        let read = |text: &str| serde_json::from_str::<Path>(text).ok();
        for (text, is_column) in
            [(r#"["a"]"#, true), (r#"["a.b"]"#, true), (r#"["a","b"]"#, false), (r#"["a","b","c"]"#, false)]
        {
            let path = read(text).unwrap();
            assert_eq!(
                (path.as_column().is_some(), serde_json::to_string(&path).unwrap().as_str()),
                (is_column, text)
            );
            assert_eq!(Path::nested(path.segments().to_vec()), Some(path));
        }
        assert_eq!(
            (read("[]"), read(r#""a""#), read("[1]"), Path::nested(Vec::new())),
            (None, None, None, None)
        );
    }
}
