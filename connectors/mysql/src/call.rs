//! Calls of routines. What comes out of a procedure by its parameters goes through variables of the connection, which the same call sets
//! before and reads behind all result sets.

use connector_api::author::{
    ArgumentDirection, Call as Shape, Request, RoutineKind, RoutineParameter, RowSink, SetRole, TableRef,
};
use connector_api::{Error, Result};
use connector_common::failure::{doubtful, is_worth_another_try};
use connector_common::routine::{as_cell, check_alone, value_of};
use connector_sql_common::Statement;
use connector_sql_common::build::routine::{self, Given, Passed};

use crate::client::Work;
use crate::schema::FoundRoutine;
use crate::store::{Call, Store};
use crate::table::ColumnInfo;
use crate::translate::{VALUES, shown, taken_out};
use crate::types::{Class, Reader, stored, write_row};

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
        let found = store.routine(self.request, work).await?;
        let arguments = arguments(&found, self.request)?;
        let ended = match found.routine.kind {
            RoutineKind::Function => self.function(&found, &arguments, work).await,
            RoutineKind::Procedure => self.procedure(&found, &arguments, work).await,
        };
        ended.map_err(|error| if self.is_sent { doubtful(error) } else { error })
    }

    fn is_repeatable(&self, _: &Error) -> bool {
        false
    }

    fn table(&self) -> &TableRef {
        &self.request.routine
    }
}

impl Calling<'_> {
    async fn function(
        &mut self,
        found: &FoundRoutine,
        arguments: &[Argument<'_>],
        work: &mut Work,
    ) -> Result<()> {
        let class = found.returns.unwrap_or(Class::Text);
        let passed: Vec<_> = arguments.iter().map(|argument| argument.passed).collect();
        let statement = routine::value(&VALUES, &found.routine.routine, &passed, shown(class))?;
        let values = sent(arguments, self.request)?;
        self.begin(&statement, work);
        let rows = work.run(statement.sql(), values).await?.all().await?;
        self.out.next_set(SetRole::Return, [found.routine.routine.name.as_str()]);
        self.rows(&rows, &[Reader::Column(class)]).await
    }

    async fn procedure(
        &mut self,
        found: &FoundRoutine,
        arguments: &[Argument<'_>],
        work: &mut Work,
    ) -> Result<()> {
        let outs: Vec<_> = outs(found).collect();
        let (inside, before): (Vec<_>, Vec<_>) =
            arguments.iter().partition(|argument| argument.variable.is_none());
        if !before.is_empty() {
            let set: Vec<_> = before.iter().filter_map(|argument| argument.variable).collect();
            let statement = routine::set_variables(&VALUES, &set)?;
            work.run(statement.sql(), sent(before, self.request)?).await?.all().await?;
        }
        let passed: Vec<_> = arguments.iter().map(|argument| argument.passed).collect();
        let statement = routine::call(&VALUES, &found.routine.routine, &passed)?;
        let values = sent(inside, self.request)?;
        self.begin(&statement, work);
        self.sets(&statement, values, work).await?;
        if outs.is_empty() {
            return Ok(());
        }
        let wanted: Vec<_> = outs.iter().map(|out| (out.place, taken_out(out.class))).collect();
        let statement = routine::variables(&VALUES, &wanted)?;
        let rows = work.run(statement.sql(), Vec::new()).await?.all().await?;
        self.out.next_set(SetRole::Out, outs.iter().map(|out| out.name).collect::<Vec<_>>());
        let readers: Vec<_> = outs.iter().map(|out| Reader::Column(out.class)).collect();
        self.rows(&rows, &readers).await
    }

    fn begin(&mut self, statement: &Statement, work: &mut Work) {
        if self.request.context().wants_statement {
            self.out.summary().statement = Some(statement.sql().to_owned());
        }
        work.is_for_routine();
        self.is_sent = true;
    }

    /// All result sets, typed by what the server says of them. Each is read to its end, or the connection would be of no more use.
    async fn sets(
        &mut self,
        statement: &Statement,
        values: Vec<mysql_async::Value>,
        work: &mut Work,
    ) -> Result<()> {
        let mut rows = work.run(statement.sql(), values).await?;
        let mut is_first = true;
        while let Some(columns) = rows.set() {
            if !columns.is_empty() {
                let names: Vec<_> = columns.iter().map(|column| column.name_str().into_owned()).collect();
                let names = names.iter().map(String::as_str);
                match std::mem::replace(&mut is_first, false) {
                    true => self.out.columns(names),
                    false => self.out.next_set(SetRole::Rows, names),
                }
            }
            let readers: Vec<_> =
                columns.iter().map(|column| Reader::Column(Class::of_column(column))).collect();
            while let Some(row) = rows.next().await? {
                write_row(self.out, |place| row.as_ref(place), &readers)?;
                self.out.end_row().await?;
            }
        }
        // Behind the last set the server says how the call ended.
        rows.next().await.map(drop)
    }

    async fn rows(&mut self, rows: &[mysql_async::Row], readers: &[Reader]) -> Result<()> {
        for row in rows {
            write_row(self.out, |place| row.as_ref(place), readers)?;
            self.out.end_row().await?;
        }
        Ok(())
    }
}

/// What is passed for a parameter.
struct Argument<'a> {
    passed: Passed<'a>,
    /// The variable that stands for it, and what it is before the call.
    variable: Option<(usize, Given)>,
    class: Class,
}

/// A value that comes out.
struct Out<'a> {
    place: usize,
    name: &'a str,
    class: Class,
}

fn outs(found: &FoundRoutine) -> impl Iterator<Item = Out<'_>> {
    let parameters = found.routine.parameters.iter().zip(&found.classes).enumerate();
    parameters.filter(|(_, (parameter, _))| parameter.is_answered()).map(|(place, (parameter, class))| Out {
        place,
        name: &parameter.column.name,
        class: *class,
    })
}

fn arguments(found: &FoundRoutine, call: &Shape) -> Result<Vec<Argument<'static>>> {
    let parameters = &found.routine.parameters;
    let argument = |(place, (parameter, class)): (usize, (&RoutineParameter, &Class))| {
        let given = value_of(call, place, parameters.len())?.map_or(Given::Null, Given::Value);
        let is_in = parameter.direction == ArgumentDirection::In;
        let variable = (!is_in).then_some((place, given));
        let value = if is_in { given } else { Given::Variable(place) };
        let passed = Passed { name: None, is_variadic: false, data_type: None, value };
        Ok(Argument { passed, variable, class: *class })
    };
    parameters.iter().zip(&found.classes).enumerate().map(argument).collect()
}

/// What is bound for these arguments, in their order.
fn sent<'a>(
    arguments: impl IntoIterator<Item = &'a Argument<'a>>,
    request: &Request<Shape>,
) -> Result<Vec<mysql_async::Value>> {
    let given = arguments.into_iter().filter_map(|argument| {
        let value = argument.variable.map_or(argument.passed.value, |(_, value)| value);
        if let Given::Value(param) = value { Some((param, argument.class)) } else { None }
    });
    // Labels are the routine's own matter.
    let column = |class| ColumnInfo::from(if class == Class::Label { Class::Text } else { class });
    given.map(|(param, class)| as_cell(request.param(param)?, |cell| stored(cell, &column(class)))).collect()
}
