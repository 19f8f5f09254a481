//! Which related tables a filter looks into, and whether the caller may: each passes the door that a request for its rows would pass.

use connector_api::model::TableRef;

use super::records::Target;
use super::related::{MAX_DEPTH, check_access};
use super::{Job, schema};
use crate::error::ApiError;
use crate::plan::{self, Reach};
use crate::request::filter::Node;
use crate::roles::Verb;
use crate::schema::relationships::Relationship;

/// A name in a filter, as far as it is not followed yet.
struct Way<'n> {
    from: TableRef,
    rest: &'n str,
    depth: usize,
}

/// Everything that the filter reaches from this table; `None`: it stays in it.
///
/// # Errors
/// A table that the caller may not read; more levels than are followed.
pub(super) async fn of<'a>(
    job: Job<'a>,
    target: &Target<'a>,
    filter: &Node,
) -> Result<Option<Reach<'a>>, ApiError> {
    let names = plan::beyond(filter, &target.table);
    if names.is_empty() {
        return Ok(None);
    }
    let references = schema::references(&target.owner).await?;
    let start = |rest| Way { from: target.table.table.clone(), rest, depth: 1 };
    let mut ways: Vec<_> = names.into_iter().map(start).collect();
    let mut reach = Reach::default();
    while let Some(Way { from, rest, depth }) = ways.pop() {
        let known = reach.relationships.entry(from).or_insert_with_key(|table| references.of(table));
        // What is no relationship is no column either; the plan says so.
        let Some(relationship) = Relationship::leading(known, rest).cloned() else { continue };
        if depth > MAX_DEPTH {
            return Err(ApiError::related_too_deep(MAX_DEPTH));
        }
        let between = relationship.junction.as_ref().map(|junction| &junction.table);
        for table in between.into_iter().chain([&relationship.target]) {
            add(&mut reach, table, job).await?;
        }
        if let Some(rest) = relationship.behind(rest).filter(|rest| rest.contains('.')) {
            ways.push(Way { from: relationship.target, rest, depth: depth + 1 });
        }
    }
    Ok(Some(reach))
}

async fn add<'a>(reach: &mut Reach<'a>, table: &TableRef, job: Job<'a>) -> Result<(), ApiError> {
    if !reach.tables.contains_key(table) {
        check_access(job, table)?;
        let target = Target::find(job, &job.name_of(table), Verb::Get, false).await?;
        reach.tables.insert(table.clone(), (target.table, target.rules));
    }
    Ok(())
}
