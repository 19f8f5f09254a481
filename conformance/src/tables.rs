//! The tables of the suite, in the words of the contract and of no store. A fixture gets them as JSON and makes its store from them:
//!
//! ```text
//! {"tables": [{"table": a description as in the contract's catalogue, "view_of": null or the table whose rows a view shows,
//!              "undescribed": [columns that rows have and the store's description must not name],
//!              "rows": [[one cell for each column, in the order of the columns, the undescribed ones last]]}]}
//! ```
//!
//! | type | cell |
//! |---|---|
//! | boolean, integer, bigint, float, double | JSON's own, all digits written |
//! | decimal, string, text, uuid | a text |
//! | binary | a text of hexadecimal digits |
//! | date, time, datetime | `2024-05-01`, `12:30:00.25`, `2024-05-01 12:30:00.25` |
//! | timestamp | `2024-05-01T12:30:00Z` |
//! | json, array, object | the JSON itself |
//! | other | a number or a text, as it comes: a column without a type |
//!
//! Null is null in every column, but for undescribed ones: these a row with a null does not have.

use connector_api::model::{
    Column, ColumnType, ForeignKey, Key, Table, TableKind, TableRef, TimeOfDay, Value, uuid_text,
};
use serde_json::{Value as Json, json};

use super::ask::text;
use super::facts::{Facts, Feature};
use super::{stock, types};

/// Rows of [`MANY`].
pub const MANY_ROWS: i64 = 5_000;

/// Ten handmade rows with nulls, ties and empty texts.
pub const ITEM: &str = "item";
/// A view that shows all of [`ITEM`].
pub const ITEM_VIEW: &str = "item_view";
/// Rows enough for several batches: `id` from 1, `parity` is `id % 2`, `label` a text of some length.
pub const MANY: &str = "many";
/// A table without rows.
pub const EMPTY: &str = "empty";
/// One column for each type that the store has, and a key `id`.
pub const TYPED: &str = "typed";
/// The same columns and no rows, to write values into.
pub const WRITTEN: &str = "written";
/// Documents, where the store has them.
pub const DOCUMENT: &str = "document";
/// A table and a column whose names are hostile to whoever pastes them into a statement.
pub const HOSTILE: &str = "odd \"table\" [it's]; --";
/// The column of [`HOSTILE`].
pub const HOSTILE_COLUMN: &str = "select \"x\", 'y'";
/// The referenced one of a pair.
pub const AUTHOR: &str = "author";
/// The referring one.
pub const BOOK: &str = "book";
/// An open table, in stores that have such: rows have a column [`EXTRA`], or not, and no description names it.
pub const OPEN: &str = "open";
/// The column of [`OPEN`] that no description names.
pub const EXTRA: &str = "extra";
/// A key of two columns, in another order than the columns.
pub const EDITION: &str = "edition";

/// A table or a view with the rows that it shall hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Columns and keys. The native types are the store's own matter and left empty.
    pub table: Table,
    /// The table whose rows a view shows, all of them and all columns.
    pub view_of: Option<String>,
    /// Columns that rows have and no description names.
    pub undescribed: Vec<String>,
    /// The rows; none for a view. Cells of undescribed columns come last.
    pub rows: Vec<Vec<Value>>,
}

impl Stored {
    /// A table whose first column is its key.
    #[must_use]
    pub fn new(name: &str, columns: Vec<Column>, rows: Vec<Vec<Value>>) -> Self {
        let primary_key: Vec<String> =
            columns.first().map(|column| column.name.clone()).into_iter().collect();
        let table = Table { table: TableRef::new(name), columns, primary_key, ..Table::default() };
        Self { table, view_of: None, undescribed: Vec::new(), rows }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.table.table.name
    }

    /// The names of its columns.
    #[must_use]
    pub fn columns(&self) -> Vec<&str> {
        self.table.columns.iter().map(|column| column.name.as_str()).collect()
    }

    /// Without what this store does not have. `None`: nothing is left.
    fn reduced(mut self, facts: &Facts) -> Option<Self> {
        let has = |feature| facts.features.contains(&feature);
        if self.table.kind == TableKind::View && !has(Feature::Views) {
            return None;
        }
        if self.table.is_open && !has(Feature::OpenTables) {
            return None;
        }
        if !has(Feature::UniqueKeys) {
            self.table.unique_keys.clear();
        }
        if !has(Feature::ForeignKeys) {
            self.table.foreign_keys.clear();
        }
        for column in &mut self.table.columns {
            column.is_auto_increment &= has(Feature::GeneratedKeys);
            column.default.take_if(|_| !has(Feature::Defaults));
        }
        let is_kept: Vec<bool> =
            self.table.columns.iter().map(|column| facts.has(column.data_type)).collect();
        let is_kept = [is_kept, vec![true; self.undescribed.len()]].concat();
        keep(&mut self.table.columns, &is_kept);
        self.rows.iter_mut().for_each(|row| keep(row, &is_kept));
        Some(self)
    }

    /// The table with the name that it has in the store.
    fn named(&self, facts: &Facts) -> Table {
        let mut table = self.table.clone();
        facts.name(self.name()).clone_into(&mut table.table.name);
        table
    }

    fn to_json(&self, facts: &Facts) -> Json {
        let rows: Json = self.rows.iter().map(|row| row.iter().map(cell).collect::<Json>()).collect();
        json!({"table": self.named(facts), "view_of": self.view_of, "undescribed": self.undescribed, "rows": rows})
    }
}

fn keep<T>(items: &mut Vec<T>, is_kept: &[bool]) {
    let mut kept = is_kept.iter();
    items.retain(|_| kept.next().copied().unwrap_or(false));
}

/// All tables that a store gets, but for the random ones.
#[must_use]
pub fn tables(facts: &Facts) -> Vec<Stored> {
    let all = [
        item(facts),
        item_view(facts),
        many(),
        empty(),
        types::typed(),
        types::written(),
        document(),
        hostile(),
        open(),
        author(),
        book(),
        edition(),
    ];
    all.into_iter().chain(stock::stored()).filter_map(|table| table.reduced(facts)).collect()
}

/// The document that a fixture reads.
#[must_use]
pub fn to_json(tables: &[Stored], facts: &Facts) -> Json {
    json!({"tables": tables.iter().map(|table| table.to_json(facts)).collect::<Vec<_>>()})
}

/// A table as lines of JSON, for who makes it by hand: its description, then each row as an object with the name of the table. A column
/// that no description names stands only in the rows that have it.
#[must_use]
pub fn to_lines(stored: &Stored, facts: &Facts) -> Vec<String> {
    let name = facts.name(stored.name());
    let row = |row: &Vec<Value>| {
        let described = stored.columns().into_iter().map(str::to_owned).zip(row.iter().map(cell));
        let others = stored.undescribed.iter().zip(row.iter().skip(stored.table.columns.len()));
        let others = others.filter(|(_, value)| **value != Value::Null);
        let others = others.map(|(name, value)| (name.clone(), cell(value)));
        json!({"into": name, "row": described.chain(others).collect::<serde_json::Map<_, _>>()}).to_string()
    };
    let mut head = json!({"table": stored.named(facts), "view_of": stored.view_of});
    if let (Some(members), false) = (head.as_object_mut(), stored.undescribed.is_empty()) {
        members.insert("undescribed".to_owned(), json!(stored.undescribed));
    }
    std::iter::once(head.to_string()).chain(stored.rows.iter().map(row)).collect()
}

fn key(name: &str, data_type: ColumnType) -> Column {
    required(name, data_type)
}

fn required(name: &str, data_type: ColumnType) -> Column {
    Column { is_nullable: false, ..Column::new(name, data_type) }
}

/// A text with a bound.
fn bounded(name: &str, length: u64) -> Column {
    Column { length: Some(length), ..Column::new(name, ColumnType::String) }
}

fn item_columns(facts: &Facts) -> Vec<Column> {
    vec![
        key("id", ColumnType::Integer),
        Column { is_nullable: false, ..bounded("name", 40) },
        Column::new("size", ColumnType::Integer),
        Column::new("weight", facts.fraction()),
        Column::new("note", ColumnType::Text),
    ]
}

fn item(facts: &Facts) -> Stored {
    type Row = (i64, &'static str, Option<i64>, Option<f64>, Option<&'static str>);
    let rows: [Row; 10] = [
        (1, "anchor", Some(3), Some(1.5), Some("Hello_World")),
        (2, "bolt", Some(1), Some(0.25), Some("hello world")),
        (3, "cable", None, Some(2.0), Some("100%")),
        (4, "drum", Some(3), None, Some("")),
        (5, "eyelet", Some(-7), Some(-1.5), None),
        (6, "flange", Some(20), Some(1.5), Some("back\\slash")),
        (7, "gasket", Some(1), Some(1_000_000.0), Some("日本 😀")),
        (8, "hinge", None, None, None),
        (9, "ingot", Some(7), Some(2.5), Some("a\u{1}b")),
        (10, "joist", Some(3), Some(1.5), Some("  padded ")),
    ];
    let rows = rows.map(|(id, name, size, weight, note)| {
        vec![
            Value::I64(id),
            text(name),
            size.map_or(Value::Null, Value::I64),
            weight.map_or(Value::Null, |weight| fraction(weight, facts)),
            note.map_or(Value::Null, text),
        ]
    });
    Stored::new(ITEM, item_columns(facts), rows.into())
}

/// A number in the type that this store has for numbers with a fraction.
pub(super) fn fraction(number: f64, facts: &Facts) -> Value {
    if facts.has(ColumnType::Double) { Value::F64(number) } else { Value::Decimal(number.to_string()) }
}

fn item_view(facts: &Facts) -> Stored {
    let mut view = Stored::new(ITEM_VIEW, item_columns(facts), Vec::new());
    view.table.kind = TableKind::View;
    view.table.primary_key.clear();
    view.view_of = Some(ITEM.to_owned());
    view
}

fn many() -> Stored {
    let columns = vec![
        key("id", ColumnType::Integer),
        Column::new("parity", ColumnType::Integer),
        Column::new("label", ColumnType::Text),
    ];
    let row =
        |id| vec![Value::I64(id), Value::I64(id % 2), text(&format!("row {id} of a table with many rows"))];
    Stored::new(MANY, columns, (1..=MANY_ROWS).map(row).collect())
}

fn empty() -> Stored {
    let columns = vec![key("id", ColumnType::Integer), Column::new("note", ColumnType::Text)];
    Stored::new(EMPTY, columns, Vec::new())
}

fn document() -> Stored {
    let object = |members: &[(&str, Value)]| {
        Value::Object(members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    };
    let columns = vec![key("id", ColumnType::Integer), Column::new("place", ColumnType::Object)];
    let rows = vec![
        vec![Value::I64(1), object(&[("city", text("Oslo")), ("at", object(&[("height", Value::I64(23))]))])],
        vec![
            Value::I64(2),
            object(&[("city", text("Quito")), ("at", object(&[("height", Value::I64(2850))]))]),
        ],
        vec![Value::I64(3), object(&[("city", Value::Null)])],
        vec![Value::I64(4), object(&[])],
        vec![Value::I64(5), Value::Null],
    ];
    Stored::new(DOCUMENT, columns, rows)
}

fn hostile() -> Stored {
    let columns = vec![key("id", ColumnType::Integer), Column::new(HOSTILE_COLUMN, ColumnType::Text)];
    Stored::new(HOSTILE, columns, vec![vec![Value::I64(1), text("'; DROP TABLE item; --")]])
}

fn open() -> Stored {
    let columns = vec![key("id", ColumnType::Integer), Column::new("name", ColumnType::Text)];
    let rows = [(1, "anchor", None), (2, "bolt", Some(7)), (3, "cable", None), (4, "drum", Some(8))];
    let rows =
        rows.map(|(id, name, extra)| vec![Value::I64(id), text(name), extra.map_or(Value::Null, Value::I64)]);
    let mut open = Stored::new(OPEN, columns, rows.into());
    open.table.is_open = true;
    open.undescribed = vec![EXTRA.to_owned()];
    open
}

fn author() -> Stored {
    let columns = vec![
        Column { is_nullable: false, ..bounded("code", 8) },
        Column { is_nullable: false, ..bounded("name", 40) },
    ];
    let rows = [("le", "Lem"), ("bo", "Borges"), ("no", "Nobody")];
    let mut author =
        Stored::new(AUTHOR, columns, rows.map(|(code, name)| vec![text(code), text(name)]).into());
    author.table.unique_keys = vec![Key { name: "author_name".to_owned(), columns: vec!["name".to_owned()] }];
    author
}

fn book() -> Stored {
    let columns =
        vec![key("id", ColumnType::Integer), bounded("author", 8), required("pages", ColumnType::Integer)];
    let rows = [(1, Some("le"), 204), (2, Some("bo"), 174), (3, Some("le"), 414), (4, None, 12)];
    let rows = rows
        .map(|(id, author, pages)| vec![Value::I64(id), author.map_or(Value::Null, text), Value::I64(pages)]);
    let mut book = Stored::new(BOOK, columns, rows.into());
    book.table.foreign_keys = vec![reference(BOOK, "author", AUTHOR, "code")];
    book
}

fn edition() -> Stored {
    let columns = vec![
        key("number", ColumnType::Integer),
        key("book", ColumnType::Integer),
        required("year", ColumnType::Integer),
    ];
    let rows = [(1, 1, 1961), (2, 1, 1970), (1, 2, 1944)];
    let rows = rows.map(|(number, book, year)| vec![Value::I64(number), Value::I64(book), Value::I64(year)]);
    let mut edition = Stored::new(EDITION, columns, rows.into());
    edition.table.primary_key = vec!["book".to_owned(), "number".to_owned()];
    edition.table.foreign_keys = vec![reference(EDITION, "book", BOOK, "id")];
    edition
}

fn reference(table: &str, column: &str, to: &str, referenced: &str) -> ForeignKey {
    ForeignKey {
        name: format!("{table}_{column}_fkey"),
        columns: vec![column.to_owned()],
        references: TableRef::new(to),
        referenced_columns: vec![referenced.to_owned()],
        ..ForeignKey::default()
    }
}

/// A cell of the JSON document.
fn cell(value: &Value) -> Json {
    let Value::Bytes(bytes) = value else { return plain(value) };
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
}

/// A value as JSON, for cells and for comparing documents.
#[must_use]
pub fn plain(value: &Value) -> Json {
    match value {
        Value::Bool(v) => json!(v),
        Value::I64(v) => json!(v),
        Value::U64(v) => json!(v),
        // All of its digits: the shortest text is another number as a double.
        Value::F32(v) => json!(f64::from(*v)),
        Value::F64(v) => json!(v),
        Value::Decimal(v) | Value::Text(v) => json!(v),
        Value::Json(v) => serde_json::from_str(v).unwrap_or_else(|_| json!(v)),
        Value::Date(v) => json!(v.to_string()),
        Value::Time(v) => json!(TimeOfDay(*v).to_string()),
        Value::Timestamp(v) => json!(v.to_string()),
        Value::Instant(v) => json!(v.to_string()),
        Value::Uuid(v) => json!(uuid_text(v)),
        Value::List(items) => items.iter().map(inside).collect(),
        Value::Object(members) => {
            Json::Object(members.iter().map(|(name, member)| (name.clone(), inside(member))).collect())
        }
        _ => Json::Null,
    }
}

/// A value inside a document, where a decimal is a number as others are.
fn inside(value: &Value) -> Json {
    match value {
        Value::Decimal(v) => serde_json::from_str(v).unwrap_or_else(|_| json!(v)),
        other => plain(other),
    }
}
