//! Tables and columns as they are found.

use super::*;

#[test]
fn tables_views_and_virtual_tables_are_listed_and_inner_ones_are_not() {
    let fixture = Fixture::new(
        "CREATE TABLE b(id INTEGER PRIMARY KEY AUTOINCREMENT); CREATE TABLE a(k PRIMARY KEY) WITHOUT ROWID;
         CREATE VIEW v AS SELECT * FROM b; CREATE VIRTUAL TABLE f USING fts5(body); CREATE TABLE sqlitex(id);",
    );
    let found: Vec<_> = tables(&fixture).into_iter().map(|found| (found.table.name, found.kind)).collect();
    let expected = [
        ("a", TableKind::Table),
        ("b", TableKind::Table),
        ("f", TableKind::Table),
        ("sqlitex", TableKind::Table),
        ("v", TableKind::View),
    ];
    assert_eq!(found, expected.map(|(name, kind)| (name.to_owned(), kind)));
    let columns = |name| {
        describe(&fixture, &[name])[0].columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(columns("f"), ["body"], "hidden columns are left out");
    assert_eq!(columns("v"), ["id"]);
}

#[test]
fn a_table_is_described_with_its_keys_and_defaults() {
    let fixture = Fixture::new(
        "CREATE TABLE parent(code TEXT PRIMARY KEY, name);
         CREATE TABLE child(
             id INTEGER PRIMARY KEY, parent TEXT NOT NULL REFERENCES PARENT ON DELETE CASCADE,
             price DECIMAL(8,2) DEFAULT 1.5, at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, label VARCHAR(20) DEFAULT 'x',
             twice GENERATED ALWAYS AS (price * 2) VIRTUAL, UNIQUE (label, parent));
         CREATE INDEX by_price ON child(price DESC, label); CREATE UNIQUE INDEX some ON child(at) WHERE at IS NOT NULL;
         CREATE INDEX by_lower ON child(lower(label));",
    );
    let described = describe(&fixture, &["child", "missing", "CHILD"]);
    assert_eq!(described.len(), 1);
    let child = &described[0];
    let names: Vec<_> = child.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["id", "parent", "price", "at", "label", "twice"]);
    let column = |name: &str| child.columns.iter().find(|column| column.name == name).unwrap();
    assert!(column("id").is_auto_increment && !column("id").is_nullable);
    assert!(!column("parent").is_nullable && column("label").is_nullable);
    assert!(column("twice").is_generated);
    assert_eq!(column("price").data_type, ColumnType::Decimal);
    assert_eq!(column("label").native_type, "VARCHAR(20)");
    assert_eq!(column("price").default, Some(DefaultValue::Value(json!(1.5))));
    assert_eq!(column("at").default, Some(DefaultValue::Expression("CURRENT_TIMESTAMP".into())));
    assert_eq!(child.primary_key, ["id"]);
    let columns = |keys: &[Key]| keys.iter().map(|key| key.columns.join(",")).collect::<Vec<_>>();
    assert_eq!(columns(&child.unique_keys), ["label,parent"]);
    assert_eq!(columns(&child.indexes), ["price,label", "at"]);
    assert_eq!(
        child.foreign_keys,
        [ForeignKey {
            name: "child_parent_fkey".into(),
            columns: vec!["parent".into()],
            references: TableRef::new("parent"),
            referenced_columns: vec!["code".into()],
            on_update: Some("NO ACTION".into()),
            on_delete: Some("CASCADE".into()),
        }]
    );
}

#[test]
fn keys_of_several_columns_keep_their_order() {
    let fixture = Fixture::new(
        "CREATE TABLE p(a, b INTEGER, c, PRIMARY KEY (b, a)) WITHOUT ROWID;
         CREATE TABLE q(x, y, z, FOREIGN KEY (x, y) REFERENCES p, FOREIGN KEY (z) REFERENCES gone(id));
         CREATE TABLE d(id INTEGER PRIMARY KEY DESC);",
    );
    let described = describe(&fixture, &["q", "p", "d"]);
    assert_eq!(described[1].primary_key, ["b", "a"]);
    assert!(described[1].columns.iter().all(|column| !column.is_auto_increment));
    let references: Vec<_> = described[0]
        .foreign_keys
        .iter()
        .map(|key| (key.columns.join(","), key.referenced_columns.join(",")))
        .collect();
    assert_eq!(references, [("x,y".to_owned(), "b,a".to_owned()), ("z".to_owned(), "id".to_owned())]);
    assert!(!described[2].columns[0].is_auto_increment, "a descending key is not the row's number");
}
