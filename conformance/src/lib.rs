//! The behaviour suite: does a connector do what it declares, and refuse what it does not, loaded as the real library against a
//! running store? A library, so that more than one program can run it; it prints nothing, and a case that fails is an [`Outcome`],
//! never a panic.
//!
//! * [`cases`]: the list of cases, one file for each operation. A new operation is a new file and one line there.
//! * [`tables`]: the tables that the cases expect in the store, described without any store's words.
//! * [`facts`]: what is known of a store; [`quirks`]: where it differs, each with its manual; [`prepare`]: who makes the tables in it.
//! * [`peer`]: one open service on a store; [`ask`] and [`change`]: short words for requests; `stock`: tables to write into.
//! * [`existing`]: random requests on tables that are there already; [`fill`]: tables that an author has made by hand.
//! * [`judge`]: all of it for one [`library`] file, as its [`config`] says.
//! * [`run`]: runs the cases on a peer; [`report`]: what came of it; [`advice`]: what a person needs to know about a failure.
//! * [`mod@reference`]: what a filter means, evaluated; [`generate`]: random tables and filters; [`mod@property`]: a store against the reference.

pub mod advice;
pub mod ask;
pub mod change;
pub mod config;
pub mod existing;
pub mod facts;
pub mod fill;
pub mod generate;
pub mod judge;
pub mod library;
pub mod peer;
pub mod prepare;
pub mod property;
pub mod quirks;
pub mod random;
pub mod reference;
pub mod report;
pub mod run;
pub mod tables;

mod calls;
mod capability;
mod catalogue;
mod computed;
mod count;
mod delete;
mod errors;
mod filter;
mod filter_text;
mod group;
mod insert;
mod limits;
mod open;
mod order;
mod page;
mod read;
mod refused;
mod routines;
mod rules;
mod schema;
mod seen;
mod sent;
mod sequence;
mod stock;
mod transaction;
mod types;
mod update;
mod upsert;
mod words;
mod written;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use connector_api::model::ColumnType;
use peer::Peer;

/// Nothing, or what was wrong.
pub type Outcome = Result<(), String>;

type Run = Box<dyn Fn(Arc<Peer>) -> Pin<Box<dyn Future<Output = Outcome> + Send>> + Send + Sync>;

/// One rule that a connector keeps.
pub struct Case {
    /// The operation and the rule, for example `filter::not_of_unknown_is_unknown`.
    pub name: String,
    /// When the rule applies.
    pub applies: Applies,
    /// The type that the store must have for it, if any.
    pub data_type: Option<ColumnType>,
    run: Run,
}

/// When a case applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applies {
    /// The service declares all of these capabilities. A name that begins with `store.` is a feature of the store itself
    /// ([`facts::Feature`]), which no connector declares.
    Declared(&'static [&'static str]),
    /// The service does not declare this capability.
    Undeclared(&'static str),
}

impl Case {
    fn new<F, R>(name: impl Into<String>, needs: &'static [&'static str], run: F) -> Self
    where
        F: Fn(Arc<Peer>) -> R + Send + Sync + 'static,
        R: Future<Output = Outcome> + Send + 'static,
    {
        let run: Run = Box::new(move |peer| Box::pin(run(peer)));
        Self { name: name.into(), applies: Applies::Declared(needs), data_type: None, run }
    }

    /// Concerns only stores that have this type.
    fn of_type(self, data_type: ColumnType) -> Self {
        Self { data_type: Some(data_type), ..self }
    }

    /// The capabilities and limits that it tells something about.
    #[must_use]
    pub fn capabilities(&self) -> Vec<&'static str> {
        let needs: &[&str] = match &self.applies {
            Applies::Declared(needs) => needs,
            Applies::Undeclared(flag) => return vec![*flag],
        };
        let declared = needs.iter().filter(|need| !need.starts_with("store."));
        let names: Vec<_> = declared.map(|need| need.trim_start_matches("limit.")).collect();
        match names.as_slice() {
            [_] => names,
            _ => names.into_iter().filter(|name| *name != "query").collect(),
        }
    }

    /// The case for a service that does not declare `flag`.
    fn refusal<F, R>(name: impl Into<String>, flag: &'static str, run: F) -> Self
    where
        F: Fn(Arc<Peer>) -> R + Send + Sync + 'static,
        R: Future<Output = Outcome> + Send + 'static,
    {
        Self { applies: Applies::Undeclared(flag), ..Self::new(name, &[], run) }
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case")
            .field("name", &self.name)
            .field("applies", &self.applies)
            .finish_non_exhaustive()
    }
}

/// All cases. Those of one operation stand together, and `calls` last, because it is hard on the service.
#[must_use]
pub fn cases() -> Vec<Case> {
    [
        capability::cases(),
        refused::cases(),
        read::cases(),
        types::cases(),
        filter::cases(),
        filter_text::cases(),
        random::cases(),
        order::cases(),
        group::cases(),
        computed::cases(),
        page::cases(),
        count::cases(),
        limits::cases(),
        errors::cases(),
        catalogue::cases(),
        open::cases(),
        insert::cases(),
        update::cases(),
        upsert::cases(),
        delete::cases(),
        rules::cases(),
        written::cases(),
        seen::cases(),
        transaction::cases(),
        sequence::cases(),
        schema::cases(),
        routines::cases(),
        calls::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Says what differs, if anything does.
fn same<T: PartialEq + fmt::Debug>(what: impl fmt::Display, found: &T, expected: &T) -> Outcome {
    if found == expected {
        return Ok(());
    }
    let (found, expected) = (format!("{found:?}"), format!("{expected:?}"));
    let alike = found.chars().zip(expected.chars()).take_while(|(a, b)| a == b).count();
    Err(format!("{what}: expected {}, found {}", part(&expected, alike), part(&found, alike)))
}

/// A longer text is shown in part, where the difference begins.
const MOST_SHOWN: usize = 500;

/// The part of a text around its character at this place, all of it if it is not long.
fn part(text: &str, place: usize) -> String {
    if text.chars().count() <= MOST_SHOWN {
        return text.to_owned();
    }
    let start = place.saturating_sub(MOST_SHOWN / 5);
    let shown: String = text.chars().skip(start).take(MOST_SHOWN).collect();
    format!("{}{shown}…", if start == 0 { "" } else { "…" })
}

/// Says what does not hold.
fn holds(condition: bool, what: impl FnOnce() -> String) -> Outcome {
    if condition { Ok(()) } else { Err(what()) }
}

#[cfg(test)]
mod tests;
