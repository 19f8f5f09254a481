//! What the guards promise, without a library.

use std::sync::mpsc::channel;

use super::*;

fn watchdog_without_thread(workers: usize) -> (Watchdog, Arc<Watch>) {
    let (watches, _) = channel();
    let shared = Shared { tick: AtomicUsize::new(0), inside: Places::new(allowed(workers, 0)), workers };
    let watchdog = Watchdog { shared: Arc::new(shared), watches };
    let watch = watchdog.watch("libslow.so".to_owned());
    (watchdog, watch)
}

#[test]
fn one_worker_stays_outside_of_connectors() {
    let (_watchdog, watch) = watchdog_without_thread(3);
    let first = watch.enter().ok().unwrap();
    let second = watch.enter().ok().unwrap();
    assert!(matches!(watch.enter(), Err(Kept::Crowded)));
    drop(first);
    assert!(watch.enter().is_ok());
    drop(second);
}

#[test]
fn workers_that_are_lost_are_written_off_and_one_goes_on() {
    for (workers, stuck, expected) in [(1, 0, 1), (2, 0, 1), (3, 0, 2), (3, 1, 2), (3, 2, 3), (9, 2, 8)] {
        assert_eq!(allowed(workers, stuck), expected, "{workers} workers, {stuck} stuck");
    }
}

#[test]
fn an_entry_that_outlasts_a_tick_marks_the_library_until_it_returns() {
    let (_watchdog, watch) = watchdog_without_thread(4);
    let tick = || watch.shared.tick.fetch_add(1, Ordering::Relaxed) + 1;
    let inside = watch.enter().ok().unwrap();
    assert_eq!(watch.look(tick()), 0);
    assert_eq!(watch.look(tick()), 1);
    assert!(watch.is_stuck() && matches!(watch.enter(), Err(Kept::Stuck)));
    for _ in 0..SLOTS + 1 {
        assert_eq!(watch.look(tick()), 1);
    }
    drop(inside);
    assert_eq!(watch.look(tick()), 0);
    assert!(!watch.is_stuck() && watch.enter().is_ok());
}

#[test]
fn entries_that_return_are_never_taken_for_stuck() {
    let (_watchdog, watch) = watchdog_without_thread(2);
    for tick in 1..20 {
        drop(watch.enter().ok().unwrap());
        watch.shared.tick.store(tick, Ordering::Relaxed);
        assert_eq!(watch.look(tick), 0);
    }
    assert!(watch.enter().is_ok());
}

#[test]
fn foreign_texts_keep_to_one_line_and_a_bound() {
    assert_eq!(tame("a\nb\u{1b}[31m"), "a\\nb\\u{1b}[31m");
    assert!(tame(&"x".repeat(MAX_ERROR_TEXT * 2)).len() <= MAX_ERROR_TEXT + 4);
    let error = read_error(br#"{"kind":"busy","message":"two\nlines","detail":"\u0007"}"#);
    assert_eq!((error.kind, error.message.as_str()), (ErrorKind::Busy, "two\\nlines"));
    assert_eq!(read_error(b"nonsense").reason.as_deref(), Some("protocol_error"));
}

#[tokio::test]
async fn work_that_is_late_is_left_behind() {
    let (release, wait) = channel::<()>();
    let limit = Duration::from_millis(20);
    let late = on_own_thread("test", limit, move || wait.recv()).await;
    assert_eq!(late.unwrap_err().kind, ErrorKind::Timeout);
    drop(release);
    assert_eq!(on_own_thread("test", Duration::from_secs(5), || 7).await.unwrap(), 7);
}
