//! Changes of tables: planned on what is there, and run as one transaction (or a part of the caller's).

use connector_api::Result;
use connector_api::author::{Change, ChangeSchema, Outcome, Request, TableRef};
use connector_sql_common::change::{Changed, Ends, Refused, Step, plan, tables_of};

use crate::connection::Database;
use crate::error::from_driver;
use crate::schema::{REFERRERS, describe_all};
use crate::transaction;
use crate::translate::DIALECT;

impl transaction::Outcome for Changed {
    fn is_undone(&self) -> bool {
        !self.outcomes.is_empty()
    }
}

impl Database {
    /// Changes tables: all of it or nothing.
    ///
    /// # Errors
    /// Of the transaction and the catalogue queries. That a change can't be done is an outcome.
    pub(crate) fn change_schema(&mut self, request: &Request<ChangeSchema>) -> Result<Changed> {
        self.all_or_nothing(|database| {
            let changes = &request.changes;
            let steps = match database.planned(changes)? {
                Ok(steps) => steps,
                Err(refused) => return Ok(refused.answer(changes.len())),
            };
            let first = steps.first().filter(|_| request.context().wants_statement);
            let statement = first.map(|step| step.statement.sql().to_owned());
            Ok(Changed { outcomes: database.run(changes, &steps)?, statement })
        })
    }

    /// Within the transaction, so that nothing changes between judging and running.
    fn planned(&self, changes: &[Change]) -> Result<std::result::Result<Vec<Step>, Refused>> {
        let mut tables = tables_of(changes);
        let names: Vec<_> = tables.iter().map(|table| table.name.as_str()).collect();
        let referrers: Vec<String> = self.objects(REFERRERS, &serde_json::json!(names).to_string())?;
        tables.extend(referrers.into_iter().map(TableRef::new));
        Ok(plan(&DIALECT, describe_all(self, &tables)?, changes))
    }

    fn run(&self, changes: &[Change], steps: &[Step]) -> Result<Vec<Outcome>> {
        let mut ends = Ends::new(changes, steps);
        for step in steps {
            self.check_cancelled()?;
            match self.connection.execute(step.statement.sql(), ()) {
                Ok(_) => ends.done(step),
                Err(error) => return Ok(ends.failed(step, from_driver(&error), true)),
            }
        }
        Ok(Vec::new())
    }
}
