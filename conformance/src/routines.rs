//! Procedures and functions: those of the suite are found with their parameters, and do what they are called for. A fixture makes them from
//! statements of its own. Names of parameters are as they stand here, in small letters:
//!
//! | routine | what it does |
//! |---|---|
//! | procedure `add_up(a, b, out total, inout note)` | `total` is `a + b`, `note` gets a `!` at its end; integers and a string |
//! | function `twice(n)` | `2 * n`, integers; declared to change nothing |
//! | `three_rows(n)`, whichever of both gives rows | `id` integer and `word` string: `n` one, `n + 1` two, `n + 2` null |
//! | procedure `refuse(why)` | raises an error on purpose, with the text of `why` |
//! | procedure `stumble()` | puts a row into the table `item` whose key is there already |
//! | function `echo_{type}(v)`, for each type of the store | `v`; types have the names that a fixture's tables give them |
//! | procedure `two_sets(out total)`, where the store has several sets | a set `a`: 1, 2; a set `b, c`: x and null; `total` is 2 |
//! | functions `area(a)` and `area(a, b)`, where the store has overloads | `a * a` and `a * b`, integers |
//! | function `scaled(a, by)`, where the store has defaults of parameters | `a * by`, integers; `by` is 10 |

use std::sync::Arc;

use connector_api::model::batch::SetRole;
use connector_api::model::{
    Argument, ArgumentDirection, Call, ColumnType, Operation, ResultSets, Routine, RoutineKind, TableRef,
    Value,
};
use connector_api::{Error, ErrorKind, Result};
use tablegate::connectors::{CallContext, Params};

use super::ask::text;
use super::peer::{CALL_TIME, Peer, check_error, context, full};
use super::quirks::normal;
use super::stock::int;
use super::types::{self, form};
use super::{Case, Outcome, holds, same, sent};

/// Cells of one result set, by the name of their columns.
#[derive(Debug, Clone, PartialEq)]
struct Set {
    role: SetRole,
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
}

pub(super) fn cases() -> Vec<Case> {
    let needs = &["routines"];
    let mut cases = vec![
        Case::new("routines::each_is_listed_with_its_parameters", needs, listed),
        Case::new("routines::a_procedure_gives_its_out_values", needs, out_values),
        Case::new("routines::a_function_gives_its_value", needs, value_of_function),
        Case::new("routines::null_is_a_value", needs, nulls),
        Case::new("routines::a_value_stays_a_value", needs, hostile),
        Case::new("routines::rows_are_a_result_set", needs, rows),
        Case::new("routines::what_its_author_raises_is_told", needs, raised),
        Case::new("routines::what_fails_inside_is_an_error_like_any_other", needs, stumbled),
        Case::new("routines::one_that_does_not_exist_is_not_found", needs, missing),
        Case::new("routines::none_is_called_in_a_transaction", &["routines", "transactions"], in_transaction),
        Case::new(
            "routines::all_result_sets_come_in_order",
            &["routines", "store.several_sets"],
            several_sets,
        ),
        Case::new("routines::overloads_are_told_apart", &["routines", "store.overloads"], overloads),
        Case::new(
            "routines::what_is_left_out_takes_its_default",
            &["routines", "store.parameter_defaults"],
            defaults,
        ),
    ];
    cases.extend(types::columns().into_iter().map(|(name, data_type, values)| {
        let run = move |peer| echoed(peer, (name, data_type), values.to_vec());
        Case::new(format!("routines::{name}_comes_back_as_it_went_in"), needs, run).of_type(data_type)
    }));
    cases
}

fn name(peer: &Peer, routine: &str) -> TableRef {
    TableRef { namespace: peer.facts.namespace.clone(), name: routine.to_owned() }
}

/// All routines with this name.
async fn found(peer: &Peer, routine: &str) -> std::result::Result<Vec<Routine>, String> {
    let wanted = name(peer, routine);
    let all = peer.service.list_routines(context(CALL_TIME)).await.map_err(|error| full(&error))?;
    let found: Vec<_> = all.into_iter().filter(|known| known.routine == wanted).collect();
    holds(!found.is_empty(), || format!("the store has no routine '{routine}'"))?;
    Ok(found)
}

async fn one(peer: &Peer, routine: &str) -> std::result::Result<Routine, String> {
    let found = found(peer, routine).await?;
    found.into_iter().next().ok_or_else(|| format!("the store has no routine '{routine}'"))
}

/// Calls with values by the places of their parameters.
async fn send(peer: &Peer, routine: &Routine, values: &[(usize, Value)]) -> Result<Vec<Set>> {
    send_in(peer, routine, values, context(CALL_TIME)).await
}

async fn send_in(
    peer: &Peer,
    routine: &Routine,
    values: &[(usize, Value)],
    context: CallContext<'_>,
) -> Result<Vec<Set>> {
    let mut params = Params::default();
    let argument = |(place, value): &(usize, Value)| Argument { place: *place, value: params.push(value) };
    let arguments = values.iter().map(argument).collect();
    let Routine { routine, kind, id, .. } = routine.clone();
    let shape = Call { routine, kind, id, arguments, need: Vec::new() };
    sent::note(Operation::Call, &shape);
    let mut answer = peer.service.call_routine(&shape, &params, context).await?;
    let mut sets: Vec<Set> = Vec::new();
    let mut last = None;
    while let Some(batch) = answer.next().await {
        let batch = batch?;
        let mut row = Vec::new();
        for mut section in batch.sections() {
            let announced = Arc::clone(section.columns());
            if last.replace(announced.set) != Some(announced.set) {
                let columns = announced.names.to_vec();
                sets.push(Set { role: announced.role, columns, rows: Vec::new() });
            }
            while section.read_row(&mut row)? {
                let cells = row.iter().map(|cell| Ok(normal(&cell.to_value()?))).collect::<Result<_>>()?;
                sets.last_mut().ok_or_else(|| Error::internal("rows without a set"))?.rows.push(cells);
            }
        }
    }
    Ok(sets)
}

fn set(role: SetRole, columns: &[&str], rows: &[&[Value]]) -> Set {
    let columns = columns.iter().map(|name| (*name).to_owned()).collect();
    Set { role, columns, rows: rows.iter().map(|row| row.to_vec()).collect() }
}

async fn check(peer: &Peer, routine: &Routine, values: &[(usize, Value)], expected: &[Set]) -> Outcome {
    let sets = send(peer, routine, values).await.map_err(|error| full(&error))?;
    same(format_args!("{} of {values:?}", routine.routine), &sets, &expected.to_vec())
}

/// Directions and types of the parameters, by name.
fn parameters(routine: &Routine) -> Vec<(&str, ArgumentDirection, ColumnType)> {
    let of = routine.parameters.iter();
    of.map(|parameter| (parameter.column.name.as_str(), parameter.direction, parameter.column.data_type))
        .collect()
}

async fn listed(peer: Arc<Peer>) -> Outcome {
    use ArgumentDirection::{In, InOut, Out};
    let add_up = one(&peer, "add_up").await?;
    let integer = ColumnType::Integer;
    let expected = vec![
        ("a", In, integer),
        ("b", In, integer),
        ("total", Out, integer),
        ("note", InOut, add_up.parameters.last().map_or(ColumnType::String, |note| note.column.data_type)),
    ];
    same("parameters of a procedure", &parameters(&add_up), &expected)?;
    same("its kind", &(add_up.kind, add_up.returns.is_none()), &(RoutineKind::Procedure, true))?;
    let twice = one(&peer, "twice").await?;
    same("parameters of a function", &parameters(&twice), &vec![("n", In, integer)])?;
    let returns = twice.returns.as_ref().map(|column| column.data_type);
    let said = (twice.kind, returns, twice.sets, twice.is_read_only);
    same("what a function gives", &said, &(RoutineKind::Function, Some(integer), ResultSets::None, true))?;
    let three_rows = one(&peer, "three_rows").await?;
    holds(three_rows.sets != ResultSets::None, || "three_rows is said to give no rows".to_owned())?;
    holds(!one(&peer, "stumble").await?.is_read_only, || "stumble is said to change nothing".to_owned())
}

async fn out_values(peer: Arc<Peer>) -> Outcome {
    let routine = one(&peer, "add_up").await?;
    for (a, b, note, noted) in [(2, 3, "x", "x!"), (-5, 5, "", "!"), (1, 1, "日本 'é'", "日本 'é'!")] {
        let values = [(0, int(a)), (1, int(b)), (3, text(note))];
        let row = [int(a + b), text(noted)];
        check(&peer, &routine, &values, &[set(SetRole::Out, &["total", "note"], &[&row])]).await?;
    }
    Ok(())
}

async fn value_of_function(peer: Arc<Peer>) -> Outcome {
    let routine = one(&peer, "twice").await?;
    for n in [0, 21, -1_000_000] {
        check(&peer, &routine, &[(0, int(n))], &[set(SetRole::Return, &["twice"], &[&[int(2 * n)]])]).await?;
    }
    Ok(())
}

async fn nulls(peer: Arc<Peer>) -> Outcome {
    let null = Value::Null;
    let twice = one(&peer, "twice").await?;
    let nothing = [set(SetRole::Return, &["twice"], &[&[Value::Null]])];
    check(&peer, &twice, &[(0, null)], &nothing).await?;
    check(&peer, &twice, &[], &nothing).await?;
    let add_up = one(&peer, "add_up").await?;
    let row = [Value::Null, Value::Null];
    check(&peer, &add_up, &[(0, int(1))], &[set(SetRole::Out, &["total", "note"], &[&row])]).await
}

/// Texts that would be SQL if they were written into it.
async fn hostile(peer: Arc<Peer>) -> Outcome {
    let routine = one(&peer, "add_up").await?;
    for note in ["'); CALL stumble(); --", "$1 ? :a @b", "\\' OR 1=1 --", "@total", "NULL"] {
        let values = [(0, int(1)), (1, int(1)), (3, text(note))];
        let row = [int(2), text(&format!("{note}!"))];
        check(&peer, &routine, &values, &[set(SetRole::Out, &["total", "note"], &[&row])]).await?;
    }
    peer.check_usable().await
}

async fn rows(peer: Arc<Peer>) -> Outcome {
    let routine = one(&peer, "three_rows").await?;
    let rows: [&[Value]; 3] = [&[int(7), text("one")], &[int(8), text("two")], &[int(9), Value::Null]];
    let expected = [set(SetRole::Rows, &["id", "word"], &rows)];
    for _ in 0..3 {
        check(&peer, &routine, &[(0, int(7))], &expected).await?;
    }
    Ok(())
}

async fn raised(peer: Arc<Peer>) -> Outcome {
    let routine = one(&peer, "refuse").await?;
    let why = "the month is closed; ask 'accounts'";
    let error = check_error("refuse", send(&peer, &routine, &[(0, text(why))]).await, ErrorKind::Conflict)?;
    same("the message", &error.message.as_str(), &why)?;
    same("the reason", &error.reason.as_deref(), &Some("raised"))?;
    holds(error.sqlstate.is_some(), || "an error that was raised has no SQLSTATE".to_owned())?;
    let told = error.detail.as_deref().unwrap_or_default();
    holds(!told.contains(why), || format!("the log gets the text: {told}"))?;
    peer.check_usable().await
}

async fn stumbled(peer: Arc<Peer>) -> Outcome {
    let routine = one(&peer, "stumble").await?;
    let error = check_error("stumble", send(&peer, &routine, &[]).await, ErrorKind::Conflict)?;
    same("the reason", &error.reason.as_deref(), &Some("unique_violation"))?;
    peer.check_usable().await
}

async fn missing(peer: Arc<Peer>) -> Outcome {
    let known = one(&peer, "twice").await?;
    let other = Routine { routine: name(&peer, "no \"such` routine"), ..known.clone() };
    let error = check_error("a routine", send(&peer, &other, &[]).await, ErrorKind::NotFound)?;
    same("the reason", &error.reason.as_deref(), &Some("routine_not_found"))?;
    let other = Routine { id: Some("no such overload".to_owned()), ..known };
    check_error("an overload", send(&peer, &other, &[]).await, ErrorKind::NotFound).map(drop)
}

async fn in_transaction(peer: Arc<Peer>) -> Outcome {
    let routine = one(&peer, "twice").await?;
    let begun = peer.service.begin(&connector_api::model::Begin::default(), context(CALL_TIME)).await;
    let session = Some(begun.map_err(|error| full(&error))?);
    let inside = CallContext { session, ..context(CALL_TIME) };
    let answer = send_in(&peer, &routine, &[(0, int(1))], inside).await;
    check_error("a call in a transaction", answer, ErrorKind::Unsupported)?;
    peer.service.rollback(inside).await.map_err(|error| full(&error))
}

async fn several_sets(peer: Arc<Peer>) -> Outcome {
    let routine = one(&peer, "two_sets").await?;
    let expected = [
        set(SetRole::Rows, &["a"], &[&[int(1)], &[int(2)]]),
        set(SetRole::Rows, &["b", "c"], &[&[text("x"), Value::Null]]),
        set(SetRole::Out, &["total"], &[&[int(2)]]),
    ];
    // Were one of them left unread, the next call would find it.
    for _ in 0..3 {
        check(&peer, &routine, &[], &expected).await?;
    }
    Ok(())
}

async fn overloads(peer: Arc<Peer>) -> Outcome {
    let found = found(&peer, "area").await?;
    same("overloads", &found.len(), &2)?;
    for routine in found {
        let (values, area) = match routine.parameters.len() {
            1 => (vec![(0, int(3))], 9),
            _ => (vec![(0, int(3)), (1, int(4))], 12),
        };
        check(&peer, &routine, &values, &[set(SetRole::Return, &["area"], &[&[int(area)]])]).await?;
    }
    Ok(())
}

async fn defaults(peer: Arc<Peer>) -> Outcome {
    let routine = one(&peer, "scaled").await?;
    let has_default =
        |place: usize| routine.parameters.get(place).is_some_and(|of| of.column.default.is_some());
    same("what may be left out", &(has_default(0), has_default(1)), &(false, true))?;
    check(&peer, &routine, &[(0, int(3))], &[set(SetRole::Return, &["scaled"], &[&[int(30)]])]).await?;
    let both = [(0, int(3)), (1, int(2))];
    check(&peer, &routine, &both, &[set(SetRole::Return, &["scaled"], &[&[int(6)]])]).await
}

/// A store may have no such type for parameters: it takes documents as the texts that they are, and bounds no text.
async fn echoed(peer: Arc<Peer>, (name, data_type): (&str, ColumnType), values: Vec<Value>) -> Outcome {
    let routine = one(&peer, &format!("echo_{name}")).await?;
    let described = routine.parameters.first().map(|parameter| parameter.column.data_type);
    let is_text = described == Some(ColumnType::Text);
    let is_text = is_text && matches!(data_type, ColumnType::Json | ColumnType::String);
    let data_type = if is_text { ColumnType::Text } else { data_type };
    same("the type of its parameter", &described, &Some(peer.quirks.described(data_type)))?;
    for value in values {
        let value = match value {
            Value::Json(json) if is_text => Value::Text(json),
            value => value,
        };
        if !peer.quirks.keeps(data_type, &value)? {
            continue;
        }
        let expected = form(data_type, &peer.quirks.read(data_type, &value)?);
        let sets = send(&peer, &routine, &[(0, value.clone())]).await.map_err(|error| full(&error))?;
        let found: Vec<_> = sets.iter().flat_map(|set| set.rows.iter().flatten()).collect();
        let found: Vec<_> = found.into_iter().map(|cell| form(data_type, cell)).collect();
        same(format_args!("what comes back of {value:?}"), &found, &vec![expected])?;
    }
    Ok(())
}
