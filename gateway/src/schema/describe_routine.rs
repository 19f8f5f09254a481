//! The objects that describe procedures and functions. Their members and the order of these are a promise to clients.

use connector_api::model::{ArgumentDirection, Column, ResultSets, Routine, RoutineParameter};
use serde_json::{Value, json};

use super::describe::{default_value, native, type_word};
use super::names::{label, public_name};

/// A routine in full. `access` is the caller's mask.
#[must_use]
pub fn routine_object(routine: &Routine, access: u8) -> Value {
    let parameters = (1..).zip(&routine.parameters);
    let columns = (1..).zip(&routine.columns);
    json!({
        "alias": null,
        "name": public_name(&routine.routine),
        "label": label(&routine.routine.name),
        "description": routine.comment,
        "native": native_of(routine),
        "return_type": routine.returns.as_ref().map(type_word),
        "return_schema": columns.map(|(place, column)| column_object(place, column)).collect::<Vec<_>>(),
        "params": parameters.map(|(place, parameter)| parameter_object(place, parameter)).collect::<Vec<_>>(),
        "access": access,
    })
}

/// A row of the list of routines, with all its properties. `access` is the list of verbs.
#[must_use]
pub fn routine_row(routine: &Routine, access: Value) -> Value {
    json!({
        "alias": null,
        "name": public_name(&routine.routine),
        "label": label(&routine.routine.name),
        "description": routine.comment,
        "native": native_of(routine),
        "access": access,
    })
}

/// How a routine is called, for people: `pay(p_day date, p_total OUT decimal)`.
#[must_use]
pub fn signature(routine: &Routine) -> String {
    let parameter = |parameter: &RoutineParameter| {
        let words = [&parameter.column.name, direction_word(parameter), &parameter.column.native_type];
        let words = words.into_iter().filter(|word| !word.is_empty() && *word != "IN");
        words.collect::<Vec<_>>().join(" ")
    };
    let parameters: Vec<_> = routine.parameters.iter().map(parameter).collect();
    format!("{}({})", public_name(&routine.routine), parameters.join(", "))
}

fn native_of(routine: &Routine) -> Value {
    native(&[(routine.is_read_only, "is_read_only"), (routine.sets == ResultSets::One, "is_table")])
}

fn parameter_object(place: usize, parameter: &RoutineParameter) -> Value {
    let column = &parameter.column;
    json!({
        "name": column.name,
        "position": place,
        "param_type": direction_word(parameter),
        "type": type_word(column),
        "db_type": column.native_type,
        "length": column.length,
        "precision": column.precision,
        "scale": column.scale,
        "default": default_value(column.default.as_ref()),
    })
}

fn column_object(place: usize, column: &Column) -> Value {
    json!({
        "name": column.name,
        "position": place,
        "type": type_word(column),
        "db_type": column.native_type,
        "length": column.length,
        "precision": column.precision,
        "scale": column.scale,
    })
}

fn direction_word(parameter: &RoutineParameter) -> &'static str {
    match parameter.direction {
        ArgumentDirection::In => "IN",
        ArgumentDirection::Out => "OUT",
        ArgumentDirection::InOut => "INOUT",
    }
}

#[cfg(test)]
mod tests {
    use connector_api::model::{ColumnType, DefaultValue, TableRef};

    use super::*;

    fn parameter(name: &str, direction: ArgumentDirection, column: Column) -> RoutineParameter {
        RoutineParameter { direction, column: Column { name: name.to_owned(), ..column } }
    }

    fn close_day() -> Routine {
        let day = Column { native_type: "date".to_owned(), ..Column::new("", ColumnType::Date) };
        let total = Column {
            native_type: "decimal(10,2)".to_owned(),
            precision: Some(10),
            scale: Some(2),
            ..Column::new("", ColumnType::Decimal)
        };
        let note = Column {
            native_type: "text".to_owned(),
            default: Some(DefaultValue::Value("none".into())),
            ..Column::new("", ColumnType::Text)
        };
        Routine {
            routine: TableRef::new("close_day"),
            parameters: vec![
                parameter("p_day", ArgumentDirection::In, day),
                parameter("p_total", ArgumentDirection::Out, total),
                parameter("", ArgumentDirection::InOut, note),
            ],
            ..Routine::default()
        }
    }

    #[test]
    fn a_routine_is_described_with_its_members_in_order() {
        let expected = concat!(
            r#"{"alias":null,"name":"close_day","label":"Close Day","description":null,"native":[],"return_type":null,"#,
            r#""return_schema":[],"params":["#,
            r#"{"name":"p_day","position":1,"param_type":"IN","type":"date","db_type":"date","length":null,"precision":null,"scale":null,"default":null},"#,
            r#"{"name":"p_total","position":2,"param_type":"OUT","type":"decimal","db_type":"decimal(10,2)","length":null,"precision":10,"scale":2,"default":null},"#,
            r#"{"name":"","position":3,"param_type":"INOUT","type":"text","db_type":"text","length":null,"precision":null,"scale":null,"default":"none"}"#,
            r#"],"access":31}"#,
        );
        assert_eq!(routine_object(&close_day(), 31).to_string(), expected);
    }

    #[test]
    fn a_function_says_what_it_gives() {
        let value = Column::new("vat", ColumnType::Decimal);
        let function = Routine {
            returns: Some(value.clone()),
            columns: vec![value],
            sets: ResultSets::One,
            is_read_only: true,
            ..Routine::default()
        };
        let object = routine_object(&function, 1);
        assert_eq!(
            (&object["return_type"], &object["return_schema"][0]["name"]),
            (&json!("decimal"), &json!("vat"))
        );
        assert_eq!(object["native"], json!({"is_read_only": true, "is_table": true}));
    }

    #[test]
    fn a_signature_is_for_people() {
        assert_eq!(signature(&close_day()), "close_day(p_day date, p_total OUT decimal(10,2), INOUT text)");
    }
}
