//! Finds columns of a table by the names that callers use.

use connector_api::model::{Column, ColumnType, Path, Table};

use super::literal::Place;

/// The columns of one table, looked up exactly first, then without regard to case.
#[derive(Debug, Clone, Copy)]
pub struct Columns<'a>(&'a Table);

/// What a name stands for.
#[derive(Debug, Clone)]
pub(super) struct Resolved {
    pub(super) path: Path,
    /// The type that request values are read by; open for a member inside a document, which nobody declared.
    pub(super) data_type: ColumnType,
    /// Null may stand in it.
    pub(super) is_nullable: bool,
    /// See [`Column::keeps_text`].
    pub(super) keeps_text: bool,
}

impl Resolved {
    /// A plain column.
    pub(super) fn of(column: &Column) -> Self {
        let Column { name, data_type, is_nullable, keeps_text, .. } = column;
        let path = Path::column(name);
        Self { path, data_type: *data_type, is_nullable: *is_nullable, keeps_text: *keeps_text }
    }

    /// Where a value for it belongs; `field` is its name as the caller wrote it.
    pub(super) fn place<'a>(&self, field: &'a str, parameter: &'static str) -> Place<'a> {
        Place { field, data_type: self.data_type, keeps_text: self.keeps_text, parameter }
    }
}

impl<'a> Columns<'a> {
    /// The columns of this table.
    pub fn new(table: &'a Table) -> Self {
        Self(table)
    }

    /// The column with this name. A name that fits several columns only when case is ignored fits none.
    pub fn find(self, name: &str) -> Option<&'a Column> {
        self.position(name).and_then(|place| self.0.columns.get(place))
    }

    /// The place of the column with this name in the table, found as [`Columns::find`] does it. In an open table another name is another column.
    pub(super) fn position(self, name: &str) -> Option<usize> {
        let columns = || self.0.columns.iter();
        let exact = columns().position(|column| column.name == name);
        if exact.is_some() || self.0.is_open {
            return exact;
        }
        let mut matches = columns().enumerate().filter(|(_, column)| is_same_name(&column.name, name));
        matches.next().filter(|_| matches.next().is_none()).map(|(place, _)| place)
    }

    /// A column, or a member inside one (`address.city`). In an open table every name is one.
    pub(super) fn resolve(self, name: &str) -> Option<Resolved> {
        if let Some(column) = self.find(name) {
            return Some(Resolved::of(column));
        }
        if self.0.is_open {
            let segments: Vec<String> = name.split('.').map(str::to_owned).collect();
            let path =
                Path::nested(segments).filter(|path| path.segments().iter().all(|part| !part.is_empty()))?;
            return Some(Resolved {
                path,
                data_type: ColumnType::Other,
                is_nullable: true,
                keeps_text: false,
            });
        }
        let (outer, inner) = name.split_once('.')?;
        let column = self.find(outer)?;
        let holds_members =
            matches!(column.data_type, ColumnType::Object | ColumnType::Json | ColumnType::Array);
        if !holds_members || inner.is_empty() {
            return None;
        }
        let segments = std::iter::once(column.name.clone()).chain(inner.split('.').map(str::to_owned));
        let path = Path::nested(segments.collect())?;
        Some(Resolved { path, data_type: ColumnType::Other, is_nullable: true, keeps_text: false })
    }

    /// All of them, in the store's order.
    pub(super) fn all(self) -> &'a [Column] {
        &self.0.columns
    }
}

/// Equal without regard to case.
pub(super) fn is_same_name(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || (!(a.is_ascii() && b.is_ascii()) && a.to_lowercase() == b.to_lowercase())
}
