//! Changes of tables: planned on what is there, and run as one transaction (or a part of the caller's).

use connector_api::author::{Change, ChangeSchema, Outcome, Request, Table, TableRef};
use connector_api::{Error, Result};
use connector_common::failure::is_lost;
use connector_sql_common::change::{Changed, Ends, Refused, Step, named_types, plan, tables_of};

use crate::client::{Params, Work};
use crate::error::of_change;
use crate::schema::{
    self, DESCRIPTIONS, HOME, HomeRow, NAMED_TYPES, NameRow, NamedTypeRow, REFERRERS, TableRow,
};
use crate::store::Store;
use crate::translate::Changing;

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
        let changed = match self.planned(changes, work).await? {
            Err(refused) => refused.answer(changes.len()),
            Ok(steps) => {
                let first = steps.first().filter(|_| request.context().wants_statement);
                let statement = first.map(|step| step.statement.sql().to_owned());
                Changed { outcomes: run(changes, &steps, work).await?, statement }
            }
        };
        if changed.outcomes.is_empty() {
            work.commit().await?;
        } else {
            work.undo().await?;
        }
        Ok(changed)
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
        let referrers: Vec<NameRow> = self.catalogue(work, REFERRERS, &[Some(&wanted)]).await?;
        let referrers = referrers.into_iter().map(NameRow::table);
        tables.extend(referrers.filter(|table| !tables.contains(table)).collect::<Vec<_>>());
        let rows: Vec<TableRow> =
            self.catalogue(work, DESCRIPTIONS, &[Some(&schema::wanted(&tables))]).await?;
        let mut there: Vec<Table> = Vec::with_capacity(rows.len());
        for row in rows {
            let (bare, collations) = (row.bare_keys(), row.collations());
            let table = row.table();
            let of = |(column, collation)| (table.table.clone(), column, collation);
            changing.collations.extend(collations.into_iter().map(of));
            changing.bare.extend(bare.into_iter().map(|key| (table.table.clone(), key)));
            there.push(table);
        }
        Ok(plan(&changing, there, changes))
    }

    /// What has to be known of the database itself.
    async fn changing(&self, changes: &[Change], work: &mut Work) -> Result<Changing> {
        let home: Vec<HomeRow> = self.catalogue(work, HOME, &[]).await?;
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
    let mut ends = Ends::new(changes, steps);
    for step in steps {
        match work.execute(step.statement.sql()).await {
            Ok(()) => ends.done(step),
            // Without an answer the connection is of no more use; closing it undoes all.
            Err(error) if error.native_code.is_none() || is_lost(&error) => return Err(error),
            Err(error) => return Ok(ends.failed(step, of_change(error), true)),
        }
    }
    Ok(Vec::new())
}
