//! What may be wrong with a body, and where. No status code: that belongs to the gateway's error table.

/// A body that can't be read. No text of the body is quoted but names of columns and tags.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not JSON.
    #[error("Invalid or malformed JSON at line {line}, column {column}.")]
    Json {
        /// From 1.
        line: u64,
        /// In bytes, from 1; 0 before the first byte of a line.
        column: u64,
    },
    /// JSON nested deeper than is read.
    #[error("The JSON is nested too deeply at line {line}, column {column}: at most 127 levels are read.")]
    Depth {
        /// From 1.
        line: u64,
        /// In bytes, from 1.
        column: u64,
    },
    /// Something else that is wrong in a line.
    #[error("Line {line} of the body: {problem}.")]
    Line {
        /// From 1.
        line: u64,
        /// What is wrong and what was expected.
        problem: String,
    },
    /// The same, and what comes after it can't be told apart.
    #[error("Line {line} of the body: {problem}.")]
    Rest {
        /// From 1.
        line: u64,
        /// What is wrong and what was expected.
        problem: String,
    },
    /// A form that is not percent-encoded UTF-8.
    #[error("The form in the body is not percent-encoded UTF-8.")]
    Form,
    /// A form with records inside it.
    #[error(
        "A form holds the record of one row, so it goes to the address of that row: write name=x, not resource[0][name]=x. Send new and several records as JSON or CSV."
    )]
    Nested,
    /// One record is larger than a body may be that is kept in memory.
    #[error("Line {line} of the body: the record is larger than the {limit} bytes that this server accepts.")]
    TooLarge {
        /// Where it begins, from 1.
        line: u64,
        /// The most that is accepted.
        limit: usize,
    },
}

impl Error {
    /// Whether no record can be read after it; otherwise it is the error of one record.
    #[must_use]
    pub fn ends_body(&self) -> bool {
        matches!(self, Self::Rest { .. } | Self::TooLarge { .. })
    }

    pub(super) fn line(line: u64, problem: impl Into<String>) -> Self {
        Self::Line { line, problem: problem.into() }
    }

    /// The same where nothing can be read after it: without its header a body has no records.
    pub(super) fn of_the_rest(self) -> Self {
        match self {
            Self::Line { line, problem } => Self::Rest { line, problem },
            other => other,
        }
    }

    pub(super) fn rest(line: u64, problem: impl Into<String>) -> Self {
        Self::Rest { line, problem: problem.into() }
    }

    /// What a JSON parser says about text that begins after so many lines.
    pub(super) fn json(error: &serde_json::Error, lines_before: u64) -> Self {
        let number = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let (line, column) = (lines_before.saturating_add(number(error.line())), number(error.column()));
        // The parser has no kind for it.
        if error.to_string().starts_with("recursion limit") {
            return Self::Depth { line, column };
        }
        Self::Json { line, column }
    }
}
