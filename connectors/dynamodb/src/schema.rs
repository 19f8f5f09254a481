//! What is known of tables: keys and indexes as the store has them, other columns guessed from a sample of items.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use connector_api::author::{Column, ColumnType, ErrorKind, Key, Result, Table, TableRef, Value};
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use crate::client::{Body, Client, Deadline, Index, KeyPart, Page, TableDescription};
use crate::error::table_not_found;
use crate::types::{Attribute, Item, column_type};

/// Keys of a table never change, but a table may be made anew and indexes come and go.
const REMEMBERED: Duration = Duration::from_secs(60);

/// An attribute of a key: always there, and of this type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyColumn {
    pub(crate) name: String,
    /// `S`, `N` or `B`.
    native_type: String,
}

impl KeyColumn {
    /// The value in the store's form; `None` when no key can have it: another type, null, or empty.
    pub(crate) fn accept(&self, value: &Value) -> Option<Attribute> {
        let attribute = Attribute::from_value(value).ok()?;
        let is_empty = match &attribute {
            Attribute::Text(text) => text.is_empty(),
            Attribute::Binary(bytes) => bytes.0.is_empty(),
            _ => false,
        };
        (!is_empty && attribute.native_type() == self.native_type).then_some(attribute)
    }

    /// What it takes, for messages.
    pub(crate) fn expected(&self) -> &'static str {
        match self.native_type.as_str() {
            "S" => "a text that is not empty, for it is part of a key",
            "B" => "bytes, at least one, for it is part of a key",
            _ => "a number, for it is part of a key",
        }
    }
}

/// Partition key and sort key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeySchema {
    pub(crate) hash: KeyColumn,
    pub(crate) range: Option<KeyColumn>,
}

impl KeySchema {
    pub(crate) fn columns(&self) -> impl Iterator<Item = &KeyColumn> + Clone {
        std::iter::once(&self.hash).chain(&self.range)
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.columns().map(|column| column.name.as_str()).collect()
    }

    /// Whether the store has room for this value in this column of the key.
    /// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html>
    pub(crate) fn has_room(&self, column: &KeyColumn, value: &Attribute) -> bool {
        let most = if *column == self.hash { 2048 } else { 1024 };
        match value {
            Attribute::Text(text) => text.len() <= most,
            Attribute::Binary(bytes) => bytes.0.len() <= most,
            _ => true,
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.columns().any(|column| column.name == name)
    }

    fn read(parts: &[KeyPart], types: &HashMap<String, String>) -> Option<Self> {
        let column = |kind: &str| {
            let part = parts.iter().find(|part| part.key_type == kind)?;
            let native_type = types.get(&part.attribute_name)?.clone();
            Some(KeyColumn { name: part.attribute_name.clone(), native_type })
        };
        Some(Self { hash: column("HASH")?, range: column("RANGE") })
    }
}

/// A secondary index that can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IndexLayout {
    pub(crate) name: String,
    pub(crate) keys: KeySchema,
    pub(crate) is_global: bool,
    /// The attributes that it has; `None`: all.
    projected: Option<BTreeSet<String>>,
}

impl IndexLayout {
    fn read(
        index: Index,
        (is_global, table): (bool, &KeySchema),
        types: &HashMap<String, String>,
    ) -> Option<Self> {
        if index.index_status.as_deref().is_some_and(|status| status != "ACTIVE" && status != "UPDATING") {
            return None;
        }
        let keys = KeySchema::read(&index.key_schema, types)?;
        let all = table.names().into_iter().chain(keys.names()).map(str::to_owned);
        let projected = match index.projection.projection_type.as_str() {
            "ALL" => None,
            _ => Some(all.chain(index.projection.non_key_attributes).collect()),
        };
        Some(Self { name: index.index_name, keys, is_global, projected })
    }

    /// Whether it has all of these attributes; `None`: all that there are.
    pub(crate) fn covers(&self, names: Option<&BTreeSet<&str>>) -> bool {
        match (&self.projected, names) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(projected), Some(names)) => names.iter().all(|name| projected.contains(*name)),
        }
    }
}

/// A table's keys and indexes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) table: String,
    pub(crate) keys: KeySchema,
    pub(crate) indexes: Vec<IndexLayout>,
}

impl Layout {
    fn read(table: &str, description: TableDescription) -> Option<Self> {
        let types: HashMap<String, String> = description
            .attribute_definitions
            .into_iter()
            .map(|definition| (definition.attribute_name, definition.attribute_type))
            .collect();
        let keys = KeySchema::read(&description.key_schema, &types)?;
        let global = description.global_secondary_indexes.into_iter().map(|index| (true, index));
        let local = description.local_secondary_indexes.into_iter().map(|index| (false, index));
        let indexes = local
            .chain(global)
            .filter_map(|(is_global, index)| IndexLayout::read(index, (is_global, &keys), &types))
            .collect();
        Some(Self { table: table.to_owned(), keys, indexes })
    }

    /// The column, if it is part of an index: then it takes one type only.
    pub(crate) fn index_column(&self, name: &str) -> Option<&KeyColumn> {
        self.indexes.iter().flat_map(|index| index.keys.columns()).find(|column| column.name == name)
    }

    /// The key of an item.
    pub(crate) fn key_of(&self, item: &Item) -> Item {
        let part = |column: &KeyColumn| Some((column.name.clone(), item.get(&column.name)?.clone()));
        self.keys.columns().filter_map(part).collect()
    }
}

/// The tables of a service.
pub(crate) struct Catalogue {
    known: Mutex<HashMap<String, (Instant, Arc<Layout>)>>,
    sample: u32,
    version_attribute: Option<String>,
}

impl Catalogue {
    pub(crate) fn new(sample: u32, version_attribute: Option<String>) -> Self {
        Self { known: Mutex::new(HashMap::new()), sample, version_attribute }
    }

    /// Keys and indexes of a table.
    ///
    /// # Errors
    /// *Not found* when there is no such table.
    pub(crate) async fn layout(
        &self,
        client: &Client,
        table: &TableRef,
        deadline: Deadline,
    ) -> Result<Arc<Layout>> {
        if !table.namespace.is_empty() || !is_table_name(&table.name) {
            return Err(table_not_found(table));
        }
        if let Some((since, layout)) =
            self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&table.name)
            && since.elapsed() < REMEMBERED
        {
            return Ok(Arc::clone(layout));
        }
        let layout = Arc::new(read_layout(client, &table.name, deadline).await?);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(table.name.clone(), (Instant::now(), Arc::clone(&layout)));
        Ok(layout)
    }

    /// Forgets a table that turned out to be another one.
    pub(crate) fn forget(&self, table: &TableRef) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).remove(&table.name);
    }

    /// The whole description; `None`: there is no such table.
    ///
    /// # Errors
    /// What the store says.
    pub(crate) async fn describe(
        &self,
        client: &Client,
        table: &TableRef,
        deadline: Deadline,
    ) -> Result<Option<Table>> {
        self.forget(table);
        let layout = match self.layout(client, table, deadline).await {
            Ok(layout) => layout,
            Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let versioned = self.version_attribute.as_deref();
        if self.sample == 0 {
            return Ok(Some(described(&layout, &[], versioned)));
        }
        let sample =
            Body { table_name: layout.table.clone(), limit: Some(self.sample.into()), ..Body::default() };
        let page: Page = client.read("Scan", &sample, deadline).await?;
        Ok(Some(described(&layout, &page.items, versioned)))
    }
}

async fn read_layout(client: &Client, table: &str, deadline: Deadline) -> Result<Layout> {
    #[derive(Deserialize)]
    struct Answer {
        #[serde(rename = "Table")]
        table: TableDescription,
    }
    let answer: Answer = client.read("DescribeTable", &json!({ "TableName": table }), deadline).await?;
    Layout::read(table, answer.table)
        .ok_or_else(|| connector_api::Error::internal("the store describes a table without a key"))
}

/// What the store takes for a name; it calls any other a mistake, not a missing table.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html>
fn is_table_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (3..=255).contains(&name.len()) && name.bytes().all(is_allowed)
}

/// Keys first, then columns of indexes, then what the sample has, by name, and last what each write sets by itself.
fn described(layout: &Layout, sample: &[Item], versioned: Option<&str>) -> Table {
    let mut columns: Vec<Column> = Vec::new();
    for key in layout.keys.columns() {
        columns.push(Column { is_nullable: false, ..column(&key.name, &key.native_type) });
    }
    for key in layout.indexes.iter().flat_map(|index| index.keys.columns()) {
        if columns.iter().all(|known| known.name != key.name) {
            columns.push(column(&key.name, &key.native_type));
        }
    }
    let mut found: BTreeMap<&str, BTreeSet<&'static str>> = BTreeMap::new();
    for (name, attribute) in sample.iter().flatten() {
        let types = found.entry(name).or_default();
        types.extend(Some(attribute.native_type()).filter(|native_type| *native_type != "NULL"));
    }
    for (name, types) in found {
        if columns.iter().all(|known| known.name != name) {
            columns.push(guessed(name, &types));
        }
    }
    if let Some(name) = versioned.filter(|name| !layout.keys.has(name)) {
        columns.retain(|known| known.name != name);
        columns.push(Column { is_generated: true, ..column(name, "S") });
    }
    Table {
        table: TableRef::new(&layout.table),
        columns,
        primary_key: layout.keys.names().into_iter().map(str::to_owned).collect(),
        indexes: layout
            .indexes
            .iter()
            .map(|index| Key {
                name: index.name.clone(),
                columns: index.keys.names().into_iter().map(str::to_owned).collect(),
            })
            .collect(),
        is_inferred: true,
        is_open: true,
        is_document: true,
        ..Table::default()
    }
}

fn column(name: &str, native_type: &str) -> Column {
    Column { native_type: native_type.to_owned(), ..Column::new(name, column_type(native_type)) }
}

/// A column whose values are of several types takes any.
fn guessed(name: &str, types: &BTreeSet<&'static str>) -> Column {
    let native_type = types.iter().copied().collect::<Vec<_>>().join(" or ");
    let mut kinds = types.iter().map(|native_type| column_type(native_type));
    let first = kinds.next().unwrap_or(ColumnType::Other);
    let data_type = if kinds.all(|kind| kind == first) { first } else { ColumnType::Other };
    Column { native_type, is_guessed: true, ..Column::new(name, data_type) }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// `orders(id)` with the global index `by_country(country, placed_at)`, and `lines(order, line)` with a local one that has keys only.
    pub(crate) fn layouts() -> [Layout; 2] {
        let orders = r#"{"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],
            "AttributeDefinitions":[{"AttributeName":"id","AttributeType":"N"},{"AttributeName":"country","AttributeType":"S"},
                {"AttributeName":"placed_at","AttributeType":"S"}],
            "GlobalSecondaryIndexes":[{"IndexName":"by_country","IndexStatus":"ACTIVE","Projection":{"ProjectionType":"ALL"},
                "KeySchema":[{"AttributeName":"country","KeyType":"HASH"},{"AttributeName":"placed_at","KeyType":"RANGE"}]}]}"#;
        let lines = r#"{"KeySchema":[{"AttributeName":"order","KeyType":"HASH"},{"AttributeName":"line","KeyType":"RANGE"}],
            "AttributeDefinitions":[{"AttributeName":"order","AttributeType":"S"},{"AttributeName":"line","AttributeType":"N"},
                {"AttributeName":"qty","AttributeType":"N"}],
            "LocalSecondaryIndexes":[{"IndexName":"by_qty","Projection":{"ProjectionType":"KEYS_ONLY"},
                "KeySchema":[{"AttributeName":"order","KeyType":"HASH"},{"AttributeName":"qty","KeyType":"RANGE"}]}]}"#;
        let layout = |name, text| Layout::read(name, serde_json::from_str(text).unwrap()).unwrap();
        [layout("orders", orders), layout("lines", lines)]
    }

    fn item(json: &str) -> Item {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn columns_are_those_of_keys_then_of_indexes_then_of_the_sample() {
        let sample = [
            item(r#"{"id":{"N":"1"},"z":{"S":"x"},"a":{"N":"1"},"n":{"NULL":true}}"#),
            item(r#"{"id":{"N":"2"},"z":{"NULL":true},"a":{"S":"x"},"s":{"SS":["x"]}}"#),
        ];
        let table = described(&layouts()[0], &sample, None);
        let columns: Vec<_> = table
            .columns
            .iter()
            .map(|column| {
                (column.name.as_str(), column.data_type, column.native_type.as_str(), column.is_nullable)
            })
            .collect();
        let expected = [
            ("id", ColumnType::Decimal, "N", false),
            ("country", ColumnType::Text, "S", true),
            ("placed_at", ColumnType::Text, "S", true),
            ("a", ColumnType::Other, "N or S", true),
            ("n", ColumnType::Other, "", true),
            ("s", ColumnType::Array, "SS", true),
            ("z", ColumnType::Text, "S", true),
        ];
        assert_eq!(columns, expected);
        let guessed = table.columns.iter().map(|column| column.is_guessed);
        assert_eq!(guessed.collect::<Vec<_>>(), [false, false, false, true, true, true, true]);
        assert!(table.is_inferred);
        assert_eq!(table.indexes[0].columns, ["country", "placed_at"]);
    }

    #[test]
    fn the_attribute_of_versions_is_described_whether_a_row_has_it_or_not() {
        for sample in [&[][..], &[item(r#"{"id":{"N":"1"},"v":{"N":"1"}}"#)]] {
            let table = described(&layouts()[0], sample, Some("v"));
            let found: Vec<_> = table.columns.iter().filter(|column| column.name == "v").collect();
            let [column] = found.as_slice() else { panic!("{found:?}") };
            assert_eq!((column.data_type, column.is_generated), (ColumnType::Text, true));
        }
    }

    #[test]
    fn an_index_that_is_being_made_is_not_read() {
        let text = r#"{"KeySchema":[{"AttributeName":"id","KeyType":"HASH"}],
            "AttributeDefinitions":[{"AttributeName":"id","AttributeType":"N"}],
            "GlobalSecondaryIndexes":[{"IndexName":"new","IndexStatus":"CREATING","Projection":{"ProjectionType":"ALL"},
                "KeySchema":[{"AttributeName":"id","KeyType":"HASH"}]}]}"#;
        let layout = Layout::read("t", serde_json::from_str(text).unwrap()).unwrap();
        assert_eq!(layout.indexes, []);
    }

    #[test]
    fn a_key_takes_values_of_its_type_that_are_not_empty() {
        let [orders, lines] = layouts();
        let (number, text) = (&orders.keys.hash, &lines.keys.hash);
        for (column, value, is_taken) in [
            (number, Value::I64(1), true),
            (number, Value::Decimal("1.50".to_owned()), true),
            (number, Value::Text("1".to_owned()), false),
            (number, Value::Null, false),
            (text, Value::Text("x".to_owned()), true),
            (text, Value::Text(String::new()), false),
            (text, Value::I64(1), false),
        ] {
            assert_eq!(column.accept(&value).is_some(), is_taken, "{value:?}");
        }
    }

    #[test]
    fn only_names_that_the_store_can_have_are_asked_for() {
        for (name, expected) in [
            ("abc", true),
            ("a.b-c_1", true),
            ("ab", false),
            ("", false),
            ("item; --", false),
            ("日本語", false),
        ] {
            assert_eq!(is_table_name(name), expected, "{name}");
        }
    }
}
