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

/// Reads everything there is: frames, cells, nested content. Gives the [`size`] of all cells and the bytes of all names.
fn walk(bytes: &[u8]) -> Result<usize, Malformed> {
    let mut read = 0;
    walk_into(bytes, &mut read).map(|()| read)
}

/// Adds to `read` also when the end is a broken rule.
fn walk_into(bytes: &[u8], read: &mut usize) -> Result<(), Malformed> {
    let mut frames = FrameReader::new(bytes);
    let mut columns = 0;
    while let Some(frame) = frames.next_frame()? {
        let (mut cells, count, is_counted) = match frame {
            Frame::Set(set) => {
                columns = set.columns.iter().map(|name| *read += name.len()).count();
                continue;
            }
            // A sender may claim any number of rows: the cells run out first.
            Frame::Rows(rows) => (rows, usize::try_from(rows.count).unwrap().saturating_mul(columns), false),
            Frame::Parameters(row) => (row, usize::try_from(row.count).unwrap(), true),
            Frame::Outcomes(_) | Frame::Done(_) => continue,
        };
        for _ in 0..count {
            *read += size(&cells.next_cell()?.to_value()?);
        }
        if is_counted {
            cells.finish()?;
        }
    }
    Ok(())
}

/// What a value takes at least, in bytes of a message: one for its tag, and its texts.
fn size(value: &Value) -> usize {
    1 + match value {
        Value::Text(text) | Value::Json(text) | Value::Decimal(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::List(items) => items.iter().map(size).sum(),
        Value::Object(members) => members.iter().map(|(name, member)| name.len() + size(member)).sum(),
        Value::Extension(name, inner) => name.len() + size(inner),
        _ => 0,
    }
}

/// Whatever the bytes claim, what is made of them is no larger than they are.
fn check_bound(bytes: &[u8]) -> Result<(), TestCaseError> {
    let mut read = 0;
    // Understood or refused, both are fine.
    let _ = walk_into(bytes, &mut read);
    prop_assert!(read <= bytes.len(), "{read} of {}", bytes.len());
    Ok(())
}

/// Arbitrary bytes as the payload of a frame that is well-formed outside, behind the columns of its set.
fn framed(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut frames = FrameWriter::default();
    frames.set(0, SetRole::Rows, ["a", "b"].into_iter());
    let mut bytes = frames.into_bytes();
    bytes.extend([b'T', VERSION, kind, 1]);
    bytes.extend(u32::try_from(payload.len()).unwrap().to_le_bytes());
    bytes.extend(payload);
    bytes
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
    fn arbitrary_bytes_never_panic_and_never_grow(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        check_bound(&bytes)?;
    }

    #[test]
    fn arbitrary_bytes_inside_a_frame_never_panic_and_never_grow(
        kind in prop::sample::select(b"SRPOD".as_slice()),
        // Mostly small bytes: tags and lengths that make sense.
        payload in prop::collection::vec(prop_oneof![3 => 0_u8..0x18, 1 => any::<u8>()], 0..200),
    ) {
        check_bound(&framed(kind, &payload))?;
    }

    #[test]
    fn a_damaged_message_never_panics_and_never_grows(
        rows in prop::collection::vec([value(), value()], 1..4),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        claim in any::<prop::sample::Index>(),
        keep in any::<prop::sample::Index>(),
    ) {
        let whole = message(&rows);
        let mut bytes = whole.clone();
        for (at, byte) in damage {
            let position = at.index(bytes.len());
            bytes[position] = byte;
            check_bound(&bytes)?;
        }
        bytes.truncate(keep.index(bytes.len()));
        check_bound(&bytes)?;
        // A length or a count that claims as much as there can be.
        let mut bytes = whole;
        let position = claim.index(bytes.len() - 4);
        bytes[position..position + 4].fill(0xff);
        check_bound(&bytes)?;
    }
}

#[test]
fn an_unknown_frame_is_skipped_unless_it_is_critical() {
    let mut bytes = vec![b'T', VERSION, b'?', 0, 2, 0, 0, 0, 9, 9];
    bytes.extend(message(&[]));
    // The names of its two columns.
    assert_eq!(walk(&bytes), Ok(2));
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
