//! Names as people and clients see them: labels, plurals, the order of lists, and the key of a lookup that ignores
//! case. Names are never changed on their way to a store; these are for showing and finding only.

use std::{cmp::Ordering, iter::Peekable};

use connector_api::model::TableRef;

/// Words whose plural follows no rule: singular, plural. A word on the right is left as it is.
const IRREGULAR: &[(&str, &str)] = &[
    ("alias", "aliases"),
    ("atlas", "atlases"),
    ("bias", "biases"),
    ("canvas", "canvases"),
    ("child", "children"),
    ("criterion", "criteria"),
    ("datum", "data"),
    ("echo", "echoes"),
    ("foot", "feet"),
    ("gas", "gases"),
    ("half", "halves"),
    ("hero", "heroes"),
    ("knife", "knives"),
    ("leaf", "leaves"),
    ("lens", "lenses"),
    ("life", "lives"),
    ("man", "men"),
    ("matrix", "matrices"),
    ("medium", "media"),
    ("mouse", "mice"),
    ("person", "people"),
    ("potato", "potatoes"),
    ("quiz", "quizzes"),
    ("shelf", "shelves"),
    ("tomato", "tomatoes"),
    ("tooth", "teeth"),
    ("vertex", "vertices"),
    ("woman", "women"),
];

/// Words that are their own plural, and plurals that look like a singular.
const UNCHANGED: &[&str] = &[
    "cpus",
    "equipment",
    "feedback",
    "fish",
    "gpus",
    "hardware",
    "information",
    "menus",
    "metadata",
    "money",
    "sheep",
    "skus",
    "software",
    "staff",
    "traffic",
    "weather",
];

/// Upper-case names keep words of up to this many letters, which are mostly abbreviations (`ID`, `VAT`).
const LONGEST_ABBREVIATION: usize = 3;

/// The name by which clients address a table: its namespace and name joined with dots, or the bare name where the
/// namespace is empty.
#[must_use]
pub fn public_name(table: &TableRef) -> String {
    table.to_string()
}

/// What names are compared by where case does not count.
#[must_use]
pub fn lookup_key(name: &str) -> String {
    name.to_lowercase()
}

/// A name in words: `order_items` and `orderItems` become `Order Items`. A name without a letter or digit stays.
#[must_use]
pub fn label(name: &str) -> String {
    let is_shouted = !name.chars().any(char::is_lowercase);
    let pieces = name.split(|c: char| matches!(c, '_' | '-' | '.') || c.is_whitespace());
    let words: Vec<String> =
        pieces.flat_map(camel_words).map(|word| capitalized(&word, is_shouted)).collect();
    if words.is_empty() { name.to_owned() } else { words.join(" ") }
}

/// The English plural of a label's last word: `Order Item` becomes `Order Items`. What is a plural already, or ends
/// in anything but a Latin letter, stays.
#[must_use]
pub fn plural(label: &str) -> String {
    match label.rsplit_once(' ') {
        Some((start, last)) => format!("{start} {}", plural_word(last)),
        None => plural_word(label),
    }
}

/// The order of lists: without regard to case, and with numbers by their value, so that `log9` stands before
/// `LOG10`. Names that differ in case or leading zeros only are ordered by their bytes, so the order is total.
#[must_use]
pub fn natural_order(left: &str, right: &str) -> Ordering {
    let mut left_chars = left.chars().flat_map(char::to_lowercase).peekable();
    let mut right_chars = right.chars().flat_map(char::to_lowercase).peekable();
    loop {
        let order = match (left_chars.peek(), right_chars.peek()) {
            (Some(l), Some(r)) if l.is_ascii_digit() && r.is_ascii_digit() => {
                next_number(&mut left_chars).cmp(&next_number(&mut right_chars))
            }
            (Some(_), Some(_)) => left_chars.next().cmp(&right_chars.next()),
            (None, None) => return left.cmp(right),
            (l, r) => return l.cmp(&r),
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// The digits ahead without leading zeros, after their count: this pair orders as the number does, whatever its size.
fn next_number(chars: &mut Peekable<impl Iterator<Item = char>>) -> (usize, String) {
    while chars.next_if_eq(&'0').is_some() {}
    let mut digits = String::new();
    while let Some(digit) = chars.next_if(char::is_ascii_digit) {
        digits.push(digit);
    }
    (digits.len(), digits)
}

/// The words of `orderItems`, `OrderItems` and `HTTPServer`.
fn camel_words(piece: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut previous: Option<char> = None;
    let mut chars = piece.chars().peekable();
    while let Some(c) = chars.next() {
        let follows_small = previous.is_some_and(|p| p.is_lowercase() || p.is_numeric());
        let ends_abbreviation =
            previous.is_some_and(char::is_uppercase) && chars.peek().is_some_and(|n| n.is_lowercase());
        let starts_word = c.is_uppercase() && (follows_small || ends_abbreviation);
        match words.last_mut() {
            Some(word) if !starts_word => word.push(c),
            _ => words.push(c.to_string()),
        }
        previous = Some(c);
    }
    words
}

fn capitalized(word: &str, is_shouted: bool) -> String {
    let mut chars = word.chars();
    let Some(first) = chars.next() else { return String::new() };
    let rest = chars.as_str();
    let is_lowered = is_shouted && word.chars().count() > LONGEST_ABBREVIATION;
    let rest = if is_lowered { rest.to_lowercase() } else { rest.to_owned() };
    first.to_uppercase().chain(rest.chars()).collect()
}

fn plural_word(word: &str) -> String {
    let lower = word.to_lowercase();
    let is_plural =
        IRREGULAR.iter().any(|(_, plural)| *plural == lower) || UNCHANGED.contains(&lower.as_str());
    if is_plural || !lower.ends_with(|c: char| c.is_ascii_alphabetic()) {
        return word.to_owned();
    }
    match IRREGULAR.iter().find(|(singular, _)| *singular == lower) {
        Some((_, plural)) if word.starts_with(char::is_uppercase) => capitalized(plural, false),
        Some((_, plural)) => (*plural).to_owned(),
        None => regular_plural(word, &lower),
    }
}

fn regular_plural(word: &str, lower: &str) -> String {
    let ends = |endings: &[&str]| endings.iter().any(|ending| lower.ends_with(ending));
    let without = |count: usize| {
        let kept = word.chars().count().saturating_sub(count);
        word.chars().take(kept).collect::<String>()
    };
    if ends(&["sis", "xis"]) {
        return without(2) + "es";
    }
    if ends(&["ss", "us", "x", "z", "ch", "sh"]) {
        return format!("{word}es");
    }
    if ends(&["s"]) {
        return word.to_owned();
    }
    if ends(&["y"]) && !ends(&["ay", "ey", "iy", "oy", "uy"]) {
        return without(1) + "ies";
    }
    format!("{word}s")
}

#[cfg(test)]
#[path = "names_tests.rs"]
mod tests;
