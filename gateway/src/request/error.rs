//! The one error of this room: what was wrong with the text of a request, and where. No status code: that belongs to
//! the gateway's error table (every one of these is a bad request).

/// A request text that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// A safe, complete text for the caller. It may quote names and operators, never values.
    pub message: String,
    /// The public name of the parameter that was wrong, such as `filter` or `offset`; empty for the body itself.
    pub parameter: &'static str,
    /// Byte offset of the mistake in that parameter's text; `None` where a position says nothing.
    pub position: Option<usize>,
    /// What would have been right at that position, such as `a value`.
    pub expected: Option<&'static str>,
}

impl Error {
    pub(crate) fn new(parameter: &'static str, message: impl Into<String>) -> Self {
        Self { message: message.into(), parameter, position: None, expected: None }
    }

    /// What is wrong with the body as a whole, or with several parameters together.
    pub(crate) fn whole(message: impl Into<String>) -> Self {
        Self::new("", message)
    }

    pub(crate) fn at(mut self, position: usize) -> Self {
        self.position = Some(position);
        self
    }

    pub(crate) fn expecting(mut self, expected: &'static str) -> Self {
        self.expected = Some(expected);
        self
    }
}
