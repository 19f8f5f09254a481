//! Orders: names resolved, a place for nulls, ties broken.
//!
//! Databases put nulls where they like. Where a column may hold them, an order says it for every database alike: before all values
//! when it ascends, behind them when it descends, unless the request wants it otherwise.

use connector_api::model::{Capabilities, Direction, Nulls, Order, Path};

use super::Error;
use super::columns::{Columns, Resolved};
use crate::request::{self, OrderItem, Term};

/// The order as the request has it.
pub(super) fn written(
    items: &[OrderItem],
    can: &Capabilities,
    mut resolve: impl FnMut(&Term) -> Option<Resolved>,
) -> Result<Vec<Order>, Error> {
    let plan = |item: &OrderItem| {
        let resolved = resolve(&item.term).ok_or_else(|| {
            Error::invalid("order", format!("Invalid field '{}' in order by clause.", item.term.name))
                .at(item.position)
        })?;
        let direction = match item.direction {
            request::Direction::Ascending => Direction::Asc,
            request::Direction::Descending => Direction::Desc,
        };
        let wish = item.nulls.map(|nulls| match nulls {
            request::Nulls::First => Nulls::First,
            request::Nulls::Last => Nulls::Last,
        });
        let nulls = wish.or_else(|| usual_nulls(direction, resolved.is_nullable, can));
        Ok(Order { by: resolved.path, direction, nulls })
    };
    items.iter().map(plan).collect()
}

/// Adds columns that the order does not name yet, so that pages neither overlap nor leave gaps. They run the way of the last item: an
/// index can serve both then. A store that can't order is left alone, and so is one whose pages go on by tokens of its own:
/// these neither overlap nor leave gaps, and an order that nobody asked for may be one that the store does not have.
pub(super) fn break_ties(order: &mut Vec<Order>, names: &[String], columns: Columns<'_>, can: &Capabilities) {
    if !can.order || (can.page_token && (order.is_empty() || !can.offset)) {
        return;
    }
    let direction = order.last().map_or(Direction::Asc, |last| last.direction);
    for name in names {
        let by = Path::column(name);
        if !order.iter().any(|item| item.by == by) {
            let is_nullable = columns.find(name).is_none_or(|column| column.is_nullable);
            order.push(Order { by, direction, nulls: usual_nulls(direction, is_nullable, can) });
        }
    }
}

fn usual_nulls(direction: Direction, is_nullable: bool, can: &Capabilities) -> Option<Nulls> {
    (is_nullable && can.order_nulls).then_some(match direction {
        Direction::Asc => Nulls::First,
        Direction::Desc => Nulls::Last,
    })
}
