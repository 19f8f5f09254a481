//! Tests of the keys against repetition: what a second request hears, what is forgotten, what is bounded.

use connector_api::{Error, ErrorKind};

use super::*;
use crate::error::Parts;

fn requests() -> (Arc<Requests>, Instant) {
    (Arc::default(), Instant::now())
}

fn name(number: usize) -> Digest {
    digest([number.to_le_bytes().as_slice()])
}

fn kept(length: usize) -> End {
    Ok(Kept { status: crate::error::OK, body: vec![b'1'; length].into() })
}

#[track_caller]
fn begin(requests: &Arc<Requests>, number: usize, now: Instant) -> Turn {
    match requests.begin(name(number), name(0), now) {
        Ok(Begun::New(turn)) => turn,
        other => panic!("request {number} is known: {other:?}"),
    }
}

#[track_caller]
fn again(requests: &Arc<Requests>, number: usize, now: Instant) -> Result<End, ApiError> {
    match requests.begin(name(number), name(0), now) {
        Ok(Begun::Done(end)) => Ok(end),
        Err(error) => Err(error),
        Ok(Begun::New(turn)) => panic!("request {number} is not known: {turn:?}"),
    }
}

#[test]
fn a_key_is_some_visible_ascii() {
    let check = |text: &str, is_key: bool| assert_eq!(Key::parse(text).is_ok(), is_key, "{text:?}");
    check("8e03978e-40d5-43dd-bc93-6894a57f9324", true);
    check("\"quoted\"", true);
    check(&"x".repeat(255), true);
    check(&"x".repeat(256), false);
    check("", false);
    check("a b", false);
    check("a\n", false);
    check("ü", false);
}

#[test]
fn a_digest_depends_on_the_borders_of_its_parts() {
    let of = |parts: &[&str]| digest(parts.iter().map(|part| part.as_bytes()));
    assert_eq!(of(&["a", "b"]), of(&["a", "b"]));
    assert_ne!(of(&["ab", ""]), of(&["a", "b"]));
}

#[test]
fn a_request_that_is_over_is_answered_as_the_first_time() {
    let (requests, now) = requests();
    let refused = Err(ApiError::unknown_table("t"));
    for (number, end) in [(1, kept(3)), (2, refused)] {
        let turn = begin(&requests, number, now);
        assert_eq!(again(&requests, number, now), Err(ApiError::key_in_use()));
        turn.end(&end);
        assert_eq!(again(&requests, number, now), Ok(end));
    }
}

#[test]
fn the_key_of_another_request_is_refused_even_while_that_runs() {
    let (requests, now) = requests();
    let turn = begin(&requests, 1, now);
    let other = || requests.begin(name(1), name(9), now).unwrap_err();
    assert_eq!(other(), ApiError::key_reused());
    turn.end(&kept(1));
    assert_eq!(other(), ApiError::key_reused());
}

#[test]
fn what_failed_for_the_moment_may_be_tried_again() {
    let (requests, now) = requests();
    for kind in [ErrorKind::Unavailable, ErrorKind::Busy, ErrorKind::Unsupported, ErrorKind::QuotaExhausted] {
        begin(&requests, 1, now).end(&Err(ApiError::from_connector(&Error::new(kind, "no"))));
    }
    begin(&requests, 1, now).end(&Err(ApiError::key_in_use()));
    begin(&requests, 1, now).end(&kept(1));
    assert!(again(&requests, 1, now).is_ok());
}

#[test]
fn what_came_to_an_unknown_end_is_not_done_again() {
    let (requests, now) = requests();
    for (number, kind) in
        [ErrorKind::UnknownOutcome, ErrorKind::Timeout, ErrorKind::Internal].into_iter().enumerate()
    {
        begin(&requests, number, now).end(&Err(ApiError::from_connector(&Error::new(kind, "no"))));
        assert_eq!(again(&requests, number, now), Err(ApiError::key_in_doubt()), "{kind:?}");
    }
    drop(begin(&requests, 7, now));
    assert_eq!(again(&requests, 7, now), Err(ApiError::key_in_doubt()));
    let batch = ApiError::batch("failed", Parts::default());
    let batch = batch.of_kind(ErrorKind::UnknownOutcome);
    begin(&requests, 8, now).end(&Err(batch));
    assert_eq!(again(&requests, 8, now), Err(ApiError::key_in_doubt()));
}

#[test]
fn a_request_is_remembered_for_a_day() {
    let (requests, now) = requests();
    begin(&requests, 1, now).end(&kept(1));
    let running = begin(&requests, 2, now);
    assert!(again(&requests, 1, now + LIFE - Duration::from_secs(1)).is_ok());
    begin(&requests, 1, now + LIFE).end(&kept(2));
    // One that runs is never forgotten.
    assert_eq!(again(&requests, 2, now + LIFE), Err(ApiError::key_in_use()));
    drop(running);
}

#[test]
fn the_oldest_that_are_over_make_room_for_new_ones() {
    let (requests, now) = requests();
    let running = begin(&requests, 0, now);
    (1..=MAX_ENTRIES).for_each(|number| begin(&requests, number, now).end(&kept(1)));
    let state = requests.lock();
    assert_eq!((state.entries.len(), state.order.len()), (MAX_ENTRIES, MAX_ENTRIES));
    assert!(!state.entries.contains_key(&name(1)) && state.entries.contains_key(&name(2)));
    assert!(state.entries.contains_key(&name(0)));
    drop(state);
    drop(running);
}

#[test]
fn new_keys_wait_when_all_that_are_remembered_run() {
    let (requests, now) = requests();
    let running: Vec<Turn> = (0..MAX_ENTRIES).map(|number| begin(&requests, number, now)).collect();
    assert_eq!(requests.begin(name(MAX_ENTRIES), name(0), now).unwrap_err(), ApiError::too_many_keys());
    drop(running);
    drop(begin(&requests, MAX_ENTRIES, now));
}

#[test]
fn answers_are_kept_up_to_a_number_of_bytes() {
    let (requests, now) = requests();
    let count = MAX_BYTES / MAX_ANSWER;
    (0..=count).for_each(|number| begin(&requests, number, now).end(&kept(MAX_ANSWER)));
    assert_eq!(requests.lock().bytes, MAX_BYTES);
    assert!(!requests.lock().entries.contains_key(&name(0)));
    assert!(again(&requests, 1, now).is_ok());
    begin(&requests, 99, now).end(&kept(MAX_ANSWER + 1));
    assert_eq!(again(&requests, 99, now), Err(ApiError::key_without_answer()));
}
