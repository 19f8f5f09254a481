//! One wished relationship.

use serde_json::Value as Json;

use super::Said;
use super::members::{Members, Place};
use crate::request::Error;
use crate::schema::relationships::RelationshipKind;

/// What a request says of a relationship.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RelationshipWish {
    /// Its name; of a new one it follows from what it is made of.
    pub name: Option<String>,
    /// It is kept beside the database.
    pub is_virtual: Option<bool>,
    /// What it is made of.
    pub way: WayWish,
    /// What is kept of it beside the database.
    pub extras: RelationshipExtrasWish,
}

/// What a request says of the two sides of a relationship. Tables and services go by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WayWish {
    /// How rows relate.
    pub kind: Option<RelationshipKind>,
    /// The fields of its own table.
    pub field: Said<Vec<String>>,
    /// The service of the other table.
    pub ref_service: Said<String>,
    /// The other table.
    pub ref_table: Said<String>,
    /// Its fields.
    pub ref_field: Said<Vec<String>>,
    /// What a change there does here.
    pub on_update: Said<String>,
    /// What a removal there does here.
    pub on_delete: Said<String>,
    /// The service of the table between.
    pub junction_service: Said<String>,
    /// The table between.
    pub junction_table: Said<String>,
    /// Its fields that pair with `field`.
    pub junction_field: Said<Vec<String>>,
    /// Its fields that pair with `ref_field`.
    pub junction_ref_field: Said<Vec<String>>,
}

/// What a request says of the extras of a relationship.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RelationshipExtrasWish {
    /// Its name in requests and rows.
    pub alias: Said<String>,
    /// Its title.
    pub label: Said<String>,
    /// What it is for.
    pub description: Said<String>,
    /// Its rows are embedded without being asked for.
    pub always_fetch: Option<bool>,
    /// The fields of its row stand among those of the row itself.
    pub flatten: Option<bool>,
    /// They do so by their own names.
    pub flatten_drop_prefix: Option<bool>,
}

impl RelationshipWish {
    /// Reads a relationship object; `name` is that of the path.
    pub(super) fn parse(table: &str, name: Option<&str>, json: Json) -> Result<Self, Error> {
        let mut members = Members::of(Place::relationship(table, name.unwrap_or_default()), json)?;
        let given = members.text("name")?.flatten();
        if let (Some(name), Some(given)) = (name, &given)
            && !name.eq_ignore_ascii_case(given)
        {
            let what = "a relationship can't be renamed, but have an 'alias'";
            return Err(members.place.error(format!("'name' is '{given}' in the body; {what}")));
        }
        let name = given.or_else(|| name.map(str::to_owned));
        members.place = Place::relationship(table, name.as_deref().unwrap_or_default());
        members.take("native");
        let wish = Self {
            is_virtual: members.flag("is_virtual")?,
            way: WayWish::parse(&mut members)?,
            extras: RelationshipExtrasWish {
                alias: members.text("alias")?,
                label: members.text("label")?,
                description: members.text("description")?,
                always_fetch: members.flag("always_fetch")?,
                flatten: members.flag("flatten")?,
                flatten_drop_prefix: members.flag("flatten_drop_prefix")?,
            },
            name,
        };
        members.end()?;
        Ok(wish)
    }
}

impl WayWish {
    fn parse(members: &mut Members) -> Result<Self, Error> {
        Ok(Self {
            kind: kind(members)?,
            field: members.list("field")?,
            ref_service: service(members, "ref_service")?,
            ref_table: members.text("ref_table")?,
            ref_field: members.list("ref_field")?,
            on_update: members.text("ref_on_update")?,
            on_delete: members.text("ref_on_delete")?,
            junction_service: service(members, "junction_service")?,
            junction_table: members.text("junction_table")?,
            junction_field: members.list("junction_field")?,
            junction_ref_field: members.list("junction_ref_field")?,
        })
    }

    /// Whether it says something else than this description of a relationship that is there.
    #[must_use]
    pub fn differs(&self, known: &Self) -> bool {
        self.kind.is_some() && self.kind != known.kind
            || is_other(&self.field, &known.field)
            || is_other(&self.ref_service, &known.ref_service)
            || is_other(&self.ref_table, &known.ref_table)
            || is_other(&self.ref_field, &known.ref_field)
            || is_other(&self.on_update, &known.on_update)
            || is_other(&self.on_delete, &known.on_delete)
            || is_other(&self.junction_service, &known.junction_service)
            || is_other(&self.junction_table, &known.junction_table)
            || is_other(&self.junction_field, &known.junction_field)
            || is_other(&self.junction_ref_field, &known.junction_ref_field)
    }

    /// The public names of the tables of its own service that it names.
    pub fn tables(&self) -> impl Iterator<Item = &str> {
        let sides = [(&self.ref_service, &self.ref_table), (&self.junction_service, &self.junction_table)];
        sides.into_iter().filter_map(|(service, table)| {
            let is_own = service.as_ref().is_none_or(Option::is_none);
            table.as_ref()?.as_deref().filter(|_| is_own)
        })
    }

    /// What is said, and of the rest what was said before.
    #[must_use]
    pub fn or(self, before: &Self) -> Self {
        Self {
            kind: self.kind.or(before.kind),
            field: self.field.or_else(|| before.field.clone()),
            ref_service: self.ref_service.or_else(|| before.ref_service.clone()),
            ref_table: self.ref_table.or_else(|| before.ref_table.clone()),
            ref_field: self.ref_field.or_else(|| before.ref_field.clone()),
            on_update: self.on_update.or_else(|| before.on_update.clone()),
            on_delete: self.on_delete.or_else(|| before.on_delete.clone()),
            junction_service: self.junction_service.or_else(|| before.junction_service.clone()),
            junction_table: self.junction_table.or_else(|| before.junction_table.clone()),
            junction_field: self.junction_field.or_else(|| before.junction_field.clone()),
            junction_ref_field: self.junction_ref_field.or_else(|| before.junction_ref_field.clone()),
        }
    }
}

/// Null says as much as nothing where nothing is there.
fn is_other<T: PartialEq>(wish: &Said<T>, known: &Said<T>) -> bool {
    wish.as_ref().is_some_and(|wish| wish.as_ref() != known.as_ref().and_then(Option::as_ref))
}

fn kind(members: &mut Members) -> Result<Option<RelationshipKind>, Error> {
    let Some(word) = members.text("type")?.flatten() else { return Ok(None) };
    let kind = serde_json::from_value(Json::from(word.to_ascii_lowercase()));
    kind.map(Some).map_err(|_| {
        members
            .place
            .error(format!("the 'type' '{word}' is none of belongs_to, has_one, has_many, many_many"))
    })
}

/// By name, or by the number that it has in the list of services; that is a name here, too.
fn service(members: &mut Members, name: &str) -> Result<Said<String>, Error> {
    let id = format!("{name}_id");
    let by_id = match members.take(&id) {
        Some(Json::Number(number)) => Some(Some(number.to_string())),
        Some(other) => {
            members.put(&id, other);
            members.text(&id)?
        }
        None => None,
    };
    Ok(members.text(name)?.or(by_id))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(json: Json) -> Result<RelationshipWish, String> {
        RelationshipWish::parse("orders", None, json).map_err(|error| error.message)
    }

    #[test]
    fn services_go_by_name_or_number_and_fields_with_commas() {
        let check = |json: Json, expected: Option<&str>| {
            assert_eq!(read(json).unwrap().way.ref_service.flatten().as_deref(), expected);
        };
        check(json!({ "ref_service_id": 12 }), Some("12"));
        check(json!({ "ref_service_id": "crm" }), Some("crm"));
        check(json!({ "ref_service_id": 12, "ref_service": "crm" }), Some("crm"));
        check(json!({ "ref_service_id": null }), None);
        let wish = read(json!({ "Type": "BELONGS_TO", "field": "a, b", "ref_field": ["c", "d"] })).unwrap();
        assert_eq!(wish.way.kind, Some(RelationshipKind::BelongsTo));
        assert_eq!(wish.way.field, Some(Some(vec!["a".to_owned(), "b".to_owned()])));
        assert_eq!(wish.way.ref_field, Some(Some(vec!["c".to_owned(), "d".to_owned()])));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let check = |json: Json, expected: &str| assert_eq!(read(json), Err(expected.to_owned()));
        check(
            json!({ "name": "x", "type": "has_few" }),
            "Table 'orders', relationship 'x': the 'type' 'has_few' is none of belongs_to, has_one, has_many, many_many.",
        );
        check(
            json!({ "name": "x", "label": 1 }),
            "Table 'orders', relationship 'x': 'label' must be a text.",
        );
        check(json!({ "fields": "a" }), "Table 'orders', relationship '': 'fields' is not known.");
    }

    #[test]
    fn null_differs_from_what_is_there_only() {
        let known = WayWish { ref_table: Some(Some("regions".to_owned())), ..WayWish::default() };
        let check =
            |json: Json, expected: bool| assert_eq!(read(json).unwrap().way.differs(&known), expected);
        check(json!({ "ref_service_id": null, "ref_table": "regions" }), false);
        check(json!({ "ref_table": null }), true);
        check(json!({ "junction_table": "x" }), true);
    }
}
