//! A role and its service access entries: which entry decides over a path, and which row filters it brings.
//!
//! A role is prepared once (`Role::new`): names folded, entries split by service. A check then only compares text.
//! Arguments in parentheses are cut from `_proc/` and `_func/` paths only: elsewhere they are part of a name, and
//! cutting them would let the rights on `_table/orders` count for a table named `orders(old)`.

use std::borrow::Cow;
use std::collections::HashMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Requestor, RequestorMask, Verb, VerbMask};

/// One service access entry, as it is configured.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// Service name in any case; `None` is all services.
    pub service: Option<String>,
    /// Path inside the service: empty for its root only, `*` for everything, `_table/orders/*` …
    pub component: String,
    /// What is granted.
    pub verbs: VerbMask,
    /// For whom the entry counts.
    pub requestors: RequestorMask,
    /// Row rules for the rows reached by this entry.
    pub filters: Vec<RowFilter>,
    /// How the row rules combine.
    pub filter_op: FilterOp,
}

/// How several row filters combine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum FilterOp {
    /// All must hold.
    #[default]
    And,
    /// One is enough.
    Or,
}

/// A row rule: `name operator value`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct RowFilter {
    /// The field's name.
    pub name: String,
    /// The comparison.
    pub operator: RowOperator,
    /// What the field is compared with: a text (which may hold lookups such as `{user.id}`), number or boolean, or a list of them for
    /// `in` and `not in`; none for `is null` and `is not null`.
    #[serde(default)]
    pub value: Option<Value>,
}

/// The comparisons that row rules may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "each variant's word says what it does")]
pub enum RowOperator {
    #[serde(rename = "=")]
    Equal,
    #[serde(rename = "!=")]
    NotEqual,
    #[serde(rename = ">")]
    Greater,
    #[serde(rename = ">=")]
    GreaterOrEqual,
    #[serde(rename = "<")]
    Less,
    #[serde(rename = "<=")]
    LessOrEqual,
    In,
    #[serde(rename = "not in")]
    NotIn,
    #[serde(rename = "starts with")]
    StartsWith,
    #[serde(rename = "ends with")]
    EndsWith,
    Contains,
    #[serde(rename = "is null")]
    IsNull,
    #[serde(rename = "is not null")]
    IsNotNull,
}

/// A role, prepared for checking.
#[derive(Debug)]
pub struct Role {
    id: i64,
    name: String,
    is_active: bool,
    by_service: HashMap<String, Vec<Entry>>,
    all_services: Vec<Entry>,
}

/// How well an entry fits a request, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    All,
    Service,
    Component,
    Exact,
}

#[derive(Debug)]
struct Entry {
    component: String,
    /// The component up to its star, when it has one and something stands beside it.
    prefix: Option<String>,
    access: Access,
}

impl Role {
    /// Prepares a role. `id` is its number on the wire, `access` its entries in any order.
    pub fn new(id: i64, name: impl Into<String>, is_active: bool, access: Vec<Access>) -> Self {
        let mut role =
            Self { id, name: name.into(), is_active, by_service: HashMap::new(), all_services: Vec::new() };
        for access in access {
            let entries = match &access.service {
                None => &mut role.all_services,
                Some(service) => role.by_service.entry(fold(service).into_owned()).or_default(),
            };
            entries.push(Entry::new(access));
        }
        role
    }

    /// The role's number on the wire.
    pub const fn id(&self) -> i64 {
        self.id
    }

    /// The role's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// An inactive role grants nothing.
    pub const fn is_active(&self) -> bool {
        self.is_active
    }

    /// The verbs granted on a component (empty for the service's root): those of all entries of the best class that
    /// matches (exact, then component, then service, then all services). Entries of weaker classes add nothing.
    pub fn permissions(&self, service: &str, component: &str, requestor: Requestor) -> VerbMask {
        let component = normalise(component);
        let mut best = (Class::All, VerbMask::NONE);
        for (class, entry) in self.matching(service, &component, requestor) {
            if class > best.0 {
                best = (class, entry.access.verbs);
            } else if class == best.0 {
                best.1 = best.1 | entry.access.verbs;
            }
        }
        best.1
    }

    /// The row rules for a verb on a component, `None` when there are none. They come from one entry: of those that
    /// grant the verb the one of the best class, then with the longest component, then with rules.
    pub fn row_filters(
        &self,
        service: &str,
        component: &str,
        verb: Verb,
        requestor: Requestor,
    ) -> Option<(&[RowFilter], FilterOp)> {
        let component = normalise(component);
        let chosen = self
            .matching(service, &component, requestor)
            .filter(|(_, entry)| entry.access.verbs.contains(verb))
            .max_by_key(|(class, entry)| (*class, entry.component.len(), !entry.access.filters.is_empty()));
        let access = &chosen?.1.access;
        (!access.filters.is_empty()).then_some((access.filters.as_slice(), access.filter_op))
    }

    /// Whether an entry is about the first of two components and not about the second.
    pub fn names(&self, service: &str, (one, other): (&str, &str), requestor: Requestor) -> bool {
        let (one, other) = (normalise(one), normalise(other));
        self.matching(service, &one, requestor).any(|(class, entry)| match class {
            Class::All | Class::Service => false,
            Class::Component | Class::Exact => entry.class(&other).is_none(),
        })
    }

    /// Whether any entry for the service, or for all services, grants a verb.
    pub(super) fn touches(&self, service: &str, requestor: Requestor) -> bool {
        let grants = |entry: &Entry| {
            entry.access.requestors.includes(requestor) && !entry.access.verbs.grants_nothing()
        };
        self.is_active && self.own_entries(service).iter().chain(&self.all_services).any(grants)
    }

    fn own_entries(&self, service: &str) -> &[Entry] {
        self.by_service.get(fold(service).as_ref()).map_or(&[], Vec::as_slice)
    }

    fn matching<'a>(
        &'a self,
        service: &str,
        component: &str,
        requestor: Requestor,
    ) -> impl Iterator<Item = (Class, &'a Entry)> {
        let own = self.own_entries(service).iter().map(|entry| (entry.class(component), entry));
        let all = self.all_services.iter().map(|entry| (entry.class_for_all_services(component), entry));
        let is_active = self.is_active;
        own.chain(all)
            .filter(move |(_, entry)| is_active && entry.access.requestors.includes(requestor))
            .filter_map(|(class, entry)| class.map(|class| (class, entry)))
    }
}

impl Entry {
    fn new(access: Access) -> Self {
        let component = normalise(&access.component).into_owned();
        let prefix = match component.split_once('*') {
            Some((prefix, _)) if component != "*" => Some(prefix.to_owned()),
            _ => None,
        };
        Self { component, prefix, access }
    }

    fn class(&self, component: &str) -> Option<Class> {
        if self.component == component {
            return Some(Class::Exact);
        }
        if self.component == "*" {
            return Some(Class::Service);
        }
        let prefix = self.prefix.as_deref().filter(|_| !component.is_empty())?;
        // `_table/orders/*` covers `_table/orders` itself too.
        let is_covered = component.starts_with(prefix) || prefix.strip_suffix('/') == Some(component);
        is_covered.then_some(Class::Component)
    }

    fn class_for_all_services(&self, component: &str) -> Option<Class> {
        let is_covered = self.component == "*" || (self.component.is_empty() && component.is_empty());
        is_covered.then_some(Class::All)
    }
}

/// The form in which components are compared: no slash at either end, no call arguments, lower case.
pub(super) fn normalise(component: &str) -> Cow<'_, str> {
    let folded = fold(component.trim_matches('/'));
    let is_routine = folded.starts_with("_proc/") || folded.starts_with("_func/");
    if !is_routine || !folded.contains('(') {
        return folded;
    }
    Cow::Owned(without_arguments(&folded).trim_end_matches('/').to_owned())
}

/// The name of a routine in a segment of a path, and the text between the parentheses behind it. It is the same name that permission
/// is asked for.
pub(crate) fn called(segment: &str) -> (String, Option<&str>) {
    let name = without_arguments(segment);
    let rest = segment.strip_prefix(name.as_str());
    let arguments = rest.and_then(|rest| rest.strip_prefix('(')?.strip_suffix(')'));
    (name, arguments)
}

/// The text without its outermost `(…)` parts. Between single quotes a parenthesis is text; an unclosed one is part of the name.
fn without_arguments(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut depth = 0_usize;
    let mut opened_at = 0;
    let mut is_quoted = false;
    for (at, character) in text.char_indices() {
        match character {
            '\'' if depth > 0 => is_quoted = !is_quoted,
            _ if is_quoted => {}
            '(' => {
                if depth == 0 {
                    opened_at = at;
                }
                depth += 1;
            }
            ')' if depth > 0 => depth -= 1,
            _ if depth == 0 => kept.push(character),
            _ => {}
        }
    }
    if depth > 0 {
        kept.push_str(text.get(opened_at..).unwrap_or_default());
    }
    kept
}

/// Lower case, character by character, so that a prefix folds like the text it begins.
fn fold(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().flat_map(char::to_lowercase).collect())
}

#[cfg(test)]
mod tests;
