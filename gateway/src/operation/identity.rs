//! Identifiers of URLs, which are texts whatever is meant, as the kind of the row that they name: `88` finds the row `88` and the row `"88"`,
//! and where both exist, neither. Only columns whose type nobody declared need this; the others say themselves what they hold.

use std::borrow::Cow;

use super::by_ids::are_there;
use super::records::{Target, name_of};
use crate::error::ApiError;
use crate::plan::{self, Scope};
use crate::request::{Id, Record};

/// What a write says of the row that it names.
#[derive(Clone, Copy)]
pub(super) struct Said<'a> {
    /// Its record, which may have the identifier again.
    pub(super) record: &'a Record,
    /// A row that is not there is made of it; then the kind has to be known.
    pub(super) creates: bool,
}

/// Each identifier in the kind of its row. One that names no row is a text.
///
/// # Errors
/// An identifier that names several rows, or a new row of several kinds; a record that names a row of another kind.
pub(super) async fn settled<'i>(
    target: &Target<'_>,
    ids: &'i [Id],
    id_field: &[String],
    said: Option<Said<'_>>,
) -> Result<Cow<'i, [Id]>, ApiError> {
    if !target.plan(|scope| Ok(plan::is_open(id_field, scope)))? {
        return Ok(Cow::Borrowed(ids));
    }
    let readings = |scope: &Scope<'_>| {
        ids.iter().map(|id| plan::readings(id, id_field, scope)).collect::<Result<Vec<_>, _>>()
    };
    let readings = target.plan(readings)?;
    let asked: Vec<Id> = readings.iter().filter(|kinds| kinds.len() > 1).flatten().cloned().collect();
    let are_there = if asked.is_empty() { Vec::new() } else { are_there(target, &asked, id_field).await? };
    let mut are_there = are_there.into_iter();
    let mut settled = Vec::with_capacity(ids.len());
    for (id, mut kinds) in ids.iter().zip(readings) {
        if kinds.len() > 1 {
            let found = kinds.iter().zip(are_there.by_ref()).filter(|(_, is_there)| *is_there);
            let found = found.map(|(kind, _)| kind.clone()).collect();
            kinds = chosen(target, id, (kinds, found), (id_field, said))?;
        }
        settled.extend(kinds.into_iter().next());
    }
    Ok(Cow::Owned(settled))
}

/// Of the readings of an identifier the one that is meant, alone or first.
fn chosen(
    target: &Target<'_>,
    id: &Id,
    (kinds, found): (Vec<Id>, Vec<Id>),
    (id_field, said): (&[String], Option<Said<'_>>),
) -> Result<Vec<Id>, ApiError> {
    let creates = said.is_some_and(|said| said.creates);
    let kind = match said {
        Some(said) => target.plan(|scope| plan::id_in(said.record, id_field, scope))?,
        None => None,
    };
    match (kind.filter(|kind| kinds.contains(kind)), found.len()) {
        (Some(kind), _) if creates || found.contains(&kind) => Ok(vec![kind]),
        (None, 1) => Ok(found),
        (None, 0) if creates => Err(ApiError::kind_of_new_row(name_of(id))),
        (_, 0) => Ok(kinds),
        _ => Err(ApiError::several_kinds(name_of(id))),
    }
}
