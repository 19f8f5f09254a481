//! Related rows inside of rows: one query for each relationship of a level, whatever the number of rows, and two where a table stands
//! between. Each goes through the door that a request for these rows would go through: the caller may read the table, and its row rules are
//! part of the query. That holds for the table between two as well, and for tables of other services.

mod flat;
mod members;

use std::collections::HashMap;

use connector_api::model::batch::Cell;
use connector_api::model::{TableRef, Value};
use connector_api::{Error, ErrorKind};
use serde_json::Value as Json;

use super::Job;
use super::keys::{json_of_cell, key_of_cells, key_of_values};
use super::records::{Target, for_each_row};
use crate::error::ApiError;
use crate::plan::{self, RelatedRows};
use crate::request::{Fields, TableRead};
use crate::response::{RowEncoder, RowFormat, append_list, append_member};
use crate::roles::Verb;
use crate::schema::relationships::{Relationship, RelationshipKind};

pub(super) use members::{MAX_DEPTH, Member, check_access, members, naming, settle};

/// A row on its way into an answer.
#[derive(Clone)]
pub(super) struct Row {
    /// What is shown of it.
    pub(super) json: Vec<u8>,
    /// The values that lead to related rows: as many as [`lead`] names.
    pub(super) lead: Vec<Json>,
}

/// A row whose related rows are wanted, and a key that they have.
type Link = (usize, Vec<Json>);

/// Rows for others.
struct Found {
    rows: Vec<Row>,
    /// For each of the others, by its number, which rows are its own.
    of: Vec<Vec<usize>>,
}

/// Rows that are read by keys.
struct Step<'a> {
    /// The service of the table.
    job: Job<'a>,
    table: &'a TableRef,
    /// The columns that have the keys.
    columns: Vec<String>,
    read: &'a TableRead,
    lead: Vec<String>,
    /// The rows between two tables are all read, whatever the limit.
    is_between: bool,
    tie: Tie,
}

/// What is known of rows by keys.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tie {
    /// The keys refer to rows that are there, unless they are hidden.
    Reference,
    /// The rows refer to what has the keys.
    Referring,
    /// Nothing: the keys may be of another type, and no row need have them.
    Virtual,
}

impl Step<'_> {
    /// The same with the names that clients have for columns of the table.
    fn named(&self, target: &Target<'_>) -> Self {
        let (columns, lead) = (target.table.names(&self.columns), target.table.names(&self.lead));
        Self { columns, lead, ..*self }
    }
}

/// Rows that are looked up by keys, for who writes beside them.
pub(super) struct LookUp<'a> {
    pub(super) table: &'a TableRef,
    /// The columns that have the keys.
    pub(super) columns: &'a [String],
    /// The columns whose values are wanted.
    pub(super) lead: &'a [String],
}

/// For each key, all of its rows, as far as the caller may see them.
///
/// # Errors
/// A table that the caller may not read; what [`Embedding::embed`] says.
pub(super) async fn rows_of_keys(
    job: Job<'_>,
    wanted: LookUp<'_>,
    keys: Vec<Vec<Json>>,
) -> Result<Vec<Vec<Row>>, ApiError> {
    let LookUp { table, columns, lead } = wanted;
    check_access(job, None, table)?;
    let read = TableRead { fields: Fields::Identifiers, ..TableRead::default() };
    let lead = lead.to_vec();
    let tie = Tie::Reference;
    let columns = columns.to_vec();
    let step = Step { job, table, columns, read: &read, lead, is_between: true, tie };
    let (owners, links) = (keys.len(), keys.into_iter().enumerate().collect::<Vec<Link>>());
    let found = Box::pin(Embedding::new(job).rows(&step, "", &links, owners)).await?;
    let rows = |own: &Vec<usize>| own.iter().filter_map(|place| found.rows.get(*place)).cloned().collect();
    Ok(found.of.iter().map(rows).collect())
}

/// The columns whose values lead to the rows of these relationships, each once.
pub(super) fn lead(members: &[Member<'_>]) -> Vec<String> {
    let mut lead: Vec<String> = Vec::new();
    for column in members.iter().flat_map(|member| &member.relationship.columns) {
        if !lead.contains(column) {
            lead.push(column.clone());
        }
    }
    lead
}

/// An answer into which related rows are put.
pub(super) struct Embedding {
    /// The most bytes that may be held.
    most: usize,
    /// How many more bytes may be held.
    room: usize,
    /// Relationships of which some row has more rows than it shows.
    truncated: Vec<String>,
}

impl Embedding {
    pub(super) fn new(job: Job<'_>) -> Self {
        Self { most: job.max_held(), room: job.max_held(), truncated: Vec::new() }
    }

    /// What `meta` says of relationships of which some row has more rows than it shows.
    pub(super) fn truncated(self) -> Option<(String, Json)> {
        (!self.truncated.is_empty()).then(|| ("related_truncated".to_owned(), self.truncated.into()))
    }

    /// Puts the related rows into these rows, whose values are those of [`lead`].
    ///
    /// # Errors
    /// A table that the caller may not read; whatever refuses the read; more bytes than may be held.
    pub(super) async fn embed(&mut self, members: &[Member<'_>], rows: &mut [Row]) -> Result<(), ApiError> {
        let lead = lead(members);
        for member in members {
            let links = links(rows, &lead, &member.relationship.columns);
            let found = Box::pin(self.found(member, links, rows.len())).await?;
            for (row, own) in rows.iter_mut().zip(&found.of) {
                let own =
                    own.iter().filter_map(|place| found.rows.get(*place)).map(|row| row.json.as_slice());
                let before = row.json.len();
                put(&mut row.json, &member.relationship, own)?;
                self.take(row.json.len().saturating_sub(before))?;
            }
        }
        Ok(())
    }

    async fn found(
        &mut self,
        member: &Member<'_>,
        links: Vec<Link>,
        owners: usize,
    ) -> Result<Found, ApiError> {
        let relationship = &member.relationship;
        let tie = |tie| if relationship.is_virtual { Tie::Virtual } else { tie };
        let links = match &relationship.junction {
            None => links,
            Some(junction) => {
                let read = TableRead { fields: Fields::Identifiers, ..TableRead::default() };
                let lead = junction.target_columns.clone();
                let (table, columns) = (&junction.table, junction.columns.clone());
                let (job, tie) = (member.between, tie(Tie::Referring));
                let step = Step { job, table, columns, read: &read, lead, is_between: true, tie };
                let between = self.rows(&step, relationship.public_name(), &links, owners).await;
                let between = between.map_err(naming(junction.service.as_deref()))?;
                through(&between)
            }
        };
        let step = Step {
            job: member.job,
            table: &relationship.target,
            columns: relationship.target_columns.clone(),
            read: &member.read,
            lead: lead(&member.members),
            is_between: false,
            tie: tie(match relationship.kind {
                RelationshipKind::BelongsTo | RelationshipKind::ManyMany => Tie::Reference,
                RelationshipKind::HasOne | RelationshipKind::HasMany => Tie::Referring,
            }),
        };
        let found = self.rows(&step, relationship.public_name(), &links, owners).await;
        let mut found = found.map_err(naming(relationship.service.as_deref()))?;
        self.embed(&member.members, &mut found.rows).await?;
        Ok(found)
    }

    /// The rows with these keys.
    async fn rows(
        &mut self,
        step: &Step<'_>,
        name: &str,
        links: &[Link],
        owners: usize,
    ) -> Result<Found, ApiError> {
        let mut target = Target::find(step.job, &step.job.name_of(step.table), Verb::Get, false).await?;
        let step = &step.named(&target);
        target.reach(step.job, step.read.filter.as_ref()).await?;
        let keys = Keys::of(&target, step, links)?;
        let limit = target.plan(|scope| Ok(plan::rows_of_key(step.read, scope)))?;
        let limit = if step.is_between { usize::MAX } else { limit };
        let mut own = Own { found: Found::of(owners), limit, is_cut: false, room: self.room };
        // Asked for even if no row is looked for: what is wrong with it is told whatever rows there are.
        let is_sure = own.read(&target, step, &keys.values, |key| keys.owners(key)).await?;
        // A database may take texts for equal that differ here. Then it has to say itself whose each row is.
        if !is_sure {
            own = Own { found: Found::of(owners), limit, is_cut: false, room: self.room };
        }
        for (value, owners) in keys.values.iter().zip(&keys.links) {
            if !is_sure || (step.tie == Tie::Reference && is_unmet(value, owners, &own.found)) {
                own.read(&target, step, std::slice::from_ref(value), |_| Some(owners)).await?;
            }
        }
        self.room = own.room;
        if own.is_cut && !self.truncated.iter().any(|known| known == name) {
            self.truncated.push(name.to_owned());
        }
        Ok(own.found)
    }

    fn take(&mut self, bytes: usize) -> Result<(), ApiError> {
        let left = self.room.checked_sub(bytes);
        self.room = left.ok_or_else(|| ApiError::rows_too_large(self.most))?;
        Ok(())
    }
}

impl Found {
    fn of(owners: usize) -> Self {
        Self { rows: Vec::new(), of: vec![Vec::new(); owners] }
    }
}

/// Which rows belong to whom, as they come.
struct Own {
    found: Found,
    /// The most rows of one.
    limit: usize,
    is_cut: bool,
    /// How many more bytes may be held.
    room: usize,
}

impl Own {
    /// Reads the rows with these keys and gives each to whom `owners` says. Whether all of them have owners.
    async fn read<'k>(
        &mut self,
        target: &Target<'_>,
        step: &Step<'_>,
        keys: &[Vec<Value>],
        owners: impl Fn(&[u8]) -> Option<&'k Vec<usize>>,
    ) -> Result<bool, ApiError> {
        let wanted = RelatedRows { columns: &step.columns, keys, lead: &step.lead };
        let mut is_sure = true;
        for plan in target.plan(|scope| plan::related(&wanted, step.read, scope))? {
            let mut encoder = RowEncoder::new(&plan.shown, RowFormat::Objects)
                .with_numbers(target.layout.numbers())
                .with_others(plan.query.others);
            for_each_row(target, &plan, |columns, row| {
                let key = key_of_cells(cells(&columns.names, &step.columns, row)?.into_iter())?;
                let Some(owners) = owners(&key) else {
                    is_sure = false;
                    return Ok(());
                };
                if !self.takes(owners) {
                    return Ok(());
                }
                let mut json = Vec::with_capacity(256);
                encoder.columns(&columns.names)?;
                encoder.write_alone(&mut json, row)?;
                let lead = cells(&columns.names, &step.lead, row)?.into_iter().map(json_of_cell);
                self.keep(Row { json, lead: lead.collect::<Result<_, _>>()? }, target.max_held)
            })
            .await?;
        }
        Ok(is_sure)
    }

    /// Gives the next row to these; whether one of them takes it.
    fn takes(&mut self, owners: &[usize]) -> bool {
        let place = self.found.rows.len();
        let mut is_taken = false;
        for owner in owners {
            let Some(own) = self.found.of.get_mut(*owner) else { continue };
            if own.len() >= self.limit {
                self.is_cut = true;
            } else {
                own.push(place);
                is_taken = true;
            }
        }
        is_taken
    }

    fn keep(&mut self, row: Row, most: usize) -> Result<(), Error> {
        let lead: usize = row.lead.iter().map(|value| value.as_str().map_or(16, str::len)).sum();
        let left = self.room.checked_sub(row.json.len() + lead + size_of::<Row>());
        self.room = left.ok_or_else(|| too_large(most))?;
        self.found.rows.push(row);
        Ok(())
    }
}

/// More bytes of related rows than are held.
pub(super) fn too_large(most: usize) -> Error {
    let message = format!(
        "the related rows are larger than the {most} bytes that this server holds; ask for fewer rows or fields"
    );
    Error::new(ErrorKind::InvalidRequest, message)
}

/// The keys of a query, each once, and who looks for rows with each.
struct Keys {
    values: Vec<Vec<Value>>,
    links: Vec<Vec<usize>>,
    /// Places in both by the bytes of a key.
    places: HashMap<Vec<u8>, usize>,
}

impl Keys {
    fn of(target: &Target<'_>, step: &Step<'_>, links: &[Link]) -> Result<Self, ApiError> {
        let mut keys = Self { values: Vec::new(), links: Vec::new(), places: HashMap::new() };
        for (owner, parts) in links {
            let readings = match step.tie {
                Tie::Virtual => target.plan(|scope| Ok(plan::fitting_keys(&step.columns, parts, scope)))?,
                Tie::Reference | Tie::Referring => {
                    let typed = target.plan(|scope| plan::typed_key(&step.columns, parts, scope))?;
                    typed.into_iter().collect()
                }
            };
            for values in readings {
                let key = key_of_values(&values).map_err(|error| target.owner.failed(error))?;
                keys.add(*owner, key, values);
            }
        }
        Ok(keys)
    }

    fn add(&mut self, owner: usize, key: Vec<u8>, values: Vec<Value>) {
        let place = *self.places.entry(key).or_insert(self.values.len());
        if place == self.values.len() {
            self.values.push(values);
            self.links.push(Vec::new());
        }
        // Links come owner by owner, so one that is named twice is the last.
        if let Some(owners) = self.links.get_mut(place).filter(|owners| owners.last() != Some(&owner)) {
            owners.push(owner);
        }
    }

    /// Who looks for rows with this key.
    fn owners(&self, key: &[u8]) -> Option<&Vec<usize>> {
        self.links.get(*self.places.get(key)?)
    }
}

/// Whether a key with a text has found nothing: the row that it refers to may be written in another way.
fn is_unmet(key: &[Value], owners: &[usize], found: &Found) -> bool {
    let is_empty = |owner: &usize| found.of.get(*owner).is_none_or(Vec::is_empty);
    key.iter().any(|value| matches!(value, Value::Text(_))) && owners.iter().any(is_empty)
}

/// The values of each row under these columns.
fn links(rows: &[Row], lead: &[String], columns: &[String]) -> Vec<Link> {
    let places: Vec<usize> =
        columns.iter().filter_map(|column| lead.iter().position(|known| known == column)).collect();
    let key = |row: &Row| places.iter().filter_map(|place| row.lead.get(*place)).cloned().collect();
    rows.iter().enumerate().map(|(number, row)| (number, key(row))).collect()
}

/// From the rows between two tables to those behind them.
fn through(between: &Found) -> Vec<Link> {
    let own =
        between.of.iter().enumerate().flat_map(|(owner, own)| own.iter().map(move |place| (owner, *place)));
    own.filter_map(|(owner, place)| Some((owner, between.rows.get(place)?.lead.clone()))).collect()
}

/// The cells of a row in these columns.
fn cells<'c>(names: &[String], wanted: &[String], row: &[Cell<'c>]) -> Result<Vec<Cell<'c>>, Error> {
    let places = RowEncoder::places_of(names, wanted)?;
    Ok(places.iter().filter_map(|place| row.get(*place)).copied().collect())
}

/// Puts the rows of a relationship into the row to which they belong.
fn put<'r>(
    json: &mut Vec<u8>,
    relationship: &Relationship,
    mut rows: impl Iterator<Item = &'r [u8]>,
) -> Result<(), ApiError> {
    let is_single = matches!(relationship.kind, RelationshipKind::BelongsTo | RelationshipKind::HasOne);
    if !(is_single && relationship.extras.flatten) {
        append_member(json, relationship.public_name(), &value(relationship.kind, rows));
        return Ok(());
    }
    match rows.next() {
        Some(row) => flat::put(json, relationship, row),
        None => Ok(()),
    }
}

/// What an answer shows. Where there can be one row only, one that is referred to is null if it is missing, and one that refers is `[]`.
fn value<'r>(kind: RelationshipKind, mut rows: impl Iterator<Item = &'r [u8]>) -> Vec<u8> {
    let missing: &[u8] = match kind {
        RelationshipKind::BelongsTo => b"null",
        RelationshipKind::HasOne => b"[]",
        RelationshipKind::HasMany | RelationshipKind::ManyMany => {
            let mut list = Vec::new();
            append_list(&mut list, rows);
            return list;
        }
    };
    rows.next().unwrap_or(missing).to_vec()
}
