//! Tests of kept relationships: their names, and what can't be kept.

use super::*;

fn names(text: &str) -> Vec<String> {
    text.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

fn made(kind: RelationshipKind, field: &str, ref_field: &str) -> VirtualRelationship {
    VirtualRelationship {
        kind,
        field: names(field),
        ref_service: None,
        ref_table: "regions".to_owned(),
        ref_field: names(ref_field),
        junction_service: None,
        junction_table: None,
        junction_field: Vec::new(),
        junction_ref_field: Vec::new(),
    }
}

fn between(junction_field: &str, junction_ref_field: &str) -> VirtualRelationship {
    VirtualRelationship {
        junction_table: Some("visits".to_owned()),
        junction_field: names(junction_field),
        junction_ref_field: names(junction_ref_field),
        ..made(RelationshipKind::ManyMany, "id", "code")
    }
}

#[test]
fn a_name_follows_from_what_it_is_made_of() {
    let check = |made: &VirtualRelationship, expected: &str| assert_eq!(made.name(), expected);
    check(&made(RelationshipKind::BelongsTo, "region_code", "code"), "regions_by_region_code");
    check(&made(RelationshipKind::HasMany, "id", "a,b"), "regions_by_a_b");
    check(&made(RelationshipKind::HasOne, "id", "owner"), "regions_by_owner");
    check(&between("a", "b"), "regions_by_visits");
    let crm = Some("crm".to_owned());
    let far = VirtualRelationship { ref_service: crm.clone(), ..between("a", "b") };
    check(&far, "crm.regions_by_visits");
    check(&VirtualRelationship { junction_service: crm, ..far }, "crm.regions_by_crm.visits");
}

#[test]
fn sides_have_as_many_fields_as_each_other() {
    let check = |made: &VirtualRelationship, expected: Result<(), &str>| {
        assert_eq!(made.check(), expected.map_err(str::to_owned), "{made:?}");
    };
    check(&made(RelationshipKind::BelongsTo, "a,b", "c,d"), Ok(()));
    check(&between("a", "b"), Ok(()));
    check(
        &made(RelationshipKind::BelongsTo, "a,b", "c"),
        Err("'field' has 2 fields and 'ref_field' has 1 field, but each pairs with one of the other"),
    );
    check(
        &between("a,b", "c"),
        Err("'field' has 1 field and 'junction_field' has 2 fields, but each pairs with one of the other"),
    );
    check(
        &between("a", ""),
        Err(
            "'ref_field' has 1 field and 'junction_ref_field' has 0 fields, but each pairs with one of the other",
        ),
    );
    check(
        &made(RelationshipKind::ManyMany, "id", "code"),
        Err("a 'many_many' needs 'junction_table', 'junction_field' and 'junction_ref_field'"),
    );
    let both = VirtualRelationship { kind: RelationshipKind::HasMany, ..between("a", "b") };
    check(&both, Err("only a 'many_many' has a table between, so leave out the 'junction_…'"));
    let empty = "'field', 'ref_table' and 'ref_field' can't be empty";
    check(&made(RelationshipKind::BelongsTo, "", ""), Err(empty));
}

#[test]
fn names_and_aliases_of_a_table_are_told_apart() {
    let alias =
        |alias: &str| RelationshipExtras { alias: Some(alias.to_owned()), ..RelationshipExtras::default() };
    let check = |kept: &[(&str, RelationshipExtras)], expected: Option<(&str, &str)>| {
        let kept = kept.iter().map(|(name, extras)| ((*name).to_owned(), extras.clone())).collect();
        let expected = expected.map(|(name, what)| (name.to_owned(), what.to_owned()));
        assert_eq!(check_of_table(&kept).err(), expected);
    };
    check(&[("a", alias("x")), ("b", alias("y"))], None);
    check(&[("a", alias("A"))], None);
    check(&[("a", alias("X")), ("b", alias("x"))], Some(("b", "another relationship is named 'x'")));
    check(
        &[("a", alias("B")), ("b", RelationshipExtras::default())],
        Some(("a", "another relationship is named 'b'")),
    );
    let unfit = "the alias 'x,y' must be made of letters, digits, '_' and '-'";
    check(&[("a", alias("x,y"))], Some(("a", unfit)));
    let made = Some(made(RelationshipKind::BelongsTo, "code", "code"));
    let named = RelationshipExtras { made, ..RelationshipExtras::default() };
    check(&[("regions_by_code", named.clone())], None);
    check(&[("regions", named)], Some(("regions", "by what it is made of its name is 'regions_by_code'")));
}
