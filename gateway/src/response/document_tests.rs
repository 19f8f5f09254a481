//! Rows in every form, with every kind of cell.

use connector_api::model::batch::{CellWriter, Frame, FrameReader, FrameWriter};
use connector_api::model::{Timestamp, Value};
use serde_json::json;

use super::*;
use crate::plan::ShownColumn;

/// Cells as a connector sends them.
fn with_row<T>(count: u32, write: impl FnOnce(&mut Vec<u8>), read: impl FnOnce(&[Cell<'_>]) -> T) -> T {
    let mut cells = Vec::new();
    write(&mut cells);
    let mut frames = FrameWriter::default();
    frames.parameters(count, &cells);
    let message = frames.into_bytes();
    let Ok(Some(Frame::Parameters(mut row))) = FrameReader::new(&message).next_frame() else {
        panic!("no parameters");
    };
    let row: Vec<Cell<'_>> = (0..count).map(|_| row.next_cell().unwrap()).collect();
    read(&row)
}

fn layout(media: Media) -> Layout {
    Layout { media, ..Layout::default() }
}

/// The columns that the rows of these tests have.
const COLUMNS: [&str; 5] = ["id", "a b", "gone", "list", "tree"];

/// A document of one row, once or twice.
fn document(layout: Layout, format: RowFormat, rows: usize, meta: Json) -> String {
    let columns = COLUMNS.map(str::to_owned);
    let shown = if format == RowFormat::Identifiers { &COLUMNS[..2] } else { &COLUMNS[..] };
    let shown = Arc::new(shown.iter().map(|name| ShownColumn::from(*name)).collect());
    let write = |cells: &mut Vec<u8>| {
        cells.i64(-1);
        cells.text("x, <\"y\">");
        cells.absent();
        cells.json("[1, [2.50], {\"k\": null}]");
        cells.value(&Value::Object(vec![
            ("when".to_owned(), Value::Timestamp(Timestamp { seconds: 0, nanos: 0 })),
            ("items".to_owned(), Value::List(vec![Value::Bool(true), Value::F64(f64::NAN)])),
        ]));
    };
    with_row(5, write, |row| {
        let mut document = Document::new(&shown, format, layout);
        let mut out = Vec::new();
        let meta = meta.as_object().cloned().unwrap_or_default();
        document.begin(&mut out, !meta.is_empty());
        document.columns(&columns).unwrap();
        (0..rows).for_each(|_| document.row(&mut out, row).unwrap());
        document.end(&mut out, meta);
        String::from_utf8(out).unwrap()
    })
}

#[test]
fn rows_are_written_in_every_form() {
    let check = |media, format: &RowFormat, rows, meta: &Json, expected: &str| {
        assert_eq!(document(layout(media), format.clone(), rows, meta.clone()), expected, "{media:?}");
    };
    let (objects, none) = (&RowFormat::Objects, &Json::Null);
    let row = r#"{"id":-1,"a b":"x, <\"y\">","list":[1, [2.50], {"k": null}],"tree":{"when":"1970-01-01 00:00:00","items":[true,"NaN"]}}"#;
    check(Media::Json, objects, 2, none, &format!(r#"{{"resource":[{row},{row}]}}"#));
    check(Media::Json, objects, 0, &json!({ "count": 3 }), r#"{"resource":[],"meta":{"count":3}}"#);
    check(Media::Ndjson, objects, 2, &json!({ "count": 3 }), &format!("{row}\n{row}\n"));
    let line = "-1,\"x, <\"\"y\"\">\",,\"[1, [2.50], {\"\"k\"\": null}]\",\
                \"{\"\"when\"\":\"\"1970-01-01 00:00:00\"\",\"\"items\"\":[true,\"\"NaN\"\"]}\"\n";
    check(
        Media::Csv,
        objects,
        2,
        &json!({ "count": 3 }),
        &format!("id,\"a b\",gone,list,tree\n{line}{line}"),
    );
    check(Media::Csv, objects, 0, none, "");
    let element = "\n\t<resource>\n\t\t<id>-1</id>\n\t\t<a_b>x, &lt;\"y\"&gt;</a_b>\n\t\t<list>1</list>\
                   \n\t\t<list>\n\t\t\t<item>2.50</item>\n\t\t</list>\n\t\t<list>\n\t\t\t<k></k>\n\t\t</list>\
                   \n\t\t<tree>\n\t\t\t<when>1970-01-01 00:00:00</when>\n\t\t\t<items>true</items>\n\t\t\t<items>NaN</items>\
                   \n\t\t</tree>\n\t</resource>";
    let xml = |content: &str| format!("<?xml version=\"1.0\" ?><dfapi>{content}\n</dfapi>");
    check(Media::Xml, objects, 2, none, &xml(&format!("{element}{element}")));
    check(
        Media::Xml,
        objects,
        0,
        &json!({ "count": 3 }),
        &xml("\n\t<meta>\n\t\t<count>3</count>\n\t</meta>"),
    );
}

#[test]
fn identifiers_are_a_list_of_one_value_each() {
    let check = |media, expected: &str| {
        assert_eq!(document(layout(media), RowFormat::Identifiers, 2, Json::Null), expected, "{media:?}");
    };
    check(Media::Json, r#"{"resource":["(-1,x, <\"y\">)","(-1,x, <\"y\">)"]}"#);
    check(Media::Ndjson, "\"(-1,x, <\\\"y\\\">)\"\n\"(-1,x, <\\\"y\\\">)\"\n");
    check(Media::Csv, "resource\n\"(-1,x, <\"\"y\"\">)\"\n\"(-1,x, <\"\"y\"\">)\"\n");
    let item = "\n\t<resource>(-1,x, &lt;\"y\"&gt;)</resource>";
    check(Media::Xml, &format!("<?xml version=\"1.0\" ?><dfapi>{item}{item}\n</dfapi>"));
}

#[test]
fn a_bare_list_gets_its_wrapper_back_when_something_stands_beside_it() {
    let bare = Layout { is_wrapped: false, wrapper: "items".into(), ..Layout::default() };
    assert_eq!(document(bare.clone(), RowFormat::Objects, 0, Json::Null), "[]");
    assert_eq!(
        document(bare, RowFormat::Objects, 0, json!({ "count": 3 })),
        r#"{"items":[],"meta":{"count":3}}"#
    );
}
