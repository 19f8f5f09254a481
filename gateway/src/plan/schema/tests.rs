//! Tests of planned changes: new tables, and the difference between what is wished and what is there.

use connector_api::model::{Change, Column, ColumnType, DefaultValue, ForeignKey, Key, TableKind};
use serde_json::{Value as Json, json};

use super::*;
use crate::request::schema::{self as wishes, TableWish};
use crate::schema::describe::table_object;
use crate::schema::relationships::References;

fn column(name: &str, data_type: ColumnType, native_type: &str) -> Column {
    Column { native_type: native_type.to_owned(), ..Column::new(name, data_type) }
}

fn key(name: &str, columns: &[&str]) -> Key {
    Key { name: name.to_owned(), columns: names(columns) }
}

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

fn customers() -> Table {
    let id =
        Column { is_auto_increment: true, is_nullable: false, ..column("ID", ColumnType::BigInt, "bigint") };
    let code = column("code", ColumnType::String, "char(2)");
    Table {
        table: TableRef::new("customers"),
        columns: vec![id, code],
        primary_key: names(&["ID"]),
        ..Table::default()
    }
}

fn orders() -> Table {
    let id = Column {
        is_auto_increment: true,
        is_nullable: false,
        ..column("id", ColumnType::Integer, "integer")
    };
    let status = Column {
        default: Some(DefaultValue::Value(json!("open"))),
        length: Some(10),
        is_nullable: false,
        ..column("status", ColumnType::String, "varchar(10)")
    };
    let total = Column {
        precision: Some(10),
        scale: Some(2),
        ..column("total", ColumnType::Decimal, "decimal(10,2) unsigned")
    };
    let columns = vec![
        id,
        column("customer_id", ColumnType::BigInt, "bigint"),
        status,
        total,
        column("anything", ColumnType::Other, ""),
        column("code", ColumnType::String, "char(2)"),
    ];
    let customer = ForeignKey {
        name: "orders_customer".to_owned(),
        columns: names(&["customer_id"]),
        references: TableRef::new("customers"),
        referenced_columns: names(&["ID"]),
        on_update: Some("NO ACTION".to_owned()),
        on_delete: Some("CASCADE".to_owned()),
    };
    Table {
        table: TableRef::new("orders"),
        columns,
        primary_key: names(&["id"]),
        unique_keys: vec![key("by_code", &["code"]), key("pair", &["status", "total"])],
        indexes: vec![key("by_total", &["total"]), key("by_both", &["anything", "total"])],
        foreign_keys: vec![customer],
        ..Table::default()
    }
}

fn targets() -> Targets {
    Targets::from([("customers".to_owned(), Target::Known(Arc::new(customers())))])
}

fn object(table: &Table) -> Json {
    let all = [Arc::new(table.clone()), Arc::new(customers())];
    table_object(table, &References::new(&all).of(&table.table), 31)
}

/// The changes that a wish makes of a table.
fn planned(table: &Table, wish: Json, removal: Removal) -> Result<Vec<Change>, String> {
    let wish = wishes::table(&table.table.name, Some(wish)).unwrap();
    let described = wishes::table(&table.table.name, Some(object(table))).unwrap();
    altered(&wish, (table, &described), removal, &targets()).map_err(|error| error.to_string())
}

/// The changes of one field of `orders`.
#[track_caller]
fn check(field: Json, expected: &[Change]) {
    let found = planned(&orders(), json!({ "field": [field] }), Removal::Stay);
    assert_eq!(found, Ok(expected.to_vec()));
}

#[track_caller]
fn refuse(field: Json, expected: &str) {
    assert_eq!(planned(&orders(), json!({ "field": [field] }), Removal::Stay), Err(expected.to_owned()));
}

fn alter(name: &str, change: impl FnOnce(&mut Column)) -> Change {
    let mut column = orders().columns.into_iter().find(|column| column.name == name).unwrap();
    change(&mut column);
    Change::AlterColumn { table: TableRef::new("orders"), column }
}

#[track_caller]
fn create(wish: Json) -> Result<Table, String> {
    let wish = wishes::tables(Some(wish)).unwrap().remove(0).unwrap();
    created(&wish, TableRef::new(&wish.name), &targets()).map_err(|error| error.to_string())
}

#[test]
fn what_was_read_and_is_sent_back_changes_nothing() {
    for removal in [Removal::Stay, Removal::Refused, Removal::Go] {
        assert_eq!(planned(&orders(), object(&orders()), removal), Ok(Vec::new()));
        assert_eq!(planned(&customers(), object(&customers()), removal), Ok(Vec::new()));
    }
}

#[test]
fn extras_alone_change_nothing() {
    let mut wish = object(&orders());
    wish["label"] = json!("Sales");
    for field in wish["field"].as_array_mut().unwrap() {
        field["label"] = json!("x");
        field["picklist"] = json!(["a"]);
        field["validation"] = json!({ "not_null": {} });
    }
    assert_eq!(planned(&orders(), wish, Removal::Refused), Ok(Vec::new()));
}

#[test]
fn only_what_differs_is_altered() {
    check(
        json!({ "name": "STATUS", "allow_null": true }),
        &[alter("status", |column| column.is_nullable = true)],
    );
    check(json!({ "name": "status", "default": null }), &[alter("status", |column| column.default = None)]);
    let now = Some(DefaultValue::Expression("CURRENT_TIMESTAMP".to_owned()));
    let default = json!({ "expression": "CURRENT_TIMESTAMP" });
    check(json!({ "name": "status", "default": default }), &[alter("status", |column| column.default = now)]);
    check(json!({ "name": "id", "type": "int" }), &[]);
    check(json!({ "name": "anything", "type": "string" }), &[]);
    check(json!({ "name": "customer_id", "type": "reference" }), &[]);
}

#[test]
fn another_size_keeps_the_rest_of_a_type() {
    let resized = alter("status", |column| {
        column.length = Some(20);
        column.native_type = "varchar(20)".to_owned();
    });
    check(json!({ "name": "status", "length": 20 }), &[resized]);
    let resized = alter("total", |column| {
        column.precision = Some(12);
        column.native_type = "decimal(12,2) unsigned".to_owned();
    });
    check(json!({ "name": "total", "precision": 12 }), &[resized]);
}

#[test]
fn another_type_leaves_nothing_of_the_old_one() {
    let retyped = alter("status", |column| {
        (column.data_type, column.length, column.native_type) = (ColumnType::Text, None, String::new());
    });
    check(json!({ "name": "status", "type": "text", "db_type": "varchar(10)", "length": 10 }), &[retyped]);
    let native = alter("status", |column| column.native_type = "char(4)".to_owned());
    check(json!({ "name": "status", "db_type": "char(4)" }), &[native]);
}

#[test]
fn keys_come_and_go_with_their_property() {
    let table = || TableRef::new("orders");
    let added = Change::AddKey { table: table(), key: key("", &["total"]), is_unique: true };
    check(json!({ "name": "total", "is_unique": true }), &[added]);
    let dropped = Change::DropKey { table: table(), name: "by_code".to_owned(), is_unique: true };
    check(json!({ "name": "code", "is_unique": false }), &[dropped]);
    let dropped = Change::DropKey { table: table(), name: "by_total".to_owned(), is_unique: false };
    check(json!({ "name": "total", "is_index": false }), &[dropped]);
    refuse(
        json!({ "name": "anything", "is_index": false }),
        "Table 'orders', field 'anything': taking away an index over several fields is not supported by this service",
    );
    refuse(
        json!({ "name": "code", "is_primary_key": true }),
        "Table 'orders', field 'code': changing the primary key of a table that exists is not supported by this service",
    );
}

#[test]
fn a_reference_comes_goes_and_is_replaced() {
    let table = || TableRef::new("orders");
    let dropped = || Change::DropForeignKey { table: table(), name: "orders_customer".to_owned() };
    let reference = |field: &str, on_delete: Option<&str>, on_update: Option<&str>| Change::AddForeignKey {
        table: table(),
        foreign_key: ForeignKey {
            name: String::new(),
            columns: names(&[field]),
            references: TableRef::new("customers"),
            referenced_columns: names(&["ID"]),
            on_update: on_update.map(str::to_owned),
            on_delete: on_delete.map(str::to_owned),
        },
    };
    check(json!({ "name": "customer_id", "is_foreign_key": false }), &[dropped()]);
    check(json!({ "name": "customer_id", "ref_table": null }), &[dropped()]);
    let replaced = reference("customer_id", Some("SET NULL"), Some("NO ACTION"));
    check(json!({ "name": "customer_id", "ref_on_delete": "SET NULL" }), &[dropped(), replaced]);
    check(json!({ "name": "anything", "ref_table": "customers" }), &[reference("anything", None, None)]);
    refuse(
        json!({ "name": "anything", "is_foreign_key": true }),
        "Table 'orders', field 'anything': Invalid schema detected - no table element for reference type of anything; give 'ref_table'.",
    );
    refuse(
        json!({ "name": "anything", "ref_table": "nowhere" }),
        "Table 'orders', field 'anything': 'ref_table' names 'nowhere', which does not exist.",
    );
    refuse(
        json!({ "name": "anything", "ref_table": "customers", "ref_field": "x" }),
        "Table 'orders', field 'anything': 'ref_field' names 'x', which 'customers' does not have.",
    );
}

#[test]
fn a_new_field_brings_its_keys_and_has_the_type_of_what_it_refers_to() {
    let wish = json!({ "name": "buyer", "type": "reference", "ref_table": "customers", "is_index": true });
    let changes = planned(&orders(), json!({ "field": [wish] }), Removal::Stay).unwrap();
    let [
        Change::AddColumn { column, .. },
        Change::AddKey { is_unique: false, .. },
        Change::AddForeignKey { .. },
    ] = changes.as_slice()
    else {
        panic!("{changes:?}");
    };
    assert_eq!((column.data_type, column.native_type.as_str()), (ColumnType::BigInt, "bigint"));
}

#[test]
fn unlisted_fields_stay_go_or_are_named() {
    let wish = || {
        let mut wish = object(&orders());
        wish["field"]
            .as_array_mut()
            .unwrap()
            .retain(|field| field["name"] != "total" && field["name"] != "code");
        wish
    };
    assert_eq!(planned(&orders(), wish(), Removal::Stay), Ok(Vec::new()));
    let message = "Table 'orders': the fields total, code are not listed and would be dropped with their values; list them, use PATCH, or add allow_delete=true.";
    assert_eq!(planned(&orders(), wish(), Removal::Refused), Err(message.to_owned()));
    let drop = |name: &str| Change::DropColumn { table: TableRef::new("orders"), name: name.to_owned() };
    assert_eq!(planned(&orders(), wish(), Removal::Go), Ok(vec![drop("total"), drop("code")]));
    assert_eq!(planned(&orders(), json!({ "label": "x" }), Removal::Refused), Ok(Vec::new()));
    let message =
        "Table 'orders': none of its fields is listed, so all would be dropped; drop the table instead.";
    for field in [json!([]), json!([{ "name": "new", "type": "text" }])] {
        assert_eq!(planned(&orders(), json!({ "field": field }), Removal::Go), Err(message.to_owned()));
    }
}

#[test]
fn what_only_a_description_says_may_come_back_but_not_change() {
    let refuse = |member: &str, value: Json, expected: &str| {
        let found = planned(&orders(), json!({ member: value }), Removal::Stay);
        assert_eq!(
            found,
            Err(format!("Table 'orders': changing {expected} is not supported by this service"))
        );
    };
    refuse("primary_key", json!(["code"]), "'primary_key'");
    refuse("constraints", json!({}), "'constraints'");
    refuse("is_view", json!(true), "'is_view'");
    let related = json!([{ "type": "belongs_to", "is_virtual": true, "field": "code", "ref_table": "x" }]);
    refuse("related", related, "relationships");
    assert_eq!(
        planned(&orders(), json!({ "access": 1, "native": { "x": 1 } }), Removal::Stay),
        Ok(Vec::new())
    );
}

#[test]
fn a_view_is_not_altered_but_its_key_is_an_extra() {
    let view = Table { kind: TableKind::View, primary_key: Vec::new(), ..orders() };
    let wish = json!({ "field": [{ "name": "code", "is_primary_key": true }] });
    assert_eq!(planned(&view, wish, Removal::Stay), Ok(Vec::new()));
    let wish = json!({ "field": [{ "name": "code", "allow_null": false }] });
    let message = "Table 'orders': changing the fields of a view is not supported by this service";
    assert_eq!(planned(&view, wish, Removal::Stay), Err(message.to_owned()));
}

#[test]
fn a_new_table_has_the_columns_and_keys_that_are_wished() {
    let table = create(json!({ "name": "trucks", "field": [
        { "name": "id", "type": "id" },
        { "name": "make", "type": "string", "length": 40, "allow_null": false },
        { "name": "owner_id", "type": "reference", "ref_table": "customers", "ref_on_delete": "SET NULL" },
        { "name": "tows", "type": "reference", "ref_table": "Trucks" },
        { "name": "plate", "type": "string", "length": 12, "is_unique": true },
        { "name": "price", "type": "money", "required": true },
        { "name": "created", "type": "timestamp_on_create" },
    ] }))
    .unwrap();
    let shown: Vec<String> = table
        .columns
        .iter()
        .map(|column| {
            let Column { name, data_type, native_type, length, precision, is_nullable, .. } = column;
            format!("{name} {data_type:?} {native_type} {length:?} {precision:?} {is_nullable}")
        })
        .collect();
    assert_eq!(
        shown,
        [
            "id Integer  None None false",
            "make String  Some(40) None false",
            "owner_id BigInt bigint None None true",
            "tows Integer  None None true",
            "plate String  Some(12) None true",
            "price Decimal  None Some(19) false",
            "created Timestamp  None None true",
        ]
    );
    assert_eq!((table.primary_key, table.unique_keys), (names(&["id"]), vec![key("", &["plate"])]));
    assert!(table.columns[0].is_auto_increment);
    assert_eq!(table.columns[6].default, Some(DefaultValue::Expression("CURRENT_TIMESTAMP".to_owned())));
    let references: Vec<String> = table
        .foreign_keys
        .iter()
        .map(|key| {
            format!("{:?} {} {:?} {:?}", key.columns, key.references, key.referenced_columns, key.on_delete)
        })
        .collect();
    assert_eq!(
        references,
        [r#"["owner_id"] customers ["ID"] Some("SET NULL")"#, r#"["tows"] trucks ["id"] None"#]
    );
}

#[test]
fn a_table_made_from_a_description_is_described_so() {
    // Indexes over several fields stand in no description.
    let indexes = vec![key("by_total", &["total"])];
    let mut columns = orders().columns;
    columns.retain(|column| column.name != "anything");
    let original = Table { indexes, columns, ..orders() };
    let mut again = create(object(&original)).unwrap();
    again.indexes.iter_mut().for_each(|key| key.name = "by_total".to_owned());
    let described = |table: &Table| object(table);
    // What the store finds out about a type by itself stands in its own words.
    for (column, original) in again.columns.iter_mut().zip(&original.columns) {
        assert_eq!(column.native_type, original.native_type);
        (column.length, column.precision, column.scale) =
            (original.length, original.precision, original.scale);
        column.data_type = original.data_type;
    }
    assert_eq!(described(&again), described(&original));
}

#[test]
fn a_new_table_that_makes_no_sense_is_refused() {
    let refuse = |wish: Json, expected: &str| assert_eq!(create(wish), Err(expected.to_owned()));
    refuse(json!({ "name": "t" }), "Table 't': it needs at least one 'field'.");
    refuse(
        json!({ "name": "t", "field": [{ "name": "f" }] }),
        "Table 't', field 'f': Invalid schema detected - no type definition; give 'type' or 'db_type'.",
    );
    refuse(
        json!({ "name": "t", "field": [{ "name": "f", "type": "string", "fixed_length": true }] }),
        "Table 't', field 'f': 'fixed_length' needs the database's own type as 'db_type'.",
    );
    refuse(
        json!({ "name": "t", "field": [{ "name": "f", "type": "string", "is_virtual": true }] }),
        "Table 't', field 'f': a virtual field can't be called like a field of the database.",
    );
    let field = json!([{ "name": "f", "type": "integer" }]);
    for related in [
        json!({ "type": "has_many", "field": "f", "is_virtual": true }),
        json!({ "type": "belongs_to", "field": "f", "ref_table": "u" }),
    ] {
        refuse(
            json!({ "name": "t", "field": field, "related": [related] }),
            "Table 't': creating relationships without a reference is not supported by this service",
        );
    }
    refuse(
        json!({ "name": "t", "is_view": true }),
        "Table 't': creating a view is not supported by this service",
    );
    refuse(
        json!({ "name": "t", "primary_key": ["x"], "field": [{ "name": "f", "type": "text" }] }),
        "Table 't': 'primary_key' names 'x', which is no field of it.",
    );
}

#[test]
fn a_new_table_stands_in_the_namespace_that_its_name_begins_with() {
    let known = |namespace: &[&str]| TableName {
        table: TableRef { namespace: names(namespace), name: "x".to_owned() },
        kind: TableKind::Table,
    };
    let known = [known(&[]), known(&["sales"])];
    let check = |name: &str, namespace: &[&str], rest: &str| {
        let expected = TableRef { namespace: names(namespace), name: rest.to_owned() };
        assert_eq!(new_table_ref(name, &known), Ok(expected));
    };
    check("trucks", &[], "trucks");
    check("sales.trucks", &["sales"], "trucks");
    for name in ["a.b", "sales.", ".a"] {
        let error = new_table_ref(name, &known).unwrap_err().to_string();
        assert!(error.contains("begins with no namespace"), "{name}: {error}");
    }
    assert_eq!(new_table_ref("a.b", &known[..1]), Ok(TableRef::new("a.b")), "a store without namespaces");
}

#[test]
fn fields_that_differ_in_their_case_only_are_told_apart() {
    let columns = ["a", "A"].map(|name| column(name, ColumnType::Text, "text")).to_vec();
    let table = Table { table: TableRef::new("t"), columns, ..Table::default() };
    assert_eq!(planned(&table, object(&table), Removal::Go), Ok(Vec::new()));
    let drop = Change::DropColumn { table: TableRef::new("t"), name: "A".to_owned() };
    assert_eq!(planned(&table, json!({ "field": [{ "name": "a" }] }), Removal::Go), Ok(vec![drop]));
}

#[test]
fn an_empty_wish_for_fields_is_no_wish() {
    let wish = TableWish::of_fields("orders", Vec::new());
    let described = wishes::table("orders", Some(object(&orders()))).unwrap();
    assert_eq!(altered(&wish, (&orders(), &described), Removal::Stay, &targets()), Ok(Vec::new()));
}
