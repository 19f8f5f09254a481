//! Cursors: only a token that the key has sealed for the same use opens, and what opens is what was sealed. Whatever bytes stand in
//! for a position are understood or refused.
//!
//! The input is `length of the position, position, change of the token`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tablegate::cursor::{Fault, Key, Subject};
use tablegate::fuzzing::{position, position_bytes};

const USE: Subject = [7; 32];
const OTHER_USE: Subject = [8; 32];

fuzz_target!(|data: &[u8]| {
    let Some((length, rest)) = data.split_first() else { return };
    let (content, change) = rest.split_at(usize::from(*length).min(rest.len()));
    let key = Key::from_secret("a key of the fuzz targets, long enough");
    let token = key.seal(&USE, content).expect("randomness");
    assert_eq!(key.open(&USE, &token).as_deref(), Ok(content));
    assert_eq!(key.open(&OTHER_USE, &token), Err(Fault::OtherSubject));
    assert_eq!(
        Key::from_secret("another key of the fuzz targets").open(&USE, &token),
        Err(Fault::Unreadable)
    );
    never_opens(&key, &changed(&token, change));
    never_opens(&key, &String::from_utf8_lossy(rest));
    for columns in 0..4 {
        check_position(content, columns);
    }

    fn never_opens(key: &Key, token: &str) {
        assert_eq!(key.open(&USE, token), Err(Fault::Unreadable), "{token:?} was sealed by nobody");
    }
});

/// Another token: each pair of bytes is a place and what is put there; no pair adds a letter.
fn changed(token: &str, change: &[u8]) -> String {
    let mut bytes = token.as_bytes().to_vec();
    for pair in change.chunks_exact(2) {
        let place = usize::from(pair[0]) % bytes.len();
        bytes[place] = pair[1];
    }
    let changed = String::from_utf8_lossy(&bytes).into_owned();
    if changed == token { format!("{token}A") } else { changed }
}

/// Bytes that are a position stand for the same values when they are written anew.
fn check_position(bytes: &[u8], columns: usize) {
    let Some(values) = position(bytes, columns) else { return };
    let written = position_bytes(&values);
    let again = position(&written, columns).map(|values| position_bytes(&values));
    // Compared as bytes: a number that is none is not equal to itself.
    assert_eq!(again, Some(written), "{values:?}");
}
