//! Whatever stands in a type or a default, the statement is one, with all its texts and names between quotes.

use connector_api::author::{Change, DefaultValue, TableRef};
use connector_sql_common::change::plan;
use proptest::prelude::*;
use rusqlite::Connection;

use super::*;
use crate::translate::DIALECT;

/// The statement that makes a table of this one column; `None`: it is refused.
fn made(column: Column) -> Option<String> {
    let table = Table { table: TableRef::new("t"), columns: vec![column], ..Table::default() };
    let steps = plan(&DIALECT, Vec::new(), &[Change::CreateTable(table)]).ok()?;
    steps.first().map(|step| step.statement.sql().to_owned())
}

/// Runs it beside another table, and looks at what is there then.
fn leaves_one_column(sql: &str) {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch("CREATE TABLE canary (id)").unwrap();
    // All of the text, as if the driver did not stop behind the first statement.
    connection.execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    let count = |query: &str| connection.query_row(query, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM sqlite_schema"), 2, "{sql}");
    assert_eq!(count("SELECT count(*) FROM pragma_table_xinfo('t')"), 1, "{sql}");
    assert_eq!(count("SELECT count(*) FROM pragma_table_list WHERE name = 'canary'"), 1, "{sql}");
}

/// Pieces of which attacks are made, and types too.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("varchar"),
        Just("int"),
        Just("(40)"),
        Just("(10, 2)"),
        Just(" "),
        Just(")"),
        Just("("),
        Just(","),
        Just("'"),
        Just("''"),
        Just("\""),
        Just("`"),
        Just("]"),
        Just("["),
        Just(";"),
        Just("--"),
        Just("-"),
        Just("/*"),
        Just("*/"),
        Just("\\"),
        Just("\n"),
        Just("\0"),
        Just("DROP TABLE canary"),
        Just("not null"),
        Just("default 1"),
        Just("x int"),
        Just("now()"),
        Just("datetime('now')"),
        Just("1"),
        Just("ſ"),
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn a_type_is_a_type_or_refused(native in pieces()) {
        let column = Column { native_type: native, ..Column::new("c", ColumnType::Other) };
        made(column).iter().for_each(|sql| leaves_one_column(sql));
    }

    #[test]
    fn an_expression_is_a_default_or_refused(text in pieces()) {
        let default = Some(DefaultValue::Expression(text));
        made(Column { default, ..Column::new("c", ColumnType::Text) }).iter().for_each(|sql| leaves_one_column(sql));
    }

    #[test]
    fn a_text_is_a_default_as_it_is(text in pieces(), name in pieces()) {
        let is_refused = text.contains('\0');
        let default = Some(DefaultValue::Value(text.into()));
        let column = Column { default, ..Column::new(name.clone(), ColumnType::Text) };
        let sql = made(column);
        if !is_refused && !name.is_empty() && !name.chars().any(char::is_control) {
            assert!(sql.is_some());
        }
        sql.iter().for_each(|sql| leaves_one_column(sql));
    }
}
