//! Reads: matching documents, groups of them, their number.

use connector_api::author::CellWriter as _;
use connector_api::author::{Count, Error, ErrorKind, Group, Path, Query, Request, Result, RowSink, Value};
use connector_common::evaluate::{Condition, Groups, first_in_order, group_cell};
use mongodb::bson::raw::{RawBsonRef, RawDocument, RawDocumentBuf};
use mongodb::bson::{Document, doc};

use crate::client::Scan;
use crate::columns::Columns;
use crate::condition::{Row, Selection, paths_of};
use crate::schema::Layout;
use crate::translate;
use crate::types::{malformed, value_of};

/// Groups and distinct rows or values that one query may keep in memory.
const MAX_GROUPS: usize = 100_000;

/// Every column that a query names.
pub(crate) fn named(query: &Query) -> Vec<&Path> {
    let mut paths: Vec<&Path> = query.select.iter().collect();
    query.filter.iter().for_each(|filter| paths_of(filter, &mut |path| paths.push(path)));
    match &query.group {
        Some(group) => {
            paths.extend(&group.by);
            paths.extend(group.aggregates.iter().filter_map(|aggregate| aggregate.of.as_ref()));
        }
        None => paths.extend(query.order.iter().map(|order| &order.by)),
    }
    paths
}

/// Sends what a query asks for.
///
/// # Errors
/// The server's; too many documents to be tested or grouped here.
pub(crate) async fn query(
    scan: &mut Scan<'_>,
    layout: &Layout,
    request: &Request<Query>,
    out: &mut RowSink,
) -> Result<()> {
    let selection = Selection::new(request.filter.as_ref(), layout, request.params())?;
    if let Some(group) = grouped(request) {
        let rows = groups(scan, (request, &group), &selection).await?;
        return send_groups((request, &group), &rows, out).await;
    }
    let is_whole = selection.rest.is_empty();
    let mut skip = request.offset.map_or(Ok(0), |offset| request.row_count(offset))?;
    let mut stages = start(&selection);
    stages.extend(if request.order.is_empty() {
        Vec::new()
    } else {
        translate::sort_stages(&request.order)?
    });
    if is_whole {
        stages.extend(cut(skip, request.row_count(request.limit)?));
        skip = 0;
    }
    let mut columns = Columns::new(request);
    stages.extend(columns.projection(&selection));
    scan.open(&request.from, stages).await?;
    columns.announce(out);
    while let Some(document) = scan.next(&selection).await? {
        if skip > 0 {
            skip -= 1;
            continue;
        }
        columns.send(document, out)?;
        out.end_row().await?;
    }
    Ok(())
}

/// The number of matching documents.
///
/// # Errors
/// As [`query`].
pub(crate) async fn count(scan: &mut Scan<'_>, layout: &Layout, request: &Request<Count>) -> Result<u64> {
    let selection = Selection::new(request.filter.as_ref(), layout, request.params())?;
    let mut stages = start(&selection);
    let is_whole = selection.rest.is_empty();
    if is_whole {
        stages.push(doc! {"$count": "count"});
    }
    scan.open(&request.from, stages).await?;
    let mut count = 0;
    while let Some(document) = scan.next(&selection).await? {
        if is_whole {
            return whole(document);
        }
        count += 1;
    }
    Ok(count)
}

fn whole(document: &RawDocument) -> Result<u64> {
    let number = match document.get("count").map_err(malformed)? {
        Some(RawBsonRef::Int32(number)) => u64::try_from(number).ok(),
        Some(RawBsonRef::Int64(number)) => u64::try_from(number).ok(),
        _ => None,
    };
    number.ok_or_else(|| Error::internal("the server's count is no number"))
}

fn start(selection: &Selection<'_>) -> Vec<Document> {
    if selection.native.is_empty() { Vec::new() } else { vec![doc! {"$match": selection.native.clone()}] }
}

/// The page, as the server cuts it.
fn cut(skip: u64, limit: u64) -> Vec<Document> {
    let number = |rows: u64| i64::try_from(rows).unwrap_or(i64::MAX);
    let mut stages = Vec::new();
    if skip > 0 {
        stages.push(doc! {"$skip": number(skip)});
    }
    // More than there can be is no limit, and the server may not like such a number.
    if limit < u64::from(u32::MAX) {
        stages.push(doc! {"$limit": number(limit)});
    }
    stages
}

/// The groups of a query. Distinct rows are groups by all their columns.
fn grouped(request: &Query) -> Option<Group> {
    let distinct = || request.distinct.then(|| Group { by: request.select.to_vec(), ..Group::default() });
    request.group.clone().or_else(distinct)
}

type Rows = Vec<Vec<Value>>;

/// The groups for which `having` holds: made by the server if it can, else here.
async fn groups(
    scan: &mut Scan<'_>,
    (request, group): (&Request<Query>, &Group),
    selection: &Selection<'_>,
) -> Result<Rows> {
    let most = i64::try_from(MAX_GROUPS).unwrap_or(i64::MAX);
    let stages =
        selection.rest.is_empty().then(|| translate::groups(group, most.saturating_add(1))).flatten();
    let Some(stages) = stages else {
        scan.open(&request.from, start(selection)).await?;
        return gathered(scan, (request, group), selection).await;
    };
    scan.open(&request.from, [start(selection), stages].concat()).await?;
    let having = Condition::new(group.having.as_ref(), request.params())?;
    let mut rows = Rows::new();
    let mut found = 0;
    while let Some(document) = scan.next(selection).await? {
        found += 1;
        if found > MAX_GROUPS {
            return Err(too_many_groups());
        }
        keep(&mut rows, group_row(group, document)?, (group, &having))?;
    }
    if found == 0 && group.by.is_empty() {
        // The server makes no group of no documents; the contract makes one.
        let empty = Groups::new(group, 1)?;
        rows = empty.finish(request.params())?;
    }
    Ok(rows)
}

fn keep(rows: &mut Rows, row: Vec<Value>, (group, having): (&Group, &Condition<'_>)) -> Result<()> {
    if having.matches(&|path: &Path| group_cell(group, &row, path))? {
        rows.push(row);
    }
    Ok(())
}

/// A group as the server made it: `{_id: {b0: …}, a0: …}`.
fn group_row(group: &Group, document: &RawDocument) -> Result<Vec<Value>> {
    let cell = |found: Option<RawBsonRef<'_>>| found.map_or(Ok(Value::Null), value_of);
    let by = match document.get("_id").map_err(malformed)? {
        Some(RawBsonRef::Document(by)) => by.to_owned(),
        _ => RawDocumentBuf::new(),
    };
    let by = (0..group.by.len()).map(|place| cell(by.get(format!("b{place}")).map_err(malformed)?));
    let aggregates =
        (0..group.aggregates.len()).map(|place| cell(document.get(format!("a{place}")).map_err(malformed)?));
    by.collect::<Vec<_>>().into_iter().chain(aggregates).collect()
}

async fn gathered(
    scan: &mut Scan<'_>,
    (request, group): (&Request<Query>, &Group),
    selection: &Selection<'_>,
) -> Result<Rows> {
    let of = group.aggregates.iter().filter_map(|aggregate| aggregate.of.clone());
    let paths: Vec<Path> = group.by.iter().cloned().chain(of).collect();
    let mut groups = Groups::new(group, MAX_GROUPS)?;
    while let Some(document) = scan.next_counted(selection).await? {
        let row = Row::new(document, &paths)?;
        groups.add(&|path: &Path| row.cell(path))?;
    }
    groups.finish(request.params())
}

fn too_many_groups() -> Error {
    let message = format!("the query has more than {MAX_GROUPS} groups or distinct rows");
    Error::new(ErrorKind::LimitExceeded, message).with_reason("too_many_groups")
}

async fn send_groups(
    (request, group): (&Request<Query>, &Group),
    rows: &Rows,
    out: &mut RowSink,
) -> Result<()> {
    let aggregates = group.aggregates.iter().map(|aggregate| Path::column(&aggregate.name));
    let columns: Vec<Path> = request.select.iter().cloned().chain(aggregates).collect();
    let names: Vec<String> = columns.iter().map(|path| path.segments().join(".")).collect();
    out.columns(names.iter().map(String::as_str));
    let count = |rows: u64| usize::try_from(rows).unwrap_or(usize::MAX);
    let skip = count(request.offset.map_or(Ok(0), |offset| request.row_count(offset))?);
    let wanted = skip.saturating_add(count(request.row_count(request.limit)?));
    let rows: Vec<&[Value]> = rows.iter().map(Vec::as_slice).collect();
    let rows =
        first_in_order(rows, &request.order, wanted, &|row, path: &Path| group_cell(group, row, path))?;
    for row in rows.into_iter().skip(skip) {
        for path in &columns {
            out.value(group_cell(group, row, path)?);
        }
        out.end_row().await?;
    }
    Ok(())
}
