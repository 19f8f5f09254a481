//! Bodies in each form: however the bytes are cut the records are the same, errors name a line that is there, and what was read is
//! read the same from what the gateway writes of it. The first byte says which form.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value as Json;
use tablegate::request::body::{Error, Record, Records, document};
use tablegate::request::media::{BodyMedia, Media};
use tablegate::response::{Layout, convert};

/// Of records that are read one by one; small, so that the bound is met.
const RECORD_LIMITS: [usize; 2] = [64, 1 << 20];

fuzz_target!(|data: &[u8]| {
    let Some((form, body)) = data.split_first() else { return };
    match form {
        b'j' => whole(BodyMedia::Json, Some(Media::Json), body),
        b'n' => records(BodyMedia::Ndjson, Media::Ndjson, body),
        b'c' => records(BodyMedia::Csv, Media::Csv, body),
        b'x' => whole(BodyMedia::Xml, Some(Media::Xml), body),
        b'f' => whole(BodyMedia::Form, None, body),
        _ => {}
    }
});

fn records(media: BodyMedia, written: Media, body: &[u8]) {
    for limit in RECORD_LIMITS {
        let at_once = read(media, [body], limit);
        assert_eq!(read(media, body.chunks(1), limit), at_once, "byte by byte, at most {limit}");
        assert_eq!(read(media, body.chunks(7), limit), at_once, "in pieces, at most {limit}");
        if let Some(error) = &at_once.1 {
            points_into(body, error);
        }
    }
    whole(media, Some(written), body);
}

fn read<'a>(
    media: BodyMedia,
    pieces: impl IntoIterator<Item = &'a [u8]>,
    limit: usize,
) -> (Vec<Record>, Option<Error>) {
    let mut records = Records::new(media, limit);
    let mut found = Vec::new();
    for mut piece in pieces {
        loop {
            match records.next(&mut piece) {
                Ok(Some(record)) => found.push(record),
                Ok(None) => break,
                Err(error) => return (found, Some(error)),
            }
        }
        assert!(piece.is_empty(), "bytes were left over");
    }
    match records.end() {
        Ok(last) => found.extend(last),
        Err(error) => return (found, Some(error)),
    }
    (found, None)
}

fn whole(media: BodyMedia, written: Option<Media>, body: &[u8]) {
    let content = match document(media, body) {
        Ok(content) => content,
        Err(error) => return points_into(body, &error),
    };
    let Some(written) = written else { return };
    let Some(once) = turned(&content, media, written) else { return };
    if written == Media::Xml {
        // Not every JSON document has an XML of its own: an empty tag may have been a null. After one turn none is left of these.
        let twice = turned(&once, media, written);
        assert!(twice.is_none_or(|twice| twice == once), "{once} changes once more");
    } else {
        assert_eq!(once, content);
    }
}

/// A document written in a form and read again; `None` when what is written around it makes it too deep to be read.
fn turned(content: &Json, media: BodyMedia, written: Media) -> Option<Json> {
    let layout = Layout { media: written, ..Layout::default() };
    let bytes = convert(content.to_string().as_bytes(), &layout).expect("a document is JSON");
    match document(media, &bytes) {
        Ok(read) => Some(read),
        Err(error) if error.to_string().contains("nested") => None,
        Err(error) => panic!("{content} is written as {:?}: {error}", String::from_utf8_lossy(&bytes)),
    }
}

fn points_into(body: &[u8], error: &Error) {
    let lines = body.iter().filter(|byte| **byte == b'\n').count() + 1;
    let line = match error {
        Error::Json { line, .. } | Error::Depth { line, .. } => *line,
        Error::Line { line, .. } | Error::Rest { line, .. } | Error::TooLarge { line, .. } => *line,
        _ => return,
    };
    let line = usize::try_from(line).expect("a line that fits into memory");
    assert!((1..=lines).contains(&line), "{error} in {lines} lines");
}
