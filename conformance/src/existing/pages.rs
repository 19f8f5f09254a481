//! Counts and pages of the rows of a table.

use std::sync::Arc;

use connector_api::model::Direction;

use super::{Existing, Scan, on_each, same_rows, sorted};
use crate::page::walked;
use crate::peer::{Peer, full};
use crate::{Case, Outcome, same};

/// About so many pages are read of a table.
const PAGES: usize = 4;
/// No page is longer.
const MAX_PAGE: usize = 500;

pub(super) fn cases(scan: &Scan) -> Vec<Case> {
    vec![
        on_each("count", &["count"], scan, |p, t| Box::pin(counted(p, t))),
        on_each("offset", &["query", "order", "offset"], scan, |p, t| Box::pin(paged(p, t))),
        on_each("page_token", &["query", "page_token"], scan, |p, t| Box::pin(by_token(p, t))),
    ]
}

impl Existing {
    /// Rows of a page, so that there are several.
    fn page(&self) -> usize {
        (self.keys.len() / PAGES).clamp(1, MAX_PAGE)
    }
}

async fn counted(peer: Arc<Peer>, on: Arc<Existing>) -> Outcome {
    let count = peer.count(&on.ask()).await.map_err(|error| full(&error))?;
    same("count", &usize::try_from(count).unwrap_or(usize::MAX), &on.keys.len())
}

/// Pages behind each other are the whole, and behind the last row there is nothing. Only where the key, which orders, can be compared.
async fn paged(peer: Arc<Peer>, on: Arc<Existing>) -> Outcome {
    if !on.key.iter().all(|name| on.place(name).is_some()) {
        return Ok(());
    }
    let ask = on.key.iter().fold(on.ask(), |ask, name| ask.order(name, Direction::Asc, None));
    let whole = peer.rows(&ask).await.map_err(|error| full(&error))?;
    same_rows("all rows", &sorted(whole.clone()), &sorted(on.keys.clone()))?;
    let page = on.page();
    let ends = [whole.chunks(page).map(<[_]>::to_vec).take(10).collect(), vec![Vec::new()]].concat();
    let last = whole.len();
    for (place, expected) in ends.iter().enumerate() {
        let offset = if expected.is_empty() { last } else { place * page };
        let (limit, skipped) = (as_count(page)?, as_count(offset)?);
        let rows =
            peer.rows(&ask.clone().limit(limit).offset(skipped)).await.map_err(|error| full(&error))?;
        same(format_args!("limit {limit}, offset {offset} of {last} rows in order"), &rows, expected)?;
    }
    Ok(())
}

/// Tokens lead through every row once.
async fn by_token(peer: Arc<Peer>, on: Arc<Existing>) -> Outcome {
    let page = on.page();
    let rows = walked(&peer, &on.ask(), as_count(page)?).await?;
    same_rows(format_args!("rows in pages of {page}"), &sorted(rows), &sorted(on.keys.clone()))
}

fn as_count(rows: usize) -> Result<u64, String> {
    u64::try_from(rows).map_err(|_| "too many rows".to_owned())
}
