//! A running operation, polled from the other side.

use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use abi_stable::StableAbi;

use super::waker::with_waker;
use super::{Buffer, ForeignWaker};

const PENDING: u32 = 0;
const ITEM: u32 = 1;
const END: u32 = 2;
const ERROR: u32 = 3;

/// What a poll gives.
pub enum Step {
    /// A message of frames (or, for `open`, a JSON text); more may follow.
    Item(Buffer),
    /// Nothing more.
    End,
    /// The operation failed: a JSON [`Error`](crate::Error). Nothing more.
    Failed(Buffer),
}

/// The bytes that start an operation, readable until the entry returns.
#[derive(Debug, Clone, Copy)]
pub struct CallParts<'a> {
    /// JSON of the shape; empty where the operation has none.
    pub head: &'a [u8],
    /// JSON of the [`Context`](crate::model::Context).
    pub context: &'a [u8],
    /// Frames: parameters, records, or nothing.
    pub body: &'a [u8],
}

/// A running operation. Dropping it cancels it.
#[repr(C)]
#[derive(StableAbi)]
pub struct Call {
    data: *mut c_void,
    poll: unsafe extern "C" fn(*mut c_void, *const ForeignWaker, *mut Buffer) -> u32,
    release: unsafe extern "C" fn(*mut c_void),
}

// SAFETY: `data` is a box of a `Send` value (`Call::new` asks for it) and is used through `&mut self` only.
unsafe impl Send for Call {}

impl Call {
    /// Wraps a state and the function that polls it. A panic in `poll` or in the state's drop stays on this side: it ends the call
    /// with the message that `panicked` makes.
    pub fn new<S: PollStep + 'static>(state: S) -> Self {
        Self {
            data: Box::into_raw(Box::new(state)).cast(),
            poll: poll_state::<S>,
            release: release_state::<S>,
        }
    }

    /// Asks for the next step.
    pub fn poll_step(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Step> {
        let waker = ForeignWaker::lend(context.waker());
        let mut item = MaybeUninit::<Buffer>::uninit();
        // SAFETY: `data` belongs to `poll`; the waker outlives the call; `item` is room for one buffer.
        let code = unsafe { (self.poll)(self.data, &raw const waker, item.as_mut_ptr()) };
        match code {
            PENDING => Poll::Pending,
            // SAFETY: with these two codes the other side has written the buffer.
            ITEM => Poll::Ready(Step::Item(unsafe { item.assume_init() })),
            // SAFETY: as above.
            ERROR => Poll::Ready(Step::Failed(unsafe { item.assume_init() })),
            _ => Poll::Ready(Step::End),
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        // SAFETY: `data` belongs to `release`, and `drop` runs once.
        unsafe { (self.release)(self.data) }
    }
}

/// The state behind a [`Call`].
pub trait PollStep: Send {
    /// The next step. After `End` or `Failed` it is not called again.
    fn poll_step(&mut self, context: &mut Context<'_>) -> Poll<Step>;

    /// What to answer when `poll_step` panicked: the JSON of an error.
    fn panicked() -> Buffer;
}

unsafe extern "C" fn poll_state<S: PollStep>(
    data: *mut c_void,
    waker: *const ForeignWaker,
    item: *mut Buffer,
) -> u32 {
    let poll = || {
        // SAFETY: `data` is the box that `Call::new::<S>` made; a call is polled from one place at a time.
        let state = unsafe { &mut *data.cast::<S>() };
        // SAFETY: the caller keeps the waker alive while this runs.
        unsafe { with_waker(waker, |waker| state.poll_step(&mut Context::from_waker(waker))) }
    };
    let step = catch_unwind(AssertUnwindSafe(poll)).unwrap_or_else(|payload| {
        std::mem::forget(payload);
        Poll::Ready(Step::Failed(S::panicked()))
    });
    let (code, buffer) = match step {
        Poll::Pending => return PENDING,
        Poll::Ready(Step::End) => return END,
        Poll::Ready(Step::Item(buffer)) => (ITEM, buffer),
        Poll::Ready(Step::Failed(buffer)) => (ERROR, buffer),
    };
    // SAFETY: the caller gave room for one buffer.
    unsafe { item.write(buffer) };
    code
}

unsafe extern "C" fn release_state<S>(data: *mut c_void) {
    // The payload of a panic may panic itself when dropped, so it is forgotten.
    // SAFETY: `data` is the box that `Call::new::<S>` made, released once.
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(unsafe { Box::from_raw(data.cast::<S>()) })))
    {
        std::mem::forget(payload);
    }
}
