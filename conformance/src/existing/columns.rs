//! Columns that no description names, and columns inside of documents, asked for by name: the same cells as in the whole rows.

use std::sync::Arc;

use super::{Existing, Place, Scan, on_each, same_rows, sorted};
use crate::peer::{Peer, full};
use crate::{Case, Outcome};

pub(super) fn cases(scan: &Scan) -> Vec<Case> {
    let mut cases = Vec::new();
    if any(scan, is_other) {
        let needs = &["query", "open_columns"];
        cases.push(on_each("columns_that_no_description_names_are_read", needs, scan, |p, t| {
            Box::pin(read(p, t, is_other))
        }));
    }
    if any(scan, is_inside) {
        let needs = &["query", "filter_paths"];
        cases.push(on_each("columns_inside_of_documents_are_read", needs, scan, |p, t| {
            Box::pin(read(p, t, is_inside))
        }));
    }
    cases
}

fn any(scan: &Scan, wanted: fn(&Place) -> bool) -> bool {
    scan.tables.iter().any(|table| table.places.iter().any(wanted))
}

fn is_other(place: &Place) -> bool {
    !place.is_described && place.path.as_column().is_some()
}

fn is_inside(place: &Place) -> bool {
    place.path.as_column().is_none()
}

async fn read(peer: Arc<Peer>, on: Arc<Existing>, wanted: fn(&Place) -> bool) -> Outcome {
    let columns = on.places.iter().enumerate().filter(|(_, place)| wanted(place));
    let (places, columns): (Vec<usize>, Vec<&Place>) = columns.unzip();
    if columns.is_empty() {
        return Ok(());
    }
    let ask = columns.iter().fold(on.ask(), |ask, place| {
        ask.path(&place.path.segments().iter().map(String::as_str).collect::<Vec<_>>())
    });
    let found = peer.rows(&ask).await.map_err(|error| full(&error))?;
    let row = |(key, row): (&Vec<_>, &Vec<_>)| {
        let cells = places.iter().filter_map(|at| row.get(*at).cloned());
        key.iter().cloned().chain(cells).collect::<Vec<_>>()
    };
    let expected = sorted(on.keys.iter().zip(&on.table.rows).map(row));
    same_rows(ask.wanted().join(", "), &sorted(found), &expected)
}
