//! Writes as text.

use std::borrow::Cow;

use connector_api::model::{ArithmeticOp, CompareOp, Expr, OnError, Value};

use super::*;
use crate::Bound;
use crate::build::recheck;
use crate::dialect::tests::{Ansi, Backticks};

fn paths(names: &[&str]) -> Vec<Path> {
    names.iter().map(|name| Path::column(*name)).collect()
}

/// `column = parameter`.
fn eq(name: &str, param: usize) -> Filter {
    Filter::Compare { op: CompareOp::Eq, left: Expr::Column(Path::column(name)), right: Expr::Param(param) }
}

/// `column = column + parameter`.
fn added(name: &str, param: usize) -> Assignment {
    let value = Expr::Arithmetic {
        op: ArithmeticOp::Add,
        left: Box::new(Expr::Column(Path::column(name))),
        right: Box::new(Expr::Param(param)),
    };
    Assignment { column: Path::column(name), value }
}

fn new_rows(columns: &[&str]) -> Insert {
    Insert {
        into: TableRef::new("t"),
        columns: paths(columns),
        compute: Vec::new(),
        on_error: OnError::Stop,
        check: None,
        returning: Vec::new(),
        others: false,
        need: Vec::new(),
    }
}

fn keys(columns: &[&str], guard: Option<Filter>) -> Selector {
    Selector::Keys { columns: paths(columns), guard }
}

fn change(rows: Selector, set: &[&str]) -> Update {
    Update {
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
    }
}

fn upsert(columns: &[&str], existing: Existing) -> Upsert {
    Upsert {
        into: TableRef::new("t"),
        columns: paths(columns),
        key: paths(&["id"]),
        existing,
        guard: None,
        check: None,
        on_error: OnError::Stop,
        returning: Vec::new(),
        others: false,
        need: Vec::new(),
    }
}

fn removal(rows: Selector) -> Delete {
    Delete {
        from: TableRef::new("t"),
        rows,
        on_error: OnError::Stop,
        returning: Vec::new(),
        others: false,
        need: Vec::new(),
    }
}

/// The statement in both dialects, for a record that lacks these cells.
fn check(absent: &[bool], build: impl Fn(&dyn Dialect, &Form) -> Result<Statement>, ansi: &str, other: &str) {
    for (dialect, expected) in [(&Ansi as &dyn Dialect, ansi), (&Backticks, other)] {
        let form = Form::of(dialect, &[Value::I64(1)]).with_absent(absent);
        let text = build(dialect, &form).map_or_else(|error| error.message, |built| built.sql().to_owned());
        assert_eq!(text, expected);
    }
}

const UNSUPPORTED: &str = "reading the rows that a write touched is not supported by this connector";
const NO_CONFLICT: &str = "creating a row or changing it if it exists is not supported by this connector";

fn columns() -> (Vec<String>, Vec<String>) {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    (names(&["id", "a", "b"]), names(&["id"]))
}

#[test]
fn a_new_row_names_what_the_record_has() {
    let shape = new_rows(&["a", "b"]);
    for (absent, ansi, other) in [
        (
            [false, false],
            r#"INSERT INTO "t" ("a", "b") VALUES (?, ?)"#,
            "INSERT OR ABORT INTO `t` (`a`, `b`) VALUES ($1, $2)",
        ),
        ([true, false], r#"INSERT INTO "t" ("b") VALUES (?)"#, "INSERT OR ABORT INTO `t` (`b`) VALUES ($1)"),
        ([true, true], r#"INSERT INTO "t" DEFAULT VALUES"#, "INSERT OR ABORT INTO `t` DEFAULT VALUES"),
    ] {
        check(&absent, |dialect, form| insert(dialect, &shape, form), ansi, other);
    }
}

#[test]
fn computed_columns_follow_the_record() {
    let value = Expr::Call { function: connector_api::model::Function::Lower, args: vec![Expr::Param(0)] };
    let shape = Insert { compute: vec![Assignment { column: Path::column("b"), value }], ..new_rows(&["a"]) };
    for (absent, ansi, other) in [
        (
            [false],
            r#"INSERT INTO "t" ("a", "b") VALUES (?, LOWER(?))"#,
            "INSERT OR ABORT INTO `t` (`a`, `b`) VALUES ($1, LOWER($2))",
        ),
        (
            [true],
            r#"INSERT INTO "t" ("b") VALUES (LOWER(?))"#,
            "INSERT OR ABORT INTO `t` (`b`) VALUES (LOWER($1))",
        ),
    ] {
        check(&absent, |dialect, form| insert(dialect, &shape, form), ansi, other);
    }
}

#[test]
fn a_check_is_the_last_column_given_back() {
    let shape = Insert { check: Some(eq("a", 0)), returning: paths(&["id", "a"]), ..new_rows(&["a"]) };
    check(
        &[],
        |dialect, form| insert(dialect, &shape, form),
        UNSUPPORTED,
        "INSERT OR ABORT INTO `t` (`a`) VALUES ($1) RETURNING `id`, `a`, CASE WHEN `a` = $2 THEN 1 ELSE 0 END",
    );
    let only = Insert { returning: Vec::new(), ..shape };
    check(
        &[],
        |dialect, form| insert(dialect, &only, form),
        UNSUPPORTED,
        "INSERT OR ABORT INTO `t` (`a`) VALUES ($1) RETURNING CASE WHEN `a` = $2 THEN 1 ELSE 0 END",
    );
}

#[test]
fn a_check_that_is_asked_later_has_the_names_of_its_row() {
    struct Later([String; 2]);
    impl Dialect for Later {
        fn returning(&self) -> Returning {
            Returning::Clause
        }
        fn checked(&self) -> Checked<'_> {
            Checked::Later(&self.0)
        }
    }
    let (dialect, form) = (Later(["a".to_owned(), "b".to_owned()]), Form::default());
    let shape = Insert { returning: paths(&["note"]), check: Some(eq("owner", 0)), ..new_rows(&["note"]) };
    let written = insert(&dialect, &shape, &form).unwrap();
    assert_eq!(written.sql(), r#"INSERT INTO "t" ("note") VALUES (?) RETURNING "note", "a", "b""#);
    let asked = recheck(&dialect, &shape.into, &dialect.0, &eq("owner", 0), &form).unwrap();
    let sql = r#"SELECT CASE WHEN "owner" = ? THEN 1 ELSE 0 END FROM "t" WHERE "a" = ? AND "b" = ?"#;
    assert_eq!(asked.sql(), sql);
    let mut bound = Vec::new();
    asked
        .bind(&dialect, &[Value::I64(7)], |value| {
            bound.push(value);
            Ok(())
        })
        .unwrap();
    assert_eq!(bound, [Bound::Value(Cow::Owned(Value::I64(7))), Bound::Cell(0), Bound::Cell(1)]);
}

#[test]
fn an_update_by_key_has_the_guard_in_the_same_statement() {
    let guard = Filter::Or(vec![eq("o", 0), eq("p", 0)]);
    let shape =
        Update { compute: vec![added("n", 0)], ..change(keys(&["x", "y"], Some(guard)), &["a", "b"]) };
    check(
        &[false, false, false, true],
        |dialect, form| update(dialect, &shape, form, TableColumns::default()),
        r#"UPDATE "t" SET "a" = ?, "n" = ("n" + ?) WHERE "x" = ? AND "y" = ? AND ("o" = ? OR "p" = ?)"#,
        "UPDATE OR ABORT `t` SET `a` = $1, `n` = (`n` + $2) WHERE `x` = $3 AND `y` = $4 AND (`o` = $5 OR `p` = $6)",
    );
}

#[test]
fn an_update_by_filter_sets_the_one_record() {
    let shape = change(Selector::Where(eq("c", 0)), &["a"]);
    check(
        &[],
        |dialect, form| update(dialect, &shape, form, TableColumns::default()),
        r#"UPDATE "t" SET "a" = ? WHERE "c" = ?"#,
        "UPDATE OR ABORT `t` SET `a` = $1 WHERE `c` = $2",
    );
}

#[test]
fn an_update_of_nothing_leaves_the_row_but_needs_it() {
    let shape = change(keys(&["id"], None), &["a"]);
    check(
        &[false, true],
        |dialect, form| update(dialect, &shape, form, TableColumns::default()),
        r#"UPDATE "t" SET "id" = "id" WHERE "id" = ?"#,
        "UPDATE OR ABORT `t` SET `id` = `id` WHERE `id` = $1",
    );
    let shape = change(Selector::Where(Filter::Always(true)), &[]);
    let error = update(&Ansi, &shape, &Form::default(), TableColumns::default()).unwrap_err();
    assert_eq!((error.kind, error.reason.as_deref()), (ErrorKind::InvalidRequest, Some("nothing_to_set")));
}

#[test]
fn a_replaced_row_gets_what_a_new_one_would_have() {
    let (all, key) = columns();
    let columns = TableColumns { all: &all, key: &key };
    let by_key = Update { mode: UpdateMode::Replace, ..change(keys(&["id"], Some(eq("o", 0))), &["a"]) };
    check(
        &[],
        |dialect, form| update(dialect, &by_key, form, columns),
        NO_CONFLICT,
        "INSERT OR ABORT INTO `t` (`id`, `a`) SELECT `id`, $1 FROM `t` WHERE `id` = $2 AND `o` = $3 ON CONFLICT (`id`) DO UPDATE SET `a` = excluded.`a`, `b` = excluded.`b`",
    );
    let by_filter = Update {
        compute: vec![added("b", 0)],
        rows: Selector::Where(Filter::Always(true)),
        ..by_key.clone()
    };
    check(
        &[true],
        |dialect, form| update(dialect, &by_filter, form, columns),
        NO_CONFLICT,
        "INSERT OR ABORT INTO `t` (`id`, `b`) SELECT `id`, (`b` + $1) FROM `t` WHERE 1 = 1 ON CONFLICT (`id`) DO UPDATE SET `a` = excluded.`a`, `b` = excluded.`b`",
    );
    let without_key = TableColumns { key: &[], ..columns };
    assert_eq!(
        update(&Backticks, &by_filter, &Form::default(), without_key).unwrap_err().kind,
        ErrorKind::Unsupported
    );
}

#[test]
fn an_upsert_changes_what_exists_and_creates_what_is_missing() {
    let shape = Upsert { guard: Some(eq("o", 0)), ..upsert(&["a", "id", "b"], Existing::Merge) };
    check(
        &[false, false, true],
        |dialect, form| upsert_existing(dialect, &shape, form, TableColumns::default()),
        r#"UPDATE "t" SET "a" = ? WHERE "id" = ? AND "o" = ?"#,
        "UPDATE OR ABORT `t` SET `a` = $1 WHERE `id` = $2 AND `o` = $3",
    );
    check(
        &[false, false, true],
        |dialect, form| upsert_missing(dialect, &shape, form),
        NO_CONFLICT,
        "INSERT OR ABORT INTO `t` (`a`, `id`) VALUES ($1, $2) ON CONFLICT (`id`) DO NOTHING",
    );
    check(
        &[false, true, true],
        |dialect, form| upsert_missing(dialect, &shape, form),
        r#"INSERT INTO "t" ("a") VALUES (?)"#,
        "INSERT OR ABORT INTO `t` (`a`) VALUES ($1)",
    );
}

#[test]
fn an_upsert_that_replaces_writes_the_whole_row() {
    let (all, key) = columns();
    let columns = TableColumns { all: &all, key: &key };
    let shape = upsert(&["id", "a"], Existing::Replace);
    check(
        &[],
        |dialect, form| upsert_existing(dialect, &shape, form, columns),
        NO_CONFLICT,
        "INSERT OR ABORT INTO `t` (`id`, `a`) SELECT `id`, $1 FROM `t` WHERE `id` = $2 ON CONFLICT (`id`) DO UPDATE SET `a` = excluded.`a`, `b` = excluded.`b`",
    );
}

#[test]
fn a_row_that_is_nothing_but_its_key_is_replaced_by_itself() {
    let all = ["id".to_owned()];
    let columns = TableColumns { all: &all, key: &all };
    let shape = upsert(&["id"], Existing::Replace);
    assert_eq!(
        upsert_existing(&Backticks, &shape, &Form::default(), columns).unwrap().sql(),
        "INSERT OR ABORT INTO `t` (`id`) SELECT `id` FROM `t` WHERE `id` = $1 ON CONFLICT (`id`) DO UPDATE SET `id` = excluded.`id`"
    );
}

#[test]
fn rows_are_removed_by_key_or_by_filter() {
    for (rows, ansi, other) in [
        (
            keys(&["id"], Some(Filter::Not(Box::new(eq("o", 0))))),
            r#"DELETE FROM "t" WHERE "id" = ? AND NOT ("o" = ?)"#,
            "DELETE FROM `t` WHERE `id` = $1 AND NOT (`o` = $2)",
        ),
        (Selector::Where(eq("c", 0)), r#"DELETE FROM "t" WHERE "c" = ?"#, "DELETE FROM `t` WHERE `c` = $1"),
    ] {
        check(&[], |dialect, form| delete(dialect, &removal(rows.clone()), form), ansi, other);
    }
    let shape = Delete { returning: paths(&["a"]), ..removal(keys(&["id"], None)) };
    let expected = "DELETE FROM `t` WHERE `id` = $1 RETURNING `a`";
    check(&[], |dialect, form| delete(dialect, &shape, form), UNSUPPORTED, expected);
}

#[test]
fn a_write_without_a_key_never_touches_every_row() {
    let shape = removal(keys(&[], None));
    assert_eq!(delete(&Ansi, &shape, &Form::default()).unwrap_err().kind, ErrorKind::Internal);
    let shape = change(keys(&[], None), &["a"]);
    let error = update(&Ansi, &shape, &Form::default(), TableColumns::default()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Internal);
}

#[test]
fn hostile_names_stay_names_in_writes() {
    let hostile = r#"x" = 1; --"#;
    let shape = Insert { into: TableRef::new(hostile), ..new_rows(&[hostile]) };
    let quoted = r#""x"" = 1; --""#;
    let expected = format!("INSERT INTO {quoted} ({quoted}) VALUES (?)");
    assert_eq!(insert(&Ansi, &shape, &Form::default()).unwrap().sql(), expected);
}
