//! Small tables to write into. Each case takes some that no other case has touched, so no case has to clean up.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use connector_api::Result;
use connector_api::model::{
    Column, ColumnType, DefaultValue, Delete, Filter, Insert, Key, Selector, Update, Upsert, Value,
};
use tablegate::connectors::{CallContext, RowStream, Service, SessionId};

use super::ask::text;
use super::change::{self, Answer, Shape, by_id, retried};
use super::peer::{CALL_TIME, Peer, Rows, context, full, read};
use super::tables::Stored;
use super::{Outcome, same};

/// So many of these tables there are; at least as many as cases that write.
pub(super) const STOCKS: usize = 120;
/// The columns that are compared.
pub(super) const COLUMNS: &[&str] = &["id", "name", "qty", "state"];
/// What [`Stock::write`] takes where there are no records.
pub(super) const NONE: &[Vec<Value>] = &[];
/// What `state` gets when nothing is given, in stores that have defaults.
const DEFAULT: &str = "new";

/// The tables, each with the same four rows: `id` is the key and numbers new rows, `name` is required, `state` has a default, `code` is
/// unique.
pub(super) fn stored() -> impl Iterator<Item = Stored> {
    (0..STOCKS).map(|number| {
        let mut stored = Stored::new(&name(number), columns(), stored_rows());
        stored.table.unique_keys =
            vec![Key { name: "stock_code".to_owned(), columns: vec!["code".to_owned()] }];
        stored
    })
}

/// The name of the table with this number.
pub(super) fn name(number: usize) -> String {
    format!("stock_{number}")
}

fn columns() -> Vec<Column> {
    let bounded = |name: &str| Column { length: Some(40), ..Column::new(name, ColumnType::String) };
    vec![
        Column { is_nullable: false, is_auto_increment: true, ..Column::new("id", ColumnType::Integer) },
        Column { is_nullable: false, ..bounded("name") },
        Column::new("qty", ColumnType::Integer),
        Column { default: Some(DefaultValue::Value(DEFAULT.into())), ..bounded("state") },
        bounded("code"),
    ]
}

fn stored_rows() -> Rows {
    let codes = [text("a"), text("b"), Value::Null, text("d")];
    before().into_iter().zip(codes).map(|(row, code)| [row, vec![code]].concat()).collect()
}

/// The rows before any write, without `code`.
pub(super) fn before() -> Rows {
    vec![
        row(1, "anchor", 3, "old"),
        row(2, "bolt", 10, "old"),
        row(3, "cable", None, "old"),
        row(4, "drum", 7, "sold"),
    ]
}

/// The rows before, with these in the place of those with the same id.
pub(super) fn with(changed: &[Vec<Value>]) -> Rows {
    let instead =
        |old: Vec<Value>| changed.iter().find(|row| row.first() == old.first()).cloned().unwrap_or(old);
    before().into_iter().map(instead).collect()
}

/// A row, without `code`.
pub(super) fn row(
    id: i64,
    name: &str,
    qty: impl Into<Option<i64>>,
    state: impl Into<Option<&'static str>>,
) -> Vec<Value> {
    let qty = qty.into().map_or(Value::Null, Value::I64);
    vec![int(id), text(name), qty, state.into().map_or(Value::Null, text)]
}

/// What a row is ordered by.
pub(super) fn id(row: &[Value]) -> i64 {
    match row.first() {
        Some(Value::I64(id)) => *id,
        _ => i64::MAX,
    }
}

/// An integer.
pub(super) fn int(number: i64) -> Value {
    Value::I64(number)
}

/// A table of one case, as a service sees it, perhaps within a transaction.
#[derive(Debug, Clone)]
pub(super) struct Stock {
    peer: Arc<Peer>,
    service: Arc<Service>,
    name: String,
    session: Option<SessionId>,
}

impl Stock {
    /// A table that nobody has touched.
    pub(super) fn new(peer: &Arc<Peer>) -> std::result::Result<Self, String> {
        let number = peer.stocks.fetch_add(1, Ordering::Relaxed);
        if number >= STOCKS {
            return Err(format!("the cases have used up all of {STOCKS} tables; set STOCKS higher"));
        }
        let (peer, service) = (Arc::clone(peer), Arc::clone(&peer.service));
        Ok(Self { peer, service, name: name(number), session: None })
    }

    /// The same table within a transaction.
    pub(super) fn within(&self, session: SessionId) -> Self {
        Self { session: Some(session), ..self.clone() }
    }

    /// The same table through another service.
    pub(super) fn through(&self, service: &Arc<Service>) -> Self {
        Self { service: Arc::clone(service), ..self.clone() }
    }

    /// The default of `state`; null in stores without defaults.
    pub(super) fn default_state(&self) -> Option<&'static str> {
        self.peer.offers("store.defaults").then_some(DEFAULT)
    }

    /// The context of the table's calls.
    fn context(&self) -> CallContext<'static> {
        CallContext { session: self.session, ..context(CALL_TIME) }
    }

    pub(super) fn insert(&self, columns: &[&str]) -> Insert {
        change::insert(self.peer.name(&self.name), columns)
    }

    /// Named by `id`.
    pub(super) fn update(&self, set: &[&str]) -> Update {
        change::update(self.peer.name(&self.name), by_id(), set)
    }

    pub(super) fn update_where(&self, filter: Filter, set: &[&str]) -> Update {
        change::update(self.peer.name(&self.name), Selector::Where(filter), set)
    }

    pub(super) fn upsert(&self, columns: &[&str]) -> Upsert {
        change::upsert(self.peer.name(&self.name), columns)
    }

    /// Named by `id`.
    pub(super) fn delete(&self) -> Delete {
        change::delete(self.peer.name(&self.name), by_id())
    }

    pub(super) fn delete_where(&self, filter: Filter) -> Delete {
        change::delete(self.peer.name(&self.name), Selector::Where(filter))
    }

    /// Writes records.
    pub(super) async fn write(
        &self,
        shape: &impl Shape,
        records: &[impl AsRef<[Value]>],
        params: &[Value],
    ) -> Result<Answer> {
        change::send(&self.service, shape, (records, params), self.context()).await
    }

    /// Begins to write records.
    pub(super) async fn start(
        &self,
        shape: &impl Shape,
        records: &[impl AsRef<[Value]>],
    ) -> Result<RowStream> {
        change::start(&self.service, shape, (records, &[]), self.context()).await
    }

    /// Writes records among other writers: tries again as long as the store asks for that.
    pub(super) async fn insist(
        &self,
        shape: &impl Shape,
        records: &[impl AsRef<[Value]>],
        params: &[Value],
    ) -> std::result::Result<Answer, String> {
        let answer = retried(|| self.write(shape, records, params)).await;
        answer.map_err(|error| full(&error))
    }

    /// Writes records, each of which has to succeed.
    pub(super) async fn done(
        &self,
        shape: &impl Shape,
        records: &[impl AsRef<[Value]>],
        params: &[Value],
    ) -> std::result::Result<Answer, String> {
        let answer = self.write(shape, records, params).await.map_err(|error| full(&error))?;
        same("ends of records", &answer.ends, &vec![change::End::Done; records.len()])?;
        Ok(answer)
    }

    /// Writes records and checks how each of them ends.
    pub(super) async fn check(
        &self,
        shape: &impl Shape,
        (records, params): (&[impl AsRef<[Value]>], &[Value]),
        ends: &[change::End],
    ) -> std::result::Result<Answer, String> {
        let answer = self.write(shape, records, params).await.map_err(|error| full(&error))?;
        same("ends of records", &answer.ends, &ends.to_vec())?;
        Ok(answer)
    }

    /// All rows by their id.
    pub(super) async fn rows(&self) -> Result<Rows> {
        self.all(COLUMNS).await
    }

    /// These columns of all rows, by their id, which is the first.
    pub(super) async fn all(&self, columns: &[&str]) -> Result<Rows> {
        let ask = self.peer.ask(&self.name, columns);
        let (shape, params) = ask.query();
        let mut rows =
            read(self.service.query(&shape, &params, self.context()).await?, &ask.wanted()).await?;
        rows.sort_by_key(|row| id(row));
        Ok(rows)
    }

    /// Checks what the table holds now.
    pub(super) async fn holds(&self, expected: &Rows) -> Outcome {
        same("rows of the table", &self.rows().await.map_err(|error| full(&error))?, expected)
    }

    /// Checks that nothing was written.
    pub(super) async fn is_untouched(&self) -> Outcome {
        self.holds(&before()).await
    }
}
