//! Changes of tables: planned on what is there, and run one after the other. The servers end a transaction before each of them, so what is
//! done stays done; the answer tells which that is.

use connector_api::author::{Change, ChangeSchema, Outcome, Request, TableRef};
use connector_api::{Error, ErrorKind, Result};
use connector_common::failure::doubtful;
use connector_sql_common::change::{Changed, Ends, Refused, Step, plan, tables_of};

use crate::client::Work;
use crate::error::of_change;
use crate::schema::{BACKSLASH_IS_PLAIN, fields};
use crate::store::{Store, find, referrers};
use crate::translate::Changing;

impl Store {
    /// Changes tables, until one fails.
    ///
    /// # Errors
    /// The server's, before anything changed. That a change can't be done is an outcome.
    pub(crate) async fn change_schema(&self, request: &Request<ChangeSchema>) -> Result<Changed> {
        if request.context().session.is_some() {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "the database ends a transaction when a table changes; change tables outside of transactions",
            )
            .with_reason("unsupported_change"));
        }
        let changes = &request.changes;
        let mut work = self.client.work(None).await?;
        let planned = match planned(changes, &mut work).await {
            Ok(planned) => planned,
            Err(error) => {
                work.recover(&error).await;
                return Err(error);
            }
        };
        let steps = match planned {
            Ok(steps) => steps,
            Err(refused) => {
                work.give_back();
                return Ok(refused.answer(changes.len()));
            }
        };
        let first = steps.first().filter(|_| request.context().wants_statement);
        let statement = first.map(|step| step.statement.sql().to_owned());
        let outcomes = run(changes, &steps, work).await;
        self.forget(&tables_of(changes));
        Ok(Changed { outcomes, statement })
    }
}

async fn planned(changes: &[Change], work: &mut Work) -> Result<std::result::Result<Vec<Step>, Refused>> {
    let mut tables = tables_of(changes);
    let others = referrers(work, &tables).await?;
    tables.extend(others.into_iter().filter(|table| !tables.contains(table)).collect::<Vec<TableRef>>());
    let mut changing = Changing {
        is_mariadb: work.is_mariadb()?,
        is_backslash_plain: is_backslash_plain(work).await?,
        kept: Vec::new(),
    };
    let mut there = Vec::with_capacity(tables.len());
    for found in find(work, &tables).await? {
        changing.kept.extend(found.kept);
        there.push(found.table);
    }
    Ok(plan(&changing, there, changes))
}

/// Configurations set modes, and so do the statements that they run on each connection: the connection itself is asked.
async fn is_backslash_plain(work: &mut Work) -> Result<bool> {
    let rows = work.run(BACKSLASH_IS_PLAIN, Vec::new()).await?.all().await?;
    Ok(fields(rows)?.first().and_then(|row| row.number(0)) == Some(1))
}

async fn run(changes: &[Change], steps: &[Step], mut work: Work) -> Vec<Outcome> {
    let mut ends = Ends::new(changes, steps);
    for step in steps {
        if let Err(error) = execute(&mut work, step).await {
            work.recover(&error).await;
            return ends.failed(step, of_change(doubtful(error)), false);
        }
        ends.done(step);
    }
    work.give_back();
    Vec::new()
}

async fn execute(work: &mut Work, step: &Step) -> Result<()> {
    work.run(step.statement.sql(), Vec::new()).await?.all().await.map(drop)
}
