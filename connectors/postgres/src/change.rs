//! Changes of tables: planned on what is there, and run as one transaction (or a part of the caller's).

use connector_api::author::{Change, ChangeSchema, Outcome, Request, RowSink, Table, TableRef};
use connector_api::{Error, Result};
use connector_common::failure::is_lost;
use connector_sql_common::change::{Ends, Refused, Step, contradicted, named_types, plan, tables_of};

use crate::client::{Params, Work};
use crate::error::of_change;
use crate::schema::{
    self, DESCRIPTIONS, HOME, HomeRow, NAMED_TYPES, NameRow, NamedTypeRow, REFERRERS, TableRow,
};
use crate::store::Store;
use crate::translate::Changing;

/// What came of it: the changes that are not done, and the first statement.
#[derive(Debug, Default)]
pub(crate) struct Changed {
    outcomes: Vec<Outcome>,
    statement: Option<String>,
}

impl Changed {
    /// Hands the answer to the gateway.
    pub(crate) fn send(self, out: &mut RowSink) {
        out.summary().statement = self.statement;
        self.outcomes.into_iter().for_each(|outcome| out.outcome(outcome));
    }
}

impl Store {
    /// Changes tables: all of it or nothing.
    ///
    /// # Errors
    /// The server's, of the connection and the transaction. That a change can't be done is an outcome.
    pub(crate) async fn change_schema(&self, request: &Request<ChangeSchema>) -> Result<Changed> {
        let mut work = self.client.work(request.context().session).await?;
        work.open().await?;
        let changed = self.changed(request, &mut work).await;
        // Also after a failure: others may have changed the tables meanwhile.
        self.forget(&tables_of(&request.changes));
        match changed {
            Ok(changed) => work.close().await.map(|()| changed),
            Err(error) => {
                work.recover().await;
                Err(error)
            }
        }
    }

    async fn changed(&self, request: &Request<ChangeSchema>, work: &mut Work) -> Result<Changed> {
        let changes = &request.changes;
        work.begin().await?;
        let (outcomes, statement) = match self.planned(changes, work).await? {
            Ok(steps) => {
                let first = steps.first().filter(|_| request.context().wants_statement);
                let statement = first.map(|step| step.statement.sql().to_owned());
                (run(changes, &steps, work).await?, statement)
            }
            Err(refused) => (refused.outcomes(changes.len()), None),
        };
        if outcomes.is_empty() {
            work.commit().await?;
        } else {
            work.undo().await?;
        }
        Ok(Changed { outcomes, statement })
    }

    /// Within the transaction, so that little changes between judging and running.
    async fn planned(
        &self,
        changes: &[Change],
        work: &mut Work,
    ) -> Result<std::result::Result<Vec<Step>, Refused>> {
        let mut changing = self.changing(changes, work).await?;
        let mut tables = tables_of(changes);
        let wanted = schema::wanted(&tables);
        let referrers: Vec<NameRow> = self.catalogue(work, REFERRERS, Some(&wanted)).await?;
        let referrers = referrers.into_iter().map(NameRow::table);
        tables.extend(referrers.filter(|table| !tables.contains(table)).collect::<Vec<_>>());
        let rows: Vec<TableRow> = self.catalogue(work, DESCRIPTIONS, Some(&schema::wanted(&tables))).await?;
        let mut there: Vec<Table> = Vec::with_capacity(rows.len());
        for row in rows {
            let bare = row.bare_keys();
            let table = row.table();
            changing.bare.extend(bare.into_iter().map(|key| (table.table.clone(), key)));
            there.push(table);
        }
        Ok(plan(&changing, there, changes))
    }

    /// What has to be known of the database itself.
    async fn changing(&self, changes: &[Change], work: &mut Work) -> Result<Changing> {
        let home: Vec<HomeRow> = self.catalogue(work, HOME, None).await?;
        let home = home.into_iter().next().and_then(|row| row.home).ok_or_else(|| {
            Error::internal(
                "the connection has no schema for new tables; name one by 'schema' in the configuration",
            )
        })?;
        let mut changing = Changing { home, is_all: self.is_all, ..Changing::default() };
        let asked = named_types(&changing, changes);
        if !asked.is_empty() {
            let mut params = Params::default();
            params.text(&NamedTypeRow::asked(&asked));
            let found: Vec<NamedTypeRow> = self.rows(work, NAMED_TYPES, &params).await?;
            changing.types = found.into_iter().map(NamedTypeRow::found).collect();
        }
        Ok(changing)
    }

    fn forget(&self, tables: &[TableRef]) {
        tables.iter().for_each(|table| self.known.forget(table));
        self.client.changed();
    }
}

async fn run(changes: &[Change], steps: &[Step], work: &mut Work) -> Result<Vec<Outcome>> {
    let mut ends = Ends::new(changes.len(), steps);
    for step in steps {
        let ran = work.execute(step.statement.sql()).await;
        match ran {
            Ok(()) => ends.done(step),
            Err(error) if is_lost(&error) => return Err(error),
            Err(error) => {
                let error = of_change(error);
                let error =
                    changes.get(step.change).map_or(error.clone(), |change| contradicted(error, change));
                return Ok(ends.failed(step.change, error, true, steps));
            }
        }
    }
    Ok(Vec::new())
}
