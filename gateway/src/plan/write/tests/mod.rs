//! Plans of writes, from records to shapes and cells. A table with a column of each kind, and a service that can do everything.

mod calls;
mod guessed;
mod records;
mod refusals;
mod seen;
mod whole;

use connector_api::model::batch::{Frame, FrameReader, FrameWriter};
use connector_api::model::{Capabilities, Column, ColumnType, DefaultValue, Key, Table, TableRef, Value};
use serde_json::{Map, Value as Json};

use super::{Call, Change, Gathered, Kind, Selection, Write};
use crate::plan::{Checks, Error, RowRules, Scope, Views};
use crate::request::{Id, TableWrite};
use crate::roles::{FilterOp, RowFilter, RowOperator};

/// `stock`: `id` is numbered by the store, `name` required, `state` has a default, `version` is computed by the store.
fn table() -> Table {
    let required = |name: &str, data_type| Column { is_nullable: false, ..Column::new(name, data_type) };
    let columns = vec![
        Column { is_auto_increment: true, ..required("id", ColumnType::Integer) },
        required("name", ColumnType::String),
        Column {
            default: Some(DefaultValue::Value(Json::from("new"))),
            ..required("state", ColumnType::String)
        },
        Column::new("qty", ColumnType::Integer),
        Column::new("big", ColumnType::BigInt),
        Column::new("price", ColumnType::Decimal),
        Column::new("ratio", ColumnType::Double),
        Column::new("is_sold", ColumnType::Boolean),
        Column::new("photo", ColumnType::Binary),
        Column::new("day", ColumnType::Date),
        Column::new("data", ColumnType::Json),
        Column::new("tags", ColumnType::Array),
        Column::new("owner", ColumnType::Integer),
        Column { is_generated: true, ..Column::new("version", ColumnType::Integer) },
        Column::new("anything", ColumnType::Other),
    ];
    let unique = Key { name: "by_name".to_owned(), columns: vec!["name".to_owned()] };
    Table {
        table: TableRef::new("stock"),
        columns,
        primary_key: vec!["id".to_owned()],
        unique_keys: vec![unique],
        ..Table::default()
    }
}

fn able() -> Capabilities {
    Capabilities {
        filter_compare: true,
        filter_or: true,
        insert: true,
        update_by_key: true,
        update_where: true,
        upsert: true,
        delete_by_key: true,
        delete_where: true,
        returning: true,
        write_expressions: true,
        query: true,
        row_rules: true,
        on_error_continue: true,
        transactions: true,
        ..Capabilities::default()
    }
}

/// Everything that a plan is made against.
struct Bench {
    table: Table,
    can: Capabilities,
    rules: Vec<RowFilter>,
    rules_of_new_rows: Vec<RowFilter>,
}

impl Bench {
    fn new() -> Self {
        Self { table: table(), can: able(), rules: Vec::new(), rules_of_new_rows: Vec::new() }
    }

    fn with<T>(&self, plan: impl FnOnce(&Scope<'_>) -> T) -> T {
        let of = |filters: &Vec<RowFilter>| !filters.is_empty();
        let scope = Scope {
            table: &self.table,
            views: &Views::default(),
            checks: &Checks::default(),
            aliases: None,
            now: std::time::SystemTime::UNIX_EPOCH,
            capabilities: &self.can,
            rules: of(&self.rules).then_some(RowRules { filters: &self.rules, op: FilterOp::And }),
            rules_of_new_rows: of(&self.rules_of_new_rows)
                .then_some(RowRules { filters: &self.rules_of_new_rows, op: FilterOp::And }),
            is_readable: true,
            lookup: &|name| (name == "user.id").then(|| "7".to_owned()),
            max_records: 10,
            reach: None,
        };
        plan(&scope)
    }

    fn write(&self, kind: Kind, selection: Selection, request: &TableWrite) -> Result<Write, Error> {
        self.with(|scope| Write::new(kind, selection, request, scope))
    }

    /// Plans one record by key, or a new one, and gives its call.
    fn call(&self, kind: Kind, record: &Json, id: Option<&Id>) -> Result<Call, Error> {
        self.call_with(kind, record, id, &TableWrite::default())
    }

    fn call_with(
        &self,
        kind: Kind,
        record: &Json,
        id: Option<&Id>,
        request: &TableWrite,
    ) -> Result<Call, Error> {
        let mut write = self.write(kind, Selection::Keys, request)?;
        let mut gathered = Gathered::default();
        self.with(|scope| {
            gathered.add(write.record(members(record), id, 0, scope)?);
            gathered.call(&write, scope)
        })
    }
}

fn rule(name: &str, value: &str) -> RowFilter {
    RowFilter { name: name.to_owned(), operator: RowOperator::Equal, value: Some(Json::from(value)) }
}

fn members(record: &Json) -> &Map<String, Json> {
    record.as_object().unwrap()
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

/// The cells of a call, read back.
fn cells(call: &Call) -> Vec<Value> {
    let mut frames = FrameWriter::default();
    frames.parameters(u32::MAX, &call.cells);
    let message = frames.into_bytes();
    let Ok(Some(Frame::Parameters(mut row))) = FrameReader::new(&message).next_frame() else { panic!() };
    std::iter::from_fn(|| row.next_cell().ok().map(|cell| cell.to_value().unwrap())).collect()
}

/// The message of a refusal.
#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    result.unwrap_err().to_string()
}
