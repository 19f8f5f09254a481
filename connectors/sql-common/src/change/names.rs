//! Names of tables, columns and keys: which can be, and how keys are called that come without one.

use connector_api::{Error, ErrorKind, Result};

use super::Changes;

/// Bytes behind a name that is cut: an underscore and eight digits that tell it from others.
const MARK_BYTES: usize = 9;

/// Checks a name.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] for an empty one, one with control characters, and one that the database can't have.
pub(super) fn check(dialect: &dyn Changes, what: &str, name: &str) -> Result<()> {
    let invalid = |why: String| Err(Error::new(ErrorKind::InvalidRequest, why).with_reason("invalid_name"));
    if name.is_empty() {
        return invalid(format!("the name of a {what} is empty"));
    }
    if name.chars().any(char::is_control) {
        return invalid(format!("the name of a {what} has a control character"));
    }
    match dialect.refuses_name(what, name) {
        Some(why) => invalid(format!("the name of the {what} '{name}' can't be: {why}")),
        None => Ok(()),
    }
}

/// `fk_trucks_owner_id`: what a key is called that has no name.
pub(super) fn of_key(dialect: &dyn Changes, kind: &'static str, table: &str, columns: &[String]) -> String {
    let name = [&[kind.to_owned(), table.to_owned()], columns].concat().join("_").replace('.', "_");
    match dialect.longest_name() {
        Some(most) if name.len() > most => cut(&name, most),
        _ => name,
    }
}

/// The beginning of a name, and what tells it from others that begin so.
fn cut(name: &str, most: usize) -> String {
    let mut end = most.saturating_sub(MARK_BYTES);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}_{:08x}", name.get(..end).unwrap_or_default(), mark(name))
}

/// FNV-1a: the same for the same name in each version.
fn mark(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |mark, byte| (mark ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_cut_stays_within_bounds_and_differs() {
        let name = |last: &str| cut(&format!("fk_{}_{last}", "é".repeat(40)), 63);
        assert_ne!(name("a"), name("b"));
        assert_eq!(name("a"), name("a"));
        assert!(name("a").len() <= 63);
        assert!(name("a").starts_with("fk_éé"));
    }
}
