//! Values into BSON and back.

use connector_api::author::{Date, ErrorKind, Instant, Timestamp, Value};
use connector_api::model::batch::Cell;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::raw::{RawBsonRef, RawDocumentBuf};
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Bson, DateTime, Regex, doc};

use super::*;

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn decimal_of(digits: &str) -> Value {
    Value::Decimal(digits.to_owned())
}

fn written(value: &Value, kind: Kind) -> Result<Bson, Option<Box<str>>> {
    to_bson(value, "c", kind).map_err(|error| {
        assert_eq!(error.kind, ErrorKind::InvalidRequest);
        error.reason
    })
}

#[test]
fn numbers_are_of_the_kind_of_their_column_or_refused() {
    let out_of_range = || Err(Some("out_of_range".into()));
    for (value, kind, expected) in [
        (Value::I64(5), Kind::Any, Ok(Bson::Int32(5))),
        (Value::I64(1 << 40), Kind::Any, Ok(Bson::Int64(1 << 40))),
        (Value::I64(5), Kind::Long, Ok(Bson::Int64(5))),
        (Value::I64(5), Kind::Double, Ok(Bson::Double(5.0))),
        (Value::I64(5), Kind::Decimal, Ok(Bson::Decimal128("5".parse().unwrap()))),
        (Value::I64(1 << 40), Kind::Int, out_of_range()),
        (Value::I64((1 << 53) + 1), Kind::Double, out_of_range()),
        (Value::U64(u64::MAX), Kind::Any, out_of_range()),
        (Value::U64(u64::MAX), Kind::Decimal, Ok(Bson::Decimal128("18446744073709551615".parse().unwrap()))),
        (decimal_of("1.5"), Kind::Any, Ok(Bson::Double(1.5))),
        (decimal_of("1.50"), Kind::Any, Ok(Bson::Decimal128("1.50".parse().unwrap()))),
        (decimal_of("1.50"), Kind::Double, Ok(Bson::Double(1.5))),
        (decimal_of("0.12345678901234567890"), Kind::Double, out_of_range()),
        (decimal_of("12345678901234567890123456789012345"), Kind::Decimal, out_of_range()),
    ] {
        assert_eq!(written(&value, kind), expected, "{value:?} {kind:?}");
    }
}

#[test]
fn texts_become_ids_and_moments_only_where_the_column_has_such() {
    const HEX: &str = "507f1f77bcf86cd799439011";
    let id = Bson::ObjectId(ObjectId::parse_str(HEX).unwrap());
    assert_eq!(to_bson(&text(HEX), "_id", Kind::Any), Ok(id.clone()));
    assert_eq!(written(&text(HEX), Kind::ObjectId), Ok(id.clone()));
    assert_eq!(written(&text(HEX), Kind::Any), Ok(Bson::from(HEX)));
    assert_eq!(written(&Value::Extension(OBJECT_ID.to_owned(), Box::new(text(HEX))), Kind::Any), Ok(id));
    let moment = "2024-05-01T12:30:00.250Z";
    assert_eq!(
        written(&text(moment), Kind::Date),
        Ok(Bson::DateTime(DateTime::from_millis(1_714_566_600_250)))
    );
    assert_eq!(written(&text(moment), Kind::Any), Ok(Bson::from(moment)));
}

#[test]
fn what_bson_does_not_have_is_refused() {
    let micros = Value::Instant(Instant { at: Timestamp { seconds: 0, nanos: 1_000 }, offset: None });
    assert_eq!(written(&micros, Kind::Date), Err(Some("out_of_range".into())));
    assert_eq!(written(&Value::Date(Date(1)), Kind::Any), Err(Some("datatype_mismatch".into())));
    let nul = Value::Object(vec![("a\0".to_owned(), Value::Null)]);
    assert_eq!(written(&nul, Kind::Any), Err(Some("out_of_range".into())));
}

#[test]
fn members_named_like_operators_stay_members() {
    let inner = Value::Object(vec![("$gt".to_owned(), text("")), ("a.b".to_owned(), Value::I64(1))]);
    let document = Value::Object(vec![("$where".to_owned(), inner)]);
    assert_eq!(written(&document, Kind::Any), Ok(doc! {"$where": {"$gt": "", "a.b": 1}}.into()));
}

/// What a value is read as, as a cell and for the evaluator.
fn read(value: Bson) -> (Value, Value) {
    let document = RawDocumentBuf::try_from(&doc! {"v": value}).unwrap();
    let value = document.get("v").unwrap().unwrap();
    let mut cell = Vec::new();
    write_cell(&mut cell, value).unwrap();
    let mut frames = connector_api::model::batch::FrameWriter::default();
    frames.parameters(1, &cell);
    let bytes = frames.into_bytes();
    let mut reader = connector_api::model::batch::FrameReader::new(&bytes);
    let Some(connector_api::model::batch::Frame::Parameters(mut row)) = reader.next_frame().unwrap() else {
        panic!("no cells")
    };
    let cell: Cell<'_> = row.next_cell().unwrap();
    (cell.to_value().unwrap(), value_of(value).unwrap())
}

#[test]
fn every_kind_is_read_with_all_that_it_holds() {
    let uuid = Binary { subtype: BinarySubtype::Uuid, bytes: vec![7; 16] };
    let other = Binary { subtype: BinarySubtype::Md5, bytes: vec![1] };
    let extension = |name: &str, inner: Value| Value::Extension(name.to_owned(), Box::new(inner));
    for (value, expected) in [
        (Bson::Int32(-5), Value::I64(-5)),
        (Bson::Int64(i64::MIN), Value::I64(i64::MIN)),
        (Bson::Double(0.1), Value::F64(0.1)),
        (Bson::Decimal128("-1E-10".parse().unwrap()), decimal_of("-0.0000000001")),
        (Bson::Decimal128("12.50".parse().unwrap()), decimal_of("12.50")),
        (Bson::Decimal128("1E+30".parse().unwrap()), decimal_of("1E+30")),
        (Bson::Decimal128("Infinity".parse().unwrap()), Value::F64(f64::INFINITY)),
        (uuid.into(), Value::Uuid([7; 16])),
        (other.into(), extension("bson.binary.5", Value::Bytes(vec![1]))),
        (Bson::MaxKey, extension("bson.maxkey", text("MaxKey"))),
        (
            Regex { pattern: "a".try_into().unwrap(), options: "i".try_into().unwrap() }.into(),
            extension("bson.regex", text("/a/i")),
        ),
        (doc! {"a": [1, Bson::Null], "b": {}}.into(), {
            let list = Value::List(vec![Value::I64(1), Value::Null]);
            Value::Object(vec![("a".to_owned(), list), ("b".to_owned(), Value::Object(vec![]))])
        }),
    ] {
        assert_eq!(read(value), (expected.clone(), expected));
    }
    let before = Instant { at: Timestamp { seconds: -1, nanos: 999_000_000 }, offset: None };
    assert_eq!(read(DateTime::from_millis(-1).into()).0, Value::Instant(before));
}

#[test]
fn an_object_id_is_an_extension_for_the_gateway_and_a_text_for_filters() {
    let id = ObjectId::new();
    let extension = Value::Extension(OBJECT_ID.to_owned(), Box::new(text(&id.to_hex())));
    assert_eq!(read(id.into()), (extension, text(&id.to_hex())));
}

#[test]
fn a_document_that_is_nested_too_deeply_is_refused() {
    let deep = (0..65).fold(Bson::Null, |inner, _| Bson::Array(vec![inner]));
    let document = RawDocumentBuf::try_from(&doc! {"v": deep}).unwrap();
    let value: RawBsonRef<'_> = document.get("v").unwrap().unwrap();
    let error = write_cell(&mut Vec::new(), value).unwrap_err();
    assert_eq!((error.kind, error.reason.as_deref()), (ErrorKind::LimitExceeded, Some("nested_too_deep")));
}

/// What a value becomes where another one stands.
fn replaced(stored: &Bson, value: &Value) -> Bson {
    let document = RawDocumentBuf::try_from(&doc! {"v": stored}).unwrap();
    replacing(value, document.get("v").unwrap().unwrap(), "c", Kind::Any).unwrap()
}

fn binary(subtype: BinarySubtype, bytes: &[u8]) -> Bson {
    Binary { subtype, bytes: bytes.to_vec() }.into()
}

/// A document with one of each kind, and how a caller reads it.
fn one_of_each() -> Vec<(&'static str, Bson, Value)> {
    const HEX: &str = "507f1f77bcf86cd799439011";
    let id = ObjectId::parse_str(HEX).unwrap();
    let of = |kind: Bson, value: Value| (kind, value);
    let pairs = [
        ("id", of(id.into(), text(HEX))),
        ("decimal", of(Bson::Decimal128("1.50".parse().unwrap()), decimal_of("1.50"))),
        (
            "large",
            of(Bson::Decimal128("1E+30".parse().unwrap()), decimal_of("1000000000000000000000000000000")),
        ),
        ("whole decimal", of(Bson::Decimal128("7".parse().unwrap()), Value::I64(7))),
        ("no number", of(Bson::Decimal128("NaN".parse().unwrap()), text("NaN"))),
        ("infinite", of(Bson::Double(f64::NEG_INFINITY), text("-Infinity"))),
        ("double", of(Bson::Double(5.0), decimal_of("5.0"))),
        ("whole double", of(Bson::Double(5.0), Value::I64(5))),
        ("long", of(Bson::Int64(5), Value::I64(5))),
        ("int", of(Bson::Int32(5), Value::I64(5))),
        ("date", of(DateTime::from_millis(1_714_566_600_250).into(), text("2024-05-01T12:30:00.250Z"))),
        ("text", of(Bson::from(HEX), text(HEX))),
        ("bytes", of(binary(BinarySubtype::Generic, &[1, 2]), text("AQI="))),
        ("md5", of(binary(BinarySubtype::Md5, &[1, 2]), text("AQI="))),
        ("uuid", of(binary(BinarySubtype::Uuid, &[7; 16]), text("07070707-0707-0707-0707-070707070707"))),
        ("old uuid", of(binary(BinarySubtype::UuidOld, &[7; 16]), text("BwcHBwcHBwcHBwcHBwcHBw=="))),
        (
            "regex",
            of(
                Regex { pattern: "a".try_into().unwrap(), options: "i".try_into().unwrap() }.into(),
                text("/a/i"),
            ),
        ),
        ("moment", of(mongodb::bson::Timestamp { time: 7, increment: 1 }.into(), text("7:1"))),
        ("code", of(Bson::JavaScriptCode("f()".to_owned()), text("f()"))),
        ("symbol", of(Bson::Symbol("s".to_owned()), text("s"))),
        ("least", of(Bson::MinKey, text("MinKey"))),
        ("greatest", of(Bson::MaxKey, text("MaxKey"))),
        ("null", of(Bson::Null, Value::Null)),
    ];
    pairs.into_iter().map(|(name, (stored, value))| (name, stored, value)).collect()
}

#[test]
fn what_was_read_and_is_written_back_keeps_its_types_at_any_depth() {
    let (mut stored, mut read) = (mongodb::bson::Document::new(), Vec::new());
    for (name, bson, value) in one_of_each() {
        assert_eq!(format!("{:?}", replaced(&bson, &value)), format!("{bson:?}"), "{name}");
        stored.insert(name, bson);
        read.push((name.to_owned(), value));
    }
    let stored = Bson::from(doc! {"list": [stored], "inner": {"$gt": 1_i64}});
    let inner = Value::Object(vec![("$gt".to_owned(), Value::I64(1))]);
    let list = Value::List(vec![Value::Object(read)]);
    let value = Value::Object(vec![("list".to_owned(), list), ("inner".to_owned(), inner)]);
    // `NaN` equals nothing.
    assert_eq!(format!("{:?}", replaced(&stored, &value)), format!("{stored:?}"));
}

#[test]
fn another_value_gets_the_type_that_stood_there_if_it_spells_one() {
    let date = |millis| Bson::from(DateTime::from_millis(millis));
    let id = ObjectId::new();
    for (stored, value, expected) in [
        (date(0), text("1970-01-01T00:00:01Z"), date(1_000)),
        (date(0), text("tomorrow"), Bson::from("tomorrow")),
        (ObjectId::new().into(), text(&id.to_hex()), id.into()),
        (ObjectId::new().into(), text("none"), Bson::from("none")),
        (Bson::Int64(1), Value::I64(2), Bson::Int64(2)),
        (Bson::Int32(1), Value::I64(1 << 40), Bson::Int64(1 << 40)),
        (Bson::Int32(1), decimal_of("1.5"), Bson::Double(1.5)),
        (Bson::Double(1.5), Value::I64(2), Bson::Double(2.0)),
        (Bson::Decimal128("1".parse().unwrap()), decimal_of("2.5"), Bson::Decimal128("2.5".parse().unwrap())),
        (Bson::from("x"), Value::I64(2), Bson::Int32(2)),
        (binary(BinarySubtype::Uuid, &[7; 16]), text("AQI="), Bson::from("AQI=")),
        (binary(BinarySubtype::Md5, &[7]), Value::Bytes(vec![8]), binary(BinarySubtype::Md5, &[8])),
        (Bson::MinKey, text("other"), Bson::from("other")),
        (Bson::Undefined, Value::Null, Bson::Null),
        (Bson::Decimal128("2.5".parse().unwrap()), text("2.5"), Bson::from("2.5")),
        (Bson::Array(vec![date(0)]), Value::List(vec![text("1970-01-01T00:00:01Z"); 2]), {
            Bson::Array(vec![date(1_000), Bson::from("1970-01-01T00:00:01Z")])
        }),
    ] {
        assert_eq!(replaced(&stored, &value), expected, "{stored:?} {value:?}");
    }
    let document = RawDocumentBuf::try_from(&doc! {"v": date(0)}).unwrap();
    let micros = text("1970-01-01T00:00:00.000001Z");
    let error = replacing(&micros, document.get("v").unwrap().unwrap(), "c", Kind::Any).unwrap_err();
    assert_eq!(error.reason.as_deref(), Some("out_of_range"));
}

#[test]
fn uuids_are_written_where_the_column_has_such() {
    let uuid = "07070707-0707-0707-0707-070707070707";
    assert_eq!(written(&text(uuid), Kind::Uuid), Ok(binary(BinarySubtype::Uuid, &[7; 16])));
    assert_eq!(written(&text(uuid), Kind::Any), Ok(Bson::from(uuid)));
    assert_eq!(written(&Value::Uuid([7; 16]), Kind::Any), Ok(binary(BinarySubtype::Uuid, &[7; 16])));
}
