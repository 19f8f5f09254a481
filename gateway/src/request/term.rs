//! Names as callers write them in `fields`, `order`, `group` and `id_field`: plain, in double quotes, or inside an aggregate such as
//! `SUM(amount)`. Whether a name exists is for the plan to say.

use serde_json::Value as Json;

use super::Error;
use super::bounds::{MAX_NAMES, at_most};
use super::parameters::{Given, Parameters};

/// A column, an alias or an aggregate.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Term {
    /// As the caller wrote it, without double quotes around it.
    pub name: String,
    /// Double quotes stood around it, so it is a name and nothing else.
    pub is_quoted: bool,
    /// What it reads as besides a name. A column may have such a name too: then it is the column.
    pub aggregate: Option<Aggregate>,
}

/// `COUNT(*)`, `SUM(amount)`, `COUNT(DISTINCT country)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aggregate {
    /// What is computed.
    pub function: AggregateFunction,
    /// Of which column; `None`: of rows, for [`AggregateFunction::Count`] only.
    pub of: Option<String>,
    /// Each value counts once.
    pub is_distinct: bool,
}

/// The functions of groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AggregateFunction {
    /// How many.
    Count,
    /// The sum.
    Sum,
    /// The mean.
    Avg,
    /// The smallest.
    Min,
    /// The greatest.
    Max,
}

impl AggregateFunction {
    /// The function with this name, in any case.
    pub(super) fn of(word: &str) -> Option<Self> {
        let all = [Self::Count, Self::Sum, Self::Avg, Self::Min, Self::Max];
        all.into_iter().find(|known| known.word().eq_ignore_ascii_case(word))
    }

    /// The name in upper case.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Count => "COUNT",
            Self::Sum => "SUM",
            Self::Avg => "AVG",
            Self::Min => "MIN",
            Self::Max => "MAX",
        }
    }
}

impl Term {
    /// A plain name.
    #[must_use]
    pub fn name(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Reads a whole text as one term.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut reader = Reader::new(text);
        let term = reader.term(|_| false);
        if reader.is_over() { term.unwrap_or_default() } else { Self::name(text.trim()) }
    }
}

/// One item of `fields`: a term, and what an aggregate is called in the answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FieldItem {
    /// What is shown.
    pub term: Term,
    /// The name after `AS`; aggregates only.
    pub alias: Option<String>,
}

impl FieldItem {
    /// Reads `country`, `"first name"`, `SUM(amount)` or `SUM(amount) AS total`.
    fn read(text: &str) -> Self {
        let mut reader = Reader::new(text);
        reader.item().filter(|_| reader.is_over()).unwrap_or_else(|| Term::name(text.trim()).into())
    }
}

impl From<Term> for FieldItem {
    fn from(term: Term) -> Self {
        Self { term, alias: None }
    }
}

/// A list of fields: comma separated, or a JSON array, whose items are not cut at commas. `None` if absent.
///
/// # Errors
/// As [`Parameters::text`]; more items than `most`.
pub(super) fn field_items(
    parameters: Parameters<'_>,
    names: &[&'static str],
    most: usize,
) -> Result<Option<Vec<FieldItem>>, Error> {
    let items = if let Some(Given::Body(Json::Array(_))) = parameters.find(names) {
        let items = parameters.list(names, most)?;
        items.map(|items| items.iter().map(|item| FieldItem::read(item)).collect())
    } else {
        parameters.text(names)?.map(|text| cut(&text, most))
    };
    let parameter = names.first().copied().unwrap_or_default();
    items.map(|items| at_most(items, most, parameter)).transpose()
}

/// A list of names; empty if absent.
///
/// # Errors
/// As [`Parameters::text`]; more names than [`MAX_NAMES`].
pub(super) fn names(parameters: Parameters<'_>, names: &[&'static str]) -> Result<Vec<String>, Error> {
    let items = field_items(parameters, names, MAX_NAMES)?.unwrap_or_default();
    Ok(items.into_iter().map(|item| item.term.name).collect())
}

/// Cuts at commas outside quotes and aggregates, until there are more than `most` items; empty ones are skipped.
fn cut(text: &str, most: usize) -> Vec<FieldItem> {
    let mut reader = Reader::new(text);
    let mut items = Vec::new();
    while !reader.is_over() && items.len() <= most {
        items.extend(reader.item());
        reader.take(",");
    }
    items
}

/// Reads terms off the front of a text.
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Bytes read so far.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// What is left.
    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn skip_blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn is_over(&mut self) -> bool {
        self.skip_blanks();
        self.rest().is_empty()
    }

    /// Takes these characters if they are next.
    pub(super) fn take(&mut self, wanted: &str) -> bool {
        let found = self.rest().starts_with(wanted);
        self.at += if found { wanted.len() } else { 0 };
        found
    }

    /// Takes this word in any case, if a blank stands behind it.
    fn take_word(&mut self, wanted: &str) -> bool {
        let found = self.rest().split_at_checked(wanted.len()).is_some_and(|(word, behind)| {
            word.eq_ignore_ascii_case(wanted) && behind.starts_with(char::is_whitespace)
        });
        self.at += if found { wanted.len() } else { 0 };
        found
    }

    /// Everything before the first character that `ends` accepts.
    pub(super) fn until(&mut self, ends: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let length = rest.find(ends).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    /// A field up to a comma or the end; `None` if there is nothing but blanks.
    fn item(&mut self) -> Option<FieldItem> {
        self.skip_blanks();
        let start = self.at;
        if let Some(term) = self.quoted_term().or_else(|| self.aggregate_term()) {
            let alias = if term.aggregate.is_some() { self.alias() } else { None };
            self.skip_blanks();
            if self.rest().is_empty() || self.rest().starts_with(',') {
                return Some(FieldItem { term, alias });
            }
        }
        self.at = start;
        let name = self.until(|character| character == ',').trim();
        (!name.is_empty()).then(|| Term::name(name).into())
    }

    fn alias(&mut self) -> Option<String> {
        let start = self.at;
        self.skip_blanks();
        if self.at > start && self.take_word("as") {
            self.skip_blanks();
            let alias = self.quoted().unwrap_or_else(|| self.until(|c| c == ',').trim().to_owned());
            if !alias.is_empty() {
                return Some(alias);
            }
        }
        self.at = start;
        None
    }

    /// A term that ends where the text does, at a blank, or where `ends` says; `None` if there is none.
    pub(super) fn term(&mut self, ends: impl Fn(char) -> bool + Copy) -> Option<Term> {
        self.skip_blanks();
        let start = self.at;
        let ends = |character: char| character.is_whitespace() || ends(character);
        if let Some(term) = self.quoted_term().or_else(|| self.aggregate_term())
            && (self.rest().is_empty() || self.rest().starts_with(ends))
        {
            return Some(term);
        }
        self.at = start;
        let name = self.until(ends);
        (!name.is_empty()).then(|| Term::name(name))
    }

    fn quoted_term(&mut self) -> Option<Term> {
        self.quoted().map(|name| Term { name, is_quoted: true, aggregate: None })
    }

    /// A name in double quotes, a doubled one inside made single.
    fn quoted(&mut self) -> Option<String> {
        let start = self.at;
        let mut name = String::new();
        if !self.take("\"") {
            return None;
        }
        loop {
            name.push_str(self.until(|character| character == '"'));
            if !self.take("\"") {
                self.at = start;
                return None;
            }
            if !self.take("\"") {
                return Some(name);
            }
            name.push('"');
        }
    }

    fn aggregate_term(&mut self) -> Option<Term> {
        let start = self.at;
        let aggregate = self.aggregate();
        if aggregate.is_none() {
            self.at = start;
            return None;
        }
        let name = self.text.get(start..self.at).unwrap_or_default().to_owned();
        Some(Term { name, is_quoted: false, aggregate })
    }

    fn aggregate(&mut self) -> Option<Aggregate> {
        let word = self.until(|character| !character.is_ascii_alphabetic());
        let function = AggregateFunction::of(word)?;
        self.skip_blanks();
        if !self.take("(") {
            return None;
        }
        self.skip_blanks();
        let is_distinct = self.take_word("distinct");
        self.skip_blanks();
        if function == AggregateFunction::Count && !is_distinct && self.take("*") {
            self.skip_blanks();
            return self.take(")").then_some(Aggregate { function, of: None, is_distinct });
        }
        let of = self.argument()?;
        Some(Aggregate { function, of: Some(of), is_distinct })
    }

    /// A column up to the closing parenthesis, which is read too. Its name may hold pairs of parentheses.
    fn argument(&mut self) -> Option<String> {
        let start = self.at;
        if let Some(name) = self.quoted() {
            self.skip_blanks();
            if self.take(")") {
                return Some(name);
            }
            self.at = start;
        }
        let mut open = 0_usize;
        let length = self.rest().find(|character| {
            match character {
                '(' => open += 1,
                ')' if open == 0 => return true,
                ')' => open -= 1,
                _ => {}
            }
            false
        })?;
        let name = self.rest().get(..length).unwrap_or_default().trim();
        self.at += length + 1;
        (!name.is_empty() && name != "*").then(|| name.to_owned())
    }
}

#[cfg(test)]
#[path = "term_tests.rs"]
mod tests;
