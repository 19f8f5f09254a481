//! Calls of routines. Each value is given the type of its parameter, so that of several overloads the right one is meant.

use std::pin::pin;

use connector_api::author::{ArgumentDirection, Call as Shape, Request, RowSink, SetRole, TableRef, Value};
use connector_api::{Error, ErrorKind, Result};
use connector_common::failure::{doubtful, is_worth_another_try};
use connector_common::routine::{as_cell, check_alone, value_of};
use connector_sql_common::Statement;
use connector_sql_common::build::routine::{self, Given, Passed, Wanted};
use futures_util::{StreamExt as _, TryStreamExt as _};

use crate::client::{Params, Parsed, Work};
use crate::schema::{How, Out, RoutineInfo};
use crate::store::{Call, Store};
use crate::translate::{VALUES, shown};
use crate::types::{Class, Reader, push_cell, text, write_row};

/// A call on its way.
pub(crate) struct Calling<'r> {
    request: &'r Request<Shape>,
    out: &'r mut RowSink,
    /// The server may have begun with it: it can't begin anew.
    is_sent: bool,
}

impl<'r> Calling<'r> {
    /// Calls the routine. It is sent once; only a connection that turns out to be dead before is given up for another.
    ///
    /// # Errors
    /// The server's; what the routine raises.
    pub(crate) async fn run(store: &Store, request: &'r Request<Shape>, out: &'r mut RowSink) -> Result<()> {
        check_alone(request.context())?;
        let mut calling = Self { request, out, is_sent: false };
        match store.once(&mut calling, None).await {
            Err(error) if !calling.is_sent && is_worth_another_try(&error) => {
                store.once(&mut calling, None).await
            }
            ended => ended,
        }
    }
}

impl Call for Calling<'_> {
    type Answer = ();

    async fn once(&mut self, store: &Store, work: &mut Work) -> Result<()> {
        let routine = store.routine(self.request, work).await?;
        let passed = passed(&routine, self.request)?;
        let statement = statement(&routine, &passed)?;
        let params = bind(&passed, self.request)?;
        if self.request.context().wants_statement {
            self.out.summary().statement = Some(statement.sql().to_owned());
        }
        work.is_for_routine();
        self.is_sent = true;
        let ended = match routine.how {
            How::Cursors => self.cursors((&statement, &params), work).await,
            _ => self.answer(answered(&routine), (&statement, &params), work).await,
        };
        ended.map_err(doubtful)
    }

    fn is_repeatable(&self, _: &Error) -> bool {
        false
    }

    fn table(&self) -> &TableRef {
        &self.request.routine
    }
}

impl Calling<'_> {
    async fn answer(
        &mut self,
        answered: Option<Answered<'_>>,
        (statement, params): (&Statement, &Params),
        work: &mut Work,
    ) -> Result<()> {
        let mut rows = pin!(work.run(statement.sql(), params, Parsed::Anew).await?);
        let names = answered.iter().flat_map(|answered| &answered.names).copied().collect::<Vec<_>>();
        match answered.as_ref().map(|answered| answered.role) {
            Some(SetRole::Rows) => self.out.columns(names),
            Some(role) => self.out.next_set(role, names),
            None => {}
        }
        let (mut readers, mut scratch) = (Vec::new(), String::new());
        while let Some(row) = rows.next().await {
            let row = row.map_err(|error| work.failed(&error))?;
            let Some(answered) = &answered else { continue };
            if readers.is_empty() {
                readers = Reader::of_values(row.columns(), &answered.classes)?;
            }
            write_row(self.out, &row, &readers, &mut scratch)?;
            self.out.end_row().await?;
        }
        work.finished();
        Ok(())
    }
}

impl Calling<'_> {
    /// The rows of the cursors that a function opens. They live as long as the transaction.
    async fn cursors(&mut self, (statement, params): (&Statement, &Params), work: &mut Work) -> Result<()> {
        work.begin().await?;
        let rows = work.run(statement.sql(), params, Parsed::Anew).await?;
        let rows: Vec<_> = rows.try_collect().await.map_err(|error| work.failed(&error))?;
        work.finished();
        for (place, row) in rows.iter().enumerate() {
            let fetch = routine::fetch(&VALUES, text(row, 0)?)?;
            self.fetched(fetch.sql(), place == 0, work).await?;
        }
        work.commit().await
    }

    async fn fetched(&mut self, sql: &str, is_first: bool, work: &mut Work) -> Result<()> {
        let mut rows = pin!(work.run(sql, &Params::default(), Parsed::Anew).await?);
        let (mut readers, mut scratch) = (Vec::new(), String::new());
        while let Some(row) = rows.next().await {
            let row = row.map_err(|error| work.failed(&error))?;
            if readers.is_empty() {
                readers = Reader::of_columns(row.columns()).map_err(|_| unread())?;
                self.begin_set(row.columns().iter().map(tokio_postgres::Column::name).collect(), is_first);
            }
            write_row(self.out, &row, &readers, &mut scratch)?;
            self.out.end_row().await?;
        }
        work.finished();
        // Of a cursor without rows the columns are not known.
        if readers.is_empty() {
            self.begin_set(Vec::new(), is_first);
        }
        Ok(())
    }

    fn begin_set(&mut self, names: Vec<&str>, is_first: bool) {
        if is_first { self.out.columns(names) } else { self.out.next_set(SetRole::Rows, names) }
    }
}

/// What the rows of the answer are.
struct Answered<'a> {
    role: SetRole,
    names: Vec<&'a str>,
    classes: Vec<Class>,
}

impl<'a> Answered<'a> {
    fn of(role: SetRole, outs: &'a [Out]) -> Self {
        let names = outs.iter().map(|out| out.name.as_str()).collect();
        Self { role, names, classes: outs.iter().map(|out| out.class).collect() }
    }
}

/// `None`: whatever comes is of no use.
fn answered(routine: &RoutineInfo) -> Option<Answered<'_>> {
    match &routine.how {
        How::Call(outs) | How::Row(outs) if !outs.is_empty() => Some(Answered::of(SetRole::Out, outs)),
        How::Rows(columns) => Some(Answered::of(SetRole::Rows, columns)),
        How::Value(Some(class)) => Some(Answered {
            role: SetRole::Return,
            names: vec![&routine.routine.name],
            classes: vec![*class],
        }),
        _ => None,
    }
}

/// The arguments, with the classes of their types. Names are written from the first parameter on that takes its default.
fn passed<'a>(routine: &'a RoutineInfo, call: &Shape) -> Result<Vec<(Passed<'a>, Class)>> {
    let mut passed = Vec::with_capacity(routine.parameters.len());
    let mut is_named = false;
    for (place, parameter) in routine.parameters.iter().enumerate() {
        // A function is called without those that only come out.
        if parameter.direction == ArgumentDirection::Out && !matches!(routine.how, How::Call(_)) {
            continue;
        }
        let value = value_of(call, place, routine.parameters.len())?;
        if value.is_none() && parameter.has_default {
            is_named = true;
            continue;
        }
        if is_named && parameter.name.is_empty() {
            return Err(nameless());
        }
        let argument = Passed {
            name: is_named.then_some(parameter.name.as_str()),
            is_variadic: parameter.is_variadic,
            data_type: Some(&parameter.data_type),
            value: value.map_or(Given::Null, Given::Value),
        };
        passed.push((argument, parameter.class));
    }
    Ok(passed)
}

fn nameless() -> Error {
    let message = "a parameter without a name stands behind one that is left out; give that one, too";
    Error::new(ErrorKind::InvalidRequest, message).with_reason("parameter_required")
}

fn statement(routine: &RoutineInfo, passed: &[(Passed<'_>, Class)]) -> Result<Statement> {
    let name = &routine.routine;
    let arguments: Vec<_> = passed.iter().map(|(argument, _)| *argument).collect();
    match &routine.how {
        How::Call(outs) if outs.iter().all(|out| comes_as_it_is(out.class)) => {
            routine::call(&VALUES, name, &arguments)
        }
        How::Call(_) => Err(unread()),
        // Nothing has a text, which is empty.
        How::Value(class) => routine::value(&VALUES, name, &arguments, shown(class.unwrap_or(Class::Other))),
        How::Rows(columns) | How::Row(columns) => {
            let wanted: Vec<_> = columns
                .iter()
                .map(|column| Wanted { name: &column.name, between: shown(column.class) })
                .collect();
            routine::rows(&VALUES, name, &arguments, &wanted)
        }
        How::Cursors => {
            let wanted = Wanted { name: &name.name, between: shown(Class::Other) };
            routine::rows(&VALUES, name, &arguments, &[wanted])
        }
        How::Unknown => Err(Error::unsupported("a function that gives 'record' without naming its columns")),
    }
}

/// What the routine gives can't be converted by a statement.
fn unread() -> Error {
    Error::unsupported(
        "a value of a procedure or a cursor whose type is none of those that are read as they come",
    )
}

/// No statement can convert what a procedure gives.
fn comes_as_it_is(class: Class) -> bool {
    class == Class::Label || shown(class) == [""; 2]
}

fn bind(passed: &[(Passed<'_>, Class)], request: &Request<Shape>) -> Result<Params> {
    let mut params = Params::default();
    for (argument, class) in passed {
        let Given::Value(param) = argument.value else { continue };
        match request.param(param)? {
            Value::Null | Value::Absent => params.null(),
            value => params.value(|to| as_cell(value, |cell| push_cell(to, cell, *class)))?,
        }
    }
    Ok(params)
}

#[cfg(test)]
mod tests {
    use connector_api::author::{Argument, RoutineKind};

    use super::*;
    use crate::schema::ParameterInfo;

    fn parameter(name: &str, direction: ArgumentDirection, has_default: bool) -> ParameterInfo {
        let data_type = TableRef { namespace: vec!["pg_catalog".to_owned()], name: "int4".to_owned() };
        let class = Class::Integer;
        ParameterInfo { name: name.to_owned(), direction, data_type, class, is_variadic: false, has_default }
    }

    fn check(how: How, parameters: Vec<ParameterInfo>, given: &[usize], expected: &str) {
        let routine = TableRef { namespace: vec!["s".to_owned()], name: "r".to_owned() };
        let arguments = given.iter().map(|place| Argument { place: *place, value: *place }).collect();
        let (kind, id) = (RoutineKind::Procedure, None);
        let call = Shape { routine: routine.clone(), kind, id, arguments, need: Vec::new() };
        let routine = RoutineInfo { routine, how, parameters };
        let built = passed(&routine, &call).and_then(|passed| statement(&routine, &passed));
        let text = built.map_or_else(|error| error.message, |statement| statement.sql().to_owned());
        assert_eq!(text, expected);
    }

    #[test]
    fn a_routine_is_called_by_what_it_gives() {
        use ArgumentDirection::{In, InOut, Out as Outward};
        let out = |class| vec![Out { name: "b".to_owned(), class }];
        let both = || vec![parameter("a", In, false), parameter("b", Outward, false)];
        let int = |value: &str| format!(r#"CAST({value} AS "pg_catalog"."int4")"#);
        let called = format!(r#"CALL "s"."r"({}, {})"#, int("$1"), int("NULL"));
        check(How::Call(out(Class::Integer)), both(), &[0], &called);
        check(How::Call(out(Class::Inet)), both(), &[0], &unread().message);
        let row = format!(r#"SELECT "b" FROM "s"."r"({}) AS "r"("b")"#, int("$1"));
        check(How::Row(out(Class::Integer)), both(), &[0], &row);
        let rows = format!(r#"SELECT "b"::text FROM "s"."r"({}) AS "r"("b")"#, int("NULL"));
        check(How::Rows(out(Class::Label)), vec![parameter("a", InOut, false)], &[], &rows);
        check(How::Value(None), vec![], &[], r#"SELECT "s"."r"()::text"#);
        check(How::Cursors, vec![], &[], r#"SELECT "r"::text FROM "s"."r"() AS "r"("r")"#);
        let unknown =
            "a function that gives 'record' without naming its columns is not supported by this connector";
        check(How::Unknown, vec![], &[], unknown);
    }

    #[test]
    fn what_takes_its_default_is_left_out_and_those_behind_it_are_named() {
        let parameters = |last: &str| {
            let preset = |name| parameter(name, ArgumentDirection::In, true);
            vec![parameter("a", ArgumentDirection::In, false), preset("b"), preset(last)]
        };
        let int = |value: &str| format!(r#"CAST({value} AS "pg_catalog"."int4")"#);
        let value = || How::Value(Some(Class::Integer));
        check(value(), parameters("c"), &[0], &format!(r#"SELECT "s"."r"({})"#, int("$1")));
        let named = format!(r#"SELECT "s"."r"({}, "c" => {})"#, int("$1"), int("$2"));
        check(value(), parameters("c"), &[0, 2], &named);
        check(value(), parameters(""), &[0, 2], &nameless().message);
        check(value(), parameters("c"), &[7], "the request names a parameter that the routine does not have");
    }
}
