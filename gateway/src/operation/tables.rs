//! Tables as those who want their rows call them: by their aliases, where they have some. Descriptions keep the names of the database.
//!
//! Roles name tables as paths do. What a role says of a table by the database's name, and not by its alias, still holds: an alias never
//! leads around an entry of a role.

use std::borrow::Cow;
use std::sync::Arc;

use connector_api::model::TableRef;

use super::{Job, Owner, component};
use crate::error::ApiError;
use crate::pipeline;
use crate::plan::RowRules;
use crate::roles::{Denial, Verb, VerbMask};
use crate::schema::known::Known;
use crate::schema::names::{lookup_key, public_name};

/// A table of which rows are wanted.
#[derive(Debug, Clone)]
pub(super) struct Called<'n> {
    /// What the caller calls it.
    pub(super) name: &'n str,
    /// What the database calls it, where that may be another name.
    pub(super) own: Cow<'n, str>,
}

impl Owner {
    /// The table that clients call so.
    ///
    /// # Errors
    /// There is none; it has an alias, and this is not it.
    pub(super) async fn called(&self, name: &str) -> Result<Arc<Known>, ApiError> {
        let extras = self.service.extras();
        if !extras.have_table_aliases() {
            return self.table(name).await;
        }
        if let Some(own) = extras.table_of_alias(name) {
            return self.find(&own).await?.ok_or_else(|| ApiError::unknown_table(name));
        }
        let table = self.table(name).await?;
        match extras.alias_of_table(&public_name(&table.table)) {
            Some(alias) => Err(ApiError::table_by_alias(name, alias)),
            None => Ok(table),
        }
    }
}

impl<'a> Job<'a> {
    /// The names of a table that the caller calls so.
    pub(super) fn called<'n>(self, name: &'n str, table: &TableRef) -> Called<'n> {
        let has_alias = self.service.extras().have_table_aliases();
        let own = if has_alias { Cow::Owned(public_name(table)) } else { Cow::Borrowed(name) };
        Called { name, own }
    }

    /// What clients call a table of the service.
    pub(super) fn name_of(self, table: &TableRef) -> String {
        let own = public_name(table);
        self.service.extras().alias_of_table(&own).unwrap_or(own)
    }

    /// What the caller may do with rows of a table.
    pub(super) fn access_to_rows(self, table: &Called<'_>) -> VerbMask {
        let verbs = self.access(&of_rows(table.name));
        if self.is_bound(table) { verbs & self.access(&of_rows(&table.own)) } else { verbs }
    }

    /// Whether the caller may do this with rows of a table.
    pub(super) fn permit_rows(self, table: &Called<'_>, verb: Verb) -> Result<(), ApiError> {
        let resource = ["_table".to_owned(), table.name.to_owned()];
        pipeline::permit(self.caller, self.service.name(), &resource, verb)?;
        self.permit_own(table, verb)
    }

    /// The same for what the role says of the database's name alone, of whom the name that was called is permitted.
    pub(super) fn permit_own(self, table: &Called<'_>, verb: Verb) -> Result<(), ApiError> {
        let is_denied = self.is_bound(table) && !self.access(&of_rows(&table.own)).contains(verb);
        if is_denied { Err(self.denied(table, verb)) } else { Ok(()) }
    }

    /// The row rules of the caller's role for a verb on rows of a table.
    ///
    /// # Errors
    /// Entries for both names of the table have row rules, and these are not the same.
    pub(super) fn rules_of_rows(
        self,
        table: &Called<'_>,
        verb: Verb,
    ) -> Result<Option<RowRules<'a>>, ApiError> {
        let rules = self.rules_of(table.name, verb);
        if !self.is_bound(table) {
            return Ok(rules);
        }
        match (rules, self.rules_of(&table.own, verb)) {
            (Some(rules), Some(own)) if rules == own => Ok(Some(own)),
            (Some(_), Some(_)) => Err(self.denied(table, verb)),
            (rules, own) => Ok(rules.or(own)),
        }
    }

    fn rules_of(self, table: &str, verb: Verb) -> Option<RowRules<'a>> {
        let caller = self.caller;
        let role = caller.role.as_ref().filter(|_| !caller.is_admin)?;
        let (filters, op) = role.row_filters(self.service.name(), &of_rows(table), verb, caller.requestor)?;
        Some(RowRules { filters, op })
    }

    /// Whether the role says something of the table by the database's name that it does not say by its alias.
    fn is_bound(self, Called { name, own }: &Called<'_>) -> bool {
        let role = self.caller.role.as_ref().filter(|_| !self.caller.is_admin);
        let (service, requestor) = (self.service.name(), self.caller.requestor);
        let says_more =
            || role.is_some_and(|role| role.names(service, (&of_rows(own), &of_rows(name)), requestor));
        name != own && lookup_key(name) != lookup_key(own) && says_more()
    }

    /// That the caller may not do this with rows of a table.
    pub(super) fn denied(self, table: &Called<'_>, verb: Verb) -> ApiError {
        let (component, service) = (of_rows(table.name), self.service.name().to_owned());
        Denial::ComponentForbidden { verb, component, service }.into()
    }
}

/// The rows of a table as roles name them.
pub(super) fn of_rows(table: &str) -> String {
    component(&["_table".to_owned(), table.to_owned()])
}
