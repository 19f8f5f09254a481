//! Settings that a test writes into a copy of the library file: behind the marker stand a fault and two digits that make the
//! service types of the copy its own. Atomics behind a black box: nothing in the library ever writes them, so the compiler would otherwise
//! put their values into the code.

use std::sync::atomic::{AtomicU8, Ordering};

/// Found by the tests in the file; the byte behind it is the fault, the two behind that the digits.
static KNOBS: [AtomicU8; 19] = atomics(*b"tablegate.chaos:-00");

const fn atomics<const N: usize>(bytes: [u8; N]) -> [AtomicU8; N] {
    let mut knobs = [const { AtomicU8::new(0) }; N];
    let mut at = 0;
    #[allow(
        clippy::indexing_slicing,
        reason = "`at` is below N; `for` and `get` are not for constant functions"
    )]
    while at < N {
        knobs[at] = AtomicU8::new(bytes[at]);
        at += 1;
    }
    knobs
}

/// What goes wrong while the library is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// `initialize` does not return.
    InitializeHangs,
    /// `initialize` says that it is not ready.
    InitializeFails,
    /// `describe` does not return.
    DescribeHangs,
    /// `describe` panics.
    DescribePanics,
    /// `describe` answers with something that is no description.
    DescribeMalformed,
}

/// The fault chosen for this copy.
pub(crate) fn fault() -> Fault {
    match byte(16) {
        b'i' => Fault::InitializeHangs,
        b'I' => Fault::InitializeFails,
        b'd' => Fault::DescribeHangs,
        b'p' => Fault::DescribePanics,
        b'm' => Fault::DescribeMalformed,
        _ => Fault::None,
    }
}

/// The digits of this copy.
pub(crate) fn digits() -> String {
    [17, 18].into_iter().map(|at| char::from(byte(at))).collect()
}

fn byte(at: usize) -> u8 {
    std::hint::black_box(&KNOBS).get(at).map_or(0, |knob| knob.load(Ordering::Relaxed))
}

/// Holds its thread for ever.
pub(crate) fn block_for_ever() -> ! {
    loop {
        std::thread::park();
    }
}
