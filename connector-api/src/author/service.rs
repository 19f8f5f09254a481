//! One open service: takes an operation apart and hands it to the connector.

use std::sync::Arc;

use serde::Serialize;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::request::{Request, Shapes, read_context};
use super::run::{self, Work};
use super::sink::{RowSink, is_limit_reached};
use super::{Connector, run::WAITING_BATCHES};
use crate::abi::{Call, CallParts};
use crate::model::batch::CellWriter;
use crate::model::{
    Begin, Call as CallShape, Capabilities, ChangeSchema, Count, Delete, DescribeTables, Error, Insert,
    Operation, Query, Result, Summary, Update, Upsert,
};

/// One open service.
pub(super) struct Service<C> {
    connector: C,
    runtime: Handle,
    is_inline: bool,
    capabilities: Capabilities,
    shapes: AllShapes,
}

#[derive(Default)]
struct AllShapes {
    query: Shapes<Query>,
    count: Shapes<Count>,
    insert: Shapes<Insert>,
    update: Shapes<Update>,
    upsert: Shapes<Upsert>,
    delete: Shapes<Delete>,
    call: Shapes<CallShape>,
    change_schema: Shapes<ChangeSchema>,
    describe_tables: Shapes<DescribeTables>,
    begin: Shapes<Begin>,
}

impl<C: Connector> Service<C> {
    pub(super) fn new(connector: C, capabilities: Capabilities, runtime: Handle, is_inline: bool) -> Self {
        Self { connector, runtime, is_inline, capabilities, shapes: AllShapes::default() }
    }

    /// Starts an operation.
    pub(super) fn start(self: &Arc<Self>, operation: u32, parts: &CallParts<'_>) -> Result<Call> {
        let operation = Operation::from_number(operation)
            .ok_or_else(|| Error::unsupported(format_args!("operation {operation}")))?;
        let (batches, receiver) = mpsc::channel(WAITING_BATCHES);
        let work = self.work(operation, parts, batches)?;
        Ok(if self.is_inline {
            run::inline(&self.runtime, work, receiver)
        } else {
            run::spawned(&self.runtime, work, receiver)
        })
    }

    fn work(
        self: &Arc<Self>,
        operation: Operation,
        parts: &CallParts<'_>,
        batches: mpsc::Sender<Vec<u8>>,
    ) -> Result<Work> {
        let (service, shapes, declared) = (Arc::clone(self), &self.shapes, &self.capabilities);
        let mut out = RowSink::new(batches);
        // Each arm reads its request at once, while its bytes may be read, and gives a future that owns all it needs.
        macro_rules! work {
            ($connector:ident, $run:expr) => {
                Box::pin(async move {
                    let $connector = &service.connector;
                    let result = $run.await;
                    finish(result, &mut out)
                })
            };
        }
        macro_rules! shaped {
            ($shapes:ident, $method:ident) => {{
                let request = shapes.$shapes.request(parts, declared)?;
                work!(connector, connector.$method(request, &mut out))
            }};
        }
        Ok(match operation {
            Operation::Ping => work!(connector, connector.ping()),
            Operation::Query => {
                let request = shapes.query.request(parts, declared)?;
                out.limit_rows(request.row_count(request.limit)?);
                work!(connector, connector.query(request, &mut out))
            }
            Operation::Count => shaped!(count, count),
            Operation::Insert => shaped!(insert, insert),
            Operation::Update => shaped!(update, update),
            Operation::Upsert => shaped!(upsert, upsert),
            Operation::Delete => shaped!(delete, delete),
            Operation::Call => shaped!(call, call),
            Operation::ChangeSchema => shaped!(change_schema, change_schema),
            Operation::ListTables => {
                work!(connector, async { list(&mut out, &connector.list_tables().await?).await })
            }
            Operation::ListRoutines => {
                work!(connector, async { list(&mut out, &connector.list_routines().await?).await })
            }
            Operation::DescribeTables => {
                let request = shapes.describe_tables.request(parts, declared)?;
                work!(connector, async {
                    list(&mut out, &connector.describe_tables(&request.tables).await?).await
                })
            }
            Operation::Begin => {
                let request = shapes.begin.request(parts, declared)?;
                work!(connector, begin(connector, request, &mut out))
            }
            Operation::Commit => {
                let context = read_context(parts.context)?;
                work!(connector, end_session(connector.commit(context), &mut out))
            }
            Operation::Rollback => {
                let context = read_context(parts.context)?;
                work!(connector, end_session(connector.rollback(context), &mut out))
            }
        })
    }
}

async fn end_session(end: impl Future<Output = Result<Summary>>, out: &mut RowSink) -> Result<()> {
    *out.summary() = end.await?;
    Ok(())
}

async fn begin<C: Connector>(connector: &C, request: Request<Begin>, out: &mut RowSink) -> Result<()> {
    out.summary().session = Some(connector.begin(request).await?);
    Ok(())
}

/// The last message of a call that went well; reaching the row limit is going well.
fn finish(result: Result<()>, out: &mut RowSink) -> Result<Vec<u8>> {
    match result {
        Err(error) if !is_limit_reached(&error) => Err(error),
        _ => Ok(out.finish()),
    }
}

/// One JSON cell for each item.
async fn list<T: Serialize>(out: &mut RowSink, items: &[T]) -> Result<()> {
    out.columns(["item"]);
    for item in items {
        let json = serde_json::to_string(item)
            .map_err(|error| Error::internal("the catalogue can't be written as JSON").with_detail(error))?;
        out.json(&json);
        out.end_row().await?;
    }
    Ok(())
}
