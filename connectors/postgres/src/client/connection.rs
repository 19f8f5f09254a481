//! One connection: statements that are prepared once when they read, run with values as text. Its task runs on the connector's runtime.
//!
//! Values are sent as texts, which the server reads as the type that the statement has at their place: so they never lose anything
//! on the way, and a column of whatever type takes what its own input function takes.

use std::collections::HashMap;
use std::convert::Infallible;
use std::error::Error as StdError;
use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use connector_api::Result;
use futures_util::TryStreamExt as _;
use futures_util::future::join_all;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{Format, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Column, Row, RowStream, Statement};

use super::manager::Login;
use crate::error::from_driver;

/// Statements that a connection keeps prepared. Full, it is emptied.
const PREPARED: usize = 256;
/// So long the server may take to be told that nobody waits any more, and then to let the connection go.
const END_TIME: Duration = Duration::from_secs(5);

/// When the server parses a statement. It then settles the types of the statement's values for good, by the columns beside them.
#[derive(Clone, Copy)]
pub(crate) enum Parsed<'e> {
    /// Once for the connection. Whether its columns are what they should be is asked then, and the server looks at it ever after. For what
    /// reads, and for what writes and gives back the types of its columns.
    Once(&'e (dyn Fn(&[Column]) -> bool + Sync)),
    /// With each run: a value is read as one of the type that its column has now. For what writes and gives back no types.
    Anew,
}

impl Parsed<'_> {
    /// Once, whatever its columns are.
    pub(crate) const ONCE: Self = Self::Once(&|_| true);
}

/// A connection.
pub(crate) struct Connection {
    client: tokio_postgres::Client,
    /// By text; `None`: nothing is kept.
    prepared: Option<HashMap<Arc<str>, Statement>>,
    login: Arc<Login>,
    /// How many changes of tables were known when it last ran a statement.
    seen: u64,
    /// Dropped, it tells the task that nobody is left.
    used: oneshot::Sender<Infallible>,
    runtime: Handle,
}

impl Connection {
    /// Starts the task of a connection. Within the connector's runtime.
    pub(super) fn start<S, T>(
        client: tokio_postgres::Client,
        task: tokio_postgres::Connection<S, T>,
        login: Arc<Login>,
        caches_statements: bool,
    ) -> Self
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (used, unused) = oneshot::channel();
        tokio::spawn(async move {
            tokio::select! {
                ended = task => if let Err(error) = ended {
                    tracing::debug!(error = %from_driver(&error), "a connection ended");
                },
                // When all answers are there the task takes leave of the server; but they may never come.
                () = long_behind(unused) => {}
            }
        });
        let prepared = caches_statements.then(HashMap::new);
        let seen = login.changes();
        Self { client, prepared, login, seen, used, runtime: Handle::current() }
    }

    /// Whether the server or the network has ended it.
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Runs words without values.
    ///
    /// # Errors
    /// The server's.
    pub(crate) async fn batch(&self, words: &str) -> Result<()> {
        self.client.batch_execute(words).await.map_err(|error| from_driver(&error))
    }

    /// Runs a statement; its rows come as they are read. `None`: its columns are not what they should be, and it was not run. One that is
    /// kept is prepared anew where a value may have been read as one of a type of before, if `is_alone`: then it has left nothing behind.
    ///
    /// # Errors
    /// The server's.
    pub(crate) async fn run(
        &mut self,
        sql: &str,
        params: &Params,
        (parsed, is_alone): (Parsed<'_>, bool),
    ) -> std::result::Result<Option<RowStream>, tokio_postgres::Error> {
        self.forget_what_changed();
        let (Parsed::Once(is_expected), Some(prepared)) = (parsed, &mut self.prepared) else {
            return run_unnamed(&self.client, sql, params).await.map(Some);
        };
        if let Some(statement) = prepared.get(sql) {
            let rows = self.client.query_raw(statement, params.iter()).await;
            if rows.as_ref().is_err_and(tells_of_change) {
                prepared.remove(sql);
            }
            if !is_alone || !rows.as_ref().is_err_and(is_of_values) {
                return rows.map(Some);
            }
        }
        let statement = self.client.prepare(sql).await?;
        if !is_expected(statement.columns()) {
            return Ok(None);
        }
        keep(prepared, sql, &statement);
        self.client.query_raw(&statement, params.iter()).await.map(Some)
    }

    /// Runs statements of a transaction one behind the other, without waiting for an answer in between. The answers come in the same
    /// order. A text that is parsed anew is parsed once: from then on the transaction holds the table, so that no type can change.
    ///
    /// # Errors
    /// The server's, of a statement that can't be prepared.
    pub(crate) async fn run_all(
        &mut self,
        batch: &[(Arc<str>, Params)],
        parsed: Parsed<'_>,
    ) -> std::result::Result<Vec<Answer>, tokio_postgres::Error> {
        self.forget_what_changed();
        let client = &self.client;
        let Some(prepared) = &mut self.prepared else {
            let runs =
                batch.iter().map(async |(sql, params)| all(run_unnamed(client, sql, params).await?).await);
            return Ok(join_all(runs).await);
        };
        let mut anew = HashMap::new();
        let known = match parsed {
            Parsed::Once(_) => &mut *prepared,
            Parsed::Anew => &mut anew,
        };
        let mut statements = Vec::with_capacity(batch.len());
        for (sql, _) in batch {
            statements.push(kept(client, known, sql).await?);
        }
        let runs = batch.iter().zip(&statements).map(async |((_, params), statement)| {
            all(client.query_raw(statement, params.iter()).await?).await
        });
        let answers = join_all(runs).await;
        for ((sql, _), answer) in batch.iter().zip(&answers) {
            if answer.as_ref().is_err_and(tells_of_change) {
                prepared.remove(sql);
            }
        }
        Ok(answers)
    }

    /// The types of a statement's values are those that the columns had when it was prepared, whatever they are now.
    fn forget_what_changed(&mut self) {
        let changes = self.login.changes();
        if self.seen != changes {
            self.seen = changes;
            self.prepared.iter_mut().for_each(HashMap::clear);
        }
    }

    /// Runs a statement whose rows are of no use.
    ///
    /// # Errors
    /// The server's.
    pub(crate) async fn execute(&mut self, sql: &str, params: &Params) -> Result<()> {
        let params = params.iter().map(|value| (value, Type::TEXT));
        let rows = self.client.query_typed_raw(sql, params).await.map_err(|error| from_driver(&error))?;
        rows.try_for_each(|_| async { Ok(()) }).await.map_err(|error| from_driver(&error))
    }

    /// Ends what runs on the server, and then the connection: in this order, because a pooler does not like a client that goes while it is
    /// told to cancel.
    pub(super) fn abandon(self) {
        if self.is_closed() {
            return;
        }
        let Self { client, login, used, runtime, .. } = self;
        runtime.spawn(async move {
            let token = client.cancel_token();
            let _ = tokio::time::timeout(END_TIME, login.cancel(&token)).await;
            drop((client, used));
        });
    }
}

/// Parses and runs a statement in one go. Without a type the server gives a value the one of its place.
async fn run_unnamed(
    client: &tokio_postgres::Client,
    sql: &str,
    params: &Params,
) -> std::result::Result<RowStream, tokio_postgres::Error> {
    client.query_typed_raw(sql, params.iter().map(|value| (value, Type::UNKNOWN))).await
}

async fn long_behind(unused: oneshot::Receiver<Infallible>) {
    let _ = unused.await;
    tokio::time::sleep(END_TIME).await;
}

/// A statement of this text, prepared if it is not yet.
async fn kept(
    client: &tokio_postgres::Client,
    prepared: &mut HashMap<Arc<str>, Statement>,
    sql: &str,
) -> std::result::Result<Statement, tokio_postgres::Error> {
    if let Some(statement) = prepared.get(sql) {
        return Ok(statement.clone());
    }
    let statement = client.prepare(sql).await?;
    keep(prepared, sql, &statement);
    Ok(statement)
}

fn keep(prepared: &mut HashMap<Arc<str>, Statement>, sql: &str, statement: &Statement) {
    if prepared.len() >= PREPARED {
        prepared.clear();
    }
    prepared.insert(sql.into(), statement.clone());
}

/// The rows of a statement, and how many it touched.
pub(crate) type Answer = std::result::Result<(Vec<Row>, u64), tokio_postgres::Error>;

async fn all(rows: RowStream) -> Answer {
    let mut rows = pin!(rows);
    let mut read = Vec::new();
    while let Some(row) = rows.try_next().await? {
        read.push(row);
    }
    Ok((read, rows.rows_affected().unwrap_or(0)))
}

/// Whether a statement has to be prepared anew before it is of use again: a table is another one, or the statement is gone.
fn tells_of_change(error: &tokio_postgres::Error) -> bool {
    let code = error.code().map(SqlState::code);
    is_of_values(error)
        || code.is_some_and(|code| code == "0A000" || code.starts_with("26") || code.starts_with("42"))
}

/// Whether a value does not fit, which may be the type of before: the server reads values before it looks at what has changed.
fn is_of_values(error: &tokio_postgres::Error) -> bool {
    let code = error.code().map(SqlState::code);
    code.is_some_and(|code| code == "42804" || code.starts_with("22"))
}

/// The values of a statement, as text, in one buffer.
#[derive(Default)]
pub(crate) struct Params {
    bytes: Vec<u8>,
    /// Where each value ends in `bytes`, and whether it is null.
    ends: Vec<(usize, bool)>,
}

impl Params {
    /// Adds a value that `write` writes.
    ///
    /// # Errors
    /// Those of `write`.
    pub(crate) fn value(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> Result<()> {
        write(&mut self.bytes)?;
        self.ends.push((self.bytes.len(), false));
        Ok(())
    }

    /// Adds a null.
    pub(crate) fn null(&mut self) {
        self.ends.push((self.bytes.len(), true));
    }

    /// Adds a text.
    pub(crate) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    /// Adds a value as the server reads it.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.ends.push((self.bytes.len(), false));
    }

    fn iter(&self) -> impl ExactSizeIterator<Item = Parameter<'_>> + Clone {
        (0..self.ends.len()).map(|place| {
            let start =
                place.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |(end, _)| *end);
            let value = self.ends.get(place).filter(|(_, is_null)| !is_null);
            Parameter(value.and_then(|(end, _)| self.bytes.get(start..*end)))
        })
    }
}

struct Parameter<'a>(Option<&'a [u8]>);

/// The driver may log it, so it does not tell its value.
impl fmt::Debug for Parameter<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("_")
    }
}

impl ToSql for Parameter<'_> {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> std::result::Result<IsNull, Box<dyn StdError + Sync + Send>> {
        let Some(bytes) = self.0 else { return Ok(IsNull::Yes) };
        out.extend_from_slice(bytes);
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_one_behind_the_other_and_nulls_between() {
        let mut params = Params::default();
        params.text("a");
        params.null();
        params.text("");
        params.bytes(b"bc");
        let values: Vec<_> = params.iter().map(|value| value.0.map(<[u8]>::to_vec)).collect();
        assert_eq!(values, [Some(b"a".to_vec()), None, Some(vec![]), Some(b"bc".to_vec())]);
    }
}
