//! What a read shows of a table and asks the store for, as far as table and fields alone decide it: made once, shared by all requests
//! that want the same. Nothing of a caller, of a value or of a role stands here.

use std::ops::Deref;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use connector_api::model::Path;

use super::Error;
use super::columns::Columns;
use super::selection;
use crate::request::Fields;

/// How many lists of fields a table keeps views for. Full, all are dropped: simple, and those in use are back at once.
const KEPT: usize = 64;

/// A column of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownColumn {
    /// Its name in the rows that the connector sends.
    pub column: Arc<str>,
    /// Its name in the answer.
    pub name: Arc<str>,
}

impl From<&str> for ShownColumn {
    /// A column under its own name.
    fn from(name: &str) -> Self {
        let column: Arc<str> = name.into();
        Self { name: Arc::clone(&column), column }
    }
}

/// The columns of an answer, in their order.
#[derive(Debug, Default)]
pub struct ShownColumns {
    columns: Vec<ShownColumn>,
    is_whole: bool,
    /// See [`ShownColumns::keys`].
    keys: OnceLock<MemberKeys>,
}

/// The bytes that stand before each value of a row, one behind the other, and where each ends.
#[derive(Debug, Default)]
pub struct MemberKeys {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// For each column the end of its part.
    pub ends: Vec<usize>,
}

impl ShownColumns {
    /// Whether they are all columns that the table is described to have, in its order and under their own names.
    #[must_use]
    pub fn are_all(&self) -> bool {
        self.is_whole
    }

    /// The keys of a row in an answer, written by `make` when they are asked for the first time.
    pub fn keys(&self, make: impl FnOnce(&[ShownColumn]) -> MemberKeys) -> &MemberKeys {
        self.keys.get_or_init(|| make(&self.columns))
    }
}

impl Deref for ShownColumns {
    type Target = [ShownColumn];

    fn deref(&self) -> &[ShownColumn] {
        &self.columns
    }
}

impl PartialEq for ShownColumns {
    fn eq(&self, other: &Self) -> bool {
        self.columns == other.columns
    }
}

impl From<Vec<ShownColumn>> for ShownColumns {
    fn from(columns: Vec<ShownColumn>) -> Self {
        Self { columns, is_whole: false, keys: OnceLock::new() }
    }
}

impl FromIterator<ShownColumn> for ShownColumns {
    fn from_iter<I: IntoIterator<Item = ShownColumn>>(columns: I) -> Self {
        Vec::from_iter(columns).into()
    }
}

/// The columns that a query asks for.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) paths: Arc<[Path]>,
    /// The names under which the store answers them.
    pub(super) names: Arc<[String]>,
}

impl Wanted {
    /// Asks for those of the others that are not among them, too.
    pub(super) fn add(&mut self, others: impl Iterator<Item = Path>) {
        let others: Vec<Path> = others.filter(|path| !self.paths.contains(path)).collect();
        if !others.is_empty() {
            *self = self.paths.iter().cloned().chain(others).collect();
        }
    }
}

impl FromIterator<Path> for Wanted {
    fn from_iter<I: IntoIterator<Item = Path>>(paths: I) -> Self {
        let paths: Arc<[Path]> = paths.into_iter().collect();
        let names = paths.iter().map(|path| path.segments().join(".")).collect();
        Self { paths, names }
    }
}

/// What is shown, and what is asked for to show it.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub(super) shown: Arc<ShownColumns>,
    pub(super) wanted: Wanted,
}

impl View {
    fn new(fields: &Fields, columns: Columns<'_>, key: &[String]) -> Result<Self, Error> {
        let shown = selection::shown(fields, columns, key)?;
        let wanted = selection::paths(fields, &shown, columns).into_iter().collect();
        let is_whole = matches!(fields, Fields::Absent | Fields::All);
        Ok(Self { shown: Arc::new(ShownColumns { is_whole, ..shown.into() }), wanted })
    }
}

/// The views of one table as it is described now.
#[derive(Debug, Default)]
pub struct Views {
    all: OnceLock<View>,
    named: RwLock<Vec<(Fields, View)>>,
}

impl Views {
    /// The view of these fields. `key` decides where the identifying columns are meant; that view is made anew, for it is small.
    pub(super) fn of(&self, fields: &Fields, columns: Columns<'_>, key: &[String]) -> Result<View, Error> {
        match fields {
            Fields::Identifiers => View::new(fields, columns, key),
            Fields::Absent | Fields::All => {
                if let Some(view) = self.all.get() {
                    return Ok(view.clone());
                }
                let view = View::new(fields, columns, key)?;
                Ok(self.all.get_or_init(|| view).clone())
            }
            Fields::Named(_) => {
                if let Some(view) = self.known(fields) {
                    return Ok(view);
                }
                let view = View::new(fields, columns, key)?;
                self.keep(fields, &view);
                Ok(view)
            }
        }
    }

    fn known(&self, fields: &Fields) -> Option<View> {
        let named = self.named.read().unwrap_or_else(PoisonError::into_inner);
        named.iter().find(|(known, _)| known == fields).map(|(_, view)| view.clone())
    }

    fn keep(&self, fields: &Fields, view: &View) {
        let mut named = self.named.write().unwrap_or_else(PoisonError::into_inner);
        if named.len() >= KEPT {
            named.clear();
        }
        named.push((fields.clone(), view.clone()));
    }
}

#[cfg(test)]
mod tests {
    use connector_api::model::{Column, ColumnType, Table};

    use super::*;
    use crate::request::{FieldItem, Term};

    fn table(names: &[&str]) -> Table {
        let columns = names.iter().map(|name| Column::new(*name, ColumnType::Integer));
        Table { columns: columns.collect(), ..Table::default() }
    }

    fn named(names: &[&str]) -> Fields {
        Fields::Named(names.iter().map(|name| FieldItem::from(Term::read(name))).collect())
    }

    fn names(view: &View) -> Vec<&str> {
        view.wanted.names.iter().map(String::as_str).collect()
    }

    #[test]
    fn the_same_fields_have_the_same_view_and_others_another() {
        let (views, table) = (Views::default(), table(&["a", "b", "c"]));
        let of = |fields: &Fields, key: &[&str]| {
            let key: Vec<String> = key.iter().map(|name| (*name).to_owned()).collect();
            views.of(fields, Columns::new(&table), &key).unwrap()
        };
        let check = |fields: &Fields, expected: &[&str]| {
            let (first, second) = (of(fields, &["a"]), of(fields, &["a"]));
            assert_eq!(names(&first), expected);
            assert!(Arc::ptr_eq(&first.shown, &second.shown), "{fields:?}");
        };
        check(&Fields::Absent, &["a", "b", "c"]);
        check(&Fields::All, &["a", "b", "c"]);
        check(&named(&["c", "a"]), &["c", "a"]);
        check(&named(&["a", "c"]), &["a", "c"]);
        assert_eq!(names(&of(&Fields::Identifiers, &["a"])), ["a"]);
        assert_eq!(names(&of(&Fields::Identifiers, &["b", "c"])), ["b", "c"]);
    }

    #[test]
    fn a_table_keeps_a_bounded_number_of_views() {
        let columns: Vec<String> = (0..=KEPT).map(|nth| format!("c{nth}")).collect();
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let (views, table) = (Views::default(), table(&columns));
        for column in &columns {
            assert_eq!(names(&views.of(&named(&[column]), Columns::new(&table), &[]).unwrap()), [*column]);
        }
        assert_eq!(views.named.read().unwrap().len(), 1);
    }

    #[test]
    fn columns_that_are_asked_for_already_are_not_asked_for_twice() {
        let paths = |names: &[&str]| names.iter().map(|name| Path::column(*name)).collect::<Vec<_>>();
        let before: Wanted = paths(&["a", "b"]).into_iter().collect();
        let mut wanted = before.clone();
        wanted.add(paths(&["b"]).into_iter());
        assert!(Arc::ptr_eq(&wanted.paths, &before.paths));
        wanted.add(paths(&["b", "id"]).into_iter());
        assert_eq!(*wanted.paths, paths(&["a", "b", "id"]));
        assert_eq!(*wanted.names, ["a", "b", "id"]);
    }
}
