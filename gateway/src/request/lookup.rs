//! Replaces `{user.id}` and its like in a value that is already cut out of its surroundings. The result is a value to bind;
//! it is never parsed again, so a user's name can't change a filter.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Written with padding, read with or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What `urlencode` leaves alone; the blank becomes `+`.
const FORM: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b' ');
/// What `rawurlencode` leaves alone.
const RAW: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The most modifiers around one name.
const MAX_MODIFIERS: usize = 8;
/// The most bytes that the lookups of one text may give together: each modifier can make a value longer.
const MAX_LENGTH: usize = 65_536;

/// Lookups that cost more than a request may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Too many modifiers around a name.
    #[error("a lookup may have at most {MAX_MODIFIERS} functions around its name")]
    TooDeep,
    /// Values that are too long.
    #[error("the lookups of a text may give at most {MAX_LENGTH} bytes")]
    TooLong,
}

/// Replaces each `{name}` and `{modifier(name)}` in `text` by what `resolve` knows. Names and modifiers that are not known
/// stay as they are, and nothing inside a replacement is looked up again.
///
/// Modifiers, which may be nested: `strtoupper strtolower ucfirst lcfirst ucwords` (ASCII letters only), `urlencode
/// urldecode rawurlencode rawurldecode base64_encode base64_decode trim`.
///
/// # Errors
/// Too many modifiers within one another, or too long a result.
pub fn substitute<'a>(
    text: &'a str,
    resolve: &dyn Fn(&str) -> Option<String>,
) -> Result<Cow<'a, str>, Error> {
    let mut replaced = String::new();
    let mut room = MAX_LENGTH;
    let mut kept_from = 0;
    let mut from = 0;
    while let Some(open) = text.get(from..).and_then(|rest| rest.find('{')).map(|offset| from + offset) {
        from = open + 1;
        let Some(lookup) = Lookup::read(text.get(from..).unwrap_or_default()) else { continue };
        from += lookup.length;
        let Some(value) = lookup.value(resolve)? else { continue };
        room = room.checked_sub(value.len()).ok_or(Error::TooLong)?;
        replaced.push_str(text.get(kept_from..open).unwrap_or_default());
        replaced.push_str(&value);
        kept_from = from;
    }
    if kept_from == 0 {
        return Ok(Cow::Borrowed(text));
    }
    replaced.push_str(text.get(kept_from..).unwrap_or_default());
    Ok(Cow::Owned(replaced))
}

/// One lookup, without its opening brace.
struct Lookup<'a> {
    /// Outermost first.
    modifiers: Vec<&'a str>,
    name: &'a str,
    /// Bytes up to and with the closing brace.
    length: usize,
}

impl<'a> Lookup<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let mut modifiers = Vec::new();
        let mut rest = text;
        loop {
            let length = rest.find(|character: char| {
                !(character.is_alphanumeric() || matches!(character, '_' | '.' | '-'))
            })?;
            let (word, after) = rest.split_at_checked(length)?;
            if word.is_empty() {
                return None;
            }
            if let Some(inner) = after.strip_prefix('(') {
                modifiers.push(word);
                rest = inner;
                continue;
            }
            let mut after = after;
            for _ in &modifiers {
                after = after.strip_prefix(')')?;
            }
            let after = after.strip_prefix('}')?;
            return Some(Self { modifiers, name: word, length: text.len() - after.len() });
        }
    }

    /// `None` if the name or a modifier is not known.
    fn value(&self, resolve: &dyn Fn(&str) -> Option<String>) -> Result<Option<String>, Error> {
        let modifiers: Option<Vec<Modifier>> =
            self.modifiers.iter().rev().map(|name| modifier(name)).collect();
        let Some(modifiers) = modifiers else { return Ok(None) };
        let Some(mut value) = resolve(self.name) else { return Ok(None) };
        if modifiers.len() > MAX_MODIFIERS {
            return Err(Error::TooDeep);
        }
        for modify in modifiers {
            value = modify(&value);
            if value.len() > MAX_LENGTH {
                return Err(Error::TooLong);
            }
        }
        Ok(Some(value))
    }
}

type Modifier = fn(&str) -> String;

fn modifier(name: &str) -> Option<Modifier> {
    Some(match name {
        "strtoupper" => |text| text.to_ascii_uppercase(),
        "strtolower" => |text| text.to_ascii_lowercase(),
        "ucfirst" => |text| first(text, char::to_ascii_uppercase),
        "lcfirst" => |text| first(text, char::to_ascii_lowercase),
        "ucwords" => |text| {
            text.split_inclusive([' ', '\t', '\n', '\r'])
                .map(|word| first(word, char::to_ascii_uppercase))
                .collect()
        },
        "urlencode" => |text| utf8_percent_encode(text, &FORM).to_string().replace(' ', "+"),
        "urldecode" => |text| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned(),
        "rawurlencode" => |text| utf8_percent_encode(text, &RAW).to_string(),
        "rawurldecode" => |text| percent_decode_str(text).decode_utf8_lossy().into_owned(),
        "base64_encode" => |text| BASE64.encode(text),
        "base64_decode" => decode_base64,
        "trim" => |text| text.trim_matches([' ', '\t', '\n', '\r', '\0', '\x0b']).to_owned(),
        _ => return None,
    })
}

fn first(text: &str, change: impl Fn(&char) -> char) -> String {
    let mut characters = text.chars();
    characters.next().map(|character| change(&character)).into_iter().chain(characters).collect()
}

/// Empty if the text is not base64.
fn decode_base64(text: &str) -> String {
    let text: String = text.split_ascii_whitespace().collect();
    let bytes = BASE64.decode(text).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let resolve = |name: &str| match name {
            "user.id" => Some("7".to_owned()),
            "user.name" => Some(" ada o'lovelace ".to_owned()),
            "evil" => Some("{user.id}') OR ('1'='1".to_owned()),
            "app.api-key" => Some("aGk".to_owned()),
            "sign" => Some("a b~c+d/é".to_owned()),
            _ => None,
        };
        assert_eq!(substitute(text, &resolve).unwrap(), expected, "{text}");
    }

    #[test]
    fn known_names_are_replaced_and_others_stay() {
        check("{user.id}", "7");
        check("a{user.id}b{user.id}", "a7b7");
        check("{nobody} {user.id} {", "{nobody} 7 {");
        check("{{user.id}}", "{7}");
        check("{} { user.id } {user.id", "{} { user.id } {user.id");
        check("{\"a\":1}", "{\"a\":1}");
    }

    #[test]
    fn replacement_is_not_looked_up_again() {
        check("{evil}", "{user.id}') OR ('1'='1");
    }

    #[test]
    fn modifiers_apply_from_the_inside_out() {
        check("{trim(user.name)}", "ada o'lovelace");
        check("{ucwords(trim(user.name))}", "Ada O'lovelace");
        check("{ucfirst(trim(user.name))}", "Ada o'lovelace");
        check("{lcfirst(strtoupper(trim(user.name)))}", "aDA O'LOVELACE");
        check("{base64_encode(user.id)}", "Nw==");
        check("{base64_decode(app.api-key)}", "hi");
        check("{urlencode(sign)}", "a+b%7Ec%2Bd%2F%C3%A9");
        check("{rawurlencode(sign)}", "a%20b~c%2Bd%2F%C3%A9");
        check("{urldecode(urlencode(sign))}", "a b~c+d/é");
        check("{rawurldecode(rawurlencode(sign))}", "a b~c+d/é");
    }

    #[test]
    fn broken_or_unknown_modifiers_stay() {
        check("{exec(user.id)}", "{exec(user.id)}");
        check("{trim(user.id}", "{trim(user.id}");
        check("{trim(user.id))}", "{trim(user.id))}");
        check("{trim()}", "{trim()}");
    }

    #[test]
    fn text_without_lookups_is_borrowed() {
        assert!(matches!(substitute("plain {x}", &|_| None), Ok(Cow::Borrowed("plain {x}"))));
    }

    fn nested(levels: usize, name: &str) -> String {
        format!("{{{}{name}{}}}", "base64_encode(".repeat(levels), ")".repeat(levels))
    }

    #[test]
    fn what_lookups_give_is_bounded() {
        let resolve = |name: &str| match name {
            "short" => Some("a".to_owned()),
            "long" => Some("b".repeat(MAX_LENGTH / 2)),
            _ => None,
        };
        let check = |text: &str, expected: Result<usize, Error>| {
            assert_eq!(substitute(text, &resolve).map(|replaced| replaced.len()), expected, "{text}");
        };
        check(&nested(MAX_MODIFIERS, "short"), Ok(60));
        check(&nested(MAX_MODIFIERS + 1, "short"), Err(Error::TooDeep));
        check(&nested(100_000, "short"), Err(Error::TooDeep));
        check(&nested(2, "long"), Ok(58_256));
        check(&nested(3, "long"), Err(Error::TooLong));
        check("{long} {long}", Ok(MAX_LENGTH + 1));
        check("{long}{long}{short}", Err(Error::TooLong));
        // What is no lookup stays, whatever its shape.
        check(&nested(100_000, "unknown"), Ok(nested(100_000, "unknown").len()));
    }
}
