//! What is not declared is refused: for each capability the smallest request that needs it, sent to a service that does not declare it.
//! The gateway refuses such a request before; here it gets past the gateway, and the connector must say no by itself, with
//! nothing done.

use std::sync::Arc;

use connector_api::model::batch::CellWriter as _;
use connector_api::model::{
    ArithmeticOp, Assignment, Begin, Call, Change, ChangeSchema, CompareOp, Delete, Direction, Expr, Filter,
    Group, Insert, Nulls, OnError, Operation, Path, RoutineKind, Selector, TextOp, Update, Upsert, Value,
};
use connector_api::{ErrorKind, Result};
use serde::Serialize;
use tablegate::connectors::Params;
use tablegate::connectors::rows::Bounds;

use super::ask::{
    Ask, arithmetic, between, column, compare, compare_exprs, in_list, is_null, member, not, search, text,
};
use super::change::{self, by_id};
use super::peer::{CALL_TIME, Peer, check_error, context, read};
use super::tables::{BOOK, ITEM};
use super::{Case, Outcome, sent};

pub(super) fn cases() -> Vec<Case> {
    reads().into_iter().chain(writes()).collect()
}

fn reads() -> Vec<Case> {
    let mut cases = vec![
        Case::refusal("refused::query", "query", |peer| query(peer, |ask| ask)),
        Case::refusal("refused::count", "count", |peer| async move {
            let answer = peer.count(&peer.ask(ITEM, &["id"])).await;
            check_error("a count", answer, ErrorKind::Unsupported).map(drop)
        }),
        Case::refusal("refused::order", "order", |peer| {
            query(peer, |ask| ask.order("id", Direction::Asc, None))
        }),
        Case::refusal("refused::order_nulls", "order_nulls", |peer| {
            query(peer, |ask| ask.order("size", Direction::Asc, Some(Nulls::First)))
        }),
        Case::refusal("refused::offset", "offset", |peer| query(peer, |ask| ask.offset(1))),
        Case::refusal("refused::page_token", "page_token", |peer| query(peer, |ask| ask.after(None))),
        Case::refusal("refused::open_columns", "open_columns", |peer| query(peer, Ask::others)),
        Case::refusal("refused::computed_columns", "computed_columns", |peer| {
            query(peer, |ask| ask.compute("twice", column("size")))
        }),
        Case::refusal("refused::distinct", "distinct", |peer| query(peer, Ask::distinct)),
        Case::refusal("refused::aggregates", "aggregates", |peer| {
            query(peer, |ask| ask.group(Group { by: vec![Path::column("id")], ..Group::default() }))
        }),
    ];
    cases.extend(FILTERS.iter().map(|flag| {
        Case::refusal(format!("refused::{flag}"), flag, move |peer: Arc<Peer>| async move {
            let (filter, values) = filter(flag, &peer);
            query(peer, |ask| ask.filter(filter, &values)).await
        })
    }));
    cases.push(Case::refusal("refused::a_filter_that_never_holds", "filter_compare", |peer| {
        query(peer, |ask| ask.filter(Filter::Always(false), &[]))
    }));
    cases
}

/// The capabilities that a filter may need.
const FILTERS: [&str; 12] = [
    "filter_compare",
    "filter_in",
    "filter_between",
    "filter_null",
    "filter_like",
    "filter_ilike",
    "filter_text",
    "filter_or",
    "filter_not",
    "filter_expressions",
    "filter_paths",
    "filter_related",
];

/// The smallest filter that needs this capability.
fn filter(flag: &str, peer: &Peer) -> (Filter, Vec<Value>) {
    let one = || Value::I64(1);
    match flag {
        "filter_compare" => (compare("size", CompareOp::Eq), vec![one()]),
        "filter_in" => (in_list("size"), vec![Value::List(vec![one()])]),
        "filter_between" => (between("size"), vec![one(), one()]),
        "filter_null" => (is_null("size"), vec![]),
        "filter_like" => (search("note", TextOp::Like), vec![text("a")]),
        "filter_ilike" => (search("note", TextOp::Ilike), vec![text("a")]),
        "filter_text" => (search("note", TextOp::Contains), vec![text("a")]),
        "filter_or" => (Filter::Or(vec![Filter::Always(true), Filter::Always(true)]), vec![]),
        "filter_not" => (not(Filter::Always(true)), vec![]),
        "filter_expressions" => {
            let sum = arithmetic(column("size"), ArithmeticOp::Add, Expr::Param(0));
            (compare_exprs(sum, CompareOp::Eq, Expr::Param(0)), vec![one()])
        }
        "filter_paths" => (Filter::IsNull(member(&["note", "inside"])), vec![]),
        _ => {
            let on = vec![(Path::column("id"), Path::column("id"))];
            let filter = Box::new(Filter::Always(true));
            (Filter::RelatedExists { table: peer.name(BOOK), on, filter }, vec![])
        }
    }
}

async fn query(peer: Arc<Peer>, change: impl FnOnce(Ask) -> Ask) -> Outcome {
    let ask = change(peer.ask(ITEM, &["id"]));
    let answer = peer.rows(&ask).await;
    check_error(format_args!("{:?}", ask.query().0), answer, ErrorKind::Unsupported).map(drop)
}

fn writes() -> Vec<Case> {
    let every = || Selector::Where(Filter::Always(true));
    vec![
        write("insert", |peer| (Operation::Insert, json(&insert(peer)), vec![Value::I64(11)])),
        write("returning", |peer| {
            let shape = Insert { returning: vec![Path::column("id")], ..insert(peer) };
            (Operation::Insert, json(&shape), vec![Value::I64(11)])
        }),
        write("write_expressions", |peer| {
            let compute = vec![Assignment { column: Path::column("size"), value: Expr::Param(0) }];
            let shape = Insert { compute, ..insert(peer) };
            (Operation::Insert, json(&shape), vec![Value::I64(11)])
        }),
        write("row_rules", |peer| {
            let shape = Insert { check: Some(Filter::Always(true)), ..insert(peer) };
            (Operation::Insert, json(&shape), vec![Value::I64(11)])
        }),
        write("on_error_continue", |peer| {
            let shape = Insert { on_error: OnError::Continue, ..insert(peer) };
            (Operation::Insert, json(&shape), vec![Value::I64(11)])
        }),
        write("on_error_atomic", |peer| {
            let shape = Insert { on_error: OnError::Atomic, ..insert(peer) };
            (Operation::Insert, json(&shape), vec![Value::I64(11)])
        }),
        write("update_by_key", move |peer| {
            (Operation::Update, json(&update(peer, by_id())), vec![Value::I64(1), Value::I64(99)])
        }),
        write("update_where", move |peer| {
            (Operation::Update, json(&update(peer, every())), vec![Value::I64(99)])
        }),
        write("upsert", |peer| (Operation::Upsert, json(&upsert(peer)), vec![Value::I64(1), Value::I64(99)])),
        write("delete_by_key", move |peer| {
            (Operation::Delete, json(&delete(peer, by_id())), vec![Value::I64(1)])
        }),
        write("delete_where", move |peer| (Operation::Delete, json(&delete(peer, every())), vec![])),
        write("transactions", |_| (Operation::Begin, json(&Begin::default()), vec![])),
        Case::refusal("refused::transactions_end", "transactions", |peer| async move {
            send(&peer, Operation::Commit, Vec::new(), &[]).await?;
            send(&peer, Operation::Rollback, Vec::new(), &[]).await
        }),
        write("routines", |peer| {
            let (routine, kind) = (peer.name("routine"), RoutineKind::Procedure);
            let shape = Call { routine, kind, id: None, arguments: vec![], need: vec![] };
            (Operation::Call, json(&shape), vec![])
        }),
        Case::refusal("refused::routines_listed", "routines", |peer| async move {
            send(&peer, Operation::ListRoutines, Vec::new(), &[]).await
        }),
        write("schema_changes", |peer| {
            let shape = ChangeSchema { changes: vec![Change::DropTable(peer.name(ITEM))] };
            (Operation::ChangeSchema, json(&shape), vec![])
        }),
    ]
}

/// A request that would change the store: it is refused, and the store is as before.
fn write(
    flag: &'static str,
    request: impl Fn(&Peer) -> (Operation, Vec<u8>, Vec<Value>) + Send + Sync + Copy + 'static,
) -> Case {
    Case::refusal(format!("refused::{flag}"), flag, move |peer| async move {
        let (operation, head, record) = request(&peer);
        send(&peer, operation, head, &record).await?;
        peer.check_usable().await
    })
}

async fn send(peer: &Peer, operation: Operation, head: Vec<u8>, record: &[Value]) -> Outcome {
    let answer = sent(peer, operation, &head, record).await;
    check_error(format_args!("{operation:?}"), answer, ErrorKind::Unsupported).map(drop)
}

async fn sent(peer: &Peer, operation: Operation, head: &[u8], record: &[Value]) -> Result<()> {
    let body = body(record);
    sent::note(operation, &String::from_utf8_lossy(head));
    let bounds = Bounds { rows: 1_000, outcomes: 1_000 };
    let answer = peer.service.call(operation, (head, &body), context(CALL_TIME), bounds).await?;
    read(answer, &[]).await.map(drop)
}

/// No parameters, and one record if there are cells for it.
fn body(record: &[Value]) -> Vec<u8> {
    let mut frames = Params::default().frames();
    if !record.is_empty() {
        let open = frames.begin_rows(0);
        record.iter().for_each(|value| frames.buffer().value(value));
        frames.end_rows(open, 1);
    }
    frames.into_bytes()
}

fn json(shape: &impl Serialize) -> Vec<u8> {
    // Plain data with string keys: writing it into memory can't fail.
    serde_json::to_vec(shape).unwrap_or_default()
}

fn insert(peer: &Peer) -> Insert {
    change::insert(peer.name(ITEM), &["id"])
}

fn update(peer: &Peer, rows: Selector) -> Update {
    change::update(peer.name(ITEM), rows, &["size"])
}

fn upsert(peer: &Peer) -> Upsert {
    change::upsert(peer.name(ITEM), &["id", "size"])
}

fn delete(peer: &Peer, rows: Selector) -> Delete {
    change::delete(peer.name(ITEM), rows)
}
