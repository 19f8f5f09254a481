//! The `order` of a request: `field [asc|desc] [nulls first|last]`, comma separated.

use super::Error;
use super::bounds::{MAX_NAMES, at_most};
use super::term::{Reader, Term};

/// One sort key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderItem {
    /// Column, alias or aggregate.
    pub term: Term,
    /// Ascending unless `desc` was asked for.
    pub direction: Direction,
    /// Where nulls go; `None` if the caller does not say.
    pub nulls: Option<Nulls>,
    /// Byte offset in the `order` text.
    pub position: usize,
}

/// Sort direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Smallest first.
    #[default]
    Ascending,
    /// Greatest first.
    Descending,
}

/// Where nulls go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nulls {
    /// Before all values.
    First,
    /// After all values.
    Last,
}

/// Reads an `order` text. Unknown words after the field are ignored, empty items are skipped. A field with blanks or
/// commas in its name stands in double quotes.
///
/// # Errors
/// A `;` outside double quotes; more terms than [`MAX_NAMES`].
pub(super) fn parse(text: &str) -> Result<Vec<OrderItem>, Error> {
    let mut reader = Reader::new(text);
    let mut items = Vec::new();
    while !reader.rest().is_empty() && items.len() <= MAX_NAMES {
        reader.skip_blanks();
        let position = reader.position();
        let term = reader.term(|character| character == ',');
        let words = reader.until(|character| character == ',');
        reader.take(",");
        refuse_semicolon(text, position, term.as_ref(), words)?;
        items.extend(term.map(|term| item(term, words, position)));
    }
    at_most(items, MAX_NAMES, "order")
}

/// A `;` never stands in an order but in a quoted name: a statement that somebody tries to end is refused as such.
fn refuse_semicolon(text: &str, from: usize, term: Option<&Term>, words: &str) -> Result<(), Error> {
    let is_in_name = term.is_some_and(|term| !term.is_quoted && term.name.contains(';'));
    if !is_in_name && !words.contains(';') {
        return Ok(());
    }
    let position = text.get(from..).and_then(|rest| rest.find(';')).map_or(from, |found| from + found);
    Err(Error::new("order", "Invalid order by clause in request.").at(position))
}

/// A term with the words behind it.
fn item(term: Term, words: &str, position: usize) -> OrderItem {
    let words: Vec<&str> = words.split_whitespace().collect();
    let is =
        |index: usize, word: &str| words.get(index).is_some_and(|found| found.eq_ignore_ascii_case(word));
    let direction = if is(0, "desc") { Direction::Descending } else { Direction::Ascending };
    let nulls = match words.iter().position(|word| word.eq_ignore_ascii_case("nulls")) {
        Some(index) if is(index + 1, "first") => Some(Nulls::First),
        Some(index) if is(index + 1, "last") => Some(Nulls::Last),
        _ => None,
    };
    OrderItem { term, direction, nulls, position }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, Direction, Option<Nulls>)]) {
        let items = parse(text).unwrap();
        let found: Vec<_> =
            items.iter().map(|item| (item.term.name.as_str(), item.direction, item.nulls)).collect();
        assert_eq!(found, expected, "{text}");
    }

    const ASC: Direction = Direction::Ascending;
    const DESC: Direction = Direction::Descending;

    #[test]
    fn direction_and_nulls_are_read_in_any_case() {
        check("name", &[("name", ASC, None)]);
        check("name desc", &[("name", DESC, None)]);
        check(" name  DESC ,id asc", &[("name", DESC, None), ("id", ASC, None)]);
        check(
            "a desc NULLS last, b asc nulls First",
            &[("a", DESC, Some(Nulls::Last)), ("b", ASC, Some(Nulls::First))],
        );
        check("a nulls last", &[("a", ASC, Some(Nulls::Last))]);
    }

    #[test]
    fn unknown_direction_is_ascending_and_empty_items_are_skipped() {
        check("a sideways", &[("a", ASC, None)]);
        check(",a,,b,", &[("a", ASC, None), ("b", ASC, None)]);
        check("", &[]);
        check(" , ", &[]);
    }

    #[test]
    fn quoted_names_and_aggregates_keep_their_blanks() {
        check("\"order, date\" desc", &[("order, date", DESC, None)]);
        check("\"a\"\"b\"", &[("a\"b", ASC, None)]);
        check("SUM( total ) desc, COUNT(*)", &[("SUM( total )", DESC, None), ("COUNT(*)", ASC, None)]);
        check("SUM(\"a,b\") desc", &[("SUM(\"a,b\")", DESC, None)]);
        check("(((", &[("(((", ASC, None)]);
        check(":(,id", &[(":(", ASC, None), ("id", ASC, None)]);
        check("\"x desc\", \"x;y\" desc", &[("x desc", ASC, None), ("x;y", DESC, None)]);
        check("\"open desc", &[("\"open", DESC, None)]);
    }

    #[test]
    fn semicolon_is_refused() {
        for (text, position) in [("name; drop table x", 4), ("name desc; x", 9), ("a, b;c", 4), ("a,;", 2)] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.message, "Invalid order by clause in request.");
            assert_eq!((error.parameter, error.position), ("order", Some(position)), "{text}");
        }
    }

    #[test]
    fn positions_point_at_fields() {
        let positions: Vec<usize> =
            parse("a, bc  desc,d").unwrap().iter().map(|item| item.position).collect();
        assert_eq!(positions, [0, 3, 12]);
    }
}
