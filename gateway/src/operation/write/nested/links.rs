//! The rows that a third table links with a record, after the record is written: the rows first, then the links that go, then those that come.

use serde_json::Value as Json;

use super::steps::{Place, Steps, Wanted};
use super::work::Work;
use super::{Owner, joined, missing, values_of};
use crate::error::ApiError;
use crate::plan::Wish;
use crate::request::Record;
use crate::schema::relationships::Junction;

/// A row behind the third table.
struct Far {
    /// The columns that links have of it.
    values: Vec<Json>,
    is_new: bool,
    is_unlinked: bool,
}

/// Writes them.
pub(super) async fn write(steps: &Steps<'_>, work: &Work, owner: &Owner) -> Result<(), ApiError> {
    let (Some(junction), Some(between)) = (&work.relationship.junction, &work.junction) else {
        return Err(ApiError::internal());
    };
    let links = owner.values(&work.relationship.columns)?;
    let far = rows(steps, work).await?;
    link(steps, (junction, between), &links, (far, owner.is_new)).await
}

/// Creates and changes the rows themselves.
async fn rows(steps: &Steps<'_>, work: &Work) -> Result<Vec<Far>, ApiError> {
    let (key, needed) = (work.place.key(), work.relationship.target_columns.as_slice());
    let keys = work.keyed().map(|(_, child)| child.key_of(&[])).collect();
    let mut found =
        steps.find(&work.place, Wanted { columns: key, keys, needed: &with(key, needed) }).await?.into_iter();
    let (mut rows, mut created, mut changed) = (Vec::new(), Vec::new(), Vec::new());
    for element in &work.children {
        let child = &element.child;
        let before =
            if child.wish == Wish::Create { None } else { found.next().into_iter().flatten().next() };
        let own = child.key_of(&[]);
        let record = joined(key, &own, &child.rest);
        let is_created = matches!(child.wish, Wish::Create | Wish::Put) && !element.is_unlinked;
        match &before {
            None if is_created => created.push(record),
            None => return Err(missing(own)),
            Some(_) if !child.rest.is_empty() => changed.push(record),
            Some(_) => {}
        }
        rows.push((before, child.rest.is_empty(), element.is_unlinked));
    }
    let mut created = steps.create(&work.place, created, needed).await?.into_iter();
    let mut changed = steps.change(&work.place, changed, needed).await?.into_iter();
    let far = rows.into_iter().map(|(before, is_same, is_unlinked)| {
        let is_new = before.is_none();
        let mut row = before.unwrap_or_default();
        let news = if is_new { created.next() } else { (!is_same).then(|| changed.next()).flatten() };
        row.extend(news.into_iter().flatten());
        let values = values_of(&row, needed).ok_or_else(|| ApiError::nested_unseen(work.place.name()))?;
        Ok(Far { values, is_new, is_unlinked })
    });
    far.collect()
}

/// Removes and creates the rows between. Only rows that were there before can be linked already.
async fn link(
    steps: &Steps<'_>,
    (junction, between): (&Junction, &Place),
    links: &[Json],
    (far, is_new): (Vec<Far>, bool),
) -> Result<(), ApiError> {
    let columns = [junction.columns.as_slice(), &junction.target_columns].concat();
    let key = |row: &Far| [links, &row.values].concat();
    let known: Vec<Vec<Json>> = far.iter().filter(|row| !is_new && !row.is_new).map(key).collect();
    let found = steps.find(between, Wanted { columns: &columns, keys: known, needed: &columns }).await?;
    let mut found = found.into_iter();
    let (mut gone, mut come) = (Vec::new(), Vec::new());
    for row in &far {
        let linked = if is_new || row.is_new { Vec::new() } else { found.next().unwrap_or_default() };
        let record = joined(&columns, &key(row), &Record::new());
        match (row.is_unlinked, linked.is_empty()) {
            (true, false) if !gone.contains(&record) => gone.push(record),
            (false, true) if !come.contains(&record) => come.push(record),
            _ => {}
        }
    }
    steps.remove(between, &columns, gone).await?;
    steps.create(between, come, &[]).await.map(drop)
}

/// Both lists of columns, each column once.
fn with(first: &[String], second: &[String]) -> Vec<String> {
    let mut all = first.to_vec();
    all.extend(second.iter().filter(|name| !first.contains(name)).cloned());
    all
}
