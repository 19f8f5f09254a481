//! A bounded number of places and the tasks that wait for one. Taking and giving back are atomic operations while nobody waits.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::Waker;

/// Places that are taken for a moment.
#[derive(Debug)]
pub(super) struct Places {
    taken: AtomicUsize,
    limit: AtomicUsize,
    is_awaited: AtomicBool,
    waiting: Mutex<Vec<Waker>>,
}

impl Places {
    pub(super) fn new(limit: usize) -> Self {
        let (taken, limit) = (AtomicUsize::new(0), AtomicUsize::new(limit));
        Self { taken, limit, is_awaited: AtomicBool::new(false), waiting: Mutex::default() }
    }

    /// Takes a place, if one is free.
    pub(super) fn take(&self) -> bool {
        let limit = self.limit.load(Ordering::Relaxed);
        let one_more = |taken: usize| (taken < limit).then_some(taken + 1);
        // Sequentially consistent, here and below: who waits and who leaves must not both miss the other.
        self.taken.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_more).is_ok()
    }

    /// Takes a place, or has the task woken as soon as it is worth another try.
    pub(super) fn take_or_wait(&self, waker: &Waker) -> bool {
        if self.take() {
            return true;
        }
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).push(waker.clone());
        self.is_awaited.store(true, Ordering::SeqCst);
        // A place that came free before the line above woke nobody.
        self.take()
    }

    /// Gives a place back.
    pub(super) fn give_back(&self) {
        self.taken.fetch_sub(1, Ordering::SeqCst);
        if self.is_awaited.load(Ordering::SeqCst) {
            self.wake();
        }
    }

    /// Changes how many places there are.
    pub(super) fn set_limit(&self, limit: usize) {
        self.limit.store(limit, Ordering::Relaxed);
        self.wake();
    }

    /// Wakes all: one that is gone meanwhile would otherwise keep the others waiting.
    fn wake(&self) {
        self.is_awaited.store(false, Ordering::SeqCst);
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        waiting.into_iter().for_each(Waker::wake);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Counter(AtomicUsize);

    impl Wake for Counter {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn waker() -> (Arc<Counter>, Waker) {
        let counter = Arc::<Counter>::default();
        (Arc::clone(&counter), counter.into())
    }

    #[test]
    fn who_finds_no_place_is_woken_once_when_one_comes_free() {
        let (places, (woken, waker)) = (Places::new(1), waker());
        assert!(places.take());
        assert!(!places.take_or_wait(&waker) && !places.take());
        assert_eq!(woken.0.load(Ordering::SeqCst), 0, "nobody has left yet");
        places.give_back();
        assert_eq!(woken.0.load(Ordering::SeqCst), 1);
        assert!(places.take_or_wait(&waker));
        places.give_back();
        assert_eq!(woken.0.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn more_places_wake_who_waits() {
        let (places, (woken, waker)) = (Places::new(1), waker());
        assert!(places.take() && !places.take_or_wait(&waker));
        places.set_limit(2);
        assert_eq!(woken.0.load(Ordering::SeqCst), 1);
        assert!(places.take() && !places.take());
    }

    #[test]
    fn nobody_waits_for_ever() {
        let (places, done) = (Places::new(1), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                    for _ in 0..2_000 {
                        runtime.block_on(std::future::poll_fn(|context| {
                            if places.take_or_wait(context.waker()) {
                                std::task::Poll::Ready(())
                            } else {
                                std::task::Poll::Pending
                            }
                        }));
                        done.fetch_add(1, Ordering::SeqCst);
                        places.give_back();
                    }
                });
            }
        });
        assert_eq!(done.load(Ordering::SeqCst), 8_000);
    }
}
