//! Procedures and functions as the catalogue has them: a query for the routines, and one for their parameters.

use connector_api::author::{
    ArgumentDirection, Column, ResultSets, Routine, RoutineKind, RoutineParameter, TableRef,
};

use crate::types::{self, Class, Declared, Fields};

/// The first of several queries for all routines, or for those with one name.
pub(crate) const ROUTINES: &str = "
    SELECT routine_name, routine_type, sql_data_access, routine_comment FROM information_schema.routines
    WHERE routine_schema = DATABASE() AND routine_type IN ('PROCEDURE', 'FUNCTION')";

pub(crate) const ROUTINES_NAMED: &str = "
    SELECT routine_name, routine_type, sql_data_access, routine_comment FROM information_schema.routines
    WHERE routine_schema = DATABASE() AND routine_type IN ('PROCEDURE', 'FUNCTION') AND routine_name = ?";

/// The value of a function is the parameter with the position 0.
pub(crate) const PARAMETERS: &str = "
    SELECT specific_name, routine_type, ordinal_position, parameter_mode, parameter_name, data_type, dtd_identifier,
        character_maximum_length, numeric_precision, numeric_scale
    FROM information_schema.parameters WHERE specific_schema = DATABASE()
    ORDER BY specific_name, routine_type, ordinal_position";

pub(crate) const PARAMETERS_NAMED: &str = "
    SELECT specific_name, routine_type, ordinal_position, parameter_mode, parameter_name, data_type, dtd_identifier,
        character_maximum_length, numeric_precision, numeric_scale
    FROM information_schema.parameters WHERE specific_schema = DATABASE() AND specific_name = ?
    ORDER BY specific_name, routine_type, ordinal_position";

/// A routine, described and as calls have to know it.
pub(crate) struct FoundRoutine {
    pub(crate) routine: Routine,
    /// Of its parameters, in their order.
    pub(crate) classes: Vec<Class>,
    /// Of the value of a function.
    pub(crate) returns: Option<Class>,
}

/// Puts routines together from the rows of both queries. What is not as the manual says is as good as not there.
pub(crate) fn routines(rows: &[Fields], parameters: &[Fields]) -> Vec<FoundRoutine> {
    let mut found: Vec<FoundRoutine> = rows.iter().filter_map(routine).collect();
    for row in parameters {
        add(&mut found, row);
    }
    found.into_iter().map(FoundRoutine::finished).collect()
}

impl FoundRoutine {
    /// There are no overloads, but one that was made anew with other parameters must not be taken for what it was.
    fn finished(mut self) -> Self {
        let words = |RoutineParameter { direction, column }: &RoutineParameter| {
            format!("{direction:?} {} {}", column.name, column.native_type)
        };
        self.routine.id = Some(self.routine.parameters.iter().map(words).collect::<Vec<_>>().join(", "));
        self
    }
}

fn kind(words: &str) -> RoutineKind {
    if words == "FUNCTION" { RoutineKind::Function } else { RoutineKind::Procedure }
}

/// Nobody but the body of a procedure knows its result sets.
fn routine(row: &Fields) -> Option<FoundRoutine> {
    let kind = kind(row.text(1)?);
    let routine = Routine {
        routine: TableRef::new(row.text(0)?),
        kind,
        sets: if kind == RoutineKind::Function { ResultSets::None } else { ResultSets::Unknown },
        is_read_only: matches!(row.text(2)?, "READS SQL DATA" | "NO SQL"),
        comment: row.text(3).filter(|words| !words.is_empty()).map(str::to_owned),
        ..Routine::default()
    };
    Some(FoundRoutine { routine, classes: Vec::new(), returns: None })
}

fn add(found: &mut [FoundRoutine], row: &Fields) -> Option<()> {
    let (name, kind) = (row.text(0)?, kind(row.text(1)?));
    let is_it = |known: &&mut FoundRoutine| known.routine.routine.name == name && known.routine.kind == kind;
    let known = found.iter_mut().find(is_it)?;
    let declared = Declared {
        name: row.text(5)?,
        words: row.text(6)?,
        length: row.number(7),
        precision: row.number(8),
        scale: row.number(9),
    };
    if row.number(2)? == 0 {
        let (column, class) = types::column(name, declared);
        known.routine.returns = Some(column);
        known.returns = Some(class);
        return Some(());
    }
    let (column, class) = types::column(row.text(4)?, declared);
    known.routine.parameters.push(parameter(row.text(3), column));
    known.classes.push(class);
    Some(())
}

fn parameter(mode: Option<&str>, column: Column) -> RoutineParameter {
    let direction = match mode {
        Some("OUT") => ArgumentDirection::Out,
        Some("INOUT") => ArgumentDirection::InOut,
        _ => ArgumentDirection::In,
    };
    RoutineParameter { direction, column }
}
