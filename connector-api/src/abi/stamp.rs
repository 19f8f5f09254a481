//! What a connector library says of itself in its file, readable without running any of its code.

/// Name of the section that holds the [`Stamp`].
pub const STAMP_SECTION: &str = ".tablegate";

const MAGIC: [u8; 16] = *b"tablegate.stamp\0";

/// Written into the library by `export_connector!`, read from the file by the gateway before it opens the library.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    magic: [u8; 16],
    revision: [u8; 4],
    unwinds: [u8; 4],
    api_version: [u8; 24],
    compiler: [u8; 80],
}

impl Stamp {
    /// The stamp of the crate in which this is expanded; `unwinds` is whether that crate's panics unwind.
    pub const fn new(unwinds: bool) -> Self {
        Self {
            magic: MAGIC,
            revision: super::REVISION.to_le_bytes(),
            unwinds: [unwinds as u8, 0, 0, 0],
            api_version: padded(env!("CARGO_PKG_VERSION")),
            compiler: padded(env!("CONNECTOR_API_COMPILER")),
        }
    }

    /// Reads a stamp from the bytes of its section; `None` when they are not one.
    pub fn parse(section: &[u8]) -> Option<Self> {
        let (magic, rest) = section.split_first_chunk()?;
        let (revision, rest) = rest.split_first_chunk()?;
        let (unwinds, rest) = rest.split_first_chunk()?;
        let (api_version, rest) = rest.split_first_chunk()?;
        let (compiler, _) = rest.split_first_chunk()?;
        (*magic == MAGIC).then_some(Self {
            magic: *magic,
            revision: *revision,
            unwinds: *unwinds,
            api_version: *api_version,
            compiler: *compiler,
        })
    }

    /// The contract revision it was built for.
    pub fn revision(&self) -> u32 {
        u32::from_le_bytes(self.revision)
    }

    /// Its panics unwind, so that they can be caught at the boundary.
    pub fn unwinds(&self) -> bool {
        self.unwinds == [1, 0, 0, 0]
    }

    /// Version of this crate that it was built with.
    pub fn api_version(&self) -> &str {
        text(&self.api_version)
    }

    /// The compiler that built it, as it names itself.
    pub fn compiler(&self) -> &str {
        text(&self.compiler)
    }
}

const fn padded<const N: usize>(text: &str) -> [u8; N] {
    let bytes = text.as_bytes();
    let mut padded = [0; N];
    let mut at = 0;
    // The last byte stays zero. `for` and `get` are not for constant functions.
    #[allow(
        clippy::indexing_slicing,
        reason = "both indices are below the bounds checked in the loop's condition"
    )]
    while at < bytes.len() && at + 1 < N {
        padded[at] = bytes[at];
        at += 1;
    }
    padded
}

fn text(padded: &[u8]) -> &str {
    let end = padded.iter().position(|byte| *byte == 0).unwrap_or(padded.len());
    padded.get(..end).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or("unknown")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_from_its_own_bytes() {
        let stamp = Stamp::new(true);
        let bytes: Vec<u8> =
            [&stamp.magic[..], &stamp.revision, &stamp.unwinds, &stamp.api_version, &stamp.compiler].concat();
        assert_eq!(Stamp::parse(&bytes), Some(stamp));
        assert_eq!(
            (stamp.revision(), stamp.unwinds(), stamp.api_version()),
            (super::super::REVISION, true, "1.0.0")
        );
        assert!(stamp.compiler().starts_with("rustc 1."), "{}", stamp.compiler());
        assert_eq!(Stamp::parse(&bytes[..40]), None);
        assert_eq!(Stamp::parse(&[0; 200]), None);
    }
}
