//! Records are the same however the bytes are cut, and every mistake is named with its line.

use proptest::prelude::*;

use super::*;

/// Everything that these pieces hold, as JSON texts, and the errors.
fn read(media: BodyMedia, pieces: &[&[u8]], limit: usize) -> (Vec<String>, Vec<Error>) {
    let mut records = Records::new(media, limit);
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for piece in pieces {
        let mut rest = *piece;
        loop {
            match records.next(&mut rest) {
                Ok(Some(record)) => found.push(Json::Object(record).to_string()),
                Ok(None) => break,
                Err(error) => {
                    errors.push(error);
                    if errors.last().is_some_and(Error::ends_body) {
                        return (found, errors);
                    }
                }
            }
        }
        assert!(rest.is_empty(), "bytes were left over");
    }
    match records.end() {
        Ok(record) => found.extend(record.map(|record| Json::Object(record).to_string())),
        Err(error) => {
            errors.push(error);
            return (found, errors);
        }
    }
    assert_eq!(records.end(), Ok(None));
    (found, errors)
}

/// Cuts bytes at these places.
fn cut<'a>(bytes: &'a [u8], places: &[usize]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = places.iter().map(|place| place % (bytes.len() + 1)).collect();
    places.sort_unstable();
    let mut from = 0;
    let mut pieces = Vec::new();
    for place in places.into_iter().chain([bytes.len()]) {
        pieces.push(&bytes[from..place]);
        from = place;
    }
    pieces
}

fn check(media: BodyMedia, body: &[u8], expected: &[&str]) {
    let (found, errors) = read(media, &[body], 1 << 20);
    assert_eq!((found, errors), (expected.iter().map(|text| (*text).to_owned()).collect(), Vec::new()));
}

fn check_error(media: BodyMedia, body: &[u8], limit: usize, expected: &str) {
    let (_, errors) = read(media, &[body], limit);
    assert_eq!(errors.first().expect("no error").to_string(), expected);
}

#[test]
fn each_line_of_ndjson_is_a_record() {
    let check = |body: &[u8], expected: &[&str]| check(BodyMedia::Ndjson, body, expected);
    check(b"", &[]);
    check(b"\n \r\n\t", &[]);
    check(b"{\"a\":1}", &[r#"{"a":1}"#]);
    check(b"{\"a\":1}\r\n\r\n{\"a\":\"x\\ny\"}\n", &[r#"{"a":1}"#, r#"{"a":"x\ny"}"#]);
    check(b"\xef\xbb\xbf{\"a\":12345678901234567890.50}", &[r#"{"a":12345678901234567890.50}"#]);
    check(b"{\"a\":1,\"a\":2}", &[r#"{"a":2}"#]);
}

#[test]
fn a_wrong_line_of_ndjson_is_named() {
    let check = |body: &[u8], expected: &str| check_error(BodyMedia::Ndjson, body, 40, expected);
    check(b"{}\n\n{\"a\" 1}\n", "Invalid or malformed JSON at line 3, column 6.");
    check(b"{}\n{\"a\":", "Invalid or malformed JSON at line 2, column 5.");
    check(b"{\"a\":\"\xff\"}", "Invalid or malformed JSON at line 1, column 7.");
    check(b"\xef\xbb{}", "Invalid or malformed JSON at line 1, column 1.");
    check(b"{}\n[1]\n", "Line 2 of the body: a record must be a JSON object such as {\"name\": \"value\"}.");
    let long = format!("{{}}\n{{\"a\":\"{}\"}}", "x".repeat(40));
    check(
        long.as_bytes(),
        "Line 2 of the body: the record is larger than the 40 bytes that this server accepts.",
    );
}

#[test]
fn each_line_of_csv_is_a_record() {
    let check = |body: &[u8], expected: &[&str]| check(BodyMedia::Csv, body, expected);
    check(b"", &[]);
    check(b"a,b\n", &[]);
    check(b"a,b\n1,2", &[r#"{"a":"1","b":"2"}"#]);
    check(b"\xef\xbb\xbfa,b\r\n\r\n1,\r\n\n,2\r\n", &[r#"{"a":"1","b":""}"#, r#"{"a":"","b":"2"}"#]);
    check(b"\"a\"\"b\",c d\n\"x\ny\",\"1,2\"\n", &[r#"{"a\"b":"x\ny","c d":"1,2"}"#]);
    check(b"a\n\"\"\n", &[r#"{"a":""}"#]);
    check(b"a\rx\r", &[r#"{"a":"x"}"#]);
    // An Arabic letter begins with the bytes of a byte order mark.
    check("\u{fefe}\n\u{fe80}\n".as_bytes(), &["{\"\u{fefe}\":\"\u{fe80}\"}"]);
}

#[test]
fn a_wrong_line_of_csv_is_named() {
    let check = |body: &[u8], expected: &str| check_error(BodyMedia::Csv, body, 40, expected);
    check(b"a,b\n1,2\n\n1\n", "Line 4 of the body: it has fewer cells than the 2 of the header.");
    check(b"a,b\n1,2,3\n", "Line 2 of the body: it has more cells than the 2 of the header.");
    check(b"a,b\n\"x\ny\",1\n1\n", "Line 4 of the body: it has fewer cells than the 2 of the header.");
    check(b"a,b\r\n1,2\r\n1\r\n", "Line 3 of the body: it has fewer cells than the 2 of the header.");
    check(b"\na,b,a\n", "Line 2 of the body: the header names 'a' twice.");
    check(b"a,,b\n", "Line 1 of the body: column 2 of the header has no name.");
    check(b"a\n1\n\xff\n", "Line 3 of the body: cell 1 is not UTF-8.");
    // Each is half of a letter; together they would be one.
    check(b"a,b\n\xc3,\xa9\n", "Line 2 of the body: cell 1 is not UTF-8.");
    check(b"a\n1\n\"x\ny", "Line 3 of the body: a quote is opened and not closed.");
    let long = format!("a\n1\n\"{}\"\n", "x\n".repeat(30));
    check(
        long.as_bytes(),
        "Line 3 of the body: the record is larger than the 40 bytes that this server accepts.",
    );
}

#[test]
fn after_a_wrong_line_the_next_ones_are_read_unless_they_cant_be_told_apart() {
    let check = |media, body: &[u8], expected: &[&str], lines: &[u64]| {
        let (found, errors) = read(media, &[body], 40);
        let line = |error: &Error| match error {
            Error::Json { line, .. } | Error::Line { line, .. } => *line,
            Error::Rest { line, .. } | Error::TooLarge { line, .. } => *line,
            other => panic!("{other}"),
        };
        assert_eq!(found, expected);
        assert_eq!(errors.iter().map(line).collect::<Vec<_>>(), lines);
    };
    let (a1, a3) = (r#"{"a":"1","b":"1"}"#, r#"{"a":"3","b":"3"}"#);
    check(BodyMedia::Csv, b"a,b\n1,1\n2\n3,3\n", &[a1, a3], &[3]);
    check(BodyMedia::Csv, b"a,b\n2,2,2,2\n\xff,2\n3,3", &[a3], &[2, 3]);
    check(BodyMedia::Csv, b"a,b\n1,1\n2,\"\n3,3\n", &[a1], &[3]);
    check(BodyMedia::Csv, b"a,a\n1,1\n", &[], &[1]);
    check(BodyMedia::Ndjson, b"{\"a\":1}\n{\"a\"\n[1]\n{\"a\":3}\n", &[r#"{"a":1}"#, r#"{"a":3}"#], &[2, 3]);
    let long = format!("{{}}\n{}\n{{}}\n", " ".repeat(41));
    check(BodyMedia::Ndjson, long.as_bytes(), &["{}"], &[2]);
}

#[test]
fn a_header_has_a_most_of_columns() {
    let body = "a,".repeat(MAX_HEADER + 1);
    check_error(
        BodyMedia::Csv,
        body.as_bytes(),
        1 << 20,
        "Line 1 of the body: a header may have 32768 columns.",
    );
}

const MAX_HEADER: usize = 32 * 1024;

#[test]
fn many_long_cells_fit_whatever_room_there_was_at_first() {
    let names: Vec<String> = (0..500).map(|number| format!("column{number}")).collect();
    let cells: Vec<String> = (0..500).map(|number| format!("{number}").repeat(50)).collect();
    let body = format!("{}\n{}\n", names.join(","), cells.join(","));
    let (found, errors) = read(BodyMedia::Csv, &[body.as_bytes()], 1 << 20);
    let record: Record = serde_json::from_str(&found[0]).unwrap();
    assert_eq!((found.len(), errors.len(), record.len()), (1, 0, 500));
    assert!(names.iter().zip(&cells).all(|(name, cell)| record[name] == cell.as_str()));
}

#[test]
fn a_record_too_large_is_that_first_however_it_is_cut() {
    let body = b"a\r,,\xefaaa";
    let bytes: Vec<&[u8]> = body.chunks(1).collect();
    assert_eq!(read(BodyMedia::Csv, &bytes, 2), read(BodyMedia::Csv, &[body], 2));
}

/// Bodies of the letters that matter, so that mistakes of every kind come up too.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let csv = prop::sample::select(b"ab,,\"\"\r\n\n\xef\xbb\xbf\xc3\xa9 ".to_vec());
    let json =
        prop::sample::select(vec!["{\"a\":1}", "{\"b\":\"\\n\"}", "\n", "\r\n", "[", " ", "\u{feff}", "é"]);
    prop_oneof![
        prop::collection::vec(csv, 0..60),
        prop::collection::vec(json, 0..20).prop_map(|parts| parts.concat().into_bytes()),
    ]
}

proptest! {
    #[test]
    fn any_cut_gives_the_same_records(
        body in bodies(),
        has_mark: bool,
        places in prop::collection::vec(any::<usize>(), 0..12),
        limit in 1_usize..80,
    ) {
        let body = if has_mark { [BOM, &body].concat() } else { body };
        let bytes: Vec<&[u8]> = body.chunks(1).collect();
        for media in [BodyMedia::Csv, BodyMedia::Ndjson] {
            let whole = read(media, &[&body], limit);
            prop_assert_eq!(&read(media, &cut(&body, &places), limit), &whole);
            prop_assert_eq!(&read(media, &bytes, limit), &whole);
        }
    }

    #[test]
    fn csv_reads_what_csv_writes(rows in prop::collection::vec(prop::collection::vec("[a,\"\r\n=é ]{0,6}", 3), 0..8)) {
        let quoted = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
        let line = |row: &Vec<String>| row.iter().map(quoted).collect::<Vec<_>>().join(",") + "\r\n";
        let body = "x,y,z\n".to_owned() + &rows.iter().map(line).collect::<String>();
        let expected: Vec<String> = rows
            .iter()
            .map(|row| serde_json::json!({ "x": row[0], "y": row[1], "z": row[2] }).to_string())
            .collect();
        prop_assert_eq!(read(BodyMedia::Csv, &[body.as_bytes()], 1 << 20), (expected, Vec::new()));
    }
}
