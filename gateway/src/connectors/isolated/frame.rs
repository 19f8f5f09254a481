//! What goes over the sockets: frames of a length (`u32`), a kind (`u8`), a number (`u64`) and bytes; little endian. The length is that of
//! the bytes.

use std::io::{Error, ErrorKind, Read, Result, Write};

use connector_api::model::batch::MAX_MESSAGE_BYTES;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Length, kind and number.
const HEAD_BYTES: usize = 13;
/// A message of rows, and the few bytes beside it.
const MAX_BYTES: usize = MAX_MESSAGE_BYTES + 1024;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
        /// What a frame is. Numbers are those of calls, unless another is named.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Kind { $($(#[$doc])* $name = $code,)* }

        impl Kind {
            fn of(code: u8) -> Option<Self> { match code { $($code => Some(Self::$name),)* _ => None } }
        }
    };
}

kinds! {
    /// To the child, first: JSON of what it is to load. Number: none.
    Load = 1,
    /// To the child: open the service with the number that leads the bytes; behind it is the request.
    Open = 2,
    /// To the child: a service that an earlier child had open, to be opened when it is needed. Number: the service's.
    Renew = 3,
    /// To the child: service, operation, lengths of head and context, head, context, body.
    Call = 4,
    /// To the child: the call may send another item.
    More = 5,
    /// To the child: nobody waits for the call any more.
    Cancel = 6,
    /// To the child: close a service. Number: the service's.
    Close = 7,
    /// To the child: the most verbose level of its log. Number: the level.
    Level = 8,
    /// From the child, first: JSON of the description, or why there is none. Number: none.
    Loaded = 16,
    /// From the child: an item of a call.
    Item = 17,
    /// From the child: a call has ended.
    End = 18,
    /// From the child: a call has failed; JSON of the error.
    Failed = 19,
    /// From the child: a line of its log: length of the target, target, JSON of the fields. Number: the level.
    Log = 20,
}

/// A frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    pub(super) number: u64,
    pub(super) bytes: Vec<u8>,
}

impl Frame {
    pub(super) fn new(kind: Kind, number: u64, bytes: impl Into<Vec<u8>>) -> Self {
        Self { kind, number, bytes: bytes.into() }
    }

    /// One that says nothing more.
    pub(super) fn bare(kind: Kind, number: u64) -> Self {
        Self::new(kind, number, Vec::new())
    }

    /// Whether it is not too long to be sent.
    pub(super) fn fits(&self) -> bool {
        self.bytes.len() <= MAX_BYTES
    }

    fn head(&self) -> Result<[u8; HEAD_BYTES]> {
        let length = u32::try_from(self.bytes.len()).ok().filter(|_| self.fits());
        let length = length.ok_or_else(|| Error::new(ErrorKind::InvalidInput, "a frame is too long"))?;
        let mut head = [0; HEAD_BYTES];
        let mut rest = head.as_mut_slice();
        rest.write_all(&length.to_le_bytes())?;
        rest.write_all(&[self.kind as u8])?;
        rest.write_all(&self.number.to_le_bytes())?;
        Ok(head)
    }

    /// Writes it, and waits.
    pub(super) fn write(&self, to: &mut impl Write) -> Result<()> {
        to.write_all(&self.head()?)?;
        to.write_all(&self.bytes)
    }

    /// Reads one, and waits. Not a byte more is taken.
    pub(super) fn read(from: &mut impl Read) -> Result<Self> {
        let mut head = [0; HEAD_BYTES];
        from.read_exact(&mut head)?;
        let (length, kind, number) = parsed(&head)?;
        let mut bytes = vec![0; length];
        from.read_exact(&mut bytes)?;
        Ok(Self { kind, number, bytes })
    }

    /// Writes it into a buffer, which is emptied where nothing more waits.
    pub(super) async fn send(&self, to: &mut (impl AsyncWrite + Unpin), is_last: bool) -> Result<()> {
        to.write_all(&self.head()?).await?;
        to.write_all(&self.bytes).await?;
        if is_last { to.flush().await } else { Ok(()) }
    }

    /// Reads one; `None`: the other side has gone.
    pub(super) async fn receive(from: &mut (impl AsyncRead + Unpin)) -> Result<Option<Self>> {
        let mut head = [0; HEAD_BYTES];
        match from.read_exact(&mut head).await {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            read => read?,
        };
        let (length, kind, number) = parsed(&head)?;
        let mut bytes = vec![0; length];
        from.read_exact(&mut bytes).await?;
        Ok(Some(Self { kind, number, bytes }))
    }
}

fn parsed(head: &[u8; HEAD_BYTES]) -> Result<(usize, Kind, u64)> {
    let mut rest = Parts(head);
    let (length, kind, number) = (rest.u32()?, rest.u8()?, rest.u64()?);
    let length = usize::try_from(length).ok().filter(|length| *length <= MAX_BYTES);
    let (Some(length), Some(kind)) = (length, Kind::of(kind)) else { return Err(malformed()) };
    Ok((length, kind, number))
}

/// Bytes that are taken apart from the front.
pub(super) struct Parts<'b>(pub(super) &'b [u8]);

impl<'b> Parts<'b> {
    /// So many bytes.
    fn take(&mut self, count: usize) -> Result<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or_else(malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| malformed())
    }

    fn u8(&mut self) -> Result<u8> {
        self.array().map(u8::from_le_bytes)
    }

    /// A number of 32 bits.
    pub(super) fn u32(&mut self) -> Result<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// A number of 64 bits.
    pub(super) fn u64(&mut self) -> Result<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// Bytes behind their length.
    pub(super) fn counted(&mut self) -> Result<&'b [u8]> {
        let count = self.u32()?;
        self.take(usize::try_from(count).map_err(|_| malformed())?)
    }
}

/// Writes bytes behind their length.
pub(super) fn push_counted(to: &mut Vec<u8>, bytes: &[u8]) {
    // What is longer than this does not fit a frame, which is then refused.
    let count = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    to.extend_from_slice(&count.to_le_bytes());
    to.extend_from_slice(bytes);
}

/// What the other side has sent is no frame, or not one that may come here.
pub(super) fn malformed() -> Error {
    Error::new(ErrorKind::InvalidData, "what came is no frame of this kind")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_comes_out_as_it_went_in_and_leaves_what_follows() {
        let frames = [Frame::new(Kind::Item, 7, [1, 2, 3]), Frame::bare(Kind::End, u64::MAX)];
        let mut bytes = Vec::new();
        frames.iter().for_each(|frame| frame.write(&mut bytes).unwrap());
        let mut rest = bytes.as_slice();
        for frame in frames {
            assert_eq!(Frame::read(&mut rest).unwrap(), frame);
        }
        assert_eq!(Frame::read(&mut rest).unwrap_err().kind(), ErrorKind::UnexpectedEof);
    }

    #[test]
    fn what_is_no_frame_or_too_long_is_refused_before_room_is_made_for_it() {
        let check = |bytes: &[u8]| {
            assert_eq!(Frame::read(&mut &*bytes).unwrap_err().kind(), ErrorKind::InvalidData, "{bytes:?}");
        };
        check(&[0, 0, 0, 0, 99, 0, 0, 0, 0, 0, 0, 0, 0]);
        check(&[255, 255, 255, 255, 17, 0, 0, 0, 0, 0, 0, 0, 0]);
        let long = Frame::new(Kind::Item, 0, vec![0; MAX_BYTES + 1]);
        assert_eq!(long.write(&mut Vec::new()).unwrap_err().kind(), ErrorKind::InvalidInput);
    }

    #[test]
    fn parts_that_are_not_there_are_an_error() {
        let mut bytes = Vec::new();
        push_counted(&mut bytes, b"head");
        let mut parts = Parts(&bytes);
        assert_eq!(parts.counted().unwrap(), b"head");
        assert!(parts.counted().is_err());
        assert!(Parts(&[9, 0, 0, 0, 1]).counted().is_err());
    }
}
