//! What a write makes of one document: the members that it sets and computes, as the server is told and as the document becomes.

use connector_api::author::{Assignment, Error, Path, Result, Value};
use connector_common::evaluate::Computed;
use mongodb::bson::raw::{RawBsonRef, RawDocument, RawDocumentBuf};
use mongodb::bson::{Bson, Document, doc};

use crate::condition::{self, Row, paths_in};
use crate::error;
use crate::schema::{ID, Layout};
use crate::translate::{self, Filters};
use crate::types::{Kind, replacing, to_bson};

/// The columns that a write sets: those of the record, then those that are computed.
pub(super) struct Setting<'r> {
    layout: &'r Layout,
    columns: Vec<&'r Path>,
    computed: Computed<'r>,
    computes: bool,
    /// The columns from which something is computed.
    sources: Vec<Path>,
    /// A value gets the type of the one that it replaces.
    keeps_types: bool,
}

/// A member and its value.
pub(super) type Member<'r> = (&'r Path, Bson);

impl<'r> Setting<'r> {
    pub(super) fn new(
        layout: &'r Layout,
        columns: &'r [Path],
        compute: &'r [Assignment],
        params: &'r [Value],
    ) -> Result<Self> {
        let mut sources = Vec::new();
        for assignment in compute {
            paths_in(&assignment.value, &mut |path| sources.push(path.clone()));
        }
        let computed = compute.iter().map(|assignment| &assignment.column);
        let columns: Vec<&Path> = columns.iter().chain(computed).collect();
        columns.iter().try_for_each(|path| check_name(path))?;
        Ok(Self {
            layout,
            columns,
            computed: Computed::new(compute, params)?.in_milliseconds(),
            computes: !compute.is_empty(),
            sources,
            keeps_types: false,
        })
    }

    /// For writes of rows that the caller has read: what comes back has the types of BSON again.
    pub(super) fn keeping_types(self) -> Self {
        Self { keeps_types: true, ..self }
    }

    /// Whether the types of these cells depend on what stands in the document.
    pub(super) fn asks_for_types(&self, cells: &[Value]) -> bool {
        let has_forms = |value: &Value| !matches!(value, Value::Null | Value::Absent | Value::Bool(_));
        let mut given = self.columns.iter().zip(cells);
        self.keeps_types && given.any(|(path, value)| has_forms(value) && !self.layout.is_settled(path))
    }

    /// Whether it needs the document as it was.
    pub(super) fn computes(&self) -> bool {
        self.computes
    }

    /// The members that are set; an absent cell sets none. `old` is the document as it was, if there is one.
    ///
    /// # Errors
    /// A value that its column does not take; what can't be computed.
    pub(super) fn members(&self, cells: &[Value], old: Option<&RawDocument>) -> Result<Vec<Member<'r>>> {
        let empty = RawDocumentBuf::new();
        let row = Row::new(old.unwrap_or(&empty), &self.sources)?;
        let computed = self.computed.values(&|path: &Path| row.cell(path))?;
        let mut members = Vec::with_capacity(self.columns.len());
        for (path, value) in self.columns.iter().zip(cells.iter().chain(&computed)) {
            if *value != Value::Absent {
                let stored = old.filter(|_| self.keeps_types).map(|old| condition::member(old, path));
                members.push((*path, member(self.layout, path, value, stored.transpose()?.flatten())?));
            }
        }
        Ok(members)
    }
}

/// A name that stays a name: the server takes a dot for the way into a document, and `$` for a word of its own.
fn check_name(path: &Path) -> Result<()> {
    match translate::dotted(path) {
        Some(_) => Ok(()),
        None => Err(error::unnameable(&path.segments().join("."))),
    }
}

/// The value of a column, in which `stored` stands now.
///
/// # Errors
/// One that the column does not take.
fn member(layout: &Layout, path: &Path, value: &Value, stored: Option<RawBsonRef<'_>>) -> Result<Bson> {
    let name = path.segments().join(".");
    if matches!(value, Value::Null) && !layout.is_nullable(path) {
        return Err(error::not_null(&name));
    }
    let declared = layout.declared_kind(path);
    let kind =
        declared.or_else(|| layout.kind(path).filter(|kind| is_fit(value, *kind))).unwrap_or(Kind::Any);
    let written = |kind| match stored.filter(|_| !layout.is_settled(path)) {
        Some(stored) => replacing(value, stored, &name, kind),
        None => to_bson(value, &name, kind),
    };
    // What was only seen in other documents chooses between forms of a value. It refuses none.
    let written =
        written(kind).or_else(|error| if declared.is_none() { written(Kind::Any) } else { Err(error) })?;
    match path.segments() {
        [first, inner @ ..] if first == ID && !is_part_of_id(&written, inner) => Err(error::not_an_id()),
        _ => Ok(written),
    }
}

/// Whether an id may be this value, or hold it there. The id of a document stands in conditions, where the server takes a list for any
/// of its items and `$` for a word of its own.
fn is_part_of_id(value: &Bson, inner: &[String]) -> bool {
    match value {
        Bson::Array(items) => !inner.is_empty() && items.iter().all(has_plain_names),
        value => has_plain_names(value),
    }
}

fn has_plain_names(value: &Bson) -> bool {
    match value {
        Bson::Document(members) => {
            members.iter().all(|(name, member)| !name.starts_with('$') && has_plain_names(member))
        }
        Bson::Array(items) => items.iter().all(has_plain_names),
        _ => true,
    }
}

/// Whether a value can be of this kind and still mean the same.
fn is_fit(value: &Value, kind: Kind) -> bool {
    match value {
        Value::I64(_) | Value::U64(_) => matches!(kind, Kind::Long | Kind::Double | Kind::Decimal),
        Value::F32(_) | Value::F64(_) | Value::Decimal(_) => matches!(kind, Kind::Double | Kind::Decimal),
        Value::Text(_) => matches!(kind, Kind::ObjectId | Kind::Date | Kind::Uuid),
        _ => false,
    }
}

/// A document of these members alone.
///
/// # Errors
/// A column that every document needs is not among them.
pub(super) fn whole<'r>(layout: &Layout, members: impl IntoIterator<Item = Member<'r>>) -> Result<Document> {
    let document = whole_of(members);
    match layout.required().find(|name| !document.contains_key(name)) {
        Some(missing) => Err(error::not_null(missing)),
        None => Ok(document),
    }
}

/// The same, whatever is missing.
pub(super) fn whole_of<'r>(members: impl IntoIterator<Item = Member<'r>>) -> Document {
    let mut document = Document::new();
    members.into_iter().for_each(|(path, value)| put(&mut document, path.segments(), value));
    document
}

/// Sets a member, documents on the way to it included.
pub(super) fn put(document: &mut Document, segments: &[String], value: Bson) {
    match segments {
        [] => {}
        [name] => drop(document.insert(name, value)),
        [name, inner @ ..] => {
            let mut within = match document.remove(name) {
                Some(Bson::Document(within)) => within,
                _ => Document::new(),
            };
            put(&mut within, inner, value);
            document.insert(name, within);
        }
    }
}

/// The change that sets these members; `None`: nothing is set.
pub(super) fn change(members: &[Member<'_>]) -> Option<Document> {
    let set: Document =
        members.iter().map(|(path, value)| (path.segments().join("."), value.clone())).collect();
    (!set.is_empty()).then(|| doc! {"$set": set})
}

/// The condition that a document has this key. `None`: no document has a null in its key.
///
/// # Errors
/// A key of a kind that the server can't look up.
pub(super) fn key_filter(layout: &Layout, columns: &[Path], key: &[Value]) -> Result<Option<Document>> {
    if key.iter().any(super::is_null) {
        return Ok(None);
    }
    let filters = Filters { layout, params: key };
    let part = |(place, path): (usize, &Path)| filters.equal(path, place);
    let parts: Option<Vec<Document>> = columns.iter().enumerate().map(part).collect::<Result<_>>()?;
    let parts = parts.ok_or_else(|| Error::unsupported("a key of this kind"))?;
    Ok(Some(translate::all(parts)))
}

/// The condition for a write that creates the document where none matches: by the very number that the document gets. Numbers of all
/// types are equal, but the server creates the one that it was asked for.
pub(super) fn creating(
    filter: Document,
    columns: &[Path],
    key: &[Value],
    members: &[Member<'_>],
) -> Document {
    let ([column], [Value::I64(_)]) = (columns, key) else { return filter };
    match members.iter().find(|(path, _)| *path == column && path.as_column() == Some(ID)) {
        Some((_, id)) => doc! {ID: id.clone()},
        None => filter,
    }
}

/// The bytes of a document.
///
/// # Errors
/// What no document can hold.
pub(super) fn raw(document: &Document) -> Result<RawDocumentBuf> {
    RawDocumentBuf::try_from(document).map_err(|error| {
        error::invalid("a value or a name can't stand in a document")
            .with_reason("not_bson")
            .with_detail(error.kind)
    })
}

/// The id of a document.
///
/// # Errors
/// It has none, which no document of the server has.
pub(super) fn id_of(document: &RawDocument) -> Result<Bson> {
    let id = document.get(ID).map_err(crate::types::malformed)?;
    let id = id.ok_or_else(|| Error::internal("a document has no id"))?;
    Bson::try_from(id).map_err(crate::types::malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Found;

    fn layout(sample: &[Document], validator: Option<Document>) -> Layout {
        let sample = sample.iter().map(|document| RawDocumentBuf::try_from(document).unwrap()).collect();
        let validator = validator.map(|schema| doc! {"$jsonSchema": schema});
        let found = Found { name: "t".to_owned(), is_view: false, validator, indexes: Vec::new(), sample };
        Layout::new(&found).unwrap()
    }

    #[test]
    fn what_was_seen_chooses_a_form_and_refuses_nothing() {
        let decimal = |digits: &str| Bson::Decimal128(digits.parse().unwrap());
        let seen =
            doc! {"int": 1, "long": 1_i64, "double": 0.5, "decimal": decimal("1"), "text": "x", "bool": true};
        let layout = layout(&[seen], None);
        let digits = |digits: &str| Value::Decimal(digits.to_owned());
        for (column, value, expected) in [
            ("int", Value::I64(1 << 40), Bson::Int64(1 << 40)),
            ("int", digits("1.5"), Bson::Double(1.5)),
            ("int", Value::Text("007".to_owned()), Bson::String("007".to_owned())),
            ("long", Value::I64(1), Bson::Int64(1)),
            ("double", Value::I64(1), Bson::Double(1.0)),
            ("double", Value::I64(i64::MAX), Bson::Int64(i64::MAX)),
            ("double", digits("0.12345678901234567891"), decimal("0.12345678901234567891")),
            ("decimal", digits("0.1"), decimal("0.1")),
            ("text", digits("0.1"), Bson::Double(0.1)),
            ("bool", Value::I64(1), Bson::Int32(1)),
        ] {
            let written = member(&layout, &Path::column(column), &value, None).unwrap();
            assert_eq!(written, expected, "{column} {value:?}");
        }
    }

    #[test]
    fn an_id_is_no_list_and_has_no_words_of_the_server() {
        let layout = layout(&[], None);
        for (id, is_refused) in [
            ("[1]", true),
            ("[]", true),
            (r#"{"$gt":1}"#, true),
            (r#"{"a":{"$gt":1}}"#, true),
            (r#"{"a":[{"$gt":1}]}"#, true),
            (r#"{"a":[1],"b$":"$c"}"#, false),
            (r#""$gt""#, false),
        ] {
            let value = Value::Json(id.to_owned());
            let written = member(&layout, &Path::column(ID), &value, None);
            let reason = written.err().and_then(|error| error.reason);
            assert_eq!(reason.as_deref(), is_refused.then_some("datatype_mismatch"), "{id}");
            assert!(member(&layout, &Path::column("a"), &value, None).is_ok(), "{id}");
        }
    }

    #[test]
    fn a_row_that_is_created_is_asked_for_by_the_number_that_it_gets() {
        let found = doc! {ID: {"$in": [7_i64]}};
        let asked = |column: &Path, key: Value, written: Bson| {
            creating(found.clone(), std::slice::from_ref(column), &[key], &[(column, written)])
        };
        let id = Path::column(ID);
        for number in [Bson::Int32(7), Bson::Int64(7), Bson::Double(7.0)] {
            assert_eq!(asked(&id, Value::I64(7), number.clone()), doc! {ID: number});
        }
        assert_eq!(asked(&Path::column("code"), Value::I64(7), Bson::Int32(7)), found);
        assert_eq!(asked(&id, Value::Text("7".to_owned()), Bson::String("7".to_owned())), found);
    }

    #[test]
    fn what_a_validator_declares_is_kept_to() {
        let layout = layout(&[], Some(doc! {"properties": {"int": {"bsonType": "int"}}}));
        let refused = member(&layout, &Path::column("int"), &Value::I64(1 << 40), None).unwrap_err();
        assert_eq!(refused.reason.as_deref(), Some("out_of_range"));
    }
}
