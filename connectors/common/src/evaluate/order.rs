//! Rows in an order.

use connector_api::author::{Order, Path, Result, Value};

use super::compare_by;

/// The first `wanted` rows in this order; rows that are equal in it stay as they came. `cell` reads a row's column.
///
/// # Errors
/// What `cell` answers.
pub fn first_in_order<'r, R: Copy>(
    rows: Vec<R>,
    order: &[Order],
    wanted: usize,
    cell: &impl Fn(R, &Path) -> Result<&'r Value>,
) -> Result<Vec<R>> {
    let mut keyed = Vec::with_capacity(rows.len());
    for (place, row) in rows.into_iter().enumerate() {
        let key = order.iter().map(|order| cell(row, &order.by)).collect::<Result<Vec<_>>>()?;
        keyed.push((key, place, row));
    }
    let compare = |(a, a_place, _): &(Vec<&Value>, usize, R), (b, b_place, _): &(Vec<&Value>, usize, R)| {
        let mut columns = order.iter().zip(a.iter().zip(b)).map(|(order, (a, b))| compare_by(order, a, b));
        columns.find(|ordering| ordering.is_ne()).unwrap_or_else(|| a_place.cmp(b_place))
    };
    if wanted < keyed.len() {
        keyed.select_nth_unstable_by(wanted, compare);
        keyed.truncate(wanted);
    }
    keyed.sort_unstable_by(compare);
    Ok(keyed.into_iter().map(|(_, _, row)| row).collect())
}
