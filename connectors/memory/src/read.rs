//! Reads: matching rows, or groups of them, made distinct, put in order and cut to the page.

use connector_api::author::CellWriter as _;
use connector_api::author::{Group, Path, Query, Request, Result, RowSink, Value};
use connector_common::evaluate::{Condition, Distinct, Groups, first_in_order, group_cell};

use crate::client::Table;

/// Groups and distinct rows or values that one query may keep in memory.
const MAX_GROUPS: usize = 100_000;

/// Sends what a query asks for.
///
/// # Errors
/// An unknown column; too many groups or distinct rows; what a filter or an aggregate can't compute.
pub(crate) async fn query(table: &Table, request: &Request<Query>, out: &mut RowSink) -> Result<()> {
    let condition = Condition::new(request.filter.as_ref(), request.params())?;
    let page = Page::new(request)?;
    let names: Vec<String> = page.columns.iter().map(|path| path.segments().join(".")).collect();
    out.columns(names.iter().map(String::as_str));
    if let Some(group) = &request.group {
        let groups = groups(table, &condition, group, request.params()).await?;
        let rows = groups.iter().map(Vec::as_slice).collect();
        return page.send_in_order(rows, |row, path| group_cell(group, row, path), out).await;
    }
    if request.order.is_empty() {
        return page.send_as_stored(table, &condition, out).await;
    }
    let mut rows: Vec<&[Value]> = Vec::new();
    let mut scan = table.scan(&condition);
    while let Some((_, row)) = scan.next().await? {
        rows.push(row);
    }
    page.send_in_order(rows, |row, path| table.cell(row, path), out).await
}

/// The number of matching rows.
///
/// # Errors
/// What the condition can't compute.
pub(crate) async fn count(table: &Table, condition: &Condition<'_>) -> Result<u64> {
    let mut scan = table.scan(condition);
    let mut count = 0;
    while scan.next().await?.is_some() {
        count += 1;
    }
    Ok(count)
}

async fn groups(
    table: &Table,
    condition: &Condition<'_>,
    group: &Group,
    params: &[Value],
) -> Result<Vec<Vec<Value>>> {
    let mut groups = Groups::new(group, MAX_GROUPS)?;
    let mut scan = table.scan(condition);
    while let Some((_, row)) = scan.next().await? {
        groups.add(&|path: &Path| table.cell(row, path))?;
    }
    groups.finish(params)
}

/// What of the rows is sent.
struct Page<'q> {
    request: &'q Query,
    columns: Vec<Path>,
    distinct: Option<Distinct>,
    skip: usize,
    wanted: usize,
}

impl<'q> Page<'q> {
    fn new(request: &'q Request<Query>) -> Result<Self> {
        let aggregates = request.group.iter().flat_map(|group| &group.aggregates);
        let skip = request.offset.map_or(Ok(0), |offset| request.row_count(offset))?;
        let wanted = skip.saturating_add(request.row_count(request.limit)?);
        Ok(Self {
            columns: request
                .select
                .iter()
                .cloned()
                .chain(aggregates.map(|it| Path::column(&it.name)))
                .collect(),
            distinct: request.distinct.then(|| Distinct::new(MAX_GROUPS)),
            skip: usize::try_from(skip).unwrap_or(usize::MAX),
            wanted: usize::try_from(wanted).unwrap_or(usize::MAX),
            request,
        })
    }

    /// Sends matching rows as they are found; the sink ends it at the limit.
    async fn send_as_stored(
        mut self,
        table: &Table,
        condition: &Condition<'_>,
        out: &mut RowSink,
    ) -> Result<()> {
        let mut scan = table.scan(condition);
        while let Some((_, row)) = scan.next().await? {
            let cell = |path: &Path| table.cell(row, path);
            if !self.is_new(cell)? {
                continue;
            }
            if self.skip > 0 {
                self.skip -= 1;
                continue;
            }
            self.send(cell, out).await?;
        }
        Ok(())
    }

    async fn send_in_order<'r>(
        mut self,
        mut rows: Vec<&'r [Value]>,
        cell: impl Fn(&'r [Value], &Path) -> Result<&'r Value>,
        out: &mut RowSink,
    ) -> Result<()> {
        if self.distinct.is_some() {
            let mut once = Vec::new();
            for row in rows {
                if self.is_new(|path| cell(row, path))? {
                    once.push(row);
                }
            }
            rows = once;
        }
        let rows = first_in_order(rows, &self.request.order, self.wanted, &cell)?;
        for row in rows.into_iter().skip(self.skip) {
            self.send(|path| cell(row, path), out).await?;
        }
        Ok(())
    }

    /// Whether the row is not a repetition, where repetitions are unwanted.
    fn is_new<'r>(&mut self, cell: impl Fn(&Path) -> Result<&'r Value>) -> Result<bool> {
        let Some(distinct) = &mut self.distinct else { return Ok(true) };
        let cells = self.columns.iter().map(cell).collect::<Result<Vec<_>>>()?;
        distinct.is_new(cells)
    }

    async fn send<'r>(&self, cell: impl Fn(&Path) -> Result<&'r Value>, out: &mut RowSink) -> Result<()> {
        for path in &self.columns {
            out.value(cell(path)?);
        }
        out.end_row().await
    }
}
