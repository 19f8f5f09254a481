//! Bytes, borrowed and owned.

use std::fmt;
use std::marker::PhantomData;

use abi_stable::StableAbi;

/// Borrowed bytes: readable until the function that got them returns.
#[repr(C)]
#[derive(Clone, Copy, StableAbi)]
pub struct Slice<'a> {
    pointer: *const u8,
    length: usize,
    lifetime: PhantomData<&'a u8>,
}

impl<'a> Slice<'a> {
    /// Lends these bytes.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { pointer: bytes.as_ptr(), length: bytes.len(), lifetime: PhantomData }
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &'a [u8] {
        if self.length == 0 {
            return &[];
        }
        // SAFETY: `new` is the only constructor on either side of the boundary, so pointer and length come from a live slice, which
        // the lifetime keeps borrowed on the side that made it; the contract forbids the other side to keep it.
        unsafe { std::slice::from_raw_parts(self.pointer, self.length) }
    }
}

/// Owned bytes that release themselves through the side that made them.
#[repr(C)]
#[derive(StableAbi)]
pub struct Buffer {
    pointer: *mut u8,
    length: usize,
    capacity: usize,
    release: unsafe extern "C" fn(*mut u8, usize, usize),
}

// SAFETY: a buffer is a `Vec<u8>` taken apart; nothing else points into it and `release` may run on any thread.
unsafe impl Send for Buffer {}
// SAFETY: shared access only reads the bytes.
unsafe impl Sync for Buffer {}

impl From<Vec<u8>> for Buffer {
    fn from(bytes: Vec<u8>) -> Self {
        let mut bytes = std::mem::ManuallyDrop::new(bytes);
        Self {
            pointer: bytes.as_mut_ptr(),
            length: bytes.len(),
            capacity: bytes.capacity(),
            release: release_vec,
        }
    }
}

/// Puts the `Vec` together again and drops it, in the library whose allocator made it.
unsafe extern "C" fn release_vec(pointer: *mut u8, length: usize, capacity: usize) {
    // SAFETY: called once, from `Buffer::drop`, with the parts that `From<Vec<u8>>` took from a `Vec` of this library.
    drop(unsafe { Vec::from_raw_parts(pointer, length, capacity) });
}

impl Default for Buffer {
    fn default() -> Self {
        Vec::new().into()
    }
}

/// The length only: the bytes may be rows.
impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({} bytes)", self.length)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: pointer and length are those of the `Vec` this buffer owns; an empty `Vec` has a dangling but aligned pointer.
        unsafe { std::slice::from_raw_parts(self.pointer, self.length) }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: the parts are untouched since construction and `drop` runs once.
        unsafe { (self.release)(self.pointer, self.length, self.capacity) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_keeps_its_bytes_until_it_is_dropped() {
        let mut bytes = Vec::with_capacity(64);
        bytes.extend_from_slice(b"rows");
        let buffer = Buffer::from(bytes);
        assert_eq!(buffer.as_ref(), b"rows");
        assert_eq!(Buffer::default().as_ref(), b"");
        assert_eq!(Slice::new(b"").as_bytes(), b"");
    }
}
