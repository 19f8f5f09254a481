//! A request as a connector sees it: shape, parameters, records, context.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use serde::de::DeserializeOwned;

use crate::abi::CallParts;
use crate::model::batch::{Cell, Frame, FrameReader, Malformed, RowsFrame};
use crate::model::{Capabilities, Context, Demanding, Error, ErrorKind, Param, Result, Value};

/// How many shapes of one kind a service remembers. A full memory is emptied: simple, and shapes come back at once.
const REMEMBERED_SHAPES: usize = 512;

/// A call's shape with its values. Dereferences to the shape.
#[derive(Debug)]
pub struct Request<S> {
    shape: Arc<S>,
    key: Arc<[u8]>,
    params: Vec<Value>,
    records: Records,
    context: Context,
}

impl<S> Deref for Request<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.shape
    }
}

impl<S> Request<S> {
    /// The shape's bytes: equal for two calls of the same form, so a good key for prepared statements.
    pub fn key(&self) -> &Arc<[u8]> {
        &self.key
    }

    /// All parameters, by position.
    pub fn params(&self) -> &[Value] {
        &self.params
    }

    /// One parameter.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when the shape names a position that was not sent.
    pub fn param(&self, param: Param) -> Result<&Value> {
        self.params
            .get(param)
            .ok_or_else(|| Error::internal("the request names a parameter that was not sent"))
    }

    /// A parameter that counts rows: limit or offset.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`] when it is missing or not a whole number of at least 0.
    pub fn row_count(&self, param: Param) -> Result<u64> {
        match self.param(param)? {
            Value::I64(count) => u64::try_from(*count).ok(),
            Value::U64(count) => Some(*count),
            _ => None,
        }
        .ok_or_else(|| Error::internal("a row count is not a whole number of at least 0"))
    }

    /// The records of a write.
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// Who asks, how long, in which transaction.
    pub fn context(&self) -> &Context {
        &self.context
    }
}

/// The records of a write, still in the bytes they came in.
#[derive(Debug, Default)]
pub struct Records {
    body: Vec<u8>,
    count: u32,
}

impl Records {
    /// How many.
    pub fn len(&self) -> u32 {
        self.count
    }

    /// None at all.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Hands each record, `columns` cells wide, to `each`.
    ///
    /// # Errors
    /// When the bytes are malformed, or `each` fails.
    pub fn for_each(
        &self,
        columns: usize,
        mut each: impl FnMut(u32, &[Cell<'_>]) -> Result<()>,
    ) -> Result<()> {
        let Some(mut rows) = records_frame(&self.body)? else { return Ok(()) };
        let mut record = Vec::with_capacity(columns);
        for index in 0..rows.count {
            record.clear();
            for _ in 0..columns {
                record.push(rows.next_cell()?);
            }
            each(index, &record)?;
        }
        Ok(rows.finish()?)
    }

    /// All records, `columns` cells wide, as values of their own.
    ///
    /// # Errors
    /// When the bytes are malformed.
    pub fn values(&self, columns: usize) -> Result<Vec<Vec<Value>>> {
        let mut read = Vec::new();
        self.for_each(columns, |_, cells| {
            read.push(cells.iter().map(|cell| cell.to_value()).collect::<std::result::Result<_, _>>()?);
            Ok(())
        })?;
        Ok(read)
    }
}

fn records_frame(body: &[u8]) -> std::result::Result<Option<RowsFrame<'_>>, Malformed> {
    let mut frames = FrameReader::new(body);
    while let Some(frame) = frames.next_frame()? {
        if let Frame::Rows(rows) = frame {
            return Ok(Some(rows));
        }
    }
    Ok(None)
}

fn parameters(body: &[u8]) -> std::result::Result<Vec<Value>, Malformed> {
    let mut frames = FrameReader::new(body);
    while let Some(frame) = frames.next_frame()? {
        let Frame::Parameters(mut row) = frame else { continue };
        let values =
            (0..row.count).map(|_| row.next_cell()?.to_value()).collect::<std::result::Result<_, _>>()?;
        row.finish()?;
        return Ok(values);
    }
    Ok(Vec::new())
}

/// A shape that names what it relies on beyond its members.
pub(super) trait Shape: DeserializeOwned + Demanding + Send + Sync + 'static {
    fn need(&self) -> &[String] {
        &[]
    }
}

macro_rules! shapes {
    ($($plain:ident),*; $($needy:ident),*) => {
        $(impl Shape for crate::model::$plain {})*
        $(impl Shape for crate::model::$needy { fn need(&self) -> &[String] { &self.need } })*
    };
}
shapes!(ChangeSchema, Begin, DescribeTables; Query, Count, Insert, Update, Upsert, Delete, Call);

/// Parsed shapes of one service by their bytes, so that a form of request is parsed and checked once.
#[derive(Debug)]
pub(super) struct Shapes<S>(Mutex<HashMap<Arc<[u8]>, Arc<S>>>);

impl<S> Default for Shapes<S> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

impl<S: Shape> Shapes<S> {
    /// Reads a request, and refuses what the service does not declare: such a request never reaches the connector. Bytes are copied:
    /// they are only lent until the entry returns.
    pub(super) fn request(&self, parts: &CallParts<'_>, declared: &Capabilities) -> Result<Request<S>> {
        let CallParts { head, context, body } = *parts;
        let (key, shape) = self.shape(head, declared)?;
        let params = parameters(body)?;
        let count = records_frame(body)?.map_or(0, |rows| rows.count);
        declared.check_size(value_count(&params), count)?;
        let context = read_context(context)?;
        if context.session.is_some() {
            declared.check_in_transaction(&shape.demands())?;
        }
        let records = if count == 0 { Records::default() } else { Records { body: body.to_vec(), count } };
        Ok(Request { shape, key, params, records, context })
    }

    fn shape(&self, head: &[u8], declared: &Capabilities) -> Result<(Arc<[u8]>, Arc<S>)> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((key, shape)) = known.get_key_value(head) {
            return Ok((key.clone(), shape.clone()));
        }
        let shape = Arc::new(read_shape::<S>(head)?);
        declared.check(&shape.demands())?;
        if known.len() >= REMEMBERED_SHAPES {
            known.clear();
        }
        let key: Arc<[u8]> = head.into();
        known.insert(key.clone(), shape.clone());
        Ok((key, shape))
    }
}

/// Items of lists are counted one by one.
fn value_count(values: &[Value]) -> u32 {
    let count = |value: &Value| if let Value::List(items) = value { items.len() } else { 1 };
    u32::try_from(values.iter().map(count).sum::<usize>()).unwrap_or(u32::MAX)
}

/// An unknown member or variant would restrict or change the answer in a way this connector can't know, so it is refused.
fn read_shape<S: Shape>(head: &[u8]) -> Result<S> {
    let shape: S = serde_json::from_slice(head).map_err(|error| {
        Error::new(
            ErrorKind::Unsupported,
            "this connector does not know a part of the request; it may be older than the gateway",
        )
        .with_reason("unknown_shape")
        .with_detail(error)
    })?;
    // No feature has needed a name yet: every name is one of a later contract.
    match shape.need().first() {
        None => Ok(shape),
        Some(name) => {
            Err(Error::unsupported(format_args!("the feature '{name}'")).with_reason("unknown_need"))
        }
    }
}

pub(super) fn read_context(context: &[u8]) -> Result<Context> {
    serde_json::from_slice(context)
        .map_err(|error| Error::internal("the context of the call is not readable").with_detail(error))
}
