//! Samples of changes of tables: each kind, each neutral type, names and constants that want to leave their quotes.

use std::fmt::Write as _;

use connector_api::model::{Change, Column, ColumnType, DefaultValue, ForeignKey, Key, Table, TableRef};
use serde_json::json;

use super::Snapshot;
use crate::change::{Changes, plan};

const TYPES: [(&str, ColumnType); 18] = [
    ("boolean", ColumnType::Boolean),
    ("integer", ColumnType::Integer),
    ("bigint", ColumnType::BigInt),
    ("float", ColumnType::Float),
    ("double", ColumnType::Double),
    ("decimal", ColumnType::Decimal),
    ("string", ColumnType::String),
    ("text", ColumnType::Text),
    ("binary", ColumnType::Binary),
    ("date", ColumnType::Date),
    ("time", ColumnType::Time),
    ("datetime", ColumnType::DateTime),
    ("timestamp", ColumnType::Timestamp),
    ("uuid", ColumnType::Uuid),
    ("json", ColumnType::Json),
    ("array", ColumnType::Array),
    ("object", ColumnType::Object),
    ("other", ColumnType::Other),
];

pub(super) fn write(to: &mut Snapshot<'_>, dialect: &dyn Changes) {
    to.section("new tables");
    for (name, data_type) in TYPES {
        show(to, dialect, name, vec![Change::CreateTable(table("n", vec![Column::new("c", data_type)]))]);
    }
    for (name, column) in decimals() {
        show(to, dialect, name, vec![Change::CreateTable(table("n", vec![column]))]);
    }
    show(to, dialect, "with all keys", vec![Change::CreateTable(keyed())]);
    show(to, dialect, "hostile", vec![Change::CreateTable(hostile())]);
    to.section("defaults");
    for (name, default) in defaults() {
        let column = Column { default: Some(default), ..Column::new("c", ColumnType::Text) };
        show(to, dialect, name, vec![Change::CreateTable(table("n", vec![column]))]);
    }
    to.section("columns of a table that is there");
    for (name, change) in of_columns() {
        show(to, dialect, name, vec![change]);
    }
    to.section("keys of a table that is there");
    for (name, changes) in of_keys() {
        show(to, dialect, name, changes);
    }
}

fn show(to: &mut Snapshot<'_>, dialect: &dyn Changes, name: &str, changes: Vec<Change>) {
    // Writing to a string can't fail.
    let _ = match plan(dialect, there(), &changes) {
        Err(refused) => writeln!(to.text, "{name}: refused: {}", refused.error.message),
        Ok(steps) if steps.is_empty() => writeln!(to.text, "{name}: nothing"),
        Ok(steps) => steps.iter().try_for_each(|step| writeln!(to.text, "{name}: {}", step.statement.sql())),
    };
}

/// The tables that are there, as a database may describe them.
fn there() -> Vec<Table> {
    let mut owner = table("owner", vec![required("id", ColumnType::Integer)]);
    owner.primary_key = names(&["id"]);
    let mut item =
        table("item", vec![required("id", ColumnType::Integer), number(), sized(), reference_to()]);
    item.primary_key = names(&["id"]);
    item.unique_keys = vec![key("item_n", &["n"])];
    item.indexes = vec![key("item_s", &["s"])];
    item.foreign_keys = vec![refers("item_owner", "owner_id")];
    vec![owner, item]
}

fn table(name: &str, columns: Vec<Column>) -> Table {
    Table { table: TableRef::new(name), columns, ..Table::default() }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn key(name: &str, columns: &[&str]) -> Key {
    Key { name: name.to_owned(), columns: names(columns) }
}

fn refers(name: &str, column: &str) -> ForeignKey {
    ForeignKey {
        name: name.to_owned(),
        columns: names(&[column]),
        references: TableRef::new("owner"),
        referenced_columns: names(&["id"]),
        on_delete: Some("set null".to_owned()),
        ..ForeignKey::default()
    }
}

fn required(name: &str, data_type: ColumnType) -> Column {
    Column { is_nullable: false, ..Column::new(name, data_type) }
}

fn number() -> Column {
    Column { default: Some(DefaultValue::Value(json!(5))), ..Column::new("n", ColumnType::Integer) }
}

fn sized() -> Column {
    Column { length: Some(40), ..Column::new("s", ColumnType::String) }
}

fn reference_to() -> Column {
    Column::new("owner_id", ColumnType::Integer)
}

fn refer_otherwise(name: Option<&str>) -> Vec<Change> {
    let item = || TableRef::new("item");
    let foreign_key =
        ForeignKey { on_delete: Some("CASCADE".to_owned()), ..refers(name.unwrap_or_default(), "owner_id") };
    vec![
        Change::DropForeignKey { table: item(), name: "item_owner".to_owned() },
        Change::AddForeignKey { table: item(), foreign_key },
    ]
}

fn no_null() -> Change {
    Change::AddForeignKey { table: TableRef::new("item"), foreign_key: refers("", "id") }
}

/// Decimals with some of their sizes.
fn decimals() -> [(&'static str, Column); 3] {
    let decimal = || Column::new("c", ColumnType::Decimal);
    [
        ("decimal of a length", Column { length: Some(12), scale: Some(3), ..decimal() }),
        ("decimal of a precision", Column { precision: Some(12), ..decimal() }),
        ("decimal of a scale", Column { scale: Some(3), ..decimal() }),
    ]
}

fn keyed() -> Table {
    let id = Column { is_auto_increment: true, ..required("id", ColumnType::Integer) };
    let money = Column { precision: Some(19), scale: Some(4), ..Column::new("price", ColumnType::Decimal) };
    let mut keyed = table("truck", vec![id, sized(), money, reference_to()]);
    keyed.primary_key = names(&["id"]);
    keyed.unique_keys = vec![key("", &["s"])];
    keyed.indexes = vec![key("", &["price", "s"]), key("by owner", &["owner_id"])];
    keyed.foreign_keys = vec![refers("", "owner_id")];
    keyed.comment = Some("it's".to_owned());
    keyed
}

fn hostile() -> Table {
    let name = "a\"b`c'; DROP TABLE item; --";
    let column = Column {
        length: Some(10),
        default: Some(DefaultValue::Value(json!("x'); DROP TABLE item; --\\"))),
        comment: Some("\\'; --".to_owned()),
        ..Column::new(name, ColumnType::String)
    };
    let mut hostile = table(name, vec![column]);
    hostile.primary_key = names(&[name]);
    hostile
}

fn defaults() -> Vec<(&'static str, DefaultValue)> {
    let expression = |text: &str| DefaultValue::Expression(text.to_owned());
    vec![
        ("number", DefaultValue::Value(json!(-1.5))),
        ("text", DefaultValue::Value(json!("it's \\"))),
        ("boolean", DefaultValue::Value(json!(true))),
        ("null", DefaultValue::Value(json!(null))),
        ("list", DefaultValue::Value(json!([1]))),
        ("now", expression("Current_Timestamp")),
        ("now of so many digits", expression("current_timestamp(3)")),
        ("other", expression("(SELECT 1)")),
        ("comment", expression("now() -- x")),
    ]
}

fn of_columns() -> Vec<(&'static str, Change)> {
    let item = || TableRef::new("item");
    let add = |column| Change::AddColumn { table: item(), column };
    let alter = |column| Change::AlterColumn { table: item(), column };
    let drop = |name: &str| Change::DropColumn { table: item(), name: name.to_owned() };
    let default = |value| Some(DefaultValue::Value(value));
    vec![
        ("add", add(Column::new("c", ColumnType::Text))),
        ("add required", add(required("c", ColumnType::Integer))),
        (
            "add with default",
            add(Column { default: default(json!(0)), ..required("c", ColumnType::Integer) }),
        ),
        ("add one that is there", add(number())),
        (
            "add of a native type",
            add(Column {
                native_type: "NUMERIC (10, 2)".to_owned(),
                ..Column::new("c", ColumnType::Decimal)
            }),
        ),
        (
            "add of no type",
            add(Column {
                native_type: "int); DROP TABLE item; --".to_owned(),
                ..Column::new("c", ColumnType::Integer)
            }),
        ),
        ("alter nothing", alter(sized())),
        ("alter type", alter(Column { length: Some(80), ..sized() })),
        ("alter type and default", alter(Column { data_type: ColumnType::BigInt, ..number() })),
        ("alter default", alter(Column { default: default(json!(6)), ..number() })),
        (
            "alter to a moment",
            alter(Column { default: Some(DefaultValue::Expression("now()".to_owned())), ..sized() }),
        ),
        ("alter to no default", alter(Column { default: None, ..number() })),
        ("alter to required", alter(Column { is_nullable: false, ..sized() })),
        ("drop", drop("s")),
        ("drop one that refers", drop("owner_id")),
        ("drop of the key", drop("id")),
        ("drop one that is not there", drop("nobody")),
    ]
}

fn of_keys() -> Vec<(&'static str, Vec<Change>)> {
    let item = || TableRef::new("item");
    let add = |is_unique| Change::AddKey { table: item(), key: key("", &["s", "n"]), is_unique };
    let drop = |name: &str, is_unique| Change::DropKey { table: item(), name: name.to_owned(), is_unique };
    let new = || Change::AddColumn { table: item(), column: Column::new("other", ColumnType::Integer) };
    let refer = |column| Change::AddForeignKey { table: item(), foreign_key: refers("", column) };
    let made = |name| Change::CreateTable(table(name, vec![reference_to()]));
    vec![
        ("add unique", vec![add(true)]),
        ("add index", vec![add(false)]),
        ("drop unique", vec![drop("item_n", true)]),
        ("drop index", vec![drop("item_s", false)]),
        ("refer", vec![refer("n")]),
        ("refer by a new column", vec![new(), refer("other")]),
        (
            "refer by a new table",
            vec![
                made("n"),
                Change::AddForeignKey { table: TableRef::new("n"), foreign_key: refers("", "owner_id") },
            ],
        ),
        ("refer otherwise", refer_otherwise(None)),
        ("refer otherwise by the same name", refer_otherwise(Some("item_owner"))),
        (
            "two of the same column go and one comes",
            vec![
                Change::AddForeignKey { table: item(), foreign_key: refers("second", "owner_id") },
                Change::DropForeignKey { table: item(), name: "item_owner".to_owned() },
                Change::DropForeignKey { table: item(), name: "second".to_owned() },
                Change::AddForeignKey { table: item(), foreign_key: refers("third", "owner_id") },
            ],
        ),
        ("set null where none can be", vec![no_null()]),
        ("refer no more", vec![Change::DropForeignKey { table: item(), name: "item_owner".to_owned() }]),
        ("drop a table", vec![Change::DropTable(item())]),
        ("drop a table that others refer to", vec![Change::DropTable(TableRef::new("owner"))]),
    ]
}
