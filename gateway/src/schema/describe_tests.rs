//! Tests of the schema objects, a whole table byte for byte among them.

use std::sync::Arc;

use connector_api::model::{Key, TableRef};

use super::*;
use crate::extras::RelationshipExtras;
use crate::schema::relationships::References;

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|name| (*name).to_owned()).collect()
}

fn column(name: &str, data_type: ColumnType, native_type: &str) -> Column {
    Column { native_type: native_type.to_owned(), ..Column::new(name, data_type) }
}

fn foreign_key(columns: &[&str], table: &str, referenced: &[&str]) -> ForeignKey {
    ForeignKey {
        columns: names(columns),
        references: TableRef::new(table),
        referenced_columns: names(referenced),
        ..ForeignKey::default()
    }
}

fn key(name: &str, columns: &[&str]) -> Key {
    Key { name: name.to_owned(), columns: names(columns) }
}

fn orders() -> Table {
    let required = |column: Column| Column { is_nullable: false, ..column };
    let id = Column { is_auto_increment: true, ..required(column("id", ColumnType::Integer, "integer")) };
    let number = Column { length: Some(12), ..required(column("number", ColumnType::String, "char(12)")) };
    let status = Column {
        default: Some(DefaultValue::Value(json!("open"))),
        allowed_values: names(&["open", "paid"]),
        ..required(column("status", ColumnType::String, "enum('open','paid')"))
    };
    let total = Column {
        precision: Some(10),
        scale: Some(2),
        is_generated: true,
        comment: Some("With tax.".to_owned()),
        ..required(column("total", ColumnType::Decimal, "decimal(10,2)"))
    };
    let created = Column {
        default: Some(DefaultValue::Expression("CURRENT_TIMESTAMP".to_owned())),
        ..column("created_at", ColumnType::DateTime, "datetime")
    };
    let customer = ForeignKey {
        name: "FK_Customer".to_owned(),
        on_delete: Some("SET NULL".to_owned()),
        ..foreign_key(&["customer_id"], "customers", &[])
    };
    Table {
        table: TableRef::new("orders"),
        columns: vec![
            id,
            column("customer_id", ColumnType::Integer, "integer"),
            number,
            status,
            total,
            created,
        ],
        primary_key: names(&["id"]),
        unique_keys: vec![key("Orders_Number", &["number"])],
        indexes: vec![key("by_customer", &["customer_id", "created_at"])],
        foreign_keys: vec![customer],
        comment: Some("What was bought.".to_owned()),
        ..Table::default()
    }
}

/// The tables around `orders`: one that it refers to, one that refers to it, and one behind that.
fn neighbours() -> [Table; 3] {
    let simple = |name: &str, foreign_keys: Vec<ForeignKey>| Table {
        table: TableRef::new(name),
        columns: ["id", "order_id", "product_id"].map(|name| Column::new(name, ColumnType::Integer)).to_vec(),
        primary_key: names(&["id"]),
        foreign_keys,
        ..Table::default()
    };
    let keys = vec![
        foreign_key(&["order_id"], "orders", &["id"]),
        foreign_key(&["product_id"], "products", &["id"]),
    ];
    [simple("customers", vec![]), simple("products", vec![]), simple("order_items", keys)]
}

#[test]
fn whole_table_byte_for_byte() {
    let orders = Arc::new(orders());
    let mut tables: Vec<Arc<Table>> = neighbours().map(Arc::new).to_vec();
    tables.push(Arc::clone(&orders));
    let relationships = References::new(&tables, Arc::default()).of(&orders.table);
    let text = serde_json::to_string_pretty(&table_object(&orders, &relationships, 31)).unwrap();
    assert_eq!(text, include_str!("describe_orders.json").trim_end());
}

#[test]
fn rows_of_lists_have_their_members_in_order() {
    let check = |row: &Value, expected: &str| assert_eq!(row.to_string(), expected);
    let namespace = names(&["sales"]);
    let view =
        TableName { table: TableRef { namespace, name: "open_order".to_owned() }, kind: TableKind::View };
    let table = TableName { table: TableRef::new("orders"), kind: TableKind::Table };
    check(
        &table_row(&table, Some("What was bought."), json!(["GET", "POST", "PUT", "PATCH", "DELETE"])),
        r#"{"name":"orders","label":"Orders","description":"What was bought.","native":[],"plural":"Orders","is_view":false,"access":["GET","POST","PUT","PATCH","DELETE"]}"#,
    );
    check(
        &schema_row(&view, None, json!(["GET"])),
        r#"{"alias":null,"name":"sales.open_order","label":"Open Order","description":null,"native":[],"plural":"Open Orders","is_view":true,"access":["GET"]}"#,
    );
}

/// A field in a table without other columns; one named `id` is its primary key.
#[track_caller]
fn check_field(column: Column, expected: &Value) {
    let mut table = Table { columns: vec![column.clone()], ..Table::default() };
    if column.name == "id" {
        table.primary_key = names(&["id"]);
    }
    check_members(&field_object(&table, &column, &[]), expected);
}

#[track_caller]
fn check_members(object: &Value, expected: &Value) {
    for (member, value) in expected.as_object().unwrap() {
        assert_eq!(object.get(member), Some(value), "{member} of {object}");
    }
}

#[test]
fn types_have_their_words() {
    for (data_type, native_type, expected) in [
        (ColumnType::Boolean, "tinyint(1)", "boolean"),
        (ColumnType::Integer, "int", "integer"),
        (ColumnType::BigInt, "bigint", "bigint"),
        (ColumnType::Float, "real", "float"),
        (ColumnType::Double, "double precision", "double"),
        (ColumnType::Decimal, "numeric(10,2)", "decimal"),
        (ColumnType::Decimal, "smallMONEY", "money"),
        (ColumnType::String, "varchar(40)", "string"),
        (ColumnType::Text, "clob", "text"),
        (ColumnType::Binary, "blob", "binary"),
        (ColumnType::Date, "date", "date"),
        (ColumnType::Time, "time", "time"),
        (ColumnType::DateTime, "datetime", "datetime"),
        (ColumnType::Timestamp, "timestamptz", "timestamp"),
        (ColumnType::Uuid, "uuid", "uuid"),
        (ColumnType::Uuid, "timeuuid", "timeuuid"),
        (ColumnType::Json, "json", "json"),
        (ColumnType::Json, "jsonb", "jsonb"),
        (ColumnType::Array, "text[]", "array"),
        (ColumnType::Object, "", "object"),
        (ColumnType::Other, "point", "string"),
    ] {
        check_field(
            column("c", data_type, native_type),
            &json!({ "type": expected, "db_type": native_type }),
        );
    }
}

#[test]
fn numbered_single_primary_key_is_an_id() {
    let numbered = |data_type| Column { is_auto_increment: true, ..Column::new("id", data_type) };
    check_field(
        numbered(ColumnType::Integer),
        &json!({ "type": "id", "is_primary_key": true, "auto_increment": true }),
    );
    check_field(numbered(ColumnType::BigInt), &json!({ "type": "bigint", "is_primary_key": true }));
    check_field(
        Column::new("id", ColumnType::Integer),
        &json!({ "type": "integer", "is_primary_key": true }),
    );

    let id = numbered(ColumnType::Integer);
    let primary_key = names(&["id", "part"]);
    let table = Table { columns: vec![id.clone()], primary_key, ..Table::default() };
    check_members(&field_object(&table, &id, &[]), &json!({ "type": "integer", "is_primary_key": true }));
}

#[test]
fn required_means_that_nothing_else_fills_the_field() {
    let column = || Column { is_nullable: false, ..Column::new("c", ColumnType::Integer) };
    let default = Some(DefaultValue::Value(json!(0)));
    check_field(column(), &json!({ "required": true, "allow_null": false, "default": null, "native": [] }));
    check_field(Column { is_nullable: true, ..column() }, &json!({ "required": false, "allow_null": true }));
    check_field(Column { default, ..column() }, &json!({ "required": false, "default": 0 }));
    check_field(Column { is_auto_increment: true, ..column() }, &json!({ "required": false }));
    check_field(
        Column { is_generated: true, ..column() },
        &json!({ "required": false, "native": { "is_generated": true } }),
    );
}

#[test]
fn fixed_and_multibyte_texts_are_told_by_their_type() {
    for (data_type, native_type, is_fixed, is_multibyte) in [
        (ColumnType::String, "CHAR(2)", true, false),
        (ColumnType::String, "character(2)", true, false),
        (ColumnType::String, "character varying(2)", false, false),
        (ColumnType::String, "varchar(2)", false, false),
        (ColumnType::String, "nchar(2)", true, true),
        (ColumnType::String, "NVARCHAR(2)", false, true),
        (ColumnType::String, "national character varying(2)", false, true),
        (ColumnType::Text, "ntext", false, true),
        (ColumnType::Text, "character large object", false, false),
        (ColumnType::Binary, "binary(16)", true, false),
        (ColumnType::Binary, "varbinary(16)", false, false),
        (ColumnType::Binary, "binary large object", false, false),
        (ColumnType::Float, "binary_float", false, false),
    ] {
        let expected = json!({ "fixed_length": is_fixed, "supports_multibyte": is_multibyte });
        check_field(column("c", data_type, native_type), &expected);
    }
}

#[test]
fn keys_of_several_columns_do_not_make_one_unique() {
    let columns = ["a", "b", "c"].map(|name| Column::new(name, ColumnType::Integer));
    let table = Table {
        columns: columns.to_vec(),
        unique_keys: vec![key("ab", &["a", "b"]), key("c", &["c"])],
        indexes: vec![key("ba", &["b", "a"])],
        ..Table::default()
    };
    let expected = [("a", false, false), ("b", false, true), ("c", true, false)];
    for (column, (name, is_unique, is_index)) in columns.iter().zip(expected) {
        let members = json!({ "name": name, "is_unique": is_unique, "is_index": is_index });
        check_members(&field_object(&table, column, &[]), &members);
    }
}

#[test]
fn column_of_several_foreign_keys_shows_the_narrowest() {
    let columns = ["a", "b", "c"].map(|name| Column::new(name, ColumnType::Integer));
    let foreign_keys = vec![
        foreign_key(&["a", "b"], "Pairs", &["x", "y"]),
        foreign_key(&["A"], "singles", &["z"]),
        foreign_key(&["c"], "gone", &[]),
    ];
    let table = Table { columns: columns.to_vec(), foreign_keys, ..Table::default() };
    for (column, expected) in columns.iter().zip([
        json!({ "type": "reference", "is_foreign_key": true, "ref_table": "singles", "ref_field": "z" }),
        json!({ "type": "integer", "is_foreign_key": true, "ref_table": "Pairs", "ref_field": "y" }),
        json!({ "type": "reference", "is_foreign_key": true, "ref_table": "gone", "ref_field": null }),
    ]) {
        check_members(&field_object(&table, column, &[]), &expected);
    }
}

#[test]
fn composite_relationships_join_their_columns() {
    let relationship = Relationship {
        name: "rows_by_seats".to_owned(),
        kind: RelationshipKind::ManyMany,
        description: None,
        extras: RelationshipExtras {
            alias: Some("rows".to_owned()),
            always_fetch: true,
            ..RelationshipExtras::default()
        },
        is_virtual: true,
        service: Some("hall".to_owned()),
        columns: names(&["a", "b"]),
        target: TableRef { namespace: names(&["hall"]), name: "rows".to_owned() },
        target_columns: names(&["c", "d"]),
        junction: Some(crate::schema::relationships::Junction {
            service: None,
            table: TableRef::new("seats"),
            columns: names(&["e", "f"]),
            target_columns: names(&["g", "h"]),
        }),
        on_update: None,
        on_delete: None,
    };
    check_members(
        &relationship_object(&relationship),
        &json!({
            "name": "rows_by_seats", "alias": "rows", "label": "Rows By Seats", "is_virtual": true, "always_fetch": true,
            "ref_service_id": "hall", "junction_service_id": null, "type": "many_many", "field": "a,b", "ref_table": "hall.rows",
            "ref_field": "c,d", "junction_table": "seats", "junction_field": "e,f", "junction_ref_field": "g,h",
        }),
    );
}

#[test]
fn constraints_without_a_name_get_one_and_never_hide_another() {
    let table = Table {
        table: TableRef { namespace: names(&["erp", "sales"]), name: "T".to_owned() },
        primary_key: names(&["a", "b"]),
        unique_keys: vec![key("", &["a"]), key("Both", &["b"])],
        foreign_keys: vec![
            ForeignKey { name: "both".to_owned(), ..foreign_key(&["b"], "other", &["id"]) },
            ForeignKey { name: "both".to_owned(), ..foreign_key(&["a"], "other", &["id"]) },
            foreign_key(&["a", "b"], "pairs", &["x", "y"]),
        ],
        ..Table::default()
    };
    let object = table_object(&table, &[], 0);
    let constraints = object["constraints"].as_object().unwrap();
    let found: Vec<&str> = constraints.keys().map(String::as_str).collect();
    assert_eq!(found, ["t_pkey", "t_a_key", "both", "both_2", "both_3", "t_a_b_fkey"]);
    check_members(
        &object["constraints"]["t_a_b_fkey"],
        &json!({
            "constraint_schema": "erp.sales", "constraint_name": "T_a_b_fkey", "constraint_type": "FOREIGN KEY",
            "table_schema": "erp.sales", "table_name": "T", "column_name": ["a", "b"],
            "referenced_table_schema": null, "referenced_table_name": "pairs",
            "referenced_column_name": ["x", "y"], "update_rule": null, "delete_rule": null,
        }),
    );
    assert_eq!(object["constraints"]["both_2"]["constraint_name"], "both");
}

#[test]
fn sampled_tables_and_views_say_so() {
    let table = Table { is_inferred: true, kind: TableKind::View, ..Table::default() };
    let expected = json!({
        "native": { "is_inferred": true }, "is_view": true, "primary_key": [], "field": [], "related": [],
        "constraints": {}, "access": 3,
    });
    check_members(&table_object(&table, &[], 3), &expected);
}
