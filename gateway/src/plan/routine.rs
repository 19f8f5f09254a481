//! Calls of routines: which overload is meant, and the values of its parameters.

use std::sync::Arc;

use connector_api::model::{Argument, Call, Routine, RoutineParameter, Value};

use super::write::value::value;
use super::{Error, Lookup};
use crate::request::{Given, GivenValue};
use crate::schema::describe_routine::signature;

const PARAMS: &str = "params";

/// How well what is given fits a routine: the fewest values missing count first, then the most names known, then the fewest defaults
/// taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Fit {
    missing: usize,
    unmatched: usize,
    defaults: usize,
}

/// The overload that is meant by what is given. The names of parameters tell overloads apart, or their number, never the types of values.
///
/// # Errors
/// What fits none of them; several that fit equally well, named for the caller to choose.
pub fn overload<'r>(overloads: &'r [Arc<Routine>], given: &Given) -> Result<&'r Arc<Routine>, Error> {
    if let [only] = overloads {
        return Ok(only);
    }
    let mut fitting: Vec<_> = overloads
        .iter()
        .filter_map(|routine| Some((fit(routine, given)?, routine)))
        .filter(|(fit, _)| fit.missing == 0)
        .collect();
    fitting.sort_by_key(|(fit, _)| *fit);
    match fitting.as_slice() {
        [(best, routine), rest @ ..] if rest.first().is_none_or(|(next, _)| next > best) => Ok(routine),
        _ => Err(Error::invalid(PARAMS, ambiguous(overloads, fitting.is_empty()))),
    }
}

fn ambiguous(overloads: &[Arc<Routine>], fits_none: bool) -> String {
    let what = if fits_none {
        "None of the routines with this name takes these parameters"
    } else {
        "Several routines with this name take these parameters"
    };
    let all: Vec<_> = overloads.iter().map(|routine| signature(routine)).collect();
    format!("{what}; name all parameters of one of: {}.", all.join(", "))
}

/// `None`: it does not fit.
fn fit(routine: &Routine, given: &Given) -> Option<Fit> {
    let places = places(routine, given).ok()?;
    let is_left = |(place, _): &(usize, &RoutineParameter)| !places.iter().any(|(given, _)| given == place);
    let left: Vec<_> = inputs(routine).filter(is_left).collect();
    let defaults = left.iter().filter(|(_, parameter)| parameter.column.default.is_some()).count();
    let named = if let Given::Named { values, .. } = given { values.len() } else { places.len() };
    Some(Fit { missing: left.len() - defaults, unmatched: named.saturating_sub(places.len()), defaults })
}

fn inputs(routine: &Routine) -> impl Iterator<Item = (usize, &RoutineParameter)> {
    routine.parameters.iter().enumerate().filter(|(_, parameter)| parameter.is_given())
}

/// What is given for each parameter that takes a value, by its place.
fn places<'g>(routine: &Routine, given: &'g Given) -> Result<Vec<(usize, &'g GivenValue)>, Error> {
    match given {
        Given::Nothing => Ok(Vec::new()),
        Given::Listed(values) => listed(routine, values),
        Given::Named { values, is_strict } => {
            let mut places: Vec<(usize, &GivenValue)> = Vec::with_capacity(values.len());
            for (name, value) in values {
                match place_of(routine, name) {
                    Some((place, true)) if *is_strict && places.iter().any(|(known, _)| *known == place) => {
                        let message = format!("Parameter '{name}' is given more than once.");
                        return Err(Error::invalid(PARAMS, message));
                    }
                    // Of several with one name in the address the last counts, as everywhere.
                    Some((place, true)) => {
                        places.retain(|(known, _)| *known != place);
                        places.push((place, value));
                    }
                    Some((_, false)) => {}
                    None if *is_strict => return Err(unknown(routine, name)),
                    None => {}
                }
            }
            Ok(places)
        }
    }
}

/// The place of a parameter by its name, whatever its case, and whether it takes a value.
fn place_of(routine: &Routine, name: &str) -> Option<(usize, bool)> {
    let named = |is_it: &dyn Fn(&str) -> bool| {
        routine.parameters.iter().position(|parameter| is_it(&parameter.column.name))
    };
    let place = named(&|known| known == name)
        .or_else(|| named(&|known| known.to_lowercase() == name.to_lowercase()))
        .filter(|_| !name.is_empty())?;
    Some((place, routine.parameters.get(place)?.is_given()))
}

/// As many values as there are parameters count for all of them, and what is given for one that only comes out is of no use; fewer count
/// for those that take a value.
fn listed<'g>(routine: &Routine, values: &'g [GivenValue]) -> Result<Vec<(usize, &'g GivenValue)>, Error> {
    if values.len() == routine.parameters.len() {
        let all = values.iter().enumerate();
        let takes = |place: usize| routine.parameters.get(place).is_some_and(RoutineParameter::is_given);
        return Ok(all.filter(|(place, _)| takes(*place)).collect());
    }
    let places: Vec<usize> = inputs(routine).map(|(place, _)| place).collect();
    if values.len() > places.len() {
        let message =
            format!("{} takes {} values, {} were given.", signature(routine), places.len(), values.len());
        return Err(Error::invalid(PARAMS, message));
    }
    Ok(places.into_iter().zip(values).collect())
}

/// Refuses a name for the rows under which the answer has a value that comes out as well: one of both would be lost.
///
/// # Errors
/// That they are the same.
pub fn check_wrapper(routine: &Routine, wrapper: Option<&str>) -> Result<(), Error> {
    let mut outs = routine.parameters.iter().filter(|parameter| parameter.is_answered());
    match wrapper {
        Some(wrapper) if outs.any(|out| out.column.name == wrapper) => {
            let message =
                format!("A value that comes out is called '{wrapper}'; choose another name for the rows.");
            Err(Error::invalid("wrapper", message))
        }
        _ => Ok(()),
    }
}

fn unknown(routine: &Routine, name: &str) -> Error {
    Error::invalid(PARAMS, format!("There is no parameter '{name}' in {}.", signature(routine)))
}

/// The call of a routine with the values of its parameters, each of the type that the store says. A parameter that is not given takes its
/// default, and without one it is null.
///
/// # Errors
/// Names that no parameter has, more values than parameters, values that are none of their type.
pub fn call(routine: &Routine, given: &Given, lookup: Lookup<'_>) -> Result<(Call, Vec<Value>), Error> {
    let mut places = places(routine, given)?;
    places.sort_by_key(|(place, _)| *place);
    let (mut arguments, mut params) = (Vec::new(), Vec::new());
    for (place, given) in places {
        let Some(parameter) = routine.parameters.get(place) else { continue };
        let typed = value(&parameter.column, &given.value, given.is_text, lookup);
        arguments.push(Argument { place, value: params.len() });
        params.push(typed.map_err(of_parameter)?);
    }
    let call = Call {
        routine: routine.routine.clone(),
        kind: routine.kind,
        id: routine.id.clone(),
        arguments,
        need: Vec::new(),
    };
    Ok((call, params))
}

/// What is said of a field holds for a parameter.
fn of_parameter(error: Error) -> Error {
    match error {
        Error::Invalid { message, position, .. } => Error::Invalid {
            message: message.replacen("Field ", "Parameter ", 1),
            parameter: PARAMS,
            position,
        },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use connector_api::model::{ArgumentDirection, Column, ColumnType, DefaultValue, TableRef};
    use serde_json::{Value as Json, json};

    use super::*;

    fn parameter(words: &str) -> RoutineParameter {
        let (name, kind) = words.split_once(' ').unwrap_or((words, ""));
        let direction = match kind {
            "out" => ArgumentDirection::Out,
            "both" => ArgumentDirection::InOut,
            _ => ArgumentDirection::In,
        };
        let default = (kind == "preset").then(|| DefaultValue::Value(5.into()));
        let column = Column { default, ..Column::new(name, ColumnType::Integer) };
        RoutineParameter { direction, column }
    }

    fn routine(parameters: &[&str]) -> Arc<Routine> {
        let parameters = parameters.iter().map(|words| parameter(words)).collect();
        Arc::new(Routine { routine: TableRef::new("r"), parameters, ..Routine::default() })
    }

    fn named(json: &Json, is_strict: bool) -> Given {
        let members = json.as_object().unwrap().iter();
        let value = |value: &Json| GivenValue { value: value.clone(), is_text: !is_strict };
        Given::Named { values: members.map(|(name, json)| (name.clone(), value(json))).collect(), is_strict }
    }

    fn list(values: &[i64]) -> Given {
        Given::Listed(
            values.iter().map(|value| GivenValue { value: Json::from(*value), is_text: false }).collect(),
        )
    }

    /// Places and values, or the message.
    fn called(parameters: &[&str], given: &Given) -> Result<Vec<(usize, i64)>, String> {
        let (call, params) =
            call(&routine(parameters), given, &|_| None).map_err(|error| error.to_string())?;
        let integer = |argument: &Argument| match params.get(argument.value) {
            Some(Value::I64(value)) => *value,
            other => panic!("{other:?}"),
        };
        Ok(call.arguments.iter().map(|argument| (argument.place, integer(argument))).collect())
    }

    #[test]
    fn values_find_their_parameters() {
        let parameters = ["a", "b out", "C both"];
        let check = |given: &Given, expected: &[(usize, i64)]| {
            assert_eq!(called(&parameters, given), Ok(expected.to_vec()), "{given:?}");
        };
        check(&Given::Nothing, &[]);
        check(&named(&json!({"c": 3, "A": 1}), true), &[(0, 1), (2, 3)]);
        check(&named(&json!({"a": 1, "b": 2}), true), &[(0, 1)]);
        check(&named(&json!({"a": "1", "other": "x"}), false), &[(0, 1)]);
        check(&list(&[1, 3]), &[(0, 1), (2, 3)]);
        check(&list(&[1, 2, 3]), &[(0, 1), (2, 3)]);
    }

    #[test]
    fn what_fits_no_parameter_is_refused_by_name() {
        let check = |given: &Given, expected: &str| {
            assert_eq!(called(&["a", "b out"], given), Err(expected.to_owned()));
        };
        check(&named(&json!({"x": 1}), true), "There is no parameter 'x' in r(a, b OUT).");
        check(&list(&[1, 2, 3]), "r(a, b OUT) takes 1 values, 3 were given.");
        check(&named(&json!({"a": "x"}), true), "Parameter 'a' must be a valid integer.");
        check(&named(&json!({"a": 1, "A": 2}), true), "Parameter 'A' is given more than once.");
    }

    #[test]
    fn overloads_are_told_apart_by_names_and_numbers() {
        let one = routine(&["a"]);
        let two = routine(&["a", "b"]);
        let preset = routine(&["a", "c preset"]);
        let check = |overloads: &[&Arc<Routine>], given: &Given, expected: Option<&Arc<Routine>>| {
            let all: Vec<_> = overloads.iter().map(|routine| Arc::clone(routine)).collect();
            let found = overload(&all, given);
            match expected {
                Some(expected) => assert!(found.is_ok_and(|found| Arc::ptr_eq(found, expected)), "{given:?}"),
                None => assert!(found.is_err(), "{given:?}"),
            }
        };
        check(&[&one, &two], &named(&json!({"a": 1}), true), Some(&one));
        check(&[&one, &two], &named(&json!({"B": 2, "a": 1}), true), Some(&two));
        check(&[&one, &two], &named(&json!({"a": "1", "b": "2"}), false), Some(&two));
        check(&[&one, &two], &list(&[1, 2]), Some(&two));
        check(&[&one, &preset], &list(&[1]), Some(&one));
        check(&[&one, &preset], &named(&json!({"a": 1, "c": 3}), true), Some(&preset));
        check(&[&one, &routine(&["a"])], &list(&[1]), None);
        check(&[&one, &two], &Given::Nothing, None);
        check(&[&one, &two], &named(&json!({"x": 1}), true), None);
        check(&[&one], &Given::Nothing, Some(&one));
    }

    #[test]
    fn what_is_ambiguous_lists_all_overloads() {
        let overloads = [routine(&["a"]), routine(&["a", "b out"])];
        let message = |given: &Given| overload(&overloads, given).unwrap_err().to_string();
        let all = "name all parameters of one of: r(a), r(a, b OUT).";
        let several = format!("Several routines with this name take these parameters; {all}");
        assert_eq!(message(&list(&[1])), several);
        let none = format!("None of the routines with this name takes these parameters; {all}");
        assert_eq!(message(&Given::Nothing), none);
    }
}
