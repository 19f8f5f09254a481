//! New, changed and removed rows, with what row rules ask and what goes back, and the reads that belong to them.

use connector_api::model::{
    ArithmeticOp, Assignment, CompareOp, Delete, Existing, Expr, Filter, Insert, OnError, Path, Selector,
    TableRef, Update, UpdateMode, Upsert, Value,
};

use super::{COLUMNS, Snapshot, column, paths};
use crate::build::{self, Reread, TableColumns};
use crate::statement::Form;

pub(super) fn write(to: &mut Snapshot<'_>) {
    inserts(to);
    updates(to);
    upserts(to);
    deletes(to);
    rereads(to);
}

/// What row rules ask: `i = parameter`.
fn rule(param: usize) -> Filter {
    Filter::Compare { op: CompareOp::Eq, left: column("i"), right: Expr::Param(param) }
}

const PARAMS: [Value; 2] = [Value::I64(1), Value::I64(2)];

/// `i = i + parameter`.
fn raised() -> Assignment {
    let (left, right) = (Box::new(column("i")), Box::new(Expr::Param(1)));
    Assignment { column: Path::column("i"), value: Expr::Arithmetic { op: ArithmeticOp::Add, left, right } }
}

fn inserts(to: &mut Snapshot<'_>) {
    to.section("new rows");
    let dialect = to.dialect;
    let shape = |columns: &[&str]| Insert {
        into: TableRef::new("t"),
        columns: paths(columns),
        compute: Vec::new(),
        on_error: OnError::Stop,
        check: None,
        returning: Vec::new(),
        others: false,
        need: Vec::new(),
    };
    let all = COLUMNS.map(|(name, _)| name);
    let given = Assignment { column: Path::column("i"), value: Expr::Param(1) };
    for (name, shape) in [
        ("every column", shape(&all)),
        ("defaults only", shape(&[])),
        ("computed", Insert { compute: vec![given], ..shape(&["s"]) }),
        ("given back", Insert { returning: paths(&["id", "s"]), ..shape(&["s"]) }),
        ("checked", Insert { check: Some(rule(0)), ..shape(&["s"]) }),
        (
            "checked and given back",
            Insert { check: Some(rule(0)), returning: paths(&["id"]), ..shape(&["s"]) },
        ),
    ] {
        to.statement(name, &PARAMS, |form| build::insert(dialect, &shape, form));
    }
    let form = Form::of(dialect, &PARAMS).with_absent(&[true, false]);
    let shape = shape(&["i", "s"]);
    to.statement_of("without what the record lacks", &form, |form| build::insert(dialect, &shape, form));
}

fn updates(to: &mut Snapshot<'_>) {
    to.section("changed rows");
    let dialect = to.dialect;
    let by_key = |guard| Selector::Keys { columns: paths(&["id"]), guard };
    let by_keys = Selector::Keys { columns: paths(&["id", "d"]), guard: None };
    let shape = |rows: Selector, set: &[&str]| Update {
        table: TableRef::new("t"),
        rows,
        set: paths(set),
        compute: Vec::new(),
        mode: UpdateMode::Merge,
        check: None,
        on_error: OnError::Stop,
        returning: Vec::new(),
        others: false,
        need: Vec::new(),
    };
    let replaced = |rows| Update { mode: UpdateMode::Replace, ..shape(rows, &["s"]) };
    let checked = |rows| Update { check: Some(rule(1)), ..shape(rows, &["s"]) };
    for (name, shape) in [
        ("by key", shape(by_key(None), &["s", "i"])),
        ("by two keys", shape(by_keys, &["s"])),
        ("nothing to set", shape(by_key(None), &[])),
        ("guarded", shape(by_key(Some(rule(0))), &["s"])),
        ("checked", checked(by_key(None))),
        (
            "guarded, checked, given back",
            Update { returning: paths(&["id", "s"]), ..checked(by_key(Some(rule(0)))) },
        ),
        ("computed", Update { compute: vec![raised()], ..shape(by_key(None), &["s"]) }),
        ("replaced", replaced(by_key(None))),
        ("replaced and guarded", replaced(by_key(Some(rule(0))))),
        ("by filter", shape(Selector::Where(rule(0)), &["s"])),
        ("by filter, checked", checked(Selector::Where(rule(0)))),
        ("by filter, computed", Update { compute: vec![raised()], ..shape(Selector::Where(rule(0)), &[]) }),
        ("by filter, replaced", replaced(Selector::Where(rule(0)))),
    ] {
        with_columns(|columns| {
            to.statement(name, &PARAMS, |form| build::update(dialect, &shape, form, columns));
        });
    }
}

/// What the catalogue says of the table.
fn with_columns(run: impl FnOnce(TableColumns<'_>)) {
    let all = COLUMNS.map(|(name, _)| name.to_owned());
    run(TableColumns { all: &all, key: all.get(..1).unwrap_or_default() });
}

fn upserts(to: &mut Snapshot<'_>) {
    to.section("rows that exist or not");
    let dialect = to.dialect;
    let shape = |existing| Upsert {
        into: TableRef::new("t"),
        columns: paths(&["id", "s", "i"]),
        key: paths(&["id"]),
        existing,
        guard: None,
        check: None,
        on_error: OnError::Stop,
        returning: Vec::new(),
        others: false,
        need: Vec::new(),
    };
    for (name, shape) in [
        ("merged", shape(Existing::Merge)),
        ("replaced", shape(Existing::Replace)),
        (
            "guarded, checked, given back",
            Upsert {
                guard: Some(rule(0)),
                check: Some(rule(1)),
                returning: paths(&["id"]),
                ..shape(Existing::Merge)
            },
        ),
    ] {
        with_columns(|columns| {
            to.statement(&format!("{name}, the row that exists"), &PARAMS, |form| {
                build::upsert_existing(dialect, &shape, form, columns)
            });
        });
        to.statement(&format!("{name}, the row that is missing"), &PARAMS, |form| {
            build::upsert_missing(dialect, &shape, form)
        });
    }
}

fn deletes(to: &mut Snapshot<'_>) {
    to.section("removed rows");
    let dialect = to.dialect;
    let shape = |rows| Delete {
        from: TableRef::new("t"),
        rows,
        on_error: OnError::Stop,
        returning: Vec::new(),
        others: false,
        need: Vec::new(),
    };
    let by_key = |guard| Selector::Keys { columns: paths(&["id"]), guard };
    for (name, shape) in [
        ("by key", shape(by_key(None))),
        ("guarded", shape(by_key(Some(rule(0))))),
        ("by filter", shape(Selector::Where(rule(0)))),
        ("given back", Delete { returning: paths(&["id", "s"]), ..shape(by_key(None)) }),
        ("without a key", shape(Selector::Keys { columns: Vec::new(), guard: None })),
    ] {
        to.statement(name, &PARAMS, |form| build::delete(dialect, &shape, form));
    }
}

fn rereads(to: &mut Snapshot<'_>) {
    to.section("reads that belong to a write");
    let dialect = to.dialect;
    let (table, id, wanted, check) = (TableRef::new("t"), Path::column("id"), paths(&["s"]), rule(0));
    let rows = Selector::Keys { columns: paths(&["id"]), guard: Some(rule(0)) };
    to.statement("locked before", &PARAMS, |form| build::locked(dialect, &table, &rows, &wanted, form));
    let row = Reread { table: &table, name: &[(0, &id)], columns: &wanted, check: Some(&check) };
    to.statement("read and checked behind", &PARAMS, |form| build::reread(dialect, &row, form));
    let names = ["id".to_owned()];
    to.statement("checked behind", &PARAMS, |form| build::recheck(dialect, &table, &names, &check, form));
}
