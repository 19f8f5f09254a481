//! The format read back, and read from arbitrary bytes.

use proptest::prelude::*;

use super::super::{Affected, Date, Instant, Outcome, OutcomeStatus, Summary, Timestamp, Value};
use super::*;

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        Just(Value::Absent),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::I64),
        any::<u64>().prop_map(Value::U64),
        any::<i16>().prop_map(|v| Value::F32(f32::from(v) / 8.0)),
        any::<i32>().prop_map(|v| Value::F64(f64::from(v) / 8.0)),
        (any::<i64>(), 0u8..9).prop_map(|(v, e)| Value::Decimal(format!("{v}.50E-{e}"))),
        any::<String>().prop_map(Value::Text),
        any::<Vec<u8>>().prop_map(Value::Bytes),
        any::<i32>().prop_map(|v| Value::Json(v.to_string())),
        any::<i32>().prop_map(|v| Value::Date(Date(v))),
        any::<i64>().prop_map(Value::Time),
        (any::<i64>(), 0u32..1_000_000_000)
            .prop_map(|(seconds, nanos)| Value::Timestamp(Timestamp { seconds, nanos })),
        (any::<i64>(), any::<Option<i16>>()).prop_map(|(seconds, offset)| Value::Instant(Instant {
            at: Timestamp { seconds, nanos: 1 },
            offset: offset.map(i32::from)
        })),
        any::<[u8; 16]>().prop_map(Value::Uuid),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            prop::collection::vec((any::<String>(), inner.clone()), 0..4).prop_map(Value::Object),
            (any::<String>(), inner).prop_map(|(name, value)| Value::Extension(name, Box::new(value))),
        ]
    })
}

/// Reads everything there is: frames, cells, nested content.
fn walk(bytes: &[u8]) -> Result<usize, Malformed> {
    let mut frames = FrameReader::new(bytes);
    let mut columns = 0;
    let mut read = 0;
    while let Some(frame) = frames.next_frame()? {
        match frame {
            Frame::Set(set) => columns = set.columns.iter().count(),
            Frame::Rows(mut rows) => {
                for _ in 0..usize::try_from(rows.count).unwrap().saturating_mul(columns).min(10_000) {
                    rows.next_cell()?.to_value()?;
                    read += 1;
                }
            }
            Frame::Parameters(mut row) => {
                for _ in 0..row.count {
                    row.next_cell()?.to_value()?;
                    read += 1;
                }
                row.finish()?;
            }
            Frame::Outcomes(_) | Frame::Done(_) => {}
        }
    }
    Ok(read)
}

fn message(rows: &[[Value; 2]]) -> Vec<u8> {
    let mut frames = FrameWriter::default();
    frames.set(3, SetRole::Rows, ["a", "b"].into_iter());
    let open = frames.begin_rows(3);
    rows.iter().flatten().for_each(|value| frames.buffer().value(value));
    frames.end_rows(open, u32::try_from(rows.len()).unwrap());
    frames.done(&Summary { next: Some("t".to_owned()), ..Summary::default() });
    frames.into_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read(rows in prop::collection::vec([value(), value()], 0..8)) {
        let bytes = message(&rows);
        let mut frames = FrameReader::new(&bytes);
        let Some(Frame::Set(set)) = frames.next_frame()? else { panic!("a set comes first") };
        prop_assert_eq!(set.columns.iter().collect::<Vec<_>>(), ["a", "b"]);
        let Some(Frame::Rows(mut read)) = frames.next_frame()? else { panic!("rows come second") };
        for value in rows.iter().flatten() {
            prop_assert_eq!(&read.next_cell()?.to_value()?, value);
        }
        read.finish()?;
        let done = frames.next_frame()?;
        prop_assert_eq!(done, Some(Frame::Done(Summary { next: Some("t".to_owned()), ..Summary::default() })));
        prop_assert_eq!(frames.next_frame()?, None);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = walk(&bytes);
    }

    #[test]
    fn a_damaged_message_never_panics(rows in prop::collection::vec([value(), value()], 1..4), at in any::<prop::sample::Index>(), byte in any::<u8>(), keep in any::<prop::sample::Index>()) {
        let mut bytes = message(&rows);
        let position = at.index(bytes.len());
        bytes[position] = byte;
        let _ = walk(&bytes);
        bytes.truncate(keep.index(bytes.len()));
        let _ = walk(&bytes);
    }
}

#[test]
fn an_unknown_frame_is_skipped_unless_it_is_critical() {
    let mut bytes = vec![b'T', VERSION, b'?', 0, 2, 0, 0, 0, 9, 9];
    bytes.extend(message(&[]));
    assert_eq!(walk(&bytes), Ok(0));
    bytes[3] = 1;
    assert_eq!(walk(&bytes), Err(Malformed("unknown critical frame")));
}

#[test]
fn a_frame_of_another_version_is_refused() {
    let mut bytes = message(&[]);
    bytes[1] = 2;
    assert_eq!(walk(&bytes), Err(Malformed("frame of another format version")));
}

#[test]
fn an_unknown_cell_with_a_length_is_passed_over() {
    let mut cells = vec![0x91, 1, 0, 0, 0, 7];
    cells.i64(5);
    let mut frames = FrameWriter::default();
    frames.parameters(2, &cells);
    let bytes = frames.into_bytes();
    let Ok(Some(Frame::Parameters(mut row))) = FrameReader::new(&bytes).next_frame() else {
        panic!("parameters")
    };
    assert_eq!(row.next_cell(), Ok(Cell::Unknown(0x91)));
    assert_eq!(row.next_cell(), Ok(Cell::I64(5)));
}

#[test]
fn only_numbers_pass_as_decimals() {
    for (text, is_decimal) in [
        ("0", true),
        ("-12.50", true),
        ("1E+30", true),
        ("0.1e-3", true),
        ("01", false),
        ("1.", false),
        (".5", false),
        ("NaN", false),
        ("1,\"x\":2", false),
        ("", false),
        ("1E", false),
    ] {
        let mut cells = Vec::new();
        cells.decimal(text);
        let mut frames = FrameWriter::default();
        frames.parameters(1, &cells);
        let bytes = frames.into_bytes();
        let Ok(Some(Frame::Parameters(mut row))) = FrameReader::new(&bytes).next_frame() else {
            panic!("parameters")
        };
        assert_eq!(row.next_cell().is_ok(), is_decimal, "{text}");
    }
}

#[test]
fn nesting_has_a_bound() {
    let deep = (0..MAX_DEPTH + 1).fold(Value::Null, |inner, _| Value::List(vec![inner]));
    let mut cells = Vec::new();
    cells.value(&deep);
    let mut frames = FrameWriter::default();
    frames.parameters(1, &cells);
    assert_eq!(walk(&frames.into_bytes()), Err(Malformed("nested too deeply")));
}

#[test]
fn outcomes_and_a_full_summary_are_read_back() {
    let outcomes = vec![Outcome {
        index: 1,
        count: 1,
        status: OutcomeStatus::Failed,
        error: Some(super::super::Error::unsupported("x")),
    }];
    let summary = Summary {
        affected: Some(Affected { matched: Some(3), changed: None }),
        session: Some(7),
        ..Summary::default()
    };
    let mut frames = FrameWriter::default();
    frames.outcomes(&outcomes);
    frames.done(&summary);
    let bytes = frames.into_bytes();
    let mut frames = FrameReader::new(&bytes);
    assert_eq!(frames.next_frame(), Ok(Some(Frame::Outcomes(outcomes))));
    assert_eq!(frames.next_frame(), Ok(Some(Frame::Done(summary))));
}
