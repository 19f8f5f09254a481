//! Validators, samples and indexes to tables.

use connector_api::author::{ColumnType, Path};
use mongodb::IndexModel;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::raw::RawDocumentBuf;
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::IndexOptions;

use super::*;

fn layout(schema: Option<Document>, sample: &[Document], indexes: Vec<IndexModel>) -> Layout {
    let sample = sample.iter().map(|document| RawDocumentBuf::try_from(document).unwrap()).collect();
    let validator = schema.map(|schema| doc! {"$jsonSchema": schema});
    Layout::new(&Found { name: "c".to_owned(), is_view: false, validator, indexes, sample }).unwrap()
}

fn columns(layout: &Layout) -> Vec<(&str, ColumnType, bool)> {
    let columns = layout.description.columns.iter();
    columns.map(|column| (column.name.as_str(), column.data_type, column.is_nullable)).collect()
}

#[test]
fn a_validator_says_what_columns_there_are() {
    let properties = doc! {
        "a": {"bsonType": "int"}, "b": {"bsonType": ["string", "null"], "maxLength": 5}, "c": {"bsonType": "date"}, "d": {},
        "e": {"enum": ["x", "y"]},
    };
    let schema = doc! {"required": ["a", "b"], "properties": properties, "additionalProperties": false};
    let layout = layout(Some(schema), &[], vec![]);
    assert_eq!(
        columns(&layout),
        [
            ("_id", ColumnType::String, false),
            ("a", ColumnType::Integer, false),
            ("b", ColumnType::String, true),
            ("c", ColumnType::Timestamp, true),
            ("d", ColumnType::Other, true),
            ("e", ColumnType::Other, true),
        ]
    );
    let table = &layout.description;
    assert!(!table.is_inferred && !table.is_open && table.is_document);
    assert_eq!(table.columns.last().unwrap().allowed_values, ["x", "y"]);
    assert!(layout.check(&Path::column("z")).is_err() && layout.check(&Path::column("a")).is_ok());
}

#[test]
fn without_a_validator_a_sample_says_it() {
    let sample = [
        doc! {"_id": ObjectId::new(), "a": 1, "n": Bson::Null, "m": 1},
        doc! {"_id": ObjectId::new(), "a": 1_i64 << 40, "n": "x", "m": "y", "o": {"p": 1}},
    ];
    let layout = layout(None, &sample, vec![]);
    assert_eq!(
        columns(&layout),
        [
            ("_id", ColumnType::String, false),
            ("a", ColumnType::BigInt, true),
            ("n", ColumnType::Text, true),
            ("m", ColumnType::Other, true),
            ("o", ColumnType::Object, true),
        ]
    );
    assert!(layout.description.is_inferred && layout.description.is_open);
    assert!(layout.check(&Path::column("anything")).is_ok());
}

#[test]
fn ids_of_other_kinds_are_described_as_what_they_are() {
    for (sample, data_type) in [
        (vec![doc! {"_id": 1}], ColumnType::Integer),
        (vec![doc! {"_id": "a"}], ColumnType::Text),
        (vec![doc! {"_id": 1}, doc! {"_id": "a"}], ColumnType::Other),
        (vec![], ColumnType::String),
    ] {
        let layout = layout(None, &sample, vec![]);
        let id = layout.description.columns.first().unwrap();
        assert_eq!((id.data_type, id.default.is_some()), (data_type, true));
        assert_eq!(layout.declared_kind(&Path::column("_id")), None);
    }
    let schema = doc! {"properties": {"_id": {"bsonType": "int"}}};
    let layout = layout(Some(schema), &[], vec![]);
    assert_eq!(layout.description.columns.first().unwrap().default, None);
}

fn unique(keys: Document, filter: Option<Document>) -> IndexModel {
    let options = IndexOptions::builder().unique(true).partial_filter_expression(filter).build();
    IndexModel::builder().keys(keys).options(options).build()
}

#[test]
fn a_unique_index_is_a_key_unless_it_leaves_out_more_than_nulls() {
    let schema = || doc! {"properties": {"a": {"bsonType": "string"}, "b": {}}};
    for (index, is_key) in [
        (unique(doc! {"a": 1}, None), true),
        (unique(doc! {"a": 1, "b": -1}, None), true),
        (unique(doc! {"a": 1}, Some(doc! {"a": {"$type": "string"}})), true),
        (unique(doc! {"a": 1}, Some(doc! {"a": {"$exists": true}})), true),
        (unique(doc! {"a": 1}, Some(doc! {"a": {"$type": "int"}})), false),
        (unique(doc! {"b": 1}, Some(doc! {"b": {"$type": "int"}})), false),
        (unique(doc! {"a": 1}, Some(doc! {"b": 5})), false),
        (unique(doc! {"a.b": 1}, None), false),
        (unique(doc! {"a": "hashed"}, None), false),
        (IndexModel::builder().keys(doc! {"a": 1}).build(), false),
    ] {
        let layout = layout(Some(schema()), &[], vec![index.clone()]);
        assert_eq!(layout.description.unique_keys.len(), usize::from(is_key), "{index:?}");
    }
}

#[test]
fn columns_that_hold_a_key_name_one_row() {
    let layout = layout(None, &[], vec![unique(doc! {"a": 1, "b": 1}, None)]);
    let paths = |names: &[&str]| names.iter().map(|name| Path::column(*name)).collect::<Vec<_>>();
    for (names, is_unique) in [
        (&["_id"][..], true),
        (&["a", "b"], true),
        (&["c", "b", "a"], true),
        (&["a"], false),
        (&["c"], false),
    ] {
        assert_eq!(layout.is_unique(&paths(names)), is_unique, "{names:?}");
    }
}

#[test]
fn bytes_with_the_title_uuid_are_uuids_before_there_is_one() {
    let properties = doc! {"u": {"bsonType": ["binData", "null"], "title": "uuid"}, "b": {"bsonType": "binData", "title": "x"}};
    let layout = layout(Some(doc! {"properties": properties}), &[], vec![]);
    let types: Vec<_> = columns(&layout).into_iter().map(|(_, data_type, _)| data_type).collect();
    assert_eq!(types, [ColumnType::String, ColumnType::Uuid, ColumnType::Binary]);
}

#[test]
fn bytes_that_are_uuids_in_all_that_was_seen_are_described_as_uuids() {
    use mongodb::bson::spec::BinarySubtype;
    let bytes = |subtype| mongodb::bson::Binary { subtype, bytes: vec![7; 16] };
    let sample = [
        doc! {"_id": ObjectId::new(), "u": bytes(BinarySubtype::Uuid), "m": bytes(BinarySubtype::Uuid)},
        doc! {"_id": ObjectId::new(), "u": bytes(BinarySubtype::Uuid), "m": bytes(BinarySubtype::Generic)},
    ];
    let properties = doc! {"u": {"bsonType": "binData"}, "m": {"bsonType": "binData"}};
    for schema in [None, Some(doc! {"properties": properties})] {
        let layout = layout(schema, &sample, vec![]);
        let types = columns(&layout).into_iter().map(|(name, data_type, _)| (name, data_type));
        let expected = [("_id", ColumnType::String), ("u", ColumnType::Uuid), ("m", ColumnType::Binary)];
        assert_eq!(types.collect::<Vec<_>>(), expected);
    }
}
