//! Samples of everything that becomes SQL, as a text to be compared with a file: a connector's tests hand their dialect over, and keep the
//! file. Only there with the feature `samples`, which nothing but tests asks for. No dialect is asked which one it is.
//!
//! The table is `t`, its columns are [`COLUMNS`]. What a dialect refuses stands in the text too.

mod changes;
mod expressions;
mod filters;
mod reads;
mod writes;

use std::fmt::Write as _;
use std::path::Path as FilePath;

use connector_api::Result;
use connector_api::model::{Count, Date, Expr, Filter, Instant, Path, TableRef, Timestamp, Value};

use crate::change::Changes;
use crate::dialect::Dialect;
use crate::statement::{Form, Statement};
use crate::{build, sort::Sort};

/// The columns of the table, and what they are worth. The first one is its key.
pub const COLUMNS: [(&str, Sort); 14] = [
    ("id", Sort::Integer),
    ("i", Sort::Integer),
    ("d", Sort::Numeric),
    ("r", Sort::Real),
    ("f", Sort::Double),
    ("s", Sort::Text),
    ("x", Sort::Bytes),
    ("b", Sort::Boolean),
    ("day", Sort::Date),
    ("time", Sort::Time),
    ("stamp", Sort::Timestamp),
    ("moment", Sort::Instant),
    ("u", Sort::Uuid),
    ("j", Sort::Document),
];

/// Set, the files are written instead of read.
const REWRITE: &str = "TABLEGATE_WRITE_SNAPSHOTS";

/// Compares the statements of a dialect with what the file holds; writes the file where `TABLEGATE_WRITE_SNAPSHOTS` is set.
///
/// # Panics
/// When they differ, or the file can't be written.
pub fn assert_snapshot(dialect: &dyn Dialect, file: &FilePath) {
    assert_same(&snapshot(dialect), file);
}

/// The same of the statements that change tables.
///
/// # Panics
/// As [`assert_snapshot`].
pub fn assert_changes(dialect: &dyn Changes, file: &FilePath) {
    let mut to = Snapshot { dialect, text: String::new() };
    changes::write(&mut to, dialect);
    assert_same(&to.text, file);
}

fn assert_same(text: &str, file: &FilePath) {
    if std::env::var_os(REWRITE).is_some() {
        assert!(std::fs::write(file, text).is_ok(), "{} can't be written", file.display());
        return;
    }
    let kept = std::fs::read_to_string(file).unwrap_or_default();
    let mut lines = text.lines().zip(kept.lines().chain(std::iter::repeat("")));
    let different = lines.find(|(found, kept)| found != kept);
    assert!(
        text == kept,
        "{}: the statements have changed; run the test with {REWRITE}=1 and read what git says. The first one:\n{different:#?}",
        file.display()
    );
}

/// All samples, one a line.
fn snapshot(dialect: &dyn Dialect) -> String {
    let mut to = Snapshot { dialect, text: String::new() };
    reads::write(&mut to);
    writes::write(&mut to);
    filters::write(&mut to);
    expressions::write(&mut to);
    to.text
}

/// The text on its way.
struct Snapshot<'d> {
    dialect: &'d dyn Dialect,
    text: String,
}

impl Snapshot<'_> {
    fn section(&mut self, title: &str) {
        let between = if self.text.is_empty() { "" } else { "\n" };
        // Writing to a string can't fail.
        let _ = writeln!(self.text, "{between}# {title}");
    }

    /// A statement with what its markers stand for.
    fn statement(&mut self, name: &str, params: &[Value], build: impl FnOnce(&Form) -> Result<Statement>) {
        self.statement_of(name, &Form::of(self.dialect, params), build);
    }

    fn statement_of(&mut self, name: &str, form: &Form, build: impl FnOnce(&Form) -> Result<Statement>) {
        let _ = match build(form) {
            Ok(built) => writeln!(self.text, "{name}: {}\n    {:?}", built.sql(), built.binds()),
            Err(error) => writeln!(self.text, "{name}: refused: {}", error.message),
        };
    }

    /// The condition that a filter becomes.
    fn filter(&mut self, name: &str, filter: Filter, params: &[Value]) {
        let count = Count {
            from: TableRef::new("t"),
            filter: Some(filter),
            need: Vec::new(),
            hints: Default::default(),
        };
        let built = build::count(self.dialect, &count, &Form::of(self.dialect, params));
        let _ = match &built {
            Ok(built) => {
                // Types of columns are read from nowhere before it.
                let words = built.sql().match_indices(" WHERE ");
                let mut behind = words.filter_map(|(at, word)| built.sql().get(at + word.len()..));
                let condition = behind.find(|text| !text.starts_with("FALSE)")).unwrap_or(built.sql());
                writeln!(self.text, "{name}: {condition}")
            }
            Err(error) => writeln!(self.text, "{name}: refused: {}", error.message),
        };
    }

    /// The text of an expression.
    fn expression(&mut self, name: &str, expr: Expr, params: &[Value]) {
        self.filter(name, Filter::IsNull(expr), params);
    }
}

fn column(name: &str) -> Expr {
    Expr::Column(Path::column(name))
}

fn paths(names: &[&str]) -> Vec<Path> {
    names.iter().map(|name| Path::column(*name)).collect()
}

/// A value of each kind, with its name.
fn values() -> Vec<(&'static str, Value)> {
    let stamp = Timestamp::parse("2024-02-29 12:30:00").map_or(Value::Null, Value::Timestamp);
    let moment = Instant::parse("2024-02-29T12:30:00Z").map_or(Value::Null, Value::Instant);
    vec![
        ("integer", Value::I64(1)),
        ("unsigned", Value::U64(u64::MAX)),
        ("decimal", Value::Decimal("0.5".to_owned())),
        ("fraction", Value::F64(0.5)),
        ("text", text()),
        ("bytes", Value::Bytes(vec![1])),
        ("boolean", Value::Bool(true)),
        ("date", Value::Date(Date(0))),
        ("time", Value::Time(0)),
        ("timestamp", stamp),
        ("instant", moment),
        ("uuid", Value::Uuid([1; 16])),
        ("json", Value::Json("{}".to_owned())),
        ("null", Value::Null),
    ]
}

fn text() -> Value {
    Value::Text("x".to_owned())
}

/// A value of the kind that a column holds.
fn own_value(sort: Sort) -> Value {
    let name = match sort {
        Sort::Integer => "integer",
        Sort::Numeric => "decimal",
        Sort::Real | Sort::Double => "fraction",
        Sort::Bytes => "bytes",
        Sort::Boolean => "boolean",
        Sort::Date => "date",
        Sort::Time => "time",
        Sort::Timestamp => "timestamp",
        Sort::Instant => "instant",
        Sort::Uuid => "uuid",
        Sort::Document => "json",
        _ => "text",
    };
    values().into_iter().find(|(known, _)| *known == name).map_or(Value::Null, |(_, value)| value)
}
