//! Finds columns of a table by the names that callers use.

use connector_api::model::{Beyond, Column, ColumnType, Path, Table};

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
    /// See [`Column::beyond`].
    pub(super) beyond: Vec<Beyond>,
    /// See [`Column::keeps_text`].
    pub(super) keeps_text: bool,
    /// Nobody declared the type, see [`Column::is_guessed`].
    pub(super) is_guessed: bool,
}

impl Resolved {
    /// A plain column.
    pub(super) fn of(column: &Column) -> Self {
        let Column { name, data_type, is_nullable, beyond, keeps_text, is_guessed, .. } = column;
        Self {
            path: Path::column(name),
            data_type: *data_type,
            is_nullable: *is_nullable,
            beyond: beyond.clone(),
            keeps_text: *keeps_text,
            is_guessed: *is_guessed,
        }
    }

    /// What no description names.
    fn undescribed(path: Path) -> Self {
        Self {
            path,
            data_type: ColumnType::Other,
            is_nullable: true,
            beyond: Vec::new(),
            keeps_text: false,
            is_guessed: true,
        }
    }

    /// Where a value for it belongs; `field` is its name as the caller wrote it.
    pub(super) fn place<'a>(&'a self, field: &'a str, parameter: &'static str) -> Place<'a> {
        let Self { data_type, ref beyond, keeps_text, is_guessed, .. } = *self;
        Place { field, data_type, beyond, keeps_text, is_guessed, parameter }
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

    /// A column, or a member inside one (`address.city`). In an open table every plain name is one, and a dot always leads into a
    /// document: else whoever writes a column `address.city` of his own would decide what a row rule means.
    pub(super) fn resolve(self, name: &str) -> Option<Resolved> {
        let is_path = self.0.is_open && name.contains('.');
        if let Some(column) = self.find(name).filter(|_| !is_path) {
            return Some(Resolved::of(column));
        }
        if self.0.is_open {
            return self.open(name);
        }
        let (outer, inner) = name.split_once('.')?;
        let column = self.find(outer)?;
        let holds_members =
            matches!(column.data_type, ColumnType::Object | ColumnType::Json | ColumnType::Array);
        if !holds_members || inner.is_empty() {
            return None;
        }
        let segments = std::iter::once(column.name.clone()).chain(inner.split('.').map(str::to_owned));
        Path::nested(segments.collect()).map(Resolved::undescribed)
    }

    /// A column of a key: one that no description names where there is none of this name.
    pub(super) fn resolve_key(self, name: &str) -> Resolved {
        self.find(name).map_or_else(|| Resolved::undescribed(Path::column(name)), Resolved::of)
    }

    /// What no description names. Anything but a plain name is more likely a mistake in a filter, which must not mean all rows.
    fn open(self, name: &str) -> Option<Resolved> {
        let segments: Vec<String> = name.split('.').map(str::to_owned).collect();
        let (first, inner) = segments.split_first()?;
        let is_known = is_plain(first) || self.find(first).is_some();
        if !is_known || !inner.iter().all(|part| is_plain(part)) {
            return None;
        }
        Path::nested(segments).map(Resolved::undescribed)
    }

    /// All of them, in the store's order.
    pub(super) fn all(self) -> &'a [Column] {
        &self.0.columns
    }
}

/// Letters, digits and underscores.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|character| character.is_alphanumeric() || character == '_')
}

/// Equal without regard to case.
pub(super) fn is_same_name(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || (!(a.is_ascii() && b.is_ascii()) && a.to_lowercase() == b.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_an_open_table_plain_names_are_columns_and_dots_lead_into_documents() {
        let described =
            ["id", "user-id", "doc", "doc.secret"].map(|name| Column::new(name, ColumnType::Text));
        let table = Table { is_open: true, columns: described.into(), ..Table::default() };
        let segments =
            |name: &str| Columns::new(&table).resolve(name).map(|found| found.path.segments().join("/"));
        for (name, expected) in [
            ("id", Some("id")),
            ("user-id", Some("user-id")),
            ("user-id.part", Some("user-id/part")),
            ("doc.secret", Some("doc/secret")),
            ("größe", Some("größe")),
            ("other.inner_1", Some("other/inner_1")),
            ("qty + 1", None),
            ("qty-1", None),
            ("not (qty", None),
            ("length(name)", None),
            ("doc..secret", None),
            ("", None),
        ] {
            assert_eq!(segments(name).as_deref(), expected, "{name}");
        }
    }
}
