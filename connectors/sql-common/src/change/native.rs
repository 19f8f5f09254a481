//! Types of the database: read from a column's own words by strict rules, or made from its neutral type, compared, written from their parts.
//! Which types there are is the dialect's matter.

use connector_api::model::{Change, Column, ColumnType};
use connector_api::{Error, ErrorKind, Result};

use super::Changes;
use super::parts::{Part, Parts};
use crate::SqlWriter;

/// So much of an unknown type is shown.
const SHOWN: usize = 80;

/// The types of a database.
#[derive(Debug, Clone, Copy)]
pub enum Types {
    /// These ones, and where the dialect knows more, those by their names.
    Rules(&'static [TypeRule]),
    /// Whatever is made of these words, with up to two numbers behind them.
    Words(&'static [&'static str]),
}

/// A type that is written in words of its own.
#[derive(Debug, Clone, Copy)]
pub struct TypeRule {
    /// In small letters, one blank between words.
    pub name: &'static str,
    /// What may stand in brackets behind the name.
    pub sizes: Sizes,
    /// What may stand behind it all.
    pub tails: &'static [&'static str],
    /// The name of the same type that descriptions use, where it is another one.
    pub same_as: &'static str,
}

/// What may stand in brackets behind the name of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sizes {
    /// Nothing.
    No,
    /// Up to so many numbers.
    Numbers(usize),
    /// The same, and they mean nothing.
    Width(usize),
    /// Texts.
    Labels,
}

impl TypeRule {
    /// A type without sizes.
    #[must_use]
    pub const fn plain(name: &'static str) -> Self {
        Self { name, sizes: Sizes::No, tails: &[], same_as: "" }
    }

    /// A type with up to so many numbers.
    #[must_use]
    pub const fn sized(name: &'static str, numbers: usize) -> Self {
        Self { sizes: Sizes::Numbers(numbers), ..Self::plain(name) }
    }

    /// The same with words behind it.
    #[must_use]
    pub const fn with(self, tails: &'static [&'static str]) -> Self {
        Self { tails, ..self }
    }

    /// The same, and descriptions call it otherwise.
    #[must_use]
    pub const fn same_as(self, name: &'static str) -> Self {
        Self { same_as: name, ..self }
    }

    fn fits(&self, taken: &Taken<'_>) -> bool {
        let has_tail = |tail: &str| tail.is_empty() || self.tails.contains(&tail);
        match taken.sizes {
            Some(items) => taken.head == self.name && self.sizes.fit(items) && has_tail(&taken.tail),
            None => {
                let behind = taken.head.strip_prefix(self.name);
                behind.is_some_and(|tail| {
                    tail.is_empty() || tail.strip_prefix(' ').is_some_and(|tail| self.tails.contains(&tail))
                })
            }
        }
    }
}

impl Sizes {
    fn fit(self, items: &[(bool, Part)]) -> bool {
        let mut items = items.split(is_comma).map(|item| item.iter().map(|(_, part)| part));
        match self {
            Self::No => false,
            Self::Labels => {
                items.all(|mut item| matches!((item.next(), item.next()), (Some(Part::Text(_)), None)))
            }
            Self::Numbers(most) | Self::Width(most) => {
                let numbers: Vec<_> = items.map(is_number).collect();
                numbers.len() <= most && numbers.into_iter().all(|is_number| is_number)
            }
        }
    }
}

fn is_comma((_, part): &(bool, Part)) -> bool {
    *part == Part::Sign(",")
}

/// A number, perhaps with a sign.
fn is_number<'p>(item: impl Iterator<Item = &'p Part>) -> bool {
    let mut item = item.skip_while(|part| **part == Part::Sign("-"));
    matches!((item.next(), item.next()), (Some(Part::Number(_)), None))
}

/// A type in its pieces: words, what is in brackets, words again, whether it is a list.
struct Taken<'p> {
    head: String,
    sizes: Option<&'p [(bool, Part)]>,
    tail: String,
    is_list: bool,
}

impl<'p> Taken<'p> {
    /// `None`: it is not built like a type.
    fn apart(parts: &'p Parts) -> Option<Self> {
        let (head, rest) = words(&parts.0);
        let (sizes, rest) = brackets(rest);
        let (tail, rest) = words(rest);
        is_list(rest).then_some(Self { head, sizes, tail, is_list: !rest.is_empty() })
    }
}

type Rest<'p> = &'p [(bool, Part)];

fn words(parts: Rest<'_>) -> (String, Rest<'_>) {
    let count = parts.iter().take_while(|(_, part)| matches!(part, Part::Word(_))).count();
    let (words, rest) = parts.split_at(count);
    let word = |(_, part): &(bool, Part)| match part {
        Part::Word(word) => word.to_ascii_lowercase(),
        _ => String::new(),
    };
    (words.iter().map(word).collect::<Vec<_>>().join(" "), rest)
}

fn brackets(parts: Rest<'_>) -> (Option<Rest<'_>>, Rest<'_>) {
    let is_sign = |part: Option<&(bool, Part)>, sign| part.is_some_and(|(_, part)| *part == Part::Sign(sign));
    let end = parts.iter().position(|(_, part)| *part == Part::Sign(")"));
    match end {
        Some(end) if is_sign(parts.first(), "(") => {
            (parts.get(1..end), parts.get(end + 1..).unwrap_or_default())
        }
        _ => (None, parts),
    }
}

/// Whether it is `[]`, so often as it likes, perhaps with sizes.
fn is_list(parts: Rest<'_>) -> bool {
    let mut rest = parts.iter().map(|(_, part)| part).filter(|part| !matches!(part, Part::Number(_)));
    while let Some(part) = rest.next() {
        if *part != Part::Sign("[") || rest.next() != Some(&Part::Sign("]")) {
            return false;
        }
    }
    !matches!(parts.first(), Some((_, Part::Number(_))))
}

/// The type of a column as it shall be.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] for words that are no type; those of the dialect for a neutral type that it has not.
pub(super) fn of(dialect: &dyn Changes, column: &Column) -> Result<Parts> {
    if column.native_type.is_empty() {
        return dialect.native(&sized(column)?);
    }
    read(dialect, &column.native_type)
}

/// A column with the digits of its decimals: a length counts as precision.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] for a scale alone.
pub(super) fn sized(column: &Column) -> Result<Column> {
    let mut sized = column.clone();
    if column.data_type != ColumnType::Decimal || !column.native_type.is_empty() {
        return Ok(sized);
    }
    sized.precision = column.precision.or(column.length.and_then(|digits| u32::try_from(digits).ok()));
    sized.length = None;
    if sized.precision.is_none() && sized.scale.is_some() {
        let message = format!(
            "the column '{}' has a scale and no precision; give both, or neither for the widest type",
            column.name
        );
        return Err(Error::new(ErrorKind::InvalidRequest, message).with_reason("unknown_type"));
    }
    Ok(sized)
}

fn read(dialect: &dyn Changes, text: &str) -> Result<Parts> {
    let parts = Parts::read(text).map_err(|error| unknown(text, &error.message))?;
    if is_known(dialect, &parts) {
        return Ok(parts);
    }
    named(&parts)
        .and_then(|named| named.found(dialect))
        .ok_or_else(|| unknown(text, "name a type as the descriptions of tables spell it, or a neutral one"))
}

fn is_known(dialect: &dyn Changes, parts: &Parts) -> bool {
    let Some(taken) = Taken::apart(parts) else { return false };
    match dialect.types() {
        Types::Rules(rules) => {
            (dialect.has_lists() || !taken.is_list) && rules.iter().any(|rule| rule.fits(&taken))
        }
        Types::Words(known) => {
            let is_word = |word: &str| known.iter().any(|known| known.eq_ignore_ascii_case(word));
            let has_words = taken.head.split(' ').all(is_word);
            let has_sizes = taken.sizes.is_none_or(|items| Sizes::Numbers(2).fit(items));
            has_words && has_sizes && taken.tail.is_empty() && !taken.is_list
        }
    }
}

fn unknown(text: &str, why: &str) -> Error {
    let shown: String = text.chars().filter(|character| !character.is_control()).take(SHOWN).collect();
    Error::new(ErrorKind::InvalidRequest, format!("the type '{shown}' is not known: {why}"))
        .with_reason("unknown_type")
}

/// A type by its name, which the database may have or not.
struct Named<'p> {
    schema: Option<String>,
    name: String,
    behind: Rest<'p>,
}

fn named(parts: &Parts) -> Option<Named<'_>> {
    // Without quotes its letters are small.
    let name = |part: &(bool, Part)| match &part.1 {
        Part::Word(word) => Some(word.to_ascii_lowercase()),
        Part::Name(name) => Some(name.clone()),
        _ => None,
    };
    match parts.0.as_slice() {
        [schema, (_, Part::Sign(".")), last, behind @ ..] => {
            Some(Named { schema: Some(name(schema)?), name: name(last)?, behind })
        }
        [first, behind @ ..] => Some(Named { schema: None, name: name(first)?, behind }),
        [] => None,
    }
}

impl Named<'_> {
    /// With its full name between quotes, and so what is in brackets, for it is a name too where it is no number.
    fn found(self, dialect: &dyn Changes) -> Option<Parts> {
        let (sizes, lists) = brackets(self.behind);
        let mut sizes = sizes.into_iter().flat_map(|items| items.split(is_comma));
        let is_size = |item: &[(bool, Part)]| {
            matches!(item, [(_, Part::Word(_))]) || is_number(item.iter().map(|(_, part)| part))
        };
        if !is_list(lists) || !sizes.all(is_size) {
            return None;
        }
        let [schema, name] = dialect.named_type(self.schema.as_deref(), &self.name)?;
        let full = [Part::Name(schema), Part::Sign("."), Part::Name(name)].map(|part| (false, part));
        let quoted = |(is_apart, part): &(bool, Part)| match part {
            Part::Word(word) => (*is_apart, Part::Name(word.clone())),
            other => (*is_apart, other.clone()),
        };
        Some(Parts(full.into_iter().chain(self.behind.iter().map(quoted)).collect()))
    }
}

/// Types by name that these changes speak of: schema, where one is given, and name. The dialect has to know which of them exist.
#[must_use]
pub fn named_types(dialect: &dyn Changes, changes: &[Change]) -> Vec<(Option<String>, String)> {
    let columns = changes.iter().flat_map(|change| match change {
        Change::CreateTable(table) => table.columns.as_slice(),
        Change::AddColumn { column, .. } | Change::AlterColumn { column, .. } => std::slice::from_ref(column),
        _ => &[],
    });
    let mut names = Vec::new();
    for column in columns {
        let Ok(parts) = Parts::read(&column.native_type) else { continue };
        if !is_known(dialect, &parts) {
            names.extend(named(&parts).map(|named| (named.schema, named.name)));
        }
    }
    names
}

/// Whether two types are the same one, however they are spelled.
pub(super) fn is_same(dialect: &dyn Changes, a: &Parts, b: &Parts) -> bool {
    canonical(dialect, a) == canonical(dialect, b)
}

fn canonical(dialect: &dyn Changes, parts: &Parts) -> (String, String, bool) {
    let plain = || (parts.shape(), String::new(), false);
    let (Some(taken), Types::Rules(rules)) = (Taken::apart(parts), dialect.types()) else { return plain() };
    let Some(rule) = rules.iter().find(|rule| rule.fits(&taken)) else { return plain() };
    let words = format!("{} {}", taken.head, taken.tail);
    let behind = words.strip_prefix(rule.name).unwrap_or_default().trim();
    let name = if rule.same_as.is_empty() { rule.name } else { rule.same_as };
    let sizes = match (rule.sizes, taken.sizes) {
        (Sizes::Width(_), _) | (_, None) => String::new(),
        (_, Some(items)) => Parts(items.to_vec()).shape(),
    };
    // Without words that is what is meant.
    let behind = behind.strip_suffix("without time zone").unwrap_or(behind);
    (format!("{name} {behind}").trim().to_owned(), sizes, taken.is_list)
}

/// Writes a type.
///
/// # Errors
/// When it has a word that stands in no type.
pub(super) fn write(dialect: &dyn Changes, to: &mut SqlWriter<'_>, native: &Parts) -> Result<()> {
    match dialect.types() {
        Types::Words(known) => native.write(to, known),
        Types::Rules(rules) => {
            let known: Vec<_> = rules
                .iter()
                .flat_map(|rule| std::iter::once(&rule.name).chain(rule.tails))
                .copied()
                .collect();
            native.write(to, &known)
        }
    }
}
