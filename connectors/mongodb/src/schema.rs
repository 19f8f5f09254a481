//! What is known of a collection: what its validator declares, else what a sample of its documents shows; and its indexes.
//! <https://www.mongodb.com/docs/manual/core/schema-validation/specify-json-schema/>

use std::collections::{HashMap, HashSet};

use connector_api::author::{
    Column, ColumnType, DefaultValue, Error, Key, Path, Result, Table, TableKind, TableRef,
};
use mongodb::IndexModel;
use mongodb::bson::raw::RawDocumentBuf;
use mongodb::bson::{Bson, Document};

use crate::error;
use crate::types::{self, Kind};

/// The column that every document has and that names it.
pub(crate) const ID: &str = "_id";

/// The title of a property that holds uuids: a schema has no other word for the subtype of bytes.
const UUID: &str = "uuid";

/// A collection or a view.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) description: Table,
    kinds: HashMap<String, Kind>,
    /// Columns whose kind a sample showed.
    guessed: HashSet<String>,
}

/// What the server says of a collection.
pub(crate) struct Found {
    pub(crate) name: String,
    pub(crate) is_view: bool,
    pub(crate) validator: Option<Document>,
    pub(crate) indexes: Vec<IndexModel>,
    /// Some of its documents; of those with declared columns only ids and bytes count.
    pub(crate) sample: Vec<RawDocumentBuf>,
}

impl Layout {
    /// # Errors
    /// A sample that is no BSON.
    pub(crate) fn new(found: &Found) -> Result<Self> {
        let schema =
            found.validator.as_ref().and_then(|validator| validator.get_document("$jsonSchema").ok());
        let declared = schema.and_then(|schema| schema.get_document("properties").ok());
        let (mut columns, is_inferred) = match (schema, declared) {
            (Some(schema), Some(properties)) => (declared_columns(schema, properties), false),
            _ => (Columns::default(), true),
        };
        if columns.kind(ID).is_none_or(|kind| kind == Kind::Any) {
            columns.put_first(identifier(&found.sample)?);
        }
        columns.find_uuids(&found.sample)?;
        if is_inferred {
            columns.infer(&found.sample)?;
        }
        let kind = if found.is_view { TableKind::View } else { TableKind::Table };
        let unique_keys = unique_keys(&found.indexes, &columns);
        let takes_others = |schema: &Document| schema.get_bool("additionalProperties").unwrap_or(true);
        let description = Table {
            table: TableRef::new(&found.name),
            kind,
            primary_key: if found.is_view { Vec::new() } else { vec![ID.to_owned()] },
            unique_keys,
            indexes: other_indexes(&found.indexes),
            is_inferred,
            is_open: is_inferred || schema.is_none_or(takes_others),
            is_document: true,
            columns: columns.list,
            ..Table::default()
        };
        let guessed = description.columns.iter().filter(|column| column.is_guessed);
        let guessed = guessed.map(|column| column.name.clone()).collect();
        Ok(Self { description, kinds: columns.kinds, guessed })
    }

    /// The kind of a column; of a member inside one, and of a column that nobody declared, nothing is known.
    pub(crate) fn kind(&self, path: &Path) -> Option<Kind> {
        path.as_column().and_then(|name| self.kinds.get(name)).copied()
    }

    /// The kind of a column that every document keeps to; a sample promises nothing.
    pub(crate) fn declared_kind(&self, path: &Path) -> Option<Kind> {
        let is_guessed = path.as_column().is_some_and(|name| self.guessed.contains(name));
        self.kind(path).filter(|_| !is_guessed)
    }

    /// Whether a value for this column has one form only, whatever stood there: of the declared kind. A schema can't say what is inside
    /// of documents and lists, nor the subtype of bytes.
    pub(crate) fn is_settled(&self, path: &Path) -> bool {
        use Kind::{Any, Array, Binary, Object, Uuid};
        let kind = self.declared_kind(path);
        kind.is_some_and(|kind| !matches!(kind, Any | Array | Binary | Object | Uuid))
    }

    /// Checks that documents may have this column.
    ///
    /// # Errors
    /// *Not found* in a collection that takes no other columns than those declared.
    pub(crate) fn check(&self, path: &Path) -> Result<()> {
        let [name, ..] = path.segments() else { return Err(Error::internal("a path has no segments")) };
        if self.description.is_open || self.kinds.contains_key(name) {
            return Ok(());
        }
        Err(error::column_not_found(name))
    }

    /// Whether no two documents have the same values in these columns.
    pub(crate) fn is_unique(&self, columns: &[Path]) -> bool {
        let names: Vec<&str> = columns.iter().filter_map(Path::as_column).collect();
        let holds =
            |key: &[String]| !key.is_empty() && key.iter().all(|column| names.contains(&column.as_str()));
        let Table { primary_key, unique_keys, .. } = &self.description;
        holds(primary_key) || unique_keys.iter().any(|key| holds(&key.columns))
    }

    /// The failure with the columns of the unique index that it names.
    pub(crate) fn with_columns(&self, failure: Error) -> Error {
        let index = failure.violation.as_ref().and_then(|violation| violation.constraint.as_deref());
        let Some(index) = index.filter(|_| failure.reason.as_deref() == Some(error::UNIQUE)) else {
            return failure;
        };
        let Table { primary_key, unique_keys, .. } = &self.description;
        let known = unique_keys.iter().find(|key| key.name == index).map(|key| &key.columns);
        match known.or((index == "_id_").then_some(primary_key)) {
            Some(columns) => error::unique(index, columns),
            None => failure,
        }
    }

    /// Whether null may stand in a column; only what was declared can say no.
    pub(crate) fn is_nullable(&self, path: &Path) -> bool {
        let name = path.as_column();
        let column = self.description.columns.iter().find(|column| Some(column.name.as_str()) == name);
        column.is_none_or(|column| column.is_nullable)
    }

    /// The columns that every document has, but for the id: that is made where it is not given.
    pub(crate) fn required(&self) -> impl Iterator<Item = &str> {
        let columns = self.description.columns.iter();
        columns.filter(|column| !column.is_nullable && column.name != ID).map(|column| column.name.as_str())
    }
}

/// Columns under construction.
#[derive(Default)]
struct Columns {
    list: Vec<Column>,
    kinds: HashMap<String, Kind>,
}

impl Columns {
    fn kind(&self, name: &str) -> Option<Kind> {
        self.kinds.get(name).copied()
    }

    fn push(&mut self, column: Column, kind: Kind) {
        self.kinds.insert(column.name.clone(), kind);
        self.list.push(column);
    }

    fn put_first(&mut self, (column, kind): (Column, Kind)) {
        self.list.retain(|known| known.name != column.name);
        self.kinds.insert(column.name.clone(), kind);
        self.list.insert(0, column);
    }

    /// Declared bytes that are uuids in all of these documents are described as such.
    fn find_uuids(&mut self, sample: &[RawDocumentBuf]) -> Result<()> {
        for column in self.list.iter_mut().filter(|column| column.data_type == ColumnType::Binary) {
            let mut kind = None;
            for document in sample {
                let value = document.get(column.name.as_str()).map_err(types::malformed)?;
                kind = joined(kind, value.and_then(types::kind_of));
            }
            if kind == Some(Kind::Uuid) {
                column.data_type = ColumnType::Uuid;
                self.kinds.insert(column.name.clone(), Kind::Uuid);
            }
        }
        Ok(())
    }

    /// Adds what the documents have beside the id, in the order in which it appears. Null may stand everywhere, and says nothing of a kind.
    fn infer(&mut self, sample: &[RawDocumentBuf]) -> Result<()> {
        let mut names: Vec<String> = Vec::new();
        let mut seen: HashMap<String, Option<Kind>> = HashMap::new();
        for document in sample {
            for member in document {
                let (name, value) = member.map_err(types::malformed)?;
                let found = types::kind_of(value);
                match seen.get_mut(name.as_str()) {
                    Some(kind) => *kind = joined(*kind, found),
                    None if name.as_str() == ID => {}
                    None => {
                        names.push(name.as_str().to_owned());
                        seen.insert(name.as_str().to_owned(), found);
                    }
                }
            }
        }
        for name in names {
            let kind = seen.get(&name).copied().flatten().unwrap_or(Kind::Any);
            self.push(Column { is_guessed: true, ..column(&name, kind) }, kind);
        }
        Ok(())
    }
}

fn joined(known: Option<Kind>, found: Option<Kind>) -> Option<Kind> {
    match (known, found) {
        (Some(known), Some(found)) => Some(known.joined(found)),
        (known, found) => known.or(found),
    }
}

fn column(name: &str, kind: Kind) -> Column {
    Column { native_type: kind.alias().to_owned(), ..Column::new(name, kind.described()) }
}

/// The id, of the kind that the documents have. A new document without one gets an object id.
fn identifier(sample: &[RawDocumentBuf]) -> Result<(Column, Kind)> {
    let mut kind = None;
    for document in sample {
        let id = document.get(ID).map_err(types::malformed)?;
        kind = joined(kind, id.and_then(types::kind_of));
    }
    let kind = kind.unwrap_or(Kind::ObjectId);
    let default = Some(object_id());
    Ok((Column { is_nullable: false, is_guessed: true, default, ..column(ID, kind) }, kind))
}

fn object_id() -> DefaultValue {
    DefaultValue::Expression("ObjectId()".to_owned())
}

fn declared_columns(schema: &Document, properties: &Document) -> Columns {
    let required: Vec<&str> =
        schema.get_array("required").into_iter().flatten().filter_map(Bson::as_str).collect();
    let mut columns = Columns::default();
    for (name, property) in properties {
        let empty = Document::new();
        let property = property.as_document().unwrap_or(&empty);
        let (kind, takes_null) = declared_kind(property);
        let length = property.get("maxLength").and_then(number);
        let mut column = column(name, kind);
        column.is_nullable = takes_null || !(required.contains(&name.as_str()) || name == ID);
        if let (Kind::String, Some(length)) = (kind, length) {
            column.data_type = ColumnType::String;
            column.length = Some(length);
        }
        column.allowed_values = allowed_values(property);
        column.comment = property.get_str("description").ok().map(str::to_owned);
        if name == ID && kind == Kind::ObjectId {
            column.default = Some(object_id());
            columns.put_first((column, kind));
        } else {
            columns.push(column, kind);
        }
    }
    columns
}

fn number(value: &Bson) -> Option<u64> {
    match value {
        Bson::Int32(number) => u64::try_from(*number).ok(),
        Bson::Int64(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}

/// The kind that a property takes, and whether it takes null. Without any word on kinds it takes everything.
fn declared_kind(property: &Document) -> (Kind, bool) {
    let word = |value: &Bson| value.as_str().map(str::to_owned);
    let words: Vec<String> = match property.get("bsonType").or_else(|| property.get("type")) {
        None => return (Kind::Any, true),
        Some(Bson::Array(words)) => words.iter().filter_map(word).collect(),
        Some(one) => word(one).into_iter().collect(),
    };
    let takes_null = words.iter().any(|word| word == "null");
    let kinds = words.iter().filter(|word| *word != "null").map(|word| Kind::of_alias(word));
    let kind = kinds.reduce(Kind::joined).unwrap_or(Kind::Any);
    let is_uuid = kind == Kind::Binary && property.get_str("title").is_ok_and(|title| title == UUID);
    (if is_uuid { Kind::Uuid } else { kind }, takes_null)
}

fn allowed_values(property: &Document) -> Vec<String> {
    let values = property.get_array("enum").into_iter().flatten();
    let texts: Vec<Option<&str>> = values.filter(|value| **value != Bson::Null).map(Bson::as_str).collect();
    texts.into_iter().collect::<Option<Vec<_>>>().unwrap_or_default().into_iter().map(str::to_owned).collect()
}

fn key(index: &IndexModel) -> Key {
    let name = index.options.as_ref().and_then(|options| options.name.clone()).unwrap_or_default();
    Key { name, columns: index.keys.keys().cloned().collect() }
}

/// Unique indexes of plain columns that leave out nothing but nulls.
fn unique_keys(indexes: &[IndexModel], columns: &Columns) -> Vec<Key> {
    let is_key = |index: &&IndexModel| {
        let Some(options) = &index.options else { return false };
        let is_plain = |(name, way): (&String, &Bson)| !name.contains('.') && number_of(way).is_some();
        let is_whole = options
            .partial_filter_expression
            .as_ref()
            .is_none_or(|filter| leaves_nulls(filter, index, columns));
        options.unique == Some(true) && index.keys.iter().all(is_plain) && is_whole
    };
    let keys = indexes.iter().filter(is_key).map(key);
    keys.filter(|key| key.columns != [ID]).collect()
}

fn number_of(way: &Bson) -> Option<f64> {
    match way {
        Bson::Int32(way) => Some(f64::from(*way)),
        Bson::Double(way) => Some(*way),
        Bson::Int64(1) => Some(1.0),
        Bson::Int64(-1) => Some(-1.0),
        _ => None,
    }
}

/// Whether the index leaves out just the documents in which a column of it is missing or null.
fn leaves_nulls(filter: &Document, index: &IndexModel, columns: &Columns) -> bool {
    filter.iter().all(|(name, condition)| {
        let Some(condition) = condition.as_document().filter(|_| index.keys.contains_key(name)) else {
            return false;
        };
        condition.iter().all(|(word, value)| match (word.as_str(), value) {
            ("$exists", value) => *value == Bson::Boolean(true),
            ("$type", Bson::String(alias)) => {
                let kind = columns.kinds.get(name);
                kind.is_some_and(|kind| *kind != Kind::Any && kind.alias() == alias)
            }
            _ => false,
        })
    })
}

fn other_indexes(indexes: &[IndexModel]) -> Vec<Key> {
    let is_unique =
        |index: &IndexModel| index.options.as_ref().is_some_and(|options| options.unique == Some(true));
    indexes.iter().filter(|index| !is_unique(index)).map(key).filter(|key| key.columns != [ID]).collect()
}

#[cfg(test)]
mod tests;
