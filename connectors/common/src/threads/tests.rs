//! The pool, with a counter as the state of each thread.

use std::sync::atomic::AtomicUsize;
use std::sync::mpsc;

use super::*;

#[derive(Default)]
struct Seen {
    opened: AtomicUsize,
    cancelled: AtomicUsize,
}

fn pool(threads: usize, queue: usize, wait: Duration) -> (Threads<usize>, Arc<Seen>) {
    let seen = Arc::new(Seen::default());
    let opener = Arc::clone(&seen);
    let settings = Settings { name: "test".to_owned(), threads, queue, wait };
    let pool = Threads::start(&settings, move |_| {
        let state = opener.opened.fetch_add(1, Ordering::SeqCst);
        let seen = Arc::clone(&opener);
        let cancel: Cancel = Arc::new(move || {
            seen.cancelled.fetch_add(1, Ordering::SeqCst);
        });
        Ok(Owned { state, cancel })
    })
    .unwrap();
    (pool, seen)
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

const LONG: Duration = Duration::from_secs(60);

#[test]
fn a_thread_keeps_its_state_from_job_to_job() {
    let (pool, seen) = pool(1, 10, LONG);
    block_on(async {
        for expected in 0..3 {
            let before = pool.run(|state| Ok(std::mem::replace(state, *state + 1))).await.unwrap();
            assert_eq!(before, expected);
        }
    });
    assert_eq!(seen.opened.load(Ordering::SeqCst), 1);
}

#[test]
fn the_state_is_made_again_after_a_panic_and_after_a_lost_connection_only() {
    let (pool, seen) = pool(1, 10, LONG);
    block_on(async {
        let ordinary = pool.run(|_| Err::<(), _>(Error::new(ErrorKind::Conflict, "duplicate"))).await;
        assert_eq!(ordinary.unwrap_err().kind, ErrorKind::Conflict);
        assert_eq!(pool.run(|state| Ok(*state)).await.unwrap(), 0);
        let panicked = pool.run(|_| -> Result<()> { panic!("as asked") }).await.unwrap_err();
        assert_eq!((panicked.kind, panicked.reason.as_deref()), (ErrorKind::Internal, Some("panic")));
        assert_eq!(pool.run(|state| Ok(*state)).await.unwrap(), 1);
        let lost = pool.run(|_| Err::<(), _>(Error::new(ErrorKind::Unavailable, "gone"))).await;
        assert!(lost.is_err());
        assert_eq!(pool.run(|state| Ok(*state)).await.unwrap(), 2);
    });
    assert_eq!(seen.opened.load(Ordering::SeqCst), 3);
}

#[test]
fn a_state_that_can_not_be_made_fails_the_job_and_is_tried_again() {
    let tries = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&tries);
    let settings = Settings { name: "test".to_owned(), threads: 1, queue: 1, wait: LONG };
    let pool = Threads::start(&settings, move |_| {
        if count.fetch_add(1, Ordering::SeqCst) == 0 {
            return Err(Error::new(ErrorKind::PermissionDenied, "not yours"));
        }
        Ok(Owned { state: (), cancel: Arc::new(|| {}) })
    })
    .unwrap();
    block_on(async {
        assert_eq!(pool.run(|()| Ok(())).await.unwrap_err().kind, ErrorKind::PermissionDenied);
        pool.run(|()| Ok(())).await.unwrap();
    });
}

/// Occupies the only thread until the returned sender is dropped.
fn occupy(pool: &Threads<usize>) -> (mpsc::Sender<()>, impl Future<Output = Result<bool>>) {
    let (release, released) = mpsc::channel::<()>();
    (release, pool.run(move |_| Ok(released.recv().is_err())))
}

async fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) {
    let mut future = Some(future);
    std::future::poll_fn(|context| {
        if let Some(future) = future.take() {
            assert!(future.poll(context).is_pending());
        }
        std::task::Poll::Ready(())
    })
    .await;
}

#[test]
fn a_full_queue_answers_busy_after_the_wait() {
    let (pool, _) = pool(1, 0, Duration::from_millis(200));
    block_on(async {
        let (release, running) = occupy(&pool);
        let mut running = Box::pin(running);
        poll_once(running.as_mut()).await;
        let error = pool.run(|_| Ok(())).await.unwrap_err();
        assert_eq!((error.kind, error.is_temporary), (ErrorKind::Busy, true));
        drop(release);
        assert!(running.await.unwrap());
        pool.run(|_| Ok(())).await.unwrap();
    });
}

#[test]
fn who_waits_less_than_others_is_told_earlier() {
    let (pool, _) = pool(1, 4, LONG);
    block_on(async {
        let (release, running) = occupy(&pool);
        let mut running = Box::pin(running);
        poll_once(running.as_mut()).await;
        let error = pool.run_begun_within(Duration::from_millis(50), |_| Ok(())).await.unwrap_err();
        assert_eq!((error.kind, error.reason.as_deref()), (ErrorKind::Busy, Some("no_connection")));
        drop(release);
        assert!(running.await.unwrap());
    });
}

#[test]
fn a_job_that_does_not_begin_in_time_is_busy_and_never_run() {
    let (pool, _) = pool(1, 4, Duration::from_millis(200));
    let started = Arc::new(AtomicBool::new(false));
    block_on(async {
        let (release, running) = occupy(&pool);
        let mut running = Box::pin(running);
        poll_once(running.as_mut()).await;
        let flag = Arc::clone(&started);
        let late = pool.run(move |_| {
            flag.store(true, Ordering::SeqCst);
            Ok(())
        });
        let error = late.await.unwrap_err();
        assert_eq!((error.kind, error.reason.as_deref()), (ErrorKind::Busy, Some("no_connection")));
        drop(release);
        assert!(running.await.unwrap(), "what runs may take longer");
        pool.run(|_| Ok(())).await.unwrap();
    });
    assert!(!started.load(Ordering::SeqCst));
}

#[test]
fn a_dropped_call_cancels_the_job_that_runs_and_no_other() {
    let (pool, seen) = pool(1, 4, LONG);
    block_on(async {
        let (started, start) = oneshot::channel();
        let (release, released) = mpsc::channel::<()>();
        let mut running = Box::pin(pool.run(move |_| {
            let _ = started.send(());
            let _ = released.recv();
            Ok(())
        }));
        poll_once(running.as_mut()).await;
        start.await.unwrap();
        drop(running);
        assert_eq!(seen.cancelled.load(Ordering::SeqCst), 1);
        drop(release);
        pool.run(|_| Ok(())).await.unwrap();
    });
    assert_eq!(seen.cancelled.load(Ordering::SeqCst), 1);
}

#[test]
fn a_job_whose_caller_is_gone_is_not_started() {
    let (pool, seen) = pool(1, 4, LONG);
    let started = Arc::new(AtomicBool::new(false));
    block_on(async {
        let (release, running) = occupy(&pool);
        let mut running = Box::pin(running);
        poll_once(running.as_mut()).await;
        let flag = Arc::clone(&started);
        let mut waiting = Box::pin(pool.run(move |_| {
            flag.store(true, Ordering::SeqCst);
            Ok(())
        }));
        poll_once(waiting.as_mut()).await;
        drop(waiting);
        drop(release);
        running.await.unwrap();
        pool.run(|_| Ok(())).await.unwrap();
    });
    assert!(!started.load(Ordering::SeqCst));
    assert_eq!(seen.cancelled.load(Ordering::SeqCst), 0);
}

fn set(state: &mut usize, to: usize) -> Result<()> {
    *state = to;
    Ok(())
}

/// Held until the state is 100; the end adds 1000.
fn hold(idle: Duration) -> Hold<usize> {
    Hold { idle, life: LONG, goes_on: |state| *state < 100, end: |state| *state += 1000 }
}

#[test]
fn a_held_thread_runs_the_holder_s_jobs_and_others_wait() {
    let (pool, seen) = pool(1, 4, LONG);
    block_on(async {
        let held = pool.hold(hold(LONG), |state| set(state, 7)).await.unwrap();
        let mut other = Box::pin(pool.run(|state| Ok(*state)));
        poll_once(other.as_mut()).await;
        for expected in [7, 8] {
            assert_eq!(held.run(|state| Ok(std::mem::replace(state, *state + 1))).await.unwrap(), expected);
        }
        assert!(held.run(|_| Err::<(), _>(Error::new(ErrorKind::Conflict, "duplicate"))).await.is_err());
        poll_once(other.as_mut()).await;
        drop(held);
        assert_eq!(other.await.unwrap(), 1009);
    });
    assert_eq!(seen.opened.load(Ordering::SeqCst), 1);
}

#[test]
fn a_thread_that_fails_its_first_job_is_not_held() {
    let (pool, _) = pool(1, 4, LONG);
    block_on(async {
        let refused = pool.hold(hold(LONG), |_| Err(Error::new(ErrorKind::Conflict, "no"))).await;
        assert_eq!(refused.err().map(|error| error.kind), Some(ErrorKind::Conflict));
        assert_eq!(pool.run(|state| Ok(*state)).await.unwrap(), 0);
    });
}

#[test]
fn what_the_first_job_began_is_ended_when_the_caller_goes_meanwhile() {
    let (pool, _) = pool(1, 4, LONG);
    block_on(async {
        let (started, start) = oneshot::channel();
        let (release, released) = mpsc::channel::<()>();
        let mut holding = Box::pin(pool.hold(hold(LONG), move |state| {
            let _ = started.send(());
            let _ = released.recv();
            set(state, 7)
        }));
        poll_once(holding.as_mut()).await;
        start.await.unwrap();
        drop(holding);
        release.send(()).unwrap();
        assert_eq!(pool.run(|state| Ok(*state)).await.unwrap(), 1007);
    });
}

/// The kind with which a job on a thread that was let go fails.
async fn refused(held: &Held<usize>) -> Option<ErrorKind> {
    held.run(|_| Ok(())).await.err().map(|error| error.kind)
}

#[test]
fn a_held_thread_is_let_go_when_silent_when_done_and_when_its_state_is_lost() {
    let (pool, seen) = pool(1, 4, LONG);
    block_on(async {
        let silent = pool.hold(hold(Duration::from_millis(1)), |_| Ok(())).await.unwrap();
        assert_eq!(pool.run(|state| Ok(*state)).await.unwrap(), 1000);
        assert!(silent.is_over());
        assert_eq!(refused(&silent).await, Some(ErrorKind::Cancelled));

        let done = pool.hold(hold(LONG), |state| set(state, 0)).await.unwrap();
        done.run(|state| set(state, 100)).await.unwrap();
        assert_eq!(pool.run(|state| Ok(*state)).await.unwrap(), 1100);
        assert_eq!(refused(&done).await, Some(ErrorKind::Cancelled));

        let lost = pool.hold(hold(LONG), |state| set(state, 0)).await.unwrap();
        assert!(lost.run(|_| -> Result<()> { panic!("as asked") }).await.is_err());
        assert_eq!(pool.run(|state| Ok(*state)).await.unwrap(), 1);
        assert_eq!(refused(&lost).await, Some(ErrorKind::Cancelled));
    });
    assert_eq!(seen.opened.load(Ordering::SeqCst), 2);
}

#[test]
fn a_held_thread_is_let_go_when_its_time_is_over_however_busy_it_is() {
    let (pool, _) = pool(1, 4, LONG);
    block_on(async {
        let short = Hold { life: Duration::from_millis(20), ..hold(LONG) };
        let held = pool.hold(short, |_| Ok(())).await.unwrap();
        let patience = std::time::Instant::now();
        let mut over = None;
        while over.is_none() && patience.elapsed() < LONG {
            over = held.run(|_| Ok(())).await.err();
        }
        let over = over.unwrap();
        assert_eq!((over.kind, over.reason.as_deref()), (ErrorKind::Cancelled, Some("session_lost")));
        assert_eq!(pool.run(|state| Ok(*state)).await.unwrap(), 1000);
    });
}

#[test]
fn a_dropped_job_is_cancelled_and_the_thread_stays_held_for_the_next_caller() {
    let (pool, seen) = pool(1, 4, LONG);
    block_on(async {
        let held = pool.hold(hold(LONG), |state| set(state, 7)).await.unwrap();
        let (started, start) = oneshot::channel();
        let (release, released) = mpsc::channel::<()>();
        let mut running = Box::pin(held.run(move |_| {
            let _ = started.send(());
            let _ = released.recv();
            Ok(())
        }));
        poll_once(running.as_mut()).await;
        start.await.unwrap();
        drop(running);
        assert_eq!(seen.cancelled.load(Ordering::SeqCst), 1);
        for _ in 0..2 {
            let mut given_up = Box::pin(held.run(|state| set(state, 8)));
            poll_once(given_up.as_mut()).await;
        }
        let mut next = Box::pin(held.run(|state| Ok(*state)));
        poll_once(next.as_mut()).await;
        let second = held.run(|state| Ok(*state)).await.unwrap_err();
        assert_eq!((second.kind, second.reason.as_deref()), (ErrorKind::Busy, Some("session_busy")));
        drop(release);
        assert_eq!(next.await.unwrap(), 7);
        assert!(!held.is_over());
    });
}

#[test]
fn a_dropped_pool_ends_what_a_held_thread_holds() {
    static ENDED: AtomicUsize = AtomicUsize::new(0);
    let (pool, _) = pool(1, 4, LONG);
    block_on(async {
        let hold = Hold {
            end: |_| {
                ENDED.fetch_add(1, Ordering::SeqCst);
            },
            ..hold(LONG)
        };
        let held = pool.hold(hold, |_| Ok(())).await.unwrap();
        drop(pool);
        drop(held);
        let patience = std::time::Instant::now();
        while ENDED.load(Ordering::SeqCst) == 0 && patience.elapsed() < LONG {
            std::thread::yield_now();
        }
    });
    assert_eq!(ENDED.load(Ordering::SeqCst), 1);
}
