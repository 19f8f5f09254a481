//! Plans of requests, from text to shape.

mod aliases;
mod cursor;
mod group;
mod guessed;
mod order;
mod rules;
mod token;

use connector_api::model::{Capabilities, Column, ColumnType, Key, Table, TableRef};

use super::{Checks, Error, Scope, Views};
use crate::request::{Parameters, TableRead};

/// Everything that a read may need.
pub(super) fn able() -> Capabilities {
    Capabilities {
        query: true,
        count: true,
        order: true,
        order_nulls: true,
        offset: true,
        filter_compare: true,
        filter_in: true,
        filter_between: true,
        filter_null: true,
        filter_not: true,
        filter_or: true,
        distinct: true,
        aggregates: true,
        ..Capabilities::default()
    }
}

/// `orders(id, country not null, amount, placed_at, data)` with the key `id`, the unique keys `(country, amount)` and `(code)`.
fn orders() -> Table {
    let solid = |name: &str, data_type| Column { is_nullable: false, ..Column::new(name, data_type) };
    let key = |columns: &[&str]| Key {
        name: String::new(),
        columns: columns.iter().map(|name| (*name).to_owned()).collect(),
    };
    Table {
        table: TableRef::new("orders"),
        columns: vec![
            solid("id", ColumnType::BigInt),
            solid("country", ColumnType::String),
            Column::new("amount", ColumnType::Decimal),
            Column::new("placed_at", ColumnType::DateTime),
            Column::new("data", ColumnType::Json),
            solid("code", ColumnType::String),
        ],
        primary_key: vec!["id".to_owned()],
        unique_keys: vec![key(&["country", "amount"]), key(&["code"])],
        ..Table::default()
    }
}

/// The request of these parameters.
fn request(query: &[(&str, &str)]) -> TableRead {
    let query: Vec<_> = query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    TableRead::parse(Parameters { query: &query, body: None, ..Parameters::default() }).unwrap()
}

/// Plans it on a table of a store with these capabilities.
fn planned<T>(
    table: &Table,
    capabilities: &Capabilities,
    plan: impl FnOnce(&Scope<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    plan(&Scope {
        table,
        views: &Views::default(),
        checks: &Checks::default(),
        aliases: None,
        now: std::time::SystemTime::UNIX_EPOCH,
        capabilities,
        rules: None,
        rules_of_new_rows: None,
        is_readable: true,
        lookup: &|_| None,
        max_records: 100,
        reach: None,
    })
}
