//! Bodies that are compressed with gzip, undone as they come. Knows nothing of what they hold.

use std::io::{self, Write};

use bytes::{Buf, Bytes};
use flate2::write::MultiGzDecoder;

/// Compressed bytes that are undone at a time. A thousand times as many may come out.
const PIECE: usize = 1024;

/// Undoes the compression of a body: of any number of members one behind the other, as RFC 1952 has it.
pub(super) struct Gzip {
    decoder: MultiGzDecoder<Vec<u8>>,
    /// Bytes that came and are not undone yet.
    held: Bytes,
    is_over: bool,
}

impl Gzip {
    pub(super) fn new() -> Self {
        Self { decoder: MultiGzDecoder::new(Vec::new()), held: Bytes::new(), is_over: false }
    }

    /// Takes compressed bytes, once [`Gzip::next`] has none left.
    pub(super) fn take(&mut self, bytes: Bytes) {
        self.held = bytes;
    }

    /// The next bytes; `None`: more compressed ones are needed.
    ///
    /// # Errors
    /// What is no gzip, in the first member or in a later one.
    pub(super) fn next(&mut self) -> io::Result<Option<Bytes>> {
        while !self.held.is_empty() {
            let piece = self.held.get(..PIECE).unwrap_or(&self.held);
            let size = piece.len();
            self.decoder.write_all(piece)?;
            self.held.advance(size);
            if let Some(bytes) = self.undone() {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }

    /// The last bytes, when no compressed ones will come; `None` after them.
    ///
    /// # Errors
    /// A member that is cut off or whose sum is wrong.
    pub(super) fn end(&mut self) -> io::Result<Option<Bytes>> {
        if std::mem::replace(&mut self.is_over, true) {
            return Ok(None);
        }
        self.decoder.try_finish()?;
        Ok(self.undone())
    }

    fn undone(&mut self) -> Option<Bytes> {
        let bytes = std::mem::take(self.decoder.get_mut());
        (!bytes.is_empty()).then(|| bytes.into())
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn compressed(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    /// What these bytes hold, handed over in pieces of this size.
    fn read(bytes: &[u8], size: usize) -> io::Result<String> {
        let (mut gzip, mut all) = (Gzip::new(), Vec::new());
        for piece in bytes.chunks(size) {
            gzip.take(Bytes::copy_from_slice(piece));
            while let Some(bytes) = gzip.next()? {
                all.extend_from_slice(&bytes);
            }
        }
        while let Some(bytes) = gzip.end()? {
            all.extend_from_slice(&bytes);
        }
        Ok(String::from_utf8(all).unwrap())
    }

    #[test]
    fn all_members_are_read_however_they_are_cut() {
        let (long, members) = ("long ".repeat(50_000), [compressed("a"), compressed(""), compressed("b")]);
        for size in [1, 2, 7, 1 << 20] {
            assert_eq!(read(&members.concat(), size).unwrap(), "ab");
            assert_eq!(read(&compressed(&long), size).unwrap(), long);
        }
    }

    #[test]
    fn what_is_no_gzip_or_is_cut_off_is_refused() {
        let whole = compressed("some text");
        let mut wrong = whole.clone();
        let sum = wrong.len() - 8;
        wrong[sum] ^= 1;
        let garbage = [whole.as_slice(), b"garbage behind it"].concat();
        let half = [whole.as_slice(), &whole[..12]].concat();
        for size in [1, 1 << 20] {
            for bytes in
                [b"no gzip".as_slice(), &whole[..whole.len() - 1], &wrong, &garbage, &half, &whole[..4]]
            {
                assert!(read(bytes, size).is_err(), "{bytes:?}");
            }
        }
    }

    #[test]
    fn little_is_undone_at_a_time() {
        let mut gzip = Gzip::new();
        gzip.take(compressed(&"x".repeat(100 << 20)).into());
        let mut all = 0;
        while let Some(bytes) = gzip.next().unwrap() {
            assert!(bytes.len() <= PIECE * 1100, "{}", bytes.len());
            all += bytes.len();
        }
        all += gzip.end().unwrap().map_or(0, |bytes| bytes.len());
        assert_eq!(all, 100 << 20);
    }
}
