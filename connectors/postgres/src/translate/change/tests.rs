//! Statements of changes, and types as they are written.

use connector_api::author::{Change, Key};
use connector_sql_common::change::plan;
use connector_sql_common::samples::assert_changes;

use super::*;

#[test]
fn statements_of_changes_are_those_of_the_snapshot() {
    let changing = Changing { home: "public".to_owned(), ..Changing::default() };
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/translate/statements-changes.txt");
    assert_changes(&changing, file.as_ref());
}

fn changing() -> Changing {
    let of = |schema: Option<&str>, name: &str, full: [&str; 2]| NamedType {
        asked: (schema.map(str::to_owned), name.to_owned()),
        full: full.map(str::to_owned),
    };
    let types = vec![
        of(None, "mood", ["public", "mood"]),
        of(None, "Mood \"x\"", ["public", "Mood \"x\""]),
        of(Some("other"), "mood", ["other", "mood"]),
        of(None, "geometry", ["gis", "geometry"]),
    ];
    Changing { home: "public".to_owned(), types, ..Changing::default() }
}

/// The type of a column as it is written, or why it is not.
fn written(native: &str) -> std::result::Result<String, String> {
    let column = Column { native_type: native.to_owned(), ..Column::new("c", ColumnType::Other) };
    let table = Table { table: TableRef::new("t"), columns: vec![column], ..Table::default() };
    let steps = plan(&changing(), Vec::new(), &[Change::CreateTable(table)]);
    let steps = steps.map_err(|refused| refused.error.message)?;
    let sql = steps[0].statement.sql();
    Ok(sql
        .strip_prefix("CREATE TABLE \"public\".\"t\" (\"c\" ")
        .unwrap()
        .strip_suffix(')')
        .unwrap()
        .to_owned())
}

#[test]
fn types_are_written_from_their_parts() {
    for (native, expected) in [
        ("integer", "integer"),
        ("numeric(10, -2)[]", "numeric(10, -2)[]"),
        ("timestamp(3) without time zone", "timestamp(3) without time zone"),
        ("time with time zone", "time with time zone"),
        ("interval day to second(3)", "interval day to second(3)"),
        ("character varying(40)[][3]", "character varying(40)[][3]"),
        ("MOOD[]", "\"public\".\"mood\"[]"),
        ("\"Mood \"\"x\"\"\"", "\"public\".\"Mood \"\"x\"\"\""),
        ("other.mood", "\"other\".\"mood\""),
        ("geometry(Point,4326)", "\"gis\".\"geometry\"(\"Point\",4326)"),
    ] {
        assert_eq!(written(native).as_deref(), Ok(expected), "{native}");
    }
}

#[test]
fn what_is_no_type_is_not_written() {
    for native in [
        "unknown_type",
        "mood; drop table x",
        "mood not null",
        "mood(1",
        "mood(1))",
        "mood(select 1)",
        "geometry(Point,(1))",
        "integer(3)",
        "integer[a]",
        "integer[",
        "integer 3",
        "timestamp(3) with time",
        "interval day to century",
        "a.b.c",
        "\"mood",
        "numeric(10,2,1)",
        "numeric('10')",
    ] {
        assert!(written(native).is_err(), "{native}");
    }
}

#[test]
fn a_unique_index_without_a_constraint_goes_as_an_index() {
    let key = |name: &str| Key { name: name.to_owned(), columns: vec!["c".to_owned()] };
    let column = Column::new("c", ColumnType::Integer);
    let (of, unique_keys) = (TableRef::new("t"), vec![key("constraint"), key("index")]);
    let there = Table { table: of.clone(), columns: vec![column], unique_keys, ..Table::default() };
    let changing = Changing { bare: vec![(of.clone(), "index".to_owned())], ..changing() };
    let drop = |name: &str| Change::DropKey { table: of.clone(), name: name.to_owned(), is_unique: true };
    let steps = plan(&changing, vec![there], &[drop("constraint"), drop("index")]).unwrap();
    let found: Vec<_> = steps.iter().map(|step| step.statement.sql()).collect();
    assert_eq!(
        found,
        ["ALTER TABLE \"public\".\"t\" DROP CONSTRAINT \"constraint\"", "DROP INDEX \"public\".\"index\""]
    );
}

#[test]
fn a_text_that_gets_another_type_keeps_its_collation() {
    let of = TableRef::new("t");
    let collation = (of.clone(), "c".to_owned(), ["pg_catalog".to_owned(), "C".to_owned()]);
    let changing = Changing { home: "public".to_owned(), collations: vec![collation], ..Changing::default() };
    let text = |length| Column { length: Some(length), ..Column::new("c", ColumnType::String) };
    let there = Table { table: of.clone(), columns: vec![text(5)], ..Table::default() };
    for (column, expected) in [
        (text(9), r#"TYPE character varying(9) COLLATE "pg_catalog"."C""#),
        (Column::new("c", ColumnType::Integer), "TYPE integer"),
    ] {
        let change = Change::AlterColumn { table: of.clone(), column };
        let steps = plan(&changing, vec![there.clone()], &[change]).unwrap();
        let sql = steps.iter().map(|step| step.statement.sql()).collect::<Vec<_>>().join("; ");
        assert_eq!(sql, format!(r#"ALTER TABLE "public"."t" ALTER COLUMN "c" {expected}"#));
    }
}
