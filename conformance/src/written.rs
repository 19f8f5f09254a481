//! What is written is what is read: values of every type that the store has, in new rows and in changed ones.

use std::sync::Arc;

use connector_api::ErrorKind;
use connector_api::model::{ColumnType, Insert, TableRef, Update, Upsert, Value};

use super::change::{self, Answer, End, Shape, by_id, failed, paths};
use super::peer::{CALL_TIME, Peer, context, full};
use super::read::all;
use super::stock::int;
use super::tables::WRITTEN;
use super::types::{self, form};
use super::{Case, Outcome, same};

/// Each case has so many ids of its own.
const IDS: i64 = 10;

/// Numbers of documents that no float holds, and zeros that it would not keep.
const EXACT: [&str; 4] = [
    "18446744073709551616",
    "-12345678901234567890.0123456789",
    "0.10000000000000000555111512312578",
    "12.50",
];
/// Behind the ids of the other cases.
const FIRST_EXACT: i64 = 1_000;

/// How a value gets into its row.
#[derive(Debug, Clone, Copy)]
enum Way {
    Insert,
    Update,
    Upsert,
}

pub(super) fn cases() -> Vec<Case> {
    let ways: [(Way, &str, &[&str]); 3] = [
        (Way::Insert, "inserted", &["query", "insert"]),
        (Way::Update, "changed", &["query", "insert", "update_by_key"]),
        (Way::Upsert, "upserted", &["query", "upsert"]),
    ];
    let columns = types::columns().into_iter();
    let all = columns.flat_map(|column| ways.map(|way| (column.clone(), way)));
    let cases = (1_i64..).zip(all).map(|(number, ((name, data_type, values), (way, word, needs)))| {
        let run = move |peer| as_written(peer, (name, data_type), values.to_vec(), (way, number * IDS));
        Case::new(format!("written::{name}_is_read_as_it_was_{word}"), needs, run).of_type(data_type)
    });
    cases.chain(exact()).collect()
}

/// A number inside a document, of more digits than a 64-bit float has; and zeros that a float would lose.
fn exact() -> impl Iterator<Item = Case> {
    let documents =
        [("json", ColumnType::Json), ("array", ColumnType::Array), ("object", ColumnType::Object)];
    documents.into_iter().zip(FIRST_EXACT..).map(|((name, data_type), nth)| {
        let needs = &["query", "insert", "update_by_key"];
        let run = move |peer| numbers_inside(peer, (name, data_type), nth * IDS);
        Case::new(format!("written::a_number_inside_a_document_is_exact_{name}"), needs, run)
            .of_type(data_type)
    })
}

async fn numbers_inside(peer: Arc<Peer>, column: (&'static str, ColumnType), first: i64) -> Outcome {
    let (_, data_type) = column;
    let number = |digits: &str| match data_type {
        ColumnType::Json => Value::Json(format!("{{\"deep\":[{digits}]}}")),
        ColumnType::Array => Value::List(vec![Value::Decimal(digits.to_owned())]),
        _ => Value::Object(vec![("number".to_owned(), Value::Decimal(digits.to_owned()))]),
    };
    for (way, first) in [(Way::Insert, first), (Way::Update, first + IDS / 2)] {
        as_written(Arc::clone(&peer), column, EXACT.map(number).to_vec(), (way, first)).await?;
    }
    Ok(())
}

async fn as_written(
    peer: Arc<Peer>,
    (name, data_type): (&'static str, ColumnType),
    values: Vec<Value>,
    (way, first): (Way, i64),
) -> Outcome {
    for (id, value) in (first..).zip(values.into_iter().chain([Value::Null])) {
        let answer = write(&peer, way, name, [int(id), value.clone()]).await?;
        let kept = peer.quirks.keeps(data_type, &value)?;
        let end = if kept { End::Done } else { failed(ErrorKind::InvalidRequest, "out_of_range") };
        same(format_args!("end of {value:?}"), &answer.ends, &vec![end])?;
        let read = form(data_type, &peer.quirks.read(data_type, &value)?);
        let forms = |cells: Vec<Vec<Value>>| -> Vec<Value> {
            cells.iter().flatten().map(|cell| form(data_type, cell)).collect()
        };
        if kept && peer.offers("returning") {
            same("what comes back", &forms(answer.rows), &vec![read.clone()])?;
        }
        let rows = all(&peer, WRITTEN, &["id", name]).await?.into_iter();
        let rows =
            rows.filter(|row| row.first() == Some(&int(id))).map(|row| row.into_iter().skip(1).collect());
        let expected = match (kept, way) {
            (true, _) => vec![read],
            // The row was there before.
            (false, Way::Update) => vec![form(data_type, &Value::Null)],
            (false, _) => vec![],
        };
        same(format_args!("{value:?}"), &forms(rows.collect()), &expected)?;
    }
    Ok(())
}

async fn write(peer: &Peer, way: Way, name: &str, record: [Value; 2]) -> Result<Answer, String> {
    let (table, columns) = (peer.name(WRITTEN), ["id", name]);
    let returning = if peer.offers("returning") { paths(&[name]) } else { vec![] };
    match way {
        Way::Insert => send(peer, &Insert { returning, ..change::insert(table, &columns) }, &record).await,
        Way::Update => {
            let [id, _] = &record;
            create(peer, table.clone(), id).await?;
            let shape = Update { returning, ..change::update(table, by_id(), &[name]) };
            send(peer, &shape, &record).await
        }
        Way::Upsert => send(peer, &Upsert { returning, ..change::upsert(table, &columns) }, &record).await,
    }
}

async fn create(peer: &Peer, table: TableRef, id: &Value) -> Outcome {
    let answer = send(peer, &change::insert(table, &["id"]), std::slice::from_ref(id)).await?;
    same("end of a new row", &answer.ends, &vec![End::Done])
}

async fn send(peer: &Peer, shape: &impl Shape, record: &[Value]) -> Result<Answer, String> {
    let answer = change::send(&peer.service, shape, (&[record], &[]), context(CALL_TIME)).await;
    answer.map_err(|error| full(&error))
}
