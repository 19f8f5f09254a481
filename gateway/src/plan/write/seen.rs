//! A condition on a row as it was read, as a guard: what the store tests in the same step in which it writes.

use std::collections::BTreeSet;

use connector_api::model::{CompareOp, Expr, Filter, Path, Value};

use super::{Selection, Write};
use crate::plan::values::Values;
use crate::plan::{Columns, Scope};

impl Write {
    /// What must hold of a row that is there, beside the row rules. `set`: the columns that are written. Those among them that the row
    /// did not have must not have come meanwhile; of others that came nothing is known, and a column that was only seen in other rows is
    /// one of these: else one wide row would make a condition on every row too long.
    pub(super) fn expected<'p>(
        &self,
        set: impl Iterator<Item = &'p Path>,
        values: &mut Values,
        scope: &Scope<'_>,
    ) -> Option<Filter> {
        let cells = match &self.selection {
            Selection::Missing => return Some(Filter::Always(false)),
            Selection::Seen(cells) => cells,
            Selection::Keys | Selection::Some(_) | Selection::Matching(_) | Selection::All => return None,
        };
        let columns = Columns::new(scope.table);
        let is_promised = |name: &str| columns.find(name).is_some_and(|column| !column.is_guessed);
        let tested = cells.iter().filter(|(name, value)| {
            let is_part = *value != Value::Absent || is_promised(name);
            is_part && !self.key.contains(name)
        });
        let tested: Vec<_> = tested.collect();
        let is_seen = |path: &&Path| {
            let name = path.as_column();
            tested.iter().any(|(seen, _)| name == Some(seen)) || self.key.iter().any(|key| name == Some(key))
        };
        let same = tested.iter().map(|(name, value)| {
            let column = Expr::Column(Path::column(name));
            match value {
                Value::Null | Value::Absent => Filter::IsNull(column),
                value => {
                    let right = Expr::Param(values.push(value.clone()));
                    Filter::Compare { op: CompareOp::Eq, left: column, right }
                }
            }
        });
        let mut parts: Vec<Filter> = same.collect();
        let unseen = set.filter(|path| !is_seen(path));
        parts.extend(unseen.map(|path| Filter::IsNull(Expr::Column(path.clone()))));
        (!parts.is_empty()).then_some(Filter::And(parts))
    }

    /// The columns that a call gives back. Of whole rows: those of the description, then by name the others that were seen or are set.
    pub(super) fn returning(&self, set: &[Path], scope: &Scope<'_>) -> Vec<Path> {
        let columns = Columns::new(scope.table);
        let mut shown = self.shown_paths.clone();
        if !self.returns_rows() {
            return shown;
        }
        let mut others: BTreeSet<&str> = set.iter().filter_map(Path::as_column).collect();
        if let Selection::Seen(cells) = &self.selection {
            others.extend(cells.iter().map(|(name, _)| name.as_str()));
        }
        let is_virtual = |name: &str| scope.aliases.is_some_and(|aliases| aliases.is_virtual(name));
        let stored = columns.all().iter().filter(|column| !is_virtual(&column.name));
        let described = stored.map(|column| Path::column(&column.name));
        let mut returning: Vec<Path> = described.collect();
        shown.extend(others.into_iter().map(Path::column));
        shown.sort_by(|left, right| left.segments().cmp(right.segments()));
        for path in shown {
            if !returning.contains(&path) {
                returning.push(path);
            }
        }
        returning
    }
}
