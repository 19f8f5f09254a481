//! Wakers that cross the boundary.

use std::ffi::c_void;
use std::mem::ManuallyDrop;
use std::task::{RawWaker, RawWakerVTable, Waker};

use abi_stable::StableAbi;

/// A waker of the other side. `data` belongs to the side that made it and is handled through its functions only.
#[repr(C)]
#[derive(Clone, Copy, StableAbi)]
pub struct ForeignWaker {
    data: *const c_void,
    clone: unsafe extern "C" fn(*const c_void) -> *const c_void,
    wake: unsafe extern "C" fn(*const c_void),
    wake_by_ref: unsafe extern "C" fn(*const c_void),
    release: unsafe extern "C" fn(*const c_void),
}

impl ForeignWaker {
    /// Lends a waker: what is made here must not outlive `waker`, but clones of it may.
    pub(super) fn lend(waker: &Waker) -> Self {
        Self { data: std::ptr::from_ref(waker).cast(), clone: clone_waker, wake, wake_by_ref, release }
    }
}

// All four get the address of a `Waker` of this side: the lent one, or one boxed by `clone_waker`.

unsafe extern "C" fn clone_waker(data: *const c_void) -> *const c_void {
    // SAFETY: `data` is the address of a live `Waker`, see above.
    let waker = unsafe { &*data.cast::<Waker>() };
    Box::into_raw(Box::new(waker.clone())).cast_const().cast()
}

unsafe extern "C" fn wake(data: *const c_void) {
    // SAFETY: only clones are woken by value, and a clone is a box that `clone_waker` made.
    unsafe { Box::from_raw(data.cast::<Waker>().cast_mut()) }.wake();
}

unsafe extern "C" fn wake_by_ref(data: *const c_void) {
    // SAFETY: `data` is the address of a live `Waker`, see above.
    unsafe { &*data.cast::<Waker>() }.wake_by_ref();
}

unsafe extern "C" fn release(data: *const c_void) {
    // SAFETY: only clones are released, and a clone is a box that `clone_waker` made.
    drop(unsafe { Box::from_raw(data.cast::<Waker>().cast_mut()) });
}

/// Runs `use_waker` with a standard waker that stands for the lent one.
///
/// # Safety
/// `lent` points to a waker that the other side keeps alive until this returns.
pub(super) unsafe fn with_waker<R>(lent: *const ForeignWaker, use_waker: impl FnOnce(&Waker) -> R) -> R {
    // Not dropped: the lent waker is not ours to release. Its clones are boxes and release themselves.
    // SAFETY: the table's functions treat the pointer as the address of a `ForeignWaker`, which it is.
    let waker = ManuallyDrop::new(unsafe { Waker::from_raw(RawWaker::new(lent.cast(), &TABLE)) });
    use_waker(&waker)
}

const TABLE: RawWakerVTable = RawWakerVTable::new(
    |pointer| {
        // SAFETY: `pointer` is the address of a live `ForeignWaker`: the lent one or a box made here.
        let waker = unsafe { &*pointer.cast::<ForeignWaker>() };
        // SAFETY: `data` belongs to these functions.
        let data = unsafe { (waker.clone)(waker.data) };
        RawWaker::new(Box::into_raw(Box::new(ForeignWaker { data, ..*waker })).cast_const().cast(), &TABLE)
    },
    |pointer| {
        // SAFETY: a waker that is woken by value is a clone, so a box made above.
        let waker = unsafe { Box::from_raw(pointer.cast::<ForeignWaker>().cast_mut()) };
        // SAFETY: `data` belongs to these functions and is used up here.
        unsafe { (waker.wake)(waker.data) }
    },
    |pointer| {
        // SAFETY: `pointer` is the address of a live `ForeignWaker`.
        let waker = unsafe { &*pointer.cast::<ForeignWaker>() };
        // SAFETY: `data` belongs to these functions.
        unsafe { (waker.wake_by_ref)(waker.data) }
    },
    |pointer| {
        // SAFETY: a waker that is dropped is a clone, so a box made above.
        let waker = unsafe { Box::from_raw(pointer.cast::<ForeignWaker>().cast_mut()) };
        // SAFETY: `data` belongs to these functions and is used up here.
        unsafe { (waker.release)(waker.data) }
    },
);

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    struct Counter(AtomicUsize);

    impl Wake for Counter {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn clones_wake_after_the_lent_waker_is_gone_and_nothing_leaks() {
        let counter = Arc::new(Counter(AtomicUsize::new(0)));
        let clones = {
            let waker = Waker::from(counter.clone());
            let lent = ForeignWaker::lend(&waker);
            // SAFETY: `waker` lives until the end of this block.
            unsafe {
                with_waker(&raw const lent, |waker| [waker.clone(), waker.clone().clone(), waker.clone()])
            }
        };
        let [first, second, third] = clones;
        first.wake();
        second.wake_by_ref();
        drop((second, third));
        assert_eq!(counter.0.load(Ordering::SeqCst), 2);
        assert_eq!(Arc::strong_count(&counter), 1);
    }
}
