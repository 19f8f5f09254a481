//! Relationships that are changed: both sides of virtual ones are looked up before anything is done, and what is kept of them goes beside
//! the database. A foreign key goes where a relationship that it gives is deleted.

use connector_api::model::{Change, Column, ColumnType, Table, TableRef};
use serde_json::{Value as Json, json};

use super::tables::Later;
use super::work::Work;
use super::{extras, names, success};
use crate::error::ApiError;
use crate::extras::{TableExtras, VirtualRelationship};
use crate::operation::related::{check_access, naming};
use crate::operation::schema;
use crate::pipeline::Answer;
use crate::plan::Columns;
use crate::plan::schema::{KeptRelationship, check_names, foreign_key_of};
use crate::request::schema::{self as wishes, RelationshipWish, Said, TableWish};
use crate::schema::describe::relationship_object;
use crate::schema::names::{lookup_key, public_name};
use crate::schema::relationships::{Relationship, spelled};

/// What is to be kept of relationships, by their names.
type Kept = Vec<(String, KeptRelationship)>;

/// `_schema/{table}/_related`.
pub(super) async fn change_several(
    work: &Work<'_>,
    table: &str,
    body: Option<Json>,
) -> Result<Answer, ApiError> {
    let named = work.change_relationships(table, wishes::relationships(table, body)?).await?;
    if !work.options.is_shown {
        return Ok(names(&named));
    }
    let shown = work.shown_relationships(table, &named).await?;
    Ok(Answer::json(json!({ "resource": shown }).to_string()))
}

/// `_schema/{table}/_related/{relationship}`.
pub(super) async fn change_one(
    work: &Work<'_>,
    table: &str,
    name: &str,
    body: Option<Json>,
) -> Result<Answer, ApiError> {
    let named = work.change_relationships(table, vec![wishes::relationship(table, name, body)?]).await?;
    if !work.options.is_shown {
        return Ok(success());
    }
    let shown = work.shown_relationships(table, &named).await?.pop().unwrap_or_default();
    Ok(Answer::json(shown.to_string()))
}

impl Work<'_> {
    /// Changes relationships of a table; gives their names.
    async fn change_relationships(
        &self,
        table: &str,
        wished: Vec<RelationshipWish>,
    ) -> Result<Vec<String>, ApiError> {
        let table = self.existing(table).await?;
        let own = public_name(&table.table);
        let all = schema::relationships(&self.owner, &table).await?;
        for wish in wished.iter().filter(|wish| wish.is_virtual != Some(true)) {
            if let Some(name) = wish.name.as_ref().filter(|name| find(&all, name).is_none()) {
                return Err(ApiError::unknown_relationship(name, &own));
            }
        }
        let wish = TableWish::of_relationships(&own, wished);
        let kept = self.relationships(&wish, &table, &Later::new()).await?;
        let named = kept.iter().map(|(name, _)| name.clone()).collect();
        self.keep_relationships(&own, kept).await?;
        Ok(named)
    }

    /// What is to be kept of the relationships of a wish, found fit. Those that lead to tables which the same request creates later wait.
    pub(super) async fn relationships(
        &self,
        wish: &TableWish,
        table: &Table,
        later: &Later,
    ) -> Result<Kept, ApiError> {
        let Some(wished) = wish.related.as_deref().filter(|wished| !wished.is_empty()) else {
            return Ok(Kept::new());
        };
        let all = schema::relationships(&self.owner, table).await?;
        let table = with_fields(table, wish);
        let mut kept = Kept::with_capacity(wished.len());
        for one in wished {
            let one = self.with_services(one)?;
            if one.way.tables().any(|target| later.contains(&lookup_key(target))) {
                continue;
            }
            let mut one = KeptRelationship::of(&wish.name, &one, &all)?;
            if let Some(made) = &mut one.made {
                self.settle(made, &table).await?;
            }
            kept.push((one.name(&wish.name, &all)?, one));
        }
        check_names(&table, &kept, &all)?;
        Ok(kept)
    }

    /// Services by the names that they are configured with, and none for the table's own. A number is that of the list of services.
    fn with_services(&self, wish: &RelationshipWish) -> Result<RelationshipWish, ApiError> {
        let named = |said: &Said<String>| match said {
            Some(Some(name)) => {
                let service =
                    self.job.snapshot.service(name).ok_or_else(|| ApiError::unknown_service(name))?;
                let is_own = service.name() == self.job.service.name();
                Ok::<_, ApiError>(Some((!is_own).then(|| service.name().to_owned())))
            }
            said => Ok(said.clone()),
        };
        let mut wish = wish.clone();
        wish.way.ref_service = named(&wish.way.ref_service)?;
        wish.way.junction_service = named(&wish.way.junction_service)?;
        Ok(wish)
    }

    /// Tables and fields get the names that they have.
    async fn settle(&self, made: &mut VirtualRelationship, table: &Table) -> Result<(), ApiError> {
        made.field = fields_of(table, &made.field)?;
        let target = self.other_table(made.ref_service.as_deref(), &made.ref_table, table).await?;
        made.ref_field = fields_of(&target, &made.ref_field)?;
        made.ref_table = public_name(&target.table);
        if let Some(name) = &made.junction_table {
            let between = self.other_table(made.junction_service.as_deref(), name, table).await?;
            made.junction_field = fields_of(&between, &made.junction_field)?;
            made.junction_ref_field = fields_of(&between, &made.junction_ref_field)?;
            made.junction_table = Some(public_name(&between.table));
        }
        Ok(())
    }

    /// Of a table that the caller may not read nothing is said, not even whether it is there.
    async fn other_table(&self, service: Option<&str>, name: &str, own: &Table) -> Result<Table, ApiError> {
        if service.is_none() && lookup_key(name) == lookup_key(&public_name(&own.table)) {
            return Ok(own.clone());
        }
        check_access(self.job, service, &TableRef::new(name))?;
        let owner = self.job.of_service(service)?.owner(false).await.map_err(naming(service))?;
        let table = owner.table(name).await.map_err(naming(service))?;
        check_access(self.job, service, &table.table)?;
        Ok(Table::clone(&table))
    }

    /// Keeps what is said of relationships beside the database.
    pub(super) async fn keep_relationships(&self, table: &str, kept: Kept) -> Result<(), ApiError> {
        let change = move |mut extras: TableExtras| {
            for (name, one) in &kept {
                one.merge(name, extras.relationships.entry(name.clone()).or_default());
            }
            extras.tidied()
        };
        let before = self.owner.service.extras().table(table).unwrap_or_default();
        if change(before.clone()) == before {
            return Ok(());
        }
        extras::store(&self.owner, table.to_owned(), change).await
    }

    /// Deletes virtual relationships, and the foreign keys that give others.
    pub(super) async fn drop_relationships(&self, table: &str, names: &[String]) -> Result<(), ApiError> {
        let table = self.existing(table).await?;
        let own = public_name(&table.table);
        let all = schema::relationships(&self.owner, &table).await?;
        let kept = self.owner.service.extras().table(&own).unwrap_or_default().relationships;
        let mut changes = Vec::new();
        for name in names {
            // One that leads nowhere is no relationship, but can be deleted.
            let is_kept = kept.iter().any(|(known, kept)| is_same(known, name) && kept.made.is_some());
            match find(&all, name).filter(|known| !known.is_virtual) {
                Some(known) => {
                    let key = foreign_key_of(&table, known)?.name.clone();
                    changes.push(Change::DropForeignKey { table: table.table.clone(), name: key });
                }
                None if is_kept => {}
                None => return Err(ApiError::unknown_relationship(name, &own)),
            }
        }
        self.send(changes).await?;
        let names = names.to_vec();
        let forget = move |mut extras: TableExtras| {
            extras.relationships.retain(|known, _| !names.iter().any(|name| is_same(known, name)));
            extras
        };
        extras::store(&self.owner, own, forget).await
    }

    async fn shown_relationships(&self, table: &str, names: &[String]) -> Result<Vec<Json>, ApiError> {
        let table = self.existing(table).await?;
        let all = schema::relationships(&self.owner, &table).await?;
        Ok(names.iter().filter_map(|name| find(&all, name)).map(relationship_object).collect())
    }
}

fn find<'r>(all: &'r [Relationship], name: &str) -> Option<&'r Relationship> {
    all.iter().find(|known| is_same(&known.name, name))
}

fn is_same(known: &str, name: &str) -> bool {
    lookup_key(known) == lookup_key(name)
}

/// The table with the fields that the wish adds to it.
fn with_fields(table: &Table, wish: &TableWish) -> Table {
    let new = wish.fields.iter().flatten().filter(|field| Columns::new(table).find(&field.name).is_none());
    let new: Vec<Column> = new.map(|field| Column::new(&field.name, ColumnType::Other)).collect();
    let mut table = table.clone();
    table.columns.extend(new);
    table
}

fn fields_of(table: &Table, fields: &[String]) -> Result<Vec<String>, ApiError> {
    spelled(table, fields).ok_or_else(|| {
        let is_missing = |field: &&String| spelled(table, std::slice::from_ref(*field)).is_none();
        let missing = fields.iter().find(is_missing).map_or("", String::as_str);
        ApiError::unknown_field(missing, public_name(&table.table))
    })
}
