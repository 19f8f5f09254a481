//! The change of one table: found, planned, sent, and what is kept of it beside the database.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use connector_api::model::{Change, ChangeSchema, Table, TableKind};
use serde_json::Value as Json;

use super::tables::Later;
use super::{extras, outcome};
use crate::error::ApiError;
use crate::operation::tables::Called;
use crate::operation::{Job, Owner, schema};
use crate::pipeline;
use crate::plan::Columns;
use crate::plan::schema::{Removal, Target, Targets, altered, created, new_table_ref};
use crate::request::SchemaWrite;
use crate::request::schema::{self as wishes, FieldWish, TableWish};
use crate::roles::Verb;
use crate::schema::catalogue::{Catalogue, Source};
use crate::schema::names::{lookup_key, public_name};

/// Changes of the schema by one request.
pub(super) struct Work<'a> {
    pub(super) job: Job<'a>,
    pub(super) owner: Owner,
    verb: Verb,
    pub(super) options: SchemaWrite,
}

/// Whatever became of a change, nothing is believed that was read before its end.
struct Outdating<'a>(&'a Catalogue);

impl Drop for Outdating<'_> {
    fn drop(&mut self) {
        self.0.outdate();
    }
}

impl<'a> Work<'a> {
    pub(super) async fn new(job: Job<'a>, verb: Verb, options: SchemaWrite) -> Result<Self, ApiError> {
        let owner = job.owner(false).await?;
        extras::check_file(&owner).await?;
        Ok(Self { owner, job, verb, options })
    }

    /// Whether the caller may do this with a table that the body names.
    pub(super) fn permit(&self, table: &str) -> Result<(), ApiError> {
        let resource = ["_schema".to_owned(), table.to_owned()];
        Ok(pipeline::permit(self.job.caller, self.job.service.name(), &resource, self.verb)?)
    }

    /// Whoever refers to a table learns which rows it has, so the caller must be allowed to read every one.
    fn permit_reference(&self, table: &str) -> Result<(), ApiError> {
        let alias = self.owner.service.extras().alias_of_table(table);
        let called = Called { name: alias.as_deref().unwrap_or(table), own: table.into() };
        self.job.permit_rows(&called, Verb::Get)?;
        match self.job.rules_of_rows(&called, Verb::Get)? {
            Some(_) => Err(self.job.denied(&called, Verb::Get)),
            None => Ok(()),
        }
    }

    /// The same for all references that are about to be made, by the store's own names of the tables.
    fn permit_references(&self, changes: &[Change]) -> Result<(), ApiError> {
        for change in changes {
            match change {
                Change::AddForeignKey { foreign_key, .. } => {
                    self.permit_reference(&public_name(&foreign_key.references))?;
                }
                // A new table has no rows yet that a reference to itself could tell.
                Change::CreateTable(table) => {
                    for key in table.foreign_keys.iter().filter(|key| key.references != table.table) {
                        self.permit_reference(&public_name(&key.references))?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// By other names and functions roles permit other things, and rows show other values: so that is for who may do everything with all
    /// of them.
    fn permit_names(&self, table: &str) -> Result<(), ApiError> {
        let alias = self.owner.service.extras().alias_of_table(table);
        let called = Called { name: alias.as_deref().unwrap_or(table), own: table.into() };
        for verb in [Verb::Get, Verb::Post, Verb::Put, Verb::Patch, Verb::Delete] {
            self.job.permit_rows(&called, verb)?;
            if self.job.rules_of_rows(&called, verb)?.is_some() {
                return Err(self.job.denied(&called, verb));
            }
        }
        Ok(())
    }

    /// The name under which the answer's lists stand.
    pub(super) fn wrapper(&self) -> &str {
        &self.job.layout.wrapper
    }

    /// The verb of the request.
    pub(super) fn verb(&self) -> Verb {
        self.verb
    }

    /// What is to go, by the options or else by the body.
    pub(super) fn named(&self, body: Option<Json>) -> Result<Vec<String>, ApiError> {
        let names = match &self.options.ids {
            Some(ids) => ids.clone(),
            None => wishes::names(body)?,
        };
        wishes::bound_fields(names.len())?;
        if names.is_empty() { Err(ApiError::nothing_to_drop()) } else { Ok(names) }
    }

    /// What becomes of fields that a table's wish does not list.
    pub(super) fn removal(&self) -> Removal {
        let may_go = self.options.allow_delete || self.job.service.settings().config.put_drops_fields;
        match self.verb {
            Verb::Put if may_go => Removal::Go,
            Verb::Put => Removal::Refused,
            _ => Removal::Stay,
        }
    }

    /// The table as the store has it now.
    pub(super) async fn find(&self, name: &str) -> Result<Option<Arc<Table>>, ApiError> {
        let table = self.owner.service.catalogue().table(name, &self.now()).await;
        let table = table.map_err(|error| self.owner.failed(error))?;
        Ok(table.map(|table| Arc::clone(self.owner.known(table).own())))
    }

    /// Where descriptions come from that are not older than this call.
    fn now(&self) -> Source {
        Owner { not_before: Some(Instant::now()), ..self.owner.clone() }.source()
    }

    pub(super) async fn existing(&self, name: &str) -> Result<Arc<Table>, ApiError> {
        self.find(name).await?.ok_or_else(|| ApiError::unknown_table(name))
    }

    /// Changes a table that exists; gives its name.
    pub(super) async fn change(&self, wish: &TableWish, removal: Removal) -> Result<String, ApiError> {
        let table = self.existing(&wish.name).await?;
        self.change_known(wish, &table, removal, &Later::new()).await
    }

    /// Changes a table that is known; `later` are the tables that the same request creates after it.
    pub(super) async fn change_known(
        &self,
        wish: &TableWish,
        table: &Table,
        removal: Removal,
        later: &Later,
    ) -> Result<String, ApiError> {
        extras::check(wish)?;
        let name = public_name(&table.table);
        if extras::renames(&self.owner, (wish, &name), table) {
            self.permit_names(&name)?;
        }
        self.check_names(wish, &name, table).await?;
        let described = schema::description(self.job, &self.owner, table).await?;
        let described = wishes::table(&name, Some(described))?;
        let stored = self.stored(wish, table);
        let targets = self.targets(&stored, Some(table), later).await?;
        let related = self.relationships(wish, table, later).await?;
        let changes = altered(&stored, (table, &described), removal, &targets)?;
        self.permit_references(&changes)?;
        self.send(changes).await?;
        self.keep(wish, &name, removal == Removal::Go).await?;
        self.keep_relationships(&name, related).await?;
        Ok(name)
    }

    /// Creates a table; gives its name.
    pub(super) async fn create(&self, wish: &TableWish, later: &Later) -> Result<String, ApiError> {
        extras::check(wish)?;
        let known = self.owner.service.catalogue().list(&self.now()).await;
        let known = known.map_err(|error| self.owner.failed(error))?;
        let stored = self.stored(wish, &Table::default());
        let targets = self.targets(&stored, None, later).await?;
        let table = created(&stored, new_table_ref(&wish.name, &known)?, &targets)?;
        let name = public_name(&table.table);
        self.check_names(wish, &name, &Table::default()).await?;
        let related = self.relationships(wish, &table, later).await?;
        let changes = vec![Change::CreateTable(table)];
        self.permit_references(&changes)?;
        self.send(changes).await?;
        self.keep(wish, &name, false).await?;
        self.keep_relationships(&name, related).await?;
        Ok(name)
    }

    /// The wish without the fields that no database has.
    fn stored(&self, wish: &TableWish, table: &Table) -> TableWish {
        let name = public_name(&table.table);
        let is_kept = |field: &FieldWish| {
            let is_column = Columns::new(table).find(&field.name).is_some();
            is_column || !(field.is_virtual || extras::is_virtual(&self.owner, &name, &field.name))
        };
        let mut stored = wish.clone();
        if let Some(fields) = &mut stored.fields {
            fields.retain(is_kept);
        }
        stored
    }

    /// Refuses aliases that others have; looks at the others where there may be any.
    async fn check_names(&self, wish: &TableWish, name: &str, table: &Table) -> Result<(), ApiError> {
        let tables = match wish.extras.alias {
            Some(Some(_)) => self.owner.service.catalogue().list(&self.now()).await,
            _ => Ok(Vec::new()),
        };
        let tables = tables.map_err(|error| self.owner.failed(error))?;
        let others: Vec<String> =
            tables.iter().map(|table| public_name(&table.table)).filter(|other| other != name).collect();
        extras::check_names(&self.owner, (wish, name), table, &others)
    }

    /// Drops a table and forgets its extras.
    pub(super) async fn drop_table(&self, name: &str) -> Result<String, ApiError> {
        let table = self.existing(name).await?;
        if table.kind == TableKind::View {
            return Err(ApiError::unsupported(format!("Dropping the view '{name}'")));
        }
        let name = public_name(&table.table);
        self.send(vec![Change::DropTable(table.table.clone())]).await?;
        extras::forget_table(&self.owner, &name).await?;
        Ok(name)
    }

    /// Drops fields of a table and forgets their extras.
    pub(super) async fn drop_fields(&self, table: &str, fields: &[String]) -> Result<(), ApiError> {
        let table = self.existing(table).await?;
        let name = public_name(&table.table);
        let (computed, fields): (Vec<&String>, Vec<&String>) =
            fields.iter().partition(|field| extras::is_virtual(&self.owner, &name, field));
        if table.kind == TableKind::View && !fields.is_empty() {
            return Err(ApiError::unsupported(format!("Dropping fields of the view '{name}'")));
        }
        let spelled = fields.iter().map(|field| {
            let found = Columns::new(&table).find(field).map(|column| column.name.clone());
            found.ok_or_else(|| ApiError::unknown_field(field, &name))
        });
        let mut spelled = spelled.collect::<Result<Vec<_>, _>>()?;
        let drop = |name: &String| Change::DropColumn { table: table.table.clone(), name: name.clone() };
        self.send(spelled.iter().map(drop).collect()).await?;
        spelled.extend(computed.into_iter().cloned());
        extras::forget_fields(&self.owner, &name, spelled).await
    }

    /// The tables that a wish refers to, and those that the table refers to already. Of a further one nothing is said to who may not
    /// refer to it, not even whether it is there.
    async fn targets(
        &self,
        wish: &TableWish,
        table: Option<&Table>,
        later: &Later,
    ) -> Result<Targets, ApiError> {
        let mut targets = Targets::new();
        let keys = table.iter().flat_map(|table| &table.foreign_keys);
        let present: Vec<String> = keys.map(|key| public_name(&key.references)).collect();
        let own = [lookup_key(&wish.name)];
        let known: HashSet<String> = present.iter().map(|name| lookup_key(name)).chain(own).collect();
        for name in wish.targets() {
            let key = lookup_key(name);
            if !known.contains(&key) {
                self.permit_reference(name)?;
            }
            if later.contains(&key) {
                targets.insert(name.to_owned(), Target::Later);
            }
        }
        let wished = wish.targets().map(str::to_owned);
        for name in wished.chain(present) {
            if targets.contains_key(&name) {
                continue;
            }
            let found = self.owner.service.catalogue().table(&name, &self.owner.source()).await;
            if let Some(found) = found.map_err(|error| self.owner.failed(error))? {
                targets.insert(name, Target::Known(found));
            }
        }
        Ok(targets)
    }

    /// Sends the changes of one table in one call.
    pub(super) async fn send(&self, changes: Vec<Change>) -> Result<(), ApiError> {
        if changes.is_empty() {
            return Ok(());
        }
        let Owner { connection, service, .. } = &self.owner;
        if !connection.capabilities().schema_changes {
            return Err(ApiError::unsupported("changing the schema"));
        }
        let outdating = Outdating(service.catalogue());
        let shape = ChangeSchema { changes };
        let done = connection.change_schema(&shape, self.owner.call_context()).await;
        drop(outdating);
        let outcomes = done.map_err(|error| self.owner.failed(error).of_schema())?;
        match outcome::failure(&shape.changes, &outcomes) {
            None => Ok(()),
            Some(failure) => {
                self.owner.note(&failure.error);
                Err(failure.into_error())
            }
        }
    }

    /// Keeps what is said of a table and no store knows.
    async fn keep(&self, wish: &TableWish, name: &str, drops: bool) -> Result<(), ApiError> {
        let table = self.existing(name).await?;
        let bare = schema::bare(self.job, &self.owner, &table).await?;
        let bare = wishes::table(name, Some(bare))?;
        extras::keep(&self.owner, (wish, &bare), (&table, drops)).await
    }

    /// A table in full, as it is now.
    pub(super) async fn shown(&self, name: &str) -> Result<Json, ApiError> {
        let table = self.existing(name).await?;
        schema::description(self.job, &self.owner, &table).await
    }

    /// Some fields of a table in full, as they are now.
    pub(super) async fn shown_fields(&self, table: &str, names: &[String]) -> Result<Vec<Json>, ApiError> {
        let mut shown = self.shown(table).await?;
        let fields =
            shown.get_mut("field").and_then(Json::as_array_mut).map(std::mem::take).unwrap_or_default();
        let is_named = |field: &Json| {
            let name = field.get("name").and_then(Json::as_str).unwrap_or_default();
            names.iter().any(|named| lookup_key(named) == lookup_key(name))
        };
        Ok(fields.into_iter().filter(is_named).collect())
    }
}
