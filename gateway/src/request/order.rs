//! The `order` of a request: `field [asc|desc] [nulls first|last]`, comma separated.

use super::Error;

/// One sort key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderItem {
    /// Column, alias or aggregate as the caller wrote it, without double quotes.
    pub field: String,
    /// Ascending unless `desc` was asked for.
    pub direction: Direction,
    /// Where nulls go; `None` leaves it to the database.
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
/// commas in its name stands in double quotes, or holds them in parentheses (`SUM( total ) desc`).
///
/// # Errors
/// A `;` anywhere.
pub(super) fn parse(text: &str) -> Result<Vec<OrderItem>, Error> {
    if let Some(position) = text.find(';') {
        return Err(Error::new("order", "Invalid order by clause in request.").at(position));
    }
    let mut items = Vec::new();
    let mut from = 0;
    while from < text.len() {
        let rest = text.get(from..).unwrap_or_default();
        let length = cut(rest, |character| character == ',');
        items.extend(item(rest.get(..length).unwrap_or_default(), from));
        from += length + 1;
    }
    Ok(items)
}

/// One item that begins at byte `offset`; `None` if it is blank.
fn item(text: &str, offset: usize) -> Option<OrderItem> {
    let trimmed = text.trim_start();
    let position = offset + text.len() - trimmed.len();
    let (field, rest) = trimmed.split_at_checked(cut(trimmed, char::is_whitespace))?;
    if field.is_empty() {
        return None;
    }
    let field = match field.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')) {
        Some(inner) => inner.replace("\"\"", "\""),
        None => field.to_owned(),
    };
    let words: Vec<&str> = rest.split_whitespace().collect();
    let is =
        |index: usize, word: &str| words.get(index).is_some_and(|found| found.eq_ignore_ascii_case(word));
    let direction = if is(0, "desc") { Direction::Descending } else { Direction::Ascending };
    let nulls = match words.iter().position(|word| word.eq_ignore_ascii_case("nulls")) {
        Some(index) if is(index + 1, "first") => Some(Nulls::First),
        Some(index) if is(index + 1, "last") => Some(Nulls::Last),
        _ => None,
    };
    Some(OrderItem { field, direction, nulls, position })
}

/// Bytes before the first character that `ends` accepts outside double quotes and parentheses; everything if there is none.
fn cut(text: &str, ends: impl Fn(char) -> bool) -> usize {
    let mut open = 0_usize;
    let mut is_quoted = false;
    for (position, character) in text.char_indices() {
        match character {
            '"' => is_quoted = !is_quoted,
            _ if is_quoted => {}
            '(' => open += 1,
            ')' => open = open.saturating_sub(1),
            _ if open == 0 && ends(character) => return position,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, Direction, Option<Nulls>)]) {
        let items = parse(text).unwrap();
        let found: Vec<_> =
            items.iter().map(|item| (item.field.as_str(), item.direction, item.nulls)).collect();
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
        check("(((", &[("(((", ASC, None)]);
    }

    #[test]
    fn semicolon_is_refused() {
        let error = parse("name; drop table x").unwrap_err();
        assert_eq!(error.message, "Invalid order by clause in request.");
        assert_eq!((error.parameter, error.position), ("order", Some(4)));
    }

    #[test]
    fn positions_point_at_fields() {
        let positions: Vec<usize> =
            parse("a, bc  desc,d").unwrap().iter().map(|item| item.position).collect();
        assert_eq!(positions, [0, 3, 12]);
    }
}
