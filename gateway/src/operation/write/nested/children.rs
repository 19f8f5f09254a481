//! The rows that refer to a record, after the record is written: created, deleted, then changed, adopted and disowned. All of a kind go in
//! one request.

use serde_json::Value as Json;

use super::steps::{Steps, Wanted};
use super::work::Work;
use super::{Owner, joined, missing};
use crate::error::ApiError;
use crate::plan::{Child, Wish};
use crate::request::Record;

/// What is sent, in this order.
#[derive(Default)]
struct Sorted {
    created: Vec<Record>,
    removed: Vec<Record>,
    /// With the rank of their wish: changes go before adoptions and these before what is disowned.
    changed: Vec<(u8, Record)>,
}

/// Writes them.
pub(super) async fn write(steps: &Steps<'_>, work: &Work, owner: &Owner) -> Result<(), ApiError> {
    let links = owner.values(&work.relationship.columns)?;
    let mut sorted = Sorted::default();
    if work.is_cleared {
        clear(steps, work, &links, &mut sorted).await?;
    }
    let found = found(steps, work, &links).await?;
    let mut found = found.into_iter();
    for element in &work.children {
        let row = if element.child.wish == Wish::Create { None } else { found.next().flatten() };
        sort(work, &element.child, &links, row, &mut sorted)?;
    }
    let place = &work.place;
    steps.create(place, sorted.created, &[]).await?;
    steps.remove(place, place.key(), sorted.removed).await?;
    sorted.changed.sort_by_key(|(rank, _)| *rank);
    let changed = sorted.changed.into_iter().map(|(_, change)| change).collect();
    steps.change(place, changed, &[]).await.map(drop)
}

/// The rows of the children that have a key, in their order. One that is to lose its owner has to belong to this one.
async fn found(steps: &Steps<'_>, work: &Work, links: &[Json]) -> Result<Vec<Option<Record>>, ApiError> {
    let key = work.place.key();
    let mut with_owner = key.to_vec();
    let more: Vec<(&String, &Json)> =
        work.relationship.target_columns.iter().zip(links).filter(|(name, _)| !key.contains(name)).collect();
    with_owner.extend(more.iter().map(|(name, _)| (*name).clone()));
    let is_own = |child: &Child| !child.freed.is_empty();
    let (mut own, mut others) = (Vec::new(), Vec::new());
    for (_, child) in work.keyed() {
        let mut values = child.key_of(links);
        if is_own(child) {
            values.extend(more.iter().map(|(_, value)| (*value).clone()));
            own.push(values);
        } else {
            others.push(values);
        }
    }
    let own = steps.find(&work.place, Wanted { columns: &with_owner, keys: own, needed: key }).await?;
    let others = steps.find(&work.place, Wanted { columns: key, keys: others, needed: key }).await?;
    let (mut own, mut others) = (own.into_iter(), others.into_iter());
    let next = |(_, child)| if is_own(child) { own.next() } else { others.next() };
    Ok(work.keyed().map(next).map(|rows| rows.into_iter().flatten().next()).collect())
}

fn sort(
    work: &Work,
    child: &Child,
    links: &[Json],
    row: Option<Record>,
    sorted: &mut Sorted,
) -> Result<(), ApiError> {
    let columns = &work.relationship.target_columns;
    let key = child.key_of(links);
    let mut record = joined(work.place.key(), &key, &child.rest);
    let owned = columns.iter().cloned().zip(links.iter().cloned());
    match (child.wish, row) {
        (Wish::Create, _) | (Wish::Put, None) => {
            record.extend(owned);
            sorted.created.push(record);
        }
        (_, None) => return Err(missing(key)),
        (Wish::Remove, Some(_)) => sorted.removed.push(joined(work.place.key(), &key, &Record::new())),
        (Wish::Disown, Some(_)) => {
            record.extend(child.freed.iter().map(|name| (name.clone(), Json::Null)));
            sorted.changed.push((2, record));
        }
        (wish, Some(_)) => {
            record.extend(owned);
            // A row whose key says already whose it is, and that gets no other value, is as it shall be.
            if record.len() > key.len() {
                sorted.changed.push((u8::from(wish == Wish::Adopt), record));
            }
        }
    }
    Ok(())
}

/// Every row that belongs to the record loses it.
async fn clear(steps: &Steps<'_>, work: &Work, links: &[Json], sorted: &mut Sorted) -> Result<(), ApiError> {
    let (key, columns) = (work.place.key(), &work.relationship.target_columns);
    let found = steps.find(&work.place, Wanted { columns, keys: vec![links.to_vec()], needed: key }).await?;
    let rows = work.rows(steps.removes);
    let free = rows.releasable();
    // Of each row the key was asked for.
    for own in found.into_iter().flatten() {
        if free.is_empty() {
            rows.let_go(columns)?;
            sorted.removed.push(own);
        } else {
            let nulls = free.iter().map(|name| (name.clone(), Json::Null));
            sorted.changed.push((2, own.into_iter().chain(nulls).collect()));
        }
    }
    Ok(())
}
