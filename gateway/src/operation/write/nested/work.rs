//! What a record gives for one relationship, made ready before anything is written.

use super::steps::{Place, Steps};
use crate::error::ApiError;
use crate::plan::{Child, Given, Nested, Rows, Wish, check_marker, takes_away};
use crate::schema::known::Known;
use crate::schema::relationships::{Relationship, RelationshipKind};

/// Related records of one relationship.
pub(super) struct Work {
    pub(super) relationship: Relationship,
    pub(super) place: Place,
    /// The table between, of a `many_many`.
    pub(super) junction: Option<Place>,
    pub(super) children: Vec<Element>,
    /// No row shall belong to the record any more.
    pub(super) is_cleared: bool,
}

/// A related record.
pub(super) struct Element {
    pub(super) child: Child,
    /// It is no longer linked, of a `many_many`.
    pub(super) is_unlinked: bool,
}

impl Work {
    /// Sorts what is given; `own` is the table of the record. Columns of relationships get the names that clients have for them.
    ///
    /// # Errors
    /// What can't be meant, told as a failure of this relationship.
    pub(super) async fn of(steps: &Steps<'_>, nested: Nested, own: &Known) -> Result<Self, ApiError> {
        let kind = nested.relationship.kind;
        Self::sorted(steps, nested, own).await.map_err(|error| error.of_related(failure(kind)))
    }

    async fn sorted(steps: &Steps<'_>, nested: Nested, own: &Known) -> Result<Self, ApiError> {
        let given = nested.given()?;
        let mut relationship = nested.relationship;
        steps.settle(&mut relationship).await?;
        let place = steps.place(relationship.service.as_deref(), &relationship.target).await?;
        let junction = match &relationship.junction {
            Some(junction) => Some(steps.place(junction.service.as_deref(), &junction.table).await?),
            None => None,
        };
        [Some(&place), junction.as_ref()]
            .into_iter()
            .flatten()
            .try_for_each(|place| steps.check_undoable(place))?;
        named(&mut relationship, own, (&place, junction.as_ref()));
        let owner_names = steps.names_of(&own.table);
        if place.key().is_empty() {
            return Err(ApiError::nested_without_primary_key(place.name()));
        }
        let (records, is_cleared) = match given {
            Given::Rows(records) => (records, false),
            Given::Cleared => (Vec::new(), true),
        };
        steps.count(records.len())?;
        let rows = rows(&relationship, &place, steps.removes);
        let mut children = Vec::with_capacity(records.len());
        for mut record in records {
            let is_unlinked = relationship.junction.is_some()
                && takes_away(&mut record, &owner_names, &relationship.columns);
            if relationship.junction.is_some() {
                check_marker(&record, (&owner_names[0], &relationship.columns), &place.table)?;
            }
            let child = rows.child(record)?;
            children.push(Element { child, is_unlinked });
        }
        Ok(Self { relationship, place, junction, children, is_cleared })
    }

    /// The rows that it leads to.
    pub(super) fn rows(&self, removes: bool) -> Rows<'_> {
        rows(&self.relationship, &self.place, removes)
    }

    /// The same error as a failure of this relationship.
    pub(super) fn failed(&self, error: ApiError) -> ApiError {
        error.of_related(failure(self.relationship.kind))
    }

    /// Whether it is done before the record itself.
    pub(super) fn is_first(&self) -> bool {
        self.relationship.kind == RelationshipKind::BelongsTo
    }

    /// The children whose rows shall be there already, by their places.
    pub(super) fn keyed(&self) -> impl Iterator<Item = (usize, &Child)> {
        let children = self.children.iter().map(|element| &element.child).enumerate();
        children.filter(|(_, child)| child.wish != Wish::Create)
    }
}

/// The same relationship with clients' names for columns.
fn named(relationship: &mut Relationship, own: &Known, (place, junction): (&Place, Option<&Place>)) {
    relationship.columns = own.names(&relationship.columns);
    relationship.target_columns = place.table.names(&relationship.target_columns);
    if let (Some(between), Some(place)) = (&mut relationship.junction, junction) {
        between.columns = place.table.names(&between.columns);
        between.target_columns = place.table.names(&between.target_columns);
    }
}

fn rows<'a>(relationship: &'a Relationship, place: &'a Place, removes: bool) -> Rows<'a> {
    let is_owned = matches!(relationship.kind, RelationshipKind::HasOne | RelationshipKind::HasMany);
    let owned_by = if is_owned { relationship.target_columns.as_slice() } else { &[] };
    Rows { table: &place.table, owned_by, removes }
}

/// How the clients of old are told which kind of relationship failed.
fn failure(kind: RelationshipKind) -> &'static str {
    match kind {
        RelationshipKind::BelongsTo => "Failed to update belongs-to assignment.",
        RelationshipKind::HasOne | RelationshipKind::HasMany => "Failed to update many to one assignment.",
        RelationshipKind::ManyMany => "Failed to update many to one map assignment.",
    }
}
