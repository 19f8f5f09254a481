//! What a service does not declare is refused on tables that are there, too. Filters are elsewhere.

use std::sync::Arc;

use connector_api::ErrorKind;
use connector_api::model::{Direction, Filter, Group, Nulls, Path};

use super::{Existing, Scan};
use crate::ask::Ask;
use crate::peer::{Peer, check_error};
use crate::{Case, Outcome};

/// Makes a request that needs one capability, of a column.
type Shape = fn(Ask, &str) -> Ask;

const SHAPES: [(&str, Shape); 7] = [
    ("order", |ask, column| ask.order(column, Direction::Asc, None)),
    ("order_nulls", |ask, column| ask.order(column, Direction::Asc, Some(Nulls::First))),
    ("offset", |ask, _| ask.offset(1)),
    ("page_token", |ask, _| ask.after(None)),
    ("open_columns", |ask, _| ask.others()),
    ("distinct", |ask, _| ask.distinct()),
    ("aggregates", |ask, column| ask.group(Group { by: vec![Path::column(column)], ..Group::default() })),
];

/// The name of the case for the filter that a row rule may come to, whatever it says.
const NEVER: &str = "existing::an_undeclared_filter_that_never_holds_is_refused";

fn never(ask: Ask, _: &str) -> Ask {
    ask.filter(Filter::Always(false), &[])
}

/// The name of the case for a capability that is not declared.
pub(super) fn refusal(flag: &str) -> String {
    format!("existing::undeclared_{flag}_is_refused")
}

pub(super) fn cases(scan: &Scan) -> Vec<Case> {
    let Some(table) = scan.tables.first() else { return Vec::new() };
    let case = |(flag, shape): (&'static str, Shape)| {
        let table = Arc::clone(table);
        Case::refusal(refusal(flag), flag, move |peer| refused(peer, Arc::clone(&table), shape))
    };
    let count = {
        let table = Arc::clone(table);
        Case::refusal(refusal("count"), "count", move |peer| not_counted(peer, Arc::clone(&table)))
    };
    let never = {
        let table = Arc::clone(table);
        Case::refusal(NEVER, "filter_compare", move |peer| refused(peer, Arc::clone(&table), never))
    };
    SHAPES.into_iter().map(case).chain([count, never]).collect()
}

async fn refused(peer: Arc<Peer>, on: Arc<Existing>, shape: Shape) -> Outcome {
    let Some(column) = on.key.first() else { return Ok(()) };
    let ask = shape(Ask::new(on.name.clone(), &[column]), column);
    check_error(&on.name.name, peer.rows(&ask).await, ErrorKind::Unsupported).map(drop)
}

async fn not_counted(peer: Arc<Peer>, on: Arc<Existing>) -> Outcome {
    check_error(&on.name.name, peer.count(&on.ask()).await, ErrorKind::Unsupported).map(drop)
}
